"""What the two Python clients share: the checks' lines, the reads that psql has answered, values written as psql wrote them."""

import datetime
import os
import pathlib
import struct
import sys

ANSWERS = pathlib.Path(os.environ["KPI_ANSWERS"])
failed = 0


def check(what, problem=None):
    """Prints the line of a check; a problem is what was wrong, None when nothing was."""
    global failed
    if problem is None:
        print(f"ok - {what}")
    else:
        failed += 1
        print(f"not ok - {what}\n#   " + str(problem).replace("\n", "\n#   "))


def equal(what, got, wanted):
    """A check that two lists, or two values, are the same; shows the first difference."""
    if got == wanted:
        return check(what)
    if isinstance(got, list) and isinstance(wanted, list):
        for number, (one, other) in enumerate(zip(got, wanted)):
            if one != other:
                return check(what, f"line {number + 1} of {len(got)} is\n{one}\nand not\n{other}")
        return check(what, f"{len(got)} lines and not {len(wanted)}")
    return check(what, f"{got!r}\nand not\n{wanted!r}")


def end():
    """Prints the closing line."""
    print("done")
    sys.exit(1 if failed else 0)


def lines(name):
    """The lines of a file that run.sh made."""
    return (ANSWERS / name).read_text(encoding="utf-8").splitlines()


def cases(statement):
    """The parameters of each read of a statement, and what psql answered."""
    for number, line in enumerate(lines("cases.tsv"), 1):
        kind, what, since, until = line.split("\t")
        if kind == statement:
            yield (what, datetime.datetime.fromisoformat(since), datetime.datetime.fromisoformat(until)), lines(f"{number}.txt")


def shown(value):
    """A value as depot.shown writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return struct.pack(">d", value).hex()
    if isinstance(value, datetime.datetime):
        since_1970 = value - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        return str(since_1970 // datetime.timedelta(microseconds=1))
    return str(value)


def row(values):
    """A row as psql wrote it."""
    return "|".join(shown(value) for value in values)
