--
-- kpi.time_bucket_gapfill gives the buckets of a range as rows; a join with them fills gaps. kpi.locf and kpi.interpolate give
-- the rows that were added a value.
--
SET TimeZone = 'UTC';
CREATE TABLE metric (ts timestamptz, device text, value float8);
INSERT INTO metric VALUES ('2026-01-01 10:00', 'a', 1), ('2026-01-01 11:00', 'a', 3), ('2026-01-03 00:00', 'b', 10), ('2026-01-04 09:00', 'a', 8),
                          ('2026-01-05 23:59', 'b', NULL), ('2026-01-06 00:00', 'b', 40);
-- One series.
SELECT day, avg(value), kpi.locf(avg(value)) OVER (ORDER BY day), kpi.interpolate(avg(value), day) OVER (ORDER BY day)
FROM kpi.time_bucket_gapfill('1 day', timestamptz '2025-12-31 15:00', '2026-01-08') AS day
LEFT JOIN metric ON kpi.time_bucket('1 day', ts) = day
GROUP BY day ORDER BY day;
-- One per device: gaps are filled within each, and nothing is carried from one to the next.
WITH daily AS (
    SELECT kpi.time_bucket('1 day', ts) AS day, device, avg(value) AS avg, count(*) AS rows FROM metric GROUP BY 1, 2)
SELECT device, day, rows, avg,
       kpi.locf(avg) OVER w AS locf, kpi.locf(avg, '-1') OVER w AS with_prev,
       -- A NULL that was there is an observation; that of an added row is missing.
       kpi.locf(avg, treat_null_as_missing => daily.day IS NULL) OVER w AS null_kept,
       kpi.interpolate(avg, day) OVER w AS line,
       kpi.interpolate(avg, day, (timestamptz '2025-12-31', 0), (timestamptz '2026-01-08', 100.0)) OVER w AS with_ends
FROM kpi.time_bucket_gapfill('1 day', timestamptz '2026-01-01', '2026-01-08') AS day
CROSS JOIN (SELECT DISTINCT device FROM daily) AS devices
LEFT JOIN daily USING (day, device)
WINDOW w AS (PARTITION BY device ORDER BY day) ORDER BY device, day;

-- The same over random data, against plain SQL: the value of the last row before, and the line to the next row.
SELECT setseed(0.42) \g /dev/null
CREATE TABLE random AS
SELECT timestamptz '2026-03-01' + random() * interval '60 days' AS ts, floor(random() * 7)::int AS device,
       CASE WHEN random() < 0.8 THEN floor(random() * 2000 - 1000)::bigint END AS value
FROM generate_series(1, 400);
WITH raw AS (SELECT kpi.time_bucket('1 day', ts) AS day, device, min(value) AS value FROM random GROUP BY 1, 2),
ours AS (
    SELECT day, device, kpi.locf(value) OVER w AS locf, kpi.interpolate(value, day) OVER w AS whole, kpi.interpolate(value::float8, day) OVER w AS line
    FROM kpi.time_bucket_gapfill('1 day', timestamptz '2026-02-27', '2026-05-03') AS day
    CROSS JOIN (SELECT DISTINCT device FROM raw) AS devices LEFT JOIN raw USING (day, device)
    WINDOW w AS (PARTITION BY device ORDER BY day)),
plain AS (
    SELECT g.day, device, before.value AS locf,
           CASE WHEN before.day = g.day THEN before.value
                ELSE before.value + (after.value - before.value) * extract(epoch FROM g.day - before.day) / extract(epoch FROM after.day - before.day) END AS line
    FROM generate_series(timestamptz '2026-02-27', '2026-05-02', '1 day') AS g (day)
    CROSS JOIN (SELECT DISTINCT device FROM random) AS devices
    LEFT JOIN LATERAL (SELECT day, value FROM raw WHERE raw.device = devices.device AND raw.day <= g.day AND value IS NOT NULL ORDER BY day DESC LIMIT 1) AS before ON true
    LEFT JOIN LATERAL (SELECT day, value FROM raw WHERE raw.device = devices.device AND raw.day > g.day AND value IS NOT NULL ORDER BY day LIMIT 1) AS after ON true)
