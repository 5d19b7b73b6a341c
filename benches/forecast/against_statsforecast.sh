#!/usr/bin/env bash
# How near our automatic models come to those of statsforecast: mean sMAPE of both on the same series of m3_monthly, the ratio (a model
# is as good as theirs at 1.01 or less), and per series the median and the worst difference of the two.
#
# usage: against_statsforecast.sh [EVERY] [MODEL]...      12 for one series in twelve; all series and models when nothing is said
#
# Their forecasts take hours for all series, so they are kept in the cache's folder "statsforecast" and a run that was stopped goes on
# where it was; at 0 for EVERY nothing is forecast anew, and the series are those that were kept.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/env.sh"
MODELS=(ets:ets theta:theta theta:auto_theta dynamic_optimized_theta:dynamic_optimized_theta ces:ces arima:arima)
set=m3_monthly season=12
every=${1:-1}
wanted=" ${*:2} "

find_shared_data
data=${PG_KPI_SHARED:-../shared}/data/forecast/$set.csv
if [ ! -r "$data" ]; then
  echo "skip - needs $data; PG_KPI_SHARED=/folder names another place"
  exit 0
fi
python=$("$ROOT/benches/install" forecast) || {
  echo "skip - statsforecast is not there: $python"
  exit 0
}

cd "$ROOT"
claim_cache
cargo build --quiet --release -p kpi-forecast --example competition
kept=$CACHE/statsforecast/forecasts-$(cksum <benches/forecast/requirements.txt | cut -d' ' -f1)
mkdir -p "$kept"
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
for pair in "${MODELS[@]}"; do
  ours=${pair%:*} theirs=${pair#*:}
  if [[ $wanted != "  " && $wanted != *" $ours "* ]]; then continue; fi
  file=$kept/$set.$theirs.csv
  [ "$every" = 0 ] || "$python" benches/forecast/statsforecast_reference.py "$data" $season "$theirs" "$file" "$every" 2>"$out/log" ||
    die "statsforecast failed: $(tail -1 "$out/log")"
  if [ ! -r "$file" ]; then
    echo "skip - no forecasts of $theirs are kept"
    continue
  fi
  "$CARGO_TARGET_DIR/release/examples/competition" "$data" $season "$ours" >"$out/forecasts" 2>"$out/time"
  echo "$ours, statsforecast's $theirs: $(python3 benches/forecast/compare.py "$data" "$out/forecasts" "$file" 3)"
done
