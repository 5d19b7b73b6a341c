--
-- Writes that nobody typed against the table: triggers, foreign keys, views, rewrites; and writers who have no rights
-- beyond INSERT, or settings that hide what they do.
--
CREATE SCHEMA capture_indirect;
SET search_path = capture_indirect;

CREATE TABLE region (name text PRIMARY KEY);
INSERT INTO region VALUES ('north'), ('south');
CREATE TABLE shop (id int PRIMARY KEY);
INSERT INTO shop VALUES (1), (2);
CREATE TABLE sale (
    id int, at timestamptz, region text REFERENCES region ON UPDATE CASCADE ON DELETE SET NULL, amount numeric,
    shop int REFERENCES shop ON DELETE CASCADE
);
INSERT INTO sale
SELECT i, timestamptz '2026-01-01 00:00Z' + (i % 60) * interval '1 day', (ARRAY['north', 'south'])[1 + i % 2], i, 1 + i % 2
FROM generate_series(1, 120) i;

SELECT kpi.create_source('indirect', 'sale', 'at', '{region}');
SELECT kpi.create_kpi('indirect_sales', 'indirect', 'count(*)');
SELECT kpi.create_kpi('indirect_amount', 'indirect', 'sum(amount)');

-- Over all periods: the buckets in which kpi.value and plain SQL disagree.
CREATE FUNCTION differences() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    every text;
    found bigint;
    total bigint := 0;
BEGIN
    FOREACH every IN ARRAY '{minute,hour,day,week,month,quarter,year}'::text[] LOOP
        SELECT count(*) INTO found
        FROM (SELECT ts, dimensions, s.value AS sales, a.value AS amount
              FROM kpi.value('indirect_sales', every, by => '{region}') s
              FULL JOIN kpi.value('indirect_amount', every, by => '{region}') a USING (ts, dimensions)) kpi
        FULL JOIN (SELECT date_trunc(every, at, 'UTC') AS ts, jsonb_build_object('region', region) AS dimensions,
                          count(*)::float8 AS sales, sum(amount)::float8 AS amount
                   FROM sale WHERE isfinite(at) GROUP BY 1, 2) plain USING (ts, dimensions)
        WHERE (kpi.sales, kpi.amount) IS DISTINCT FROM (plain.sales, plain.amount);
        total := total + found;
    END LOOP;
    RETURN total;
END $$;
CREATE VIEW state AS
SELECT touched_buckets, differences() FROM kpi.rollup_status WHERE source = 'indirect';
\set refresh 'SELECT buckets, rows_read FROM kpi.refresh(''indirect'');'

SELECT rows_read FROM kpi.refresh('indirect');
TABLE state;

-- Foreign keys that change the dimension or delete the row
UPDATE region SET name = 'nord' WHERE name = 'north';
SELECT differences();
SELECT rows_read FROM kpi.refresh('indirect');
TABLE state;
DELETE FROM region WHERE name = 'south';
SELECT differences();
SELECT rows_read FROM kpi.refresh('indirect');
TABLE state;
DELETE FROM shop WHERE id = 2;
SELECT differences();
SELECT rows_read FROM kpi.refresh('indirect');
TABLE state;

-- TRUNCATE ... CASCADE of a table that this one refers to
TRUNCATE shop CASCADE;
SELECT differences();
SELECT rows_read FROM kpi.refresh('indirect');
TABLE state;
INSERT INTO shop VALUES (1);

-- A trigger of another table, and a BEFORE trigger of this one that changes the time
CREATE TABLE feed (at timestamptz, amount numeric);
CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sale (id, at, amount) VALUES (500, NEW.at, NEW.amount);
    RETURN NULL;
END $$;
CREATE TRIGGER pass AFTER INSERT ON feed FOR EACH ROW EXECUTE FUNCTION pass();
INSERT INTO feed VALUES ('2026-03-01 00:00Z', 1), ('2026-03-02 00:00Z', 2);
TABLE state;
:refresh
CREATE FUNCTION tomorrow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.at := NEW.at + interval '1 day';
    RETURN NEW;
END $$;
CREATE TRIGGER tomorrow BEFORE INSERT OR UPDATE ON sale FOR EACH ROW EXECUTE FUNCTION tomorrow();
INSERT INTO sale (id, at, amount) VALUES (501, '2026-04-01 00:00Z', 3);
TABLE state;
:refresh
UPDATE sale SET amount = 4 WHERE id = 501;
TABLE state;
:refresh
TABLE state;
DROP TRIGGER tomorrow ON sale;

-- A view, a rule, and a function in a SELECT
CREATE VIEW simple AS SELECT id, at, amount FROM sale;
INSERT INTO simple VALUES (502, '2026-04-10 00:00Z', 5);
CREATE TABLE inbox (at timestamptz);
CREATE RULE into_sale AS ON INSERT TO inbox DO ALSO INSERT INTO sale (id, at, amount) VALUES (503, NEW.at, 6);
INSERT INTO inbox VALUES ('2026-04-11 00:00Z');
CREATE FUNCTION write_one(day date) RETURNS int LANGUAGE sql AS $$
    INSERT INTO sale (id, at, amount) VALUES (504, day, 7) RETURNING id
$$;
SELECT write_one('2026-04-12');
TABLE state;
:refresh
TABLE state;

