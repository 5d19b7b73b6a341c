-- percentile_agg: percentiles with a bounded relative error. What is shown: the error stays within what error(sketch) says, on
-- uniform, log-normal and Pareto data, in at most 4 kB; NaN, infinities, negative numbers and zeros take PostgreSQL's order;
-- workers, rollups and windows give the very sketch of one pass; stored sketches survive text and binary COPY.
SET search_path = kpi, public;

-- 100,000 values of each distribution, made from a fixed sequence.
CREATE TABLE drawn AS
SELECT i % 100 AS grp, u AS uniform, exp(sqrt(-2 * ln(u)) * cos(2 * pi() * v)) AS log_normal, 1 / u AS pareto
FROM (SELECT i, (i::bigint * 7368787 % 1000003 + 0.5) / 1000003.0::float8 AS u, (i::bigint * 15485863 % 1000003) / 1000003.0::float8 AS v
      FROM generate_series(1, 100000) AS i) AS q;
ANALYZE drawn;

WITH long AS (
    SELECT name, x FROM drawn, LATERAL (VALUES ('uniform', uniform), ('log-normal', log_normal), ('Pareto', pareto)) AS v(name, x)
), sketched AS (
    SELECT name, percentile_agg(x) AS sketch, min(x) AS min, max(x) AS max, avg(x) AS avg, count(*) AS n,
           percentile_cont((SELECT array_agg(p / 1000.0::float8 ORDER BY p) FROM generate_series(10, 999, 23) AS p))
               WITHIN GROUP (ORDER BY x) AS exact
    FROM long GROUP BY name
)
SELECT name, bool_and(abs(approx_percentile(p, sketch) - truth) <= 0.001 * truth) AS within_a_thousandth,
       bool_and(abs(approx_percentile_rank(truth, sketch) - p) < 0.002) AS ranks,
       bool_and(octet_length(uddsketch_send(sketch)) <= 4096) AS within_4_kb,
       bool_and(min_val(sketch) = min AND max_val(sketch) = max AND num_vals(sketch) = n
                AND abs(mean(sketch) - avg) <= 1e-12 * avg) AS exact_parts,
       round(min(error(sketch))::numeric, 9) AS error
FROM sketched, unnest(exact) WITH ORDINALITY AS point(truth, i), LATERAL (SELECT (i * 23 - 13) / 1000.0::float8 AS p) AS q
GROUP BY name ORDER BY name;

-- The order is PostgreSQL's: -Infinity, negative, zero, positive, Infinity, NaN.
SELECT p, approx_percentile(p / 6.0, s)
FROM (SELECT percentile_agg(x) AS s FROM unnest('{nan,0,-5,inf,5,-inf,-0.0,null}'::float8[]) AS x) AS q,
     generate_series(0, 6) AS p;
SELECT num_vals(s), mean(s), min_val(s), max_val(s), approx_percentile_rank(0, s) AS at_most_0,
       approx_percentile_rank('Infinity', s) AS at_most_infinity, approx_percentile_rank('NaN', s) AS at_most_nan
FROM (SELECT percentile_agg(x) AS s FROM unnest('{nan,0,-5,inf,5,-inf,-0.0,null}'::float8[]) AS x) AS q;
SELECT mean(percentile_agg(x)) FROM unnest('{1,inf}'::float8[]) AS x;

-- No rows, only NULL, one row, all equal.
SELECT name, num_vals(s), approx_percentile(0.5, s) AS median, approx_percentile_rank(5, s) AS rank, mean(s), min_val(s), max_val(s)
FROM (VALUES ('none', '{}'::float8[]), ('only null', '{null}'), ('one', '{5}'), ('equal', '{0.1,0.1,0.1}')) AS v(name, values),
     LATERAL (SELECT percentile_agg(x) AS s FROM unnest(values) AS x) AS q;

-- More than seven orders of magnitude on both sides of zero: buckets collapse, and the error says so.
SELECT error(s) > 0.001 AS collapsed, error(s) < 0.01 AS still_useful,
       abs(approx_percentile(0.9, s) - exact) <= error(s) * abs(exact) AS as_it_says,
       octet_length(uddsketch_send(s)) < 8192 AS bounded
