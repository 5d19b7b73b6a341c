import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.util.PSQLException;

/** JDBC: what an application hears and reads of changes as they happen, as a role that may read the KPI. See run.sh. */
final class Changes {
    private static final Instant NOON = Instant.parse("2025-05-03T12:00:00Z");
    private static final String POLL = "SELECT number, bucket, value FROM kpi.poll('jdbc')";
    private static final String WAITING =
            "SELECT number, committed, code, period, bucket, dimensions, value, previous, data_points, changes FROM kpi.poll('jdbc', wait => '10 s')";
    private static final String SINCE = "SELECT number, bucket, value FROM kpi.changes_since(%d, codes => '{scan_time}', periods => '{minute}')";
    private static final String ADD = "SELECT kpi.add_subscriber('jdbc', codes => '{scan_time}', periods => '{minute}')";
    /** A payload's members are in the order of their names. */
    private static final String PAYLOAD = "{\"bucket\":\"%s\",\"changes\":1,\"number\":%d,\"value\":%s}";

    private Changes() {}

    private static Instant minute(int number) {
        return NOON.plus(Duration.ofMinutes(number));
    }

    private static Connection reader() throws SQLException {
        return Sessions.reader(Sessions.BINARY);
    }

    /** A change as Checks.row writes it. */
    private static String line(long number, int at, double value) {
        return number + "|" + minute(at).toEpochMilli() * 1000 + "|" + String.format("%016x", Double.doubleToLongBits(value));
    }

    private static List<String> since(Connection connection, long number) throws SQLException {
        return Sessions.query(connection, String.format(SINCE, number));
    }

    /** Waits until a query says true. */
    private static void until(Connection other, String sql) throws SQLException, InterruptedException {
        for (int i = 0; i < 600; i++) {
            if (Sessions.query(other, sql).equals(List.of("true"))) {
                return;
            }
            Thread.sleep(50);
        }
        throw new SQLException("never true: " + sql);
    }

    private static void insert(Connection other, int at, double seconds) throws SQLException {
        Sessions.execute(other, "INSERT INTO depot.scan VALUES ('" + minute(at) + "', " + seconds + ")");
    }

    /** A row that is not on its way only: its change is in the log. */
    private static void logged(Connection other, int at, double seconds) throws SQLException, InterruptedException {
        String last = Sessions.query(other, "SELECT kpi.last_change()").get(0);
        insert(other, at, seconds);
        until(other, "SELECT kpi.last_change() > " + last);
    }

    private static String listening(Connection connection) throws SQLException {
        String channel = Sessions.query(connection, "SELECT kpi.channel('scan_time', 'minute')").get(0);
        Sessions.execute(connection, "LISTEN " + connection.unwrap(PGConnection.class).escapeIdentifier(channel));
        return channel;
    }

    /** The next notification, as channel and payload. */
    private static List<String> notification(Connection connection) throws SQLException {
        List<String> heard = new ArrayList<>();
        for (PGNotification one : connection.unwrap(PGConnection.class).getNotifications(60000)) {
            heard.add(one.getName());
            heard.add(one.getParameter());
        }
        return heard;
    }

    private static int pid(Connection connection) throws SQLException {
        return connection.unwrap(PGConnection.class).getBackendPID();
    }

    private static void waits(Connection other, int pid) throws SQLException, InterruptedException {
        until(other, "SELECT query LIKE '%kpi.poll%' AND wait_event_type = 'Extension' FROM pg_stat_activity WHERE pid = " + pid);
    }

    private static String state(Callable<?> use) throws Exception {
        try {
            use.call();
            return "nothing";
        } catch (SQLException error) {
            return error.getSQLState();
        }
    }

    /** Ends a session of the server; what an application is told that does something in it. */
    private static String ended(Connection other, Connection connection, Callable<?> use) throws Exception {
        Sessions.execute(other, "SELECT pg_terminate_backend(" + pid(connection) + ", 10000)");
        return state(use);
    }

    /** Runs in a thread what waits. */
    private static <T> FutureTask<T> begun(Callable<T> what) {
        FutureTask<T> task = new FutureTask<>(what);
        new Thread(task).start();
        return task;
    }

