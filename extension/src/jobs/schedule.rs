//! When jobs run: intervals and cron expressions.

use cronexpr::{Crontab, FallbackTimezoneOption, ParseOptions};
use jiff::Timestamp;
use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::error::Error;
use crate::spi::{self, Mode, arg};

/// Microseconds between 1970 and 2000.
const EPOCH: i64 = 946_684_800_000_000;
/// How many local times are tried that are not after the time in question.
const TRIES: usize = 1000;

/// Names that crontabs know for some schedules.
const MACROS: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// A schedule as it is stored.
pub enum Schedule {
    Interval(Interval),
    Cron(String),
}

/// Reads a schedule: five fields that begin as those of a crontab do, and what begins with @, are a cron expression, all
/// else is an interval.
pub fn parse(text: &str) -> Result<Schedule, Error> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let numeric = |field: &&str| field.chars().all(|c| c.is_ascii_digit() || "*/,-?".contains(c));
    if text.trim_start().starts_with('@') || (fields.len() >= 5 && fields.iter().take(2).all(numeric)) {
        crontab(text)?;
        return Ok(Schedule::Cron(text.trim().to_string()));
    }
    let refuse = |why: &str| {
        Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("schedule \"{text}\" is {why}"),
        )
        .hint("Use an interval, as in '5 minutes', or a cron expression, as in '30 2 * * 1-5'.")
    };
    if !text.contains(|c: char| c.is_ascii_digit()) {
        return Err(refuse("neither an interval nor a cron expression"));
    }
    let interval = spi::first(
        Mode::Write,
        "SELECT $1::pg_catalog.interval",
        &[arg(text)],
        |row| Ok(row.get::<Interval>(1)),
    )?
    .flatten()
    .ok_or_else(|| refuse("neither an interval nor a cron expression"))?;
    if interval.as_micros() <= 0 || interval.months() < 0 || interval.days() < 0 || interval.micros() < 0 {
        return Err(refuse("not a positive interval"));
    }
    Ok(Schedule::Interval(interval))
}

fn crontab(text: &str) -> Result<Crontab, Error> {
    // The fields are matched against the clocks of the job's zone, which is PostgreSQL's business: so as if in UTC.
    let mut options = ParseOptions::default();
    options.fallback_timezone_option = FallbackTimezoneOption::UTC;
    let refuse = |detail: String| {
        Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("cron expression \"{text}\" cannot be read"),
        )
        .detail(detail)
        .hint("Five fields: minute, hour, day of month, month, day of week, as in '30 2 * * 1-5'; or an interval, as in '5 minutes'.")
    };
    let fields = match MACROS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text.trim()))
    {
        Some((_, fields)) => fields,
        None if text.trim_start().starts_with('@') => {
            let names: Vec<&str> = MACROS.iter().map(|(name, _)| *name).collect();
            return Err(refuse(format!(
                "What begins with @ is one of {}.",
                names.join(", ")
            )));
        }
        None => text.trim(),
    };
    if fields.split_whitespace().count() > 5 {
        return Err(refuse(
            "It has more than five fields; the time zone is an argument of its own.".to_string(),
        ));
    }
    cronexpr::parse_crontab_with(fields, options)
        .map_err(|error| refuse(error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")))
}

/// The first time after another that a cron expression names on the clocks of a zone. A time that the clocks skip comes
/// when they have been put forward, one that they show twice is taken once.
fn next(text: &str, zone: &str, after: i64) -> Result<i64, Error> {
    let crontab = crontab(text)?;
    let none = || {
        Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("cron expression \"{text}\" names no time that comes"),
        )
        .hint("A date such as 30 February never is.")
    };
    let zone_argument = || zone.to_string().into_datum();
    // SAFETY: the server's AT TIME ZONE; an unknown zone raises its own error.
    let local = |t: i64| unsafe {
        pgrx::direct_function_call_as_datum(
            pg_sys::timestamptz_zone,
            &[zone_argument(), Some(pg_sys::Datum::from(t))],
        )
    };
    // SAFETY: as above.
    let instant = |t: i64| unsafe {
        pgrx::direct_function_call_as_datum(
            pg_sys::timestamp_zone,
            &[zone_argument(), Some(pg_sys::Datum::from(t))],
        )
    };
    let start = local(after).map_or(after, |datum| datum.value() as i64);
    let mut from = Timestamp::from_microsecond(start.saturating_add(EPOCH)).map_err(|_| none())?;
    for _ in 0..TRIES {
        let found = crontab.find_next(from).map_err(|_| none())?.timestamp();
        let found_instant =
            instant(found.as_microsecond() - EPOCH).map_or(i64::MAX, |datum| datum.value() as i64);
        // Where clocks are put back, a later local time may be an earlier instant.
        if found_instant > after {
            return Ok(found_instant);
        }
        from = found;
    }
    Err(none())
}

/// `kpi._cron_next(cron, timezone, after)`.
#[pg_extern(sql = false)]
fn cron_next(
    cron: &str,
    timezone: &str,
    after: TimestampWithTimeZone,
) -> Result<TimestampWithTimeZone, pgrx::pg_sys::panic::ErrorReport> {
    let next = next(cron, timezone, after.into_inner())?;
    Ok(TimestampWithTimeZone::try_from(next).map_err(|_| {
        Error::new(
            PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW,
            "the next run is out of range for timestamptz",
        )
    })?)
}
