#!/usr/bin/env bash
# The time helpers give what TimescaleDB's functions of the same names give, over random arguments: every type, widths of all
# sorts, zones that change their clocks, origins, offsets, times from the first to the last that there are. Both sides run in one
# server, row by row; an error counts as a result, by its SQLSTATE. What differs on purpose is asked for in tests of its own.
#
# Needs PGHOST, PGPORT, PGUSER and PGDATABASE of a database with pg_kpi and TimescaleDB in it. ROWS is the number of random
# calls per form (5000), SEED makes another set of them (SEED=0.$RANDOM a random one).
set -uo pipefail
passed=0 failed=0 skipped=0
export PSQLRC=/dev/null PGOPTIONS='-c client_min_messages=warning -c timezone=UTC'
ROWS=${ROWS:-5000}
SEED=${SEED:-0.42}
sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

if [ "$(sql -c "SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'")" != 1 ]; then
  echo "skipped: this server has no TimescaleDB to compare with"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi
echo "# SEED=$SEED ROWS=$ROWS, TimescaleDB $(sql -c "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'")"

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

sql <<'SQL' || exit 1
CREATE SCHEMA compare;
-- The result of a call as text, or its error.
CREATE FUNCTION compare.outcome(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  EXECUTE 'SELECT (' || call || ')::text' INTO result;
  RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
  RETURN 'error ' || SQLSTATE;
END $$;

-- One of the alternatives, at random.
CREATE FUNCTION compare.one_of(VARIADIC alternatives text[]) RETURNS text LANGUAGE sql VOLATILE
  AS $$ SELECT alternatives[1 + floor(random() * cardinality(alternatives))::int] $$;

-- Half of the times of our days, some around changes of the clock, the others from all of time.
CREATE FUNCTION compare.some_time() RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT quote_literal(CASE
    WHEN r < 0.5 THEN timestamp '1960-01-01' + random() * interval '120 years'
    WHEN r < 0.7 THEN (ARRAY[timestamp '2024-03-31 01:00', '2024-10-27 01:00', '2025-03-09 07:00', '2025-11-02 06:00',
                             '2011-12-30 10:00', '2024-10-05 15:30', '1945-05-24 00:00', '1900-01-01 00:00'])
                      [1 + floor(random() * 8)::int] + (random() - 0.5) * interval '8 hours'
    WHEN r < 0.8 THEN timestamp '4714-11-24 BC' + random() * random() * interval '6700 years'
    WHEN r < 0.9 THEN timestamp '294276-12-31 23:59:59.999999' - random() * random() * random() * interval '292000 years'
    WHEN r < 0.96 THEN date_trunc((ARRAY['hour', 'day', 'week', 'month', 'year'])[1 + floor(random() * 5)::int],
                                  timestamp '1900-01-01' + random() * interval '300 years')
    WHEN r < 0.98 THEN timestamp 'infinity'
    ELSE timestamp '-infinity' END)
  FROM (SELECT random() AS r) AS choice $$;

CREATE FUNCTION compare.finite_time() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE t text;
BEGIN
  LOOP
    t := compare.some_time();
    EXIT WHEN t NOT LIKE '%infinity%';
  END LOOP;
  RETURN t;
END $$;

CREATE FUNCTION compare.some_width() RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT format('interval %L', CASE
    WHEN r < 0.25 THEN compare.one_of('1 second', '1 minute', '5 minutes', '15 minutes', '1 hour', '6 hours', '1 day', '1 week',
                                      '10 days', '00:00:00.000001', '7 seconds', '1000 days')
    WHEN r < 0.5 THEN compare.one_of('1 month', '2 months', '3 months', '1 year', '7 months', '10 years', '100 years', '13 months')
    WHEN r < 0.8 THEN floor(random() * 400)::int || ' days ' || floor(exp(random() * 25))::bigint || ' microseconds'
    WHEN r < 0.9 THEN floor(random() * 100000)::int || ' days'
    WHEN r < 0.95 THEN floor(1 + random() * 5000)::int || ' months'
    ELSE compare.one_of('0', '-1 day', '-1 month', '1 month 1 day', '1 month 00:00:01', '1 day -25 hours', '2 days -25 hours',
                        '-1 month 40 days', '1 year -1 second') END)
  FROM (SELECT random() AS r) AS choice $$;

CREATE FUNCTION compare.some_days() RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT format('interval %L', CASE
    WHEN r < 0.5 THEN floor(random() * 1000)::int || ' days'
    WHEN r < 0.8 THEN floor(1 + random() * 500)::int || ' months'
    ELSE compare.one_of('24 hours', '48 hours', '1 hour', '36 hours', '0', '-7 days', '1 month 1 day', '1 day 24 hours') END)
  FROM (SELECT random() AS r) AS choice $$;

CREATE FUNCTION compare.some_offset() RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT format('interval %L', CASE
    WHEN r < 0.5 THEN compare.one_of('1 hour', '-3 hours', '1 day', '-1 day', '12:34:56.789', '6 hours', '0')
    WHEN r < 0.8 THEN (floor(random() * 80) - 40)::int || ' months ' || (floor(random() * 80) - 40)::int || ' days '
                      || (floor(random() * 400000) - 200000)::int || ' seconds'
    ELSE (floor(random() * 4000000) - 2000000)::int || ' milliseconds' END)
  FROM (SELECT random() AS r) AS choice $$;

CREATE FUNCTION compare.some_zone() RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT quote_literal(CASE
    WHEN r < 0.6 THEN compare.one_of('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia', 'Asia/Kathmandu',
                                     'America/St_Johns', 'Africa/Casablanca', 'Europe/Dublin', 'Antarctica/Troll', 'America/Sao_Paulo')
    WHEN r < 0.7 THEN compare.one_of('CET', 'EST', 'MSK', 'EST5EDT', '+02:00', '<+05>-5', 'utc+3', 'europe/paris', 'CET-1CEST,M3.5.0/2,M10.5.0/3')
    WHEN r < 0.72 THEN 'Nowhere/Land'
    ELSE (SELECT name FROM pg_timezone_names ORDER BY random() LIMIT 1) END)
  FROM (SELECT random() AS r) AS choice $$;

-- Near zero, near the ends of the type, or anywhere in it.
CREATE FUNCTION compare.some_integer(bits int) RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT quote_literal(CASE
    WHEN r < 0.4 THEN (floor(random() * 200) - 100)::numeric
    WHEN r < 0.5 THEN power(2::numeric, bits - 1) - 1 - floor(random() * 20)::int
    WHEN r < 0.6 THEN -power(2::numeric, bits - 1) + floor(random() * 20)::int
    ELSE round((random()::numeric - 0.5) * power(2::numeric, bits) * 0.999) END::numeric(20, 0)::text)
  FROM (SELECT random() AS r) AS choice $$;
CREATE FUNCTION compare.some_integer_width(bits int) RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT CASE WHEN random() < 0.7 THEN quote_literal(floor(random() * 100)::int) ELSE compare.some_integer(bits) END $$;
SQL

# compare WHAT ARGUMENTS [EXCEPT]: calls both with ROWS sets of arguments, each an SQL expression that makes their text. EXCEPT is
# a condition on theirs and ours, for what is known to differ. The run must have given both results and errors.
compare() {
  local name=$1 arguments=$2 except=${3:-false} got
  got=$(sql -v rows="$ROWS" -v seed="$SEED" -v arguments="$arguments" <<SQL
SELECT setseed(:seed) \g /dev/null
CREATE TEMP TABLE called AS
SELECT call, compare.outcome('public.' || call) AS theirs, compare.outcome('kpi.' || call) AS ours
FROM (SELECT 'time_bucket(' || concat_ws(', ', $arguments) || ')' AS call FROM generate_series(1, :rows)) AS calls;
SELECT 'differ: ' || call || ' theirs ' || theirs || ' ours ' || ours FROM called
WHERE theirs <> ours AND ($except) IS NOT TRUE
  -- Which of two errors in one call is found first is nobody's business.
  AND NOT (theirs IN ('error 22023', 'error 0A000', 'error 22008') AND ours IN ('error 22023', 'error 0A000'))
LIMIT 5;
SELECT CASE WHEN count(*) FILTER (WHERE theirs NOT LIKE 'error%') > :rows / 2 THEN 'alike' ELSE 'too few results' END FROM called;
SQL
  )
  is "$name" alike "$got"
}

# Known to differ, each with the condition that theirs cannot be right or ours is.
# A number on its way to the result does not fit the type, the result does: they refuse. Ours is checked by its definition.
number="split_part(call, '''', 4)::numeric" width="split_part(call, '''', 2)::numeric" offset="split_part(call, '''', 6)::numeric"
integers="CASE
  WHEN theirs = 'error 22003' AND ours !~ 'error' THEN
    ours::numeric <= $number AND $number < ours::numeric + $width AND (ours::numeric - $offset) % $width = 0
  -- The start does not fit the type: they wrap around to one behind the number.
  WHEN ours = 'error 22003' AND theirs !~ 'error' THEN theirs::numeric > $number END"
# Months before our era: they take February to start on the 29th of January or so.
months="call ~ 'interval ''[0-9]+ (month|year)' AND theirs ~ ' BC$' AND ours ~ ' BC$'"
# Their dates reach below what the type date can hold, and cannot be read back.
dates="$months OR ours = 'error 22008' AND CASE WHEN theirs ~ '^[0-9]+-.* BC$' THEN split_part(theirs, '-', 1)::int >= 4714 END"

# The distance from an origin at one end of time to a time at the other does not fit their arithmetic, the result does: they refuse.
# Ours is checked by its definition, in seconds. far TYPE: the condition for calls with times of that type.
far() {
  local start="extract(epoch FROM ours::$1::timestamp)" width="extract(epoch FROM split_part(call, '''', 2)::interval)"
  local time="extract(epoch FROM split_part(call, '''', 4)::$1::timestamp)" origin="extract(epoch FROM split_part(call, '''', 6)::$1::timestamp)"
  echo "CASE WHEN theirs = 'error 22003' AND ours !~ 'error' AND call !~ 'interval ''[0-9]+ (month|year)' THEN
    $start <= $time AND $time < $start + $width AND ($start - $origin) % $width = 0 END"
}

# Infinite times are their own buckets, but we look whether the zone is one.
zones="$months OR call ~ 'Nowhere' AND theirs ~ 'infinity' AND ours = 'error 22023'"

for type in timestamp timestamptz; do
  compare "time_bucket(interval, $type)" "compare.some_width(), '$type ' || compare.some_time()" "$months"
  compare "time_bucket(interval, $type, origin)" "compare.some_width(), '$type ' || compare.some_time(), '$type ' || compare.finite_time()" "$months OR $(far $type)"
  compare "time_bucket(interval, $type, offset)" "compare.some_width(), '$type ' || compare.some_time(), compare.some_offset()" "$months"
done
compare "time_bucket(interval, timestamptz, timezone)" \
  "compare.some_width(), 'timestamptz ' || compare.some_time(), compare.some_zone()" "$zones"
compare "time_bucket(interval, timestamptz, timezone, origin, offset)" \
  "compare.some_width(), 'timestamptz ' || compare.some_time(), compare.some_zone(),
   compare.one_of('NULL', 'timestamptz ' || compare.finite_time()), compare.one_of('NULL', compare.some_offset())" "$zones"
compare "time_bucket(interval, date)" "compare.some_days(), 'date ' || compare.some_time()" "$dates"
compare "time_bucket(interval, date, origin)" \
  "compare.some_days(), 'date ' || compare.some_time(), 'date ' || compare.finite_time()" "$dates OR $(far date)"
compare "time_bucket(interval, date, offset)" \
  "compare.some_days(), 'date ' || compare.some_time(), compare.some_offset()" "$dates"
for type in smallint:16 int:32 bigint:64; do
  bits=${type#*:} type=${type%:*}
  compare "time_bucket($type, $type)" "'$type ' || compare.some_integer_width($bits), '$type ' || compare.some_integer($bits)"
  compare "time_bucket($type, $type, offset)" \
    "'$type ' || compare.some_integer_width($bits), '$type ' || compare.some_integer($bits), '$type ' || compare.some_integer($bits)" "$integers"
done

# Many rows in one expression, where a zone is kept from row to row: in order, and at random.
for order in ts "md5(ts::text)"; do
  is "time_bucket with a zone over ordered rows ($order)" 0 "$(sql <<SQL
SELECT count(*) FROM (
  SELECT ts, zone, width FROM generate_series(timestamptz '1890-01-01', '2100-01-01', '11 days 5 hours 7 minutes') AS ts,
    unnest(ARRAY['Europe/Berlin', 'Australia/Lord_Howe', 'America/New_York', 'Pacific/Apia', 'Asia/Kathmandu', 'EST5EDT']) AS zone,
    unnest(ARRAY[interval '1 hour', '1 day', '1 week', '1 month', '1 year']) AS width
  ORDER BY width, zone, $order) AS r
WHERE public.time_bucket(width, ts, zone) IS DISTINCT FROM kpi.time_bucket(width, ts, zone)
SQL
  )"
done

# first and last: with NULL values, NULL times, ties, and types passed by value and by reference.
is "first and last" "0 of 400" "$(sql -v seed="$SEED" <<'SQL'
SELECT setseed(:seed) \g /dev/null
CREATE TEMP TABLE rows AS
SELECT floor(random() * 400)::int AS g, CASE WHEN random() < 0.8 THEN repeat(chr(97 + floor(random() * 26)::int), floor(random() * 9)::int) END AS t,
       CASE WHEN random() < 0.8 THEN random() END AS f, CASE WHEN random() < 0.7 THEN floor(random() * 30)::int END AS i, n
FROM generate_series(1, 20000) AS n;
SELECT count(*) FILTER (WHERE theirs IS DISTINCT FROM ours) || ' of ' || count(*)
FROM (SELECT g, row(public.first(t, i), public.last(t, i), public.first(f, t), public.last(f, t), public.first(n, i::smallint), public.last(n, i::bigint),
                    public.first(t, date '2026-01-01' + i), public.last(f, timestamptz '2026-01-01' + i * interval '1 s'),
                    public.first(r, f), public.last(i, n::numeric), public.last(t, f)) AS theirs,
                row(kpi.first(t, i), kpi.last(t, i), kpi.first(f, t), kpi.last(f, t), kpi.first(n, i::smallint), kpi.last(n, i::bigint),
                    kpi.first(t, date '2026-01-01' + i), kpi.last(f, timestamptz '2026-01-01' + i * interval '1 s'),
                    kpi.first(r, f), kpi.last(i, n::numeric), kpi.last(t, f)) AS ours
      FROM rows AS r GROUP BY g) AS groups;
SQL
)"

# histogram: bounds and values where rounding matters. Without NULL values: see docs/time.md.
is "histogram" "0 of 3000" "$(sql -v seed="$SEED" <<'SQL'
SELECT setseed(:seed) \g /dev/null
SELECT count(*) FILTER (WHERE theirs IS DISTINCT FROM ours) || ' of ' || count(*)
FROM (SELECT g, public.histogram(v, low, low + width, buckets) AS theirs, kpi.histogram(v, low, low + width, buckets) AS ours
      FROM (SELECT g, low, width, buckets,
                   CASE WHEN random() < 0.4 THEN low + width * floor(random() * (buckets + 1)) / buckets
                        WHEN random() < 0.1 THEN 'infinity' ELSE low + width * (random() * 1.4 - 0.2) END AS v
            FROM (SELECT g, ((random() - 0.5) * power(10, floor(random() * 12)))::float8 AS low,
                         (0.001 + random() * power(10, floor(random() * 6)))::float8 AS width, 1 + floor(random() * 60)::int AS buckets
                  FROM generate_series(1, 3000) AS g) AS bounds, generate_series(1, 25)) AS rows
      GROUP BY g) AS groups;
SQL
)"

