//! The groups of a scan that computes aggregates: one, or one per bucket of time, each with the states of all aggregates.

use std::collections::HashMap;

use kpi_archive::{Kind, Value};
use pgrx::pg_sys;

use super::bucket::Bucket;
use super::columns::Wanted;
use super::function::Function;
use super::transition::{Rows, Transition, Values};
use crate::archive::kinds::Storage;
use crate::archive::manifest::Contents;
use crate::archive::{numeric, read};

/// The groups of a scan: one, or one per bucket of time.
pub struct Groups {
    pub bucket: Option<Bucket>,
    /// The group of each bucket; `None` is the bucket NULL.
    known: HashMap<Option<usize>, usize>,
    /// The bucket of each group.
    pub keys: Vec<Option<pg_sys::Datum>>,
    pub parts: Vec<Part>,
}

/// One aggregate and what is known so far.
pub struct Part {
    pub function: Function,
    /// The places of its columns among those that are read.
    pub columns: Vec<usize>,
    pub storage: Storage,
    /// The first column's type as files name it.
    pub ty: String,
    /// By group.
    pub counts: Vec<i64>,
    /// Of what does not only count.
    pub transition: Option<Transition>,
}

/// What the manifest says of an object, and of which bucket.
pub type Known = (Option<pg_sys::Datum>, Vec<Answer>);

/// What the manifest says of an object for one aggregate.
pub struct Answer {
    count: i64,
    /// The least or greatest value.
    extreme: Option<Value>,
}

impl Groups {
    /// No group yet.
    pub fn new(bucket: Option<Bucket>, parts: Vec<Part>) -> Self {
        Self {
            bucket,
            known: HashMap::new(),
            keys: Vec::new(),
            parts,
        }
    }

    /// Begins anew.
    pub fn clear(&mut self) {
        self.known.clear();
        self.keys.clear();
        for part in &mut self.parts {
            part.counts.clear();
            if let Some(transition) = &mut part.transition {
                transition.rewind();
            }
        }
        // Without buckets there is a row even where there is nothing.
        if self.bucket.is_none() {
            self.group(None);
        }
    }

    /// The group of a bucket, a new one if need be.
    fn group(&mut self, key: Option<pg_sys::Datum>) -> usize {
        let keys = &mut self.keys;
        *self
            .known
            .entry(key.map(pg_sys::Datum::value))
            .or_insert_with(|| {
                keys.push(key);
                for part in &mut self.parts {
                    part.counts.push(0);
                    if let Some(transition) = &mut part.transition {
                        transition.add_group();
                    }
                }
                keys.len() - 1
            })
    }

    /// Adds what the manifest says of a bucket.
    ///
    /// # Safety
    /// In the executor.
    pub unsafe fn answer(&mut self, key: Option<pg_sys::Datum>, answers: &[Answer]) {
        let group = self.group(key);
        for (part, answer) in self.parts.iter_mut().zip(answers) {
            // SAFETY: as this function's contract says.
            unsafe { part.add(group, answer) };
        }
    }

    /// Takes rows of a batch; `sorted`: by time.
    ///
    /// # Safety
    /// The columns have a value for each of the rows.
    pub unsafe fn take(&mut self, columns: &[Values], rows: Rows<'_>, sorted: bool) {
        // SAFETY: as this function's contract says.
        unsafe {
            match self.bucket.take() {
                None => self.parts.iter_mut().for_each(|part| part.take(0, columns, rows)),
                Some(mut bucket) => {
                    bucket.cut(columns, rows, sorted, &mut |key, rows| {
                        let group = self.group(key);
                        self.parts
                            .iter_mut()
                            .for_each(|part| part.take(group, columns, rows));
                    });
                    self.bucket = Some(bucket);
                }
            }
        }
    }
}

impl Part {
    /// What the manifest says of an object; `None` when it must be read.
    pub fn answer(&self, columns: &[Wanted], contents: &Contents, rows: u64) -> Option<Answer> {
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
    unsafe fn add(&mut self, group: usize, answer: &Answer) {
        self.count(group, answer.count);
        if let Some((extreme, transition)) = answer.extreme.as_ref().zip(self.transition.as_mut()) {
            let mut space = [0_u64; numeric::MAX_SIZE.div_ceil(8)];
            let value = datum(extreme, self.storage.kind, &mut space);
            let values = &raw const value;
            // SAFETY: one value of the column's type, which the state takes a copy of.
            unsafe { transition.advance(group, &[Values { values, nulls: None }], Rows::Range(0, 1)) };
        }
    }

    /// Takes rows of a batch.
    ///
    /// # Safety
    /// The columns have a value for each of the rows.
    unsafe fn take(&mut self, group: usize, columns: &[Values], rows: Rows<'_>) {
        let own = self
            .columns
            .iter()
            .filter_map(|column| columns.get(*column).copied());
        let own: Vec<Values> = own.collect();
        // SAFETY: as this function's contract says.
        unsafe {
            match (&mut self.transition, own.first()) {
                (Some(transition), _) if own.len() == transition.arguments() => {
                    transition.advance(group, &own, rows)
                }
                (None, Some(column)) => self.count(group, column.present(rows)),
                _ => self.count(group, rows.count() as i64),
            }
        }
    }

    fn count(&mut self, group: usize, rows: i64) {
        if let Some(count) = self.counts.get_mut(group) {
            *count += rows;
        }
    }

    /// The result of a group, or its state.
    pub fn datum(&mut self, group: usize) -> Option<pg_sys::Datum> {
        match &mut self.transition {
            None => self.counts.get(group).map(|count| pg_sys::Datum::from(*count)),
            Some(transition) => transition.result(group),
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
