-- retention: how many actors came back

CREATE TYPE retentionagg;
CREATE FUNCTION retentionagg_in(cstring) RETURNS retentionagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_in';
CREATE FUNCTION retentionagg_out(retentionagg) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_out';
CREATE FUNCTION retentionagg_recv(internal) RETURNS retentionagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_recv';
CREATE FUNCTION retentionagg_send(retentionagg) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_send';
CREATE TYPE retentionagg (
    INPUT = retentionagg_in, OUTPUT = retentionagg_out, RECEIVE = retentionagg_recv, SEND = retentionagg_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE retentionagg IS 'in which periods actors were seen, made by kpi.retention_agg(ts, actor, period)';
COMMENT ON FUNCTION retentionagg_in(cstring) IS 'text input of retentionagg';
COMMENT ON FUNCTION retentionagg_out(retentionagg) IS 'text output of retentionagg';
COMMENT ON FUNCTION retentionagg_recv(internal) IS 'binary input of retentionagg';
COMMENT ON FUNCTION retentionagg_send(retentionagg) IS 'binary output of retentionagg';

CREATE FUNCTION retentionagg_trans(internal, timestamptz, anyelement, interval) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_trans';
COMMENT ON FUNCTION retentionagg_trans(internal, timestamptz, anyelement, interval) IS 'adds an event to retention_agg(ts, actor, period)';

CREATE FUNCTION retentionagg_rollup_trans(internal, retentionagg) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_rollup_trans';
COMMENT ON FUNCTION retentionagg_rollup_trans(internal, retentionagg) IS 'adds a stored state to a rollup';

CREATE FUNCTION retentionagg_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_combine';
COMMENT ON FUNCTION retentionagg_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION retentionagg_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_serialize';
COMMENT ON FUNCTION retentionagg_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION retentionagg_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_deserialize';
COMMENT ON FUNCTION retentionagg_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION retentionagg_final(internal) RETURNS retentionagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_final';
COMMENT ON FUNCTION retentionagg_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE retention_agg(ts timestamptz, actor anyelement, period interval) (
    SFUNC = retentionagg_trans, STYPE = internal, SSPACE = 65536, FINALFUNC = retentionagg_final,
    COMBINEFUNC = retentionagg_combine, SERIALFUNC = retentionagg_serialize, DESERIALFUNC = retentionagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_agg(timestamptz, anyelement, interval) IS 'which actors came back how many periods after their first one, to be read by cohorts, retention_rate and merged by rollup; periods start in UTC';

CREATE AGGREGATE rollup(r retentionagg) (
    SFUNC = retentionagg_rollup_trans, STYPE = internal, SSPACE = 65536, FINALFUNC = retentionagg_final,
    COMBINEFUNC = retentionagg_combine, SERIALFUNC = retentionagg_serialize, DESERIALFUNC = retentionagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(retentionagg) IS 'merges states of retention_agg into one, as if it had seen all their rows; states of different periods are refused';

CREATE FUNCTION retentionagg_trans(internal, timestamp, anyelement, interval) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_trans';
COMMENT ON FUNCTION retentionagg_trans(internal, timestamp, anyelement, interval) IS 'adds an event to retention_agg(ts, actor, period)';

CREATE AGGREGATE retention_agg(ts timestamp, actor anyelement, period interval) (
    SFUNC = retentionagg_trans, STYPE = internal, SSPACE = 65536, FINALFUNC = retentionagg_final,
    COMBINEFUNC = retentionagg_combine, SERIALFUNC = retentionagg_serialize, DESERIALFUNC = retentionagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_agg(timestamp, anyelement, interval) IS 'the same for times of a place: retention_agg(ts AT TIME ZONE ''Europe/Berlin'', actor, ''1 week'')';

CREATE FUNCTION num_actors(r retentionagg) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_num_actors';
COMMENT ON FUNCTION num_actors(retentionagg) IS 'the number of actors';

CREATE FUNCTION cohorts(r retentionagg) RETURNS TABLE (cohort timestamp, size bigint, period int, retained bigint, rate float8)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_cohorts';
COMMENT ON FUNCTION cohorts(retentionagg) IS 'for each period in which actors were first seen, and each period from there on, how many of them were seen again';

CREATE FUNCTION retention_rate(r retentionagg, period int) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_retention_rate';
COMMENT ON FUNCTION retention_rate(retentionagg, int) IS 'the share of the actors that were seen so many periods after their first one, of all for which that period has come';

CREATE FUNCTION sampled(r retentionagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_sampled';
COMMENT ON FUNCTION sampled(retentionagg) IS 'the share of the actors that is kept: 1 while all are';
