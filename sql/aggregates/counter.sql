-- counter: a value that only rises, and starts again at zero when it is reset

CREATE TYPE counteragg;
CREATE FUNCTION counteragg_in(cstring) RETURNS counteragg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_in';
CREATE FUNCTION counteragg_out(counteragg) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_out';
CREATE FUNCTION counteragg_recv(internal) RETURNS counteragg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_recv';
CREATE FUNCTION counteragg_send(counteragg) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_send';
CREATE TYPE counteragg (
    INPUT = counteragg_in, OUTPUT = counteragg_out, RECEIVE = counteragg_recv, SEND = counteragg_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE counteragg IS 'readings of a counter, summarised, made by kpi.counter_agg(ts, value)';
COMMENT ON FUNCTION counteragg_in(cstring) IS 'text input of counteragg';
COMMENT ON FUNCTION counteragg_out(counteragg) IS 'text output of counteragg';
COMMENT ON FUNCTION counteragg_recv(internal) IS 'binary input of counteragg';
COMMENT ON FUNCTION counteragg_send(counteragg) IS 'binary output of counteragg';

CREATE FUNCTION counteragg_trans(internal, timestamptz, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_trans';
COMMENT ON FUNCTION counteragg_trans(internal, timestamptz, float8) IS 'adds a reading to counter_agg(ts, value)';

CREATE FUNCTION counteragg_trans(internal, timestamptz, float8, tstzrange) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_trans';
COMMENT ON FUNCTION counteragg_trans(internal, timestamptz, float8, tstzrange) IS 'adds a reading to counter_agg(ts, value, bounds)';

CREATE FUNCTION counteragg_rollup_trans(internal, counteragg) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_rollup_trans';
COMMENT ON FUNCTION counteragg_rollup_trans(internal, counteragg) IS 'adds a stored state to a rollup';

CREATE FUNCTION counteragg_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_combine';
COMMENT ON FUNCTION counteragg_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION counteragg_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_serialize';
COMMENT ON FUNCTION counteragg_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION counteragg_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_deserialize';
COMMENT ON FUNCTION counteragg_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION counteragg_final(internal) RETURNS counteragg
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_final';
COMMENT ON FUNCTION counteragg_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION counteragg_rollup_final(internal) RETURNS counteragg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_rollup_final';
COMMENT ON FUNCTION counteragg_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE counter_agg(ts timestamptz, value float8) (
    SFUNC = counteragg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = counteragg_final,
    COMBINEFUNC = counteragg_combine, SERIALFUNC = counteragg_serialize, DESERIALFUNC = counteragg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE counter_agg(timestamptz, float8) IS 'rises, rates and resets of a counter, to be read by delta, rate, ... and merged by rollup; rows may come in any order';

CREATE AGGREGATE counter_agg(ts timestamptz, value float8, bounds tstzrange) (
    SFUNC = counteragg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = counteragg_final,
    COMBINEFUNC = counteragg_combine, SERIALFUNC = counteragg_serialize, DESERIALFUNC = counteragg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE counter_agg(timestamptz, float8, tstzrange) IS 'the same with the bounds for which extrapolated_delta and extrapolated_rate stand: the smallest range that holds those of all rows';

CREATE AGGREGATE rollup(summary counteragg) (
    SFUNC = counteragg_rollup_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = counteragg_rollup_final,
    COMBINEFUNC = counteragg_combine, SERIALFUNC = counteragg_serialize, DESERIALFUNC = counteragg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(counteragg) IS 'merges states of counter_agg, in any order, as if it had seen all their rows; states whose times overlap are an error unless they still know their readings';

CREATE FUNCTION num_elements(summary counteragg) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_num_elements';
COMMENT ON FUNCTION num_elements(counteragg) IS 'the number of readings, one for each time';

CREATE FUNCTION num_changes(summary counteragg) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_num_changes';
COMMENT ON FUNCTION num_changes(counteragg) IS 'how often a reading differed from the one before';

CREATE FUNCTION num_resets(summary counteragg) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_num_resets';
COMMENT ON FUNCTION num_resets(counteragg) IS 'how often the counter was reset, that is, fell';

CREATE FUNCTION delta(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_delta';
COMMENT ON FUNCTION delta(counteragg) IS 'the rise from the first reading to the last, with resets made good';

CREATE FUNCTION time_delta(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_time_delta';
COMMENT ON FUNCTION time_delta(counteragg) IS 'the seconds from the first reading to the last';

CREATE FUNCTION rate(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_rate';
COMMENT ON FUNCTION rate(counteragg) IS 'the rise per second from the first reading to the last; NULL with fewer than two';

CREATE FUNCTION idelta_left(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_idelta_left';
COMMENT ON FUNCTION idelta_left(counteragg) IS 'the rise from the first reading to the second';

CREATE FUNCTION idelta_right(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_idelta_right';
COMMENT ON FUNCTION idelta_right(counteragg) IS 'the rise from the last reading but one to the last';

CREATE FUNCTION irate_left(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_irate_left';
COMMENT ON FUNCTION irate_left(counteragg) IS 'the rise per second from the first reading to the second';

CREATE FUNCTION irate_right(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_irate_right';
COMMENT ON FUNCTION irate_right(counteragg) IS 'the rise per second from the last reading but one to the last';

CREATE FUNCTION slope(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_slope';
COMMENT ON FUNCTION slope(counteragg) IS 'the slope per second of the least-squares line through the readings, with resets made good';

CREATE FUNCTION intercept(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_intercept';
COMMENT ON FUNCTION intercept(counteragg) IS 'the value of the least-squares line at 2000-01-01 00:00 UTC';

CREATE FUNCTION corr(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_corr';
COMMENT ON FUNCTION corr(counteragg) IS 'the correlation of time and value';

CREATE FUNCTION first_val(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_first_val';
COMMENT ON FUNCTION first_val(counteragg) IS 'the earliest reading';

CREATE FUNCTION last_val(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_last_val';
COMMENT ON FUNCTION last_val(counteragg) IS 'the latest reading';

CREATE FUNCTION first_time(summary counteragg) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_first_time';
COMMENT ON FUNCTION first_time(counteragg) IS 'the time of the earliest reading';

CREATE FUNCTION last_time(summary counteragg) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_last_time';
COMMENT ON FUNCTION last_time(counteragg) IS 'the time of the latest reading';

CREATE FUNCTION counter_zero_time(summary counteragg) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_zero_time';
COMMENT ON FUNCTION counter_zero_time(counteragg) IS 'when the least-squares line was at zero; NULL for a level line';

CREATE FUNCTION with_bounds(summary counteragg, bounds tstzrange) RETURNS counteragg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_with_bounds';
COMMENT ON FUNCTION with_bounds(counteragg, tstzrange) IS 'the same readings with the bounds to which extrapolated_delta and extrapolated_rate extend them';

CREATE FUNCTION extrapolated_delta(summary counteragg, method text DEFAULT 'prometheus') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_extrapolated_delta';
COMMENT ON FUNCTION extrapolated_delta(counteragg, text) IS 'the rise within the bounds, extended from the readings to both ends as Prometheus does';

CREATE FUNCTION extrapolated_rate(summary counteragg, method text DEFAULT 'prometheus') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_extrapolated_rate';
COMMENT ON FUNCTION extrapolated_rate(counteragg, text) IS 'extrapolated_delta per second of the bounds';

CREATE FUNCTION interpolated_delta(summary counteragg, start timestamptz, duration interval, prev counteragg DEFAULT NULL, next counteragg DEFAULT NULL) RETURNS float8
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_interpolated_delta';
COMMENT ON FUNCTION interpolated_delta(counteragg, timestamptz, interval, counteragg, counteragg) IS 'the rise from start for as long as duration, with the share of the rises from prev and to next that falls into it';

CREATE FUNCTION interpolated_rate(summary counteragg, start timestamptz, duration interval, prev counteragg DEFAULT NULL, next counteragg DEFAULT NULL) RETURNS float8
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_interpolated_rate';
COMMENT ON FUNCTION interpolated_rate(counteragg, timestamptz, interval, counteragg, counteragg) IS 'interpolated_delta per second of what readings and neighbours cover';
