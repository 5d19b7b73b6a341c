#!/usr/bin/env bash
# Client libraries as applications and BI tools use them: what they list, read with prepared statements and cursors, and are refused.
#
# Needs PGHOST, PGPORT, PGUSER (a superuser) and PGDATABASE, a database with nothing but the extension. The libraries are in the
# cache, where ./install puts what is missing; one that cannot be had is skipped. CLIENTS="psql node" runs these two only. Every client
# runs as a role that may read some KPIs, goes through the same list of checks as far as its library has the notion, and compares
# what it read with what psql said. Where the server has a worker it listens, polls and acknowledges as well, and loses its connection
# meanwhile. The examples are those of docs/clients.md.
set -uo pipefail
cd "$(dirname "$0")" || exit
. ../../scripts/env.sh
set +e
passed=0 failed=0 skipped=0
KPI_ANSWERS=$(mktemp -d /tmp/kpi.XXXXXX)
KPI_OWNER=$PGUSER
export KPI_ANSWERS KPI_OWNER PYTHONDONTWRITEBYTECODE=1
finish() {
  psql -Xqf teardown.sql >/dev/null 2>&1
  rm -rf "$KPI_ANSWERS"
}
trap finish EXIT

# What psql, as the clients' role, says to each line of cases.tsv; the whole view is the reads of its minutes put together.
answers() {
  local number=0 statement what since until
  while IFS=$'\t' read -r statement what since until; do
    number=$((number + 1))
    answer "$statement" "$what" "$since" "$until" "$number.txt" || return
  done <cases.tsv
  answer view minute -infinity infinity all.txt && cp cases.tsv reflection.expected comments.expected "$KPI_ANSWERS" &&
    PGUSER=kpi_clients psql -XqAt -v ON_ERROR_STOP=1 -F ' ' -f examples/answer.sql -o "$KPI_ANSWERS/example.txt"
}
answer() {
  PGUSER=kpi_clients psql -XqAt -v ON_ERROR_STOP=1 -v statement="$1" -v what="$2" -v since="$3" -v until="$4" -f answer.sql -o "$KPI_ANSWERS/$5"
}

