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

SELECT a.ts, a.value, round(a.expected::numeric) AS expected, a.score > 0.999 AS sure, a.reason
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

-- The same by the method's own name.
SELECT count(*) AS differences
FROM history, kpi.anomalies(s) a FULL JOIN (SELECT b.* FROM history, kpi.anomalies(s, 'robust_zscore') b) b USING (ts)
WHERE a.score IS DISTINCT FROM b.score;

-- A gap has an expectation and no score; NaN and infinities are gaps.
SELECT a.ts, a.value, round(a.expected::numeric, -1) AS expected, a.score, a.is_anomaly, a.reason
FROM (SELECT kpi.series(ts, CASE h WHEN 100 THEN NULL WHEN 101 THEN 'NaN' WHEN 102 THEN 'Infinity' ELSE requests END) AS s
      FROM requests) x, kpi.anomalies(s) a
WHERE a.score IS NULL ORDER BY a.ts;

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

-- No series, no rows.
SELECT count(*) FROM kpi.anomalies(NULL::kpi.series);
