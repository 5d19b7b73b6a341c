-- ratio_agg: ratios of sums. What is shown: a total is the ratio of the sums and never a mean of ratios; Wilson's interval and the
-- test against a target have their published values; NULL, NaN, infinities, no rows and a denominator of zero have defined
-- answers; workers, rollups, grouping sets, filters and windows give what one pass gives; stored states survive text and
-- binary COPY, and altered ones are refused.
SET search_path = kpi, public;

CREATE TABLE orders AS
SELECT i % 10 AS grp, CASE WHEN i % 17 <> 0 THEN (i * 7919 % 7 = 0)::int END::float8 AS late,
       CASE WHEN i % 13 <> 0 THEN 1 END::float8 AS all_orders, i AS id
FROM generate_series(1, 1000) AS i;

-- Equal up to 1e-12, relative; NULL and NaN are equal to themselves.
CREATE FUNCTION agrees(a float8, b float8) RETURNS boolean IMMUTABLE LANGUAGE sql AS
$$ SELECT a IS NOT DISTINCT FROM b OR abs(a - b) <= 1e-12 * abs(b) $$;

-- Against plain SQL over the pairs without NULL.
SELECT num_vals(r) = n AS num_vals, numerator(r) = late AS numerator, denominator(r) = total AS denominator,
       agrees(value(r), late / total) AS value
FROM (SELECT ratio_agg(late, all_orders) AS r, count(*) FILTER (WHERE late + all_orders IS NOT NULL) AS n,
             pg_catalog.sum(late) FILTER (WHERE all_orders IS NOT NULL) AS late,
             pg_catalog.sum(all_orders) FILTER (WHERE late IS NOT NULL) AS total FROM orders) AS q;

-- A small day with one half late and a large day with few: the total is 0.1, not the mean of the two days.
SELECT value(rollup(r)) AS total, avg(value(r)) AS mean_of_ratios
FROM (SELECT ratio_agg(late, total) AS r FROM (VALUES (1, 1, 2), (2, 9, 98)) AS v(day, late, total) GROUP BY day) AS daily;

-- Wilson's interval of 10 of 50, at 95 and at 99 percent; it stays within 0 and 1.
SELECT round(low::numeric, 6) AS low, round(high::numeric, 6) AS high
FROM (SELECT ratio_agg(10, 50) AS r) AS q, LATERAL wilson_interval(r);
SELECT round(low::numeric, 6) AS low, round(high::numeric, 6) AS high
FROM (SELECT ratio_agg(10, 50) AS r) AS q, LATERAL wilson_interval(r, level => 0.99);
SELECT none.low AS none_low, none.high > 0 AS none_high, every.low < 1 AS every_low, every.high AS every_high
FROM (SELECT ratio_agg(0, 20) AS r, ratio_agg(20, 20) AS s) AS q, LATERAL wilson_interval(r) AS none,
     LATERAL wilson_interval(s) AS every;

-- 920 of 1000 on time, against targets: missed, undecided, met. The verdict is that of the interval.
SELECT target, round(difference::numeric, 3) AS difference, round(z::numeric, 4) AS z, round(p_value::numeric, 8) AS p_value,
       verdict, CASE WHEN low > target THEN 'above' WHEN high < target THEN 'below' ELSE 'undecided' END = verdict AS as_interval
FROM (SELECT ratio_agg(920, 1000) AS r) AS q, (VALUES (0.95), (0.91), (0.85)) AS v(target),
     LATERAL target_test(r, target), LATERAL wilson_interval(r)
ORDER BY target;

-- No rows, only NULL, zero denominators, NaN and infinities: as the ratio of two sums.
SELECT name, num_vals(r) AS n, numerator(r), denominator(r), value(r)
FROM (VALUES ('none', '{}'::float8[], '{}'::float8[]), ('only null', '{1,null}', '{null,1}'), ('zero', '{1,1}', '{1,-1}'),
             ('nan', '{1,nan}', '{1,1}'), ('infinity', '{inf,1}', '{1,1}'), ('infinities', '{inf,-inf}', '{1,1}'),
             ('one', '{3}', '{4}')) AS v(name, a, b),
     LATERAL (SELECT ratio_agg(x, y) AS r FROM unnest(a, b) AS pair(x, y)) AS q;
