-- apdex_agg: the application performance index. What is shown: durations fall into the classes of the specification, NaN and
-- infinities too; score and rating follow from them; workers, rollups, grouping sets, filters and moving windows give
-- what one pass gives; stored states survive text and binary COPY; states of different thresholds are refused.
SET search_path = kpi, public;

CREATE TABLE request AS
SELECT i % 10 AS grp, i AS id, CASE WHEN i % 17 <> 0 THEN (i * 7919 % 1009)::float8 / 400 END AS seconds
FROM generate_series(1, 1000) AS i;

-- Up to t satisfied, up to 4 t tolerating, above it frustrated.
SELECT satisfied(a), tolerating(a), frustrated(a), num_vals(a), threshold(a), round(score(a)::numeric, 6) AS score, rating(a)
FROM (SELECT apdex_agg(x, 0.5) AS a FROM unnest('{0.1,0.3,0.5,0.6,2.0,2.1}'::float8[]) AS x) AS q;
SELECT satisfied(a) = s AS satisfied, tolerating(a) = t AS tolerating, frustrated(a) = f AS frustrated,
       abs(score(a) - (s + t / 2.0) / (s + t + f)) < 1e-12 AS score
FROM (SELECT apdex_agg(seconds, 0.5) AS a, count(*) FILTER (WHERE seconds <= 0.5) AS s,
             count(*) FILTER (WHERE seconds > 0.5 AND seconds <= 2) AS t, count(*) FILTER (WHERE seconds > 2) AS f
      FROM request) AS q;

-- The words for the scores.
SELECT good, rating(apdex_agg(CASE WHEN i <= good THEN 0 ELSE 9 END, 1)) FROM (VALUES (100), (94), (93), (85), (84), (70), (69), (50), (49), (0)) AS v(good),
       generate_series(1, 100) AS i GROUP BY good ORDER BY good DESC;

-- A request that never ended frustrates, and so does NaN; negative infinity satisfies. NULL is skipped; no rows give NULL,
-- since no row says the threshold, and rows of NULL an empty state.
SELECT satisfied(a), tolerating(a), frustrated(a) FROM (SELECT apdex_agg(x, 1) AS a FROM unnest('{inf,nan,-inf,null}'::float8[]) AS x) AS q;
SELECT apdex_agg(x, 1) IS NULL AS of_nothing FROM unnest('{}'::float8[]) AS x;
SELECT num_vals(a), score(a), rating(a) FROM (SELECT apdex_agg(NULL, 1) AS a) AS q;

-- Parallel: two workers and a leader give what one process gives, to the last bit.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT grp, apdex_agg(seconds, 0.5) AS s FROM request GROUP BY grp;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE request SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT apdex_agg(seconds, 0.5) FROM request;
CREATE TABLE parallel AS SELECT grp, apdex_agg(seconds, 0.5) AS s FROM request GROUP BY grp;
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal
FROM serial AS a JOIN parallel AS b USING (grp);
SET max_parallel_workers_per_gather = 0;

-- Rollup, FILTER, grouping sets.
SELECT r::text = w::text AS equal FROM (SELECT rollup(s) AS r FROM serial) AS a, (SELECT apdex_agg(seconds, 0.5) AS w FROM request) AS b;
SELECT rollup(s) IS NULL AS of_nothing FROM serial WHERE false;
SELECT num_vals(apdex_agg(seconds, 0.5) FILTER (WHERE grp < 3)) AS filtered FROM request;
SELECT grp % 2 AS odd, grp, apdex_agg(seconds, 0.5)
FROM request WHERE grp < 4 GROUP BY GROUPING SETS ((grp % 2, grp), (grp % 2), ()) ORDER BY 1, 2;

-- Moving windows take back what leaves the frame; each frame against a count of its own.
SELECT count(*) AS frames, bool_and(satisfied(a) = s AND tolerating(a) = t AND frustrated(a) = f) AS equal
FROM (SELECT apdex_agg(seconds, 0.5) OVER w AS a, count(*) FILTER (WHERE seconds <= 0.5) OVER w AS s,
             count(*) FILTER (WHERE seconds > 0.5 AND seconds <= 2) OVER w AS t, count(*) FILTER (WHERE seconds > 2) OVER w AS f
      FROM request WINDOW w AS (ORDER BY id ROWS BETWEEN 3 PRECEDING AND 3 FOLLOWING)) AS q;

SELECT apdex_agg(i, 2) FROM generate_series(1, 10) AS i;
-- Stored states: text that reads back, binary COPY.
SELECT bool_and(s::text::apdex::text = s::text) AS text_reads_back FROM serial;
CREATE TABLE copied (LIKE serial);
\copy serial TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_apdex.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_apdex.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_apdex.bin"
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal FROM serial AS a JOIN copied AS b USING (grp);

-- Which process finds the first wrong row must not matter to the messages below.
SET max_parallel_workers_per_gather = 0;
-- What is refused, and how.
SELECT apdex_agg(seconds, 0) FROM request;
\echo :LAST_ERROR_SQLSTATE
SELECT apdex_agg(seconds, NULL) FROM request;
\echo :LAST_ERROR_SQLSTATE
SELECT apdex_agg(1, i) FROM generate_series(1, 2) AS i;
SELECT rollup(a) FROM (SELECT apdex_agg(1, i) AS a FROM generate_series(1, 2) AS i GROUP BY i) AS q;
\echo :LAST_ERROR_SQLSTATE
SELECT '{"t": 0, "satisfied": 1, "tolerating": 0, "frustrated": 0}'::apdex;
\echo :LAST_ERROR_SQLSTATE
COPY copied (s) FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\2\\7\\1"' (FORMAT binary);
\echo :LAST_ERROR_SQLSTATE

DROP TABLE request, serial, parallel, copied;
