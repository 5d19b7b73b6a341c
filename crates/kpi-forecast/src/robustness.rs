//! Weights by which outliers lose their influence on a fit.

/// A remainder this many times the median one gets no weight.
const CUT: f64 = 6.0;
/// Remainders this small beside the values are rounding.
const ROUNDING: f64 = 1e-12;

/// Bisquare weights of the remainders that the `parts` leave (Cleveland et al. 1990, section 2.4): `(1 - (r/h)^2)^2` with `h`
/// six times the median of `|r|`, 0 beyond. Where more than half of the remainders are rounding, all are 1: a fit that good
/// needs no weights.
pub(crate) fn bisquare(values: &[f64], parts: &[&[f64]]) -> Vec<f64> {
    let remainders: Vec<f64> = values
        .iter()
        .enumerate()
        .map(|(t, y)| (y - parts.iter().map(|part| part[t]).sum::<f64>()).abs())
        .collect();
    let reach = CUT * median(&remainders);
    let largest = values.iter().fold(0.0_f64, |m, y| m.max(y.abs()));
    if reach <= ROUNDING * largest {
        return vec![1.0; values.len()];
    }
    remainders
        .iter()
        .map(|r| (1.0 - (r / reach).min(1.0).powi(2)).powi(2))
        .collect()
}

/// The middle value, or the mean of the two in the middle; 0 without values.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    let middle = sorted.len() / 2;
    if sorted.is_empty() {
        return 0.0;
    }
    let (below, upper, _) = sorted.select_nth_unstable_by(middle, f64::total_cmp);
    if values.len() % 2 == 1 {
        return *upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (lower + *upper) / 2.0
}

/// Whether a part changed by no more than the share `tolerance` of its range.
pub(crate) fn has_settled(before: &[f64], after: &[f64], tolerance: f64) -> bool {
    let (low, high) = before
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), y| {
            (l.min(*y), h.max(*y))
        });
    let change = before
        .iter()
        .zip(after)
        .fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()));
    change <= tolerance * (high - low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_fall_to_nothing_at_six_medians() {
        let values = [1.0, -1.0, 1.0, -1.0, 3.0, 6.0, 60.0];
        let weights = bisquare(&values, &[&[0.0; 7]]);
        assert_eq!((weights[4], weights[5], weights[6]), (0.5625, 0.0, 0.0)); // (1 - 1/4)^2
        assert!((weights[0] - (1.0 - 1.0 / 36.0_f64).powi(2)).abs() < 1e-12);
    }

    #[test]
    fn medians_of_few() {
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[3.0, 1.0]), 2.0);
        assert_eq!(median(&[3.0, 1.0, 7.0]), 3.0);
    }

    #[test]
    fn a_perfect_fit_trusts_all() {
        assert_eq!(bisquare(&[1.0, 2.0, 3.0], &[&[1.0, 2.0, 3.0]]), [1.0; 3]);
    }
}
