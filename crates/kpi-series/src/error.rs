//! What can go wrong with a series, each with the value that was wrong and what to do instead.

use crate::{MAX_POINTS, timestamp};

/// An error of this crate: `Display` is the message, [`Error::detail`] the value, [`Error::hint`] the way out.
///
/// ```
/// use kpi_series::{Error, Series};
///
/// let error = Series::parse("[[1]]").unwrap_err();
/// assert_eq!(error.to_string(), "invalid text for a series");
/// assert_eq!(
///     error.detail().unwrap(),
///     "at byte 3: expected a time in double quotes, found 1]]"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// More distinct timestamps than one value may hold.
    #[error("a series holds at most {MAX_POINTS} points")]
    TooManyPoints,
    /// An infinite timestamp: it has no place on a time axis.
    #[error("a series cannot hold an infinite time")]
    InfiniteTime {
        /// `true` for `infinity`, `false` for `-infinity`.
        positive: bool,
    },
    /// A timestamp outside of what `timestamptz` can hold.
    #[error("time is out of range for a series")]
    TimeOutOfRange {
        /// Microseconds since 2000-01-01 UTC.
        time: i64,
    },
    /// Text that is not the text form of a series.
    #[error("invalid text for a series")]
    BadText {
        /// Offset of the first byte that does not fit, counted from 1.
        position: usize,
        /// What would have fitted.
        expected: &'static str,
        /// What is there instead, shortened; empty at the end of the text.
        found: String,
    },
    /// A step that is zero or goes back.
    #[error("a step must lead forward")]
    StepNotPositive {
        /// Calendar months.
        months: i32,
        /// Calendar days.
        days: i32,
        /// Microseconds.
        micros: i64,
    },
    /// A step that is too short for the time from the first to the last point.
    #[error("a grid holds at most {MAX_POINTS} points")]
    GridTooFine,
    /// A step that leads out of the range of `timestamptz`.
    #[error("a step leads out of the range of times")]
    StepOutOfRange {
        /// Where the step starts, in microseconds since 2000-01-01 UTC.
        time: i64,
        /// Number of steps.
        n: i64,
    },
    /// A way to fill gaps that does not exist.
    #[error("unknown way to fill gaps")]
    UnknownFill {
        /// What was given.
        given: String,
    },
    /// A number that is too small or too large.
    #[error("{name} must be from {least} to {most}")]
    NumberOutOfRange {
        /// The argument.
        name: &'static str,
        /// What was given.
        given: i64,
        /// The smallest number allowed.
        least: i64,
        /// The largest number allowed.
        most: i64,
    },
    /// A bucket that is empty or goes back.
    #[error("the width of a bucket must be greater than zero")]
    WidthNotPositive {
        /// Calendar months.
        months: i32,
        /// Calendar days.
        days: i32,
        /// Microseconds.
        micros: i64,
    },
    /// A bucket of months and of days or time: its length would depend on where it starts.
    #[error("the width of a bucket cannot mix months with days or time")]
    WidthMixed {
        /// Calendar months.
        months: i32,
        /// Calendar days.
        days: i32,
        /// Microseconds.
        micros: i64,
    },
    /// A bucket of dates that is not of whole days.
    #[error("the width of a bucket of dates must be whole days or months")]
    WidthNotDays {
        /// Microseconds.
        micros: i64,
    },
    /// An integer bucket that is empty or goes back.
    #[error("the width of a bucket must be greater than zero")]
    IntegerWidthNotPositive {
        /// What was given.
        width: i64,
    },
    /// An origin at no point in time.
    #[error("the origin of buckets must be finite")]
    OriginInfinite,
    /// A bucket that starts, or is computed by way of, a time that `timestamptz` cannot hold.
    #[error("the start of the bucket is out of the range of times")]
    BucketOutOfRange,
    /// An integer bucket that starts below what the type can hold.
    #[error("the start of the bucket is out of range for its type")]
    IntegerBucketOutOfRange {
        /// The number whose bucket was sought.
        number: i64,
    },
    /// A gap that ends before it starts.
    #[error("a gap must not be shorter than no time")]
    GapNegative {
        /// What was given, in microseconds.
        micros: i64,
    },
    /// Rows of one downsampling that want different results.
    #[error("n and the gap must be the same in all rows")]
    SettingsDiffer {
        /// The settings of the rows before: `n`, and the gap in microseconds.
        one: (i64, Option<i64>),
        /// Those of the row that differs.
        other: (i64, Option<i64>),
    },
    /// An expression for `map` or `filter` that cannot be read, or whose kinds do not fit.
    #[error("invalid expression for the points of a series")]
    BadLambda {
        /// The first character that does not fit, counted from 1.
        position: usize,
        /// What would have fitted.
        expected: String,
        /// What is there instead, shortened; empty at the end of the text.
        found: String,
    },
    /// An arithmetic operation that does not exist.
    #[error("unknown arithmetic operation")]
    UnknownArithmetic {
        /// What was given.
        given: String,
    },
    /// A way to fill up to a step that does not exist.
    #[error("unknown method to fill a series")]
    UnknownFillMethod {
        /// What was given.
        given: String,
    },
    /// Bytes that are not an encoded series.
    #[error("invalid bytes for a series")]
    BadBytes {
        /// Offset of the byte at which decoding stopped, counted from 0.
        offset: usize,
        /// What is wrong there.
        reason: &'static str,
    },
}

