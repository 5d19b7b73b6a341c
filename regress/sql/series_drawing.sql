--
-- A series as a picture: kpi.sparkline in a line of text, kpi.lttb for other tools' charts, kpi.chart as SVG.
--
CREATE TABLE shop AS
    SELECT kpi.series(ts, CASE WHEN n NOT BETWEEN 30 AND 33 THEN 100 + n + 40 * sin(n * 2 * pi() / 7) END) AS s
    FROM generate_series('2026-01-01 00:00Z'::timestamptz, '2026-02-28 00:00Z', '1 day') WITH ORDINALITY AS days (ts, n);
SELECT kpi.sparkline(s), kpi.sparkline(s, 59), kpi.sparkline(s, width => 8) FROM shop;

-- A gap, NaN and infinities are blank; one value, or all the same, is in the middle.
SELECT '|' || kpi.sparkline(s) || '|' AS line
FROM (VALUES ('[]'::kpi.series),
             ('[["2026-01-01T00:00:00Z", 5]]'),
             ('[["2026-01-01T00:00:00Z", 5], ["2026-01-02T00:00:00Z", 5]]'),
             ('[["2026-01-01T00:00:00Z", -1e308], ["2026-01-02T00:00:00Z", null], ["2026-01-03T00:00:00Z", "NaN"],
               ["2026-01-04T00:00:00Z", "Infinity"], ["2026-01-05T00:00:00Z", 1e308]]')) AS t (s);

-- lttb keeps first, last and what stands out, and the break in the line.
SELECT kpi.length(s), kpi.length(kpi.lttb(s, 12)), (SELECT count(value) FROM kpi.points(kpi.lttb(s, 12))) AS values,
       kpi.sparkline(kpi.lttb(s, 12)),
       kpi.first_time(kpi.lttb(s, 12)) = kpi.first_time(s) AND kpi.last_time(kpi.lttb(s, 12)) = kpi.last_time(s) AS same_ends
FROM shop;
SELECT kpi.lttb(s, 100)::text = s::text AS as_it_is FROM shop;
SELECT ts, value FROM kpi.points(kpi.lttb((
    SELECT kpi.series(ts, CASE n WHEN 50 THEN 9 ELSE 0 END)
    FROM generate_series('2026-01-01 00:00Z'::timestamptz, '2026-01-02 00:00Z', '15 minutes') WITH ORDINALITY AS q (ts, n)), 3));

-- The chart is a self-contained SVG document that an XML parser takes.
SELECT xmlparse(DOCUMENT svg) IS DOCUMENT AS well_formed, svg LIKE '%<script%' AS scripts, svg LIKE '%href%' AS links,
       (xpath('string(/*/@width)', svg::xml))[1] AS width, (xpath('string(/*/@height)', svg::xml))[1] AS height
FROM (SELECT kpi.chart(s, title => 'Orders <per> day & "more"') AS svg FROM shop) AS drawn;
CREATE FUNCTION labels(svg text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(label::text, ' | ' ORDER BY n)
    FROM unnest(xpath('//s:text/text()', svg::xml, ARRAY[ARRAY['s', 'http://www.w3.org/2000/svg']])) WITH ORDINALITY AS t (label, n)
$$;
SELECT labels(kpi.chart(s, title => 'Orders <per> day')) FROM shop;

-- The line breaks at the gap: two paths. A single point is a dot.
CREATE FUNCTION shapes(svg text) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s paths, %s dots', (length(svg) - length(replace(svg, '<path d="M', ''))) / 10,
                  (length(svg) - length(replace(svg, '<circle', ''))) / 7)
$$;
SELECT shapes(kpi.chart(s, 300, 200)), shapes(kpi.chart(kpi.lttb(s, 12))) FROM shop;
SELECT shapes(kpi.chart('[["2026-01-01T00:00:00Z", 5]]')), labels(kpi.chart('[["2026-01-01T00:00:00Z", 5]]', 300, 160));

-- Time is that of the session's zone.
SET TimeZone = 'America/New_York';
SELECT labels(kpi.chart(kpi.series(ts, 1), 500))
FROM generate_series('2026-03-07 12:00'::timestamptz, '2026-03-08 18:00', '1 hour') AS ts;
RESET TimeZone;

-- A forecast goes on from the last value, with its band and a legend.
WITH forecast AS (
    SELECT (n, kpi.last_time(s) + n * interval '1 day', 160, 160 - 10 * n, 160 + 10 * n, 'theta')::kpi.forecast_point AS f
    FROM shop, generate_series(1, 14) AS n)
SELECT labels(kpi.chart(s, title => 'With forecast', forecast => ARRAY(SELECT f FROM forecast))),
       shapes(kpi.chart(s, forecast => ARRAY(SELECT f FROM forecast)))
FROM shop;
-- Bounds and values that are missing are left out, as is a point without a time; no forecast at all is fine, too.
SELECT labels(kpi.chart(s, forecast => ARRAY[(1, '2026-03-01', 160, NULL, 'Infinity', NULL)::kpi.forecast_point, NULL,
                                             (2, NULL, 170, 160, 180, NULL)::kpi.forecast_point])),
       kpi.chart(s, forecast => '{}') = kpi.chart(s) AS empty_is_none
FROM shop;

-- What has nothing to draw says so; what is huge, tiny or constant is drawn.
SELECT labels(kpi.chart('[]', title => 'Empty')), labels(kpi.chart('[["2026-01-01T00:00:00Z", null]]', 200, 120));
SELECT labels(kpi.chart('[["2026-01-01T00:00:00Z", 1e300], ["2026-01-02T00:00:00Z", -1e308]]', 300, 160));
SELECT labels(kpi.chart('[["2026-01-01T00:00:00Z", 2e-7], ["2026-01-02T00:00:00Z", 2e-7]]', 300, 160));
SELECT labels(kpi.chart('[["2026-01-01T00:00:00Z", 1234567], ["2026-01-02T00:00:00Z", 2345678]]', 300, 160));
SELECT labels(kpi.chart('[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 2]]', 60, 40)) IS NULL AS too_small_for_labels;

SELECT kpi.sparkline(s, 0) FROM shop;
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.lttb(s, 1) FROM shop;
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.chart(s, width => 10) FROM shop;
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.chart(s, height => 100000) FROM shop;
\echo :LAST_ERROR_SQLSTATE
SELECT kpi.chart(s, forecast => ARRAY[(1, 'infinity', 1, 1, 1, 'x')::kpi.forecast_point]) FROM shop;
\echo :LAST_ERROR_SQLSTATE

DROP FUNCTION labels, shapes;
DROP TABLE shop;
