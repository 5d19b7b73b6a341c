# shellcheck shell=bash
# For the suites of jobs and streams: a cluster of their own with pg_kpi preloaded, which they may stop and kill, and checks that
# wait for a condition.
#
# Needs PG_BINDIR and PG_RUNAS. Afterwards psql and its like find the cluster by PGHOST and PGPORT.
set -uo pipefail
passed=0 failed=0
export PSQLRC=/dev/null PGTZ=UTC PGOPTIONS='-c client_min_messages=warning' PGPORT=5432 PGUSER=${PGUSER:-postgres}
export PGHOST
PGHOST=$(mktemp -d /tmp/kpi.XXXXXX)
work=$PGHOST
chmod 755 "$work"
read -ra as <<<"${PG_RUNAS:-}"
# The servers of this suite, by their data directory; the first is the one that is meant where none is named.
data=$work/data
# No condition is waited for longer than this, seconds. It is no promise: those are given where they are checked.
PATIENCE=${PATIENCE:-60}

as_server() { (cd / && unset RUST_BACKTRACE && "${as[@]}" "$@"); }
server() { as_server "$PG_BINDIR/pg_ctl" -D "$data" "$@"; }
finish() {
  local one
  # What this suite has put into the background ends with it.
  for one in $(jobs -p); do kill "$one" 2>/dev/null; done
  for one in "$work"/data*; do as_server "$PG_BINDIR/pg_ctl" -D "$one" -m immediate stop >/dev/null 2>&1; done
  rm -rf "$work"
}
[ "${KEEP:-}" ] || trap finish EXIT

# folder PATH: one that the server may write.
folder() {
  mkdir "$1" && chmod 700 "$1"
  if [ ${#as[@]} -gt 0 ]; then chown "${as[2]}" "$1" "$work"; fi
}
# made: the cluster. Nothing is synced: processes die here, machines do not.
made() {
  folder "$data"
  as_server "$PG_BINDIR/initdb" -D "$data" -U "$PGUSER" -A trust --encoding=UTF8 --locale=C.UTF-8 \
    --no-sync >"$work/initdb.log" 2>&1 || return
  as_server tee -a "$data/postgresql.conf" >/dev/null <<CONF
listen_addresses = ''
unix_socket_directories = '$work'
fsync = off
max_worker_processes = 24
restart_after_crash = on
log_line_prefix = '%m [%p:%b] '
CONF
}
# started [OPTIONS]: the server with pg_kpi preloaded, unless the options say otherwise.
started() {
  server -w -t 60 -l "$data/log" start -o "-c shared_preload_libraries=pg_kpi ${1:-}" >/dev/null </dev/null
}
stopped() { server -w -t 60 -m "${1:-fast}" stop >/dev/null; }

sql() { psql -XqAt -v ON_ERROR_STOP=1 -d "$@"; }

# is WHAT EXPECTED GOT
is() {
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1))
    echo "ok - $1"
  else
    failed=$((failed + 1))
    printf 'not ok - %s\n#   expected: %s\n#   got:      %s\n' "$1" "$2" "$3"
  fi
}
# like WHAT PATTERN GOT: an extended regular expression.
like() {
  if [[ $3 =~ $2 ]]; then is "$1" "$3" "$3"; else is "$1" "like $2" "$3"; fi
}
# soon WHAT EXPECTED COMMAND...: the command says so in the end. An error on the way, as of a server that is starting, is no answer.
soon() {
  local what=$1 expected=$2
  shift 2
  until_says "$expected" "$@"
  is "$what" "$expected" "$said"
}
# until_says EXPECTED COMMAND...: waits for it, and leaves in said what the command said at last.
until_says() {
  local expected=$1 deadline=$((SECONDS + PATIENCE))
  shift
  said=
  while said=$("$@" 2>&1); [ "$said" != "$expected" ]; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.05
  done
}
# within WHAT SECONDS SINCE: no later than that after an $EPOCHREALTIME; three times what is promised, for slow machines.
within() {
  local took
  took=$(awk -v a="$3" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.2f", b - a}')
  echo "# $1: after $took s"
  is "$1: in time" yes "$(awk -v t="$took" -v m="$2" 'BEGIN {print t <= m ? "yes" : "no, after " t " s"}')"
}
# fails WHAT PATTERN DATABASE STATEMENT...: the statement fails, and psql says something like it, beginning with the SQLSTATE.
fails() {
  local what=$1 pattern=$2 database=$3 said
  shift 3
  if said=$(psql -XqAt -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -d "$database" "$@" 2>&1); then said="no error: $said"; fi
  like "$what" "$pattern" "$said"
}

# pids BACKEND-TYPE [DATABASE]: of the processes of that kind.
pids() {
  sql postgres -c "SELECT pid FROM pg_stat_activity WHERE backend_type = '$1' AND ('${2:-}' = '' OR datname = '${2:-}') ORDER BY 1"
}
# is_running DATABASE: its worker is there.
is_running() { sql "$1" -c 'SELECT kpi.worker_status()'; }
# killed PID: without a chance to do anything.
killed() { as_server kill -9 "$1"; }
# recovered: the server takes connections again, in another incarnation than at the time of the postmaster's start $1.
server_started_at() { sql postgres -c 'SELECT pg_postmaster_start_time()'; }
closing() {
  echo "$passed passed, $failed failed"
  [ $failed -eq 0 ]
}
