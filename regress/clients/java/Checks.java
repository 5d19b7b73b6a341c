import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;

/** The checks' lines, the reads that psql has answered, and rows written as psql wrote them. */
final class Checks {
    /** A read of a statement: its parameters and what psql answered. */
    record Case(String what, OffsetDateTime since, OffsetDateTime until, List<String> answer) {}

    private static int failed;

    private Checks() {}

    /** Prints the line of a check; a problem is what was wrong, null when nothing was. */
    static void check(String what, String problem) {
        if (problem == null) {
            System.out.println("ok - " + what);
        } else {
            failed++;
            System.out.println("not ok - " + what + "\n#   " + problem.replace("\n", "\n#   "));
        }
    }

    /** A check that two values are the same; of lists it shows the first difference. */
    static void equal(String what, Object got, Object wanted) {
        String problem = null;
        if (!got.equals(wanted)) {
            problem = got + "\nand not\n" + wanted;
            if (got instanceof List<?> one && wanted instanceof List<?> other) {
                int at = 0;
                while (at < one.size() && at < other.size() && one.get(at).equals(other.get(at))) {
                    at++;
                }
                problem = "line " + (at + 1) + " of " + one.size() + " is\n" + (at < one.size() ? one.get(at) : "not there")
                        + "\nand not\n" + (at < other.size() ? other.get(at) : "the end");
            }
        }
        check(what, problem);
    }

    /** Prints the closing line. */
    static void end() {
        System.out.println("done");
        System.exit(failed > 0 ? 1 : 0);
    }

    /** The lines of a file that run.sh made. */
    static List<String> lines(String name) throws IOException {
        return Files.readAllLines(Path.of(System.getenv("KPI_ANSWERS"), name));
    }

    static List<Case> cases(String statement) throws IOException {
        List<Case> found = new ArrayList<>();
        int number = 0;
        for (String line : lines("cases.tsv")) {
            number++;
            String[] field = line.split("\t");
            if (field[0].equals(statement)) {
                found.add(new Case(field[1], OffsetDateTime.parse(field[2]), OffsetDateTime.parse(field[3]), lines(number + ".txt")));
            }
        }
        return found;
    }

    /** The present row as psql wrote it. */
    static String row(ResultSet rows) throws SQLException {
        StringJoiner line = new StringJoiner("|");
        for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
            line.add(shown(rows, i));
        }
        return line.toString();
    }

    /** All rows that are left. */
    static List<String> rows(ResultSet rows) throws SQLException {
        List<String> found = new ArrayList<>();
        while (rows.next()) {
            found.add(row(rows));
        }
        return found;
    }

    private static String shown(ResultSet rows, int column) throws SQLException {
        String type = rows.getMetaData().getColumnTypeName(column);
        if (type.equals("timestamptz")) {
            OffsetDateTime time = rows.getObject(column, OffsetDateTime.class);
            return time == null ? "NULL" : Long.toString(ChronoUnit.MICROS.between(Instant.EPOCH, time));
        }
        Object value = rows.getObject(column);
        if (value instanceof Double number) {
            return String.format("%016x", Double.doubleToLongBits(number));
        }
        return value == null ? "NULL" : value.toString();
    }
}
