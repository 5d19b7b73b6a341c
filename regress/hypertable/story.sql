-- A hypertable as a source, from the first chunk to drop_chunks: every way to write is captured, new chunks and old, and what
-- is dropped stays as history unless the source says otherwise. differences() compares the KPIs with plain SQL over the
-- hypertable, by minute, hour and day, with and without the dimension.
\set VERBOSITY default
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE EXTENSION IF NOT EXISTS timescaledb;
CREATE EXTENSION IF NOT EXISTS pg_kpi;
RESET client_min_messages;

CREATE FUNCTION differences(code text DEFAULT 'total', relation text DEFAULT 'readings') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    period text;
    n bigint;
    total bigint := 0;
BEGIN
    FOREACH period IN ARRAY '{minute,hour,day}'::text[] LOOP
        EXECUTE format($q$
            WITH plain AS (SELECT date_trunc(%1$L, ts) AS ts, device, sum(value)::float8 AS value FROM %2$s GROUP BY 1, 2),
                 ours AS (SELECT ts, (dimensions->>'device')::int AS device, value FROM kpi.value(%3$L, %1$L, by => '{device}')),
                 plain_all AS (SELECT date_trunc(%1$L, ts) AS ts, sum(value)::float8 AS value FROM %2$s GROUP BY 1),
                 ours_all AS (SELECT ts, value FROM kpi.value(%3$L, %1$L))
            SELECT (SELECT count(*) FROM ((TABLE plain EXCEPT ALL TABLE ours) UNION ALL (TABLE ours EXCEPT ALL TABLE plain)) x)
                 + (SELECT count(*) FROM ((TABLE plain_all EXCEPT ALL TABLE ours_all) UNION ALL (TABLE ours_all EXCEPT ALL TABLE plain_all)) y)
            $q$, period, relation, code) INTO n;
        total := total + n;
    END LOOP;
    RETURN total;
END $$;

-- The table has rows in chunks before it becomes a source.
CREATE TABLE readings (ts timestamptz NOT NULL, device int NOT NULL, value float8);
SELECT hypertable_name FROM (SELECT (create_hypertable('readings', 'ts', chunk_time_interval => interval '1 day')).table_name) h(hypertable_name);
INSERT INTO readings SELECT timestamptz '2026-01-01 00:00Z' + i * interval '10 minutes', i % 3, i FROM generate_series(0, 5 * 144 - 1) AS i;
SELECT kpi.create_source('ht', 'readings', 'ts', '{device}');
SELECT kpi.create_kpi('total', 'ht', 'sum(value)');
SELECT source, relation, kind, capture FROM kpi.rollup_status;
SELECT differences();
SELECT * FROM kpi.refresh('ht');
SELECT touched_buckets, differences() FROM kpi.rollup_status;

-- Every way in, into chunks that were there and into new ones.
INSERT INTO readings VALUES ('2026-01-02 12:34Z', 1, 0.5), ('2026-01-09 00:00Z', 1, 0.25);
COPY readings FROM STDIN;
2026-01-03 01:02:03Z	2	4
2025-12-01 23:59:59Z	2	8
\.
UPDATE readings SET value = value + 1 WHERE ts = '2026-01-01 10:00Z';
UPDATE readings SET ts = ts + interval '1 hour' WHERE ts = '2026-01-04 10:00Z';
DELETE FROM readings WHERE ts = '2026-01-05 05:00Z';
MERGE INTO readings r USING (VALUES (timestamptz '2026-01-02 00:00Z', 1), ('2026-01-12 00:00Z', 1)) v(ts, n) ON r.ts = v.ts
    WHEN MATCHED THEN UPDATE SET value = value * 2 WHEN NOT MATCHED THEN INSERT VALUES (v.ts, v.n, 16);
SELECT touched_buckets, differences() FROM kpi.rollup_status;
-- Ten minutes were touched, and refresh reads just their rows.
SELECT * FROM kpi.refresh('ht');
SELECT touched_buckets, differences() FROM kpi.rollup_status;

-- Straight into a chunk.
SELECT format('%I.%I', chunk_schema, chunk_name) AS chunk FROM timescaledb_information.chunks
WHERE hypertable_name = 'readings' AND range_start = '2026-01-02 00:00Z' \gset
INSERT INTO :chunk VALUES ('2026-01-02 06:06Z', 2, 32);
UPDATE :chunk SET value = -1 WHERE ts = '2026-01-02 07:00Z';
DELETE FROM :chunk WHERE ts = '2026-01-02 08:00Z';
SELECT touched_buckets, differences() FROM kpi.rollup_status;
SELECT buckets, rows_read FROM kpi.refresh('ht');
SELECT differences();
-- TRUNCATE of a chunk fires no trigger; its file tells.
TRUNCATE :chunk;
SELECT differences();
SELECT buckets, rows_read FROM kpi.refresh('ht');
SELECT touched_buckets, differences() FROM kpi.rollup_status;

