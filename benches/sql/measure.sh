# shellcheck shell=bash
# For the SQL benchmarks: timing a statement, the median of some runs, and the line that scripts/bench reads.
set -euo pipefail

run() { psql -Xq -v ON_ERROR_STOP=1 "$@"; }
ask() { run -At -c "$1"; }

# elapsed_ms SQL...: milliseconds that psql saw the statements take together, in one session.
elapsed_ms() {
  local arguments=() statement
  for statement in "$@"; do arguments+=(-c "$statement"); done
  run -c '\timing on' "${arguments[@]}" | awk '/^Time: / {sum += $2} END {printf "%.3f\n", sum}'
}

# median_ms RUNS SQL: the median of the milliseconds of one statement's runs, all in one session.
median_ms() {
  local times
  mapfile -t times < <({
    printf '\\timing on\n'
    for ((i = 0; i < $1; i++)); do printf '%s;\n' "$2"; done
  } | run | sed -nE 's/^Time: ([0-9.]+) ms.*/\1/p')
  [ ${#times[@]} -eq "$1" ] || { echo "failed: $2" >&2 && return 1; }
  median "${times[@]}"
}

# median NUMBER...
median() { printf '%s\n' "$@" | sort -g | awk '{v[NR] = $1} END {print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }

quotient() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.2f", a / b}'; }

ms() { awk -v v="$1" 'BEGIN {printf (v < 10 ? "%.2f ms" : "%.0f ms"), v}'; }

# result NAME OURS PEER RATIO GOAL
result() { printf '%s | %s | %s | %s | %s\n' "$@"; }
