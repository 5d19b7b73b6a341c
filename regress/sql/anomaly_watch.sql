-- Watches: sensors write readings, every one is scored in the transaction that writes it; a KPI's buckets are scored when they close.
SET timezone = 'UTC';
SET max_parallel_workers_per_gather = 0;
\set SHOW_CONTEXT never
CREATE TABLE story_reading (at timestamptz, device int, room text, temperature float8);

-- Two devices that breathe around 20 and 40 degrees; what is there already is learned from.
CREATE FUNCTION story_noise(i bigint) RETURNS float8 LANGUAGE sql IMMUTABLE
    RETURN ((hashint8(i)::bigint & 1023) + (hashint8(i + 7919)::bigint & 1023) + (hashint8(i + 104729)::bigint & 1023)) / 512.0 - 3;
INSERT INTO story_reading
SELECT timestamptz '2026-01-01' + i * interval '1 minute', d, 'hall', 20 * d + story_noise(i * 2 + d)
FROM generate_series(0, 999) i, generate_series(1, 2) d;
SELECT kpi.watch('story_reading', 'at', 'temperature', key => '{device,room}', name => 'temperatures', learn => '1 day');
SELECT name, relation, time_column, value_column, key, threshold, direction, min_score, detectors, anomalies FROM kpi.watches;
SELECT key FROM kpi.detectors ORDER BY key;

-- Usual readings are not written down; a jump of one device is, with the reason.
INSERT INTO story_reading
SELECT timestamptz '2026-01-01' + i * interval '1 minute', d, 'hall', 20 * d + story_noise(i * 2 + d)
FROM generate_series(1000, 1099) i, generate_series(1, 2) d;
SELECT count(*) < 3 AS few FROM kpi.anomalies;
INSERT INTO story_reading VALUES
    ('2026-01-01 18:20', 1, 'hall', 33), ('2026-01-01 18:20', 2, 'hall', 40.2);
SELECT key, ts, value, round(expected::numeric) AS expected, score > 0.999 AS rare, is_anomaly, kind, reason LIKE '33 is %' AS says_why
FROM kpi.anomalies WHERE ts = '2026-01-01 18:20';

-- The scores are part of the writer's transaction: what is rolled back is not found, nor learned.
SELECT md5(string_agg(detector::text, '' ORDER BY key)) AS before FROM kpi.detectors \gset
BEGIN;
INSERT INTO story_reading VALUES ('2026-01-01 18:21', 2, 'hall', -50);
SELECT count(*) FROM kpi.anomalies WHERE ts = '2026-01-01 18:21';
ROLLBACK;
SELECT count(*) FROM kpi.anomalies WHERE ts = '2026-01-01 18:21';
SELECT md5(string_agg(detector::text, '' ORDER BY key)) = :'before' AS unchanged FROM kpi.detectors;

-- The order of rows within a statement does not matter, the split into statements neither: the same detector as kpi.observe makes.
CREATE TABLE story_copy (LIKE story_reading);
SELECT kpi.watch('story_copy', 'at', 'temperature', key => '{device}', name => 'whole');
INSERT INTO story_copy SELECT * FROM story_reading ORDER BY hashfloat8(temperature);
CREATE TABLE story_parts (LIKE story_reading);
SELECT kpi.watch('story_parts', 'at', 'temperature', key => '{device}', name => 'parts');
INSERT INTO story_parts SELECT * FROM story_reading WHERE at < '2026-01-01 08:00';
COPY story_parts FROM PROGRAM 'true';
INSERT INTO story_parts SELECT * FROM story_reading WHERE at >= '2026-01-01 08:00' ORDER BY at DESC;
SELECT a.key, a.detector::text = b.detector::text AS same
FROM kpi.detectors a JOIN kpi.detectors b ON b.watch = 'parts' AND b.key = a.key WHERE a.watch = 'whole' ORDER BY 1;

