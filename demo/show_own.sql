-- What pg_kpi makes of a person's own data: the sections of show_shop.sql. own_data.sql has set period, since, until and
-- dimensions.
\set ON_ERROR_STOP on
\ir display.sql

-- Three or four digits are enough to read; the first dimension breaks the sum down.
SELECT count(value) >= 3 AS enough, greatest(0, 3 - floor(log(coalesce(nullif(max(abs(value)), 0), 1)))::int) AS digits
FROM kpi.value('own_sum', :'period', :'since', :'until') \gset
SELECT coalesce(quote_literal(dimension), 'NULL') AS dimension, coalesce(dimension || ' and ', '') || :'period' AS by,
       coalesce('{' || quote_ident(dimension) || '}', '{}') AS dims,
       to_char(greatest(timestamptz :'since', timestamptz :'until' - 7 * ('1 ' || :'period')::interval), 'YYYY-MM-DD HH24:MI') AS recently
FROM (SELECT (:'dimensions'::text[])[1] AS dimension) d \gset

\echo
\echo == Scorecard: the last :period of each KPI against the :period before
\echo
\set ECHO queries
SELECT code, name, ts, round(value::numeric, :digits) AS value, round(100 * change::numeric, 1) AS "change, %", trend
FROM kpi.scorecard(:'period', :'until')
WHERE code IN ('own_sum', 'own_avg');
\set ECHO none

\echo == One KPI by :by
\echo
\set ECHO queries
SELECT ts, dimensions, round(value::numeric, :digits) AS value
FROM kpi.value('own_sum', :'period', :'recently', :'until', by => :'dims')
ORDER BY ts, dimensions
LIMIT 40;
\set ECHO none

\if :enough
\echo == Forecast: the sum of the next 14 periods, with the band that holds 95 % of them
\echo
\set ECHO queries
SELECT ts, round(value::numeric, :digits) AS value, round(lower::numeric, :digits) AS lower, round(upper::numeric, :digits) AS upper, model
FROM kpi.forecast((SELECT kpi.series(ts, value) FROM kpi.value('own_sum', :'period', :'since', :'until')), 14);
\set ECHO none

\echo == Anomalies: when the sum was not what it should have been, and why
\echo
\pset footer on
\set ECHO queries
SELECT ts, round(value::numeric, :digits) AS value, round(expected::numeric, :digits) AS expected, round(score::numeric, 4) AS score, reason
FROM kpi.anomalies((SELECT kpi.series(ts, value) FROM kpi.value('own_sum', :'period', :'since', :'until')))
WHERE is_anomaly
ORDER BY score DESC, ts
LIMIT 20;
\set ECHO none
\pset footer off
\else
\echo 'No forecast and no anomalies: they need at least three periods with values.'
\echo
\endif

\echo == Speed: the average by :by, for a dashboard
\echo
SELECT format('SELECT ts, dimensions, value FROM kpi.value(''own_avg'', %L, %L, %L, by => %L)', :'period', :'since', :'until', :'dims') AS dashboard,
       format('SELECT date_trunc(%L, time), %s, avg(value)::float8 FROM own.data WHERE time >= %L AND time < %L GROUP BY 1, 2', :'period',
              CASE WHEN :dimension IS NULL THEN '''{}''::jsonb' ELSE format('jsonb_build_object(%L, %I)', :dimension, coalesce(:dimension, '')) END,
              :'since', :'until') AS raw \gset
\ir speed.sql

\o :svg
\pset format unaligned
\pset tuples_only on
SELECT kpi.chart(s, 960, 400, 'Sum of value by ' || :'period', CASE WHEN :'enough' THEN ARRAY(SELECT f FROM kpi.forecast(s, 14) f) END)
FROM (SELECT kpi.series(ts, value) AS s FROM kpi.value('own_sum', :'period', :'since', :'until')) own;
\o
\echo == :svg shows the sum.
