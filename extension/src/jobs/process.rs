//! What every background process of this extension does: signals, waiting, transactions whose errors it outlives.

use std::ffi::{CStr, CString};
use std::sync::OnceLock;
use std::time::Instant;

use pgrx::pg_sys;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::prelude::*;

use super::sqlstate;
use crate::error::Error;
use crate::version;

/// An error that was caught.
#[derive(Debug, Clone)]
pub struct Failure {
    pub code: PgSqlErrorCode,
    pub sqlstate: String,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
}

impl Failure {
    /// Message, DETAIL and HINT as a log shows them.
    pub fn text(&self) -> String {
        let mut text = self.message.clone();
        for (label, more) in [("DETAIL", &self.detail), ("HINT", &self.hint)] {
            if let Some(more) = more {
                text.push_str(&format!("\n{label}: {more}"));
            }
        }
        text
    }
}

fn failure(caught: CaughtError) -> Failure {
    let (report, sqlstate) = match caught {
        CaughtError::PostgresError(report) => {
            let sqlstate = sqlstate::of(report.sql_error_code());
            (report, sqlstate)
        }
        CaughtError::ErrorReport(report) | CaughtError::RustPanic { ereport: report, .. } => {
            let sqlstate = sqlstate::text(report.sql_error_code() as i32);
            (report, sqlstate)
        }
    };
    Failure {
        code: report.sql_error_code(),
        sqlstate,
        message: report.message().to_string(),
        detail: report.detail().map(str::to_string),
        hint: report.hint().map(str::to_string),
    }
}

unsafe extern "C-unwind" {
    // The server's own handlers as they are: a signal may arrive anywhere, where pgrx's wrappers must not run.
    fn SignalHandlerForConfigReload(signal: i32);
    fn SignalHandlerForShutdownRequest(signal: i32);
    fn StatementCancelHandler(signal: i32);
    fn die(signal: i32);
}

/// What ends a process when SIGTERM arrives.
#[derive(Clone, Copy)]
pub enum Ending {
    /// The process looks by itself: it does nothing that takes long.
    Asked,
    /// Whatever statement runs is interrupted.
    Interrupted,
}

/// Sets up the signals of a background process and lets them in.
pub fn signals(ending: Ending) {
    // SAFETY: at the start of the process, on its main thread; handlers are the server's own.
    unsafe {
        version::handle_signal(pg_sys::SIGHUP as i32, SignalHandlerForConfigReload);
        version::handle_signal(pg_sys::SIGINT as i32, StatementCancelHandler);
        match ending {
            Ending::Asked => version::handle_signal(pg_sys::SIGTERM as i32, SignalHandlerForShutdownRequest),
            Ending::Interrupted => version::handle_signal(pg_sys::SIGTERM as i32, die),
        }
        pg_sys::BackgroundWorkerUnblockSignals();
    }
}

/// Whether SIGTERM has arrived at a process that is [`Ending::Asked`].
pub fn asked_to_end() -> bool {
    // SAFETY: a flag that a signal handler of this process sets.
    unsafe { pg_sys::ShutdownRequestPending != 0 }
}

/// Waits until the latch is set or some microseconds have passed; a cancel or SIGTERM ends it with an ERROR.
pub fn pause(microseconds: i64) {
    let flags = pg_sys::WL_LATCH_SET | pg_sys::WL_TIMEOUT | pg_sys::WL_EXIT_ON_PM_DEATH;
    let milliseconds = (microseconds.max(0) + 999) / 1000;
    // SAFETY: the latch of this process.
    unsafe {
        pg_sys::WaitLatch(
            pg_sys::MyLatch,
            flags as i32,
            milliseconds,
            pg_sys::PG_WAIT_EXTENSION,
        );
        pg_sys::ResetLatch(pg_sys::MyLatch);
    }
    pgrx::check_for_interrupts!();
}

/// The same between two transactions of a background process, which also reads a changed configuration.
pub fn wait(microseconds: i64) {
    pause(microseconds);
    // SAFETY: a flag that a signal handler of this process sets; the configuration is read between transactions.
    unsafe {
        if pg_sys::ConfigReloadPending != 0 {
            pg_sys::ConfigReloadPending = 0;
            pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP);
        }
    }
}

