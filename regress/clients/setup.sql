-- What the client libraries read: a depot's parcels over the four days in which Berlin's clocks go forward, KPIs of the types that a
-- formula can have, one KPI that is not published, and two sources whose rows come while the clients read and listen.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'UTC';
\o /dev/null

CREATE SCHEMA depot;
CREATE TABLE depot.parcel (
    sent_at timestamptz NOT NULL,
    region  text,
    dock    int,
    express bool NOT NULL,
    weight  float8,
    fee     numeric,
    bytes   bigint,
    intact  bool
);
CREATE INDEX ON depot.parcel (sent_at);
-- Weights with digits to the last bit, of both signs, some unknown (null) and some not a number; regions and docks that are unknown.
INSERT INTO depot.parcel
SELECT timestamptz '2025-03-28 00:01 Europe/Berlin' + i * interval '3 minutes',
       (ARRAY['north', 'süd', NULL])[1 + i % 3], nullif(i % 4, 0), i % 7 = 0,
       CASE WHEN i % 11 = 0 THEN NULL WHEN i % 97 = 0 THEN 'NaN' ELSE (i % 50 - 10) / 3.0::float8 END,
       i % 13 + 0.35, 9007199254740993 + i, i % 10 <> 0
FROM generate_series(0, 1899) AS i;
CREATE TABLE depot.live (at timestamptz NOT NULL, client text);
CREATE INDEX ON depot.live (at);
CREATE TABLE depot.scan (at timestamptz NOT NULL, seconds float8);
CREATE INDEX ON depot.scan (at);

SELECT kpi.create_source('parcel', 'depot.parcel', 'sent_at', '{region, dock, express}', timezone => 'Europe/Berlin');
SELECT kpi.create_kpi('weight', 'parcel', 'avg(weight)', name => 'Mean weight', unit => 'kg', direction => 'down',
                      target => 4.7, warn => 5.1, description => 'of a parcel, as the scales of the depot say');
SELECT kpi.create_kpi('parcels', 'parcel', 'count(*)', name => 'Parcels', target => 400);
SELECT kpi.create_kpi('fees', 'parcel', 'sum(fee)', unit => 'EUR');
SELECT kpi.create_kpi('largest', 'parcel', 'max(bytes)');
SELECT kpi.create_kpi('intact', 'parcel', 'bool_and(intact)');
SELECT kpi.create_kpi('fee', NULL, '{fees} / {parcels}', name => 'Fee of a parcel', unit => 'EUR');
SELECT kpi.create_kpi('secret', 'parcel', 'sum(fee) / 2');
SELECT kpi.create_source('live', 'depot.live', 'at', '{client}');
SELECT kpi.create_kpi('live', 'live', 'count(*)', target => 3);
SELECT kpi.create_source('scan', 'depot.scan', 'at');
SELECT kpi.create_kpi('scan_time', 'scan', 'sum(seconds)', unit => 's');
SELECT kpi.start_stream('scan_time', 'minute');
SELECT kpi.add_subscriber('of the owner', codes => '{scan_time}', periods => '{minute}');
-- Half of it is rolled up, half is read from the rows.
SELECT kpi.refresh('parcel', until => '2025-03-30 00:00 Europe/Berlin');

-- From a run that was killed.
DROP ROLE IF EXISTS kpi_clients;
-- The role of an application: it may connect, and read what it is granted. USAGE on kpi and kpi_views is everybody's.
CREATE ROLE kpi_clients LOGIN;
-- USAGE on the raw table's schema, too, so that it is the table that refuses.
GRANT USAGE ON SCHEMA depot TO kpi_clients;
GRANT SELECT ON kpi_views.weight, kpi_views.parcels, kpi_views.fees, kpi_views.largest, kpi_views.intact, kpi_views.fee, kpi_views.live,
    kpi_views.scan_time TO kpi_clients;

-- A value as every client writes it for the comparison: times in microseconds since 1970, float8 as its eight bytes.
CREATE FUNCTION depot.shown(timestamptz) RETURNS text LANGUAGE sql RETURN coalesce((extract(epoch FROM $1) * 1000000)::bigint::text, 'NULL');
CREATE FUNCTION depot.shown(float8) RETURNS text LANGUAGE sql RETURN coalesce(encode(float8send($1), 'hex'), 'NULL');
CREATE FUNCTION depot.shown(text) RETURNS text LANGUAGE sql RETURN coalesce($1, 'NULL');
CREATE FUNCTION depot.shown(int) RETURNS text LANGUAGE sql RETURN coalesce($1::text, 'NULL');
CREATE FUNCTION depot.shown(bool) RETURNS text LANGUAGE sql RETURN coalesce($1::text, 'NULL');
