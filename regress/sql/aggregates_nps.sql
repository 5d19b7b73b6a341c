-- nps_agg: the net promoter score. What is shown: answers fall into their classes; score and margin follow from them; workers,
-- rollups, grouping sets, filters and moving windows give what one pass gives; stored states survive text and binary
-- COPY; answers outside 0 to 10 are refused.
SET search_path = kpi, public;

CREATE TABLE answer AS
SELECT i % 10 AS grp, i AS id, CASE WHEN i % 17 <> 0 THEN i * 7919 % 11 END AS score FROM generate_series(1, 1000) AS i;

SELECT promoters(n), passives(n), detractors(n), num_vals(n), score(n)
FROM (SELECT nps_agg(score) AS n FROM unnest('{10,9,9,8,7,6,10,3,null}'::int[]) AS score) AS q;
SELECT promoters(n) = p AND passives(n) = q AND detractors(n) = d AS classes,
       abs(score(n) - 100.0 * (p - d) / (p + q + d)) < 1e-12 AS score
FROM (SELECT nps_agg(score) AS n, count(*) FILTER (WHERE score >= 9) AS p, count(*) FILTER (WHERE score IN (7, 8)) AS q,
             count(*) FILTER (WHERE score <= 6) AS d FROM answer) AS counted;

-- 500 promoters, 300 passives, 200 detractors: a score of 30, give or take 4.84 at 95 percent.
SELECT score(n), round(margin(n)::numeric, 4) AS margin_95, round(margin(n, level => 0.99)::numeric, 4) AS margin_99
FROM (SELECT nps_agg(score) AS n FROM (VALUES (10, 500), (8, 300), (2, 200)) AS v(score, times), generate_series(1, times)) AS q;

-- No answers: an empty state.
SELECT num_vals(n), score(n), margin(n) FROM (SELECT nps_agg(score) AS n FROM answer WHERE false) AS q;

-- Parallel: two workers and a leader give what one process gives, to the last bit.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT grp, nps_agg(score) AS s FROM answer GROUP BY grp;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE answer SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT nps_agg(score) FROM answer;
CREATE TABLE parallel AS SELECT grp, nps_agg(score) AS s FROM answer GROUP BY grp;
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal
FROM serial AS a JOIN parallel AS b USING (grp);
SET max_parallel_workers_per_gather = 0;

-- Rollup, FILTER, grouping sets.
SELECT r::text = w::text AS equal FROM (SELECT rollup(s) AS r FROM serial) AS a, (SELECT nps_agg(score) AS w FROM answer) AS b;
SELECT rollup(s) IS NULL AS of_nothing FROM serial WHERE false;
SELECT num_vals(nps_agg(score) FILTER (WHERE grp < 3)) AS filtered FROM answer;
SELECT grp % 2 AS odd, grp, nps_agg(score) FROM answer WHERE grp < 4 GROUP BY GROUPING SETS ((grp % 2, grp), (grp % 2), ()) ORDER BY 1, 2;

-- Moving windows take back what leaves the frame; each frame against a count of its own, also where it holds only NULL.
SELECT count(*) AS frames, bool_and(promoters(n) = p AND passives(n) = q AND detractors(n) = d) AS equal
FROM (SELECT nps_agg(score) OVER w AS n, count(*) FILTER (WHERE score >= 9) OVER w AS p,
             count(*) FILTER (WHERE score IN (7, 8)) OVER w AS q, count(*) FILTER (WHERE score <= 6) OVER w AS d
      FROM answer WINDOW w AS (ORDER BY id ROWS BETWEEN 3 PRECEDING AND CURRENT ROW)) AS counted;
SELECT num_vals(nps_agg(score) OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW))
FROM unnest('{null,null,5,null,null}'::int[]) WITH ORDINALITY AS v(score, i) ORDER BY i;

SELECT nps_agg(i) FROM generate_series(0, 10) AS i;
-- Stored states: text that reads back, binary COPY.
SELECT bool_and(s::text::nps::text = s::text) AS text_reads_back FROM serial;
CREATE TABLE copied (LIKE serial);
\copy serial TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_nps.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_nps.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_nps.bin"
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal FROM serial AS a JOIN copied AS b USING (grp);

-- Which process finds the first wrong row must not matter to the messages below.
SET max_parallel_workers_per_gather = 0;
-- What is refused, and how.
SELECT nps_agg(11);
\echo :LAST_ERROR_SQLSTATE
SELECT margin(nps_agg(9), 95);
SELECT '{"promoters": -1, "passives": 0, "detractors": 0}'::nps;
\echo :LAST_ERROR_SQLSTATE
COPY copied (s) FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\2\\7\\1"' (FORMAT binary);
\echo :LAST_ERROR_SQLSTATE

DROP TABLE answer, serial, parallel, copied;
