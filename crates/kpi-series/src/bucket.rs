//! Buckets of time: equal intervals, or months of the calendar, counted from an origin.

use crate::timestamp::{self, DAY, Date};
use crate::{Error, calendar, step};

/// Where buckets start that are not of months: Monday 2000-01-03, so that a week is from Monday to Sunday.
const MONDAY: i64 = 2 * DAY;

/// The width of a bucket, which is either exact time or whole months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Width(Unit);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Micros(i64),
    Months(i64),
}

impl Width {
    /// The width made of the parts of an interval. A day is 24 hours.
    ///
    /// # Errors
    /// [`Error::WidthMixed`] for months with days or time, [`Error::WidthNotPositive`] for what does not lead forward.
    ///
    /// ```
    /// use kpi_series::{Error, Width};
    ///
    /// assert!(Width::new(1, 0, 0).is_ok());
    /// assert!(matches!(Width::new(1, 1, 0), Err(Error::WidthMixed { .. })));
    /// assert!(matches!(Width::new(0, 1, -86_400_000_000), Err(Error::WidthNotPositive { .. })));
    /// ```
    #[inline]
    pub fn new(months: i32, days: i32, micros: i64) -> Result<Self, Error> {
        if months != 0 {
            return if days != 0 || micros != 0 {
                Err(Error::WidthMixed { months, days, micros })
            } else if months < 0 {
                Err(Error::WidthNotPositive { months, days, micros })
            } else {
                Ok(Self(Unit::Months(months.into())))
            };
        }
        let width = i128::from(days) * i128::from(DAY) + i128::from(micros);
        if width <= 0 {
            return Err(Error::WidthNotPositive { months, days, micros });
        }
        // What is longer than all of time cuts it only at the origin, however long.
        Ok(Self(Unit::Micros(i64::try_from(width).unwrap_or(i64::MAX))))
    }

    /// The width, if buckets of it start at midnight when their origin does.
    ///
    /// # Errors
    /// [`Error::WidthNotDays`].
    pub fn whole_days(self) -> Result<Self, Error> {
        match self.0 {
            Unit::Micros(micros) if micros % DAY != 0 && micros != i64::MAX => {
                Err(Error::WidthNotDays { micros })
            }
            _ => Ok(self),
        }
    }
}

/// An interval by which buckets are moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shift {
    /// Calendar months.
    pub months: i32,
    /// Days of 24 hours.
    pub days: i32,
    /// Microseconds.
    pub micros: i64,
}

impl Shift {
    /// Months first, where the day is the last of the month if that is shorter; then days, then time.
    fn apply(self, time: i64, sign: i64) -> Result<i64, Error> {
        let mut moved = time;
        if self.months != 0 {
            let (mut date, of_day) = calendar::split(moved);
            let day = date.day;
            date = first_of_month(step::month_number(date) + sign * i64::from(self.months));
            date.day = day.min(date.days_in_month());
            moved = in_range(i128::from(date.to_days()) * i128::from(DAY) + i128::from(of_day))?;
        }
        if self.days != 0 {
            moved = in_range(i128::from(moved) + i128::from(sign) * i128::from(self.days) * i128::from(DAY))?;
        }
        in_range(i128::from(moved) + i128::from(sign) * i128::from(self.micros))
    }
}

/// How time is cut into buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buckets {
    width: Width,
    origin: i64,
    shift: Option<Shift>,
}

impl Buckets {
    /// Buckets of a width. Those of exact time are counted from Monday 2000-01-03, those of months from January 2000.
    #[inline]
    pub fn new(width: Width) -> Self {
        let origin = match width.0 {
            Unit::Micros(_) => MONDAY,
            Unit::Months(_) => 0,
        };
        Self {
            width,
            origin,
            shift: None,
        }
    }

    /// Buckets counted from another time; of months, from the start of its month.
    ///
    /// # Errors
    /// [`Error::OriginInfinite`].
    pub fn with_origin(self, origin: i64) -> Result<Self, Error> {
        if origin == i64::MIN || origin == i64::MAX {
            return Err(Error::OriginInfinite);
        }
        Ok(Self { origin, ..self })
    }

    /// Buckets that start later by an interval (or earlier, by a negative one).
    pub fn with_shift(self, shift: Shift) -> Self {
        Self {
            shift: Some(shift),
            ..self
        }
    }

