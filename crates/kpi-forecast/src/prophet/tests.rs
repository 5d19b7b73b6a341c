//! What is known comes back.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use super::*;
use crate::random::Random;
use crate::regressors::Regressor;

fn noise(n: usize, size: f64, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed);
    (0..n).map(|_| size * random.normal()).collect()
}

fn fitted(model: &Prophet, history: &[f64]) -> Fitted {
    model.fitted(history, &mut || false).unwrap()
}

/// A line that bends up at one third and down at two thirds.
fn bent(t: usize) -> f64 {
    let t = t as f64;
    50.0 + 0.1 * t + 0.4 * (t - 100.0).max(0.0) - 0.7 * (t - 200.0).max(0.0)
}

#[test]
fn a_trend_with_change_points_comes_back() {
    let history: Vec<f64> = noise(300, 1.0, 3)
        .iter()
        .enumerate()
        .map(|(t, e)| bent(t) + e)
        .collect();
    let found = fitted(&Prophet::new(vec![]), &history);
    for t in (0..300).step_by(20) {
        let trend = found.scale * found.trend.at(found.time(t));
        assert!((trend - bent(t)).abs() < 1.0, "{t}: {trend} for {}", bent(t));
    }
    let noise = found.scale * found.noise;
    assert!((noise - 1.0).abs() < 0.1, "{noise}");
    // The slope that it ends with is the one that goes on.
    let slope = found.value(2) - found.value(1);
    assert!((slope + 0.2).abs() < 0.03, "{slope}");
    assert!(found.standard_error(50) > found.standard_error(1));
}

#[test]
fn a_straight_line_has_no_change_points() {
    let history: Vec<f64> = noise(200, 1.0, 5)
        .iter()
        .enumerate()
        .map(|(t, e)| 3.0 * t as f64 + e)
        .collect();
    let found = fitted(&Prophet::new(vec![]), &history);
    let largest = found.changes.iter().fold(0.0_f64, |m, r| m.max(r.abs()));
    assert!(largest < 0.05, "{:?}", found.changes);
    assert!((found.value(10) - 3.0 * 209.0).abs() < 1.0);
}

#[test]
fn seasons_come_back_also_those_of_no_whole_number_of_steps() {
    let season = |t: usize| {
        let year = std::f64::consts::TAU * t as f64 / 365.25;
        [3.0, 1.0, 0.0, 0.0, 2.0, 8.0, 5.0][t % 7] + 10.0 * year.sin() - 4.0 * (3.0 * year).cos()
    };
    let history: Vec<f64> = noise(1200, 0.5, 7)
        .iter()
        .enumerate()
        .map(|(t, e)| 100.0 + season(t) + e)
        .collect();
    let found = fitted(&Prophet::new(vec![7.0, 365.25]), &history);
    for step in 1..=400 {
        let off = found.value(step) - 100.0 - season(1199 + step);
        assert!(off.abs() < 0.7, "{step}: {off}");
    }
    let longer_than_half = Prophet::new(vec![700.0]);
    assert!(fitted(&longer_than_half, &history).frequencies.is_empty());
}

#[test]
fn effects_are_shares_of_the_trend_when_that_is_asked_for() {
    let share = |t: usize| [-0.3, 0.1, 0.4, -0.2][t % 4];
    let curve = |t: usize| (50.0 + t as f64) * (1.0 + share(t));
    let history: Vec<f64> = noise(240, 0.5, 9)
        .iter()
        .enumerate()
        .map(|(t, e)| curve(t) + e)
        .collect();
    let mut model = Prophet::new(vec![4.0]);
    model.kind = Kind::Multiplicative;
    let found = fitted(&model, &history);
    for step in 1..=40 {
        let (value, came) = (found.value(step), curve(239 + step));
        assert!((value - came).abs() < 0.02 * came, "{step}: {value} {came}");
    }
    let added = fitted(&Prophet::new(vec![4.0]), &history);
    assert!(found.noise < 0.5 * added.noise);
    assert!(found.standard_error(3) > found.standard_error(4)); // At the top and at the bottom of the season.
}

