#!/usr/bin/env bash
# pg_cancel_backend, statement_timeout, pg_terminate_backend and a shutdown in the middle of requests that are not answered: all end
# within a second, and nothing is left behind.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster.
# shellcheck source=regress/archive/store.bash
. "$(dirname "$0")/store.bash"
s3_started || skip_all "$S3_REASON"
made && started || exit 1
sql postgres -c 'CREATE DATABASE shop TEMPLATE template0' && sql shop -c 'CREATE EXTENSION pg_kpi'
s3_server shop cold
partitioned shop m 2000
retained shop m cold
held=$(content shop m)

backend() { sql shop -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'canceled' AND backend_type = 'client backend'"; }
# canceled WHAT FUNCTION PATTERN STATEMENT: ended by a function while a request of the pattern hangs.
canceled() {
  local what=$1 function=$2 begin
  faults "$3 1+ hang"
  sql shop -c "SET application_name = 'canceled'" -c "$4" >"$work/said" 2>&1 &
  soon "$what: a request hangs" 1 waiting
  begin=$EPOCHREALTIME
  sql shop -c "SELECT $function($(backend))" >/dev/null
  until_says '' backend
  within "$what: promised within 1 s" 3 "$begin"
  soon "$what: its connection is closed" 0 waiting
  like "$what: what it says" 'canceling statement|terminating connection|server closed' "$(<"$work/said")"
  faults
  exact "$what" shop m "$held"
}
archive="CALL kpi.archive('m')" read='SELECT sum(value) FROM m' restore="CALL kpi.restore('m', keep => '0')"
for function in pg_cancel_backend pg_terminate_backend; do
  canceled "$function in an upload" $function 'PUT [.]parquet' "$archive"
  canceled "$function while it is read back" $function 'GET [.]parquet' "$archive"
done
is 'the next run archives' '' "$(sql shop -c "$archive" 2>&1)"
exact 'after it' shop m "$held"
whole 'after it' shop
for function in pg_cancel_backend pg_terminate_backend; do
  canceled "$function of a query" $function 'GET [.]parquet' "$read"
  canceled "$function of a restore" $function 'GET [.]parquet' "$restore"
done
canceled 'pg_cancel_backend of kpi.verify_archive' pg_cancel_backend 'GET [.]parquet' "SELECT * FROM kpi.verify_archive('m')"
canceled 'pg_cancel_backend of kpi.check_store' pg_cancel_backend 'PUT probe' "SELECT * FROM kpi.check_store('cold')"

faults 'GET [.]parquet 1+ hang'
begin=$EPOCHREALTIME
fails 'statement_timeout' '57014: canceling statement due to statement timeout' shop -c "SET statement_timeout = '300ms'" -c "$read"
within 'statement_timeout' 3 "$begin"
faults

# Work that is not waiting: decoding and encoding are interrupted too.
partitioned shop large 200000
retained shop large cold
is 'it is archived' '' "$(archive shop large)"
sql shop -c "SET application_name = 'canceled'" -c 'SELECT count(*) FROM large a, large b WHERE a.note < b.note' >"$work/said" 2>&1 &
soon 'a long query runs' t sql shop -c "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'canceled' AND backend_type = 'client backend' AND state = 'active' AND query_start < now() - interval '500 ms'"
begin=$EPOCHREALTIME
sql shop -c "SELECT pg_cancel_backend($(backend))" >/dev/null
until_says '' backend
within 'a query that computes' 3 "$begin"

# With workers of a parallel query.
faults 'GET [.]parquet 1+ hang'
sql shop -c "SET application_name = 'canceled'" -c 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0' -c 'SELECT count(*), sum(value), max(note) FROM large' >"$work/said" 2>&1 &
some_wait() { [ "$(waiting)" -gt 0 ] && echo t; }
soon 'a parallel query waits' t some_wait
begin=$EPOCHREALTIME
sql shop -c "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'canceled' AND backend_type = 'client backend'" >/dev/null
soon 'it and its workers are gone' 0 sql shop -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'canceled' OR backend_type = 'parallel worker'"
within 'a parallel query' 3 "$begin"
faults

# Shutdown while a request hangs, of a backend and of a job.
soon 'a worker' running is_running shop
partitioned shop job 100
retained shop job cold
faults '* [.]parquet 1+ hang'
sql shop -c "$read" >/dev/null 2>&1 &
sql shop -c "SELECT kpi.create_job('archives', 'archive', '1 day', '{\"relation\": \"job\"}', first_run => now() - interval '1 s')" >/dev/null
soon 'a query and a job wait' 2 waiting
begin=$EPOCHREALTIME
stopped fast
within 'a fast shutdown' 4 "$begin"
faults
started
soon 'the job has run in the end' 300 archived shop job
whole 'after all' shop
is 'no upload was in parts' 0 "$(awk -F '\t' '$5 ~ /[?&]uploads|uploadId/' "$proxy/requests" | wc -l)"
closing
