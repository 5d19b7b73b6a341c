//! How a `kpi.model` passes between PostgreSQL and Rust, and its text and binary form.

use std::ffi::{CStr, CString};
use std::ops::{Deref, DerefMut};

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::nullable::Nullable;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::prelude::*;

use crate::aggregates::call::{Call, Returned, sql_functions};
use crate::error::Error;

/// The Rust side of SQL type `kpi.model`.
#[derive(Debug, Clone)]
pub struct FittedModel(pub kpi_forecast::state::FittedModel);

impl Deref for FittedModel {
    type Target = kpi_forecast::state::FittedModel;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for FittedModel {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

#[pg_extern(sql = false)]
fn model_in(text: &CStr) -> Result<FittedModel, ErrorReport> {
    // Bytes that are not UTF-8 have no place in the text form; the replacement character leads to the error for that.
    let read = kpi_forecast::state::FittedModel::from_text(&text.to_string_lossy());
    Ok(FittedModel(read.map_err(Error::from)?))
}

#[pg_extern(sql = false)]
fn model_out(model: FittedModel) -> CString {
    // The text form has no zero byte, so the default is never taken.
    CString::new(model.to_text()).unwrap_or_default()
}

fn bytea(bytes: &[u8]) -> pg_sys::Datum {
    pg_sys::Datum::from(pgrx::rust_byte_slice_to_bytea(bytes).into_pg())
}

fn decoded(bytes: &[u8]) -> Result<FittedModel, Error> {
    Ok(FittedModel(kpi_forecast::state::FittedModel::decode(bytes)?))
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
    Ok(Some(bytea(&decoded(bytes)?.encode())))
}

/// The stored form, checked.
fn send(call: &Call) -> Returned {
    let bytes = call.bytes(0);
    bytes
        .map(|bytes| Ok(bytea(&decoded(bytes)?.encode())))
        .transpose()
}

sql_functions! {
    kpi_model_recv, pg_finfo_kpi_model_recv: receive;
    kpi_model_send, pg_finfo_kpi_model_send: send;
}

impl FromDatum for FittedModel {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the caller vouches that this is a kpi.model, which is a varlena; nothing frees it while it is read.
        let bytes = unsafe {
            let varlena = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
            pgrx::varlena::varlena_to_byte_slice(varlena)
        };
        Some(decoded(bytes).map_err(ErrorReport::from).unwrap_or_report())
    }
}

impl IntoDatum for FittedModel {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(bytea(&self.encode()))
    }

    fn type_oid() -> pg_sys::Oid {
        pgrx::wrappers::regtypein("kpi.model")
    }
}

// SAFETY: sql/forecast/model.sql creates kpi.model as a varlena whose bytes are those of the codec.
unsafe impl SqlTranslatable for FittedModel {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(FittedModel);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::ThisExtension;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("kpi.model"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("kpi.model")));
}

// SAFETY: unboxing goes through FromDatum, which copies everything it needs.
unsafe impl<'fcx> ArgAbi<'fcx> for FittedModel {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: SqlTranslatable makes the SQL type of this argument kpi.model.
        let model = unsafe { arg.unbox_arg_using_from_datum() };
        let missing = Error::new(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "model must not be null",
        );
        model.ok_or(ErrorReport::from(missing)).unwrap_or_report()
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Self> {
        // SAFETY: as above.
        unsafe { arg.unbox_arg_using_from_datum().into() }
    }
}

// SAFETY: the datum is a fresh kpi.model in the current memory context.
unsafe impl BoxRet for FittedModel {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        match self.into_datum() {
            // SAFETY: the type of the datum is that of the function, by SqlTranslatable.
            Some(datum) => unsafe { fcinfo.return_raw_datum(datum) },
            None => fcinfo.return_null(),
        }
    }
}
