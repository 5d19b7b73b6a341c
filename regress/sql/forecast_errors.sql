--
-- What is refused, with what SQLSTATE, and what to type instead.
--
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
    'SELECT kpi.forecast(s, 0) FROM week',
    'SELECT kpi.forecast(s, -1) FROM week',
    'SELECT kpi.forecast(s, 100001) FROM week',
    'SELECT kpi.forecast(s, NULL) FROM week',
    'SELECT kpi.forecast(s, 3, level => 0) FROM week',
    'SELECT kpi.forecast(s, 3, level => 95) FROM week',
    $$SELECT kpi.forecast(s, 3, level => 'NaN') FROM week$$,
    'SELECT kpi.forecast(s, 3, season => 0) FROM week',
    'SELECT kpi.forecast(s, 3, season => 4) FROM week',
    $$SELECT kpi.forecast(s, 3, 'seasonal naive') FROM week$$,
    $$SELECT kpi.forecast('[]'::kpi.series, 3)$$,
    $$SELECT kpi.forecast('[["2026-01-01T00:00:00Z", 1]]'::kpi.series, 3)$$,
    $$SELECT kpi.forecast('[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 1]]'::kpi.series, 3, 'theta')$$,
    $$SELECT kpi.forecast('[["2026-01-01T00:00:00Z", null], ["2026-01-02T00:00:00Z", null]]'::kpi.series, 3)$$,
    $$SELECT kpi.forecast('[["2026-01-01T00:00:00Z", 1], ["2026-01-01T00:00:07Z", 2], ["2026-01-03T11:00:00Z", 3],
        ["2026-02-11T05:00:00Z", 4], ["2026-02-11T05:13:00Z", 5]]'::kpi.series, 3)$$,
    $$SELECT kpi.forecast('[["2026-01-01T00:00:00Z", 1e308], ["2026-01-02T00:00:00Z", -1e308],
        ["2026-01-03T00:00:00Z", 1e308]]'::kpi.series, 3)$$,
    $$SELECT kpi.forecast(kpi.series(ts, 1), 3, 'naive')
      FROM unnest('{294275-01-01Z,294276-01-01Z}'::timestamptz[]) ts$$
]) WITH ORDINALITY s (statement, place), pg_temp.refusal(statement) r ORDER BY place;
\x off
