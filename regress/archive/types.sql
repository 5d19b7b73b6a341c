-- A table with a column of every type there is, and an array of each, whose rows hold what is hard to keep: it is compared bit by bit
-- after it has been archived, and again after it has been restored. Prints a line for each difference, and nothing else.
--
-- Variables: store, the server.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET timezone = 'UTC';

-- What types of the user's own there may be.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'very "happy", {really}');
CREATE DOMAIN percent AS numeric(5, 2) CHECK (VALUE BETWEEN 0 AND 100);
CREATE DOMAIN word AS text COLLATE "C";
CREATE TYPE place AS (name text, at point, moods mood[], share percent);
CREATE DOMAIN known_place AS place CHECK (VALUE IS NULL OR (VALUE).name IS NOT NULL);
CREATE TYPE address AS (street text, place place);
CREATE TYPE floats AS RANGE (subtype = float8, subtype_diff = float8mi);

CREATE TABLE sample (type text, value text);
-- The rest of a type's samples is what it has in common with another.
INSERT INTO sample VALUES
('boolean', 'true'), ('boolean', 'false'),
('"char"', 'a'), ('"char"', E'\\377'), ('"char"', ''),
('name', 'name'), ('name', repeat('n', 63)), ('name', ''),
('smallint', '-32768'), ('smallint', '0'), ('smallint', '32767'),
('integer', '-2147483648'), ('integer', '0'), ('integer', '2147483647'),
('bigint', '-9223372036854775808'), ('bigint', '0'), ('bigint', '9223372036854775807'),
('real', 'NaN'), ('real', 'Infinity'), ('real', '-Infinity'), ('real', '-0'), ('real', '0'), ('real', '1e-45'), ('real', '3.4028235e+38'), ('real', '0.1'),
('double precision', 'NaN'), ('double precision', 'Infinity'), ('double precision', '-Infinity'), ('double precision', '-0'), ('double precision', '0'),
    ('double precision', '5e-324'), ('double precision', '1.7976931348623157e+308'), ('double precision', '0.1'), ('double precision', '0.30000000000000004'),
('numeric', 'NaN'), ('numeric', 'Infinity'), ('numeric', '-Infinity'), ('numeric', '0'), ('numeric', '0.000'), ('numeric', '1.0'), ('numeric', '1.00'),
    ('numeric', '-' || repeat('9', 1000)), ('numeric', '0.' || repeat('0', 500) || '1'), ('numeric', '1e131071'),
('numeric(12,2)', '0'), ('numeric(12,2)', '-9999999999.99'), ('numeric(12,2)', '9999999999.99'), ('numeric(12,2)', '0.01'), ('numeric(12,2)', '-0.01'),
('numeric(9,4)', '1.5'), ('numeric(9,4)', 'NaN'), ('numeric(9,4)', '-99999.9999'),
('numeric(38,0)', repeat('9', 38)), ('numeric(38,0)', '-' || repeat('9', 38)), ('numeric(38,38)', '0.' || repeat('9', 38)),
('numeric(38,0)', 'NaN'), ('numeric(60,20)', repeat('9', 40) || '.' || repeat('9', 20)), ('numeric(4,-2)', '123400'), ('numeric(2,4)', '0.0012'),
('money', '-92233720368547758.08'), ('money', '0'), ('money', '0.01'),
('text', ''), ('text', 'ascii'), ('text', 'ünï¢ödé 😀'), ('text', E'a\nb\tc\\d"e''f'), ('text', 'NULL'), ('text', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 32768) i)),
('character varying', ''), ('character varying', 'é'), ('character varying(5)', 'abcde'), ('character varying(5)', ''),
('character(5)', 'a'), ('character(5)', ''), ('character(5)', 'a b '), ('character', 'c'),
('bytea', ''), ('bytea', '\x00'), ('bytea', '\x00ff10'), ('bytea', (SELECT '\x' || string_agg(md5((-i)::text), '') FROM generate_series(1, 65536) i)),
('bit', '1'), ('bit(9)', '101010101'), ('bit varying', ''), ('bit varying', '1'), ('bit varying', repeat('10', 5000)), ('bit varying(7)', '0000000'),
('date', '4713-01-01 BC'), ('date', '0001-12-31 BC'), ('date', '0001-01-01'), ('date', '1969-12-31'), ('date', '1970-01-01'), ('date', '2024-02-29'),
    ('date', '5874897-12-31'), ('date', 'infinity'), ('date', '-infinity'),
