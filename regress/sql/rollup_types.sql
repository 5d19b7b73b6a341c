--
-- Dimensions and values of every sort of type: enums, domains, booleans, arrays, NULL and the empty text apart, NaN and
-- infinity, numerics beyond what a double can hold, and functions of the user's own in formulas.
--
CREATE SCHEMA rollup_types;
SET search_path = rollup_types;

CREATE TYPE size AS ENUM ('small', 'large');
CREATE DOMAIN grade AS int CHECK (VALUE BETWEEN 1 AND 5);
CREATE TABLE item (at timestamptz, size size, grade grade, tags text[], late bool, name text, span interval, cost numeric,
                   weight float8, big bigint, short varchar(3));
CREATE INDEX ON item (at);
INSERT INTO item VALUES
('2026-01-01 00:00Z', 'small', 1, '{a,b}', true, '', '1 hour', 0.1, 1, 9223372036854775807, 'abc'),
('2026-01-01 00:01Z', 'small', 2, '{a,b}', false, NULL, '30 minutes', 0.2, 'NaN', 9223372036854775807, 'abc'),
('2026-01-01 12:00Z', 'large', 1, NULL, NULL, '', NULL, 1e30, 'infinity', 1, NULL),
('2026-01-02 00:00Z', NULL, NULL, '{}', true, 'x', '2 days', 1, NULL, NULL, 'a''b');

CREATE FUNCTION double(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
SELECT kpi.create_source('types', 'item', 'at',
    ARRAY['size', 'grade', 'tags', 'late', 'name', 'short', 'first letter => left(name, 1)', '"Twice" => grade * 2']);
SELECT kpi.create_kpi('types_count', 'types', 'count(*)');
SELECT kpi.create_kpi('types_cost', 'types', 'sum(cost)');
SELECT kpi.create_kpi('types_small_cost', 'types', 'sum(cost) FILTER (WHERE size = ''small'') - 0.3');
SELECT kpi.create_kpi('types_double', 'types', 'sum(double(cost))');
SELECT kpi.create_kpi('types_weight', 'types', 'sum(weight)');
SELECT kpi.create_kpi('types_big', 'types', 'sum(big)');
SELECT kpi.create_kpi('types_span', 'types', 'avg(span)');
SELECT kpi.create_kpi('types_late', 'types', 'bool_or(late)');
SELECT kpi.create_kpi('types_size', 'types', 'count(*) FILTER (WHERE size = ''large''::size)');
SELECT kpi.create_kpi('types_newest', 'types', 'extract(epoch FROM max(at) - min(at))');
SELECT kpi.create_kpi('RL.1.1 % of "late"', 'types', 'sum(late::int)::float8 / count(*)');

-- Every dimension, before a refresh and after it; sums are made in numeric, so 0.1 + 0.2 - 0.3 is 0.
\set by_each 'SELECT d, dimensions, sum(value) AS value FROM unnest(''{size,grade,tags,late,name,short,first letter,Twice}''::text[]) d, kpi.value(''types_count'', ''day'', by => ARRAY[d]) GROUP BY 1, 2 ORDER BY 1, 2;'
\set values 'SELECT code, ts::date, value FROM kpi.catalog, kpi.value(code, ''day'') WHERE source = ''types'' ORDER BY code, ts;'
:by_each
:values
SELECT rows_read FROM kpi.refresh('types');
:by_each
:values

-- Filters on each type
\set filtered 'SELECT f, sum(value) FROM unnest(ARRAY[''size = ''''small'''''', ''grade = 1'', ''grade > 1 AND late'', ''late IS NULL'', ''name = '''''''''', ''name IS NULL'', ''short = ''''a''''''''b'''''', ''"first letter" = ''''x'''''', ''"Twice" IN (2, 4)'']) f LEFT JOIN LATERAL kpi.value(''types_count'', ''day'', filter => f) ON true GROUP BY f ORDER BY f;'
:filtered
INSERT INTO item SELECT at + interval '10 seconds', size, grade, tags, late, name, span, cost, weight, NULL, short FROM item;
:filtered
:by_each
SELECT buckets, rows_read FROM kpi.refresh('types');
:filtered

-- The typed view has the types; the views over all KPIs have jsonb.
\d kpi_views.types_count
SELECT ts::date, size, grade, tags, late, name, short, "first letter", "Twice", value
FROM kpi_views.types_count WHERE period = 'day' ORDER BY ts, size, grade;
SELECT code, ts::date, dimensions, value FROM kpi.values_day WHERE code = 'types_count' AND ts >= '2026-01-02Z' ORDER BY 2, 3;
SELECT count(*) FROM kpi.values_minute WHERE code IN ('types_count', 'types_cost') AND ts < '2026-01-02Z';
SELECT value FROM kpi_views."rl_1_1___of__late_" WHERE period = 'year' AND size = 'small' AND grade = 1;

-- A value of the enum may be renamed; the type of a column that a KPI uses may not be changed.
ALTER TYPE size RENAME VALUE 'large' TO 'huge';
SELECT dimensions, sum(value) FROM kpi.value('types_count', 'year', by => '{size}') GROUP BY 1 ORDER BY 1;
ALTER TABLE item ALTER short TYPE text;

SELECT kpi.drop_source('types', cascade => true);
SET client_min_messages = warning;
DROP SCHEMA rollup_types CASCADE;
