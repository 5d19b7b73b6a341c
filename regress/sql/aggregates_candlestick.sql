-- candlestick_agg: open, high, low and close of a price, with times, volume and the price weighted by volume. What is shown: it
-- agrees with plain SQL; workers, rollups in any order, grouping sets, filters and windows give what one pass gives; NULL,
-- NaN, infinities, equal times, no rows and one row have their answers; stored states survive text and binary COPY.
SET search_path = kpi, public;
SET timezone = 'UTC';

-- One thousand trades of ten shares in no order of time, every minute one; a seventh has no volume.
CREATE TABLE traded AS
SELECT i % 10 AS share, '2026-03-02 00:00Z'::timestamptz + (i * 7919 % 1009) * interval '1 minute' AS at,
       100 + (i * 104729 % 211)::float8 / 8 AS price, CASE WHEN i % 7 <> 0 THEN (i * 31 % 50)::float8 END AS volume
FROM generate_series(1, 1000) AS i;

-- Against plain SQL, in which of equal prices the first counts.
SELECT count(*) AS shares,
       bool_and(open(c) = plain.open[1] AND open_time(c) = plain.first) AS open,
       bool_and(close(c) = plain.close[1] AND close_time(c) = plain.last) AS close,
       bool_and(high(c) = plain.high AND high_time(c) = plain.high_time[1]) AS high,
       bool_and(low(c) = plain.low AND low_time(c) = plain.low_time[1]) AS low,
       bool_and(volume(c) = plain.volume) AS volume,
       bool_and(abs(vwap(c) - plain.turnover / plain.volume) < 1e-9) AS vwap
FROM (SELECT candlestick_agg(at, price, volume) AS c, min(at) AS first, max(at) AS last, max(price) AS high, min(price) AS low,
             array_agg(price ORDER BY at) AS open, array_agg(price ORDER BY at DESC) AS close,
             array_agg(at ORDER BY price DESC, at) AS high_time, array_agg(at ORDER BY price, at) AS low_time,
             pg_catalog.sum(volume) AS volume, pg_catalog.sum(price * volume) AS turnover
      FROM traded GROUP BY share) AS plain;

-- Parallel: the very states of one process.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT share, candlestick_agg(at, price, volume) AS c FROM traded GROUP BY share;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE traded SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT candlestick_agg(at, price, volume) FROM traded;
CREATE TABLE parallel AS SELECT share, candlestick_agg(at, price, volume) AS c FROM traded GROUP BY share;
SELECT count(*) AS shares,
       bool_and((open(a.c), open_time(a.c), high(a.c), high_time(a.c), low(a.c), low_time(a.c), close(a.c), close_time(a.c))
              = (open(b.c), open_time(b.c), high(b.c), high_time(b.c), low(b.c), low_time(b.c), close(b.c), close_time(b.c))) AS prices,
       bool_and(volume(a.c) = volume(b.c) AND abs(vwap(a.c) - vwap(b.c)) < 1e-9) AS volumes
FROM serial AS a JOIN parallel AS b USING (share);
SET max_parallel_workers_per_gather = 0;

-- Rollup in both orders: minutes make hours, and hours the whole.
WITH minutely AS (
    SELECT at, candlestick_agg(at, price, volume) AS c FROM traded GROUP BY at
), hourly AS (
    SELECT date_trunc('hour', at) AS hour, rollup(c ORDER BY at DESC) AS c FROM minutely GROUP BY 1
), wholes AS (
    SELECT (SELECT rollup(c ORDER BY hour) FROM hourly) AS up, (SELECT rollup(c ORDER BY hour DESC) FROM hourly) AS down,
           (SELECT candlestick_agg(at, price, volume) FROM traded) AS raw
)
SELECT (open(up), high(up), low(up), close(up), volume(up)) = (open(raw), high(raw), low(raw), close(raw), volume(raw)) AS up,
       (open(down), high(down), low(down), close(down), volume(down)) = (open(raw), high(raw), low(raw), close(raw), volume(raw)) AS down,
       (high_time(up), low_time(up)) = (high_time(raw), low_time(raw)) AS times, abs(vwap(up) - vwap(raw)) < 1e-9 AS vwap
