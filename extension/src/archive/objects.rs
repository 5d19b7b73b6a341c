//! The objects of one export: each is written, put into the store, read back from there and compared, before the next begins.

use kpi_archive::{ColumnBuffer, FileMetadata, Key, Kind, Schema, Store, WriteOptions, Writer, verify};

use crate::error::Error;

/// What is the same for all objects of an export.
pub struct Plan {
    pub schema: Schema,
    pub options: WriteOptions,
    pub metadata: FileMetadata,
    /// The key without the object's number.
    pub prefix: String,
    pub key: Option<Key>,
}

/// Objects that come into being.
pub struct Objects<'a> {
    store: &'a Store,
    plan: Plan,
    writer: Option<Writer>,
    number: u32,
    rows: u64,
    /// The object is full: the next row begins another.
    full: bool,
    /// Manifest entries of the objects that are in the store.
    done: Vec<serde_json::Value>,
}

impl<'a> Objects<'a> {
    /// No object yet.
    pub fn new(store: &'a Store, plan: Plan) -> Result<Self, Error> {
        let writer = Writer::new(&plan.schema, &plan.options)?;
        Ok(Self {
            store,
            plan,
            writer: Some(writer),
            number: 0,
            rows: 0,
            full: false,
            done: Vec::new(),
        })
    }

    /// Begins a row, and another object where the last one is full.
    pub fn begin_row(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.full) {
            self.end_object(false)?;
            self.writer = Some(Writer::new(&self.plan.schema, &self.plan.options)?);
        }
        Ok(())
    }

    /// The columns of the object that is being written.
    pub fn columns(&mut self) -> &mut [ColumnBuffer] {
        self.writer.as_mut().map_or(&mut [], Writer::columns)
    }

    /// Ends a row.
    pub fn end_row(&mut self) -> Result<(), Error> {
        if let Some(writer) = &mut self.writer {
            self.rows += 1;
            self.full = writer.end_row()?;
        }
        Ok(())
    }

    /// Ends the last object; the manifest entries of all.
    pub fn finish(mut self) -> Result<Vec<serde_json::Value>, Error> {
        self.end_object(true)?;
        Ok(self.done)
    }

    fn end_object(&mut self, last: bool) -> Result<(), Error> {
        let Some(writer) = self.writer.take() else {
            return Ok(());
        };
        if std::mem::take(&mut self.rows) == 0 {
            return Ok(());
        }
        let mut about = self.plan.metadata.clone();
        about.number = self.number;
        about.last = last;
        let key = format!("{}/{:04}.parquet", self.plan.prefix, self.number);
        let written = writer.finish(about)?;
        let kind = self
            .plan
            .schema
            .columns
            .get(self.plan.options.time_column)
            .map_or(Kind::Text, |column| column.kind);
        let (min_time, max_time) = times(kind, written.min_time, written.max_time);
        let size = written.bytes.len() as u64;
        self.store.put(&key, &written.bytes)?;
        verify(self.store, &key, size, self.plan.key.as_ref(), &written.metadata)?;
        self.number += 1;
        self.done.push(serde_json::json!({
            "key": key,
            "bytes": size,
            "rows": written.metadata.rows,
            "row_groups": written.row_groups,
            "since": written.metadata.since,
            "until": written.metadata.until,
            "min_time": min_time,
            "max_time": max_time,
            "sorted": written.sorted,
            "statistics": written.statistics,
            "metadata": written.metadata,
        }));
        Ok(())
    }
}

/// The first and the last time, as a column of a kind holds them, in microseconds; all times where it holds none that can be
/// counted.
pub fn times(kind: Kind, min: i64, max: i64) -> (i64, i64) {
    let micros = |days: i64| match days {
        _ if days == i64::from(i32::MAX) => i64::MAX,
        _ if days == i64::from(i32::MIN) => i64::MIN,
        days => days.saturating_mul(86_400_000_000),
    };
    match kind {
        Kind::Timestamp { .. } if min <= max => (min, max),
        Kind::Date if min <= max => (micros(min), micros(max)),
        _ => (i64::MIN, i64::MAX),
    }
}
