//! Windows that move beside states made anew.

use super::*;
use crate::Method::Sample;
use proptest::prelude::*;

fn close(a: Option<f64>, b: Option<f64>, scale: f64) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => {
            a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-12 * scale.max(b.abs())
        }
        (a, b) => a == b,
    }
}

/// Slides a window as PostgreSQL does, and compares each state; returns how often it had to be made anew.
fn slide(pairs: &[(f64, f64)], width: usize) -> usize {
    let (mut one, mut two, mut anew) = (MovingStats1d::default(), MovingStats2d::default(), 0);
    for end in 1..=pairs.len() {
        let start = end.saturating_sub(width);
        let window = &pairs[start..end];
        if start > 0 {
            let (y, x) = pairs[start - 1];
            let left = &window[..window.len() - 1];
            if !one.remove(x) {
                one = MovingStats1d::default();
                left.iter().for_each(|&(_, x)| one.add(x));
                anew += 1;
            }
            if !two.remove(y, x) {
                two = MovingStats2d::default();
                left.iter().for_each(|&(y, x)| two.add(y, x));
            }
        }
        let (y, x) = pairs[end - 1];
        one.add(x);
        two.add(y, x);
        let (mut plain, mut plain_2d) = (Stats1d::default(), Stats2d::default());
        window
            .iter()
            .for_each(|&(y, x)| (plain.add(x), plain_2d.add(y, x), ()).2);
        let (one, two) = (one.stats(), two.stats());
        assert_eq!(
            (one.num_vals(), two.num_vals()),
            (plain.num_vals(), plain_2d.num_vals())
        );
        assert!(
            close(one.sum().unwrap(), plain.sum().unwrap(), 0.0),
            "{one:?} {plain:?}"
        );
        assert!(
            close(
                one.variance(Sample).unwrap(),
                plain.variance(Sample).unwrap(),
                0.0
            ),
            "{one:?} {plain:?}"
        );
        assert!(
            close(
                one.skewness(Sample).unwrap(),
                plain.skewness(Sample).unwrap(),
                1.0
            ),
            "{one:?} {plain:?}"
        );
        assert!(
            close(
                one.kurtosis(Sample).unwrap(),
                plain.kurtosis(Sample).unwrap(),
                1.0
            ),
            "{one:?} {plain:?}"
        );
        let spread = plain_2d.x().stddev(Sample).unwrap().unwrap_or(0.0)
            * plain_2d.y().stddev(Sample).unwrap().unwrap_or(0.0);
        assert!(
            close(
                two.covariance(Sample).unwrap(),
                plain_2d.covariance(Sample).unwrap(),
                spread
            ),
            "{two:?} {plain_2d:?}"
        );
        assert!(
            close(two.corr().unwrap(), plain_2d.corr().unwrap(), 1.0),
            "{two:?} {plain_2d:?}"
        );
    }
    anew
}

fn noise(count: u64, scale: f64, offset: f64) -> Vec<(f64, f64)> {
    let unit = |seed: u64| (crate::HyperLogLog::mix(seed) >> 11) as f64 / (1u64 << 53) as f64;
    (0..count)
        .map(|i| (unit(2 * i), offset + scale * unit(2 * i + 1)))
        .collect()
}

#[test]
fn windows_are_seldom_made_anew() {
    assert_eq!(slide(&noise(2_000, 0.0, 0.1), 50), 0);
    for width in [10, 50, 500] {
        for (scale, offset) in [(1.0, 0.0), (1.0, 1.7e9), (1e-3, 1e12)] {
            let anew = slide(&noise(5_000, scale, offset), width);
            assert!(anew * width <= 2 * 5_000, "{scale} {offset} {width}: {anew}");
        }
    }
}

#[test]
fn what_is_large_leaves_nothing_behind() {
    let mut pairs = noise(2_000, 1.0, 0.0);
    for (i, x) in [
        (100, 1e15),
        (300, -1e300),
        (500, f64::NAN),
        (700, f64::INFINITY),
        (900, 1e150),
        (901, f64::NEG_INFINITY),
    ] {
        pairs[i].1 = x;
    }
    pairs[1200].0 = f64::NAN;
    pairs[1400..1500].fill((0.1, 0.1));
    pairs[300].1 = -1e60;
    pairs[900].1 = 1e70;
    slide(&pairs, 30);
    slide(&noise(300, 1.0, 1e15), 7);
}

proptest! {
    /// Removing what was added gives the state of before, or says that it cannot.
    #[test]
    fn remove_undoes_add(values in prop::collection::vec((-9.0..9.0f64, -9i32..9), 2..40), width in 1..20usize) {
        let pairs: Vec<_> = values.iter().map(|&(x, power)| (x + 1.0, x * 10f64.powi(power))).collect();
        slide(&pairs, width);
    }
}
