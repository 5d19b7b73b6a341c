#!/usr/bin/env bash
# Runs the SQL blocks of README.md and docs/*.md and compares what they print with what the page says they print.
# --update writes what the server printed into the pages instead. See blocks.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec python3 regress/docs/blocks.py "$@" README.md docs/*.md
