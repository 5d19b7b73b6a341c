//! The mean.

use crate::arima::unit_root::is_constant;
use crate::model::require;
use crate::naive;
use crate::state::{Family, State};
use crate::{Error, Fit, Predict};

/// The mean of all values, with the standard error `s sqrt(1 + 1/n)` (Hyndman & Athanasopoulos, 3rd ed., section 5.5).
///
/// ```
/// use kpi_forecast::{Fit, Mean};
/// let fitted = Mean.fit(&[1.0, 2.0, 3.0], &mut || false).unwrap();
/// assert_eq!(fitted.value(7), 2.0);
/// assert!((fitted.standard_error(7) - (4.0_f64 / 3.0).sqrt()).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Mean;

impl Fit for Mean {
    fn name(&self) -> &'static str {
        "mean"
    }

    fn needed(&self) -> usize {
        2
    }

    fn fit(&self, history: &[f64], _poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error> {
        require(self, history)?;
        let n = history.len() as f64;
        // Each value is divided first, so that the sum of large ones does not overflow.
        let mean = history.iter().map(|y| y / n).sum::<f64>();
        let squares = history.iter().map(|y| (y - mean).powi(2)).sum::<f64>();
        Ok(Box::new(Fitted {
            mean,
            squares,
            count: n,
        }))
    }
}

/// The mean of `count` values, and the sum of their squared distances from it.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub(crate) mean: f64,
    pub(crate) squares: f64,
    pub(crate) count: f64,
}

impl Predict for Fitted {
    fn value(&self, _step: usize) -> f64 {
        self.mean
    }

    fn standard_error(&self, _step: usize) -> f64 {
        let variance = self.squares / (self.count - 1.0);
        (variance * (1.0 + 1.0 / self.count)).sqrt()
    }

    fn state(&self) -> Option<State> {
        Some(State(Family::Mean(self.clone())))
    }
}

/// The same for every step.
#[derive(Debug, Clone)]
pub(crate) struct Flat {
    pub(crate) mean: f64,
    pub(crate) sigma: f64,
}

impl Flat {
    /// What every model says of a series of one value: `Some` when `history` is one. It is the naive model, so that it goes
    /// on with what comes when that is another value.
    pub(crate) fn of_constant(history: &[f64]) -> Option<Box<dyn Predict>> {
        let first = history.first()?;
        let flat = || -> Box<dyn Predict> {
            Box::new(naive::Fitted {
                last: *first,
                squares: 0.0,
                changes: history.len().saturating_sub(1).max(1) as f64,
            })
        };
        is_constant(history).then(flat)
    }
}

impl Predict for Flat {
    fn value(&self, _step: usize) -> f64 {
        self.mean
    }

    fn standard_error(&self, _step: usize) -> f64 {
        self.sigma
    }

    fn state(&self) -> Option<State> {
        Some(State(Family::Flat(self.clone())))
    }
}
