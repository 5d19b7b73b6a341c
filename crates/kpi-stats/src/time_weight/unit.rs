//! Names of the units in which an integral over time is given.

use crate::Error;

/// The unit of time of an integral: value times hours, say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeUnit {
    /// Microseconds.
    Microsecond,
    /// Milliseconds.
    Millisecond,
    /// Seconds.
    #[default]
    Second,
    /// Minutes.
    Minute,
    /// Hours.
    Hour,
    /// Days of 24 hours.
    Day,
}

const UNITS: [(TimeUnit, &[&str]); 6] = [
    (
        TimeUnit::Microsecond,
        &["microsecond", "microseconds", "usec", "usecs", "us", "µs"],
    ),
    (
        TimeUnit::Millisecond,
        &["millisecond", "milliseconds", "msec", "msecs", "ms"],
    ),
    (TimeUnit::Second, &["second", "seconds", "sec", "secs", "s"]),
    (TimeUnit::Minute, &["minute", "minutes", "min", "mins", "m"]),
    (TimeUnit::Hour, &["hour", "hours", "hr", "hrs", "h"]),
    (TimeUnit::Day, &["day", "days", "d"]),
];

impl TimeUnit {
    /// Reads a unit in the singular, in the plural, or abbreviated as in an `interval`; in any case.
    ///
    /// # Errors
    /// [`Error::UnknownUnit`].
    ///
    /// ```
    /// use kpi_stats::TimeUnit;
    /// assert_eq!(TimeUnit::parse("Hours")?, TimeUnit::Hour);
    /// assert!(TimeUnit::parse("month").is_err());
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    pub fn parse(word: &str) -> Result<Self, Error> {
        let named = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(word));
        UNITS
            .iter()
            .find(|(_, names)| named(names))
            .map(|(unit, _)| *unit)
            .ok_or_else(|| Error::UnknownUnit(word.to_owned()))
    }

    /// The unit's length in microseconds.
    ///
    /// ```
    /// assert_eq!(kpi_stats::TimeUnit::Minute.microseconds(), 6e7);
    /// ```
    pub fn microseconds(self) -> f64 {
        match self {
            Self::Microsecond => 1.0,
            Self::Millisecond => 1e3,
            Self::Second => 1e6,
            Self::Minute => 6e7,
            Self::Hour => 3.6e9,
            Self::Day => 8.64e10,
        }
    }
}
