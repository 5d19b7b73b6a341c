//! What a model leaves of its history, and whether anything is still in it.

use crate::autocorrelation::autocorrelations;
use kpi_stats::Error;
use kpi_stats::frame::{Reader, Writer};
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};

/// The errors of the forecasts one step ahead within the history, and three tests of them. A small p-value speaks against
/// the model: its bands, or its point forecasts, could be better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Residuals {
    /// How many there are.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// Whether the mean is 0: p-value of the normal test.
    pub mean_p: f64,
    /// Lags of the test for autocorrelation.
    pub lags: usize,
    /// `n (n + 2) sum r_k^2 / (n - k)` over the lags.
    pub ljung_box: f64,
    /// p-value of that: chi-square with as many degrees of freedom as lags, less the coefficients of an ARIMA model.
    pub ljung_box_p: f64,
    /// `n / 6 (skewness^2 + excess kurtosis^2 / 4)`.
    pub jarque_bera: f64,
    /// p-value of that: chi-square with 2 degrees of freedom.
    pub jarque_bera_p: f64,
}

/// Fewer say nothing.
const FEW: usize = 8;

impl Residuals {
    /// Of errors, those that are not finite left out: the tests of Ljung & Box (1978, *Biometrika* 65:297-303), at two
    /// seasons or 10 lags, at most a fifth of the values (Hyndman & Athanasopoulos, 3rd ed., section 5.4), and of Jarque &
    /// Bera (1987, *International Statistical Review* 55:163-172). `None` of fewer than 8 errors and when all are the same.
    ///
    /// ```
    /// use kpi_forecast::state::Residuals;
    /// let errors: Vec<f64> = (0..60).map(|t| [1.0, 2.0, -1.0, -2.0][t % 4]).collect();
    /// let found = Residuals::of(&errors, 4, 0).unwrap();
    /// assert!(found.mean_p > 0.9 && found.lags == 8 && found.ljung_box_p < 1e-6);
    /// ```
    pub fn of(errors: &[f64], season: usize, coefficients: usize) -> Option<Self> {
        let errors: Vec<f64> = errors.iter().copied().filter(|e| e.is_finite()).collect();
        let count = errors.len();
        if count < FEW {
            return None;
        }
        let n = count as f64;
        let mean = errors.iter().map(|e| e / n).sum::<f64>();
        let moment = |power: i32| errors.iter().map(|e| (e - mean).powi(power) / n).sum::<f64>();
        let variance = moment(2);
        if !(variance > 0.0 && variance.is_finite()) {
            return None;
        }
        let deviation = (variance * n / (n - 1.0)).sqrt();
        let most = if season > 1 { 2 * season } else { 10 };
        let lags = most.min(count / 5).max(coefficients + 1).min(count - 2);
        let ljung_box = n
            * (n + 2.0)
            * autocorrelations(&errors, lags)
                .iter()
                .enumerate()
                .skip(1)
                .map(|(k, r)| r * r / (n - k as f64))
                .sum::<f64>();
        let skewness = moment(3) / variance.powf(1.5);
        let excess = moment(4) / variance.powi(2) - 3.0;
        let jarque_bera = n / 6.0 * (skewness.powi(2) + excess.powi(2) / 4.0);
        Some(Self {
            count,
            mean,
            deviation,
            mean_p: 2.0 * Normal::standard().sf(mean.abs() / deviation * n.sqrt()),
            lags,
            ljung_box,
            ljung_box_p: beyond(ljung_box, lags.saturating_sub(coefficients).max(1)),
            jarque_bera,
            jarque_bera_p: beyond(jarque_bera, 2),
        })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.varint(self.count as u64);
        writer.varint(self.lags as u64);
        for number in [
            self.mean,
            self.deviation,
            self.mean_p,
            self.ljung_box,
            self.ljung_box_p,
            self.jarque_bera,
            self.jarque_bera_p,
        ] {
            writer.f64(number);
        }
    }

    pub(super) fn read(reader: &mut Reader) -> Result<Self, Error> {
        let (count, lags) = (
            super::codec::read_count(reader)?,
            super::codec::read_count(reader)?,
        );
        Ok(Self {
            count,
            lags,
            mean: reader.f64()?,
            deviation: reader.f64()?,
            mean_p: reader.f64()?,
            ljung_box: reader.f64()?,
            ljung_box_p: reader.f64()?,
            jarque_bera: reader.f64()?,
            jarque_bera_p: reader.f64()?,
        })
    }
}

/// The probability that a chi-square variable is larger.
fn beyond(statistic: f64, freedom: usize) -> f64 {
    ChiSquared::new(freedom as f64).map_or(f64::NAN, |chi| chi.sf(statistic))
}
