#!/usr/bin/env bash
# Every built-in type, and types of the user's own, come back from the archive bit by bit: types.sql says which values. Times, dates and
# local times are what the rows are archived by.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster.
# shellcheck source=regress/archive/store.bash
. "$(dirname "$0")/store.bash"
made && started || exit 1
sql postgres -c "CREATE DATABASE types TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'" && sql types -c 'CREATE EXTENSION pg_kpi'
file_server types cold
is 'all types, in the archive and out of it' '' "$(psql -XqAt -d types -v store=cold -f "$here/types.sql" 2>&1 | head -50)"

# What rows are archived by may be of three types.
for type in timestamptz timestamp date; do
  sql types -v t="by_$type" -v type=$type <<'SQL'
CREATE TABLE :"t" (at :type NOT NULL, n int) PARTITION BY RANGE (at);
SELECT format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%L)', :'t' || '_ancient', :'t', 'MINVALUE', '2024-01-01') \gexec
SELECT format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', :'t' || '_old', :'t', '2024-01-01', '2024-02-01') \gexec
SELECT format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%s)', :'t' || '_hot', :'t', '2024-02-01', 'MAXVALUE') \gexec
INSERT INTO :"t" VALUES ('-infinity', 1), ('0044-03-15 BC', 2), ('1969-12-31', 3), ('1999-12-31', 4), ('2000-01-01', 5), ('2024-01-01', 6), ('2024-01-31', 7), ('2024-02-01', 8), ('infinity', 9);
SQL
  before=$(content types by_$type)
  retained types by_$type cold
  is "by $type: archived" '' "$(archive types by_$type)"
  is "by $type: seven rows are in the store" 7 "$(archived types by_$type)"
  exact "by $type" types by_$type "$before"
  is "by $type: a comparison" '1 2 3 4 5' "$(sql types -c "SELECT string_agg(n::text, ' ' ORDER BY n) FROM by_$type WHERE at < '2000-01-02'")"
  is "by $type: equality" '2|7' "$(sql types -c "SELECT min(n), max(n) FROM by_$type WHERE at IN ('0044-03-15 BC', '2024-01-31')")"
  is "by $type: restored" '' "$(restore types by_$type)"
  exact "by $type, restored" types by_$type "$before"
done
closing
