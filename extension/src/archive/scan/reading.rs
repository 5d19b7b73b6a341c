//! Reading the rows of objects: a file is opened, its row groups are decoded batch by batch, and rows go into a slot.

use std::rc::Rc;

use kpi_archive::{Batch, Batches, Cache, Column, File, Predicate, Selection};
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::columns::{self, Wanted};
use super::nodes::check_for_interrupts;
use super::parallel::Work;
use super::{transition, value};
use crate::archive::manifest::{self, Entry, Table};
use crate::archive::read::Reader;
use crate::archive::store::{self, Opened};
use crate::error::Error;
use crate::identity::{self, Identity};

/// Rows that are decoded at a time, at most.
const BATCH_ROWS: u64 = 8192;
/// Bytes that a batch should take about, decoded.
const BATCH_BYTES: u64 = 8 << 20;

/// The objects of a table, one of which is being read.
pub struct Reading {
    pub table: Table,
    pub entries: Vec<Entry>,
    pub columns: Vec<Wanted>,
    /// Which of the columns is the time; its base type.
    time: Option<(usize, pg_sys::Oid)>,
    /// Whether row groups are read from their end.
    pub reverse: bool,
    /// The times that rows must have to be shown, as [`value::ordinal`] counts, both ends included.
    pub within: Option<(i64, i64)>,
    store: Option<(Rc<Opened>, Rc<Cache>)>,
    file: Option<Opening>,
    /// Readers for the present file, and for files whose columns were other ones.
    readers: Vec<Reader>,
    layouts: Vec<Layout>,
    batches: Option<Batches>,
    rows: Rows,
    outputs: Outputs,
    /// Where casts and input functions put the values of a batch.
    expressions: *mut pg_sys::ExprContext,
    context: pg_sys::MemoryContext,
    pub work: Work,
}

/// The file that is being read.
struct Opening {
    entry: usize,
    file: File,
    batch_rows: usize,
}

/// What the wanted columns were in some files, and their readers while another file is read.
struct Layout {
    columns: Vec<Option<Column>>,
    readers: Vec<Reader>,
    present: bool,
}

/// The rows of the present batch that are still to be handed out.
#[derive(Default)]
struct Rows {
    next: usize,
    end: usize,
    /// Which rows of the batch they are; `None`: all.
    kept: Option<Vec<u32>>,
}

/// Where the values of the present batch are, and where they go in the slot.
#[derive(Default)]
struct Outputs {
    /// Columns without a NULL in this batch.
    full: Vec<(usize, *const pg_sys::Datum)>,
    others: Vec<(usize, *const pg_sys::Datum, *const bool)>,
    /// Whether the slot's marks of NULL say that the full columns are.
    marked: bool,
}

impl Reading {
    /// Nothing is read yet.
    ///
    /// # Safety
    /// The memory context lives as long as what is returned.
    pub unsafe fn new(
        table: Table,
        entries: Vec<Entry>,
        columns: Vec<Wanted>,
        time: Option<(usize, pg_sys::Oid)>,
        context: pg_sys::MemoryContext,
    ) -> Self {
        // SAFETY: as this function's contract says.
        let expressions = unsafe {
            let outer = pg_sys::MemoryContextSwitchTo(context);
            let expressions = pg_sys::CreateStandaloneExprContext();
            pg_sys::MemoryContextSwitchTo(outer);
            expressions
        };
        Self {
            table,
            entries,
            columns,
            time,
            reverse: false,
            within: None,
            store: None,
            file: None,
            readers: Vec::new(),
            layouts: Vec::new(),
            batches: None,
            rows: Rows::default(),
            outputs: Outputs::default(),
            expressions,
            context,
            work: Work::default(),
        }
    }

    /// Gives up the row group that is being read.
    pub fn rewind(&mut self) {
        self.batches = None;
        self.rows = Rows::default();
    }

    /// Whether nothing is left of the row group that was being read.
    pub fn is_over(&self) -> bool {
        self.batches.is_none() && !self.has_rows()
    }

