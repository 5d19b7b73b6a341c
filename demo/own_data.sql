-- The demo on a person's own data: a CSV file on standard input, whose columns are time and value, then any dimensions.
-- It is read line by line, so that what is wrong with it can be said with the number of the line.
\set ON_ERROR_STOP on
\set VERBOSITY default
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

BEGIN;
DROP SCHEMA IF EXISTS own CASCADE;
CREATE SCHEMA own;
CREATE UNLOGGED TABLE own.line (no bigint GENERATED ALWAYS AS IDENTITY, line text);
-- One column to a line: bytes that no text file holds stand where the delimiter and the quote would.
\copy own.line (line) FROM pstdin WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02')

-- The fields of one line of CSV.
CREATE FUNCTION own.fields(line text, delimiter text) RETURNS text[]
LANGUAGE sql IMMUTABLE
RETURN (SELECT array_agg(CASE WHEN m[1] LIKE '"%' THEN replace(substr(m[1], 2, length(m[1]) - 2), '""', '"') ELSE m[1] END)
        FROM regexp_matches(line || delimiter, format('("(?:[^"]|"")*"|[^%1$s]*)%1$s', delimiter), 'g') m);

CREATE FUNCTION own.is_time(field text) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    RETURN isfinite(field::timestamptz);
EXCEPTION WHEN data_exception THEN
    RETURN false;
END $$;

CREATE FUNCTION own.is_number(field text) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    RETURN field::numeric NOT IN ('NaN', 'Infinity', '-Infinity');
EXCEPTION WHEN data_exception THEN
    RETURN false;
END $$;

-- Makes own.data out of own.line: time timestamptz, value numeric, dimensions text. Returns the names of the dimensions.
CREATE FUNCTION own.load() RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    header    text := (SELECT trim(both E'\uFEFF ' FROM line) FROM own.line WHERE no = 1);
    delimiter text := CASE WHEN header LIKE E'%\t%' THEN E'\t' WHEN header LIKE '%;%' THEN ';' ELSE ',' END;
    named     text[] := (SELECT array_agg(trim(f)) FROM unnest(own.fields(header, delimiter)) f);
    columns   text[] := (SELECT array_agg(regexp_replace(lower(f), '\W+', '_', 'g')) FROM unnest(named) f);
    time_no   int := (SELECT min(i) FROM unnest(columns) WITH ORDINALITY c (f, i)
                      WHERE f IN ('time', 'timestamp', 'ts', 'date', 'datetime', 'day'));
    value_no  int := array_position(columns, 'value');
    clean     bool;
    bad       record;
