//! What writes cannot be done on a standby, nor in a read-only transaction: refused before anything is tried, with what to do.

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::error::Error;

/// What a standby still answers about jobs.
pub const JOBS: &str = "kpi.jobs and kpi.job_runs can be read here.";
/// And about changes.
pub const CHANGES: &str =
    "kpi.changes_since reads the log of changes here, for a client that keeps its own place.";

/// Refuses a function that writes where nothing can be written; `instead` is what can be done here.
pub fn check_writable(function: &str, instead: &str) -> Result<(), Error> {
    // SAFETY: the first is a global of this process, the second asks the server's state.
    let (read_only, standby) = unsafe { (pg_sys::XactReadOnly, pg_sys::RecoveryInProgress()) };
    if !read_only {
        return Ok(());
    }
    let code = PgSqlErrorCode::ERRCODE_READ_ONLY_SQL_TRANSACTION;
    Err(if standby {
        Error::new(code, format!("{function} cannot be called on a standby"))
            .detail("It writes, and this server only replays what its primary writes.")
            .hint(format!("Call it on the primary. {instead}"))
    } else {
        Error::new(
            code,
            format!("{function} cannot be called in a read-only transaction"),
        )
        .detail("It writes.")
        .hint(format!("BEGIN READ WRITE allows it. {instead}"))
    })
}
