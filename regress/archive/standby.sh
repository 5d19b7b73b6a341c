#!/usr/bin/env bash
# A standby reads archived rows, runs nothing and says so; promoted, it archives on. What the primary restores or deletes meanwhile, it
# follows.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster.
# shellcheck source=regress/archive/store.bash
. "$(dirname "$0")/store.bash"
on_standby() { PGPORT=5433 data=$work/data_standby "$@"; }
made && started || exit 1
sql postgres -c 'CREATE DATABASE shop TEMPLATE template0' && sql shop -c 'CREATE EXTENSION pg_kpi'
file_server shop cold
partitioned shop m
retained shop m cold
sql shop -c "SELECT kpi.create_job('archives', 'archive', '1 s', '{\"relation\": \"m\"}', first_run => '2100-01-01')" >/dev/null
as_server "$PG_BINDIR/pg_basebackup" -h "$work" -U "$PGUSER" -D "$work/data_standby" -R -X stream -c fast
on_standby started '-c port=5433 -c max_standby_streaming_delay=1s'
is 'there is a standby' t "$(on_standby sql shop -c 'SELECT pg_is_in_recovery()')"
held=$(content shop m)
standby() { on_standby sql shop -c "$1"; }
is 'before' "$held" "$(on_standby content shop m)"
is 'the primary archives' '' "$(archive shop m)"
soon 'the standby follows' 1500 on_standby archived shop m
is 'and reads the same' "$held" "$(on_standby content shop m)"
is 'in parallel too' "$held" "$(PGOPTIONS='-c parallel_setup_cost=0 -c parallel_tuple_cost=0 -c min_parallel_table_scan_size=0' on_standby content shop m)"
is 'kpi.archive_status' 'cold|3|1500' "$(standby 'SELECT store, objects, rows FROM kpi.archive_status')"
sql shop -c "INSERT INTO m VALUES ('2024-01-10Z', 1, 1, 'late')"
soon 'late rows too' 1511 standby 'SELECT count(*) FROM m'
held=$(content shop m)
refuses() { on_standby fails "$1 says that it cannot be called on a standby, and what to do" "25006: $1 cannot be called on a standby.*HINT:  Call it on the primary" shop -c "$2"; }
refuses kpi.archive "CALL kpi.archive('m')"
refuses kpi.set_retention "SELECT kpi.set_retention('m', archive_after => '1 day', store => 'cold')"
refuses kpi.drop_retention "SELECT kpi.drop_retention('m')"
refuses kpi.apply_retention "SELECT kpi.apply_retention('m')"
refuses kpi.hold "SELECT kpi.hold('m', 'no')"
on_standby fails 'kpi.restore says so too' '25006: kpi.(restore|archive).*cannot be called on a standby' shop -c "CALL kpi.restore('m')"
is 'kpi.verify_archive works there' t "$(standby "SELECT bool_and(ok) FROM kpi.verify_archive('m')")"
# A snapshot of the standby that is older than a merge reads what it saw, or is cancelled as PostgreSQL does it; never something else.
(echo 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM m; SELECT pg_sleep(2); SELECT count(*) FROM m; COMMIT;' | on_standby psql -XqAt -d shop) >"$work/old" 2>&1 &
reader=$!
soon 'a reader has its snapshot' 1 standby "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
archive shop m
sql shop -c "SELECT kpi.apply_retention('m')" >/dev/null
wait $reader
like 'an old snapshot' '^1511 *1511 *$|ERROR' "$(tr '\n' ' ' <"$work/old")"
soon 'the standby follows the merge' 1501 on_standby archived shop m
is 'after it' "$held" "$(on_standby content shop m)"
is 'restored on the primary' '' "$(restore shop m 2024-02-01Z 2024-03-01Z)"
soon 'the standby follows that' 1001 on_standby archived shop m
is 'after that' "$held" "$(on_standby content shop m)"
is 'nothing of ours runs there' 0 "$(standby "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pg_kpi%'")"
stopped immediate
on_standby server -w promote >/dev/null
soon 'promoted, it has a worker' running on_standby is_running shop
standby "SELECT kpi.alter_job('archives', next_run => now())" >/dev/null
soon 'and its job archives what was restored' 1501 on_standby archived shop m
is 'after it all' "$held" "$(on_standby content shop m)"
closing
