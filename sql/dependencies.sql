-- What keeps sources and KPIs in step with DDL on their relations: event triggers on renames, partitions and drops.

-- What moves partitions to the archive does itself what these event triggers would do, and better: rows are not lost that way.
CREATE FUNCTION kpi._quiet(quiet bool) RETURNS void
    LANGUAGE c VOLATILE STRICT AS 'MODULE_PATHNAME', 'archive_quiet_wrapper';
REVOKE ALL ON FUNCTION kpi._quiet(bool) FROM PUBLIC;
COMMENT ON FUNCTION kpi._quiet(bool) IS 'has the event triggers of pg_kpi not look, until it is set back or the transaction ends';
CREATE FUNCTION kpi._is_quiet() RETURNS bool
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'archive_is_quiet_wrapper';
COMMENT ON FUNCTION kpi._is_quiet() IS 'whether the event triggers of pg_kpi are not to look';

-- Minutes since 2000-01-01 of a time column's values between the bounds of a partition, all when they can't be told.
CREATE FUNCTION kpi._partition_minutes(source kpi.source, partition regclass, OUT first_minute bigint, OUT last_minute bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO' SET timezone = 'UTC' AS $$
DECLARE
    bound text;
    edges text[];
BEGIN
    first_minute := -9223372036854775808;
    last_minute := 9223372036854775807;
    -- The nearest ancestor, itself included, that is a range of exactly the time column.
    SELECT pg_get_expr(c.relpartbound, c.oid) INTO bound
    FROM pg_partition_ancestors(partition) WITH ORDINALITY a(relid, depth)
    JOIN pg_class c ON c.oid = a.relid
    JOIN pg_inherits i ON i.inhrelid = c.oid
    JOIN pg_partitioned_table p ON p.partrelid = i.inhparent
    JOIN pg_attribute t ON t.attrelid = i.inhparent AND t.attname = source.time_column
    WHERE p.partstrat = 'r' AND p.partnatts = 1 AND p.partattrs[0] = t.attnum
    ORDER BY a.depth LIMIT 1;
    edges := regexp_match(bound, '^FOR VALUES FROM \((.*)\) TO \((.*)\)$');
    IF edges[1] <> 'MINVALUE' THEN
        first_minute := kpi._minute(source, trim('''' FROM edges[1]));
    END IF;
    IF edges[2] <> 'MAXVALUE' THEN
        last_minute := kpi._minute(source, trim('''' FROM edges[2]));
    END IF;
END $$;
COMMENT ON FUNCTION kpi._partition_minutes(kpi.source, regclass) IS 'the minutes that a partition can hold';

CREATE FUNCTION kpi._minute(source kpi.source, "time" text) RETURNS bigint
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    RETURN CASE WHEN source.time_type = 'timestamptz'::regtype
        THEN CASE "time"::timestamptz WHEN 'infinity' THEN 9223372036854775807 WHEN '-infinity' THEN -9223372036854775808
             ELSE floor(extract(epoch FROM "time"::timestamptz - timestamptz '2000-01-01 00:00:00+00') / 60)::bigint END
        ELSE CASE "time"::timestamp WHEN 'infinity' THEN 9223372036854775807 WHEN '-infinity' THEN -9223372036854775808
             ELSE floor(extract(epoch FROM "time"::timestamp - timestamp '2000-01-01') / 60)::bigint END END;
COMMENT ON FUNCTION kpi._minute(kpi.source, text) IS 'the minute since 2000-01-01 that a time falls into';

-- Touches the minutes between the first and the last row of a table that has just become, or ceased to be, a partition.
CREATE FUNCTION kpi._touch_rows(source kpi.source, partition regclass) RETURNS void
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

-- The trigger that captures TRUNCATE of one table, where it is not there yet.
CREATE FUNCTION kpi._capture_truncate(leaf regclass, name text, source_id int) RETURNS void
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
CREATE FUNCTION kpi._track_partitions(source_id int) RETURNS void
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

-- A renamed column is renamed in what the catalog says of it.
CREATE FUNCTION kpi._follow_rename(source kpi.source, old_name text, new_name text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE kpi.source s
    SET time_column = CASE WHEN s.time_column = old_name THEN new_name::name ELSE s.time_column END,
        expressions = ARRAY(SELECT kpi._rename_column(e, old_name, new_name)
                            FROM unnest(s.expressions) WITH ORDINALITY u(e, n) ORDER BY n),
        columns = array_replace(s.columns, old_name, new_name)
    WHERE s.id = source.id;
    UPDATE kpi.state t SET partial = kpi._rename_column(t.partial, old_name, new_name) WHERE t.source_id = source.id;
    UPDATE kpi.kpi k SET formula = kpi._rename_column(k.formula, old_name, new_name) WHERE k.source_id = source.id;
    IF old_name = ANY (source.columns) THEN
        EXECUTE format('ALTER VIEW kpi_rollup.%I RENAME COLUMN %I TO %I', source.name || '_input', old_name, new_name);
    END IF;
END $$;
COMMENT ON FUNCTION kpi._follow_rename(kpi.source, text, text) IS 'renames a column in the catalog';

CREATE FUNCTION kpi._on_ddl() RETURNS event_trigger
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

-- Rebuilds the input view of a source that has lost columns, without the KPIs that needed them.
CREATE FUNCTION kpi._follow_dropped_columns(source kpi.source) RETURNS void
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
COMMENT ON FUNCTION kpi._follow_dropped_columns(kpi.source) IS 'drops the KPIs that needed dropped columns, and keeps the others';

-- Drops a KPI, what is derived from it and its view, whoever asks: for the event trigger.
CREATE FUNCTION kpi._drop_kpi(dropped text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    definition kpi.kpi;
    derived text;
BEGIN
    DELETE FROM kpi.kpi k WHERE k.code = dropped RETURNING * INTO definition;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    FOR derived IN SELECT k.code FROM kpi.kpi k WHERE dropped = ANY (k.requires) LOOP
        PERFORM kpi._drop_kpi(derived);
    END LOOP;
    EXECUTE format('DROP FOREIGN TABLE IF EXISTS kpi_rollup.%I CASCADE', 'kpi_' || definition.id);
END $$;
COMMENT ON FUNCTION kpi._drop_kpi(text) IS 'drops a KPI and all that depends on it';

CREATE FUNCTION kpi._drop_source(source kpi.source) RETURNS void
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

CREATE FUNCTION kpi._on_drop() RETURNS event_trigger
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

REVOKE ALL ON FUNCTION kpi._partition_minutes(kpi.source, regclass), kpi._minute(kpi.source, text),
    kpi._lose_partitions(kpi.source, kpi.source_partition[]), kpi._settle_chunks(int), kpi._track_chunks(int),
    kpi._touch_rows(kpi.source, regclass), kpi._capture_truncate(regclass, text, int), kpi._track_partitions(int), kpi._follow_rename(kpi.source, text, text),
    kpi._follow_dropped_columns(kpi.source), kpi._drop_kpi(text), kpi._drop_source(kpi.source),
    kpi._on_ddl(), kpi._on_drop() FROM PUBLIC;

CREATE EVENT TRIGGER kpi_on_ddl ON ddl_command_end
    WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'CREATE FOREIGN TABLE', 'CREATE SCHEMA', 'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'ALTER FOREIGN TABLE')
    EXECUTE FUNCTION kpi._on_ddl();
CREATE EVENT TRIGGER kpi_on_drop ON sql_drop EXECUTE FUNCTION kpi._on_drop();
COMMENT ON EVENT TRIGGER kpi_on_ddl IS 'keeps KPIs in step with renamed columns and with partitions';
COMMENT ON EVENT TRIGGER kpi_on_drop IS 'drops sources and KPIs with what they stand on';

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
