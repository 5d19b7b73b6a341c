//! The names by which a user asks for a method.

use crate::Error;
use std::fmt;
use std::str::FromStr;

/// How anomalies are found. Each is described in its module.
///
/// ```
/// use kpi_anomaly::Method;
/// assert_eq!("robust_zscore".parse::<Method>().unwrap(), Method::RobustZscore);
/// assert!("zscor".parse::<Method>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Level, season and memory as the series has them, with the events that change them ([`crate::auto`]).
    #[default]
    Auto,
    /// Distance from a running median and the neighbouring seasons ([`crate::expectation`]).
    RobustZscore,
    /// Distance from the mean, in standard deviations.
    Zscore,
    /// Distance from the median, in median absolute deviations.
    Mad,
    /// Tukey's fences around the quartiles.
    Iqr,
    /// Seasonal hybrid generalised ESD.
    Esd,
    /// Remainder of the robust decomposition.
    Stl,
    /// One-step error of a fitted model.
    Forecast,
    /// Control chart of the exponentially weighted moving average.
    Ewma,
    /// Control chart of cumulative sums.
    Cusum,
    /// Saliency of the spectral residual.
    SpectralResidual,
    /// Discords: windows without a like.
    MatrixProfile,
    /// What the principal components of windows do not explain.
    SubPca,
    /// Isolation forest of lags and the place in the season.
    IsolationForest,
}

impl Method {
    const ALL: [(&'static str, Self); 14] = [
        ("auto", Self::Auto),
        ("robust_zscore", Self::RobustZscore),
        ("zscore", Self::Zscore),
        ("mad", Self::Mad),
        ("iqr", Self::Iqr),
        ("esd", Self::Esd),
        ("stl", Self::Stl),
        ("forecast", Self::Forecast),
        ("ewma", Self::Ewma),
        ("cusum", Self::Cusum),
        ("spectral_residual", Self::SpectralResidual),
        ("matrix_profile", Self::MatrixProfile),
        ("sub_pca", Self::SubPca),
        ("isolation_forest", Self::IsolationForest),
    ];

    /// All names that a user can type.
    pub fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|(name, _)| *name).collect()
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Self::ALL.iter().find(|(_, method)| method == self);
        f.write_str(found.map_or("auto", |(name, _)| name))
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, method)| *method)
            .ok_or_else(|| Error::UnknownMethod {
                name: name.to_owned(),
            })
    }
}
