#!/usr/bin/env bash
# Scores the series of the Numenta Anomaly Benchmark with kpi.anomaly_score in SQL, one configuration for all, and prints the three
# profiles of its scoreboard: with the threshold that is best over all files, as the scoreboard is made, and with the threshold
# that is the default of kpi.detector, as a person runs it.
#
# usage: accuracy.sh
#
# PG_KPI_SHARED names the folder that holds data/anomaly/nab_series.csv, nab_windows.csv and the scorer, tools/nab_score.py.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/env.sh"
. "$SCRIPTS/cluster.sh"

find_shared_data
folder=${PG_KPI_SHARED:-../shared}
scorer=$folder/tools/nab_score.py
data=$folder/data/anomaly
for file in "$scorer" "$data/nab_series.csv" "$data/nab_windows.csv"; do
  if [ ! -r "$file" ]; then
    echo "skip - anomaly scores need $file; PG_KPI_SHARED=/folder names another place"
    exit 0
  fi
done

if [ -z "${PGDATABASE:-}" ]; then
  "$SCRIPTS/setup"
  use_postgres
  make_state
  build_quietly
  trap '"$SCRIPTS/server" stop bench' EXIT
  "$SCRIPTS/server" fresh bench
  use_cluster bench
  "$SCRIPTS/with-database" accuracy "$0"
  exit
fi

scores=$(mktemp)
trap 'rm "$scores"' EXIT
# A clock that was set back leaves times twice and out of order: the order of the rows is that of the file.
psql -Xq -v ON_ERROR_STOP=1 >"$scores" <<SQL
CREATE TEMP TABLE points (place bigint GENERATED ALWAYS AS IDENTITY, file text, ts timestamp, value float8);
\\copy points (file, ts, value) FROM '$data/nab_series.csv' WITH (FORMAT csv, HEADER)
\\copy (SELECT file, ts, coalesce(score, 0) AS score FROM (SELECT *, kpi.anomaly_score(ts AT TIME ZONE 'UTC', value) OVER (PARTITION BY file ORDER BY place ROWS UNBOUNDED PRECEDING) AS score FROM points) scored ORDER BY place) TO STDOUT WITH (FORMAT csv, HEADER)
SQL
echo "at the best threshold over all files:"
python3 "$scorer" "$data/nab_windows.csv" "$scores"
echo "at the default threshold:"
python3 "$scorer" "$data/nab_windows.csv" "$scores" --threshold 0.999