    /** The number of the change that a notification told of. */
    private static long announced(Connection other) throws SQLException {
        try (Connection connection = reader()) {
            String channel = listening(connection);
            insert(other, 0, 0.1);
            List<String> heard = notification(connection);
            long number = Long.parseLong(heard.get(1).replaceFirst(".*\"number\":(\\d+).*", "$1"));
            Checks.equal("listen: a committed row is announced", heard.get(0), channel);
            Checks.equal("listen: the payload has number, bucket, changes and value", heard.get(1), String.format(PAYLOAD, minute(0), number, "0.1"));
            Checks.equal("listen: the value is that of kpi.value", Sessions.query(connection, String.format(
                    "SELECT '%s'::json->>'value' = value::text FROM kpi.value('scan_time', 'minute', '%s', '%s')", heard.get(1), minute(0), minute(1))),
                    List.of("true"));
            Checks.equal("changes_since: the number leads to the change", since(connection, number - 1), List.of(line(number, 0, 0.1)));
            return number;
        }
    }

    /** Rows come while nobody listens. Who listens again, and then reads on from its number, has them all. */
    private static long missedByListener(Connection other, long number) throws Exception {
        try (Connection connection = reader()) {
            listening(connection);
            Checks.equal("listen: a session that is ended is told so", ended(other, connection, () -> notification(connection)), "57P01");
        }
        logged(other, 1, 0.5);
        logged(other, 2, 0.25);
        logged(other, 1, 0.125);
        try (Connection connection = reader()) {
            String channel = listening(connection);
            Checks.equal("changes_since: what was missed, in order", since(connection, number),
                    List.of(line(number + 1, 1, 0.5), line(number + 2, 2, 0.25), line(number + 3, 1, 0.625)));
            insert(other, 2, 0.5);
            Checks.equal("listen: the next notification goes on from there", notification(connection),
                    List.of(channel, String.format(PAYLOAD, minute(2), number + 4, "0.75")));
            return number + 4;
        }
    }

    /** A poll that waits, and what is acknowledged. */
    private static long subscribed(Connection other, long number) throws Exception {
        try (Connection connection = reader(); PreparedStatement poll = connection.prepareStatement(WAITING)) {
            Checks.equal("add_subscriber: its changes begin after the last one", Sessions.query(connection, ADD), List.of(Long.toString(number)));
            Checks.equal("poll: nothing yet", Sessions.query(connection, POLL), List.of());
            FutureTask<List<String>> waiting = begun(() -> {
                try (ResultSet rows = poll.executeQuery()) {
                    List<String> found = new ArrayList<>();
                    while (rows.next()) {
                        found.add(String.join(" ", rows.getString("code"), rows.getString("period"), rows.getString("dimensions"))
                                + " " + rows.getDouble("previous") + " " + rows.getLong("data_points") + " " + rows.getLong("changes"));
                        found.add(Checks.row(rows));
                    }
                    return found;
                }
            });
            waits(other, pid(connection));
            insert(other, 0, 0.2);
            List<String> found = waiting.get();
            Checks.equal("poll: it waits, and wakes with the change", found.get(0), "scan_time minute {} 0.1 2 1");
            Checks.equal("poll: number, times and values to the last bit", found.get(1), Sessions.query(other,
                    "SELECT concat_ws('|', number, depot.shown(committed), code, period, depot.shown(bucket), dimensions, depot.shown(value), "
                    + "depot.shown(previous), data_points, changes) FROM kpi.change WHERE number = " + (number + 1)).get(0));
            Checks.equal("poll: what is not acknowledged comes again", Sessions.query(connection, POLL), List.of(line(number + 1, 0, 0.1 + 0.2)));
            acknowledge(connection, number + 1);
            Checks.equal("ack: then there is nothing", Sessions.query(connection, POLL), List.of());
            return number + 1;
        }
    }

