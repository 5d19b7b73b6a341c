--
-- The life of an archived table: old partitions move to a store and stay in the table, late rows join them, a hold and a hook
-- keep what they are to keep, a range comes back and goes again, and the manifest can be rebuilt from the store alone.
--
CREATE SCHEMA archive_life;
SET search_path = archive_life;
SET client_min_messages = warning;
\set VERBOSITY terse
COPY (SELECT) TO PROGRAM 'cat > /dev/null; rm -rf /tmp/pg_kpi_archive_life; mkdir /tmp/pg_kpi_archive_life';
CREATE SERVER life FOREIGN DATA WRAPPER kpi_archive OPTIONS (url 'file:///tmp/pg_kpi_archive_life');
SELECT step, ok FROM kpi.check_store('life');

CREATE TABLE reading (at timestamptz NOT NULL, device int NOT NULL, value float8, twice float8 GENERATED ALWAYS AS (value * 2) STORED) PARTITION BY RANGE (at);
CREATE TABLE reading_01 PARTITION OF reading FOR VALUES FROM ('2024-01-01Z') TO ('2024-02-01Z');
CREATE TABLE reading_02 PARTITION OF reading FOR VALUES FROM ('2024-02-01Z') TO ('2024-03-01Z');
CREATE TABLE reading_03 PARTITION OF reading FOR VALUES FROM ('2024-03-01Z') TO ('2024-04-01Z');
CREATE TABLE reading_hot PARTITION OF reading FOR VALUES FROM ('2024-04-01Z') TO (MAXVALUE);
INSERT INTO reading SELECT t, d, d + extract(hour FROM t) FROM generate_series(timestamptz '2024-01-01Z', '2024-04-02Z', '1 hour') t, generate_series(1, 3) d;
-- Where the rows are, and that they are all there.
\set parts 'SELECT tableoid::regclass AS part, count(*), sum(value), sum(twice) FROM reading GROUP BY 1 ORDER BY min(at);'
\set all 'SELECT count(*), sum(value), sum(twice), min(at), max(at) FROM reading;'
:parts
:all

-- What is wrong is said before anything happens.
CREATE TABLE plain (at timestamptz, value int);
SELECT kpi.set_retention('plain', archive_after => '90 days', store => 'life');
SELECT kpi.set_retention('reading', archive_after => '90 days', store => 'nowhere');
SELECT kpi.set_retention('reading', archive_after => '90 days');
SELECT kpi.set_retention('reading', archive_after => '90 days', store => 'life', drop_after => '30 days');
SELECT kpi.set_retention('reading', archive_after => '90 days', store => 'life', compression => 'brotli');
SELECT kpi.set_retention('reading', archive_after => '90 days', store => 'life', bloom => '{nothing}');
CREATE UNIQUE INDEX reading_key ON reading (at, device);
SELECT kpi.set_retention('reading', archive_after => '90 days', store => 'life');
DROP INDEX reading_key;

-- A hook vetoes: nothing has moved.
CREATE FUNCTION veto(relation regclass, since timestamptz, until timestamptz) RETURNS void
    LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '% is not to be archived from % to %', relation, since, until; END $$;
SELECT kpi.set_retention('reading', archive_after => '90 days', store => 'life', before_archive => 'now()', schedule => NULL);
SELECT kpi.set_retention('reading', archive_after => '90 days', store => 'life', grace => '0', before_archive => 'veto(regclass, timestamptz, timestamptz)', schedule => NULL);
CALL kpi.archive('reading');
SELECT kpi.set_retention('reading', archive_after => '90 days', store => 'life', after_archive => 'veto(regclass, timestamptz, timestamptz)', schedule => NULL);
CALL kpi.archive('reading');
:parts
SELECT kpi.set_retention('reading', archive_after => '90 days', store => 'life', schedule => NULL);
BEGIN;
CALL kpi.archive('reading');
ROLLBACK;

-- A held range stays where it is; what is before and behind it moves.
SELECT kpi.hold('reading', 'audit', '2024-02-10Z', '2024-02-11Z') AS hold \gset
CALL kpi.archive('reading');
:parts
SELECT action, what, since, until FROM kpi.retention_preview('reading');
SELECT kpi.release(:hold);
CALL kpi.archive('reading');
:parts
:all
SELECT archived_since, archived_until, objects, rows, late_rows, unfinished FROM kpi.archive_status;

-- What is read of it is what can match.
SELECT * FROM reading WHERE at = '2024-02-03 04:00Z' ORDER BY device;
SELECT count(*) FROM reading WHERE at >= '2024-01-31Z' AND at < '2024-02-02Z' AND device = 2;
SELECT at, device FROM reading ORDER BY at DESC, device LIMIT 2;
SELECT date_trunc('month', at) AS month, count(*), max(value) FROM reading GROUP BY 1 ORDER BY 1;
EXPLAIN (COSTS OFF) SELECT value FROM reading WHERE at = '2024-02-03 04:00Z';