-- Row by row, some of it undone, some by a session that has not seen the watch before: still the same detectors.
CREATE TABLE story_rows (LIKE story_reading);
SELECT kpi.watch('story_rows', 'at', 'temperature', key => '{device}', name => 'rows');
DO $$
DECLARE reading story_reading;
BEGIN
    FOR reading IN SELECT * FROM story_reading WHERE at < '2026-01-01 03:00' ORDER BY at LOOP
        BEGIN
            INSERT INTO story_rows VALUES (reading.at, reading.device, reading.room, -1000);
            RAISE EXCEPTION 'undone';
        EXCEPTION WHEN raise_exception THEN NULL;
        END;
        INSERT INTO story_rows SELECT reading.*;
    END LOOP;
END $$;
\setenv PGDATABASE :DBNAME
\! psql -qXc "INSERT INTO story_rows SELECT * FROM story_reading WHERE at >= '2026-01-01 03:00' AND at < '2026-01-01 03:20' ORDER BY at"
INSERT INTO story_rows SELECT * FROM story_reading WHERE at >= '2026-01-01 03:20' AND at < '2026-01-01 08:00';
INSERT INTO story_rows SELECT * FROM story_reading WHERE at >= '2026-01-01 08:00' AND at < '2026-01-01 08:03';
INSERT INTO story_rows SELECT * FROM story_reading WHERE at >= '2026-01-01 08:03' AND at < '2026-01-01 08:05';
SELECT d.key, length(d.recent) BETWEEN 30 AND 1600 AS has_points FROM kpi.watched d JOIN kpi.watch w ON w.id = d.watch_id WHERE w.name = 'rows' ORDER BY 1;
INSERT INTO story_rows SELECT * FROM story_reading WHERE at >= '2026-01-01 08:05';
SELECT a.key, a.detector::text = b.detector::text AS same
FROM kpi.detectors a JOIN kpi.detectors b ON b.watch = 'rows' AND b.key = a.key WHERE a.watch = 'whole' ORDER BY 1;
-- Bytes that are not whole points are refused, by the writer too.
INSERT INTO story_rows VALUES ('2026-01-02', 3, 'hall', 1);
UPDATE kpi.watched SET recent = '\x00' WHERE key = '{"device": 3}' AND watch_id = (SELECT id FROM kpi.watch WHERE name = 'rows');
SELECT count(detector::text) FROM kpi.detectors WHERE watch = 'rows';
UPDATE kpi.watched SET recent = '\xffffffffffffffffffffffff' WHERE key = '{"device": 3}' AND watch_id = (SELECT id FROM kpi.watch WHERE name = 'rows');
SELECT count(detector::text) FROM kpi.detectors WHERE watch = 'rows';
\! psql -qXc "INSERT INTO story_rows VALUES ('2026-01-02 00:01', 3, 'hall', 1)"
SELECT kpi.unwatch('whole'), kpi.unwatch('parts'), kpi.unwatch('rows');
-- Times at the ends of what there is, and backwards.
CREATE TABLE story_times (at timestamptz, v float8);
SELECT kpi.watch('story_times', 'at', 'v', name => 'times');
INSERT INTO story_times VALUES ('294276-12-31', 1);
INSERT INTO story_times VALUES ('4713-01-01 BC', 2);
INSERT INTO story_times VALUES ('2026-01-01', 'Infinity'), ('2026-01-01', -0.0), ('2026-01-02', NULL);
\! psql -qXc "INSERT INTO story_times VALUES ('2026-01-03', 3)"
SELECT (kpi.explain(detector) ->> 'values')::int AS values FROM kpi.detectors WHERE watch = 'times';
SELECT kpi.unwatch('times');
DROP TABLE story_times;
DROP TABLE story_copy, story_parts, story_rows;

