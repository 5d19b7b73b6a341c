--
-- What holds for every object in schema kpi: it says what it is, nobody changes state through it without a grant,
-- and what runs with its owner's rights looks names up only where the owner says.
--
-- Objects of the extension in schema kpi without a COMMENT: none.
SELECT d.classid::regclass AS kind, pg_describe_object(d.classid, d.objid, d.objsubid) AS object
FROM pg_depend d
JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
WHERE e.extname = 'pg_kpi'
  AND (d.classid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
       -- tables and views; indexes, sequences and toast tables explain themselves
       OR c.relkind IN ('r', 'p', 'v', 'm', 'f')
       -- not the row types of those, nor array types
       OR (t.oid IS NOT NULL AND t.typrelid = 0 AND t.typelem = 0))
  AND obj_description(d.objid, d.classid::regclass::name) IS NULL
ORDER BY 1, 2;

-- Volatile functions, that is those that may change something, that PUBLIC may execute. A short list, each with its reason:
-- _capture is called by the triggers of a source under the rights of whoever writes to it; the others check the caller's
-- rights on the source's relation themselves.
SELECT p.oid::regprocedure AS function, p.prosecdef AS owners_rights
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'kpi' AND p.provolatile = 'v' AND p.prokind IN ('f', 'p')
  AND has_function_privilege('public', p.oid, 'EXECUTE')
  -- nobody can call these from SQL
  AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'fdw_handler'::regtype, 'internal'::regtype)
ORDER BY p.oid::regprocedure::text;

-- Functions with their owner's rights that do not pin search_path: none.
SELECT p.oid::regprocedure AS function
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'kpi' AND p.prosecdef
  AND NOT EXISTS (SELECT FROM unnest(p.proconfig) setting WHERE setting LIKE 'search\_path=%')
ORDER BY p.oid::regprocedure::text;

-- Tables that PUBLIC may write to: none.
SELECT c.oid::regclass AS relation
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'kpi' AND c.relkind IN ('r', 'p', 'v')
  AND has_table_privilege('public', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
ORDER BY c.oid::regclass::text;

-- PUBLIC may not make objects in the schema.
SELECT has_schema_privilege('public', 'kpi', 'CREATE') AS public_can_create;
