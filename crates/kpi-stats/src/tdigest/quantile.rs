//! What is read from a digest: percentiles, ranks and extremes.

use super::TDigest;
use super::centroids::Centroid;
use crate::Error;

impl TDigest {
    /// The value below which the fraction `p` of the values lies, as `percentile_cont` has it; between centroids it is
    /// interpolated. `None` without values. The smallest and the largest value are exact.
    ///
    /// # Errors
    /// [`Error::Percentile`] where `p` is not between 0 and 1.
    ///
    /// ```
    /// use kpi_stats::TDigest;
    /// let mut digest = TDigest::new(100).unwrap();
    /// [1.0, 2.0, 3.0, 4.0].iter().for_each(|&x| digest.add(x));
    /// assert_eq!(digest.approx_percentile(0.5).unwrap(), Some(2.5));
    /// ```
    pub fn approx_percentile(&self, p: f64) -> Result<Option<f64>, Error> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::Percentile(p));
        }
        let Some(last) = self.num_vals().checked_sub(1) else {
            return Ok(None);
        };
        let position = p * last as f64;
        let (first, finite) = (self.negative_infinities as f64, self.finite as f64);
        let centroids = self.compressed();
        let at = |rank: f64| match rank - first {
            rank if rank < 0.0 => f64::NEG_INFINITY,
            rank if rank <= finite - 1.0 => self.value_at(&centroids, rank),
            rank if rank < finite + self.positive_infinities as f64 => f64::INFINITY,
            _ => f64::NAN,
        };
        // Between the last number and an infinity there is nothing to interpolate but the infinity.
        let inside = position >= first && position <= first + finite - 1.0;
        if inside || position.fract() == 0.0 {
            return Ok(Some(at(position)));
        }
        let (low, high) = (at(position.floor()), at(position.ceil()));
        Ok(Some(if low == high {
            low
        } else {
            low * (1.0 - position.fract()) + high * position.fract()
        }))
    }

    /// The fraction of the values that are at most `value`, in PostgreSQL's order (NaN is the largest); `None` without
    /// values.
    ///
    /// ```
    /// use kpi_stats::TDigest;
    /// let mut digest = TDigest::new(100).unwrap();
    /// (1..=1000).for_each(|x| digest.add(f64::from(x)));
    /// assert!((digest.approx_percentile_rank(250.0).unwrap() - 0.25).abs() < 0.001);
    /// ```
    pub fn approx_percentile_rank(&self, value: f64) -> Option<f64> {
        let total = self.num_vals();
        if total == 0 {
            return None;
        }
        if value.is_nan() {
            return Some(1.0);
        }
        let infinite = if value == f64::INFINITY {
            self.positive_infinities
        } else {
            0
        };
        let finite = if value >= self.max {
            self.finite as f64
        } else if value < self.min {
            0.0
        } else {
            self.finite_at_most(&self.compressed(), value)
        };
        let at_most = self.negative_infinities as f64 + finite + infinite as f64;
        Some((at_most / total as f64).min(1.0))
    }

    /// The smallest value, exactly; `None` without values.
    pub fn min_val(&self) -> Option<f64> {
        match (
            self.negative_infinities,
            self.finite,
            self.positive_infinities,
            self.nans,
        ) {
            (1.., ..) => Some(f64::NEG_INFINITY),
            (_, 1.., ..) => Some(self.min),
            (_, _, 1.., _) => Some(f64::INFINITY),
            (_, _, _, 1..) => Some(f64::NAN),
            _ => None,
        }
    }

    /// The largest value, exactly; NaN where there is one; `None` without values.
    pub fn max_val(&self) -> Option<f64> {
        match (
            self.nans,
            self.positive_infinities,
            self.finite,
            self.negative_infinities,
        ) {
            (1.., ..) => Some(f64::NAN),
            (_, 1.., ..) => Some(f64::INFINITY),
            (_, _, 1.., _) => Some(self.max),
            (_, _, _, 1..) => Some(f64::NEG_INFINITY),
            _ => None,
        }
    }

    /// The finite value of a rank from 0, where the values of a centroid lie around its mean, half on each side.
    fn value_at(&self, centroids: &[Centroid], rank: f64) -> f64 {
        let target = rank + 0.5;
        // The point before: first the smallest value, then the middle of each centroid.
        let (mut from, mut low) = (0.5, self.min);
        let mut before = 0.0;
        for centroid in centroids {
            let middle = before + centroid.weight as f64 / 2.0;
            if target <= middle {
                return interpolate(target, (from, low), (middle, centroid.mean));
            }
            (from, low) = (middle, centroid.mean);
            before += centroid.weight as f64;
        }
        interpolate(target, (from, low), (self.finite as f64 - 0.5, self.max))
    }

    /// How many finite values are at most `value`, which is between the extremes.
    fn finite_at_most(&self, centroids: &[Centroid], value: f64) -> f64 {
        // How many values lie on each side of the mean: a single one is at it.
        let half = |weight: u64| if weight == 1 { 0.0 } else { weight as f64 / 2.0 };
        let (mut count, mut low, mut right) = (1.0, self.min, 0.0);
        if centroids.first().is_some_and(|first| first.weight == 1) {
            count = 0.0;
        }
        let mut before = 0.0;
        for centroid in centroids {
            let left = half(centroid.weight);
            if value < centroid.mean {
                let reached = before + left;
                let between = (reached - count).max(0.0);
                return count + between * share(value, low, centroid.mean);
            }
            right = half(centroid.weight);
            before += centroid.weight as f64;
            (count, low) = (before - right, centroid.mean);
        }
        // The largest value itself is above.
        count + (right - 1.0).max(0.0) * share(value, low, self.max)
    }
}

/// The value at `target` on the line between two points of rank and value.
fn interpolate(target: f64, (from, low): (f64, f64), (to, high): (f64, f64)) -> f64 {
    if to <= from || low == high {
        return high;
    }
    let share = ((target - from) / (to - from)).clamp(0.0, 1.0);
    (low * (1.0 - share) + high * share).clamp(low, high)
}

/// How much of the way from `low` to `high` lies below `value`.
fn share(value: f64, low: f64, high: f64) -> f64 {
    let width = high / 2.0 - low / 2.0;
    if width > 0.0 {
        ((value / 2.0 - low / 2.0) / width).clamp(0.0, 1.0)
    } else {
        1.0
    }
}
