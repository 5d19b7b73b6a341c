//! Whether a collation compares text as its bytes, as files do.

use std::cell::RefCell;
use std::collections::HashMap;

use pgrx::pg_sys;

use crate::spi::{self, Mode, arg};

thread_local! {
    /// Answers of this session: a collation does not change.
    static ORDERS: RefCell<HashMap<pg_sys::Oid, bool>> = RefCell::new(HashMap::new());
}

/// Whether text that is equal under a collation is equal byte by byte.
pub fn compares_bytes(collation: pg_sys::Oid) -> bool {
    // SAFETY: a syscache lookup of a collation that an operator uses.
    collation != pg_sys::InvalidOid && unsafe { pg_sys::get_collation_isdeterministic(collation) }
}

/// Whether the server keeps text as files do.
pub fn is_utf8() -> bool {
    // SAFETY: a getter.
    unsafe { pg_sys::GetDatabaseEncoding() as u32 == pg_sys::pg_enc::PG_UTF8 }
}

/// Whether a collation orders text byte by byte: those named C, or where the database's own is one.
pub fn orders_bytes(collation: pg_sys::Oid) -> bool {
    if collation == pg_sys::InvalidOid || !is_utf8() {
        return false;
    }
    if let Some(known) = ORDERS.with_borrow(|known| known.get(&collation).copied()) {
        return known;
    }
    let answer = spi::first_kept(
        Mode::Read,
        "SELECT CASE WHEN c.collprovider = 'd' THEN d.datlocprovider = 'c' AND d.datcollate IN ('C', 'POSIX') \
         ELSE c.collprovider = 'c' AND c.collcollate IN ('C', 'POSIX') END \
         FROM pg_catalog.pg_collation c, pg_catalog.pg_database d \
         WHERE c.oid = $1 AND d.datname = pg_catalog.current_database()",
        &[arg(collation)],
        |row| Ok(row.get::<bool>(1)),
    );
    let answer = matches!(answer, Ok(Some(Some(true))));
    ORDERS.with_borrow_mut(|known| known.insert(collation, answer));
    answer
}
