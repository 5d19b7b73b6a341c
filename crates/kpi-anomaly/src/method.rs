//! The names by which a user asks for a method.

use crate::Error;
use std::str::FromStr;

/// How anomalies are found.
///
/// ```
/// use kpi_anomaly::Method;
/// assert_eq!("robust_zscore".parse::<Method>().unwrap(), Method::RobustZscore);
/// assert!("zscor".parse::<Method>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// The best that there is for a series of this kind; today always [`RobustZscore`](Method::RobustZscore).
    #[default]
    Auto,
    /// Robust z-score of the residual from trend and season.
    RobustZscore,
}

impl Method {
    const ALL: [(&'static str, Self); 2] = [("auto", Self::Auto), ("robust_zscore", Self::RobustZscore)];

    /// All names that a user can type.
    pub fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|(name, _)| *name).collect()
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
