-- kpi.forecast with several levels, several seasons, and options.
--
-- A season is a number or an array, and a literal may be either: one type takes them all, so that no call is ambiguous. It keeps
-- what was typed; the function that it is an argument of reads it.
CREATE TYPE kpi.seasons;
CREATE FUNCTION kpi.seasons_in(cstring) RETURNS kpi.seasons
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textin';
COMMENT ON FUNCTION kpi.seasons_in(cstring) IS 'text input of kpi.seasons';
CREATE FUNCTION kpi.seasons_out(kpi.seasons) RETURNS cstring
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textout';
COMMENT ON FUNCTION kpi.seasons_out(kpi.seasons) IS 'text output of kpi.seasons';
CREATE FUNCTION kpi.seasons_recv(internal) RETURNS kpi.seasons
    LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'textrecv';
COMMENT ON FUNCTION kpi.seasons_recv(internal) IS 'binary input of kpi.seasons';
CREATE FUNCTION kpi.seasons_send(kpi.seasons) RETURNS bytea
    LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'textsend';
COMMENT ON FUNCTION kpi.seasons_send(kpi.seasons) IS 'binary output of kpi.seasons';
CREATE TYPE kpi.seasons (
    INPUT = kpi.seasons_in, OUTPUT = kpi.seasons_out, RECEIVE = kpi.seasons_recv, SEND = kpi.seasons_send, LIKE = text
);
COMMENT ON TYPE kpi.seasons IS 'steps in a season, or in each of several: an argument such as 7 or {24,168}';
CREATE CAST (smallint AS kpi.seasons) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (smallint AS kpi.seasons) IS 'a number of steps, or an array of them, as an argument';
CREATE CAST (int AS kpi.seasons) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (int AS kpi.seasons) IS 'a number of steps, or an array of them, as an argument';
CREATE CAST (bigint AS kpi.seasons) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (bigint AS kpi.seasons) IS 'a number of steps, or an array of them, as an argument';
CREATE CAST (smallint[] AS kpi.seasons) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (smallint[] AS kpi.seasons) IS 'a number of steps, or an array of them, as an argument';
CREATE CAST (int[] AS kpi.seasons) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (int[] AS kpi.seasons) IS 'a number of steps, or an array of them, as an argument';
CREATE CAST (bigint[] AS kpi.seasons) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (bigint[] AS kpi.seasons) IS 'a number of steps, or an array of them, as an argument';

-- The type category of strings makes a literal like '{0.8,0.95}' one of these rather than a float8.
CREATE TYPE kpi.levels;
CREATE FUNCTION kpi.levels_in(cstring) RETURNS kpi.levels
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textin';
COMMENT ON FUNCTION kpi.levels_in(cstring) IS 'text input of kpi.levels';
CREATE FUNCTION kpi.levels_out(kpi.levels) RETURNS cstring
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textout';
COMMENT ON FUNCTION kpi.levels_out(kpi.levels) IS 'text output of kpi.levels';
CREATE FUNCTION kpi.levels_recv(internal) RETURNS kpi.levels
    LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'textrecv';
COMMENT ON FUNCTION kpi.levels_recv(internal) IS 'binary input of kpi.levels';
CREATE FUNCTION kpi.levels_send(kpi.levels) RETURNS bytea
    LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'textsend';
COMMENT ON FUNCTION kpi.levels_send(kpi.levels) IS 'binary output of kpi.levels';
CREATE TYPE kpi.levels (
    INPUT = kpi.levels_in, OUTPUT = kpi.levels_out, RECEIVE = kpi.levels_recv, SEND = kpi.levels_send, LIKE = text, CATEGORY = 'S'
);
COMMENT ON TYPE kpi.levels IS 'shares of outcomes that bands should hold: an argument such as {0.8,0.95}';
CREATE CAST (float8[] AS kpi.levels) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (float8[] AS kpi.levels) IS 'an array of shares, as an argument';
CREATE CAST (float4[] AS kpi.levels) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (float4[] AS kpi.levels) IS 'an array of shares, as an argument';
CREATE CAST (numeric[] AS kpi.levels) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (numeric[] AS kpi.levels) IS 'an array of shares, as an argument';
CREATE CAST (int[] AS kpi.levels) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (int[] AS kpi.levels) IS 'an array of shares, as an argument';

