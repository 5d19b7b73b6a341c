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
