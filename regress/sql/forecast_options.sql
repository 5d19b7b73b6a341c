--
-- How full a café will be, with several bands at once, several seasons, and what else can be asked of a forecast: bounds, bands from past
-- errors, a history without outliers and a transformation.
--
\set VERBOSITY default
SET max_parallel_workers_per_gather = 0;
CREATE TEMP TABLE guests AS
SELECT '2026-01-05 00:00Z'::timestamptz + d * interval '1 day' AS ts,
       (ARRAY[40, 42, 45, 50, 80, 95, 60])[1 + d % 7] + d / 7 + (d * d % 5) - 2 AS guests
FROM generate_series(0, 83) d;
CREATE TEMP TABLE history AS SELECT kpi.series(ts, guests) AS s FROM guests;

-- Several levels: a row per step and level, the wider band around the narrower one.
SELECT f.step, f.level, round(f.lower::numeric, 1) AS lower, round(f.value::numeric, 1) AS value, round(f.upper::numeric, 1) AS upper, f.model
FROM history, kpi.forecast(s, 2, 'theta', level => ARRAY[0.5, 0.8, 0.95], season => 7) f;
SELECT count(*) AS steps, bool_and(wide.lower <= narrow.lower AND narrow.upper <= wide.upper AND wide.value = narrow.value) AS nested
FROM history, kpi.forecast(s, 30, level => '{0.99,0.1}') wide JOIN history h ON true
JOIN LATERAL kpi.forecast(h.s, 30, level => '{0.99,0.1}') narrow USING (step) WHERE wide.level = 0.99 AND narrow.level = 0.1;
-- One fit for all: the band of a level is that of a call for it alone.
SELECT count(*) AS steps, bool_and((one.value, one.lower, one.upper, one.model) = (several.value, several.lower, several.upper, several.model)) AS same
FROM history, kpi.forecast(s, 7, level => 0.8) one JOIN history h ON true
JOIN LATERAL kpi.forecast(h.s, 7, level => '{0.8,0.95}') several USING (step) WHERE several.level = 0.8;

-- However level and season are written, one function fits. One number is one level, without its column; a literal can be several.
SELECT c.call, c.type, (c.row ->> 'level')::float8 AS level, round((c.row ->> 'lower')::numeric, 3) AS lower
FROM history, LATERAL (
    SELECT 'level => 0.9', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, 'theta', level => 0.9) f
    UNION ALL SELECT 'level => 0.9::real', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, 'theta', level => 0.9::real) f
    UNION ALL SELECT 'positional 0.9, 7', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, 'theta', 0.9, 7) f
    UNION ALL SELECT 'positional 0.9, NULL, NULL', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, 'theta', 0.9, NULL, NULL) f
    UNION ALL SELECT 'nothing', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1) f
    UNION ALL SELECT 'model NULL', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, NULL) f
    UNION ALL SELECT 'season => 7', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, 'theta', season => 7) f
    UNION ALL SELECT 'season => ''7''', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, 'theta', season => '7') f
    UNION ALL SELECT 'season => NULL', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, 'theta', season => NULL) f
    UNION ALL SELECT 'season => ARRAY[7,28]', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, 'theta', season => ARRAY[7, 28]) f
    UNION ALL SELECT 'season => ''{7,28}''', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, 'theta', season => '{7, 28}') f
    UNION ALL SELECT 'season => count(*)', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, 'theta', season => (SELECT count(*) FROM generate_series(1, 7))) f
    UNION ALL SELECT 'level => NULL', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, 'theta', level => NULL) f
    UNION ALL SELECT 'level => NULL::float8', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, 'theta', level => NULL::float8) f
    UNION ALL SELECT 'level => ''0.9''', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, 'theta', level => '0.9') f
    UNION ALL SELECT 'level => ''{0.9}''', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, 'theta', level => '{0.9}') f
    UNION ALL SELECT 'level => ARRAY[0.9]', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, 'theta', level => ARRAY[0.9]) f
    UNION ALL SELECT 'level => ARRAY[0.9]::float8[]', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, model => 'theta', level => ARRAY[0.9]::float8[]) f
    UNION ALL SELECT 'positional ARRAY[0.9]', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, ARRAY[0.9]) f
    UNION ALL SELECT 'positional theta, ARRAY[0.9]', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, 'theta', ARRAY[0.9]) f
    UNION ALL SELECT 'positional theta, NULL, 7', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, 'theta', NULL, 7) f
    UNION ALL SELECT 'positional theta, NULL, NULL, NULL', pg_typeof(f), to_jsonb(f) FROM kpi.forecast(s, 1, 'theta', NULL, NULL, NULL) f
) c (call, type, row);
SELECT count(*) FROM kpi.forecast(NULL::kpi.series, 7, level => '{0.8,0.95}');
PREPARE typed AS SELECT count(*), count(DISTINCT f.level) FROM history, kpi.forecast(s, $1, $2, level => $3) f;
EXECUTE typed (3, 'naive', '{0.8,0.95}');
DEALLOCATE typed;

