//! What the processes of a parallel scan share: which unit is next, and what they have done.

use std::ffi::c_void;
use std::sync::atomic::{AtomicU64, Ordering};

use kpi_archive::Requests;
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::execute::Scan;

/// What a scan has done, for EXPLAIN.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Row groups of which rows were read.
    pub row_groups: u64,
    /// Row groups of opened files that statistics, bloom filters or indexes ruled out.
    pub pruned: u64,
    /// Rows decoded.
    pub rows: u64,
    pub late_rows: u64,
    /// Requests to the store that read.
    pub requests: u64,
    /// Bytes that they brought.
    pub bytes: u64,
    /// Files whose aggregates the manifest had.
    pub answered: u64,
}

const COUNTERS: usize = 7;

impl Work {
    /// Counts what a store has done.
    pub fn count(&mut self, done: &Requests) {
        self.requests += done.gets;
        self.bytes += done.bytes_read;
    }

    fn parts(&self) -> [u64; COUNTERS] {
        [
            self.row_groups,
            self.pruned,
            self.rows,
            self.late_rows,
            self.requests,
            self.bytes,
            self.answered,
        ]
    }

    /// Adds what another process has done.
    fn add(&mut self, parts: [u64; COUNTERS]) {
        let [row_groups, pruned, rows, late_rows, requests, bytes, answered] = parts;
        self.row_groups += row_groups;
        self.pruned += pruned;
        self.rows += rows;
        self.late_rows += late_rows;
        self.requests += requests;
        self.bytes += bytes;
        self.answered += answered;
    }
}

/// In dynamic shared memory, zeroed at first.
#[repr(C)]
pub struct Shared {
    next: AtomicU64,
    workers: [AtomicU64; COUNTERS],
}

impl Shared {
    /// The number of the next unit, which nobody else gets.
    pub fn claim(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Adds what a worker has done.
    pub fn report(&self, work: &Work) {
        for (counter, part) in self.workers.iter().zip(work.parts()) {
            counter.fetch_add(part, Ordering::Relaxed);
        }
    }

    /// Adds what all workers have done, once.
    fn collect(&self, work: &mut Work) {
        work.add(
            self.workers
                .each_ref()
                .map(|counter| counter.swap(0, Ordering::Relaxed)),
        );
    }
}

/// A unit is a row group of a file, and a worker reads those that it claims.
#[pg_guard]
pub unsafe extern "C-unwind" fn is_safe(
    _root: *mut pg_sys::PlannerInfo,
    _rel: *mut pg_sys::RelOptInfo,
    _rte: *mut pg_sys::RangeTblEntry,
) -> bool {
    true
}

#[pg_guard]
pub unsafe extern "C-unwind" fn estimate(
    _node: *mut pg_sys::ForeignScanState,
    _context: *mut pg_sys::ParallelContext,
) -> pg_sys::Size {
    std::mem::size_of::<Shared>()
}

#[pg_guard]
pub unsafe extern "C-unwind" fn initialise(
    node: *mut pg_sys::ForeignScanState,
    _context: *mut pg_sys::ParallelContext,
    coordinate: *mut c_void,
) {
    // SAFETY: as many bytes as `estimate` asked for, aligned; zero is a valid value.
    unsafe {
        std::ptr::write_bytes(coordinate as *mut Shared, 0, 1);
        share(node, coordinate);
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn reinitialise(
    _node: *mut pg_sys::ForeignScanState,
    _context: *mut pg_sys::ParallelContext,
    coordinate: *mut c_void,
) {
    // SAFETY: what `initialise` made; no worker runs now.
    unsafe { (*(coordinate as *mut Shared)).next.store(0, Ordering::Relaxed) };
}

#[pg_guard]
pub unsafe extern "C-unwind" fn join(
    node: *mut pg_sys::ForeignScanState,
    _toc: *mut pg_sys::shm_toc,
    coordinate: *mut c_void,
) {
    // SAFETY: what `initialise` made in the leader.
    unsafe { share(node, coordinate) };
}

unsafe fn share(node: *mut pg_sys::ForeignScanState, coordinate: *mut c_void) {
    // SAFETY: the state that `begin` made; null when it failed.
    unsafe {
        if let Some(scan) = Scan::of(node) {
            scan.shared = coordinate as *const Shared;
        }
    }
}

/// Called before the shared memory goes: workers report, the leader collects.
#[pg_guard]
pub unsafe extern "C-unwind" fn shut_down(node: *mut pg_sys::ForeignScanState) {
    // SAFETY: as in `share`; the shared memory is still there.
    unsafe {
        let Some(scan) = Scan::of(node) else { return };
        if scan.shared.is_null() {
            return;
        }
        if pg_sys::ParallelWorkerNumber >= 0 {
            (*scan.shared).report(&std::mem::take(&mut scan.reading.work));
        } else {
            (*scan.shared).collect(&mut scan.reading.work);
            scan.shared = std::ptr::null();
        }
    }
}
