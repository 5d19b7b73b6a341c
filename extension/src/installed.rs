//! Whether the SQL objects in this database belong to this library: after a package upgrade they do so only when somebody
//! has said ALTER EXTENSION.

use std::cell::Cell;

use pgrx::prelude::*;

use crate::error::Error;
use crate::spi::{self, Mode};

/// The version of this library.
pub const LIBRARY: &str = env!("CARGO_PKG_VERSION");

thread_local! {
    static SAME: Cell<bool> = const { Cell::new(false) };
}

/// The version of the SQL objects, when it is not the library's.
pub fn other_version(mode: Mode) -> Result<Option<String>, Error> {
    if SAME.get() {
        return Ok(None);
    }
    let objects = spi::first(
        mode,
        "SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'pg_kpi'",
        &[],
        |row| Ok(row.text(1)),
    )?
    .unwrap_or_default();
    if objects == LIBRARY {
        // Only an upgrade takes them apart, and that is of another library, in another session.
        SAME.set(true);
        return Ok(None);
    }
    Ok(Some(objects))
}

/// Refuses to work with the SQL objects of another version.
pub fn check(mode: Mode) -> Result<(), Error> {
    match other_version(mode)? {
        None => Ok(()),
        Some(objects) => Err(Error::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "the library and the SQL objects of pg_kpi are of different versions",
        )
        .detail(format!(
            "The library is {LIBRARY}, the objects in this database are {objects}. Writes are captured all the same."
        ))
        .hint("ALTER EXTENSION pg_kpi UPDATE; and, where the library is the older one, connect again.")),
    }
}
