--
-- Why did it change? Orders by region and channel on two days: what each region adds to the change of a sum, and of a ratio,
-- where it may have changed itself or only have grown.
--
CREATE TABLE orders (at timestamptz NOT NULL, region text, channel text, amount numeric, late int, took interval);
INSERT INTO orders
SELECT '2026-05-04 09:00Z'::timestamptz + i * interval '1 minute', (ARRAY['north', 'south', NULL])[1 + i % 3],
       (ARRAY['web', 'shop'])[1 + i % 2], 10 + i % 7 + 0.1, (i % 10 = 0)::int, i % 4 * interval '1 hour'
FROM generate_series(1, 300) i;
INSERT INTO orders
SELECT '2026-05-05 09:00Z'::timestamptz + i * interval '1 minute', (ARRAY['north', 'south', 'east', 'south'])[1 + i % 4],
       (ARRAY['web', 'shop'])[1 + i % 2], 10 + i % 7 + 0.2, (i % CASE WHEN i % 2 = 0 THEN 4 ELSE 15 END = 0)::int, i % 5 * interval '1 hour'
FROM generate_series(1, 400) i;
SELECT kpi.create_source('orders', 'orders', 'at', '{region,channel}');
SELECT kpi.create_kpi('revenue', 'orders', 'sum(amount)'), kpi.create_kpi('orders', 'orders', 'count(*)'),
       kpi.create_kpi('late', 'orders', 'sum(late)'), kpi.create_kpi('late_rate', 'orders', '100.0 * sum(late) / count(*)'),
       kpi.create_kpi('on_time', 'orders', '1 - avg(late)'), kpi.create_kpi('price', 'orders', 'avg(amount)'),
       kpi.create_kpi('delay', 'orders', 'avg(took)'), kpi.create_kpi('per_order', NULL, '{revenue} / {orders}'),
       kpi.create_kpi('not_late', NULL, '{orders} - {late}'), kpi.create_kpi('of_rate', NULL, '{late_rate} * 2'),
       kpi.create_kpi('dearest', 'orders', 'max(amount)'), kpi.create_kpi('whole_rate', 'orders', 'sum(late) / count(*)');

-- A sum. NULL is a value of a dimension; a region that is new, and one that is gone, count.
SELECT dimensions, before, after, round(contribution::numeric, 6) AS contribution, round(share::numeric, 4) AS share, mix_effect
FROM kpi.explain_change('revenue', 'day', '2026-05-05 15:00Z', '{region}');
-- A ratio: mix and rate.
SELECT dimensions, round(before::numeric, 3) AS before, round(after::numeric, 3) AS after,
       round(contribution::numeric, 6) AS contribution, round(mix_effect::numeric, 6) AS mix, round(rate_effect::numeric, 6) AS rate
FROM kpi.explain_change('late_rate', 'day', '2026-05-05Z', '{region}');
-- Everything adds up to the change, to the last bit: of sums, ratios, and KPIs over others, by any dimensions, in any number of rows. Others: none.
SELECT code, by, max_rows, parts, change, effects, shares
FROM unnest('{revenue,orders,late_rate,on_time,price,delay,per_order,not_late}'::text[]) code,
     (VALUES ('{region}'::text[], 20), ('{region,channel}', 20), ('{region,channel}', 3), ('{}', 20)) w (by, max_rows),
     LATERAL (SELECT max(value) FILTER (WHERE ts = '2026-05-05Z') - max(value) FILTER (WHERE ts = '2026-05-04Z') AS change
              FROM kpi.value(code, 'day')) v,
     LATERAL (SELECT sum(contribution) AS parts, sum(mix_effect) + sum(rate_effect) AS effects, sum(share) AS shares
              FROM kpi.explain_change(code, 'day', '2026-05-05Z', by, max_rows => max_rows)) e
WHERE (parts = change AND abs(effects - change) < 1e-9 AND abs(shares - 1) < 1e-9) IS NOT TRUE;
-- The greatest ones; the rest is one row, without dimensions.
SELECT dimensions, round(contribution::numeric, 6) AS contribution
FROM kpi.explain_change('revenue', 'day', '2026-05-05Z', '{region,channel}', max_rows => 3);
SELECT dimensions, before, after FROM kpi.explain_change('orders', 'day', '2026-05-05Z', '{region}', max_rows => 1);
-- Against any other bucket, and before and after a refresh the same.
SELECT e.* FROM kpi.explain_change('orders', 'day', '2026-05-04Z', '{region}', baseline => '2026-05-05 23:00Z') e;
SELECT buckets > 0 AS refreshed FROM kpi.refresh('orders');
SELECT e.* FROM kpi.explain_change('orders', 'day', '2026-05-04Z', '{region}', baseline => '2026-05-05 23:00Z') e;
-- A bucket without rows is 0 of a sum; other periods.
SELECT e.* FROM kpi.explain_change('orders', 'day', '2026-05-04Z', '{region}') e;
SELECT e.* FROM kpi.explain_change('orders', 'week', '2026-05-06Z', '{channel}') e;
SELECT e.* FROM kpi.explain_change('orders', 'day', '2026-01-01Z', '{region}') e;
-- A role that may read the KPI may ask; another may not.
CREATE ROLE regress_kpi_reader;
SET ROLE regress_kpi_reader;
\set SHOW_CONTEXT never
SELECT count(*) FROM kpi.explain_change('orders', 'day', '2026-05-05Z', '{region}');
RESET ROLE;
GRANT SELECT ON kpi_views.orders TO regress_kpi_reader;
SET ROLE regress_kpi_reader;
SELECT count(*) FROM kpi.explain_change('orders', 'day', '2026-05-05Z', '{region}');
RESET ROLE;

-- What is refused.
SET max_parallel_workers_per_gather = 0;
SELECT kpi.explain_change('dearest', 'day', '2026-05-05Z', '{region}');
SELECT kpi.explain_change('of_rate', 'day', '2026-05-05Z', '{region}');
SELECT kpi.explain_change('whole_rate', 'day', '2026-05-05Z', '{region}');
SELECT kpi.explain_change('price', 'day', '2026-05-04Z', '{region}');
SELECT kpi.explain_change('price', 'day', '2026-05-06Z', '{region}');
SELECT kpi.explain_change('ordres', 'day', '2026-05-05Z', '{region}');
SELECT kpi.explain_change(NULL, 'day', '2026-05-05Z', '{region}');
SELECT kpi.explain_change('orders', 'fortnight', '2026-05-05Z', '{region}');
SELECT kpi.explain_change('orders', 'day', NULL, '{region}');
SELECT kpi.explain_change('orders', 'day', 'infinity', '{region}');
SELECT kpi.explain_change('orders', 'day', '2026-05-05Z', '{country}');
SELECT kpi.explain_change('orders', 'day', '2026-05-05Z', '{region}', max_rows => 0);
RESET max_parallel_workers_per_gather;
SELECT kpi.drop_kpi('per_order'), kpi.drop_kpi('not_late'), kpi.drop_kpi('of_rate');
SELECT kpi.drop_source('orders', cascade => true);
DROP ROLE regress_kpi_reader;
DROP TABLE orders;
