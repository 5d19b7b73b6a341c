-- Functions of the catalog and of rollups, the foreign tables that read them, and what keeps both in step with DDL.

-- Capture ------------------------------------------------------------------------------------------------------------

CREATE FUNCTION kpi._capture(source int, "time" timestamptz) RETURNS bool
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'kpi_capture_time';
CREATE FUNCTION kpi._capture(source int, old_time timestamptz, new_time timestamptz) RETURNS bool
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'kpi_capture_time';
CREATE FUNCTION kpi._capture(source int, "time" timestamp) RETURNS bool
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'kpi_capture_time';
CREATE FUNCTION kpi._capture(source int, old_time timestamp, new_time timestamp) RETURNS bool
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'kpi_capture_time';
CREATE FUNCTION kpi._capture(source int, "time" date) RETURNS bool
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'kpi_capture_date';
CREATE FUNCTION kpi._capture(source int, old_time date, new_time date) RETURNS bool
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'kpi_capture_date';
CREATE FUNCTION kpi._captured() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'captured_wrapper';
CREATE FUNCTION kpi._touch(source int, first_minute bigint, last_minute bigint) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'touch_minutes_wrapper';
REVOKE ALL ON FUNCTION kpi._touch(int, bigint, bigint) FROM PUBLIC;

COMMENT ON FUNCTION kpi._capture(int, timestamptz) IS 'condition of the capture triggers: notes the minute of a written row and answers false';
COMMENT ON FUNCTION kpi._capture(int, timestamptz, timestamptz) IS 'condition of the capture triggers: notes the minutes of an updated row and answers false';
COMMENT ON FUNCTION kpi._capture(int, timestamp) IS 'condition of the capture triggers: notes the minute of a written row and answers false';
COMMENT ON FUNCTION kpi._capture(int, timestamp, timestamp) IS 'condition of the capture triggers: notes the minutes of an updated row and answers false';
COMMENT ON FUNCTION kpi._capture(int, date) IS 'condition of the capture triggers: notes the day of a written row and answers false';
COMMENT ON FUNCTION kpi._capture(int, date, date) IS 'condition of the capture triggers: notes the days of an updated row and answers false';
COMMENT ON FUNCTION kpi._captured() IS 'function of the capture triggers: TRUNCATE touches all buckets';
COMMENT ON FUNCTION kpi._touch(int, bigint, bigint) IS 'notes a range of minutes of a source as touched by this transaction';

-- Catalog ------------------------------------------------------------------------------------------------------------

CREATE FUNCTION kpi.create_source(name text, relation regclass, time_column name, dimensions text[] DEFAULT '{}',
    timezone text DEFAULT 'UTC', refresh_window interval DEFAULT NULL, on_drop text DEFAULT NULL) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'create_source_on_drop_wrapper';
COMMENT ON FUNCTION kpi.create_source(text, regclass, name, text[], text, interval, text) IS
    'makes a table, partitioned table, hypertable or view a source of KPIs; its writes are captured from now on';

CREATE FUNCTION kpi.drop_source(name text, cascade bool DEFAULT false) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'drop_source_wrapper';
COMMENT ON FUNCTION kpi.drop_source(text, bool) IS 'drops a source with its rollups; with cascade also its KPIs';

CREATE FUNCTION kpi.create_kpi(code text, source text, formula text, name text DEFAULT NULL,
    description text DEFAULT NULL, unit text DEFAULT NULL, direction text DEFAULT 'up', target float8 DEFAULT NULL,
    warn float8 DEFAULT NULL, approximate bool DEFAULT false, view_schema name DEFAULT 'kpi_views') RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'create_kpi_wrapper';
COMMENT ON FUNCTION kpi.create_kpi(text, text, text, text, text, text, text, float8, float8, bool, name) IS
    'defines a KPI: a formula over aggregates of a source, or over other KPIs as in {a} - {b}';

