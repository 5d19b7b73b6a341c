-- time_weight: averages and integrals of values that hold until the next one (LOCF) or change along a line (Linear). What is
-- shown: both agree with plain SQL over the sorted rows; any order, overlap and split, workers, rollups and windows give what
-- one pass gives; units; buckets with interpolated ends add up to the whole; NULL, NaN, infinities, equal times, no rows and one
-- row; stored states are small and survive text and binary COPY; what cannot be put together is refused.
SET search_path = kpi, public;
SET timezone = 'UTC';

-- Two thousand values at irregular times, in no order.
CREATE TABLE measured AS
SELECT '2026-03-02 00:00Z'::timestamptz + i * interval '37 seconds' + (i * 31 % 17) * interval '1 second' AS at,
       (i * 104729 % 211)::float8 / 8 AS level, i % 4 AS part
FROM (SELECT n * 7919 % 2003 AS i FROM generate_series(1, 2000) AS n) AS q;

CREATE FUNCTION agrees(a float8, b float8) RETURNS boolean IMMUTABLE LANGUAGE sql AS
$$ SELECT a IS NOT DISTINCT FROM b OR abs(a - b) <= 1e-9 * abs(b) $$;

-- Against plain SQL over the sorted rows.
SELECT agrees(integral(locf), steps) AS locf, agrees(integral(linear), lines) AS linear,
       agrees(average(locf), steps / seconds) AS locf_average, agrees(average(linear), lines / seconds) AS linear_average,
       agrees(integral(locf, 'hours'), steps / 3600) AS hours, agrees(integral(linear, unit => 'ms'), lines * 1000) AS ms,
       agrees(integral(linear, 'Day'), lines / 86400) AS days, first_time(locf) = first AND last_time(linear) = last AS times
FROM (SELECT time_weight('LOCF', at, level) AS locf, time_weight('linear', at, level) AS linear FROM measured) AS q,
     (SELECT pg_catalog.sum(before * gap) AS steps, pg_catalog.sum((before + level) / 2 * gap) AS lines, pg_catalog.sum(gap) AS seconds,
             min(at) AS first, max(at) AS last
      FROM (SELECT at, level, lag(level) OVER w AS before, extract(epoch FROM at - lag(at) OVER w)::float8 AS gap
            FROM measured WINDOW w AS (ORDER BY at)) AS steps) AS plain;

-- What is stored when it changes, and what is sampled: 150 minutes of 100, 10 of 300 and 15 of 1000.
CREATE TABLE storage(at timestamptz, mb float8);
INSERT INTO storage VALUES ('2026-03-02 00:00Z', 0), ('2026-03-02 03:25Z', 817), ('2026-03-02 03:00Z', 300), ('2026-03-02 03:10Z', 1000),
    ('2026-03-02 00:30Z', 100);
SELECT integral(s, 'minutes') AS mb_minutes, round(average(s)::numeric, 6) AS average, first_val(s), last_val(s)
FROM (SELECT time_weight('LOCF', at, mb) AS s FROM storage) AS q;

-- Any order of rows, and workers that each see rows from all over.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT time_weight('LOCF', at, level ORDER BY at) AS locf, time_weight('Linear', at, level ORDER BY at) AS linear FROM measured;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE measured SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT time_weight('LOCF', at, level) FROM measured;
CREATE TABLE parallel AS SELECT time_weight('LOCF', at, level) AS locf, time_weight('Linear', at, level) AS linear FROM measured;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE hourly AS
SELECT date_trunc('hour', at) AS hour, time_weight('LOCF', at, level) AS locf, time_weight('Linear', at, level) AS linear FROM measured GROUP BY 1;
SELECT name, agrees(integral(a.locf), integral(b.locf)) AS locf, agrees(integral(a.linear), integral(b.linear)) AS linear,
       (first_time(a.locf), first_val(a.locf), last_time(a.locf), last_val(a.locf))
           = (first_time(b.locf), first_val(b.locf), last_time(b.locf), last_val(b.locf)) AS ends
FROM (SELECT 'parallel' AS name, locf, linear FROM parallel
      UNION ALL SELECT 'backwards', time_weight('LOCF', at, level ORDER BY at DESC), time_weight('Linear', at, level ORDER BY at DESC) FROM measured
      UNION ALL SELECT 'twice', time_weight('LOCF', at, level), time_weight('Linear', at, level)
          FROM (SELECT * FROM measured UNION ALL SELECT * FROM measured) AS twice
      UNION ALL SELECT 'rollup', rollup(locf ORDER BY hour), rollup(linear ORDER BY hour) FROM hourly
      UNION ALL SELECT 'rollup backwards', rollup(locf ORDER BY hour DESC), rollup(linear ORDER BY hour DESC) FROM hourly) AS a, serial AS b
ORDER BY name;
SELECT rollup(locf) IS NULL AS of_nothing FROM hourly WHERE false;

-- Buckets with interpolated ends: the integrals add up to that of the whole.
SELECT agrees(total, (SELECT integral(linear) FROM serial)) AS linear
FROM (SELECT pg_catalog.sum(integral) AS total
      FROM (SELECT interpolated_integral(linear, hour, '1 hour', lag(linear) OVER w, lead(linear) OVER w) AS integral
            FROM hourly WINDOW w AS (ORDER BY hour)) AS buckets) AS q;
