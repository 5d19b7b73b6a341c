-- kpi.backtest: how models would have done.

CREATE FUNCTION kpi.backtest(
    s kpi.series, horizon int, folds int DEFAULT 3, models text[] DEFAULT '{auto,seasonal_naive}', metric text DEFAULT 'mase',
    level float8 DEFAULT 0.95, season kpi.seasons DEFAULT NULL, options jsonb DEFAULT NULL,
    regressors kpi.series[] DEFAULT NULL, holidays date[] DEFAULT NULL, holiday_window int[] DEFAULT '{0,0}'
) RETURNS TABLE (
    model text, fold int, origin timestamptz, used text, smape float8, mase float8, rmse float8, mae float8, bias float8,
    coverage float8, took interval
)
    AS 'MODULE_PATHNAME', 'backtest_wrapper' LANGUAGE c VOLATILE PARALLEL SAFE COST 100000 ROWS 10;
COMMENT ON FUNCTION kpi.backtest(
    kpi.series, int, int, text[], text, float8, kpi.seasons, jsonb, kpi.series[], date[], int[]
) IS
    'how models would have forecast the end of a series, cut into folds of horizon steps, each from the values before it only: one row per model and fold, the best model by metric (smape, mase, rmse, mae or bias) first';