('time without time zone', '00:00'), ('time without time zone', '23:59:59.999999'), ('time without time zone', '24:00'), ('time(0) without time zone', '12:34:56'),
('time with time zone', '00:00+15:59'), ('time with time zone', '23:59:59.999999-15:59'), ('time with time zone', '24:00Z'),
('timestamp without time zone', '4713-01-01 00:00 BC'), ('timestamp without time zone', '0001-12-31 23:59:59.999999 BC'), ('timestamp without time zone', '1969-12-31 23:59:59.999999'),
    ('timestamp without time zone', '1970-01-01'), ('timestamp without time zone', '2024-02-29 12:34:56.789012'), ('timestamp without time zone', '294276-12-31 23:59:59.999999'),
    ('timestamp without time zone', '294247-01-10 04:00:54.775807'), ('timestamp without time zone', 'infinity'), ('timestamp without time zone', '-infinity'),
('interval', '0'), ('interval', '1 mon'), ('interval', '30 days'), ('interval', '-1 mon +1 day -00:00:00.000001'), ('interval', '178000000 years'),
    ('interval', '-178000000 years -11 mons'), ('interval', '24:00:00'), ('interval', '1 day'), ('interval(0)', '12:34:56'), ('interval year to month', '1 year 2 mons'),
('uuid', '00000000-0000-0000-0000-000000000000'), ('uuid', 'ffffffff-ffff-ffff-ffff-ffffffffffff'), ('uuid', '0123456789abcdef0123456789abcdef'),
('json', '{"b": 1,   "a": [1.0, null, true], "a": ""}'), ('json', 'null'), ('json', '1e400'), ('json', ' [] '),
('jsonb', '{"b": 1, "a": [1.0, 1.00, null, true, "\u00e9"], "": {}}'), ('jsonb', 'null'), ('jsonb', '1e400'), ('jsonb', '[]'), ('jsonb', '""'),
    ('jsonb', to_jsonb(repeat('y', 1048576))::text),
('jsonpath', '$."a"[*] ? (@ > 1)'), ('jsonpath', 'strict $'),
('xml', '<a b="c">d &amp; e</a>'), ('xml', ''),
('inet', '0.0.0.0/0'), ('inet', '192.168.1.5/24'), ('inet', '::1'), ('inet', 'fe80::1/64'), ('cidr', '10.0.0.0/8'), ('cidr', '::/0'),
('macaddr', '08:00:2b:01:02:03'), ('macaddr8', '08:00:2b:01:02:03:04:05'),
('point', '(NaN,Infinity)'), ('point', '(0.1,-0)'), ('lseg', '[(0,0),(1,0.1)]'), ('line', '{1,-1,0.1}'), ('box', '(1,1),(0,0.1)'), ('path', '[(0,0),(1,1)]'),
    ('path', '((0,0),(1,1.1))'), ('polygon', '((0,0),(1,1),(1,0))'), ('circle', '<(0,0),0.1>'),
