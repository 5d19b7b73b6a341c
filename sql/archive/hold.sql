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
