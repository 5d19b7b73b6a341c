//! Filling gaps so that a model can be fitted.

use crate::decomposition::seasonal_indices;

/// Fills the gaps (values that are not finite) of `values`: on a straight line between the neighbours, at the ends with the
/// nearest value; with a season that fits twice, on the seasonally adjusted values, so that a gap over a peak is filled
/// with a peak. Without any finite value the result is empty.
///
/// ```
/// use kpi_forecast::gaps::fill;
/// assert_eq!(fill(&[1.0, f64::NAN, 3.0], 1), [1.0, 2.0, 3.0]);
/// let nan = f64::NAN;
/// assert_eq!(fill(&[0.0, 9.0, 0.0, 9.0, 0.0, nan, 0.0, 9.0], 2)[5].round(), 8.0);
/// assert!(fill(&[nan], 1).is_empty());
/// ```
pub fn fill(values: &[f64], season: usize) -> Vec<f64> {
    let gaps: Vec<usize> = (0..values.len()).filter(|t| !values[*t].is_finite()).collect();
    let mut filled = line(values);
    if gaps.is_empty() || filled.is_empty() {
        return filled;
    }
    // The first indices still see the straight lines; the second see seasonal fillings.
    for _ in 0..2 {
        let Some(indices) = seasonal_indices(&filled, season) else {
            break;
        };
        let adjusted: Vec<f64> = values
            .iter()
            .enumerate()
            .map(|(t, v)| indices.remove(t, *v))
            .collect();
        let adjusted = line(&adjusted);
        if adjusted.is_empty() {
            break;
        }
        for t in &gaps {
            filled[*t] = indices.apply(*t, adjusted[*t]);
        }
    }
    filled
}

fn line(values: &[f64]) -> Vec<f64> {
    let mut filled = values.to_vec();
    let mut previous: Option<usize> = None;
    for t in 0..values.len() {
        if !values[t].is_finite() {
            continue;
        }
        match previous {
            None => filled[..t].fill(values[t]),
            Some(p) => {
                for (i, slot) in filled[p..t].iter_mut().enumerate().skip(1) {
                    let share = i as f64 / (t - p) as f64;
                    *slot = values[p] * (1.0 - share) + values[t] * share;
                }
            }
        }
        previous = Some(t);
    }
    match previous {
        None => filled.clear(),
        Some(p) => filled[p + 1..].fill(values[p]),
    }
    filled
}
