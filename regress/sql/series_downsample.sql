-- Fewer points that show what many do. What is shown: kpi.lttb, kpi.gp_lttb and kpi.asap_smooth, as functions of a series and
-- as aggregates of rows, agree with each other; the values are those of the algorithms computed in plain SQL; workers, any order
-- of the rows, grouping sets and windows give the same; NULL, NaN, infinities, no rows and one row; and what is refused.
SET search_path = kpi, public;

CREATE TABLE load AS
SELECT '2026-01-01Z'::timestamptz + i * interval '1 minute' AS ts,
       CASE WHEN i = 700 THEN 50 ELSE sin(i / 30.0) * 10 + (i * 7919 % 13) END::float8 AS value
FROM generate_series(0, 999) AS i
WHERE i NOT BETWEEN 300 AND 499;

-- Rows and series agree, in any order of the rows.
SELECT lttb(ts, value, 20)::text = lttb(series(ts, value), 20)::text AS lttb,
       lttb(ts, value, 20 ORDER BY value)::text = lttb(series(ts, value), 20)::text AS any_order,
       gp_lttb(ts, value, 20)::text = gp_lttb(series(ts, value), 20)::text AS gp_lttb,
       gp_lttb(ts, value, 20, '5 minutes')::text = gp_lttb(series(ts, value), 20, '5 minutes')::text AS gp_lttb_gap,
       asap_smooth(ts, value, 100)::text = asap_smooth(series(ts, value), 100)::text AS asap_smooth
FROM load;

-- lttb keeps n values, both ends and the spike; gp_lttb both ends of the gap too.
SELECT length(l) AS lttb, length(g) AS gp_lttb,
       (SELECT max(value) FROM points(l)) AS spike, (SELECT max(value) FROM points(g)) AS gp_spike,
       (SELECT count(*) FROM points(l) WHERE ts IN ('2026-01-01 04:59Z', '2026-01-01 08:20Z')) AS ends_of_the_gap,
       (SELECT count(*) FROM points(g) WHERE ts IN ('2026-01-01 04:59Z', '2026-01-01 08:20Z')) AS gp_ends_of_the_gap
FROM (SELECT lttb(ts, value, 20) AS l, gp_lttb(ts, value, 20) AS g FROM load) AS q;

-- lttb step by step: of each bucket of equal count the point with the largest triangle to the point chosen before and the mean
-- of the next bucket.
WITH RECURSIVE numbered AS (
    SELECT row_number() OVER (ORDER BY ts) - 1 AS i, extract(epoch FROM ts - '2026-01-01Z')::float8 AS t, value FROM load
), bucketed AS (
    SELECT i, t, value, CASE WHEN i = 0 THEN 0 WHEN i = 799 THEN 9
                             ELSE (SELECT max(k) FROM generate_series(1, 8) k WHERE 1 + 798 * (k - 1) / 8 <= i) END AS k FROM numbered
), means AS (
    SELECT k, avg(t) AS t, avg(value) AS value FROM bucketed GROUP BY k
), chosen AS (
    SELECT 0 AS k, t, value FROM bucketed WHERE k = 0
    UNION ALL
    SELECT c.k + 1, b.t, b.value
    FROM chosen c, means m, LATERAL (
        SELECT b.t, b.value FROM bucketed b WHERE b.k = c.k + 1
        ORDER BY abs((c.t - m.t) * (b.value - c.value) - (c.t - b.t) * (m.value - c.value)) DESC, b.t LIMIT 1) b
    WHERE m.k = least(c.k + 2, 9) AND c.k < 9
)
SELECT count(*) AS points,
       array_agg('2026-01-01Z'::timestamptz + t * interval '1 second' ORDER BY t) = (SELECT array_agg(ts ORDER BY ts) FROM load, LATERAL (SELECT 1) AS one
            WHERE ts IN (SELECT p.ts FROM points((SELECT lttb(ts, value, 10) FROM load)) AS p)) AS as_lttb
FROM chosen;

-- ASAP: what it gives is a moving average, and the period is gone.
CREATE TABLE days AS
SELECT '2026-01-01Z'::timestamptz + h * interval '1 hour' AS ts, sin(h * 2 * pi() / 24) * 10 - CASE WHEN h / 168 = 5 THEN 20 ELSE 0 END AS value
FROM generate_series(0, 1679) AS h;
SELECT length(s) AS points, w AS width, (SELECT bool_and(abs(p.value - (SELECT avg(d.value) FROM days d
           WHERE d.ts BETWEEN p.ts - (w - 1) * interval '30 minutes' - interval '1 second' AND p.ts + (w - 1) * interval '30 minutes' + interval '1 second')) < 1e-9)
       FROM points(s) AS p) AS moving_average,
       (SELECT round(max(abs(value))::numeric, 6) FROM points(s) WHERE ts < '2026-01-29Z') AS before_the_dip,
       (SELECT round(min(value)::numeric, 6) FROM points(s)) AS dip
