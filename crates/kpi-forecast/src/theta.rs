//! The theta method.

use crate::decomposition::{Indices, seasonal_indices};
use crate::model::require;
use crate::{Error, Fit, Predict, ses};

/// Simple exponential smoothing with half the linear trend as drift, on seasonally adjusted values.
///
/// The theta method won the M3 competition (Assimakopoulos & Nikolopoulos 2000, *International Journal of Forecasting*
/// 16:521-530); in the form of Hyndman & Billah (2003, same journal, 19:287-290) its forecast is
/// `level + b/2 * (h - 1 + (1 - (1 - alpha)^n) / alpha)`, `b` the slope of the least-squares line. The standard error is that of
/// the smoothing, `sigma * sqrt(1 + (h - 1) * alpha^2)`. A season that fits twice is taken out first by classical
/// decomposition, multiplicative where all values are above 0, and put back on afterwards.
///
/// ```
/// use kpi_forecast::{Fit, Theta};
/// let history: Vec<f64> = (0..20).map(|t| 100.0 + 2.0 * t as f64).collect();
/// let fitted = Theta { season: 1 }.fit(&history).unwrap();
/// assert!((fitted.value(1) - 139.0).abs() < 0.1); // half the slope of the line beyond its last point
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Theta {
    /// Steps in a season, 1 for none.
    pub season: usize,
}

struct Fitted {
    indices: Option<Indices>,
    n: usize,
    alpha: f64,
    level: f64,
    half_slope: f64,
    sigma: f64,
}

impl Fit for Theta {
    fn name(&self) -> &'static str {
        "theta"
    }

    fn needed(&self) -> usize {
        3
    }

    fn fit(&self, history: &[f64]) -> Result<Box<dyn Predict>, Error> {
        require(self, history)?;
        let indices = seasonal_indices(history, self.season);
        let adjusted: Vec<f64> = match &indices {
            Some(indices) => history
                .iter()
                .enumerate()
                .map(|(t, v)| indices.remove(t, *v))
                .collect(),
            None => history.to_vec(),
        };
        let n = adjusted.len();
        let half_slope = slope(&adjusted) / 2.0;
        let Some(smoothed) = ses::fit(&adjusted) else {
            return Err(Error::TooShort {
                values: 0,
                needed: self.needed(),
                model: self.name(),
            });
        };
        let sigma = (smoothed.squares / (n - 2) as f64).sqrt();
        Ok(Box::new(Fitted {
            indices,
            n,
            alpha: smoothed.alpha,
            level: smoothed.level,
            half_slope,
            sigma,
        }))
    }
}

impl Predict for Fitted {
    fn value(&self, step: usize) -> f64 {
        let lag = (1.0 - (1.0 - self.alpha).powf(self.n as f64)) / self.alpha;
        let level = self.level + self.half_slope * (step as f64 - 1.0 + lag);
        self.indices
            .as_ref()
            .map_or(level, |indices| indices.apply(self.n + step - 1, level))
    }

    fn standard_error(&self, step: usize) -> f64 {
        let factor = self
            .indices
            .as_ref()
            .map_or(1.0, |indices| indices.factor(self.n + step - 1));
        factor * self.sigma * (1.0 + (step as f64 - 1.0) * self.alpha * self.alpha).sqrt()
    }
}

/// The slope per step of the least-squares line.
fn slope(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let centre = (n - 1.0) / 2.0;
    let mean = values.iter().sum::<f64>() / n;
    let (mut covariance, mut variance) = (0.0, 0.0);
    for (t, value) in values.iter().enumerate() {
        let x = t as f64 - centre;
        covariance += x * (value - mean);
        variance += x * x;
    }
    if variance > 0.0 {
        covariance / variance
    } else {
        0.0
    }
}
