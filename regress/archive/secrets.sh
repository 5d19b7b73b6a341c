#!/usr/bin/env bash
# Secrets of a store are nowhere to be seen: in no log at any level, no plan, no pg_stat_activity, no error, no dump of what pg_kpi keeps,
# whatever goes wrong on the way. All of these are searched for them.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster.
# shellcheck source=regress/archive/store.bash
. "$(dirname "$0")/store.bash"
s3_started || skip_all "$S3_REASON"
# The server logs the environment that it is started in, and it is not to be found there.
export -n S3_SECRET_ACCESS_KEY
key_file=$work/key
encryption=$(od -An -tx1 -N 32 /dev/urandom | tr -d ' \n')
echo "$encryption" >"$key_file"
chmod 644 "$key_file"
made && started "-c log_statement=none" || exit 1
sql postgres -c 'CREATE DATABASE shop TEMPLATE template0' && sql shop -c 'CREATE EXTENSION pg_kpi'
# A person types the secret once, where PostgreSQL logs what it logs. From then on everything is logged.
s3_server shop cold ", request_timeout '1s', max_retries '2', encryption_key_file '$key_file'"
is 'the user mapping has the secret' t "$(sql shop -v s="$S3_SECRET_ACCESS_KEY" <<<"SELECT umoptions::text LIKE '%' || :'s' || '%' FROM pg_user_mappings;")"
stopped
started "-c log_min_messages=debug5 -c log_statement=all -c log_min_duration_statement=0 -c log_duration=on -c debug_print_plan=on -c debug_print_rewritten=on \
-c log_error_verbosity=verbose -c log_replication_commands=on -c log_autovacuum_min_duration=0 -c debug_pretty_print=off -c track_activity_query_size=65536"
soon 'a worker' running is_running shop
# Everything that is said and shown, in one file.
heard=$work/heard
export PGOPTIONS='-c client_min_messages=debug5'
say() { psql -Xa -d shop -v VERBOSITY=verbose -c "$1" >>"$heard" 2>&1; }
# watch: what other sessions show, again and again.
(while [ ! -e "$work/enough" ]; do PGOPTIONS='' psql -XAt -d shop -c 'SELECT * FROM pg_stat_activity' -c 'SELECT * FROM kpi.jobs' -c 'SELECT * FROM kpi.job_runs' -c 'SELECT * FROM kpi.alerts'; sleep 1; done) >"$work/activity" 2>&1 &

PGOPTIONS='' partitioned shop m 200
PGOPTIONS='' retained shop m cold
work_on() {
  say "SELECT * FROM kpi.check_store('cold')"
  say "CALL kpi.archive('m')"
  say 'EXPLAIN (ANALYZE, VERBOSE, BUFFERS, SETTINGS) SELECT sum(value) FROM m'
  say "SELECT * FROM kpi.verify_archive('m')"
  say "INSERT INTO m VALUES ('2024-01-05Z', 1, 1, 'late')"
  say "CALL kpi.archive('m')"
  say "CALL kpi.restore('m', keep => '0')"
  say "SELECT kpi.apply_retention('m')"
  say 'SELECT * FROM kpi.archive_status'
  say 'ANALYZE VERBOSE m'
}
work_on
for fault in drop 500 503 403 hang truncate flip lost; do
  faults "PUT . 1+ $fault"
  say "CALL kpi.archive('m')"
  faults
  say "CALL kpi.archive('m')"
  faults "* . 1+ $fault"
  say "SELECT * FROM kpi.check_store('cold')"
  say 'SELECT count(*) FROM m'
  say "SELECT * FROM kpi.verify_archive('m')"
  say "CALL kpi.restore('m', keep => '0')"
  faults
  say "CALL kpi.restore('m', keep => '0')"
done
# A job that fails, with its alert.
faults '* . 1+ 403'
say "SELECT kpi.create_job('archives', 'archive', '1 day', '{\"relation\": \"m\"}', max_retries => 0, first_run => now() - interval '1 s')"
PGOPTIONS='' soon 'a job has failed' failed sql shop -c "SELECT outcome FROM kpi.job_runs WHERE job = 'archives' AND outcome <> 'running' ORDER BY id DESC LIMIT 1"
faults
# Options that are wrong, by somebody who is about to type the secret into the wrong place.
say "CREATE SERVER other FOREIGN DATA WRAPPER kpi_archive OPTIONS (url 's3://bucket', nonsense 'x')"
# What one who may not see it sees.
PGOPTIONS='' sql shop -c 'CREATE ROLE guest LOGIN' -c 'GRANT SELECT ON m TO guest' -c 'GRANT USAGE ON FOREIGN SERVER cold TO guest'
PGUSER=guest say 'SELECT * FROM pg_user_mappings'
PGUSER=guest say 'SELECT count(*) FROM m'
PGUSER=guest say "SELECT * FROM kpi.check_store('cold')"
like 'who has no mapping of their own is told so' 'ERROR|f' "$(tail -20 "$heard")"
# What pg_kpi keeps in tables of its own.
tables=$(PGOPTIONS='' pg_dump -d shop --data-only 2>/dev/null)
PGOPTIONS='' sql shop -c "SELECT format('SELECT t::text FROM %s t', c.oid::regclass) FROM pg_class c JOIN pg_depend d ON d.objid = c.oid AND d.deptype = 'e' WHERE c.relkind = 'r' \gexec" >"$work/kept" 2>&1
touch "$work/enough"

# found WHAT FILE: none of the secrets, in whatever way it may be written.
found() {
  local secret signature
  for secret in "$S3_SECRET_ACCESS_KEY" "$encryption"; do
    is "$1: no secret" 0 "$(as_server cat "$2" 2>/dev/null | grep -c -F -e "$secret" -e "$(printf %s "$secret" | base64 -w 0)" -e "${secret:8:24}")"
  done
  # Nor what lets one do what the secret does.
  signature=$(as_server cat "$2" | grep -c -i -E 'AWS4-HMAC|X-Amz-Signature|Authorization:')
  is "$1: no signature" 0 "$signature"
}
is 'the log has what is asked' yes "$([ "$(as_server grep -c DEBUG "$data/log")" -gt 1000 ] && echo yes)"
chmod -R a+rX "$work/heard" "$work/activity" "$work/kept"
found 'the server log at debug5' "$data/log"
found 'what clients are told' "$heard"
found 'pg_stat_activity and jobs' "$work/activity"
found 'tables of pg_kpi' "$work/kept"
is 'a dump of the data' 0 "$(grep -c -F -e "$S3_SECRET_ACCESS_KEY" <<<"$tables")"
is 'and the errors were there to be searched' yes "$([ "$(grep -c ERROR: "$heard")" -gt 10 ] && echo yes || echo "only $(grep -c ERROR: "$heard")")"
# The processes' titles and environments.
is 'no process shows it' 0 "$(PGOPTIONS='' sql shop -c 'SELECT pid FROM pg_stat_activity' | while read -r pid; do tr '\0' '\n' <"/proc/$pid/cmdline"; tr '\0' '\n' <"/proc/$pid/environ"; done 2>/dev/null | grep -c -F "$S3_SECRET_ACCESS_KEY")"
closing
