//! The processes that run jobs for a worker.

use std::cell::RefCell;
use std::ffi::c_char;

use pgrx::pg_sys;

use super::process;
use crate::guc;

/// What a process that runs a job is told.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Order {
    pub database: pg_sys::Oid,
    pub owner: pg_sys::Oid,
    pub job: i32,
    pub run: i64,
}

/// A process that was started and has not been seen to end.
struct Started {
    handle: *mut pg_sys::BackgroundWorkerHandle,
    order: Order,
}

thread_local! {
    static STARTED: RefCell<Vec<Started>> = const { RefCell::new(Vec::new()) };
}

/// The processes that this worker has started and not seen to end. There is one worker per process, and its exit has to find
/// them too.
#[derive(Default)]
pub struct Running;

impl Running {
    /// Whether as many jobs run as may run at a time.
    pub fn is_full(&self) -> bool {
        STARTED.with_borrow(Vec::len) >= guc::max_parallel_jobs()
    }

    /// Forgets those that have ended, and says what they were to run.
    pub fn ended(&mut self) -> Vec<Order> {
        let mut ended = Vec::new();
        STARTED.with_borrow_mut(|started| {
            started.retain(|process| {
                let mut pid = 0;
                // SAFETY: a handle that registration gave out; freed once, when it is forgotten.
                unsafe {
                    let status = pg_sys::GetBackgroundWorkerPid(process.handle, &mut pid);
                    if status == pg_sys::BgwHandleStatus::BGWH_STOPPED {
                        pg_sys::pfree(process.handle.cast());
                        ended.push(process.order);
                        return false;
                    }
                }
                true
            });
        });
        ended
    }

    /// Starts a process; false when the server has no free slot for it.
    pub fn start(&mut self, name: &str, order: Order) -> bool {
        let mut worker = process::description(
            &format!("pg_kpi job {name}"),
            "pg_kpi job",
            c"kpi_job_main",
            pg_sys::Datum::from(0),
        );
        const { assert!(std::mem::size_of::<Order>() <= 128) };
        // SAFETY: the order fits into the field, as asserted, and is read back from there unaligned; the handle is kept
        // in the top memory context, since the running transaction ends before it.
        unsafe {
            let extra: *mut c_char = worker.bgw_extra.as_mut_ptr();
            std::ptr::write_unaligned(extra.cast::<Order>(), order);
            worker.bgw_notify_pid = pg_sys::MyProcPid;
            let context = pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
            let mut handle = std::ptr::null_mut();
            let registered = pg_sys::RegisterDynamicBackgroundWorker(&mut worker, &mut handle);
            pg_sys::MemoryContextSwitchTo(context);
            if registered {
                STARTED.with_borrow_mut(|started| started.push(Started { handle, order }));
            }
            registered
        }
    }
}

/// Ends the processes that this worker has started, when it ends itself: its database may be wanted alone.
pub fn stop_all() {
    let _ = STARTED.try_with(|started| {
        if let Ok(started) = started.try_borrow() {
            for process in started.iter() {
                // SAFETY: a handle that registration gave out.
                unsafe { pg_sys::TerminateBackgroundWorker(process.handle) };
            }
        }
    });
}

/// What this process was told by [`Running::start`].
pub fn order() -> Option<Order> {
    // SAFETY: set by the server in every background worker; the field holds what `start` wrote.
    unsafe {
        let entry = pg_sys::MyBgworkerEntry;
        (!entry.is_null()).then(|| std::ptr::read_unaligned((*entry).bgw_extra.as_ptr().cast::<Order>()))
    }
}
