//! Regression with errors that are a seasonal ARIMA.

use super::estimate::without;
use super::search::{apply, search_with};
use super::{Estimate, Fitted, Gain, Order, estimate_with};
use crate::mean::Flat;
use crate::model::{Step, require};
use crate::regressors::Regressors;
use crate::state::{Effects, Family, Planned, State};
use crate::{Error, Fit, Predict};

/// A regression whose errors are a seasonal autoregressive integrated moving average (Hyndman & Athanasopoulos, 3rd ed., chapter 10):
/// `y_t = sum b_k x_kt + n_t`. The coefficients are by generalised least squares, with those of the errors at their likeliest; the
/// order of the errors is found step by step unless given. Columns that say nothing of their own over the history have no effect.
/// The standard errors are those of the errors to come: the coefficients are taken as known.
///
/// ```
/// use kpi_forecast::{Fit, arima::Regression, regressors::{Regressor, Regressors}};
/// let price: Vec<f64> = (0..44).map(|t| f64::from(t * t % 7)).collect();
/// let sales: Vec<f64> = (0..40).map(|t| 90.0 - 3.0 * price[t] + ((t * t * t) % 5) as f64 / 10.0).collect();
/// let regressors = Regressors::new(vec![Regressor { name: "price".into(), values: price.clone() }], &sales, 4).unwrap();
/// let fitted = Regression { season: 1, order: None, regressors }.fit(&sales, &mut || false).unwrap();
/// assert!((fitted.value(4) - 90.2 + 3.0 * price[43]).abs() < 0.3);
/// ```
#[derive(Debug, Clone)]
pub struct Regression {
    /// Steps in a season, 1 for none.
    pub season: usize,
    /// The order of the errors, or `None` to have it found.
    pub order: Option<Order>,
    /// The columns; their rows start with the history that is fitted.
    pub regressors: Regressors,
}

/// A fitted regression.
pub(crate) struct FittedRegression {
    errors: Fitted,
    /// The regressors that have an effect, each with the effect of 1 in the unit of the values.
    coefficients: Vec<(usize, f64)>,
    regressors: Regressors,
    history: usize,
}

impl Fit for Regression {
    fn name(&self) -> &'static str {
        "arima"
    }

    fn needed(&self) -> usize {
        5 + self.regressors.len()
    }

    fn fit(&self, history: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error> {
        require(self, history)?;
        if let Some(flat) = Flat::of_constant(history) {
            return Ok(flat);
        }
        Ok(Box::new(self.fitted(history, poll)?))
    }
}

impl Regression {
    pub(crate) fn fitted(
        &self,
        history: &[f64],
        poll: &mut dyn FnMut() -> bool,
    ) -> Result<FittedRegression, Error> {
        require(self, history)?;
        let n = history.len();
        // Everything in units of its largest value, so that the search ends at the same place in every unit.
        let scale = size(history);
        let values: Vec<f64> = history.iter().map(|y| y / scale).collect();
        let independent = self.regressors.independent(n);
        let known: Vec<(&[f64], f64)> = independent
            .iter()
            .map(|index| self.regressors.column(*index))
            .map(|column| (column, size(column.get(..n).unwrap_or_default())))
            .collect();
        let columns: Vec<Vec<f64>> = known
            .iter()
            .map(|(column, size)| column.iter().take(n).map(|x| x / size).collect())
            .collect();
        let found = match self.order {
            Some(order) => {
                let differenced = |values: &[f64]| apply(values, order.season, order.seasonal_d, order.d);
                let moved: Vec<Vec<f64>> = columns.iter().map(|column| differenced(column)).collect();
                estimate_with(order, &differenced(&values), &moved, poll)?
            }
            None => search_with(&values, &columns, self.season.max(1), poll)?,
        };
        let Some(estimate) = found else {
            return Err(Error::TooShort {
                values: n,
                needed: n + 1,
                model: self.name(),
            });
        };
        let Estimate { order, filtered, .. } = &estimate;
        let coefficients = filtered
            .coefficients
            .get(usize::from(order.constant)..)
            .unwrap_or_default();
        let left = without(&values, &columns, coefficients);
        let kept = order.d + order.season * order.seasonal_d;
        let tail = left[n.saturating_sub(kept.max(1))..].to_vec();
        let count = n.saturating_sub(kept);
        let effects = independent.iter().zip(&known).zip(coefficients);
        let coefficients = effects
            .map(|((index, (_, size)), c)| (*index, scale * c / size))
            .collect();
        Ok(FittedRegression {
            errors: Fitted {
                estimate,
                tail,
                scale,
                count,
                gain: None,
            },
            coefficients,
            regressors: self.regressors.clone(),
            history: n,
        })
    }
}

/// The largest magnitude, 1 when there is none.
fn size(values: &[f64]) -> f64 {
    let size = values.iter().fold(0.0_f64, |m, y| m.max(y.abs()));
    if size > 0.0 && size.is_finite() { size } else { 1.0 }
}

impl FittedRegression {
    /// The order of the errors.
    pub(crate) fn order(&self) -> Order {
        self.errors.estimate.order
    }

    /// What 1 of each of the first `columns` regressors adds, by its name.
    pub(crate) fn coefficients(&self, columns: usize) -> Vec<(String, f64)> {
        let mine = self.coefficients.iter().filter(|(index, _)| *index < columns);
        mine.map(|(index, effect)| (self.regressors.label(*index), *effect))
            .collect()
    }

    /// The sum of the effects of the first `columns` regressors in a row, not a number where one has no value.
    pub(crate) fn effect(&self, row: usize, columns: usize) -> f64 {
        let mine = self.coefficients.iter().filter(|(index, _)| *index < columns);
        mine.map(|(index, effect)| {
            effect
                * self
                    .regressors
                    .column(*index)
                    .get(row)
                    .copied()
                    .unwrap_or(f64::NAN)
        })
        .sum()
    }
}

impl Predict for FittedRegression {
    fn value(&self, step: usize) -> f64 {
        self.path(step).last().map_or(f64::NAN, |s| s.value)
    }

    fn standard_error(&self, step: usize) -> f64 {
        self.path(step).last().map_or(f64::NAN, |s| s.standard_error)
    }

    fn path(&self, horizon: usize) -> Vec<Step> {
        let mut steps = self.errors.path(horizon);
        for (i, step) in steps.iter_mut().enumerate() {
            step.value += self.effect(self.history + i, usize::MAX);
        }
        steps
    }

    fn form(&self) -> String {
        format!("regression with {} errors", self.order())
    }

    fn state(&self) -> Option<State> {
        let mut errors = self.errors.clone();
        errors.gain = Gain::after(&errors.estimate.process, errors.count);
        let rows = self.regressors.column(0).len();
        let effect = |row: usize| self.effect(row, usize::MAX);
        let after = if self.regressors.is_endless() {
            0.0
        } else {
            f64::NAN
        };
        Some(State(Family::Effects(Box::new(Effects {
            coefficients: self.coefficients(usize::MAX),
            past: (0..self.history.min(rows)).map(effect).collect(),
            planned: Planned::new((self.history..rows).map(effect), after),
            rest: State(Family::Arima(Box::new(errors))),
        }))))
    }
}
