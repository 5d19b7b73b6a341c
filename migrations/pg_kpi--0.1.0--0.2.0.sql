-- From 0.1.0 to 0.2.0: hypertables as sources, the history of dropped partitions and chunks, time helpers.

ALTER TABLE kpi.source ADD COLUMN kind text, ADD COLUMN on_drop text;
ALTER TABLE kpi.source_partition DROP CONSTRAINT source_partition_pkey, ADD COLUMN filenode oid,
    ALTER COLUMN source_id SET NOT NULL, ALTER COLUMN partition SET NOT NULL;
DROP INDEX kpi.touched_source;
ALTER TABLE kpi.touched ADD COLUMN seconds bigint;
COMMENT ON COLUMN kpi.touched.seconds IS 'the seconds of a single minute that were touched, one bit each; null: any of them';
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
    IF NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = leaf AND t.tgname = name) THEN
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

CREATE TABLE kpi.alert (
    id         bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    raised_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    cleared_at timestamptz,
    kind       text NOT NULL,
    subject    text NOT NULL,
    status     text NOT NULL,
    message    text NOT NULL
);
CREATE UNIQUE INDEX alert_open ON kpi.alert (kind, subject) WHERE cleared_at IS NULL;
COMMENT ON TABLE kpi.alert IS 'alerts of jobs that have failed for good and of KPIs that miss their target; at most one open per subject';

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
    'defines a job: refresh, alerts, rotate, clean or a procedure of yours, by an interval or a cron expression';

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

CREATE VIEW kpi.alerts WITH (security_barrier) AS
SELECT a.id, a.raised_at, a.cleared_at, a.kind, a.subject, a.status, a.message
FROM kpi.alert a
LEFT JOIN kpi.kpi k ON a.kind = 'kpi' AND k.code = a.subject
LEFT JOIN kpi.job j ON a.kind = 'job' AND j.name = a.subject
WHERE CASE a.kind WHEN 'kpi' THEN pg_catalog.has_table_privilege(k.view, 'SELECT') ELSE pg_catalog.pg_has_role(j.owner, 'USAGE') OR pg_catalog.pg_has_role('pg_monitor', 'USAGE') END;
COMMENT ON VIEW kpi.alerts IS 'alerts of the KPIs and jobs that the reader may see; open while cleared_at is null';

GRANT SELECT ON kpi.jobs, kpi.job_runs, kpi.alerts TO PUBLIC;

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
SELECT k.id AS kpi_id, k.code, s.period, s.by FROM kpi.stream s JOIN kpi.kpi k ON k.id = s.kpi_id
UNION
SELECT k.id, k.code, p.period, s.by
FROM kpi.subscriber s CROSS JOIN LATERAL unnest(s.periods) p(period) JOIN kpi.kpi k ON s.codes IS NULL OR k.code = ANY (s.codes);
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

-- The last statement of the installation: the launcher hears of this database when it is committed.
SELECT kpi._extension_is_there();