impl Error {
    /// The value that was wrong.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::TooManyPoints | Self::GridTooFine | Self::OriginInfinite | Self::BucketOutOfRange => None,
            Self::WidthNotPositive { months, days, micros } | Self::WidthMixed { months, days, micros } => {
                Some(format!(
                    "the width is {months} months, {days} days and {micros} microseconds"
                ))
            }
            Self::WidthNotDays { micros } => Some(format!("the width is {micros} microseconds")),
            Self::IntegerWidthNotPositive { width } => Some(format!("the width is {width}")),
            Self::IntegerBucketOutOfRange { number } => Some(format!("the bucket is that of {number}")),
            Self::InfiniteTime { positive } => Some(format!(
                "a row has the time {}",
                if *positive { "infinity" } else { "-infinity" }
            )),
            Self::TimeOutOfRange { time } => Some(format!("the time is {}", timestamp::format(*time))),
            Self::BadText {
                position,
                expected,
                found,
            } => {
                let found = if found.is_empty() {
                    "the end of the text"
                } else {
                    found
                };
                Some(format!("at byte {position}: expected {expected}, found {found}"))
            }
            Self::StepNotPositive { months, days, micros } => Some(format!(
                "the step is {months} months, {days} days and {micros} microseconds"
            )),
            Self::StepOutOfRange { time, n } => Some(format!(
                "{n} steps from {} are too many",
                timestamp::format(*time)
            )),
            Self::UnknownFill { given } => Some(format!("fill is \"{given}\"")),
            Self::NumberOutOfRange { name, given, .. } => Some(format!("{name} is {given}")),
            Self::GapNegative { micros } => Some(format!("the gap is {micros} microseconds")),
            Self::SettingsDiffer { one, other } => Some(settings_that_differ(*one, *other)),
            Self::BadLambda {
                position,
                expected,
                found,
            } => {
                let found = if found.is_empty() { "the end" } else { found };
                Some(format!(
                    "at character {position}: expected {expected}, found {found}"
                ))
            }
            Self::UnknownArithmetic { given } => Some(format!("the operation is \"{given}\"")),
            Self::UnknownFillMethod { given } => Some(format!("the method is \"{given}\"")),
            Self::BadBytes { offset, reason } => Some(format!("at byte {offset}: {reason}")),
        }
    }

    /// What to type instead.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::TooManyPoints => {
                "aggregate to coarser buckets first, for example kpi.series(bucket, value) over \
                 SELECT date_trunc('minute', ts) AS bucket, avg(value) AS value ... GROUP BY 1"
            }
            Self::InfiniteTime { .. } => "leave such rows out with WHERE isfinite(ts)",
            Self::TimeOutOfRange { .. } => "times reach from 4714-11-24 BC to the end of the year 294276",
            Self::BadText { .. } => {
                "the text form is JSON, for example [[\"2026-01-01T00:00:00Z\", 1.5], [\"2026-01-02T00:00:00Z\", null]]"
            }
            Self::StepNotPositive { .. } => "give a step such as '1 hour', '1 day' or '1 month'",
            Self::GridTooFine => "give a longer step",
            Self::StepOutOfRange { .. } => "take fewer or shorter steps",
            Self::UnknownFill { .. } => "fill is one of 'gap', 'previous', 'linear', 'zero'",
            Self::WidthNotPositive { .. } => "give a width such as '15 minutes', '1 day' or '1 month'",
            Self::WidthMixed { .. } => {
                "give months alone, such as '3 months', or days and time, such as '30 days' or '36 hours'"
            }
            Self::WidthNotDays { .. } => "give a width such as '7 days', or cast the dates to timestamp",
            Self::IntegerWidthNotPositive { .. } => "give a width of at least 1",
            Self::OriginInfinite => "give a time such as '2000-01-01'",
            Self::BucketOutOfRange => {
                "times reach from 4714-11-24 BC to the end of the year 294276; a bucket that holds such a time may start before it"
            }
            Self::IntegerBucketOutOfRange { .. } => "give a smaller width, or cast to a wider integer type",
            Self::GapNegative { .. } => {
                "give the longest time between two points that belong together, such as '5 minutes'"
            }
            Self::SettingsDiffer { .. } => {
                "give constants, such as kpi.lttb(ts, value, 800), or GROUP BY them"
            }
            Self::BadLambda { .. } => {
                "write for example $$ $value * 2 $$, $$ ($time + '1 day'i, sqrt($value)) $$, or for filter \
                 $$ $value > 0 and $time >= '2026-01-01't $$"
            }
            Self::UnknownArithmetic { .. } => {
                "it is one of 'add', 'sub', 'mul', 'div', 'mod', 'power', 'logn'"
            }
            Self::UnknownFillMethod { .. } => "it is one of 'locf', 'linear', 'nearest'",
            Self::NumberOutOfRange { .. } | Self::BadBytes { .. } => return None,
        };
        Some(hint.to_string())
    }
}

/// What the rows want, where that is not the same.
fn settings_that_differ(one: (i64, Option<i64>), other: (i64, Option<i64>)) -> String {
    if one.0 != other.0 {
        return format!("n is {} in one row and {} in another", one.0, other.0);
    }
    let gap = |gap: Option<i64>| gap.map_or("none".into(), |micros| format!("{micros} microseconds"));
    format!(
        "the gap is {} in one row and {} in another",
        gap(one.1),
        gap(other.1)
    )
}
