#!/usr/bin/env bash
# Whoever began to read before rows moved to another object, back into the table, or were dropped, reads on what there was, or is told with
# SQLSTATE 40001 to try again: never fewer rows, never more. The objects that its snapshot needs are deleted after it has ended and not
# before. The archiver against DROP TABLE and drop_chunks in the switch, and what an archiver that is terminated leaves to the next
# one, also where the table has another name by then, or is gone.
#
# Sessions stand where they are meant to because they wait for locks: nothing here depends on who is faster.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster.
# shellcheck source=regress/archive/store.bash
. "$(dirname "$0")/store.bash"
made && started_with_all || exit 1
sql postgres -c "CREATE DATABASE shop TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"
! has_timescaledb || sql shop -c 'SET client_min_messages = error' -c 'CREATE EXTENSION timescaledb'
sql shop -c 'CREATE EXTENSION pg_kpi'
file_server shop cold
# Hooks that wait at a gate: 1 before the export, 2 in the switch.
sql shop <<'SQL'
CREATE FUNCTION before_it(relation regclass, since timestamptz, until timestamptz) RETURNS void LANGUAGE sql AS 'SELECT pg_advisory_xact_lock_shared(1)';
CREATE FUNCTION after_it(relation regclass, since timestamptz, until timestamptz) RETURNS void LANGUAGE sql AS 'SELECT pg_advisory_xact_lock_shared(2)';
SQL
with_hooks=", before_archive => 'before_it(regclass, timestamptz, timestamptz)', after_archive => 'after_it(regclass, timestamptz, timestamptz)'"
ask() { sql shop -c "$1" 2>&1; }
stored() { find "$work/cold" -name '*.parquet' | wc -l; }
apply() { ask "SELECT kpi.apply_retention('$1')" >/dev/null; }
intents() { ask 'SELECT count(*) FROM kpi.archive_intent'; }

# Sessions ---------------------------------------------------------------------------------------------------------------------------

# session NAME: one that stays open; NAME is its application_name.
declare -A input said_last
session() {
  mkfifo "$work/$1.in"
  PGAPPNAME=$1 psql -XqAt -v VERBOSITY=verbose -v SHOW_CONTEXT=never -d shop <"$work/$1.in" >"$work/$1.out" 2>&1 &
  exec {fd}>"$work/$1.in"
  input[$1]=$fd said_last[$1]=0
}
# says NAME SQL: sends it and does not wait.
says() {
  said_last[$1]=$((said_last[$1] + 1))
  printf '%s;\n\\echo -- %s\n' "$2" "${said_last[$1]}" >&"${input[$1]}"
}
# answer NAME: waits for what the session says to all that it was sent, and prints what it said to the last.
answer() {
  local last=${said_last[$1]}
  until_says "-- $last" tail -n 1 "$work/$1.out"
  awk -v from="-- $((last - 1))" -v to="-- $last" '$0 == to {exit} on || from == "-- 0" && NR == 1 {on = 1; print} $0 == from {on = 1}' "$work/$1.out" |
    grep -vE '^(DETAIL|HINT|LOCATION|CONTEXT):'
}
# asked NAME SQL: both.
asked() { says "$1" "$2" && answer "$1"; }
left() {
  local fd=${input[$1]}
  # Sessions that began later have this end open too: closing it would not end this one.
  printf '\\q\n' >&"$fd"
  exec {fd}>&-
  until_says 0 ask "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$1'"
  rm "$work/$1.in"
}
# blocked NAME [LOCK]: it waits for a lock.
blocked() { ask "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$1' AND wait_event_type = 'Lock' AND wait_event LIKE '${2:-%}'"; }
waits() { soon "$1: $2 waits" 1 blocked "$2" "${3:-%}"; }
content_of() { echo "SELECT count(*) || ' rows ' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM $1 t"; }
# snapshot NAME: a transaction that has a snapshot and has touched no table.
snapshot() {
  session "$1"
  asked "$1" 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1' >/dev/null
}
# right WHAT EXPECTED GOT: the rows that there were, or an error that says to try again.
right() {
  if [[ $3 = *"ERROR:  40001: "* ]]; then
    echo "# $1: 40001"
    is "$1" 'one error' "$(grep -c '' <<<"$3" | sed 's/^1$/one error/')"
  else
    is "$1" "$2" "$3"
  fi
}

