--
-- A café's daily guests over twelve weeks, busy at the end of the week and growing by one guest a week:
-- what each model makes of them, and how the times and the bands of a forecast come about.
--
CREATE TEMP TABLE guests AS
SELECT '2026-01-05 00:00Z'::timestamptz + d * interval '1 day' AS ts,
       (ARRAY[40, 42, 45, 50, 80, 95, 60])[1 + d % 7] + d / 7 + (d * d % 5) - 2 AS guests
FROM generate_series(0, 83) d;
CREATE TEMP TABLE history AS SELECT kpi.series(ts, guests) AS s FROM guests;

-- Next week. The season of seven days and the model are found from the data.
SELECT f.step, f.ts::date AS day, to_char(f.ts, 'Dy') AS weekday, round(f.value::numeric, 1) AS value,
       f.lower < f.value AND f.value < f.upper AS inside, f.model
FROM history, kpi.forecast(s, 7) f;

-- The models by name. Naive repeats the last value, drift goes on as from the first value to the last, seasonal_naive
-- repeats the last week, the others smooth.
SELECT m.model, array_agg(round(f.value::numeric, 1) ORDER BY f.step) AS next_four_days
FROM history, unnest('{naive,seasonal_naive,seasonal_smoothing,drift,theta}'::text[]) WITH ORDINALITY m (model, place),
     kpi.forecast(s, 4, m.model) f
WHERE f.model = m.model
GROUP BY m.model, m.place ORDER BY m.place;

-- The textbook: four values, naive forecasts 4 with sigma = sqrt((4 + 1 + 4) / 3); drift adds (4 - 1) / 3 a step.
SELECT f.step, f.value, round(((f.upper - f.value) / 1.959964)::numeric, 4) AS sigma,
       round(sqrt(3.0 * f.step), 4) AS by_the_book
FROM kpi.forecast('[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 3], ["2026-01-03T00:00:00Z", 2],
    ["2026-01-04T00:00:00Z", 4]]'::kpi.series, 3, model => 'naive') f;
SELECT f.step, f.value
FROM kpi.forecast('[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 3], ["2026-01-03T00:00:00Z", 2],
    ["2026-01-04T00:00:00Z", 4]]'::kpi.series, 3, model => 'drift') f;

-- A higher level gives a wider band, and the band widens with the horizon.
SELECT bool_and(wide.upper - wide.lower > narrow.upper - narrow.lower) AS wider_with_level,
       bool_and(wide.upper - wide.lower >= before.upper - before.lower) FILTER (WHERE wide.step > 1) AS wider_with_step
FROM history, kpi.forecast(s, 20, 'naive', level => 0.99) wide
JOIN history h2 ON true JOIN LATERAL kpi.forecast(h2.s, 20, 'naive', level => 0.5) narrow USING (step)
JOIN history h3 ON true LEFT JOIN LATERAL kpi.forecast(h3.s, 20, 'naive', level => 0.99) before ON before.step = wide.step - 1;

-- Months are months: month ends go on as month ends, of whatever length.
SELECT f.ts::date, f.value
FROM (SELECT kpi.series(('2025-01-01'::date + m * interval '1 month' - interval '1 day')::date::timestamptz, m) AS s
      FROM generate_series(1, 13) m) x, kpi.forecast(s, 4, 'drift') f;

-- Days are days of the session's time zone: the clock changes on 29 March, and the forecast stays at midnight.
SET TimeZone = 'Europe/Berlin';
SELECT f.ts, f.value
FROM (SELECT kpi.series('2026-03-01'::timestamptz + d * interval '1 day', d) AS s FROM generate_series(0, 26) d) x,
     kpi.forecast(s, 4, 'naive') f;
RESET TimeZone;

-- Many series at once.
SELECT parity, round(avg(f.value)::numeric, 2) AS mean
FROM (SELECT g % 2 AS parity, kpi.series('2026-01-01 00:00Z'::timestamptz + g / 2 * interval '1 hour', g % 2) AS s
      FROM generate_series(0, 99) g GROUP BY g % 2) x, kpi.forecast(s, 24) f
GROUP BY parity ORDER BY parity;
