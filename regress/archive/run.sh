#!/usr/bin/env bash
# The life of an archived table: what moves to the store, how it is asked there, rows that come late, columns that change, what is
# restored, held and dropped, and what becomes of a copy of the database. On a partitioned table in a folder and in an S3 server, and on
# a hypertable where TimescaleDB is.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster.
# shellcheck source=regress/archive/store.bash
. "$(dirname "$0")/store.bash"
made && started_with_all || exit 1
sql postgres -c "CREATE DATABASE shop TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"
! has_timescaledb || sql shop -c 'SET client_min_messages = error' -c 'CREATE EXTENSION timescaledb'
sql shop -c 'CREATE EXTENSION pg_kpi'
ask() { sql shop -c "$1" 2>&1; }
# In the store, local, late.
places() { echo "$(archived shop "$1") $(local_rows shop "$1") $(ask "SELECT coalesce(late_rows, 0) FROM kpi.archive_status WHERE relation = '$1'::regclass")"; }

# life TABLE STORE KIND
life() {
  local t=$1 store=$2 kind=$3 held parts=3
  # TimescaleDB counts its 30 days from 1970 on, so a chunk more is old enough.
  [ "$kind" != hypertable ] || parts=4
  held=$(content shop "$t")
  plain=$(ask "SELECT device, count(*), sum(value), min(note), max(ts) FROM $t GROUP BY 1 ORDER BY 1")
  day=$(ask "SELECT sum(value), count(*) FROM $t WHERE ts >= '2024-02-05Z' AND ts < '2024-02-06Z'")
  retained shop "$t" "$store"
  is "$t: nothing moves before it is told to" '0 1510 0' "$(places "$t")"
  is "$t: kpi.retention_preview says what would" "archive $parts" "$(ask "SELECT action || ' ' || count(*) FROM kpi.retention_preview('$t') GROUP BY action")"
  is "$t: kpi.archive" '' "$(archive shop "$t")"
  is "$t: what is old enough is in the store" '1500 10 0' "$(places "$t")"
  exact "$t: archived" shop "$t" "$held"
  is "$t: kpi.archive_status" "$store|$parts|1500|0|0" "$(ask "SELECT store, objects, rows, late_rows, unfinished FROM kpi.archive_status WHERE relation = '$t'::regclass" | sed 's/||/|0|/')"
  is "$t: groups" "$plain" "$(ask "SELECT device, count(*), sum(value), min(note), max(ts) FROM $t GROUP BY 1 ORDER BY 1")"
  is "$t: a day" "$day" "$(ask "SELECT sum(value), count(*) FROM $t WHERE ts >= '2024-02-05Z' AND ts < '2024-02-06Z'")"
  is "$t: kpi.verify_archive" "$parts|1500|t" "$(ask "SELECT count(*), sum(rows), bool_and(ok) FROM kpi.verify_archive('$t')")"
  [ "$store" = folder ] || requests_from_here
  is "$t: kpi.archive again" '' "$(archive shop "$t")"
  [ "$store" = folder ] || is "$t: it uploads nothing" 0 "$(requests PUT)"
  is "$t: it changes nothing" '1500 10 0' "$(places "$t")"

  # Late rows.
  sql shop -c "INSERT INTO $t VALUES ('2024-01-10 12:00Z', 100, 7, 'late'), ('2024-03-10Z', 100, 8, 'late')" -c "COPY $t FROM STDIN" <<<"2024-02-10 00:00:00+00	100	9	late by COPY"
  is "$t: late rows are read with the others" '3|24' "$(ask "SELECT count(*), sum(value) FROM $t WHERE device = 100")"
  [ "$kind" = hypertable ] || is "$t: they are local" '1500 10 3' "$(places "$t")"
  with_late=$(content shop "$t")
  is "$t: kpi.archive merges them" '' "$(archive shop "$t")"
  is "$t: into the store" '1503 10 0' "$(places "$t")"
  exact "$t: merged" shop "$t" "$with_late"
  is "$t: and is done" '' "$(archive shop "$t")"
  is "$t: what they were merged with is deleted" '' "$(ask "SELECT kpi.apply_retention('$t')" | sed 's/^0$//')"

  # Writing to archived rows.
  fails "$t: UPDATE of archived rows" 'HINT:.*kpi.restore' shop -c "UPDATE $t SET value = 0 WHERE ts < '2024-02-01Z'"
  fails "$t: DELETE of archived rows" 'HINT:.*kpi.restore' shop -c "DELETE FROM $t WHERE ts < '2024-02-01Z'"
  is "$t: UPDATE and DELETE of none of them" '' "$(ask "UPDATE $t SET value = value WHERE ts > '2024-04-01Z'; DELETE FROM $t WHERE ts < '2024-02-01Z' AND device = -5")"
  exact "$t: nothing has changed" shop "$t" "$with_late"

  # Restoring.
  sql shop -c "CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''a trigger has seen it''; END'" \
    -c "CREATE TRIGGER seen AFTER INSERT ON $t FOR EACH ROW EXECUTE FUNCTION seen()" 2>&1
  is "$t: kpi.restore of a month" '' "$(restore shop "$t" 2024-02-01Z 2024-03-01Z)"
  sql shop -c "DROP FUNCTION seen() CASCADE" 2>/dev/null
  exact "$t: restored in the middle" shop "$t" "$with_late"
  is "$t: its rows can be written" '' "$(ask "UPDATE $t SET note = note || '!' WHERE ts >= '2024-02-01Z' AND ts < '2024-03-01Z'")"
  changed=$(content shop "$t")
  is "$t: archived again" '' "$(archive shop "$t")"
  # A month is not a chunk: objects of which a part was restored show the rest.
  if [ "$kind" = hypertable ]; then
    is "$t: all are in the store" '10 0' "$(places "$t" | cut -d ' ' -f 2-)"
  else
    is "$t: all are in the store" '1503 10 0' "$(places "$t")"
  fi
  exact "$t: archived again" shop "$t" "$changed"
  is "$t: kpi.restore of some days, across objects" '' "$(restore shop "$t" '2024-01-20 13:30Z' '2024-02-10 17:00Z')"
  exact "$t: some days restored" shop "$t" "$changed"
  is "$t: and archived" '' "$(archive shop "$t")"
  exact "$t: some days archived" shop "$t" "$changed"
  is "$t: objects verify" t "$(ask "SELECT bool_and(ok) FROM kpi.verify_archive('$t')")"

  # Columns.
  sql shop -c "ALTER TABLE $t ADD extra int DEFAULT 5" -c "ALTER TABLE $t RENAME note TO remark" -c "ALTER TABLE $t ADD empty text" 2>&1
  is "$t: columns added with and without a default, and renamed" '1513|7565|1513|0' "$(ask "SELECT count(*), sum(extra), count(remark), count(empty) FROM $t")"
  sql shop -c "ALTER TABLE $t ALTER device TYPE bigint" 2>&1
  is "$t: a column made wider" '1513|100' "$(ask "SELECT count(device), max(device) FROM $t")"
  fails "$t: a default that differs by row is not for archived rows" '0A000: .*not known.*HINT:.*SET DEFAULT' shop -c "ALTER TABLE $t ADD random float8 DEFAULT random()"
  sql shop -c "ALTER TABLE $t DROP remark" 2>&1
  is "$t: a column dropped" '1513' "$(ask "SELECT count(*) FROM $t WHERE extra = 5")"
  sql shop -c "INSERT INTO $t VALUES ('2024-01-11Z', 100, 9, 6, 'x')" 2>&1
  is "$t: a late row with them" '6|x' "$(ask "SELECT extra, empty FROM $t WHERE extra = 6")"
  with_late=$(content shop "$t")
  is "$t: merged with older objects" '' "$(archive shop "$t")"
  exact "$t: merged" shop "$t" "$with_late"
  is "$t: all restored" '' "$(restore shop "$t")"
  is "$t: all are local" '0 1514 0' "$(places "$t")"
  exact "$t: all restored" shop "$t" "$with_late"
  is "$t: archived once more" '' "$(archive shop "$t")"
  exact "$t: once more" shop "$t" "$with_late"

  # Holds and dropping.
  hold=$(ask "SELECT kpi.hold('$t', 'a court says so', '2024-02-10Z', '2024-02-11Z')")
  sql shop -c "SELECT kpi.set_retention('$t', archive_after => '90 days', drop_after => '100 days', store => '$store', schedule => NULL, grace => '0')" >/dev/null
  like "$t: kpi.retention_preview says what would be dropped, and what is held" 'drop.*hold.*drop|hold' "$(ask "SELECT string_agg(action, ' ' ORDER BY since) FROM kpi.retention_preview('$t')")"
  exact "$t: nothing is dropped by a preview" shop "$t" "$with_late"
  ask "SELECT kpi.apply_retention('$t')" >/dev/null
  is "$t: what is held stays" t "$(ask "SELECT count(*) > 0 AND min(ts) <= '2024-02-10Z' AND count(*) FILTER (WHERE ts >= '2024-02-10Z' AND ts < '2024-02-11Z') > 0 FROM $t WHERE ts < '2024-04-01Z'")"
  ask "SELECT kpi.release($hold)" >/dev/null
  ask "SELECT kpi.apply_retention('$t')" >/dev/null
  is "$t: what is old is dropped" '0|10' "$(ask "SELECT count(*) FILTER (WHERE ts < '2024-04-01Z'), count(*) FROM $t")"
  ask "SELECT kpi.apply_retention('$t')" >/dev/null
  is "$t: its objects are deleted" 0 "$(ask "SELECT count(*) FROM kpi.archive_file f JOIN kpi.retention r ON r.id = f.retention_id WHERE r.relation = '$t'::regclass")"
}

