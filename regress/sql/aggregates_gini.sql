-- gini_agg: the Gini coefficient. What is shown: it agrees with its formula, exactly up to 2048 distinct values and within its
-- stated error beyond; workers, rollups, grouping sets, filters and windows give what one pass gives; stored states
-- survive text and binary COPY; values that have no such coefficient are refused.
SET search_path = kpi, public;

CREATE TABLE revenue AS
SELECT i % 10 AS grp, i AS id, CASE WHEN i % 17 <> 0 THEN (i::bigint * 7919 % 1009)::float8 END AS x,
       exp((i::bigint * 7919 % 10007) / 1000.0) AS skewed
FROM generate_series(1, 10000) AS i;

-- By hand; and of a sample.
SELECT coefficient(g), coefficient(g, 'sample'), error(g), num_vals(g) FROM (SELECT gini_agg(x) AS g FROM unnest('{1,2,3,4,10}'::float8[]) AS x) AS q;

-- Against the formula in plain SQL: exact with 1009 distinct values, within the error it tells with 10000.
CREATE FUNCTION formula(xs float8[]) RETURNS float8 IMMUTABLE LANGUAGE sql AS $$
    SELECT pg_catalog.sum((2 * i - n - 1) * x) / (max(n) * pg_catalog.sum(x))
    FROM (SELECT x, row_number() OVER (ORDER BY x) AS i, count(*) OVER () AS n FROM unnest(xs) AS x WHERE x IS NOT NULL) AS ranked
$$;
SELECT error(g) AS error, abs(coefficient(g) - formula(xs)) < 1e-12 AS equal FROM (SELECT gini_agg(x) AS g, array_agg(x) AS xs FROM revenue) AS q;
SELECT round(error(g)::numeric, 4) AS error, abs(coefficient(g) - formula(xs)) <= error(g) AS within_error
FROM (SELECT gini_agg(skewed) AS g, array_agg(skewed) AS xs FROM revenue) AS q;

-- All equal, one has all, one value, all zero, no rows.
SELECT name, num_vals(g) AS n, coefficient(g), coefficient(g, 'sample') AS sample
FROM (VALUES ('equal', '{5,5,5,5}'::float8[]), ('one has all', '{0,0,0,8}'), ('one', '{3}'), ('zeros', '{0,-0}'), ('only null', '{null}'),
             ('none', '{}')) AS v(name, xs), LATERAL (SELECT gini_agg(x) AS g FROM unnest(xs) AS x) AS q;

-- Parallel: two workers and a leader give what one process gives, to the last bit.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT grp, gini_agg(skewed) AS s FROM revenue GROUP BY grp;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE revenue SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT gini_agg(skewed) FROM revenue;
CREATE TABLE parallel AS SELECT grp, gini_agg(skewed) AS s FROM revenue GROUP BY grp;
SELECT count(*) AS groups, bool_and(coefficient(a.s) = coefficient(b.s)) AS equal
FROM serial AS a JOIN parallel AS b USING (grp);
SET max_parallel_workers_per_gather = 0;

-- Rollup, FILTER, grouping sets, windows.
SELECT coefficient(r) = coefficient(w) AS equal FROM (SELECT rollup(s) AS r FROM serial) AS a, (SELECT gini_agg(skewed) AS w FROM revenue) AS b;
SELECT rollup(s) IS NULL AS of_nothing FROM serial WHERE false;
SELECT num_vals(gini_agg(x) FILTER (WHERE grp < 3)) AS filtered FROM revenue;
SELECT grp % 2 AS odd, grp, round(coefficient(gini_agg(x))::numeric, 6) AS gini
FROM revenue WHERE grp < 4 GROUP BY GROUPING SETS ((grp % 2, grp), (grp % 2), ()) ORDER BY 1, 2;
SELECT count(*) AS frames, bool_and(abs(coefficient(g) - formula(xs)) < 1e-12) AS equal
FROM (SELECT gini_agg(x) OVER w AS g, array_agg(x) OVER w AS xs FROM revenue WHERE id <= 200
      WINDOW w AS (ORDER BY id ROWS BETWEEN 5 PRECEDING AND 5 FOLLOWING)) AS q;

-- Stored states: text that reads back, binary COPY.
SELECT bool_and(s::text::gini::text = s::text) AS text_reads_back FROM serial;
CREATE TABLE copied (LIKE serial);
\copy serial TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_gini.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_gini.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_gini.bin"
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal FROM serial AS a JOIN copied AS b USING (grp);

-- Which process finds the first wrong row must not matter to the messages below.
SET max_parallel_workers_per_gather = 0;
-- What is refused, and how.
SELECT gini_agg(-1);
\echo :LAST_ERROR_SQLSTATE
SELECT gini_agg('nan'::float8);
SELECT coefficient(gini_agg(1), 'biased');
SELECT '\x00'::gini;
\echo :LAST_ERROR_SQLSTATE
COPY copied (s) FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\2\\7\\1"' (FORMAT binary);
\echo :LAST_ERROR_SQLSTATE

DROP TABLE revenue, serial, parallel, copied;
DROP FUNCTION formula;
