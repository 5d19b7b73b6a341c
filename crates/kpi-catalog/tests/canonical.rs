//! Canonical text is PostgreSQL with the same meaning, and stays as it is when it is read again.
#![allow(clippy::unwrap_used)]

use kpi_catalog::{Context, compile, dimension, rename_column};

fn text(formula: &str) -> String {
    let columns = ["x", "y", "ok", "status", "ts", "tags", "doc", "Region", "a b"].map(str::to_owned);
    let context = Context {
        columns: &columns,
        is_aggregate: &|_| false,
        approximate: true,
    };
    let text = compile(formula, &context).unwrap().text;
    assert_eq!(compile(&text, &context).unwrap().text, text, "read again");
    text
}

/// The canonical text of a condition on one row.
fn condition(condition: &str) -> String {
    let text = text(&format!("count(*) filter (where {condition})"));
    let inner = text
        .strip_prefix("count(*) FILTER (WHERE ")
        .and_then(|rest| rest.strip_suffix(')'));
    inner.unwrap().to_owned()
}

#[test]
fn strings_cannot_break_out() {
    // Each of these once looked to some printer as if its quotes were escaped already.
    assert_eq!(condition("status = 'it''s'"), "status = 'it''s'");
    assert_eq!(condition("status = 'it''''s'"), "status = 'it''''s'");
    assert_eq!(condition(r"status = '\'''"), r"status = E'\\'''");
    assert_eq!(condition(r"status = E'it\'s\\'"), r"status = E'it''s\\'");
    assert_eq!(condition("status = $q$it's$q$"), "status = 'it''s'");
    assert_eq!(condition(r"status = U&'\0061''b'"), "status = 'a''b'");
    assert_eq!(condition("status = ''"), "status = ''");
}

#[test]
fn names_are_folded_and_quoted_as_postgresql_does() {
    assert_eq!(
        condition("OK AND \"Region\" = STATUS"),
        "ok AND \"Region\" = status"
    );
    assert_eq!(condition("\"a b\" IS NULL"), "\"a b\" IS NULL");
    assert_eq!(
        condition("COALESCE(x, 0) = Greatest(y, 1)"),
        "coalesce(x, 0) = greatest(y, 1)"
    );
    assert_eq!(condition("\"MyFunction\"(x)"), "\"MyFunction\"(x)");
    assert_eq!(
        condition("my_schema.My_Function(x, flag => true)"),
        "my_schema.my_function(x, flag => true)"
    );
}

#[test]
fn every_keyword_can_be_a_column() {
    for keyword in sqlparser::keywords::ALL_KEYWORDS {
        let column = keyword.to_lowercase();
        let columns = [column.clone()];
        let context = Context {
            columns: &columns,
            is_aggregate: &|_| false,
            approximate: false,
        };
        for formula in [
            format!("sum(\"{column}\" + 1)"),
            format!("sum(\"{column}\")"),
            format!("count(*) FILTER (WHERE \"{column}\" = '1' AND \"{column}\" IS NULL)"),
            format!("max(\"{column}\"::float8 - \"{column}\")"),
        ] {
            let compiled = compile(&formula, &context).unwrap();
            assert_eq!(compiled.columns, columns, "{formula}");
            let again = compile(&compiled.text, &context);
            assert_eq!(again.as_ref(), Ok(&compiled), "{formula}");
        }
    }
}

#[test]
fn signs_do_not_become_comments() {
    assert_eq!(condition("x = - -5"), "x = - -5");
    assert_eq!(condition("x - -5 > - (-y)"), "x - -5 > -(-y)");
    assert_eq!(condition("x = - + - y"), "x = - + -y");
}

#[test]
fn operators_end_where_postgresql_ends_them() {
    assert_eq!(
        condition("x>-1 and x>=-1 and x<>-1 and x<-1"),
        "x > -1 AND x >= -1 AND x <> -1 AND x < -1"
    );
    assert_eq!(
        condition("x*-1 >+-y and x-+1 = 0"),
        "x * -1 > + -y AND x - +1 = 0"
    );
    assert_eq!(condition("doc->-1 = doc->>-2"), "doc -> -1 = doc ->> -2");
}

#[test]
fn casts_and_types() {
    assert_eq!(condition("x::DOUBLE PRECISION > 1"), "x::float8 > 1");
    assert_eq!(
        condition("x::decimal( 10 , 2 )::int = 1"),
        "x::numeric(10,2)::int4 = 1"
    );
    assert_eq!(
        condition("CAST(status AS character varying(3)) = 'a'"),
        "CAST(status AS varchar(3)) = 'a'"
    );
    assert_eq!(
        condition("ts > '2026-01-01'::timestamp(3) with time zone"),
        "ts > '2026-01-01'::timestamptz(3)"
    );
    assert_eq!(
        condition("ts > TIMESTAMPTZ '2026-01-01 00:00+02'"),
        "ts > '2026-01-01 00:00+02'::timestamptz"
    );
    assert_eq!(condition("tags = '{a,b}'::text[]"), "tags = '{a,b}'::text[]");
    assert_eq!(
        condition("status::my_schema.mood = 'sad'"),
        "status::my_schema.mood = 'sad'"
    );
    assert_eq!(condition("status::\"char\" = 'a'"), "status::\"char\" = 'a'");
}

