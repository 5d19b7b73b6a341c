-- The second way to write an accessor, state -> average(), which queries for other aggregates have: the planner makes
-- average(state) of it. Each accessor of a two-step aggregate gets a function of its name without the state, which gives a
-- value of a type of its own, and an operator -> with the state on its left.

DO $$
DECLARE
    states regtype[] := (SELECT array_agg(DISTINCT p.prorettype) FROM pg_catalog.pg_proc p
                         WHERE p.pronamespace = 'kpi'::pg_catalog.regnamespace AND p.prokind = 'a' AND p.proname = 'rollup');
    known jsonb := '{}';
    accessor record;
    argument record;
    given text;      -- of the function without the state
    numbers text;    -- its arguments
    fields text;     -- of its type
    call text;       -- the arguments of the accessor itself
    result text;
    kind text;
BEGIN
    FOR accessor IN
        WITH possible AS (
            SELECT p.oid, p.proname AS name, string_to_array(p.proargtypes::text, ' ')::oid[]::regtype[] AS types, p.proargnames AS names, p.pronargs AS count, p.provolatile AS volatility,
                   p.prorettype = 'record'::regtype AND NOT p.proretset AS is_row, p.proallargtypes, p.proargmodes,
                   CASE WHEN p.proargtypes[0]::regtype = ANY (states) THEN 1 ELSE p.pronargs END AS place
            FROM pg_catalog.pg_proc p
            WHERE p.pronamespace = 'kpi'::pg_catalog.regnamespace AND p.prokind = 'f' AND p.prorettype NOT IN ('cstring'::regtype, 'bytea'::regtype)
        ), accessors AS (
            -- The states of the buckets before and after, where they may be left out.
            SELECT *, types::text AS signature, ARRAY(SELECT n FROM generate_series(1, count) n
                            WHERE n <> place AND types[n] = types[place] AND pg_catalog.pg_get_function_arg_default(oid, n) IS NOT NULL) AS beside
            FROM possible
            -- A value of just any type cannot be a field.
            WHERE types[place] = ANY (states) AND NOT types && '{internal, anyelement, anyenum}'::regtype[]
        )
        -- They are a call of its own: without them, accessors of several families are the same one.
        SELECT *, false AS has_beside FROM accessors UNION ALL SELECT *, true FROM accessors WHERE beside <> '{}'
        ORDER BY name, has_beside, count, signature
    LOOP
        given := '';
        numbers := '';
        fields := '';
        call := '';
        FOR argument IN
            SELECT n, accessor.names[n] AS name, pg_catalog.format_type(accessor.types[n], NULL) AS type,
                   pg_catalog.pg_get_function_arg_default(accessor.oid, n) AS preset
            FROM generate_series(1, accessor.count) n ORDER BY n
        LOOP
            IF argument.n = accessor.place THEN
                call := call || ', $1';
            ELSIF argument.n = ANY (accessor.beside) AND NOT accessor.has_beside THEN
                call := call || ', NULL';
            ELSE
                numbers := numbers || format(', $%s', 1 + (length(numbers) - length(replace(numbers, '$', ''))));
                fields := fields || format(', %I %s', argument.name, argument.type);
                given := given || format(', %I %s', argument.name, argument.type)
                    || CASE WHEN argument.preset IS NULL OR accessor.has_beside AND argument.n = accessor.beside[1] THEN '' ELSE ' DEFAULT ' || argument.preset END;
                call := call || format(', ($2).%I', argument.name);
            END IF;
        END LOOP;
        given := substr(given, 3);
        fields := substr(fields, 3);

        -- One type and function for the same name and arguments, in however many families.
        kind := known ->> (accessor.name || '(' || fields || ')');
        IF kind IS NULL THEN
            kind := 'accessor_' || accessor.name || coalesce('_' || (known ->> accessor.name), '');
            known := known || jsonb_build_object(accessor.name || '(' || fields || ')', kind, accessor.name, 1 + coalesce((known ->> accessor.name)::int, 1));
            EXECUTE format('CREATE TYPE kpi.%I AS (%s)', kind, fields);
            EXECUTE format('COMMENT ON TYPE kpi.%I IS %L', kind, format('what %s(%s) gives, for the right side of ->', accessor.name, fields));
            EXECUTE format('CREATE FUNCTION kpi.%I(%s) RETURNS kpi.%I LANGUAGE sql IMMUTABLE PARALLEL SAFE AS %L',
                accessor.name, given, kind, format('SELECT ROW(%s)::kpi.%I', substr(numbers, 3), kind));
            EXECUTE format('COMMENT ON FUNCTION kpi.%I(%s) IS %L', accessor.name, fields, format('reads a state on the left of ->, as in state -> %s(...)', accessor.name));
        END IF;

        result := 'RETURNS ' || pg_catalog.pg_get_function_result(accessor.oid);
        IF accessor.is_row THEN
            result := '';
            SELECT string_agg(format(', OUT %I %s', o.name, pg_catalog.format_type(o.type, NULL)), '' ORDER BY o.n) INTO STRICT given
                FROM unnest(accessor.proallargtypes, accessor.proargmodes, accessor.names) WITH ORDINALITY AS o(type, mode, name, n) WHERE o.mode = 'o';
        ELSE
            given := '';
        END IF;
        EXECUTE format('CREATE FUNCTION kpi._arrow(%s, kpi.%I%s) %s LANGUAGE sql %s PARALLEL SAFE AS %L',
            accessor.types[accessor.place], kind, given, result, CASE accessor.volatility WHEN 'i' THEN 'IMMUTABLE' ELSE 'STABLE' END,
            format(CASE WHEN result ~ '^(RETURNS TABLE|$)' THEN 'SELECT * FROM kpi.%I(%s)' ELSE 'SELECT kpi.%I(%s)' END, accessor.name, substr(call, 3)));
        EXECUTE format('COMMENT ON FUNCTION kpi._arrow(%s, kpi.%I) IS %L', accessor.types[accessor.place], kind, format('state -> %s(...)', accessor.name));
        EXECUTE format('CREATE OPERATOR kpi.-> (LEFTARG = %s, RIGHTARG = kpi.%I, FUNCTION = kpi._arrow)', accessor.types[accessor.place], kind);
        EXECUTE format('COMMENT ON OPERATOR kpi.-> (%s, kpi.%I) IS %L', accessor.types[accessor.place], kind, format('%s of the state', accessor.name));
    END LOOP;
END $$;
