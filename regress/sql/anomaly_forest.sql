--
-- Machines report temperature, vibration and current. An isolation forest of what they usually do scores each report, and says
-- which of the three made it strange; a robust covariance knows that warm machines draw more.
--
CREATE TABLE report AS
SELECT i AS id, 'm' || i % 3 AS machine,
       60 + 5 * w AS temperature, 2 + 0.3 * sin(i * 1.7) + 0.2 * cos(i * 0.61) AS vibration, 10 + w + 0.1 * sin(i * 2.3) AS current
FROM (SELECT i, sin(i * 0.37) + 0.5 * cos(i * 1.13) AS w FROM generate_series(1, 2000) i) x;
INSERT INTO report VALUES (9001, 'm0', 60, 4.5, 10), (9002, 'm1', 60, 2, 11.4), (9003, 'm2', 95, 6, 22);

CREATE TABLE learnt AS
SELECT kpi.isolation_forest(ARRAY[temperature, vibration, current] ORDER BY id) AS forest,
       kpi.robust_covariance(ARRAY[temperature, vibration, current] ORDER BY id) AS bulk
FROM report;

-- What stands out.
SELECT id FROM report, learnt ORDER BY kpi.score(forest, ARRAY[temperature, vibration, current]) DESC, id LIMIT 1;
SELECT count(*) FILTER (WHERE s BETWEEN 0 AND 1) AS within, avg(s) < 0.5 AS usual
FROM report, learnt, kpi.score(forest, ARRAY[temperature, vibration, current]) s;
-- Each value of 9002 is usual; its current is not, at that temperature.
SELECT id, round(kpi.mahalanobis(bulk, ARRAY[temperature, vibration, current])::numeric) > 8 AS far,
       kpi.score(bulk, ARRAY[temperature, vibration, current]) > 0.999999 AS strange
FROM report, learnt WHERE id > 9000 ORDER BY id;
SELECT count(*) < 60 AS few FROM report, learnt WHERE kpi.score(bulk, ARRAY[temperature, vibration, current]) > 0.99;

-- Why: the feature with the greatest part.
SELECT id, (ARRAY['temperature', 'vibration', 'current'])[p.i] AS of_forest
FROM report, learnt, LATERAL (SELECT i FROM unnest(kpi.contributions(forest, ARRAY[temperature, vibration, current]))
    WITH ORDINALITY c (part, i) ORDER BY part DESC LIMIT 1) p
WHERE id = 9001;
-- The parts add up: to the score less the typical one, and to the squared distance.
SELECT count(*) FILTER (WHERE abs(f.sum + kpi.typical_score(forest) - kpi.score(forest, row)) < 1e-12) AS of_forest,
       count(*) FILTER (WHERE abs(b.sum - kpi.mahalanobis(bulk, row) ^ 2) <= 1e-12 * b.sum) AS of_bulk
FROM learnt, (SELECT ARRAY[temperature, vibration, current] AS row FROM report) r,
     LATERAL (SELECT sum(p) FROM unnest(kpi.contributions(forest, row)) p) f,
     LATERAL (SELECT sum(p) FROM unnest(kpi.contributions(bulk, row)) p) b;
SELECT abs(c - 60) < 1 AS temperature FROM learnt, unnest(kpi.center(bulk)) WITH ORDINALITY u (c, i) WHERE i = 1;

-- A feature that is missing: the others tell.
SELECT kpi.score(forest, ARRAY[NULL, 4.5, NULL]::float8[]) > kpi.score(forest, ARRAY[NULL, 2, NULL]::float8[]) AS forest,
       kpi.score(forest, ARRAY[NULL, NULL, NULL]::float8[]) = kpi.score(forest, ARRAY['NaN', 'NaN', 'NaN']::float8[]) AS nan,
       kpi.mahalanobis(bulk, ARRAY[60, 4.5, NULL]) > 5 AS bulk,
       kpi.mahalanobis(bulk, ARRAY[NULL, NULL, NULL]::float8[]) IS NULL AS nothing,
       kpi.mahalanobis(bulk, ARRAY['Infinity', 2, 10]::float8[]) AS infinite,
       kpi.score(bulk, ARRAY['Infinity', 2, 10]::float8[]) AS score,
       kpi.contributions(bulk, ARRAY['Infinity', 2, 10]::float8[]) AS parts
FROM learnt;

-- Trees, sample, seed. A seed makes one forest of rows in one order; one row per machine groups as any aggregate does.
SELECT a.forest::text = b.forest::text AS same, a.forest::text = c.forest::text AS other_seed
FROM learnt a, (SELECT kpi.isolation_forest(ARRAY[temperature, vibration, current], 100, 256, 0 ORDER BY id) AS forest FROM report) b,
     (SELECT kpi.isolation_forest(ARRAY[temperature, vibration, current], 100, 256, 7 ORDER BY id) AS forest FROM report) c;
