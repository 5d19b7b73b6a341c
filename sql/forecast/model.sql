-- Fitted models as values: type kpi.model, made once, kept in any table, carried on value by value.

CREATE TYPE kpi.model;

CREATE FUNCTION kpi.model_in(cstring) RETURNS kpi.model
    AS 'MODULE_PATHNAME', 'model_in_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.model_in(cstring) IS 'text input of kpi.model';

CREATE FUNCTION kpi.model_out(kpi.model) RETURNS cstring
    AS 'MODULE_PATHNAME', 'model_out_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.model_out(kpi.model) IS 'text output of kpi.model';

CREATE FUNCTION kpi.model_recv(internal) RETURNS kpi.model
    AS 'MODULE_PATHNAME', 'kpi_model_recv' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.model_recv(internal) IS 'binary input of kpi.model';

CREATE FUNCTION kpi.model_send(kpi.model) RETURNS bytea
    AS 'MODULE_PATHNAME', 'kpi_model_send' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.model_send(kpi.model) IS 'binary output of kpi.model';

CREATE TYPE kpi.model (
    INPUT = kpi.model_in,
    OUTPUT = kpi.model_out,
    RECEIVE = kpi.model_recv,
    SEND = kpi.model_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE kpi.model IS 'fitted forecasting model with its parameters and states, made by kpi.fit';

CREATE FUNCTION kpi.fit(
    s kpi.series, model text DEFAULT 'auto', season kpi.seasons DEFAULT NULL, horizon int DEFAULT NULL, options jsonb DEFAULT NULL,
    regressors kpi.series[] DEFAULT NULL, holidays date[] DEFAULT NULL, holiday_window int[] DEFAULT '{0,0}'
) RETURNS kpi.model
    AS 'MODULE_PATHNAME', 'model_fit_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION kpi.fit(kpi.series, text, kpi.seasons, int, jsonb, kpi.series[], date[], int[]) IS
    'a model of a series as a value to keep; arguments as of kpi.forecast; horizon is the steps ahead that its backtest is about, a season and at least 12 when NULL; what is known of regressors beyond it is kept too';

CREATE FUNCTION kpi.predict(model kpi.model, horizon int, level float8 DEFAULT 0.95) RETURNS SETOF kpi.forecast_point
    AS 'MODULE_PATHNAME', 'model_predict_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1000 ROWS 30;
COMMENT ON FUNCTION kpi.predict(kpi.model, int, float8) IS
    'the next steps after the last time that a model has seen, with a band that holds the share level of outcomes';

CREATE FUNCTION kpi.observe(model kpi.model, ts timestamptz, value float8) RETURNS kpi.model
    AS 'MODULE_PATHNAME', 'model_observe_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION kpi.observe(kpi.model, timestamptz, float8) IS
    'the model carried on by a value, its parameters kept; NULL and steps that are left out are gaps';

CREATE FUNCTION kpi.explain(model kpi.model) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'model_explain_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION kpi.explain(kpi.model) IS
    'what a model is made of: form, parameters, states, members with their weights, likelihood with information criteria, tests of the residuals, and how many values it has seen';
