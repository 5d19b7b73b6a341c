# shellcheck shell=bash
# shellcheck disable=SC2034  # LIMITED is for scripts/test
# Running and counting of test suites, for scripts/test and scripts/test-server.

# One row per suite: its name, how many passed, failed and were skipped, seconds.
ROWS=()
# What follows the name of a suite that runs on another server than the first: @17.
AT=''
BUILT=yes
# No suite that talks to a server may hang the run: this is far above what any of them needs. Compiling has no limit.
LIMIT_SECONDS=1200
LIMITED=(timeout -k 10 "$LIMIT_SECONDS")

mapfile -t SCRIPT_SUITES < <(cd "$ROOT" && find regress -mindepth 2 -maxdepth 2 -name '*.sh' -perm -u+x | sort)

# regress/exactness/run.sh is "exactness", regress/real/nyc_taxi.sh is "real/nyc_taxi".
script_suite_name() {
  local name=${1#regress/}
  name=${name%.sh}
  echo "${name%/run}"
}

# Suites of programs that this machine has and the root file systems have not. For a server in one of those they run out here,
# against its socket.
OUTSIDE_SUITES=(clients archive/azure archive/readers)
outside() { [[ " ${OUTSIDE_SUITES[*]} " = *" $1 "* ]]; }
# outside_wanted MAJOR
outside_wanted() {
  local AT=@$1 name
  for name in "${OUTSIDE_SUITES[@]}"; do
    if wanted "$name"; then return 0; fi
  done
  return 1
}
# built_on MAJOR: yes or no, as the rows say.
built_on() { if [[ " ${ROWS[*]} " = *" build@$1 1 0 "* ]]; then echo yes; else echo no; fi; }

wanted() {
  local name
  [ -n "${SUITES:-}" ] || return 0
  for name in $SUITES; do
    if [ "$name" = "$1" ] || [ "$name" = "${1%%/*}" ] || [ "$name" = "$1$AT" ] || [ "$name" = "${1%%/*}$AT" ]; then
      return 0
    fi
  done
  return 1
}

# Sets SERVERS to the majors to test on, the one of this machine in front.
choose_servers() {
  local wanted=${SERVERS:-$PG_MAJOR 17} major
  SERVERS=()
  for major in $wanted; do
    [[ " ${PG_MAJORS[*]} " = *" $major "* ]] || die "SERVERS names $major" "the servers are ${PG_MAJORS[*]}"
    if [[ " ${SERVERS[*]} " != *" $major "* ]]; then SERVERS+=("$major"); fi
  done
}

# Whether a suite is wanted that needs an S3 server.
s3_wanted() {
  local script
  for script in "${SCRIPT_SUITES[@]}"; do
    if [[ $script = regress/archive/* ]] && wanted "$(script_suite_name "$script")"; then return 0; fi
  done
  return 1
}

server_wanted() {
  local script
  for script in "${SCRIPT_SUITES[@]}"; do
    if wanted "$(script_suite_name "$script")"; then return 0; fi
  done
  wanted regress || wanted isolation || wanted build
}

# suite NAME COUNTER COMMAND...: runs it and has its log counted. A counter reads the log ($1) and the exit status ($2) and
# sets passed, failed and skipped.
suite() {
  local name=$1 counter=$2 log=$LOGS/${1//\//-}.log status=0 begin=$EPOCHREALTIME passed=0 failed=0 skipped=0
  shift 2
  if [ "$name" != build ] && ! wanted "$name"; then return 0; fi
  printf '%-24s' "$name$AT"
  if [ "$counter" != one ] && [ "$counter" != cargo_tests ] && [ $BUILT = no ]; then
    echo "not run: the extension was not built" >"$log"
    status=1
  else
    "$@" >"$log" 2>&1 </dev/null || status=$?
  fi
  $counter "$log" "$status"
  if [ -n "${PGHOST:-}" ]; then watch_for_crash "$log"; fi
  # Whatever the log says, a suite that ended badly has not passed.
  if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
  if [ "$name" = build ] && [ "$failed" -gt 0 ]; then BUILT=no; fi
  local seconds
  seconds=$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.1f", b - a}')
  ROWS+=("$name$AT $passed $failed $skipped $seconds")
  if [ "$failed" -eq 0 ]; then echo ok; else
    echo FAILED
    show_failure "$name" "$log" "$status"
    keep_failure "$name$AT" "$log" "$status"
  fi
  if [ "$skipped" -gt 0 ]; then show_skipped "$log"; fi
}

# server_suites STATE COMMAND...: runs scripts/test-server there and takes over its rows. Without them it has failed.
server_suites() {
  local folder=$1 rows=$1/test/rows status=0 found=()
  shift
  mkdir -p "$folder/test"
  rm -f "$rows"
  "$@" </dev/null || status=$?
  if [ -f "$rows" ]; then mapfile -t found <"$rows"; fi
  ROWS+=("${found[@]}")
  if [ $status -ne 0 ] || [ ${#found[@]} -eq 0 ]; then
    echo "the suites of $folder ended with status $status"
    ROWS+=("server 0 1 0 0.0")
  fi
}

# skip_suite NAME REASON
skip_suite() {
  printf '%-24sskipped\n    skip - %s\n' "$1$AT" "$2"
  ROWS+=("$1$AT 0 0 1 0.0")
}

# skip_server MAJOR REASON: all of its suites are one that is skipped.
skip_server() {
  printf '%-24sskipped\n    skip - %s\n' "server@$1" "$2"
  ROWS+=("server@$1 0 0 1 0.0")
  SKIPPED_SERVERS+=("PostgreSQL $1 not run: $2")
}
SKIPPED_SERVERS=()

# A backend that dies takes every connection with it. That is a failure of the suite that did it, whether or not the suite
# noticed, and the next one begins when the server is back.
CRASHES=0
watch_for_crash() {
  local seen attempt
  seen=$(grep -c 'was terminated by signal' "$STATE/test/log" || true)
  if [ "$seen" -gt "$CRASHES" ]; then
    failed=$((failed + seen - CRASHES))
    {
      echo "not ok - the server crashed $((seen - CRASHES)) times:"
      grep -A 1 'was terminated by signal' "$STATE/test/log" | grep -v '^--' | tail -n $((2 * (seen - CRASHES)))
    } >>"$1"
    CRASHES=$seen
  fi
  for ((attempt = 0; attempt < 60; attempt++)); do
    if pg_isready -q; then break; fi
    sleep 0.5
  done
}

show_failure() {
  if [ "$3" -eq 124 ] || [ "$3" -eq 137 ]; then echo "    stopped after $LIMIT_SECONDS seconds"; fi
  echo "    --- end of $2"
  tail -n 60 "$2" | sed 's/^/    /'
  local diffs
  diffs=$(sed -n 's/^.*"\(.*regression\.diffs\)".*$/\1/p' "$2" | tail -1)
  if [ -n "$diffs" ] && [ -f "$diffs" ]; then
    echo "    --- $diffs"
    head -n 400 "$diffs" | sed 's/^/    /'
  fi
}

# keep_failure NAME LOG STATUS: the lines that say what failed, for the end of the run. Whoever sees only the end of its output, as of a
# CI server that keeps no more, reads there which test it was.
keep_failure() {
  mkdir -p "$STATE/test/failures"
  {
    echo "$1 failed (exit status $3):"
    # A check says "not ok" and what it saw on the lines after it.
    { grep -E -A 3 '^not ok|^test .*FAILED|panicked at|^error(\[|:)' "$2" || tail -n 5 "$2"; } | head -n 8 | cut -c 1-200 | sed 's/^/    /'
  } >"$STATE/test/failures/${1//\//-}"
}

show_skipped() {
  if ! grep -iE '^(skip|skipped)\b|# *skip|^test .*\.\.\. ignored' "$1" | sed 's/^/    /'; then
    echo "    no reason was printed; see $1"
  fi
}

# Counters.

one() { if [ "$2" -eq 0 ]; then passed=1; else failed=1; fi; }

cargo_tests() {
  read -r passed failed skipped < <(awk '/^test result:/ {p += $4; f += $6; s += $8} END {print p + 0, f + 0, s + 0}' "$1")
}

# "test name ... ok" up to PostgreSQL 15, TAP after it.
pg_regress_tests() {
  passed=$(grep -cE '^(test .*\.\.\. ok|ok [0-9]+ )' "$1" || true)
  failed=$(grep -cE '^(test .*\.\.\. FAILED|not ok [0-9]+ )' "$1" || true)
}

# A script that dies on the way has no closing line, and that is a failure.
script_tests() {
  local last
  last=$(grep -v '^[[:space:]]*$' "$1" | tail -1)
  if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
    passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]} skipped=${BASH_REMATCH[4]:-0}
  else
    passed=$(grep -c '^ok ' "$1" || true)
    failed=$(($(grep -c '^not ok ' "$1" || true) + 1))
    echo "(the suite ended without its closing line)" >>"$1"
  fi
}

report() {
  local folder kept name passed failed skipped seconds total_passed=0 total_failed=0 total_skipped=0
  if [ ${#ROWS[@]} -eq 0 ]; then die "no suite is called ${SUITES:-}"; fi
  printf '\n%-24s %8s %8s %8s %10s\n' suite passed failed skipped seconds
  while read -r name passed failed skipped seconds; do
    printf '%-24s %8d %8d %8d %10s\n' "$name" "$passed" "$failed" "$skipped" "$seconds"
    total_passed=$((total_passed + passed))
    total_failed=$((total_failed + failed))
    total_skipped=$((total_skipped + skipped))
  done < <(printf '%s\n' "${ROWS[@]}")
  echo
  for folder in "$STATE" "${SERVERS[@]/#/$STATE/}"; do
    for kept in "$folder"/test/failures/*; do
      if [ -f "$kept" ]; then cat "$kept"; fi
    done
  done
  printf '%d passed, %d failed' "$total_passed" "$total_failed"
  if [ "$total_skipped" -gt 0 ]; then printf ', %d skipped' "$total_skipped"; fi
  if [ ${#SKIPPED_SERVERS[@]} -gt 0 ]; then printf ' (%s)' "${SKIPPED_SERVERS[@]}"; fi
  echo
  [ "$total_failed" -eq 0 ]
}