SELECT machine, kpi.score(f, ARRAY[95, 6, 22]) > 0.6 AS strange, pg_column_size(f) < 40000 AS small
FROM (SELECT machine, kpi.isolation_forest(ARRAY[temperature, vibration, current], 20, 64) AS f FROM report WHERE id < 9000
      GROUP BY machine) x ORDER BY machine;
-- More rows than the sample has places for, and workers that each take their own: as good a forest.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT kpi.score(f, ARRAY[95, 6, 22]) > 0.6 AS strange, kpi.score(f, ARRAY[60, 2, 10]) < 0.5 AS usual
FROM (SELECT kpi.isolation_forest(ARRAY[temperature, vibration, current], 10, 32) AS f FROM report WHERE id < 9000) x;
SELECT kpi.mahalanobis(c, ARRAY[60, 4.5, 10]) > 5 AS far
FROM (SELECT kpi.robust_covariance(ARRAY[temperature, vibration, current]) AS c FROM report) x;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- Nothing, one row, rows that are NULL.
SELECT kpi.isolation_forest(x) IS NULL AS nothing FROM unnest('{}'::float8[]) y, LATERAL (SELECT ARRAY[y]) z (x);
SELECT kpi.isolation_forest(ARRAY[1.0]) IS NULL AS one, kpi.robust_covariance(ARRAY[1.0]) IS NULL AS covariance;
SELECT kpi.isolation_forest(NULL::float8[]) IS NULL AS no_row FROM generate_series(1, 9);
SELECT kpi.score(NULL::kpi.forest, ARRAY[1.0]) IS NULL AS score, kpi.score(forest, NULL) IS NULL AS no_features FROM learnt;
-- Rows that are all alike, and gaps in what is learnt from.
SELECT round(kpi.score(kpi.isolation_forest(ARRAY[5.0]), ARRAY[99.0])::numeric, 6) AS alike FROM generate_series(1, 50);
SELECT kpi.score(f, ARRAY[90, 90]) > kpi.score(f, ARRAY[25, 25]) AS gaps
FROM (SELECT kpi.isolation_forest(ARRAY[i, CASE WHEN i % 2 = 0 THEN 50 - i END]::float8[]) AS f FROM generate_series(1, 50) i) x;

-- As text and in binary they are the same values.
SELECT forest::text::kpi.forest::text = forest::text AS forest, bulk::text::kpi.robust_covariance::text = bulk::text AS bulk FROM learnt;
\copy learnt TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_anomaly_forest.bin"' (FORMAT binary)
CREATE TEMP TABLE again (forest kpi.forest, bulk kpi.robust_covariance);
\copy again FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_anomaly_forest.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_anomaly_forest.bin"
SELECT l.forest::text = a.forest::text AS forest, l.bulk::text = a.bulk::text AS bulk FROM learnt l, again a;

-- What is refused.
SET max_parallel_workers_per_gather = 0;
\set SHOW_CONTEXT never
SELECT kpi.score(forest, ARRAY[60, 2]) FROM learnt;
SELECT kpi.mahalanobis(bulk, ARRAY[60, 2]) FROM learnt;
SELECT kpi.isolation_forest(CASE WHEN i < 3 THEN ARRAY[1.0, 2.0] ELSE ARRAY[1.0] END) FROM generate_series(1, 3) i;
SELECT kpi.isolation_forest('{}'::float8[]);
SELECT kpi.isolation_forest(ARRAY[1.0], 0);
SELECT kpi.isolation_forest(ARRAY[1.0], 100, 1);
SELECT kpi.isolation_forest(ARRAY[1.0], 1000, 60000);
SELECT kpi.isolation_forest(ARRAY[1.0], i) FROM generate_series(1, 2) i;
SELECT kpi.robust_covariance(ARRAY[i, 2 * i]::float8[]) FROM generate_series(1, 30) i;
SELECT kpi.robust_covariance(ARRAY[i, 0]::float8[]) FROM generate_series(1, 30) i;
SELECT 'oak'::kpi.forest;
SELECT '\x01'::kpi.forest;
SELECT overlay(forest::text PLACING 'ff' FROM 41)::kpi.forest FROM learnt;
\echo :LAST_ERROR_SQLSTATE
SELECT bulk::text::kpi.forest FROM learnt;
RESET max_parallel_workers_per_gather;
DROP TABLE learnt, report;
