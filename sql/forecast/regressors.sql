-- kpi.forecast with regressors and holidays.

CREATE FUNCTION kpi._forecast(
    s kpi.series, horizon int, model text, regressors kpi.series[], holidays date[], holiday_window int[], level float8,
    season kpi.seasons, options jsonb, timezone text
) RETURNS SETOF kpi.forecast_point
    AS 'MODULE_PATHNAME', 'forecast_regressors_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 30;
COMMENT ON FUNCTION kpi._forecast(kpi.series, int, text, kpi.series[], date[], int[], float8, kpi.seasons, jsonb, text) IS
    'kpi.forecast with regressors and holidays, in a given time zone; NULL is that of the session';

-- A function for each of regressors and holidays, since it is the argument without a default that tells it from the others; and each
-- with and without a model, since only then a model can be given without its name too.
CREATE FUNCTION kpi.forecast(
    s kpi.series, horizon int, model text, regressors kpi.series[], holidays date[] DEFAULT NULL,
    holiday_window int[] DEFAULT '{0,0}', level float8 DEFAULT 0.95, season kpi.seasons DEFAULT NULL, options jsonb DEFAULT NULL
) RETURNS SETOF kpi.forecast_point
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 30 AS $$
    SELECT f.* FROM kpi._forecast(s, horizon, model, regressors, holidays, holiday_window, level, season, options, NULL) f
$$;
COMMENT ON FUNCTION kpi.forecast(kpi.series, int, text, kpi.series[], date[], int[], float8, kpi.seasons, jsonb) IS
    'kpi.forecast by model auto, arima or prophet with regressors, each with values for the history and the horizon, and holidays, each with the days of holiday_window around it, {-1,1} for one before and one after';
CREATE FUNCTION kpi.forecast(
    s kpi.series, horizon int, regressors kpi.series[], holidays date[] DEFAULT NULL, holiday_window int[] DEFAULT '{0,0}',
    level float8 DEFAULT 0.95, season kpi.seasons DEFAULT NULL, options jsonb DEFAULT NULL
) RETURNS SETOF kpi.forecast_point
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 30 AS $$
    SELECT f.* FROM kpi._forecast(s, horizon, 'auto', regressors, holidays, holiday_window, level, season, options, NULL) f
$$;
COMMENT ON FUNCTION kpi.forecast(kpi.series, int, kpi.series[], date[], int[], float8, kpi.seasons, jsonb) IS
    'kpi.forecast by model auto with regressors and holidays';
CREATE FUNCTION kpi.forecast(
    s kpi.series, horizon int, model text, holidays date[], holiday_window int[] DEFAULT '{0,0}', level float8 DEFAULT 0.95,
    season kpi.seasons DEFAULT NULL, options jsonb DEFAULT NULL
) RETURNS SETOF kpi.forecast_point
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 30 AS $$
    SELECT f.* FROM kpi._forecast(s, horizon, model, NULL, holidays, holiday_window, level, season, options, NULL) f
$$;
COMMENT ON FUNCTION kpi.forecast(kpi.series, int, text, date[], int[], float8, kpi.seasons, jsonb) IS
    'kpi.forecast by model auto, arima or prophet with holidays, each with the days of holiday_window around it, {-1,1} for one before and one after';
CREATE FUNCTION kpi.forecast(
    s kpi.series, horizon int, holidays date[], holiday_window int[] DEFAULT '{0,0}', level float8 DEFAULT 0.95,
    season kpi.seasons DEFAULT NULL, options jsonb DEFAULT NULL
) RETURNS SETOF kpi.forecast_point
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 30 AS $$
    SELECT f.* FROM kpi._forecast(s, horizon, 'auto', NULL, holidays, holiday_window, level, season, options, NULL) f
$$;
COMMENT ON FUNCTION kpi.forecast(kpi.series, int, date[], int[], float8, kpi.seasons, jsonb) IS
    'kpi.forecast by model auto with holidays';

CREATE FUNCTION kpi.forecast(
    code text, horizon int, regressors kpi.series[], holidays date[] DEFAULT NULL, holiday_window int[] DEFAULT '{0,0}',
    period text DEFAULT 'day', model text DEFAULT 'auto', level float8 DEFAULT 0.95, season kpi.seasons DEFAULT NULL,
    options jsonb DEFAULT NULL
) RETURNS SETOF kpi.forecast_point
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 30 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT f.* FROM kpi._forecast(
        kpi._complete_series(forecast.code, forecast.period), forecast.horizon, forecast.model, forecast.regressors,
        forecast.holidays, forecast.holiday_window, forecast.level, forecast.season, forecast.options,
        kpi._timezone(forecast.code)) f;
END
$$;
COMMENT ON FUNCTION kpi.forecast(text, int, kpi.series[], date[], int[], text, text, float8, kpi.seasons, jsonb) IS
    'kpi.forecast of a KPI with regressors and holidays';
CREATE FUNCTION kpi.forecast(
    code text, horizon int, holidays date[], holiday_window int[] DEFAULT '{0,0}', period text DEFAULT 'day',
    model text DEFAULT 'auto', level float8 DEFAULT 0.95, season kpi.seasons DEFAULT NULL, options jsonb DEFAULT NULL
) RETURNS SETOF kpi.forecast_point
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 30 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT f.* FROM kpi._forecast(
        kpi._complete_series(forecast.code, forecast.period), forecast.horizon, forecast.model, NULL::kpi.series[],
        forecast.holidays, forecast.holiday_window, forecast.level, forecast.season, forecast.options,
        kpi._timezone(forecast.code)) f;
END
$$;
COMMENT ON FUNCTION kpi.forecast(text, int, date[], int[], text, text, float8, kpi.seasons, jsonb) IS
    'kpi.forecast of a KPI with holidays';
