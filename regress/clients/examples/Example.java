import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.OffsetDateTime;

public class Example {
    public static void main(String[] arguments) throws SQLException {
        String days = "SELECT ts, region, value FROM kpi_views.fees WHERE period = ? AND ts >= ? AND region = 'north' AND dock = 1 ORDER BY ts, value";
        // jdbc:postgresql://host/database?user=dashboard&password=...
        try (Connection connection = DriverManager.getConnection(System.getenv("JDBC_URL"))) {
            try (PreparedStatement statement = connection.prepareStatement(days)) {
                statement.setString(1, "day");
                statement.setObject(2, OffsetDateTime.parse("2025-03-29T23:00:00Z"));
                ResultSet rows = statement.executeQuery();
                while (rows.next()) {
                    long second = rows.getObject("ts", OffsetDateTime.class).toEpochSecond();
                    System.out.printf("%d %s %.2f%n", second, rows.getString("region"), rows.getDouble("value"));
                }
            }
            connection.setAutoCommit(false); // with it, the driver reads all rows at once whatever the fetch size
            try (Statement statement = connection.createStatement()) {
                statement.setFetchSize(500);
                ResultSet rows = statement.executeQuery("SELECT ts, value FROM kpi_views.fees WHERE period = 'minute'");
                int count = 0;
                while (rows.next()) {
                    count++;
                }
                System.out.println(count + " minutes");
            }
        }
    }
}
