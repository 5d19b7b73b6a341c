//! A sum that keeps its rounding error, and NaN and the infinities apart, so that their order does not matter.

use crate::Error;
use crate::frame::{Reader, Writer};
use crate::moments::{ALL_SPECIAL, NAN, NEGATIVE_INFINITY, POSITIVE_INFINITY, in_range};
use crate::summation::CompensatedSum;
use crate::text::{Scanner, push_number, push_special};

/// The sum of doubles: that of PostgreSQL's `sum(float8)` where NaN or an infinity is among them, else with the rounding error
/// of the additions carried along.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Total {
    sum: CompensatedSum,
    special: u8,
}

impl Total {
    #[inline]
    pub fn add(&mut self, x: f64) {
        if x.is_finite() {
            self.sum.add(x);
        } else {
            self.add_special(x);
        }
    }

    #[cold]
    fn add_special(&mut self, x: f64) {
        self.special |= match x {
            x if x.is_nan() => NAN,
            x if x > 0.0 => POSITIVE_INFINITY,
            _ => NEGATIVE_INFINITY,
        };
    }

    pub fn merge(&mut self, other: &Self) {
        self.sum.merge(&other.sum);
        self.special |= other.special;
    }

    /// Multiplies the sum by a finite factor above zero.
    pub fn scale(&mut self, factor: f64) {
        self.sum.hi *= factor;
        self.sum.lo *= factor;
    }

    /// The sum, named `what` in the error.
    ///
    /// # Errors
    /// [`Error::Overflow`] where finite values add up to more than a double holds.
    pub fn value(&self, what: &'static str) -> Result<f64, Error> {
        match self.special {
            0 => in_range(what, self.sum.total()),
            POSITIVE_INFINITY => Ok(f64::INFINITY),
            NEGATIVE_INFINITY => Ok(f64::NEG_INFINITY),
            _ => Ok(f64::NAN),
        }
    }

    /// Says whether NaN or an infinity was added.
    pub fn is_special(&self) -> bool {
        self.special != 0
    }

    pub fn write(&self, writer: &mut Writer) {
        writer.u8(self.special);
        writer.f64(self.sum.hi);
        writer.f64(self.sum.lo);
    }

    pub fn read(reader: &mut Reader) -> Result<Self, Error> {
        let special = reader.u8()?;
        if special & !ALL_SPECIAL != 0 {
            return Err(reader.corrupt("The marks for NaN and infinities are none that are known.".into()));
        }
        let sum = CompensatedSum {
            hi: reader.f64()?,
            lo: reader.f64()?,
        };
        Ok(Self { sum, special })
    }

    /// Appends `[high, low]` or `[high, low, ["NaN"]]`.
    pub fn push(&self, text: &mut String) {
        text.push('[');
        push_number(text, self.sum.hi);
        text.push_str(", ");
        push_number(text, self.sum.lo);
        if self.special != 0 {
            text.push_str(", ");
            push_special(text, self.special);
        }
        text.push(']');
    }

    pub fn scan(scanner: &mut Scanner) -> Result<Self, Error> {
        scanner.expect("[")?;
        let hi = scanner.number()?;
        scanner.expect(",")?;
        let lo = scanner.number()?;
        let special = if scanner.take(",") { scanner.special()? } else { 0 };
        scanner.expect("]")?;
        Ok(Self {
            sum: CompensatedSum { hi, lo },
            special,
        })
    }
}
