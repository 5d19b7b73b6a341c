-- stats_agg: moments of one and of two variables. What is shown: its accessors agree with PostgreSQL's own aggregates, also
-- for NULL, NaN, infinities, no rows and one row; workers, rollups, grouping sets, filters and windows give what one pass
-- gives; stored states survive text, binary COPY and TOAST, and altered ones are refused.
SET search_path = kpi, public;

-- One thousand rows in ten groups; y depends on x, with NULLs in both.
CREATE TABLE measured AS
SELECT i % 10 AS grp,
       CASE WHEN i % 17 <> 0 THEN (i * 7919 % 1009)::float8 / 7 END AS x,
       CASE WHEN i % 13 <> 0 THEN (i * 7919 % 1009)::float8 / 3 + (i * 104729 % 211)::float8 END AS y
FROM generate_series(1, 1000) AS i;

-- Equal up to 1e-12, relative; NULL and NaN are equal to themselves.
CREATE FUNCTION agrees(a float8, b float8) RETURNS boolean IMMUTABLE LANGUAGE sql AS
$$ SELECT a IS NOT DISTINCT FROM b OR abs(a - b) <= 1e-12 * abs(b) $$;

-- One variable, against PostgreSQL.
SELECT num_vals(s) = n AS num_vals, agrees(sum(s), total) AS sum, agrees(average(s), mean) AS average,
       agrees(variance(s), vs) AS variance, agrees(variance(s, 'population'), vp) AS variance_pop,
       agrees(stddev(s, method => 'samp'), ss) AS stddev, agrees(stddev(s, 'POP'), sp) AS stddev_pop
FROM (SELECT stats_agg(x) AS s, count(x) AS n, pg_catalog.sum(x) AS total, avg(x) AS mean, var_samp(x) AS vs,
             var_pop(x) AS vp, stddev_samp(x) AS ss, stddev_pop(x) AS sp FROM measured) AS q;

-- Two variables, against PostgreSQL.
SELECT num_vals(s) = n AS num_vals, agrees(slope(s), b) AS slope, agrees(intercept(s), a) AS intercept,
       agrees(corr(s), r) AS corr, agrees(determination_coeff(s), r2) AS r2,
       agrees(covariance(s), cs) AS covariance, agrees(covariance(s, 'population'), cp) AS covariance_pop,
       agrees(average_x(s), ax) AS average_x, agrees(average_y(s), ay) AS average_y,
       agrees(variance_x(s, 'population') * n, sxx) AS variance_x,
       agrees(stddev_y(s, 'population') ^ 2 * n, syy) AS stddev_y,
       agrees(x_intercept(s), -a / b) AS x_intercept
FROM (SELECT stats_agg(y, x) AS s, regr_count(y, x) AS n, regr_slope(y, x) AS b, regr_intercept(y, x) AS a,
             pg_catalog.corr(y, x) AS r, regr_r2(y, x) AS r2, covar_samp(y, x) AS cs, covar_pop(y, x) AS cp,
             regr_avgx(y, x) AS ax, regr_avgy(y, x) AS ay, regr_sxx(y, x) AS sxx, regr_syy(y, x) AS syy
      FROM measured) AS q;

-- Skewness and kurtosis of 0, 1, ..., 100; and of a long tail.
SELECT skewness(s), round(kurtosis(s)::numeric, 6) AS kurtosis, round(kurtosis(s, 'population')::numeric, 6) AS population
FROM (SELECT stats_agg(i) AS s FROM generate_series(0, 100) AS i) AS q;
SELECT skewness(s) > 3 AS long_tail, kurtosis(s) > 10 AS heavy
FROM (SELECT stats_agg(exp(i / 2.0)) AS s FROM generate_series(0, 100) AS i) AS q;

-- A line through seconds since 1970: a large offset costs no digits.
SELECT slope(s), round(intercept(s)::numeric, 3) AS intercept, corr(s)
FROM (SELECT stats_agg(2 * i, 1700000000 + i) AS s FROM generate_series(1, 1000) AS i) AS q;