-- A rolled-back transaction touches nothing, a prepared one when it commits.
BEGIN;
INSERT INTO readings VALUES ('2026-02-01 00:00Z', 1, 1);
ROLLBACK;
SELECT touched_buckets, differences() FROM kpi.rollup_status;

-- drop_chunks: the raw rows go, the history stays, also when a late row had not been refreshed yet.
SELECT sum(value) AS before_the_drop FROM kpi.value('total', 'day');
INSERT INTO readings VALUES ('2026-01-01 09:00Z', 1, 64);
SELECT count(*) AS chunks_dropped FROM drop_chunks('readings', older_than => timestamptz '2026-01-03 00:00Z');
SELECT min(ts) AS first_raw_row FROM readings;
SELECT min(ts) AS first_day, sum(value) AS after_the_drop FROM kpi.value('total', 'day');
SELECT * FROM kpi.refresh('ht');
SELECT touched_buckets, history_kept FROM kpi.rollup_status;
SELECT min(ts) AS first_day, sum(value) AS after_the_refresh FROM kpi.value('total', 'day');
SELECT ts, value FROM kpi.value('total', 'week');
-- What is written there later does not count, and costs the history nothing.
INSERT INTO readings VALUES ('2026-01-01 09:30Z', 1, 1000);
SELECT sum(value) AS with_a_row_in_dropped_time FROM kpi.value('total', 'day');
SELECT buckets FROM kpi.refresh('ht');
SELECT sum(value) AS refreshed FROM kpi.value('total', 'day');
-- A KPI that is added now fills what is left, and leaves the history of the others alone.
SELECT kpi.create_kpi('largest', 'ht', 'max(value)');
SELECT buckets FROM kpi.refresh('ht');
SELECT min(ts) AS first_day, sum(value) FROM kpi.value('total', 'day');
SELECT ts, value FROM kpi.value('largest', 'day') WHERE value IS NOT NULL ORDER BY ts LIMIT 1;
-- Giving it up: then the KPI is again what the hypertable holds.
SELECT kpi.forget('ht', until => '2026-01-01 00:00Z');
SELECT history_kept FROM kpi.rollup_status;
SELECT kpi.forget('ht');
SELECT touched_buckets, history_kept, differences() FROM kpi.rollup_status;
SELECT buckets > 0 AS refreshed FROM kpi.refresh('ht');
SELECT touched_buckets, differences() FROM kpi.rollup_status;

-- A chunk that is dropped as a table is history just as well.
SELECT format('%I.%I', chunk_schema, chunk_name) AS chunk FROM timescaledb_information.chunks
WHERE hypertable_name = 'readings' AND range_start = '2026-01-03 00:00Z' \gset
DROP TABLE :chunk;
SELECT history_kept FROM kpi.rollup_status;
SELECT value AS third_of_january FROM kpi.value('total', 'day') WHERE ts = '2026-01-03';
-- TRUNCATE of the whole is no retention.
TRUNCATE readings;
SELECT touched_buckets, history_kept, differences() FROM kpi.rollup_status;
SELECT * FROM kpi.refresh('ht');
INSERT INTO readings VALUES ('2026-03-01 00:00Z', 1, 1);
SELECT touched_buckets, differences() FROM kpi.rollup_status;

-- A source that forgets: reads are exact at once, before any refresh.
CREATE TABLE short (ts timestamptz NOT NULL, device int NOT NULL, value float8);
SELECT FROM create_hypertable('short', 'ts', chunk_time_interval => interval '1 day');
SELECT kpi.create_source('short', 'short', 'ts', '{device}', on_drop => 'forget');
SELECT kpi.create_kpi('short_total', 'short', 'sum(value)');
INSERT INTO short SELECT timestamptz '2026-01-01 00:00Z' + i * interval '1 hour', i % 3, i FROM generate_series(0, 71) AS i;
SELECT buckets FROM kpi.refresh('short');
SELECT count(*) AS chunks_dropped FROM drop_chunks('short', older_than => timestamptz '2026-01-02 00:00Z');
SELECT differences('short_total', 'short');
SELECT buckets FROM kpi.refresh('short');
SELECT differences('short_total', 'short'), history_kept FROM kpi.rollup_status WHERE source = 'short';

