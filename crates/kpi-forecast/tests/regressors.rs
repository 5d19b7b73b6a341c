//! Forecasts with regressors and holidays.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use kpi_forecast::arima::Regression;
use kpi_forecast::options::Options;
use kpi_forecast::random::Random;
use kpi_forecast::regressors::{Regressor, Regressors};
use kpi_forecast::{Error, Fan, Fit, Model, Request, fan};

fn column(name: &str, values: &[f64]) -> Regressor {
    Regressor {
        name: name.into(),
        values: values.to_vec(),
    }
}

fn request(horizon: i64, model: &str, season: Option<i64>) -> Request {
    Request {
        horizon,
        model: model.parse().unwrap(),
        level: 0.95,
        season,
    }
}

fn made(history: &[f64], request: &Request, columns: Vec<Regressor>) -> Result<Fan, Error> {
    let regressors = Regressors::new(columns, history, request.horizon as usize)?;
    let options = Options {
        regressors,
        ..Options::default()
    };
    fan(history, request, &options, &[], &mut || false)
}

/// Sales of a week with promotions at random days and a price, for `n` days, of which the first `history` are known, and what they are
/// made of.
struct Shop {
    history: Vec<f64>,
    to_come: Vec<f64>,
    promotion: Vec<f64>,
    price: Vec<f64>,
}

fn shop(history: usize, horizon: usize) -> Shop {
    let mut random = Random::new(42);
    let n = history + horizon;
    let promotion: Vec<f64> = (0..n)
        .map(|_| f64::from(u8::from(random.uniform() < 0.1)))
        .collect();
    let price: Vec<f64> = (0..n)
        .map(|_| 5.0 + (4.0 * random.uniform()).floor() / 4.0)
        .collect();
    let mut error = 0.0;
    let sales: Vec<f64> = (0..n)
        .map(|t| {
            error = 0.6 * error + random.normal();
            let week = [0.0, 2.0, 3.0, 5.0, 9.0, 12.0, -8.0][t % 7];
            200.0 + 0.1 * t as f64 + week + 30.0 * promotion[t] - 12.0 * price[t] + error
        })
        .collect();
    let (known, to_come) = sales.split_at(history);
    Shop {
        history: known.to_vec(),
        to_come: to_come.to_vec(),
        promotion,
        price,
    }
}

impl Shop {
    fn columns(&self) -> Vec<Regressor> {
        vec![column("promotion", &self.promotion), column("price", &self.price)]
    }

    fn error(&self, fan: &Fan) -> f64 {
        let errors = fan.values.iter().zip(&self.to_come).map(|(f, y)| (f - y).abs());
        errors.sum::<f64>() / self.to_come.len() as f64
    }
}

#[test]
fn each_model_takes_what_regressors_say() {
    let shop = shop(150, 14);
    for model in ["arima", "prophet", "auto", "arima+prophet"] {
        let asked = request(14, model, Some(7));
        let with = made(&shop.history, &asked, shop.columns()).unwrap();
        let without = made(&shop.history, &asked, vec![]).unwrap();
        let (with_error, without_error) = (shop.error(&with), shop.error(&without));
        assert!(
            with_error < 1.8 && with_error < 0.4 * without_error,
            "{model} {with_error} {without_error}"
        );
        assert!(
            with.model.ends_with(" with regressors") && !without.model.contains(' '),
            "{}",
            with.model
        );
        let held = with.bands[0]
            .ends
            .iter()
            .zip(&shop.to_come)
            .filter(|((a, b), y)| (a..=b).contains(y))
            .count();
        assert!(held >= 10, "{model} {held}");
        assert_eq!(with, made(&shop.history, &asked, shop.columns()).unwrap());
    }
}

#[test]
fn arima_finds_the_coefficients() {
    let shop = shop(300, 2);
    let effect = |columns: Vec<Regressor>| {
        let regressors = Regressors::new(columns, &shop.history, 2).unwrap();
        let model = Regression {
            season: 7,
            order: None,
            regressors,
        };
        model.fit(&shop.history, &mut || false).unwrap().path(2)
    };
    let plain = effect(shop.columns());
    let mut moved = shop.columns();
    moved[0].values[300] += 1.0;
    moved[1].values[301] += 1.0;
    let changed = effect(moved);
    assert!(
        (changed[0].value - plain[0].value - 30.0).abs() < 1.0,
        "{changed:?} {plain:?}"
    );
    assert!((changed[1].value - plain[1].value + 12.0).abs() < 0.5);
    assert_eq!(plain[0].standard_error, changed[0].standard_error);
}

#[test]
fn a_regressor_that_differences_take_away_leaves_fewer_differences() {
    let mut random = Random::new(7);
    // A weekday is all that there is: a seasonal difference would leave nothing of it.
    let monday: Vec<f64> = (0..114).map(|t| f64::from(u8::from(t % 7 == 0))).collect();
    let history: Vec<f64> = (0..100)
        .map(|t| 50.0 + 20.0 * monday[t] + random.normal())
        .collect();
    let made = made(
        &history,
        &request(14, "arima", Some(7)),
        vec![column("monday", &monday)],
    )
    .unwrap();
    for (value, day) in made.values.iter().zip(&monday[100..]) {
        assert!((value - 50.0 - 20.0 * day).abs() < 2.0, "{:?}", made.values);
    }
}

