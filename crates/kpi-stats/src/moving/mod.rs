//! Moments of a moving window: values are added in front and taken away behind.
//!
//! What a value added can be taken away again, but not the rounding errors: where a large value has left, they would be all
//! that remains. So the sums are kept in twice the precision of a double, with a bound of the error that they have gathered, and
//! a state in which that is too much says so: then it is to be made anew of the values that are left. The bound grows with what
//! comes and goes, and not with the length of the window: it takes about as many values as a window has, so that in the mean
//! a value costs the same in any window.

use crate::moments::{Moments, NAN, NEGATIVE_INFINITY, POSITIVE_INFINITY};
use crate::summation::CompensatedSum;
use crate::{Stats1d, Stats2d};

/// The largest relative error of a rounded result.
const ROUNDING: f64 = f64::EPSILON / 2.0;

/// The largest error, relative to the result, that may be gathered: 2^-42, below 2.3e-13.
const TOLERANCE: f64 = f64::EPSILON * 1024.0;

/// A sum in twice the precision of a double, and how far it may be off.
#[derive(Debug, Clone, Copy, Default)]
struct Tracked {
    sum: CompensatedSum,
    lost: f64,
}

/// The rounded sum, and what the rounding has left out.
#[inline]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let total = a + b;
    let part = total - a;
    (total, (a - (total - part)) + (b - part))
}

impl Tracked {
    /// Adds a summand that may be off by `error`.
    #[inline]
    fn add(&mut self, x: f64, error: f64) {
        let (total, left) = two_sum(self.sum.hi, x);
        let (rest, lost) = two_sum(self.sum.lo, left);
        let (hi, lo) = two_sum(total, rest);
        self.sum = CompensatedSum { hi, lo };
        self.lost += lost.abs() + error;
    }

    fn total(&self) -> f64 {
        self.sum.total()
    }
}

/// By how much a value changes the moments: n times its deviation from the mean of the n others, and by how much it moves
/// the mean, each with its error.
#[derive(Debug, Clone, Copy, Default)]
struct Change {
    excess: f64,
    excess_error: f64,
    step: f64,
    step_error: f64,
}

/// [`Moments`] that values can be taken away from.
#[derive(Debug, Clone, Copy, Default)]
struct MovingMoments {
    n: u64,
    special: u8,
    sum: Tracked,
    m2: Tracked,
    m3: Tracked,
    m4: Tracked,
}

impl MovingMoments {
    #[inline]
    fn add(&mut self, x: f64) -> Change {
        if !x.is_finite() {
            self.special |= match x {
                f64::INFINITY => POSITIVE_INFINITY,
                f64::NEG_INFINITY => NEGATIVE_INFINITY,
                _ => NAN,
            };
        }
        self.n += 1;
        if self.special != 0 {
            return Change::default();
        }
        let change = self.change(x);
        self.move_moments(&change, 1.0);
        self.sum.add(x, 0.0);
        change
    }

    /// Takes a finite value away that was added before.
    #[inline]
    fn remove(&mut self, x: f64) -> Change {
        let change = if self.special == 0 {
            self.sum.add(-x, 0.0);
            let n = self.n;
            self.n -= 1;
            let change = self.change_of(x, n);
            self.move_moments_of(&change, -1.0, n);
            change
        } else {
            self.n = self.n.saturating_sub(1);
            Change::default()
        };
        if self.n == 0 {
            *self = Self::default();
        }
        change
    }

    /// What a value is to the others, which the sum has without it, when `n` counts it already.
    #[inline]
    fn change(&self, x: f64) -> Change {
        self.change_of(x, self.n)
    }

    #[inline]
    fn change_of(&self, x: f64, n: u64) -> Change {
        let (others, all) = ((n - 1) as f64, n as f64);
        if others == 0.0 {
            return Change::default();
        }
        let excess = self.sum.sum.excess_of(x, others);
        let excess_error = self.sum.lost + 4.0 * ROUNDING * excess.abs();
        Change {
            excess,
            excess_error,
            step: excess / (others * all),
            step_error: (excess_error + 2.0 * ROUNDING * excess.abs()) / (others * all),
        }
    }

