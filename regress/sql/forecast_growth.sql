--
-- What grows to a capacity: the trend of prophet as logistic curves, and seasons that grow with it.
--
CREATE TEMP TABLE members AS
SELECT '2024-01-01'::timestamptz + m * interval '1 month' AS month, 1000 / (1 + exp(-0.12 * (m - 30))) AS members
FROM generate_series(0, 47) m;

-- A line goes beyond the market, a logistic curve stays within.
SELECT growth, max(f.value) < 1050 AS within
FROM (SELECT kpi.series(month, members) AS s FROM members) x, (VALUES ('linear', NULL::jsonb), ('logistic', '{"growth": "logistic", "capacity": 1000}')) o (growth, options),
     kpi.forecast(s, 36, 'prophet', season => 1, options => o.options) f
GROUP BY growth ORDER BY growth;

-- From a floor that is not 0.
SELECT count(*) AS steps, max(f.value) < 2050 AS within
FROM (SELECT kpi.series(month, 1000 + members) AS s FROM members) x,
     kpi.forecast(s, 36, 'prophet', season => 1, options => '{"growth": "logistic", "capacity": 2000, "floor": 1000}') f;

-- Seasons as shares of the trend.
CREATE TEMP TABLE sales AS
SELECT '2020-01-01'::timestamptz + m * interval '1 month' AS month, (100 + 5 * m) * (1 + 0.4 * sin(m * pi() / 6)) AS sales FROM generate_series(0, 59) m;
SELECT mode, max(abs(f.value / ((100 + 5 * (59 + f.step)) * (1 + 0.4 * sin((59 + f.step) * pi() / 6))) - 1)) < 0.05 AS near
FROM (SELECT kpi.series(month, sales) AS s FROM sales) x, unnest('{additive,multiplicative}'::text[]) mode,
     kpi.forecast(s, 12, 'prophet', season => 12, options => jsonb_build_object('seasonality_mode', mode)) f
GROUP BY mode ORDER BY mode;

-- Mistakes teach.
SET max_parallel_workers_per_gather = 0;
\set SHOW_CONTEXT never
SELECT kpi.forecast(kpi.series(month, members), 3, 'prophet', options => '{"growth": "logistic"}') FROM members;
SELECT kpi.forecast(kpi.series(month, members), 3, 'prophet', options => '{"growth": "logistic", "capacity": 0}') FROM members;
SELECT kpi.forecast(kpi.series(month, members), 3, 'prophet', options => '{"growth": "fast"}') FROM members;
SELECT kpi.forecast(kpi.series(month, members), 3, 'prophet', options => '{"capacity": 1000}') FROM members;
SELECT kpi.forecast(kpi.series(month, members), 3, 'prophet', options => '{"seasonality_mode": true}') FROM members;
SELECT kpi.forecast(kpi.series(month, members), 3, 'prophet', options => '{"growth": "logistic", "capacity": 1000, "box_cox": 0}') FROM members;
SELECT kpi.forecast(kpi.series(month, members), 3, 'theta', options => '{"growth": "logistic", "capacity": 1000}') FROM members;
RESET max_parallel_workers_per_gather;

DROP TABLE members, sales;
