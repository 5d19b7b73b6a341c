-- A database with everything in it that a dump has to carry: captured tables of every time type, partitions, a view with a
-- refresh window, names that need quotes, derived KPIs, a source of somebody who is no superuser, touched buckets.
\set ON_ERROR_STOP on
SET timezone = 'UTC';
CREATE EXTENSION pg_kpi;
CREATE SCHEMA shop;
CREATE SCHEMA "Odd Schema";

CREATE TABLE shop.orders (id int PRIMARY KEY, at timestamptz, region text, amount numeric(12, 2), late bool);
CREATE INDEX ON shop.orders (at);
INSERT INTO shop.orders
SELECT i, timestamptz '2026-01-01 00:00Z' + (i * 37 % 40000) * interval '1 minute', (ARRAY['north', 'south', NULL])[1 + i % 3],
       i % 100 + 0.25, i % 7 = 0
FROM generate_series(1, 5000) i;

CREATE TABLE "Odd Schema"."Odd ""Table" ("When?" timestamp, "Who's" text, n int) PARTITION BY RANGE ("When?");
CREATE TABLE "Odd Schema".january PARTITION OF "Odd Schema"."Odd ""Table" FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE "Odd Schema".others PARTITION OF "Odd Schema"."Odd ""Table" DEFAULT;
INSERT INTO "Odd Schema"."Odd ""Table"
SELECT timestamp '2026-01-30 00:00' + i * interval '50 minutes', 'it''s ' || i % 4, i FROM generate_series(1, 500) i;

CREATE TABLE shop.stock (day date, item int, pieces bigint);
INSERT INTO shop.stock SELECT date '2026-01-01' + i % 90, i % 5, i FROM generate_series(1, 900) i;
CREATE VIEW shop.late_orders AS SELECT * FROM shop.orders WHERE late;

SELECT kpi.create_source('orders', 'shop.orders', 'at', ARRAY['region', 'big => amount > 50'], 'Europe/Berlin');
SELECT kpi.create_kpi('revenue', 'orders', 'sum(amount)', name => 'Revenue', description => 'what''s sold; 100 % of it',
                      unit => 'EUR', target => 1000, warn => 900);
SELECT kpi.create_kpi('orders', 'orders', 'count(*)');
SELECT kpi.create_kpi('late_share', 'orders', 'count(*) FILTER (WHERE late)::float8 / count(*)', direction => 'down');
SELECT kpi.create_kpi('basket', NULL, '{revenue} / nullif({orders}, 0)', view_schema => 'shop');
SELECT kpi.create_kpi('basket_twice', NULL, '{basket} * 2');
SELECT kpi.create_source('odd', '"Odd Schema"."Odd ""Table"', 'When?', ARRAY['Who''s'], 'Asia/Kolkata');
SELECT kpi.create_kpi('Odd "KPI', 'odd', 'avg(n)', view_schema => 'Odd Schema');
SELECT kpi.create_source('stock', 'shop.stock', 'day', '{item}');
SELECT kpi.create_kpi('pieces', 'stock', 'sum(pieces)');
SELECT kpi.create_source('late_orders', 'shop.late_orders', 'at', '{region}', refresh_window => '2 days');
SELECT kpi.create_kpi('late_revenue', 'late_orders', 'sum(amount)');

CREATE SCHEMA clerk AUTHORIZATION kpi_dump_clerk;
SET ROLE kpi_dump_clerk;
CREATE TABLE clerk.visits (at timestamptz, page text);
INSERT INTO clerk.visits SELECT timestamptz '2026-02-01Z' + i * interval '7 minutes', '/' || i % 3 FROM generate_series(1, 300) i;
SELECT kpi.create_source('visits', 'clerk.visits', 'at', '{page}');
SELECT kpi.create_kpi('visits', 'visits', 'count(*)');
RESET ROLE;
GRANT SELECT ON kpi_views.revenue TO kpi_dump_clerk;

SELECT kpi.refresh(name) FROM kpi.source ORDER BY name;
-- Not refreshed when the dump is taken:
INSERT INTO shop.orders VALUES (9001, '2026-01-15 12:00Z', 'north', 5, true), (9002, '2027-01-01 00:00Z', 'west', 6, false);
UPDATE "Odd Schema"."Odd ""Table" SET n = n + 1000 WHERE n = 7;
DELETE FROM shop.stock WHERE item = 3;
