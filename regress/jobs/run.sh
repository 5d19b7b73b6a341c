#!/usr/bin/env bash
# Jobs in the background: when they run, what becomes of those that fail, take too long or commit by themselves, whose rights they
# have, and what is missed while the server is down.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster.
# shellcheck source=regress/jobs/cluster.bash
. "$(dirname "$0")/cluster.bash"

made && started '-c kpi.max_parallel_jobs=12' || exit 1
sql postgres -c 'CREATE DATABASE shop TEMPLATE template0'
sql shop <<'SQL'
CREATE EXTENSION pg_kpi;
CREATE TABLE ran (job text, at timestamptz DEFAULT clock_timestamp(), until timestamptz, transaction bigint DEFAULT txid_current(), who text DEFAULT current_user,
    session text DEFAULT session_user, saw bigint);
CREATE TABLE secret (what text);
INSERT INTO secret VALUES ('of the superuser');
CREATE TABLE switch (on_ bool);
INSERT INTO switch VALUES (false);
CREATE PROCEDURE note(config jsonb) LANGUAGE sql AS $$ INSERT INTO ran (job) VALUES (config ->> 'job') $$;
CREATE PROCEDURE broken() LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO ran (job) VALUES ('broken');
    IF NOT (SELECT on_ FROM switch) THEN RAISE 'the switch is off' USING ERRCODE = 'check_violation', DETAIL = 'It is false.', HINT = 'Turn it on.'; END IF; END $$;
CREATE PROCEDURE nap(config jsonb) LANGUAGE plpgsql AS $$ DECLARE begun timestamptz := clock_timestamp(); BEGIN
    PERFORM pg_sleep((config ->> 'seconds')::float8);
    INSERT INTO ran (job, at, until) VALUES (config ->> 'job', begun, clock_timestamp()); END $$;
CREATE PROCEDURE endless() LANGUAGE plpgsql AS $$ BEGIN LOOP COMMIT; END LOOP; END $$;
CREATE PROCEDURE in_steps(config jsonb) LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO ran (job) VALUES ('steps'); COMMIT;
    INSERT INTO ran (job) VALUES ('steps taken back'); ROLLBACK;
    INSERT INTO ran (job) VALUES ('steps');
    IF config ? 'fail' THEN COMMIT; RAISE division_by_zero; END IF; END $$;
CREATE PROCEDURE short_lived() LANGUAGE sql AS 'SELECT 1';
SQL
soon 'a worker' running is_running shop
of_job() { sql shop -c "SELECT $2 FROM kpi.jobs WHERE name = '$1'"; }
of_runs() { sql shop -c "SELECT $2 FROM kpi.job_runs WHERE job = '$1'"; }
last_run() { sql shop -c "SELECT $2 FROM kpi.job_runs WHERE job = '$1' ORDER BY id DESC LIMIT 1"; }

# Who listens, from the beginning on.
(
  echo 'LISTEN "kpi.alerts"; LISTEN "kpi.jobs";'
  while [ ! -e "$work/heard" ]; do
    echo 'SELECT;'
    sleep 0.2
  done
) | psql -XqAt -d shop >"$work/notices" 2>&1 &

# What takes long begins here and is looked at in the end.
begin=$EPOCHREALTIME
sql shop <<'SQL' >/dev/null
SELECT kpi.create_job('often', 'note', '1 s', '{"job": "often"}', catch_up => 'all', first_run => date_trunc('second', clock_timestamp())),
       kpi.create_job('cron', 'note', '* * * * *', '{"job": "cron"}'),
       kpi.create_job('broken', 'broken', '1 day', max_retries => 2, first_run => date_trunc('day', clock_timestamp())),
       kpi.create_job('slow', 'nap', '1 s', '{"job": "slow", "seconds": 2.5}'),
       kpi.create_job('idle', 'note', '1 day', '{"job": "idle"}', first_run => '2100-01-01');
SQL
soon 'a job runs' t of_runs often 'count(*) > 0'
within 'a new job begins' 2 "$begin"

# Many look at kpi.jobs for a while, which tries the locks of running jobs.
for _ in 1 2 3 4; do
  sql shop -c "DO \$\$ DECLARE until timestamptz := clock_timestamp() + interval '15 s'; BEGIN
    WHILE clock_timestamp() < until LOOP PERFORM count(*) FROM kpi.jobs; PERFORM pg_sleep(0.005); COMMIT; END LOOP; END \$\$" &
