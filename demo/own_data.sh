#!/usr/bin/env bash
# own_data.sh FILE SVG: the demo on FILE, a CSV file with the columns time and value, then any dimensions. Called by run.sh.
set -euo pipefail
file=$1 svg=$2
cd "$(dirname "$0")"

if [ ! -f "$file" ] || [ ! -r "$file" ]; then
    echo "error: cannot read the file $file" >&2
    echo 'HINT:  Give a CSV file with the columns time and value: make demo DATA=orders.csv' >&2
    exit 1
fi
# Files from Windows end their lines with CR LF, and joined ones mix both ends. An error's place in the script says nothing
# to a reader whose file is at fault. Its filter is part of the pipeline, so that nobody who waits for this script waits for
# less than all it says.
{
    tr -d '\r' < "$file" | psql -X -q -v ON_ERROR_STOP=1 -v svg="$svg" -f own_data.sql 2>&1 >&3 3>&- |
        sed -E 's/^psql:[^:]*:[0-9]+: //' >&2
} 3>&1
