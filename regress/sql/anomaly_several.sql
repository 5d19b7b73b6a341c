--
-- Requests, errors and orders of a shop by day: each may look as usual while they do not fit each other. kpi.anomalies of
-- several KPIs finds such days, and names the KPIs that drive them.
--
CREATE TABLE visit (at timestamptz NOT NULL, requests int, errors int, orders int);
INSERT INTO visit
SELECT '2026-01-05 12:00Z'::timestamptz + d * interval '1 day', r, r / 50 + d * d % 5, r / 20 + d * 3 % 4 - CASE d WHEN 100 THEN 30 ELSE 0 END
FROM (SELECT d, 1000 + 200 * (d % 7 IN (5, 6))::int + (60 * sin(d * 1.3) + 60 * cos(d * 0.7))::int AS r FROM generate_series(0, 139) d) x;
UPDATE visit SET errors = errors + 40 WHERE at = '2026-03-06 12:00Z';
SELECT kpi.create_source('visits', 'visit', 'at');
SELECT kpi.create_kpi('requests', 'visits', 'sum(requests)'), kpi.create_kpi('errors', 'visits', 'sum(errors)'),
       kpi.create_kpi('orders', 'visits', 'sum(orders)');

SELECT ts::date AS day, values, drivers, score > 0.999 AS rare
FROM kpi.anomalies(ARRAY['requests', 'errors', 'orders']) a WHERE a.is_anomaly ORDER BY score DESC, ts LIMIT 2;
SELECT count(*) AS days, count(score) AS scored, count(drivers) = count(*) FILTER (WHERE is_anomaly) AS named,
       count(reason) = count(*) FILTER (WHERE is_anomaly) AS explained
FROM kpi.anomalies(ARRAY['requests', 'errors', 'orders']);

-- Of series it is the same; without names they are numbered.
CREATE TEMP VIEW shop AS
SELECT ARRAY[kpi.series(at, requests), kpi.series(at, errors), kpi.series(at, orders)] AS s FROM visit;
SELECT a.ts::date AS day, a.drivers[1] AS driver FROM shop, kpi.anomalies(s) a WHERE a.is_anomaly ORDER BY a.score DESC, a.ts LIMIT 2;
SELECT a.ts::date AS day, a.drivers[1] AS driver FROM shop, kpi.anomalies(s, '{a,b,c}', 'mahalanobis', 0.01) a
WHERE a.is_anomaly ORDER BY a.score DESC, a.ts LIMIT 2;
SELECT bool_and(a.score BETWEEN 0 AND 1) AS within FROM shop, kpi.anomalies(s, method => 'isolation_forest') a;

-- Series of different times: a moment has those that there are.
SELECT a.ts, a.values, a.score IS NOT NULL AS scored
FROM kpi.anomalies(ARRAY['[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 2], ["2026-01-03T00:00:00Z", 1]]',
                         '[["2026-01-02T00:00:00Z", 5], ["2026-01-03T00:00:00Z", null], ["2026-01-04T00:00:00Z", 6]]']::kpi.series[]) a;
SELECT count(*) AS none FROM kpi.anomalies(NULL::kpi.series[]);

-- What is refused.
SET max_parallel_workers_per_gather = 0;
\set SHOW_CONTEXT never
SELECT kpi.anomalies(s, '{a,b}') FROM shop;
SELECT kpi.anomalies(s, method => 'zscore') FROM shop;
SELECT kpi.anomalies(s, threshold => 2) FROM shop;
SELECT kpi.anomalies(ARRAY[s[1], NULL]) FROM shop;
SELECT kpi.anomalies(ARRAY[s[1], s[1]], method => 'mahalanobis') FROM shop;
SELECT kpi.anomalies(ARRAY['requests', 'order']);
SELECT kpi.anomalies(ARRAY['requests', 'orders'], 'fortnight');
RESET max_parallel_workers_per_gather;
SELECT kpi.drop_source('visits', cascade => true);
DROP VIEW shop;
DROP TABLE visit;
