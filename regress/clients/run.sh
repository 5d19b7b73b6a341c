#!/usr/bin/env bash
# Client libraries as applications and BI tools use them: what they list, read with prepared statements and cursors, and are refused.
#
# Needs PGHOST, PGPORT, PGUSER (a superuser) and PGDATABASE, a database with nothing but the extension. The libraries are in the
# cache, where ./install puts what is missing; one that cannot be had is skipped. Every client runs as a role that may read some KPIs,
# goes through the same list of checks as far as its library has the notion, and compares what it read with what psql said.
set -uo pipefail
cd "$(dirname "$0")" || exit
. ../../scripts/env.sh
set +e
passed=0 failed=0 skipped=0
KPI_ANSWERS=$(mktemp -d /tmp/kpi.XXXXXX)
KPI_OWNER=$PGUSER
export KPI_ANSWERS KPI_OWNER PYTHONDONTWRITEBYTECODE=1
finish() {
  PGUSER=$KPI_OWNER psql -Xqf teardown.sql >/dev/null 2>&1
  rm -rf "$KPI_ANSWERS"
}
trap finish EXIT

# What psql, as the clients' role, says to each line of cases.tsv; the whole view is the reads of its minutes put together.
answers() {
  local number=0 statement what since until
  while IFS=$'\t' read -r statement what since until; do
    number=$((number + 1))
    PGUSER=kpi_clients psql -XqAt -v ON_ERROR_STOP=1 -v statement="$statement" -v what="$what" -v since="$since" -v until="$until" \
      -f answer.sql -o "$KPI_ANSWERS/$number.txt" || return
  done <cases.tsv
  PGUSER=kpi_clients psql -XqAt -v ON_ERROR_STOP=1 -v statement=view -v what=minute -v since=-infinity -v until=infinity \
    -f answer.sql -o "$KPI_ANSWERS/all.txt" && cp cases.tsv reflection.expected comments.expected "$KPI_ANSWERS"
}

# client NAME COMMAND...: runs it and counts its lines. One that ends without saying so has failed, whatever it printed.
client() {
  local name=$1 said=$KPI_ANSWERS/said
  shift
  PGUSER=kpi_clients timeout -k 5 120 "$@" >"$said" 2>&1 </dev/null
  sed -E "s/^((not )?ok - )/\1$name: /; /^done$/d" "$said"
  passed=$((passed + $(grep -c '^ok - ' "$said"))) failed=$((failed + $(grep -c '^not ok - ' "$said")))
  if [ "$(tail -n 1 "$said")" != done ]; then
    failed=$((failed + 1))
    echo "not ok - $name: it ended before its end"
  fi
}
skip() {
  skipped=$((skipped + 1))
  echo "skip - $1: $2"
}

if ! { psql -Xqf setup.sql && { [ -z "${TRYOUT:-}" ] || psql -Xqf /tmp/dimcomments.sql; } && answers; }; then
  echo 'not ok - the set-up'
  echo '0 passed, 1 failed'
  exit 1
fi
# clients LIBRARY: its programs, where it can be had.
clients() {
  local place
  place=$(./install "$1") || {
    skip "$1" "${place:-it could not be installed, see $CACHE/clients/$1.log}"
    return
  }
  case $1 in
    psycopg)
      client psycopg "$place/bin/python" psycopg3.py
      client sqlalchemy "$place/bin/python" sqlalchemy_reflection.py
      ;;
    node) NODE_PATH=$place client node node node/client.js ;;
    jdbc)
      if javac -d "$KPI_ANSWERS/java" -cp "$place" java/*.java >"$KPI_ANSWERS/javac" 2>&1; then
        client jdbc java -cp "$place:$KPI_ANSWERS/java" Jdbc
      else
        failed=$((failed + 1))
        echo 'not ok - jdbc: it compiles'
        sed 's/^/#   /' "$KPI_ANSWERS/javac"
      fi
      ;;
    tokio) client tokio-postgres "$place/clients" ;;
  esac
}
for library in ${LIBS:-psycopg node jdbc tokio}; do clients $library; done
echo "$passed passed, $failed failed$([ "$skipped" -eq 0 ] || echo ", $skipped skipped")"
[ "$failed" -eq 0 ]
