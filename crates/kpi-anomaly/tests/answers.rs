//! The defined answers: what is found, what is not, gaps, constants, wrong requests, properties.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use kpi_anomaly::{Cause, Error, Kind, Method, Request, detect, reason::reason};
use proptest::prelude::*;

const NAN: f64 = f64::NAN;

/// A generator of uniform numbers in [-0.5, 0.5) (Marsaglia 2003), so that a test is the same on every run.
fn noise(n: usize) -> Vec<f64> {
    let mut state = 88172645463325252_u64;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        })
        .collect()
}

/// Weeks with a quiet weekend, a trend, and noise.
fn weeks(n: usize) -> Vec<f64> {
    let shape = [100.0, 110.0, 112.0, 111.0, 120.0, 60.0, 40.0];
    noise(n)
        .iter()
        .enumerate()
        .map(|(t, e)| shape[t % 7] + 0.2 * t as f64 + 6.0 * e)
        .collect()
}

fn found(values: &[f64]) -> Vec<usize> {
    let result = detect(values, &Request::default(), &[7], &mut || false).unwrap();
    (0..values.len())
        .filter(|t| result.verdicts[*t].is_anomaly)
        .collect()
}

#[test]
fn a_monday_like_a_sunday_is_found_and_a_sunday_is_not() {
    let mut values = weeks(140);
    assert_eq!(found(&values), []);
    values[63] = values[62];
    assert_eq!(found(&values), [63]);
}

#[test]
fn the_first_and_the_last_value_are_judged_too() {
    for at in [0, 1, 137, 139] {
        let mut values = weeks(140);
        values[at] += 60.0;
        assert_eq!(found(&values), [at]);
    }
}

#[test]
fn an_outage_of_half_a_week_is_found_as_a_whole() {
    let mut values = weeks(140);
    values[84..88].fill(3.0);
    assert_eq!(found(&values), [84, 85, 86, 87]);
}

#[test]
fn a_spike_in_a_series_that_hardly_ever_moves_is_found() {
    let mut values = vec![0.0; 100];
    values[40] = 5.0;
    assert_eq!(found(&values), [40]);
}

#[test]
fn a_constant_and_a_perfect_season_have_no_anomalies() {
    for values in [
        vec![0.1; 50],
        (0..70)
            .map(|t| [0.1, 0.7, 0.3, 0.9, 0.4, 0.2, 0.8][t % 7] + 1e6)
            .collect(),
    ] {
        let result = detect(&values, &Request::default(), &[7], &mut || false).unwrap();
        for (verdict, value) in result.verdicts.iter().zip(&values) {
            assert!(
                !verdict.is_anomaly && (verdict.expected - value).abs() < 1e-6,
                "{verdict:?}"
            );
        }
    }
}

#[test]
fn false_alarms_on_noise_are_as_rare_as_asked_for() {
    let values: Vec<f64> = noise(24_000).chunks(6).map(|six| six.iter().sum()).collect();
    for threshold in [0.05, 0.01, 0.001] {
        let result = detect(
            &values,
            &Request {
                threshold,
                ..Request::default()
            },
            &[7],
            &mut || false,
        )
        .unwrap();
        let alarms = result.verdicts.iter().filter(|v| v.is_anomaly).count() as f64;
        assert!(
            alarms <= 1.5 * threshold * values.len() as f64 + 2.0,
            "{threshold} {alarms}"
        );
    }
}

#[test]
fn a_gap_has_an_expectation_and_no_score() {
    let mut values = weeks(70);
    (values[20], values[21], values[30]) = (NAN, f64::INFINITY, f64::NEG_INFINITY);
    let result = detect(&values, &Request::default(), &[7], &mut || false).unwrap();
    assert_eq!(result.season, 7);
    for t in [20, 21, 30] {
        let verdict = result.verdicts[t];
        assert!((verdict.expected - weeks(70)[t]).abs() < 15.0);
        assert_eq!(
            (verdict.score, verdict.is_anomaly, reason(values[t], &verdict, 7)),
            (None, false, None)
        );
    }
}

