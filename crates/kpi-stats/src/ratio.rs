//! `ratio`: the state of `ratio_agg(numerator, denominator)`.

use std::fmt::Write as _;

use crate::frame::{Kind, Reader, Writer};
use crate::moments::{MAX_COUNT, in_range};
use crate::normal::{two_sided_p, z_of_level};
use crate::text::Scanner;
use crate::total::Total;
use crate::{Error, State};

/// The sums of a numerator and a denominator: the ratio of a whole is the ratio of the sums, never a mean of ratios.
///
/// Where the ratio is a proportion (conversions of visits, late orders of orders), each unit of the denominator counts as one
/// trial and each of the numerator as one success: [`Ratio::interval`] and [`Ratio::test`] are for such ratios.
/// NaN and infinities have the effect that they have on `sum(numerator) / sum(denominator)`.
///
/// ```
/// use kpi_stats::{Ratio, State};
/// let mut monday = Ratio::default();
/// monday.add(1.0, 2.0);
/// let mut tuesday = Ratio::default();
/// tuesday.add(9.0, 98.0);
/// monday.merge(&tuesday);
/// assert_eq!(monday.value().unwrap(), Some(0.1)); // not the mean of 0.5 and 0.09
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Ratio {
    n: u64,
    numerator: Total,
    denominator: Total,
}

/// How a proportion compares with a target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetTest {
    /// The proportion minus the target.
    pub difference: f64,
    /// By how many standard errors, those of a proportion that is at the target.
    pub z: f64,
    /// How likely a deviation at least as large is, in either direction, where the true proportion is the target.
    pub p_value: f64,
    /// What can be said at the level of confidence that was asked for.
    pub verdict: Verdict,
}

/// What a test says at its level of confidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The truth is above the target.
    Above,
    /// The truth is below the target.
    Below,
    /// The data are too few, or too close to the target, to tell.
    Undecided,
}

impl Verdict {
    /// The verdict as a word.
    ///
    /// ```
    /// use kpi_stats::Verdict;
    /// assert_eq!(Verdict::Undecided.name(), "undecided");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
            Self::Undecided => "undecided",
        }
    }
}

impl Ratio {
    /// Adds a numerator and its denominator.
    #[inline]
    pub fn add(&mut self, numerator: f64, denominator: f64) {
        self.n += 1;
        self.numerator.add(numerator);
        self.denominator.add(denominator);
    }

    /// The number of pairs.
    pub fn num_vals(&self) -> u64 {
        self.n
    }

    /// The sum of the numerators; `None` without pairs.
    ///
    /// # Errors
    /// [`Error::Overflow`] where finite values add up to more than a double holds.
    pub fn numerator(&self) -> Result<Option<f64>, Error> {
        self.some(self.numerator.value("the sum of the numerators"))
    }

    /// The sum of the denominators; `None` without pairs.
    ///
    /// # Errors
    /// As [`Ratio::numerator`].
    pub fn denominator(&self) -> Result<Option<f64>, Error> {
        self.some(self.denominator.value("the sum of the denominators"))
    }

    fn some(&self, sum: Result<f64, Error>) -> Result<Option<f64>, Error> {
        if self.n == 0 { Ok(None) } else { sum.map(Some) }
    }

    /// The sum of the numerators divided by that of the denominators; `None` without pairs and where the denominators add up
    /// to zero.
    ///
    /// # Errors
    /// [`Error::Overflow`] where finite values lead beyond a double.
    pub fn value(&self) -> Result<Option<f64>, Error> {
        let (Some(numerator), Some(denominator)) = (self.numerator()?, self.denominator()?) else {
            return Ok(None);
        };
        if denominator == 0.0 {
            return Ok(None);
        }
        let ratio = numerator / denominator;
        if self.numerator.is_special() || self.denominator.is_special() {
            return Ok(Some(ratio));
        }
        in_range("the ratio", ratio).map(Some)
    }

    /// Wilson's score interval of a proportion at a level of confidence (E. B. Wilson, "Probable Inference, the Law of
    /// Succession, and Statistical Inference", 1927), without continuity correction:
    /// `(p + z²/2n ± z·√(p(1 - p)/n + z²/4n²)) / (1 + z²/n)`. It stays within 0 and 1 and holds for few trials and for
    /// proportions near either end. `None` where [`Ratio::value`] is.
    ///
    /// # Errors
    /// [`Error::Argument`] for a level that is not between 0 and 1, and where the ratio is no proportion: the numerators must
    /// add up to something between zero and the sum of the denominators.
    ///
    /// ```
    /// use kpi_stats::Ratio;
    /// let mut conversion = Ratio::default();
    /// conversion.add(10.0, 50.0);
    /// let (low, high) = conversion.interval(0.95).unwrap().unwrap();
    /// assert!((low - 0.112_437_5).abs() < 1e-6 && (high - 0.330_371_1).abs() < 1e-6);
    /// ```
    pub fn interval(&self, level: f64) -> Result<Option<(f64, f64)>, Error> {
        let z = z_of_level(level)?;
        let Some((p, n)) = self.proportion()? else {
            return Ok(None);
        };
        let z2 = z * z;
        let scale = 1.0 + z2 / n;
        let middle = (p + z2 / (2.0 * n)) / scale;
        let half = z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / scale;
        // Rounding must not move a bound past what is certain: the interval holds p, and lies within 0 and 1.
        Ok(Some((
            (middle - half).max(0.0).min(p),
            (middle + half).min(1.0).max(p),
        )))
    }

