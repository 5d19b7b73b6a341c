use super::*;
use crate::random::Random;
use crate::{Model, Request, fan, options::Options};
use proptest::prelude::*;

const ALL: Cleaning = Cleaning {
    outliers: true,
    level_shifts: true,
    obvious: false,
};

fn weekly(n: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed);
    (0..n)
        .map(|t| 200.0 + [5.0, 6.0, 6.0, 8.0, 20.0, -25.0, -20.0][t % 7] + 3.0 * random.normal())
        .collect()
}

#[test]
fn outliers_of_a_season_are_found_where_they_are() {
    let mut values = weekly(84, 1);
    for (place, value) in [(30, 400.0), (47, 20.0), (66, 320.0)] {
        values[place] = value;
    }
    let found = clean(&values, 7, ALL, &mut || false).unwrap();
    assert_eq!((found.outliers, found.shifts), (vec![30, 47, 66], vec![]));
    let typical = weekly(84, 1);
    for place in [30, 47, 66] {
        assert!((found.values[place] - typical[place]).abs() < 15.0, "{place}");
    }
}

#[test]
fn an_outlier_does_not_hide_behind_the_season_that_it_is_in() {
    for (season, n) in [(7, 84), (7, 30), (24, 120)] {
        let mut values: Vec<f64> = (0..n)
            .map(|t| 50.0 + (t * t % 5) as f64 + [0.0, 9.0, 4.0][t % season % 3])
            .collect();
        values[n / 2] *= 1000.0;
        let found = clean(&values, season, ALL, &mut || false).unwrap();
        assert_eq!(found.outliers, [n / 2], "{season} {n}");
    }
}

#[test]
fn a_shift_of_level_is_taken_out_and_is_no_outlier() {
    let mut values = weekly(84, 2);
    for value in &mut values[50..] {
        *value += 90.0;
    }
    let found = clean(&values, 7, ALL, &mut || false).unwrap();
    assert_eq!((found.outliers, found.shifts), (vec![], vec![50]));
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    assert!((mean(&found.values[..49]) - mean(&found.values[49..])).abs() < 10.0);
    assert_eq!(found.values[50..], values[50..]);
}

#[test]
fn what_the_series_is_like_stays() {
    // Seldom anything at all; a random walk; a line; a constant with a spike, whose range is none; no values.
    let seldom: Vec<f64> = (0..60).map(|t| if t % 9 == 4 { 30.0 } else { 0.0 }).collect();
    let mut random = Random::new(3);
    let mut walk = vec![100.0];
    for t in 0..200 {
        walk.push(walk[t] + random.normal());
    }
    let line: Vec<f64> = (0..50).map(|t| 3.0 * f64::from(t)).collect();
    let mut spike = vec![5.0; 30];
    spike[12] = 50.0;
    for values in [seldom, walk, line, spike, vec![], vec![1.0], vec![1.0, 9.0]] {
        let found = clean(&values, 1, ALL, &mut || false).unwrap();
        assert_eq!(found.values, values);
    }
}

#[test]
fn the_end_stays_where_it_may_be_a_new_level() {
    let mut values = weekly(70, 4);
    values[68] += 100.0;
    values[69] += 100.0;
    assert_eq!(clean(&values, 7, ALL, &mut || false).unwrap().values, values);
    values[68] -= 100.0;
    assert_eq!(clean(&values, 7, ALL, &mut || false).unwrap().outliers, [69]);
}

#[test]
fn a_cancel_ends_it() {
    assert_eq!(clean(&weekly(70, 5), 7, ALL, &mut || true), Err(Error::Canceled));
}

/// Over 60 series each: mean absolute errors of seven steps, with and without cleaning.
fn errors(model: Model, contaminate: impl Fn(&mut [f64], &mut Random)) -> (f64, f64) {
    let (mut with, mut without) = (0.0, 0.0);
    for seed in 0..60 {
        let values = weekly(91, 100 + seed);
        let (history, came) = values.split_at(84);
        let mut history = history.to_vec();
        contaminate(&mut history, &mut Random::new(900 + seed));
        let request = Request {
            horizon: 7,
            model,
            level: 0.9,
            season: Some(7),
        };
        for (sum, cleaning) in [(&mut with, ALL), (&mut without, Cleaning::default())] {
            let options = Options {
                cleaning: Some(cleaning),
                ..Options::default()
            };
            let made = fan(&history, &request, &options, &[], &mut || false).unwrap();
            *sum += made
                .values
                .iter()
                .zip(came)
                .map(|(f, y)| (f - y).abs())
                .sum::<f64>();
        }
    }
    (with, without)
}

#[test]
fn spikes_do_less_harm_when_they_are_cleaned() {
    for model in [Model::Theta, Model::HoltWinters, Model::SeasonalNaive] {
        let (with, without) = errors(model, |history, random| {
            for _ in 0..4 {
                let place = (random.uniform() * history.len() as f64) as usize;
                history[place] += if random.uniform() < 0.5 { 150.0 } else { -120.0 };
            }
        });
        assert!(with < 0.9 * without, "{model}: {with} {without}");
    }
}

#[test]
fn a_shift_does_less_harm_when_it_is_cleaned() {
    for model in [Model::MeanValue, Model::Theta, Model::HoltWinters] {
        let (with, without) = errors(model, |history, random| {
            let place = 30 + (random.uniform() * 35.0) as usize;
            for value in &mut history[place..] {
                *value += 120.0;
            }
            for value in history {
                *value -= 120.0;
            }
        });
        assert!(with < without, "{model}: {with} {without}");
    }
}

#[test]
fn what_is_clean_is_not_harmed() {
    for model in [Model::Theta, Model::HoltWinters, Model::SeasonalNaive] {
        let (with, without) = errors(model, |_, _| {});
        assert!(with < 1.01 * without, "{model}: {with} {without}");
    }
}

proptest! {
    #[test]
    fn any_history_is_answered(values in prop::collection::vec(-1e6..1e6_f64, 0..60), season in 1..12_usize) {
        let found = clean(&values, season, ALL, &mut || false).unwrap();
        prop_assert_eq!(found.values.len(), values.len());
        prop_assert!(found.values.iter().all(|y| y.is_finite()));
        prop_assert!(found.outliers.len() as f64 <= 0.1 * values.len() as f64);
    }
}
