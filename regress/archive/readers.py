"""What DuckDB and pyarrow find in Parquet files: a line for each, the same as the database says of the rows.

    readers.py duckdb|pyarrow FOLDER      prints count, sums and extremes of all files under the folder
    readers.py schema FOLDER              the columns and types that both see
"""

import glob
import sys


def main():
    program, folder = sys.argv[1:]
    files = sorted(glob.glob(f"{folder}/**/*.parquet", recursive=True))
    if program == "duckdb":
        import duckdb

        row = duckdb.sql(
            f"""SELECT count(*), count(device), sum(device), sum(value), sum(amount), count(note), min(note), max(note),
                    strftime(min(ts) AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S'), strftime(max(ts) AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S'),
                    min(day), max(day), count(DISTINCT key), count(*) FILTER (WHERE flag), sum(octet_length(raw))
                FROM read_parquet({files!r})"""
        ).fetchone()
        print("|".join(str(value) for value in row))
        # A condition that uses statistics and bloom filters.
        row = duckdb.sql(f"SELECT count(*), sum(amount) FROM read_parquet({files!r}) WHERE device = 3 AND ts >= TIMESTAMPTZ '2024-02-01 00:00:00+00'").fetchone()
        print("|".join(str(value) for value in row))
    elif program == "pyarrow":
        import pyarrow.compute as pc
        import pyarrow.parquet as pq
        from pyarrow import chunked_array, concat_tables, int64

        table = concat_tables([pq.read_table(file, page_checksum_verification=True) for file in files])
        column = table.column
        keys = chunked_array([getattr(chunk, "storage", chunk) for chunk in column("key").chunks])
        bounds = pc.min_max(column("ts")).as_py()
        days = pc.min_max(column("day")).as_py()
        notes = pc.min_max(column("note")).as_py()
        time = lambda t: t.strftime("%Y-%m-%d %H:%M:%S")
        values = [
            table.num_rows, pc.count(column("device")), pc.sum(column("device")), pc.sum(column("value")), pc.sum(column("amount")), pc.count(column("note")),
            notes["min"], notes["max"], time(bounds["min"]), time(bounds["max"]), days["min"], days["max"], pc.count_distinct(keys),
            pc.sum(column("flag").cast(int64())), pc.sum(pc.binary_length(column("raw"))),
        ]  # fmt: skip
        print("|".join(str(value.as_py() if hasattr(value, "as_py") else value) for value in values))
        import datetime

        found = pq.read_table(files, filters=[("device", "=", 3), ("ts", ">=", datetime.datetime(2024, 2, 1, tzinfo=datetime.timezone.utc))])
        print(f"{found.num_rows}|{pc.sum(found.column('amount')).as_py()}")
    else:
        import duckdb
        import pyarrow.parquet as pq

        for field in pq.read_schema(files[0]):
            print(f"{field.name}|{field.type}")
        for name, kind, *_ in duckdb.sql(f"DESCRIBE SELECT * FROM read_parquet({files[0]!r})").fetchall():
            print(f"{name}|{kind}")


main()
