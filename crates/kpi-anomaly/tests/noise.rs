//! The threshold is a false-alarm probability: alarms per point on noise of several kinds, and what is found of events of four
//! standard deviations.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use kpi_anomaly::{Cause, Direction, Kind, Method, Request, detect};
use kpi_forecast::random::Random;

const STEPS: usize = 1200;

fn course(t: usize) -> f64 {
    10.0 * (t as f64 * std::f64::consts::TAU / 24.0).sin() + 5.0 * f64::from(u8::from(t % 24 > 17))
}

fn noise(kind: &str, random: &mut Random) -> Vec<f64> {
    let mut state = random.normal();
    (0..STEPS)
        .map(|t| match kind {
            "student" => {
                let chi: f64 = (0..5).map(|_| random.normal().powi(2)).sum();
                random.normal() / (chi / 5.0).sqrt()
            }
            "laplace" => {
                let u = random.uniform() - 0.5;
                -u.signum() * (1.0 - 2.0 * u.abs()).max(f64::MIN_POSITIVE).ln()
            }
            "remembering" => {
                state = 0.6 * state + 0.8 * random.normal();
                state
            }
            "season" => course(t) + random.normal(),
            _ => random.normal(),
        })
        .collect()
}

fn alarms(values: &[f64], method: Method, direction: Direction) -> Vec<usize> {
    let request = Request {
        method,
        direction,
        ..Request::default()
    };
    let found = detect(values, &request, &[24], &mut || false).unwrap();
    (0..values.len())
        .filter(|t| found.verdicts[*t].is_anomaly)
        .collect()
}

/// Alarms per point in so many series, as a multiple of the threshold.
fn rate(method: Method, kind: &str, direction: Direction, series: usize) -> f64 {
    let mut random = Random::new(3);
    let count: usize = (0..series)
        .map(|_| alarms(&noise(kind, &mut random), method, direction).len())
        .sum();
    count as f64 / (series * STEPS) as f64 / 0.001
}

#[test]
fn one_alarm_in_a_thousand_points_of_auto() {
    for kind in ["normal", "student", "laplace", "remembering", "season"] {
        let rate = rate(Method::Auto, kind, Direction::Both, 100);
        assert!((0.5..2.0).contains(&rate), "{kind} {rate}");
    }
    let rate = rate(Method::Auto, "season", Direction::Up, 60);
    assert!((0.5..2.0).contains(&rate), "{rate}");
}

#[test]
fn one_alarm_in_a_thousand_points_of_the_other_methods() {
    for name in Method::names().into_iter().filter(|name| *name != "auto") {
        let method: Method = name.parse().unwrap();
        // What simulates its limits, or compares all windows, is slower.
        let series = match method {
            Method::Ewma | Method::Cusum | Method::MatrixProfile | Method::IsolationForest => 10,
            _ => 30,
        };
        for kind in ["normal", "student", "laplace", "remembering", "season"] {
            let rate = rate(method, kind, Direction::Both, series);
            // Distances between windows and scores of forests have a tail that ends, and alarms are rarer than asked for.
            let least = match method {
                Method::MatrixProfile | Method::IsolationForest => 0.0,
                _ => 0.2,
            };
            assert!((least..3.5).contains(&rate), "{name} {kind} {rate}");
        }
    }
}

/// What is found of the events that `inject` makes at a place with a sign, in 60 seasonal series with three events each.
fn recall(reach: usize, inject: impl Fn(&mut [f64], usize, f64)) -> f64 {
    let mut random = Random::new(5);
    let (mut found, mut all) = (0, 0);
    for _ in 0..60 {
        let mut values = noise("season", &mut random);
        let places: Vec<usize> = (0..3)
            .map(|k| 200 + 350 * k + (100.0 * random.uniform()) as usize)
            .collect();
        for place in &places {
            let sign = if random.uniform() < 0.5 { -1.0 } else { 1.0 };
            inject(&mut values, *place, sign);
        }
        let alarms = alarms(&values, Method::Auto, Direction::Both);
        all += places.len();
        found += places
            .iter()
            .filter(|p| alarms.iter().any(|t| t.abs_diff(**p) <= reach))
            .count();
    }
    found as f64 / all as f64
}

