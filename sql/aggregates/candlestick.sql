-- candlestick: the course of a price within a period

CREATE TYPE candlestick;
CREATE FUNCTION candlestick_in(cstring) RETURNS candlestick
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_in';
CREATE FUNCTION candlestick_out(candlestick) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_out';
CREATE FUNCTION candlestick_recv(internal) RETURNS candlestick
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_recv';
CREATE FUNCTION candlestick_send(candlestick) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_send';
CREATE TYPE candlestick (
    INPUT = candlestick_in, OUTPUT = candlestick_out, RECEIVE = candlestick_recv, SEND = candlestick_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE candlestick IS 'open, high, low and close of a price with their times, and the volume, made by kpi.candlestick_agg(ts, price, volume)';
COMMENT ON FUNCTION candlestick_in(cstring) IS 'text input of candlestick';
COMMENT ON FUNCTION candlestick_out(candlestick) IS 'text output of candlestick';
COMMENT ON FUNCTION candlestick_recv(internal) IS 'binary input of candlestick';
COMMENT ON FUNCTION candlestick_send(candlestick) IS 'binary output of candlestick';

CREATE FUNCTION candlestick_trans(internal, timestamptz, float8, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_trans';
COMMENT ON FUNCTION candlestick_trans(internal, timestamptz, float8, float8) IS 'adds a price to candlestick_agg(ts, price, volume)';

CREATE FUNCTION candlestick_rollup_trans(internal, candlestick) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_rollup_trans';
COMMENT ON FUNCTION candlestick_rollup_trans(internal, candlestick) IS 'adds a stored state to a rollup';

CREATE FUNCTION candlestick_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_combine';
COMMENT ON FUNCTION candlestick_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION candlestick_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_serialize';
COMMENT ON FUNCTION candlestick_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION candlestick_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_deserialize';
COMMENT ON FUNCTION candlestick_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION candlestick_final(internal) RETURNS candlestick
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_final';
COMMENT ON FUNCTION candlestick_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION candlestick_rollup_final(internal) RETURNS candlestick
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_final';
COMMENT ON FUNCTION candlestick_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE candlestick_agg(ts timestamptz, price float8, volume float8) (
    SFUNC = candlestick_trans, STYPE = internal, SSPACE = 128, FINALFUNC = candlestick_final,
    COMBINEFUNC = candlestick_combine, SERIALFUNC = candlestick_serialize, DESERIALFUNC = candlestick_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE candlestick_agg(timestamptz, float8, float8) IS 'open, high, low and close of price with their times, total volume and volume-weighted price; a volume may be NULL';

CREATE AGGREGATE rollup(c candlestick) (
    SFUNC = candlestick_rollup_trans, STYPE = internal, SSPACE = 128, FINALFUNC = candlestick_rollup_final,
    COMBINEFUNC = candlestick_combine, SERIALFUNC = candlestick_serialize, DESERIALFUNC = candlestick_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(candlestick) IS 'merges candlesticks into that of the longer period, in any order';

CREATE FUNCTION candlestick(ts timestamptz, open float8, high float8, low float8, close float8, volume float8) RETURNS candlestick
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_ready';
COMMENT ON FUNCTION candlestick(timestamptz, float8, float8, float8, float8, float8) IS 'a candlestick of prices that were aggregated elsewhere, all at one time; its vwap is the mean of high, low and close';

CREATE FUNCTION open(c candlestick) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_open';
COMMENT ON FUNCTION open(candlestick) IS 'the first price';

CREATE FUNCTION high(c candlestick) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_high';
COMMENT ON FUNCTION high(candlestick) IS 'the highest price; NaN counts as the highest';

CREATE FUNCTION low(c candlestick) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_low';
COMMENT ON FUNCTION low(candlestick) IS 'the lowest price';

CREATE FUNCTION close(c candlestick) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_close';
COMMENT ON FUNCTION close(candlestick) IS 'the last price';

CREATE FUNCTION open_time(c candlestick) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_open_time';
COMMENT ON FUNCTION open_time(candlestick) IS 'the time of the first price';

CREATE FUNCTION high_time(c candlestick) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_high_time';
COMMENT ON FUNCTION high_time(candlestick) IS 'the time at which the highest price occurred first';

CREATE FUNCTION low_time(c candlestick) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_low_time';
COMMENT ON FUNCTION low_time(candlestick) IS 'the time at which the lowest price occurred first';

CREATE FUNCTION close_time(c candlestick) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_close_time';
COMMENT ON FUNCTION close_time(candlestick) IS 'the time of the last price';

CREATE FUNCTION volume(c candlestick) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_volume';
COMMENT ON FUNCTION volume(candlestick) IS 'the total volume; NULL where no price had one';

CREATE FUNCTION vwap(c candlestick) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_vwap';
COMMENT ON FUNCTION vwap(candlestick) IS 'the mean price weighted by volume; NULL without any volume';
