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
