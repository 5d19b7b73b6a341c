#!/usr/bin/env bash
# Hypertables of TimescaleDB as sources: story.sql against story.expected, in a database of its own.
#
# Needs PGHOST, PGPORT and PGUSER (a superuser) of a cluster with pg_kpi installed and TimescaleDB preloaded; with --update
# the expected output is written anew.
set -euo pipefail
cd "$(dirname "$0")"
export PGDATABASE=postgres PSQLRC=/dev/null
sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

if [[ $(sql -c 'SHOW shared_preload_libraries') != *timescaledb* ]]; then
  echo "skip - hypertables need TimescaleDB in shared_preload_libraries"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi

database=kpi_hypertable
got=$(mktemp)
remove() { sql -c 'SET client_min_messages = error' -c "DROP DATABASE IF EXISTS $database WITH (FORCE)"; }
trap 'remove; rm -f "$got"' EXIT
remove
sql -c "CREATE DATABASE $database"
# The way of a fault through PL/pgSQL is not part of the story.
psql -Xqa -d $database -v SHOW_CONTEXT=never -f story.sql 2>&1 | sed -E 's/^psql:[^ ]*story.sql:[0-9]+: //' >"$got"
if [ "${1:-}" = --update ]; then
  cp "$got" story.expected
fi
if diff story.expected "$got"; then
  echo "ok - the story of a hypertable"
  echo "1 passed, 0 failed"
else
  echo "not ok - the story of a hypertable"
  echo "0 passed, 1 failed"
  exit 1
fi
