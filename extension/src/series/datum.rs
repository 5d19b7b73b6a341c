//! How a `kpi.series` passes between PostgreSQL and Rust.

use crate::error::Error;
use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::{Datum, UnboxDatum};
use pgrx::nullable::Nullable;
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::prelude::*;
use std::ops::Deref;

/// The Rust side of SQL type `kpi.series`.
#[derive(Debug, Clone, PartialEq)]
pub struct Series(pub kpi_series::Series);

impl Deref for Series {
    type Target = kpi_series::Series;

    fn deref(&self) -> &kpi_series::Series {
        &self.0
    }
}

impl From<kpi_series::Series> for Series {
    fn from(series: kpi_series::Series) -> Self {
        Self(series)
    }
}

/// The bytes of a varlena value, detoasted; frees the detoasted copy when it goes out of scope.
pub(super) struct Bytes {
    original: *mut pg_sys::varlena,
    detoasted: *mut pg_sys::varlena,
}

impl Bytes {
    /// # Safety
    /// `datum` has to be a valid, non-null varlena, which outlives the result.
    pub(super) unsafe fn new(datum: pg_sys::Datum) -> Self {
        let original = datum.cast_mut_ptr();
        // SAFETY: the caller vouches for the varlena.
        let detoasted = unsafe { pg_sys::pg_detoast_datum_packed(original) };
        Self { original, detoasted }
    }

    /// The first `count` bytes at most, without reading the rest from TOAST storage where that can be avoided.
    ///
    /// # Safety
    /// As for [`Bytes::new`].
    pub(super) unsafe fn head(datum: pg_sys::Datum, count: usize) -> Self {
        let original = datum.cast_mut_ptr();
        // SAFETY: the caller vouches for the varlena.
        let detoasted = unsafe { pg_sys::pg_detoast_datum_slice(original, 0, count as i32) };
        Self { original, detoasted }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        // SAFETY: `detoasted` is a valid plain or short varlena until `self` is dropped.
        unsafe { pgrx::varlena_to_byte_slice(self.detoasted) }
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if self.original != self.detoasted {
            // SAFETY: detoasting made this copy with palloc, and nothing else refers to it.
            unsafe { pg_sys::pfree(self.detoasted.cast()) }
        }
    }
}

/// Copies bytes into a new varlena in the current memory context.
pub(super) fn varlena(bytes: &[u8]) -> pg_sys::Datum {
    // SAFETY: the allocation holds header and bytes; a series of the largest size is far below the 1 GB of a varlena.
    unsafe {
        let size = pg_sys::VARHDRSZ + bytes.len();
        let target = pg_sys::palloc(size).cast::<pg_sys::varlena>();
        pgrx::set_varsize_4b(target, size as i32);
        std::ptr::copy_nonoverlapping(
            bytes.as_ptr(),
            pgrx::vardata_4b(target).cast_mut().cast(),
            bytes.len(),
        );
        target.into()
    }
}

/// Puts the head and the values of a stored series into a new varlena in the current memory context; `write` writes the
/// `value_bytes` of the values.
pub(super) fn encoded(head: &[u8], value_bytes: usize, write: impl FnOnce(&mut [u8])) -> pg_sys::Datum {
    let size = pg_sys::VARHDRSZ + head.len() + value_bytes;
    // SAFETY: the allocation is zeroed, holds `size` bytes, and nothing else refers to it; a series of the largest size is
    // far below the 1 GB of a varlena.
    let (target, bytes) = unsafe {
        let target = pg_sys::palloc0(size).cast::<pg_sys::varlena>();
        pgrx::set_varsize_4b(target, size as i32);
        let data = pgrx::vardata_4b(target).cast_mut().cast::<u8>();
        (
            target,
            std::slice::from_raw_parts_mut(data, size - pg_sys::VARHDRSZ),
        )
    };
    let (start, values) = bytes.split_at_mut(head.len());
    start.copy_from_slice(head);
    write(values);
    target.into()
}

/// Decodes stored bytes; what cannot be decoded there was damaged since it was written.
pub(super) fn decode_stored<T>(decoded: Result<T, kpi_series::Error>) -> Result<T, Error> {
    decoded.map_err(|error| {
        Error::new(PgSqlErrorCode::ERRCODE_DATA_CORRUPTED, "stored series is damaged")
            .detail_opt(error.detail())
    })
}

impl FromDatum for Series {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the caller vouches that this is a kpi.series, which is a varlena.
        let bytes = unsafe { Bytes::new(datum) };
        let decoded = decode_stored(kpi_series::Series::decode(bytes.as_slice())).map_err(ErrorReport::from);
        Some(Self(decoded.unwrap_or_report()))
    }
}

// SAFETY: FromDatum copies everything it needs, so nothing of the datum outlives this.
unsafe impl UnboxDatum for Series {
    type As<'source> = Self;

    unsafe fn unbox<'source>(datum: Datum<'source>) -> Self
    where
        Self: 'source,
    {
        // SAFETY: the caller vouches that this is a kpi.series that is not NULL.
        let series = unsafe { Self::from_datum(datum.sans_lifetime(), false) };
        series.unwrap_or_else(|| Self(kpi_series::Series::default()))
    }
}

impl IntoDatum for Series {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(encoded(&self.encode_head(), self.value_bytes(), |values| {
            self.encode_values(values)
        }))
    }

    fn type_oid() -> pg_sys::Oid {
        pgrx::wrappers::regtypein("kpi.series")
    }
}

// SAFETY: sql/series.sql creates kpi.series as a varlena whose bytes are those of the codec.
unsafe impl SqlTranslatable for Series {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Series);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::ThisExtension;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("kpi.series"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("kpi.series")));
}

// SAFETY: unboxing goes through FromDatum, which copies everything it needs.
unsafe impl<'fcx> ArgAbi<'fcx> for Series {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: SqlTranslatable makes the SQL type of this argument kpi.series.
        let series = unsafe { arg.unbox_arg_using_from_datum() };
        let missing = Error::new(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "series must not be null",
        );
        series.ok_or(ErrorReport::from(missing)).unwrap_or_report()
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Self> {
        // SAFETY: as above.
        unsafe { arg.unbox_arg_using_from_datum().into() }
    }
}

// SAFETY: the datum is a fresh kpi.series in the current memory context.
unsafe impl BoxRet for Series {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        match self.into_datum() {
            // SAFETY: the type of the datum is that of the function, by SqlTranslatable.
            Some(datum) => unsafe { fcinfo.return_raw_datum(datum) },
            None => fcinfo.return_null(),
        }
    }
}
