-- tdigest: percentiles that are most exact at both ends

CREATE TYPE tdigest;
CREATE FUNCTION tdigest_in(cstring) RETURNS tdigest
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_in';
CREATE FUNCTION tdigest_out(tdigest) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_out';
CREATE FUNCTION tdigest_recv(internal) RETURNS tdigest
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_recv';
CREATE FUNCTION tdigest_send(tdigest) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_send';
CREATE TYPE tdigest (
    INPUT = tdigest_in, OUTPUT = tdigest_out, RECEIVE = tdigest_recv, SEND = tdigest_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE tdigest IS 'the distribution of a variable, known best at both ends, made by kpi.tdigest(n, x)';
COMMENT ON FUNCTION tdigest_in(cstring) IS 'text input of tdigest';
COMMENT ON FUNCTION tdigest_out(tdigest) IS 'text output of tdigest';
COMMENT ON FUNCTION tdigest_recv(internal) IS 'binary input of tdigest';
COMMENT ON FUNCTION tdigest_send(tdigest) IS 'binary output of tdigest';

CREATE FUNCTION tdigest_trans(internal, int, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_trans';
COMMENT ON FUNCTION tdigest_trans(internal, int, float8) IS 'adds a value to tdigest(n, x)';

CREATE FUNCTION tdigest_rollup_trans(internal, tdigest) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_rollup_trans';
COMMENT ON FUNCTION tdigest_rollup_trans(internal, tdigest) IS 'adds a stored state to a rollup';

CREATE FUNCTION tdigest_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_combine';
COMMENT ON FUNCTION tdigest_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION tdigest_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_serialize';
COMMENT ON FUNCTION tdigest_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION tdigest_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_deserialize';
COMMENT ON FUNCTION tdigest_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION tdigest_final(internal) RETURNS tdigest
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_final';
COMMENT ON FUNCTION tdigest_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE tdigest(n int, x float8) (
    SFUNC = tdigest_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = tdigest_final,
    COMBINEFUNC = tdigest_combine, SERIALFUNC = tdigest_serialize, DESERIALFUNC = tdigest_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE tdigest(int, float8) IS 't-digest of x with at most n centroids, to be read by approx_percentile, approx_percentile_rank, ... and merged by rollup';

CREATE AGGREGATE rollup(digest tdigest) (
    SFUNC = tdigest_rollup_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = tdigest_final,
    COMBINEFUNC = tdigest_combine, SERIALFUNC = tdigest_serialize, DESERIALFUNC = tdigest_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(tdigest) IS 'merges states of tdigest into one, as if it had seen all their rows; the smallest number of centroids wins';

CREATE FUNCTION approx_percentile(p float8, digest tdigest) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_approx_percentile';
COMMENT ON FUNCTION approx_percentile(float8, tdigest) IS 'the value below which the fraction p (0 to 1) of the values lies, as percentile_cont';

CREATE FUNCTION approx_percentile_array(percentiles float8[], digest tdigest) RETURNS float8[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_approx_percentile_array';
COMMENT ON FUNCTION approx_percentile_array(float8[], tdigest) IS 'approx_percentile for each of many fractions';

CREATE FUNCTION approx_percentile_rank(value float8, digest tdigest) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_approx_percentile_rank';
COMMENT ON FUNCTION approx_percentile_rank(float8, tdigest) IS 'the fraction (0 to 1) of the values that are at most value';

CREATE FUNCTION num_vals(digest tdigest) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_num_vals';
COMMENT ON FUNCTION num_vals(tdigest) IS 'the number of values that are not NULL';

CREATE FUNCTION mean(digest tdigest) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_mean';
COMMENT ON FUNCTION mean(tdigest) IS 'the arithmetic mean of the values, exact up to rounding';

CREATE FUNCTION min_val(digest tdigest) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_min_val';
COMMENT ON FUNCTION min_val(tdigest) IS 'the smallest value, exact';

CREATE FUNCTION max_val(digest tdigest) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_max_val';
COMMENT ON FUNCTION max_val(tdigest) IS 'the largest value, exact; NaN counts as the largest';
