-- counter_agg: how much a counter rose, and how fast, with its resets made good. What is shown: it agrees with plain SQL over the
-- sorted rows; any order, overlap and split, workers, rollups and windows give what one pass gives; exact, extrapolated and
-- interpolated answers; NULL, NaN, infinities, equal times, no rows and one row; stored states are small and survive text and
-- binary COPY; what cannot be put together is refused.
SET search_path = kpi, public;
SET timezone = 'UTC';

-- Two thousand readings in no order of time, of a counter that is reset every 97 readings.
CREATE TABLE reading AS
SELECT '2026-03-02 00:00Z'::timestamptz + i * interval '1 minute' AS at, (i % 97 * 3 + i % 5 / 5)::float8 AS total, i % 4 AS part
FROM (SELECT n * 7919 % 2003 AS i FROM generate_series(1, 2000) AS n) AS q;

-- Equal up to 1e-9, relative; NULL and NaN are equal to themselves.
CREATE FUNCTION agrees(a float8, b float8) RETURNS boolean IMMUTABLE LANGUAGE sql AS
$$ SELECT a IS NOT DISTINCT FROM b OR abs(a - b) <= 1e-9 * greatest(abs(b), 1e-6) $$;

-- Against plain SQL over the sorted rows.
CREATE TABLE plain AS
WITH steps AS (
    SELECT at, total, lag(total) OVER (ORDER BY at) AS before FROM reading
), risen AS (
    SELECT *, pg_catalog.sum(CASE WHEN total < before THEN total ELSE coalesce(total - before, total) END) OVER (ORDER BY at) AS restored
    FROM steps
)
SELECT count(*) AS n, count(*) FILTER (WHERE total < before) AS resets, count(*) FILTER (WHERE total <> before) AS changes,
       max(restored) - min(restored) AS delta, extract(epoch FROM max(at) - min(at))::float8 AS seconds,
       regr_slope(restored, extract(epoch FROM at - '2026-03-02 00:00Z')::float8) AS slope,
       pg_catalog.corr(restored, extract(epoch FROM at - '2026-03-02 00:00Z')::float8) AS corr,
       min(at) AS first_time, max(at) AS last_time
FROM risen;
SELECT num_elements(s) = n AS num_elements, num_resets(s) = resets AS num_resets, num_changes(s) = changes AS num_changes,
       agrees(delta(s), p.delta) AS delta, agrees(time_delta(s), seconds) AS time_delta, agrees(rate(s), p.delta / seconds) AS rate,
       agrees(slope(s), p.slope) AS slope, agrees(kpi.corr(s), p.corr) AS corr,
       first_time(s) = p.first_time AND last_time(s) = p.last_time AS times,
       abs(extract(epoch FROM counter_zero_time(s) - '2000-01-01 00:00Z')::float8 * slope(s) + intercept(s)) < 1e-3 AS zero_time
FROM (SELECT counter_agg(at, total) AS s FROM reading) AS q, plain AS p;

-- The rises between the two first and the two last readings; after a reset a counter rises from zero.
SELECT first_val(s), last_val(s), idelta_left(s), irate_left(s), idelta_right(s), irate_right(s), delta(s), num_resets(s)
FROM (SELECT counter_agg('2026-03-02'::timestamptz + second * interval '1 second', total) AS s
      FROM (VALUES (30, 2.0), (0, 1.0), (10, 6.0)) AS t(second, total)) AS q;

-- Any order of rows, and workers that each see rows from all over: the very results of one process over sorted rows.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT counter_agg(at, total ORDER BY at) AS s FROM reading;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE reading SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT counter_agg(at, total) FROM reading;
CREATE TABLE parallel AS SELECT counter_agg(at, total) AS s FROM reading;
SET max_parallel_workers_per_gather = 0;
CREATE VIEW in_other_orders AS
SELECT 'parallel' AS name, s FROM parallel
UNION ALL SELECT 'backwards', counter_agg(at, total ORDER BY at DESC) FROM reading
UNION ALL SELECT 'twice', counter_agg(at, total) FROM (SELECT * FROM reading UNION ALL SELECT * FROM reading) AS twice
UNION ALL SELECT 'rollup of hours', rollup(s ORDER BY hour)
    FROM (SELECT date_trunc('hour', at) AS hour, counter_agg(at, total) AS s FROM reading GROUP BY 1) AS hourly