-- The columns of kpi.forecast_point, and the level.
CREATE TYPE kpi.forecast_band AS (
    step  int,
    ts    timestamptz,
    value float8,
    lower float8,
    upper float8,
    model text,
    level float8
);
COMMENT ON TYPE kpi.forecast_band IS 'one step of a forecast, with the bounds of the prediction interval of one of several levels';

CREATE FUNCTION kpi._forecast(
    s kpi.series, horizon int, model text, level kpi.levels, season kpi.seasons, options jsonb, regressors kpi.series[],
    holidays date[], holiday_window int[], timezone text
) RETURNS SETOF kpi.forecast_band
    AS 'MODULE_PATHNAME', 'forecast_levels_in_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 60;
COMMENT ON FUNCTION kpi._forecast(
    kpi.series, int, text, kpi.levels, kpi.seasons, jsonb, kpi.series[], date[], int[], text
) IS
    'kpi.forecast of a series whose days and months are those of a given time zone, the session''s when NULL';

CREATE FUNCTION kpi.forecast(
    s kpi.series, horizon int, model text DEFAULT 'auto', level float8 DEFAULT 0.95, season kpi.seasons DEFAULT NULL,
    options jsonb DEFAULT NULL, regressors kpi.series[] DEFAULT NULL, holidays date[] DEFAULT NULL,
    holiday_window int[] DEFAULT '{0,0}'
) RETURNS SETOF kpi.forecast_point
    AS 'MODULE_PATHNAME', 'forecast_with_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 30;
COMMENT ON FUNCTION kpi.forecast(kpi.series, int, text, float8, kpi.seasons, jsonb, kpi.series[], date[], int[]) IS
    'the next steps of a series with a band that holds the share level of outcomes; model is auto, seasonal_naive, theta, ets, ces, arima, mstl, tbats, prophet, croston or another one of docs/forecast.md, or the mean of several, as naive+theta; season in steps (or several) is found from the data when NULL; options are lower, upper, non_negative, interval, clean, box_cox, bias_adjust, and of prophet growth, capacity, floor and seasonality_mode; regressors, each with values for the history and the horizon, and holidays, each with the days of holiday_window around it, are for auto, arima and prophet';

CREATE FUNCTION kpi._forecast(
    s kpi.series, horizon int, model text, level float8, season kpi.seasons, options jsonb, regressors kpi.series[],
    holidays date[], holiday_window int[], timezone text
) RETURNS SETOF kpi.forecast_point
    AS 'MODULE_PATHNAME', 'forecast_with_in_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 30;
COMMENT ON FUNCTION kpi._forecast(
    kpi.series, int, text, float8, kpi.seasons, jsonb, kpi.series[], date[], int[], text
) IS
    'kpi.forecast of a series whose days and months are those of a given time zone, the session''s when NULL';

-- Named arguments can only follow positional ones, and those before them can have no default: hence one with and one without model.
CREATE FUNCTION kpi.forecast(
    s kpi.series, horizon int, model text, level kpi.levels, season kpi.seasons DEFAULT NULL, options jsonb DEFAULT NULL,
    regressors kpi.series[] DEFAULT NULL, holidays date[] DEFAULT NULL, holiday_window int[] DEFAULT '{0,0}'
) RETURNS SETOF kpi.forecast_band
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 60 AS $$
    SELECT f.* FROM kpi._forecast($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL) f
$$;
COMMENT ON FUNCTION kpi.forecast(kpi.series, int, text, kpi.levels, kpi.seasons, jsonb, kpi.series[], date[], int[]) IS
    'the next steps of a series with a band for each of several levels, one row per step and level; see kpi.forecast with one level';
