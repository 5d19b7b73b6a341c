#!/usr/bin/env bash
# A standby: no job runs there and nothing is published, what is read is as on the primary, and what would write says so. Its promotion
# starts jobs and streams, and no job runs on two servers at once.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster.
# shellcheck source=regress/jobs/cluster.bash
. "$(dirname "$0")/cluster.bash"

# on_standby COMMAND...: with the second server instead of the first.
on_standby() { PGPORT=5433 data=$work/data_standby "$@"; }

made && started || exit 1
sql postgres -c 'CREATE DATABASE shop TEMPLATE template0'
sql shop <<'SQL'
CREATE EXTENSION pg_kpi;
CREATE TABLE sale (at timestamptz NOT NULL, amount float8);
CREATE INDEX ON sale (at);
SELECT kpi.create_source('sale', 'sale', 'at'), kpi.create_kpi('amount', 'sale', 'sum(amount)') \g /dev/null
SELECT kpi.start_stream('amount', 'day'), kpi.add_subscriber('board', '{amount}', '{day}') \g /dev/null
-- What a run leaves says on which server it was.
CREATE TABLE ran (server text DEFAULT current_setting('cluster_name'), begun timestamptz, until timestamptz);
CREATE PROCEDURE takes_a_while() LANGUAGE plpgsql AS $$ DECLARE begun timestamptz := clock_timestamp(); BEGIN
    PERFORM pg_sleep(0.4);
    INSERT INTO ran (begun, until) VALUES (begun, clock_timestamp()); END $$;
SELECT kpi.create_job('often', 'takes_a_while', '1 s'), kpi.create_job('quick', 'clean', '1 s'), kpi.create_job('later', 'clean', '1 day', first_run => '2100-01-01') \g /dev/null
SQL
soon 'a worker of the primary' running is_running shop
as_server "$PG_BINDIR/pg_basebackup" -h "$work" -U "$PGUSER" -D "$work/data_standby" -R -X stream -c fast
on_standby started '-c port=5433 -c cluster_name=second -c max_standby_streaming_delay=1s'
is 'there is a standby' t "$(on_standby sql shop -c 'SELECT pg_is_in_recovery()')"

# It replays --------------------------------------------------------------------------------------------------------------

sql shop -c "INSERT INTO sale VALUES ('2026-01-01 12:00Z', 5)"
standby() { on_standby sql shop -c "$1"; }
value() { standby "SELECT value FROM kpi.value('amount', 'day')"; }
soon 'a write on the primary shows in the values of the standby' 5 value
soon 'and so does its change in the log' '1|amount|5' standby 'SELECT number, code, value FROM kpi.changes_since(0)'
is 'kpi.change, kpi.last_change and kpi.stream_status can be read there' '1|1|board' \
  "$(standby "SELECT (SELECT max(number) FROM kpi.change), kpi.last_change(), (SELECT name FROM kpi.stream_status WHERE kind = 'subscriber')")"
is 'the scorecard too' 'amount 5' "$(standby "SELECT code || ' ' || value FROM kpi.scorecard")"
runs() { standby "SELECT count(*) >= $1 FROM kpi.job_runs WHERE job = 'often' AND outcome = 'succeeded'"; }
soon 'kpi.job_runs shows the runs of the primary' t runs 3
is 'kpi.jobs shows the jobs' 'later often quick' "$(standby "SELECT string_agg(name, ' ' ORDER BY name) FROM kpi.jobs")"

# A write that the standby has and whose refresh it has not: as when the primary is lost in between. While
# it is not streamed, no worker refreshes it.
sql shop -c "SELECT kpi.stop_stream('amount'), kpi.remove_subscriber('board')" >/dev/null
sql shop -c "INSERT INTO sale VALUES ('2026-01-01 13:00Z', 2), ('2026-01-02 13:00Z', 4)"
soon 'what is not refreshed is read from the rows, on the standby as well' '7 4' standby "SELECT string_agg(value::text, ' ' ORDER BY ts) FROM kpi.value('amount', 'day')"
is 'although it waits for a refresh' t "$(standby 'SELECT count(*) > 0 FROM kpi.touched')"
sql shop -c "SELECT kpi.start_stream('amount', 'day'), kpi.add_subscriber('board', '{amount}', '{day}')" >/dev/null
soon 'its subscriber is there' 1 standby 'SELECT count(*) FROM kpi.subscriber'

# Nothing runs there ------------------------------------------------------------------------------------------------------

