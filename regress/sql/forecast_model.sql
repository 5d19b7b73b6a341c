--
-- A model is fitted once and kept in a table. Each evening it is told how the day was, and says what comes next; nobody reads the
-- history again.
--
CREATE TEMP TABLE guests AS
SELECT '2026-01-05 00:00Z'::timestamptz + d * interval '1 day' AS ts,
       (ARRAY[40, 42, 45, 50, 80, 95, 60])[1 + d % 7] + d / 7 + (d * d % 5) - 2 AS guests
FROM generate_series(0, 97) d;
CREATE TEMP VIEW known AS SELECT kpi.series(ts, guests) AS s FROM guests WHERE ts < '2026-03-30Z';
CREATE TABLE kept (name text PRIMARY KEY, model kpi.model);
INSERT INTO kept SELECT name, kpi.fit(s, name, season => 7, horizon => 7)
FROM known, unnest('{mean,naive,seasonal_naive,seasonal_smoothing,drift,ses,holt,damped,holt_winters,ets,theta,optimized_theta,dynamic_theta,dynamic_optimized_theta,ces,arima,mstl,tbats,prophet,croston,sba,tsb,adida,imapa,ensemble,weighted_ensemble,auto,naive+theta}'::text[]) name;

-- It forecasts what kpi.forecast does, the bands too. Other answers: none.
SELECT name FROM kept, known
WHERE EXISTS (SELECT f.* FROM kpi.forecast(s, 7, name, season => 7) f EXCEPT SELECT p.* FROM kpi.predict(model, 7) p)
   OR (SELECT count(*) FROM kpi.predict(model, 7)) <> 7;
-- At another level too.
SELECT name FROM kept, known WHERE EXISTS (SELECT f.* FROM kpi.forecast(s, 7, name, level => 0.8, season => 7) f EXCEPT SELECT p.* FROM kpi.predict(model, 7, 0.8) p);

-- What is cleaned is what kpi.forecast cleans: by auto what is obvious, else what is asked for.
CREATE TEMP VIEW mistyped AS SELECT kpi.series(ts, CASE WHEN ts = '2026-02-10Z' THEN guests * 1000 ELSE guests END) AS s FROM guests WHERE ts < '2026-03-30Z';
SELECT m.model, m.options, kpi.explain(f) -> 'cleaned' AS cleaned, (SELECT count(*) FROM (
    SELECT p.* FROM kpi.predict(f, 7) p EXCEPT SELECT c.* FROM kpi.forecast(s, 7, m.model, season => 7, options => m.options) c) other) AS other
FROM mistyped, (VALUES ('auto', NULL::jsonb), ('auto', '{"clean": false}'), ('theta', NULL), ('theta', '{"clean": true}'), ('holt_winters', '{"clean": {"level_shifts": true}}')) m (model, options),
    kpi.fit(s, m.model, 7, 7, m.options) f;
SELECT kpi.explain(f::text::kpi.model) -> 'cleaned' AS cleaned FROM mistyped, kpi.fit(s, 'naive', options => '{"clean": true}') f;

-- Two weeks, one day after the other.
CREATE FUNCTION pg_temp.after(model kpi.model, since timestamptz, until timestamptz) RETURNS kpi.model LANGUAGE plpgsql AS $$
DECLARE
    day record;
BEGIN
    FOR day IN SELECT * FROM guests WHERE ts >= since AND ts < until ORDER BY ts LOOP
        model := kpi.observe(model, day.ts, day.guests);
    END LOOP;
    RETURN model;
END
$$;
UPDATE kept SET model = pg_temp.after(model, '2026-03-30Z', '2026-04-13Z') WHERE name NOT IN ('adida', 'imapa');
SELECT name, min(p.ts)::date AS first, round(avg(abs(p.value - w.guests))::numeric, 1) AS error
FROM kept, kpi.predict(model, 7) p,
     LATERAL (SELECT g.guests + 1 AS guests FROM guests g WHERE g.ts = p.ts - interval '7 days') w
WHERE name IN ('seasonal_naive', 'holt_winters', 'dynamic_optimized_theta', 'ces', 'arima', 'auto') GROUP BY name ORDER BY name;
-- Of the simple ones it is what a new fit finds.
SELECT name FROM kept, (SELECT kpi.series(ts, guests) AS s FROM guests) known, kpi.predict(model, 7) p
JOIN LATERAL kpi.predict(kpi.fit(s, name, 7), 7) f USING (step)
WHERE name IN ('mean', 'naive', 'seasonal_naive', 'drift') AND abs(p.value - f.value) > 1e-9;

-- What it is made of.
SELECT e->>'model' AS model, e->>'asked' AS asked, e->>'form' AS form, e->'season' AS season, e->'values' AS values, e->>'last' AS last,
       (e->>'step')::interval AS step, e->>'timezone' AS zone
