import datetime

import psycopg

SINCE = datetime.datetime(2025, 3, 29, 23, tzinfo=datetime.timezone.utc)
DAYS = "SELECT ts, region, value FROM kpi_views.fees WHERE period = %s AND ts >= %s AND region = 'north' AND dock = 1 ORDER BY ts, value"
MINUTES = "SELECT ts, value FROM kpi_views.fees WHERE period = 'minute'"

with psycopg.connect() as connection:  # a connection string, or PGHOST, PGDATABASE, PGUSER of the environment
    for ts, region, value in connection.execute(DAYS, ("day", SINCE), prepare=True):
        print(f"{ts.timestamp():.0f} {region} {value:.2f}")
    with connection.cursor(name="minutes") as cursor:  # one of the server: with a name
        cursor.itersize = 500
        cursor.execute(MINUTES)
        print(sum(1 for _ in cursor), "minutes")
