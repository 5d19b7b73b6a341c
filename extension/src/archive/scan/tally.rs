//! Running aggregates: the manifest's counts and bounds where they hold, the values of batches elsewhere.

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::aggregate::Computed;
use super::bucket::Bucket;
use super::columns::{self, Wanted};
use super::execute::{Next, Scan};
use super::function::Function;
use super::groups::{Answer, Groups, Known, Part};
use super::late::Late;
use super::nodes::nodes;
use super::plan::Order;
use super::prune::Pruning;
use super::reading::Reading;
use super::transition::{Definition, Rows, Transition, Values};
use super::value;
use crate::archive::kinds;
use crate::archive::manifest::{self, Entry};
use crate::archive::{only, read};
use crate::error::Error;
use crate::version;

/// Aggregates of a scan.
pub struct Tally {
    groups: Groups,
    /// The columns that are read, in the order in which late rows give them.
    width: usize,
    /// The base type of the time column.
    time: pg_sys::Oid,
    /// Which group is put next; `None` before they were computed.
    next: Option<usize>,
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
                counts: Vec::new(),
                transition: definition
                    .map(|known| Transition::new(&known, collation, places.len(), partial, context)),
            }
        });
        let parts: Vec<Part> = parts.collect();
        // Which rows are shown is told by their time.
        let mut time = None;
        let mut base = pg_sys::InvalidOid;
        let needed = computed.by_bucket
            || !computed.conditions.is_empty()
            || entries.iter().any(|entry| entry.partial);
        if let Some(place) = columns::place_of(descriptor, &shown.time_column).filter(|_| needed) {
            let form = version::attribute(descriptor, place as i32);
            base = kinds::storage((*form).atttypid, (*form).atttypmod).base;
            time = column(place).map(|column| (column, base));
        }
        let width = wanted.len();
        let plan = (*node).ss.ps.plan as *mut pg_sys::ForeignScan;
        let expression = nodes::<pg_sys::Node>((*plan).fdw_exprs).last();
        let outer = pg_sys::MemoryContextSwitchTo(context);
        let bucket = time
            .zip(expression.filter(|_| computed.by_bucket))
            .map(|((column, base), expression)| Bucket::new(node, expression, column, base));
        pg_sys::MemoryContextSwitchTo(outer);
        let pruning = Pruning::new(node, &computed.conditions, descriptor, &shown);
        // Nobody else checks them.
        if pruning.len() != computed.conditions.len() {
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
                "a condition on the time of archived rows cannot be checked",
            )
            .detail(format!(
                "The archive's table is {}.",
                manifest::name_of(computed.table)
            ))
            .hint(
                "Aggregate over a subquery: SELECT ... FROM (SELECT * FROM ... WHERE ... OFFSET 0) rows.",
            ));
        }
        let reading = Reading::new(shown, entries, wanted, time, context);
        let mut scan = Scan::new(reading, pruning, snapshot, context);
        scan.tally = Some(Tally {
            groups: Groups::new(bucket, parts),
            width,
            time: base,
            next: None,
        });
        Ok(scan)
    }
}

impl Tally {
    /// Begins anew.
    pub fn rewind(&mut self) {
        self.next = None;
    }

    /// Computes the aggregates, unless that was done before, and puts those of the next group into a slot's arrays; `false`
    /// after the last.
    ///
    /// # Safety
    /// The node and its slot, which has a place for each aggregate; `scan` is the one that this belongs to.
    pub unsafe fn row(
        &mut self,
        scan: &mut Scan,
        node: *mut pg_sys::ForeignScanState,
        slot: *mut pg_sys::TupleTableSlot,
    ) -> Result<bool, Error> {
        // SAFETY: as this function's contract says.
        unsafe {
            let group = match self.next {
                Some(group) => group,
                None => {
                    self.compute(scan, node)?;
                    0
                }
            };
            self.next = Some(group + 1);
            let Some(key) = self.groups.keys.get(group).copied() else {
                return Ok(false);
            };
            let key = self.groups.bucket.is_some().then_some(key);
            let parts = self.groups.parts.iter_mut().map(|part| part.datum(group));
            for (place, value) in key.into_iter().chain(parts).enumerate() {
                *(*slot).tts_values.add(place) = value.unwrap_or(pg_sys::Datum::null());
                *(*slot).tts_isnull.add(place) = value.is_none();
            }
            // What is passed by reference lies where the states are, or in the memory for a row.
            Ok(true)
        }
    }

