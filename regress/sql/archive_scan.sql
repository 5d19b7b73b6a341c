--
-- Reading archived rows: whatever is asked, the answer is that of the same rows in an ordinary table, and conditions keep files from
-- being read. Late rows are written and changed, archived ones are not; columns change after their rows were archived.
--
CREATE SCHEMA archive_scan;
SET search_path = archive_scan;
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
\set VERBOSITY terse
COPY (SELECT) TO PROGRAM 'cat > /dev/null; rm -rf /tmp/pg_kpi_archive_scan; mkdir /tmp/pg_kpi_archive_scan';
CREATE SERVER scan FOREIGN DATA WRAPPER kpi_archive OPTIONS (url 'file:///tmp/pg_kpi_archive_scan');

CREATE TABLE m (id bigint NOT NULL, ts timestamptz NOT NULL, device int, v float8, n numeric(12,3), big numeric, t text COLLATE "C",
    c char(8), u uuid, b bytea, j jsonb, f bool, d date, tm time, r real) PARTITION BY RANGE (ts);
SELECT format('CREATE TABLE m_%s PARTITION OF m FOR VALUES FROM (%L) TO (%L)', to_char(month, 'MM'), month, month + interval '1 month')
FROM generate_series(timestamptz '2024-01-01Z', '2024-05-01Z', '1 month') month \gexec
INSERT INTO m
SELECT i, timestamptz '2024-01-01Z' + i * interval '15 minutes', i % 100, CASE WHEN i % 1000 = 0 THEN 'NaN' ELSE sin(i) * 1000 END,
    (i * 1.337)::numeric(12,3) * (1 - i % 2 * 2), i / 7.0, CASE WHEN i % 17 > 0 THEN 'text ' || i % 500 END, 'c' || i % 100,
    md5(i::text)::uuid, decode(md5(i::text), 'hex'), jsonb_build_object('i', i), i % 3 = 0, '2024-01-01'::date + i / 96,
    time '00:00' + i % 96 * interval '15 minutes', i / 3.0
FROM generate_series(0, 14000) i;
CREATE TABLE same_rows AS TABLE m;
SELECT kpi.set_retention('m', archive_after => '90 days', store => 'scan', bloom => '{t}', schedule => NULL);
CALL kpi.archive('m', '2024-05-01Z');
SELECT tableoid::regclass IN (SELECT foreign_table FROM kpi.archive_segment) AS archived, count(*) FROM m GROUP BY 1 ORDER BY 1;

-- Rows that are in one table and not in the other.
CREATE FUNCTION differences(condition text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE result bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM (SELECT 1 FROM ((SELECT * FROM m WHERE %1$s EXCEPT ALL SELECT * FROM same_rows WHERE %1$s)
        UNION ALL (SELECT * FROM same_rows WHERE %1$s EXCEPT ALL SELECT * FROM m WHERE %1$s)) d) d', condition) INTO result;
    RETURN result;
END $$;
-- What a statement's scans of the archive did.
CREATE FUNCTION work(statement text, OUT files bigint, OUT pruned bigint, OUT read bigint, OUT late bigint) LANGUAGE plpgsql AS $$
DECLARE plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) ' || statement INTO plan;
    SELECT sum((node ->> 'Files')::bigint), sum((node ->> 'Files Pruned')::bigint), sum((node ->> 'Row Groups Read')::bigint),
        sum((node ->> 'Late Rows')::bigint) INTO files, pruned, read, late
    FROM jsonb_path_query(plan, 'strict $.**') node WHERE jsonb_typeof(node) = 'object' AND node ? 'Files';
END $$;

