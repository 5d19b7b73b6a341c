-- gauge_agg: how a value that rises and falls has changed. What is shown: it agrees with plain SQL; workers, rollups and windows
-- give what one pass gives; a fall is a change and no reset; NULL, NaN, infinities, no rows and one row; stored states survive
-- text and binary COPY and do not pass for those of a counter.
SET search_path = kpi, public;
SET timezone = 'UTC';

CREATE TABLE level AS
SELECT '2026-03-02 00:00Z'::timestamptz + i * interval '10 seconds' AS at, 50 + i % 31 - (i % 7) * 2.5 AS litres, i % 10 AS tank
FROM (SELECT n * 7919 % 1009 AS i FROM generate_series(1, 1000) AS n) AS q;

CREATE FUNCTION agrees(a float8, b float8) RETURNS boolean IMMUTABLE LANGUAGE sql AS
$$ SELECT a IS NOT DISTINCT FROM b OR abs(a - b) <= 1e-9 * greatest(abs(b), 1e-3) $$;

-- Against plain SQL.
SELECT num_elements(s) = n AS num_elements, num_changes(s) = changes AS num_changes, agrees(delta(s), last - first) AS delta,
       agrees(rate(s), (last - first) / seconds) AS rate, agrees(time_delta(s), seconds) AS time_delta,
       agrees(slope(s), b) AS slope, agrees(kpi.corr(s), r) AS corr, agrees(first_val(s), first) AND agrees(last_val(s), last) AS ends,
       abs(extract(epoch FROM gauge_zero_time(s) - '2000-01-01 00:00Z')::float8 * slope(s) + intercept(s)) < 1e-3 AS zero_time
FROM (SELECT gauge_agg(at, litres) AS s FROM level) AS q,
     (SELECT count(*) AS n, count(*) FILTER (WHERE litres <> before) AS changes, (array_agg(litres ORDER BY at))[1]::float8 AS first,
             (array_agg(litres ORDER BY at DESC))[1]::float8 AS last, extract(epoch FROM max(at) - min(at))::float8 AS seconds,
             regr_slope(litres, extract(epoch FROM at - '2026-03-02 00:00Z')::float8) AS b,
             pg_catalog.corr(litres, extract(epoch FROM at - '2026-03-02 00:00Z')::float8) AS r
      FROM (SELECT *, lag(litres) OVER (ORDER BY at) AS before FROM level) AS steps) AS plain;

-- Parallel, and a rollup of minutes.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT gauge_agg(at, litres ORDER BY at) AS s FROM level;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE level SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT gauge_agg(at, litres) FROM level;
CREATE TABLE parallel AS SELECT gauge_agg(at, litres) AS s FROM level;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE minutely AS SELECT date_trunc('minute', at) AS minute, gauge_agg(at, litres) AS s FROM level GROUP BY 1;
SELECT name, num_elements(a.s) = num_elements(b.s) AS n, num_changes(a.s) = num_changes(b.s) AS changes,
       agrees(delta(a.s), delta(b.s)) AS delta, agrees(slope(a.s), slope(b.s)) AS slope,
       (idelta_left(a.s), idelta_right(a.s), irate_left(a.s), irate_right(a.s))
           = (idelta_left(b.s), idelta_right(b.s), irate_left(b.s), irate_right(b.s)) AS instants
FROM (SELECT 'parallel' AS name, s FROM parallel UNION ALL SELECT 'rollup', rollup(s) FROM minutely) AS a, serial AS b ORDER BY name;
SELECT rollup(s) IS NULL AS of_nothing FROM serial WHERE false;

-- FILTER, grouping sets, windows.
SELECT num_elements(gauge_agg(at, litres) FILTER (WHERE tank = 0)) AS filtered, num_elements(gauge_agg(at, litres) FILTER (WHERE false)) AS none
FROM level;
SELECT tank, num_elements(gauge_agg(at, litres)) AS n FROM level WHERE tank < 2 GROUP BY GROUPING SETS ((tank), ()) ORDER BY 1;
SELECT count(*) AS frames, bool_and(agrees(delta(s), (litres - first)::float8)) AS equal
FROM (SELECT gauge_agg(at, litres) OVER w AS s, first_value(litres) OVER w AS first, litres
      FROM level WINDOW w AS (ORDER BY at ROWS 5 PRECEDING)) AS q;

-- A bucket of a minute from 10 to 70: exact, extrapolated, interpolated.
CREATE TABLE sampled(at timestamptz, litres float8);
INSERT INTO sampled VALUES ('2026-03-02 09:59:50Z', 0), ('2026-03-02 10:00:10Z', 20), ('2026-03-02 10:00:40Z', 50), ('2026-03-02 10:01:10Z', 20);
SELECT minute, delta(s), extrapolated_delta(with_bounds(s, tstzrange(minute, minute + interval '1 minute'))) AS extrapolated,
       interpolated_delta(s, minute, '1 minute', lag(s) OVER w, lead(s) OVER w) AS interpolated,
       interpolated_rate(s, minute, '1 minute', lag(s) OVER w, lead(s) OVER w) AS interpolated_rate
FROM (SELECT date_trunc('minute', at) AS minute, gauge_agg(at, litres) AS s FROM sampled GROUP BY 1) AS q
WINDOW w AS (ORDER BY minute) ORDER BY minute;
SELECT extrapolated_rate(gauge_agg(at, litres, tstzrange('2026-03-02 09:59Z', '2026-03-02 10:02Z'))) AS with_bounds FROM sampled;

-- Special values.
CREATE TABLE special(name text, litres float8[]);
INSERT INTO special VALUES ('none', '{}'), ('only null', '{null,null}'), ('one', '{5}'), ('fall', '{7,5}'), ('equal', '{3,3,3}'),
    ('nan within', '{1,nan,2}'), ('nan at the end', '{1,2,nan}'), ('infinity', '{1,2,inf}');
SELECT name, num_elements(s) AS n, num_changes(s) AS changes, delta(s), rate(s), idelta_right(s) AS idelta, slope(s), kpi.corr(s)
FROM special, LATERAL (SELECT gauge_agg('2026-03-02'::timestamptz + i * interval '1 second', x) AS s
                       FROM unnest(litres) WITH ORDINALITY AS t(x, i)) AS q;

-- Stored states: size, text that reads back, binary COPY.
SELECT octet_length(gaugeagg_send(s)) < 200 AS small FROM serial;
CREATE TABLE copied (LIKE minutely);
\copy minutely TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_gauge.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_gauge.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_gauge.bin"
SELECT count(*) AS minutes, bool_and(a.s::text = b.s::text AND a.s::text::gaugeagg::text = b.s::text) AS equal
FROM minutely AS a JOIN copied AS b USING (minute);

-- What is refused, and how.
SELECT delta(rollup(s)) FROM (SELECT gauge_agg(at, litres) AS s FROM level GROUP BY tank) AS tanks;
\echo :LAST_ERROR_SQLSTATE
SELECT gauge_agg('-infinity', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT (counter_agg('2026-03-02', 1))::text::gaugeagg;
\echo :LAST_ERROR_SQLSTATE
SELECT num_resets(s) FROM serial;
\echo :LAST_ERROR_SQLSTATE

DROP TABLE level, serial, parallel, minutely, sampled, special, copied;
DROP FUNCTION agrees;
