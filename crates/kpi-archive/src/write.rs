//! Rows to one object.

use bytes::Bytes;

use crate::encode::Encoder;
use crate::work::Work;
use crate::{
    ColumnBuffer, ColumnStatistics, Error, FileMetadata, Key, Kind, Schema, footer, seal, statistics,
};

/// How pages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Zstandard at a level, 1 to 22.
    Zstd(i32),
    /// Gzip.
    Gzip,
    /// Snappy.
    Snappy,
    /// LZ4 (raw blocks).
    Lz4,
    /// None.
    None,
}

/// How an object is written.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// How pages are compressed.
    pub compression: Compression,
    /// [`Writer::end_row`] answers `true` when about so many bytes are written.
    pub max_object_bytes: usize,
    /// Rows of a row group.
    pub max_row_group_rows: usize,
    /// Bytes of values of a row group, before encoding.
    pub max_row_group_bytes: usize,
    /// Rows of a page.
    pub max_page_rows: usize,
    /// Encrypts everything.
    pub encryption: Option<Key>,
    /// Index of the column that the rows come sorted by: of kind [`crate::Kind::Timestamp`], [`crate::Kind::Date`] or an integer.
    pub time_column: usize,
    /// Promises that the rows come in ascending order of the time column, NULL last: the file then declares it, and a row that
    /// breaks the promise is an error.
    pub sorted: bool,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            compression: Compression::Zstd(3),
            max_object_bytes: 64 << 20,
            max_row_group_rows: 1 << 20,
            max_row_group_bytes: 48 << 20,
            max_page_rows: 20_000,
            encryption: None,
            time_column: 0,
            sorted: false,
        }
    }
}

/// Writes one object: rows come in through column buffers, full row groups are encoded on a second thread while the next one
/// fills. At most two row groups and the object itself are in memory.
///
/// The second thread runs with all signals blocked and calls nothing of the host; the host's [`crate::interrupt`] is asked on the
/// caller's thread while it waits.
///
/// ```
/// use kpi_archive::{Column, FileMetadata, Kind, Schema, Value, WriteOptions, Writer};
/// let column = |name: &str, field_id, kind| {
///     Column { name: name.into(), field_id, pg_type: "".into(), kind, bloom: false }
/// };
/// let schema = Schema {
///     columns: vec![column("ts", 1, Kind::Timestamp { utc: true }), column("v", 2, Kind::Float64)],
/// };
/// let mut writer = Writer::new(&schema, &WriteOptions::default()).unwrap();
/// for row in 0..1000 {
///     let [ts, v] = writer.columns() else { unreachable!() };
///     ts.i64(row);
///     v.f64(row as f64 / 2.0);
///     assert!(!writer.end_row().unwrap());
/// }
/// let about = FileMetadata { intent: "8a1f".into(), ..FileMetadata::default() };
/// let written = writer.finish(about).unwrap();
/// assert_eq!((written.metadata.rows, written.max_time, written.sorted), (1000, 999, true));
/// assert_eq!(written.statistics[1].max, Some(Value::Float(499.5)));
/// ```
#[derive(Debug)]
pub struct Writer {
    schema: Schema,
    options: WriteOptions,
    columns: Vec<ColumnBuffer>,
    /// Rows in the buffers.
    rows: usize,
    fixed_bytes: usize,
    work: Work,
    /// Bytes of values of the row group that is being encoded.
    in_flight: usize,
    /// Bytes of values of the row groups that are encoded, and what they take in the object.
    values: usize,
    encoded: usize,
    failed: Option<Error>,
}

/// An object that is written.
#[derive(Debug, Clone)]
pub struct Written {
    /// The object.
    pub bytes: Bytes,
    /// What it says about itself.
    pub metadata: FileMetadata,
    /// How many row groups it has.
    pub row_groups: usize,
    /// The rows of each.
    pub row_group_rows: Vec<u64>,
    /// The least value of the time column as stored (microseconds of a timestamp, days of a date). NULL is not counted; `i64::MAX` without any value.
    pub min_time: i64,
    /// The greatest value of the time column as stored; `i64::MIN` without any value.
    pub max_time: i64,
    /// Whether the rows lie in ascending order of the time column, NULL last.
    pub sorted: bool,
    /// One per column, in the order of the schema.
    pub statistics: Vec<ColumnStatistics>,
}

impl Writer {
    /// Starts an object.
    ///
    /// # Errors
    /// `Configuration`: a time column that is none, a level of compression that does not exist. `Unsupported`: columns that no
    /// file can have.
    pub fn new(schema: &Schema, options: &WriteOptions) -> Result<Self, Error> {
        schema.check()?;
        let time = schema.columns.get(options.time_column);
        if !time.is_some_and(|c| {
            matches!(
                c.kind,
                Kind::Timestamp { .. } | Kind::Date | Kind::Int16 | Kind::Int32 | Kind::Int64
            )
        }) {
            return Err(Error::configuration(
                "the time column of a file must be a time, a date or an integer".into(),
                time.map(|c| format!("Column {} is {}.", c.name, c.kind)),
                "Archive by a column of type timestamptz, timestamp, date, bigint, integer or smallint."
                    .into(),
            ));
        }
        let columns: Vec<_> = schema.columns.iter().map(ColumnBuffer::new).collect();
        Ok(Self {
            schema: schema.clone(),
            options: options.clone(),
            fixed_bytes: columns.iter().map(ColumnBuffer::fixed_bytes).sum(),
            columns,
            rows: 0,
            work: Work::new(Encoder::new(schema, options)?),
            in_flight: 0,
            values: 0,
            encoded: 0,
            failed: None,
        })
    }

