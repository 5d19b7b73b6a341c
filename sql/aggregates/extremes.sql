-- floatextremes: the n smallest or the n largest doubles

CREATE TYPE floatextremes;
CREATE FUNCTION floatextremes_in(cstring) RETURNS floatextremes
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_in';
CREATE FUNCTION floatextremes_out(floatextremes) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_out';
CREATE FUNCTION floatextremes_recv(internal) RETURNS floatextremes
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_recv';
CREATE FUNCTION floatextremes_send(floatextremes) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_send';
CREATE TYPE floatextremes (
    INPUT = floatextremes_in, OUTPUT = floatextremes_out, RECEIVE = floatextremes_recv, SEND = floatextremes_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE floatextremes IS 'the smallest or the largest doubles, made by kpi.min_n(value, n) or kpi.max_n(value, n)';
COMMENT ON FUNCTION floatextremes_in(cstring) IS 'text input of floatextremes';
COMMENT ON FUNCTION floatextremes_out(floatextremes) IS 'text output of floatextremes';
COMMENT ON FUNCTION floatextremes_recv(internal) IS 'binary input of floatextremes';
COMMENT ON FUNCTION floatextremes_send(floatextremes) IS 'binary output of floatextremes';

CREATE FUNCTION floatextremes_rollup_trans(internal, floatextremes) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_rollup_trans';
COMMENT ON FUNCTION floatextremes_rollup_trans(internal, floatextremes) IS 'adds a stored state to a rollup';

CREATE FUNCTION floatextremes_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_combine';
COMMENT ON FUNCTION floatextremes_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION floatextremes_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_serialize';
COMMENT ON FUNCTION floatextremes_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION floatextremes_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_deserialize';
COMMENT ON FUNCTION floatextremes_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION floatextremes_final(internal) RETURNS floatextremes
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_final';
COMMENT ON FUNCTION floatextremes_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE rollup(e floatextremes) (
    SFUNC = floatextremes_rollup_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = floatextremes_final,
    COMBINEFUNC = floatextremes_combine, SERIALFUNC = floatextremes_serialize, DESERIALFUNC = floatextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(floatextremes) IS 'merges states of min_n or max_n into one, as if it had seen all their rows; states of different functions or n are refused';

CREATE FUNCTION floatextremes_min_trans(internal, float8, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_min_trans';
COMMENT ON FUNCTION floatextremes_min_trans(internal, float8, bigint) IS 'adds a value to min_n(value, n)';

CREATE AGGREGATE min_n(value float8, n bigint) (
    SFUNC = floatextremes_min_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = floatextremes_final,
    COMBINEFUNC = floatextremes_combine, SERIALFUNC = floatextremes_serialize, DESERIALFUNC = floatextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE min_n(float8, bigint) IS 'the n smallest values, to be read by into_array or into_values and merged by rollup';

CREATE FUNCTION floatextremes_max_trans(internal, float8, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_max_trans';
COMMENT ON FUNCTION floatextremes_max_trans(internal, float8, bigint) IS 'adds a value to max_n(value, n)';

CREATE AGGREGATE max_n(value float8, n bigint) (
    SFUNC = floatextremes_max_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = floatextremes_final,
    COMBINEFUNC = floatextremes_combine, SERIALFUNC = floatextremes_serialize, DESERIALFUNC = floatextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE max_n(float8, bigint) IS 'the n largest values, to be read by into_array or into_values and merged by rollup';

CREATE FUNCTION into_array(e floatextremes) RETURNS float8[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_into_array';
COMMENT ON FUNCTION into_array(floatextremes) IS 'the values, the most extreme first';

CREATE FUNCTION into_values(e floatextremes) RETURNS SETOF float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_into_values';
COMMENT ON FUNCTION into_values(floatextremes) IS 'the values, the most extreme first, as rows';

-- intextremes: the n smallest or the n largest integers

CREATE TYPE intextremes;
CREATE FUNCTION intextremes_in(cstring) RETURNS intextremes
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_in';
CREATE FUNCTION intextremes_out(intextremes) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_out';
CREATE FUNCTION intextremes_recv(internal) RETURNS intextremes
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_recv';
CREATE FUNCTION intextremes_send(intextremes) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_send';
CREATE TYPE intextremes (
    INPUT = intextremes_in, OUTPUT = intextremes_out, RECEIVE = intextremes_recv, SEND = intextremes_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE intextremes IS 'the smallest or the largest integers, made by kpi.min_n(value, n) or kpi.max_n(value, n)';
COMMENT ON FUNCTION intextremes_in(cstring) IS 'text input of intextremes';
COMMENT ON FUNCTION intextremes_out(intextremes) IS 'text output of intextremes';
COMMENT ON FUNCTION intextremes_recv(internal) IS 'binary input of intextremes';
COMMENT ON FUNCTION intextremes_send(intextremes) IS 'binary output of intextremes';

CREATE FUNCTION intextremes_rollup_trans(internal, intextremes) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_rollup_trans';
COMMENT ON FUNCTION intextremes_rollup_trans(internal, intextremes) IS 'adds a stored state to a rollup';

CREATE FUNCTION intextremes_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_combine';
COMMENT ON FUNCTION intextremes_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION intextremes_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_serialize';
COMMENT ON FUNCTION intextremes_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION intextremes_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_deserialize';
COMMENT ON FUNCTION intextremes_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION intextremes_final(internal) RETURNS intextremes
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_final';
COMMENT ON FUNCTION intextremes_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE rollup(e intextremes) (
    SFUNC = intextremes_rollup_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = intextremes_final,
    COMBINEFUNC = intextremes_combine, SERIALFUNC = intextremes_serialize, DESERIALFUNC = intextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(intextremes) IS 'merges states of min_n or max_n into one, as if it had seen all their rows; states of different functions or n are refused';

CREATE FUNCTION intextremes_min_trans(internal, bigint, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_min_trans';
COMMENT ON FUNCTION intextremes_min_trans(internal, bigint, bigint) IS 'adds a value to min_n(value, n)';

CREATE AGGREGATE min_n(value bigint, n bigint) (
    SFUNC = intextremes_min_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = intextremes_final,
    COMBINEFUNC = intextremes_combine, SERIALFUNC = intextremes_serialize, DESERIALFUNC = intextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE min_n(bigint, bigint) IS 'the n smallest values, to be read by into_array or into_values and merged by rollup';

CREATE FUNCTION intextremes_min_trans(internal, int, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_min_int4_trans';
COMMENT ON FUNCTION intextremes_min_trans(internal, int, bigint) IS 'adds a value to min_n(value, n)';

CREATE AGGREGATE min_n(value int, n bigint) (
    SFUNC = intextremes_min_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = intextremes_final,
    COMBINEFUNC = intextremes_combine, SERIALFUNC = intextremes_serialize, DESERIALFUNC = intextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE min_n(int, bigint) IS 'the n smallest values, to be read by into_array or into_values and merged by rollup';

CREATE FUNCTION intextremes_max_trans(internal, bigint, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_max_trans';
COMMENT ON FUNCTION intextremes_max_trans(internal, bigint, bigint) IS 'adds a value to max_n(value, n)';

CREATE AGGREGATE max_n(value bigint, n bigint) (
    SFUNC = intextremes_max_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = intextremes_final,
    COMBINEFUNC = intextremes_combine, SERIALFUNC = intextremes_serialize, DESERIALFUNC = intextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE max_n(bigint, bigint) IS 'the n largest values, to be read by into_array or into_values and merged by rollup';

CREATE FUNCTION intextremes_max_trans(internal, int, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_max_int4_trans';
COMMENT ON FUNCTION intextremes_max_trans(internal, int, bigint) IS 'adds a value to max_n(value, n)';

CREATE AGGREGATE max_n(value int, n bigint) (
    SFUNC = intextremes_max_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = intextremes_final,
    COMBINEFUNC = intextremes_combine, SERIALFUNC = intextremes_serialize, DESERIALFUNC = intextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE max_n(int, bigint) IS 'the n largest values, to be read by into_array or into_values and merged by rollup';

CREATE FUNCTION into_array(e intextremes) RETURNS bigint[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_into_array';
COMMENT ON FUNCTION into_array(intextremes) IS 'the values, the most extreme first';

CREATE FUNCTION into_values(e intextremes) RETURNS SETOF bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_into_values';
COMMENT ON FUNCTION into_values(intextremes) IS 'the values, the most extreme first, as rows';

-- timeextremes: the n smallest or the n largest times

CREATE TYPE timeextremes;
CREATE FUNCTION timeextremes_in(cstring) RETURNS timeextremes
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_in';
CREATE FUNCTION timeextremes_out(timeextremes) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_out';
CREATE FUNCTION timeextremes_recv(internal) RETURNS timeextremes
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_recv';
CREATE FUNCTION timeextremes_send(timeextremes) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_send';
CREATE TYPE timeextremes (
    INPUT = timeextremes_in, OUTPUT = timeextremes_out, RECEIVE = timeextremes_recv, SEND = timeextremes_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE timeextremes IS 'the smallest or the largest times, made by kpi.min_n(value, n) or kpi.max_n(value, n)';
COMMENT ON FUNCTION timeextremes_in(cstring) IS 'text input of timeextremes';
COMMENT ON FUNCTION timeextremes_out(timeextremes) IS 'text output of timeextremes';
COMMENT ON FUNCTION timeextremes_recv(internal) IS 'binary input of timeextremes';
COMMENT ON FUNCTION timeextremes_send(timeextremes) IS 'binary output of timeextremes';

CREATE FUNCTION timeextremes_rollup_trans(internal, timeextremes) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_rollup_trans';
COMMENT ON FUNCTION timeextremes_rollup_trans(internal, timeextremes) IS 'adds a stored state to a rollup';

CREATE FUNCTION timeextremes_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_combine';
COMMENT ON FUNCTION timeextremes_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION timeextremes_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_serialize';
COMMENT ON FUNCTION timeextremes_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION timeextremes_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_deserialize';
COMMENT ON FUNCTION timeextremes_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION timeextremes_final(internal) RETURNS timeextremes
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_final';
COMMENT ON FUNCTION timeextremes_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE rollup(e timeextremes) (
    SFUNC = timeextremes_rollup_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = timeextremes_final,
    COMBINEFUNC = timeextremes_combine, SERIALFUNC = timeextremes_serialize, DESERIALFUNC = timeextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(timeextremes) IS 'merges states of min_n or max_n into one, as if it had seen all their rows; states of different functions or n are refused';

CREATE FUNCTION timeextremes_min_trans(internal, timestamptz, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_min_trans';
COMMENT ON FUNCTION timeextremes_min_trans(internal, timestamptz, bigint) IS 'adds a value to min_n(value, n)';

CREATE AGGREGATE min_n(value timestamptz, n bigint) (
    SFUNC = timeextremes_min_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = timeextremes_final,
    COMBINEFUNC = timeextremes_combine, SERIALFUNC = timeextremes_serialize, DESERIALFUNC = timeextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE min_n(timestamptz, bigint) IS 'the n smallest values, to be read by into_array or into_values and merged by rollup';

CREATE FUNCTION timeextremes_max_trans(internal, timestamptz, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_max_trans';
COMMENT ON FUNCTION timeextremes_max_trans(internal, timestamptz, bigint) IS 'adds a value to max_n(value, n)';

CREATE AGGREGATE max_n(value timestamptz, n bigint) (
    SFUNC = timeextremes_max_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = timeextremes_final,
    COMBINEFUNC = timeextremes_combine, SERIALFUNC = timeextremes_serialize, DESERIALFUNC = timeextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE max_n(timestamptz, bigint) IS 'the n largest values, to be read by into_array or into_values and merged by rollup';

CREATE FUNCTION into_array(e timeextremes) RETURNS timestamptz[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_into_array';
COMMENT ON FUNCTION into_array(timeextremes) IS 'the values, the most extreme first';

CREATE FUNCTION into_values(e timeextremes) RETURNS SETOF timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_into_values';
COMMENT ON FUNCTION into_values(timeextremes) IS 'the values, the most extreme first, as rows';
