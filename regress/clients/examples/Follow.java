import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.OffsetDateTime;
import org.postgresql.PGConnection;

public class Follow {
    public static void main(String[] arguments) throws SQLException {
        try (Connection connection = DriverManager.getConnection(System.getenv("JDBC_URL"));
                Statement statement = connection.createStatement()) {
            statement.execute("LISTEN \"kpi.updates.scan_time.minute\"");
            while (true) {
                long last = 0;
                ResultSet rows = statement.executeQuery("SELECT number, bucket, value FROM kpi.poll('wallboard')");
                while (rows.next()) {
                    last = rows.getLong("number");
                    long second = rows.getObject("bucket", OffsetDateTime.class).toEpochSecond();
                    System.out.printf("%d %d %.2f%n", last, second, rows.getDouble("value"));
                }
                if (last > 0) {
                    statement.execute("SELECT kpi.ack('wallboard', " + last + ")");
                } else {
                    connection.unwrap(PGConnection.class).getNotifications(60_000); // a minute at most: who does not poll counts as away
                }
            }
        }
    }
}
