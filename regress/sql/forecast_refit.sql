-- Models that are kept: a KPI's models are fitted by a job, stored, and asked for forecasts in no time.
SET timezone = 'UTC';
SET max_parallel_workers_per_gather = 0;
\set SHOW_CONTEXT never
CREATE TABLE story_sale (at timestamptz, region text, amount numeric);
CREATE INDEX ON story_sale (at);
SELECT kpi.create_source('story_sale', 'story_sale', 'at', '{region}');
SELECT kpi.create_kpi('story.sales', 'story_sale', 'sum(amount)');
-- Twelve weeks of two regions up to yesterday, with a weekly season; a third one has a single day.
INSERT INTO story_sale
SELECT date_trunc('day', now()) - d * interval '1 day', r, CASE r WHEN 'east' THEN 100 ELSE 200 END + 10 * ((extract(epoch FROM now())::bigint / 86400 - d) % 7) + d % 3
FROM generate_series(1, 84) d, unnest('{east,west}'::text[]) r;
INSERT INTO story_sale VALUES (now() - interval '1 day', 'north', 5);
SELECT kpi.refit('story.sales', by => '{region}', model => 'holt_winters', season => 7);
SELECT code, period, key FROM kpi.models ORDER BY key;
-- The same as fitting it here and now.
SELECT m.key, count(*) AS steps, bool_and(p.value = f.value AND p.ts = f.ts) AS same
FROM kpi.models m
JOIN (SELECT v.dimensions, kpi.series(v.ts, v.value) AS s FROM kpi.value('story.sales', 'day', until => date_trunc('day', now()), by => '{region}') v GROUP BY 1 HAVING count(*) > 1) x
     ON x.dimensions = m.key,
     LATERAL kpi.predict(m.model, 14) p JOIN LATERAL kpi.predict(kpi.fit(x.s, 'holt_winters', 7), 14) f ON f.step = p.step
GROUP BY m.key ORDER BY m.key;

-- The job does it again and again.
SELECT kpi.create_job('story refit', 'refit', '1 day', first_run => '2100-01-01',
    config => '{"code": "story.sales", "by": ["region"], "model": "theta", "history": "60 days"}');
SELECT kpi.run_job('story refit');
SELECT key, kpi.explain(model) ->> 'model' AS model, (kpi.explain(model) -> 'values' ->> 'fitted')::int BETWEEN 59 AND 60 AS two_months FROM kpi.models ORDER BY key;
SELECT kpi.drop_job('story refit');

-- Who may not read the KPI sees none of it.
CREATE ROLE story_stranger;
SET ROLE story_stranger;
SELECT count(*) FROM kpi.models;
SELECT kpi.refit('story.sales');
RESET ROLE;
DROP ROLE story_stranger;

-- What cannot be.
SELECT kpi.refit('story.sale');
SELECT kpi.refit('story.sales', model => 'thetta');
SELECT kpi.refit('story.sales', 'fortnight');
SELECT kpi.refit('story.sales', by => '{town}');
SELECT kpi.refit(NULL);
SELECT kpi.create_job('story refit', 'refit', '1 day');
SELECT kpi.create_job('story refit', 'refit', '1 day', config => '{"code": "story.sales", "colour": 1}');
SELECT kpi.create_job('story refit', 'refit', '1 day', config => '{"code": "story.sales", "model": "thetta"}');
SELECT kpi.drop_source('story_sale', cascade => true);
SELECT count(*) FROM kpi.fitted_model;
DROP TABLE story_sale;
