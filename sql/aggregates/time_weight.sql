-- timeweight: values that hold, or change along a line, until the next one

CREATE TYPE timeweight;
CREATE FUNCTION timeweight_in(cstring) RETURNS timeweight
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_in';
CREATE FUNCTION timeweight_out(timeweight) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_out';
CREATE FUNCTION timeweight_recv(internal) RETURNS timeweight
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_recv';
CREATE FUNCTION timeweight_send(timeweight) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_send';
CREATE TYPE timeweight (
    INPUT = timeweight_in, OUTPUT = timeweight_out, RECEIVE = timeweight_recv, SEND = timeweight_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE timeweight IS 'values over time, summarised by the area below them, made by kpi.time_weight(method, ts, value)';
COMMENT ON FUNCTION timeweight_in(cstring) IS 'text input of timeweight';
COMMENT ON FUNCTION timeweight_out(timeweight) IS 'text output of timeweight';
COMMENT ON FUNCTION timeweight_recv(internal) IS 'binary input of timeweight';
COMMENT ON FUNCTION timeweight_send(timeweight) IS 'binary output of timeweight';

CREATE FUNCTION timeweight_trans(internal, text, timestamptz, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_trans';
COMMENT ON FUNCTION timeweight_trans(internal, text, timestamptz, float8) IS 'adds a value to time_weight(method, ts, value)';

CREATE FUNCTION timeweight_rollup_trans(internal, timeweight) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_rollup_trans';
COMMENT ON FUNCTION timeweight_rollup_trans(internal, timeweight) IS 'adds a stored state to a rollup';

CREATE FUNCTION timeweight_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_combine';
COMMENT ON FUNCTION timeweight_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION timeweight_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_serialize';
COMMENT ON FUNCTION timeweight_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION timeweight_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_deserialize';
COMMENT ON FUNCTION timeweight_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION timeweight_final(internal) RETURNS timeweight
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_final';
COMMENT ON FUNCTION timeweight_final(internal) IS 'ends the aggregate; without rows the result is NULL';

CREATE FUNCTION timeweight_rollup_final(internal) RETURNS timeweight
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_rollup_final';
COMMENT ON FUNCTION timeweight_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE time_weight(method text, ts timestamptz, value float8) (
    SFUNC = timeweight_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = timeweight_final,
    COMBINEFUNC = timeweight_combine, SERIALFUNC = timeweight_serialize, DESERIALFUNC = timeweight_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE time_weight(text, timestamptz, float8) IS 'values weighted by how long they lasted: method ''LOCF'' has each hold until the next one, ''Linear'' draws a line to it; to be read by average, integral, ... and merged by rollup; rows may come in any order';

CREATE AGGREGATE rollup(tws timeweight) (
    SFUNC = timeweight_rollup_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = timeweight_rollup_final,
    COMBINEFUNC = timeweight_combine, SERIALFUNC = timeweight_serialize, DESERIALFUNC = timeweight_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(timeweight) IS 'merges states of time_weight with the same method, in any order, as if it had seen all their rows; states whose times overlap are an error unless they still know their values';

CREATE FUNCTION average(tws timeweight) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_average';
COMMENT ON FUNCTION average(timeweight) IS 'the average over the time from the first value to the last; NULL with fewer than two';

CREATE FUNCTION integral(tws timeweight, unit text DEFAULT 'second') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_integral';
COMMENT ON FUNCTION integral(timeweight, text) IS 'the integral from the first value to the last, in value times unit: microsecond, millisecond, second, minute, hour or day';

CREATE FUNCTION interpolated_average(tws timeweight, start timestamptz, duration interval, prev timeweight DEFAULT NULL, next timeweight DEFAULT NULL) RETURNS float8
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_interpolated_average';
COMMENT ON FUNCTION interpolated_average(timeweight, timestamptz, interval, timeweight, timeweight) IS 'the average from start for as long as duration, whose ends are interpolated from the last value of prev and the first of next';

CREATE FUNCTION interpolated_integral(tws timeweight, start timestamptz, duration interval, prev timeweight DEFAULT NULL, next timeweight DEFAULT NULL, unit text DEFAULT 'second') RETURNS float8
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_interpolated_integral';
COMMENT ON FUNCTION interpolated_integral(timeweight, timestamptz, interval, timeweight, timeweight, text) IS 'the integral from start for as long as duration, in value times unit, with ends that are interpolated from the last value of prev and the first of next';

CREATE FUNCTION first_val(tws timeweight) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_first_val';
COMMENT ON FUNCTION first_val(timeweight) IS 'the earliest value';

CREATE FUNCTION last_val(tws timeweight) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_last_val';
COMMENT ON FUNCTION last_val(timeweight) IS 'the latest value';

CREATE FUNCTION first_time(tws timeweight) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_first_time';
COMMENT ON FUNCTION first_time(timeweight) IS 'the time of the earliest value';

CREATE FUNCTION last_time(tws timeweight) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_last_time';
COMMENT ON FUNCTION last_time(timeweight) IS 'the time of the latest value';
