#!/usr/bin/env bash
# docker/bridge: changes reach its clients once and in order, whatever is cut off, killed or restarted on the way; bad requests are
# refused; and the page, in a headless Chromium, shows live values.
#
# Needs PGHOST, PGPORT, PGUSER (a superuser) and PGDATABASE, a database with the extension, on a server that preloads it. Node.js
# and Chromium are installed where they are missing and can be, the bridge's packages are kept in PG_KPI_CACHE.
set -euo pipefail
cd "$(dirname "$0")"
bridge=$(cd ../../docker/bridge && pwd -P)
export PSQLRC=/dev/null PGOPTIONS='-c client_min_messages=warning'

skip_all() {
  printf 'skip - %s\n0 passed, 0 failed, 1 skipped\n' "$1"
  exit 0
}

# A worker starts within seconds of CREATE EXTENSION.
for ((attempt = 0; attempt < 120; attempt++)); do
  status=$(psql -XAtqc 'SELECT kpi.worker_status()')
  case $status in "the worker has not started"*) sleep 0.5 ;; *) break ;; esac
done
[ "$status" = running ] || skip_all "changes are not streamed here: $status"

# missing PACKAGE...: installs, where this may be done.
install_packages() {
  local as=(env)
  command -v apt-get >/dev/null && [ -w /usr/bin ] || { [ "$(id -u)" != 0 ] && command -v sudo >/dev/null; } || return 1
  if [ "$(id -u)" != 0 ]; then
    sudo -n true 2>/dev/null || return 1
    as=(sudo -n env)
  fi
  "${as[@]}" DEBIAN_FRONTEND=noninteractive apt-get update -q </dev/null >/dev/null 2>&1 || true
  "${as[@]}" DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@" </dev/null >/dev/null 2>&1
}

have_node() { command -v node >/dev/null && command -v npm >/dev/null && node -e 'process.exit(process.versions.node.split(".")[0] < 18 ? 1 : 0)'; }
have_node || { install_packages nodejs npm && have_node; } || skip_all 'Node.js 18 or later with npm is missing here, and could not be installed'

work=$(mktemp -d)
trap 'rm -rf "$work"; psql -Xq -c "DROP OWNED BY bridge" -c "DROP ROLE bridge" >/dev/null 2>&1 || true' EXIT

cache=${PG_KPI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pg_kpi}
mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] || cache=$work
packages=$cache/bridge/$(cksum <"$bridge/package-lock.json" | tr ' ' -)
if [ ! -d "$packages" ]; then
  mkdir -p "$work/install" "$cache/bridge"
  cp "$bridge"/package{,-lock}.json "$work/install"
  (cd "$work/install" && npm ci --omit=dev --ignore-scripts --no-audit --no-fund) >"$work/npm.log" 2>&1 </dev/null ||
    skip_all "the bridge's packages could not be installed: $(grep -m 1 '^npm err' -i "$work/npm.log" || tail -1 "$work/npm.log")"
  # Into its place when it is whole; another run may have been quicker.
  mv -T "$work/install" "$packages" 2>/dev/null || [ -d "$packages" ]
fi

find_chromium() { CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome); }
find_chromium || { install_packages chromium fonts-dejavu-core && find_chromium; } || CHROMIUM=''
export CHROMIUM

psql -Xq -v ON_ERROR_STOP=1 -f shop.sql -f ../../docker/bridge/role.sql >/dev/null

# Copies beside the packages, where Node.js looks for them; with the suite's own dashboards.
ln -s "$packages/node_modules" "$work/node_modules"
cp -r "$bridge" "$work/bridge"
mkdir "$work/test"
cp ./*.mjs "$work/test"
echo '{"shop": ["revenue", "orders", "order_value", "late_rate"], "money": ["revenue"], "broken": ["revenue", "nosuch"]}' >"$work/bridge/dashboards.json"
PICTURES=${PICTURES:-$(mktemp -d "${TMPDIR:-/tmp}/pg_kpi_bridge.XXXXXX")}
export PICTURES
node "$work/test/story.mjs"
