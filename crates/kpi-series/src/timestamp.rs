//! Timestamps as text (RFC 3339) and as calendar fields, over the whole range of PostgreSQL's `timestamptz`.
//!
//! The arithmetic is that of the proleptic Gregorian calendar, with days counted from 2000-01-01.

use crate::Error;
use std::fmt::Write;

/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Microseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Microseconds in a day of 24 hours.
pub const DAY: i64 = 24 * HOUR;

/// The first time that `timestamptz` holds: 4714-11-24 00:00 UTC, BC.
pub const MIN: i64 = -211_813_488_000_000_000;
/// The first time after the last one that `timestamptz` holds: 294277-01-01 00:00 UTC.
pub const END: i64 = 9_223_371_331_200_000_000;

/// Days from 0000-03-01, where an era of 400 years starts, to 2000-01-01.
const EPOCH_DAYS: i64 = 730_425;
const ERA_DAYS: i64 = 146_097;

/// Says whether a time has a place in a series.
///
/// # Errors
/// [`Error::InfiniteTime`] for `i64::MIN` and `i64::MAX`, which are PostgreSQL's infinities, and
/// [`Error::TimeOutOfRange`] for what else is outside of [`MIN`] to [`END`].
#[inline]
pub fn check(time: i64) -> Result<(), Error> {
    match time {
        MIN..END => Ok(()),
        i64::MIN | i64::MAX => Err(Error::InfiniteTime { positive: time > 0 }),
        _ => Err(Error::TimeOutOfRange { time }),
    }
}

/// A day of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Astronomical year: 0 is 1 BC.
    pub year: i64,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, 1 to 31.
    pub day: u8,
}

impl Date {
    /// The date of a day, counted from 2000-01-01.
    ///
    /// Years are taken to start in March, so that the leap day is the last of a year; see H. Hinnant,
    /// "chrono-Compatible Low-Level Date Algorithms".
    ///
    /// ```
    /// use kpi_series::timestamp::Date;
    ///
    /// assert_eq!(Date::from_days(59), Date { year: 2000, month: 2, day: 29 });
    /// ```
    pub fn from_days(days: i64) -> Self {
        let days = days.saturating_add(EPOCH_DAYS);
        let era = days.div_euclid(ERA_DAYS);
        let in_era = days.rem_euclid(ERA_DAYS);
        let year = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
        let in_year = in_era - (365 * year + year / 4 - year / 100);
        let from_march = (5 * in_year + 2) / 153;
        let day = in_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        Self {
            year: year + era * 400 + i64::from(month <= 2),
            month: month as u8,
            day: day as u8,
        }
    }

    /// The day of a date, counted from 2000-01-01; a day beyond the end of the month runs on into the next.
    ///
    /// ```
    /// use kpi_series::timestamp::Date;
    ///
    /// assert_eq!(Date { year: 2001, month: 1, day: 1 }.to_days(), 366);
    /// ```
    pub fn to_days(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let in_era_years = year.rem_euclid(400);
        let from_march = (i64::from(self.month) + 9) % 12;
        let in_year = (153 * from_march + 2) / 5 + i64::from(self.day) - 1;
        let in_era = in_era_years * 365 + in_era_years / 4 - in_era_years / 100 + in_year;
        era * ERA_DAYS + in_era - EPOCH_DAYS
    }

