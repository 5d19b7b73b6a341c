//! The periods in which a KPI can be read.

use crate::error::Error;

/// A calendar period. Minutes, hours and days are materialised; the longer ones are merged from days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// 60 seconds.
    Minute,
    /// 60 minutes.
    Hour,
    /// A day of the source's time zone: 23 to 25 hours where clocks are changed.
    Day,
    /// Seven days from Monday (ISO 8601).
    Week,
    /// A month of the calendar.
    Month,
    /// Three months from January, April, July or October.
    Quarter,
    /// A year of the calendar.
    Year,
}

impl Period {
    /// All periods, the shortest first.
    pub const ALL: [Period; 7] = [
        Period::Minute,
        Period::Hour,
        Period::Day,
        Period::Week,
        Period::Month,
        Period::Quarter,
        Period::Year,
    ];

    /// The name, as `date_trunc` takes it.
    ///
    /// ```
    /// assert_eq!(kpi_catalog::Period::Quarter.as_str(), "quarter");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Period::Minute => "minute",
            Period::Hour => "hour",
            Period::Day => "day",
            Period::Week => "week",
            Period::Month => "month",
            Period::Quarter => "quarter",
            Period::Year => "year",
        }
    }
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads the name of a period, in any case and in singular or plural.
///
/// # Errors
/// [`Error::Period`] for anything else.
///
/// ```
/// use kpi_catalog::{Period, period};
/// assert_eq!(period("Days"), Ok(Period::Day));
/// assert!(period("fortnight").is_err());
/// ```
pub fn period(text: &str) -> Result<Period, Error> {
    let word = text.trim().to_ascii_lowercase();
    let singular = word.strip_suffix('s').unwrap_or(&word);
    Period::ALL
        .into_iter()
        .find(|period| period.as_str() == singular)
        .ok_or_else(|| Error::Period {
            text: text.to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_period_reads_its_own_name() {
        for expected in Period::ALL {
            assert_eq!(period(expected.as_str()), Ok(expected));
            assert_eq!(
                period(&format!(" {}S ", expected.as_str().to_uppercase())),
                Ok(expected)
            );
        }
    }

    #[test]
    fn other_words_are_refused() {
        for text in ["", "s", "dayss", "decade", "day day", "tag"] {
            assert_eq!(
                period(text),
                Err(Error::Period {
                    text: text.to_owned()
                })
            );
        }
    }
}
