# shellcheck shell=bash
# clean_root.sh IMAGE WORK MAJOR DEB: the checks of run.sh, in namespaces of their own. IMAGE is the root file system, WORK/files what
# the Dockerfile copies and the package.
# shellcheck disable=SC2317  # many functions are called through check
set -uo pipefail
image=$1 work=$2 major=$3 deb=$4
passed=0 failed=0 skipped=0
name=postgresql-$major-pg-kpi

# What is written goes to memory and is gone with the namespace.
mkdir "$work/copy"
mount -t tmpfs -o mode=755 tmpfs "$work/copy" || exit
mkdir "$work"/copy/{upper,work,root}
root=$work/copy/root
mount -t overlay overlay -o "lowerdir=$image,upperdir=$work/copy/upper,workdir=$work/copy/work" "$root" || exit
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
# A network of its own has its loopback down.
python3 -c 'import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 0x41))' || exit
mkdir "$root/files"
cp -r "$work/files/." "$root/files"

# check WHAT COMMAND...
check() {
  local what=$1
  shift
  if "$@" >"$work/said" 2>&1; then
    passed=$((passed + 1))
    echo "ok - $what"
  else
    failed=$((failed + 1))
    echo "not ok - $what"
    tail -n 30 "$work/said" | sed 's/^/#   /'
  fi
}

# Runs in there, with nothing of this environment.
inside() {
  chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@"
}
as_postgres() { inside setpriv --reuid postgres --regid postgres --init-groups env "$@"; }
package_files() { find "$root/usr/lib/postgresql" "$root/usr/share" -path '*pg[_-]kpi*' -printf '/%P\n'; }

# The package.

has_none() { [ -z "$(package_files)" ]; }
owners_and_modes() {
  dpkg-deb -c "$root/files/$deb" | awk '
    $2 != "root/root" || !($1 == "drwxr-xr-x" || ($6 ~ /\.so$/ ? $1 == "-rwxr-xr-x" : $1 == "-rw-r--r--")) {print; bad = 1}
    END {exit bad}'
}
named() { [ "$deb" = "${name}_$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)_$(dpkg --print-architecture).deb" ]; }
depends() {
  local depends
  depends=$(dpkg-deb --field "$root/files/$deb" Depends)
  echo "$depends"
  [[ $depends =~ ^"postgresql-$major, libgcc-s1, libc6 (>= "[0-9.]+\)$ ]]
}
has_copyright() { cmp LICENSE "$root/usr/share/doc/$name/copyright"; }
whole() { [ -z "$(inside dpkg --verify "$name")" ] && [ "$(inside dpkg-query -Wf '${db:Status-Abbrev}' "$name")" = 'ii ' ]; }
all_libraries_found() {
  ! inside ldd "/usr/lib/postgresql/$major/lib/pg_kpi.so" | grep 'not found'
}

check 'it is named for the server, the version and the architecture' named
check 'it depends on the server and on the C library that it was linked against' depends
check 'all in it is root'\''s, and for all to read' owners_and_modes
check 'the clean root file system knows nothing of pg_kpi' has_none
check 'apt-get installs it' inside /files/install-deb "/files/$deb"
check 'it is installed whole' whole
check 'every library it was linked against is there' all_libraries_found
check 'with its licence' has_copyright

# A server as Debian's packages make it.

kpi_sql="CREATE TABLE sale (at timestamptz, amount int);
SELECT 'made' FROM kpi.create_source('sale', 'sale', 'at');
SELECT 'made' FROM kpi.create_kpi('amount', 'sale', 'sum(amount)');
INSERT INTO sale VALUES ('2026-01-01 12:00Z', 1), ('2026-01-02 12:00Z', 2);
SELECT sum(value) FROM kpi.value('amount', 'day');
SELECT buckets FROM kpi.refresh('sale');
SELECT sum(value) FROM kpi.value('amount', 'day');"
kpi_answer=$'made\nmade\n3\n2\n3'

debian_server() { inside pg_createcluster "$major" main --start; }
debian_sql() { as_postgres psql -XqAt -v ON_ERROR_STOP=1 "$@"; }
debian_kpi() {
  local said
  said=$(debian_sql -c 'CREATE EXTENSION pg_kpi' -f - <<<"$kpi_sql") || return
  echo "$said"
  [ "$said" = "$kpi_answer" ]
}
check "Debian's own server starts" debian_server
check 'CREATE EXTENSION pg_kpi; a KPI is right before and after its refresh' debian_kpi
check "Debian's own server stops" inside pg_dropcluster --stop "$major" main

# The image: its entrypoint, as its user.

