-- The archive in step with DDL: columns, names and tables that change under it.

-- The numbers of columns: one that is renamed keeps its own, a new one gets one that none has had. Returns what was renamed.
CREATE FUNCTION kpi._archive_follow_columns(retention kpi.retention, renamed int, OUT old name, OUT new name)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone name[] := ARRAY(SELECT c.name FROM kpi.archive_column c WHERE c.retention_id = retention.id
                         AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = retention.relation AND a.attname = c.name AND a.attnum > 0 AND NOT a.attisdropped));
BEGIN
    IF renamed > 0 AND cardinality(gone) = 1 THEN
        SELECT a.attname INTO new FROM pg_attribute a WHERE a.attrelid = retention.relation AND a.attnum = renamed
            AND NOT EXISTS (SELECT FROM kpi.archive_column c WHERE c.retention_id = retention.id AND c.name = a.attname);
        IF FOUND THEN
            old := gone[1];
            UPDATE kpi.archive_column c SET name = _archive_follow_columns.new WHERE c.retention_id = retention.id AND c.name = gone[1];
        END IF;
    END IF;
    DELETE FROM kpi.archive_column c WHERE c.retention_id = retention.id
        AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = retention.relation AND a.attname = c.name AND a.attnum > 0 AND NOT a.attisdropped);
    WITH added AS (
        INSERT INTO kpi.archive_column (retention_id, name, field_id)
            SELECT r.id, a.attname, r.fields + row_number() OVER (ORDER BY a.attnum)
            FROM kpi.retention r JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped
            WHERE r.id = retention.id AND NOT EXISTS (SELECT FROM kpi.archive_column c WHERE c.retention_id = r.id AND c.name = a.attname)
        RETURNING field_id)
    UPDATE kpi.retention r SET fields = added.last FROM (SELECT max(field_id) AS last FROM added) added WHERE r.id = retention.id AND added.last IS NOT NULL;
END $$;
COMMENT ON FUNCTION kpi._archive_follow_columns(kpi.retention, int) IS 'brings the numbers of columns up to date';

-- What PostgreSQL shows in a column that was added with a default for the rows from before, it keeps with the tables that hold rows, and
-- until they are written anew. Archived rows outlive these.
CREATE FUNCTION kpi._archive_keep_defaults(retention kpi.retention) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET intervalstyle = 'postgres'
    SET extra_float_digits = 1 SET bytea_output = 'hex' AS $$
DECLARE
    kept record;
BEGIN
    FOR kept IN
        SELECT d.name, d.value, d.type AS old_type, format_type(a.atttypid, a.atttypmod) AS new_type
        FROM kpi.archive_column d JOIN pg_attribute a ON a.attrelid = retention.relation AND a.attname = d.name
        WHERE d.retention_id = retention.id AND d.value IS NOT NULL AND d.type <> format_type(a.atttypid, a.atttypmod)
    LOOP
        EXECUTE format('UPDATE kpi.archive_column SET type = %L, value = %L::%s::%s::text WHERE retention_id = %s AND name = %L',
            kept.new_type, kept.value, kept.old_type, kept.new_type, retention.id, kept.name);
    END LOOP;
    UPDATE kpi.archive_column c SET type = m.type, value = m.value
        FROM (SELECT DISTINCT ON (a.attname) a.attname, format_type(a.atttypid, a.atttypmod) AS type, array_to_string(k.attmissingval, '') AS value
              FROM pg_attribute a JOIN pg_attribute k ON k.attname = a.attname AND k.atthasmissing AND NOT k.attisdropped
              WHERE a.attrelid = retention.relation AND a.attnum > 0 AND NOT a.attisdropped
                AND (k.attrelid IN (retention.relation, retention.late) OR k.attrelid IN (SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = retention.relation))
              ORDER BY a.attname, k.attrelid) m
        WHERE c.retention_id = retention.id AND c.name = m.attname AND c.value IS NULL;
END $$;
COMMENT ON FUNCTION kpi._archive_keep_defaults(kpi.retention) IS 'notes what archived rows have in columns that were added later';

-- The name by which jobs know a table.
CREATE FUNCTION kpi._retention_name(relation regclass) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    RETURN (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation);
COMMENT ON FUNCTION kpi._retention_name(regclass) IS 'the name of a table with its schema';