# Readers of an older snapshot ------------------------------------------------------------------------------------------------------

# older_snapshots TABLE KIND
older_snapshots() {
  local t=$1 held later before moved
  retained shop "$t" cold

  # Before a switch.
  snapshot early
  held=$(content shop "$t")
  archive shop "$t"
  right "$t: a reader from before rows were archived" "$held" "$(asked early "$(content_of "$t")")"
  left early
  exact "$t: archived" shop "$t" "$held"

  # Before a merge: the table itself is not locked by it, so the reader may be at it already.
  before=$(stored)
  snapshot early
  is "$t: a reader of archived rows" "$held" "$(asked early "$(content_of "$t")")"
  session cursor
  asked cursor "BEGIN; DECLARE c CURSOR FOR SELECT ts, device, value, note FROM $t; MOVE 5 FROM c" >/dev/null
  sql shop -c "INSERT INTO $t VALUES ('2024-01-10 12:00Z', 100, 7, 'late'), ('2024-02-10 12:00Z', 100, 8, 'late')"
  later=$(content shop "$t")
  is "$t: late rows are not in its snapshot" "$held" "$(asked early "$(content_of "$t")")"
  if [ "$2" = native ]; then
    is "$t: they are merged" '' "$(archive shop "$t")"
    exact "$t: merged" shop "$t" "$later"
    is "$t: whose objects replace others, which are there still" $((before + 2)) "$(stored)"
    apply "$t"
    is "$t: and stay while there is a snapshot that needs them" $((before + 2)) "$(stored)"
    is "$t: a reader from before the merge" "$held" "$(asked early "$(content_of "$t")")"
    is "$t: a cursor from before the merge" 1505 "$(asked cursor 'FETCH ALL FROM c' | grep -c '|')"
    left cursor
    apply "$t"
    is "$t: one of the two has ended: they stay" $((before + 2)) "$(stored)"
    is "$t: the reader again" "$held" "$(asked early "$(content_of "$t")")"
    left early
    apply "$t"
    is "$t: both have: they are deleted" "$before" "$(stored)"
  else
    # Late rows of a hypertable are in chunks, which go with the switch: that needs the table to itself.
    is "$t: a cursor" 1505 "$(asked cursor 'FETCH ALL FROM c' | grep -c '|')"
    left cursor
    left early
    archive shop "$t"
    apply "$t"
  fi
  exact "$t: in the end" shop "$t" "$later"

  # Before a restore.
  before=$(stored)
  snapshot early
  is "$t: restored" '' "$(restore shop "$t" 2024-01-05Z 2024-02-15Z)"
  apply "$t"
  is "$t: restored, and the objects are there while there is a snapshot" "$before" "$(stored)"
  right "$t: a reader from before the restore" "$later" "$(asked early "$(content_of "$t")")"
  left early
  exact "$t: after the restore" shop "$t" "$later"
  # A reader that asks for what did not move.
  snapshot early
  moved=$(ask "SELECT count(*), sum(value) FROM $t WHERE ts >= '2024-03-01Z' AND ts < '2024-04-01Z'")
  is "$t: archived again" '' "$(archive shop "$t")"
  right "$t: a reader of other rows than those that moved" "$moved" "$(asked early "SELECT count(*), sum(value) FROM $t WHERE ts >= '2024-03-01Z' AND ts < '2024-04-01Z'")"
  left early
  exact "$t: archived again" shop "$t" "$later"
  apply "$t"

  # Before rows are dropped.
  snapshot early
  before=$(stored)
  sql shop -c "SELECT kpi.set_retention('$t', archive_after => '90 days', drop_after => '100 days', store => 'cold', schedule => NULL, grace => '0')" >/dev/null
  apply "$t"
  is "$t: archived rows are dropped" 10 "$(ask "SELECT count(*) FROM $t")"
  apply "$t"
  is "$t: their objects are there while there is a snapshot" "$before" "$(stored)"
  right "$t: a reader from before they were dropped" "$later" "$(asked early "$(content_of "$t")")"
  left early
  apply "$t"
  is "$t: then they are deleted" 0 "$(stored)"
  sql shop -c "DROP TABLE $t"
}

