//! The test of Mann and Kendall.

use crate::normal::two_sided_p;

/// The Mann-Kendall test: do later values tend to be larger, or smaller (H. B. Mann, "Nonparametric tests against
/// trend", 1945; M. G. Kendall, "Rank Correlation Methods", 4th edition, 1970).
///
/// The variance is Kendall's for ties in both the values and the times:
/// `[n(n-1)(2n+5) - Σt(t-1)(2t+5) - Σu(u-1)(2u+5)] / 18 + Σt(t-1)(t-2) · Σu(u-1)(u-2) / (9n(n-1)(n-2)) +
/// Σt(t-1) · Σu(u-1) / (2n(n-1))`, with the sizes t and u of the groups of equal values and equal times. The
/// normal approximation is good from about ten values. Values that depend on those before them make the test say "trend"
/// too often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannKendall {
    /// How many pairs rise with time minus how many fall.
    pub s: f64,
    /// The variance of `s` where there is no trend.
    pub variance: f64,
    /// `s`, moved by one towards zero, in units of its standard deviation.
    pub z: f64,
    /// How likely a `z` at least as far from zero is where there is no trend.
    pub p_value: f64,
    /// Kendall's τ-b: from -1, where all pairs fall, to 1, where all rise.
    pub tau: f64,
}

impl MannKendall {
    /// The test of points (time, value, how many of them) in order of time.
    pub(super) fn of(sample: &[(i64, f64, f64)]) -> Option<Self> {
        let n: f64 = sample.iter().map(|point| point.2).sum();
        let times = group_sizes(sample, |a, b| a.0 == b.0);
        let mut by_value = sample.to_vec();
        by_value.sort_unstable_by(|a, b| a.1.total_cmp(&b.1));
        let values = group_sizes(&by_value, |a, b| a.1 == b.1);
        if n < 2.0 || times.len() < 2 || values.len() < 2 {
            return None;
        }
        let s = concordance(sample);
        let sum = |sizes: &[f64], term: fn(f64) -> f64| sizes.iter().map(|&t| term(t)).sum::<f64>();
        let pairs = |t: f64| t * (t - 1.0);
        let spread = |t: f64| t * (t - 1.0) * (2.0 * t + 5.0);
        let triples = |t: f64| t * (t - 1.0) * (t - 2.0);
        let mut variance = (spread(n) - sum(&values, spread) - sum(&times, spread)) / 18.0;
        if n > 2.0 {
            variance += sum(&values, triples) * sum(&times, triples) / (9.0 * triples(n));
        }
        variance += sum(&values, pairs) * sum(&times, pairs) / (2.0 * pairs(n));
        // With continuity correction: `s` moves in steps of two where there are no ties.
        let z = if s == 0.0 {
            0.0
        } else {
            (s - s.signum()) / variance.sqrt()
        };
        let untied = |sizes: &[f64]| (pairs(n) - sum(sizes, pairs)) / 2.0;
        let tau = s / (untied(&values) * untied(&times)).sqrt();
        Some(Self {
            s,
            variance,
            z,
            p_value: two_sided_p(z),
            tau: tau.clamp(-1.0, 1.0),
        })
    }
}

fn concordance(sample: &[(i64, f64, f64)]) -> f64 {
    let mut s = 0.0;
    for (i, (time, x, count)) in sample.iter().enumerate() {
        for (later, y, times) in sample.iter().skip(i + 1) {
            if later > time && x != y {
                s += count * times * if y > x { 1.0 } else { -1.0 };
            }
        }
    }
    s
}

/// How many points each run of equal ones has.
fn group_sizes(
    points: &[(i64, f64, f64)],
    equal: impl Fn(&(i64, f64, f64), &(i64, f64, f64)) -> bool,
) -> Vec<f64> {
    points
        .chunk_by(|a, b| equal(a, b))
        .map(|run| run.iter().map(|point| point.2).sum())
        .collect()
}
