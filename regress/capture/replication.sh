#!/usr/bin/env bash
# Rows that a logical replication worker writes are captured like all others: the KPI of the subscriber follows the
# publisher, before and after a refresh. And what a late row costs: the refresh reads its bucket again and no other.
#
# Needs PGHOST, PGPORT and PGUSER (a superuser) of a cluster with pg_kpi installed and wal_level = logical; makes and drops
# its own databases. Publisher and subscriber are in one cluster, so the slot is made before the subscription.
set -uo pipefail
passed=0 failed=0
export PSQLRC=/dev/null
publisher=kpi_replication_from subscriber=kpi_replication_to slot=kpi_replication

export PGOPTIONS='-c client_min_messages=warning'
sql() { psql -XqAt -v ON_ERROR_STOP=1 -d "$@"; }
drop_all() {
  sql $subscriber -c 'ALTER SUBSCRIPTION kpi DISABLE' -c 'ALTER SUBSCRIPTION kpi SET (slot_name = NONE)' -c 'DROP SUBSCRIPTION kpi'
  sql postgres -c "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '$slot' AND active"
  sql postgres -c "SELECT pg_drop_replication_slot('$slot') FROM pg_replication_slots WHERE slot_name = '$slot'"
  sql postgres -c "DROP DATABASE IF EXISTS $subscriber WITH (FORCE)"
  sql postgres -c "DROP DATABASE IF EXISTS $publisher WITH (FORCE)"
} >/dev/null 2>&1
trap drop_all EXIT

# is WHAT EXPECTED GOT
is() {
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1))
    echo "ok - $1"
  else
    failed=$((failed + 1))
    printf 'not ok - %s\n#   expected: %s\n#   got:      %s\n' "$1" "$2" "$3"
  fi
}

# Until the subscriber has applied all that the publisher has written (at most a minute: then what follows fails).
caught_up() {
  local until attempt
  until=$(sql $publisher -c 'SELECT pg_current_wal_lsn()')
  for attempt in $(seq 600); do
    if [ "$(sql $publisher -c "SELECT confirmed_flush_lsn >= '$until' FROM pg_replication_slots WHERE slot_name = '$slot'")" = t ]; then
      return 0
    fi
    sleep 0.1
  done
  echo "# the subscriber did not catch up (attempt $attempt)"
}

kpis() { sql $subscriber -c "SELECT string_agg(ts::date || '=' || value, ' ' ORDER BY ts) FROM kpi.value('amount', 'day')"; }
raw() { sql "$1" -c "SELECT string_agg(day || '=' || amount, ' ' ORDER BY day) FROM (SELECT at::date AS day, sum(amount) AS amount FROM sale GROUP BY 1) s"; }
refresh() { sql $subscriber -c "SELECT buckets || ' buckets, ' || rows_read || ' rows' FROM kpi.refresh('sale')"; }

# The KPI is what the publisher's rows say, as long as they are touched and after a refresh.
follows() {
  caught_up
  is "$1: the subscriber's rows are the publisher's" "$(raw $publisher)" "$(raw $subscriber)"
  is "$1: the KPI before a refresh" "$(raw $publisher)" "$(kpis)"
  refresh >/dev/null
  is "$1: the KPI after it" "$(raw $publisher)" "$(kpis)"
}

drop_all
is 'the cluster has wal_level = logical' logical "$(sql postgres -c 'SHOW wal_level')"
for database in $publisher $subscriber; do
  sql postgres -c "CREATE DATABASE $database TEMPLATE template0"
  sql "$database" -c "CREATE TABLE sale (id int PRIMARY KEY, at timestamptz, amount int); SET timezone = 'UTC'" \
    -c "CREATE TABLE part (id int, at timestamptz, amount int, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)" \
    -c "CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z')" \
    -c 'CREATE TABLE part_rest PARTITION OF part DEFAULT' \
    -c "ALTER DATABASE $database SET timezone = 'UTC'"
done
sql $publisher -c "INSERT INTO sale SELECT i, timestamptz '2026-01-01Z' + i * interval '1 hour', i FROM generate_series(1, 48) i" \
  -c 'CREATE PUBLICATION kpi FOR TABLE sale, part' \
  -c "SELECT pg_create_logical_replication_slot('$slot', 'pgoutput')" >/dev/null
