//! What can be wrong with a request for anomalies.

use crate::{DEFAULT_THRESHOLD, FeatureError, Method};

/// Why there is no verdict. `Display` is the message; [`detail`](Error::detail) holds the offending value and
/// [`hint`](Error::hint) says what to type instead.
///
/// ```
/// let error = kpi_anomaly::Error::Threshold { threshold: 3.0 };
/// assert_eq!(error.detail().as_deref(), Some("threshold is 3"));
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The threshold is not a probability strictly between 0 and 1.
    #[error("threshold must lie between 0 and 1, both excluded")]
    Threshold {
        /// Threshold asked for.
        threshold: f64,
    },
    /// No method has this name.
    #[error("unknown anomaly method \"{name}\"")]
    UnknownMethod {
        /// The name as it was typed.
        name: String,
    },
    /// No direction has this name.
    #[error("unknown direction \"{name}\"")]
    UnknownDirection {
        /// The name as it was typed.
        name: String,
    },
    /// The series has fewer values than can be judged.
    #[error("series is too short to find anomalies in")]
    TooShort {
        /// Values present.
        values: usize,
        /// Values needed.
        needed: usize,
    },
    /// The series holds no finite value at all.
    #[error("series holds no values to find anomalies in")]
    Empty {
        /// Points of the series, all of them gaps.
        points: usize,
    },
    /// The values are so large that arithmetic on them leaves the range of a double.
    #[error("values are too large to find anomalies in")]
    Overflow {
        /// The largest magnitude in the series.
        largest: f64,
    },
    /// Rows of several values cannot be judged.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// The caller's poll asked to stop.
    #[error("search for anomalies was canceled")]
    Canceled,
}

impl Error {
    /// The offending value, in words.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Threshold { threshold } => Some(format!("threshold is {threshold}")),
            Self::UnknownMethod { name } => Some(format!("method is \"{name}\"")),
            Self::UnknownDirection { name } => Some(format!("direction is \"{name}\"")),
            Self::TooShort { values, needed } => Some(format!(
                "the series has {values} of the at least {needed} values needed"
            )),
            Self::Empty { points } => Some(format!(
                "the series has {points} points, and none has a finite value"
            )),
            Self::Overflow { largest } => Some(format!("the largest magnitude is {largest:e}")),
            Self::Features(error) => error.detail(),
            Self::Canceled => None,
        }
    }

    /// What to type instead.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Threshold { .. } => Some(format!(
                "it is the probability of a false alarm per point: threshold => {DEFAULT_THRESHOLD} is the default"
            )),
            Self::UnknownMethod { .. } => Some(format!("use one of {}", Method::names().join(", "))),
            Self::UnknownDirection { .. } => Some("use one of both, up, down".into()),
            Self::TooShort { .. } => Some("take a longer range or a finer period".into()),
            Self::Empty { .. } => {
                Some("check the rows that the series is made of: all values are NULL, NaN or infinite".into())
            }
            Self::Overflow { .. } => Some("divide the values by a constant first, e.g. value / 1e6".into()),
            Self::Features(error) => error.hint(),
            Self::Canceled => None,
        }
    }
}
