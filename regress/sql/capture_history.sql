--
-- Retention by partitions: a source that says on_drop => 'keep' has its history when the rows are gone. (Hypertables keep
-- by default, and tables forget: regress/hypertable.)
--
CREATE SCHEMA capture_history;
SET search_path = capture_history;

CREATE TABLE visit (at timestamptz, page text) PARTITION BY RANGE (at);
CREATE TABLE visit_01 PARTITION OF visit FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z');
CREATE TABLE visit_02 PARTITION OF visit FOR VALUES FROM ('2026-02-01Z') TO ('2026-03-01Z');
CREATE TABLE visit_03 PARTITION OF visit FOR VALUES FROM ('2026-03-01Z') TO ('2026-04-01Z') PARTITION BY LIST (page);
CREATE TABLE visit_03_home PARTITION OF visit_03 FOR VALUES IN ('home');
CREATE TABLE visit_03_rest PARTITION OF visit_03 DEFAULT;
CREATE INDEX ON visit (at);
INSERT INTO visit SELECT timestamptz '2026-01-01 00:00Z' + i * interval '90 minutes', (ARRAY['home', 'cart'])[1 + i % 2]
FROM generate_series(0, 90 * 16 - 1) i;
SELECT kpi.create_source('history', 'visit', 'at', '{page}', on_drop => 'keep');
SELECT kpi.create_kpi('history_visits', 'history', 'count(*)');
SELECT kind FROM kpi.rollup_status WHERE source = 'history';
CREATE VIEW months AS
SELECT v.ts::date AS month, v.value AS kpi, p.n AS rows
FROM kpi.value('history_visits', 'month') v
LEFT JOIN (SELECT date_trunc('month', at, 'UTC') AS ts, count(*) AS n FROM visit GROUP BY 1) p USING (ts)
ORDER BY 1;
SELECT buckets FROM kpi.refresh('history');
TABLE months;

-- A late row that no refresh has seen goes with the partition; all that was rolled up stays.
INSERT INTO visit VALUES ('2026-01-10 00:00Z', 'home');
DROP TABLE visit_01;
TABLE months;
SELECT touched_buckets, history_kept FROM kpi.rollup_status WHERE source = 'history';
SELECT buckets, rows_read FROM kpi.refresh('history');
TABLE months;

-- Detached is dropped, as far as the source can see.
ALTER TABLE visit DETACH PARTITION visit_02;
SELECT buckets FROM kpi.refresh('history');
TABLE months;
SELECT history_kept FROM kpi.rollup_status WHERE source = 'history';
-- When it comes back with its rows, they count, as they now are.
DELETE FROM visit_02 WHERE page = 'cart';
ALTER TABLE visit ATTACH PARTITION visit_02 FOR VALUES FROM ('2026-02-01Z') TO ('2026-03-01Z');
TABLE months;
SELECT history_kept FROM kpi.rollup_status WHERE source = 'history';
-- Rows in a new partition for dropped time do not count, and cost the history nothing.
CREATE TABLE visit_01 PARTITION OF visit FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z');
INSERT INTO visit VALUES ('2026-01-10 00:00Z', 'home');
SELECT buckets FROM kpi.refresh('history');
TABLE months;

-- One list partition of a month whose other one lives: the month is what is left of it.
DROP TABLE visit_03_home;
TABLE months;
-- And when that goes too, history is what the last refresh saw.
DROP TABLE visit_03;
SELECT buckets > 0 AS refreshed FROM kpi.refresh('history');
TABLE months;

-- Given up between two times, then altogether.
SELECT kpi.forget('history', until => '2026-01-11 00:00Z');
SELECT history_kept FROM kpi.rollup_status WHERE source = 'history';
TABLE months;
SELECT kpi.forget('history');
SELECT history_kept FROM kpi.rollup_status WHERE source = 'history';
SELECT buckets > 0 AS refreshed FROM kpi.refresh('history');
TABLE months;

-- Whoever does not own the source cannot make it forget.
CREATE ROLE history_reader;
SET ROLE history_reader;
SELECT kpi.forget('history');
RESET ROLE;
DROP ROLE history_reader;
SELECT kpi.create_source('other', 'visit', 'at', on_drop => 'archive');

SELECT kpi.drop_source('history', cascade => true);
SELECT count(*) FROM kpi.source_kept;
SET client_min_messages = warning;
DROP SCHEMA capture_history CASCADE;
