//! Results of several columns: one row, or many.

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::call::{Call, Returned};
use crate::error::Error;

/// The columns of a row; `None` is NULL.
pub(crate) type Columns<const N: usize> = [Option<pg_sys::Datum>; N];

fn split<const N: usize>(columns: Columns<N>) -> ([pg_sys::Datum; N], [bool; N]) {
    (
        columns.map(|column| column.unwrap_or(pg_sys::Datum::null())),
        columns.map(|column| column.is_none()),
    )
}

/// The error for a declaration in SQL that does not return as many columns as the function makes.
fn undeclared(declared: i32) -> Error {
    Error::new(
        PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
        "this function returns rows with other columns",
    )
    .detail(format!("{declared} columns are declared."))
    .hint("For rows of a table call into_values, which returns them as one column of several.")
}

/// One row, of the columns that the function is declared with.
pub(crate) fn one<const N: usize>(call: &Call, columns: Columns<N>) -> Returned {
    let (mut values, mut nulls) = split(columns);
    let mut descriptor: pg_sys::TupleDesc = std::ptr::null_mut();
    // SAFETY: fcinfo is valid for the length of the call. The descriptor is used only where PostgreSQL has found one, for as
    // many columns as there are values; the types are those that sql/aggregates declares.
    unsafe {
        let class = pg_sys::get_call_result_type(call.fcinfo(), std::ptr::null_mut(), &raw mut descriptor);
        if class != pg_sys::TypeFuncClass::TYPEFUNC_COMPOSITE || descriptor.is_null() {
            return Err(undeclared(0));
        }
        if (*descriptor).natts != N as i32 {
            return Err(undeclared((*descriptor).natts));
        }
        let descriptor = pg_sys::BlessTupleDesc(descriptor);
        let tuple = pg_sys::heap_form_tuple(descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
        Ok(Some(pg_sys::HeapTupleHeaderGetDatum((*tuple).t_data)))
    }
}

/// Many rows, of the columns that the function is declared to return: a table, or a set of single values.
pub(super) fn many<const N: usize>(call: &Call, rows: impl IntoIterator<Item = Columns<N>>) -> Returned {
    // SAFETY: the function is declared to return a set, so the executor passed a ReturnSetInfo, in which
    // InitMaterializedSRF puts a descriptor and a store that live until the result has been read.
    let (store, descriptor) = unsafe {
        // A set of single values has no row type of its own: its descriptor is the one that the caller expects.
        let flags = if N == 1 {
            pg_sys::MAT_SRF_USE_EXPECTED_DESC
        } else {
            0
        };
        pg_sys::InitMaterializedSRF(call.fcinfo(), flags);
        let result = (*call.fcinfo()).resultinfo.cast::<pg_sys::ReturnSetInfo>();
        ((*result).setResult, (*result).setDesc)
    };
    // SAFETY: the descriptor is valid, see above.
    let declared = unsafe { (*descriptor).natts };
    if declared != N as i32 {
        return Err(undeclared(declared));
    }
    for columns in rows {
        let (mut values, mut nulls) = split(columns);
        // SAFETY: as many values as the descriptor has columns, of the types that sql/aggregates declares.
        unsafe { pg_sys::tuplestore_putvalues(store, descriptor, values.as_mut_ptr(), nulls.as_mut_ptr()) };
    }
    Ok(None)
}

/// A `text` column.
pub(crate) fn text(value: &str) -> Option<pg_sys::Datum> {
    super::encoding::to_server(value)
}

/// An `interval` column of so many microseconds.
pub(super) fn interval(micros: i64) -> Option<pg_sys::Datum> {
    // SAFETY: the new chunk is large enough for an interval, and zero is a valid one.
    unsafe {
        let place = pg_sys::palloc0(size_of::<pg_sys::Interval>()).cast::<pg_sys::Interval>();
        (*place).time = micros;
        Some(pg_sys::Datum::from(place))
    }
}
