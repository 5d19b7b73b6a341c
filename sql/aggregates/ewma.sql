-- ewma: an exponentially weighted mean over time

CREATE TYPE ewma;
CREATE FUNCTION ewma_in(cstring) RETURNS ewma
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_in';
CREATE FUNCTION ewma_out(ewma) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_out';
CREATE FUNCTION ewma_recv(internal) RETURNS ewma
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_recv';
CREATE FUNCTION ewma_send(ewma) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_send';
CREATE TYPE ewma (
    INPUT = ewma_in, OUTPUT = ewma_out, RECEIVE = ewma_recv, SEND = ewma_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE ewma IS 'an exponentially weighted mean of values at irregular times, made by kpi.ewma(ts, x, half_life)';
COMMENT ON FUNCTION ewma_in(cstring) IS 'text input of ewma';
COMMENT ON FUNCTION ewma_out(ewma) IS 'text output of ewma';
COMMENT ON FUNCTION ewma_recv(internal) IS 'binary input of ewma';
COMMENT ON FUNCTION ewma_send(ewma) IS 'binary output of ewma';

CREATE FUNCTION ewma_trans(internal, timestamptz, float8, interval) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_trans';
COMMENT ON FUNCTION ewma_trans(internal, timestamptz, float8, interval) IS 'adds a value to ewma(ts, x, half_life)';

CREATE FUNCTION ewma_rollup_trans(internal, ewma) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_rollup_trans';
COMMENT ON FUNCTION ewma_rollup_trans(internal, ewma) IS 'adds a stored state to a rollup';

CREATE FUNCTION ewma_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_combine';
COMMENT ON FUNCTION ewma_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION ewma_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_serialize';
COMMENT ON FUNCTION ewma_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION ewma_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_deserialize';
COMMENT ON FUNCTION ewma_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION ewma_final(internal) RETURNS ewma
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_final';
COMMENT ON FUNCTION ewma_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE ewma(ts timestamptz, x float8, half_life interval) (
    SFUNC = ewma_trans, STYPE = internal, SSPACE = 96, FINALFUNC = ewma_final,
    COMBINEFUNC = ewma_combine, SERIALFUNC = ewma_serialize, DESERIALFUNC = ewma_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE ewma(timestamptz, float8, interval) IS 'mean in which the weight of a value halves with every half-life of its age, to be read by average and merged by rollup';

CREATE AGGREGATE rollup(e ewma) (
    SFUNC = ewma_rollup_trans, STYPE = internal, SSPACE = 96, FINALFUNC = ewma_final,
    COMBINEFUNC = ewma_combine, SERIALFUNC = ewma_serialize, DESERIALFUNC = ewma_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(ewma) IS 'merges states of ewma into one, as if it had seen all their rows; states of different half-lives are refused';

CREATE FUNCTION num_vals(e ewma) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_num_vals';
COMMENT ON FUNCTION num_vals(ewma) IS 'the number of values that are not NULL';

CREATE FUNCTION average(e ewma) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_average';
COMMENT ON FUNCTION average(ewma) IS 'the weighted mean';

CREATE FUNCTION weight(e ewma) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_weight';
COMMENT ON FUNCTION weight(ewma) IS 'how many values of the latest time would weigh as much as all together';

CREATE FUNCTION last_time(e ewma) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_last_time';
COMMENT ON FUNCTION last_time(ewma) IS 'the time of the latest value';

CREATE FUNCTION half_life(e ewma) RETURNS interval
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_half_life';
COMMENT ON FUNCTION half_life(ewma) IS 'the time in which a value loses half of its weight';
