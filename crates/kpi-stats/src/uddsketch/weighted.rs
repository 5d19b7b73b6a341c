//! Values with counts: into a sketch, and out of it.

use super::{UddSketch, index_of};
use crate::moments::MAX_COUNT;

impl UddSketch {
    /// Adds a finite value so many times.
    pub(crate) fn add_times(&mut self, x: f64, times: u64) {
        if times == 0 || !x.is_finite() {
            return;
        }
        self.finite = self.finite.saturating_add(times).min(MAX_COUNT);
        self.min = self.min.min(x);
        self.max = self.max.max(x);
        self.sum.add(x * times as f64);
        if x > 0.0 {
            self.positive.add(index_of(x, self.collapses), times);
        } else if x < 0.0 {
            self.negative.add(index_of(-x, self.collapses), times);
        } else {
            self.zeros = self.zeros.saturating_add(times).min(MAX_COUNT);
        }
        self.settle();
    }

    /// Says that the finite values reach from `min` to `max`, which are no narrower than the values added.
    pub(crate) fn widen(&mut self, min: f64, max: f64) {
        if self.finite > 0 {
            self.min = self.min.min(min);
            self.max = self.max.max(max);
        }
    }

    /// The middles of the buckets of finite values in ascending order, each with its count.
    pub(crate) fn weighted_values(&self) -> Vec<(f64, u64)> {
        let mut values = Vec::with_capacity(self.buckets() + 1);
        let middle = |index| self.middle(index);
        for (index, count) in self.negative.sorted().iter().rev() {
            values.push((self.within(-middle(*index)), *count));
        }
        if self.zeros > 0 {
            values.push((0.0, self.zeros));
        }
        for (index, count) in &self.positive.sorted() {
            values.push((self.within(middle(*index)), *count));
        }
        values
    }
}
