#!/usr/bin/env bash
# The launcher and its workers: there is one per database that has the extension, from CREATE EXTENSION to DROP EXTENSION; they keep
# nobody from dropping, copying or renaming a database; they are back after a restart, a reload and whatever killed them; and where
# there is none, whoever needs one is told why and what to do.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster.
# shellcheck source=regress/jobs/cluster.bash
. "$(dirname "$0")/cluster.bash"

made && started || exit 1
sql postgres -c 'CREATE DATABASE shop TEMPLATE template0'

# A job that takes a minute, unless it is ended.
slow_job() {
  sql "$1" -c "CREATE OR REPLACE PROCEDURE nap() LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); END'" \
    -c "SELECT 'made' FROM kpi.create_job('nap', 'nap()', '1 hour')"
}
jobs_running() { pids 'pg_kpi job' "$1" | wc -l; }
databases() { sql postgres -c "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"; }
worker_of() { pids 'pg_kpi worker' "$1"; }

# CREATE EXTENSION, DROP EXTENSION ----------------------------------------------------------------------------------------

soon 'there is one launcher' 1 sql postgres -c "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_kpi launcher'"
soon 'a database without the extension has no worker' '' worker_of shop
begin=$EPOCHREALTIME
sql shop -c 'CREATE EXTENSION pg_kpi'
soon 'CREATE EXTENSION: a worker' running is_running shop
within 'CREATE EXTENSION: a worker, promised within 5 s' 15 "$begin"
is 'it is one process of this database' 1 "$(worker_of shop | wc -l)"
begin=$EPOCHREALTIME
sql shop -c 'DROP EXTENSION pg_kpi'
soon 'DROP EXTENSION: no worker' '' worker_of shop
within 'DROP EXTENSION: no worker, promised within 5 s' 15 "$begin"
sql shop -c BEGIN -c 'CREATE EXTENSION pg_kpi' -c ROLLBACK
sql shop -c 'CREATE EXTENSION pg_kpi'
soon 'once more: a worker' running is_running shop

# DROP DATABASE, CREATE DATABASE ... TEMPLATE, ALTER DATABASE -----------------------------------------------------------------

begin=$EPOCHREALTIME
is 'CREATE DATABASE ... TEMPLATE: a copy while the worker is there' '' "$(sql postgres -c 'CREATE DATABASE copy TEMPLATE shop' 2>&1)"
within 'CREATE DATABASE ... TEMPLATE at once' 15 "$begin"
soon 'the copy has a worker' running is_running copy
soon 'the original has one again' running is_running shop
is 'RENAME while the worker is there' '' "$(sql postgres -c 'ALTER DATABASE copy RENAME TO moved' 2>&1)"
soon 'the database of the new name has a worker' running is_running moved
as_server mkdir "$work/data/elsewhere"
sql postgres -c "SET allow_in_place_tablespaces = on" -c "CREATE TABLESPACE elsewhere LOCATION ''"
is 'SET TABLESPACE while the worker is there' '' "$(sql postgres -c 'ALTER DATABASE moved SET TABLESPACE elsewhere' 2>&1)"
soon 'the database of the other tablespace has a worker' running is_running moved
begin=$EPOCHREALTIME
is 'DROP DATABASE while the worker is there' '' "$(sql postgres -c 'DROP DATABASE moved' 2>&1)"
within 'DROP DATABASE at once' 3 "$begin"

sql template1 -c 'CREATE EXTENSION pg_kpi'
is 'CREATE DATABASE copies a template that has the extension' '' "$(sql postgres -c 'CREATE DATABASE fresh' 2>&1)"
soon 'there is a worker in the new database' running is_running fresh
sql postgres -c 'DROP DATABASE fresh'
sql template1 -c 'DROP EXTENSION pg_kpi'

