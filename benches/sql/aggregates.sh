#!/usr/bin/env bash
# Two-step aggregates over 10 million rows in one process. Each aggregate pays for reading the rows, as sum(v) does; ours is what it takes
# on top of sum(v), the peer is sum(v), so the ratio says how much dearer than a sum it is. The goals are half, and for percentiles a
# quarter, of the same ratio of timescaledb_toolkit where it was measured (sum(v) 0.42 s, and 0.83 to 2.82 s); it is not installed here.
. "$(dirname "$0")/measure.sh"

rows=${AGGREGATES_ROWS:-10000000}
run <<SQL
CREATE UNLOGGED TABLE r AS
SELECT timestamptz '2026-01-01 00:00Z' + i * interval '1 second' AS ts, (i % 1000)::int AS device,
       (100 + 20 * sin(i / 1440.0) + i::bigint * 7919 % 1009 / 100.0)::float8 AS v
FROM generate_series(0, $rows - 1) AS i;
VACUUM ANALYZE r;
SQL
alone="SET max_parallel_workers_per_gather = 0; SET jit = off; SET work_mem = '256MB';"

# Other work on the machine makes a statement slower and never faster: what counts is the fastest of some runs.
fastest() { printf '%s\n' "$@" | sort -g | head -1; }

# dearer NAME GOAL AGGREGATE [GROUP]: fastest of five rounds, taken in turns with sum(v).
dearer() {
  local name=$1 goal=$2 aggregate=$3 group=${4:-} of_it=() of_sum=()
  local query="SELECT count(x) FROM (SELECT $aggregate AS x FROM r $group) q"
  for _ in 1 2 3 4 5; do
    of_sum+=("$(elapsed_ms "$alone" "SELECT sum(v) FROM r")")
    of_it+=("$(elapsed_ms "$alone" "$query")")
  done
  local sum it
  sum=$(fastest "${of_sum[@]}") it=$(fastest "${of_it[@]}")
  local more
  more=$(awk -v it="$it" -v sum="$sum" 'BEGIN { print it - sum }')
  result "$name, on top of sum(v)" "$(ms "$more")" "$(ms "$sum")" "$(quotient "$more" "$sum")" "<= $goal"
}
dearer 'stats_agg(v)' 0.49 'kpi.stats_agg(v)'
dearer 'percentile_agg(v)' 0.38 'kpi.percentile_agg(v)'
dearer 'tdigest(100, v)' 0.48 'kpi.tdigest(100, v)'
dearer 'hyperloglog(device)' 0.57 'kpi.approx_count_distinct(device)'
dearer 'time_weight(ts, v)' 0.92 "kpi.time_weight('LOCF', ts, v)"
dearer 'counter_agg(ts, v)' 0.74 'kpi.counter_agg(ts, v)'
dearer 'candlestick_agg(ts, v, v)' 0.52 'kpi.candlestick_agg(ts, v, v)'
dearer 'time_weight by 1000 devices' 1.89 "kpi.time_weight('LOCF', ts, v)" 'GROUP BY device'
dearer 'counter_agg by 1000 devices' 1.85 'kpi.counter_agg(ts, v)' 'GROUP BY device'
dearer 'percentile_agg by 1000 devices' 1.43 'kpi.percentile_agg(v)' 'GROUP BY device'

# Two workers against none.
two="SET max_parallel_workers_per_gather = 2; SET parallel_leader_participation = off; SET parallel_setup_cost = 0; SET min_parallel_table_scan_size = 0; SET jit = off;"
for aggregate in 'stats_agg(v)' 'percentile_agg(v)' 'counter_agg(ts, v)'; do
  serial=() parallel=()
  for _ in 1 2 3 4 5; do
    serial+=("$(elapsed_ms "$alone" "SELECT kpi.$aggregate IS NULL FROM r")")
    parallel+=("$(elapsed_ms "$two" "SELECT kpi.$aggregate IS NULL FROM r")")
  done
  none=$(fastest "${serial[@]}") with=$(fastest "${parallel[@]}")
  result "$aggregate with two workers, times faster than with none" "$(ms "$with")" "$(ms "$none")" "$(quotient "$none" "$with")" ">= 1.7"
done

# Bytes of a state of all rows.
for family in 'stats_agg(v) 64' 'percentile_agg(v) 4096' 'counter_agg(ts, v) 200'; do
  bytes=$(ask "SELECT pg_column_size(kpi.${family% *}) FROM r")
  result "size of the state of ${family% *}" "$bytes bytes" '-' '-' "<= ${family##* } bytes"
done
