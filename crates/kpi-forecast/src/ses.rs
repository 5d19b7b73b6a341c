//! Simple exponential smoothing.

/// A level smoothed over a history: `level = alpha * y + (1 - alpha) * level`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Smoothed {
    /// Weight of the newest value, in (0, 1].
    pub alpha: f64,
    /// Level after the last value, in the unit of the values.
    pub level: f64,
    /// Sum of squared one-step errors.
    pub squares: f64,
}

/// Values that the first level is the mean of: enough to be calm, few enough not to look far ahead.
const START: usize = 10;

/// Smooths `history` with the weight that gives the least sum of squared one-step errors, found by a coarse grid and
/// a golden section within it. The level starts at the mean of the first values (ten at most, and at most half).
/// `None` for an empty history.
///
/// ```
/// let smoothed = kpi_forecast::ses::fit(&[5.0, 5.0, 5.0, 5.0]).unwrap();
/// assert_eq!((smoothed.level, smoothed.squares), (5.0, 0.0));
/// ```
pub fn fit(history: &[f64]) -> Option<Smoothed> {
    const GRID: usize = 10;
    let squares = |alpha: f64| smooth(history, alpha).map_or(f64::INFINITY, |smoothed| smoothed.squares);
    smooth(history, 1.0)?;
    let at = |i: usize| (i as f64 / GRID as f64).clamp(LEAST, 1.0);
    let best = (0..=GRID).min_by(|a, b| squares(at(*a)).total_cmp(&squares(at(*b))))?;
    let alpha = golden_section(at(best.saturating_sub(1)), at((best + 1).min(GRID)), squares);
    smooth(history, alpha)
}

const LEAST: f64 = 1e-4;

/// One pass with a given weight; `None` for an empty history.
pub fn smooth(history: &[f64], alpha: f64) -> Option<Smoothed> {
    if history.is_empty() {
        return None;
    }
    let start = START.min(history.len().div_ceil(2));
    let mut level = history[..start].iter().sum::<f64>() / start as f64;
    let mut squares = 0.0;
    for value in history {
        let error = value - level;
        squares += error * error;
        level += alpha * error;
    }
    Some(Smoothed {
        alpha,
        level,
        squares,
    })
}

fn golden_section(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut left, mut right) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut at_left, mut at_right) = (f(left), f(right));
    while high - low > 1e-4 {
        if at_left <= at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - ratio * (high - low);
            at_left = f(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + ratio * (high - low);
            at_right = f(right);
        }
    }
    (low + high) / 2.0
}
