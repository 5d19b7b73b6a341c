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
