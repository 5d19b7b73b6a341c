//! `stats1d`: the state of `stats_agg(x)`.

use std::fmt::Write as _;

use crate::frame::{Kind, Reader, Writer};
use crate::moments::Moments;
use crate::text::{Scanner, push_moments};
use crate::{Error, Method, State};

/// Count, sum and central moments of one variable: at most 56 bytes encoded.
///
/// ```
/// use kpi_stats::{Method, Stats1d};
/// let mut stats = Stats1d::default();
/// for x in [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0] {
///     stats.add(x);
/// }
/// assert_eq!(stats.average().unwrap(), Some(5.0));
/// assert!((stats.stddev(Method::Population).unwrap().unwrap() - 2.0).abs() < 1e-15);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stats1d {
    moments: Moments,
}

impl Stats1d {
    /// The state of these moments.
    pub(crate) fn of(moments: Moments) -> Self {
        Self { moments }
    }

    /// Adds one value; NaN and infinities are remembered as what they are.
    #[inline]
    pub fn add(&mut self, x: f64) {
        self.moments.add(x);
    }

    /// The number of values.
    pub fn num_vals(&self) -> u64 {
        self.moments.num_vals()
    }

    /// The sum: see [`Moments::sum`].
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn sum(&self) -> Result<Option<f64>, Error> {
        self.moments.sum()
    }

    /// The mean: see [`Moments::average`].
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn average(&self) -> Result<Option<f64>, Error> {
        self.moments.average()
    }

    /// The variance: see [`Moments::variance`].
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn variance(&self, method: Method) -> Result<Option<f64>, Error> {
        self.moments.variance(method)
    }

    /// The standard deviation: see [`Moments::stddev`].
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn stddev(&self, method: Method) -> Result<Option<f64>, Error> {
        self.moments.stddev(method)
    }

    /// The skewness: see [`Moments::skewness`].
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn skewness(&self, method: Method) -> Result<Option<f64>, Error> {
        self.moments.skewness(method)
    }

    /// The kurtosis, 3 for a normal distribution: see [`Moments::kurtosis`].
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn kurtosis(&self, method: Method) -> Result<Option<f64>, Error> {
        self.moments.kurtosis(method)
    }
}

impl State for Stats1d {
    const TYPE_NAME: &'static str = "kpi.stats1d";

    fn merge(&mut self, other: &Self) {
        self.moments.merge(&other.moments);
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Stats1d);
        writer.varint(self.moments.n);
        self.moments.write(&mut writer);
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::Stats1d, bytes)?;
        let n = reader.count()?;
        let moments = Moments::read(&mut reader, n)?;
        reader.finish()?;
        Ok(Self { moments })
    }

    fn to_text(&self) -> String {
        let mut text = String::with_capacity(128);
        let _ = write!(text, "{{\"n\": {}, ", self.moments.n);
        push_moments(&mut text, &self.moments);
        text.push('}');
        text
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        let mut scanner = Scanner::new(Self::TYPE_NAME, text);
        scanner.expect("{")?;
        scanner.key("n")?;
        let n = scanner.count()?;
        scanner.expect(",")?;
        let moments = scanner.moments(n)?;
        scanner.expect("}")?;
        scanner.finish()?;
        Ok(Self { moments })
    }
}
