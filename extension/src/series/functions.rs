//! Functions that read a series.

use super::datum::{Bytes, Series, decode_stored};
use super::session_time_zone;
use crate::error::Error;
use kpi_series::{Fill, HEADER_BYTES, Header, Step};
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::prelude::*;

#[pg_extern(sql = false)]
fn series_points(
    series: Series,
) -> TableIterator<'static, (name!(ts, TimestampWithTimeZone), name!(value, Option<f64>))> {
    let points: Vec<_> = series
        .points()
        .map(|(time, value)| (timestamp(time), value))
        .collect();
    TableIterator::new(points)
}

fn timestamp(time: i64) -> TimestampWithTimeZone {
    // Every time of a series is within the range of timestamptz, so the default is never taken.
    TimestampWithTimeZone::try_from(time).unwrap_or(TimestampWithTimeZone::positive_infinity())
}

/// The header of the first argument, for which a toasted series is not read as a whole.
///
/// # Safety
/// `fcinfo` has to be the frame of a STRICT function whose first argument is a kpi.series.
unsafe fn header(fcinfo: pg_sys::FunctionCallInfo) -> Header {
    // SAFETY: the caller vouches for the argument.
    let bytes = unsafe { Bytes::head(pgrx::pg_getarg_datum_raw(fcinfo, 0), HEADER_BYTES) };
    decode_stored(Header::decode(bytes.as_slice()))
        .map_err(ErrorReport::from)
        .unwrap_or_report()
}

/// `kpi.length(kpi.series) -> int`
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn series_length(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: sql/series.sql declares the function STRICT with one kpi.series.
    (unsafe { header(fcinfo) }.len as i32).into()
}

/// `kpi.first_time(kpi.series) -> timestamptz`, NULL when there is no point.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn series_first_time(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: as in series_length.
    let header = unsafe { header(fcinfo) };
    time_or_null(fcinfo, (header.len > 0).then_some(header.first))
}

/// `kpi.last_time(kpi.series) -> timestamptz`, NULL when there is no point.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn series_last_time(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: as in series_length.
    let header = unsafe { header(fcinfo) };
    time_or_null(fcinfo, (header.len > 0).then_some(header.last))
}

fn time_or_null(fcinfo: pg_sys::FunctionCallInfo, time: Option<i64>) -> pg_sys::Datum {
    time.map_or_else(|| super::return_null(fcinfo), pg_sys::Datum::from)
}

#[pg_extern(sql = false)]
fn series_frequency(series: Series) -> Result<Option<Interval>, ErrorReport> {
    Ok(frequency(&series)?)
}

fn frequency(series: &Series) -> Result<Option<Interval>, Error> {
    let Some(step) = series.frequency(&session_time_zone()?) else {
        return Ok(None);
    };
    let interval = Interval::new(step.months, step.days, step.micros);
    let interval = interval.map_err(|error| {
        Error::new(
            PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW,
            "step is out of range for an interval",
        )
        .detail(error.to_string())
    })?;
    Ok(Some(interval))
}

#[pg_extern(sql = false)]
fn series_regularize(series: Series, every: Interval, fill: &str) -> Result<Series, ErrorReport> {
    Ok(regularize(&series, &every, fill)?)
}

fn regularize(series: &Series, every: &Interval, fill: &str) -> Result<Series, Error> {
    let step = Step::new(every.months(), every.days(), every.micros())?;
    let fill: Fill = fill.parse()?;
    Ok(Series(series.regularize(step, fill, &session_time_zone()?)?))
}

#[pg_extern(sql = false)]
fn series_lttb(series: Series, n: i32) -> Result<Series, ErrorReport> {
    Ok(Series(series.lttb(n.into()).map_err(Error::from)?))
}

#[pg_extern(sql = false)]
fn series_sparkline(series: Series, width: i32) -> Result<String, ErrorReport> {
    Ok(series.sparkline(width.into()).map_err(Error::from)?)
}

super::finfo_v1!(
    pg_finfo_series_length,
    pg_finfo_series_first_time,
    pg_finfo_series_last_time
);
