//! Running a scan: units are claimed one after the other, and their rows handed out, together with late ones.

use std::ffi::{c_int, c_void};

use pgrx::PgMemoryContexts;
use pgrx::pg_sys;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::aggregate;
use super::columns::{self, Wanted};
use super::late::Late;
use super::nodes::check_for_interrupts;
use super::parallel::Shared;
use super::plan::{self, Order};
use super::prune::{Pruning, State};
use super::reading::Reading;
use super::sorted::Sorted;
use super::tally::{self, Tally};
use crate::archive::kinds;
use crate::archive::manifest::{self, Entry};
use crate::archive::only;
use crate::error::Error;
use crate::version;

/// A scan that runs. Dropped at its end, or with the query's memory after an ERROR.
///
/// Unit 0 is the late rows, unit 1 the first row group of the first file, and so on; of a descending scan, the last.
pub struct Scan {
    pub reading: Reading,
    /// The number of the first row group of each entry, and how many there are in all.
    starts: Vec<u64>,
    units: u64,
    order: Order,
    pub pruning: Pruning,
    pub state: Option<State>,
    pub shared: *const Shared,
    claimed: u64,
    late: Option<Late>,
    late_is: LateIs,
    /// Set where the plan counts on an order that the files are not in.
    sorted: Option<Sorted>,
    /// Set where aggregates are asked for, not rows.
    pub tally: Option<Tally>,
    snapshot: pg_sys::Snapshot,
    context: pg_sys::MemoryContext,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LateIs {
    /// Another process shows them, or nobody has got there yet.
    Elsewhere,
    /// Rewound, or just opened; no row is present.
    Before,
    /// A row is present.
    At,
    Over,
}

/// What a process does next.
pub enum Next {
    Late,
    RowGroup { entry: usize, group: usize },
    Over,
}

impl Scan {
    /// The scan of a node; `None` before it began and after it ended.
    ///
    /// # Safety
    /// The node is one of this wrapper's, and no other reference to its scan is in use.
    pub unsafe fn of<'a>(node: *mut pg_sys::ForeignScanState) -> Option<&'a mut Self> {
        // SAFETY: `begin` puts an `Option<Scan>` there, which lives as long as the query.
        unsafe { ((*node).fdw_state as *mut Option<Self>).as_mut()?.as_mut() }
    }

    /// A scan that has not begun.
    pub fn new(
        reading: Reading,
        pruning: Pruning,
        snapshot: pg_sys::Snapshot,
        context: pg_sys::MemoryContext,
    ) -> Self {
        let mut units = 0;
        let start_of = |entry: &Entry| {
            let start = units;
            units += entry.row_groups as u64;
            start
        };
        let starts = reading.entries.iter().map(start_of).collect();
        Self {
            reading,
            starts,
            units,
            order: Order::Any,
            pruning,
            state: None,
            shared: std::ptr::null(),
            claimed: 0,
            late: None,
            late_is: LateIs::Elsewhere,
            sorted: None,
            tally: None,
            snapshot,
            context,
        }
    }

    /// Begins anew.
    fn rewind(&mut self) {
        self.reading.rewind();
        self.state = None;
        self.claimed = 0;
        self.late_is = LateIs::Elsewhere;
        if let Some(sorted) = &mut self.sorted {
            sorted.clear();
        }
        if let Some(tally) = &mut self.tally {
            tally.rewind();
        }
    }

    /// The snapshot of the query.
    pub fn snapshot(&self) -> pg_sys::Snapshot {
        self.snapshot
    }

    fn claim(&mut self) -> u64 {
        if self.shared.is_null() {
            self.claimed += 1;
            return self.claimed - 1;
        }
        // SAFETY: shared memory that lives until `shut_down`, which forgets it.
        unsafe { (*self.shared).claim() }
    }

