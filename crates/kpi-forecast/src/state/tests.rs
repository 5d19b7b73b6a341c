//! Observed states are those of the fit's parameters over the longer history, by each model's own pass over all of it.

use super::*;
use crate::arima::apply;
use crate::cleaning::Cleaning;
use crate::ets::{Work, finish};
use crate::forecast::{Request, forecast};
use crate::grid::Grid;
use crate::options::Options;
use crate::theta::Theta;
use crate::{Fit, Mean, Model, Naive};
use jiff::tz::TimeZone;
use kpi_series::Series;
use proptest::prelude::*;

const SEASON: usize = 4;
/// Values to fit to, and all.
const FITTED: usize = 40;
const ALL: usize = 52;

/// Positive values with a season and a trend, and noise.
fn histories() -> impl Strategy<Value = Vec<f64>> {
    (
        prop::collection::vec(-8.0..8.0_f64, ALL),
        -0.5..0.5_f64,
        prop::collection::vec(-20.0..20.0_f64, SEASON),
    )
        .prop_map(|(noise, slope, season)| {
            let at = |(t, e): (usize, &f64)| 100.0 + slope * t as f64 + season[t % SEASON] + e;
            noise.iter().enumerate().map(at).collect()
        })
}

fn fit(model: Model, history: &[f64]) -> State {
    let model = model.candidates(SEASON).swap_remove(0);
    let fitted = model.fit(history, &mut || false).unwrap();
    fitted.state().unwrap()
}

fn observed(mut state: State, values: &[f64]) -> State {
    values.iter().for_each(|y| state.observe(*y).unwrap());
    state
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
}

fn all_near(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| near(*a, *b))
}

fn same_path(a: &dyn Predict, b: &dyn Predict) -> bool {
    let (a, b) = (a.path(9), b.path(9));
    a.iter()
        .zip(&b)
        .all(|(a, b)| near(a.value, b.value) && near(a.standard_error, b.standard_error))
}

