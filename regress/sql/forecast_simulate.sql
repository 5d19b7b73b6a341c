--
-- Courses that what comes could take: what a sum or a peak of the coming days may be, which bands of single days do not say.
--

CREATE TEMP TABLE orders AS
SELECT '2026-01-05'::timestamptz + d * interval '1 day' AS day, 40 + (ARRAY[0, 2, 5, 9, 20, 30, 12])[1 + d % 7] + (d * 7919) % 11 AS orders
FROM generate_series(0, 83) d;
CREATE TEMP TABLE kept AS SELECT kpi.fit(kpi.series(day, orders), 'holt_winters', season => 7) AS model FROM orders;

-- One row for each path and step, with the times of the steps to come.
SELECT path, step, ts, value IS NOT NULL AS drawn FROM kept, kpi.simulate(model, 2, 2);

-- The same seed draws the same, another one something else.
SELECT a.value = b.value AS same, a.value = c.value AS other
FROM kept, kpi.simulate(model, 1, 1, 7) a, kpi.simulate(model, 1, 1, 7) b, kpi.simulate(model, 1, 1, 8) c;

-- Single steps are within the band as often as it says, and around the forecast.
SELECT count(*) AS steps, bool_and(inside BETWEEN 0.9 AND 0.99) AS covered, bool_and(abs(middle - f.value) < 1) AS centred
FROM kept, kpi.predict(kept.model, 7) f,
     LATERAL (SELECT avg((d.value BETWEEN f.lower AND f.upper)::int) AS inside, percentile_cont(0.5) WITHIN GROUP (ORDER BY d.value) AS middle
              FROM kpi.simulate(kept.model, 7, 2000, 3) d WHERE d.step = f.step) s;

-- A week in sum: its quantiles are not the sums of those of its days.
SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY week) < (SELECT sum(upper) FROM kept, kpi.predict(model, 7, 0.9)) AS narrower
FROM (SELECT path, sum(value) AS week FROM kept, kpi.simulate(model, 7, 2000, 3) GROUP BY path) w;

-- After a value that came, and with steps that were left out, what is drawn starts after them.
SELECT min(ts) AS first FROM kept, kpi.simulate(kpi.observe(model, '2026-03-30', 50), 2, 1);
SELECT min(ts) AS first FROM kept, kpi.simulate(kpi.observe(model, '2026-04-02', NULL), 2, 1);

-- NULL and nothing.
SELECT count(*) FROM kpi.simulate(NULL, 3);

-- Mistakes teach.
SET max_parallel_workers_per_gather = 0;
\set SHOW_CONTEXT never
SELECT kpi.simulate(model, 0) FROM kept;
SELECT kpi.simulate(model, NULL) FROM kept;
SELECT kpi.simulate(model, 10, 0) FROM kept;
SELECT kpi.simulate(model, 1000, 100000) FROM kept;
SELECT kpi.simulate(kpi.fit(kpi.series(day, orders % 2), 'adida'), 3) FROM orders;
RESET max_parallel_workers_per_gather;

DROP TABLE kept, orders;
