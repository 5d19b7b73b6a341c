--
-- A KPI depends on its table as a view does: what would break it is refused or, with CASCADE, takes it along; what does
-- not break it, such as another name, it follows.
--
CREATE SCHEMA catalog_dependencies;
SET search_path = catalog_dependencies;
-- Notices about what CASCADE drops are in an order that PostgreSQL does not promise.
SET client_min_messages = warning;
\set VERBOSITY terse

CREATE TABLE orders (id int, at timestamptz, region text, amount numeric, spare int);
INSERT INTO orders VALUES (1, '2026-01-01 00:00Z', 'north', 10, 0), (2, '2026-01-02 00:00Z', 'south', 20, 0);
SELECT kpi.create_source('deps', 'orders', 'at', ARRAY['area => upper(region)']);
SELECT kpi.create_kpi('deps_amount', 'deps', 'sum(amount)', name => 'Amount', unit => 'EUR', target => 5);
SELECT kpi.create_kpi('deps_orders', 'deps', 'count(*)');
SELECT kpi.create_kpi('deps_basket', NULL, '{deps_amount} / nullif({deps_orders}, 0)');
SELECT rows_read FROM kpi.refresh('deps');
\set ours 'SELECT code FROM kpi.catalog WHERE code LIKE ''deps%'' ORDER BY code;'
\set values 'SELECT ts::date, dimensions, value FROM kpi.value(''deps_basket'', ''day'', by => ''{area}'') ORDER BY ts, dimensions;'
:values

-- Other names: of the table, of its columns, of its schema
ALTER TABLE orders RENAME TO purchases;
ALTER TABLE purchases RENAME amount TO total;
ALTER TABLE purchases RENAME region TO district;
ALTER TABLE purchases RENAME at TO moment;
CREATE SCHEMA catalog_dependencies_moved;
ALTER TABLE purchases SET SCHEMA catalog_dependencies_moved;
:values
INSERT INTO catalog_dependencies_moved.purchases VALUES (3, '2026-01-02 00:00:30Z', 'south', 40, 0);
SELECT touched_buckets FROM kpi.rollup_status WHERE source = 'deps';
:values
SELECT buckets, rows_read FROM kpi.refresh('deps');
:values
SELECT ts::date, area, value, target, status FROM kpi_views.deps_amount WHERE period = 'day' ORDER BY ts, area;
-- A KPI defined after that uses the new names, and the old formula still says what it meant.
SELECT kpi.create_kpi('deps_most', 'deps', 'max(total)');
SELECT ts::date, value FROM kpi.value('deps_most', 'month');
SELECT kpi.create_kpi('deps_wrong', 'deps', 'max(amount)');
SELECT kpi.alter_kpi('deps_amount', name => 'Amount of money', target => 50);
:values
SELECT code, source, formula, name, unit, target FROM kpi.catalog WHERE code LIKE 'deps%' ORDER BY code;
ALTER TABLE catalog_dependencies_moved.purchases SET SCHEMA catalog_dependencies;
ALTER TABLE purchases RENAME TO orders;
ALTER TABLE orders RENAME total TO amount;
ALTER TABLE orders RENAME district TO region;
ALTER TABLE orders RENAME moment TO at;
:values
SELECT kpi.drop_kpi('deps_most');

-- A column that no KPI needs can go; one that is needed is refused.
ALTER TABLE orders DROP COLUMN spare;
:values
ALTER TABLE orders DROP COLUMN amount;
ALTER TABLE orders DROP COLUMN region;
ALTER TABLE orders DROP COLUMN at;
ALTER TABLE orders ALTER amount TYPE text;
:values

-- The table itself: refused, since KPIs depend on it
DROP TABLE orders;
DROP SCHEMA catalog_dependencies;
:values

-- A KPI that another one needs: refused, or with CASCADE gone together
SELECT kpi.drop_kpi('deps_amount');
:ours
BEGIN;
SELECT kpi.drop_kpi('deps_amount', cascade => true);
:ours
ROLLBACK;
:values
SELECT kpi.drop_kpi('deps_basket');
SELECT kpi.drop_kpi('deps_amount');
:ours
-- The states of the KPI that is left are untouched, and a dropped KPI can be defined again.
SELECT ts::date, value FROM kpi.value('deps_orders', 'month');
SELECT kpi.create_kpi('deps_amount', 'deps', 'sum(amount)');
SELECT kpi.create_kpi('deps_basket', NULL, '{deps_amount} / nullif({deps_orders}, 0)');
:values

