#!/usr/bin/env bash
# What goes wrong around streams: nobody to publish, names that would not fit into a notification, a notification queue that fills since
# a listener sleeps in a transaction, time zones and clocks that change. Each is said, or does what the documentation says.
#
# Needs cc, PG_BINDIR and PG_RUNAS; makes and drops its own cluster.
# shellcheck source=regress/jobs/cluster.bash
. "$(dirname "$0")/../jobs/cluster.bash"

made || exit 1
started '-c shared_preload_libraries=' || exit 1
sql postgres -c 'CREATE DATABASE shop TEMPLATE template0'
sell() { sql shop -c "INSERT INTO sale (at, amount) VALUES ('${2:-2026-01-01 12:00Z}', $1)"; }
last() { sql shop -c 'SELECT kpi.last_change()'; }

# Nobody publishes ----------------------------------------------------------------------------------------------------------

like 'no preload: CREATE EXTENSION says so' "NOTICE:  pg_kpi is not preloaded: .*HINT:  For jobs and streams, set shared_preload_libraries" "$(PGOPTIONS='' sql shop -c 'CREATE EXTENSION pg_kpi' 2>&1)"
sql shop <<'SQL'
CREATE TABLE sale (at timestamptz NOT NULL, amount float8);
CREATE INDEX ON sale (at);
SELECT kpi.create_source('sale', 'sale', 'at', timezone => 'Europe/Berlin'), kpi.create_kpi('revenue', 'sale', 'sum(amount)') \g /dev/null
SQL
said=$(PGOPTIONS='' sql shop -c "SELECT kpi.add_subscriber('board', '{revenue}', '{day}')" 2>&1)
like 'no preload: add_subscriber warns' 'WARNING:  nothing runs in the background: pg_kpi is not in shared_preload_libraries.*Changes are published when kpi.refresh is called' "$said"
sell 1
is 'no preload: a poll ends after its wait with nothing' '' "$(sql shop -c "SELECT number FROM kpi.poll('board', wait => '300 ms')")"
sql shop -c "SELECT number, value FROM kpi.poll('board', wait => '60 s')" >"$work/polled" &
polling=$!
soon 'no preload: a poll waits' 1 sql shop -c "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%kpi.poll(%' AND wait_event_type = 'Extension' AND pid <> pg_backend_pid()"
sql shop -c "SELECT FROM kpi.refresh('sale')"
wait $polling
is 'no preload: it ends with what somebody refreshes meanwhile' '1|1' "$(<"$work/polled")"
stopped fast
started '-c kpi.worker=off'
said=$(PGOPTIONS='' sql shop -c "SELECT kpi.start_stream('revenue', 'hour')" 2>&1)
like 'kpi.worker = off: start_stream warns' 'WARNING:  nothing runs in the background: kpi.worker is off.*Changes are published when kpi.refresh is called.*HINT:  ALTER SYSTEM SET kpi.worker = on' "$said"
sell 1
is 'kpi.worker = off: a poll ends after its wait' 1 "$(sql shop -c "SELECT max(number) FROM kpi.poll('board', wait => '300 ms')")"
is 'kpi.worker = off: kpi.refresh publishes' 2 "$(sql shop -c "SELECT FROM kpi.refresh('sale')" -c "SELECT value FROM kpi.poll('board') ORDER BY number DESC LIMIT 1" | tail -1)"
stopped fast
started
soon 'with a worker again' running is_running shop

# Names that are long or odd ---------------------------------------------------------------------------------------------------