    /// Start of the bucket that holds a time; an infinite time is its own.
    ///
    /// # Errors
    /// [`Error::BucketOutOfRange`] when it is before the first time that `timestamptz` holds.
    ///
    /// ```
    /// use kpi_series::{Buckets, Width, timestamp};
    ///
    /// let week = Buckets::new(Width::new(0, 7, 0)?);
    /// let sunday = timestamp::parse("2026-03-01T13:00:00Z").unwrap();
    /// assert_eq!(timestamp::format(week.start(sunday)?), "2026-02-23T00:00:00Z");
    /// # Ok::<(), kpi_series::Error>(())
    /// ```
    #[inline]
    pub fn start(&self, time: i64) -> Result<i64, Error> {
        if time == i64::MIN || time == i64::MAX {
            return Ok(time);
        }
        match self.shift {
            None => self.base(time),
            Some(shift) => shift.apply(self.base(shift.apply(time, -1)?)?, 1),
        }
    }

    /// The start before it is shifted.
    #[inline]
    fn base(&self, time: i64) -> Result<i64, Error> {
        match self.width.0 {
            Unit::Micros(width) => in_range(floor(time, width, self.origin)),
            Unit::Months(width) => {
                let month = step::month_number(calendar::split(time).0);
                let origin = step::month_number(calendar::split(self.origin).0);
                of_month(month - (month - origin).rem_euclid(width))
            }
        }
    }

    /// The starts of the bucket that holds a time and of those that follow it, as far as times reach.
    ///
    /// # Errors
    /// As for [`Buckets::start`].
    ///
    /// ```
    /// use kpi_series::{Buckets, Width, timestamp};
    ///
    /// let quarters = Buckets::new(Width::new(3, 0, 0)?);
    /// let february = timestamp::parse("2026-02-14T00:00:00Z").unwrap();
    /// let starts: Vec<_> = quarters.starts_from(february)?.take(2).map(timestamp::format).collect();
    /// assert_eq!(starts, ["2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z"]);
    /// # Ok::<(), kpi_series::Error>(())
    /// ```
    pub fn starts_from(self, time: i64) -> Result<impl Iterator<Item = i64>, Error> {
        let shift = self.shift.unwrap_or_default();
        let first = self.base(shift.apply(time, -1)?)?;
        let bases = std::iter::successors(Some(first), move |&base| self.next_base(base).ok());
        Ok(bases.map_while(move |base| shift.apply(base, 1).ok()))
    }

    fn next_base(&self, base: i64) -> Result<i64, Error> {
        match self.width.0 {
            Unit::Micros(width) => in_range(i128::from(base) + i128::from(width)),
            Unit::Months(width) => of_month(step::month_number(calendar::split(base).0) + width),
        }
    }
}

/// The start of the integer bucket that holds a number: the largest `offset + k * width` that is not above it.
///
/// # Errors
/// [`Error::IntegerWidthNotPositive`], and [`Error::IntegerBucketOutOfRange`] when the start is below the least `i64`.
///
/// ```
/// use kpi_series::bucket_integer;
///
/// assert_eq!(bucket_integer(10, -1, 0)?, -10);
/// assert_eq!(bucket_integer(10, 12, 3)?, 3);
/// # Ok::<(), kpi_series::Error>(())
/// ```
#[inline]
pub fn bucket_integer(width: i64, number: i64, offset: i64) -> Result<i64, Error> {
    if width <= 0 {
        return Err(Error::IntegerWidthNotPositive { width });
    }
    let start = floor(number, width, offset);
    i64::try_from(start).map_err(|_| Error::IntegerBucketOutOfRange { number })
}

/// The largest `origin + k * width` up to a time.
#[inline]
fn floor(time: i64, width: i64, origin: i64) -> i128 {
    let above = match time.checked_sub(origin) {
        Some(distance) => distance.rem_euclid(width),
        // Less than the width, so it is in the range of an i64.
        None => (i128::from(time) - i128::from(origin)).rem_euclid(width.into()) as i64,
    };
    i128::from(time) - i128::from(above)
}

fn first_of_month(month: i64) -> Date {
    Date {
        year: month.div_euclid(12),
        month: month.rem_euclid(12) as u8 + 1,
        day: 1,
    }
}

fn of_month(month: i64) -> Result<i64, Error> {
    in_range(i128::from(first_of_month(month).to_days()) * i128::from(DAY))
}

