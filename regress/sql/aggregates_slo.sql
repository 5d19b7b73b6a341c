-- slo_agg: service level objectives. What is shown: indicator, error budget and burn rates agree with plain SQL; the alerts are
-- those of the SRE workbook; no rows, NULL and no events have defined answers; workers, rollups, grouping sets, filters
-- and windows give what one pass gives; stored states survive text and binary COPY; states of different objectives are refused.
SET search_path = kpi, public;
SET timezone = 'UTC';

-- Two days of minutes with 100 requests each; in the last hour two in a hundred fail, before that one in two thousand.
CREATE TABLE served AS
SELECT i % 10 AS grp, '2026-03-01 00:00Z'::timestamptz + i * interval '1 minute' AS ts, 100 AS total,
       CASE WHEN i >= 2820 THEN 98 WHEN i % 20 = 0 THEN 99 ELSE 100 END AS good
FROM generate_series(0, 2879) AS i;

SELECT objective(s), good_events(s) = good AS good, total_events(s) = total AS total, abs(sli(s) - good::float8 / total) < 1e-12 AS sli,
       abs(error_budget_left(s) - (1 - (total - good)::float8 / total / 0.001)) < 1e-9 AS budget, end_time(s), bucket_width(s)
FROM (SELECT slo_agg(ts, good, total, 0.999) AS s, pg_catalog.sum(good) AS good, pg_catalog.sum(total) AS total FROM served) AS q;

-- Burn rates of windows up to the end, and up to an hour before it.
SELECT lookback, round(burn_rate(s, lookback)::numeric, 6) AS burn_rate,
       round(burn_rate(s, lookback, until => '2026-03-02 23:00Z')::numeric, 6) AS an_hour_before,
       round(error_budget_left(s, lookback)::numeric, 6) AS budget_left
FROM (SELECT slo_agg(ts, good, total, 0.999) AS s FROM served) AS q,
     (VALUES (interval '5 minutes'), ('1 hour'), ('6 hours'), ('1 day')) AS v(lookback) ORDER BY lookback;

-- The first alert fires: 2% for an hour burn 20 times the budget. An hour before nothing does.
SELECT severity, long_window, short_window, threshold, round(long_burn_rate::numeric, 4) AS long_burn_rate,
       round(short_burn_rate::numeric, 4) AS short_burn_rate, firing
FROM (SELECT slo_agg(ts, good, total, 0.999) AS s FROM served) AS q, LATERAL alerts(s);
SELECT severity(s), severity(s, until => '2026-03-02 23:00Z') AS an_hour_before, severity(s, '2026-03-10') AS a_week_later
FROM (SELECT slo_agg(ts, good, total, 0.999) AS s FROM served) AS q;

-- No rows give NULL, since no row says the objective; rows with NULL are skipped; no events give an empty state.
SELECT slo_agg(ts, good, total, 0.999) IS NULL AS of_nothing FROM served WHERE false;
SELECT total_events(s), sli(s), burn_rate(s, '1 hour'), severity(s) FROM (SELECT slo_agg('2026-03-01', 0, 0, 0.999) AS s) AS q;
SELECT total_events(slo_agg(ts, good, total, 0.9)) FROM (VALUES ('2026-03-01'::timestamptz, 1, 2), (NULL, 1, 2), ('2026-03-01', NULL, 2)) AS v(ts, good, total);
SELECT count(*) AS alerts_of_null FROM alerts(NULL::slo);

-- Parallel: two workers and a leader give what one process gives, to the last bit.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT grp, slo_agg(ts, good, total, 0.999) AS s FROM served GROUP BY grp;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE served SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT slo_agg(ts, good, total, 0.999) FROM served;
CREATE TABLE parallel AS SELECT grp, slo_agg(ts, good, total, 0.999) AS s FROM served GROUP BY grp;
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal
FROM serial AS a JOIN parallel AS b USING (grp);
SET max_parallel_workers_per_gather = 0;

-- Rollup of ten groups that overlap in time, FILTER, grouping sets, windows.
SELECT r::text = w::text AS equal FROM (SELECT rollup(s) AS r FROM serial) AS a, (SELECT slo_agg(ts, good, total, 0.999) AS w FROM served) AS b;
SELECT rollup(s) IS NULL AS of_nothing FROM serial WHERE false;
SELECT total_events(slo_agg(ts, good, total, 0.999) FILTER (WHERE grp < 3)) AS filtered FROM served;
SELECT grp % 2 AS odd, grp, round(sli(slo_agg(ts, good, total, 0.999))::numeric, 6) AS sli
FROM served WHERE grp < 4 GROUP BY GROUPING SETS ((grp % 2, grp), (grp % 2), ()) ORDER BY 1, 2;
SELECT count(*) AS frames, bool_and(good_events(s) = n) AS equal
FROM (SELECT slo_agg(ts, good, total, 0.999) OVER w AS s, pg_catalog.sum(good) OVER w AS n FROM served WHERE ts < '2026-03-01 02:00Z'
      WINDOW w AS (ORDER BY ts ROWS BETWEEN 20 PRECEDING AND CURRENT ROW)) AS q;

-- Stored states: text that reads back, binary COPY.
SELECT bool_and(s::text::slo::text = s::text) AS text_reads_back FROM serial;
CREATE TABLE copied (LIKE serial);
\copy serial TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_slo.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_slo.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_slo.bin"
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal FROM serial AS a JOIN copied AS b USING (grp);

-- Which process finds the first wrong row must not matter to the messages below.
SET max_parallel_workers_per_gather = 0;
-- What is refused, and how.
SELECT slo_agg(ts, good, total, 1) FROM served;
\echo :LAST_ERROR_SQLSTATE
SELECT slo_agg(ts, total, good, 0.999) FROM served;
SELECT slo_agg('infinity', 1, 1, 0.999);
\echo :LAST_ERROR_SQLSTATE
SELECT slo_agg(ts, good, total, NULL) FROM served;
\echo :LAST_ERROR_SQLSTATE
SELECT slo_agg(ts, good, total, 0.5 + grp / 100.0) FROM served;
SELECT rollup(s) FROM (SELECT slo_agg(ts, good, total, 0.5 + grp / 100.0) AS s FROM served GROUP BY grp) AS q;
SELECT burn_rate(s, '1 month') FROM serial;
SELECT burn_rate(s, '-1 hour') FROM serial;
\echo :LAST_ERROR_SQLSTATE
SELECT '\x00'::slo;
\echo :LAST_ERROR_SQLSTATE
COPY copied (s) FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\2\\7\\1"' (FORMAT binary);
\echo :LAST_ERROR_SQLSTATE

DROP TABLE served, serial, parallel, copied;