#[test]
fn a_reason_reads_well() {
    let mut values = weeks(70);
    values[22] = 12.0;
    let result = detect(&values, &Request::default(), &[7], &mut || false).unwrap();
    let text = reason(values[22], &result.verdicts[22], result.season).unwrap();
    assert!(text.starts_with("12 is 89% below the expected 11"), "{text}");
    assert!(
        text.contains("(7-step season), ") && text.ends_with(" robust deviations"),
        "{text}"
    );
}

#[test]
fn wrong_requests_say_what_was_wrong() {
    let fail = |values: &[f64], threshold| {
        detect(
            values,
            &Request {
                threshold,
                ..Request::default()
            },
            &[],
            &mut || false,
        )
        .unwrap_err()
    };
    for threshold in [0.0, 1.0, -0.1, NAN] {
        assert!(matches!(fail(&[1.0; 9], threshold), Error::Threshold { .. }));
    }
    assert_eq!(fail(&[], 0.1), Error::Empty { points: 0 });
    assert_eq!(fail(&[NAN, NAN], 0.1), Error::Empty { points: 2 });
    assert_eq!(
        fail(&[1.0, 2.0, NAN], 0.1),
        Error::TooShort { values: 2, needed: 3 }
    );
    assert_eq!(
        fail(&[-1e308, 1e308, -1e308, 1.7e308], 0.1),
        Error::Overflow { largest: 1.7e308 }
    );
    assert!(
        "best"
            .parse::<Method>()
            .unwrap_err()
            .hint()
            .unwrap()
            .contains("robust_zscore")
    );
    let canceled = detect(&[1.0, 2.0, 3.0], &Request::default(), &[], &mut || true).unwrap_err();
    assert_eq!(canceled, Error::Canceled);
}

proptest! {
    #[test]
    fn verdicts_agree_with_themselves(
        values in prop::collection::vec(prop::option::weighted(0.9, prop_oneof![-1e6..1e6_f64, Just(0.0), Just(7.0)]), 0..120),
        threshold in 1e-6..0.9_f64,
    ) {
        let values: Vec<f64> = values.into_iter().map(|v| v.unwrap_or(NAN)).collect();
        if let Ok(result) = detect(&values, &Request { threshold, ..Request::default() }, &[7], &mut || false) {
            prop_assert_eq!(result.verdicts.len(), values.len());
            for (v, value) in result.verdicts.iter().zip(&values) {
                prop_assert!(v.expected.is_finite() && v.lower <= v.expected && v.expected <= v.upper);
                // A gap has a score only where it is missing data.
                prop_assert_eq!(v.score.is_some(), value.is_finite() || v.kind() == Some(Kind::MissingData));
                if let Some(score) = v.score.filter(|_| value.is_finite()) {
                    prop_assert!((0.0..=1.0).contains(&score));
                    let slack = 1e-9 * (v.upper - v.lower + value.abs());
                    prop_assert!(v.is_anomaly || (v.lower - slack <= *value && *value <= v.upper + slack));
                    prop_assert!(v.cause != Some(Cause::Distance) || *value < v.lower + slack || *value > v.upper - slack);
                    prop_assert_eq!(v.is_anomaly, score > 1.0 - threshold);
                }
            }
        }
    }

    #[test]
    fn scores_do_not_depend_on_the_unit(scale in 0.001..1000.0_f64, offset in -100.0..100.0_f64) {
        let values = weeks(70);
        let other: Vec<f64> = values.iter().map(|v| v * scale + offset).collect();
        let judge = |values: &[f64]| detect(values, &Request::default(), &[7], &mut || false).unwrap().verdicts;
        for (a, b) in judge(&values).iter().zip(judge(&other)) {
            prop_assert!((a.score.unwrap() - b.score.unwrap()).abs() < 1e-6);
        }
    }
}
