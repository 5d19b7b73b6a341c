#!/usr/bin/env bash
# Everything that can go wrong on the way of rows into the store: processes are killed at each step, requests fail in each way. After
# each of them every row is there once, the next run finishes the work and leaves nothing behind in the bucket, and nobody tries for ever.
# What came out is the table in docs/archive.md; with --update it is written there anew. Most of the time is spent waiting for time-outs,
# so several lanes run side by side, each with a cluster and a store of its own.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster. ARCHIVE_FULL=1 takes every fault for good as well, not some of them.
# shellcheck source=regress/archive/store.bash
. "$(dirname "$0")/store.bash"
page=$here/../../docs/archive.md
LANES='processes writing cleaning reading'

# One lane, as which this script calls itself -------------------------------------------------------------------------------------------

answers() { sql shop -c 'SELECT 1'; }
lane_started() {
  s3_started || skip_all "$S3_REASON"
  # A kill of any backend restarts the server, with its worker.
  options='-c kpi.max_parallel_jobs=4'
  made && started "$options" || exit 1
  sql postgres -c 'CREATE DATABASE shop TEMPLATE template0' && sql shop -c 'CREATE EXTENSION pg_kpi'
  s3_server shop cold ", request_timeout '1s', max_retries '3'"
  soon 'a worker' running is_running shop
}
# A table for each fault: three months to archive, one object each.
number=0
begin_case() {
  number=$((number + 1))
  table=m$number
  faults
  partitioned shop "$table" 60
  retained shop "$table" cold
  held=$(content shop "$table")
  broken_before=$failed
  requests_from_here
}
# end_case WHAT: what must be so after each fault.
end_case() {
  faults
  until_says 1 answers
  exact "$1" shop "$table" "$held"
  is "$1: the next run" '' "$(archive shop "$table")"
  is "$1: the next run has finished the work" '180 10' "$(archived shop "$table") $(local_rows shop "$table")"
  exact "$1, and the next run" shop "$table" "$held"
  sql shop -c "SELECT kpi.apply_retention('$table')" >/dev/null
  is "$1: the bucket has what the manifest says, and nothing else" "$(sql shop -c "SELECT DISTINCT regexp_replace(key, '^.*/(.*/.*)$', '\1') COLLATE \"C\" FROM kpi.archive_file ORDER BY 1")" \
    "$(objects | grep -v '[.]gone$' | grep -oE '[^/]+/[^/]+$' | LC_ALL=C sort)"
  if [ $failed = "$broken_before" ]; then outcome=ok; else outcome=FAILED; fi
  drop_case
}
drop_case() { sql shop -c "DROP TABLE $table" >/dev/null; }

# Processes are killed -------------------------------------------------------------------------------------------------------------

archiver() { sql shop -c "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND (query LIKE 'CALL kpi.archive(%' OR query = 'pg_kpi: job $table')"; }
in_switch() { sql shop -c "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND wait_event_type = 'Lock' AND (query LIKE 'CALL kpi.archive(%' OR query = 'pg_kpi: job $table')"; }
# run_by WHO: begins to archive.
run_by() {
  case $1 in
    worker) sql shop -c "SELECT kpi.create_job('$table', 'archive', '1 day', '{\"relation\": \"$table\"}', max_retries => 0, first_run => now() - interval '1 s')" >/dev/null ;;
    *) sql shop -c "CALL kpi.archive('$table')" >/dev/null 2>&1 & ;;
  esac
}
# All processes of the server at once, so that none has time for anything.
kill_server() {
  local postmaster
  postmaster=$(head -1 "$data/postmaster.pid")
  # shellcheck disable=SC2046  # process ids
  as_server kill -9 "$postmaster" $(cat "/proc/$postmaster/task/$postmaster/children")
  while [ -e "/proc/$postmaster" ]; do sleep 0.05; done
}
# kill_at STEP WHO FAULT: where the fault is a dash, a lock that another session holds makes the run wait in the switch.
kill_at() {
  local step=$1 who=$2 fault=$3 what="kill -9 of the $2, $1"
  begin_case
  if [ "$fault" = - ]; then
    sql shop -c "SET application_name = 'holder'" -c BEGIN -c "SELECT FROM $table LIMIT 1" -c 'SELECT pg_sleep(600)' >/dev/null 2>&1 &
    soon "$what: another session reads the table" 1 sql shop -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'holder' AND wait_event = 'PgSleep'"
    run_by "$who"
    soon "$what: the run is there" 1 in_switch
  else
    faults "$fault"
    run_by "$who"
    soon "$what: the run is there" 1 waiting
  fi
  if [ "$who" = server ]; then
    kill_server
    started "$options"
  else
    killed "$(archiver)"
  fi
  # The server has been up when it was killed, and may seem so for a moment.
  until_says '' archiver
  released
  [ "$who" != worker ] || sql shop -c "SELECT kpi.drop_job('$table')" >/dev/null
  end_case "$what"
}
kill_in_each_step() {
  local step fault row who
  while IFS='|' read -r step fault; do
    row="| $step |"
    for who in backend worker server; do
      kill_at "$step" $who "$fault"
      row+=" $outcome |"
    done
    echo "$row" >>"$CRASH_ROWS"
  done <<'STEPS'
before the upload|PUT [.]parquet 1 hold
after the upload, before its answer|PUT [.]parquet 1 answer
before reading back|GET [.]parquet 1 hold
after reading back|GET [.]parquet 1 answer
waiting for the table in the switch|-
after the switch, before the next upload|PUT [.]parquet 2 hold
STEPS
}