    private static void acknowledge(Connection connection, long number) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT kpi.ack('jdbc', ?)")) {
            statement.setLong(1, number);
            statement.execute();
        }
    }

    /** The subscriber loses its connection, at every step: the same numbers come until they are acknowledged, and none is skipped. */
    private static void resumed(Connection other, long number) throws Exception {
        try (Connection connection = reader()) {
            FutureTask<String> poll = begun(() -> state(() -> Sessions.query(connection, WAITING)));
            waits(other, pid(connection));
            Sessions.execute(other, "SELECT pg_terminate_backend(" + pid(connection) + ")");
            Checks.equal("lost in a poll: it is told so", poll.get(), "57P01");
        }
        logged(other, 3, 1);
        logged(other, 4, 2);
        logged(other, 3, 4);
        List<String> wanted = List.of(line(number + 1, 3, 1), line(number + 2, 4, 2), line(number + 3, 3, 5));
        try (Connection connection = reader()) {
            Checks.equal("lost in a poll: the next one has what came meanwhile", Sessions.query(connection, POLL), wanted);
            ended(other, connection, () -> Sessions.query(connection, "SELECT 1"));
        }
        try (Connection connection = reader()) {
            connection.setAutoCommit(false);
            Checks.equal("lost before ack: the same numbers again", Sessions.query(connection, POLL), wanted);
            acknowledge(connection, number + 3);
            Checks.equal("ack: the transaction that did it sees it", Sessions.query(connection, POLL), List.of());
            // The driver cannot even send what it wants, and does not look for what the server had to say.
            Checks.equal("lost before commit: it is told so", ended(other, connection, () -> {
                connection.commit();
                return null;
            }), "08006");
        }
        try (Connection connection = reader()) {
            Checks.equal("lost before commit: the same numbers again", Sessions.query(connection, POLL), wanted);
            acknowledge(connection, number + 1);
            ended(other, connection, () -> Sessions.query(connection, "SELECT 1"));
        }
        try (Connection connection = reader()) {
            Checks.equal("lost after ack: on from the number after it", Sessions.query(connection, POLL), wanted.subList(1, 3));
            acknowledge(connection, number + 3);
            Checks.equal("resumed: then there is nothing", Sessions.query(connection, POLL), List.of());
        }
    }

    private static void refuses(Connection connection, String what, String sql, String... wanted) throws SQLException {
        try {
            Sessions.execute(connection, sql);
            Checks.check("refused: " + what, "it was not");
        } catch (PSQLException error) {
            Checks.equal("refused: " + what,
                    List.of(error.getSQLState(), error.getServerErrorMessage().getMessage(), error.getServerErrorMessage().getHint()), List.of(wanted));
        }
    }

    /** An error has its SQLSTATE, its message and what to type. */
    private static void refused() throws SQLException {
        try (Connection connection = reader()) {
            refuses(connection, "a subscriber that is there", ADD, "42710", "subscriber \"jdbc\" exists already",
                    "To begin anew: SELECT kpi.remove_subscriber('jdbc');");
            refuses(connection, "ack of what is to come", "SELECT kpi.ack('jdbc', 1000000)", "22023", "there is no change number 1000000",
                    "Acknowledge the number of the last row that kpi.poll returned and that was dealt with.");
            refuses(connection, "poll of another's subscriber", "SELECT * FROM kpi.poll('of the owner')", "42501",
                    "must be owner of subscriber \"of the owner\"", "Add a subscriber of your own with kpi.add_subscriber(name).");
            refuses(connection, "kpi.start_stream", "SELECT kpi.start_stream('scan_time', 'hour')", "42501", "must be owner of KPI \"scan_time\"",
                    "Run it as " + System.getenv("KPI_OWNER") + ", or as a member of that role.");
            Sessions.execute(connection, "SELECT kpi.remove_subscriber('jdbc')");
            refuses(connection, "a subscriber that was removed", POLL, "42704", "subscriber \"jdbc\" does not exist",
                    "Add it with kpi.add_subscriber(name), and read the present values with kpi.value first.");
        }
    }

    /** All of it, where the database has a worker. */
    static void all() throws SQLException {
        String worker = System.getenv("KPI_WORKER");
        if (!worker.equals("running")) {
            System.out.println("skip - changes as they happen: " + worker);
            return;
        }
        try (Connection other = Sessions.owner()) {
            resumed(other, subscribed(other, missedByListener(other, announced(other))));
            refused();
        } catch (SQLException error) {
            throw error;
        } catch (Exception error) {
            throw new SQLException("the checks of changes were interrupted", error);
        }
    }
}
