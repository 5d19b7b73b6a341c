#!/usr/bin/env python3
"""Random queries give the same answers before a table is archived, after, while that happens, and after it has been restored.

    differential.py native|hypertable SERVER [SEED]

works in the database that PGHOST, PGPORT, PGUSER and PGDATABASE name, with the archive in the foreign server of that name, and prints
`ok` and `not ok` lines. DIFFERENTIAL_QUERIES is how many queries there are (500). The seed is printed: with it a run can be repeated.
"""

import os
import random
import re
import subprocess
import sys
import threading

QUERIES = int(os.environ.get("DIFFERENTIAL_QUERIES", 500))
MARK = "----- query "

TABLE = """
CREATE TYPE {t}_mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE {t} (ts timestamptz NOT NULL, id bigint NOT NULL, device int, small smallint, value float8, ratio real, amount numeric(12,2), exact numeric,
    note text, flag bool, day date, local timestamp, at time, key uuid, tags text[], doc jsonb, mood {t}_mood, span interval, raw bytea) {partitioned};
"""
# All sums over these are exact in floating point, in whatever order. What is rare, NULL, NaN or infinite, is so in some months only.
ROWS = """
INSERT INTO {t} SELECT timestamptz '2024-01-01Z' + i * interval '400 seconds' + (i % 7) * interval '1 second', i, nullif(i * 7919 % 23, 3), i % 100 - 50,
    CASE WHEN i % 997 = 5 AND i > 9000 THEN 'NaN' WHEN i % 499 = 7 AND i < 9000 THEN '-Infinity' WHEN i % 13 = 1 THEN NULL ELSE (i * 31 % 8009 - 4000) / 8.0 END,
    (i % 1001) / 4.0, (i * 37 % 100003 - 50000) / 100.0, CASE WHEN i % 1999 = 0 THEN 'NaN'::numeric ELSE i * 1.10 END,
    CASE WHEN i % 17 = 0 THEN NULL WHEN i % 19 = 0 THEN '' ELSE (ARRAY['alpha', 'beta', 'gamma', 'Alpha', 'alpha-2', 'ünï'])[1 + i * 11 % 6] || '/' || i % 50 END,
    nullif(i % 5, 4) > 1, date '2024-01-01' + i * 3 % 200, timestamp '2024-01-01' + i * interval '11 minutes', time '00:00' + i % 86400 * interval '1 second',
    md5((i % 3000)::text)::uuid, CASE WHEN i % 4 = 0 THEN ARRAY['a', (i % 9)::text] WHEN i % 4 = 1 THEN '{{}}' END, jsonb_build_object('n', i % 40, 's', 'x' || i % 3),
    (enum_range(NULL::{t}_mood))[1 + i % 3], i % 100 * interval '1 hour', decode(md5((i % 77)::text), 'hex')
FROM generate_series(0, 20000) i;
INSERT INTO {t} (ts, id, note) SELECT date_trunc('day', now()) - i * interval '1 hour', 1000000 + i, 'hot' FROM generate_series(0, 20) i;
"""
PARTITIONS = """
SELECT format('CREATE TABLE {t}_%s PARTITION OF {t} FOR VALUES FROM (%L) TO (%L)', to_char(m, 'MM'), m, m + interval '1 month')
FROM generate_series(timestamptz '2024-01-01Z', '2024-03-01Z', '1 month') m \\gexec
CREATE TABLE {t}_hot PARTITION OF {t} FOR VALUES FROM ('2024-04-01Z') TO (MAXVALUE);
"""
HYPERTABLE = """
SELECT create_hypertable('{t}', 'ts', chunk_time_interval => interval '30 days') \\g /dev/null
"""