# What was restored stays for a while.
kept() {
  partitioned shop kept
  retained shop kept folder
  archive shop kept
  is 'kpi.restore for an hour' '' "$(ask "CALL kpi.restore('kept', '2024-02-10Z', '2024-02-20Z', keep => '1 hour')")"
  held=$(content shop kept)
  is 'kpi.archive leaves what was restored' '' "$(archive shop kept)"
  like 'it is local' '^[0-9]* [1-9][0-9][0-9] 0$' "$(places kept)"
  is 'also when it is to archive all before a time' '' "$(ask "CALL kpi.archive('kept', until => '2024-04-01Z')")"
  like 'it is local still' '^[0-9]* [1-9][0-9][0-9] 0$' "$(places kept)"
  sql shop -c 'UPDATE kpi.archive_restored SET local_until = now()'
  archive shop kept
  is 'after that hour it is archived' '10 0' "$(places kept | cut -d ' ' -f 2-)"
  exact 'after that hour' shop kept "$held"
}
# Jobs do what a retention says.
jobs_do_it() {
  soon 'a worker' running is_running shop
  partitioned shop by_jobs
  held=$(content shop by_jobs)
  ask "SELECT kpi.set_retention('by_jobs', archive_after => '90 days', store => 'folder', grace => '0', schedule => '1 s')" >/dev/null
  soon 'a job archives' '1500 10 0' places by_jobs
  exact 'a job has archived' shop by_jobs "$held"
  sql shop -c "INSERT INTO by_jobs VALUES ('2024-01-10 12:00Z', 100, 7, 'late')"
  soon 'a job merges late rows' '1501 10 0' places by_jobs
  soon 'a job deletes what they were merged with' 3 ask "SELECT objects + objects_to_delete FROM kpi.archive_status WHERE relation = 'by_jobs'::regclass"
  sql shop -c 'ALTER TABLE by_jobs RENAME TO now_by_jobs'
  is 'jobs follow a table that is renamed' 'archive public.now_by_jobs, retention public.now_by_jobs' "$(ask "SELECT string_agg(name, ', ' ORDER BY name) FROM kpi.jobs WHERE name LIKE '%by_jobs'")"
  ask "SELECT kpi.set_retention('now_by_jobs', archive_after => '90 days', drop_after => '100 days', store => 'folder', grace => '0', schedule => '1 s')" >/dev/null
  soon 'a job drops what is old' 10 ask 'SELECT count(*) FROM now_by_jobs'
  is 'no job has failed' 0 "$(ask "SELECT count(*) FROM kpi.job_runs WHERE job LIKE '%by_jobs' AND outcome NOT IN ('succeeded', 'running')")"
  sql shop -c 'DROP TABLE now_by_jobs'
  is 'they go with the table' 0 "$(ask "SELECT count(*) FROM kpi.jobs WHERE name LIKE '%by_jobs'")"
}

