#!/usr/bin/env python3
"""psycopg 3: what an application does with the views of pg_kpi, as a role that may read some of them. See run.sh."""

import datetime
import math
import os

import psycopg
from psycopg import errors

from checks import cases, check, end, equal, lines, row
from psycopg_stream import changes

VIEW = ("SELECT ts, period, region, dock, express, value, target, status FROM kpi_views.weight "
        "WHERE period = %s AND ts >= %s AND ts < %s ORDER BY ts, region, dock, express")
VALUES = ("SELECT ts, dimensions->>'region', dimensions->>'dock', dimensions->>'express', value, target, status FROM kpi.values_day "
          "WHERE code = %s AND ts >= %s AND ts < %s ORDER BY 1, 2, 3, 4")
FUNCTION = "SELECT ts, value FROM kpi.value(%s, 'hour', %s, %s)"
ALL = "SELECT ts, period, region, dock, express, value, target, status FROM kpi_views.weight WHERE period = 'minute' ORDER BY 1, 3, 4, 5"
COLUMNS = """
    SELECT c.table_schema || '.' || c.table_name, c.column_name, c.udt_name, c.is_nullable,
           coalesce(col_description(r.oid, c.ordinal_position), '')
    FROM information_schema.columns c, LATERAL (SELECT to_regclass(quote_ident(c.table_schema) || '.' || quote_ident(c.table_name))::oid AS oid) r
    WHERE c.table_schema IN ('kpi_views', 'kpi') AND c.table_schema || '.' || c.table_name = ANY (%s)
    ORDER BY 1, c.ordinal_position"""


def reader(**options):
    return psycopg.connect(**options)


def owner():
    return psycopg.connect(user=os.environ["KPI_OWNER"], autocommit=True)


def prepared(connection, how, binary):
    """Each statement is prepared once and executed for all of its cases: more often than the server needs to plan it for all."""
    for name, statement in ("view", VIEW), ("values", VALUES), ("function", FUNCTION):
        with connection.cursor(binary=binary) as cursor:
            got, wanted = [], []
            for parameters, answer in cases(name):
                cursor.execute(statement, parameters, prepare=True)
                got += [row(values) for values in cursor]
                wanted += answer
        equal(f"prepared {name}, {how}: the rows of psql", got, wanted)


def plans(connection):
    """How often the statement of the view was planned with its parameters unknown."""
    return connection.execute(
        "SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE '%kpi_views.weight%'"
    ).fetchone()[0]


def generic():
    """A plan that knows no parameter pushes them down as they come."""
    with reader(autocommit=True) as connection:
        connection.execute("SET plan_cache_mode = force_generic_plan")
        prepared(connection, "generic plan", binary=True)
        check("prepared: by the generic plan", None if plans(connection) >= 12 else f"{plans(connection)} times only")
        # psycopg's own statements have names of its own, so this one is prepared in SQL.
        connection.execute("PREPARE one_hour (text, timestamptz, timestamptz) AS SELECT ts, value FROM kpi_views.weight "
                           "WHERE period = $1 AND ts >= $2 AND ts < $3")
        (plan,), = connection.execute(
            "EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE one_hour ('minute', '2025-03-28 05:00Z', '2025-03-28 06:00Z')").fetchone()
        scan = plan["Plan"]
        equal("prepared: parameters reach the rollup", (scan["Node Type"], scan["Actual Rows"], scan.get("Rows Removed by Filter", 0)),
              ("Foreign Scan", 20, 0))


def live():
    """The answer of a statement that stays prepared follows rows, refreshes and changed definitions."""
    query = "SELECT value, target, status FROM kpi_views.live WHERE period = %s AND client = %s"
    with reader(autocommit=True) as connection, owner() as other:
        def answer():
            return connection.execute(query, ("day", "psycopg"), prepare=True).fetchall()

        equal("live: no row yet", [answer() for _ in range(7)], [[]] * 7)
        other.execute("INSERT INTO depot.live VALUES ('2025-05-01 12:00Z', 'psycopg'), ('2025-05-01 13:00Z', 'psycopg')")
        equal("live: rows that have come", answer(), [(2.0, 3.0, "bad")])
        other.execute("SELECT kpi.refresh('live')")
        equal("live: after the refresh", answer(), [(2.0, 3.0, "bad")])
        other.execute("INSERT INTO depot.live VALUES ('2025-05-01 12:00Z', 'psycopg')")
        equal("live: a late row", answer(), [(3.0, 3.0, "ok")])
        other.execute("SELECT kpi.alter_kpi('live', target => 4)")
        equal("live: another target", answer(), [(3.0, 4.0, "bad")])
        other.execute("SELECT kpi.alter_kpi('live', target => 3)")


