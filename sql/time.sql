-- The time helpers that users of TimescaleDB know, with the same names, arguments and meaning.
--
-- Where both extensions are installed, the schema that comes first in search_path decides.

-- time_bucket: the start of the bucket that holds a time or a number

CREATE FUNCTION kpi.time_bucket(bucket_width interval, ts timestamptz) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket';
COMMENT ON FUNCTION kpi.time_bucket(interval, timestamptz) IS
    'start of the bucket that holds a time, counted in UTC; days and time from Monday 2000-01-03, months from January 2000';

CREATE FUNCTION kpi.time_bucket(bucket_width interval, ts timestamptz, origin timestamptz) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_origin';
COMMENT ON FUNCTION kpi.time_bucket(interval, timestamptz, timestamptz) IS
    'start of the bucket that holds a time, buckets counted from origin; of months, from that month';

CREATE FUNCTION kpi.time_bucket(bucket_width interval, ts timestamptz, "offset" interval) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_offset';
COMMENT ON FUNCTION kpi.time_bucket(interval, timestamptz, interval) IS
    'start of the bucket that holds a time, all buckets moved by offset';

CREATE FUNCTION kpi.time_bucket(bucket_width interval, ts timestamp) RETURNS timestamp
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket';
COMMENT ON FUNCTION kpi.time_bucket(interval, timestamp) IS
    'start of the bucket that holds a time; days and time from Monday 2000-01-03, months from January 2000';

CREATE FUNCTION kpi.time_bucket(bucket_width interval, ts timestamp, origin timestamp) RETURNS timestamp
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_origin';
COMMENT ON FUNCTION kpi.time_bucket(interval, timestamp, timestamp) IS
    'start of the bucket that holds a time, buckets counted from origin; of months, from that month';

CREATE FUNCTION kpi.time_bucket(bucket_width interval, ts timestamp, "offset" interval) RETURNS timestamp
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_offset';
COMMENT ON FUNCTION kpi.time_bucket(interval, timestamp, interval) IS
    'start of the bucket that holds a time, all buckets moved by offset';

CREATE FUNCTION kpi.time_bucket(
    bucket_width interval,
    ts timestamptz,
    timezone text,
    origin timestamptz DEFAULT NULL,
    "offset" interval DEFAULT NULL
) RETURNS timestamptz
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_zone';
COMMENT ON FUNCTION kpi.time_bucket(interval, timestamptz, text, timestamptz, interval) IS
    'start of the bucket that holds a time, on the wall clock of a time zone';

CREATE FUNCTION kpi.time_bucket(bucket_width interval, ts date) RETURNS date
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_date';
COMMENT ON FUNCTION kpi.time_bucket(interval, date) IS
    'start of the bucket that holds a date';

CREATE FUNCTION kpi.time_bucket(bucket_width interval, ts date, origin date) RETURNS date
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_date_origin';
COMMENT ON FUNCTION kpi.time_bucket(interval, date, date) IS
    'start of the bucket that holds a date, buckets counted from origin; of months, from that month';

CREATE FUNCTION kpi.time_bucket(bucket_width interval, ts date, "offset" interval) RETURNS date
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_date_offset';
COMMENT ON FUNCTION kpi.time_bucket(interval, date, interval) IS
    'start of the bucket that holds a date, all buckets moved by offset';

CREATE FUNCTION kpi.time_bucket(bucket_width smallint, ts smallint) RETURNS smallint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_int2';
COMMENT ON FUNCTION kpi.time_bucket(smallint, smallint) IS
    'start of the bucket that holds a number, buckets counted from zero';

CREATE FUNCTION kpi.time_bucket(bucket_width smallint, ts smallint, "offset" smallint) RETURNS smallint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_int2';
COMMENT ON FUNCTION kpi.time_bucket(smallint, smallint, smallint) IS
    'start of the bucket that holds a number, buckets counted from offset';

CREATE FUNCTION kpi.time_bucket(bucket_width int, ts int) RETURNS int
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_int4';
COMMENT ON FUNCTION kpi.time_bucket(int, int) IS
    'start of the bucket that holds a number, buckets counted from zero';

CREATE FUNCTION kpi.time_bucket(bucket_width int, ts int, "offset" int) RETURNS int
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_int4';
COMMENT ON FUNCTION kpi.time_bucket(int, int, int) IS
    'start of the bucket that holds a number, buckets counted from offset';

CREATE FUNCTION kpi.time_bucket(bucket_width bigint, ts bigint) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_int8';
COMMENT ON FUNCTION kpi.time_bucket(bigint, bigint) IS
    'start of the bucket that holds a number, buckets counted from zero';

CREATE FUNCTION kpi.time_bucket(bucket_width bigint, ts bigint, "offset" bigint) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_int8';
COMMENT ON FUNCTION kpi.time_bucket(bigint, bigint, bigint) IS
    'start of the bucket that holds a number, buckets counted from offset';

