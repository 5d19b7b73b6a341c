#!/usr/bin/env bash
# The methods for whole series and the isolation forest, in the crate that the SQL functions call, beside scikit-learn and stumpy in the
# same run.
. "$(dirname "$0")/measure.sh"
. scripts/env.sh

claim_cache
cargo build --quiet --release -p kpi-anomaly --example speed
python=$(benches/install anomaly) || {
  echo "skip - scikit-learn and stumpy are not measured: $python"
  python=
}
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
"$CARGO_TARGET_DIR/release/examples/speed" "$out/series" >"$out/ours"
if [ -n "$python" ]; then "$python" benches/anomaly/peers.py "$out/series" >"$out/peers"; else : >"$out/peers"; fi

# taken OURS|PEERS NAME: milliseconds
taken() { awk -v name="$2" '$1 == name {print $2}' "$out/$1"; }

# compared NAME WHAT GOAL RATIO: RATIO is "times" faster than the peer, or the "share" of its time
compared() {
  local mine peer ratio=
  mine=$(taken ours "$1")
  peer=$(taken peers "$1")
  if [ -n "$peer" ]; then
    if [ "$4" = times ]; then ratio=$(quotient "$peer" "$mine"); else ratio=$(quotient "$mine" "$peer"); fi
  fi
  result "$2" "$(ms "$mine")" "${peer:+$(ms "$peer")}" "$ratio" "$3"
}

compared forest_fit "isolation forest of 100,000 x 8, fit: times faster than scikit-learn" ">= 3" times
compared forest_score "the same, scores" ">= 5" times
compared matrix_profile "matrix profile of 16,000 points, window 50, on one core, against stumpy on all" "<= 1.20" share
result "spectral residual of 1M points" "$(awk -v t="$(taken ours spectral_residual)" 'BEGIN {printf "%.0f points/s", 1e9 / t}')" - - ">= 5000000 points/s"
