-- Retention: which rows move to a store and which are dropped, and when.

CREATE FUNCTION kpi._late_rows(late regclass) RETURNS bigint
    LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'archive_late_rows_wrapper';
COMMENT ON FUNCTION kpi._late_rows(regclass) IS 'how many rows came late';

CREATE VIEW kpi.archive_status WITH (security_barrier) AS
SELECT r.relation, r.server AS store, r.archive_after, r.drop_after, r.time_column,
       kpi._from_unix_us(f.since) AS archived_since, kpi._from_unix_us(f.until) AS archived_until,
       coalesce(f.files, 0) AS objects, coalesce(f.rows, 0) AS rows, coalesce(f.bytes, 0) AS bytes,
       CASE WHEN r.late IS NOT NULL THEN kpi._late_rows(r.late) END AS late_rows,
       coalesce(i.unfinished, 0) AS unfinished, coalesce(g.waiting, 0) AS objects_to_delete, r.archived_at AS last_archived
FROM kpi.retention r
LEFT JOIN LATERAL (SELECT count(DISTINCT f.key) AS files, sum(f.rows) FILTER (WHERE f.whole) AS rows, sum(f.bytes) AS bytes, min(f.min_time) AS since, max(f.max_time) AS until
                   FROM kpi.archive_file f WHERE f.retention_id = r.id) f ON true
LEFT JOIN LATERAL (SELECT count(*) AS unfinished FROM kpi.archive_intent i WHERE i.retention_id = r.id) i ON true
LEFT JOIN LATERAL (SELECT count(*) AS waiting FROM kpi.archive_garbage g JOIN pg_catalog.pg_class c ON c.oid = r.relation JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                   -- As a name is written where no schema is searched.
                   WHERE g.server = r.server AND g.relation = pg_catalog.format('%I.%I', n.nspname, c.relname)) g ON true
WHERE pg_catalog.has_table_privilege(r.relation, 'SELECT');
COMMENT ON VIEW kpi.archive_status IS 'archived tables that the reader may read: what is in their stores, what came late, what is unfinished';
GRANT SELECT ON kpi.archive_status TO PUBLIC;

-- Rules ----------------------------------------------------------------------------------------------------------------

-- What keeps a table from being archived, in words; raises it.
CREATE FUNCTION kpi._check_archivable(relation regclass, OUT kind text, OUT time_column name) RETURNS record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found text := kpi._relation_kind(relation);
    keys int;
    type regtype;
    obstacle text;
    native bool;
BEGIN
    IF found NOT IN ('partitioned table', 'hypertable') THEN
        RAISE EXCEPTION 'table % is not partitioned by time', relation
            USING ERRCODE = 'wrong_object_type',
                  DETAIL = format('It is a %s. Whole partitions move to a store, or are dropped.', found),
                  HINT = CASE WHEN EXISTS (SELECT FROM pg_partition_ancestors(relation) a WHERE a.relid <> relation)
                             THEN format('It is a partition: name the table, %s.', (SELECT i.inhparent::regclass FROM pg_inherits i WHERE i.inhrelid = relation))
                         WHEN found = 'table' THEN format('CALL kpi.partition_table(%L, ''<time column>'', ''1 month'') makes a partitioned table of it.', relation::text)
                         ELSE 'Name a table that is partitioned by time, or a hypertable.' END;
    END IF;
    IF found = 'hypertable' THEN
        kind := 'hypertable';
        EXECUTE 'SELECT d.column_name FROM timescaledb_information.dimensions d, pg_class c, pg_namespace n
                 WHERE c.oid = $1 AND n.oid = c.relnamespace AND d.hypertable_name = c.relname AND d.hypertable_schema = n.nspname
                 ORDER BY d.dimension_number LIMIT 1' INTO time_column USING relation::oid;
    ELSE
        kind := 'native';
        SELECT p.partnatts, a.attname, o.opcnamespace = 'pg_catalog'::regnamespace INTO keys, time_column, native
            FROM pg_partitioned_table p LEFT JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0] AND p.partattrs[0] > 0
            LEFT JOIN pg_opclass o ON o.oid = p.partclass[0]
            WHERE p.partrelid = relation AND p.partstrat = 'r';
        IF keys IS DISTINCT FROM 1 OR time_column IS NULL OR native IS NOT TRUE THEN
            RAISE EXCEPTION 'table % is not partitioned by time', relation
                USING ERRCODE = 'wrong_object_type',
                      DETAIL = format('Its partitions are by %s.', pg_get_partkeydef(relation)),
                      HINT = 'It needs PARTITION BY RANGE (<one column of type timestamptz, timestamp or date>).';
        END IF;
    END IF;
    SELECT a.atttypid INTO type FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = time_column;
    IF type NOT IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype) THEN
        RAISE EXCEPTION 'column % of table % is no time', time_column, relation
            USING ERRCODE = 'datatype_mismatch', DETAIL = format('It is of type %s.', type),
                  HINT = 'A table is archived by a column of type timestamptz, timestamp or date.';
    END IF;
