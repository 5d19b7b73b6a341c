#!/usr/bin/env python3
"""SQLAlchemy: what Superset and other tools learn of the views of pg_kpi by reflection, and the queries that they build from it."""

import datetime
import os
import warnings

import sqlalchemy
from sqlalchemy import MetaData, Table, bindparam, create_engine, exc, func, inspect, select, text
from sqlalchemy.dialects import postgresql

from checks import cases, check, end, equal, lines, row

# A type that the dialect does not know is a warning of reflection, and a failure here.
warnings.simplefilter("error", exc.SAWarning)

SHORT = {"TIMESTAMP WITH TIME ZONE": "timestamptz", "DOUBLE PRECISION": "float8", "INTEGER": "int4", "BIGINT": "int8", "BOOLEAN": "bool",
         "TEXT[]": "_text"}
ENGINE = create_engine("postgresql+psycopg://")


def short(kind):
    """The server's own name of a reflected type."""
    name = kind.compile(dialect=postgresql.dialect())
    return SHORT.get(name, name.lower())


def reflection():
    inspector = inspect(ENGINE)
    wanted = lines("reflection.expected")
    names = sorted({line.split("|")[0] for line in wanted})
    # Reflection reads the system's catalog, and that says to everybody what there is.
    views = inspector.get_view_names("kpi_views")
    equal("views: all of kpi_views", sorted(views), ["fee", "fees", "intact", "largest", "live", "parcels", "scan_time", "secret", "weight"])
    ours = {name.removeprefix("kpi.") for name in names if name.startswith("kpi.")}
    equal("views: of kpi", sorted(ours & set(inspector.get_view_names("kpi"))), ["catalog", "rollup_status", "scorecard"])
    equal("foreign tables: of kpi", sorted(ours & set(inspector.get_foreign_table_names("kpi"))), ["values_day", "values_hour", "values_minute"])
    got, comments = [], []
    for name in names:
        schema, table = name.split(".")
        comments.append(f"{name}|{inspector.get_table_comment(table, schema)['text']}")
        for column in inspector.get_columns(table, schema):
            got.append("|".join([name, column["name"], short(column["type"]), "YES" if column["nullable"] else "NO", column["comment"] or ""]))
    # To SQLAlchemy PostgreSQL's type name is a VARCHAR.
    equal("columns: names, types, nullability and comments", got, [line.replace("|name|YES", "|varchar|YES") for line in wanted])
    equal("views: comments", comments, lines("comments.expected"))
    definitions = [inspector.get_view_definition(name, "kpi_views").split()[0] for name in views]
    equal("views: definitions", definitions, ["SELECT"] * len(views))
    keys = [(inspector.get_pk_constraint(name, "kpi_views")["constrained_columns"], inspector.get_foreign_keys(name, "kpi_views"),
             inspector.get_indexes(name, "kpi_views"), inspector.get_unique_constraints(name, "kpi_views")) for name in views]
    equal("views: no keys and no indexes", keys, [([], [], [], [])] * len(views))


def whole_schema():
    """All views of the schema at once, as a tool does that offers them for choice."""
    metadata = MetaData()
    metadata.reflect(ENGINE, schema="kpi_views", views=True)
    equal("MetaData.reflect: all views", sorted(metadata.tables), sorted(
        f"kpi_views.{name}" for name in ["fee", "fees", "intact", "largest", "live", "parcels", "scan_time", "secret", "weight"]))


