#!/usr/bin/env bash
# Random queries: differential.py, on a partitioned table and, where TimescaleDB is, on a hypertable.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster. DIFFERENTIAL_SEED=n repeats a run that failed, DIFFERENTIAL_QUERIES=20000
# asks more.
# shellcheck source=regress/archive/store.bash
. "$(dirname "$0")/store.bash"
made && started_with_all || exit 1
sql postgres -c "CREATE DATABASE shop TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"
! has_timescaledb || sql shop -c 'SET client_min_messages = error' -c 'CREATE EXTENSION timescaledb'
sql shop -c 'CREATE EXTENSION pg_kpi'
file_server shop cold
for kind in native hypertable; do
  if [ $kind = hypertable ] && ! has_timescaledb; then
    skip 'hypertables need TimescaleDB'
    continue
  fi
  # shellcheck disable=SC2086  # no seed, no argument
  PGDATABASE=shop python3 "$here/differential.py" $kind cold ${DIFFERENTIAL_SEED:-} >"$work/report"
  grep -v ' passed, ' "$work/report"
  read -r ok not_ok < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$work/report")
  passed=$((passed + ${ok:-0})) failed=$((failed + ${not_ok:-1}))
done
closing