    #[inline]
    fn move_moments(&mut self, change: &Change, sign: f64) {
        self.move_moments_of(change, sign, self.n);
    }

    /// Adds what a value contributes to the moments of the others, or takes it away: the formulas of [`Moments`], in which the
    /// second and third moment are those of the others. `n` counts the value.
    #[inline]
    fn move_moments_of(&mut self, change: &Change, sign: f64, n: u64) {
        let n = n as f64;
        let Change {
            excess,
            excess_error,
            step,
            step_error,
        } = *change;
        let (size, step2) = (step.abs(), step * step);
        let growth = excess * step;
        let growth_error =
            size * excess_error + (excess.abs() + excess_error) * step_error + ROUNDING * growth;
        if sign < 0.0 {
            self.m2.add(-growth, growth_error);
        }
        let m2 = self.m2.total();
        let m2_error = self.m2.lost + ROUNDING * m2.abs();
        let (a, b) = (growth * step * (n - 2.0), 3.0 * step * m2);
        let third_error = (n - 2.0) * (size * growth_error + growth * step_error)
            + 3.0 * (step_error * m2.abs() + size * m2_error)
            + 6.0 * ROUNDING * (a.abs() + b.abs());
        if sign < 0.0 {
            self.m3.add(b - a, third_error);
        }
        let m3 = self.m3.total();
        let m3_error = self.m3.lost + ROUNDING * m3.abs();
        let factor = n * n - 3.0 * n + 3.0;
        let (c, d, e) = (growth * step2 * factor, 6.0 * step2 * m2, 4.0 * step * m3);
        let fourth_error = factor * (step2 * growth_error + 2.0 * growth * size * step_error)
            + 6.0 * (2.0 * size * step_error * m2.abs() + step2 * m2_error)
            + 4.0 * (step_error * m3.abs() + size * m3_error)
            + 9.0 * ROUNDING * (c + d.abs() + e.abs());
        self.m4.add(sign * (c + d - e), fourth_error);
        if sign > 0.0 {
            self.m3.add(a - b, third_error);
            self.m2.add(growth, growth_error);
        }
    }

    /// Whether the errors gathered are small against the moments: those of the sum and of the second moment relative to these,
    /// those of the third and fourth as they count in skewness and kurtosis.
    #[inline]
    fn is_sound(&self) -> bool {
        if self.special != 0 || self.n == 0 {
            return true;
        }
        let (m2, n) = (self.m2.total(), self.n as f64);
        // Written so that NaN is not sound.
        self.sum.lost <= TOLERANCE * self.sum.total().abs()
            && self.m2.lost <= TOLERANCE * m2
            && self.m3.lost <= TOLERANCE * m2 * (m2 / n).sqrt()
            && self.m4.lost <= TOLERANCE * m2 * (m2 / n)
    }

    fn moments(&self) -> Moments {
        if self.special != 0 || self.n == 0 {
            return Moments {
                n: self.n,
                special: self.special,
                ..Moments::default()
            };
        }
        let m2 = self.m2.total();
        Moments {
            n: self.n,
            sum: self.sum.sum,
            // Rounding may lead below zero, which the stored form does not allow.
            m2: if m2 < 0.0 { 0.0 } else { m2 },
            m3: self.m3.total(),
            m4: self.m4.total(),
            special: 0,
        }
    }
}

/// [`Stats1d`] of a window that moves.
///
/// ```
/// use kpi_stats::{Method, MovingStats1d};
/// let mut window = MovingStats1d::default();
/// for x in [1.0, 2.0, 3.0, 4.0] {
///     window.add(x);
/// }
/// assert!(window.remove(1.0));
/// assert_eq!(window.stats().average().unwrap(), Some(3.0));
/// assert!((window.stats().variance(Method::Sample).unwrap().unwrap() - 1.0).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct MovingStats1d {
    moments: MovingMoments,
}

