--
-- Transactions: what is rolled back leaves the KPI as it was, what is kept is never lost, and a transaction sees its own
-- writes in a KPI before anybody else does.
--
CREATE SCHEMA capture_transactions;
SET search_path = capture_transactions;

CREATE TABLE sale (id int, at timestamptz, region text, amount numeric CHECK (amount < 1000));
CREATE INDEX ON sale (at);
INSERT INTO sale VALUES (1, '2026-01-01 00:00Z', 'north', 1), (2, '2026-01-02 00:00Z', 'north', 2);

SELECT kpi.create_source('trans', 'sale', 'at', '{region}');
SELECT kpi.create_kpi('trans_sales', 'trans', 'count(*)');
SELECT kpi.create_kpi('trans_amount', 'trans', 'sum(amount)');

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
              FROM kpi.value('trans_sales', every, by => '{region}') s
              FULL JOIN kpi.value('trans_amount', every, by => '{region}') a USING (ts, dimensions)) kpi
        FULL JOIN (SELECT date_trunc(every, at, 'UTC') AS ts, jsonb_build_object('region', region) AS dimensions,
                          count(*)::float8 AS sales, sum(amount)::float8 AS amount
                   FROM sale WHERE isfinite(at) GROUP BY 1, 2) plain USING (ts, dimensions)
        WHERE (kpi.sales, kpi.amount) IS DISTINCT FROM (plain.sales, plain.amount);
        total := total + found;
    END LOOP;
    RETURN total;
END $$;
CREATE VIEW state AS
SELECT touched_buckets, differences() FROM kpi.rollup_status WHERE source = 'trans';
\set refresh 'SELECT buckets, rows_read FROM kpi.refresh(''trans'');'

\set value 'SELECT ts, value FROM kpi.value(''trans_amount'', ''day'') ORDER BY ts;'
:refresh
:value

-- A transaction sees its own writes, and nothing is left of them after ROLLBACK.
BEGIN;
INSERT INTO sale VALUES (3, '2026-01-01 00:00:30Z', 'north', 100);
DELETE FROM sale WHERE id = 2;
:value
SELECT differences();
ROLLBACK;
TABLE state;
:value

-- The next transaction of the session starts from nothing.
INSERT INTO sale VALUES (4, '2026-01-03 00:00Z', 'north', 4);
TABLE state;
:refresh
TABLE state;

-- A savepoint that is rolled back, then the same minute again
BEGIN;
SAVEPOINT a;
INSERT INTO sale VALUES (5, '2026-01-04 00:00Z', 'north', 5);
ROLLBACK TO a;
INSERT INTO sale VALUES (6, '2026-01-04 00:00:10Z', 'north', 6);
SELECT differences();
COMMIT;
TABLE state;
:refresh
:value

-- The other way round: what was written before the savepoint stays.
BEGIN;
INSERT INTO sale VALUES (7, '2026-01-05 00:00Z', 'north', 7);
SAVEPOINT a;
INSERT INTO sale VALUES (8, '2026-01-05 00:00:10Z', 'north', 8);
SAVEPOINT b;
DELETE FROM sale WHERE id = 7;
RELEASE b;
ROLLBACK TO a;
COMMIT;
SELECT differences();
:refresh
:value

-- A statement that fails half way
BEGIN;
SAVEPOINT a;
INSERT INTO sale VALUES (9, '2026-01-06 00:00Z', 'north', 9), (10, '2026-01-06 00:00Z', 'north', 1000);
ROLLBACK TO a;
INSERT INTO sale VALUES (11, '2026-01-06 00:00Z', 'north', 11);
COMMIT;
SELECT differences();
:refresh
:value

-- Exceptions in PL/pgSQL
DO $$
BEGIN
    INSERT INTO sale VALUES (12, '2026-01-07 00:00Z', 'north', 12);
    BEGIN
        UPDATE sale SET amount = 13, at = '2026-01-08 00:00Z' WHERE id = 12;
        RAISE EXCEPTION 'not so';
    EXCEPTION WHEN raise_exception THEN
        UPDATE sale SET amount = 14 WHERE id = 12;
    END;
END $$;
SELECT differences();
:refresh
:value

-- A refresh in the middle of a writing transaction: before and after it, the writes count.
BEGIN;
INSERT INTO sale VALUES (13, '2026-01-09 00:00Z', 'north', 13);
:refresh
SELECT differences();
INSERT INTO sale VALUES (14, '2026-01-09 00:00:30Z', 'north', 14);
SELECT differences();
COMMIT;
TABLE state;
:refresh
:value

