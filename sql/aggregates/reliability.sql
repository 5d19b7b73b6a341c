-- Reliability: mean times between failures and to repair, from states and from heartbeats

CREATE FUNCTION mtbf(agg stateagg, failed text) RETURNS interval
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (SELECT sum(v.duration) - kpi.duration_in(agg, failed) FROM kpi.into_values(agg) AS v)
           / (SELECT nullif(count(*), 0) FROM kpi.state_periods(agg, failed));
COMMENT ON FUNCTION mtbf(stateagg, text) IS 'mean time between failures: the time in all other states for each period in the state failed; NULL without such a period';

CREATE FUNCTION mtbf(agg stateagg, failed bigint) RETURNS interval
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (SELECT sum(v.duration) - kpi.duration_in(agg, failed) FROM kpi.into_values(agg) AS v)
           / (SELECT nullif(count(*), 0) FROM kpi.state_periods(agg, failed));
COMMENT ON FUNCTION mtbf(stateagg, bigint) IS 'mean time between failures: the time in all other states for each period in the state failed; NULL without such a period';

CREATE FUNCTION mtbf(agg stateagg, failed anyenum) RETURNS interval
    LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT kpi.mtbf(agg, failed::text) $$;
COMMENT ON FUNCTION mtbf(stateagg, anyenum) IS 'mean time between failures: the time in all other states for each period in the state failed; NULL without such a period';

CREATE FUNCTION mtbf(agg heartbeatagg) RETURNS interval
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN kpi.uptime(agg) / nullif(kpi.num_gaps(agg), 0);
COMMENT ON FUNCTION mtbf(heartbeatagg) IS 'mean time between failures: the uptime for each gap; NULL without a gap';

CREATE FUNCTION mttr(agg stateagg, failed text) RETURNS interval
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN kpi.duration_in(agg, failed) / (SELECT nullif(count(*), 0) FROM kpi.state_periods(agg, failed));
COMMENT ON FUNCTION mttr(stateagg, text) IS 'mean time to repair: the mean length of the periods in the state failed; NULL without such a period';

CREATE FUNCTION mttr(agg stateagg, failed bigint) RETURNS interval
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN kpi.duration_in(agg, failed) / (SELECT nullif(count(*), 0) FROM kpi.state_periods(agg, failed));
COMMENT ON FUNCTION mttr(stateagg, bigint) IS 'mean time to repair: the mean length of the periods in the state failed; NULL without such a period';

CREATE FUNCTION mttr(agg stateagg, failed anyenum) RETURNS interval
    LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT kpi.mttr(agg, failed::text) $$;
COMMENT ON FUNCTION mttr(stateagg, anyenum) IS 'mean time to repair: the mean length of the periods in the state failed; NULL without such a period';

CREATE FUNCTION mttr(agg heartbeatagg) RETURNS interval
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN kpi.downtime(agg) / nullif(kpi.num_gaps(agg), 0);
COMMENT ON FUNCTION mttr(heartbeatagg) IS 'mean time to repair: the mean length of the gaps; NULL without a gap';