-- Every combination of special values, against PostgreSQL. Only for equal values is there a difference: their variance is
-- exactly zero here, where PostgreSQL 15 leaves a rounding error.
CREATE TABLE special(name text, values float8[]);
INSERT INTO special VALUES ('none', '{}'), ('only null', '{null,null}'), ('one', '{5}'), ('one nan', '{nan}'),
    ('one infinity', '{inf}'), ('equal', '{0.1,0.1,0.1,0.1,0.1,0.1,0.1}'), ('with nan', '{1,nan,2}'),
    ('with infinity', '{1,inf,2}'), ('infinities', '{-inf,1,-inf}'), ('both infinities', '{inf,-inf}');
SELECT name, num_vals(s) AS n, sum(s), average(s), variance(s), variance(s, 'population') AS population,
       agrees(sum(s), total) AND agrees(average(s), mean) AND agrees(variance(s), vs)
           AND agrees(variance(s, 'population'), vp) AS as_postgresql
FROM special, LATERAL (SELECT stats_agg(x) AS s, pg_catalog.sum(x) AS total, avg(x) AS mean, var_samp(x) AS vs, var_pop(x) AS vp
                       FROM unnest(values) AS x) AS q;
SELECT xs.name AS x, ys.name AS y
FROM special AS xs, special AS ys,
     LATERAL (SELECT stats_agg(y, x) AS s, regr_count(y, x) AS n, regr_slope(y, x) AS b, regr_intercept(y, x) AS a,
                     pg_catalog.corr(y, x) AS r, regr_r2(y, x) AS r2, covar_samp(y, x) AS cs, covar_pop(y, x) AS cp
              FROM unnest(xs.values, ys.values) AS pair(x, y)) AS q
WHERE NOT (num_vals(s) = n AND agrees(slope(s), b) AND agrees(intercept(s), a) AND agrees(kpi.corr(s), r)
           AND agrees(determination_coeff(s), r2) AND agrees(covariance(s), cs) AND agrees(covariance(s, 'pop'), cp))
  AND 'equal' NOT IN (xs.name, ys.name)
ORDER BY 1, 2;

-- A level line, and a constant x.
SELECT slope(s), intercept(s), x_intercept(s), corr(s), determination_coeff(s)
FROM (SELECT stats_agg(0.1, i) AS s FROM generate_series(1, 9) AS i) AS q;
SELECT slope(s), intercept(s), x_intercept(s), corr(s), determination_coeff(s)
FROM (SELECT stats_agg(i, 0.1) AS s FROM generate_series(1, 9) AS i) AS q;

-- Parallel: two workers and a leader give what one process gives.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT grp, stats_agg(x) AS s, stats_agg(y, x) AS t FROM measured GROUP BY grp;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE measured SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT stats_agg(x), stats_agg(y, x) FROM measured;
CREATE TABLE parallel AS SELECT grp, stats_agg(x) AS s, stats_agg(y, x) AS t FROM measured GROUP BY grp;
SELECT count(*) AS groups, bool_and(num_vals(a.s) = num_vals(b.s) AND agrees(sum(a.s), sum(b.s))
           AND agrees(variance(a.s), variance(b.s)) AND agrees(kurtosis(a.s), kurtosis(b.s))
           AND agrees(slope(a.t), slope(b.t)) AND agrees(corr(a.t), corr(b.t))) AS equal
FROM serial AS a JOIN parallel AS b USING (grp);
SET max_parallel_workers_per_gather = 0;

-- Rollup: the states of ten groups are the state of all rows; NULL states are skipped, no state is NULL.
SELECT num_vals(r) = num_vals(w) AS n, agrees(sum(r), sum(w)) AS sum, agrees(variance(r), variance(w)) AS variance,
       agrees(skewness(r), skewness(w)) AS skewness, agrees(kurtosis(r), kurtosis(w)) AS kurtosis
