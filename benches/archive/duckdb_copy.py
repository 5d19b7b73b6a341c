#!/usr/bin/env python3
"""duckdb_copy.py TABLE FILE: has DuckDB copy a table of the PostgreSQL that libpq's environment names to a Parquet file with zstd, and
prints the milliseconds that the COPY took and the file's bytes. Connecting and loading the scanner do not count."""

import os
import sys
import time

import duckdb
import duckdb_extensions

table, path = sys.argv[1:]
duckdb_extensions.import_extension("postgres_scanner")
connection = duckdb.connect()
connection.execute("LOAD postgres_scanner")
connection.execute("ATTACH '' AS server (TYPE postgres, READ_ONLY)")
begin = time.monotonic()
connection.execute(f"COPY server.public.{table} TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
took = time.monotonic() - begin
print(f"{took * 1000:.0f} {os.stat(path).st_size}")
