"""psycopg 3: what an application hears and reads of changes as they happen, as a role that may read the KPI. See run.sh."""

import datetime
import json
import os
import threading
import time

import psycopg
from psycopg import errors, sql

from checks import check, equal, row

NOON = datetime.datetime(2025, 5, 1, 12, tzinfo=datetime.timezone.utc)
POLL = "SELECT number, committed, code, period, bucket, dimensions, value, previous, data_points, changes FROM kpi.poll('psycopg')"
WAITING = POLL.replace("'psycopg'", "'psycopg', wait => '10 s'")
SINCE = "SELECT number, bucket, value FROM kpi.changes_since(%s, codes => '{scan_time}', periods => '{minute}')"
ADD = "SELECT kpi.add_subscriber('psycopg', codes => '{scan_time}', periods => '{minute}')"
ACK = "SELECT kpi.ack('psycopg', %s)"


def minute(number):
    return NOON + datetime.timedelta(minutes=number)


def reader(**options):
    return psycopg.connect(**{"autocommit": True, **options})


def owner():
    return psycopg.connect(user=os.environ["KPI_OWNER"], autocommit=True)


def until(other, query, parameters=()):
    """Waits until a query says true."""
    for _ in range(600):
        if other.execute(query, parameters).fetchone() == (True,):
            return
        time.sleep(0.05)
    raise TimeoutError(f"never true: {query} {parameters}")


def insert(other, at, seconds):
    other.execute("INSERT INTO depot.scan VALUES (%s, %s)", (minute(at), seconds))


def logged(other, at, seconds):
    """A row that is not on its way only: its change is in the log. Returns the change's number."""
    last, = other.execute("SELECT kpi.last_change()").fetchone()
    insert(other, at, seconds)
    until(other, "SELECT kpi.last_change() > %s", (last,))
    return last + 1


def polled(connection):
    return [(number, bucket, value) for number, _, _, _, bucket, _, value, *_ in connection.execute(POLL)]


def listening(connection):
    channel, = connection.execute("SELECT kpi.channel('scan_time', 'minute')").fetchone()
    connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
    return channel


def ended(other, connection, use):
    """What an application is told whose session the server ends, here while it does something."""
    other.execute("SELECT pg_terminate_backend(%s, 10000)", (connection.info.backend_pid,))
    try:
        use()
        return "nothing"
    except psycopg.OperationalError as error:
        return error.sqlstate


def announced():
    """The number of the change that a notification told of."""
    with reader() as connection, owner() as other:
        channel = listening(connection)
        insert(other, 0, 0.1)
        heard = list(connection.notifies(timeout=60, stop_after=1))
        equal("listen: a committed row is announced", [notify.channel for notify in heard], [channel])
        payload = json.loads(heard[0].payload)
        equal("listen: the payload has number, bucket, changes and value",
              (sorted(payload), payload["bucket"], payload["changes"]),
              (["bucket", "changes", "number", "value"], "2025-05-01T12:00:00Z", 1))
        (value,), = connection.execute("SELECT value FROM kpi.value('scan_time', 'minute', %s, %s)", (minute(0), minute(1))).fetchall()
        equal("listen: the value is that of kpi.value", (payload["value"], value), (0.1, 0.1))
        equal("changes_since: the number leads to the change", connection.execute(SINCE, (payload["number"] - 1,)).fetchall(),
              [(payload["number"], minute(0), 0.1)])
        return payload["number"]


def missed_by_listener(number):
    """Rows come while nobody listens. Who listens again, and then reads on from its number, has them all."""
    with owner() as other:
        with reader() as connection:
            listening(connection)
            # libpq knows no error of a session that does nothing, so there is no SQLSTATE.
            equal("listen: a session that is ended is told so",
                  (ended(other, connection, lambda: list(connection.notifies(timeout=60))), connection.broken), (None, True))
        for at, seconds in (1, 0.5), (2, 0.25), (1, 0.125):
            last = logged(other, at, seconds)
        with reader() as connection:
            listening(connection)
            equal("changes_since: what was missed, in order", connection.execute(SINCE, (number,)).fetchall(),
                  [(number + 1, minute(1), 0.5), (number + 2, minute(2), 0.25), (number + 3, minute(1), 0.625)])
            insert(other, 2, 0.5)
            heard = [json.loads(notify.payload) for notify in connection.notifies(timeout=60, stop_after=1)]
            equal("listen: the next notification goes on from there", [(one["number"], one["value"]) for one in heard], [(last + 1, 0.75)])
            return last + 1


