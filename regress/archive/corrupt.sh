#!/usr/bin/env bash
# Objects that are not what they were: a bit flipped, cut off, exchanged, missing, empty. Reading them is an error that names the object,
# never fewer or other rows; so is restoring and verifying; and what is whole is read as before.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster.
# shellcheck source=regress/archive/store.bash
. "$(dirname "$0")/store.bash"
made && started || exit 1
sql postgres -c 'CREATE DATABASE shop TEMPLATE template0' && sql shop -c 'CREATE EXTENSION pg_kpi'
file_server shop cold
partitioned shop m 5000
held=$(content shop m)
# The first value of each column is on the first page, so a flipped bit is in what is read, wherever it is.
march=$(sql shop -c "SELECT count(*), sum(value) FROM m WHERE ts >= '2024-03-01Z'")
retained shop m cold
is 'it is archived' '' "$(archive shop m)"
exact 'whole' shop m "$held"
mapfile -t files < <(find "$work/cold" -name '*.parquet' | LC_ALL=C sort)
is 'an object for each month' 3 "${#files[@]}"
# The object of January.
january=$(sql shop -c "SELECT key FROM kpi.archive_file ORDER BY since LIMIT 1")
for file in "${files[@]}"; do
  if [[ $file = *"$january" || ${file##*cold/} = "$january" ]]; then damaged=$file; else other=$file; fi
done
name=${january##*/} intent=${january%/*} intent=${intent##*/}
cp "$damaged" "$work/whole"
size=$(stat -c %s "$damaged")
# Each time in another session: what a session has cached is not what is in the store.
repaired() { as_server cp "$work/whole" "$damaged"; }
chmod 644 "$work/whole"
# errors WHAT: all ways to read it say so and name it.
errors() {
  fails "$1: reading" "(XX|58|HV|08)[0-9A-Z]{3}: .*$intent.*$name" shop -c 'SELECT sum(hashtextextended(m::text, 0)::numeric) FROM m'
  fails "$1: restoring" "$intent.*$name" shop -c "CALL kpi.restore('m', '2024-01-01Z', '2024-02-01Z', keep => '0')"
  like "$1: verifying" "$intent.*$name" "$(problems shop m)"
  is "$1: what is whole is read" "$march" "$(sql shop -c "SELECT count(*), sum(value) FROM m WHERE ts >= '2024-03-01Z'" 2>&1)"
}
truncate_to() { as_server truncate -s "$1" "$damaged"; }
for part in 0 "$((size / 2))" "$((size - 1))" "$((size - 9))"; do
  truncate_to "$part"
  errors "cut off after $part of $size bytes"
  repaired
done
as_server cp "$other" "$damaged"
errors 'the object of another month'
repaired
as_server rm "$damaged"
errors 'missing'
as_server cp "$work/whole" "$damaged"
as_server tee -a "$damaged" >/dev/null <<<'more'
# What is behind the end is not read.
exact 'longer' shop m "$held"
like 'longer: verifying' "$intent.*$name" "$(problems shop m)"
repaired
# flip POSITION: one bit.
flip() {
  as_server python3 -c '
import sys
path, position = sys.argv[1], int(sys.argv[2])
with open(path, "r+b") as file:
    file.seek(position)
    byte = file.read(1)[0]
    file.seek(position)
    file.write(bytes([byte ^ 1 << position % 8]))' "$damaged" "$1"
}
# Bits all over the object: of data, page headers, indexes, footer. Some of them nobody reads; then all rows are as they were.
count=${ARCHIVE_FLIPS:-60} wrong='' noticed=0
for ((i = 0; i < count; i++)); do
  position=$((i * (size - 1) / (count - 1)))
  flip "$position"
  said=$(psql -XqAt -v ON_ERROR_STOP=1 -d shop -c "SELECT count(*) || ' rows ' || sum(hashtextextended(m::text, 0)::numeric) FROM m m" 2>&1)
  case $said in
    "$held") ;;
    *ERROR:*"$intent"*) noticed=$((noticed + 1)) ;;
    *) wrong+="$position: $said"$'\n' ;;
  esac
  verified=$(problems shop m)
  if [[ $said = *ERROR:* && $verified != *"$intent"* ]]; then wrong+="$position: verify_archive says $verified"$'\n'; fi
  repaired
done
echo "# of $count flipped bits, reading noticed $noticed"
is 'a flipped bit, anywhere: an error that names the object, or all rows' '' "$wrong"
is 'most of them are noticed' yes "$([ $((noticed * 10)) -ge $((count * 8)) ] && echo yes || echo "no, $noticed of $count")"
exact 'whole again' shop m "$held"
is 'it is restored' '' "$(restore shop m)"
exact 'restored' shop m "$held"
is 'the server has not crashed' 0 "$(grep -c 'was terminated by signal' "$data/log")"
closing
