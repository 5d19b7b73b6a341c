//! What a decomposition or a fitted model does not explain.

use crate::Error;
use crate::detect::Input;
use crate::verdict::Verdict;
use kpi_forecast::stl::{Options, decompose_with};
use kpi_forecast::{Model, gaps};

/// Values that a model is fitted to: a bound on time.
const MOST: usize = 200_000;

/// Remainder of the robust decomposition (Cleveland, Cleveland, McRae & Terpenning 1990): trend and season are local regressions
/// in which outliers have no weight.
pub(crate) fn stl(input: &Input, poll: &mut dyn FnMut() -> bool) -> Result<Vec<Verdict>, Error> {
    let filled = gaps::fill(input.values, input.season);
    let seasons: Vec<usize> = (input.season > 1).then_some(input.season).into_iter().collect();
    // A season of many cycles is smoothed over many, so that a value has little part in its own expectation.
    let options = Options {
        seasonal_window: Some(SEASONAL_WINDOW),
        ..Options::robust()
    };
    let parts = decompose_with(&filled, &seasons, &options, poll)?;
    let mut expected = parts.trend;
    for part in &parts.seasons {
        for (e, s) in expected.iter_mut().zip(part) {
            *e += s;
        }
    }
    input.judge(expected, false)
}

/// Cycles over which the season may change.
const SEASONAL_WINDOW: usize = 35;

/// Error of the forecast of one step of a model that is fitted to the series: `ets` unless the option `model` names another.
/// The first values, of which a model has no forecast, are not judged.
pub(crate) fn forecast(input: &Input, poll: &mut dyn FnMut() -> bool) -> Result<Vec<Verdict>, Error> {
    if input.values.len() > MOST {
        return Err(Error::TooLong {
            method: "forecast",
            length: input.values.len(),
            most: MOST,
        });
    }
    let filled = gaps::fill(input.values, input.season);
    let model = input.request.options.model.unwrap_or(Model::Ets);
    let candidates = model.candidates_of(&[input.season]);
    let fitted = candidates
        .into_iter()
        .next()
        .map(|m| m.fit(&filled, poll))
        .transpose()?;
    let expected = match fitted.and_then(|f| f.state()) {
        Some(state) => state.fitted(&filled),
        None => {
            return Err(kpi_forecast::Error::NotKept {
                model: model.to_string(),
            }
            .into());
        }
    };
    let mut expected = expected;
    expected.resize(input.values.len(), f64::NAN);
    input.judge(expected, false)
}
