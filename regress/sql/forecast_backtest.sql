--
-- Which model would have forecast the last three weeks of a café best? Each week from the weeks before it only.
--
CREATE TEMP TABLE guests AS
SELECT '2026-01-05 00:00Z'::timestamptz + d * interval '1 day' AS ts,
       (ARRAY[40, 42, 45, 50, 80, 95, 60])[1 + d % 7] + d / 7 + (d * d % 5) - 2 AS guests
FROM generate_series(0, 83) d;
CREATE TEMP TABLE history AS SELECT kpi.series(ts, guests) AS s FROM guests;

SELECT b.model, b.fold, b.origin::date, round(b.mae::numeric, 2) AS mae, round(b.mase::numeric, 2) AS mase, b.coverage > 0.7 AS held, b.took >= '0' AS timed
FROM history, kpi.backtest(s, 7, models => '{naive,seasonal_naive,theta,ets}') b;

-- The measures are what plain SQL makes of the same forecast.
WITH known AS (SELECT kpi.series(ts, guests) AS s FROM guests WHERE ts < '2026-03-23Z'),
     made AS (SELECT f.* FROM known, kpi.forecast(s, 7, 'seasonal_naive', season => 7) f),
     plain AS (SELECT avg(abs(guests - value)) AS mae, sqrt(avg((guests - value) ^ 2)) AS rmse, avg(value - guests) AS bias,
                      avg(200 * abs(guests - value) / (abs(guests) + abs(value))) AS smape, avg((guests BETWEEN lower AND upper)::int) AS coverage
               FROM made JOIN guests USING (ts)),
     scale AS (SELECT avg(abs(a.guests - b.guests)) AS naive FROM guests a JOIN guests b ON a.ts = b.ts + interval '7 days' WHERE a.ts < '2026-03-23Z')
SELECT abs(b.mae - p.mae) < 1e-9 AS mae, abs(b.rmse - p.rmse) < 1e-9 AS rmse, abs(b.bias - p.bias) < 1e-9 AS bias, abs(b.smape - p.smape) < 1e-9 AS smape,
       b.coverage = p.coverage AS coverage, abs(b.mase - p.mae / c.naive::float8) < 1e-9 AS mase
FROM plain p, scale c, history, kpi.backtest(s, 7, 1, '{seasonal_naive}', season => 7) b;

-- By another measure; a mean of models; what auto took.
SELECT b.model, b.used FROM history, kpi.backtest(s, 7, 1, '{naive,naive+theta,auto}', 'rmse') b;
SELECT count(*) FROM kpi.backtest(NULL, 7);

-- What is refused.
SELECT * FROM history, kpi.backtest(s, 0);
SELECT * FROM history, kpi.backtest(s, 7, 12);
SELECT * FROM history, kpi.backtest(s, 7, 0);
SELECT * FROM history, kpi.backtest(s, 7, metric => 'luck');
SELECT * FROM history, kpi.backtest(s, 7, models => '{oracle}');
SELECT * FROM history, kpi.backtest(s, 7, models => '{}');
SELECT * FROM history, kpi.backtest(s, 7, level => 95);
SELECT * FROM history, kpi.backtest(s, 40, 2, '{ets}');
SELECT * FROM history, kpi.backtest(s, NULL);
SELECT * FROM history, kpi.backtest(s, 7, NULL);
SELECT * FROM history, kpi.backtest(s, 7, -1);
SELECT * FROM history, kpi.backtest(s, 7, models => '{auto,NULL,theta}');
SELECT * FROM history, kpi.backtest(s, 7, models => NULL);
SELECT * FROM history, kpi.backtest(s, 7, options => '{"cleaned": true}');
