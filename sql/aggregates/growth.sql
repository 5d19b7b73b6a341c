-- growth: period over period

CREATE FUNCTION growth(current float8, previous float8) RETURNS float8
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN previous <> 0 THEN (current - previous) / abs(previous) END;
COMMENT ON FUNCTION growth(float8, float8) IS 'by which share of previous current is above it (0.1 for 10 percent) or below; NULL where previous is zero; with lag(x) OVER (ORDER BY period) as previous: from period to period';