-- An archived row is not changed in place.
UPDATE reading SET value = 0 WHERE at = '2024-01-15Z';
DELETE FROM reading WHERE at = '2024-01-15Z';
TRUNCATE reading;
ALTER TABLE reading DETACH PARTITION kpi_archive.reading_1;
SELECT kpi.drop_retention('reading');
DROP SERVER life CASCADE;

-- Rows that come late are read with the others, can be changed while they are local, and join the archive with the next run.
INSERT INTO reading VALUES ('2024-01-15 00:30Z', 7, 1000), ('1999-12-31Z', 8, 2000);
UPDATE reading SET value = 1001 WHERE device = 7;
SELECT * FROM reading WHERE device > 3 ORDER BY at;
SELECT rows, late_rows FROM kpi.archive_status;
CALL kpi.archive('reading');
SELECT rows, late_rows FROM kpi.archive_status;
SELECT * FROM reading WHERE device > 3 ORDER BY at;
SELECT count(*) FILTER (WHERE ok) AS good, count(*), sum(rows) AS rows FROM kpi.verify_archive('reading');

-- Columns are known by number.
ALTER TABLE reading RENAME COLUMN device TO sensor;
ALTER TABLE reading ADD COLUMN note text;
ALTER TABLE reading ALTER COLUMN sensor TYPE bigint;
SELECT * FROM reading WHERE at = '2024-01-15Z' ORDER BY sensor;

-- A range comes back, can be changed, and goes again when it may.
CALL kpi.restore('reading', '2024-01-20Z', '2024-01-10Z');
CALL kpi.restore('reading', '2024-01-10Z', '2024-01-20Z', keep => '0');
:parts
UPDATE reading SET note = 'corrected' WHERE at = '2024-01-15Z' AND sensor = 1;
CALL kpi.archive('reading');
:parts
:all
SELECT * FROM reading WHERE at = '2024-01-15Z' ORDER BY sensor;

-- From the store alone: the objects say what they are, and a range is shown by what was written last.
DELETE FROM kpi.archive_file;
SELECT count(*) FROM reading;
SELECT relation, rows FROM kpi.archive_rebuild('life');
:all

-- Objects of several databases under one name, none of them known: it is asked whose are meant.
SELECT kpi.own_archive() IS NOT NULL AS own;
INSERT INTO reading (at, sensor, value) VALUES ('2024-01-05Z', 9, 9);
CALL kpi.archive('reading');
SELECT count(DISTINCT split_part(key, '/', 1)) AS owners FROM kpi.archive_file;
CREATE TEMP TABLE owner AS SELECT DISTINCT split_part(key, '/', 1) AS id FROM kpi.archive_file;
SELECT relation, rows > 0 AS rows FROM kpi.archive_rebuild('life');
DELETE FROM kpi.archive_file;
DELETE FROM kpi.archive_owner;
SELECT relation, regexp_replace(outcome, '[0-9a-f]{8}-[0-9a-f-]{27}', 'ID', 'g') AS outcome FROM kpi.archive_rebuild('life');
SELECT * FROM kpi.archive_rebuild('life', owners => '{nobody}');
SELECT relation, rows > 0 AS rows FROM kpi.archive_rebuild('life', owners => ARRAY(SELECT id FROM owner));
:all

-- What is dropped by age is listed before.
SELECT kpi.set_retention('reading', archive_after => '90 days', store => 'life', grace => '0', drop_after => now() - timestamptz '2024-02-15Z', schedule => NULL);
SELECT action, regexp_replace(what, '\S+/', '') AS what, since, until FROM kpi.retention_preview('reading') ORDER BY since;
SELECT kpi.apply_retention('reading');
:parts

-- Whole, it is as it was before.
CALL kpi.restore('reading', keep => '0');
SELECT kpi.drop_retention('reading');
:parts
SELECT count(*) FROM kpi.archive_segment;

-- By day, whole days come back, wherever the session is.
CREATE TABLE daily (day date NOT NULL, n int) PARTITION BY RANGE (day);
CREATE TABLE daily_01 PARTITION OF daily FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
INSERT INTO daily SELECT '2024-01-01'::date + i, i FROM generate_series(0, 30) i;
SELECT kpi.set_retention('daily', archive_after => '90 days', store => 'life', schedule => NULL);
CALL kpi.archive('daily');
SET timezone = 'America/New_York';
CALL kpi.restore('daily', '2024-01-10', '2024-01-12');
RESET timezone;
SELECT tableoid::regclass AS part, count(*), min(day), max(day) FROM daily GROUP BY 1 ORDER BY 3;

DROP TABLE daily;
DROP SCHEMA archive_life CASCADE;
SELECT count(*) FROM kpi.retention;
DROP SERVER life;
