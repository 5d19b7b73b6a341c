# shellcheck shell=bash
# shellcheck disable=SC2034  # variables for the suites
# For the suites of the archive: a cluster of their own (regress/jobs/cluster.bash), an S3 server with the fault proxy before it, and
# what they ask and do with them.
#
# Needs PG_BINDIR and PG_RUNAS. The S3 server is Garage, or the one that the environment names (scripts/garage).
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=regress/jobs/cluster.bash
. "$here/../jobs/cluster.bash"
skipped=0
proxy=$work/proxy

# Stops what has been started, and what cluster.bash has.
finish_archive() {
  [ ! -d "$work/garage" ] || "$here/../../scripts/garage" stop s3 "$work/garage"
  finish
}
[ "${KEEP:-}" ] || trap finish_archive EXIT

skip() {
  skipped=$((skipped + 1))
  echo "skip - $1"
}
closing() {
  printf '%s passed, %s failed' "$passed" "$failed"
  [ "$skipped" = 0 ] || printf ', %s skipped' "$skipped"
  echo
  [ $failed -eq 0 ]
}
skip_all() {
  skip "$1"
  closing
  exit
}

# has_timescaledb: and started_with_all preloads it, where it is there.
has_timescaledb() { [ -e "$("$PG_BINDIR/pg_config" --pkglibdir)/timescaledb.so" ]; }
# shellcheck disable=SC2120  # the options may be none
started_with_all() {
  if has_timescaledb; then
    started "-c shared_preload_libraries=timescaledb,pg_kpi -c timescaledb.telemetry_level=off ${1:-}"
  else
    started "${1:-}"
  fi
}

# The S3 server -------------------------------------------------------------------------------------------------------------------

# s3_started: Garage and the proxy before it. S3_ENDPOINT is the server itself, PROXY_ENDPOINT the proxy. Where it cannot be, fails and
# leaves the reason in S3_REASON.
s3_started() {
  local assignments attempt
  "$here/../../scripts/garage" start s3 "$work/garage" 2>"$work/garage.log" || {
    S3_REASON="there is no S3 server: $(grep -m 1 '^error' "$work/garage.log" || tail -1 "$work/garage.log")"
    return 1
  }
  assignments=$("$here/../../scripts/garage" env s3 "$work/garage") || return
  eval "export $assignments"
  mkdir -p "$proxy"
  python3 "$here/proxy.py" "$proxy" "$S3_ENDPOINT" 2>"$proxy/errors" &
  for ((attempt = 0; attempt < 200; attempt++)); do
    if [ -e "$proxy/port" ]; then break; fi
    sleep 0.05
  done
  PROXY_ENDPOINT=http://127.0.0.1:$(<"$proxy/port") || return
}
s3() { python3 "$here/s3.py" "$@"; }
# objects: the keys in the bucket, sorted, without the prefix of this run.
objects() { s3 list "$S3_PREFIX/" | cut -f1 | sed "s|^$S3_PREFIX/||" | LC_ALL=C sort; }

# faults LINE...: from now on these (regress/archive/proxy.py says how they are written); none without a line.
faults() {
  printf '%s\n' "$@" >"$proxy/faults.new"
  rm -f "$proxy/release"
  mv "$proxy/faults.new" "$proxy/faults"
}
# waiting: how many requests hang or are held.
waiting() { if [ -e "$proxy/waiting" ]; then wc -l <"$proxy/waiting"; else echo 0; fi; }
released() { touch "$proxy/release"; }
# requests [METHOD [PATTERN]]: how many there were since requests_from_here.
requests_from_here() { REQUESTS_BEFORE=$(wc -l <"$proxy/requests"); }
requests() {
  tail -n "+$((${REQUESTS_BEFORE:-0} + 1))" "$proxy/requests" | awk -F '\t' -v m="${1:-}" -v p="${2:-.}" '(m == "" || $4 == m) && $5 ~ p {n++} END {print n + 0}'
}

# What pg_kpi is told --------------------------------------------------------------------------------------------------------------

