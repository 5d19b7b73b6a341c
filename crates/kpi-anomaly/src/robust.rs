//! Location and scale that outliers do not move.

/// Times the median absolute deviation of a normal distribution gives its standard deviation.
pub const MAD_TO_SIGMA: f64 = 1.4826;
/// Times the mean absolute deviation of a normal distribution gives its standard deviation.
const MEAN_TO_SIGMA: f64 = 1.2533;

/// The value below which the share `q` of `values` lies, without interpolation (the lower of two); `None` when
/// there are none. Reorders its argument.
///
/// ```
/// use kpi_anomaly::robust::quantile;
/// assert_eq!(quantile(&mut [3.0, 1.0, 2.0], 0.5), Some(2.0));
/// assert_eq!(quantile(&mut [], 0.5), None);
/// ```
pub fn quantile(values: &mut [f64], q: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let rank = ((last as f64 * q).floor() as usize).min(last);
    Some(*values.select_nth_unstable_by(rank, f64::total_cmp).1)
}

/// The median, the mean of the two middle values for an even number; `None` when there are none. Reorders its argument.
///
/// ```
/// assert_eq!(kpi_anomaly::robust::median(&mut [4.0, 1.0, 2.0, 9.0]), Some(3.0));
/// ```
pub fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    let is_odd = !values.len().is_multiple_of(2);
    if values.is_empty() {
        return None;
    }
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    if is_odd {
        return Some(upper);
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some(lower + (upper - lower) / 2.0)
}

/// Robust standard deviation of residuals around 0: 1.4826 times the median of their sizes; where more than half of
/// them are 0, 1.2533 times the mean of their sizes (Iglewicz & Hoaglin 1993, *How to Detect and Handle Outliers*). 0 when
/// all are 0 or there are none. Reorders its argument.
///
/// ```
/// use kpi_anomaly::robust::scale;
/// assert_eq!(scale(&mut [1.0, -1.0, 1.0, 500.0, -1.0]), 1.4826);
/// assert_eq!(scale(&mut [0.0, 0.0, 0.0, 4.0]), 1.2533);
/// ```
pub fn scale(residuals: &mut [f64]) -> f64 {
    for residual in residuals.iter_mut() {
        *residual = residual.abs();
    }
    match median(residuals) {
        None => 0.0,
        Some(size) if size > 0.0 => MAD_TO_SIGMA * size,
        Some(_) => MEAN_TO_SIGMA * residuals.iter().sum::<f64>() / residuals.len() as f64,
    }
}
