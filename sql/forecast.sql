-- Forecasts.

CREATE FUNCTION kpi.series_forecast(
    s kpi.series, horizon int, model text, level float8, season int, timezone text
) RETURNS SETOF kpi.forecast_point
    AS 'MODULE_PATHNAME', 'forecast_series_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 30;
COMMENT ON FUNCTION kpi.series_forecast(kpi.series, int, text, float8, int, text) IS
    'kpi.forecast of a series whose days and months are those of a given time zone; NULL stands for that of the session';

CREATE FUNCTION kpi.forecast(
    s kpi.series, horizon int, model text DEFAULT 'auto', level float8 DEFAULT 0.95, season int DEFAULT NULL
) RETURNS SETOF kpi.forecast_point
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 30
    BEGIN ATOMIC
        SELECT * FROM kpi.series_forecast(s, horizon, model, level, season, NULL);
    END;
COMMENT ON FUNCTION kpi.forecast(kpi.series, int, text, float8, int) IS
    'the next steps of a series with a band that holds the share level of outcomes; model is auto, naive, seasonal_naive, seasonal_smoothing, drift or theta, season in steps is found from the data when NULL';

-- The buckets that are over: a day that is still going on would be taken for a bad day.
CREATE FUNCTION kpi.complete_series(code text, period text) RETURNS kpi.series
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    zone text := kpi.code_timezone(code);
    result kpi.series;
BEGIN
    SELECT kpi.series(v.ts, v.value) INTO result
    FROM kpi.value(code, period) v
    WHERE (v.ts AT TIME ZONE zone + ('1 ' || period)::interval) AT TIME ZONE zone <= now();
    RETURN coalesce(result, '[]'::kpi.series);
END
$$;
COMMENT ON FUNCTION kpi.complete_series(text, text) IS
    'values of a KPI as a series, without the bucket that is not over yet';

CREATE FUNCTION kpi.forecast(
    code text, horizon int, period text DEFAULT 'day', model text DEFAULT 'auto', level float8 DEFAULT 0.95,
    season int DEFAULT NULL
) RETURNS SETOF kpi.forecast_point
    LANGUAGE plpgsql STABLE COST 100000 ROWS 30 AS $$
BEGIN
    RETURN QUERY SELECT f.* FROM kpi.series_forecast(
        kpi.complete_series(forecast.code, forecast.period), forecast.horizon, forecast.model, forecast.level,
        forecast.season, kpi.code_timezone(forecast.code)) f;
END
$$;
COMMENT ON FUNCTION kpi.forecast(text, int, text, text, float8, int) IS
    'the next periods of a KPI after the last one that is over, with a band that holds the share level of outcomes; see kpi.forecast of a series';