    /// Tests a proportion against a target with the score test, `z = (p - p₀) / √(p₀(1 - p₀)/n)`: the one whose acceptance
    /// region is Wilson's interval, so the verdict is `Above` exactly where the interval of that level lies above the target.
    /// `None` where [`Ratio::value`] is.
    ///
    /// # Errors
    /// [`Error::Argument`] for a target or a level that is not between 0 and 1 (both excluded), and where the ratio is no
    /// proportion.
    ///
    /// ```
    /// use kpi_stats::{Ratio, Verdict};
    /// let mut on_time = Ratio::default();
    /// on_time.add(920.0, 1000.0);
    /// let test = on_time.test(0.95, 0.95).unwrap().unwrap();
    /// assert_eq!(test.verdict, Verdict::Below);
    /// assert!((test.z - -4.352_857_5).abs() < 1e-6 && (test.p_value - 1.343_745e-5).abs() < 1e-10);
    /// ```
    pub fn test(&self, target: f64, level: f64) -> Result<Option<TargetTest>, Error> {
        let critical = z_of_level(level)?;
        if !(target > 0.0 && target < 1.0) {
            return Err(Error::argument(
                "the target of a proportion must be above 0 and below 1",
                target,
                "Write 95 percent as 0.95.",
            ));
        }
        let Some((p, n)) = self.proportion()? else {
            return Ok(None);
        };
        let difference = p - target;
        let z = difference / (target * (1.0 - target) / n).sqrt();
        let verdict = match z {
            z if z > critical => Verdict::Above,
            z if z < -critical => Verdict::Below,
            _ => Verdict::Undecided,
        };
        Ok(Some(TargetTest {
            difference,
            z,
            p_value: two_sided_p(z),
            verdict,
        }))
    }

    /// The ratio and its number of trials, if it is one of successes to trials.
    fn proportion(&self) -> Result<Option<(f64, f64)>, Error> {
        let (Some(p), Some(numerator), Some(denominator)) =
            (self.value()?, self.numerator()?, self.denominator()?)
        else {
            return Ok(None);
        };
        if numerator >= 0.0 && numerator <= denominator && denominator.is_finite() {
            Ok(Some((p, denominator)))
        } else {
            Err(Error::argument(
                "this ratio is no proportion: its numerator must be between zero and its denominator",
                format!("{numerator} / {denominator}"),
                "Use this with counts, such as orders that were late and all orders; other ratios have a value only.",
            ))
        }
    }
}

impl State for Ratio {
    const TYPE_NAME: &'static str = "kpi.ratio";

    fn merge(&mut self, other: &Self) {
        self.n = self.n.saturating_add(other.n).min(MAX_COUNT);
        self.numerator.merge(&other.numerator);
        self.denominator.merge(&other.denominator);
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Ratio);
        writer.varint(self.n);
        self.numerator.write(&mut writer);
        self.denominator.write(&mut writer);
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::Ratio, bytes)?;
        let state = Self {
            n: reader.count()?,
            numerator: Total::read(&mut reader)?,
            denominator: Total::read(&mut reader)?,
        };
        reader.finish()?;
        Ok(state)
    }

    fn to_text(&self) -> String {
        let mut text = String::with_capacity(96);
        let _ = write!(text, "{{\"n\": {}, \"numerator\": ", self.n);
        self.numerator.push(&mut text);
        text.push_str(", \"denominator\": ");
        self.denominator.push(&mut text);
        text.push('}');
        text
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        let mut scanner = Scanner::new(Self::TYPE_NAME, text);
        scanner.expect("{")?;
        scanner.key("n")?;
        let n = scanner.count()?;
        scanner.expect(",")?;
        scanner.key("numerator")?;
        let numerator = Total::scan(&mut scanner)?;
        scanner.expect(",")?;
        scanner.key("denominator")?;
        let denominator = Total::scan(&mut scanner)?;
        scanner.expect("}")?;
        scanner.finish()?;
        Ok(Self {
            n,
            numerator,
            denominator,
        })
    }
}
