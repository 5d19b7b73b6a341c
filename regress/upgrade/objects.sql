-- Every object of the extension with all that defines it, as sorted text.
\pset format unaligned
\pset tuples_only on
SET search_path = pg_catalog;
WITH member AS (
    SELECT d.classid, d.objid, (pg_identify_object(d.classid, d.objid, 0)).*
    FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'pg_kpi'
), definition AS (
    SELECT m.type, m.identity, 'comment ' || coalesce(obj_description(m.objid, m.classid::regclass::text::name), '-') AS what FROM member m
    UNION ALL
    SELECT m.type, m.identity, pg_get_functiondef(m.objid) || coalesce(p.proacl::text, '-') || p.procost || ' ' || p.prorows
    FROM member m JOIN pg_proc p ON p.oid = m.objid WHERE m.classid = 'pg_proc'::regclass AND p.prokind <> 'a'
    UNION ALL
    SELECT m.type, m.identity, (to_jsonb(a) - 'aggfnoid')::text || p.proparallel::text || p.provolatile::text || coalesce(p.proacl::text, '-')
    FROM member m JOIN pg_aggregate a ON a.aggfnoid::oid = m.objid JOIN pg_proc p ON p.oid = m.objid WHERE m.classid = 'pg_proc'::regclass
    UNION ALL
    SELECT m.type, m.identity, format('column %s %s %s not null %s default %s', a.attnum, a.attname,
           format_type(a.atttypid, a.atttypmod), a.attnotnull, coalesce(pg_get_expr(f.adbin, f.adrelid), '-'))
    FROM member m JOIN pg_attribute a ON a.attrelid = m.objid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum WHERE m.classid = 'pg_class'::regclass
    UNION ALL
    SELECT m.type, m.identity, format('comment of column %s: %s', a.attname, col_description(m.objid, a.attnum))
    FROM member m JOIN pg_attribute a ON a.attrelid = m.objid AND a.attnum > 0 AND NOT a.attisdropped WHERE m.classid = 'pg_class'::regclass
    UNION ALL
    SELECT m.type, m.identity, format('relation %s %s %s %s %s', c.relkind, c.relpersistence, c.relreplident, c.reloptions, c.relacl)
    FROM member m JOIN pg_class c ON c.oid = m.objid WHERE m.classid = 'pg_class'::regclass
    UNION ALL
    SELECT m.type, m.identity, pg_get_indexdef(i.indexrelid) FROM member m JOIN pg_index i ON i.indrelid = m.objid WHERE m.classid = 'pg_class'::regclass
    UNION ALL
    SELECT m.type, m.identity, format('constraint %s %s', n.conname, pg_get_constraintdef(n.oid))
    FROM member m JOIN pg_constraint n ON n.conrelid = m.objid WHERE m.classid = 'pg_class'::regclass
    UNION ALL
    SELECT m.type, m.identity, pg_get_viewdef(c.oid) FROM member m JOIN pg_class c ON c.oid = m.objid AND c.relkind = 'v' WHERE m.classid = 'pg_class'::regclass
    UNION ALL
    SELECT m.type, m.identity, format('%s %s', f.ftoptions, s.srvname) FROM member m JOIN pg_foreign_table f ON f.ftrelid = m.objid JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE m.classid = 'pg_class'::regclass
    UNION ALL
    SELECT m.type, m.identity, format('%s %s %s %s %s %s %s %s %s', t.typlen, t.typbyval, t.typalign, t.typstorage, t.typinput, t.typoutput, t.typreceive, t.typsend, t.typcategory)
    FROM member m JOIN pg_type t ON t.oid = m.objid WHERE m.classid = 'pg_type'::regclass
    UNION ALL
    SELECT m.type, m.identity, format('%s %s %s %s', e.evtevent, e.evttags, e.evtenabled, e.evtfoid::regproc) FROM member m JOIN pg_event_trigger e ON e.oid = m.objid WHERE m.classid = 'pg_event_trigger'::regclass
    UNION ALL
    SELECT m.type, m.identity, coalesce(n.nspacl::text, '-') FROM member m JOIN pg_namespace n ON n.oid = m.objid WHERE m.classid = 'pg_namespace'::regclass
    UNION ALL
    SELECT 'dumped', c::regclass::text, condition FROM pg_extension e, unnest(e.extconfig, e.extcondition) u(c, condition) WHERE e.extname = 'pg_kpi'
    UNION ALL
    SELECT 'version', e.extname, e.extversion FROM pg_extension e WHERE e.extname = 'pg_kpi'
)
SELECT type, identity, what FROM definition ORDER BY type, identity, what;