FROM kept, kpi.explain(model) e WHERE name IN ('holt_winters', 'arima', 'naive') ORDER BY name;
SELECT jsonb_object_keys(e->'parameters') AS parameter FROM kept, kpi.explain(model) e WHERE name = 'holt_winters';
SELECT jsonb_object_keys(e->'states') AS state, jsonb_array_length(e->'states'->'season') AS places FROM kept, kpi.explain(model) e WHERE name = 'holt_winters';
SELECT (e->'likelihood'->>'aic')::float8 < (e->'likelihood'->>'bic')::float8 AS criteria, e->'residuals'->'values' AS residuals,
       (e->'residuals'->>'mean_p')::float8 > 0.05 AS mean_is_zero, e->'residuals'->'ljung_box'->'lags' AS lags, (e->>'sigma')::float8 > 0 AS sigma
FROM kept, kpi.explain(model) e WHERE name = 'holt_winters';
SELECT m->>'model' AS member, (m->>'weight')::float8 BETWEEN 0 AND 1 AS weight
FROM kept, kpi.explain(model) e, jsonb_array_elements(e->'members') WITH ORDINALITY x (m, i) WHERE name = 'weighted_ensemble' ORDER BY i;

-- Gaps: a day that is missing, a day without a value. The next day is forecast either way.
SELECT p.step, p.ts::date, round(p.value) AS value FROM kept, kpi.predict(kpi.observe(kpi.observe(model, '2026-04-14Z', 60), '2026-04-15Z', NULL), 2) p WHERE name = 'ets';
SELECT e->'values' AS values FROM kept, kpi.explain(kpi.observe(kpi.observe(model, '2026-04-14Z', 60), '2026-04-15Z', 'NaN')) e WHERE name = 'ets';

-- A model keeps the time zone of its fit: days stay days where the clock changes, whatever the session says.
SET TimeZone = 'Europe/Berlin';
CREATE TEMP TABLE berlin AS SELECT kpi.fit(kpi.series(ts, n), 'drift') AS model
FROM generate_series('2026-03-20 00:00 Europe/Berlin'::timestamptz, '2026-03-28 00:00 Europe/Berlin', '1 day') WITH ORDINALITY x (ts, n);
SET TIME ZONE INTERVAL '-03:30' HOUR TO MINUTE;
SELECT kpi.explain(kpi.fit('[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 2]]', 'naive'))->>'timezone' AS fixed;
SELECT p.ts FROM kpi.predict(kpi.fit('[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 2]]', 'naive'), 1) p;
RESET TimeZone;
SELECT p.ts, p.value FROM berlin, kpi.predict(model, 3) p;
SELECT p.ts, p.value FROM berlin, kpi.predict(kpi.observe(kpi.observe(model, '2026-03-28 23:00Z', 10), '2026-03-29 22:00Z', 11), 1) p;

-- As text and in binary it is the same value; small enough for any table.
SELECT count(*) AS same FROM kept WHERE model::text::kpi.model::text = model::text;
\copy kept TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_forecast_model.bin"' (FORMAT binary)
CREATE TEMP TABLE again (name text, model kpi.model);
\copy again FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_forecast_model.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_forecast_model.bin"
SELECT count(*) AS same FROM kept JOIN again USING (name) WHERE kept.model::text = again.model::text;
SELECT max(length(kpi.model_send(model))) < 8000 AS small FROM kept;

-- NULL.
SELECT kpi.fit(NULL) IS NULL AS fit, kpi.observe(NULL::kpi.model, now(), 1) IS NULL AS observe, kpi.explain(NULL::kpi.model) IS NULL AS explain;
SELECT count(*) FROM kpi.predict(NULL, 3);

-- What is refused.
SET max_parallel_workers_per_gather = 0;
SELECT kpi.observe(model, '2026-04-12Z', 1) FROM kept WHERE name = 'ets';
SELECT kpi.observe(model, '2026-04-13 09:00Z', 1) FROM kept WHERE name = 'ets';
SELECT kpi.observe(model, 'infinity', 1) FROM kept WHERE name = 'ets';
SELECT kpi.observe(model, '2400-01-01Z', 1) FROM kept WHERE name = 'ets';
SELECT kpi.observe(model, NULL, 1) FROM kept WHERE name = 'ets';
SELECT kpi.observe(model, '2026-03-30Z', 1) FROM kept WHERE name = 'adida';
SELECT kpi.predict(model, 0) FROM kept WHERE name = 'ets';
SELECT kpi.predict(model, NULL) FROM kept WHERE name = 'ets';
SELECT kpi.predict(model, 3, 95) FROM kept WHERE name = 'ets';
SELECT kpi.fit(s, 'oracle') FROM known;
SELECT kpi.fit(s, 'theta', options => '{"interval": "conformal"}') FROM known;
SELECT kpi.fit(s, 'theta', options => '{"clean": 7}') FROM known;
SELECT kpi.fit(s, season => 60) FROM known;
SELECT kpi.fit(s, horizon => 0) FROM known;
SELECT kpi.fit('[]');
SELECT kpi.fit('[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 2]]', 'ets');
SELECT 'ets'::kpi.model;
\echo :LAST_ERROR_SQLSTATE
SELECT '\x01'::kpi.model;
SELECT overlay(model::text PLACING 'ff' FROM 41)::kpi.model FROM kept WHERE name = 'ets';
\echo :LAST_ERROR_SQLSTATE

RESET max_parallel_workers_per_gather;
DROP TABLE kept;
