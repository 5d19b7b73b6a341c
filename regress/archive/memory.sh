#!/usr/bin/env bash
# Memory: the archiver stays under 256 MB however large a partition is, so do restoring and verifying, and 10,000 rescans and as many
# queries in one session need no more than the first few.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster. ARCHIVE_ROWS is how many rows the large partition has.
# shellcheck source=regress/archive/store.bash
. "$(dirname "$0")/store.bash"
ROWS=${ARCHIVE_ROWS:-1500000}
RESCANS=${RESCANS:-10000}
# What an allocator does by itself is below it; a pointer kept for each rescan, or a plan, is above.
ALLOWED_KB=${ALLOWED_KB:-1000}
# Shared buffers count as memory of each process that has read them, so they are few here.
made && started '-c shared_buffers=16MB -c max_wal_size=4GB -c jit=off' || exit 1
sql postgres -c 'CREATE DATABASE shop TEMPLATE template0' && sql shop -c 'CREATE EXTENSION pg_kpi'
sql shop -c "CREATE FUNCTION memory(what text) RETURNS int LANGUAGE sql AS \$\$ SELECT substring(pg_read_file('/proc/self/status') FROM what || ':\s+(\d+)')::int \$\$"
file_server shop cold

# Rows that do not fit into one object, out of order, with texts that do not compress.
sql shop -v rows="$ROWS" <<'SQL'
CREATE TABLE large (ts timestamptz NOT NULL, device int, value float8, note text, key uuid, doc jsonb) PARTITION BY RANGE (ts);
CREATE TABLE large_old PARTITION OF large FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE large_hot PARTITION OF large FOR VALUES FROM ('2024-02-01') TO (MAXVALUE);
INSERT INTO large SELECT timestamptz '2024-01-01Z' + i * 7919::bigint % :rows * (interval '30 days' / :rows), i % 1000, random(), md5(i::text) || md5((i + 1)::text), md5((-i)::text)::uuid, jsonb_build_object('i', i)
FROM generate_series(1, :rows) i;
SQL
retained shop large cold
held=$(sql shop -c 'SELECT count(*), sum(device), count(DISTINCT device), min(key::text) FROM large')
# peak WHAT STATEMENT: in a session of its own.
peak() {
  local kb
  kb=$(sql shop -c "$2" -c "SELECT memory('VmHWM')" 2>&1 | tail -1)
  echo "# $1: $((kb / 1024)) MB"
  is "$1: under 256 MB" yes "$([ "$kb" -lt 262144 ] && echo yes || echo "no, $kb kB")"
}
begin=$EPOCHREALTIME
peak "archiving $ROWS rows" "CALL kpi.archive('large')"
awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN {printf "# in %.1f s\n", b - a}'
is 'they are in several objects' t "$(sql shop -c "SELECT sum(rows) = $ROWS FROM kpi.archive_file")"
sql shop -c 'SELECT count(*), pg_size_pretty(max(bytes)), sum(row_groups) FROM kpi.archive_file' | sed 's/^/# objects, largest, row groups: /'
peak 'verifying them' "SELECT bool_and(ok) FROM kpi.verify_archive('large')"
peak 'reading them' 'SELECT count(note), count(doc), max(key::text) FROM large'
peak 'reading them in order' 'SELECT sum(v) FROM (SELECT value AS v FROM large ORDER BY ts OFFSET 1000000) x'
is 'they are as they were' "$held" "$(sql shop -c 'SELECT count(*), sum(device), count(DISTINCT device), min(key::text) FROM large')"
sql shop -c "INSERT INTO large SELECT '2024-01-10Z', -1, i, 'late' FROM generate_series(1, 1000) i"
peak 'merging late rows' "CALL kpi.archive('large')"
peak 'restoring them' "CALL kpi.restore('large', keep => '0')"
is 'they are back' "$((ROWS + 1000))" "$(sql shop -c 'SELECT count(*) FROM large_restored')"
sql shop -c 'DROP TABLE large'

# Rescans --------------------------------------------------------------------------------------------------------------------------

partitioned shop m 3000
retained shop m cold
archive shop m
# grown WHAT STATEMENTS: a file in which :n times something is done; memory is measured after a tenth and after all.
grown() {
  local kb
  mapfile -t kb < <({
    echo 'SET client_min_messages = error;'
    "$2" $((RESCANS / 10))
    echo "SELECT 'memory ' || memory('RssAnon');"
    "$2" "$RESCANS"
    echo "SELECT 'memory ' || memory('RssAnon');"
  } | psql -XqAt -d shop 2>&1 | tee "$work/said" | sed -n 's/^memory //p')
  echo "# $1: ${kb[0]:-?} kB before, ${kb[1]:-?} kB after"
  is "$1: memory is flat" yes "$([ $((${kb[1]:-999999999} - ${kb[0]:-0})) -le "$ALLOWED_KB" ] && echo yes || echo "no: ${kb[*]} $(grep -m 1 ERROR "$work/said")")"
}
rescans() {
  echo "SELECT count(x.device) FROM generate_series(1, $1) g, LATERAL (SELECT device FROM m WHERE ts >= timestamptz '2024-01-02Z' + g * interval '10 seconds' AND ts < timestamptz '2024-01-02Z' + g * interval '10 seconds' + interval '1 hour' ORDER BY ts LIMIT 1) x;"
}
queries() {
  local i
  echo "PREPARE q AS SELECT sum(value) FROM m WHERE ts >= \$1 AND ts < \$1 + interval '1 hour';"
  for ((i = 0; i < $1; i++)); do echo "EXECUTE q(timestamptz '2024-01-02Z' + $i * interval '1 minute');"; done
  echo 'DEALLOCATE q;'
}
errors() {
  local i
  for ((i = 0; i < $1 / 10; i++)); do echo "SELECT 1 / (count(*) - count(*)) FROM m WHERE ts < '2024-01-02Z';"; done
}
cursors() {
  local i
  for ((i = 0; i < $1 / 10; i++)); do echo 'BEGIN; DECLARE c CURSOR FOR SELECT * FROM m; FETCH 1 FROM c; ROLLBACK;'; done
}
grown "$RESCANS rescans" rescans
grown "$RESCANS queries" queries
grown 'queries that end in an error' errors
grown 'cursors that are not read to the end' cursors
closing
