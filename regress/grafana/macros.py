"""What Grafana makes of a panel's SQL before it sends it to PostgreSQL: the macros that its documentation of the PostgreSQL
data source lists, and dashboard variables."""

import re

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Unknown(ValueError):
    """A macro or variable that nobody defined."""


def seconds(interval):
    match = re.fullmatch(r"'?(\d+)([smhdw])'?", interval.strip())
    if not match:
        raise Unknown(f"not an interval: {interval}")
    return int(match[1]) * SECONDS[match[2]]


def group(arguments, alias):
    column, interval = arguments[0], seconds(arguments[1])
    return f"floor(extract(epoch from {column})/{interval})*{interval}" + (' AS "time"' if alias else "")


def expand(sql, since, until, variables, interval="6h"):
    """The SQL with its macros and variables replaced; since and until are ISO times in UTC."""
    macros = {
        "time": lambda a: f'{a[0]} AS "time"',
        "timeFilter": lambda a: f"{a[0]} BETWEEN '{since}' AND '{until}'",
        "timeFrom": lambda a: f"'{since}'",
        "timeTo": lambda a: f"'{until}'",
        "timeGroup": lambda a: group(a, False),
        "timeGroupAlias": lambda a: group(a, True),
        "unixEpochFilter": lambda a: f"{a[0]} >= extract(epoch from '{since}'::timestamptz) AND {a[0]} <= extract(epoch from '{until}'::timestamptz)",
    }

    def variable(match):
        name = match[1]
        if name not in variables:
            raise Unknown(f"variable {name}")
        return variables[name]

    def macro(match):
        if match[1] not in macros:
            raise Unknown(f"macro $__{match[1]}")
        return macros[match[1]]([part.strip() for part in match[2].split(",")])

    sql = re.sub(r"\$__interval_ms\b", str(seconds(interval) * 1000), sql)
    sql = re.sub(r"\$__interval\b", interval, sql)
    sql = re.sub(r"\$\{(\w+)(?::\w+)?\}", variable, sql)
    sql = re.sub(r"\$__(\w+)\(([^()]*)\)", macro, sql)
    if "$__" in sql:
        raise Unknown(sql[sql.index("$__") :][:30])
    return sql
