//! Values of any type as their text form: how states keep values whose type they do not know.

use std::borrow::Cow;
use std::ffi::{CStr, CString};

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::call::Call;
use crate::error::Error;

/// The times that have four digits for the year: from year 1 up to, and without, year 10000.
const FOUR_DIGITS: std::ops::Range<i64> = -63_082_281_600_000_000..252_455_616_000_000_000;

/// How the values of one argument become text; found once per query and kept with the function.
enum Writer {
    /// Text is its own text form.
    Text,
    /// In UTC, so that the time zone of the session does not matter.
    Time,
    /// The type's output function.
    Output(pg_sys::FmgrInfo),
}

/// While it lives, types write and read their text as no setting of the session can change it: dates as ISO, intervals in
/// PostgreSQL's style, doubles exactly. Else a date written in one session could be another date, or none, in the next one.
struct FixedStyle {
    dates: i32,
    intervals: i32,
    float_digits: i32,
}

impl FixedStyle {
    fn set() -> Self {
        // SAFETY: the settings are plain numbers of this process, which has one thread; they are put back on drop, also
        // when an error of PostgreSQL passes.
        unsafe {
            let before = Self {
                dates: pg_sys::DateStyle,
                intervals: pg_sys::IntervalStyle,
                float_digits: pg_sys::extra_float_digits,
            };
            pg_sys::DateStyle = pg_sys::USE_ISO_DATES as i32;
            pg_sys::IntervalStyle = pg_sys::INTSTYLE_POSTGRES as i32;
            pg_sys::extra_float_digits = 1;
            before
        }
    }
}

impl Drop for FixedStyle {
    fn drop(&mut self) {
        // SAFETY: as in `set`.
        unsafe {
            pg_sys::DateStyle = self.dates;
            pg_sys::IntervalStyle = self.intervals;
            pg_sys::extra_float_digits = self.float_digits;
        }
    }
}

/// The text form of an argument that is not NULL.
pub(super) fn of_argument(call: &Call, i: usize, datum: pg_sys::Datum) -> Result<Cow<'_, [u8]>, Error> {
    let writer = writer(call, i)?;
    let _style = FixedStyle::set();
    // SAFETY: the writer lives as long as the function, nothing else refers to it, and PostgreSQL runs one call at a time.
    let text = match unsafe { &mut *writer } {
        Writer::Text => return Ok(Cow::Borrowed(call.bytes(i).unwrap_or_default())),
        Writer::Time if FOUR_DIGITS.contains(&(datum.value() as i64)) => {
            let text = kpi_series::timestamp::format(datum.value() as i64);
            return Ok(Cow::Owned(text.into_bytes()));
        }
        // SAFETY: the output function of the argument's type.
        Writer::Time => unsafe {
            pg_sys::OidOutputFunctionCall(output_function(pg_sys::TIMESTAMPTZOID), datum)
        },
        // SAFETY: as above.
        Writer::Output(function) => unsafe { pg_sys::OutputFunctionCall(function, datum) },
    };
    // SAFETY: an output function returns a palloc'ed string that ends with a zero byte; the memory of the row frees it.
    Ok(Cow::Owned(unsafe { CStr::from_ptr(text) }.to_bytes().to_vec()))
}

fn writer(call: &Call, i: usize) -> Result<*mut Writer, Error> {
    // SAFETY: flinfo outlives the call, and fn_extra is this function's own: null, or what was stored below in memory that
    // lives as long as flinfo. An all-zero FmgrInfo is what fmgr_info_cxt fills.
    unsafe {
        let flinfo = (*call.fcinfo()).flinfo;
        if (*flinfo).fn_extra.is_null() {
            let writer = match argument_type(call, i)? {
                pg_sys::TEXTOID | pg_sys::VARCHAROID => Writer::Text,
                pg_sys::TIMESTAMPTZOID => Writer::Time,
                of_type => {
                    let mut function: pg_sys::FmgrInfo = std::mem::zeroed();
                    pg_sys::fmgr_info_cxt(output_function(of_type), &raw mut function, (*flinfo).fn_mcxt);
                    Writer::Output(function)
                }
            };
            let place = pg_sys::MemoryContextAlloc((*flinfo).fn_mcxt, size_of::<Writer>()).cast::<Writer>();
            place.write(writer);
            (*flinfo).fn_extra = place.cast();
        }
        Ok((*flinfo).fn_extra.cast::<Writer>())
    }
}

fn output_function(of_type: pg_sys::Oid) -> pg_sys::Oid {
    let (mut function, mut is_varlena) = (pg_sys::InvalidOid, false);
    // SAFETY: the lookup writes to the variables given or raises an error.
    unsafe { pg_sys::getTypeOutputInfo(of_type, &raw mut function, &raw mut is_varlena) };
    function
}

/// The type that argument `i` has in this call; that of a domain is the type below it.
fn argument_type(call: &Call, i: usize) -> Result<pg_sys::Oid, Error> {
    // SAFETY: fcinfo and its flinfo are valid for the length of the call; the lookups only read catalogs.
    let of_type = unsafe {
        let declared = pg_sys::get_fn_expr_argtype((*call.fcinfo()).flinfo, i as i32);
        if declared == pg_sys::InvalidOid {
            declared
        } else {
            pg_sys::getBaseType(declared)
        }
    };
    if of_type != pg_sys::InvalidOid {
        return Ok(of_type);
    }
    Err(Error::new(
        PgSqlErrorCode::ERRCODE_INDETERMINATE_DATATYPE,
        "could not determine the type of a value",
    )
    .hint("Say its type, for example value::text."))
}

/// Reads text forms as values of the type that an argument has.
pub(super) struct Reader {
    function: pg_sys::Oid,
    parameter: pg_sys::Oid,
}

impl Reader {
    /// A reader for the type of argument `i`, whose value does not matter.
    pub fn of_argument(call: &Call, i: usize) -> Result<Self, Error> {
        let of_type = argument_type(call, i)?;
        let (mut function, mut parameter) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
        // SAFETY: the lookup writes to the variables given or raises an error.
        unsafe { pg_sys::getTypeInputInfo(of_type, &raw mut function, &raw mut parameter) };
        Ok(Self { function, parameter })
    }

    /// A value; the type's own error where the text is none of its values.
    pub fn read(&self, text: &[u8]) -> Option<pg_sys::Datum> {
        let _style = FixedStyle::set();
        let text = CString::new(text).unwrap_or_default();
        // SAFETY: the input function of a type takes a string that ends with a zero byte, and the type's parameter.
        Some(unsafe {
            pg_sys::OidInputFunctionCall(self.function, text.as_ptr().cast_mut(), self.parameter, -1)
        })
    }
}

/// A `text` column of a text form.
pub(super) fn column(text: &[u8]) -> Option<pg_sys::Datum> {
    super::encoding::text_of(text)
}
