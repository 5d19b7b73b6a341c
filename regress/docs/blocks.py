"""Runs the SQL blocks of Markdown pages against the server that PGHOST, PGPORT and PGUSER name.

Each page gets a new database with pg_kpi in it and one psql session, in which its blocks run in order:

    ```sql          must run without an error; if the next block is ```text or ```console, it must print exactly that
    ```sql error    must fail, and print what the next block says, if there is one
    ```sql skip     is not run, and counted as skipped

What is compared is what psql prints to a person: aligned tables, command tags, notices and errors. Spaces at the end of
lines and empty lines around the output do not count. With --update the pages are rewritten with what was printed.
"""

import difflib
import os
import pathlib
import re
import subprocess
import sys
import time

FENCE = re.compile(r"^(`{3,}) *(\S*) *(.*?) *$")
MARK = "--8<-- block"


class Block:
    """A fenced block: what it is, its lines, and where these are in the page."""

    def __init__(self, language, option, first):
        self.language, self.option, self.first = language, option, first
        self.lines = []

    @property
    def last(self):
        """The index of the closing fence."""
        return self.first + len(self.lines)


def blocks_of(lines):
    """The fenced blocks of a page, in order."""
    found, inside = [], None
    for number, line in enumerate(lines):
        fence = FENCE.match(line)
        if inside is not None:
            if fence and len(fence[1]) >= ticks and not fence[2]:
                found.append(inside)
                inside = None
            else:
                inside.lines.append(line)
        elif fence:
            ticks = len(fence[1])
            inside = Block(fence[2], fence[3], number + 1)
    return found


def sql_blocks(lines):
    """Pairs of an SQL block and the block that holds its output, or None."""
    blocks = blocks_of(lines)
    for block, following in zip(blocks, blocks[1:] + [None]):
        if block.language != "sql":
            continue
        shown = following is not None and following.language in ("text", "console")
        between = lines[block.last + 1:following.first - 1] if shown else []
        yield block, following if shown and not any(line.strip() for line in between) else None


def psql(database, script):
    """What psql printed, errors included and in their place, when it was typed the script."""
    # A block that crashes the server is one failure, not one for each block after it.
    for _ in range(60):
        if subprocess.run(["pg_isready", "-q"], check=False).returncode == 0:
            break
        time.sleep(0.5)
    done = subprocess.run(
        ["psql", "-X", "-d", database],
        input=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env={**os.environ, "PGCLIENTENCODING": "UTF8", "PGTZ": "UTC", "PAGER": ""},
    )
    return done.stdout


def new_database(name):
    """Makes an empty database with the extension in it; returns what psql said when it did not."""
    printed = psql("postgres", f'\\set ON_ERROR_STOP 1\nSET client_min_messages = warning;\n'
                   f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE);\nCREATE DATABASE "{name}" TEMPLATE template0;\n'
                   f'\\c "{name}"\nCREATE EXTENSION pg_kpi;\n\\echo {MARK} made\n')
    return None if f"{MARK} made" in printed else printed


def run_all(database, blocks):
    """The output of each block, and whether it ran to its end. After an error the next block starts a new session."""
    results = {}
    while len(results) < len(blocks):
        start = len(results)
        script = []
        for number in range(start, len(blocks)):
            block = blocks[number]
            stop = 0 if block.option == "error" else 1
            script += [f"\\set QUIET 1\n\\r\n\\set ON_ERROR_STOP {stop}\n\\unset QUIET", f"\\echo {MARK} {number}"]
            script += block.lines + [f"\\echo {MARK} end"]
        printed = psql(database, "\n".join(script) + "\n")
        for part in printed.split(f"{MARK} ")[1:]:
            number, _, text = part.partition("\n")
            if number != "end":
                results[int(number)] = [text, False]
                current = int(number)
            else:
                results[current][1] = True
        if len(results) == start:
            results[start] = [printed, False]
    return [results[number] for number in range(len(blocks))]


def tidy(text):
    """The lines that count: no spaces at their ends, no empty lines around them."""
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n").split("\n")


def fault(block, output, printed, finished):
    """Why a block is not right, or None."""
    if not ends_properly(block):
        return "the block's last statement has no semicolon, so it never ran"
    if block.option == "error":
        if not re.search(r"^(ERROR|FATAL): ", printed, re.MULTILINE):
            return f"it should have failed and did not; it printed:\n{printed}"
    elif not finished:
        return f"it failed:\n{printed}"
    if output is not None and tidy("\n".join(output.lines)) != tidy(printed):
        return "\n".join(difflib.unified_diff(
            tidy("\n".join(output.lines)), tidy(printed), "on the page", "from the server", lineterm=""))
    return None


def ends_properly(block):
    """Whether psql runs the block's last statement: it ends in a semicolon or a psql command."""
    code = [line for line in block.lines if line.strip() and not line.strip().startswith("--")]
    return not code or "\\" in code[-1] or re.sub(r"--.*$", "", code[-1]).rstrip().endswith(";")


def check_page(path, update):
    """Runs a page. Returns how many of its blocks passed, failed and were skipped."""
    lines = path.read_text(encoding="utf-8").split("\n")
    pairs = list(sql_blocks(lines))
    passed = failed = skipped = 0
    for block, _ in pairs:
        if block.option == "skip":
            skipped += 1
            print(f"skip - {path}:{block.first} is marked not to be run")
        elif block.option not in ("", "error"):
            failed += 1
            print(f"not ok - {path}:{block.first} has the unknown mark {block.option!r}: error and skip are known")
    pairs = [pair for pair in pairs if pair[0].option in ("", "error")]
    if not pairs:
        return passed, failed, skipped
    database = "docs_" + re.sub(r"\W", "_", path.stem.lower())
    refused = new_database(database)
    if refused is not None:
        print(f"not ok - {path}: its database could not be made\n{refused}")
        return passed, failed + 1, skipped
    results = run_all(database, [block for block, _ in pairs])
    for (block, output), (printed, finished) in reversed(list(zip(pairs, results))):
        if update and output is not None:
            lines[output.first:output.last] = tidy(printed)
            output.lines = tidy(printed)
    for (block, output), (printed, finished) in zip(pairs, results):
        why = fault(block, output, printed, finished)
        if why is None:
            passed += 1
            print(f"ok - {path}:{block.first}")
        else:
            failed += 1
            print(f"not ok - {path}:{block.first}")
            print("\n".join("    " + line for line in why.split("\n")))
    if update:
        path.write_text("\n".join(lines), encoding="utf-8")
    return passed, failed, skipped


def main():
    """Runs every page named on the command line."""
    update = "--update" in sys.argv[1:]
    pages = [pathlib.Path(name) for name in sys.argv[1:] if not name.startswith("--")]
    counts = [check_page(page, update) for page in pages if page.exists()]
    passed, failed, skipped = (sum(column) for column in zip((0, 0, 0), *counts))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
