-- state -> accessor(): the second way to read a two-step aggregate, for queries that were written so.
CREATE SCHEMA aggregates_arrow;
SET search_path = aggregates_arrow, kpi, public;
SET client_min_messages = warning;
CREATE TABLE reading (at timestamptz, device int, v float8);
INSERT INTO reading SELECT timestamptz '2026-03-01 00:00Z' + i * interval '1 minute', i % 3, i % 40 FROM generate_series(1, 300) i;

-- Both ways are the same plan.
EXPLAIN (COSTS off, VERBOSE) SELECT average(stats_agg(v)), stats_agg(v) -> average() FROM reading;
SELECT device, stats_agg(v) -> average() AS average, stats_agg(v) -> stddev() AS stddev, stats_agg(v) -> stddev('population') AS population,
       stats_agg(v) -> num_vals() AS n, percentile_agg(v) -> approx_percentile(0.5) = approx_percentile(0.5, percentile_agg(v)) AS same
FROM reading GROUP BY device ORDER BY device;

-- Accessors of one name read the states of several families.
SELECT counter_agg(at, v) -> delta() AS counter, gauge_agg(at, v) -> delta() AS gauge, counter_agg(at, v) -> num_resets() AS resets,
       time_weight('Linear', at, v) -> first_time() AS first_time, candlestick_agg(at, v, 1) -> vwap() AS vwap
FROM reading WHERE device = 0;

-- With arguments, left out or not; and with the states of the buckets beside.
WITH h AS (SELECT date_trunc('hour', at, 'UTC') AS hour, time_weight('LOCF', at, v) AS tw, counter_agg(at, v) AS c FROM reading WHERE device = 0 GROUP BY 1)
SELECT hour, tw -> integral('minute') AS integral,
       round((tw -> interpolated_average(hour, '1 hour', lag(tw) OVER w, lead(tw) OVER w))::numeric, 6) AS average,
       interpolated_average(tw, hour, '1 hour', lag(tw) OVER w, lead(tw) OVER w) = tw -> interpolated_average(hour, '1 hour', lag(tw) OVER w, lead(tw) OVER w) AS same,
       interpolated_delta(c, hour, '1 hour') IS NOT DISTINCT FROM c -> interpolated_delta(hour, '1 hour') AS alone
FROM h WINDOW w AS (ORDER BY hour) ORDER BY hour;

-- Rows: in FROM nothing changes, and .* makes columns of them.
SELECT (state_agg(at, (v / 20)::int::text) -> into_values()).* FROM reading ORDER BY 1;
SELECT min_n(v, 3) -> into_array() AS lowest FROM reading;

-- An accessor of another family, and one that knows no such argument.
SELECT stats_agg(v) -> vwap() FROM reading;
SELECT stats_agg(v) -> stddev('half') FROM reading;

-- Every accessor of a state has it, but for those that take a value of any type.
SELECT p.oid::regprocedure FROM pg_proc p
WHERE p.pronamespace = 'kpi'::regnamespace AND p.prokind = 'f' AND p.prorettype <> ALL ('{cstring,bytea}'::regtype[]) AND p.proname <> '_arrow'
  AND p.proargtypes::oid[]::regtype[] && (SELECT array_agg(DISTINCT a.prorettype)::regtype[] FROM pg_proc a WHERE a.pronamespace = 'kpi'::regnamespace AND a.prokind = 'a' AND a.proname = 'rollup')
  AND NOT p.proargtypes::oid[]::regtype[] && '{internal,anyelement,anyenum}'
  AND NOT EXISTS (SELECT FROM pg_operator o JOIN pg_type t ON t.oid = o.oprright WHERE o.oprname = '->' AND o.oprnamespace = 'kpi'::regnamespace
                  AND o.oprleft = ANY (p.proargtypes) AND t.typname ~ ('^accessor_' || p.proname || '(_\d+)?$'));

DROP SCHEMA aggregates_arrow CASCADE;
