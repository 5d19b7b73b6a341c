-- heartbeat_agg: when a system was live, for a given time after each heartbeat. What is shown: live and dead ranges agree with
-- plain SQL over range types; any order, overlap and split, workers, rollups and windows give the very state of one pass; the
-- predecessor's heartbeats; NULL, no rows and infinite times; a day of a time zone; stored states survive text and binary COPY.
SET search_path = kpi, public;
SET timezone = 'UTC';

-- Live from 0 to 15, from 30 to 35 and from 58 minutes to the end of the hour.
CREATE TABLE ping(at timestamptz);
INSERT INTO ping SELECT '2026-03-02 10:00Z'::timestamptz + m * interval '1 minute' FROM unnest('{10,0,4,8,30,58}'::int[]) AS m;
CREATE TABLE hour AS SELECT heartbeat_agg(at, '2026-03-02 10:00Z', '1 hour', '5 minutes') AS h FROM ping;
SELECT uptime(h), downtime(h), num_live_ranges(h), num_gaps(h) FROM hour;
SELECT r.* FROM hour, live_ranges(h) AS r;
SELECT start, "end" FROM hour, dead_ranges(h);
SELECT m, live_at(h, '2026-03-02 10:00Z'::timestamptz + m * interval '1 minute') FROM hour, unnest('{-1,0,14,15,34,35,59,60}'::int[]) AS m;
SELECT live_at(h, 'infinity') AS at_infinity, live_at(h, NULL) AS at_null FROM hour;

-- Part of it; never more than there is.
SELECT uptime(trim_to(h, '2026-03-02 10:10Z', '22 minutes')) AS middle, uptime(trim_to(h, start => '2026-03-02 10:31Z')) AS since,
       uptime(trim_to(h, duration => '10 minutes')) AS first_minutes, downtime(trim_to(h, '2026-03-02 09:00Z', '3 hours')) AS all_of_it FROM hour;

-- The last heartbeats of an hour keep the system live in the next one.
CREATE TABLE two_hours AS
SELECT start, heartbeat_agg(at, start, '1 hour', '5 minutes') AS h
FROM (SELECT at, date_trunc('hour', at) AS start FROM (SELECT * FROM ping UNION ALL VALUES ('2026-03-02 11:20Z'::timestamptz)) AS p) AS q GROUP BY start;
SELECT start, uptime(h), downtime(h), interpolated_uptime(h, lag(h) OVER w), interpolated_downtime(h, lag(h) OVER w),
       uptime(interpolate(h, lag(h) OVER w)) AS interpolated FROM two_hours WINDOW w AS (ORDER BY start) ORDER BY start;
SELECT uptime(rollup(h)), downtime(rollup(h)), num_gaps(rollup(h)) FROM two_hours;

-- Ten thousand heartbeats in no order, against plain SQL: the union of the ranges within two days.
CREATE TABLE beat AS
SELECT '2026-03-01 23:50Z'::timestamptz + (n::bigint * 7919 % 10007) * interval '17.5 seconds' + (n * 31 % 13) * interval '3 minutes' AS at, n % 5 AS part
FROM generate_series(1, 10000) AS n WHERE n::bigint * 7919 % 10007 % 100 < 40;
SELECT uptime(h) = live AS uptime, downtime(h) = interval '48 hours' - live AS downtime, num_live_ranges(h) = ranges AS num_live_ranges,
       (SELECT range_agg(tstzrange(start, "end")) FROM live_ranges(h)) = covered AS live_ranges,
       (SELECT range_agg(tstzrange(start, "end")) FROM dead_ranges(h))
           = tstzmultirange(tstzrange('2026-03-02', '2026-03-04')) - covered AS dead_ranges
FROM (SELECT heartbeat_agg(at, '2026-03-02', '48 hours', '50 seconds') AS h FROM beat) AS q,
     (SELECT covered, (SELECT pg_catalog.sum(upper(r) - lower(r)) FROM unnest(covered) AS r) AS live,
             (SELECT count(*) FROM unnest(covered) AS r) AS ranges
      FROM (SELECT range_agg(tstzrange(at, at + interval '50 seconds')) * tstzmultirange(tstzrange('2026-03-02', '2026-03-04')) AS covered
            FROM beat) AS u) AS plain;

-- Parallel, in other orders, split into overlapping parts, rolled up from hours: the very same bytes.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT heartbeat_agg(at, '2026-03-02', '2 days', '50 seconds' ORDER BY at) AS h FROM beat;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE beat SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT heartbeat_agg(at, '2026-03-02', '2 days', '50 seconds') FROM beat;
CREATE TABLE parallel AS SELECT heartbeat_agg(at, '2026-03-02', '2 days', '50 seconds') AS h FROM beat;
SET max_parallel_workers_per_gather = 0;
SELECT name, a.h::text = b.h::text AS equal
FROM (SELECT 'parallel' AS name, h FROM parallel
      UNION ALL SELECT 'backwards', heartbeat_agg(at, '2026-03-02', '2 days', '50 seconds' ORDER BY at DESC) FROM beat
      UNION ALL SELECT 'parts', rollup(h) FROM (SELECT heartbeat_agg(at, '2026-03-02', '2 days', '50 seconds') AS h FROM beat GROUP BY part) AS parts
      UNION ALL SELECT 'with itself', rollup(h) FROM (SELECT h FROM serial UNION ALL SELECT h FROM serial) AS itself) AS a, serial AS b ORDER BY name;
