//! ANALYZE: a sample of archived rows, from stretches that are spread over all of them, and of late rows.

use std::ffi::c_int;
use std::hash::{BuildHasher, Hasher, RandomState};

use kpi_archive::Selection;
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::columns::{self, Wanted};
use super::execute::raise;
use super::late::Late;
use super::nodes::check_for_interrupts;
use super::plan::Order;
use super::reading::Reading;
use crate::archive::kinds;
use crate::archive::manifest;
use crate::error::Error;

/// Rows of a stretch. A page of values is decoded whole for any of its rows, so single rows would cost too much.
const STRETCH: u64 = 300;

#[pg_guard]
pub unsafe extern "C-unwind" fn analyze(
    relation: pg_sys::Relation,
    sample: *mut pg_sys::AcquireSampleRowsFunc,
    pages: *mut pg_sys::BlockNumber,
) -> bool {
    // SAFETY: ANALYZE holds a lock on the relation and runs under a snapshot.
    unsafe {
        let entries = manifest::table((*relation).rd_id)
            .and_then(|table| manifest::files_under(std::ptr::null_mut(), &table));
        let bytes: u64 = raise(entries)
            .unwrap_or_default()
            .iter()
            .map(|entry| entry.bytes)
            .sum();
        *pages = (bytes / u64::from(pg_sys::BLCKSZ)).clamp(1, u64::from(u32::MAX) - 1) as pg_sys::BlockNumber;
        *sample = Some(acquire);
    }
    true
}

#[pg_guard]
unsafe extern "C-unwind" fn acquire(
    relation: pg_sys::Relation,
    _level: c_int,
    rows: *mut pg_sys::HeapTuple,
    wanted: c_int,
    total: *mut f64,
    dead: *mut f64,
) -> c_int {
    // SAFETY: the array has room for `wanted` rows.
    unsafe {
        *dead = 0.0;
        let Some((sample, all)) = raise(sample(relation, wanted.max(0) as usize)) else {
            return 0;
        };
        *total = all;
        for (place, row) in sample.iter().enumerate() {
            *rows.add(place) = *row;
        }
        sample.len() as c_int
    }
}

/// Rows in the order of the archive, at most `wanted`, and how many there are.
unsafe fn sample(relation: pg_sys::Relation, wanted: usize) -> Result<(Vec<pg_sys::HeapTuple>, f64), Error> {
    // SAFETY: the relation is open; rows are formed in the caller's memory, all else lives until the end of ANALYZE.
    unsafe {
        let table = manifest::table((*relation).rd_id)?;
        let entries = manifest::files_under(std::ptr::null_mut(), &table)?;
        let descriptor = (*relation).rd_att;
        let columns: Vec<Wanted> = (0..(*descriptor).natts as usize)
            .filter_map(|place| columns::column(descriptor, place, &table))
            .collect();
        let time = columns
            .iter()
            .position(|column| column.target.name == table.time_column)
            .map(|column| {
                let target = &columns[column].target;
                (column, kinds::storage(target.ty, target.typmod).base)
            });
        let slot = pg_sys::MakeSingleTupleTableSlot(descriptor, &raw const pg_sys::TTSOpsVirtual);
        std::slice::from_raw_parts_mut((*slot).tts_isnull, (*descriptor).natts as usize).fill(true);
        let snapshot = pg_sys::GetActiveSnapshot();
        let (mut rows, late) = late_rows(&table, &columns, snapshot, slot, wanted)?;
        let archived: u64 = entries.iter().map(|entry| entry.rows).sum();
        // Each kind of row has its share of the sample.
        let share = |part: f64, all: f64| (wanted as f64 * part / all.max(1.0)).ceil() as usize;
        rows.truncate(share(late, late + archived as f64));
        let context = pg_sys::CurrentMemoryContext;
        let mut reading = Reading::new(table, entries, columns, time, context);
        let mut archive = archived_rows(&mut reading, slot, wanted.saturating_sub(rows.len()), archived)?;
        pg_sys::ExecDropSingleTupleTableSlot(slot);
        archive.append(&mut rows);
        Ok((archive, late + archived as f64))
    }
}

