-- state_agg and compact_state_agg: how long a system was in which state, and when. What is shown: both agree with plain SQL over the
-- sorted rows; states are texts, integers or enums; any order, overlap and split, workers, rollups and windows give what one
-- pass gives; buckets with neighbours; NULL, equal times, no rows and one row; stored states survive text, binary COPY and a
-- change of the enum; what cannot be put together is refused.
SET search_path = kpi, public;
SET timezone = 'UTC';

-- A printer that warms up, prints, jams and is switched off.
CREATE TABLE machine(at timestamptz, state text);
INSERT INTO machine VALUES ('2026-03-02 12:00Z', 'printing'), ('2026-03-01 08:00Z', 'warming'), ('2026-03-01 08:20Z', 'printing'),
    ('2026-03-03 09:10Z', 'jammed'), ('2026-03-03 11:00Z', 'warming'), ('2026-03-03 11:25Z', 'printing'), ('2026-03-04 17:00Z', 'off');
CREATE TABLE week AS SELECT state_agg(at, state) AS s, compact_state_agg(at, state) AS c FROM machine;
SELECT duration_in(s, 'printing') AS printing, duration_in(c, 'printing') AS compact, duration_in(s, 'off') AS off, duration_in(s, 'unknown') AS unknown,
       extract(epoch FROM duration_in(s, 'jammed')) AS jammed_seconds FROM week;
SELECT v.* FROM week, into_values(s) AS v;
SELECT v.* FROM week, into_values(c) AS v;
SELECT t.* FROM week, state_timeline(s) AS t;
SELECT start_time, end_time FROM week, state_periods(s, 'printing');
SELECT at, state_at(s, at) FROM week, unnest('{-infinity,2026-03-01 07:59Z,2026-03-01 08:00Z,2026-03-03 11:24Z,2026-03-09 00:00Z,infinity}'::timestamptz[]) AS at;
-- In a part of the time.
SELECT duration_in(s, 'printing', '2026-03-03', '1 day') AS day, duration_in(s, 'printing', '2026-03-03') AS since,
       duration_in(s, state => 'printing', start => '2026-03-09') AS later, duration_in(s, 'printing', NULL, '1 day') AS no_start FROM week;

-- Days with their neighbours: the durations add up to the whole.
CREATE TABLE daily AS
SELECT date_trunc('day', at) AS day, state_agg(at, state) AS s, compact_state_agg(at, state) AS c FROM machine GROUP BY 1;
SELECT day, duration_in(s, 'printing') AS exact, interpolated_duration_in(s, 'printing', day, '1 day', lag(s) OVER w) AS interpolated,
       interpolated_duration_in(c, 'printing', day, '1 day', lag(c) OVER w) AS compact, interpolated_duration_in(s, 'printing', day, '1 day') AS alone
FROM daily WINDOW w AS (ORDER BY day) ORDER BY day;
SELECT day, t.* FROM (SELECT day, s, lag(s) OVER (ORDER BY day) AS before FROM daily) AS d,
     interpolated_state_timeline(s, day, '1 day', before) AS t ORDER BY start_time, end_time;
SELECT day, t.* FROM (SELECT day, s, lag(s) OVER (ORDER BY day) AS before FROM daily) AS d,
     interpolated_state_periods(s, 'printing', day, '1 day', before) AS t ORDER BY start_time;
SELECT r.* FROM (SELECT rollup(s) AS s FROM daily) AS q, state_timeline(s) AS r;
SELECT duration_in(rollup(c), 'printing') AS compact FROM daily;

-- Integers.
CREATE TABLE light(at timestamptz, mode int);
INSERT INTO light SELECT '2026-03-02'::timestamptz + i * interval '1 minute', i / 7 % 3 FROM generate_series(0, 60) AS i;
SELECT v.* FROM (SELECT state_agg(at, mode) AS s FROM light) AS q, into_int_values(s) AS v;
SELECT v.* FROM (SELECT compact_state_agg(at, mode) AS s FROM light) AS q, into_int_values(s) AS v;
SELECT v.* FROM (SELECT state_agg(at, mode) AS s FROM light) AS q, into_values(s) AS v;
SELECT duration_in(s, 2) AS two, duration_in(s, 2, '2026-03-02 00:15', '10 minutes') AS part, duration_in(s, '2') AS text_two, state_at_int(s, '2026-03-02 00:10') AS mode,
       state_at(s, '2026-03-02 00:10') AS as_text, interpolated_duration_in(s, 1, '2026-03-02', '2 hours') AS interpolated
FROM (SELECT state_agg(at, mode) AS s FROM light) AS q;
SELECT t.* FROM (SELECT state_agg(at, mode) AS s FROM light WHERE at < '2026-03-02 00:20') AS q, state_int_timeline(s) AS t;
SELECT t.* FROM (SELECT state_agg(at, mode) AS s FROM light WHERE at < '2026-03-02 00:10') AS q,
     interpolated_state_int_timeline(s, '2026-03-02', '1 hour') AS t;
