//! States as SQL values: text and binary form, and accessors.

use std::ffi::{CStr, CString};

use kpi_stats::{Method, State};
use pgrx::pg_sys;

use super::call::{Call, Returned, float8, int8};
use crate::error::Error;

/// The state in argument `i`, or `None` where it is NULL.
pub(super) fn state<S: State>(call: &Call, i: usize) -> Result<Option<S>, Error> {
    Ok(call.bytes(i).map(S::decode).transpose()?)
}

/// A state as a new varlena in the current memory context.
pub(super) fn returned<S: State>(state: &S) -> Returned {
    bytea(&state.encode())
}

pub(super) fn bytea(bytes: &[u8]) -> Returned {
    Ok(Some(pg_sys::Datum::from(
        pgrx::rust_byte_slice_to_bytea(bytes).into_pg(),
    )))
}

/// `type_in(cstring)`.
pub(super) fn input<S: State>(call: &Call) -> Returned {
    let Some(datum) = call.argument(0) else {
        return Ok(None);
    };
    // SAFETY: the argument is declared cstring, which PostgreSQL ends with a zero byte.
    let text = unsafe { CStr::from_ptr(datum.cast_mut_ptr()) };
    returned(&S::from_text(&text.to_string_lossy())?)
}

/// `type_out(type)`.
pub(super) fn output<S: State>(call: &Call) -> Returned {
    let Some(state) = state::<S>(call, 0)? else {
        return Ok(None);
    };
    let text = CString::new(state.to_text()).unwrap_or_default();
    // SAFETY: pstrdup copies a string that ends with a zero byte into the current memory context.
    Ok(Some(pg_sys::Datum::from(unsafe {
        pg_sys::pstrdup(text.as_ptr())
    })))
}

/// `type_recv(internal)`: the encoded bytes, checked.
pub(super) fn receive<S: State>(call: &Call) -> Returned {
    let Some(datum) = call.argument(0) else {
        return Ok(None);
    };
    // SAFETY: a receive function is called with a StringInfo; the bytes are within it and outlive this call.
    let bytes = unsafe {
        let buffer: pg_sys::StringInfo = datum.cast_mut_ptr();
        let length = (*buffer).len - (*buffer).cursor;
        let start = pg_sys::pq_getmsgbytes(buffer, length);
        std::slice::from_raw_parts(start.cast::<u8>(), usize::try_from(length).unwrap_or(0))
    };
    returned(&S::decode(bytes)?)
}

/// `type_send(type)`: the stored bytes as they are, checked.
pub(super) fn send<S: State>(call: &Call) -> Returned {
    match state::<S>(call, 0)? {
        Some(state) => bytea(&state.encode()),
        None => Ok(None),
    }
}

/// An accessor that reads a state and returns `float8`.
pub(super) fn number<S: State>(
    call: &Call,
    read: impl Fn(&S) -> Result<Option<f64>, kpi_stats::Error>,
) -> Returned {
    let Some(state) = state::<S>(call, 0)? else {
        return Ok(None);
    };
    Ok(read(&state)?.map(float8))
}

/// An accessor with a second argument that names the method.
pub(super) fn by_method<S: State>(
    call: &Call,
    read: impl Fn(&S, Method) -> Result<Option<f64>, kpi_stats::Error>,
) -> Returned {
    let Some(word) = call.text(1) else { return Ok(None) };
    let method = Method::parse(&word)?;
    number(call, |state: &S| read(state, method))
}

/// An accessor that reads a state and returns `bigint`.
pub(super) fn count<S: State>(call: &Call, read: impl Fn(&S) -> u64) -> Returned {
    Ok(state::<S>(call, 0)?.map(|state| int8(read(&state))))
}
