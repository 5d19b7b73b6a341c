-- min_n, max_n, min_n_by and max_n_by: the n smallest or largest values. What is shown: they agree with ORDER BY ... LIMIT, for
-- doubles, integers and times, with data of any type; NULL, NaN, infinities and no rows have defined answers; workers,
-- rollups, grouping sets, filters and windows give what one pass gives; stored states survive text and binary COPY.
SET search_path = kpi, public;
SET timezone = 'UTC';

CREATE TABLE request AS
SELECT i % 10 AS grp, i AS id, CASE WHEN i % 17 <> 0 THEN (i * 7919 % 1009)::float8 / 8 END AS ms, '/page/' || i AS url,
       '2026-03-01 00:00Z'::timestamptz + (i * 7919 % 1009) * interval '1 minute' AS ts
FROM generate_series(1, 1000) AS i;

SELECT into_array(min_n(ms, 3)) = (SELECT array_agg(ms) FROM (SELECT ms FROM request WHERE ms IS NOT NULL ORDER BY ms LIMIT 3) AS q) AS least,
       into_array(max_n(ms, 3)) = (SELECT array_agg(ms) FROM (SELECT ms FROM request WHERE ms IS NOT NULL ORDER BY ms DESC LIMIT 3) AS q) AS most FROM request;
SELECT into_array(min_n(id, 3)) AS int, into_array(max_n(id::bigint, 3)) AS bigint, into_array(max_n(ts, 2)) AS timestamptz,
       pg_typeof(into_array(max_n(id, 1))) AS type FROM request;
SELECT into_values(max_n(ms, 2)) FROM request;

-- With data: as text, with their type, and whole rows.
SELECT * FROM (SELECT max_n_by(ms, url, 2) AS slowest FROM request) AS q, LATERAL into_values(slowest);
SELECT value, data + 1 AS next FROM (SELECT min_n_by(ts, id, 2) AS first FROM request) AS q, LATERAL into_values(first, NULL::int);
SELECT value, (data).url FROM (SELECT max_n_by(id, r, 2) AS last FROM request AS r) AS q, LATERAL into_values(last, NULL::request);

-- Fewer than n, duplicates, NULL, NaN (the largest) and infinities; no rows give NULL.
SELECT name, into_array(min_n(x, 3)) AS least, into_array(max_n(x, 3)) AS most
FROM (VALUES ('few', '{2,1}'::float8[]), ('equal', '{5,5,5,5}'), ('null', '{null,1}'), ('special', '{nan,inf,-inf,0}')) AS v(name, xs), unnest(xs) AS x
GROUP BY name ORDER BY name;
SELECT min_n(ms, 3) IS NULL AS of_nothing, min_n_by(ms, url, 3) IS NULL AS by FROM request WHERE false;
SELECT into_array(max_n(t, 2)) FROM (VALUES ('infinity'::timestamptz), ('-infinity'), ('2026-03-01')) AS v(t);

-- Parallel: two workers and a leader give what one process gives, to the last bit.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT grp, max_n(ms, 5) AS s FROM request GROUP BY grp;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE request SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT max_n(ms, 5) FROM request;
CREATE TABLE parallel AS SELECT grp, max_n(ms, 5) AS s FROM request GROUP BY grp;
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal
FROM serial AS a JOIN parallel AS b USING (grp);
SET max_parallel_workers_per_gather = 0;
SELECT bool_and(p.s::text = q.s::text) AS by_equal
FROM (SELECT grp, max_n_by(ms, url, 5) AS s FROM request GROUP BY grp) AS p
JOIN (SELECT grp, rollup(s) AS s FROM (SELECT grp, max_n_by(ms, url, 5) AS s FROM request GROUP BY grp, id % 7) AS parts GROUP BY grp) AS q USING (grp);

-- Rollup, FILTER, grouping sets, windows.
SELECT r::text = w::text AS equal FROM (SELECT rollup(s) AS r FROM serial) AS a, (SELECT max_n(ms, 5) AS w FROM request) AS b;
SELECT rollup(s) IS NULL AS of_nothing FROM serial WHERE false;
SELECT into_array(max_n(id, 2) FILTER (WHERE grp < 3)) AS filtered FROM request;
SELECT grp % 2 AS odd, grp, into_array(min_n(id, 2)) AS first
FROM request WHERE grp < 4 GROUP BY GROUPING SETS ((grp % 2, grp), (grp % 2), ()) ORDER BY 1, 2;
SELECT count(*) AS frames, bool_and((into_array(max_n))[1] = most) AS equal
FROM (SELECT max_n(ms, 2) OVER w, max(ms) OVER w AS most FROM request WINDOW w AS (ORDER BY id ROWS BETWEEN 5 PRECEDING AND CURRENT ROW)) AS q;

-- Stored states: text that reads back, binary COPY.
SELECT bool_and(s::text::floatextremes::text = s::text) AS text_reads_back FROM serial;
CREATE TABLE copied (LIKE serial);
\copy serial TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_floatextremes.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_floatextremes.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_floatextremes.bin"
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal FROM serial AS a JOIN copied AS b USING (grp);
SELECT i::text::intextremes::text = i::text AS int, t::text::timeextremes::text = t::text AS times, f::text::floatextremesby::text = f::text AS float_by,
       ib::text::intextremesby::text = ib::text AS int_by, tb::text::timeextremesby::text = tb::text AS times_by
FROM (SELECT min_n(id, 2) AS i, min_n(ts, 2) AS t, min_n_by(ms, url, 2) AS f, min_n_by(id, url, 2) AS ib, min_n_by(ts, url, 2) AS tb FROM request) AS q;

-- What is refused, and how.
SELECT min_n(ms, 0) FROM request;
\echo :LAST_ERROR_SQLSTATE
SELECT min_n(ms, NULL) FROM request;
\echo :LAST_ERROR_SQLSTATE
SELECT min_n(ms, grp) FROM request WHERE grp > 0;
SELECT rollup(s) FROM (SELECT min_n(id, 1) AS s FROM request UNION ALL SELECT max_n(id, 1) FROM request) AS q;
\echo :LAST_ERROR_SQLSTATE
SELECT '\x00'::floatextremes;
\echo :LAST_ERROR_SQLSTATE
COPY copied (s) FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\2\\7\\1"' (FORMAT binary);
\echo :LAST_ERROR_SQLSTATE

DROP TABLE request, serial, parallel, copied;
