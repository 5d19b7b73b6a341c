//! `stats2d`: the state of `stats_agg(y, x)`, for correlation and linear regression.

use std::fmt::Write as _;

use crate::frame::{Kind, Reader, Writer};
use crate::moments::{Moments, in_range};
use crate::text::{Scanner, push_moments, push_number};
use crate::{Error, Method, State};

/// The moments of the independent `x` and the dependent `y`, and their co-moment: at most 105 bytes encoded.
///
/// The co-moment is updated and merged with Pébay's formulas (SAND2008-6212). Undefined and special results follow
/// PostgreSQL's `corr`, `covar_*` and `regr_*`.
///
/// ```
/// use kpi_stats::Stats2d;
/// let mut stats = Stats2d::default();
/// for (y, x) in [(1.0, 0.0), (3.0, 1.0), (5.0, 2.0)] {
///     stats.add(y, x);
/// }
/// assert_eq!(stats.slope().unwrap(), Some(2.0));
/// assert_eq!(stats.intercept().unwrap(), Some(1.0));
/// assert_eq!(stats.x_intercept().unwrap(), Some(-0.5));
/// assert_eq!(stats.corr().unwrap(), Some(1.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stats2d {
    x: Moments,
    y: Moments,
    /// The sum of the products of the deviations; zero once a NaN or an infinity was seen in either variable.
    comoment: f64,
}

impl Stats2d {
    /// The state of the moments of both variables, which have the same count, and of their co-moment.
    pub(crate) fn of(x: Moments, y: Moments, comoment: f64) -> Self {
        let mut stats = Self { x, y, comoment };
        if x.n == 0 || stats.is_special() {
            stats.comoment = 0.0;
        }
        stats
    }

    /// Adds one pair. As in PostgreSQL the dependent variable comes first.
    #[inline]
    pub fn add(&mut self, y: f64, x: f64) {
        let ((excess_x, _), (_, step_y)) = (self.x.add(x), self.y.add(y));
        if self.is_special() {
            self.comoment = 0.0;
        } else {
            self.comoment += excess_x * step_y;
        }
    }

    /// The moments of the independent variable.
    pub fn x(&self) -> &Moments {
        &self.x
    }

    /// The moments of the dependent variable.
    pub fn y(&self) -> &Moments {
        &self.y
    }

    /// The number of pairs.
    pub fn num_vals(&self) -> u64 {
        self.x.n
    }

    /// The covariance; `None` with too few pairs.
    ///
    /// # Errors
    /// [`Error::Overflow`] where finite values lead beyond a double, here and below.
    pub fn covariance(&self, method: Method) -> Result<Option<f64>, Error> {
        method
            .divisor(self.x.n)
            .map(|divisor| self.result("the covariance", self.comoment / divisor))
            .transpose()
    }

