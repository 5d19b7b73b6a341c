//! `time_bucket_gapfill`: all buckets of a range, to join what there is in them with.

use kpi_series::timestamp::DAY;
use kpi_series::{Buckets, Shift, Width};
use pgrx::datum::{Date, Interval};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::bucket::{date, midnight, zone_buckets};
use super::zone::Zone;
use crate::error::Error;

type Times<T> = Result<SetOfIterator<'static, T>, ErrorReport>;

#[pg_extern(sql = false)]
fn time_bucket_gapfill_timestamptz(
    bucket_width: Interval,
    start: TimestampWithTimeZone,
    finish: TimestampWithTimeZone,
) -> Times<TimestampWithTimeZone> {
    let times = range(width(&bucket_width)?, start.into_inner(), finish.into_inner())?;
    Ok(SetOfIterator::new(times.map_while(|time| time.try_into().ok())))
}

#[pg_extern(sql = false)]
fn time_bucket_gapfill_timestamp(
    bucket_width: Interval,
    start: Timestamp,
    finish: Timestamp,
) -> Times<Timestamp> {
    let times = range(width(&bucket_width)?, start.into_inner(), finish.into_inner())?;
    Ok(SetOfIterator::new(times.map_while(|time| time.try_into().ok())))
}

#[pg_extern(sql = false)]
fn time_bucket_gapfill_date(bucket_width: Interval, start: Date, finish: Date) -> Times<Date> {
    let width = width(&bucket_width)?.whole_days().map_err(Error::from)?;
    if start.is_infinity() || start.is_neg_infinity() || finish.is_infinity() || finish.is_neg_infinity() {
        return Err(endless().into());
    }
    let times = range(
        width,
        midnight(start.to_pg_epoch_days()),
        midnight(finish.to_pg_epoch_days()),
    )?;
    Ok(SetOfIterator::new(
        times.map_while(|time| date(time).try_into().ok()),
    ))
}

#[pg_extern(sql = false)]
fn time_bucket_gapfill_zone(
    bucket_width: Option<Interval>,
    start: Option<TimestampWithTimeZone>,
    finish: Option<TimestampWithTimeZone>,
    timezone: Option<&str>,
    origin: Option<TimestampWithTimeZone>,
    offset: Option<Interval>,
) -> Times<TimestampWithTimeZone> {
    let (Some(bucket_width), Some(start), Some(finish), Some(timezone)) =
        (bucket_width, start, finish, timezone)
    else {
        return Ok(SetOfIterator::new(std::iter::empty()));
    };
    let times = zone_range(
        width(&bucket_width)?,
        (start.into_inner(), finish.into_inner()),
        timezone,
        origin.map(TimestampWithTimeZone::into_inner),
        offset.map(|offset| Shift {
            months: offset.months(),
            days: offset.days(),
            micros: offset.micros(),
        }),
    )?;
    Ok(SetOfIterator::new(times.map_while(|time| time.try_into().ok())))
}

#[pg_extern(sql = false)]
fn time_bucket_gapfill_int2(bucket_width: i16, start: i16, finish: i16) -> Times<i16> {
    let numbers = integers(bucket_width.into(), start.into(), finish.into())?;
    Ok(SetOfIterator::new(
        numbers.map_while(|number| number.try_into().ok()),
    ))
}

#[pg_extern(sql = false)]
fn time_bucket_gapfill_int4(bucket_width: i32, start: i32, finish: i32) -> Times<i32> {
    let numbers = integers(bucket_width.into(), start.into(), finish.into())?;
    Ok(SetOfIterator::new(
        numbers.map_while(|number| number.try_into().ok()),
    ))
}

#[pg_extern(sql = false)]
fn time_bucket_gapfill_int8(bucket_width: i64, start: i64, finish: i64) -> Times<i64> {
    Ok(SetOfIterator::new(integers(bucket_width, start, finish)?))
}

fn width(interval: &Interval) -> Result<Width, Error> {
    Ok(Width::new(interval.months(), interval.days(), interval.micros())?)
}

fn endless() -> Error {
    Error::new(
        PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW,
        "start and finish of gap filling must be finite",
    )
    .hint("Give the range that the query reads, for example that of its WHERE clause.")
}

fn check_finite(times: [i64; 2]) -> Result<(), Error> {
    if times.iter().any(|&time| time == i64::MIN || time == i64::MAX) {
        return Err(endless());
    }
    Ok(())
}

/// The buckets from the one that holds `start` to the last one that starts before `finish`.
fn range(width: Width, start: i64, finish: i64) -> Result<impl Iterator<Item = i64>, Error> {
    check_finite([start, finish])?;
    let times = Buckets::new(width).starts_from(start)?;
    Ok(times.take_while(move |&time| time < finish))
}

fn integers(width: i64, start: i64, finish: i64) -> Result<impl Iterator<Item = i64>, Error> {
    let first = kpi_series::bucket_integer(width, start, 0)?;
    let numbers = std::iter::successors(Some(first), move |number| number.checked_add(width));
    Ok(numbers.take_while(move |&number| number < finish))
}

/// The same on the wall clock of a zone: every bucket that `time_bucket` has for some time, once.
fn zone_range(
    width: Width,
    (start, finish): (i64, i64),
    timezone: &str,
    origin: Option<i64>,
    shift: Option<Shift>,
) -> Result<impl Iterator<Item = i64> + use<>, Error> {
    check_finite([start, finish])?;
    let mut zone = Zone::new(timezone.as_bytes())?;
    let buckets = zone_buckets(width, &mut zone, origin, shift)?;
    let begin = zone.local(start);
    // The clock may be put back by less than a day between here and there.
    let end = zone.local(finish).saturating_add(DAY);
    let mut local = buckets
        .starts_from(begin)?
        .take_while(move |&local| local < end)
        .peekable();
    let next = move || {
        loop {
            let bucket = local.next()?;
            let time = zone.instant(bucket);
            let shown = zone.local(time);
            if shown != bucket {
                // The clock skips the start of this bucket. PostgreSQL takes it for a later time, which may start a bucket of
                // its own; and the clock may skip the whole bucket.
                let last = local.peek().map_or(bucket, |&following| following - 1);
                let skipped = zone.local(zone.instant(last)) != last;
                if skipped || buckets.start(shown) == Ok(shown) {
                    continue;
                }
            }
            if time < finish {
                return Some(time);
            }
        }
    };
    Ok(std::iter::from_fn(next))
}
