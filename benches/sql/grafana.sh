#!/usr/bin/env bash
# What the panels of docker/grafana take on the demo, each the median of nine runs.
. "$(dirname "$0")/measure.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)
picture=$(mktemp --suffix=.svg)
trap 'rm -f "$picture"' EXIT
SVG=$picture "$root/demo/run.sh" >/dev/null
run -f "$root/docker/grafana/role.sql" >/dev/null
while IFS='|' read -r panel took; do
  result "Grafana, $panel" "$(ms "$took")" "-" "-" "<= 50 ms"
done < <(PYTHONDONTWRITEBYTECODE=1 python3 "$root/regress/grafana/panels.py" --times)
run -c 'DROP OWNED BY grafana' -c 'DROP ROLE grafana'
