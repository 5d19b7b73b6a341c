//! The aggregate `kpi.series(ts, value)`.
//!
//! These functions take their arguments from the call frame by hand: the transition function runs once a row, and
//! generic unpacking costs several times what it does.

use super::datum::{Bytes, encoded};
use super::return_null;
use crate::error::Error;
use kpi_series::Builder;
use pgrx::PgMemoryContexts;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::prelude::*;
use std::ptr::NonNull;

fn raise<T>(result: Result<T, kpi_series::Error>) -> T {
    result
        .map_err(|error| ErrorReport::from(Error::from(error)))
        .unwrap_or_report()
}

/// The argument, unless it is NULL.
///
/// # Safety
/// `fcinfo` has to be the frame of a call with more than `index` arguments.
#[inline]
unsafe fn argument(fcinfo: pg_sys::FunctionCallInfo, index: usize) -> Option<pg_sys::Datum> {
    // SAFETY: the caller vouches that the argument is there.
    let argument = unsafe { *(*fcinfo).args.as_ptr().add(index) };
    (!argument.isnull).then_some(argument.value)
}

/// The aggregate state in an argument, unless it is NULL.
///
/// # Safety
/// As for [`argument`], and the argument has to be a state made by [`new_state`] in this aggregate.
#[inline]
unsafe fn state<'a>(fcinfo: pg_sys::FunctionCallInfo, index: usize) -> Option<&'a mut Builder> {
    // SAFETY: the state lives as long as the aggregate's memory context, and nothing else refers to it in this call.
    unsafe { argument(fcinfo, index).and_then(|datum| datum.cast_mut_ptr::<Builder>().as_mut()) }
}

/// Puts a state where it lives as long as the aggregate needs it, and is dropped with it.
///
/// # Safety
/// `fcinfo` has to be the frame of a call.
unsafe fn new_state<'a>(fcinfo: pg_sys::FunctionCallInfo, builder: Builder) -> &'a mut Builder {
    let mut context = std::ptr::null_mut();
    // SAFETY: AggCheckCallContext only reads the frame, and sets the context when it returns non-zero.
    if unsafe { pg_sys::AggCheckCallContext(fcinfo, &mut context) } == 0 {
        let error = Error::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "this function can only be called by the aggregate kpi.series",
        )
        .hint("write SELECT kpi.series(ts, value) FROM ...");
        return Err(ErrorReport::from(error)).unwrap_or_report();
    }
    // SAFETY: the memory stays valid until the context is reset or deleted, which is after the last use.
    unsafe { &mut *PgMemoryContexts::For(context).leak_and_drop_on_delete(builder) }
}

fn return_state(state: Option<&mut Builder>, fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    match state {
        Some(state) => NonNull::from(state).as_ptr().into(),
        None => return_null(fcinfo),
    }
}

/// `series_transition(internal, timestamptz, float8) -> internal`: takes one row.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn series_transition(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls this with three arguments of the types declared in sql/series.sql.
    let (state, time, value) = unsafe { (state(fcinfo, 0), argument(fcinfo, 1), argument(fcinfo, 2)) };
    let Some(time) = time else {
        return return_state(state, fcinfo);
    };
    // SAFETY: as above.
    let state = state.unwrap_or_else(|| unsafe { new_state(fcinfo, Builder::default()) });
    raise(state.push(
        time.value() as i64,
        value.map(|value| f64::from_bits(value.value() as u64)),
    ));
    return_state(Some(state), fcinfo)
}

/// `series_combine(internal, internal) -> internal`: the points of the second after those of the first.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn series_combine(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls this with two states, of which the second may live in a shorter-lived context.
    let (first, second) = unsafe { (state(fcinfo, 0), state(fcinfo, 1)) };
    let Some(second) = second else {
        return return_state(first, fcinfo);
    };
    // SAFETY: as above.
    let first = first.unwrap_or_else(|| unsafe { new_state(fcinfo, Builder::default()) });
    raise(first.merge(second));
    return_state(Some(first), fcinfo)
}

/// `series_final(internal) -> kpi.series`: the series in time order.
///
/// As a window function this runs again and again between transitions; sorting what is there changes nothing that
/// a later row can see.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn series_final(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls this with one state.
    match unsafe { state(fcinfo, 0) } {
        Some(state) => {
            let head = raise(state.encode_head());
            encoded(&head, state.value_bytes(), |values| state.encode_values(values))
        }
        None => return_null(fcinfo),
    }
}

/// `series_serialize(internal) -> bytea`: the state for another process.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn series_serialize(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: the SQL function has one argument of type internal; the final function takes the same.
    unsafe { series_final(fcinfo) }
}

/// `series_deserialize(bytea, internal) -> internal`: the state from another process.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn series_deserialize(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: the SQL function is STRICT, and its first argument is a bytea.
    let bytes = unsafe { Bytes::new(pgrx::pg_getarg_datum_raw(fcinfo, 0)) };
    let builder = Builder::from(raise(kpi_series::Series::decode(bytes.as_slice())));
    // SAFETY: PostgreSQL calls this in an aggregate.
    return_state(Some(unsafe { new_state(fcinfo, builder) }), fcinfo)
}

super::finfo_v1!(
    pg_finfo_series_transition,
    pg_finfo_series_combine,
    pg_finfo_series_final,
    pg_finfo_series_serialize,
    pg_finfo_series_deserialize,
);
