--
-- Where a series becomes another one: its level, its scatter, its slope.
--
CREATE TEMP TABLE noise AS
SELECT i, '2026-01-01 00:00Z'::timestamptz + i * interval '1 hour' AS ts,
       (i * 7919 % 97 / 48.5 - 1) + (i * 104729 % 89 / 44.5 - 1) + (i * 611953 % 83 / 41.5 - 1) AS e
FROM generate_series(0, 599) i;

-- A level that rises by five and falls back a little: by each method, with the levels on both sides.
SELECT m.method, c.ts, c.kind, c.confidence > 0.99 AS sure, round(c.mean_before::numeric) AS before, round(c.mean_after::numeric) AS after
FROM (SELECT kpi.series(ts, 100 + e + CASE WHEN i < 200 THEN 0 WHEN i < 400 THEN 5 ELSE 3 END) AS s FROM noise) x,
     unnest('{pelt,binseg,bocpd}'::text[]) WITH ORDINALITY m (method, place), kpi.changepoints(s, m.method) c
ORDER BY m.place, c.ts;

-- Why, in words.
SELECT c.reason
FROM (SELECT kpi.series(ts, round((100 + e + CASE WHEN i < 200 THEN 0 ELSE 5 END)::numeric, 2)::float8) AS s FROM noise) x, kpi.changepoints(s) c;

-- Scatter and slope need a cost of their own.
SELECT o.cost, c.kind, abs(extract(epoch FROM c.ts - '2026-01-13 12:00Z')) / 3600 <= 12 AS near,
       round((c.sd_after / c.sd_before)::numeric) AS times
FROM (SELECT kpi.series(ts, 100 + e * CASE WHEN i < 300 THEN 1 ELSE 4 END) AS s FROM noise) x,
     unnest('{variance,mean_variance}'::text[]) o (cost), kpi.changepoints(s, cost => o.cost) c ORDER BY o.cost, c.ts;
SELECT c.kind, abs(extract(epoch FROM c.ts - '2026-01-13 12:00Z')) / 3600 <= 12 AS near,
       round(c.slope_before::numeric, 1) AS slope_before, round(c.slope_after::numeric, 1) AS slope_after
FROM (SELECT kpi.series(ts, e + CASE WHEN i < 300 THEN 0.1 * i ELSE 30 - 0.2 * (i - 300) END) AS s FROM noise) x,
     kpi.changepoints(s, cost => 'trend') c;

-- A larger penalty asks for more, a smaller one for less; a segment has at least as many values as asked for.
SELECT p.penalty, p.min_size, c.found
FROM (SELECT kpi.series(ts, 100 + e + CASE WHEN i BETWEEN 300 AND 319 THEN 6 ELSE 0 END) AS s FROM noise) x
     CROSS JOIN (VALUES (NULL::float8, NULL::int), (10000, NULL), (NULL, 250)) p (penalty, min_size)
     CROSS JOIN LATERAL (SELECT count(*) AS found FROM kpi.changepoints(x.s, penalty => p.penalty, min_size => p.min_size)) c
ORDER BY p.penalty, p.min_size;

-- Noise, a constant, a line, few values and no series have none.
SELECT count(c.ts) AS found
FROM (SELECT kpi.series(ts, e) AS s FROM noise UNION ALL SELECT kpi.series(ts, 5) FROM noise
      UNION ALL SELECT kpi.series(ts, e) FROM noise WHERE i < 3 UNION ALL SELECT NULL) x, kpi.changepoints(s) c;
SELECT count(*) AS found FROM (SELECT kpi.series(ts, e + 0.1 * i) AS s FROM noise) x, kpi.changepoints(s, cost => 'trend') c;

-- Gaps belong to no segment; without a regular step the order counts.
SELECT c.ts, c.count_before, c.count_after
FROM (SELECT kpi.series(ts, CASE WHEN i % 50 <> 7 THEN e + CASE WHEN i < 200 THEN 0 ELSE 5 END END) AS s FROM noise) x, kpi.changepoints(s) c;
SELECT c.count_before, c.count_after
FROM (SELECT kpi.series('2026-01-01 00:00Z'::timestamptz + i * i * interval '1 second', e + CASE WHEN i < 200 THEN 0 ELSE 5 END) AS s FROM noise) x,
     kpi.changepoints(s) c;
