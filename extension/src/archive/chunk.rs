//! Triggers on chunks of a hypertable, which TimescaleDB refuses to users, though it puts them there itself.

use std::ffi::CString;

use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::error::{Error, required};

/// `kpi._on_chunk(command)`: runs a utility command as PostgreSQL does without other extensions.
#[pg_extern(sql = false)]
fn archive_on_chunk(command: Option<&str>) -> Result<(), ErrorReport> {
    let command = required(command, "command")?;
    let text = CString::new(command).map_err(|_| {
        Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "a command has no zero bytes",
        )
    })?;
    // SAFETY: the parser's nodes and the statement around them live in the current memory context; the server's own executor of
    // utility commands takes them as it does from SPI.
    unsafe {
        let parsed = pgrx::PgList::<pg_sys::RawStmt>::from_pg(pg_sys::raw_parser(
            text.as_ptr(),
            pg_sys::RawParseMode::RAW_PARSE_DEFAULT,
        ));
        for raw in parsed.iter_ptr() {
            let statement =
                pg_sys::palloc0(std::mem::size_of::<pg_sys::PlannedStmt>()).cast::<pg_sys::PlannedStmt>();
            (*statement).type_ = pg_sys::NodeTag::T_PlannedStmt;
            (*statement).commandType = pg_sys::CmdType::CMD_UTILITY;
            (*statement).canSetTag = true;
            (*statement).utilityStmt = (*raw).stmt;
            (*statement).stmt_location = (*raw).stmt_location;
            (*statement).stmt_len = (*raw).stmt_len;
            pg_sys::standard_ProcessUtility(
                statement,
                text.as_ptr(),
                false,
                pg_sys::ProcessUtilityContext::PROCESS_UTILITY_QUERY,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                pg_sys::None_Receiver,
                std::ptr::null_mut(),
            );
            pg_sys::CommandCounterIncrement();
        }
    }
    Ok(())
}
