//! Running aggregates: the manifest's counts and bounds where they hold, rows elsewhere.

use kpi_archive::{Kind, Selection, Value};
use pgrx::pg_sys;

use super::aggregate::{Aggregate, Function};
use super::columns;
use super::execute::Scan;
use super::late::Late;
use super::nodes::check_for_interrupts;
use super::plan::Order;
use super::prune::Pruning;
use super::reading::Reading;
use super::value;
use crate::archive::kinds::{self, Storage};
use crate::archive::manifest::{self, Contents, Entry};
use crate::archive::{numeric, only, read};
use crate::error::Error;
use crate::version;

/// Aggregates of a scan.
pub struct Tally {
    parts: Vec<Part>,
    done: bool,
    /// For rows of the foreign table, where some have to be read.
    slot: *mut pg_sys::TupleTableSlot,
    /// Objects that were not read.
    pub answered: u64,
}

/// One aggregate and what is known so far.
struct Part {
    function: Function,
    /// The place of its column among the table's and among those that are read.
    place: usize,
    column: usize,
    storage: Storage,
    /// The column's type as files name it.
    ty: String,
    count: i64,
    extreme: Option<Extreme>,
}

/// The least or greatest value: as PostgreSQL has it, or an exact number.
#[derive(Clone, Copy)]
enum Extreme {
    Integer(i64),
    Decimal { unscaled: i128, scale: u8 },
}

/// The scan of aggregates over a foreign table.
///
/// # Safety
/// In the executor; the memory context lives as long as the query.
pub unsafe fn start(
    table: pg_sys::Oid,
    aggregates: &[Aggregate],
    snapshot: pg_sys::Snapshot,
    context: pg_sys::MemoryContext,
) -> Result<Scan, Error> {
    // SAFETY: the planner has locked the relation; its description is copied.
    unsafe {
        let shown = manifest::table_under(snapshot, table)?;
        let entries = manifest::files_under(snapshot, &shown)?;
        let outer = pg_sys::MemoryContextSwitchTo(context);
        let opened = pg_sys::table_open(table, pg_sys::AccessShareLock as i32);
        let descriptor = pg_sys::CreateTupleDescCopy((*opened).rd_att);
        pg_sys::table_close(opened, pg_sys::NoLock as i32);
        let slot = pg_sys::MakeSingleTupleTableSlot(descriptor, &raw const pg_sys::TTSOpsVirtual);
        std::slice::from_raw_parts_mut((*slot).tts_isnull, (*descriptor).natts as usize).fill(true);
        pg_sys::MemoryContextSwitchTo(outer);
        let mut wanted: Vec<columns::Wanted> = Vec::new();
        let mut column = |place: usize| {
            let known = wanted.iter().position(|column| column.place == Some(place));
            known.or_else(|| {
                wanted.push(columns::column(descriptor, place, &shown)?);
                Some(wanted.len() - 1)
            })
        };
        let mut parts = Vec::new();
        for aggregate in aggregates {
            let place = usize::try_from(aggregate.attribute - 1).unwrap_or(0);
            let read = if aggregate.attribute > 0 {
                column(place)
            } else {
                Some(0)
            };
            let form = version::attribute(descriptor, place as i32);
            parts.push(Part {
                function: aggregate.function,
                place,
                column: read.unwrap_or(0),
                storage: kinds::storage((*form).atttypid, (*form).atttypmod),
                ty: kinds::type_name((*form).atttypid, (*form).atttypmod),
                count: 0,
                extreme: None,
            });
        }
        // Which rows are shown is told by their time.
        let mut time = None;
        if let Some(place) = columns::place_of(descriptor, &shown.time_column) {
            let form = version::attribute(descriptor, place as i32);
            let base = kinds::storage((*form).atttypid, (*form).atttypmod).base;
            time = column(place).map(|column| (column, base));
        }
        let reading = Reading::new(shown, entries, wanted, time, context);
        let mut scan = Scan::new(reading, Pruning::none(), snapshot, context);
        scan.tally = Some(Tally {
            parts,
            done: false,
            slot,
            answered: 0,
        });
        Ok(scan)
    }
}