    /// Takes all rows of this process's units into account.
    unsafe fn compute(&mut self, scan: &mut Scan, node: *mut pg_sys::ForeignScanState) -> Result<(), Error> {
        self.groups.clear();
        // SAFETY: as in `row`.
        unsafe {
            scan.judge(node)?;
            let within = scan.state.as_ref().and_then(|state| state.within);
            let answers = self.answers(scan, within)?;
            loop {
                match scan.claim_unit() {
                    Next::Over => return Ok(()),
                    Next::Late => self.late(scan, within)?,
                    Next::RowGroup { entry, group } => match answers.get(entry) {
                        // One process adds what is known of all of its row groups.
                        Some(Some(_)) if group > 0 => (),
                        Some(Some((key, known))) => {
                            self.groups.answer(*key, known);
                            scan.reading.work.answered += 1;
                        }
                        _ => self.read(scan, entry, group, within)?,
                    },
                }
            }
        }
    }

    /// By entry: what the manifest answers for all aggregates, and of which bucket; `None` for those that must be read.
    unsafe fn answers(
        &mut self,
        scan: &Scan,
        within: Option<(i64, i64)>,
    ) -> Result<Vec<Option<Known>>, Error> {
        let entries = &scan.reading.entries;
        if self
            .groups
            .parts
            .iter()
            .any(|part| part.function == Function::Other)
        {
            return Ok(Vec::new());
        }
        let keys: Vec<Option<Option<pg_sys::Datum>>> = entries
            .iter()
            .map(|entry| {
                let whole = !entry.partial && within.is_none_or(|within| self.inside(entry, within));
                whole.then(|| self.bucket_of(entry)).flatten()
            })
            .collect();
        let asked = entries.iter().zip(&keys).filter(|(_, key)| key.is_some());
        let asked: Vec<&Entry> = asked.map(|(entry, _)| entry).collect();
        // SAFETY: the snapshot is the query's.
        let contents = unsafe { manifest::contents_under(scan.snapshot(), &scan.reading.table, &asked)? };
        let mut contents = contents.into_iter();
        let answers = entries.iter().zip(keys).map(|(entry, key)| {
            let key = key?;
            let known = contents.next().flatten()?;
            let answer = |part: &Part| part.answer(&scan.reading.columns, &known, entry.rows);
            let answers: Option<Vec<Answer>> = self.groups.parts.iter().map(answer).collect();
            Some((key, answers?))
        });
        Ok(answers.collect())
    }

    /// The bucket that all rows of an object are in; `None` where they are in several. Without buckets, as if all were in NULL.
    fn bucket_of(&mut self, entry: &Entry) -> Option<Option<pg_sys::Datum>> {
        let Some(bucket) = &mut self.groups.bucket else {
            return Some(None);
        };
        let base = self.time;
        let time = |instant: i64| match base {
            pg_sys::DATEOID => {
                let days = i32::try_from(instant.div_euclid(value::DAY)).ok();
                days.filter(|_| instant != i64::MIN && instant != i64::MAX)
                    .map(|days| pg_sys::Datum::from(read::date(days)))
            }
            pg_sys::TIMESTAMPOID | pg_sys::TIMESTAMPTZOID => {
                (instant < i64::MAX - 1).then(|| pg_sys::Datum::from(read::timestamp(instant)))
            }
            _ => Some(pg_sys::Datum::from(instant)),
        };
        let (min, max) = entry.times?;
        bucket.of_all(time(min)?, time(max)?)
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
        let sorted = known.is_some_and(|entry| entry.sorted);
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
                    self.groups.take(&columns, rows, sorted);
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
                self.groups.take(&columns, Rows::Range(0, 1), false);
                scan.reading.work.late_rows += 1;
            }
            late.close();
        }
        Ok(())
    }
}
