--
-- Forecasts and anomalies of a KPI by its code: its values come exact from kpi.value, days are those of the source's time
-- zone, and the period that is not over yet is left out.
--
CREATE SCHEMA forecast_code;
SET search_path = forecast_code;
SET client_min_messages = warning;

-- Orders of the spring of 2025 in Berlin, where the clock changes on 30 March: one order an hour, three on Saturdays,
-- and a Saturday on which the shop stayed closed.
CREATE TABLE orders (at timestamptz NOT NULL, amount float8 NOT NULL);
INSERT INTO orders
SELECT at, 10 + extract(day FROM at) % 3
FROM generate_series('2025-01-06 00:00 Europe/Berlin'::timestamptz, '2025-03-28 23:00 Europe/Berlin', '1 hour') at,
     generate_series(1, CASE WHEN to_char(at AT TIME ZONE 'Europe/Berlin', 'Dy') = 'Sat' THEN 3 ELSE 1 END)
WHERE (at AT TIME ZONE 'Europe/Berlin')::date <> '2025-02-15';
INSERT INTO orders VALUES ('2025-02-15 12:00 Europe/Berlin', 11);
SELECT kpi.create_source('forecast_orders', 'orders', 'at', timezone => 'Europe/Berlin');
SELECT kpi.create_kpi('forecast_count', 'forecast_orders', 'count(*)');

-- Four days from Saturday on. In UTC a day of Berlin starts at 23:00, and at 22:00 once the clock has changed.
SELECT step, ts, value, model FROM kpi.forecast('forecast_count', 4, model => 'seasonal_naive');
SELECT step, ts, value
FROM kpi.forecast(code => 'forecast_count', horizon => 2, period => 'hour', model => 'naive', level => 0.8, season => 1);
SELECT step, ts, value FROM kpi.forecast('forecast_count', 2, 'month', 'naive');

-- The same as from the series of its values, where the session is in Berlin too.
SET TimeZone = 'Europe/Berlin';
SELECT count(*) AS steps, count(*) FILTER (WHERE a IS DISTINCT FROM b) AS differences
FROM kpi.forecast('forecast_count', 14) a
FULL JOIN (SELECT f.* FROM (SELECT kpi.series(ts, value) AS s FROM kpi.value('forecast_count', 'day')) x,
           kpi.forecast(s, 14) f) b USING (step);
RESET TimeZone;

-- The closed Saturday.
SELECT ts, value, is_anomaly, reason FROM kpi.anomalies('forecast_count') WHERE is_anomaly;
SELECT count(*) > 0 AS found FROM kpi.anomalies('forecast_count', 'hour', threshold => 0.01) WHERE is_anomaly;

-- Derived KPIs have the zone of their parts.
SELECT kpi.create_kpi('forecast_amount', 'forecast_orders', 'sum(amount)');
SELECT kpi.create_kpi('forecast_mean', NULL, '{forecast_amount} / {forecast_count}');
SELECT min(ts) FROM kpi.forecast('forecast_mean', 3);

-- What is going on is left out: orders of now, and of a day in the future.
BEGIN;
INSERT INTO orders SELECT now() - d * interval '1 day', 5 FROM generate_series(0, 29) d;
INSERT INTO orders VALUES (now() + interval '40 days', 5);
SELECT min(ts) = date_trunc('day', now(), 'Europe/Berlin') AS starts_today FROM kpi.forecast('forecast_count', 3);
SELECT max(ts) = date_trunc('hour', now(), 'Europe/Berlin') - interval '24 hours' AS ends_yesterday
FROM kpi.anomalies('forecast_count', 'hour');
ROLLBACK;

-- Mistakes: what kpi.value refuses, and a KPI without values.
\set VERBOSITY terse
SELECT kpi.forecast('forecast_cuont', 3);
SELECT kpi.forecast('forecast_count', 3, 'fortnight');
\set VERBOSITY default
\set SHOW_CONTEXT never
TRUNCATE orders;
SELECT kpi.forecast('forecast_count', 3);
SELECT kpi.anomalies('forecast_count');

SELECT kpi.drop_source('forecast_orders', cascade => true);
DROP SCHEMA forecast_code CASCADE;
