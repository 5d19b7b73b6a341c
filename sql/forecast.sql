-- Forecasts.

-- The views that were made with kpi.forecast of version 0.1.0 call this; kpi.forecast is in forecast/options.sql.
CREATE FUNCTION kpi._forecast(
    s kpi.series, horizon int, model text DEFAULT 'auto', level float8 DEFAULT 0.95, season int DEFAULT NULL
) RETURNS SETOF kpi.forecast_point
    AS 'MODULE_PATHNAME', 'forecast_series_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 30;
COMMENT ON FUNCTION kpi._forecast(kpi.series, int, text, float8, int) IS
    'kpi.forecast of version 0.1.0, for the views that were made with it';

CREATE FUNCTION kpi._forecast(
    s kpi.series, horizon int, model text, level float8, season int, timezone text
) RETURNS SETOF kpi.forecast_point
    AS 'MODULE_PATHNAME', 'forecast_series_in_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 30;
COMMENT ON FUNCTION kpi._forecast(kpi.series, int, text, float8, int, text) IS
    'kpi.forecast of a series whose days and months are those of a given time zone';

-- A derived KPI has the zone of its parts.
CREATE FUNCTION kpi._timezone(code text) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
BEGIN
    RETURN (
        WITH RECURSIVE part (code, timezone, requires) AS (
            SELECT c.code, c.timezone, c.requires FROM kpi.catalog c WHERE c.code = _timezone.code
            UNION
            SELECT c.code, c.timezone, c.requires FROM part p JOIN kpi.catalog c ON c.code = ANY (p.requires)
        )
        SELECT coalesce(min(p.timezone), 'UTC') FROM part p);
END
$$;
COMMENT ON FUNCTION kpi._timezone(text) IS 'the time zone whose days are those of a KPI';

-- The bucket that is going on is left out: half a day would be taken for a bad day.
CREATE FUNCTION kpi._complete_series(code text, period text) RETURNS kpi.series
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog AS $$
DECLARE
    going_on timestamptz;
    result kpi.series;
BEGIN
    -- What is no period is refused by kpi.value, with the list of what is one.
    IF period IN ('minute', 'hour', 'day', 'week', 'month', 'quarter', 'year') THEN
        going_on := date_trunc(period, now(), kpi._timezone(code));
    END IF;
    SELECT kpi.series(v.ts, v.value) INTO result FROM kpi.value(code, period) v WHERE v.ts < going_on;
    RETURN coalesce(result, '[]'::kpi.series);
END
$$;
COMMENT ON FUNCTION kpi._complete_series(text, text) IS
    'the values of a KPI as a series, without the bucket that is not over yet';

CREATE FUNCTION kpi._forecast(
    code text, horizon int, period text DEFAULT 'day', model text DEFAULT 'auto', level float8 DEFAULT 0.95,
    season int DEFAULT NULL
) RETURNS SETOF kpi.forecast_point
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 30 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT f.* FROM kpi._forecast(
        kpi._complete_series(_forecast.code, _forecast.period), _forecast.horizon, _forecast.model, _forecast.level,
        _forecast.season, kpi._timezone(_forecast.code)) f;
END
$$;
COMMENT ON FUNCTION kpi._forecast(text, int, text, text, float8, int) IS
    'kpi.forecast of version 0.1.0 for a KPI, for the views that were made with it';
