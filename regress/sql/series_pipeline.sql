-- Pipelines: a series goes through steps, as functions and as series -> step(). What is shown: map and filter with their
-- expressions, delta, fill_to, sort, arithmetic, statistics of the values; gaps, NaN, infinities and empty series; and how
-- an expression that cannot be read is refused, with the place.
SET search_path = kpi, public;

CREATE TABLE s AS SELECT timevector(ts, value) AS s, series(ts, value) AS same
FROM (VALUES ('2026-01-01Z'::timestamptz, 4.0::float8), ('2026-01-02Z', NULL), ('2026-01-04Z', -9), ('2026-01-05Z', 16)) AS v(ts, value);
SELECT s::text = same::text AS timevector_is_series FROM s;

-- Expressions.
SELECT map(s, '$value * 2 + 1') FROM s;
SELECT s -> map($$ ($time + '1 day 12:00'i, $value ^ 2) $$) FROM s;
SELECT s -> map($$ let $root = sqrt(abs($value)); let $sign = sign($value); $root * $sign $$) FROM s;
SELECT s -> map($$ ($time - '2026-01-01't) / '1 hour'i $$) FROM s;
SELECT filter(s, '$value > 0') FROM s;
SELECT s -> filter($$ $time >= '2026-01-02't and not $value < 0 $$) FROM s;
SELECT s -> filter($$ $time < '2026-01-04 01:00+02't || $value <> 16 $$) FROM s;

-- Steps: the same as functions and with an arrow.
SELECT delta(s), (s -> delta())::text = delta(s)::text AS arrow FROM s;
SELECT fill_to(s, '1 day', method), (s -> fill_to('1 day', method))::text = fill_to(s, '1 day', method)::text AS arrow
FROM s, unnest('{locf,linear,nearest}'::text[]) AS method;
SELECT (s -> sort())::text = s::text AS sort, (s -> materialize())::text = s::text AS materialize,
       (s -> lttb(2))::text = lttb(s, 2)::text AS lttb, (s -> gp_lttb(2))::text = gp_lttb(s, 2)::text AS gp_lttb,
       (s -> gp_lttb(2, '1 day'))::text = gp_lttb(s, 2, '1 day')::text AS gp_lttb_gap,
       (s -> asap_smooth(2))::text = asap_smooth(s, 2)::text AS asap_smooth FROM s;

-- Arithmetic, against PostgreSQL's, value by value.
CREATE FUNCTION same(s series, expected float8[]) RETURNS boolean LANGUAGE sql AS
$$ SELECT array_agg(value ORDER BY ts) IS NOT DISTINCT FROM expected FROM points(s) $$;
SELECT same(s -> add(2), array[4 + 2, NULL, -9 + 2, 16 + 2]) AS add, same(s -> sub(2), array[4 - 2, NULL, -9 - 2, 16 - 2]) AS sub,
       same(s -> mul(2), array[4 * 2, NULL, -9 * 2, 16 * 2]) AS mul, same(s -> div(2), array[4 / 2, NULL, -9 / 2.0, 16 / 2]) AS div,
       same(s -> mod(5), array[mod(4, 5), NULL, mod(-9, 5), mod(16, 5)]) AS mod, same(s -> power(2), array[4 ^ 2, NULL, (-9) ^ 2, 16 ^ 2]) AS power,
       same(s -> abs() -> logn(2) -> round(), array[2, NULL, 3, 4]) AS logn,
       same(arithmetic(s, 'MUL', -1), array[-4, NULL, 9, -16]) AS arithmetic FROM s;
SELECT same(h -> abs(), array[4.5, 2.5, 2.5]) AS abs, same(h -> ceil(), array[ceil(4.5), ceil(2.5), ceil(-2.5)]) AS ceil,
       same(h -> floor(), array[floor(4.5), floor(2.5), floor(-2.5)]) AS floor,
       same(h -> round(), array[round(4.5::float8), round(2.5::float8), round(-2.5::float8)]) AS round,
       same(h -> trunc(), array[trunc(4.5), trunc(2.5), trunc(-2.5)]) AS trunc, same(h -> sign(), array[1, 1, -1]) AS sign,
       same(h -> cbrt() -> power(3) -> mul(2) -> round(), array[9, 5, -5]) AS cbrt,
       same(h -> abs() -> sqrt(), array[sqrt(4.5::float8), sqrt(2.5::float8), sqrt(2.5::float8)]) AS sqrt,
       same(h -> abs() -> ln(), array[ln(4.5::float8), ln(2.5::float8), ln(2.5::float8)]) AS ln,
       same(series '[["2026-01-01T00:00:00Z", 1000]]' -> log10() -> round(), array[3]) AS log10
FROM (SELECT series '[["2026-01-01T00:00:00Z", 4.5], ["2026-01-02T00:00:00Z", 2.5], ["2026-01-03T00:00:00Z", -2.5]]' AS h) AS q;
-- The functions of the same names are what they were.
SELECT round('1.5'), power('2', '3'), abs('-1'), mod(7, 4), sqrt('4');

-- Statistics of the values, rows, and a longer pipeline.
SELECT num_vals(s), sum(s), average(s), stddev(stats_agg(s)), s -> num_vals() AS n, s -> sum() AS total, s -> average() AS mean,
       s -> stats_agg() -> stddev('population') AS spread FROM s;
SELECT "time", value FROM s, unnest(s -> delta() -> fill_to('12 hours', 'locf') -> mul(10)) ORDER BY 1;
SELECT (s -> unnest()).* FROM s;

-- NaN, infinities and nothing. Division by zero is that of doubles; conditions order NaN as SQL does.
SELECT map(odd, '$value / 0'), filter(odd, '$value > 1e300'), delta(odd), map(odd, '-$value')
FROM (SELECT series(ts, value) AS odd FROM (VALUES ('2026-01-01Z'::timestamptz, 'nan'::float8), ('2026-01-02Z', 'inf'), ('2026-01-03Z', 0)) AS v(ts, value)) AS q;
SELECT map(e, '$value'), filter(e, 'true'), delta(e), fill_to(e, '1 day', 'locf'), num_vals(e), sum(e) IS NULL AS no_sum, map(e, NULL) IS NULL AS no_lambda
FROM (SELECT '[]'::series AS e) AS q;

-- What is refused, and how.
SELECT map(s, '$value * ') FROM s;
\echo :LAST_ERROR_SQLSTATE
SELECT map(s, '$valu * 2') FROM s;
SELECT map(s, '$value + $time') FROM s;
SELECT map(s, '$value > 2') FROM s;
SELECT filter(s, '$value') FROM s;
SELECT map(s, 'squareroot($value)') FROM s;
SELECT map(s, $$ $time + '1 month'i $$) FROM s;
SELECT map(s, $$ ($time + 1e9 * '365 days'i, $value) $$) FROM s;
\echo :LAST_ERROR_SQLSTATE
SELECT map(s, repeat('(', 100000)) FROM s;
SELECT arithmetic(s, 'modulo', 2) FROM s;
\echo :LAST_ERROR_SQLSTATE
SELECT fill_to(s, '1 day', 'zero') FROM s;
\echo :LAST_ERROR_SQLSTATE
SELECT fill_to(s, '-1 day', 'locf') FROM s;
SELECT fill_to(s, '1 microsecond', 'locf') FROM s;
\echo :LAST_ERROR_SQLSTATE

DROP TABLE s;
DROP FUNCTION same;