unsafe fn archived_rows(
    reading: &mut Reading,
    slot: *mut pg_sys::TupleTableSlot,
    wanted: usize,
    archived: u64,
) -> Result<Vec<pg_sys::HeapTuple>, Error> {
    let mut rows = Vec::with_capacity(wanted);
    if archived == 0 || wanted == 0 {
        return Ok(rows);
    }
    let mut random = Random::new();
    let stretches = (wanted as u64).div_ceil(STRETCH);
    let everything = archived <= wanted as u64;
    let mut next = 0;
    for stretch in 0..stretches {
        // One stretch begins at random in each of as many equal parts.
        let from = |part: u64| (u128::from(archived) * u128::from(part) / u128::from(stretches)) as u64;
        let (low, high) = (from(stretch), from(stretch + 1));
        let start = if everything {
            low
        } else {
            low + random.below((high - low).max(1))
        };
        let end = if everything { high } else { start + STRETCH };
        let mut row = start.max(next);
        while row < end.min(archived) {
            check_for_interrupts();
            // SAFETY: the slot has the relation's columns.
            row = unsafe { piece(reading, slot, row, end, wanted, &mut rows)? };
        }
        next = row;
    }
    Ok(rows)
}

/// Reads rows from one row group, and returns the first row after it or after the stretch. Rows are counted over all files.
unsafe fn piece(
    reading: &mut Reading,
    slot: *mut pg_sys::TupleTableSlot,
    row: u64,
    end: u64,
    wanted: usize,
    rows: &mut Vec<pg_sys::HeapTuple>,
) -> Result<u64, Error> {
    let mut first = 0;
    let mut at = 0;
    for (number, entry) in reading.entries.iter().enumerate() {
        if row < first + entry.rows {
            at = number;
            break;
        }
        first += entry.rows;
    }
    let file = reading.open_file(at)?;
    for group in 0..file.row_groups() {
        let count = file.rows(group);
        if row < first + count {
            let range = row - first..(end - first).min(count);
            let after = first + range.end;
            reading.read(group, &Selection::new([range]))?;
            // SAFETY: the slot has the relation's columns; rows are copied out of it.
            unsafe {
                while reading.next_of_group(slot)? {
                    if rows.len() < wanted {
                        rows.push(form(slot));
                    }
                }
            }
            return Ok(after);
        }
        first += count;
    }
    // The manifest counts more rows than the file holds.
    Ok(end)
}

/// A sample of late rows, each as likely as any other, and how many there are.
unsafe fn late_rows(
    table: &manifest::Table,
    columns: &[Wanted],
    snapshot: pg_sys::Snapshot,
    slot: *mut pg_sys::TupleTableSlot,
    wanted: usize,
) -> Result<(Vec<pg_sys::HeapTuple>, f64), Error> {
    let mut rows = Vec::new();
    let mut seen = 0_u64;
    let mut random = Random::new();
    // SAFETY: as in `sample`.
    unsafe {
        if let Some(mut late) = Late::open(table, columns, snapshot, Order::Any)? {
            while late.next() {
                seen += 1;
                let place = if rows.len() < wanted {
                    rows.len()
                } else {
                    random.below(seen) as usize
                };
                if place >= wanted {
                    continue;
                }
                late.put((*slot).tts_values, (*slot).tts_isnull);
                let row = form(slot);
                if place == rows.len() {
                    rows.push(row);
                } else if let Some(old) = rows.get_mut(place) {
                    pg_sys::heap_freetuple(std::mem::replace(old, row));
                }
            }
            late.close();
        }
    }
    Ok((rows, seen as f64))
}

unsafe fn form(slot: *mut pg_sys::TupleTableSlot) -> pg_sys::HeapTuple {
    // SAFETY: the slot's arrays hold a row.
    unsafe {
        pg_sys::heap_form_tuple(
            (*slot).tts_tupleDescriptor,
            (*slot).tts_values,
            (*slot).tts_isnull,
        )
    }
}

/// Random numbers; nobody has to be unable to guess them.
struct Random(u64);

impl Random {
    fn new() -> Self {
        Self(RandomState::new().build_hasher().finish())
    }

    /// A number below a bound (Steele, Lea and Flood 2014: SplitMix64).
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * u128::from(bound)) >> 64) as u64
    }
}
