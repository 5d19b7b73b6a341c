-- ratio: a ratio of sums, and what can be said of it where it is a proportion

CREATE TYPE ratio;
CREATE FUNCTION ratio_in(cstring) RETURNS ratio
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_in';
CREATE FUNCTION ratio_out(ratio) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_out';
CREATE FUNCTION ratio_recv(internal) RETURNS ratio
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_recv';
CREATE FUNCTION ratio_send(ratio) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_send';
CREATE TYPE ratio (
    INPUT = ratio_in, OUTPUT = ratio_out, RECEIVE = ratio_recv, SEND = ratio_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE ratio IS 'sums of a numerator and a denominator, made by kpi.ratio_agg(numerator, denominator)';
COMMENT ON FUNCTION ratio_in(cstring) IS 'text input of ratio';
COMMENT ON FUNCTION ratio_out(ratio) IS 'text output of ratio';
COMMENT ON FUNCTION ratio_recv(internal) IS 'binary input of ratio';
COMMENT ON FUNCTION ratio_send(ratio) IS 'binary output of ratio';

CREATE FUNCTION ratio_trans(internal, float8, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_trans';
COMMENT ON FUNCTION ratio_trans(internal, float8, float8) IS 'adds a pair to ratio_agg(numerator, denominator)';

CREATE FUNCTION ratio_rollup_trans(internal, ratio) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_rollup_trans';
COMMENT ON FUNCTION ratio_rollup_trans(internal, ratio) IS 'adds a stored state to a rollup';

CREATE FUNCTION ratio_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_combine';
COMMENT ON FUNCTION ratio_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION ratio_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_serialize';
COMMENT ON FUNCTION ratio_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION ratio_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_deserialize';
COMMENT ON FUNCTION ratio_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION ratio_final(internal) RETURNS ratio
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_final';
COMMENT ON FUNCTION ratio_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION ratio_rollup_final(internal) RETURNS ratio
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_final';
COMMENT ON FUNCTION ratio_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE ratio_agg(numerator float8, denominator float8) (
    SFUNC = ratio_trans, STYPE = internal, SSPACE = 96, FINALFUNC = ratio_final,
    COMBINEFUNC = ratio_combine, SERIALFUNC = ratio_serialize, DESERIALFUNC = ratio_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE ratio_agg(float8, float8) IS 'sums of numerators and denominators, to be read by value, wilson_interval, target_test and merged by rollup';

CREATE AGGREGATE rollup(r ratio) (
    SFUNC = ratio_rollup_trans, STYPE = internal, SSPACE = 96, FINALFUNC = ratio_rollup_final,
    COMBINEFUNC = ratio_combine, SERIALFUNC = ratio_serialize, DESERIALFUNC = ratio_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(ratio) IS 'merges states of ratio_agg into one, as if it had seen all their rows';

CREATE FUNCTION num_vals(r ratio) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_num_vals';
COMMENT ON FUNCTION num_vals(ratio) IS 'the number of pairs without NULL';

CREATE FUNCTION numerator(r ratio) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_numerator';
COMMENT ON FUNCTION numerator(ratio) IS 'the sum of the numerators';

CREATE FUNCTION denominator(r ratio) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_denominator';
COMMENT ON FUNCTION denominator(ratio) IS 'the sum of the denominators';

CREATE FUNCTION value(r ratio) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_value';
COMMENT ON FUNCTION value(ratio) IS 'the sum of the numerators divided by that of the denominators; NULL where the denominators add up to zero';

CREATE FUNCTION wilson_interval(r ratio, level float8 DEFAULT 0.95, OUT low float8, OUT high float8)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_wilson_interval';
COMMENT ON FUNCTION wilson_interval(ratio, float8) IS 'Wilson''s score interval of a proportion at a level of confidence';

CREATE FUNCTION target_test(r ratio, target float8, level float8 DEFAULT 0.95, OUT difference float8, OUT z float8, OUT p_value float8, OUT verdict text)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_target_test';
COMMENT ON FUNCTION target_test(ratio, float8, float8) IS 'the score test of a proportion against a target: the verdict is above, below or undecided at the level of confidence';
