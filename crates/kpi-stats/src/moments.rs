//! Count, sum and central moments of one variable, updated in one pass and mergeable.

use crate::frame::{Reader, Writer};
use crate::summation::CompensatedSum;
use crate::{Error, Method};

/// Counts stay within SQL `bigint`.
pub(crate) const MAX_COUNT: u64 = i64::MAX as u64;

pub(crate) const NAN: u8 = 1;
pub(crate) const POSITIVE_INFINITY: u8 = 2;
pub(crate) const NEGATIVE_INFINITY: u8 = 4;
pub(crate) const ALL_SPECIAL: u8 = NAN | POSITIVE_INFINITY | NEGATIVE_INFINITY;

/// Count, compensated sum, and the sums of the second to fourth powers of the deviations from the mean.
///
/// Values are added with the one-pass update and merged with the pairwise formulas of Pébay (Sandia report SAND2008-6212,
/// 2008), which extend those of Chan, Golub and LeVeque (1979). The deviation of a value comes from the sum rather than
/// from a rounded mean (Youngs and Cramer, 1971), in twice the precision, so a large offset costs no digits and
/// all-equal values have deviations of exactly zero, in any split. NaN and infinities are counted and remembered apart,
/// so their effect does not depend on the order: the statistics are then what PostgreSQL's aggregates give (a sum that is
/// infinite or NaN, a variance that is NaN).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moments {
    pub(crate) n: u64,
    pub(crate) sum: CompensatedSum,
    pub(crate) m2: f64,
    pub(crate) m3: f64,
    pub(crate) m4: f64,
    /// Which of NaN and the infinities were seen; once one was, the moments above are all zero.
    pub(crate) special: u8,
}

impl Moments {
    /// Adds one value, and returns n times its deviation from the mean of the n values before, and by how much it moved
    /// the mean: two factors whose product is what the sum of squares grows by (meaningless after NaN or an infinity).
    #[inline]
    pub(crate) fn add(&mut self, x: f64) -> (f64, f64) {
        let before = self.n as f64;
        self.n += 1;
        if !x.is_finite() || self.special != 0 {
            self.add_special(x);
            return (f64::NAN, f64::NAN);
        }
        let (mut excess, mut step) = (0.0, 0.0);
        if before > 0.0 {
            let n = before + 1.0;
            excess = self.sum.excess_of(x, before);
            step = excess / (before * n);
            let step2 = step * step;
            // (x - mean)² · (n - 1) / n, by which the sum of squared deviations grows.
            let growth = excess * step;
            self.m4 +=
                growth * step2 * (n * n - 3.0 * n + 3.0) + 6.0 * step2 * self.m2 - 4.0 * step * self.m3;
            self.m3 += growth * step * (n - 2.0) - 3.0 * step * self.m2;
            self.m2 += growth;
        }
        self.sum.add(x);
        (excess, step)
    }

    #[cold]
    fn add_special(&mut self, x: f64) {
        let seen = match x {
            x if x.is_nan() => NAN,
            f64::INFINITY => POSITIVE_INFINITY,
            f64::NEG_INFINITY => NEGATIVE_INFINITY,
            _ => 0,
        };
        *self = Self {
            n: self.n,
            special: self.special | seen,
            ..Self::default()
        };
    }

    /// Folds `other` in, and returns by how much its mean was larger (zero where either was empty, meaningless after NaN or
    /// an infinity).
    pub(crate) fn merge(&mut self, other: &Self) -> f64 {
        if other.n == 0 {
            return 0.0;
        }
        if self.n == 0 {
            *self = *other;
            return 0.0;
        }
        let count = self.n.saturating_add(other.n).min(MAX_COUNT);
        let special = self.special | other.special;
        if special != 0 {
            *self = Self {
                n: count,
                special,
                ..Self::default()
            };
            return f64::NAN;
        }
        let (na, nb) = (self.n as f64, other.n as f64);
        let (wa, wb) = (na / (na + nb), nb / (na + nb));
        let delta = self.sum.difference_of_means(na, &other.sum, nb);
        let delta2 = delta * delta;
        let growth = delta2 * wb * na;
        self.m4 += other.m4
            + growth * delta2 * (wa * wa - wa * wb + wb * wb)
            + 6.0 * delta2 * (wa * wa * other.m2 + wb * wb * self.m2)
            + 4.0 * delta * (wa * other.m3 - wb * self.m3);
        self.m3 += other.m3 + growth * delta * (wa - wb) + 3.0 * delta * (wa * other.m2 - wb * self.m2);
        self.m2 += other.m2 + growth;
        self.sum.merge(&other.sum);
        self.n = count;
        delta
    }

    /// The number of values.
    pub fn num_vals(&self) -> u64 {
        self.n
    }