sql postgres -c 'CREATE DATABASE busy TEMPLATE shop'
soon 'a database with a job: a worker' running is_running busy
slow_job busy >/dev/null
soon 'the job runs' 1 jobs_running busy
begin=$EPOCHREALTIME
is 'DROP DATABASE while a job runs' '' "$(sql postgres -c 'DROP DATABASE busy' 2>&1)"
within 'DROP DATABASE at once, although a job runs' 5 "$begin"

# A worker that ends takes its jobs along; the next one has them run again.
sql postgres -c 'CREATE DATABASE busy TEMPLATE shop'
soon 'another database with a job: a worker' running is_running busy
slow_job busy >/dev/null
soon 'its job runs' 1 jobs_running busy
first=$(worker_of busy)
begin=$EPOCHREALTIME
sql postgres -c "SELECT pg_terminate_backend($first)" >/dev/null
another_worker() { sql postgres -c "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_kpi worker' AND datname = '$1' AND pid <> $2"; }
soon 'pg_terminate_backend: another worker' 1 another_worker busy "$first"
within 'pg_terminate_backend: another worker within 5 s' 15 "$begin"
crashed_run() { sql busy -c "SELECT outcome || ' ' || sqlstate FROM kpi.job_runs WHERE job = 'nap' ORDER BY id LIMIT 1"; }
soon 'the run of its job says that it was ended' 'crashed 57P02' crashed_run
soon 'the other worker runs the job again' 1 jobs_running busy
is 'DROP DATABASE ends that too' '' "$(sql postgres -c 'DROP DATABASE busy' 2>&1)"
is 'what is left' shop "$(databases)"
fails 'DROP DATABASE fails while somebody is connected' '55006: .*being accessed' postgres -c 'CREATE DATABASE used' \
  -c '\! psql -XqAt -d used -c "SELECT pg_sleep(8)" >/dev/null 2>&1 &' -c 'SELECT pg_sleep(0.5)' -c 'DROP DATABASE used'
fails 'a role that does not own the database does not end its worker' '42501: must be owner of database shop' postgres \
  -c 'CREATE ROLE stranger' -c 'SET ROLE stranger' -c 'DROP DATABASE shop'
is 'its worker is there' running "$(is_running shop)"

# SIGTERM, restart ------------------------------------------------------------------------------------------------------------

gone() { sql postgres -c "SELECT count(*) FROM pg_stat_activity WHERE pid = $1"; }
first=$(worker_of shop)
begin=$EPOCHREALTIME
sql postgres -c "SELECT pg_terminate_backend($first)" >/dev/null
soon 'SIGTERM: the worker is gone' 0 gone "$first"
within 'SIGTERM: the worker is gone, promised within 1 s' 3 "$begin"
soon 'it comes back' running is_running shop
stopped fast
started
soon 'restart: the worker is back' running is_running shop

# kpi.worker --------------------------------------------------------------------------------------------------------------------

slow_job shop >/dev/null
soon 'a job runs when kpi.worker is put off' 1 jobs_running shop
sql postgres -c 'ALTER SYSTEM SET kpi.worker = off' -c 'SELECT pg_reload_conf()' >/dev/null
soon 'kpi.worker = off: no worker' '' worker_of shop
soon 'kpi.worker = off: no job' 0 jobs_running shop
is 'kpi.worker_status says why and what to do' 'kpi.worker is off. ALTER SYSTEM SET kpi.worker = on; SELECT pg_reload_conf();' "$(is_running shop)"
warning=$(PGOPTIONS='' sql shop -c "SELECT kpi.create_job('tidy', 'clean', '1 hour')" 2>&1)
like 'create_job warns' 'WARNING:  nothing runs in the background: kpi.worker is off.*The job runs only when kpi.run_job is called.*HINT:  ALTER SYSTEM SET kpi.worker = on' "$warning"
sql shop -c "SELECT kpi.alter_job('nap', next_run => now() + interval '1 hour')" >/dev/null
sql postgres -c 'ALTER SYSTEM RESET kpi.worker' -c 'SELECT pg_reload_conf()' >/dev/null
soon 'kpi.worker = on: a worker' running is_running shop
outcome() { sql shop -c "SELECT outcome FROM kpi.job_runs WHERE job = '$1' ORDER BY id DESC LIMIT 1"; }
soon 'and the job that was defined meanwhile runs' succeeded outcome tidy
soon 'the run that was ended says so' crashed outcome nap