SELECT wilson_interval(ratio_agg(1, 1) FILTER (WHERE false)) IS NULL AS interval_of_nothing,
       target_test(ratio_agg(1, 1) FILTER (WHERE false), 0.5) IS NULL AS test_of_nothing;

-- Parallel: two workers and a leader give what one process gives.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT grp, ratio_agg(late, all_orders) AS s FROM orders GROUP BY grp;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE orders SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT ratio_agg(late, all_orders) FROM orders;
CREATE TABLE parallel AS SELECT grp, ratio_agg(late, all_orders) AS s FROM orders GROUP BY grp;
SELECT count(*) AS groups, bool_and(num_vals(a.s) = num_vals(b.s) AND agrees(value(a.s), value(b.s))) AS equal
FROM serial AS a JOIN parallel AS b USING (grp);
SET max_parallel_workers_per_gather = 0;

-- Rollup: the states of ten groups are the state of all rows; NULL states are skipped, no state is NULL.
SELECT num_vals(r) = num_vals(w) AS n, agrees(value(r), value(w)) AS value
FROM (SELECT rollup(s) AS r FROM serial) AS a, (SELECT ratio_agg(late, all_orders) AS w FROM orders) AS b;
SELECT rollup(s) IS NULL AS of_nothing FROM serial WHERE false;
SELECT num_vals(rollup(s)) AS null_is_skipped FROM (VALUES (NULL::ratio), ((SELECT ratio_agg(1, 2)))) AS v(s);

-- FILTER, grouping sets, windows.
SELECT num_vals(ratio_agg(late, all_orders) FILTER (WHERE grp < 3)) AS filtered FROM orders;
SELECT grp % 2 AS odd, grp, num_vals(ratio_agg(late, all_orders)) AS n, round(value(ratio_agg(late, all_orders))::numeric, 6) AS value
FROM orders WHERE grp < 4 GROUP BY GROUPING SETS ((grp % 2, grp), (grp % 2), ()) ORDER BY 1, 2;
SELECT count(*) AS frames, bool_and(agrees(value(r), late / nullif(total, 0))) AS equal
FROM (SELECT ratio_agg(late, total) OVER w AS r, pg_catalog.sum(late) OVER w AS late, pg_catalog.sum(total) OVER w AS total
      FROM (SELECT id, late, all_orders AS total FROM orders WHERE late + all_orders IS NOT NULL) AS o
      WINDOW w AS (ORDER BY id ROWS BETWEEN 20 PRECEDING AND 20 FOLLOWING)) AS q;

SELECT ratio_agg(i, 2 * i) FROM generate_series(1, 3) AS i;
-- Stored states: text that reads back, binary COPY.
SELECT bool_and(s::text::ratio::text = s::text) AS text_reads_back FROM serial;
CREATE TABLE copied (LIKE serial);
\copy serial TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_ratio.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_ratio.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_ratio.bin"
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal FROM serial AS a JOIN copied AS b USING (grp);

-- Which process finds the first wrong row must not matter to the messages below.
SET max_parallel_workers_per_gather = 0;
-- What is refused, and how: a ratio that is no proportion, levels and targets outside 0 to 1, altered states.
SELECT wilson_interval(ratio_agg(3, 2));
\echo :LAST_ERROR_SQLSTATE
SELECT wilson_interval(ratio_agg(1, 2), 95);
SELECT target_test(ratio_agg(1, 2), 95);
SELECT '{"n": 1, "numerator": [1, 0]}'::ratio;
\echo :LAST_ERROR_SQLSTATE
COPY copied (s) FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\2\\7\\1"' (FORMAT binary);
\echo :LAST_ERROR_SQLSTATE

DROP TABLE orders, serial, parallel, copied;
DROP FUNCTION agrees;
