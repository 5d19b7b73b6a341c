//! The streaming detector on series of which a simpler one goes wrong: at rest, moving rarely, repeating to the digit, with a season of
//! many places.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use kpi_anomaly::{Detector, Observation, Settings};
use kpi_forecast::random::Random;

const MINUTE: i64 = 60_000_000;

fn watch(values: &[f64], step: i64) -> (Vec<Observation>, Detector) {
    let mut detector = Detector::new(Settings::default()).unwrap();
    let observe = |(t, value): (usize, &f64)| detector.observe(t as i64 * step, *value);
    let seen = values.iter().enumerate().map(observe).collect();
    (seen, detector)
}

fn alarms(values: &[f64], step: i64) -> Vec<usize> {
    let seen = watch(values, step).0;
    (0..values.len()).filter(|t| seen[*t].is_anomaly).collect()
}

/// Five minutes apart; at rest through the night, up by steps through the day, the same every day to the digit.
fn exact_days(days: usize) -> Vec<f64> {
    let day = |t: usize| match t / 12 {
        hour @ 9..18 => 80.0 - 60.0 * 0.2_f64.powi(hour as i32 - 8),
        hour @ 18.. => 20.0 + 60.0 * 0.2_f64.powi(hour as i32 - 17),
        _ => 20.0,
    };
    (0..days * 288).map(|t| day(t % 288)).collect()
}

#[test]
fn a_season_that_repeats_to_the_digit_is_quiet_and_not_blind() {
    let mut values = exact_days(14);
    let rang = alarms(&values, 5 * MINUTE);
    // What was at rest moves for the first time at the ninth hour.
    assert_eq!(rang, [108]);
    values[3000] += 30.0;
    assert_eq!(alarms(&values, 5 * MINUTE), [108, 3000]);
}

#[test]
fn a_wild_value_at_rest_does_not_blind() {
    let mut values = vec![7.0; 1200];
    values[200] = 1e9;
    values[900] = 8.0;
    let rang = alarms(&values, MINUTE);
    assert!(rang.contains(&200) && rang.contains(&900), "{rang:?}");
}

#[test]
fn what_moves_rarely_is_compared_with_its_own_moves() {
    let (mut rang, mut found) = (0, 0);
    for seed in 0..20 {
        let mut random = Random::new(seed);
        let mut values: Vec<f64> = (0..4000)
            .map(|_| {
                if random.uniform() < 0.02 {
                    20.0 + 5.0 * random.normal()
                } else {
                    0.0
                }
            })
            .collect();
        values[3900] = 400.0;
        let seen = alarms(&values, MINUTE);
        rang += seen.iter().filter(|t| (1000..3900).contains(*t)).count();
        found += usize::from(seen.contains(&3900));
    }
    // 58,000 points, of which 1200 move: one move in five at most.
    assert!(rang <= 240, "{rang}");
    // One that comes soon after another alarm is part of that event.
    assert!(found >= 15, "{found}");
}

/// Spikes of four standard deviations in the place of the noise, that ring.
fn spikes_found(season: usize, n: usize, series: u64) -> usize {
    let course = |t: usize| 100.0 + 10.0 * (t as f64 * std::f64::consts::TAU / season as f64).sin();
    (0..series)
        .filter(|seed| {
            let mut random = Random::new(*seed);
            let mut values: Vec<f64> = (0..n).map(|t| course(t) + random.normal()).collect();
            let place = n - 1 - (random.uniform() * n as f64 / 4.0) as usize;
            values[place] = course(place) + if seed % 2 == 0 { 4.0 } else { -4.0 };
            let step = 1440 * MINUTE / season as i64;
            watch(&values[..=place], step).0[place].is_anomaly
        })
        .count()
}

#[test]
fn spikes_are_found_beside_short_and_long_seasons() {
    for (season, n, least) in [(24, 3000, 84), (288, 6000, 74)] {
        let found = spikes_found(season, n, 100);
        assert!(found >= least, "{season} {found}");
    }
}

#[test]
fn a_season_is_found_on_a_level_that_is_large_beside_it() {
    let mut random = Random::new(3);
    let values: Vec<f64> = (0..700)
        .map(|t| 1e9 + 10.0 * (f64::from(t) * std::f64::consts::TAU / 24.0).sin() + random.normal())
        .collect();
    assert_eq!(watch(&values, 60 * MINUTE).1.season(), 24);
}

#[test]
fn a_detector_with_a_short_season_takes_4_kb() {
    let mut random = Random::new(4);
    let mut detector = Detector::new(Settings::default()).unwrap();
    let mut sizes = Vec::new();
    for t in 0..5000 {
        let value = 5.0 * (f64::from(t) * std::f64::consts::TAU / 24.0).sin() + random.normal();
        detector.observe(i64::from(t) * 60 * MINUTE, value);
        sizes.push(detector.encode().len());
    }
    assert!(sizes.iter().sum::<usize>() / sizes.len() <= 4096);
    assert!(sizes.iter().all(|size| *size <= 5120), "{:?}", sizes.iter().max());
}
