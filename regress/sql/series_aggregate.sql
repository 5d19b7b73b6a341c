--
-- The aggregate kpi.series over many rows: compact, the same in parallel, and bounded.
--
CREATE TABLE ticks AS
    SELECT i AS id, '2026-01-01 00:00Z'::timestamptz + i * interval '1 second' AS ts,
           CASE WHEN i % 10 <> 0 THEN i % 1000 END::float8 AS value
    FROM generate_series(1, 200000) AS i;
ANALYZE ticks;

-- A regular series costs 8 bytes a point, a gap next to nothing, and times nearly nothing.
SELECT pg_column_size(kpi.series(ts, value)) < 200000 * 8 AS all_points,
       pg_column_size(kpi.series(ts, value) FILTER (WHERE value IS NOT NULL)) < 180000 * 8 * 1.13 AS without_gaps,
       pg_column_size(kpi.series(ts, 1)) < 200000 * 8 + 100 AS no_gap_at_all
FROM ticks;

-- Order of arrival does not matter where times are unique: sorted, reversed and shuffled rows make the same value.
SELECT count(DISTINCT kpi.series_send(s)) AS distinct_values, min(kpi.length(s)) AS length
FROM (SELECT kpi.series(ts, value ORDER BY id) FROM ticks
      UNION ALL SELECT kpi.series(ts, value ORDER BY id DESC) FROM ticks
      UNION ALL SELECT kpi.series(ts, value ORDER BY hashint4(id)) FROM ticks) AS ways (s);

-- Parallel workers each make a part, and the parts are combined to the same value.
CREATE TABLE alone AS SELECT kpi.series(ts, value) AS s FROM ticks;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT kpi.series(ts, value) FROM ticks;
SELECT kpi.series_send(kpi.series(ts, value)) = (SELECT kpi.series_send(s) FROM alone) AS same FROM ticks;
-- A worker that meets no row has nothing to add.
SELECT kpi.length(kpi.series(ts, value)) FROM ticks WHERE id = 7;
SELECT kpi.series(ts, value) IS NULL AS is_null FROM ticks WHERE id = 0;
RESET ALL;

-- A long series is stored out of line; its length and ends are read without the rest.
CREATE TABLE stored AS SELECT s FROM alone;
SELECT kpi.length(s), kpi.first_time(s), kpi.last_time(s) FROM stored;
SELECT count(*), count(value), sum(value) FROM stored, kpi.points(s);

-- The last of equal times wins, also when it is a gap.
SELECT kpi.series(ts, value ORDER BY n)
FROM (VALUES (1, '2026-01-02 00:00Z'::timestamptz, 1), (2, '2026-01-01 00:00Z', 2), (3, '2026-01-02 00:00Z', NULL),
             (4, '2026-01-01 00:00Z', 3)) AS t (n, ts, value);

-- Ten million points fit into one value; one more is an error that says what to do.
SELECT kpi.length(kpi.series(to_timestamp(i), 1)) FROM (SELECT generate_series(1, 10000000)) AS t (i);
SELECT kpi.series(to_timestamp(i), 1) FROM (SELECT generate_series(1, 10000001)) AS t (i);
\echo :LAST_ERROR_SQLSTATE

DROP TABLE ticks, alone, stored;
