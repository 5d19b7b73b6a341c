import datetime

from sqlalchemy import MetaData, Table, create_engine, select

SINCE = datetime.datetime(2025, 3, 29, 23, tzinfo=datetime.timezone.utc)

engine = create_engine("postgresql+psycopg://")
fees = Table("fees", MetaData(), schema="kpi_views", autoload_with=engine)  # its columns, types and comments come from the server
days = (select(fees.c.ts, fees.c.region, fees.c.value)
        .where(fees.c.period == "day", fees.c.ts >= SINCE, fees.c.region == "north", fees.c.dock == 1).order_by(fees.c.ts, fees.c.value))
minutes = select(fees).where(fees.c.period == "minute")

with engine.connect() as connection:
    for ts, region, value in connection.execute(days):
        print(f"{ts.timestamp():.0f} {region} {value:.2f}")
    rows = connection.execution_options(yield_per=500).execute(minutes)
    print(sum(len(batch) for batch in rows.partitions()), "minutes")
