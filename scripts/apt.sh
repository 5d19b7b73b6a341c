# shellcheck shell=bash
# Debian's packages, for scripts that install what is missing.

# Prints the prefix under which apt-get may install, or fails.
privilege() {
  if is_root; then
    echo env
  elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; }; then
    echo sudo
  else
    return 1
  fi
}

# apt_get PREFIX ARGUMENT...: asks nothing.
apt_get() { "$1" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get "${@:2}"; }
