#!/usr/bin/env bash
# Dump and restore in every way that people use: afterwards the KPIs say the same, and go on working. And what DROP
# EXTENSION takes and what it leaves.
#
# Needs PGHOST, PGPORT and PGUSER (a superuser) of a cluster with pg_kpi installed; makes and drops its own databases.
# shellcheck disable=SC2317  # many functions are called through check
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
passed=0 failed=0
export PGDATABASE=postgres PSQLRC=/dev/null
databases=(kpi_dump kpi_dump_plain kpi_dump_inserts kpi_dump_custom kpi_dump_jobs kpi_dump_clean kpi_dump_copy)

sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
drop_all() {
  local database
  for database in "${databases[@]}"; do sql -c 'SET client_min_messages = error' -c "DROP DATABASE IF EXISTS $database WITH (FORCE)"; done
  sql -c 'SET client_min_messages = error; DROP ROLE IF EXISTS kpi_dump_clerk'
}
trap 'drop_all; rm -rf "$work"' EXIT

# check WHAT COMMAND...: ok when the command succeeds; its output is shown when it does not.
check() {
  local what=$1
  shift
  if "$@" >"$work/out" 2>&1; then
    passed=$((passed + 1))
    echo "ok - $what"
  else
    failed=$((failed + 1))
    echo "not ok - $what"
    head -n 40 "$work/out" | sed 's/^/#   /'
  fi
}

answers() { sql -d "$1" -f "$here/answers.sql"; }
definitions() { sql -d "$1" -f "$here/definitions.sql"; }
touched() { sql -d "$1" -f "$here/touched.sql"; }
# Partitions that come while another job fills the catalog are touched once more: never less than was.
touched_at_least() {
  sql -d "$1" -v was="$(cat "$work/touched")" -f - <<'SQL' >"$work/got"
SELECT split_part(line, '|', 1) FROM regexp_split_to_table(:'was', '\n') AS line
WHERE NOT EXISTS (SELECT FROM kpi.source s JOIN kpi.touched t ON t.source_id = s.id WHERE s.name = split_part(line, '|', 1)
                  HAVING range_agg(int8range(t.first_minute, t.last_minute)) @> split_part(line, '|', 2)::int8multirange);
SQL
  diff /dev/null "$work/got"
}
same() { "$1" "$2" >"$work/got" && diff "$work/$1" "$work/got"; }
# Since 2025 a plain dump has a random key in its \restrict line.
schema_of() { pg_dump --schema-only -d "$1" | grep -vE '^\\(un)?restrict '; }
same_schema() { diff <(schema_of kpi_dump) <(schema_of "$1"); }
lives() { sql -d "$1" -f "$here/life.sql" >"$work/got" && diff "$here/life.expected" "$work/got"; }

plain() { pg_dump kpi_dump | sql -d kpi_dump_plain; }
inserts() { pg_dump --inserts --quote-all-identifiers kpi_dump | sql -d kpi_dump_inserts; }
custom() { pg_dump -Fc kpi_dump | pg_restore --exit-on-error -d kpi_dump_custom; }
jobs() { pg_dump -Fd -j2 -f "$work/folder" kpi_dump && pg_restore --exit-on-error -j2 -d kpi_dump_jobs "$work/folder"; }
# Over a database that holds the same things already: without the extension nothing guards the pieces of its KPIs.
clean() {
  pg_dump -Fc kpi_dump | pg_restore --exit-on-error -d kpi_dump_clean &&
    sql -d kpi_dump_clean -c 'SET client_min_messages = error; DROP EXTENSION pg_kpi CASCADE' &&
    pg_dump -Fc kpi_dump | pg_restore --exit-on-error --clean --if-exists -d kpi_dump_clean
}
copy() { sql -c 'CREATE DATABASE kpi_dump_copy TEMPLATE kpi_dump'; }

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
  exit
}

drop_all
sql -c 'CREATE ROLE kpi_dump_clerk' -c 'CREATE DATABASE kpi_dump TEMPLATE template0'
check 'a database with KPIs' sql -d kpi_dump -f "$here/shop.sql"
answers kpi_dump >"$work/answers"
definitions kpi_dump >"$work/definitions"
touched kpi_dump >"$work/touched"
check 'its KPIs have answers' test "$(wc -l <"$work/answers")" -gt 1000
check 'it holds touched buckets' sql -d kpi_dump -c "SELECT 1 / (sum(touched_buckets) > 0)::int FROM kpi.rollup_status"