    /// The columns of the row to come: push exactly one value to each, then call [`Writer::end_row`].
    #[inline]
    pub fn columns(&mut self) -> &mut [ColumnBuffer] {
        &mut self.columns
    }

    /// Ends a row. `true`: the object is full, finish it and begin another; a row that is pushed nevertheless is still written.
    ///
    /// # Errors
    /// `NotRepresentable`: a value that the kind of its column cannot hold, or a column without exactly one value; the object
    /// cannot be finished any more. `Canceled`.
    #[inline]
    pub fn end_row(&mut self) -> Result<bool, Error> {
        let row = self.rows + 1;
        let mut variable = 0;
        for column in &mut self.columns {
            if let Err(error) = column.check(row) {
                return Err(self.fail(error));
            }
            variable += column.variable_bytes();
        }
        self.rows = row;
        let bytes = row * self.fixed_bytes + variable;
        let ends = row >= self.options.max_row_group_rows || bytes >= self.options.max_row_group_bytes;
        if ends {
            self.end_row_group(bytes)?;
        }
        // To estimate costs more than to push: every 64th row is enough, since the limit is not a sharp one.
        if ends || row & 63 == 0 || variable > 1 << 20 {
            self.is_full(if ends { 0 } else { bytes })
        } else {
            Ok(false)
        }
    }

    fn is_full(&mut self, buffered: usize) -> Result<bool, Error> {
        if self.estimate(buffered) < self.options.max_object_bytes {
            return Ok(false);
        }
        // What is being encoded may turn out to be far smaller than it was thought to be.
        if self.in_flight > 0 {
            self.settle()?;
        }
        Ok(self.estimate(buffered) >= self.options.max_object_bytes)
    }

    fn fail(&mut self, error: Error) -> Error {
        self.failed.get_or_insert(error).clone()
    }

    /// Bytes that the object would have, were it finished now with so many bytes of values in the buffers.
    fn estimate(&self, buffered: usize) -> usize {
        let unencoded = (self.in_flight + buffered) as u128;
        let expected = if self.values == 0 {
            unencoded
        } else {
            unencoded * self.encoded as u128 / self.values as u128
        };
        self.encoded + expected as usize
    }

    /// Waits for the row group that is being encoded, and takes its measure. That is done at fixed rows only, and not when the
    /// other thread happens to be done, so that objects end at the same rows in every run.
    fn settle(&mut self) -> Result<(), Error> {
        if let Err(error) = self.work.wait() {
            return Err(self.fail(error));
        }
        self.values += std::mem::take(&mut self.in_flight);
        self.encoded = self.work.bytes();
        Ok(())
    }

    fn end_row_group(&mut self, bytes: usize) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.settle()?;
        self.in_flight = bytes;
        let arrays: Result<Vec<_>, Error> = self.columns.iter_mut().map(ColumnBuffer::take).collect();
        let rows = std::mem::take(&mut self.rows);
        arrays
            .and_then(|arrays| self.work.start(arrays, rows))
            .map_err(|error| self.fail(error))
    }

    /// Ends the object. Of `about`, columns, rows, hashes and nan are filled in here.
    ///
    /// # Errors
    /// What [`Writer::end_row`] reported; `Canceled`; `Limit` for an object that is too large to be described.
    pub fn finish(mut self, about: FileMetadata) -> Result<Written, Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.rows > 0 {
            self.end_row_group(0)?;
        }
        let encoded = self.work.finish()?.finish();
        let metadata = FileMetadata {
            version: crate::metadata::VERSION,
            columns: self.schema.columns.clone(),
            rows: encoded.row_group_rows.iter().sum(),
            hashes: encoded.hashes.clone(),
            nan: encoded.nan.clone(),
            ..about
        };
        let (times, row_group_rows) = (encoded.times, encoded.row_group_rows.clone());
        let object = Bytes::from(encoded.object(metadata.to_json()?)?);
        let parquet = footer::parse(&object, self.options.encryption.as_ref())?;
        let statistics = self.schema.columns.iter().enumerate().map(|(index, column)| {
            let groups = parquet.row_groups().iter();
            let parts = groups.map(|group| {
                (
                    group.num_rows().unsigned_abs(),
                    statistics::of_row_group(column, index, group),
                )
            });
            statistics::merge(column, parts).ok_or_else(|| {
                Error::unsupported(
                    format!("column {} was written without statistics", column.name),
                    None,
                )
            })
        });
        Ok(Written {
            statistics: statistics.collect::<Result<_, _>>()?,
            bytes: seal::close(object.into(), &parquet)?.into(),
            metadata,
            row_groups: row_group_rows.len(),
            row_group_rows,
            min_time: times.min,
            max_time: times.max,
            sorted: times.sorted,
        })
    }
}
