//! How often to take differences.

use crate::decomposition::{Kind, moving_average, seasonal_indices_of};

/// 5% of the distribution of the statistic of [`kpss`] lies above (Kwiatkowski, Phillips, Schmidt & Shin 1992, table 1).
pub const KPSS_5_PERCENT: f64 = 0.463;
/// A season this strong is taken differences of.
const STRONG: f64 = 0.64;

/// The statistic of Kwiatkowski, Phillips, Schmidt & Shin (1992, *Journal of Econometrics* 54:159-178) for a stationary
/// level, with `3 sqrt(n) / 13` lags as in R's `forecast::ndiffs`. 0 for a constant.
///
/// ```
/// use kpi_forecast::arima::unit_root::{KPSS_5_PERCENT, kpss};
/// let line: Vec<f64> = (0..50).map(f64::from).collect();
/// assert!(kpss(&line) > KPSS_5_PERCENT);
/// ```
pub fn kpss(values: &[f64]) -> f64 {
    kpss_with(values, (3.0 * (values.len() as f64).sqrt() / 13.0) as usize)
}

/// [`kpss`] with a number of lags.
pub(crate) fn kpss_with(values: &[f64], lags: usize) -> f64 {
    let n = values.len();
    if n == 0 {
        return 0.0;
    }
    let lags = lags.min(n - 1);
    let mean = values.iter().sum::<f64>() / n as f64;
    let left: Vec<f64> = values.iter().map(|y| y - mean).collect();
    let (mut whole, mut squares) = (0.0, 0.0);
    for e in &left {
        whole += e;
        squares += whole * whole;
    }
    let at = |lag: usize| -> f64 { left.iter().zip(&left[lag..]).map(|(a, b)| a * b).sum() };
    let variance = at(0)
        + 2.0
            * (1..=lags)
                .map(|lag| (1.0 - lag as f64 / (lags + 1) as f64) * at(lag))
                .sum::<f64>();
    if variance > 0.0 {
        squares / (n as f64 * variance)
    } else {
        0.0
    }
}

/// Share of the variance without the trend that the season explains, 0 to 1 (Wang, Smith & Hyndman 2006, *Data Mining and
/// Knowledge Discovery* 13:335-364), by classical decomposition.
///
/// ```
/// use kpi_forecast::arima::unit_root::seasonal_strength;
/// let weekly: Vec<f64> = (0..70).map(|t| [5.0, 6.0, 6.0, 6.0, 7.0, 1.0, 0.0][t % 7]).collect();
/// assert!(seasonal_strength(&weekly, 7) > 0.99);
/// ```
pub fn seasonal_strength(values: &[f64], season: usize) -> f64 {
    let Some(indices) = seasonal_indices_of(values, season, Kind::Additive) else {
        return 0.0;
    };
    let trend = moving_average(values, season);
    let inner = values
        .iter()
        .zip(&trend)
        .enumerate()
        .filter(|(_, (_, level))| level.is_finite());
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for (t, (y, level)) in inner {
        with.push(y - level);
        without.push(indices.remove(t, y - level));
    }
    let (whole, left) = (variance(&with), variance(&without));
    if whole > 0.0 {
        (1.0 - left / whole).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

fn variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / n
}

/// Seasonal and plain differences that make the values stationary: one seasonal when the season is strong, plain ones (at
/// most two) until the KPSS test at 5% is content.
pub fn differences(values: &[f64], season: usize) -> (usize, usize) {
    let seasonal = season > 1 && values.len() > 2 * season + 5 && seasonal_strength(values, season) > STRONG;
    let mut left = if seasonal {
        difference(values, season)
    } else {
        values.to_vec()
    };
    let mut plain = 0;
    while plain < 2 && left.len() > 5 && !is_constant(&left) && kpss(&left) > KPSS_5_PERCENT {
        let next = difference(&left, 1);
        if is_constant(&next) && plain > 0 {
            break;
        }
        left = next;
        plain += 1;
    }
    (usize::from(seasonal), plain)
}

/// Each value less that of `lag` steps before.
pub fn difference(values: &[f64], lag: usize) -> Vec<f64> {
    values
        .iter()
        .zip(values.iter().skip(lag))
        .map(|(before, now)| now - before)
        .collect()
}

/// Whether all values are the same, to the digits that a double keeps.
pub fn is_constant(values: &[f64]) -> bool {
    let (low, high) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), y| {
            (l.min(*y), h.max(*y))
        });
    values.is_empty() || high - low <= 1e-12 * high.abs().max(low.abs())
}
