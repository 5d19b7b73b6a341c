--
-- Series that are not perfect: gaps, missing rows, times a little off, constants, NaN, and what happens then.
--
-- Hours of two weeks with a day of nothing in the middle and every tenth hour missing: step and season are still found.
CREATE TEMP TABLE hours AS
SELECT '2026-03-01 00:00Z'::timestamptz + h * interval '1 hour' AS ts,
       CASE WHEN h BETWEEN 150 AND 173 THEN NULL ELSE 100 + 50 * sin(h * pi() / 12) + h % 3 END AS load
FROM generate_series(0, 335) h WHERE h % 10 <> 7;
SELECT kpi.frequency(kpi.series(ts, load)) FROM hours;
SELECT min(f.ts) AS first, max(f.ts) AS last,
       max(abs(f.value - (100 + 50 * sin((335 + f.step) * pi() / 12)))) < 6 AS right_shape
FROM (SELECT kpi.series(ts, load) AS s FROM hours) x, kpi.forecast(s, 24) f;

-- Gaps at the end are forecast over: step 1 comes after the last point, not after the last value.
SELECT f.step, f.ts, f.value
FROM kpi.forecast('[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 2], ["2026-01-03T00:00:00Z", 3],
    ["2026-01-04T00:00:00Z", null], ["2026-01-05T00:00:00Z", null]]'::kpi.series, 2, 'drift') f;

-- NaN and infinities are gaps.
SELECT f.value, f.lower, f.upper
FROM (SELECT kpi.series('2026-01-01 00:00Z'::timestamptz + d * interval '1 day',
             CASE d WHEN 3 THEN 'NaN' WHEN 5 THEN 'Infinity' WHEN 7 THEN '-Infinity' ELSE 5::float8 END) AS s
      FROM generate_series(0, 9) d) x, kpi.forecast(s, 1) f;

-- Times a few seconds off the minute.
SELECT count(*) AS steps, min(f.ts) AS first, max(f.value) AS value
FROM (SELECT kpi.series('2026-01-01 00:00Z'::timestamptz + m * interval '1 minute'
             + CASE WHEN m < 90 AND m % 9 = 0 THEN interval '3 seconds' ELSE '0' END, 7) AS s
      FROM generate_series(0, 99) m) x, kpi.forecast(s, 5) f;

-- A constant is forecast as that constant, and the band has no width.
SELECT DISTINCT m.model, f.value, f.lower, f.upper
FROM (SELECT kpi.series('2026-01-01 00:00Z'::timestamptz + d * interval '1 day', 12) AS s FROM generate_series(0, 29) d) x,
     unnest('{auto,naive,seasonal_naive,seasonal_smoothing,drift,theta}'::text[]) m (model),
     kpi.forecast(s, 50, m.model, season => 7) f
ORDER BY m.model;

-- No series, no forecast.
SELECT count(*) FROM kpi.forecast(NULL::kpi.series, 3);

-- The largest horizon, with no value that is not a number.
SELECT count(*), bool_and(f.value = f.value AND f.lower <= f.value AND f.value <= f.upper AND f.upper < 'Infinity') AS sound
FROM (SELECT kpi.series(ts, load) AS s FROM hours) x, kpi.forecast(s, 100000) f;
