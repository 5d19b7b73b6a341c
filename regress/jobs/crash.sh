#!/usr/bin/env bash
# Processes are killed while jobs run: nothing that a job does is lost or done twice, its run says what happened, and it runs again.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster.
# shellcheck source=regress/jobs/cluster.bash
. "$(dirname "$0")/cluster.bash"

made && started '-c kpi.max_parallel_jobs=8' || exit 1
sql postgres -c 'CREATE DATABASE shop TEMPLATE template0'
# Each kind of job is held up in the middle of its transaction by a lock that a test holds: that of a row or table that it needs last.
sql shop <<'SQL'
CREATE EXTENSION pg_kpi;
CREATE TABLE sale (at timestamptz NOT NULL, amount float8);
CREATE INDEX ON sale (at);
CREATE TABLE gate (name text PRIMARY KEY);
INSERT INTO gate VALUES ('gate');
CREATE FUNCTION passed(amount float8) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN IF amount = 13 THEN PERFORM pg_advisory_xact_lock_shared(1); END IF; RETURN amount; END $$;
SELECT kpi.create_source('sale', 'sale', 'at'), kpi.create_kpi('amount', 'sale', 'sum(passed(amount))', target => 1000),
       kpi.create_kpi('count', 'sale', 'count(*)') \g /dev/null
CREATE TABLE counted (at timestamptz DEFAULT clock_timestamp(), n int DEFAULT 1);
INSERT INTO counted (n) VALUES (0);
CREATE PROCEDURE counts() LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO counted (n) SELECT max(n) + 1 FROM counted;
    PERFORM pg_advisory_xact_lock(1); END $$;
CREATE PROCEDURE counts_in_steps() LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO stepped SELECT 'first' WHERE NOT EXISTS (SELECT FROM stepped WHERE step = 'first'); COMMIT;
    INSERT INTO stepped SELECT 'second' WHERE NOT EXISTS (SELECT FROM stepped WHERE step = 'second');
    PERFORM pg_advisory_xact_lock(1); END $$;
CREATE TABLE stepped (step text);
SQL
soon 'a worker' running is_running shop
last_run() { sql shop -c "SELECT $2 FROM kpi.job_runs WHERE job = '$1' ORDER BY id DESC LIMIT 1"; }
runs() { sql shop -c "SELECT string_agg(outcome || coalesce(' ' || sqlstate, ''), ', ' ORDER BY id) FROM kpi.job_runs WHERE job = '$1'"; }
answers() { sql shop -c 'SELECT 1'; }
# holding STATEMENT: a session that has something locked, until released.
holding() {
  sql shop -c "SET application_name = 'holder'" -c "BEGIN" -c "$1" -c 'SELECT pg_sleep(600)' >/dev/null 2>&1 &
  soon 'something is locked' 1 sql shop -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'holder' AND query LIKE '%pg_sleep(600)%' AND wait_event = 'PgSleep'"
}
released() { sql shop -c "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'holder'" >/dev/null; }
job_process() { sql shop -c "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_kpi job' AND query = 'pg_kpi: job $1' AND wait_event_type IN ('Lock', 'Timeout')"; }
is_there() { [ "$(job_process "$1")" ] && echo yes; }

# killed_during KIND LOCK [CONFIG]: a job of the kind is killed while it waits for a lock in the middle of its work; the whole server
# restarts then. Its run must say so, and what it does be done once: the job is tried again five seconds later.
killed_during() {
  local kind=$1 lock=$2 config=${3:-'{}'} name=killed_${1}
  holding "$lock"
  sql shop -c "SELECT kpi.create_job('$name', '$kind', '1 day', '$config', first_run => clock_timestamp() - interval '1 s')" >/dev/null
  soon "$kind: its process is in the middle of its work" yes is_there "$name"
  # The holder dies with the server.
  killed "$(job_process "$name")"
  until_says 1 answers
  soon "$kind: after a kill its run says so" 'crashed 57P02' sql shop -c "SELECT outcome || ' ' || sqlstate FROM kpi.job_runs WHERE job = '$name' ORDER BY id LIMIT 1"
}

# refresh: the rows that had been noted are refreshed by the next run.
sql shop -c "INSERT INTO sale VALUES ('2026-01-01 12:00Z', 1)" -c "SELECT FROM kpi.refresh('sale')" -c "INSERT INTO sale VALUES ('2026-01-01 12:00Z', 13), ('2026-01-02 12:00Z', 5)"
killed_during refresh 'SELECT pg_advisory_xact_lock(1)' '{"source": "sale"}'
# What needs no waiting for the second run is the same whether or not it has been.
is 'refresh: values are right before the job has run again' '14 5' "$(sql shop -c "SELECT string_agg(value::text, ' ' ORDER BY ts) FROM kpi.value('amount', 'day')")"

# alerts: one alert, although two runs came to raise it.
sql shop -c "INSERT INTO sale SELECT date_trunc('day', now(), 'UTC') - interval '12 h', 1"
killed_during alerts "INSERT INTO kpi.alert (kind, subject, status, message) VALUES ('kpi', 'amount', 'bad', 'in the way')" '{"codes": ["amount"]}'

