//! The theta models.

pub(crate) mod recursion;

pub use recursion::Line;

use crate::decomposition::{Indices, Kind, seasonal_indices_of};
use crate::mean::Flat;
use crate::model::{Step, require, unless_canceled};
use crate::season::is_seasonal;
use crate::state::{Family, State};
use crate::{Error, Fit, Predict};
use recursion::Fitted;

/// Simple exponential smoothing and a line, on seasonally adjusted values: the method that won the M3 competition
/// (Assimakopoulos & Nikolopoulos 2000, *International Journal of Forecasting* 16:521-530) in the four forms of
/// Fiorucci, Pellegrini, Louzada, Petropoulos & Koehler (2016, same journal, 32:1151-1161).
///
/// For a given smoothing weight the first level and the weight of the line are a linear least-squares problem, so the
/// only search is along one dimension, over 0.1 to 0.99. A season is taken out when its autocorrelation is significant at
/// 90% ([`is_seasonal`]), by classical decomposition, multiplicative where all values are above 0, and put back on
/// afterwards. The standard error is `sigma sqrt(1 + sum c_j^2)` with `c_j = alpha` and, in the dynamic models, what one
/// value turns the line by.
///
/// ```
/// use kpi_forecast::{Fit, theta::Theta};
/// let history: Vec<f64> = (0..20).map(|t| 100.0 + 2.0 * t as f64).collect();
/// let fitted = Theta::standard(1).fit(&history, &mut || false).unwrap();
/// assert!((fitted.value(1) - 139.0).abs() < 0.1); // half the slope of the line beyond its last point
/// let fitted = Theta::dynamic_optimized(1).fit(&history, &mut || false).unwrap();
/// assert!((fitted.value(1) - 140.0).abs() < 0.1); // the whole of it
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Theta {
    /// Steps in a season, 1 for none.
    pub season: usize,
    /// Whether theta is estimated; it is 2 otherwise.
    pub optimized: bool,
    /// Whether the line is that of the values so far, rather than of all.
    pub dynamic: bool,
}

impl Theta {
    /// Theta 2, the line of all values.
    pub fn standard(season: usize) -> Self {
        Self {
            season,
            optimized: false,
            dynamic: false,
        }
    }

    /// Theta estimated, the line of all values.
    pub fn optimized(season: usize) -> Self {
        Self {
            season,
            optimized: true,
            dynamic: false,
        }
    }

    /// Theta 2, the line of the values so far.
    pub fn dynamic(season: usize) -> Self {
        Self {
            season,
            optimized: false,
            dynamic: true,
        }
    }

    /// Theta estimated, the line of the values so far.
    pub fn dynamic_optimized(season: usize) -> Self {
        Self {
            season,
            optimized: true,
            dynamic: true,
        }
    }
}

impl Fit for Theta {
    fn name(&self) -> &'static str {
        match (self.dynamic, self.optimized) {
            (false, false) => "theta",
            (false, true) => "optimized_theta",
            (true, false) => "dynamic_theta",
            (true, true) => "dynamic_optimized_theta",
        }
    }

    fn needed(&self) -> usize {
        3
    }

    fn fit(&self, history: &[f64], poll: &mut dyn FnMut() -> bool) -> Result<Box<dyn Predict>, Error> {
        require(self, history)?;
        if let Some(flat) = Flat::of_constant(history) {
            return Ok(flat);
        }
        let indices = indices_of(history, self.season);
        let adjusted: Vec<f64> = match &indices {
            Some(indices) => history
                .iter()
                .enumerate()
                .map(|(t, v)| indices.remove(t, *v))
                .collect(),
            None => history.to_vec(),
        };
        let weight = if self.optimized { None } else { Some(0.5) };
        let fitted = search(|alpha| {
            unless_canceled(poll)?;
            Ok(recursion::fit(&adjusted, self.dynamic, alpha, weight))
        })?;
        let counted = adjusted.len() as f64 - 3.0 - 2.0 - f64::from(u8::from(self.optimized));
        let sigma = (fitted.squares / counted.max(1.0)).sqrt();
        Ok(Box::new(Seasoned {
            indices,
            dynamic: self.dynamic,
            fitted,
            sigma,
        }))
    }
}

