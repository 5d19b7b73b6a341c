//! Points and spans of time: arguments and results of the states that are made from rows with a time.

use kpi_stats::{State, TimeRange};
use pgrx::datum::RangeBound;
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::argument;
use super::call::{Call, Returned};
use super::value;
use crate::error::Error;

/// Microseconds.
const DAY: u64 = 86_400_000_000;

/// A sum of a time and an interval below this many microseconds each is a valid time.
const FAR: i64 = 1 << 61;

/// From argument `start` for as long as argument `duration` says, with the days and months of the session's time zone;
/// `None` where either is NULL.
#[inline]
pub(super) fn range(call: &Call, start: usize, duration: usize) -> Result<Option<TimeRange>, Error> {
    let Some(from) = argument::time(call, start)? else {
        return Ok(None);
    };
    let to = after(call, from, duration);
    Ok(to.map(|to| TimeRange::new(from, to)).transpose()?)
}

/// A time plus argument `duration`, declared `interval`, as PostgreSQL adds them; `None` where that is NULL.
#[inline]
pub(super) fn after(call: &Call, from: i64, duration: usize) -> Option<i64> {
    let interval = call.argument(duration)?;
    if let Some((0, 0, micros)) = argument::interval(call, duration)
        && (0..FAR).contains(&micros)
        && from < FAR
    {
        return Some(from + micros);
    }
    // SAFETY: the server's own addition with the types that it is declared with; it raises its own errors.
    let sum = unsafe {
        pgrx::direct_function_call_as_datum(
            pg_sys::timestamptz_pl_interval,
            &[Some(pg_sys::Datum::from(from)), Some(interval)],
        )
    };
    sum.map(|sum| sum.value() as i64)
}

/// Argument `i`, declared `tstzrange`: a range with both ends, whichever of them belong to it.
#[inline]
pub(super) fn bounds(call: &Call, i: usize) -> Result<Option<TimeRange>, Error> {
    // Most rows have none, and must not pay for those that do.
    call.argument(i).map(range_of).transpose()
}

/// A datum of type `tstzrange` as a range with both ends.
#[cold]
fn range_of(datum: pg_sys::Datum) -> Result<TimeRange, Error> {
    // SAFETY: the argument is declared tstzrange and not NULL.
    let given = unsafe { pgrx::Range::<TimestampWithTimeZone>::from_datum(datum, false) };
    let time = |end: &RangeBound<TimestampWithTimeZone>| end.get().map(|time| i64::from(*time));
    let missing = match given.and_then(pgrx::Range::into_inner) {
        None => "is empty",
        Some((start, end)) => match (time(&start), time(&end)) {
            (Some(start), Some(end)) => return Ok(TimeRange::new(start, end)?),
            (None, _) => "has no start",
            (_, None) => "has no end",
        },
    };
    Err(Error::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        "bounds must have a start and an end",
    )
    .detail(format!("The range given {missing}."))
    .hint("Give both ends of the bucket, for example tstzrange('2026-01-01', '2026-01-02')."))
}

/// A `timestamptz` result.
pub(super) fn timestamptz(time: i64) -> pg_sys::Datum {
    pg_sys::Datum::from(time)
}

/// An `interval` result of days of 24 hours and the rest of a day.
pub(super) fn duration(micros: u64) -> pg_sys::Datum {
    // SAFETY: the new chunk is large enough for an interval, whose fields are all set; 2^64 microseconds are less than 2^31
    // days.
    unsafe {
        let place = pg_sys::palloc0(size_of::<pg_sys::Interval>()).cast::<pg_sys::Interval>();
        (*place).day = (micros / DAY) as i32;
        (*place).time = (micros % DAY) as i64;
        pg_sys::Datum::from(place)
    }
}

/// An accessor that returns the value of one point of a state.
pub(super) fn value_of<S: State>(
    call: &Call,
    read: impl Fn(&S) -> Result<Option<(i64, f64)>, kpi_stats::Error>,
) -> Returned {
    value::number(call, |state: &S| Ok(read(state)?.map(|(_, value)| value)))
}

/// An accessor that returns the time of one point of a state.
pub(super) fn time_of<S: State>(
    call: &Call,
    read: impl Fn(&S) -> Result<Option<(i64, f64)>, kpi_stats::Error>,
) -> Returned {
    let Some(state) = value::state::<S>(call, 0)? else {
        return Ok(None);
    };
    Ok(read(&state)?.map(|(time, _)| timestamptz(time)))
}
