//! A job is run by whoever holds its lock: a lock of the session, which the server itself releases when the session ends
//! in whatever way.

use pgrx::pg_sys;

use super::shared::my_database;

/// Advisory locks of SQL have 1 or 2 here, so that no user's lock can meet ours.
const OURS: u16 = 0x4B50;

fn tag(job: i32) -> pg_sys::LOCKTAG {
    pg_sys::LOCKTAG {
        locktag_field1: my_database().to_u32(),
        locktag_field2: 0,
        locktag_field3: job as u32,
        locktag_field4: OURS,
        locktag_type: pg_sys::LockTagType::LOCKTAG_ADVISORY as u8,
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}

const MODE: i32 = pg_sys::ExclusiveLock as i32;

/// Takes the lock until [`release`] or the end of the session, and waits for who has it.
pub fn take(job: i32) {
    let tag = tag(job);
    // SAFETY: a well-formed tag; the wait can be interrupted.
    unsafe { pg_sys::LockAcquire(&tag, MODE, true, false) };
}

/// Takes the lock until the transaction ends.
pub fn take_for_transaction(job: i32) -> bool {
    let tag = tag(job);
    // SAFETY: a well-formed tag, no waiting.
    let taken = unsafe { pg_sys::LockAcquire(&tag, MODE, false, true) };
    taken != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
}

/// Gives the lock back.
pub fn release(job: i32) {
    let tag = tag(job);
    // SAFETY: as above.
    unsafe { pg_sys::LockRelease(&tag, MODE, true) };
}

/// Whether any session has the lock.
pub fn is_held(job: i32) -> bool {
    const LOOK: i32 = pg_sys::ShareLock as i32;
    let tag = tag(job);
    // SAFETY: as above; a lock that was free is given back at once. Those who look do not see each other.
    unsafe {
        if pg_sys::LockAcquire(&tag, LOOK, true, true) == pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL {
            return true;
        }
        pg_sys::LockRelease(&tag, LOOK, true);
    }
    false
}