def queries():
    """Queries that are built from reflected tables, with parameters."""
    weight = Table("weight", MetaData(), schema="kpi_views", autoload_with=ENGINE)
    c = weight.c
    view = (select(c.ts, c.period, c.region, c.dock, c.express, c.value, c.target, c.status)
            .where(c.period == bindparam("what"), c.ts >= bindparam("since"), c.ts < bindparam("until"))
            .order_by(c.ts, c.region, c.dock, c.express))
    day = Table("values_day", MetaData(), schema="kpi", autoload_with=ENGINE)
    d = day.c.dimensions
    order = [day.c.ts, d["region"].astext, d["dock"].astext, d["express"].astext]
    values = (select(*order, day.c.value, day.c.target, day.c.status)
              .where(day.c.code == bindparam("what"), day.c.ts >= bindparam("since"), day.c.ts < bindparam("until")).order_by(*order))
    read = func.kpi.value(bindparam("what"), "hour", bindparam("since"), bindparam("until")).table_valued(
        sqlalchemy.column("ts", sqlalchemy.DateTime(timezone=True)), sqlalchemy.column("value", sqlalchemy.Double))
    with ENGINE.connect() as connection:
        for name, query in ("view", view), ("values", values), ("function", select(read.c.ts, read.c.value)):
            got, wanted = [], []
            for (what, since, until), answer in cases(name):
                got += [row(values) for values in connection.execute(query, {"what": what, "since": since, "until": until})]
                wanted += answer
            equal(f"prepared {name}: the rows of psql", got, wanted)
        everything = (select(c.ts, c.period, c.region, c.dock, c.express, c.value, c.target, c.status)
                      .where(c.period == "minute").order_by(c.ts, c.region, c.dock, c.express))
        plain = [row(values) for values in connection.execute(everything)]
        equal("plain query: the rows of psql", plain, lines("all.txt"))
        batches = connection.execution_options(stream_results=True, yield_per=250).execute(everything)
        sizes, got = [], []
        for batch in batches.partitions():
            sizes.append(len(batch))
            got += [row(values) for values in batch]
        equal("cursor: the same rows", got, plain)
        equal("cursor: in batches", sizes, [250] * 7 + [150])
        # What a chart of Superset asks: a grain of its own over the rows of one period, and the first rows of a table.
        grain = func.date_trunc("day", c.ts).label("grain")
        chart = select(grain, func.count(), func.max(c.target)).where(c.period == "hour").group_by(grain).order_by(grain)
        check("a chart: grouped by a grain", None if len(connection.execute(chart).all()) == 5 else connection.execute(chart).all())
        equal("a chart: the first rows", len(connection.execute(select(weight).limit(100)).all()), 100)
        equal("a chart: the values of a filter", [r for r, in connection.execute(select(c.region).distinct().order_by(c.region))],
              ["north", "süd", None])
        dictionary = connection.execute(select(day.c.dimensions).where(day.c.code == "fees").limit(1)).scalar_one()
        equal("jsonb: a dict", sorted(dictionary), ["dock", "express", "region"])


def live():
    """A reflected table and its statement stay good while rows come."""
    table = Table("live", MetaData(), schema="kpi_views", autoload_with=ENGINE)
    query = select(table.c.value, table.c.status).where(table.c.period == "day", table.c.client == bindparam("client"))
    owner = create_engine("postgresql+psycopg://", connect_args={"user": os.environ["KPI_OWNER"]}, isolation_level="AUTOCOMMIT")
    with ENGINE.connect().execution_options(isolation_level="AUTOCOMMIT") as connection, owner.connect() as other:
        def answer():
            return [tuple(values) for values in connection.execute(query, {"client": "sqlalchemy"})]

        equal("live: no row yet", [answer() for _ in range(7)], [[]] * 7)
        other.execute(text("INSERT INTO depot.live VALUES ('2025-05-01 12:00Z', 'sqlalchemy')"))
        equal("live: rows that have come", answer(), [(1.0, "bad")])
        other.execute(text("SELECT kpi.refresh('live')"))
        equal("live: after the refresh", answer(), [(1.0, "bad")])


def rights():
    with ENGINE.connect() as connection:
        for what, statement in [("the raw table", "SELECT * FROM depot.parcel"), ("a view without SELECT", "SELECT * FROM kpi_views.secret"),
                                ("kpi.create_kpi", "SELECT kpi.create_kpi('mine', 'parcel', 'count(*)')")]:
            try:
                connection.execute(text(statement))
                check(f"refused: {what}", "it was not")
            except exc.ProgrammingError as error:
                equal(f"refused: {what}", error.orig.sqlstate, "42501")
            connection.rollback()


reflection()
whole_schema()
queries()
live()
rights()
end()
