-- What changes is published once, in order: the log of changes, its readers, and what they are refused.

CREATE TABLE sale (at timestamptz NOT NULL, shop text, amount float8);
CREATE INDEX ON sale (at);
INSERT INTO sale VALUES ('2026-01-01 10:00:00Z', 'Bonn', 10), ('2026-01-01 10:00:30Z', 'Kiel', 20), ('2026-01-01 11:00:00Z', 'Bonn', 5);
SELECT kpi.create_source('sale', 'sale', 'at', '{shop}');
SELECT kpi.create_kpi('revenue', 'sale', 'sum(amount)', target => 30, warn => 20);
SELECT kpi.create_kpi('orders', 'sale', 'count(*)');
SELECT kpi.create_kpi('basket', NULL, '{revenue} / {orders}');

-- Whether there is a worker or not must not matter here: each change is followed by a refresh, and nobody is warned.
SET client_min_messages = error;

-- Nobody wants it: nothing is published.
SELECT FROM kpi.refresh('sale');
SELECT count(*) FROM kpi.change;

-- Started, and what is there already is not news.
SELECT kpi.start_stream('revenue', 'minute'), kpi.start_stream('revenue', 'day', '{shop}'), kpi.start_stream('basket', 'hour');
SELECT count(*) FROM kpi.change;

-- Two writes within a tick are one change. The worker and this refresh may both come first: it is published once.
BEGIN;
INSERT INTO sale VALUES ('2026-01-01 10:00:10Z', 'Kiel', 4);
INSERT INTO sale VALUES ('2026-01-01 11:00:10Z', 'Kiel', NULL);
COMMIT;
SELECT FROM kpi.refresh('sale');
SELECT number, code, period, bucket, dimensions, value, previous, status, data_points, changes FROM kpi.change;

-- A value that stays as it is is none; a bucket that loses its rows has no value any more.
UPDATE sale SET shop = 'Bonn' WHERE amount IS NULL;
SELECT FROM kpi.refresh('sale');
SELECT kpi.last_change();
DELETE FROM sale WHERE at >= '2026-01-01 11:00Z';
SELECT FROM kpi.refresh('sale');
SELECT number, code, period, bucket, dimensions, value, previous, data_points FROM kpi.changes_since(4);

-- The last change of each bucket is what kpi.value says.
WITH replayed AS (
    SELECT DISTINCT ON (bucket, dimensions) bucket, dimensions, value FROM kpi.change WHERE code = 'revenue' AND period = 'day'
    ORDER BY bucket, dimensions, number DESC)
SELECT ts, v.dimensions, v.value, v.value IS NOT DISTINCT FROM r.value AS agrees
FROM kpi.value('revenue', 'day', by => '{shop}') v LEFT JOIN replayed r ON r.bucket = v.ts AND r.dimensions = v.dimensions;

-- A subscriber gets every change after it came, again and again until it says that it has dealt with them.
SELECT kpi.add_subscriber('till', '{orders}', '{minute,day}') = kpi.last_change() AS from_here;
INSERT INTO sale VALUES ('2026-01-02 09:00Z', 'Bonn', 'NaN'), ('2026-01-02 09:01Z', 'Bonn', 'Infinity');
SELECT FROM kpi.refresh('sale');
SELECT count(*) > 0 AS there FROM kpi.poll('till', wait => '30 s');
SELECT code, period, bucket, value, data_points FROM kpi.poll('till') ORDER BY number;
SELECT count(*) FROM kpi.poll('till', 2);
SELECT kpi.ack('till', (SELECT number FROM kpi.poll('till', 2) ORDER BY number DESC LIMIT 1));
SELECT code, period, bucket, value FROM kpi.poll('till') ORDER BY number;
SELECT kpi.ack('till', kpi.last_change());
SELECT count(*) FROM kpi.poll('till');
SELECT code, period, bucket, dimensions, value, previous FROM kpi.change WHERE code = 'revenue' AND bucket >= '2026-01-02' ORDER BY number;

-- In one snapshot for all statements nothing new can be seen, so there is nothing to wait for.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM kpi.poll('till', wait => '1 hour');
COMMIT;

SELECT kind, name, by, lag, subscribers, error FROM kpi.stream_status ORDER BY kind, name, by;