-- time_bucket_gapfill: all buckets of a range, as rows to join with

CREATE FUNCTION kpi.time_bucket_gapfill(bucket_width interval, start timestamptz, finish timestamptz) RETURNS SETOF timestamptz
    LANGUAGE c IMMUTABLE STRICT ROWS 1000 PARALLEL SAFE AS 'MODULE_PATHNAME', 'time_bucket_gapfill_timestamptz_wrapper';
COMMENT ON FUNCTION kpi.time_bucket_gapfill(interval, timestamptz, timestamptz) IS
    'all buckets from the one that holds start to the last that starts before finish';

CREATE FUNCTION kpi.time_bucket_gapfill(bucket_width interval, start timestamp, finish timestamp) RETURNS SETOF timestamp
    LANGUAGE c IMMUTABLE STRICT ROWS 1000 PARALLEL SAFE AS 'MODULE_PATHNAME', 'time_bucket_gapfill_timestamp_wrapper';
COMMENT ON FUNCTION kpi.time_bucket_gapfill(interval, timestamp, timestamp) IS
    'all buckets from the one that holds start to the last that starts before finish';

CREATE FUNCTION kpi.time_bucket_gapfill(bucket_width interval, start date, finish date) RETURNS SETOF date
    LANGUAGE c IMMUTABLE STRICT ROWS 1000 PARALLEL SAFE AS 'MODULE_PATHNAME', 'time_bucket_gapfill_date_wrapper';
COMMENT ON FUNCTION kpi.time_bucket_gapfill(interval, date, date) IS
    'all buckets from the one that holds start to the last that starts before finish';

CREATE FUNCTION kpi.time_bucket_gapfill(bucket_width smallint, start smallint, finish smallint) RETURNS SETOF smallint
    LANGUAGE c IMMUTABLE STRICT ROWS 1000 PARALLEL SAFE AS 'MODULE_PATHNAME', 'time_bucket_gapfill_int2_wrapper';
COMMENT ON FUNCTION kpi.time_bucket_gapfill(smallint, smallint, smallint) IS
    'all buckets from the one that holds start to the last that starts before finish';

CREATE FUNCTION kpi.time_bucket_gapfill(bucket_width int, start int, finish int) RETURNS SETOF int
    LANGUAGE c IMMUTABLE STRICT ROWS 1000 PARALLEL SAFE AS 'MODULE_PATHNAME', 'time_bucket_gapfill_int4_wrapper';
COMMENT ON FUNCTION kpi.time_bucket_gapfill(int, int, int) IS
    'all buckets from the one that holds start to the last that starts before finish';

CREATE FUNCTION kpi.time_bucket_gapfill(bucket_width bigint, start bigint, finish bigint) RETURNS SETOF bigint
    LANGUAGE c IMMUTABLE STRICT ROWS 1000 PARALLEL SAFE AS 'MODULE_PATHNAME', 'time_bucket_gapfill_int8_wrapper';
COMMENT ON FUNCTION kpi.time_bucket_gapfill(bigint, bigint, bigint) IS
    'all buckets from the one that holds start to the last that starts before finish';

CREATE FUNCTION kpi.time_bucket_gapfill(
    bucket_width interval,
    start timestamptz,
    finish timestamptz,
    timezone text,
    origin timestamptz DEFAULT NULL,
    "offset" interval DEFAULT NULL
) RETURNS SETOF timestamptz
    LANGUAGE c IMMUTABLE ROWS 1000 PARALLEL SAFE AS 'MODULE_PATHNAME', 'time_bucket_gapfill_zone_wrapper';
COMMENT ON FUNCTION kpi.time_bucket_gapfill(interval, timestamptz, timestamptz, text, timestamptz, interval) IS
    'all buckets from the one that holds start to the last that starts before finish, on the wall clock of a time zone';

-- locf and interpolate: values for the rows that gap filling has added

CREATE FUNCTION kpi.locf(
    value anyelement,
    prev anyelement DEFAULT NULL,
    treat_null_as_missing boolean DEFAULT true
) RETURNS anyelement
    LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_locf';
COMMENT ON FUNCTION kpi.locf(anyelement, anyelement, boolean) IS
    'last value of the window up to this row (last observation carried forward); prev where there is none';

CREATE FUNCTION kpi.interpolate(value smallint, ts "any", prev record DEFAULT NULL, next record DEFAULT NULL) RETURNS smallint
    LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_interpolate_int2';
COMMENT ON FUNCTION kpi.interpolate(smallint, "any", record, record) IS
    'value, or where it is NULL the one on the straight line over time between its neighbours in the window; prev and next are (time, value) beyond it';

CREATE FUNCTION kpi.interpolate(value int, ts "any", prev record DEFAULT NULL, next record DEFAULT NULL) RETURNS int
    LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_interpolate_int4';
COMMENT ON FUNCTION kpi.interpolate(int, "any", record, record) IS
    'value, or where it is NULL the one on the straight line over time between its neighbours in the window; prev and next are (time, value) beyond it';

