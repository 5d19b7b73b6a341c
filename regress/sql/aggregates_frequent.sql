-- freq_agg, mcv_agg and topn: the most frequent values. What is shown: while few values are distinct the counts are exact, beyond
-- that the bounds hold; values of any type come back with their type; NULL, no rows and unknown values have defined answers;
-- workers, rollups, grouping sets, filters and windows hold the same; stored states survive text and binary COPY.
SET search_path = kpi, public;
SET timezone = 'UTC';

CREATE TABLE hit AS
SELECT i % 10 AS grp, i AS id, CASE WHEN i % 17 <> 0 THEN floor(200 / (1 + (i::bigint * 7919 % 200)))::int END AS page
FROM generate_series(1, 10000) AS i;

-- Few distinct values: exact, as GROUP BY.
SELECT v.value, v.min_freq = exact AS lower, v.max_freq = exact AS upper
FROM (SELECT freq_agg(0.05, page) AS f FROM hit) AS q, LATERAL into_values(f, NULL::int) AS v
JOIN (SELECT page, count(*)::float8 / pg_catalog.sum(count(*)) OVER () AS exact FROM hit WHERE page IS NOT NULL GROUP BY page) AS g ON g.page = v.value
ORDER BY exact DESC, v.value;
SELECT count(*) AS all_of_them
FROM (SELECT page FROM hit WHERE page IS NOT NULL GROUP BY page HAVING count(*) >= 0.05 * (SELECT count(page) FROM hit)
      EXCEPT SELECT value FROM (SELECT freq_agg(0.05, page) AS f FROM hit) AS q, into_values(f, NULL::int)) AS missing;

-- The three most common, as text and with their type; shares of single values.
SELECT topn(mcv_agg(3, page), 3) FROM hit;
SELECT topn(mcv_agg(2, page)) FROM hit;
SELECT topn(f, 2, NULL::int) + 1000 AS page FROM (SELECT mcv_agg(3, 1.5, page) AS f FROM hit) AS q;
SELECT value, round(min_freq::numeric, 4) AS min_freq, round(max_freq::numeric, 4) AS max_freq
FROM (SELECT mcv_agg(3, page) AS f FROM hit) AS q, LATERAL into_values(f);
SELECT num_vals(f), max_error(f), min_frequency(f, 1) = max_frequency(f, 1) AS exact, max_frequency(f, -5) AS unknown
FROM (SELECT freq_agg(0.05, page) AS f FROM hit) AS q;

-- Many distinct values: bounds.
SELECT max_error(f) > 0 AS bounded, max_error(f) <= 0.0125 AS small,
       min_frequency(f, 'often') <= 0.25 AND max_frequency(f, 'often') >= 0.25 AS holds, (SELECT value FROM topn(f, 1) AS value) AS first
FROM (SELECT freq_agg(0.05, CASE WHEN i % 4 = 0 THEN 'often' ELSE 'once ' || i END) AS f FROM generate_series(1, 40000) AS i) AS q;

-- Any type: what comes back is what went in.
SELECT topn(mcv_agg(1, t), 1, NULL::timestamptz) AS timestamptz FROM (VALUES ('2026-03-01 12:00:00.5+02'::timestamptz), ('0044-03-15 BC')) AS v(t);
SELECT topn(mcv_agg(2, t), 2, NULL::timestamptz) = 'infinity' AS infinity FROM (VALUES ('infinity'::timestamptz), ('infinity')) AS v(t);
SELECT topn(mcv_agg(1, x), 1, NULL::numeric) AS numeric FROM (VALUES (1.50), (2.25), (1.50)) AS v(x);
SELECT (value).id, (value).page FROM (SELECT mcv_agg(1, v) AS f FROM hit AS v WHERE id = 5) AS q, LATERAL into_values(f, NULL::hit);

-- What the session is set to does not matter, when values are counted and when they are read.
SET datestyle = 'German';
SET intervalstyle = 'sql_standard';
SET extra_float_digits = -10;
CREATE TABLE styled AS SELECT mcv_agg(1, '2026-01-02'::date) AS d, mcv_agg(1, '-1 mon +2 days'::interval) AS i, mcv_agg(1, 0.1::float8 + 0.2) AS f;
SELECT topn(d) AS d, topn(i) AS i, topn(f) AS f, current_setting('datestyle') AS datestyle FROM styled;
RESET datestyle;
SELECT topn(d, 1, NULL::date) = '2026-01-02' AS d, topn(i, 1, NULL::interval) = '-1 mon +2 days' AS i, topn(f, 1, NULL::float8) = 0.1::float8 + 0.2 AS f,
       min_frequency(d, '2026-01-02'::date) + min_frequency(i, '-1 mon +2 days'::interval) + min_frequency(f, 0.1::float8 + 0.2) AS found FROM styled;
