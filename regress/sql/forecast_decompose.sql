--
-- What is a series made of? A café with quiet Mondays and full Saturdays that grows; one day it was closed, one day is missing.
--
CREATE TEMP TABLE guests AS
SELECT '2026-01-05 00:00Z'::timestamptz + d * interval '1 day' AS ts,
       CASE d WHEN 40 THEN 0 ELSE (ARRAY[40, 42, 45, 50, 80, 95, 60])[1 + d % 7] + d / 7 + (d * d % 5) - 2 END AS guests
FROM generate_series(0, 111) d WHERE d <> 50;
CREATE TEMP TABLE history AS SELECT kpi.series(ts, guests) AS s FROM guests;

-- Around the day that was closed and the one that is missing: the one is an outlier, the other has no remainder.
SELECT ts::date, value, round(trend) AS trend, round(seasonal) AS seasonal, round(remainder) AS remainder, weight < 0.01 AS outlier, season
FROM history, kpi.decompose(s) WHERE ts::date BETWEEN '2026-02-12' AND '2026-02-25' ORDER BY ts;
-- The parts add up to the values, everywhere.
SELECT count(*) AS steps, count(value) AS values, count(remainder) AS remainders, count(trend) AS trends, count(seasonal) AS seasonals,
       max(abs(value - trend - seasonal - remainder)) < 1e-9 AS adds_up, max(abs(seasonal - parts[1])) AS other_seasons
FROM history, kpi.decompose(s);
-- Without robustness the closed day pulls at its neighbours, and nothing is an outlier.
SELECT robust, min(weight) < 1e-9 AS outliers, max(abs(trend - 60 - (ts::date - '2026-01-05') / 7.0)) > 3 AS trend_is_pulled
FROM history, (VALUES (true), (false)) m (robust), kpi.decompose(s, robust => m.robust) GROUP BY robust ORDER BY robust;
-- Seasons that are given, a season that hardly changes, no season.
SELECT season, cardinality(parts) AS parts, count(*) FROM history, kpi.decompose(s, season => '{28,7,7,1}') GROUP BY 1, 2;
SELECT max(spread) < 0.5 AS hardly_changes
FROM (SELECT max(seasonal) - min(seasonal) AS spread FROM history, kpi.decompose(s, seasonal_window => 100000) GROUP BY extract(dow FROM ts)) x;
SELECT season, parts, sum(abs(seasonal)) AS seasonal, corr(trend, extract(epoch FROM ts)) > 0.9 AS grows FROM history, kpi.decompose(s, season => '{}', trend_window => 61) GROUP BY 1, 2;

-- The same with a row for each part.
SELECT ts::date, component, season, round(value) AS value FROM history, kpi.components(s) WHERE ts::date IN ('2026-02-13', '2026-02-24');
SELECT component, season, count(*), count(value) FROM history, kpi.components(s, '{7,28}') GROUP BY 1, 2 ORDER BY 1, 2;

-- The seasons: one here, two of hours, none of noise.
SELECT season, length, strength > 0.9 AS strong, share > 0.5 AS much, p_value < 1e-6 AS sure, expected FROM history, kpi.seasonality(s);
CREATE TEMP TABLE load AS
SELECT kpi.series('2026-03-02 00:00Z'::timestamptz + h * interval '1 hour',
                  (CASE WHEN h % 24 BETWEEN 8 AND 19 THEN 30 ELSE 4 END) * (CASE WHEN h / 24 % 7 > 4 THEN 0.3 ELSE 1 END) + h * h % 7) AS s
FROM generate_series(0, 24 * 7 * 6 - 1) h;
SELECT season, length, strength > 0.5 AS strong, expected FROM load, kpi.seasonality(s) ORDER BY season;
SELECT DISTINCT season, cardinality(parts) AS parts FROM load, kpi.decompose(s);
SELECT season, length, strength > 0.9 AS strong
FROM (SELECT kpi.series('2020-01-31 00:00Z'::timestamptz + m * interval '1 month', m + 20 * sin(m * pi() / 6) + m * m % 3) AS s FROM generate_series(0, 71) m) x, kpi.seasonality(s);
SELECT count(*) AS seasons_of_noise
FROM generate_series(1, 20) g,
     LATERAL (SELECT kpi.series('2026-01-01 00:00Z'::timestamptz + d * interval '1 day', ('x' || substr(md5(g || '/' || d), 1, 6))::bit(24)::int) AS s
              FROM generate_series(1, 120) d) x, kpi.seasonality(s);

-- The features of many series in one statement.
SELECT kind, length, gaps, round(mean::numeric, 1) AS mean, season, round(trend_strength::numeric, 2) AS trend, round(seasonal_strength[1]::numeric, 2) AS seasonal,
       round(acf1::numeric, 2) AS acf1, round(spectral_entropy::numeric, 1) AS entropy, round(adi::numeric, 2) AS adi, demand
FROM (SELECT 'café' AS kind, s FROM history
      UNION ALL SELECT 'load', s FROM load
      UNION ALL SELECT 'parts', kpi.series('2026-01-01 00:00Z'::timestamptz + d * interval '1 day', CASE WHEN d * d % 11 = 4 THEN 3 + d % 2 ELSE 0 END) FROM generate_series(0, 99) d
      UNION ALL SELECT 'noise', kpi.series('2026-01-01 00:00Z'::timestamptz + d * interval '1 day', ('x' || substr(md5(d::text), 1, 6))::bit(24)::int / 1e6) FROM generate_series(0, 199) d
      UNION ALL SELECT 'flat', kpi.series('2026-01-01 00:00Z'::timestamptz + d * interval '1 day', 5) FROM generate_series(0, 29) d) x, kpi.features(s)