SELECT uptime(rollup(d.h)) = uptime(s.h) AS rollup_of_days
FROM (SELECT heartbeat_agg(at, date_trunc('day', at), '1 day', '50 seconds') AS h FROM beat WHERE at >= '2026-03-02' AND at < '2026-03-04'
      GROUP BY date_trunc('day', at)) AS d,
     (SELECT heartbeat_agg(at, '2026-03-02', '2 days', '50 seconds') AS h FROM beat WHERE at >= '2026-03-02') AS s
GROUP BY uptime(s.h);

-- NULL and no rows; FILTER, grouping sets, windows.
SELECT heartbeat_agg(at, '2026-03-02', '1 day', '5 minutes') IS NULL AS none FROM ping WHERE false;
SELECT heartbeat_agg(NULL, '2026-03-02', '1 day', '5 minutes') IS NULL AS only_null,
       uptime(heartbeat_agg(at, '2026-03-02 10:00Z', '1 hour', '5 minutes') FILTER (WHERE at > '2026-03-02 10:20Z')) AS filtered FROM ping;
SELECT rollup(h) IS NULL AS of_nothing FROM hour WHERE false;
SELECT interpolate(h, NULL)::text = h::text AS without_predecessor, interpolated_uptime(h, NULL) FROM hour;
SELECT part, num_live_ranges(heartbeat_agg(at, '2026-03-02', '2 days', '2 days')) AS ranges FROM beat GROUP BY GROUPING SETS ((part), ()) ORDER BY 1;
SELECT at, uptime(heartbeat_agg(at, '2026-03-02 10:00Z', '1 hour', '5 minutes') OVER (ORDER BY at ROWS 1 PRECEDING)) FROM ping ORDER BY at;

-- A day is one of the session's time zone: on 29 March 2026 it has 23 hours in Berlin.
SET timezone = 'Europe/Berlin';
SELECT uptime(h) + downtime(h) AS day FROM (SELECT heartbeat_agg('2026-03-29 12:00', '2026-03-29', '1 day', '1 hour') AS h) AS q;
SET timezone = 'UTC';

-- Stored states: text that reads back, binary COPY.
CREATE TABLE copied (LIKE two_hours);
\copy two_hours TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_heartbeat.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_heartbeat.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_heartbeat.bin"
SELECT count(*) AS hours, bool_and(a.h::text = b.h::text AND a.h::text::heartbeatagg::text = b.h::text) AS equal
FROM two_hours AS a JOIN copied AS b USING (start);

-- What is refused, and how.
SELECT heartbeat_agg(at, date_trunc('minute', at), '1 hour', '5 minutes') FROM ping;
\echo :LAST_ERROR_SQLSTATE
SELECT heartbeat_agg(at, '2026-03-02', CASE WHEN at < '2026-03-02 10:05Z' THEN interval '1 hour' ELSE '2 hours' END, '5 minutes') FROM ping;
SELECT heartbeat_agg(at, '2026-03-02', '1 hour', CASE WHEN at < '2026-03-02 10:05Z' THEN interval '5 minutes' ELSE '90 seconds' END) FROM ping;
SELECT heartbeat_agg(at, '2026-03-02', '-1 hour', '5 minutes') FROM ping;
\echo :LAST_ERROR_SQLSTATE
SELECT heartbeat_agg(at, '2026-03-02', '1 hour', '0') FROM ping;
SELECT heartbeat_agg(at, '2026-03-02', '1 hour', '-5 minutes') FROM ping;
SELECT heartbeat_agg(at, '2026-03-02', '1 hour', '1 month') FROM ping;
SELECT heartbeat_agg(at, NULL, '1 hour', '5 minutes') FROM ping;
\echo :LAST_ERROR_SQLSTATE
SELECT heartbeat_agg(at, '2026-03-02', '1 hour', NULL) FROM ping;
SELECT heartbeat_agg('infinity', '2026-03-02', '1 hour', '5 minutes');
\echo :LAST_ERROR_SQLSTATE
SELECT heartbeat_agg('2026-03-02', 'infinity', '1 hour', '5 minutes');
SELECT trim_to(h, '2026-03-03', '1 hour') FROM hour;
SELECT trim_to(h, '2026-03-03') FROM hour;
SELECT trim_to(h, '2026-03-02 10:00Z', '-1 hour') FROM hour;
\echo :LAST_ERROR_SQLSTATE
SELECT '\x00'::heartbeatagg;
\echo :LAST_ERROR_SQLSTATE

DROP TABLE ping, hour, two_hours, beat, serial, parallel, copied;