impl Tally {
    /// Begins anew.
    pub fn rewind(&mut self) {
        self.done = false;
        self.answered = 0;
        for part in &mut self.parts {
            part.count = 0;
            part.extreme = None;
        }
    }

    /// Computes the aggregates and puts them into a slot's arrays; `false` when that was done before.
    ///
    /// # Safety
    /// The slot has a place for each aggregate; `scan` is the one that this belongs to.
    pub unsafe fn row(&mut self, scan: &mut Scan, slot: *mut pg_sys::TupleTableSlot) -> Result<bool, Error> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(false);
        }
        let asked: Vec<&Entry> = scan.reading.entries.iter().collect();
        // SAFETY: the scan's snapshot; rows are read into this tally's own slot.
        unsafe {
            let contents = manifest::contents_under(scan.snapshot(), &scan.reading.table, &asked)?;
            for (number, contents) in contents.iter().enumerate() {
                let entry = &scan.reading.entries[number];
                if let Some(contents) = contents.as_ref().filter(|_| !entry.partial)
                    && self
                        .parts
                        .iter()
                        .all(|part| part.answer(scan, contents, entry.rows).is_some())
                {
                    let rows = entry.rows;
                    for part in &mut self.parts {
                        let answer = part.answer(scan, contents, rows);
                        part.add(answer.unwrap_or_default());
                    }
                    self.answered += 1;
                    continue;
                }
                self.read(scan, number)?;
            }
            self.late(scan)?;
            for (place, part) in self.parts.iter().enumerate() {
                let value = part.datum();
                *(*slot).tts_values.add(place) = value.unwrap_or(pg_sys::Datum::from(0));
                *(*slot).tts_isnull.add(place) = value.is_none();
            }
        }
        Ok(true)
    }

    /// Reads all rows of an object.
    unsafe fn read(&mut self, scan: &mut Scan, number: usize) -> Result<(), Error> {
        let file = scan.reading.open_file(number)?;
        for group in 0..file.row_groups() {
            check_for_interrupts();
            scan.reading.read(group, &Selection::all(file.rows(group)))?;
            // SAFETY: the slot has the columns of the foreign table.
            unsafe {
                while scan.reading.next_of_group(self.slot)? {
                    self.count_row();
                }
            }
        }
        Ok(())
    }

    unsafe fn late(&mut self, scan: &Scan) -> Result<(), Error> {
        if !only::reads_late() {
            return Ok(());
        }
        // SAFETY: as in `read`.
        unsafe {
            if let Some(mut late) = Late::open(
                &scan.reading.table,
                &scan.reading.columns,
                scan.snapshot(),
                Order::Any,
            )? {
                while late.next() {
                    late.put((*self.slot).tts_values, (*self.slot).tts_isnull);
                    self.count_row();
                }
                late.close();
            }
        }
        Ok(())
    }

    /// Takes the row in the slot into account.
    unsafe fn count_row(&mut self) {
        for part in &mut self.parts {
            if part.function == Function::Rows {
                part.count += 1;
                continue;
            }
            // SAFETY: the slot has a value of this type at this place.
            unsafe {
                if *(*self.slot).tts_isnull.add(part.place) {
                    continue;
                }
                let datum = *(*self.slot).tts_values.add(part.place);
                let extreme = match part.function {
                    Function::Min | Function::Max => part.storage.extreme(datum),
                    _ => None,
                };
                part.add((1, extreme));
            }
        }
    }

    /// Lets go of everything.
    pub fn close(self) {
        // SAFETY: made by `start`.
        unsafe { pg_sys::ExecDropSingleTupleTableSlot(self.slot) };
    }
}

impl Storage {
    /// A value to be compared.
    unsafe fn extreme(&self, datum: pg_sys::Datum) -> Option<Extreme> {
        match self.base {
            // SAFETY: a numeric.
            pg_sys::NUMERICOID => match unsafe { value::decimal(datum)? } {
                Value::Decimal { unscaled, scale } => Some(Extreme::Decimal { unscaled, scale }),
                _ => None,
            },
            pg_sys::INT2OID => Some(Extreme::Integer(i64::from(datum.value() as i16))),
            pg_sys::INT4OID | pg_sys::DATEOID => Some(Extreme::Integer(i64::from(datum.value() as i32))),
            _ => Some(Extreme::Integer(datum.value() as i64)),
        }
    }
}

