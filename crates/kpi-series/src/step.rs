//! The step from one point of a regular series to the next, in the calendar's terms.

use crate::timestamp::{self, DAY, Date};
use crate::{Error, calendar};
use jiff::tz::TimeZone;

/// A calendar-aware step: months, days and microseconds, as in PostgreSQL's `interval`.
///
/// Months and days are those of a time zone: a day is from one wall-clock time to the same on the next day, also where
/// the clock is changed in between. Microseconds are exact time.
///
/// ```
/// use jiff::tz::TimeZone;
/// use kpi_series::{Step, timestamp};
///
/// let berlin = TimeZone::get("Europe/Berlin").unwrap();
/// let before = timestamp::parse("2026-03-28T12:00:00+01:00").unwrap();
/// let after = Step::days(1).add(before, 1, &berlin)?;
/// assert_eq!(timestamp::format(after), "2026-03-29T10:00:00Z"); // 12:00 again, now at +02:00
///
/// let january = timestamp::parse("2026-01-31T00:00:00Z").unwrap();
/// let month = Step::months(1);
/// assert_eq!(timestamp::format(month.add(january, 1, &TimeZone::UTC)?), "2026-02-28T00:00:00Z");
/// assert_eq!(timestamp::format(month.add(january, 2, &TimeZone::UTC)?), "2026-03-31T00:00:00Z");
/// # Ok::<(), kpi_series::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Calendar months; a year is 12.
    pub months: i32,
    /// Calendar days; a week is 7.
    pub days: i32,
    /// Exact time in microseconds.
    pub micros: i64,
    /// The day of the month on which steps of months land where the month has that day, and on its last day
    /// otherwise: 31 for a series of month ends. `None` keeps the day of the time that is stepped from.
    pub day_of_month: Option<u8>,
}

impl Step {
    /// A step of whole months.
    pub const fn months(months: i32) -> Self {
        Self {
            months,
            days: 0,
            micros: 0,
            day_of_month: None,
        }
    }

    /// A step of whole days.
    pub const fn days(days: i32) -> Self {
        Self {
            months: 0,
            days,
            micros: 0,
            day_of_month: None,
        }
    }

    /// A step of exact time in microseconds.
    pub const fn micros(micros: i64) -> Self {
        Self {
            months: 0,
            days: 0,
            micros,
            day_of_month: None,
        }
    }

    /// A step made of the parts of an interval.
    ///
    /// # Errors
    /// [`Error::StepNotPositive`] when a part is negative or all are zero.
    pub fn new(months: i32, days: i32, micros: i64) -> Result<Self, Error> {
        if months < 0 || days < 0 || micros < 0 || (months == 0 && days == 0 && micros == 0) {
            return Err(Error::StepNotPositive { months, days, micros });
        }
        Ok(Self {
            months,
            days,
            micros,
            day_of_month: None,
        })
    }

    /// The time `n` steps after `time`; before it when `n` is negative.
    ///
    /// All months are added first, then all days, then the exact time, so that `add(t, 2)` of a month from
    /// January 31 is March 31, where two single steps would lead by way of February 28.
    ///
    /// # Errors
    /// [`Error::StepOutOfRange`] when the result is out of the range of `timestamptz`.
    pub fn add(&self, time: i64, n: i64, zone: &TimeZone) -> Result<i64, Error> {
        self.checked_add(time, n, zone)
            .filter(|&result| timestamp::check(result).is_ok())
            .ok_or(Error::StepOutOfRange { time, n })
    }

    fn checked_add(&self, time: i64, n: i64, zone: &TimeZone) -> Option<i64> {
        if self.months == 0 && self.days == 0 {
            // From one end of the range to the other is more than an i64 holds.
            return i64::try_from(i128::from(time) + i128::from(self.micros) * i128::from(n)).ok();
        }
        let micros = self.micros.checked_mul(n)?;
        let (mut date, of_day) = calendar::split(calendar::local(time, zone));
        if self.months != 0 {
            let month = month_number(date).checked_add(i64::from(self.months).checked_mul(n)?)?;
            let day = self.day_of_month.unwrap_or(date.day);
            date = Date {
                year: month.div_euclid(12),
                month: month.rem_euclid(12) as u8 + 1,
                day: 1,
            };
            // Keeps the arithmetic of days away from overflow.
            if date.year.abs() > 300_000 {
                return None;
            }
            date.day = day.min(date.days_in_month());
        }
        let days = date.to_days().checked_add(i64::from(self.days).checked_mul(n)?)?;
        let local = days.checked_mul(DAY)?.checked_add(of_day)?;
        calendar::instant(local, zone).checked_add(micros)
    }
}

/// Months since the start of year 0.
pub(crate) fn month_number(date: Date) -> i64 {
    date.year * 12 + i64::from(date.month) - 1
}
