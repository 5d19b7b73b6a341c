--
-- What is refused, with what SQLSTATE, and what to type instead.
--
SET max_parallel_workers_per_gather = 0;
\set SHOW_CONTEXT never
CREATE FUNCTION pg_temp.refusal(statement text) RETURNS TABLE (state text, message text, detail text, hint text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    message := 'no error';
    RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT;
    RETURN NEXT;
END
$$;
CREATE TEMP TABLE week AS
SELECT kpi.series('2026-01-01 00:00Z'::timestamptz + d * interval '1 day', d) AS s FROM generate_series(1, 7) d;
\x on
SELECT r.* FROM unnest(ARRAY[
    $$SELECT kpi.anomalies(s, 'z-score') FROM week$$,
    'SELECT kpi.anomalies(s, threshold => 0) FROM week',
    'SELECT kpi.anomalies(s, threshold => 3) FROM week',
    $$SELECT kpi.anomalies(s, threshold => 'NaN') FROM week$$,
    $$SELECT kpi.anomalies('[]'::kpi.series)$$,
    $$SELECT kpi.anomalies('[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 2]]'::kpi.series)$$,
    $$SELECT kpi.anomalies('[["2026-01-01T00:00:00Z", null], ["2026-01-02T00:00:00Z", null]]'::kpi.series)$$,
    $$SELECT kpi.anomalies(s, direction => 'left') FROM week$$,
    'SELECT kpi.anomalies(s, season => 0) FROM week',
    'SELECT kpi.anomalies(s, season => 4) FROM week',
    $$SELECT kpi.anomalies(s, options => '7') FROM week$$,
    $$SELECT kpi.anomalies(s, options => '{"windows": 7}') FROM week$$,
    $$SELECT kpi.anomalies(s, options => '{"window": "long"}') FROM week$$,
    $$SELECT kpi.anomalies(s, options => '{"lambda": 2}') FROM week$$,
    $$SELECT kpi.anomalies(s, options => '{"western_electric": 1}') FROM week$$,
    $$SELECT kpi.anomalies(s, 'forecast', options => '{"model": "oracle"}') FROM week$$,
    $$SELECT kpi.anomalies(s, 'matrix_profile') FROM week$$,
    $$SELECT kpi.anomalies(s, 'sub_pca', options => '{"window": 5}') FROM week$$,
    $$SELECT kpi.anomalies('no such KPI')$$,
    $$SELECT kpi.changepoints(s, 'guess') FROM week$$,
    $$SELECT kpi.changepoints(s, cost => 'median') FROM week$$,
    $$SELECT kpi.changepoints(s, 'bocpd', cost => 'trend') FROM week$$,
    $$SELECT kpi.changepoints(s, penalty => 0) FROM week$$,
    $$SELECT kpi.changepoints(s, penalty => 'NaN') FROM week$$,
    $$SELECT kpi.changepoints(s, min_size => 0) FROM week$$,
    $$SELECT kpi.changepoints('[]'::kpi.series)$$,
    $$SELECT kpi.changepoints('no such KPI')$$,
    $$SELECT kpi.anomalies('[["2026-01-01T00:00:00Z", 1.7e308], ["2026-01-02T00:00:00Z", -1.7e308],
        ["2026-01-03T00:00:00Z", 1.7e308], ["2026-01-04T00:00:00Z", -1.7e308]]'::kpi.series)$$
]) WITH ORDINALITY s (statement, place), pg_temp.refusal(statement) r ORDER BY place;
\x off