FROM (SELECT rollup(s) AS r FROM serial) AS a, (SELECT stats_agg(x) AS w FROM measured) AS b;
SELECT agrees(slope(r), slope(w)) AS slope, agrees(corr(r), corr(w)) AS corr
FROM (SELECT rollup(t) AS r FROM serial) AS a, (SELECT stats_agg(y, x) AS w FROM measured) AS b;
SELECT rollup(s) IS NULL AS of_nothing FROM serial WHERE false;
SELECT num_vals(rollup(s)) AS null_is_skipped FROM (VALUES (NULL::stats1d), ((SELECT stats_agg(1)))) AS v(s);

-- FILTER, and grouping sets: the totals are the rollup of their parts.
SELECT num_vals(stats_agg(x) FILTER (WHERE grp < 3)) AS filtered, num_vals(stats_agg(x) FILTER (WHERE false)) AS none
FROM measured;
SELECT grp % 2 AS odd, grp, num_vals(stats_agg(x)) AS n, round(average(stats_agg(x))::numeric, 6) AS average
FROM measured WHERE grp < 4 GROUP BY GROUPING SETS ((grp % 2, grp), (grp % 2), ()) ORDER BY 1, 2;

-- Windows, which here recompute each frame: against PostgreSQL's aggregates over the same frames.
SELECT count(*) AS frames,
       bool_and(agrees(average(s), a) AND abs(stddev(s) - d) < 1e-9 AND num_vals(s) = n) AS equal
FROM (SELECT stats_agg(x) OVER w AS s, avg(x) OVER w AS a, pg_catalog.stddev(x) OVER w AS d, count(x) OVER w AS n
      FROM measured WINDOW w AS (ORDER BY y, x ROWS BETWEEN 20 PRECEDING AND 20 FOLLOWING)) AS q;
SELECT num_vals(rollup(s) OVER (ORDER BY grp)) AS running FROM serial ORDER BY grp;
-- rolling is rollup under the name that it has in windows.
SELECT count(*) AS frames, bool_and(s::text = s2::text AND t::text = t2::text) AS equal
FROM (SELECT rolling(s) OVER w AS s, rollup(s) OVER w AS s2, rolling(t) OVER w AS t, rollup(t) OVER w AS t2 FROM serial
      WINDOW w AS (ORDER BY grp ROWS 2 PRECEDING)) AS q;

-- Stored states: size, text that reads back, binary COPY.
SELECT octet_length(stats1d_send(stats_agg(x))) AS stats1d, octet_length(stats2d_send(stats_agg(y, x))) AS stats2d FROM measured;
SELECT stats_agg(i) AS one, stats_agg(i, 2 * i) AS two FROM generate_series(1, 3) AS i;
SELECT stats_agg(x), stats_agg(1, x) FROM unnest('{1,nan,inf}'::float8[]) AS x;
SELECT bool_and(s::text::stats1d::text = s::text AND t::text::stats2d::text = t::text) AS text_reads_back FROM serial;
CREATE TABLE copied (LIKE serial);
\copy serial TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_stats.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_stats.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_stats.bin"
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text AND a.t::text = b.t::text) AS equal
FROM serial AS a JOIN copied AS b USING (grp);

-- What is refused, and how.
SELECT variance(stats_agg(x), 'unbiased') FROM measured;
\echo :LAST_ERROR_SQLSTATE
SELECT variance(stats_agg(x)) FROM (VALUES (1e200), (-1e200)) AS v(x);
\echo :LAST_ERROR_SQLSTATE
SELECT '{"n": 3, "sum": [6, 0], "m2": x}'::stats1d;
\echo :LAST_ERROR_SQLSTATE
SELECT '{"n": 0, "sum": [6, 0], "m2": 0, "m3": 0, "m4": 0}'::stats1d;
COPY copied (s) FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\11\\1\\1\\0\\0\\0\\0\\0\\0\\0"' (FORMAT binary);
\echo :LAST_ERROR_SQLSTATE
COPY copied (s) FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\2\\7\\1"' (FORMAT binary);

DROP TABLE measured, special, serial, parallel, copied;
DROP FUNCTION agrees;
