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
