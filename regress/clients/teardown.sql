-- Nothing is left in the cluster but the suite's database, and in that nothing is streamed.
SET client_min_messages = warning;
SELECT kpi.stop_stream('scan_time') \g /dev/null
SELECT kpi.remove_subscriber(name) FROM kpi.subscriber \g /dev/null
DROP OWNED BY kpi_clients;
DROP ROLE kpi_clients;