SELECT count(*) AS periods FROM (SELECT state_agg(at, mode) AS s FROM light) AS q, state_periods(s, 1);
SELECT t.* FROM (SELECT state_agg(at, mode) AS s FROM light WHERE at < '2026-03-02 00:10') AS q,
     interpolated_state_periods(s, 1, '2026-03-02', '1 hour') AS t;

-- Enums, which are kept as their labels: a stored state outlives a new label.
CREATE TYPE phase AS ENUM ('wait', 'work', 'rest');
CREATE TABLE worker AS SELECT at, ('{wait,work,rest}'::phase[])[mode + 1] AS phase FROM light;
CREATE TABLE shift AS SELECT state_agg(at, phase) AS s, compact_state_agg(at, phase) AS c FROM worker;
SELECT duration_in(s, 'work'::phase) AS work, duration_in(s, 'work') AS as_text, duration_in(c, 'work'::phase) AS compact,
       duration_in(s, 'work'::phase, '2026-03-02 00:10', '1 hour') AS part,
       interpolated_duration_in(s, 'rest'::phase, '2026-03-02', '2 hours') AS interpolated,
       interpolated_duration_in(c, 'rest'::phase, '2026-03-02', '2 hours') AS interpolated_compact, state_at(s, '2026-03-02 00:10')::phase AS at FROM shift;
SELECT v.* FROM shift, into_values(c) AS v;
SELECT t.* FROM shift, state_periods(s, 'rest'::phase) AS t;
SELECT t.* FROM shift, interpolated_state_periods(s, 'rest'::phase, '2026-03-02', '2 hours') AS t;
ALTER TYPE phase RENAME VALUE 'rest' TO 'pause';
SELECT duration_in(s, 'rest') AS before, duration_in(s, 'pause'::phase) AS after FROM shift;

-- Two thousand rows in no order, against plain SQL.
CREATE TABLE logged AS
SELECT '2026-03-02'::timestamptz + i * interval '41 seconds' AS at, 's' || (i / 3 * 31 % 11) AS state, i % 4 AS part
FROM (SELECT n * 7919 % 2003 AS i FROM generate_series(1, 2000) AS n) AS q;
CREATE TABLE plain AS
SELECT state, coalesce(pg_catalog.sum(next - at), '0') AS duration FROM (SELECT at, state, lead(at) OVER (ORDER BY at) AS next FROM logged) AS q GROUP BY state;
SELECT count(*) AS states, bool_and(v.duration = plain.duration AND w.duration = plain.duration) AS equal
FROM (SELECT state_agg(at, state) AS s, compact_state_agg(at, state) AS c FROM logged) AS q, into_values(s) AS v, into_values(c) AS w, plain
WHERE v.state = plain.state AND w.state = plain.state;
SELECT count(*) AS periods, bool_and(start_time = entered AND t.state = plain.state) AS equal
FROM (SELECT state_agg(at, state) AS s FROM logged) AS q, state_timeline(s) WITH ORDINALITY AS t(state, start_time, end_time, i)
     JOIN (SELECT at AS entered, state, row_number() OVER (ORDER BY at) AS i
           FROM (SELECT at, state, lag(state) OVER (ORDER BY at) AS before FROM logged) AS changes WHERE before IS DISTINCT FROM state) AS plain USING (i);

-- Any order of rows, and workers that each see rows from all over: the very same text.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT state_agg(at, state ORDER BY at) AS s, compact_state_agg(at, state ORDER BY at) AS c FROM logged;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE logged SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT state_agg(at, state), compact_state_agg(at, state) FROM logged;
CREATE TABLE parallel AS SELECT state_agg(at, state) AS s, compact_state_agg(at, state) AS c FROM logged;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE hourly AS
SELECT date_trunc('hour', at) AS hour, state_agg(at, state) AS s, compact_state_agg(at, state) AS c FROM logged GROUP BY 1;
SELECT name, (SELECT array_agg(v::text) FROM into_values(a.s) AS v) = (SELECT array_agg(v::text) FROM into_values(b.s) AS v) AS durations,
       (SELECT array_agg(v::text) FROM into_values(a.c) AS v) = (SELECT array_agg(v::text) FROM into_values(b.c) AS v) AS compact,
       (SELECT array_agg(v::text) FROM state_timeline(a.s) AS v) = (SELECT array_agg(v::text) FROM state_timeline(b.s) AS v) AS timeline
FROM (SELECT 'parallel' AS name, s, c FROM parallel
      UNION ALL SELECT 'backwards', state_agg(at, state ORDER BY at DESC), compact_state_agg(at, state ORDER BY at DESC) FROM logged
      UNION ALL SELECT 'twice', state_agg(at, state), compact_state_agg(at, state) FROM (SELECT * FROM logged UNION ALL SELECT * FROM logged) AS twice
      UNION ALL SELECT 'rollup', rollup(s ORDER BY hour), rollup(c ORDER BY hour) FROM hourly
      UNION ALL SELECT 'rollup backwards', rollup(s ORDER BY hour DESC), rollup(c ORDER BY hour DESC) FROM hourly) AS a, serial AS b ORDER BY name;