-- Keys of any type, null among them; values of any number; rows without a time, or at its end, are not scored.
CREATE TABLE story_types (day date, who uuid, open bool, amount numeric);
SELECT kpi.watch('story_types', 'day', 'amount', key => '{who,open}', min_score => 0);
INSERT INTO story_types VALUES ('2026-01-01', '00000000-0000-0000-0000-000000000001', true, 1), ('2026-01-02', NULL, NULL, 2), (NULL, NULL, NULL, 3),
    ('infinity', NULL, NULL, 4), ('2026-01-03', NULL, NULL, NULL), ('2026-01-04', NULL, NULL, 'NaN');
SELECT key FROM kpi.detectors WHERE watch = 'story_types.amount' ORDER BY key;
SELECT kpi.unwatch('story_types.amount');
DROP TABLE story_types;

-- Partitions: the parent is watched.
CREATE TABLE story_parted (at timestamptz, v float8) PARTITION BY RANGE (at);
CREATE TABLE story_parted_1 PARTITION OF story_parted FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
SELECT kpi.watch('story_parted_1', 'at', 'v');
SELECT kpi.watch('story_parted', 'at', 'v');
INSERT INTO story_parted SELECT timestamptz '2026-01-01' + i * interval '1 minute', CASE i WHEN 150 THEN 99 ELSE story_noise(i) END FROM generate_series(0, 199) i;
SELECT watch, key, ts, kind FROM kpi.anomalies WHERE watch = 'story_parted.v' AND value = 99;
DROP TABLE story_parted;
SELECT kpi.run_job(kpi.create_job('story clean', 'clean', '1 day', first_run => '2100-01-01')) >= 1 AS cleaned;
SELECT kpi.drop_job('story clean');
SELECT count(*) FROM kpi.watches WHERE name = 'story_parted.v';

-- A KPI: its hours are scored in the refresh after they close.
CREATE TABLE story_visit (at timestamptz, site text);
CREATE INDEX ON story_visit (at);
SELECT kpi.create_source('story_visit', 'story_visit', 'at', '{site}');
SELECT kpi.create_kpi('story.visits', 'story_visit', 'count(*)');
INSERT INTO story_visit
SELECT date_trunc('hour', now()) - h * interval '1 hour' + v * interval '1 second', s
FROM generate_series(3, 200) h, unnest('{a,b}'::text[]) s, generate_series(1, 100 + (hashint8(h) & 15)) v;
SELECT * FROM kpi.refresh('story_visit') \gset
SELECT kpi.watch_kpi('story.visits', 'hour', '{site}', name => 'visits', delay => '1 hour');
-- Site b has a break in the hour that has closed since: after an hour of delay it is scored, once.
INSERT INTO story_visit
SELECT date_trunc('hour', now()) - interval '2 hours' + v * interval '1 second', s
FROM unnest('{a,b}'::text[]) s, generate_series(1, CASE s WHEN 'a' THEN 105 ELSE 10 END) v;
SELECT buckets > 0 AS refreshed FROM kpi.refresh('story_visit');
SELECT count(*) FROM kpi.anomalies WHERE watch = 'visits';
SELECT kpi.unwatch('visits');
SELECT kpi.watch_kpi('story.visits', 'hour', '{site}', name => 'visits', learn => '100 days', delay => '2 hours');
UPDATE kpi.watch SET delay = '0', observed_until = date_trunc('hour', now()) - interval '2 hours' WHERE name = 'visits';
SELECT buckets >= 0 AS refreshed FROM kpi.refresh('story_visit');
SELECT key, ts = date_trunc('hour', now()) - interval '2 hours' AS that_hour, value, kind, is_anomaly FROM kpi.anomalies WHERE watch = 'visits';
SELECT buckets >= 0 AS refreshed FROM kpi.refresh('story_visit');
SELECT count(*) FROM kpi.anomalies WHERE watch = 'visits';