    /// The sum; `None` without values.
    ///
    /// # Errors
    /// [`Error::Overflow`] where finite values add up to more than a double holds.
    pub fn sum(&self) -> Result<Option<f64>, Error> {
        match (self.n, self.special) {
            (0, _) => Ok(None),
            (_, 0) => in_range("the sum", self.sum.total()).map(Some),
            (_, POSITIVE_INFINITY) => Ok(Some(f64::INFINITY)),
            (_, NEGATIVE_INFINITY) => Ok(Some(f64::NEG_INFINITY)),
            _ => Ok(Some(f64::NAN)),
        }
    }

    /// The arithmetic mean; `None` without values.
    ///
    /// # Errors
    /// As [`Moments::sum`].
    pub fn average(&self) -> Result<Option<f64>, Error> {
        match (self.n, self.special) {
            (1.., 0) => in_range("the average", self.sum.mean(self.n as f64)).map(Some),
            _ => self.sum(),
        }
    }

    /// The variance: `M2 / (n - 1)` of a sample, `M2 / n` of a population; `None` with too few values.
    ///
    /// # Errors
    /// [`Error::Overflow`] where finite values lead beyond a double.
    pub fn variance(&self, method: Method) -> Result<Option<f64>, Error> {
        let Some(divisor) = method.divisor(self.n) else {
            return Ok(None);
        };
        if self.special != 0 {
            return Ok(Some(f64::NAN));
        }
        in_range("the variance", self.m2 / divisor).map(Some)
    }

    /// The square root of [`Moments::variance`].
    ///
    /// # Errors
    /// As [`Moments::variance`].
    pub fn stddev(&self, method: Method) -> Result<Option<f64>, Error> {
        Ok(self.variance(method)?.map(f64::sqrt))
    }

    /// The third standardised moment, `(M3 / d) / (M2 / d)^(3/2)` with the method's divisor `d`; `None` with too few values
    /// and where all are equal.
    ///
    /// # Errors
    /// [`Error::Overflow`] where finite values lead beyond a double.
    pub fn skewness(&self, method: Method) -> Result<Option<f64>, Error> {
        self.standardised("the skewness", method, |d, variance| {
            self.m3 / d / (variance * variance.sqrt())
        })
    }

    /// The fourth standardised moment, `(M4 / d) / (M2 / d)^2` with the method's divisor `d`: 3 for a normal distribution;
    /// `None` with too few values and where all are equal.
    ///
    /// # Errors
    /// [`Error::Overflow`] where finite values lead beyond a double.
    pub fn kurtosis(&self, method: Method) -> Result<Option<f64>, Error> {
        self.standardised("the kurtosis", method, |d, variance| {
            self.m4 / d / (variance * variance)
        })
    }

    fn standardised(
        &self,
        what: &'static str,
        method: Method,
        moment: impl Fn(f64, f64) -> f64,
    ) -> Result<Option<f64>, Error> {
        let Some(divisor) = method.divisor(self.n) else {
            return Ok(None);
        };
        if self.special != 0 {
            return Ok(Some(f64::NAN));
        }
        if self.m2 == 0.0 {
            return Ok(None);
        }
        in_range(what, moment(divisor, self.m2 / divisor)).map(Some)
    }

    /// Whether all values are finite and equal (or there are none).
    pub(crate) fn is_constant(&self) -> bool {
        self.special == 0 && self.m2 == 0.0
    }

    /// Writes everything but the count, which two variables share.
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.u8(self.special);
        if self.n > 0 && self.special == 0 {
            for value in [self.sum.hi, self.sum.lo, self.m2, self.m3, self.m4] {
                writer.f64(value);
            }
        }
    }

    pub(crate) fn read(reader: &mut Reader, n: u64) -> Result<Self, Error> {
        let special = reader.u8()?;
        let mut moments = Self {
            n,
            special,
            ..Self::default()
        };
        if n > 0 && special == 0 {
            moments.sum = CompensatedSum {
                hi: reader.f64()?,
                lo: reader.f64()?,
            };
            moments.m2 = reader.f64()?;
            moments.m3 = reader.f64()?;
            moments.m4 = reader.f64()?;
        }
        moments.check().map_err(|reason| reader.corrupt(reason.into()))?;
        Ok(moments)
    }

    /// What every state that [`Moments::add`] and [`Moments::merge`] can reach has in common.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if self.special & !ALL_SPECIAL != 0 {
            Err("The marks for NaN and infinities are none that are known.")
        } else if self.n == 0 && self.special != 0 {
            Err("NaN or an infinity is marked without any value.")
        } else if (self.n == 0 || self.special != 0) && self.has_moments() {
            Err("There are moments where there can be none.")
        } else if self.m2 < 0.0 {
            Err("The sum of squared deviations is negative.")
        } else {
            Ok(())
        }
    }

    fn has_moments(&self) -> bool {
        [self.sum.hi, self.sum.lo, self.m2, self.m3, self.m4]
            .iter()
            .any(|value| *value != 0.0)
    }
}

/// Passes a result of finite inputs on if it is finite itself.
pub(crate) fn in_range(what: &'static str, value: f64) -> Result<f64, Error> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(Error::Overflow(what))
    }
}
