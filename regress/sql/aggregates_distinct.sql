-- approx_count_distinct and hyperloglog: approximate counts of distinct values. What is shown: values are distinct as their
-- type says; the error is within three standard errors; workers, rollups and windows give the very state of one
-- pass; stored states survive text and binary COPY; a type without a hash function is refused.
SET search_path = kpi, public;

CREATE TABLE visits AS
SELECT i % 20 AS day, (i::bigint * 7919) % 30011 AS visitor, ((i::bigint * 104729) % 700)::int AS page
FROM generate_series(1, 100000) AS i;
ANALYZE visits;

-- Many types, each against the exact count.
SELECT of_type, exact, abs(distinct_count(h) - exact) <= 3 * stderror(h) * exact AS close
FROM (SELECT 'bigint' AS of_type, approx_count_distinct(visitor) AS h, count(DISTINCT visitor) AS exact FROM visits
      UNION ALL SELECT 'int', approx_count_distinct(page), count(DISTINCT page) FROM visits
      UNION ALL SELECT 'smallint', approx_count_distinct(page::smallint), count(DISTINCT page) FROM visits
      UNION ALL SELECT 'text', approx_count_distinct(visitor::text), count(DISTINCT visitor) FROM visits
      UNION ALL SELECT 'numeric', approx_count_distinct(visitor::numeric / 7), count(DISTINCT visitor) FROM visits
      UNION ALL SELECT 'float8', approx_count_distinct(visitor::float8 / 7), count(DISTINCT visitor) FROM visits
      UNION ALL SELECT 'timestamptz', approx_count_distinct(to_timestamp(visitor)), count(DISTINCT visitor) FROM visits
      UNION ALL SELECT 'date', approx_count_distinct('2026-01-01'::date + page), count(DISTINCT page) FROM visits
      UNION ALL SELECT 'uuid', approx_count_distinct(md5(visitor::text)::uuid), count(DISTINCT visitor) FROM visits
      UNION ALL SELECT 'boolean', approx_count_distinct(page > 5), count(DISTINCT page > 5) FROM visits
      UNION ALL SELECT 'jsonb', approx_count_distinct(jsonb_build_object('page', page)), count(DISTINCT page) FROM visits
      UNION ALL SELECT 'int[]', approx_count_distinct(ARRAY[page, 1]), count(DISTINCT page) FROM visits) AS q
ORDER BY of_type;

-- Small counts are nearly exact: up to 2048 entries are kept as they are.
SELECT n, abs(distinct_count(approx_count_distinct(i)) - n) <= 1 AS exact
FROM (VALUES (1), (2), (10), (100), (1000), (2000)) AS v(n), generate_series(1, n) AS i GROUP BY n ORDER BY n;

-- Equal is what the type says: scales of numeric, signs of zero, NaN, domains.
SELECT distinct_count(approx_count_distinct(x)) FROM unnest('{1,1.0,1.00,2}'::numeric[]) AS x;
SELECT distinct_count(approx_count_distinct(x)) FROM unnest('{0,-0.0,nan,nan,inf,-inf}'::float8[]) AS x;
CREATE DOMAIN grade AS int CHECK (VALUE BETWEEN 1 AND 6);
SELECT distinct_count(approx_count_distinct(x::grade)) FROM unnest('{1,2,2,3}'::int[]) AS x;
-- Integers that differ only in a way that a hash of 32 bits folds together.
SELECT abs(distinct_count(approx_count_distinct((i::bigint << 32) + i)) - 1000) <= 1 AS kept_apart FROM generate_series(1, 1000) AS i;

-- NULL, no rows.
SELECT distinct_count(approx_count_distinct(x)) AS only_null FROM unnest('{null,null}'::int[]) AS x;
SELECT distinct_count(approx_count_distinct(page)) AS none FROM visits WHERE false;
SELECT distinct_count(approx_count_distinct(x)) AS null_is_skipped FROM unnest('{1,null,1,2}'::int[]) AS x;

-- Sizes: rounded up to a power of two; the smallest wins in a rollup; an empty state leaves the others as they are.
SELECT size, round(stderror(hyperloglog(size, visitor))::numeric, 4) AS stderror,
       abs(distinct_count(hyperloglog(size, visitor)) - 30011) <= 3 * stderror(hyperloglog(size, visitor)) * 30011 AS close,
       octet_length(hyperloglog_send(hyperloglog(size, visitor))) <= size / 2 * 1.1 + 50 AS bounded
