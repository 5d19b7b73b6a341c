#!/usr/bin/env bash
# Others read the files: DuckDB and pyarrow find the rows, sums and extremes that the database says, and ordinary types are ordinary ones.
#
# Needs PGHOST, PGPORT, PGUSER and PGDATABASE of a database with pg_kpi on this machine, and PG_RUNAS; DuckDB and pyarrow are fetched
# into the build cache.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd -P)
export PSQLRC=/dev/null PGTZ=UTC PGOPTIONS='-c client_min_messages=warning'
passed=0 failed=0
is() {
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1))
    echo "ok - $1"
  else
    failed=$((failed + 1))
    printf 'not ok - %s\n#   expected: %s\n#   got:      %s\n' "$1" "$2" "$3"
  fi
}
ask() { psql -XqAt -v ON_ERROR_STOP=1 "${@:2}" -c "$1" 2>&1; }
place=$("$here/install" readers) || {
  printf 'skip - %s\n0 passed, 0 failed, 1 skipped\n' "$place"
  exit 0
}
read -ra as <<<"${PG_RUNAS:-}"
work=$(mktemp -d /tmp/kpi.XXXXXX)
finish() {
  ask 'DROP TABLE IF EXISTS reading' >/dev/null
  ask 'DROP SERVER IF EXISTS files CASCADE' >/dev/null
  rm -rf "$work"
}
trap finish EXIT
mkdir "$work/files"
[ ${#as[@]} -eq 0 ] || chown -R "${as[2]}" "$work"

psql -XqAt -v ON_ERROR_STOP=1 -v url="file://$work/files" <<'SQL' || failed=1
CREATE SERVER files FOREIGN DATA WRAPPER kpi_archive OPTIONS (url :'url');
CREATE TABLE reading (ts timestamptz NOT NULL, device int, value float8, amount numeric(12,2), note text, flag bool, day date, key uuid, raw bytea,
    small smallint, big bigint, ratio real, local timestamp, at time, doc jsonb, exact numeric, tags text[]) PARTITION BY RANGE (ts);
SELECT format('CREATE TABLE reading_%s PARTITION OF reading FOR VALUES FROM (%L) TO (%L)', to_char(m, 'MM'), m, m + interval '1 month')
FROM generate_series(timestamptz '2024-01-01Z', '2024-03-01Z', '1 month') m \gexec
INSERT INTO reading SELECT timestamptz '2024-01-01Z' + i * interval '5 minutes', nullif(i % 10, 7), (i % 4000) / 8.0, (i * 37 % 100003 - 50000) / 100.0,
    CASE WHEN i % 6 > 0 THEN 'ünï ' || i END, i % 3 = 0, date '2024-01-01' + i % 100, md5((i % 5000)::text)::uuid, decode(md5(i::text), 'hex'),
    i % 100, i * 1000000007::bigint, i / 4.0, timestamp '2024-01-01' + i * interval '1 minute', time '00:00' + i * interval '1 second', jsonb_build_object('i', i), i * 1.1, ARRAY['a', 'b']
FROM generate_series(0, 25000) i;
SQL
expected=$(ask "SELECT count(*), count(device), sum(device), sum(value), sum(amount), count(note), min(note COLLATE \"C\"), max(note COLLATE \"C\"), to_char(min(ts) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
    to_char(max(ts) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), min(day), max(day), count(DISTINCT key), count(*) FILTER (WHERE flag), sum(octet_length(raw)) FROM reading")
filtered=$(ask "SELECT count(*), sum(amount) FROM reading WHERE device = 3 AND ts >= '2024-02-01Z'")
# Floating point without trailing zeros, as all three say it.
plain() { sed -E 's/([0-9])\.0(\||$)/\1\2/g'; }
# What is restored whole is one partition, so it is one object afterwards.
objects=3
for compression in zstd gzip snappy lz4 none; do
  ask "SELECT kpi.set_retention('reading', archive_after => '90 days', store => 'files', compression => '$compression', bloom => '{device}', schedule => NULL, grace => '0')" >/dev/null
  is "$compression: archived" '' "$(ask "CALL kpi.archive('reading')")"
  is "$compression: an object for each partition" $objects "$(find "$work/files" -name '*.parquet' | wc -l)"
  for program in duckdb pyarrow; do
    got=$("$place/bin/python" "$here/readers.py" $program "$work/files" 2>&1)
    is "$compression: what $program says of all rows" "$(plain <<<"$expected")" "$(head -1 <<<"$got" | plain)"
    is "$compression: what $program says of some rows" "$filtered" "$(sed -n 2p <<<"$got")"
  done
  if [ $compression = zstd ]; then schema=$("$place/bin/python" "$here/readers.py" schema "$work/files" 2>&1); fi
  is "$compression: restored" '' "$(ask "CALL kpi.restore('reading', keep => '0')")"
  ask "SELECT kpi.apply_retention('reading')" >/dev/null
  objects=1
done
is 'ordinary types are ordinary ones' 'ts|timestamp[us, tz=UTC]
device|int32
value|double
amount|decimal128(12, 2)
note|string
flag|bool
day|date32[day]
key|extension<arrow.uuid>
raw|binary
small|int16
big|int64
ratio|float
local|timestamp[us]
at|time64[us]
doc|string
exact|string
tags|string
ts|TIMESTAMP WITH TIME ZONE
device|INTEGER
value|DOUBLE
amount|DECIMAL(12,2)
note|VARCHAR
flag|BOOLEAN
day|DATE
key|UUID
raw|BLOB
small|SMALLINT
big|BIGINT
ratio|FLOAT
local|TIMESTAMP
at|TIME
doc|VARCHAR
exact|VARCHAR
tags|VARCHAR' "$schema"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
