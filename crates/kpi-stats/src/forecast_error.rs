//! `forecasterror`: the state of `forecast_error_agg(actual, forecast)`.

use std::fmt::Write as _;

use crate::frame::{Kind, Reader, Writer};
use crate::moments::MAX_COUNT;
use crate::text::Scanner;
use crate::total::Total;
use crate::{Error, State};

/// The usual measures of how far forecasts were off. The error is `e = actual - forecast`, as in Hyndman and Athanasopoulos,
/// "Forecasting: Principles and Practice" (third edition, 2021, section 5.8): above zero where the forecast was too low.
///
/// Percentages are given as fractions: 0.05 for 5%. What no order is needed for merges in any order. The MASE needs the error
/// of the naive forecast, which depends on the order of the values: [`ForecastError::mase`] takes it as an argument, where it
/// can come from the history that the forecast was made from, as its authors define it.
///
/// A NaN or an infinity makes every measure that it enters NaN or infinite.
///
/// ```
/// use kpi_stats::ForecastError;
/// let mut error = ForecastError::default();
/// for (actual, forecast) in [(100.0, 110.0), (200.0, 190.0), (300.0, 330.0), (400.0, 380.0)] {
///     error.add(actual, forecast);
/// }
/// assert_eq!(error.mae().unwrap(), Some(17.5));
/// assert_eq!(error.rmse().unwrap(), Some(375f64.sqrt()));
/// assert!((error.mape().unwrap().unwrap() - 0.075).abs() < 1e-15);
/// assert_eq!(error.wape().unwrap(), Some(0.07));
/// assert_eq!(error.bias().unwrap(), Some(-2.5));
/// assert_eq!(error.tracking_signal().unwrap(), Some(-10.0 / 17.5));
/// assert_eq!(error.mase(35.0).unwrap(), Some(0.5));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ForecastError {
    n: u64,
    /// How many of the actual values are not zero.
    nonzero: u64,
    /// Σe
    error: Total,
    /// Σ|e|
    absolute: Total,
    /// Σe²
    squared: Total,
    /// Σ|e / actual| where the actual value is not zero.
    relative: Total,
    /// Σ 2|e| / (|actual| + |forecast|)
    symmetric: Total,
    /// Σ|actual|
    actual: Total,
}

impl ForecastError {
    /// Adds what happened and what was forecast for it.
    #[inline]
    pub fn add(&mut self, actual: f64, forecast: f64) {
        self.n += 1;
        let error = actual - forecast;
        self.error.add(error);
        self.absolute.add(error.abs());
        self.squared.add(error * error);
        self.actual.add(actual.abs());
        if actual != 0.0 {
            self.nonzero += 1;
            self.relative.add((error / actual).abs());
        }
        if error != 0.0 {
            self.symmetric
                .add(error.abs() / ((actual.abs() + forecast.abs()) / 2.0));
        }
    }

    /// The number of pairs.
    pub fn num_vals(&self) -> u64 {
        self.n
    }

    /// How many actual values are zero: the pairs that [`ForecastError::mape`] leaves out.
    pub fn num_zeros(&self) -> u64 {
        self.n.saturating_sub(self.nonzero)
    }

    /// The mean absolute error, `Σ|e| / n`; `None` without pairs, here and below.
    ///
    /// # Errors
    /// [`Error::Overflow`] where finite values lead beyond a double, here and below.
    pub fn mae(&self) -> Result<Option<f64>, Error> {
        mean(&self.absolute, self.n, "the mean absolute error")
    }