    /// Number of days in the month.
    pub fn days_in_month(self) -> u8 {
        match self.month {
            2 if self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }
}

/// Writes a time as RFC 3339 in UTC, with microseconds only when there are some.
///
/// Years beyond 9999 and before 0 have a sign and at least six digits, the expanded form of ISO 8601.
///
/// ```
/// use kpi_series::timestamp;
///
/// assert_eq!(timestamp::format(0), "2000-01-01T00:00:00Z");
/// assert_eq!(timestamp::format(-1), "1999-12-31T23:59:59.999999Z");
/// assert_eq!(timestamp::format(timestamp::END - timestamp::SECOND), "+294276-12-31T23:59:59Z");
/// assert_eq!(timestamp::format(timestamp::MIN), "-004713-11-24T00:00:00Z");
/// ```
pub fn format(time: i64) -> String {
    let mut text = String::with_capacity(27);
    write(&mut text, time);
    text
}

pub(crate) fn write(text: &mut String, time: i64) {
    let date = Date::from_days(time.div_euclid(DAY));
    let of_day = time.rem_euclid(DAY);
    if !(0..=9999).contains(&date.year) {
        text.push(if date.year < 0 { '-' } else { '+' });
        push_digits(text, date.year.unsigned_abs(), 6);
    } else {
        push_digits(text, date.year.unsigned_abs(), 4);
    }
    for (sign, number) in [
        ('-', i64::from(date.month)),
        ('-', i64::from(date.day)),
        ('T', of_day / HOUR),
        (':', of_day / MINUTE % 60),
        (':', of_day / SECOND % 60),
    ] {
        text.push(sign);
        push_digits(text, number.unsigned_abs(), 2);
    }
    let micros = of_day % SECOND;
    if micros != 0 {
        text.push('.');
        push_digits(text, micros.unsigned_abs(), 6);
    }
    text.push('Z');
}

fn push_digits(text: &mut String, number: u64, width: usize) {
    // Writing to a String cannot fail.
    let _ = write!(text, "{number:0width$}");
}

/// Reads an RFC 3339 time: a `T`, `t` or space between date and time, and `Z`, `z` or an offset at the end.
///
/// Digits beyond the microsecond are rounded; second 60 is the start of the next minute. Years are written as by
/// [`format`]. `None` when the text is anything else, or out of the range of `timestamptz`.
///
/// ```
/// use kpi_series::timestamp;
///
/// assert_eq!(timestamp::parse("2000-01-01T01:00:00.5+01:00"), Some(500_000));
/// assert_eq!(timestamp::parse("2000-02-30T00:00:00Z"), None);
/// ```
pub fn parse(text: &str) -> Option<i64> {
    let mut rest = Scanner {
        rest: text.as_bytes(),
    };
    let year = rest.year()?;
    rest.expect(b"-")?;
    let month = rest.two_digits(1..=12)?;
    rest.expect(b"-")?;
    let day = rest.two_digits(1..=31)?;
    let date = Date {
        year,
        month: month as u8,
        day: day as u8,
    };
    if date.day > date.days_in_month() {
        return None;
    }
    rest.expect(b"Tt ")?;
    let hour = rest.two_digits(0..=23)?;
    rest.expect(b":")?;
    let minute = rest.two_digits(0..=59)?;
    rest.expect(b":")?;
    let second = rest.two_digits(0..=60)?;
    let fraction = if rest.expect(b".").is_some() {
        rest.fraction()?
    } else {
        0
    };
    let offset = rest.offset()?;
    if !rest.rest.is_empty() {
        return None;
    }
    let time = i128::from(date.to_days()) * i128::from(DAY)
        + i128::from(hour * HOUR + minute * MINUTE + second * SECOND + fraction - offset);
    i64::try_from(time).ok().filter(|time| (MIN..END).contains(time))
}

struct Scanner<'a> {
    rest: &'a [u8],
}

impl Scanner<'_> {
    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    fn expect(&mut self, one_of: &[u8]) -> Option<u8> {
        let &byte = self.rest.first().filter(|byte| one_of.contains(byte))?;
        self.next();
        Some(byte)
    }

    fn digits(&mut self, at_least: usize, at_most: usize) -> Option<i64> {
        let count = self
            .rest
            .iter()
            .take(at_most)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if count < at_least {
            return None;
        }
        let mut number = 0;
        for _ in 0..count {
            number = number * 10 + i64::from(self.next()? - b'0');
        }
        Some(number)
    }

    fn two_digits(&mut self, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        self.digits(2, 2).filter(|number| range.contains(number))
    }

    fn year(&mut self) -> Option<i64> {
        match self.expect(b"+-") {
            Some(b'-') => Some(-self.digits(4, 6)?),
            Some(_) => self.digits(4, 6),
            None => self.digits(4, 4),
        }
    }

    /// Microseconds of the digits after the point.
    fn fraction(&mut self) -> Option<i64> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        let (digits, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        let micros = (0..6).fold(0, |sum, i| {
            sum * 10 + digits.get(i).map_or(0, |d| i64::from(d - b'0'))
        });
        Some(micros + i64::from(digits.get(6).is_some_and(|&d| d >= b'5')))
    }

    /// Microseconds that local time is ahead of UTC.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.expect(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Some(0),
        };
        let hours = self.two_digits(0..=23)?;
        self.expect(b":")?;
        let minutes = self.two_digits(0..=59)?;
        Some(sign * (hours * HOUR + minutes * MINUTE))
    }
}