CREATE FUNCTION kpi.forecast(
    s kpi.series, horizon int, level kpi.levels, season kpi.seasons DEFAULT NULL, options jsonb DEFAULT NULL
) RETURNS SETOF kpi.forecast_band
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 60 AS $$
    SELECT f.* FROM kpi._forecast($1, $2, 'auto', $3, $4, $5, NULL, NULL, NULL, NULL) f
$$;
COMMENT ON FUNCTION kpi.forecast(kpi.series, int, kpi.levels, kpi.seasons, jsonb) IS
    'the next steps of a series by model auto with a band for each of several levels, one row per step and level';

CREATE FUNCTION kpi.forecast(
    code text, horizon int, period text DEFAULT 'day', model text DEFAULT 'auto', level float8 DEFAULT 0.95,
    season kpi.seasons DEFAULT NULL, options jsonb DEFAULT NULL, regressors kpi.series[] DEFAULT NULL,
    holidays date[] DEFAULT NULL, holiday_window int[] DEFAULT '{0,0}'
) RETURNS SETOF kpi.forecast_point
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 30 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT f.* FROM kpi._forecast(
        kpi._complete_series(forecast.code, forecast.period), forecast.horizon, forecast.model, forecast.level,
        forecast.season, forecast.options, forecast.regressors, forecast.holidays, forecast.holiday_window,
        kpi._timezone(forecast.code)) f;
END
$$;
COMMENT ON FUNCTION kpi.forecast(text, int, text, text, float8, kpi.seasons, jsonb, kpi.series[], date[], int[]) IS
    'the next periods of a KPI after the last one that is over, with a band that holds the share level of outcomes; see kpi.forecast of a series';
CREATE FUNCTION kpi.forecast(
    code text, horizon int, period text, model text, level kpi.levels, season kpi.seasons DEFAULT NULL,
    options jsonb DEFAULT NULL,
    regressors kpi.series[] DEFAULT NULL, holidays date[] DEFAULT NULL, holiday_window int[] DEFAULT '{0,0}'
) RETURNS SETOF kpi.forecast_band
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 60 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT f.* FROM kpi._forecast(
        kpi._complete_series(forecast.code, forecast.period), forecast.horizon, forecast.model, forecast.level,
        forecast.season, forecast.options, forecast.regressors, forecast.holidays, forecast.holiday_window,
        kpi._timezone(forecast.code)) f;
END
$$;
COMMENT ON FUNCTION kpi.forecast(text, int, text, text, kpi.levels, kpi.seasons, jsonb, kpi.series[], date[], int[]) IS
    'the next periods of a KPI with a band for each of several levels, one row per period and level';
CREATE FUNCTION kpi.forecast(
    code text, horizon int, period text, level kpi.levels, season kpi.seasons DEFAULT NULL, options jsonb DEFAULT NULL
) RETURNS SETOF kpi.forecast_band
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 60 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT f.* FROM kpi._forecast(
        kpi._complete_series(forecast.code, forecast.period), forecast.horizon, 'auto', forecast.level,
        forecast.season, forecast.options, NULL, NULL, NULL, kpi._timezone(forecast.code)) f;
END
$$;
COMMENT ON FUNCTION kpi.forecast(text, int, text, kpi.levels, kpi.seasons, jsonb) IS
    'the next periods of a KPI by model auto with a band for each of several levels';
CREATE FUNCTION kpi.forecast(
    code text, horizon int, level kpi.levels, model text DEFAULT 'auto', season kpi.seasons DEFAULT NULL,
    options jsonb DEFAULT NULL
) RETURNS SETOF kpi.forecast_band
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 60 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT f.* FROM kpi._forecast(
        kpi._complete_series(forecast.code, 'day'), forecast.horizon, forecast.model, forecast.level,
        forecast.season, forecast.options, NULL, NULL, NULL, kpi._timezone(forecast.code)) f;
END
$$;
COMMENT ON FUNCTION kpi.forecast(text, int, kpi.levels, text, kpi.seasons, jsonb) IS
    'the next days of a KPI with a band for each of several levels';
