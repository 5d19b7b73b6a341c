-- Anomalies of several series together.

CREATE TYPE kpi.anomaly_moment AS (
    ts timestamptz,
    "values" float8[],
    score float8,
    is_anomaly bool,
    drivers text[],
    reason text
);
COMMENT ON TYPE kpi.anomaly_moment IS
    'one moment of several series: their values, how rare it is that they are like that together, and which of them drive it';

CREATE FUNCTION kpi._anomalies(series kpi.series[], names text[], method text, threshold float8, timezone text)
    RETURNS SETOF kpi.anomaly_moment
    AS 'MODULE_PATHNAME', 'anomaly_several_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 100000 ROWS 1000;
COMMENT ON FUNCTION kpi._anomalies(kpi.series[], text[], text, float8, text) IS
    'kpi.anomalies of several series whose days and months are those of a given time zone';

CREATE FUNCTION kpi.anomalies(
    series kpi.series[], names text[] DEFAULT NULL, method text DEFAULT 'auto', threshold float8 DEFAULT NULL
) RETURNS SETOF kpi.anomaly_moment
    LANGUAGE sql STABLE PARALLEL SAFE COST 100000 ROWS 1000
BEGIN ATOMIC
    SELECT a.* FROM kpi._anomalies(series, names, method, threshold, NULL) a;
END;
COMMENT ON FUNCTION kpi.anomalies(kpi.series[], text[], text, float8) IS
    'every moment of several series together, with the series that drive an anomaly by name (by number without names); method is auto, mahalanobis or isolation_forest, threshold the probability of a false alarm per moment, 0.001 when NULL';

CREATE FUNCTION kpi.anomalies(
    codes text[], period text DEFAULT 'day', method text DEFAULT 'auto', threshold float8 DEFAULT NULL
) RETURNS SETOF kpi.anomaly_moment
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 1000 SET search_path = pg_catalog AS $$
DECLARE
    all_series kpi.series[];
BEGIN
    SELECT array_agg(kpi._complete_series(c.code, anomalies.period) ORDER BY c.place) INTO all_series
    FROM unnest(anomalies.codes) WITH ORDINALITY c (code, place);
    RETURN QUERY SELECT a.* FROM kpi._anomalies(
        all_series, anomalies.codes, anomalies.method, anomalies.threshold, kpi._timezone(anomalies.codes[1])) a;
END
$$;
COMMENT ON FUNCTION kpi.anomalies(text[], text, text, float8) IS
    'every period of several KPIs together that is over, with the KPIs that drive an anomaly; see kpi.anomalies of several series';
