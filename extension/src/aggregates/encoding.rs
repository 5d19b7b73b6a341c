//! Texts of databases that are not in UTF-8: states keep theirs in UTF-8, so that different texts stay different and a stored
//! state can be read in another database.

use std::borrow::Cow;
use std::ffi::CStr;
use std::sync::OnceLock;

use pgrx::pg_sys;
use pgrx::prelude::*;

const UTF8: i32 = pg_sys::pg_enc::PG_UTF8 as i32;

/// Whether the database of this process is in UTF-8, which never changes.
fn is_utf8() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    // SAFETY: the function only reads what the process was started with.
    *ANSWER.get_or_init(|| unsafe { pg_sys::GetDatabaseEncoding() } == UTF8)
}

/// A text of the server, in UTF-8. Bytes that are none of a database without an encoding (SQL_ASCII) are PostgreSQL's error.
#[inline]
pub(crate) fn from_server(text: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(text) {
        // All encodings of a server write ASCII alike.
        Ok(utf8) if utf8.is_ascii() || is_utf8() => Cow::Borrowed(utf8),
        _ => Cow::Owned(converted(text)),
    }
}

#[cold]
fn converted(text: &[u8]) -> String {
    let start = text.as_ptr().cast();
    // SAFETY: the conversion reads as many bytes as it is told to. It returns its argument, or a new string that ends with
    // a zero byte.
    unsafe {
        let there = pg_sys::pg_server_to_any(start, text.len() as i32, UTF8);
        if std::ptr::eq(there, start) {
            String::from_utf8_lossy(text).into_owned()
        } else {
            CStr::from_ptr(there).to_string_lossy().into_owned()
        }
    }
}

/// A `text` result. What the encoding of the database has no character for is PostgreSQL's error.
pub(super) fn to_server(text: &str) -> Option<pg_sys::Datum> {
    if text.is_ascii() || is_utf8() {
        return text.into_datum();
    }
    let start = text.as_ptr().cast();
    // SAFETY: as in `converted`; the text is made from a string of the length given or up to its zero byte.
    Some(unsafe {
        let there = pg_sys::pg_any_to_server(start, text.len() as i32, UTF8);
        pg_sys::Datum::from(if std::ptr::eq(there, start) {
            pg_sys::cstring_to_text_with_len(start, text.len() as i32)
        } else {
            pg_sys::cstring_to_text(there)
        })
    })
}

/// A `text` result of bytes that are in the encoding of the server.
pub(super) fn text_of(bytes: &[u8]) -> Option<pg_sys::Datum> {
    // SAFETY: the text is made from as many bytes as there are.
    Some(unsafe {
        pg_sys::Datum::from(pg_sys::cstring_to_text_with_len(
            bytes.as_ptr().cast(),
            bytes.len() as i32,
        ))
    })
}
