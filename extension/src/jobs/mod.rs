//! Work in the background: a launcher per server, a worker per database, and the jobs that it runs.

mod alert;
mod database;
mod launcher;
mod lock;
mod manage;
pub mod process;
mod queue;
mod run;
mod running;
mod schedule;
pub mod shared;
mod sqlstate;
mod worker;

use std::cell::Cell;
use std::sync::atomic::Ordering;

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::guc;

pgrx::extension_sql_file!(
    "../../../sql/jobs.sql",
    name = "jobs",
    requires = ["catalog", "rollup", "scorecard"]
);
pgrx::extension_sql_file!("../../../sql/worker.sql", name = "worker", finalize);

/// Sets up the background work, where the library is preloaded.
pub fn preload() {
    // SAFETY: a global of the postmaster.
    if unsafe { pg_sys::process_shared_preload_libraries_in_progress } {
        shared::request();
        database::hook();
        launcher::register();
    }
}

/// Why nothing runs in the background in this database, and what to do; `None` when a worker is there.
fn missing_worker() -> Option<(&'static str, &'static str)> {
    let Some(shared) = shared::shared() else {
        return Some((
            "pg_kpi is not in shared_preload_libraries",
            "Add it there and restart the server: shared_preload_libraries = 'pg_kpi'.",
        ));
    };
    if !guc::worker() {
        return Some((
            "kpi.worker is off",
            "ALTER SYSTEM SET kpi.worker = on; SELECT pg_reload_conf();",
        ));
    }
    // SAFETY: a function that asks the server's state.
    if unsafe { pg_sys::RecoveryInProgress() } {
        return Some((
            "this server is a standby",
            "Its workers start when it is promoted.",
        ));
    }
    let slot = shared.slot(shared::my_database());
    match slot {
        Some(slot) if slot.worker.load(Ordering::Acquire) != 0 => None,
        Some(slot) if slot.refused.load(Ordering::Relaxed) => Some((
            "the server has no free slot for a background worker",
            "Raise max_worker_processes and restart the server.",
        )),
        None if shared.full.load(Ordering::Relaxed) => Some((
            "this server has more databases than pg_kpi has room for",
            "Workers run in 256 databases of a server at most.",
        )),
        _ => Some((
            "the worker has not started yet",
            "It starts within 5 seconds; the log of the server says why not.",
        )),
    }
}

/// Warns once per call where what was just defined has no worker to do it.
pub fn warn_without_worker(until_then: &str) {
    match missing_worker() {
        None => (),
        Some((why, _)) if why.starts_with("the worker has not started") => (),
        Some((why, hint)) => {
            pg_sys::panic::ErrorReport::new(
                PgSqlErrorCode::ERRCODE_WARNING,
                format!("nothing runs in the background: {why}"),
                "",
            )
            .set_detail(until_then.to_string())
            .set_hint(hint.to_string())
            .report(PgLogLevel::WARNING);
        }
    }
}

/// `kpi._extension_is_there()`.
#[pg_extern(sql = false)]
fn extension_is_there() {
    if shared::shared().is_none() {
        // CREATE EXTENSION hides all that is less than a warning while its script runs.
        TO_SAY.set(true);
        if !WATCHING.replace(true) {
            // SAFETY: the callback lives as long as the library, which is never unloaded.
            unsafe { pg_sys::RegisterXactCallback(Some(at_transaction_end), std::ptr::null_mut()) };
        }
    }
    shared::at_commit(|noted| noted.created = true);
}

thread_local! {
    static TO_SAY: Cell<bool> = const { Cell::new(false) };
    static WATCHING: Cell<bool> = const { Cell::new(false) };
}

#[pg_guard]
unsafe extern "C-unwind" fn at_transaction_end(event: pg_sys::XactEvent::Type, _arg: *mut std::ffi::c_void) {
    use pg_sys::XactEvent::*;
    if !matches!(event, XACT_EVENT_PRE_COMMIT | XACT_EVENT_ABORT) {
        return;
    }
    if TO_SAY.replace(false) && event == XACT_EVENT_PRE_COMMIT {
        pg_sys::panic::ErrorReport::new(
            PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
            "pg_kpi is not preloaded: everything works when it is called, and nothing runs in the background",
            "",
        )
        .set_hint("For jobs and streams, set shared_preload_libraries = 'pg_kpi' and restart the server.")
        .report(PgLogLevel::NOTICE);
    }
}

/// `kpi._is_running(job)`.
#[pg_extern(sql = false)]
fn is_running(job: i32) -> bool {
    lock::is_held(job)
}

/// `kpi.worker_status()`.
#[pg_extern(sql = false)]
fn worker_status() -> String {
    match missing_worker() {
        None => "running".to_string(),
        Some((why, hint)) => format!("{why}. {hint}"),
    }
}