-- Two seasons, a week and four: mstl takes both, auto need not look for the longer one, others take the shorter.
CREATE TEMP TABLE pay AS
SELECT kpi.series('2026-01-05 00:00Z'::timestamptz + d * interval '1 day',
                  (ARRAY[40, 42, 45, 50, 80, 95, 60])[1 + d % 7] + CASE WHEN d % 28 < 3 THEN 30 ELSE 0 END) AS s
FROM generate_series(0, 167) d;
SELECT m.model, m.season, round(max(abs(f.value - ((ARRAY[40, 42, 45, 50, 80, 95, 60])[1 + (f.step - 1) % 7]
       + CASE WHEN (f.step - 1) % 28 < 3 THEN 30 ELSE 0 END)))::numeric) AS worst
FROM pay, (VALUES ('mstl', '7'), ('mstl', '{7,28}'), ('auto', '{28,7}'), ('seasonal_naive', '{28,7}')) m (model, season),
     kpi.forecast(s, 28, m.model, season => m.season::kpi.seasons) f
GROUP BY m.model, m.season ORDER BY m.model, m.season;

-- Visitors are not fewer than none, and there are 6 chairs.
SELECT f.step, f.level, f.lower, f.value, f.upper
FROM (SELECT kpi.series('2026-01-01 00:00Z'::timestamptz + d * interval '1 day', 5 - d % 2 - d / 2) AS s FROM generate_series(0, 9) d) x,
     kpi.forecast(s, 3, 'drift', '{0.5,0.95}', 1, '{"non_negative": true, "upper": 6}') f;

-- A band from the errors of past forecasts; too few of them make no band.
SELECT count(*) AS steps, bool_and(f.lower < f.value AND f.value < f.upper) AS around
FROM history, kpi.forecast(s, 3, 'theta', 0.9, 7, '{"interval": "conformal"}') f;
SELECT f.* FROM history, kpi.forecast(s, 30, 'theta', 0.99, 7, '{"interval": "conformal"}') f;

-- An outlier, a day on which somebody typed a 0 too many, is not carried on.
CREATE TEMP TABLE mistyped AS
SELECT kpi.series(ts, CASE WHEN ts = '2026-03-24Z' THEN 10 * guests ELSE guests END) AS s FROM guests;
SELECT o.options, round(f.value::numeric) AS next_tuesday
FROM mistyped, (VALUES ('{}'), ('{"clean": true}'), ('{"clean": {"outliers": true, "level_shifts": true}}'), ('{"clean": {"level_shifts": true}}')) o (options),
     kpi.forecast(s, 2, 'seasonal_naive', season => 7, options => o.options::jsonb) f
WHERE f.step = 2 ORDER BY o.options;

-- Growth by a tenth each week: on a logarithmic scale that is a line.
CREATE TEMP TABLE growing AS
SELECT kpi.series('2026-01-05 00:00Z'::timestamptz + d * interval '7 days', 100 * 1.1 ^ d * (1 + (d * d % 5 - 2) / 100.0)) AS s FROM generate_series(0, 29) d;
SELECT o.options, round(f.value::numeric / (100 * 1.1 ^ 39)::numeric, 2) AS of_what_comes, f.lower > 0 AS positive
FROM growing, (VALUES ('{"box_cox": 0}'), ('{"box_cox": "auto"}'), ('{"box_cox": 0, "bias_adjust": true}'), ('{"box_cox": 1}'), (NULL)) o (options),
     kpi.forecast(s, 10, 'arima', season => 1, options => o.options::jsonb) f
WHERE f.step = 10 ORDER BY o.options;

-- The backtest of the same.
SELECT b.model, round(avg(b.mae)::numeric, 1) AS mae
FROM mistyped, (VALUES ('{}'), ('{"clean": true}')) o (options), kpi.backtest(s, 2, 2, '{seasonal_naive}', season => '{7}', options => o.options::jsonb) b
GROUP BY o.options, b.model ORDER BY o.options;