sql $subscriber <<'SQL' >/dev/null
CREATE EXTENSION pg_kpi;
SELECT kpi.create_source('sale', 'sale', 'at');
SELECT kpi.create_kpi('amount', 'sale', 'sum(amount)');
SELECT kpi.create_source('part', 'part', 'at');
SELECT kpi.create_kpi('part_amount', 'part', 'sum(amount)');
SELECT kpi.refresh('sale'), kpi.refresh('part');
SQL
conninfo="host=$(sql postgres -c "SELECT split_part(current_setting('unix_socket_directories'), ',', 1)") port=$PGPORT user=$PGUSER dbname=$publisher"
sql $subscriber -c "CREATE SUBSCRIPTION kpi CONNECTION '$conninfo' PUBLICATION kpi WITH (create_slot = false, slot_name = '$slot')"
for _ in $(seq 600); do
  if [ "$(sql $subscriber -c "SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel")" = t ]; then break; fi
  sleep 0.1
done

follows 'the first copy of the table'
sql $publisher -c "INSERT INTO sale VALUES (100, '2026-01-01 05:00Z', 1000), (101, '2026-01-03 05:00Z', 7)"
follows INSERT
sql $publisher -c "UPDATE sale SET at = '2026-01-04 00:00Z', amount = 8 WHERE id = 101"
follows 'UPDATE of the time'
sql $publisher -c 'DELETE FROM sale WHERE id <= 3'
follows DELETE
sql $publisher -c 'BEGIN' -c "INSERT INTO sale VALUES (102, '2026-01-05 00:00Z', 1)" -c 'SAVEPOINT a' \
  -c "INSERT INTO sale VALUES (103, '2026-01-05 00:00Z', 100)" -c 'ROLLBACK TO a' -c COMMIT
follows 'a transaction with a rolled-back savepoint'
sql $publisher -c 'TRUNCATE sale' -c "INSERT INTO sale VALUES (104, '2026-01-06 00:00Z', 5)"
follows TRUNCATE
sql $publisher -c "INSERT INTO part VALUES (1, '2026-01-06 00:00Z', 5), (2, '2026-03-01Z', 6)" \
  -c "UPDATE part SET at = '2026-02-06 00:00Z' WHERE id = 1"
caught_up
is 'partitions of the subscriber are captured' '2026-02=5 2026-03=6' \
  "$(sql $subscriber -c "SELECT string_agg(to_char(ts, 'YYYY-MM=') || value, ' ' ORDER BY ts) FROM kpi.value('part_amount', 'month')")"

# 60 days with 1440 rows each, all refreshed; then one row for the 20th day.
sql $publisher -c "INSERT INTO sale SELECT 1000 + i, timestamptz '2026-02-01Z' + i * interval '1 minute', 1 FROM generate_series(0, 86399) i"
caught_up
refresh >/dev/null
is 'nothing touched, nothing read' '0 buckets, 0 rows' "$(refresh)"
sql $publisher -c "INSERT INTO sale VALUES (200000, '2026-02-20 10:20:30Z', 1)"
caught_up
is 'a late row: the raw rows of its minute are read' '1 buckets, 2 rows' "$(refresh)"
is 'and the KPI is right' "$(raw $publisher)" "$(kpis)"

# A publication of all tables has the extension's own ones in it: capture and refresh must not be refused for that.
sql $publisher -c 'CREATE EXTENSION pg_kpi' -c "SELECT kpi.create_source('sale', 'sale', 'at')" \
  -c "SELECT kpi.create_kpi('amount', 'sale', 'sum(amount)')" -c 'CREATE PUBLICATION everything FOR ALL TABLES' >/dev/null
is 'FOR ALL TABLES: the first refresh' t "$(sql $publisher -c "SELECT buckets > 0 FROM kpi.refresh('sale')" 2>&1)"
sql $publisher -c "INSERT INTO sale VALUES (200001, '2026-02-20 10:20:30Z', 1)"
is 'FOR ALL TABLES: the next one' '1 buckets, 3 rows' \
  "$(sql $publisher -c "SELECT buckets || ' buckets, ' || rows_read || ' rows' FROM kpi.refresh('sale')" 2>&1)"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
