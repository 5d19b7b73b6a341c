#!/bin/sh
# Concurrent random writers, refreshers and readers: every KPI value against plain SQL in one snapshot.
#
# Needs PGHOST, PGPORT and PGUSER (a superuser) of a cluster with pg_kpi installed and max_prepared_transactions > 0;
# makes and drops its own database. EXACTNESS_SEED=n repeats the random choices of a run that failed.
set -eu
cd "$(dirname "$0")"
cargo build --quiet --package exactness
target=$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
exec "$target/debug/exactness"