#[inline]
fn in_range(time: i128) -> Result<i64, Error> {
    match i64::try_from(time) {
        Ok(time) if timestamp::check(time).is_ok() => Ok(time),
        _ => Err(Error::BucketOutOfRange),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn time() -> impl Strategy<Value = i64> {
        prop_oneof![
            timestamp::MIN..timestamp::END,
            -900_000_000_000_000i64..900_000_000_000_000
        ]
    }

    proptest! {
        /// A bucket holds its time, starts at a multiple of its width from the origin, and is not longer than the width.
        #[test]
        fn exact_buckets_are_multiples(time in time(), width in 1i64..4_000_000_000_000_000, origin in time()) {
            let buckets = Buckets::new(Width::new(0, 0, width)?).with_origin(origin)?;
            let expected = i128::from(origin)
                + (i128::from(time) - i128::from(origin)).div_euclid(width.into()) * i128::from(width);
            match buckets.start(time) {
                Ok(start) => prop_assert_eq!(i128::from(start), expected),
                Err(error) => {
                    prop_assert_eq!(error, Error::BucketOutOfRange);
                    prop_assert!(expected < i128::from(timestamp::MIN));
                }
            }
        }

        /// A month bucket starts on the first of a month, and the next one after the time.
        #[test]
        fn month_buckets_hold_their_time(time in timestamp::MIN + 500 * 31 * DAY..timestamp::END - 500 * 31 * DAY, width in 1i32..500, origin in time()) {
            let buckets = Buckets::new(Width::new(width, 0, 0)?).with_origin(origin)?;
            let starts: Vec<_> = buckets.starts_from(time)?.take(2).collect();
            prop_assert_eq!(starts[0], buckets.start(time)?);
            prop_assert!(starts[0] <= time && time < starts[1]);
            let (first, origin) = (calendar::split(starts[0]), calendar::split(origin));
            prop_assert_eq!((first.0.day, first.1), (1, 0));
            prop_assert_eq!((step::month_number(first.0) - step::month_number(origin.0)) % i64::from(width), 0);
        }

        /// A start is the start of itself, with a shift of exact time as well.
        #[test]
        fn starts_are_fixed_points(time in -900_000_000_000_000i64..900_000_000_000_000, days in 0i32..400, micros in 1i64..90_000_000_000, shift in -90_000_000_000i64..90_000_000_000) {
            let shift = Shift { micros: shift, ..Shift::default() };
            let buckets = Buckets::new(Width::new(0, days, micros)?).with_shift(shift);
            for start in buckets.starts_from(time)?.take(3) {
                prop_assert_eq!(buckets.start(start)?, start);
                prop_assert!(buckets.start(start - 1)? < start);
            }
        }

        #[test]
        fn integers_are_multiples(width in any::<i64>(), number in any::<i64>(), offset in any::<i64>()) {
            match bucket_integer(width, number, offset) {
                Ok(start) => {
                    prop_assert!(start <= number);
                    prop_assert!(i128::from(number) - i128::from(start) < i128::from(width));
                    prop_assert_eq!((i128::from(start) - i128::from(offset)).rem_euclid(width.into()), 0);
                }
                Err(Error::IntegerWidthNotPositive { .. }) => prop_assert!(width <= 0),
                Err(_) => prop_assert!(i128::from(number) - i128::from(width) < i128::from(i64::MIN)),
            }
        }
    }

    #[test]
    fn infinite_times_are_their_own_buckets() {
        let buckets = Buckets::new(Width::new(0, 1, 0).unwrap()).with_shift(Shift {
            months: 1,
            ..Shift::default()
        });
        assert_eq!(buckets.start(i64::MAX), Ok(i64::MAX));
        assert_eq!(buckets.start(i64::MIN), Ok(i64::MIN));
        assert_eq!(buckets.with_origin(i64::MAX), Err(Error::OriginInfinite));
    }

    #[test]
    fn a_shift_by_months_ends_on_the_last_day() {
        let march_31 = timestamp::parse("2026-03-31T12:00:00Z").unwrap();
        let month = Shift {
            months: 1,
            ..Shift::default()
        };
        assert_eq!(
            timestamp::format(month.apply(march_31, -1).unwrap()),
            "2026-02-28T12:00:00Z"
        );
    }

    #[test]
    fn what_is_longer_than_time_has_one_boundary() {
        let buckets = Buckets::new(Width::new(0, i32::MAX, i64::MAX).unwrap());
        assert_eq!(buckets.start(MONDAY), Ok(MONDAY));
        assert_eq!(buckets.start(MONDAY - 1), Err(Error::BucketOutOfRange));
        assert_eq!(buckets.starts_from(MONDAY).unwrap().count(), 1);
    }
}