# rotate: it is held up after it has emptied a segment and before it writes on there. The worker, which rotates by itself, leaves
# these segments to the job. Two rotations before that fill all three.
rotated="UPDATE kpi.change_head SET opened_at = '2026-01-01'; SELECT kpi.run_job('rotate')"
sql shop -c "SELECT kpi.start_stream('count', 'day')" -c "SELECT kpi.create_job('rotate', 'rotate', '1 day', first_run => '2100-01-01')" >/dev/null
for day in 3 4 5; do
  sql shop -c "INSERT INTO sale VALUES ('2026-01-0$day 12:00Z', 1)"
  soon "a change of day $day" $((day - 2)) sql shop -c 'SELECT kpi.last_change()'
  [ "$day" = 5 ] || sql shop -c "BEGIN; $rotated; COMMIT" >/dev/null
done
sql shop <<'SQL'
CREATE FUNCTION held_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF (SELECT backend_type FROM pg_stat_activity WHERE pid = pg_backend_pid()) <> 'pg_kpi job' THEN RAISE lock_not_available; END IF;
    WHILE NOT pg_try_advisory_xact_lock_shared(1) LOOP PERFORM pg_sleep(1); END LOOP;
    RETURN NULL; END $$;
CREATE TRIGGER held_up AFTER TRUNCATE ON kpi.change_log_0 EXECUTE FUNCTION held_up();
CREATE TRIGGER held_up AFTER TRUNCATE ON kpi.change_log_1 EXECUTE FUNCTION held_up();
CREATE TRIGGER held_up AFTER TRUNCATE ON kpi.change_log_2 EXECUTE FUNCTION held_up();
UPDATE kpi.change_head SET opened_at = '2026-01-01';
SQL
segments() { sql shop -c 'SELECT (SELECT string_agg(number::text, $$ $$) FROM kpi.change_log_0), (SELECT string_agg(number::text, $$ $$) FROM kpi.change_log_1), (SELECT string_agg(number::text, $$ $$) FROM kpi.change_log_2)'; }
is 'rotate: all segments are in use' '1|2|3' "$(segments)"
killed_during rotate 'SELECT pg_advisory_xact_lock(1)'
is 'rotate: the numbers go on where they were' 3 "$(sql shop -c 'SELECT kpi.last_change()')"

# clean
sql shop -c "INSERT INTO kpi.job_run (job_id, due, finished_at, outcome) SELECT 0, now(), now(), 'succeeded' FROM generate_series(1, 5)"
killed_during clean 'LOCK TABLE kpi.alert'

# A procedure, and one that commits by itself.
before=$(sql shop -c 'SELECT max(n) FROM counted')
killed_during counts 'SELECT pg_advisory_xact_lock(1)'
killed_during counts_in_steps 'SELECT pg_advisory_xact_lock(1)'
is 'what a procedure had committed before it was killed stays' first "$(sql shop -c 'SELECT step FROM stepped')"

# All of them have been tried again by now, or are. Every kill takes the whole server down, so one that was tried again while the next
# was killed has crashed twice.
runs_in_the_end() { runs "$1" | sed -E 's/^(crashed 57P02, )+/crashed 57P02, /'; }
for kind in refresh alerts rotate clean counts counts_in_steps; do
  soon "$kind: it has run again" 'crashed 57P02, succeeded' runs_in_the_end "killed_$kind"
done
is 'refresh: nothing waits' 0 "$(sql shop -c 'SELECT count(*) FROM kpi.touched')"
is 'refresh: values are those of the rows' t "$(sql shop -c "SELECT (SELECT sum(value) FROM kpi.value('amount', 'day')) = (SELECT sum(amount) FROM sale)")"
is 'rotate: one segment has been emptied' '|2|3' "$(segments)"
sql shop -c "INSERT INTO sale VALUES ('2026-01-06 12:00Z', 1)"
soon 'rotate: and the log goes on there' '4|2|3' segments
is 'alerts: there is one' 'bad 1' "$(sql shop -c "SELECT status || ' ' || count(*) OVER () FROM kpi.alerts WHERE kind = 'kpi' AND subject = 'amount'")"
is 'clean: runs of jobs that are no more are removed' 0 "$(sql shop -c 'SELECT count(*) FROM kpi.job_run WHERE job_id = 0')"
is 'a procedure has counted once' $((before + 1)) "$(sql shop -c 'SELECT max(n) FROM counted')"
is 'one that commits has done each of its steps' 'first second' "$(sql shop -c "SELECT string_agg(step, ' ' ORDER BY step) FROM stepped")"
is 'all jobs are as before' 'waiting 0' "$(sql shop -c "SELECT DISTINCT state || ' ' || failures FROM kpi.jobs")"

# The worker and the launcher -----------------------------------------------------------------------------------------------------

