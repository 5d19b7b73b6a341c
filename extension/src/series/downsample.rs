//! The aggregates that downsample rows, `kpi.lttb(ts, value, n)` and its like, and the functions that downsample a series.

use super::datum::{Bytes, Series};
use crate::aggregates::call::{Call, Returned, sql_functions};
use crate::aggregates::transition;
use crate::error::Error;
use kpi_series::Downsampler;
use pgrx::PgMemoryContexts;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

pgrx::extension_sql_file!(
    "../../../sql/series/downsample.sql",
    name = "series_downsample",
    requires = ["series"]
);

/// An interval as microseconds. A day has 24 hours; months, which have no fixed length, are refused.
fn gap_micros(months: i32, days: i32, micros: i64) -> Result<i64, Error> {
    if months != 0 {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            "a gap must have a fixed length",
        )
        .detail(format!("The gap has {months} months."))
        .hint("Give days or time, such as interval '30 days'."));
    }
    const DAY: i64 = 86_400_000_000;
    Ok(micros.saturating_add(i64::from(days).saturating_mul(DAY)))
}

/// The settings in the arguments from the fourth on: `n`, and the gap where there is one.
fn settings(call: &Call) -> Result<(i64, Option<i64>), Error> {
    let n = call.int4(3).ok_or_else(|| {
        Error::new(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "n must not be null",
        )
        .hint("Give the width of the chart in pixels, such as 800.")
    })?;
    let gap = call.argument(4).map(|datum| {
        // SAFETY: the argument is declared interval, which is passed by a pointer that is valid for the call.
        let interval = unsafe { &*datum.cast_mut_ptr::<pg_sys::Interval>() };
        gap_micros(interval.month, interval.day, interval.time)
    });
    Ok((n.into(), gap.transpose()?))
}

/// Takes a row; one without a time is skipped.
fn step(call: &Call) -> Returned {
    let Some(time) = call.argument(1) else {
        return Ok(call.argument(0));
    };
    let (n, gap) = settings(call)?;
    transition::step(
        call,
        || Ok(Downsampler::new(n, gap)?),
        |rows| {
            rows.expect(n, gap)?;
            Ok(rows.push(time.value() as i64, call.float8(2))?)
        },
    )
}

fn combine(call: &Call) -> Returned {
    let Some(other) = call.argument(1) else {
        return Ok(call.argument(0));
    };
    let other: &Downsampler = transition::state_mut(other);
    transition::step(call, || Ok(other.emptied()), |rows| Ok(rows.merge(other)?))
}

fn serialize(call: &Call) -> Returned {
    let Some(state) = call.argument(0) else {
        return Ok(None);
    };
    let bytes = transition::state_mut::<Downsampler>(state).encode()?;
    Ok(Some(pg_sys::Datum::from(
        pgrx::rust_byte_slice_to_bytea(&bytes).into_pg(),
    )))
}

fn deserialize(call: &Call) -> Returned {
    let Some(datum) = call.argument(0) else {
        return Ok(None);
    };
    // SAFETY: the first argument is declared bytea.
    let bytes = unsafe { Bytes::new(datum) };
    let state = Downsampler::decode(bytes.as_slice())?;
    let memory = call.aggregate_memory()?;
    Ok(Some(pg_sys::Datum::from(
        PgMemoryContexts::For(memory).leak_and_drop_on_delete(state),
    )))
}

fn finish(
    call: &Call,
    reduce: impl FnOnce(&mut Downsampler) -> Result<kpi_series::Series, kpi_series::Error>,
) -> Returned {
    let Some(state) = call.argument(0) else {
        return Ok(None);
    };
    Ok(Series(reduce(transition::state_mut(state))?).into_datum())
}

sql_functions! {
    kpi_downsample_trans, pg_finfo_kpi_downsample_trans: step;
    kpi_downsample_combine, pg_finfo_kpi_downsample_combine: combine;
    kpi_downsample_serialize, pg_finfo_kpi_downsample_serialize: serialize;
    kpi_downsample_deserialize, pg_finfo_kpi_downsample_deserialize: deserialize;
    kpi_downsample_lttb, pg_finfo_kpi_downsample_lttb: |call| finish(call, Downsampler::lttb);
    kpi_downsample_gp_lttb, pg_finfo_kpi_downsample_gp_lttb: |call| finish(call, Downsampler::gp_lttb);
    kpi_downsample_asap_smooth, pg_finfo_kpi_downsample_asap_smooth: |call| finish(call, Downsampler::asap_smooth);
}

#[pg_extern(sql = false)]
fn series_asap_smooth(series: Series, n: i32) -> Result<Series, ErrorReport> {
    Ok(Series(series.asap_smooth(n.into()).map_err(Error::from)?))
}

#[pg_extern(sql = false)]
fn series_gp_lttb(series: Series, n: i32) -> Result<Series, ErrorReport> {
    Ok(Series(series.gp_lttb(n.into(), None).map_err(Error::from)?))
}

#[pg_extern(sql = false)]
fn series_gp_lttb_of(series: Series, n: i32, gap: Interval) -> Result<Series, ErrorReport> {
    let gap = gap_micros(gap.months(), gap.days(), gap.micros())?;
    Ok(Series(series.gp_lttb(n.into(), Some(gap)).map_err(Error::from)?))
}
