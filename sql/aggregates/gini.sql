-- gini: how unevenly something is spread

CREATE TYPE gini;
CREATE FUNCTION gini_in(cstring) RETURNS gini
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_in';
CREATE FUNCTION gini_out(gini) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_out';
CREATE FUNCTION gini_recv(internal) RETURNS gini
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_recv';
CREATE FUNCTION gini_send(gini) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_send';
CREATE TYPE gini (
    INPUT = gini_in, OUTPUT = gini_out, RECEIVE = gini_recv, SEND = gini_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE gini IS 'the values of which a Gini coefficient is taken, made by kpi.gini_agg(x)';
COMMENT ON FUNCTION gini_in(cstring) IS 'text input of gini';
COMMENT ON FUNCTION gini_out(gini) IS 'text output of gini';
COMMENT ON FUNCTION gini_recv(internal) IS 'binary input of gini';
COMMENT ON FUNCTION gini_send(gini) IS 'binary output of gini';

CREATE FUNCTION gini_trans(internal, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_trans';
COMMENT ON FUNCTION gini_trans(internal, float8) IS 'adds a value to gini_agg(x)';

CREATE FUNCTION gini_rollup_trans(internal, gini) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_rollup_trans';
COMMENT ON FUNCTION gini_rollup_trans(internal, gini) IS 'adds a stored state to a rollup';

CREATE FUNCTION gini_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_combine';
COMMENT ON FUNCTION gini_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION gini_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_serialize';
COMMENT ON FUNCTION gini_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION gini_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_deserialize';
COMMENT ON FUNCTION gini_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION gini_final(internal) RETURNS gini
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_final';
COMMENT ON FUNCTION gini_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION gini_rollup_final(internal) RETURNS gini
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_final';
COMMENT ON FUNCTION gini_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE gini_agg(x float8) (
    SFUNC = gini_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = gini_final,
    COMBINEFUNC = gini_combine, SERIALFUNC = gini_serialize, DESERIALFUNC = gini_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE gini_agg(float8) IS 'values of which a Gini coefficient is taken, exact up to 2048 distinct ones, to be read by coefficient and merged by rollup';

CREATE AGGREGATE rollup(g gini) (
    SFUNC = gini_rollup_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = gini_rollup_final,
    COMBINEFUNC = gini_combine, SERIALFUNC = gini_serialize, DESERIALFUNC = gini_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(gini) IS 'merges states of gini_agg into one, as if it had seen all their rows';

CREATE FUNCTION num_vals(g gini) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_num_vals';
COMMENT ON FUNCTION num_vals(gini) IS 'the number of values that are not NULL';

CREATE FUNCTION coefficient(g gini, method text DEFAULT 'population') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_coefficient';
COMMENT ON FUNCTION coefficient(gini, text) IS 'the Gini coefficient: 0 where all values are equal, towards 1 where one has all; of all there are (population), or of those of whom these are a sample';

CREATE FUNCTION error(g gini) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_error';
COMMENT ON FUNCTION error(gini) IS 'by how much the coefficient may be off: 0 up to 2048 distinct values';
