--
-- A day is the source's day, whatever the session's time zone: 23 or 25 hours long where clocks change, and begun at the
-- local midnight, for each type of time column.
--
CREATE SCHEMA rollup_timezones;
SET search_path = rollup_timezones;
SET timezone = 'Asia/Tokyo';

-- One row per quarter of an hour around the two clock changes of Berlin in 2025
CREATE TABLE tick (at timestamptz, local timestamp, day date);
CREATE INDEX ON tick (at);
CREATE INDEX ON tick (local);
CREATE INDEX ON tick (day);
INSERT INTO tick SELECT at, at AT TIME ZONE 'Europe/Berlin', (at AT TIME ZONE 'Europe/Berlin')::date
FROM generate_series(timestamptz '2025-03-29 23:00Z', '2025-03-31 21:45Z', '15 minutes') at
UNION ALL SELECT at, at AT TIME ZONE 'Europe/Berlin', (at AT TIME ZONE 'Europe/Berlin')::date
FROM generate_series(timestamptz '2025-10-25 22:00Z', '2025-10-27 22:45Z', '15 minutes') at;

SELECT kpi.create_source('tz_at', 'tick', 'at', timezone => 'Europe/Berlin');
SELECT kpi.create_source('tz_local', 'tick', 'local', timezone => 'Europe/Berlin');
SELECT kpi.create_source('tz_day', 'tick', 'day', timezone => 'Europe/Berlin');
SELECT kpi.create_kpi('tz_at', 'tz_at', 'count(*)');
SELECT kpi.create_kpi('tz_local', 'tz_local', 'count(*)');
SELECT kpi.create_kpi('tz_day', 'tz_day', 'count(*)');

-- 92 and 100 quarters of an hour, before a refresh and after it
\set days 'SELECT a.ts AT TIME ZONE ''Europe/Berlin'' AS day, a.value AS at, l.value AS local, d.value AS date FROM kpi.value(''tz_at'', ''day'') a FULL JOIN kpi.value(''tz_local'', ''day'') l USING (ts) FULL JOIN kpi.value(''tz_day'', ''day'') d USING (ts) ORDER BY ts;'
:days
SELECT name, rows_read FROM kpi.source, kpi.refresh(name) WHERE name LIKE 'tz%' ORDER BY name;
:days
SET timezone = 'America/New_York';
:days

-- Midnight in Berlin is what counts, not in the session's zone.
INSERT INTO tick VALUES ('2025-06-30 21:59:59Z', '2025-06-30 23:59:59', '2025-06-30'), ('2025-06-30 22:00Z', '2025-07-01', '2025-07-01');
\set quarters 'SELECT a.ts AT TIME ZONE ''Europe/Berlin'' AS quarter, a.value AS at, l.value AS local, d.value AS date FROM kpi.value(''tz_at'', ''quarter'') a FULL JOIN kpi.value(''tz_local'', ''quarter'') l USING (ts) FULL JOIN kpi.value(''tz_day'', ''quarter'') d USING (ts) ORDER BY ts;'
:quarters
SELECT name, buckets, rows_read FROM kpi.source, kpi.refresh(name) WHERE name LIKE 'tz%' ORDER BY name;
:quarters

-- The hours around the autumn change: an instant knows the two 2 o'clocks apart, a local time does not.
SET timezone = 'UTC';
SELECT ts, a.value AS at, l.value AS local
FROM kpi.value('tz_at', 'hour', since => '2025-10-25 23:00Z', until => '2025-10-26 03:00Z') a
FULL JOIN kpi.value('tz_local', 'hour', since => '2025-10-25 23:00Z', until => '2025-10-26 03:00Z') l USING (ts) ORDER BY ts;
-- since and until choose buckets by their start.
SELECT ts, value FROM kpi.value('tz_at', 'day', since => '2025-03-29 23:00Z', until => '2025-03-30 22:00Z');
SELECT ts, value FROM kpi.value('tz_at', 'day', since => '2025-03-29 23:00:00.000001Z', until => '2025-03-30 22:00:00.000001Z');
SELECT ts, value FROM kpi.value('tz_local', 'day', since => '2025-03-29 23:00Z', until => '2025-03-30 22:00Z');
SELECT ts, value FROM kpi.value('tz_day', 'day', since => '2025-03-29 23:00Z', until => '2025-03-30 22:00Z');
SELECT ts, value FROM kpi.value('tz_day', 'month', since => '2025-02-28 23:00Z', until => '2025-03-31 22:00Z');
-- A date has no hours.
SELECT count(*) FROM kpi.value('tz_day', 'hour');

-- The window of a refresh is in instants too.
INSERT INTO tick VALUES ('2025-01-01 22:30Z', '2025-01-01 23:30', '2025-01-01'), ('2025-01-01 23:30Z', '2025-01-02 00:30', '2025-01-02');
SELECT name, buckets, rows_read FROM kpi.source, kpi.refresh(name, since => '2025-01-01 23:00Z', until => '2025-01-02 23:00Z')
WHERE name LIKE 'tz%' ORDER BY name;
SELECT name, buckets, rows_read FROM kpi.source, kpi.refresh(name) WHERE name LIKE 'tz%' ORDER BY name;
:days

-- Half an hour of daylight saving: local hours that begin at half past of UTC's, and one that is half as long.
CREATE TABLE howe (at timestamptz);
CREATE INDEX ON howe (at);
INSERT INTO howe SELECT generate_series(timestamptz '2025-10-04 12:30Z', '2025-10-05 00:00Z', '5 minutes');
SELECT kpi.create_source('tz_howe', 'howe', 'at', timezone => 'Australia/Lord_Howe');
SELECT kpi.create_kpi('tz_howe', 'tz_howe', 'count(*)');
\set hours 'SELECT ts, value FROM kpi.value(''tz_howe'', ''hour'', since => ''2025-10-04 14:00Z'', until => ''2025-10-04 18:00Z'') ORDER BY ts;'
:hours
SELECT buckets, rows_read FROM kpi.refresh('tz_howe');
:hours
INSERT INTO howe VALUES ('2025-10-04 15:31Z');
:hours
SELECT buckets > 0 AS refreshed FROM kpi.refresh('tz_howe');
:hours

SELECT kpi.drop_source(name, cascade => true) FROM kpi.source WHERE name LIKE 'tz%' ORDER BY name;
SET client_min_messages = warning;
DROP SCHEMA rollup_timezones CASCADE;
