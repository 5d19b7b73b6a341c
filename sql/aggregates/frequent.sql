-- frequent: the most frequent values
-- Values are kept as their text, which for some types depends on settings: what makes or reads it is STABLE.

CREATE TYPE frequent;
CREATE FUNCTION frequent_in(cstring) RETURNS frequent
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_in';
CREATE FUNCTION frequent_out(frequent) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_out';
CREATE FUNCTION frequent_recv(internal) RETURNS frequent
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_recv';
CREATE FUNCTION frequent_send(frequent) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_send';
CREATE TYPE frequent (
    INPUT = frequent_in, OUTPUT = frequent_out, RECEIVE = frequent_recv, SEND = frequent_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE frequent IS 'counters of the most frequent values, made by kpi.freq_agg(min_freq, value) or kpi.mcv_agg(n, value)';
COMMENT ON FUNCTION frequent_in(cstring) IS 'text input of frequent';
COMMENT ON FUNCTION frequent_out(frequent) IS 'text output of frequent';
COMMENT ON FUNCTION frequent_recv(internal) IS 'binary input of frequent';
COMMENT ON FUNCTION frequent_send(frequent) IS 'binary output of frequent';

CREATE FUNCTION frequent_trans(internal, float8, anyelement) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_trans';
COMMENT ON FUNCTION frequent_trans(internal, float8, anyelement) IS 'adds a value to freq_agg(min_freq, value)';

CREATE FUNCTION frequent_rollup_trans(internal, frequent) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_rollup_trans';
COMMENT ON FUNCTION frequent_rollup_trans(internal, frequent) IS 'adds a stored state to a rollup';

CREATE FUNCTION frequent_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_combine';
COMMENT ON FUNCTION frequent_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION frequent_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_serialize';
COMMENT ON FUNCTION frequent_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION frequent_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_deserialize';
COMMENT ON FUNCTION frequent_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION frequent_final(internal) RETURNS frequent
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_final';
COMMENT ON FUNCTION frequent_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE freq_agg(min_freq float8, value anyelement) (
    SFUNC = frequent_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = frequent_final,
    COMBINEFUNC = frequent_combine, SERIALFUNC = frequent_serialize, DESERIALFUNC = frequent_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE freq_agg(float8, anyelement) IS 'counts the values that make up at least the share min_freq of all, to be read by into_values, min_frequency, max_frequency, topn and merged by rollup';

CREATE AGGREGATE rollup(f frequent) (
    SFUNC = frequent_rollup_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = frequent_final,
    COMBINEFUNC = frequent_combine, SERIALFUNC = frequent_serialize, DESERIALFUNC = frequent_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(frequent) IS 'merges states of freq_agg or mcv_agg into one, as if it had seen all their rows; states of different arguments are refused';

CREATE FUNCTION frequent_most_trans(internal, int, anyelement) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_most_trans';
COMMENT ON FUNCTION frequent_most_trans(internal, int, anyelement) IS 'adds a value to mcv_agg(n, value)';

CREATE FUNCTION frequent_skewed_trans(internal, int, float8, anyelement) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_skewed_trans';
COMMENT ON FUNCTION frequent_skewed_trans(internal, int, float8, anyelement) IS 'adds a value to mcv_agg(n, skew, value)';

CREATE AGGREGATE mcv_agg(n int, value anyelement) (
    SFUNC = frequent_most_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = frequent_final,
    COMBINEFUNC = frequent_combine, SERIALFUNC = frequent_serialize, DESERIALFUNC = frequent_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE mcv_agg(int, anyelement) IS 'counts the n most common values, of data whose k-th value has a share of about k ^ -1.1, to be read by topn, into_values, ... and merged by rollup';

CREATE AGGREGATE mcv_agg(n int, skew float8, value anyelement) (
    SFUNC = frequent_skewed_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = frequent_final,
    COMBINEFUNC = frequent_combine, SERIALFUNC = frequent_serialize, DESERIALFUNC = frequent_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE mcv_agg(int, float8, anyelement) IS 'the same as mcv_agg(n, value), of data whose k-th value has a share of about k ^ -skew';

CREATE FUNCTION num_vals(f frequent) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_num_vals';
COMMENT ON FUNCTION num_vals(frequent) IS 'the number of values that are not NULL';

CREATE FUNCTION max_error(f frequent) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_max_error';
COMMENT ON FUNCTION max_error(frequent) IS 'by how much a lower bound may be too low, as a share of all values: 0 while all counts are exact';

CREATE FUNCTION into_values(f frequent) RETURNS TABLE (value text, min_freq float8, max_freq float8)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_into_values';
COMMENT ON FUNCTION into_values(frequent) IS 'the frequent values as text, the most frequent first, with bounds of their shares';

CREATE FUNCTION into_values(f frequent, sample anyelement) RETURNS TABLE (value anyelement, min_freq float8, max_freq float8)
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_into_values_typed';
COMMENT ON FUNCTION into_values(frequent, anyelement) IS 'the frequent values with the type of sample, such as NULL::int';

CREATE FUNCTION topn(f frequent) RETURNS SETOF text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC SELECT v.value FROM kpi.into_values(f) AS v; END;
COMMENT ON FUNCTION topn(frequent) IS 'the values that the aggregate was asked for as text, the most frequent first';

CREATE FUNCTION topn(f frequent, n int) RETURNS SETOF text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_topn';
COMMENT ON FUNCTION topn(frequent, int) IS 'the n most frequent values as text, the most frequent first';

CREATE FUNCTION topn(f frequent, n int, sample anyelement) RETURNS SETOF anyelement
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_topn_typed';
COMMENT ON FUNCTION topn(frequent, int, anyelement) IS 'the n most frequent values with the type of sample, such as NULL::int';

CREATE FUNCTION min_frequency(f frequent, value text) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_min_frequency';
COMMENT ON FUNCTION min_frequency(frequent, text) IS 'the share of all values that a value has at least';

CREATE FUNCTION min_frequency(f frequent, value anyelement) RETURNS float8
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_min_frequency';
COMMENT ON FUNCTION min_frequency(frequent, anyelement) IS 'the share of all values that a value has at least';

CREATE FUNCTION max_frequency(f frequent, value text) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_max_frequency';
COMMENT ON FUNCTION max_frequency(frequent, text) IS 'the share of all values that a value has at most';

CREATE FUNCTION max_frequency(f frequent, value anyelement) RETURNS float8
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_max_frequency';
COMMENT ON FUNCTION max_frequency(frequent, anyelement) IS 'the share of all values that a value has at most';