# passes WHAT [FILE]: counts a check by the status of the command before it; the file says more where it failed.
passes() {
  local status=$?
  if [ $status -eq 0 ]; then
    passed=$((passed + 1))
    echo "ok - $1"
  else
    failed=$((failed + 1))
    echo "not ok - $1"
    if [ $# -gt 1 ]; then tail -n 30 "$2" | sed 's/^/#   /'; fi
  fi
}

# client NAME COMMAND...: runs it and counts its lines. One that ends without saying so has failed, whatever it printed.
client() {
  local name=$1 said=$KPI_ANSWERS/said
  shift
  PGUSER=kpi_clients timeout -k 5 120 "$@" >"$said" 2>&1 </dev/null
  sed -E "s/^((ok|not ok|skip) - )/\1$name: /; /^done$/d" "$said"
  skipped=$((skipped + $(grep -c '^skip - ' "$said")))
  passed=$((passed + $(grep -c '^ok - ' "$said"))) failed=$((failed + $(grep -c '^not ok - ' "$said")))
  [ "$(tail -n 1 "$said")" = 'done' ]
  passes "$name: it comes to its end"
}

# example NAME FILE COMMAND...: it prints what psql says, and stands in the documentation as it is.
example() {
  local name=$1 file=$2 said=$KPI_ANSWERS/said
  shift 2
  PGUSER=kpi_clients timeout -k 5 60 "$@" >"$said" 2>&1 </dev/null && diff "$KPI_ANSWERS/example.txt" "$said" >"$said.diff"
  passes "$name: the example of the documentation" "$said"
  [[ $(<../../docs/clients.md) = *"$(<"$file")"* ]]
  passes "$name: docs/clients.md shows $file as it is"
}

# soon COMMAND...: waits until it succeeds, a minute at most.
soon() {
  local late=$((SECONDS + 60))
  until "$@"; do
    [ $SECONDS -lt $late ] || return
    sleep 0.05
  done
}
# follower COMMAND...: begins the example that follows the changes, whose process is $!.
follower() { PGUSER=kpi_clients timeout -k 5 120 "$@" >"$KPI_ANSWERS/said" 2>"$KPI_ANSWERS/complaint" </dev/null & }
scan() { psql -Xqc "INSERT INTO depot.scan VALUES ('2025-05-06 12:00Z', $1)"; }
# caught_up BEGIN [NUMBER]: whether it has printed what the log says of the changes after BEGIN, and acknowledged one after NUMBER.
caught_up() {
  [ "$(psql -XqAtc "SELECT acked = kpi.last_change() AND acked > ${2:-$1} FROM kpi.subscriber WHERE name = 'wallboard'")" = t ] &&
    [ "$(<"$KPI_ANSWERS/said")" = "$(psql -XqAtF ' ' -v after="$1" -f examples/follow.sql)" ]
}
# cut_off PROCESS: ends the sessions of the clients' role; whether the process is over.
cut_off() {
  psql -Xqc "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'kpi_clients' AND datname = current_database()" >/dev/null
  ! kill -0 "$1" 2>/dev/null
}
# example NAME FILE COMMAND...: it prints what changes, and when it is begun again what has changed meanwhile. It stands in the
# documentation as it is.
follows() {
  local name=$1 file=$2 begin process
  shift 2
  if [ "$KPI_WORKER" = running ]; then
    begin=$(PGUSER=kpi_clients psql -XqAtc "SELECT kpi.add_subscriber('wallboard', codes => '{scan_time}', periods => '{minute}')")
    follower "$@"
    process=$!
    scan 1.5 && soon caught_up "$begin" && scan 2.25 && soon caught_up "$begin" $((begin + 1))
    passes "$name: the example follows the changes" "$KPI_ANSWERS/complaint"
    soon cut_off "$process"
    passes "$name: the example ends when its connection is lost"
    begin=$(psql -XqAtc 'SELECT kpi.last_change()')
    scan 4
    follower "$@"
    process=$!
    soon caught_up "$begin"
    passes "$name: the example, begun again, goes on after what it has acknowledged" "$KPI_ANSWERS/complaint"
    kill "$process"
    wait "$process"
    PGUSER=kpi_clients psql -Xqc "SELECT kpi.remove_subscriber('wallboard')" >/dev/null
  fi
  [[ $(<../../docs/clients.md) = *"$(<"$file")"* ]]
  passes "$name: docs/clients.md shows $file as it is"
}

# clients LIBRARY: its programs, where it can be had.
clients() {
  local place url java=$KPI_ANSWERS/java
  if [ "$1" = psql ]; then
    client psql psql/stream.sh
    follows psql examples/follow.sh bash examples/follow.sh
    return
  fi
  place=$(./install "$1") || {
    skipped=$((skipped + 1))
    echo "skip - $1: ${place:-it could not be installed, see $CACHE/clients/$1.log}"
    return
  }
  case $1 in
    psycopg)
      client psycopg "$place/bin/python" psycopg3.py
      example psycopg examples/psycopg_example.py "$place/bin/python" examples/psycopg_example.py
      follows psycopg examples/psycopg_follow.py "$place/bin/python" examples/psycopg_follow.py
      client sqlalchemy "$place/bin/python" sqlalchemy_reflection.py
      example sqlalchemy examples/sqlalchemy_example.py "$place/bin/python" examples/sqlalchemy_example.py
      ;;
    node)
      NODE_PATH=$place client node-postgres node node/client.js
      NODE_PATH=$place example node-postgres examples/example.js node examples/example.js
      NODE_PATH=$place follows node-postgres examples/follow.js node examples/follow.js
      ;;
    jdbc)
      javac -d "$java" -cp "$place" java/*.java examples/*.java >"$KPI_ANSWERS/javac" 2>&1
      passes 'jdbc: it compiles' "$KPI_ANSWERS/javac"
      client jdbc java -cp "$place:$java" Jdbc
      url="jdbc:postgresql://localhost/$PGDATABASE?user=kpi_clients&socketFactory=UnixSockets&socketFactoryArg=$PGHOST/.s.PGSQL.$PGPORT"
      JDBC_URL=$url example jdbc examples/Example.java java -cp "$place:$java" Example
      JDBC_URL=$url follows jdbc examples/Follow.java java -cp "$place:$java" Follow
      ;;
    tokio)
      client tokio-postgres "$place/clients"
      url="host='$PGHOST' port=$PGPORT dbname=$PGDATABASE user=kpi_clients"
      DATABASE=$url example tokio-postgres tokio/examples/read.rs "$place/examples/read"
      DATABASE=$url follows tokio-postgres tokio/examples/follow.rs "$place/examples/follow"
      ;;
  esac
}

# Asks the database for its worker, which starts some seconds after CREATE EXTENSION. Without one nothing is announced.
worker_known() {
  KPI_WORKER=$(psql -XqAtc 'SELECT kpi.worker_status()')
  [[ $KPI_WORKER != *'has not started yet'* ]]
}

psql -Xqf setup.sql >"$KPI_ANSWERS/setup" 2>&1 && answers >>"$KPI_ANSWERS/setup" 2>&1 && [ "$(wc -l <"$KPI_ANSWERS/all.txt")" = 1900 ]
passes 'psql has answered' "$KPI_ANSWERS/setup"
if [ $failed -eq 0 ]; then
  soon worker_known
  export KPI_WORKER
  if psql -XqAtc 'SHOW shared_preload_libraries' | grep -q pg_kpi; then
    [ "$KPI_WORKER" = running ]
    passes "the database has a worker, and the clients can wait for changes: $KPI_WORKER"
  fi
  for library in ${CLIENTS:-psql psycopg node jdbc tokio}; do clients "$library"; done
fi
echo "$passed passed, $failed failed$([ "$skipped" -eq 0 ] || echo ", $skipped skipped")"
[ "$failed" -eq 0 ]
