//! A model of the seasonally adjusted values.

use crate::decomposition::Indices;
use crate::model::Step;
use crate::state::{Family, State};
use crate::theta::indices_of;
use crate::{Error, Fit, Predict};

/// Any model without a season, fitted to what is left without the season, which is put back on its forecasts. The season is that of
/// [`Theta`](crate::theta::Theta): the indices of a classical decomposition where its autocorrelation is significant, none otherwise.
///
/// ```
/// use kpi_forecast::{Adjusted, Drift, Fit};
/// let history: Vec<f64> = (0..24).map(|t| (60.0 + t as f64) * [1.0, 1.2, 0.8][t % 3]).collect();
/// let fitted = Adjusted { season: 3, of: Box::new(Drift) }.fit(&history, &mut || false).unwrap();
/// assert!((fitted.value(2) - 102.0).abs() < 1.0 && (fitted.value(3) - 68.8).abs() < 1.0);
/// ```
pub struct Adjusted {
    /// Steps in a season, 1 for none.
    pub season: usize,
    /// The model of the rest.
    pub of: Box<dyn Fit>,
}

/// A season that stays, and a fitted model of the rest.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub(crate) indices: Option<Indices>,
    /// Values so far.
    pub(crate) count: usize,
    pub(crate) of: State,
}

impl Fit for Adjusted {
    fn name(&self) -> &'static str {
        self.of.name()
    }

    fn needed(&self) -> usize {
        self.of.needed()
    }

    fn fit(&self, history: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error> {
        let indices = indices_of(history, self.season);
        let rest: Vec<f64> = match &indices {
            Some(indices) => history
                .iter()
                .enumerate()
                .map(|(t, y)| indices.remove(t, *y))
                .collect(),
            None => history.to_vec(),
        };
        let of = self.of.fit(&rest, poll)?.state();
        Ok(Box::new(Fitted {
            indices,
            count: history.len(),
            of: of.ok_or_else(|| Error::NotKept {
                model: self.name().to_owned(),
            })?,
        }))
    }
}

impl Predict for Fitted {
    fn value(&self, step: usize) -> f64 {
        self.path(step).last().map_or(f64::NAN, |s| s.value)
    }

    fn standard_error(&self, step: usize) -> f64 {
        self.path(step).last().map_or(f64::NAN, |s| s.standard_error)
    }

    fn path(&self, horizon: usize) -> Vec<Step> {
        let mut steps = self.of.path(horizon);
        if let Some(indices) = &self.indices {
            for (h, step) in steps.iter_mut().enumerate() {
                let position = self.count + h;
                step.value = indices.apply(position, step.value);
                step.standard_error *= indices.factor(position);
            }
        }
        steps
    }

    fn form(&self) -> String {
        self.of.form()
    }

    fn state(&self) -> Option<State> {
        Some(State(Family::Adjusted(Box::new(self.clone()))))
    }
}
