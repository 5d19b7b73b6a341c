//! What was learnt from rows, as an SQL value: text and binary form, and questions that are asked of it row after row.

use std::ffi::{CStr, CString};

use pgrx::PgMemoryContexts;
use pgrx::pg_sys;

use super::features::features;
use crate::aggregates::call::{Call, Returned};
use crate::error::Error;

/// A value of a type whose stored form is that of its crate.
pub(super) trait Learnt: Sized + 'static {
    /// Reads the stored form.
    fn read(bytes: &[u8]) -> Result<Self, Error>;
    /// The stored form.
    fn write(&self) -> Vec<u8>;
    /// Reads the text form.
    fn parse(text: &str) -> Result<Self, Error>;
    /// The text form.
    fn print(&self) -> String;
}

/// The value as a varlena in the current memory context.
pub(super) fn value<L: Learnt>(learnt: &L) -> Returned {
    Ok(Some(bytea(&learnt.write())))
}

fn bytea(bytes: &[u8]) -> pg_sys::Datum {
    pg_sys::Datum::from(pgrx::rust_byte_slice_to_bytea(bytes).into_pg())
}

/// A `float8` result.
pub(super) fn number(value: f64) -> pg_sys::Datum {
    pg_sys::Datum::from(value.to_bits())
}

/// `type_in(cstring)`.
pub(super) fn input<L: Learnt>(call: &Call) -> Returned {
    let Some(datum) = call.argument(0) else {
        return Ok(None);
    };
    // SAFETY: the argument is declared cstring, which PostgreSQL ends with a zero byte.
    let text = unsafe { CStr::from_ptr(datum.cast_mut_ptr()) };
    // Bytes that are not UTF-8 have no place in the text form; the replacement character leads to the error for that.
    value(&L::parse(&text.to_string_lossy())?)
}

/// `type_out(type)`.
pub(super) fn output<L: Learnt>(call: &Call) -> Returned {
    let Some(learnt) = read::<L>(call)? else {
        return Ok(None);
    };
    // The text form has no zero byte, so the default is never taken.
    let text = CString::new(learnt.print()).unwrap_or_default();
    // SAFETY: pstrdup copies a string that ends with a zero byte into the current memory context.
    Ok(Some(pg_sys::Datum::from(unsafe {
        pg_sys::pstrdup(text.as_ptr())
    })))
}

/// `type_recv(internal)`: what is left of a message, checked.
pub(super) fn receive<L: Learnt>(call: &Call) -> Returned {
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
    value(&L::read(bytes)?)
}

/// `type_send(type)`: the stored form, checked.
pub(super) fn send<L: Learnt>(call: &Call) -> Returned {
    match read::<L>(call)? {
        Some(learnt) => value(&learnt),
        None => Ok(None),
    }
}

/// Argument 0.
pub(super) fn read<L: Learnt>(call: &Call) -> Result<Option<L>, Error> {
    call.bytes(0).map(L::read).transpose()
}

/// Answers a question about the features in argument 1 to what was learnt, in argument 0. NULL where either is.
pub(super) fn asked<L: Learnt>(
    call: &Call,
    answer: impl FnOnce(&L, &[f64]) -> Result<Option<pg_sys::Datum>, Error>,
) -> Returned {
    let (Some(datum), Some(row)) = (call.argument(0), features(call, 1)) else {
        return Ok(None);
    };
    let key = Stored::of(datum);
    match kept::<L>(call) {
        Some(kept) if kept.is(&key, call) => answer(&kept.learnt, &row),
        Some(kept) => {
            kept.learnt = L::read(call.bytes(0).unwrap_or_default())?;
            kept.remember(key, call);
            answer(&kept.learnt, &row)
        }
        None => {
            let learnt = L::read(call.bytes(0).unwrap_or_default())?;
            let answered = answer(&learnt, &row);
            keep(call, key, learnt);
            answered
        }
    }
}

/// Bytes of a varlena that is only a pointer into a TOAST table: header, tag, and the pointer.
const POINTER_BYTES: usize = 2 + size_of::<pg_sys::varatt_external>();

/// Where a value is stored.
#[derive(PartialEq)]
enum Stored {
    /// In a TOAST table, under this pointer. Within a statement one pointer is one value.
    Outside([u8; POINTER_BYTES]),
    /// In memory: what it is must be looked at.
    Here,
}

impl Stored {
    fn of(datum: pg_sys::Datum) -> Self {
        let start = datum.cast_mut_ptr::<pg_sys::varlena>();
        // SAFETY: the argument is a varlena, whose first byte says that it is a pointer, and its second which one: only then
        // are as many bytes read as such a pointer has.
        unsafe {
            if pgrx::varlena::varatt_is_1b_e(start)
                && start.cast::<u8>().add(1).read() == pg_sys::vartag_external::VARTAG_ONDISK as u8
            {
                return Self::Outside(start.cast::<[u8; POINTER_BYTES]>().read());
            }
        }
        Self::Here
    }
}

/// What was decoded for the row before: a forest has hundreds of kilobytes, and is asked for every row of a table.
struct Kept<L> {
    learnt: L,
    stored: Stored,
    /// The bytes, unless these are in a TOAST table.
    bytes: Vec<u8>,
}

impl<L> Kept<L> {
    fn is(&self, stored: &Stored, call: &Call) -> bool {
        match stored {
            Stored::Outside(_) => self.stored == *stored,
            Stored::Here => self.stored == Stored::Here && call.bytes(0) == Some(&self.bytes),
        }
    }

    fn remember(&mut self, stored: Stored, call: &Call) {
        self.bytes.clear();
        if stored == Stored::Here {
            self.bytes.extend_from_slice(call.bytes(0).unwrap_or_default());
        }
        self.stored = stored;
    }
}

/// What this call site of the statement has kept.
fn kept<L: 'static>(call: &Call) -> Option<&'static mut Kept<L>> {
    // SAFETY: fcinfo is valid for the length of the call. What fn_extra of one of these functions points to was put there by
    // `keep` for the same function, so of the same type, and lives as long as flinfo; one call runs at a time.
    unsafe {
        let info = (*call.fcinfo()).flinfo;
        if info.is_null() || (*info).fn_extra.is_null() {
            return None;
        }
        Some(&mut *(*info).fn_extra.cast::<Kept<L>>())
    }
}

/// Keeps what was decoded for the next row of this statement.
fn keep<L: 'static>(call: &Call, stored: Stored, learnt: L) {
    let mut kept = Kept {
        learnt,
        stored: Stored::Here,
        bytes: Vec::new(),
    };
    kept.remember(stored, call);
    // SAFETY: as in `kept`; the context of flinfo drops the value when it goes.
    unsafe {
        let info = (*call.fcinfo()).flinfo;
        if !info.is_null() {
            let place = PgMemoryContexts::For((*info).fn_mcxt).leak_and_drop_on_delete(kept);
            (*info).fn_extra = place.cast();
        }
    }
}
