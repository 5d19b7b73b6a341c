//! Text and binary input and output of `kpi.series`.

use super::datum::{Bytes, Series, varlena};
use crate::error::Error;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::prelude::*;
use std::ffi::{CStr, CString};

#[pg_extern(sql = false)]
fn series_in(text: &CStr) -> Result<Series, ErrorReport> {
    // Bytes that are not UTF-8 have no place in the text form; the replacement character leads to the error for that.
    let parsed = kpi_series::Series::parse(&text.to_string_lossy());
    Ok(Series(parsed.map_err(Error::from)?))
}

#[pg_extern(sql = false)]
fn series_out(series: Series) -> CString {
    // The text form has no zero byte, so the default is never taken.
    CString::new(series.to_text()).unwrap_or_default()
}

/// Reads what is left of a message: the stored form.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn series_recv(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: PostgreSQL calls a receive function with a StringInfo first, and the message outlives the call.
    let bytes = unsafe {
        let message = pgrx::pg_getarg_datum_raw(fcinfo, 0).cast_mut_ptr::<pg_sys::StringInfoData>();
        let length = (*message).len - (*message).cursor;
        std::slice::from_raw_parts(
            pg_sys::pq_getmsgbytes(message, length).cast::<u8>(),
            length as usize,
        )
    };
    let checked = kpi_series::Series::decode(bytes);
    checked
        .map_err(|error| ErrorReport::from(Error::from(error)))
        .unwrap_or_report();
    varlena(bytes)
}

/// Writes the stored form.
#[pg_guard]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn series_send(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: the function is STRICT and declared for one kpi.series.
    let bytes = unsafe { Bytes::new(pgrx::pg_getarg_datum_raw(fcinfo, 0)) };
    varlena(bytes.as_slice())
}

super::finfo_v1!(pg_finfo_series_recv, pg_finfo_series_send);
