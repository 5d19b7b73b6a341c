#!/usr/bin/env bash
# Real data: the half-hourly taxi demand of New York, July 2014 to January 2015, with its five known events (Numenta Anomaly
# Benchmark). Loads it into the server of the PG* environment, defines a KPI on it and checks it; see nyc_taxi.sql.
# PG_KPI_SHARED names the folder that holds data/anomaly/nab_series.csv and nab_windows.csv.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${PG_KPI_SHARED:-../shared}/data/anomaly
series=$folder/nab_series.csv windows=$folder/nab_windows.csv file=realKnownCause/nyc_taxi.csv

for needed in "$series" "$windows"; do
  if [ ! -r "$needed" ]; then
    echo "skip - needs $needed: columns file,ts,value (series) and file,start,end (windows) of the Numenta Anomaly Benchmark;"
    echo "skip - PG_KPI_SHARED=/folder names another place for data/anomaly/"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
  fi
done

run() { PGTZ=UTC PGOPTIONS='-c client_min_messages=warning' psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

run <<'SQL'
CREATE EXTENSION IF NOT EXISTS pg_kpi;
DROP SCHEMA IF EXISTS nyc_taxi CASCADE;
CREATE SCHEMA nyc_taxi;
CREATE TABLE nyc_taxi.taxi_demand (file text, ts timestamptz NOT NULL, passengers float8 NOT NULL);
CREATE TABLE nyc_taxi.event (file text, starts timestamptz NOT NULL, ends timestamptz NOT NULL);
SQL
grep "^$file," "$series" | run -c "COPY nyc_taxi.taxi_demand FROM STDIN (FORMAT csv)"
grep "^$file," "$windows" | run -c "COPY nyc_taxi.event FROM STDIN (FORMAT csv)"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
run -f regress/real/nyc_taxi.sql 2>&1 | tee "$log" || status=$?
passed=$(grep -c '^ok ' "$log" || true) failed=$(grep -c '^not ok ' "$log" || true)
if [ "$status" -ne 0 ]; then
  echo "not ok - the script ran to its end"
  failed=$((failed + 1))
fi
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