def subscribed(number):
    """A poll that waits, and what is acknowledged. Returns the number of the last change."""
    with reader() as connection, owner() as other:
        equal("add_subscriber: its changes begin after the last one", connection.execute(ADD).fetchone(), (number,))
        equal("poll: nothing yet", connection.execute(POLL).fetchall(), [])
        found = []
        poll = threading.Thread(target=lambda: found.extend(connection.execute(WAITING, prepare=True)))
        poll.start()
        waits(other, connection)
        insert(other, 0, 0.2)
        poll.join()
        equal("poll: it waits, and wakes with the change", [change[2:] for change in found],
              [("scan_time", "minute", minute(0), {}, 0.1 + 0.2, 0.1, 2, 1)])
        got = row((found[0][0], found[0][1], found[0][6]))
        equal("poll: number, time and value to the last bit", got, other.execute(
            "SELECT concat_ws('|', number, depot.shown(committed), depot.shown(value)) FROM kpi.change WHERE number = %s", (number + 1,)).fetchone()[0])
        equal("poll: what is not acknowledged comes again", connection.execute(POLL).fetchall(), found)
        connection.execute(ACK, (number + 1,))
        equal("ack: then there is nothing", connection.execute(POLL).fetchall(), [])
        return number + 1


def waits(other, connection):
    """Until a session waits in kpi.poll."""
    until(other, "SELECT query LIKE '%%kpi.poll%%' AND wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = %s",
          (connection.info.backend_pid,))


def resumed(number):
    """The subscriber loses its connection, at every step: the same numbers come until they are acknowledged, and none is skipped."""
    with owner() as other:
        with reader() as connection:
            said = []

            def poll():
                try:
                    connection.execute(WAITING)
                except psycopg.OperationalError as error:
                    said.append(error.sqlstate)

            waiting = threading.Thread(target=poll)
            waiting.start()
            waits(other, connection)
            other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
            waiting.join()
            equal("lost in a poll: it is told so", said, ["57P01"])
        for at, seconds in (3, 1.0), (4, 2.0), (3, 4.0):
            logged(other, at, seconds)
        wanted = [(number + 1, minute(3), 1.0), (number + 2, minute(4), 2.0), (number + 3, minute(3), 5.0)]
        with reader() as connection:
            equal("lost in a poll: the next one has what came meanwhile", polled(connection), wanted)
            ended(other, connection, lambda: connection.execute("SELECT"))
        with reader(autocommit=False) as connection:
            equal("lost before ack: the same numbers again", polled(connection), wanted)
            connection.execute(ACK, (number + 3,))
            equal("ack: the transaction that did it sees it", polled(connection), [])
            equal("lost before commit: it is told so", ended(other, connection, connection.commit), "57P01")
        with reader() as connection:
            equal("lost before commit: the same numbers again", polled(connection), wanted)
            connection.execute(ACK, (number + 1,))
            ended(other, connection, lambda: connection.execute("SELECT"))
        with reader() as connection:
            equal("lost after ack: on from the number after it", polled(connection), wanted[1:])
            connection.execute(ACK, (number + 3,))
            equal("resumed: then there is nothing", polled(connection), [])


def refused():
    """An error has its SQLSTATE, its message and what to type."""
    owner_name = os.environ["KPI_OWNER"]
    add = "Add a subscriber of your own with kpi.add_subscriber(name)."
    with reader() as connection:
        def refuses(what, statement, state, message, hint):
            try:
                connection.execute(statement)
                check(f"refused: {what}", "it was not")
            except psycopg.Error as error:
                equal(f"refused: {what}", (error.sqlstate, error.diag.message_primary, error.diag.message_hint), (state, message, hint))

        refuses("a subscriber that is there", ADD, "42710", 'subscriber "psycopg" exists already',
                "To begin anew: SELECT kpi.remove_subscriber('psycopg');")
        refuses("ack of what is to come", "SELECT kpi.ack('psycopg', 1000000)", "22023", "there is no change number 1000000",
                "Acknowledge the number of the last row that kpi.poll returned and that was dealt with.")
        refuses("poll of another's subscriber", "SELECT * FROM kpi.poll('of the owner')", "42501", 'must be owner of subscriber "of the owner"', add)
        refuses("kpi.start_stream", "SELECT kpi.start_stream('scan_time', 'hour')", "42501", 'must be owner of KPI "scan_time"',
                f"Run it as {owner_name}, or as a member of that role.")
        connection.execute("SELECT kpi.remove_subscriber('psycopg')")
        refuses("a subscriber that was removed", POLL, "42704", 'subscriber "psycopg" does not exist',
                "Add it with kpi.add_subscriber(name), and read the present values with kpi.value first.")
        try:
            connection.execute(POLL)
        except errors.UndefinedObject as error:
            check("refused: as an exception of its own", None if error.diag.message_detail else "without detail")


def changes():
    """All of it, where the database has a worker."""
    worker = os.environ["KPI_WORKER"]
    if worker != "running":
        print(f"skip - changes as they happen: {worker}")
        return
    resumed(subscribed(missed_by_listener(announced())))
    refused()