    /// Puts the next row into a slot's arrays; `false` after the last.
    ///
    /// # Safety
    /// The arrays have places for the columns of the relation.
    #[inline]
    unsafe fn next(
        &mut self,
        node: *mut pg_sys::ForeignScanState,
        slot: *mut pg_sys::TupleTableSlot,
    ) -> Result<bool, Error> {
        loop {
            if self.late_is != LateIs::Elsewhere && self.late_is != LateIs::Over {
                // SAFETY: as this function's contract says.
                if unsafe { self.next_with_late(slot)? } {
                    return Ok(true);
                }
                if self.late_is == LateIs::Over {
                    continue;
                }
            } else if self.reading.has_rows() {
                // SAFETY: as this function's contract says.
                unsafe { self.reading.put(slot) };
                return Ok(true);
            }
            // SAFETY: the node of this scan.
            if !unsafe { self.advance(node)? } {
                return Ok(false);
            }
        }
    }

    /// While late rows are shown here: puts the next row of both; `false` when the batch must be filled first, or when
    /// there are no late rows any more.
    unsafe fn next_with_late(&mut self, slot: *mut pg_sys::TupleTableSlot) -> Result<bool, Error> {
        let Some(late) = &mut self.late else {
            self.late_is = LateIs::Over;
            return Ok(false);
        };
        if self.late_is == LateIs::Before {
            self.late_is = if late.next() { LateIs::At } else { LateIs::Over };
            if self.late_is == LateIs::Over {
                return Ok(false);
            }
        }
        let head = late.head;
        let merged = self.order != Order::Any;
        if merged && !self.reading.has_rows() && !self.units_over() {
            return Ok(false);
        }
        if merged && self.reading.has_rows() {
            let file = self.reading.time();
            let file_first = match self.order {
                Order::Descending => file > head,
                _ => file < head,
            };
            if file_first {
                // SAFETY: as in `next`.
                unsafe { self.reading.put(slot) };
                return Ok(true);
            }
        }
        if let Some(late) = &self.late {
            // SAFETY: as in `next`.
            unsafe {
                late.put((*slot).tts_values, (*slot).tts_isnull);
                (*slot).tts_tid = late.tid();
            }
        }
        self.late_is = LateIs::Before;
        self.reading.unmark();
        self.reading.work.late_rows += 1;
        Ok(true)
    }

    fn units_over(&self) -> bool {
        self.reading.is_over() && self.claimed > self.units
    }

    /// Evaluates the conditions, unless that was done before.
    ///
    /// # Safety
    /// The node of this scan.
    pub unsafe fn judge(&mut self, node: *mut pg_sys::ForeignScanState) -> Result<(), Error> {
        if self.state.is_none() {
            // SAFETY: the node of this scan.
            let state = unsafe {
                self.pruning
                    .run(node, &self.reading.table, &self.reading.entries, self.snapshot)?
            };
            self.state = Some(state);
        }
        Ok(())
    }

    /// Claims the next unit.
    pub fn claim_unit(&mut self) -> Next {
        let never = self.state.as_ref().is_some_and(|state| state.never);
        let unit = if never || self.claimed > self.units {
            self.units + 1
        } else {
            self.claim()
        };
        if unit > self.units {
            self.claimed = self.units + 1;
            return Next::Over;
        }
        if unit == 0 {
            return Next::Late;
        }
        let unit = if self.order == Order::Descending {
            self.units - unit
        } else {
            unit - 1
        };
        let entry = self
            .starts
            .partition_point(|start| *start <= unit)
            .saturating_sub(1);
        let group = (unit - self.starts.get(entry).copied().unwrap_or(0)) as usize;
        Next::RowGroup { entry, group }
    }

    /// Fills the next batch, or claims the next unit; `false` when there is none.
    unsafe fn advance(&mut self, node: *mut pg_sys::ForeignScanState) -> Result<bool, Error> {
        if self.reading.next_batch()? {
            return Ok(true);
        }
        // SAFETY: the node of this scan.
        unsafe { self.judge(node)? };
        let never = self.state.as_ref().is_some_and(|state| state.never);
        match self.claim_unit() {
            // What is left of late rows comes now.
            Next::Over => return Ok(!never && matches!(self.late_is, LateIs::Before | LateIs::At)),
            Next::Late => self.open_late()?,
            Next::RowGroup { entry, group } => self.open_row_group(entry, group)?,
        }
        Ok(true)
    }

