import psycopg

with psycopg.connect(autocommit=True) as connection:
    connection.execute('LISTEN "kpi.updates.scan_time.minute"')
    while True:
        changes = connection.execute("SELECT number, bucket, value FROM kpi.poll('wallboard')").fetchall()
        for number, bucket, value in changes:
            print(f"{number} {bucket.timestamp():.0f} {value:.2f}", flush=True)
        if changes:
            connection.execute("SELECT kpi.ack('wallboard', %s)", (changes[-1][0],))
        else:
            list(connection.notifies(timeout=60, stop_after=1))  # a minute at most: who does not poll counts as away
