//! Running aggregates: the manifest's counts and bounds where they hold, the values of batches elsewhere.

use kpi_archive::{Kind, Value};
use pgrx::pg_sys;

use super::aggregate::{Computed, Function};
use super::columns::{self, Wanted};
use super::execute::{Next, Scan};
use super::late::Late;
use super::plan::Order;
use super::prune::Pruning;
use super::reading::Reading;
use super::transition::{Definition, Rows, Transition, Values};
use super::value;
use crate::archive::kinds::{self, Storage};
use crate::archive::manifest::{self, Contents, Entry};
use crate::archive::{numeric, only, read};
use crate::error::Error;
use crate::version;

/// Aggregates of a scan.
pub struct Tally {
    parts: Vec<Part>,
    /// The columns that are read, in the order in which late rows give them.
    width: usize,
    /// The base type of the time column.
    time: pg_sys::Oid,
    done: bool,
}

/// One aggregate and what is known so far.
struct Part {
    function: Function,
    /// The places of its columns among those that are read.
    columns: Vec<usize>,
    storage: Storage,
    /// The first column's type as files name it.
    ty: String,
    count: i64,
    /// Of what does not only count.
    transition: Option<Transition>,
}

/// What the manifest says of an object.
struct Answer {
    count: i64,
    /// The least or greatest value.
    extreme: Option<Value>,
}

/// The scan of aggregates over a foreign table.
///
/// # Safety
/// The executor initialises the node; the memory context lives as long as the query.
pub unsafe fn start(
    node: *mut pg_sys::ForeignScanState,
    computed: &Computed,
    snapshot: pg_sys::Snapshot,
    context: pg_sys::MemoryContext,
) -> Result<Scan, Error> {
    // SAFETY: the planner has locked the relation; its description is copied.
    unsafe {
        let shown = manifest::table_under(snapshot, computed.table)?;
        let entries = manifest::files_under(snapshot, &shown)?;
        let outer = pg_sys::MemoryContextSwitchTo(context);
        let opened = pg_sys::table_open(computed.table, pg_sys::AccessShareLock as i32);
        let descriptor = pg_sys::CreateTupleDescCopy((*opened).rd_att);
        pg_sys::table_close(opened, pg_sys::NoLock as i32);
        pg_sys::MemoryContextSwitchTo(outer);
        let mut wanted: Vec<Wanted> = Vec::new();
        // Columns are numbered as they are asked for: what late rows give is in that order, too.
        let mut column = |place: usize| {
            let name = |column: &Wanted| column.target.name.clone();
            let found = columns::column(descriptor, place, &shown)?;
            let known = wanted.iter().position(|column| name(column) == name(&found));
            known.or_else(|| {
                let place = Some(wanted.len());
                wanted.push(Wanted { place, ..found });
                place
            })
        };
        let parts = computed.aggregates.iter().map(|aggregate| {
            let places = aggregate.attributes.iter().filter(|attribute| **attribute > 0);
            let places: Vec<usize> = places.map(|attribute| *attribute as usize - 1).collect();
            let form = version::attribute(descriptor, places.first().copied().unwrap_or(0) as i32);
            let counts = matches!(aggregate.function, Function::Rows | Function::Values);
            let definition = if counts {
                None
            } else {
                Definition::of(aggregate.number)
            };
            let (collation, partial) = (aggregate.collation, computed.partial);
            Part {
                function: aggregate.function,
                columns: places.iter().filter_map(|place| column(*place)).collect(),
                storage: kinds::storage((*form).atttypid, (*form).atttypmod),
                ty: kinds::type_name((*form).atttypid, (*form).atttypmod),
                count: 0,
                transition: definition
                    .map(|known| Transition::new(&known, collation, places.len(), partial, context)),
            }
        });
        let parts: Vec<Part> = parts.collect();
        // Which rows are shown is told by their time.
        let mut time = None;
        let mut base = pg_sys::InvalidOid;
        let needed = !computed.conditions.is_empty() || entries.iter().any(|entry| entry.partial);
        if let Some(place) = columns::place_of(descriptor, &shown.time_column).filter(|_| needed) {
            let form = version::attribute(descriptor, place as i32);
            base = kinds::storage((*form).atttypid, (*form).atttypmod).base;
            time = column(place).map(|column| (column, base));
        }
        let width = wanted.len();
        let pruning = Pruning::new(node, &computed.conditions, descriptor, &shown);
        let reading = Reading::new(shown, entries, wanted, time, context);
        let mut scan = Scan::new(reading, pruning, snapshot, context);
        scan.tally = Some(Tally {
            parts,
            width,
            time: base,
            done: false,
        });
        Ok(scan)
    }
}

impl Tally {
    /// Begins anew.
    pub fn rewind(&mut self) {
        self.done = false;
        for part in &mut self.parts {
            part.count = 0;
            if let Some(transition) = &mut part.transition {
                transition.rewind();
            }
        }
    }