# As long as a code may be, in a KPI whose channel cannot hold it; and names of jobs that may be as long as a text, of characters that
# JSON writes as six.
long=$(printf 'é%.0s' {1..31})
odd='"a\b"'
sql shop -v long="$long" -v odd="$odd" <<'SQL'
SELECT kpi.create_kpi(:'long', 'sale', 'sum(amount)', target => 1e9), kpi.create_kpi(:'odd', 'sale', 'count(*)', target => 1e9) \g /dev/null
SELECT kpi.start_stream(:'long', 'minute'), kpi.start_stream(:'odd', 'minute') \g /dev/null
CREATE FUNCTION fails() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE 'it fails'; END $$;
SQL
fails 'a code of more than 63 bytes is refused' '42602: .* is not a code for a KPI.*HINT:  Use at most 63 bytes' shop -v long="$long" -c "SELECT kpi.create_kpi(repeat('é', 32), 'sale', 'count(*)')"
channels=$(sql shop -c "SELECT string_agg(format('LISTEN %I;', kpi.channel(code, 'minute')), ' ') FROM kpi.catalog WHERE code <> 'revenue'")
# listening FILE STATEMENTS: a session that says something again and again, so that what it hears goes into the file.
listening() {
  (
    echo "$2 SELECT 'listens';"
    while [ ! -e "$work/heard" ]; do
      echo 'SELECT;'
      sleep 0.1
    done
  ) | psql -XqAt -d shop >"$work/$1" 2>&1 &
}
payloads() { sed -n 's/^Asynchronous notification "[^"]*" with payload "\(.*\)" received.*/\1/p' "$work/$1"; }
heard() { payloads "$1" | wc -l; }
listening odd "$channels LISTEN \"kpi.jobs\"; LISTEN \"kpi.alerts\";"
soon 'somebody listens' 1 grep -c ^listens "$work/odd"
sell 1e300 '2026-01-02 12:00Z'
soon 'changes of a long and an odd code are announced' 2 heard odd
sql shop -c "SELECT kpi.create_job(repeat(chr(1), 300), 'fails', '1 day', max_retries => 0), kpi.create_job(repeat('😀', 300), 'fails', '1 day', max_retries => 0),
    kpi.create_job('targets', 'alerts', '1 day', '{\"period\": \"hour\"}', first_run => '2100-01-01')" >/dev/null
soon 'and two jobs that fail, with their alerts' 6 heard odd
sql shop -c "INSERT INTO sale SELECT date_trunc('hour', now()) - interval '30 minutes', -1" -c "SELECT kpi.run_job('targets')" >/dev/null
soon 'and alerts of all KPIs with such names' t eval "[ \$(heard odd) -ge 9 ] && echo t"
payloads odd >"$work/payloads"
is 'no payload is longer than 1 KB' yes "$(LC_ALL=C awk '{if (length($0) > m) m = length($0)} END {print (m <= 1024 ? "yes" : m)}' "$work/payloads")"
is 'each is JSON' '' "$(while IFS= read -r one; do sql shop -v one="$one" <<<"SELECT 'not JSON' WHERE (:'one'::jsonb ->> 'number') = 'nothing';" 2>&1; done <"$work/payloads")"

# A listener sleeps in a transaction ---------------------------------------------------------------------------------------------

usage() { sql shop -c 'SELECT pg_notification_queue_usage() > 0'; }
# Pages are given back when the next one is begun: this many notifications are several.
fill() { sql shop -c "SELECT count(pg_notify('noise', repeat('x', 7000) || i)) FROM generate_series(1, 200) i" >/dev/null; }
echo "LISTEN \"kpi.updates\"; BEGIN; SELECT 'sleeps'; SELECT pg_sleep(600);" | psql -XqAt -d shop >"$work/asleep" 2>&1 &
sleeper() { sql shop -c "SELECT $1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()"; }
soon 'a listener sleeps in a transaction' 1 sleeper 'count(*)'
is 'the queue is empty so far' f "$(usage)"
fill
is 'its notifications stay in the queue' t "$(usage)"
before=$(heard odd)
for i in 1 2 3; do
  number=$(last)
  sell 1 '2026-01-03 12:00Z'
  soon "change $i is published" t sql shop -c "SELECT kpi.last_change() >= $number + 4"
done
soon 'and announced to those who are awake' t eval "[ \$(heard odd) -ge $((before + 6)) ] && echo t"

