#!/usr/bin/env bash
# Through PgBouncer in transaction mode, where no LISTEN lasts: subscribers follow the log by kpi.poll, more of them than there are
# connections to the server, each change once for each, in order.
#
# Needs PGHOST, PGPORT, PGUSER and PGDATABASE of a database with pg_kpi, and PG_RUNAS where the server's user is another. Installs
# pgbouncer where it may.
. "$(dirname "$0")/../../scripts/env.sh"
. "$SCRIPTS/apt.sh"
set +e
export PSQLRC=/dev/null PGOPTIONS=''
passed=0 failed=0

skip() {
  echo "skipped: $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}
is() {
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1))
    echo "ok - $1"
  else
    failed=$((failed + 1))
    printf 'not ok - %s\n#   expected: %s\n#   got:      %s\n' "$1" "$2" "$3"
  fi
}
sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

bouncer=$(PATH=$PATH:/usr/sbin:$CACHE/pgbouncer command -v pgbouncer)
if [ -z "$bouncer" ]; then
  command -v apt-get >/dev/null || skip 'pgbouncer is missing, and there is no apt-get to install it'
  as=$(privilege) || skip 'pgbouncer is missing, and there is neither root nor sudo to install it'
  # Debian's package would start a service of its own: what is needed is the program.
  work=$(mktemp -d)
  apt_get "$as" update -q >&2
  (cd "$work" && apt-get -q download pgbouncer && dpkg -x pgbouncer_*.deb .) >&2 || skip 'apt-get could not fetch pgbouncer'
  apt_get "$as" install -qy --no-install-recommends libevent-2.1-7 libc-ares2 >&2 ||
    apt_get "$as" install -qy --no-install-recommends libevent-2.1-7t64 libcares2 >&2
  mkdir -p "$CACHE/pgbouncer" && cp "$work/usr/sbin/pgbouncer" "$CACHE/pgbouncer/"
  rm -rf "$work"
  bouncer=$CACHE/pgbouncer/pgbouncer
fi
"$bouncer" --version >/dev/null 2>&1 || skip 'pgbouncer does not start here: a library of it is missing'
[ "$(sql -c 'SELECT kpi.worker_status()')" = running ] || sleep 5
status=$(sql -c 'SELECT kpi.worker_status()')
[ "$status" = running ] || skip "no worker: $status"

work=$(mktemp -d)
port=$((20000 + RANDOM % 10000))
cp "$bouncer" "$work/pgbouncer"
cat >"$work/ini" <<CONF
[databases]
* = host=$PGHOST port=$PGPORT user=$PGUSER
[pgbouncer]
listen_addr =
unix_socket_dir = $work
listen_port = $port
pool_mode = transaction
auth_type = any
default_pool_size = 3
max_client_conn = 100
logfile = $work/log
CONF
chmod -R a+rX "$work"
runas=${PG_RUNAS:-}
read -ra words <<<"$runas"
if [ -n "$runas" ]; then chown -R "${words[2]}" "$work"; fi
# shellcheck disable=SC2086  # several words
(cd / && exec $runas "$work/pgbouncer" -q "$work/ini" >"$work/said" 2>&1) &
trap 'pkill -f "$work/ini"; wait 2>/dev/null; rm -rf "$work"' EXIT
for _ in $(seq 100); do [ -S "$work/.s.PGSQL.$port" ] && break || sleep 0.1; done
pooled() { PGHOST=$work PGPORT=$port sql "$@"; }
is 'PgBouncer answers' 1 "$(pooled -c 'SELECT 1')"

sql <<'SQL'
CREATE TABLE reading (at timestamptz NOT NULL, n int);
CREATE INDEX ON reading (at);
SELECT kpi.create_source('reading', 'reading', 'at') \g /dev/null
SELECT kpi.create_kpi('latest', 'reading', 'max(n)') \g /dev/null
SQL
followers=10 rows=200
for i in $(seq $followers); do pooled -c "SELECT kpi.add_subscriber('f$i', '{latest}', '{minute}')" >/dev/null; done

# follow NAME: polls and acknowledges, in transactions of their own, until the last row has been seen.
follow() {
  local changes last
  while :; do
    changes=$(pooled -F ' ' -c "SELECT number, value FROM kpi.poll('$1', 50, '1 s')") || return
    [ -n "$changes" ] || continue
    echo "$changes"
    last=$(tail -1 <<<"$changes")
    pooled -c "SELECT kpi.ack('$1', ${last% *})" >/dev/null || return
    [ "${last#* }" -lt $rows ] || return 0
  done
}
for i in $(seq $followers); do (follow "f$i" >"$work/f$i" 2>"$work/e$i") & done
for n in $(seq $rows); do echo "INSERT INTO reading VALUES ('2026-01-01 12:00Z', $n);"; done | sql
for _ in $(seq 600); do
  [ "$(tail -qn1 "$work"/f* 2>/dev/null | grep -c " $rows\$")" -lt $followers ] || break
  sleep 0.1
done
wanted=$(sql -F ' ' -c "SELECT number, value FROM kpi.change WHERE code = 'latest' ORDER BY number")
is 'the log ends with the last row' "$rows" "$(tail -1 <<<"$wanted" | cut -d' ' -f2)"
for i in $(seq $followers); do is "follower $i of $followers got each change once, in order" "$wanted" "$(cat "$work/f$i")"; done
is 'nobody met an error' '' "$(cat "$work"/e*)"
is 'all this on three connections' t "$(sql -c "SELECT count(*) <= 3 FROM pg_stat_activity WHERE backend_type = 'client backend'
  AND datname = current_database() AND pid <> pg_backend_pid()")"
sql -c "SELECT kpi.remove_subscriber(name) FROM kpi.stream_status WHERE kind = 'subscriber'" -c 'SET client_min_messages = error' -c 'DROP TABLE reading CASCADE' >/dev/null
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
