#!/usr/bin/env bash
# From the checkout to a server that somebody else runs: the Debian package, and the steps of docker/Dockerfile.
#
# Builds the package for the PostgreSQL that the suite runs on, and makes a root file system of this machine's release with the
# server's packages and nothing else (once; a minute). clean_root.sh then works in a copy of it that is gone with the last process:
# its mounts, network and processes are its own. Needs root, for that; no Docker engine.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
unset PGHOST PGPORT PGUSER PGDATABASE PGOPTIONS
# As it was for the build before: pgrx's bindings are made again whenever PATH is another.
if [ -n "${PG_BINDIR:-}" ]; then PATH=${PATH#"$PG_BINDIR:"}; fi
. scripts/env.sh
. scripts/roots.sh
set +e

skip() {
  echo "skip - $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}
failed() {
  echo "not ok - $1"
  sed 's/^/#   /' "$work/said" | tail -n 30
  echo "0 passed, 1 failed"
  exit 1
}

is_root || skip 'a root file system of its own needs root'
choose_root_way || skip "$ROOT_REASON"
[ "$ROOT_WAY" = chroot ] || skip 'a root file system of its own cannot be made here'
unshare --mount --net --pid --fork true 2>/dev/null || skip 'this root may not make network and process namespaces'
use_postgres
[ "$("$PG_CONFIG" --bindir)" = "/usr/lib/postgresql/$PG_MAJOR/bin" ] || skip "this PostgreSQL is not Debian's"
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-unknown}")

work=$(mktemp -d /tmp/kpi.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT
need_mmdebstrap >"$work/said" 2>&1 || failed 'mmdebstrap is there'
image=$(docker/make-root "$PG_MAJOR" "$CARGO_TARGET_DIR/roots" image 2>"$work/said") || failed 'a clean root file system is made'
# What is built on one release is not for another.
[[ ${image##*/} = "$release"-* ]] || skip "the packages of PostgreSQL $PG_MAJOR are for ${image##*/}, and this is $release"
mkdir "$work/files"
deb=$(scripts/deb "$work/files" 2>"$work/said") || failed 'the package is built'

# The files at which the Dockerfile's steps find each other.
cp docker/{packages,list-packages,install-packages,install-deb,entrypoint,Dockerfile} "$work/files"
cp -r demo docker/initdb "$work/files"
find "$work/files" -type d -exec chmod 755 {} +
find "$work/files" -type f -exec chmod a+rX {} +
unshare --mount --net --pid --fork --kill-child \
  bash regress/packaging/clean_root.sh "$image" "$work" "$PG_MAJOR" "$(basename "$deb")"