class Generator:
    """Queries over the table, by chance."""

    def __init__(self, table, seed):
        self.table = table
        self.random = random.Random(seed)

    def pick(self, *choices):
        return self.random.choice(choices)

    def number(self, low, high):
        return self.random.randint(low, high)

    def time(self):
        r = self.random
        return self.pick(
            f"timestamptz '2024-0{r.randint(1, 4)}-{r.randint(1, 28):02} {r.randint(0, 23):02}:00Z'",
            f"timestamptz '2024-01-01Z' + interval '{r.randint(0, 20500) * 400} seconds'",
            f"timestamptz '2024-0{r.randint(1, 4)}-01Z'",
            f"date_trunc('month', now()) - interval '{r.randint(600, 1100)} days'",
            "timestamptz '-infinity'",
            "timestamptz 'infinity'",
            f"(SELECT min(ts) + interval '{r.randint(0, 90)} days' FROM {self.table} WHERE id < 100)",
        )

    # A value for each column, most of them ones that occur.
    def value(self, column):
        n = self.number
        match column:
            case "ts":
                return self.time()
            case "id":
                return str(n(-10, 20100))
            case "device":
                return str(n(-1, 24))
            case "small":
                return str(n(-52, 52))
            case "value":
                return self.pick(f"{n(-4100, 4100) / 8.0}::float8", "'NaN'::float8", "'-Infinity'::float8", "'Infinity'::float8", f"{n(-600, 600)}")
            case "ratio":
                return f"{n(0, 1010) / 4.0}::real"
            case "amount":
                return self.pick(f"{n(-51000, 51000) / 100.0}", f"{n(-510, 510)}", "0.005", "1e20")
            case "exact":
                return self.pick(f"{n(0, 20000) * 1.1:.1f}", f"{n(0, 20000) * 1.1:.2f}", "'NaN'::numeric", "'Infinity'::numeric")
            case "note":
                return self.pick("''", "'hot'", "'alpha'", f"'{self.pick('alpha', 'beta', 'gamma', 'Alpha', 'alpha-2', 'ünï', 'zz')}/{n(0, 50)}'")
            case "flag":
                return self.pick("true", "false")
            case "day":
                return self.pick(f"date '2024-01-01' + {n(-3, 205)}", "date '-infinity'")
            case "local":
                return f"timestamp '2024-01-01' + interval '{n(-11, 221000)} minutes'"
            case "at":
                return f"time '{n(0, 23):02}:{n(0, 59):02}:{n(0, 59):02}'"
            case "key":
                return f"md5('{n(-5, 3005)}')::uuid"
            case "tags":
                return self.pick(f"ARRAY['a', '{n(0, 9)}']", "'{}'::text[]")
            case "doc":
                return f"""'{{"n": {n(0, 41)}, "s": "x{n(0, 3)}"}}'::jsonb"""
            case "mood":
                return f"'{self.pick('sad', 'ok', 'happy')}'"
            case "span":
                return f"interval '{n(0, 100)} hours'"
            case "raw":
                return f"decode(md5('{n(-1, 80)}'), 'hex')"

    COLUMNS = "ts id device small value ratio amount exact note flag day local at key tags doc mood span raw".split()
    ORDERED = [c for c in COLUMNS if c != "flag"]
    NUMBERS = "id device small ratio amount".split()

    def column(self):
        return self.pick("ts", "ts", "id", *self.COLUMNS)

    def condition(self, depth=0):
        if depth < 2 and self.random.random() < 0.35:
            return f"({self.condition(depth + 1)} {self.pick('AND', 'AND', 'OR')} {self.condition(depth + 1)})"
        if self.random.random() < 0.08:
            return f"NOT ({self.condition(depth + 1)})"
        column = self.column()
        v = lambda: self.value(column)
        shapes = [
            lambda: f"{column} {self.pick('=', '<', '<=', '>', '>=', '<>')} {v()}",
            lambda: f"{column} {self.pick('=', '<', '<=', '>', '>=')} {v()}",
            lambda: f"{v()} {self.pick('=', '<', '<=', '>', '>=')} {column}",
            lambda: f"{column} BETWEEN {v()} AND {v()}",
            lambda: f"{column} IN ({', '.join(v() for _ in range(self.number(1, 5)))})",
            lambda: f"{column} NOT IN ({v()}, {v()})",
            lambda: f"{column} IN ({v()}, NULL)",
            lambda: f"{column} IS {self.pick('', 'NOT ')}NULL",
            lambda: f"{column} IS {self.pick('', 'NOT ')}DISTINCT FROM {v()}",
            lambda: f"{column} = NULL",
        ]
        special = {
            "note": [
                lambda: f"note LIKE '{self.pick('alpha', 'alpha/1', 'b', 'ü', 'Alpha/', 'z', '')}%'",
                lambda: "note LIKE '" + self.pick("alpha/_", "%/1", "beta/1", "_amma%", "alpha\\-%", "alph\\a%", "100\\%%") + "'",
                lambda: "note NOT LIKE 'alpha%'",
                lambda: "note ILIKE 'ALPHA/1%'",
                lambda: "note ~ '^beta/[12]'",
                lambda: "note ^@ 'gamma'",
                lambda: f"note COLLATE \"C\" {self.pick('<', '>=')} {v()}",
                lambda: f"lower(note) = {v()}",
            ],
            "flag": [lambda: "flag", lambda: "NOT flag", lambda: "flag IS TRUE", lambda: "flag IS NOT TRUE"],
            "doc": [lambda: f"doc ->> 'n' = '{self.number(0, 41)}'", lambda: f"doc @> '{{\"n\": {self.number(0, 41)}}}'"],
            "tags": [lambda: "tags @> '{a}'", lambda: f"'{self.number(0, 9)}' = ANY (tags)"],
            "ts": [lambda: f"ts >= {v()} AND ts < {v()}", lambda: f"date_trunc('day', ts) = {v()}", lambda: "ts::date = '2024-02-10'"],
            "id": [lambda: f"id % 100 = {self.number(0, 99)}", lambda: f"id = ANY (ARRAY[{v()}, {v()}, {v()}]::bigint[])", lambda: f"id = {v()}.0", lambda: f"id < {v()}.5"],
            "device": [lambda: f"device < {self.number(0, 23)}::bigint", lambda: f"device = {self.number(0, 23)}::numeric", lambda: f"device <= {self.number(0, 23)}.5::float8"],
        }
        return self.pick(*shapes, *special.get(column, []))()

    def where(self):
        return f"WHERE {self.condition()}" if self.random.random() < 0.9 else ""

    def aggregate(self):
        c, m = self.pick(*self.NUMBERS), self.pick(*[c for c in self.ORDERED if c not in ("key", "tags", "doc", "raw")])
        return self.pick(
            "count(*)", f"count({self.column()})", f"min({m})", f"max({m})", f"sum({c})", f"avg(amount)", f"count(DISTINCT {self.column()})",
            f"sum({c}) FILTER (WHERE flag)", "bool_or(flag)", "min(ts), max(ts)", "sum(value) FILTER (WHERE abs(value) < 1e300)", "min(value), max(value)", "min(exact), max(exact)",
        )  # fmt: skip

    # A range of times and nothing else, its bounds of several types.
    def range(self):
        bound = lambda: self.pick(self.time(), self.time(), f"date '2024-0{self.number(1, 4)}-{self.number(1, 28):02}'", f"timestamp '2024-0{self.number(1, 4)}-01 12:00'")
        low, high = f"ts {self.pick('>=', '>=', '>', '=')} {bound()}", f"{bound()} {self.pick('>', '>', '>=')} ts"
        return self.pick("true", low, high, f"{low} AND {high}", f"{low} AND {high}", f"ts BETWEEN {self.time()} AND {self.time()}")

    def bucket(self):
        unit = self.pick("hour", "day", "week", "month")
        return self.pick(f"date_trunc('{unit}', ts)", f"date_trunc('{unit}', ts, 'America/New_York')", "ts::date", f"kpi.time_bucket('{self.pick('6 hours', '1 day', '10 days', '1 month')}', ts)")

    # What a scan computes itself.
    def exact_aggregate(self):
        c, m = self.pick(*self.NUMBERS), self.pick(*[c for c in self.ORDERED if c not in ("key", "tags", "doc", "raw")])
        return self.pick("count(*)", f"count({self.column()})", f"min({m})", f"max({m})", f"sum({c})", f"avg({c})", "bit_xor(id)", "bool_and(flag)", "sum(exact)", "stddev(small)", "regr_count(value, ratio)", "sum(span)")

    def query(self):
        t, r = self.table, self.random
        aggregates = lambda: ", ".join(self.aggregate() for _ in range(self.number(1, 3)))
        columns = lambda: ", ".join(r.sample(self.COLUMNS, self.number(1, 5)))
        # A query of a query cannot name one that is there twice.
        others = lambda: ", ".join(r.sample([c for c in self.COLUMNS if c != "id"], self.number(1, 5)))
        shapes = [
            lambda: f"SELECT {aggregates()} FROM {t} {self.where()}",
            lambda: f"SELECT {aggregates()} FROM {t} {self.where()}",
            lambda: f"SELECT {aggregates()} FROM {t} WHERE {self.range()}",
            lambda: f"SELECT {self.bucket()} AS g, {self.exact_aggregate()}, {self.exact_aggregate()} FROM {t} WHERE {self.range()} GROUP BY 1 ORDER BY 1",
            lambda: f"SET timezone = '{self.pick('America/New_York', 'Europe/Paris', 'Asia/Kolkata')}'; SELECT {self.bucket()} AS g, {self.exact_aggregate()} FROM {t} WHERE {self.range()} GROUP BY 1 HAVING count(*) > {self.number(0, 100)} ORDER BY 1; RESET timezone",
            lambda: f"SELECT {', '.join(self.exact_aggregate() for _ in range(self.number(1, 4)))} FROM {t} WHERE {self.range()}",
            lambda: f"SELECT {columns()}, id FROM {t} {self.where()} ORDER BY {self.pick(*self.ORDERED)} {self.pick('', 'DESC', 'NULLS FIRST')}, id LIMIT {self.number(0, 20)} OFFSET {self.number(0, 5)}",
            lambda: f"SELECT ts, id FROM {t} {self.where()} ORDER BY ts {self.pick('', 'DESC')} LIMIT {self.number(1, 20)}",
            lambda: f"SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM {t} t {self.where()}",
            lambda: f"SELECT sum(hashtextextended(x::text, 0)::numeric) FROM (SELECT {columns()} FROM {t} {self.where()}) x",
            lambda: f"SELECT {self.pick('device', 'note', 'mood', 'flag', 'small')} AS g, {aggregates()} FROM {t} {self.where()} GROUP BY 1 ORDER BY 1",
            lambda: f"SELECT date_trunc('{self.pick('hour', 'day', 'week', 'month')}', ts) AS g, {aggregates()} FROM {t} {self.where()} GROUP BY 1 ORDER BY 1",
            lambda: f"SELECT kpi.time_bucket('{self.pick('6 hours', '1 day', '10 days')}', ts) AS g, {aggregates()} FROM {t} {self.where()} GROUP BY 1 ORDER BY 1",
            lambda: f"SELECT DISTINCT {self.pick('device', 'flag, mood', 'day', 'note')} FROM {t} {self.where()}",
            lambda: f"SELECT count(*), sum(a.id) FROM {t} a JOIN {t} b ON a.id = b.id - {self.number(0, 3)} WHERE a.device = {self.number(0, 22)} AND b.small > {self.number(-50, 50)}",
            lambda: f"SELECT v.n, t.id, t.note FROM (VALUES ({self.number(0, 20000)}), ({self.number(0, 20000)}), (NULL)) v(n) LEFT JOIN {t} t ON t.id = v.n",
            lambda: f"SELECT v.a, (SELECT count(*) FROM {t} WHERE ts >= v.a AND ts < v.a + interval '1 day') FROM generate_series(timestamptz '2024-01-05Z', '2024-03-30Z', '{self.number(5, 20)} days') v(a)",
            lambda: f"SELECT count(*) FROM generate_series(0, 22) d WHERE {self.pick('', 'NOT ')}EXISTS (SELECT FROM {t} WHERE device = d AND {self.condition()})",
            lambda: f"SELECT id, lag(id) OVER (ORDER BY ts, id), sum(small) OVER (PARTITION BY device ORDER BY ts, id) FROM {t} WHERE {self.condition()} AND device = {self.number(0, 22)}",
            lambda: f"WITH s AS (SELECT {others()}, id FROM {t} {self.where()}) SELECT count(*), min(id) FROM (TABLE s EXCEPT SELECT * FROM s WHERE id % 3 = 0) x",
            lambda: f"PREPARE p AS SELECT {aggregates()} FROM {t} WHERE ts >= $1::timestamptz AND ts < $1::timestamptz + interval '10 days' AND ($2::int IS NULL OR device = $2); EXECUTE p(timestamptz '2024-02-{self.number(1, 28):02}Z', {self.pick('NULL', self.number(0, 23))}); DEALLOCATE p",
            lambda: f"BEGIN; DECLARE c SCROLL CURSOR FOR SELECT id, note FROM {t} {self.where()} ORDER BY ts, id; FETCH 5 FROM c; MOVE ABSOLUTE 2 IN c; FETCH 3 FROM c; FETCH BACKWARD 2 FROM c; COMMIT",
            lambda: f"SELECT {self.pick('id', 'note')} FROM {t} {self.where()} {self.pick('UNION', 'UNION ALL')} SELECT {self.pick('NULL')} FROM {t} WHERE false",
        ]  # fmt: skip
        return self.pick(*shapes)()

    SETTINGS = [
        "max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0",
        "plan_cache_mode = force_generic_plan", "enable_hashagg = off", "enable_hashjoin = off", "enable_mergejoin = off; SET enable_hashjoin = off",
        "enable_partitionwise_aggregate = on", "enable_partition_pruning = off", "enable_sort = off", "work_mem = '64kB'",
        "TimeZone = 'Asia/Kathmandu'", "cursor_tuple_fraction = 0.01", "enable_memoize = off", "extra_float_digits = 0", "DateStyle = 'German'",
    ]  # fmt: skip

    def text(self, count):
        """Queries with marks before them, among settings that change every now and then and must not change an answer."""
        lines = []
        for number in range(count):
            if number % 20 == 0:
                # The settings are part of what is asked: the same ones, whenever it is asked.
                lines.append("RESET ALL; SET jit = off; SET statement_timeout = '120s'; SET client_min_messages = error;")
                lines.append("SET " + self.pick(*self.SETTINGS) + ";")
            lines.append(f"\\echo {MARK}{number}")
            lines.append(self.query() + ";")
        return "\n".join(lines)