#[test]
fn times_and_intervals() {
    assert_eq!(
        condition("ts at time zone 'Europe/Berlin' - interval '1 day' > ts"),
        "ts AT TIME ZONE 'Europe/Berlin' - INTERVAL '1 day' > ts"
    );
    assert_eq!(
        condition("ts - ts > interval '1' hour"),
        "ts - ts > INTERVAL '1' hour"
    );
    assert_eq!(
        condition("EXTRACT(EPOCH FROM ts - ts) > 5"),
        "extract(epoch FROM ts - ts) > 5"
    );
    assert_eq!(
        condition("extract('isodow' from ts) = 7"),
        "extract(isodow FROM ts) = 7"
    );
    assert_eq!(
        condition("date_trunc('day', ts) = ts"),
        "date_trunc('day', ts) = ts"
    );
}

#[test]
fn json_and_arrays() {
    assert_eq!(condition("doc->'a'->>'b' = '1'"), "doc -> 'a' ->> 'b' = '1'");
    assert_eq!(
        condition("doc#>>'{a,b}' = '1' and doc ? 'k'"),
        "doc #>> '{a,b}' = '1' AND doc ? 'k'"
    );
    assert_eq!(
        condition("tags[1] = 'a' and tags[1:2] = tags"),
        "tags[1] = 'a' AND tags[1:2] = tags"
    );
    assert_eq!(
        condition("status = any(array['a','b'])"),
        "status = ANY (ARRAY['a', 'b'])"
    );
    assert_eq!(
        condition("(string_to_array(status, ','))[1] = 'a'"),
        "(string_to_array(status, ','))[1] = 'a'"
    );
}

#[test]
fn predicates_and_precedence() {
    for same in [
        "x BETWEEN 1 AND 2 AND y NOT BETWEEN 3 AND 4",
        "status LIKE 'a!%%' ESCAPE '!' OR status NOT ILIKE 'b%' OR status SIMILAR TO 'c%'",
        "x IS DISTINCT FROM y AND x IS NOT DISTINCT FROM 1",
        "ok IS TRUE AND ok IS NOT FALSE OR (ok AND x IS NULL) IS UNKNOWN",
        "NOT ok AND NOT (x = 1 OR y = 2)",
        "x IN (1, 2) AND status NOT IN ('a')",
        "x * (y + 2) - x ^ 2 / y % 3 > 0",
        "CASE WHEN ok THEN CASE x WHEN 1 THEN 2 ELSE 3 END ELSE 4 END = 2",
        "(x + y)::int4 = 3",
        "status COLLATE \"C\" < 'b'",
        "status || 'a' ~* '^b' AND tags && ARRAY['a']",
    ] {
        assert_eq!(condition(same), same);
    }
    assert_eq!(condition("x != 1"), "x <> 1");
    assert_eq!(condition("(x, y) in ((1, 2))"), "row(x, y) IN (row(1, 2))");
    assert_eq!(
        condition("substring(status from 2 for 3) = 'a'"),
        "substring(status, 2, 3) = 'a'"
    );
    assert_eq!(
        condition("trim(leading 'x' from status) = 'a'"),
        "trim(LEADING 'x' FROM status) = 'a'"
    );
}

#[test]
fn dimensions_keep_their_meaning() {
    let columns = ["Region".to_owned(), "region".to_owned(), "ordered at".to_owned()];
    let read = |text: &str| {
        let dimension = dimension(text, &columns).unwrap();
        (dimension.name, dimension.expression)
    };
    let pair = |name: &str, expression: &str| (name.to_owned(), expression.to_owned());
    assert_eq!(read("Region"), pair("Region", "\"Region\""));
    assert_eq!(read("REGION"), pair("region", "region"));
    assert_eq!(read("\"Region\""), pair("Region", "\"Region\""));
    assert_eq!(read("ordered at"), pair("ordered at", "\"ordered at\""));
    assert_eq!(read("Area => Lower(r.region)"), pair("Area", "lower(region)"));
    assert_eq!(read("\"a => b\"=>region"), pair("a => b", "region"));
    assert_eq!(read("all => 'x'"), pair("all", "'x'"));
}

#[test]
fn renaming_changes_the_column_and_nothing_else() {
    let rename = |text: &str, from: &str, to: &str| rename_column(text, from, to).unwrap();
    assert_eq!(
        rename(
            "sum( Amount )  / count(\"amount\") FILTER (WHERE 'amount' <> amount(amount))",
            "amount",
            "Net"
        ),
        "sum( \"Net\" )  / count(\"Net\") FILTER (WHERE 'amount' <> amount(\"Net\"))"
    );
    assert_eq!(rename("sum(\"Amount\")", "amount", "net"), "sum(\"Amount\")");
    assert_eq!(
        rename("sum(x)\n+ sum('é' || x)\n", "x", "y"),
        "sum(y)\n+ sum('é' || y)\n"
    );
    assert_eq!(
        rename("area => lower(area)", "area", "zone"),
        "area => lower(zone)"
    );
    assert_eq!(rename("ordered at", "ordered at", "day"), "day");
    assert_eq!(rename("{amount} / 2", "amount", "net"), "{amount} / 2");
    assert_eq!(
        rename(
            "percentile_cont(0.5) WITHIN GROUP (ORDER BY x) + array_agg(x ORDER BY x)",
            "x",
            "user"
        ),
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY \"user\") + array_agg(\"user\" ORDER BY \"user\")"
    );
    assert_eq!(
        rename("make_interval(days => days)", "days", "n"),
        "make_interval(days => n)"
    );
}
