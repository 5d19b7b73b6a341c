-- trend_agg: the test of Mann and Kendall, and the slope of Theil and Sen. What is shown: both agree with their definitions in
-- plain SQL; outliers do not move the slope; ties, NaN, infinities, NULL, one point and no rows have defined answers; of
-- more than 1024 points the sample is the same for any split; stored states survive text and binary COPY.
SET search_path = kpi, public;

CREATE TABLE measured AS
SELECT i % 10 AS grp, i AS id, '2026-01-01 00:00Z'::timestamptz + i * interval '1 day' AS ts,
       CASE WHEN i % 17 <> 0 THEN 100 + 0.5 * i + (i * 7919 % 211) / 10.0 END AS x
FROM generate_series(1, 200) AS i;

-- All pairs, in plain SQL.
SELECT s = pairs AS s, abs(slope(t) - median) < 1e-12 * abs(median) AS slope, p_value < 0.001 AS significant
FROM (SELECT trend_agg(ts, x) AS t FROM measured) AS q, LATERAL mann_kendall(t),
     (SELECT pg_catalog.sum(sign(b.x - a.x)) AS pairs,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY (b.x - a.x) / extract(epoch FROM b.ts - a.ts)::float8) AS median
      FROM measured AS a JOIN measured AS b ON a.ts < b.ts WHERE a.x IS NOT NULL AND b.x IS NOT NULL) AS pairs;

-- Six days by hand: S is 11, the slope 4/3 a day.
SELECT s, round(variance::numeric, 4) AS variance, round(z::numeric, 6) AS z, round(p_value::numeric, 6) AS p_value,
       round(tau::numeric, 6) AS tau, round((slope(t) * 86400)::numeric, 6) AS per_day
FROM (SELECT trend_agg('2026-01-01 00:00Z'::timestamptz + i * interval '1 day', x) AS t
      FROM unnest('{1,3,2,5,4,9}'::float8[]) WITH ORDINALITY AS v(x, i)) AS q, LATERAL mann_kendall(t);

-- A line with outliers: slope 2 a second, in its interval, and 105 at second 50.
SELECT slope(t), low <= 2 AND high >= 2 AS in_interval, value_at(t, '2026-01-01 00:00:50Z')
FROM (SELECT trend_agg('2026-01-01 00:00Z'::timestamptz + i * interval '1 second', CASE WHEN i % 10 = 3 THEN 1e9 ELSE 5 + 2 * i END) AS t
      FROM generate_series(0, 99) AS i) AS q, LATERAL slope_interval(t, level => 0.95);

-- Ties are no evidence; NaN and infinities are counted apart; without two different times there is no slope.
SELECT name, num_vals(t) AS n, num_skipped(t) AS skipped, slope(t), s, p_value
FROM (VALUES ('level', '{5,5,5}'::float8[]), ('skipped', '{1,nan,inf,3}'), ('one', '{1}'), ('only null', '{null}'), ('none', '{}')) AS v(name, xs),
     LATERAL (SELECT trend_agg('2026-01-01 00:00Z'::timestamptz + i * interval '1 second', x) AS t
              FROM unnest(xs) WITH ORDINALITY AS p(x, i)) AS q LEFT JOIN LATERAL mann_kendall(t) ON true;
SELECT slope(t), mann_kendall(t) IS NULL AS no_test FROM (SELECT trend_agg('2026-01-01', x) AS t FROM generate_series(1, 9) AS x) AS q;

-- More than 1024 points: a sample, of which the slope is still near.
SELECT num_vals(t), sample_size(t), abs(slope(t) - 2) < 0.01 AS near
FROM (SELECT trend_agg('2026-01-01 00:00Z'::timestamptz + i * interval '1 second', 2 * i + (i::bigint * 7919 % 101)) AS t
      FROM generate_series(1, 20000) AS i) AS q;

-- Parallel: two workers and a leader give what one process gives, to the last bit.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT grp, trend_agg(ts, x) AS s FROM measured GROUP BY grp;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE measured SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT trend_agg(ts, x) FROM measured;
CREATE TABLE parallel AS SELECT grp, trend_agg(ts, x) AS s FROM measured GROUP BY grp;
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal
FROM serial AS a JOIN parallel AS b USING (grp);
SET max_parallel_workers_per_gather = 0;

-- Rollup, FILTER, grouping sets, windows.
SELECT r::text = w::text AS equal FROM (SELECT rollup(s) AS r FROM serial) AS a, (SELECT trend_agg(ts, x) AS w FROM measured) AS b;
SELECT rollup(s) IS NULL AS of_nothing FROM serial WHERE false;
SELECT num_vals(trend_agg(ts, x) FILTER (WHERE grp < 3)) AS filtered FROM measured;
SELECT grp % 2 AS odd, grp, num_vals(trend_agg(ts, x)) AS n, round((slope(trend_agg(ts, x)) * 86400)::numeric, 4) AS per_day
FROM measured WHERE grp < 4 GROUP BY GROUPING SETS ((grp % 2, grp), (grp % 2), ()) ORDER BY 1, 2;
SELECT count(*) AS frames, bool_and(num_vals(t) = n) AS equal
FROM (SELECT trend_agg(ts, x) OVER w AS t, count(x) OVER w AS n FROM measured
      WINDOW w AS (ORDER BY id ROWS BETWEEN 20 PRECEDING AND CURRENT ROW)) AS q;

-- Stored states: text that reads back, binary COPY.
SELECT bool_and(s::text::trend::text = s::text) AS text_reads_back FROM serial;
CREATE TABLE copied (LIKE serial);
\copy serial TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_trend.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_trend.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_trend.bin"
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal FROM serial AS a JOIN copied AS b USING (grp);

-- Which process finds the first wrong row must not matter to the messages below.
SET max_parallel_workers_per_gather = 0;
-- What is refused, and how.
SELECT trend_agg('infinity', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT slope_interval(trend_agg('2026-01-01', 1), 95);
SELECT '\x00'::trend;
\echo :LAST_ERROR_SQLSTATE
COPY copied (s) FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\2\\7\\1"' (FORMAT binary);
\echo :LAST_ERROR_SQLSTATE

DROP TABLE measured, serial, parallel, copied;
