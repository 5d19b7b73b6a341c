//! PostgreSQL's values into the columns of a file.

use kpi_archive::{ColumnBuffer, Kind};
use pgrx::pg_sys;

/// Microseconds and days between 1970, where files count from, and 2000, where PostgreSQL does.
pub const EPOCH_US: i64 = 946_684_800_000_000;
pub const EPOCH_DAYS: i32 = 10_957;

/// How one column's values reach their buffer.
enum Way {
    Bool,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Date,
    Time,
    Timestamp,
    Uuid,
    /// text and its like, as their bytes are.
    Text,
    Bytes,
    Decimal {
        scale: u8,
        output: pg_sys::FmgrInfo,
    },
    /// Whatever has no kind of its own: what its output function writes.
    Output(pg_sys::FmgrInfo),
}

/// One column on its way into files.
pub struct Encoder {
    way: Way,
}

impl Encoder {
    /// For values of a type in a column of a kind.
    pub fn new(type_oid: pg_sys::Oid, kind: &Kind) -> Self {
        let way = match kind {
            Kind::Bool => Way::Bool,
            Kind::Int16 => Way::Int16,
            Kind::Int32 => Way::Int32,
            Kind::Int64 => Way::Int64,
            Kind::Float32 => Way::Float32,
            Kind::Float64 => Way::Float64,
            Kind::Date => Way::Date,
            Kind::Time => Way::Time,
            Kind::Timestamp { .. } => Way::Timestamp,
            Kind::Uuid => Way::Uuid,
            Kind::Binary => Way::Bytes,
            Kind::Decimal { scale, .. } => Way::Decimal {
                scale: *scale,
                output: output(type_oid),
            },
            Kind::Text => match type_oid {
                pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID | pg_sys::JSONOID => Way::Text,
                _ => Way::Output(output(type_oid)),
            },
        };
        Self { way }
    }

    /// Pushes a value; false if the column's kind cannot hold it, and the column must go as text.
    ///
    /// # Safety
    /// `datum` is a value, not NULL, of the type that this was made for; what is allocated stays in the current memory context.
    pub unsafe fn push(&mut self, datum: pg_sys::Datum, buffer: &mut ColumnBuffer) -> bool {
        // SAFETY: by the caller's promise; each arm reads the datum as its type is stored.
        unsafe {
            match &mut self.way {
                Way::Bool => buffer.bool(datum.value() != 0),
                Way::Int16 => buffer.i16(datum.value() as i16),
                Way::Int32 => buffer.i32(datum.value() as i32),
                Way::Int64 => buffer.i64(datum.value() as i64),
                Way::Float32 => buffer.f32(f32::from_bits(datum.value() as u32)),
                Way::Float64 => buffer.f64(f64::from_bits(datum.value() as u64)),
                Way::Date => buffer.i32(match datum.value() as i32 {
                    infinite @ (i32::MIN | i32::MAX) => infinite,
                    days => days + EPOCH_DAYS,
                }),
                Way::Time => {
                    let time = datum.value() as i64;
                    // 24:00:00 is a time to PostgreSQL and to nobody else.
                    if time >= 86_400_000_000 {
                        return false;
                    }
                    buffer.i64(time);
                }
                Way::Timestamp => match unix_us(datum.value() as i64) {
                    Some(time) => buffer.i64(time),
                    None => return false,
                },
                Way::Uuid => {
                    buffer.uuid(*(datum.cast_mut_ptr::<[u8; 16]>()));
                }
                Way::Text => {
                    let detoasted = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
                    match std::str::from_utf8(varlena(detoasted)) {
                        Ok(text) => buffer.text(text),
                        Err(_) => buffer.text(&converted(detoasted)),
                    }
                }
                Way::Bytes => {
                    let detoasted = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
                    buffer.bytes(varlena(detoasted));
                }
                Way::Decimal { scale, output } => {
                    let text = pg_sys::OutputFunctionCall(output, datum);
                    match unscaled(std::ffi::CStr::from_ptr(text).to_bytes(), *scale) {
                        Some(value) => buffer.decimal(value),
                        None => return false,
                    }
                }
                Way::Output(output) => {
                    let text = pg_sys::OutputFunctionCall(output, datum);
                    buffer.text(&utf8(text));
                }
            }
        }
        true
    }
}

/// PostgreSQL's microseconds in Unix's; `None` for years that i64 cannot count from 1970.
pub fn unix_us(time: i64) -> Option<i64> {
    match time {
        i64::MIN | i64::MAX => Some(time),
        time => time.checked_add(EPOCH_US).filter(|&unix| unix != i64::MAX),
    }
}

fn output(type_oid: pg_sys::Oid) -> pg_sys::FmgrInfo {
    let mut function = pg_sys::Oid::INVALID;
    let mut is_varlena = false;
    let mut info = pg_sys::FmgrInfo::default();
    // SAFETY: catalog lookups of a type that a column has.
    unsafe {
        pg_sys::getTypeOutputInfo(type_oid, &mut function, &mut is_varlena);
        pg_sys::fmgr_info_cxt(function, &mut info, pg_sys::CurrentMemoryContext);
    }
    info
}

/// The bytes of a detoasted value.
///
/// # Safety
/// `value` is a detoasted varlena that outlives the slice.
unsafe fn varlena<'a>(value: *mut pg_sys::varlena) -> &'a [u8] {
    // SAFETY: the header says how long the value is.
    unsafe {
        std::slice::from_raw_parts(
            pgrx::vardata_any(value).cast::<u8>(),
            pgrx::varsize_any_exhdr(value),
        )
    }
}

/// A text of a database that is not in UTF-8, in it.
unsafe fn converted(value: *mut pg_sys::varlena) -> String {
    // SAFETY: a zero-terminated copy of a detoasted text.
    unsafe { utf8(pg_sys::text_to_cstring(value.cast())) }
}

/// A text in the server's encoding, in UTF-8.
unsafe fn utf8(text: *mut std::ffi::c_char) -> String {
    // SAFETY: a zero-terminated text in the server's encoding; the conversion returns it or another such.
    unsafe {
        let length = std::ffi::CStr::from_ptr(text).to_bytes().len();
        let there = pg_sys::pg_server_to_any(text, length as i32, pg_sys::pg_enc::PG_UTF8 as i32);
        std::ffi::CStr::from_ptr(there).to_string_lossy().into_owned()
    }
}

/// A numeric as its output function writes it, times 10 to the power of `scale`; `None` for what is no such number.
fn unscaled(text: &[u8], scale: u8) -> Option<i128> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    };
    let mut value: i128 = 0;
    let mut decimals: Option<u8> = None;
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                value = value.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
                if let Some(count) = &mut decimals {
                    *count += 1;
                }
            }
            b'.' if decimals.is_none() => decimals = Some(0),
            _ => return None,
        }
    }
    let missing = scale.checked_sub(decimals.unwrap_or(0))?;
    value = value.checked_mul(10_i128.checked_pow(u32::from(missing))?)?;
    Some(if negative { -value } else { value })
}