done
for _ in {1..10}; do sql shop -c "SELECT kpi.run_job('idle')" >>"$work/idle" 2>&1; done
is 'while many look at kpi.jobs, run_job can run what does not run' '10 of 0' "$(sort "$work/idle" | uniq -c | awk '{print $1 " of " $2}')"

# The first failure ---------------------------------------------------------------------------------------------------------------

soon 'a job that raises an error: its run has failed' 'failed 23514' last_run broken "outcome || ' ' || sqlstate"
is 'with message, detail and hint' 'the switch is off DETAIL: It is false. HINT: Turn it on.' "$(last_run broken "regexp_replace(message, '\s+', ' ', 'g')")"
is 'kpi.jobs says so' 'retrying|1|23514: the switch is off' "$(of_job broken "state, failures, split_part(last_error, E'\n', 1)")"
# of_pause: the pause after the last failure, in parts of that which is meant.
of_pause() {
  sql shop -c "SELECT extract(epoch FROM j.next_run - r.finished_at) / $1 BETWEEN 0.75 AND 1.26 FROM kpi.jobs j, kpi.job_runs r
    WHERE j.name = 'broken' AND r.job = j.name ORDER BY r.id DESC LIMIT 1"
}
is 'it is tried again after about 5 s' t "$(of_pause 5)"
sql shop -c "CREATE PROCEDURE own_code() LANGUAGE plpgsql AS 'BEGIN RAISE ''mine'' USING ERRCODE = ''KP001''; END'" \
  -c "SELECT kpi.create_job('own code', 'own_code', '1 day', max_retries => 0)" >/dev/null
soon 'the run of a procedure with an error code of its own has failed' failed last_run 'own code' outcome
is 'a SQLSTATE of its own is kept' KP001 "$(last_run 'own code' sqlstate)"
is 'nothing that it did is left' 0 "$(sql shop -c "SELECT count(*) FROM ran WHERE job = 'broken'")"

# Never twice at once -----------------------------------------------------------------------------------------------------------------

soon 'a job that takes longer than its interval runs' running of_job slow state
fails 'nobody can run it meanwhile' '55006: job "slow" is running' shop -c "SELECT kpi.run_job('slow')"

# Time-out ------------------------------------------------------------------------------------------------------------------------------

sql shop <<'SQL' >/dev/null
SELECT kpi.create_job('stuck', 'nap', '1 day', '{"seconds": 600}', timeout => '1 s', max_retries => 0),
       kpi.create_job('endless', 'endless', '1 day', timeout => '1 s', max_retries => 0);
SQL
for job in stuck endless; do
  soon "$job: a job is cancelled at its time-out" 'cancelled 57014' last_run $job "outcome || ' ' || sqlstate"
  is "$job: and not before" t "$(last_run $job "finished_at - started_at >= interval '1 s'")"
  is "$job: nor long after" t "$(last_run $job "finished_at - started_at < interval '4 s'")"
  like "$job: it says what to do" 'time-out is 1000 ms.*kpi.alter_job\(name, timeout => ' "$(of_job $job last_error)"
  is "$job: without retries it is given up" 'failed|' "$(of_job $job 'state, next_run')"
done

# Transactions of its own -----------------------------------------------------------------------------------------------------------------

sql shop -c "SELECT kpi.create_job('steps', 'in_steps', '1 day')" >/dev/null
soon 'a procedure that commits succeeds' succeeded last_run steps outcome
is 'what it committed is there, what it took back is not' 'steps|2|2' "$(sql shop -c "SELECT job, count(*), count(DISTINCT transaction) FROM ran WHERE job LIKE 'steps%' GROUP BY 1")"
is 'it runs next a day later' t "$(of_job steps "next_run > now() + interval '23 hours'")"
sql shop -c "SELECT kpi.create_job('missteps', 'in_steps', '1 day', '{\"fail\": 1}', max_retries => 0)" >/dev/null
soon 'one that commits and then fails has failed' 'failed 22012' last_run missteps "outcome || ' ' || sqlstate"
is 'what it had committed stays' 4 "$(sql shop -c "SELECT count(*) FROM ran WHERE job = 'steps'")"
fails 'within a transaction of the caller it cannot commit' '2D000: invalid transaction termination' shop -c "SELECT kpi.run_job('steps')"

