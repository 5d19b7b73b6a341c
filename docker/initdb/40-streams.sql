-- What the bridge's page shows of the demo is published: a start script of docker/compose.yml.
\set ON_ERROR_STOP on
SELECT kpi.start_stream(code, period)
FROM unnest('{revenue,orders,aov,conversion,apdex,error_rate}'::text[]) code, unnest('{minute,hour,day}'::text[]) period;