# What comes in between -------------------------------------------------------------------------------------------------------------

# DROP TABLE while an archiver is at a gate: it waits, and takes along what has become of the rows. Who comes first then is open, what
# is left in the end is not.
# drop_at GATE WHERE
drop_at() {
  partitioned shop m
  retained shop m cold "$with_hooks"
  session gate && session archiver && session dropper
  asked gate "SELECT pg_advisory_lock($1)" >/dev/null
  says archiver "CALL kpi.archive('m')"
  waits "DROP TABLE $2" archiver advisory
  says dropper 'DROP TABLE m'
  waits "DROP TABLE $2" dropper relation
  asked gate 'SELECT pg_advisory_unlock_all()' >/dev/null
  is "DROP TABLE $2: it has dropped the table" '' "$(answer dropper)"
  like "DROP TABLE $2: the archiver is told so" 'ERROR:  42P01: .*does not exist' "$(answer archiver)"
  left gate && left archiver && left dropper
  is "DROP TABLE $2: nothing is unfinished" '0|0|0' "$(ask 'SELECT (SELECT count(*) FROM kpi.archive_intent), (SELECT count(*) FROM kpi.archive_file), (SELECT count(*) FROM kpi.retention)')"
  ask "SELECT kpi.clean_store('cold')" >/dev/null
  is "DROP TABLE $2: nothing is left in the store" 0 "$(stored)"
}

# An archiver that is terminated when its objects are in the store, and what becomes of them.
# terminated TABLE
terminated() {
  session clerk && session archiver && session gate
  asked gate 'SELECT pg_advisory_lock(1)' >/dev/null
  says archiver "CALL kpi.archive('$1')"
  waits "$1: terminated" archiver advisory
  says clerk 'BEGIN; LOCK TABLE kpi.archive_intent IN SHARE ROW EXCLUSIVE MODE'
  waits "$1: terminated" clerk relation
  asked gate 'SELECT pg_advisory_unlock_all()' >/dev/null
  waits "$1: terminated with objects in the store" archiver relation
  is "$1: terminated" t "$(ask "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'archiver'")"
  until_says 0 ask "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'archiver'"
  rm "$work/archiver.in"
  left clerk && left gate
  is "$1: terminated: an object is in the store, and an intent says so" '1 1' "$(stored) $(intents)"
}
what_is_left() {
  local held
  partitioned shop m
  retained shop m cold "$with_hooks"
  held=$(content shop m)
  terminated m
  exact 'terminated' shop m "$held"
  sql shop -c 'ALTER TABLE m RENAME TO n'
  is 'renamed: the next run archives' '' "$(archive shop n)"
  exact 'renamed' shop n "$held"
  is 'renamed: and has cleared away what was left' '3 0' "$(stored) $(intents)"
  sql shop -c 'DROP TABLE n'
  ask "SELECT kpi.clean_store('cold')" >/dev/null
  is 'nothing is left in the store' 0 "$(stored)"

  partitioned shop m
  retained shop m cold "$with_hooks"
  terminated m
  sql shop -c 'DROP TABLE m'
  is 'dropped: nothing is unfinished' 0 "$(intents)"
  ask "SELECT kpi.clean_store('cold')" >/dev/null
  is 'dropped: what was left is deleted' 0 "$(stored)"
}