# The owner's rights ---------------------------------------------------------------------------------------------------------------------------

sql shop <<'SQL' >/dev/null
CREATE ROLE clerk LOGIN;
CREATE ROLE member LOGIN IN ROLE clerk;
GRANT INSERT, SELECT ON ran TO clerk;
GRANT CREATE ON SCHEMA public TO clerk;
CREATE TABLE account (owner text, amount int);
INSERT INTO account VALUES ('clerk', 1), ('clerk', 2), ('other', 4);
ALTER TABLE account ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON account USING (owner = current_user);
GRANT SELECT ON account TO clerk;
SET ROLE clerk;
CREATE PROCEDURE as_whom() LANGUAGE sql AS $$ INSERT INTO ran (job, saw) SELECT 'as whom', sum(amount) FROM account $$;
CREATE PROCEDURE tries(config jsonb) LANGUAGE plpgsql AS $$ BEGIN
    BEGIN
        EXECUTE config ->> 'first';
    EXCEPTION WHEN insufficient_privilege THEN
        NULL;
    END;
    INSERT INTO ran (job, saw) VALUES ('tries', (SELECT count(*) FROM secret)); END $$;
SELECT kpi.create_job('as whom', 'as_whom', '1 day');
SELECT kpi.create_job('tries to authorize', 'tries', '1 day', '{"first": "SET SESSION AUTHORIZATION postgres"}', max_retries => 0);
SELECT kpi.create_job('tries to set role', 'tries', '1 day', '{"first": "SET ROLE postgres"}', max_retries => 0);
SELECT kpi.create_job('tries to reset role', 'tries', '1 day', '{"first": "RESET ROLE"}', max_retries => 0);
SELECT kpi.create_job('tries to reset authorization', 'tries', '1 day', '{"first": "RESET SESSION AUTHORIZATION"}', max_retries => 0);
SELECT kpi.create_job('tries to set local', 'tries', '1 day', '{"first": "SELECT set_config(''role'', ''postgres'', false), set_config(''session_authorization'', ''postgres'', false)"}', max_retries => 0);
SQL
soon 'a job of another role runs' succeeded last_run 'as whom' outcome
is 'as that role, also by session, and under its row security' 'clerk|clerk|3' "$(sql shop -c "SELECT who, session, saw FROM ran WHERE job = 'as whom'")"
for try in 'authorize' 'set role' 'reset role' 'reset authorization' 'set local'; do
  soon "it tries to $try: in the background it has the same rights" 'failed 42501' last_run "tries to $try" "outcome || ' ' || sqlstate"
  fails "it tries to $try: nor in the session of a superuser" '42501: .*(permission denied for table secret|security-restricted operation)' shop -c "SELECT kpi.run_job('tries to $try')"
done
is 'none got through' 0 "$(sql shop -c "SELECT count(*) FROM ran WHERE job = 'tries'")"
is 'a superuser runs it with the rights of its owner' 'clerk|3' "$(sql shop -c "SELECT kpi.run_job('as whom')" -c "SELECT who, saw FROM ran WHERE job = 'as whom' ORDER BY at DESC LIMIT 1" | tail -1)"
is 'a member of the role too' 'clerk|3' "$(PGUSER=member sql shop -c "SELECT kpi.run_job('as whom')" -c "SELECT who, saw FROM ran WHERE job = 'as whom' ORDER BY at DESC LIMIT 1" | tail -1)"
fails 'who has nothing to do with the role cannot' '42501: must be owner of job "often"' shop -c 'SET ROLE clerk' -c "SELECT kpi.run_job('often')"

