//! The last value, for ever.

use crate::model::require;
use crate::state::{Family, State};
use crate::{Error, Fit, Predict};

/// Every forecast is the last value. The best there is for a random walk, and the yardstick for all others.
///
/// `sigma_h = sigma * sqrt(h)` with `sigma` the root mean square of the one-step errors (Hyndman &
/// Athanasopoulos, *Forecasting: Principles and Practice*, 3rd ed., sections 5.2 and 5.5).
///
/// ```
/// use kpi_forecast::{Fit, Naive};
/// let fitted = Naive.fit(&[3.0, 5.0, 4.0], &mut || false).unwrap();
/// assert_eq!(fitted.value(7), 4.0);
/// assert_eq!(fitted.standard_error(4), 2.0 * fitted.standard_error(1));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Naive;

/// The last value, and the sum of squares of so many changes.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub(crate) last: f64,
    pub(crate) squares: f64,
    pub(crate) changes: f64,
}

impl Fit for Naive {
    fn name(&self) -> &'static str {
        "naive"
    }

    fn needed(&self) -> usize {
        2
    }

    fn fit(&self, history: &[f64], _poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error> {
        require(self, history)?;
        let last = history.last().copied().unwrap_or(0.0);
        let squares = history
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).powi(2))
            .sum::<f64>();
        Ok(Box::new(Fitted {
            last,
            squares,
            changes: (history.len() - 1) as f64,
        }))
    }
}

impl Predict for Fitted {
    fn value(&self, _step: usize) -> f64 {
        self.last
    }

    fn standard_error(&self, step: usize) -> f64 {
        (self.squares / self.changes).sqrt() * (step as f64).sqrt()
    }

    fn state(&self) -> Option<State> {
        Some(State(Family::Naive(self.clone())))
    }
}