    /// Computes the aggregates and puts them into a slot's arrays; `false` when that was done before.
    ///
    /// # Safety
    /// The node and its slot, which has a place for each aggregate; `scan` is the one that this belongs to.
    pub unsafe fn row(
        &mut self,
        scan: &mut Scan,
        node: *mut pg_sys::ForeignScanState,
        slot: *mut pg_sys::TupleTableSlot,
    ) -> Result<bool, Error> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(false);
        }
        // SAFETY: as this function's contract says.
        unsafe {
            scan.judge(node)?;
            let within = scan.state.as_ref().and_then(|state| state.within);
            let answers = self.answers(scan, within)?;
            loop {
                match scan.claim_unit() {
                    Next::Over => break,
                    Next::Late => self.late(scan, within)?,
                    Next::RowGroup { entry, group } => match answers.get(entry) {
                        // One process adds what is known of all of its row groups.
                        Some(Some(_)) if group > 0 => (),
                        Some(Some(known)) => {
                            for (part, answer) in self.parts.iter_mut().zip(known) {
                                part.add(answer);
                            }
                            scan.reading.work.answered += 1;
                        }
                        _ => self.read(scan, entry, group, within)?,
                    },
                }
            }
            for (place, part) in self.parts.iter_mut().enumerate() {
                let value = part.datum();
                *(*slot).tts_values.add(place) = value.unwrap_or(pg_sys::Datum::from(0));
                *(*slot).tts_isnull.add(place) = value.is_none();
            }
        }
        Ok(true)
    }

    /// By entry: what the manifest answers for all aggregates; `None` for those that must be read.
    unsafe fn answers(
        &self,
        scan: &Scan,
        within: Option<(i64, i64)>,
    ) -> Result<Vec<Option<Vec<Answer>>>, Error> {
        let entries = &scan.reading.entries;
        if self.parts.iter().any(|part| part.function == Function::Other) {
            return Ok(Vec::new());
        }
        let whole = |entry: &Entry| !entry.partial && within.is_none_or(|within| self.inside(entry, within));
        let asked: Vec<&Entry> = entries.iter().filter(|entry| whole(entry)).collect();
        // SAFETY: the snapshot is the query's.
        let contents = unsafe { manifest::contents_under(scan.snapshot(), &scan.reading.table, &asked)? };
        let mut contents = contents.into_iter();
        let answers = entries.iter().map(|entry| {
            let known = whole(entry).then(|| contents.next()).flatten().flatten()?;
            let answer = |part: &Part| part.answer(&scan.reading.columns, &known, entry.rows);
            self.parts.iter().map(answer).collect()
        });
        Ok(answers.collect())
    }

    /// Whether all rows of an object lie within a range of times.
    fn inside(&self, entry: &Entry, (low, high): (i64, i64)) -> bool {
        let instant = |ordinal: i64| match self.time {
            pg_sys::DATEOID => value::date_micros(i32::try_from(ordinal).ok()?),
            pg_sys::TIMESTAMPOID | pg_sys::TIMESTAMPTZOID => value::timestamp_micros(ordinal),
            _ => Some(ordinal),
        };
        let first = |low: i64| {
            if low == i64::MIN {
                Some(i64::MIN)
            } else {
                instant(low)
            }
        };
        let last = |high: i64| {
            if high == i64::MAX {
                Some(i64::MAX)
            } else {
                instant(high)
            }
        };
        // Times that the manifest cannot count all have its greatest finite number.
        let exact = |time: i64| time < i64::MAX - 1 || high == i64::MAX;
        match (entry.times, first(low), last(high)) {
            (Some((min, max)), Some(first), Some(last)) => min >= first && max <= last && exact(max),
            _ => false,
        }
    }

    /// Reads the rows of a row group that are asked for.
    unsafe fn read(
        &mut self,
        scan: &mut Scan,
        entry: usize,
        group: usize,
        within: Option<(i64, i64)>,
    ) -> Result<(), Error> {
        let Some(state) = scan
            .state
            .as_ref()
            .filter(|state| state.alive.get(entry) == Some(&true))
        else {
            return Ok(());
        };
        let known = scan.reading.entries.get(entry);
        let whole = known
            .zip(within)
            .is_some_and(|(entry, within)| self.inside(entry, within));
        scan.reading.within = within.filter(|_| !whole);
        scan.reading
            .open_group(entry, group, |columns| state.predicates_for(columns))?;
        loop {
            // SAFETY: a batch has as many values of each column as it has rows.
            unsafe {
                let columns: Vec<Values> = (0..self.width)
                    .filter_map(|column| scan.reading.values(column))
                    .collect();
                if scan.reading.has_rows() {
                    let rows = scan.reading.take_rows();
                    self.parts.iter_mut().for_each(|part| part.take(&columns, rows));
                }
            }
            if !scan.reading.next_batch()? {
                return Ok(());
            }
        }
    }

    unsafe fn late(&mut self, scan: &mut Scan, within: Option<(i64, i64)>) -> Result<(), Error> {
        if !only::reads_late() || scan.state.as_ref().is_some_and(|state| state.never) {
            return Ok(());
        }
        let mut values = vec![pg_sys::Datum::null(); self.width];
        let mut nulls = vec![true; self.width];
        // SAFETY: late rows fill as many places as there are columns.
        unsafe {
            let reading = &scan.reading;
            let Some(mut late) = Late::open(&reading.table, &reading.columns, scan.snapshot(), Order::Any)?
            else {
                return Ok(());
            };
            while late.next() {
                if within.is_some_and(|(low, high)| late.ordinal < low || late.ordinal > high) {
                    continue;
                }
                late.put(values.as_mut_ptr(), nulls.as_mut_ptr());
                let columns: Vec<Values> = (0..self.width)
                    .map(|column| Values {
                        values: values.as_ptr().add(column),
                        nulls: Some(nulls.as_ptr().add(column)),
                    })
                    .collect();
                self.parts
                    .iter_mut()
                    .for_each(|part| part.take(&columns, Rows::All(1)));
                scan.reading.work.late_rows += 1;
            }
            late.close();
        }
        Ok(())
    }
}

