--
-- A stream is scored point by point: by a detector that is kept as a value, and by the same detector over a window. A spike
-- and a shift in hourly temperatures with a daily season are found; nothing depends on rows that come later.
--
SET max_parallel_workers_per_gather = 0;
CREATE TEMP TABLE readings AS
SELECT h, '2026-03-01 00:00Z'::timestamptz + h * interval '1 hour' AS ts,
       20 + 5 * sin(h * pi() / 12) + (h * 7919 % 1009) / 500.0 - 1
       + CASE WHEN h = 500 THEN 12 WHEN h >= 700 THEN 9 ELSE 0 END AS value
FROM generate_series(0, 799) h;

SELECT h, (d).kind, (d).reason IS NOT NULL AS has_reason, (d).score > 0.999 AS sure, (d).value > (d).upper AS above
FROM (SELECT h, kpi.anomaly_detail(ts, value) OVER (ORDER BY ts) AS d FROM readings) x
WHERE (x.d).is_anomaly AND h IN (500, 700) ORDER BY h;

-- The first values only warm it up: they have no score. Then every score is in [0, 1].
SELECT count(*) FILTER (WHERE score IS NULL) BETWEEN 10 AND 100 AS warm_up, min(score) >= 0 AND max(score) <= 1 AS in_range
FROM (SELECT kpi.anomaly_score(ts, value) OVER (ORDER BY ts) AS score FROM readings) x;

-- Causal: what is said of a row is the same when the rows after it are not there.
SELECT count(*) AS compared, count(*) FILTER (WHERE a.score IS DISTINCT FROM b.score) AS differences
FROM (SELECT h, kpi.anomaly_score(ts, value) OVER (ORDER BY ts) AS score FROM readings) a
JOIN (SELECT h, kpi.anomaly_score(ts, value) OVER (ORDER BY ts) AS score FROM readings WHERE h <= 600) b USING (h);

-- One detector per device.
SELECT device, count(*) FILTER (WHERE score > 0.999) > 0 AS rang
FROM (SELECT device, kpi.anomaly_score(ts, CASE WHEN device = 'calm' AND h IN (500) THEN 20 + 5 * sin(h * pi() / 12) ELSE value END)
             OVER (PARTITION BY device ORDER BY ts) AS score
      FROM readings, unnest('{calm,wild}'::text[]) device WHERE h < 600) x
GROUP BY device ORDER BY device;

-- A detector as a value: learnt from history, kept in a table, carried on by each new point. It says what the window says.
CREATE TEMP TABLE kept AS SELECT kpi.learn(ts, value ORDER BY ts) AS detector FROM readings WHERE h < 500;
SELECT o.ts, o.is_anomaly, o.kind, o.warming_up,
       o.score = (SELECT s.score FROM (SELECT h, kpi.anomaly_score(ts, value) OVER (ORDER BY ts) AS score FROM readings) s
                  WHERE h = 500) AS as_window
FROM kept, readings r, kpi.observe(kept.detector, r.ts, r.value) o WHERE h = 500;
UPDATE kept SET detector = (kpi.observe(detector, ts, value)).detector FROM readings WHERE h = 500;
SELECT kpi.explain(detector) - 'level' - 'deviation' - 'bytes' AS knows FROM kept;

-- It is a few kilobytes, however long the history.
SELECT pg_column_size(kpi.learn(ts, value ORDER BY ts)) < 16384 AS bounded,
       (kpi.explain(kpi.learn(ts, value ORDER BY ts)) ->> 'bytes')::int < 16384 AS in_bytes
FROM (SELECT '2026-01-01Z'::timestamptz + i * interval '5 minutes' AS ts, sin(i * pi() / 144) + i % 7 AS value
      FROM generate_series(1, 20000) i) x;

-- Text and binary form give the same detector back.
SELECT detector::text::kpi.detector::text = detector::text AS by_text,
       kpi.detector_send(detector) = kpi.detector_send(detector::text::kpi.detector) AS by_bytes
FROM kept;

-- A wider threshold rings more often; a direction leaves the other side out.
SELECT count(*) FILTER (WHERE (wide).is_anomaly) >= count(*) FILTER (WHERE (usual).is_anomaly) AS more,
       count(*) FILTER (WHERE h = 500 AND (down).is_anomaly) AS fell, count(*) FILTER (WHERE h = 500 AND (up).is_anomaly) AS rose
FROM (SELECT h, kpi.anomaly_detail(ts, value) OVER w AS usual, kpi.anomaly_detail(ts, value, 0.01) OVER w AS wide,
             kpi.anomaly_detail(ts, value, 0.001, 'down') OVER w AS down, kpi.anomaly_detail(ts, value, NULL, 'up', 24) OVER w AS up
      FROM readings WINDOW w AS (ORDER BY ts)) x;

-- Gaps have no score: NULL, NaN, infinities. A row without a time has none either, and is left out.
SELECT h, (d).ts IS NOT NULL AS has_row, (d).score, (d).is_anomaly
FROM (SELECT h, kpi.anomaly_detail(CASE WHEN h <> 304 THEN ts END,
             CASE h WHEN 301 THEN NULL WHEN 302 THEN 'NaN' WHEN 303 THEN 'Infinity' ELSE value END) OVER (ORDER BY h) AS d
      FROM readings) x
WHERE h BETWEEN 301 AND 304 ORDER BY h;

-- A constant never rings; when it moves, it does. A clock that goes back, and the same time again, are no reason to ring.
SELECT count(*) FILTER (WHERE (d).is_anomaly AND i < 300) AS constant, bool_or((d).is_anomaly AND i = 300) AS moved
FROM (SELECT i, kpi.anomaly_detail('2026-01-01Z'::timestamptz + i * interval '1 minute', CASE WHEN i < 300 THEN 7 ELSE 8 END)
             OVER (ORDER BY i) AS d FROM generate_series(1, 310) i) x;
SELECT count(*) FILTER (WHERE score > 0.999) AS rang
FROM (SELECT kpi.anomaly_score('2026-01-01Z'::timestamptz + CASE WHEN i = 200 THEN 100 WHEN i = 250 THEN 249 ELSE i END * interval '1 minute',
             10 + i * 7919 % 13) OVER (ORDER BY i ROWS UNBOUNDED PRECEDING) AS score FROM generate_series(1, 400) i) x;

-- Without rows there is nothing to say.
SELECT kpi.anomaly_score(ts, value) IS NULL AS score, kpi.anomaly_detail(ts, value) IS NULL AS detail,
       kpi.learn(ts, value) IS NULL AS detector FROM readings WHERE false;
SELECT kpi.observe(NULL::kpi.detector, now(), 1) IS NULL AS nothing;

-- What is refused.
\set SHOW_CONTEXT never
SELECT kpi.detector(0);
SELECT kpi.detector('NaN');
SELECT kpi.detector(0.001, 'sideways');
SELECT kpi.detector(season => 0);
SELECT kpi.detector(season => -3);
SELECT kpi.detector(season => 1000000);
SELECT (kpi.observe(kpi.detector(), NULL, 1)).score;
SELECT (kpi.observe(kpi.detector(), 'infinity', 1)).score;
SELECT 'abc'::kpi.detector;
SELECT overlay(detector::text PLACING CASE substr(detector::text, 101, 1) WHEN '0' THEN '1' ELSE '0' END FROM 101)::kpi.detector FROM kept;
SELECT left(detector::text, 200)::kpi.detector FROM kept;
SELECT kpi._anomaly_score(NULL);
DROP TABLE readings, kept;
RESET max_parallel_workers_per_gather;