-- TRUNCATE takes everything back.
TRUNCATE sale;
SELECT FROM kpi.refresh('sale');
SELECT count(*) FROM kpi.value('revenue', 'minute');
SELECT count(*) FILTER (WHERE value IS NOT NULL) AS left_over FROM (
    SELECT DISTINCT ON (period, bucket, dimensions) value FROM kpi.change WHERE code = 'revenue' ORDER BY period, bucket, dimensions, number DESC) last;
SELECT count(*) = max(number) AS gap_free FROM kpi._change;

-- Rights: the log shows what its reader may read, and a subscriber is its owner's.
CREATE ROLE regress_reader;
SELECT kpi.add_subscriber('all');
INSERT INTO sale VALUES ('2026-01-03 09:00Z', 'Bonn', 1);
SELECT FROM kpi.refresh('sale');
GRANT SELECT ON kpi_views.orders TO regress_reader;
SET ROLE regress_reader;
SELECT DISTINCT code FROM kpi.change;
SELECT DISTINCT code FROM kpi.changes_since(0);
SELECT count(*) FROM kpi.poll('all');
SELECT kpi.ack('all', 1);
SELECT kpi.start_stream('orders', 'minute');
SELECT kpi.add_subscriber('mine', '{revenue}');
SELECT kpi.add_subscriber('mine', '{orders}', '{day}');
SELECT kpi.remove_subscriber('mine');
SELECT count(*) FROM kpi._change;
RESET ROLE;

-- A right that is taken away counts at once, also in a session that has read before; so does a KPI that is defined anew.
REVOKE SELECT ON kpi_views.orders FROM regress_reader;
SET ROLE regress_reader;
SELECT count(*) FROM kpi.changes_since(0);
RESET ROLE;
GRANT SELECT ON kpi_views.orders TO regress_reader;
SET ROLE regress_reader;
SELECT DISTINCT code FROM kpi.changes_since(0);
RESET ROLE;
SELECT count(*) > 0 AS has_changes FROM kpi.changes_since(0) WHERE code = 'basket';
BEGIN;
SELECT kpi.drop_kpi('basket');
SELECT count(*) AS dropped FROM kpi.changes_since(0) WHERE code = 'basket';
SELECT kpi.create_kpi('basket', NULL, '{revenue} / {orders}');
SELECT count(*) > 0 AS has_changes FROM kpi.changes_since(0) WHERE code = 'basket';
ROLLBACK;
SELECT count(*) > 0 AS has_changes FROM kpi.changes_since(0) WHERE code = 'basket';

-- Who waits in the transaction that publishes has its own changes at once.
BEGIN;
INSERT INTO sale VALUES ('2026-01-03 10:00Z', 'Bonn', 1);
SELECT FROM kpi.refresh('sale');
SELECT count(*) > 0 AS there FROM kpi.poll('all', wait => '30 s');
ROLLBACK;

-- Wrong input.
SELECT kpi.start_stream('revenue', 'week');
SELECT kpi.start_stream('revenue', 'fortnight');
SELECT kpi.start_stream('turnover', 'day');
SELECT kpi.start_stream('revenue', 'day', '{town}');
SELECT kpi.add_subscriber('till');
SELECT kpi.add_subscriber('x', '{nothing}');
SELECT kpi.add_subscriber('x', periods => '{month}');
SELECT kpi.add_subscriber('x', periods => '{}');
SELECT kpi.add_subscriber('x', keep => '-1 day');
SELECT kpi.poll('nobody');
SELECT kpi.poll('till', 0);
SELECT kpi.poll('till', NULL);
SELECT kpi.ack('till', 1000000);
SELECT kpi.ack('till', NULL);
SELECT kpi.changes_since(-1);
SELECT kpi.changes_since(NULL);
SELECT kpi.channel('revenue', 'year');
SELECT kpi.channel('Rücklauf %', 'minute'), length(kpi.channel(repeat('x', 200), 'minute'));

-- Stopped: no news; and a KPI takes its streams along.
SELECT kpi.remove_subscriber('till'), kpi.remove_subscriber('all');
SELECT kpi.stop_stream('revenue', 'minute'), kpi.stop_stream('revenue');
SELECT kpi.drop_kpi('basket');
SELECT kind, name FROM kpi.stream_status;
SELECT kpi.last_change() AS before \gset
INSERT INTO sale VALUES ('2026-01-04 09:00Z', 'Bonn', 1);
SELECT FROM kpi.refresh('sale');
SELECT kpi.last_change() = :before AS silent;
DROP TABLE sale CASCADE;
DROP ROLE regress_reader;
