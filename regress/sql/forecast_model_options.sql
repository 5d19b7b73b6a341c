--
-- A terrace sells ice. How much hangs on the weather, which is known for some days ahead, on the days when the square is closed, and on the
-- day of the week. The model is kept with all of this.
--
CREATE TEMP TABLE terrace AS
SELECT d, ts, celsius, closed,
       200 + 12 * celsius + (ARRAY[0, 5, 9, 20, 60, 80, 30])[1 + d % 7] - 150 * closed::int + (d * 7919) % 11 AS sold
FROM (SELECT d, '2026-03-02 00:00Z'::timestamptz + d * interval '1 day' AS ts, 15 + (d * d * 31 + d * 17) % 13 AS celsius, d % 23 = 9 AS closed
      FROM generate_series(0, 120) d) x;
CREATE TEMP VIEW story AS
SELECT kpi.series(ts, sold) FILTER (WHERE d < 98) AS s, kpi.series(ts, celsius) FILTER (WHERE d < 108) AS celsius,
       array_agg(ts::date) FILTER (WHERE closed) AS closed
FROM terrace;

-- It forecasts what kpi.forecast does, the bands too. Other answers: none.
CREATE TEMP TABLE kept AS
SELECT m.model AS name, kpi.fit(s, m.model, 7, 7, regressors => ARRAY[celsius], holidays => closed) AS model
FROM story, unnest('{auto,arima,prophet,arima+prophet}'::text[]) m (model);
SELECT name, e->>'model' AS model, e->'regressors_known' AS known FROM kept, kpi.explain(model) e ORDER BY name COLLATE "C";
-- A degree sells twelve, and a closed square costs 150.
SELECT name, round((e->'parameters'->>'regressor_1')::numeric) AS of_a_degree, round((e->'parameters'->>'holiday')::numeric, -1) AS of_closed
FROM kept, kpi.explain(model) e WHERE name IN ('arima', 'prophet', 'auto') ORDER BY name;
SELECT name FROM kept, story
WHERE EXISTS (SELECT f.* FROM kpi.forecast(s, 7, name, season => 7, regressors => ARRAY[celsius], holidays => closed) f EXCEPT SELECT p.* FROM kpi.predict(model, 7) p)
   OR (SELECT count(*) FROM kpi.predict(model, 7)) <> 7;

-- Three days later it still knows the weather of the seven that are left, and is near what comes.
UPDATE kept SET model = kpi.observe(kpi.observe(kpi.observe(model, '2026-06-08Z', 461), '2026-06-09Z', NULL), '2026-06-10Z', 464);
SELECT name, e->'regressors_known' AS known, (SELECT max(abs(p.value - t.sold)) < 25 FROM kpi.predict(model, 7) p JOIN terrace t USING (ts)) AS near
FROM kept, kpi.explain(model) e ORDER BY name COLLATE "C";
-- As text it is the same value, of the same few bytes.
SELECT bool_and(model::text::kpi.model::text = model::text) AS same, max(length(kpi.model_send(model))) < 8000 AS small FROM kept;

-- Days that are closed are known as far as the dates go; others are like all days. So such a model has no end.
SELECT e->'regressors_known' AS known, round(closed.value) < round(next.value) - 100 AS closed
FROM (SELECT kpi.fit(s, 'arima', 7, holidays => closed) AS model FROM story) x, kpi.explain(x.model) e,
     kpi.predict(x.model, 100) closed JOIN LATERAL kpi.predict(x.model, 100) next ON next.step = closed.step + 7
WHERE closed.ts = '2026-06-11Z';

-- Options of a forecast are those of the model.
SELECT m.model, e->'box_cox' AS box_cox, e->'bounds' AS bounds,
       (SELECT count(*) FROM (SELECT p.* FROM kpi.predict(f, 7) p EXCEPT SELECT c.* FROM kpi.forecast(s, 7, m.model, season => 7, options => m.options) c) other) AS other
FROM story, (VALUES ('theta', '{"box_cox": 0, "bias_adjust": true, "upper": 500}'::jsonb), ('auto', '{"non_negative": true}'),
                    ('prophet', '{"growth": "logistic", "capacity": 900, "seasonality_mode": "multiplicative"}'), ('ets', NULL)) m (model, options),
     kpi.fit(s, m.model, 7, 7, m.options) f, kpi.explain(f) e;
SELECT count(*) AS draws, bool_and(d.value <= 500) AS below FROM story, kpi.fit(s, 'theta', 7, options => '{"box_cox": 0, "upper": 500}') f, kpi.simulate(f, 7) d;

-- Several seasons.
SELECT m.model, (SELECT count(*) FROM (SELECT p.* FROM kpi.predict(f, 7) p EXCEPT SELECT c.* FROM kpi.forecast(s, 7, m.model, season => '{7,23}') c) other) AS other
FROM story, unnest('{mstl,tbats,prophet,auto}'::text[]) m (model), kpi.fit(s, m.model, '{7,23}', 7) f;

-- A curve does not follow what comes: what was a day ahead yesterday is what is forecast today.
SELECT count(*) FILTER (WHERE after.value = before.value) AS same, count(*)
FROM (SELECT kpi.fit(s, 'prophet', 7) AS model FROM story) x, kpi.predict(x.model, 5) before
JOIN LATERAL kpi.predict(kpi.observe(x.model, '2026-06-08Z', 9999), 4) after USING (ts);

-- A hierarchy of two seasons.
SELECT count(*) AS nodes, bool_and(abs(north + south - whole) < 1e-6) AS adds_up
FROM (SELECT step, sum(value) FILTER (WHERE node = 'all/north') AS north, sum(value) FILTER (WHERE node = 'all/south') AS south,
             sum(value) FILTER (WHERE node = 'all') AS whole
      FROM story, kpi.reconcile('{all/north,all/south}', ARRAY[s, s], 3, model => 'mstl', season => '{7,23}') GROUP BY step) steps;

-- What is refused: more days than the weather is known for.
SET max_parallel_workers_per_gather = 0;
SELECT kpi.predict(model, 8) FROM kept WHERE name = 'auto';
SELECT kpi.simulate(model, 8) FROM kept WHERE name = 'prophet';
SELECT kpi.observe(model, '2026-06-30Z', 470) FROM kept WHERE name = 'arima';
SELECT kpi.fit(s, 'arima', 7, horizon => 11, regressors => ARRAY[celsius]) FROM story;
SELECT kpi.fit(s, 'theta', regressors => ARRAY[celsius]) FROM story;
SELECT kpi.fit(s, 'theta', options => '{"growth": "logistic", "capacity": 900}') FROM story;
SELECT kpi.observe(f, '2026-06-08Z', -1) FROM story, kpi.fit(s, 'theta', 7, options => '{"box_cox": 0}') f;
SELECT kpi.fit(s, 'theta', '{7,x}') FROM story;
RESET max_parallel_workers_per_gather;