-- A plain table that becomes a hypertable while it is a source, its rows moved into chunks.
CREATE TABLE late (ts timestamptz NOT NULL, device int NOT NULL, value float8);
INSERT INTO late SELECT timestamptz '2026-01-01 00:00Z' + i * interval '1 hour', i % 3, i FROM generate_series(0, 71) AS i;
SET client_min_messages = warning;
SELECT kpi.create_source('late', 'late', 'ts', '{device}');
SELECT kpi.create_kpi('late_total', 'late', 'sum(value)');
SELECT buckets FROM kpi.refresh('late');
SELECT FROM create_hypertable('late', 'ts', chunk_time_interval => interval '1 day', migrate_data => true);
RESET client_min_messages;
INSERT INTO late VALUES ('2026-01-02 03:04Z', 1, 7), ('2026-01-20 03:04Z', 1, 7);
SELECT differences('late_total', 'late');
SELECT buckets > 0 AS refreshed FROM kpi.refresh('late');
SELECT kind, differences('late_total', 'late') FROM kpi.rollup_status WHERE source = 'late';

-- Local times and dates, and chunks in space as well.
CREATE TABLE local (ts timestamp NOT NULL, device int NOT NULL, value float8);
SET client_min_messages = error;
SELECT FROM create_hypertable('local', 'ts', 'device', 2, chunk_time_interval => interval '1 day');
RESET client_min_messages;
SELECT kpi.create_source('local', 'local', 'ts', '{device}');
SELECT kpi.create_kpi('local_total', 'local', 'sum(value)');
INSERT INTO local SELECT timestamp '2026-01-01 00:00' + i * interval '1 hour', i % 3, i FROM generate_series(0, 71) AS i;
SELECT buckets FROM kpi.refresh('local');
SELECT count(*) AS chunks_dropped FROM drop_chunks('local', older_than => timestamp '2026-01-02 00:00');
SELECT buckets FROM kpi.refresh('local');
SELECT history_kept FROM kpi.rollup_status WHERE source = 'local';
SELECT count(*), sum(value) FROM kpi.value('local_total', 'day');
CREATE TABLE days (day date NOT NULL, device int NOT NULL, value float8);
SELECT FROM create_hypertable('days', 'day', chunk_time_interval => interval '7 days');
SELECT kpi.create_source('days', 'days', 'day', '{device}');
SELECT kpi.create_kpi('days_total', 'days', 'sum(value)');
INSERT INTO days SELECT date '2026-01-01' + i, i % 3, i FROM generate_series(0, 20) AS i;
SELECT buckets FROM kpi.refresh('days');
SELECT count(*) AS chunks_dropped FROM drop_chunks('days', older_than => date '2026-01-08');
INSERT INTO days VALUES ('2026-01-20', 1, 100);
SELECT buckets FROM kpi.refresh('days');
SELECT count(*), sum(value) FROM kpi.value('days_total', 'day');

-- What cannot be.
CREATE TABLE counted (n bigint NOT NULL, value float8);
SELECT FROM create_hypertable('counted', 'n', chunk_time_interval => 1000);
SELECT kpi.create_source('counted', 'counted', 'n');
SELECT kpi.create_source('bad', 'short', 'ts', on_drop => 'delete');
ALTER TABLE readings DISABLE TRIGGER ALL;
DROP TRIGGER kpi_capture_1_insert ON readings;
SELECT kpi.forget('nothing');
-- A hypertable does not go while KPIs stand on it, and with CASCADE they go too.
DROP TABLE short;
SET client_min_messages = warning;
DROP TABLE short CASCADE;
RESET client_min_messages;
SELECT source FROM kpi.rollup_status ORDER BY source;
-- Dropping a source leaves no trigger on the hypertable or its chunks.
SELECT kpi.drop_source('ht', cascade => true);
SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'kpi\_capture\_1\_%';
-- A hypertable is watched like any table: its rows are scored whichever chunk they go to.
CREATE TABLE watched_reading (ts timestamptz NOT NULL, device int, v float8);
SELECT FROM create_hypertable('watched_reading', 'ts', chunk_time_interval => interval '1 day');
SELECT kpi.watch('watched_reading', 'ts', 'v', key => '{device}', name => 'chunks');
INSERT INTO watched_reading
SELECT timestamptz '2026-01-01' + i * interval '30 minutes', d, i * 7 % 5 + CASE WHEN i = 300 AND d = 2 THEN 50 ELSE 0 END
FROM generate_series(0, 319) i, generate_series(1, 2) d;
SELECT key, ts, value, kind FROM kpi.anomalies WHERE watch = 'chunks';
SELECT kpi.unwatch('chunks');
DROP TABLE watched_reading;
