//! What the course of the values itself says, and how demand comes that is mostly 0.

use crate::robustness::median;
use crate::seasonality::variance;

/// Steps of a tile where there is no season.
pub(super) const TILE: usize = 10;

/// Variance of the variances (`lumpiness`) and of the means (`stability`) of tiles of `width` values that do not overlap
/// (Hyndman, Wang & Laptev 2015, *IEEE ICDM Workshops* 1616-1619). `None` below two tiles.
pub(super) fn tiles(values: &[f64], width: usize) -> Option<(f64, f64)> {
    if width < 2 || values.len() < 2 * width {
        return None;
    }
    let tiles = values.chunks_exact(width);
    let variances: Vec<f64> = tiles.clone().map(variance).collect();
    let means: Vec<f64> = tiles
        .map(|tile| tile.iter().sum::<f64>() / width as f64)
        .collect();
    Some((variance(&variances), variance(&means)))
}

/// How often the values cross their median.
pub(super) fn crossing_points(values: &[f64]) -> usize {
    let middle = median(values);
    values
        .windows(2)
        .filter(|pair| (pair[0] <= middle) != (pair[1] <= middle))
        .count()
}

/// The longest run of values within the same tenth of their range. A value at the edge of two tenths is in the lower one.
pub(super) fn flat_spots(values: &[f64]) -> usize {
    const PARTS: f64 = 10.0;
    let (low, high) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), y| {
            (l.min(*y), h.max(*y))
        });
    let part = |y: f64| {
        if high > low {
            ((y - low) / (high - low) * PARTS).ceil().max(1.0)
        } else {
            1.0
        }
    };
    let (mut longest, mut run, mut before) = (0, 0, f64::NAN);
    for here in values.iter().map(|y| part(*y)) {
        run = if here == before { run + 1 } else { 1 };
        longest = longest.max(run);
        before = here;
    }
    longest
}

/// The mean distance of values that are not 0, in steps, and the squared coefficient of variation of their sizes (Syntetos,
/// Boylan & Croston 2005, *Journal of the Operational Research Society* 56:495-503). `None` where there is no such value, for
/// the second below two.
pub(super) fn intermittency(observed: &[f64]) -> (Option<f64>, Option<f64>) {
    let demand: Vec<f64> = observed.iter().copied().filter(|y| *y != 0.0).collect();
    if demand.is_empty() {
        return (None, None);
    }
    let count = demand.len() as f64;
    let mean = demand.iter().sum::<f64>() / count;
    let varies = demand.len() > 1 && mean != 0.0;
    (
        Some(observed.len() as f64 / count),
        varies.then(|| variance(&demand) / (mean * mean)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_of_few_values() {
        assert_eq!(tiles(&[1.0, 1.0, 3.0, 5.0], 2), Some((2.0, 4.5))); // variances 0, 2; means 1, 4
        assert_eq!(tiles(&[1.0; 3], 2), None);
        assert_eq!(crossing_points(&[0.0, 2.0, 0.0, 2.0]), 3);
        assert_eq!(crossing_points(&[5.0; 9]), 0);
        assert_eq!(flat_spots(&[1.0, 1.0, 1.0, 9.0, 1.0]), 3);
        assert_eq!(flat_spots(&[5.0; 9]), 9);
        assert_eq!(flat_spots(&[]), 0);
    }

    #[test]
    fn demand_that_is_mostly_0() {
        assert_eq!(
            intermittency(&[0.0, 4.0, 0.0, 0.0, 4.0, 0.0]),
            (Some(3.0), Some(0.0))
        );
        assert_eq!(intermittency(&[0.0, 0.0]), (None, None));
        assert_eq!(intermittency(&[0.0, 2.0]), (Some(2.0), None));
    }
}