# That queue has room for gigabytes, so how full it is is made up from here on: what a function of another number says that has the name.
sql shop <<'SQL'
ALTER FUNCTION pg_catalog.pg_notification_queue_usage() RENAME TO pg_notification_queue_usage_in_truth;
CREATE TABLE fullness AS SELECT 0.6::float8 AS share;
CREATE FUNCTION pg_catalog.pg_notification_queue_usage() RETURNS float8 LANGUAGE sql VOLATILE AS 'SELECT share FROM public.fullness';
SQL
# A worker that has asked before goes on asking the function that it knows.
another_worker() {
  local process
  process=$(pids 'pg_kpi worker' shop)
  sql postgres -c "SELECT pg_terminate_backend($process)" >/dev/null
  soon "$1: another worker" t sql postgres -c "SELECT pid <> $process FROM pg_stat_activity WHERE backend_type = 'pg_kpi worker' AND datname = 'shop'"
}
another_worker 'the queue is full'
number=$(last)
before=$(heard odd)
sql shop -c "SELECT value FROM kpi.poll('board', wait => '30 s') WHERE number > $number" >/dev/null
sql shop -c "SELECT kpi.ack('board', kpi.last_change())" >/dev/null
sql shop -c "SELECT count(*) FROM kpi.poll('board', wait => '30 s')" >"$work/polled" &
polling=$!
soon 'a poll waits' 1 sql shop -c "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%kpi.poll(%' AND wait_event_type = 'Extension' AND pid <> pg_backend_pid()"
begin=$EPOCHREALTIME
sell 1 '2026-01-03 12:00Z'
within 'the queue is more than half full: no writer waits' 3 "$begin"
wait $polling
is 'a change is logged, and wakes polls' 1 "$(<"$work/polled")"
within 'the poll is woken' 10 "$begin"
sell 1 '2026-01-03 12:00Z'
soon 'more changes are logged' t sql shop -c "SELECT kpi.last_change() >= $number + 6"
unannounced() { as_server grep -c 'changes are logged but not announced: the notification queue is more than half full, since a listener sleeps in a transaction' "$data/log"; }
is 'the log says that they are not announced' t "$([ "$(unannounced)" -ge 2 ] && echo t)"
is 'streams show no error' 0 "$(sql shop -c 'SELECT count(*) FROM kpi.stream_status WHERE error IS NOT NULL')"
sql shop -c "SELECT pg_terminate_backend($(sleeper pid))" >/dev/null
sql shop -c 'UPDATE fullness SET share = 0.1'
number=$(last)
sell 1 '2026-01-03 12:00Z'
soon 'once there is room, the next change is announced' t eval "[ \$(heard odd) -gt $before ] && echo t"
is 'those before it were not' "$((before + 2))" "$(heard odd)"
like 'they have the number to read up to' "\"number\":$((number + 4))[,}]" "$(payloads odd | tail -2)"
sql shop <<'SQL'
DROP FUNCTION pg_catalog.pg_notification_queue_usage();
ALTER FUNCTION pg_catalog.pg_notification_queue_usage_in_truth() RENAME TO pg_notification_queue_usage;
SQL
another_worker 'the queue is what it is'
fill
fill
is 'the queue in truth is empty again' f "$(usage)"
touch "$work/heard"
wait
rm "$work/heard"

# Time zones ------------------------------------------------------------------------------------------------------------------------

# Days are those of the source's zone, whatever the server or a session says. 23:30 in Berlin is 22:30 in UTC.
sql shop -c "CREATE TABLE arrival (at timestamp NOT NULL)" -c "CREATE INDEX ON arrival (at)" -c "SELECT kpi.create_source('arrival', 'arrival', 'at', timezone => 'Europe/Berlin'),
  kpi.create_kpi('arrivals', 'arrival', 'count(*)')" -c "SELECT kpi.start_stream('arrivals', 'day'), kpi.start_stream('revenue', 'day'), kpi.start_stream('arrivals', 'hour')" >/dev/null
buckets() { sql shop -c "SELECT string_agg(DISTINCT code || ' ' || (bucket AT TIME ZONE 'UTC')::text, ', ') FROM kpi.change WHERE number > $1 AND period = 'day'"; }
servers_zone() { (unset PGTZ && sql postgres -c 'SHOW timezone'); }
for zone in UTC Asia/Tokyo America/Los_Angeles; do
  sql postgres -c "ALTER SYSTEM SET timezone = '$zone'" -c 'SELECT pg_reload_conf()' >/dev/null
  soon "the server's zone is $zone" "$zone" servers_zone
  number=$(last)
  PGTZ=$zone sql shop -c "INSERT INTO sale VALUES ('2026-03-01 22:30Z', 1)" -c "INSERT INTO arrival VALUES ('2026-03-01 23:30')"
  soon "$zone: a day in Berlin begins in Berlin" 'arrivals 2026-02-28 23:00:00, revenue 2026-02-28 23:00:00' buckets "$number"
done
sql postgres -c 'ALTER SYSTEM RESET timezone' -c 'SELECT pg_reload_conf()' >/dev/null
is 'the log, replayed, is what kpi.value says' t "$(sql shop -c "SELECT bool_and(l.value = v.value) AND count(*) = 2 FROM
  (SELECT DISTINCT ON (code) code, bucket, value FROM kpi.change WHERE period = 'day' AND bucket = '2026-02-28 23:00Z' ORDER BY code, number DESC) l,
  LATERAL (SELECT v.value FROM kpi.value(l.code, 'day', l.bucket, l.bucket + interval '1 day') v) v")"
