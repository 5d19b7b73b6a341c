-- Anomalies.

CREATE TYPE kpi.anomaly_point AS (
    ts timestamptz,
    value float8,
    expected float8,
    lower float8,
    upper float8,
    score float8,
    is_anomaly bool,
    kind text,
    reason text
);
COMMENT ON TYPE kpi.anomaly_point IS
    'one point of a series: what it should have been, how rare its distance from that is, and why it is an anomaly';

CREATE FUNCTION kpi.anomalies(s kpi.series, method text DEFAULT 'auto', threshold float8 DEFAULT NULL)
    RETURNS SETOF kpi.anomaly_point
    AS 'MODULE_PATHNAME', 'anomaly_series_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 1000;
COMMENT ON FUNCTION kpi.anomalies(kpi.series, text, float8) IS
    'every point of a series with its expected value, score in [0, 1] and verdict; method is auto or robust_zscore, threshold the probability of a false alarm per point, 0.001 when NULL';

CREATE FUNCTION kpi._anomalies(s kpi.series, method text, threshold float8, timezone text)
    RETURNS SETOF kpi.anomaly_point
    AS 'MODULE_PATHNAME', 'anomaly_series_in_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 1000;
COMMENT ON FUNCTION kpi._anomalies(kpi.series, text, float8, text) IS
    'kpi.anomalies of a series whose days and months are those of a given time zone';

CREATE FUNCTION kpi.anomalies(
    code text, period text DEFAULT 'day', method text DEFAULT 'auto', threshold float8 DEFAULT NULL
) RETURNS SETOF kpi.anomaly_point
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 1000 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT a.* FROM kpi._anomalies(
        kpi._complete_series(anomalies.code, anomalies.period), anomalies.method, anomalies.threshold,
        kpi._timezone(anomalies.code)) a;
END
$$;
COMMENT ON FUNCTION kpi.anomalies(text, text, text, float8) IS
    'every period of a KPI that is over, with its expected value, score and verdict; see kpi.anomalies of a series';