-- As a logical replication worker writes: ordinary triggers do not fire then.
SET session_replication_role = replica;
INSERT INTO sale (id, at, amount) VALUES (505, '2026-04-13 00:00Z', 8);
UPDATE sale SET at = at + interval '1 day' WHERE id = 505;
RESET session_replication_role;
TABLE state;
:refresh
SET session_replication_role = replica;
TRUNCATE inbox, sale;
RESET session_replication_role;
SELECT differences();
SELECT rows_read FROM kpi.refresh('indirect');
TABLE state;

-- While capture triggers are disabled nothing is noted, so nothing counts as clean: reads are from the table, and a refresh
-- is refused until they fire always again, also for a replication worker.
INSERT INTO sale (id, at, amount) VALUES (1, '2026-01-01 00:00Z', 1), (2, '2026-01-02 00:00Z', 2);
:refresh
-- The triggers' names have the number of the source in them.
\set VERBOSITY terse
ALTER TABLE sale DISABLE TRIGGER USER;
INSERT INTO sale (id, at, amount) VALUES (3, '2026-01-02 00:00Z', 3);
SELECT differences();
ALTER TABLE sale ENABLE TRIGGER USER;
TABLE state;
:refresh
DO $$
DECLARE
    name name;
BEGIN
    FOR name IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'sale'::regclass AND tgname LIKE 'kpi\_capture%' LOOP
        EXECUTE format('ALTER TABLE sale ENABLE ALWAYS TRIGGER %I', name);
    END LOOP;
END $$;
TABLE state;
:refresh
TABLE state;
-- Dropping them is refused.
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'sale'::regclass AND tgname LIKE 'kpi\_capture%';
DO $$
BEGIN
    EXECUTE (SELECT format('DROP TRIGGER %I ON sale', tgname) FROM pg_trigger
             WHERE tgrelid = 'sale'::regclass AND tgname LIKE 'kpi\_capture%' ORDER BY tgname LIMIT 1);
EXCEPTION WHEN dependent_objects_still_exist THEN
    RAISE NOTICE 'refused: %', regexp_replace(SQLERRM, '\d+', 'N');
END $$;

-- A rewrite that would change what is in the table is refused by PostgreSQL, since the KPI depends on the column.
ALTER TABLE sale ALTER amount TYPE numeric USING amount * 10;
ALTER TABLE sale ALTER at TYPE timestamptz USING at + interval '1 hour';
-- Rewrites that change nothing
VACUUM FULL sale;
CREATE INDEX sale_at ON sale (at);
CLUSTER sale USING sale_at;
ALTER TABLE sale ADD COLUMN note text DEFAULT clock_timestamp()::text;
TABLE state;

-- A table that inherits would be read with its parent, but its writes would not be captured.
CREATE TABLE sale_abroad (country text) INHERITS (sale);
CREATE TABLE sale_apart (LIKE sale);
ALTER TABLE sale_apart INHERIT sale;
\set VERBOSITY default
SELECT differences();

-- A writer with INSERT, UPDATE and DELETE on the table and no other right, whatever the search_path and time zone
CREATE ROLE capture_writer;
GRANT USAGE ON SCHEMA capture_indirect TO capture_writer;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON sale TO capture_writer;
GRANT SELECT ON region, shop TO capture_writer;
REVOKE ALL ON SCHEMA kpi FROM PUBLIC;
SET ROLE capture_writer;
SET search_path = '';
SET timezone = 'Asia/Kathmandu';
INSERT INTO capture_indirect.sale (id, at, amount) VALUES (700, '2026-07-01 00:00Z', 1);
UPDATE capture_indirect.sale SET amount = 2 WHERE id = 700;
DELETE FROM capture_indirect.sale WHERE id = 3;
RESET timezone;
RESET ROLE;
SET search_path = capture_indirect;
GRANT USAGE ON SCHEMA kpi TO PUBLIC;
TABLE state;
:refresh
SET ROLE capture_writer;
TRUNCATE sale;
INSERT INTO sale (id, at, amount) VALUES (701, '2026-07-01 00:00Z', 1);
RESET ROLE;
SELECT differences();
SELECT buckets > 0 AS refreshed FROM kpi.refresh('indirect');
TABLE state;

-- Several sources over one table are captured each, and a table without a source costs nothing.
SELECT kpi.create_source('indirect_too', 'sale', 'at');
SELECT kpi.create_kpi('indirect_too_sales', 'indirect_too', 'count(*)');
SELECT buckets > 0 AS refreshed FROM kpi.refresh('indirect_too');
INSERT INTO sale (id, at, amount) VALUES (702, '2026-07-02 00:00Z', 1);
SELECT source, touched_buckets FROM kpi.rollup_status WHERE source LIKE 'indirect%' ORDER BY 1;
SELECT buckets FROM kpi.refresh('indirect_too');
SELECT differences();
SELECT * FROM kpi.value('indirect_too_sales', 'day');
SELECT kpi.drop_source('indirect_too', cascade => true);
INSERT INTO sale (id, at, amount) VALUES (703, '2026-07-03 00:00Z', 1);
SELECT differences();
SELECT kpi.drop_source('indirect', cascade => true);
INSERT INTO sale (id, at, amount) VALUES (704, '2026-07-03 00:00Z', 1);
SELECT tgname FROM pg_trigger WHERE tgrelid = 'sale'::regclass AND NOT tgisinternal;

SET client_min_messages = warning;
DROP SCHEMA capture_indirect CASCADE;
DROP ROLE capture_writer;
