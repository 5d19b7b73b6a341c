#!/usr/bin/env bash
# A day of one change per second, with time passing faster: as many changes as CHANGES (86400 is a whole day), each in a transaction of its
# own, while a job rotates the log and a subscriber reads it. The log stays as small as its history, leaves no dead row, and nobody misses
# a number.
#
# Needs PG_BINDIR and PG_RUNAS; makes and drops its own cluster. HISTORY stands for the hour of kpi.change_history.
# shellcheck source=regress/jobs/cluster.bash
. "$(dirname "$0")/../jobs/cluster.bash"
# Enough for many times the history, also where a change takes a millisecond.
CHANGES=${CHANGES:-6000}
HISTORY=${HISTORY:-1s}

made && started "-c kpi.change_history=$HISTORY -c autovacuum_naptime=1s" || exit 1
sql postgres -c 'CREATE DATABASE shop TEMPLATE template0'
sql shop <<'SQL'
CREATE EXTENSION pg_kpi;
CREATE EXTENSION pgstattuple;
CREATE TABLE sale (at timestamptz NOT NULL, amount float8);
CREATE INDEX ON sale (at);
SELECT kpi.create_source('sale', 'sale', 'at'), kpi.create_kpi('amount', 'sale', 'sum(amount)') \g /dev/null
SELECT kpi.start_stream('amount', 'minute'), kpi.add_subscriber('board', '{amount}', '{minute}') \g /dev/null
SELECT kpi.create_job('rotate', 'rotate', '100 ms') \g /dev/null
CREATE TABLE size (changes bigint, rows bigint, bytes bigint, oldest interval);
-- A second after the other; each is a row, a refresh that publishes the change of its minute, and a commit.
CREATE PROCEDURE pass(seconds int) LANGUAGE plpgsql AS $$ BEGIN
    FOR second IN 0 .. seconds - 1 LOOP
        INSERT INTO sale VALUES (timestamptz '2026-03-02 00:00Z' + second * interval '1 s', 1);
        PERFORM kpi.refresh('sale');
        COMMIT;
        IF second % 100 = 99 THEN
            INSERT INTO size SELECT second + 1, (SELECT count(*) FROM kpi._change), sum(pg_total_relation_size(format('kpi.change_log_%s', i))),
                (SELECT clock_timestamp() - min(committed) FROM kpi._change) FROM generate_series(0, 2) i;
            COMMIT;
        END IF;
    END LOOP; END $$;
SQL
soon 'a worker' running is_running shop

# The subscriber: what it gets, and acknowledges.
(
  while [ ! -e "$work/over" ]; do
    sql shop -c "SELECT number FROM kpi.poll('board', 5000, '1 s')" >"$work/poll"
    if [ -s "$work/poll" ]; then
      cat "$work/poll" >>"$work/numbers"
      sql shop -c "SELECT kpi.ack('board', $(tail -1 "$work/poll"))" >/dev/null
    fi
  done
) &
begin=$EPOCHREALTIME
sql shop -c "CALL pass($CHANGES)"
echo "# $CHANGES changes in $(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.0f s, %.1f ms each", b - a, 1000 * (b - a) / '"$CHANGES"'}')"
is 'as many changes as seconds' "$CHANGES" "$(sql shop -c 'SELECT kpi.last_change()')"
soon 'the subscriber has read them' 0 sql shop -c "SELECT lag FROM kpi.stream_status WHERE kind = 'subscriber'"
touch "$work/over"
wait
is 'each once and in order, from the first to the last' "1 $CHANGES $CHANGES 0" \
  "$(awk 'NR == 1 {first = $1} NR > 1 && $1 != last + 1 {wrong++} {last = $1} END {print first, last, NR, wrong + 0}' "$work/numbers")"

rotations=$(sql shop -c "SELECT count(*) FROM kpi.job_runs WHERE job = 'rotate' AND rows > 0")
echo "# at most $(sql shop -c "SELECT max(bytes - 300 * rows) FROM size") bytes beyond 300 for each change in it"
echo "# at most $(sql shop -c "SELECT max(rows) || ' changes, ' || pg_size_pretty(max(bytes)) || ' and ' || max(oldest) || ' in the log' FROM size"); rotated at least $rotations times"
is 'the log has been rotated' t "$(sql shop -c 'SELECT min(number) > 1 FROM kpi._change')"
# A segment is left after half the history, and two more are kept beside it; rotation comes a little later than it could.
is 'it goes back no longer than it should' t "$(sql shop -c "SELECT max(oldest) < 1.5 * current_setting('kpi.change_history')::interval + interval '5 s' FROM size")"
is 'and no less, once it has been rotated twice' t "$(sql shop -c "SELECT min(oldest) > current_setting('kpi.change_history')::interval - interval '100 ms' FROM size WHERE changes > (SELECT min(changes) FROM size WHERE oldest > 1.2 * current_setting('kpi.change_history')::interval)")"
# How many changes a second there are depends on the machine. What the log may not do is take more room than they need: beside
# them three segments have maps of their free room, and indexes, which are never empty.
is 'it does not grow: it takes no more room than the changes in it' t \
  "$(sql shop -c "SELECT max(bytes - 300 * rows) <= 200 * 1024 FROM size")"
is 'what is in it has no gap' t "$(sql shop -c 'SELECT count(*) = max(number) - min(number) + 1 FROM kpi._change')"
is 'it has no dead row' '0 0 0' "$(sql shop -c "SELECT string_agg((pgstattuple(format('kpi.change_log_%s', i))).dead_tuple_count::text, ' ') FROM generate_series(0, 2) i")"
counted() { sql shop -c "SELECT sum(n_tup_ins) FROM pg_stat_user_tables WHERE relname LIKE 'change\_log\__'"; }
soon 'the statistics know of all changes' "$CHANGES" counted
is 'nor do they know of one' '0 0 0 0' "$(sql shop -c "SELECT string_agg(n_dead_tup::text, ' ') || ' ' || sum(n_tup_upd + n_tup_del) FROM pg_stat_user_tables WHERE relname LIKE 'change\_log\__'")"
is 'the head of the log and its subscribers take a few pages' t "$(sql shop -c "SELECT pg_relation_size('kpi.change_head') + pg_relation_size('kpi.subscriber') <= 16 * 8192")"
is 'values are those of the rows' t "$(sql shop -c "SELECT (SELECT sum(value) FROM kpi.value('amount', 'day')) = $CHANGES AND count(*) = 0 FROM kpi.touched")"
closing
