# shellcheck shell=bash
# Building the extension into a folder, and copying it from there to a server.

# package FOLDER. Checkouts share the build cache: the lock keeps another one from replacing the library between building and
# copying it.
package() {
  mkdir -p "$CARGO_TARGET_DIR"
  rm -rf "$1"
  exec {lock}>"$CARGO_TARGET_DIR/.pg_kpi.lock"
  flock "$lock"
  claim_cache
  # A build script of C compiles again, and all that stands on it, whenever SOURCE_DATE_EPOCH is another; nothing of it is in a library.
  (cd "$ROOT/extension" && env -u SOURCE_DATE_EPOCH cargo pgrx package --pg-config "$PG_CONFIG" --out-dir "$1") </dev/null
  exec {lock}>&-
  # cargo-pgrx takes along the scripts between versions, not those that install an older one.
  local folder
  folder=$1$("$PG_CONFIG" --sharedir)/extension
  cp -n "$ROOT"/migrations/pg_kpi--*.sql "$folder"
}

# install_files FOLDER PREFIX [COMMAND-PREFIX...]: by renaming, since a running server has the old library mapped.
install_files() {
  local staged=$1 prefix=$2 file target mode
  shift 2
  while IFS= read -r -d '' file; do
    target=$prefix${file#"$staged"}
    case $file in *.so) mode=755 ;; *) mode=644 ;; esac
    "$@" install -m $mode -D "$file" "$target.new"
    "$@" mv -f "$target.new" "$target"
  done < <(find "$staged" -type f -print0)
}
