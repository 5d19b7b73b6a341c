#!/usr/bin/env bash
# psql: what a script hears and reads of changes as they happen, as a role that may read the KPI. See ../run.sh.
# shellcheck disable=SC2317  # several functions are called by until_true only
set -uo pipefail
failed=0
NOON='2025-05-05 12:00Z'
POLL="SELECT number, depot.shown(bucket), value FROM kpi.poll('psql')"
ADD="SELECT kpi.add_subscriber('psql', codes => '{scan_time}', periods => '{minute}')"

# check WHAT [PROBLEM]
check() {
  if [ -z "${2:-}" ]; then
    echo "ok - $1"
  else
    failed=1
    printf 'not ok - %s\n' "$1"
    echo "#   ${2//$'\n'/$'\n'#   }"
  fi
}
# equal WHAT GOT WANTED
equal() { check "$1" "$([ "$2" = "$3" ] || printf '%s\nand not\n%s' "$2" "$3")"; }

asked() { psql -XqAtc "$1" 2>&1; }
as_owner() { psql -XqAtU "$KPI_OWNER" -c "$1"; }
# until_true COMMAND...: waits until it succeeds, a minute at most.
until_true() {
  local late=$((SECONDS + 60))
  until "$@"; do
    if [ $SECONDS -ge $late ]; then
      check "never true: $*" 'it was waited for'
      exit 1
    fi
    sleep 0.05
  done
}
owner_sees() { [ "$(as_owner "SELECT $1")" = t ]; }
in_file() { grep -q -- "$1" "$2"; }

