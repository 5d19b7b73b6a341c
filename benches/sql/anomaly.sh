#!/usr/bin/env bash
# What it costs to score: points per second of the window aggregate, and of a watch, batches of 1000 rows into a watched table against
# the same table unwatched, in alternating runs.
. "$(dirname "$0")/measure.sh"

insert=$(mktemp -d)
trap 'rm -rf "$insert"' EXIT

run <<'SQL'
-- A day of a hundred devices' readings, with a season of a day and noise.
CREATE TABLE points AS
SELECT device, timestamptz '2026-01-01 00:00Z' + i * interval '1 minute' AS ts,
       10 * sin(2 * pi() * i / 1440) + sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) AS value
FROM generate_series(0, 9) AS device, generate_series(0, 99999) AS i;
VACUUM ANALYZE points;
SQL
points=1000000
bare=$(median_ms 3 "SELECT sum(s) FROM (SELECT count(value) OVER (PARTITION BY device ORDER BY ts) AS s FROM points) w")
scored=$(median_ms 3 "SELECT sum(s) FROM (SELECT kpi.anomaly_score(ts, value) OVER (PARTITION BY device ORDER BY ts) AS s FROM points) w")
result "anomaly_score over 1M points of 10 devices in order, beside count" "$(ms "$scored")" "$(ms "$bare")" "$(quotient "$scored" "$bare")" "-"
result "anomaly_score, without what the same window costs with count" \
  "$(awk -v s="$scored" -v b="$bare" -v n="$points" 'BEGIN {printf "%.0f points/s", 1000 * n / (s - b)}')" "-" "-" ">= 500000 points/s"

run <<'SQL'
CREATE TABLE plain (ts timestamptz NOT NULL, device int NOT NULL, value float8, PRIMARY KEY (device, ts));
CREATE TABLE watched (LIKE plain INCLUDING ALL);
CREATE SEQUENCE plain_batch;
CREATE SEQUENCE watched_batch;
SELECT kpi.watch('watched', 'ts', 'value', key => '{device}') \g /dev/null
SQL
for devices in 1 10 100; do
  for table in plain watched; do
    cat >"$insert/$table" <<SQL
SELECT nextval('${table}_batch') AS batch \gset
INSERT INTO $table SELECT timestamptz '2026-01-01 00:00Z' + (:batch * (1000 / $devices) + i / $devices) * interval '1 second', i % $devices, hashint8(:batch * 1000 + i) / 1e9
FROM generate_series(0, 999) i;
SQL
  done
  batches_per_second() {
    run -c "TRUNCATE $1" -c CHECKPOINT >/dev/null
    pgbench -n -c 1 -T 4 -M prepared -f "$insert/$1" 2>/dev/null | sed -nE 's/^tps = ([0-9.]+).*/\1/p'
  }
  plain_runs=() watched_runs=()
  for _ in 1 2 3 4 5; do
    plain_runs+=("$(batches_per_second plain)")
    watched_runs+=("$(batches_per_second watched)")
  done
  plain=$(awk -v v="$(median "${plain_runs[@]}")" 'BEGIN {print 1000 / v}')
  watched=$(awk -v v="$(median "${watched_runs[@]}")" 'BEGIN {print 1000 / v}')
  result "batch of 1000 rows of $devices devices into a watched table against an unwatched one" "$(ms "$watched")" "$(ms "$plain")" \
    "$(quotient "$watched" "$plain")" "<= 1.30"
  run -c "SELECT kpi.unwatch('watched.value')" -c "SELECT kpi.watch('watched', 'ts', 'value', key => '{device}')" >/dev/null
done
