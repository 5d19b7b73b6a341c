-- The role that the bridge reads with: KPIs through their views, and no raw table. Its password is taken from the environment:
-- BRIDGE_DATABASE_PASSWORD. Or: ALTER ROLE bridge PASSWORD '...';
SELECT 'CREATE ROLE bridge LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bridge') \gexec
GRANT USAGE ON SCHEMA kpi, kpi_views TO bridge;
GRANT SELECT ON ALL TABLES IN SCHEMA kpi_views TO bridge;
ALTER DEFAULT PRIVILEGES IN SCHEMA kpi_views GRANT SELECT ON TABLES TO bridge;
\getenv password BRIDGE_DATABASE_PASSWORD
\if :{?password}
ALTER ROLE bridge PASSWORD :'password';
\endif