CREATE TABLE sampled(at timestamptz, level float8);
INSERT INTO sampled VALUES ('2026-03-02 00:00:50Z', 0), ('2026-03-02 00:01:10Z', 20), ('2026-03-02 00:02:50Z', 120);
SELECT minute, interpolated_average(linear, minute, '1 minute', lag(linear) OVER w, lead(linear) OVER w) AS linear,
       interpolated_integral(linear, minute, '1 minute', lag(linear) OVER w, lead(linear) OVER w, 'seconds') AS integral,
       interpolated_average(linear, minute, '1 minute', lag(linear) OVER w) AS linear_without_next,
       interpolated_average(locf, minute, '1 minute', lag(locf) OVER w) AS locf,
       interpolated_average(locf, minute, '1 minute') AS locf_alone
FROM (SELECT date_trunc('minute', at) AS minute, time_weight('Linear', at, level) AS linear, time_weight('LOCF', at, level) AS locf
      FROM sampled GROUP BY 1) AS q
WINDOW w AS (ORDER BY minute) ORDER BY minute;

-- FILTER, grouping sets, windows.
SELECT first_val(time_weight('LOCF', at, level) FILTER (WHERE part = 0)) = (SELECT level FROM measured WHERE part = 0 ORDER BY at LIMIT 1) AS filtered,
       time_weight('LOCF', at, level) FILTER (WHERE false) IS NULL AS none FROM measured;
SELECT part, average(time_weight('LOCF', at, level)) BETWEEN 12 AND 14 AS near_the_mean FROM measured
GROUP BY GROUPING SETS ((part), ()) ORDER BY 1;
SELECT count(*) AS frames, bool_and(integral(s) IS NOT DISTINCT FROM before * gap) AS equal
FROM (SELECT time_weight('LOCF', at, level) OVER (ORDER BY at ROWS 1 PRECEDING) AS s, lag(level) OVER (ORDER BY at) AS before,
             extract(epoch FROM at - lag(at) OVER (ORDER BY at))::float8 AS gap FROM measured) AS q
WHERE before IS NOT NULL;

-- Special values.
CREATE TABLE special(name text, levels float8[]);
INSERT INTO special VALUES ('none', '{}'), ('only null', '{null,null}'), ('one', '{5}'), ('two', '{5,7}'), ('equal', '{3,3,3}'),
    ('nan within', '{1,nan,2}'), ('nan at the end', '{1,2,nan}'), ('infinity', '{1,inf,2}'), ('infinities', '{-inf,inf,2}');
SELECT name, average(locf) AS locf, average(linear) AS linear, integral(locf) AS integral, first_val(locf), last_val(locf), last_time(locf)
FROM special, LATERAL (SELECT time_weight('LOCF', '2026-03-02'::timestamptz + i * interval '1 second', x) AS locf,
                              time_weight('Linear', '2026-03-02'::timestamptz + i * interval '1 second', x) AS linear
                       FROM unnest(levels) WITH ORDINALITY AS t(x, i)) AS q;
SELECT average(s), last_val(s) AS greatest_of_one_time FROM (SELECT time_weight('LOCF', '2026-03-02', x) AS s FROM (VALUES (2), (7), (4)) AS t(x)) AS q;

-- Stored states: size, text that reads back, binary COPY.
SELECT octet_length(timeweight_send(locf)) <= 85 AS small FROM serial;
CREATE TABLE copied (LIKE hourly);
\copy hourly TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_time_weight.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_time_weight.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_time_weight.bin"
SELECT bool_and(a.locf::text = b.locf::text AND a.linear::text::timeweight::text = b.linear::text) AS equal FROM hourly AS a JOIN copied AS b USING (hour);

-- What is refused, and how.
SELECT integral(rollup(s)) FROM (SELECT time_weight('LOCF', at, level) AS s FROM measured GROUP BY part) AS parts;
\echo :LAST_ERROR_SQLSTATE
SELECT rollup(s) FROM (SELECT locf AS s FROM serial UNION ALL SELECT linear FROM serial) AS both_methods;
\echo :LAST_ERROR_SQLSTATE
SELECT time_weight(CASE part WHEN 0 THEN 'LOCF' ELSE 'Linear' END, at, level) FROM measured;
SELECT time_weight('nearest', at, level) FROM measured;
\echo :LAST_ERROR_SQLSTATE
SELECT time_weight(NULL, at, level) FROM measured;
\echo :LAST_ERROR_SQLSTATE
SELECT time_weight('LOCF', 'infinity', 1);
SELECT integral(locf, 'month') FROM serial;
SELECT interpolated_average(locf, '2026-03-02', '0 hours') FROM serial;
SELECT interpolated_average(locf, '2026-03-02', '1 hour', locf) FROM serial;
SELECT interpolated_average(locf, '2026-03-02', '1 hour', linear) FROM serial;
SELECT '\x'::timeweight;
\echo :LAST_ERROR_SQLSTATE

DROP TABLE measured, storage, serial, parallel, hourly, sampled, special, copied;
DROP FUNCTION agrees;
