-- mtbf, mttr: mean times between failures and to repair. What is shown: they are the time in all other states and in the failed
-- one for each period in it, for states that are texts, integers and enums, and for heartbeats; together they are the share
-- of time that the system worked; without a failure and of NULL they are NULL; they hold over rollups.
SET search_path = kpi, public;
SET timezone = 'UTC';
CREATE TYPE condition AS ENUM ('up', 'slow', 'down');
CREATE TABLE machine (at timestamptz, state text);
INSERT INTO machine VALUES
    ('2026-03-01 00:00Z', 'up'), ('2026-03-01 10:00Z', 'down'), ('2026-03-01 12:00Z', 'up'), ('2026-03-02 20:00Z', 'slow'),
    ('2026-03-03 00:00Z', 'down'), ('2026-03-03 04:00Z', 'up'), ('2026-03-03 12:00Z', 'up');
-- Down for two hours and for four, and 54 of 60 hours not.
SELECT mtbf(s, 'down'), mttr(s, 'down'), duration_in(s, 'down'), (SELECT count(*) FROM state_periods(s, 'down')) AS failures,
       extract(epoch FROM mtbf(s, 'down')) / extract(epoch FROM mtbf(s, 'down') + mttr(s, 'down')) AS availability
FROM (SELECT state_agg(at, state) AS s FROM machine) AS q;
SELECT mtbf(s, 3), mttr(s, 3), mtbf(e, 'down'::condition), mttr(e, 'down'::condition), mttr(e, 'slow'::condition)
FROM (SELECT state_agg(at, array_position('{up,slow,down}'::text[], state)::bigint) AS s, state_agg(at, state::condition) AS e FROM machine) AS q;
-- Days that are rolled up: a failure lasts until the next row, whatever the day.
SELECT mtbf(rollup(s), 'down'), mttr(rollup(s), 'down')
FROM (SELECT state_agg(at, state) AS s FROM machine GROUP BY date_trunc('day', at)) AS days;
-- No failure, no row, a single row, a failure that goes on: it counts as far as it was seen.
SELECT mtbf(s, 'jammed') IS NULL AS no_failure_1, mttr(s, 'jammed') IS NULL AS no_failure_2, mtbf(s, NULL::text) IS NULL AS null_state,
       mttr(NULL::stateagg, 'down') IS NULL AS null_agg
FROM (SELECT state_agg(at, state) AS s FROM machine) AS q;
SELECT mtbf(state_agg('2026-03-01', 'down'), 'down'), mttr(state_agg('2026-03-01', 'down'), 'down');
SELECT mtbf(s, 'down'), mttr(s, 'down') FROM (SELECT state_agg(at, state) AS s FROM machine WHERE at <= '2026-03-03 00:00Z') AS q;
-- Heartbeats that keep a system live for five minutes: gaps of 15 and 23 minutes in an hour.
SELECT mtbf(h), mttr(h), num_gaps(h)
FROM (SELECT heartbeat_agg('2026-03-02 10:00Z'::timestamptz + m * interval '1 minute', '2026-03-02 10:00Z', '1 hour', '5 minutes') AS h
      FROM unnest('{0,4,8,10,30,58}'::int[]) AS m) AS q;
SELECT mtbf(h) IS NULL AS always_live_1, mttr(h) IS NULL AS always_live_2
FROM (SELECT heartbeat_agg('2026-03-02 10:00Z', '2026-03-02 10:00Z', '5 minutes', '5 minutes') AS h) AS q;
-- A state of integers has no state that is a text.
SELECT mttr(state_agg(at, 7), 'down') FROM machine;
\echo :LAST_ERROR_SQLSTATE
DROP TABLE machine;
DROP TYPE condition;
