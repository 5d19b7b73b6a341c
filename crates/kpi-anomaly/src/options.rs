//! What the single methods can be told.

use crate::Error;
use kpi_forecast::Model;

/// Options of the methods; each is read by those that have it.
///
/// ```
/// use kpi_anomaly::{Error, Options};
/// let options = Options { lambda: Some(3.0), ..Options::default() };
/// assert!(matches!(options.check(), Err(Error::OptionRange { name: "lambda", .. })));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// Steps in a window of `matrix_profile`, `sub_pca` and `spectral_residual`, lags of `isolation_forest`.
    pub window: Option<i64>,
    /// Weight of the newest value in the average of `ewma`, above 0 and at most 1; 0.2 by default.
    pub lambda: Option<f64>,
    /// What `cusum` lets pass at each step, in standard deviations, 0 to 3; 0.5 by default.
    pub slack: Option<f64>,
    /// Share of the values that `esd` takes for anomalies at most, above 0 and at most 0.49; 0.1 by default.
    pub max_share: Option<f64>,
    /// Whether `ewma` and `cusum` also apply the zone rules of the Western Electric company.
    pub western_electric: bool,
    /// Principal components of `sub_pca`, at least 1; as many as explain nine tenths of the variance by default.
    pub components: Option<i64>,
    /// The model of `forecast`; `ets` by default.
    pub model: Option<Model>,
    /// Trees of `isolation_forest`, 1 to 1000; 100 by default.
    pub trees: Option<i64>,
    /// Values that each tree is made of, 2 to 100,000; 256 by default.
    pub sample: Option<i64>,
    /// Seed of the random numbers of `isolation_forest`; 1 by default.
    pub seed: Option<i64>,
}

impl Options {
    /// Whether all are in their ranges, which can be said before there is a series.
    ///
    /// # Errors
    /// [`Error::OptionRange`].
    pub fn check(&self) -> Result<(), Error> {
        let count = |value: Option<i64>| value.map(|v| v as f64);
        for (name, value, least, most) in [
            ("lambda", self.lambda, 0.001, 1.0),
            ("slack", self.slack, 0.0, 3.0),
            ("max_share", self.max_share, 0.001, 0.49),
            ("components", count(self.components), 1.0, 100.0),
            ("trees", count(self.trees), 1.0, 1000.0),
            ("sample", count(self.sample), 2.0, 100_000.0),
        ] {
            if let Some(value) = value.filter(|v| !(least..=most).contains(v)) {
                return Err(Error::OptionRange {
                    name,
                    value,
                    least,
                    most,
                });
            }
        }
        Ok(())
    }

    /// The window asked for, or the usual one cut to `least..=most`.
    pub(crate) fn window(&self, usual: usize, least: usize, most: usize) -> Result<usize, Error> {
        if most < least {
            return Err(Error::TooShort {
                values: most,
                needed: least,
            });
        }
        match self.window {
            None => Ok(usual.clamp(least, most)),
            Some(window) => usize::try_from(window)
                .ok()
                .filter(|w| (least..=most).contains(w))
                .ok_or(Error::Window { window, least, most }),
        }
    }
}
