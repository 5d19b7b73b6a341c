#!/usr/bin/env bash
# Memory over many runs: of the worker, which starts a process for each run of a job on the shortest schedule while it also publishes
# changes, and of a session that runs jobs of every kind by hand. And what the runs leave in tables stays bounded.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster. RUNS is how many jobs the session runs in about half of its time, WORKER_RUNS how many the worker.
# shellcheck source=regress/jobs/cluster.bash
. "$(dirname "$0")/cluster.bash"
RUNS=${RUNS:-2000}
WORKER_RUNS=${WORKER_RUNS:-$((RUNS / 10))}
# A run that keeps no more than a pointer would be over this after some ten thousand; what an allocator does by itself is below it.
ALLOWED_KB=${ALLOWED_KB:-400}

made && started '-c kpi.max_parallel_jobs=4 -c autovacuum_naptime=1s' || exit 1
sql postgres -c 'CREATE DATABASE shop TEMPLATE template0'
sql shop <<'SQL'
CREATE EXTENSION pg_kpi;
CREATE TABLE sale (at timestamptz NOT NULL, shop text, amount float8);
CREATE INDEX ON sale (at);
SELECT kpi.create_source('sale', 'sale', 'at', '{shop}'), kpi.create_kpi('amount', 'sale', 'sum(amount)', target => 10) \g /dev/null
SELECT kpi.start_stream('amount', 'minute'), kpi.start_stream('amount', 'day', '{shop}') \g /dev/null
CREATE TABLE ran (n bigint);
INSERT INTO ran VALUES (0);
CREATE PROCEDURE counts(config jsonb) LANGUAGE plpgsql AS $$ BEGIN UPDATE ran SET n = n + (config ->> 'by')::int; END $$;
CREATE FUNCTION fails() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE 'it fails'; END $$;
SELECT kpi.create_job('refresh', 'refresh', '1 day', '{"source": "sale"}', first_run => '2100-01-01'), kpi.create_job('alerts', 'alerts', '1 day', first_run => '2100-01-01'),
       kpi.create_job('rotate', 'rotate', '1 day', first_run => '2100-01-01'), kpi.create_job('clean', 'clean', '1 day', first_run => '2100-01-01'),
       kpi.create_job('procedure', 'counts', '1 day', '{"by": 1}', first_run => '2100-01-01'), kpi.create_job('fails', 'fails', '1 day', first_run => '2100-01-01') \g /dev/null
-- Memory that is a process's own, kB; what it shares with others is left out.
CREATE FUNCTION memory(pid int) RETURNS int LANGUAGE sql AS $$ SELECT substring(pg_read_file(format('/proc/%s/status', pid)) FROM 'RssAnon:\s+(\d+)')::int $$;
SQL
soon 'a worker' running is_running shop
# grown WHAT BEFORE AFTER RUNS
grown() {
  echo "# $1: $2 kB before, $3 kB after $4 runs"
  is "$1: memory is flat, by $ALLOWED_KB kB" yes "$([ $(($3 - $2)) -le "$ALLOWED_KB" ] && echo yes || echo "no, $(($3 - $2)) kB more")"
}

# A session ------------------------------------------------------------------------------------------------------------------

# rounds N: of ten runs, one of which fails; in each a row is written too, and one run refreshes it.
rounds() {
  local i
  for ((i = 0; i < $1; i++)); do
    echo "INSERT INTO sale VALUES ('2026-01-01 12:00Z', 'a', $i);"
    echo "SELECT kpi.run_job('refresh'), kpi.run_job('alerts'), kpi.run_job('rotate'), kpi.run_job('clean');"
    for _ in 1 2 3 4 5; do echo "SELECT kpi.run_job('procedure');"; done
    echo "SELECT kpi.run_job('fails');"
  done
}
measure="SELECT 'memory', memory(pg_backend_pid());"
# What a run keeps is there in both halves; a cache that was emptied and filled again, as under a heavy load, is a step in one.
half=$((RUNS * 4 / 50))
mapfile -t measured < <({
  rounds $((RUNS / 50))
  echo "$measure"
  rounds $half
  echo "$measure"
  rounds $half
  echo "$measure"
} | psql -XAtq -d shop 2>/dev/null | sed -n 's/^memory|//p')
before=${measured[0]:-0} between=${measured[1]:-999999999} after=${measured[2]:-999999999}
echo "# a session that calls kpi.run_job: $before kB, $between kB, $after kB"
if [ $((between - before)) -lt $((after - between)) ]; then after=$between; else before=$between; fi
grown 'the session, in the half with less' "$before" "$after" $((half * 10))
is 'it has run them' "$((5 * (RUNS / 50 + 2 * half)))" "$(sql shop -c 'SELECT n FROM ran')"

# The worker -------------------------------------------------------------------------------------------------------------------

worker=$(pids 'pg_kpi worker' shop)
sql shop -c "SELECT kpi.create_job('shortest', 'counts', '1 microsecond', '{\"by\": 1}'), kpi.create_job('shortest that fails', 'fails', '1 microsecond', max_retries => 2000000000)" >/dev/null
ran() { sql shop -c 'SELECT n FROM ran'; }
of_worker() { sql shop -c "SELECT memory($worker)"; }
# has_run N: until the job on the shortest schedule has run so often; a write between looks keeps the streams busy.
has_run() {
  local goal=$(($(ran) + $1)) deadline=$((SECONDS + 60 + $1 / 10))
  while [ "$(ran)" -lt "$goal" ] && [ $SECONDS -lt $deadline ]; do
    sql shop -c "INSERT INTO sale VALUES (now(), 'b', 1)"
    sleep 0.1
  done
  is "$1 runs on the shortest schedule" yes "$([ "$(ran)" -ge "$goal" ] && echo yes || echo "no, $((goal - $(ran))) are missing")"
}
has_run $((WORKER_RUNS / 5))
before=$(of_worker)
begin=$SECONDS
has_run $((WORKER_RUNS * 4 / 5))
echo "# $((WORKER_RUNS * 4 / 5)) runs in $((SECONDS - begin)) s"
grown 'the worker' "$before" "$(of_worker)" $((WORKER_RUNS * 4 / 5))
is 'it is the same process' "$worker" "$(pids 'pg_kpi worker' shop)"
is 'each run has done its work once, none has crashed' '0' "$(sql shop -c "SELECT count(*) FROM kpi.job_runs WHERE job = 'shortest' AND outcome NOT IN ('succeeded', 'running')")"

# What is left -----------------------------------------------------------------------------------------------------------------

sql shop -c "SELECT kpi.drop_job('shortest'), kpi.drop_job('shortest that fails')" -c "SELECT kpi.run_job('clean')" >/dev/null
is 'of each job 1000 runs at most are kept' t "$(sql shop -c "SELECT max(n) <= 1001 FROM (SELECT count(*) AS n FROM kpi.job_run GROUP BY job_id) r")"
closing