    fn open_late(&mut self) -> Result<(), Error> {
        if !only::reads_late() {
            self.late_is = LateIs::Over;
            return Ok(());
        }
        if let Some(late) = &mut self.late {
            late.rewind();
        } else {
            // SAFETY: the scan's memory; the executor runs under this snapshot.
            unsafe {
                let row = pg_sys::MemoryContextSwitchTo(self.context);
                self.late = Late::open(
                    &self.reading.table,
                    &self.reading.columns,
                    self.snapshot,
                    self.order,
                )?;
                pg_sys::MemoryContextSwitchTo(row);
            }
        }
        self.late_is = if self.late.is_some() {
            LateIs::Before
        } else {
            LateIs::Over
        };
        Ok(())
    }

    fn open_row_group(&mut self, entry: usize, group: usize) -> Result<(), Error> {
        match &self.state {
            Some(state) if state.alive.get(entry) == Some(&true) => {
                let predicates = |columns: &[_]| state.predicates_for(columns);
                self.reading.open_group(entry, group, predicates)
            }
            _ => Ok(()),
        }
    }

    /// Lets go of what PostgreSQL must have back.
    fn end(self) {
        if let Some(sorted) = self.sorted {
            sorted.close();
        }
        if let Some(late) = self.late {
            late.close();
        }
    }
}

/// Raises an error of ours as one of PostgreSQL's.
pub fn raise<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            // The crate noticed the interrupt first; PostgreSQL says which one it was.
            check_for_interrupts();
            ErrorReport::from(error).report(PgLogLevel::ERROR);
            None
        }
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn begin(node: *mut pg_sys::ForeignScanState, _flags: c_int) {
    // SAFETY: the executor's own nodes; the scan is dropped with the query's memory, if not before.
    unsafe {
        let context = (*(*node).ss.ps.state).es_query_cxt;
        if let Some(scan) = raise(start(node, context)) {
            let state = PgMemoryContexts::For(context).leak_and_drop_on_delete(Some(scan));
            (*node).fdw_state = state as *mut c_void;
        }
    }
}