FROM visits, (VALUES (64), (1024), (16384), (262144)) AS v(size) GROUP BY size ORDER BY size;
SELECT stderror(hyperloglog(1000, 1)) = stderror(hyperloglog(1024, 1)) AS rounded_up;
SELECT rollup(h)::text = (SELECT hyperloglog(256, i)::text FROM generate_series(1, 3000) AS i) AS smallest_wins
FROM (SELECT hyperloglog(4096, i) AS h FROM generate_series(1, 2000) AS i
      UNION ALL SELECT hyperloglog(256, i) FROM generate_series(1500, 3000) AS i) AS q;
SELECT stderror(rollup(h)) = 1.04 / 32 AS empty_leaves_it
FROM (SELECT hyperloglog(1024, i) AS h FROM generate_series(1, 10) AS i UNION ALL SELECT hyperloglog(64, i) FROM generate_series(1, 0) AS i) AS q;

-- Parallel and rollup: the very same state as from one process.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT day, approx_count_distinct(visitor) AS h, hyperloglog(128, page) AS pages FROM visits GROUP BY day;
CREATE TABLE whole AS SELECT approx_count_distinct(visitor) AS h, hyperloglog(128, page) AS pages FROM visits;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE visits SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT approx_count_distinct(visitor), hyperloglog(128, page) FROM visits;
CREATE TABLE parallel AS SELECT approx_count_distinct(visitor) AS h, hyperloglog(128, page) AS pages FROM visits;
SET max_parallel_workers_per_gather = 0;
SELECT whole.h::text = parallel.h::text AND whole.pages::text = parallel.pages::text AS parallel,
       whole.h::text = rolled.h::text AND whole.pages::text = rolled.pages::text AS rolled_up
FROM whole, parallel, (SELECT rollup(h) AS h, rollup(pages) AS pages FROM serial) AS rolled;
SELECT rollup(h) IS NULL AS of_nothing FROM serial WHERE false;

-- FILTER, grouping sets and windows.
SELECT distinct_count(approx_count_distinct(page) FILTER (WHERE page < 3)) AS filtered,
       distinct_count(approx_count_distinct(page) FILTER (WHERE false)) AS none
FROM visits;
SELECT page % 2 AS odd, distinct_count(approx_count_distinct(page)) AS pages
FROM visits WHERE page < 100 GROUP BY GROUPING SETS ((page % 2), ()) ORDER BY 1;
SELECT i, distinct_count(approx_count_distinct(i / 2) OVER (ORDER BY i ROWS BETWEEN 3 PRECEDING AND CURRENT ROW)) AS in_frame,
       distinct_count(approx_count_distinct(i / 2) OVER (ORDER BY i)) AS so_far
FROM generate_series(1, 8) AS i;

-- Stored states: text, binary COPY.
SELECT approx_count_distinct(i) FROM generate_series(1, 3) AS i;
SELECT bool_and(h::text::hyperloglog::text = h::text) AS text_reads_back FROM (TABLE serial UNION ALL SELECT 0, h, pages FROM whole) AS q;
CREATE TABLE copied (LIKE whole);
\copy whole TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_distinct.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_distinct.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_distinct.bin"
SELECT whole.h::text = copied.h::text AND whole.pages::text = copied.pages::text AS equal FROM whole, copied;

-- What is refused, and how.
SELECT approx_count_distinct(point(i, i)) FROM generate_series(1, 3) AS i;
\echo :LAST_ERROR_SQLSTATE
SELECT hyperloglog(8, i) FROM generate_series(1, 3) AS i;
\echo :LAST_ERROR_SQLSTATE
SELECT hyperloglog(NULL, i) FROM generate_series(1, 3) AS i;
\echo :LAST_ERROR_SQLSTATE
SELECT overlay(h::text PLACING '00' FROM 1001 FOR 2)::hyperloglog FROM whole;
\echo :LAST_ERROR_SQLSTATE

DROP DOMAIN grade;
DROP TABLE visits, serial, whole, parallel, copied;