-- FILTER, grouping sets, windows; NULL, no rows, one row, equal times.
SELECT state_at(state_agg(at, state) FILTER (WHERE part = 0), 'infinity') = (SELECT state FROM logged WHERE part = 0 ORDER BY at DESC LIMIT 1) AS filtered,
       duration_in(state_agg(at, state) FILTER (WHERE false), 's1') AS none FROM logged;
SELECT part, duration_in(compact_state_agg(at, state), 's1') > '0' AS seen FROM logged GROUP BY GROUPING SETS ((part), ()) ORDER BY 1;
SELECT count(*) AS frames, bool_and(state_at(s, at) = state AND duration_in(s, 'warming') <= '25 minutes') AS equal
FROM (SELECT state_agg(at, state) OVER (ORDER BY at ROWS 1 PRECEDING) AS s, at, state FROM machine) AS q;
SELECT (SELECT count(*) FROM state_timeline(s)) AS periods, state_at(s, 'infinity')
FROM (SELECT state_agg(at, state) AS s FROM machine WHERE false) AS q;
SELECT rollup(s) IS NULL AS of_nothing FROM serial WHERE false;
SELECT v.* FROM (SELECT state_agg(at, state) AS s FROM (VALUES (NULL, 'lost'), ('2026-03-02'::timestamptz, NULL), ('2026-03-02', 'kept')) AS t(at, state)) AS q,
     state_timeline(s) AS v;
SELECT state_at(s, '2026-03-02') AS greatest_of_one_time FROM (SELECT state_agg('2026-03-02', state) AS s FROM (VALUES ('a'), ('c'), ('b')) AS t(state)) AS q;
SELECT count(*) AS of_null FROM state_timeline(NULL);

-- Stored states: text that reads back, binary COPY.
CREATE TABLE copied (LIKE hourly);
\copy hourly TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_states.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_states.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_states.bin"
SELECT bool_and(a.s::text = b.s::text AND a.c::text = b.c::text AND a.s::text::stateagg::text = b.s::text
                AND a.c::text::compactstateagg::text = b.c::text) AS equal
FROM hourly AS a JOIN copied AS b USING (hour);

-- What is refused, and how.
SELECT duration_in(rollup(c), 's1') FROM (SELECT compact_state_agg(at, state) AS c FROM logged GROUP BY part) AS parts;
\echo :LAST_ERROR_SQLSTATE
SELECT duration_in(rollup(s), 's1') FROM (SELECT state_agg(at, state) AS s FROM logged GROUP BY part % 2) AS parts;
SELECT state_agg('infinity', 'on');
\echo :LAST_ERROR_SQLSTATE
SELECT v.* FROM week, into_int_values(s) AS v;
\echo :LAST_ERROR_SQLSTATE
SELECT interpolated_duration_in(s, 'printing', '2026-03-02', '-1 day') FROM week;
SELECT interpolated_duration_in(s, 'printing', '2026-03-02', '1 day', s) FROM week;
\echo :LAST_ERROR_SQLSTATE
SELECT duration_in(state_agg('2026-03-02'::timestamptz + i * interval '1 second', i), 1) FROM generate_series(1, 70000) AS i;
\echo :LAST_ERROR_SQLSTATE
SELECT s::text::compactstateagg FROM week;
\echo :LAST_ERROR_SQLSTATE

DROP TABLE machine, week, daily, light, worker, shift, logged, plain, serial, parallel, hourly, copied;
DROP TYPE phase;

-- In a database that is not in UTF-8: states that differ in one letter stay different and come back as they were.
SET client_min_messages = warning;
SELECT current_database() AS here \gset
DROP DATABASE IF EXISTS kpi_states_latin1;
CREATE DATABASE kpi_states_latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0;
\c kpi_states_latin1
SET client_min_messages = error;
CREATE EXTENSION pg_kpi;
SET search_path = kpi, public;
DO $$ BEGIN EXECUTE format('CREATE TYPE mode AS ENUM (%L, %L, ''off'')', 'o' || chr(232), 'o' || chr(233)); END $$;
CREATE TABLE valve(at timestamptz, state text);
INSERT INTO valve VALUES ('2026-03-02 00:00Z', 'o' || chr(232)), ('2026-03-02 01:00Z', 'o' || chr(233)), ('2026-03-02 03:00Z', 'off');
SELECT duration_in(s, 'o' || chr(232)) AS grave, duration_in(s, 'o' || chr(233)) AS acute, duration_in(e, ('o' || chr(233))::mode) AS of_enum,
       state_at(s, '2026-03-02 02:00Z') = 'o' || chr(233) AS same, s::text::stateagg::text = s::text AS text_reads_back,
       (SELECT array_agg(ascii(right(state, 1))) FROM into_values(s)) AS letters
FROM (SELECT state_agg(at, state) AS s, state_agg(at, state::mode) AS e FROM valve) AS q;
\c :here
DROP DATABASE kpi_states_latin1;
