--
-- A service's hourly requests over three weeks with a quiet night: an outage, a spike and a night that was as busy as a
-- day are found and explained; an ordinary night is not.
--
CREATE TEMP TABLE requests AS
SELECT h, '2026-05-04 00:00Z'::timestamptz + h * interval '1 hour' AS ts,
       CASE WHEN h BETWEEN 250 AND 252 THEN 20 -- the outage
            WHEN h = 330 THEN 4000             -- the spike
            WHEN h = 387 THEN 1200             -- 3 o'clock at night
            ELSE round(1000 - 800 * cos(h * pi() / 12)) + h * 37 % 41 - 20 END AS requests
FROM generate_series(0, 503) h;
CREATE TEMP TABLE history AS SELECT kpi.series(ts, requests) AS s FROM requests;

SELECT a.ts, a.value, round(a.expected::numeric) AS expected, a.score > 0.999 AS sure, a.kind, a.reason
FROM history, kpi.anomalies(s) a WHERE a.is_anomaly ORDER BY a.ts;

-- Every point gets a row, in time order, with a score in [0, 1] that says the same as the band and the verdict.
SELECT count(*) AS points, bool_and(a.score BETWEEN 0 AND 1) AS in_range,
       bool_and(a.is_anomaly = (a.score > 0.999)) AS by_threshold,
       bool_and(a.is_anomaly = (a.value NOT BETWEEN a.lower AND a.upper)) AS by_band,
       bool_and(a.is_anomaly = (a.reason IS NOT NULL)) AS with_reason
FROM history, kpi.anomalies(s) a;

-- The threshold is the probability of a false alarm per point: a larger one finds more, never less.
SELECT t.threshold, count(*) FILTER (WHERE a.is_anomaly) AS found
FROM history, unnest('{0.1,0.01,0.001,0.00001}'::float8[]) t (threshold), kpi.anomalies(s, threshold => t.threshold) a
GROUP BY t.threshold ORDER BY t.threshold DESC;

-- Only above, and only below.
SELECT d.direction, array_agg(a.kind ORDER BY a.ts) AS kinds
FROM history, unnest('{both,up,down}'::text[]) d (direction), kpi.anomalies(s, direction => d.direction) a
WHERE a.is_anomaly GROUP BY d.direction ORDER BY d.direction;

-- A season that is known need not be found; 1 is none, and then a night is as unusual as it is rare.
SELECT count(*) AS differences
FROM history, kpi.anomalies(s) a FULL JOIN (SELECT b.* FROM history, kpi.anomalies(s, season => 24) b) b USING (ts)
WHERE a.score IS DISTINCT FROM b.score;
SELECT max(a.upper) - min(a.upper) > 100 AS follows_the_day
FROM history, kpi.anomalies(s, season => 1) a;

-- A gap has an expectation; NaN and infinities are gaps. One in a series that has no others is missing data, which has a score.
SELECT a.ts, a.value, round(a.expected::numeric, -1) AS expected, a.score > 0.999 AS sure, a.kind, a.reason
FROM (SELECT kpi.series(ts, CASE h WHEN 100 THEN NULL WHEN 101 THEN 'NaN' WHEN 102 THEN 'Infinity' ELSE requests END) AS s
      FROM requests) x, kpi.anomalies(s) a
WHERE a.value IS NULL OR a.value IN ('NaN', 'Infinity') ORDER BY a.ts;

-- A constant has no anomalies; one value that is different is one.
SELECT count(*) AS points, count(*) FILTER (WHERE a.is_anomaly) AS found, min(a.lower), max(a.upper), max(a.score)
FROM (SELECT kpi.series('2026-01-01 00:00Z'::timestamptz + d * interval '1 day', 5) AS s FROM generate_series(0, 59) d) x,
     kpi.anomalies(s) a;
SELECT a.ts, a.reason
FROM (SELECT kpi.series('2026-01-01 00:00Z'::timestamptz + d * interval '1 day', CASE d WHEN 40 THEN 6 ELSE 5 END) AS s
      FROM generate_series(0, 59) d) x, kpi.anomalies(s) a
WHERE a.is_anomaly;

-- Points without a regular step are judged in their order.
SELECT a.ts, a.reason
FROM (SELECT kpi.series('2026-01-01 00:00Z'::timestamptz + d * d * d * interval '1 second', CASE d WHEN 30 THEN 90 ELSE d % 4 END) AS s
      FROM generate_series(0, 59) d) x, kpi.anomalies(s) a
WHERE a.is_anomaly;

-- A level that rises and stays, a scatter that grows, a sensor that is stuck, and a day without data, which has one row.
CREATE TEMP TABLE machine AS
SELECT h, '2026-05-04 00:00Z'::timestamptz + h * interval '1 hour' AS ts,
       50 + 3 * sin(h * pi() / 12) + (h * 7919 % 97 / 48.5 - 1) + (h * 104729 % 89 / 44.5 - 1) AS temperature
FROM generate_series(0, 999) h;
SELECT e.event, a.ts, a.kind, a.reason
FROM (SELECT 'rises' AS event, kpi.series(ts, temperature + CASE WHEN h >= 600 THEN 8 ELSE 0 END) AS s FROM machine
      UNION ALL SELECT 'is stuck', kpi.series(ts, CASE WHEN h BETWEEN 700 AND 711 THEN 51.5 ELSE temperature END) FROM machine
      UNION ALL SELECT 'is silent', kpi.series(ts, temperature) FROM machine WHERE h NOT BETWEEN 400 AND 423) e,
     kpi.anomalies(s) a
WHERE a.is_anomaly AND a.kind IN ('level shift', 'flat line', 'missing data') ORDER BY e.event, a.ts;
-- Rows with NULL are points: each of a long gap has the verdict.
SELECT count(*) AS rows, count(*) FILTER (WHERE a.kind = 'missing data') AS missing, bool_and(a.score > 0.999) FILTER (WHERE a.kind IS NOT NULL) AS sure
FROM (SELECT kpi.series(ts, CASE WHEN h NOT BETWEEN 400 AND 423 THEN temperature END) AS s FROM machine) x, kpi.anomalies(s) a;

-- Of two points at one time the later is judged, and points in any order make the same series.
SELECT count(*) AS points, count(a.score) AS judged
FROM (SELECT kpi.series(ts, temperature) AS s FROM (TABLE machine UNION ALL SELECT h, ts, 0 FROM machine WHERE h = 500) m) x,
     kpi.anomalies(s) a;

-- No series, no rows.
SELECT count(*) FROM kpi.anomalies(NULL::kpi.series);
