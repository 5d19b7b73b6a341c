use crate::any_series;
use kpi_series::{Error, Series};
use proptest::prelude::*;

proptest! {
    #[test]
    fn reading_gives_back_what_was_written(series in any_series()) {
        // All NaN are one in text.
        let expected = series.points().map(|(time, value)| (time, value.map(|v| if v.is_nan() { f64::NAN } else { v })));
        let expected = Series::from_points(expected.collect()).unwrap();
        prop_assert_eq!(Series::parse(&series.to_text()).unwrap(), expected);
    }

    #[test]
    fn any_text_is_read_or_refused_with_a_position_in_it(text in r#"[\[\]",0-9TZnule:. é+-]{0,40}"#) {
        if let Err(Error::BadText { position, .. }) = Series::parse(&text) {
            prop_assert!((1..=text.len() + 1).contains(&position));
        }
    }

    #[test]
    fn damaged_text_never_panics(series in any_series(), cut in any::<prop::sample::Index>(), with in any::<char>()) {
        let mut text = series.to_text();
        let at = cut.index(text.len());
        text.replace_range(at..at + 1, &with.to_string());
        let _ = Series::parse(&text);
        let _ = Series::parse(&text[..at]);
    }
}

fn bad(text: &str) -> (usize, &'static str) {
    match Series::parse(text) {
        Err(Error::BadText {
            position, expected, ..
        }) => (position, expected),
        other => panic!("{text} gave {other:?}"),
    }
}

#[test]
fn errors_say_where_and_what() {
    assert_eq!(bad(""), (1, "\"[\""));
    assert_eq!(bad("{}"), (1, "\"[\""));
    assert_eq!(bad("[1]"), (2, "\"[\" of a point"));
    assert_eq!(
        bad("[[\"2026-01-01\", 1]]"),
        (3, "a time such as \"2026-01-01T00:00:00Z\"")
    );
    assert_eq!(
        bad("[[\"2026-01-01T00:00:00\", 1]]"),
        (3, "a time such as \"2026-01-01T00:00:00Z\"")
    );
    assert_eq!(
        bad("[[\"2026-01-01T00:00:00Z\" 1]]"),
        (26, "\",\" between time and value")
    );
    let value = "a number, null, \"NaN\", \"Infinity\" or \"-Infinity\"";
    for text in [
        "nil", "01", ".5", "1.", "1e", "+1", "NaN", "\"nan\"", "true", "'1'",
    ] {
        assert_eq!(
            bad(&format!("[[\"2026-01-01T00:00:00Z\", {text}]]")),
            (27, value),
            "{text}"
        );
    }
    assert_eq!(
        bad("[[\"2026-01-01T00:00:00Z\", 1 2]]"),
        (29, "\"]\" after the value")
    );
    assert_eq!(
        bad("[[\"2026-01-01T00:00:00Z\", 1e999]]"),
        (27, "a number within the range of float8")
    );
    assert_eq!(bad("[[\"2026-01-01T00:00:00Z\", 1], ]"), (31, "\"[\" of a point"));
    assert_eq!(bad("[[\"2026-01-01T00:00:00Z\", 1]"), (29, "\",\" or \"]\""));
    assert_eq!(bad("[] []"), (4, "the end of the text"));
}

#[test]
fn white_space_offsets_and_order_do_not_matter() {
    let a = Series::parse(
        " [ [ \"2026-01-01T02:00:00+02:00\" , 1e0 ] ,\n[\"2025-12-31t23:00:00z\",-0.25E+1]\t] ",
    )
    .unwrap();
    let b = Series::parse("[[\"2025-12-31 23:00:00Z\", -2.5], [\"2026-01-01T00:00:00.000Z\", 1]]").unwrap();
    assert_eq!(a, b);
    assert_eq!(Series::parse("[]").unwrap(), Series::default());
}

#[test]
fn numbers_are_written_short() {
    let values = [
        0.1,
        -0.0,
        1e300,
        5e-324,
        123_456_789.0,
        1e15,
        1e16,
        1e-5,
        1e-6,
        f64::NAN,
        f64::NEG_INFINITY,
    ];
    let points = values
        .iter()
        .enumerate()
        .map(|(i, &value)| (i as i64, Some(value)))
        .collect();
    let text = Series::from_points(points).unwrap().to_text();
    let written: Vec<&str> = text
        .split("], ")
        .map(|point| point.rsplit(", ").next().unwrap().trim_end_matches(']'))
        .collect();
    assert_eq!(
        written,
        [
            "0.1",
            "-0",
            "1e300",
            "5e-324",
            "123456789",
            "1000000000000000",
            "1e16",
            "0.00001",
            "1e-6",
            "\"NaN\"",
            "\"-Infinity\""
        ]
    );
}
