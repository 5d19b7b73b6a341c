//! Simple exponential smoothing with a slope that stays.

use crate::ets::{self, Form, Part, State, Weights, Work};
use crate::mean::Flat;
use crate::model::{require, unless_canceled};
use crate::{Error, Fit, Predict};

/// Simple exponential smoothing with drift, the model that the theta method is of (Hyndman & Billah 2003, *International Journal of
/// Forecasting* 19:287-290), with the slope taken from all values at once: exponential smoothing of the form (A,A,N) in which the slope
/// takes nothing from any one value. That is steadier than a slope that is smoothed where values are few.
///
/// ```
/// use kpi_forecast::{Fit, SesDrift};
/// let history: Vec<f64> = (0..20).map(|t| 5.0 + 2.0 * t as f64 + [0.5, -0.5][t % 2]).collect();
/// let fitted = SesDrift::LeastSquares.fit(&history, &mut || false).unwrap();
/// assert!((fitted.value(3) - fitted.value(2) - 2.0).abs() < 0.02);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SesDrift {
    /// The slope of the least-squares line.
    LeastSquares,
    /// The median of the changes from value to value, which no single jump moves.
    MedianChange,
}

impl Fit for SesDrift {
    fn name(&self) -> &'static str {
        "ses_drift"
    }

    fn needed(&self) -> usize {
        7
    }

    fn fit(&self, history: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error> {
        require(self, history)?;
        if let Some(flat) = Flat::of_constant(history) {
            return Ok(flat);
        }
        let size = history.iter().fold(0.0_f64, |m, y| m.max(y.abs()));
        let scale = if size > 0.0 && size.is_finite() { size } else { 1.0 };
        let values: Vec<f64> = history.iter().map(|y| y / scale).collect();
        let slope = match self {
            Self::LeastSquares => least_squares_slope(&values),
            Self::MedianChange => median_change(&values),
        };
        let (alpha, level) = smoothing(&values, slope, poll)?;
        let form = Form {
            multiplicative_error: false,
            trend: Part::Additive,
            damped: false,
            season: Part::None,
        };
        let weights = Weights {
            alpha,
            rho: 0.0,
            gamma: 0.0,
            phi: 1.0,
        };
        let first = State {
            level,
            trend: slope,
            season: Vec::new(),
        };
        let estimate = ets::finish(form, weights, first, &values, 1, &mut Work::default());
        let estimate = estimate.ok_or(Error::TooShort {
            values: history.len(),
            needed: history.len() + 1,
            model: self.name(),
        })?;
        Ok(Box::new(ets::Fitted {
            weighted: vec![(1.0, estimate)],
            scale,
        }))
    }
}

fn least_squares_slope(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let (mut with_time, mut of_time) = (0.0, 0.0);
    for (t, y) in values.iter().enumerate() {
        let time = t as f64 - (n - 1.0) / 2.0;
        with_time += time * (y - mean);
        of_time += time * time;
    }
    with_time / of_time
}

fn median_change(values: &[f64]) -> f64 {
    let mut changes: Vec<f64> = values
        .iter()
        .zip(values.iter().skip(1))
        .map(|(a, b)| b - a)
        .collect();
    changes.sort_by(f64::total_cmp);
    let at = |place: usize| changes.get(place).copied().unwrap_or(0.0);
    (at(changes.len().saturating_sub(1) / 2) + at(changes.len() / 2)) / 2.0
}

/// The smoothing weight of the least squared errors, and the first level, which enters them linearly.
fn smoothing(values: &[f64], slope: f64, poll: &mut dyn FnMut() -> bool) -> Result<(f64, f64), Error> {
    const GRID: usize = 100;
    let mut best = (f64::INFINITY, 0.0, 0.0);
    for i in 0..GRID {
        unless_canceled(poll)?;
        let alpha = (i as f64 + 1.0) / (GRID as f64 + 1.0);
        // Errors from a first level of 0, and what a first level of 1 takes from each.
        let (mut level, mut share) = (0.0, 1.0);
        let [mut squares, mut products, mut shares] = [0.0; 3];
        for y in values {
            let error = y - level - slope;
            squares += error * error;
            products += error * share;
            shares += share * share;
            level += slope + alpha * error;
            share *= 1.0 - alpha;
        }
        let first = products / shares;
        let left = squares - first * products;
        if left < best.0 {
            best = (left, alpha, first);
        }
    }
    Ok((best.1, best.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A jump moves the mean change by its size over the count, and the median not at all.
    #[test]
    fn the_median_slope_forgets_a_jump() {
        let values: Vec<f64> = (0..21)
            .map(|t| t as f64 + if t > 9 { 100.0 } else { 0.0 })
            .collect();
        let fitted = SesDrift::MedianChange.fit(&values, &mut || false).unwrap();
        assert!((fitted.value(2) - fitted.value(1) - 1.0).abs() < 1e-9);
        let fitted = SesDrift::LeastSquares.fit(&values, &mut || false).unwrap();
        assert!(fitted.value(2) - fitted.value(1) > 5.0);
    }

    #[test]
    fn a_line_is_drawn_on() {
        for model in [SesDrift::LeastSquares, SesDrift::MedianChange] {
            let values: Vec<f64> = (0..12).map(|t| 3.0 - 0.5 * t as f64).collect();
            let fitted = model.fit(&values, &mut || false).unwrap();
            assert!((fitted.value(4) - (3.0 - 0.5 * 15.0)).abs() < 1e-6);
        }
    }

    #[test]
    fn few_values_and_constants() {
        let short = SesDrift::LeastSquares.fit(&[1.0, 2.0, 3.0], &mut || false).err();
        assert!(matches!(short, Some(Error::TooShort { needed: 7, .. })));
        let flat = SesDrift::MedianChange.fit(&[4.0; 9], &mut || false).unwrap();
        assert_eq!((flat.value(5), flat.standard_error(5)), (4.0, 0.0));
        let canceled = SesDrift::LeastSquares
            .fit(&[1.0, 4.0, 2.0, 3.0, 9.0, 8.0, 5.0], &mut || true)
            .err();
        assert_eq!(canceled, Some(Error::Canceled));
    }
}
