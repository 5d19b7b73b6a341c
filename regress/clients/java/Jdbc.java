import java.io.IOException;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.postgresql.util.PSQLException;

/** JDBC: what an application does with the views of pg_kpi, as a role that may read some of them. See run.sh. */
public final class Jdbc {
    private static final String VIEW = "SELECT ts, period, region, dock, express, value, target, status FROM kpi_views.weight "
            + "WHERE period = ? AND ts >= ? AND ts < ? ORDER BY ts, region, dock, express";
    private static final String VALUES = "SELECT ts, dimensions->>'region', dimensions->>'dock', dimensions->>'express', value, target, status "
            + "FROM kpi.values_day WHERE code = ? AND ts >= ? AND ts < ? ORDER BY 1, 2, 3, 4";
    private static final String FUNCTION = "SELECT ts, value FROM kpi.value(?, 'hour', ?, ?)";
    private static final String ALL =
            "SELECT ts, period, region, dock, express, value, target, status FROM kpi_views.weight WHERE period = 'minute' ORDER BY 1, 3, 4, 5";
    private static final List<Map.Entry<String, Map<String, String>>> FORMS = List.of(Map.entry("text", Sessions.TEXT), Map.entry("binary", Sessions.BINARY));

    private static void set(PreparedStatement statement, Checks.Case one) throws SQLException {
        statement.setString(1, one.what());
        statement.setObject(2, one.since());
        statement.setObject(3, one.until());
    }

    private static void reflection() throws SQLException, IOException {
        List<String> wanted = Checks.lines("reflection.expected");
        List<String> names = wanted.stream().map(line -> line.split("\\|")[0]).distinct().sorted().toList();
        try (Connection connection = Sessions.reader(Sessions.TEXT)) {
            DatabaseMetaData data = connection.getMetaData();
            List<String> columns = new ArrayList<>();
            Map<String, String> comments = new TreeMap<>();
            List<String> listed = new ArrayList<>();
            for (String schema : List.of("kpi", "kpi_views")) {
                try (ResultSet tables = data.getTables(null, schema, "%", new String[] {"VIEW", "FOREIGN TABLE"})) {
                    while (tables.next()) {
                        String name = schema + "." + tables.getString("TABLE_NAME");
                        // Of schema kpi those that are for applications.
                        if (schema.equals("kpi_views") || names.contains(name)) {
                            listed.add(name + " " + tables.getString("TABLE_TYPE"));
                            comments.put(name, name + "|" + tables.getString("REMARKS"));
                        }
                    }
                }
            }
            // The driver lists what is there, whether or not the role may read it.
            Collections.sort(listed);
            List<String> all = new ArrayList<>(names.stream()
                    .map(name -> name + (name.startsWith("kpi.values_") ? " FOREIGN TABLE" : " VIEW")).toList());
            all.add("kpi_views.secret VIEW");
            Collections.sort(all);
            Checks.equal("views: all", listed, all);
            comments.remove("kpi_views.secret");
            Checks.equal("views: comments", List.copyOf(comments.values()), Checks.lines("comments.expected"));
            for (String name : names) {
                String[] part = name.split("\\.");
                try (ResultSet found = data.getColumns(null, part[0], part[1], "%")) {
                    while (found.next()) {
                        columns.add(String.join("|", name, found.getString("COLUMN_NAME"), found.getString("TYPE_NAME"),
                                found.getString("IS_NULLABLE"), found.getString("REMARKS")));
                    }
                }
            }
            Checks.equal("columns: names, types, nullability and comments", columns, wanted);
            try (PreparedStatement statement = connection.prepareStatement(VIEW)) {
                ResultSetMetaData result = statement.getMetaData();
                List<String> described = new ArrayList<>();
                for (int i = 1; i <= result.getColumnCount(); i++) {
                    described.add(result.getColumnName(i) + " " + result.getColumnTypeName(i) + " " + result.getColumnClassName(i));
                }
                Checks.equal("result: names and types, before it is executed", described, List.of(
                        "ts timestamptz java.sql.Timestamp", "period text java.lang.String", "region text java.lang.String",
                        "dock int4 java.lang.Integer", "express bool java.lang.Boolean", "value float8 java.lang.Double",
                        "target float8 java.lang.Double", "status text java.lang.String"));
                Checks.equal("parameters: types", List.of(statement.getParameterMetaData().getParameterTypeName(1),
                        statement.getParameterMetaData().getParameterTypeName(2)), List.of("text", "timestamptz"));
            }
        }
    }

