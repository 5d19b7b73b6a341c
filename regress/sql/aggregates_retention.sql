-- retention_agg: how many actors came back. What is shown: cohorts agree with plain SQL, for weeks and for months; times of a place
-- count in its periods; NULL and no rows have defined answers; workers, rollups of states that share actors, grouping sets and
-- filters give what one pass gives; stored states survive text and binary COPY.
SET search_path = kpi, public;
SET timezone = 'UTC';

-- Ann comes three weeks in a row, Bob in the first and the third, Eve once in the second.
SELECT c.* FROM (SELECT retention_agg('2026-03-02'::timestamptz + week * interval '1 week', actor, '1 week') AS r
    FROM (VALUES (0, 'ann'), (1, 'ann'), (2, 'ann'), (0, 'bob'), (2, 'bob'), (1, 'eve')) AS v(week, actor)) AS q, LATERAL cohorts(r) AS c;

CREATE TABLE visit AS
SELECT i % 10 AS grp, i % 301 AS visitor, '2026-01-05 00:00Z'::timestamptz + (i::bigint * 7919 % 1009) * interval '5 hours' AS ts
FROM generate_series(1, 3000) AS i;

-- Against plain SQL, with periods of a week and of a month.
CREATE FUNCTION plain(unit text) RETURNS TABLE (cohort timestamp, first_period timestamp, seen timestamp, actors bigint) LANGUAGE sql AS $$
    SELECT first, first, at, count(DISTINCT visitor)
    FROM (SELECT visitor, date_trunc(unit, ts, 'UTC')::timestamp AS at, min(date_trunc(unit, ts, 'UTC')::timestamp) OVER (PARTITION BY visitor) AS first FROM visit) AS v
    GROUP BY first, at
$$;
SELECT count(*) FILTER (WHERE retained > 0) = (SELECT count(*) FROM plain('week')) AS as_many,
       bool_and(retained = coalesce(p.actors, 0)) AS equal, bool_and(abs(rate - retained::float8 / size) < 1e-12) AS rates
FROM (SELECT retention_agg(ts, visitor, '1 week') AS r FROM visit) AS q, LATERAL cohorts(r) AS c
LEFT JOIN plain('week') AS p ON p.cohort = c.cohort AND p.seen = c.cohort + c.period * interval '1 week';
SELECT count(*) FILTER (WHERE retained > 0) = (SELECT count(*) FROM plain('month')) AS as_many, bool_and(retained = coalesce(p.actors, 0)) AS equal
FROM (SELECT retention_agg(ts, visitor, '1 month') AS r FROM visit) AS q, LATERAL cohorts(r) AS c
LEFT JOIN plain('month') AS p ON p.cohort = c.cohort AND p.seen = c.cohort + c.period * interval '1 month';
SELECT num_actors(r), sampled(r), retention_rate(r, 0), retention_rate(r, 1) BETWEEN 0 AND 1 AS next_week, retention_rate(r, 1000) AS never, retention_rate(r, -1) AS before
FROM (SELECT retention_agg(ts, visitor, '1 week') AS r FROM visit) AS q;

-- Midnight is another one in Berlin: there the visit belongs to the next day.
SELECT utc.cohort AS utc, berlin.cohort AS berlin
FROM (SELECT retention_agg(ts, 1, '1 day') AS a, retention_agg(ts AT TIME ZONE 'Europe/Berlin', 1, '1 day') AS b FROM (VALUES ('2026-03-01 23:30Z'::timestamptz)) AS v(ts)) AS q,
     LATERAL cohorts(a) AS utc, LATERAL cohorts(b) AS berlin;

-- NULL is skipped, no rows give NULL.
SELECT num_actors(retention_agg(ts, actor, '1 day')) FROM (VALUES ('2026-03-01'::timestamptz, 7), (NULL, 8), ('2026-03-01', NULL)) AS v(ts, actor);
SELECT retention_agg(ts, visitor, '1 day') IS NULL AS of_nothing FROM visit WHERE false;
SELECT count(*) AS cohorts_of_null FROM cohorts(NULL);

-- Parallel: two workers and a leader give what one process gives, to the last bit.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT grp, retention_agg(ts, visitor, '1 week') AS s FROM visit GROUP BY grp;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE visit SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT retention_agg(ts, visitor, '1 week') FROM visit;
CREATE TABLE parallel AS SELECT grp, retention_agg(ts, visitor, '1 week') AS s FROM visit GROUP BY grp;
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal
FROM serial AS a JOIN parallel AS b USING (grp);
SET max_parallel_workers_per_gather = 0;

-- Rollup puts the visits of each visitor together; FILTER, grouping sets, windows.
SELECT r::text = w::text AS equal FROM (SELECT rollup(s) AS r FROM serial) AS a, (SELECT retention_agg(ts, visitor, '1 week') AS w FROM visit) AS b;
SELECT rollup(s) IS NULL AS of_nothing FROM serial WHERE false;
SELECT num_actors(retention_agg(ts, visitor, '1 week') FILTER (WHERE visitor < 10)) AS filtered FROM visit;
SELECT visitor % 2 AS odd, num_actors(retention_agg(ts, visitor, '1 week')) FROM visit GROUP BY GROUPING SETS ((visitor % 2), ()) ORDER BY 1;
SELECT bool_and(num_actors(r) BETWEEN 1 AND 4) AS windows
FROM (SELECT retention_agg(ts, visitor, '1 week') OVER (ORDER BY ts, visitor ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS r FROM visit WHERE visitor < 10) AS q;

-- Stored states: text that reads back, binary COPY.
SELECT bool_and(s::text::retentionagg::text = s::text) AS text_reads_back FROM serial;
CREATE TABLE copied (LIKE serial);
\copy serial TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_retention.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_retention.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_retention.bin"
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal FROM serial AS a JOIN copied AS b USING (grp);

-- Which process finds the first wrong row must not matter to the messages below.
SET max_parallel_workers_per_gather = 0;
-- What is refused, and how.
SELECT retention_agg(ts, visitor, '0') FROM visit;
\echo :LAST_ERROR_SQLSTATE
SELECT retention_agg(ts, visitor, '1 month 1 day') FROM visit;
SELECT retention_agg(ts, visitor, NULL) FROM visit;
\echo :LAST_ERROR_SQLSTATE
SELECT retention_agg('infinity'::timestamptz, visitor, '1 day') FROM visit;
SELECT retention_agg(ts, visitor, grp * interval '1 day') FROM visit WHERE grp > 0;
SELECT rollup(r) FROM (SELECT retention_agg(ts, visitor, grp * interval '1 day') AS r FROM visit WHERE grp > 0 GROUP BY grp) AS q;
\echo :LAST_ERROR_SQLSTATE
SELECT '\x00'::retentionagg;
\echo :LAST_ERROR_SQLSTATE
COPY copied (s) FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\2\\7\\1"' (FORMAT binary);
\echo :LAST_ERROR_SQLSTATE

DROP FUNCTION plain;
DROP TABLE visit, serial, parallel, copied;