CREATE FUNCTION kpi.alter_kpi(code text, formula text DEFAULT NULL, name text DEFAULT NULL,
    description text DEFAULT NULL, unit text DEFAULT NULL, direction text DEFAULT NULL, target float8 DEFAULT NULL,
    warn float8 DEFAULT NULL, approximate bool DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'alter_kpi_wrapper';
COMMENT ON FUNCTION kpi.alter_kpi(text, text, text, text, text, text, float8, float8, bool) IS
    'changes what is given and keeps the rest';

CREATE FUNCTION kpi.drop_kpi(code text, cascade bool DEFAULT false) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'drop_kpi_wrapper';
COMMENT ON FUNCTION kpi.drop_kpi(text, bool) IS 'drops a KPI; with cascade also those derived from it';

CREATE FUNCTION kpi._rename_column(formula text, old_name text, new_name text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rename_column_wrapper';
COMMENT ON FUNCTION kpi._rename_column(text, text, text) IS 'a formula with a column renamed';

CREATE FUNCTION kpi.status(value float8, direction text, target float8, warn float8) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'status_wrapper';
COMMENT ON FUNCTION kpi.status(float8, text, float8, float8) IS
    'ok, warn or bad: a value held against its target; null without a value or a target';

-- Reading and refreshing ---------------------------------------------------------------------------------------------

CREATE FUNCTION kpi.value(code text, period text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    by text[] DEFAULT '{}', filter text DEFAULT NULL) RETURNS TABLE (ts timestamptz, dimensions jsonb, value float8)
    LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100 COST 1000 AS 'MODULE_PATHNAME', 'kpi_value';
COMMENT ON FUNCTION kpi.value(text, text, timestamptz, timestamptz, text[], text) IS
    'values of a KPI by period: exact, whether or not the rollup has been refreshed';

CREATE FUNCTION kpi.refresh(source text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL)
    RETURNS TABLE (buckets bigint, rows_read bigint, rows_written bigint)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'refresh_source_wrapper';
COMMENT ON FUNCTION kpi.refresh(text, timestamptz, timestamptz) IS
    'recomputes the touched buckets of a source; reads get cheaper, not righter';

CREATE FUNCTION kpi.forget(source text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'forget_wrapper';
COMMENT ON FUNCTION kpi.forget(text, timestamptz, timestamptz) IS
    'gives up the history of dropped partitions and chunks between two times: its buckets show what the relation still holds';

CREATE FUNCTION kpi._read_handler() RETURNS fdw_handler
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'kpi_read_handler';
COMMENT ON FUNCTION kpi._read_handler() IS 'reads KPIs as foreign tables, with filters on code, period and time pushed down';
CREATE FOREIGN DATA WRAPPER pg_kpi HANDLER kpi._read_handler;
COMMENT ON FOREIGN DATA WRAPPER pg_kpi IS 'KPIs as tables';
CREATE SERVER pg_kpi FOREIGN DATA WRAPPER pg_kpi;
COMMENT ON SERVER pg_kpi IS 'the KPIs of this database';

CREATE FOREIGN TABLE kpi.values_minute (code text, ts timestamptz, dimensions jsonb, value float8, target float8,
    status text) SERVER pg_kpi OPTIONS (period 'minute');
COMMENT ON FOREIGN TABLE kpi.values_minute IS 'all KPIs that the reader may see, by minute and all dimensions';
CREATE FOREIGN TABLE kpi.values_hour (code text, ts timestamptz, dimensions jsonb, value float8, target float8,
    status text) SERVER pg_kpi OPTIONS (period 'hour');
COMMENT ON FOREIGN TABLE kpi.values_hour IS 'all KPIs that the reader may see, by hour and all dimensions';
CREATE FOREIGN TABLE kpi.values_day (code text, ts timestamptz, dimensions jsonb, value float8, target float8,
    status text) SERVER pg_kpi OPTIONS (period 'day');
COMMENT ON FOREIGN TABLE kpi.values_day IS 'all KPIs that the reader may see, by day and all dimensions';
COMMENT ON COLUMN kpi.values_minute.code IS 'code of the KPI';
COMMENT ON COLUMN kpi.values_minute.ts IS 'start of the minute';
COMMENT ON COLUMN kpi.values_minute.dimensions IS 'dimensions of the KPI with their values';
COMMENT ON COLUMN kpi.values_minute.value IS 'value of the KPI; null where it has none';
COMMENT ON COLUMN kpi.values_minute.target IS 'target of the KPI';
COMMENT ON COLUMN kpi.values_minute.status IS 'ok, warn or bad; null without a target';
COMMENT ON COLUMN kpi.values_hour.code IS 'code of the KPI';
COMMENT ON COLUMN kpi.values_hour.ts IS 'start of the hour';
COMMENT ON COLUMN kpi.values_hour.dimensions IS 'dimensions of the KPI with their values';
COMMENT ON COLUMN kpi.values_hour.value IS 'value of the KPI; null where it has none';
COMMENT ON COLUMN kpi.values_hour.target IS 'target of the KPI';
COMMENT ON COLUMN kpi.values_hour.status IS 'ok, warn or bad; null without a target';
COMMENT ON COLUMN kpi.values_day.code IS 'code of the KPI';
COMMENT ON COLUMN kpi.values_day.ts IS 'start of the day';
COMMENT ON COLUMN kpi.values_day.dimensions IS 'dimensions of the KPI with their values';
COMMENT ON COLUMN kpi.values_day.value IS 'value of the KPI; null where it has none';
COMMENT ON COLUMN kpi.values_day.target IS 'target of the KPI';
COMMENT ON COLUMN kpi.values_day.status IS 'ok, warn or bad; null without a target';
GRANT SELECT ON kpi.values_minute, kpi.values_hour, kpi.values_day TO PUBLIC;

CREATE SCHEMA kpi_views;
COMMENT ON SCHEMA kpi_views IS 'one view per KPI, with a column for each dimension';
GRANT USAGE ON SCHEMA kpi_views TO PUBLIC;

-- Status -------------------------------------------------------------------------------------------------------------

CREATE VIEW kpi.catalog AS
SELECT k.code, k.name, k.description, k.formula, k.unit, k.direction, k.target, k.warn, k.approximate,
       s.name AS source, s.relation, s.time_column, s.timezone, s.dimensions,
       k.requires, k.view, pg_catalog.pg_get_userbyid(v.relowner) AS owner, k.created_at,
       ARRAY(SELECT t.partial FROM kpi.state t WHERE t.source_id = s.id AND t.position = ANY (k.states)
             ORDER BY t.position) AS states
FROM kpi.kpi k LEFT JOIN kpi.source s ON s.id = k.source_id JOIN pg_catalog.pg_class v ON v.oid = k.view;
COMMENT ON VIEW kpi.catalog IS 'every KPI with its definition, source, states and view';
COMMENT ON COLUMN kpi.catalog.code IS 'what functions call the KPI';
COMMENT ON COLUMN kpi.catalog.name IS 'what people call it';
COMMENT ON COLUMN kpi.catalog.description IS 'for people';
COMMENT ON COLUMN kpi.catalog.formula IS 'an expression over aggregates of the source, or over other KPIs in braces';
COMMENT ON COLUMN kpi.catalog.unit IS 'unit of the value';
COMMENT ON COLUMN kpi.catalog.direction IS 'up: more is better; down: less is better; range: near the target is better';
COMMENT ON COLUMN kpi.catalog.target IS 'target of the value';
COMMENT ON COLUMN kpi.catalog.warn IS 'limit of the status warn';
COMMENT ON COLUMN kpi.catalog.approximate IS 'whether sketches are accepted';
COMMENT ON COLUMN kpi.catalog.source IS 'name of the source; null over other KPIs';
COMMENT ON COLUMN kpi.catalog.relation IS 'the source''s table or view';
COMMENT ON COLUMN kpi.catalog.time_column IS 'the source''s time column';
COMMENT ON COLUMN kpi.catalog.timezone IS 'the zone whose midnight begins a day';
COMMENT ON COLUMN kpi.catalog.dimensions IS 'the source''s dimensions';
COMMENT ON COLUMN kpi.catalog.requires IS 'the KPIs that the formula names';
COMMENT ON COLUMN kpi.catalog.view IS 'the KPI''s view';
COMMENT ON COLUMN kpi.catalog.owner IS 'the role with whose rights the KPI is computed';
COMMENT ON COLUMN kpi.catalog.created_at IS 'when it was created';
COMMENT ON COLUMN kpi.catalog.states IS 'what is rolled up for it';

CREATE FUNCTION kpi._instant(source kpi.source, minute bigint) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    RETURN CASE WHEN source.time_type = 'timestamptz'::regtype
        THEN timestamptz '2000-01-01 00:00:00+00' + minute * interval '1 minute'
        ELSE (timestamp '2000-01-01' + minute * interval '1 minute') AT TIME ZONE source.timezone END;
COMMENT ON FUNCTION kpi._instant(kpi.source, bigint) IS 'when a minute of a source''s own time begins';

CREATE VIEW kpi.rollup_status AS
SELECT s.name AS source, s.relation,
       CASE WHEN s.captured THEN 'writes are captured by triggers'
            ELSE 'refreshed by window: the last ' || s.refresh_window || ' are read from the relation' END AS capture,
       t.touched_buckets, r.refreshed_at, r.duration, r.buckets, r.rows_read, r.rows_written,
       z.rollup_rows, pg_catalog.pg_size_pretty(z.bytes) AS size, s.kind, k.history_kept
FROM kpi.source s
LEFT JOIN kpi.source_refresh r ON r.source_id = s.id
LEFT JOIN LATERAL (
    SELECT CASE WHEN bool_or(first_minute < -4000000000 OR last_minute > 200000000000) THEN NULL
                ELSE coalesce((SELECT sum(upper(m) - lower(m)) FROM unnest(range_agg(
                     int8range(greatest(first_minute, -4000000000), least(last_minute, 200000000000), '[]'))) m), 0) END
    FROM kpi.touched WHERE source_id = s.id) t(touched_buckets) ON true
LEFT JOIN LATERAL (
    SELECT sum(greatest(c.reltuples, 0))::bigint, sum(pg_catalog.pg_total_relation_size(c.oid))::bigint
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'kpi_rollup' AND c.relname IN (s.name || '_minute', s.name || '_quarter_hour', s.name || '_hour', s.name || '_day'))
    z(rollup_rows, bytes) ON true
LEFT JOIN LATERAL (
    SELECT range_agg(tstzrange(CASE WHEN first_minute > -4000000000 THEN kpi._instant(s, first_minute) END,
                               CASE WHEN last_minute < 200000000000 THEN kpi._instant(s, last_minute + 1) END))
    FROM kpi.source_kept WHERE source_id = s.id) k(history_kept) ON true;
COMMENT ON VIEW kpi.rollup_status IS
    'how each source is kept: kind of relation, touched buckets that wait (null: all of them), last refresh, estimated rows and size of the rollup, history whose raw rows were dropped';
COMMENT ON COLUMN kpi.rollup_status.source IS 'name of the source';
COMMENT ON COLUMN kpi.rollup_status.relation IS 'its table or view';
COMMENT ON COLUMN kpi.rollup_status.capture IS 'how its changes are noticed';
COMMENT ON COLUMN kpi.rollup_status.touched_buckets IS 'minutes that wait for a refresh; null: all of them';
COMMENT ON COLUMN kpi.rollup_status.refreshed_at IS 'when the last refresh ended';
COMMENT ON COLUMN kpi.rollup_status.duration IS 'what the last refresh took';
COMMENT ON COLUMN kpi.rollup_status.buckets IS 'minutes with data that the last refresh recomputed';
COMMENT ON COLUMN kpi.rollup_status.rows_read IS 'rows of the relation in them';
COMMENT ON COLUMN kpi.rollup_status.rows_written IS 'rows of the rollup that it wrote';
COMMENT ON COLUMN kpi.rollup_status.rollup_rows IS 'rows of the rollup, as ANALYZE estimated';
COMMENT ON COLUMN kpi.rollup_status.size IS 'disk space of the rollup';
COMMENT ON COLUMN kpi.rollup_status.kind IS 'what kind of relation the source has';
COMMENT ON COLUMN kpi.rollup_status.history_kept IS 'times whose raw rows were dropped and whose rollup is kept';
GRANT SELECT ON kpi.catalog, kpi.rollup_status TO PUBLIC;
