#!/usr/bin/env bash
# A minute of many rows is streamed from its slices, the seconds of it: only those that were written to are read again. Here is shown
# that they are used, that they are not where they might be wrong, and that the values are those of the rows all the while.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster. SECONDS_OF_CHANGES is how long the minute is changed at random.
# shellcheck source=regress/jobs/cluster.bash
. "$(dirname "$0")/../jobs/cluster.bash"
SECONDS_OF_CHANGES=${SECONDS_OF_CHANGES:-6}

made && started '-c kpi.worker=off' || exit 1
sql postgres -c 'CREATE DATABASE shop TEMPLATE template0'
sql shop <<'SQL'
CREATE EXTENSION pg_kpi;
CREATE TABLE sale (id serial, at timestamptz NOT NULL, shop text, amount int, price numeric, fee int);
CREATE INDEX ON sale (at);
SELECT kpi.create_source('sale', 'sale', 'at', '{shop}') \g /dev/null
SELECT kpi.create_kpi('revenue', 'sale', 'sum(amount)'), kpi.create_kpi('fees', 'sale', 'sum(fee)'), kpi.create_kpi('worst', 'sale', 'min(price)') \g /dev/null
-- What SQL itself says of the minute, and what is materialised of it.
CREATE VIEW plain AS SELECT count(*), sum(amount), min(price) FROM sale WHERE at >= '2026-01-01 12:00Z' AND at < '2026-01-01 12:01Z';
CREATE FUNCTION sell(second int, rows int) RETURNS void LANGUAGE sql AS
    $$ INSERT INTO sale (at, shop, amount, price) SELECT '2026-01-01 12:00Z'::timestamptz + second * interval '1 s' + random() * interval '999 ms',
       (ARRAY['Bonn', 'Kiel', NULL])[1 + i % 3], i % 100, i % 77 FROM generate_series(1, rows) i $$;
SQL
# One session refreshes: the slices are its own.
coproc session { psql -XqAt -v ON_ERROR_STOP=0 -d shop 2>&1; }
# says STATEMENT: what the session answers to one that returns one row.
says() { echo "$1;" >&"${session[1]}" && IFS= read -r -u "${session[0]}" answer && echo "$answer"; }
refreshed() { says "SELECT buckets > 0 FROM kpi.refresh('sale')"; }
plain='SELECT row(p.*) FROM plain p'
rollup="SELECT row(sum(n)::bigint, sum(s1)::bigint, min(s3)) FROM kpi_rollup.sale_minute WHERE bucket = '2026-01-01 12:00Z'"
# right WHAT: the minute is materialised, and is that of the rows.
right() {
  is "$1: it is refreshed" t "$(refreshed)"
  is "$1: the values are those of the rows" "$(sql shop -c "$plain")" "$(sql shop -c "$rollup")"
}
# A slice that nothing has touched is made wrong by hand: whoever reads slices sees it, whoever reads rows does not.
spoilt() { sql shop -c "UPDATE kpi_rollup.sale_second SET n = n + 1000000 WHERE bucket = '2026-01-01 12:00:59Z'"; }
reads_slices() { [ "$(sql shop -c 'SELECT sum(n) > 1000000 FROM kpi_rollup.sale_minute')" = t ] && echo slices || echo rows; }

sql shop -c "SET client_min_messages = error" -c "SELECT kpi.start_stream(code, 'minute') FROM unnest('{revenue,worst,fees}'::text[]) code" >/dev/null
is 'a column for each state' 's1 s2 s3' "$(sql shop -c "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'kpi_rollup.sale_minute'::regclass AND attname ~ '^s\d'")"
refreshed >/dev/null
sql shop -c 'SELECT FROM sell(0, 100)'
right 'a minute of few rows'
is 'it has no slices' '' "$(sql shop -c "SELECT to_regclass('kpi_rollup.sale_second')")"
sql shop -c 'SELECT FROM sell(1, 5000) a, sell(59, 3) b'
right 'a minute that gets many'
sql shop -c 'SELECT FROM sell(2, 10)'
right 'its slices are made'
is 'of each second that has rows' '0 1 2 59' "$(sql shop -c "SELECT string_agg(s::text, ' ' ORDER BY s) FROM (SELECT DISTINCT extract(second FROM bucket)::int s FROM kpi_rollup.sale_second) d")"
for write in 'SELECT FROM sell(2, 10) a, sell(30, 2) b' "UPDATE sale SET amount = amount + 1 WHERE id % 1000 = 7" "UPDATE sale SET at = at + interval '20 s' WHERE id = 3000" \
  'DELETE FROM sale WHERE id % 50 = 1' 'BEGIN; SELECT FROM sell(4, 9); SAVEPOINT s; SELECT FROM sell(5, 9); ROLLBACK TO s; SELECT FROM sell(6, 9); COMMIT' \
  "DELETE FROM sale WHERE at >= '2026-01-01 12:00:30Z' AND at < '2026-01-01 12:00:31Z'"; do
  sql shop -c "$write"
  right "$write"
done

spoilt
sql shop -c 'SELECT FROM sell(2, 1)'
refreshed >/dev/null
is 'only the seconds that were written to are read again' slices "$(reads_slices)"

