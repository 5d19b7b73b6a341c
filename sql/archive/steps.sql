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