-- Jobs go on with a table that has another name.
CREATE FUNCTION kpi._retention_follow_name(retention kpi.retention) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    called text := kpi._retention_name(retention.relation);
BEGIN
    IF called <> retention.table_name THEN
        UPDATE kpi.job j SET config = jsonb_set(j.config, '{relation}', to_jsonb(called)),
                             name = CASE j.name WHEN j.kind || ' ' || retention.table_name THEN j.kind || ' ' || called ELSE j.name END
            WHERE j.kind IN ('archive', 'retention') AND j.config ->> 'relation' = retention.table_name;
        UPDATE kpi.retention r SET table_name = called WHERE r.id = retention.id;
    END IF;
END $$;
COMMENT ON FUNCTION kpi._retention_follow_name(kpi.retention) IS 'has jobs follow a table that is renamed';

CREATE FUNCTION kpi._archive_refuse_column(retention kpi.retention, name name, type text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'column "%" of table % would have a value in archived rows that is not known', name, retention.relation
        USING ERRCODE = 'feature_not_supported', DETAIL = 'In rows that were archived before, a new column is NULL or has one constant default.',
              HINT = format('Add it without DEFAULT, NOT NULL and GENERATED, and give later rows a default: ALTER TABLE %1$s ADD COLUMN %2$I %3$s; ALTER TABLE %1$s ALTER COLUMN %2$I SET DEFAULT ...;',
                            retention.relation, name, type);
END $$;
COMMENT ON FUNCTION kpi._archive_refuse_column(kpi.retention, name, text) IS 'raises why a column cannot be added';

-- Late rows have the columns of their table, whatever becomes of those.
CREATE FUNCTION kpi._archive_on_ddl() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    retention kpi.retention;
    wanted record;
    renamed record;
    number int;
    newest int;
BEGIN
    IF kpi._is_quiet() THEN
        RETURN;
    END IF;
    IF tg_tag = 'ALTER SCHEMA' THEN
        PERFORM kpi._retention_follow_name(r) FROM kpi.retention r;
        RETURN;
    END IF;
    FOR retention IN
        SELECT DISTINCT r.* FROM pg_event_trigger_ddl_commands() c JOIN kpi.retention r ON r.relation = c.objid
        WHERE c.classid = 'pg_class'::regclass
    LOOP
        SELECT max(c.objsubid) INTO number FROM pg_event_trigger_ddl_commands() c WHERE c.classid = 'pg_class'::regclass AND c.objid = retention.relation;
        PERFORM kpi._retention_follow_name(retention);
        newest := coalesce((SELECT max(k.field_id) FROM kpi.archive_column k WHERE k.retention_id = retention.id), 0);
        renamed := kpi._archive_follow_columns(retention, number);
        UPDATE kpi.retention r SET time_column = a.attname FROM pg_attribute a
            WHERE r.id = retention.id AND r.kind = 'native' AND a.attname <> r.time_column AND a.attrelid = r.relation
              AND a.attnum = (SELECT p.partattrs[0] FROM pg_partitioned_table p WHERE p.partrelid = r.relation);
        FOR wanted IN
            SELECT g.foreign_table FROM kpi.archive_segment g WHERE g.retention_id = retention.id AND retention.kind = 'native'
                AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = g.foreign_table AND i.inhparent = retention.relation AND NOT i.inhdetachpending)
        LOOP
            RAISE EXCEPTION '% holds archived rows of table %', wanted.foreign_table, retention.relation
                USING ERRCODE = 'dependent_objects_still_exist', DETAIL = 'Detached, the table would be without them.',
                      HINT = format('CALL kpi.restore(%L, ''-infinity'', ''infinity'') brings them back into a local partition, which can be detached.', retention.relation::text);
        END LOOP;
        -- Objects are read with the user mapping of the table's owner, and what belongs to the table is the owner's.
        PERFORM kpi._quiet(true);
        PERFORM kpi._archive_give(b.belonging, retention.relation)
            FROM (SELECT g.foreign_table FROM kpi.archive_segment g WHERE g.retention_id = retention.id UNION ALL SELECT retention.late) b(belonging)
            JOIN pg_class c ON c.oid = b.belonging JOIN pg_class r ON r.oid = retention.relation WHERE c.relowner <> r.relowner;
        IF retention.late IS NULL THEN
            PERFORM kpi._archive_refuse_column(retention, a.attname, format_type(a.atttypid, a.atttypmod))
                FROM kpi.archive_column k JOIN pg_attribute a ON a.attrelid = retention.relation AND a.attname = k.name
                WHERE k.retention_id = retention.id AND k.field_id > newest AND a.attname IS DISTINCT FROM renamed.new
                  AND (a.atthasdef OR a.attidentity <> '' OR a.attnotnull) AND NOT a.atthasmissing
                  AND EXISTS (SELECT FROM kpi.archive_file f WHERE f.retention_id = retention.id);
            PERFORM kpi._archive_keep_defaults(retention);
            PERFORM kpi._quiet(false);
            CONTINUE;
        END IF;
        IF renamed.old IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %s RENAME COLUMN %I TO %I', retention.late, renamed.old, renamed.new);
        END IF;
        FOR wanted IN
            SELECT p.attnum, p.attname AS parent_name, l.attname AS late_name, p.atthasdef OR p.attidentity <> '' AS parent_default, p.attnotnull AS parent_notnull, l.attnotnull AS late_notnull,
                   format_type(p.atttypid, p.atttypmod) AS parent_type, format_type(l.atttypid, l.atttypmod) AS late_type,
                   (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d WHERE d.adrelid = p.attrelid AND d.adnum = p.attnum AND p.attgenerated = '') AS expression
            FROM (SELECT * FROM pg_attribute a WHERE a.attrelid = retention.relation AND a.attnum > 0 AND NOT a.attisdropped) p
            FULL JOIN (SELECT * FROM pg_attribute a WHERE a.attrelid = retention.late AND a.attnum > 0 AND NOT a.attisdropped) l ON l.attname = p.attname
            ORDER BY p.attnum IS NOT NULL, p.attnum
        LOOP
            IF wanted.parent_name IS NULL THEN
                EXECUTE format('ALTER TABLE %s DROP COLUMN %I', retention.late, wanted.late_name);
            ELSIF wanted.late_name IS NULL THEN
                -- Late rows that are there have the default like any others; those to come bring their value.
                EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s%s', retention.late, wanted.parent_name, wanted.parent_type, ' DEFAULT ' || wanted.expression);
                EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', retention.late, wanted.parent_name);
                -- PostgreSQL writes rows anew where a default is not the same for all; archived ones it cannot.
                IF (wanted.parent_default OR wanted.parent_notnull) AND EXISTS (SELECT FROM kpi.archive_file f WHERE f.retention_id = retention.id)
                   AND NOT EXISTS (SELECT FROM pg_attribute l WHERE l.attrelid = retention.late AND l.attname = wanted.parent_name AND l.atthasmissing)
                THEN
                    PERFORM kpi._archive_refuse_column(retention, wanted.parent_name, wanted.parent_type);
                END IF;
            ELSE
                IF wanted.parent_type <> wanted.late_type THEN
                    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE %s USING %I::%s', retention.late, wanted.parent_name, wanted.parent_type, wanted.parent_name, wanted.parent_type);
                END IF;
                IF wanted.late_notnull AND NOT wanted.parent_notnull THEN
                    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', retention.late, wanted.parent_name);
                END IF;
            END IF;
        END LOOP;
        PERFORM kpi._archive_keep_defaults(retention);
        PERFORM kpi._quiet(false);
    END LOOP;