-- The plan of a statement.
CREATE FUNCTION plan(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
        RETURN NEXT regexp_replace(line, ' on m_.*', ' on a part');
    END LOOP;
END $$;

-- Conditions: no difference, and which files they spare.
SELECT condition, differences(condition), w.pruned, w.files, w.read
FROM (VALUES
    ('true'), ('ts = timestamptz ''2024-02-03 10:45Z'''), ('ts < ''2024-01-02Z'''), ('ts BETWEEN ''2024-03-01Z'' AND ''2024-03-02Z'''),
    ('ts > date ''2024-04-29'''), ('ts >= timestamp ''2024-04-30'''), ('ts < now() - interval ''100 years'''),
    ('ts = ANY (ARRAY[timestamptz ''2024-02-03 10:45Z'', ''2024-01-03 10:45Z''])'),
    ('id = 5000'), ('id = 5000::int2'), ('id IN (1, 5000, 11000)'), ('id = ANY (''{1,2,NULL}''::int[])'), ('10 > id'),
    ('id = (SELECT 5000)'), ('device = 7 AND ts < ''2024-02-01Z'''), ('v = ''NaN'''), ('v > 999.9'), ('v = 0.5::real'),
    ('n = -1.337'), ('n < -15000'), ('n IN (2.674, -4.011)'), ('big = 1'), ('big > 1600'),
    ('t = ''text 77'''), ('t = ''no such text'''), ('t LIKE ''text 49%'''), ('t LIKE ''zz%'''), ('t LIKE ''text\_1%'''), ('t ^@ ''zz'''),
    ('starts_with(t, ''zz'')'), ('t > ''zz'''), ('t IS NULL'), ('j IS NULL'), ('c = ''c5'''), ('c = ''c5  '''),
    ('u = md5(''500'')::uuid'), ('b = decode(md5(''500''), ''hex'')'),
    ('f AND id < 100'), ('NOT f AND id < 100'), ('f IS TRUE AND id > 9000'), ('d = ''2024-02-03'''), ('d < timestamp ''2024-01-03 12:00'''),
    ('d >= timestamptz ''2024-04-01Z'''), ('tm < ''00:30'' AND id < 200'), ('r > 3500'), ('ts IS NULL'), ('t = NULL'),
    ('ts < ''infinity'' AND id = 3'), ('j = ''{"i": 4}'''), ('id < 0 OR id = 9')
) conditions (condition), work('SELECT * FROM m WHERE ' || condition) w;

-- Aggregates over a range of times are computed by the scan; what it says is what the executor says of its rows.
CREATE FUNCTION computes(relation text, aggregates text, condition text, OUT computed bool, OUT same bool) LANGUAGE plpgsql AS $$
DECLARE plan jsonb; ours text; theirs text;
BEGIN
    EXECUTE format('EXPLAIN (FORMAT JSON) SELECT %s FROM %s WHERE %s', aggregates, relation, condition) INTO plan;
    computed := plan @? 'strict $.** ? (@.type() == "object" && @."Node Type" == "Foreign Scan" && !exists(@."Relation Name"))';
    EXECUTE format('SELECT row(%s)::text FROM %s WHERE %s', aggregates, relation, condition) INTO ours;
    EXECUTE format('SELECT row(%s)::text FROM (SELECT * FROM %s WHERE %s OFFSET 0) kept', aggregates, relation, condition) INTO theirs;
    same := ours IS NOT DISTINCT FROM theirs;
    IF NOT same THEN RAISE WARNING '% where %: % is not %', aggregates, condition, ours, theirs; END IF;
END $$;
SELECT foreign_table::text AS archive FROM kpi.archive_segment WHERE retention_id = (SELECT id FROM kpi.retention WHERE relation = 'm'::regclass) \gset
\set many 'count(*), count(t), min(ts), max(id), min(n), max(t), min(c), max(tm), min(r), max(v), sum(id), sum(device), avg(device), avg(n), sum(n), round(avg(v)::numeric, 6), bool_and(f), bool_or(f), bit_xor(id), round(stddev(r)::numeric, 4), regr_count(v, v), max(t COLLATE "POSIX"), sum(big), max(d)'
SELECT condition, relation <> 'm' AS alone, c.* FROM (VALUES
    ('true'), ('ts >= ''2024-02-10Z'' AND ts < ''2024-03-20 12:00Z'''), ('ts >= ''2024-02-01Z'' AND ts < ''2024-04-01Z'''),
    ('ts BETWEEN ''2024-03-01Z'' AND ''2024-03-02Z'''), ('ts = ''2024-02-03 10:45Z'''), ('''2024-01-02Z'' > ts'),
    ('ts > ''2024-03-02Z'' AND ts < ''2024-03-01Z'''), ('ts >= ''-infinity'' AND ts <= ''infinity'''), ('ts < ''-infinity'''), ('ts > ''infinity'''),
    ('ts < NULL'), ('ts >= date ''2024-04-29'''), ('ts < timestamp ''2024-01-03 00:15'''), ('ts < date ''5000000-01-01'''),
    ('ts < now() - interval ''6 months'' AND ts >= ''2024-04-01Z'''), ('ts < ''2024-04-01Z'' AND device = 3'), ('ts = ANY (''{2024-04-01Z}'')')
) conditions (condition), unnest(ARRAY['m', :'archive']) relation, computes(relation, :'many', condition) c ORDER BY 2, condition COLLATE "C";
-- What is left to the executor: a filter, an order, what is distinct, an expression, an aggregate that depends on its call or is not the server's.
SELECT aggregates, c.* FROM (VALUES ('count(*)'), ('max(t)'), ('count(*) + sum(id)'), ('1'), ('count(DISTINCT id)'), ('sum(id) FILTER (WHERE f)'), ('sum(id + 1)'),
    ('regr_count(v, r)'), ('array_agg(id)'), ('min(ARRAY[id])'), ('mode() WITHIN GROUP (ORDER BY device)'), ('kpi.num_vals(kpi.stats_agg(v))')
) a (aggregates), computes(:'archive', aggregates, 'ts < ''2024-02-10Z''') c;
SELECT count(*) FROM m WHERE ts < '2024-02-10Z' HAVING count(*) > 5;
SELECT sum(r) / 0 FROM m WHERE ts < '2024-02-10Z';
SELECT random() < sum(id) AS computed, count(*) FROM m WHERE ts < '2024-02-10Z';
-- Rescans evaluate the range anew.
SELECT since, counted.* FROM generate_series(timestamptz '2024-01-15Z', '2024-04-15Z', '1 month') since,
    LATERAL (SELECT count(*), sum(id), max(t) FROM :archive m WHERE ts >= since AND ts < since + interval '3 days') counted ORDER BY 1;

-- By bucket of time, too: a row per bucket, whatever the clock does. In Newfoundland it went back from 00:01 to 23:01 of the day before.
CREATE FUNCTION computes(relation text, bucket text, aggregates text, condition text, OUT computed bool, OUT buckets bigint, OUT same bool) LANGUAGE plpgsql AS $$
DECLARE plan jsonb; differences bigint;
BEGIN
    EXECUTE format('EXPLAIN (FORMAT JSON) SELECT %s, %s FROM %s WHERE %s GROUP BY 1', bucket, aggregates, relation, condition) INTO plan;
    computed := plan @? 'strict $.** ? (@.type() == "object" && @."Node Type" == "Foreign Scan" && !exists(@."Relation Name"))';
    EXECUTE format('WITH ours AS (SELECT %1$s, %2$s FROM %3$s WHERE %4$s GROUP BY 1),
        theirs AS (SELECT %1$s, %2$s FROM (SELECT * FROM %3$s WHERE %4$s OFFSET 0) kept GROUP BY 1)
        SELECT (SELECT count(*) FROM ours), (SELECT count(*) FROM (TABLE ours EXCEPT ALL TABLE theirs) d) + (SELECT count(*) FROM (TABLE theirs EXCEPT ALL TABLE ours) d)',
        bucket, aggregates, relation, condition) INTO buckets, differences;
    same := differences = 0;
END $$;
CREATE TABLE clock (ts timestamptz NOT NULL, id int, at timestamp) PARTITION BY RANGE (ts);
CREATE TABLE clock_part PARTITION OF clock FOR VALUES FROM ('2005-10-01Z') TO ('2005-12-01Z');
INSERT INTO clock SELECT timestamptz '2005-10-29 12:00Z' + i * interval '37 seconds', i, timestamp '2005-10-29' + i * interval '1 minute' FROM generate_series(0, 5000) i;
SELECT kpi.set_retention('clock', archive_after => '90 days', store => 'scan', schedule => NULL);
CALL kpi.archive('clock', 'infinity');
SELECT foreign_table::text AS clock FROM kpi.archive_segment WHERE retention_id = (SELECT id FROM kpi.retention WHERE relation = 'clock'::regclass) LIMIT 1 \gset
SELECT zone, bucket, c.* FROM unnest('{UTC,America/St_Johns,Australia/Lord_Howe,America/New_York}'::text[]) WITH ORDINALITY zones (zone, place),
    (VALUES ('date_trunc(''day'', ts)'), ('date_trunc(''hour'', ts)'), ('ts::date'), ('date_trunc(''minute'', ts)'), ('date_trunc(''day'', ts, ''Europe/Paris'')'),
        ('kpi.time_bucket(''30 minutes'', ts)'), ('kpi.time_bucket(''90 minutes'', ts, interval ''7 minutes'')')) buckets (bucket),
    set_config('timezone', zone, false), computes(:'clock', bucket, 'count(*), min(ts), max(id), sum(id)', 'true') c ORDER BY place, bucket COLLATE "C";
SET timezone = 'America/New_York';
SELECT bucket, condition, relation <> 'm' AS alone, c.* FROM (VALUES ('date_trunc(''month'', ts)'), ('date_trunc(''week'', ts)'), ('kpi.time_bucket(''1 day'', ts)')) buckets (bucket),
    (VALUES ('true'), ('ts >= ''2024-02-10Z'' AND ts < ''2024-03-20 12:00Z'''), ('ts < ''2024-01-01Z''')) conditions (condition),
    unnest(ARRAY['m', :'archive']) relation, computes(relation, bucket, 'count(*), min(ts), max(n), sum(id), max(t), avg(device)', condition) c ORDER BY 1, 3, 2;
SET timezone = 'UTC';
-- A month is a file here: its count and bounds come from the manifest.
SELECT plan('SELECT date_trunc(''month'', ts), count(*), max(id) FROM m GROUP BY 1 HAVING count(*) > 5 ORDER BY 1 DESC');
SELECT date_trunc('month', ts) AS month, count(*), max(id) - min(id) AS ids, count(*)::float8 / 2 AS half FROM m WHERE ts < '2024-05-01Z' GROUP BY 1 HAVING count(*) > 2800 ORDER BY 1 DESC;
SELECT read FROM work('SELECT date_trunc(''month'', ts), count(*), max(id) FROM m GROUP BY 1');
-- What is left to the executor: a bucket of a zone, of another column, of an expression, and two of them.
SELECT bucket, c.* FROM (VALUES ('kpi.time_bucket(''1 day'', ts, ''Europe/Paris'')'), ('date_trunc(''day'', at)'), ('date_trunc(''day'', ts + interval ''1 hour'')'), ('extract(hour FROM ts)'), ('ts')) buckets (bucket),
    computes(:'clock', bucket, 'count(*)', 'true') c;
SELECT count(*) FROM (SELECT date_trunc('day', ts), date_trunc('hour', ts), sum(id) FROM :clock GROUP BY 1, 2) hours;
SELECT count(*) FROM (SELECT date_trunc('day', ts) FROM :clock GROUP BY 1) days;
SELECT sum(id), rank() OVER (ORDER BY date_trunc('day', ts)) FROM :clock GROUP BY date_trunc('day', ts) ORDER BY 2;

-- Values that are known only when the query runs: parameters of a kept plan, rows of a join.
SET plan_cache_mode = force_generic_plan;
PREPARE day (timestamptz) AS SELECT count(*), sum(id) FROM m WHERE ts >= $1 AND ts < $1 + interval '1 day';
EXECUTE day('2024-02-10Z');
SELECT * FROM work('EXECUTE day(''2024-02-10Z'')');
CREATE TEMP TABLE event AS SELECT timestamptz '2024-02-10Z' + i * interval '20 days' AS since FROM generate_series(0, 2) i;
ANALYZE event;
SELECT since, count(*), sum(id) FROM event JOIN m ON ts >= since AND ts < since + interval '1 hour' GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM event JOIN m ON ts = since;
RESET plan_cache_mode;

-- In order of time without a sort, either way; a few rows read little.
SELECT work.* FROM work('SELECT ts FROM m ORDER BY ts LIMIT 3');
SELECT ts, id FROM m ORDER BY ts LIMIT 3;
SELECT work.* FROM work('SELECT ts FROM m WHERE ts < ''2024-05-01Z'' ORDER BY ts DESC LIMIT 3');
SELECT ts, id FROM m WHERE ts < '2024-05-01Z' ORDER BY ts DESC LIMIT 3;
SELECT min(ts), max(ts) FROM m;

-- Late rows: they come through the table, are read with the rest and in order, and can be changed.
INSERT INTO m (id, ts, t) VALUES (-1, '2024-01-01 00:05Z', 'late'), (-2, '2024-04-30 23:59Z', 'late'), (-3, '2024-02-02Z', 'late') RETURNING id, ts;
COPY m (id, ts, t) FROM stdin;
-4	2024-03-01 00:01Z	copied
\.
SELECT id, ts FROM m ORDER BY ts LIMIT 3;
SELECT id, ts FROM m WHERE ts < '2024-05-01Z' ORDER BY ts DESC LIMIT 3;
SELECT count(*) FILTER (WHERE before > ts) AS out_of_order, count(*) FROM (SELECT ts, lag(ts) OVER () AS before FROM (SELECT ts FROM m ORDER BY ts) ordered) pairs;
SELECT id, t FROM m WHERE t IN ('late', 'copied') ORDER BY id;
UPDATE m SET t = 'later' WHERE id = -2 RETURNING id, t;
DELETE FROM m WHERE id = -3 RETURNING id, ts, t;
SELECT id, t FROM m WHERE id < 0 ORDER BY id;
SELECT late FROM work('SELECT * FROM m WHERE ts < ''2024-02-01Z''');

-- Archived rows stay as they are; a statement that hits none passes.
UPDATE m SET v = 0 WHERE id = 5;
DELETE FROM m WHERE id IN (5, 13999);
UPDATE m SET v = 0 WHERE id = 13999 RETURNING id, v;
DELETE FROM m WHERE id = -100;
TRUNCATE m;
SELECT foreign_table::text AS archive FROM kpi.archive_segment WHERE foreign_table::text LIKE '%m\_%' AND retention_id = (SELECT id FROM kpi.retention WHERE relation = 'm'::regclass) \gset
\set VERBOSITY sqlstate
INSERT INTO :archive (id, ts) VALUES (1, '2025-01-01Z');
\set VERBOSITY terse

-- The manifest answers what it can; late rows are counted with it.
SELECT count(*), count(t), min(ts), max(ts), min(id), max(id), min(n), max(d) FROM :archive;
SELECT count(*), count(t), min(ts), max(ts), min(id), max(id), min(n), max(d) FROM m WHERE ts < '2024-05-01Z';
SET enable_partitionwise_aggregate = on;
SELECT count(*), count(t), min(ts), max(ts), min(id), max(id), min(n), max(d) FROM m;
RESET enable_partitionwise_aggregate;
-- As the planner comes, too: the archive's part of it is not read, and the setting is as it was.
SELECT plan('SELECT count(*), max(id) FROM m');
SELECT plan('SELECT device, count(*) FROM m GROUP BY 1');
SELECT count(*), max(id), (SELECT count(*) FROM same_rows) FROM m;
SHOW enable_partitionwise_aggregate;
SELECT count(*) / (count(*) - count(*)) FROM m;
SELECT count(*), 1 / 0 FROM m;
SHOW enable_partitionwise_aggregate;

SELECT condition, c.* FROM (VALUES ('true'), ('ts >= ''2024-02-10Z'''), ('ts < ''2024-01-01 00:05Z'''), ('ts <= ''2024-01-01 00:05Z''')) conditions (condition),
    computes(:'archive', :'many', condition) c;

-- Statistics for the planner.
ANALYZE m;
SELECT reltuples FROM pg_class WHERE oid = :'archive'::regclass;
SELECT attname, n_distinct FROM pg_stats WHERE format('%I.%I', schemaname, tablename)::regclass = :'archive'::regclass AND attname IN ('id', 'device', 'f') ORDER BY attname;

-- The scan is given no more buckets than there is memory for, whatever the statistics say of how many times there are.
SET work_mem = '64kB';
SELECT bucket, c.* FROM (VALUES ('date_trunc(''day'', ts)'), ('kpi.time_bucket(''2 days'', ts)'), ('ts::date'), ('date_trunc(''minute'', ts)')) buckets (bucket),
    computes(:'archive', bucket, 'count(*), max(id)', 'true') c;
RESET work_mem;

-- Several processes share the row groups; each row comes once.
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT count(*), count(DISTINCT id), sum(id) FROM m;
SELECT plan('SELECT count(*), sum(id), max(t) FROM m WHERE ts < ''2024-04-10Z''');
SELECT count(*), sum(id), max(t) FROM m WHERE ts < '2024-04-10Z';
SELECT count(*), sum(id), max(t) FROM same_rows WHERE ts < '2024-04-10Z';
SELECT computes(:'archive', :'many', 'ts >= ''2024-02-10Z''');
SELECT count(*), sum(id) FROM (SELECT id FROM m WHERE n > 0 ORDER BY ts OFFSET 0) ordered;
SELECT count(*), sum(id) FROM same_rows WHERE n > 0;
SET max_parallel_workers_per_gather = 0;

-- Who may read the table may read its archive, and needs no right on anything else.
CREATE ROLE archive_scan_reader;
GRANT USAGE ON SCHEMA archive_scan TO archive_scan_reader;
GRANT SELECT ON m TO archive_scan_reader;
SET ROLE archive_scan_reader;
SELECT count(*) FROM m WHERE ts < '2024-02-01Z';
\set VERBOSITY sqlstate
SELECT count(*) FROM :archive;
\set VERBOSITY terse
SELECT count(*) FROM kpi.archive_file;
RESET ROLE;

-- Columns that are added, dropped, renamed and widened after their rows were archived.
DELETE FROM m WHERE id < 0;
ALTER TABLE m ADD COLUMN added text;
ALTER TABLE m DROP COLUMN b;
ALTER TABLE m RENAME COLUMN t TO label;
ALTER TABLE m ALTER COLUMN device TYPE bigint, ALTER COLUMN n TYPE numeric(14,5), ALTER COLUMN r TYPE float8, ALTER COLUMN c TYPE text;
ALTER TABLE same_rows ADD COLUMN added text;
ALTER TABLE same_rows DROP COLUMN b;
ALTER TABLE same_rows RENAME COLUMN t TO label;
ALTER TABLE same_rows ALTER COLUMN device TYPE bigint, ALTER COLUMN n TYPE numeric(14,5), ALTER COLUMN r TYPE float8, ALTER COLUMN c TYPE text;
UPDATE same_rows SET v = 0 WHERE id = 13999;
SELECT condition, differences(condition)
FROM (VALUES ('true'), ('label = ''text 77'''), ('added IS NULL'), ('added = ''x'''), ('n = -1.337'), ('device = 5'), ('c = ''c5'''), ('r < 1')) c (condition);

-- An object that is gone is an error that names it, never fewer rows.
COPY (SELECT) TO PROGRAM 'cat > /dev/null; find /tmp/pg_kpi_archive_scan -path "*archive_scan.m*.parquet" | sort | head -1 | xargs rm';
DO $$
BEGIN
    PERFORM sum(id) FROM m;
EXCEPTION WHEN undefined_file THEN
    RAISE WARNING '%', regexp_replace(SQLERRM, '[0-9a-f]{8}-[0-9a-f-]{27}', '<uuid>', 'g');
END $$;

-- What a person may type wrong.
CREATE SERVER wrong FOREIGN DATA WRAPPER kpi_archive;
CREATE SERVER wrong FOREIGN DATA WRAPPER kpi_archive OPTIONS (url 'ftp://host/folder');
CREATE SERVER wrong FOREIGN DATA WRAPPER kpi_archive OPTIONS (url 's3://bucket', regoin 'eu-west-1');
CREATE SERVER wrong FOREIGN DATA WRAPPER kpi_archive OPTIONS (url 's3://bucket', secret_access_key 'hunter2');
CREATE USER MAPPING FOR CURRENT_USER SERVER scan OPTIONS (region 'eu-west-1');
CREATE FOREIGN TABLE wrong (ts timestamptz) SERVER scan OPTIONS (retention 'one');
CREATE FOREIGN TABLE wrong (ts timestamptz) SERVER scan;
SELECT * FROM wrong;
GRANT USAGE ON FOREIGN DATA WRAPPER kpi_archive TO archive_scan_reader;
SET ROLE archive_scan_reader;
CREATE SERVER wrong FOREIGN DATA WRAPPER kpi_archive OPTIONS (url 'file:///etc');
RESET ROLE;

DROP SCHEMA archive_scan CASCADE;
DROP SERVER scan CASCADE;
DROP OWNED BY archive_scan_reader;
DROP ROLE archive_scan_reader;
COPY (SELECT) TO PROGRAM 'cat > /dev/null; rm -rf /tmp/pg_kpi_archive_scan';
