//! What is read from a sketch: percentiles, ranks, mean and extremes.

use std::cell::OnceCell;

use super::buckets::Index;
use super::{UddSketch, index_of};
use crate::Error;
use crate::moments::in_range;

/// The buckets of both signs by ascending index.
struct Ordered {
    negative: Vec<(Index, u64)>,
    positive: Vec<(Index, u64)>,
}

impl UddSketch {
    /// The value below which the fraction `p` of the values lies, interpolated as `percentile_cont` does; `None` without
    /// values. The smallest and the largest finite value are exact.
    ///
    /// # Errors
    /// [`Error::Percentile`] where `p` is not between 0 and 1.
    pub fn approx_percentile(&self, p: f64) -> Result<Option<f64>, Error> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::Percentile(p));
        }
        let Some(last) = self.num_vals().checked_sub(1) else {
            return Ok(None);
        };
        let position = p * last as f64;
        let lower = (position.floor() as u64).min(last);
        let fraction = position - position.floor();
        let ordered = OnceCell::new();
        let low = self.value_at(lower, &ordered);
        if fraction == 0.0 || lower == last {
            return Ok(Some(low));
        }
        let high = self.value_at(lower + 1, &ordered);
        // A weighted mean, because the difference of two doubles may be beyond the range of a double.
        Ok(Some(if low == high {
            low
        } else {
            low * (1.0 - fraction) + high * fraction
        }))
    }

    /// The fraction of the values that are at most `value`, in PostgreSQL's order (NaN is the largest); `None` without
    /// values. Within a bucket, values are taken as spread evenly.
    ///
    /// ```
    /// use kpi_stats::UddSketch;
    /// let mut sketch = UddSketch::default();
    /// (1..=1000).for_each(|x| sketch.add(f64::from(x)));
    /// assert!((sketch.approx_percentile_rank(250.0).unwrap() - 0.25).abs() < 0.001);
    /// ```
    pub fn approx_percentile_rank(&self, value: f64) -> Option<f64> {
        let total = self.num_vals();
        if total == 0 {
            return None;
        }
        if value.is_nan() {
            return Some(1.0);
        }
        let at_most = self.negative_infinities as f64
            + self.finite_at_most(value)
            + if value == f64::INFINITY {
                self.positive_infinities as f64
            } else {
                0.0
            };
        Some((at_most / total as f64).min(1.0))
    }

    /// The mean; infinite or NaN as PostgreSQL's `avg`; `None` without values.
    ///
    /// # Errors
    /// [`Error::Overflow`] where finite values add up to more than a double holds.
    pub fn mean(&self) -> Result<Option<f64>, Error> {
        match (
            self.num_vals(),
            self.nans,
            self.negative_infinities,
            self.positive_infinities,
        ) {
            (0, ..) => Ok(None),
            (_, 0, 0, 0) => in_range("the mean", self.sum.mean(self.finite as f64)).map(Some),
            (_, 0, 0, _) => Ok(Some(f64::INFINITY)),
            (_, 0, _, 0) => Ok(Some(f64::NEG_INFINITY)),
            _ => Ok(Some(f64::NAN)),
        }
    }

    /// The smallest value, exactly; `None` without values.
    pub fn min_val(&self) -> Option<f64> {
        (self.num_vals() > 0).then(|| self.value_at(0, &OnceCell::new()))
    }

    /// The largest value, exactly; NaN where there is one; `None` without values.
    pub fn max_val(&self) -> Option<f64> {
        self.num_vals()
            .checked_sub(1)
            .map(|last| self.value_at(last, &OnceCell::new()))
    }

    /// The value of a rank, counted from 0. Buckets are put in order at the first need.
    fn value_at(&self, rank: u64, ordered: &OnceCell<Ordered>) -> f64 {
        let Some(mut rank) = rank.checked_sub(self.negative_infinities) else {
            return f64::NEG_INFINITY;
        };
        if rank >= self.finite {
            let above = rank - self.finite;
            return if above < self.positive_infinities {
                f64::INFINITY
            } else {
                f64::NAN
            };
        }
        if rank == 0 {
            return self.min;
        }
        if rank == self.finite - 1 {
            return self.max;
        }
        let ordered = ordered.get_or_init(|| Ordered {
            negative: self.negative.sorted(),
            positive: self.positive.sorted(),
        });
        for (index, count) in ordered.negative.iter().rev() {
            match rank.checked_sub(*count) {
                Some(left) => rank = left,
                None => return self.within(-self.middle(*index)),
            }
        }
        match rank.checked_sub(self.zeros) {
            Some(left) => rank = left,
            None => return 0.0,
        }
        for (index, count) in &ordered.positive {
            match rank.checked_sub(*count) {
                Some(left) => rank = left,
                None => return self.within(self.middle(*index)),
            }
        }
        self.max
    }

    /// The value of a bucket that is equally far, in relative terms, from both of its bounds: 2γ^i / (γ + 1).
    pub(super) fn middle(&self, index: Index) -> f64 {
        let half = self.log_ratio() / 2.0;
        let centre = (f64::from(index) - 0.5) * 2.0 * half;
        let middle = centre.exp() / half.cosh();
        if middle.is_finite() {
            return middle;
        }
        // Of wide buckets near the largest doubles both may be beyond a double, and their quotient is not.
        (centre - half - (-2.0 * half).exp().ln_1p() + std::f64::consts::LN_2).exp()
    }

    /// No value lies outside the extremes.
    pub(super) fn within(&self, value: f64) -> f64 {
        value.max(self.min).min(self.max)
    }

    fn finite_at_most(&self, value: f64) -> f64 {
        if value >= self.max {
            return self.finite as f64;
        }
        if value < self.min {
            return 0.0;
        }
        let sum = |counts: &mut dyn Iterator<Item = u64>| counts.map(|count| count as f64).sum::<f64>();
        if value < 0.0 {
            let own = index_of(-value, self.collapses);
            let beyond = sum(&mut self
                .negative
                .iter()
                .filter(|(i, _)| *i > own)
                .map(|(_, count)| count));
            let shared = sum(&mut self
                .negative
                .iter()
                .filter(|(i, _)| *i == own)
                .map(|(_, count)| count));
            return beyond + shared * (1.0 - self.share(own, -value));
        }
        let negative = sum(&mut self.negative.iter().map(|(_, count)| count)) + self.zeros as f64;
        if value == 0.0 {
            return negative;
        }
        let own = index_of(value, self.collapses);
        let beyond = sum(&mut self
            .positive
            .iter()
            .filter(|(i, _)| *i < own)
            .map(|(_, count)| count));
        let shared = sum(&mut self
            .positive
            .iter()
            .filter(|(i, _)| *i == own)
            .map(|(_, count)| count));
        negative + beyond + shared * self.share(own, value)
    }

    /// How much of a bucket lies below a value in it.
    fn share(&self, index: Index, value: f64) -> f64 {
        let width = self.log_ratio();
        let (lower, upper) = (
            (f64::from(index - 1) * width).exp(),
            (f64::from(index) * width).exp(),
        );
        ((value - lower) / (upper - lower)).clamp(0.0, 1.0)
    }
}
