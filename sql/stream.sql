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
WITH asked AS MATERIALIZED (
    -- A thousand subscribers who ask for the same are one.
    SELECT DISTINCT codes, periods, by FROM kpi.subscriber)
SELECT k.id AS kpi_id, k.code, s.period, s.by FROM kpi.stream s JOIN kpi.kpi k ON k.id = s.kpi_id
UNION
SELECT k.id, k.code, p.period, a.by FROM asked a CROSS JOIN LATERAL unnest(a.periods) p(period) CROSS JOIN kpi.kpi k WHERE a.codes IS NULL
UNION
SELECT k.id, k.code, p.period, a.by
FROM asked a CROSS JOIN LATERAL unnest(a.codes) c(code) CROSS JOIN LATERAL unnest(a.periods) p(period) JOIN kpi.kpi k ON k.code = c.code;
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
