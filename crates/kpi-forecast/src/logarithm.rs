//! A model of the logarithms of the values.

use crate::box_cox::require_positive;
use crate::model::Step;
use crate::state::{Family, State};
use crate::{Error, Fit, Predict};

/// The logarithm that the geometric mean of a history is given, that of values of some thousands in the unit: so the unit does not matter, also
/// to a model for which values about 0 are not those about another number, as complex exponential smoothing is.
const MIDDLE: f64 = 8.0;

/// Any model, fitted to the logarithms: what it adds becomes what is multiplied. The forecast is the median of what comes (Hyndman &
/// Athanasopoulos, 3rd ed., section 5.6), and its standard error that of the logarithm in proportion to it.
///
/// ```
/// use kpi_forecast::{Drift, Fit, Logarithm};
/// let fitted = Logarithm { of: Box::new(Drift) }.fit(&[1.0, 2.0, 4.0, 8.0], &mut || false).unwrap();
/// assert!((fitted.value(2) - 32.0).abs() < 1e-9);
/// ```
pub struct Logarithm {
    /// The model of the logarithms.
    pub of: Box<dyn Fit>,
}

/// A fitted model of logarithms.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    /// What was taken from the logarithms.
    pub(crate) shift: f64,
    pub(crate) of: State,
}

/// The logarithms of values above 0, shifted, and the shift.
pub(crate) fn logarithms(history: &[f64]) -> (Vec<f64>, f64) {
    let mut logarithms: Vec<f64> = history.iter().map(|y| y.ln()).collect();
    let shift = logarithms.iter().sum::<f64>() / logarithms.len().max(1) as f64 - MIDDLE;
    logarithms.iter_mut().for_each(|y| *y -= shift);
    (logarithms, shift)
}

impl Fit for Logarithm {
    fn name(&self) -> &'static str {
        self.of.name()
    }

    fn needed(&self) -> usize {
        self.of.needed()
    }

    /// Fails with [`Error::NotPositive`] unless all values are above 0.
    fn fit(&self, history: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error> {
        require_positive(history)?;
        let (logarithms, shift) = logarithms(history);
        let of = self.of.fit(&logarithms, poll)?.state();
        Ok(Box::new(Fitted {
            shift,
            of: of.ok_or_else(|| Error::NotKept {
                model: self.name().to_owned(),
            })?,
        }))
    }
}

impl Predict for Fitted {
    fn value(&self, step: usize) -> f64 {
        (self.of.value(step) + self.shift).exp()
    }

    fn standard_error(&self, step: usize) -> f64 {
        self.value(step) * self.of.standard_error(step)
    }

    fn path(&self, horizon: usize) -> Vec<Step> {
        let steps = self.of.path(horizon).into_iter().map(|step| {
            let value = (step.value + self.shift).exp();
            Step {
                value,
                standard_error: value * step.standard_error,
            }
        });
        steps.collect()
    }

    fn form(&self) -> String {
        self.of.form()
    }

    fn state(&self) -> Option<State> {
        Some(State(Family::Logarithm(Box::new(self.clone()))))
    }
}
