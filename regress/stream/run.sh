#!/usr/bin/env bash
# Streams on a server with workers: the log agrees with the tables that several sessions change at random; polls wait and wake; the
# log is rotated and holds what subscribers need; listeners are told, in little; and a source that cannot be refreshed holds up no
# other one.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster. SECONDS_OF_CHANGES is how long the tables are changed.
# shellcheck source=regress/jobs/cluster.bash
. "$(dirname "$0")/../jobs/cluster.bash"
# shellcheck source=regress/stream/shop.bash
. "$(dirname "$0")/shop.bash"
SECONDS_OF_CHANGES=${SECONDS_OF_CHANGES:-8}

made && started || exit 1
sql postgres -c 'CREATE DATABASE shop TEMPLATE template0' -c 'CREATE DATABASE calm TEMPLATE template0'

# The log agrees with the tables -------------------------------------------------------------------------------------------

shop shop
soon 'a worker' running is_running shop
for _ in 1 2 3; do churning shop & done
# Refreshes by hand and by the worker take turns.
(while [ ! -e "$work/quiet" ]; do sql shop -c "SELECT FROM kpi.refresh('sale')" >/dev/null 2>&1 && sleep 0.3; done) &
sleep "$SECONDS_OF_CHANGES"
touch "$work/quiet"
wait
soon 'the worker publishes what has been changed' 0 sql shop -c 'SELECT count(*) FROM kpi.touched'
agrees shop
is 'no stream shows an error' 0 "$(sql shop -c 'SELECT count(*) FROM kpi.stream_status WHERE error IS NOT NULL')"
sql postgres -c 'DROP DATABASE shop'

# Polls wait and wake ------------------------------------------------------------------------------------------------------

sql calm <<'SQL'
CREATE EXTENSION pg_kpi;
CREATE TABLE sale (id bigserial, at timestamptz NOT NULL, shop text, amount float8);
CREATE INDEX ON sale (at);
CREATE FUNCTION checked(amount float8) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN IF amount < 0 THEN RAISE 'an amount of %', amount USING ERRCODE = '22003'; END IF; RETURN amount; END $$;
SELECT kpi.create_source('sale', 'sale', 'at', '{shop}') \g /dev/null
SELECT kpi.create_kpi('revenue', 'sale', 'sum(amount)') \g /dev/null
SELECT kpi.create_kpi('Late Orders %', 'sale', 'count(*) FILTER (WHERE shop = ''late'')') \g /dev/null
SQL
soon 'a worker of the second database' running is_running calm
sell() { sql "${2:-calm}" -c "INSERT INTO sale (at, shop, amount) VALUES ('2026-01-01 12:00Z', ${3:-NULL}, $1)"; }
last() { sql calm -c 'SELECT kpi.last_change()'; }

sql calm -c "SELECT kpi.add_subscriber('board', '{revenue}', '{day}')" >/dev/null
begin=$EPOCHREALTIME
is 'a poll without changes ends with nothing' '' "$(sql calm -c "SELECT number FROM kpi.poll('board', wait => '1 s')")"
is 'and has waited as long as it was to' yes "$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN {print (b - a >= 1) ? "yes" : "no, after " (b - a) " s"}')"
within 'but not much longer' 3 "$begin"
begin=$EPOCHREALTIME
is 'a poll that is not to wait does not' '' "$(sql calm -c "SELECT number FROM kpi.poll('board')")"
within 'which is at once' 1 "$begin"
sql calm -c "SELECT number, value FROM kpi.poll('board', wait => '30 s')" >"$work/woken" &
polling=$!
waits() { sql calm -c "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%kpi.poll(%' AND state = 'active' AND pid <> pg_backend_pid()"; }
soon 'a poll waits' 1 waits
begin=$EPOCHREALTIME
sell 5
wait $polling
is 'a commit wakes it with the change' '1|5' "$(<"$work/woken")"
within 'the commit wakes the poll' 2 "$begin"
is 'it comes again until it is acknowledged' '1|5' "$(sql calm -c "SELECT number, value FROM kpi.poll('board')")"
sql calm -c "SELECT kpi.ack('board', 1)" >/dev/null
is 'and then no more' '' "$(sql calm -c "SELECT number FROM kpi.poll('board')")"
sql calm -c "SELECT FROM kpi.poll('board', wait => '30 s')" >"$work/ended" 2>&1 &
polling=$!
soon 'another poll waits' 1 waits
begin=$EPOCHREALTIME
sql calm -c "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%kpi.poll(%' AND pid <> pg_backend_pid()" >/dev/null
wait $polling
like 'a poll that waits can be cancelled' 'canceling statement due to user request' "$(<"$work/ended")"
within 'it ends at once' 3 "$begin"
for i in {1..20}; do sql calm -c "SELECT count(*) FROM kpi.poll('board', wait => '30 s')" >>"$work/many" & done
soon 'twenty polls wait' 20 waits
sell 1
wait
is 'one change wakes them all' '20 of 1' "$(sort "$work/many" | uniq -c | awk '{print $1 " of " $2}')"
sql calm -c "SELECT kpi.ack('board', kpi.last_change())" >/dev/null

