#!/usr/bin/env bash
# The archive in a local folder. 10 million rows of six columns move there, verification included, beside DuckDB, which copies the same
# rows from the same server to Parquet and verifies nothing; how large the files are, and what the backend needs meanwhile. Then reading:
# an aggregate over all of these rows beside the same rows in an ordinary table, one day in a year of 100 million, and 10,000 rescans.
#
# A hundred devices report every 25 seconds, each at its own moment and with some jitter: a measured value in sixteenths, an amount of
# money, a counter and a status. ARCHIVE_ROWS and ARCHIVE_YEAR_ROWS are how many rows there are. It needs about 3 GB of disk.
. "$(dirname "$0")/measure.sh"
cd "$(dirname "$0")/../.."

rows=${ARCHIVE_ROWS:-10000000}
year_rows=${ARCHIVE_YEAR_ROWS:-100000000}
rescans=10000
rounds=3
millions() { awk -v n="$1" 'BEGIN {printf "%gM", n / 1000000}'; }
mb() { awk -v n="$1" 'BEGIN {printf "%.1f MB", n / 1048576}'; }
export PGOPTIONS='-c client_min_messages=warning'

# The server writes objects here, and DuckDB its file.
work=$(mktemp -d)
finish() {
  run -c 'DROP TABLE IF EXISTS reading, kept, year' -c 'DROP SERVER IF EXISTS cold CASCADE' || true
  rm -rf "$work"
}
trap finish EXIT
chmod 755 "$work"
mkdir "$work/objects"
read -ra as <<<"${PG_RUNAS:-}"
[ ${#as[@]} -eq 0 ] || chown "${as[2]}" "$work/objects"

duckdb=$(regress/archive/install readers) || {
  echo "skip - DuckDB is not measured: $duckdb"
  skipped=", skipped: $duckdb"
  duckdb=
}

# archive TABLE: archives all of it; leaves the milliseconds in took and the most private memory that its backend had, bytes, in peak.
# Pages of shared buffers count as memory of each process that has touched them: what is left out here.
never=$(mktemp -u)
mkfifo "$never"
exec {never_fd}<>"$never"
rm "$never"
archive() {
  local pid='' key value _
  PGAPPNAME="bench archive" elapsed_ms 'SELECT pg_sleep(0.5)' "CALL kpi.archive('$1', until => 'infinity')" >"$work/took" &
  peak=0
  while [ -z "$pid" ]; do pid=$(ask "SELECT pid FROM pg_stat_activity WHERE application_name = 'bench archive'"); done
  while [ -r "/proc/$pid/status" ]; do
    while read -r key value _; do
      if [ "$key" = RssAnon: ] && [ $((value * 1024)) -gt "$peak" ]; then peak=$((value * 1024)); fi
    done 2>/dev/null <"/proc/$pid/status" || true
    read -rt 0.02 -u "$never_fd" || true
  done
  wait $!
  took=$(awk '{print $1 - 500}' "$work/took")
}

# bytes TABLE: of its objects.
bytes() { ask "SELECT bytes FROM kpi.archive_status WHERE relation = '$1'::regclass"; }

run -v url="file://$work/objects" -v rows="$rows" <<'SQL'
CREATE SERVER cold FOREIGN DATA WRAPPER kpi_archive OPTIONS (url :'url');
SELECT setseed(0.5) \g /dev/null
CREATE TABLE kept (ts timestamptz NOT NULL, device int NOT NULL, value float8, amount numeric(12,2), count bigint, status text);
INSERT INTO kept
SELECT timestamptz '2024-01-01 00:00Z' + i / 100 * interval '25 seconds' + i % 100 * interval '250 milliseconds' + random() * interval '250 milliseconds',
    i % 100, round(16 * (20 + 5 * sin(i / 345600.0) + 2 * random() + i % 100 * 0.1)) / 16, (random() * 100000)::int / 100.0, i / 100 * (i % 100 + 1),
    CASE WHEN random() < 0.01 THEN 'failed' WHEN random() < 0.1 THEN 'retried' ELSE 'ok' END
FROM generate_series(0, :rows - 1) AS i;
CREATE INDEX ON kept (ts);
VACUUM ANALYZE kept;
CHECKPOINT;
SQL

# Each round is on new rows, as a restored table would not be: what takes longer than the other way about differs from run to run.
our_runs=() peer_runs=() ratios=()
most=0
for ((round = 0; round < rounds; round++)); do
  run <<'SQL'
DROP TABLE IF EXISTS reading;
CREATE TABLE reading (LIKE kept) PARTITION BY RANGE (ts);
CREATE TABLE reading_old PARTITION OF reading FOR VALUES FROM ('2024-01-01') TO ('2026-01-01');
INSERT INTO reading TABLE kept;
CREATE INDEX ON reading (ts);
SELECT kpi.set_retention('reading', archive_after => '90 days', store => 'cold', grace => '0', schedule => NULL) \g /dev/null
VACUUM ANALYZE reading_old;
CHECKPOINT;
SQL
  if [ -n "$duckdb" ]; then
    read -r peer peer_bytes < <("$duckdb/bin/python" benches/archive/duckdb_copy.py reading_old "$work/duckdb.parquet")
    peer_runs+=("$peer")
  fi
  archive reading
  [ "$(ask "SELECT rows FROM kpi.archive_status WHERE relation = 'reading'::regclass")" = "$rows" ] || { echo "not all rows are archived" >&2 && exit 1; }
  our_runs+=("$took")
  [ "$peak" -le "$most" ] || most=$peak
  [ -z "$duckdb" ] || ratios+=("$(quotient "$took" "$peer")")
  echo "round $round: $took ms, DuckDB ${peer:--} ms, $(mb "$peak")"
done
archiving="archiving $(millions "$rows") rows of 6 columns to a folder, verified"
if [ -n "$duckdb" ]; then
  result "$archiving, against DuckDB's COPY of them to Parquet (zstd)" "$(ms "$(median "${our_runs[@]}")")" "$(ms "$(median "${peer_runs[@]}")")" "$(median "${ratios[@]}")" "<= 1.5"
  result "the same: bytes of the objects against DuckDB's file" "$(mb "$(bytes reading)")" "$(mb "$peer_bytes")" "$(quotient "$(bytes reading)" "$peer_bytes")" "<= 1.1"
else
  result "$archiving (DuckDB$skipped)" "$(ms "$(median "${our_runs[@]}")")" - - -
fi
result "the same: memory of the backend, shared pages aside" "$(mb "$most")" - - "<= 256 MB"

# Sums of sixteenths and of cents are exact in any order, so both must say the same.
columns="count(*), count(status), sum(value), avg(amount), sum(count), max(value), min(device)"
[ "$(ask "SELECT $columns FROM reading")" = "$(ask "SELECT $columns FROM kept")" ] || { echo "archived rows are not as they were" >&2 && exit 1; }
ours=$(median_ms 5 "SELECT $columns FROM reading") peer=$(median_ms 5 "SELECT $columns FROM kept")
result "an aggregate over 5 columns of $(millions "$rows") archived rows against the heap" "$(ms "$ours")" "$(ms "$peer")" "$(quotient "$ours" "$peer")" "<= 1.5"

# Each rescan is of another minute, over the whole range; the first thousand fill what fills once.
rescan() {
  echo "SELECT count(x.device) FROM (SELECT min(ts) AS since, (max(ts) - min(ts) - interval '1 minute') / $1 AS step FROM kept) w, generate_series(1, $1) g,
    LATERAL (SELECT device FROM reading WHERE ts >= since + g * step AND ts < since + g * step + interval '1 minute' ORDER BY ts LIMIT 1) x;"
}
mapfile -t memory < <(run -At <<SQL
SET jit = off; -- What LLVM keeps is none of ours.
CREATE FUNCTION pg_temp.memory() RETURNS bigint LANGUAGE sql AS \$\$ SELECT substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\s+(\d+)')::bigint \$\$;
$(rescan $((rescans / 10)))
SELECT pg_temp.memory();
$(rescan $rescans)
SELECT pg_temp.memory();
SQL
)
[ "${memory[2]:-}" = $rescans ] || { echo "not every rescan found a row: ${memory[*]}" >&2 && exit 1; }
result "growth of memory over $rescans rescans in one session" "$((memory[3] - memory[1])) kB" - - "<= 1000 kB"

# A year, month by month, so that no more than one of them takes room in the table. A day has 274,000 rows of 100 million.
run -c 'DROP TABLE reading, kept' -c "CREATE TABLE year (ts timestamptz NOT NULL, device int NOT NULL, value float8) PARTITION BY RANGE (ts)" \
  -c "SELECT kpi.set_retention('year', archive_after => '90 days', store => 'cold', grace => '0', schedule => NULL)" >/dev/null
for month in {1..12}; do
  run -v rows="$year_rows" -v month="$month" <<'SQL'
SELECT make_timestamptz(2024, :month, 1, 0, 0, 0, 'UTC') AS since, make_timestamptz(2024, :month, 1, 0, 0, 0, 'UTC') + interval '1 month' AS until, '31622400.0'::float8 / :rows AS step \gset
CREATE TABLE part PARTITION OF year FOR VALUES FROM (:'since') TO (:'until');
INSERT INTO part SELECT timestamptz '2024-01-01 00:00Z' + i * :step * interval '1 second', i % 100, round(16 * (20 + 5 * sin(i / 345600.0) + 2 * random() + i % 100 * 0.1)) / 16
FROM generate_series(ceil(extract(epoch FROM :'since'::timestamptz - '2024-01-01 00:00Z') / :step)::bigint, ceil(extract(epoch FROM :'until'::timestamptz - '2024-01-01 00:00Z') / :step)::bigint - 1) AS i;
CALL kpi.archive('year', until => 'infinity');
SQL
done
# In one session, of each day what EXPLAIN ANALYZE says: row groups read, and milliseconds of planning and execution.
lookups() {
  for date in 2024-01-{02..30} 2024-0{2..9}-15 2024-0{3..9}-01 2024-12-31; do
    echo "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) SELECT count(*), avg(value), max(value) FROM year WHERE ts >= '${date}Z' AND ts < '$(date -u -d "$date + 1 day" +%F)Z';"
  done | run -At | awk -F ': *' '{gsub(/[",]/, "")} / Row Groups Read:/ {groups += $2} /(Planning|Execution) Time:/ {time += $2} /Execution Time:/ {print groups, time; groups = time = 0}'
}
groups=0 times=()
while read -r read_groups time; do
  [ "$read_groups" -le "$groups" ] || groups=$read_groups
  times+=("$time")
done < <(lookups)
[ ${#times[@]} -gt 0 ] || { echo "no day was looked up" >&2 && exit 1; }
result "one day in an archived year of $(millions "$year_rows") rows: row groups read, at most" "$groups row groups" - - "<= 2 row groups"
result "the same: median of ${#times[@]} days" "$(ms "$(median "${times[@]}")")" - - "<= 30 ms"
