-- funnel_agg: how many actors went how far. What is shown: steps count in order and within the window, whatever the order of rows;
-- actors are of any type; NULL and no rows have defined answers; workers, rollups of states that share actors, grouping sets and
-- filters give what one pass gives; of very many actors a sample is kept; stored states survive text and binary COPY.
SET search_path = kpi, public;

-- Ann does all three steps, Bob is too late for the second, Eve never does the first, Dan does them in the wrong order.
CREATE TABLE event AS
SELECT '2026-03-01 00:00Z'::timestamptz + minute * interval '1 minute' AS ts, actor, step
FROM (VALUES (0, 'ann', 1), (2, 'ann', 2), (5, 'ann', 3), (0, 'bob', 1), (12, 'bob', 2), (3, 'eve', 2), (4, 'dan', 2), (5, 'dan', 1)) AS v(minute, actor, step);
SELECT steps.*, num_steps(f), sampled(f) FROM (SELECT funnel_agg(ts, actor, step, '10 minutes') AS f FROM event) AS q, LATERAL steps(f);
SELECT conversion(f, 2), conversion(f, 3), conversion(f, 4), conversion(f, -1) FROM (SELECT funnel_agg(ts, actor, step, '10 minutes' ORDER BY ts DESC) AS f FROM event) AS q;

-- A later start counts too: Bob tries again, in time.
SELECT step, actors FROM (SELECT funnel_agg(ts, actor, step, '10 minutes') AS f FROM
    (TABLE event UNION ALL SELECT '2026-03-01 00:11Z', 'bob', 1) AS e) AS q, LATERAL steps(f);

-- NULL is skipped, no rows give NULL.
SELECT step, actors FROM (SELECT funnel_agg(ts, actor, step, '1 hour') AS f FROM (VALUES ('2026-03-01'::timestamptz, 7, 1), (NULL, 8, 1), ('2026-03-01', NULL, 1),
    ('2026-03-01', 9, NULL)) AS v(ts, actor, step)) AS q, LATERAL steps(f);
SELECT funnel_agg(ts, actor, step, '1 hour') IS NULL AS of_nothing FROM event WHERE false;
SELECT count(*) AS steps_of_null FROM steps(NULL);

-- A thousand visitors, each with two steps or three; the events of each are spread over all groups.
CREATE TABLE visit AS
SELECT (visitor + step) % 10 AS grp, visitor, step, '2026-03-01 00:00Z'::timestamptz + (visitor * 7 + step) * interval '1 second' AS ts
FROM generate_series(1, 1000) AS visitor, generate_series(1, 2 + (visitor % 3 = 0)::int) AS step;

-- Parallel: two workers and a leader give what one process gives, to the last bit.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT grp, funnel_agg(ts, visitor, step, '1 hour') AS s FROM visit GROUP BY grp;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE visit SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT funnel_agg(ts, visitor, step, '1 hour') FROM visit;
CREATE TABLE parallel AS SELECT grp, funnel_agg(ts, visitor, step, '1 hour') AS s FROM visit GROUP BY grp;
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal
FROM serial AS a JOIN parallel AS b USING (grp);
SET max_parallel_workers_per_gather = 0;

-- Rollup puts the steps of each visitor together.
SELECT r::text = w::text AS equal FROM (SELECT rollup(s) AS r FROM serial) AS a, (SELECT funnel_agg(ts, visitor, step, '1 hour') AS w FROM visit) AS b;
SELECT steps.* FROM (SELECT rollup(s) AS f FROM serial) AS q, LATERAL steps(f);
SELECT rollup(s) IS NULL AS of_nothing FROM serial WHERE false;
SELECT num_steps(funnel_agg(ts, visitor, step, '1 hour') FILTER (WHERE step < 3)) AS filtered FROM visit;
SELECT visitor % 2 AS odd, conversion(funnel_agg(ts, visitor, step, '1 hour'), 2) AS to_2
FROM visit GROUP BY GROUPING SETS ((visitor % 2), ()) ORDER BY 1;
SELECT bool_and(num_steps(f) = most) AS windows
FROM (SELECT funnel_agg(ts, visitor, step, '1 hour') OVER w AS f, max(step) OVER w AS most FROM visit WHERE visitor <= 20
      WINDOW w AS (ORDER BY ts ROWS BETWEEN 3 PRECEDING AND CURRENT ROW)) AS q;

-- More events than are kept: a sample, and estimates near the truth.
SELECT sampled(f) < 1 AS sampled, abs(conversion(f, 2) - 0.5) < 0.02 AS near
FROM (SELECT funnel_agg('2026-03-01 00:00Z'::timestamptz + step * interval '1 second', visitor, step, '1 hour') AS f
      FROM generate_series(1, 200000) AS visitor, generate_series(1, 1 + visitor % 2) AS step) AS q;

-- Stored states: text that reads back, binary COPY.
SELECT bool_and(s::text::funnel::text = s::text) AS text_reads_back FROM serial;
CREATE TABLE copied (LIKE serial);
\copy serial TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_funnel.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_funnel.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_funnel.bin"
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal FROM serial AS a JOIN copied AS b USING (grp);

-- Which process finds the first wrong row must not matter to the messages below.
SET max_parallel_workers_per_gather = 0;
-- What is refused, and how.
SELECT funnel_agg(ts, actor, 0, '1 hour') FROM event;
\echo :LAST_ERROR_SQLSTATE
SELECT funnel_agg(ts, actor, step, '0') FROM event;
SELECT funnel_agg(ts, actor, step, NULL) FROM event;
\echo :LAST_ERROR_SQLSTATE
SELECT funnel_agg('infinity', actor, step, '1 hour') FROM event;
SELECT funnel_agg(ts, actor, step, step * interval '1 hour') FROM event;
SELECT rollup(f) FROM (SELECT funnel_agg(ts, actor, step, step * interval '1 hour') AS f FROM event GROUP BY step) AS q;
SELECT funnel_agg(ts, point(1, 1), step, '1 hour') FROM event;
\echo :LAST_ERROR_SQLSTATE
SELECT '\x00'::funnel;
\echo :LAST_ERROR_SQLSTATE
COPY copied (s) FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\2\\7\\1"' (FORMAT binary);
\echo :LAST_ERROR_SQLSTATE

DROP TABLE event, visit, serial, parallel, copied;
