--
-- kpi.series is one value that holds a whole time series: how it is made, written, read back and taken apart.
--
-- The aggregate puts rows in time order, keeps NULL as a gap, skips rows without a time, and lets the last of equal times
-- win. NaN and the infinities are values.
CREATE TABLE readings (id int, ts timestamptz, value float8);
INSERT INTO readings VALUES
    (1, '2026-01-03 00:00Z', 3.5),
    (2, '2026-01-01 00:00Z', 1),
    (3, NULL, 99),
    (4, '2026-01-02 00:00Z', NULL),
    (5, '2026-01-01 00:00Z', 1.25),
    (6, '2026-01-04 00:00:00.5Z', 'NaN'),
    (7, '2026-01-05 00:00Z', '-Infinity');
SELECT kpi.series(ts, value ORDER BY id) FROM readings;
SELECT * FROM kpi.points((SELECT kpi.series(ts, value ORDER BY id) FROM readings));
SELECT kpi.length(s), kpi.first_time(s), kpi.last_time(s)
FROM (SELECT kpi.series(ts, value) AS s FROM readings) AS made;

-- Without a row that has a time there is no series; an empty series is something else.
SELECT kpi.series(ts, value) IS NULL AS is_null FROM readings WHERE ts IS NULL;
SELECT kpi.length('[]') AS length, kpi.first_time('[]'::kpi.series) IS NULL AS first_is_null, count(*) FROM kpi.points('[]');

-- GROUP BY gives many series, a window function one for each row.
SELECT id % 2 AS odd, kpi.series(ts, value ORDER BY id) FROM readings GROUP BY 1 ORDER BY 1;
SELECT id, kpi.length(kpi.series(ts, value) OVER (ORDER BY id)) FROM readings ORDER BY id;

-- Text is JSON. Times are written in UTC, whatever the session's zone is, and read with any offset; order does not matter.
SET TimeZone = 'Asia/Kolkata';
SELECT '[["2026-01-02T05:30:00+05:30", 2e0], ["2026-01-01 00:00:00.25Z", null], ["2026-01-03T00:00:00Z", "Infinity"]]'::kpi.series;
RESET TimeZone;

-- Years that RFC 3339 has no room for have a sign and six digits.
SELECT kpi.series(ts, 1) FROM (VALUES ('4714-11-24 00:00Z BC'::timestamptz), ('294276-12-31 23:59:59.999999Z')) AS ends (ts);
SELECT min(ts), max(ts) FROM kpi.points('[["-004713-11-24T00:00:00Z", 1], ["+294276-12-31T23:59:59.999999Z", 1]]');

-- What was written reads back as the same, in text and in binary.
CREATE TABLE stored AS SELECT kpi.series(ts, value ORDER BY id) AS s FROM readings;
SELECT kpi.series_send(s) = kpi.series_send(s::text::kpi.series) AS same FROM stored;
\copy stored TO 'series_type.copy' (FORMAT binary)
\copy stored FROM 'series_type.copy' (FORMAT binary)
\! rm series_type.copy
SELECT count(*), count(DISTINCT s::text) FROM stored;

-- Bad text is refused with the place and what was expected there.
SELECT 'nothing'::kpi.series;
\echo :LAST_ERROR_SQLSTATE
SELECT '[["2026-01-01T00:00:00Z", 1], ["2026-02-30T00:00:00Z", 2]]'::kpi.series;
\echo :LAST_ERROR_SQLSTATE
SELECT '[["2026-01-01T00:00:00Z", 1'::kpi.series;
\echo :LAST_ERROR_SQLSTATE
SELECT '[["2026-01-01T00:00:00Z", 1e999]]'::kpi.series;
\echo :LAST_ERROR_SQLSTATE
-- So are infinite times.
SELECT kpi.series(ts, 1) FROM (VALUES ('infinity'::timestamptz)) AS t (ts);
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.series(ts, 1) FROM (VALUES ('-infinity'::timestamptz)) AS t (ts);
\echo :LAST_ERROR_SQLSTATE

-- A NULL series gives NULL everywhere, and no points.
SELECT kpi.length(NULL) IS NULL AND kpi.first_time(NULL::kpi.series) IS NULL AND kpi.frequency(NULL) IS NULL
       AND kpi.regularize(NULL, '1 day') IS NULL AND kpi.lttb(NULL, 2) IS NULL AND kpi.sparkline(NULL) IS NULL
       AND kpi.chart(NULL) IS NULL AS all_null,
       (SELECT count(*) FROM kpi.points(NULL)) AS points;

DROP TABLE readings, stored;
