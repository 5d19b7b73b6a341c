//! The defined answers: gaps, constants, short series, wrong requests, properties.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use kpi_forecast::backtest::{mean_absolute_error, rolling_origin};
use kpi_forecast::{Error, Model, Naive, Request, SeasonalNaive, auto, forecast, gaps, season};
use proptest::prelude::*;

const NAN: f64 = f64::NAN;

fn request(horizon: i64, model: Model, season: Option<i64>) -> Request {
    Request {
        horizon,
        model,
        level: 0.95,
        season,
    }
}

fn fail(history: &[f64], request: &Request) -> Error {
    forecast(history, request, &[], &mut || false).unwrap_err()
}

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

#[test]
fn wrong_requests_say_what_was_wrong() {
    let history = [1.0, 2.0, 3.0, 4.0];
    assert_eq!(
        fail(&history, &request(0, Model::Auto, None)),
        Error::Horizon { horizon: 0 }
    );
    assert_eq!(
        fail(&history, &request(100_001, Model::Auto, None)),
        Error::Horizon { horizon: 100_001 }
    );
    for level in [0.0, 1.0, -1.0, 2.0, NAN] {
        let wrong = Request {
            level,
            ..request(1, Model::Naive, None)
        };
        assert!(matches!(fail(&history, &wrong), Error::Level { .. }));
    }
    for season in [0, -7, 3, i64::MAX] {
        let error = fail(&history, &request(1, Model::Naive, Some(season)));
        assert_eq!(error, Error::Season { season, length: 4 });
    }
    assert_eq!(
        fail(&[], &request(1, Model::Auto, None)),
        Error::Empty { points: 0 }
    );
    assert_eq!(
        fail(&[NAN, f64::INFINITY], &request(1, Model::Auto, None)),
        Error::Empty { points: 2 }
    );
    let short = fail(&[1.0], &request(1, Model::Auto, None));
    assert_eq!(
        short,
        Error::TooShort {
            values: 1,
            needed: 2,
            model: "naive"
        }
    );
    assert!(
        "best"
            .parse::<Model>()
            .unwrap_err()
            .hint()
            .unwrap()
            .contains("seasonal_naive")
    );
    assert!(matches!(
        fail(&[-1e308, 1e308, -1e308, 1e308], &request(3, Model::Naive, None)),
        Error::Overflow { .. }
    ));
}

#[test]
fn a_mean_is_the_mean_of_its_members() {
    let history = noise(60);
    let run = |name: &str| {
        forecast(
            &history,
            &request(9, name.parse().unwrap(), Some(7)),
            &[],
            &mut || false,
        )
        .unwrap()
    };
    let (mean, naive, theta) = (run("theta+naive"), run("naive"), run("theta"));
    assert_eq!(mean.model, "naive+theta");
    for ((m, a), b) in mean.points.iter().zip(&naive.points).zip(&theta.points) {
        assert!((m.value - (a.value + b.value) / 2.0).abs() < 1e-12);
    }
    for wrong in ["naive+", "naive+naive", "auto+naive", "+", "naive + theta"] {
        assert!(wrong.parse::<Model>().is_err(), "{wrong}");
    }
    let short = fail(&[1.0, 2.0], &request(1, "naive+theta".parse().unwrap(), None));
    assert_eq!(
        short,
        Error::TooShort {
            values: 2,
            needed: 3,
            model: "theta"
        }
    );
}

#[test]
fn a_cancel_ends_it() {
    let history: Vec<f64> = noise(50);
    let error = forecast(&history, &request(5, Model::Auto, None), &[], &mut || true).unwrap_err();
    assert_eq!(error, Error::Canceled);
}

/// Whatever part of a fit it comes in: of as many calls of poll as there are, each may be the one that says to stop.
#[test]
fn a_cancel_ends_every_model_wherever_it_comes() {
    let history: Vec<f64> = noise(60)
        .iter()
        .enumerate()
        .map(|(t, e)| 10.0 + (t % 4) as f64 + e)
        .collect();
    for name in Model::names() {
        let asked = request(4, name.parse().unwrap(), Some(4));
        let mut calls = 0;
        let count = &mut || {
            calls += 1;
            false
        };
        forecast(&history, &asked, &[], count).unwrap();
        for last in [0, calls / 3, calls / 2, calls - 1] {
            let mut left = last;
            let stop = &mut || {
                left -= 1;
                left < 0
            };
            assert_eq!(
                forecast(&history, &asked, &[], stop),
                Err(Error::Canceled),
                "{name} {last} of {calls}"
            );
        }
    }
}

