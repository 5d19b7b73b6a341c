-- stateagg and compactstateagg: how long a system was in which state, and when
--
-- States are texts, integers, or values of an enum type, which are kept as their labels: functions that ask for one cast it.

CREATE TYPE stateagg;
CREATE FUNCTION stateagg_in(cstring) RETURNS stateagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_in';
CREATE FUNCTION stateagg_out(stateagg) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_out';
CREATE FUNCTION stateagg_recv(internal) RETURNS stateagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_recv';
CREATE FUNCTION stateagg_send(stateagg) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_send';
CREATE TYPE stateagg (
    INPUT = stateagg_in, OUTPUT = stateagg_out, RECEIVE = stateagg_recv, SEND = stateagg_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE stateagg IS 'the timeline of the states of a system, made by kpi.state_agg(ts, state)';
COMMENT ON FUNCTION stateagg_in(cstring) IS 'text input of stateagg';
COMMENT ON FUNCTION stateagg_out(stateagg) IS 'text output of stateagg';
COMMENT ON FUNCTION stateagg_recv(internal) IS 'binary input of stateagg';
COMMENT ON FUNCTION stateagg_send(stateagg) IS 'binary output of stateagg';

CREATE FUNCTION stateagg_trans(internal, timestamptz, text) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_trans_text';
COMMENT ON FUNCTION stateagg_trans(internal, timestamptz, text) IS 'adds a state to state_agg(ts, state)';

CREATE FUNCTION stateagg_trans(internal, timestamptz, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_trans_integer';
COMMENT ON FUNCTION stateagg_trans(internal, timestamptz, bigint) IS 'adds a state to state_agg(ts, state)';

CREATE FUNCTION stateagg_trans(internal, timestamptz, anyenum) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_trans_enum';
COMMENT ON FUNCTION stateagg_trans(internal, timestamptz, anyenum) IS 'adds a state to state_agg(ts, state)';

CREATE FUNCTION stateagg_rollup_trans(internal, stateagg) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_rollup_trans';
COMMENT ON FUNCTION stateagg_rollup_trans(internal, stateagg) IS 'adds a stored state to a rollup';

CREATE FUNCTION stateagg_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_combine';
COMMENT ON FUNCTION stateagg_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION stateagg_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_serialize';
COMMENT ON FUNCTION stateagg_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION stateagg_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_deserialize';
COMMENT ON FUNCTION stateagg_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION stateagg_final(internal) RETURNS stateagg
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_final';
COMMENT ON FUNCTION stateagg_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION stateagg_rollup_final(internal) RETURNS stateagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_rollup_final';
COMMENT ON FUNCTION stateagg_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE state_agg(ts timestamptz, state text) (
    SFUNC = stateagg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = stateagg_final,
    COMBINEFUNC = stateagg_combine, SERIALFUNC = stateagg_serialize, DESERIALFUNC = stateagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE state_agg(timestamptz, text) IS 'when a system was in which state, to be read by duration_in, state_at, state_timeline, ... and merged by rollup; rows may come in any order';

CREATE AGGREGATE state_agg(ts timestamptz, state bigint) (
    SFUNC = stateagg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = stateagg_final,
    COMBINEFUNC = stateagg_combine, SERIALFUNC = stateagg_serialize, DESERIALFUNC = stateagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE state_agg(timestamptz, bigint) IS 'when a system was in which state, to be read by duration_in, state_at, state_timeline, ... and merged by rollup; states are integers; rows may come in any order';

CREATE AGGREGATE state_agg(ts timestamptz, state anyenum) (
    SFUNC = stateagg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = stateagg_final,
    COMBINEFUNC = stateagg_combine, SERIALFUNC = stateagg_serialize, DESERIALFUNC = stateagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE state_agg(timestamptz, anyenum) IS 'when a system was in which state, to be read by duration_in, state_at, state_timeline, ... and merged by rollup; states are values of an enum type, kept as their labels; rows may come in any order';

CREATE AGGREGATE rollup(agg stateagg) (
    SFUNC = stateagg_rollup_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = stateagg_rollup_final,
    COMBINEFUNC = stateagg_combine, SERIALFUNC = stateagg_serialize, DESERIALFUNC = stateagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(stateagg) IS 'merges states of state_agg, in any order, as if it had seen all their rows; states whose times overlap are an error unless they still know their rows';

CREATE FUNCTION duration_in(agg stateagg, state text) RETURNS interval
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_duration_in_text';
COMMENT ON FUNCTION duration_in(stateagg, text) IS 'how long the system was in a state, from the first row to the last';

CREATE FUNCTION duration_in(agg stateagg, state bigint) RETURNS interval
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_duration_in_integer';
COMMENT ON FUNCTION duration_in(stateagg, bigint) IS 'how long the system was in a state, from the first row to the last';

CREATE FUNCTION duration_in(agg stateagg, state anyenum) RETURNS interval
    LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT kpi.duration_in(agg, state::text) $$;
COMMENT ON FUNCTION duration_in(stateagg, anyenum) IS 'how long the system was in a state, from the first row to the last';

CREATE FUNCTION duration_in(agg stateagg, state text, start timestamptz, duration interval DEFAULT NULL) RETURNS interval
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_duration_in_range_text';
COMMENT ON FUNCTION duration_in(stateagg, text, timestamptz, interval) IS 'how long the system was in a state from start for as long as duration, or to the last row where that is NULL';

CREATE FUNCTION duration_in(agg stateagg, state bigint, start timestamptz, duration interval DEFAULT NULL) RETURNS interval
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_duration_in_range_integer';
COMMENT ON FUNCTION duration_in(stateagg, bigint, timestamptz, interval) IS 'how long the system was in a state from start for as long as duration, or to the last row where that is NULL';

CREATE FUNCTION duration_in(agg stateagg, state anyenum, start timestamptz, duration interval DEFAULT NULL) RETURNS interval
    LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT kpi.duration_in(agg, state::text, start, duration) $$;
COMMENT ON FUNCTION duration_in(stateagg, anyenum, timestamptz, interval) IS 'how long the system was in a state from start for as long as duration, or to the last row where that is NULL';

CREATE FUNCTION interpolated_duration_in(agg stateagg, state text, start timestamptz, duration interval, prev stateagg DEFAULT NULL) RETURNS interval
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_interpolated_duration_in_text';
COMMENT ON FUNCTION interpolated_duration_in(stateagg, text, timestamptz, interval, stateagg) IS 'how long the system was in a state from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE FUNCTION interpolated_duration_in(agg stateagg, state bigint, start timestamptz, duration interval, prev stateagg DEFAULT NULL) RETURNS interval
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_interpolated_duration_in_integer';
COMMENT ON FUNCTION interpolated_duration_in(stateagg, bigint, timestamptz, interval, stateagg) IS 'how long the system was in a state from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE FUNCTION interpolated_duration_in(agg stateagg, state anyenum, start timestamptz, duration interval, prev stateagg DEFAULT NULL) RETURNS interval
    LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT kpi.interpolated_duration_in(agg, state::text, start, duration, prev) $$;
COMMENT ON FUNCTION interpolated_duration_in(stateagg, anyenum, timestamptz, interval, stateagg) IS 'how long the system was in a state from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE FUNCTION into_values(agg stateagg) RETURNS TABLE (state text, duration interval)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_into_values';
COMMENT ON FUNCTION into_values(stateagg) IS 'all states with the time that the system spent in each, in the order of the states';

CREATE FUNCTION into_int_values(agg stateagg) RETURNS TABLE (state bigint, duration interval)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_into_int_values';
COMMENT ON FUNCTION into_int_values(stateagg) IS 'the same of states that are integers';

CREATE FUNCTION state_at(agg stateagg, ts timestamptz) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_at';
COMMENT ON FUNCTION state_at(stateagg, timestamptz) IS 'the state at a time; NULL before the first row, and after the last one its state';

CREATE FUNCTION state_at_int(agg stateagg, ts timestamptz) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_at_int';
COMMENT ON FUNCTION state_at_int(stateagg, timestamptz) IS 'the same of states that are integers';

CREATE FUNCTION state_timeline(agg stateagg) RETURNS TABLE (state text, start_time timestamptz, end_time timestamptz)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_timeline';
COMMENT ON FUNCTION state_timeline(stateagg) IS 'all periods in a state, in order of time';

CREATE FUNCTION state_int_timeline(agg stateagg) RETURNS TABLE (state bigint, start_time timestamptz, end_time timestamptz)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_int_timeline';
COMMENT ON FUNCTION state_int_timeline(stateagg) IS 'the same of states that are integers';

CREATE FUNCTION interpolated_state_timeline(agg stateagg, start timestamptz, duration interval, prev stateagg DEFAULT NULL) RETURNS TABLE (state text, start_time timestamptz, end_time timestamptz)
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_interpolated_timeline';
COMMENT ON FUNCTION interpolated_state_timeline(stateagg, timestamptz, interval, stateagg) IS 'all periods from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE FUNCTION interpolated_state_int_timeline(agg stateagg, start timestamptz, duration interval, prev stateagg DEFAULT NULL) RETURNS TABLE (state bigint, start_time timestamptz, end_time timestamptz)
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_interpolated_int_timeline';
COMMENT ON FUNCTION interpolated_state_int_timeline(stateagg, timestamptz, interval, stateagg) IS 'the same of states that are integers';

CREATE FUNCTION state_periods(agg stateagg, state text) RETURNS TABLE (start_time timestamptz, end_time timestamptz)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_periods_text';
COMMENT ON FUNCTION state_periods(stateagg, text) IS 'the periods in one state, in order of time';

CREATE FUNCTION state_periods(agg stateagg, state bigint) RETURNS TABLE (start_time timestamptz, end_time timestamptz)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_periods_integer';
COMMENT ON FUNCTION state_periods(stateagg, bigint) IS 'the periods in one state, in order of time';

CREATE FUNCTION state_periods(agg stateagg, state anyenum) RETURNS TABLE (start_time timestamptz, end_time timestamptz)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT p.* FROM kpi.state_periods(agg, state::text) AS p $$;
COMMENT ON FUNCTION state_periods(stateagg, anyenum) IS 'the periods in one state, in order of time';

CREATE FUNCTION interpolated_state_periods(agg stateagg, state text, start timestamptz, duration interval, prev stateagg DEFAULT NULL) RETURNS TABLE (start_time timestamptz, end_time timestamptz)
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_interpolated_periods_text';
COMMENT ON FUNCTION interpolated_state_periods(stateagg, text, timestamptz, interval, stateagg) IS 'the periods in one state from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE FUNCTION interpolated_state_periods(agg stateagg, state bigint, start timestamptz, duration interval, prev stateagg DEFAULT NULL) RETURNS TABLE (start_time timestamptz, end_time timestamptz)
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_interpolated_periods_integer';
COMMENT ON FUNCTION interpolated_state_periods(stateagg, bigint, timestamptz, interval, stateagg) IS 'the periods in one state from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE FUNCTION interpolated_state_periods(agg stateagg, state anyenum, start timestamptz, duration interval, prev stateagg DEFAULT NULL) RETURNS TABLE (start_time timestamptz, end_time timestamptz)
    LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT p.* FROM kpi.interpolated_state_periods(agg, state::text, start, duration, prev) AS p $$;
COMMENT ON FUNCTION interpolated_state_periods(stateagg, anyenum, timestamptz, interval, stateagg) IS 'the periods in one state from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE TYPE compactstateagg;
CREATE FUNCTION compactstateagg_in(cstring) RETURNS compactstateagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_in';
CREATE FUNCTION compactstateagg_out(compactstateagg) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_out';
CREATE FUNCTION compactstateagg_recv(internal) RETURNS compactstateagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_recv';
CREATE FUNCTION compactstateagg_send(compactstateagg) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_send';
CREATE TYPE compactstateagg (
    INPUT = compactstateagg_in, OUTPUT = compactstateagg_out, RECEIVE = compactstateagg_recv, SEND = compactstateagg_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE compactstateagg IS 'the time that a system spent in each of its states, made by kpi.compact_state_agg(ts, state)';
COMMENT ON FUNCTION compactstateagg_in(cstring) IS 'text input of compactstateagg';
COMMENT ON FUNCTION compactstateagg_out(compactstateagg) IS 'text output of compactstateagg';
COMMENT ON FUNCTION compactstateagg_recv(internal) IS 'binary input of compactstateagg';
COMMENT ON FUNCTION compactstateagg_send(compactstateagg) IS 'binary output of compactstateagg';

CREATE FUNCTION compactstateagg_trans(internal, timestamptz, text) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_trans_text';
COMMENT ON FUNCTION compactstateagg_trans(internal, timestamptz, text) IS 'adds a state to compact_state_agg(ts, state)';

CREATE FUNCTION compactstateagg_trans(internal, timestamptz, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_trans_integer';
COMMENT ON FUNCTION compactstateagg_trans(internal, timestamptz, bigint) IS 'adds a state to compact_state_agg(ts, state)';

CREATE FUNCTION compactstateagg_trans(internal, timestamptz, anyenum) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_trans_enum';
COMMENT ON FUNCTION compactstateagg_trans(internal, timestamptz, anyenum) IS 'adds a state to compact_state_agg(ts, state)';

CREATE FUNCTION compactstateagg_rollup_trans(internal, compactstateagg) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_rollup_trans';
COMMENT ON FUNCTION compactstateagg_rollup_trans(internal, compactstateagg) IS 'adds a stored state to a rollup';

CREATE FUNCTION compactstateagg_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_combine';
COMMENT ON FUNCTION compactstateagg_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION compactstateagg_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_serialize';
COMMENT ON FUNCTION compactstateagg_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION compactstateagg_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_deserialize';
COMMENT ON FUNCTION compactstateagg_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION compactstateagg_final(internal) RETURNS compactstateagg
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_final';
COMMENT ON FUNCTION compactstateagg_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION compactstateagg_rollup_final(internal) RETURNS compactstateagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_rollup_final';
COMMENT ON FUNCTION compactstateagg_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE compact_state_agg(ts timestamptz, state text) (
    SFUNC = compactstateagg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = compactstateagg_final,
    COMBINEFUNC = compactstateagg_combine, SERIALFUNC = compactstateagg_serialize, DESERIALFUNC = compactstateagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE compact_state_agg(timestamptz, text) IS 'how long a system was in which state, to be read by duration_in, into_values, ... and merged by rollup; rows may come in any order';

CREATE AGGREGATE compact_state_agg(ts timestamptz, state bigint) (
    SFUNC = compactstateagg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = compactstateagg_final,
    COMBINEFUNC = compactstateagg_combine, SERIALFUNC = compactstateagg_serialize, DESERIALFUNC = compactstateagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE compact_state_agg(timestamptz, bigint) IS 'how long a system was in which state, to be read by duration_in, into_values, ... and merged by rollup; states are integers; rows may come in any order';

CREATE AGGREGATE compact_state_agg(ts timestamptz, state anyenum) (
    SFUNC = compactstateagg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = compactstateagg_final,
    COMBINEFUNC = compactstateagg_combine, SERIALFUNC = compactstateagg_serialize, DESERIALFUNC = compactstateagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE compact_state_agg(timestamptz, anyenum) IS 'how long a system was in which state, to be read by duration_in, into_values, ... and merged by rollup; states are values of an enum type, kept as their labels; rows may come in any order';

CREATE AGGREGATE rollup(agg compactstateagg) (
    SFUNC = compactstateagg_rollup_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = compactstateagg_rollup_final,
    COMBINEFUNC = compactstateagg_combine, SERIALFUNC = compactstateagg_serialize, DESERIALFUNC = compactstateagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(compactstateagg) IS 'merges states of compact_state_agg, in any order, as if it had seen all their rows; states whose times overlap are an error unless they still know their rows';

CREATE FUNCTION duration_in(agg compactstateagg, state text) RETURNS interval
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_duration_in_text';
COMMENT ON FUNCTION duration_in(compactstateagg, text) IS 'how long the system was in a state, from the first row to the last';

CREATE FUNCTION duration_in(agg compactstateagg, state bigint) RETURNS interval
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_duration_in_integer';
COMMENT ON FUNCTION duration_in(compactstateagg, bigint) IS 'how long the system was in a state, from the first row to the last';

CREATE FUNCTION duration_in(agg compactstateagg, state anyenum) RETURNS interval
    LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT kpi.duration_in(agg, state::text) $$;
COMMENT ON FUNCTION duration_in(compactstateagg, anyenum) IS 'how long the system was in a state, from the first row to the last';

CREATE FUNCTION interpolated_duration_in(agg compactstateagg, state text, start timestamptz, duration interval, prev compactstateagg DEFAULT NULL) RETURNS interval
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_interpolated_duration_in_text';
COMMENT ON FUNCTION interpolated_duration_in(compactstateagg, text, timestamptz, interval, compactstateagg) IS 'how long the system was in a state from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE FUNCTION interpolated_duration_in(agg compactstateagg, state bigint, start timestamptz, duration interval, prev compactstateagg DEFAULT NULL) RETURNS interval
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_interpolated_duration_in_integer';
COMMENT ON FUNCTION interpolated_duration_in(compactstateagg, bigint, timestamptz, interval, compactstateagg) IS 'how long the system was in a state from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE FUNCTION interpolated_duration_in(agg compactstateagg, state anyenum, start timestamptz, duration interval, prev compactstateagg DEFAULT NULL) RETURNS interval
    LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT kpi.interpolated_duration_in(agg, state::text, start, duration, prev) $$;
COMMENT ON FUNCTION interpolated_duration_in(compactstateagg, anyenum, timestamptz, interval, compactstateagg) IS 'how long the system was in a state from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE FUNCTION into_values(agg compactstateagg) RETURNS TABLE (state text, duration interval)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_into_values';
COMMENT ON FUNCTION into_values(compactstateagg) IS 'all states with the time that the system spent in each, in the order of the states';

CREATE FUNCTION into_int_values(agg compactstateagg) RETURNS TABLE (state bigint, duration interval)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_into_int_values';
COMMENT ON FUNCTION into_int_values(compactstateagg) IS 'the same of states that are integers';
