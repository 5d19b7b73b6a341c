//! How a model would have done: fits at past origins, each forecast compared with what came.

use crate::{Error, Fit};

/// Origins at most; the newest ones are taken.
const ORIGINS: usize = 10;

/// One forecast and what came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Steps after the origin.
    pub step: usize,
    /// What came less what was forecast.
    pub error: f64,
    /// The standard error that the model stated.
    pub standard_error: f64,
}

/// Forecasts up to `horizon` steps from a series of past origins, each from the values before it only (rolling
/// origin, Tashman 2000, *International Journal of Forecasting* 16:437-450). The horizon is cut to a third of
/// the series. The first origin has two seasons behind it, and at least a third of the series. Empty when the
/// series is too short.
///
/// `poll` is called before each fit; true ends it with [`Error::Canceled`].
///
/// ```
/// use kpi_forecast::{Naive, backtest::rolling_origin};
/// let outcomes = rolling_origin(&Naive, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 1, 1, &mut || false).unwrap();
/// assert!(!outcomes.is_empty() && outcomes.iter().all(|o| o.error == 1.0));
/// ```
pub fn rolling_origin(
    model: &dyn Fit,
    history: &[f64],
    season: usize,
    horizon: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<Outcome>, Error> {
    let mut outcomes = Vec::new();
    for (origin, steps) in origins(history.len(), season, horizon) {
        if poll() {
            return Err(Error::Canceled);
        }
        if origin < model.needed() {
            continue;
        }
        let fitted = model.fit(&history[..origin], poll)?;
        for (i, (step, came)) in fitted.path(steps).iter().zip(&history[origin..]).enumerate() {
            outcomes.push(Outcome {
                step: i + 1,
                error: came - step.value,
                standard_error: step.standard_error,
            });
        }
    }
    Ok(outcomes)
}

/// Where the backtest starts and how far each forecast goes; the same for every model, so that they can be
/// compared.
pub(crate) fn origins(n: usize, season: usize, horizon: usize) -> Vec<(usize, usize)> {
    let least = (2 * season.max(1) + 1).max(n / 3).max(3);
    if n <= least {
        return Vec::new();
    }
    let steps = horizon.min(n / 3).min(n - least).max(1);
    let stride = (steps / 2).max(1);
    (0..ORIGINS)
        .map_while(|i| (n - steps).checked_sub(i * stride))
        .take_while(|o| *o >= least)
        .map(|o| (o, steps))
        .collect()
}

/// Mean absolute error; infinite when there is nothing to judge by.
pub fn mean_absolute_error(outcomes: &[Outcome]) -> f64 {
    if outcomes.is_empty() {
        return f64::INFINITY;
    }
    outcomes.iter().map(|o| o.error.abs()).sum::<f64>() / outcomes.len() as f64
}