#[test]
fn a_logistic_trend_does_not_pass_its_cap() {
    let curve = |t: usize| 20.0 + 100.0 / (1.0 + (-0.05 * (t as f64 - 100.0)).exp());
    let history: Vec<f64> = noise(150, 0.5, 11)
        .iter()
        .enumerate()
        .map(|(t, e)| curve(t) + e)
        .collect();
    let mut model = Prophet::new(vec![]);
    model.growth = Growth::Logistic {
        cap: 120.0,
        floor: 20.0,
    };
    let found = fitted(&model, &history);
    for step in [1, 20, 60, 200] {
        let (value, came) = (found.value(step), curve(149 + step));
        assert!((value - came).abs() < 2.0, "{step}: {value} {came}");
    }
    assert!(found.form().starts_with("logistic"));
    assert_eq!(found.path(30), fitted(&model, &history).path(30));
}

#[test]
fn regressors_have_their_effects() {
    let mut random = Random::new(13);
    let price: Vec<f64> = (0..220).map(|_| 5.0 + random.uniform()).collect();
    let closed: Vec<f64> = (0..220).map(|t| f64::from(u8::from(t % 37 == 5))).collect();
    let level = |t: usize| 200.0 + 0.3 * t as f64 - 12.0 * price[t] - 40.0 * closed[t];
    let history: Vec<f64> = noise(200, 1.0, 15)
        .iter()
        .enumerate()
        .map(|(t, e)| level(t) + e)
        .collect();
    let column = |name: &str, values: &[f64]| Regressor {
        name: name.into(),
        values: values.to_vec(),
    };
    let columns = vec![column("price", &price), column("closed", &closed)];
    let mut model = Prophet::new(vec![]);
    model.regressors = Regressors::new(columns, &history, 20).unwrap();
    let found = fitted(&model, &history);
    for step in 1..=20 {
        let (value, came) = (found.value(step), level(199 + step));
        assert!((value - came).abs() < 1.5, "{step}: {value} {came}");
    }
    let between = |a: usize, b: usize| found.scale * (found.past[a] - found.past[b]);
    let of_price = between(0, 1) / (price[0] - price[1]);
    assert!((of_price + 12.0).abs() < 0.8, "{of_price}");
    let of_closed = between(5, 0) - of_price * (price[5] - price[0]);
    assert!((of_closed + 40.0).abs() < 2.0, "{of_closed}");
    assert!(found.value(21).is_nan());
}

/// The moments of many courses are those of the formula, of the sum of a fortnight too: a trend that went astray stays there.
#[test]
fn courses_spread_as_the_formula_says() {
    let history: Vec<f64> = noise(60, 1.0, 19)
        .iter()
        .enumerate()
        .map(|(t, e)| 50.0 + [0.0, 2.0 * t as f64 - 40.0, 80.0 - t as f64][t / 20] + e)
        .collect();
    let found = fitted(&Prophet::new(vec![]), &history);
    let mut random = Random::new(21);
    const COURSES: usize = 20_000;
    let (mut squares, mut of_sums) = (0.0, 0.0);
    for _ in 0..COURSES {
        let course = found.course(14, &mut random);
        squares += (course[13] - found.value(14)).powi(2) / COURSES as f64;
        let sum: f64 = course
            .iter()
            .zip(found.path(14))
            .map(|(y, step)| y - step.value)
            .sum();
        of_sums += sum.powi(2) / COURSES as f64;
    }
    let ratio = squares.sqrt() / found.standard_error(14);
    assert!((ratio - 1.0).abs() < 0.05, "{ratio}");
    let independent: f64 = found
        .path(14)
        .iter()
        .map(|step| step.standard_error.powi(2))
        .sum();
    assert!(of_sums > 2.0 * independent, "{of_sums} {independent}");
}

