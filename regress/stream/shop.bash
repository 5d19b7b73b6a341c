# shellcheck shell=bash
# A shop whose tables several sessions change at random while it is streamed, and what its log of changes must say then.
#
# Needs cluster.bash.

# shop DATABASE: tables, KPIs and the streams that are watched; what each stream begins with is kept in the table started.
shop() {
  sql "$1" <<'SQL'
CREATE EXTENSION pg_kpi;
CREATE TABLE sale (id bigserial PRIMARY KEY, at timestamptz NOT NULL, shop text, kind text, amount float8);
CREATE INDEX ON sale (at);
CREATE TABLE refund (id bigserial PRIMARY KEY, at timestamptz NOT NULL, shop text, amount float8);
CREATE INDEX ON refund (at);
CREATE TABLE visit (id bigserial PRIMARY KEY, at timestamp NOT NULL, shop text);
CREATE INDEX ON visit (at);
SELECT kpi.create_source('sale', 'sale', 'at', '{shop,kind}'), kpi.create_source('refund', 'refund', 'at', '{shop}'),
       kpi.create_source('visit', 'visit', 'at', '{shop}', 'Europe/Berlin') \g /dev/null
SELECT kpi.create_kpi('revenue', 'sale', 'sum(amount)', target => 100, warn => 50), kpi.create_kpi('mean', 'sale', 'avg(amount)'),
       kpi.create_kpi('best', 'sale', 'max(amount)'), kpi.create_kpi('refunds', 'refund', 'sum(amount)'),
       kpi.create_kpi('net', NULL, '{revenue} - {refunds}'), kpi.create_kpi('visits', 'visit', 'count(*)') \g /dev/null

-- One random change in a transaction of its own, again and again; some are taken back. The clocks of Berlin are put forward within the
-- days that they are about.
CREATE PROCEDURE churn(rounds int) LANGUAGE plpgsql AS $$
DECLARE
    origin timestamptz := '2026-03-28 18:00Z';
    what float8;
BEGIN
    FOR i IN 1 .. rounds LOOP
        what := random();
        IF what < 0.45 THEN
            INSERT INTO sale (at, shop, kind, amount)
            SELECT origin + random() * interval '12 hours', (ARRAY['Bonn', 'Kiel', NULL])[ceil(3 * random())],
                   (ARRAY['a', NULL])[ceil(2 * random())], CASE WHEN random() < 0.8 THEN round(10000 * random()) / 100 END
            FROM generate_series(1, ceil(4 * random())::int);
        ELSIF what < 0.55 THEN
            UPDATE sale SET amount = nullif(round(10 * random()), 0) WHERE id = (SELECT id FROM sale OFFSET floor(20 * random()) LIMIT 1);
        ELSIF what < 0.6 THEN
            UPDATE sale SET at = at + interval '1 hour' * (random() - 0.5), shop = NULL WHERE id = (SELECT id FROM sale OFFSET floor(20 * random()) LIMIT 1);
        ELSIF what < 0.7 THEN
            DELETE FROM sale WHERE id = (SELECT id FROM sale OFFSET floor(20 * random()) LIMIT 1);
        ELSIF what < 0.71 THEN
            TRUNCATE sale;
        ELSIF what < 0.85 THEN
            INSERT INTO refund (at, shop, amount) VALUES
                (origin + random() * interval '12 hours', (ARRAY['Bonn', 'Kiel', NULL])[ceil(3 * random())], round(1000 * random()) / 100);
            DELETE FROM refund WHERE random() < 0.02;
        ELSIF what < 0.86 THEN
            TRUNCATE refund;
        ELSE
            INSERT INTO visit (at, shop) SELECT timestamp '2026-03-28 19:00' + random() * interval '12 hours', (ARRAY['Bonn', NULL])[ceil(2 * random())];
        END IF;
        IF random() < 0.1 THEN ROLLBACK; ELSE COMMIT; END IF;
    END LOOP;
END $$;
CALL churn(100);

CREATE TABLE watched (code text, period text, by text[]);
INSERT INTO watched VALUES ('revenue', 'minute', '{}'), ('revenue', 'hour', '{shop}'), ('revenue', 'day', '{}'), ('revenue', 'day', '{kind,shop}'),
    ('mean', 'minute', '{shop}'), ('mean', 'day', '{}'), ('best', 'hour', '{}'), ('best', 'day', '{shop}'), ('refunds', 'hour', '{}'),
    ('net', 'minute', '{}'), ('net', 'hour', '{shop}'), ('net', 'day', '{}'), ('visits', 'hour', '{}'), ('visits', 'day', '{shop}');
SELECT kpi.start_stream(code, period, by) FROM watched \g /dev/null
CREATE VIEW current_values AS
SELECT w.code, w.period, w.by, v.ts AS bucket, v.dimensions, v.value FROM watched w, kpi.value(w.code, w.period, by => w.by) v WHERE v.value IS NOT NULL;
CREATE TABLE started AS SELECT * FROM current_values;
-- The last value that the log has for each bucket, and where it has none what the stream began with.
CREATE VIEW replayed AS
SELECT code, period, by, bucket, dimensions, value FROM (
    SELECT DISTINCT ON (code, period, by, bucket, dimensions) code, period, by, bucket, dimensions, value FROM (
        SELECT 0 AS number, * FROM started UNION ALL SELECT number, code, period, by, bucket, dimensions, value FROM kpi._change) log
    ORDER BY code, period, by, bucket, dimensions, number DESC) last
WHERE value IS NOT NULL;
-- Each change with what the one before it said.
CREATE VIEW linked AS
SELECT number, previous, lag(value) OVER (PARTITION BY code, period, by, bucket, dimensions ORDER BY number) AS expected, value FROM (
    SELECT 0 AS number, code, period, by, bucket, dimensions, value, NULL AS previous FROM started
    UNION ALL SELECT number, code, period, by, bucket, dimensions, value, previous FROM kpi._change) log;
SQL
}