    /// Pearson's correlation; `None` where either variable is constant.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn corr(&self) -> Result<Option<f64>, Error> {
        if self.x.is_constant() || self.y.is_constant() {
            return Ok(None);
        }
        // The root of the product is exact for a perfect line; one root each is for a product out of a double's range.
        let product = self.x.m2 * self.y.m2;
        let root = if product.is_normal() {
            product.sqrt()
        } else {
            self.x.m2.sqrt() * self.y.m2.sqrt()
        };
        Ok(Some(
            self.result("the correlation", self.comoment / root)?
                .clamp(-1.0, 1.0),
        ))
    }

    /// The slope of the least-squares line of `y` on `x`; `None` where `x` is constant.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn slope(&self) -> Result<Option<f64>, Error> {
        if self.x.is_constant() {
            return Ok(None);
        }
        self.result("the slope", self.comoment / self.x.m2).map(Some)
    }

    /// The value of the least-squares line at `x = 0`; `None` where `x` is constant.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn intercept(&self) -> Result<Option<f64>, Error> {
        let (Some(slope), Some(x), Some(y)) = (self.slope()?, self.x.average()?, self.y.average()?) else {
            return Ok(None);
        };
        self.result("the intercept", y - slope * x).map(Some)
    }

    /// Where the least-squares line crosses `y = 0`; `None` where `x` is constant or the line is level.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn x_intercept(&self) -> Result<Option<f64>, Error> {
        let (Some(slope), Some(x), Some(y)) = (self.slope()?, self.x.average()?, self.y.average()?) else {
            return Ok(None);
        };
        if slope == 0.0 {
            return Ok(None);
        }
        self.result("the intercept on x", x - y / slope).map(Some)
    }

    /// The coefficient of determination R²; `None` where `x` is constant, 1 where only `y` is.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn determination_coeff(&self) -> Result<Option<f64>, Error> {
        if self.x.is_constant() {
            return Ok(None);
        }
        if self.y.is_constant() {
            return Ok(Some(1.0));
        }
        Ok(self.corr()?.map(|corr| corr * corr))
    }

    fn is_special(&self) -> bool {
        self.x.special | self.y.special != 0
    }

    fn result(&self, what: &'static str, value: f64) -> Result<f64, Error> {
        if self.is_special() {
            Ok(f64::NAN)
        } else {
            in_range(what, value)
        }
    }

    fn check(self) -> Result<Self, &'static str> {
        if (self.x.n == 0 || self.is_special()) && self.comoment != 0.0 {
            Err("There is a co-moment where there can be none.")
        } else {
            Ok(self)
        }
    }
}

impl State for Stats2d {
    const TYPE_NAME: &'static str = "kpi.stats2d";

    fn merge(&mut self, other: &Self) {
        let (na, nb) = (self.x.n as f64, other.x.n as f64);
        let (dx, dy) = (self.x.merge(&other.x), self.y.merge(&other.y));
        if self.is_special() {
            self.comoment = 0.0;
        } else {
            self.comoment += other.comoment;
            if na > 0.0 && nb > 0.0 {
                self.comoment += dx * dy * (nb / (na + nb)) * na;
            }
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Stats2d);
        writer.varint(self.x.n);
        self.x.write(&mut writer);
        self.y.write(&mut writer);
        writer.f64(self.comoment);
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::Stats2d, bytes)?;
        let n = reader.count()?;
        let x = Moments::read(&mut reader, n)?;
        let y = Moments::read(&mut reader, n)?;
        let stats = Self {
            x,
            y,
            comoment: reader.f64()?,
        };
        let stats = stats.check().map_err(|reason| reader.corrupt(reason.into()))?;
        reader.finish()?;
        Ok(stats)
    }

    fn to_text(&self) -> String {
        let mut text = String::with_capacity(256);
        let _ = write!(text, "{{\"n\": {}, \"x\": {{", self.x.n);
        push_moments(&mut text, &self.x);
        text.push_str("}, \"y\": {");
        push_moments(&mut text, &self.y);
        text.push_str("}, \"mxy\": ");
        push_number(&mut text, self.comoment);
        text.push('}');
        text
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        let mut scanner = Scanner::new(Self::TYPE_NAME, text);
        scanner.expect("{")?;
        scanner.key("n")?;
        let n = scanner.count()?;
        let mut variables = [Moments::default(); 2];
        for (name, moments) in ["x", "y"].iter().zip(&mut variables) {
            scanner.expect(",")?;
            scanner.key(name)?;
            scanner.expect("{")?;
            *moments = scanner.moments(n)?;
            scanner.expect("}")?;
        }
        let [x, y] = variables;
        scanner.expect(",")?;
        scanner.key("mxy")?;
        let stats = Self {
            x,
            y,
            comoment: scanner.number()?,
        };
        let stats = stats
            .check()
            .map_err(|reason| scanner.error(reason.trim_end_matches('.')))?;
        scanner.expect("}")?;
        scanner.finish()?;
        Ok(stats)
    }
}
