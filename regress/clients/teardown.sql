-- Nothing is left in the cluster but the suite's database.
SET client_min_messages = warning;
DROP OWNED BY kpi_clients;
DROP ROLE kpi_clients;
