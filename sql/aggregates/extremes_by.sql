-- floatextremesby: the n smallest or the n largest doubles with data
-- Values are kept as their text, which for some types depends on settings: what makes or reads it is STABLE.

CREATE TYPE floatextremesby;
CREATE FUNCTION floatextremesby_in(cstring) RETURNS floatextremesby
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_in';
CREATE FUNCTION floatextremesby_out(floatextremesby) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_out';
CREATE FUNCTION floatextremesby_recv(internal) RETURNS floatextremesby
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_recv';
CREATE FUNCTION floatextremesby_send(floatextremesby) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_send';
CREATE TYPE floatextremesby (
    INPUT = floatextremesby_in, OUTPUT = floatextremesby_out, RECEIVE = floatextremesby_recv, SEND = floatextremesby_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE floatextremesby IS 'the smallest or the largest doubles and data that come with them, made by kpi.min_n_by(value, data, n) or kpi.max_n_by(value, data, n)';
COMMENT ON FUNCTION floatextremesby_in(cstring) IS 'text input of floatextremesby';
COMMENT ON FUNCTION floatextremesby_out(floatextremesby) IS 'text output of floatextremesby';
COMMENT ON FUNCTION floatextremesby_recv(internal) IS 'binary input of floatextremesby';
COMMENT ON FUNCTION floatextremesby_send(floatextremesby) IS 'binary output of floatextremesby';

CREATE FUNCTION floatextremesby_rollup_trans(internal, floatextremesby) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_rollup_trans';
COMMENT ON FUNCTION floatextremesby_rollup_trans(internal, floatextremesby) IS 'adds a stored state to a rollup';

CREATE FUNCTION floatextremesby_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_combine';
COMMENT ON FUNCTION floatextremesby_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION floatextremesby_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_serialize';
COMMENT ON FUNCTION floatextremesby_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION floatextremesby_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_deserialize';
COMMENT ON FUNCTION floatextremesby_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION floatextremesby_final(internal) RETURNS floatextremesby
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_final';
COMMENT ON FUNCTION floatextremesby_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE rollup(e floatextremesby) (
    SFUNC = floatextremesby_rollup_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = floatextremesby_final,
    COMBINEFUNC = floatextremesby_combine, SERIALFUNC = floatextremesby_serialize, DESERIALFUNC = floatextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(floatextremesby) IS 'merges states of min_n_by or max_n_by into one, as if it had seen all their rows; states of different functions or n are refused';

CREATE FUNCTION floatextremesby_min_trans(internal, float8, anyelement, bigint) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_min_trans';
COMMENT ON FUNCTION floatextremesby_min_trans(internal, float8, anyelement, bigint) IS 'adds a value to min_n_by(value, data, n)';

CREATE AGGREGATE min_n_by(value float8, data anyelement, n bigint) (
    SFUNC = floatextremesby_min_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = floatextremesby_final,
    COMBINEFUNC = floatextremesby_combine, SERIALFUNC = floatextremesby_serialize, DESERIALFUNC = floatextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE min_n_by(float8, anyelement, bigint) IS 'the n smallest values with the data that come with them, to be read by into_values and merged by rollup';

CREATE FUNCTION floatextremesby_max_trans(internal, float8, anyelement, bigint) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_max_trans';
COMMENT ON FUNCTION floatextremesby_max_trans(internal, float8, anyelement, bigint) IS 'adds a value to max_n_by(value, data, n)';

CREATE AGGREGATE max_n_by(value float8, data anyelement, n bigint) (
    SFUNC = floatextremesby_max_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = floatextremesby_final,
    COMBINEFUNC = floatextremesby_combine, SERIALFUNC = floatextremesby_serialize, DESERIALFUNC = floatextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE max_n_by(float8, anyelement, bigint) IS 'the n largest values with the data that come with them, to be read by into_values and merged by rollup';

CREATE FUNCTION into_values(e floatextremesby) RETURNS TABLE (value float8, data text)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_into_values';
COMMENT ON FUNCTION into_values(floatextremesby) IS 'the values with their data as text, the most extreme first';

CREATE FUNCTION into_values(e floatextremesby, sample anyelement) RETURNS TABLE (value float8, data anyelement)
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_into_values_typed';
COMMENT ON FUNCTION into_values(floatextremesby, anyelement) IS 'the values with their data of the type of sample, such as NULL::int or NULL::some_table';

-- intextremesby: the n smallest or the n largest integers with data

CREATE TYPE intextremesby;
CREATE FUNCTION intextremesby_in(cstring) RETURNS intextremesby
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_in';
CREATE FUNCTION intextremesby_out(intextremesby) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_out';
CREATE FUNCTION intextremesby_recv(internal) RETURNS intextremesby
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_recv';
CREATE FUNCTION intextremesby_send(intextremesby) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_send';
CREATE TYPE intextremesby (
    INPUT = intextremesby_in, OUTPUT = intextremesby_out, RECEIVE = intextremesby_recv, SEND = intextremesby_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE intextremesby IS 'the smallest or the largest integers and data that come with them, made by kpi.min_n_by(value, data, n) or kpi.max_n_by(value, data, n)';
COMMENT ON FUNCTION intextremesby_in(cstring) IS 'text input of intextremesby';
COMMENT ON FUNCTION intextremesby_out(intextremesby) IS 'text output of intextremesby';
COMMENT ON FUNCTION intextremesby_recv(internal) IS 'binary input of intextremesby';
COMMENT ON FUNCTION intextremesby_send(intextremesby) IS 'binary output of intextremesby';

CREATE FUNCTION intextremesby_rollup_trans(internal, intextremesby) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_rollup_trans';
COMMENT ON FUNCTION intextremesby_rollup_trans(internal, intextremesby) IS 'adds a stored state to a rollup';

CREATE FUNCTION intextremesby_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_combine';
COMMENT ON FUNCTION intextremesby_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION intextremesby_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_serialize';
COMMENT ON FUNCTION intextremesby_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION intextremesby_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_deserialize';
COMMENT ON FUNCTION intextremesby_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION intextremesby_final(internal) RETURNS intextremesby
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_final';
COMMENT ON FUNCTION intextremesby_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE rollup(e intextremesby) (
    SFUNC = intextremesby_rollup_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = intextremesby_final,
    COMBINEFUNC = intextremesby_combine, SERIALFUNC = intextremesby_serialize, DESERIALFUNC = intextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(intextremesby) IS 'merges states of min_n_by or max_n_by into one, as if it had seen all their rows; states of different functions or n are refused';

CREATE FUNCTION intextremesby_min_trans(internal, bigint, anyelement, bigint) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_min_trans';
COMMENT ON FUNCTION intextremesby_min_trans(internal, bigint, anyelement, bigint) IS 'adds a value to min_n_by(value, data, n)';

CREATE AGGREGATE min_n_by(value bigint, data anyelement, n bigint) (
    SFUNC = intextremesby_min_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = intextremesby_final,
    COMBINEFUNC = intextremesby_combine, SERIALFUNC = intextremesby_serialize, DESERIALFUNC = intextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE min_n_by(bigint, anyelement, bigint) IS 'the n smallest values with the data that come with them, to be read by into_values and merged by rollup';

CREATE FUNCTION intextremesby_min_trans(internal, int, anyelement, bigint) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_min_int4_trans';
COMMENT ON FUNCTION intextremesby_min_trans(internal, int, anyelement, bigint) IS 'adds a value to min_n_by(value, data, n)';

CREATE AGGREGATE min_n_by(value int, data anyelement, n bigint) (
    SFUNC = intextremesby_min_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = intextremesby_final,
    COMBINEFUNC = intextremesby_combine, SERIALFUNC = intextremesby_serialize, DESERIALFUNC = intextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE min_n_by(int, anyelement, bigint) IS 'the n smallest values with the data that come with them, to be read by into_values and merged by rollup';

CREATE FUNCTION intextremesby_max_trans(internal, bigint, anyelement, bigint) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_max_trans';
COMMENT ON FUNCTION intextremesby_max_trans(internal, bigint, anyelement, bigint) IS 'adds a value to max_n_by(value, data, n)';

CREATE AGGREGATE max_n_by(value bigint, data anyelement, n bigint) (
    SFUNC = intextremesby_max_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = intextremesby_final,
    COMBINEFUNC = intextremesby_combine, SERIALFUNC = intextremesby_serialize, DESERIALFUNC = intextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE max_n_by(bigint, anyelement, bigint) IS 'the n largest values with the data that come with them, to be read by into_values and merged by rollup';

CREATE FUNCTION intextremesby_max_trans(internal, int, anyelement, bigint) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_max_int4_trans';
COMMENT ON FUNCTION intextremesby_max_trans(internal, int, anyelement, bigint) IS 'adds a value to max_n_by(value, data, n)';

CREATE AGGREGATE max_n_by(value int, data anyelement, n bigint) (
    SFUNC = intextremesby_max_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = intextremesby_final,
    COMBINEFUNC = intextremesby_combine, SERIALFUNC = intextremesby_serialize, DESERIALFUNC = intextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE max_n_by(int, anyelement, bigint) IS 'the n largest values with the data that come with them, to be read by into_values and merged by rollup';

CREATE FUNCTION into_values(e intextremesby) RETURNS TABLE (value bigint, data text)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_into_values';
COMMENT ON FUNCTION into_values(intextremesby) IS 'the values with their data as text, the most extreme first';

CREATE FUNCTION into_values(e intextremesby, sample anyelement) RETURNS TABLE (value bigint, data anyelement)
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_into_values_typed';
COMMENT ON FUNCTION into_values(intextremesby, anyelement) IS 'the values with their data of the type of sample, such as NULL::int or NULL::some_table';

-- timeextremesby: the n smallest or the n largest times with data

CREATE TYPE timeextremesby;
CREATE FUNCTION timeextremesby_in(cstring) RETURNS timeextremesby
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_in';
CREATE FUNCTION timeextremesby_out(timeextremesby) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_out';
CREATE FUNCTION timeextremesby_recv(internal) RETURNS timeextremesby
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_recv';
CREATE FUNCTION timeextremesby_send(timeextremesby) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_send';
CREATE TYPE timeextremesby (
    INPUT = timeextremesby_in, OUTPUT = timeextremesby_out, RECEIVE = timeextremesby_recv, SEND = timeextremesby_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE timeextremesby IS 'the smallest or the largest times and data that come with them, made by kpi.min_n_by(value, data, n) or kpi.max_n_by(value, data, n)';
COMMENT ON FUNCTION timeextremesby_in(cstring) IS 'text input of timeextremesby';
COMMENT ON FUNCTION timeextremesby_out(timeextremesby) IS 'text output of timeextremesby';
COMMENT ON FUNCTION timeextremesby_recv(internal) IS 'binary input of timeextremesby';
COMMENT ON FUNCTION timeextremesby_send(timeextremesby) IS 'binary output of timeextremesby';

CREATE FUNCTION timeextremesby_rollup_trans(internal, timeextremesby) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_rollup_trans';
COMMENT ON FUNCTION timeextremesby_rollup_trans(internal, timeextremesby) IS 'adds a stored state to a rollup';

CREATE FUNCTION timeextremesby_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_combine';
COMMENT ON FUNCTION timeextremesby_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION timeextremesby_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_serialize';
COMMENT ON FUNCTION timeextremesby_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION timeextremesby_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_deserialize';
COMMENT ON FUNCTION timeextremesby_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION timeextremesby_final(internal) RETURNS timeextremesby
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_final';
COMMENT ON FUNCTION timeextremesby_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE rollup(e timeextremesby) (
    SFUNC = timeextremesby_rollup_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = timeextremesby_final,
    COMBINEFUNC = timeextremesby_combine, SERIALFUNC = timeextremesby_serialize, DESERIALFUNC = timeextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(timeextremesby) IS 'merges states of min_n_by or max_n_by into one, as if it had seen all their rows; states of different functions or n are refused';

CREATE FUNCTION timeextremesby_min_trans(internal, timestamptz, anyelement, bigint) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_min_trans';
COMMENT ON FUNCTION timeextremesby_min_trans(internal, timestamptz, anyelement, bigint) IS 'adds a value to min_n_by(value, data, n)';

CREATE AGGREGATE min_n_by(value timestamptz, data anyelement, n bigint) (
    SFUNC = timeextremesby_min_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = timeextremesby_final,
    COMBINEFUNC = timeextremesby_combine, SERIALFUNC = timeextremesby_serialize, DESERIALFUNC = timeextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE min_n_by(timestamptz, anyelement, bigint) IS 'the n smallest values with the data that come with them, to be read by into_values and merged by rollup';

CREATE FUNCTION timeextremesby_max_trans(internal, timestamptz, anyelement, bigint) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_max_trans';
COMMENT ON FUNCTION timeextremesby_max_trans(internal, timestamptz, anyelement, bigint) IS 'adds a value to max_n_by(value, data, n)';

CREATE AGGREGATE max_n_by(value timestamptz, data anyelement, n bigint) (
    SFUNC = timeextremesby_max_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = timeextremesby_final,
    COMBINEFUNC = timeextremesby_combine, SERIALFUNC = timeextremesby_serialize, DESERIALFUNC = timeextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE max_n_by(timestamptz, anyelement, bigint) IS 'the n largest values with the data that come with them, to be read by into_values and merged by rollup';

CREATE FUNCTION into_values(e timeextremesby) RETURNS TABLE (value timestamptz, data text)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_into_values';
COMMENT ON FUNCTION into_values(timeextremesby) IS 'the values with their data as text, the most extreme first';

CREATE FUNCTION into_values(e timeextremesby, sample anyelement) RETURNS TABLE (value timestamptz, data anyelement)
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_into_values_typed';
COMMENT ON FUNCTION into_values(timeextremesby, anyelement) IS 'the values with their data of the type of sample, such as NULL::int or NULL::some_table';