RESET intervalstyle;
RESET extra_float_digits;
DROP TABLE styled;

-- No rows give NULL, since no row says what is wanted.
SELECT freq_agg(0.05, page) IS NULL AS of_nothing, freq_agg(0.05, NULL::int) IS NULL AS of_null FROM hit WHERE false;
SELECT count(*) FROM into_values(NULL::frequent);

-- Parallel: two workers and a leader give what one process gives, to the last bit.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT grp, freq_agg(0.05, page) AS s FROM hit GROUP BY grp;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE hit SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT freq_agg(0.05, page) FROM hit;
CREATE TABLE parallel AS SELECT grp, freq_agg(0.05, page) AS s FROM hit GROUP BY grp;
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal
FROM serial AS a JOIN parallel AS b USING (grp);
SET max_parallel_workers_per_gather = 0;

-- Rollup, FILTER, grouping sets, windows.
SELECT r::text = w::text AS equal FROM (SELECT rollup(s) AS r FROM serial) AS a, (SELECT freq_agg(0.05, page) AS w FROM hit) AS b;
SELECT rollup(s) IS NULL AS of_nothing FROM serial WHERE false;
SELECT num_vals(freq_agg(0.05, page) FILTER (WHERE grp < 3)) AS filtered FROM hit;
SELECT grp % 2 AS odd, grp, num_vals(mcv_agg(1, page)) AS n, round(min_frequency(mcv_agg(1, page), 1)::numeric, 4) AS share_of_1
FROM hit WHERE grp < 4 GROUP BY GROUPING SETS ((grp % 2, grp), (grp % 2), ()) ORDER BY 1, 2;
SELECT count(*) AS frames, bool_and(num_vals(f) = n) AS equal
FROM (SELECT mcv_agg(1, page) OVER w AS f, count(page) OVER w AS n FROM hit WHERE id <= 100
      WINDOW w AS (ORDER BY id ROWS BETWEEN 5 PRECEDING AND CURRENT ROW)) AS q;

-- Stored states: text that reads back, binary COPY.
SELECT bool_and(s::text::frequent::text = s::text) AS text_reads_back FROM serial;
CREATE TABLE copied (LIKE serial);
\copy serial TO PROGRAM 'cat > "${TMPDIR:-/tmp}/pg_kpi_aggregates_frequent.bin"' (FORMAT binary)
\copy copied FROM PROGRAM 'cat "${TMPDIR:-/tmp}/pg_kpi_aggregates_frequent.bin"' (FORMAT binary)
\! rm -f "${TMPDIR:-/tmp}/pg_kpi_aggregates_frequent.bin"
SELECT count(*) AS groups, bool_and(a.s::text = b.s::text) AS equal FROM serial AS a JOIN copied AS b USING (grp);

-- What is refused, and how.
SELECT freq_agg(5, page) FROM hit;
\echo :LAST_ERROR_SQLSTATE
SELECT freq_agg(NULL, page) FROM hit;
\echo :LAST_ERROR_SQLSTATE
SELECT mcv_agg(0, page) FROM hit;
SELECT mcv_agg(3, 1, page) FROM hit;
SELECT freq_agg(0.1, repeat('x', 3000));
SELECT rollup(f) FROM (SELECT mcv_agg(n, n) AS f FROM generate_series(1, 2) AS n GROUP BY n) AS q;
SELECT topn(s, -1) FROM serial;
\echo :LAST_ERROR_SQLSTATE
SELECT into_values(freq_agg(0.1, 'word'::text), NULL::int);
\echo :LAST_ERROR_SQLSTATE
SELECT '\x00'::frequent;
\echo :LAST_ERROR_SQLSTATE
COPY copied (s) FROM PROGRAM 'printf "PGCOPY\\n\\377\\r\\n\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\2\\7\\1"' (FORMAT binary);
\echo :LAST_ERROR_SQLSTATE

DROP TABLE hit, serial, parallel, copied;