-- What people build on a KPI's view keeps the KPI, or goes with it.
CREATE VIEW report AS SELECT ts::date AS day, area, value FROM kpi_views.deps_amount WHERE period = 'day';
SELECT kpi.drop_kpi('deps_basket');
SELECT kpi.drop_kpi('deps_amount');
SELECT * FROM report ORDER BY day, area;
SELECT kpi.drop_kpi('deps_amount', cascade => true);
SELECT to_regclass('report') AS report;
:ours

-- Another formula, value by value; the view keeps its name and its rights.
SELECT kpi.create_kpi('deps_amount', 'deps', 'sum(amount)');
CREATE ROLE catalog_dependencies_reader;
GRANT SELECT ON kpi_views.deps_amount TO catalog_dependencies_reader;
SELECT kpi.alter_kpi('deps_amount', formula => 'sum(amount) * 2');
SELECT ts::date, value FROM kpi.value('deps_amount', 'month');
SELECT has_table_privilege('catalog_dependencies_reader', 'kpi_views.deps_amount', 'SELECT');

-- GRANT SELECT on the KPI's view is the right to read the KPI, and no right to read the table.
SET ROLE catalog_dependencies_reader;
SELECT ts::date, value FROM kpi.value('deps_amount', 'month');
SELECT ts::date, area, value FROM kpi_views.deps_amount WHERE period = 'month' ORDER BY area;
SELECT DISTINCT code FROM kpi.values_day WHERE code LIKE 'deps%';
SELECT value FROM kpi.value('deps_orders', 'month');
SELECT count(*) FROM orders;
SELECT count(*) FROM kpi_rollup.deps_day;
RESET ROLE;
-- Also where buckets have to be read from the table itself
INSERT INTO orders VALUES (4, '2026-01-05 00:00Z', 'north', 80);
SET ROLE catalog_dependencies_reader;
SELECT ts::date, value FROM kpi.value('deps_amount', 'month');
RESET ROLE;
REVOKE SELECT ON kpi_views.deps_amount FROM catalog_dependencies_reader;
SET ROLE catalog_dependencies_reader;
SELECT value FROM kpi.value('deps_amount', 'month');
RESET ROLE;

-- Someone who is no superuser owns a table, a source, KPIs, and drops them.
CREATE ROLE catalog_dependencies_owner;
GRANT USAGE, CREATE ON SCHEMA catalog_dependencies TO catalog_dependencies_owner;
SET ROLE catalog_dependencies_owner;
CREATE TABLE visits (at timestamp, page text);
INSERT INTO visits VALUES ('2026-01-01 23:30', '/'), ('2026-01-02 00:30', '/buy');
SELECT kpi.create_source('deps_visits', 'visits', 'at', '{page}', 'Europe/Berlin');
SELECT kpi.create_kpi('deps_visits_count', 'deps_visits', 'count(*)');
SELECT rows_read FROM kpi.refresh('deps_visits');
INSERT INTO visits VALUES ('2026-01-02 00:45', '/buy');
SELECT ts, value FROM kpi.value('deps_visits_count', 'day') ORDER BY ts;
SELECT buckets FROM kpi.refresh('deps_visits');
SELECT ts, value FROM kpi.value('deps_visits_count', 'day') ORDER BY ts;
SELECT kpi.alter_kpi('deps_visits_count', target => 10);
SELECT kpi.alter_kpi('deps_amount', target => 10);
SELECT kpi.create_kpi('deps_visits_peek', NULL, '{deps_amount} + 1');
DROP TABLE visits;
DROP TABLE visits CASCADE;
RESET ROLE;
:ours
SELECT name FROM kpi.source WHERE name LIKE 'deps%' ORDER BY name;
SELECT count(*) AS left_over FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('kpi_rollup', 'kpi_views') AND relname LIKE 'deps\_visits%';
SELECT count(*) AS left_over FROM kpi.touched WHERE source_id NOT IN (SELECT id FROM kpi.source);