    /// The root of the mean squared error, `√(Σe² / n)`.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn rmse(&self) -> Result<Option<f64>, Error> {
        Ok(mean(&self.squared, self.n, "the mean squared error")?.map(f64::sqrt))
    }

    /// The mean absolute percentage error as a fraction, `Σ|e / actual| / n`, over the pairs whose actual value is not zero;
    /// `None` where all are. [`ForecastError::wape`] needs no such exception.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn mape(&self) -> Result<Option<f64>, Error> {
        mean(&self.relative, self.nonzero, "the mean absolute percentage error")
    }

    /// The symmetric mean absolute percentage error as a fraction from 0 to 2, `Σ 2|e| / (|actual| + |forecast|) / n`
    /// (S. Makridakis, "Accuracy measures: theoretical and practical concerns", 1993); a pair of zeros counts as no error.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    ///
    /// ```
    /// use kpi_stats::ForecastError;
    /// let mut error = ForecastError::default();
    /// error.add(0.0, 0.0);
    /// error.add(0.0, 5.0);
    /// assert_eq!(error.smape().unwrap(), Some(1.0));
    /// assert_eq!((error.mape().unwrap(), error.num_zeros()), (None, 2));
    /// ```
    pub fn smape(&self) -> Result<Option<f64>, Error> {
        mean(
            &self.symmetric,
            self.n,
            "the symmetric mean absolute percentage error",
        )
    }

    /// The weighted absolute percentage error as a fraction, `Σ|e| / Σ|actual|`; `None` where all actual values are zero.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn wape(&self) -> Result<Option<f64>, Error> {
        quotient(
            self.absolute.value("the sum of the absolute errors")?,
            self.actual.value("the sum of the actual values")?,
            self.n,
        )
    }

    /// The mean error, `Σe / n`: above zero where forecasts are too low.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn bias(&self) -> Result<Option<f64>, Error> {
        mean(&self.error, self.n, "the mean error")
    }

    /// The sum of the errors in units of the mean absolute error, `Σe / MAE` (R. G. Brown, 1959): from -n to n. Beyond
    /// about ±4 the forecast is held to be biased. `None` where all forecasts were exact.
    ///
    /// # Errors
    /// [`Error::Overflow`].
    pub fn tracking_signal(&self) -> Result<Option<f64>, Error> {
        let sum = self.error.value("the sum of the errors")?;
        quotient(sum, self.mae()?.unwrap_or(0.0), self.n)
    }

    /// The mean absolute scaled error, `MAE / scale` (Hyndman and Koehler, "Another look at measures of forecast accuracy",
    /// 2006), where `scale` is the mean absolute error of the (seasonal) naive forecast on the history: the mean of
    /// `|y(t) - y(t - m)|`. Below 1 where the forecast beats the naive one.
    ///
    /// # Errors
    /// [`Error::Argument`] unless the scale is above zero and finite, [`Error::Overflow`].
    pub fn mase(&self, scale: f64) -> Result<Option<f64>, Error> {
        if !(scale > 0.0 && scale.is_finite()) {
            return Err(Error::argument(
                "the scale of a scaled error must be above zero",
                scale,
                "Give the mean absolute change of the history: avg(abs(y - lag(y))) over the rows before the forecast.",
            ));
        }
        Ok(self.mae()?.map(|mae| mae / scale))
    }

    fn totals(&self) -> [(&'static str, &Total); 6] {
        [
            ("error", &self.error),
            ("absolute", &self.absolute),
            ("squared", &self.squared),
            ("relative", &self.relative),
            ("symmetric", &self.symmetric),
            ("actual", &self.actual),
        ]
    }

    fn totals_mut(&mut self) -> [(&'static str, &mut Total); 6] {
        [
            ("error", &mut self.error),
            ("absolute", &mut self.absolute),
            ("squared", &mut self.squared),
            ("relative", &mut self.relative),
            ("symmetric", &mut self.symmetric),
            ("actual", &mut self.actual),
        ]
    }
}

fn mean(total: &Total, n: u64, what: &'static str) -> Result<Option<f64>, Error> {
    match n {
        0 => Ok(None),
        n => total.value(what).map(|sum| Some(sum / n as f64)),
    }
}

/// A quotient, or `None` without pairs and where the divisor is zero.
fn quotient(dividend: f64, divisor: f64, n: u64) -> Result<Option<f64>, Error> {
    Ok((n > 0 && divisor != 0.0).then(|| dividend / divisor))
}

impl State for ForecastError {
    const TYPE_NAME: &'static str = "kpi.forecasterror";

    fn merge(&mut self, other: &Self) {
        self.n = self.n.saturating_add(other.n).min(MAX_COUNT);
        self.nonzero = self.nonzero.saturating_add(other.nonzero).min(self.n);
        for ((_, ours), (_, theirs)) in self.totals_mut().into_iter().zip(other.totals()) {
            ours.merge(theirs);
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::ForecastError);
        writer.varint(self.n);
        writer.varint(self.nonzero);
        for (_, total) in self.totals() {
            total.write(&mut writer);
        }
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::ForecastError, bytes)?;
        let mut state = Self {
            n: reader.count()?,
            nonzero: reader.count()?,
            ..Self::default()
        };
        if state.nonzero > state.n {
            return Err(reader.corrupt("They hold more values other than zero than values.".into()));
        }
        for (_, total) in state.totals_mut() {
            *total = Total::read(&mut reader)?;
        }
        reader.finish()?;
        Ok(state)
    }

    fn to_text(&self) -> String {
        let mut text = format!("{{\"n\": {}, \"nonzero\": {}", self.n, self.nonzero);
        for (name, total) in self.totals() {
            let _ = write!(text, ", \"{name}\": ");
            total.push(&mut text);
        }
        text.push('}');
        text
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        let mut scanner = Scanner::new(Self::TYPE_NAME, text);
        let mut state = Self::default();
        scanner.expect("{")?;
        scanner.key("n")?;
        state.n = scanner.count()?;
        scanner.expect(",")?;
        scanner.key("nonzero")?;
        state.nonzero = scanner.count()?;
        if state.nonzero > state.n {
            return Err(scanner.error("more values other than zero than values"));
        }
        for (name, total) in state.totals_mut() {
            scanner.expect(",")?;
            scanner.key(name)?;
            *total = Total::scan(&mut scanner)?;
        }
        scanner.expect("}")?;
        scanner.finish()?;
        Ok(state)
    }
}
