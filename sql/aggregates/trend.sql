-- trend: the test of Mann and Kendall, and the slope of Theil and Sen

CREATE TYPE trend;
CREATE FUNCTION trend_in(cstring) RETURNS trend
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_in';
CREATE FUNCTION trend_out(trend) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_out';
CREATE FUNCTION trend_recv(internal) RETURNS trend
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_recv';
CREATE FUNCTION trend_send(trend) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_send';
CREATE TYPE trend (
    INPUT = trend_in, OUTPUT = trend_out, RECEIVE = trend_recv, SEND = trend_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE trend IS 'points of which a trend is tested, a random sample of 1024 where there are more, made by kpi.trend_agg(ts, x)';
COMMENT ON FUNCTION trend_in(cstring) IS 'text input of trend';
COMMENT ON FUNCTION trend_out(trend) IS 'text output of trend';
COMMENT ON FUNCTION trend_recv(internal) IS 'binary input of trend';
COMMENT ON FUNCTION trend_send(trend) IS 'binary output of trend';

CREATE FUNCTION trend_trans(internal, timestamptz, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_trans';
COMMENT ON FUNCTION trend_trans(internal, timestamptz, float8) IS 'adds a point to trend_agg(ts, x)';

CREATE FUNCTION trend_rollup_trans(internal, trend) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_rollup_trans';
COMMENT ON FUNCTION trend_rollup_trans(internal, trend) IS 'adds a stored state to a rollup';

CREATE FUNCTION trend_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_combine';
COMMENT ON FUNCTION trend_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION trend_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_serialize';
COMMENT ON FUNCTION trend_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION trend_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_deserialize';
COMMENT ON FUNCTION trend_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION trend_final(internal) RETURNS trend
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_final';
COMMENT ON FUNCTION trend_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION trend_rollup_final(internal) RETURNS trend
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_final';
COMMENT ON FUNCTION trend_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE trend_agg(ts timestamptz, x float8) (
    SFUNC = trend_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = trend_final,
    COMBINEFUNC = trend_combine, SERIALFUNC = trend_serialize, DESERIALFUNC = trend_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE trend_agg(timestamptz, float8) IS 'points of which a trend is tested, to be read by mann_kendall, slope, slope_interval, ... and merged by rollup';

CREATE AGGREGATE rollup(t trend) (
    SFUNC = trend_rollup_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = trend_rollup_final,
    COMBINEFUNC = trend_combine, SERIALFUNC = trend_serialize, DESERIALFUNC = trend_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(trend) IS 'merges states of trend_agg into one, as if it had seen all their rows';

CREATE FUNCTION num_vals(t trend) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_num_vals';
COMMENT ON FUNCTION num_vals(trend) IS 'the number of finite values';

CREATE FUNCTION num_skipped(t trend) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_num_skipped';
COMMENT ON FUNCTION num_skipped(trend) IS 'the number of values that are NaN or infinite, which are left out';

CREATE FUNCTION sample_size(t trend) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_sample_size';
COMMENT ON FUNCTION sample_size(trend) IS 'how many of the values test and slope are made from: all of them up to 1024 distinct points';

CREATE FUNCTION mann_kendall(t trend, OUT s float8, OUT variance float8, OUT z float8, OUT p_value float8, OUT tau float8)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_mann_kendall';
COMMENT ON FUNCTION mann_kendall(trend) IS 'the Mann-Kendall test for a monotonic trend, corrected for ties';

CREATE FUNCTION slope(t trend) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_slope';
COMMENT ON FUNCTION slope(trend) IS 'the Theil-Sen slope: the median of the slopes between all pairs of points, per second';

CREATE FUNCTION slope_interval(t trend, level float8 DEFAULT 0.95, OUT low float8, OUT high float8)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_slope_interval';
COMMENT ON FUNCTION slope_interval(trend, float8) IS 'the bounds of the Theil-Sen slope at a level of confidence, per second';

CREATE FUNCTION value_at(t trend, ts timestamptz) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_value_at';
COMMENT ON FUNCTION value_at(trend, timestamptz) IS 'the value that the line of the Theil-Sen slope has at a time';
