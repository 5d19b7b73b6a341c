#!/usr/bin/env bash
# The dashboards of docker/grafana: every panel's SQL, run against the demo as the role that Grafana has.
#
# Needs PGHOST, PGPORT, PGUSER (a superuser) and PGDATABASE, a database into which the demo may be loaded.
set -euo pipefail
cd "$(dirname "$0")"
picture=$(mktemp --suffix=.svg)
trap 'rm -f "$picture"; psql -Xq -c "DROP OWNED BY grafana" -c "DROP ROLE grafana" >/dev/null 2>&1 || true' EXIT
SVG=$picture ../../demo/run.sh >/dev/null
psql -Xq -v ON_ERROR_STOP=1 -f ../../docker/grafana/role.sql
# A panel about runs shows something only when there has been one.
psql -Xq -v ON_ERROR_STOP=1 -f ../../demo/jobs.sql -c "SELECT kpi.run_job('check targets')" >/dev/null
PYTHONDONTWRITEBYTECODE=1 python3 panels.py
