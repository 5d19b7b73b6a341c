//! All methods: the same answers to series that are not perfect, and what they refuse.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use kpi_anomaly::{Error, Method, Options, Request, detect, reason::reason};
use kpi_forecast::random::Random;
use proptest::prelude::*;

const NAN: f64 = f64::NAN;

fn request(method: Method) -> Request {
    Request {
        method,
        ..Request::default()
    }
}

fn all() -> impl Iterator<Item = Method> {
    Method::names().into_iter().map(|name| name.parse().unwrap())
}

#[test]
fn names_are_those_that_are_printed() {
    for name in Method::names() {
        assert_eq!(name.parse::<Method>().unwrap().to_string(), name);
    }
}

#[test]
fn a_constant_has_no_anomalies() {
    for method in all() {
        let found = detect(&[7.0; 120], &request(method), &[7], &mut || false).unwrap();
        assert!(found.verdicts.iter().all(|v| !v.is_anomaly), "{method}");
    }
}

#[test]
fn gaps_have_no_score_and_the_others_have() {
    let mut random = Random::new(1);
    let mut values: Vec<f64> = (0..300)
        .map(|t| f64::from(t % 7) + 0.3 * random.normal())
        .collect();
    (values[50], values[51], values[200]) = (NAN, f64::INFINITY, f64::NEG_INFINITY);
    for method in all().filter(|m| !matches!(m, Method::MatrixProfile | Method::Forecast)) {
        let found = detect(&values, &request(method), &[7], &mut || false).unwrap();
        for (t, (verdict, value)) in found.verdicts.iter().zip(&values).enumerate() {
            assert_eq!(verdict.score.is_some(), value.is_finite(), "{method} {t}");
        }
    }
}

#[test]
fn a_clear_spike_is_found_by_all_and_explained() {
    let mut random = Random::new(2);
    let mut values: Vec<f64> = (0..400)
        .map(|t| 100.0 + 5.0 * f64::from(t % 7) + random.normal())
        .collect();
    values[203] += 40.0;
    for method in all() {
        let found = detect(&values, &request(method), &[7], &mut || false).unwrap();
        let near = (195..212).find(|t| found.verdicts[*t].is_anomaly);
        let at = near.unwrap_or_else(|| panic!("{method}"));
        assert!(
            reason(values[at], &found.verdicts[at], found.season).is_some(),
            "{method}"
        );
        assert!(found.verdicts[at].kind().is_some());
    }
}

#[test]
fn few_values_are_judged_or_refused() {
    for method in all() {
        for n in 0..30 {
            let values: Vec<f64> = (0..n).map(|t| f64::from(t * t % 5)).collect();
            match detect(&values, &request(method), &[7], &mut || false) {
                Ok(found) => assert_eq!(found.verdicts.len(), values.len()),
                Err(error) => assert!(
                    error.hint().is_some() && error.detail().is_some(),
                    "{method} {error}"
                ),
            }
        }
    }
}

#[test]
fn what_is_out_of_range_is_refused() {
    let values: Vec<f64> = (0..90).map(|t| f64::from(t * t % 11)).collect();
    let fail = |method, options: Options, season| {
        let request = Request {
            method,
            options,
            season,
            ..Request::default()
        };
        detect(&values, &request, &[], &mut || false).unwrap_err()
    };
    for season in [0, -7, 46, i64::MAX, i64::MIN] {
        let error = fail(Method::Auto, Options::default(), Some(season));
        assert_eq!(error, Error::Season { season, length: 90 });
    }
    for (name, options) in [
        (
            "lambda",
            Options {
                lambda: Some(0.0),
                ..Options::default()
            },
        ),
        (
            "lambda",
            Options {
                lambda: Some(NAN),
                ..Options::default()
            },
        ),
        (
            "slack",
            Options {
                slack: Some(-1.0),
                ..Options::default()
            },
        ),
        (
            "max_share",
            Options {
                max_share: Some(0.5),
                ..Options::default()
            },
        ),
        (
            "components",
            Options {
                components: Some(0),
                ..Options::default()
            },
        ),
        (
            "trees",
            Options {
                trees: Some(0),
                ..Options::default()
            },
        ),
        (
            "sample",
            Options {
                sample: Some(1),
                ..Options::default()
            },
        ),
    ] {
        let error = fail(Method::Auto, options, None);
        assert!(
            matches!(error, Error::OptionRange { name: found, .. } if found == name),
            "{name} {error:?}"
        );
    }
    for method in [Method::MatrixProfile, Method::SubPca] {
        for window in [-1, 0, 1, 46, i64::MAX] {
            let options = Options {
                window: Some(window),
                ..Options::default()
            };
            assert!(
                matches!(fail(method, options, None), Error::Window { .. }),
                "{method} {window}"
            );
        }
    }
    for method in all() {
        let canceled = detect(&values, &request(method), &[], &mut || true).unwrap_err();
        assert_eq!(canceled, Error::Canceled, "{method}");
    }
}

#[test]
fn a_season_that_is_given_is_taken() {
    let values: Vec<f64> = (0..90).map(|t| f64::from(t % 5)).collect();
    for (season, found) in [(Some(5), 5), (Some(1), 1), (Some(45), 45), (None, 5)] {
        let request = Request {
            season,
            ..Request::default()
        };
        assert_eq!(
            detect(&values, &request, &[], &mut || false).unwrap().season,
            found
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn verdicts_agree_with_themselves(
        values in prop::collection::vec(prop::option::weighted(0.9, prop_oneof![-1e6..1e6_f64, Just(0.0), Just(7.0)]), 0..90),
        threshold in 1e-3..0.5_f64, pick in 0..14_usize,
    ) {
        let values: Vec<f64> = values.into_iter().map(|v| v.unwrap_or(NAN)).collect();
        let method = all().nth(pick).unwrap();
        let request = Request { threshold, ..request(method) };
        if let Ok(result) = detect(&values, &request, &[7], &mut || false) {
            prop_assert_eq!(result.verdicts.len(), values.len());
            for v in &result.verdicts {
                prop_assert_eq!(v.is_anomaly, v.score.is_some_and(|score| score > 1.0 - threshold));
                prop_assert_eq!(v.is_anomaly, v.kind().is_some());
                prop_assert!(v.score.is_none_or(|score| (0.0..=1.0).contains(&score)));
                prop_assert!(v.lower.is_nan() || v.upper.is_nan() || v.lower <= v.upper);
            }
        }
    }
}
