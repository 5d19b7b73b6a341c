--
-- Partitions: rows written to a partition by name, moved between partitions, and gone or come with a whole partition.
--
CREATE SCHEMA capture_partitions;
SET search_path = capture_partitions;

CREATE TABLE sale (id int, at timestamptz, region text, amount numeric) PARTITION BY RANGE (at);
CREATE TABLE sale_01 PARTITION OF sale FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z');
CREATE TABLE sale_02 PARTITION OF sale FOR VALUES FROM ('2026-02-01Z') TO ('2026-03-01Z') PARTITION BY LIST (region);
CREATE TABLE sale_02_north PARTITION OF sale_02 FOR VALUES IN ('north');
CREATE TABLE sale_02_rest PARTITION OF sale_02 DEFAULT;
CREATE TABLE sale_rest PARTITION OF sale DEFAULT;
CREATE INDEX ON sale (at);
INSERT INTO sale
SELECT i, timestamptz '2026-01-01 00:00Z' + (i % 180) * interval '12 hours', (ARRAY['north', 'south'])[1 + i % 2], i
FROM generate_series(1, 1800) i;

SELECT kpi.create_source('parts', 'sale', 'at', '{region}');
SELECT kpi.create_kpi('parts_sales', 'parts', 'count(*)');
SELECT kpi.create_kpi('parts_amount', 'parts', 'sum(amount)');

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
              FROM kpi.value('parts_sales', every, by => '{region}') s
              FULL JOIN kpi.value('parts_amount', every, by => '{region}') a USING (ts, dimensions)) kpi
        FULL JOIN (SELECT date_trunc(every, at, 'UTC') AS ts, jsonb_build_object('region', region) AS dimensions,
                          count(*)::float8 AS sales, sum(amount)::float8 AS amount
                   FROM sale WHERE isfinite(at) GROUP BY 1, 2) plain USING (ts, dimensions)
        WHERE (kpi.sales, kpi.amount) IS DISTINCT FROM (plain.sales, plain.amount);
        total := total + found;
    END LOOP;
    RETURN total;
END $$;
CREATE VIEW state AS
SELECT touched_buckets, differences() FROM kpi.rollup_status WHERE source = 'parts';
\set refresh 'SELECT buckets, rows_read FROM kpi.refresh(''parts'');'

SELECT differences();
SELECT rows_read FROM kpi.refresh('parts');
TABLE state;

-- Written to by name, at every depth
INSERT INTO sale_01 VALUES (2001, '2026-01-03 07:00Z', 'north', 1);
INSERT INTO sale_02 VALUES (2002, '2026-02-03 07:00Z', 'north', 1);
UPDATE sale_02_rest SET amount = 0 WHERE id = 121;
DELETE FROM sale_rest WHERE id = 119;
COPY sale_02_north FROM STDIN;
2003	2026-02-03 08:00Z	north	1
\.
TABLE state;
:refresh
TABLE state;

-- An update that moves the row to another partition
UPDATE sale SET at = '2026-02-04 09:00Z' WHERE id = 2001;
TABLE state;
:refresh
UPDATE sale SET region = 'west' WHERE id = 2003;
TABLE state;
:refresh
TABLE state;

-- TRUNCATE of a leaf, of a partition with partitions, of the default one
TRUNCATE sale_02_north;
SELECT differences();
SELECT rows_read FROM kpi.refresh('parts');
TABLE state;
TRUNCATE sale_02;
SELECT differences();
SELECT rows_read FROM kpi.refresh('parts');
TABLE state;
TRUNCATE sale_rest;
SELECT differences();
SELECT rows_read FROM kpi.refresh('parts');
TABLE state;

-- A new partition is captured like the old ones, also when it comes with rows.
CREATE TABLE sale_04 PARTITION OF sale FOR VALUES FROM ('2026-04-01Z') TO ('2026-05-01Z');
SELECT differences();
SELECT rows_read FROM kpi.refresh('parts');
INSERT INTO sale_04 VALUES (3001, '2026-04-01 00:00Z', 'north', 1);
TABLE state;
:refresh
TRUNCATE sale_04;
SELECT differences();
SELECT rows_read FROM kpi.refresh('parts');
TABLE state;
CREATE TABLE sale_05 (LIKE sale);
INSERT INTO sale_05 VALUES (3002, '2026-05-01 00:00Z', 'north', 1), (3003, '2026-05-31 23:59Z', NULL, 1);
ALTER TABLE sale ATTACH PARTITION sale_05 FOR VALUES FROM ('2026-05-01Z') TO ('2026-06-01Z');
SELECT differences();
SELECT rows_read FROM kpi.refresh('parts');
TABLE state;

-- A tree of partitions, attached at once: rows at its leaves, and later writes to them, are seen.
CREATE TABLE sale_06 (LIKE sale) PARTITION BY LIST (region);
CREATE TABLE sale_06_any PARTITION OF sale_06 DEFAULT;
INSERT INTO sale_06 VALUES (3004, '2026-06-01 00:00Z', 'north', 1);
ALTER TABLE sale ATTACH PARTITION sale_06 FOR VALUES FROM ('2026-06-01Z') TO ('2026-07-01Z');
SELECT differences();
SELECT rows_read FROM kpi.refresh('parts');
INSERT INTO sale_06_any VALUES (3005, '2026-06-02 00:00Z', 'north', 1);
TABLE state;
TRUNCATE sale_06_any;
SELECT differences();
SELECT rows_read FROM kpi.refresh('parts');
TABLE state;