('tsvector', ''), ('tsvector', '''a b'':1A,2 ''c'''), ('tsquery', ''), ('tsquery', '''a'' & !( ''b'':*A <2> ''c'' )'),
('pg_lsn', '0/0'), ('pg_lsn', 'FFFFFFFF/FFFFFFFF'), ('pg_snapshot', '10:20:10,14,15'), ('txid_snapshot', '10:20:10'),
('oid', '0'), ('oid', '4294967295'), ('xid', '4294967295'), ('xid8', '18446744073709551615'), ('cid', '4294967295'), ('tid', '(4294967295,65535)'),
('int2vector', '1 2 3'), ('int2vector', ''), ('oidvector', '1 4294967295'),
('regclass', 'pg_class'), ('regclass', '4294967295'), ('regproc', 'pg_catalog.now'), ('regprocedure', 'now()'), ('regoper', 'pg_catalog.||/'),
    ('regoperator', '+(integer,integer)'), ('regtype', 'timestamp with time zone'), ('regrole', 'pg_monitor'), ('regnamespace', 'pg_catalog'),
    ('regcollation', '"C"'), ('regconfig', 'simple'), ('regdictionary', 'simple'),
('aclitem', 'pg_monitor=r/pg_monitor'), ('refcursor', 'a cursor'),
('int4range', 'empty'), ('int4range', '[1,10)'), ('int4range', '(,)'), ('int8range', '[1,)'), ('int8range', '(,-9223372036854775807)'),
('numrange', '[NaN,NaN]'), ('numrange', '(1.0,1.00000000000000000001]'), ('numrange', 'empty'),
('daterange', '[0001-01-01 BC,infinity)'), ('tsrange', '["0001-01-01 00:00:00 BC",infinity]'), ('tstzrange', '[-infinity,"2024-01-01 00:00:00+00")'),
('int4multirange', '{}'), ('int4multirange', '{[1,3),[5,)}'), ('int8multirange', '{(,)}'), ('nummultirange', '{[1.0,2.00],(3,NaN]}'),
('datemultirange', '{[2024-01-01,2024-02-01)}'), ('tsmultirange', '{}'), ('tstzmultirange', '{["2024-01-01 00:00:00+00",infinity]}'),
('mood', 'sad'), ('mood', 'very "happy", {really}'), ('percent', '0'), ('percent', '99.99'), ('percent', '100'), ('word', ''), ('word', 'word'),
('place', '(,,,)'), ('place', '("a, (b) ""c""","(1,2)","{sad,""very \\""happy\\"", {really}"",NULL}",50.00)'), ('place', '("",,{},)'),
('known_place', '("",,{},)'), ('address', '(,)'), ('address', '("x","(y,,,0)")'), ('floats', '[-0,NaN]'), ('floatmultirange', '{[0.1,0.30000000000000004)}'),
('kpi.series', NULL);
INSERT INTO sample SELECT replace(type, 'without', 'with'), value || CASE WHEN value LIKE '%infinity' THEN '' ELSE '+00' END FROM sample WHERE type LIKE 'timestamp without%' AND value NOT LIKE '%BC';
INSERT INTO sample VALUES ('timestamp with time zone', '0044-03-15 12:00:00+00 BC');
DELETE FROM sample WHERE type = 'floatmultirange' AND to_regtype(type) IS NULL OR type = 'xml' AND NOT EXISTS (SELECT FROM pg_config WHERE name = 'CONFIGURE' AND setting LIKE '%libxml%');

-- No type is forgotten: but for those that no user can write a value of.
SELECT 'no sample of the type ' || format_type(t.oid, NULL) FROM pg_type t
WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype IN ('b', 'r', 'm') AND t.typcategory <> 'A' AND t.typisdefined
  AND NOT EXISTS (SELECT FROM sample s WHERE to_regtype(s.type) = t.oid)
  AND format_type(t.oid, NULL) NOT IN ('gtsvector', 'pg_node_tree', 'pg_ndistinct', 'pg_dependencies', 'pg_mcv_list', 'pg_brin_bloom_summary', 'pg_brin_minmax_multi_summary', 'xml')
ORDER BY 1;

CREATE TABLE kind AS
SELECT row_number() OVER (ORDER BY type) AS n, type, coalesce(array_agg(value ORDER BY length(value), value) FILTER (WHERE value IS NOT NULL), '{}') AS samples FROM sample GROUP BY type;

CREATE TABLE wide (ts timestamptz NOT NULL, id int NOT NULL, twice int GENERATED ALWAYS AS (id * 2) STORED) PARTITION BY RANGE (ts);
SELECT format('ALTER TABLE wide ADD c%s %s, ADD a%1$s %2$s[]', n, type) FROM kind ORDER BY n \gexec
CREATE TABLE wide_old PARTITION OF wide FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE wide_hot PARTITION OF wide FOR VALUES FROM ('2024-02-01') TO (MAXVALUE);

-- Row i has the i-th sample of each type. Of arrays: none, empty, with all of the samples and a NULL, in two dimensions, from another bound.
-- The last row holds NULLs.
SELECT format('INSERT INTO wide (ts, id, %s) VALUES (timestamptz ''2024-01-02'' + interval ''1 hour'' * %s, %2$s, %s)',
    string_agg(format('c%1$s, a%1$s', n), ', ' ORDER BY n), i,
    string_agg(format('%s, %s', CASE WHEN i <= cardinality(samples) THEN format('%L::%s', samples[i], type) ELSE 'NULL' END,
        CASE i WHEN 1 THEN format('%L::%s[]', '{}', type)
               WHEN 2 THEN format('ARRAY[%s]::%s[]', (SELECT string_agg(quote_literal(v), ', ') || ', NULL' FROM unnest(samples) v WHERE length(v) < 10000), type)
               WHEN 3 THEN format('ARRAY[[%1$L, NULL], [%1$L, %1$L]]::%2$s[]', samples[1], type)
               WHEN 4 THEN format('%L::%s[]', '[-1:0]={NULL' || (SELECT typdelim::text FROM pg_type WHERE oid = to_regtype(type)) || 'NULL}', type)
               ELSE 'NULL' END), ', ' ORDER BY n))
FROM kind, generate_series(1, (SELECT max(cardinality(samples)) + 2 FROM kind)) i GROUP BY i ORDER BY i \gexec
INSERT INTO wide (ts, id) VALUES (now(), -1);
CREATE TABLE before AS SELECT * FROM wide;

CREATE FUNCTION differences(step text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE k record; line text;
BEGIN
    -- Of the row as a whole, of each of its columns, and as text, which is what a client sees.
    FOR k IN SELECT 'c' || n AS name, type FROM kind UNION ALL SELECT 'a' || n, type || '[]' FROM kind UNION ALL SELECT 'twice', 'integer' ORDER BY 2 LOOP
        FOR line IN EXECUTE format($q$ SELECT format('%%s: %%s: row %%s was %%s and is %%s', %L::text, %L::text, b.id, left(b.%3$I::text, 60), left(w.%3$I::text, 60))
            FROM before b JOIN wide w USING (id) WHERE NOT record_image_eq(ROW(b.%3$I), ROW(w.%3$I)) OR b.%3$I::text IS DISTINCT FROM w.%3$I::text ORDER BY b.id $q$, step, k.type, k.name)
        LOOP RETURN NEXT line; END LOOP;
    END LOOP;
    RETURN QUERY EXECUTE $q$ SELECT $1 || ': ' || count(*) || ' rows are missing, double or changed' FROM (
        (SELECT b::text, ts FROM before b EXCEPT ALL SELECT w::text, ts FROM wide w) UNION ALL (SELECT w::text, ts FROM wide w EXCEPT ALL SELECT b::text, ts FROM before b)) d
        HAVING count(*) > 0 $q$ USING step;
END $$;
SELECT differences('before it is archived');
SELECT kpi.set_retention('wide', archive_after => '90 days', store => :'store', schedule => NULL) \g /dev/null
CALL kpi.archive('wide');
SELECT 'not archived' WHERE to_regclass('wide_old') IS NOT NULL AND EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass('wide_old'));
SELECT differences('archived');
-- A comparison that is pushed down finds what a comparison of the same value over plain rows finds.
CREATE FUNCTION lookups() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE k record; operator text; s text; line text;
BEGIN
    FOR k IN SELECT n, type, samples FROM kind WHERE EXISTS (SELECT FROM pg_opclass o JOIN pg_am a ON a.oid = o.opcmethod
            WHERE a.amname = 'btree' AND o.opcdefault AND o.opcintype = to_regtype(type)) OR type = 'mood' LOOP
        FOREACH s IN ARRAY k.samples LOOP
            FOREACH operator IN ARRAY '{=,<,<=,>,>=,<>}'::text[] LOOP
                FOR line IN EXECUTE format($q$ SELECT format('%%s %%s %%s: rows %%s are rows %%s', %1$L::text, %2$L::text, %3$L::text, b.ids, w.ids)
                    FROM (SELECT array_agg(id ORDER BY id) AS ids FROM before WHERE c%4$s %2$s %5$L::%1$s) b,
                         (SELECT array_agg(id ORDER BY id) AS ids FROM wide WHERE c%4$s %2$s %5$L::%1$s) w WHERE b.ids IS DISTINCT FROM w.ids $q$,
                    k.type, operator, left(s, 60), k.n, s)
                LOOP RETURN NEXT line; END LOOP;
            END LOOP;
        END LOOP;
        FOR line IN EXECUTE format($q$ SELECT format('%%s IS NULL: %%s rows are %%s rows', %1$L::text, b.n, w.n) FROM (SELECT count(*) AS n FROM before WHERE c%2$s IS NULL) b,
            (SELECT count(*) AS n FROM wide WHERE c%2$s IS NULL) w WHERE b.n <> w.n $q$, k.type, k.n)
        LOOP RETURN NEXT line; END LOOP;
    END LOOP;
END $$;
SELECT lookups();
CALL kpi.restore('wide', '-infinity', 'infinity', keep => '0');
SELECT differences('restored');
