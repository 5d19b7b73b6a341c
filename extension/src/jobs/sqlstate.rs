//! The SQLSTATE of an error as it was raised: pgrx knows those of PostgreSQL, and makes XX000 of any other.

use std::cell::Cell;
use std::ffi::c_void;

use pgrx::pg_sys;
use pgrx::prelude::*;

thread_local! {
    static RAISED: Cell<i32> = const { Cell::new(0) };
}

/// While it lives, the code of each error is noted when it is raised.
pub struct Watch(Box<pg_sys::ErrorContextCallback>);

impl Watch {
    /// Begins.
    pub fn begin() -> Self {
        RAISED.set(0);
        // SAFETY: a stack of the backend's main thread; the entry lives on the heap until `drop` takes it off.
        unsafe {
            let mut entry = Box::new(pg_sys::ErrorContextCallback {
                previous: pg_sys::error_context_stack,
                callback: Some(note),
                arg: std::ptr::null_mut(),
            });
            pg_sys::error_context_stack = &mut *entry;
            Self(entry)
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // SAFETY: what was on top before; whoever pushed more above it has been unwound.
        unsafe { pg_sys::error_context_stack = self.0.previous };
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn note(_arg: *mut c_void) {
    // SAFETY: the server calls this while it has an error at hand, which is what the function needs.
    RAISED.set(unsafe { pg_sys::geterrcode() });
}

/// The five characters of an error that was caught under a [`Watch`] and that the server raised.
pub fn of(code: PgSqlErrorCode) -> String {
    let raised = RAISED.get();
    // Others may have been raised and dealt with since the one at hand, as when it is raised again by an exception handler.
    let own = raised != 0 && PgSqlErrorCode::from(raised) == code;
    text(if own { raised } else { code as i32 })
}

/// Six bits each, from the lowest.
pub fn text(code: i32) -> String {
    (0..5)
        .map(|i| char::from(((code >> (6 * i)) & 0x3F) as u8 + b'0'))
        .collect()
}