# churning DATABASE: a session that changes the tables until the file quiet is there, through deadlocks and restarts.
churning() {
  while [ ! -e "$work/quiet" ]; do
    psql -XqAt -d "$1" -c 'CALL churn(20)' >/dev/null 2>&1 || sleep 0.2
  done
}
refreshed() { sql "$1" -c "SELECT r.* FROM unnest('{sale,refund,visit}'::text[]) s, kpi.refresh(s) r" 2>&1 >/dev/null; }

# agrees DATABASE: the log against the tables, once all is quiet.
agrees() {
  is 'all sources can be refreshed' '' "$(refreshed "$1")"
  is 'so that nothing waits' 0 "$(sql "$1" -c 'SELECT count(*) FROM kpi.touched')"
  is 'and once more, when there is nothing to do' '' "$(refreshed "$1")"
  is 'numbers are 1, 2, 3, ...' t "$(sql "$1" -c 'SELECT min(number) = 1 AND count(*) = max(number) AND max(number) = kpi.last_change() FROM kpi._change')"
  is 'every stream has changes' '' "$(sql "$1" -c 'SELECT * FROM watched EXCEPT SELECT code, period, by FROM kpi._change')"
  is 'nothing else has' '' "$(sql "$1" -c 'SELECT code, period, by FROM kpi._change EXCEPT SELECT * FROM watched')"
  is 'the log, replayed, gives no value that kpi.value does not' '' "$(sql "$1" -c 'SELECT * FROM replayed EXCEPT ALL SELECT * FROM current_values LIMIT 3')"
  is 'and all that it does' '' "$(sql "$1" -c 'SELECT * FROM current_values EXCEPT ALL SELECT * FROM replayed LIMIT 3')"
  is 'previous is the value of the change before' '' \
    "$(sql "$1" -c 'SELECT number, previous, expected FROM linked WHERE number > 0 AND previous IS DISTINCT FROM expected ORDER BY number LIMIT 3')"
  is 'every change changes something' 0 "$(sql "$1" -c 'SELECT count(*) FROM kpi._change WHERE value IS NOT DISTINCT FROM previous')"
  echo "# $(sql "$1" -c "SELECT count(*) || ' changes of ' || sum(changes) || ' writes; values by now: ' || (SELECT count(*) FROM current_values) FROM kpi._change")"
}