log=$work/copy/log
# start [NAME=VALUE...]: as `docker run -e NAME=VALUE` does.
start() {
  as_postgres PGDATA=/var/lib/postgresql/data "$@" /files/entrypoint postgres >"$log" 2>&1 </dev/null &
  started=$!
  local attempt
  for ((attempt = 0; attempt < 1200; attempt++)); do
    healthy && return 0
    kill -0 "$started" 2>/dev/null || break
    sleep 0.1
  done
  cat "$log"
  return 1
}
# What HEALTHCHECK in the Dockerfile runs.
mapfile -t health < <(sed -n 's/^HEALTHCHECK.* CMD \[\(.*\)\]$/\1/p' docker/Dockerfile | tr -d '" ' | tr , '\n')
healthy() { as_postgres "${health[@]}"; }
stop() {
  # The process that the entrypoint became.
  kill -s "$(sed -n 's/^STOPSIGNAL SIG//p' docker/Dockerfile)" "$(head -1 "$root/var/lib/postgresql/data/postmaster.pid")" &&
    wait "$started"
}
sql() { as_postgres PGPASSWORD="${password:-s3cret word}" psql -XqAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -U postgres -d "${database:-shop}" "$@"; }
sql_answers() {
  local said
  said=$(sql -c "$1")
  echo "$said"
  [ "$said" = "$2" ]
}
empty_folder() { [ -z "$(ls -A "$root/var/lib/postgresql/data")" ]; }

refuses() {
  local said
  said=$(as_postgres "${@:2}" /files/entrypoint 2>&1) && return 1
  echo "$said"
  grep -q "^error: $1" <<<"$said" && empty_folder
}
check 'the image does not start without a password, and says what to give' refuses 'the superuser needs a password'
check 'nor with two' refuses 'both POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE' POSTGRES_PASSWORD=a POSTGRES_PASSWORD_FILE=/b
check 'nor with a file that is not there' refuses 'POSTGRES_PASSWORD_FILE names /b' POSTGRES_PASSWORD_FILE=/b

wrong_script() {
  echo 'SELECT 1 / 0;' >"$root/docker-entrypoint-initdb.d/50-wrong.sql"
  refuses '/docker-entrypoint-initdb.d/50-wrong.sql failed' POSTGRES_PASSWORD=a
  local status=$?
  rm "$root/docker-entrypoint-initdb.d/50-wrong.sql"
  return $status
}
check 'a start script that fails stops it, and leaves nothing behind' wrong_script

libraries=pg_kpi
if [ -e "$image/usr/lib/postgresql/$major/lib/timescaledb.so" ]; then libraries=timescaledb,pg_kpi; fi
with_demo() {
  mkdir "$root/demo"
  cp "$root"/files/demo/* "$root/demo"
  cp "$root"/files/initdb/*.sql "$root/docker-entrypoint-initdb.d"
  echo 's3cret word' >"$root/files/password"
  start POSTGRES_PASSWORD_FILE=/files/password POSTGRES_DB=shop
}
wrong_password() { ! password=wrong sql -c 'SELECT 1' && grep -q 'password authentication failed' "$work/said"; }
knows_no_password() {
  ! tr '\0' '\n' <"$root/proc/$(inside pgrep -o -x postgres 2>/dev/null || head -1 "$root/var/lib/postgresql/data/postmaster.pid")/environ" |
    grep PASSWORD
}
image_kpi() {
  local said
  said=$(sql -f - <<<"$kpi_sql") || return
  echo "$said"
  [ "$said" = "$kpi_answer" ]
}
# The sum that the rollups give is the sum of the table.
demo_kpi() {
  sql_answers "SELECT (SELECT sum(value)::numeric FROM kpi.value('revenue', 'month')) = (SELECT sum(amount) FROM shop.orders)" t &&
    sql_answers 'SELECT count(*) FROM kpi.scorecard' 13
}
restarts() { stop && start && sql_answers "SELECT sum(value) FROM kpi.value('amount', 'day')" 3; }

check 'with a password it makes its database, runs the start scripts and is healthy' with_demo
check 'a client with the password gets in' sql_answers 'SELECT current_user' postgres
check 'one with another does not' wrong_password
check 'its libraries are preloaded' sql_answers 'SHOW shared_preload_libraries' "$libraries"
if [ $libraries != pg_kpi ]; then
  check 'TimescaleDB is in the database' sql_answers "SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'" 1
fi
check 'the server cannot tell the password' knows_no_password
check 'the demo is loaded, and its scorecard is whole' demo_kpi
check 'a KPI is right before and after its refresh' image_kpi
check 'it stops, starts again without a password, and has its data' restarts
check 'it stops when Docker asks' stop

# What the Dockerfile and compose.yml name is there.
sources_exist() {
  local file status=0
  for file in $(sed -n 's/^COPY \(.*\) [^ ]*$/\1/p' docker/Dockerfile); do
    [ -e "$file" ] || { echo "docker/Dockerfile copies $file" && status=1; }
  done
  for file in $(sed -n 's/^ *- \(\.[^:]*\):.*:ro$/\1/p' docker/compose.yml); do
    if [ ! -d docker/grafana ] && [[ $file = ./grafana/* ]]; then continue; fi
    [ -e "docker/$file" ] || { echo "docker/compose.yml mounts $file" && status=1; }
  done
  return $status
}
if [ ! -d docker/grafana ]; then
  echo 'skip - what compose.yml mounts for Grafana: there is no docker/grafana'
  skipped=1
fi
check 'every file that the Dockerfile copies and compose.yml mounts is there' sources_exist

removed() { inside apt-get remove -qy "$name" && has_none; }
check 'apt-get remove takes away every file' removed

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