launcher() { pids 'pg_kpi launcher'; }
for kind in worker launcher; do
  sql shop -c "SELECT kpi.create_job('goes on after $kind', 'counts', '1 day', first_run => '2100-01-01')" >/dev/null
  first=$(pids "pg_kpi $kind" | head -1)
  another() { sql shop -c "SELECT count(*) > 0 AND bool_and(pid <> $first) AND kpi.worker_status() = 'running' FROM pg_stat_activity WHERE backend_type = 'pg_kpi $kind'"; }
  begin=$EPOCHREALTIME
  killed "$first"
  soon "kill -9 of the $kind: another one, and a worker of this database" t another
  within "kill -9 of the $kind: a worker again" 30 "$begin"
  is "kill -9 of the $kind: one launcher" 1 "$(launcher | wc -l)"
  sql shop -c "SELECT kpi.alter_job('goes on after $kind', next_run => now())" >/dev/null
  soon "kill -9 of the $kind: jobs run" succeeded last_run "goes on after $kind" outcome
done

# pg_terminate_backend ends the worker, but not the server.
first=$(pids 'pg_kpi worker' shop)
begin=$EPOCHREALTIME
sql postgres -c "SELECT pg_terminate_backend($first)" >/dev/null
soon 'pg_terminate_backend: the worker is gone' 0 sql postgres -c "SELECT count(*) FROM pg_stat_activity WHERE pid = $first"
within 'pg_terminate_backend: the worker is gone, promised within 1 s' 3 "$begin"
soon 'pg_terminate_backend: a worker is there again' running is_running shop
first=$(launcher)
sql postgres -c "SELECT pg_terminate_backend($first)" >/dev/null
soon 'pg_terminate_backend of the launcher: another one' 1 sql postgres -c "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_kpi launcher' AND pid <> $first"
# It is what starts the workers of new databases.
sql postgres -c 'CREATE DATABASE another TEMPLATE template0' && sql another -c 'CREATE EXTENSION pg_kpi'
soon 'it starts workers' running is_running another

# A job that is terminated or cancelled by hand has failed and is tried again.
sql shop -c "CREATE PROCEDURE sleeps() LANGUAGE sql AS 'SELECT pg_sleep(600)'" -c "SELECT kpi.create_job('ended', 'sleeps', '1 day'), kpi.create_job('cancelled', 'sleeps', '1 day')" >/dev/null
asleep() { sql shop -c "SELECT count(*) FROM pg_stat_activity WHERE query = 'pg_kpi: job $1' AND wait_event = 'PgSleep'"; }
for job in ended cancelled; do soon "$job: a job sleeps" 1 asleep $job; done
sql shop -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'pg_kpi: job ended'" >/dev/null
soon 'pg_terminate_backend of a job: its run has crashed' 'crashed 57P02' last_run ended "outcome || ' ' || sqlstate"
sql shop -c "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query = 'pg_kpi: job cancelled'" >/dev/null
soon 'pg_cancel_backend of a job: its run has failed' 57014 last_run cancelled sqlstate
is 'both are tried again' 'retrying retrying' "$(sql shop -c "SELECT string_agg(state, ' ') FROM kpi.jobs WHERE name IN ('ended', 'cancelled')")"
for job in ended cancelled; do soon "$job: a job sleeps again" 1 asleep $job; done

# A slow disk --------------------------------------------------------------------------------------------------------------------------

# The process of a run is up before the worker's commit has written that there is a run: it has to wait for it. Every commit takes a
# tenth of a second here.
sql postgres -c 'ALTER SYSTEM SET fsync = on' -c 'ALTER SYSTEM SET commit_siblings = 0' -c "ALTER SYSTEM SET commit_delay = '100000'" -c 'SELECT pg_reload_conf()' >/dev/null
soon 'commits are slow' 100000 sql shop -c 'SHOW commit_delay'
sql shop -c "SELECT kpi.create_job('slow disk ' || i, 'clean', '1 s') FROM generate_series(1, 3) i" >/dev/null
soon 'slow commits: jobs run' t sql shop -c "SELECT count(*) >= 9 FROM kpi.job_runs WHERE job LIKE 'slow disk%' AND outcome = 'succeeded'"
is 'slow commits: no run has crashed' 0 "$(sql shop -c "SELECT count(*) FROM kpi.job_runs WHERE job LIKE 'slow disk%' AND outcome NOT IN ('succeeded', 'running')")"
sql shop -c "SELECT kpi.drop_job(name) FROM kpi.jobs WHERE name LIKE 'slow disk%'" >/dev/null
sql postgres -c 'ALTER SYSTEM RESET ALL' -c 'SELECT pg_reload_conf()' >/dev/null
soon 'and fast again' 0 sql shop -c 'SHOW commit_delay'

# Shutdown ---------------------------------------------------------------------------------------------------------------------------

begin=$EPOCHREALTIME
stopped fast
within 'pg_ctl stop -m fast while jobs sleep' 6 "$begin"
started
soon 'after it a worker' running is_running shop
soon 'the runs that it ended say so' 'crashed crashed' sql shop -c "SELECT string_agg(outcome, ' ') FROM (SELECT DISTINCT ON (job) outcome FROM kpi.job_runs WHERE job IN ('ended', 'cancelled') AND started_at < pg_postmaster_start_time() ORDER BY job, id DESC) r"
closing