def psql(text, stop=True):
    done = subprocess.run(
        ["psql", "-XqAt", "-v", f"ON_ERROR_STOP={int(stop)}", "-v", "VERBOSITY=terse"], input=text, text=True, capture_output=True, env=os.environ | {"PGOPTIONS": "-c client_min_messages=warning"}
    )
    if stop and done.returncode:
        sys.exit(f"{text[:200]}: {done.stderr}")
    return done.stdout


def answers(queries):
    """The lines of each answer. What has no order is sorted; errors are answers too."""
    # psql's errors and answers have to come in one stream, in their order.
    done = subprocess.run(["psql", "-XqAt", "-v", "VERBOSITY=terse"], input=queries, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    found = {}
    for part in done.stdout.split(MARK)[1:]:
        number, _, rest = part.partition("\n")
        found[int(number)] = sorted(re.sub(r"^psql:\S+ ", "", line) for line in rest.splitlines())
    return found


class Report:
    def __init__(self):
        self.passed = self.failed = 0

    def say(self, what, differences):
        if differences:
            self.failed += 1
            print(f"not ok - {what}")
            for line in differences[:30]:
                print(f"#   {line}")
        else:
            self.passed += 1
            print(f"ok - {what}", flush=True)


def compared(expected, got, queries):
    texts = [part.partition("\n")[2] for part in queries.split(MARK)[1:]]
    lines = []
    for number in expected:
        if expected[number] != got.get(number):
            was, now = expected[number], got.get(number, ["(nothing)"])
            lines.append(f"query {number}: {texts[number].strip()[:600]}")
            lines.append(f"  was {len(was)} lines: {[l for l in was if l not in now][:3]}, is {len(now)}: {[l for l in now if l not in was][:3]}")
    return lines


def main():
    kind, server = sys.argv[1:3]
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(10**9)
    print(f"# {kind}: seed {seed}, {QUERIES} queries")
    table = f"d_{kind}"
    names = {"t": table, "partitioned": "PARTITION BY RANGE (ts)" if kind == "native" else ""}
    psql((TABLE + (PARTITIONS if kind == "native" else HYPERTABLE) + ROWS).format(**names) + f"ANALYZE {table};")
    queries = Generator(table, seed).text(QUERIES)
    report = Report()

    before = answers(queries)
    report.say(f"{kind}: all queries have an answer", [] if len(before) == QUERIES else [f"{QUERIES - len(before)} have none"])
    errors = [lines for lines in before.values() if any(line.startswith("ERROR") for line in lines)]
    report.say(f"{kind}: hardly any is an error", [] if len(errors) <= QUERIES / 50 else [str(e) for e in errors[:5]])
    report.say(f"{kind}: asked again, they have the same", compared(before, answers(queries), queries))

    # While it is archived and restored, again and again, others ask.
    psql(f"SELECT kpi.set_retention('{table}', archive_after => '90 days', store => '{server}', schedule => NULL)")
    part = Generator(table, seed).text(QUERIES // 4)
    during, threads = [], []
    for _ in range(2):
        threads.append(threading.Thread(target=lambda: during.append(answers(part))))
        threads[-1].start()
    rounds = 0
    while any(thread.is_alive() for thread in threads):
        psql(f"CALL kpi.archive('{table}')")
        psql(f"CALL kpi.restore('{table}', '-infinity', 'infinity', keep => '0')")
        rounds += 1
    print(f"# archived and restored {rounds} times meanwhile")
    some = {number: before[number] for number in range(QUERIES // 4)}
    for number, got in enumerate(during):
        report.say(f"{kind}: while it is archived and restored, session {number + 1}", compared(some, got, part))

    psql(f"CALL kpi.archive('{table}')")
    rows = psql(f"SELECT sum(rows) FROM kpi.archive_file f JOIN kpi.retention r ON r.id = f.retention_id WHERE r.relation = '{table}'::regclass").strip()
    report.say(f"{kind}: it is in the archive", [] if rows and int(rows) > 15000 else [f"{rows} rows"])
    report.say(f"{kind}: archived", compared(before, answers(queries), queries))
    psql(f"ANALYZE {table};")
    report.say(f"{kind}: archived, with statistics", compared(before, answers(queries), queries))
    psql(f"CALL kpi.restore('{table}', '2024-02-01Z', '2024-03-01Z', keep => '0')")
    report.say(f"{kind}: restored in the middle", compared(before, answers(queries), queries))
    psql(f"CALL kpi.restore('{table}', '-infinity', 'infinity', keep => '0')")
    report.say(f"{kind}: restored", compared(before, answers(queries), queries))
    print(f"{report.passed} passed, {report.failed} failed")
    sys.exit(report.failed > 0)


if __name__ == "__main__":
    main()
