-- Steps from series to series.

CREATE AGGREGATE kpi.timevector(ts timestamptz, value float8) (
    SFUNC = kpi.series_transition, STYPE = internal, SSPACE = 2048, FINALFUNC = kpi.series_final,
    COMBINEFUNC = kpi.series_combine, SERIALFUNC = kpi.series_serialize, DESERIALFUNC = kpi.series_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.timevector(timestamptz, float8) IS 'kpi.series under the name that it has in pipelines';

CREATE FUNCTION kpi.map(s kpi.series, lambda text) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_map_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.map(kpi.series, text) IS
    'series with another value for each point, or another time and value: an expression such as $value * 2 or ($time, $value * 2)';

CREATE FUNCTION kpi.filter(s kpi.series, condition text) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_filter_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.filter(kpi.series, text) IS 'points for which a condition such as $value > 0 is true';

CREATE FUNCTION kpi.delta(s kpi.series) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_delta_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.delta(kpi.series) IS 'each value minus the one of the point before it; the first point is left out';

CREATE FUNCTION kpi.fill_to(s kpi.series, every interval, method text) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_fill_to_wrapper' LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.fill_to(kpi.series, interval, text) IS
    'series with new points between those that are further apart than the interval: locf, linear or nearest';

CREATE FUNCTION kpi.arithmetic(s kpi.series, operation text, n float8) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_arithmetic_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.arithmetic(kpi.series, text, float8) IS
    'the same operation on every value: add, sub, mul, div, mod, power or logn';

CREATE FUNCTION kpi.sort(s kpi.series) RETURNS kpi.series
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT s';
COMMENT ON FUNCTION kpi.sort(kpi.series) IS 'the series as it is: its points always are in time order';

CREATE FUNCTION kpi.stats_agg(s kpi.series) RETURNS kpi.stats1d
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT kpi.stats_agg(value) FROM kpi.points(s)';
COMMENT ON FUNCTION kpi.stats_agg(kpi.series) IS 'count, sum, mean and moments of the values of a series';

CREATE FUNCTION kpi.num_vals(s kpi.series) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT kpi.num_vals(kpi.stats_agg(s))';
COMMENT ON FUNCTION kpi.num_vals(kpi.series) IS 'the number of points that are no gaps';

CREATE FUNCTION kpi.sum(s kpi.series) RETURNS float8
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT kpi.sum(kpi.stats_agg(s))';
COMMENT ON FUNCTION kpi.sum(kpi.series) IS 'the sum of the values of a series';

CREATE FUNCTION kpi.average(s kpi.series) RETURNS float8
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT kpi.average(kpi.stats_agg(s))';
COMMENT ON FUNCTION kpi.average(kpi.series) IS 'the arithmetic mean of the values of a series';

CREATE FUNCTION kpi.unnest(s kpi.series) RETURNS TABLE ("time" timestamptz, value float8)
    AS 'MODULE_PATHNAME', 'series_points_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 1000;
COMMENT ON FUNCTION kpi.unnest(kpi.series) IS 'kpi.points under the name that it has in pipelines';
