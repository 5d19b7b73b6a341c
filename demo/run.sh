#!/usr/bin/env bash
# Runs the demo on the server that PGHOST, PGPORT, PGUSER and PGDATABASE name:
#
#   demo/run.sh                 half a year of a web shop, made by demo/generate.sql
#   DATA=file.csv demo/run.sh   your own data: columns time and value, then any dimensions
#
# A second run finds its data and KPIs in place and only prints. SVG names the picture (default: demo.svg beside the README).
set -euo pipefail
# Files are named from where the person stands.
if [ -n "${DATA:-}" ]; then DATA=$(readlink -m -- "$DATA"); fi
if [ -n "${SVG:-}" ]; then SVG=$(readlink -m -- "$SVG"); fi
cd "$(dirname "$0")"
SVG=${SVG:-$(dirname "$PWD")/demo.svg}

# Raise the version with every change of what generate.sql makes or define.sql defines: the next run then makes it anew.
version=1
seed=1

run() { psql -X -q -v ON_ERROR_STOP=1 "$@"; }
ask() { run -At -c "$1"; }

export PGCLIENTENCODING=UTF8
export PGOPTIONS="${PGOPTIONS:-} -c client_min_messages=warning"
run -c 'CREATE EXTENSION IF NOT EXISTS pg_kpi'

if [ -n "${DATA:-}" ]; then
    exec ./own_data.sh "$DATA" "$SVG"
fi

loaded=$(ask "SELECT to_regclass('shop.generated') IS NOT NULL")
if [ "$loaded" = t ]; then
    loaded=$(ask "SELECT coalesce(bool_or(version = $version AND seed = $seed), false) FROM shop.generated")
fi
if [ "$loaded" != t ]; then
    echo "Making 180 days of a web shop: 1.1 million rows."
    run -v version="$version" -v seed="$seed" -f generate.sql
fi
if [ "$(ask "SELECT count(*) FROM kpi.catalog WHERE code = 'RL.1.1'")" = 0 ]; then
    echo "Defining its KPIs and rolling them up."
    run -f define.sql >/dev/null
fi
run -f late.sql
run -f show_shop.sql -v svg="$SVG"