FROM (SELECT s, 1681 - length(s) AS w FROM (SELECT asap_smooth(ts, value, 1680) AS s FROM days) AS smoothed) AS q;

-- Gaps, NaN and infinities are not chosen; a break stays a break.
SELECT lttb(ts, value, 3), gp_lttb(ts, value, 3, '1 hour'), asap_smooth(ts, value, 3)
FROM (VALUES ('2026-01-01Z'::timestamptz, 1.0::float8), ('2026-01-02Z', 'nan'), ('2026-01-03Z', 5), ('2026-01-04Z', NULL), ('2026-01-05Z', 'inf'),
             ('2026-01-06Z', 2), ('2026-01-07Z', 3), (NULL, 9)) AS v(ts, value);
-- No rows, only rows without a time, one row.
SELECT lttb(ts, value, 3) IS NULL AS lttb, gp_lttb(ts, value, 3) IS NULL AS gp_lttb, asap_smooth(ts, value, 3) IS NULL AS asap
FROM load WHERE false;
SELECT lttb(NULL, 1, 3) IS NULL AS no_time, lttb('2026-01-01Z', 1, 3) AS one_row, gp_lttb('2026-01-01Z', 1, 3) AS gp, asap_smooth('2026-01-01Z', 1, 3) AS asap;
SELECT lttb('[]'::series, 3), gp_lttb('[]'::series, 3), asap_smooth('[]'::series, 3), gp_lttb(NULL::series, 3) IS NULL AS of_null;

-- Parallel: workers give what one process gives.
SET jit = off;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
ALTER TABLE load SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT lttb(ts, value, 20), gp_lttb(ts, value, 20, '5 minutes'), asap_smooth(ts, value, 100) FROM load;
CREATE TABLE parallel AS SELECT lttb(ts, value, 20) AS l, gp_lttb(ts, value, 20, '5 minutes') AS g, asap_smooth(ts, value, 100) AS a FROM load;
SET max_parallel_workers_per_gather = 0;
SELECT l::text = lttb(ts, value, 20)::text AS lttb, g::text = gp_lttb(ts, value, 20, '5 minutes')::text AS gp_lttb,
       a::text = asap_smooth(ts, value, 100)::text AS asap
FROM parallel, load GROUP BY l::text, g::text, a::text;
SET max_parallel_workers_per_gather = 0;

-- Groups, FILTER and windows.
SELECT date_trunc('day', ts) IS NULL AS total, length(lttb(ts, value, 5)) AS n, length(lttb(ts, value, 5) FILTER (WHERE value > 15)) AS filtered
FROM load GROUP BY GROUPING SETS ((date_trunc('day', ts)), ()) ORDER BY 1;
SELECT count(*) AS frames, bool_and(windowed::text = again::text) AS equal
FROM (SELECT lttb(ts, value, 4) OVER w AS windowed, lttb(series(ts, value) OVER w, 4) AS again FROM load WHERE ts < '2026-01-01 01:00Z'
      WINDOW w AS (ORDER BY ts ROWS 9 PRECEDING)) AS q;

-- What is refused, and how.
SELECT lttb(ts, value, 1) FROM load;
\echo :LAST_ERROR_SQLSTATE
SELECT asap_smooth(ts, value, 10001) FROM load;
SELECT gp_lttb(ts, value, 10, '-1 second') FROM load;
\echo :LAST_ERROR_SQLSTATE
SELECT gp_lttb(ts, value, 10, '1 month') FROM load;
\echo :LAST_ERROR_SQLSTATE
SELECT lttb(ts, value, CASE WHEN ts < '2026-01-01 01:00Z' THEN 10 ELSE 20 END ORDER BY ts) FROM load;
\echo :LAST_ERROR_SQLSTATE
SELECT lttb(ts, value, NULL) FROM load;
\echo :LAST_ERROR_SQLSTATE
SELECT lttb('infinity', 1, 10);
\echo :LAST_ERROR_SQLSTATE

DROP TABLE load, days, parallel;
