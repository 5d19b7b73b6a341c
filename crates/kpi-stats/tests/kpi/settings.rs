//! States of different settings say so before they are merged, and readable states are readable.

use kpi_stats::{
    Apdex, End, Error, Ewma, Extremes, ForecastError, Frequent, Funnel, Nps, Period, Ratio, Retention, Slo,
    State,
};

fn assert_unlike<S: State>(one: &S, other: &S, detail: &str) {
    assert!(one.check_merge(one).is_ok() && other.check_merge(other).is_ok());
    let error = one.check_merge(other).unwrap_err();
    assert!(matches!(error, Error::Different { .. }));
    assert_eq!(error.detail().unwrap(), detail);
    assert_eq!(other.check_merge(one), Err(error.clone()));
    assert!(error.to_string().ends_with("cannot be merged"));
    assert!(error.hint().is_some());
}

#[test]
fn different_settings_are_named() {
    assert_unlike(
        &Apdex::new(0.5).unwrap(),
        &Apdex::new(1.0).unwrap(),
        "One has a threshold of 0.5, the other a threshold of 1.",
    );
    assert_unlike(
        &Ewma::new(7_200_000_000).unwrap(),
        &Ewma::new(3_600_000_000).unwrap(),
        "One has a half-life of 1 hour, the other a half-life of 2 hours.",
    );
    assert_unlike(
        &Slo::new(0.9).unwrap(),
        &Slo::new(0.99).unwrap(),
        "One has an objective of 0.9, the other an objective of 0.99.",
    );
    assert_unlike(
        &Funnel::new(86_400_000_000).unwrap(),
        &Funnel::new(1_500_000).unwrap(),
        "One has a window of 1.5 seconds, the other a window of 1 day.",
    );
    assert_unlike(
        &Retention::new(Period::Months(1)).unwrap(),
        &Retention::new(Period::Micros(9)).unwrap(),
        "One has a period of 0.000009 seconds, the other a period of 1 month.",
    );
    assert_unlike(
        &Frequent::at_least(0.1).unwrap(),
        &Frequent::most_common(5, 1.1).unwrap(),
        "One has values of a frequency of 0.1 or more, the other the 5 most common values of skew 1.1.",
    );
    assert_unlike(
        &Extremes::<i64>::new(End::Smallest, 3).unwrap(),
        &Extremes::new(End::Largest, 4).unwrap(),
        "One has the 3 smallest values, the other the 4 largest values.",
    );
}

#[test]
fn texts_that_a_person_can_read() {
    let mut ratio = Ratio::default();
    ratio.add(1.0, 4.0);
    ratio.add(f64::NAN, 2.5);
    assert_eq!(
        ratio.to_text(),
        r#"{"n": 2, "numerator": [1, 0, ["NaN"]], "denominator": [6.5, 0]}"#
    );
    let mut apdex = Apdex::new(0.5).unwrap();
    apdex.add(1.0);
    assert_eq!(
        apdex.to_text(),
        r#"{"t": 0.5, "satisfied": 0, "tolerating": 1, "frustrated": 0}"#
    );
    let mut nps = Nps::default();
    nps.add(9).unwrap();
    assert_eq!(
        nps.to_text(),
        r#"{"promoters": 1, "passives": 0, "detractors": 0}"#
    );
    let mut ewma = Ewma::new(10).unwrap();
    ewma.add(-5, 3.0);
    assert_eq!(
        ewma.to_text(),
        r#"{"half_life": 10, "n": 1, "last": -5, "weights": [1, 0], "weighted": [3, 0]}"#
    );
    let mut error = ForecastError::default();
    error.add(4.0, 3.0);
    assert!(
        error
            .to_text()
            .starts_with(r#"{"n": 1, "nonzero": 1, "error": [1, 0], "absolute": [1, 0]"#)
    );
    match Nps::from_text(r#"{"promoters": 1, "passives": x}"#) {
        Err(Error::Text { position, .. }) => assert_eq!(position, 30),
        other => panic!("{other:?}"),
    }
}
