//! What can be wrong with an argument, a stored state or its text.

use std::cmp::Ordering;

use kpi_series::timestamp;

use crate::interval::micros_text;

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
    /// A time that is one of PostgreSQL's infinities.
    #[error("a point in time must be finite")]
    InfiniteTime {
        /// Whether it is `infinity` rather than `-infinity`.
        positive: bool,
    },
    /// Stretches of points interleave, and the points themselves are no longer known.
    #[error("states of overlapping times cannot be put together from their summaries")]
    Overlap {
        /// A time that belongs to both, in microseconds since 2000-01-01 UTC.
        at: i64,
        /// The aggregate as one writes it for sorted rows.
        sorted: &'static str,
    },
    /// A neighbour that does not lie before or after the state that it is to complete.
    #[error("a neighbouring state overlaps with the one to interpolate")]
    Neighbour {
        /// A time that belongs to both, in microseconds since 2000-01-01 UTC.
        at: i64,
    },
    /// A range of time that ends before it starts, or is empty.
    #[error("a range of time must end after it starts")]
    EmptyRange {
        /// The start, in microseconds since 2000-01-01 UTC.
        start: i64,
        /// The end.
        end: i64,
    },
    /// Extrapolation needs to know up to where.
    #[error("the state has no bounds to extrapolate to")]
    NoBounds,
    /// Points outside of the bounds to which they are to be extrapolated.
    #[error("a point lies outside of the bounds to extrapolate to")]
    OutsideBounds {
        /// The time of the point, in microseconds since 2000-01-01 UTC.
        at: i64,
    },
    /// A name of an extrapolation that is not known.
    #[error("unknown method of extrapolation")]
    UnknownExtrapolation(String),
    /// A name of a time weighting that is not known.
    #[error("unknown method of time weighting")]
    UnknownWeighting(String),
    /// Time weights of different methods in one state.
    #[error("time weights of different methods cannot be put together")]
    MixedWeighting,
    /// A unit of time that is not known.
    #[error("unknown unit of time")]
    UnknownUnit(String),
    /// A heartbeat that does not last.
    #[error("a heartbeat must keep a system live for a positive time")]
    Liveness(i64),
    /// More distinct states than a state aggregate is made for.
    #[error("too many different states in one aggregate")]
    TooManyStates(usize),
    /// An argument or an input value outside of what a function takes.
    #[error("{message}")]
    Argument {
        /// What is asked of it.
        message: &'static str,
        /// What was given.
        given: String,
        /// What to give instead.
        hint: &'static str,
    },
    /// Two states whose settings have to be the same, and are not.
    #[error("{message}")]
    Different {
        /// What cannot be done with them.
        message: &'static str,
        /// What each has, the smaller first: which of them came first is chance.
        have: [String; 2],
        /// What to do instead.
        hint: &'static str,
    },
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
    /// The error for an argument or an input value outside of what a function takes.
    pub(crate) fn argument(message: &'static str, given: impl ToString, hint: &'static str) -> Self {
        Self::Argument {
            message,
            given: match given.to_string().as_str() {
                "inf" => "Infinity".into(),
                "-inf" => "-Infinity".into(),
                given => given.into(),
            },
            hint,
        }
    }

    /// The error for two states with different settings.
    pub(crate) fn different<T: PartialOrd>(
        message: &'static str,
        settings: [T; 2],
        show: impl Fn(T) -> String,
        hint: &'static str,
    ) -> Self {
        Self::Different {
            message,
            have: in_order(settings).map(show),
            hint,
        }
    }

    /// The value that was wrong, and why.
    ///
    /// ```
    /// use kpi_stats::Error;
    /// assert_eq!(Error::Percentile(1.5).detail().as_deref(), Some("The percentile given is 1.5."));
    /// ```
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Overflow(_) | Self::NotANumber | Self::NoBounds => None,
            Self::MixedWeighting => Some("One is of 'LOCF', the other of 'Linear'.".into()),
            Self::InfiniteTime { positive } => Some(format!(
                "The time given is {}infinity.",
                if *positive { "" } else { "-" }
            )),
            Self::Overlap { at, .. } => Some(format!(
                "Both have points around {}, and at least one is only a summary of its points.",
                timestamp::format(*at)
            )),
            Self::Neighbour { at } => Some(format!("Both have points around {}.", timestamp::format(*at))),
            Self::EmptyRange { start, end } => Some(format!(
                "The range given is from {} to {}.",
                timestamp::format(*start),
                timestamp::format(*end)
            )),
            Self::OutsideBounds { at } => Some(format!("The point is at {}.", timestamp::format(*at))),
            Self::UnknownExtrapolation(method) | Self::UnknownWeighting(method) => {
                Some(format!("The method given is \"{method}\"."))
            }
            Self::UnknownUnit(unit) => Some(format!("The unit given is \"{unit}\".")),
            Self::Liveness(micros) => Some(format!("The liveness given is {}.", micros_text(*micros))),
            Self::TooManyStates(most) => Some(format!("At most {most} different states can be told apart.")),
            Self::HistogramBounds { least, most } => Some(format!(
                "The bounds given are {} and {}.",
                number_text(*least),
                number_text(*most)
            )),
            Self::BucketCount(buckets) => Some(format!("The number of buckets given is {buckets}.")),
            Self::UnknownMethod(method) => Some(format!("The method given is \"{method}\".")),
            Self::Percentile(p) => Some(format!("The percentile given is {}.", number_text(*p))),
            Self::RegisterCount(size) => Some(format!("The size given is {size}.")),
            Self::Argument { given, .. } => Some(format!("The value given is {given}.")),
            Self::Different {
                have: [one, other], ..
            } => Some(format!("One has {one}, the other {other}.")),
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
            Self::InfiniteTime { .. } => "Leave such rows out: ... FILTER (WHERE isfinite(ts)).",
            Self::Overlap { sorted, .. } => {
                return Some(format!(
                    "Aggregate the rows of both anew, or group so that no two states cover the same time; for more rows in \
                     one group than fit memory, sort them: {sorted}."
                ));
            }
            Self::Neighbour { .. } => {
                "Pass the states of the bucket before and the bucket after: lag(state) OVER (ORDER BY bucket), lead(state) \
                 OVER (ORDER BY bucket)."
            }
            Self::EmptyRange { .. } => "Give a start and a positive duration.",
            Self::NoBounds => "Write with_bounds(state, tstzrange(start, end)) around the state.",
            Self::OutsideBounds { .. } => {
                "Give bounds that hold all points, for example those of the bucket."
            }
            Self::UnknownExtrapolation(_) => "Use 'prometheus'.",
            Self::UnknownWeighting(_) => {
                "Use 'LOCF' (a value holds until the next one) or 'Linear' (values change along a line)."
            }
            Self::MixedWeighting => "Roll up 'LOCF' and 'Linear' states apart from each other.",
            Self::UnknownUnit(_) => {
                "Use 'microseconds', 'milliseconds', 'seconds', 'minutes', 'hours' or 'days'."
            }
            Self::Liveness(_) => "Give an interval such as '5 minutes'.",
            Self::TooManyStates(_) => {
                "Aggregate a column with few different values; to count values use freq_agg."
            }
            Self::Argument { hint, .. } | Self::Different { hint, .. } => hint,
            Self::Corrupt { .. } => "Store only what an aggregate of this type returned, unchanged.",
            Self::Text { .. } => "Give the text that this type prints; build new states with its aggregate.",
        };
        Some(hint.to_owned())
    }
}

/// Two values, the smaller first, so that a message does not depend on the order in which rows arrive.
///
/// ```
/// assert_eq!(kpi_stats::in_order([2, 1]), [1, 2]);
/// ```
pub fn in_order<T: PartialOrd>([one, other]: [T; 2]) -> [T; 2] {
    match one.partial_cmp(&other) {
        Some(Ordering::Greater) => [other, one],
        _ => [one, other],
    }
}

/// A double as PostgreSQL writes it.
fn number_text(number: f64) -> String {
    match number {
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        number => number.to_string(),
    }
}
