--
-- kpi.time_bucket: the start of the bucket that holds a time or a number, with the meaning of TimescaleDB's function.
-- regress/time/timescaledb.sh compares the two over random arguments where both are installed.
--
SET TimeZone = 'UTC';
-- Buckets of exact time are counted from Monday 2000-01-03, so weeks begin on Monday; months from January 2000.
SELECT width, kpi.time_bucket(width, timestamptz '2026-05-17 13:37:42') AS start, kpi.time_bucket(width, timestamp '2026-05-17 13:37:42') = kpi.time_bucket(width, timestamptz '2026-05-17 13:37:42') AS same
FROM (VALUES (interval '15 minutes'), ('7 seconds'), ('1 day'), ('1 week'), ('1 month'), ('3 months'), ('1 year'), ('10 years')) AS widths (width);
SELECT kpi.time_bucket('1 week', date '2026-05-17'), kpi.time_bucket('3 months', date '2026-05-17'), kpi.time_bucket(10, -1),
       kpi.time_bucket(10::smallint, 7::smallint), kpi.time_bucket(10, 7::bigint);
-- An origin from which buckets are counted, an offset by which all are moved.
SELECT kpi.time_bucket('1 week', ts, origin => timestamptz '2026-01-01') AS from_thursday,
       kpi.time_bucket('1 day', ts, interval '6 hours') AS shift_from_six,
       kpi.time_bucket('1 month', ts, "offset" => interval '14 days') AS from_the_15th,
       kpi.time_bucket('5 months', ts, timestamptz '2025-12-24') AS from_december,
       kpi.time_bucket(10, 12, 3) AS from_three
FROM (SELECT timestamptz '2026-05-17 03:00' AS ts) AS at;
-- A day of a zone is 23 or 25 hours long where its clock is changed.
SELECT day, lead(day) OVER (ORDER BY day) - day AS length
FROM (SELECT DISTINCT kpi.time_bucket('1 day', ts, 'Europe/Berlin') AS day
      FROM generate_series(timestamptz '2026-03-28 12:00', '2026-03-30 12:00', '1 hour') AS ts) AS days ORDER BY day;
-- It is what date_trunc says of the same zone, wherever both have an answer.
SELECT count(*) AS rows,
       count(*) FILTER (WHERE kpi.time_bucket(('1 ' || unit)::interval, ts, zone) IS DISTINCT FROM date_trunc(unit, ts, zone)) AS differ
FROM generate_series(timestamptz '1890-01-01', '2150-01-01', '97 days 5 hours 7 minutes') AS ts,
     unnest(ARRAY['day', 'week', 'month', 'year']) AS unit,
     unnest(ARRAY['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia', 'Asia/Kathmandu', 'UTC', 'EST5EDT']) AS zone;
-- And what date_bin says of exact widths.
SELECT count(*) AS rows, count(*) FILTER (WHERE kpi.time_bucket(width, ts, origin) IS DISTINCT FROM date_bin(width, ts, origin)) AS differ
FROM generate_series(timestamptz '2026-01-01', '2026-06-01', '7 hours 11 minutes') AS ts,
     unnest(ARRAY[interval '7 minutes', '1 hour', '3 days', '11 days 1 second']) AS width,
     unnest(ARRAY[timestamptz '2000-01-03', '2026-01-01 00:00:01']) AS origin WHERE ts >= origin;
-- Infinite times are their own buckets, NULL has none.
SELECT kpi.time_bucket('1 day', timestamptz 'infinity') AS infinity, kpi.time_bucket('1 month', date '-infinity') AS minus_infinity,
       kpi.time_bucket('1 day', timestamptz 'infinity', 'Europe/Berlin') AS in_a_zone, kpi.time_bucket('1 day', NULL::timestamptz) AS of_null,
       kpi.time_bucket('1 day', timestamptz '2026-01-01', NULL::text) AS null_zone;
-- From the first to the last time that there is.
SELECT kpi.time_bucket('1 week', timestamp '4714-11-24 BC'), kpi.time_bucket('1 month', timestamp '294276-12-31 23:59'),
       kpi.time_bucket(10, 2147483647), kpi.time_bucket(10::bigint, 9223372036854775807);
-- It does not depend on the session, so it can be indexed.
CREATE TABLE reading (ts timestamptz, value float8);
CREATE INDEX ON reading (kpi.time_bucket('1 month', ts, interval '3 days'));
SET TimeZone = 'Europe/Berlin';
SELECT kpi.time_bucket('1 month', timestamptz '2026-05-17 00:00Z', interval '3 days') = timestamptz '2026-05-04 00:00Z' AS same;
SET TimeZone = 'UTC';

-- What is refused.
SELECT kpi.time_bucket('0', timestamptz '2026-01-01');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.time_bucket('1 month -1 day', timestamptz '2026-01-01');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.time_bucket('36 hours', date '2026-01-01');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.time_bucket('1 day', timestamptz '2026-01-01', 'Europe/Atlantis');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.time_bucket('1 day', timestamptz '2026-01-01', timestamptz 'infinity');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.time_bucket('1 month', timestamp '4714-11-30 BC');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.time_bucket(-5, 1);
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.time_bucket(1000::smallint, (-32768)::smallint);
\echo :LAST_ERROR_SQLSTATE