impl Part {
    /// What the manifest says of an object; `None` when it must be read.
    fn answer(&self, columns: &[Wanted], contents: &Contents, rows: u64) -> Option<Answer> {
        let answer = |count, extreme| Some(Answer { count, extreme });
        if self.function == Function::Rows {
            return answer(rows as i64, None);
        }
        let column = columns.get(*self.columns.first()?)?.find(&contents.columns)?;
        let statistics = contents
            .statistics
            .iter()
            .find(|known| known.field_id == column.field_id)?;
        let present = rows.checked_sub(statistics.nulls)? as i64;
        let bound = match self.function {
            Function::Min => &statistics.min,
            Function::Max => &statistics.max,
            _ => return answer(present, None),
        };
        if present == 0 {
            return answer(0, None);
        }
        let same = column.pg_type == self.ty && column.kind == self.storage.kind && statistics.exact;
        match bound {
            Some(value @ (Value::Int(_) | Value::Decimal { .. })) if same => {
                answer(present, Some(value.clone()))
            }
            _ => None,
        }
    }

    /// Adds what the manifest says.
    unsafe fn add(&mut self, answer: &Answer) {
        self.count += answer.count;
        if let Some((extreme, transition)) = answer.extreme.as_ref().zip(self.transition.as_mut()) {
            let mut space = [0_u64; numeric::MAX_SIZE.div_ceil(8)];
            let value = datum(extreme, self.storage.kind, &mut space);
            let values = &raw const value;
            // SAFETY: one value of the column's type, which the state takes a copy of.
            unsafe { transition.advance(&[Values { values, nulls: None }], Rows::All(1)) };
        }
    }

    /// Takes rows of a batch.
    ///
    /// # Safety
    /// The columns have a value for each of the rows.
    unsafe fn take(&mut self, columns: &[Values], rows: Rows<'_>) {
        let own = self
            .columns
            .iter()
            .filter_map(|column| columns.get(*column).copied());
        let own: Vec<Values> = own.collect();
        // SAFETY: as this function's contract says.
        unsafe {
            match (&mut self.transition, own.first()) {
                (Some(transition), _) if own.len() == transition.arguments() => {
                    transition.advance(&own, rows)
                }
                (None, Some(column)) => self.count += column.present(rows),
                _ => self.count += rows.count() as i64,
            }
        }
    }

    fn datum(&mut self) -> Option<pg_sys::Datum> {
        match &mut self.transition {
            None => Some(pg_sys::Datum::from(self.count)),
            Some(transition) => transition.result(),
        }
    }
}

/// A bound of the manifest's as PostgreSQL has it, in `space` where it is passed by reference.
fn datum(bound: &Value, kind: Kind, space: &mut [u64]) -> pg_sys::Datum {
    match bound {
        Value::Int(days) if kind == Kind::Date => {
            // Days of a date, from a file's column of 32 bits.
            pg_sys::Datum::from(read::date(*days as i32))
        }
        Value::Int(micros) if matches!(kind, Kind::Timestamp { .. }) => {
            pg_sys::Datum::from(read::timestamp(*micros))
        }
        Value::Int(value) => pg_sys::Datum::from(*value),
        Value::Decimal { unscaled, scale } => {
            // SAFETY: any bytes are valid in both types.
            let bytes = unsafe {
                std::slice::from_raw_parts_mut(space.as_mut_ptr() as *mut u8, std::mem::size_of_val(space))
            };
            numeric::write(*unscaled, *scale, bytes);
            pg_sys::Datum::from(bytes.as_ptr())
        }
        _ => pg_sys::Datum::null(),
    }
}
