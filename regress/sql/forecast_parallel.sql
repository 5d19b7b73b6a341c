--
-- Many series in one statement, and where their forecasts are made.
--
CREATE SCHEMA forecast_parallel;
SET search_path = forecast_parallel;
CREATE TABLE sales (shop int NOT NULL, ts timestamptz NOT NULL, amount float8);
INSERT INTO sales
SELECT shop, '2024-01-01 00:00Z'::timestamptz + m * interval '1 month', 100 + shop + m * (shop % 7) + (shop * 7919 + m * 104729) % 101 / 10.0
FROM generate_series(1, 200) AS shop, generate_series(0, 29) AS m;
CREATE TABLE stored AS SELECT shop, kpi.series(ts, amount) AS s FROM sales GROUP BY shop;
CREATE TABLE parted (LIKE sales) PARTITION BY HASH (shop);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted SELECT * FROM sales;
ANALYZE sales, stored, parted;
-- Small tables, so that the story is quick; what decides for large ones is the work, which is said by the functions' cost.
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET max_parallel_workers_per_gather = 2;
SET jit = off;

-- Stored series: workers share them.
EXPLAIN (COSTS OFF) SELECT shop, f.* FROM stored, kpi.forecast(s, 12, 'theta') AS f;
-- Partitions: each is grouped and forecast by one worker.
SET enable_partitionwise_aggregate = on;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT shop, f.* FROM (SELECT shop, kpi.series(ts, amount) AS s FROM parted GROUP BY shop) AS g, kpi.forecast(g.s, 12, 'theta') AS f;
RESET enable_sort;
-- Rows of one table: a group is whole only when all workers have given their part of it, so the forecasts come after Gather.
SET enable_hashagg = off;
EXPLAIN (COSTS OFF) SELECT shop, f.* FROM (SELECT shop, kpi.series(ts, amount) AS s FROM sales GROUP BY shop) AS g, kpi.forecast(g.s, 12, 'theta') AS f;
RESET enable_hashagg;

-- All make the same.
CREATE VIEW from_stored AS SELECT shop, f.* FROM stored, kpi.forecast(s, 12, 'theta') AS f;
CREATE VIEW from_parts AS SELECT shop, f.* FROM (SELECT shop, kpi.series(ts, amount) AS s FROM parted GROUP BY shop) AS g, kpi.forecast(g.s, 12, 'theta') AS f;
SELECT count(*) AS forecasts, count(*) FILTER (WHERE a.value = b.value AND a.lower = b.lower AND a.ts = b.ts) AS same
FROM from_stored AS a FULL JOIN from_parts AS b USING (shop, step);
CREATE TEMP TABLE parallel AS SELECT * FROM from_parts;
SET max_parallel_workers_per_gather = 0;
SELECT count(*) AS differences FROM (SELECT * FROM parallel EXCEPT SELECT * FROM from_stored) AS d;
-- A worker's error is the statement's.
SET max_parallel_workers_per_gather = 2;
\set VERBOSITY terse
SELECT count(*) FROM stored, kpi.forecast(s, 12, 'theta', season => 16) AS f;
RESET min_parallel_table_scan_size;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET max_parallel_workers_per_gather;
RESET enable_partitionwise_aggregate;
RESET jit;
RESET search_path;
\set VERBOSITY default
SET client_min_messages = warning;
DROP SCHEMA forecast_parallel CASCADE;
