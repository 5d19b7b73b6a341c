--
-- An ice-cream stand: what it sells depends on the weekday, on how warm it is, and on public holidays. The forecast of the weather is known,
-- and so is the calendar.
--
CREATE TEMP TABLE days AS
SELECT d, '2026-01-05 00:00Z'::timestamptz + d * interval '1 day' AS ts, 15 + (d * d * 7 + d * 3) % 13 AS celsius,
       ('2026-01-05'::date + d) = ANY ('{2026-01-26,2026-02-17,2026-03-08,2026-04-03,2026-04-30}'::date[]) AS is_holiday
FROM generate_series(0, 125) d;
CREATE TEMP TABLE sales AS
SELECT d, ts, 100 + (ARRAY[0, 5, 5, 10, 20, 60, 50])[1 + d % 7] + 4 * celsius + 45 * is_holiday::int + (d * d * d % 7) - 3 AS sold FROM days;
CREATE TEMP TABLE known AS
SELECT (SELECT kpi.series(ts, sold) FROM sales WHERE d < 112) AS s, (SELECT kpi.series(ts, celsius) FROM days) AS celsius,
       '{2026-01-26,2026-02-17,2026-03-08,2026-04-03,2026-04-30}'::date[] AS holidays;

-- With what is known the error is small, without it is not.
SELECT m.model, f.model AS used, round(avg(abs(f.value - x.sold)) / 3) AS error, bool_or(x.sold BETWEEN f.lower AND f.upper) AS held
FROM known, unnest('{auto,arima,prophet}'::text[]) m (model), kpi.forecast(s, 14, m.model, regressors => ARRAY[celsius], holidays => holidays) f JOIN sales x USING (ts)
GROUP BY 1, 2 ORDER BY 1;
SELECT m.model, avg(abs(f.value - x.sold)) > 5 AS off
FROM known, unnest('{auto,arima,prophet}'::text[]) m (model), kpi.forecast(s, 14, m.model) f JOIN sales x USING (ts) GROUP BY 1 ORDER BY 1;

-- A holiday is worth what it was worth, to the step; every way to call it says the same.
SELECT f.ts::date, abs(f.value - p.value - 45) < 5 AS worth
FROM known, kpi.forecast(s, 14, 'arima', regressors => ARRAY[celsius], holidays => holidays) f
JOIN LATERAL kpi.forecast(s, 14, 'arima', regressors => ARRAY[celsius], holidays => array_remove(holidays, '2026-04-30')) p USING (ts)
WHERE abs(f.value - p.value) > 1;
SELECT count(*), count(DISTINCT value) FROM known, LATERAL (
    SELECT f.step, f.value FROM kpi.forecast(s, 3, 'prophet', holidays => holidays) f
    UNION ALL SELECT f.step, f.value FROM kpi.forecast(s, 3, 'prophet', NULL::float8, NULL, NULL, NULL, holidays) f
    UNION ALL SELECT f.step, f.value FROM kpi.forecast(s, 3, model => 'prophet', holidays => holidays, holiday_window => '{0,0}') f
    UNION ALL SELECT f.step, f.value FROM kpi.forecast(s, 3, 'prophet', regressors => '{}', holidays => holidays) f) all_ways;
