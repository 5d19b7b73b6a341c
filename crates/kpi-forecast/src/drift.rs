//! The line from the first value to the last, drawn on.

use crate::model::require;
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

struct Fitted {
    last: f64,
    slope: f64,
    sigma: f64,
    changes: f64,
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
            sigma: (squares / (changes - 1.0)).sqrt(),
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
        self.sigma * (h * (1.0 + h / self.changes)).sqrt()
    }
}
