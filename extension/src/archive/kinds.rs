//! How a column of PostgreSQL is stored in a file.

use std::ffi::CStr;

use kpi_archive::Kind;
use pgrx::pg_sys;

/// What a column is in the file, and how its values get there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Storage {
    pub kind: Kind,
    /// Whether values go through the type's output and input functions, whose text is stored.
    pub through_text: bool,
    /// The type below domains: what values are.
    pub base: pg_sys::Oid,
    /// The type modifier that holds for the base type.
    pub typmod: i32,
}

/// Digits that a decimal of a file has at most.
const DECIMAL_DIGITS: i32 = 38;

/// How a column of a type is stored: ordinary types as themselves, so that others can read the files as they are; all
/// else as the text that its output function gives.
pub fn storage(type_oid: pg_sys::Oid, typmod: i32) -> Storage {
    let mut typmod = typmod;
    // SAFETY: a syscache lookup of a type that a column has.
    let base = unsafe { pg_sys::getBaseTypeAndTypmod(type_oid, &mut typmod) };
    let (kind, through_text) = match base {
        pg_sys::BOOLOID => (Kind::Bool, false),
        pg_sys::INT2OID => (Kind::Int16, false),
        pg_sys::INT4OID => (Kind::Int32, false),
        pg_sys::INT8OID => (Kind::Int64, false),
        pg_sys::FLOAT4OID => (Kind::Float32, false),
        pg_sys::FLOAT8OID => (Kind::Float64, false),
        pg_sys::DATEOID => (Kind::Date, false),
        pg_sys::TIMEOID => (Kind::Time, false),
        pg_sys::TIMESTAMPOID => (Kind::Timestamp { utc: false }, false),
        pg_sys::TIMESTAMPTZOID => (Kind::Timestamp { utc: true }, false),
        pg_sys::UUIDOID => (Kind::Uuid, false),
        pg_sys::BYTEAOID => (Kind::Binary, false),
        pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID | pg_sys::JSONOID => (Kind::Text, false),
        pg_sys::NUMERICOID => match decimal(typmod) {
            Some((precision, scale)) => (Kind::Decimal { precision, scale }, false),
            None => (Kind::Text, true),
        },
        _ => (Kind::Text, true),
    };
    Storage {
        kind,
        through_text,
        base,
        typmod,
    }
}

/// Precision and scale that hold every value of `numeric(p, s)`; `None` without bounds, or beyond what a file's decimal
/// can hold. A scale above the precision, or below zero, widens the precision.
fn decimal(typmod: i32) -> Option<(u8, u8)> {
    if typmod < pg_sys::VARHDRSZ as i32 {
        return None;
    }
    let typmod = typmod - pg_sys::VARHDRSZ as i32;
    let precision = (typmod >> 16) & 0xffff;
    // Eleven bits with a sign.
    let scale = ((typmod & 0x7ff) ^ 1024) - 1024;
    let (precision, scale) = if scale < 0 {
        (precision - scale, 0)
    } else {
        (precision.max(scale), scale)
    };
    (precision <= DECIMAL_DIGITS).then_some((precision as u8, scale as u8))
}

/// A type as it is named in a file's metadata: whatever the search path, and read the same in any session.
pub fn type_name(type_oid: pg_sys::Oid, typmod: i32) -> String {
    let flags = (pg_sys::FORMAT_TYPE_TYPEMOD_GIVEN | pg_sys::FORMAT_TYPE_FORCE_QUALIFY) as u16;
    // SAFETY: a zero-terminated string in the current context.
    unsafe { CStr::from_ptr(pg_sys::format_type_extended(type_oid, typmod, flags)) }
        .to_string_lossy()
        .into_owned()
}
