//! Exponential smoothing of each place in the season.

use crate::model::require;
use crate::state::{Family, State};
use crate::{Error, Fit, Predict};

/// One smoothed level per place in the season, all with the same weight: `level = alpha * y + (1 - alpha) *
/// level`, where `level` is that of one season ago. With weight 1 it is [`crate::SeasonalNaive`]; below, a
/// holiday last week does not come back as a whole this week.
///
/// The weight is the one of 0.1, 0.2, ... 1 that gives the least mean absolute one-season error from the second
/// season on; the forecasts do not change from season to season, and `sigma_h = sigma * sqrt(1 + k * alpha^2)`
/// with `k` whole seasons before step `h` (simple exponential smoothing, Hyndman & Athanasopoulos, 3rd ed.,
/// section 8.1, a season for a step).
///
/// ```
/// use kpi_forecast::{Fit, SeasonalSmoothing};
/// let fitted = SeasonalSmoothing { season: 2 }.fit(&[1.0, 5.0, 1.0, 5.0, 1.0, 5.0], &mut || false).unwrap();
/// assert_eq!((fitted.value(1), fitted.value(2), fitted.value(3)), (1.0, 5.0, 1.0));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct SeasonalSmoothing {
    /// Steps in a season, at least 1.
    pub season: usize,
}

/// The level of each place in the season, `next` the position of the next value; and the sum of so many squared errors.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub(crate) levels: Vec<f64>,
    pub(crate) next: usize,
    pub(crate) alpha: f64,
    pub(crate) squares: f64,
    pub(crate) errors: f64,
}

impl Fit for SeasonalSmoothing {
    fn name(&self) -> &'static str {
        "seasonal_smoothing"
    }

    fn needed(&self) -> usize {
        2 * self.season.max(1) + 1
    }

    fn fit(&self, history: &[f64], _poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error> {
        require(self, history)?;
        let season = self.season.max(1);
        let weights = (1..=10).map(|tenth| f64::from(tenth) / 10.0);
        let (_, fitted) = weights.fold((f64::INFINITY, None), |(least, best), alpha| {
            let (error, fitted) = smooth(history, season, alpha);
            if error < least {
                (error, Some(fitted))
            } else {
                (least, best)
            }
        });
        let fitted = fitted.unwrap_or_else(|| smooth(history, season, 1.0).1);
        Ok(Box::new(fitted))
    }
}

/// One pass: the sum of absolute errors, and the state after it.
fn smooth(history: &[f64], season: usize, alpha: f64) -> (f64, Fitted) {
    let mut levels = history[..season].to_vec();
    let (mut absolute, mut squares) = (0.0, 0.0);
    for (t, value) in history.iter().enumerate().skip(season) {
        let level = &mut levels[t % season];
        let error = value - *level;
        absolute += error.abs();
        squares += error * error;
        *level += alpha * error;
    }
    (
        absolute,
        Fitted {
            levels,
            next: history.len(),
            alpha,
            squares,
            errors: (history.len() - season) as f64,
        },
    )
}

impl Predict for Fitted {
    fn value(&self, step: usize) -> f64 {
        self.levels[(self.next + step - 1) % self.levels.len()]
    }

    fn standard_error(&self, step: usize) -> f64 {
        let seasons = (step.max(1) - 1) / self.levels.len();
        (self.squares / self.errors).sqrt() * (1.0 + seasons as f64 * self.alpha * self.alpha).sqrt()
    }

    fn state(&self) -> Option<State> {
        Some(State(Family::SeasonalSmoothing(self.clone())))
    }
}