# s3_server DATABASE NAME [OPTIONS]: a foreign server that goes through the proxy.
s3_server() {
  sql "$1" -v name="$2" -v url="s3://$S3_BUCKET/$S3_PREFIX" -v region="$S3_REGION" -v endpoint="$PROXY_ENDPOINT" \
    -v key="$S3_ACCESS_KEY_ID" -v secret="$S3_SECRET_ACCESS_KEY" -v more="${3:-}" <<'SQL'
CREATE SERVER :"name" FOREIGN DATA WRAPPER kpi_archive OPTIONS (url :'url', region :'region', endpoint :'endpoint' :more);
CREATE USER MAPPING FOR CURRENT_USER SERVER :"name" OPTIONS (access_key_id :'key', secret_access_key :'secret');
SQL
}
# file_server DATABASE NAME: one on a folder, $work/NAME.
file_server() {
  folder "$work/$2"
  sql "$1" -v name="$2" -v url="file://$work/$2" <<'SQL'
CREATE SERVER :"name" FOREIGN DATA WRAPPER kpi_archive OPTIONS (url :'url');
SQL
}
# partitioned DATABASE TABLE [ROWS]: a table with a partition for each of the first months of 2024 and one for what is after them,
# with so many rows in each.
partitioned() {
  sql "$1" -v t="$2" -v rows="${3:-500}" <<'SQL'
CREATE TABLE :"t" (ts timestamptz NOT NULL, device int NOT NULL, value float8, note text) PARTITION BY RANGE (ts);
SELECT format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', :'t' || '_' || to_char(m, 'YYYY_MM'), :'t', m, m + interval '1 month')
FROM generate_series(timestamptz '2024-01-01Z', '2024-03-01Z', '1 month') m \gexec
SELECT format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (MAXVALUE)', :'t' || '_hot', :'t', timestamptz '2024-04-01Z') \gexec
INSERT INTO :"t" SELECT m + i * (interval '28 days' / :rows), i % 7, CASE WHEN i % 11 <> 0 THEN i / 8.0 END, 'note ' || i
FROM generate_series(timestamptz '2024-01-01Z', '2024-03-01Z', '1 month') m, generate_series(0, :rows - 1) i;
INSERT INTO :"t" SELECT date_trunc('day', now()) - i * interval '1 hour', i % 7, i, 'hot' FROM generate_series(0, 9) i;
SQL
}
# hypertable DATABASE TABLE [ROWS]: the same as a hypertable with a chunk for each 30 days.
hypertable() {
  sql "$1" -v t="$2" -v rows="${3:-500}" <<'SQL'
SET client_min_messages = error;
CREATE TABLE :"t" (ts timestamptz NOT NULL, device int NOT NULL, value float8, note text);
SELECT create_hypertable(:'t', 'ts', chunk_time_interval => interval '30 days') \g /dev/null
INSERT INTO :"t" SELECT m + i * (interval '28 days' / :rows), i % 7, CASE WHEN i % 11 <> 0 THEN i / 8.0 END, 'note ' || i
FROM generate_series(timestamptz '2024-01-01Z', '2024-03-01Z', '1 month') m, generate_series(0, :rows - 1) i;
INSERT INTO :"t" SELECT date_trunc('day', now()) - i * interval '1 hour', i % 7, i, 'hot' FROM generate_series(0, 9) i;
SQL
}
# retained DATABASE TABLE STORE [MORE]: no job does what a suite does itself.
retained() { sql "$1" -c "SELECT kpi.set_retention('$2', archive_after => '90 days', store => '$3', schedule => NULL, grace => '0' ${4:-})" >/dev/null; }
archive() { sql "$1" -c "CALL kpi.archive('$2')" 2>&1; }
# restore DATABASE TABLE [SINCE UNTIL]: what is restored may be archived again at once.
restore() { sql "$1" -c "CALL kpi.restore('$2', '${3:--infinity}', '${4:-infinity}', keep => '0')" 2>&1; }

# What it says ---------------------------------------------------------------------------------------------------------------------

# content DATABASE TABLE: the number of rows and a sum over what is in them, which a row that is missing, doubled or changed changes.
content() { sql "$1" -c "SELECT count(*) || ' rows ' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM $2 t"; }
# archived DATABASE TABLE: how many rows are in the store; local_rows, how many are in the table's own partitions or chunks.
archived() { sql "$1" -c "SELECT coalesce(sum(rows), 0) FROM kpi.archive_file f JOIN kpi.retention r ON r.id = f.retention_id WHERE r.relation = '$2'::regclass"; }
local_rows() {
  sql "$1" -v t="$2" <<'SQL'
SELECT coalesce(sum((xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM ONLY %s', relid::regclass), false, true, '')))[1]::text::bigint), 0)
FROM (SELECT c.oid AS relid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = :'t'::regclass AND c.relkind = 'r') p;
SQL
}
# problems DATABASE TABLE: what kpi.verify_archive finds wrong.
problems() { sql "$1" -c "SELECT object || ': ' || problem FROM kpi.verify_archive('$2') WHERE ok IS NOT TRUE" 2>&1; }
# orphans DATABASE: objects in the bucket that the manifest does not have, and that do not wait to be deleted either.
orphans() {
  objects | sql "$1" -c "CREATE TEMP TABLE object (key text)" -c "COPY object FROM STDIN" -c "SELECT key FROM object o WHERE key NOT LIKE '%.gone'
    AND NOT EXISTS (SELECT FROM kpi.archive_file f WHERE right(o.key, length(f.key)) = f.key OR right(f.key, length(o.key)) = o.key)
    AND NOT EXISTS (SELECT FROM kpi.archive_garbage g WHERE right(o.key, length(g.key)) = g.key OR right(g.key, length(o.key)) = o.key)"
}
# missing DATABASE: objects of the manifest that are not in the bucket.
missing() {
  objects | sql "$1" -c "CREATE TEMP TABLE object (key text)" -c "COPY object FROM STDIN" -c "SELECT f.key FROM kpi.archive_file f JOIN kpi.retention r ON r.id = f.retention_id
    JOIN pg_foreign_server s ON s.srvname = r.server WHERE EXISTS (SELECT FROM unnest(s.srvoptions) x WHERE x LIKE 'url=s3:%')
    AND NOT EXISTS (SELECT FROM object o WHERE right(o.key, length(f.key)) = f.key OR right(f.key, length(o.key)) = o.key)"
}
# exact WHAT DATABASE TABLE CONTENT: the table holds what it held.
exact() { is "$1: every row once" "$4" "$(content "$2" "$3" 2>&1)"; }
# whole WHAT DATABASE: what is in the bucket is what the manifest says.
whole() { is "$1: no orphan, nothing missing" '' "$(orphans "$2" 2>&1)$(missing "$2" 2>&1)"; }
