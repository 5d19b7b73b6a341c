-- Courses that what comes could take, drawn from a fitted model.

CREATE FUNCTION kpi.simulate(model kpi.model, horizon int, paths int DEFAULT 100, seed bigint DEFAULT 0)
RETURNS TABLE (path int, step int, ts timestamptz, value float8)
    AS 'MODULE_PATHNAME', 'model_simulate_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10000 ROWS 1000;
COMMENT ON FUNCTION kpi.simulate(kpi.model, int, int, bigint) IS
    'courses that the next steps after the last time that a model has seen could take, each value drawn and then taken as if it had come; the same seed draws the same';
