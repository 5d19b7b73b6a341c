-- A detector as a value, type kpi.detector, and the same detector as window aggregates.

CREATE TYPE kpi.detector;

CREATE FUNCTION kpi.detector_in(cstring) RETURNS kpi.detector
    AS 'MODULE_PATHNAME', 'kpi_detector_in' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.detector_in(cstring) IS 'text input of kpi.detector';

CREATE FUNCTION kpi.detector_out(kpi.detector) RETURNS cstring
    AS 'MODULE_PATHNAME', 'kpi_detector_out' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.detector_out(kpi.detector) IS 'text output of kpi.detector';

CREATE FUNCTION kpi.detector_recv(internal) RETURNS kpi.detector
    AS 'MODULE_PATHNAME', 'kpi_detector_recv' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.detector_recv(internal) IS 'binary input of kpi.detector';

CREATE FUNCTION kpi.detector_send(kpi.detector) RETURNS bytea
    AS 'MODULE_PATHNAME', 'kpi_detector_send' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.detector_send(kpi.detector) IS 'binary output of kpi.detector';

CREATE TYPE kpi.detector (
    INPUT = kpi.detector_in,
    OUTPUT = kpi.detector_out,
    RECEIVE = kpi.detector_recv,
    SEND = kpi.detector_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE kpi.detector IS
    'what is needed to score the next point of a stream, made by kpi.detector or kpi.learn and carried on by kpi.observe';

CREATE TYPE kpi.observation AS (
    detector kpi.detector,
    ts timestamptz,
    value float8,
    expected float8,
    lower float8,
    upper float8,
    score float8,
    is_anomaly bool,
    kind text,
    reason text,
    warming_up bool
);
COMMENT ON TYPE kpi.observation IS
    'what a detector says of a point, and the detector that has seen it';

CREATE FUNCTION kpi.detector(threshold float8 DEFAULT NULL, direction text DEFAULT 'both', season int DEFAULT NULL)
    RETURNS kpi.detector
    AS 'MODULE_PATHNAME', 'kpi_detector_new' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi.detector(float8, text, int) IS
    'a detector that has seen nothing; threshold is the probability of a false alarm per point, 0.001 when NULL, direction both, up or down, season its steps (1 for none), found from the values when NULL';

CREATE FUNCTION kpi.observe(detector kpi.detector, ts timestamptz, value float8) RETURNS kpi.observation
    AS 'MODULE_PATHNAME', 'kpi_detector_observe' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION kpi.observe(kpi.detector, timestamptz, float8) IS
    'scores the next point of a stream and returns the detector that has seen it; a NULL value is a gap';

CREATE FUNCTION kpi.explain(detector kpi.detector) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'kpi_detector_explain' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION kpi.explain(kpi.detector) IS
    'what a detector was asked for and has learnt: step, season, level, usual deviation, how many values it has seen';

CREATE FUNCTION kpi._anomaly_step(internal, timestamptz, float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'kpi_anomaly_step' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi._anomaly_step(internal, timestamptz, float8) IS
    'shows a row to the detector of kpi.anomaly_score, kpi.anomaly_detail or kpi.learn';

CREATE FUNCTION kpi._anomaly_step(internal, timestamptz, float8, float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'kpi_anomaly_step' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi._anomaly_step(internal, timestamptz, float8, float8) IS
    'shows a row to the detector of kpi.anomaly_score, kpi.anomaly_detail or kpi.learn';

CREATE FUNCTION kpi._anomaly_step(internal, timestamptz, float8, float8, text) RETURNS internal
    AS 'MODULE_PATHNAME', 'kpi_anomaly_step' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi._anomaly_step(internal, timestamptz, float8, float8, text) IS
    'shows a row to the detector of kpi.anomaly_score, kpi.anomaly_detail or kpi.learn';

CREATE FUNCTION kpi._anomaly_step(internal, timestamptz, float8, float8, text, int) RETURNS internal
    AS 'MODULE_PATHNAME', 'kpi_anomaly_step' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi._anomaly_step(internal, timestamptz, float8, float8, text, int) IS
    'shows a row to the detector of kpi.anomaly_score, kpi.anomaly_detail or kpi.learn';

CREATE FUNCTION kpi._anomaly_score(internal) RETURNS float8
    AS 'MODULE_PATHNAME', 'kpi_anomaly_score' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi._anomaly_score(internal) IS 'the score of the last row';

CREATE FUNCTION kpi._anomaly_detail(internal) RETURNS kpi.anomaly_point
    AS 'MODULE_PATHNAME', 'kpi_anomaly_detail' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi._anomaly_detail(internal) IS 'what the detector says of the last row';

CREATE FUNCTION kpi._anomaly_learned(internal) RETURNS kpi.detector
    AS 'MODULE_PATHNAME', 'kpi_anomaly_learned' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi._anomaly_learned(internal) IS 'the detector that has seen all rows';

CREATE AGGREGATE kpi.anomaly_score(ts timestamptz, value float8) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_score, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.anomaly_score(timestamptz, float8) IS
    'over a window ordered by time: how unusual the current row is after all rows before it, in [0, 1]; NULL in warm-up and for gaps';

CREATE AGGREGATE kpi.anomaly_score(ts timestamptz, value float8, threshold float8) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_score, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.anomaly_score(timestamptz, float8, float8) IS
    'over a window ordered by time: how unusual the current row is after all rows before it, in [0, 1]; NULL in warm-up and for gaps; threshold as of kpi.detector';

CREATE AGGREGATE kpi.anomaly_score(ts timestamptz, value float8, threshold float8, direction text) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_score, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.anomaly_score(timestamptz, float8, float8, text) IS
    'over a window ordered by time: how unusual the current row is after all rows before it, in [0, 1]; NULL in warm-up and for gaps; threshold, direction as of kpi.detector';

CREATE AGGREGATE kpi.anomaly_score(ts timestamptz, value float8, threshold float8, direction text, season int) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_score, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.anomaly_score(timestamptz, float8, float8, text, int) IS
    'over a window ordered by time: how unusual the current row is after all rows before it, in [0, 1]; NULL in warm-up and for gaps; threshold, direction, season as of kpi.detector';

CREATE AGGREGATE kpi.anomaly_detail(ts timestamptz, value float8) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_detail, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.anomaly_detail(timestamptz, float8) IS
    'over a window ordered by time: the current row with its expected value, score, verdict, kind and reason, from the rows before it';

CREATE AGGREGATE kpi.anomaly_detail(ts timestamptz, value float8, threshold float8) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_detail, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.anomaly_detail(timestamptz, float8, float8) IS
    'over a window ordered by time: the current row with its expected value, score, verdict, kind and reason, from the rows before it; threshold as of kpi.detector';

CREATE AGGREGATE kpi.anomaly_detail(ts timestamptz, value float8, threshold float8, direction text) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_detail, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.anomaly_detail(timestamptz, float8, float8, text) IS
    'over a window ordered by time: the current row with its expected value, score, verdict, kind and reason, from the rows before it; threshold, direction as of kpi.detector';

CREATE AGGREGATE kpi.anomaly_detail(ts timestamptz, value float8, threshold float8, direction text, season int) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_detail, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.anomaly_detail(timestamptz, float8, float8, text, int) IS
    'over a window ordered by time: the current row with its expected value, score, verdict, kind and reason, from the rows before it; threshold, direction, season as of kpi.detector';

CREATE AGGREGATE kpi.learn(ts timestamptz, value float8) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_learned, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.learn(timestamptz, float8) IS
    'a detector that has seen all rows, in their order: write kpi.learn(ts, value ORDER BY ts)';

CREATE AGGREGATE kpi.learn(ts timestamptz, value float8, threshold float8) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_learned, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.learn(timestamptz, float8, float8) IS
    'a detector that has seen all rows, in their order: write kpi.learn(ts, value ORDER BY ts); threshold as of kpi.detector';

CREATE AGGREGATE kpi.learn(ts timestamptz, value float8, threshold float8, direction text) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_learned, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.learn(timestamptz, float8, float8, text) IS
    'a detector that has seen all rows, in their order: write kpi.learn(ts, value ORDER BY ts); threshold, direction as of kpi.detector';

CREATE AGGREGATE kpi.learn(ts timestamptz, value float8, threshold float8, direction text, season int) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_learned, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.learn(timestamptz, float8, float8, text, int) IS
    'a detector that has seen all rows, in their order: write kpi.learn(ts, value ORDER BY ts); threshold, direction, season as of kpi.detector';
