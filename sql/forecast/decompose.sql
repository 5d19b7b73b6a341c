-- What a series is made of: its parts, its seasons, its features.

CREATE TYPE kpi.decomposition_point AS (
    ts timestamptz,
    value float8,
    trend float8,
    seasonal float8,
    remainder float8,
    weight float8,
    season int[],
    parts float8[]
);
COMMENT ON TYPE kpi.decomposition_point IS
    'one step of a series taken apart: value = trend + seasonal + remainder; seasonal is the sum of parts, one for each season in season; weight is 0 for an outlier, 1 for what is not';

CREATE TYPE kpi.component_point AS (
    ts timestamptz,
    component text,
    season int,
    value float8
);
COMMENT ON TYPE kpi.component_point IS
    'one part of one step of a series: component is value, trend, season (with its length in steps) or remainder';

CREATE TYPE kpi.season AS (
    season int,
    length interval,
    strength float8,
    share float8,
    statistic float8,
    p_value float8,
    expected bool
);
COMMENT ON TYPE kpi.season IS
    'a season of a series: its length in steps and in time, its strength beside the remainder and its share of the variance, the test of Kruskal and Wallis, and whether the calendar suggests it';

CREATE TYPE kpi.series_features AS (
    length int,
    gaps int,
    mean float8,
    variance float8,
    season int[],
    trend_strength float8,
    seasonal_strength float8[],
    spikiness float8,
    linearity float8,
    curvature float8,
    acf1 float8,
    acf10 float8,
    diff1_acf1 float8,
    seasonal_acf1 float8,
    pacf5 float8,
    spectral_entropy float8,
    hurst float8,
    lumpiness float8,
    stability float8,
    crossing_points int,
    flat_spots int,
    kpss float8,
    differences int,
    seasonal_differences int,
    adi float8,
    cv2 float8,
    demand text
);
COMMENT ON TYPE kpi.series_features IS 'a series in a few numbers, by which many series can be compared; see docs/forecast.md';

CREATE FUNCTION kpi._decompose(
    s kpi.series, season int[], robust bool, seasonal_window int, trend_window int, timezone text
) RETURNS SETOF kpi.decomposition_point
    AS 'MODULE_PATHNAME', 'decompose_series_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 1000;
COMMENT ON FUNCTION kpi._decompose(kpi.series, int[], bool, int, int, text) IS
    'kpi.decompose of a series whose days and months are those of a given time zone, the session''s when NULL';

CREATE FUNCTION kpi.decompose(
    s kpi.series, season int[] DEFAULT NULL, robust bool DEFAULT true, seasonal_window int DEFAULT NULL, trend_window int DEFAULT NULL
) RETURNS SETOF kpi.decomposition_point
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 1000 AS
    'SELECT * FROM kpi._decompose(s, season, robust, seasonal_window, trend_window, NULL)';
COMMENT ON FUNCTION kpi.decompose(kpi.series, int[], bool, int, int) IS
    'every step of a series as trend, seasons and remainder, by STL, with several seasons by MSTL; season in steps is found from the data when NULL, {} is none; robust takes the influence from outliers';

CREATE FUNCTION kpi.decompose(
    code text, period text DEFAULT 'day', season int[] DEFAULT NULL, robust bool DEFAULT true, seasonal_window int DEFAULT NULL,
    trend_window int DEFAULT NULL
) RETURNS SETOF kpi.decomposition_point
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 1000 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT d.* FROM kpi._decompose(
        kpi._complete_series(decompose.code, decompose.period), decompose.season, decompose.robust, decompose.seasonal_window,
        decompose.trend_window, kpi._timezone(decompose.code)) d;
END
$$;
COMMENT ON FUNCTION kpi.decompose(text, text, int[], bool, int, int) IS
    'every period of a KPI that is over as trend, seasons and remainder; see kpi.decompose of a series';

