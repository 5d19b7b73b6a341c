--
-- A statement's time-out ends a forecast however long the series is: the minutes of ten weeks, of which these models would make
-- passes for many seconds.
--
CREATE TEMP TABLE minutes AS
SELECT kpi.series('2026-01-01 00:00Z'::timestamptz + i * interval '1 minute',
                  100 + 20 * sin(i * pi() / 720) + i * 7919 % 1009 / 50.0) AS s
FROM generate_series(0, 99999) i;
SET statement_timeout = '200ms';
SELECT count(*) FROM minutes, kpi.forecast(s, 10, 'ets', season => 24);
SELECT count(*) FROM minutes, kpi.forecast(s, 10, 'ces', season => 24);
SELECT count(*) FROM minutes, kpi.forecast(s, 10, 'arima', season => 24);
SELECT count(*) FROM minutes, kpi.forecast(s, 10, 'mstl', season => 1440);
SELECT count(*) FROM minutes, kpi.forecast(s, 10, 'ensemble', season => 24);
SELECT count(*) FROM minutes, kpi.forecast(s, 10, 'auto', season => 24);
RESET statement_timeout;
-- The session goes on.
SELECT count(*) FROM minutes, kpi.forecast(s, 10, 'naive', season => 24);
