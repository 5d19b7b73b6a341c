//! A filter runs with the rights of the KPI's owner: it compares dimensions with constants, and does nothing else.
#![allow(clippy::unwrap_used)]

use kpi_catalog::{Error, Kind, filter};

fn dimensions() -> [String; 3] {
    ["region", "Channel", "day"].map(str::to_owned)
}

#[test]
fn conditions_on_dimensions_are_allowed() {
    for (text, sql) in [
        ("region = 'EU'", "\"region\" = 'EU'"),
        ("REGION in ('EU','US')", "\"region\" IN ('EU', 'US')"),
        (
            "\"Channel\" not like 'w%' or Channel is null",
            "\"Channel\" NOT LIKE 'w%' OR \"Channel\" IS NULL",
        ),
        (
            "not (region = 'a' and day > '2026-01-01'::date)",
            "NOT (\"region\" = 'a' AND \"day\" > '2026-01-01'::date)",
        ),
        (
            "day between date '2026-01-01' and date '2026-02-01'",
            "\"day\" BETWEEN '2026-01-01'::date AND '2026-02-01'::date",
        ),
        (
            "lower(trim(region)) = coalesce(nullif(upper(channel2), ''), 'x')",
            "",
        ),
        (
            "length(region) + 1 >= abs(-3) % 2",
            "length(\"region\") + 1 >= abs(-3) % 2",
        ),
        (
            "substr(region, 1, 2) || 'x' is distinct from 'EUx'",
            "substr(\"region\", 1, 2) || 'x' IS DISTINCT FROM 'EUx'",
        ),
        ("true", "true"),
    ] {
        if sql.is_empty() {
            assert!(
                matches!(filter(text, &dimensions()), Err(Error::UndefinedDimension { .. })),
                "{text}"
            );
            continue;
        }
        let found = filter(text, &dimensions()).unwrap();
        assert_eq!(found.sql, sql);
        let again = filter(&found.sql, &dimensions()).unwrap();
        assert_eq!(again, found, "read again");
    }
}

#[test]
fn dimensions_are_listed_once() {
    let found = filter(
        "day > '2026-01-01' and (region = 'a' or region = 'b')",
        &dimensions(),
    )
    .unwrap();
    assert_eq!(found.dimensions, ["day", "region"]);
}

#[test]
fn quotes_in_names_and_values_stay_inside() {
    let odd = ["a\"b".to_owned(), "x\\\"; DROP TABLE t; --".to_owned()];
    assert_eq!(
        filter("\"a\"\"b\" = 'it''s'", &odd).unwrap().sql,
        "\"a\"\"b\" = 'it''s'"
    );
    let found = filter("\"x\\\"\"; DROP TABLE t; --\" = '\\'''", &odd).unwrap();
    assert_eq!(found.sql, "\"x\\\"\"; DROP TABLE t; --\" = E'\\\\'''");
}

#[test]
fn unknown_dimensions_are_told_the_list() {
    let error = filter("regoin = 'EU'", &dimensions()).unwrap_err();
    assert_eq!(error.kind(), Kind::UndefinedColumn);
    assert_eq!(error.to_string(), "\"regoin\" is not a dimension");
    assert_eq!(
        error.detail().unwrap(),
        "the dimensions are: region, \"Channel\", day"
    );
    assert_eq!(error.hint().unwrap(), "perhaps you meant region");
    let error = filter("a = 1", &[]).unwrap_err();
    assert_eq!(error.detail().unwrap(), "the source has no dimensions");
}

#[test]
fn everything_else_is_refused() {
    for text in [
        "pg_sleep(10) IS NULL",
        "pg_catalog.lower(region) = 'a'",
        "public.lower(region) = 'a'",
        "\"Lower\"(region) = 'a'",
        "region = (SELECT 'a')",
        "region IN (SELECT 'a')",
        "EXISTS (SELECT 1)",
        "region = ANY (ARRAY['a'])",
        "region = ANY ('{a}')",
        "CASE WHEN true THEN pg_sleep(1) END",
        "region = ARRAY['a']",
        "region[1] = 'a'",
        "(region).f = 'a'",
        "region::regclass = 'a'",
        "region::my_type = 'a'",
        "region::text[] = '{}'",
        "CAST(region AS json) IS NULL",
        "region ~ '(a+)+$'",
        "region SIMILAR TO 'a'",
        "region OPERATOR(public.=) 'a'",
        "region @@ 'a'",
        "region COLLATE \"C\" = 'a'",
        "ROW(region) = ROW('a')",
        "(region, day) = ('a', 'b')",
        "extract(day FROM day) = 1",
        "day AT TIME ZONE 'UTC' > '2026-01-01'",
        "current_user = 'a'",
        "current_setting('x') = 'a'",
        "now() > day",
        "user = 'a'",
        "count(*) > 1",
        "sum(day) > 1",
        "region = $1",
        "t.region = 'a'",
        "region = 'a'; DROP TABLE t",
        "region = 'a' -- b",
        "region = 'a' /* b */",
        "region = 'a' UNION SELECT 1",
        "region = 'a' ORDER BY 1",
        "region = 'a' LIMIT 1",
        "lower(region) OVER () = 'a'",
        "lower(DISTINCT region) = 'a'",
        "lower(region) FILTER (WHERE true) = 'a'",
        "lower(region ORDER BY day) = 'a'",
        "lower((SELECT 'a')) = 'a'",
        "overlay(region PLACING 'a' FROM 1) = 'a'",
        "position('a' IN region) = 1",
        "INTERVAL '1 day' > day",
        "'now'::timestamptz > day",
        "{kpi} > 1",
        "*",
        "",
        "SELECT true",
    ] {
        let error = filter(text, &dimensions()).unwrap_err();
        assert!(error.hint().is_some(), "{text}: {error:?}");
        assert!(!error.to_string().ends_with('.'), "{error}");
    }
    let error = filter("md5(region) = 'a'", &dimensions()).unwrap_err();
    assert_eq!(
        error,
        Error::FilterFunction {
            function: "md5".into()
        }
    );
    assert!(
        error
            .hint()
            .unwrap()
            .starts_with("functions for filters are lower, upper, coalesce")
    );
}