# drop_chunks -----------------------------------------------------------------------------------------------------------------------

# Who comes first has the chunk. What was archived is not dropped by drop_chunks, what it has dropped is not archived.
drop_chunks() {
  local held
  hypertable shop h
  retained shop h cold "$with_hooks"
  held=$(content shop h)
  session gate && session archiver && session dropper

  # The archiver has begun: drop_chunks waits for it, and comes before the export.
  asked gate 'SELECT pg_advisory_lock(1)' >/dev/null
  says archiver "CALL kpi.archive('h')"
  waits 'drop_chunks before the export' archiver advisory
  says dropper "BEGIN; SELECT count(*) FROM drop_chunks('h', timestamptz '2024-02-01Z')"
  waits 'drop_chunks before the export' dropper relation
  asked gate 'SELECT pg_advisory_unlock_all()' >/dev/null
  like 'drop_chunks before the export: it has the chunk' '^[1-9]' "$(answer dropper)"
  asked dropper COMMIT >/dev/null
  like 'drop_chunks before the export: the archiver is told, or goes on' '^$|42P01' "$(answer archiver)"
  held=$(content shop h)
  is 'drop_chunks before the export: the next run archives the others' '' "$(archive shop h)"
  exact 'drop_chunks before the export' shop h "$held"
  is 'drop_chunks before the export: nothing is unfinished' 0 "$(intents)"
  is 'drop_chunks before the export: the store holds what the manifest does' "$(ask 'SELECT count(*) FROM kpi.archive_file')" "$(stored)"
  restore shop h

  # It is there first, and changes its mind.
  asked dropper "BEGIN; SELECT count(*) FROM drop_chunks('h', timestamptz '2024-03-01Z')" >/dev/null
  says archiver "CALL kpi.archive('h')"
  waits 'drop_chunks, rolled back' archiver
  asked dropper ROLLBACK >/dev/null
  is 'drop_chunks, rolled back: the archiver goes on' '' "$(answer archiver)"
  exact 'drop_chunks, rolled back' shop h "$held"
  restore shop h

  # The archiver is in the switch.
  asked gate 'SELECT pg_advisory_lock(2)' >/dev/null
  says archiver "CALL kpi.archive('h')"
  waits 'drop_chunks in the switch' archiver advisory
  says dropper "SELECT count(*) FROM drop_chunks('h', timestamptz '2024-03-01Z')"
  waits 'drop_chunks in the switch' dropper
  asked gate 'SELECT pg_advisory_unlock_all()' >/dev/null
  answer dropper >"$work/dropped"
  answer archiver >"$work/archived"
  echo "# drop_chunks in the switch: it said $(head -1 "$work/dropped"), the archiver $(head -1 "$work/archived")"
  like 'drop_chunks in the switch: the rows of the archived chunk are there' '^[1-9]' "$(ask "SELECT count(*) FROM h WHERE ts < '2024-04-01Z'")"
  held=$(content shop h)
  archive shop h
  exact 'drop_chunks in the switch: the rest is archived' shop h "$held"
  is 'drop_chunks in the switch: nothing is unfinished' 0 "$(intents)"

  # All is archived: there is nothing to drop.
  is 'drop_chunks of archived rows drops none' 0 "$(ask "SELECT count(*) FROM drop_chunks('h', timestamptz '2024-04-01Z')")"
  exact 'drop_chunks of archived rows' shop h "$held"
  left gate && left archiver && left dropper
  sql shop -c 'DROP TABLE h'
  ask "SELECT kpi.clean_store('cold')" >/dev/null
}

partitioned shop native
older_snapshots native native
drop_at 1 'before the export'
drop_at 2 'in the switch'
what_is_left
if has_timescaledb; then
  hypertable shop hyper
  older_snapshots hyper hypertable
  drop_chunks
else
  skip 'drop_chunks and the snapshots of a hypertable need TimescaleDB'
fi
closing
