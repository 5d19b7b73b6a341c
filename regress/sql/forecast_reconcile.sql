--
-- What the shops sell adds up to what the regions sell, and these to the total; forecasts that each are made for themselves do
-- not. Reconciled, they do.
--
CREATE TEMP TABLE sales AS
SELECT s.region, s.shop, '2022-01-01 00:00Z'::timestamptz + m * interval '1 month' AS ts,
       s.level + s.slope * m + 10 * sin(m * pi() / 6) + (m * 7919 + s.level * 13) % 101 / 10.0 AS amount
FROM (VALUES ('north', 'oslo', 120, 1.0), ('north', 'riga', 80, -0.5), ('south', 'rome', 150, 0.0), ('south', 'nice', 60, 2.0),
             ('south', 'faro', 40, 0.2)) AS s (region, shop, level, slope), generate_series(0, 47) AS m;
-- All nodes with ROLLUP: a path is the dimensions that are not summed over.
CREATE TEMP TABLE nodes AS
SELECT node, kpi.series(ts, amount) AS s
FROM (SELECT concat_ws('/', 'all', region, shop) AS node, ts, sum(amount) AS amount FROM sales GROUP BY ts, ROLLUP (region, shop)) AS summed
GROUP BY node;
CREATE TEMP TABLE hierarchy AS SELECT array_agg(node ORDER BY node) AS nodes, array_agg(s ORDER BY node) AS series FROM nodes;

SELECT r.node, r.ts::date, round(r.value::numeric, 1) AS value, round(r.base::numeric, 1) AS base, r.lower < r.value AND r.value < r.upper AS within
FROM hierarchy, kpi.reconcile(nodes, series, 2, model => 'theta') AS r
ORDER BY r.step, r.node;

-- By every method each parent is the sum of its children at each step, and a step of the base forecasts is that of kpi.forecast.
CREATE TEMP TABLE made AS
SELECT method, r.* FROM hierarchy, unnest('{mint_shrink,wls_var,wls_struct,ols,bottom_up,top_down}'::text[]) AS method,
       kpi.reconcile(nodes, series, 6, method, 'theta') AS r;
SELECT p.method, count(*) AS sums, max(abs(p.value - c.value)) < 1e-9 * max(p.value) AS adds_up
FROM made AS p
JOIN LATERAL (SELECT sum(c.value) AS value FROM made AS c
              WHERE c.method = p.method AND c.step = p.step AND regexp_replace(c.node, '/[^/]*$', '') = p.node AND c.node <> p.node) AS c ON c.value IS NOT NULL
GROUP BY p.method ORDER BY p.method;
SELECT count(*) AS compared, count(*) FILTER (WHERE m.base = f.value AND m.ts = f.ts) AS same
FROM made AS m JOIN nodes USING (node) JOIN LATERAL kpi.forecast(s, 6, 'theta') AS f USING (step) WHERE m.method = 'ols';
-- From the bottom the leaves stay, from the top the total.
SELECT method, bool_and(abs(value - base) < 1e-9 * base) AS same
FROM made WHERE (method, node) IN (('bottom_up', 'all/north/oslo'), ('bottom_up', 'all/south/faro'), ('top_down', 'all')) GROUP BY method ORDER BY method;

-- Sums need no series of their own.
SELECT count(*) AS rows, max(abs(a.value - b.value)) < 1e-6 AS same
FROM (SELECT r.* FROM (SELECT array_agg(node) AS n, array_agg(s) AS s FROM nodes WHERE node LIKE '%/%/%') AS x, kpi.reconcile(n, s, 3, model => 'theta') AS r) AS a
JOIN (SELECT r.* FROM hierarchy, kpi.reconcile(nodes, series, 3, model => 'theta') AS r) AS b USING (node, step);

-- Names and parents, of which the root is not given; and a name that has a slash.
SELECT r.node, r.value FROM kpi.reconcile('{a,b/c}', ARRAY['[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 2]]',
    '[["2026-01-01T00:00:00Z", 5], ["2026-01-02T00:00:00Z", 7]]']::kpi.series[], 1, 'bottom_up', 'naive', parents => '{all,all}') AS r;

-- Crossed sums: a star is all of a dimension.
WITH crossed AS (
    SELECT coalesce(region, '*') || '/' || coalesce(kind, '*') AS node, kpi.series(ts, amount) AS s
    FROM (SELECT region, shop > 'o' AS late, ts, sum(amount) AS amount, CASE WHEN GROUPING(shop > 'o') = 0 THEN CASE WHEN shop > 'o' THEN 'large' ELSE 'small' END END AS kind
          FROM sales GROUP BY ts, CUBE (region, shop > 'o')) AS c
    GROUP BY 1),
made AS (SELECT r.* FROM (SELECT array_agg(node) AS n, array_agg(s) AS s FROM crossed) AS x, kpi.reconcile(n, s, 2, model => 'theta') AS r)
SELECT step, count(*) AS nodes,
       abs(sum(value) FILTER (WHERE node = '*/*') - sum(value) FILTER (WHERE node LIKE '_%/*' AND node <> '*/*')) < 1e-6 AS by_region,
       abs(sum(value) FILTER (WHERE node = '*/*') - sum(value) FILTER (WHERE node LIKE '*/_%' AND node <> '*/*')) < 1e-6 AS by_kind
FROM made GROUP BY step ORDER BY step;

