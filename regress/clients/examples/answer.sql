-- What the examples print.
SELECT extract(epoch FROM ts)::bigint, region, round(value::numeric, 2) FROM kpi_views.fees
WHERE period = 'day' AND ts >= '2025-03-29 23:00Z' AND region = 'north' AND dock = 1 ORDER BY ts, value;
SELECT count(*), 'minutes' FROM kpi_views.fees WHERE period = 'minute';
