#!/usr/bin/env bash
# Subscribers, the worker and the server are killed at random while tables change: every change is delivered at least once, in
# order, as the log has it; and the log still agrees with the tables.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster. KILLS is how often something is killed.
# shellcheck source=regress/jobs/cluster.bash
. "$(dirname "$0")/../jobs/cluster.bash"
# shellcheck source=regress/stream/shop.bash
. "$(dirname "$0")/shop.bash"
KILLS=${KILLS:-6}

made && started || exit 1
sql postgres -c 'CREATE DATABASE shop TEMPLATE template0'
shop shop
begin=$(sql shop -c "SELECT kpi.add_subscriber('board', '{revenue,net}', '{minute,day}')")
soon 'a worker' running is_running shop

# A subscriber that takes what a poll gives once the poll has ended well, and acknowledges it sometimes. Each poll leaves its
# number, how often the server had crashed before and after it, what had been acknowledged and the rows.
echo 0 >"$work/crashes"
following() {
  local poll=0 acked=$begin before rows last
  while [ ! -e "$work/over" ]; do
    before=$(<"$work/crashes")
    psql -XqAt -d shop -v ON_ERROR_STOP=1 -c "SELECT number, code, period, bucket, value FROM kpi.poll('board', 60, '500 ms')" >"$work/poll" 2>/dev/null &
    echo $! >"$work/polling"
    if ! wait $!; then
      sleep 0.1
      continue
    fi
    rows=$(<"$work/poll")
    [ "$rows" ] || continue
    poll=$((poll + 1))
    sed "s/^/$poll|$before|$(<"$work/crashes")|$acked|/" "$work/poll" >>"$work/delivered"
    last=${rows##*$'\n'} last=${last%%|*}
    if [ $((RANDOM % 3)) -gt 0 ]; then
      sql shop -c "SELECT kpi.ack('board', $last)" >/dev/null 2>&1 && acked=$last
    fi
  done
}
# killed in the background are no news
set +m
following 2>/dev/null &
churners=()
for _ in 1 2; do
  churning shop &
  churners+=($!)
done

answers() { sql shop -c 'SELECT 1'; }
crash_noted() { echo $(($(<"$work/crashes") + 1)) >"$work/crashes"; }
a_poll() { sql shop -c "SELECT pid FROM pg_stat_activity WHERE query LIKE '%FROM kpi.poll(%' AND pid <> pg_backend_pid() LIMIT 1"; }
ways=(client worker server poll)
for ((kill = 0; kill < KILLS; kill++)); do
  sleep "1.$((RANDOM % 10))"
  way=${ways[kill % 4]}
  # The numbers go on from where they were.
  number=$(sql shop -c 'SELECT kpi.last_change()')
  case $way in
    client) kill -9 "$(<"$work/polling")" 2>/dev/null ;;
    worker) crash_noted && killed "$(pids 'pg_kpi worker' shop)" ;;
    server) crash_noted && stopped immediate && started ;;
    # It may have ended by then: the worker has not.
    poll) crash_noted && { killed "$(a_poll)" 2>/dev/null || killed "$(pids 'pg_kpi worker' shop)"; } ;;
  esac
  until_says 1 answers
  is "after a kill of the $way nothing is taken back" t "$(sql shop -c "SELECT kpi.last_change() >= $number")"
  soon "after a kill of the $way changes go on" t sql shop -c "SELECT kpi.last_change() > $number + 1"
done
touch "$work/quiet"
# One that saw no such file a moment ago is about to connect, and in no view of the server yet.
wait "${churners[@]}"
soon 'the changes end' 0 sql shop -c "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CALL churn%'"
agrees shop
soon 'all is acknowledged' 0 sql shop -c "SELECT count(*) FROM kpi.poll('board')"
touch "$work/over"
sql shop -c 'CREATE TABLE delivered (poll int, crashes_before int, crashes_after int, acked bigint, number bigint, code text, period text, bucket timestamptz, value float8,
    line bigserial)' -c "\\copy delivered (poll, crashes_before, crashes_after, acked, number, code, period, bucket, value) FROM '$work/delivered' WITH (FORMAT csv, DELIMITER '|')"
sql shop <<SQL
CREATE TABLE wanted AS SELECT number, code, period, bucket, value, row_number() OVER (ORDER BY number) AS place FROM kpi._change
WHERE number > $begin AND code IN ('revenue', 'net') AND period IN ('minute', 'day') AND by = '{}';
CREATE VIEW polled AS SELECT poll, line, d.number, w.place, crashes_before, crashes_after, min(d.number) OVER of_poll AS first,
    lag(w.place) OVER (of_poll ORDER BY line) AS place_before, acked FROM delivered d LEFT JOIN wanted w USING (number) WINDOW of_poll AS (PARTITION BY poll);
SQL
echo "# $(sql shop -c "SELECT count(*) || ' changes delivered in ' || max(poll) || ' polls, ' || count(DISTINCT number) || ' different ones' FROM delivered")"
is 'some polls were repeated' t "$(sql shop -c 'SELECT count(*) > count(DISTINCT number) FROM delivered')"
is 'none is lost' '' "$(sql shop -c 'SELECT number, code, period, bucket, value FROM wanted EXCEPT SELECT number, code, period, bucket, value FROM delivered LIMIT 3')"
is 'each is delivered as the log has it' '' "$(sql shop -c 'SELECT number, code, period, bucket, value FROM delivered EXCEPT SELECT number, code, period, bucket, value FROM wanted LIMIT 3')"
is 'a poll goes from one change to the next' '' "$(sql shop -c 'SELECT poll, number FROM polled WHERE place <> place_before + 1 LIMIT 3')"
is 'it begins no later than after what was acknowledged' '' \
  "$(sql shop -c 'SELECT poll, min(number) FROM polled p GROUP BY poll, acked HAVING min(place) > (SELECT count(*) FROM wanted w WHERE w.number <= p.acked) + 1 LIMIT 3')"
is 'it begins no earlier than that, unless a crash took the acknowledgement back' '' \
  "$(sql shop -c 'SELECT poll, first, acked FROM polled p WHERE first <= acked AND crashes_before = 0 LIMIT 3')"
is 'between two crashes no poll begins earlier than one before' '' "$(sql shop -c 'SELECT poll, first FROM (
    SELECT poll, first, lag(first) OVER (PARTITION BY crashes_before ORDER BY poll) AS before FROM polled WHERE crashes_before = crashes_after) p
    WHERE first < before LIMIT 3')"
closing
