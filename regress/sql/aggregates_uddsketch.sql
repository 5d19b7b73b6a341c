-- uddsketch: percentile_agg with a size and an error of one's own. What is shown: the error is the one asked for while the buckets
-- suffice, and what it says beyond that; sketches of different settings roll up to the smallest size and the largest error; workers
-- and splits make no difference.
SET search_path = kpi, public;
CREATE TABLE measured AS
SELECT i % 10 AS grp, i AS id, CASE WHEN i % 17 <> 0 THEN exp((i::bigint * 7919 % 100003) / 20000.0) END AS x
FROM generate_series(1, 20000) AS i;

-- The error that is asked for, or less: tanh(0.001 * 2^k) for the largest k that fits.
SELECT asked, round(error(uddsketch(8192, asked, 1))::numeric, 6) AS error
FROM unnest('{0.001,0.0019,0.002,0.01,0.05,0.5,0.999}'::float8[]) AS asked GROUP BY asked ORDER BY asked;
-- Values from 1 to 148: the percentiles are as close to the true ones as the sketch says, also with too few buckets.
SELECT size, round(error(s)::numeric, 6) AS error, abs(approx_percentile(p, s) / truth - 1) <= error(s) AS near,
       num_vals(s) = n AS num_vals, abs(mean(s) / avg - 1) < 1e-12 AS mean, min_val(s) = min AS min_val, max_val(s) = max AS max_val,
       abs(approx_percentile_rank(truth, s) - p) < 0.01 + error(s) AS rank
FROM (SELECT 400 AS size, uddsketch(400, 0.01, x) AS s FROM measured UNION ALL SELECT 200, uddsketch(200, 0.01, x) FROM measured
      UNION ALL SELECT 16, uddsketch(16, 0.01, x) FROM measured) AS sketches,
     (SELECT count(x) AS n, avg(x), min(x), max(x) FROM measured) AS plain, unnest('{0.5,0.99}'::float8[]) AS p,
     LATERAL (SELECT percentile_cont(p) WITHIN GROUP (ORDER BY x) AS truth FROM measured) AS exact ORDER BY size, p;
-- As many buckets as percentile_agg has, and its error: the same state.
SELECT uddsketch(8192, 0.001, x)::text = percentile_agg(x)::text AS same FROM measured;
SELECT approx_percentile_array('{0,0.5,1}', uddsketch(100, 0.01, x)) = ARRAY[1, approx_percentile(0.5, uddsketch(100, 0.01, x)), 9] AS many
FROM generate_series(1, 9) AS x;

-- NULL, no rows, one row, NaN and infinities.
SELECT name, num_vals(s) AS n, round(approx_percentile(0.5, s)::numeric, 1) AS median, min_val(s), max_val(s), mean(s)
FROM (VALUES ('none', '{}'::float8[]), ('only null', '{null}'), ('one', '{3}'), ('infinities', '{-inf,1,inf}'), ('nan', '{1,nan}')) AS v(name, xs),
     LATERAL (SELECT uddsketch(100, 0.01, x) AS s FROM unnest(xs) AS x) AS q;

-- Parallel, and rollups of rollups: the very sketch of one pass.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT grp, uddsketch(100, 0.01, x) AS s FROM measured GROUP BY grp;
CREATE TABLE whole AS SELECT uddsketch(100, 0.01, x) AS s FROM measured;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE measured SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT uddsketch(100, 0.01, x) FROM measured;
CREATE TABLE parallel AS SELECT uddsketch(100, 0.01, x) AS s FROM measured;
SET max_parallel_workers_per_gather = 0;
SELECT count(*) AS percentiles, bool_and(approx_percentile(p, w.s) = approx_percentile(p, l.s) AND approx_percentile(p, w.s) = approx_percentile(p, r.s)) AS equal,
       bool_and(num_vals(w.s) = num_vals(r.s) AND error(w.s) = error(r.s) AND abs(mean(w.s) - mean(r.s)) < 1e-12) AS equal_parts
FROM whole AS w, parallel AS l, (SELECT rollup(s) AS s FROM (SELECT rollup(s) AS s FROM serial GROUP BY grp % 3) AS thirds) AS r,
     LATERAL (SELECT i / 100.0 AS p FROM generate_series(0, 100) AS i) AS q;
-- Of different settings, in any order.
SELECT approx_percentile(0.9, ab) = approx_percentile(0.9, ba) AND error(ab) = error(ba) AS equal, error(ab) = error(uddsketch) AS error, num_vals(ab)
FROM (SELECT rollup(s ORDER BY which) AS ab, rollup(s ORDER BY which DESC) AS ba
      FROM (SELECT 1 AS which, percentile_agg(x) AS s FROM measured WHERE grp < 5
            UNION ALL SELECT 2, uddsketch(100, 0.002, x) FROM measured WHERE grp >= 5) AS q) AS rolled, (SELECT uddsketch(100, 0.002, x) FROM measured) AS plain;
SELECT count(*) AS frames, bool_and(num_vals(s) = n AND max_val(s) = most) AS equal
FROM (SELECT uddsketch(50, 0.01, x) OVER w AS s, count(x) OVER w AS n, max(x) OVER w AS most FROM measured WHERE id BETWEEN 1 AND 100
      WINDOW w AS (ORDER BY id ROWS BETWEEN 5 PRECEDING AND CURRENT ROW)) AS q;

-- Stored states: text that reads back, binary COPY.
SELECT bool_and(s::text::uddsketch::text = s::text) AS text_reads_back FROM serial;
CREATE TABLE copied (LIKE serial);
\copy serial TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_uddsketch.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_uddsketch.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_uddsketch.bin"
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal FROM serial AS a JOIN copied AS b USING (grp);

-- What is refused, and how.
SELECT uddsketch(5, 0.01, x) FROM measured;
\echo :LAST_ERROR_SQLSTATE
SELECT uddsketch(100, 0.0001, x) FROM measured;
SELECT uddsketch(100, 5, x) FROM measured;
SELECT uddsketch(NULL, 0.01, x) FROM measured;
\echo :LAST_ERROR_SQLSTATE
SELECT uddsketch(100, NULL, x) FROM measured;
SELECT uddsketch(100 + grp, 0.01, x) FROM (SELECT * FROM measured WHERE id < 3 ORDER BY id) AS q;
SELECT uddsketch(100, 0.01 * id, x) FROM (SELECT * FROM measured WHERE id < 3 ORDER BY id DESC) AS q;
\echo :LAST_ERROR_SQLSTATE
DROP TABLE measured, serial, whole, parallel, copied;