-- Forecasts that are there already, of any origin: one call for each step. A sum without a forecast is that of its parts.
SELECT r.* FROM kpi.reconcile('{all,all/a,all/b}', '{14,4,6}'::float8[]) AS r;
SELECT r.* FROM kpi.reconcile('{all,all/a,all/b}', '{14,4,6}'::float8[], 'wls_var', '{1,2,1}') AS r;
SELECT r.* FROM kpi.reconcile('{all/a,all/b}', '{4,6}'::float8[], 'ols') AS r;
SELECT max(abs(r.value - m.value)) < 1e-9 AS same
FROM (SELECT step, array_agg(node) AS n, array_agg(base) AS f FROM made WHERE method = 'wls_struct' GROUP BY step) AS x,
     kpi.reconcile(n, f) AS r, made AS m
WHERE m.method = 'wls_struct' AND m.step = x.step AND m.node = r.node;

-- Nothing comes of nothing.
SELECT count(*) FROM kpi.reconcile(NULL::text[], NULL::kpi.series[], 3);
SELECT count(*) FROM kpi.reconcile(NULL::text[], NULL::float8[]);

-- What is refused.
SET max_parallel_workers_per_gather = 0;
CREATE TEMP TABLE single AS SELECT s FROM nodes WHERE node = 'all/north/oslo';
SELECT r.* FROM single, kpi.reconcile('{}', '{}'::kpi.series[], 3) AS r;
SELECT r.* FROM single, kpi.reconcile('{t,t/a}', ARRAY[s], 3) AS r;
SELECT r.* FROM single, kpi.reconcile('{t,t/a}', ARRAY[s, s], 3, parents => '{t}') AS r;
SELECT r.* FROM single, kpi.reconcile('{t,NULL}', ARRAY[s, s], 3) AS r;
SELECT r.* FROM single, kpi.reconcile('{t,t//a}', ARRAY[s, s], 3) AS r;
SELECT r.* FROM single, kpi.reconcile('{t/a,t/a}', ARRAY[s, s], 3) AS r;
SELECT r.* FROM single, kpi.reconcile('{north/oslo,south/rome}', ARRAY[s, s], 3) AS r;
SELECT r.* FROM single, kpi.reconcile('{a,b}', ARRAY[s, s], 3, parents => '{b,a}') AS r;
SELECT r.* FROM single, kpi.reconcile('{*/a,b}', ARRAY[s, s], 3) AS r;
SELECT r.* FROM single, kpi.reconcile('{*/a,b/c}', ARRAY[s, s], 3) AS r;
SELECT r.* FROM single, kpi.reconcile('{*/a,b/a}', ARRAY[s, s], 3, 'top_down') AS r;
SELECT r.* FROM single, kpi.reconcile('{t/a,t/b}', ARRAY[s, NULL], 3) AS r;
SELECT r.* FROM single, kpi.reconcile('{t/a,t/b}', ARRAY[s, '[]'], 3) AS r;
SELECT r.* FROM single, kpi.reconcile('{t/a,t/b}', ARRAY[s, '[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 2]]'], 3) AS r;
SELECT r.* FROM single, kpi.reconcile('{t/a,t/b}', ARRAY[s, kpi.filter(s, '$value < 0')], 3) AS r;
SELECT r.* FROM (SELECT kpi.series(ts, amount) AS s, kpi.series(ts, amount) FILTER (WHERE ts < '2024-01-01Z') AS old FROM sales WHERE shop = 'rome') AS x,
    kpi.reconcile('{t/rome,t/closed}', ARRAY[s, old], 3) AS r;
SELECT r.* FROM single, kpi.reconcile('{t/a}', ARRAY[s], 3, 'mint') AS r;
SELECT r.* FROM single, kpi.reconcile('{t/a}', ARRAY[s], 3, model => 'oracle') AS r;
SELECT r.* FROM single, kpi.reconcile('{t/a}', ARRAY[s], 0) AS r;
SELECT r.* FROM single, kpi.reconcile('{t/a}', ARRAY[s], NULL) AS r;
SELECT r.* FROM single, kpi.reconcile('{t/a}', ARRAY[s], 3, level => 95) AS r;
SELECT r.* FROM single, kpi.reconcile('{t/a}', ARRAY[s], 3, season => 40) AS r;
SELECT r.* FROM single, kpi.reconcile((SELECT array_agg('t/' || i) FROM generate_series(0, 10000) AS i), ARRAY[s], 3) AS r;
SELECT r.* FROM kpi.reconcile('{t/a,t/b}', '{1,NaN}'::float8[]) AS r;
SELECT r.* FROM kpi.reconcile('{t/a,t/b}', '{1,NULL}'::float8[]) AS r;
SELECT r.* FROM kpi.reconcile('{t/a,t/b}', '{1,2}'::float8[], 'wls_var') AS r;
SELECT r.* FROM kpi.reconcile('{t/a,t/b}', '{1,2}'::float8[], 'wls_var', '{1,NULL}') AS r;
SELECT r.* FROM kpi.reconcile('{t/a,t/b}', '{1,2}'::float8[], 'mint_shrink') AS r;
SELECT r.* FROM kpi.reconcile('{t/a,t/b}', '{1,2}'::float8[], 'top_down') AS r;
SELECT r.* FROM kpi.reconcile('{t,t/a,t/b}', '{1e308,1e308,1e308}'::float8[], 'bottom_up') AS r;