# Whatever else may have changed the minute makes them worthless.
sql shop -c 'SELECT FROM sell(2, 1)' -c "SELECT FROM kpi.refresh('sale')"
sql shop -c 'SELECT FROM sell(2, 1)'
right 'after a refresh in another session'
sql shop -c 'SELECT FROM sell(2, 1)'
right 'and with slices again'
spoilt
sql shop -c "SELECT FROM sell(3, 5); INSERT INTO sale (at, amount) VALUES ('2026-01-01 12:01Z', 1)"
right 'a write to two minutes'
sql shop -c 'SELECT FROM sell(2, 1)'
right 'a write to one of them'
sql shop -c 'SELECT FROM sell(2, 1)'
right 'and to the same again'
spoilt
sql shop -c 'SELECT FROM sell(2, 1)' -c "SELECT kpi.create_kpi('best', 'sale', 'max(amount)')" >/dev/null
right 'another KPI'
sql shop -c 'SELECT FROM sell(2, 1)'
right 'then the minute'
is 'the slices got its column' 1 "$(sql shop -c "SELECT count(*) FROM pg_attribute WHERE attrelid = 'kpi_rollup.sale_second'::regclass AND attname = 's4'")"
spoilt
sql shop -c 'SELECT FROM sell(2, 1)' -c "ALTER TABLE sale DROP COLUMN fee CASCADE" 2>/dev/null
right 'a KPI that went with a column'
is 'the slices lost its column' 0 "$(sql shop -c "SELECT count(*) FROM pg_attribute WHERE attrelid = 'kpi_rollup.sale_second'::regclass AND attname = 's2'")"
spoilt
sql shop -c 'TRUNCATE sale' -c 'SELECT FROM sell(1, 4500)'
right 'after a TRUNCATE'
sql shop -c 'SELECT FROM sell(1, 1)'
right 'and on'
# A transaction that is taken back takes back what it did to the slices.
sql shop -c 'SELECT FROM sell(1, 1)'
right 'with slices'
sql shop -c 'SELECT FROM sell(1, 1)'
says "BEGIN; SELECT buckets FROM kpi.refresh('sale'); ROLLBACK" >/dev/null
right 'after a refresh that was taken back'
sql shop -c 'SELECT FROM sell(1, 1)'
right 'and on again'

# As many shops as rows: slices would spare nothing.
sql shop -c 'TRUNCATE sale' -c "INSERT INTO sale (at, shop, amount) SELECT '2026-01-01 12:00Z'::timestamptz + i * interval '10 ms', i::text, 1 FROM generate_series(0, 5000) i"
right 'a minute with as many shops as rows'
for _ in 1 2 3; do
  sql shop -c 'SELECT FROM sell(1, 1)'
  right 'a write to it'
done
spoilt
sql shop -c 'SELECT FROM sell(1, 1)'
right 'slices are not used there'

is 'the table of slices is not dropped by hand' 'HINT:  Drop the source instead: SELECT kpi.drop_source('"'sale'"');' \
  "$(psql -Xq -d shop -c 'DROP TABLE kpi_rollup.sale_second' 2>&1 | grep HINT)"

# The minute is changed by three sessions, and the worker and one by hand refresh it.
sql postgres -c 'ALTER SYSTEM SET kpi.worker = on' -c 'SELECT pg_reload_conf()' >/dev/null
stopped fast && started '-c kpi.worker=on -c kpi.tick=10ms'
soon 'a worker' running is_running shop
sql shop <<'SQL'
TRUNCATE sale;
SELECT FROM sell(7, 6000);
CREATE PROCEDURE churn(until timestamptz) LANGUAGE plpgsql AS $$ BEGIN
    WHILE clock_timestamp() < until LOOP
        CASE floor(6 * random())::int
            WHEN 0, 1 THEN PERFORM sell(floor(60 * random())::int, 3);
            WHEN 2 THEN UPDATE sale SET amount = 50 WHERE id = (SELECT id FROM sale OFFSET floor(500 * random()) LIMIT 1);
            WHEN 3 THEN UPDATE sale SET at = at + interval '1 s' * (random() - 0.5) WHERE id = (SELECT id FROM sale OFFSET floor(500 * random()) LIMIT 1);
            WHEN 4 THEN DELETE FROM sale WHERE id = (SELECT id FROM sale OFFSET floor(500 * random()) LIMIT 1);
            ELSE PERFORM sell(60, 1);
        END CASE;
        IF random() < 0.1 THEN ROLLBACK; ELSE COMMIT; END IF;
        PERFORM pg_sleep(0.01 * random());
    END LOOP;
END $$;
SQL
until=$(sql shop -c "SELECT clock_timestamp() + interval '$SECONDS_OF_CHANGES s'")
for _ in 1 2 3; do sql shop -c "CALL churn('$until')" & done
changing=$(jobs -p | tail -3)
(while sleep 0.7; do sql shop -c "SELECT FROM kpi.refresh('sale')" >/dev/null 2>&1; done) &
# shellcheck disable=SC2086
wait $changing
soon 'the worker publishes what has been changed' 0 sql shop -c 'SELECT count(*) FROM kpi.touched'
is 'the minute is that of its rows' "$(sql shop -c "$plain")" "$(sql shop -c "$rollup")"
is 'as the log says' t "$(sql shop -c "SELECT (SELECT value FROM kpi.change WHERE code = 'revenue' AND bucket = '2026-01-01 12:00Z' ORDER BY number DESC LIMIT 1) = (SELECT sum FROM plain)")"
is 'slices were there' t "$(sql shop -c 'SELECT count(*) > 0 FROM kpi_rollup.sale_second')"
sql shop -c "SELECT kpi.drop_source('sale', cascade => true)" >/dev/null
is 'with the source its slices go' '' "$(sql shop -c "SELECT to_regclass('kpi_rollup.sale_second')")"
closing
