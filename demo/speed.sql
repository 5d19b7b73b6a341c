-- Measures the queries in the variables dashboard (from rollups) and raw (from the rows): the median of several runs each,
-- taken in the server so that neither psql nor the network counts, after one run that warms the cache.
CREATE FUNCTION pg_temp.median_ms(query text, runs int) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    taken   float8[] := '{}';
    started timestamptz;
BEGIN
    EXECUTE query;
    FOR i IN 1..runs LOOP
        started := clock_timestamp();
        EXECUTE query;
        taken := taken || extract(epoch FROM clock_timestamp() - started)::float8 * 1000;
    END LOOP;
    RETURN (SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t)::numeric, 2) FROM unnest(taken) t);
END $$;
SELECT pg_temp.median_ms(:'raw', 3) AS "raw rows, ms", pg_temp.median_ms(:'dashboard', 25) AS "rollups, ms",
       (SELECT count(*) FROM (:dashboard) d) AS buckets,
       (SELECT count(*) FROM ((:dashboard) EXCEPT ALL (:raw)) d) AS "that differ";