const SIMPLE: [Model; 4] = [Model::MeanValue, Model::Naive, Model::SeasonalNaive, Model::Drift];
const SMOOTHED: [Model; 5] = [
    Model::Ses,
    Model::Holt,
    Model::Damped,
    Model::HoltWinters,
    Model::Ets,
];
const THETA: [Model; 4] = [
    Model::Theta,
    Model::OptimizedTheta,
    Model::DynamicTheta,
    Model::DynamicOptimizedTheta,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn simple_models_are_what_a_new_fit_finds(history in histories()) {
        for model in SIMPLE {
            let state = observed(fit(model, &history[..FITTED]), &history[FITTED..]);
            prop_assert!(same_path(&state, &fit(model, &history)), "{model}");
        }
        let median = crate::SeasonalMedian { season: SEASON };
        let state = median.fit(&history[..FITTED], &mut || false).unwrap().state().unwrap();
        let whole = median.fit(&history, &mut || false).unwrap();
        prop_assert!(same_path(&observed(state, &history[FITTED..]), whole.as_ref()));
    }

    #[test]
    fn seasonal_smoothing_with_its_weight(history in histories()) {
        let state = observed(fit(Model::SeasonalSmoothing, &history[..FITTED]), &history[FITTED..]);
        let Family::SeasonalSmoothing(states) = &state.0 else { panic!() };
        let mut levels = history[..SEASON].to_vec();
        for (t, y) in history.iter().enumerate().skip(SEASON) {
            levels[t % SEASON] += states.alpha * (y - levels[t % SEASON]);
        }
        prop_assert!(all_near(&states.levels, &levels));
    }

    #[test]
    fn intermittent_demand_is_what_a_new_fit_finds(history in prop::collection::vec(prop::sample::select(vec![0.0, 0.0, 0.0, 5.0, 9.0]), ALL)) {
        for model in [Model::Croston, Model::Sba, Model::Tsb] {
            let before = &history[..FITTED];
            prop_assume!(before.iter().any(|y| *y != before[0]));
            let state = observed(fit(model, before), &history[FITTED..]);
            prop_assert!(near(state.value(1), fit(model, &history).value(1)), "{model}");
        }
    }

    #[test]
    fn exponential_smoothing(history in histories()) {
        for model in SMOOTHED {
            let state = fit(model, &history[..FITTED]);
            let Family::Ets(start) = state.0.clone() else { panic!() };
            let Family::Ets(end) = observed(state, &history[FITTED..]).0 else { panic!() };
            let scaled: Vec<f64> = history.iter().map(|y| y / start.scale).collect();
            for ((_, start), (_, end)) in start.weighted.iter().zip(&end.weighted) {
                let m = start.last.season.len().max(1);
                let whole = finish(start.form, start.weights, start.first.clone(), &scaled, m, &mut Work::default()).unwrap();
                prop_assert!(near(whole.last.level, end.last.level) && near(whole.last.trend, end.last.trend), "{model}");
                prop_assert!(all_near(&whole.last.season, &end.last.season), "{model}");
                prop_assert_eq!(end.values, ALL);
            }
        }
    }

    #[test]
    fn theta_models(history in histories()) {
        for model in THETA {
            let state = fit(model, &history[..FITTED]);
            let Family::Theta(start) = state.0.clone() else { panic!() };
            let Family::Theta(end) = observed(state, &history[FITTED..]).0 else { panic!() };
            let (mut level, mut line) = (start.fitted.first, crate::theta::Line::default());
            for (t, y) in history.iter().enumerate() {
                let y = start.indices.as_ref().map_or(*y, |indices| indices.remove(t, *y));
                level = start.fitted.alpha * y + (1.0 - start.fitted.alpha) * level;
                line.add(y);
            }
            prop_assert!(near(level, end.fitted.level), "{model}");
            prop_assert_eq!(end.fitted.line.count, ALL as f64);
            if start.dynamic {
                prop_assert!(near(line.slope, end.fitted.line.slope) && near(line.mean, end.fitted.line.mean), "{model}");
            } else {
                prop_assert_eq!(start.fitted.line.slope, end.fitted.line.slope);
            }
        }
    }

    #[test]
    fn complex_exponential_smoothing(history in histories(), form in 0..4_usize) {
        use crate::ces::{Ces, Season};
        let form = [Season::None, Season::Simple, Season::Partial, Season::Full][form];
        let model = Ces { season: SEASON, form: Some(form) };
        let state = model.fit(&history[..FITTED], &mut || false).unwrap().state().unwrap();
        let Family::Ces(start) = state.0.clone() else { panic!() };
        let Family::Ces(end) = observed(state, &history[FITTED..]).0 else { panic!() };
        let scaled: Vec<f64> = history.iter().map(|y| y / start.scale).collect();
        let estimate = &start.estimate;
        let whole = crate::ces::recursion::rows(form, &estimate.weights, &scaled, &estimate.first);
        for (row, end) in whole[whole.len() - end.estimate.last.len()..].iter().zip(&end.estimate.last) {
            prop_assert!(all_near(row, end));
        }
    }

    #[test]
    fn arima_by_the_filter_over_all(history in histories()) {
        let state = fit(Model::Arima, &history[..FITTED]);
        let Family::Arima(start) = state.0.clone() else { panic!() };
        let Family::Arima(end) = observed(state, &history[FITTED..]).0 else { panic!() };
        let order = start.estimate.order;
        let scaled: Vec<f64> = history.iter().map(|y| y / start.scale).collect();
        let constant = start.estimate.filtered.coefficients.first().copied().unwrap_or(0.0);
        let differenced: Vec<f64> =
            apply(&scaled, order.season, order.seasonal_d, order.d).iter().map(|w| w - constant).collect();
        let whole = start.estimate.process.filter(&differenced, &[]).unwrap();
        prop_assert!(all_near(&whole.state, &end.estimate.filtered.state), "{order}");
        prop_assert!(all_near(&scaled[ALL - end.tail.len()..], &end.tail));
    }

    #[test]
    fn a_step_without_a_value_is_forecast_over(history in histories()) {
        for model in [Model::Naive, Model::SeasonalNaive, Model::Drift, Model::HoltWinters, Model::Ets, Model::DynamicTheta, Model::Ces,
            Model::Arima, Model::Mstl, Model::Ensemble]
        {
            let mut state = fit(model, &history);
            let ahead = state.path(5);
            state.skip().unwrap();
            // Of several models each takes its own forecast, so the others' does not turn it.
            for (step, ahead) in state.path(4).iter().zip(&ahead[1..]) {
                prop_assert!((step.value - ahead.value).abs() < 1e-7 * (1.0 + ahead.value.abs()), "{model}: {} {}", step.value, ahead.value);
            }
        }
    }

    #[test]
    fn altered_bytes_are_refused(history in histories(), place: prop::sample::Index, bit in 0..8_u8, model in 0..8_usize) {
        let model = ["naive", "drift", "ets", "theta", "ces", "arima", "mstl", "ensemble"][model];
        let bytes = kept(&history, model, Some(4)).encode();
        let mut altered = bytes.clone();
        altered[place.index(bytes.len())] ^= 1 << bit;
        prop_assert!(FittedModel::decode(&altered).is_err());
        prop_assert!(FittedModel::decode(&bytes[..place.index(bytes.len())]).is_err());
    }

    #[test]
    fn bytes_with_a_right_checksum_never_panic(history in histories(), places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), model in 0..11_usize) {
        let model = ["seasonal_naive", "ets", "theta", "ces", "arima", "mstl", "ensemble", "tsb", "seasonal_smoothing", "prophet", "tbats"][model];
        let mut content = kept(&history, model, Some(4)).encode();
        content.truncate(content.len() - 4);
        for (place, byte) in places {
            let place = 2 + place.index(content.len() - 2);
            content[place] = byte;
        }
        let mut writer = Writer::new(kpi_stats::frame::Kind::ForecastModel);
        writer.raw(&content[2..]);
        if let Ok(mut model) = FittedModel::decode(&writer.finish()) {
            let _ = model.predict(9, 0.9);
            let _ = (model.state().parameters(), model.state().components(), model.state().form());
            if let Ok(next) = model.clock().time_after(1, &TimeZone::UTC) {
                let _ = model.observe(next, Some(3.0), &TimeZone::UTC, &mut || false);
                let _ = model.predict(9, 0.9);
            }
        }
    }
}