# Rotation -------------------------------------------------------------------------------------------------------------------

sql postgres -c "ALTER SYSTEM SET kpi.change_history = '1s'" -c 'SELECT pg_reload_conf()' >/dev/null
soon 'kpi.change_history' 1s sql calm -c 'SHOW kpi.change_history'
sql calm -c "SELECT kpi.create_job('rotate', 'rotate', '1 hour', first_run => '2100-01-01')" >/dev/null
# A change, and a rotation once the segment is half a second old.
changed_and_rotated() {
  local before
  before=$(last)
  sell 1
  soon "change $((before + 1))" $((before + 1)) last
  sleep 0.6
  sql calm -c "SELECT kpi.run_job('rotate')" >/dev/null
}
oldest() { sql calm -c 'SELECT min(number) FROM kpi.change'; }
first=$(last)
for _ in 1 2 3; do
  changed_and_rotated
  sql calm -c "SELECT kpi.ack('board', kpi.last_change())" >/dev/null
done
is 'after three rotations the log begins later' t "$(sql calm -c "SELECT min(number) > $first FROM kpi.change")"
is 'and goes on without a gap' t "$(sql calm -c 'SELECT count(*) = kpi.last_change() - min(number) + 1 FROM kpi.change')"
fails 'what is no longer there is not passed over in silence' '55000: the log of changes no longer holds what came after number 0' calm -c 'SELECT kpi.changes_since(0)'
is 'what is there can be read' "$(sql calm -c 'SELECT count(*) FROM kpi.change')" "$(sql calm -c "SELECT count(*) FROM kpi.changes_since($(oldest) - 1)")"
fails 'one number before that cannot' 55000 calm -c "SELECT kpi.changes_since($(oldest) - 2)"

# The board stays away now.
held=$(last)
for _ in 1 2 3 4; do changed_and_rotated; done
is 'a subscriber that lags behind has its changes kept' "$((held + 1)) 4" "$(sql calm -c "SELECT min(number) || ' ' || count(*) FROM kpi.poll('board')")"
is 'kpi.stream_status shows by how much' 4 "$(sql calm -c "SELECT lag FROM kpi.stream_status WHERE kind = 'subscriber'")"
sql calm -c "SELECT kpi.ack('board', kpi.last_change())" >/dev/null
for _ in 1 2 3; do
  changed_and_rotated
  sql calm -c "SELECT kpi.ack('board', kpi.last_change())" >/dev/null
done
is 'once it has come back they are given up' t "$(sql calm -c "SELECT min(number) > $held + 1 FROM kpi.change")"

warned=$(PGOPTIONS='' sql calm -c "SELECT kpi.add_subscriber('lapsed', '{revenue}', '{day}', keep => '1 s')" -c 'SELECT pg_sleep(1.2)' -c "SELECT kpi.run_job('rotate')" 2>&1)
like 'a subscriber that does not come back within its keep is removed with a warning' 'WARNING:  subscriber "lapsed" .* has not come back within 00:00:01 and is removed' "$warned"
fails 'and told so when it does' '42704: subscriber "lapsed" does not exist' calm -c "SELECT kpi.poll('lapsed')"
is 'the other is still there' board "$(sql calm -c "SELECT name FROM kpi.subscriber")"
# A subscriber that keeps coming back is not removed, although it acknowledges nothing.
sql calm -c "SELECT kpi.add_subscriber('faithful', '{revenue}', '{day}', keep => '2 s')" >/dev/null
for _ in 1 2 3; do sql calm -c "SELECT FROM kpi.poll('faithful', wait => '1 s')" -c "SELECT kpi.run_job('rotate')" >/dev/null; done
is 'one that comes back in time is not' 1 "$(sql calm -c "SELECT count(*) FROM kpi.subscriber WHERE name = 'faithful'")"
sql calm -c "SELECT kpi.remove_subscriber('faithful')" >/dev/null

# The statistics come a moment later than what they count.
inserted() { sql calm -c "SELECT sum(n_tup_ins) >= kpi.last_change() FROM pg_stat_user_tables WHERE relname LIKE 'change\_log\__'"; }
soon 'the statistics know of all changes' t inserted
is 'rotation leaves no dead row behind' '0 0 0' "$(sql calm -c "SELECT string_agg(n_dead_tup::text, ' ') FROM pg_stat_user_tables WHERE relname LIKE 'change\_log\__'")"
sql postgres -c "ALTER SYSTEM RESET kpi.change_history" -c 'SELECT pg_reload_conf()' >/dev/null

# Notifications ----------------------------------------------------------------------------------------------------------------