file_server shop folder
is 'kpi.check_store of a folder' t "$(ask "SELECT bool_and(ok) FROM kpi.check_store('folder')")"
partitioned shop in_folder
life in_folder folder native
is 'the folder is empty' 0 "$(find "$work/folder" -name '*.parquet' | wc -l)"
kept
jobs_do_it

if has_timescaledb; then
  hypertable shop hyper
  life hyper folder hypertable
  hypertable shop chunks
  retained shop chunks folder
  held=$(content shop chunks)
  archive shop chunks
  exact 'a hypertable with a primary key' shop chunks "$held"
else
  skip 'hypertables need TimescaleDB'
fi

if s3_started; then
  s3_server shop bucket
  is 'kpi.check_store of a bucket' t "$(ask "SELECT bool_and(ok) FROM kpi.check_store('bucket')")"
  is 'it leaves nothing there' 0 "$(objects | wc -l)"
  partitioned shop in_bucket
  life in_bucket bucket native
  whole 'the bucket' shop
  is 'the bucket is empty but for tombstones' '' "$(objects | grep -v '[.]gone$')"

  # What is wrong with a store, in words.
  sql shop -v url="s3://$S3_BUCKET/$S3_PREFIX" -v endpoint="$PROXY_ENDPOINT" <<'SQL'
