//! What can be wrong with a request for anomalies.

use crate::detector::MAX_SEASON;
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
    /// A season that no detector can have.
    #[error("a detector has no season of that many steps")]
    DetectorSeason {
        /// Steps asked for.
        steps: i64,
    },
    /// Bytes that are no detector.
    #[error(transparent)]
    Stored(#[from] kpi_stats::Error),
    /// No choice of an argument has this name.
    #[error("unknown {what} \"{name}\"")]
    Unknown {
        /// What it should have been the name of.
        what: &'static str,
        /// The argument.
        argument: &'static str,
        /// The name as it was typed.
        name: String,
        /// The names that there are.
        known: Vec<&'static str>,
    },
    /// The season does not fit twice into the series.
    #[error("season must be 1 for none, or fit twice into the series")]
    Season {
        /// Season asked for, in steps.
        season: i64,
        /// Steps of the series.
        length: usize,
    },
    /// A window that a method looks at is too short or too long.
    #[error("window must have between {least} and {most} steps")]
    Window {
        /// Window asked for, in steps.
        window: i64,
        /// The shortest.
        least: usize,
        /// The longest in this series.
        most: usize,
    },
    /// An option is not in its range.
    #[error("option \"{name}\" must lie between {least} and {most}")]
    OptionRange {
        /// Its name.
        name: &'static str,
        /// The value.
        value: f64,
        /// The least value.
        least: f64,
        /// The largest value.
        most: f64,
    },
    /// The method compares every window with every other one, and there are too many.
    #[error("series is too long for method \"{method}\"")]
    TooLong {
        /// The method.
        method: &'static str,
        /// Steps of the series.
        length: usize,
        /// Steps that it takes.
        most: usize,
    },
    /// The forecasting model cannot be fitted.
    #[error("{message}")]
    Forecast {
        /// What the model says.
        message: String,
        /// Its detail.
        detail: Option<String>,
        /// Its hint.
        hint: Option<String>,
    },
    /// The penalty of a change point is not above 0.
    #[error("penalty must be a finite number above 0")]
    Penalty {
        /// Penalty asked for.
        penalty: f64,
    },
    /// A segment between change points would have too few values.
    #[error("min_size must be at least {least} for this cost")]
    SegmentSize {
        /// Size asked for.
        size: i64,
        /// The least.
        least: usize,
    },
    /// Bayesian online detection is not made for lines.
    #[error("method \"bocpd\" has no cost \"trend\"")]
    SearchWithoutTrend,
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
            Self::DetectorSeason { steps } => Some(format!("season is {steps}")),
            Self::Stored(error) => error.detail(),
            Self::Unknown { argument, name, .. } => Some(format!("{argument} is \"{name}\"")),
            Self::Season { season, length } => {
                Some(format!("season is {season}, the series has {length} steps"))
            }
            Self::Window { window, .. } => Some(format!("window is {window}")),
            Self::OptionRange { name, value, .. } => Some(format!("{name} is {value}")),
            Self::TooLong { length, most, .. } => {
                Some(format!("the series has {length} steps, more than {most}"))
            }
            Self::Forecast { detail, .. } => detail.clone(),
            Self::Penalty { penalty } => Some(format!("penalty is {penalty}")),
            Self::SegmentSize { size, .. } => Some(format!("min_size is {size}")),
            Self::Features(error) => error.detail(),
            Self::SearchWithoutTrend | Self::Canceled => None,
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
            Self::DetectorSeason { .. } => Some(format!(
                "give between 1 (no season) and {MAX_SEASON} steps, or leave it out to have it found"
            )),
            Self::Stored(error) => error.hint(),
            Self::Unknown { known, .. } => Some(format!("use one of {}", known.join(", "))),
            Self::Season { .. } => Some("leave season out to have it found, or give 1 for none".into()),
            Self::Window { least, most, .. } if least <= most => Some(format!(
                "for example options => '{{\"window\": {}}}'",
                (*least).max((*most).min(50))
            )),
            Self::Window { .. } => Some("take a longer range or a finer period".into()),
            Self::OptionRange { name, least, most, .. } => Some(format!(
                "for example options => '{{\"{name}\": {}}}'",
                least + (most - least) / 4.0
            )),
            Self::TooLong { .. } => {
                Some("take a shorter range or a coarser period, or method => 'spectral_residual'".into())
            }
            Self::Forecast { hint, .. } => hint.clone(),
            Self::Penalty { .. } => Some(
                "it is what a change has to gain in twice the logarithm of the likelihood: 3 * ln(n) is the default for the mean".into(),
            ),
            Self::SegmentSize { least, .. } => Some(format!("for example min_size => {}", 5.max(*least))),
            Self::SearchWithoutTrend => Some("use method => 'pelt' or 'binseg' with this cost".into()),
            Self::Features(error) => error.hint(),
            Self::Canceled => None,
        }
    }
}

impl From<kpi_forecast::Error> for Error {
    fn from(error: kpi_forecast::Error) -> Self {
        match error {
            kpi_forecast::Error::Canceled => Self::Canceled,
            kpi_forecast::Error::Overflow { largest } => Self::Overflow { largest },
            other => Self::Forecast {
                message: other.to_string(),
                detail: other.detail(),
                hint: other.hint(),
            },
        }
    }
}
