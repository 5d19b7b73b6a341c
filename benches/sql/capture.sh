#!/usr/bin/env bash
# What capture costs a writer: COPY of 1 million narrow rows, and single-row transactions per second, into a captured
# table against the same table uncaptured, in alternating runs.
. "$(dirname "$0")/measure.sh"

rows=1000000
data=$(mktemp)
insert=$(mktemp -d)
trap 'rm -rf "$data" "$insert"' EXIT

run <<'SQL'
CREATE TABLE plain (ts timestamptz NOT NULL, device int NOT NULL, value float8);
CREATE TABLE measurements (LIKE plain);
SELECT kpi.create_source('m', 'measurements', 'ts', '{device}') \g /dev/null
SELECT kpi.create_kpi('avg_v', 'm', 'avg(value)') \g /dev/null
SQL
# A hundred devices that report every ten seconds for eleven and a half days.
run -c "\copy (SELECT timestamptz '2026-01-01 00:00Z' + i / 100 * interval '10 seconds', i % 100, (i * 7919::bigint % 100003) / 64.0 FROM generate_series(0, $rows - 1) AS i) TO '$data'"

copy_ms() {
  run -c "TRUNCATE $1" -c "SELECT kpi.refresh('m')" -c CHECKPOINT >/dev/null
  elapsed_ms "\\copy $1 FROM '$data'"
}

plain_runs=() captured_runs=()
for _ in 1 2 3 4 5; do
  plain_runs+=("$(copy_ms plain)")
  captured_runs+=("$(copy_ms measurements)")
done
plain=$(median "${plain_runs[@]}") captured=$(median "${captured_runs[@]}")
result "COPY of 1M rows into a captured table against an uncaptured one" "$(ms "$captured")" "$(ms "$plain")" \
  "$(quotient "$captured" "$plain")" "<= 1.20"

for table in plain measurements; do
  cat >"$insert/$table" <<SQL
\set device random(0, 99)
\set value random(0, 100000)
INSERT INTO $table VALUES (now(), :device, :value / 64.0);
SQL
done
# transactions_per_second TABLE CLIENTS
transactions_per_second() {
  run -c "TRUNCATE $1" -c "SELECT kpi.refresh('m')" -c CHECKPOINT >/dev/null
  pgbench -n -c "$2" -j "$2" -T 5 --random-seed=1 -f "$insert/$1" 2>/dev/null | sed -nE 's/^tps = ([0-9.]+).*/\1/p'
}

for clients in 1 4; do
  plain_runs=() captured_runs=()
  for _ in 1 2 3 4 5; do
    plain_runs+=("$(transactions_per_second plain $clients)")
    captured_runs+=("$(transactions_per_second measurements $clients)")
  done
  plain=$(median "${plain_runs[@]}") captured=$(median "${captured_runs[@]}")
  result "single-row transactions per second (clients: $clients), captured against uncaptured" \
    "$(printf '%.0f' "$captured")" "$(printf '%.0f' "$plain")" "$(quotient "$captured" "$plain")" ">= 0.85"
done
