#!/usr/bin/env bash
# 100,000 series of 60 months, forecast with theta in one statement: from rows in one table (the forecasts are made in the leader), from
# rows in hash partitions and from stored series (they are made in the workers). And whether memory grows with the number of series.
# Time is that of the wall; the processor's is beside it, for machines that do other things too.
. "$(dirname "$0")/measure.sh"

series=${FORECAST_SERIES:-100000}
run <<SQL
CREATE UNLOGGED TABLE sales (shop int NOT NULL, ts timestamptz NOT NULL, amount float8);
INSERT INTO sales
SELECT shop, '2021-01-01 00:00Z'::timestamptz + month * interval '1 month',
       100 + shop % 50 + month * (shop % 7) / 4.0 + 10 * sin(month * pi() / 6) + (shop * 7919::bigint + month * 104729) % 1009 / 50.0
FROM generate_series(1, $series) AS shop, generate_series(0, 59) AS month;
CREATE UNLOGGED TABLE parted (LIKE sales) PARTITION BY HASH (shop);
SELECT format('CREATE UNLOGGED TABLE parted_%s PARTITION OF parted FOR VALUES WITH (MODULUS 8, REMAINDER %1\$s)', r)
FROM generate_series(0, 7) AS r \gexec
INSERT INTO parted SELECT * FROM sales;
CREATE UNLOGGED TABLE stored AS SELECT shop, kpi.series(ts, amount) AS s FROM sales GROUP BY shop;
VACUUM ANALYZE sales;
VACUUM ANALYZE parted;
VACUUM ANALYZE stored;
SQL
postmaster=$(head -1 "$(ask 'SHOW data_directory')/postmaster.pid")

# Seconds of processor time of all backends that have ended.
processor() { awk -v tick="$(getconf CLK_TCK)" '{ print ($16 + $17) / tick }' "/proc/$postmaster/stat"; }

# The private memory of this database's other backends, in MB.
private_mb() {
  local pid
  for pid in $(ask "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type IN ('client backend', 'parallel worker')"); do
    cat "/proc/$pid/status" 2>/dev/null || true
  done | awk '/^RssAnon:/ { sum += $2 } END { printf "%.0f\n", sum / 1024 }'
}

# measured SETTINGS SQL: sets wall and cpu to seconds, and peak to the most private memory seen.
measured() {
  local before begun here
  before=$(processor) begun=$(date +%s.%N) peak=0
  run -c "$1" -c "$2" >/dev/null &
  local statement=$!
  while kill -0 $statement 2>/dev/null; do
    here=$(private_mb)
    if ((here > peak)); then peak=$here; fi
    sleep 0.2
  done
  wait $statement
  wall=$(awk -v a="$begun" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }')
  # A backend's time is counted when it has been reaped.
  sleep 0.5
  cpu=$(awk -v a="$before" -v b="$(processor)" 'BEGIN { printf "%.1f", b - a }')
}

# A statement is measured with its name, settings and FROM clause.
forecasts() {
  measured "$2" "SELECT count(*), sum(f.value) FROM $3, kpi.forecast(g.s, 12, 'theta') AS f"
  result "$series series with theta, $1" "$wall s" "-" "-" "<= 60 s"
  result "the same, processor time" "$cpu s" "-" "-" "-"
  result "the same, private memory of all its processes" "$peak MB" "-" "-" "<= 1024 MB"
}
grouped() { echo "(SELECT shop, kpi.series(ts, amount) AS s FROM $1 GROUP BY shop) AS g"; }
forecasts 'rows of one table' 'SET jit = off' "$(grouped sales)"
forecasts 'rows of hash partitions' 'SET jit = off; SET enable_partitionwise_aggregate = on' "$(grouped parted)"
forecasts 'stored series' 'SET jit = off' 'stored AS g'

# In one process: ten times as many series; fewer would be over before their memory is looked at.
peaks=()
for count in $((series / 10)) "$series"; do
  measured 'SET jit = off; SET max_parallel_workers_per_gather = 0' \
    "SELECT count(*) FROM (SELECT s FROM stored LIMIT $count) AS g, kpi.forecast(g.s, 12, 'theta') AS f"
  peaks+=("$peak")
done
result "private memory for $series series against $((series / 10))" "${peaks[1]} MB" "${peaks[0]} MB" \
  "$(quotient "${peaks[1]}" "${peaks[0]}")" "<= 1.5"
