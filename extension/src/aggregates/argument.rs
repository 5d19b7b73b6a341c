//! Arguments that mean a whole number, a point in time, or a stretch of time.

use kpi_stats::{Error as StatsError, in_order, interval_text};
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::call::Call;
use crate::error::Error;

const DAY: i64 = 86_400_000_000;

/// Argument `i`, declared `bigint`.
#[inline]
pub(super) fn int8(call: &Call, i: usize) -> Option<i64> {
    call.argument(i).map(|datum| datum.value() as i64)
}

/// Argument `i`, declared `timestamptz`, in microseconds since 2000-01-01 UTC; an infinite one is refused.
#[inline]
pub(super) fn time(call: &Call, i: usize) -> Result<Option<i64>, Error> {
    match int8(call, i) {
        Some(time @ (i64::MIN | i64::MAX)) => Err(StatsError::InfiniteTime { positive: time > 0 }.into()),
        time => Ok(time),
    }
}

/// Argument `i`, declared `interval`: months, days and microseconds.
pub(super) fn interval(call: &Call, i: usize) -> Option<(i32, i32, i64)> {
    call.argument(i).map(|datum| {
        // SAFETY: the argument is declared interval, which is passed by a pointer that is valid for the call.
        let interval = unsafe { &*datum.cast_mut_ptr::<pg_sys::Interval>() };
        (interval.month, interval.day, interval.time)
    })
}

/// Argument `i`, declared `interval`, as microseconds. A day has 24 hours; months, which have no fixed length, are refused.
pub(super) fn micros(call: &Call, i: usize) -> Result<Option<i64>, Error> {
    let Some((months, days, micros)) = interval(call, i) else {
        return Ok(None);
    };
    if months != 0 {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "a month has no fixed length",
        )
        .detail(format!(
            "The interval given is {}.",
            interval_text(months, days, micros)
        ))
        .hint("Give it in days, hours, minutes or seconds, such as interval '30 days'."));
    }
    match i64::from(days)
        .checked_mul(DAY)
        .and_then(|days| days.checked_add(micros))
    {
        Some(micros) => Ok(Some(micros)),
        None => Err(Error::new(
            PgSqlErrorCode::ERRCODE_INTERVAL_FIELD_OVERFLOW,
            "interval out of range",
        )
        .detail(format!(
            "The interval given is {}.",
            interval_text(0, days, micros)
        ))
        .hint("Give an interval of less than 290000 years.")),
    }
}

/// A setting of an aggregate, which must be given in every row.
#[inline]
pub(super) fn setting<T>(argument: Option<T>, name: &'static str, hint: &'static str) -> Result<T, Error> {
    argument.ok_or_else(|| {
        Error::new(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            format!("{name} must not be null"),
        )
        .hint(hint)
    })
}

/// The error for a setting of an aggregate that is not the same in all rows of a group.
#[cold]
pub(super) fn changed<T: PartialOrd>(what: &'static str, given: [T; 2], show: impl Fn(T) -> String) -> Error {
    let [one, other] = in_order(given).map(show);
    Error::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        format!("{what} cannot change from row to row"),
    )
    .detail(format!("The values given are {one} and {other}."))
    .hint("Give a constant, or GROUP BY what it depends on.")
}

/// The elements of argument `i`, declared as an array of `T`, none of which may be NULL.
pub(super) fn array<T>(call: &Call, i: usize, what: &'static str) -> Result<Option<Vec<T>>, Error>
where
    Vec<Option<T>>: FromDatum,
{
    let Some(datum) = call.argument(i) else {
        return Ok(None);
    };
    // SAFETY: the argument is declared as an array of T and is not NULL.
    let elements = unsafe { Vec::<Option<T>>::from_datum(datum, false) }.unwrap_or_default();
    let given = elements.len();
    let elements: Vec<T> = elements.into_iter().flatten().collect();
    if elements.len() == given {
        Ok(Some(elements))
    } else {
        Err(Error::new(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            format!("{what} must not be null"),
        )
        .detail(format!(
            "{} of {given} elements are null.",
            given - elements.len()
        ))
        .hint("Leave null out: array_remove(elements, NULL)."))
    }
}