END $$;
COMMENT ON FUNCTION kpi._check_archivable(regclass) IS 'how a table is divided by time; raises why it cannot be archived';

-- PostgreSQL lets no foreign table be a partition where a unique index or a foreign key covers all partitions.
CREATE FUNCTION kpi._check_foreign_partition(relation regclass) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    obstacle record;
BEGIN
    SELECT i.indexrelid::regclass AS name, pg_get_indexdef(i.indexrelid) AS definition,
           EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.conrelid = relation) AS is_constraint
        INTO obstacle FROM pg_index i WHERE i.indrelid = relation AND i.indisunique LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'table % has a unique index, so its archived rows cannot be in the same table', relation
            USING ERRCODE = 'feature_not_supported',
                  DETAIL = format('PostgreSQL refuses a foreign partition beside %s: %s.', obstacle.name, obstacle.definition),
                  HINT = CASE WHEN obstacle.is_constraint THEN format('Put the unique index on the local partitions instead of on the table: ALTER TABLE %s DROP CONSTRAINT %s; A hypertable keeps its primary key.', relation, obstacle.name)
                         ELSE format('Put the unique index on the local partitions instead of on the table: DROP INDEX %s; A hypertable keeps its unique indexes.', obstacle.name) END;
    END IF;
    SELECT c.conname, pg_get_constraintdef(c.oid) AS definition INTO obstacle FROM pg_constraint c WHERE c.conrelid = relation AND c.contype = 'f' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'table % has a foreign key, so its archived rows cannot be in the same table', relation
            USING ERRCODE = 'feature_not_supported',
                  DETAIL = format('PostgreSQL refuses a foreign partition beside %I: %s.', obstacle.conname, obstacle.definition),
                  HINT = format('Put the foreign key on the local partitions instead of on the table: ALTER TABLE %s DROP CONSTRAINT %I;', relation, obstacle.conname);
    END IF;
END $$;
COMMENT ON FUNCTION kpi._check_foreign_partition(regclass) IS 'raises why a table cannot have a foreign partition';

CREATE FUNCTION kpi._set_retention(relation regclass, archive_after interval, store text, drop_after interval, compression text, bloom text[],
    grace interval, before_archive regprocedure, after_archive regprocedure) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    how record;
    old kpi.retention;
    new kpi.retention;
    hook regprocedure;
    wrong text;
