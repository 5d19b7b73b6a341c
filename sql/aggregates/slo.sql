-- slo: service level objectives, error budgets and burn rates

CREATE TYPE slo;
CREATE FUNCTION slo_in(cstring) RETURNS slo
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_in';
CREATE FUNCTION slo_out(slo) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_out';
CREATE FUNCTION slo_recv(internal) RETURNS slo
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_recv';
CREATE FUNCTION slo_send(slo) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_send';
CREATE TYPE slo (
    INPUT = slo_in, OUTPUT = slo_out, RECEIVE = slo_recv, SEND = slo_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE slo IS 'good and all events in buckets of time, made by kpi.slo_agg(ts, good, total, objective)';
COMMENT ON FUNCTION slo_in(cstring) IS 'text input of slo';
COMMENT ON FUNCTION slo_out(slo) IS 'text output of slo';
COMMENT ON FUNCTION slo_recv(internal) IS 'binary input of slo';
COMMENT ON FUNCTION slo_send(slo) IS 'binary output of slo';

CREATE FUNCTION slo_trans(internal, timestamptz, bigint, bigint, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_trans';
COMMENT ON FUNCTION slo_trans(internal, timestamptz, bigint, bigint, float8) IS 'adds events to slo_agg(ts, good, total, objective)';

CREATE FUNCTION slo_rollup_trans(internal, slo) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_rollup_trans';
COMMENT ON FUNCTION slo_rollup_trans(internal, slo) IS 'adds a stored state to a rollup';

CREATE FUNCTION slo_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_combine';
COMMENT ON FUNCTION slo_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION slo_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_serialize';
COMMENT ON FUNCTION slo_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION slo_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_deserialize';
COMMENT ON FUNCTION slo_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION slo_final(internal) RETURNS slo
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_final';
COMMENT ON FUNCTION slo_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE slo_agg(ts timestamptz, good bigint, total bigint, objective float8) (
    SFUNC = slo_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = slo_final,
    COMBINEFUNC = slo_combine, SERIALFUNC = slo_serialize, DESERIALFUNC = slo_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE slo_agg(timestamptz, bigint, bigint, float8) IS 'good and all events over time against a service level objective such as 0.999, to be read by sli, burn_rate, alerts, ... and merged by rollup';

CREATE AGGREGATE rollup(s slo) (
    SFUNC = slo_rollup_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = slo_final,
    COMBINEFUNC = slo_combine, SERIALFUNC = slo_serialize, DESERIALFUNC = slo_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(slo) IS 'merges states of slo_agg into one, as if it had seen all their rows; states of different objectives are refused';

CREATE FUNCTION objective(s slo) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_objective';
COMMENT ON FUNCTION objective(slo) IS 'the share of events that has to be good';

CREATE FUNCTION good_events(s slo) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_good_events';
COMMENT ON FUNCTION good_events(slo) IS 'the number of good events';

CREATE FUNCTION total_events(s slo) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_total_events';
COMMENT ON FUNCTION total_events(slo) IS 'the number of all events';

CREATE FUNCTION sli(s slo) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_sli';
COMMENT ON FUNCTION sli(slo) IS 'the service level indicator: good events divided by all events';

CREATE FUNCTION end_time(s slo) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_end_time';
COMMENT ON FUNCTION end_time(slo) IS 'where the last bucket of time with events ends';

CREATE FUNCTION bucket_width(s slo) RETURNS interval
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_bucket_width';
COMMENT ON FUNCTION bucket_width(slo) IS 'the width of the buckets of time: a minute up to a week of them, then more';

CREATE FUNCTION error_budget_left(s slo) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_error_budget_left';
COMMENT ON FUNCTION error_budget_left(slo) IS 'the share of the error budget of all events that is left: 1 where none was bad, below 0 where the objective was missed';

CREATE FUNCTION error_budget_left(s slo, lookback interval, until timestamptz DEFAULT NULL) RETURNS float8
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_error_budget_left_in';
COMMENT ON FUNCTION error_budget_left(slo, interval, timestamptz) IS 'the share of the error budget that is left of the events in the time before until, which is end_time where it is left out';

CREATE FUNCTION burn_rate(s slo, lookback interval, until timestamptz DEFAULT NULL) RETURNS float8
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_burn_rate';
COMMENT ON FUNCTION burn_rate(slo, interval, timestamptz) IS 'how fast the error budget is used in the time before until, which is end_time where it is left out: at 1 it lasts exactly for its period';

CREATE FUNCTION alerts(s slo, until timestamptz DEFAULT NULL) RETURNS TABLE (severity text, long_window interval, short_window interval, threshold float8, long_burn_rate float8, short_burn_rate float8, firing boolean)
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_alerts';
COMMENT ON FUNCTION alerts(slo, timestamptz) IS 'the multi-window, multi-burn-rate alerts of the SRE workbook as they stand at until, which is end_time where it is left out';

CREATE FUNCTION severity(s slo, until timestamptz DEFAULT NULL) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_severity';
COMMENT ON FUNCTION severity(slo, timestamptz) IS 'the most urgent of the alerts that fire at until: page, ticket, or NULL';
