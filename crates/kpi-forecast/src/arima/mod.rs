//! Seasonal autoregressive integrated moving averages.

mod estimate;
mod gain;
pub mod likelihood;
pub mod polynomial;
mod regression;
mod search;
pub mod unit_root;

pub(crate) use estimate::process;
pub use estimate::{Estimate, Order, estimate, estimate_with};
pub(crate) use gain::Gain;
pub use regression::Regression;
pub use search::{apply, search, search_with};

use crate::mean::Flat;
use crate::model::{Step, require};
use crate::state::{Family, State};
use crate::{Error, Fit, Predict};

/// A seasonal autoregressive integrated moving average with drift or mean, its order found step by step (see [`search`])
/// unless given, its coefficients by exact maximum likelihood. The variance is that of the errors times the sum of
/// squared weights of what is still to come (Box & Jenkins 1970, section 5.1).
///
/// ```
/// use kpi_forecast::{Fit, arima::Arima};
/// let history: Vec<f64> = (0..40).map(|t| 10.0 + 3.0 * t as f64 + (t % 2) as f64).collect();
/// let fitted = Arima { season: 1, order: None }.fit(&history, &mut || false).unwrap();
/// assert!((fitted.value(2) - 134.0).abs() < 1.0);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Arima {
    /// Steps in a season, 1 for none.
    pub season: usize,
    /// The order, or `None` to have it found.
    pub order: Option<Order>,
}

impl Fit for Arima {
    fn name(&self) -> &'static str {
        "arima"
    }

    fn needed(&self) -> usize {
        5
    }

    fn fit(&self, history: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error> {
        fit(self, history, |values| match self.order {
            Some(order) => estimate(
                order,
                &apply(values, order.season, order.seasonal_d, order.d),
                poll,
            ),
            None => search(values, self.season.max(1), poll),
        })
    }
}

/// [`Arima`] with the order of an estimate from nearly the same values, its coefficients searched for from that one's.
#[derive(Debug, Clone)]
pub struct Continued {
    /// The earlier estimate, in any unit.
    pub earlier: Estimate,
}

impl Fit for Continued {
    fn name(&self) -> &'static str {
        "arima"
    }

    fn needed(&self) -> usize {
        5
    }

    fn fit(&self, history: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error> {
        fit(self, history, |values| {
            let order = self.earlier.order;
            let differenced = apply(values, order.season, order.seasonal_d, order.d);
            match estimate::continued(&self.earlier, &differenced, poll)? {
                None => estimate(order, &differenced, poll),
                found => Ok(found),
            }
        })
    }
}

/// Fits what `find` estimates from the values in units of the largest.
fn fit(
    model: &dyn Fit,
    history: &[f64],
    find: impl FnOnce(&[f64]) -> Result<Option<Estimate>, Error>,
) -> Result<Box<dyn Predict>, Error> {
    require(model, history)?;
    if let Some(flat) = Flat::of_constant(history) {
        return Ok(flat);
    }
    let size = history.iter().fold(0.0_f64, |m, y| m.max(y.abs()));
    let scale = if size > 0.0 && size.is_finite() { size } else { 1.0 };
    let values: Vec<f64> = history.iter().map(|y| y / scale).collect();
    let Some(estimate) = find(&values)? else {
        return Err(Error::TooShort {
            values: history.len(),
            needed: history.len() + 1,
            model: model.name(),
        });
    };
    let kept = estimate.order.d + estimate.order.season * estimate.order.seasonal_d;
    let tail = values[values.len().saturating_sub(kept.max(1))..].to_vec();
    let count = values.len().saturating_sub(kept);
    Ok(Box::new(Fitted {
        gain: Gain::after(&estimate.process, count),
        estimate,
        tail,
        scale,
        count,
    }))
}

/// An estimated order, in units of `scale`.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub(crate) estimate: Estimate,
    /// The last values, from which differences are undone.
    pub(crate) tail: Vec<f64>,
    pub(crate) scale: f64,
    /// Differences that it was estimated from.
    pub(crate) count: usize,
    /// The gain of the filter for the next value; nothing where the process has none.
    pub(crate) gain: Option<Gain>,
}

impl Fitted {
    /// `1 - sum c_i B^i` of the differences.
    pub(crate) fn differencing(&self) -> Vec<f64> {
        let order = self.estimate.order;
        let mut whole = Vec::new();
        for _ in 0..order.d {
            whole = polynomial::product(&whole, &[-1.0], 1);
        }
        for _ in 0..order.seasonal_d {
            whole = polynomial::product(&whole, &[-1.0], order.season);
        }
        whole.into_iter().map(|c: f64| -c).collect()
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
        let Estimate {
            process,
            filtered,
            variance,
            ..
        } = &self.estimate;
        let constant = filtered
            .coefficients
            .first()
            .filter(|_| self.estimate.order.constant);
        let constant = constant.copied().unwrap_or(0.0);
        let lags = self.differencing();
        let undoing = polynomial::terms(&lags);
        let mut state = filtered.state.clone();
        let mut values = self.tail.clone();
        for _ in 0..horizon {
            let first = state.first().copied().unwrap_or(0.0);
            state.rotate_left(1);
            if let Some(last) = state.last_mut() {
                *last = 0.0;
            }
            for (s, a) in state.iter_mut().zip(&process.ar) {
                *s += a * first;
            }
            let undone: f64 = undoing
                .iter()
                .filter_map(|(lag, c)| Some(c * values.get(values.len().checked_sub(*lag)?)?))
                .sum();
            values.push(undone + constant + first);
        }
        // (1 - sum ar_i B^i) (1 - sum lags_j B^j), with the same signs.
        let minus = |c: &[f64]| c.iter().map(|c| -c).collect::<Vec<f64>>();
        let whole = minus(&polynomial::product(&minus(&process.ar), &minus(&lags), 1));
        let mut sum = 0.0;
        values[self.tail.len()..]
            .iter()
            .zip(polynomial::weights(&whole, &process.ma, horizon))
            .map(|(value, weight)| {
                sum += weight * weight;
                Step {
                    value: self.scale * value,
                    standard_error: self.scale * (variance * sum).sqrt(),
                }
            })
            .collect()
    }

    fn form(&self) -> String {
        self.estimate.order.to_string()
    }

    fn state(&self) -> Option<State> {
        Some(State(Family::Arima(Box::new(self.clone()))))
    }
}
