#!/usr/bin/env python3
"""Runs the SQL of every panel, variable and annotation of docker/grafana/dashboards in the database of the PG* environment, as
the role `grafana`, and checks that rows come back in the shape that the panel's type needs."""

import json
import pathlib
import subprocess
import sys

from macros import Unknown, expand

DASHBOARDS = pathlib.Path(__file__).parents[2] / "docker/grafana/dashboards"
NUMBERS = {"double precision", "numeric", "integer", "bigint", "real"}
TIMES = {"timestamp with time zone"}
passed = failed = 0


def check(what, problem):
    global passed, failed
    if problem is None:
        passed += 1
        print(f"ok - {what}")
    else:
        failed += 1
        print(f"not ok - {what}\n#   " + problem.replace("\n", "\n#   "))


def psql(script):
    run = subprocess.run(
        ["psql", "-XqAt", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", "-f", "-"], input=script, capture_output=True, text=True
    )
    if run.returncode != 0:
        raise RuntimeError(run.stderr.strip())
    return [line.split("\x1f") for line in run.stdout.splitlines()]


def answer(sql):
    """Columns with their types, and rows."""
    columns = psql(f"SET ROLE grafana;\n{sql.rstrip().rstrip(';')}\n\\gdesc")
    rows = psql(f"SET ROLE grafana; SET timezone = 'UTC';\n{sql}")
    return columns, rows


def time_series(columns, rows):
    """Wide (time, a number for each line) or long (time, metric, value), in order of time."""
    names = [name for name, _ in columns]
    if names[0] != "time" or not (columns[0][1] in TIMES or columns[0][1] in NUMBERS):
        return f"the first column is no time: {columns}"
    texts = [name for name, kind in columns[1:] if kind == "text"]
    if texts not in ([], ["metric"]):
        return f"text columns: {texts}"
    if not any(kind in NUMBERS for _, kind in columns[1:]):
        return "no column holds numbers"
    times = [float(row[0]) if columns[0][1] in NUMBERS else row[0] for row in rows]
    return None if times == sorted(times) else "rows are not in order of time"


def shape(panel, form, columns, rows):
    if not rows:
        return "no row"
    if form == "time_series":
        return time_series(columns, rows)
    kinds = [kind for _, kind in columns]
    if panel == "stat" and not all(kind in NUMBERS for kind in kinds):
        return f"a stat needs numbers, not {kinds}"
    if panel in ("barchart", "bargauge") and [name for name, _ in columns] != ["metric", "value"]:
        return f"bars need metric and value, not {columns}"
    if panel == "annotation" and [name for name, _ in columns] != ["time", "text"]:
        return f"an annotation needs time and text, not {columns}"
    return None


def macro_tests():
    def made(sql, **variables):
        return expand(sql, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", variables, "5m")

    for sql, wanted in [
        ("$__timeFilter(ts)", "ts BETWEEN '2026-01-01T00:00:00Z' AND '2026-02-01T00:00:00Z'"),
        ("f($__timeFrom(), $__timeTo())", "f('2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z')"),
        ("$__timeGroup(ts, '1h')", "floor(extract(epoch from ts)/3600)*3600"),
        ("$__timeGroupAlias(ts, $__interval)", 'floor(extract(epoch from ts)/300)*300 AS "time"'),
        ("$__interval_ms", "300000"),
        ("$__time(at)", 'at AS "time"'),
    ]:
        got = made(sql)
        check(f"macro {sql}", None if got == wanted else f"{got}\nand not\n{wanted}")
    check("a variable", None if made("'${code}'", code="aov") == "'aov'" else "it was not replaced")
    for sql in ["$__nothing(ts)", "${nothing}", "$__timeGroup(ts, 'soon')"]:
        try:
            check(f"unknown: {sql}", f"it became {made(sql)}")
        except Unknown:
            check(f"unknown: {sql}", None)


def times(dashboards):
    """Prints what each panel's queries took, the median of nine runs in one session: for benches/sql/grafana.sh."""
    for title, panel, sql in dashboards:
        script = f"SET ROLE grafana;\n\\o /dev/null\n\\timing on\n" + f"{sql};\n" * 9
        run = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-f", "-"], input=script, capture_output=True, text=True, check=True)
        took = sorted(float(line.split()[1]) for line in run.stdout.splitlines() if line.startswith("Time:"))
        print(f"{title}: {panel}|{took[len(took) // 2]:.1f}")


def main():
    if sys.argv[1:] != ["--times"]:
        macro_tests()
    timed = []
    ((since, until),) = psql(
        "SET timezone = 'UTC'; SELECT to_char(max(ts) - interval '90 days', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
        "to_char(max(ts) + interval '1 day', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM kpi.value('revenue', 'day')"
    )
    for file in sorted(DASHBOARDS.glob("*.json")):
        dashboard = json.loads(file.read_text())
        title = dashboard["title"]
        variables = {v["name"]: v["current"]["value"] for v in dashboard["templating"]["list"]}

        def run(what, panel, form, sql):
            if sys.argv[1:] == ["--times"]:
                return
            try:
                problem = shape(panel, form, *answer(expand(sql, since, until, variables)))
            except (Unknown, RuntimeError) as error:
                problem = f"{error}\nin: {sql}"
            check(f"{title}: {what}", problem)

        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                run(f"variable {variable['name']}", "variable", "table", variable["query"])
        for annotation in dashboard["annotations"]["list"]:
            run(f"annotation {annotation['name']}", "annotation", "table", annotation["target"]["rawSql"])
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                assert target["datasource"]["uid"] == "pg_kpi"
                timed.append((title, panel["title"], expand(target["rawSql"], since, until, variables)))
                run(f"{panel['title']} ({target['refId']})", panel["type"], target["format"], target["rawSql"])
    if sys.argv[1:] == ["--times"]:
        times(timed)
        return False
    try:
        answer("SELECT * FROM shop.orders")
        check("the role grafana reads no raw table", "it does")
    except RuntimeError as error:
        check("the role grafana reads no raw table", None if "permission denied" in str(error) else str(error))
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
