-- Everything that the KPIs of shop.sql say, as sorted text.
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
SELECT code, period, v.ts, v.dimensions, v.value
FROM kpi.catalog, unnest('{day,week,month,year}'::text[]) period, kpi.value(code, period) v
ORDER BY code, period, v.ts;
SELECT code, ts, dimensions, value
FROM (VALUES ('revenue', '{region,big}'::text[]), ('basket_twice', '{region}'), ('Odd "KPI', '{Who''s}'), ('pieces', '{item}'),
             ('late_revenue', '{region}'), ('visits', '{page}')) asked (code, by), kpi.value(code, 'day', by => by)
ORDER BY code, ts, dimensions::text;
SELECT code, ts, dimensions, value, target, status FROM kpi.values_day ORDER BY code, ts, dimensions::text;
SELECT code, ts, dimensions, value FROM kpi.values_hour ORDER BY code, ts, dimensions::text;
SELECT * FROM kpi_views.revenue ORDER BY revenue::text;
SELECT * FROM shop.basket ORDER BY basket::text;