    /// Whether the present batch has rows that were not put yet.
    #[inline]
    pub fn has_rows(&self) -> bool {
        self.rows.next < self.rows.end
    }

    /// The row that comes next in the batch.
    #[inline]
    fn present(&self) -> usize {
        match &self.rows.kept {
            None => self.rows.next,
            Some(kept) => kept.get(self.rows.next).map_or(0, |row| *row as usize),
        }
    }

    /// Puts the next row of the batch into a slot's arrays; there is one, by [`Reading::has_rows`].
    ///
    /// # Safety
    /// The arrays have places for the columns of the relation.
    #[inline]
    pub unsafe fn put(&mut self, slot: *mut pg_sys::TupleTableSlot) {
        let row = self.present();
        // SAFETY: every reader holds as many values as the batch has rows, and `row` is one of them.
        unsafe {
            let (values, nulls) = ((*slot).tts_values, (*slot).tts_isnull);
            for (place, from) in &self.outputs.full {
                *values.add(*place) = *from.add(row);
            }
            for (place, from, null) in &self.outputs.others {
                *values.add(*place) = *from.add(row);
                *nulls.add(*place) = *null.add(row);
            }
            if !self.outputs.marked {
                self.outputs.marked = true;
                for (place, _) in &self.outputs.full {
                    *nulls.add(*place) = false;
                }
            }
        }
        self.rows.next += 1;
    }

    /// Says that the slot's marks of NULL were changed by somebody else.
    pub fn unmark(&mut self) {
        self.outputs.marked = false;
    }

    /// The time of the row that comes next, as the manifest counts.
    pub fn time(&self) -> i64 {
        let reader = self
            .time
            .and_then(|(column, base)| Some((self.readers.get(column)?, base)));
        match reader {
            // SAFETY: the reader holds as many values as the batch has rows.
            Some((reader, base)) => columns::instant(unsafe { *reader.values().add(self.present()) }, base),
            None => 0,
        }
    }

    /// Takes the next batch of the row group that is being read, or finds that there is none; `false` when none is read.
    pub fn next_batch(&mut self) -> Result<bool, Error> {
        check_for_interrupts();
        let (Some(batches), Some((opened, _))) = (&mut self.batches, &self.store) else {
            return Ok(false);
        };
        let before = opened.requests();
        let batch = batches.next(&**opened)?;
        self.work.count(&opened.requests().since(&before));
        match batch {
            Some(batch) => self.take(&batch)?,
            None => self.batches = None,
        }
        Ok(true)
    }

    /// Puts the next row of the row group that is being read into a slot's arrays; `false` after its last.
    ///
    /// # Safety
    /// As for [`Reading::put`].
    pub unsafe fn next_of_group(&mut self, slot: *mut pg_sys::TupleTableSlot) -> Result<bool, Error> {
        while !self.has_rows() {
            if !self.next_batch()? {
                return Ok(false);
            }
        }
        // SAFETY: as this function's contract says.
        unsafe { self.put(slot) };
        Ok(true)
    }

    /// Begins to read a row group of an entry, unless no row of it can pass the predicates.
    ///
    /// # Errors
    /// What the store says; an object that is not what the manifest says.
    pub fn open_group(
        &mut self,
        entry: usize,
        group: usize,
        predicates: impl FnOnce(&[Column]) -> Vec<Predicate>,
    ) -> Result<(), Error> {
        let file = self.open_file(entry)?;
        let Some((opened, _)) = &self.store else {
            return Ok(());
        };
        let predicates = predicates(&file.metadata().columns);
        let before = opened.requests();
        let selection = if predicates.is_empty() {
            Some(Selection::all(file.rows(group)))
        } else {
            file.prune(&**opened, group, &predicates)?
        };
        self.work.count(&opened.requests().since(&before));
        match selection {
            Some(selection) => self.read(group, &selection),
            None => {
                self.work.pruned += 1;
                Ok(())
            }
        }
    }