/// Days from 2026-01-01 on.
fn days(history: &[f64]) -> Grid {
    const DAY: i64 = 86_400_000_000;
    let points = history.iter().enumerate();
    let value = |y: f64| y.is_finite().then_some(y);
    let points = points
        .map(|(t, y)| ((9497 + t as i64) * DAY, value(*y)))
        .collect();
    Grid::align(&Series::from_points(points).unwrap(), &TimeZone::UTC, 1000).unwrap()
}

fn kept(history: &[f64], model: &str, season: Option<i64>) -> FittedModel {
    let grid = days(history);
    let clock = Clock::of(&grid, "UTC").unwrap();
    let request = FitRequest {
        model: model.parse().unwrap(),
        horizon: Some(6),
        options: Options {
            seasons: season.into_iter().collect(),
            ..Options::default()
        },
    };
    FittedModel::fit(&grid.values, clock, &request, &[], &mut || false).unwrap()
}

fn sales() -> Vec<f64> {
    (0..60)
        .map(|t| 50.0 + 0.3 * t as f64 + [0.0, 12.0, 5.0, -9.0][t % 4] + ((t * 7919) % 13) as f64)
        .collect()
}

#[test]
fn what_is_kept_forecasts_as_the_forecast_does() {
    let mut with_gaps = sales();
    with_gaps[20] = f64::NAN;
    with_gaps[59] = f64::NAN;
    let mut with_an_outlier = sales();
    with_an_outlier[30] = 5000.0;
    for history in [
        sales(),
        with_gaps,
        with_an_outlier,
        vec![5.0; 30],
        vec![3.0, 4.0, 6.0, 5.0, 7.0],
    ] {
        for name in Model::names()
            .into_iter()
            .chain(["naive+theta", "ets+mstl+drift"])
        {
            let season = if history.len() > 8 { 4 } else { 1 };
            let request = Request {
                horizon: 6,
                model: name.parse().unwrap(),
                level: 0.9,
                season: Some(season),
            };
            let grid = days(&history);
            let Ok(forecast) = forecast(&grid.values, &request, &[], &mut || false) else {
                continue;
            };
            let model = kept(&history, name, Some(season));
            assert_eq!(model.predict(6, 0.9).unwrap(), forecast.points, "{name}");
            assert_eq!(model.name(), forecast.model);
            let again = FittedModel::from_text(&model.to_text()).unwrap();
            assert_eq!(again.predict(6, 0.9).unwrap(), forecast.points, "{name}");
            assert_eq!(again.encode(), model.encode());
        }
    }
}

#[test]
fn the_forecasts_within_the_history_end_where_the_next_begins() {
    let history = sales();
    for name in Model::names() {
        let model = name.parse::<Model>().unwrap();
        if matches!(
            model,
            Model::Auto | Model::WeightedEnsemble | Model::MeanValue | Model::Drift | Model::Mstl
        ) {
            continue;
        }
        let mut state = fit(model, &history);
        let (next, fitted) = (state.value(1), state.fitted(&history));
        assert_eq!(fitted.len(), history.len(), "{name}");
        if state.observe(70.0).is_err() {
            continue;
        }
        let longer: Vec<f64> = history.iter().copied().chain([70.0]).collect();
        let last = state.fitted(&longer)[history.len()];
        assert!(near(last, next), "{name}: {last} {next}");
    }
}

