--
-- Mistakes in definitions and questions: each error has its SQLSTATE, says in DETAIL what was wrong and in HINT what to
-- type instead, and leaves nothing behind.
--
CREATE SCHEMA catalog_errors;
SET search_path = catalog_errors;

CREATE TABLE orders (id int, at timestamptz, day date, local timestamp, label text, region text, qty int, amount numeric, late bool);
CREATE INDEX ON orders (at);
INSERT INTO orders VALUES (1, '2026-01-01 00:00Z', '2026-01-01', '2026-01-01 00:00', 'x', 'north', 1, 10, false);
CREATE VIEW orders_view AS SELECT * FROM orders;

-- What a statement says when it fails
CREATE FUNCTION error(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    -- What went well is undone, too.
    RAISE EXCEPTION 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN QUERY SELECT line FROM (
        VALUES (nullif(SQLSTATE, 'P0001') || ' ' || message), (CASE SQLSTATE WHEN 'P0001' THEN message END),
               ('  DETAIL: ' || nullif(detail, '')), ('  HINT: ' || nullif(hint, ''))) said (line)
    WHERE line IS NOT NULL;
END $$;
\pset tuples_only on
\pset format unaligned

--
-- Sources
--
-- a time column that is not there, or holds no time
SELECT error($$SELECT kpi.create_source('bad', 'orders', 'att')$$);
SELECT error($$SELECT kpi.create_source('bad', 'orders', 'qty')$$);
SELECT error($$SELECT kpi.create_source('bad', 'orders', 'label')$$);
-- an unknown time zone
SELECT error($$SELECT kpi.create_source('bad', 'orders', 'at', timezone => 'Europe/Atlantis')$$);
SELECT error($$SELECT kpi.create_source('bad', 'orders', 'at', timezone => '')$$);
-- dimensions: unknown column, duplicate name, no name, volatile, subquery, aggregate, a name that means something else
SELECT error($$SELECT kpi.create_source('bad', 'orders', 'at', '{regio}')$$);
SELECT error($$SELECT kpi.create_source('bad', 'orders', 'at', '{region,region}')$$);
SELECT error($$SELECT kpi.create_source('bad', 'orders', 'at', '{"region => late", region}')$$);
SELECT error($$SELECT kpi.create_source('bad', 'orders', 'at', '{lower(region)}')$$);
SELECT error($$SELECT kpi.create_source('bad', 'orders', 'at', '{"who => current_user"}')$$);
SELECT error($$SELECT kpi.create_source('bad', 'orders', 'at', '{"n => (SELECT 1)"}')$$);
SELECT error($$SELECT kpi.create_source('bad', 'orders', 'at', '{"n => sum(qty)"}')$$);
SELECT error($$SELECT kpi.create_source('bad', 'orders', 'at', '{"n => "}')$$);
SELECT error($$SELECT kpi.create_source('bad', 'orders', 'at', ARRAY['n => region; DROP TABLE orders'])$$);
SELECT error($$SELECT kpi.create_source('bad', 'orders', 'at', ARRAY['n => no_such_function(region)'])$$);
SELECT error($$SELECT kpi.create_source('bad', 'orders', 'at', ARRAY['n => region::json'])$$);
SELECT error($$SELECT kpi.create_source('bad', 'orders', 'at', ARRAY[NULL])$$);
-- names
SELECT error($$SELECT kpi.create_source('', 'orders', 'at')$$);
SELECT error($$SELECT kpi.create_source(NULL, 'orders', 'at')$$);
SELECT error($$SELECT kpi.create_source(repeat('s', 64), 'orders', 'at')$$);
-- a view cannot be captured; its window must be longer than nothing
SELECT error($$SELECT kpi.create_source('bad', 'orders_view', 'at')$$);
SELECT error($$SELECT kpi.create_source('bad', 'orders_view', 'at', refresh_window => '0')$$);
SELECT error($$SELECT kpi.create_source('bad', 'orders_view', 'at', refresh_window => '-1 day')$$);
-- relations that cannot be sources: temporary, system catalog, index, sequence, one of ours
CREATE TEMP TABLE passing (at timestamptz);
SELECT error($$SELECT kpi.create_source('bad', 'passing', 'at')$$);
SELECT error($$SELECT kpi.create_source('bad', 'pg_stat_activity', 'query_start', refresh_window => '1 day')$$);
SELECT error($$SELECT kpi.create_source('bad', 'pg_class', 'relname')$$);
SELECT error($$SELECT kpi.create_source('bad', 'pg_proc_oid_index', 'oid')$$);
SELECT error($$SELECT kpi.create_source('bad', 'kpi.source', 'created_at')$$);
SELECT error($$SELECT kpi.create_source('bad', 'no_such_table', 'at')$$);
SELECT error($$SELECT kpi.create_source('bad', NULL, 'at')$$);

SELECT kpi.create_source('errors', 'orders', 'at', ARRAY['region', 'big => qty > 5']);
SELECT error($$SELECT kpi.create_source('errors', 'orders', 'day')$$);

--
-- Formulas
--
CREATE FUNCTION formula(formula text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT error(format('SELECT kpi.create_kpi(%L, %L, %L)', 'bad', 'errors', formula))
$$;
-- unknown columns and functions
SELECT formula('sum(amout)');
SELECT formula('sum(no_idea_at_all)');
SELECT formula('summ(amount)');
SELECT formula('sum(region)');
SELECT formula('sum(amount) FILTER (WHERE qty)');
-- no aggregate, a column outside of one, one inside another
SELECT formula('amount');
SELECT formula('42');
SELECT formula('sum(amount) / qty');
SELECT formula('sum(max(amount))');
-- aggregates that cannot be merged, or only approximately
SELECT formula('mode() WITHIN GROUP (ORDER BY amount)');
SELECT formula('array_agg(amount)');
SELECT formula('string_agg(region, '','')');
SELECT formula('count(DISTINCT region)');
SELECT formula('sum(DISTINCT amount)');
SELECT formula('percentile_cont(0.5) WITHIN GROUP (ORDER BY amount)');
-- subqueries, window functions, functions that are volatile or return sets, parameters
SELECT formula('sum(amount) / (SELECT count(*) FROM orders)');
SELECT formula('sum(amount) FILTER (WHERE id IN (SELECT 1))');
SELECT formula('sum(amount) FILTER (WHERE EXISTS (SELECT 1))');
SELECT formula('sum(amount) OVER ()');
SELECT formula('sum(amount * random())');
SELECT formula('count(*) FILTER (WHERE at > now())');
SELECT formula('count(*) FILTER (WHERE at::date = current_date)');
SELECT formula('sum(nextval(''s''))');
SELECT formula('sum(generate_series(1, qty))');
SELECT formula('sum(amount) + $1');
CREATE FUNCTION dice(int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT $1';
SELECT formula('sum(dice(qty))');
CREATE FUNCTION zone_bound(timestamptz) RETURNS text LANGUAGE sql STABLE AS 'SELECT $1::text';
SELECT formula('count(*) FILTER (WHERE zone_bound(at) = '''')');
-- syntax
SELECT formula('');
SELECT formula('sum(amount');
SELECT formula('sum(amount); DROP TABLE orders');
SELECT formula('sum(amount) sum(qty)');
SELECT formula('sum(amount) -- all of it');
SELECT formula('SELECT sum(amount) FROM orders');
SELECT formula('orders.amount');
SELECT formula('sum(orders.amount)');
SELECT formula('sum(amount)' || repeat(' + sum(amount)', 3000));
SELECT formula(repeat('(', 500) || 'sum(amount)' || repeat(')', 500));
-- a result that is no number
SELECT formula('max(region)');
SELECT formula('max(at)');
SELECT formula('bool_or(late)');
SELECT count(*) FROM kpi.catalog WHERE code = 'bad';

--
-- KPIs
--
SELECT kpi.create_kpi('errors_amount', 'errors', 'sum(amount)');
SELECT kpi.create_kpi('errors_orders', 'errors', 'count(*)');
SELECT kpi.create_kpi('errors_basket', NULL, '{errors_amount} / nullif({errors_orders}, 0)');
SELECT error($$SELECT kpi.create_kpi('errors_amount', 'errors', 'sum(qty)')$$);
SELECT error($$SELECT kpi.create_kpi('bad', 'erors', 'sum(qty)')$$);
SELECT error($$SELECT kpi.create_kpi('bad', 'nothing like it', 'sum(qty)')$$);
SELECT error($$SELECT kpi.create_kpi('', 'errors', 'sum(qty)')$$);
SELECT error($$SELECT kpi.create_kpi(NULL, 'errors', 'sum(qty)')$$);
SELECT error($$SELECT kpi.create_kpi('bad', 'errors', NULL)$$);
SELECT error($$SELECT kpi.create_kpi(repeat('k', 64), 'errors', 'sum(qty)')$$);
SELECT error($$SELECT kpi.create_kpi('bad', 'errors', 'sum(qty)', direction => 'sideways')$$);
SELECT error($$SELECT kpi.create_kpi('bad', 'errors', 'sum(qty)', direction => NULL)$$);
SELECT error($$SELECT kpi.create_kpi('bad', 'errors', 'sum(qty)', view_schema => 'no_such_schema')$$);
SELECT error($$SELECT kpi.create_kpi('orders', 'errors', 'sum(qty)', view_schema => 'catalog_errors')$$);
SELECT error($$SELECT kpi.create_kpi('bad', NULL, 'sum(qty)')$$);
-- derived KPIs
SELECT error($$SELECT kpi.create_kpi('bad', NULL, '{errors_amout} * 2')$$);
SELECT error($$SELECT kpi.create_kpi('bad', NULL, '{bad} + 1')$$);
SELECT error($$SELECT kpi.create_kpi('bad', NULL, '{errors_amount} + sum(qty)')$$);
SELECT error($$SELECT kpi.create_kpi('bad', NULL, '{errors_amount')$$);
SELECT error($$SELECT kpi.create_kpi('bad', NULL, '{} + 1')$$);
SELECT error($$SELECT kpi.create_kpi('bad', NULL, '1 + 1')$$);
SELECT error($$SELECT kpi.create_kpi('bad', NULL, '{errors_amount} * random()')$$);
SELECT error($$SELECT kpi.create_kpi('bad', NULL, '(SELECT {errors_amount})')$$);
SELECT error($$SELECT kpi.create_kpi('bad', 'errors', '{errors_amount} * 2')$$);
-- cycles: only alter_kpi can make one
SELECT kpi.create_kpi('errors_double', NULL, '{errors_basket} * 2');
SELECT error($$SELECT kpi.alter_kpi('errors_basket', formula => '{errors_basket} + 1')$$);
SELECT error($$SELECT kpi.alter_kpi('errors_basket', formula => '{errors_double} / 2')$$);
SELECT error($$SELECT kpi.alter_kpi('errors_baskets', formula => '{errors_amount}')$$);
SELECT error($$SELECT kpi.alter_kpi('errors_amount', formula => 'sum(amout)')$$);
SELECT error($$SELECT kpi.alter_kpi('errors_amount', direction => 'sideways')$$);
SELECT error($$SELECT kpi.drop_kpi('errors_amounts')$$);
SELECT error($$SELECT kpi.drop_kpi('errors_amount')$$);
SELECT error($$SELECT kpi.drop_source('error')$$);
SELECT error($$SELECT kpi.drop_source('errors')$$);

--
-- Questions
--
SELECT error($$SELECT * FROM kpi.value('errors_amunt', 'day')$$);
SELECT error($$SELECT * FROM kpi.value('xyz', 'day')$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', 'fortnight')$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', '')$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', 'day', by => '{regoin}')$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', 'day', by => '{amount}')$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', 'day', by => '{region,region}')$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', 'day', by => ARRAY[NULL])$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', 'day', filter => 'regoin = ''x''')$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', 'day', filter => 'amount > 5')$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', 'day', filter => 'region =')$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', 'day', filter => 'region')$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', 'day', filter => '1')$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', 'day', filter => 'region = 5')$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', 'day', filter => '')$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', 'day', filter => 'true; DROP TABLE orders')$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', 'day', filter => 'region IN (SELECT ''x'')')$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', 'day', filter => 'sum(region) > 1')$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', 'day', filter => 'pg_sleep(1) IS NULL')$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', 'day', filter => 'region = current_user')$$);
SELECT error($$SELECT * FROM kpi.value('errors_basket', 'day', by => '{regoin}')$$);
SELECT error($$SELECT * FROM kpi.refresh('erors')$$);
-- no answer is not a mistake: an empty window, nothing that fits the filter, NULL for what has a default
SELECT count(*) FROM kpi.value('errors_amount', 'day', since => '2027-01-01Z');
SELECT count(*) FROM kpi.value('errors_amount', 'day', since => '2026-06-01Z', until => '2026-01-01Z');
SELECT count(*) FROM kpi.value('errors_amount', 'day', filter => 'region = ''nowhere''');
SELECT count(*) FROM kpi.value('errors_amount', 'day', since => NULL, until => NULL, by => NULL, filter => NULL);
SELECT count(*) FROM kpi.value('errors_amount', 'day', since => '-infinity', until => 'infinity');
SELECT error($$SELECT * FROM kpi.value(NULL, 'day')$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', NULL)$$);

--
-- Rights
--
CREATE ROLE catalog_errors_user;
GRANT USAGE ON SCHEMA catalog_errors TO catalog_errors_user;
SET ROLE catalog_errors_user;
SELECT error($$SELECT kpi.create_source('bad', 'orders', 'at')$$);
SELECT error($$SELECT kpi.create_kpi('bad', 'errors', 'sum(qty)')$$);
SELECT error($$SELECT kpi.alter_kpi('errors_amount', target => 5)$$);
SELECT error($$SELECT kpi.drop_kpi('errors_amount')$$);
SELECT error($$SELECT kpi.drop_source('errors')$$);
SELECT error($$SELECT * FROM kpi.value('errors_amount', 'day')$$);
SELECT error($$SELECT * FROM kpi.value('errors_basket', 'day')$$);
SELECT error($$SELECT * FROM kpi.refresh('errors')$$);
SELECT error($$SELECT * FROM kpi_views.errors_amount$$);
RESET ROLE;
-- SELECT on the table is not enough to put triggers on it.
GRANT SELECT ON orders TO catalog_errors_user;
SET ROLE catalog_errors_user;
SELECT error($$SELECT kpi.create_source('bad', 'orders', 'at')$$);
RESET ROLE;

-- Nothing of all that is left.
SELECT name FROM kpi.source WHERE name IN ('bad', 'errors') ORDER BY 1;
SELECT code FROM kpi.catalog WHERE code = 'bad' OR code LIKE 'errors%' ORDER BY 1;
SELECT count(*) FROM orders;
SELECT * FROM kpi.value('errors_double', 'day');

SELECT kpi.drop_source('errors', cascade => true);
SET client_min_messages = warning;
DROP SCHEMA catalog_errors CASCADE;
DROP ROLE catalog_errors_user;
