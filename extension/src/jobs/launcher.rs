//! The launcher: one process per server that keeps one worker per database that has the extension.
//!
//! It knows every database by looking at `pg_database`, but not what is in them. So each is looked at once by a worker
//! that ends if it finds no extension; after that a committed CREATE EXTENSION says that there is one.

use std::collections::HashMap;
use std::time::Duration;

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::process::{self, Ending, elapsed};
use super::shared::{Shared, Slot, shared};
use crate::guc;

const SECOND: i64 = 1_000_000;
/// How often the list of databases is read.
const BEAT: i64 = 2 * SECOND;
/// How long after its end a worker is started again, and after a server without a free slot was asked for one.
const RESTART: i64 = SECOND;
const REFUSED: i64 = 5 * SECOND;

/// Registers the launcher; called while the server preloads libraries.
pub fn register() {
    let mut worker = process::description(
        "pg_kpi launcher",
        "pg_kpi launcher",
        c"kpi_launcher_main",
        pg_sys::Datum::from(0),
    );
    worker.bgw_restart_time = Duration::from_secs(1).as_secs() as i32;
    // SAFETY: in the postmaster, while it preloads libraries; the description is copied.
    unsafe { pg_sys::RegisterBackgroundWorker(&mut worker) };
}

/// A worker that was started.
struct Started {
    handle: *mut pg_sys::BackgroundWorkerHandle,
}

/// What the launcher knows of a database.
#[derive(Default)]
struct Known {
    started: Option<Started>,
    not_before: i64,
    warned: bool,
}

/// Where the launcher begins.
///
/// # Safety
/// Called by the server in a new process.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn kpi_launcher_main(_argument: pg_sys::Datum) {
    process::signals(Ending::Asked);
    // SAFETY: at the start of the process; without a database only shared catalogs can be read.
    unsafe { pg_sys::BackgroundWorkerInitializeConnection(std::ptr::null(), std::ptr::null(), 0) };
    let Some(shared) = shared() else { return };
    shared.set_launcher(true);
    let mut known: HashMap<pg_sys::Oid, Known> = HashMap::new();
    let mut warned_full = false;
    while !process::asked_to_end() {
        if let Ok(databases) = process::transaction("", || Ok(databases())) {
            for slot in shared.slots() {
                if !databases.contains(&slot.database())
                    && slot.worker.load(std::sync::atomic::Ordering::Acquire) == 0
                {
                    known.remove(&slot.database());
                    slot.free();
                }
            }
            for database in databases {
                let _ = shared.take_slot(database);
            }
            if shared.full.load(std::sync::atomic::Ordering::Relaxed)
                && !std::mem::replace(&mut warned_full, true)
            {
                pgrx::warning!(
                    "pg_kpi has room for workers in {} databases, and this server has more",
                    super::shared::SLOTS
                );
            }
        }
        let next = keep_workers(shared, &mut known);
        process::wait(next.clamp(10_000, BEAT));
    }
    shared.set_launcher(false);
    // SAFETY: the regular end of a process; 0 would mean "do not start me again", also after a crash of the server.
    unsafe { pg_sys::proc_exit(1) };
}

/// The databases that can be connected to and are no templates: a worker in a template would keep it from being copied.
fn databases() -> Vec<pg_sys::Oid> {
    let mut found = Vec::new();
    // SAFETY: in a transaction; the catalog is shared, so it can be read without a database; scan and relation are
    // closed here, and the row is only read while it is the scan's current one.
    unsafe {
        let relation = pg_sys::table_open(pg_sys::DatabaseRelationId, pg_sys::AccessShareLock as i32);
        let scan = pg_sys::table_beginscan_catalog(relation, 0, std::ptr::null_mut());
        loop {
            let tuple = pg_sys::heap_getnext(scan, pg_sys::ScanDirection::ForwardScanDirection);
            if tuple.is_null() {
                break;
            }
            let form = pg_sys::GETSTRUCT(tuple) as pg_sys::Form_pg_database;
            if (*form).datallowconn && !(*form).datistemplate {
                found.push((*form).oid);
            }
        }
        pg_sys::table_endscan(scan);
        pg_sys::table_close(relation, pg_sys::AccessShareLock as i32);
    }
    found
}

/// Starts the workers that are missing, and returns in how many microseconds to look again.
fn keep_workers(shared: &Shared, known: &mut HashMap<pg_sys::Oid, Known>) -> i64 {
    use std::sync::atomic::Ordering::{Acquire, Relaxed};
    let mut next = BEAT;
    for slot in shared.slots() {
        let database = known.entry(slot.database()).or_default();
        if let Some(started) = &database.started {
            let mut pid = 0;
            // SAFETY: a handle that registration gave out.
            let status = unsafe { pg_sys::GetBackgroundWorkerPid(started.handle, &mut pid) };
            if status != pg_sys::BgwHandleStatus::BGWH_STOPPED {
                continue;
            }
            // SAFETY: the handle was allocated by registration and is not used again.
            unsafe { pg_sys::pfree(started.handle.cast()) };
            database.started = None;
            database.not_before = elapsed() + RESTART;
        }
        if !guc::worker() || !slot.wanted.load(Acquire) {
            continue;
        }
        let wait = (database.not_before - elapsed()).max(slot.held_for().unwrap_or(0));
        if wait > 0 {
            next = next.min(wait);
            continue;
        }
        match start(slot) {
            Some(started) => {
                slot.refused.store(false, Relaxed);
                database.warned = false;
                database.started = Some(started);
            }
            None => {
                slot.refused.store(true, Relaxed);
                database.not_before = elapsed() + REFUSED;
                if !std::mem::replace(&mut database.warned, true) {
                    ereport!(
                        PgLogLevel::WARNING,
                        PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
                        "no free slot for a worker of pg_kpi",
                        "Each database with pg_kpi needs one, and each job that runs one more: raise max_worker_processes."
                    );
                }
            }
        }
    }
    next
}

fn start(slot: &Slot) -> Option<Started> {
    let mut worker = process::description(
        &format!("pg_kpi worker for database {}", slot.database().to_u32()),
        "pg_kpi worker",
        c"kpi_worker_main",
        pg_sys::Datum::from(slot.database()),
    );
    // SAFETY: the launcher is told by SIGUSR1, which sets its latch, when the worker starts or ends; the handle is kept
    // in the top memory context, since no transaction is open.
    unsafe {
        worker.bgw_notify_pid = pg_sys::MyProcPid;
        let context = pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
        let mut handle = std::ptr::null_mut();
        let registered = pg_sys::RegisterDynamicBackgroundWorker(&mut worker, &mut handle);
        pg_sys::MemoryContextSwitchTo(context);
        registered.then_some(Started { handle })
    }
}
