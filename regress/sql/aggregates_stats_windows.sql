-- stats_agg in windows that move: rows that leave a window are taken away from its state. What is shown: each frame has what
-- the rows of the frame alone give, also where values are large, far from zero, all equal, NaN or infinite, or where one
-- has left that was 1e60 times larger than all others; NULL; frames without rows; and that a long window costs no more than a short one.
SET search_path = kpi, public;
SET jit = off;

CREATE FUNCTION agrees(a float8, b float8, scale float8 DEFAULT 0) RETURNS boolean IMMUTABLE LANGUAGE sql AS
$$ SELECT a IS NOT DISTINCT FROM b OR abs(a - b) <= 1e-12 * greatest(abs(b), scale) $$;

-- Each kind of data 600 rows long.
CREATE TABLE nasty AS
SELECT kind, i, CASE kind
           WHEN 'plain' THEN noise
           WHEN 'far from zero' THEN 1e15 + noise
           WHEN 'seconds since 1970' THEN 1.7e9 + noise
           WHEN 'equal' THEN 0.1
           WHEN 'steps' THEN i / 100 * 0.1
           WHEN 'one is large' THEN CASE WHEN i = 100 THEN 1e60 ELSE noise END
           WHEN 'fading' THEN noise * exp(-i / 10.0)
           WHEN 'nan and infinity' THEN CASE i WHEN 100 THEN 'nan' WHEN 200 THEN 'inf' WHEN 210 THEN '-inf' WHEN 300 THEN 1e15 ELSE noise END
           WHEN 'with null' THEN CASE WHEN i % 3 = 0 OR i BETWEEN 200 AND 300 THEN NULL ELSE noise END
       END::float8 AS x, other AS y
FROM generate_series(1, 600) AS i,
     LATERAL (SELECT (i * 7919::bigint % 10007) / 1000.0 - 5 AS noise, (i * 104729::bigint % 9973) / 1000.0 AS other) AS n,
     unnest('{plain,far from zero,seconds since 1970,equal,steps,one is large,fading,nan and infinity,with null}'::text[]) AS kind;

-- Moved windows beside the state of the same rows made anew.
SELECT kind, count(*) AS frames,
       bool_and(num_vals(m) = num_vals(a)) AS num_vals,
       bool_and(agrees(sum(m), sum(a))) AS sum,
       bool_and(agrees(variance(m), variance(a))) AS variance,
       bool_and(agrees(skewness(m), skewness(a), 1)) AS skewness,
       bool_and(agrees(kurtosis(m), kurtosis(a), 1)) AS kurtosis,
       bool_and(agrees(covariance(m2), covariance(a2), stddev_x(a2) * stddev_y(a2))) AS covariance,
       bool_and(agrees(corr(m2), corr(a2), 1)) AS corr
FROM (SELECT kind, i, stats_agg(x) OVER w AS m, stats_agg(y, x) OVER w AS m2 FROM nasty
      WINDOW w AS (PARTITION BY kind ORDER BY i ROWS BETWEEN 20 PRECEDING AND 5 FOLLOWING)) AS moved,
     LATERAL (SELECT stats_agg(x) AS a, stats_agg(y, x) AS a2 FROM nasty n WHERE n.kind = moved.kind AND n.i BETWEEN moved.i - 20 AND moved.i + 5) AS anew
GROUP BY kind ORDER BY kind;

-- Equal values have a variance of exactly zero after others have left.
SELECT count(*) FILTER (WHERE variance(s) = 0) AS level, count(*) AS frames
FROM (SELECT i, stats_agg(x) OVER (ORDER BY i ROWS 9 PRECEDING) AS s FROM nasty WHERE kind = 'steps') AS q WHERE i % 100 BETWEEN 10 AND 99;

-- Frames without rows, frames by RANGE and GROUPS, a frame that shrinks, EXCLUDE.
SELECT i, num_vals(stats_agg(i) OVER (ORDER BY i ROWS BETWEEN 5 PRECEDING AND 3 PRECEDING)) AS before,
       sum(stats_agg(i) OVER (ORDER BY i RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING)) AS around,
       average(stats_agg(i) OVER (ORDER BY i / 2 GROUPS BETWEEN CURRENT ROW AND 1 FOLLOWING)) AS groups,
       num_vals(stats_agg(i) OVER (ORDER BY i ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)) AS rest,
       sum(stats_agg(i) OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW)) AS others
FROM generate_series(1, 6) AS i ORDER BY i;
SELECT i, num_vals(stats_agg(x) OVER w) AS n, sum(stats_agg(x) OVER w) AS sum
FROM (VALUES (1, NULL::float8), (2, 5), (3, NULL), (4, NULL), (5, 7)) AS v(i, x) WINDOW w AS (ORDER BY i ROWS 1 PRECEDING) ORDER BY i;

-- What is stored of a window is a state as any other.
SELECT bool_and(s::text::stats1d::text = s::text) AS reads_back, num_vals(rollup(s)) AS rolled_up
FROM (SELECT stats_agg(x) OVER (ORDER BY i ROWS 9 PRECEDING) AS s FROM nasty WHERE kind = 'nan and infinity') AS q;

-- A window of 50,000 rows over 100,000: made anew for each row this would take 2.5 thousand million steps.
SET statement_timeout = '60s';
SELECT count(*) AS frames, bool_and(agrees(sum(s), 0.5 * n * (2 * i - n + 1))) AS sums,
       bool_and(agrees(variance(s), n * (n + 1) / 12.0)) AS variances
FROM (SELECT i::float8, least(i, 50000)::float8 AS n, stats_agg(i) OVER (ORDER BY i ROWS 49999 PRECEDING) AS s FROM generate_series(1, 100000) AS i) AS q
WHERE n > 1;
RESET statement_timeout;

DROP TABLE nasty;
DROP FUNCTION agrees;
