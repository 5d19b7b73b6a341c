-- What pg_kpi makes of the shop: each section prints a query as a person would type it, and its output.
\set ON_ERROR_STOP on
\ir display.sql
SET timezone = 'Europe/Berlin';

\echo
\echo '== Scorecard: the last day of each KPI against its target and the day before'
\echo
\set ECHO queries
SELECT code, name, round(value::numeric, 2) AS value, unit, target, status, round(100 * change::numeric, 1) AS "change, %", trend
FROM kpi.scorecard;
\set ECHO none

\echo '== One KPI by region and day: perfect orders in per cent, a week after the winter sale'
\echo
\set ECHO queries
SELECT ts::date AS day, dimensions->>'region' AS region, round(value::numeric, 1) AS percent
FROM kpi.value('RL.1.1', 'day', '2025-01-27', '2025-02-04', by => '{region}')
ORDER BY region, day
\crosstabview region day percent
\set ECHO none

\echo '== Late rows: 150 orders of 54 days arrive, and no number is wrong at any time'
\echo
\set ECHO queries
SELECT value AS revenue_before FROM kpi.value('revenue', 'month', '2025-05-01', '2025-06-01');
INSERT INTO shop.orders SELECT * FROM shop.late_orders;
SELECT value AS from_kpi, (SELECT sum(amount) FROM shop.orders WHERE ordered_at >= '2025-05-01' AND ordered_at < '2025-06-01') AS from_rows
FROM kpi.value('revenue', 'month', '2025-05-01', '2025-06-01');
SELECT *, (SELECT count(*) FROM shop.orders) AS rows_in_table FROM kpi.refresh('orders');
\set ECHO none

\echo '== Forecast: the revenue of the next 14 days, with the band that holds 95 % of them'
\echo
\set ECHO queries
SELECT ts::date AS day, to_char(ts, 'Dy') AS weekday, round(value) AS value, round(lower) AS lower, round(upper) AS upper, model
FROM kpi.forecast('revenue', 14);
\set ECHO none

\echo '== Anomalies: days on which a KPI was not what it should have been, and why'
\echo
\set ECHO queries
SELECT code, ts::date AS day, round(score::numeric, 4) AS score, reason
FROM unnest('{revenue,error_rate,conversion,apdex,RL.1.1}'::text[]) code, kpi.anomalies(code, 'day')
WHERE is_anomaly
ORDER BY day, code;
\set ECHO none

\set dashboard 'SELECT ts, dimensions, value FROM kpi.value(''apdex'', ''day'', ''2025-01-01'', ''2025-06-30'', by => ''{region}'')'
SELECT format('SELECT date_trunc(''day'', requested_at, ''Europe/Berlin''), jsonb_build_object(''region'', region), (%s)::float8 FROM shop.requests GROUP BY 1, 2',
              formula) AS raw FROM kpi.catalog WHERE code = 'apdex' \gset
\echo '== Speed: Apdex by region and day over half a year, for a dashboard'
\echo
\ir speed.sql

\o :svg
\pset format unaligned
\pset tuples_only on
SELECT kpi.chart(s, 960, 400, 'Revenue per day, EUR', (SELECT array_agg(f) FROM kpi.forecast(s, 14) f))
FROM (SELECT kpi.series(ts, value) AS s FROM kpi.value('revenue', 'day')) revenue;
\o
\echo == :svg shows revenue with its forecast.
