//! `time_bucket`: the start of the bucket that holds a time or a number.

use kpi_series::timestamp::DAY;
use kpi_series::{Buckets, Shift, Width, bucket_integer};
use pgrx::PgMemoryContexts;
use pgrx::pg_sys;

use super::zone::Zone;
use crate::aggregates::call::{Call, Returned, sql_functions};
use crate::error::Error;

/// Argument `i`, declared `interval`, as months, days and microseconds.
#[inline]
fn interval(call: &Call, i: usize) -> Option<(i32, i32, i64)> {
    call.argument(i).map(|datum| {
        // SAFETY: an interval is passed as a pointer to one, valid for the length of the call.
        let interval = unsafe { &*datum.cast_mut_ptr::<pg_sys::Interval>() };
        (interval.month, interval.day, interval.time)
    })
}

/// Argument `i`, declared `timestamp` or `timestamptz`.
#[inline]
fn time(call: &Call, i: usize) -> Option<i64> {
    call.argument(i).map(|datum| datum.value() as i64)
}

#[inline]
pub(super) fn width(call: &Call, i: usize) -> Result<Option<Width>, Error> {
    let Some((months, days, micros)) = interval(call, i) else {
        return Ok(None);
    };
    Ok(Some(Width::new(months, days, micros)?))
}

fn shift(call: &Call, i: usize) -> Option<Shift> {
    interval(call, i).map(|(months, days, micros)| Shift { months, days, micros })
}

fn is_infinite(time: i64) -> bool {
    time == i64::MIN || time == i64::MAX
}

/// What argument 2 of `time_bucket(width, ts, ...)` is.
enum Third {
    None,
    Origin,
    Offset,
}

/// `time_bucket(interval, timestamp [, origin | offset])`, and of timestamptz, where days are those of UTC.
#[inline]
fn of_time(call: &Call, third: &Third) -> Returned {
    let Some(ts) = time(call, 1) else { return Ok(None) };
    if is_infinite(ts) {
        return Ok(Some(ts.into()));
    }
    let Some(width) = width(call, 0)? else {
        return Ok(None);
    };
    let mut buckets = Buckets::new(width);
    match third {
        Third::None => {}
        Third::Origin => {
            let Some(origin) = time(call, 2) else {
                return Ok(None);
            };
            buckets = buckets.with_origin(origin)?;
        }
        Third::Offset => {
            let Some(shift) = shift(call, 2) else {
                return Ok(None);
            };
            buckets = buckets.with_shift(shift);
        }
    }
    Ok(Some(buckets.start(ts)?.into()))
}

/// Midnight of a date.
pub(super) fn midnight(date: i32) -> i64 {
    i64::from(date).saturating_mul(DAY)
}

/// The date in which a time lies.
pub(super) fn date(time: i64) -> i32 {
    // The days of all times that there are fit.
    time.div_euclid(DAY) as i32
}

/// `time_bucket(interval, date [, origin | offset])`.
fn of_date(call: &Call, third: &Third) -> Returned {
    let Some(ts) = call.int4(1) else { return Ok(None) };
    if ts == i32::MIN || ts == i32::MAX {
        return Ok(Some(ts.into()));
    }
    let Some(width) = width(call, 0)? else {
        return Ok(None);
    };
    let mut buckets = Buckets::new(width.whole_days()?);
    match third {
        Third::None => {}
        Third::Origin => {
            let Some(origin) = call.int4(2) else {
                return Ok(None);
            };
            let infinite = origin == i32::MIN || origin == i32::MAX;
            buckets = buckets.with_origin(if infinite { i64::MAX } else { midnight(origin) })?;
        }
        Third::Offset => {
            let Some(shift) = shift(call, 2) else {
                return Ok(None);
            };
            buckets = buckets.with_shift(shift);
        }
    }
    let ts = midnight(ts);
    kpi_series::timestamp::check(ts).map_err(|_| kpi_series::Error::BucketOutOfRange)?;
    Ok(Some(date(buckets.start(ts)?).into()))
}