SELECT count(*) AS rows, count(*) FILTER (WHERE ours.locf IS DISTINCT FROM plain.locf) AS locf_differs,
       count(*) FILTER (WHERE ours.whole IS DISTINCT FROM round(plain.line)) AS whole_differs,
       count(*) FILTER (WHERE (ours.line IS NULL) <> (plain.line IS NULL) OR abs(ours.line - plain.line::float8) > 1e-9) AS line_differs,
       count(*) FILTER (WHERE ours.line IS NOT NULL) > 300 AS many
FROM ours FULL JOIN plain USING (day, device);

-- Buckets of every type. The first one holds the start, the last one starts before the finish.
SELECT array_agg(d) FROM kpi.time_bucket_gapfill('1 month', date '2026-01-10', '2026-04-01') AS d;
SELECT array_agg(t) FROM kpi.time_bucket_gapfill('12 hours', timestamp '2026-01-10 13:00', '2026-01-11 12:00:01') AS t;
SELECT array_agg(n) FROM kpi.time_bucket_gapfill(10, -5, 21) AS n;
SELECT array_agg(n) FROM kpi.time_bucket_gapfill(1000::smallint, 31500::smallint, 32767::smallint) AS n;
SELECT array_agg(n) FROM kpi.time_bucket_gapfill(5::bigint, 9223372036854775800, 9223372036854775807) AS n;
SELECT count(*) AS none FROM kpi.time_bucket_gapfill(10, 5, 0);
SELECT count(*) AS null_start FROM kpi.time_bucket_gapfill('1 day', NULL::timestamptz, '2026-01-01');
-- On the wall clock of a zone: every bucket that time_bucket has for some time, once, also where the clock is changed.
SELECT zone, width, count(*) AS buckets, count(*) FILTER (WHERE ours IS NULL OR theirs IS NULL) AS differ
FROM (VALUES ('Europe/Berlin', timestamptz '2026-03-29', interval '30 minutes'), ('Europe/Berlin', '2026-10-25', '1 hour'), ('Europe/Berlin', '2026-03-29', '25 minutes'),
             ('Australia/Lord_Howe', '2026-04-04 12:00', '1 hour'), ('Pacific/Apia', '2011-12-30', '1 day'), ('America/New_York', '2026-11-01', '1 day')) AS c (zone, around, width),
LATERAL (SELECT * FROM kpi.time_bucket_gapfill(width, around - interval '2 days', around + interval '2 days', zone) AS ours
         FULL JOIN (SELECT DISTINCT kpi.time_bucket(width, ts, zone) AS theirs
                    FROM generate_series(around - interval '2 days', around + interval '2 days' - interval '1 second', '1 minute') AS ts) AS t ON ours = theirs) AS grid
GROUP BY 1, 2, around ORDER BY 1, around, 2;

-- The types that can be interpolated; whole numbers are rounded, half away from zero.
SELECT n, kpi.interpolate(v::smallint, n) OVER w AS smallint, kpi.interpolate(v::int, n::smallint) OVER w AS int, kpi.interpolate(v::bigint, d) OVER w AS bigint,
       kpi.interpolate(v::real, d::timestamp) OVER w AS real, kpi.interpolate(v::numeric, n) OVER w AS numeric, kpi.locf(v::text) OVER w AS text
FROM (SELECT n, CASE n WHEN 0 THEN -3 WHEN 4 THEN 3 WHEN 6 THEN 4 END AS v, date '2026-01-01' + n AS d FROM generate_series(0, 6) AS n) AS r
WINDOW w AS (ORDER BY n);
-- Rows in the other direction, equal times, NaN, a row without a time.
SELECT t, v, kpi.interpolate(v, t) OVER (ORDER BY o) FROM (VALUES (1, 9, 1.0::float8), (2, 7, NULL), (3, 5, 3), (4, 5, NULL), (5, 5, 4), (6, NULL, NULL), (7, NULL, 77), (8, 6, NULL), (9, 7, 'NaN')) AS r (o, t, v);

-- What is refused.
SELECT kpi.time_bucket_gapfill('0', timestamptz '2026-01-01', '2026-02-01');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.time_bucket_gapfill('1 day', timestamptz '-infinity', '2026-02-01');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.interpolate(v, t, ('2026-01-01'::text, 1)) OVER () FROM (VALUES (NULL::float8, now())) AS r (v, t);
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.interpolate(v, t) OVER () FROM (VALUES (NULL::float8, 'x'::text)) AS r (v, t);
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.locf(1);
\echo :LAST_ERROR_SQLSTATE