CREATE FUNCTION kpi.components(
    s kpi.series, season int[] DEFAULT NULL, robust bool DEFAULT true, seasonal_window int DEFAULT NULL, trend_window int DEFAULT NULL
) RETURNS SETOF kpi.component_point
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 4000 AS $$
    SELECT d.ts, c.component, c.season, c.value
    FROM kpi._decompose(s, season, robust, seasonal_window, trend_window, NULL) d,
         LATERAL (SELECT 'value', NULL::int, d.value
                  UNION ALL SELECT 'trend', NULL, d.trend
                  UNION ALL SELECT 'season', p.season, p.value FROM unnest(d.season, d.parts) p (season, value)
                  UNION ALL SELECT 'remainder', NULL, d.remainder) c (component, season, value)
$$;
COMMENT ON FUNCTION kpi.components(kpi.series, int[], bool, int, int) IS
    'kpi.decompose with a row for each part of each step, as charts like it: value, trend, season (one for each) and remainder';

CREATE FUNCTION kpi.components(
    code text, period text DEFAULT 'day', season int[] DEFAULT NULL, robust bool DEFAULT true, seasonal_window int DEFAULT NULL,
    trend_window int DEFAULT NULL
) RETURNS SETOF kpi.component_point
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 4000 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT d.ts, c.component, c.season, c.value
    FROM kpi._decompose(
             kpi._complete_series(components.code, components.period), components.season, components.robust,
             components.seasonal_window, components.trend_window, kpi._timezone(components.code)) d,
         LATERAL (SELECT 'value', NULL::int, d.value
                  UNION ALL SELECT 'trend', NULL, d.trend
                  UNION ALL SELECT 'season', p.season, p.value FROM unnest(d.season, d.parts) p (season, value)
                  UNION ALL SELECT 'remainder', NULL, d.remainder) c (component, season, value);
END
$$;
COMMENT ON FUNCTION kpi.components(text, text, int[], bool, int, int) IS
    'every period of a KPI that is over with a row for each of its parts; see kpi.components of a series';

CREATE FUNCTION kpi._seasonality(s kpi.series, timezone text) RETURNS SETOF kpi.season
    AS 'MODULE_PATHNAME', 'seasonality_series_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 2;
COMMENT ON FUNCTION kpi._seasonality(kpi.series, text) IS
    'kpi.seasonality of a series whose days and months are those of a given time zone, the session''s when NULL';

CREATE FUNCTION kpi.seasonality(s kpi.series) RETURNS SETOF kpi.season
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 2 AS 'SELECT * FROM kpi._seasonality(s, NULL)';
COMMENT ON FUNCTION kpi.seasonality(kpi.series) IS 'the seasons of a series, the strongest first; no rows where there are none';

CREATE FUNCTION kpi.seasonality(code text, period text DEFAULT 'day') RETURNS SETOF kpi.season
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 2 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT m.* FROM kpi._seasonality(
        kpi._complete_series(seasonality.code, seasonality.period), kpi._timezone(seasonality.code)) m;
END
$$;
COMMENT ON FUNCTION kpi.seasonality(text, text) IS 'the seasons of a KPI, the strongest first; see kpi.seasonality of a series';

CREATE FUNCTION kpi._features(s kpi.series, timezone text) RETURNS SETOF kpi.series_features
    AS 'MODULE_PATHNAME', 'features_series_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 1;
COMMENT ON FUNCTION kpi._features(kpi.series, text) IS
    'kpi.features of a series whose days and months are those of a given time zone, the session''s when NULL';

CREATE FUNCTION kpi.features(s kpi.series) RETURNS SETOF kpi.series_features
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 1 AS 'SELECT * FROM kpi._features(s, NULL)';
COMMENT ON FUNCTION kpi.features(kpi.series) IS
    'one row of numbers that describe a series: strengths of trend and seasons, autocorrelations, entropy, demand and others';

CREATE FUNCTION kpi.features(code text, period text DEFAULT 'day') RETURNS SETOF kpi.series_features
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 1 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT f.* FROM kpi._features(
        kpi._complete_series(features.code, features.period), kpi._timezone(features.code)) f;
END
$$;
COMMENT ON FUNCTION kpi.features(text, text) IS 'one row of numbers that describe a KPI; see kpi.features of a series';
