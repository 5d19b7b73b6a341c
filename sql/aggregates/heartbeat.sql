-- heartbeat: when a system was live

CREATE TYPE heartbeatagg;
CREATE FUNCTION heartbeatagg_in(cstring) RETURNS heartbeatagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_in';
CREATE FUNCTION heartbeatagg_out(heartbeatagg) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_out';
CREATE FUNCTION heartbeatagg_recv(internal) RETURNS heartbeatagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_recv';
CREATE FUNCTION heartbeatagg_send(heartbeatagg) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_send';
CREATE TYPE heartbeatagg (
    INPUT = heartbeatagg_in, OUTPUT = heartbeatagg_out, RECEIVE = heartbeatagg_recv, SEND = heartbeatagg_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE heartbeatagg IS 'the ranges of time in which a system was live, made by kpi.heartbeat_agg(heartbeat, agg_start, agg_duration, heartbeat_liveness)';
COMMENT ON FUNCTION heartbeatagg_in(cstring) IS 'text input of heartbeatagg';
COMMENT ON FUNCTION heartbeatagg_out(heartbeatagg) IS 'text output of heartbeatagg';
COMMENT ON FUNCTION heartbeatagg_recv(internal) IS 'binary input of heartbeatagg';
COMMENT ON FUNCTION heartbeatagg_send(heartbeatagg) IS 'binary output of heartbeatagg';

CREATE FUNCTION heartbeatagg_trans(internal, timestamptz, timestamptz, interval, interval) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_trans';
COMMENT ON FUNCTION heartbeatagg_trans(internal, timestamptz, timestamptz, interval, interval) IS 'adds a heartbeat to heartbeat_agg';

CREATE FUNCTION heartbeatagg_rollup_trans(internal, heartbeatagg) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_rollup_trans';
COMMENT ON FUNCTION heartbeatagg_rollup_trans(internal, heartbeatagg) IS 'adds a stored state to a rollup';

CREATE FUNCTION heartbeatagg_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_combine';
COMMENT ON FUNCTION heartbeatagg_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION heartbeatagg_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_serialize';
COMMENT ON FUNCTION heartbeatagg_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION heartbeatagg_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_deserialize';
COMMENT ON FUNCTION heartbeatagg_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION heartbeatagg_final(internal) RETURNS heartbeatagg
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_final';
COMMENT ON FUNCTION heartbeatagg_final(internal) IS 'ends the aggregate; without rows the result is NULL';

CREATE FUNCTION heartbeatagg_rollup_final(internal) RETURNS heartbeatagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_final';
COMMENT ON FUNCTION heartbeatagg_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE heartbeat_agg(heartbeat timestamptz, agg_start timestamptz, agg_duration interval, heartbeat_liveness interval) (
    SFUNC = heartbeatagg_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = heartbeatagg_final,
    COMBINEFUNC = heartbeatagg_combine, SERIALFUNC = heartbeatagg_serialize, DESERIALFUNC = heartbeatagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE heartbeat_agg(timestamptz, timestamptz, interval, interval) IS 'the ranges of time, from agg_start for as long as agg_duration, in which a system was live: for heartbeat_liveness after each heartbeat; to be read by uptime, live_ranges, ... and merged by rollup';

CREATE AGGREGATE rollup(agg heartbeatagg) (
    SFUNC = heartbeatagg_rollup_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = heartbeatagg_rollup_final,
    COMBINEFUNC = heartbeatagg_combine, SERIALFUNC = heartbeatagg_serialize, DESERIALFUNC = heartbeatagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(heartbeatagg) IS 'merges states of heartbeat_agg, in any order and overlap; the result stands for the smallest range of time that holds theirs';

CREATE FUNCTION uptime(agg heartbeatagg) RETURNS interval
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_uptime';
COMMENT ON FUNCTION uptime(heartbeatagg) IS 'how long the system was live';

CREATE FUNCTION downtime(agg heartbeatagg) RETURNS interval
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_downtime';
COMMENT ON FUNCTION downtime(heartbeatagg) IS 'how long the system was not live';

CREATE FUNCTION num_live_ranges(agg heartbeatagg) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_num_live_ranges';
COMMENT ON FUNCTION num_live_ranges(heartbeatagg) IS 'the number of ranges in which the system was live';

CREATE FUNCTION num_gaps(agg heartbeatagg) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_num_gaps';
COMMENT ON FUNCTION num_gaps(heartbeatagg) IS 'the number of ranges in which it was not, those at the start and the end included';

CREATE FUNCTION live_ranges(agg heartbeatagg) RETURNS TABLE (start timestamptz, "end" timestamptz)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_live_ranges';
COMMENT ON FUNCTION live_ranges(heartbeatagg) IS 'the ranges in which the system was live, in order of time';

CREATE FUNCTION dead_ranges(agg heartbeatagg) RETURNS TABLE (start timestamptz, "end" timestamptz)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_dead_ranges';
COMMENT ON FUNCTION dead_ranges(heartbeatagg) IS 'the ranges in which the system was not live, in order of time';

CREATE FUNCTION live_at(agg heartbeatagg, test timestamptz) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_live_at';
COMMENT ON FUNCTION live_at(heartbeatagg, timestamptz) IS 'whether the system was live at a time; never outside of the range of the state';

CREATE FUNCTION interpolate(agg heartbeatagg, pred heartbeatagg) RETURNS heartbeatagg
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_interpolate';
COMMENT ON FUNCTION interpolate(heartbeatagg, heartbeatagg) IS 'the state with what the heartbeats of its predecessor keep live in its range; the state itself where pred is NULL';

CREATE FUNCTION interpolated_uptime(agg heartbeatagg, pred heartbeatagg) RETURNS interval
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_interpolated_uptime';
COMMENT ON FUNCTION interpolated_uptime(heartbeatagg, heartbeatagg) IS 'how long the system was live, also by the heartbeats of the predecessor';

CREATE FUNCTION interpolated_downtime(agg heartbeatagg, pred heartbeatagg) RETURNS interval
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_interpolated_downtime';
COMMENT ON FUNCTION interpolated_downtime(heartbeatagg, heartbeatagg) IS 'how long the system was not live, not even by the heartbeats of the predecessor';

CREATE FUNCTION trim_to(agg heartbeatagg, start timestamptz DEFAULT NULL, duration interval DEFAULT NULL) RETURNS heartbeatagg
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_trim_to';
COMMENT ON FUNCTION trim_to(heartbeatagg, timestamptz, interval) IS 'the part of the state from start for as long as duration, each as far as the state where it is NULL';