is 'kpi.worker_status says why' 'this server is a standby. Its workers start when it is promoted.' "$(on_standby is_running shop)"
ours() { standby "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pg_kpi%'"; }
is 'neither launcher nor worker nor job' 0 "$(ours)"

# refuses WHAT STATEMENT [PATTERN]: on the standby.
refuses() {
  on_standby fails "$1 says that it cannot be called on a standby, and what to do" \
    "25006: $1 cannot be called on a standby.*DETAIL:  It writes.*HINT:  Call it on the primary\. ${3:-kpi\.jobs and kpi\.job_runs can be read here}" shop -c "$2"
}
refuses kpi.create_job "SELECT kpi.create_job('another', 'clean', '1 day')"
refuses kpi.alter_job "SELECT kpi.alter_job('later', '2 days')"
refuses kpi.pause_job "SELECT kpi.pause_job('later')"
refuses kpi.run_job "SELECT kpi.run_job('later')"
refuses kpi.drop_job "SELECT kpi.drop_job('later')"
instead='kpi\.changes_since reads the log of changes here'
refuses kpi.start_stream "SELECT kpi.start_stream('amount', 'hour')" "$instead"
refuses kpi.stop_stream "SELECT kpi.stop_stream('amount')" "$instead"
refuses kpi.add_subscriber "SELECT kpi.add_subscriber('another')" "$instead"
refuses kpi.remove_subscriber "SELECT kpi.remove_subscriber('board')" "$instead"
refuses kpi.poll "SELECT kpi.poll('board', wait => '10 s')" "$instead"
refuses kpi.ack "SELECT kpi.ack('board', 1)" "$instead"
refuses kpi.refresh "SELECT kpi.refresh('sale')" 'kpi\.value is right here without it'
fails 'in a read-only transaction of the primary it says so too' '25006: kpi.poll cannot be called in a read-only transaction.*HINT:  BEGIN READ WRITE allows it' \
  shop -c 'BEGIN READ ONLY' -c "SELECT kpi.poll('board')"

# Promotion ---------------------------------------------------------------------------------------------------------------

# The primary is stopped in the middle of a run, whose row the standby has as one that runs.
running() { standby "SELECT count(*) FROM kpi.job_run WHERE outcome = 'running' AND pid IS NOT NULL"; }
soon 'the standby sees a run that is under way' 1 running
stopped immediate
is 'which it shows as no more than that' 'running waiting' "$(standby "SELECT last_outcome || ' ' || state FROM kpi.jobs WHERE name = 'often'")"
before=$(standby 'SELECT count(*) FROM ran')
sleep 2
is 'while it is a standby, nobody runs jobs' "$before" "$(standby 'SELECT count(*) FROM ran')"
begin=$EPOCHREALTIME
on_standby server -w promote >/dev/null
promoted=$(date -u -d "@$begin" '+%F %T.%6NZ')
soon 'after its promotion a job has run' t standby "SELECT count(*) > 0 FROM kpi.job_runs WHERE outcome = 'succeeded' AND started_at > '$promoted'"
within 'a job has run, promised within 5 s' 15 "$begin"
is 'a worker is there' running "$(on_standby is_running shop)"
is 'the run that was under way has crashed' 'crashed 57P02' "$(standby "SELECT string_agg(outcome || ' ' || sqlstate, ', ') FROM kpi.job_runs WHERE job = 'often' AND outcome <> 'succeeded' AND started_at < '$promoted'")"
soon 'its job goes on' t standby "SELECT count(*) > 2 FROM ran WHERE server = 'second'"
is 'it was never run twice at once' 0 "$(standby 'SELECT count(*) FROM ran a JOIN ran b ON a.ctid <> b.ctid AND b.begun < a.until AND a.begun < b.until')"
is 'each success stands for one run of the procedure' t "$(standby "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT (SELECT count(*) FROM ran) = count(*) FROM kpi.job_runs WHERE job = 'often' AND outcome = 'succeeded'")"
is 'on either server' 'second true' "$(standby "SELECT max(server) || ' ' || (count(*) FILTER (WHERE server <> 'second') > 0) FROM ran")"

# Streams go on where they were.
number=$(standby 'SELECT kpi.last_change()')
standby "INSERT INTO sale VALUES ('2026-01-01 14:00Z', 1)"
soon 'a change is published there, with the next number' "$((number + 1))|8" standby "SELECT number, value FROM kpi.poll('board') ORDER BY number DESC LIMIT 1"
is 'no number is missing' t "$(standby 'SELECT count(*) = max(number) FROM kpi._change')"
closing
