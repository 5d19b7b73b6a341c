-- Percentiles of a histogram that something else has counted, as OpenTelemetry and Prometheus export it.

CREATE FUNCTION histogram_percentile(p float8, bounds float8[], counts bigint[], min float8 DEFAULT NULL, max float8 DEFAULT NULL) RETURNS float8
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_histogram_percentile';
COMMENT ON FUNCTION histogram_percentile(float8, float8[], bigint[], float8, float8) IS 'the value below which the fraction p (0 to 1) of the values of a histogram lies, interpolated within its bucket: counts[i] values are above bounds[i - 1] and at most bounds[i], and one count more is of those above the last bound';

CREATE FUNCTION histogram_sketch(bounds float8[], counts bigint[], min float8 DEFAULT NULL, max float8 DEFAULT NULL) RETURNS uddsketch
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_histogram_sketch';
COMMENT ON FUNCTION histogram_sketch(float8[], bigint[], float8, float8) IS 'a histogram as a state of percentile_agg, to be merged with others by rollup';