-- A role that owns KPIs cannot be dropped, and can hand them over.
SET ROLE catalog_dependencies_owner;
CREATE TABLE visits (at date);
SELECT kpi.create_source('deps_visits', 'visits', 'at');
SELECT kpi.create_kpi('deps_visits_count', 'deps_visits', 'count(*)');
RESET ROLE;
DROP ROLE catalog_dependencies_owner;
REASSIGN OWNED BY catalog_dependencies_owner TO CURRENT_USER;
INSERT INTO visits VALUES ('2026-01-01');
SELECT ts, value FROM kpi.value('deps_visits_count', 'day');
SELECT buckets FROM kpi.refresh('deps_visits');
SELECT kpi.drop_source('deps_visits');
SELECT kpi.drop_source('deps_visits', cascade => true);
DROP OWNED BY catalog_dependencies_owner;
DROP ROLE catalog_dependencies_owner;

-- CASCADE from the table takes source and KPIs along, and a write in the same transaction before it does no harm.
CREATE TABLE brief (at timestamptz, amount int);
SELECT kpi.create_source('deps_brief', 'brief', 'at');
SELECT kpi.create_kpi('deps_brief_amount', 'deps_brief', 'sum(amount)');
SELECT kpi.create_kpi('deps_mixed', NULL, '{deps_brief_amount} + {deps_amount}');
BEGIN;
INSERT INTO brief VALUES ('2026-01-01Z', 1);
DROP TABLE brief CASCADE;
COMMIT;
:ours
SELECT name FROM kpi.source WHERE name LIKE 'deps%' ORDER BY name;

-- The column that a KPI needs, with CASCADE: the KPIs over it go, those that do not need it stay.
ALTER TABLE orders DROP COLUMN amount CASCADE;
:ours
SELECT ts::date, value FROM kpi.value('deps_orders', 'month');
INSERT INTO orders VALUES (5, '2026-02-05 00:00Z', 'north');
SELECT ts::date, value FROM kpi.value('deps_orders', 'month') ORDER BY ts;

-- A function that a formula calls stays, under its name, as long as there is the KPI; another one of the name may go.
CREATE SCHEMA deps_functions;
SET search_path = catalog_dependencies, deps_functions;
CREATE FUNCTION deps_functions.deps_net(int) RETURNS numeric IMMUTABLE LANGUAGE sql RETURN $1 / 1.19;
CREATE FUNCTION deps_net(text) RETURNS text IMMUTABLE LANGUAGE sql RETURN $1;
CREATE FUNCTION deps_share(float8) RETURNS float8 IMMUTABLE LANGUAGE sql RETURN $1 / 100;
SELECT kpi.create_kpi('deps_net', 'deps', 'sum(deps_functions.deps_net(id))');
SELECT kpi.create_kpi('deps_share', NULL, 'catalog_dependencies.deps_share({deps_net})');
\set VERBOSITY default
\set SHOW_CONTEXT never
DROP FUNCTION deps_net(text);
DROP FUNCTION deps_net(int);
ALTER FUNCTION deps_net(int) RENAME TO deps_gross;
ALTER FUNCTION deps_share(float8) RENAME TO deps_part;
DROP SCHEMA deps_functions CASCADE;
\set VERBOSITY terse
SELECT round(value::numeric, 6) FROM kpi.value('deps_share', 'year');
ALTER FUNCTION deps_net(int) COST 5;
SELECT kpi.drop_kpi('deps_share');
DROP FUNCTION deps_share(float8);
SELECT kpi.drop_kpi('deps_net');
DROP SCHEMA deps_functions CASCADE;
SET search_path = catalog_dependencies;

-- A schema with the table in it
SELECT kpi.create_kpi('deps_last', 'deps', 'count(region)', view_schema => 'catalog_dependencies_moved');
DROP SCHEMA catalog_dependencies_moved CASCADE;
:ours
SELECT name FROM kpi.source WHERE name LIKE 'deps%' ORDER BY name;
DROP SCHEMA catalog_dependencies CASCADE;
:ours
SELECT name FROM kpi.source WHERE name LIKE 'deps%' ORDER BY name;
DROP ROLE catalog_dependencies_reader;
