-- The scorecard: every KPI's last complete period held against its target and against the period before.

CREATE FUNCTION kpi.scorecard(period text DEFAULT 'day', at timestamptz DEFAULT NULL)
    RETURNS TABLE (code text, name text, ts timestamptz, value float8, unit text, target float8, status text,
                   previous float8, change float8, trend text)
    LANGUAGE sql STABLE PARALLEL RESTRICTED AS $$
    SELECT k.code, k.name, last.times[1], last.vals[1], k.unit, k.target,
           kpi.status(last.vals[1], k.direction, k.target, k.warn),
           last.vals[2], (last.vals[1] - last.vals[2]) / nullif(abs(last.vals[2]), 0),
           kpi.sparkline(last.points)
    FROM kpi.kpi k
    LEFT JOIN kpi.source s ON s.id = k.source_id
    CROSS JOIN LATERAL (
        SELECT array_agg(v.ts ORDER BY v.ts DESC) AS times, array_agg(v.value ORDER BY v.ts DESC) AS vals,
               kpi.series(v.ts, v.value) AS points
        FROM (SELECT a.ts, a.value FROM kpi.value(k.code, period) a
              WHERE (a.ts AT TIME ZONE coalesce(s.timezone, 'UTC')
                     + CASE lower(rtrim(period, 's')) WHEN 'quarter' THEN interval '3 months'
                            ELSE ('1 ' || period)::interval END)
                    AT TIME ZONE coalesce(s.timezone, 'UTC') <= coalesce(at, now())
              ORDER BY a.ts DESC LIMIT 30) v) last
    WHERE pg_catalog.has_table_privilege(k.view, 'SELECT')
      AND NOT (s.time_type IS NOT DISTINCT FROM 'date'::regtype AND lower(rtrim(period, 's')) IN ('minute', 'hour'))
    ORDER BY k.code
$$;
COMMENT ON FUNCTION kpi.scorecard(text, timestamptz) IS
    'every KPI that the reader may see: its last complete period, target, status, relative change and the last 30 periods drawn small';

CREATE VIEW kpi.scorecard AS SELECT * FROM kpi.scorecard('day');
COMMENT ON VIEW kpi.scorecard IS 'every KPI that the reader may see, on its last complete day';
COMMENT ON COLUMN kpi.scorecard.code IS 'code of the KPI';
COMMENT ON COLUMN kpi.scorecard.name IS 'name of the KPI';
COMMENT ON COLUMN kpi.scorecard.ts IS 'start of its last complete day';
COMMENT ON COLUMN kpi.scorecard.value IS 'value on that day';
COMMENT ON COLUMN kpi.scorecard.unit IS 'unit of the value';
COMMENT ON COLUMN kpi.scorecard.target IS 'target of the KPI';
COMMENT ON COLUMN kpi.scorecard.status IS 'ok, warn or bad; null without a target';
COMMENT ON COLUMN kpi.scorecard.previous IS 'value on the day before';
COMMENT ON COLUMN kpi.scorecard.change IS 'relative change from the day before: 0.05 is 5 % more';
COMMENT ON COLUMN kpi.scorecard.trend IS 'the last 30 days, drawn small';
GRANT SELECT ON kpi.scorecard TO PUBLIC;