BEGIN
    how := kpi._check_archivable(relation);
    IF archive_after IS NULL AND drop_after IS NULL THEN
        RAISE EXCEPTION 'a retention needs archive_after, drop_after or both' USING ERRCODE = 'invalid_parameter_value',
            HINT = format('SELECT kpi.set_retention(%L, archive_after => ''90 days'', store => ''...'', drop_after => ''7 years'');', relation::text);
    END IF;
    IF archive_after IS NOT NULL AND store IS NULL THEN
        RAISE EXCEPTION 'archive_after needs a store' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Name a server of the foreign data wrapper kpi_archive: store => ''cold''.';
    END IF;
    IF archive_after < interval '0' OR drop_after < interval '0' OR grace < interval '0' THEN
        RAISE EXCEPTION 'archive_after, drop_after and grace must not be negative' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('They are %s, %s and %s.', coalesce(archive_after::text, 'not given'), coalesce(drop_after::text, 'not given'), coalesce(grace::text, 'not given'));
    END IF;
    IF archive_after > drop_after THEN
        RAISE EXCEPTION 'rows would be dropped before they are archived' USING ERRCODE = 'invalid_parameter_value',
            DETAIL = format('archive_after is %s, drop_after %s.', archive_after, drop_after), HINT = 'drop_after counts from the time of a row too: make it longer.';
    END IF;
    IF compression IS NOT NULL AND compression NOT IN ('zstd', 'gzip', 'snappy', 'lz4', 'none') THEN
        RAISE EXCEPTION 'compression "%" is not known', compression USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Use zstd, gzip, snappy, lz4 or none.';
    END IF;
    SELECT b INTO wrong FROM unnest(bloom) b WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = b AND a.attnum > 0 AND NOT a.attisdropped);
    IF FOUND THEN
        RAISE EXCEPTION 'column "%" of table % does not exist', wrong, relation USING ERRCODE = 'undefined_column',
            HINT = 'bloom names the columns that rows are looked up by: bloom => ''{device}''.';
    END IF;
    FOREACH hook IN ARRAY ARRAY[before_archive, after_archive] LOOP
        IF hook IS NOT NULL AND NOT EXISTS (SELECT FROM pg_proc p WHERE p.oid = hook AND p.prokind = 'f'
                AND p.proargtypes::text = format('%s %s %s', 'regclass'::regtype::oid, 'timestamptz'::regtype::oid, 'timestamptz'::regtype::oid)) THEN
            RAISE EXCEPTION 'function % cannot be a hook', hook USING ERRCODE = 'invalid_function_definition',
                HINT = 'A hook is a function (relation regclass, since timestamptz, until timestamptz) that raises an error to veto.';
        END IF;
    END LOOP;
    SELECT * INTO old FROM kpi.retention r WHERE r.relation = _set_retention.relation FOR UPDATE;
    IF archive_after IS NOT NULL AND how.kind = 'native' THEN
        PERFORM kpi._check_foreign_partition(relation);
    END IF;
    IF old.server IS NOT NULL AND store IS DISTINCT FROM old.server AND EXISTS (SELECT FROM kpi.archive_file f WHERE f.retention_id = old.id) THEN
        RAISE EXCEPTION 'rows of table % are in store "%" already', relation, old.server USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = 'A table has one store.', HINT = format('CALL kpi.restore(%L, ''-infinity'', ''infinity'') brings them back first.', relation::text);
    END IF;
    IF old.id IS NULL THEN
        INSERT INTO kpi.retention (relation, table_name, time_column, kind) VALUES (relation, kpi._retention_name(relation), how.time_column, how.kind) RETURNING * INTO old;
    END IF;
    UPDATE kpi.retention r SET archive_after = _set_retention.archive_after, server = coalesce(store, r.server), drop_after = _set_retention.drop_after,
        compression = coalesce(_set_retention.compression, r.compression), bloom = coalesce(_set_retention.bloom, r.bloom), grace = coalesce(_set_retention.grace, r.grace),
        before_archive = _set_retention.before_archive, after_archive = _set_retention.after_archive
        WHERE r.id = old.id RETURNING * INTO new;
    PERFORM kpi._archive_follow_columns(new, 0);
    IF new.kind = 'native' AND new.archive_after IS NOT NULL AND new.late IS NULL THEN
        PERFORM kpi._archive_make_late(new);
    END IF;
END $$;
COMMENT ON FUNCTION kpi._set_retention(regclass, interval, text, interval, text, text[], interval, regprocedure, regprocedure) IS 'checks and enters a retention';