UNION ALL SELECT 'rollup backwards', rollup(s ORDER BY hour DESC)
    FROM (SELECT date_trunc('hour', at) AS hour, counter_agg(at, total) AS s FROM reading GROUP BY 1) AS hourly
UNION ALL SELECT 'rollup of single readings', rollup(s)
    FROM (SELECT counter_agg(at, total) AS s FROM reading GROUP BY at) AS single;
SELECT name, num_elements(a.s) = num_elements(b.s) AS n, num_resets(a.s) = num_resets(b.s) AS resets,
       num_changes(a.s) = num_changes(b.s) AS changes, agrees(delta(a.s), delta(b.s)) AS delta,
       agrees(slope(a.s), slope(b.s)) AS slope, agrees(kpi.corr(a.s), kpi.corr(b.s)) AS corr,
       (idelta_left(a.s), irate_right(a.s)) = (idelta_left(b.s), irate_right(b.s)) AS instants
FROM in_other_orders AS a, serial AS b ORDER BY name;

-- A rollup of a rollup with a hole, which what is missing then fills.
WITH hourly AS (
    SELECT date_trunc('hour', at) AS hour, counter_agg(at, total) AS s FROM reading GROUP BY 1
), around AS (
    SELECT rollup(s) AS s FROM hourly WHERE NOT hour BETWEEN '2026-03-02 10:00Z' AND '2026-03-02 20:00Z'
), inside AS (
    SELECT rollup(s) AS s FROM hourly WHERE hour BETWEEN '2026-03-02 10:00Z' AND '2026-03-02 20:00Z'
)
SELECT agrees(delta(rollup(q.s)), (SELECT delta(s) FROM serial)) AS delta, num_elements(rollup(q.s)) AS n
FROM (SELECT * FROM around UNION ALL SELECT * FROM inside) AS q;

-- FILTER, grouping sets, windows.
SELECT num_elements(counter_agg(at, total) FILTER (WHERE part = 0)) AS part, num_elements(counter_agg(at, total) FILTER (WHERE false)) AS none,
       delta(counter_agg(at, total) FILTER (WHERE false)) AS delta_of_none FROM reading;
SELECT part, num_elements(counter_agg(at, total)) AS n FROM reading GROUP BY GROUPING SETS ((part), ()) ORDER BY 1;
SELECT count(*) AS frames, bool_and(num_elements(s) = n AND first_val(s) = first AND last_val(s) = total) AS equal
FROM (SELECT counter_agg(at, total) OVER w AS s, count(*) OVER w AS n, first_value(total) OVER w AS first, total
      FROM reading WINDOW w AS (ORDER BY at ROWS 5 PRECEDING)) AS q;

-- Three answers for a bucket: exact between its readings, extrapolated as Prometheus does, interpolated with its neighbours. The
-- interpolated ones add up to the delta of the whole.
CREATE TABLE request(at timestamptz, total float8);
INSERT INTO request VALUES ('2026-03-02 10:00Z', 10), ('2026-03-02 10:20Z', 25), ('2026-03-02 10:40Z', 5), ('2026-03-02 10:50Z', 30),
    ('2026-03-02 11:10Z', 50), ('2026-03-02 11:40Z', 80);
CREATE TABLE hourly AS SELECT date_trunc('hour', at) AS hour, counter_agg(at, total) AS s FROM request GROUP BY 1;
SELECT hour, delta(s), rate(s), extrapolated_delta(b, 'prometheus') AS extrapolated, extrapolated_rate(b) AS extrapolated_rate,
       interpolated_delta(s, hour, '1 hour', lag(s) OVER w, lead(s) OVER w) AS interpolated,
       interpolated_rate(s, hour, '1 hour', prev => lag(s) OVER w, next => lead(s) OVER w) * 60 AS per_minute,
       interpolated_delta(s, hour, '1 hour') AS alone