CREATE SERVER stranger FOREIGN DATA WRAPPER kpi_archive OPTIONS (url :'url', region 'garage', endpoint :'endpoint');
CREATE USER MAPPING FOR CURRENT_USER SERVER stranger OPTIONS (access_key_id 'GK000000000000000000000000', secret_access_key 'nobody knows');
CREATE SERVER nowhere FOREIGN DATA WRAPPER kpi_archive OPTIONS (url 's3://bucket', region 'garage', endpoint 'http://127.0.0.1:1');
CREATE USER MAPPING FOR CURRENT_USER SERVER nowhere OPTIONS (access_key_id 'GK000000000000000000000000', secret_access_key 'nobody knows');
SQL
  like 'a wrong key: kpi.check_store says so' 'f.*(denied|refused|403)' "$(ask "SELECT ok, message FROM kpi.check_store('stranger')" | head -1)"
  like 'nobody there: kpi.check_store says so' 'f.*127.0.0.1:1' "$(ask "SELECT ok, message FROM kpi.check_store('nowhere')" | head -1)"
else
  skip "$S3_REASON"
fi

# A copy of the database reads the original's objects and neither changes nor deletes them ----------------------------------------------

partitioned shop original
# A dump counts columns anew: files must not know them by that number.
sql shop -c 'ALTER TABLE original DROP device' -c 'ALTER TABLE original ADD device int'
retained shop original folder
archive shop original
sql shop -c 'ALTER TABLE original RENAME note TO remark' -c 'ALTER TABLE original ADD note text DEFAULT $$none$$' -c 'ALTER TABLE original DROP device'
held=$(content shop original)
count=$(find "$work/folder" -name '*.parquet' | wc -l)
sql postgres -c 'SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $$shop$$ AND pid <> pg_backend_pid()' >/dev/null
pg_dump -Fc -d shop -f "$work/dump" 2>"$work/dump.log"
sql postgres -c "CREATE DATABASE copy TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"
! has_timescaledb || sql copy -c 'SET client_min_messages = error' -c 'CREATE EXTENSION timescaledb' -c 'SELECT timescaledb_pre_restore()' >/dev/null
is 'a dump can be restored' '' "$(pg_restore -d copy "$work/dump" 2>&1 | grep -v -i timescaledb)"
! has_timescaledb || sql copy -c 'SELECT timescaledb_post_restore()' >/dev/null
is 'the copy reads the same rows' "$held" "$(content copy original)"
plain=$(sql shop -c 'SELECT count(*), sum(value), max(remark), min(note), count(ts) FROM original')
is 'and the same columns' "$plain" "$(sql copy -c 'SELECT count(*), sum(value), max(remark), min(note), count(ts) FROM original')"
fails 'the copy does not archive' 'HINT:.*kpi.own_archive' copy -c "INSERT INTO original (ts, value) VALUES ('2024-01-10Z', 1)" -c "CALL kpi.archive('original')"
sql copy -c 'DROP TABLE original' -c "SELECT kpi.apply_retention(relation) FROM kpi.retention" >/dev/null 2>&1
is 'the copy has deleted nothing' "$count" "$(find "$work/folder" -name '*.parquet' | wc -l)"
is 'the original is whole' "$held" "$(content shop original)"
closing