#[test]
fn a_constant_is_forecast_with_a_band_of_no_width() {
    for model in Model::names() {
        let result = forecast(
            &[4.2; 30],
            &request(40, model.parse().unwrap(), None),
            &[7],
            &mut || false,
        )
        .unwrap();
        assert_eq!(result.season, 1);
        for point in result.points {
            assert!(
                (point.value - 4.2).abs() < 1e-12 && point.upper - point.lower < 1e-9,
                "{model} {point:?}"
            );
        }
    }
}

#[test]
fn trailing_gaps_are_forecast_over() {
    let season = [1.0, 2.0, 3.0, 4.0];
    let mut history: Vec<f64> = season.iter().copied().cycle().take(20).collect();
    history.extend([NAN, NAN]);
    let result = forecast(
        &history,
        &request(2, Model::SeasonalNaive, Some(4)),
        &[],
        &mut || false,
    )
    .unwrap();
    assert_eq!((result.points[0].value, result.points[1].value), (3.0, 4.0));
}

#[test]
fn a_gap_over_a_peak_is_filled_with_a_peak() {
    let mut values: Vec<f64> = (0..35)
        .map(|t| 100.0 + [0.0, 0.0, 0.0, 50.0, 0.0, 0.0, 0.0][t % 7])
        .collect();
    values[17] = NAN;
    assert!((gaps::fill(&values, 7)[17] - 150.0).abs() < 3.0);
    assert_eq!(gaps::fill(&values, 1)[17], 100.0);
}

#[test]
fn white_noise_and_a_random_walk_have_no_season() {
    let mut level = 0.0;
    let white = noise(400);
    let walk: Vec<f64> = white
        .iter()
        .map(|step| {
            level += step;
            level
        })
        .collect();
    assert_eq!(season::detect(&white, &[7], &mut || false), 1);
    assert_eq!(season::detect(&walk, &[7], &mut || false), 1);
}

#[test]
fn the_longer_season_wins_only_when_it_explains_more() {
    let noise = noise(24 * 7 * 4);
    let daily = |t: usize| (t as f64 * std::f64::consts::TAU / 24.0).sin();
    let weekend = |t: usize| if t / 24 % 7 >= 5 { 0.3 } else { 1.0 };
    let days: Vec<f64> = noise
        .iter()
        .enumerate()
        .map(|(t, e)| daily(t) + 0.3 * e)
        .collect();
    let weeks: Vec<f64> = noise
        .iter()
        .enumerate()
        .map(|(t, e)| weekend(t) * daily(t) + 0.3 * e)
        .collect();
    assert_eq!(season::detect(&days, &[24, 168], &mut || false), 24);
    assert_eq!(season::detect(&weeks, &[24, 168], &mut || false), 168);
    assert_eq!(season::detect(&weeks, &[], &mut || false) % 24, 0);
}

#[test]
fn the_band_holds_its_share_of_a_random_walk() {
    let mut level = 0.0;
    let walk: Vec<f64> = noise(6000)
        .iter()
        .map(|step| {
            level += step;
            level
        })
        .collect();
    let (mut inside, mut all) = (0, 0);
    for start in (0..5800).step_by(100) {
        let (past, future) = walk[start..start + 112].split_at(100);
        let result = forecast(past, &request(12, Model::Auto, Some(1)), &[], &mut || false).unwrap();
        inside += result
            .points
            .iter()
            .zip(future)
            .filter(|(p, y)| p.lower <= **y && **y <= p.upper)
            .count();
        all += 12;
    }
    let share = f64::from(inside as u32) / f64::from(all);
    assert!((0.90..=0.99).contains(&share), "{share}");
}

/// Hours of some weeks: more by day than by night, less on the last two days of a week.
fn hours_of_weeks(weeks: usize) -> Vec<f64> {
    let hour = |t: usize| {
        let day = 100.0 + 80.0 * (std::f64::consts::TAU * (t % 24) as f64 / 24.0).sin();
        if t / 24 % 7 < 5 { day } else { 0.5 * day }
    };
    let noise = noise(weeks * 168);
    (0..weeks * 168).map(|t| hour(t) + 6.0 * noise[t]).collect()
}

