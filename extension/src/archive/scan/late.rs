//! Rows that came for an archived range after it was archived: they are in an ordinary table, and every scan shows them.

use std::ffi::CString;

use pgrx::pg_sys;

use super::columns::{self, Wanted};
use super::nodes::check_for_interrupts;
use super::plan::Order;
use super::value;
use crate::archive::cast::{self, Cast};
use crate::archive::kinds;
use crate::archive::manifest::{self, Table};
use crate::archive::only;
use crate::error::Error;
use crate::{identity, version};

/// A scan of late rows. What it holds of PostgreSQL is let go by [`Late::close`], or by the transaction after an ERROR.
pub struct Late {
    relation: pg_sys::Relation,
    scan: pg_sys::TableScanDesc,
    slot: *mut pg_sys::TupleTableSlot,
    /// All rows by time, where the scan is sorted; they then come through a slot of their own.
    sort: *mut pg_sys::Tuplesortstate,
    columns: Vec<Column>,
    /// Where casts put their results, until the next row.
    context: *mut pg_sys::ExprContext,
    time: i32,
    base: pg_sys::Oid,
    since: i64,
    until: i64,
    /// The time of the present row.
    pub head: i64,
    /// The same as [`value::ordinal`] counts; not in a sorted scan.
    pub ordinal: i64,
}

/// A column of the late table and where its values go.
struct Column {
    place: usize,
    /// `None`: the table has no such column.
    attribute: Option<usize>,
    cast: Option<Cast>,
}

impl Late {
    /// Opens the late rows of a table; `None` where there are none.
    ///
    /// # Safety
    /// In the executor, in a memory context that outlives the scan; the snapshot is the query's.
    pub unsafe fn open(
        table: &Table,
        wanted: &[Wanted],
        snapshot: pg_sys::Snapshot,
        order: Order,
    ) -> Result<Option<Self>, Error> {
        let Some(late) = table
            .late
            .filter(|late| only::reads_late() && identity::exists(*late))
        else {
            return Ok(None);
        };
        // SAFETY: as this function's contract says.
        unsafe {
            let relation = pg_sys::table_open(late, pg_sys::AccessShareLock as i32);
            let descriptor = (*relation).rd_att;
            let time = columns::place_of(descriptor, &table.time_column);
            let empty =
                pg_sys::RelationGetNumberOfBlocksInFork(relation, pg_sys::ForkNumber::MAIN_FORKNUM) == 0;
            let Some(time) = time.filter(|_| !empty) else {
                pg_sys::table_close(relation, pg_sys::NoLock as i32);
                return Ok(None);
            };
            let context = pg_sys::CreateStandaloneExprContext();
            let columns = wanted
                .iter()
                .filter_map(|wanted| Some((wanted, wanted.place?)))
                .map(|(wanted, place)| column(relation, wanted, place, context))
                .collect::<Result<Vec<_>, _>>()?;
            let form = version::attribute(descriptor, time as i32);
            let mut late = Self {
                relation,
                scan: pg_sys::table_beginscan(relation, snapshot, 0, std::ptr::null_mut()),
                slot: pg_sys::table_slot_create(relation, std::ptr::null_mut()),
                sort: std::ptr::null_mut(),
                columns,
                context,
                time: time as i32 + 1,
                base: kinds::storage((*form).atttypid, (*form).atttypmod).base,
                since: table.since,
                until: table.until,
                head: 0,
                ordinal: 0,
            };
            if order != Order::Any {
                late.sort(order == Order::Descending);
            }
            Ok(Some(late))
        }
    }

    unsafe fn sort(&mut self, descending: bool) {
        // SAFETY: the sort's columns are those of the relation; it is filled before it is read.
        unsafe {
            let descriptor = (*self.relation).rd_att;
            let form = version::attribute(descriptor, self.time - 1);
            let flags = (pg_sys::TYPECACHE_LT_OPR | pg_sys::TYPECACHE_GT_OPR) as i32;
            let types = pg_sys::lookup_type_cache((*form).atttypid, flags);
            let mut attribute = self.time as pg_sys::AttrNumber;
            let mut operator = if descending {
                (*types).gt_opr
            } else {
                (*types).lt_opr
            };
            let mut collation = (*form).attcollation;
            let mut nulls_first = descending;
            let sort = pg_sys::tuplesort_begin_heap(
                descriptor,
                1,
                &mut attribute,
                &mut operator,
                &mut collation,
                &mut nulls_first,
                pg_sys::work_mem,
                std::ptr::null_mut(),
                pg_sys::TUPLESORT_RANDOMACCESS as i32,
            );
            while self.next_of_table() {
                pg_sys::tuplesort_puttupleslot(sort, self.slot);
            }
            pg_sys::tuplesort_performsort(sort);
            pg_sys::ExecDropSingleTupleTableSlot(self.slot);
            self.slot = pg_sys::MakeSingleTupleTableSlot(descriptor, &raw const pg_sys::TTSOpsMinimalTuple);
            self.sort = sort;
        }
    }

