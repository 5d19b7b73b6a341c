-- histogram_percentile and histogram_sketch: percentiles of a histogram that something else has counted. What is shown: values
-- are interpolated within their bucket; the first and the last bucket end where is known; sketches merge with those of
-- percentile_agg; what is no histogram is refused.
SET search_path = kpi, public;

-- Latencies as OpenTelemetry exports them: 10 up to 0.1, 20 up to 0.2, 10 up to 0.5, none above.
SELECT p, round(histogram_percentile(p, '{0.1,0.2,0.5}', '{10,20,10,0}')::numeric, 6) AS percentile
FROM unnest('{0,0.125,0.25,0.5,0.75,1}'::float8[]) AS p ORDER BY p;

-- Above the last bound there is no more to know than that bound, unless the largest value is given.
SELECT histogram_percentile(0.75, '{1,2}', '{4,0,4}') AS at_bound, histogram_percentile(0.75, '{1,2}', '{4,0,4}', min => -1, max => 6) AS up_to_max,
       histogram_percentile(0, '{1,2}', '{4,0,4}', min => -1) AS from_min;

-- No values, no histogram.
SELECT histogram_percentile(0.5, '{1}', '{0,0}') AS of_none, histogram_percentile(NULL, '{1}', '{1,0}') AS p, histogram_percentile(0.5, NULL, '{1,0}') AS bounds,
       histogram_sketch('{1}', NULL) AS counts, num_vals(histogram_sketch('{1}', '{0,0}')) AS empty_sketch;

-- A sketch of the same, within a thousandth where both neighbouring values are in one bucket; two minutes merge with one that was
-- aggregated here.
SELECT p, abs(approx_percentile(p, s) - histogram_percentile(p, '{0.1,0.2,0.5}', '{10,20,10,0}')) <= 0.001 * histogram_percentile(p, '{0.1,0.2,0.5}', '{10,20,10,0}') AS near
FROM (SELECT histogram_sketch('{0.1,0.2,0.5}', '{10,20,10,0}') AS s) AS q, unnest('{0,0.1,0.2,0.5,0.9,1}'::float8[]) AS p ORDER BY p;
SELECT num_vals(rollup(s)) AS n, round(max_val(rollup(s))::numeric, 1) AS most
FROM (SELECT histogram_sketch(bounds, counts) AS s FROM (VALUES ('{1,2}'::float8[], '{3,4,0}'::bigint[]), ('{10}', '{5,0}')) AS minutes(bounds, counts)
      UNION ALL SELECT percentile_agg(x) FROM generate_series(1, 100) AS x) AS q;

-- What is refused, and how.
SELECT histogram_percentile(0.5, '{1,1}', '{1,1,1}');
\echo :LAST_ERROR_SQLSTATE
SELECT histogram_percentile(0.5, '{1,2}', '{1,1}');
SELECT histogram_percentile(0.5, '{1,inf}', '{1,1,1}');
SELECT histogram_percentile(0.5, '{1}', '{1,-1}');
SELECT histogram_percentile(0.5, '{1}', '{1,1}', min => 2);
SELECT histogram_percentile(0.5, '{1,null}', '{1,1,1}');
\echo :LAST_ERROR_SQLSTATE
SELECT histogram_percentile(50, '{1}', '{1,1}');
\echo :LAST_ERROR_SQLSTATE
