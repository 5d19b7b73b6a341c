-- apdex: the application performance index

CREATE TYPE apdex;
CREATE FUNCTION apdex_in(cstring) RETURNS apdex
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_in';
CREATE FUNCTION apdex_out(apdex) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_out';
CREATE FUNCTION apdex_recv(internal) RETURNS apdex
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_recv';
CREATE FUNCTION apdex_send(apdex) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_send';
CREATE TYPE apdex (
    INPUT = apdex_in, OUTPUT = apdex_out, RECEIVE = apdex_recv, SEND = apdex_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE apdex IS 'requests that were fast enough, tolerable and too slow, made by kpi.apdex_agg(duration, t)';
COMMENT ON FUNCTION apdex_in(cstring) IS 'text input of apdex';
COMMENT ON FUNCTION apdex_out(apdex) IS 'text output of apdex';
COMMENT ON FUNCTION apdex_recv(internal) IS 'binary input of apdex';
COMMENT ON FUNCTION apdex_send(apdex) IS 'binary output of apdex';

CREATE FUNCTION apdex_trans(internal, float8, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_trans';
COMMENT ON FUNCTION apdex_trans(internal, float8, float8) IS 'adds a duration to apdex_agg(duration, t)';

CREATE FUNCTION apdex_inverse(internal, float8, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_inverse';
COMMENT ON FUNCTION apdex_inverse(internal, float8, float8) IS 'takes back a duration that has left the window';

CREATE FUNCTION apdex_rollup_trans(internal, apdex) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_rollup_trans';
COMMENT ON FUNCTION apdex_rollup_trans(internal, apdex) IS 'adds a stored state to a rollup';

CREATE FUNCTION apdex_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_combine';
COMMENT ON FUNCTION apdex_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION apdex_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_serialize';
COMMENT ON FUNCTION apdex_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION apdex_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_deserialize';
COMMENT ON FUNCTION apdex_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION apdex_final(internal) RETURNS apdex
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_final';
COMMENT ON FUNCTION apdex_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE apdex_agg(duration float8, t float8) (
    SFUNC = apdex_trans, STYPE = internal, SSPACE = 32, FINALFUNC = apdex_final,
    COMBINEFUNC = apdex_combine, SERIALFUNC = apdex_serialize, DESERIALFUNC = apdex_deserialize,
    MSFUNC = apdex_trans, MINVFUNC = apdex_inverse, MSTYPE = internal, MSSPACE = 32, MFINALFUNC = apdex_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE apdex_agg(float8, float8) IS 'counts durations of at most t, of at most 4 t, and longer ones, to be read by score, rating, ... and merged by rollup';

CREATE AGGREGATE rollup(a apdex) (
    SFUNC = apdex_rollup_trans, STYPE = internal, SSPACE = 32, FINALFUNC = apdex_final,
    COMBINEFUNC = apdex_combine, SERIALFUNC = apdex_serialize, DESERIALFUNC = apdex_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(apdex) IS 'merges states of apdex_agg into one, as if it had seen all their rows; states of different thresholds are refused';

CREATE FUNCTION num_vals(a apdex) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_num_vals';
COMMENT ON FUNCTION num_vals(apdex) IS 'the number of durations that are not NULL';

CREATE FUNCTION satisfied(a apdex) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_satisfied';
COMMENT ON FUNCTION satisfied(apdex) IS 'durations of at most the threshold t';

CREATE FUNCTION tolerating(a apdex) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_tolerating';
COMMENT ON FUNCTION tolerating(apdex) IS 'durations above t, and of at most 4 t';

CREATE FUNCTION frustrated(a apdex) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_frustrated';
COMMENT ON FUNCTION frustrated(apdex) IS 'durations above 4 t, infinite ones and NaN';

CREATE FUNCTION threshold(a apdex) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_threshold';
COMMENT ON FUNCTION threshold(apdex) IS 'the threshold t, in the unit of the durations';

CREATE FUNCTION score(a apdex) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_score';
COMMENT ON FUNCTION score(apdex) IS 'the Apdex: (satisfied + tolerating / 2) / all, from 0 to 1';

CREATE FUNCTION rating(a apdex) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_rating';
COMMENT ON FUNCTION rating(apdex) IS 'the word for the score: excellent, good, fair, poor or unacceptable';
