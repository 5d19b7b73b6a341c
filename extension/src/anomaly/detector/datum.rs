//! How a `kpi.detector` passes between PostgreSQL and Rust, and its text and binary form.

use std::ffi::{CStr, CString};

use kpi_anomaly::Detector;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::prelude::*;

use crate::aggregates::call::{Call, Returned, sql_functions};
use crate::error::Error;

/// A detector as a row of a table has it.
pub struct DetectorDatum(pub Detector);

impl FromDatum for DetectorDatum {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the caller vouches that this is a kpi.detector, which is a varlena; nothing frees it while it is read.
        let bytes = unsafe {
            let varlena = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
            pgrx::varlena::varlena_to_byte_slice(varlena)
        };
        let read = Detector::decode(bytes).map_err(Error::from);
        Some(Self(read.map_err(ErrorReport::from).unwrap_or_report()))
    }
}

impl IntoDatum for DetectorDatum {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(returned(&self.0))
    }

    fn type_oid() -> pg_sys::Oid {
        pgrx::wrappers::regtypein("kpi.detector")
    }
}

/// The detector in argument `i`, or `None` where it is NULL.
pub fn detector(call: &Call, i: usize) -> Result<Option<Detector>, Error> {
    Ok(call.bytes(i).map(Detector::decode).transpose()?)
}

/// A detector as a new varlena in the current memory context.
pub fn returned(detector: &Detector) -> pg_sys::Datum {
    pg_sys::Datum::from(pgrx::rust_byte_slice_to_bytea(&detector.encode()).into_pg())
}

/// `kpi.detector_in(cstring)`.
fn input(call: &Call) -> Returned {
    let Some(datum) = call.argument(0) else {
        return Ok(None);
    };
    // SAFETY: the argument is declared cstring, which PostgreSQL ends with a zero byte.
    let text = unsafe { CStr::from_ptr(datum.cast_mut_ptr()) };
    Ok(Some(returned(&Detector::from_text(&text.to_string_lossy())?)))
}

/// `kpi.detector_out(kpi.detector)`.
fn output(call: &Call) -> Returned {
    let Some(detector) = detector(call, 0)? else {
        return Ok(None);
    };
    // The text form has no zero byte, so the default is never taken.
    let text = CString::new(detector.to_text()).unwrap_or_default();
    // SAFETY: pstrdup copies a string that ends with a zero byte into the current memory context.
    Ok(Some(pg_sys::Datum::from(unsafe {
        pg_sys::pstrdup(text.as_ptr())
    })))
}

/// Reads what is left of a message: the stored form.
fn receive(call: &Call) -> Returned {
    let Some(datum) = call.argument(0) else {
        return Ok(None);
    };
    // SAFETY: a receive function is called with a StringInfo; the bytes are within it and outlive this call.
    let bytes = unsafe {
        let message: pg_sys::StringInfo = datum.cast_mut_ptr();
        let length = (*message).len - (*message).cursor;
        let start = pg_sys::pq_getmsgbytes(message, length);
        std::slice::from_raw_parts(start.cast::<u8>(), usize::try_from(length).unwrap_or(0))
    };
    Ok(Some(returned(&Detector::decode(bytes)?)))
}

/// The stored form, checked.
fn send(call: &Call) -> Returned {
    Ok(detector(call, 0)?.map(|detector| returned(&detector)))
}

sql_functions! {
    kpi_detector_in, pg_finfo_kpi_detector_in: input;
    kpi_detector_out, pg_finfo_kpi_detector_out: output;
    kpi_detector_recv, pg_finfo_kpi_detector_recv: receive;
    kpi_detector_send, pg_finfo_kpi_detector_send: send;
}