FROM wholes;
SELECT rollup(c) IS NULL AS of_nothing FROM serial WHERE false;
SELECT open(rollup(c)) AS null_is_skipped
FROM (VALUES (NULL::candlestick), (candlestick('2026-03-02', 4, 9, 3, 6, NULL))) AS v(c);

-- FILTER, DISTINCT, grouping sets, windows.
SELECT high(candlestick_agg(at, price, volume) FILTER (WHERE price < 110)) < 110 AS filtered,
       open(candlestick_agg(at, price, volume) FILTER (WHERE false)) AS none FROM traded;
SELECT volume(candlestick_agg(DISTINCT '2026-03-02'::timestamptz, 5, v)) AS of_distinct_rows FROM (VALUES (1), (2), (2)) AS t(v);
SELECT share, open(candlestick_agg(at, price, volume)), close(candlestick_agg(at, price, volume))
FROM traded WHERE share < 2 GROUP BY GROUPING SETS ((share), ()) ORDER BY 1;
SELECT count(*) AS frames, bool_and(high(c) = high AND low(c) = low AND open(c) = open AND close(c) = price) AS equal
FROM (SELECT candlestick_agg(at, price, volume) OVER w AS c, max(price) OVER w AS high, min(price) OVER w AS low,
             first_value(price) OVER w AS open, price
      FROM traded WINDOW w AS (ORDER BY at ROWS 20 PRECEDING)) AS q;

-- Special values: NULL is skipped, NaN is the greatest price, equal times take the greater one, zero volume has no price.
CREATE TABLE special(name text, prices float8[], volumes float8[]);
INSERT INTO special VALUES ('none', '{}', '{}'), ('only null', '{null,null}', '{1,2}'), ('one', '{5}', '{2}'), ('nan', '{1,nan,2}', '{1,1,1}'),
    ('infinities', '{1,inf,-inf}', '{1,1,1}'), ('equal', '{3,3,3}', '{1,1,1}'), ('no volume', '{1,2}', '{null,null}'),
    ('zero volume', '{1,2}', '{0,0}'), ('infinite volume', '{1,2}', '{1,inf}');
SELECT name, open(c), high(c), high_time(c), low(c), low_time(c), close(c), volume(c), vwap(c)
FROM special, LATERAL (SELECT candlestick_agg('2026-03-02'::timestamptz + i * interval '1 hour', price, volume) AS c
                       FROM unnest(prices, volumes) WITH ORDINALITY AS t(price, volume, i)) AS q;
SELECT open(c), close(c), high(c), low(c) FROM (SELECT candlestick_agg('2026-03-02', price, 1) AS c FROM (VALUES (2), (7), (4)) AS t(price)) AS q;
SELECT open(candlestick_agg(at, 1, 1)) AS time_is_null FROM (VALUES (NULL::timestamptz)) AS t(at);

-- Prices that come aggregated: their volume-weighted price is the mean of high, low and close.
SELECT open(c), high(c), low(c), close(c), close_time(c), volume(c), vwap(c)
FROM (SELECT candlestick(ts => '2026-03-02', open => 4, high => 9, low => 3, close => 6, volume => 100) AS c) AS q;
SELECT candlestick('2026-03-02', NULL, 9, 3, 6, 100) IS NULL AS without_open, vwap(candlestick('2026-03-02', 4, 9, 3, 6, NULL)) AS vwap;

-- Stored states: text that reads back, binary COPY.
SELECT bool_and(c::text::candlestick::text = c::text) AS text_reads_back, max(octet_length(candlestick_send(c))) < 128 AS small FROM serial;
CREATE TABLE copied (LIKE serial);
\copy serial TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_candlestick.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_candlestick.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_candlestick.bin"
SELECT count(*) AS shares, bool_and(a.c::text = b.c::text) AS equal FROM serial AS a JOIN copied AS b USING (share);

-- What is refused, and how.
SELECT candlestick_agg('infinity', 1, 1);
\echo :LAST_ERROR_SQLSTATE
SELECT candlestick('-infinity', 1, 1, 1, 1, 1);
SELECT '\x00'::candlestick;
\echo :LAST_ERROR_SQLSTATE
SELECT 'open'::candlestick;
\echo :LAST_ERROR_SQLSTATE

DROP TABLE traded, special, serial, parallel, copied;