END $$;
COMMENT ON FUNCTION kpi._archive_on_ddl() IS 'event trigger: keeps late rows in step with the columns of their table';

-- Stores are known by name; a table that has something in one knows it by its number too.
CREATE FUNCTION kpi._archive_on_rename() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    renamed record;
BEGIN
    FOR renamed IN
        SELECT DISTINCT r.server AS old, v.srvname AS new
        FROM pg_event_trigger_ddl_commands() c JOIN pg_foreign_server v ON v.oid = c.objid JOIN pg_foreign_table t ON t.ftserver = v.oid
        JOIN kpi.archive_segment g ON g.foreign_table::oid = t.ftrelid JOIN kpi.retention r ON r.id = g.retention_id
        WHERE c.classid = 'pg_foreign_server'::regclass AND r.server <> v.srvname
    LOOP
        UPDATE kpi.retention r SET server = renamed.new WHERE r.server = renamed.old;
        UPDATE kpi.archive_garbage g SET server = renamed.new WHERE g.server = renamed.old;
    END LOOP;
END $$;
COMMENT ON FUNCTION kpi._archive_on_rename() IS 'event trigger: follows a store that is renamed';

CREATE FUNCTION kpi._archive_on_drop() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    retention kpi.retention;
    dropped record;
BEGIN
    IF kpi._is_quiet() THEN
        RETURN;
    END IF;
    FOR dropped IN SELECT d.* FROM pg_event_trigger_dropped_objects() d WHERE d.objsubid = 0 AND d.object_type IN ('table', 'foreign table') LOOP
        SELECT r.* INTO retention FROM kpi.retention r WHERE r.relation::oid = dropped.objid;
        IF FOUND THEN
            PERFORM kpi._quiet(true);
            PERFORM kpi._archive_remove(retention);
            PERFORM kpi._quiet(false);
            -- Its number says nothing to anybody any more.
            UPDATE kpi.archive_garbage g SET relation = dropped.object_identity WHERE g.relation = dropped.objid::text;
            DELETE FROM kpi.job j WHERE j.kind IN ('archive', 'retention') AND j.config ->> 'relation' = dropped.object_identity;
            CONTINUE;
        END IF;
        IF EXISTS (SELECT FROM kpi.archive_segment s JOIN kpi.retention r ON r.id = s.retention_id JOIN pg_class c ON c.oid = r.relation WHERE s.foreign_table::oid = dropped.objid)
           OR EXISTS (SELECT FROM kpi.retention r JOIN pg_class c ON c.oid = r.relation WHERE r.late::oid = dropped.objid)
        THEN
            SELECT r.* INTO retention FROM kpi.retention r LEFT JOIN kpi.archive_segment s ON s.retention_id = r.id
                WHERE (s.foreign_table::oid = dropped.objid OR r.late::oid = dropped.objid) AND r.relation::oid IN (SELECT c.oid FROM pg_class c);
            -- Dropped with its table, which is gone in the same command.
            CONTINUE WHEN EXISTS (SELECT FROM pg_event_trigger_dropped_objects() t WHERE t.objid = retention.relation::oid);
            RAISE EXCEPTION '% holds archived rows of table %', dropped.object_identity, retention.relation
                USING ERRCODE = 'dependent_objects_still_exist',
                      HINT = format('CALL kpi.restore(%L, ''-infinity'', ''infinity'') brings them back, SELECT kpi.drop_retention(%L) removes it then.',
                                    retention.relation::text, retention.relation::text);
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION kpi._archive_on_drop() IS 'event trigger: what belongs to an archived table goes with it, and not before';