/// Microseconds of a clock that nobody sets: what is to happen after a while must not wait for a clock that was put back.
pub fn elapsed() -> i64 {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    i64::try_from(BEGIN.get_or_init(Instant::now).elapsed().as_micros()).unwrap_or(i64::MAX)
}

/// The clock, microseconds since 2000.
pub fn now() -> i64 {
    // SAFETY: reads the clock.
    unsafe { pg_sys::GetCurrentTimestamp() }
}

/// Runs `work` in a transaction of its own and commits it. An ERROR, in it or in the commit, is rolled back and returned.
pub fn transaction<T>(activity: &str, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Failure> {
    report_activity(activity);
    let mut work = Some(work);
    let watch = sqlstate::Watch::begin();
    let done = PgTryBuilder::new(std::panic::AssertUnwindSafe(|| {
        // SAFETY: no transaction is open; a snapshot is pushed for what expects one and popped before the commit.
        unsafe {
            pg_sys::SetCurrentStatementStartTimestamp();
            pg_sys::StartTransactionCommand();
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        }
        let result = match work.take() {
            Some(work) => work(),
            None => return None,
        };
        match result {
            Ok(value) => {
                // SAFETY: the snapshot pushed above, unless a procedure has committed and so popped it.
                unsafe {
                    if pg_sys::ActiveSnapshotSet() {
                        pg_sys::PopActiveSnapshot();
                    }
                    pg_sys::CommitTransactionCommand();
                }
                Some(Ok(value))
            }
            Err(error) => {
                pgrx::pg_sys::panic::ErrorReport::from(error).report(PgLogLevel::ERROR);
                None
            }
        }
    }))
    .catch_others(|caught| Some(Err(failure(caught))))
    .execute();
    drop(watch);
    let result = match done {
        Some(Ok(value)) => Ok(value),
        Some(Err(failure)) => {
            // SAFETY: ends the transaction that failed; the error has been copied out of its memory.
            unsafe { pg_sys::AbortCurrentTransaction() };
            Err(failure)
        }
        None => Err(Failure {
            code: PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
            sqlstate: "XX000".to_string(),
            message: "a transaction ended without a result".to_string(),
            detail: None,
            hint: None,
        }),
    };
    // SAFETY: between transactions, as an idle backend does: statistics are what autovacuum goes by.
    unsafe { pg_sys::pgstat_report_stat(false) };
    report_activity("");
    result
}

fn report_activity(activity: &str) {
    let state = if activity.is_empty() {
        pg_sys::BackendState::STATE_IDLE
    } else {
        pg_sys::BackendState::STATE_RUNNING
    };
    let text = CString::new(activity).unwrap_or_default();
    // SAFETY: the text is copied.
    unsafe { pg_sys::pgstat_report_activity(state, text.as_ptr()) };
}

/// Describes a background worker of this library for registration.
pub fn description(
    name: &str,
    kind: &str,
    function: &CStr,
    argument: pg_sys::Datum,
) -> pg_sys::BackgroundWorker {
    let mut worker = pg_sys::BackgroundWorker {
        bgw_flags: (pg_sys::BGWORKER_SHMEM_ACCESS | pg_sys::BGWORKER_BACKEND_DATABASE_CONNECTION) as i32,
        // On a standby nothing runs; promotion starts it.
        bgw_start_time: pg_sys::BgWorkerStartTime::BgWorkerStart_RecoveryFinished,
        bgw_restart_time: pg_sys::BGW_NEVER_RESTART,
        bgw_main_arg: argument,
        ..Default::default()
    };
    fill(&mut worker.bgw_name, name.as_bytes());
    fill(&mut worker.bgw_type, kind.as_bytes());
    fill(&mut worker.bgw_library_name, b"pg_kpi");
    fill(&mut worker.bgw_function_name, function.to_bytes());
    worker
}

/// Copies text into a field of fixed length, cut to leave room for the final zero.
fn fill(field: &mut [std::ffi::c_char], text: &[u8]) {
    let room = field.len().saturating_sub(1);
    for (place, byte) in field.iter_mut().zip(text.iter().take(room)) {
        *place = *byte as std::ffi::c_char;
    }
}
