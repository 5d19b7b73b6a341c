-- gauge: a value that rises and falls

CREATE TYPE gaugeagg;
CREATE FUNCTION gaugeagg_in(cstring) RETURNS gaugeagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_in';
CREATE FUNCTION gaugeagg_out(gaugeagg) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_out';
CREATE FUNCTION gaugeagg_recv(internal) RETURNS gaugeagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_recv';
CREATE FUNCTION gaugeagg_send(gaugeagg) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_send';
CREATE TYPE gaugeagg (
    INPUT = gaugeagg_in, OUTPUT = gaugeagg_out, RECEIVE = gaugeagg_recv, SEND = gaugeagg_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE gaugeagg IS 'readings of a gauge, summarised, made by kpi.gauge_agg(ts, value)';
COMMENT ON FUNCTION gaugeagg_in(cstring) IS 'text input of gaugeagg';
COMMENT ON FUNCTION gaugeagg_out(gaugeagg) IS 'text output of gaugeagg';
COMMENT ON FUNCTION gaugeagg_recv(internal) IS 'binary input of gaugeagg';
COMMENT ON FUNCTION gaugeagg_send(gaugeagg) IS 'binary output of gaugeagg';

CREATE FUNCTION gaugeagg_trans(internal, timestamptz, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_trans';
COMMENT ON FUNCTION gaugeagg_trans(internal, timestamptz, float8) IS 'adds a reading to gauge_agg(ts, value)';

CREATE FUNCTION gaugeagg_trans(internal, timestamptz, float8, tstzrange) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_trans';
COMMENT ON FUNCTION gaugeagg_trans(internal, timestamptz, float8, tstzrange) IS 'adds a reading to gauge_agg(ts, value, bounds)';

CREATE FUNCTION gaugeagg_rollup_trans(internal, gaugeagg) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_rollup_trans';
COMMENT ON FUNCTION gaugeagg_rollup_trans(internal, gaugeagg) IS 'adds a stored state to a rollup';

CREATE FUNCTION gaugeagg_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_combine';
COMMENT ON FUNCTION gaugeagg_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION gaugeagg_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_serialize';
COMMENT ON FUNCTION gaugeagg_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION gaugeagg_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_deserialize';
COMMENT ON FUNCTION gaugeagg_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION gaugeagg_final(internal) RETURNS gaugeagg
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_final';
COMMENT ON FUNCTION gaugeagg_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION gaugeagg_rollup_final(internal) RETURNS gaugeagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_rollup_final';
COMMENT ON FUNCTION gaugeagg_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE gauge_agg(ts timestamptz, value float8) (
    SFUNC = gaugeagg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = gaugeagg_final,
    COMBINEFUNC = gaugeagg_combine, SERIALFUNC = gaugeagg_serialize, DESERIALFUNC = gaugeagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE gauge_agg(timestamptz, float8) IS 'changes and rates of a gauge, to be read by delta, rate, ... and merged by rollup; rows may come in any order';

CREATE AGGREGATE gauge_agg(ts timestamptz, value float8, bounds tstzrange) (
    SFUNC = gaugeagg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = gaugeagg_final,
    COMBINEFUNC = gaugeagg_combine, SERIALFUNC = gaugeagg_serialize, DESERIALFUNC = gaugeagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE gauge_agg(timestamptz, float8, tstzrange) IS 'the same with the bounds for which extrapolated_delta and extrapolated_rate stand: the smallest range that holds those of all rows';

CREATE AGGREGATE rollup(summary gaugeagg) (
    SFUNC = gaugeagg_rollup_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = gaugeagg_rollup_final,
    COMBINEFUNC = gaugeagg_combine, SERIALFUNC = gaugeagg_serialize, DESERIALFUNC = gaugeagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(gaugeagg) IS 'merges states of gauge_agg, in any order, as if it had seen all their rows; states whose times overlap are an error unless they still know their readings';

CREATE FUNCTION num_elements(summary gaugeagg) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_num_elements';
COMMENT ON FUNCTION num_elements(gaugeagg) IS 'the number of readings, one for each time';

CREATE FUNCTION num_changes(summary gaugeagg) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_num_changes';
COMMENT ON FUNCTION num_changes(gaugeagg) IS 'how often a reading differed from the one before';

CREATE FUNCTION delta(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_delta';
COMMENT ON FUNCTION delta(gaugeagg) IS 'the change from the first reading to the last';

CREATE FUNCTION time_delta(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_time_delta';
COMMENT ON FUNCTION time_delta(gaugeagg) IS 'the seconds from the first reading to the last';

CREATE FUNCTION rate(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_rate';
COMMENT ON FUNCTION rate(gaugeagg) IS 'the change per second from the first reading to the last; NULL with fewer than two';

CREATE FUNCTION idelta_left(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_idelta_left';
COMMENT ON FUNCTION idelta_left(gaugeagg) IS 'the change from the first reading to the second';

CREATE FUNCTION idelta_right(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_idelta_right';
COMMENT ON FUNCTION idelta_right(gaugeagg) IS 'the change from the last reading but one to the last';

CREATE FUNCTION irate_left(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_irate_left';
COMMENT ON FUNCTION irate_left(gaugeagg) IS 'the change per second from the first reading to the second';

CREATE FUNCTION irate_right(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_irate_right';
COMMENT ON FUNCTION irate_right(gaugeagg) IS 'the change per second from the last reading but one to the last';

CREATE FUNCTION slope(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_slope';
COMMENT ON FUNCTION slope(gaugeagg) IS 'the slope per second of the least-squares line through the readings';

CREATE FUNCTION intercept(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_intercept';
COMMENT ON FUNCTION intercept(gaugeagg) IS 'the value of the least-squares line at 2000-01-01 00:00 UTC';

CREATE FUNCTION corr(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_corr';
COMMENT ON FUNCTION corr(gaugeagg) IS 'the correlation of time and value';

CREATE FUNCTION first_val(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_first_val';
COMMENT ON FUNCTION first_val(gaugeagg) IS 'the earliest reading';

CREATE FUNCTION last_val(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_last_val';
COMMENT ON FUNCTION last_val(gaugeagg) IS 'the latest reading';

CREATE FUNCTION first_time(summary gaugeagg) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_first_time';
COMMENT ON FUNCTION first_time(gaugeagg) IS 'the time of the earliest reading';

CREATE FUNCTION last_time(summary gaugeagg) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_last_time';
COMMENT ON FUNCTION last_time(gaugeagg) IS 'the time of the latest reading';

CREATE FUNCTION gauge_zero_time(summary gaugeagg) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_zero_time';
COMMENT ON FUNCTION gauge_zero_time(gaugeagg) IS 'when the least-squares line was at zero; NULL for a level line';

CREATE FUNCTION with_bounds(summary gaugeagg, bounds tstzrange) RETURNS gaugeagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_with_bounds';
COMMENT ON FUNCTION with_bounds(gaugeagg, tstzrange) IS 'the same readings with the bounds to which extrapolated_delta and extrapolated_rate extend them';

CREATE FUNCTION extrapolated_delta(summary gaugeagg, method text DEFAULT 'prometheus') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_extrapolated_delta';
COMMENT ON FUNCTION extrapolated_delta(gaugeagg, text) IS 'the change within the bounds, extended from the readings to both ends as Prometheus does';

CREATE FUNCTION extrapolated_rate(summary gaugeagg, method text DEFAULT 'prometheus') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_extrapolated_rate';
COMMENT ON FUNCTION extrapolated_rate(gaugeagg, text) IS 'extrapolated_delta per second of the bounds';

CREATE FUNCTION interpolated_delta(summary gaugeagg, start timestamptz, duration interval, prev gaugeagg DEFAULT NULL, next gaugeagg DEFAULT NULL) RETURNS float8
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_interpolated_delta';
COMMENT ON FUNCTION interpolated_delta(gaugeagg, timestamptz, interval, gaugeagg, gaugeagg) IS 'the change from start for as long as duration, with the share of the changes from prev and to next that falls into it';

CREATE FUNCTION interpolated_rate(summary gaugeagg, start timestamptz, duration interval, prev gaugeagg DEFAULT NULL, next gaugeagg DEFAULT NULL) RETURNS float8
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_interpolated_rate';
COMMENT ON FUNCTION interpolated_rate(gaugeagg, timestamptz, interval, gaugeagg, gaugeagg) IS 'interpolated_delta per second of what readings and neighbours cover';
