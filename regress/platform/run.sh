#!/usr/bin/env bash
# The wrong PostgreSQL, and the order of loading: a PostgreSQL that is too old is refused before anything is compiled, and the
# KPIs say the same however pg_kpi and TimescaleDB are preloaded.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster. Without TimescaleDB there is one way less to load things in.
# shellcheck disable=SC2317  # many functions are called through check
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
passed=0 failed=0
work=$(mktemp -d /tmp/kpi.XXXXXX)
chmod 755 "$work"
read -ra as <<<"${PG_RUNAS:-}"
server() { (cd / && "${as[@]}" "$PG_BINDIR/pg_ctl" -D "$work/data" "$@"); }
finish() {
  server -m immediate stop >/dev/null 2>&1
  rm -rf "$work"
}
trap finish EXIT

# check WHAT COMMAND...
check() {
  local what=$1
  shift
  if "$@" >"$work/said" 2>&1; then
    passed=$((passed + 1))
    echo "ok - $what"
  else
    failed=$((failed + 1))
    echo "not ok - $what"
    tail -n 20 "$work/said" | sed 's/^/#   /'
  fi
}

# A pg_config that says of itself what an old one says, for nothing else is asked of it.
old_postgres() {
  mkdir -p "$work/old"
  printf '#!/bin/sh\necho PostgreSQL %s\n' "$1" >"$work/old/pg_config"
  chmod +x "$work/old/pg_config"
}
# The message, and what to do; and nothing was compiled to find out.
refused() {
  local said
  said=$(PG_CONFIG=$work/old/pg_config CARGO_TARGET_DIR=$work/target scripts/install 2>&1) && return 1
  echo "$said"
  [ ! -e "$work/target" ] && grep -q "^error: pg_kpi is for PostgreSQL 15 to 18, and this is PostgreSQL $1\$" <<<"$said" &&
    grep -q 'make \.\.\. PG_CONFIG=' <<<"$said"
}
for version in 9.6.24 14.19 19beta1; do
  old_postgres "$version"
  check "PostgreSQL $version is refused" refused "$version"
done

sql() { PGOPTIONS='-c client_min_messages=warning' psql -XqAt -v ON_ERROR_STOP=1 -h "$work" -p 5432 "$@"; }

made() { (cd / && "${as[@]}" "$PG_BINDIR/initdb" -D "$work/data" -U "$PGUSER" -A trust --encoding=UTF8 --locale=C.UTF-8 --no-sync); }

# started LIBRARIES: a server that preloads them.
started() {
  server -m fast -w stop >/dev/null 2>&1
  server -w -t 60 -l "$work/data/log" start \
    -o "-p 5432 -c listen_addresses='' -c unix_socket_directories='$work' -c shared_preload_libraries='$1'" >/dev/null </dev/null
}
# kpis_work [FIRST]: in a new database, after that statement, a KPI over a table and its refresh.
kpis_work() {
  sql -d postgres -c 'DROP DATABASE IF EXISTS loading' -c 'CREATE DATABASE loading TEMPLATE template0' || return
  if [ $# -gt 0 ]; then sql -d loading -c "$1" || return; fi
  [ "$(sql -d loading <<'SQL'
CREATE EXTENSION pg_kpi;
CREATE TABLE sale (at timestamptz, amount int);
SELECT 'made' FROM kpi.create_source('sale', 'sale', 'at');
SELECT 'made' FROM kpi.create_kpi('amount', 'sale', 'sum(amount)');
INSERT INTO sale VALUES ('2026-01-01 12:00Z', 1), ('2026-01-02 12:00Z', 2);
SELECT sum(value) FROM kpi.value('amount', 'day');
SELECT buckets FROM kpi.refresh('sale');
SELECT sum(value) FROM kpi.value('amount', 'day');
SQL
  )" = $'made\nmade\n3\n2\n3' ]
}
refuses_timescale() {
  local said
  ! said=$(sql -d loading -c 'CREATE EXTENSION timescaledb' 2>&1) && grep 'must be preloaded' <<<"$said" &&
    [ "$(sql -d loading -c "SELECT sum(value) FROM kpi.value('amount', 'day')")" = 3 ]
}

mkdir "$work/data"
if [ ${#as[@]} -gt 0 ]; then chown "${as[2]}" "$work" "$work/data"; fi
check 'a cluster of its own' made

check 'nothing preloaded: it starts' started ''
check 'nothing preloaded: KPIs work' kpis_work
check 'preloaded: it starts' started pg_kpi
check 'preloaded: KPIs work' kpis_work
if [ -e "$("$PG_BINDIR/pg_config" --pkglibdir)/timescaledb.so" ]; then
  for order in timescaledb,pg_kpi pg_kpi,timescaledb; do
    check "$order: it starts" started "$order"
    check "$order: KPIs work" kpis_work 'CREATE EXTENSION timescaledb'
  done
  check 'TimescaleDB installed but not preloaded: it starts' started pg_kpi
  check 'TimescaleDB installed but not preloaded: KPIs work' kpis_work
  check 'TimescaleDB installed but not preloaded: its CREATE EXTENSION fails, the KPIs go on' refuses_timescale
fi

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
