//! The processes that run jobs for a worker.

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

/// Processes that were started and have not been seen to end.
#[derive(Default)]
pub struct Running {
    handles: Vec<*mut pg_sys::BackgroundWorkerHandle>,
}

impl Running {
    /// Whether as many jobs run as may run at a time.
    pub fn is_full(&self) -> bool {
        self.handles.len() >= guc::max_parallel_jobs()
    }

    /// Forgets those that have ended; whether there were any.
    pub fn ended(&mut self) -> bool {
        let before = self.handles.len();
        self.handles.retain(|handle| {
            let mut pid = 0;
            // SAFETY: a handle that registration gave out; freed once, when it is forgotten.
            unsafe {
                let status = pg_sys::GetBackgroundWorkerPid(*handle, &mut pid);
                if status == pg_sys::BgwHandleStatus::BGWH_STOPPED {
                    pg_sys::pfree((*handle).cast());
                    return false;
                }
            }
            true
        });
        self.handles.len() < before
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
                self.handles.push(handle);
            }
            registered
        }
    }

    /// Ends them all, because the database must be left.
    pub fn stop_all(&mut self) {
        for handle in &self.handles {
            // SAFETY: a handle that registration gave out.
            unsafe { pg_sys::TerminateBackgroundWorker(*handle) };
        }
    }
}

/// What this process was told by [`Running::start`].
pub fn order() -> Option<Order> {
    // SAFETY: set by the server in every background worker; the field holds what `start` wrote.
    unsafe {
        let entry = pg_sys::MyBgworkerEntry;
        (!entry.is_null()).then(|| std::ptr::read_unaligned((*entry).bgw_extra.as_ptr().cast::<Order>()))
    }
}