channel=$(sql calm -c "SELECT kpi.start_stream('Late Orders %', 'minute')")
is 'the name of a channel is lower case, and what it cannot hold is encoded' 'kpi.updates.late%20orders%20%25.minute' "$channel"
sql calm -c "SELECT kpi.start_stream('Late Orders %', 'minute', '{shop}')" >/dev/null
# A listener whose notifications go into a file; it asks for them again and again.
listening() {
  (
    echo "LISTEN \"$1\"; SELECT 'listens';"
    [ "${2:-}" ] && echo "$2"
    while [ ! -e "$work/heard" ]; do
      echo 'SELECT;'
      sleep 0.1
    done
  ) | psql -XqAt -d calm 2>&1
}
listening "$channel" >"$work/one" &
listening kpi.updates >"$work/all" &
listening kpi.updates "BEGIN; SELECT pg_sleep(0);" >"$work/asleep" &
soon 'three listen' 3 eval 'cat "$work/one" "$work/all" "$work/asleep" | grep -c ^listens'
before=$(last)
sell 1 calm "'late'"
heard() { grep -c Asynchronous "$work/$1"; }
soon 'a listener hears of a change' 1 heard one
is 'as documented' '{"bucket":"2026-01-01T12:00:00Z","changes":2,"value":1.0} on kpi.updates.late%20orders%20%25.minute' \
  "$(sed -n 's/^Asynchronous notification "\(.*\)" with payload "\(.*\)" received.*/\2 on \1/p' "$work/one" | sed 's/,"number":[0-9]*//')"
soon 'a listener to all hears too' 1 heard all
is 'up to which number' "{\"changes\":3,\"number\":$((before + 3))}" "$(sed -n 's/.* with payload "\(.*\)" received.*/\1/p' "$work/all")"
# One transaction of 3000 minutes, on streams by minute and by shop.
sql calm -c "SELECT kpi.start_stream('revenue', 'minute', '{shop}')" >/dev/null
before=$(last)
sql calm -c "INSERT INTO sale (at, shop, amount) SELECT timestamptz '2026-02-01 00:00Z' + i * interval '1 minute', repeat('é', 2000) || i % 5, 1e300 FROM generate_series(1, 3000) i"
soon 'a large transaction is published' t sql calm -c "SELECT kpi.last_change() >= $before + 3000"
soon 'with one notification on the channel of all' 2 heard all
longest=$(sed -n 's/.* with payload "\(.*\)" received.*/\1/p' "$work/all" "$work/one" | awk '{if (length($0) > m) m = length($0)} END {print m}')
is 'no payload is longer than 1 KB' yes "$([ "${longest:-9999}" -le 1024 ] && echo yes || echo "$longest")"
# The one in a transaction has heard nothing, and held up nobody.
is 'a listener asleep in a transaction hears nothing' 0 "$(heard asleep)"
is 'it holds back the queue' t "$(sql calm -c "SELECT count(*) = 1 FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND query NOT LIKE '%pg_stat_activity%'")"
for i in 1 2 3; do
  before=$(last)
  sell "$i" calm "'late'"
  soon "change $i beside it is published" t sql calm -c "SELECT kpi.last_change() >= $before + 3"
done
soon 'and announced' 5 heard all
touch "$work/heard"
wait
rm -f "$work/heard"
writers() { sql calm -c "SELECT count(*) FROM pg_stat_activity WHERE datname = 'calm' AND wait_event = 'NotifyQueue'"; }
is 'nobody waits for the queue' 0 "$(writers)"

# A source that cannot be refreshed ------------------------------------------------------------------------------------------------

sql calm <<'SQL'
CREATE TABLE other (id bigserial, at timestamptz NOT NULL, amount float8);
CREATE INDEX ON other (at);
SELECT kpi.create_source('other', 'other', 'at'), kpi.create_kpi('sound', 'other', 'sum(checked(amount))') \g /dev/null
SELECT kpi.create_kpi('gain', NULL, '{revenue} - {sound}') \g /dev/null
SELECT kpi.start_stream('sound', 'hour'), kpi.start_stream('gain', 'day') \g /dev/null
INSERT INTO other (at, amount) VALUES ('2026-01-01 12:00Z', 1);
SQL
value_of() { sql calm -c "SELECT value FROM kpi.change WHERE code = '$1' ORDER BY number DESC LIMIT 1"; }
soon 'a source is published while it is sound' 1 value_of sound
sql calm -c "INSERT INTO other (at, amount) VALUES ('2026-01-01 12:00Z', -1), ('2026-01-01 12:00Z', 3)"
error_of() { sql calm -c "SELECT error FROM kpi.stream_status WHERE kind = 'stream' AND code = '$1'"; }
soon 'when it cannot be refreshed its stream says why' '22003: an amount of -1' error_of sound
is 'and so do those that need it' '22003: an amount of -1' "$(error_of gain)"
is 'others do not' '' "$(sql calm -c "SELECT DISTINCT error FROM kpi.stream_status WHERE code = 'revenue'")"
is 'nothing wrong is published' 1 "$(value_of sound)"
before=$(last)
sell 7
soon 'other sources are published' t sql calm -c "SELECT kpi.last_change() > $before"
is 'the worker has survived' running "$(is_running calm)"
sql calm -c 'DELETE FROM other WHERE amount < 0'
soon 'once the row is gone the stream goes on' 4 value_of sound
soon 'and shows no error' '' error_of sound
sql calm -c 'DROP TABLE other CASCADE'
before=$(last)
sell 7
soon 'a table that is dropped takes its source along, others are published' t sql calm -c "SELECT kpi.last_change() > $before"
is 'the worker survives that too' running "$(is_running calm)"
closing
