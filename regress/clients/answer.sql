-- One line of cases.tsv, answered by psql: what statement, and its three parameters.
SELECT :'statement' = 'view' AS is_view, :'statement' = 'values' AS is_values \gset
\if :is_view
SELECT concat_ws('|', depot.shown(ts), depot.shown(period), depot.shown(region), depot.shown(dock), depot.shown(express),
                 depot.shown(value), depot.shown(target), depot.shown(status))
FROM kpi_views.weight
WHERE period = :'what' AND ts >= :'since' AND ts < :'until'
ORDER BY ts, region, dock, express;
\elif :is_values
SELECT concat_ws('|', depot.shown(ts), depot.shown(dimensions->>'region'), depot.shown(dimensions->>'dock'),
                 depot.shown(dimensions->>'express'), depot.shown(value), depot.shown(target), depot.shown(status))
FROM kpi.values_day
WHERE code = :'what' AND ts >= :'since' AND ts < :'until'
ORDER BY ts, dimensions->>'region', dimensions->>'dock', dimensions->>'express';
\else
SELECT concat_ws('|', depot.shown(ts), depot.shown(value)) FROM kpi.value(:'what', 'hour', :'since', :'until');
\endif