CREATE FUNCTION kpi.interpolate(value bigint, ts "any", prev record DEFAULT NULL, next record DEFAULT NULL) RETURNS bigint
    LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_interpolate_int8';
COMMENT ON FUNCTION kpi.interpolate(bigint, "any", record, record) IS
    'value, or where it is NULL the one on the straight line over time between its neighbours in the window; prev and next are (time, value) beyond it';

CREATE FUNCTION kpi.interpolate(value real, ts "any", prev record DEFAULT NULL, next record DEFAULT NULL) RETURNS real
    LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_interpolate_float4';
COMMENT ON FUNCTION kpi.interpolate(real, "any", record, record) IS
    'value, or where it is NULL the one on the straight line over time between its neighbours in the window; prev and next are (time, value) beyond it';

CREATE FUNCTION kpi.interpolate(value float8, ts "any", prev record DEFAULT NULL, next record DEFAULT NULL) RETURNS float8
    LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_interpolate_float8';
COMMENT ON FUNCTION kpi.interpolate(float8, "any", record, record) IS
    'value, or where it is NULL the one on the straight line over time between its neighbours in the window; prev and next are (time, value) beyond it';

-- first and last: the value of the row with the least or the greatest time

CREATE FUNCTION kpi.bookend_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_bookend_serialize';
COMMENT ON FUNCTION kpi.bookend_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION kpi.bookend_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_bookend_deserialize';
COMMENT ON FUNCTION kpi.bookend_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION kpi.bookend_final(internal, anyelement, "any") RETURNS anyelement
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_bookend_final';
COMMENT ON FUNCTION kpi.bookend_final(internal, anyelement, "any") IS 'ends the aggregate; without a time the result is NULL';

CREATE FUNCTION kpi.first_trans(internal, anyelement, "any") RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_first_trans';
COMMENT ON FUNCTION kpi.first_trans(internal, anyelement, "any") IS 'adds a row to first(value, time)';

CREATE FUNCTION kpi.first_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_first_combine';
COMMENT ON FUNCTION kpi.first_combine(internal, internal) IS 'merges the states of two workers';

CREATE AGGREGATE kpi.first(value anyelement, "time" "any") (
    SFUNC = kpi.first_trans, STYPE = internal, SSPACE = 128, FINALFUNC = kpi.bookend_final, FINALFUNC_EXTRA,
    COMBINEFUNC = kpi.first_combine, SERIALFUNC = kpi.bookend_serialize, DESERIALFUNC = kpi.bookend_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.first(anyelement, "any") IS
    'value of the row with the least time; rows whose time is NULL are skipped';

CREATE FUNCTION kpi.last_trans(internal, anyelement, "any") RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_last_trans';
COMMENT ON FUNCTION kpi.last_trans(internal, anyelement, "any") IS 'adds a row to last(value, time)';

CREATE FUNCTION kpi.last_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_last_combine';
COMMENT ON FUNCTION kpi.last_combine(internal, internal) IS 'merges the states of two workers';

CREATE AGGREGATE kpi.last(value anyelement, "time" "any") (
    SFUNC = kpi.last_trans, STYPE = internal, SSPACE = 128, FINALFUNC = kpi.bookend_final, FINALFUNC_EXTRA,
    COMBINEFUNC = kpi.last_combine, SERIALFUNC = kpi.bookend_serialize, DESERIALFUNC = kpi.bookend_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.last(anyelement, "any") IS
    'value of the row with the greatest time; rows whose time is NULL are skipped';

-- histogram: counts in equally wide buckets

CREATE FUNCTION kpi.histogram_trans(internal, float8, float8, float8, int) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_histogram_trans';
COMMENT ON FUNCTION kpi.histogram_trans(internal, float8, float8, float8, int) IS 'adds a value to a histogram';

CREATE FUNCTION kpi.histogram_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_histogram_combine';
COMMENT ON FUNCTION kpi.histogram_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION kpi.histogram_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_histogram_serialize';
COMMENT ON FUNCTION kpi.histogram_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION kpi.histogram_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_histogram_deserialize';
COMMENT ON FUNCTION kpi.histogram_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION kpi.histogram_final(internal) RETURNS int[]
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_histogram_final';
COMMENT ON FUNCTION kpi.histogram_final(internal) IS 'ends the aggregate; without values the result is NULL';

CREATE AGGREGATE kpi.histogram(value float8, min float8, max float8, nbuckets int) (
    SFUNC = kpi.histogram_trans, STYPE = internal, SSPACE = 512, FINALFUNC = kpi.histogram_final,
    COMBINEFUNC = kpi.histogram_combine, SERIALFUNC = kpi.histogram_serialize,
    DESERIALFUNC = kpi.histogram_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.histogram(float8, float8, float8, int) IS
    'counts of values below min, in nbuckets equally wide buckets from min to max, and from max on';