minute() { echo "$(($(date -ud "$NOON" +%s) + $1 * 60))000000"; }
insert() { as_owner "INSERT INTO depot.scan VALUES (timestamptz '$NOON' + $1 * interval '1 minute', $2)"; }
# A row that is not on its way only: its change is in the log.
logged() {
  local last
  last=$(as_owner 'SELECT kpi.last_change()')
  insert "$1" "$2"
  until_true owner_sees "kpi.last_change() > $last"
}
# lines NUMBER MINUTE VALUE...: changes as psql prints them.
lines() {
  while [ $# -gt 0 ]; do
    echo "$1|$(minute "$2")|$3"
    shift 3
  done
}

# A session that stays, with what it is told in a file: begin NAME, tell NAME SQL. Its process, its session and its input are in
# PSQL, SESSION and INPUT.
declare -A PSQL SESSION INPUT
begin() {
  local input
  mkfifo "$KPI_ANSWERS/$1.in"
  PGAPPNAME="psql $1" psql -XqAt -v VERBOSITY=verbose <"$KPI_ANSWERS/$1.in" >>"$KPI_ANSWERS/$1.out" 2>&1 &
  PSQL[$1]=$!
  exec {input}>"$KPI_ANSWERS/$1.in"
  INPUT[$1]=$input
  tell "$1" 'SELECT pg_backend_pid();'
  until_true in_file '^[0-9]' "$KPI_ANSWERS/$1.out"
  SESSION[$1]=$(<"$KPI_ANSWERS/$1.out")
  : >"$KPI_ANSWERS/$1.out"
}
tell() { echo "$2" >&"${INPUT[$1]}"; }
over() {
  local input=${INPUT[$1]} status
  exec {input}>&-
  wait "${PSQL[$1]}"
  status=$?
  rm "$KPI_ANSWERS/$1.in" "$KPI_ANSWERS/$1.out"
  return $status
}
# ended NAME SQL: the server ends the session, which then wants to do something. Sets SAID to what psql says, and its exit status.
ended() {
  as_owner "SELECT pg_terminate_backend(${SESSION[$1]}, 10000)" >/dev/null
  if [ -n "$2" ]; then tell "$1" "$2"; fi
  until_true in_file 'connection to server was lost' "$KPI_ANSWERS/$1.out"
  SAID=$(grep -m 1 -o 'FATAL: .*' "$KPI_ANSWERS/$1.out")
  over "$1"
  SAID="$SAID, exit status $?"
}
ENDED='FATAL:  57P01: terminating connection due to administrator command, exit status 2'

# psql tells of notifications after a command, so a script that has nothing else to do gives it an empty one.
heard() {
  tell "$1" 'SELECT;'
  grep -q 'Asynchronous notification' "$KPI_ANSWERS/$1.out"
}
# notification NAME: channel and payload.
notification() {
  until_true heard "$1"
  sed -nE 's/^Asynchronous notification "(.*)" with payload "(.*)" received from .*$/\1 \2/p' "$KPI_ANSWERS/$1.out"
  : >"$KPI_ANSWERS/$1.out"
}

# Sets NUMBER, the change that a notification told of.
announced() {
  local told payload channel
  channel=$(asked "SELECT kpi.channel('scan_time', 'minute')")
  begin listener
  tell listener "LISTEN \"$channel\";"
  tell listener "SELECT 'listening';"
  until_true in_file listening "$KPI_ANSWERS/listener.out"
  insert 0 0.1
  told=$(notification listener)
  payload=${told#* }
  equal 'listen: a committed row is announced' "${told%% *}" "$channel"
  NUMBER=$(asked "SELECT '$payload'::json->>'number'")
  equal 'listen: the payload has number, bucket, changes and value' "$payload" \
    "{\"bucket\":\"2025-05-05T12:00:00Z\",\"changes\":1,\"number\":$NUMBER,\"value\":0.1}"
  equal 'listen: the value is that of kpi.value' "$(asked "SELECT '$payload'::json->>'value'")" \
    "$(asked "SELECT value FROM kpi.value('scan_time', 'minute', '$NOON', timestamptz '$NOON' + interval '1 minute')")"
  equal 'changes_since: the number leads to the change' "$(since $((NUMBER - 1)))" "$(lines "$NUMBER" 0 0.1)"
}
since() { asked "SELECT number, depot.shown(bucket), value FROM kpi.changes_since($1, codes => '{scan_time}', periods => '{minute}')"; }

# Rows come while nobody listens. Who listens again, and then reads on from its number, has them all.
missed_by_listener() {
  local told
  ended listener 'SELECT;'
  equal 'listen: a session that is ended is told so' "$SAID" "$ENDED"
  logged 1 0.5
  logged 2 0.25
  logged 1 0.125
  begin listener
  tell listener "LISTEN \"kpi.updates.scan_time.minute\";"
  tell listener "SELECT 'listening';"
  until_true in_file listening "$KPI_ANSWERS/listener.out"
  equal 'changes_since: what was missed, in order' "$(since "$NUMBER")" \
    "$(lines $((NUMBER + 1)) 1 0.5 $((NUMBER + 2)) 2 0.25 $((NUMBER + 3)) 1 0.625)"
  insert 2 0.5
  told=$(notification listener)
  NUMBER=$((NUMBER + 4))
  equal 'listen: the next notification goes on from there' "${told#* }" \
    "{\"bucket\":\"2025-05-05T12:02:00Z\",\"changes\":1,\"number\":$NUMBER,\"value\":0.75}"
  over listener
}

waits() { owner_sees "query LIKE '%kpi.poll%' AND wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = ${SESSION[$1]}"; }

# A poll that waits, and what is acknowledged.
subscribed() {
  equal 'add_subscriber: its changes begin after the last one' "$(asked "$ADD")" "$NUMBER"
  equal 'poll: nothing yet' "$(asked "$POLL")" ''
  begin poll
  tell poll "SELECT number, code, period, depot.shown(bucket), dimensions, depot.shown(value), previous, data_points, changes FROM kpi.poll('psql', wait => '10 s');"
  until_true waits poll
  insert 0 0.2
  until_true in_file scan_time "$KPI_ANSWERS/poll.out"
  NUMBER=$((NUMBER + 1))
  equal 'poll: it waits, and wakes with the change' "$(<"$KPI_ANSWERS/poll.out")" \
    "$NUMBER|scan_time|minute|$(minute 0)|{}|$(asked "SELECT depot.shown(0.1::float8 + 0.2::float8)")|0.1|2|1"
  over poll
  equal 'poll: what is not acknowledged comes again' "$(asked "$POLL")" "$(lines "$NUMBER" 0 0.30000000000000004)"
  asked "SELECT kpi.ack('psql', $NUMBER)" >/dev/null
  equal 'ack: then there is nothing' "$(asked "$POLL")" ''
}

# The subscriber loses its connection, at every step: the same numbers come until they are acknowledged, and none is skipped.
resumed() {
  local wanted
  begin lost
  tell lost "SELECT number FROM kpi.poll('psql', wait => '10 s');"
  until_true waits lost
  ended lost ''
  equal 'lost in a poll: it is told so' "$SAID" "$ENDED"
  logged 3 1
  logged 4 2
  logged 3 4
  wanted=$(lines $((NUMBER + 1)) 3 1 $((NUMBER + 2)) 4 2 $((NUMBER + 3)) 3 5)
  equal 'lost in a poll: the next one has what came meanwhile' "$(asked "$POLL")" "$wanted"
  begin lost
  tell lost "BEGIN; $POLL; SELECT kpi.ack('psql', $((NUMBER + 3))); $POLL; SELECT 'acknowledged';"
  until_true in_file acknowledged "$KPI_ANSWERS/lost.out"
  equal 'ack: the transaction that did it sees it' "$(<"$KPI_ANSWERS/lost.out")" "$wanted"$'\n\nacknowledged'
  ended lost 'COMMIT;'
  equal 'lost before commit: it is told so' "$SAID" "$ENDED"
  equal 'lost before commit: the same numbers again' "$(asked "$POLL")" "$wanted"
  begin lost
  tell lost "SELECT kpi.ack('psql', $((NUMBER + 1))); SELECT 'acknowledged';"
  until_true in_file acknowledged "$KPI_ANSWERS/lost.out"
  ended lost 'SELECT;'
  equal 'lost after ack: on from the number after it' "$(asked "$POLL")" "$(tail -n +2 <<<"$wanted")"
  asked "SELECT kpi.ack('psql', $((NUMBER + 3)))" >/dev/null
  equal 'resumed: then there is nothing' "$(asked "$POLL")" ''
}

# refuses WHAT SQL SQLSTATE MESSAGE HINT
refuses() {
  local said
  said=$(psql -XqAt -v VERBOSITY=verbose -c "$2" 2>&1 | sed -nE 's/^(ERROR|HINT):  //p')
  equal "refused: $1" "$said" "$3: $4"$'\n'"$5"
}

# An error has its SQLSTATE, its message and what to type.
refused() {
  refuses 'a subscriber that is there' "$ADD" 42710 'subscriber "psql" exists already' "To begin anew: SELECT kpi.remove_subscriber('psql');"
  refuses 'ack of what is to come' "SELECT kpi.ack('psql', 1000000)" 22023 'there is no change number 1000000' \
    'Acknowledge the number of the last row that kpi.poll returned and that was dealt with.'
  refuses "poll of another's subscriber" "SELECT * FROM kpi.poll('of the owner')" 42501 'must be owner of subscriber "of the owner"' \
    'Add a subscriber of your own with kpi.add_subscriber(name).'
  refuses 'kpi.start_stream' "SELECT kpi.start_stream('scan_time', 'hour')" 42501 'must be owner of KPI "scan_time"' \
    "Run it as $KPI_OWNER, or as a member of that role."
  asked "SELECT kpi.remove_subscriber('psql')" >/dev/null
  refuses 'a subscriber that was removed' "$POLL" 42704 'subscriber "psql" does not exist' \
    'Add it with kpi.add_subscriber(name), and read the present values with kpi.value first.'
}

if [ "$KPI_WORKER" = running ]; then
  announced
  missed_by_listener
  subscribed
  resumed
  refused
else
  echo "skip - changes as they happen: $KPI_WORKER"
fi
echo 'done'
exit "$failed"