# Requests fail --------------------------------------------------------------------------------------------------------------------

# Far above what a few tries of a few requests are, far below for ever.
MOST_REQUESTS=60
# shellcheck disable=SC2119  # all requests
bounded() { is "$1: tries are bounded" yes "$([ "$(requests)" -le $MOST_REQUESTS ] && echo yes || echo "no, $(requests) requests")"; }
# abandoned: an upload that nobody has finished, for clean-ups to find.
abandoned() {
  faults 'PUT [.]parquet 1 answer'
  run_by backend
  until_says 1 waiting
  killed "$(archiver)"
  until_says '' archiver
  until_says 1 answers
  released
}
# fault_in OPERATION PATTERN FAULT WHICH: the requests of an operation go wrong.
fault_in() {
  local operation=$1 pattern=$2 fault=$3 which=$4 what="$1, $3 once"
  [ "$4" = 1 ] || what="$1, $3 for good"
  begin_case
  case $operation in
    'clean-up'*) abandoned ;;
    query | restore*) archive shop "$table" ;;
    'deletion') archive shop "$table" && restore shop "$table" >/dev/null ;;
  esac
  requests_from_here
  faults "$pattern $which $fault"
  case $operation in
    query)
      said=$(content shop "$table" 2>&1)
      like "$what: an error or all rows" "^$held\$|ERROR: " "$said"
      ;;
    restore) restore shop "$table" >/dev/null ;;
    deletion) sql shop -c "SELECT kpi.apply_retention('$table')" >/dev/null 2>&1 ;;
    *) archive shop "$table" >/dev/null ;;
  esac
  bounded "$what"
  end_case "$what"
}
fail_each_request() {
  local operation pattern once good fault
  while IFS='|' read -r operation pattern; do
    once='' good=''
    for fault in drop 500 503 403 hang truncate flip lost; do
      fault_in "$operation" "$pattern" $fault 1
      [ $outcome = ok ] || once+=" $fault"
      if [ "${ARCHIVE_FULL:-}" ] || [[ " 503 403 hang " = *" $fault "* ]]; then
        fault_in "$operation" "$pattern" $fault 1+
        [ $outcome = ok ] || good+=" $fault"
      fi
    done
    echo "| $operation | ${once:+FAILED:}${once:-ok} | ${good:+FAILED:}${good:-ok} |" >>"$CRASH_ROWS"
  done
}
if [ "${CRASH_LANE:-}" ]; then
  lane_started
  case $CRASH_LANE in
    processes) kill_in_each_step ;;
    writing) fail_each_request <<<$'upload|PUT [.]parquet\nreading back|GET [.]parquet' ;;
    cleaning) fail_each_request <<<$'clean-up: list|GET list-type\nclean-up: delete|DELETE .' ;;
    reading) fail_each_request <<<$'query|GET [.]parquet\nrestore|GET [.]parquet\ndeletion|DELETE .' ;;
  esac
  closing
  exit
fi

# All lanes --------------------------------------------------------------------------------------------------------------------------

for lane in $LANES; do
  CRASH_LANE=$lane CRASH_ROWS=$work/$lane.rows "$here/crash.sh" >"$work/$lane.said" 2>&1 &
done
wait
for lane in $LANES; do
  grep -v '^[0-9]* passed' "$work/$lane.said"
  read -r lane_passed lane_failed lane_skipped < <(tr -dc '0-9 \n' <<<"$(grep '^[0-9]* passed' "$work/$lane.said")")
  passed=$((passed + ${lane_passed:-0})) failed=$((failed + ${lane_failed:-1})) skipped=$((skipped + ${lane_skipped:-0}))
done
if [ $skipped -gt 0 ]; then closing && exit; fi

# The table ------------------------------------------------------------------------------------------------------------------------

# shellcheck disable=SC2016  # Markdown
{
  echo '| killed with `kill -9` | the backend that archives | the worker that archives | the whole server |'
  echo '|---|---|---|---|'
  cat "$work/processes.rows"
  echo
  echo '| requests that fail: connection dropped, 500, 503, 403, no answer, half an answer, a wrong bit, done but the answer lost | once each | for good |'
  echo '|---|---|---|'
  cat "$work/writing.rows" "$work/cleaning.rows" "$work/reading.rows"
} >"$work/matrix"
begin_mark='<!-- what regress/archive/crash.sh found -->' end_mark='<!-- end -->'
between() { awk -v b="$begin_mark" -v e="$end_mark" '$0 == e {on = 0} on; $0 == b {on = 1}' "$page"; }
if [ "${1:-}" = --update ]; then
  awk -v b="$begin_mark" -v e="$end_mark" -v f="$work/matrix" '$0 == e {on = 0} !on; $0 == b {on = 1; while ((getline line < f) > 0) print line}' "$page" >"$work/page" &&
    cat "$work/page" >"$page"
fi
is 'docs/archive.md says what came out' "$(cat "$work/matrix")" "$(between)"
closing
