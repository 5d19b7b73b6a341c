--
-- kpi.first, kpi.last and kpi.histogram, with the meaning of TimescaleDB's aggregates.
--
CREATE TABLE trade (at timestamptz, symbol text, price numeric, note text);
INSERT INTO trade
SELECT timestamptz '2026-01-01' + (n * 7919 % 100000) * interval '1 second', 'S' || n % 3, n * 7919 % 100000, repeat(chr(97 + n % 26), n % 40)
FROM generate_series(1, 60000) AS n;
-- The value of the row with the least and the greatest time, of any type.
SELECT symbol, kpi.first(price, at), kpi.last(price, at), kpi.first(note, at), kpi.last(trade, at) AS row
FROM trade GROUP BY symbol ORDER BY symbol;
-- Rows without a time are skipped, a NULL value counts; of equal times the row that comes first wins.
SELECT kpi.first(v, t), kpi.last(v, t) FROM (VALUES ('a', NULL), ('b', 1), ('c', 1), ('d', 2), (NULL, 3)) AS r (v, t);
SELECT kpi.first(v, t ORDER BY v DESC), kpi.last(v, t ORDER BY v) FROM (VALUES ('a', 1), ('b', 1), ('c', 2), ('d', 2)) AS r (v, t);
SELECT kpi.first(v, t) AS no_time, kpi.last(v, t) FILTER (WHERE false) AS no_row FROM (VALUES ('a', NULL::int)) AS r (v, t);
-- The time may be of any type that has an order.
SELECT kpi.last(n, n::smallint) AS int2, kpi.last(n, n::float8) AS float8, kpi.last(n, n::text COLLATE "C") AS text, kpi.last(n, ARRAY[n, 1]) AS array,
       kpi.last(n, date '2026-01-01' + n) AS date, kpi.last(n, interval '1 s' * n) AS interval
FROM generate_series(1, 12) AS n;
-- As window functions.
SELECT n, kpi.first(chr(96 + n), n) OVER w, kpi.last(chr(96 + n), n) OVER w FROM generate_series(1, 4) AS n WINDOW w AS (ORDER BY n ROWS 1 PRECEDING);

-- Counts below, in and from the end of the range on; a bucket has its lower bound.
SELECT kpi.histogram(v, 0, 10, 5) FROM (VALUES (-1.0::float8), (0), (1.9999999), (2), (9.99999), (10), (11), ('infinity'), ('-infinity')) AS r (v);
-- NULL is no value.
SELECT kpi.histogram(v, 0, 10, 2), kpi.histogram(v, 0, 10, 2) FILTER (WHERE v IS NULL) AS no_value FROM (VALUES (NULL::float8), (7)) AS r (v);
SELECT count(*) AS rows, count(*) FILTER (WHERE counts[1 + width_bucket(price::float8, 0, 100000, 16)] IS DISTINCT FROM expected) AS differ
FROM (SELECT price, count(*) OVER (PARTITION BY width_bucket(price::float8, 0, 100000, 16)) AS expected FROM trade) AS t,
     (SELECT kpi.histogram(price::float8, 0, 100000, 16) AS counts FROM trade) AS h;

-- In parallel: workers' states are sent and merged.
CREATE TEMP TABLE alone AS
SELECT symbol, kpi.first(price, at) AS p, kpi.last(note, at) AS n, kpi.first(row(price, note), at)::text AS r, kpi.last(symbol, note COLLATE "C") AS s, kpi.histogram(price::float8, 0, 9, 4) AS h
FROM trade GROUP BY symbol;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 3;
SET enable_indexscan = off;
CREATE FUNCTION merges_workers(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
    RETURN plan::text LIKE '%"Partial Mode": "Finalize"%';
END $$;
SELECT merges_workers('SELECT symbol, kpi.first(price, at), kpi.last(note, at), kpi.histogram(price::float8, 0, 9, 4) FROM trade GROUP BY symbol');
SELECT count(*) AS groups, count(*) FILTER (WHERE (a.p, a.n, a.r, a.h) IS DISTINCT FROM (t.p, t.n, t.r, t.h)) AS differ
FROM alone AS a JOIN (
    SELECT symbol, kpi.first(price, at) AS p, kpi.last(note, at) AS n, kpi.first(row(price, note), at)::text AS r, kpi.histogram(price::float8, 0, 9, 4) AS h
    FROM trade GROUP BY symbol) AS t USING (symbol);

-- What is refused.
SELECT kpi.first(1, point(0, 0));
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.histogram(1, 10, 0, 5);
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.histogram(1, 0, 10, 0);
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.histogram(1, 0, NULL, 5);
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.histogram('NaN', 0, 10, 5);
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.histogram(1, 0, 10 + n, 5) FROM generate_series(1, 2) AS n;
\echo :LAST_ERROR_SQLSTATE