impl Part {
    /// What the manifest says of an object: how many rows or values, and the least or greatest; `None` when it must be
    /// read.
    fn answer(&self, scan: &Scan, contents: &Contents, rows: u64) -> Option<(i64, Option<Extreme>)> {
        if self.function == Function::Rows {
            return Some((rows as i64, None));
        }
        let column = scan.reading.columns.get(self.column)?.find(&contents.columns)?;
        let statistics = contents
            .statistics
            .iter()
            .find(|known| known.field_id == column.field_id)?;
        let present = rows.checked_sub(statistics.nulls)? as i64;
        let bound = match self.function {
            Function::Min => &statistics.min,
            Function::Max => &statistics.max,
            _ => return Some((present, None)),
        };
        if present == 0 {
            return Some((0, None));
        }
        if column.pg_type != self.ty || column.kind != self.storage.kind || !statistics.exact {
            return None;
        }
        let extreme = match (bound.as_ref()?, column.kind) {
            (Value::Int(days), Kind::Date) => {
                Extreme::Integer(i64::from(read::date(i32::try_from(*days).ok()?)))
            }
            (Value::Int(micros), Kind::Timestamp { .. }) => Extreme::Integer(read::timestamp(*micros)),
            (Value::Int(value), _) => Extreme::Integer(*value),
            (Value::Decimal { unscaled, scale }, _) => Extreme::Decimal {
                unscaled: *unscaled,
                scale: *scale,
            },
            _ => return None,
        };
        Some((present, Some(extreme)))
    }

    fn add(&mut self, (count, extreme): (i64, Option<Extreme>)) {
        self.count += count;
        let Some(new) = extreme else { return };
        let better = match &self.extreme {
            None => true,
            Some(old) => {
                let order = compare(&new, old);
                if self.function == Function::Min {
                    order.is_lt()
                } else {
                    order.is_gt()
                }
            }
        };
        if better {
            self.extreme = Some(new);
        }
    }

    fn datum(&self) -> Option<pg_sys::Datum> {
        if matches!(self.function, Function::Rows | Function::Values) {
            return Some(pg_sys::Datum::from(self.count));
        }
        Some(match self.extreme? {
            Extreme::Integer(value) => pg_sys::Datum::from(value),
            Extreme::Decimal { unscaled, scale } => {
                // SAFETY: as many bytes as the number takes at most, in the memory for this row.
                unsafe {
                    let place = pg_sys::palloc0(numeric::MAX_SIZE) as *mut u8;
                    numeric::write(
                        unscaled,
                        scale,
                        std::slice::from_raw_parts_mut(place, numeric::MAX_SIZE),
                    );
                    pg_sys::Datum::from(place)
                }
            }
        })
    }
}

fn compare(left: &Extreme, right: &Extreme) -> std::cmp::Ordering {
    match (left, right) {
        (Extreme::Integer(left), Extreme::Integer(right)) => left.cmp(right),
        (
            Extreme::Decimal {
                unscaled: left,
                scale: left_scale,
            },
            Extreme::Decimal {
                unscaled: right,
                scale: right_scale,
            },
        ) => {
            // In parts before and after the point, so that no product overflows.
            let parts = |unscaled: i128, scale: u8| {
                let unit = 10_i128.pow(u32::from(scale.min(38)));
                (unscaled.div_euclid(unit), unscaled.rem_euclid(unit), scale)
            };
            let (left, right) = (parts(*left, *left_scale), parts(*right, *right_scale));
            let fraction = |(_, fraction, scale): (i128, i128, u8)| {
                fraction * 10_i128.pow(u32::from(38_u8.saturating_sub(scale)))
            };
            left.0
                .cmp(&right.0)
                .then_with(|| fraction(left).cmp(&fraction(right)))
        }
        _ => std::cmp::Ordering::Equal,
    }
}