CREATE FUNCTION kpi._archive_make_late(retention kpi.retention) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := kpi._archive_name(retention) || '_late';
BEGIN
    EXECUTE format('CREATE TABLE kpi_archive.%I (LIKE %s INCLUDING STORAGE)', name, retention.relation);
    EXECUTE format('CREATE INDEX ON kpi_archive.%I (%I)', name, retention.time_column);
    PERFORM kpi._archive_give(format('kpi_archive.%I', name)::regclass, retention.relation);
    UPDATE kpi.retention r SET late = format('kpi_archive.%I', name)::regclass WHERE r.id = retention.id;
END $$;
COMMENT ON FUNCTION kpi._archive_make_late(kpi.retention) IS 'makes the table for rows that come late';

CREATE FUNCTION kpi._drop_retention(retention kpi.retention) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM kpi.archive_file f WHERE f.retention_id = retention.id) THEN
        RAISE EXCEPTION 'rows of table % are in store "%"', retention.relation, retention.server USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = 'Without the retention nothing would show them.',
            HINT = format('CALL kpi.restore(%L, ''-infinity'', ''infinity'') brings them back first. To keep them where they are and archive no more, drop the job: SELECT kpi.drop_job(%L);',
                          retention.relation::text, 'archive ' || retention.relation);
    END IF;
    PERFORM kpi._quiet(true);
    PERFORM kpi._archive_remove(retention);
    PERFORM kpi._quiet(false);
END $$;
COMMENT ON FUNCTION kpi._drop_retention(kpi.retention) IS 'ends a retention that has nothing in its store';

-- All that belongs to a retention goes; objects wait for their deletion.
CREATE FUNCTION kpi._archive_remove(retention kpi.retention) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    file kpi.archive_file;
    part regclass;
BEGIN
    FOR file IN SELECT f.* FROM kpi.archive_file f WHERE f.retention_id = retention.id LOOP
        PERFORM kpi._archive_forget(retention, file, 'table dropped');
    END LOOP;
    FOR part IN SELECT s.foreign_table FROM kpi.archive_segment s JOIN pg_class c ON c.oid = s.foreign_table WHERE s.retention_id = retention.id LOOP
        EXECUTE format('DROP FOREIGN TABLE %s', part);
    END LOOP;
    IF EXISTS (SELECT FROM pg_class c WHERE c.oid = retention.late) THEN
        EXECUTE format('DROP TABLE %s', retention.late);
    END IF;
    -- What a run that was interrupted has left in the store; nobody will clear it away under this retention.
    INSERT INTO kpi.archive_garbage (server, key, bytes, relation, removed_by, delete_after, reason)
        SELECT retention.server, i.prefix || '/', 0, retention.relation::text, pg_current_xact_id(), clock_timestamp() + retention.grace, 'unfinished'
        FROM kpi.archive_intent i WHERE i.retention_id = retention.id AND i.prefix IS NOT NULL;
    DELETE FROM kpi.archive_intent i WHERE i.retention_id = retention.id;
    DELETE FROM kpi.archive_segment s WHERE s.retention_id = retention.id;
    DELETE FROM kpi.archive_restored s WHERE s.retention_id = retention.id;
    DELETE FROM kpi.archive_column c WHERE c.retention_id = retention.id;
    DELETE FROM kpi.retention_override o WHERE o.retention_id = retention.id;
    DELETE FROM kpi.retention r WHERE r.id = retention.id;
END $$;
COMMENT ON FUNCTION kpi._archive_remove(kpi.retention) IS 'ends a retention and all that belongs to it';

