//! What can be wrong with rows of several values, and with what is made of them.

use crate::forest::{MAX_LEAVES, MAX_SAMPLE, MAX_TREES};
use crate::reservoir::MAX_CELLS;

/// Why rows of features have no forest, covariance or score. `Display` is the message; [`detail`](FeatureError::detail)
/// holds the offending value and [`hint`](FeatureError::hint) says what to type instead.
///
/// ```
/// let error = kpi_anomaly::FeatureError::Width { given: 3, expected: 2 };
/// assert_eq!(error.detail().as_deref(), Some("there are 3 features, and 2 are expected"));
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FeatureError {
    /// A row has another number of features than the rows before it, or than those that were learnt from.
    #[error("features have another length")]
    Width {
        /// Features of this row.
        given: usize,
        /// Features of the others.
        expected: usize,
    },
    /// A row has no features, or too many.
    #[error("number of features is out of range")]
    Features {
        /// Features of this row.
        given: usize,
        /// Features that there may be.
        most: usize,
    },
    /// The number of trees is below 1 or above [`MAX_TREES`].
    #[error("number of trees is out of range")]
    Trees {
        /// Trees asked for.
        trees: i64,
    },
    /// The rows of each tree are below 2 or above [`MAX_SAMPLE`].
    #[error("sample of a tree is out of range")]
    Sample {
        /// Rows asked for.
        sample: i64,
    },
    /// The rows of one tree hold more values than are kept.
    #[error("sample of a tree is too large for so many features")]
    SampleTooLarge {
        /// Rows asked for.
        sample: i64,
        /// Features of each.
        width: usize,
    },
    /// All trees together have too many leaves.
    #[error("forest is too large")]
    ForestTooLarge {
        /// Trees asked for.
        trees: i64,
        /// Rows of each.
        sample: i64,
    },
    /// There are fewer rows than are needed.
    #[error("there are too few rows to learn from")]
    TooFew {
        /// Rows that could be used.
        rows: usize,
        /// Rows needed.
        needed: usize,
    },
    /// Some features follow from the others, so that no distance is defined.
    #[error("features depend on each other")]
    Dependent {
        /// The feature that follows from those before it, from 1.
        feature: usize,
    },
    /// The values are so large that arithmetic on them leaves the range of a double.
    #[error("features are too large to learn from")]
    Overflow {
        /// The feature, from 1.
        feature: usize,
    },
    /// No method for several series has this name.
    #[error("unknown method for several series \"{name}\"")]
    UnknownMethod {
        /// The name as it was typed.
        name: String,
    },
    /// The bytes or the text of a stored value are wrong.
    #[error(transparent)]
    Stored(#[from] kpi_stats::Error),
    /// The caller's poll asked to stop.
    #[error("learning was canceled")]
    Canceled,
}

impl FeatureError {
    /// The offending value, in words.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Width { given, expected } => {
                Some(format!("there are {given} features, and {expected} are expected"))
            }
            Self::Features { given, .. } => Some(format!("there are {given} features")),
            Self::Trees { trees } => Some(format!("trees is {trees}")),
            Self::Sample { sample } => Some(format!("sample is {sample}")),
            Self::SampleTooLarge { sample, width } => Some(format!(
                "{sample} rows of {width} features are more than {MAX_CELLS} values"
            )),
            Self::ForestTooLarge { trees, sample } => Some(format!(
                "{trees} trees of {sample} rows are more than {MAX_LEAVES} rows"
            )),
            Self::TooFew { rows, needed } => {
                Some(format!("there are {rows} of the at least {needed} rows needed"))
            }
            Self::Dependent { feature } => Some(format!(
                "feature {feature} is constant in most rows, or a weighted sum of the features before it"
            )),
            Self::Overflow { feature } => Some(format!(
                "feature {feature} is beyond the range of double precision"
            )),
            Self::UnknownMethod { name } => Some(format!("method is \"{name}\"")),
            Self::Stored(error) => error.detail(),
            Self::Canceled => None,
        }
    }

    /// What to type instead.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Width { .. } => Some(
                "give the same features in the same order in every row; NULL stands for one that is missing"
                    .into(),
            ),
            Self::Features { most, .. } => Some(format!(
                "give from 1 to {most} numbers, such as ARRAY[requests, latency]"
            )),
            Self::Trees { .. } => Some(format!("give from 1 to {MAX_TREES} trees; 100 is the default")),
            Self::Sample { .. } => Some(format!(
                "give from 2 to {MAX_SAMPLE} rows for each tree; 256 is the default"
            )),
            Self::SampleTooLarge { .. } => Some("give a smaller sample; 256 is the default".into()),
            Self::ForestTooLarge { .. } => {
                Some("give fewer trees or a smaller sample; 100 and 256 are the defaults".into())
            }
            Self::TooFew { .. } => Some("take more rows, of which none of the features is NULL".into()),
            Self::Dependent { .. } => Some(
                "leave that feature out, or use kpi.isolation_forest, which takes dependent features".into(),
            ),
            Self::Overflow { .. } => Some("divide the feature by a constant first, e.g. value / 1e6".into()),
            Self::UnknownMethod { .. } => Some("use one of auto, isolation_forest, mahalanobis".into()),
            Self::Stored(error) => error.hint(),
            Self::Canceled => None,
        }
    }
}
