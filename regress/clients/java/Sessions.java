import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/** Sessions of the clients' role and of the owner, and statements in them. */
final class Sessions {
    /** The server's statement at the first execution, and all that has a binary form in that form. */
    static final Map<String, String> BINARY = Map.of("prepareThreshold", "-1");
    static final Map<String, String> TEXT = Map.of("prepareThreshold", "1", "binaryTransfer", "false");

    private Sessions() {}

    private static Connection connected(String user, Map<String, String> options) throws SQLException {
        Properties properties = new Properties();
        properties.putAll(options);
        properties.setProperty("user", user);
        properties.setProperty("socketFactory", "UnixSockets");
        properties.setProperty("socketFactoryArg", System.getenv("PGHOST") + "/.s.PGSQL." + System.getenv("PGPORT"));
        return DriverManager.getConnection("jdbc:postgresql://localhost/" + System.getenv("PGDATABASE"), properties);
    }

    static Connection reader(Map<String, String> options) throws SQLException {
        return connected(System.getenv("PGUSER"), options);
    }

    static Connection owner() throws SQLException {
        return connected(System.getenv("KPI_OWNER"), Map.of());
    }

    static List<String> query(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
            return Checks.rows(rows);
        }
    }

    static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