# On purpose otherwise. An offset in days or months depends on the session's time zone there, though the function is immutable;
# ours is that of UTC.
is "an offset does not depend on the session" "2020-04-12 23:00:00|2020-04-13 00:00:00" "$(sql <<'SQL'
SET TimeZone = 'Europe/Berlin';
SELECT public.time_bucket('1 month', timestamptz '2020-04-15', interval '1 month 12 days') AT TIME ZONE 'UTC',
       kpi.time_bucket('1 month', timestamptz '2020-04-15', interval '1 month 12 days') AT TIME ZONE 'UTC';
SQL
)"

# With both on the path, the schema that comes first decides, and no call is ambiguous that is not without the other.
for path in kpi,public public,kpi; do
  is "calls with search_path = $path" "alike" "$(sql <<SQL
SET search_path = $path;
SELECT CASE WHEN (time_bucket('1 day', ts), time_bucket('1 month', ts, 'Europe/Berlin'), time_bucket('1 day', ts::date), time_bucket('1 hour', ts::timestamp),
                  time_bucket(10, 25), time_bucket(10, 25::bigint), time_bucket('1 day', ts, origin => ts), time_bucket('1 day', ts, "offset" => '1 h'))
            = (timestamptz '2026-05-17', timestamptz '2026-05-01' - interval '2 h', date '2026-05-17', timestamp '2026-05-17 12:00',
               20, 20::bigint, ts, timestamptz '2026-05-17 01:00') THEN 'alike' END
FROM (SELECT timestamptz '2026-05-17 12:34') AS t (ts);
SELECT 'differ' FROM (SELECT first(v, t) AS f, last(v, t) AS l, histogram(v, 0, 4, 2) AS h FROM (VALUES (1, 2), (3, 1)) AS r (v, t)) AS a
WHERE (f, l, h) IS DISTINCT FROM (3, 1, '{0,1,1,0}'::int[]);
SQL
  )"
done

sql -c 'DROP SCHEMA compare CASCADE'
echo "$passed passed, $failed failed$([ $skipped -eq 0 ] || echo ", $skipped skipped")"
[ $failed -eq 0 ]
