#!/usr/bin/env bash
# How near the forecasts of a model come to what was held back of five sets of forecasting competitions, and how many series it
# forecasts in a second, on one core. The season of a set is given, all else is found; one setting for all sets.
#
# usage: accuracy.sh [MODEL] [SET]...      auto, and all sets, when nothing is said
#
# PG_KPI_SHARED names the folder that holds data/forecast/<set>.csv and the scorer, tools/forecast_score.py.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/env.sh"
SETS=(m3_monthly:12 m3_other:1 tourism_quarterly:4 tourism_yearly:1 m4_hourly:24)
model=${1:-auto}
wanted=" ${*:2} "

find_shared_data
folder=${PG_KPI_SHARED:-../shared}
scorer=$folder/tools/forecast_score.py
if [ ! -r "$scorer" ]; then
  echo "skip - needs $scorer and data/forecast/ beside it; PG_KPI_SHARED=/folder names another place"
  exit 0
fi

cd "$ROOT"
claim_cache
cargo build --quiet --release -p kpi-forecast --example competition
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
row='%-18s %7s %7s %7s %7s %7s %10s %9s\n'
echo "model $model"
# shellcheck disable=SC2059 # The format is ours.
printf "$row" set series sMAPE MAPE MASE OWA '95% band' series/s
for set in "${SETS[@]}"; do
  name=${set%:*} season=${set#*:}
  data=$folder/data/forecast/$name.csv
  if [[ $wanted != "  " && $wanted != *" $name "* ]]; then continue; fi
  if [ ! -r "$data" ]; then
    echo "skip - needs $data"
    continue
  fi
  "$CARGO_TARGET_DIR/release/examples/competition" "$data" "$season" "$model" >"$out/forecasts" 2>"$out/time"
  python3 "$scorer" "$data" "$season" "$out/forecasts" >"$out/score"
  read -r smape mape mase owa series < <(sed -nE \
    's/^ours: sMAPE ([^ ]+)  MAPE ([^ ]+)  MASE ([^ ]+)  OWA ([^ ]+)  \(([0-9]+) series\)$/\1 \2 \3 \4 \5/p' "$out/score")
  held=$(sed -nE 's/^interval coverage ([^ ]+) .*/\1/p' "$out/score")
  speed=$(sed -nE 's/.*, ([^ ]+) series\/s$/\1/p' "$out/time")
  # shellcheck disable=SC2059
  printf "$row" "$name" "$series" "$smape" "$mape" "$mase" "$owa" "$held" "$speed"
done
