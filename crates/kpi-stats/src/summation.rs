//! A sum whose rounding error is carried along, so that the order of the summands hardly matters.

/// A compensated sum (Knuth's two-sum, carried as in Neumaier's method): `hi + lo` is the total.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct CompensatedSum {
    pub hi: f64,
    pub lo: f64,
}

impl CompensatedSum {
    pub fn add(&mut self, x: f64) {
        let total = self.hi + x;
        let part = total - self.hi;
        self.lo += (self.hi - (total - part)) + (x - part);
        self.hi = total;
    }

    /// Adds another sum. Afterwards `lo` is small against `hi` again.
    pub fn merge(&mut self, other: &Self) {
        self.add(other.hi);
        self.lo += other.lo;
        let hi = self.hi + self.lo;
        self.lo -= hi - self.hi;
        self.hi = hi;
    }

    pub fn total(&self) -> f64 {
        self.hi + self.lo
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cancels_leaves_the_small_summands() {
        let mut sum = CompensatedSum::default();
        for x in [1e16, 1.0, 1.0, -1e16] {
            sum.add(x);
        }
        assert_eq!(sum.total(), 2.0);
    }

    #[test]
    fn ten_tenths_are_one() {
        let mut parts = [CompensatedSum::default(); 2];
        for i in 0..10 {
            parts[i % 2].add(0.1);
        }
        let [mut left, right] = parts;
        left.merge(&right);
        assert_eq!(left.total(), 1.0);
    }
}
