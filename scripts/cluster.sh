# shellcheck shell=bash
# For scripts that build the extension and talk to one of the private servers.

# Builds and installs, and shows what the compiler said only when it did not like something.
build_quietly() {
  if ! "$SCRIPTS/build" >"$STATE/build.log" 2>&1; then
    tail -n 60 "$STATE/build.log" >&2
    die "the build failed; its log is $STATE/build.log"
  fi
}

# Exports what every PostgreSQL client reads, and what the suites and benchmarks are promised (see CONTRIBUTING.md).
use_cluster() {
  unset PGDATA PGPASSWORD PGPASSFILE PGOPTIONS PGSERVICE PGTZ PGDATESTYLE PGCLIENTENCODING PGAPPNAME
  eval "$("$SCRIPTS/server" settings "$1")"
  export PGHOST PGPORT PGUSER PGDATABASE=postgres
  export PG_BINDIR PG_RUNAS="${RUNAS[*]}"
  PATH=$PG_BINDIR:$PATH
  find_shared_data
  if [ -n "${PG_KPI_SHARED:-}" ]; then export PG_KPI_SHARED; fi
}
