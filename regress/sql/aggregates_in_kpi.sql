--
-- Two-step aggregates in the formula of a KPI. What is shown: the states are kept by bucket and merged when the KPI is read,
-- so that a value by minute, hour, day or month and by dimension is what the raw rows give, before a refresh, after it, and
-- with late, changed and deleted rows; states that cannot be put together across dimensions say so; a formula that cannot
-- work is refused when it is made.
--
CREATE SCHEMA aggregates_in_kpi;
SET search_path = aggregates_in_kpi;
SET timezone = 'UTC';

CREATE TABLE request (at timestamptz, region text, customer int, step int, ok boolean, seconds float8, expected float8, score int,
                      requests float8, state text);
CREATE INDEX ON request (at);
INSERT INTO request
SELECT timestamptz '2026-01-30 00:00Z' + i * interval '301 seconds', (ARRAY['north', 'south'])[1 + i % 2], i * 7919 % 97,
       1 + i % 3, i % 11 <> 0, (i * 104729 % 211)::float8 / 100, (i * 7919 % 199)::float8 / 100,
       CASE WHEN i % 7 <> 0 THEN i % 11 END, (i * 13 % 1000)::float8, (ARRAY['up', 'busy', 'down'])[1 + i * 31 % 3]
FROM generate_series(0, 999) AS i;

-- Formulas, and what they are over raw rows: in plain SQL where that is short, else the same aggregate in one pass.
CREATE TABLE formula (code text PRIMARY KEY, formula text, plain text);
INSERT INTO formula VALUES
    ('ratio', 'kpi.value(kpi.ratio_agg((NOT ok)::int, 1))', 'avg((NOT ok)::int)'),
    ('ratio of sums', 'value(ratio_agg(seconds, expected))', 'sum(seconds) / nullif(sum(expected), 0)'),
    ('two states', '100 * kpi.numerator(kpi.ratio_agg(seconds, 1)) / kpi.num_vals(kpi.stats_agg(expected))', '100 * avg(seconds)'),
    ('apdex', 'kpi.score(kpi.apdex_agg(seconds, 0.5))', 'avg(CASE WHEN seconds <= 0.5 THEN 1 WHEN seconds <= 2 THEN 0.5 ELSE 0 END)'),
    ('apdex of some', 'score(apdex_agg(seconds, 0.5) FILTER (WHERE ok))',
     'avg(CASE WHEN seconds <= 0.5 THEN 1 WHEN seconds <= 2 THEN 0.5 ELSE 0 END) FILTER (WHERE ok)'),
    ('nps', 'kpi.score(kpi.nps_agg(score))', '100 * avg(CASE WHEN score >= 9 THEN 1 WHEN score <= 6 THEN -1 WHEN score IS NOT NULL THEN 0 END)'),
    ('nps margin', 'kpi.margin(kpi.nps_agg(score), 0.99)', 'kpi.margin(kpi.nps_agg(score), 0.99)'),
    ('slo indicator', 'kpi.sli(kpi.slo_agg(at, ok::int, 1, 0.95))', 'avg(ok::int)'),
    ('slo budget', 'kpi.error_budget_left(kpi.slo_agg(at, ok::int, 1, 0.95))', '1 - avg((NOT ok)::int)::float8 / (1 - 0.95::float8)'),
    ('slo burn rate', 'kpi.burn_rate(kpi.slo_agg(at, ok::int, 1, 0.95), interval ''1 hour'')',
     'kpi.burn_rate(kpi.slo_agg(at, ok::int, 1, 0.95), interval ''1 hour'')'),
    ('forecast mae', 'kpi.mae(kpi.forecast_error_agg(seconds, expected))', 'avg(abs(seconds - expected))'),
    ('forecast mase', 'kpi.mase(kpi.forecast_error_agg(seconds, expected), scale => 0.5)', 'avg(abs(seconds - expected)) / 0.5'),
    ('forecast wape', 'wape(forecast_error_agg(seconds, expected))', 'sum(abs(seconds - expected)) / nullif(sum(seconds), 0)'),
    ('ewma', 'kpi.average(kpi.ewma(at, seconds, interval ''2 hours''))', 'kpi.average(kpi.ewma(at, seconds, interval ''2 hours''))'),
    ('trend', 'kpi.slope(kpi.trend_agg(at, seconds))', 'kpi.slope(kpi.trend_agg(at, seconds))'),
    ('gini', 'kpi.coefficient(kpi.gini_agg(seconds))', 'kpi.coefficient(kpi.gini_agg(seconds))'),
    ('funnel', 'kpi.conversion(kpi.funnel_agg(at, customer, step, interval ''1 day''), 2)',
     'kpi.conversion(kpi.funnel_agg(at, customer, step, interval ''1 day''), 2)'),
    ('retention', 'kpi.retention_rate(kpi.retention_agg(at, customer, interval ''1 day''), 1)',
     'kpi.retention_rate(kpi.retention_agg(at, customer, interval ''1 day''), 1)'),
    ('candlestick', 'kpi.high(kpi.candlestick_agg(at, seconds, requests)) - kpi.low(kpi.candlestick_agg(at, seconds, requests))',
     'max(seconds) - min(seconds)'),
    ('percentile', 'kpi.approx_percentile(0.95, kpi.percentile_agg(seconds))', 'kpi.approx_percentile(0.95, kpi.percentile_agg(seconds))'),
    ('distinct', 'kpi.distinct_count(kpi.hyperloglog(1024, customer))', 'kpi.distinct_count(kpi.hyperloglog(1024, customer))'),
    ('frequent', 'kpi.min_frequency(kpi.mcv_agg(3, state), ''busy''::text)', 'avg((state = ''busy'')::int)'),
    ('moments', 'kpi.stddev(kpi.stats_agg(seconds))', 'stddev(seconds)'),
    ('growth', 'kpi.growth(sum(seconds), sum(expected))', '(sum(seconds) - sum(expected)) / nullif(sum(expected), 0)');