impl MovingStats1d {
    /// Adds one value.
    #[inline]
    pub fn add(&mut self, x: f64) {
        self.moments.add(x);
    }

    /// Takes a value away that was added before. `false` means that the state cannot be used any more, and is to be made anew
    /// of the values that are left: NaN and infinities cannot be taken away, and the rounding errors may have become too large.
    ///
    /// What is left is the state of the other values but for rounding: count exactly, sum and variance to 2.3e-13 of
    /// themselves, skewness and kurtosis as if they were off by as much.
    ///
    /// ```
    /// use kpi_stats::MovingStats1d;
    /// let mut window = MovingStats1d::default();
    /// for x in [f64::NAN, 1.0, 2.0] {
    ///     window.add(x);
    /// }
    /// assert!(!window.remove(f64::NAN));
    /// ```
    #[inline]
    pub fn remove(&mut self, x: f64) -> bool {
        if !x.is_finite() || self.moments.n == 0 {
            return false;
        }
        self.moments.remove(x);
        self.moments.is_sound()
    }

    /// The state of the values that are there.
    ///
    /// ```
    /// assert_eq!(kpi_stats::MovingStats1d::default().stats().num_vals(), 0);
    /// ```
    pub fn stats(&self) -> Stats1d {
        Stats1d::of(self.moments.moments())
    }
}

/// [`Stats2d`] of a window that moves.
///
/// ```
/// use kpi_stats::MovingStats2d;
/// let mut window = MovingStats2d::default();
/// for (y, x) in [(1.0, 0.0), (3.0, 1.0), (5.0, 2.0), (7.0, 3.0)] {
///     window.add(y, x);
/// }
/// assert!(window.remove(1.0, 0.0));
/// assert!((window.stats().slope().unwrap().unwrap() - 2.0).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct MovingStats2d {
    x: MovingMoments,
    y: MovingMoments,
    comoment: Tracked,
}

impl MovingStats2d {
    /// Adds one pair.
    #[inline]
    pub fn add(&mut self, y: f64, x: f64) {
        let (x, y) = (self.x.add(x), self.y.add(y));
        self.move_comoment(&x, &y, 1.0);
    }

    /// Takes a pair away that was added before: see [`MovingStats1d::remove`]. The covariance is off by no more than 2.3e-13
    /// of the product of the standard deviations.
    ///
    /// ```
    /// use kpi_stats::MovingStats2d;
    /// let mut window = MovingStats2d::default();
    /// window.add(1.0, f64::INFINITY);
    /// assert!(!window.remove(1.0, f64::INFINITY));
    /// ```
    #[inline]
    pub fn remove(&mut self, y: f64, x: f64) -> bool {
        if !x.is_finite() || !y.is_finite() || self.x.n == 0 {
            return false;
        }
        let (x, y) = (self.x.remove(x), self.y.remove(y));
        self.move_comoment(&x, &y, -1.0);
        if self.x.n == 0 {
            *self = Self::default();
        }
        let spread = self.x.m2.total().sqrt() * self.y.m2.total().sqrt();
        let special = self.x.special | self.y.special != 0;
        self.x.is_sound() && self.y.is_sound() && (special || self.comoment.lost <= TOLERANCE * spread)
    }

    #[inline]
    fn move_comoment(&mut self, x: &Change, y: &Change, sign: f64) {
        let product = x.excess * y.step;
        let error = x.excess.abs() * y.step_error
            + (y.step.abs() + y.step_error) * x.excess_error
            + ROUNDING * product.abs();
        self.comoment.add(sign * product, error);
    }

    /// The state of the pairs that are there.
    ///
    /// ```
    /// assert_eq!(kpi_stats::MovingStats2d::default().stats().num_vals(), 0);
    /// ```
    pub fn stats(&self) -> Stats2d {
        Stats2d::of(self.x.moments(), self.y.moments(), self.comoment.total())
    }
}

#[cfg(test)]
mod tests;