/// The significant season, not so small anywhere that a ratio runs away.
pub(crate) fn indices_of(history: &[f64], season: usize) -> Option<Indices> {
    const LEAST: f64 = 0.01;
    if season < 2 || !is_seasonal(history, season) {
        return None;
    }
    let positive = history.iter().all(|v| *v > 0.0);
    let multiplicative = || {
        seasonal_indices_of(history, season, Kind::Multiplicative)
            .filter(|i| i.index.iter().all(|v| *v >= LEAST))
    };
    let ratio = if positive { multiplicative() } else { None };
    ratio.or_else(|| seasonal_indices_of(history, season, Kind::Additive))
}

/// The fit with the least squares over the smoothing weights: a grid, then a golden section around its best.
fn search(mut fit: impl FnMut(f64) -> Result<Fitted, Error>) -> Result<Fitted, Error> {
    const GRID: usize = 12;
    const RATIO: f64 = 0.618_033_988_749_894_9;
    let at = |i: usize| 0.1 + 0.89 * i as f64 / GRID as f64;
    let (mut best, mut found) = (0, fit(at(0))?);
    for i in 1..=GRID {
        let here = fit(at(i))?;
        if here.squares.total_cmp(&found.squares).is_lt() {
            (best, found) = (i, here);
        }
    }
    let (mut low, mut high) = (at(best.saturating_sub(1)), at((best + 1).min(GRID)));
    let (mut left, mut right) = (
        fit(high - RATIO * (high - low))?,
        fit(low + RATIO * (high - low))?,
    );
    while high - low > 1e-4 {
        if left.squares <= right.squares {
            (high, right) = (right.alpha, left);
            left = fit(high - RATIO * (high - low))?;
        } else {
            (low, left) = (left.alpha, right);
            right = fit(low + RATIO * (high - low))?;
        }
    }
    for other in [left, right] {
        if other.squares < found.squares {
            found = other;
        }
    }
    Ok(found)
}

/// A theta model of what is left without the season, and the season.
#[derive(Debug, Clone)]
pub(crate) struct Seasoned {
    pub(crate) indices: Option<Indices>,
    pub(crate) dynamic: bool,
    pub(crate) fitted: Fitted,
    pub(crate) sigma: f64,
}

impl Predict for Seasoned {
    fn value(&self, step: usize) -> f64 {
        self.path(step).last().map_or(f64::NAN, |s| s.value)
    }

    fn standard_error(&self, step: usize) -> f64 {
        self.path(step).last().map_or(f64::NAN, |s| s.standard_error)
    }

    fn path(&self, horizon: usize) -> Vec<Step> {
        let Fitted {
            alpha,
            line_weight,
            line,
            ..
        } = self.fitted;
        let n = line.count;
        let turn = if self.dynamic {
            line_weight * 6.0 / (n * (n + 1.0))
        } else {
            0.0
        };
        let mut sum = 1.0;
        recursion::means(&self.fitted, self.dynamic, horizon)
            .into_iter()
            .enumerate()
            .map(|(h, mean)| {
                let position = n as usize + h;
                let factor = self.indices.as_ref().map_or(1.0, |i| i.factor(position));
                let step = Step {
                    value: self.indices.as_ref().map_or(mean, |i| i.apply(position, mean)),
                    standard_error: factor * self.sigma * f64::sqrt(sum),
                };
                sum += (alpha + turn * (h + 1) as f64).powi(2);
                step
            })
            .collect()
    }

    fn form(&self) -> String {
        let theta = 1.0 / (1.0 - self.fitted.line_weight).max(1e-9);
        format!("alpha {:.2}, theta {theta:.2}", self.fitted.alpha)
    }

    fn state(&self) -> Option<State> {
        Some(State(Family::Theta(self.clone())))
    }
}