BEGIN
    IF header IS NULL THEN
        RAISE EXCEPTION 'the file is empty'
            USING ERRCODE = 'invalid_text_representation', HINT = 'Give a CSV file whose first line is: time,value';
    ELSIF own.is_time(named[1]) THEN
        RAISE EXCEPTION 'the file has no header'
            USING ERRCODE = 'invalid_text_representation', DETAIL = format('Line 1 is data: %s', header),
                  HINT = 'Put a first line that names the columns: time,value, then the names of the dimensions.';
    ELSIF time_no IS NULL OR value_no IS NULL THEN
        RAISE EXCEPTION 'the file has no column "%"', CASE WHEN time_no IS NULL THEN 'time' ELSE 'value' END
            USING ERRCODE = 'undefined_column', DETAIL = format('Line 1 names: %s', array_to_string(named, ', ')),
                  HINT = 'Name the column of times "time" and the column of numbers "value"; all others are dimensions.';
    END IF;
    SELECT f, count(*) INTO bad FROM unnest(columns) f GROUP BY f HAVING count(*) > 1 OR f IN ('', '_') LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the header names % "%"', CASE WHEN bad.count > 1 THEN 'more than one column' ELSE 'a column' END, bad.f
            USING ERRCODE = 'duplicate_column', DETAIL = format('Line 1 is: %s', header), HINT = 'Give every column a name of its own.';
    END IF;

    CREATE UNLOGGED TABLE own.field AS
    SELECT no, CASE WHEN line LIKE '%"%' THEN own.fields(line, delimiter) ELSE string_to_array(line, delimiter) END AS f
    FROM own.line WHERE no > 1 AND trim(line) <> '';
    SELECT no, cardinality(f) AS fields INTO bad FROM own.field WHERE cardinality(f) <> cardinality(columns) ORDER BY no LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'line % has %, the header has %', bad.no,
                        CASE bad.fields WHEN 1 THEN '1 field' ELSE format('%s fields', bad.fields) END, cardinality(columns)
            USING ERRCODE = 'bad_copy_file_format', DETAIL = format('Line %s is: %s', bad.no, (SELECT line FROM own.line WHERE no = bad.no)),
                  HINT = 'Give every line as many fields as the header; put a field that holds the delimiter in double quotes.';
    ELSIF NOT EXISTS (SELECT FROM own.field) THEN
        RAISE EXCEPTION 'the file has a header and no data'
            USING ERRCODE = 'bad_copy_file_format', HINT = 'Put lines like this below it: 2025-01-01 00:00:00,42';
    END IF;

    -- A KPI's view has columns of these names already.
    columns := (SELECT array_agg(CASE WHEN f IN ('ts', 'period', 'target', 'status') AND i <> time_no THEN 'dim_' || f ELSE f END
                                 ORDER BY i)
                FROM unnest(columns) WITH ORDINALITY c (f, i));
    BEGIN
        EXECUTE format('CREATE TABLE own.data AS
                        SELECT f[%s]::timestamptz AS "time", nullif(trim(f[%s]), '''')::numeric AS value%s FROM own.field',
                       time_no, value_no,
                       (SELECT string_agg(format(', f[%s] AS %I', i, f), '' ORDER BY i)
                        FROM unnest(columns) WITH ORDINALITY c (f, i) WHERE i NOT IN (time_no, value_no)));
        clean := NOT EXISTS (SELECT FROM own.data
                             WHERE NOT isfinite("time") OR value IN ('NaN', 'Infinity', '-Infinity'));
    EXCEPTION WHEN data_exception THEN
        clean := false;
    END;
    IF NOT clean THEN
        SELECT no, f INTO bad FROM own.field
        WHERE NOT own.is_time(f[time_no]) OR (trim(f[value_no]) <> '' AND NOT own.is_number(f[value_no])) ORDER BY no LIMIT 1;
        IF own.is_time(bad.f[time_no]) THEN
            RAISE EXCEPTION 'line %: "%" is not a number', bad.no, bad.f[value_no]
                USING ERRCODE = 'invalid_text_representation',
                      HINT = 'Write numbers as 1234.5, with a point and without separators; leave the field empty where the value is missing.';
        END IF;
        RAISE EXCEPTION 'line %: "%" is not a time', bad.no, bad.f[time_no]
            USING ERRCODE = 'invalid_datetime_format',
                  HINT = 'Write times as 2025-01-31 18:30:00, with an offset such as +01:00 where they are not in UTC.';
    END IF;
    DROP TABLE own.field, own.line;
    RETURN (SELECT coalesce(array_agg(f ORDER BY i), '{}')
            FROM unnest(columns) WITH ORDINALITY c (f, i) WHERE i NOT IN (time_no, value_no));
END $$;
SELECT own.load() AS dimensions \gset
COMMIT;

-- What the sections below are about. The period follows from the usual distance of the points and the time that they cover.
-- The last bucket counts only if the data nearly reach its end, since half a day looks like a collapse.
CREATE INDEX ON own.data ("time");
ANALYZE own.data;
SELECT CASE WHEN step >= interval '20 days' THEN 'month' WHEN step >= interval '5 days' THEN 'week'
            WHEN last - first >= interval '21 days' OR step >= interval '6 hours' THEN 'day'
            WHEN last - first >= interval '21 hours' OR step >= interval '15 minutes' THEN 'hour' ELSE 'minute' END AS period,
       first, last, step
FROM (SELECT min("time") AS first, max("time") AS last, coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY gap), '1 minute') AS step
      FROM (SELECT "time", "time" - lag("time") OVER (ORDER BY "time") AS gap FROM (SELECT DISTINCT "time" FROM own.data) t) g) d \gset
SELECT timestamptz :'last' + interval :'step' + ('1 ' || :'period')::interval / 20 AS past \gset
SELECT to_char(t, 'YYYY-MM-DD HH24:MI') AS since FROM date_trunc(:'period', timestamptz :'first') t \gset
SELECT to_char(greatest(date_trunc(:'period', timestamptz :'past'), timestamptz :'since' + ('1 ' || :'period')::interval),
               'YYYY-MM-DD HH24:MI') AS until \gset

\ir define_own.sql
\ir show_own.sql