# No slot -------------------------------------------------------------------------------------------------------------------------

# The launcher and the server's own for logical replication have the two slots.
stopped fast
started '-c max_worker_processes=2'
no_slot="the server has no free slot for a background worker. Raise max_worker_processes and restart the server."
soon 'no free slot: kpi.worker_status says so' "$no_slot" is_running shop
warning=$(PGOPTIONS='' sql shop -c "SELECT kpi.pause_job('nap')" -c "SELECT kpi.create_job('slotless', 'clean', '1 hour')" 2>&1)
like 'no free slot: create_job warns' 'WARNING:  nothing runs in the background: the server has no free slot' "$warning"
warnings() { as_server grep -c 'no free slot for a worker of pg_kpi' "$data/log"; }
is 'no free slot: the log says so once per database' "$(sql postgres -c 'SELECT count(*) FROM pg_database WHERE NOT datistemplate')" "$(warnings)"
is 'no free slot: run_job runs it' '0|succeeded' "$(sql shop -c "SELECT kpi.run_job('slotless')")|$(outcome slotless)"
stopped fast
started '-c max_worker_processes=3'
soon 'one slot more: a worker' running is_running shop
sql shop -c "SELECT kpi.alter_job('slotless', next_run => now())" >/dev/null
soon 'no slot for the job: its run has failed' failed outcome slotless
like 'and says why' '53400: the server has no free slot for a background worker' "$(sql shop -c "SELECT last_error FROM kpi.jobs WHERE name = 'slotless'")"
is 'the worker has its slot nonetheless' running "$(is_running shop)"
stopped fast
started
soon 'slots enough: the job is tried again and runs' succeeded outcome slotless

# Without preload -------------------------------------------------------------------------------------------------------------------

stopped fast
started '-c shared_preload_libraries='
is 'no preload: kpi.worker_status says what to do' \
  "pg_kpi is not in shared_preload_libraries. Add it there and restart the server: shared_preload_libraries = 'pg_kpi'." "$(is_running shop)"
warning=$(PGOPTIONS='' sql shop <<'SQL' 2>&1
CREATE TABLE sale (at timestamptz, amount int);
CREATE INDEX ON sale (at);
SELECT kpi.create_source('sale', 'sale', 'at');
SELECT kpi.create_kpi('amount', 'sale', 'sum(amount)');
SELECT kpi.create_job('alone', 'refresh', '1 hour', '{"source": "sale"}');
SELECT kpi.start_stream('amount', 'day');
SQL
)
like 'no preload: create_job warns' 'nothing runs in the background: pg_kpi is not in shared_preload_libraries.*The job runs only when kpi.run_job is called' "$warning"
like 'no preload: start_stream warns' 'nothing runs in the background.*Changes are published when kpi.refresh is called' "$warning"
sql shop -c "INSERT INTO sale VALUES ('2026-01-01 12:00Z', 5)" -c "SELECT kpi.run_job('alone')" >/dev/null
is 'no preload: run_job runs it in the foreground' succeeded "$(outcome alone)"
sql shop -c "INSERT INTO sale VALUES ('2026-01-01 12:00Z', 6)" -c "SELECT kpi.run_job('alone')" >/dev/null
is 'no preload: and what it refreshes is published' '11 after 5' "$(sql shop -c "SELECT value || ' after ' || previous FROM kpi.change ORDER BY number DESC LIMIT 1")"
is 'no preload: DROP EXTENSION' '' "$(sql shop -c 'DROP EXTENSION pg_kpi CASCADE' 2>&1)"

closing