/// `time_bucket(integer, integer [, offset])`, for each size of integer.
#[inline]
fn of_integer<T: TryFrom<i64> + Into<i64>>(call: &Call, read: impl Fn(pg_sys::Datum) -> T) -> Returned
where
    pg_sys::Datum: From<T>,
{
    let (Some(width), Some(number)) = (call.argument(0), call.argument(1)) else {
        return Ok(None);
    };
    let offset = call.argument(2).map_or(0, |offset| read(offset).into());
    let number = read(number).into();
    let start = bucket_integer(read(width).into(), number, offset)?;
    let start = T::try_from(start).map_err(|_| kpi_series::Error::IntegerBucketOutOfRange { number })?;
    Ok(Some(pg_sys::Datum::from(start)))
}

/// `time_bucket(interval, timestamptz, timezone, origin, offset)`: buckets of the zone's wall clock.
fn of_zone(call: &Call) -> Returned {
    let (Some(ts), Some(name)) = (time(call, 1), call.bytes(2)) else {
        return Ok(None);
    };
    let zone = zone(call, name)?;
    if is_infinite(ts) {
        return Ok(Some(ts.into()));
    }
    let Some(width) = width(call, 0)? else {
        return Ok(None);
    };
    let buckets = zone_buckets(width, zone, time(call, 3), shift(call, 4))?;
    let start = buckets.start(zone.local(ts))?;
    Ok(Some(zone.instant(start).into()))
}

/// Buckets in a zone's wall-clock time.
pub(super) fn zone_buckets(
    width: Width,
    zone: &mut Zone,
    origin: Option<i64>,
    shift: Option<Shift>,
) -> Result<Buckets, Error> {
    let mut buckets = Buckets::new(width);
    if let Some(origin) = origin {
        let local = if is_infinite(origin) {
            origin
        } else {
            zone.local(origin)
        };
        buckets = buckets.with_origin(local)?;
    }
    if let Some(shift) = shift {
        buckets = buckets.with_shift(shift);
    }
    Ok(buckets)
}

/// The zone of the name, kept between the calls of one expression.
#[inline]
fn zone(call: &Call, name: &[u8]) -> Result<&'static mut Zone, Error> {
    // SAFETY: flinfo outlives the call, and fn_extra is this function's own: null, or a zone that was stored below in memory
    // that lives as long as flinfo. Nothing else refers to it during the call.
    unsafe {
        let flinfo = (*call.fcinfo()).flinfo;
        let kept = (*flinfo).fn_extra.cast::<Zone>();
        if !kept.is_null() && (*kept).is(name) {
            return Ok(&mut *kept);
        }
        let mut memory = PgMemoryContexts::For((*flinfo).fn_mcxt);
        let found = Zone::new(name)?;
        if kept.is_null() {
            (*flinfo).fn_extra = memory.leak_and_drop_on_delete(found).cast();
        } else {
            *kept = found;
        }
        Ok(&mut *(*flinfo).fn_extra.cast::<Zone>())
    }
}

sql_functions! {
    kpi_time_bucket, pg_finfo_kpi_time_bucket: |call| of_time(call, &Third::None);
    kpi_time_bucket_origin, pg_finfo_kpi_time_bucket_origin: |call| of_time(call, &Third::Origin);
    kpi_time_bucket_offset, pg_finfo_kpi_time_bucket_offset: |call| of_time(call, &Third::Offset);
    kpi_time_bucket_zone, pg_finfo_kpi_time_bucket_zone: of_zone;
    kpi_time_bucket_date, pg_finfo_kpi_time_bucket_date: |call| of_date(call, &Third::None);
    kpi_time_bucket_date_origin, pg_finfo_kpi_time_bucket_date_origin: |call| of_date(call, &Third::Origin);
    kpi_time_bucket_date_offset, pg_finfo_kpi_time_bucket_date_offset: |call| of_date(call, &Third::Offset);
    kpi_time_bucket_int2, pg_finfo_kpi_time_bucket_int2: |call| of_integer(call, |datum| datum.value() as i16);
    kpi_time_bucket_int4, pg_finfo_kpi_time_bucket_int4: |call| of_integer(call, |datum| datum.value() as i32);
    kpi_time_bucket_int8, pg_finfo_kpi_time_bucket_int8: |call| of_integer(call, |datum| datum.value() as i64);
}