-- Detached: its rows are gone from the KPI, and what is written to it since is its own affair.
ALTER TABLE sale DETACH PARTITION sale_05;
SELECT differences();
SELECT rows_read FROM kpi.refresh('parts');
TABLE state;
INSERT INTO sale_05 VALUES (3006, '2026-05-15 00:00Z', 'south', 1);
DELETE FROM sale_05 WHERE id = 3002;
TRUNCATE sale_06;
SELECT rows_read FROM kpi.refresh('parts');
TRUNCATE sale_05;
INSERT INTO sale_05 VALUES (3007, '2026-05-16 00:00Z', 'south', 1);
TABLE state;
ALTER TABLE sale ATTACH PARTITION sale_05 FOR VALUES FROM ('2026-05-01Z') TO ('2026-06-01Z');
SELECT differences();
SELECT rows_read FROM kpi.refresh('parts');
TABLE state;

-- Dropped, alone and as part of what is dropped
DROP TABLE sale_05;
SELECT differences();
SELECT rows_read FROM kpi.refresh('parts');
TABLE state;
CREATE SCHEMA elsewhere;
CREATE TABLE elsewhere.sale_07 PARTITION OF sale FOR VALUES FROM ('2026-07-01Z') TO ('2026-08-01Z');
INSERT INTO sale VALUES (3008, '2026-07-15 00:00Z', 'south', 1);
:refresh
DROP SCHEMA elsewhere CASCADE;
SELECT differences();
SELECT rows_read FROM kpi.refresh('parts');
TABLE state;

-- Detached in a transaction that is rolled back: nothing happened.
BEGIN;
ALTER TABLE sale DETACH PARTITION sale_01;
SELECT differences();
ROLLBACK;
TABLE state;

-- Exchanged in one transaction
BEGIN;
ALTER TABLE sale DETACH PARTITION sale_01;
UPDATE sale_01 SET amount = amount + 1;
ALTER TABLE sale ATTACH PARTITION sale_01 FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z');
INSERT INTO sale VALUES (3009, '2026-01-15 00:00Z', 'south', 1);
SELECT differences();
COMMIT;
SELECT differences();
SELECT rows_read FROM kpi.refresh('parts');
TABLE state;

-- Detached without a lock on the parent, which PostgreSQL allows where there is no default partition
DROP TABLE sale_rest;
SELECT rows_read FROM kpi.refresh('parts');
ALTER TABLE sale DETACH PARTITION sale_01 CONCURRENTLY;
SELECT differences();
SELECT rows_read FROM kpi.refresh('parts');
TABLE state;
ALTER TABLE sale ATTACH PARTITION sale_01 DEFAULT;
SELECT differences();
SELECT rows_read FROM kpi.refresh('parts');
TABLE state;

-- A partition whose columns stand in another order
CREATE TABLE sale_08 (amount numeric, spare int, region text, at timestamptz, id int);
ALTER TABLE sale_08 DROP COLUMN spare;
ALTER TABLE sale ATTACH PARTITION sale_08 FOR VALUES FROM ('2026-08-01Z') TO ('2026-09-01Z');
SELECT rows_read FROM kpi.refresh('parts');
INSERT INTO sale VALUES (3010, '2026-08-01 00:00Z', 'east', 12);
INSERT INTO sale_08 VALUES (13, 'east', '2026-08-31 23:59Z', 3011);
TABLE state;
:refresh
UPDATE sale_08 SET at = '2026-08-02 00:00Z' WHERE id = 3010;
TABLE state;
:refresh
TABLE state;

-- A partition of the source is not a source's table twice: it may be a source of its own as well.
SELECT kpi.create_source('parts_08', 'sale_08', 'at', '{region}');
SELECT kpi.create_kpi('parts_08_sales', 'parts_08', 'count(*)');
SELECT rows_read FROM kpi.refresh('parts_08');
INSERT INTO sale VALUES (3012, '2026-08-05 00:00Z', 'east', 12);
SELECT source, touched_buckets FROM kpi.rollup_status WHERE source LIKE 'parts%' ORDER BY 1;
SELECT differences();
SELECT * FROM kpi.value('parts_08_sales', 'month');
SELECT kpi.drop_source('parts_08', cascade => true);
INSERT INTO sale_08 VALUES (13, 'east', '2026-08-09 23:59Z', 3013);
SELECT differences();
:refresh
TABLE state;

-- Two sources over one partitioned table, and a partition of both goes.
SELECT kpi.create_source('parts_too', 'sale', 'at');
SELECT kpi.create_kpi('parts_too_sales', 'parts_too', 'count(*)');
SELECT rows_read FROM kpi.refresh('parts_too');
DROP TABLE sale_06;
SELECT differences();
SELECT sum(value) = (SELECT count(*) FROM sale) AS exact FROM kpi.value('parts_too_sales', 'year');
SELECT kpi.drop_source('parts_too', cascade => true);

SELECT kpi.drop_source('parts', cascade => true);
INSERT INTO sale_08 VALUES (13, 'east', '2026-08-09 23:59Z', 3014);
TRUNCATE sale_08;
SET client_min_messages = warning;
DROP SCHEMA capture_partitions CASCADE;