    /** Each statement is prepared once and executed for all of its cases. */
    private static void prepared(Connection connection, String how) throws SQLException, IOException {
        for (var one : List.of(Map.entry("view", VIEW), Map.entry("values", VALUES), Map.entry("function", FUNCTION))) {
            List<String> got = new ArrayList<>();
            List<String> wanted = new ArrayList<>();
            try (PreparedStatement statement = connection.prepareStatement(one.getValue())) {
                for (Checks.Case read : Checks.cases(one.getKey())) {
                    set(statement, read);
                    try (ResultSet rows = statement.executeQuery()) {
                        got.addAll(Checks.rows(rows));
                    }
                    wanted.addAll(read.answer());
                }
                if (how.startsWith("generic") && one.getKey().equals("view")) {
                    Checks.equal("prepared: by the generic plan", Sessions.query(connection,
                            "SELECT (max(generic_plans) >= 12)::text FROM pg_prepared_statements WHERE statement LIKE '%kpi_views.weight%'"), List.of("true"));
                }
            }
            Checks.equal("prepared " + one.getKey() + ", " + how + ": the rows of psql", got, wanted);
        }
    }

    private static void live() throws SQLException {
        try (Connection connection = Sessions.reader(Sessions.BINARY); Connection other = Sessions.owner();
                PreparedStatement statement = connection.prepareStatement(
                        "SELECT value, target, status FROM kpi_views.live WHERE period = ? AND client = ?")) {
            statement.setString(1, "day");
            statement.setString(2, "jdbc");
            List<Integer> before = new ArrayList<>();
            for (int i = 0; i < 7; i++) {
                before.add(answer(statement).size());
            }
            Checks.equal("live: no row yet", before, Collections.nCopies(7, 0));
            Sessions.execute(other, "INSERT INTO depot.live VALUES ('2025-05-01 12:00Z', 'jdbc'), ('2025-05-01 13:00Z', 'jdbc')");
            Checks.equal("live: rows that have come", answer(statement), List.of("2.0 3.0 bad"));
            Sessions.execute(other, "SELECT kpi.refresh('live')");
            Checks.equal("live: after the refresh", answer(statement), List.of("2.0 3.0 bad"));
            Sessions.execute(other, "INSERT INTO depot.live VALUES ('2025-05-01 12:00Z', 'jdbc')");
            Checks.equal("live: a late row", answer(statement), List.of("3.0 3.0 ok"));
            Sessions.execute(other, "SELECT kpi.alter_kpi('live', target => 4)");
            Checks.equal("live: another target", answer(statement), List.of("3.0 4.0 bad"));
            Sessions.execute(other, "SELECT kpi.alter_kpi('live', target => 3)");
        }
    }

