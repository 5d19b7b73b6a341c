-- Life goes on: capture, refresh, definitions of new sources and KPIs. Every answer is compared with plain SQL.
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE FUNCTION pg_temp.revenue_is_exact() RETURNS bool LANGUAGE sql AS $$
    SELECT count(*) = 0 FROM kpi.value('revenue', 'day', by => '{region}') k
    FULL JOIN (SELECT date_trunc('day', at, 'Europe/Berlin') AS ts, jsonb_build_object('region', region) AS dimensions,
                      sum(amount)::float8 AS value FROM shop.orders GROUP BY 1, region) p USING (ts, dimensions)
    WHERE k.value IS DISTINCT FROM p.value
$$;
SELECT 'exact before a write', pg_temp.revenue_is_exact();
INSERT INTO shop.orders VALUES (9100, '2026-01-20 12:00Z', 'south', 1000, false);
INSERT INTO "Odd Schema".january VALUES ('2026-01-05 00:00', 'new', 77);
TRUNCATE "Odd Schema".others;
SELECT 'exact after a write', pg_temp.revenue_is_exact();
SELECT 'touched', source, touched_buckets IS DISTINCT FROM 0 FROM kpi.rollup_status WHERE source IN ('orders', 'odd') ORDER BY source;
SELECT 'partition', ts, value FROM kpi.value('Odd "KPI', 'month') ORDER BY ts;
SELECT 'refreshed', count(*) FROM kpi.source, kpi.refresh(name);
SELECT 'untouched', source, touched_buckets FROM kpi.rollup_status WHERE source <> 'late_orders' ORDER BY source;
SELECT 'exact after a refresh', pg_temp.revenue_is_exact();
SELECT 'partition', ts, value FROM kpi.value('Odd "KPI', 'month') ORDER BY ts;
SELECT 'alter', kpi.alter_kpi('revenue', target => 7);
CREATE TABLE shop.parcels (at timestamptz);
SELECT 'new source', kpi.create_source('parcels', 'shop.parcels', 'at') IS NOT NULL;
SELECT 'new KPI', kpi.create_kpi('parcels', 'parcels', 'count(*)') IS NOT NULL;
SELECT 'new KPI on an old source', kpi.create_kpi('most', 'orders', 'max(amount)') IS NOT NULL;
INSERT INTO shop.parcels VALUES ('2026-05-01Z');
SELECT 'parcels', ts, value FROM kpi.value('parcels', 'day');
SELECT 'most', ts, value FROM kpi.value('most', 'year') ORDER BY ts;
SELECT 'drop', kpi.drop_kpi('basket_twice') IS NOT NULL;
SELECT 'codes', string_agg(code, ', ' ORDER BY code) FROM kpi.catalog;
SET ROLE kpi_dump_clerk;
INSERT INTO clerk.visits VALUES ('2026-03-01Z', '/buy');
SELECT 'clerk', ts, value FROM kpi.value('visits', 'month') ORDER BY ts;
SELECT 'clerk refreshes', buckets > 0 FROM kpi.refresh('visits');
SELECT 'clerk reads', count(*) > 0 FROM kpi.value('revenue', 'month');
RESET ROLE;