def cursors():
    """A named cursor is one of the server: rows come in batches, all of them of the time when it was opened."""
    with reader() as connection, owner() as other:
        plain = [row(values) for values in connection.execute(ALL)]
        equal("plain query: the rows of psql", plain, lines("all.txt"))
        for binary in False, True:
            with connection.cursor(name="batches", binary=binary) as cursor:
                cursor.execute(ALL)
                sizes, got = [], []
                while batch := cursor.fetchmany(250):
                    sizes.append(len(batch))
                    got += [row(values) for values in batch]
            equal(f"cursor, {'binary' if binary else 'text'}: the same rows", got, plain)
            equal("cursor: in batches", sizes, [250] * 7 + [150])
        with connection.cursor(name="parameters") as cursor:
            parameters, answer = next(cases("view"))
            cursor.itersize = 20
            equal("cursor with parameters", [row(values) for values in cursor.execute(VIEW, parameters)], answer)
        with connection.cursor(name="scrolling", scrollable=True) as cursor:
            first = cursor.execute(ALL).fetchmany(100)
            cursor.scroll(0, mode="absolute")
            equal("cursor: back to its start", repr(cursor.fetchmany(100)), repr(first))
        other.execute("INSERT INTO depot.live SELECT timestamptz '2025-06-01Z' + i * interval '1 minute', 'psycopg cursor' FROM generate_series(1, 300) AS i")
        once = "SELECT value FROM kpi_views.live WHERE period = 'minute' AND client = 'psycopg cursor' ORDER BY ts"
        with connection.cursor(name="snapshot") as cursor:
            got = cursor.execute(once).fetchmany(10)
            other.execute("INSERT INTO depot.live SELECT at, client FROM depot.live WHERE client = 'psycopg cursor'")
            other.execute("SELECT kpi.refresh('live')")
            got += cursor.fetchall()
        equal("cursor: rows of the time when it was opened", got, [(1.0,)] * 300)
        equal("cursor: the next query sees what has come", connection.execute(once).fetchall(), [(2.0,)] * 300)
    with reader() as connection, connection.cursor(name="held", withhold=True) as cursor:
        cursor.execute(ALL)
        connection.commit()
        equal("cursor: held beyond its transaction", len(cursor.fetchall()), len(plain))


def reflection():
    with reader() as connection:
        wanted = lines("reflection.expected")
        names = sorted({line.split("|")[0] for line in wanted})
        got = ["|".join(values) for values in connection.execute(COLUMNS, (names,))]
        equal("columns: names, types, nullability and comments", got, wanted)
        listed = connection.execute(
            "SELECT table_schema || '.' || table_name FROM information_schema.tables WHERE table_schema = 'kpi_views' ORDER BY 1")
        equal("views: those that the role may read", [name for name, in listed], [name for name in names if name.startswith("kpi_views")])
        comments = connection.execute(
            "SELECT n || '|' || obj_description(n::regclass) FROM unnest(%s::text[]) AS n ORDER BY n", (names,))
        equal("views: comments", [line for line, in comments], lines("comments.expected"))
        described = connection.execute(VIEW, ("day", *[datetime.datetime(2025, 4, 1, tzinfo=datetime.timezone.utc)] * 2)).description
        equal("result: names and types", [(column.name, column.type_display) for column in described], [
            ("ts", "timestamptz"), ("period", "text"), ("region", "text"), ("dock", "int4"), ("express", "bool"),
            ("value", "float8"), ("target", "float8"), ("status", "text")])


