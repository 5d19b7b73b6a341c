-- Downsampling: the functions of a series, and the aggregates of rows, whose state is a series in the making with the size
-- that it is to get.

CREATE FUNCTION kpi.gp_lttb(s kpi.series, n int) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_gp_lttb_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.gp_lttb(kpi.series, int) IS
    'lttb that keeps both ends of each gap that is longer than the whole time divided by n';

CREATE FUNCTION kpi.gp_lttb(s kpi.series, n int, gap interval) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_gp_lttb_of_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.gp_lttb(kpi.series, int, interval) IS
    'lttb that keeps both ends of each gap that is longer than the interval';

CREATE FUNCTION kpi.asap_smooth(s kpi.series, n int) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_asap_smooth_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.asap_smooth(kpi.series, int) IS
    'moving averages of about n values: as smooth as can be while what stands out still does (ASAP)';

CREATE FUNCTION kpi.downsample_trans(internal, timestamptz, float8, int) RETURNS internal
    AS 'MODULE_PATHNAME', 'kpi_downsample_trans' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi.downsample_trans(internal, timestamptz, float8, int) IS 'takes a row of an aggregate that downsamples';

CREATE FUNCTION kpi.downsample_trans(internal, timestamptz, float8, int, interval) RETURNS internal
    AS 'MODULE_PATHNAME', 'kpi_downsample_trans' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi.downsample_trans(internal, timestamptz, float8, int, interval) IS 'takes a row of an aggregate that downsamples and has a gap';

CREATE FUNCTION kpi.downsample_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'kpi_downsample_combine' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi.downsample_combine(internal, internal) IS 'puts the rows of two workers together';

CREATE FUNCTION kpi.downsample_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', 'kpi_downsample_serialize' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.downsample_serialize(internal) IS 'a worker''s rows as bytes';

CREATE FUNCTION kpi.downsample_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'kpi_downsample_deserialize' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.downsample_deserialize(bytea, internal) IS 'a worker''s bytes as rows';

CREATE FUNCTION kpi.downsample_lttb(internal) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'kpi_downsample_lttb' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi.downsample_lttb(internal) IS 'ends the aggregate kpi.lttb';

CREATE FUNCTION kpi.downsample_gp_lttb(internal) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'kpi_downsample_gp_lttb' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi.downsample_gp_lttb(internal) IS 'ends the aggregate kpi.gp_lttb';

CREATE FUNCTION kpi.downsample_asap_smooth(internal) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'kpi_downsample_asap_smooth' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi.downsample_asap_smooth(internal) IS 'ends the aggregate kpi.asap_smooth';

CREATE AGGREGATE kpi.lttb(ts timestamptz, value float8, n int) (
    SFUNC = kpi.downsample_trans, STYPE = internal, SSPACE = 2048, FINALFUNC = kpi.downsample_lttb,
    COMBINEFUNC = kpi.downsample_combine, SERIALFUNC = kpi.downsample_serialize, DESERIALFUNC = kpi.downsample_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.lttb(timestamptz, float8, int) IS 'the rows as a series of at most n values that looks the same in a line chart (largest triangle, three buckets)';

CREATE AGGREGATE kpi.gp_lttb(ts timestamptz, value float8, n int) (
    SFUNC = kpi.downsample_trans, STYPE = internal, SSPACE = 2048, FINALFUNC = kpi.downsample_gp_lttb,
    COMBINEFUNC = kpi.downsample_combine, SERIALFUNC = kpi.downsample_serialize, DESERIALFUNC = kpi.downsample_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.gp_lttb(timestamptz, float8, int) IS 'lttb of the rows that keeps both ends of each gap that is longer than the whole time divided by n';

CREATE AGGREGATE kpi.gp_lttb(ts timestamptz, value float8, n int, gap interval) (
    SFUNC = kpi.downsample_trans, STYPE = internal, SSPACE = 2048, FINALFUNC = kpi.downsample_gp_lttb,
    COMBINEFUNC = kpi.downsample_combine, SERIALFUNC = kpi.downsample_serialize, DESERIALFUNC = kpi.downsample_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.gp_lttb(timestamptz, float8, int, interval) IS 'lttb of the rows that keeps both ends of each gap that is longer than the interval';

CREATE AGGREGATE kpi.asap_smooth(ts timestamptz, value float8, n int) (
    SFUNC = kpi.downsample_trans, STYPE = internal, SSPACE = 2048, FINALFUNC = kpi.downsample_asap_smooth,
    COMBINEFUNC = kpi.downsample_combine, SERIALFUNC = kpi.downsample_serialize, DESERIALFUNC = kpi.downsample_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.asap_smooth(timestamptz, float8, int) IS 'the rows as a series of about n moving averages: as smooth as can be while what stands out still does (ASAP)';