# Nothing below means anything without it.
if [ $failed -gt 0 ]; then finish; fi

for way in plain inserts custom jobs clean copy; do
  database=kpi_dump_$way
  if [ $way != copy ]; then sql -c "CREATE DATABASE $database TEMPLATE template0"; fi
  check "$way: restored without an error" $way
  check "$way: the same definitions" same definitions "$database"
  if [ $way = jobs ]; then
    check "$way: touched is at least what was" touched_at_least "$database"
  else
    check "$way: the same is touched" same touched "$database"
  fi
  check "$way: the same answers" same answers "$database"
  check "$way: its own dump is the same" same_schema "$database"
  check "$way: capture, refresh and new definitions work" lives "$database"
done

refused() { ! sql -d "$1" -c "$2"; }
dropped() {
  sql -d "$1" -v ON_ERROR_STOP=1 <<'SQL'
SET client_min_messages = error;
BEGIN;
INSERT INTO shop.orders VALUES (9200, '2026-01-20 12:00Z', 'south', 1, false);
DROP EXTENSION pg_kpi CASCADE;
COMMIT;
SQL
}
# Tables whole; no trigger, event trigger, view, table or function of ours (the empty schema kpi stays, as PostgreSQL leaves the
# schema that CREATE EXTENSION made); and writing goes on.
only_user_data() {
  diff - <(sql -d "$1" <<'SQL'
INSERT INTO shop.orders VALUES (9201, '2026-01-20 12:00Z', 'south', 1, false);
INSERT INTO "Odd Schema"."Odd ""Table" VALUES ('2026-01-05 00:00', 'after', 1);
TRUNCATE "Odd Schema".others;
SELECT 'orders', count(*) FROM shop.orders;
SELECT 'odd', count(*) > 0 FROM "Odd Schema"."Odd ""Table";
SELECT 'visits', count(*) FROM clerk.visits;
SELECT 'triggers', count(*) FROM pg_trigger WHERE NOT tgisinternal;
SELECT 'event triggers', count(*) FROM pg_event_trigger;
SELECT 'relations', count(*) FROM pg_class WHERE relnamespace::regnamespace::text IN ('kpi', 'kpi_rollup', 'kpi_views');
SELECT 'views elsewhere', string_agg(oid::regclass::text, ', ') FROM pg_class
WHERE relkind IN ('v', 'f', 'm') AND relnamespace::regnamespace::text IN ('shop', '"Odd Schema"', 'clerk');
SELECT 'schemas', string_agg(nspname, ', ' ORDER BY nspname) FROM pg_namespace WHERE nspname IN ('kpi', 'kpi_rollup');
ALTER TABLE shop.orders RENAME TO orders_renamed;
DROP TABLE clerk.visits;
SQL
  ) <<'EXPECTED'
orders|5005
odd|t
visits|301
triggers|0
event triggers|0
relations|0
views elsewhere|shop.late_orders
schemas|kpi
EXPECTED
}
again() {
  diff - <(sql -d "$1" <<'SQL'
SET client_min_messages = error;
CREATE EXTENSION pg_kpi;
SELECT kpi.create_source('orders', 'shop.orders_renamed', 'at', '{region}') IS NOT NULL;
SELECT kpi.create_kpi('revenue', 'orders', 'count(*)') IS NOT NULL;
SELECT sum(value) FROM kpi.value('revenue', 'year');
SQL
  ) <<'EXPECTED'
t
t
5005
EXPECTED
}
check 'DROP EXTENSION without CASCADE is refused while there are KPIs' refused kpi_dump_copy 'DROP EXTENSION pg_kpi'
check 'DROP EXTENSION CASCADE, with a write in its transaction' dropped kpi_dump_copy
check "it leaves the users' tables whole and nothing of ours" only_user_data kpi_dump_copy
check 'the extension can be created again, with the same names in it' again kpi_dump_copy

finish