#[test]
fn what_is_wrong_with_regressors_is_said() {
    let shop = shop(60, 7);
    let wrong =
        |columns: Vec<Regressor>| made(&shop.history, &request(7, "auto", Some(7)), columns).unwrap_err();
    let short = wrong(vec![column("promotion", &shop.promotion[..64])]);
    assert_eq!(
        short,
        Error::RegressorMissing {
            name: "promotion".into(),
            step: 5
        }
    );
    assert_eq!(
        short.detail().unwrap(),
        "regressor \"promotion\" has no value for step 5 of the forecast"
    );
    assert!(short.hint().unwrap().contains("every step of the horizon"));
    let zeros = wrong(vec![
        column("promotion", &shop.promotion),
        column("closed", &[0.0; 67]),
    ]);
    assert_eq!(
        zeros,
        Error::RegressorDependent {
            name: "closed".into(),
            is_constant: true
        }
    );
    let twice: Vec<f64> = shop.price.iter().map(|x| 3.0 - 2.0 * x).collect();
    let dependent = wrong(vec![column("price", &shop.price), column("rebate", &twice)]);
    assert_eq!(
        dependent,
        Error::RegressorDependent {
            name: "rebate".into(),
            is_constant: false
        }
    );
    for model in ["theta", "ets", "naive+arima", "weighted_ensemble", "mstl"] {
        let refused = made(&shop.history, &request(7, model, Some(7)), shop.columns()).unwrap_err();
        assert!(matches!(refused, Error::ModelWithoutRegressors { .. }), "{model}");
        assert!(refused.hint().unwrap().contains("prophet"));
    }
}

#[test]
fn every_history_has_an_answer() {
    let x: Vec<f64> = (0..40).map(|t| f64::from(t * t % 11)).collect();
    let exact: Vec<f64> = x[..30].iter().map(|x| 7.0 + 3.0 * x).collect();
    let gaps: Vec<f64> = (0..30)
        .map(|t| {
            if t < 4 || t % 5 == 0 || t > 26 {
                f64::NAN
            } else {
                x[t] + t as f64
            }
        })
        .collect();
    let histories = [exact, vec![5.0; 30], gaps, x[..9].to_vec(), vec![1e300; 30]];
    for model in ["arima", "prophet", "auto"] {
        for history in &histories {
            let columns = vec![column("x", &x)];
            let made = made(history, &request(5, model, Some(1)), columns).unwrap();
            assert!(made.values.iter().all(|y| y.is_finite()), "{model} {history:?}");
        }
        let exact = made(&histories[0], &request(5, model, Some(1)), vec![column("x", &x)]).unwrap();
        for (value, x) in exact.values.iter().zip(&x[30..]) {
            assert!((value - 7.0 - 3.0 * x).abs() < 0.1, "{model} {value}");
        }
        let short = made(&[1.0, 4.0], &request(1, model, None), vec![column("x", &x)]).unwrap_err();
        assert!(matches!(short, Error::TooShort { .. }), "{model} {short:?}");
        let empty = made(&[f64::NAN; 3], &request(1, model, None), vec![]).unwrap_err();
        assert_eq!(empty, Error::Empty { points: 3 });
    }
}

#[test]
fn a_cancel_ends_it() {
    let shop = shop(150, 7);
    let regressors = Regressors::new(shop.columns(), &shop.history, 7).unwrap();
    let options = Options {
        regressors,
        ..Options::default()
    };
    for model in ["arima", "prophet", "auto"] {
        for after in [0, 10, 100] {
            let mut polls = 0;
            let stopped = fan(
                &shop.history,
                &request(7, model, Some(7)),
                &options,
                &[],
                &mut || {
                    polls += 1;
                    polls > after
                },
            );
            assert_eq!(stopped.unwrap_err(), Error::Canceled, "{model} {after}");
        }
    }
}

/// Without regressors or a season the calendar's seasons are drawn, whole or not.
#[test]
fn prophet_takes_the_seasons_of_the_calendar() {
    let mut random = Random::new(3);
    let wave = |t: usize| {
        10.0 * (std::f64::consts::TAU * t as f64 / 365.25).sin() + [0.0, 4.0, 1.0, 0.0, 2.0, 9.0, 5.0][t % 7]
    };
    let history: Vec<f64> = (0..1100).map(|t| 80.0 + wave(t) + random.normal()).collect();
    let made = fan(
        &history,
        &request(60, "prophet", None),
        &Options::default(),
        &[7, 365],
        &mut || false,
    )
    .unwrap();
    for (step, value) in made.values.iter().enumerate() {
        assert!((value - 80.0 - wave(1100 + step)).abs() < 1.5, "{step} {value}");
    }
    assert_eq!(made.model, "prophet");
    assert_eq!(Model::Prophet.to_string(), "prophet");
}
