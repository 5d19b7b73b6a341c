# shellcheck shell=bash
# shellcheck disable=SC2034  # the variables are for those who read this file
# Read by every script here: where things are, which PostgreSQL is used, as whom its server runs.
#
# A person may set: PG_CONFIG (which PostgreSQL to build for), PG_KPI_CACHE or CARGO_TARGET_DIR (where to build).
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
SCRIPTS=$ROOT/scripts

# Everything that belongs to this checkout's servers. A link elsewhere when the server's user cannot reach the checkout.
STATE=${PG_KPI_STATE:-$ROOT/.pg}
if [ -d "$STATE" ]; then STATE=$(cd "$STATE" && pwd -P); fi

# The majors that pgrx and the crate's features know, the one that is tested first in front.
PG_MAJORS=(15 16 17 18)

die() {
  printf 'error: %s\n' "$1" >&2
  shift
  [ $# -eq 0 ] || printf '       %s\n' "$@" >&2
  exit 1
}

say() { printf '%s\n' "$*" >&2; }

is_root() { [ "$(id -u)" -eq 0 ]; }

# Rust: a toolchain in ~/.cargo/bin counts even where the shell's PATH does not name it.
if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
  PATH=$HOME/.cargo/bin:$PATH
fi

# The build cache is outside the checkout, so that the next checkout finds it; inside where that cannot be written.
CACHE=${PG_KPI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pg_kpi}
if ! mkdir -p "$CACHE" 2>/dev/null || [ ! -w "$CACHE" ]; then
  CACHE=$ROOT
fi
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$CACHE/target}

# cargo-pgrx has to be of exactly the version that the workspace pins; ours goes beside the cache, so that a
# person's own cargo-pgrx of another version stays as it is.
PGRX_VERSION=$(sed -n 's/^pgrx = "=\([0-9.]*\)"$/\1/p' "$ROOT/Cargo.toml")
TOOLS=$CARGO_TARGET_DIR/tools
# Once only: a PATH that grows from script to script would have pgrx make its bindings again.
if [[ :$PATH: != *:$TOOLS/bin:* ]]; then PATH=$TOOLS/bin:$PATH; fi

# Sets PG_CONFIG to a PostgreSQL that has both the server and its headers; fails where there is none.
find_postgres() {
  local major candidate
  if [ -n "${PG_CONFIG:-}" ]; then
    PG_CONFIG=$(command -v "$PG_CONFIG") || die "there is no pg_config at $PG_CONFIG" "give PG_CONFIG=/path/to/pg_config"
    return 0
  fi
  for major in "${PG_MAJORS[@]}"; do
    candidate=/usr/lib/postgresql/$major/bin/pg_config
    if [ -x "$candidate" ] && [ -x "${candidate%pg_config}postgres" ] &&
      [ -r "/usr/include/postgresql/$major/server/postgres.h" ]; then
      PG_CONFIG=$candidate
      return 0
    fi
  done
  return 1
}

# Sets what follows from PG_CONFIG: PG_MAJOR, SERVER (the private copy), PG_BINDIR and PGXS_TEST (pg_regress and kin).
use_postgres() {
  find_postgres || die "no PostgreSQL server with its headers was found" "run: make setup" \
    "or give one: make ... PG_CONFIG=/path/to/pg_config"
  PG_MAJOR=$("$PG_CONFIG" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/')
  [[ " ${PG_MAJORS[*]} " = *" $PG_MAJOR "* ]] || die "pg_kpi is for PostgreSQL 15 to 18, and this is $("$PG_CONFIG" --version)" \
    "give another one: make ... PG_CONFIG=/path/to/pg_config"
  SERVER=$STATE/server-$PG_MAJOR
  PG_BINDIR=$SERVER$("$PG_CONFIG" --bindir)
  PGXS_TEST=$(dirname "$("$PG_CONFIG" --pgxs)")/../test
  # Read by pgrx in place of ~/.pgrx/config.toml: no `cargo pgrx init` is needed, and nobody's configuration is touched.
  export PGRX_PG_CONFIG_PATH=$PG_CONFIG
  # The private copy's paths differ from checkout to checkout; building against the original keeps the cache good for all.
  PG_FEATURES=(--no-default-features --features "pg_kpi/pg$PG_MAJOR")
  export PG_MAJOR PG_BINDIR
}

# Data sets that several projects share, where there are any.
find_shared_data() {
  if [ -z "${PG_KPI_SHARED:-}" ] && [ -d "$ROOT/../shared" ]; then
    PG_KPI_SHARED=$(cd "$ROOT/../shared" && pwd -P)
  fi
}

# The command prefix that makes a process run as the server's user: empty for an ordinary user.
# PostgreSQL refuses to run as root.
server_user() {
  RUNAS=()
  is_root || return 0
  local user=nobody
  if id -u postgres >/dev/null 2>&1; then user=postgres; fi
  command -v runuser >/dev/null || die "runuser is missing: the server cannot run as root" "apt-get install util-linux"
  RUNAS=(runuser -u "$user" --)
}

# Runs a command as the server's user, from a directory that this user can be in.
as_server() { (cd / && exec "${RUNAS[@]}" "$@"); }

# Hands files over to the server's user.
give_to_server() {
  if is_root; then chown -R "${RUNAS[2]}" "$@"; fi
}

# Makes STATE a directory that the server's user can reach.
make_state() {
  [ -d "$STATE" ] && return 0
  rm -f "$STATE" # a link whose target is gone
  if is_root && ! as_server test -x "$ROOT"; then
    local reachable
    reachable=/var/cache/pg_kpi/$(basename "$ROOT")-$(printf %s "$ROOT" | cksum | cut -d' ' -f1)
    mkdir -p "$reachable"
    ln -s "$reachable" "$STATE"
    STATE=$reachable
  else
    mkdir "$STATE"
  fi
}

server_user

# Checkouts share the build cache, and to cargo the same crate in two of them is one, fresh when its files are older than what was
# built: of another checkout, perhaps. So who comes after another one has the workspace's own crates compiled again.
claim_cache() {
  local stamp=$CARGO_TARGET_DIR/.checkout
  if [ "$(cat "$stamp" 2>/dev/null)" = "$ROOT" ]; then return 0; fi
  mkdir -p "$CARGO_TARGET_DIR"
  rm -rf "$CARGO_TARGET_DIR"/*/.fingerprint/{pg_kpi,kpi-*,exactness,bench-stream}-*
  echo "$ROOT" >"$stamp"
}
