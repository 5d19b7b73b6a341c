--
-- Rows that a condition names are dropped at a time of their own: one tenant's sooner than the others', another's never. In partitions
-- they are deleted; objects are written anew without them. KPIs follow.
--
CREATE SCHEMA archive_overrides;
SET search_path = archive_overrides;
SET client_min_messages = warning;
\set VERBOSITY terse
COPY (SELECT) TO PROGRAM 'cat > /dev/null; rm -rf /tmp/pg_kpi_archive_overrides; mkdir /tmp/pg_kpi_archive_overrides';
CREATE SERVER overrides FOREIGN DATA WRAPPER kpi_archive OPTIONS (url 'file:///tmp/pg_kpi_archive_overrides');
CREATE TABLE event (at timestamptz NOT NULL, tenant int, value int) PARTITION BY RANGE (at);
CREATE TABLE event_01 PARTITION OF event FOR VALUES FROM (MINVALUE) TO ('2024-02-01Z');
CREATE TABLE event_02 PARTITION OF event FOR VALUES FROM ('2024-02-01Z') TO ('2024-03-01Z');
CREATE TABLE event_03 PARTITION OF event FOR VALUES FROM ('2024-03-01Z') TO ('2024-04-01Z');
CREATE TABLE event_hot PARTITION OF event FOR VALUES FROM ('2024-04-01Z') TO (MAXVALUE);
-- A row in eight has no tenant.
INSERT INTO event SELECT t, nullif(n, 8), 1 FROM generate_series(timestamptz '2024-01-01Z', '2024-04-10Z', '1 day') t, generate_series(1, 8) n;
SELECT kpi.create_source('event', 'event', 'at', '{tenant}', timezone => 'UTC');
SELECT kpi.create_kpi('events', 'event', 'count(*)');
SELECT (kpi.refresh('event')).rows_read;
\set tenants 'SELECT date_trunc(\'month\', at, \'UTC\')::date AS month, count(*), count(*) FILTER (WHERE tenant = 7) AS seven, count(*) FILTER (WHERE tenant = 1) AS one, count(*) FILTER (WHERE tenant IS NULL) AS none FROM event GROUP BY 1 ORDER BY 1;'

-- An override says what is different from a retention that is there, for rows that a condition names.
SELECT kpi.set_retention('event', drop_after => '1 day', "where" => 'tenant = 7');
SELECT kpi.set_retention('event', archive_after => '90 days', store => 'overrides', drop_after => '100 years', grace => '0', schedule => NULL);
SELECT kpi.set_retention('event', archive_after => '1 day', "where" => 'tenant = 7');
SELECT kpi.set_retention('event', drop_after => '-1 day', "where" => 'tenant = 7');
SELECT kpi.set_retention('event', drop_after => '1 day', "where" => 'tenant');
SELECT kpi.set_retention('event', drop_after => '1 day', "where" => 'count(*) > 7');
SELECT kpi.set_retention('event', drop_after => '1 day', "where" => 'renter = 7');
SELECT kpi.set_retention('event', drop_after => '1 day', "where" => 'random() < 0.5');
SELECT kpi.set_retention('event', drop_after => '1 day', "where" => 'tenant = 7 -- who has left');
SELECT kpi.drop_retention('event', "where" => 'tenant = 8');
SET search_path = archive_overrides, public;
SELECT kpi.set_retention('event', "where" => 'tenant = 1');
SET search_path = archive_overrides;

-- Two months go to the store, without the rows of tenant 7, which go from the partition that is left when the retention is applied.
-- The first partition has no beginning; that its rows are old enough is known all the same.
SELECT action, what, since, until, rows FROM kpi.retention_preview('event', '2024-04-20Z');
CALL kpi.archive('event', until => '2024-03-01Z');
:tenants
SELECT kpi.apply_retention('event');
:tenants
SELECT objects, rows FROM kpi.archive_status WHERE relation = 'event'::regclass;
SELECT bool_and(ok) FROM kpi.verify_archive('event');
-- Nothing is left to do: no object is written again.
SELECT array_agg(key ORDER BY key) AS keys FROM kpi.archive_file WHERE retention_id = (SELECT id FROM kpi.retention WHERE relation = 'event'::regclass) \gset
CALL kpi.archive('event', until => '2024-03-01Z');
SELECT array_agg(key ORDER BY key) = :'keys' AS same FROM kpi.archive_file WHERE retention_id = (SELECT id FROM kpi.retention WHERE relation = 'event'::regclass);
SELECT what FROM kpi.retention_preview('event') WHERE action = 'drop' AND what LIKE '%object%';

-- The KPI has what is left.
SELECT (kpi.refresh('event')).rows_read > 0 AS refreshed;
SELECT ts::date, value FROM kpi.value('events', 'month');

-- Late rows of the tenant are dropped when they are merged, others stay.
INSERT INTO event VALUES ('2024-01-15Z', 7, 1), ('2024-02-15Z', 7, 1), ('2024-02-15Z', 1, 1);
:tenants
CALL kpi.archive('event', until => '2024-03-01Z');
:tenants

-- A hold is stronger.
INSERT INTO event VALUES ('2024-03-15Z', 7, 1);
SELECT kpi.hold('event', 'audit', '2024-03-01Z', '2024-04-01Z') AS hold \gset
SELECT kpi.apply_retention('event');
SELECT kpi.release(:hold);
SELECT kpi.apply_retention('event');

-- The others are dropped, too, but for tenant 1, whose rows stay for good; a row of both stays as long as the longest says.
SELECT kpi.set_retention('event', archive_after => '90 days', store => 'overrides', drop_after => '91 days', grace => '0', schedule => NULL);
SELECT kpi.set_retention('event', "where" => 'tenant = 1');
SELECT kpi.set_retention('event', drop_after => '1 day', "where" => 'tenant < 3');
INSERT INTO event VALUES ('2024-02-20Z', 1, 1), ('2024-02-20Z', 2, 1);
SELECT action, regexp_replace(what, '[^ ]*/', '') AS what FROM kpi.retention_preview('event');
SELECT kpi.apply_retention('event') > 0 AS dropped;
CALL kpi.archive('event', until => '2024-03-01Z');
:tenants
SELECT bool_and(ok) FROM kpi.verify_archive('event');

-- The manifest can be rebuilt from the store alone, and has no row that was dropped.
SELECT count(*) AS rows FROM event \gset
DELETE FROM kpi.archive_file WHERE retention_id = (SELECT id FROM kpi.retention WHERE relation = 'event'::regclass);
SELECT relation, regexp_replace(outcome, '\d+ bytes$', 'some bytes') AS outcome FROM kpi.archive_rebuild('overrides');
SELECT count(*) = :rows AS same FROM event;

-- Without overrides, all of it goes.
SELECT kpi.drop_retention('event', "where" => 'tenant = 1');
SELECT kpi.drop_retention('event', "where" => 'tenant < 3');
SELECT kpi.drop_retention('event', "where" => 'tenant = 7 -- who has left');
SELECT kpi.apply_retention('event') > 0 AS dropped;
:tenants

SELECT kpi.drop_source('event', cascade => true);
DROP TABLE event CASCADE;
SELECT kpi.clean_store('overrides') >= 0 AS cleaned;
DROP SERVER overrides CASCADE;
DROP SCHEMA archive_overrides CASCADE;
COPY (SELECT) TO PROGRAM 'cat > /dev/null; rm -rf /tmp/pg_kpi_archive_overrides';