# What a job leaves behind to be done later must not be done as whoever ran it: deferred triggers, and those that put off others
# while they run; cursors that are computed at the commit; settings.
sql shop <<'SQL' >/dev/null
CREATE TABLE left_behind (how text, who text);
GRANT INSERT ON left_behind TO clerk;
SET ROLE clerk;
CREATE TABLE put_off (how text);
CREATE TABLE put_off_twice (how text);
CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO left_behind VALUES (NEW.how, current_user);
    IF NEW.how = 'twice' THEN
        SET CONSTRAINTS ALL DEFERRED;
        INSERT INTO put_off_twice VALUES ('again');
    END IF;
    RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON put_off DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION later();
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON put_off_twice DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION later();
CREATE FUNCTION peek() RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO left_behind VALUES ('cursor', current_user); RETURN current_user; END $$;
CREATE PROCEDURE puts_off(config jsonb) LANGUAGE plpgsql AS $$ BEGIN INSERT INTO put_off VALUES (config ->> 'how'); END $$;
CREATE PROCEDURE holds() LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DECLARE later CURSOR WITH HOLD FOR SELECT peek()'; END $$;
CREATE PROCEDURE sets() LANGUAGE plpgsql AS $$ BEGIN SET search_path = of_clerk; SET TimeZone = 'Asia/Tokyo'; END $$;
SELECT kpi.create_job('once', 'puts_off', '1 day', '{"how": "once"}', max_retries => 0), kpi.create_job('twice', 'puts_off', '1 day', '{"how": "twice"}', max_retries => 0),
       kpi.create_job('holds', 'holds', '1 day', max_retries => 0), kpi.create_job('sets', 'sets', '1 day', max_retries => 0);
SQL
for job in once twice holds sets; do
  soon "$job: the job has run in the background" t of_job "$job" "last_outcome IN ('succeeded', 'failed')"
  echo "# $job: $(last_run "$job" "outcome || coalesce(': ' || sqlstate || ': ' || message, '')")"
  echo "# $job, run by a superuser: $(sql shop -c "SELECT kpi.run_job('$job')" 2>&1 | head -1)"
done
is 'what a job puts off is done as its owner, or not at all' '' "$(sql shop -c "SELECT DISTINCT how, who FROM left_behind WHERE who <> 'clerk'")"
is 'in the background it is done' 'once clerk' "$(sql shop -c "SELECT how || ' ' || who FROM left_behind WHERE how = 'once' LIMIT 1")"
is 'a superuser keeps its own settings' '"$user", public UTC' "$(sql shop -c "SELECT FROM kpi.run_job('sets')" -c "SELECT current_setting('search_path') || ' ' || current_setting('TimeZone')" | tail -1)"

# An owner that may not log in -----------------------------------------------------------------------------------------------------------------

sql shop -c 'CREATE ROLE keeper NOLOGIN' -c 'GRANT INSERT ON ran TO keeper' -c "SELECT kpi.create_job('kept', 'note', '1 day', '{\"job\": \"kept\"}', owner => 'keeper')" >/dev/null
soon 'an owner that may not log in: the job has run' t of_runs kept 'count(*) > 0 AND bool_and(outcome <> $$running$$)'
if [ "$(sql shop -c 'SHOW server_version_num')" -lt 170000 ]; then
  is 'before PostgreSQL 17 it says what to do' 'failed|28000|t' "$(last_run kept "outcome, sqlstate, message ~ 'owner keeper is not permitted to log in.*ALTER ROLE keeper LOGIN'")"
  is 'run_job runs it nonetheless' keeper "$(sql shop -c "SELECT kpi.run_job('kept')" -c "SELECT who FROM ran WHERE job = 'kept'" | tail -1)"
else
  is 'from PostgreSQL 17 on it runs' 'succeeded keeper' "$(last_run kept outcome) $(sql shop -c "SELECT who FROM ran WHERE job = 'kept'")"
fi

# What a job needs is dropped ------------------------------------------------------------------------------------------------------------------

sql shop <<'SQL' >/dev/null
CREATE TABLE sale (at timestamptz, amount float8);
CREATE INDEX ON sale (at);
CREATE FUNCTION slowly(amount float8) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(3); RETURN amount; END $$;
SELECT kpi.create_source('sale', 'sale', 'at'), kpi.create_kpi('amount', 'sale', 'sum(slowly(amount))');
INSERT INTO sale VALUES ('2026-01-01', 1);
SELECT kpi.create_job('refresh', 'refresh', '1 s', '{"source": "sale"}'), kpi.create_job('short', 'short_lived', '1 s');
SQL
soon 'a refresh runs' running of_job refresh state
sql shop -c 'DROP TABLE sale CASCADE' 2>/dev/null
soon 'its table is dropped while it runs: from then on it fails' 'failed 42704' last_run refresh "outcome || ' ' || sqlstate"
soon 'a procedure runs' t of_runs short "count(*) FILTER (WHERE outcome = 'succeeded') > 0"
sql shop -c 'DROP PROCEDURE short_lived'
soon 'it is dropped: its job fails' 'failed 42883' last_run short "outcome || ' ' || sqlstate"
like 'and says what is missing' 'the procedure of job "short" does not exist.*It was public.short_lived\(\).*kpi.drop_job' "$(of_job short last_error)"
sql shop -c "SELECT kpi.drop_job('refresh'), kpi.drop_job('short')" >/dev/null
is 'the worker has survived it all' running "$(is_running shop)"

