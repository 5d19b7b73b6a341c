-- The role that Grafana reads with: KPIs through their views, and what the dashboards show of definitions and rollups. It sees no
-- raw table. Its password is taken from the environment: GRAFANA_DATABASE_PASSWORD. Or: ALTER ROLE grafana PASSWORD '...';
SELECT 'CREATE ROLE grafana LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'grafana') \gexec
GRANT USAGE ON SCHEMA kpi, kpi_views TO grafana;
GRANT SELECT ON ALL TABLES IN SCHEMA kpi_views TO grafana;
ALTER DEFAULT PRIVILEGES IN SCHEMA kpi_views GRANT SELECT ON TABLES TO grafana;
-- Jobs of all owners.
GRANT pg_monitor TO grafana;
\getenv password GRAFANA_DATABASE_PASSWORD
\if :{?password}
ALTER ROLE grafana PASSWORD :'password';
\endif
