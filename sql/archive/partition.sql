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
