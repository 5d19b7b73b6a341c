-- From 0.1.0 to 0.2.0: hypertables as sources, the history of dropped partitions and chunks, time helpers.

ALTER TABLE kpi.source ADD COLUMN kind text, ADD COLUMN on_drop text;
ALTER TABLE kpi.source_partition DROP CONSTRAINT source_partition_pkey, ADD COLUMN filenode oid,
    ALTER COLUMN source_id SET NOT NULL, ALTER COLUMN partition SET NOT NULL;
DROP INDEX kpi.touched_source;
ALTER TABLE kpi.touched ADD COLUMN seconds bigint;
COMMENT ON COLUMN kpi.touched.seconds IS 'the seconds of a single minute that were touched, one bit each; null: any of them';
-- What moves partitions to the archive does itself what these event triggers would do, and better: rows are not lost that way.
CREATE FUNCTION kpi._quiet(quiet bool) RETURNS void
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'archive_quiet_wrapper';
REVOKE ALL ON FUNCTION kpi._quiet(bool) FROM PUBLIC;
COMMENT ON FUNCTION kpi._quiet(bool) IS 'has the event triggers of pg_kpi not look, until it is set back or the transaction ends';
CREATE FUNCTION kpi._is_quiet() RETURNS bool
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'archive_is_quiet_wrapper';
COMMENT ON FUNCTION kpi._is_quiet() IS 'whether the event triggers of pg_kpi are not to look';

CREATE INDEX source_partition_partition ON kpi.source_partition (source_id, partition);
ALTER TABLE kpi.source_partition REPLICA IDENTITY FULL;
COMMENT ON TABLE kpi.source_partition IS 'partitions and chunks of captured sources with the minutes that they can hold';

-- Whole minutes of dropped partitions and chunks: their raw rows are gone, their rollup is history and is not recomputed.
CREATE TABLE kpi.source_kept (
    source_id    int NOT NULL,
    first_minute bigint NOT NULL,
    last_minute  bigint NOT NULL,
    PRIMARY KEY (source_id, first_minute, last_minute)
);
COMMENT ON TABLE kpi.source_kept IS 'minutes whose raw rows were dropped and whose rollup is kept';

SELECT pg_catalog.pg_extension_config_dump('kpi.source_kept', '');
GRANT SELECT ON kpi.source_kept TO PUBLIC;

-- TimescaleDB is found by its catalog, whichever of the two extensions came first.
CREATE FUNCTION kpi._relation_kind(relation regclass) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kind "char";
    hypertable bool := false;
BEGIN
    SELECT relkind INTO kind FROM pg_class WHERE oid = relation;
    IF kind = 'r' AND to_regclass('timescaledb_information.hypertables') IS NOT NULL THEN
        EXECUTE 'SELECT EXISTS (SELECT FROM timescaledb_information.hypertables h, pg_class c, pg_namespace n
                 WHERE c.oid = $1 AND n.oid = c.relnamespace AND h.hypertable_name = c.relname AND h.hypertable_schema = n.nspname)'
            INTO hypertable USING relation;
    END IF;
    RETURN CASE WHEN hypertable THEN 'hypertable' WHEN kind = 'r' THEN 'table' WHEN kind = 'p' THEN 'partitioned table'
        WHEN kind = 'v' THEN 'view' WHEN kind = 'm' THEN 'materialized view' WHEN kind = 'f' THEN 'foreign table'
        ELSE kind::text END;
END $$;
COMMENT ON FUNCTION kpi._relation_kind(regclass) IS 'table, partitioned table, hypertable, view, materialized view or foreign table';

UPDATE kpi.source SET kind = kpi._relation_kind(relation);
ALTER TABLE kpi.source ALTER COLUMN kind SET NOT NULL;

-- Which history of partitions that are gone stays: where the bounds are known and no other partition lives between them.
-- The last minute belongs to the next partition, since bounds exclude their end.
CREATE FUNCTION kpi._lose_partitions(source kpi.source, lost kpi.source_partition[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    one kpi.source_partition;
BEGIN
    FOREACH one IN ARRAY lost LOOP
        IF coalesce(source.on_drop, CASE source.kind WHEN 'hypertable' THEN 'keep' END, 'forget') = 'keep'
           AND (one.first_minute > -9223372036854775808 OR one.last_minute < 9223372036854775807)
           AND NOT EXISTS (SELECT FROM kpi.source_partition p WHERE p.source_id = source.id
                           AND p.first_minute < one.last_minute AND p.last_minute > one.first_minute)
        THEN
            INSERT INTO kpi.source_kept
                VALUES (source.id, one.first_minute, CASE one.last_minute WHEN 9223372036854775807 THEN one.last_minute
                                                     ELSE one.last_minute - 1 END)
                ON CONFLICT DO NOTHING;
        ELSE
            INSERT INTO kpi.touched VALUES (source.id, one.first_minute, one.last_minute);
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION kpi._lose_partitions(kpi.source, kpi.source_partition[]) IS
    'keeps the history of partitions that are gone, or touches their buckets';

-- What has become of a hypertable's chunks since they were last looked at: no event tells of drop_chunks, and TRUNCATE of
-- a chunk shows in its file only.
CREATE FUNCTION kpi._settle_chunks(source_id int) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source kpi.source;
    lost kpi.source_partition[];
BEGIN
    UPDATE kpi.source s SET kind = kpi._relation_kind(s.relation)
        WHERE s.id = source_id AND s.captured AND s.kind <> kpi._relation_kind(s.relation);
    SELECT * INTO source FROM kpi.source s WHERE s.id = source_id;
    IF source.kind <> 'hypertable' THEN
        RETURN;
    END IF;
    WITH gone AS (
        DELETE FROM kpi.source_partition p
        WHERE p.source_id = source.id AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = p.partition)
        RETURNING p)
    SELECT array_agg(p) INTO lost FROM gone;
    PERFORM kpi._lose_partitions(source, coalesce(lost, '{}'));
    INSERT INTO kpi.touched SELECT source.id, p.first_minute, p.last_minute
        FROM kpi.source_partition p JOIN pg_class c ON c.oid = p.partition
        WHERE p.source_id = source.id AND p.filenode <> c.relfilenode;
    UPDATE kpi.source_partition p SET filenode = c.relfilenode
        FROM pg_class c
        WHERE p.source_id = source.id AND c.oid = p.partition AND p.filenode <> c.relfilenode;
END $$;
COMMENT ON FUNCTION kpi._settle_chunks(int) IS 'keeps or touches what dropped and truncated chunks held';

-- Chunks that a refresh may have read. Those that are known stay as they are: what happened to them since is not settled.
CREATE FUNCTION kpi._track_chunks(source_id int) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE $q$
        INSERT INTO kpi.source_partition
        SELECT s.id, k.oid, floor(extract(epoch FROM c.range_start - timestamptz '2000-01-01 00:00:00+00') / 60),
               floor(extract(epoch FROM c.range_end - timestamptz '2000-01-01 00:00:00+00') / 60), k.relfilenode
        FROM kpi.source s
        JOIN pg_class h ON h.oid = s.relation
        JOIN pg_namespace hn ON hn.oid = h.relnamespace
        JOIN timescaledb_information.chunks c ON c.hypertable_name = h.relname AND c.hypertable_schema = hn.nspname
        JOIN pg_namespace n ON n.nspname = c.chunk_schema
        JOIN pg_class k ON k.relnamespace = n.oid AND k.relname = c.chunk_name
        WHERE s.id = $1 AND c.primary_dimension = s.time_column
          AND NOT EXISTS (SELECT FROM kpi.source_partition p WHERE p.source_id = s.id AND p.partition = k.oid) $q$ USING source_id;
END $$;
COMMENT ON FUNCTION kpi._track_chunks(int) IS 'adds the new chunks of a hypertable to the list of partitions';

-- Touches the minutes between the first and the last row of a table that has just become, or ceased to be, a partition.
CREATE OR REPLACE FUNCTION kpi._touch_rows(source kpi.source, partition regclass) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' SET timezone = 'UTC' AS $$
DECLARE
    first_time text;
    last_time text;
BEGIN
    EXECUTE format('SELECT min(%1$I)::text, max(%1$I)::text FROM %2$s', source.time_column, partition)
        INTO first_time, last_time;
    IF first_time IS NOT NULL THEN
        -- Rows that come back are no history any more, and what has not come back neither.
        WITH back AS (
            DELETE FROM kpi.source_kept k WHERE k.source_id = source.id
                AND k.first_minute <= kpi._minute(source, last_time) AND k.last_minute >= kpi._minute(source, first_time)
            RETURNING k.first_minute, k.last_minute)
        INSERT INTO kpi.touched SELECT source.id, back.first_minute, back.last_minute FROM back;
        PERFORM kpi._touch(source.id, kpi._minute(source, first_time), kpi._minute(source, last_time));
    END IF;
END $$;
COMMENT ON FUNCTION kpi._touch_rows(kpi.source, regclass) IS 'touches the buckets of all rows of a table';

-- The trigger that captures TRUNCATE of one table, where it is not there yet.
CREATE OR REPLACE FUNCTION kpi._capture_truncate(leaf regclass, name text, source_id int) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A foreign table has no TRUNCATE that could be captured.
    IF NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = leaf AND t.tgname = name)
       AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = leaf AND c.relkind = 'f') THEN
        EXECUTE format('CREATE TRIGGER %I AFTER TRUNCATE ON %s EXECUTE FUNCTION kpi._captured(%L)',
                       name, leaf, source_id::text);
        IF kpi._relation_kind(leaf) <> 'hypertable' THEN
            EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', leaf, name);
        END IF;
    END IF;
END $$;
COMMENT ON FUNCTION kpi._capture_truncate(regclass, text, int) IS 'creates the trigger that captures TRUNCATE of a table';

-- Brings the list of partitions and the TRUNCATE triggers up to date. TRUNCATE fires the triggers of the tables that hold
-- the rows, also when their parent is named, so each leaf has one. The list comes first: ALTER TABLE on a leaf calls the
-- event trigger again, which must find nothing left to do.
CREATE OR REPLACE FUNCTION kpi._track_partitions(source_id int) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source kpi.source;
    leaf regclass;
    come regclass[];
    gone kpi.source_partition[];
    left_behind kpi.source_partition;
    name text := 'kpi_capture_' || source_id || '_truncate';
BEGIN
    SELECT * INTO source FROM kpi.source s WHERE s.id = source_id;
    WITH new AS (
        INSERT INTO kpi.source_partition
            SELECT source.id, p.relid, m.first_minute, m.last_minute
            FROM pg_partition_tree(source.relation) p, kpi._partition_minutes(source, p.relid) m
            WHERE p.relid <> source.relation AND p.isleaf
              AND NOT EXISTS (SELECT FROM kpi.source_partition k WHERE k.source_id = source.id AND k.partition = p.relid)
        RETURNING partition)
    SELECT array_agg(partition) INTO come FROM new;
    WITH old AS (
        DELETE FROM kpi.source_partition k
        WHERE k.source_id = source.id AND EXISTS (SELECT FROM pg_class c WHERE c.oid = k.partition)
          AND NOT EXISTS (SELECT FROM pg_partition_tree(source.relation) p WHERE p.relid = k.partition)
        RETURNING k)
    SELECT array_agg(k) INTO gone FROM old;
    FOREACH leaf IN ARRAY coalesce(come, '{}') LOOP
        PERFORM kpi._touch_rows(source, leaf);
        PERFORM kpi._capture_truncate(leaf, name, source_id);
    END LOOP;
    IF source.on_drop = 'keep' THEN
        PERFORM kpi._lose_partitions(source, coalesce(gone, '{}'));
    END IF;
    FOREACH left_behind IN ARRAY coalesce(gone, '{}') LOOP
        IF source.on_drop IS DISTINCT FROM 'keep' THEN
            PERFORM kpi._touch_rows(source, left_behind.partition);
        END IF;
        EXECUTE format('DROP TRIGGER IF EXISTS %I ON %s', name, left_behind.partition);
    END LOOP;
    IF EXISTS (SELECT FROM pg_class c WHERE c.oid = source.relation AND c.relkind = 'r') THEN
        PERFORM kpi._capture_truncate(source.relation, name, source_id);
    END IF;
END $$;
COMMENT ON FUNCTION kpi._track_partitions(int) IS 'brings a source''s list of partitions up to date';

CREATE OR REPLACE FUNCTION kpi._on_ddl() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    command record;
    source kpi.source;
    present text[];
    gone text[];
BEGIN
    IF kpi._is_quiet() THEN
        RETURN;
    END IF;
    FOR command IN
        SELECT DISTINCT c.objid, c.objsubid FROM pg_event_trigger_ddl_commands() c
        WHERE c.classid = 'pg_class'::regclass
    LOOP
        FOR source IN SELECT s.* FROM kpi.source s WHERE s.relation = command.objid LOOP
            present := ARRAY(SELECT attname::text FROM pg_attribute
                             WHERE attrelid = source.relation AND attnum > 0 AND NOT attisdropped);
            gone := ARRAY(SELECT unnest(source.relation_columns) EXCEPT SELECT unnest(present));
            IF command.objsubid > 0 AND cardinality(gone) = 1 THEN
                PERFORM kpi._follow_rename(source, gone[1],
                    (SELECT attname::text FROM pg_attribute
                     WHERE attrelid = source.relation AND attnum = command.objsubid));
            END IF;
            UPDATE kpi.source s SET relation_columns = present WHERE s.id = source.id AND s.relation_columns <> present;
        END LOOP;
        -- A partition may have come to, or gone from, any level of a source's tree.
        FOR source IN
            SELECT s.* FROM kpi.source s JOIN pg_class c ON c.oid = s.relation AND c.relkind = 'p'
            WHERE s.captured AND command.objsubid = 0
              AND (command.objid IN (SELECT relid FROM pg_partition_tree(s.relation))
                   OR EXISTS (SELECT FROM kpi.source_partition k WHERE k.source_id = s.id AND k.partition = command.objid))
        LOOP
            PERFORM kpi._track_partitions(source.id);
        END LOOP;
        -- Rows of an inheriting table are read with the source's, but do not fire its triggers.
        SELECT s.* INTO source FROM kpi.source s
            JOIN pg_inherits i ON i.inhparent = s.relation
            JOIN pg_class c ON c.oid = s.relation AND c.relkind = 'r'
        WHERE s.captured AND i.inhrelid = command.objid AND kpi._relation_kind(s.relation) <> 'hypertable';
        IF FOUND THEN
            RAISE EXCEPTION 'table % cannot get tables that inherit from it', source.relation
                USING ERRCODE = 'feature_not_supported',
                      DETAIL = format('Writes to them would not be captured for source "%s".', source.name),
                      HINT = 'Use native partitioning, or a view over the tables with refresh_window.';
        END IF;
        -- What is written while a capture trigger is off is not noted: nothing is clean then.
        PERFORM kpi._touch(s.id, -9223372036854775808, 9223372036854775807)
        FROM kpi.source s
        WHERE s.captured
          AND (s.relation = command.objid
               OR EXISTS (SELECT FROM kpi.source_partition k WHERE k.source_id = s.id AND k.partition = command.objid))
          AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgname LIKE 'kpi\_capture\_' || s.id || '\_%'
                      -- The triggers of a hypertable cannot be ENABLE ALWAYS.
                      AND t.tgenabled <> 'A' AND (t.tgenabled <> 'O' OR s.kind <> 'hypertable'));
    END LOOP;
END $$;
COMMENT ON FUNCTION kpi._on_ddl() IS 'event trigger: follows renamed columns and attached or detached partitions';

CREATE OR REPLACE FUNCTION kpi._follow_dropped_columns(source kpi.source) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone text[] := ARRAY(SELECT unnest(source.columns) EXCEPT SELECT attname::text FROM pg_attribute
                         WHERE attrelid = source.relation AND attnum > 0 AND NOT attisdropped);
    lost record;
    level text;
    kept text[] := ARRAY(SELECT c FROM unnest(source.columns) WITH ORDINALITY u(c, n) WHERE c <> ALL (gone) ORDER BY n);
    owner name;
BEGIN
    FOR lost IN SELECT DISTINCT k.code FROM kpi.kpi k, unnest(gone) g
        WHERE k.source_id = source.id AND kpi._rename_column(k.formula, g, g || '?') <> kpi._rename_column(k.formula, g, g)
    LOOP
        PERFORM kpi._drop_kpi(lost.code);
    END LOOP;
    FOR lost IN DELETE FROM kpi.state t USING unnest(gone) g
        WHERE t.source_id = source.id AND kpi._rename_column(t.partial, g, g || '?') <> kpi._rename_column(t.partial, g, g)
        RETURNING t.position
    LOOP
        FOREACH level IN ARRAY ARRAY['second', 'minute', 'quarter_hour', 'hour', 'day'] LOOP
            CONTINUE WHEN to_regclass(format('kpi_rollup.%I', source.name || '_' || level)) IS NULL;
            EXECUTE format('ALTER TABLE kpi_rollup.%I DROP COLUMN IF EXISTS %I', source.name || '_' || level, 's' || lost.position);
        END LOOP;
    END LOOP;
    PERFORM set_config('search_path', source.search_path || ', pg_temp', true);
    EXECUTE format('CREATE VIEW kpi_rollup.%I AS SELECT %I AS "kpi time"%s%s FROM %s', source.name || '_input',
        source.time_column,
        (SELECT string_agg(format(', (%s) AS %I', e, 'kpi d' || n), '' ORDER BY n)
         FROM unnest(source.expressions) WITH ORDINALITY u(e, n)),
        (SELECT string_agg(format(', %I', c), '' ORDER BY n) FROM unnest(kept) WITH ORDINALITY u(c, n)),
        (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = source.relation));
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
    SELECT pg_get_userbyid(relowner) INTO owner FROM pg_class
        WHERE oid = to_regclass(format('kpi_rollup.%I', source.name || '_day'));
    EXECUTE format('ALTER VIEW kpi_rollup.%I OWNER TO %I', source.name || '_input', owner);
    UPDATE kpi.source s SET columns = kept WHERE s.id = source.id;
END $$;

CREATE OR REPLACE FUNCTION kpi._drop_source(source kpi.source) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    code text;
    level text;
    trigger record;
BEGIN
    FOR code IN SELECT k.code FROM kpi.kpi k WHERE k.source_id = source.id LOOP
        PERFORM kpi._drop_kpi(code);
    END LOOP;
    DELETE FROM kpi.touched t WHERE t.source_id = source.id;
    DELETE FROM kpi.state t WHERE t.source_id = source.id;
    DELETE FROM kpi.source_partition p WHERE p.source_id = source.id;
    DELETE FROM kpi.source_kept k WHERE k.source_id = source.id;
    DELETE FROM kpi.source_refresh r WHERE r.source_id = source.id;
    DELETE FROM kpi.source s WHERE s.id = source.id;
    FOR trigger IN SELECT t.oid, t.tgname, t.tgrelid FROM pg_trigger t
        WHERE t.tgparentid = 0 AND t.tgname LIKE 'kpi\_capture\_' || source.id || '\_%'
        ORDER BY t.tgrelid <> source.relation
    LOOP
        -- Those of a hypertable's chunks have gone with its own.
        IF EXISTS (SELECT FROM pg_trigger t WHERE t.oid = trigger.oid) THEN
            EXECUTE format('DROP TRIGGER %I ON %s', trigger.tgname, trigger.tgrelid::regclass);
        END IF;
    END LOOP;
    EXECUTE format('DROP VIEW IF EXISTS kpi_rollup.%I', source.name || '_input');
    FOREACH level IN ARRAY ARRAY['second', 'minute', 'quarter_hour', 'hour', 'day'] LOOP
        CONTINUE WHEN to_regclass(format('kpi_rollup.%I', source.name || '_' || level)) IS NULL;
        EXECUTE format('DROP TABLE kpi_rollup.%I', source.name || '_' || level);
    END LOOP;
END $$;
COMMENT ON FUNCTION kpi._drop_source(kpi.source) IS 'drops a source and all that depends on it';

-- A formula is a text, so the server does not know which functions it calls. It is only parsed here, never planned or run: that
-- would be with the rights of the extension's owner.
CREATE FUNCTION kpi._check_formulas() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    part record;
BEGIN
    FOR part IN
        SELECT k.code, k.formula, s.search_path, format('SELECT %s FROM kpi_rollup.%I', t.partial, s.name || '_input') AS statement
        FROM kpi.kpi k JOIN kpi.source s ON s.id = k.source_id
        JOIN kpi.state t ON t.source_id = s.id AND t.position = ANY (k.states)
        UNION ALL
        SELECT k.code, k.formula, s.search_path, format('SELECT %s FROM (SELECT %s FROM kpi_rollup.%I) q', k.value_sql,
            (SELECT string_agg(format('%I AS %I', 's' || p, 'kpi s' || p), ', ') FROM unnest(k.states) p), s.name || '_day')
        FROM kpi.kpi k JOIN kpi.source s ON s.id = k.source_id
        UNION ALL
        SELECT k.code, k.formula, 'pg_catalog', format('SELECT %s FROM (SELECT %s) q', k.value_sql,
            (SELECT string_agg(format('NULL::float8 AS %I', 'kpi v' || n), ', ') FROM generate_series(1, cardinality(k.requires)) n))
        FROM kpi.kpi k WHERE k.source_id IS NULL
        ORDER BY code
    LOOP
        PERFORM set_config('search_path', part.search_path || ', pg_temp', true);
        BEGIN
            EXECUTE 'PREPARE "kpi formula" AS ' || part.statement;
            DEALLOCATE "kpi formula";
        EXCEPTION WHEN undefined_function OR invalid_schema_name THEN
            RAISE EXCEPTION 'KPI "%" needs what this takes away', part.code
                USING ERRCODE = 'dependent_objects_still_exist',
                      DETAIL = format('Its formula is %s, and now %s.', part.formula, SQLERRM),
                      HINT = format('Drop the KPI first: SELECT kpi.drop_kpi(%L);', part.code);
        -- Half restored or half dropped: that is not about functions.
        WHEN undefined_table OR undefined_column THEN
            NULL;
        END;
    END LOOP;
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
END $$;
COMMENT ON FUNCTION kpi._check_formulas() IS 'refuses to go on where a formula calls a function that is not there';

CREATE OR REPLACE FUNCTION kpi._on_drop() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    dropped record;
    source kpi.source;
    code text;
    lost kpi.source_partition;
BEGIN
    IF kpi._is_quiet() THEN
        RETURN;
    END IF;
    FOR dropped IN
        SELECT d.* FROM pg_event_trigger_dropped_objects() d
        WHERE d.objsubid = 0 AND d.object_type IN ('view', 'table', 'foreign table', 'trigger')
    LOOP
        IF dropped.object_type = 'trigger' THEN
            SELECT s.* INTO source FROM kpi.source s
            WHERE s.id = substring(dropped.address_names[3] FROM '^kpi_capture_(\d+)_')::int AND dropped.original
              AND (s.relation = to_regclass(format('%I.%I', dropped.address_names[1], dropped.address_names[2]))
                   OR EXISTS (SELECT FROM kpi.source_partition k WHERE k.source_id = s.id AND k.partition
                              = to_regclass(format('%I.%I', dropped.address_names[1], dropped.address_names[2]))));
            IF FOUND THEN
                RAISE EXCEPTION 'trigger % captures the writes of source "%"',
                        dropped.address_names[3], source.name
                    USING ERRCODE = 'dependent_objects_still_exist',
                          DETAIL = 'Without it the KPIs of the source would go stale.',
                          HINT = format('Drop the source instead: SELECT kpi.drop_source(%L);', source.name);
            END IF;
        END IF;
        FOR lost IN DELETE FROM kpi.source_partition p WHERE p.partition::oid = dropped.objid RETURNING * LOOP
            SELECT s.* INTO source FROM kpi.source s WHERE s.id = lost.source_id;
            PERFORM kpi._lose_partitions(source, ARRAY[lost]);
        END LOOP;
        IF dropped.object_type = 'view' AND dropped.schema_name = 'kpi_rollup' THEN
            SELECT s.* INTO source FROM kpi.source s WHERE s.name || '_input' = dropped.object_name;
            IF FOUND THEN
                IF NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = source.relation)
                   OR to_regclass(format('kpi_rollup.%I', source.name || '_day')) IS NULL
                   OR NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = source.relation
                                  AND a.attname = source.time_column AND NOT a.attisdropped)
                   OR EXISTS (SELECT FROM unnest(source.expressions) e,
                              (SELECT unnest(source.relation_columns) EXCEPT SELECT a.attname::text FROM pg_attribute a
                               WHERE a.attrelid = source.relation AND a.attnum > 0 AND NOT a.attisdropped) g(name)
                              WHERE kpi._rename_column(e, g.name, g.name || '?') <> kpi._rename_column(e, g.name, g.name))
                THEN
                    PERFORM kpi._drop_source(source);
                ELSIF dropped.original THEN
                    RAISE EXCEPTION 'view % belongs to source "%"', dropped.object_identity, source.name
                        USING ERRCODE = 'dependent_objects_still_exist',
                              HINT = format('Drop the source instead: SELECT kpi.drop_source(%L);', source.name);
                ELSE
                    PERFORM kpi._follow_dropped_columns(source);
                END IF;
            END IF;
        END IF;
        IF dropped.object_type = 'table' AND dropped.schema_name = 'kpi_rollup' THEN
            SELECT s.* INTO source FROM kpi.source s
            WHERE dropped.object_name = ANY (ARRAY[s.name || '_second', s.name || '_minute', s.name || '_quarter_hour',
                                                  s.name || '_hour', s.name || '_day']);
            IF FOUND THEN
                IF dropped.original AND to_regclass(format('kpi_rollup.%I', source.name || '_input')) IS NOT NULL THEN
                    RAISE EXCEPTION 'table % belongs to source "%"', dropped.object_identity, source.name
                        USING ERRCODE = 'dependent_objects_still_exist',
                              HINT = format('Drop the source instead: SELECT kpi.drop_source(%L);', source.name);
                END IF;
                PERFORM kpi._drop_source(source);
            END IF;
        END IF;
        IF dropped.object_type = 'view' THEN
            SELECT k.code INTO code FROM kpi.kpi k WHERE k.view::oid = dropped.objid;
            IF FOUND THEN
                IF dropped.original AND EXISTS (SELECT FROM kpi.kpi k WHERE k.view::oid = dropped.objid
                        AND to_regclass(format('kpi_rollup.%I', 'kpi_' || k.id)) IS NOT NULL) THEN
                    RAISE EXCEPTION 'view % belongs to KPI "%"', dropped.object_identity, code
                        USING ERRCODE = 'dependent_objects_still_exist',
                              HINT = format('Drop the KPI instead: SELECT kpi.drop_kpi(%L);', code);
                END IF;
                PERFORM kpi._drop_kpi(code);
            END IF;
        END IF;
    END LOOP;
    -- What was dropped with its functions is gone by now.
    IF EXISTS (SELECT FROM pg_event_trigger_dropped_objects() d WHERE d.object_type IN ('function', 'aggregate')) THEN
        PERFORM kpi._check_formulas();
    END IF;
END $$;
COMMENT ON FUNCTION kpi._on_drop() IS 'event trigger: drops sources and KPIs with what they stand on';

CREATE FUNCTION kpi._on_rename() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM kpi._check_formulas();
END $$;
COMMENT ON FUNCTION kpi._on_rename() IS 'event trigger: refuses another name for a function that a formula calls';
REVOKE ALL ON FUNCTION kpi._check_formulas(), kpi._on_rename() FROM PUBLIC;
CREATE EVENT TRIGGER kpi_on_rename ON ddl_command_end
    WHEN TAG IN ('ALTER FUNCTION', 'ALTER ROUTINE', 'ALTER AGGREGATE', 'ALTER SCHEMA') EXECUTE FUNCTION kpi._on_rename();
COMMENT ON EVENT TRIGGER kpi_on_rename IS 'refuses another name for a function that a formula calls';

REVOKE ALL ON FUNCTION kpi._lose_partitions(kpi.source, kpi.source_partition[]), kpi._settle_chunks(int), kpi._track_chunks(int)
    FROM PUBLIC;

DROP FUNCTION kpi.create_source(text, regclass, name, text[], text, interval);
CREATE FUNCTION kpi.create_source(name text, relation regclass, time_column name, dimensions text[] DEFAULT '{}',
    timezone text DEFAULT 'UTC', refresh_window interval DEFAULT NULL, on_drop text DEFAULT NULL) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'create_source_on_drop_wrapper';
COMMENT ON FUNCTION kpi.create_source(text, regclass, name, text[], text, interval, text) IS
    'makes a table, partitioned table, hypertable or view a source of KPIs; its writes are captured from now on';

CREATE FUNCTION kpi.forget(source text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'forget_wrapper';
COMMENT ON FUNCTION kpi.forget(text, timestamptz, timestamptz) IS
    'gives up the history of dropped partitions and chunks between two times: its buckets show what the relation still holds';

CREATE FUNCTION kpi._instant(source kpi.source, minute bigint) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    RETURN CASE WHEN source.time_type = 'timestamptz'::regtype
        THEN timestamptz '2000-01-01 00:00:00+00' + minute * interval '1 minute'
        ELSE (timestamp '2000-01-01' + minute * interval '1 minute') AT TIME ZONE source.timezone END;
COMMENT ON FUNCTION kpi._instant(kpi.source, bigint) IS 'when a minute of a source''s own time begins';

CREATE OR REPLACE VIEW kpi.rollup_status AS
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

-- What the columns of the views mean, for tools that show it.
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
DO $$
DECLARE
    statement text;
BEGIN
    FOR statement IN
        SELECT pg_catalog.format('COMMENT ON COLUMN %s.%I IS %L', k.view, a.attname, 'dimension' || coalesce(' of ' || s.name, ''))
        FROM kpi.kpi k JOIN pg_catalog.pg_attribute a ON a.attrelid = k.view LEFT JOIN kpi.source s ON s.id = k.source_id
        WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT IN ('ts', 'period', 'value', 'target', 'status')
    LOOP
        EXECUTE statement;
    END LOOP;
END $$;

-- Time helpers ------------------------------------------------------------------------------------------------------------

-- The time helpers that users of TimescaleDB know, with the same names, arguments and meaning.
--
-- Where both extensions are installed, the schema that comes first in search_path decides.

-- time_bucket: the start of the bucket that holds a time or a number

CREATE FUNCTION kpi.time_bucket(bucket_width interval, ts timestamptz) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket';
COMMENT ON FUNCTION kpi.time_bucket(interval, timestamptz) IS
    'start of the bucket that holds a time, counted in UTC; days and time from Monday 2000-01-03, months from January 2000';

CREATE FUNCTION kpi.time_bucket(bucket_width interval, ts timestamptz, origin timestamptz) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_origin';
COMMENT ON FUNCTION kpi.time_bucket(interval, timestamptz, timestamptz) IS
    'start of the bucket that holds a time, buckets counted from origin; of months, from that month';

CREATE FUNCTION kpi.time_bucket(bucket_width interval, ts timestamptz, "offset" interval) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_offset';
COMMENT ON FUNCTION kpi.time_bucket(interval, timestamptz, interval) IS
    'start of the bucket that holds a time, all buckets moved by offset';

CREATE FUNCTION kpi.time_bucket(bucket_width interval, ts timestamp) RETURNS timestamp
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket';
COMMENT ON FUNCTION kpi.time_bucket(interval, timestamp) IS
    'start of the bucket that holds a time; days and time from Monday 2000-01-03, months from January 2000';

CREATE FUNCTION kpi.time_bucket(bucket_width interval, ts timestamp, origin timestamp) RETURNS timestamp
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_origin';
COMMENT ON FUNCTION kpi.time_bucket(interval, timestamp, timestamp) IS
    'start of the bucket that holds a time, buckets counted from origin; of months, from that month';

CREATE FUNCTION kpi.time_bucket(bucket_width interval, ts timestamp, "offset" interval) RETURNS timestamp
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_offset';
COMMENT ON FUNCTION kpi.time_bucket(interval, timestamp, interval) IS
    'start of the bucket that holds a time, all buckets moved by offset';

CREATE FUNCTION kpi.time_bucket(
    bucket_width interval,
    ts timestamptz,
    timezone text,
    origin timestamptz DEFAULT NULL,
    "offset" interval DEFAULT NULL
) RETURNS timestamptz
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_zone';
COMMENT ON FUNCTION kpi.time_bucket(interval, timestamptz, text, timestamptz, interval) IS
    'start of the bucket that holds a time, on the wall clock of a time zone';

CREATE FUNCTION kpi.time_bucket(bucket_width interval, ts date) RETURNS date
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_date';
COMMENT ON FUNCTION kpi.time_bucket(interval, date) IS
    'start of the bucket that holds a date';

CREATE FUNCTION kpi.time_bucket(bucket_width interval, ts date, origin date) RETURNS date
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_date_origin';
COMMENT ON FUNCTION kpi.time_bucket(interval, date, date) IS
    'start of the bucket that holds a date, buckets counted from origin; of months, from that month';

CREATE FUNCTION kpi.time_bucket(bucket_width interval, ts date, "offset" interval) RETURNS date
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_date_offset';
COMMENT ON FUNCTION kpi.time_bucket(interval, date, interval) IS
    'start of the bucket that holds a date, all buckets moved by offset';

CREATE FUNCTION kpi.time_bucket(bucket_width smallint, ts smallint) RETURNS smallint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_int2';
COMMENT ON FUNCTION kpi.time_bucket(smallint, smallint) IS
    'start of the bucket that holds a number, buckets counted from zero';

CREATE FUNCTION kpi.time_bucket(bucket_width smallint, ts smallint, "offset" smallint) RETURNS smallint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_int2';
COMMENT ON FUNCTION kpi.time_bucket(smallint, smallint, smallint) IS
    'start of the bucket that holds a number, buckets counted from offset';

CREATE FUNCTION kpi.time_bucket(bucket_width int, ts int) RETURNS int
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_int4';
COMMENT ON FUNCTION kpi.time_bucket(int, int) IS
    'start of the bucket that holds a number, buckets counted from zero';

CREATE FUNCTION kpi.time_bucket(bucket_width int, ts int, "offset" int) RETURNS int
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_int4';
COMMENT ON FUNCTION kpi.time_bucket(int, int, int) IS
    'start of the bucket that holds a number, buckets counted from offset';

CREATE FUNCTION kpi.time_bucket(bucket_width bigint, ts bigint) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_int8';
COMMENT ON FUNCTION kpi.time_bucket(bigint, bigint) IS
    'start of the bucket that holds a number, buckets counted from zero';

CREATE FUNCTION kpi.time_bucket(bucket_width bigint, ts bigint, "offset" bigint) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_time_bucket_int8';
COMMENT ON FUNCTION kpi.time_bucket(bigint, bigint, bigint) IS
    'start of the bucket that holds a number, buckets counted from offset';

-- time_bucket_gapfill: all buckets of a range, as rows to join with

CREATE FUNCTION kpi.time_bucket_gapfill(bucket_width interval, start timestamptz, finish timestamptz) RETURNS SETOF timestamptz
    LANGUAGE c IMMUTABLE STRICT ROWS 1000 PARALLEL SAFE AS 'MODULE_PATHNAME', 'time_bucket_gapfill_timestamptz_wrapper';
COMMENT ON FUNCTION kpi.time_bucket_gapfill(interval, timestamptz, timestamptz) IS
    'all buckets from the one that holds start to the last that starts before finish';

CREATE FUNCTION kpi.time_bucket_gapfill(bucket_width interval, start timestamp, finish timestamp) RETURNS SETOF timestamp
    LANGUAGE c IMMUTABLE STRICT ROWS 1000 PARALLEL SAFE AS 'MODULE_PATHNAME', 'time_bucket_gapfill_timestamp_wrapper';
COMMENT ON FUNCTION kpi.time_bucket_gapfill(interval, timestamp, timestamp) IS
    'all buckets from the one that holds start to the last that starts before finish';

CREATE FUNCTION kpi.time_bucket_gapfill(bucket_width interval, start date, finish date) RETURNS SETOF date
    LANGUAGE c IMMUTABLE STRICT ROWS 1000 PARALLEL SAFE AS 'MODULE_PATHNAME', 'time_bucket_gapfill_date_wrapper';
COMMENT ON FUNCTION kpi.time_bucket_gapfill(interval, date, date) IS
    'all buckets from the one that holds start to the last that starts before finish';

CREATE FUNCTION kpi.time_bucket_gapfill(bucket_width smallint, start smallint, finish smallint) RETURNS SETOF smallint
    LANGUAGE c IMMUTABLE STRICT ROWS 1000 PARALLEL SAFE AS 'MODULE_PATHNAME', 'time_bucket_gapfill_int2_wrapper';
COMMENT ON FUNCTION kpi.time_bucket_gapfill(smallint, smallint, smallint) IS
    'all buckets from the one that holds start to the last that starts before finish';

CREATE FUNCTION kpi.time_bucket_gapfill(bucket_width int, start int, finish int) RETURNS SETOF int
    LANGUAGE c IMMUTABLE STRICT ROWS 1000 PARALLEL SAFE AS 'MODULE_PATHNAME', 'time_bucket_gapfill_int4_wrapper';
COMMENT ON FUNCTION kpi.time_bucket_gapfill(int, int, int) IS
    'all buckets from the one that holds start to the last that starts before finish';

CREATE FUNCTION kpi.time_bucket_gapfill(bucket_width bigint, start bigint, finish bigint) RETURNS SETOF bigint
    LANGUAGE c IMMUTABLE STRICT ROWS 1000 PARALLEL SAFE AS 'MODULE_PATHNAME', 'time_bucket_gapfill_int8_wrapper';
COMMENT ON FUNCTION kpi.time_bucket_gapfill(bigint, bigint, bigint) IS
    'all buckets from the one that holds start to the last that starts before finish';

CREATE FUNCTION kpi.time_bucket_gapfill(
    bucket_width interval,
    start timestamptz,
    finish timestamptz,
    timezone text,
    origin timestamptz DEFAULT NULL,
    "offset" interval DEFAULT NULL
) RETURNS SETOF timestamptz
    LANGUAGE c IMMUTABLE ROWS 1000 PARALLEL SAFE AS 'MODULE_PATHNAME', 'time_bucket_gapfill_zone_wrapper';
COMMENT ON FUNCTION kpi.time_bucket_gapfill(interval, timestamptz, timestamptz, text, timestamptz, interval) IS
    'all buckets from the one that holds start to the last that starts before finish, on the wall clock of a time zone';

-- locf and interpolate: values for the rows that gap filling has added

CREATE FUNCTION kpi.locf(
    value anyelement,
    prev anyelement DEFAULT NULL,
    treat_null_as_missing boolean DEFAULT true
) RETURNS anyelement
    LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_locf';
COMMENT ON FUNCTION kpi.locf(anyelement, anyelement, boolean) IS
    'last value of the window up to this row (last observation carried forward); prev where there is none';

CREATE FUNCTION kpi.interpolate(value smallint, ts "any", prev record DEFAULT NULL, next record DEFAULT NULL) RETURNS smallint
    LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_interpolate_int2';
COMMENT ON FUNCTION kpi.interpolate(smallint, "any", record, record) IS
    'value, or where it is NULL the one on the straight line over time between its neighbours in the window; prev and next are (time, value) beyond it';

CREATE FUNCTION kpi.interpolate(value int, ts "any", prev record DEFAULT NULL, next record DEFAULT NULL) RETURNS int
    LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_interpolate_int4';
COMMENT ON FUNCTION kpi.interpolate(int, "any", record, record) IS
    'value, or where it is NULL the one on the straight line over time between its neighbours in the window; prev and next are (time, value) beyond it';

CREATE FUNCTION kpi.interpolate(value bigint, ts "any", prev record DEFAULT NULL, next record DEFAULT NULL) RETURNS bigint
    LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_interpolate_int8';
COMMENT ON FUNCTION kpi.interpolate(bigint, "any", record, record) IS
    'value, or where it is NULL the one on the straight line over time between its neighbours in the window; prev and next are (time, value) beyond it';

CREATE FUNCTION kpi.interpolate(value real, ts "any", prev record DEFAULT NULL, next record DEFAULT NULL) RETURNS real
    LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_interpolate_float4';
COMMENT ON FUNCTION kpi.interpolate(real, "any", record, record) IS
    'value, or where it is NULL the one on the straight line over time between its neighbours in the window; prev and next are (time, value) beyond it';

CREATE FUNCTION kpi.interpolate(value float8, ts "any", prev record DEFAULT NULL, next record DEFAULT NULL) RETURNS float8
    LANGUAGE c WINDOW IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_interpolate_float8';
COMMENT ON FUNCTION kpi.interpolate(float8, "any", record, record) IS
    'value, or where it is NULL the one on the straight line over time between its neighbours in the window; prev and next are (time, value) beyond it';

-- first and last: the value of the row with the least or the greatest time

CREATE FUNCTION kpi.bookend_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_bookend_serialize';
COMMENT ON FUNCTION kpi.bookend_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION kpi.bookend_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_bookend_deserialize';
COMMENT ON FUNCTION kpi.bookend_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION kpi.bookend_final(internal, anyelement, "any") RETURNS anyelement
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_bookend_final';
COMMENT ON FUNCTION kpi.bookend_final(internal, anyelement, "any") IS 'ends the aggregate; without a time the result is NULL';

CREATE FUNCTION kpi.first_trans(internal, anyelement, "any") RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_first_trans';
COMMENT ON FUNCTION kpi.first_trans(internal, anyelement, "any") IS 'adds a row to first(value, time)';

CREATE FUNCTION kpi.first_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_first_combine';
COMMENT ON FUNCTION kpi.first_combine(internal, internal) IS 'merges the states of two workers';

CREATE AGGREGATE kpi.first(value anyelement, "time" "any") (
    SFUNC = kpi.first_trans, STYPE = internal, SSPACE = 128, FINALFUNC = kpi.bookend_final, FINALFUNC_EXTRA,
    COMBINEFUNC = kpi.first_combine, SERIALFUNC = kpi.bookend_serialize, DESERIALFUNC = kpi.bookend_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.first(anyelement, "any") IS
    'value of the row with the least time; rows whose time is NULL are skipped';

CREATE FUNCTION kpi.last_trans(internal, anyelement, "any") RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_last_trans';
COMMENT ON FUNCTION kpi.last_trans(internal, anyelement, "any") IS 'adds a row to last(value, time)';

CREATE FUNCTION kpi.last_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_last_combine';
COMMENT ON FUNCTION kpi.last_combine(internal, internal) IS 'merges the states of two workers';

CREATE AGGREGATE kpi.last(value anyelement, "time" "any") (
    SFUNC = kpi.last_trans, STYPE = internal, SSPACE = 128, FINALFUNC = kpi.bookend_final, FINALFUNC_EXTRA,
    COMBINEFUNC = kpi.last_combine, SERIALFUNC = kpi.bookend_serialize, DESERIALFUNC = kpi.bookend_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.last(anyelement, "any") IS
    'value of the row with the greatest time; rows whose time is NULL are skipped';

-- histogram: counts in equally wide buckets

CREATE FUNCTION kpi.histogram_trans(internal, float8, float8, float8, int) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_histogram_trans';
COMMENT ON FUNCTION kpi.histogram_trans(internal, float8, float8, float8, int) IS 'adds a value to a histogram';

CREATE FUNCTION kpi.histogram_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_histogram_combine';
COMMENT ON FUNCTION kpi.histogram_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION kpi.histogram_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_histogram_serialize';
COMMENT ON FUNCTION kpi.histogram_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION kpi.histogram_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_histogram_deserialize';
COMMENT ON FUNCTION kpi.histogram_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION kpi.histogram_final(internal) RETURNS int[]
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_histogram_final';
COMMENT ON FUNCTION kpi.histogram_final(internal) IS 'ends the aggregate; without values the result is NULL';

CREATE AGGREGATE kpi.histogram(value float8, min float8, max float8, nbuckets int) (
    SFUNC = kpi.histogram_trans, STYPE = internal, SSPACE = 512, FINALFUNC = kpi.histogram_final,
    COMBINEFUNC = kpi.histogram_combine, SERIALFUNC = kpi.histogram_serialize,
    DESERIALFUNC = kpi.histogram_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.histogram(float8, float8, float8, int) IS
    'counts of values below min, in nbuckets equally wide buckets from min to max, and from max on';

-- Jobs: what is to run, when, as whom, and what became of each run.

CREATE TABLE kpi.job (
    id          int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    kind        text NOT NULL,
    procedure   text,
    schedule    interval,
    cron        text,
    timezone    text NOT NULL,
    config      jsonb NOT NULL,
    owner       regrole NOT NULL,
    max_retries int NOT NULL,
    timeout     interval,
    catch_up    text NOT NULL,
    paused      bool NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT now(),
    next_run    timestamptz NOT NULL,
    due         timestamptz NOT NULL,
    failures    int NOT NULL DEFAULT 0,
    failed      bool NOT NULL DEFAULT false
) WITH (fillfactor = 50);
COMMENT ON TABLE kpi.job IS 'jobs, one row each; changed by kpi.create_job, kpi.alter_job, kpi.pause_job and kpi.drop_job';

CREATE TABLE kpi.job_run (
    id          bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    job_id      int NOT NULL,
    due         timestamptz NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    outcome     text NOT NULL DEFAULT 'running',
    rows        bigint,
    sqlstate    text,
    message     text,
    pid         int
) WITH (fillfactor = 70);
CREATE INDEX job_run_job ON kpi.job_run (job_id, id);
COMMENT ON TABLE kpi.job_run IS 'runs of jobs; bounded by kpi.run_history';

-- pg_dump reads it as whoever calls it.
GRANT SELECT ON kpi.job TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('kpi.job', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.job_id_seq', '');

-- Times --------------------------------------------------------------------------------------------------------------

CREATE FUNCTION kpi._cron_next(cron text, timezone text, after timestamptz) RETURNS timestamptz
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cron_next_wrapper';
COMMENT ON FUNCTION kpi._cron_next(text, text, timestamptz) IS 'the first time after another that a cron expression names, on the clocks of a time zone';

-- The runs of an interval stand on a grid that begins at the first one; what has a day or a month in it is added on the clocks
-- of the job's time zone.
CREATE FUNCTION kpi._next_run(schedule interval, cron text, timezone text, due timestamptz, after timestamptz) RETURNS timestamptz
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    local timestamp := due AT TIME ZONE timezone;
    steps bigint;
    width float8 := extract(epoch FROM schedule);
BEGIN
    IF cron IS NOT NULL THEN
        RETURN kpi._cron_next(cron, timezone, greatest(due, after));
    END IF;
    IF extract(year FROM schedule) = 0 AND extract(month FROM schedule) = 0 AND extract(day FROM schedule) = 0 THEN
        steps := greatest(1, floor(extract(epoch FROM after - due) / width)::bigint + 1);
        RETURN due + make_interval(secs => steps * width);
    END IF;
    steps := greatest(1, floor(extract(epoch FROM after - due) / width)::bigint - 2);
    LOOP
        EXIT WHEN (local + schedule * steps) AT TIME ZONE timezone > after;
        steps := steps + 1;
    END LOOP;
    RETURN (local + schedule * steps) AT TIME ZONE timezone;
END $$;
COMMENT ON FUNCTION kpi._next_run(interval, text, text, timestamptz, timestamptz) IS 'the first run of a schedule after a time';

-- Defining -----------------------------------------------------------------------------------------------------------

CREATE FUNCTION kpi.create_job(name text, procedure text, schedule text, config jsonb DEFAULT '{}', timezone text DEFAULT 'UTC',
    owner regrole DEFAULT NULL, max_retries int DEFAULT 5, timeout interval DEFAULT NULL, catch_up text DEFAULT 'once',
    first_run timestamptz DEFAULT NULL) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'create_job_wrapper';
COMMENT ON FUNCTION kpi.create_job(text, text, text, jsonb, text, regrole, int, interval, text, timestamptz) IS
    'defines a job: refresh, alerts, refit, archive, retention, rotate, clean or a procedure of yours, by an interval or a cron expression';

CREATE FUNCTION kpi.alter_job(name text, schedule text DEFAULT NULL, config jsonb DEFAULT NULL, timezone text DEFAULT NULL,
    owner regrole DEFAULT NULL, max_retries int DEFAULT NULL, timeout interval DEFAULT NULL, catch_up text DEFAULT NULL,
    next_run timestamptz DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'alter_job_wrapper';
COMMENT ON FUNCTION kpi.alter_job(text, text, jsonb, text, regrole, int, interval, text, timestamptz) IS
    'changes what is given and keeps the rest; a job that had failed for good starts over';

CREATE FUNCTION kpi.drop_job(name text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'drop_job_wrapper';
COMMENT ON FUNCTION kpi.drop_job(text) IS 'drops a job and its history; a run that is under way ends by itself';

CREATE FUNCTION kpi.pause_job(name text, paused bool DEFAULT true) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pause_job_wrapper';
COMMENT ON FUNCTION kpi.pause_job(text, bool) IS 'pauses a job, or has it go on with its next run from now';

CREATE FUNCTION kpi.run_job(name text) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'run_job_wrapper';
COMMENT ON FUNCTION kpi.run_job(text) IS 'runs a job now, in this transaction, as its owner; returns the rows it reports';

CREATE FUNCTION kpi._extension_is_there() RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'extension_is_there_wrapper';
REVOKE ALL ON FUNCTION kpi._extension_is_there() FROM PUBLIC;
COMMENT ON FUNCTION kpi._extension_is_there() IS 'tells the background workers, at the commit, that this database has the extension';

CREATE FUNCTION kpi._is_running(job int) RETURNS bool
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'is_running_wrapper';
COMMENT ON FUNCTION kpi._is_running(int) IS 'whether a session of this server runs a job now';

CREATE FUNCTION kpi.worker_status() RETURNS text
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'worker_status_wrapper';
COMMENT ON FUNCTION kpi.worker_status() IS 'whether this database has a background worker, and if not, why and what to do';

-- Looking ------------------------------------------------------------------------------------------------------------

CREATE VIEW kpi.jobs WITH (security_barrier) AS
SELECT j.name, j.kind, j.procedure, coalesce(j.cron, j.schedule::text) AS schedule, j.timezone, j.config, j.owner,
       CASE WHEN j.paused THEN 'paused' WHEN j.failed THEN 'failed' WHEN r.outcome = 'running' AND kpi._is_running(j.id) THEN 'running'
            WHEN j.failures > 0 THEN 'retrying' ELSE 'waiting' END AS state,
       CASE WHEN NOT j.paused AND NOT j.failed THEN j.next_run END AS next_run,
       CASE WHEN NOT j.paused AND NOT j.failed THEN greatest(clock_timestamp() - j.next_run, interval '0') END AS lag,
       j.failures, j.max_retries, j.timeout, j.catch_up,
       r.started_at AS last_run, r.finished_at - r.started_at AS last_duration, r.outcome AS last_outcome, e.message AS last_error,
       e.finished_at AS last_error_at
FROM kpi.job j
LEFT JOIN LATERAL (SELECT * FROM kpi.job_run r WHERE r.job_id = j.id ORDER BY r.id DESC LIMIT 1) r ON true
LEFT JOIN LATERAL (SELECT r.sqlstate || ': ' || r.message AS message, r.finished_at FROM kpi.job_run r
                   WHERE r.job_id = j.id AND r.sqlstate IS NOT NULL ORDER BY r.id DESC LIMIT 1) e ON true
WHERE pg_catalog.pg_has_role(j.owner, 'USAGE') OR pg_catalog.pg_has_role('pg_monitor', 'USAGE');
COMMENT ON VIEW kpi.jobs IS 'the jobs of the reader''s roles, all for members of pg_monitor: state, next and last run, last error, how late the next run is';

CREATE VIEW kpi.job_runs WITH (security_barrier) AS
SELECT r.id, j.name AS job, r.due, r.started_at, r.finished_at, r.outcome, r.rows, r.sqlstate, r.message, r.pid
FROM kpi.job_run r JOIN kpi.job j ON j.id = r.job_id
WHERE pg_catalog.pg_has_role(j.owner, 'USAGE') OR pg_catalog.pg_has_role('pg_monitor', 'USAGE');
COMMENT ON VIEW kpi.job_runs IS 'runs of the jobs of the reader''s roles, all for members of pg_monitor: when each was due, began and ended, and what became of it';

GRANT SELECT ON kpi.jobs, kpi.job_runs TO PUBLIC;

-- Streaming: what is published, the log of changes, and those who read it.

CREATE TABLE kpi.stream (
    kpi_id     int NOT NULL,
    period     text NOT NULL,
    by         text[] NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kpi_id, period, by)
);
COMMENT ON TABLE kpi.stream IS 'what kpi.start_stream publishes, whether or not there are subscribers';

CREATE TABLE kpi.subscriber (
    name       text PRIMARY KEY,
    owner      regrole NOT NULL,
    codes      text[],
    periods    text[] NOT NULL,
    by         text[] NOT NULL,
    keep       interval NOT NULL,
    acked      bigint NOT NULL,
    seen_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
COMMENT ON TABLE kpi.subscriber IS 'durable readers of the log of changes, and how far each has come';

-- Three segments, of which one is written; the others are emptied by TRUNCATE when nobody needs them, which leaves no dead rows.
CREATE TABLE kpi.change_log_0 (
    number      bigint PRIMARY KEY,
    committed   timestamptz NOT NULL,
    code        text NOT NULL,
    period      text NOT NULL,
    by          text[] NOT NULL,
    bucket      timestamptz NOT NULL,
    dimensions  jsonb NOT NULL,
    value       float8,
    previous    float8,
    status      text,
    data_points bigint NOT NULL,
    changes     bigint NOT NULL
);
CREATE TABLE kpi.change_log_1 (LIKE kpi.change_log_0 INCLUDING ALL);
CREATE TABLE kpi.change_log_2 (LIKE kpi.change_log_0 INCLUDING ALL);
COMMENT ON TABLE kpi.change_log_0 IS 'a segment of the log of changes; read kpi.change';
COMMENT ON TABLE kpi.change_log_1 IS 'a segment of the log of changes; read kpi.change';
COMMENT ON TABLE kpi.change_log_2 IS 'a segment of the log of changes; read kpi.change';

-- One row. base is the last number before the segment that is written; its lock makes the order of numbers that of commits.
CREATE TABLE kpi.change_head (
    segment   int NOT NULL,
    base      bigint NOT NULL,
    opened_at timestamptz NOT NULL
);
-- Without a key, a publication FOR ALL TABLES would refuse the rotation its UPDATE.
ALTER TABLE kpi.change_head REPLICA IDENTITY FULL;
INSERT INTO kpi.change_head VALUES (0, 0, clock_timestamp());
COMMENT ON TABLE kpi.change_head IS 'which segment of the log of changes is written';

CREATE TABLE kpi.stream_failure (
    source_id int PRIMARY KEY,
    failed_at timestamptz NOT NULL,
    failures  int NOT NULL,
    sqlstate  text NOT NULL,
    message   text NOT NULL
);
COMMENT ON TABLE kpi.stream_failure IS 'streamed sources that the worker could not refresh when it last tried';

-- pg_dump reads it as whoever calls it.
GRANT SELECT ON kpi.stream TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('kpi.stream', '');

CREATE VIEW kpi._change AS
SELECT * FROM kpi.change_log_0 UNION ALL SELECT * FROM kpi.change_log_1 UNION ALL SELECT * FROM kpi.change_log_2;
COMMENT ON VIEW kpi._change IS 'the log of changes, of all KPIs';

CREATE VIEW kpi.change WITH (security_barrier) AS
SELECT c.number, c.committed, c.code, c.period, c.bucket, c.dimensions, c.value, c.previous, c.status, c.data_points, c.changes
FROM kpi._change c JOIN kpi.kpi k USING (code)
WHERE pg_catalog.has_table_privilege(k.view, 'SELECT');
COMMENT ON VIEW kpi.change IS 'the log of changes of the KPIs that the reader may see, numbered in the order of their commits';
GRANT SELECT ON kpi.change TO PUBLIC;

-- What is published: streams, and for each subscriber the KPIs, periods and dimensions it asked for.
CREATE VIEW kpi._published AS
WITH asked AS MATERIALIZED (
    -- A thousand subscribers who ask for the same are one.
    SELECT DISTINCT codes, periods, by FROM kpi.subscriber)
SELECT k.id AS kpi_id, k.code, s.period, s.by FROM kpi.stream s JOIN kpi.kpi k ON k.id = s.kpi_id
UNION
SELECT k.id, k.code, p.period, a.by FROM asked a CROSS JOIN LATERAL unnest(a.periods) p(period) CROSS JOIN kpi.kpi k WHERE a.codes IS NULL
UNION
SELECT k.id, k.code, p.period, a.by
FROM asked a CROSS JOIN LATERAL unnest(a.codes) c(code) CROSS JOIN LATERAL unnest(a.periods) p(period) JOIN kpi.kpi k ON k.code = c.code;
COMMENT ON VIEW kpi._published IS 'codes, periods and dimensions whose changes are logged and announced';

-- The sources that a KPI is computed from, through whatever it combines.
CREATE FUNCTION kpi._sources(kpi_id int) RETURNS SETOF int
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH RECURSIVE parts AS (
        SELECT k.id, k.source_id, k.requires FROM kpi.kpi k WHERE k.id = _sources.kpi_id
        UNION
        SELECT k.id, k.source_id, k.requires FROM parts p JOIN kpi.kpi k ON k.code = ANY (p.requires))
    SELECT DISTINCT source_id FROM parts WHERE source_id IS NOT NULL;
END;
COMMENT ON FUNCTION kpi._sources(int) IS 'the sources behind a KPI';

CREATE FUNCTION kpi.channel(code text, period text) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'channel_of_wrapper';
COMMENT ON FUNCTION kpi.channel(text, text) IS 'the name of the channel on which changes of a KPI are announced: LISTEN "..."';

CREATE FUNCTION kpi.start_stream(code text, period text, by text[] DEFAULT '{}') RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'start_stream_wrapper';
COMMENT ON FUNCTION kpi.start_stream(text, text, text[]) IS 'publishes a KPI by minute, hour or day from now on; returns the channel to listen on';

CREATE FUNCTION kpi.stop_stream(code text, period text DEFAULT NULL, by text[] DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'stop_stream_wrapper';
COMMENT ON FUNCTION kpi.stop_stream(text, text, text[]) IS 'ends what kpi.start_stream began; subscribers keep what they asked for';

CREATE FUNCTION kpi.add_subscriber(name text, codes text[] DEFAULT NULL, periods text[] DEFAULT '{minute,hour,day}',
    by text[] DEFAULT '{}', keep interval DEFAULT '1 day') RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'add_subscriber_wrapper';
COMMENT ON FUNCTION kpi.add_subscriber(text, text[], text[], text[], interval) IS
    'a durable reader of changes, all KPIs if none are named; returns the number after which its changes begin';

CREATE FUNCTION kpi.remove_subscriber(name text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'remove_subscriber_wrapper';
COMMENT ON FUNCTION kpi.remove_subscriber(text) IS 'ends a subscription';

CREATE FUNCTION kpi.poll(name text, max int DEFAULT 100, wait interval DEFAULT '0') RETURNS SETOF kpi.change
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100 AS 'MODULE_PATHNAME', 'kpi_poll';
COMMENT ON FUNCTION kpi.poll(text, int, interval) IS
    'the changes that a subscriber has not acknowledged, in order; waits for one where there is none';

CREATE FUNCTION kpi.ack(name text, number bigint) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ack_wrapper';
COMMENT ON FUNCTION kpi.ack(text, bigint) IS 'a subscriber has dealt with all changes up to a number';

CREATE FUNCTION kpi.changes_since(number bigint, codes text[] DEFAULT NULL, periods text[] DEFAULT NULL, max int DEFAULT 1000)
    RETURNS SETOF kpi.change
    LANGUAGE c STABLE PARALLEL UNSAFE ROWS 100 AS 'MODULE_PATHNAME', 'kpi_changes_since';
COMMENT ON FUNCTION kpi.changes_since(bigint, text[], text[], int) IS
    'the changes after a number; an error where the log no longer reaches back that far';

CREATE FUNCTION kpi.last_change() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    RETURN (SELECT greatest((SELECT base FROM kpi.change_head), (SELECT max(number) FROM kpi.change_log_0),
        (SELECT max(number) FROM kpi.change_log_1), (SELECT max(number) FROM kpi.change_log_2)));
COMMENT ON FUNCTION kpi.last_change() IS 'the number of the latest change of any KPI; 0 before the first';

CREATE VIEW kpi.stream_status WITH (security_barrier) AS
WITH log AS (
    SELECT code, period, by, max(number) AS last_number, max(committed) AS last_change,
           count(*) FILTER (WHERE committed > clock_timestamp() - interval '1 minute') AS changes_last_minute
    FROM kpi._change GROUP BY code, period, by)
SELECT 'stream' AS kind, p.code || '.' || p.period AS name, p.code, p.period, p.by, l.last_number AS number, NULL::bigint AS lag,
       clock_timestamp() - l.last_change AS age, coalesce(l.changes_last_minute, 0) AS changes_last_minute,
       (SELECT count(*) FROM kpi.subscriber s WHERE s.by = p.by AND p.period = ANY (s.periods) AND (s.codes IS NULL OR p.code = ANY (s.codes)))
           AS subscribers,
       (SELECT string_agg(f.sqlstate || ': ' || f.message, '; ') FROM kpi.stream_failure f WHERE f.source_id IN (SELECT kpi._sources(p.kpi_id)))
           AS error
FROM kpi._published p LEFT JOIN log l ON l.code = p.code AND l.period = p.period AND l.by = p.by
JOIN kpi.kpi k ON k.id = p.kpi_id
WHERE pg_catalog.has_table_privilege(k.view, 'SELECT') OR pg_catalog.pg_has_role('pg_monitor', 'USAGE')
UNION ALL
SELECT 'subscriber', s.name, NULL, NULL, s.by, s.acked, kpi.last_change() - s.acked, clock_timestamp() - s.seen_at, NULL, NULL,
       CASE WHEN clock_timestamp() - s.seen_at > s.keep THEN 'has not come back within ' || s.keep || ' and is about to be removed' END
FROM kpi.subscriber s WHERE pg_catalog.pg_has_role(s.owner, 'USAGE') OR pg_catalog.pg_has_role('pg_monitor', 'USAGE');
COMMENT ON VIEW kpi.stream_status IS
    'every stream and subscriber: its last number, how many changes it lags behind, how long ago, changes of the last minute';
GRANT SELECT ON kpi.stream_status TO PUBLIC;

-- Archive: the wrapper that reads objects as tables, and what is written down of objects. What says which rows are where is
-- configuration, so that a dump carries it; none is read or written but by functions of the extension.

-- Wrapper ------------------------------------------------------------------------------------------------------------

CREATE FUNCTION kpi._archive_handler() RETURNS fdw_handler
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'kpi_archive_handler';
COMMENT ON FUNCTION kpi._archive_handler() IS 'reads archived rows as a foreign table, pruned by file, row group and page';

CREATE FUNCTION kpi._archive_validator(options text[], catalog oid) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'kpi_archive_validator';
COMMENT ON FUNCTION kpi._archive_validator(text[], oid) IS 'checks the options of stores, of their user mappings and of archived tables';

CREATE FOREIGN DATA WRAPPER kpi_archive HANDLER kpi._archive_handler VALIDATOR kpi._archive_validator;
COMMENT ON FOREIGN DATA WRAPPER kpi_archive IS 'tables whose old rows are Parquet objects in a store';

-- Foreign tables and tables of late rows live here; their owner is the archived table's owner.
CREATE SCHEMA kpi_archive;
COMMENT ON SCHEMA kpi_archive IS 'archived rows of tables as foreign tables of pg_kpi; read them through their parent';
GRANT USAGE ON SCHEMA kpi_archive TO PUBLIC;

-- Tables -------------------------------------------------------------------------------------------------------------

-- Times of the manifest are microseconds since 1970 as the time column holds them, ranges half-open; the ends of bigint are
-- -infinity and infinity.

CREATE TABLE kpi.retention (
    id             int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    relation       regclass NOT NULL UNIQUE,
    table_name     text NOT NULL,
    time_column    name NOT NULL,
    kind           text NOT NULL,
    server         name,
    archive_after  interval,
    drop_after     interval,
    grace          interval NOT NULL DEFAULT '1 day',
    compression    text NOT NULL DEFAULT 'zstd',
    bloom          text[] NOT NULL DEFAULT '{}',
    before_archive regprocedure,
    after_archive  regprocedure,
    late           regclass,
    layout         int NOT NULL DEFAULT 0,
    fields         int NOT NULL DEFAULT 0,
    archived_at    timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE kpi.retention IS 'tables of which rows are archived or dropped by age; changed by kpi.set_retention and kpi.drop_retention';

CREATE TABLE kpi.retention_override (
    retention_id int NOT NULL,
    condition    text NOT NULL,
    search_path  text NOT NULL,
    drop_after   interval,
    PRIMARY KEY (retention_id, condition)
);
COMMENT ON TABLE kpi.retention_override IS 'rows of a table that are dropped at a time of their own, or never';

CREATE TABLE kpi.archive_segment (
    foreign_table regclass PRIMARY KEY,
    retention_id  int NOT NULL,
    since         bigint NOT NULL,
    until         bigint NOT NULL
);
COMMENT ON TABLE kpi.archive_segment IS 'the range, in microseconds since 1970, that a foreign table of an archived table shows';

CREATE TABLE kpi.archive_file (
    id           bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    retention_id int NOT NULL,
    key          text NOT NULL,
    bytes        bigint NOT NULL,
    rows         bigint NOT NULL,
    row_groups   int NOT NULL,
    since        bigint NOT NULL,
    until        bigint NOT NULL,
    min_time     bigint NOT NULL,
    max_time     bigint NOT NULL,
    sorted       bool NOT NULL,
    whole        bool NOT NULL,
    statistics   jsonb NOT NULL,
    metadata     jsonb NOT NULL,
    overridden   text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX archive_file_time ON kpi.archive_file (retention_id, max_time);
CREATE INDEX archive_file_key ON kpi.archive_file (key);
COMMENT ON TABLE kpi.archive_file IS 'the manifest: objects, and the range of time, in microseconds since 1970, that each of them shows';

CREATE TABLE kpi.archive_restored (
    retention_id int NOT NULL,
    since        bigint NOT NULL,
    until        bigint NOT NULL,
    local_until  timestamptz NOT NULL
);
COMMENT ON TABLE kpi.archive_restored IS 'restored ranges, and how long they are not archived again';

-- Files know a column by a number that nothing changes: neither another name, nor a dump, which counts columns anew.
CREATE TABLE kpi.archive_column (
    retention_id int NOT NULL,
    name         name NOT NULL,
    field_id     int NOT NULL,
    type         text,
    value        text,
    PRIMARY KEY (retention_id, name)
);
COMMENT ON TABLE kpi.archive_column IS 'the numbers by which files know the columns of an archived table, and what rows that were archived before a column was added with a default have in it';

CREATE TABLE kpi.legal_hold (
    id       int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    relation regclass NOT NULL,
    since    timestamptz NOT NULL,
    until    timestamptz NOT NULL,
    reason   text NOT NULL,
    held_by  regrole NOT NULL,
    held_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE kpi.legal_hold IS 'ranges of tables that nothing archives or drops; changed by kpi.hold and kpi.release';

-- One row at most: which database the objects belong to.
CREATE TABLE kpi.archive_owner (
    id       uuid PRIMARY KEY,
    cluster  bigint NOT NULL,
    database oid NOT NULL
);
COMMENT ON TABLE kpi.archive_owner IS 'the database that writes and deletes objects under a name of its own; a copy of it must not';

-- No configuration: a dump is none of these transactions' business.
CREATE TABLE kpi.archive_intent (
    id           uuid PRIMARY KEY,
    retention_id int NOT NULL,
    kind         text NOT NULL,
    partition    oid,
    since        bigint NOT NULL,
    until        bigint NOT NULL,
    shape        text NOT NULL,
    replaces     bigint[] NOT NULL DEFAULT '{}',
    files        jsonb NOT NULL DEFAULT '[]',
    condition    text,
    prefix       text,
    state        text NOT NULL DEFAULT 'begun',
    started_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE kpi.archive_intent IS 'what is being archived; a row that no session works on was interrupted and is cleared away by the next run';

CREATE TABLE kpi.archive_mark (partition oid NOT NULL);
COMMENT ON TABLE kpi.archive_mark IS 'parts that were written to while they were being archived';

CREATE TABLE kpi.archive_garbage (
    server       name NOT NULL,
    key          text NOT NULL,
    bytes        bigint NOT NULL,
    relation     text NOT NULL,
    removed_by   xid8 NOT NULL,
    removed_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    delete_after timestamptz NOT NULL,
    reason       text NOT NULL,
    buried       bool NOT NULL DEFAULT false,
    PRIMARY KEY (server, key)
);
COMMENT ON TABLE kpi.archive_garbage IS 'objects that nothing shows any more, and when they may be deleted';

SELECT pg_catalog.pg_extension_config_dump('kpi.retention', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.retention_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.retention_override', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.archive_segment', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.archive_file', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.archive_file_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.archive_restored', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.archive_column', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.legal_hold', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.legal_hold_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.archive_owner', '');
-- pg_dump reads them as whoever calls it.
GRANT SELECT ON kpi.retention, kpi.retention_override, kpi.archive_segment, kpi.archive_restored, kpi.archive_column, kpi.legal_hold TO PUBLIC;

-- What an archived table consists of: its local parts, their times, and what holds them.

-- Times of ranges are microseconds since 1970 in UTC, infinite ones the ends of bigint. What has no time zone counts as UTC.
CREATE FUNCTION kpi._unix_us("time" timestamptz) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    RETURN CASE "time" WHEN 'infinity' THEN 9223372036854775807 WHEN '-infinity' THEN -9223372036854775808
           ELSE (extract(epoch FROM "time") * 1000000)::bigint END;
COMMENT ON FUNCTION kpi._unix_us(timestamptz) IS 'microseconds since 1970';

CREATE FUNCTION kpi._from_unix_us(us bigint) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    RETURN CASE us WHEN 9223372036854775807 THEN timestamptz 'infinity' WHEN -9223372036854775808 THEN timestamptz '-infinity'
           -- In two steps, since the factor of an interval is a float8.
           ELSE timestamptz 'epoch' + (us / 3600000000) * interval '1 hour' + (us % 3600000000) * interval '1 microsecond' END;
COMMENT ON FUNCTION kpi._from_unix_us(bigint) IS 'the time that is so many microseconds after 1970';

-- A bound as a partition's definition shows it, read under DateStyle ISO and in UTC.
CREATE FUNCTION kpi._bound_us(bound text) RETURNS bigint
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
    RETURN CASE bound WHEN 'MINVALUE' THEN -9223372036854775808 WHEN 'MAXVALUE' THEN 9223372036854775807
           ELSE kpi._unix_us(trim('''' FROM bound)::timestamptz) END;
COMMENT ON FUNCTION kpi._bound_us(text) IS 'a bound of a partition in microseconds since 1970';

CREATE FUNCTION kpi._bound(us bigint) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
    RETURN CASE us WHEN -9223372036854775808 THEN 'MINVALUE' WHEN 9223372036854775807 THEN 'MAXVALUE'
           ELSE quote_literal(kpi._from_unix_us(us)::text) END;
COMMENT ON FUNCTION kpi._bound(bigint) IS 'microseconds since 1970 as a bound of a partition';

-- What there is ------------------------------------------------------------------------------------------------------

-- The local parts of a table that a bound of time holds together: partitions, or chunks.
CREATE FUNCTION kpi._archive_parts(retention kpi.retention) RETURNS TABLE (part regclass, since bigint, until bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
BEGIN
    IF retention.kind = 'native' THEN
        RETURN QUERY
            SELECT b.relid, kpi._bound_us(b.edges[1]), kpi._bound_us(b.edges[2])
            FROM (SELECT c.oid::regclass AS relid,
                         regexp_match(pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM \((.*)\) TO \((.*)\)$') AS edges
                  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                  WHERE i.inhparent = retention.relation AND c.relkind IN ('r', 'p') AND NOT i.inhdetachpending) b
            WHERE b.edges IS NOT NULL ORDER BY 2;
    ELSE
        RETURN QUERY EXECUTE
            'SELECT format(''%I.%I'', k.chunk_schema, k.chunk_name)::regclass, kpi._unix_us(k.range_start), kpi._unix_us(k.range_end)
             FROM timescaledb_information.chunks k JOIN pg_namespace n ON n.nspname = k.hypertable_schema
             JOIN pg_class c ON c.relname = k.hypertable_name AND c.relnamespace = n.oid
             WHERE c.oid = $1 ORDER BY 2' USING retention.relation::oid;
    END IF;
END $$;
COMMENT ON FUNCTION kpi._archive_parts(kpi.retention) IS 'partitions or chunks of a table that are local, with their bounds';

-- The time before which rows are due, in the table's own reckoning.
CREATE FUNCTION kpi._cutoff(after interval) RETURNS bigint
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    RETURN kpi._unix_us(now() - after);
COMMENT ON FUNCTION kpi._cutoff(interval) IS 'so long ago, in microseconds since 1970';

CREATE FUNCTION kpi._held(relation regclass, since bigint, until bigint) RETURNS bool
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    RETURN EXISTS (SELECT FROM kpi.legal_hold h WHERE h.relation = _held.relation
                   AND kpi._unix_us(h.since) < _held.until AND kpi._unix_us(h.until) > _held.since);
COMMENT ON FUNCTION kpi._held(regclass, bigint, bigint) IS 'whether a legal hold covers any of a range';

-- What a file holds must be what the table had when it was exported.
CREATE FUNCTION kpi._archive_shape(relation regclass) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    RETURN (SELECT string_agg(format('%s %I %s', a.attnum, a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
            FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped);
COMMENT ON FUNCTION kpi._archive_shape(regclass) IS 'the columns of a table, with numbers and types';

-- How a part goes from local to archived: watched for writes while it is exported, then put out of the table as its objects
-- come in.
--
-- The order of things is the protocol: the intent is committed before an object is written, objects are read back before the
-- local rows go, and rows go in the transaction that makes the objects visible. Whatever stops it in between leaves the rows
-- where they were, and an intent that the next run clears away.

-- Notes the next part that is due and sets what tells whether it is written to from now on. NULL: nothing is due.
CREATE FUNCTION kpi._archive_begin(retention kpi.retention, cutoff bigint) RETURNS uuid
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    due record;
    late record;
    intent uuid := gen_random_uuid();
BEGIN
    -- Whoever is dropping the table or a part of it is waited for here.
    EXECUTE format('LOCK TABLE ONLY %s IN ACCESS SHARE MODE', retention.relation);
    SELECT p.* INTO due FROM kpi._archive_parts(retention) p
        WHERE p.until <= cutoff AND NOT kpi._held(retention.relation, p.since, p.until)
          AND NOT EXISTS (SELECT FROM kpi.archive_restored s WHERE s.retention_id = retention.id
                          AND s.local_until > now() AND s.since < p.until AND s.until > p.since)
        ORDER BY p.since LIMIT 1;
    IF NOT FOUND THEN
        SELECT l.* INTO late FROM kpi._archive_late(retention, cutoff) l;
        IF late.since IS NULL THEN
            RETURN NULL;
        END IF;
        INSERT INTO kpi.archive_intent (id, retention_id, kind, since, until, shape, replaces)
            VALUES (intent, retention.id, 'late', late.since, late.until, kpi._archive_shape(retention.relation), late.files);
        RETURN intent;
    END IF;
    PERFORM kpi._archive_watch(retention, due.part);
    INSERT INTO kpi.archive_intent (id, retention_id, kind, partition, since, until, shape)
        VALUES (intent, retention.id, 'archive', due.part, due.since, due.until, kpi._archive_shape(retention.relation));
    RETURN intent;
END $$;
COMMENT ON FUNCTION kpi._archive_begin(kpi.retention, bigint) IS 'commits to archive the next part that is due';

-- The triggers wait for writers that are under way and have every later one leave a mark when it commits.
CREATE FUNCTION kpi._archive_watch(retention kpi.retention, part regclass) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = part AND t.tgname = 'kpi_archive_row') THEN
        RETURN;
    END IF;
    PERFORM kpi._archive_part_command(retention.kind,
        format('CREATE TRIGGER kpi_archive_row AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW
                WHEN (kpi._archive_mark(%s)) EXECUTE FUNCTION kpi._archive_marked()', part, part::oid));
    PERFORM kpi._archive_part_command(retention.kind,
        format('CREATE TRIGGER kpi_archive_truncate AFTER TRUNCATE ON %s EXECUTE FUNCTION kpi._archive_marked(%L)', part, part::oid));
    PERFORM kpi._archive_part_command(retention.kind,
        format('ALTER TABLE %s ENABLE ALWAYS TRIGGER kpi_archive_row, ENABLE ALWAYS TRIGGER kpi_archive_truncate', part));
END $$;
COMMENT ON FUNCTION kpi._archive_watch(kpi.retention, regclass) IS 'has writes to a partition or chunk leave a mark';

CREATE FUNCTION kpi._archive_unwatch(retention_id int, part oid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    kind text := (SELECT r.kind FROM kpi.retention r WHERE r.id = _archive_unwatch.retention_id);
BEGIN
    IF EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = part AND t.tgname = 'kpi_archive_row') THEN
        PERFORM kpi._archive_part_command(kind, format('DROP TRIGGER kpi_archive_row ON %1$s; DROP TRIGGER kpi_archive_truncate ON %1$s', part::regclass));
    END IF;
    DELETE FROM kpi.archive_mark m WHERE m.partition = part;
END $$;
COMMENT ON FUNCTION kpi._archive_unwatch(int, oid) IS 'has writes to a partition or chunk leave no mark any more';

CREATE FUNCTION kpi._archive_part_command(kind text, command text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF kind = 'native' THEN
        EXECUTE command;
    ELSE
        PERFORM kpi._on_chunk(command);
    END IF;
END $$;
COMMENT ON FUNCTION kpi._archive_part_command(text, text) IS 'runs a command on a partition, or on a chunk';

-- Locks what a switch changes. Waiting in the queue for long would hold up everybody behind, so each wait is short.
CREATE FUNCTION kpi._archive_lock(relations regclass[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    one regclass;
    patience timestamptz := clock_timestamp() + interval '60 seconds';
    tries int := 0;
    kept text := current_setting('lock_timeout');
BEGIN
    LOOP
        BEGIN
            PERFORM set_config('lock_timeout', '300ms', true);
            FOREACH one IN ARRAY relations LOOP
                IF NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = one) THEN
                    RAISE EXCEPTION 'a table was dropped by another session' USING ERRCODE = 'undefined_table',
                        DETAIL = 'It was there when this step began. Nothing else has changed.', HINT = 'Call it again: it clears away what is left.';
                END IF;
                EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', one);
            END LOOP;
            PERFORM set_config('lock_timeout', kept, true);
            RETURN;
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            tries := tries + 1;
            IF clock_timestamp() > patience THEN
                RAISE EXCEPTION 'table % is in use', relations[1]
                    USING ERRCODE = 'lock_not_available',
                          DETAIL = format('%s tries in 60 seconds did not get a lock that excludes everybody for a moment. Nothing has changed, the rows are where they were.', tries),
                          HINT = 'End long transactions on the table (pg_stat_activity shows them) and call it again; the job tries again by itself.';
            END IF;
        END;
        PERFORM pg_sleep(least(0.1 * tries, 1));
    END LOOP;
END $$;
COMMENT ON FUNCTION kpi._archive_lock(regclass[]) IS 'locks tables against everybody, without a long queue behind it';

-- The foreign table that is to show [since, until) of a native table: a neighbour that grows, or a new one.
CREATE FUNCTION kpi._archive_extend(retention kpi.retention, since bigint, until bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    low bigint := coalesce((SELECT max(p.until) FROM kpi._archive_parts(retention) p WHERE p.until <= _archive_extend.since), -9223372036854775808);
    high bigint := coalesce((SELECT min(p.since) FROM kpi._archive_parts(retention) p WHERE p.since >= _archive_extend.until), 9223372036854775807);
    near record;
    keep regclass;
    from_us bigint := CASE WHEN low = -9223372036854775808 THEN low ELSE _archive_extend.since END;
    to_us bigint := _archive_extend.until;
BEGIN
    -- No local partition lies between this range and these segments.
    FOR near IN SELECT s.* FROM kpi.archive_segment s WHERE s.retention_id = retention.id AND s.since >= low AND s.until <= high ORDER BY s.since LOOP
        from_us := least(from_us, near.since);
        to_us := greatest(to_us, near.until);
        EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', retention.relation, near.foreign_table);
        DELETE FROM kpi.archive_segment s WHERE s.foreign_table = near.foreign_table;
        IF keep IS NULL THEN
            keep := near.foreign_table;
        ELSE
            EXECUTE format('DROP FOREIGN TABLE %s', near.foreign_table);
        END IF;
    END LOOP;
    PERFORM kpi._archive_attach(retention, keep, from_us, to_us);
END $$;
COMMENT ON FUNCTION kpi._archive_extend(kpi.retention, bigint, bigint) IS 'has the foreign table of an archived table show a range more';

-- Attaches a foreign table, made if there is none, for a range of a native table.
CREATE FUNCTION kpi._archive_attach(retention kpi.retention, foreign_table regclass, since bigint, until bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
    range text := format('FOR VALUES FROM (%s) TO (%s)', kpi._bound(since), kpi._bound(until));
BEGIN
    IF foreign_table IS NULL THEN
        name := kpi._archive_name(retention);
        EXECUTE format('CREATE FOREIGN TABLE kpi_archive.%I PARTITION OF %s %s SERVER %I OPTIONS (retention %L)',
            name, retention.relation, range, retention.server, retention.id::text);
        foreign_table := format('kpi_archive.%I', name)::regclass;
        PERFORM kpi._archive_give(foreign_table, retention.relation);
    ELSE
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s %s', retention.relation, foreign_table, range);
    END IF;
    INSERT INTO kpi.archive_segment VALUES (foreign_table, retention.id, since, until);
END $$;
COMMENT ON FUNCTION kpi._archive_attach(kpi.retention, regclass, bigint, bigint) IS 'attaches a foreign table for an archived range';

-- A name that is free: the table's own, and a number where several are needed.
CREATE FUNCTION kpi._archive_name(retention kpi.retention) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    base text := (SELECT left(c.relname, 40) || '_' || retention.id FROM pg_class c WHERE c.oid = retention.relation);
    name text := base;
    n int := 1;
BEGIN
    WHILE to_regclass(format('kpi_archive.%I', name)) IS NOT NULL LOOP
        n := n + 1;
        name := base || '_' || n;
    END LOOP;
    RETURN name;
END $$;
COMMENT ON FUNCTION kpi._archive_name(kpi.retention) IS 'a free name for a foreign table';

-- What belongs to a table belongs to its owner.
CREATE FUNCTION kpi._archive_give(belonging regclass, relation regclass) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s OWNER TO %I', belonging, (SELECT pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.oid = relation));
END $$;
COMMENT ON FUNCTION kpi._archive_give(regclass, regclass) IS 'gives a table to the owner of another';

-- A source does not lose what moves to the archive, so its rollup stays as it is: its list of partitions is put right before
-- its event triggers look.
CREATE FUNCTION kpi._archive_followed(retention kpi.retention, gone oid) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM kpi.source_partition p WHERE p.partition::oid = gone
        OR p.partition::oid IN (SELECT t.relid FROM pg_partition_tree(gone::regclass) t);
END $$;
COMMENT ON FUNCTION kpi._archive_followed(kpi.retention, oid) IS 'has sources not count an archived partition as lost';

-- The foreign tables of an archived table, as its sources know their partitions.
CREATE FUNCTION kpi._archive_listed(retention kpi.retention) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM kpi.source_partition p USING pg_class c
        WHERE c.oid = p.partition AND c.relkind = 'f'
          AND p.source_id IN (SELECT s.id FROM kpi.source s WHERE s.relation IN (SELECT a.relid FROM pg_partition_ancestors(retention.relation) a));
    INSERT INTO kpi.source_partition (source_id, partition, first_minute, last_minute)
        SELECT s.id, g.foreign_table, m.first_minute, m.last_minute
        FROM kpi.source s JOIN kpi.archive_segment g ON g.retention_id = retention.id,
             kpi._partition_minutes(s, g.foreign_table) m
        WHERE s.captured AND s.relation IN (SELECT a.relid FROM pg_partition_ancestors(retention.relation) a);
END $$;
COMMENT ON FUNCTION kpi._archive_listed(kpi.retention) IS 'lists foreign tables of an archived table as partitions of its sources';

-- Makes the objects of an intent the data, and drops the local rows: done, or changed when somebody wrote to them meanwhile.
CREATE FUNCTION kpi._archive_switch(retention kpi.retention, intent kpi.archive_intent) RETURNS text
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone regclass := intent.partition;
BEGIN
    BEGIN
        PERFORM kpi._archive_lock(ARRAY[retention.relation, gone]);
    EXCEPTION WHEN undefined_table THEN
        RETURN 'changed';
    END;
    IF EXISTS (SELECT FROM kpi.archive_mark m WHERE m.partition = gone::oid)
       OR kpi._archive_shape(retention.relation) IS DISTINCT FROM intent.shape
       OR NOT EXISTS (SELECT FROM kpi._archive_parts(retention) p WHERE p.part = gone AND p.since = intent.since AND p.until = intent.until)
       OR kpi._held(retention.relation, intent.since, intent.until)
    THEN
        RETURN 'changed';
    END IF;
    PERFORM kpi._quiet(true);
    PERFORM kpi._archive_followed(retention, gone);
    DELETE FROM kpi.archive_mark m WHERE m.partition = gone::oid;
    IF retention.kind = 'native' THEN
        EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', retention.relation, gone);
        EXECUTE format('DROP TABLE %s', gone);
        PERFORM kpi._archive_extend(retention, intent.since, intent.until);
        PERFORM kpi._archive_listed(retention);
    ELSE
        EXECUTE format('DROP TABLE %s', gone);
        PERFORM kpi._archive_tier(retention);
    END IF;
    PERFORM kpi._quiet(false);
    PERFORM kpi._archive_file(retention, f) FROM jsonb_array_elements(intent.files) f;
    UPDATE kpi.retention r SET layout = r.layout + 1, archived_at = clock_timestamp() WHERE r.id = retention.id;
    DELETE FROM kpi.archive_intent a WHERE a.id = intent.id;
    RETURN 'done';
END $$;
COMMENT ON FUNCTION kpi._archive_switch(kpi.retention, kpi.archive_intent) IS 'puts objects in the place of a partition';

-- Attaches the foreign table of a hypertable. Its range stays open: rows that come late make chunks of their own beside it.
CREATE FUNCTION kpi._archive_tier(retention kpi.retention) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
    foreign_table regclass;
BEGIN
    IF EXISTS (SELECT FROM kpi.archive_segment s WHERE s.retention_id = retention.id) THEN
        RETURN;
    END IF;
    name := kpi._archive_name(retention);
    EXECUTE format('CREATE FOREIGN TABLE kpi_archive.%I (%s) SERVER %I OPTIONS (retention %L)', name,
        (SELECT string_agg(format('%I %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
                    CASE WHEN a.attcollation <> t.typcollation THEN format(' COLLATE %s', (SELECT format('%I.%I', n.nspname, l.collname)
                         FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid = a.attcollation)) ELSE '' END,
                    CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END), ', ' ORDER BY a.attnum)
         FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = retention.relation AND a.attnum > 0 AND NOT a.attisdropped),
        retention.server, retention.id::text);
    foreign_table := format('kpi_archive.%I', name)::regclass;
    PERFORM kpi._archive_give(foreign_table, retention.relation);
    EXECUTE format('SELECT _timescaledb_functions.attach_osm_table_chunk(%L, %L)', retention.relation, foreign_table);
    INSERT INTO kpi.archive_segment VALUES (foreign_table, retention.id, -9223372036854775808, 9223372036854775807);
END $$;
COMMENT ON FUNCTION kpi._archive_tier(kpi.retention) IS 'attaches the foreign table of a hypertable';

-- One object in the manifest.
CREATE FUNCTION kpi._archive_file(retention kpi.retention, file jsonb) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO kpi.archive_file (retention_id, key, bytes, rows, row_groups, since, until, min_time, max_time, sorted, whole, statistics, metadata, overridden)
        VALUES (retention.id, file ->> 'key', (file ->> 'bytes')::bigint, (file ->> 'rows')::bigint, (file ->> 'row_groups')::int,
                (file ->> 'since')::bigint, (file ->> 'until')::bigint, (file ->> 'min_time')::bigint, (file ->> 'max_time')::bigint,
                (file ->> 'sorted')::bool, coalesce((file ->> 'whole')::bool, true), file -> 'statistics', file -> 'metadata', coalesce(file ->> 'overridden', ''))
$$;
COMMENT ON FUNCTION kpi._archive_file(kpi.retention, jsonb) IS 'enters an object into the manifest';

-- Ranges of archived rows: what came late is merged, what is restored or dropped leaves the manifest.

-- The next group of objects that late rows belong to. All objects of a part share its range; with the late rows they become new ones.
CREATE FUNCTION kpi._archive_late(retention kpi.retention, cutoff bigint, OUT since bigint, OUT until bigint, OUT files bigint[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_late bigint;
    segment kpi.archive_segment;
BEGIN
    IF retention.late IS NULL THEN
        RETURN;
    END IF;
    EXECUTE format('SELECT min(kpi._unix_us(l.%1$I::timestamptz)) FROM %2$s l WHERE kpi._unix_us(l.%1$I::timestamptz) < $1
                    AND NOT kpi._held($2, kpi._unix_us(l.%1$I::timestamptz), kpi._unix_us(l.%1$I::timestamptz) + 1)',
                   retention.time_column, retention.late) INTO first_late USING cutoff, retention.relation;
    IF first_late IS NULL THEN
        RETURN;
    END IF;
    SELECT s.* INTO segment FROM kpi.archive_segment s
        WHERE s.retention_id = retention.id AND s.since <= first_late AND s.until > first_late;
    SELECT f.since, f.until, array_agg(f.id) INTO since, until, files FROM kpi.archive_file f
        WHERE f.retention_id = retention.id AND f.since <= first_late AND f.until > first_late
        GROUP BY f.since, f.until ORDER BY f.since LIMIT 1;
    IF files IS NULL THEN
        -- Between objects: as far as there is none.
        since := greatest(segment.since, (SELECT max(f.until) FROM kpi.archive_file f WHERE f.retention_id = retention.id AND f.until <= first_late));
        until := least(segment.until, (SELECT min(f.since) FROM kpi.archive_file f WHERE f.retention_id = retention.id AND f.since > first_late));
        files := '{}';
    END IF;
END $$;
COMMENT ON FUNCTION kpi._archive_late(kpi.retention, bigint) IS 'the next range whose late rows are to go to the store';

-- The objects that late rows have become part of take the place of those that they belong to; the late rows went in the
-- same transaction.
CREATE FUNCTION kpi._archive_merged(retention kpi.retention, intent kpi.archive_intent) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    file kpi.archive_file;
BEGIN
    FOR file IN SELECT f.* FROM kpi.archive_file f WHERE f.id = ANY (intent.replaces) LOOP
        -- Where nothing takes its place, the store says so.
        PERFORM kpi._archive_forget(retention, file, CASE WHEN intent.files = '[]' THEN 'drop_after' ELSE 'replaced' END);
        IF intent.kind = 'drop' THEN
            PERFORM kpi._retention_dropped(retention, file.min_time, file.max_time);
        END IF;
    END LOOP;
    PERFORM kpi._archive_file(retention, f || jsonb_build_object('overridden', coalesce(intent.condition, ''))) FROM jsonb_array_elements(intent.files) f;
    UPDATE kpi.retention r SET archived_at = clock_timestamp() WHERE r.id = retention.id;
    DELETE FROM kpi.archive_intent a WHERE a.id = intent.id;
END $$;
COMMENT ON FUNCTION kpi._archive_merged(kpi.retention, kpi.archive_intent) IS 'puts objects in the place of older ones';

-- Takes an object out of the manifest. It is deleted when no snapshot can need it and its grace has passed.
CREATE FUNCTION kpi._archive_forget(retention kpi.retention, file kpi.archive_file, reason text) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    DELETE FROM kpi.archive_file f WHERE f.id = file.id;
    INSERT INTO kpi.archive_garbage (server, key, bytes, relation, removed_by, delete_after, reason)
        SELECT retention.server, file.key, file.bytes, retention.relation::text, pg_current_xact_id(), clock_timestamp() + retention.grace, _archive_forget.reason
        WHERE NOT EXISTS (SELECT FROM kpi.archive_file f WHERE f.retention_id = retention.id AND f.key = file.key)
$$;
COMMENT ON FUNCTION kpi._archive_forget(kpi.retention, kpi.archive_file, text) IS 'takes an object out of the manifest';

-- Has no object show rows of [since, until) any more.
CREATE FUNCTION kpi._archive_cut(retention kpi.retention, since bigint, until bigint, reason text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    file kpi.archive_file;
BEGIN
    FOR file IN SELECT f.* FROM kpi.archive_file f WHERE f.retention_id = retention.id
                AND f.since < _archive_cut.until AND f.until > _archive_cut.since
                AND f.min_time < _archive_cut.until AND f.max_time >= _archive_cut.since LOOP
        -- What is left of it in front and behind.
        INSERT INTO kpi.archive_file (retention_id, key, bytes, rows, row_groups, since, until, min_time, max_time, sorted, whole, statistics, metadata, overridden)
            SELECT file.retention_id, file.key, file.bytes, file.rows, file.row_groups, p.since, p.until,
                   greatest(file.min_time, p.since), least(file.max_time, p.until - 1), file.sorted, false, file.statistics, file.metadata, file.overridden
            FROM (VALUES (file.since, least(file.until, _archive_cut.since)), (greatest(file.since, _archive_cut.until), file.until)) p(since, until)
            WHERE p.since < p.until AND file.min_time < p.until AND file.max_time >= p.since;
        PERFORM kpi._archive_forget(retention, file, reason);
    END LOOP;
END $$;
COMMENT ON FUNCTION kpi._archive_cut(kpi.retention, bigint, bigint, text) IS 'takes a range out of the manifest';

-- Takes [since, until) out of what the foreign tables of a native table show: the one that showed it ends where it begins, and
-- another begins where it ends.
CREATE FUNCTION kpi._archive_split(retention kpi.retention, since bigint, until bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    segment kpi.archive_segment;
BEGIN
    FOR segment IN SELECT s.* FROM kpi.archive_segment s WHERE s.retention_id = retention.id
                   AND s.since < _archive_split.until AND s.until > _archive_split.since LOOP
        EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', retention.relation, segment.foreign_table);
        DELETE FROM kpi.archive_segment s WHERE s.foreign_table = segment.foreign_table;
        IF segment.since < _archive_split.since THEN
            PERFORM kpi._archive_attach(retention, segment.foreign_table, segment.since, _archive_split.since);
            segment.foreign_table := NULL;
        END IF;
        IF segment.until > _archive_split.until THEN
            PERFORM kpi._archive_attach(retention, segment.foreign_table, _archive_split.until, segment.until);
        ELSIF segment.foreign_table IS NOT NULL THEN
            EXECUTE format('DROP FOREIGN TABLE %s', segment.foreign_table);
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION kpi._archive_split(kpi.retention, bigint, bigint) IS 'takes a range out of the foreign tables';

-- A local table for restored rows, beside the table that it will be a partition of.
CREATE FUNCTION kpi._archive_local(retention kpi.retention) RETURNS regclass
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    schema text;
    base text;
    name text;
    n int := 1;
    made regclass;
BEGIN
    SELECT s.nspname, left(c.relname, 40) || '_restored' INTO schema, base
        FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace WHERE c.oid = retention.relation;
    name := base;
    WHILE to_regclass(format('%I.%I', schema, name)) IS NOT NULL LOOP
        n := n + 1;
        name := base || '_' || n;
    END LOOP;
    EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING STORAGE)', schema, name, retention.relation);
    made := format('%I.%I', schema, name)::regclass;
    PERFORM kpi._archive_give(made, retention.relation);
    RETURN made;
END $$;
COMMENT ON FUNCTION kpi._archive_local(kpi.retention) IS 'a local table like an archived one';

-- Puts a filled local table in the place of an archived range.
CREATE FUNCTION kpi._archive_return(retention kpi.retention, part regclass, since bigint, until bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM kpi._quiet(true);
    PERFORM kpi._archive_split(retention, since, until);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)', retention.relation, part, kpi._bound(since), kpi._bound(until));
    PERFORM kpi._quiet(false);
    PERFORM kpi._archive_cut(retention, since, until, 'restored');
    PERFORM kpi._archive_listed(retention);
    INSERT INTO kpi.source_partition (source_id, partition, first_minute, last_minute)
        SELECT s.id, part, m.first_minute, m.last_minute
        FROM kpi.source s, kpi._partition_minutes(s, part) m
        WHERE s.captured AND s.relation IN (SELECT a.relid FROM pg_partition_ancestors(retention.relation) a);
    PERFORM kpi._capture_truncate(part, 'kpi_capture_' || s.id || '_truncate', s.id)
        FROM kpi.source s WHERE s.captured AND s.relation IN (SELECT a.relid FROM pg_partition_ancestors(retention.relation) a);
    UPDATE kpi.retention r SET layout = r.layout + 1 WHERE r.id = retention.id;
END $$;
COMMENT ON FUNCTION kpi._archive_return(kpi.retention, regclass, bigint, bigint) IS 'attaches restored rows in the place of the archived ones';

-- Rollups of what is dropped: kept as they are, or computed again without it.
CREATE FUNCTION kpi._retention_dropped(retention kpi.retention, since bigint, until bigint) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Within what a timestamp can be, so that no end of bigint overflows.
    first bigint := (greatest(since, -210866803200000000) - 946684800000000) / 60000000;
    last bigint := (least(until, 9223371331200000000) - 946684800000000) / 60000000;
    source kpi.source;
BEGIN
    FOR source IN SELECT s.* FROM kpi.source s WHERE s.relation = retention.relation LOOP
        IF coalesce(source.on_drop, CASE source.kind WHEN 'hypertable' THEN 'keep' END, 'forget') = 'keep' THEN
            INSERT INTO kpi.source_kept VALUES (source.id, first, last) ON CONFLICT DO NOTHING;
        ELSE
            PERFORM kpi._touch(source.id, first - 1, last);
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION kpi._retention_dropped(kpi.retention, bigint, bigint) IS 'has sources keep or forget what was dropped';

-- Drops what is older than drop_after: objects whose whole range has passed, late rows, and partitions that were never archived. Where
-- overrides keep some of it, nothing is dropped as a whole: that is done row by row, as the table's owner.
CREATE FUNCTION kpi._retention_drop(retention kpi.retention) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    cutoff bigint := kpi._cutoff(retention.drop_after);
    file kpi.archive_file;
    part record;
    dropped bigint := 0;
    n bigint;
BEGIN
    -- Of a native table its partitions say what is local.
    DELETE FROM kpi.archive_restored s WHERE s.retention_id = retention.id AND s.local_until < now() AND retention.kind = 'native';
    IF retention.drop_after IS NULL THEN
        RETURN 0;
    END IF;
    IF retention.late IS NOT NULL AND NOT EXISTS (SELECT FROM kpi.retention_override o WHERE o.retention_id = retention.id) THEN
        EXECUTE format('DELETE FROM %2$s l WHERE kpi._unix_us(l.%1$I::timestamptz) < $1
                        AND NOT kpi._held($2, kpi._unix_us(l.%1$I::timestamptz), kpi._unix_us(l.%1$I::timestamptz) + 1)',
                       retention.time_column, retention.late) USING cutoff, retention.relation;
        GET DIAGNOSTICS n = ROW_COUNT;
        dropped := dropped + n;
    END IF;
    -- Of an object that is shown in part, only the rows of that part.
    FOR part IN SELECT DISTINCT f.since, f.until FROM kpi.archive_file f WHERE f.retention_id = retention.id AND f.until <= cutoff
                AND kpi._retention_due(retention, f.until) = 'true' AND NOT f.whole AND NOT kpi._held(retention.relation, f.since, f.until) LOOP
        EXECUTE format('SELECT count(*) FROM %s WHERE %s', retention.relation,
                       kpi._time_condition(quote_ident(retention.time_column), retention, part.since, part.until)) INTO n;
        dropped := dropped + n;
    END LOOP;
    FOR file IN SELECT f.* FROM kpi.archive_file f WHERE f.retention_id = retention.id AND f.until <= cutoff
                AND kpi._retention_due(retention, f.until) = 'true' AND NOT kpi._held(retention.relation, f.since, f.until) LOOP
        dropped := dropped + CASE WHEN file.whole THEN file.rows ELSE 0 END;
        PERFORM kpi._archive_forget(retention, file, 'drop_after');
        PERFORM kpi._retention_dropped(retention, file.min_time, file.max_time);
    END LOOP;
    FOR part IN SELECT p.* FROM kpi._archive_parts(retention) p
                WHERE p.until <= cutoff AND kpi._retention_due(retention, p.until) = 'true' AND NOT kpi._held(retention.relation, p.since, p.until) ORDER BY p.since LOOP
        PERFORM kpi._archive_lock(ARRAY[retention.relation, part.part]);
        EXECUTE format('SELECT count(*) FROM %s', part.part) INTO n;
        dropped := dropped + n;
        EXECUTE format('DROP TABLE %s', part.part);
    END LOOP;
    RETURN dropped;
END $$;
COMMENT ON FUNCTION kpi._retention_drop(kpi.retention) IS 'drops what is older than drop_after';

-- Objects that may be deleted now: nobody's snapshot can see them any more, and their grace has passed.
CREATE FUNCTION kpi._archive_deletable(server name) RETURNS SETOF kpi.archive_garbage
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT g.* FROM kpi.archive_garbage g
    WHERE g.server = _archive_deletable.server AND g.delete_after <= clock_timestamp()
      AND g.removed_by < pg_snapshot_xmin(pg_current_snapshot())
      -- Whoever only reads has no transaction number, and a snapshot all the same; so have standbys that report theirs.
      AND NOT EXISTS (SELECT FROM (SELECT a.backend_xmin FROM pg_stat_activity a WHERE a.backend_type <> 'autovacuum worker' AND a.pid <> pg_backend_pid()
                                       AND (a.datname IS NULL OR a.datname = current_database())
                                   UNION ALL SELECT p.xmin FROM pg_replication_slots p) o(oldest)
                      WHERE age(o.oldest) >= age(g.removed_by::xid))
    ORDER BY g.key
$$;
COMMENT ON FUNCTION kpi._archive_deletable(name) IS 'objects that nothing needs any more';

-- Overrides: rows that a condition names are dropped at a time of their own, sooner or later than the others of their table.

-- Which rows of a range that ends at a time are to be dropped by now, as a condition: NULL where none is, 'true' where all are. A row
-- for which several overrides hold stays as long as the longest of them says.
CREATE FUNCTION kpi._retention_due(retention kpi.retention, until bigint, at timestamptz DEFAULT now()) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    RETURN (
        SELECT CASE WHEN due.base AND o.keeping IS NULL THEN 'true'
                    WHEN due.base THEN format('(%s) IS NOT TRUE', o.keeping)
                    WHEN o.keeping IS NULL THEN o.dropping
                    WHEN o.dropping IS NOT NULL THEN format('(%s) AND (%s) IS NOT TRUE', o.dropping, o.keeping) END
        FROM (SELECT coalesce(_retention_due.until <= kpi._unix_us(at - retention.drop_after), false) AS base) due,
             -- A comment at a condition's end ends with its line.
             (SELECT string_agg(format(E'(%s\n) IS TRUE', v.condition), ' OR ' ORDER BY v.condition) FILTER (WHERE NOT v.due) AS keeping,
                     string_agg(format(E'(%s\n) IS TRUE', v.condition), ' OR ' ORDER BY v.condition) FILTER (WHERE v.due) AS dropping
              FROM (SELECT r.condition, coalesce(_retention_due.until <= kpi._unix_us(at - r.drop_after), false) AS due
                    FROM kpi.retention_override r WHERE r.retention_id = retention.id) v) o);
COMMENT ON FUNCTION kpi._retention_due(kpi.retention, bigint, timestamptz) IS 'which rows of a range are to be dropped by now';

-- Local parts of which some rows are to be dropped.
CREATE FUNCTION kpi._override_parts(retention kpi.retention) RETURNS TABLE (part regclass, since bigint, until bigint, due text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.part, p.since, p.until, d.due
    FROM kpi._archive_parts(retention) p, LATERAL (SELECT kpi._retention_due(retention, p.until)) d(due)
    WHERE d.due <> 'true' AND NOT kpi._held(retention.relation, p.since, p.until) ORDER BY p.since
$$;
COMMENT ON FUNCTION kpi._override_parts(kpi.retention) IS 'local parts of which some rows are to be dropped';

-- The next objects of which some rows are to be dropped, and that were not looked at for it.
CREATE FUNCTION kpi._override_files(retention kpi.retention) RETURNS TABLE (since bigint, until bigint, files bigint[], due text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT f.since, f.until, f.files, d.due
    FROM (SELECT f.since, f.until, array_agg(f.id) AS files, array_agg(DISTINCT f.overridden) AS overridden FROM kpi.archive_file f
          WHERE f.retention_id = retention.id GROUP BY f.since, f.until) f, LATERAL (SELECT kpi._retention_due(retention, f.until)) d(due)
    WHERE d.due <> 'true' AND f.overridden <> ARRAY[d.due] AND NOT kpi._held(retention.relation, f.since, f.until) ORDER BY f.since LIMIT 1
$$;
COMMENT ON FUNCTION kpi._override_files(kpi.retention) IS 'the next objects of which some rows are to be dropped';

-- The intent to write objects anew without them.
CREATE FUNCTION kpi._override_begin(retention kpi.retention, since bigint, until bigint, files bigint[], due text) RETURNS uuid
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO kpi.archive_intent (id, retention_id, kind, since, until, shape, replaces, condition)
        VALUES (gen_random_uuid(), retention.id, 'drop', since, until, kpi._archive_shape(retention.relation), files, due) RETURNING id
$$;
COMMENT ON FUNCTION kpi._override_begin(kpi.retention, bigint, bigint, bigint[], text) IS 'commits to write objects anew without the rows that are to be dropped';

CREATE FUNCTION kpi._set_override(relation regclass, condition text, search_path text, drop_after interval) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    retention kpi.retention;
    other text;
BEGIN
    SELECT r.* INTO retention FROM kpi.retention r WHERE r.relation = _set_override.relation FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'table % has no retention', relation USING ERRCODE = 'undefined_object',
            DETAIL = 'An override says what is different for some of its rows.',
            HINT = format('First what holds for the others: SELECT kpi.set_retention(%L, drop_after => ''7 years'');', relation::text);
    END IF;
    IF drop_after < interval '0' THEN
        RAISE EXCEPTION 'drop_after must not be negative' USING ERRCODE = 'invalid_parameter_value', DETAIL = format('It is %s.', drop_after);
    END IF;
    SELECT o.search_path INTO other FROM kpi.retention_override o WHERE o.retention_id = retention.id AND o.condition <> _set_override.condition
        AND o.search_path <> _set_override.search_path LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the overrides of table % are read under another search path', relation USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = format('It is "%s", and now it is "%s".', other, search_path), HINT = format('SET search_path = %s;', other);
    END IF;
    INSERT INTO kpi.retention_override VALUES (retention.id, condition, search_path, drop_after)
        ON CONFLICT ON CONSTRAINT retention_override_pkey DO UPDATE SET search_path = excluded.search_path, drop_after = excluded.drop_after;
END $$;
COMMENT ON FUNCTION kpi._set_override(regclass, text, text, interval) IS 'enters an override';

CREATE FUNCTION kpi._drop_override(retention kpi.retention, condition text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM kpi.retention_override o WHERE o.retention_id = retention.id AND o.condition = _drop_override.condition;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the retention of table % has no override "%"', retention.relation, condition USING ERRCODE = 'undefined_object',
            HINT = coalesce('It has: ' || (SELECT string_agg(format('%L', o.condition), ', ' ORDER BY o.condition) FROM kpi.retention_override o WHERE o.retention_id = retention.id),
                            'It has none.');
    END IF;
END $$;
COMMENT ON FUNCTION kpi._drop_override(kpi.retention, text) IS 'ends an override';

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

-- What a user calls: steps, each a transaction of its own, and the procedures that go through them.

CREATE FUNCTION kpi._archive_mark(part oid) RETURNS bool
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'archive_mark_wrapper';
COMMENT ON FUNCTION kpi._archive_mark(oid) IS 'notes that a part is written to; for the triggers of a part that is being archived';
CREATE FUNCTION kpi._archive_marked() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'archive_marked_wrapper';
COMMENT ON FUNCTION kpi._archive_marked() IS 'behind the triggers of a part that is being archived';
CREATE FUNCTION kpi._on_chunk(command text) RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'archive_on_chunk_wrapper';
COMMENT ON FUNCTION kpi._on_chunk(text) IS 'runs a command that TimescaleDB refuses on a chunk';
REVOKE ALL ON FUNCTION kpi._on_chunk(text) FROM PUBLIC;
CREATE FUNCTION kpi._archive_enter(relation regclass) RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'archive_enter_wrapper';
COMMENT ON FUNCTION kpi._archive_enter(regclass) IS 'takes the lock of a table''s archive and clears away what an interrupted run has left';
CREATE FUNCTION kpi._archive_next(relation regclass, until timestamptz) RETURNS uuid
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'archive_next_wrapper';
COMMENT ON FUNCTION kpi._archive_next(regclass, timestamptz) IS 'notes what is to be archived next; null when nothing is due';
CREATE FUNCTION kpi._archive_export(work uuid) RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'archive_export_wrapper';
COMMENT ON FUNCTION kpi._archive_export(uuid) IS 'writes objects and compares what the store has with what was written';
CREATE FUNCTION kpi._archive_finish(work uuid) RETURNS text
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'archive_finish_wrapper';
COMMENT ON FUNCTION kpi._archive_finish(uuid) IS 'puts the objects in the place of the rows';
CREATE FUNCTION kpi._archive_leave(relation regclass) RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'archive_leave_wrapper';
COMMENT ON FUNCTION kpi._archive_leave(regclass) IS 'gives the lock of a table''s archive back';

CREATE PROCEDURE kpi.archive(relation regclass, until timestamptz DEFAULT NULL)
    LANGUAGE plpgsql AS $$
DECLARE
    work pg_catalog.uuid;
    outcome pg_catalog.text;
    changed pg_catalog.int4 := 0;
BEGIN
    PERFORM kpi._archive_enter(relation);
    COMMIT;
    LOOP
        work := kpi._archive_next(relation, until);
        EXIT WHEN work IS NULL;
        COMMIT;
        PERFORM kpi._archive_export(work);
        COMMIT;
        outcome := kpi._archive_finish(work);
        COMMIT;
        IF outcome OPERATOR(pg_catalog.=) 'changed' THEN
            changed := changed OPERATOR(pg_catalog.+) 1;
            PERFORM kpi._archive_enter(relation);
            COMMIT;
            IF changed OPERATOR(pg_catalog.>=) 3 THEN
                RAISE WARNING 'table % is being written to where it is being archived', relation
                    USING DETAIL = 'Three times rows came in between: nothing of that part has been archived.', HINT = 'The next run tries again.';
                EXIT;
            END IF;
        ELSE
            changed := 0;
        END IF;
    END LOOP;
    PERFORM kpi._archive_leave(relation);
END $$;
COMMENT ON PROCEDURE kpi.archive(regclass, timestamptz) IS 'moves what is due, or all before a time, to the store, part by part, and late rows too';

-- A table by days cannot be divided within one. Days are UTC's, as everywhere in the manifest.
CREATE FUNCTION kpi._whole_day(relation regclass, "time" timestamptz, upwards bool) RETURNS timestamptz
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
    RETURN CASE WHEN (SELECT a.atttypid FROM kpi.retention r JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.time_column
                      WHERE r.relation = _whole_day.relation) = 'date'::regtype
           THEN date_trunc('day', "time") + CASE WHEN upwards AND date_trunc('day', "time") <> "time" THEN interval '1 day' ELSE interval '0' END
           ELSE "time" END;
COMMENT ON FUNCTION kpi._whole_day(regclass, timestamptz, bool) IS 'a time at which the rows of a table can be divided: of days, the beginning of one';

CREATE PROCEDURE kpi.restore(relation regclass, since timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity', keep interval DEFAULT '7 days')
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM kpi._archive_enter(relation);
    COMMIT;
    PERFORM kpi._archive_restore(relation, kpi._whole_day(relation, since, false), kpi._whole_day(relation, until, true), keep);
    PERFORM kpi._archive_leave(relation);
END $$;
COMMENT ON PROCEDURE kpi.restore(regclass, timestamptz, timestamptz, interval) IS 'brings archived rows back into the table, where they stay for a while at least';

CREATE FUNCTION kpi._archive_restore(relation regclass, since timestamptz, until timestamptz, keep interval) RETURNS bigint
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'archive_restore_wrapper';
COMMENT ON FUNCTION kpi._archive_restore(regclass, timestamptz, timestamptz, interval) IS 'copies archived rows into a local partition and puts it in their place';

CREATE FUNCTION kpi.apply_retention(relation regclass) RETURNS bigint
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'apply_retention_wrapper';
COMMENT ON FUNCTION kpi.apply_retention(regclass) IS 'drops what is older than drop_after and deletes objects that nothing needs any more; returns the rows dropped';

CREATE FUNCTION kpi.clean_store(store text) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'clean_store_wrapper';
REVOKE ALL ON FUNCTION kpi.clean_store(text) FROM PUBLIC;
COMMENT ON FUNCTION kpi.clean_store(text) IS 'deletes objects of a store that nothing needs any more, those of dropped tables too; returns how many';

CREATE FUNCTION kpi.verify_archive(relation regclass, OUT object text, OUT rows bigint, OUT bytes bigint, OUT ok bool, OUT problem text) RETURNS SETOF record
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'verify_archive_wrapper';
COMMENT ON FUNCTION kpi.verify_archive(regclass) IS 'reads every object of a table back from its store and compares rows, contents and bounds with what was written';

CREATE FUNCTION kpi.check_store(store text, OUT step text, OUT ok bool, OUT message text) RETURNS SETOF record
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'check_store_wrapper';
COMMENT ON FUNCTION kpi.check_store(text) IS 'writes, reads, lists and deletes a probe in a store, and says in words what is wrong';

-- A condition on the time column that holds for [since, until), infinity included where the range has no end.
CREATE FUNCTION kpi._time_condition(quoted_column text, retention kpi.retention, since bigint, until bigint) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
    RETURN (SELECT format('(%1$s >= %2$L::%4$s AND %1$s %5$s %3$L::%4$s)', quoted_column,
                          kpi._from_unix_us(since) AT TIME ZONE 'UTC', kpi._from_unix_us(until) AT TIME ZONE 'UTC',
                          CASE a.atttypid WHEN 'timestamptz'::regtype THEN 'timestamptz' WHEN 'date'::regtype THEN 'date' ELSE 'timestamp' END,
                          CASE until WHEN 9223372036854775807 THEN '<=' ELSE '<' END)
            FROM pg_attribute a WHERE a.attrelid = retention.relation AND a.attname = retention.time_column);
COMMENT ON FUNCTION kpi._time_condition(text, kpi.retention, bigint, bigint) IS 'a condition for a range of time';

-- Enters what a store has of a table, the latest first: each range is shown by what was written last. Ranges that are local, or
-- that the manifest shows already, are left as they are; an older object fills what is left.
CREATE FUNCTION kpi._archive_rebuild(retention kpi.retention, files jsonb) RETURNS text
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    export record;
    piece record;
    whole bool;
    used bool;
    entered bigint := 0;
    known bigint := 0;
    covered bigint := 0;
BEGIN
    PERFORM kpi._archive_lock(ARRAY[retention.relation]);
    PERFORM kpi._quiet(true);
    -- Objects of another table, that this one is to take the place of, have its numbers.
    IF NOT EXISTS (SELECT FROM kpi.archive_file f WHERE f.retention_id = retention.id) THEN
        UPDATE kpi.archive_column c SET field_id = 1000000 + c.field_id WHERE c.retention_id = retention.id;
        UPDATE kpi.archive_column c SET field_id = (k ->> 'field_id')::int
            FROM (SELECT f FROM jsonb_array_elements(files) f ORDER BY f -> 'metadata' ->> 'written_at' DESC LIMIT 1) newest(f),
                 LATERAL jsonb_array_elements(newest.f -> 'metadata' -> 'columns') k
            WHERE c.retention_id = retention.id AND c.name = k ->> 'name';
        UPDATE kpi.retention r SET fields = (SELECT max(c.field_id) FROM kpi.archive_column c WHERE c.retention_id = r.id) WHERE r.id = retention.id;
    END IF;
    FOR export IN
        SELECT (f ->> 'since')::bigint AS since, (f ->> 'until')::bigint AS until, count(*) AS objects, jsonb_agg(f) AS files
        FROM jsonb_array_elements(files) f GROUP BY 1, 2, f -> 'metadata' ->> 'intent' ORDER BY max(f -> 'metadata' ->> 'written_at') DESC
    LOOP
        IF EXISTS (SELECT FROM kpi.archive_file f WHERE f.retention_id = retention.id
                   AND f.key IN (SELECT e ->> 'key' FROM jsonb_array_elements(export.files) e)) THEN
            known := known + export.objects;
            CONTINUE;
        END IF;
        used := false;
        FOR piece IN
            SELECT lower(r.range) AS since, upper(r.range) AS until
            FROM (SELECT int8multirange(int8range(export.since, export.until)) - coalesce(range_agg(int8range(t.since, t.until)), '{}') AS ranges
                  FROM (SELECT p.since, p.until FROM kpi._archive_parts(retention) p WHERE retention.kind = 'native'
                        UNION ALL SELECT s.since, s.until FROM kpi.archive_restored s WHERE s.retention_id = retention.id AND retention.kind <> 'native'
                        UNION ALL SELECT f.since, f.until FROM kpi.archive_file f WHERE f.retention_id = retention.id) t) rest,
                 LATERAL unnest(rest.ranges) r(range)
        LOOP
            IF retention.kind = 'native' THEN
                PERFORM kpi._archive_extend(retention, piece.since, piece.until);
            ELSE
                PERFORM kpi._archive_tier(retention);
            END IF;
            whole := piece.since = export.since AND piece.until = export.until;
            PERFORM kpi._archive_file(retention, e || jsonb_build_object('since', piece.since, 'until', piece.until, 'whole', whole,
                    'min_time', CASE WHEN whole THEN (e ->> 'min_time')::bigint ELSE greatest((e ->> 'min_time')::bigint, piece.since) END,
                    'max_time', CASE WHEN whole THEN (e ->> 'max_time')::bigint ELSE least((e ->> 'max_time')::bigint, piece.until - 1) END))
                FROM jsonb_array_elements(export.files) e
                WHERE whole OR (e ->> 'min_time')::bigint < piece.until AND (e ->> 'max_time')::bigint >= piece.since;
            used := used OR FOUND;
        END LOOP;
        IF used THEN
            entered := entered + export.objects;
        ELSE
            covered := covered + export.objects;
        END IF;
    END LOOP;
    IF retention.kind = 'native' THEN
        PERFORM kpi._archive_listed(retention);
    END IF;
    PERFORM kpi._quiet(false);
    UPDATE kpi.retention r SET layout = r.layout + 1 WHERE r.id = retention.id;
    RETURN format('%s objects entered, %s known before, %s of ranges that are local or in later objects', entered, known, covered);
END $$;
COMMENT ON FUNCTION kpi._archive_rebuild(kpi.retention, jsonb) IS 'enters the objects of a store into the manifest';

CREATE FUNCTION kpi.archive_rebuild(store text, owners text[] DEFAULT NULL, OUT relation text, OUT objects bigint, OUT rows bigint, OUT outcome text) RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'archive_rebuild_wrapper';
COMMENT ON FUNCTION kpi.archive_rebuild(text, text[]) IS 'reconstructs the manifest from the objects of a store alone, or from those of some databases in it';

-- From a plain table to a partitioned one.

-- Why a table cannot be made a partitioned one; raises it.
CREATE FUNCTION kpi._check_partitionable(relation regclass, time_column name) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kind text := kpi._relation_kind(relation);
    type regtype;
    reason text;
BEGIN
    IF kind <> 'table' OR EXISTS (SELECT FROM pg_inherits i WHERE relation IN (i.inhrelid, i.inhparent)) THEN
        RAISE EXCEPTION '% is not a plain table', relation USING ERRCODE = 'wrong_object_type',
            DETAIL = format('It is a %s%s.', kind, CASE WHEN kind = 'table' THEN ' that inherits, or that others inherit from' ELSE '' END),
            HINT = CASE WHEN kind IN ('partitioned table', 'hypertable') THEN format('SELECT kpi.set_retention(%L, ...) takes it as it is.', relation::text)
                        ELSE 'Name a plain table.' END;
    END IF;
    SELECT a.atttypid INTO type FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = time_column AND a.attnum > 0 AND NOT a.attisdropped;
    IF type IS NULL OR type NOT IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype) THEN
        RAISE EXCEPTION 'table % has no time column "%"', relation, time_column USING ERRCODE = 'undefined_column',
            DETAIL = CASE WHEN type IS NULL THEN 'There is no column of that name.' ELSE format('It is of type %s.', type) END,
            HINT = 'Name a column of type timestamptz, timestamp or date.';
    END IF;
    -- What refers to the table by its number would go on referring to what is a partition then.
    SELECT string_agg(DISTINCT d.what, ', ') INTO reason FROM (
        SELECT 'view ' || v.oid::regclass FROM pg_depend d JOIN pg_rewrite w ON w.oid = d.objid AND d.classid = 'pg_rewrite'::regclass JOIN pg_class v ON v.oid = w.ev_class
            WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = relation AND v.oid <> relation
        UNION ALL SELECT format('foreign key %I of %s', c.conname, c.conrelid::regclass) FROM pg_constraint c WHERE c.contype = 'f' AND relation IN (c.conrelid, c.confrelid)
        UNION ALL SELECT format('unique index %s', i.indexrelid::regclass) FROM pg_index i WHERE i.indrelid = relation AND i.indisunique
        UNION ALL SELECT format('trigger %I', t.tgname) FROM pg_trigger t WHERE t.tgrelid = relation AND NOT t.tgisinternal
        UNION ALL SELECT format('policy %I', p.polname) FROM pg_policy p WHERE p.polrelid = relation
        UNION ALL SELECT format('publication %I', b.pubname) FROM pg_publication_rel r JOIN pg_publication b ON b.oid = r.prpubid WHERE r.prrelid = relation
        UNION ALL SELECT format('source %I', s.name) FROM kpi.source s WHERE s.relation = _check_partitionable.relation) d(what);
    IF reason IS NOT NULL THEN
        RAISE EXCEPTION 'table % cannot be partitioned as it is', relation USING ERRCODE = 'dependent_objects_still_exist',
            DETAIL = format('These would be lost or would see a part of it only: %s.', reason),
            HINT = 'Drop them, call it again, and create them on the partitioned table.';
    END IF;
END $$;
COMMENT ON FUNCTION kpi._check_partitionable(regclass, name) IS 'raises why a table cannot be made a partitioned one';

-- The table becomes the first partition, up to the end of the present period; those to come are made beforehand.
CREATE FUNCTION kpi._partition_switch(relation regclass, time_column name, boundary timestamptz, every interval, ahead int) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
    schema name;
    name name;
    owner name;
    old name;
    begins timestamptz := boundary;
    parent regclass;
    index record;
    item record;
BEGIN
    PERFORM kpi._archive_lock(ARRAY[relation]);
    PERFORM kpi._check_partitionable(relation, time_column);
    SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner) INTO schema, name, owner
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation;
    old := left(name, 50) || '_before_' || to_char(boundary, 'YYYYMMDD');
    EXECUTE format('ALTER TABLE %s RENAME TO %I', relation, old);
    EXECUTE format('CREATE TABLE %I.%I (LIKE %I.%I INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMMENTS) PARTITION BY RANGE (%I)',
        schema, name, schema, old, time_column);
    parent := format('%I.%I', schema, name)::regclass;
    FOR item IN SELECT conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE conrelid = relation AND contype = 'c' AND conname <> 'kpi_before' LOOP
        EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', parent, item.conname, item.definition);
    END LOOP;
    EXECUTE format('ALTER TABLE %s OWNER TO %I', parent, owner);
    FOR item IN SELECT a.grantee, a.privilege_type, a.is_grantable FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = relation AND a.grantee <> c.relowner LOOP
        EXECUTE format('GRANT %s ON %s TO %s%s', item.privilege_type, parent, CASE item.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(item.grantee)) END,
            CASE WHEN item.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
    END LOOP;
    -- The constraint, which was validated before, spares a scan under the lock.
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES FROM (MINVALUE) TO (%L)', parent, schema, old, boundary);
    EXECUTE format('ALTER TABLE %I.%I DROP CONSTRAINT kpi_before', schema, old);
    -- An index of the partition is taken for the table's where it is the same.
    FOR index IN SELECT pg_get_indexdef(i.indexrelid) AS definition, c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = relation LOOP
        EXECUTE regexp_replace(regexp_replace(index.definition, '^CREATE INDEX .*? ON (ONLY )?', 'CREATE INDEX ON '), ' ON \S+ USING ', format(' ON %s USING ', parent));
    END LOOP;
    FOR i IN 1 .. ahead LOOP
        EXECUTE format('CREATE TABLE %I.%I PARTITION OF %s FOR VALUES FROM (%L) TO (%L)', schema,
            left(name, 46) || to_char(begins, '_YYYYMMDD_HH24MI'), parent, begins, begins + every);
        EXECUTE format('ALTER TABLE %I.%I OWNER TO %I', schema, left(name, 46) || to_char(begins, '_YYYYMMDD_HH24MI'), owner);
        begins := begins + every;
    END LOOP;
END $$;
COMMENT ON FUNCTION kpi._partition_switch(regclass, name, timestamptz, interval, int) IS 'makes a table the first partition of a new one under its name';

CREATE FUNCTION kpi._partition_prepare(relation regclass, time_column text, every interval, ahead int) RETURNS timestamptz
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'partition_prepare_wrapper';
COMMENT ON FUNCTION kpi._partition_prepare(regclass, text, interval, int) IS 'has a table hold no row beyond the present period';
CREATE FUNCTION kpi._partition_validate(relation regclass) RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'partition_validate_wrapper';
COMMENT ON FUNCTION kpi._partition_validate(regclass) IS 'checks the rows of a table that is to be partitioned, beside readers and writers';
CREATE FUNCTION kpi._partition_finish(relation regclass, time_column text, boundary timestamptz, every interval, ahead int) RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'partition_finish_wrapper';
COMMENT ON FUNCTION kpi._partition_finish(regclass, text, timestamptz, interval, int) IS 'makes a table the first partition of a new one under its name';

CREATE PROCEDURE kpi.partition_table(relation regclass, time_column name, every interval, ahead int DEFAULT 12, divide bool DEFAULT true)
    LANGUAGE plpgsql AS $$
DECLARE
    boundary pg_catalog.timestamptz;
    outside pg_catalog.bool := false;
BEGIN
    boundary := kpi._partition_prepare(relation, time_column, every, ahead);
    COMMIT;
    BEGIN
        PERFORM kpi._partition_validate(relation);
    EXCEPTION WHEN check_violation THEN
        outside := true;
    END;
    IF outside THEN
        EXECUTE pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS kpi_before', relation);
        COMMIT;
        RAISE EXCEPTION 'table % cannot be partitioned as it is', relation
            USING ERRCODE = 'check_violation', DETAIL = pg_catalog.format('It has rows without a time, or at or after %s, where the present period ends.', boundary),
                  HINT = pg_catalog.format('SELECT * FROM %s WHERE %I IS NULL OR %2$I >= %L; shows them. Change or delete them, and call it again.', relation, time_column, boundary);
    END IF;
    COMMIT;
    PERFORM kpi._partition_finish(relation, time_column, boundary, every, ahead);
    IF divide THEN
        COMMIT;
        -- The number is of the table that it was, which is a partition now.
        CALL kpi.divide_partition(relation, every);
    END IF;
END $$;
COMMENT ON PROCEDURE kpi.partition_table(regclass, name, interval, int, bool) IS
    'makes a plain table a partitioned one under the same name: locked for a moment twice, while its rows are checked readers and writers go on; then divides the old rows';

-- Dividing a partition: the rows of one period after the other, from the oldest on, go into a partition of their own.
--
-- Rows are copied beside readers and writers, and whoever writes to a row of the period meanwhile leaves a mark. Under a lock that
-- excludes everybody, the originals are deleted and the copies put in their place.

CREATE TABLE kpi.partition_division (
    partition oid PRIMARY KEY,
    made      oid NOT NULL,
    since     bigint NOT NULL,
    until     bigint NOT NULL,
    rows      bigint
);
COMMENT ON TABLE kpi.partition_division IS 'partitions that are being divided; a row that no session works on was interrupted and is cleared away by the next call';

-- A partition by range of one time column: its table, its column and its bounds; raises what it is otherwise.
CREATE FUNCTION kpi._divisible(part regclass, OUT parent regclass, OUT time_column name, OUT type text, OUT since bigint, OUT until bigint) RETURNS record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
    edges text[];
BEGIN
    SELECT i.inhparent::regclass, a.attname, a.atttypid::regtype::text, regexp_match(pg_get_expr(c.relpartbound, c.oid), '^FOR VALUES FROM \((.*)\) TO \((.*)\)$')
        INTO parent, time_column, type, edges
        FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid JOIN pg_partitioned_table p ON p.partrelid = i.inhparent
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = (SELECT k.attname FROM pg_attribute k WHERE k.attrelid = p.partrelid AND k.attnum = p.partattrs[0])
        WHERE c.oid = part AND c.relkind = 'r' AND p.partstrat = 'r' AND p.partnatts = 1
          AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype);
    IF edges IS NULL THEN
        RAISE EXCEPTION '% is not a local partition by time', part USING ERRCODE = 'wrong_object_type',
            DETAIL = 'What can be divided is one partition of a table that is partitioned by ranges of one column of type timestamptz, timestamp or date.',
            HINT = coalesce((SELECT format('The partitions of %s are: %s.', part, string_agg(i.inhrelid::regclass::text, ', ' ORDER BY i.inhrelid::regclass::text)) FROM pg_inherits i WHERE i.inhparent = part HAVING count(*) > 0),
                            'CALL kpi.partition_table(table, time_column, every) makes a partitioned table of a plain one.');
    END IF;
    since := kpi._bound_us(edges[1]);
    until := kpi._bound_us(edges[2]);
END $$;
COMMENT ON FUNCTION kpi._divisible(regclass) IS 'table, column and bounds of a partition by time';

-- Which rows, as a condition on the time column of NEW, OLD or of the table itself.
CREATE FUNCTION kpi._division_condition(prefix text, time_column name, type text, since bigint, until bigint) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
    RETURN concat_ws(' AND ', format('%s%I IS NOT NULL', prefix, time_column),
        CASE WHEN since > -9223372036854775808 THEN format('%s%I >= %s::%s', prefix, time_column, kpi._bound(since), type) END,
        CASE WHEN until < 9223372036854775807 THEN format('%s%I < %s::%s', prefix, time_column, kpi._bound(until), type) END);
COMMENT ON FUNCTION kpi._division_condition(text, name, text, bigint, bigint) IS 'a condition for the rows of a partition';

-- Why rows of a partition cannot change their place unseen; raises it.
CREATE FUNCTION kpi._check_divisible(part regclass) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reason text;
BEGIN
    SELECT string_agg(DISTINCT d.what, ', ') INTO reason FROM (
        -- Its rows would be missed when the partition is detached.
        SELECT format('foreign key %I of %s', c.conname, c.conrelid::regclass) FROM pg_constraint c
            WHERE c.contype = 'f' AND c.conparentid = 0 AND c.confrelid IN (SELECT a.relid FROM pg_partition_ancestors(part) a)
        -- Subscribers would be told of the rows that go, and not of those that come.
        UNION ALL SELECT format('publication %I', t.pubname) FROM pg_publication_tables t, pg_partition_ancestors(part) a
            JOIN pg_class c ON c.oid = a.relid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE (t.schemaname, t.tablename) = (n.nspname, c.relname)) d(what);
    IF reason IS NOT NULL THEN
        RAISE EXCEPTION 'partition % cannot be divided as it is', part USING ERRCODE = 'dependent_objects_still_exist',
            DETAIL = format('These would see rows go and not come back: %s.', reason), HINT = 'Drop them, call it again, and create them anew.';
    END IF;
END $$;
COMMENT ON FUNCTION kpi._check_divisible(regclass) IS 'raises why a partition cannot be divided';

-- The first period of which a partition has rows, where it is over and the partition goes on: it goes into a new table, which is made
-- here; writes to its rows leave marks from now on. False when there is nothing to divide.
CREATE FUNCTION kpi._division_begin(part regclass, every interval) RETURNS bool
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET lock_timeout = '5s' AS $$
DECLARE
    of record := kpi._divisible(part);
    first timestamptz;
    edge timestamptz;
    begins timestamptz;
    name text;
    schema text;
    made regclass;
    event record;
    n int := 1;
BEGIN
    PERFORM kpi._check_divisible(part);
    PERFORM kpi._division_clear(part);
    EXECUTE format('SELECT min(%1$I)::timestamptz FROM %2$s WHERE isfinite(%1$I)', of.time_column, part) INTO first;
    IF first IS NULL THEN
        RETURN false;
    END IF;
    edge := date_trunc('year', first);
    WHILE edge <= first LOOP
        begins := edge;
        edge := edge + every;
    END LOOP;
    -- A period that is not over stays where it is written to.
    IF edge > now() OR kpi._unix_us(edge) >= of.until OR kpi._unix_us(edge) <= of.since THEN
        RETURN false;
    END IF;
    SELECT s.nspname INTO schema FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace WHERE c.oid = part;
    SELECT left(c.relname, 44) || to_char(begins, CASE WHEN begins = date_trunc('day', begins) AND every >= interval '1 day' THEN '_YYYYMMDD' ELSE '_YYYYMMDD_HH24MI' END)
        INTO name FROM pg_class c WHERE c.oid = of.parent;
    WHILE to_regclass(format('%I.%I', schema, name)) IS NOT NULL LOOP
        n := n + 1;
        name := regexp_replace(name, '(_n\d+)?$', '_n' || n);
    END LOOP;
    EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING INDEXES INCLUDING STORAGE INCLUDING COMPRESSION INCLUDING STATISTICS, CONSTRAINT kpi_period CHECK (%s))',
        schema, name, part, kpi._division_condition('', of.time_column, of.type, of.since, kpi._unix_us(edge)));
    made := format('%I.%I', schema, name)::regclass;
    PERFORM kpi._archive_give(made, part);
    FOR event IN SELECT e.name, string_agg(format('(%s)', kpi._division_condition(e.place, of.time_column, of.type, of.since, kpi._unix_us(edge))), ' OR ') AS rows
                 FROM (VALUES ('insert', 'NEW.'), ('update', 'OLD.'), ('update', 'NEW.'), ('delete', 'OLD.')) e(name, place) GROUP BY e.name LOOP
        EXECUTE format('CREATE TRIGGER kpi_divide_%1$s AFTER %1$s ON %2$s FOR EACH ROW WHEN ((%3$s) AND kpi._archive_mark(%4$s)) EXECUTE FUNCTION kpi._archive_marked()',
            event.name, part, event.rows, part::oid);
    END LOOP;
    EXECUTE format('CREATE TRIGGER kpi_divide_truncate AFTER TRUNCATE ON %s EXECUTE FUNCTION kpi._archive_marked(%L)', part, part::oid);
    EXECUTE format('ALTER TABLE %s %s', part, (SELECT string_agg('ENABLE ALWAYS TRIGGER kpi_divide_' || e, ', ') FROM unnest('{insert,update,delete,truncate}'::text[]) e));
    INSERT INTO kpi.partition_division VALUES (part, made, of.since, kpi._unix_us(edge));
    RETURN true;
END $$;
COMMENT ON FUNCTION kpi._division_begin(regclass, interval) IS 'makes a table for the first period of a partition';

-- What an interrupted division has left: the copy, and the triggers.
CREATE FUNCTION kpi._division_clear(part regclass) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    left_over kpi.partition_division;
    trigger name;
BEGIN
    FOR trigger IN SELECT t.tgname FROM pg_trigger t WHERE t.tgrelid = part AND t.tgname LIKE 'kpi\_divide\_%' LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', trigger, part);
    END LOOP;
    DELETE FROM kpi.archive_mark m WHERE m.partition = part::oid;
    DELETE FROM kpi.partition_division d WHERE d.partition = part::oid RETURNING * INTO left_over;
    IF EXISTS (SELECT FROM pg_class c WHERE c.oid = left_over.made AND NOT c.relispartition) THEN
        EXECUTE format('DROP TABLE %s', left_over.made::regclass);
    END IF;
END $$;
COMMENT ON FUNCTION kpi._division_clear(regclass) IS 'clears away what an interrupted division has left';

-- Locks the table and says whether the copy is still the same as the original.
CREATE FUNCTION kpi._division_lock(part regclass) RETURNS bool
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM kpi._archive_lock(ARRAY[(kpi._divisible(part)).parent, part]);
    RETURN NOT EXISTS (SELECT FROM kpi.archive_mark m WHERE m.partition = part::oid)
        AND EXISTS (SELECT FROM kpi.partition_division d JOIN pg_class c ON c.oid = d.made WHERE d.partition = part::oid AND d.rows IS NOT NULL
                    AND d.since = (kpi._divisible(part)).since);
END $$;
COMMENT ON FUNCTION kpi._division_lock(regclass) IS 'locks a table of which a partition is divided, and says whether nobody wrote to what was copied';

-- Puts the copy in the place of the rows that were deleted.
CREATE FUNCTION kpi._division_switch(part regclass) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
    of record := kpi._divisible(part);
    division kpi.partition_division;
    made regclass;
    rest text;
    stray bool;
BEGIN
    SELECT d.* INTO division FROM kpi.partition_division d WHERE d.partition = part::oid;
    made := division.made;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %s)', part, kpi._division_condition('', of.time_column, of.type, of.since, division.until)) INTO stray;
    IF stray THEN
        RAISE EXCEPTION 'partition % has rows that were not copied', part USING ERRCODE = 'internal_error', HINT = 'Nothing has changed; call kpi.divide_partition again.';
    END IF;
    PERFORM kpi._quiet(true);
    EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', of.parent, part);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)', of.parent, made, kpi._bound(of.since), kpi._bound(division.until));
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT kpi_period', made);
    -- Its rows were within the old bounds, and none is before the new one, as was just seen, by an index where there is one: the
    -- constraint holds, and spares a scan of all that is left.
    rest := kpi._division_condition('', of.time_column, of.type, division.until, of.until);
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT kpi_period CHECK (%s) NOT VALID', part, rest);
    UPDATE pg_constraint c SET convalidated = true WHERE c.conrelid = part AND c.conname = 'kpi_period';
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)', of.parent, part, kpi._bound(division.until), kpi._bound(of.until));
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT kpi_period', part);
    PERFORM kpi._quiet(false);
    -- Sources know their partitions with their bounds.
    DELETE FROM kpi.source_partition p WHERE p.partition::oid IN (part::oid, made::oid);
    INSERT INTO kpi.source_partition (source_id, partition, first_minute, last_minute)
        SELECT s.id, l.leaf, m.first_minute, m.last_minute
        FROM kpi.source s, unnest(ARRAY[part, made]) l(leaf), kpi._partition_minutes(s, l.leaf) m
        WHERE s.captured AND s.relation IN (SELECT a.relid FROM pg_partition_ancestors(of.parent) a);
    PERFORM kpi._capture_truncate(made, 'kpi_capture_' || s.id || '_truncate', s.id)
        FROM kpi.source s WHERE s.captured AND s.relation IN (SELECT a.relid FROM pg_partition_ancestors(of.parent) a);
    PERFORM kpi._division_clear(part);
END $$;
COMMENT ON FUNCTION kpi._division_switch(regclass) IS 'puts the copied rows of a period in the place of the deleted ones';

CREATE FUNCTION kpi._divide_begin(part regclass, every interval) RETURNS bool
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'divide_begin_wrapper';
COMMENT ON FUNCTION kpi._divide_begin(regclass, interval) IS 'makes a table for the first period of a partition; false when there is nothing to divide';
CREATE FUNCTION kpi._divide_copy(part regclass) RETURNS bigint
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'divide_copy_wrapper';
COMMENT ON FUNCTION kpi._divide_copy(regclass) IS 'copies the rows of the first period of a partition, beside readers and writers';
CREATE FUNCTION kpi._divide_finish(part regclass) RETURNS bool
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'divide_finish_wrapper';
COMMENT ON FUNCTION kpi._divide_finish(regclass) IS 'puts the copied rows in the place of the originals; false when somebody wrote to these';
CREATE FUNCTION kpi._divide_leave(part regclass) RETURNS void
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'divide_leave_wrapper';
COMMENT ON FUNCTION kpi._divide_leave(regclass) IS 'gives the lock of a division back';

CREATE PROCEDURE kpi.divide_partition(part regclass, every interval)
    LANGUAGE plpgsql AS $$
DECLARE
    changed pg_catalog.int4 := 0;
    done pg_catalog.bool;
BEGIN
    LOOP
        EXIT WHEN NOT kpi._divide_begin(part, every);
        COMMIT;
        PERFORM kpi._divide_copy(part);
        COMMIT;
        done := kpi._divide_finish(part);
        COMMIT;
        changed := CASE WHEN done THEN 0 ELSE changed OPERATOR(pg_catalog.+) 1 END;
        IF changed OPERATOR(pg_catalog.>=) 3 THEN
            RAISE WARNING 'partition % is being written to where it is being divided', part
                USING DETAIL = 'Three times rows of its first period were written to while they were copied: they are where they were.', HINT = 'Call it again at a quieter time.';
            EXIT;
        END IF;
    END LOOP;
    PERFORM kpi._divide_leave(part);
END $$;
COMMENT ON PROCEDURE kpi.divide_partition(regclass, interval) IS
    'divides a partition by time into one for each period, from the oldest on: readers and writers go on while rows are copied, and wait while those of one period are exchanged';

-- Holds: ranges that nothing archives or drops; and who owns the objects.

CREATE FUNCTION kpi.hold(relation regclass, reason text, since timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity') RETURNS int
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hold_wrapper';
COMMENT ON FUNCTION kpi.hold(regclass, text, timestamptz, timestamptz) IS 'has nothing archive or drop rows of a range, until kpi.release; returns the number of the hold';
CREATE FUNCTION kpi.release(hold int) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'release_wrapper';
COMMENT ON FUNCTION kpi.release(int) IS 'ends a hold';

CREATE FUNCTION kpi.own_archive() RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'own_archive_wrapper';
REVOKE ALL ON FUNCTION kpi.own_archive() FROM PUBLIC;
COMMENT ON FUNCTION kpi.own_archive() IS 'gives a copied database an identity of its own, under which it writes and deletes objects; those of the original it only reads';

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

-- Two-step aggregates of rows with a time.

-- candlestick: the course of a price within a period

CREATE TYPE candlestick;
CREATE FUNCTION candlestick_in(cstring) RETURNS candlestick
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_in';
CREATE FUNCTION candlestick_out(candlestick) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_out';
CREATE FUNCTION candlestick_recv(internal) RETURNS candlestick
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_recv';
CREATE FUNCTION candlestick_send(candlestick) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_send';
CREATE TYPE candlestick (
    INPUT = candlestick_in, OUTPUT = candlestick_out, RECEIVE = candlestick_recv, SEND = candlestick_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE candlestick IS 'open, high, low and close of a price with their times, and the volume, made by kpi.candlestick_agg(ts, price, volume)';
COMMENT ON FUNCTION candlestick_in(cstring) IS 'text input of candlestick';
COMMENT ON FUNCTION candlestick_out(candlestick) IS 'text output of candlestick';
COMMENT ON FUNCTION candlestick_recv(internal) IS 'binary input of candlestick';
COMMENT ON FUNCTION candlestick_send(candlestick) IS 'binary output of candlestick';

CREATE FUNCTION candlestick_trans(internal, timestamptz, float8, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_trans';
COMMENT ON FUNCTION candlestick_trans(internal, timestamptz, float8, float8) IS 'adds a price to candlestick_agg(ts, price, volume)';

CREATE FUNCTION candlestick_rollup_trans(internal, candlestick) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_rollup_trans';
COMMENT ON FUNCTION candlestick_rollup_trans(internal, candlestick) IS 'adds a stored state to a rollup';

CREATE FUNCTION candlestick_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_combine';
COMMENT ON FUNCTION candlestick_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION candlestick_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_serialize';
COMMENT ON FUNCTION candlestick_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION candlestick_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_deserialize';
COMMENT ON FUNCTION candlestick_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION candlestick_final(internal) RETURNS candlestick
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_final';
COMMENT ON FUNCTION candlestick_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION candlestick_rollup_final(internal) RETURNS candlestick
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_final';
COMMENT ON FUNCTION candlestick_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE candlestick_agg(ts timestamptz, price float8, volume float8) (
    SFUNC = candlestick_trans, STYPE = internal, SSPACE = 128, FINALFUNC = candlestick_final,
    COMBINEFUNC = candlestick_combine, SERIALFUNC = candlestick_serialize, DESERIALFUNC = candlestick_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE candlestick_agg(timestamptz, float8, float8) IS 'open, high, low and close of price with their times, total volume and volume-weighted price; a volume may be NULL';

CREATE AGGREGATE rollup(c candlestick) (
    SFUNC = candlestick_rollup_trans, STYPE = internal, SSPACE = 128, FINALFUNC = candlestick_rollup_final,
    COMBINEFUNC = candlestick_combine, SERIALFUNC = candlestick_serialize, DESERIALFUNC = candlestick_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(candlestick) IS 'merges candlesticks into that of the longer period, in any order';

CREATE FUNCTION candlestick(ts timestamptz, open float8, high float8, low float8, close float8, volume float8) RETURNS candlestick
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_ready';
COMMENT ON FUNCTION candlestick(timestamptz, float8, float8, float8, float8, float8) IS 'a candlestick of prices that were aggregated elsewhere, all at one time; its vwap is the mean of high, low and close';

CREATE FUNCTION open(c candlestick) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_open';
COMMENT ON FUNCTION open(candlestick) IS 'the first price';

CREATE FUNCTION high(c candlestick) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_high';
COMMENT ON FUNCTION high(candlestick) IS 'the highest price; NaN counts as the highest';

CREATE FUNCTION low(c candlestick) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_low';
COMMENT ON FUNCTION low(candlestick) IS 'the lowest price';

CREATE FUNCTION close(c candlestick) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_close';
COMMENT ON FUNCTION close(candlestick) IS 'the last price';

CREATE FUNCTION open_time(c candlestick) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_open_time';
COMMENT ON FUNCTION open_time(candlestick) IS 'the time of the first price';

CREATE FUNCTION high_time(c candlestick) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_high_time';
COMMENT ON FUNCTION high_time(candlestick) IS 'the time at which the highest price occurred first';

CREATE FUNCTION low_time(c candlestick) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_low_time';
COMMENT ON FUNCTION low_time(candlestick) IS 'the time at which the lowest price occurred first';

CREATE FUNCTION close_time(c candlestick) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_close_time';
COMMENT ON FUNCTION close_time(candlestick) IS 'the time of the last price';

CREATE FUNCTION volume(c candlestick) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_volume';
COMMENT ON FUNCTION volume(candlestick) IS 'the total volume; NULL where no price had one';

CREATE FUNCTION vwap(c candlestick) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_candlestick_vwap';
COMMENT ON FUNCTION vwap(candlestick) IS 'the mean price weighted by volume; NULL without any volume';

-- counter: a value that only rises, and starts again at zero when it is reset

CREATE TYPE counteragg;
CREATE FUNCTION counteragg_in(cstring) RETURNS counteragg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_in';
CREATE FUNCTION counteragg_out(counteragg) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_out';
CREATE FUNCTION counteragg_recv(internal) RETURNS counteragg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_recv';
CREATE FUNCTION counteragg_send(counteragg) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_send';
CREATE TYPE counteragg (
    INPUT = counteragg_in, OUTPUT = counteragg_out, RECEIVE = counteragg_recv, SEND = counteragg_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE counteragg IS 'readings of a counter, summarised, made by kpi.counter_agg(ts, value)';
COMMENT ON FUNCTION counteragg_in(cstring) IS 'text input of counteragg';
COMMENT ON FUNCTION counteragg_out(counteragg) IS 'text output of counteragg';
COMMENT ON FUNCTION counteragg_recv(internal) IS 'binary input of counteragg';
COMMENT ON FUNCTION counteragg_send(counteragg) IS 'binary output of counteragg';

CREATE FUNCTION counteragg_trans(internal, timestamptz, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_trans';
COMMENT ON FUNCTION counteragg_trans(internal, timestamptz, float8) IS 'adds a reading to counter_agg(ts, value)';

CREATE FUNCTION counteragg_trans(internal, timestamptz, float8, tstzrange) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_trans';
COMMENT ON FUNCTION counteragg_trans(internal, timestamptz, float8, tstzrange) IS 'adds a reading to counter_agg(ts, value, bounds)';

CREATE FUNCTION counteragg_rollup_trans(internal, counteragg) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_rollup_trans';
COMMENT ON FUNCTION counteragg_rollup_trans(internal, counteragg) IS 'adds a stored state to a rollup';

CREATE FUNCTION counteragg_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_combine';
COMMENT ON FUNCTION counteragg_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION counteragg_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_serialize';
COMMENT ON FUNCTION counteragg_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION counteragg_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_deserialize';
COMMENT ON FUNCTION counteragg_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION counteragg_final(internal) RETURNS counteragg
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_final';
COMMENT ON FUNCTION counteragg_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION counteragg_rollup_final(internal) RETURNS counteragg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_rollup_final';
COMMENT ON FUNCTION counteragg_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE counter_agg(ts timestamptz, value float8) (
    SFUNC = counteragg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = counteragg_final,
    COMBINEFUNC = counteragg_combine, SERIALFUNC = counteragg_serialize, DESERIALFUNC = counteragg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE counter_agg(timestamptz, float8) IS 'rises, rates and resets of a counter, to be read by delta, rate, ... and merged by rollup; rows may come in any order';

CREATE AGGREGATE counter_agg(ts timestamptz, value float8, bounds tstzrange) (
    SFUNC = counteragg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = counteragg_final,
    COMBINEFUNC = counteragg_combine, SERIALFUNC = counteragg_serialize, DESERIALFUNC = counteragg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE counter_agg(timestamptz, float8, tstzrange) IS 'the same with the bounds for which extrapolated_delta and extrapolated_rate stand: the smallest range that holds those of all rows';

CREATE AGGREGATE rollup(summary counteragg) (
    SFUNC = counteragg_rollup_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = counteragg_rollup_final,
    COMBINEFUNC = counteragg_combine, SERIALFUNC = counteragg_serialize, DESERIALFUNC = counteragg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(counteragg) IS 'merges states of counter_agg, in any order, as if it had seen all their rows; states whose times overlap are an error unless they still know their readings';

CREATE FUNCTION num_elements(summary counteragg) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_num_elements';
COMMENT ON FUNCTION num_elements(counteragg) IS 'the number of readings, one for each time';

CREATE FUNCTION num_changes(summary counteragg) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_num_changes';
COMMENT ON FUNCTION num_changes(counteragg) IS 'how often a reading differed from the one before';

CREATE FUNCTION num_resets(summary counteragg) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_num_resets';
COMMENT ON FUNCTION num_resets(counteragg) IS 'how often the counter was reset, that is, fell';

CREATE FUNCTION delta(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_delta';
COMMENT ON FUNCTION delta(counteragg) IS 'the rise from the first reading to the last, with resets made good';

CREATE FUNCTION time_delta(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_time_delta';
COMMENT ON FUNCTION time_delta(counteragg) IS 'the seconds from the first reading to the last';

CREATE FUNCTION rate(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_rate';
COMMENT ON FUNCTION rate(counteragg) IS 'the rise per second from the first reading to the last; NULL with fewer than two';

CREATE FUNCTION idelta_left(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_idelta_left';
COMMENT ON FUNCTION idelta_left(counteragg) IS 'the rise from the first reading to the second';

CREATE FUNCTION idelta_right(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_idelta_right';
COMMENT ON FUNCTION idelta_right(counteragg) IS 'the rise from the last reading but one to the last';

CREATE FUNCTION irate_left(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_irate_left';
COMMENT ON FUNCTION irate_left(counteragg) IS 'the rise per second from the first reading to the second';

CREATE FUNCTION irate_right(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_irate_right';
COMMENT ON FUNCTION irate_right(counteragg) IS 'the rise per second from the last reading but one to the last';

CREATE FUNCTION slope(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_slope';
COMMENT ON FUNCTION slope(counteragg) IS 'the slope per second of the least-squares line through the readings, with resets made good';

CREATE FUNCTION intercept(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_intercept';
COMMENT ON FUNCTION intercept(counteragg) IS 'the value of the least-squares line at 2000-01-01 00:00 UTC';

CREATE FUNCTION corr(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_corr';
COMMENT ON FUNCTION corr(counteragg) IS 'the correlation of time and value';

CREATE FUNCTION first_val(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_first_val';
COMMENT ON FUNCTION first_val(counteragg) IS 'the earliest reading';

CREATE FUNCTION last_val(summary counteragg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_last_val';
COMMENT ON FUNCTION last_val(counteragg) IS 'the latest reading';

CREATE FUNCTION first_time(summary counteragg) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_first_time';
COMMENT ON FUNCTION first_time(counteragg) IS 'the time of the earliest reading';

CREATE FUNCTION last_time(summary counteragg) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_last_time';
COMMENT ON FUNCTION last_time(counteragg) IS 'the time of the latest reading';

CREATE FUNCTION counter_zero_time(summary counteragg) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_zero_time';
COMMENT ON FUNCTION counter_zero_time(counteragg) IS 'when the least-squares line was at zero; NULL for a level line';

CREATE FUNCTION with_bounds(summary counteragg, bounds tstzrange) RETURNS counteragg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_with_bounds';
COMMENT ON FUNCTION with_bounds(counteragg, tstzrange) IS 'the same readings with the bounds to which extrapolated_delta and extrapolated_rate extend them';

CREATE FUNCTION extrapolated_delta(summary counteragg, method text DEFAULT 'prometheus') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_extrapolated_delta';
COMMENT ON FUNCTION extrapolated_delta(counteragg, text) IS 'the rise within the bounds, extended from the readings to both ends as Prometheus does';

CREATE FUNCTION extrapolated_rate(summary counteragg, method text DEFAULT 'prometheus') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_extrapolated_rate';
COMMENT ON FUNCTION extrapolated_rate(counteragg, text) IS 'extrapolated_delta per second of the bounds';

CREATE FUNCTION interpolated_delta(summary counteragg, start timestamptz, duration interval, prev counteragg DEFAULT NULL, next counteragg DEFAULT NULL) RETURNS float8
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_interpolated_delta';
COMMENT ON FUNCTION interpolated_delta(counteragg, timestamptz, interval, counteragg, counteragg) IS 'the rise from start for as long as duration, with the share of the rises from prev and to next that falls into it';

CREATE FUNCTION interpolated_rate(summary counteragg, start timestamptz, duration interval, prev counteragg DEFAULT NULL, next counteragg DEFAULT NULL) RETURNS float8
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_counter_interpolated_rate';
COMMENT ON FUNCTION interpolated_rate(counteragg, timestamptz, interval, counteragg, counteragg) IS 'interpolated_delta per second of what readings and neighbours cover';

-- gauge: a value that rises and falls

CREATE TYPE gaugeagg;
CREATE FUNCTION gaugeagg_in(cstring) RETURNS gaugeagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_in';
CREATE FUNCTION gaugeagg_out(gaugeagg) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_out';
CREATE FUNCTION gaugeagg_recv(internal) RETURNS gaugeagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_recv';
CREATE FUNCTION gaugeagg_send(gaugeagg) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_send';
CREATE TYPE gaugeagg (
    INPUT = gaugeagg_in, OUTPUT = gaugeagg_out, RECEIVE = gaugeagg_recv, SEND = gaugeagg_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE gaugeagg IS 'readings of a gauge, summarised, made by kpi.gauge_agg(ts, value)';
COMMENT ON FUNCTION gaugeagg_in(cstring) IS 'text input of gaugeagg';
COMMENT ON FUNCTION gaugeagg_out(gaugeagg) IS 'text output of gaugeagg';
COMMENT ON FUNCTION gaugeagg_recv(internal) IS 'binary input of gaugeagg';
COMMENT ON FUNCTION gaugeagg_send(gaugeagg) IS 'binary output of gaugeagg';

CREATE FUNCTION gaugeagg_trans(internal, timestamptz, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_trans';
COMMENT ON FUNCTION gaugeagg_trans(internal, timestamptz, float8) IS 'adds a reading to gauge_agg(ts, value)';

CREATE FUNCTION gaugeagg_trans(internal, timestamptz, float8, tstzrange) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_trans';
COMMENT ON FUNCTION gaugeagg_trans(internal, timestamptz, float8, tstzrange) IS 'adds a reading to gauge_agg(ts, value, bounds)';

CREATE FUNCTION gaugeagg_rollup_trans(internal, gaugeagg) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_rollup_trans';
COMMENT ON FUNCTION gaugeagg_rollup_trans(internal, gaugeagg) IS 'adds a stored state to a rollup';

CREATE FUNCTION gaugeagg_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_combine';
COMMENT ON FUNCTION gaugeagg_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION gaugeagg_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_serialize';
COMMENT ON FUNCTION gaugeagg_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION gaugeagg_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_deserialize';
COMMENT ON FUNCTION gaugeagg_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION gaugeagg_final(internal) RETURNS gaugeagg
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_final';
COMMENT ON FUNCTION gaugeagg_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION gaugeagg_rollup_final(internal) RETURNS gaugeagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_rollup_final';
COMMENT ON FUNCTION gaugeagg_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE gauge_agg(ts timestamptz, value float8) (
    SFUNC = gaugeagg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = gaugeagg_final,
    COMBINEFUNC = gaugeagg_combine, SERIALFUNC = gaugeagg_serialize, DESERIALFUNC = gaugeagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE gauge_agg(timestamptz, float8) IS 'changes and rates of a gauge, to be read by delta, rate, ... and merged by rollup; rows may come in any order';

CREATE AGGREGATE gauge_agg(ts timestamptz, value float8, bounds tstzrange) (
    SFUNC = gaugeagg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = gaugeagg_final,
    COMBINEFUNC = gaugeagg_combine, SERIALFUNC = gaugeagg_serialize, DESERIALFUNC = gaugeagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE gauge_agg(timestamptz, float8, tstzrange) IS 'the same with the bounds for which extrapolated_delta and extrapolated_rate stand: the smallest range that holds those of all rows';

CREATE AGGREGATE rollup(summary gaugeagg) (
    SFUNC = gaugeagg_rollup_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = gaugeagg_rollup_final,
    COMBINEFUNC = gaugeagg_combine, SERIALFUNC = gaugeagg_serialize, DESERIALFUNC = gaugeagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(gaugeagg) IS 'merges states of gauge_agg, in any order, as if it had seen all their rows; states whose times overlap are an error unless they still know their readings';

CREATE FUNCTION num_elements(summary gaugeagg) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_num_elements';
COMMENT ON FUNCTION num_elements(gaugeagg) IS 'the number of readings, one for each time';

CREATE FUNCTION num_changes(summary gaugeagg) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_num_changes';
COMMENT ON FUNCTION num_changes(gaugeagg) IS 'how often a reading differed from the one before';

CREATE FUNCTION delta(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_delta';
COMMENT ON FUNCTION delta(gaugeagg) IS 'the change from the first reading to the last';

CREATE FUNCTION time_delta(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_time_delta';
COMMENT ON FUNCTION time_delta(gaugeagg) IS 'the seconds from the first reading to the last';

CREATE FUNCTION rate(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_rate';
COMMENT ON FUNCTION rate(gaugeagg) IS 'the change per second from the first reading to the last; NULL with fewer than two';

CREATE FUNCTION idelta_left(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_idelta_left';
COMMENT ON FUNCTION idelta_left(gaugeagg) IS 'the change from the first reading to the second';

CREATE FUNCTION idelta_right(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_idelta_right';
COMMENT ON FUNCTION idelta_right(gaugeagg) IS 'the change from the last reading but one to the last';

CREATE FUNCTION irate_left(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_irate_left';
COMMENT ON FUNCTION irate_left(gaugeagg) IS 'the change per second from the first reading to the second';

CREATE FUNCTION irate_right(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_irate_right';
COMMENT ON FUNCTION irate_right(gaugeagg) IS 'the change per second from the last reading but one to the last';

CREATE FUNCTION slope(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_slope';
COMMENT ON FUNCTION slope(gaugeagg) IS 'the slope per second of the least-squares line through the readings';

CREATE FUNCTION intercept(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_intercept';
COMMENT ON FUNCTION intercept(gaugeagg) IS 'the value of the least-squares line at 2000-01-01 00:00 UTC';

CREATE FUNCTION corr(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_corr';
COMMENT ON FUNCTION corr(gaugeagg) IS 'the correlation of time and value';

CREATE FUNCTION first_val(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_first_val';
COMMENT ON FUNCTION first_val(gaugeagg) IS 'the earliest reading';

CREATE FUNCTION last_val(summary gaugeagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_last_val';
COMMENT ON FUNCTION last_val(gaugeagg) IS 'the latest reading';

CREATE FUNCTION first_time(summary gaugeagg) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_first_time';
COMMENT ON FUNCTION first_time(gaugeagg) IS 'the time of the earliest reading';

CREATE FUNCTION last_time(summary gaugeagg) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_last_time';
COMMENT ON FUNCTION last_time(gaugeagg) IS 'the time of the latest reading';

CREATE FUNCTION gauge_zero_time(summary gaugeagg) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_zero_time';
COMMENT ON FUNCTION gauge_zero_time(gaugeagg) IS 'when the least-squares line was at zero; NULL for a level line';

CREATE FUNCTION with_bounds(summary gaugeagg, bounds tstzrange) RETURNS gaugeagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_with_bounds';
COMMENT ON FUNCTION with_bounds(gaugeagg, tstzrange) IS 'the same readings with the bounds to which extrapolated_delta and extrapolated_rate extend them';

CREATE FUNCTION extrapolated_delta(summary gaugeagg, method text DEFAULT 'prometheus') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_extrapolated_delta';
COMMENT ON FUNCTION extrapolated_delta(gaugeagg, text) IS 'the change within the bounds, extended from the readings to both ends as Prometheus does';

CREATE FUNCTION extrapolated_rate(summary gaugeagg, method text DEFAULT 'prometheus') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_extrapolated_rate';
COMMENT ON FUNCTION extrapolated_rate(gaugeagg, text) IS 'extrapolated_delta per second of the bounds';

CREATE FUNCTION interpolated_delta(summary gaugeagg, start timestamptz, duration interval, prev gaugeagg DEFAULT NULL, next gaugeagg DEFAULT NULL) RETURNS float8
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_interpolated_delta';
COMMENT ON FUNCTION interpolated_delta(gaugeagg, timestamptz, interval, gaugeagg, gaugeagg) IS 'the change from start for as long as duration, with the share of the changes from prev and to next that falls into it';

CREATE FUNCTION interpolated_rate(summary gaugeagg, start timestamptz, duration interval, prev gaugeagg DEFAULT NULL, next gaugeagg DEFAULT NULL) RETURNS float8
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gauge_interpolated_rate';
COMMENT ON FUNCTION interpolated_rate(gaugeagg, timestamptz, interval, gaugeagg, gaugeagg) IS 'interpolated_delta per second of what readings and neighbours cover';

-- timeweight: values that hold, or change along a line, until the next one

CREATE TYPE timeweight;
CREATE FUNCTION timeweight_in(cstring) RETURNS timeweight
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_in';
CREATE FUNCTION timeweight_out(timeweight) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_out';
CREATE FUNCTION timeweight_recv(internal) RETURNS timeweight
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_recv';
CREATE FUNCTION timeweight_send(timeweight) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_send';
CREATE TYPE timeweight (
    INPUT = timeweight_in, OUTPUT = timeweight_out, RECEIVE = timeweight_recv, SEND = timeweight_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE timeweight IS 'values over time, summarised by the area below them, made by kpi.time_weight(method, ts, value)';
COMMENT ON FUNCTION timeweight_in(cstring) IS 'text input of timeweight';
COMMENT ON FUNCTION timeweight_out(timeweight) IS 'text output of timeweight';
COMMENT ON FUNCTION timeweight_recv(internal) IS 'binary input of timeweight';
COMMENT ON FUNCTION timeweight_send(timeweight) IS 'binary output of timeweight';

CREATE FUNCTION timeweight_trans(internal, text, timestamptz, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_trans';
COMMENT ON FUNCTION timeweight_trans(internal, text, timestamptz, float8) IS 'adds a value to time_weight(method, ts, value)';

CREATE FUNCTION timeweight_rollup_trans(internal, timeweight) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_rollup_trans';
COMMENT ON FUNCTION timeweight_rollup_trans(internal, timeweight) IS 'adds a stored state to a rollup';

CREATE FUNCTION timeweight_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_combine';
COMMENT ON FUNCTION timeweight_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION timeweight_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_serialize';
COMMENT ON FUNCTION timeweight_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION timeweight_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_deserialize';
COMMENT ON FUNCTION timeweight_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION timeweight_final(internal) RETURNS timeweight
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_final';
COMMENT ON FUNCTION timeweight_final(internal) IS 'ends the aggregate; without rows the result is NULL';

CREATE FUNCTION timeweight_rollup_final(internal) RETURNS timeweight
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_rollup_final';
COMMENT ON FUNCTION timeweight_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE time_weight(method text, ts timestamptz, value float8) (
    SFUNC = timeweight_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = timeweight_final,
    COMBINEFUNC = timeweight_combine, SERIALFUNC = timeweight_serialize, DESERIALFUNC = timeweight_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE time_weight(text, timestamptz, float8) IS 'values weighted by how long they lasted: method ''LOCF'' has each hold until the next one, ''Linear'' draws a line to it; to be read by average, integral, ... and merged by rollup; rows may come in any order';

CREATE AGGREGATE rollup(tws timeweight) (
    SFUNC = timeweight_rollup_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = timeweight_rollup_final,
    COMBINEFUNC = timeweight_combine, SERIALFUNC = timeweight_serialize, DESERIALFUNC = timeweight_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(timeweight) IS 'merges states of time_weight with the same method, in any order, as if it had seen all their rows; states whose times overlap are an error unless they still know their values';

CREATE FUNCTION average(tws timeweight) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_average';
COMMENT ON FUNCTION average(timeweight) IS 'the average over the time from the first value to the last; NULL with fewer than two';

CREATE FUNCTION integral(tws timeweight, unit text DEFAULT 'second') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_integral';
COMMENT ON FUNCTION integral(timeweight, text) IS 'the integral from the first value to the last, in value times unit: microsecond, millisecond, second, minute, hour or day';

CREATE FUNCTION interpolated_average(tws timeweight, start timestamptz, duration interval, prev timeweight DEFAULT NULL, next timeweight DEFAULT NULL) RETURNS float8
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_interpolated_average';
COMMENT ON FUNCTION interpolated_average(timeweight, timestamptz, interval, timeweight, timeweight) IS 'the average from start for as long as duration, whose ends are interpolated from the last value of prev and the first of next';

CREATE FUNCTION interpolated_integral(tws timeweight, start timestamptz, duration interval, prev timeweight DEFAULT NULL, next timeweight DEFAULT NULL, unit text DEFAULT 'second') RETURNS float8
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_interpolated_integral';
COMMENT ON FUNCTION interpolated_integral(timeweight, timestamptz, interval, timeweight, timeweight, text) IS 'the integral from start for as long as duration, in value times unit, with ends that are interpolated from the last value of prev and the first of next';

CREATE FUNCTION first_val(tws timeweight) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_first_val';
COMMENT ON FUNCTION first_val(timeweight) IS 'the earliest value';

CREATE FUNCTION last_val(tws timeweight) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_last_val';
COMMENT ON FUNCTION last_val(timeweight) IS 'the latest value';

CREATE FUNCTION first_time(tws timeweight) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_first_time';
COMMENT ON FUNCTION first_time(timeweight) IS 'the time of the earliest value';

CREATE FUNCTION last_time(tws timeweight) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeweight_last_time';
COMMENT ON FUNCTION last_time(timeweight) IS 'the time of the latest value';

-- heartbeat: when a system was live

CREATE TYPE heartbeatagg;
CREATE FUNCTION heartbeatagg_in(cstring) RETURNS heartbeatagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_in';
CREATE FUNCTION heartbeatagg_out(heartbeatagg) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_out';
CREATE FUNCTION heartbeatagg_recv(internal) RETURNS heartbeatagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_recv';
CREATE FUNCTION heartbeatagg_send(heartbeatagg) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_send';
CREATE TYPE heartbeatagg (
    INPUT = heartbeatagg_in, OUTPUT = heartbeatagg_out, RECEIVE = heartbeatagg_recv, SEND = heartbeatagg_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE heartbeatagg IS 'the ranges of time in which a system was live, made by kpi.heartbeat_agg(heartbeat, agg_start, agg_duration, heartbeat_liveness)';
COMMENT ON FUNCTION heartbeatagg_in(cstring) IS 'text input of heartbeatagg';
COMMENT ON FUNCTION heartbeatagg_out(heartbeatagg) IS 'text output of heartbeatagg';
COMMENT ON FUNCTION heartbeatagg_recv(internal) IS 'binary input of heartbeatagg';
COMMENT ON FUNCTION heartbeatagg_send(heartbeatagg) IS 'binary output of heartbeatagg';

CREATE FUNCTION heartbeatagg_trans(internal, timestamptz, timestamptz, interval, interval) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_trans';
COMMENT ON FUNCTION heartbeatagg_trans(internal, timestamptz, timestamptz, interval, interval) IS 'adds a heartbeat to heartbeat_agg';

CREATE FUNCTION heartbeatagg_rollup_trans(internal, heartbeatagg) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_rollup_trans';
COMMENT ON FUNCTION heartbeatagg_rollup_trans(internal, heartbeatagg) IS 'adds a stored state to a rollup';

CREATE FUNCTION heartbeatagg_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_combine';
COMMENT ON FUNCTION heartbeatagg_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION heartbeatagg_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_serialize';
COMMENT ON FUNCTION heartbeatagg_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION heartbeatagg_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_deserialize';
COMMENT ON FUNCTION heartbeatagg_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION heartbeatagg_final(internal) RETURNS heartbeatagg
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_final';
COMMENT ON FUNCTION heartbeatagg_final(internal) IS 'ends the aggregate; without rows the result is NULL';

CREATE FUNCTION heartbeatagg_rollup_final(internal) RETURNS heartbeatagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_final';
COMMENT ON FUNCTION heartbeatagg_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE heartbeat_agg(heartbeat timestamptz, agg_start timestamptz, agg_duration interval, heartbeat_liveness interval) (
    SFUNC = heartbeatagg_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = heartbeatagg_final,
    COMBINEFUNC = heartbeatagg_combine, SERIALFUNC = heartbeatagg_serialize, DESERIALFUNC = heartbeatagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE heartbeat_agg(timestamptz, timestamptz, interval, interval) IS 'the ranges of time, from agg_start for as long as agg_duration, in which a system was live: for heartbeat_liveness after each heartbeat; to be read by uptime, live_ranges, ... and merged by rollup';

CREATE AGGREGATE rollup(agg heartbeatagg) (
    SFUNC = heartbeatagg_rollup_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = heartbeatagg_rollup_final,
    COMBINEFUNC = heartbeatagg_combine, SERIALFUNC = heartbeatagg_serialize, DESERIALFUNC = heartbeatagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(heartbeatagg) IS 'merges states of heartbeat_agg, in any order and overlap; the result stands for the smallest range of time that holds theirs';

CREATE FUNCTION uptime(agg heartbeatagg) RETURNS interval
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_uptime';
COMMENT ON FUNCTION uptime(heartbeatagg) IS 'how long the system was live';

CREATE FUNCTION downtime(agg heartbeatagg) RETURNS interval
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_downtime';
COMMENT ON FUNCTION downtime(heartbeatagg) IS 'how long the system was not live';

CREATE FUNCTION num_live_ranges(agg heartbeatagg) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_num_live_ranges';
COMMENT ON FUNCTION num_live_ranges(heartbeatagg) IS 'the number of ranges in which the system was live';

CREATE FUNCTION num_gaps(agg heartbeatagg) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_num_gaps';
COMMENT ON FUNCTION num_gaps(heartbeatagg) IS 'the number of ranges in which it was not, those at the start and the end included';

CREATE FUNCTION live_ranges(agg heartbeatagg) RETURNS TABLE (start timestamptz, "end" timestamptz)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_live_ranges';
COMMENT ON FUNCTION live_ranges(heartbeatagg) IS 'the ranges in which the system was live, in order of time';

CREATE FUNCTION dead_ranges(agg heartbeatagg) RETURNS TABLE (start timestamptz, "end" timestamptz)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_dead_ranges';
COMMENT ON FUNCTION dead_ranges(heartbeatagg) IS 'the ranges in which the system was not live, in order of time';

CREATE FUNCTION live_at(agg heartbeatagg, test timestamptz) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_live_at';
COMMENT ON FUNCTION live_at(heartbeatagg, timestamptz) IS 'whether the system was live at a time; never outside of the range of the state';

CREATE FUNCTION interpolate(agg heartbeatagg, pred heartbeatagg) RETURNS heartbeatagg
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_interpolate';
COMMENT ON FUNCTION interpolate(heartbeatagg, heartbeatagg) IS 'the state with what the heartbeats of its predecessor keep live in its range; the state itself where pred is NULL';

CREATE FUNCTION interpolated_uptime(agg heartbeatagg, pred heartbeatagg) RETURNS interval
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_interpolated_uptime';
COMMENT ON FUNCTION interpolated_uptime(heartbeatagg, heartbeatagg) IS 'how long the system was live, also by the heartbeats of the predecessor';

CREATE FUNCTION interpolated_downtime(agg heartbeatagg, pred heartbeatagg) RETURNS interval
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_interpolated_downtime';
COMMENT ON FUNCTION interpolated_downtime(heartbeatagg, heartbeatagg) IS 'how long the system was not live, not even by the heartbeats of the predecessor';

CREATE FUNCTION trim_to(agg heartbeatagg, start timestamptz DEFAULT NULL, duration interval DEFAULT NULL) RETURNS heartbeatagg
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_heartbeat_trim_to';
COMMENT ON FUNCTION trim_to(heartbeatagg, timestamptz, interval) IS 'the part of the state from start for as long as duration, each as far as the state where it is NULL';

-- stateagg and compactstateagg: how long a system was in which state, and when
--
-- States are texts, integers, or values of an enum type, which are kept as their labels: functions that ask for one cast it.

CREATE TYPE stateagg;
CREATE FUNCTION stateagg_in(cstring) RETURNS stateagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_in';
CREATE FUNCTION stateagg_out(stateagg) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_out';
CREATE FUNCTION stateagg_recv(internal) RETURNS stateagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_recv';
CREATE FUNCTION stateagg_send(stateagg) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_send';
CREATE TYPE stateagg (
    INPUT = stateagg_in, OUTPUT = stateagg_out, RECEIVE = stateagg_recv, SEND = stateagg_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE stateagg IS 'the timeline of the states of a system, made by kpi.state_agg(ts, state)';
COMMENT ON FUNCTION stateagg_in(cstring) IS 'text input of stateagg';
COMMENT ON FUNCTION stateagg_out(stateagg) IS 'text output of stateagg';
COMMENT ON FUNCTION stateagg_recv(internal) IS 'binary input of stateagg';
COMMENT ON FUNCTION stateagg_send(stateagg) IS 'binary output of stateagg';

CREATE FUNCTION stateagg_trans(internal, timestamptz, text) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_trans_text';
COMMENT ON FUNCTION stateagg_trans(internal, timestamptz, text) IS 'adds a state to state_agg(ts, state)';

CREATE FUNCTION stateagg_trans(internal, timestamptz, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_trans_integer';
COMMENT ON FUNCTION stateagg_trans(internal, timestamptz, bigint) IS 'adds a state to state_agg(ts, state)';

CREATE FUNCTION stateagg_trans(internal, timestamptz, anyenum) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_trans_enum';
COMMENT ON FUNCTION stateagg_trans(internal, timestamptz, anyenum) IS 'adds a state to state_agg(ts, state)';

CREATE FUNCTION stateagg_rollup_trans(internal, stateagg) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_rollup_trans';
COMMENT ON FUNCTION stateagg_rollup_trans(internal, stateagg) IS 'adds a stored state to a rollup';

CREATE FUNCTION stateagg_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_combine';
COMMENT ON FUNCTION stateagg_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION stateagg_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_serialize';
COMMENT ON FUNCTION stateagg_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION stateagg_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_deserialize';
COMMENT ON FUNCTION stateagg_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION stateagg_final(internal) RETURNS stateagg
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_final';
COMMENT ON FUNCTION stateagg_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION stateagg_rollup_final(internal) RETURNS stateagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_rollup_final';
COMMENT ON FUNCTION stateagg_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE state_agg(ts timestamptz, state text) (
    SFUNC = stateagg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = stateagg_final,
    COMBINEFUNC = stateagg_combine, SERIALFUNC = stateagg_serialize, DESERIALFUNC = stateagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE state_agg(timestamptz, text) IS 'when a system was in which state, to be read by duration_in, state_at, state_timeline, ... and merged by rollup; rows may come in any order';

CREATE AGGREGATE state_agg(ts timestamptz, state bigint) (
    SFUNC = stateagg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = stateagg_final,
    COMBINEFUNC = stateagg_combine, SERIALFUNC = stateagg_serialize, DESERIALFUNC = stateagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE state_agg(timestamptz, bigint) IS 'when a system was in which state, to be read by duration_in, state_at, state_timeline, ... and merged by rollup; states are integers; rows may come in any order';

CREATE AGGREGATE state_agg(ts timestamptz, state anyenum) (
    SFUNC = stateagg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = stateagg_final,
    COMBINEFUNC = stateagg_combine, SERIALFUNC = stateagg_serialize, DESERIALFUNC = stateagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE state_agg(timestamptz, anyenum) IS 'when a system was in which state, to be read by duration_in, state_at, state_timeline, ... and merged by rollup; states are values of an enum type, kept as their labels; rows may come in any order';

CREATE AGGREGATE rollup(agg stateagg) (
    SFUNC = stateagg_rollup_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = stateagg_rollup_final,
    COMBINEFUNC = stateagg_combine, SERIALFUNC = stateagg_serialize, DESERIALFUNC = stateagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(stateagg) IS 'merges states of state_agg, in any order, as if it had seen all their rows; states whose times overlap are an error unless they still know their rows';

CREATE FUNCTION duration_in(agg stateagg, state text) RETURNS interval
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_duration_in_text';
COMMENT ON FUNCTION duration_in(stateagg, text) IS 'how long the system was in a state, from the first row to the last';

CREATE FUNCTION duration_in(agg stateagg, state bigint) RETURNS interval
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_duration_in_integer';
COMMENT ON FUNCTION duration_in(stateagg, bigint) IS 'how long the system was in a state, from the first row to the last';

CREATE FUNCTION duration_in(agg stateagg, state anyenum) RETURNS interval
    LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT kpi.duration_in(agg, state::text) $$;
COMMENT ON FUNCTION duration_in(stateagg, anyenum) IS 'how long the system was in a state, from the first row to the last';

CREATE FUNCTION duration_in(agg stateagg, state text, start timestamptz, duration interval DEFAULT NULL) RETURNS interval
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_duration_in_range_text';
COMMENT ON FUNCTION duration_in(stateagg, text, timestamptz, interval) IS 'how long the system was in a state from start for as long as duration, or to the last row where that is NULL';

CREATE FUNCTION duration_in(agg stateagg, state bigint, start timestamptz, duration interval DEFAULT NULL) RETURNS interval
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_duration_in_range_integer';
COMMENT ON FUNCTION duration_in(stateagg, bigint, timestamptz, interval) IS 'how long the system was in a state from start for as long as duration, or to the last row where that is NULL';

CREATE FUNCTION duration_in(agg stateagg, state anyenum, start timestamptz, duration interval DEFAULT NULL) RETURNS interval
    LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT kpi.duration_in(agg, state::text, start, duration) $$;
COMMENT ON FUNCTION duration_in(stateagg, anyenum, timestamptz, interval) IS 'how long the system was in a state from start for as long as duration, or to the last row where that is NULL';

CREATE FUNCTION interpolated_duration_in(agg stateagg, state text, start timestamptz, duration interval, prev stateagg DEFAULT NULL) RETURNS interval
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_interpolated_duration_in_text';
COMMENT ON FUNCTION interpolated_duration_in(stateagg, text, timestamptz, interval, stateagg) IS 'how long the system was in a state from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE FUNCTION interpolated_duration_in(agg stateagg, state bigint, start timestamptz, duration interval, prev stateagg DEFAULT NULL) RETURNS interval
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_interpolated_duration_in_integer';
COMMENT ON FUNCTION interpolated_duration_in(stateagg, bigint, timestamptz, interval, stateagg) IS 'how long the system was in a state from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE FUNCTION interpolated_duration_in(agg stateagg, state anyenum, start timestamptz, duration interval, prev stateagg DEFAULT NULL) RETURNS interval
    LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT kpi.interpolated_duration_in(agg, state::text, start, duration, prev) $$;
COMMENT ON FUNCTION interpolated_duration_in(stateagg, anyenum, timestamptz, interval, stateagg) IS 'how long the system was in a state from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE FUNCTION into_values(agg stateagg) RETURNS TABLE (state text, duration interval)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_into_values';
COMMENT ON FUNCTION into_values(stateagg) IS 'all states with the time that the system spent in each, in the order of the states';

CREATE FUNCTION into_int_values(agg stateagg) RETURNS TABLE (state bigint, duration interval)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_into_int_values';
COMMENT ON FUNCTION into_int_values(stateagg) IS 'the same of states that are integers';

CREATE FUNCTION state_at(agg stateagg, ts timestamptz) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_at';
COMMENT ON FUNCTION state_at(stateagg, timestamptz) IS 'the state at a time; NULL before the first row, and after the last one its state';

CREATE FUNCTION state_at_int(agg stateagg, ts timestamptz) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_at_int';
COMMENT ON FUNCTION state_at_int(stateagg, timestamptz) IS 'the same of states that are integers';

CREATE FUNCTION state_timeline(agg stateagg) RETURNS TABLE (state text, start_time timestamptz, end_time timestamptz)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_timeline';
COMMENT ON FUNCTION state_timeline(stateagg) IS 'all periods in a state, in order of time';

CREATE FUNCTION state_int_timeline(agg stateagg) RETURNS TABLE (state bigint, start_time timestamptz, end_time timestamptz)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_int_timeline';
COMMENT ON FUNCTION state_int_timeline(stateagg) IS 'the same of states that are integers';

CREATE FUNCTION interpolated_state_timeline(agg stateagg, start timestamptz, duration interval, prev stateagg DEFAULT NULL) RETURNS TABLE (state text, start_time timestamptz, end_time timestamptz)
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_interpolated_timeline';
COMMENT ON FUNCTION interpolated_state_timeline(stateagg, timestamptz, interval, stateagg) IS 'all periods from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE FUNCTION interpolated_state_int_timeline(agg stateagg, start timestamptz, duration interval, prev stateagg DEFAULT NULL) RETURNS TABLE (state bigint, start_time timestamptz, end_time timestamptz)
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_interpolated_int_timeline';
COMMENT ON FUNCTION interpolated_state_int_timeline(stateagg, timestamptz, interval, stateagg) IS 'the same of states that are integers';

CREATE FUNCTION state_periods(agg stateagg, state text) RETURNS TABLE (start_time timestamptz, end_time timestamptz)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_periods_text';
COMMENT ON FUNCTION state_periods(stateagg, text) IS 'the periods in one state, in order of time';

CREATE FUNCTION state_periods(agg stateagg, state bigint) RETURNS TABLE (start_time timestamptz, end_time timestamptz)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_periods_integer';
COMMENT ON FUNCTION state_periods(stateagg, bigint) IS 'the periods in one state, in order of time';

CREATE FUNCTION state_periods(agg stateagg, state anyenum) RETURNS TABLE (start_time timestamptz, end_time timestamptz)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT p.* FROM kpi.state_periods(agg, state::text) AS p $$;
COMMENT ON FUNCTION state_periods(stateagg, anyenum) IS 'the periods in one state, in order of time';

CREATE FUNCTION interpolated_state_periods(agg stateagg, state text, start timestamptz, duration interval, prev stateagg DEFAULT NULL) RETURNS TABLE (start_time timestamptz, end_time timestamptz)
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_interpolated_periods_text';
COMMENT ON FUNCTION interpolated_state_periods(stateagg, text, timestamptz, interval, stateagg) IS 'the periods in one state from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE FUNCTION interpolated_state_periods(agg stateagg, state bigint, start timestamptz, duration interval, prev stateagg DEFAULT NULL) RETURNS TABLE (start_time timestamptz, end_time timestamptz)
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stateagg_interpolated_periods_integer';
COMMENT ON FUNCTION interpolated_state_periods(stateagg, bigint, timestamptz, interval, stateagg) IS 'the periods in one state from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE FUNCTION interpolated_state_periods(agg stateagg, state anyenum, start timestamptz, duration interval, prev stateagg DEFAULT NULL) RETURNS TABLE (start_time timestamptz, end_time timestamptz)
    LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT p.* FROM kpi.interpolated_state_periods(agg, state::text, start, duration, prev) AS p $$;
COMMENT ON FUNCTION interpolated_state_periods(stateagg, anyenum, timestamptz, interval, stateagg) IS 'the periods in one state from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE TYPE compactstateagg;
CREATE FUNCTION compactstateagg_in(cstring) RETURNS compactstateagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_in';
CREATE FUNCTION compactstateagg_out(compactstateagg) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_out';
CREATE FUNCTION compactstateagg_recv(internal) RETURNS compactstateagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_recv';
CREATE FUNCTION compactstateagg_send(compactstateagg) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_send';
CREATE TYPE compactstateagg (
    INPUT = compactstateagg_in, OUTPUT = compactstateagg_out, RECEIVE = compactstateagg_recv, SEND = compactstateagg_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE compactstateagg IS 'the time that a system spent in each of its states, made by kpi.compact_state_agg(ts, state)';
COMMENT ON FUNCTION compactstateagg_in(cstring) IS 'text input of compactstateagg';
COMMENT ON FUNCTION compactstateagg_out(compactstateagg) IS 'text output of compactstateagg';
COMMENT ON FUNCTION compactstateagg_recv(internal) IS 'binary input of compactstateagg';
COMMENT ON FUNCTION compactstateagg_send(compactstateagg) IS 'binary output of compactstateagg';

CREATE FUNCTION compactstateagg_trans(internal, timestamptz, text) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_trans_text';
COMMENT ON FUNCTION compactstateagg_trans(internal, timestamptz, text) IS 'adds a state to compact_state_agg(ts, state)';

CREATE FUNCTION compactstateagg_trans(internal, timestamptz, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_trans_integer';
COMMENT ON FUNCTION compactstateagg_trans(internal, timestamptz, bigint) IS 'adds a state to compact_state_agg(ts, state)';

CREATE FUNCTION compactstateagg_trans(internal, timestamptz, anyenum) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_trans_enum';
COMMENT ON FUNCTION compactstateagg_trans(internal, timestamptz, anyenum) IS 'adds a state to compact_state_agg(ts, state)';

CREATE FUNCTION compactstateagg_rollup_trans(internal, compactstateagg) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_rollup_trans';
COMMENT ON FUNCTION compactstateagg_rollup_trans(internal, compactstateagg) IS 'adds a stored state to a rollup';

CREATE FUNCTION compactstateagg_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_combine';
COMMENT ON FUNCTION compactstateagg_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION compactstateagg_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_serialize';
COMMENT ON FUNCTION compactstateagg_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION compactstateagg_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_deserialize';
COMMENT ON FUNCTION compactstateagg_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION compactstateagg_final(internal) RETURNS compactstateagg
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_final';
COMMENT ON FUNCTION compactstateagg_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION compactstateagg_rollup_final(internal) RETURNS compactstateagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_rollup_final';
COMMENT ON FUNCTION compactstateagg_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE compact_state_agg(ts timestamptz, state text) (
    SFUNC = compactstateagg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = compactstateagg_final,
    COMBINEFUNC = compactstateagg_combine, SERIALFUNC = compactstateagg_serialize, DESERIALFUNC = compactstateagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE compact_state_agg(timestamptz, text) IS 'how long a system was in which state, to be read by duration_in, into_values, ... and merged by rollup; rows may come in any order';

CREATE AGGREGATE compact_state_agg(ts timestamptz, state bigint) (
    SFUNC = compactstateagg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = compactstateagg_final,
    COMBINEFUNC = compactstateagg_combine, SERIALFUNC = compactstateagg_serialize, DESERIALFUNC = compactstateagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE compact_state_agg(timestamptz, bigint) IS 'how long a system was in which state, to be read by duration_in, into_values, ... and merged by rollup; states are integers; rows may come in any order';

CREATE AGGREGATE compact_state_agg(ts timestamptz, state anyenum) (
    SFUNC = compactstateagg_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = compactstateagg_final,
    COMBINEFUNC = compactstateagg_combine, SERIALFUNC = compactstateagg_serialize, DESERIALFUNC = compactstateagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE compact_state_agg(timestamptz, anyenum) IS 'how long a system was in which state, to be read by duration_in, into_values, ... and merged by rollup; states are values of an enum type, kept as their labels; rows may come in any order';

CREATE AGGREGATE rollup(agg compactstateagg) (
    SFUNC = compactstateagg_rollup_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = compactstateagg_rollup_final,
    COMBINEFUNC = compactstateagg_combine, SERIALFUNC = compactstateagg_serialize, DESERIALFUNC = compactstateagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(compactstateagg) IS 'merges states of compact_state_agg, in any order, as if it had seen all their rows; states whose times overlap are an error unless they still know their rows';

CREATE FUNCTION duration_in(agg compactstateagg, state text) RETURNS interval
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_duration_in_text';
COMMENT ON FUNCTION duration_in(compactstateagg, text) IS 'how long the system was in a state, from the first row to the last';

CREATE FUNCTION duration_in(agg compactstateagg, state bigint) RETURNS interval
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_duration_in_integer';
COMMENT ON FUNCTION duration_in(compactstateagg, bigint) IS 'how long the system was in a state, from the first row to the last';

CREATE FUNCTION duration_in(agg compactstateagg, state anyenum) RETURNS interval
    LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT kpi.duration_in(agg, state::text) $$;
COMMENT ON FUNCTION duration_in(compactstateagg, anyenum) IS 'how long the system was in a state, from the first row to the last';

CREATE FUNCTION interpolated_duration_in(agg compactstateagg, state text, start timestamptz, duration interval, prev compactstateagg DEFAULT NULL) RETURNS interval
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_interpolated_duration_in_text';
COMMENT ON FUNCTION interpolated_duration_in(compactstateagg, text, timestamptz, interval, compactstateagg) IS 'how long the system was in a state from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE FUNCTION interpolated_duration_in(agg compactstateagg, state bigint, start timestamptz, duration interval, prev compactstateagg DEFAULT NULL) RETURNS interval
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_interpolated_duration_in_integer';
COMMENT ON FUNCTION interpolated_duration_in(compactstateagg, bigint, timestamptz, interval, compactstateagg) IS 'how long the system was in a state from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE FUNCTION interpolated_duration_in(agg compactstateagg, state anyenum, start timestamptz, duration interval, prev compactstateagg DEFAULT NULL) RETURNS interval
    LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT kpi.interpolated_duration_in(agg, state::text, start, duration, prev) $$;
COMMENT ON FUNCTION interpolated_duration_in(compactstateagg, anyenum, timestamptz, interval, compactstateagg) IS 'how long the system was in a state from start for as long as duration, where the last state of prev holds until the first row and the last state until the end';

CREATE FUNCTION into_values(agg compactstateagg) RETURNS TABLE (state text, duration interval)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_into_values';
COMMENT ON FUNCTION into_values(compactstateagg) IS 'all states with the time that the system spent in each, in the order of the states';

CREATE FUNCTION into_int_values(agg compactstateagg) RETURNS TABLE (state bigint, duration interval)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_compactstateagg_into_int_values';
COMMENT ON FUNCTION into_int_values(compactstateagg) IS 'the same of states that are integers';

-- Two-step aggregates of KPIs, and of frequent and extreme values.

-- ratio: a ratio of sums, and what can be said of it where it is a proportion

CREATE TYPE ratio;
CREATE FUNCTION ratio_in(cstring) RETURNS ratio
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_in';
CREATE FUNCTION ratio_out(ratio) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_out';
CREATE FUNCTION ratio_recv(internal) RETURNS ratio
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_recv';
CREATE FUNCTION ratio_send(ratio) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_send';
CREATE TYPE ratio (
    INPUT = ratio_in, OUTPUT = ratio_out, RECEIVE = ratio_recv, SEND = ratio_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE ratio IS 'sums of a numerator and a denominator, made by kpi.ratio_agg(numerator, denominator)';
COMMENT ON FUNCTION ratio_in(cstring) IS 'text input of ratio';
COMMENT ON FUNCTION ratio_out(ratio) IS 'text output of ratio';
COMMENT ON FUNCTION ratio_recv(internal) IS 'binary input of ratio';
COMMENT ON FUNCTION ratio_send(ratio) IS 'binary output of ratio';

CREATE FUNCTION ratio_trans(internal, float8, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_trans';
COMMENT ON FUNCTION ratio_trans(internal, float8, float8) IS 'adds a pair to ratio_agg(numerator, denominator)';

CREATE FUNCTION ratio_rollup_trans(internal, ratio) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_rollup_trans';
COMMENT ON FUNCTION ratio_rollup_trans(internal, ratio) IS 'adds a stored state to a rollup';

CREATE FUNCTION ratio_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_combine';
COMMENT ON FUNCTION ratio_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION ratio_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_serialize';
COMMENT ON FUNCTION ratio_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION ratio_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_deserialize';
COMMENT ON FUNCTION ratio_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION ratio_final(internal) RETURNS ratio
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_final';
COMMENT ON FUNCTION ratio_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION ratio_rollup_final(internal) RETURNS ratio
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_final';
COMMENT ON FUNCTION ratio_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE ratio_agg(numerator float8, denominator float8) (
    SFUNC = ratio_trans, STYPE = internal, SSPACE = 96, FINALFUNC = ratio_final,
    COMBINEFUNC = ratio_combine, SERIALFUNC = ratio_serialize, DESERIALFUNC = ratio_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE ratio_agg(float8, float8) IS 'sums of numerators and denominators, to be read by value, wilson_interval, target_test and merged by rollup';

CREATE AGGREGATE rollup(r ratio) (
    SFUNC = ratio_rollup_trans, STYPE = internal, SSPACE = 96, FINALFUNC = ratio_rollup_final,
    COMBINEFUNC = ratio_combine, SERIALFUNC = ratio_serialize, DESERIALFUNC = ratio_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(ratio) IS 'merges states of ratio_agg into one, as if it had seen all their rows';

CREATE FUNCTION num_vals(r ratio) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_num_vals';
COMMENT ON FUNCTION num_vals(ratio) IS 'the number of pairs without NULL';

CREATE FUNCTION numerator(r ratio) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_numerator';
COMMENT ON FUNCTION numerator(ratio) IS 'the sum of the numerators';

CREATE FUNCTION denominator(r ratio) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_denominator';
COMMENT ON FUNCTION denominator(ratio) IS 'the sum of the denominators';

CREATE FUNCTION value(r ratio) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_value';
COMMENT ON FUNCTION value(ratio) IS 'the sum of the numerators divided by that of the denominators; NULL where the denominators add up to zero';

CREATE FUNCTION wilson_interval(r ratio, level float8 DEFAULT 0.95, OUT low float8, OUT high float8)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_wilson_interval';
COMMENT ON FUNCTION wilson_interval(ratio, float8) IS 'Wilson''s score interval of a proportion at a level of confidence';

CREATE FUNCTION target_test(r ratio, target float8, level float8 DEFAULT 0.95, OUT difference float8, OUT z float8, OUT p_value float8, OUT verdict text)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ratio_target_test';
COMMENT ON FUNCTION target_test(ratio, float8, float8) IS 'the score test of a proportion against a target: the verdict is above, below or undecided at the level of confidence';

-- apdex: the application performance index

CREATE TYPE apdex;
CREATE FUNCTION apdex_in(cstring) RETURNS apdex
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_in';
CREATE FUNCTION apdex_out(apdex) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_out';
CREATE FUNCTION apdex_recv(internal) RETURNS apdex
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_recv';
CREATE FUNCTION apdex_send(apdex) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_send';
CREATE TYPE apdex (
    INPUT = apdex_in, OUTPUT = apdex_out, RECEIVE = apdex_recv, SEND = apdex_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE apdex IS 'requests that were fast enough, tolerable and too slow, made by kpi.apdex_agg(duration, t)';
COMMENT ON FUNCTION apdex_in(cstring) IS 'text input of apdex';
COMMENT ON FUNCTION apdex_out(apdex) IS 'text output of apdex';
COMMENT ON FUNCTION apdex_recv(internal) IS 'binary input of apdex';
COMMENT ON FUNCTION apdex_send(apdex) IS 'binary output of apdex';

CREATE FUNCTION apdex_trans(internal, float8, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_trans';
COMMENT ON FUNCTION apdex_trans(internal, float8, float8) IS 'adds a duration to apdex_agg(duration, t)';

CREATE FUNCTION apdex_inverse(internal, float8, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_inverse';
COMMENT ON FUNCTION apdex_inverse(internal, float8, float8) IS 'takes back a duration that has left the window';

CREATE FUNCTION apdex_rollup_trans(internal, apdex) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_rollup_trans';
COMMENT ON FUNCTION apdex_rollup_trans(internal, apdex) IS 'adds a stored state to a rollup';

CREATE FUNCTION apdex_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_combine';
COMMENT ON FUNCTION apdex_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION apdex_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_serialize';
COMMENT ON FUNCTION apdex_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION apdex_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_deserialize';
COMMENT ON FUNCTION apdex_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION apdex_final(internal) RETURNS apdex
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_final';
COMMENT ON FUNCTION apdex_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE apdex_agg(duration float8, t float8) (
    SFUNC = apdex_trans, STYPE = internal, SSPACE = 32, FINALFUNC = apdex_final,
    COMBINEFUNC = apdex_combine, SERIALFUNC = apdex_serialize, DESERIALFUNC = apdex_deserialize,
    MSFUNC = apdex_trans, MINVFUNC = apdex_inverse, MSTYPE = internal, MSSPACE = 32, MFINALFUNC = apdex_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE apdex_agg(float8, float8) IS 'counts durations of at most t, of at most 4 t, and longer ones, to be read by score, rating, ... and merged by rollup';

CREATE AGGREGATE rollup(a apdex) (
    SFUNC = apdex_rollup_trans, STYPE = internal, SSPACE = 32, FINALFUNC = apdex_final,
    COMBINEFUNC = apdex_combine, SERIALFUNC = apdex_serialize, DESERIALFUNC = apdex_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(apdex) IS 'merges states of apdex_agg into one, as if it had seen all their rows; states of different thresholds are refused';

CREATE FUNCTION num_vals(a apdex) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_num_vals';
COMMENT ON FUNCTION num_vals(apdex) IS 'the number of durations that are not NULL';

CREATE FUNCTION satisfied(a apdex) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_satisfied';
COMMENT ON FUNCTION satisfied(apdex) IS 'durations of at most the threshold t';

CREATE FUNCTION tolerating(a apdex) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_tolerating';
COMMENT ON FUNCTION tolerating(apdex) IS 'durations above t, and of at most 4 t';

CREATE FUNCTION frustrated(a apdex) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_frustrated';
COMMENT ON FUNCTION frustrated(apdex) IS 'durations above 4 t, infinite ones and NaN';

CREATE FUNCTION threshold(a apdex) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_threshold';
COMMENT ON FUNCTION threshold(apdex) IS 'the threshold t, in the unit of the durations';

CREATE FUNCTION score(a apdex) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_score';
COMMENT ON FUNCTION score(apdex) IS 'the Apdex: (satisfied + tolerating / 2) / all, from 0 to 1';

CREATE FUNCTION rating(a apdex) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_apdex_rating';
COMMENT ON FUNCTION rating(apdex) IS 'the word for the score: excellent, good, fair, poor or unacceptable';

-- nps: the net promoter score

CREATE TYPE nps;
CREATE FUNCTION nps_in(cstring) RETURNS nps
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_in';
CREATE FUNCTION nps_out(nps) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_out';
CREATE FUNCTION nps_recv(internal) RETURNS nps
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_recv';
CREATE FUNCTION nps_send(nps) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_send';
CREATE TYPE nps (
    INPUT = nps_in, OUTPUT = nps_out, RECEIVE = nps_recv, SEND = nps_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE nps IS 'promoters, passives and detractors, made by kpi.nps_agg(score)';
COMMENT ON FUNCTION nps_in(cstring) IS 'text input of nps';
COMMENT ON FUNCTION nps_out(nps) IS 'text output of nps';
COMMENT ON FUNCTION nps_recv(internal) IS 'binary input of nps';
COMMENT ON FUNCTION nps_send(nps) IS 'binary output of nps';

CREATE FUNCTION nps_trans(internal, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_trans';
COMMENT ON FUNCTION nps_trans(internal, bigint) IS 'adds an answer to nps_agg(score)';

CREATE FUNCTION nps_inverse(internal, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_inverse';
COMMENT ON FUNCTION nps_inverse(internal, bigint) IS 'takes back an answer that has left the window';

CREATE FUNCTION nps_rollup_trans(internal, nps) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_rollup_trans';
COMMENT ON FUNCTION nps_rollup_trans(internal, nps) IS 'adds a stored state to a rollup';

CREATE FUNCTION nps_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_combine';
COMMENT ON FUNCTION nps_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION nps_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_serialize';
COMMENT ON FUNCTION nps_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION nps_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_deserialize';
COMMENT ON FUNCTION nps_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION nps_final(internal) RETURNS nps
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_final';
COMMENT ON FUNCTION nps_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION nps_rollup_final(internal) RETURNS nps
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_final';
COMMENT ON FUNCTION nps_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE nps_agg(score bigint) (
    SFUNC = nps_trans, STYPE = internal, SSPACE = 24, FINALFUNC = nps_final,
    COMBINEFUNC = nps_combine, SERIALFUNC = nps_serialize, DESERIALFUNC = nps_deserialize,
    MSFUNC = nps_trans, MINVFUNC = nps_inverse, MSTYPE = internal, MSSPACE = 24, MFINALFUNC = nps_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE nps_agg(bigint) IS 'counts answers from 0 to 10 as promoters (9, 10), passives (7, 8) and detractors, to be read by score, margin, ... and merged by rollup';

CREATE AGGREGATE rollup(n nps) (
    SFUNC = nps_rollup_trans, STYPE = internal, SSPACE = 24, FINALFUNC = nps_rollup_final,
    COMBINEFUNC = nps_combine, SERIALFUNC = nps_serialize, DESERIALFUNC = nps_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(nps) IS 'merges states of nps_agg into one, as if it had seen all their rows';

CREATE FUNCTION num_vals(n nps) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_num_vals';
COMMENT ON FUNCTION num_vals(nps) IS 'the number of answers that are not NULL';

CREATE FUNCTION promoters(n nps) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_promoters';
COMMENT ON FUNCTION promoters(nps) IS 'answers of 9 and 10';

CREATE FUNCTION passives(n nps) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_passives';
COMMENT ON FUNCTION passives(nps) IS 'answers of 7 and 8';

CREATE FUNCTION detractors(n nps) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_detractors';
COMMENT ON FUNCTION detractors(nps) IS 'answers of 0 to 6';

CREATE FUNCTION score(n nps) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_score';
COMMENT ON FUNCTION score(nps) IS 'the net promoter score: the percentage of promoters minus that of detractors, from -100 to 100';

CREATE FUNCTION margin(n nps, level float8 DEFAULT 0.95) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_nps_margin';
COMMENT ON FUNCTION margin(nps, float8) IS 'by how much the score of all customers may differ from that of these answers, at a level of confidence';

-- forecasterror: how far forecasts were off

CREATE TYPE forecasterror;
CREATE FUNCTION forecasterror_in(cstring) RETURNS forecasterror
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_in';
CREATE FUNCTION forecasterror_out(forecasterror) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_out';
CREATE FUNCTION forecasterror_recv(internal) RETURNS forecasterror
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_recv';
CREATE FUNCTION forecasterror_send(forecasterror) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_send';
CREATE TYPE forecasterror (
    INPUT = forecasterror_in, OUTPUT = forecasterror_out, RECEIVE = forecasterror_recv, SEND = forecasterror_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE forecasterror IS 'sums of the errors of forecasts, made by kpi.forecast_error_agg(actual, forecast)';
COMMENT ON FUNCTION forecasterror_in(cstring) IS 'text input of forecasterror';
COMMENT ON FUNCTION forecasterror_out(forecasterror) IS 'text output of forecasterror';
COMMENT ON FUNCTION forecasterror_recv(internal) IS 'binary input of forecasterror';
COMMENT ON FUNCTION forecasterror_send(forecasterror) IS 'binary output of forecasterror';

CREATE FUNCTION forecasterror_trans(internal, float8, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_trans';
COMMENT ON FUNCTION forecasterror_trans(internal, float8, float8) IS 'adds a pair to forecast_error_agg(actual, forecast)';

CREATE FUNCTION forecasterror_rollup_trans(internal, forecasterror) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_rollup_trans';
COMMENT ON FUNCTION forecasterror_rollup_trans(internal, forecasterror) IS 'adds a stored state to a rollup';

CREATE FUNCTION forecasterror_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_combine';
COMMENT ON FUNCTION forecasterror_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION forecasterror_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_serialize';
COMMENT ON FUNCTION forecasterror_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION forecasterror_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_deserialize';
COMMENT ON FUNCTION forecasterror_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION forecasterror_final(internal) RETURNS forecasterror
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_final';
COMMENT ON FUNCTION forecasterror_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION forecasterror_rollup_final(internal) RETURNS forecasterror
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_final';
COMMENT ON FUNCTION forecasterror_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE forecast_error_agg(actual float8, forecast float8) (
    SFUNC = forecasterror_trans, STYPE = internal, SSPACE = 256, FINALFUNC = forecasterror_final,
    COMBINEFUNC = forecasterror_combine, SERIALFUNC = forecasterror_serialize, DESERIALFUNC = forecasterror_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE forecast_error_agg(float8, float8) IS 'sums of the errors of forecasts, to be read by mae, rmse, mape, wape, bias, ... and merged by rollup';

CREATE AGGREGATE rollup(e forecasterror) (
    SFUNC = forecasterror_rollup_trans, STYPE = internal, SSPACE = 256, FINALFUNC = forecasterror_rollup_final,
    COMBINEFUNC = forecasterror_combine, SERIALFUNC = forecasterror_serialize, DESERIALFUNC = forecasterror_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(forecasterror) IS 'merges states of forecast_error_agg into one, as if it had seen all their rows';

CREATE FUNCTION num_vals(e forecasterror) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_num_vals';
COMMENT ON FUNCTION num_vals(forecasterror) IS 'the number of pairs without NULL';

CREATE FUNCTION num_zeros(e forecasterror) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_num_zeros';
COMMENT ON FUNCTION num_zeros(forecasterror) IS 'the number of pairs whose actual value is zero, which mape leaves out';

CREATE FUNCTION bias(e forecasterror) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_bias';
COMMENT ON FUNCTION bias(forecasterror) IS 'the mean error (actual - forecast): above zero where forecasts are too low';

CREATE FUNCTION mae(e forecasterror) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_mae';
COMMENT ON FUNCTION mae(forecasterror) IS 'the mean absolute error';

CREATE FUNCTION rmse(e forecasterror) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_rmse';
COMMENT ON FUNCTION rmse(forecasterror) IS 'the root of the mean squared error';

CREATE FUNCTION mape(e forecasterror) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_mape';
COMMENT ON FUNCTION mape(forecasterror) IS 'the mean absolute percentage error as a fraction, over the pairs whose actual value is not zero';

CREATE FUNCTION smape(e forecasterror) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_smape';
COMMENT ON FUNCTION smape(forecasterror) IS 'the symmetric mean absolute percentage error as a fraction from 0 to 2';

CREATE FUNCTION wape(e forecasterror) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_wape';
COMMENT ON FUNCTION wape(forecasterror) IS 'the weighted absolute percentage error as a fraction: the sum of the absolute errors divided by that of the absolute actual values';

CREATE FUNCTION tracking_signal(e forecasterror) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_tracking_signal';
COMMENT ON FUNCTION tracking_signal(forecasterror) IS 'the sum of the errors in units of the mean absolute error; beyond 4 or -4 the forecast is held to be biased';

CREATE FUNCTION mase(e forecasterror, scale float8) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forecasterror_mase';
COMMENT ON FUNCTION mase(forecasterror, float8) IS 'the mean absolute scaled error: mae divided by scale, which is the mean absolute error of the naive forecast on the history';

-- gini: how unevenly something is spread

CREATE TYPE gini;
CREATE FUNCTION gini_in(cstring) RETURNS gini
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_in';
CREATE FUNCTION gini_out(gini) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_out';
CREATE FUNCTION gini_recv(internal) RETURNS gini
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_recv';
CREATE FUNCTION gini_send(gini) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_send';
CREATE TYPE gini (
    INPUT = gini_in, OUTPUT = gini_out, RECEIVE = gini_recv, SEND = gini_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE gini IS 'the values of which a Gini coefficient is taken, made by kpi.gini_agg(x)';
COMMENT ON FUNCTION gini_in(cstring) IS 'text input of gini';
COMMENT ON FUNCTION gini_out(gini) IS 'text output of gini';
COMMENT ON FUNCTION gini_recv(internal) IS 'binary input of gini';
COMMENT ON FUNCTION gini_send(gini) IS 'binary output of gini';

CREATE FUNCTION gini_trans(internal, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_trans';
COMMENT ON FUNCTION gini_trans(internal, float8) IS 'adds a value to gini_agg(x)';

CREATE FUNCTION gini_rollup_trans(internal, gini) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_rollup_trans';
COMMENT ON FUNCTION gini_rollup_trans(internal, gini) IS 'adds a stored state to a rollup';

CREATE FUNCTION gini_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_combine';
COMMENT ON FUNCTION gini_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION gini_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_serialize';
COMMENT ON FUNCTION gini_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION gini_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_deserialize';
COMMENT ON FUNCTION gini_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION gini_final(internal) RETURNS gini
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_final';
COMMENT ON FUNCTION gini_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION gini_rollup_final(internal) RETURNS gini
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_final';
COMMENT ON FUNCTION gini_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE gini_agg(x float8) (
    SFUNC = gini_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = gini_final,
    COMBINEFUNC = gini_combine, SERIALFUNC = gini_serialize, DESERIALFUNC = gini_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE gini_agg(float8) IS 'values of which a Gini coefficient is taken, exact up to 2048 distinct ones, to be read by coefficient and merged by rollup';

CREATE AGGREGATE rollup(g gini) (
    SFUNC = gini_rollup_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = gini_rollup_final,
    COMBINEFUNC = gini_combine, SERIALFUNC = gini_serialize, DESERIALFUNC = gini_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(gini) IS 'merges states of gini_agg into one, as if it had seen all their rows';

CREATE FUNCTION num_vals(g gini) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_num_vals';
COMMENT ON FUNCTION num_vals(gini) IS 'the number of values that are not NULL';

CREATE FUNCTION coefficient(g gini, method text DEFAULT 'population') RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_coefficient';
COMMENT ON FUNCTION coefficient(gini, text) IS 'the Gini coefficient: 0 where all values are equal, towards 1 where one has all; of all there are (population), or of those of whom these are a sample';

CREATE FUNCTION error(g gini) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_gini_error';
COMMENT ON FUNCTION error(gini) IS 'by how much the coefficient may be off: 0 up to 2048 distinct values';

-- trend: the test of Mann and Kendall, and the slope of Theil and Sen

CREATE TYPE trend;
CREATE FUNCTION trend_in(cstring) RETURNS trend
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_in';
CREATE FUNCTION trend_out(trend) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_out';
CREATE FUNCTION trend_recv(internal) RETURNS trend
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_recv';
CREATE FUNCTION trend_send(trend) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_send';
CREATE TYPE trend (
    INPUT = trend_in, OUTPUT = trend_out, RECEIVE = trend_recv, SEND = trend_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE trend IS 'points of which a trend is tested, a random sample of 1024 where there are more, made by kpi.trend_agg(ts, x)';
COMMENT ON FUNCTION trend_in(cstring) IS 'text input of trend';
COMMENT ON FUNCTION trend_out(trend) IS 'text output of trend';
COMMENT ON FUNCTION trend_recv(internal) IS 'binary input of trend';
COMMENT ON FUNCTION trend_send(trend) IS 'binary output of trend';

CREATE FUNCTION trend_trans(internal, timestamptz, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_trans';
COMMENT ON FUNCTION trend_trans(internal, timestamptz, float8) IS 'adds a point to trend_agg(ts, x)';

CREATE FUNCTION trend_rollup_trans(internal, trend) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_rollup_trans';
COMMENT ON FUNCTION trend_rollup_trans(internal, trend) IS 'adds a stored state to a rollup';

CREATE FUNCTION trend_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_combine';
COMMENT ON FUNCTION trend_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION trend_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_serialize';
COMMENT ON FUNCTION trend_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION trend_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_deserialize';
COMMENT ON FUNCTION trend_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION trend_final(internal) RETURNS trend
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_final';
COMMENT ON FUNCTION trend_final(internal) IS 'ends the aggregate; without rows the state is empty';

CREATE FUNCTION trend_rollup_final(internal) RETURNS trend
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_final';
COMMENT ON FUNCTION trend_rollup_final(internal) IS 'ends the rollup; without states the result is NULL';

CREATE AGGREGATE trend_agg(ts timestamptz, x float8) (
    SFUNC = trend_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = trend_final,
    COMBINEFUNC = trend_combine, SERIALFUNC = trend_serialize, DESERIALFUNC = trend_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE trend_agg(timestamptz, float8) IS 'points of which a trend is tested, to be read by mann_kendall, slope, slope_interval, ... and merged by rollup';

CREATE AGGREGATE rollup(t trend) (
    SFUNC = trend_rollup_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = trend_rollup_final,
    COMBINEFUNC = trend_combine, SERIALFUNC = trend_serialize, DESERIALFUNC = trend_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(trend) IS 'merges states of trend_agg into one, as if it had seen all their rows';

CREATE FUNCTION num_vals(t trend) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_num_vals';
COMMENT ON FUNCTION num_vals(trend) IS 'the number of finite values';

CREATE FUNCTION num_skipped(t trend) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_num_skipped';
COMMENT ON FUNCTION num_skipped(trend) IS 'the number of values that are NaN or infinite, which are left out';

CREATE FUNCTION sample_size(t trend) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_sample_size';
COMMENT ON FUNCTION sample_size(trend) IS 'how many of the values test and slope are made from: all of them up to 1024 distinct points';

CREATE FUNCTION mann_kendall(t trend, OUT s float8, OUT variance float8, OUT z float8, OUT p_value float8, OUT tau float8)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_mann_kendall';
COMMENT ON FUNCTION mann_kendall(trend) IS 'the Mann-Kendall test for a monotonic trend, corrected for ties';

CREATE FUNCTION slope(t trend) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_slope';
COMMENT ON FUNCTION slope(trend) IS 'the Theil-Sen slope: the median of the slopes between all pairs of points, per second';

CREATE FUNCTION slope_interval(t trend, level float8 DEFAULT 0.95, OUT low float8, OUT high float8)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_slope_interval';
COMMENT ON FUNCTION slope_interval(trend, float8) IS 'the bounds of the Theil-Sen slope at a level of confidence, per second';

CREATE FUNCTION value_at(t trend, ts timestamptz) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_trend_value_at';
COMMENT ON FUNCTION value_at(trend, timestamptz) IS 'the value that the line of the Theil-Sen slope has at a time';

-- ewma: an exponentially weighted mean over time

CREATE TYPE ewma;
CREATE FUNCTION ewma_in(cstring) RETURNS ewma
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_in';
CREATE FUNCTION ewma_out(ewma) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_out';
CREATE FUNCTION ewma_recv(internal) RETURNS ewma
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_recv';
CREATE FUNCTION ewma_send(ewma) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_send';
CREATE TYPE ewma (
    INPUT = ewma_in, OUTPUT = ewma_out, RECEIVE = ewma_recv, SEND = ewma_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE ewma IS 'an exponentially weighted mean of values at irregular times, made by kpi.ewma(ts, x, half_life)';
COMMENT ON FUNCTION ewma_in(cstring) IS 'text input of ewma';
COMMENT ON FUNCTION ewma_out(ewma) IS 'text output of ewma';
COMMENT ON FUNCTION ewma_recv(internal) IS 'binary input of ewma';
COMMENT ON FUNCTION ewma_send(ewma) IS 'binary output of ewma';

CREATE FUNCTION ewma_trans(internal, timestamptz, float8, interval) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_trans';
COMMENT ON FUNCTION ewma_trans(internal, timestamptz, float8, interval) IS 'adds a value to ewma(ts, x, half_life)';

CREATE FUNCTION ewma_rollup_trans(internal, ewma) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_rollup_trans';
COMMENT ON FUNCTION ewma_rollup_trans(internal, ewma) IS 'adds a stored state to a rollup';

CREATE FUNCTION ewma_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_combine';
COMMENT ON FUNCTION ewma_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION ewma_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_serialize';
COMMENT ON FUNCTION ewma_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION ewma_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_deserialize';
COMMENT ON FUNCTION ewma_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION ewma_final(internal) RETURNS ewma
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_final';
COMMENT ON FUNCTION ewma_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE ewma(ts timestamptz, x float8, half_life interval) (
    SFUNC = ewma_trans, STYPE = internal, SSPACE = 96, FINALFUNC = ewma_final,
    COMBINEFUNC = ewma_combine, SERIALFUNC = ewma_serialize, DESERIALFUNC = ewma_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE ewma(timestamptz, float8, interval) IS 'mean in which the weight of a value halves with every half-life of its age, to be read by average and merged by rollup';

CREATE AGGREGATE rollup(e ewma) (
    SFUNC = ewma_rollup_trans, STYPE = internal, SSPACE = 96, FINALFUNC = ewma_final,
    COMBINEFUNC = ewma_combine, SERIALFUNC = ewma_serialize, DESERIALFUNC = ewma_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(ewma) IS 'merges states of ewma into one, as if it had seen all their rows; states of different half-lives are refused';

CREATE FUNCTION num_vals(e ewma) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_num_vals';
COMMENT ON FUNCTION num_vals(ewma) IS 'the number of values that are not NULL';

CREATE FUNCTION average(e ewma) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_average';
COMMENT ON FUNCTION average(ewma) IS 'the weighted mean';

CREATE FUNCTION weight(e ewma) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_weight';
COMMENT ON FUNCTION weight(ewma) IS 'how many values of the latest time would weigh as much as all together';

CREATE FUNCTION last_time(e ewma) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_last_time';
COMMENT ON FUNCTION last_time(ewma) IS 'the time of the latest value';

CREATE FUNCTION half_life(e ewma) RETURNS interval
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_ewma_half_life';
COMMENT ON FUNCTION half_life(ewma) IS 'the time in which a value loses half of its weight';

-- slo: service level objectives, error budgets and burn rates

CREATE TYPE slo;
CREATE FUNCTION slo_in(cstring) RETURNS slo
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_in';
CREATE FUNCTION slo_out(slo) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_out';
CREATE FUNCTION slo_recv(internal) RETURNS slo
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_recv';
CREATE FUNCTION slo_send(slo) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_send';
CREATE TYPE slo (
    INPUT = slo_in, OUTPUT = slo_out, RECEIVE = slo_recv, SEND = slo_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE slo IS 'good and all events in buckets of time, made by kpi.slo_agg(ts, good, total, objective)';
COMMENT ON FUNCTION slo_in(cstring) IS 'text input of slo';
COMMENT ON FUNCTION slo_out(slo) IS 'text output of slo';
COMMENT ON FUNCTION slo_recv(internal) IS 'binary input of slo';
COMMENT ON FUNCTION slo_send(slo) IS 'binary output of slo';

CREATE FUNCTION slo_trans(internal, timestamptz, bigint, bigint, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_trans';
COMMENT ON FUNCTION slo_trans(internal, timestamptz, bigint, bigint, float8) IS 'adds events to slo_agg(ts, good, total, objective)';

CREATE FUNCTION slo_rollup_trans(internal, slo) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_rollup_trans';
COMMENT ON FUNCTION slo_rollup_trans(internal, slo) IS 'adds a stored state to a rollup';

CREATE FUNCTION slo_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_combine';
COMMENT ON FUNCTION slo_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION slo_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_serialize';
COMMENT ON FUNCTION slo_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION slo_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_deserialize';
COMMENT ON FUNCTION slo_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION slo_final(internal) RETURNS slo
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_final';
COMMENT ON FUNCTION slo_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE slo_agg(ts timestamptz, good bigint, total bigint, objective float8) (
    SFUNC = slo_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = slo_final,
    COMBINEFUNC = slo_combine, SERIALFUNC = slo_serialize, DESERIALFUNC = slo_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE slo_agg(timestamptz, bigint, bigint, float8) IS 'good and all events over time against a service level objective such as 0.999, to be read by sli, burn_rate, alerts, ... and merged by rollup';

CREATE AGGREGATE rollup(s slo) (
    SFUNC = slo_rollup_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = slo_final,
    COMBINEFUNC = slo_combine, SERIALFUNC = slo_serialize, DESERIALFUNC = slo_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(slo) IS 'merges states of slo_agg into one, as if it had seen all their rows; states of different objectives are refused';

CREATE FUNCTION objective(s slo) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_objective';
COMMENT ON FUNCTION objective(slo) IS 'the share of events that has to be good';

CREATE FUNCTION good_events(s slo) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_good_events';
COMMENT ON FUNCTION good_events(slo) IS 'the number of good events';

CREATE FUNCTION total_events(s slo) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_total_events';
COMMENT ON FUNCTION total_events(slo) IS 'the number of all events';

CREATE FUNCTION sli(s slo) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_sli';
COMMENT ON FUNCTION sli(slo) IS 'the service level indicator: good events divided by all events';

CREATE FUNCTION end_time(s slo) RETURNS timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_end_time';
COMMENT ON FUNCTION end_time(slo) IS 'where the last bucket of time with events ends';

CREATE FUNCTION bucket_width(s slo) RETURNS interval
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_bucket_width';
COMMENT ON FUNCTION bucket_width(slo) IS 'the width of the buckets of time: a minute up to a week of them, then more';

CREATE FUNCTION error_budget_left(s slo) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_error_budget_left';
COMMENT ON FUNCTION error_budget_left(slo) IS 'the share of the error budget of all events that is left: 1 where none was bad, below 0 where the objective was missed';

CREATE FUNCTION error_budget_left(s slo, lookback interval, until timestamptz DEFAULT NULL) RETURNS float8
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_error_budget_left_in';
COMMENT ON FUNCTION error_budget_left(slo, interval, timestamptz) IS 'the share of the error budget that is left of the events in the time before until, which is end_time where it is left out';

CREATE FUNCTION burn_rate(s slo, lookback interval, until timestamptz DEFAULT NULL) RETURNS float8
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_burn_rate';
COMMENT ON FUNCTION burn_rate(slo, interval, timestamptz) IS 'how fast the error budget is used in the time before until, which is end_time where it is left out: at 1 it lasts exactly for its period';

CREATE FUNCTION alerts(s slo, until timestamptz DEFAULT NULL) RETURNS TABLE (severity text, long_window interval, short_window interval, threshold float8, long_burn_rate float8, short_burn_rate float8, firing boolean)
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_alerts';
COMMENT ON FUNCTION alerts(slo, timestamptz) IS 'the multi-window, multi-burn-rate alerts of the SRE workbook as they stand at until, which is end_time where it is left out';

CREATE FUNCTION severity(s slo, until timestamptz DEFAULT NULL) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_slo_severity';
COMMENT ON FUNCTION severity(slo, timestamptz) IS 'the most urgent of the alerts that fire at until: page, ticket, or NULL';

-- tdigest: percentiles that are most exact at both ends

CREATE TYPE tdigest;
CREATE FUNCTION tdigest_in(cstring) RETURNS tdigest
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_in';
CREATE FUNCTION tdigest_out(tdigest) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_out';
CREATE FUNCTION tdigest_recv(internal) RETURNS tdigest
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_recv';
CREATE FUNCTION tdigest_send(tdigest) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_send';
CREATE TYPE tdigest (
    INPUT = tdigest_in, OUTPUT = tdigest_out, RECEIVE = tdigest_recv, SEND = tdigest_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE tdigest IS 'the distribution of a variable, known best at both ends, made by kpi.tdigest(n, x)';
COMMENT ON FUNCTION tdigest_in(cstring) IS 'text input of tdigest';
COMMENT ON FUNCTION tdigest_out(tdigest) IS 'text output of tdigest';
COMMENT ON FUNCTION tdigest_recv(internal) IS 'binary input of tdigest';
COMMENT ON FUNCTION tdigest_send(tdigest) IS 'binary output of tdigest';

CREATE FUNCTION tdigest_trans(internal, int, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_trans';
COMMENT ON FUNCTION tdigest_trans(internal, int, float8) IS 'adds a value to tdigest(n, x)';

CREATE FUNCTION tdigest_rollup_trans(internal, tdigest) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_rollup_trans';
COMMENT ON FUNCTION tdigest_rollup_trans(internal, tdigest) IS 'adds a stored state to a rollup';

CREATE FUNCTION tdigest_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_combine';
COMMENT ON FUNCTION tdigest_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION tdigest_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_serialize';
COMMENT ON FUNCTION tdigest_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION tdigest_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_deserialize';
COMMENT ON FUNCTION tdigest_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION tdigest_final(internal) RETURNS tdigest
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_final';
COMMENT ON FUNCTION tdigest_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE tdigest(n int, x float8) (
    SFUNC = tdigest_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = tdigest_final,
    COMBINEFUNC = tdigest_combine, SERIALFUNC = tdigest_serialize, DESERIALFUNC = tdigest_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE tdigest(int, float8) IS 't-digest of x with at most n centroids, to be read by approx_percentile, approx_percentile_rank, ... and merged by rollup';

CREATE AGGREGATE rollup(digest tdigest) (
    SFUNC = tdigest_rollup_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = tdigest_final,
    COMBINEFUNC = tdigest_combine, SERIALFUNC = tdigest_serialize, DESERIALFUNC = tdigest_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(tdigest) IS 'merges states of tdigest into one, as if it had seen all their rows; the smallest number of centroids wins';

CREATE FUNCTION approx_percentile(p float8, digest tdigest) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_approx_percentile';
COMMENT ON FUNCTION approx_percentile(float8, tdigest) IS 'the value below which the fraction p (0 to 1) of the values lies, as percentile_cont';

CREATE FUNCTION approx_percentile_array(percentiles float8[], digest tdigest) RETURNS float8[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_approx_percentile_array';
COMMENT ON FUNCTION approx_percentile_array(float8[], tdigest) IS 'approx_percentile for each of many fractions';

CREATE FUNCTION approx_percentile_rank(value float8, digest tdigest) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_approx_percentile_rank';
COMMENT ON FUNCTION approx_percentile_rank(float8, tdigest) IS 'the fraction (0 to 1) of the values that are at most value';

CREATE FUNCTION num_vals(digest tdigest) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_num_vals';
COMMENT ON FUNCTION num_vals(tdigest) IS 'the number of values that are not NULL';

CREATE FUNCTION mean(digest tdigest) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_mean';
COMMENT ON FUNCTION mean(tdigest) IS 'the arithmetic mean of the values, exact up to rounding';

CREATE FUNCTION min_val(digest tdigest) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_min_val';
COMMENT ON FUNCTION min_val(tdigest) IS 'the smallest value, exact';

CREATE FUNCTION max_val(digest tdigest) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_tdigest_max_val';
COMMENT ON FUNCTION max_val(tdigest) IS 'the largest value, exact; NaN counts as the largest';

-- Percentiles of a histogram that something else has counted, as OpenTelemetry and Prometheus export it.

CREATE FUNCTION histogram_percentile(p float8, bounds float8[], counts bigint[], min float8 DEFAULT NULL, max float8 DEFAULT NULL) RETURNS float8
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_histogram_percentile';
COMMENT ON FUNCTION histogram_percentile(float8, float8[], bigint[], float8, float8) IS 'the value below which the fraction p (0 to 1) of the values of a histogram lies, interpolated within its bucket: counts[i] values are above bounds[i - 1] and at most bounds[i], and one count more is of those above the last bound';

CREATE FUNCTION histogram_sketch(bounds float8[], counts bigint[], min float8 DEFAULT NULL, max float8 DEFAULT NULL) RETURNS uddsketch
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_histogram_sketch';
COMMENT ON FUNCTION histogram_sketch(float8[], bigint[], float8, float8) IS 'a histogram as a state of percentile_agg, to be merged with others by rollup';

-- frequent: the most frequent values
-- Values are kept as their text, which for some types depends on settings: what makes or reads it is STABLE.

CREATE TYPE frequent;
CREATE FUNCTION frequent_in(cstring) RETURNS frequent
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_in';
CREATE FUNCTION frequent_out(frequent) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_out';
CREATE FUNCTION frequent_recv(internal) RETURNS frequent
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_recv';
CREATE FUNCTION frequent_send(frequent) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_send';
CREATE TYPE frequent (
    INPUT = frequent_in, OUTPUT = frequent_out, RECEIVE = frequent_recv, SEND = frequent_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE frequent IS 'counters of the most frequent values, made by kpi.freq_agg(min_freq, value) or kpi.mcv_agg(n, value)';
COMMENT ON FUNCTION frequent_in(cstring) IS 'text input of frequent';
COMMENT ON FUNCTION frequent_out(frequent) IS 'text output of frequent';
COMMENT ON FUNCTION frequent_recv(internal) IS 'binary input of frequent';
COMMENT ON FUNCTION frequent_send(frequent) IS 'binary output of frequent';

CREATE FUNCTION frequent_trans(internal, float8, anyelement) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_trans';
COMMENT ON FUNCTION frequent_trans(internal, float8, anyelement) IS 'adds a value to freq_agg(min_freq, value)';

CREATE FUNCTION frequent_rollup_trans(internal, frequent) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_rollup_trans';
COMMENT ON FUNCTION frequent_rollup_trans(internal, frequent) IS 'adds a stored state to a rollup';

CREATE FUNCTION frequent_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_combine';
COMMENT ON FUNCTION frequent_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION frequent_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_serialize';
COMMENT ON FUNCTION frequent_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION frequent_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_deserialize';
COMMENT ON FUNCTION frequent_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION frequent_final(internal) RETURNS frequent
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_final';
COMMENT ON FUNCTION frequent_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE freq_agg(min_freq float8, value anyelement) (
    SFUNC = frequent_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = frequent_final,
    COMBINEFUNC = frequent_combine, SERIALFUNC = frequent_serialize, DESERIALFUNC = frequent_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE freq_agg(float8, anyelement) IS 'counts the values that make up at least the share min_freq of all, to be read by into_values, min_frequency, max_frequency, topn and merged by rollup';

CREATE AGGREGATE rollup(f frequent) (
    SFUNC = frequent_rollup_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = frequent_final,
    COMBINEFUNC = frequent_combine, SERIALFUNC = frequent_serialize, DESERIALFUNC = frequent_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(frequent) IS 'merges states of freq_agg or mcv_agg into one, as if it had seen all their rows; states of different arguments are refused';

CREATE FUNCTION frequent_most_trans(internal, int, anyelement) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_most_trans';
COMMENT ON FUNCTION frequent_most_trans(internal, int, anyelement) IS 'adds a value to mcv_agg(n, value)';

CREATE FUNCTION frequent_skewed_trans(internal, int, float8, anyelement) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_skewed_trans';
COMMENT ON FUNCTION frequent_skewed_trans(internal, int, float8, anyelement) IS 'adds a value to mcv_agg(n, skew, value)';

CREATE AGGREGATE mcv_agg(n int, value anyelement) (
    SFUNC = frequent_most_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = frequent_final,
    COMBINEFUNC = frequent_combine, SERIALFUNC = frequent_serialize, DESERIALFUNC = frequent_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE mcv_agg(int, anyelement) IS 'counts the n most common values, of data whose k-th value has a share of about k ^ -1.1, to be read by topn, into_values, ... and merged by rollup';

CREATE AGGREGATE mcv_agg(n int, skew float8, value anyelement) (
    SFUNC = frequent_skewed_trans, STYPE = internal, SSPACE = 16384, FINALFUNC = frequent_final,
    COMBINEFUNC = frequent_combine, SERIALFUNC = frequent_serialize, DESERIALFUNC = frequent_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE mcv_agg(int, float8, anyelement) IS 'the same as mcv_agg(n, value), of data whose k-th value has a share of about k ^ -skew';

CREATE FUNCTION num_vals(f frequent) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_num_vals';
COMMENT ON FUNCTION num_vals(frequent) IS 'the number of values that are not NULL';

CREATE FUNCTION max_error(f frequent) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_max_error';
COMMENT ON FUNCTION max_error(frequent) IS 'by how much a lower bound may be too low, as a share of all values: 0 while all counts are exact';

CREATE FUNCTION into_values(f frequent) RETURNS TABLE (value text, min_freq float8, max_freq float8)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_into_values';
COMMENT ON FUNCTION into_values(frequent) IS 'the frequent values as text, the most frequent first, with bounds of their shares';

CREATE FUNCTION into_values(f frequent, sample anyelement) RETURNS TABLE (value anyelement, min_freq float8, max_freq float8)
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_into_values_typed';
COMMENT ON FUNCTION into_values(frequent, anyelement) IS 'the frequent values with the type of sample, such as NULL::int';

CREATE FUNCTION topn(f frequent) RETURNS SETOF text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC SELECT v.value FROM kpi.into_values(f) AS v; END;
COMMENT ON FUNCTION topn(frequent) IS 'the values that the aggregate was asked for as text, the most frequent first';

CREATE FUNCTION topn(f frequent, n int) RETURNS SETOF text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_topn';
COMMENT ON FUNCTION topn(frequent, int) IS 'the n most frequent values as text, the most frequent first';

CREATE FUNCTION topn(f frequent, n int, sample anyelement) RETURNS SETOF anyelement
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_topn_typed';
COMMENT ON FUNCTION topn(frequent, int, anyelement) IS 'the n most frequent values with the type of sample, such as NULL::int';

CREATE FUNCTION min_frequency(f frequent, value text) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_min_frequency';
COMMENT ON FUNCTION min_frequency(frequent, text) IS 'the share of all values that a value has at least';

CREATE FUNCTION min_frequency(f frequent, value anyelement) RETURNS float8
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_min_frequency';
COMMENT ON FUNCTION min_frequency(frequent, anyelement) IS 'the share of all values that a value has at least';

CREATE FUNCTION max_frequency(f frequent, value text) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_max_frequency';
COMMENT ON FUNCTION max_frequency(frequent, text) IS 'the share of all values that a value has at most';

CREATE FUNCTION max_frequency(f frequent, value anyelement) RETURNS float8
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_frequent_max_frequency';
COMMENT ON FUNCTION max_frequency(frequent, anyelement) IS 'the share of all values that a value has at most';

-- floatextremes: the n smallest or the n largest doubles

CREATE TYPE floatextremes;
CREATE FUNCTION floatextremes_in(cstring) RETURNS floatextremes
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_in';
CREATE FUNCTION floatextremes_out(floatextremes) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_out';
CREATE FUNCTION floatextremes_recv(internal) RETURNS floatextremes
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_recv';
CREATE FUNCTION floatextremes_send(floatextremes) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_send';
CREATE TYPE floatextremes (
    INPUT = floatextremes_in, OUTPUT = floatextremes_out, RECEIVE = floatextremes_recv, SEND = floatextremes_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE floatextremes IS 'the smallest or the largest doubles, made by kpi.min_n(value, n) or kpi.max_n(value, n)';
COMMENT ON FUNCTION floatextremes_in(cstring) IS 'text input of floatextremes';
COMMENT ON FUNCTION floatextremes_out(floatextremes) IS 'text output of floatextremes';
COMMENT ON FUNCTION floatextremes_recv(internal) IS 'binary input of floatextremes';
COMMENT ON FUNCTION floatextremes_send(floatextremes) IS 'binary output of floatextremes';

CREATE FUNCTION floatextremes_rollup_trans(internal, floatextremes) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_rollup_trans';
COMMENT ON FUNCTION floatextremes_rollup_trans(internal, floatextremes) IS 'adds a stored state to a rollup';

CREATE FUNCTION floatextremes_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_combine';
COMMENT ON FUNCTION floatextremes_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION floatextremes_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_serialize';
COMMENT ON FUNCTION floatextremes_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION floatextremes_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_deserialize';
COMMENT ON FUNCTION floatextremes_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION floatextremes_final(internal) RETURNS floatextremes
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_final';
COMMENT ON FUNCTION floatextremes_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE rollup(e floatextremes) (
    SFUNC = floatextremes_rollup_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = floatextremes_final,
    COMBINEFUNC = floatextremes_combine, SERIALFUNC = floatextremes_serialize, DESERIALFUNC = floatextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(floatextremes) IS 'merges states of min_n or max_n into one, as if it had seen all their rows; states of different functions or n are refused';

CREATE FUNCTION floatextremes_min_trans(internal, float8, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_min_trans';
COMMENT ON FUNCTION floatextremes_min_trans(internal, float8, bigint) IS 'adds a value to min_n(value, n)';

CREATE AGGREGATE min_n(value float8, n bigint) (
    SFUNC = floatextremes_min_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = floatextremes_final,
    COMBINEFUNC = floatextremes_combine, SERIALFUNC = floatextremes_serialize, DESERIALFUNC = floatextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE min_n(float8, bigint) IS 'the n smallest values, to be read by into_array or into_values and merged by rollup';

CREATE FUNCTION floatextremes_max_trans(internal, float8, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_max_trans';
COMMENT ON FUNCTION floatextremes_max_trans(internal, float8, bigint) IS 'adds a value to max_n(value, n)';

CREATE AGGREGATE max_n(value float8, n bigint) (
    SFUNC = floatextremes_max_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = floatextremes_final,
    COMBINEFUNC = floatextremes_combine, SERIALFUNC = floatextremes_serialize, DESERIALFUNC = floatextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE max_n(float8, bigint) IS 'the n largest values, to be read by into_array or into_values and merged by rollup';

CREATE FUNCTION into_array(e floatextremes) RETURNS float8[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_into_array';
COMMENT ON FUNCTION into_array(floatextremes) IS 'the values, the most extreme first';

CREATE FUNCTION into_values(e floatextremes) RETURNS SETOF float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremes_into_values';
COMMENT ON FUNCTION into_values(floatextremes) IS 'the values, the most extreme first, as rows';

-- intextremes: the n smallest or the n largest integers

CREATE TYPE intextremes;
CREATE FUNCTION intextremes_in(cstring) RETURNS intextremes
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_in';
CREATE FUNCTION intextremes_out(intextremes) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_out';
CREATE FUNCTION intextremes_recv(internal) RETURNS intextremes
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_recv';
CREATE FUNCTION intextremes_send(intextremes) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_send';
CREATE TYPE intextremes (
    INPUT = intextremes_in, OUTPUT = intextremes_out, RECEIVE = intextremes_recv, SEND = intextremes_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE intextremes IS 'the smallest or the largest integers, made by kpi.min_n(value, n) or kpi.max_n(value, n)';
COMMENT ON FUNCTION intextremes_in(cstring) IS 'text input of intextremes';
COMMENT ON FUNCTION intextremes_out(intextremes) IS 'text output of intextremes';
COMMENT ON FUNCTION intextremes_recv(internal) IS 'binary input of intextremes';
COMMENT ON FUNCTION intextremes_send(intextremes) IS 'binary output of intextremes';

CREATE FUNCTION intextremes_rollup_trans(internal, intextremes) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_rollup_trans';
COMMENT ON FUNCTION intextremes_rollup_trans(internal, intextremes) IS 'adds a stored state to a rollup';

CREATE FUNCTION intextremes_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_combine';
COMMENT ON FUNCTION intextremes_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION intextremes_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_serialize';
COMMENT ON FUNCTION intextremes_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION intextremes_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_deserialize';
COMMENT ON FUNCTION intextremes_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION intextremes_final(internal) RETURNS intextremes
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_final';
COMMENT ON FUNCTION intextremes_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE rollup(e intextremes) (
    SFUNC = intextremes_rollup_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = intextremes_final,
    COMBINEFUNC = intextremes_combine, SERIALFUNC = intextremes_serialize, DESERIALFUNC = intextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(intextremes) IS 'merges states of min_n or max_n into one, as if it had seen all their rows; states of different functions or n are refused';

CREATE FUNCTION intextremes_min_trans(internal, bigint, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_min_trans';
COMMENT ON FUNCTION intextremes_min_trans(internal, bigint, bigint) IS 'adds a value to min_n(value, n)';

CREATE AGGREGATE min_n(value bigint, n bigint) (
    SFUNC = intextremes_min_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = intextremes_final,
    COMBINEFUNC = intextremes_combine, SERIALFUNC = intextremes_serialize, DESERIALFUNC = intextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE min_n(bigint, bigint) IS 'the n smallest values, to be read by into_array or into_values and merged by rollup';

CREATE FUNCTION intextremes_min_trans(internal, int, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_min_int4_trans';
COMMENT ON FUNCTION intextremes_min_trans(internal, int, bigint) IS 'adds a value to min_n(value, n)';

CREATE AGGREGATE min_n(value int, n bigint) (
    SFUNC = intextremes_min_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = intextremes_final,
    COMBINEFUNC = intextremes_combine, SERIALFUNC = intextremes_serialize, DESERIALFUNC = intextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE min_n(int, bigint) IS 'the n smallest values, to be read by into_array or into_values and merged by rollup';

CREATE FUNCTION intextremes_max_trans(internal, bigint, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_max_trans';
COMMENT ON FUNCTION intextremes_max_trans(internal, bigint, bigint) IS 'adds a value to max_n(value, n)';

CREATE AGGREGATE max_n(value bigint, n bigint) (
    SFUNC = intextremes_max_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = intextremes_final,
    COMBINEFUNC = intextremes_combine, SERIALFUNC = intextremes_serialize, DESERIALFUNC = intextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE max_n(bigint, bigint) IS 'the n largest values, to be read by into_array or into_values and merged by rollup';

CREATE FUNCTION intextremes_max_trans(internal, int, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_max_int4_trans';
COMMENT ON FUNCTION intextremes_max_trans(internal, int, bigint) IS 'adds a value to max_n(value, n)';

CREATE AGGREGATE max_n(value int, n bigint) (
    SFUNC = intextremes_max_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = intextremes_final,
    COMBINEFUNC = intextremes_combine, SERIALFUNC = intextremes_serialize, DESERIALFUNC = intextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE max_n(int, bigint) IS 'the n largest values, to be read by into_array or into_values and merged by rollup';

CREATE FUNCTION into_array(e intextremes) RETURNS bigint[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_into_array';
COMMENT ON FUNCTION into_array(intextremes) IS 'the values, the most extreme first';

CREATE FUNCTION into_values(e intextremes) RETURNS SETOF bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremes_into_values';
COMMENT ON FUNCTION into_values(intextremes) IS 'the values, the most extreme first, as rows';

-- timeextremes: the n smallest or the n largest times

CREATE TYPE timeextremes;
CREATE FUNCTION timeextremes_in(cstring) RETURNS timeextremes
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_in';
CREATE FUNCTION timeextremes_out(timeextremes) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_out';
CREATE FUNCTION timeextremes_recv(internal) RETURNS timeextremes
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_recv';
CREATE FUNCTION timeextremes_send(timeextremes) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_send';
CREATE TYPE timeextremes (
    INPUT = timeextremes_in, OUTPUT = timeextremes_out, RECEIVE = timeextremes_recv, SEND = timeextremes_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE timeextremes IS 'the smallest or the largest times, made by kpi.min_n(value, n) or kpi.max_n(value, n)';
COMMENT ON FUNCTION timeextremes_in(cstring) IS 'text input of timeextremes';
COMMENT ON FUNCTION timeextremes_out(timeextremes) IS 'text output of timeextremes';
COMMENT ON FUNCTION timeextremes_recv(internal) IS 'binary input of timeextremes';
COMMENT ON FUNCTION timeextremes_send(timeextremes) IS 'binary output of timeextremes';

CREATE FUNCTION timeextremes_rollup_trans(internal, timeextremes) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_rollup_trans';
COMMENT ON FUNCTION timeextremes_rollup_trans(internal, timeextremes) IS 'adds a stored state to a rollup';

CREATE FUNCTION timeextremes_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_combine';
COMMENT ON FUNCTION timeextremes_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION timeextremes_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_serialize';
COMMENT ON FUNCTION timeextremes_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION timeextremes_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_deserialize';
COMMENT ON FUNCTION timeextremes_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION timeextremes_final(internal) RETURNS timeextremes
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_final';
COMMENT ON FUNCTION timeextremes_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE rollup(e timeextremes) (
    SFUNC = timeextremes_rollup_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = timeextremes_final,
    COMBINEFUNC = timeextremes_combine, SERIALFUNC = timeextremes_serialize, DESERIALFUNC = timeextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(timeextremes) IS 'merges states of min_n or max_n into one, as if it had seen all their rows; states of different functions or n are refused';

CREATE FUNCTION timeextremes_min_trans(internal, timestamptz, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_min_trans';
COMMENT ON FUNCTION timeextremes_min_trans(internal, timestamptz, bigint) IS 'adds a value to min_n(value, n)';

CREATE AGGREGATE min_n(value timestamptz, n bigint) (
    SFUNC = timeextremes_min_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = timeextremes_final,
    COMBINEFUNC = timeextremes_combine, SERIALFUNC = timeextremes_serialize, DESERIALFUNC = timeextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE min_n(timestamptz, bigint) IS 'the n smallest values, to be read by into_array or into_values and merged by rollup';

CREATE FUNCTION timeextremes_max_trans(internal, timestamptz, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_max_trans';
COMMENT ON FUNCTION timeextremes_max_trans(internal, timestamptz, bigint) IS 'adds a value to max_n(value, n)';

CREATE AGGREGATE max_n(value timestamptz, n bigint) (
    SFUNC = timeextremes_max_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = timeextremes_final,
    COMBINEFUNC = timeextremes_combine, SERIALFUNC = timeextremes_serialize, DESERIALFUNC = timeextremes_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE max_n(timestamptz, bigint) IS 'the n largest values, to be read by into_array or into_values and merged by rollup';

CREATE FUNCTION into_array(e timeextremes) RETURNS timestamptz[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_into_array';
COMMENT ON FUNCTION into_array(timeextremes) IS 'the values, the most extreme first';

CREATE FUNCTION into_values(e timeextremes) RETURNS SETOF timestamptz
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremes_into_values';
COMMENT ON FUNCTION into_values(timeextremes) IS 'the values, the most extreme first, as rows';

-- floatextremesby: the n smallest or the n largest doubles with data
-- Values are kept as their text, which for some types depends on settings: what makes or reads it is STABLE.

CREATE TYPE floatextremesby;
CREATE FUNCTION floatextremesby_in(cstring) RETURNS floatextremesby
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_in';
CREATE FUNCTION floatextremesby_out(floatextremesby) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_out';
CREATE FUNCTION floatextremesby_recv(internal) RETURNS floatextremesby
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_recv';
CREATE FUNCTION floatextremesby_send(floatextremesby) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_send';
CREATE TYPE floatextremesby (
    INPUT = floatextremesby_in, OUTPUT = floatextremesby_out, RECEIVE = floatextremesby_recv, SEND = floatextremesby_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE floatextremesby IS 'the smallest or the largest doubles and data that come with them, made by kpi.min_n_by(value, data, n) or kpi.max_n_by(value, data, n)';
COMMENT ON FUNCTION floatextremesby_in(cstring) IS 'text input of floatextremesby';
COMMENT ON FUNCTION floatextremesby_out(floatextremesby) IS 'text output of floatextremesby';
COMMENT ON FUNCTION floatextremesby_recv(internal) IS 'binary input of floatextremesby';
COMMENT ON FUNCTION floatextremesby_send(floatextremesby) IS 'binary output of floatextremesby';

CREATE FUNCTION floatextremesby_rollup_trans(internal, floatextremesby) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_rollup_trans';
COMMENT ON FUNCTION floatextremesby_rollup_trans(internal, floatextremesby) IS 'adds a stored state to a rollup';

CREATE FUNCTION floatextremesby_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_combine';
COMMENT ON FUNCTION floatextremesby_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION floatextremesby_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_serialize';
COMMENT ON FUNCTION floatextremesby_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION floatextremesby_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_deserialize';
COMMENT ON FUNCTION floatextremesby_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION floatextremesby_final(internal) RETURNS floatextremesby
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_final';
COMMENT ON FUNCTION floatextremesby_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE rollup(e floatextremesby) (
    SFUNC = floatextremesby_rollup_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = floatextremesby_final,
    COMBINEFUNC = floatextremesby_combine, SERIALFUNC = floatextremesby_serialize, DESERIALFUNC = floatextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(floatextremesby) IS 'merges states of min_n_by or max_n_by into one, as if it had seen all their rows; states of different functions or n are refused';

CREATE FUNCTION floatextremesby_min_trans(internal, float8, anyelement, bigint) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_min_trans';
COMMENT ON FUNCTION floatextremesby_min_trans(internal, float8, anyelement, bigint) IS 'adds a value to min_n_by(value, data, n)';

CREATE AGGREGATE min_n_by(value float8, data anyelement, n bigint) (
    SFUNC = floatextremesby_min_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = floatextremesby_final,
    COMBINEFUNC = floatextremesby_combine, SERIALFUNC = floatextremesby_serialize, DESERIALFUNC = floatextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE min_n_by(float8, anyelement, bigint) IS 'the n smallest values with the data that come with them, to be read by into_values and merged by rollup';

CREATE FUNCTION floatextremesby_max_trans(internal, float8, anyelement, bigint) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_max_trans';
COMMENT ON FUNCTION floatextremesby_max_trans(internal, float8, anyelement, bigint) IS 'adds a value to max_n_by(value, data, n)';

CREATE AGGREGATE max_n_by(value float8, data anyelement, n bigint) (
    SFUNC = floatextremesby_max_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = floatextremesby_final,
    COMBINEFUNC = floatextremesby_combine, SERIALFUNC = floatextremesby_serialize, DESERIALFUNC = floatextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE max_n_by(float8, anyelement, bigint) IS 'the n largest values with the data that come with them, to be read by into_values and merged by rollup';

CREATE FUNCTION into_values(e floatextremesby) RETURNS TABLE (value float8, data text)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_into_values';
COMMENT ON FUNCTION into_values(floatextremesby) IS 'the values with their data as text, the most extreme first';

CREATE FUNCTION into_values(e floatextremesby, sample anyelement) RETURNS TABLE (value float8, data anyelement)
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_floatextremesby_into_values_typed';
COMMENT ON FUNCTION into_values(floatextremesby, anyelement) IS 'the values with their data of the type of sample, such as NULL::int or NULL::some_table';

-- intextremesby: the n smallest or the n largest integers with data

CREATE TYPE intextremesby;
CREATE FUNCTION intextremesby_in(cstring) RETURNS intextremesby
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_in';
CREATE FUNCTION intextremesby_out(intextremesby) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_out';
CREATE FUNCTION intextremesby_recv(internal) RETURNS intextremesby
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_recv';
CREATE FUNCTION intextremesby_send(intextremesby) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_send';
CREATE TYPE intextremesby (
    INPUT = intextremesby_in, OUTPUT = intextremesby_out, RECEIVE = intextremesby_recv, SEND = intextremesby_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE intextremesby IS 'the smallest or the largest integers and data that come with them, made by kpi.min_n_by(value, data, n) or kpi.max_n_by(value, data, n)';
COMMENT ON FUNCTION intextremesby_in(cstring) IS 'text input of intextremesby';
COMMENT ON FUNCTION intextremesby_out(intextremesby) IS 'text output of intextremesby';
COMMENT ON FUNCTION intextremesby_recv(internal) IS 'binary input of intextremesby';
COMMENT ON FUNCTION intextremesby_send(intextremesby) IS 'binary output of intextremesby';

CREATE FUNCTION intextremesby_rollup_trans(internal, intextremesby) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_rollup_trans';
COMMENT ON FUNCTION intextremesby_rollup_trans(internal, intextremesby) IS 'adds a stored state to a rollup';

CREATE FUNCTION intextremesby_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_combine';
COMMENT ON FUNCTION intextremesby_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION intextremesby_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_serialize';
COMMENT ON FUNCTION intextremesby_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION intextremesby_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_deserialize';
COMMENT ON FUNCTION intextremesby_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION intextremesby_final(internal) RETURNS intextremesby
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_final';
COMMENT ON FUNCTION intextremesby_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE rollup(e intextremesby) (
    SFUNC = intextremesby_rollup_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = intextremesby_final,
    COMBINEFUNC = intextremesby_combine, SERIALFUNC = intextremesby_serialize, DESERIALFUNC = intextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(intextremesby) IS 'merges states of min_n_by or max_n_by into one, as if it had seen all their rows; states of different functions or n are refused';

CREATE FUNCTION intextremesby_min_trans(internal, bigint, anyelement, bigint) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_min_trans';
COMMENT ON FUNCTION intextremesby_min_trans(internal, bigint, anyelement, bigint) IS 'adds a value to min_n_by(value, data, n)';

CREATE AGGREGATE min_n_by(value bigint, data anyelement, n bigint) (
    SFUNC = intextremesby_min_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = intextremesby_final,
    COMBINEFUNC = intextremesby_combine, SERIALFUNC = intextremesby_serialize, DESERIALFUNC = intextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE min_n_by(bigint, anyelement, bigint) IS 'the n smallest values with the data that come with them, to be read by into_values and merged by rollup';

CREATE FUNCTION intextremesby_min_trans(internal, int, anyelement, bigint) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_min_int4_trans';
COMMENT ON FUNCTION intextremesby_min_trans(internal, int, anyelement, bigint) IS 'adds a value to min_n_by(value, data, n)';

CREATE AGGREGATE min_n_by(value int, data anyelement, n bigint) (
    SFUNC = intextremesby_min_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = intextremesby_final,
    COMBINEFUNC = intextremesby_combine, SERIALFUNC = intextremesby_serialize, DESERIALFUNC = intextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE min_n_by(int, anyelement, bigint) IS 'the n smallest values with the data that come with them, to be read by into_values and merged by rollup';

CREATE FUNCTION intextremesby_max_trans(internal, bigint, anyelement, bigint) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_max_trans';
COMMENT ON FUNCTION intextremesby_max_trans(internal, bigint, anyelement, bigint) IS 'adds a value to max_n_by(value, data, n)';

CREATE AGGREGATE max_n_by(value bigint, data anyelement, n bigint) (
    SFUNC = intextremesby_max_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = intextremesby_final,
    COMBINEFUNC = intextremesby_combine, SERIALFUNC = intextremesby_serialize, DESERIALFUNC = intextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE max_n_by(bigint, anyelement, bigint) IS 'the n largest values with the data that come with them, to be read by into_values and merged by rollup';

CREATE FUNCTION intextremesby_max_trans(internal, int, anyelement, bigint) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_max_int4_trans';
COMMENT ON FUNCTION intextremesby_max_trans(internal, int, anyelement, bigint) IS 'adds a value to max_n_by(value, data, n)';

CREATE AGGREGATE max_n_by(value int, data anyelement, n bigint) (
    SFUNC = intextremesby_max_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = intextremesby_final,
    COMBINEFUNC = intextremesby_combine, SERIALFUNC = intextremesby_serialize, DESERIALFUNC = intextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE max_n_by(int, anyelement, bigint) IS 'the n largest values with the data that come with them, to be read by into_values and merged by rollup';

CREATE FUNCTION into_values(e intextremesby) RETURNS TABLE (value bigint, data text)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_into_values';
COMMENT ON FUNCTION into_values(intextremesby) IS 'the values with their data as text, the most extreme first';

CREATE FUNCTION into_values(e intextremesby, sample anyelement) RETURNS TABLE (value bigint, data anyelement)
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_intextremesby_into_values_typed';
COMMENT ON FUNCTION into_values(intextremesby, anyelement) IS 'the values with their data of the type of sample, such as NULL::int or NULL::some_table';

-- timeextremesby: the n smallest or the n largest times with data

CREATE TYPE timeextremesby;
CREATE FUNCTION timeextremesby_in(cstring) RETURNS timeextremesby
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_in';
CREATE FUNCTION timeextremesby_out(timeextremesby) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_out';
CREATE FUNCTION timeextremesby_recv(internal) RETURNS timeextremesby
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_recv';
CREATE FUNCTION timeextremesby_send(timeextremesby) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_send';
CREATE TYPE timeextremesby (
    INPUT = timeextremesby_in, OUTPUT = timeextremesby_out, RECEIVE = timeextremesby_recv, SEND = timeextremesby_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE timeextremesby IS 'the smallest or the largest times and data that come with them, made by kpi.min_n_by(value, data, n) or kpi.max_n_by(value, data, n)';
COMMENT ON FUNCTION timeextremesby_in(cstring) IS 'text input of timeextremesby';
COMMENT ON FUNCTION timeextremesby_out(timeextremesby) IS 'text output of timeextremesby';
COMMENT ON FUNCTION timeextremesby_recv(internal) IS 'binary input of timeextremesby';
COMMENT ON FUNCTION timeextremesby_send(timeextremesby) IS 'binary output of timeextremesby';

CREATE FUNCTION timeextremesby_rollup_trans(internal, timeextremesby) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_rollup_trans';
COMMENT ON FUNCTION timeextremesby_rollup_trans(internal, timeextremesby) IS 'adds a stored state to a rollup';

CREATE FUNCTION timeextremesby_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_combine';
COMMENT ON FUNCTION timeextremesby_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION timeextremesby_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_serialize';
COMMENT ON FUNCTION timeextremesby_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION timeextremesby_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_deserialize';
COMMENT ON FUNCTION timeextremesby_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION timeextremesby_final(internal) RETURNS timeextremesby
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_final';
COMMENT ON FUNCTION timeextremesby_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE rollup(e timeextremesby) (
    SFUNC = timeextremesby_rollup_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = timeextremesby_final,
    COMBINEFUNC = timeextremesby_combine, SERIALFUNC = timeextremesby_serialize, DESERIALFUNC = timeextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(timeextremesby) IS 'merges states of min_n_by or max_n_by into one, as if it had seen all their rows; states of different functions or n are refused';

CREATE FUNCTION timeextremesby_min_trans(internal, timestamptz, anyelement, bigint) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_min_trans';
COMMENT ON FUNCTION timeextremesby_min_trans(internal, timestamptz, anyelement, bigint) IS 'adds a value to min_n_by(value, data, n)';

CREATE AGGREGATE min_n_by(value timestamptz, data anyelement, n bigint) (
    SFUNC = timeextremesby_min_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = timeextremesby_final,
    COMBINEFUNC = timeextremesby_combine, SERIALFUNC = timeextremesby_serialize, DESERIALFUNC = timeextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE min_n_by(timestamptz, anyelement, bigint) IS 'the n smallest values with the data that come with them, to be read by into_values and merged by rollup';

CREATE FUNCTION timeextremesby_max_trans(internal, timestamptz, anyelement, bigint) RETURNS internal
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_max_trans';
COMMENT ON FUNCTION timeextremesby_max_trans(internal, timestamptz, anyelement, bigint) IS 'adds a value to max_n_by(value, data, n)';

CREATE AGGREGATE max_n_by(value timestamptz, data anyelement, n bigint) (
    SFUNC = timeextremesby_max_trans, STYPE = internal, SSPACE = 4096, FINALFUNC = timeextremesby_final,
    COMBINEFUNC = timeextremesby_combine, SERIALFUNC = timeextremesby_serialize, DESERIALFUNC = timeextremesby_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE max_n_by(timestamptz, anyelement, bigint) IS 'the n largest values with the data that come with them, to be read by into_values and merged by rollup';

CREATE FUNCTION into_values(e timeextremesby) RETURNS TABLE (value timestamptz, data text)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_into_values';
COMMENT ON FUNCTION into_values(timeextremesby) IS 'the values with their data as text, the most extreme first';

CREATE FUNCTION into_values(e timeextremesby, sample anyelement) RETURNS TABLE (value timestamptz, data anyelement)
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_timeextremesby_into_values_typed';
COMMENT ON FUNCTION into_values(timeextremesby, anyelement) IS 'the values with their data of the type of sample, such as NULL::int or NULL::some_table';

-- funnel: how many actors went how far

CREATE TYPE funnel;
CREATE FUNCTION funnel_in(cstring) RETURNS funnel
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_in';
CREATE FUNCTION funnel_out(funnel) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_out';
CREATE FUNCTION funnel_recv(internal) RETURNS funnel
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_recv';
CREATE FUNCTION funnel_send(funnel) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_send';
CREATE TYPE funnel (
    INPUT = funnel_in, OUTPUT = funnel_out, RECEIVE = funnel_recv, SEND = funnel_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE funnel IS 'when actors did each step of a funnel, made by kpi.funnel_agg(ts, actor, step, window)';
COMMENT ON FUNCTION funnel_in(cstring) IS 'text input of funnel';
COMMENT ON FUNCTION funnel_out(funnel) IS 'text output of funnel';
COMMENT ON FUNCTION funnel_recv(internal) IS 'binary input of funnel';
COMMENT ON FUNCTION funnel_send(funnel) IS 'binary output of funnel';

CREATE FUNCTION funnel_trans(internal, timestamptz, anyelement, int, interval) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_trans';
COMMENT ON FUNCTION funnel_trans(internal, timestamptz, anyelement, int, interval) IS 'adds an event to funnel_agg(ts, actor, step, window)';

CREATE FUNCTION funnel_rollup_trans(internal, funnel) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_rollup_trans';
COMMENT ON FUNCTION funnel_rollup_trans(internal, funnel) IS 'adds a stored state to a rollup';

CREATE FUNCTION funnel_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_combine';
COMMENT ON FUNCTION funnel_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION funnel_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_serialize';
COMMENT ON FUNCTION funnel_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION funnel_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_deserialize';
COMMENT ON FUNCTION funnel_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION funnel_final(internal) RETURNS funnel
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_final';
COMMENT ON FUNCTION funnel_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE funnel_agg(ts timestamptz, actor anyelement, step int, "window" interval) (
    SFUNC = funnel_trans, STYPE = internal, SSPACE = 65536, FINALFUNC = funnel_final,
    COMBINEFUNC = funnel_combine, SERIALFUNC = funnel_serialize, DESERIALFUNC = funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE funnel_agg(timestamptz, anyelement, int, interval) IS 'how far actors went through the steps 1, 2, ... within a window of time, to be read by steps, conversion and merged by rollup';

CREATE AGGREGATE rollup(f funnel) (
    SFUNC = funnel_rollup_trans, STYPE = internal, SSPACE = 65536, FINALFUNC = funnel_final,
    COMBINEFUNC = funnel_combine, SERIALFUNC = funnel_serialize, DESERIALFUNC = funnel_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(funnel) IS 'merges states of funnel_agg into one, as if it had seen all their rows; states of different windows are refused';

CREATE FUNCTION num_steps(f funnel) RETURNS int
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_num_steps';
COMMENT ON FUNCTION num_steps(funnel) IS 'the number of steps: the highest one seen';

CREATE FUNCTION steps(f funnel) RETURNS TABLE (step int, actors bigint, conversion float8, conversion_from_previous float8)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_steps';
COMMENT ON FUNCTION steps(funnel) IS 'for each step how many actors got there, as a share of those at step 1 and of those at the step before';

CREATE FUNCTION conversion(f funnel, step int) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_conversion';
COMMENT ON FUNCTION conversion(funnel, int) IS 'the share of the actors at step 1 that got to a step';

CREATE FUNCTION sampled(f funnel) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_funnel_sampled';
COMMENT ON FUNCTION sampled(funnel) IS 'the share of the actors that is kept: 1 while all are';

-- retention: how many actors came back

CREATE TYPE retentionagg;
CREATE FUNCTION retentionagg_in(cstring) RETURNS retentionagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_in';
CREATE FUNCTION retentionagg_out(retentionagg) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_out';
CREATE FUNCTION retentionagg_recv(internal) RETURNS retentionagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_recv';
CREATE FUNCTION retentionagg_send(retentionagg) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_send';
CREATE TYPE retentionagg (
    INPUT = retentionagg_in, OUTPUT = retentionagg_out, RECEIVE = retentionagg_recv, SEND = retentionagg_send,
    INTERNALLENGTH = VARIABLE, STORAGE = extended
);
COMMENT ON TYPE retentionagg IS 'in which periods actors were seen, made by kpi.retention_agg(ts, actor, period)';
COMMENT ON FUNCTION retentionagg_in(cstring) IS 'text input of retentionagg';
COMMENT ON FUNCTION retentionagg_out(retentionagg) IS 'text output of retentionagg';
COMMENT ON FUNCTION retentionagg_recv(internal) IS 'binary input of retentionagg';
COMMENT ON FUNCTION retentionagg_send(retentionagg) IS 'binary output of retentionagg';

CREATE FUNCTION retentionagg_trans(internal, timestamptz, anyelement, interval) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_trans';
COMMENT ON FUNCTION retentionagg_trans(internal, timestamptz, anyelement, interval) IS 'adds an event to retention_agg(ts, actor, period)';

CREATE FUNCTION retentionagg_rollup_trans(internal, retentionagg) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_rollup_trans';
COMMENT ON FUNCTION retentionagg_rollup_trans(internal, retentionagg) IS 'adds a stored state to a rollup';

CREATE FUNCTION retentionagg_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_combine';
COMMENT ON FUNCTION retentionagg_combine(internal, internal) IS 'merges the states of two workers';

CREATE FUNCTION retentionagg_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_serialize';
COMMENT ON FUNCTION retentionagg_serialize(internal) IS 'a worker''s state as bytes';

CREATE FUNCTION retentionagg_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_deserialize';
COMMENT ON FUNCTION retentionagg_deserialize(bytea, internal) IS 'a worker''s bytes as a state';

CREATE FUNCTION retentionagg_final(internal) RETURNS retentionagg
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_final';
COMMENT ON FUNCTION retentionagg_final(internal) IS 'ends the aggregate or the rollup; without rows the result is NULL';

CREATE AGGREGATE retention_agg(ts timestamptz, actor anyelement, period interval) (
    SFUNC = retentionagg_trans, STYPE = internal, SSPACE = 65536, FINALFUNC = retentionagg_final,
    COMBINEFUNC = retentionagg_combine, SERIALFUNC = retentionagg_serialize, DESERIALFUNC = retentionagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_agg(timestamptz, anyelement, interval) IS 'which actors came back how many periods after their first one, to be read by cohorts, retention_rate and merged by rollup; periods start in UTC';

CREATE AGGREGATE rollup(r retentionagg) (
    SFUNC = retentionagg_rollup_trans, STYPE = internal, SSPACE = 65536, FINALFUNC = retentionagg_final,
    COMBINEFUNC = retentionagg_combine, SERIALFUNC = retentionagg_serialize, DESERIALFUNC = retentionagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rollup(retentionagg) IS 'merges states of retention_agg into one, as if it had seen all their rows; states of different periods are refused';

CREATE FUNCTION retentionagg_trans(internal, timestamp, anyelement, interval) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_trans';
COMMENT ON FUNCTION retentionagg_trans(internal, timestamp, anyelement, interval) IS 'adds an event to retention_agg(ts, actor, period)';

CREATE AGGREGATE retention_agg(ts timestamp, actor anyelement, period interval) (
    SFUNC = retentionagg_trans, STYPE = internal, SSPACE = 65536, FINALFUNC = retentionagg_final,
    COMBINEFUNC = retentionagg_combine, SERIALFUNC = retentionagg_serialize, DESERIALFUNC = retentionagg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE retention_agg(timestamp, anyelement, interval) IS 'the same for times of a place: retention_agg(ts AT TIME ZONE ''Europe/Berlin'', actor, ''1 week'')';

CREATE FUNCTION num_actors(r retentionagg) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_num_actors';
COMMENT ON FUNCTION num_actors(retentionagg) IS 'the number of actors';

CREATE FUNCTION cohorts(r retentionagg) RETURNS TABLE (cohort timestamp, size bigint, period int, retained bigint, rate float8)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_cohorts';
COMMENT ON FUNCTION cohorts(retentionagg) IS 'for each period in which actors were first seen, and each period from there on, how many of them were seen again';

CREATE FUNCTION retention_rate(r retentionagg, period int) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_retention_rate';
COMMENT ON FUNCTION retention_rate(retentionagg, int) IS 'the share of the actors that were seen so many periods after their first one, of all for which that period has come';

CREATE FUNCTION sampled(r retentionagg) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_retention_sampled';
COMMENT ON FUNCTION sampled(retentionagg) IS 'the share of the actors that is kept: 1 while all are';

-- Additions to stats1d, stats2d, uddsketch and hyperloglog

CREATE FUNCTION stats1d_moving(internal, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_moving';
COMMENT ON FUNCTION stats1d_moving(internal, float8) IS 'adds a value to a window that moves';

CREATE FUNCTION stats1d_inverse(internal, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_inverse';
COMMENT ON FUNCTION stats1d_inverse(internal, float8) IS 'takes a value away from a window that moves, NULL where the state has to be made anew';

CREATE FUNCTION stats1d_moving_final(internal) RETURNS stats1d
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats1d_moving_final';
COMMENT ON FUNCTION stats1d_moving_final(internal) IS 'the state of a window that moves';

CREATE OR REPLACE AGGREGATE stats_agg(x float8) (
    SFUNC = stats1d_trans, STYPE = internal, SSPACE = 96, FINALFUNC = stats1d_final,
    COMBINEFUNC = stats1d_combine, SERIALFUNC = stats1d_serialize, DESERIALFUNC = stats1d_deserialize,
    MSFUNC = stats1d_moving, MINVFUNC = stats1d_inverse, MSTYPE = internal, MSSPACE = 256, MFINALFUNC = stats1d_moving_final,
    PARALLEL = SAFE
);

CREATE FUNCTION stats2d_moving(internal, float8, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_moving';
COMMENT ON FUNCTION stats2d_moving(internal, float8, float8) IS 'adds a pair to a window that moves';

CREATE FUNCTION stats2d_inverse(internal, float8, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_inverse';
COMMENT ON FUNCTION stats2d_inverse(internal, float8, float8) IS 'takes a pair away from a window that moves, NULL where the state has to be made anew';

CREATE FUNCTION stats2d_moving_final(internal) RETURNS stats2d
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_stats2d_moving_final';
COMMENT ON FUNCTION stats2d_moving_final(internal) IS 'the state of a window that moves';

CREATE OR REPLACE AGGREGATE stats_agg(y float8, x float8) (
    SFUNC = stats2d_trans, STYPE = internal, SSPACE = 192, FINALFUNC = stats2d_final,
    COMBINEFUNC = stats2d_combine, SERIALFUNC = stats2d_serialize, DESERIALFUNC = stats2d_deserialize,
    MSFUNC = stats2d_moving, MINVFUNC = stats2d_inverse, MSTYPE = internal, MSSPACE = 512, MFINALFUNC = stats2d_moving_final,
    PARALLEL = SAFE
);

CREATE AGGREGATE rolling(s stats1d) (
    SFUNC = stats1d_rollup_trans, STYPE = internal, SSPACE = 96, FINALFUNC = stats1d_rollup_final,
    COMBINEFUNC = stats1d_combine, SERIALFUNC = stats1d_serialize, DESERIALFUNC = stats1d_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rolling(stats1d) IS 'rollup under the name that it has in windows: merges states of stats_agg(x)';

CREATE AGGREGATE rolling(s stats2d) (
    SFUNC = stats2d_rollup_trans, STYPE = internal, SSPACE = 192, FINALFUNC = stats2d_rollup_final,
    COMBINEFUNC = stats2d_combine, SERIALFUNC = stats2d_serialize, DESERIALFUNC = stats2d_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE rolling(stats2d) IS 'rollup under the name that it has in windows: merges states of stats_agg(y, x)';

CREATE FUNCTION uddsketch_sized_trans(internal, int, float8, float8) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_sized_trans';
COMMENT ON FUNCTION uddsketch_sized_trans(internal, int, float8, float8) IS 'adds a value to uddsketch(size, max_error, x)';

CREATE FUNCTION uddsketch_final_or_null(internal) RETURNS uddsketch
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_final_or_null';
COMMENT ON FUNCTION uddsketch_final_or_null(internal) IS 'ends the aggregate; without rows the result is NULL';

CREATE AGGREGATE uddsketch(size int, max_error float8, x float8) (
    SFUNC = uddsketch_sized_trans, STYPE = internal, SSPACE = 8192, FINALFUNC = uddsketch_final_or_null,
    COMBINEFUNC = uddsketch_combine, SERIALFUNC = uddsketch_serialize, DESERIALFUNC = uddsketch_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE uddsketch(int, float8, float8) IS 'as percentile_agg(x), in at most size buckets, which start with a relative error of at most max_error';

CREATE FUNCTION approx_percentile_array(percentiles float8[], sketch uddsketch) RETURNS float8[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_uddsketch_approx_percentile_array';
COMMENT ON FUNCTION approx_percentile_array(float8[], uddsketch) IS 'approx_percentile for each of many fractions';

CREATE FUNCTION intersection(a hyperloglog, b hyperloglog, OUT count bigint, OUT standard_error float8)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_hyperloglog_intersection';
COMMENT ON FUNCTION intersection(hyperloglog, hyperloglog) IS 'the estimated number of distinct values that are in both, and the standard error of that number';

-- growth: period over period

CREATE FUNCTION growth(current float8, previous float8) RETURNS float8
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN previous <> 0 THEN (current - previous) / abs(previous) END;
COMMENT ON FUNCTION growth(float8, float8) IS 'by which share of previous current is above it (0.1 for 10 percent) or below; NULL where previous is zero; with lag(x) OVER (ORDER BY period) as previous: from period to period';

-- Reliability: mean times between failures and to repair, from states and from heartbeats

CREATE FUNCTION mtbf(agg stateagg, failed text) RETURNS interval
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (SELECT sum(v.duration) - kpi.duration_in(agg, failed) FROM kpi.into_values(agg) AS v)
           / (SELECT nullif(count(*), 0) FROM kpi.state_periods(agg, failed));
COMMENT ON FUNCTION mtbf(stateagg, text) IS 'mean time between failures: the time in all other states for each period in the state failed; NULL without such a period';

CREATE FUNCTION mtbf(agg stateagg, failed bigint) RETURNS interval
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (SELECT sum(v.duration) - kpi.duration_in(agg, failed) FROM kpi.into_values(agg) AS v)
           / (SELECT nullif(count(*), 0) FROM kpi.state_periods(agg, failed));
COMMENT ON FUNCTION mtbf(stateagg, bigint) IS 'mean time between failures: the time in all other states for each period in the state failed; NULL without such a period';

CREATE FUNCTION mtbf(agg stateagg, failed anyenum) RETURNS interval
    LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT kpi.mtbf(agg, failed::text) $$;
COMMENT ON FUNCTION mtbf(stateagg, anyenum) IS 'mean time between failures: the time in all other states for each period in the state failed; NULL without such a period';

CREATE FUNCTION mtbf(agg heartbeatagg) RETURNS interval
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN kpi.uptime(agg) / nullif(kpi.num_gaps(agg), 0);
COMMENT ON FUNCTION mtbf(heartbeatagg) IS 'mean time between failures: the uptime for each gap; NULL without a gap';

CREATE FUNCTION mttr(agg stateagg, failed text) RETURNS interval
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN kpi.duration_in(agg, failed) / (SELECT nullif(count(*), 0) FROM kpi.state_periods(agg, failed));
COMMENT ON FUNCTION mttr(stateagg, text) IS 'mean time to repair: the mean length of the periods in the state failed; NULL without such a period';

CREATE FUNCTION mttr(agg stateagg, failed bigint) RETURNS interval
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN kpi.duration_in(agg, failed) / (SELECT nullif(count(*), 0) FROM kpi.state_periods(agg, failed));
COMMENT ON FUNCTION mttr(stateagg, bigint) IS 'mean time to repair: the mean length of the periods in the state failed; NULL without such a period';

CREATE FUNCTION mttr(agg stateagg, failed anyenum) RETURNS interval
    LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT kpi.mttr(agg, failed::text) $$;
COMMENT ON FUNCTION mttr(stateagg, anyenum) IS 'mean time to repair: the mean length of the periods in the state failed; NULL without such a period';

CREATE FUNCTION mttr(agg heartbeatagg) RETURNS interval
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN kpi.downtime(agg) / nullif(kpi.num_gaps(agg), 0);
COMMENT ON FUNCTION mttr(heartbeatagg) IS 'mean time to repair: the mean length of the gaps; NULL without a gap';

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

-- Downsampling: the functions of a series, and the aggregates of rows, whose state is a series in the making with the size
-- that it is to get.

CREATE FUNCTION kpi.gp_lttb(s kpi.series, n int) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_gp_lttb_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.gp_lttb(kpi.series, int) IS
    'lttb that keeps both ends of each gap that is longer than the whole time divided by n';

CREATE FUNCTION kpi.gp_lttb(s kpi.series, n int, gap interval) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_gp_lttb_of_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.gp_lttb(kpi.series, int, interval) IS
    'lttb that keeps both ends of each gap that is longer than the interval';

CREATE FUNCTION kpi.asap_smooth(s kpi.series, n int) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_asap_smooth_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.asap_smooth(kpi.series, int) IS
    'moving averages of about n values: as smooth as can be while what stands out still does (ASAP)';

CREATE FUNCTION kpi.downsample_trans(internal, timestamptz, float8, int) RETURNS internal
    AS 'MODULE_PATHNAME', 'kpi_downsample_trans' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi.downsample_trans(internal, timestamptz, float8, int) IS 'takes a row of an aggregate that downsamples';

CREATE FUNCTION kpi.downsample_trans(internal, timestamptz, float8, int, interval) RETURNS internal
    AS 'MODULE_PATHNAME', 'kpi_downsample_trans' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi.downsample_trans(internal, timestamptz, float8, int, interval) IS 'takes a row of an aggregate that downsamples and has a gap';

CREATE FUNCTION kpi.downsample_combine(internal, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'kpi_downsample_combine' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi.downsample_combine(internal, internal) IS 'puts the rows of two workers together';

CREATE FUNCTION kpi.downsample_serialize(internal) RETURNS bytea
    AS 'MODULE_PATHNAME', 'kpi_downsample_serialize' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.downsample_serialize(internal) IS 'a worker''s rows as bytes';

CREATE FUNCTION kpi.downsample_deserialize(bytea, internal) RETURNS internal
    AS 'MODULE_PATHNAME', 'kpi_downsample_deserialize' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.downsample_deserialize(bytea, internal) IS 'a worker''s bytes as rows';

CREATE FUNCTION kpi.downsample_lttb(internal) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'kpi_downsample_lttb' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi.downsample_lttb(internal) IS 'ends the aggregate kpi.lttb';

CREATE FUNCTION kpi.downsample_gp_lttb(internal) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'kpi_downsample_gp_lttb' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi.downsample_gp_lttb(internal) IS 'ends the aggregate kpi.gp_lttb';

CREATE FUNCTION kpi.downsample_asap_smooth(internal) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'kpi_downsample_asap_smooth' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi.downsample_asap_smooth(internal) IS 'ends the aggregate kpi.asap_smooth';

CREATE AGGREGATE kpi.lttb(ts timestamptz, value float8, n int) (
    SFUNC = kpi.downsample_trans, STYPE = internal, SSPACE = 2048, FINALFUNC = kpi.downsample_lttb,
    COMBINEFUNC = kpi.downsample_combine, SERIALFUNC = kpi.downsample_serialize, DESERIALFUNC = kpi.downsample_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.lttb(timestamptz, float8, int) IS 'the rows as a series of at most n values that looks the same in a line chart (largest triangle, three buckets)';

CREATE AGGREGATE kpi.gp_lttb(ts timestamptz, value float8, n int) (
    SFUNC = kpi.downsample_trans, STYPE = internal, SSPACE = 2048, FINALFUNC = kpi.downsample_gp_lttb,
    COMBINEFUNC = kpi.downsample_combine, SERIALFUNC = kpi.downsample_serialize, DESERIALFUNC = kpi.downsample_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.gp_lttb(timestamptz, float8, int) IS 'lttb of the rows that keeps both ends of each gap that is longer than the whole time divided by n';

CREATE AGGREGATE kpi.gp_lttb(ts timestamptz, value float8, n int, gap interval) (
    SFUNC = kpi.downsample_trans, STYPE = internal, SSPACE = 2048, FINALFUNC = kpi.downsample_gp_lttb,
    COMBINEFUNC = kpi.downsample_combine, SERIALFUNC = kpi.downsample_serialize, DESERIALFUNC = kpi.downsample_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.gp_lttb(timestamptz, float8, int, interval) IS 'lttb of the rows that keeps both ends of each gap that is longer than the interval';

CREATE AGGREGATE kpi.asap_smooth(ts timestamptz, value float8, n int) (
    SFUNC = kpi.downsample_trans, STYPE = internal, SSPACE = 2048, FINALFUNC = kpi.downsample_asap_smooth,
    COMBINEFUNC = kpi.downsample_combine, SERIALFUNC = kpi.downsample_serialize, DESERIALFUNC = kpi.downsample_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.asap_smooth(timestamptz, float8, int) IS 'the rows as a series of about n moving averages: as smooth as can be while what stands out still does (ASAP)';

-- Steps from series to series.

CREATE AGGREGATE kpi.timevector(ts timestamptz, value float8) (
    SFUNC = kpi.series_transition, STYPE = internal, SSPACE = 2048, FINALFUNC = kpi.series_final,
    COMBINEFUNC = kpi.series_combine, SERIALFUNC = kpi.series_serialize, DESERIALFUNC = kpi.series_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.timevector(timestamptz, float8) IS 'kpi.series under the name that it has in pipelines';

CREATE FUNCTION kpi.map(s kpi.series, lambda text) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_map_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.map(kpi.series, text) IS
    'series with another value for each point, or another time and value: an expression such as $value * 2 or ($time, $value * 2)';

CREATE FUNCTION kpi.filter(s kpi.series, condition text) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_filter_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.filter(kpi.series, text) IS 'points for which a condition such as $value > 0 is true';

CREATE FUNCTION kpi.delta(s kpi.series) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_delta_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.delta(kpi.series) IS 'each value minus the one of the point before it; the first point is left out';

CREATE FUNCTION kpi.fill_to(s kpi.series, every interval, method text) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_fill_to_wrapper' LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.fill_to(kpi.series, interval, text) IS
    'series with new points between those that are further apart than the interval: locf, linear or nearest';

CREATE FUNCTION kpi.arithmetic(s kpi.series, operation text, n float8) RETURNS kpi.series
    AS 'MODULE_PATHNAME', 'series_arithmetic_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.arithmetic(kpi.series, text, float8) IS
    'the same operation on every value: add, sub, mul, div, mod, power or logn';

CREATE FUNCTION kpi.sort(s kpi.series) RETURNS kpi.series
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT s';
COMMENT ON FUNCTION kpi.sort(kpi.series) IS 'the series as it is: its points always are in time order';

CREATE FUNCTION kpi.stats_agg(s kpi.series) RETURNS kpi.stats1d
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT kpi.stats_agg(value) FROM kpi.points(s)';
COMMENT ON FUNCTION kpi.stats_agg(kpi.series) IS 'count, sum, mean and moments of the values of a series';

CREATE FUNCTION kpi.num_vals(s kpi.series) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT kpi.num_vals(kpi.stats_agg(s))';
COMMENT ON FUNCTION kpi.num_vals(kpi.series) IS 'the number of points that are no gaps';

CREATE FUNCTION kpi.sum(s kpi.series) RETURNS float8
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT kpi.sum(kpi.stats_agg(s))';
COMMENT ON FUNCTION kpi.sum(kpi.series) IS 'the sum of the values of a series';

CREATE FUNCTION kpi.average(s kpi.series) RETURNS float8
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT kpi.average(kpi.stats_agg(s))';
COMMENT ON FUNCTION kpi.average(kpi.series) IS 'the arithmetic mean of the values of a series';

CREATE FUNCTION kpi.unnest(s kpi.series) RETURNS TABLE ("time" timestamptz, value float8)
    AS 'MODULE_PATHNAME', 'series_points_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 1000;
COMMENT ON FUNCTION kpi.unnest(kpi.series) IS 'kpi.points under the name that it has in pipelines';

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

-- Forecasts: views go on calling what they were made with, under a name that is no longer in the way of the one with more arguments.
ALTER FUNCTION kpi.forecast(kpi.series, int, text, float8, int) RENAME TO _forecast;
COMMENT ON FUNCTION kpi._forecast(kpi.series, int, text, float8, int) IS
    'kpi.forecast of version 0.1.0, for the views that were made with it';
ALTER FUNCTION kpi.forecast(text, int, text, text, float8, int) RENAME TO _forecast;
CREATE OR REPLACE FUNCTION kpi._forecast(
    code text, horizon int, period text DEFAULT 'day', model text DEFAULT 'auto', level float8 DEFAULT 0.95,
    season int DEFAULT NULL
) RETURNS SETOF kpi.forecast_point
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 30 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT f.* FROM kpi._forecast(
        kpi._complete_series(_forecast.code, _forecast.period), _forecast.horizon, _forecast.model, _forecast.level,
        _forecast.season, kpi._timezone(_forecast.code)) f;
END
$$;
COMMENT ON FUNCTION kpi._forecast(text, int, text, text, float8, int) IS
    'kpi.forecast of version 0.1.0 for a KPI, for the views that were made with it';

-- kpi.forecast with several levels, several seasons, and options.
--
-- A season is a number or an array, and a literal may be either: one type takes them all, so that no call is ambiguous. It keeps
-- what was typed; the function that it is an argument of reads it.
CREATE TYPE kpi.seasons;
CREATE FUNCTION kpi.seasons_in(cstring) RETURNS kpi.seasons
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textin';
COMMENT ON FUNCTION kpi.seasons_in(cstring) IS 'text input of kpi.seasons';
CREATE FUNCTION kpi.seasons_out(kpi.seasons) RETURNS cstring
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textout';
COMMENT ON FUNCTION kpi.seasons_out(kpi.seasons) IS 'text output of kpi.seasons';
CREATE FUNCTION kpi.seasons_recv(internal) RETURNS kpi.seasons
    LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'textrecv';
COMMENT ON FUNCTION kpi.seasons_recv(internal) IS 'binary input of kpi.seasons';
CREATE FUNCTION kpi.seasons_send(kpi.seasons) RETURNS bytea
    LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'textsend';
COMMENT ON FUNCTION kpi.seasons_send(kpi.seasons) IS 'binary output of kpi.seasons';
CREATE TYPE kpi.seasons (
    INPUT = kpi.seasons_in, OUTPUT = kpi.seasons_out, RECEIVE = kpi.seasons_recv, SEND = kpi.seasons_send, LIKE = text
);
COMMENT ON TYPE kpi.seasons IS 'steps in a season, or in each of several: an argument such as 7 or {24,168}';
CREATE CAST (smallint AS kpi.seasons) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (smallint AS kpi.seasons) IS 'a number of steps, or an array of them, as an argument';
CREATE CAST (int AS kpi.seasons) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (int AS kpi.seasons) IS 'a number of steps, or an array of them, as an argument';
CREATE CAST (bigint AS kpi.seasons) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (bigint AS kpi.seasons) IS 'a number of steps, or an array of them, as an argument';
CREATE CAST (smallint[] AS kpi.seasons) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (smallint[] AS kpi.seasons) IS 'a number of steps, or an array of them, as an argument';
CREATE CAST (int[] AS kpi.seasons) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (int[] AS kpi.seasons) IS 'a number of steps, or an array of them, as an argument';
CREATE CAST (bigint[] AS kpi.seasons) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (bigint[] AS kpi.seasons) IS 'a number of steps, or an array of them, as an argument';

-- The type category of strings makes a literal like '{0.8,0.95}' one of these rather than a float8.
CREATE TYPE kpi.levels;
CREATE FUNCTION kpi.levels_in(cstring) RETURNS kpi.levels
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textin';
COMMENT ON FUNCTION kpi.levels_in(cstring) IS 'text input of kpi.levels';
CREATE FUNCTION kpi.levels_out(kpi.levels) RETURNS cstring
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textout';
COMMENT ON FUNCTION kpi.levels_out(kpi.levels) IS 'text output of kpi.levels';
CREATE FUNCTION kpi.levels_recv(internal) RETURNS kpi.levels
    LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'textrecv';
COMMENT ON FUNCTION kpi.levels_recv(internal) IS 'binary input of kpi.levels';
CREATE FUNCTION kpi.levels_send(kpi.levels) RETURNS bytea
    LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'textsend';
COMMENT ON FUNCTION kpi.levels_send(kpi.levels) IS 'binary output of kpi.levels';
CREATE TYPE kpi.levels (
    INPUT = kpi.levels_in, OUTPUT = kpi.levels_out, RECEIVE = kpi.levels_recv, SEND = kpi.levels_send, LIKE = text, CATEGORY = 'S'
);
COMMENT ON TYPE kpi.levels IS 'shares of outcomes that bands should hold: an argument such as {0.8,0.95}';
CREATE CAST (float8[] AS kpi.levels) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (float8[] AS kpi.levels) IS 'an array of shares, as an argument';
CREATE CAST (float4[] AS kpi.levels) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (float4[] AS kpi.levels) IS 'an array of shares, as an argument';
CREATE CAST (numeric[] AS kpi.levels) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (numeric[] AS kpi.levels) IS 'an array of shares, as an argument';
CREATE CAST (int[] AS kpi.levels) WITH INOUT AS IMPLICIT;
COMMENT ON CAST (int[] AS kpi.levels) IS 'an array of shares, as an argument';

-- The columns of kpi.forecast_point, and the level.
CREATE TYPE kpi.forecast_band AS (
    step  int,
    ts    timestamptz,
    value float8,
    lower float8,
    upper float8,
    model text,
    level float8
);
COMMENT ON TYPE kpi.forecast_band IS 'one step of a forecast, with the bounds of the prediction interval of one of several levels';

CREATE FUNCTION kpi._forecast(
    s kpi.series, horizon int, model text, level kpi.levels, season kpi.seasons, options jsonb, regressors kpi.series[],
    holidays date[], holiday_window int[], timezone text
) RETURNS SETOF kpi.forecast_band
    AS 'MODULE_PATHNAME', 'forecast_levels_in_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 60;
COMMENT ON FUNCTION kpi._forecast(
    kpi.series, int, text, kpi.levels, kpi.seasons, jsonb, kpi.series[], date[], int[], text
) IS
    'kpi.forecast of a series whose days and months are those of a given time zone, the session''s when NULL';

CREATE FUNCTION kpi.forecast(
    s kpi.series, horizon int, model text DEFAULT 'auto', level float8 DEFAULT 0.95, season kpi.seasons DEFAULT NULL,
    options jsonb DEFAULT NULL, regressors kpi.series[] DEFAULT NULL, holidays date[] DEFAULT NULL,
    holiday_window int[] DEFAULT '{0,0}'
) RETURNS SETOF kpi.forecast_point
    AS 'MODULE_PATHNAME', 'forecast_with_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 30;
COMMENT ON FUNCTION kpi.forecast(kpi.series, int, text, float8, kpi.seasons, jsonb, kpi.series[], date[], int[]) IS
    'the next steps of a series with a band that holds the share level of outcomes; model is auto, seasonal_naive, theta, ets, ces, arima, mstl, tbats, prophet, croston or another one of docs/forecast.md, or the mean of several, as naive+theta; season in steps (or several) is found from the data when NULL; options are lower, upper, non_negative, interval, clean, box_cox, bias_adjust, and of prophet growth, capacity, floor and seasonality_mode; regressors, each with values for the history and the horizon, and holidays, each with the days of holiday_window around it, are for auto, arima and prophet';

CREATE FUNCTION kpi._forecast(
    s kpi.series, horizon int, model text, level float8, season kpi.seasons, options jsonb, regressors kpi.series[],
    holidays date[], holiday_window int[], timezone text
) RETURNS SETOF kpi.forecast_point
    AS 'MODULE_PATHNAME', 'forecast_with_in_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 30;
COMMENT ON FUNCTION kpi._forecast(
    kpi.series, int, text, float8, kpi.seasons, jsonb, kpi.series[], date[], int[], text
) IS
    'kpi.forecast of a series whose days and months are those of a given time zone, the session''s when NULL';

-- Named arguments can only follow positional ones, and those before them can have no default: hence one with and one without model.
CREATE FUNCTION kpi.forecast(
    s kpi.series, horizon int, model text, level kpi.levels, season kpi.seasons DEFAULT NULL, options jsonb DEFAULT NULL,
    regressors kpi.series[] DEFAULT NULL, holidays date[] DEFAULT NULL, holiday_window int[] DEFAULT '{0,0}'
) RETURNS SETOF kpi.forecast_band
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 60 AS $$
    SELECT f.* FROM kpi._forecast($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL) f
$$;
COMMENT ON FUNCTION kpi.forecast(kpi.series, int, text, kpi.levels, kpi.seasons, jsonb, kpi.series[], date[], int[]) IS
    'the next steps of a series with a band for each of several levels, one row per step and level; see kpi.forecast with one level';
CREATE FUNCTION kpi.forecast(
    s kpi.series, horizon int, level kpi.levels, season kpi.seasons DEFAULT NULL, options jsonb DEFAULT NULL
) RETURNS SETOF kpi.forecast_band
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 60 AS $$
    SELECT f.* FROM kpi._forecast($1, $2, 'auto', $3, $4, $5, NULL, NULL, NULL, NULL) f
$$;
COMMENT ON FUNCTION kpi.forecast(kpi.series, int, kpi.levels, kpi.seasons, jsonb) IS
    'the next steps of a series by model auto with a band for each of several levels, one row per step and level';

CREATE FUNCTION kpi.forecast(
    code text, horizon int, period text DEFAULT 'day', model text DEFAULT 'auto', level float8 DEFAULT 0.95,
    season kpi.seasons DEFAULT NULL, options jsonb DEFAULT NULL, regressors kpi.series[] DEFAULT NULL,
    holidays date[] DEFAULT NULL, holiday_window int[] DEFAULT '{0,0}'
) RETURNS SETOF kpi.forecast_point
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 30 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT f.* FROM kpi._forecast(
        kpi._complete_series(forecast.code, forecast.period), forecast.horizon, forecast.model, forecast.level,
        forecast.season, forecast.options, forecast.regressors, forecast.holidays, forecast.holiday_window,
        kpi._timezone(forecast.code)) f;
END
$$;
COMMENT ON FUNCTION kpi.forecast(text, int, text, text, float8, kpi.seasons, jsonb, kpi.series[], date[], int[]) IS
    'the next periods of a KPI after the last one that is over, with a band that holds the share level of outcomes; see kpi.forecast of a series';
CREATE FUNCTION kpi.forecast(
    code text, horizon int, period text, model text, level kpi.levels, season kpi.seasons DEFAULT NULL,
    options jsonb DEFAULT NULL,
    regressors kpi.series[] DEFAULT NULL, holidays date[] DEFAULT NULL, holiday_window int[] DEFAULT '{0,0}'
) RETURNS SETOF kpi.forecast_band
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 60 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT f.* FROM kpi._forecast(
        kpi._complete_series(forecast.code, forecast.period), forecast.horizon, forecast.model, forecast.level,
        forecast.season, forecast.options, forecast.regressors, forecast.holidays, forecast.holiday_window,
        kpi._timezone(forecast.code)) f;
END
$$;
COMMENT ON FUNCTION kpi.forecast(text, int, text, text, kpi.levels, kpi.seasons, jsonb, kpi.series[], date[], int[]) IS
    'the next periods of a KPI with a band for each of several levels, one row per period and level';
CREATE FUNCTION kpi.forecast(
    code text, horizon int, period text, level kpi.levels, season kpi.seasons DEFAULT NULL, options jsonb DEFAULT NULL
) RETURNS SETOF kpi.forecast_band
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 60 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT f.* FROM kpi._forecast(
        kpi._complete_series(forecast.code, forecast.period), forecast.horizon, 'auto', forecast.level,
        forecast.season, forecast.options, NULL, NULL, NULL, kpi._timezone(forecast.code)) f;
END
$$;
COMMENT ON FUNCTION kpi.forecast(text, int, text, kpi.levels, kpi.seasons, jsonb) IS
    'the next periods of a KPI by model auto with a band for each of several levels';
CREATE FUNCTION kpi.forecast(
    code text, horizon int, level kpi.levels, model text DEFAULT 'auto', season kpi.seasons DEFAULT NULL,
    options jsonb DEFAULT NULL
) RETURNS SETOF kpi.forecast_band
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 60 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT f.* FROM kpi._forecast(
        kpi._complete_series(forecast.code, 'day'), forecast.horizon, forecast.model, forecast.level,
        forecast.season, forecast.options, NULL, NULL, NULL, kpi._timezone(forecast.code)) f;
END
$$;
COMMENT ON FUNCTION kpi.forecast(text, int, kpi.levels, text, kpi.seasons, jsonb) IS
    'the next days of a KPI with a band for each of several levels';

-- kpi.backtest: how models would have done.

CREATE FUNCTION kpi.backtest(
    s kpi.series, horizon int, folds int DEFAULT 3, models text[] DEFAULT '{auto,seasonal_naive}', metric text DEFAULT 'mase',
    level float8 DEFAULT 0.95, season kpi.seasons DEFAULT NULL, options jsonb DEFAULT NULL,
    regressors kpi.series[] DEFAULT NULL, holidays date[] DEFAULT NULL, holiday_window int[] DEFAULT '{0,0}'
) RETURNS TABLE (
    model text, fold int, origin timestamptz, used text, smape float8, mase float8, rmse float8, mae float8, bias float8,
    coverage float8, took interval
)
    AS 'MODULE_PATHNAME', 'backtest_wrapper' LANGUAGE c VOLATILE PARALLEL SAFE COST 100000 ROWS 10;
COMMENT ON FUNCTION kpi.backtest(
    kpi.series, int, int, text[], text, float8, kpi.seasons, jsonb, kpi.series[], date[], int[]
) IS
    'how models would have forecast the end of a series, cut into folds of horizon steps, each from the values before it only: one row per model and fold, the best model by metric (smape, mase, rmse, mae or bias) first';

-- Forecasts that add up.

CREATE FUNCTION kpi.reconcile(
    nodes text[], series kpi.series[], horizon int, method text DEFAULT 'mint_shrink', model text DEFAULT 'auto',
    level float8 DEFAULT 0.95, season kpi.seasons DEFAULT NULL, parents text[] DEFAULT NULL
) RETURNS TABLE (node text, step int, ts timestamptz, value float8, lower float8, upper float8, base float8)
    AS 'MODULE_PATHNAME', 'reconcile_series_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 1000000 ROWS 1000;
COMMENT ON FUNCTION kpi.reconcile(text[], kpi.series[], int, text, text, float8, kpi.seasons, text[]) IS
    'forecasts of the nodes of a hierarchy that add up: nodes are paths such as all/north/a, or names with their parents; base is the forecast of a node by itself; method is mint_shrink, wls_var, wls_struct, ols, bottom_up or top_down';

CREATE FUNCTION kpi.reconcile(
    nodes text[], forecasts float8[], method text DEFAULT 'wls_struct', standard_errors float8[] DEFAULT NULL,
    parents text[] DEFAULT NULL
) RETURNS TABLE (node text, value float8, base float8)
    AS 'MODULE_PATHNAME', 'reconcile_forecasts_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10000 ROWS 100;
COMMENT ON FUNCTION kpi.reconcile(text[], float8[], text, float8[], text[]) IS
    'makes forecasts of one step add up that are there already, one for each node; a sum may be left out or NULL; wls_var needs standard errors, of which only the ratios count';

-- What a series is made of: its parts, its seasons, its features.

CREATE TYPE kpi.decomposition_point AS (
    ts timestamptz,
    value float8,
    trend float8,
    seasonal float8,
    remainder float8,
    weight float8,
    season int[],
    parts float8[]
);
COMMENT ON TYPE kpi.decomposition_point IS
    'one step of a series taken apart: value = trend + seasonal + remainder; seasonal is the sum of parts, one for each season in season; weight is 0 for an outlier, 1 for what is not';

CREATE TYPE kpi.component_point AS (
    ts timestamptz,
    component text,
    season int,
    value float8
);
COMMENT ON TYPE kpi.component_point IS
    'one part of one step of a series: component is value, trend, season (with its length in steps) or remainder';

CREATE TYPE kpi.season AS (
    season int,
    length interval,
    strength float8,
    share float8,
    statistic float8,
    p_value float8,
    expected bool
);
COMMENT ON TYPE kpi.season IS
    'a season of a series: its length in steps and in time, its strength beside the remainder and its share of the variance, the test of Kruskal and Wallis, and whether the calendar suggests it';

CREATE TYPE kpi.series_features AS (
    length int,
    gaps int,
    mean float8,
    variance float8,
    season int[],
    trend_strength float8,
    seasonal_strength float8[],
    spikiness float8,
    linearity float8,
    curvature float8,
    acf1 float8,
    acf10 float8,
    diff1_acf1 float8,
    seasonal_acf1 float8,
    pacf5 float8,
    spectral_entropy float8,
    hurst float8,
    lumpiness float8,
    stability float8,
    crossing_points int,
    flat_spots int,
    kpss float8,
    differences int,
    seasonal_differences int,
    adi float8,
    cv2 float8,
    demand text
);
COMMENT ON TYPE kpi.series_features IS 'a series in a few numbers, by which many series can be compared; see docs/forecast.md';

CREATE FUNCTION kpi._decompose(
    s kpi.series, season int[], robust bool, seasonal_window int, trend_window int, timezone text
) RETURNS SETOF kpi.decomposition_point
    AS 'MODULE_PATHNAME', 'decompose_series_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 1000;
COMMENT ON FUNCTION kpi._decompose(kpi.series, int[], bool, int, int, text) IS
    'kpi.decompose of a series whose days and months are those of a given time zone, the session''s when NULL';

CREATE FUNCTION kpi.decompose(
    s kpi.series, season int[] DEFAULT NULL, robust bool DEFAULT true, seasonal_window int DEFAULT NULL, trend_window int DEFAULT NULL
) RETURNS SETOF kpi.decomposition_point
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 1000 AS
    'SELECT * FROM kpi._decompose(s, season, robust, seasonal_window, trend_window, NULL)';
COMMENT ON FUNCTION kpi.decompose(kpi.series, int[], bool, int, int) IS
    'every step of a series as trend, seasons and remainder, by STL, with several seasons by MSTL; season in steps is found from the data when NULL, {} is none; robust takes the influence from outliers';

CREATE FUNCTION kpi.decompose(
    code text, period text DEFAULT 'day', season int[] DEFAULT NULL, robust bool DEFAULT true, seasonal_window int DEFAULT NULL,
    trend_window int DEFAULT NULL
) RETURNS SETOF kpi.decomposition_point
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 1000 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT d.* FROM kpi._decompose(
        kpi._complete_series(decompose.code, decompose.period), decompose.season, decompose.robust, decompose.seasonal_window,
        decompose.trend_window, kpi._timezone(decompose.code)) d;
END
$$;
COMMENT ON FUNCTION kpi.decompose(text, text, int[], bool, int, int) IS
    'every period of a KPI that is over as trend, seasons and remainder; see kpi.decompose of a series';

CREATE FUNCTION kpi.components(
    s kpi.series, season int[] DEFAULT NULL, robust bool DEFAULT true, seasonal_window int DEFAULT NULL, trend_window int DEFAULT NULL
) RETURNS SETOF kpi.component_point
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 4000 AS $$
    SELECT d.ts, c.component, c.season, c.value
    FROM kpi._decompose(s, season, robust, seasonal_window, trend_window, NULL) d,
         LATERAL (SELECT 'value', NULL::int, d.value
                  UNION ALL SELECT 'trend', NULL, d.trend
                  UNION ALL SELECT 'season', p.season, p.value FROM unnest(d.season, d.parts) p (season, value)
                  UNION ALL SELECT 'remainder', NULL, d.remainder) c (component, season, value)
$$;
COMMENT ON FUNCTION kpi.components(kpi.series, int[], bool, int, int) IS
    'kpi.decompose with a row for each part of each step, as charts like it: value, trend, season (one for each) and remainder';

CREATE FUNCTION kpi.components(
    code text, period text DEFAULT 'day', season int[] DEFAULT NULL, robust bool DEFAULT true, seasonal_window int DEFAULT NULL,
    trend_window int DEFAULT NULL
) RETURNS SETOF kpi.component_point
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 4000 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT d.ts, c.component, c.season, c.value
    FROM kpi._decompose(
             kpi._complete_series(components.code, components.period), components.season, components.robust,
             components.seasonal_window, components.trend_window, kpi._timezone(components.code)) d,
         LATERAL (SELECT 'value', NULL::int, d.value
                  UNION ALL SELECT 'trend', NULL, d.trend
                  UNION ALL SELECT 'season', p.season, p.value FROM unnest(d.season, d.parts) p (season, value)
                  UNION ALL SELECT 'remainder', NULL, d.remainder) c (component, season, value);
END
$$;
COMMENT ON FUNCTION kpi.components(text, text, int[], bool, int, int) IS
    'every period of a KPI that is over with a row for each of its parts; see kpi.components of a series';

CREATE FUNCTION kpi._seasonality(s kpi.series, timezone text) RETURNS SETOF kpi.season
    AS 'MODULE_PATHNAME', 'seasonality_series_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 2;
COMMENT ON FUNCTION kpi._seasonality(kpi.series, text) IS
    'kpi.seasonality of a series whose days and months are those of a given time zone, the session''s when NULL';

CREATE FUNCTION kpi.seasonality(s kpi.series) RETURNS SETOF kpi.season
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 2 AS 'SELECT * FROM kpi._seasonality(s, NULL)';
COMMENT ON FUNCTION kpi.seasonality(kpi.series) IS 'the seasons of a series, the strongest first; no rows where there are none';

CREATE FUNCTION kpi.seasonality(code text, period text DEFAULT 'day') RETURNS SETOF kpi.season
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 2 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT m.* FROM kpi._seasonality(
        kpi._complete_series(seasonality.code, seasonality.period), kpi._timezone(seasonality.code)) m;
END
$$;
COMMENT ON FUNCTION kpi.seasonality(text, text) IS 'the seasons of a KPI, the strongest first; see kpi.seasonality of a series';

CREATE FUNCTION kpi._features(s kpi.series, timezone text) RETURNS SETOF kpi.series_features
    AS 'MODULE_PATHNAME', 'features_series_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 1;
COMMENT ON FUNCTION kpi._features(kpi.series, text) IS
    'kpi.features of a series whose days and months are those of a given time zone, the session''s when NULL';

CREATE FUNCTION kpi.features(s kpi.series) RETURNS SETOF kpi.series_features
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 1 AS 'SELECT * FROM kpi._features(s, NULL)';
COMMENT ON FUNCTION kpi.features(kpi.series) IS
    'one row of numbers that describe a series: strengths of trend and seasons, autocorrelations, entropy, demand and others';

CREATE FUNCTION kpi.features(code text, period text DEFAULT 'day') RETURNS SETOF kpi.series_features
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 1 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT f.* FROM kpi._features(
        kpi._complete_series(features.code, features.period), kpi._timezone(features.code)) f;
END
$$;
COMMENT ON FUNCTION kpi.features(text, text) IS 'one row of numbers that describe a KPI; see kpi.features of a series';

-- Fitted models as values: type kpi.model, made once, kept in any table, carried on value by value.

CREATE TYPE kpi.model;

CREATE FUNCTION kpi.model_in(cstring) RETURNS kpi.model
    AS 'MODULE_PATHNAME', 'model_in_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.model_in(cstring) IS 'text input of kpi.model';

CREATE FUNCTION kpi.model_out(kpi.model) RETURNS cstring
    AS 'MODULE_PATHNAME', 'model_out_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.model_out(kpi.model) IS 'text output of kpi.model';

CREATE FUNCTION kpi.model_recv(internal) RETURNS kpi.model
    AS 'MODULE_PATHNAME', 'kpi_model_recv' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.model_recv(internal) IS 'binary input of kpi.model';

CREATE FUNCTION kpi.model_send(kpi.model) RETURNS bytea
    AS 'MODULE_PATHNAME', 'kpi_model_send' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.model_send(kpi.model) IS 'binary output of kpi.model';

CREATE TYPE kpi.model (
    INPUT = kpi.model_in,
    OUTPUT = kpi.model_out,
    RECEIVE = kpi.model_recv,
    SEND = kpi.model_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE kpi.model IS 'fitted forecasting model with its parameters and states, made by kpi.fit';

CREATE FUNCTION kpi.fit(
    s kpi.series, model text DEFAULT 'auto', season kpi.seasons DEFAULT NULL, horizon int DEFAULT NULL, options jsonb DEFAULT NULL,
    regressors kpi.series[] DEFAULT NULL, holidays date[] DEFAULT NULL, holiday_window int[] DEFAULT '{0,0}'
) RETURNS kpi.model
    AS 'MODULE_PATHNAME', 'model_fit_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION kpi.fit(kpi.series, text, kpi.seasons, int, jsonb, kpi.series[], date[], int[]) IS
    'a model of a series as a value to keep; arguments as of kpi.forecast; horizon is the steps ahead that its backtest is about, a season and at least 12 when NULL; what is known of regressors beyond it is kept too';

CREATE FUNCTION kpi.predict(model kpi.model, horizon int, level float8 DEFAULT 0.95) RETURNS SETOF kpi.forecast_point
    AS 'MODULE_PATHNAME', 'model_predict_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1000 ROWS 30;
COMMENT ON FUNCTION kpi.predict(kpi.model, int, float8) IS
    'the next steps after the last time that a model has seen, with a band that holds the share level of outcomes';

CREATE FUNCTION kpi.observe(model kpi.model, ts timestamptz, value float8) RETURNS kpi.model
    AS 'MODULE_PATHNAME', 'model_observe_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION kpi.observe(kpi.model, timestamptz, float8) IS
    'the model carried on by a value, its parameters kept; NULL and steps that are left out are gaps';

CREATE FUNCTION kpi.explain(model kpi.model) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'model_explain_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION kpi.explain(kpi.model) IS
    'what a model is made of: form, parameters, states, members with their weights, likelihood with information criteria, tests of the residuals, and how many values it has seen';

-- Anomalies of 0.1.0 had neither a kind nor a direction.
DROP FUNCTION kpi.anomalies(text, text, text, float8);
DROP FUNCTION kpi.anomalies(kpi.series, text, float8);
DROP FUNCTION kpi._anomalies(kpi.series, text, float8, text);
DROP TYPE kpi.anomaly_point;

-- Anomalies.

CREATE TYPE kpi.anomaly_point AS (
    ts timestamptz,
    value float8,
    expected float8,
    lower float8,
    upper float8,
    score float8,
    is_anomaly bool,
    kind text,
    reason text
);
COMMENT ON TYPE kpi.anomaly_point IS
    'one point of a series: what it should have been, how rare what it is would be without an anomaly, of what kind it is and why';

CREATE FUNCTION kpi._anomalies(
    s kpi.series, method text, threshold float8, direction text, season int, options jsonb, timezone text
) RETURNS SETOF kpi.anomaly_point
    AS 'MODULE_PATHNAME', 'anomalies_series_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 1000;
COMMENT ON FUNCTION kpi._anomalies(kpi.series, text, float8, text, int, jsonb, text) IS
    'kpi.anomalies of a series whose days and months are those of a given time zone, the session''s when NULL';

CREATE FUNCTION kpi.anomalies(
    s kpi.series, method text DEFAULT 'auto', threshold float8 DEFAULT NULL, direction text DEFAULT 'both', season int DEFAULT NULL,
    options jsonb DEFAULT NULL
) RETURNS SETOF kpi.anomaly_point
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 1000 AS
    'SELECT * FROM kpi._anomalies(s, method, threshold, direction, season, options, NULL)';
COMMENT ON FUNCTION kpi.anomalies(kpi.series, text, float8, text, int, jsonb) IS
    'every point of a series with its expected value, score in [0, 1], verdict, kind and reason; threshold is the probability of a false alarm per point, 0.001 when NULL; direction is both, up or down; season in steps is found from the data when NULL, 1 is none';

CREATE FUNCTION kpi.anomalies(
    code text, period text DEFAULT 'day', method text DEFAULT 'auto', threshold float8 DEFAULT NULL, direction text DEFAULT 'both',
    season int DEFAULT NULL, options jsonb DEFAULT NULL
) RETURNS SETOF kpi.anomaly_point
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 1000 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT a.* FROM kpi._anomalies(
        kpi._complete_series(anomalies.code, anomalies.period), anomalies.method, anomalies.threshold, anomalies.direction,
        anomalies.season, anomalies.options, kpi._timezone(anomalies.code)) a;
END
$$;
COMMENT ON FUNCTION kpi.anomalies(text, text, text, float8, text, int, jsonb) IS
    'every period of a KPI that is over, with its expected value, score, verdict, kind and reason; see kpi.anomalies of a series';

-- A detector as a value, type kpi.detector, and the same detector as window aggregates.

CREATE TYPE kpi.detector;

CREATE FUNCTION kpi.detector_in(cstring) RETURNS kpi.detector
    AS 'MODULE_PATHNAME', 'kpi_detector_in' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.detector_in(cstring) IS 'text input of kpi.detector';

CREATE FUNCTION kpi.detector_out(kpi.detector) RETURNS cstring
    AS 'MODULE_PATHNAME', 'kpi_detector_out' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.detector_out(kpi.detector) IS 'text output of kpi.detector';

CREATE FUNCTION kpi.detector_recv(internal) RETURNS kpi.detector
    AS 'MODULE_PATHNAME', 'kpi_detector_recv' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.detector_recv(internal) IS 'binary input of kpi.detector';

CREATE FUNCTION kpi.detector_send(kpi.detector) RETURNS bytea
    AS 'MODULE_PATHNAME', 'kpi_detector_send' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION kpi.detector_send(kpi.detector) IS 'binary output of kpi.detector';

CREATE TYPE kpi.detector (
    INPUT = kpi.detector_in,
    OUTPUT = kpi.detector_out,
    RECEIVE = kpi.detector_recv,
    SEND = kpi.detector_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE kpi.detector IS
    'what is needed to score the next point of a stream, made by kpi.detector or kpi.learn and carried on by kpi.observe';

CREATE TYPE kpi.observation AS (
    detector kpi.detector,
    ts timestamptz,
    value float8,
    expected float8,
    lower float8,
    upper float8,
    score float8,
    is_anomaly bool,
    kind text,
    reason text,
    warming_up bool
);
COMMENT ON TYPE kpi.observation IS
    'what a detector says of a point, and the detector that has seen it';

CREATE FUNCTION kpi.detector(threshold float8 DEFAULT NULL, direction text DEFAULT 'both', season int DEFAULT NULL)
    RETURNS kpi.detector
    AS 'MODULE_PATHNAME', 'kpi_detector_new' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi.detector(float8, text, int) IS
    'a detector that has seen nothing; threshold is the probability of a false alarm per point, 0.001 when NULL, direction both, up or down, season its steps (1 for none), found from the values when NULL';

CREATE FUNCTION kpi.observe(detector kpi.detector, ts timestamptz, value float8) RETURNS kpi.observation
    AS 'MODULE_PATHNAME', 'kpi_detector_observe' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION kpi.observe(kpi.detector, timestamptz, float8) IS
    'scores the next point of a stream and returns the detector that has seen it; a NULL value is a gap';

CREATE FUNCTION kpi.explain(detector kpi.detector) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'kpi_detector_explain' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION kpi.explain(kpi.detector) IS
    'what a detector was asked for and has learnt: step, season, level, usual deviation, how many values it has seen';

CREATE FUNCTION kpi._anomaly_step(internal, timestamptz, float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'kpi_anomaly_step' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi._anomaly_step(internal, timestamptz, float8) IS
    'shows a row to the detector of kpi.anomaly_score, kpi.anomaly_detail or kpi.learn';

CREATE FUNCTION kpi._anomaly_step(internal, timestamptz, float8, float8) RETURNS internal
    AS 'MODULE_PATHNAME', 'kpi_anomaly_step' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi._anomaly_step(internal, timestamptz, float8, float8) IS
    'shows a row to the detector of kpi.anomaly_score, kpi.anomaly_detail or kpi.learn';

CREATE FUNCTION kpi._anomaly_step(internal, timestamptz, float8, float8, text) RETURNS internal
    AS 'MODULE_PATHNAME', 'kpi_anomaly_step' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi._anomaly_step(internal, timestamptz, float8, float8, text) IS
    'shows a row to the detector of kpi.anomaly_score, kpi.anomaly_detail or kpi.learn';

CREATE FUNCTION kpi._anomaly_step(internal, timestamptz, float8, float8, text, int) RETURNS internal
    AS 'MODULE_PATHNAME', 'kpi_anomaly_step' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi._anomaly_step(internal, timestamptz, float8, float8, text, int) IS
    'shows a row to the detector of kpi.anomaly_score, kpi.anomaly_detail or kpi.learn';

CREATE FUNCTION kpi._anomaly_score(internal) RETURNS float8
    AS 'MODULE_PATHNAME', 'kpi_anomaly_score' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi._anomaly_score(internal) IS 'the score of the last row';

CREATE FUNCTION kpi._anomaly_detail(internal) RETURNS kpi.anomaly_point
    AS 'MODULE_PATHNAME', 'kpi_anomaly_detail' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi._anomaly_detail(internal) IS 'what the detector says of the last row';

CREATE FUNCTION kpi._anomaly_learned(internal) RETURNS kpi.detector
    AS 'MODULE_PATHNAME', 'kpi_anomaly_learned' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION kpi._anomaly_learned(internal) IS 'the detector that has seen all rows';

CREATE AGGREGATE kpi.anomaly_score(ts timestamptz, value float8) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_score, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.anomaly_score(timestamptz, float8) IS
    'over a window ordered by time: how unusual the current row is after all rows before it, in [0, 1]; NULL in warm-up and for gaps';

CREATE AGGREGATE kpi.anomaly_score(ts timestamptz, value float8, threshold float8) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_score, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.anomaly_score(timestamptz, float8, float8) IS
    'over a window ordered by time: how unusual the current row is after all rows before it, in [0, 1]; NULL in warm-up and for gaps; threshold as of kpi.detector';

CREATE AGGREGATE kpi.anomaly_score(ts timestamptz, value float8, threshold float8, direction text) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_score, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.anomaly_score(timestamptz, float8, float8, text) IS
    'over a window ordered by time: how unusual the current row is after all rows before it, in [0, 1]; NULL in warm-up and for gaps; threshold, direction as of kpi.detector';

CREATE AGGREGATE kpi.anomaly_score(ts timestamptz, value float8, threshold float8, direction text, season int) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_score, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.anomaly_score(timestamptz, float8, float8, text, int) IS
    'over a window ordered by time: how unusual the current row is after all rows before it, in [0, 1]; NULL in warm-up and for gaps; threshold, direction, season as of kpi.detector';

CREATE AGGREGATE kpi.anomaly_detail(ts timestamptz, value float8) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_detail, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.anomaly_detail(timestamptz, float8) IS
    'over a window ordered by time: the current row with its expected value, score, verdict, kind and reason, from the rows before it';

CREATE AGGREGATE kpi.anomaly_detail(ts timestamptz, value float8, threshold float8) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_detail, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.anomaly_detail(timestamptz, float8, float8) IS
    'over a window ordered by time: the current row with its expected value, score, verdict, kind and reason, from the rows before it; threshold as of kpi.detector';

CREATE AGGREGATE kpi.anomaly_detail(ts timestamptz, value float8, threshold float8, direction text) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_detail, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.anomaly_detail(timestamptz, float8, float8, text) IS
    'over a window ordered by time: the current row with its expected value, score, verdict, kind and reason, from the rows before it; threshold, direction as of kpi.detector';

CREATE AGGREGATE kpi.anomaly_detail(ts timestamptz, value float8, threshold float8, direction text, season int) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_detail, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.anomaly_detail(timestamptz, float8, float8, text, int) IS
    'over a window ordered by time: the current row with its expected value, score, verdict, kind and reason, from the rows before it; threshold, direction, season as of kpi.detector';

CREATE AGGREGATE kpi.learn(ts timestamptz, value float8) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_learned, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.learn(timestamptz, float8) IS
    'a detector that has seen all rows, in their order: write kpi.learn(ts, value ORDER BY ts)';

CREATE AGGREGATE kpi.learn(ts timestamptz, value float8, threshold float8) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_learned, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.learn(timestamptz, float8, float8) IS
    'a detector that has seen all rows, in their order: write kpi.learn(ts, value ORDER BY ts); threshold as of kpi.detector';

CREATE AGGREGATE kpi.learn(ts timestamptz, value float8, threshold float8, direction text) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_learned, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.learn(timestamptz, float8, float8, text) IS
    'a detector that has seen all rows, in their order: write kpi.learn(ts, value ORDER BY ts); threshold, direction as of kpi.detector';

CREATE AGGREGATE kpi.learn(ts timestamptz, value float8, threshold float8, direction text, season int) (
    SFUNC = kpi._anomaly_step, STYPE = internal, SSPACE = 16384,
    FINALFUNC = kpi._anomaly_learned, FINALFUNC_MODIFY = READ_ONLY, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.learn(timestamptz, float8, float8, text, int) IS
    'a detector that has seen all rows, in their order: write kpi.learn(ts, value ORDER BY ts); threshold, direction, season as of kpi.detector';

-- Change points.

CREATE TYPE kpi.changepoint AS (
    ts timestamptz,
    kind text,
    confidence float8,
    mean_before float8,
    mean_after float8,
    sd_before float8,
    sd_after float8,
    slope_before float8,
    slope_after float8,
    count_before int,
    count_after int,
    reason text
);
COMMENT ON TYPE kpi.changepoint IS
    'a change of a series: the first point that is different, what changed and how sure that is, and mean, standard deviation, slope per step and number of values on both sides';

CREATE FUNCTION kpi._changepoints(
    s kpi.series, method text, penalty float8, cost text, min_size int, timezone text
) RETURNS SETOF kpi.changepoint
    AS 'MODULE_PATHNAME', 'changepoints_series_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 10000 ROWS 5;
COMMENT ON FUNCTION kpi._changepoints(kpi.series, text, float8, text, int, text) IS
    'kpi.changepoints of a series whose days and months are those of a given time zone, the session''s when NULL';

CREATE FUNCTION kpi.changepoints(
    s kpi.series, method text DEFAULT 'pelt', penalty float8 DEFAULT NULL, cost text DEFAULT 'mean', min_size int DEFAULT NULL
) RETURNS SETOF kpi.changepoint
    LANGUAGE sql STABLE PARALLEL SAFE COST 10000 ROWS 5 AS
    'SELECT * FROM kpi._changepoints(s, method, penalty, cost, min_size, NULL)';
COMMENT ON FUNCTION kpi.changepoints(kpi.series, text, float8, text, int) IS
    'where a series changes, by pelt, bocpd or binseg; cost says what may change: mean, variance, mean_variance or trend; penalty is what a change has to gain in twice the log-likelihood, chosen by the number of values when NULL';

CREATE FUNCTION kpi.changepoints(
    code text, period text DEFAULT 'day', method text DEFAULT 'pelt', penalty float8 DEFAULT NULL, cost text DEFAULT 'mean',
    min_size int DEFAULT NULL
) RETURNS SETOF kpi.changepoint
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 5 SET search_path = pg_catalog AS $$
BEGIN
    RETURN QUERY SELECT c.* FROM kpi._changepoints(
        kpi._complete_series(changepoints.code, changepoints.period), changepoints.method, changepoints.penalty, changepoints.cost,
        changepoints.min_size, kpi._timezone(changepoints.code)) c;
END
$$;
COMMENT ON FUNCTION kpi.changepoints(text, text, text, float8, text, int) IS
    'where a KPI changes, over the periods that are over; see kpi.changepoints of a series';

-- Rows of several features: isolation forests and robust Mahalanobis distances.

-- kpi.forest -------------------------------------------------------------------------------------------------------------

CREATE TYPE kpi.forest;
CREATE FUNCTION kpi.forest_in(cstring) RETURNS kpi.forest
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forest_in';
COMMENT ON FUNCTION kpi.forest_in(cstring) IS 'text input of kpi.forest';
CREATE FUNCTION kpi.forest_out(kpi.forest) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forest_out';
COMMENT ON FUNCTION kpi.forest_out(kpi.forest) IS 'text output of kpi.forest';
CREATE FUNCTION kpi.forest_recv(internal) RETURNS kpi.forest
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forest_recv';
COMMENT ON FUNCTION kpi.forest_recv(internal) IS 'binary input of kpi.forest';
CREATE FUNCTION kpi.forest_send(kpi.forest) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_forest_send';
COMMENT ON FUNCTION kpi.forest_send(kpi.forest) IS 'binary output of kpi.forest';
CREATE TYPE kpi.forest (
    INPUT = kpi.forest_in, OUTPUT = kpi.forest_out, RECEIVE = kpi.forest_recv, SEND = kpi.forest_send,
    INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = extended
);
COMMENT ON TYPE kpi.forest IS 'isolation forest that scores rows of several features, made by kpi.isolation_forest';

CREATE FUNCTION kpi.isolation_forest_trans(internal, float8[]) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_isolation_forest_trans';
COMMENT ON FUNCTION kpi.isolation_forest_trans(internal, float8[]) IS 'adds a row to isolation_forest(features)';
CREATE FUNCTION kpi.isolation_forest_trans(internal, float8[], int) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_isolation_forest_trans';
COMMENT ON FUNCTION kpi.isolation_forest_trans(internal, float8[], int) IS 'adds a row to isolation_forest(features, trees)';
CREATE FUNCTION kpi.isolation_forest_trans(internal, float8[], int, int) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_isolation_forest_trans';
COMMENT ON FUNCTION kpi.isolation_forest_trans(internal, float8[], int, int) IS
    'adds a row to isolation_forest(features, trees, sample)';
CREATE FUNCTION kpi.isolation_forest_trans(internal, float8[], int, int, bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_isolation_forest_trans';
COMMENT ON FUNCTION kpi.isolation_forest_trans(internal, float8[], int, int, bigint) IS
    'adds a row to isolation_forest(features, trees, sample, seed)';
CREATE FUNCTION kpi.isolation_forest_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_isolation_forest_combine';
COMMENT ON FUNCTION kpi.isolation_forest_combine(internal, internal) IS 'merges the samples of two workers';
CREATE FUNCTION kpi.isolation_forest_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_isolation_forest_serialize';
COMMENT ON FUNCTION kpi.isolation_forest_serialize(internal) IS 'a worker''s sample as bytes';
CREATE FUNCTION kpi.isolation_forest_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_isolation_forest_deserialize';
COMMENT ON FUNCTION kpi.isolation_forest_deserialize(bytea, internal) IS 'a worker''s bytes as a sample';
CREATE FUNCTION kpi.isolation_forest_final(internal) RETURNS kpi.forest
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'kpi_isolation_forest_final';
COMMENT ON FUNCTION kpi.isolation_forest_final(internal) IS 'the forest of a sample; NULL of fewer than two rows';

CREATE AGGREGATE kpi.isolation_forest(features float8[]) (
    SFUNC = kpi.isolation_forest_trans, STYPE = internal, SSPACE = 1000000, FINALFUNC = kpi.isolation_forest_final,
    COMBINEFUNC = kpi.isolation_forest_combine, SERIALFUNC = kpi.isolation_forest_serialize,
    DESERIALFUNC = kpi.isolation_forest_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.isolation_forest(float8[]) IS
    'an isolation forest of 100 trees, each of a sample of 256 rows; to be read by score and contributions';
CREATE AGGREGATE kpi.isolation_forest(features float8[], trees int) (
    SFUNC = kpi.isolation_forest_trans, STYPE = internal, SSPACE = 1000000, FINALFUNC = kpi.isolation_forest_final,
    COMBINEFUNC = kpi.isolation_forest_combine, SERIALFUNC = kpi.isolation_forest_serialize,
    DESERIALFUNC = kpi.isolation_forest_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.isolation_forest(float8[], int) IS
    'an isolation forest of so many trees, each of a sample of 256 rows';
CREATE AGGREGATE kpi.isolation_forest(features float8[], trees int, sample int) (
    SFUNC = kpi.isolation_forest_trans, STYPE = internal, SSPACE = 1000000, FINALFUNC = kpi.isolation_forest_final,
    COMBINEFUNC = kpi.isolation_forest_combine, SERIALFUNC = kpi.isolation_forest_serialize,
    DESERIALFUNC = kpi.isolation_forest_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.isolation_forest(float8[], int, int) IS
    'an isolation forest of so many trees, each of a sample of so many rows';
CREATE AGGREGATE kpi.isolation_forest(features float8[], trees int, sample int, seed bigint) (
    SFUNC = kpi.isolation_forest_trans, STYPE = internal, SSPACE = 1000000, FINALFUNC = kpi.isolation_forest_final,
    COMBINEFUNC = kpi.isolation_forest_combine, SERIALFUNC = kpi.isolation_forest_serialize,
    DESERIALFUNC = kpi.isolation_forest_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.isolation_forest(float8[], int, int, bigint) IS
    'an isolation forest of so many trees, each of a sample of so many rows; another seed makes another forest';

CREATE FUNCTION kpi.score(forest kpi.forest, features float8[]) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'kpi_forest_score';
COMMENT ON FUNCTION kpi.score(kpi.forest, float8[]) IS
    'how easily a row is set apart from those that the forest was made from, in [0, 1]: near 1 for one that stands out, about 0.5 and less for the others; a feature that is NULL or NaN is missing';
CREATE FUNCTION kpi.contributions(forest kpi.forest, features float8[]) RETURNS float8[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'kpi_forest_contributions';
COMMENT ON FUNCTION kpi.contributions(kpi.forest, float8[]) IS
    'what each feature added to the score: the elements add up to kpi.score(forest, features) less kpi.typical_score(forest)';
CREATE FUNCTION kpi.typical_score(forest kpi.forest) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'kpi_forest_typical_score';
COMMENT ON FUNCTION kpi.typical_score(kpi.forest) IS
    'the score of a row whose path in the trees is as long as that of the rows they were made from on average';

-- kpi.robust_covariance ----------------------------------------------------------------------------------------------

CREATE TYPE kpi.robust_covariance;
CREATE FUNCTION kpi.robust_covariance_in(cstring) RETURNS kpi.robust_covariance
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_robust_covariance_in';
COMMENT ON FUNCTION kpi.robust_covariance_in(cstring) IS 'text input of kpi.robust_covariance';
CREATE FUNCTION kpi.robust_covariance_out(kpi.robust_covariance) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_robust_covariance_out';
COMMENT ON FUNCTION kpi.robust_covariance_out(kpi.robust_covariance) IS 'text output of kpi.robust_covariance';
CREATE FUNCTION kpi.robust_covariance_recv(internal) RETURNS kpi.robust_covariance
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_robust_covariance_recv';
COMMENT ON FUNCTION kpi.robust_covariance_recv(internal) IS 'binary input of kpi.robust_covariance';
CREATE FUNCTION kpi.robust_covariance_send(kpi.robust_covariance) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_robust_covariance_send';
COMMENT ON FUNCTION kpi.robust_covariance_send(kpi.robust_covariance) IS 'binary output of kpi.robust_covariance';
CREATE TYPE kpi.robust_covariance (
    INPUT = kpi.robust_covariance_in, OUTPUT = kpi.robust_covariance_out,
    RECEIVE = kpi.robust_covariance_recv, SEND = kpi.robust_covariance_send,
    INTERNALLENGTH = VARIABLE, ALIGNMENT = int4, STORAGE = extended
);
COMMENT ON TYPE kpi.robust_covariance IS
    'center and covariance of the bulk of the rows, outliers left out, made by kpi.robust_covariance';

CREATE FUNCTION kpi.robust_covariance_trans(internal, float8[]) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_robust_covariance_trans';
COMMENT ON FUNCTION kpi.robust_covariance_trans(internal, float8[]) IS 'adds a row to robust_covariance(features)';
CREATE FUNCTION kpi.robust_covariance_combine(internal, internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_robust_covariance_combine';
COMMENT ON FUNCTION kpi.robust_covariance_combine(internal, internal) IS 'merges the samples of two workers';
CREATE FUNCTION kpi.robust_covariance_serialize(internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_robust_covariance_serialize';
COMMENT ON FUNCTION kpi.robust_covariance_serialize(internal) IS 'a worker''s sample as bytes';
CREATE FUNCTION kpi.robust_covariance_deserialize(bytea, internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_robust_covariance_deserialize';
COMMENT ON FUNCTION kpi.robust_covariance_deserialize(bytea, internal) IS 'a worker''s bytes as a sample';
CREATE FUNCTION kpi.robust_covariance_final(internal) RETURNS kpi.robust_covariance
    LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100000 AS 'MODULE_PATHNAME', 'kpi_robust_covariance_final';
COMMENT ON FUNCTION kpi.robust_covariance_final(internal) IS
    'center and covariance of a sample; NULL of fewer than twice as many rows as features and two more';

CREATE AGGREGATE kpi.robust_covariance(features float8[]) (
    SFUNC = kpi.robust_covariance_trans, STYPE = internal, SSPACE = 500000, FINALFUNC = kpi.robust_covariance_final,
    COMBINEFUNC = kpi.robust_covariance_combine, SERIALFUNC = kpi.robust_covariance_serialize,
    DESERIALFUNC = kpi.robust_covariance_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE kpi.robust_covariance(float8[]) IS
    'center and covariance of the bulk of the rows (minimum covariance determinant), to be read by mahalanobis, score and contributions; rows with a feature that is NULL or not finite are left out';

CREATE FUNCTION kpi.mahalanobis(c kpi.robust_covariance, features float8[]) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'kpi_robust_covariance_mahalanobis';
COMMENT ON FUNCTION kpi.mahalanobis(kpi.robust_covariance, float8[]) IS
    'distance of a row from the center of the bulk, in its standard deviations; that of the known features where one is NULL or NaN';
CREATE FUNCTION kpi.score(c kpi.robust_covariance, features float8[]) RETURNS float8
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'kpi_robust_covariance_score';
COMMENT ON FUNCTION kpi.score(kpi.robust_covariance, float8[]) IS
    'probability that a normal row is nearer to the center, in [0, 1]';
CREATE FUNCTION kpi.contributions(c kpi.robust_covariance, features float8[]) RETURNS float8[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'kpi_robust_covariance_contributions';
COMMENT ON FUNCTION kpi.contributions(kpi.robust_covariance, float8[]) IS
    'what each feature adds to the squared distance (its Shapley value): the elements add up to kpi.mahalanobis(c, features)^2';
CREATE FUNCTION kpi.center(c kpi.robust_covariance) RETURNS float8[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_robust_covariance_center';
COMMENT ON FUNCTION kpi.center(kpi.robust_covariance) IS 'center of the bulk, feature by feature';

-- Anomalies of several series together.

CREATE TYPE kpi.anomaly_moment AS (
    ts timestamptz,
    "values" float8[],
    score float8,
    is_anomaly bool,
    drivers text[],
    reason text
);
COMMENT ON TYPE kpi.anomaly_moment IS
    'one moment of several series: their values, how rare it is that they are like that together, and which of them drive it';

CREATE FUNCTION kpi._anomalies(series kpi.series[], names text[], method text, threshold float8, timezone text)
    RETURNS SETOF kpi.anomaly_moment
    AS 'MODULE_PATHNAME', 'anomaly_several_wrapper' LANGUAGE c STABLE PARALLEL SAFE COST 100000 ROWS 1000;
COMMENT ON FUNCTION kpi._anomalies(kpi.series[], text[], text, float8, text) IS
    'kpi.anomalies of several series whose days and months are those of a given time zone';

CREATE FUNCTION kpi.anomalies(
    series kpi.series[], names text[] DEFAULT NULL, method text DEFAULT 'auto', threshold float8 DEFAULT NULL
) RETURNS SETOF kpi.anomaly_moment
    LANGUAGE sql STABLE PARALLEL SAFE COST 100000 ROWS 1000
BEGIN ATOMIC
    SELECT a.* FROM kpi._anomalies(series, names, method, threshold, NULL) a;
END;
COMMENT ON FUNCTION kpi.anomalies(kpi.series[], text[], text, float8) IS
    'every moment of several series together, with the series that drive an anomaly by name (by number without names); method is auto, mahalanobis or isolation_forest, threshold the probability of a false alarm per moment, 0.001 when NULL';

CREATE FUNCTION kpi.anomalies(
    codes text[], period text DEFAULT 'day', method text DEFAULT 'auto', threshold float8 DEFAULT NULL
) RETURNS SETOF kpi.anomaly_moment
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 1000 SET search_path = pg_catalog AS $$
DECLARE
    all_series kpi.series[];
BEGIN
    SELECT array_agg(kpi._complete_series(c.code, anomalies.period) ORDER BY c.place) INTO all_series
    FROM unnest(anomalies.codes) WITH ORDINALITY c (code, place);
    RETURN QUERY SELECT a.* FROM kpi._anomalies(
        all_series, anomalies.codes, anomalies.method, anomalies.threshold, kpi._timezone(anomalies.codes[1])) a;
END
$$;
COMMENT ON FUNCTION kpi.anomalies(text[], text, text, float8) IS
    'every period of several KPIs together that is over, with the KPIs that drive an anomaly; see kpi.anomalies of several series';

-- Why a KPI changed: what each value of its dimensions adds.

CREATE FUNCTION kpi._change_is_ratio(code text) RETURNS bool
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'change_is_ratio_wrapper';
COMMENT ON FUNCTION kpi._change_is_ratio(text) IS
    'whether a KPI is a ratio of sums; false for a sum, an error for what is neither';

CREATE FUNCTION kpi._change_side(code text, below bool, period text, since timestamptz, until timestamptz, by text[])
    RETURNS TABLE (ts timestamptz, dimensions jsonb, value float8)
    LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100 COST 1000 AS 'MODULE_PATHNAME', 'kpi_change_side';
COMMENT ON FUNCTION kpi._change_side(text, bool, text, timestamptz, timestamptz, text[]) IS
    'what is above or below the line of a KPI, by dimensions; as of kpi.value otherwise';

CREATE FUNCTION kpi._change_effects(
    is_ratio bool, above_before float8[], below_before float8[], above_after float8[], below_after float8[],
    value_before float8, value_after float8, most int
) RETURNS TABLE (
    place int, before float8, after float8, contribution float8, share float8, mix_effect float8, rate_effect float8
)
    LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 20 AS 'MODULE_PATHNAME', 'change_effects_wrapper';
COMMENT ON FUNCTION kpi._change_effects(bool, float8[], float8[], float8[], float8[], float8, float8, int) IS
    'what each group adds to a change, the greatest first; place is that of the group in the arrays, NULL for all others together';

CREATE FUNCTION kpi.explain_change(
    code text, period text, at timestamptz, by text[], baseline timestamptz DEFAULT NULL, max_rows int DEFAULT 20
) RETURNS TABLE (
    dimensions jsonb, before float8, after float8, contribution float8, share float8, mix_effect float8,
    rate_effect float8
)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 ROWS 20 SET search_path = pg_catalog AS $$
#variable_conflict use_column
DECLARE
    zone text;
    is_ratio bool;
    times timestamptz[];
    totals float8[];
    groups jsonb[];
    above_before float8[];
    below_before float8[];
    above_after float8[];
    below_after float8[];
BEGIN
    IF explain_change.at IS NULL OR NOT isfinite(explain_change.at) OR NOT isfinite(explain_change.baseline) THEN
        RAISE EXCEPTION USING ERRCODE = CASE WHEN explain_change.at IS NULL THEN '22004' ELSE '22008' END,
            MESSAGE = 'at and baseline must be points in time',
            DETAIL = format('They are %s and %s.', coalesce(explain_change.at::text, 'NULL'),
                            coalesce(explain_change.baseline::text, 'NULL')),
            HINT = 'Give any time within the bucket that is to be explained: at => now() - interval ''1 day''.';
    END IF;
    is_ratio := kpi._change_is_ratio(explain_change.code);
    IF is_ratio IS NULL OR explain_change.period IS NULL
       OR explain_change.period NOT IN ('minute', 'hour', 'day', 'week', 'month', 'quarter', 'year') THEN
        -- What is no code and no period is refused there, with what is one.
        PERFORM FROM kpi.value(explain_change.code, explain_change.period, explain_change.at, explain_change.at);
    END IF;
    zone := kpi._timezone(explain_change.code);
    times[2] := date_trunc(explain_change.period, explain_change.at, zone);
    times[1] := date_trunc(explain_change.period, coalesce(explain_change.baseline, times[2] - interval '1 microsecond'), zone);
    FOR i IN 1..2 LOOP
        totals[i] := (SELECT v.value FROM kpi.value(explain_change.code, explain_change.period, times[i],
                                                    times[i] + interval '1 microsecond') v);
    END LOOP;
    WITH part AS (
        SELECT s.dimensions, 2 * b + a AS slot, s.value
        FROM generate_series(0, 1) a, generate_series(0, CASE WHEN is_ratio THEN 1 ELSE 0 END) b,
             kpi._change_side(explain_change.code, b = 1, explain_change.period, times[a + 1],
                              times[a + 1] + interval '1 microsecond', explain_change.by) s
    ), grouped AS (
        SELECT p.dimensions,
               coalesce(sum(p.value) FILTER (WHERE slot = 0), 0) AS n0, coalesce(sum(p.value) FILTER (WHERE slot = 1), 0) AS n1,
               coalesce(sum(p.value) FILTER (WHERE slot = 2), 0) AS d0, coalesce(sum(p.value) FILTER (WHERE slot = 3), 0) AS d1
        FROM part p GROUP BY p.dimensions
    )
    SELECT coalesce(array_agg(g.dimensions ORDER BY g.dimensions), '{}'),
           coalesce(array_agg(n0 ORDER BY g.dimensions), '{}'), coalesce(array_agg(d0 ORDER BY g.dimensions), '{}'),
           coalesce(array_agg(n1 ORDER BY g.dimensions), '{}'), coalesce(array_agg(d1 ORDER BY g.dimensions), '{}')
    INTO groups, above_before, below_before, above_after, below_after
    FROM grouped g;
    RETURN QUERY
    SELECT groups[e.place], e.before, e.after, e.contribution, e.share, e.mix_effect, e.rate_effect
    FROM kpi._change_effects(is_ratio, above_before, below_before, above_after, below_after, totals[1], totals[2],
                             coalesce(explain_change.max_rows, 20)) e;
END
$$;
COMMENT ON FUNCTION kpi.explain_change(text, text, timestamptz, text[], timestamptz, int) IS
    'the change of a KPI from the bucket before (or that of baseline) to the one that at lies in, by values of dimensions: contributions add up to the change, and are a mix effect (its share grew) and a rate effect (it changed itself) of a ratio; the last row, with NULL for its dimensions, is all others together';

-- Watches: detectors that are kept in a table and score rows as they are written, and buckets of KPIs as they close.

CREATE TABLE kpi.watch (
    id             int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name           text NOT NULL UNIQUE,
    relation       regclass,
    time_column    name,
    value_column   name,
    key            text[] NOT NULL,
    code           text,
    period         text,
    filter         text,
    delay          interval,
    observed_until timestamptz,
    threshold      float8 NOT NULL,
    direction      text NOT NULL,
    season         int,
    min_score      float8,
    owner          regrole NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
CREATE INDEX watch_code ON kpi.watch (code) WHERE code IS NOT NULL;
COMMENT ON TABLE kpi.watch IS 'watched tables and KPIs, one row each; changed by kpi.watch, kpi.watch_kpi and kpi.unwatch';
COMMENT ON COLUMN kpi.watch.min_score IS 'least score that is written down; null: anomalies are';
COMMENT ON COLUMN kpi.watch.observed_until IS 'buckets of a KPI that begin before are observed';

-- A batch writes its points into the row, and room for the next version of a row on its own page keeps the index out of it. The
-- detector lies beside the table, as it is, for it does not compress; it is written again once enough points have gathered.
CREATE TABLE kpi.watched (
    watch_id int NOT NULL,
    key      jsonb NOT NULL,
    detector kpi.detector NOT NULL,
    recent   bytea NOT NULL DEFAULT '',
    stamp    bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (watch_id, key)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 1000);
ALTER TABLE kpi.watched ALTER COLUMN detector SET STORAGE EXTERNAL, ALTER COLUMN recent SET STORAGE EXTERNAL;
COMMENT ON TABLE kpi.watched IS 'the detector of each key of a watch';
COMMENT ON COLUMN kpi.watched.detector IS 'as it was before the recent points';
COMMENT ON COLUMN kpi.watched.recent IS 'points observed since: steps between their times, and values';
COMMENT ON COLUMN kpi.watched.stamp IS 'drawn anew by every batch: tells a session whether the detector in its memory is this one';

CREATE FUNCTION kpi._watched_detector(detector kpi.detector, recent bytea) RETURNS kpi.detector
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'kpi_watched_detector';
COMMENT ON FUNCTION kpi._watched_detector(kpi.detector, bytea) IS 'the detector of a row of kpi.watched with its recent points observed';

CREATE TABLE kpi.anomaly (
    watch_id    int NOT NULL,
    watch       text NOT NULL,
    key         jsonb NOT NULL,
    ts          timestamptz NOT NULL,
    value       float8,
    expected    float8,
    lower       float8,
    upper       float8,
    score       float8,
    is_anomaly  bool NOT NULL,
    kind        text,
    reason      text,
    observed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX anomaly_watch_ts ON kpi.anomaly (watch, ts);
CREATE INDEX anomaly_observed_at ON kpi.anomaly USING brin (observed_at);
COMMENT ON TABLE kpi.anomaly IS 'scores that watches have written down, in the transactions that wrote the rows';

-- pg_dump reads it as whoever calls it. So what was learned and found of others' values is not in a dump.
GRANT SELECT ON kpi.watch TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('kpi.watch', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.watch_id_seq', '');

CREATE FUNCTION kpi._watched() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'kpi_watched';
COMMENT ON FUNCTION kpi._watched() IS 'trigger of a watch: scores the rows of a statement';

CREATE FUNCTION kpi.watch(relation text, ts name DEFAULT NULL, value name DEFAULT NULL, key text[] DEFAULT '{}', name text DEFAULT NULL,
    threshold float8 DEFAULT NULL, direction text DEFAULT 'both', season int DEFAULT NULL, min_score float8 DEFAULT NULL,
    learn interval DEFAULT NULL) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'watch_relation_wrapper';
COMMENT ON FUNCTION kpi.watch(text, name, name, text[], text, float8, text, int, float8, interval) IS
    'scores the rows of a table, or of the table of a source, as they are inserted: one detector per key; scores of min_score and more go to kpi.anomalies';

CREATE FUNCTION kpi.watch_kpi(code text, period text DEFAULT 'day', by text[] DEFAULT '{}', filter text DEFAULT NULL, name text DEFAULT NULL,
    threshold float8 DEFAULT NULL, direction text DEFAULT 'both', season int DEFAULT NULL, min_score float8 DEFAULT NULL,
    delay interval DEFAULT '0', learn interval DEFAULT NULL) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'watch_kpi_wrapper';
COMMENT ON FUNCTION kpi.watch_kpi(text, text, text[], text, text, float8, text, int, float8, interval, interval) IS
    'scores the buckets of a KPI in the refresh after they close, or delay later; one detector per combination of the dimensions by';

CREATE FUNCTION kpi.unwatch(name text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'unwatch_wrapper';
COMMENT ON FUNCTION kpi.unwatch(text) IS 'ends a watch; its detectors, scores and alert rules go with it';

CREATE FUNCTION kpi._closed(source int) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'observe_closed_wrapper';
REVOKE ALL ON FUNCTION kpi._closed(int) FROM PUBLIC;
COMMENT ON FUNCTION kpi._closed(int) IS 'observes the buckets of a source''s watched KPIs that have closed';

CREATE FUNCTION kpi._observe_closed(source int) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM kpi._closed(source);
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'watched KPIs could not be scored: %', SQLERRM
        USING HINT = 'The next refresh tries again. kpi.watches lists the watches, kpi.unwatch(name) ends one.';
END $$;
REVOKE ALL ON FUNCTION kpi._observe_closed(int) FROM PUBLIC;
COMMENT ON FUNCTION kpi._observe_closed(int) IS 'kpi._closed, whose errors are warnings: a refresh must not fail because of a watch';

CREATE VIEW kpi.watches WITH (security_barrier) AS
SELECT w.name, w.relation, w.time_column, w.value_column, w.key, w.code, w.period, w.filter, w.delay, w.observed_until, w.threshold, w.direction, w.season, w.min_score,
       w.owner, (SELECT count(*) FROM kpi.watched d WHERE d.watch_id = w.id) AS detectors,
       (SELECT count(*) FROM kpi.anomaly a WHERE a.watch = w.name AND a.is_anomaly) AS anomalies
FROM kpi.watch w
WHERE pg_catalog.pg_has_role(w.owner, 'USAGE') OR pg_catalog.pg_has_role('pg_monitor', 'USAGE');
COMMENT ON VIEW kpi.watches IS 'the watches of the reader''s roles, all for members of pg_monitor';

CREATE VIEW kpi.detectors WITH (security_barrier) AS
SELECT w.name AS watch, d.key, kpi._watched_detector(d.detector, d.recent) AS detector
FROM kpi.watched d JOIN kpi.watch w ON w.id = d.watch_id
WHERE pg_catalog.pg_has_role(w.owner, 'USAGE');
COMMENT ON VIEW kpi.detectors IS 'the detectors of the watches of the reader''s roles';

-- Who may read all that is watched may read what was found in it.
CREATE VIEW kpi.anomalies WITH (security_barrier) AS
SELECT a.watch, a.key, a.ts, a.value, a.expected, a.lower, a.upper, a.score, a.is_anomaly, a.kind, a.reason, a.observed_at
FROM kpi.anomaly a
JOIN kpi.watch w ON w.id = a.watch_id
LEFT JOIN kpi.kpi k ON k.code = w.code
WHERE CASE WHEN w.code IS NOT NULL THEN pg_catalog.has_table_privilege(k.view, 'SELECT')
           ELSE pg_catalog.has_table_privilege(w.relation, 'SELECT') AND NOT pg_catalog.row_security_active(w.relation) END;
COMMENT ON VIEW kpi.anomalies IS 'scores that watches have written down, of what the reader may read';
COMMENT ON COLUMN kpi.anomalies.watch IS 'name of the watch';
COMMENT ON COLUMN kpi.anomalies.key IS 'key columns, or dimensions, with their values';
COMMENT ON COLUMN kpi.anomalies.score IS '1 less the probability of a value at least as strange; in [0, 1]';
COMMENT ON COLUMN kpi.anomalies.observed_at IS 'when it was scored';

GRANT SELECT ON kpi.watches, kpi.detectors, kpi.anomalies TO PUBLIC;

-- Alerts: what was noticed, the rules that notice, and what becomes of it.

CREATE TABLE kpi.alert (
    id              bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    raised_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    acknowledged_at timestamptz,
    acknowledged_by text,
    note            text,
    cleared_at      timestamptz,
    state           text NOT NULL GENERATED ALWAYS AS (
        CASE WHEN cleared_at IS NOT NULL THEN 'resolved' WHEN acknowledged_at IS NOT NULL THEN 'acknowledged' ELSE 'firing' END) STORED,
    kind            text NOT NULL,
    subject         text NOT NULL,
    status          text NOT NULL,
    message         text NOT NULL,
    rule_id         int,
    value           float8,
    threshold       float8,
    steps           int NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX alert_open ON kpi.alert (kind, subject) WHERE cleared_at IS NULL;
COMMENT ON TABLE kpi.alert IS
    'alerts of rules, of KPIs that miss their target and of jobs that have failed for good; at most one open per kind and subject';
COMMENT ON COLUMN kpi.alert.state IS 'firing, acknowledged or resolved';
COMMENT ON COLUMN kpi.alert.kind IS 'rule, kpi or job';
COMMENT ON COLUMN kpi.alert.status IS 'severity of the rule; warn or bad of a KPI; failed of a job';
COMMENT ON COLUMN kpi.alert.steps IS 'steps of the escalation that were announced';

CREATE TABLE kpi.alert_rule (
    id              int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name            text NOT NULL UNIQUE,
    condition       text NOT NULL,
    code            text,
    watch           text,
    period          text NOT NULL,
    by              text[] NOT NULL,
    filter          text,
    direction       text NOT NULL,
    threshold       float8,
    clear_threshold float8,
    adaptive        float8,
    history         interval NOT NULL,
    for_duration    interval NOT NULL,
    total           text,
    objective       float8,
    severity        text NOT NULL,
    escalation      jsonb NOT NULL,
    owner           regrole NOT NULL,
    silenced_until  timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    evaluated_at    timestamptz,
    last_error      text
);
COMMENT ON TABLE kpi.alert_rule IS 'rules of alerts, one row each; changed by kpi.create_alert_rule, kpi.alter_alert_rule, kpi.silence_alert_rule and kpi.drop_alert_rule';
COMMENT ON COLUMN kpi.alert_rule.condition IS 'score, value, target, missing or burn_rate';
COMMENT ON COLUMN kpi.alert_rule.adaptive IS 'quantile of the history that is the threshold';
COMMENT ON COLUMN kpi.alert_rule.for_duration IS 'how long the condition must hold before the alert fires';

CREATE TABLE kpi.alert_pending (
    rule_id int NOT NULL,
    subject text NOT NULL,
    since   timestamptz NOT NULL,
    PRIMARY KEY (rule_id, subject)
);
COMMENT ON TABLE kpi.alert_pending IS 'conditions that hold, but not yet for as long as their rule asks for';

-- pg_dump reads them as whoever calls it.
GRANT SELECT ON kpi.alert_rule TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('kpi.alert_rule', '');
SELECT pg_catalog.pg_extension_config_dump('kpi.alert_rule_id_seq', '');

-- Defining -----------------------------------------------------------------------------------------------------------

CREATE FUNCTION kpi.create_alert_rule(name text, condition text, code text DEFAULT NULL, threshold float8 DEFAULT NULL,
    direction text DEFAULT NULL, clear_threshold float8 DEFAULT NULL, for_duration interval DEFAULT '0', period text DEFAULT NULL,
    by text[] DEFAULT '{}', filter text DEFAULT NULL, adaptive float8 DEFAULT NULL, history interval DEFAULT NULL,
    watch text DEFAULT NULL, total text DEFAULT NULL, objective float8 DEFAULT NULL, severity text DEFAULT 'warning',
    escalation jsonb DEFAULT '[]') RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'create_alert_rule_wrapper';
COMMENT ON FUNCTION kpi.create_alert_rule(text, text, text, float8, text, float8, interval, text, text[], text, float8, interval, text, text, float8, text, jsonb) IS
    'defines when an alert fires: condition is score, value, target, missing or burn_rate; by gives one alert per combination of dimensions';

CREATE FUNCTION kpi.alter_alert_rule(name text, threshold float8 DEFAULT NULL, clear_threshold float8 DEFAULT NULL,
    for_duration interval DEFAULT NULL, filter text DEFAULT NULL, adaptive float8 DEFAULT NULL, history interval DEFAULT NULL,
    objective float8 DEFAULT NULL, severity text DEFAULT NULL, escalation jsonb DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'alter_alert_rule_wrapper';
COMMENT ON FUNCTION kpi.alter_alert_rule(text, float8, float8, interval, text, float8, interval, float8, text, jsonb) IS
    'changes what is given of a rule and keeps the rest';

CREATE FUNCTION kpi.drop_alert_rule(name text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'drop_alert_rule_wrapper';
COMMENT ON FUNCTION kpi.drop_alert_rule(text) IS 'drops a rule and resolves its alerts';

CREATE FUNCTION kpi.silence_alert_rule(name text, duration interval) RETURNS timestamptz
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'silence_alert_rule_wrapper';
COMMENT ON FUNCTION kpi.silence_alert_rule(text, interval) IS
    'fires and escalates nothing of a rule for a while; a duration of 0 ends the silence; returns when it ends';

CREATE FUNCTION kpi.acknowledge_alert(id bigint, note text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'acknowledge_alert_wrapper';
COMMENT ON FUNCTION kpi.acknowledge_alert(bigint, text) IS 'somebody has taken an alert on: it escalates no further';

-- Evaluating ---------------------------------------------------------------------------------------------------------

CREATE FUNCTION kpi.evaluate_alerts(rule text DEFAULT NULL, at timestamptz DEFAULT NULL) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'evaluate_alerts_wrapper';
COMMENT ON FUNCTION kpi.evaluate_alerts(text, timestamptz) IS
    'holds the rules of the caller''s roles, or one of them, against their KPIs as of a time, now by default; returns how many alerts changed; the job alerts does it regularly';

CREATE FUNCTION kpi._period(period text) RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE period WHEN 'quarter' THEN interval '3 months' ELSE ('1 ' || period)::interval END;
COMMENT ON FUNCTION kpi._period(text) IS 'the length of a period';

CREATE FUNCTION kpi._alert_subject(rule kpi.alert_rule, dimensions jsonb) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN dimensions IS NULL OR dimensions = '{}' THEN rule.name ELSE rule.name || ' ' || dimensions::text END;
COMMENT ON FUNCTION kpi._alert_subject(kpi.alert_rule, jsonb) IS 'what an alert of a rule is of: the rule, and its dimensions where it has some';

-- What a rule sees, as its owner. level and clear_level are the thresholds as they are now; a subject of which nothing is known
-- has no row, and its alert stays as it is.
CREATE FUNCTION kpi._alert_readings(rule kpi.alert_rule, at timestamptz,
    OUT subject text, OUT value float8, OUT level float8, OUT breached bool, OUT clear bool, OUT severity text, OUT message text)
    RETURNS SETOF record LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    step interval := kpi._period(rule.period);
    -- The last bucket that was over.
    until timestamptz := at - step + interval '1 microsecond';
    recent timestamptz := at - 3 * step - interval '2 days';
    goal record;
    up bool := rule.direction = 'up';
BEGIN
    SELECT c.direction, c.target, c.warn INTO goal FROM kpi.catalog c WHERE c.code = rule.code;
    CASE rule.condition
    WHEN 'value' THEN
        RETURN QUERY
        WITH read AS MATERIALIZED (
            SELECT v.ts, v.dimensions, v.value
            FROM kpi.value(rule.code, rule.period, CASE WHEN rule.adaptive IS NULL THEN recent ELSE at - rule.history END, until,
                           rule."by", rule.filter) v
            WHERE v.value IS NOT NULL
        ), latest AS (
            SELECT DISTINCT ON (r.dimensions) r.* FROM read r WHERE r.ts >= recent ORDER BY r.dimensions, r.ts DESC
        ), levels AS (
            SELECT l.*, coalesce(h.level, rule.threshold) AS threshold,
                   coalesce(h.clear_level, CASE WHEN rule.adaptive IS NULL THEN rule.clear_threshold END, h.level, rule.threshold) AS clear_threshold
            FROM latest l LEFT JOIN LATERAL (
                -- Too few to have quantiles: no threshold yet.
                SELECT CASE WHEN count(*) >= 20 THEN percentile_cont(rule.adaptive) WITHIN GROUP (ORDER BY r.value) END AS level,
                       CASE WHEN count(*) >= 20 THEN percentile_cont(coalesce(rule.clear_threshold, rule.adaptive)) WITHIN GROUP (ORDER BY r.value) END AS clear_level
                FROM read r WHERE r.dimensions IS NOT DISTINCT FROM l.dimensions AND r.ts < l.ts) h ON rule.adaptive IS NOT NULL
        )
        SELECT kpi._alert_subject(rule, l.dimensions), l.value, l.threshold,
               CASE WHEN up THEN l.value > l.threshold ELSE l.value < l.threshold END,
               CASE WHEN up THEN l.value <= l.clear_threshold ELSE l.value >= l.clear_threshold END,
               rule.severity,
               format('KPI "%s"%s is %s in the %s of %s, %s %s', rule.code, coalesce(' ' || nullif(l.dimensions::text, '{}'), ''), l.value,
                      rule.period, l.ts, CASE WHEN up THEN 'above' ELSE 'below' END, l.threshold)
        FROM levels l WHERE l.threshold IS NOT NULL;
    WHEN 'target' THEN
        RETURN QUERY
        SELECT kpi._alert_subject(rule, l.dimensions), l.value, goal.target, s.status = 'bad', s.status = 'ok', rule.severity,
               format('KPI "%s"%s is %s in the %s of %s, its target is %s', rule.code, coalesce(' ' || nullif(l.dimensions::text, '{}'), ''),
                      l.value, rule.period, l.ts, goal.target)
        FROM (SELECT DISTINCT ON (v.dimensions) v.* FROM kpi.value(rule.code, rule.period, recent, until, rule."by", rule.filter) v
              WHERE v.value IS NOT NULL ORDER BY v.dimensions, v.ts DESC) l,
             LATERAL (SELECT kpi.status(l.value, goal.direction, goal.target, goal.warn)) s (status)
        WHERE s.status IS NOT NULL;
    WHEN 'missing' THEN
        -- for_duration is how long nothing may come: the wait is in the reading itself.
        RETURN QUERY
        SELECT kpi._alert_subject(rule, l.dimensions), extract(epoch FROM at - l.ends)::float8, extract(epoch FROM rule.for_duration)::float8,
               l.ends + rule.for_duration < at, l.ends + rule.for_duration >= at, rule.severity,
               format('KPI "%s"%s has had no value since %s', rule.code, coalesce(' ' || nullif(l.dimensions::text, '{}'), ''), l.ends)
        FROM (SELECT v.dimensions, max(v.ts) + step AS ends
              FROM kpi.value(rule.code, rule.period, at - rule.history, at, rule."by", rule.filter) v
              WHERE v.value IS NOT NULL GROUP BY v.dimensions) l;
    WHEN 'score' THEN
        IF rule.watch IS NOT NULL THEN
            RETURN QUERY
            WITH found AS (
                SELECT DISTINCT ON (a.key) a.* FROM kpi.anomalies a
                WHERE a.watch = rule.watch AND a.score > rule.threshold AND a.ts > at - rule.history AND a.ts <= at
                ORDER BY a.key, a.score DESC, a.ts DESC
            )
            SELECT kpi._alert_subject(rule, f.key), f.score, rule.threshold, true, false, rule.severity,
                   format('%s at %s: %s', kpi._alert_subject(rule, f.key), f.ts, f.reason)
            FROM found f;
            RETURN;
        END IF;
        RETURN QUERY
        SELECT kpi._alert_subject(rule, s.dimensions), a.score, rule.threshold, a.score > rule.threshold,
               a.score <= coalesce(rule.clear_threshold, rule.threshold), rule.severity,
               format('KPI "%s"%s in the %s of %s: %s', rule.code, coalesce(' ' || nullif(s.dimensions::text, '{}'), ''), rule.period, a.ts,
                      coalesce(a.reason, 'score ' || a.score))
        FROM (SELECT v.dimensions, kpi.series(v.ts, v.value) AS series, count(v.value) AS known
              FROM kpi.value(rule.code, rule.period, at - rule.history, until, rule."by", rule.filter) v GROUP BY v.dimensions) s,
             LATERAL (SELECT p.* FROM kpi.anomalies(s.series, threshold => 1 - rule.threshold) p ORDER BY p.ts DESC LIMIT 1) a
        WHERE s.known >= 10 AND a.ts >= recent AND a.score IS NOT NULL;
    WHEN 'burn_rate' THEN
        -- Without a threshold: the three pairs of windows of the SRE workbook, the most urgent that burns.
        RETURN QUERY
        WITH pairs (long, short, factor, severity, urgency) AS (
            SELECT * FROM (VALUES (interval '1 hour', interval '5 minutes', 14.4::float8, 'page', 1),
                                  (interval '6 hours', interval '30 minutes', 6, 'page', 2),
                                  (interval '3 days', interval '6 hours', 1, 'ticket', 3)) w
            WHERE rule.threshold IS NULL
            UNION ALL
            SELECT rule.history, rule.history / 12, rule.threshold, rule.severity, 1 WHERE rule.threshold IS NOT NULL
        ), span AS (SELECT max(p.long) AS longest FROM pairs p
        ), bad AS MATERIALIZED (
            SELECT v.ts, v.dimensions, v.value FROM span s, kpi.value(rule.code, rule.period, at - s.longest, at, rule."by", rule.filter) v
        ), every AS MATERIALIZED (
            SELECT v.ts, v.dimensions, v.value FROM span s, kpi.value(rule.total, rule.period, at - s.longest, at, rule."by", rule.filter) v
        ), windows AS (
            SELECT p.*, e.dimensions, e.all_long, e.all_short, coalesce(b.bad_long, 0) AS bad_long, coalesce(b.bad_short, 0) AS bad_short
            FROM pairs p
            CROSS JOIN LATERAL (SELECT e.dimensions, sum(e.value) AS all_long, sum(e.value) FILTER (WHERE e.ts >= at - p.short) AS all_short
                                FROM every e WHERE e.ts >= at - p.long GROUP BY e.dimensions) e
            LEFT JOIN LATERAL (SELECT sum(b.value) AS bad_long, sum(b.value) FILTER (WHERE b.ts >= at - p.short) AS bad_short
                               FROM bad b WHERE b.ts >= at - p.long AND b.dimensions IS NOT DISTINCT FROM e.dimensions) b ON true
        ), rates AS (
            SELECT w.*, w.bad_long / nullif(w.all_long, 0) / (1 - rule.objective) AS long_rate,
                   coalesce(w.bad_short / nullif(w.all_short, 0), 0) / (1 - rule.objective) AS short_rate
            FROM windows w
        )
        SELECT DISTINCT ON (r.dimensions) kpi._alert_subject(rule, r.dimensions), r.long_rate, r.factor,
               r.long_rate > r.factor AND r.short_rate > r.factor,
               -- Over when no pair burns in its short window any more, as the workbook has it.
               bool_and(r.short_rate <= r.factor OR r.long_rate <= r.factor) OVER (PARTITION BY r.dimensions), r.severity,
               format('%s burns its error budget %s times too fast over %s (%s of %s failed, the objective is %s)',
                      rule.code || coalesce(' ' || nullif(r.dimensions::text, '{}'), ''), round(r.long_rate::numeric, 1), r.long, r.bad_long, r.all_long, rule.objective)
        FROM rates r WHERE r.long_rate IS NOT NULL
        ORDER BY r.dimensions, (r.long_rate > r.factor AND r.short_rate > r.factor) DESC, r.urgency;
    END CASE;
END $$;
COMMENT ON FUNCTION kpi._alert_readings(kpi.alert_rule, timestamptz) IS 'what a rule sees of each of its subjects at a time';

-- A rule whose KPI cannot be read must not keep the others from being evaluated: its error is a row without a subject.
CREATE FUNCTION kpi._alert_readings_or_error(rule int, at timestamptz,
    OUT subject text, OUT value float8, OUT level float8, OUT breached bool, OUT clear bool, OUT severity text, OUT message text)
    RETURNS SETOF record LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT s.* FROM kpi.alert_rule r, kpi._alert_readings(r, at) s WHERE r.id = rule;
EXCEPTION WHEN OTHERS THEN
    message := SQLSTATE || ': ' || SQLERRM;
    RETURN NEXT;
END $$;
COMMENT ON FUNCTION kpi._alert_readings_or_error(int, timestamptz) IS 'what a rule sees, or the error that it meets, in a row without a subject';

CREATE FUNCTION kpi._announce(alert kpi.alert, step int, recipient text) RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT pg_notify('kpi.alerts', jsonb_strip_nulls(jsonb_build_object('kind', alert.kind, 'subject', left(alert.subject, 150), 'status', alert.status,
        'state', alert.state, 'id', alert.id, 'value', CASE WHEN alert.value NOT IN ('NaN', 'Infinity', '-Infinity') THEN alert.value END,
        'step', step, 'to', left(recipient, 100), 'message', left(alert.message, 300)))::text)
    WHERE pg_notification_queue_usage() < 0.5 $$;
REVOKE ALL ON FUNCTION kpi._announce(kpi.alert, int, text) FROM PUBLIC;
COMMENT ON FUNCTION kpi._announce(kpi.alert, int, text) IS 'tells the listeners of kpi.alerts of a change of an alert';

-- What follows of one reading; returns whether an alert has changed. Called as the owner of the extension.
CREATE FUNCTION kpi._alert_apply(rule kpi.alert_rule, at timestamptz, subject text, value float8, level float8, breached bool, clear bool,
    severity text, message text) RETURNS bool LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    open kpi.alert;
    began timestamptz;
    silent bool := rule.silenced_until > at;
BEGIN
    SELECT * INTO open FROM kpi.alert a WHERE a.kind = 'rule' AND a.subject = subject AND a.cleared_at IS NULL;
    IF open.id IS NOT NULL THEN
        IF clear AND NOT breached THEN
            UPDATE kpi.alert a SET cleared_at = clock_timestamp() WHERE a.id = open.id RETURNING * INTO open;
            PERFORM kpi._announce(open, NULL, NULL);
            RETURN true;
        END IF;
        IF breached AND (open.status, open.value) IS DISTINCT FROM (severity, value) THEN
            UPDATE kpi.alert a SET value = value, threshold = level, message = message, status = severity WHERE a.id = open.id;
        END IF;
        RETURN false;
    END IF;
    IF NOT breached OR breached IS NULL THEN
        DELETE FROM kpi.alert_pending p WHERE p.rule_id = rule.id AND p.subject = subject;
        RETURN false;
    END IF;
    INSERT INTO kpi.alert_pending AS p VALUES (rule.id, subject, at) ON CONFLICT ON CONSTRAINT alert_pending_pkey DO UPDATE
        SET since = least(p.since, at) RETURNING p.since INTO began;
    IF silent OR (rule.condition <> 'missing' AND began + rule.for_duration > at) THEN
        RETURN false;
    END IF;
    DELETE FROM kpi.alert_pending p WHERE p.rule_id = rule.id AND p.subject = subject;
    INSERT INTO kpi.alert AS a (raised_at, kind, subject, status, message, rule_id, value, threshold, steps)
        VALUES (at, 'rule', subject, severity, message, rule.id, value, level,
                -- A first step at once is this announcement.
                CASE WHEN (rule.escalation -> 0 ->> 'after')::interval <= interval '0' THEN 1 ELSE 0 END)
        RETURNING * INTO open;
    PERFORM kpi._announce(open, open.steps, CASE WHEN open.steps = 1 THEN rule.escalation -> 0 ->> 'to' END);
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION kpi._alert_apply(kpi.alert_rule, timestamptz, text, float8, float8, bool, bool, text, text) FROM PUBLIC;
COMMENT ON FUNCTION kpi._alert_apply(kpi.alert_rule, timestamptz, text, float8, float8, bool, bool, text, text) IS 'fires, keeps or resolves the alert of one subject of a rule';

-- Steps that are due of alerts that nobody has acknowledged.
CREATE FUNCTION kpi._alert_escalate(rule kpi.alert_rule, at timestamptz) RETURNS bigint
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    open kpi.alert;
    done bigint := 0;
BEGIN
    IF rule.silenced_until > at THEN
        RETURN 0;
    END IF;
    FOR open IN SELECT * FROM kpi.alert a WHERE a.rule_id = rule.id AND a.state = 'firing' AND a.steps < jsonb_array_length(rule.escalation) ORDER BY a.id LOOP
        WHILE open.raised_at + (rule.escalation -> open.steps ->> 'after')::interval <= at LOOP
            UPDATE kpi.alert a SET steps = a.steps + 1 WHERE a.id = open.id RETURNING * INTO open;
            PERFORM kpi._announce(open, open.steps, rule.escalation -> (open.steps - 1) ->> 'to');
            done := done + 1;
        END LOOP;
    END LOOP;
    RETURN done;
END $$;
REVOKE ALL ON FUNCTION kpi._alert_escalate(kpi.alert_rule, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION kpi._alert_escalate(kpi.alert_rule, timestamptz) IS 'announces the steps of a rule''s escalation that are due';

-- Looking ------------------------------------------------------------------------------------------------------------

CREATE VIEW kpi.alerts WITH (security_barrier) AS
SELECT a.id, a.raised_at, a.acknowledged_at, a.acknowledged_by, a.note, a.cleared_at, a.state, a.kind, a.subject, a.status, a.message, a.value, a.threshold,
       r.name AS rule
FROM kpi.alert a
LEFT JOIN kpi.alert_rule r ON r.id = a.rule_id
LEFT JOIN kpi.kpi k ON k.code = CASE a.kind WHEN 'kpi' THEN a.subject WHEN 'rule' THEN r.code END
LEFT JOIN kpi.job j ON a.kind = 'job' AND j.name = a.subject
WHERE CASE a.kind WHEN 'kpi' THEN pg_catalog.has_table_privilege(k.view, 'SELECT')
                  WHEN 'rule' THEN pg_catalog.pg_has_role(r.owner, 'USAGE') OR pg_catalog.has_table_privilege(k.view, 'SELECT')
                       OR pg_catalog.pg_has_role('pg_monitor', 'USAGE')
                  ELSE pg_catalog.pg_has_role(j.owner, 'USAGE') OR pg_catalog.pg_has_role('pg_monitor', 'USAGE') END;
COMMENT ON VIEW kpi.alerts IS 'alerts of the KPIs, rules and jobs that the reader may see; open while cleared_at is null';
COMMENT ON COLUMN kpi.alerts.state IS 'firing, acknowledged or resolved';

CREATE VIEW kpi.alert_rules WITH (security_barrier) AS
SELECT r.name, r.condition, r.code, r.watch, r.period, r.by, r.filter, r.direction, r.threshold, r.clear_threshold, r.adaptive, r.history, r.for_duration,
       r.total, r.objective, r.severity, r.escalation, r.owner, CASE WHEN r.silenced_until > now() THEN r.silenced_until END AS silenced_until,
       r.evaluated_at, r.last_error,
       (SELECT count(*) FROM kpi.alert a WHERE a.rule_id = r.id AND a.state = 'firing') AS firing,
       (SELECT count(*) FROM kpi.alert a WHERE a.rule_id = r.id AND a.state = 'acknowledged') AS acknowledged,
       (SELECT count(*) FROM kpi.alert_pending p WHERE p.rule_id = r.id) AS pending
FROM kpi.alert_rule r
WHERE pg_catalog.pg_has_role(r.owner, 'USAGE') OR pg_catalog.pg_has_role('pg_monitor', 'USAGE');
COMMENT ON VIEW kpi.alert_rules IS 'the rules of the reader''s roles, all for members of pg_monitor, with the number of their open alerts';

GRANT SELECT ON kpi.alerts, kpi.alert_rules TO PUBLIC;

-- Fitted models of KPIs, kept and fitted anew from time to time.

CREATE TABLE kpi.fitted_model (
    code      text NOT NULL,
    period    text NOT NULL,
    key       jsonb NOT NULL,
    model     kpi.model NOT NULL,
    fitted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (code, period, key)
);
COMMENT ON TABLE kpi.fitted_model IS 'models of KPIs, one row per combination of dimensions; fitted by kpi.refit, as the job refit does';

CREATE FUNCTION kpi.refit(code text, period text DEFAULT 'day', by text[] DEFAULT '{}', model text DEFAULT 'auto', season int DEFAULT NULL,
    horizon int DEFAULT NULL, history interval DEFAULT NULL) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'refit_wrapper';
COMMENT ON FUNCTION kpi.refit(text, text, text[], text, int, int, interval) IS
    'fits a model to a KPI, or to each combination of its dimensions by, and keeps it in kpi.models; history is how far back it looks; returns how many were fitted';

-- A series that no model can be fitted to keeps what it has, and does not keep the others from theirs.
CREATE FUNCTION kpi._fit_or_warn(s kpi.series, model text, season int, horizon int, of text) RETURNS kpi.model
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN kpi.fit(s, model, season, horizon);
EXCEPTION WHEN invalid_parameter_value OR numeric_value_out_of_range OR program_limit_exceeded THEN
    RAISE WARNING 'no model for %: %', of, SQLERRM;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION kpi._fit_or_warn(kpi.series, text, int, int, text) IS 'kpi.fit, whose refusal of a series is a warning and NULL';

CREATE VIEW kpi.models WITH (security_barrier) AS
SELECT m.code, m.period, m.key, m.model, m.fitted_at
FROM kpi.fitted_model m JOIN kpi.kpi k ON k.code = m.code
WHERE pg_catalog.has_table_privilege(k.view, 'SELECT');
COMMENT ON VIEW kpi.models IS 'fitted models of the KPIs that the reader may see: kpi.predict forecasts with them, kpi.observe takes what comes next';
COMMENT ON COLUMN kpi.models.key IS 'dimensions with their values';
GRANT SELECT ON kpi.models TO PUBLIC;

-- Courses that what comes could take, drawn from a fitted model.

CREATE FUNCTION kpi.simulate(model kpi.model, horizon int, paths int DEFAULT 100, seed bigint DEFAULT 0)
RETURNS TABLE (path int, step int, ts timestamptz, value float8)
    AS 'MODULE_PATHNAME', 'model_simulate_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10000 ROWS 1000;
COMMENT ON FUNCTION kpi.simulate(kpi.model, int, int, bigint) IS
    'courses that the next steps after the last time that a model has seen could take, each value drawn and then taken as if it had come; the same seed draws the same';

-- The last statement of the installation: the launcher hears of this database when it is committed.
SELECT kpi._extension_is_there();
