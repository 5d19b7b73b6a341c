--
-- A partition that is too big is divided by time: each of its periods becomes a partition of its own, with the same rows, indexes and
-- checks. What refers to the table does not notice, and a source over it stays as it is.
--
CREATE SCHEMA archive_divide;
SET search_path = archive_divide;
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE TABLE m (at timestamptz NOT NULL, device int NOT NULL, value float8 CHECK (value >= 0), twice float8 GENERATED ALWAYS AS (value * 2) STORED, note text)
    PARTITION BY RANGE (at);
CREATE TABLE m_old PARTITION OF m FOR VALUES FROM (MINVALUE) TO ('2024-07-01Z');
CREATE TABLE m_new PARTITION OF m FOR VALUES FROM ('2024-07-01Z') TO (MAXVALUE);
CREATE INDEX ON m (at);
CREATE UNIQUE INDEX m_old_key ON m_old (at, device);
-- Nothing in February; a row from long ago, and one from before all time.
INSERT INTO m (at, device, value, note) SELECT t, d, d, 'device ' || d FROM generate_series(timestamptz '2024-01-01Z', '2024-06-20Z', '6 hours') t, generate_series(1, 5) d WHERE extract(month FROM t) <> 2;
INSERT INTO m (at, device, value, note) VALUES ('1999-05-05Z', 1, 1, 'old'), ('-infinity', 1, 1, 'older');
CREATE TABLE same_rows AS TABLE m;
SELECT kpi.create_source('divide', 'm', 'at', '{device}', timezone => 'UTC');
SELECT kpi.create_kpi('divided', 'divide', 'sum(value)');
SELECT (kpi.refresh('divide')).rows_read;
CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'a trigger has seen a row that only changes its place'; END $$;
CREATE TRIGGER seen AFTER INSERT OR DELETE ON m FOR EACH ROW EXECUTE FUNCTION seen();

CALL kpi.divide_partition('m', '1 month');
CALL kpi.divide_partition('same_rows', '1 month');
CALL kpi.divide_partition('m_old', '-1 month');
BEGIN;
CALL kpi.divide_partition('m_old', '1 month');
ROLLBACK;

-- Whom the exchange would mislead.
CREATE PUBLICATION archive_divide FOR TABLE m;
CALL kpi.divide_partition('m_old', '1 month');
DROP PUBLICATION archive_divide;
CREATE TABLE keyed (at date PRIMARY KEY) PARTITION BY RANGE (at);
CREATE TABLE keyed_old PARTITION OF keyed FOR VALUES FROM (MINVALUE) TO ('2024-07-01');
CREATE TABLE refers (at date REFERENCES keyed);
CALL kpi.divide_partition('keyed_old', '1 month');
DROP TABLE refers, keyed;

CALL kpi.divide_partition('m_old', '1 month');
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bound, (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM %s', c.oid::regclass), false, true, '')))[1] AS rows,
       (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique) AS "unique", (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid) AS indexes,
       (SELECT string_agg(k.conname, ', ') FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c') AS checks,
       (SELECT string_agg(t.tgname, ', ' ORDER BY t.tgname) FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname LIKE 'kpi_divide%') AS watched
FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid WHERE i.inhparent = 'm'::regclass ORDER BY c.relname = 'm_new', c.relname;
SELECT count(*) AS differences FROM ((TABLE m EXCEPT ALL TABLE same_rows) UNION ALL (TABLE same_rows EXCEPT ALL TABLE m)) d;
EXPLAIN (COSTS OFF) SELECT * FROM m WHERE at >= '2024-05-01Z' AND at < '2024-05-02Z' AND note IS NOT NULL;

-- Again: nothing to do. A row that is written goes where it belongs, and the KPI follows.
CALL kpi.divide_partition('m_old', '1 month');
DROP TRIGGER seen ON m;
SELECT (kpi.refresh('divide')).rows_read;
INSERT INTO m (at, device, value, note) VALUES ('2024-04-04Z', 9, 100, 'late'), ('2024-02-04Z', 9, 100, 'later');
SELECT tableoid::regclass, at FROM m WHERE device = 9 ORDER BY at;
SELECT (kpi.refresh('divide')).rows_read > 0 AS refreshed;
SELECT ts::date, value FROM kpi.value('divided', 'month', since => '2024-01-01Z');
TRUNCATE m_20240301;
SELECT kpi.refresh('divide') IS NOT NULL AS refreshed;
SELECT ts::date, value FROM kpi.value('divided', 'month', since => '2024-01-01Z');

-- A partition by days, divided by weeks; an interrupted run leaves a copy that the next one clears away.
CREATE TABLE d (day date NOT NULL, v int) PARTITION BY RANGE (day);
CREATE TABLE d_all PARTITION OF d FOR VALUES FROM ('2024-01-01') TO (MAXVALUE);
INSERT INTO d SELECT date '2024-01-01' + i, i FROM generate_series(0, 29) i;
SELECT kpi._divide_begin('d_all', '7 days');
SELECT kpi._divide_copy('d_all');
-- Somebody writes to what was copied.
UPDATE d SET v = -1 WHERE day = '2024-01-02';
SELECT kpi._divide_finish('d_all');
SELECT count(*) AS tables FROM pg_class WHERE relnamespace = 'archive_divide'::regnamespace AND relname LIKE 'd\_2024%';
CALL kpi.divide_partition('d_all', '7 days');
SELECT relname, pg_get_expr(relpartbound, oid) AS bound FROM pg_class WHERE relname = 'd_all';
SELECT tableoid::regclass, count(*), min(day), max(day), min(v) FROM d GROUP BY 1 ORDER BY 3;
SELECT count(*) FROM kpi.partition_division;

-- A plain table becomes a partitioned one, and its old rows are divided at once.
CREATE TABLE plain (at timestamp NOT NULL, v int);
CREATE INDEX ON plain (at);
INSERT INTO plain SELECT t, 1 FROM generate_series(timestamp '2024-01-01', '2024-03-31 23:00', '1 hour') t;
CALL kpi.partition_table('plain', 'at', '1 month', ahead => 2);
SELECT regexp_replace(tableoid::regclass::text, '_before_\d+', '_before') AS part, count(*), min(at), max(at) FROM plain GROUP BY 1 ORDER BY 3;

SELECT kpi.drop_source('divide', cascade => true);
DROP SCHEMA archive_divide CASCADE;
