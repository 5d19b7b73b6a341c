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