FROM (SELECT percentile_agg(x) AS s, percentile_cont(0.9) WITHIN GROUP (ORDER BY x) AS exact
      FROM (SELECT (CASE WHEN grp % 2 = 0 THEN 1 ELSE -1 END) * 10 ^ (uniform * 16 - 8) AS x FROM drawn) AS wide) AS q;

-- Parallel, and rollup: the very same percentiles as from one process.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT grp, percentile_agg(log_normal - 1) AS s FROM drawn GROUP BY grp;
CREATE TABLE whole AS SELECT percentile_agg(log_normal - 1) AS s FROM drawn;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE drawn SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT percentile_agg(log_normal - 1) FROM drawn;
CREATE TABLE parallel AS SELECT percentile_agg(log_normal - 1) AS s FROM drawn;
SET max_parallel_workers_per_gather = 0;
-- The sums in them may differ by rounding, so what is compared is everything that is read.
SELECT count(*) AS percentiles,
       bool_and(approx_percentile(p, whole.s) = approx_percentile(p, parallel.s)
                AND approx_percentile(p, whole.s) = approx_percentile(p, rolled.s)) AS equal,
       bool_and(num_vals(rolled.s) = num_vals(whole.s) AND error(rolled.s) = error(whole.s)
                AND min_val(rolled.s) = min_val(whole.s) AND max_val(rolled.s) = max_val(whole.s)
                AND abs(mean(rolled.s) - mean(whole.s)) < 1e-12) AS equal_parts
FROM whole, parallel, (SELECT rollup(s) AS s FROM serial) AS rolled, LATERAL (SELECT i / 100.0 AS p FROM generate_series(0, 100) AS i) AS q;
SELECT rollup(s) IS NULL AS of_nothing FROM serial WHERE false;

-- FILTER, grouping sets and windows.
SELECT num_vals(percentile_agg(uniform) FILTER (WHERE grp < 3)) AS filtered, num_vals(percentile_agg(uniform) FILTER (WHERE false)) AS none
FROM drawn;
SELECT grp, num_vals(percentile_agg(uniform)) AS n, round(approx_percentile(0.5, percentile_agg(uniform))::numeric, 2) AS median
FROM drawn WHERE grp < 3 GROUP BY GROUPING SETS ((grp), ()) ORDER BY 1;
SELECT count(*) AS frames, bool_and(approx_percentile(0, s) = least AND approx_percentile(1, s) = greatest
                                    AND num_vals(s) = n) AS equal
FROM (SELECT percentile_agg(pareto) OVER w AS s, min(pareto) OVER w AS least, max(pareto) OVER w AS greatest, count(*) OVER w AS n
      FROM (SELECT * FROM drawn WHERE grp = 7) AS q WINDOW w AS (ORDER BY uniform ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)) AS frames;
SELECT count(*) AS running, bool_and(num_vals(r) = grp * 1000 + 1000) AS equal
FROM (SELECT grp, rollup(s) OVER (ORDER BY grp) AS r FROM serial) AS q;

-- Stored sketches: text, binary COPY.
SELECT percentile_agg(x) FROM unnest('{1,2,2,3,-4,0}'::float8[]) AS x;
SELECT bool_and(s::text::uddsketch::text = s::text) AS text_reads_back FROM serial;
CREATE TABLE copied (LIKE serial);
\copy serial TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_percentile.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_percentile.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_percentile.bin"
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal FROM serial AS a JOIN copied AS b USING (grp);

-- What is refused, and how.
SELECT approx_percentile(95, s) FROM whole;
\echo :LAST_ERROR_SQLSTATE
SELECT approx_percentile('NaN', s) FROM whole;
SELECT num_vals(overlay(s::text PLACING 'ff' FROM 41 FOR 2)::uddsketch) FROM whole;
\echo :LAST_ERROR_SQLSTATE
SELECT '\x0102zz'::uddsketch;
\echo :LAST_ERROR_SQLSTATE
SELECT stats_agg(1)::text::uddsketch;

DROP TABLE drawn, serial, whole, parallel, copied;