#[test]
fn a_holiday_of_last_week_hardly_comes_back() {
    let usual = hours_of_weeks(13);
    let mut history = usual[..12 * 168].to_vec();
    let holiday = 11 * 168 + 24..11 * 168 + 48;
    for value in &mut history[holiday.clone()] {
        *value *= 0.2;
    }
    let expected = [24, 168];
    let result = forecast(&history, &request(168, Model::Auto, None), &expected, &mut || {
        false
    })
    .unwrap();
    assert_eq!(result.season, 168);
    let naive = forecast(
        &history,
        &request(168, Model::SeasonalNaive, Some(168)),
        &[],
        &mut || false,
    )
    .unwrap();
    let off = |points: &[kpi_forecast::Point]| -> f64 {
        let day = points[24..48].iter().zip(&usual[12 * 168 + 24..]);
        day.map(|(point, came)| (point.value - came).abs()).sum::<f64>() / 24.0
    };
    let (repeated, forgotten) = (off(&naive.points), off(&result.points));
    assert!(forgotten < repeated / 4.0, "{forgotten} {repeated}");
}

#[test]
fn a_week_of_hours_is_found_behind_its_days() {
    let values = hours_of_weeks(9);
    let (history, came) = values.split_at(8 * 168);
    let result = forecast(history, &request(168, Model::Auto, Some(24)), &[], &mut || false).unwrap();
    let error: f64 = result
        .points
        .iter()
        .zip(came)
        .map(|(p, y)| (p.value - y).abs())
        .sum::<f64>()
        / 168.0;
    assert!(error < 6.0, "{error}"); // That of repeating the days is above 20.
}

#[test]
fn the_band_of_few_values_is_students() {
    let history: Vec<f64> = noise(12);
    let band = |level| {
        let asked = Request {
            level,
            ..request(1, Model::Auto, Some(1))
        };
        let point = forecast(&history, &asked, &[], &mut || false).unwrap().points[0];
        point.upper - point.value
    };
    // 2.306 and 0.706 are the quantiles 0.975 and 0.75 of Student's distribution with 8 degrees of freedom: of 12 values four parameters
    // are estimated; those of the normal
    // distribution have the ratio 2.906.
    assert!(
        (band(0.95) / band(0.5) - 2.306 / 0.706).abs() < 0.01,
        "{}",
        band(0.95) / band(0.5)
    );
}

proptest! {
    #[test]
    fn every_answer_is_finite_and_inside_its_band(
        history in prop::collection::vec(prop::option::weighted(0.9, -1e6..1e6_f64), 0..80),
        horizon in 1..40_i64, model in 0..24_usize, level in 0.01..0.999_f64, season in prop::option::of(1..30_i64),
    ) {
        let history: Vec<f64> = history.into_iter().map(|v| v.unwrap_or(NAN)).collect();
        let model: Model = Model::names()[model].parse().unwrap();
        let asked = Request { horizon, model, level, season };
        if let Ok(result) = forecast(&history, &asked, &[7], &mut || false) {
            prop_assert_eq!(result.points.len(), horizon as usize);
            for p in result.points {
                prop_assert!(p.lower.is_finite() && p.upper.is_finite() && p.lower <= p.value && p.value <= p.upper);
            }
        }
    }
}

proptest! {
    // Each case is a search for many models.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn auto_never_loses_its_backtest_to_seasonal_naive(
        history in prop::collection::vec(0.0..1e3_f64, 30..90), season in 1..8_usize,
    ) {
        let chosen = auto::choose(&history, season, 6, &mut || false).unwrap();
        prop_assert!(chosen.errors.0 <= chosen.errors.1);
        prop_assume!(chosen.errors.1.is_finite()); // Not a constant.
        // The seasonal naive's error is what a backtest of it alone says.
        let naive: Box<dyn kpi_forecast::Fit> = if season > 1 { Box::new(SeasonalNaive { season }) } else { Box::new(Naive) };
        let alone = rolling_origin(naive.as_ref(), &history, season, 6, &mut || false).unwrap();
        let newest = &alone[..chosen.outcomes.len()];
        prop_assert!((mean_absolute_error(newest) - chosen.errors.1).abs() <= 1e-9 * chosen.errors.1);
    }

    #[test]
    fn a_forecast_moves_and_scales_with_its_history(
        history in prop::collection::vec(10.0..20.0_f64, 30..60), power in -4..8_i32,
    ) {
        // By powers of 2, so that nothing is rounded and no choice is turned by the last digit.
        let scale = 2.0_f64.powi(power);
        let asked = request(5, Model::Auto, Some(7));
        let scaled: Vec<f64> = history.iter().map(|v| v * scale).collect();
        let (a, b) = (forecast(&history, &asked, &[], &mut || false).unwrap(), forecast(&scaled, &asked, &[], &mut || false).unwrap());
        for (p, q) in a.points.iter().zip(b.points) {
            prop_assert!((p.value * scale - q.value).abs() < 1e-2 * scale, "{} {}", p.value * scale, q.value);
        }
    }
}
