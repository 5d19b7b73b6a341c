-- Fitted models of KPIs, kept and fitted anew from time to time.

CREATE TABLE kpi.fitted_model (
    code      text NOT NULL,
    period    text NOT NULL,
    key       jsonb NOT NULL,
    model     kpi.model NOT NULL,
    fitted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (code, period, key)
);
COMMENT ON TABLE kpi.fitted_model IS 'models of KPIs, one row per combination of dimensions; fitted by kpi.refit, as the job refit does';

CREATE FUNCTION kpi.refit(code text, period text DEFAULT 'day', by text[] DEFAULT '{}', model text DEFAULT 'auto', season int DEFAULT NULL,
    horizon int DEFAULT NULL, history interval DEFAULT NULL) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'refit_wrapper';
COMMENT ON FUNCTION kpi.refit(text, text, text[], text, int, int, interval) IS
    'fits a model to a KPI, or to each combination of its dimensions by, and keeps it in kpi.models; history is how far back it looks; returns how many were fitted';

-- A series that no model can be fitted to keeps what it has, and does not keep the others from theirs.
CREATE FUNCTION kpi._fit_or_warn(s kpi.series, model text, season int, horizon int, of text) RETURNS kpi.model
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN kpi.fit(s, model, season, horizon);
EXCEPTION WHEN invalid_parameter_value OR numeric_value_out_of_range OR program_limit_exceeded THEN
    RAISE WARNING 'no model for %: %', of, SQLERRM;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION kpi._fit_or_warn(kpi.series, text, int, int, text) IS 'kpi.fit, whose refusal of a series is a warning and NULL';

CREATE VIEW kpi.models WITH (security_barrier) AS
SELECT m.code, m.period, m.key, m.model, m.fitted_at
FROM kpi.fitted_model m JOIN kpi.kpi k ON k.code = m.code
WHERE pg_catalog.has_table_privilege(k.view, 'SELECT');
COMMENT ON VIEW kpi.models IS 'fitted models of the KPIs that the reader may see: kpi.predict forecasts with them, kpi.observe takes what comes next';
COMMENT ON COLUMN kpi.models.key IS 'dimensions with their values';
GRANT SELECT ON kpi.models TO PUBLIC;