SELECT count(*) FROM known, kpi.forecast(s, 3, regressors => ARRAY[celsius]) f WHERE f.model LIKE '% with regressors';
SELECT count(*) FROM known, kpi.forecast(s, 3, holidays => holidays, holiday_window => '{-1,1}', season => 7, options => '{"non_negative": true}') f
WHERE f.model LIKE '% with regressors';
-- Several levels at once, and folds of the past, which know what came besides.
SELECT f.level, count(*), bool_and(f.value = p.value) AS same, bool_and(f.level <> 0.95 OR f.lower = p.lower AND f.upper = p.upper) AS band
FROM known, kpi.forecast(s, 5, 'arima', level => ARRAY[0.5, 0.95], regressors => ARRAY[celsius], holidays => holidays) f
JOIN LATERAL kpi.forecast(s, 5, 'arima', regressors => ARRAY[celsius], holidays => holidays) p USING (step) GROUP BY 1 ORDER BY 1;
SELECT count(*), min(model) LIKE '% with regressors' AS used
FROM known, kpi.forecast(s, 5, 'auto', level => ARRAY[0.5, 0.95], regressors => ARRAY[celsius], holidays => holidays, holiday_window => '{0,0}') f;
SELECT b.model, min(b.used) AS used, count(*), avg(b.mae) < 4 AS near
FROM known, kpi.backtest(s, 7, 3, '{auto,arima,prophet}', regressors => ARRAY[celsius], holidays => holidays) b GROUP BY 1 ORDER BY 1;
SELECT b.model, avg(b.mae) < 4 AS near FROM known, kpi.backtest(s, 7, 3, '{auto,arima,prophet}') b GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM known, kpi.forecast(NULL::kpi.series, 3, 'prophet', regressors => ARRAY[celsius]) f;

-- Hours of a holiday are those of its day in the time zone of the session, and a day that it takes effect before is a window.
CREATE TEMP TABLE hours AS
SELECT kpi.series(ts, 10 + 5 * (ts >= '2026-03-02 00:00+09' AND ts < '2026-03-03 00:00+09')::int + (h % 3)) AS s
FROM generate_series(0, 239) h, LATERAL (SELECT '2026-03-01 00:00Z'::timestamptz + h * interval '1 hour') t (ts);
SET TIME ZONE 'Asia/Tokyo';
SELECT to_char(f.ts, 'DD HH24') AS hour, round(f.value) AS value
FROM hours, kpi.forecast(s, 32, 'prophet', holidays => '{2026-03-02,2026-03-12}', season => 3) f WHERE f.step % 4 = 1;
SET TIME ZONE 'UTC';

-- Weeks in which nothing is known besides, prophet by name: seasons are those of the calendar.
SELECT f.model, bool_and(abs(f.value - x.sold) < 60) AS near FROM known, kpi.forecast(s, 14, 'prophet') f JOIN sales x USING (ts) GROUP BY 1;

-- What is refused.
\set SHOW_CONTEXT never
SET max_parallel_workers_per_gather = 0;
SELECT * FROM known, kpi.forecast(s, 20, 'arima', regressors => ARRAY[celsius]);
SELECT * FROM known, kpi.forecast(s, 14, 'arima', regressors => ARRAY[celsius, NULL]);
SELECT * FROM known, kpi.forecast(s, 14, 'arima', regressors => ARRAY[celsius, celsius]);
SELECT * FROM known, kpi.forecast(s, 14, 'prophet', regressors => ARRAY[(SELECT kpi.series(ts, 0) FROM days)]);
SELECT * FROM known, kpi.forecast(s, 14, 'theta', regressors => ARRAY[celsius]);
SELECT * FROM known, kpi.forecast(s, 20, 'arima', level => ARRAY[0.5], regressors => ARRAY[celsius]);
SELECT * FROM known, kpi.backtest(s, 7, models => '{theta}', regressors => ARRAY[celsius]);
SELECT * FROM known, kpi.backtest(s, 7, regressors => ARRAY[(SELECT kpi.series(ts, celsius) FROM days WHERE d < 50)]);
SELECT * FROM known, kpi.forecast(s, 14, holidays => '{2027-01-01}');
SELECT * FROM known, kpi.forecast(s, 14, holidays => '{infinity}');
SELECT * FROM known, kpi.forecast(s, 14, holidays => holidays, holiday_window => '{1,-1}');
SELECT * FROM known, kpi.forecast(s, 14, holidays => holidays, holiday_window => '{1}');
SELECT * FROM known, kpi.forecast(s, 0, holidays => holidays);
SELECT * FROM known, kpi.forecast(s, 14, regressors => array_fill(celsius, ARRAY[51]));
RESET max_parallel_workers_per_gather;
DROP TABLE days, sales, known, hours;