# A job is paused, and dropped while it runs.
sql shop -c "SELECT kpi.pause_job('slow')" >/dev/null
soon 'a job that is paused ends its run' paused of_job slow "CASE WHEN last_outcome <> 'running' THEN state END"
paused=$(of_runs slow 'count(*)')
sql shop -c "SELECT kpi.create_job('short', 'nap', '1 day', '{\"job\": \"dropped\", \"seconds\": 2}')" >/dev/null
soon 'a job runs' running of_job short state
sql shop -c "SELECT kpi.drop_job('short')" >/dev/null

# A job is changed and dropped in one transaction while its run ends: the run waits for the job before it touches what the drop deletes.
sql shop -c "SELECT kpi.create_job('ends', 'nap', '1 day', '{\"job\": \"ends\", \"seconds\": 1}', first_run => now())" >/dev/null
soon 'a run that ends while its job is dropped' running of_job ends state
is 'neither waits for the other for ever' '' "$(psql -XqAt -v ON_ERROR_STOP=1 -d shop 2>&1 >/dev/null <<'SQL'
BEGIN;
SELECT kpi.pause_job('ends');
DO $$
BEGIN
  FOR attempt IN 1 .. 1200 LOOP
    PERFORM pg_stat_clear_snapshot();
    EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_kpi job' AND pg_backend_pid() = ANY (pg_blocking_pids(pid)));
    PERFORM pg_sleep(0.05);
  END LOOP;
  IF NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_kpi job' AND pg_backend_pid() = ANY (pg_blocking_pids(pid))) THEN
    RAISE 'the run did not wait for the job';
  END IF;
END $$;
SELECT kpi.drop_job('ends');
COMMIT;
SQL
)"
soon 'the run has ended too' '' pids 'pg_kpi job' shop
is 'nor is one of them sent away for it' 0 "$(as_server grep -c 'deadlock detected' "$data/log")"
is 'and has left nothing behind' 0 "$(sql shop -c "SELECT count(*) FROM kpi.job_run WHERE job_id NOT IN (SELECT id FROM kpi.job)")"
soon 'it is dropped meanwhile: its run goes on to its end' 1 sql shop -c "SELECT count(*) FROM ran WHERE job = 'dropped'"
is 'a paused job has not run' "$paused" "$(of_runs slow 'count(*)')"
is 'no two runs of a job were at the same time' 0 "$(sql shop -c "SELECT count(*) FROM ran a JOIN ran b ON a.job = b.job AND b.at > a.at AND b.at < a.until WHERE a.job = 'slow'")"
is 'of those that it has had' t "$(sql shop -c "SELECT count(*) > 1 FROM ran WHERE job = 'slow'")"

# Given up -------------------------------------------------------------------------------------------------------------------------------------

soon 'the job that failed has failed again' t of_runs broken 'count(*) >= 2'
soon 'it is tried again after about 10 s, and then given up' failed of_job broken state
is 'after the first run and two more' 3 "$(of_runs broken "count(*) FILTER (WHERE outcome = 'failed')")"
# each: the pauses that there were, from the end of one to the beginning of the next; a process starts in between.
is 'the pauses were as long as they were to be' t "$(sql shop -c "SELECT bool_and(pause >= 0.75 * 5 * 2 ^ (n - 2) AND pause <= 1.25 * 5 * 2 ^ (n - 2) + 3) FROM (
  SELECT row_number() OVER w AS n, extract(epoch FROM started_at - lag(finished_at) OVER w) AS pause FROM kpi.job_runs WHERE job = 'broken' WINDOW w AS (ORDER BY id)) p WHERE n > 1")"
is 'there is an open alert' 'job|failed|job "broken" has failed 3 times and is not tried again: 23514: the switch is off' \
  "$(sql shop -c "SELECT kind, status, message FROM kpi.alerts WHERE subject = 'broken' AND cleared_at IS NULL")"