CREATE EVENT TRIGGER kpi_archive_on_ddl ON ddl_command_end WHEN TAG IN ('ALTER TABLE', 'ALTER SCHEMA') EXECUTE FUNCTION kpi._archive_on_ddl();
COMMENT ON EVENT TRIGGER kpi_archive_on_ddl IS 'keeps late rows in step with the columns of their table';
CREATE EVENT TRIGGER kpi_archive_on_rename ON ddl_command_end WHEN TAG IN ('ALTER SERVER') EXECUTE FUNCTION kpi._archive_on_rename();
COMMENT ON EVENT TRIGGER kpi_archive_on_rename IS 'follows a store that is renamed';
CREATE EVENT TRIGGER kpi_archive_on_drop ON sql_drop WHEN TAG IN ('DROP TABLE', 'DROP FOREIGN TABLE', 'DROP SCHEMA', 'DROP OWNED', 'DROP SERVER', 'DROP EXTENSION')
    EXECUTE FUNCTION kpi._archive_on_drop();
COMMENT ON EVENT TRIGGER kpi_archive_on_drop IS 'drops what belongs to an archived table with it, and not before';

-- Functions that only functions of the extension call ----------------------------------------------------------------------

DO $$
DECLARE
    internal regprocedure;
BEGIN
    FOR internal IN SELECT p.oid FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
        WHERE p.pronamespace = 'kpi'::pg_catalog.regnamespace AND l.lanname IN ('plpgsql', 'sql') AND p.prokind = 'f'
          AND (p.proname ~ '^_(archive|retention|override|division)_' OR p.proname IN ('_set_retention', '_drop_retention', '_set_override', '_drop_override', '_check_archivable', '_check_foreign_partition', '_held', '_divisible', '_check_divisible', '_partition_switch', '_check_partitionable'))
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', internal);
    END LOOP;
END $$;
