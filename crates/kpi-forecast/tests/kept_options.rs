//! What is kept with options and regressors forecasts as `fan` does with them, and goes on.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use jiff::tz::TimeZone;
use kpi_forecast::bounds::Bounds;
use kpi_forecast::decomposition::Kind;
use kpi_forecast::grid::Grid;
use kpi_forecast::options::{Lambda, Options, Shape};
use kpi_forecast::prophet::Growth;
use kpi_forecast::random::Random;
use kpi_forecast::regressors::{Regressor, Regressors};
use kpi_forecast::state::{Clock, FitRequest, FittedModel, State};
use kpi_forecast::{Error, Request, fan};
use kpi_series::Series;

const HORIZON: usize = 6;
/// Steps of which regressors are known.
const AHEAD: usize = 10;
const N: usize = 84;

/// Days from 2026-01-01 on.
fn days(history: &[f64]) -> Grid {
    const DAY: i64 = 86_400_000_000;
    let points = history.iter().enumerate();
    let points = points.map(|(t, y)| ((9497 + t as i64) * DAY, Some(*y))).collect();
    Grid::align(&Series::from_points(points).unwrap(), &TimeZone::UTC, 1000).unwrap()
}

fn kept(history: &[f64], model: &str, options: &Options) -> FittedModel {
    let grid = days(history);
    let clock = Clock::of(&grid, "UTC").unwrap();
    let request = FitRequest {
        model: model.parse().unwrap(),
        horizon: Some(HORIZON as i64),
        options: options.clone(),
    };
    FittedModel::fit(&grid.values, clock, &request, &[], &mut || false).unwrap()
}

/// The kept model, of which it is sure that it and what is read back from its text forecast as `fan` does.
fn same_as_fan(history: &[f64], model: &str, options: &Options) -> FittedModel {
    let request = Request {
        horizon: HORIZON as i64,
        model: model.parse().unwrap(),
        level: 0.9,
        season: None,
    };
    let made = fan(history, &request, options, &[], &mut || false).unwrap();
    let kept = kept(history, model, options);
    let read = FittedModel::from_text(&kept.to_text()).unwrap();
    assert_eq!(kept.name(), made.model);
    assert_eq!(read.encode(), kept.encode(), "{model}");
    for model in [&kept, &read] {
        let points = model.predict(HORIZON as i64, 0.9).unwrap();
        let ends = points.iter().map(|point| (point.lower, point.upper));
        assert!(ends.eq(made.bands[0].ends.iter().copied()), "{}", model.name());
        assert!(
            points
                .iter()
                .map(|point| point.value)
                .eq(made.values.iter().copied()),
            "{}",
            model.name()
        );
    }
    kept
}

fn observe(model: &mut FittedModel, value: f64) -> Result<(), Error> {
    let next = model.clock().time_after(1, &TimeZone::UTC).unwrap();
    model.observe(next, Some(value), &TimeZone::UTC, &mut || false)
}

/// A parameter of a model, or of the first of its members that has it.
fn coefficient(state: &State, name: &str) -> Option<f64> {
    let own = state.parameters().into_iter().find(|(known, _)| known == name);
    let members = state.members();
    let mut of_members = members.iter().filter_map(|(_, member)| coefficient(member, name));
    own.map(|(_, number)| number).or_else(|| of_members.next())
}

fn regressor(name: &str, values: &[f64]) -> Regressor {
    Regressor {
        name: name.into(),
        values: values.to_vec(),
    }
}

/// Values that a price drives, and the price.
fn sales() -> (Vec<f64>, Vec<f64>) {
    let mut random = Random::new(3);
    let price: Vec<f64> = (0..N + AHEAD).map(|_| 5.0 + 3.0 * random.uniform()).collect();
    let at = |t: usize| 200.0 + [0.0, 12.0, 5.0, -9.0][t % 4] - 12.0 * price[t];
    let all = (0..N + AHEAD).map(|t| at(t) + random.normal()).collect();
    (all, price)
}