-- The same, undone in part: the refresh was in a savepoint that is rolled back.
BEGIN;
INSERT INTO sale VALUES (15, '2026-01-10 00:00Z', 'north', 15);
SAVEPOINT a;
:refresh
ROLLBACK TO a;
SELECT differences();
COMMIT;
TABLE state;
:refresh
TABLE state;

-- And the write was in the savepoint, the refresh after its end.
BEGIN;
SAVEPOINT a;
INSERT INTO sale VALUES (16, '2026-01-11 00:00Z', 'north', 16);
RELEASE a;
:refresh
SAVEPOINT b;
UPDATE sale SET amount = 17 WHERE id = 16;
ROLLBACK TO b;
SELECT differences();
COMMIT;
SELECT differences();
:refresh
TABLE state;

-- A refresh that is rolled back with everything
BEGIN;
INSERT INTO sale VALUES (17, '2026-01-12 00:00Z', 'north', 17);
:refresh
ROLLBACK;
TABLE state;

-- A refresh of others' touched buckets that is rolled back leaves them touched.
INSERT INTO sale VALUES (18, '2026-01-13 00:00Z', 'north', 18);
BEGIN;
:refresh
TABLE state;
ROLLBACK;
TABLE state;
:refresh
TABLE state;

-- A refresh of a window takes what lies in it and leaves the rest.
INSERT INTO sale VALUES (19, '2026-01-14 00:00Z', 'north', 19), (20, '2026-01-15 00:00Z', 'north', 20),
                        (21, '2026-01-16 00:00Z', 'north', 21);
SELECT buckets, rows_read FROM kpi.refresh('trans', since => '2026-01-15Z', until => '2026-01-16Z');
TABLE state;
SELECT buckets, rows_read FROM kpi.refresh('trans', until => '2026-01-15Z');
TABLE state;
SELECT buckets, rows_read FROM kpi.refresh('trans', since => '2026-02-01Z');
TABLE state;
SELECT buckets, rows_read FROM kpi.refresh('trans', since => '2026-01-15Z');
TABLE state;

-- Written in a deferred trigger, that is during COMMIT
CREATE TABLE paid (id int, at timestamptz);
CREATE FUNCTION book() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sale VALUES (NEW.id, NEW.at, 'paid', 1);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER book AFTER INSERT ON paid DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION book();
BEGIN;
INSERT INTO paid VALUES (22, '2026-01-17 00:00Z');
SELECT count(*) FROM sale WHERE region = 'paid';
COMMIT;
TABLE state;
:refresh
TABLE state;
-- The same after a refresh in this transaction
BEGIN;
INSERT INTO paid VALUES (23, '2026-01-17 00:00Z');
UPDATE sale SET amount = 2 WHERE id = 22;
:refresh
COMMIT;
SELECT differences();
:refresh
TABLE state;

-- Only in READ COMMITTED does each step of a refresh see what was committed before it.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM kpi.refresh('trans');
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM kpi.refresh('trans');
ROLLBACK;
BEGIN READ ONLY;
SELECT differences();
SELECT * FROM kpi.refresh('trans');
ROLLBACK;
-- Reading and writing are free in every one.
BEGIN ISOLATION LEVEL SERIALIZABLE;
INSERT INTO sale VALUES (24, '2026-01-18 00:00Z', 'north', 24);
SELECT differences();
COMMIT;
TABLE state;
:refresh
TABLE state;

-- Procedures that commit between their writes
CREATE PROCEDURE steps() LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sale VALUES (25, '2026-01-19 00:00Z', 'north', 25);
    COMMIT;
    PERFORM kpi.refresh('trans');
    INSERT INTO sale VALUES (26, '2026-01-19 00:00Z', 'north', 26);
    ROLLBACK;
    INSERT INTO sale VALUES (27, '2026-01-20 00:00Z', 'north', 27);
    COMMIT AND CHAIN;
    UPDATE sale SET amount = 28 WHERE id = 27;
END $$;
CALL steps();
SELECT differences();
:refresh
TABLE state;

-- Many touched minutes in one transaction: the memory of them is bounded and may grow coarse, the answer may not.
INSERT INTO sale SELECT 1000 + i, timestamptz '2020-01-01Z' + i * interval '131 minutes', 'bulk', 1
FROM generate_series(1, 30000) i;
SELECT differences();
SELECT rows_read FROM kpi.refresh('trans');
TABLE state;
DELETE FROM sale WHERE region = 'bulk';
SELECT differences();
SELECT rows_read FROM kpi.refresh('trans');
TABLE state;

SELECT kpi.drop_source('trans', cascade => true);
SET client_min_messages = warning;
DROP SCHEMA capture_transactions CASCADE;
