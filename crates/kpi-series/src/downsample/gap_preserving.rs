//! Largest triangle, three buckets, for each stretch between gaps.

use super::resolution;
use crate::{Error, Series};

impl Series {
    /// [`Series::lttb`] that keeps the ends of gaps: wherever there is no value for longer than `gap` microseconds, the values
    /// are divided, and each stretch is downsampled on its own. Without `gap` a gap is what is longer than the whole time
    /// divided by `n`: what a chart of that width shows.
    ///
    /// Of the `n` values each stretch gets its two ends (a stretch of one value that value), and a share of what is left in
    /// proportion to its values. Where there are more than n / 2 gaps, there are more than `n` values: the ends are never left
    /// out. Gaps, NaN and infinities in the series are treated as [`Series::lttb`] does.
    ///
    /// # Errors
    /// [`Error::NumberOutOfRange`] when `n` is less than 2, and [`Error::GapNegative`].
    ///
    /// ```
    /// use kpi_series::Series;
    /// let points = (0..40).chain(1000..1040).map(|t| (t, Some((t % 7) as f64))).collect();
    /// let kept = Series::from_points(points)?.gp_lttb(10, None)?;
    /// assert_eq!(kept.len(), 10);
    /// assert!(kept.times().contains(&39) && kept.times().contains(&1000));
    /// # Ok::<(), kpi_series::Error>(())
    /// ```
    pub fn gp_lttb(&self, n: i64, gap: Option<i64>) -> Result<Self, Error> {
        let n = resolution(n, i64::from(i32::MAX))?;
        let observed = self.observed_indexes();
        let time = |index: &usize| self.times.get(*index).copied().unwrap_or_default();
        let span = match (observed.first(), observed.last()) {
            (Some(first), Some(last)) => time(last).abs_diff(time(first)),
            _ => 0,
        };
        let gap = match gap {
            None => span.div_ceil(n as u64),
            Some(micros) => u64::try_from(micros).map_err(|_| Error::GapNegative { micros })?,
        };
        if observed.is_empty() {
            return Ok(self.clone());
        }
        let stretches: Vec<&[usize]> = observed
            .chunk_by(|a, b| time(b).abs_diff(time(a)) <= gap)
            .collect();
        let shares = shares(&stretches, n);
        let kept = stretches.iter().zip(shares);
        let kept: Vec<usize> = kept
            .flat_map(|(stretch, share)| self.largest_triangles(stretch, share))
            .collect();
        if kept.len() == observed.len() {
            return Ok(self.clone());
        }
        self.of_indexes(&kept)
    }
}

/// How many values each stretch gets: its ends, and what is left in proportion to its inner values. Rounded so that the
/// shares of the first stretches together are off by less than one.
fn shares(stretches: &[&[usize]], n: usize) -> Vec<usize> {
    let ends: usize = stretches.iter().map(|stretch| stretch.len().min(2)).sum();
    let inner = |stretch: &[usize]| stretch.len().saturating_sub(2) as u128;
    let all: u128 = stretches.iter().map(|stretch| inner(stretch)).sum();
    let left = (n.saturating_sub(ends) as u128).min(all);
    let mut before = 0;
    stretches
        .iter()
        .map(|stretch| {
            let through = before + inner(stretch);
            let share = left * through / all.max(1) - left * before / all.max(1);
            before = through;
            2 + share as usize
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn series(points: impl IntoIterator<Item = (i64, f64)>) -> Series {
        Series::from_points(points.into_iter().map(|(time, x)| (time, Some(x))).collect()).unwrap()
    }

    #[test]
    fn a_single_value_is_a_stretch() {
        let points = series([(0, 1.0), (1, 2.0), (500, 9.0), (1000, 3.0), (1001, 4.0)]);
        assert_eq!(points.gp_lttb(5, Some(10)).unwrap(), points);
        assert_eq!(points.gp_lttb(2, Some(10)).unwrap(), points);
        assert_eq!(points.gp_lttb(2, Some(1000)).unwrap().times(), [0, 1001]);
        assert_eq!(Series::default().gp_lttb(5, None).unwrap(), Series::default());
        assert!(points.gp_lttb(1, None).is_err());
        assert_eq!(
            points.gp_lttb(5, Some(-1)),
            Err(Error::GapNegative { micros: -1 })
        );
    }

    #[test]
    fn without_gaps_it_is_lttb() {
        let points = series((0..1000).map(|t| (t, (t * 7919 % 101) as f64)));
        assert_eq!(points.gp_lttb(40, Some(1)).unwrap(), points.lttb(40).unwrap());
    }

    proptest! {
        /// At most n values where the ends leave room, and both ends of every gap.
        #[test]
        fn the_ends_of_gaps_stay(steps in prop::collection::vec((1..30i64, -9.0..9.0f64), 1..200), n in 2..60i64) {
            let mut time = 0;
            let points = series(steps.iter().map(|&(step, x)| { time += step; (time, x) }));
            let kept = points.gp_lttb(n, Some(20)).unwrap();
            let far: Vec<_> = points.times().windows(2).filter(|pair| pair[1] - pair[0] > 20).collect();
            prop_assert!(far.iter().all(|pair| pair.iter().all(|end| kept.times().contains(end))));
            prop_assert!(kept.len() <= (n as usize).max(2 * (far.len() + 1)));
            prop_assert!(kept.points().all(|point| points.points().any(|other| other == point)));
        }
    }
}
