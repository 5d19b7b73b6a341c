//! One session at a time archives, restores or drops rows of a table: a lock of the session, held across the commits between
//! the steps, given back at the end or by whatever error ends them.

use std::cell::RefCell;

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::jobs::shared::my_database;

/// Advisory locks of SQL have 1 or 2 here, jobs have another number.
const OURS: u16 = 0x4B41;
const MODE: i32 = pg_sys::ExclusiveLock as i32;

thread_local! {
    static HELD: RefCell<Vec<i32>> = const { RefCell::new(Vec::new()) };
    static WATCHING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

fn tag(retention: i32) -> pg_sys::LOCKTAG {
    pg_sys::LOCKTAG {
        locktag_field1: my_database().to_u32(),
        locktag_field2: 0,
        locktag_field3: retention as u32,
        locktag_field4: OURS,
        locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}

/// Takes the lock of a table's archive; false when another session has it.
pub fn take(retention: i32) -> bool {
    if HELD.with_borrow(|held| held.contains(&retention)) {
        return true;
    }
    let tag = tag(retention);
    // SAFETY: a well-formed tag, no waiting.
    let taken = unsafe { pg_sys::LockAcquire(&tag, MODE, true, true) };
    if taken == pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL {
        return false;
    }
    HELD.with_borrow_mut(|held| held.push(retention));
    if !WATCHING.replace(true) {
        // SAFETY: the callback lives as long as the library, which is never unloaded.
        unsafe { pg_sys::RegisterXactCallback(Some(at_transaction_end), std::ptr::null_mut()) };
    }
    true
}

/// Whether this session has the lock.
pub fn is_mine(retention: i32) -> bool {
    HELD.with_borrow(|held| held.contains(&retention))
}

/// Gives the lock back.
pub fn release(retention: i32) {
    let mine = HELD.with_borrow_mut(|held| {
        let before = held.len();
        held.retain(|&one| one != retention);
        held.len() < before
    });
    if mine {
        let tag = tag(retention);
        // SAFETY: taken above by this session.
        unsafe { pg_sys::LockRelease(&tag, MODE, true) };
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn at_transaction_end(event: pg_sys::XactEvent::Type, _arg: *mut std::ffi::c_void) {
    if event == pg_sys::XactEvent::XACT_EVENT_ABORT {
        for retention in HELD.with_borrow(Clone::clone) {
            release(retention);
        }
    }
}
