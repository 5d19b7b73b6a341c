//! A range of time with both ends.

use crate::Error;
use crate::frame::{Reader, Writer};
use crate::ordered::{check_time, elapsed};

/// From `start` up to but not including `end`, in microseconds since 2000-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    start: i64,
    end: i64,
}

impl TimeRange {
    /// A range that is not empty.
    ///
    /// # Errors
    /// [`Error::EmptyRange`], and [`Error::InfiniteTime`] for an end that is infinite.
    ///
    /// ```
    /// use kpi_stats::TimeRange;
    /// let hour = TimeRange::new(0, 3_600_000_000)?;
    /// assert_eq!((hour.start(), hour.end()), (0, 3_600_000_000));
    /// assert!(TimeRange::new(5, 5).is_err());
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    pub fn new(start: i64, end: i64) -> Result<Self, Error> {
        check_time(start)?;
        check_time(end)?;
        if start < end {
            Ok(Self { start, end })
        } else {
            Err(Error::EmptyRange { start, end })
        }
    }

    /// The first time.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// The first time after the range.
    pub fn end(&self) -> i64 {
        self.end
    }

    /// The length in microseconds.
    ///
    /// ```
    /// use kpi_stats::TimeRange;
    /// assert_eq!(TimeRange::new(-5, 10)?.duration(), 15);
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    pub fn duration(&self) -> u64 {
        elapsed(self.start, self.end)
    }

    /// The smallest range that holds both.
    pub(crate) fn hull(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.i64(self.start);
        writer.varint(self.duration());
    }

    pub(crate) fn read(reader: &mut Reader) -> Result<Self, Error> {
        let start = reader.i64()?;
        let end = start.wrapping_add_unsigned(reader.varint()?);
        Self::new(start, end).map_err(|_| reader.corrupt("A range of time in them is none.".into()))
    }
}
