-- tdigest: percentiles that are most exact at both ends; and approx_percentile_array, which percentile_agg has too. What is
-- shown: few values are exact; of many, ranks are near, nearest at the ends; NULL, NaN, infinities, no rows and one row have
-- defined answers; workers and rollups stay within the same error; stored states survive text and binary COPY.
SET search_path = kpi, public;

CREATE TABLE measured AS
SELECT i % 10 AS grp, i AS id, CASE WHEN i % 17 <> 0 THEN exp((i::bigint * 7919 % 100003) / 20000.0) END AS x
FROM generate_series(1, 100000) AS i;

-- Few values, as percentile_cont.
SELECT p, approx_percentile(p, d) = percentile AS exact
FROM (SELECT tdigest(100, x) AS d FROM unnest('{4,1,3,2}'::float8[]) AS x) AS q, unnest('{0,0.25,0.5,0.9,1}'::float8[]) AS p,
     LATERAL (SELECT percentile_cont(p) WITHIN GROUP (ORDER BY x) AS percentile FROM unnest('{4,1,3,2}'::float8[]) AS x) AS plain
ORDER BY p;

-- Many: the rank of the value found, by counting, is off by at most 3% in the middle and by far less at the ends.
CREATE FUNCTION rank_error(digest tdigest, p float8) RETURNS float8 LANGUAGE sql AS
$$ SELECT abs(avg((x <= value)::int)::float8 - p) FROM measured, (SELECT approx_percentile(p, digest) AS value OFFSET 0) AS found WHERE x IS NOT NULL $$;
SELECT p, rank_error(d, p) <= CASE WHEN p IN (0.001, 0.999) THEN 0.003 WHEN p IN (0.01, 0.99) THEN 0.008 ELSE 0.032 END AS near
FROM (SELECT tdigest(100, x) AS d FROM measured) AS q, unnest('{0.001,0.01,0.25,0.5,0.75,0.99,0.999}'::float8[]) AS p ORDER BY p;
SELECT num_vals(d) = n AS num_vals, abs(mean(d) - a) < 1e-9 * a AS mean, min_val(d) = least AS min_val, max_val(d) = most AS max_val,
       approx_percentile(0, d) = least AS p0, approx_percentile(1, d) = most AS p100, abs(approx_percentile_rank(a, d) - rank) < 0.032 AS rank
FROM (SELECT tdigest(100, x) AS d, count(x) AS n, avg(x) AS a, min(x) AS least, max(x) AS most FROM measured) AS q,
     LATERAL (SELECT avg((x <= a)::int)::float8 AS rank FROM measured WHERE x IS NOT NULL) AS plain;

-- Many fractions at once, of both kinds of sketch.
SELECT approx_percentile_array('{0,0.5,1}', d) AS tdigest,
       approx_percentile_array('{0.1,0.9}', s) = ARRAY[approx_percentile(0.1, s), approx_percentile(0.9, s)] AS uddsketch,
       approx_percentile_array('{}', d) AS of_none
FROM (SELECT tdigest(100, x) AS d, percentile_agg(x) AS s FROM generate_series(1, 9) AS x) AS q;

-- One row, only NULL, no rows, NaN and infinities in PostgreSQL's order.
SELECT name, num_vals(d) AS n, mean(d), min_val(d), max_val(d), approx_percentile(0.5, d) AS median, approx_percentile_rank(2, d) AS rank_of_2
FROM (VALUES ('one', '{3}'::float8[]), ('only null', '{null}'), ('none', '{}'), ('nan', '{1,nan}'), ('infinity', '{1,2,inf}'),
             ('infinities', '{-inf,1,inf}')) AS v(name, xs), LATERAL (SELECT tdigest(100, x) AS d FROM unnest(xs) AS x) AS q;

-- Parallel: two workers and a leader give what one process gives.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT grp, tdigest(100, x) AS s FROM measured GROUP BY grp;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE measured SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT tdigest(100, x) FROM measured;
CREATE TABLE parallel AS SELECT grp, tdigest(100, x) AS s FROM measured GROUP BY grp;
SELECT count(*) AS groups, bool_and(num_vals(a.s) = num_vals(b.s) AND min_val(a.s) = min_val(b.s) AND max_val(a.s) = max_val(b.s) AND abs(mean(a.s) - mean(b.s)) < 1e-9 * mean(a.s)) AS equal
FROM serial AS a JOIN parallel AS b USING (grp);
SET max_parallel_workers_per_gather = 0;

SELECT p, rank_error(d, p) < 0.032 AS near FROM (SELECT tdigest(100, x) AS d FROM measured) AS q, unnest('{0.25,0.5,0.75}'::float8[]) AS p ORDER BY p;

-- Rollup, also of different sizes; FILTER, windows.
SELECT p, rank_error(d, p) < 0.032 AS near FROM (SELECT rollup(s) AS d FROM serial) AS q, unnest('{0.25,0.5,0.75}'::float8[]) AS p ORDER BY p;
SELECT num_vals(rollup(d)) FROM (SELECT tdigest(20 * n, x) AS d FROM generate_series(1, 3) AS n, generate_series(1, 10) AS x GROUP BY n) AS q;
SELECT rollup(s) IS NULL AS of_nothing FROM serial WHERE false;
SELECT num_vals(tdigest(100, x) FILTER (WHERE grp < 3)) AS filtered FROM measured;
SELECT count(*) AS frames, bool_and(num_vals(d) = n AND max_val(d) = most) AS equal
FROM (SELECT tdigest(100, x) OVER w AS d, count(x) OVER w AS n, max(x) OVER w AS most FROM measured WHERE id <= 100
      WINDOW w AS (ORDER BY id ROWS BETWEEN 5 PRECEDING AND CURRENT ROW)) AS q;

-- Stored states: text that reads back, binary COPY.
SELECT bool_and(s::text::tdigest::text = s::text) AS text_reads_back FROM serial;
CREATE TABLE copied (LIKE serial);
\copy serial TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_tdigest.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_tdigest.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_tdigest.bin"
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal FROM serial AS a JOIN copied AS b USING (grp);

-- What is refused, and how.
SELECT tdigest(5, x) FROM measured;
\echo :LAST_ERROR_SQLSTATE
SELECT tdigest(NULL, x) FROM measured;
\echo :LAST_ERROR_SQLSTATE
SELECT tdigest(100 + grp, x) FROM measured;
SELECT approx_percentile(95, tdigest(100, 1));
\echo :LAST_ERROR_SQLSTATE
SELECT approx_percentile_array('{0.5,null}', tdigest(100, 1));
\echo :LAST_ERROR_SQLSTATE
SELECT '\x00'::tdigest;
\echo :LAST_ERROR_SQLSTATE
COPY copied (s) FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\2\\7\\1"' (FORMAT binary);
\echo :LAST_ERROR_SQLSTATE

DROP FUNCTION rank_error;
DROP TABLE measured, serial, parallel, copied;
