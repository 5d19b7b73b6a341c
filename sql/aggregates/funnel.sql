-- funnel: how many actors went how far

CREATE TYPE funnel;
CREATE FUNCTION funnel_in(cstring) RETURNS funnel
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_in';
CREATE FUNCTION funnel_out(funnel) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_out';
CREATE FUNCTION funnel_recv(internal) RETURNS funnel
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_recv';
CREATE FUNCTION funnel_send(funnel) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_send';
CREATE TYPE funnel (
    INPUT = funnel_in, OUTPUT = funnel_out, RECEIVE = funnel_recv, SEND = funnel_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE funnel IS 'when actors did each step of a funnel, made by kpi.funnel_agg(ts, actor, step, window)';
COMMENT ON FUNCTION funnel_in(cstring) IS 'text input of funnel';
COMMENT ON FUNCTION funnel_out(funnel) IS 'text output of funnel';
COMMENT ON FUNCTION funnel_recv(internal) IS 'binary input of funnel';
COMMENT ON FUNCTION funnel_send(funnel) IS 'binary output of funnel';

CREATE FUNCTION funnel_trans(internal, timestamptz, anyelement, int, interval) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_trans';
COMMENT ON FUNCTION funnel_trans(internal, timestamptz, anyelement, int, interval) IS 'adds an event to funnel_agg(ts, actor, step, window)';

CREATE FUNCTION funnel_rollup_trans(internal, funnel) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_rollup_trans';
COMMENT ON FUNCTION funnel_rollup_trans(internal, funnel) IS 'adds a stored state to a rollup';

CREATE FUNCTION funnel_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_combine';
COMMENT ON FUNCTION funnel_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION funnel_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_serialize';
COMMENT ON FUNCTION funnel_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION funnel_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_deserialize';
COMMENT ON FUNCTION funnel_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION funnel_final(internal) RETURNS funnel
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_final';
COMMENT ON FUNCTION funnel_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE funnel_agg(ts timestamptz, actor anyelement, step int, "window" interval) (
    SFUNC = funnel_trans, STYPE = internal, SSPACE = 65536, FINALFUNC = funnel_final,
    COMBINEFUNC = funnel_combine, SERIALFUNC = funnel_serialize, DESERIALFUNC = funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE funnel_agg(timestamptz, anyelement, int, interval) IS 'how far actors went through the steps 1, 2, ... within a window of time, to be read by steps, conversion and merged by rollup';

CREATE AGGREGATE rollup(f funnel) (
    SFUNC = funnel_rollup_trans, STYPE = internal, SSPACE = 65536, FINALFUNC = funnel_final,
    COMBINEFUNC = funnel_combine, SERIALFUNC = funnel_serialize, DESERIALFUNC = funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(funnel) IS 'merges states of funnel_agg into one, as if it had seen all their rows; states of different windows are refused';

CREATE FUNCTION num_steps(f funnel) RETURNS int
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_num_steps';
COMMENT ON FUNCTION num_steps(funnel) IS 'the number of steps: the highest one seen';

CREATE FUNCTION steps(f funnel) RETURNS TABLE (step int, actors bigint, conversion float8, conversion_from_previous float8)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_steps';
COMMENT ON FUNCTION steps(funnel) IS 'for each step how many actors got there, as a share of those at step 1 and of those at the step before';

CREATE FUNCTION conversion(f funnel, step int) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_conversion';
COMMENT ON FUNCTION conversion(funnel, int) IS 'the share of the actors at step 1 that got to a step';

CREATE FUNCTION sampled(f funnel) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_sampled';
COMMENT ON FUNCTION sampled(funnel) IS 'the share of the actors that is kept: 1 while all are';
