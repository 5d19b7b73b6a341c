//! What EXPLAIN shows of a scan.

use std::ffi::CStr;

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::execute::{Scan, raise};

#[pg_guard]
pub unsafe extern "C-unwind" fn explain(node: *mut pg_sys::ForeignScanState, es: *mut pg_sys::ExplainState) {
    // SAFETY: the executor's and EXPLAIN's own nodes.
    unsafe {
        let Some(scan) = Scan::of(node) else { return };
        let snapshot = (*(*node).ss.ps.state).es_snapshot;
        let show = |label: &CStr, value: u64| {
            pg_sys::ExplainPropertyInteger(label.as_ptr(), std::ptr::null(), value as i64, es);
        };
        // Before it runs, only what does not depend on the run is known.
        let early;
        let state = match &scan.state {
            Some(state) => state,
            None => {
                let judged =
                    scan.pruning
                        .run_early(node, &scan.reading.table, &scan.reading.entries, snapshot);
                let Some(judged) = raise(judged) else { return };
                early = judged;
                &early
            }
        };
        let pruned = state.alive.iter().filter(|alive| !**alive).count();
        show(c"Files", scan.reading.entries.len() as u64);
        show(c"Files Pruned", pruned as u64);
        let groups = |entry: &crate::archive::manifest::Entry| entry.row_groups as u64;
        show(c"Row Groups", scan.reading.entries.iter().map(groups).sum());
        if (*es).analyze {
            let work = &scan.reading.work;
            if scan.tally.is_some() {
                show(c"Files Answered by the Manifest", work.answered);
            }
            show(c"Row Groups Read", work.row_groups);
            show(c"Row Groups Pruned", work.pruned);
            show(c"Rows Decoded", work.rows);
            show(c"Late Rows", work.late_rows);
            show(c"Requests", work.requests);
            show(c"Bytes Read", work.bytes);
        } else {
            let alive = scan
                .reading
                .entries
                .iter()
                .zip(&state.alive)
                .filter(|(_, alive)| !**alive);
            show(c"Row Groups Pruned", alive.map(|(entry, _)| groups(entry)).sum());
        }
    }
}
