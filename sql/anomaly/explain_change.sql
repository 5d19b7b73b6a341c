-- Why a KPI changed: what each value of its dimensions adds.

CREATE FUNCTION kpi._change_is_ratio(code text) RETURNS bool
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'change_is_ratio_wrapper';
COMMENT ON FUNCTION kpi._change_is_ratio(text) IS
    'whether a KPI is a ratio of sums; false for a sum, an error for what is neither';

CREATE FUNCTION kpi._change_side(code text, below bool, period text, since timestamptz, until timestamptz, by text[])
    RETURNS TABLE (ts timestamptz, dimensions jsonb, value float8)
    LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100 COST 1000 AS 'MODULE_PATHNAME', 'kpi_change_side';
COMMENT ON FUNCTION kpi._change_side(text, bool, text, timestamptz, timestamptz, text[]) IS
    'what is above or below the line of a KPI, by dimensions; as of kpi.value otherwise';

CREATE FUNCTION kpi._change_effects(
    is_ratio bool, above_before float8[], below_before float8[], above_after float8[], below_after float8[],
    value_before float8, value_after float8, most int
) RETURNS TABLE (
    place int, before float8, after float8, contribution float8, share float8, mix_effect float8, rate_effect float8
)
    LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 20 AS 'MODULE_PATHNAME', 'change_effects_wrapper';
COMMENT ON FUNCTION kpi._change_effects(bool, float8[], float8[], float8[], float8[], float8, float8, int) IS
    'what each group adds to a change, the greatest first; place is that of the group in the arrays, NULL for all others together';

CREATE FUNCTION kpi.explain_change(
    code text, period text, at timestamptz, by text[], baseline timestamptz DEFAULT NULL, max_rows int DEFAULT 20
) RETURNS TABLE (
    dimensions jsonb, before float8, after float8, contribution float8, share float8, mix_effect float8,
    rate_effect float8
)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 20 SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    zone text;
    is_ratio bool;
    times timestamptz[];
    totals float8[];
    groups jsonb[];
    above_before float8[];
    below_before float8[];
    above_after float8[];
    below_after float8[];
BEGIN
    IF explain_change.at IS NULL OR NOT isfinite(explain_change.at) OR NOT isfinite(explain_change.baseline) THEN
        RAISE EXCEPTION USING ERRCODE = CASE WHEN explain_change.at IS NULL THEN '22004' ELSE '22008' END,
            MESSAGE = 'at and baseline must be points in time',
            DETAIL = format('They are %s and %s.', coalesce(explain_change.at::text, 'NULL'),
                            coalesce(explain_change.baseline::text, 'NULL')),
            HINT = 'Give any time within the bucket that is to be explained: at => now() - interval ''1 day''.';
    END IF;
    is_ratio := kpi._change_is_ratio(explain_change.code);
    IF is_ratio IS NULL OR explain_change.period IS NULL
       OR explain_change.period NOT IN ('minute', 'hour', 'day', 'week', 'month', 'quarter', 'year') THEN
        -- What is no code and no period is refused there, with what is one.
        PERFORM FROM kpi.value(explain_change.code, explain_change.period, explain_change.at, explain_change.at);
    END IF;
    zone := kpi._timezone(explain_change.code);
    times[2] := date_trunc(explain_change.period, explain_change.at, zone);
    times[1] := date_trunc(explain_change.period, coalesce(explain_change.baseline, times[2] - interval '1 microsecond'), zone);
    FOR i IN 1..2 LOOP
        totals[i] := (SELECT v.value FROM kpi.value(explain_change.code, explain_change.period, times[i],
                                                    times[i] + interval '1 microsecond') v);
    END LOOP;
    WITH part AS (
        SELECT s.dimensions, 2 * b + a AS slot, s.value
        FROM generate_series(0, 1) a, generate_series(0, CASE WHEN is_ratio THEN 1 ELSE 0 END) b,
             kpi._change_side(explain_change.code, b = 1, explain_change.period, times[a + 1],
                              times[a + 1] + interval '1 microsecond', explain_change.by) s
    ), grouped AS (
        SELECT p.dimensions,
               coalesce(sum(p.value) FILTER (WHERE slot = 0), 0) AS n0, coalesce(sum(p.value) FILTER (WHERE slot = 1), 0) AS n1,
               coalesce(sum(p.value) FILTER (WHERE slot = 2), 0) AS d0, coalesce(sum(p.value) FILTER (WHERE slot = 3), 0) AS d1
        FROM part p GROUP BY p.dimensions
    )
    SELECT coalesce(array_agg(g.dimensions ORDER BY g.dimensions), '{}'),
           coalesce(array_agg(n0 ORDER BY g.dimensions), '{}'), coalesce(array_agg(d0 ORDER BY g.dimensions), '{}'),
           coalesce(array_agg(n1 ORDER BY g.dimensions), '{}'), coalesce(array_agg(d1 ORDER BY g.dimensions), '{}')
    INTO groups, above_before, below_before, above_after, below_after
    FROM grouped g;
    RETURN QUERY
    SELECT groups[e.place], e.before, e.after, e.contribution, e.share, e.mix_effect, e.rate_effect
    FROM kpi._change_effects(is_ratio, above_before, below_before, above_after, below_after, totals[1], totals[2],
                             coalesce(explain_change.max_rows, 20)) e;
END
$$;
COMMENT ON FUNCTION kpi.explain_change(text, text, timestamptz, text[], timestamptz, int) IS
    'the change of a KPI from the bucket before (or that of baseline) to the one that at lies in, by values of dimensions: contributions add up to the change, and are a mix effect (its share grew) and a rate effect (it changed itself) of a ratio; the last row, with NULL for its dimensions, is all others together';