#[test]
fn spikes_and_shifts_of_four_standard_deviations_are_found() {
    let replaced = recall(0, |values, t, sign| values[t] = course(t) + 4.0 * sign);
    assert!(replaced >= 0.9, "{replaced}");
    // Added to noise, a spike is beyond the threshold's 3.29 with probability 0.76.
    let added = recall(0, |values, t, sign| values[t] += 4.0 * sign);
    assert!(added >= 0.6, "{added}");
    let shifts = recall(3, |values, t, sign| {
        values[t..].iter_mut().for_each(|y| *y += 4.0 * sign)
    });
    assert!(shifts >= 0.9, "{shifts}");
}

#[test]
fn kinds_and_their_causes() {
    let mut random = Random::new(9);
    let base = noise("season", &mut random);
    let judge = |values: &[f64]| {
        detect(values, &Request::default(), &[24], &mut || false)
            .unwrap()
            .verdicts
    };
    let kind_near = |values: &[f64], place: usize, kind: Kind| {
        let verdicts = judge(values);
        (place.saturating_sub(4)..place + 5).any(|t| verdicts[t].kind() == Some(kind))
    };
    let mut values = base.clone();
    values[300] += 9.0;
    values[500] -= 9.0;
    let verdicts = judge(&values);
    assert_eq!(
        (verdicts[300].kind(), verdicts[500].kind()),
        (Some(Kind::Spike), Some(Kind::Dip))
    );
    let mut values = base.clone();
    values[600..].iter_mut().for_each(|y| *y += 6.0);
    assert!(kind_near(&values, 600, Kind::LevelShift));
    let mut values = base.clone();
    for (t, value) in values.iter_mut().enumerate().skip(600) {
        *value += 0.05 * (t - 600) as f64;
    }
    let verdicts = judge(&values);
    let bends: Vec<usize> = (0..values.len())
        .filter(|t| verdicts[*t].kind() == Some(Kind::TrendChange))
        .collect();
    assert!(bends.len() == 1 && bends[0].abs_diff(600) < 30, "{bends:?}");
    let mut values = base.clone();
    for (t, value) in values.iter_mut().enumerate().skip(600) {
        *value = course(t) + 4.0 * (*value - course(t));
    }
    let scatter = judge(&values)
        .iter()
        .any(|v| v.kind() == Some(Kind::VarianceChange));
    assert!(scatter);
    let mut values = base.clone();
    values[700..720].fill(f64::NAN);
    values[100] = f64::NAN;
    let verdicts = judge(&values);
    assert_eq!(verdicts[705].kind(), Some(Kind::MissingData));
    assert_eq!((verdicts[100].kind(), verdicts[100].score), (None, None));
    let mut values = base.clone();
    values[800..812].fill(base[800]);
    let verdicts = judge(&values);
    assert!(verdicts[800..812].iter().all(|v| v.is_anomaly));
    assert!(matches!(
        verdicts[806].cause,
        Some(Cause::Still { steps: 12, .. })
    ));
}

#[test]
fn a_side_that_is_not_asked_for_is_silent() {
    let mut random = Random::new(10);
    let mut values = noise("normal", &mut random);
    values[300] += 12.0;
    values[500] -= 12.0;
    for name in Method::names()
        .into_iter()
        .filter(|name| *name != "matrix_profile")
    {
        let method: Method = name.parse().unwrap();
        let (up, down) = (
            alarms(&values, method, Direction::Up),
            alarms(&values, method, Direction::Down),
        );
        assert!(up.contains(&300) && !up.contains(&500), "{name} {up:?}");
        assert!(down.contains(&500) && !down.contains(&300), "{name} {down:?}");
    }
}

#[test]
fn an_unusual_shape_is_a_discord() {
    let mut random = Random::new(11);
    let mut values: Vec<f64> = (0..STEPS).map(|t| course(t) + 0.3 * random.normal()).collect();
    // Each value is usual, their order is not.
    values[480..504].reverse();
    let request = Request {
        method: Method::MatrixProfile,
        ..Request::default()
    };
    let found = detect(&values, &request, &[24], &mut || false).unwrap();
    let near: Vec<usize> = (0..STEPS).filter(|t| found.verdicts[*t].is_anomaly).collect();
    assert!(
        !near.is_empty() && near.iter().all(|t| (460..530).contains(t)),
        "{near:?}"
    );
    assert_eq!(found.verdicts[near[0]].kind(), Some(Kind::UnusualShape));
}
