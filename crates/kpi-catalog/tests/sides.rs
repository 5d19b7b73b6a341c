//! Formulas that are sums, ratios of sums, and neither.
#![allow(clippy::unwrap_used)]

use kpi_catalog::{Context, compile, compile_derived, sides};

fn both(formula: &str) -> Option<(String, Option<String>)> {
    let sides = sides(formula).unwrap()?;
    Some((sides.numerator, sides.denominator))
}

#[test]
fn sums() {
    for formula in [
        "sum(amount)",
        "count(*)",
        "count(amount) FILTER (WHERE status = 'late')",
        "sum(amount) - 0.19 * sum(tax) + count(*)",
        "-(sum(amount)::numeric) / 100",
        "coalesce(sum(amount), 0)",
        "sum(CASE WHEN late THEN 1 ELSE 0 END)",
        "{revenue} - {cost}",
        "{revenue} / 1000",
    ] {
        let (numerator, denominator) = both(formula).unwrap();
        assert_eq!(denominator, None, "{formula}");
        assert_eq!(both(&numerator), Some((numerator.clone(), None)), "{formula}");
    }
}

#[test]
fn ratios() {
    for (formula, numerator, denominator) in [
        ("sum(late)::float8 / count(*)", "sum(late)::FLOAT8", "count(*)"),
        (
            "sum(late) / nullif(count(*), 0)",
            "sum(late)",
            "nullif(count(*), 0)",
        ),
        ("(avg(amount))", "sum(amount)", "count(amount)"),
        (
            "100 * (sum(late)::numeric / count(*))",
            "(100) * (sum(late)::NUMERIC)",
            "count(*)",
        ),
        (
            "1 - sum(late)::numeric / count(*)",
            "(1) * (count(*)) - (sum(late)::NUMERIC)",
            "count(*)",
        ),
        (
            "avg(amount) + 5",
            "(sum(amount)) + (5) * (count(amount))",
            "count(amount)",
        ),
        ("-avg(amount)", "-(sum(amount))", "count(amount)"),
        ("avg(amount) / 60", "sum(amount)", "(count(amount)) * (60)"),
        ("{revenue} / {orders}", "{revenue}", "{orders}"),
        (
            "({revenue} - {cost}) / {revenue}",
            "({revenue} - {cost})",
            "{revenue}",
        ),
    ] {
        let expected = Some((numerator.to_owned(), Some(denominator.to_owned())));
        assert_eq!(both(formula), expected, "{formula}");
    }
}

#[test]
fn neither() {
    for formula in [
        "max(amount)",
        "count(DISTINCT customer)",
        "sum(amount) * count(*)",
        "sum(amount) + 1",
        "sum(amount) / max(amount)",
        "1 / sum(amount)",
        "avg(amount) + avg(tax)",
        "round(avg(amount), 2)",
        "stddev(amount)",
        "kpi.sum(amount)",
        "greatest(sum(amount), 0)",
        "coalesce(sum(amount), 1)",
        "{revenue} * {orders}",
    ] {
        assert_eq!(both(formula), None, "{formula}");
    }
    assert!(sides("sum(").is_err() && sides("{").is_err());
}

/// Each side compiles, to states that the whole formula has.
#[test]
fn sides_compile_to_the_states_of_the_whole() {
    let columns = ["amount", "late", "tax"].map(str::to_owned);
    let context = Context {
        columns: &columns,
        is_aggregate: &|_| false,
        approximate: false,
    };
    for formula in [
        "100.0 * SUM(Late) FILTER (WHERE amount > 3 AND tax IS NOT NULL) / count(*)",
        "avg(amount * 2) FILTER (WHERE late = 1)",
        "1 - avg(CAST(late AS numeric))",
        "sum(amount) - sum(tax)",
    ] {
        let whole = compile(formula, &context).unwrap();
        let found = sides(formula).unwrap().unwrap();
        for side in std::iter::once(found.numerator).chain(found.denominator) {
            let side = compile(&side, &context).unwrap();
            assert!(
                side.states.iter().all(|state| whole.states.contains(state)),
                "{formula}"
            );
        }
    }
    let found = sides("1 - {late} / {orders}").unwrap().unwrap();
    assert_eq!(
        compile_derived(&found.numerator).unwrap().codes,
        ["orders", "late"]
    );
}