notified() { grep -c "\"$1\" with payload \"$2\"" "$work/notices"; }
soon 'a listener has heard of it' 1 notified kpi.alerts '{"kind": "job", "status": "failed", "subject": "broken"}'
is 'and of each run' 3 "$(notified kpi.jobs '{"job": "broken", "run": [0-9]*, "outcome": "failed", "sqlstate": "23514"}' | sed 's/^0$/none/')"
sql shop -c 'UPDATE switch SET on_ = true' -c "SELECT kpi.alter_job('broken', next_run => now())" >/dev/null
soon 'alter_job brings it back' succeeded last_run broken outcome
is 'as if nothing had been' 'waiting|0|t' "$(of_job broken "state, failures, next_run > now()")"
is 'and the alert is over' 0 "$(sql shop -c "SELECT count(*) FROM kpi.alerts WHERE subject = 'broken' AND cleared_at IS NULL")"
soon 'which the listener hears too' 1 notified kpi.alerts '{"kind": "job", "status": "cleared", "subject": "broken"}'

# On time -----------------------------------------------------------------------------------------------------------------------------------------

is 'an interval runs at each of its times, whoever looked meanwhile' t "$(sql shop -c "SELECT count(*) > 10 AND bool_and(due - before = interval '1 s') FROM (
  SELECT due, lag(due) OVER (ORDER BY id) AS before FROM kpi.job_runs WHERE job = 'often') r WHERE before IS NOT NULL")"
is 'each run has done its work once' t "$(sql shop -c "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT (SELECT count(*) FROM ran WHERE job = 'often') = count(*) FILTER (WHERE outcome = 'succeeded') AND count(*) FILTER (WHERE outcome NOT IN ('succeeded', 'running')) = 0
  FROM kpi.job_runs WHERE job = 'often'")"
echo "# $(sql shop -c "SELECT count(*) || ' runs of that: ' || string_agg(DISTINCT outcome || coalesce(' ' || sqlstate || ' ' || message, ''), '; ') FROM kpi.job_runs WHERE job = 'often'")"
soon 'a cron expression has come' t of_runs cron "count(*) > 0"
is 'at its minute, and not long after' t "$(of_runs cron "bool_and(due = date_trunc('minute', due) AND started_at >= due AND started_at < due + interval '5 s')")"

# What is missed ------------------------------------------------------------------------------------------------------------------------------------

touch "$work/heard"
sql shop -c "SELECT kpi.pause_job('often'), kpi.pause_job('cron')" >/dev/null
sql postgres -c 'ALTER SYSTEM SET kpi.worker = off' -c 'SELECT pg_reload_conf()' >/dev/null
soon 'no worker' '' pids 'pg_kpi worker' shop
# As after five and a half minutes without a server.
for catch_up in once all none; do
  sql shop -c "SELECT kpi.create_job('missed $catch_up', 'note', '1 minute', '{\"job\": \"missed $catch_up\"}', catch_up => '$catch_up', first_run => date_trunc('second', clock_timestamp()) - interval '5 minutes 10 s')" >/dev/null 2>&1
done
wait
stopped fast
started '-c kpi.worker=on -c kpi.max_parallel_jobs=12'
soon 'a worker after the downtime' running is_running shop
soon 'what was missed is taken all' t of_runs 'missed all' "count(*) FILTER (WHERE outcome = 'succeeded') >= 6"
soon 'or once' t of_runs 'missed once' "count(*) FILTER (WHERE outcome = 'succeeded') >= 1"
runs() { sql shop -c "SELECT count(*) FILTER (WHERE due < pg_postmaster_start_time()) FROM kpi.job_runs WHERE job = 'missed $1'"; }
is 'all: six times were missed' '6 00:01:00' "$(sql shop -c "SELECT count(*) || ' ' || max(due - before) FROM (SELECT due, lag(due) OVER (ORDER BY id) AS before FROM kpi.job_runs WHERE job = 'missed all' AND due < pg_postmaster_start_time()) r")"
is 'once: one run for them' 1 "$(runs once)"
is 'none: no run for them' 0 "$(runs none)"
is 'all of them go on at their next time' 'f f f' "$(sql shop -c "SELECT string_agg((next_run < now() OR next_run > now() + interval '1 minute')::text, ' ') FROM kpi.jobs WHERE name LIKE 'missed%'" | sed 's/false/f/g;s/true/t/g')"
closing
