#!/usr/bin/env bash
# How many series a second of one core's processor time is enough for, beside statsforecast on the same series in the same run.
# Series of three sets of forecasting competitions, one in some.
. "$(dirname "$0")/measure.sh"
. scripts/env.sh

find_shared_data
folder=${PG_KPI_SHARED:-../shared}/data/forecast
if [ ! -r "$folder/m3_monthly.csv" ]; then
  echo "skip - needs $folder/m3_monthly.csv; PG_KPI_SHARED=/folder names another place"
  exit 0
fi
claim_cache
cargo build --quiet --release -p kpi-forecast --example competition
python=$(benches/install forecast) || {
  echo "skip - statsforecast is not measured: $python"
  python=
}
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT

# ours SET SEASON EVERY MODEL: series per second of processor time.
ours() {
  "$CARGO_TARGET_DIR/release/examples/competition" "$folder/$1.csv" "$2" "$4" "$3" 2>&1 >/dev/null |
    sed -nE 's/.*, ([^ ]+) series\/s$/\1/p'
}

# theirs SET SEASON EVERY MODEL
theirs() {
  rm -f "$out/forecasts"
  "$python" benches/forecast/statsforecast_reference.py "$folder/$1.csv" "$2" "$4" "$out/forecasts" "$3" 2>"$out/log" &&
    awk -F, 'NR > 1 && $2 == 1 {sum += $6; count++} END {printf "%.1f", count / sum}' "$out/forecasts"
}

# compared SET SEASON EVERY MODEL PEER GOAL
compared() {
  local mine peer=
  mine=$(ours "$1" "$2" "$3" "$4")
  if [ -n "$python" ]; then
    peer=$(theirs "$1" "$2" "$3" "$5") || { echo "statsforecast failed: $(tail -1 "$out/log")" >&2 && exit 1; }
  fi
  result "$4 on $1 against statsforecast's $5, times faster" "$mine series/s" "${peer:+$peer series/s}" \
    "${peer:+$(quotient "$mine" "$peer")}" "$6"
}

for set in m3_monthly:12:12 tourism_quarterly:4:4 m4_hourly:24:40; do
  IFS=: read -r name season every <<<"$set"
  if [ ! -r "$folder/$name.csv" ]; then
    echo "skip - needs $folder/$name.csv"
    continue
  fi
  compared "$name" "$season" "$every" ets ets ">= 6"
  compared "$name" "$season" "$every" dynamic_optimized_theta auto_theta ">= 10"
  case $name in
    m3_monthly) result "auto on $name" "$(ours "$name" "$season" "$every" auto) series/s" - - ">= 20 series/s" ;;
    m4_hourly) result "auto on $name" "$(ours "$name" "$season" "$every" auto) series/s" - - ">= 5 series/s" ;;
  esac
done
