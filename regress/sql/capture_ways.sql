--
-- Every way in which SQL writes to a table: each marks the buckets that it touched, a read is exact at once, and a
-- refresh reads those buckets again and no others.
--
CREATE SCHEMA capture_ways;
SET search_path = capture_ways;

CREATE TABLE sale (id int PRIMARY KEY, at timestamptz, region text, amount numeric);
CREATE INDEX ON sale (at);
INSERT INTO sale
SELECT i, timestamptz '2026-01-05 08:00Z' + (i % 300) * interval '20 minutes', (ARRAY['north', 'south'])[1 + i % 2], i
FROM generate_series(1, 3000) i;

SELECT kpi.create_source('ways', 'sale', 'at', '{region}');
SELECT kpi.create_kpi('ways_sales', 'ways', 'count(*)');
SELECT kpi.create_kpi('ways_amount', 'ways', 'sum(amount)');

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
              FROM kpi.value('ways_sales', every, by => '{region}') s
              FULL JOIN kpi.value('ways_amount', every, by => '{region}') a USING (ts, dimensions)) kpi
        FULL JOIN (SELECT date_trunc(every, at, 'UTC') AS ts, jsonb_build_object('region', region) AS dimensions,
                          count(*)::float8 AS sales, sum(amount)::float8 AS amount
                   FROM sale WHERE isfinite(at) GROUP BY 1, 2) plain USING (ts, dimensions)
        WHERE (kpi.sales, kpi.amount) IS DISTINCT FROM (plain.sales, plain.amount);
        total := total + found;
    END LOOP;
    RETURN total;
END $$;
CREATE VIEW state AS
SELECT touched_buckets, differences() FROM kpi.rollup_status WHERE source = 'ways';
\set refresh 'SELECT buckets, rows_read FROM kpi.refresh(''ways'');'

-- A new KPI is exact from the start.
SELECT differences();
:refresh
TABLE state;

-- INSERT of one row, and of many in one statement.
INSERT INTO sale VALUES (4001, '2026-01-05 08:00:59.999999Z', 'north', 10);
TABLE state;
:refresh
TABLE state;
INSERT INTO sale SELECT 4100 + i, timestamptz '2026-02-01 00:00Z' + i * interval '30 seconds', 'west', 1
FROM generate_series(0, 9) i;
TABLE state;
:refresh
TABLE state;

-- A late row for last month costs its own bucket: rows_read says how many raw rows the refresh has read.
INSERT INTO sale VALUES (4002, '2026-01-06 10:00:30Z', 'north', 5);
:refresh
TABLE state;

-- COPY
COPY sale FROM STDIN;
4201	2026-02-02 00:00:00Z	east	7
4202	2026-02-02 00:01:00Z	east	8
4203	\N	east	9
\.
TABLE state;
:refresh
TABLE state;

-- UPDATE of a value, of the dimension, and of the time, which touches the old bucket and the new one.
UPDATE sale SET amount = amount + 1 WHERE id = 4201;
TABLE state;
:refresh
UPDATE sale SET region = 'far east' WHERE id = 4202;
TABLE state;
:refresh
UPDATE sale SET at = '2026-03-01 12:00Z' WHERE id = 4201;
TABLE state;
:refresh
TABLE state;

-- A row without a time, or at infinity, is in no bucket: getting and losing the time is what counts.
UPDATE sale SET at = NULL WHERE id = 4201;
TABLE state;
:refresh
UPDATE sale SET at = '2026-03-01 12:00Z' WHERE id = 4203;
TABLE state;
:refresh
UPDATE sale SET at = 'infinity' WHERE id = 4203;
TABLE state;
:refresh
INSERT INTO sale VALUES (4301, '-infinity', 'north', 1), (4302, 'infinity', 'north', 1), (4303, NULL, 'north', 1);
TABLE state;
:refresh
DELETE FROM sale WHERE id BETWEEN 4301 AND 4303;
TABLE state;

-- An UPDATE that changes nothing of interest may touch, but may not lie.
UPDATE sale SET id = -id WHERE id = 4202;
SELECT differences();
:refresh
TABLE state;

-- DELETE, down to a bucket without any row.
DELETE FROM sale WHERE id = 4002;
DELETE FROM sale WHERE region = 'far east';
TABLE state;
:refresh
TABLE state;
SELECT * FROM kpi.value('ways_sales', 'day', since => '2026-02-02Z', until => '2026-02-03Z', by => '{region}');

-- INSERT ... ON CONFLICT DO UPDATE and DO NOTHING
INSERT INTO sale VALUES (1, '2026-01-08 00:00Z', 'north', 100), (4400, '2026-01-09 00:00Z', 'north', 100)
ON CONFLICT (id) DO UPDATE SET at = excluded.at, amount = sale.amount + excluded.amount;
TABLE state;
:refresh
INSERT INTO sale VALUES (1, '2026-01-10 00:00Z', 'north', 100) ON CONFLICT DO NOTHING;
TABLE state;

-- MERGE
MERGE INTO sale USING (VALUES (1, 1), (2, 2), (4500, 3)) AS new (id, amount) ON sale.id = new.id
WHEN MATCHED AND new.amount = 1 THEN DELETE
WHEN MATCHED THEN UPDATE SET amount = new.amount, at = sale.at + interval '1 day'
WHEN NOT MATCHED THEN INSERT VALUES (new.id, '2026-01-11 00:00Z', 'merged', new.amount);
TABLE state;
:refresh
TABLE state;

-- Three statements in one
WITH moved AS (DELETE FROM sale WHERE id = 3 RETURNING *),
     copied AS (INSERT INTO sale SELECT id + 5000, at + interval '1 hour', region, amount FROM moved RETURNING *)
UPDATE sale SET amount = 0 WHERE id = 4;
TABLE state;
:refresh
TABLE state;

-- A cursor
DO $$
DECLARE
    c CURSOR FOR SELECT * FROM sale WHERE id IN (5, 6) FOR UPDATE;
BEGIN
    FOR r IN c LOOP
        UPDATE sale SET amount = r.amount * 2, region = 'cursor' WHERE CURRENT OF c;
    END LOOP;
END $$;
TABLE state;
:refresh
TABLE state;

-- Times centuries away, at the ends of what PostgreSQL can hold
INSERT INTO sale VALUES (6001, '4713-01-01 00:00Z BC', 'north', 1), (6002, '294276-12-31 23:59:59Z', 'north', 1),
                        (6003, '1999-12-31 23:59:59.999999Z', 'north', 1);
TABLE state;
:refresh
TABLE state;
DELETE FROM sale WHERE id > 6000;
TABLE state;
:refresh
TABLE state;

-- TRUNCATE
TRUNCATE sale;
SELECT differences();
SELECT count(*) FROM kpi.value('ways_sales', 'day');
SELECT rows_read FROM kpi.refresh('ways');
TABLE state;
INSERT INTO sale VALUES (1, '2026-01-01 00:00Z', NULL, NULL);
TABLE state;
:refresh
SELECT * FROM kpi.value('ways_sales', 'year', by => '{region}');
SELECT * FROM kpi.value('ways_amount', 'year', by => '{region}');

SELECT kpi.drop_source('ways', cascade => true);
SET client_min_messages = warning;
DROP SCHEMA capture_ways CASCADE;