#[test]
fn regressors_are_kept_as_far_as_they_are_known() {
    let (all, price) = sales();
    let (history, to_come) = all.split_at(N);
    let options = Options {
        seasons: vec![4],
        regressors: Regressors::new(vec![regressor("price", &price)], history, HORIZON).unwrap(),
        ..Options::default()
    };
    for model in ["arima", "prophet", "arima+prophet", "auto"] {
        let mut kept = same_as_fan(history, model, &options);
        let of_price = coefficient(kept.state(), "price").unwrap();
        assert!((of_price + 12.0).abs() < 0.5, "{model}: {of_price}");
        for (step, came) in to_come.iter().enumerate() {
            // After each value the forecast still knows the prices to come, and no more than those.
            let left = AHEAD - step;
            let ahead = kept.predict(left as i64, 0.9).unwrap();
            for (point, came) in ahead.iter().zip(&to_come[step..]) {
                assert!(
                    (point.value - came).abs() < 6.0,
                    "{model} {step}: {} {came}",
                    point.value
                );
            }
            let beyond = kept.predict(left as i64 + 1, 0.9).unwrap_err();
            assert_eq!(beyond, Error::RegressorsEnd { known: left });
            observe(&mut kept, *came).unwrap();
            kept = FittedModel::decode(&kept.encode()).unwrap();
        }
        assert_eq!(observe(&mut kept, 150.0), Err(Error::RegressorsEnd { known: 0 }));
        let drawn = kept.simulate(1, 1, 0, &mut || false);
        assert_eq!(drawn, Err(Error::RegressorsEnd { known: 0 }));
    }
}

#[test]
fn days_that_are_not_marked_are_like_others() {
    let closed: Vec<f64> = (0..N + AHEAD).map(|t| f64::from(u8::from(t % 20 == 8))).collect();
    let level = |t: usize| 90.0 + (t * 7919 % 5) as f64;
    let history: Vec<f64> = (0..N).map(|t| level(t) - 40.0 * closed[t]).collect();
    let columns = vec![regressor("closed", &closed)];
    let regressors = Regressors::new(columns, &history, HORIZON).unwrap().endless();
    for model in ["arima", "prophet", "auto"] {
        let options = Options {
            seasons: vec![1],
            regressors: regressors.clone(),
            ..Options::default()
        };
        let kept = same_as_fan(&history, model, &options);
        let points = kept.predict(40, 0.9).unwrap();
        for (i, point) in points.iter().enumerate() {
            let expected = if i == 4 { 52.0 } else { 92.0 };
            assert!(
                (point.value - expected).abs() < 4.0,
                "{model} {i}: {}",
                point.value
            );
        }
    }
}

#[test]
fn scales_and_bounds_are_kept() {
    let history: Vec<f64> = (0..N)
        .map(|t| (1.0 + 0.01 * t as f64 + [0.0, 0.4, 0.1, -0.3][t % 4] + (t * 7919 % 13) as f64 / 40.0).exp())
        .collect();
    for lambda in [Lambda::Auto, Lambda::Given(0.0), Lambda::Given(0.5)] {
        for bias_adjust in [false, true] {
            let options = Options {
                seasons: vec![4],
                box_cox: Some(lambda),
                bias_adjust,
                bounds: Bounds {
                    lower: Some(4.0),
                    upper: Some(9.5),
                },
                ..Options::default()
            };
            for model in ["theta", "auto", "holt_winters", "prophet", "tbats"] {
                let mut kept = same_as_fan(&history, model, &options);
                observe(&mut kept, 7.0).unwrap();
                assert_eq!(
                    observe(&mut kept, -1.0),
                    Err(Error::NotPositive { value: -1.0 }),
                    "{model}"
                );
                let drawn = kept.simulate(3, 20, 1, &mut || false).unwrap();
                assert!(drawn.iter().flatten().all(|y| (4.0..=9.5).contains(y)), "{model}");
                assert!(kept.box_cox().is_some() && kept.bounds() == options.bounds);
            }
        }
    }
}

#[test]
fn several_seasons_and_shapes_are_kept() {
    let history: Vec<f64> = (0..N)
        .map(|t| {
            40.0 + [0.0, 9.0, -4.0][t % 3]
                + [0.0, 3.0, 8.0, 2.0, 0.0, -3.0, -6.0][t % 7]
                + (t * 7919 % 5) as f64
        })
        .collect();
    let options = Options {
        seasons: vec![7, 3],
        ..Options::default()
    };
    for model in ["auto", "mstl", "tbats", "prophet", "theta", "mstl+theta"] {
        same_as_fan(&history, model, &options);
    }
    let logistic = Options {
        seasons: vec![7],
        shape: Shape {
            growth: Growth::Logistic {
                cap: 80.0,
                floor: 5.0,
            },
            kind: Kind::Multiplicative,
        },
        ..Options::default()
    };
    let mut kept = same_as_fan(&history, "prophet", &logistic);
    let before = kept.predict(3, 0.9).unwrap();
    observe(&mut kept, 300.0).unwrap();
    assert_eq!(
        kept.predict(2, 0.9).unwrap(),
        before[1..],
        "a curve does not follow"
    );
    let grid = days(&history);
    let request = FitRequest {
        model: "theta".parse().unwrap(),
        horizon: None,
        options: logistic,
    };
    let error = FittedModel::fit(
        &grid.values,
        Clock::of(&grid, "UTC").unwrap(),
        &request,
        &[],
        &mut || false,
    );
    assert!(matches!(error, Err(Error::ShapeOfOther { .. })));
}
