"""psycopg 3: what an application hears and reads of changes as they happen, as a role that may read the KPI. See run.sh."""

import datetime
import json
import os
import threading

import psycopg
from psycopg import errors, sql

from checks import check, equal, row

SUBSCRIBER = "psycopg"
NOON = datetime.datetime(2025, 5, 1, 12, tzinfo=datetime.timezone.utc)
POLL = "SELECT number, committed, code, period, bucket, dimensions, value, previous, data_points, changes FROM kpi.poll(%s)"
WAITING = POLL.replace("(%s)", "(%s, wait => '10 s')")
SINCE = "SELECT number, bucket, value FROM kpi.changes_since(%s, codes => '{scan_time}', periods => '{minute}')"


def minute(number):
    return NOON + datetime.timedelta(minutes=number)


def reader():
    return psycopg.connect(autocommit=True)


def owner():
    return psycopg.connect(user=os.environ["KPI_OWNER"], autocommit=True)


def insert(other, number, seconds):
    other.execute("INSERT INTO depot.scan VALUES (%s, %s)", (minute(number), seconds))


def value_of(connection, number):
    """What kpi.value says of a minute."""
    (value,), = connection.execute("SELECT value FROM kpi.value('scan_time', 'minute', %s, %s)", (minute(number), minute(number + 1))).fetchall()
    return value


def announced():
    """The number of the change that a notification told of."""
    with reader() as connection, owner() as other:
        channel, = connection.execute("SELECT kpi.channel('scan_time', 'minute')").fetchone()
        connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        insert(other, 0, 0.1)
        heard = list(connection.notifies(timeout=60, stop_after=1))
        equal("listen: a committed row is announced", [notify.channel for notify in heard], [channel])
        payload = json.loads(heard[0].payload)
        equal("listen: the payload has number, bucket, changes and value",
              (sorted(payload), payload["bucket"], payload["changes"]),
              (["bucket", "changes", "number", "value"], "2025-05-01T12:00:00Z", 1))
        equal("listen: the value is that of kpi.value", (payload["value"], value_of(connection, 0)), (0.1, 0.1))
        return payload["number"]


def wait_for_poll(other, pid):
    """Until the server says that a session is in kpi.poll."""
    while other.execute("SELECT state = 'active' AND query LIKE '%%kpi.poll%%' FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone() != (True,):
        pass


def polled(connection):
    """As an application does: a poll that has waited in vain is made again. In vain six times is too often."""
    for _ in range(6):
        if found := connection.execute(WAITING, (SUBSCRIBER,), prepare=True).fetchall():
            return found
    return []


def subscribed(number):
    """The number of the change that was polled and acknowledged."""
    with reader() as connection, owner() as other:
        after, = connection.execute("SELECT kpi.add_subscriber(%s, codes => '{scan_time}', periods => '{minute}')", (SUBSCRIBER,)).fetchone()
        equal("add_subscriber: its changes begin after the one announced", after, number)
        found = []
        poll = threading.Thread(target=lambda: found.extend(polled(connection)))
        poll.start()
        wait_for_poll(other, connection.info.backend_pid)
        insert(other, 0, 0.2)
        poll.join()
        equal("poll: it waits, and wakes with the change", [change[2:] for change in found],
              [("scan_time", "minute", minute(0), {}, 0.1 + 0.2, 0.1, 2, 1)])
        number, committed, value = found[0][0], found[0][1], found[0][6]
        logged, = other.execute("SELECT concat_ws('|', number, depot.shown(committed), depot.shown(value)) FROM kpi.change "
                                "WHERE number = kpi.last_change()").fetchone()
        equal("poll: number, time and value to the last bit", (row((number, committed, value)), value), (logged, value_of(connection, 0)))
        equal("poll: what is not acknowledged comes again", connection.execute(POLL, (SUBSCRIBER,)).fetchall(), found)
        connection.execute("SELECT kpi.ack(%s, %s)", (SUBSCRIBER, number))
        equal("ack: then there is nothing", connection.execute(POLL, (SUBSCRIBER,)).fetchall(), [])
        return number


def missed(number):
    with owner() as other:
        for at, seconds in (1, 0.5), (2, 0.25), (1, 0.125):
            insert(other, at, seconds)
            other.execute("SELECT kpi.refresh('scan')")
    with reader() as connection:
        wanted = [(number + 1, minute(1), 0.5), (number + 2, minute(2), 0.25), (number + 3, minute(1), 0.625)]
        equal("changes_since: what was missed, in order", connection.execute(SINCE, (number,)).fetchall(), wanted)
        equal("poll: the subscriber has not missed it either",
              [(change[0], change[4], change[6]) for change in connection.execute(POLL, (SUBSCRIBER,))], wanted)
        connection.execute("SELECT kpi.remove_subscriber(%s)", (SUBSCRIBER,))


def refused():
    owner_name = os.environ["KPI_OWNER"]
    with reader() as connection:
        for what, statement, message, hint in (
                ("kpi.start_stream", "SELECT kpi.start_stream('scan_time', 'hour')", 'must be owner of KPI "scan_time"',
                 f"Run it as {owner_name}, or as a member of that role."),
                ("kpi.poll of another's subscriber", "SELECT * FROM kpi.poll('of the owner')", 'must be owner of subscriber "of the owner"',
                 "Add a subscriber of your own with kpi.add_subscriber(name).")):
            try:
                connection.execute(statement)
                check(f"refused: {what}", "it was not")
            except errors.InsufficientPrivilege as error:
                equal(f"refused: {what}", (error.sqlstate, error.diag.message_primary, error.diag.message_hint), ("42501", message, hint))


def changes():
    """All of it, where the database has a worker."""
    worker = os.environ["KPI_WORKER"]
    if worker != "running":
        print(f"skip - changes as they happen: {worker}")
        return
    missed(subscribed(announced()))
    refused()
