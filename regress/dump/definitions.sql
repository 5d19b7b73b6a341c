-- What the catalog holds, as sorted text, without what differs between databases (numbers of rows, moments).
\pset format unaligned
\pset tuples_only on
SELECT (to_jsonb(c) - 'created_at')::text FROM kpi.catalog c ORDER BY code;
SELECT name, relation, time_column, time_type, dimensions, expressions, timezone, refresh_window, captured FROM kpi.source ORDER BY name;
SELECT relowner::regrole, relacl, oid::regclass FROM pg_class
WHERE relnamespace::regnamespace::text IN ('kpi_views', 'kpi_rollup') AND relkind IN ('r', 'v', 'f') ORDER BY oid::regclass::text;
SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgrelid::regclass::text, tgname;