CREATE FUNCTION kpi.set_retention(relation regclass, archive_after interval DEFAULT NULL, store text DEFAULT NULL, drop_after interval DEFAULT NULL,
    compression text DEFAULT NULL, bloom text[] DEFAULT NULL, grace interval DEFAULT NULL, before_archive regprocedure DEFAULT NULL,
    after_archive regprocedure DEFAULT NULL, schedule text DEFAULT '1 hour', "where" text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'set_retention_wrapper';
COMMENT ON FUNCTION kpi.set_retention(regclass, interval, text, interval, text, text[], interval, regprocedure, regprocedure, text, text) IS
    'says what of a partitioned table or hypertable moves to a store and what is dropped, and when; with a condition, when those of its rows are dropped';

CREATE FUNCTION kpi.drop_retention(relation regclass, "where" text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'drop_retention_wrapper';
COMMENT ON FUNCTION kpi.drop_retention(regclass, text) IS 'ends the retention of a table that has nothing in its store, or what it says of the rows of a condition';

-- Beforehand ---------------------------------------------------------------------------------------------------------

-- What the next runs would do.
CREATE FUNCTION kpi.retention_preview(relation regclass, at timestamptz DEFAULT now(), OUT action text, OUT what text, OUT since timestamptz, OUT until timestamptz,
    OUT rows bigint, OUT bytes bigint, OUT due timestamptz) RETURNS SETOF record
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'retention_preview_wrapper';
COMMENT ON FUNCTION kpi.retention_preview(regclass, timestamptz) IS 'lists what would be archived, dropped and deleted if the jobs ran at a time, and what is held back';

CREATE FUNCTION kpi._retention_preview(retention kpi.retention, at timestamptz) RETURNS TABLE (action text, what text, since timestamptz, until timestamptz,
    rows bigint, bytes bigint, due timestamptz)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    archive_cutoff bigint := coalesce(kpi._unix_us(at - retention.archive_after), -9223372036854775808);
BEGIN
    RETURN QUERY
        SELECT CASE WHEN kpi._held(retention.relation, p.since, p.until) THEN 'hold' WHEN d.due IS NOT NULL THEN 'drop' ELSE 'archive' END,
               CASE WHEN d.due <> 'true' THEN format('rows of partition %s where %s', p.part, translate(d.due, E'\n', '')) ELSE 'partition ' || p.part END,
               kpi._from_unix_us(p.since), kpi._from_unix_us(p.until),
               -- Unknown until ANALYZE.
               CASE WHEN d.due = 'true' OR d.due IS NULL THEN nullif(c.reltuples, -1)::bigint END, pg_total_relation_size(p.part),
               kpi._from_unix_us(p.until) + CASE WHEN d.due = 'true' THEN retention.drop_after WHEN d.due IS NULL THEN retention.archive_after END
        FROM kpi._archive_parts(retention) p JOIN pg_class c ON c.oid = p.part, LATERAL (SELECT kpi._retention_due(retention, p.until, at)) d(due)
        WHERE p.until <= archive_cutoff OR d.due IS NOT NULL ORDER BY p.since;
    RETURN QUERY
        SELECT CASE WHEN kpi._held(retention.relation, f.since, f.until) THEN 'hold' ELSE 'drop' END,
               CASE WHEN d.due <> 'true' THEN format('rows of object %s where %s', f.key, translate(d.due, E'\n', '')) ELSE 'object ' || f.key END,
               -- Of what is shown in part it is not known.
               kpi._from_unix_us(f.since), kpi._from_unix_us(f.until), CASE WHEN f.whole AND d.due = 'true' THEN f.rows END, f.bytes,
               CASE WHEN d.due = 'true' THEN kpi._from_unix_us(f.until) + retention.drop_after END
        FROM kpi.archive_file f, LATERAL (SELECT kpi._retention_due(retention, f.until, at)) d(due)
        WHERE f.retention_id = retention.id AND d.due IS NOT NULL AND f.overridden <> d.due ORDER BY f.since, f.key;
    RETURN QUERY
        SELECT 'delete', 'object ' || g.key, NULL::timestamptz, NULL::timestamptz, NULL::bigint, g.bytes, g.delete_after
        FROM kpi.archive_garbage g WHERE g.server = retention.server AND g.relation = retention.relation::text AND g.delete_after <= at ORDER BY g.key;
END $$;
COMMENT ON FUNCTION kpi._retention_preview(kpi.retention, timestamptz) IS 'what the next runs would do';