    private static List<String> answer(PreparedStatement statement) throws SQLException {
        List<String> found = new ArrayList<>();
        try (ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                found.add(rows.getDouble(1) + " " + rows.getDouble(2) + " " + rows.getString(3));
            }
        }
        return found;
    }

    /** With a fetch size, in a transaction, the driver reads from a portal of the server. */
    private static void cursors() throws SQLException, IOException {
        for (var form : FORMS) {
            try (Connection connection = Sessions.reader(form.getValue())) {
                List<String> plain = Sessions.query(connection, ALL);
                Checks.equal("plain query, " + form.getKey() + ": the rows of psql", plain, Checks.lines("all.txt"));
                connection.setAutoCommit(false);
                try (PreparedStatement statement = connection.prepareStatement(ALL)) {
                    statement.setFetchSize(250);
                    try (ResultSet rows = statement.executeQuery()) {
                        List<String> got = new ArrayList<>();
                        rows.next();
                        got.add(Checks.row(rows));
                        Checks.equal("cursor, " + form.getKey() + ": the server has one",
                                Sessions.query(connection, "SELECT count(*) FROM pg_cursors WHERE statement LIKE 'SELECT ts, period%'"), List.of("1"));
                        got.addAll(Checks.rows(rows));
                        Checks.equal("cursor, " + form.getKey() + ": the same rows", got, plain);
                    }
                }
                Checks.Case first = Checks.cases("view").get(0);
                try (PreparedStatement statement = connection.prepareStatement(VIEW)) {
                    statement.setFetchSize(20);
                    set(statement, first);
                    try (ResultSet rows = statement.executeQuery()) {
                        Checks.equal("cursor with parameters, " + form.getKey(), Checks.rows(rows), first.answer());
                    }
                }
            }
        }
        try (Connection connection = Sessions.reader(Sessions.BINARY); Connection other = Sessions.owner(); Statement statement = connection.createStatement()) {
            Sessions.execute(other, "INSERT INTO depot.live SELECT timestamptz '2025-06-01Z' + i * interval '1 minute', 'jdbc cursor' FROM generate_series(1, 300) AS i");
            String once = "SELECT value::text FROM kpi_views.live WHERE period = 'minute' AND client = 'jdbc cursor' ORDER BY ts";
            connection.setAutoCommit(false);
            statement.setFetchSize(10);
            List<String> got = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery(once)) {
                rows.next();
                got.add(Checks.row(rows));
                Sessions.execute(other, "INSERT INTO depot.live SELECT at, client FROM depot.live WHERE client = 'jdbc cursor'");
                Sessions.execute(other, "SELECT kpi.refresh('live')");
                got.addAll(Checks.rows(rows));
            }
            Checks.equal("cursor: rows of the time when it was opened", got, Collections.nCopies(300, "1"));
            Checks.equal("cursor: the next query sees what has come", Sessions.query(connection, once), Collections.nCopies(300, "2"));
        }
    }

    private static void types() throws SQLException, IOException {
        for (String zone : List.of("UTC", "Europe/Berlin", "America/St_Johns")) {
            for (var form : FORMS) {
                try (Connection connection = Sessions.reader(form.getValue())) {
                    Sessions.execute(connection, "SET timezone = '" + zone + "'");
                    Checks.equal("time zone " + zone + ", " + form.getKey() + ": the same instants", Sessions.query(connection, ALL), Checks.lines("all.txt"));
                }
            }
        }
        for (var form : FORMS) {
            try (Connection connection = Sessions.reader(form.getValue())) {
                int nulls = 0;
                int notNumbers = 0;
                try (Statement statement = connection.createStatement();
                        ResultSet rows = statement.executeQuery("SELECT value FROM kpi_views.weight WHERE period = 'minute'")) {
                    while (rows.next()) {
                        double value = rows.getDouble(1);
                        nulls += rows.wasNull() ? 1 : 0;
                        notNumbers += Double.isNaN(value) ? 1 : 0;
                    }
                }
                Checks.check("null, " + form.getKey(), nulls > 0 ? null : "there is none");
                Checks.check("NaN, " + form.getKey(), notNumbers > 0 ? null : "there is none");
                Checks.equal("jsonb, " + form.getKey() + ": text", Sessions.query(connection,
                        "SELECT dimensions FROM kpi.values_day WHERE code = 'fees' AND dimensions @> '{\"dock\": 1, \"region\": \"north\", \"express\": false}' ORDER BY ts LIMIT 1"),
                        List.of("{\"dock\": 1, \"region\": \"north\", \"express\": false}"));
                List<String> catalog = new ArrayList<>();
                try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery("SELECT code, dimensions, requires, "
                        + "approximate, target, view::text FROM kpi.catalog WHERE code IN ('weight', 'fee') ORDER BY code")) {
                    while (rows.next()) {
                        Array dimensions = rows.getArray(2);
                        catalog.add(rows.getString(1) + (dimensions == null ? "null" : Arrays.toString((String[]) dimensions.getArray()))
                                + Arrays.toString((String[]) rows.getArray(3).getArray()) + rows.getBoolean(4) + rows.getObject(5) + rows.getString(6));
                    }
                }
                Checks.equal("catalog, " + form.getKey() + ": arrays, flags and numbers", catalog, List.of(
                        "feenull[fees, parcels]falsenullkpi_views.fee", "weight[region, dock, express][]false4.7kpi_views.weight"));
                Checks.equal("scorecard, " + form.getKey() + ": the KPIs that the role may read", Sessions.query(connection, "SELECT code FROM kpi.scorecard"),
                        List.of("fee", "fees", "intact", "largest", "live", "parcels", "scan_time", "weight"));
            }
        }
        try (Connection connection = Sessions.reader(Sessions.BINARY)) {
            connection.setReadOnly(true);
            connection.setAutoCommit(false);
            Checks.equal("a read-only transaction", Sessions.query(connection, "SELECT ts FROM kpi.value('fees', 'day')").size(), 4);
        }
    }

    private static final String[][] REFUSED = {
        {"the raw table", "SELECT * FROM depot.parcel", "permission denied for table parcel"},
        {"the rollup", "SELECT * FROM kpi_rollup.parcel_day", "permission denied for table parcel_day"},
        {"a view without SELECT", "SELECT * FROM kpi_views.secret", "permission denied for view secret"},
        {"a code without SELECT", "SELECT * FROM kpi.value('secret', 'day')", "permission denied for KPI \"secret\""},
        {"kpi.create_kpi", "SELECT kpi.create_kpi('mine', 'parcel', 'count(*)')", "must be owner of source \"parcel\""},
        {"kpi.create_kpi over others", "SELECT kpi.create_kpi('mine', NULL, '{fees} / 2')", "must be owner of KPI \"fees\""},
        {"kpi.refresh", "SELECT kpi.refresh('parcel')", "must be owner of source \"parcel\""},
        {"kpi.drop_kpi", "SELECT kpi.drop_kpi('fees')", "must be owner of KPI \"fees\""},
        {"a write", "INSERT INTO kpi_views.fees (value) VALUES (1)", "permission denied for view fees"},
    };

    private static void rights() throws SQLException {
        try (Connection connection = Sessions.reader(Sessions.BINARY)) {
            for (String[] one : REFUSED) {
                try {
                    Sessions.execute(connection, one[1]);
                    Checks.check("refused: " + one[0], "it was not");
                } catch (PSQLException error) {
                    Checks.equal("refused: " + one[0], error.getSQLState() + " " + error.getServerErrorMessage().getMessage(), "42501 " + one[2]);
                    if (one[0].equals("a code without SELECT")) {
                        Checks.equal("refused: the hint says what to type", error.getServerErrorMessage().getHint(),
                                "Its owner can grant it: GRANT SELECT ON kpi_views.secret TO <role>.");
                    }
                }
            }
        }
    }

    public static void main(String[] arguments) throws SQLException, IOException {
        reflection();
        try (Connection connection = Sessions.reader(Sessions.TEXT)) {
            prepared(connection, "text");
        }
        try (Connection connection = Sessions.reader(Sessions.BINARY)) {
            prepared(connection, "binary");
        }
        try (Connection connection = Sessions.reader(Sessions.BINARY)) {
            Sessions.execute(connection, "SET plan_cache_mode = force_generic_plan");
            prepared(connection, "generic plan");
        }
        live();
        cursors();
        types();
        rights();
        Changes.all();
        Checks.end();
    }
}