is 'arrivals of 23:30 are in the hour of 23:00, in Berlin' '2026-03-01 22:00:00|3' "$(sql shop -c "SELECT bucket AT TIME ZONE 'UTC', value FROM kpi.change WHERE code = 'arrivals' AND period = 'hour' ORDER BY number DESC LIMIT 1")"
# The zone of a source is for good: another one is another source, whose streams begin anew.
sql shop -c "SELECT kpi.drop_kpi('arrivals'), kpi.drop_source('arrival')" -c "SELECT kpi.create_source('arrival', 'arrival', 'at', timezone => 'Asia/Tokyo'),
  kpi.create_kpi('arrivals', 'arrival', 'count(*)')" -c "SELECT kpi.start_stream('arrivals', 'day')" >/dev/null
number=$(last)
sql shop -c "INSERT INTO arrival VALUES ('2026-03-01 23:30')"
soon 'in another zone the same times are another day' "arrivals 2026-02-28 15:00:00" buckets "$number"

# Clocks ----------------------------------------------------------------------------------------------------------------------------

stopped fast
cc -shared -fPIC -O1 -o "$work/clock.so" "$(dirname "$0")/clock.c" || exit 1
# stepped SECONDS: to so much before or after the machine's clock, at once for all processes of the server.
stepped() {
  echo "$1" >"$work/clock.new"
  chmod 644 "$work/clock.new"
  mv "$work/clock.new" "$work/clock"
}
stepped 0
as+=(env "LD_PRELOAD=$work/clock.so" "CLOCK=$work/clock")
started
soon 'a worker on a clock that can be stepped' running is_running shop
sql shop -c "CREATE TABLE ran (job text, at timestamptz DEFAULT clock_timestamp())" -c "CREATE PROCEDURE note(config jsonb) LANGUAGE sql AS 'INSERT INTO ran (job) VALUES (config ->> ''job'')'"
for job in "second:1 s:once" "hour:1 hour:once" "none:1 hour:none" "all:1 hour:all"; do
  IFS=: read -r name schedule catch_up <<<"$job"
  sql shop -c "SELECT kpi.create_job('$name', 'note', '$schedule', '{\"job\": \"$name\"}', catch_up => '$catch_up')" >/dev/null
done
sql shop -c "SELECT kpi.create_job('retries', 'fails', '1 day', max_retries => 1000)" >/dev/null
runs() { sql shop -c "SELECT count(*) FROM ran WHERE job = '$1'"; }
more() { [ "$(runs "$1")" -gt "$2" ] && echo t; }
for name in hour none all; do soon "$name: it has run" 1 runs $name; done
goes_on() {
  local number
  number=$(last)
  sell 1
  begin=$EPOCHREALTIME
  soon "$1: a change is published" t sql shop -c "SELECT kpi.last_change() > $number"
  within "$1: a change is published" 15 "$begin"
  soon "$1: a job of every second runs on" t more second "$(runs second)"
  soon "$1: the worker is there" running is_running shop
}
goes_on 'on time'
now() { sql shop -c 'SELECT clock_timestamp()'; }
start=$(now)
# Four hours and a bit.
stepped 15000
is 'the clock is put forward' t "$(sql shop -c "SELECT clock_timestamp() > '$start'::timestamptz + interval '4 hours'")"
goes_on 'put forward'
soon 'all: it has run for each of the hours' 5 runs all
is 'once: it has run once for them' 2 "$(runs hour)"
is 'of every second: not for each of the seconds' t "$([ "$(runs second)" -lt 200 ] && echo t)"
soon 'the one that retries has been tried again' t sql shop -c "SELECT count(*) > 1 FROM kpi.job_runs WHERE job = 'retries'"
stepped -15000
is 'the clock is put back by more than that' t "$(sql shop -c "SELECT clock_timestamp() < '$start'::timestamptz - interval '4 hours'")"
goes_on 'put back'
soon 'an hourly job runs within the next hour, and so do those that failed' t sql shop -c "SELECT bool_and(next_run <= clock_timestamp() + interval '2 hours') FROM kpi.jobs WHERE name IN ('hour', 'none', 'all', 'retries')"
number=$(last)
is 'numbers go on' t "$(sql shop -c 'SELECT count(*) = max(number) - min(number) + 1 FROM kpi._change')"
begin=$EPOCHREALTIME
is 'a poll waits as long as it is to' '' "$(sql shop -c "SELECT kpi.ack('board', kpi.last_change())" -c "SELECT number FROM kpi.poll('board', wait => '1 s')")"
within 'a poll on that clock' 6 "$begin"
stepped 0
goes_on 'on time again'
stopped fast
closing
