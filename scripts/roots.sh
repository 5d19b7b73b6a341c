# shellcheck shell=bash
# Root file systems for the PostgreSQL versions that this machine's own distribution does not have.

# Sets ROOT_WAY to chroot, sudo or docker; where none of them is possible, fails and sets ROOT_REASON.
choose_root_way() {
  ROOT_WAY='' ROOT_REASON=''
  if is_root; then
    if ! unshare -m true 2>/dev/null; then
      ROOT_REASON="this root may not make a mount namespace (a container without CAP_SYS_ADMIN)"
    elif ! command -v mmdebstrap >/dev/null && ! command -v apt-get >/dev/null; then
      ROOT_REASON="mmdebstrap is missing, and there is no apt-get to install it"
    else
      ROOT_WAY=chroot
    fi
  elif command -v sudo >/dev/null && sudo -n unshare -m true 2>/dev/null &&
    { command -v mmdebstrap >/dev/null || command -v apt-get >/dev/null; }; then
    ROOT_WAY=sudo
  else
    ROOT_REASON="neither root nor sudo without a password"
  fi
  [ -z "$ROOT_WAY" ] || return 0
  if ! command -v docker >/dev/null; then
    ROOT_REASON+=", and Docker is not installed"
  elif ! docker info >/dev/null 2>&1; then
    ROOT_REASON+=", and Docker's engine does not answer"
  else
    ROOT_WAY=docker
  fi
  [ -n "$ROOT_WAY" ]
}

# Prefixes a command that needs root.
privileged() {
  if [ "$ROOT_WAY" = sudo ]; then sudo -n "$@"; else "$@"; fi
}

# need_mmdebstrap [MAJOR]: installs what docker/make-root needs.
need_mmdebstrap() {
  local missing=()
  command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
  [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
  if [ "${1:-}" = 16 ] && ! command -v curl >/dev/null; then missing+=(curl); fi
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing: ${missing[*]}"
  {
    privileged apt-get update -q
    privileged env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"
  } >&2 </dev/null
}

# Sets ROOT_FOLDER (or ROOT_IMAGE), making it where it is not there yet.
use_root() {
  if [ "$ROOT_WAY" = docker ]; then
    ROOT_IMAGE=pg_kpi-root-$1:$(cksum "$ROOT/docker/packages" | cut -d' ' -f1)
    if ! docker image inspect "$ROOT_IMAGE" >/dev/null 2>&1; then docker_root "$1" >&2; fi
    return 0
  fi
  need_mmdebstrap "$1"
  ROOT_FOLDER=$(privileged "$ROOT/docker/make-root" "$1" "$CACHE/roots") ||
    die "no root file system with PostgreSQL $1 could be made" "what was said is above"
}

docker_root() {
  [ "$1" = 17 ] || die "in Docker there is only PostgreSQL 17" "16 and 18 need root or sudo"
  docker build -t "$ROOT_IMAGE" -f - "$ROOT/docker" <<'DOCKERFILE'
FROM debian:trixie-slim
COPY packages list-packages install-packages /tmp/
RUN /tmp/install-packages 17 server build test
DOCKERFILE
}

# Sets SHARED_FOLDERS to what is the machine's own in there, and INSIDE to the assignments that are needed to find it.
share_folders() {
  local sysroot cargo_home=${CARGO_HOME:-$HOME/.cargo} rustup_home=${RUSTUP_HOME:-$HOME/.rustup}
  sysroot=$(cd "$ROOT" && rustc --print sysroot)
  [ "$sysroot" != /usr ] || die "this Rust belongs to the machine's distribution and cannot be used in another root" \
    "install Rust from https://rustup.rs"
  mkdir -p "$cargo_home"
  SHARED_FOLDERS=(/tmp "$ROOT" "$STATE" "$CARGO_TARGET_DIR" "$cargo_home" "$sysroot")
  if [ -d "$rustup_home" ]; then SHARED_FOLDERS+=("$rustup_home"); fi
  find_shared_data
  if [ -n "${PG_KPI_SHARED:-}" ]; then SHARED_FOLDERS+=("$PG_KPI_SHARED"); fi
  INSIDE=(-u PG_CONFIG -u PG_KPI_CACHE -u LIBCLANG_PATH -u LLVM_CONFIG_PATH -u PGRX_PG_CONFIG_PATH
    HOME="$HOME" CARGO_HOME="$cargo_home" RUSTUP_HOME="$rustup_home"
    # A newer C library than the machine's: nothing that is built here may be taken for something that is built there.
    CARGO_TARGET_DIR="$CARGO_TARGET_DIR/root-$1" PG_KPI_STATE="$STATE/$1" PG_KPI_SHARED="${PG_KPI_SHARED:-}"
    PATH="$cargo_home/bin:$sysroot/bin:$TOOLS/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
  # sudo and Docker pass on nothing by themselves.
  local name
  for name in ON_SERVER SUITES CARGO_BUILD_JOBS CARGO_TERM_COLOR CARGO_NET_OFFLINE EXACTNESS_SEED SOURCE_DATE_EPOCH ARCHIVE_FULL DIFFERENTIAL_SEED DIFFERENTIAL_QUERIES \
    ARCHIVE_S3_ENDPOINT ARCHIVE_S3_REGION ARCHIVE_S3_BUCKET ARCHIVE_S3_ACCESS_KEY_ID ARCHIVE_S3_SECRET_ACCESS_KEY; do
    if [ -n "${!name:-}" ]; then INSIDE+=("$name=${!name}"); fi
  done
}

# enter_root MAJOR COMMAND...
enter_root() {
  share_folders "$1"
  shift
  local folder options=()
  if [ "$ROOT_WAY" = docker ]; then
    for folder in "${SHARED_FOLDERS[@]}"; do options+=(-v "$folder:$folder"); done
    for folder in /etc/passwd /etc/group; do options+=(-v "$folder:$folder:ro"); done
    docker run --rm --init --shm-size=1g --user "$(id -u):$(id -g)" "${options[@]}" -w "$ROOT" "$ROOT_IMAGE" \
      env "${INSIDE[@]}" "$@"
    return
  fi
  local as=()
  if ! is_root; then as=(setpriv --reuid "$(id -u)" --regid "$(id -g)" --init-groups); fi
  # The mounts are of a namespace that ends with the last process in it.
  # shellcheck disable=SC2016  # that shell's own variables
  privileged env ROOT_FOLDER="$ROOT_FOLDER" unshare -m --propagation private bash -c '
    set -euo pipefail
    root=$ROOT_FOLDER
    unset ROOT_FOLDER
    while [ "$1" != -- ]; do
      folders+=("$1")
      shift
    done
    shift
    for folder in "${folders[@]}"; do mkdir -p "$root$folder"; done
    mount --bind "$root" "$root"
    mount -o remount,bind,ro "$root"
    for folder in /dev /proc /sys; do mount --rbind "$folder" "$root$folder"; done
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    for file in /etc/passwd /etc/group /etc/hosts /etc/resolv.conf; do
      if [ -e "$file" ] && [ -e "$root$file" ]; then mount --bind "$(readlink -f "$file")" "$root$file"; fi
    done
    for folder in "${folders[@]}"; do mount --rbind "$folder" "$root$folder"; done
    exec chroot "$root" "$@"' root "${SHARED_FOLDERS[@]}" -- \
    "${as[@]}" env --chdir="$ROOT" "${INSIDE[@]}" "$@"
}