-- What is refused.
SELECT * FROM history, kpi.forecast(s, 3, options => '{"non_negativ": true}');
SELECT * FROM history, kpi.forecast(s, 3, options => '[1]');
SELECT * FROM history, kpi.forecast(s, 3, options => '{"lower": "0"}');
SELECT * FROM history, kpi.forecast(s, 3, options => '{"non_negative": 1}');
SELECT * FROM history, kpi.forecast(s, 3, options => '{"lower": 5, "upper": 5}');
SELECT * FROM history, kpi.forecast(s, 3, options => '{"non_negative": true, "upper": -1}');
SELECT * FROM history, kpi.forecast(s, 3, options => '{"upper": 1e400}');
SELECT * FROM history, kpi.forecast(s, 3, options => '{"interval": "bootstrap"}');
SELECT * FROM history, kpi.forecast(s, 3, options => '{"clean": "yes"}');
SELECT * FROM history, kpi.forecast(s, 3, options => '{"clean": {"spikes": true}}');
SELECT * FROM history, kpi.forecast(s, 3, options => '{"clean": {"outliers": 3}}');
SELECT * FROM history, kpi.forecast(s, 3, options => '{"box_cox": "log"}');
SELECT * FROM history, kpi.forecast(s, 3, options => '{"box_cox": 7}');
SELECT * FROM history, kpi.forecast(s, 3, options => '{"bias_adjust": true}');
SELECT kpi.forecast('[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 0], ["2026-01-03T00:00:00Z", 2]]'::kpi.series, 3, 'naive', options => '{"box_cox": 0}');
SELECT * FROM history, kpi.forecast(s, 3, level => '{0.8,95}');
SELECT * FROM history, kpi.forecast(s, 3, level => '{}');
SELECT * FROM history, kpi.forecast(s, 3, level => '{0.8,NULL}');
SELECT * FROM history, kpi.forecast(s, 3, level => 'wide');
SELECT * FROM history, kpi.forecast(s, 3, season => 'weekly');
SELECT * FROM history, kpi.forecast(s, 3, season => ARRAY[7, NULL]);
SELECT * FROM history, kpi.forecast(s, 3, season => '{7,0}');
SELECT * FROM history, kpi.forecast(s, 3, season => '{7,43}');
SELECT * FROM history, kpi.forecast(s, NULL, level => '{0.8,0.95}');
-- An option that is null is one that is not given.
SELECT count(*) FROM history, kpi.forecast(s, 3, 'naive', options => '{"box_cox": null, "clean": null}');

-- A KPI by its code, in all ways.
CREATE SCHEMA forecast_options;
CREATE TABLE forecast_options.visit AS SELECT ts, guests FROM guests;
SELECT kpi.create_source('forecast_visits', 'forecast_options.visit', 'ts') IS NOT NULL AS source;
SELECT kpi.create_kpi('forecast_visitors', 'forecast_visits', 'sum(guests)') IS NOT NULL AS kpi;
SELECT c.call, count(*) AS rows, count(DISTINCT c.row ->> 'level') AS levels, min((c.row ->> 'lower')::float8) >= 50 AS cut FROM (
    SELECT 'plain', to_jsonb(f) FROM kpi.forecast('forecast_visitors', 2) f
    UNION ALL SELECT 'positional', to_jsonb(f) FROM kpi.forecast('forecast_visitors', 2, 'day', 'theta', 0.9, 7) f
    UNION ALL SELECT 'positional nulls', to_jsonb(f) FROM kpi.forecast('forecast_visitors', 2, 'day', 'theta', NULL, NULL) f
    UNION ALL SELECT 'options', to_jsonb(f) FROM kpi.forecast('forecast_visitors', 2, options => '{"lower": 50}') f
    UNION ALL SELECT 'levels', to_jsonb(f) FROM kpi.forecast('forecast_visitors', 2, level => '{0.8,0.95}') f
    UNION ALL SELECT 'levels by model', to_jsonb(f) FROM kpi.forecast('forecast_visitors', 2, model => 'theta', level => ARRAY[0.8, 0.95]) f
    UNION ALL SELECT 'levels by week', to_jsonb(f) FROM kpi.forecast('forecast_visitors', 2, 'week', level => ARRAY[0.8, 0.95]) f
    UNION ALL SELECT 'levels, all', to_jsonb(f) FROM kpi.forecast('forecast_visitors', 2, 'day', 'theta', '{0.8,0.95}', '{7,28}', options => '{"lower": 50}') f
) c (call, row) GROUP BY c.call ORDER BY c.call;
SELECT kpi.drop_kpi('forecast_visitors');
SELECT kpi.drop_source('forecast_visits');
DROP SCHEMA forecast_options CASCADE;
