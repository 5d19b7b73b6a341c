-- Pipelines, series -> delta() -> lttb(100): as sql/aggregates/arrow.sql does it for accessors, each step gets a function of
-- its name without the series, which gives a value of a type of its own, and an operator -> with the series on its left. A
-- step that an accessor has the name and arguments of, such as delta(), shares its function.
--
-- Arithmetic has names that pg_catalog has too. As functions of a series they would make round('1.5') ambiguous wherever kpi
-- is in the search path; without the series they have other arguments than those.

DO $$
DECLARE
    step record;
    kind text;
BEGIN
    FOR step IN
        SELECT name, fields, given, call, volatility,
               array(SELECT split_part(field, ' ', 2) FROM unnest(string_to_array(nullif(fields, ''), ', ')) AS field)::regtype[]::oid[] AS types
        FROM (VALUES
            ('map', 'lambda text', 'lambda text', 'kpi.map($1, ($2).lambda)', 'IMMUTABLE'),
            ('filter', 'condition text', 'condition text', 'kpi.filter($1, ($2).condition)', 'IMMUTABLE'),
            ('delta', '', '', 'kpi.delta($1)', 'IMMUTABLE'),
            ('fill_to', 'every interval, method text', 'every interval, method text', 'kpi.fill_to($1, ($2).every, ($2).method)', 'STABLE'),
            ('lttb', 'n integer', 'n integer', 'kpi.lttb($1, ($2).n)', 'IMMUTABLE'),
            ('gp_lttb', 'n integer', 'n integer', 'kpi.gp_lttb($1, ($2).n)', 'IMMUTABLE'),
            ('gp_lttb', 'n integer, gap interval', 'n integer, gap interval', 'kpi.gp_lttb($1, ($2).n, ($2).gap)', 'IMMUTABLE'),
            ('asap_smooth', 'n integer', 'n integer', 'kpi.asap_smooth($1, ($2).n)', 'IMMUTABLE'),
            ('sort', '', '', '$1', 'IMMUTABLE'),
            ('materialize', '', '', '$1', 'IMMUTABLE'),
            ('add', 'n float8', 'n float8', 'kpi.arithmetic($1, ''add'', ($2).n)', 'IMMUTABLE'),
            ('sub', 'n float8', 'n float8', 'kpi.arithmetic($1, ''sub'', ($2).n)', 'IMMUTABLE'),
            ('mul', 'n float8', 'n float8', 'kpi.arithmetic($1, ''mul'', ($2).n)', 'IMMUTABLE'),
            ('div', 'n float8', 'n float8', 'kpi.arithmetic($1, ''div'', ($2).n)', 'IMMUTABLE'),
            ('mod', 'n float8', 'n float8', 'kpi.arithmetic($1, ''mod'', ($2).n)', 'IMMUTABLE'),
            ('power', 'n float8', 'n float8', 'kpi.arithmetic($1, ''power'', ($2).n)', 'IMMUTABLE'),
            ('logn', 'n float8', 'n float8', 'kpi.arithmetic($1, ''logn'', ($2).n)', 'IMMUTABLE'),
            ('abs', '', '', 'kpi.map($1, ''abs($value)'')', 'IMMUTABLE'),
            ('cbrt', '', '', 'kpi.map($1, ''cbrt($value)'')', 'IMMUTABLE'),
            ('ceil', '', '', 'kpi.map($1, ''ceil($value)'')', 'IMMUTABLE'),
            ('floor', '', '', 'kpi.map($1, ''floor($value)'')', 'IMMUTABLE'),
            ('ln', '', '', 'kpi.map($1, ''ln($value)'')', 'IMMUTABLE'),
            ('log10', '', '', 'kpi.map($1, ''log10($value)'')', 'IMMUTABLE'),
            ('round', '', '', 'kpi.map($1, ''round($value)'')', 'IMMUTABLE'),
            ('sign', '', '', 'kpi.map($1, ''sign($value)'')', 'IMMUTABLE'),
            ('sqrt', '', '', 'kpi.map($1, ''sqrt($value)'')', 'IMMUTABLE'),
            ('trunc', '', '', 'kpi.map($1, ''trunc($value)'')', 'IMMUTABLE'),
            ('unnest', '', '', 'kpi.unnest($1)', 'IMMUTABLE'),
            ('stats_agg', '', '', 'kpi.stats_agg($1)', 'IMMUTABLE'),
            ('num_vals', '', '', 'kpi.num_vals($1)', 'IMMUTABLE'),
            ('sum', '', '', 'kpi.sum($1)', 'IMMUTABLE'),
            ('average', '', '', 'kpi.average($1)', 'IMMUTABLE')
        ) AS steps (name, fields, given, call, volatility)
    LOOP
        SELECT t.typname INTO kind
        FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_type t ON t.oid = p.prorettype
        WHERE p.pronamespace = 'kpi'::pg_catalog.regnamespace AND p.proname = step.name AND p.proargtypes::text = array_to_string(step.types, ' ')
          AND starts_with(t.typname::text, 'accessor_');
        IF kind IS NULL THEN
            kind := 'step_' || step.name || CASE WHEN cardinality(step.types) > 1 AND step.name = 'gp_lttb' THEN '_of' ELSE '' END;
            EXECUTE format('CREATE TYPE kpi.%I AS (%s)', kind, step.fields);
            EXECUTE format('COMMENT ON TYPE kpi.%I IS %L', kind, format('what %s(%s) gives, for the right side of ->', step.name, step.fields));
            EXECUTE format('CREATE FUNCTION kpi.%I(%s) RETURNS kpi.%I LANGUAGE sql IMMUTABLE PARALLEL SAFE AS %L', step.name, step.given, kind,
                format('SELECT ROW(%s)::kpi.%I', array_to_string(array(SELECT '$' || n FROM generate_series(1, cardinality(step.types)) n), ', '), kind));
            EXECUTE format('COMMENT ON FUNCTION kpi.%I(%s) IS %L', step.name, step.fields, format('a step of a pipeline, as in series -> %s(...)', step.name));
        END IF;
        EXECUTE format('CREATE FUNCTION kpi._arrow(kpi.series, kpi.%I) RETURNS %s LANGUAGE sql %s PARALLEL SAFE AS %L', kind,
            CASE step.name WHEN 'unnest' THEN 'TABLE ("time" timestamptz, value float8)' WHEN 'stats_agg' THEN 'kpi.stats1d'
                WHEN 'num_vals' THEN 'bigint' WHEN 'sum' THEN 'float8' WHEN 'average' THEN 'float8' ELSE 'kpi.series' END,
            step.volatility, CASE step.name WHEN 'unnest' THEN 'SELECT * FROM ' ELSE 'SELECT ' END || step.call);
        EXECUTE format('COMMENT ON FUNCTION kpi._arrow(kpi.series, kpi.%I) IS %L', kind, format('series -> %s(...)', step.name));
        EXECUTE format('CREATE OPERATOR kpi.-> (LEFTARG = kpi.series, RIGHTARG = kpi.%I, FUNCTION = kpi._arrow)', kind);
        EXECUTE format('COMMENT ON OPERATOR kpi.-> (kpi.series, kpi.%I) IS %L', kind, format('%s of the series', step.name));
    END LOOP;
END $$;
