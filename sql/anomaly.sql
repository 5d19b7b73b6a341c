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
    'one point of a series: what it should have been, how rare what it is would be without an anomaly, of what kind it is and why';

CREATE FUNCTION kpi._anomalies(
    s kpi.series, method text, threshold float8, direction text, season int, options jsonb, timezone text
) RETURNS SETOF kpi.anomaly_point
    AS 'MODULE_PATHNAME', 'anomalies_series_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 1000;
COMMENT ON FUNCTION kpi._anomalies(kpi.series, text, float8, text, int, jsonb, text) IS
    'kpi.anomalies of a series whose days and months are those of a given time zone, the session''s when NULL';

CREATE FUNCTION kpi.anomalies(
    s kpi.series, method text DEFAULT 'auto', threshold float8 DEFAULT NULL, direction text DEFAULT 'both', season int DEFAULT NULL,
    options jsonb DEFAULT NULL
) RETURNS SETOF kpi.anomaly_point
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 1000 AS
    'SELECT * FROM kpi._anomalies(s, method, threshold, direction, season, options, NULL)';
COMMENT ON FUNCTION kpi.anomalies(kpi.series, text, float8, text, int, jsonb) IS
    'every point of a series with its expected value, score in [0, 1], verdict, kind and reason; threshold is the probability of a false alarm per point, 0.001 when NULL; direction is both, up or down; season in steps is found from the data when NULL, 1 is none';

CREATE FUNCTION kpi.anomalies(
    code text, period text DEFAULT 'day', method text DEFAULT 'auto', threshold float8 DEFAULT NULL, direction text DEFAULT 'both',
    season int DEFAULT NULL, options jsonb DEFAULT NULL
) RETURNS SETOF kpi.anomaly_point
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 1000 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT a.* FROM kpi._anomalies(
        kpi._complete_series(anomalies.code, anomalies.period), anomalies.method, anomalies.threshold, anomalies.direction,
        anomalies.season, anomalies.options, kpi._timezone(anomalies.code)) a;
END
$$;
COMMENT ON FUNCTION kpi.anomalies(text, text, text, float8, text, int, jsonb) IS
    'every period of a KPI that is over, with its expected value, score, verdict, kind and reason; see kpi.anomalies of a series';