SELECT kpi.create_source('requests', 'request', 'at', '{region}');
SELECT count(kpi.create_kpi(code, 'requests', formula)) FROM formula;
SELECT code, states FROM kpi.catalog WHERE code IN ('two states', 'apdex of some', 'candlestick', 'growth') ORDER BY code;

-- Over all periods and both regions: values that the rollup and the raw rows do not agree on (up to 1e-9, relative).
CREATE FUNCTION differences(source text, OUT code text, OUT compared bigint, OUT different bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    every text;
    dimension text;
    columns text;
    f record;
    n bigint;
    d bigint;
BEGIN
    FOR f IN SELECT * FROM formula AS a JOIN kpi.catalog AS c USING (code) WHERE c.source = $1 ORDER BY a.code LOOP
        code := f.code;
        compared := 0;
        different := 0;
        FOREACH every IN ARRAY '{minute,hour,day,month}'::text[] LOOP
            FOREACH dimension IN ARRAY ARRAY['', 'region'] LOOP
                CONTINUE WHEN dimension <> '' AND source <> 'requests';
                EXECUTE format($q$
                    SELECT count(*), count(*) FILTER (WHERE k.ts IS NULL OR p.ts IS NULL OR NOT (k.value IS NOT DISTINCT FROM p.value
                        OR coalesce(abs(k.value - p.value) <= 1e-9 * greatest(abs(p.value), 1), false)))
                    FROM (SELECT ts, dimensions, value FROM kpi.value(%1$L, %2$L, by => %3$L)) AS k
                    FULL JOIN (SELECT date_trunc(%2$L, at, 'UTC') AS ts, %4$s AS dimensions, (%5$s)::float8 AS value
                               FROM request GROUP BY 1, 2) AS p USING (ts, dimensions)$q$,
                    f.code, every, CASE dimension WHEN '' THEN '{}'::text[] ELSE ARRAY[dimension] END,
                    CASE dimension WHEN '' THEN '''{}''::jsonb' ELSE 'jsonb_build_object(''region'', region)' END, f.plain) INTO n, d;
                compared := compared + n;
                different := different + d;
            END LOOP;
        END LOOP;
        RETURN NEXT;
    END LOOP;
END $$;
SELECT * FROM differences('requests');
SELECT buckets, rows_read FROM kpi.refresh('requests');
SELECT * FROM differences('requests');
-- Late rows, a changed one and deleted ones.
INSERT INTO request SELECT at + interval '17 seconds', region, customer + 1, 4 - step, NOT ok, seconds + 1, expected, score, requests, state
FROM request WHERE customer % 10 = 0;
UPDATE request SET seconds = 100, score = 0 WHERE at = '2026-02-01 09:41:30Z' OR customer = 50;
DELETE FROM request WHERE customer = 20;
SELECT sum(compared) AS compared, sum(different) AS different FROM differences('requests');
SELECT rows_read > 0 AS refreshed FROM kpi.refresh('requests');
SELECT sum(compared) AS compared, sum(different) AS different FROM differences('requests');
SELECT ts::date, dimensions, round(value::numeric, 4) AS value FROM kpi.value('apdex', 'day', '2026-01-30', '2026-02-01', by => '{region}') ORDER BY 1, 2;

-- Those for which it matters which rows are neighbours: exact over a source without dimensions.
INSERT INTO formula VALUES
    ('counter', 'kpi.delta(kpi.counter_agg(at, requests))', 'kpi.delta(kpi.counter_agg(at, requests))'),
    ('gauge', 'kpi.delta(kpi.gauge_agg(at, seconds))', 'kpi.delta(kpi.gauge_agg(at, seconds))'),
    ('time weight', 'kpi.average(kpi.time_weight(''LOCF'', at, seconds))', 'kpi.average(kpi.time_weight(''LOCF'', at, seconds))'),
    ('state', 'extract(epoch FROM kpi.duration_in(kpi.compact_state_agg(at, state), ''busy''))',
     'extract(epoch FROM kpi.duration_in(kpi.compact_state_agg(at, state), ''busy''))'),
    ('mttr', 'extract(epoch FROM kpi.mttr(kpi.state_agg(at, state), ''down''))', 'extract(epoch FROM kpi.mttr(kpi.state_agg(at, state), ''down''))');
SELECT kpi.create_source('plain_requests', 'request', 'at');
SELECT count(kpi.create_kpi(code, 'plain_requests', formula)) FROM formula WHERE code IN ('counter', 'gauge', 'time weight', 'state', 'mttr');
SELECT * FROM differences('plain_requests');
SELECT rows_read > 0 AS refreshed FROM kpi.refresh('plain_requests');
SELECT * FROM differences('plain_requests');
-- Of two regions whose times interleave, the value of each is known and that of both together is not.
SELECT kpi.create_kpi('counter by region', 'requests', 'kpi.delta(kpi.counter_agg(at, requests))');
SELECT ts::date, dimensions->>'region' AS region, value FROM kpi.value('counter by region', 'day', '2026-01-30', '2026-01-31', by => '{region}') ORDER BY 2;
SELECT rows_read > 0 AS refreshed FROM kpi.refresh('requests');
SELECT ts::date, dimensions->>'region' AS region, value FROM kpi.value('counter by region', 'day', '2026-01-30', '2026-01-31', by => '{region}') ORDER BY 2;
SELECT value FROM kpi.value('counter by region', 'day', '2026-01-30', '2026-01-31');
SELECT value FROM kpi.value('counter by region', 'day', '2026-01-30', '2026-01-31', filter => 'region = ''north''');
\echo :LAST_ERROR_SQLSTATE

-- Stored states are merged as well: a table of states is a source too.
CREATE TABLE daily AS SELECT date_trunc('day', at, 'UTC') AS day, region, kpi.apdex_agg(seconds, 0.5) AS apdex FROM request GROUP BY 1, 2;
CREATE INDEX ON daily (day);
SELECT kpi.create_source('daily', 'daily', 'day', '{region}');
SELECT kpi.create_kpi('apdex of states', 'daily', 'kpi.score(kpi.rollup(apdex))');
SELECT count(*) AS months, bool_and(abs(a.value - b.value) < 1e-12) AS equal
FROM kpi.value('apdex of states', 'month') AS a JOIN kpi.value('apdex', 'month') AS b USING (ts);

-- What is refused when the KPI is made: the state itself, an accessor of another state, a wrong number or type of arguments, an
-- accessor without an aggregate, rows instead of a value, an accessor that is not there.
SELECT kpi.create_kpi('wrong', 'requests', 'kpi.ratio_agg(seconds, 1)');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.create_kpi('wrong', 'requests', 'kpi.margin(kpi.ratio_agg(seconds, 1))');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.create_kpi('wrong', 'requests', 'kpi.score(kpi.apdex_agg(seconds))');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.create_kpi('wrong', 'requests', 'kpi.score(kpi.nps_agg(region))');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.create_kpi('wrong', 'requests', 'kpi.score(seconds)');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.create_kpi('wrong', 'requests', 'kpi.steps(kpi.funnel_agg(at, customer, step, interval ''1 day''))');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.create_kpi('wrong', 'requests', '(kpi.wilson_interval(kpi.ratio_agg(step, 3))).low');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.create_kpi('wrong', 'requests', 'kpi.wilson_interval(kpi.ratio_agg(step, 3))');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.create_kpi('wrong', 'requests', 'kpi.scor(kpi.nps_agg(score))');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.create_kpi('wrong', 'requests', 'scor(nps_agg(score))');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.create_kpi('wrong', 'requests', 'kpi.value(kpi.ratio_agg(DISTINCT seconds, 1))');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.create_kpi('wrong', 'requests', 'kpi.value(kpi.ratio_agg(sum(seconds), 1))');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.create_kpi('wrong', 'requests', 'kpi.score(kpi.apdex_agg(second, 0.5))');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.create_kpi('wrong', 'requests', 'kpi.mae(kpi.forecast_error_agg(seconds, expected) OVER ())');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.create_kpi('wrong', 'requests', 'kpi.average(kpi.ewma(at, seconds, half_life => interval ''1 hour''))');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.create_kpi('wrong', 'requests', 'growth(sum(seconds), sum(expected))');
\echo :LAST_ERROR_SQLSTATE
-- Values that the aggregate itself refuses: the error is that of the aggregate, when the rows are read.
SELECT kpi.create_kpi('threshold', 'requests', 'kpi.score(kpi.apdex_agg(seconds, 0))');
SELECT count(*) FROM kpi.value('threshold', 'day');
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.drop_kpi('threshold');
SELECT kpi.create_kpi('level', 'requests', 'kpi.margin(kpi.nps_agg(score), 95)');
SELECT count(*) FROM kpi.value('level', 'day');
\echo :LAST_ERROR_SQLSTATE
SET client_min_messages = warning;
SELECT count(kpi.drop_source(s, cascade => true)) AS dropped FROM unnest('{requests,plain_requests,daily}'::text[]) AS s;
DROP SCHEMA aggregates_in_kpi CASCADE;
