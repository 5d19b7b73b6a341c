-- Type kpi.series, the aggregate that makes it, and the functions that read it.

CREATE TYPE kpi.series;

CREATE FUNCTION kpi.series_in(cstring) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_in_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.series_in(cstring) IS 'text input of kpi.series';

CREATE FUNCTION kpi.series_out(kpi.series) RETURNS cstring
    AS 'MODULE_PATHNAME', 'series_out_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.series_out(kpi.series) IS 'text output of kpi.series';

CREATE FUNCTION kpi.series_recv(internal) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_recv' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.series_recv(internal) IS 'binary input of kpi.series';

CREATE FUNCTION kpi.series_send(kpi.series) RETURNS bytea
    AS 'MODULE_PATHNAME', 'series_send' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.series_send(kpi.series) IS 'binary output of kpi.series';

CREATE TYPE kpi.series (
    INPUT = kpi.series_in,
    OUTPUT = kpi.series_out,
    RECEIVE = kpi.series_recv,
    SEND = kpi.series_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE kpi.series IS 'time series as one value: points in time order, gaps kept';

-- The row of a forecast: kpi.forecast returns it, kpi.chart draws it.
CREATE TYPE kpi.forecast_point AS (
    step int,
    ts timestamptz,
    value float8,
    lower float8,
    upper float8,
    model text
);
COMMENT ON TYPE kpi.forecast_point IS 'one step of a forecast, with the bounds of its prediction interval';

-- The aggregate.

CREATE FUNCTION kpi.series_transition(internal, timestamptz, float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'series_transition' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi.series_transition(internal, timestamptz, float8) IS 'aggregate transition function';

CREATE FUNCTION kpi.series_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'series_combine' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi.series_combine(internal, internal) IS 'aggregate combine function';

CREATE FUNCTION kpi.series_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', 'series_serialize' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.series_serialize(internal) IS 'aggregate serialization function';

CREATE FUNCTION kpi.series_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'series_deserialize' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.series_deserialize(bytea, internal) IS 'aggregate deserialization function';

CREATE FUNCTION kpi.series_final(internal) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_final' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi.series_final(internal) IS 'aggregate final function';

CREATE AGGREGATE kpi.series(ts timestamptz, value float8) (
    SFUNC = kpi.series_transition,
    STYPE = internal,
    SSPACE = 2048,
    FINALFUNC = kpi.series_final,
    COMBINEFUNC = kpi.series_combine,
    SERIALFUNC = kpi.series_serialize,
    DESERIALFUNC = kpi.series_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.series(timestamptz, float8) IS
    'makes a series of the rows: in time order, NULL values kept as gaps, of equal times the last row wins';

-- Reading.

CREATE FUNCTION kpi.points(s kpi.series) RETURNS TABLE (ts timestamptz, value float8)
    AS 'MODULE_PATHNAME', 'series_points_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 1000;
COMMENT ON FUNCTION kpi.points(kpi.series) IS 'points of a series in time order, value NULL for a gap';

CREATE FUNCTION kpi.length(s kpi.series) RETURNS int
    AS 'MODULE_PATHNAME', 'series_length' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.length(kpi.series) IS 'number of points of a series, gaps included';

CREATE FUNCTION kpi.first_time(s kpi.series) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'series_first_time' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.first_time(kpi.series) IS 'time of the first point of a series, NULL when it is empty';

CREATE FUNCTION kpi.last_time(s kpi.series) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'series_last_time' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.last_time(kpi.series) IS 'time of the last point of a series, NULL when it is empty';

CREATE FUNCTION kpi.frequency(s kpi.series) RETURNS interval
    AS 'MODULE_PATHNAME', 'series_frequency_wrapper' LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.frequency(kpi.series) IS
    'step between the points of a series, in months or days of the session time zone where it is one; NULL when there is no regular step';

-- Changing.

CREATE FUNCTION kpi.regularize(s kpi.series, every interval, fill text DEFAULT 'gap') RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_regularize_wrapper' LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.regularize(kpi.series, interval, text) IS
    'series on the regular grid that starts at its first point; grid points without a value are filled: gap, previous, linear or zero';

CREATE FUNCTION kpi.lttb(s kpi.series, n int) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_lttb_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.lttb(kpi.series, int) IS
    'series reduced to n values that look the same in a line chart (largest triangle, three buckets)';

-- Drawing.

CREATE FUNCTION kpi.sparkline(s kpi.series, width int DEFAULT 24) RETURNS text
    AS 'MODULE_PATHNAME', 'series_sparkline_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.sparkline(kpi.series, int) IS
    'series as Unicode blocks in one line of text';

CREATE FUNCTION kpi.chart(
    s kpi.series,
    width int DEFAULT 800,
    height int DEFAULT 320,
    title text DEFAULT NULL,
    forecast kpi.forecast_point[] DEFAULT NULL
) RETURNS text
    AS 'MODULE_PATHNAME', 'series_chart_wrapper' LANGUAGE c STABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi.chart(kpi.series, int, int, text, kpi.forecast_point[]) IS
    'line chart of a series as an SVG document, with the forecast and its prediction interval when one is given';
