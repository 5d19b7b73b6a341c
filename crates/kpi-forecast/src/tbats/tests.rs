//! What is drawn by waves comes back, and what is not is left.

use super::*;
use crate::random::Random;
use proptest::prelude::*;
use std::f64::consts::TAU;

fn tbats(history: &[f64], seasons: &[f64]) -> Box<dyn Predict> {
    let model = Tbats {
        seasons: seasons.to_vec(),
    };
    model.fit(history, &mut || false).unwrap()
}

/// Two seasons, of which one is of no whole number of steps, on a level that wanders.
fn wandering(n: usize) -> (Vec<f64>, impl Fn(usize) -> f64) {
    let season = |t: usize| {
        let t = t as f64;
        10.0 * (TAU * t / 24.0).sin() + 4.0 * (TAU * 3.0 * t / 24.0).cos() + 6.0 * (TAU * t / 81.6).sin()
    };
    let mut random = Random::new(3);
    let mut level = 100.0;
    let values = (0..n)
        .map(|t| {
            level += 0.1 * random.normal();
            level + season(t)
        })
        .collect();
    (values, season)
}

#[test]
fn seasons_of_any_length_are_found() {
    let (history, season) = wandering(600);
    let fitted = tbats(&history, &[24.0, 81.6]);
    let ahead: Vec<f64> = fitted.path(48).iter().map(|step| step.value).collect();
    let rest: Vec<f64> = ahead
        .iter()
        .enumerate()
        .map(|(h, y)| y - season(600 + h))
        .collect();
    let spread = rest.iter().fold(0.0_f64, |m, y| m.max((y - rest[0]).abs()));
    assert!(spread < 1.0, "{spread}");
}

#[test]
fn noise_has_few_waves() {
    let mut random = Random::new(11);
    let noise: Vec<f64> = (0..400).map(|_| 50.0 + random.normal()).collect();
    let waves = Waves::learn(&noise, 0, &[24.0], &mut || false).unwrap();
    let largest = (0..24).map(|t| waves.at(t).abs()).fold(0.0, f64::max);
    assert!(largest < 0.6, "{largest}");
}

#[test]
fn seasons_that_do_not_fit_are_left_out() {
    let line: Vec<f64> = (0..30)
        .map(|t| 2.0 * t as f64 + [0.0, 0.5, -0.3][t % 3])
        .collect();
    let fitted = tbats(&line, &[20.0, f64::NAN, 0.0, -3.0, 1.0]);
    assert!(fitted.form().starts_with("0 waves"));
    assert!((fitted.value(5) - 68.0).abs() < 3.0);
}

#[test]
fn few_values_constants_and_a_cancel() {
    let model = Tbats { seasons: vec![2.0] };
    let short = model.fit(&[1.0, 2.0], &mut || false).err();
    assert!(matches!(short, Some(Error::TooShort { needed: 5, .. })));
    let flat = tbats(&[6.0; 12], &[4.0]);
    assert_eq!((flat.value(3), flat.standard_error(3)), (6.0, 0.0));
    let canceled = model.fit(&wandering(60).0, &mut || true).err();
    assert_eq!(canceled, Some(Error::Canceled));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn units_do_not_matter(noise in prop::collection::vec(-1.0..1.0_f64, 90), exponent in -6..6_i32) {
        let unit = 10.0_f64.powi(exponent);
        let at = |t: usize| 20.0 + 5.0 * (TAU * t as f64 / 6.0).sin();
        let history: Vec<f64> = noise.iter().enumerate().map(|(t, e)| at(t) + e).collect();
        let scaled: Vec<f64> = history.iter().map(|y| y * unit).collect();
        let (a, b) = (tbats(&history, &[6.0]).path(6), tbats(&scaled, &[6.0]).path(6));
        for (a, b) in a.iter().zip(&b) {
            prop_assert!((a.value - b.value / unit).abs() < 1e-3, "{} {}", a.value, b.value / unit);
        }
    }
}
