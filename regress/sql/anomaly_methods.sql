--
-- The same history looked at by each method: a week of half hours with a daily course, in which one value is far too high. What a
-- method expects differs; the threshold means the same for all of them.
--
CREATE TEMP TABLE history AS
SELECT kpi.series('2026-03-02 00:00Z'::timestamptz + i * interval '30 minutes',
                  round((100 + 20 * sin(i * pi() / 24) + (i * 7919 % 97 / 48.5 - 1) + (i * 104729 % 89 / 44.5 - 1)
                         + (i * 611953 % 83 / 41.5 - 1) + CASE i WHEN 300 THEN 40 ELSE 0 END)::numeric, 3)::float8) AS s
FROM generate_series(0, 671) i;
CREATE TEMP TABLE method AS
SELECT * FROM unnest('{auto,robust_zscore,zscore,mad,iqr,esd,stl,forecast,ewma,cusum,spectral_residual,matrix_profile,sub_pca,isolation_forest}'::text[])
    WITH ORDINALITY m (method, place);

-- Every method finds it, within half a window of the place, and calls the rest usual; but for the forest, to which what lies beyond all others
-- is alone after as few splits however far it lies: it has the highest score, and that is not beyond 0.999.
SELECT m.method, bool_or(a.is_anomaly) FILTER (WHERE abs(extract(epoch FROM a.ts - '2026-03-08 06:00Z')) <= 24 * 1800) AS found,
       count(*) FILTER (WHERE a.is_anomaly AND abs(extract(epoch FROM a.ts - '2026-03-08 06:00Z')) > 24 * 1800) <= 5 AS few_others,
       bool_and(a.score BETWEEN 0 AND 1) AS in_range,
       bool_and(a.is_anomaly = (a.score > 0.999)) AS by_threshold,
       bool_and(a.is_anomaly = (a.kind IS NOT NULL) AND a.is_anomaly = (a.reason IS NOT NULL)) AS with_reason
FROM history, method m, kpi.anomalies(s, m.method) a
GROUP BY m.place, m.method ORDER BY m.place;

-- What is said of it.
SELECT m.method, a.kind, a.reason
FROM history, method m, LATERAL (
    SELECT * FROM kpi.anomalies(s, m.method) a
    WHERE a.is_anomaly ORDER BY abs(extract(epoch FROM a.ts - '2026-03-08 06:00Z')) LIMIT 1) a
ORDER BY m.place;

-- Methods that judge a window or a spectrum expect no value, or have no band.
SELECT m.method, count(a.expected) > 0 AS expects, count(a.lower) > 0 AS has_band
FROM history, method m, kpi.anomalies(s, m.method) a GROUP BY m.place, m.method ORDER BY m.place;

-- Options belong to methods: charts with the zone rules, another model, a window.
SELECT o.method, o.options, bool_or(a.is_anomaly) AS found
FROM history, (VALUES
    (1, 'ewma', '{"lambda": 0.4}'), (2, 'ewma', '{"western_electric": true}'), (3, 'cusum', '{"slack": 1}'),
    (4, 'esd', '{"max_share": 0.02}'), (5, 'forecast', '{"model": "theta"}'), (6, 'matrix_profile', '{"window": 24}'),
    (7, 'sub_pca', '{"window": 12, "components": 2}'), (8, 'isolation_forest', '{"trees": 50, "sample": 128, "seed": 7, "window": 2}'),
    (9, 'spectral_residual', '{"window": 256}'), (10, 'auto', '{"window": null}'),
    (11, 'forecast', '{"model": "prophet"}')) o (place, method, options),
    kpi.anomalies(s, o.method, options => o.options::jsonb) a
GROUP BY o.place, o.method, o.options ORDER BY o.place;

-- A forest is the same on every run.
SELECT count(*) AS differences
FROM history, kpi.anomalies(s, 'isolation_forest') a
    FULL JOIN (SELECT b.* FROM history, kpi.anomalies(s, 'isolation_forest') b) b USING (ts)
WHERE a.score IS DISTINCT FROM b.score;

-- By KPI, with the time zone of its source.
CREATE TABLE visit (at timestamptz, visitors int);
INSERT INTO visit SELECT '2026-01-05 00:00Z'::timestamptz + d * interval '1 day', 100 + 40 * (d % 7 / 5) + d * 31 % 11 + CASE d WHEN 50 THEN 300 ELSE 0 END
FROM generate_series(0, 90) d;
SELECT kpi.create_source('visits', 'visit', 'at');
SELECT kpi.create_kpi('visitors', 'visits', 'sum(visitors)');
SELECT a.ts, a.value, a.kind FROM kpi.anomalies('visitors', 'day', 'mad', direction => 'up') a WHERE a.is_anomaly;
SET client_min_messages = warning;
SELECT kpi.drop_source('visits', cascade => true);
RESET client_min_messages;
DROP TABLE visit;
