#!/usr/bin/env bash
# Upgrades: a database of version 0.1.0 with KPIs in it (0.1.0.sql, as pg_dump of that version wrote it) becomes one of the
# present version by ALTER EXTENSION pg_kpi UPDATE while another session is open; afterwards every object is as in a fresh
# installation, and every KPI as in plain SQL. And released scripts are what they were when they were released.
#
# Needs PGHOST, PGPORT and PGUSER (a superuser) of a cluster with pg_kpi installed; makes and drops its own databases.
# shellcheck disable=SC2317  # many functions are called through check
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
migrations=$here/../../migrations
work=$(mktemp -d)
passed=0 failed=0
export PGDATABASE=postgres PSQLRC=/dev/null PGTZ=UTC

sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
remove() {
  local database
  for database in kpi_upgraded kpi_fresh; do sql -c 'SET client_min_messages = error' -c "DROP DATABASE IF EXISTS $database WITH (FORCE)"; done
}
trap 'remove; rm -rf "$work"' EXIT

check() {
  local what=$1
  shift
  if "$@" >"$work/out" 2>&1; then
    passed=$((passed + 1))
    echo "ok - $what"
  else
    failed=$((failed + 1))
    echo "not ok - $what"
    head -n 40 "$work/out" | sed 's/^/#   /'
  fi
}

unchanged() { (cd "$migrations" && sha256sum --check --strict released); }
# Each version but the last has one script that leads on, and the last is the one that is built.
chain() {
  local version=0.1.0 next scripts=0
  while next=$(cd "$migrations" && ls -- pg_kpi--"$version"--*.sql 2>/dev/null); do
    [ "$(wc -l <<<"$next")" -eq 1 ] || { echo "more than one way on from $version: $next" && return 1; }
    version=${next##*--} version=${version%.sql}
    scripts=$((scripts + 1))
  done
  [ "$(cd "$migrations" && ls -- pg_kpi--*--*.sql | wc -l)" -eq $scripts ] || { echo "a script is not in the chain" && return 1; }
  [ "$version" = "$(sql -c "SELECT default_version FROM pg_available_extensions WHERE name = 'pg_kpi'")" ] || { echo "the chain ends at $version" && return 1; }
}

# says PATTERN SQL: the statement fails, and psql says something like it.
says() {
  ! sql -d kpi_upgraded -c "$2" 2>"$work/said" && grep -q "$1" "$work/said" || { cat "$work/said" && return 1; }
}

# The same numbers as plain SQL, row by row.
right() {
  local differing
  differing=$(sql -d kpi_upgraded <<'SQL'
WITH plain AS (SELECT date_trunc('day', at, 'Europe/Berlin') AS ts, region, sum(amount)::float8 AS value FROM orders GROUP BY 1, 2),
     ours AS (SELECT ts, dimensions->>'region' AS region, value FROM kpi.value('revenue', 'day', by => '{region}')),
     plain_visits AS (SELECT date_trunc('day', at) AT TIME ZONE 'UTC' AS ts, count(*)::float8 AS value FROM visit GROUP BY 1),
     visits AS (SELECT ts, value FROM kpi.value('visits', 'day'))
SELECT (SELECT count(*) FROM ((TABLE plain EXCEPT ALL TABLE ours) UNION ALL (TABLE ours EXCEPT ALL TABLE plain)) a)
     + (SELECT count(*) FROM ((TABLE plain_visits EXCEPT ALL TABLE visits) UNION ALL (TABLE visits EXCEPT ALL TABLE plain_visits)) b);
SQL
  )
  [ "$differing" = 0 ] || { echo "$differing rows differ" && return 1; }
}
refreshed() { [ "$(sql -d kpi_upgraded -c "SELECT r.* FROM kpi.source s, kpi.refresh(s.name) r" -c "SELECT sum(touched_buckets) FROM kpi.rollup_status WHERE source <> 'big'" | tail -1)" = 0 ]; }
same_objects() {
  sql -d kpi_fresh -f "$here/objects.sql" >"$work/fresh" && sql -d kpi_upgraded -f "$here/objects.sql" >"$work/upgraded" &&
    [ -s "$work/fresh" ] && diff "$work/fresh" "$work/upgraded"
}

check 'no released script has been changed' unchanged
check 'the scripts are one chain from 0.1.0 to the present version' chain
remove
sql -c 'CREATE DATABASE kpi_upgraded TEMPLATE template0' -c 'CREATE DATABASE kpi_fresh TEMPLATE template0'
check 'a database of 0.1.0 with KPIs' sql -d kpi_upgraded -f "$here/0.1.0.sql"

# A session that is open all the time.
coproc SESSION { psql -XqAt -d kpi_upgraded 2>"$work/session.err"; }
ask() {
  local line
  printf '%s\n\\echo end\n' "$1" >&"${SESSION[1]}"
  while IFS= read -r -t 60 line <&"${SESSION[0]}" && [ "$line" != end ]; do echo "$line"; done
}
answers() { [ "$(ask "$1")" = "$2" ] || { cat "$work/session.err" && return 1; }; }

check 'before the update: a write is captured' answers \
  "INSERT INTO orders VALUES (2000, '2026-01-02 03:04Z', 'west', 5, false) RETURNING id;" 2000
check 'before the update: a partition is created and written to' answers \
  "CREATE TABLE visit_03 PARTITION OF visit FOR VALUES FROM ('2026-03-01') TO ('2026-04-01'); INSERT INTO visit VALUES ('2026-03-05 06:07', 'new') RETURNING page;" new
check 'before the update: a read says what to type' says 'ALTER EXTENSION pg_kpi UPDATE' "SELECT * FROM kpi.value('revenue', 'day')"
check 'before the update: so does a definition' says 'ALTER EXTENSION pg_kpi UPDATE' "SELECT kpi.create_source('more', 'orders', 'at')"
check 'before the update: TRUNCATE is captured' answers "BEGIN; TRUNCATE visit_01; SELECT 'done'; ROLLBACK;" done
check 'ALTER EXTENSION pg_kpi UPDATE' sql -d kpi_upgraded -c 'ALTER EXTENSION pg_kpi UPDATE'
sql -d kpi_fresh -c 'CREATE EXTENSION pg_kpi'
check 'every object is as in a fresh installation' same_objects
check 'the open session reads on' answers "SELECT count(*) > 0 FROM kpi.value('revenue', 'day');" t
check 'KPIs are what plain SQL says' right
check 'what was written before is refreshed' refreshed
check 'and still right' right
check 'the open session writes on' answers "INSERT INTO orders VALUES (2001, '2026-01-04 05:06Z', 'west', 6, false) RETURNING id;" 2001
check 'which is captured' right
check 'a source over a view reads on' answers "SELECT sum(value) > 0 FROM kpi.value('big', 'year');" t
check 'the dimensions of the views say what they are' answers \
  "SELECT count(*) > 0 AND bool_and(col_description(k.view, a.attnum) IS NOT NULL) FROM kpi.kpi k, pg_attribute a WHERE a.attrelid = k.view AND a.attnum > 0;" t
check 'a view of somebody over ours still works' answers "SELECT count(*) FROM mine;" 3
check 'so does one over forecasts, of a series and of a KPI' answers "SELECT sum(value) FILTER (WHERE value = 4), count(*) FROM forecasts;" '8|4'
check 'what is new works: a source that keeps its history' sql -d kpi_upgraded -c "SELECT kpi.create_source('keeps', 'visit', 'at', on_drop => 'keep')"
printf '\\q\n' >&"${SESSION[1]}"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
