-- forecast_error_agg: how far forecasts were off. What is shown: each measure agrees with its formula in plain SQL; actual values
-- of zero, NULL, NaN, infinities and no rows have defined answers; workers, rollups, grouping sets, filters and windows
-- give what one pass gives; stored states survive text and binary COPY, and altered ones are refused.
SET search_path = kpi, public;

CREATE TABLE forecasted AS
SELECT i % 10 AS grp, i AS id, CASE WHEN i % 17 <> 0 THEN (i * 7919 % 101)::float8 END AS actual,
       (i * 104729 % 97)::float8 AS forecast
FROM generate_series(1, 1000) AS i;

-- Equal up to 1e-12, relative; NULL and NaN are equal to themselves.
CREATE FUNCTION agrees(a float8, b float8) RETURNS boolean IMMUTABLE LANGUAGE sql AS
$$ SELECT a IS NOT DISTINCT FROM b OR abs(a - b) <= 1e-12 * abs(b) $$;

SELECT num_vals(s) = n AS num_vals, num_zeros(s) = zeros AS num_zeros, agrees(bias(s), b) AS bias, agrees(mae(s), a) AS mae,
       agrees(rmse(s), r) AS rmse, agrees(mape(s), p) AS mape, agrees(smape(s), sp) AS smape, agrees(wape(s), w) AS wape,
       agrees(tracking_signal(s), t) AS tracking_signal, agrees(mase(s, 20), a / 20) AS mase
FROM (SELECT forecast_error_agg(actual, forecast) AS s, count(actual) AS n, count(*) FILTER (WHERE actual = 0) AS zeros,
             avg(actual - forecast) AS b, avg(abs(actual - forecast)) AS a, sqrt(avg((actual - forecast) ^ 2)) AS r,
             avg(abs((actual - forecast) / nullif(actual, 0))) AS p,
             avg(CASE WHEN actual = forecast THEN 0
                      ELSE 2 * abs(actual - forecast) / (abs(actual) + abs(forecast)) END) FILTER (WHERE actual IS NOT NULL) AS sp,
             pg_catalog.sum(abs(actual - forecast)) / pg_catalog.sum(abs(actual)) AS w,
             pg_catalog.sum(actual - forecast) / avg(abs(actual - forecast)) AS t FROM forecasted) AS q;

-- By hand.
SELECT bias(s), mae(s), round(rmse(s)::numeric, 4) AS rmse, round(mape(s)::numeric, 4) AS mape, wape(s),
       round(tracking_signal(s)::numeric, 4) AS tracking_signal, mase(s, scale => 35)
FROM (SELECT forecast_error_agg(actual, forecast) AS s FROM (VALUES (100, 110), (200, 190), (300, 330), (400, 380)) AS v(actual, forecast)) AS q;

-- No rows, only NULL, only zeros, exact forecasts, NaN and infinities.
SELECT name, num_vals(s) AS n, bias(s), mae(s), rmse(s), mape(s), smape(s), wape(s), tracking_signal(s)
FROM (VALUES ('none', '{}'::float8[], '{}'::float8[]), ('only null', '{1,null}', '{null,1}'), ('zeros', '{0,0}', '{0,5}'),
             ('exact', '{1,2}', '{1,2}'), ('nan', '{1,nan}', '{1,1}'), ('infinity', '{inf,1}', '{1,1}')) AS v(name, a, b),
     LATERAL (SELECT forecast_error_agg(x, y) AS s FROM unnest(a, b) AS pair(x, y)) AS q;

-- Parallel: two workers and a leader give what one process gives.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT grp, forecast_error_agg(actual, forecast) AS s FROM forecasted GROUP BY grp;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE forecasted SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT forecast_error_agg(actual, forecast) FROM forecasted;
CREATE TABLE parallel AS SELECT grp, forecast_error_agg(actual, forecast) AS s FROM forecasted GROUP BY grp;
SELECT count(*) AS groups, bool_and(num_vals(a.s) = num_vals(b.s) AND agrees(mae(a.s), mae(b.s)) AND agrees(rmse(a.s), rmse(b.s)) AND agrees(mape(a.s), mape(b.s))) AS equal
FROM serial AS a JOIN parallel AS b USING (grp);
SET max_parallel_workers_per_gather = 0;

-- Rollup, FILTER, grouping sets, windows.
SELECT num_vals(r) = num_vals(w) AS n, agrees(rmse(r), rmse(w)) AS rmse, agrees(wape(r), wape(w)) AS wape
FROM (SELECT rollup(s) AS r FROM serial) AS a, (SELECT forecast_error_agg(actual, forecast) AS w FROM forecasted) AS b;
SELECT rollup(s) IS NULL AS of_nothing FROM serial WHERE false;
SELECT num_vals(forecast_error_agg(actual, forecast) FILTER (WHERE grp < 3)) AS filtered FROM forecasted;
SELECT grp % 2 AS odd, grp, round(mae(forecast_error_agg(actual, forecast))::numeric, 6) AS mae
FROM forecasted WHERE grp < 4 GROUP BY GROUPING SETS ((grp % 2, grp), (grp % 2), ()) ORDER BY 1, 2;
SELECT count(*) AS frames, bool_and(agrees(mae(s), a)) AS equal
FROM (SELECT forecast_error_agg(actual, forecast) OVER w AS s, avg(abs(actual - forecast)) OVER w AS a
      FROM forecasted WINDOW w AS (ORDER BY id ROWS BETWEEN 5 PRECEDING AND 5 FOLLOWING)) AS q;

SELECT forecast_error_agg(4, 2);
-- Stored states: text that reads back, binary COPY.
SELECT bool_and(s::text::forecasterror::text = s::text) AS text_reads_back FROM serial;
CREATE TABLE copied (LIKE serial);
\copy serial TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_forecasterror.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_forecasterror.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_forecasterror.bin"
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal FROM serial AS a JOIN copied AS b USING (grp);

-- Which process finds the first wrong row must not matter to the messages below.
SET max_parallel_workers_per_gather = 0;
-- What is refused, and how.
SELECT mase(forecast_error_agg(4, 2), 0);
\echo :LAST_ERROR_SQLSTATE
SELECT '{"n": 1, "nonzero": 2}'::forecasterror;
\echo :LAST_ERROR_SQLSTATE
COPY copied (s) FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\2\\7\\1"' (FORMAT binary);
\echo :LAST_ERROR_SQLSTATE

DROP TABLE forecasted, serial, parallel, copied;
DROP FUNCTION agrees;
