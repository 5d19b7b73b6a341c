//! The line from the first value to the last, drawn on.

use crate::model::require;
use crate::state::{Family, State};
use crate::{Error, Fit, Predict};

/// A random walk with drift: the last value plus `h` times the mean change.
///
/// `sigma_h = sigma * sqrt(h * (1 + h / (n - 1)))`, with `sigma` the residual standard deviation around the
/// mean change on `n - 2` degrees of freedom (Hyndman & Athanasopoulos, 3rd ed., section 5.5).
///
/// ```
/// use kpi_forecast::{Drift, Fit};
/// let fitted = Drift.fit(&[1.0, 2.0, 3.0, 4.0], &mut || false).unwrap();
/// assert_eq!((fitted.value(1), fitted.value(10)), (5.0, 14.0));
/// assert_eq!(fitted.standard_error(5), 0.0);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Drift;

/// The last value, the mean of so many changes, and the sum of their squared distances from it.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub(crate) last: f64,
    pub(crate) slope: f64,
    pub(crate) squares: f64,
    pub(crate) changes: f64,
}

impl Fit for Drift {
    fn name(&self) -> &'static str {
        "drift"
    }

    fn needed(&self) -> usize {
        3
    }

    fn fit(&self, history: &[f64], _poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error> {
        require(self, history)?;
        let changes = (history.len() - 1) as f64;
        let (first, last) = (history[0], history[history.len() - 1]);
        let slope = (last - first) / changes;
        let squares = history
            .windows(2)
            .map(|pair| (pair[1] - pair[0] - slope).powi(2))
            .sum::<f64>();
        Ok(Box::new(Fitted {
            last,
            slope,
            squares,
            changes,
        }))
    }
}

impl Predict for Fitted {
    fn value(&self, step: usize) -> f64 {
        self.last + step as f64 * self.slope
    }

    fn standard_error(&self, step: usize) -> f64 {
        let h = step as f64;
        (self.squares / (self.changes - 1.0)).sqrt() * (h * (1.0 + h / self.changes)).sqrt()
    }

    fn state(&self) -> Option<State> {
        Some(State(Family::Drift(self.clone())))
    }
}
