--
-- Seasons that are long, several, or of no whole number of steps: tbats draws each by as many waves as it takes.
--

CREATE TEMP TABLE load AS
SELECT '2026-01-05'::timestamptz + h * interval '1 hour' AS hour,
       200 + 40 * sin(h * pi() / 12) + 25 * cos(h * pi() / 84) + (h * 7919) % 7 AS load
FROM generate_series(0, 167 * 4) h;

-- Both seasons at once, and on what they leave an arima.
SELECT f.step, f.model, abs(f.value - (203 + 40 * sin((668 + f.step) * pi() / 12) + 25 * cos((668 + f.step) * pi() / 84))) < 5 AS near,
       f.lower < f.value AND f.value < f.upper AS inside
FROM (SELECT kpi.series(hour, load) AS s FROM load) x, kpi.forecast(s, 48, 'tbats', season => '{24,168}') f
WHERE f.step IN (1, 12, 48);

-- Without a season all are tried that the calendar suggests and that fit twice.
SELECT count(*) AS steps, max(abs(f.value - (203 + 40 * sin((668 + f.step) * pi() / 12) + 25 * cos((668 + f.step) * pi() / 84)))) < 5 AS near
FROM (SELECT kpi.series(hour, load) AS s FROM load) x, kpi.forecast(s, 168, 'tbats') f;

-- It is kept and carried on like others: the waves stay, the rest goes on.
SELECT e ->> 'model' AS model, p.step, p.ts
FROM (SELECT kpi.fit(kpi.series(hour, load), 'tbats', season => 24) AS model FROM load) x, kpi.explain(model) e,
     kpi.predict(kpi.observe(model, '2026-02-01 21:00', 200), 1) p;

-- As one of a mean, and without any season.
SELECT f.model, count(*) FROM (SELECT kpi.series(hour, load) AS s FROM load) x, kpi.forecast(s, 3, 'naive+tbats', season => 24) f GROUP BY 1;
SELECT f.model, count(*) FROM (SELECT kpi.series(hour, 5) AS s FROM load) x, kpi.forecast(s, 3, 'tbats', season => 1) f GROUP BY 1;

-- Mistakes teach.
SET max_parallel_workers_per_gather = 0;
\set SHOW_CONTEXT never
SELECT kpi.forecast(kpi.series(hour, load), 3, 'tbats') FROM load WHERE hour < '2026-01-05 03:00';
SELECT kpi.forecast(kpi.series(hour, load), 3, 'tbats', season => 400) FROM load;
RESET max_parallel_workers_per_gather;

DROP TABLE load;