/// The criterion, written down once more from the paper, of parameters near those found is higher.
#[test]
fn the_parameters_are_those_of_the_highest_density() {
    let history: Vec<f64> = noise(120, 0.05, 17)
        .iter()
        .enumerate()
        .map(|(t, e)| bent(t) / 100.0 + [0.0, 0.2, 0.1][t % 3] + e)
        .collect();
    let size = history.iter().fold(0.0_f64, |m, y| m.max(*y));
    let values: Vec<f64> = history.iter().map(|y| y / size).collect();
    let points = change_points(120);
    let columns = columns_of_waves(&[3.0], 120);
    for kind in [Kind::Additive, Kind::Multiplicative] {
        let problem = Problem {
            values: &values,
            cap: None,
            points: &points,
            columns: &columns,
            kind,
        };
        let mut polls = 0;
        let start = vec![0.0; 2 + points.len() + columns.len()];
        let found = problem
            .maximize(start, &mut || {
                polls += 1;
                false
            })
            .unwrap();
        assert!(polls > 10);
        let criterion = |all: &[f64], noise: f64| {
            let squares: f64 = values
                .iter()
                .enumerate()
                .map(|(t, y)| {
                    let time = t as f64 / 119.0;
                    let trend = all[0] * time
                        + all[1]
                        + points
                            .iter()
                            .zip(&all[2..])
                            .map(|(s, d)| d * (time - s).max(0.0))
                            .sum::<f64>();
                    let effect: f64 = columns
                        .iter()
                        .zip(&all[2 + points.len()..])
                        .map(|(c, b)| c[t] * b)
                        .sum();
                    let curve = if kind == Kind::Additive {
                        trend + effect
                    } else {
                        trend * (1.0 + effect)
                    };
                    (y - curve).powi(2)
                })
                .sum();
            let (trend, rest) = all.split_at(2);
            let (changes, effects) = rest.split_at(points.len());
            120.0 * noise.ln()
                + squares / (2.0 * noise * noise)
                + 2.0 * noise * noise
                + trend.iter().map(|x| x * x / 50.0).sum::<f64>()
                + changes.iter().map(|x| x.abs() / 0.05).sum::<f64>()
                + effects.iter().map(|x| x * x / 200.0).sum::<f64>()
        };
        let best = criterion(&found.all, found.noise);
        assert!((best - found.criterion).abs() < 1e-8);
        for j in 0..found.all.len() {
            for by in [-1e-3, -1e-5, 1e-5, 1e-3] {
                let mut moved = found.all.clone();
                moved[j] += by;
                assert!(criterion(&moved, found.noise) > best - 1e-7, "{kind:?} {j} {by}");
            }
        }
        let mut random = Random::new(19);
        for _ in 0..200 {
            let moved: Vec<f64> = found.all.iter().map(|x| x + 1e-3 * random.normal()).collect();
            assert!(criterion(&moved, found.noise * (1.0 + 0.01 * random.normal())) > best);
        }
    }
}

#[test]
fn every_history_has_an_answer() {
    let histories: [&[f64]; 6] = [
        &[1.0, 2.0, 4.0],
        &[0.0, 0.0, 0.0, 1.0],
        &[-5.0, -7.0, -3.0, -9.0, -2.0],
        &[1e300, 2e300, 1e300, 3e300],
        &[1e-300, 2e-300, 1e-300, 4e-300],
        &[1.0, 1.0, 1.0, 1.0, 1.0 + 1e-9],
    ];
    for history in histories {
        for kind in [Kind::Additive, Kind::Multiplicative] {
            let mut model = Prophet::new(vec![2.0]);
            model.kind = kind;
            let path = model.fit(history, &mut || false).unwrap().path(3);
            assert!(
                path.iter()
                    .all(|s| s.value.is_finite() && s.standard_error >= 0.0),
                "{history:?} {path:?}"
            );
        }
    }
    assert_eq!(
        Prophet::new(vec![])
            .fit(&[7.0; 9], &mut || false)
            .unwrap()
            .value(2),
        7.0
    );
    let short = Prophet::new(vec![])
        .fit(&[1.0, 2.0], &mut || false)
        .err()
        .unwrap();
    assert!(matches!(short, Error::TooShort { needed: 3, .. }));
    let canceled = Prophet::new(vec![])
        .fit(&[1.0, 2.0, 4.0, 3.0], &mut || true)
        .err()
        .unwrap();
    assert_eq!(canceled, Error::Canceled);
}
