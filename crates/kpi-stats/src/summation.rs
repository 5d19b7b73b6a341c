//! A sum whose rounding error is carried along, so that the order of the summands hardly matters.

/// A compensated sum (Knuth's two-sum, carried as in Neumaier's method): `hi + lo` is the total.
///
/// A sum beyond the largest double is infinite, as a plain one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CompensatedSum {
    pub hi: f64,
    pub lo: f64,
}

/// Two sums that are not a number are equal: what was read back is what was written.
impl PartialEq for CompensatedSum {
    fn eq(&self, other: &Self) -> bool {
        let same = |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan());
        same(self.hi, other.hi) && same(self.lo, other.lo)
    }
}

impl CompensatedSum {
    pub fn add(&mut self, x: f64) {
        let total = self.hi + x;
        let part = total - self.hi;
        let lo = self.lo + ((self.hi - (total - part)) + (x - part));
        self.set(total, lo);
    }

    /// An infinite total has no rounding error, and the difference of two such is none either.
    #[inline]
    fn set(&mut self, hi: f64, lo: f64) {
        self.hi = hi;
        self.lo = if hi.is_finite() { lo } else { 0.0 };
    }

    /// Adds another sum. Afterwards `lo` is small against `hi` again.
    pub fn merge(&mut self, other: &Self) {
        self.add(other.hi);
        self.lo += other.lo;
        let hi = self.hi + self.lo;
        let lo = self.lo - (hi - self.hi);
        self.set(hi, lo);
    }

    /// Adds any double: an infinity or a NaN is the total from then on, as in a plain sum.
    #[inline]
    pub fn add_any(&mut self, x: f64) {
        if x.is_finite() && self.hi.is_finite() {
            self.add(x);
        } else {
            *self = Self {
                hi: self.hi + x,
                lo: 0.0,
            };
        }
    }

    /// [`CompensatedSum::merge`] for sums of [`CompensatedSum::add_any`].
    pub fn merge_any(&mut self, other: &Self) {
        if other.hi.is_finite() && self.hi.is_finite() {
            self.merge(other);
        } else {
            self.add_any(other.hi);
        }
    }

    /// `x · n` minus this sum of n values: n times the deviation of x from their mean, rounded only once.
    #[inline]
    pub fn excess_of(&self, x: f64, n: f64) -> f64 {
        let product = x * n;
        let error = x.mul_add(n, -product);
        (product - self.hi) + (error - self.lo)
    }

    /// The mean of `other`'s nb values minus that of this sum's na.
    pub fn difference_of_means(&self, na: f64, other: &Self, nb: f64) -> f64 {
        let (a, b) = (self.hi * nb, other.hi * na);
        let errors = other.hi.mul_add(na, -b) - self.hi.mul_add(nb, -a);
        let difference = (b - a) + (errors + (other.lo * na - self.lo * nb));
        // What is left of equal means is the rounding of the last terms, 2^-105 of the sums. The smallest real difference,
        // one value of many that is off by its last bit, is far above the bound.
        if difference.abs() <= a.abs() * (-96f64).exp2() {
            0.0
        } else {
            difference / (na * nb)
        }
    }

    /// The sum divided by n, rounded once: the mean of equal values is that value.
    pub fn mean(&self, n: f64) -> f64 {
        let quotient = self.hi / n;
        if !self.hi.is_finite() {
            return quotient;
        }
        let remainder = (-quotient).mul_add(n, self.hi) + self.lo;
        quotient + remainder / n
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
    fn a_sum_beyond_the_largest_double_is_infinite() {
        let mut sum = CompensatedSum::default();
        (0..3).for_each(|_| sum.add(f64::MAX));
        assert_eq!((sum.total(), sum.mean(3.0)), (f64::INFINITY, f64::INFINITY));
        let mut other = CompensatedSum::default();
        other.add(1.0);
        other.merge(&sum);
        assert_eq!(other, sum);
        (0..3).for_each(|_| sum.add(-1e300));
        assert_eq!(sum.total(), f64::INFINITY);
        let mut negative = CompensatedSum::default();
        (0..2).for_each(|_| negative.add(f64::MIN));
        sum.merge(&negative);
        let again = sum;
        assert!(sum.total().is_nan() && sum == again);
    }

    #[test]
    fn the_mean_of_equal_values_is_that_value() {
        for count in 1..1000u16 {
            let mut sum = CompensatedSum::default();
            (0..count).for_each(|_| sum.add(0.1));
            assert_eq!(sum.mean(f64::from(count)), 0.1);
        }
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
