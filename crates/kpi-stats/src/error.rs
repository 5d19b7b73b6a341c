//! What can be wrong with an argument, a stored state or its text.

/// An error of this crate. `Display` is the message; [`Error::detail`] holds the value, [`Error::hint`] what to do instead.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// A result that finite inputs led beyond the range of a double.
    #[error("{0} is out of range: overflow")]
    Overflow(&'static str),
    /// A method name that is neither the sample's nor the population's.
    #[error("unknown method for a statistic")]
    UnknownMethod(String),
    /// A percentile outside 0 to 1.
    #[error("a percentile must be between 0 and 1")]
    Percentile(f64),
    /// A number of registers that a HyperLogLog cannot have.
    #[error("a hyperloglog needs between 16 and 262144 registers")]
    RegisterCount(i64),
    /// Bounds that enclose nothing, or are not finite.
    #[error("the bounds of a histogram must be finite, the lower one below the upper one")]
    HistogramBounds {
        /// The lower bound.
        least: f64,
        /// The upper bound.
        most: f64,
    },
    /// A number of buckets that a histogram cannot have.
    #[error("a histogram has between 1 and 1000000 buckets")]
    BucketCount(i32),
    /// A histogram has no place for NaN.
    #[error("a histogram cannot count NaN")]
    NotANumber,
    /// Bytes that no state of this type encodes to.
    #[error("these bytes are not a valid {type_name}")]
    Corrupt {
        /// The SQL type that was expected.
        type_name: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Text that is not the text form of a state of this type.
    #[error("invalid input syntax for type {type_name}")]
    Text {
        /// The SQL type that was expected.
        type_name: &'static str,
        /// Where reading stopped: characters, counted from 1.
        position: usize,
        /// What was expected there.
        reason: String,
    },
}

impl Error {
    /// The value that was wrong, and why.
    ///
    /// ```
    /// use kpi_stats::Error;
    /// assert_eq!(Error::Percentile(1.5).detail().as_deref(), Some("The percentile given is 1.5."));
    /// ```
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Overflow(_) | Self::NotANumber => None,
            Self::HistogramBounds { least, most } => {
                Some(format!("The bounds given are {least} and {most}."))
            }
            Self::BucketCount(buckets) => Some(format!("The number of buckets given is {buckets}.")),
            Self::UnknownMethod(method) => Some(format!("The method given is \"{method}\".")),
            Self::Percentile(p) => Some(format!("The percentile given is {p}.")),
            Self::RegisterCount(size) => Some(format!("The size given is {size}.")),
            Self::Corrupt { reason, .. } => Some(reason.clone()),
            Self::Text { position, reason, .. } => Some(format!("At character {position}: {reason}.")),
        }
    }

    /// What to do instead.
    ///
    /// ```
    /// use kpi_stats::Error;
    /// let hint = Error::UnknownMethod("biased".into()).hint().unwrap();
    /// assert_eq!(hint, "Use 'sample' (divides by n - 1) or 'population' (divides by n).");
    /// ```
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Overflow(_) => "Aggregate smaller numbers, for example thousands or millions of the unit.",
            Self::UnknownMethod(_) => "Use 'sample' (divides by n - 1) or 'population' (divides by n).",
            Self::Percentile(_) => "Write the median as 0.5 and the 95th percentile as 0.95.",
            Self::RegisterCount(_) => "Use 16384: it has a standard error of 0.81% and at most 8.3 kB.",
            Self::HistogramBounds { .. } => {
                "Write histogram(value, min, max, nbuckets), for example histogram(value, 0, 100, 10)."
            }
            Self::BucketCount(_) => {
                "Write histogram(value, min, max, nbuckets), for example histogram(value, 0, 100, 10)."
            }
            Self::NotANumber => "Leave such rows out: histogram(...) FILTER (WHERE value <> 'NaN').",
            Self::Corrupt { .. } => "Store only what an aggregate of this type returned, unchanged.",
            Self::Text { .. } => "Give the text that this type prints; build new states with its aggregate.",
        };
        Some(hint.to_owned())
    }
}