#[test]
fn times_are_those_of_the_steps() {
    let zone = TimeZone::UTC;
    let mut model = kept(&sales(), "ets", Some(4));
    let at = |model: &FittedModel, steps| model.clock().time_after(steps, &zone).unwrap();
    let (last, next) = (at(&model, 0), at(&model, 1));
    let mut observe = |time, value| model.observe(time, value, &zone, &mut || false);
    assert!(matches!(observe(last, Some(1.0)), Err(Error::NotAfter { .. })));
    assert!(matches!(
        observe(last - 5, Some(1.0)),
        Err(Error::NotAfter { .. })
    ));
    assert!(matches!(
        observe((last + next) / 2, Some(1.0)),
        Err(Error::OffStep { .. })
    ));
    assert!(matches!(observe(i64::MAX, Some(1.0)), Err(Error::TooLate { .. })));
    assert!(matches!(
        observe(i64::MIN, Some(1.0)),
        Err(Error::NotAfter { .. })
    ));
    // A value below zero has no place in a multiplicative form, and nothing has changed.
    observe(next + 1000, Some(66.0)).unwrap();
    assert_eq!(at(&model, 0), next);
    let before = model.predict(3, 0.9).unwrap();
    model.observe(at(&model, 1), None, &zone, &mut || false).unwrap();
    assert_eq!(model.predict(2, 0.9).unwrap(), before[1..]);
    let third = at(&model, 3);
    model.observe(third, Some(70.0), &zone, &mut || false).unwrap();
    assert_eq!(model.counts(), [60, 0, 2, 3, 0]);
}

#[test]
fn a_constant_goes_on_with_what_comes() {
    for name in ["ets", "theta", "arima", "ces", "auto"] {
        let mut model = kept(&[5.0; 30], name, Some(1));
        let next = model.clock().time_after(1, &TimeZone::UTC).unwrap();
        model
            .observe(next, Some(8.0), &TimeZone::UTC, &mut || false)
            .unwrap();
        let point = model.predict(1, 0.95).unwrap()[0];
        assert!(point.value == 8.0 && point.upper > 8.0, "{name}");
    }
}

#[test]
fn what_sums_blocks_takes_no_values() {
    let demand: Vec<f64> = (0..30).map(|t| if t % 3 == 0 { 4.0 } else { 0.0 }).collect();
    let mut model = kept(&demand, "adida", Some(1));
    let next = model.clock().time_after(1, &TimeZone::UTC).unwrap();
    let error = model
        .observe(next, Some(4.0), &TimeZone::UTC, &mut || false)
        .unwrap_err();
    assert!(matches!(error, Error::NotObserved { .. }) && error.hint().is_some());
}

#[test]
fn a_mean_and_a_naive_have_no_likelihood() {
    for model in [&Mean as &dyn Fit, &Naive, &Theta::standard(1)] {
        let state = model.fit(&sales(), &mut || false).unwrap().state().unwrap();
        assert!(state.likelihood().is_none());
    }
}

#[test]
fn what_was_taken_out_is_counted_and_kept() {
    let mut history = sales();
    history.truncate(56);
    history[30] = 5000.0;
    let fitted = |model: &str, cleaning| {
        let grid = days(&history);
        let request = FitRequest {
            model: model.parse().unwrap(),
            horizon: Some(6),
            options: Options {
                seasons: vec![4],
                cleaning,
                ..Options::default()
            },
        };
        let clock = Clock::of(&grid, "UTC").unwrap();
        FittedModel::fit(&grid.values, clock, &request, &[], &mut || false).unwrap()
    };
    let outliers = Some(Cleaning {
        outliers: true,
        ..Cleaning::default()
    });
    let cases = [
        ("auto", None, [1, 0]),
        ("theta", None, [0, 0]),
        ("theta", outliers, [1, 0]),
        ("auto", Some(Cleaning::default()), [0, 0]),
    ];
    for (model, cleaning, expected) in cases {
        let kept = fitted(model, cleaning);
        assert_eq!(kept.cleaned(), expected, "{model}");
        let bytes = kept.encode();
        let read = FittedModel::decode(&bytes).unwrap();
        assert_eq!((read.cleaned(), read.encode()), (expected, bytes));
    }
    let distance = (fitted("theta", outliers).predict(1, 0.5).unwrap()[0].value - 70.0).abs();
    assert!(
        distance < 20.0
            && fitted("theta", None).predict(1, 0.5).unwrap()[0]
                .value
                .is_finite()
    );
}