ORDER BY kind;
-- Mean, variance and autocorrelation are those of plain SQL.
WITH plain AS (SELECT avg(guests) AS mean, var_samp(guests) AS variance FROM guests)
SELECT abs(f.mean - p.mean) < 1e-9 AS mean, abs(f.variance - p.variance) < 1e-6 AS variance FROM plain p, history, kpi.features(s) f;

-- Little or nothing: no series no rows, few values what can be said of them.
SELECT (SELECT count(*) FROM kpi.decompose(NULL::kpi.series)) + (SELECT count(*) FROM kpi.components(NULL::kpi.series))
     + (SELECT count(*) FROM kpi.seasonality(NULL::kpi.series)) + (SELECT count(*) FROM kpi.features(NULL::kpi.series)) AS rows;
SELECT count(*) FROM kpi.decompose('[]'::kpi.series);
SELECT * FROM kpi.decompose('[["2026-01-01T00:00:00Z", 5]]'::kpi.series);
SELECT ts::date, value, trend, remainder FROM kpi.decompose('[["2026-01-01T00:00:00Z", null], ["2026-01-02T00:00:00Z", null]]'::kpi.series);
SELECT ts::date, value, trend, remainder, season FROM kpi.decompose('[["2026-01-01T00:00:00Z", 7], ["2026-01-02T00:00:00Z", 7], ["2026-01-03T00:00:00Z", 7]]'::kpi.series);
SELECT count(*) FROM kpi.seasonality('[["2026-01-01T00:00:00Z", 7], ["2026-01-02T00:00:00Z", 7], ["2026-01-03T00:00:00Z", 7]]'::kpi.series);
SELECT length, gaps, mean, variance, season, acf1, demand FROM unnest(ARRAY['[]', '[["2026-01-01T00:00:00Z", 5]]', '[["2026-01-01T00:00:00Z", 5], ["2026-01-02T00:00:00Z", "NaN"]]']::kpi.series[]) s, kpi.features(s);

-- A KPI by its code: days of Berlin, without the one that is going on.
CREATE SCHEMA forecast_decompose;
SET search_path = forecast_decompose;
SET client_min_messages = warning;
CREATE TABLE orders (at timestamptz NOT NULL);
INSERT INTO orders
SELECT at FROM generate_series('2025-01-06 00:00 Europe/Berlin'::timestamptz, '2025-03-30 23:00 Europe/Berlin', '1 hour') at,
     generate_series(1, CASE WHEN to_char(at AT TIME ZONE 'Europe/Berlin', 'Dy') = 'Sat' THEN 3 ELSE 1 END);
SELECT kpi.create_source('decompose_orders', 'orders', 'at', timezone => 'Europe/Berlin');
SELECT kpi.create_kpi('decompose_count', 'decompose_orders', 'count(*)');
SELECT ts, value, round(trend) AS trend, round(seasonal) AS seasonal, season FROM kpi.decompose('decompose_count') ORDER BY ts DESC LIMIT 3;
SELECT component, count(*) FROM kpi.components('decompose_count', season => '{7}') GROUP BY 1 ORDER BY 1;
SELECT season, length, expected FROM kpi.seasonality('decompose_count');
SELECT season, length FROM kpi.seasonality('decompose_count', 'hour') ORDER BY season;
SELECT length, gaps, season, seasonal_strength[1] > 0.9 AS strong FROM kpi.features('decompose_count');
SELECT kpi.drop_source('decompose_orders', cascade => true);
DROP SCHEMA forecast_decompose CASCADE;
RESET search_path;
RESET client_min_messages;

-- What is refused.
SET max_parallel_workers_per_gather = 0;
\set SHOW_CONTEXT never
SELECT * FROM history, kpi.decompose(s, '{0}');
SELECT * FROM history, kpi.decompose(s, '{7,57}');
SELECT * FROM history, kpi.decompose(s, '{7,NULL}');
SELECT * FROM history, kpi.decompose(s, '{2,3,4,5,6,7,8,9,10,11,12}');
SELECT * FROM history, kpi.decompose(s, seasonal_window => 1);
SELECT * FROM history, kpi.components(s, trend_window => -3);
SELECT * FROM kpi.decompose('[["2026-01-01T00:00:00Z", 1], ["2026-01-01T00:00:07Z", 2], ["2026-01-03T11:00:00Z", 3],
    ["2026-02-11T05:00:00Z", 4], ["2026-02-11T05:13:00Z", 5]]'::kpi.series);
SELECT * FROM kpi.features('[["2026-01-01T00:00:00Z", 1e308], ["2026-01-02T00:00:00Z", -1e308], ["2026-01-03T00:00:00Z", 1]]'::kpi.series);
SELECT * FROM kpi.seasonality('[["2026-01-01T00:00:00Z", 1e308], ["2026-01-02T00:00:00Z", -1e308], ["2026-01-03T00:00:00Z", 1]]'::kpi.series);