unsafe fn start(node: *mut pg_sys::ForeignScanState, context: pg_sys::MemoryContext) -> Result<Scan, Error> {
    // SAFETY: the executor's own nodes.
    unsafe {
        let relation = (*node).ss.ss_currentRelation;
        let snapshot = (*(*node).ss.ps.state).es_snapshot;
        let private = (*((*node).ss.ps.plan as *mut pg_sys::ForeignScan)).fdw_private;
        if let Some(computed) = aggregate::of_plan(private) {
            return tally::start(node, &computed, snapshot, context);
        }
        let planned = plan::Planned::of((*node).ss.ps.plan as *mut pg_sys::ForeignScan);
        let table = manifest::table_under(snapshot, (*relation).rd_id)?;
        let entries = manifest::files_under(snapshot, &table)?;
        let descriptor = (*relation).rd_att;
        let mut wanted: Vec<Wanted> = planned
            .columns
            .iter()
            .filter_map(|number| columns::column(descriptor, usize::try_from(*number - 1).ok()?, &table))
            .collect();
        let ordered = planned.order != Order::Any;
        let mut time = None;
        if let Some(place) = columns::place_of(descriptor, &table.time_column) {
            let form = version::attribute(descriptor, place as i32);
            let base = kinds::storage((*form).atttypid, (*form).atttypmod).base;
            let known = wanted.iter().position(|column| column.place == Some(place));
            let needed = ordered || entries.iter().any(|entry| entry.partial);
            if known.is_none() && needed {
                let unseen = columns::column(descriptor, place, &table);
                wanted.extend(unseen.map(|column| Wanted {
                    place: None,
                    ..column
                }));
            }
            time = known
                .or(needed.then(|| wanted.len().saturating_sub(1)))
                .map(|column| (column, base));
        }
        let slot = (*node).ss.ss_ScanTupleSlot;
        let places = (*(*slot).tts_tupleDescriptor).natts as usize;
        std::ptr::write_bytes((*slot).tts_values, 0, places);
        std::slice::from_raw_parts_mut((*slot).tts_isnull, places).fill(true);
        let mut order = planned.order;
        let mut sorted = None;
        if order != Order::Any && !plan::in_order(&entries) {
            if let Some(place) = time.and_then(|(column, _)| wanted.get(column)?.place) {
                let outer = pg_sys::MemoryContextSwitchTo(context);
                sorted = Some(Sorted::new(slot, place, order == Order::Descending));
                pg_sys::MemoryContextSwitchTo(outer);
            }
            order = Order::Any;
        }
        let pruning = Pruning::new(node, &planned.conditions, descriptor, &table);
        let mut reading = Reading::new(table, entries, wanted, time, context);
        reading.reverse = order == Order::Descending;
        let mut scan = Scan::new(reading, pruning, snapshot, context);
        scan.order = order;
        scan.sorted = sorted;
        Ok(scan)
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn iterate(node: *mut pg_sys::ForeignScanState) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: the slot belongs to the scan; emptied here unless it owns a tuple, which only the server can free.
    unsafe {
        let slot = (*node).ss.ss_ScanTupleSlot;
        let owned = u32::from((*slot).tts_flags) & pg_sys::TTS_FLAG_SHOULDFREE != 0;
        if owned {
            pg_sys::ExecClearTuple(slot);
            let places = (*(*slot).tts_tupleDescriptor).natts as usize;
            std::slice::from_raw_parts_mut((*slot).tts_isnull, places).fill(true);
        }
        (*slot).tts_flags |= pg_sys::TTS_FLAG_EMPTY as u16;
        (*slot).tts_nvalid = 0;
        (*slot).tts_tid.ip_posid = 0;
        let Some(scan) = Scan::of(node) else { return slot };
        if owned {
            scan.reading.unmark();
        }
        if let Some(mut tally) = scan.tally.take() {
            if raise(tally.row(scan, node, slot)) == Some(true) {
                store_virtual(slot);
            }
            scan.tally = Some(tally);
            return slot;
        }
        if scan.sorted.is_some() {
            return sorted_row(scan, node, slot);
        }
        if raise(scan.next(node, slot)) == Some(true) {
            store_virtual(slot);
        }
        slot
    }
}

/// Marks a slot whose arrays were filled as holding a row.
#[inline]
unsafe fn store_virtual(slot: *mut pg_sys::TupleTableSlot) {
    // SAFETY: the scan's own slot.
    unsafe {
        (*slot).tts_flags &= !(pg_sys::TTS_FLAG_EMPTY as u16);
        (*slot).tts_nvalid = (*(*slot).tts_tupleDescriptor).natts as pg_sys::AttrNumber;
    }
}

/// The next row of a scan that is sorted here.
unsafe fn sorted_row(
    scan: &mut Scan,
    node: *mut pg_sys::ForeignScanState,
    slot: *mut pg_sys::TupleTableSlot,
) -> *mut pg_sys::TupleTableSlot {
    // SAFETY: the scan's own slot and memory; all rows are put before the first is taken.
    unsafe {
        let Some(mut sorted) = scan.sorted.take() else {
            return slot;
        };
        if !sorted.is_filled() {
            let row = pg_sys::MemoryContextSwitchTo(scan.context);
            sorted.begin();
            while raise(scan.next(node, slot)) == Some(true) {
                store_virtual(slot);
                sorted.put(slot);
            }
            sorted.finish();
            pg_sys::MemoryContextSwitchTo(row);
        }
        let row = sorted.next();
        scan.sorted = Some(sorted);
        row
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn rescan(node: *mut pg_sys::ForeignScanState) {
    // SAFETY: the executor's own node.
    unsafe {
        if let Some(scan) = Scan::of(node) {
            scan.rewind();
        }
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn end(node: *mut pg_sys::ForeignScanState) {
    // SAFETY: what `begin` put there, or null; taken once.
    unsafe {
        if let Some(scan) = ((*node).fdw_state as *mut Option<Scan>)
            .as_mut()
            .and_then(Option::take)
        {
            scan.end();
        }
    }
}