def types():
    for zone in "UTC", "Europe/Berlin", "America/St_Johns":
        with reader(options=f"-c timezone={zone}") as connection:
            for binary in False, True:
                cursor = connection.cursor(binary=binary).execute(ALL)
                equal(f"time zone {zone}, {'binary' if binary else 'text'}: the same instants",
                      [row(values) for values in cursor], lines("all.txt"))
            ts, = connection.execute("SELECT max(ts) FROM kpi_views.weight WHERE period = 'day'").fetchone()
            check(f"time zone {zone}: a time knows its zone", None if ts.utcoffset() is not None else repr(ts))
    with reader() as connection:
        for binary in False, True:
            cursor = connection.cursor(binary=binary)
            form = "binary" if binary else "text"
            values = [value for value, in cursor.execute("SELECT value FROM kpi_views.weight WHERE period = 'minute'")]
            check(f"null, {form}", None if None in values else "there is none")
            check(f"NaN, {form}", None if any(value is not None and math.isnan(value) for value in values) else "there is none")
            json = cursor.execute("SELECT dimensions, dimensions->>'region', dimensions->>'dock' FROM kpi.values_day WHERE code = 'fees'").fetchall()
            equal(f"jsonb, {form}: a dict", [(d["region"], d["dock"]) for d, _, _ in json],
                  [(region, None if dock is None else int(dock)) for _, region, dock in json])
            catalog = cursor.execute(
                "SELECT code, dimensions, requires, approximate, target, view::text FROM kpi.catalog WHERE code IN ('weight', 'fee') ORDER BY code")
            equal(f"catalog, {form}: arrays, flags and numbers", catalog.fetchall(), [
                ("fee", None, ["fees", "parcels"], False, None, "kpi_views.fee"),
                ("weight", ["region", "dock", "express"], [], False, 4.7, "kpi_views.weight")])
            scorecard = cursor.execute("SELECT code FROM kpi.scorecard")
            equal(f"scorecard, {form}: the KPIs that the role may read", [code for code, in scorecard],
                  ["fee", "fees", "intact", "largest", "live", "parcels", "scan_time", "weight"])
    with reader() as connection:
        connection.read_only = True
        equal("a read-only transaction", connection.execute(FUNCTION, next(cases("function"))[0]).rowcount > 0, True)


REFUSED = {
    "the raw table": ("SELECT * FROM depot.parcel", "permission denied for table parcel"),
    "the rollup": ("SELECT * FROM kpi_rollup.parcel_day", "permission denied for table parcel_day"),
    "a view without SELECT": ("SELECT * FROM kpi_views.secret", "permission denied for view secret"),
    "a code without SELECT": ("SELECT * FROM kpi.value('secret', 'day')", 'permission denied for KPI "secret"'),
    "kpi.create_kpi": ("SELECT kpi.create_kpi('mine', 'parcel', 'count(*)')", 'must be owner of source "parcel"'),
    "kpi.create_kpi over others": ("SELECT kpi.create_kpi('mine', NULL, '{fees} / 2')", 'must be owner of KPI "fees"'),
    "kpi.refresh": ("SELECT kpi.refresh('parcel')", 'must be owner of source "parcel"'),
    "kpi.drop_kpi": ("SELECT kpi.drop_kpi('fees')", 'must be owner of KPI "fees"'),
    "a write": ("INSERT INTO kpi_views.fees (value) VALUES (1)", "permission denied for view fees"),
}


def rights():
    with reader(autocommit=True) as connection:
        for what, (statement, message) in REFUSED.items():
            try:
                connection.execute(statement)
                check(f"refused: {what}", "it was not")
            except errors.InsufficientPrivilege as error:
                equal(f"refused: {what}", (error.sqlstate, error.diag.message_primary), ("42501", message))
        try:
            connection.execute("SELECT * FROM kpi.value('secret', 'day')")
        except errors.InsufficientPrivilege as error:
            equal("refused: the hint says what to type", error.diag.message_hint,
                  "Its owner can grant it: GRANT SELECT ON kpi_views.secret TO <role>.")


reflection()
with reader(autocommit=True) as session:
    prepared(session, "text", binary=False)
    prepared(session, "binary", binary=True)
generic()
live()
cursors()
types()
rights()
changes()
end()
