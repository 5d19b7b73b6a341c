-- forecasterror: how far forecasts were off

CREATE TYPE forecasterror;
CREATE FUNCTION forecasterror_in(cstring) RETURNS forecasterror
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_in';
CREATE FUNCTION forecasterror_out(forecasterror) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_out';
CREATE FUNCTION forecasterror_recv(internal) RETURNS forecasterror
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_recv';
CREATE FUNCTION forecasterror_send(forecasterror) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_send';
CREATE TYPE forecasterror (
    INPUT = forecasterror_in, OUTPUT = forecasterror_out, RECEIVE = forecasterror_recv, SEND = forecasterror_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE forecasterror IS 'sums of the errors of forecasts, made by kpi.forecast_error_agg(actual, forecast)';
COMMENT ON FUNCTION forecasterror_in(cstring) IS 'text input of forecasterror';
COMMENT ON FUNCTION forecasterror_out(forecasterror) IS 'text output of forecasterror';
COMMENT ON FUNCTION forecasterror_recv(internal) IS 'binary input of forecasterror';
COMMENT ON FUNCTION forecasterror_send(forecasterror) IS 'binary output of forecasterror';

CREATE FUNCTION forecasterror_trans(internal, float8, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_trans';
COMMENT ON FUNCTION forecasterror_trans(internal, float8, float8) IS 'adds a pair to forecast_error_agg(actual, forecast)';

CREATE FUNCTION forecasterror_rollup_trans(internal, forecasterror) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_rollup_trans';
COMMENT ON FUNCTION forecasterror_rollup_trans(internal, forecasterror) IS 'adds a stored state to a rollup';

CREATE FUNCTION forecasterror_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_combine';
COMMENT ON FUNCTION forecasterror_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION forecasterror_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_serialize';
COMMENT ON FUNCTION forecasterror_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION forecasterror_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_deserialize';
COMMENT ON FUNCTION forecasterror_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION forecasterror_final(internal) RETURNS forecasterror
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_final';
COMMENT ON FUNCTION forecasterror_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION forecasterror_rollup_final(internal) RETURNS forecasterror
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_final';
COMMENT ON FUNCTION forecasterror_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE forecast_error_agg(actual float8, forecast float8) (
    SFUNC = forecasterror_trans, STYPE = internal, SSPACE = 256, FINALFUNC = forecasterror_final,
    COMBINEFUNC = forecasterror_combine, SERIALFUNC = forecasterror_serialize, DESERIALFUNC = forecasterror_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE forecast_error_agg(float8, float8) IS 'sums of the errors of forecasts, to be read by mae, rmse, mape, wape, bias, ... and merged by rollup';

CREATE AGGREGATE rollup(e forecasterror) (
    SFUNC = forecasterror_rollup_trans, STYPE = internal, SSPACE = 256, FINALFUNC = forecasterror_rollup_final,
    COMBINEFUNC = forecasterror_combine, SERIALFUNC = forecasterror_serialize, DESERIALFUNC = forecasterror_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(forecasterror) IS 'merges states of forecast_error_agg into one, as if it had seen all their rows';

CREATE FUNCTION num_vals(e forecasterror) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_num_vals';
COMMENT ON FUNCTION num_vals(forecasterror) IS 'the number of pairs without NULL';

CREATE FUNCTION num_zeros(e forecasterror) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_num_zeros';
COMMENT ON FUNCTION num_zeros(forecasterror) IS 'the number of pairs whose actual value is zero, which mape leaves out';

CREATE FUNCTION bias(e forecasterror) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_bias';
COMMENT ON FUNCTION bias(forecasterror) IS 'the mean error (actual - forecast): above zero where forecasts are too low';

CREATE FUNCTION mae(e forecasterror) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_mae';
COMMENT ON FUNCTION mae(forecasterror) IS 'the mean absolute error';

CREATE FUNCTION rmse(e forecasterror) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_rmse';
COMMENT ON FUNCTION rmse(forecasterror) IS 'the root of the mean squared error';

CREATE FUNCTION mape(e forecasterror) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_mape';
COMMENT ON FUNCTION mape(forecasterror) IS 'the mean absolute percentage error as a fraction, over the pairs whose actual value is not zero';

CREATE FUNCTION smape(e forecasterror) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_smape';
COMMENT ON FUNCTION smape(forecasterror) IS 'the symmetric mean absolute percentage error as a fraction from 0 to 2';

CREATE FUNCTION wape(e forecasterror) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_wape';
COMMENT ON FUNCTION wape(forecasterror) IS 'the weighted absolute percentage error as a fraction: the sum of the absolute errors divided by that of the absolute actual values';

CREATE FUNCTION tracking_signal(e forecasterror) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_tracking_signal';
COMMENT ON FUNCTION tracking_signal(forecasterror) IS 'the sum of the errors in units of the mean absolute error; beyond 4 or -4 the forecast is held to be biased';

CREATE FUNCTION mase(e forecasterror, scale float8) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_mase';
COMMENT ON FUNCTION mase(forecasterror, float8) IS 'the mean absolute scaled error: mae divided by scale, which is the mean absolute error of the naive forecast on the history';