    /// Goes back before the first row.
    pub fn rewind(&mut self) {
        // SAFETY: the scan is open; the sort was begun with random access.
        unsafe {
            pg_sys::ExecClearTuple(self.slot);
            if self.sort.is_null() {
                pg_sys::table_rescan(self.scan, std::ptr::null_mut());
            } else {
                pg_sys::tuplesort_rescan(self.sort);
            }
        }
    }

    /// Goes to the next row; `false` after the last.
    pub fn next(&mut self) -> bool {
        if self.sort.is_null() {
            return self.next_of_table();
        }
        // SAFETY: the sort was performed, and the slot takes minimal tuples.
        unsafe {
            let found =
                pg_sys::tuplesort_gettupleslot(self.sort, true, false, self.slot, std::ptr::null_mut());
            if found {
                let mut is_null = false;
                let time = pg_sys::slot_getattr(self.slot, self.time, &mut is_null);
                self.head = columns::instant(time, self.base);
            }
            found
        }
    }

    /// Goes to the next row of the table that lies in the range that is shown.
    fn next_of_table(&mut self) -> bool {
        // SAFETY: the scan and its slot are open.
        unsafe {
            while pg_sys::table_scan_getnextslot(
                self.scan,
                pg_sys::ScanDirection::ForwardScanDirection,
                self.slot,
            ) {
                check_for_interrupts();
                let mut is_null = false;
                let time = pg_sys::slot_getattr(self.slot, self.time, &mut is_null);
                self.head = columns::instant(time, self.base);
                self.ordinal = value::ordinal(time, self.base);
                if !is_null && manifest::shows(self.since, self.until, self.head) {
                    return true;
                }
            }
            false
        }
    }

    /// Puts the present row into the values of the scan's slot. They are valid until the next row.
    ///
    /// # Safety
    /// The arrays have a place for every column that was asked for.
    pub unsafe fn put(&self, values: *mut pg_sys::Datum, nulls: *mut bool) {
        // SAFETY: as this function's contract says; all attributes are deformed before they are read.
        unsafe {
            pg_sys::slot_getallattrs(self.slot);
            if self.columns.iter().any(|column| column.cast.is_some()) {
                pg_sys::MemoryContextReset((*self.context).ecxt_per_tuple_memory);
            }
            for column in &self.columns {
                let mut value = None;
                if let Some(attribute) = column.attribute
                    && !*(*self.slot).tts_isnull.add(attribute)
                {
                    value = Some(*(*self.slot).tts_values.add(attribute));
                }
                if let Some(cast) = &column.cast {
                    value = value.and_then(|value| cast.value(value));
                }
                *values.add(column.place) = value.unwrap_or(pg_sys::Datum::from(0));
                *nulls.add(column.place) = value.is_none();
            }
        }
    }

    /// Where the present row lies; not valid in a sorted scan.
    pub fn tid(&self) -> pg_sys::ItemPointerData {
        // SAFETY: the slot of this scan.
        unsafe { (*self.slot).tts_tid }
    }

    /// Lets go of everything.
    pub fn close(self) {
        // SAFETY: each was opened by `open` and is closed once.
        unsafe {
            pg_sys::ExecDropSingleTupleTableSlot(self.slot);
            if !self.sort.is_null() {
                pg_sys::tuplesort_end(self.sort);
            }
            pg_sys::FreeExprContext(self.context, true);
            pg_sys::table_endscan(self.scan);
            pg_sys::table_close(self.relation, pg_sys::NoLock as i32);
        }
    }
}

unsafe fn column(
    relation: pg_sys::Relation,
    wanted: &Wanted,
    place: usize,
    context: *mut pg_sys::ExprContext,
) -> Result<Column, Error> {
    // SAFETY: a relation that is open; a name without zero bytes, since it is an attribute's.
    unsafe {
        let descriptor = (*relation).rd_att;
        let name = CString::new(wanted.target.name.as_str()).unwrap_or_default();
        let attribute = pg_sys::get_attnum((*relation).rd_id, name.as_ptr());
        let attribute = usize::try_from(attribute)
            .ok()
            .and_then(|number| number.checked_sub(1));
        let mut cast = None;
        if let Some(attribute) = attribute {
            let form = version::attribute(descriptor, attribute as i32);
            let from = ((*form).atttypid, (*form).atttypmod);
            let to = (wanted.target.ty, wanted.target.typmod);
            if from != to && !cast::same(from, to) {
                cast = Cast::between(from, to, wanted.target.collation, context);
                if cast.is_none() {
                    let name_of = |(ty, typmod)| kinds::type_name(ty, typmod);
                    return Err(cast::impossible(
                        &wanted.target.name,
                        &name_of(from),
                        &name_of(to),
                    ));
                }
            }
        }
        Ok(Column {
            place,
            attribute,
            cast,
        })
    }
}
