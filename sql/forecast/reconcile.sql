-- Forecasts that add up.

CREATE FUNCTION kpi.reconcile(
    nodes text[], series kpi.series[], horizon int, method text DEFAULT 'mint_shrink', model text DEFAULT 'auto',
    level float8 DEFAULT 0.95, season kpi.seasons DEFAULT NULL, parents text[] DEFAULT NULL
) RETURNS TABLE (node text, step int, ts timestamptz, value float8, lower float8, upper float8, base float8)
    AS 'MODULE_PATHNAME', 'reconcile_series_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 1000000 ROWS 1000;
COMMENT ON FUNCTION kpi.reconcile(text[], kpi.series[], int, text, text, float8, kpi.seasons, text[]) IS
    'forecasts of the nodes of a hierarchy that add up: nodes are paths such as all/north/a, or names with their parents; base is the forecast of a node by itself; method is mint_shrink, wls_var, wls_struct, ols, bottom_up or top_down';

CREATE FUNCTION kpi.reconcile(
    nodes text[], forecasts float8[], method text DEFAULT 'wls_struct', standard_errors float8[] DEFAULT NULL,
    parents text[] DEFAULT NULL
) RETURNS TABLE (node text, value float8, base float8)
    AS 'MODULE_PATHNAME', 'reconcile_forecasts_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10000 ROWS 100;
COMMENT ON FUNCTION kpi.reconcile(text[], float8[], text, float8[], text[]) IS
    'makes forecasts of one step add up that are there already, one for each node; a sum may be left out or NULL; wls_var needs standard errors, of which only the ratios count';