FROM (SELECT hour, s, with_bounds(s, tstzrange(hour, hour + interval '1 hour')) AS b FROM hourly) AS q
WINDOW w AS (ORDER BY hour) ORDER BY hour;
SELECT delta(rollup(s)) AS whole FROM hourly;
SELECT extrapolated_delta(counter_agg(at, total, tstzrange('2026-03-02 10:00Z', '2026-03-02 12:00Z'))) AS with_bounds FROM request;

-- Special values.
CREATE TABLE special(name text, totals float8[]);
INSERT INTO special VALUES ('none', '{}'), ('only null', '{null,null}'), ('one', '{5}'), ('two', '{5,7}'), ('equal', '{3,3,3}'),
    ('nan', '{1,nan,2}'), ('infinity', '{1,2,inf}'), ('negative', '{-5,-2}');
SELECT name, num_elements(s) AS n, num_changes(s) AS changes, num_resets(s) AS resets, delta(s), rate(s), idelta_left(s) AS idelta,
       time_delta(s), slope(s), kpi.corr(s), first_time(s), last_val(s)
FROM special, LATERAL (SELECT counter_agg('2026-03-02'::timestamptz + i * interval '1 second', total) AS s
                       FROM unnest(totals) WITH ORDINALITY AS t(total, i)) AS q;
SELECT num_elements(s), last_val(s) AS greatest_of_one_time, rate(s)
FROM (SELECT counter_agg('2026-03-02', total) AS s FROM (VALUES (2), (7), (4)) AS t(total)) AS q;
SELECT rollup(s) IS NULL AS of_nothing FROM serial WHERE false;
SELECT num_elements(rollup(s)) AS null_is_skipped FROM (VALUES (NULL::counteragg), ((SELECT counter_agg('2026-03-02', 1)))) AS v(s);
SELECT with_bounds(s, NULL) IS NULL AS no_bounds, interpolated_delta(s, NULL, '1 hour') AS no_start FROM serial;

-- Stored states: size, text that reads back, binary COPY.
SELECT octet_length(counteragg_send(s)) < 200 AS small FROM serial;
SELECT bool_and(s::text::counteragg::text = s::text) AS text_reads_back FROM hourly;
CREATE TABLE copied (LIKE hourly);
\copy hourly TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_counter.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_counter.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_counter.bin"
SELECT count(*) AS hours, bool_and(a.s::text = b.s::text) AS equal FROM hourly AS a JOIN copied AS b USING (hour);

-- What is refused, and how: states of the four interleaved parts are summaries that nobody can put together any more.
SELECT delta(rollup(s)) FROM (SELECT counter_agg(at, total) AS s FROM reading GROUP BY part) AS parts;
\echo :LAST_ERROR_SQLSTATE
SELECT counter_agg('infinity', 1);
\echo :LAST_ERROR_SQLSTATE
SELECT extrapolated_delta(s) FROM serial;
\echo :LAST_ERROR_SQLSTATE
SELECT extrapolated_delta(s, 'linear') FROM serial;
SELECT extrapolated_delta(with_bounds(s, tstzrange('2026-03-02 10:00Z', '2026-03-02 11:00Z'))) FROM serial;
SELECT with_bounds(s, tstzrange('2026-03-02', NULL)) FROM serial;
\echo :LAST_ERROR_SQLSTATE
SELECT with_bounds(s, 'empty') FROM serial;
SELECT interpolated_delta(s, '2026-03-02', '-1 hour') FROM serial;
SELECT interpolated_delta(s, '2026-03-02', '1 hour', s) FROM serial;
\echo :LAST_ERROR_SQLSTATE
SELECT '\x0102'::counteragg;
\echo :LAST_ERROR_SQLSTATE

DROP VIEW in_other_orders;
DROP TABLE reading, plain, serial, parallel, request, hourly, special, copied;
DROP FUNCTION agrees;
