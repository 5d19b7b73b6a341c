-- ewma: an exponentially weighted mean over time. What is shown: it agrees with the weighted sums in plain SQL, on irregular
-- spacing and in any order; NULL, NaN, infinities and no rows have defined answers; workers, rollups of states that overlap,
-- grouping sets, filters and windows give what one pass gives; stored states survive text and binary COPY; states of
-- different half-lives are refused.
SET search_path = kpi, public;

CREATE TABLE measured AS
SELECT i % 10 AS grp, i AS id, '2026-01-01 00:00Z'::timestamptz + (i * 7919 % 1009) * interval '97 seconds' AS ts,
       CASE WHEN i % 17 <> 0 THEN (i * 104729 % 211)::float8 END AS x
FROM generate_series(1, 1000) AS i;

-- Equal up to 1e-12, relative; NULL and NaN are equal to themselves.
CREATE FUNCTION agrees(a float8, b float8) RETURNS boolean IMMUTABLE LANGUAGE sql AS
$$ SELECT a IS NOT DISTINCT FROM b OR abs(a - b) <= 1e-12 * abs(b) $$;

-- A value loses half of its weight in an hour.
SELECT average(e) = (0.5 * 8 + 2) / 1.5 AS average, weight(e), last_time(e) = '2026-01-01 01:00Z' AS last_time, half_life(e), num_vals(e)
FROM (SELECT ewma(ts, x, '1 hour') AS e FROM (VALUES ('2026-01-01 00:00Z'::timestamptz, 8), ('2026-01-01 01:00Z', 2)) AS v(ts, x)) AS q;

-- Against plain SQL.
SELECT agrees(average(e), sums) AS average
FROM (SELECT ewma(ts, x, '2 hours') AS e FROM measured) AS q,
     (SELECT pg_catalog.sum(w * x) / pg_catalog.sum(w) AS sums
      FROM (SELECT x, 2 ^ (-extract(epoch FROM max(ts) FILTER (WHERE x IS NOT NULL) OVER () - ts)::float8 / 7200) AS w FROM measured) AS weighted
      WHERE x IS NOT NULL) AS plain;

-- One value, equal times, NULL, no rows, NaN and infinities.
SELECT name, num_vals(e) AS n, average(e)
FROM (VALUES ('one', '{3}'::float8[]), ('null', '{1,null,3}'), ('none', '{}'), ('nan', '{nan,1}'), ('infinity', '{inf,1}'),
             ('infinities', '{inf,-inf}')) AS v(name, xs),
     LATERAL (SELECT ewma('2026-01-01 00:00Z', x, '1 hour') AS e FROM unnest(xs) AS x) AS q;

-- Parallel: two workers and a leader give what one process gives.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT grp, ewma(ts, x, '2 hours') AS s FROM measured GROUP BY grp;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE measured SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT ewma(ts, x, '2 hours') FROM measured;
CREATE TABLE parallel AS SELECT grp, ewma(ts, x, '2 hours') AS s FROM measured GROUP BY grp;
SELECT count(*) AS groups, bool_and(num_vals(a.s) = num_vals(b.s) AND last_time(a.s) = last_time(b.s) AND agrees(average(a.s), average(b.s))) AS equal
FROM serial AS a JOIN parallel AS b USING (grp);
SET max_parallel_workers_per_gather = 0;

-- Rollup of ten groups that overlap in time, FILTER, grouping sets, windows.
SELECT num_vals(r) = num_vals(w) AS n, agrees(average(r), average(w)) AS average
FROM (SELECT rollup(s) AS r FROM serial) AS a, (SELECT ewma(ts, x, '2 hours') AS w FROM measured) AS b;
SELECT rollup(s) IS NULL AS of_nothing FROM serial WHERE false;
SELECT num_vals(ewma(ts, x, '2 hours') FILTER (WHERE grp < 3)) AS filtered FROM measured;
SELECT grp % 2 AS odd, grp, round(average(ewma(ts, x, '2 hours'))::numeric, 6) AS average
FROM measured WHERE grp < 4 GROUP BY GROUPING SETS ((grp % 2, grp), (grp % 2), ()) ORDER BY 1, 2;
SELECT id, round(average(ewma(ts, x, '2 hours') OVER (ORDER BY ts))::numeric, 4) AS smooth FROM measured WHERE id <= 10 ORDER BY ts;

SELECT ewma('2000-01-01 00:00Z', 3, '1 second');
-- Stored states: text that reads back, binary COPY.
SELECT bool_and(s::text::ewma::text = s::text) AS text_reads_back FROM serial;
CREATE TABLE copied (LIKE serial);
\copy serial TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_ewma.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_ewma.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_ewma.bin"
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal FROM serial AS a JOIN copied AS b USING (grp);

-- Which process finds the first wrong row must not matter to the messages below.
SET max_parallel_workers_per_gather = 0;
-- What is refused, and how.
SELECT ewma('-infinity', 1, '1 hour');
\echo :LAST_ERROR_SQLSTATE
SELECT ewma(ts, x, '1 month') FROM measured;
\echo :LAST_ERROR_SQLSTATE
SELECT ewma(ts, x, '-1 hour') FROM measured;
SELECT ewma(ts, x, NULL) FROM measured;
\echo :LAST_ERROR_SQLSTATE
SELECT ewma(ts, x, grp * interval '1 hour') FROM measured WHERE grp > 0;
SELECT rollup(e) FROM (SELECT ewma(ts, x, grp * interval '1 hour') AS e FROM measured WHERE grp > 0 GROUP BY grp) AS q;
SELECT '{"half_life": 0}'::ewma;
\echo :LAST_ERROR_SQLSTATE
COPY copied (s) FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\2\\7\\1"' (FORMAT binary);
\echo :LAST_ERROR_SQLSTATE

DROP TABLE measured, serial, parallel, copied;
DROP FUNCTION agrees;
