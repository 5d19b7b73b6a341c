#!/usr/bin/env bash
# kpi.series(ts, v) over 10 million rows against array_agg(v ORDER BY ts), the nearest thing in plain SQL: it sorts by time and
# keeps the values, though not the times. Both run with the server's default settings.
. "$(dirname "$0")/measure.sh"

rows=10000000
# 7368787 shares no factor with the number of rows, so the second table holds the same points in a scattered order.
run <<SQL
CREATE UNLOGGED TABLE in_order AS
SELECT timestamptz '2010-01-01 00:00Z' + i * interval '1 minute' AS ts, sin(i / 1440.0) * 100 + i % 60 AS v
FROM generate_series(0, $rows - 1) AS i;
CREATE UNLOGGED TABLE scattered AS
SELECT timestamptz '2010-01-01 00:00Z' + j * interval '1 minute' AS ts, sin(j / 1440.0) * 100 + j % 60 AS v
FROM (SELECT i * 7368787::bigint % $rows AS j FROM generate_series(0, $rows - 1) AS i) AS s;
VACUUM ANALYZE in_order;
VACUUM ANALYZE scattered;
SQL

for table in in_order scattered; do
  our_runs=() peer_runs=()
  for _ in 1 2 3; do
    our_runs+=("$(elapsed_ms "SELECT kpi.length(kpi.series(ts, v)) FROM $table")")
    peer_runs+=("$(elapsed_ms "SELECT array_length(array_agg(v ORDER BY ts), 1) FROM $table")")
  done
  ours=$(median "${our_runs[@]}") peer=$(median "${peer_runs[@]}")
  result "kpi.series over 10M rows (${table/_/ }) against array_agg, times faster" "$(ms "$ours")" "$(ms "$peer")" \
    "$(quotient "$peer" "$ours")" ">= 3"
done