    /// Opens the file of an entry, unless it is the present one.
    pub fn open_file(&mut self, number: usize) -> Result<File, Error> {
        if let Some(open) = self.file.as_ref().filter(|open| open.entry == number) {
            return Ok(open.file.clone());
        }
        let (opened, cache) = match &self.store {
            Some(opened) => opened.clone(),
            None => {
                let owner = manifest::owner_of(self.table.foreign_table);
                let opened = (store::open(self.table.server, owner)?, store::cache());
                self.store.insert(opened).clone()
            }
        };
        let Some(entry) = self.entries.get(number) else {
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
                "no such entry of the manifest",
            ));
        };
        let before = opened.requests();
        let file = File::open(&*opened, &entry.key, entry.bytes, opened.key.as_ref(), &cache)?;
        self.work.count(&opened.requests().since(&before));
        if file.row_groups() != entry.row_groups {
            return Err(differs(entry, file.row_groups()));
        }
        let width = (entry.bytes / entry.rows.max(1)).max(1) * 8;
        let batch_rows = (BATCH_BYTES / width).clamp(64, BATCH_ROWS) as usize;
        self.choose_readers(&file)?;
        self.file = Some(Opening {
            entry: number,
            file: file.clone(),
            batch_rows,
        });
        Ok(file)
    }

    /// Begins to read rows of a row group of the present file.
    pub fn read(&mut self, group: usize, selection: &Selection) -> Result<(), Error> {
        let Some(open) = &self.file else { return Ok(()) };
        self.work.row_groups += 1;
        if self.columns.is_empty() {
            self.rows = Rows {
                next: 0,
                end: selection.rows() as usize,
                kept: None,
            };
            return Ok(());
        }
        let columns = &open.file.metadata().columns;
        let field = |wanted: &Wanted| wanted.find(columns).map_or(-1, |column| column.field_id);
        let fields: Vec<i32> = self.columns.iter().map(field).collect();
        self.batches = Some(
            open.file
                .scan(group, selection, &fields, open.batch_rows, self.reverse)?,
        );
        Ok(())
    }

    /// Makes the readers those for a file's columns. They are kept: what they have of PostgreSQL lives as long as the scan.
    fn choose_readers(&mut self, file: &File) -> Result<(), Error> {
        let stored = &file.metadata().columns;
        let columns: Vec<_> = self
            .columns
            .iter()
            .map(|wanted| wanted.find(stored).cloned())
            .collect();
        if let Some(layout) = self.layouts.iter_mut().find(|layout| layout.present) {
            if layout.columns == columns {
                return Ok(());
            }
            layout.present = false;
            layout.readers = std::mem::take(&mut self.readers);
        }
        if let Some(layout) = self.layouts.iter_mut().find(|layout| layout.columns == columns) {
            layout.present = true;
            self.readers = std::mem::take(&mut layout.readers);
            return Ok(());
        }
        // SAFETY: readers live as long as the scan, as does its memory.
        unsafe {
            let row = pg_sys::MemoryContextSwitchTo(self.context);
            for (wanted, column) in self.columns.iter_mut().zip(&columns) {
                if column.is_none() && wanted.target.missing.is_none() {
                    let pinned = pin_settings()?;
                    wanted.target.missing = columns::missing(&self.table, &wanted.target)?;
                    drop(pinned);
                }
                self.readers
                    .push(Reader::new(&wanted.target, column.as_ref(), self.expressions)?);
            }
            pg_sys::MemoryContextSwitchTo(row);
        }
        self.layouts.push(Layout {
            columns,
            readers: Vec::new(),
            present: true,
        });
        Ok(())
    }

    /// Takes a batch's values, all of its rows or those that are shown.
    fn take(&mut self, batch: &Batch) -> Result<(), Error> {
        self.work.rows += batch.rows as u64;
        self.outputs = Outputs::default();
        // SAFETY: what the values of the batch before lay in; nobody holds them any more.
        let row = unsafe {
            pg_sys::MemoryContextReset((*self.expressions).ecxt_per_tuple_memory);
            pg_sys::MemoryContextSwitchTo((*self.expressions).ecxt_per_tuple_memory)
        };
        let pinned = if self.readers.iter().any(Reader::reads_text) {
            Some(pin_settings()?)
        } else {
            None
        };
        let (filled, kept) = self.shown(batch)?;
        self.rows = Rows {
            next: 0,
            end: kept.as_ref().map_or(batch.rows, Vec::len),
            kept,
        };
        if self.has_rows() {
            let columns = self
                .columns
                .iter()
                .zip(&mut self.readers)
                .zip(&batch.columns)
                .enumerate();
            for (number, ((wanted, reader), array)) in columns {
                if filled != Some(number) {
                    reader.fill(array, batch.rows)?;
                }
                match (wanted.place, reader.nulls()) {
                    (None, _) => (),
                    (Some(place), None) => self.outputs.full.push((place, reader.values())),
                    (Some(place), Some(nulls)) => self.outputs.others.push((place, reader.values(), nulls)),
                }
            }
        }
        drop(pinned);
        // SAFETY: what was current before.
        unsafe { pg_sys::MemoryContextSwitchTo(row) };
        Ok(())
    }

    /// The rows of a batch that are shown, by their time (`None`: all), and which column was read to know it.
    fn shown(&mut self, batch: &Batch) -> Result<(Option<usize>, Option<Vec<u32>>), Error> {
        let entry = self.file.as_ref().and_then(|open| self.entries.get(open.entry));
        let entry = entry.filter(|entry| entry.partial);
        let Some((time, base)) = self.time.filter(|_| entry.is_some() || self.within.is_some()) else {
            return Ok((None, None));
        };
        let (low, high) = self.within.unwrap_or((i64::MIN, i64::MAX));
        let (Some(reader), Some(array)) = (self.readers.get_mut(time), batch.columns.get(time)) else {
            return Ok((None, None));
        };
        reader.fill(array, batch.rows)?;
        let nulls = reader.nulls();
        // SAFETY: the reader holds as many values as the batch has rows.
        let shown = |row: &usize| unsafe {
            let is_null = nulls.is_some_and(|nulls| *nulls.add(*row));
            let value = *reader.values().add(*row);
            let ordinal = value::ordinal(value, base);
            !is_null
                && ordinal >= low
                && ordinal <= high
                && entry.is_none_or(|entry| entry.shows(columns::instant(value, base)))
        };
        let kept: Vec<u32> = (0..batch.rows).filter(shown).map(|row| row as u32).collect();
        Ok((Some(time), (kept.len() < batch.rows).then_some(kept)))
    }

    /// The rows of the present batch, all at once; they count as handed out.
    pub fn take_rows(&mut self) -> transition::Rows<'_> {
        let end = std::mem::replace(&mut self.rows.end, 0);
        match &self.rows.kept {
            None => transition::Rows::Range(0, end),
            Some(kept) => transition::Rows::These(kept),
        }
    }

    /// The values of a column in the present batch.
    pub fn values(&self, column: usize) -> Option<transition::Values> {
        let reader = self.readers.get(column)?;
        Some(transition::Values {
            values: reader.values(),
            nulls: reader.nulls(),
        })
    }
}

/// The settings under which text was written: whatever the session has set, it is read back the same.
fn pin_settings() -> Result<Identity, Error> {
    let pinned = Identity::role(identity::current_role())?;
    for (name, value) in [
        ("DateStyle", "ISO"),
        ("IntervalStyle", "postgres"),
        ("xmloption", "content"),
    ] {
        pinned.set(name, value)?;
    }
    Ok(pinned)
}

fn differs(entry: &Entry, row_groups: usize) -> Error {
    Error::new(
        PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
        format!("the object {} is not the one that the manifest names", entry.key),
    )
    .detail(format!(
        "It has {row_groups} row groups, and should have {}.",
        entry.row_groups
    ))
    .hint("Check the archive: SELECT * FROM kpi.verify_archive('<table>').")
}