-- An alert of a watch fires while there is something in its window, and resolves after.
SELECT kpi.create_alert_rule('hot', 'score', watch => 'temperatures', threshold => 0.9999);
SELECT kpi.evaluate_alerts('hot', '2026-01-01 18:30');
SELECT subject, state, message LIKE '%at 2026-01-01 18:20:00+00: 33 is %' AS says_why FROM kpi.alerts WHERE rule = 'hot';
SELECT kpi.evaluate_alerts('hot', '2026-01-01 20:30');
SELECT state FROM kpi.alerts WHERE rule = 'hot';

-- Who may read all of the table may read what was found in it; others see nothing.
CREATE ROLE story_reader;
SET ROLE story_reader;
SELECT count(*) FROM kpi.anomalies WHERE watch = 'temperatures';
SELECT count(*) FROM kpi.watches;
SELECT count(*) FROM kpi.detectors;
SELECT kpi.unwatch('temperatures');
SELECT kpi.watch('story_reading', 'at', 'temperature');
SELECT kpi.create_alert_rule('spy', 'score', watch => 'temperatures');
RESET ROLE;
GRANT SELECT ON story_reading TO story_reader;
SET ROLE story_reader;
SELECT count(*) > 0 AS seen FROM kpi.anomalies WHERE watch = 'temperatures';
RESET ROLE;
ALTER TABLE story_reading ENABLE ROW LEVEL SECURITY;
SET ROLE story_reader;
SELECT count(*) FROM kpi.anomalies WHERE watch = 'temperatures';
RESET ROLE;
DROP OWNED BY story_reader;
DROP ROLE story_reader;
-- The trigger function is of no use to a table that is not watched.
CREATE TABLE story_forged (at timestamptz, temperature float8, device int, room text);
CREATE TRIGGER forged AFTER INSERT ON story_forged REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION kpi._watched('1');
SELECT id AS watch FROM kpi.watch WHERE name = 'temperatures' \gset
DROP TRIGGER forged ON story_forged;
CREATE TRIGGER forged AFTER INSERT ON story_forged REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION kpi._watched(:watch);
INSERT INTO story_forged VALUES (now(), 1, 1, 'hall');
DROP TABLE story_forged;

-- What cannot be watched says so.
CREATE VIEW story_view AS SELECT * FROM story_reading;
SELECT kpi.watch('story_nothing', 'at', 'temperature');
SELECT kpi.watch('story_view', 'at', 'temperature');
SELECT kpi.watch('story_reading', 'at', 'temprature');
SELECT kpi.watch('story_reading', 'room', 'temperature');
SELECT kpi.watch('story_reading', 'at', 'room');
SELECT kpi.watch('story_reading', NULL, 'temperature');
SELECT kpi.watch('story_reading', 'at');
SELECT kpi.watch('story_reading', 'at', 'temperature', name => 'temperatures');
SELECT kpi.watch('story_reading', 'at', 'temperature', threshold => 2);
SELECT kpi.watch('story_reading', 'at', 'temperature', direction => 'left');
SELECT kpi.watch('story_reading', 'at', 'temperature', season => -1);
SELECT kpi.watch('story_reading', 'at', 'temperature', min_score => 7);
SELECT kpi.watch_kpi('story.visit');
SELECT kpi.watch_kpi('story.visits', 'fortnight');
SELECT kpi.watch_kpi('story.visits', 'day', '{town}');
SELECT kpi.watch_kpi('story.visits', delay => '-1 hour');
SELECT kpi.unwatch('temperature');
-- A column that is renamed stops the writer until the watch is made anew: no row goes unseen.
ALTER TABLE story_reading RENAME temperature TO degrees;
INSERT INTO story_reading VALUES (now(), 1, 'hall', 20);
SELECT kpi.unwatch('temperatures');
INSERT INTO story_reading VALUES (now(), 1, 'hall', 20);

SELECT kpi.drop_source('story_visit', cascade => true);
SELECT count(*) FROM kpi.watches;
SELECT count(*) FROM kpi.alert_rules;
DROP VIEW story_view;
DROP TABLE story_reading, story_visit;
DROP FUNCTION story_noise;
DELETE FROM kpi.alert WHERE kind = 'rule';
