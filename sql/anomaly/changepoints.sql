-- Change points.

CREATE TYPE kpi.changepoint AS (
    ts timestamptz,
    kind text,
    confidence float8,
    mean_before float8,
    mean_after float8,
    sd_before float8,
    sd_after float8,
    slope_before float8,
    slope_after float8,
    count_before int,
    count_after int,
    reason text
);
COMMENT ON TYPE kpi.changepoint IS
    'a change of a series: the first point that is different, what changed and how sure that is, and mean, standard deviation, slope per step and number of values on both sides';

CREATE FUNCTION kpi._changepoints(
    s kpi.series, method text, penalty float8, cost text, min_size int, timezone text
) RETURNS SETOF kpi.changepoint
    AS 'MODULE_PATHNAME', 'changepoints_series_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 5;
COMMENT ON FUNCTION kpi._changepoints(kpi.series, text, float8, text, int, text) IS
    'kpi.changepoints of a series whose days and months are those of a given time zone, the session''s when NULL';

CREATE FUNCTION kpi.changepoints(
    s kpi.series, method text DEFAULT 'pelt', penalty float8 DEFAULT NULL, cost text DEFAULT 'mean', min_size int DEFAULT NULL
) RETURNS SETOF kpi.changepoint
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 5 AS
    'SELECT * FROM kpi._changepoints(s, method, penalty, cost, min_size, NULL)';
COMMENT ON FUNCTION kpi.changepoints(kpi.series, text, float8, text, int) IS
    'where a series changes, by pelt, bocpd or binseg; cost says what may change: mean, variance, mean_variance or trend; penalty is what a change has to gain in twice the log-likelihood, chosen by the number of values when NULL';

CREATE FUNCTION kpi.changepoints(
    code text, period text DEFAULT 'day', method text DEFAULT 'pelt', penalty float8 DEFAULT NULL, cost text DEFAULT 'mean',
    min_size int DEFAULT NULL
) RETURNS SETOF kpi.changepoint
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 5 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT c.* FROM kpi._changepoints(
        kpi._complete_series(changepoints.code, changepoints.period), changepoints.method, changepoints.penalty, changepoints.cost,
        changepoints.min_size, kpi._timezone(changepoints.code)) c;
END
$$;
COMMENT ON FUNCTION kpi.changepoints(text, text, text, float8, text, int) IS
    'where a KPI changes, over the periods that are over; see kpi.changepoints of a series';
