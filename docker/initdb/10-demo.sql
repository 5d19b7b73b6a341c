-- The demo, in the image's database: a start script of docker/compose.yml, which mounts demo/ as /demo.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
-- So that demo/run.sh, run against this database, finds its data in place.
\set version `sed -n 's/^version=//p' /demo/run.sh`
\set seed `sed -n 's/^seed=//p' /demo/run.sh`
\cd /demo
\i generate.sql
\i define.sql
\i late.sql
\i jobs.sql
