//! Row groups to Parquet, on a thread of their own.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression as Codec, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{BloomFilterPosition, EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use crate::choose::Way;
use crate::hash::ArrayHasher;
use crate::{Column, Compression, Error, Hashes, Kind, Schema, WriteOptions};

/// Rows encoded between two looks at whether to stop: about 1 ms of work.
const SLICE: usize = 40_000;
/// False positives of a bloom filter.
const FALSE_POSITIVES: f64 = 0.01;
/// The key of our metadata among the key-value pairs of Parquet.
pub(crate) const METADATA_KEY: &str = "pg_kpi";

/// Encodes row groups into one object in memory.
pub(crate) struct Encoder {
    schema: SchemaRef,
    columns: Vec<Column>,
    options: WriteOptions,
    /// Begun anew with the first row group, whose values say how columns are encoded.
    started: Started,
    hasher: ArrayHasher,
    nan: BTreeSet<i32>,
    times: Times,
    row_group_rows: Vec<u64>,
}

struct Started {
    writer: SerializedFileWriter<Vec<u8>>,
    factory: ArrowRowGroupWriterFactory,
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder")
            .field("row_group_rows", &self.row_group_rows)
            .finish_non_exhaustive()
    }
}

/// What was seen of the time column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) min: i64,
    pub(crate) max: i64,
    pub(crate) sorted: bool,
    last: i64,
    seen_null: bool,
}

/// What is known of an object when its last row group is encoded.
pub(crate) struct Encoded {
    pub(crate) hashes: Hashes,
    pub(crate) nan: Vec<i32>,
    pub(crate) times: Times,
    pub(crate) row_group_rows: Vec<u64>,
    writer: SerializedFileWriter<Vec<u8>>,
}

fn failed(error: ParquetError) -> Error {
    Error::unsupported(
        "the rows cannot be written as Parquet".into(),
        Some(error.to_string()),
    )
}

impl Started {
    fn new(
        columns: &[Column],
        schema: &SchemaRef,
        ways: &[Way],
        options: &WriteOptions,
    ) -> Result<Self, Error> {
        let parquet = ArrowSchemaConverter::new()
            .schema_root("rows")
            .convert(schema)
            .map_err(failed)?;
        let properties = Arc::new(properties(columns, ways, options)?);
        let writer =
            SerializedFileWriter::new(Vec::new(), parquet.root_schema_ptr(), properties).map_err(failed)?;
        let factory = ArrowRowGroupWriterFactory::new(&writer, Arc::clone(schema));
        Ok(Self { writer, factory })
    }
}

impl Encoder {
    pub(crate) fn new(schema: &Schema, options: &WriteOptions) -> Result<Self, Error> {
        let arrow = schema.arrow();
        let usual: Vec<_> = schema.columns.iter().map(|c| Way::usual(c.kind)).collect();
        Ok(Self {
            started: Started::new(&schema.columns, &arrow, &usual, options)?,
            schema: arrow,
            columns: schema.columns.clone(),
            options: options.clone(),
            hasher: ArrayHasher::new(schema),
            nan: BTreeSet::new(),
            times: Times {
                min: i64::MAX,
                max: i64::MIN,
                sorted: true,
                last: i64::MIN,
                seen_null: false,
            },
            row_group_rows: Vec::new(),
        })
    }

    /// Bytes of the row groups so far.
    pub(crate) fn bytes(&self) -> usize {
        self.started.writer.bytes_written()
    }

    /// How to encode columns that have values like these.
    fn ways(&self, arrays: &[ArrayRef], stop: &AtomicBool) -> Result<Vec<Way>, Error> {
        let codec = codec(self.options.compression)?;
        let columns = self.columns.iter().zip(self.schema.fields()).zip(arrays);
        columns
            .map(|((column, field), values)| Way::choose(column.kind, field, values, codec, stop))
            .collect()
    }

    /// Encodes a row group. When `stop` becomes true, it ends early with [`Error::Canceled`].
    pub(crate) fn encode(
        &mut self,
        arrays: Vec<ArrayRef>,
        rows: usize,
        stop: &AtomicBool,
    ) -> Result<(), Error> {
        self.look_at(&arrays)?;
        self.hasher.add(&arrays, rows);
        let index = self.row_group_rows.len();
        if index == 0 {
            let ways = self.ways(&arrays, stop)?;
            self.started = Started::new(&self.columns, &self.schema, &ways, &self.options)?;
        }
        let Started { writer, factory } = &mut self.started;
        let writers = factory.create_column_writers(index).map_err(failed)?;
        let mut group = writer.next_row_group().map_err(failed)?;
        for ((mut writer, array), field) in writers.into_iter().zip(arrays).zip(self.schema.fields()) {
            for start in (0..rows).step_by(SLICE) {
                if stop.load(Ordering::Relaxed) {
                    return Err(Error::Canceled);
                }
                let slice = array.slice(start, SLICE.min(rows - start));
                for leaf in compute_leaves(field, &slice).map_err(failed)? {
                    writer.write(&leaf).map_err(failed)?;
                }
            }
            // The values of a column are let go before the next one is encoded: they and their encoding are the most that is held.
            drop(array);
            writer
                .close()
                .and_then(|chunk| chunk.append_to_row_group(&mut group))
                .map_err(failed)?;
        }
        group.close().map_err(failed)?;
        self.row_group_rows.push(rows as u64);
        Ok(())
    }

    fn look_at(&mut self, arrays: &[ArrayRef]) -> Result<(), Error> {
        for (column, array) in self.columns.iter().zip(arrays) {
            let has_nan = match column.kind {
                Kind::Float32 => array
                    .as_primitive::<Float32Type>()
                    .values()
                    .iter()
                    .any(|v| v.is_nan()),
                Kind::Float64 => array
                    .as_primitive::<Float64Type>()
                    .values()
                    .iter()
                    .any(|v| v.is_nan()),
                _ => false,
            };
            if has_nan {
                self.nan.insert(column.field_id);
            }
        }
        if let (Some(column), Some(array)) = (
            self.columns.get(self.options.time_column),
            arrays.get(self.options.time_column),
        ) {
            self.times.add(column.kind, array);
            if self.options.sorted && !self.times.sorted {
                return Err(Error::new(
                    crate::ErrorKind::NotRepresentable,
                    "rows come out of the order that the file declares".into(),
                    Some(format!("They must ascend by column {}, NULL last.", column.name)),
                    None,
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Encoded {
        Encoded {
            hashes: self.hasher.finish(),
            nan: self.nan.into_iter().collect(),
            times: self.times,
            row_group_rows: self.row_group_rows,
            writer: self.started.writer,
        }
    }
}

impl Encoded {
    /// The object, not yet sealed, with this description in its footer.
    pub(crate) fn object(mut self, about: String) -> Result<Vec<u8>, Error> {
        self.writer
            .append_key_value_metadata(KeyValue::new(METADATA_KEY.to_owned(), about));
        self.writer.into_inner().map_err(failed)
    }
}

impl Times {
    fn add(&mut self, kind: Kind, array: &ArrayRef) {
        match kind {
            Kind::Timestamp { .. } => {
                let values = array.as_primitive::<TimestampMicrosecondType>().values();
                self.add_each(array, values.iter().copied());
            }
            Kind::Int64 => self.add_each(array, array.as_primitive::<Int64Type>().values().iter().copied()),
            Kind::Int32 => {
                self.add_each(
                    array,
                    array
                        .as_primitive::<Int32Type>()
                        .values()
                        .iter()
                        .map(|v| i64::from(*v)),
                );
            }
            Kind::Int16 => {
                self.add_each(
                    array,
                    array
                        .as_primitive::<Int16Type>()
                        .values()
                        .iter()
                        .map(|v| i64::from(*v)),
                );
            }
            Kind::Date => {
                self.add_each(
                    array,
                    array
                        .as_primitive::<Date32Type>()
                        .values()
                        .iter()
                        .map(|v| i64::from(*v)),
                );
            }
            _ => self.sorted = false,
        }
    }

    fn add_each(&mut self, array: &ArrayRef, values: impl Iterator<Item = i64>) {
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        for (i, value) in values.enumerate() {
            if nulls.is_some_and(|nulls| nulls.is_null(i)) {
                self.seen_null = true;
                continue;
            }
            self.sorted &= value >= self.last && !self.seen_null;
            self.last = value;
            self.min = self.min.min(value);
            self.max = self.max.max(value);
        }
    }
}

fn codec(compression: Compression) -> Result<Codec, Error> {
    let invalid = |error: ParquetError| {
        Error::configuration(
            "the compression cannot be used".into(),
            Some(error.to_string()),
            "A level of zstd is 1 to 22.".into(),
        )
    };
    Ok(match compression {
        Compression::Zstd(level) => Codec::ZSTD(ZstdLevel::try_new(level).map_err(invalid)?),
        Compression::Gzip => Codec::GZIP(GzipLevel::default()),
        Compression::Snappy => Codec::SNAPPY,
        Compression::Lz4 => Codec::LZ4_RAW,
        Compression::None => Codec::UNCOMPRESSED,
    })
}

fn properties(columns: &[Column], ways: &[Way], options: &WriteOptions) -> Result<WriterProperties, Error> {
    let sorted = options.sorted.then(|| {
        vec![SortingColumn {
            column_idx: options.time_column as i32,
            descending: false,
            nulls_first: false,
        }]
    });
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("pg_kpi {}", env!("CARGO_PKG_VERSION")))
        .set_compression(codec(options.compression)?)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_data_page_row_count_limit(options.max_page_rows.max(1))
        // Pages end between batches: this one divides the rows of a page, so that those of all columns end at the same rows.
        .set_write_batch_size(options.max_page_rows.clamp(1, 1_000))
        .set_max_row_group_row_count(None)
        .set_bloom_filter_position(BloomFilterPosition::End)
        .set_sorting_columns(sorted);
    for (column, way) in columns.iter().zip(ways) {
        let path = ColumnPath::new(vec![column.name.clone()]);
        builder = way.apply(builder, &path);
        if column.bloom && options.encryption.is_none() {
            builder = builder
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_fpp(path.clone(), FALSE_POSITIVES)
                .set_column_bloom_filter_max_ndv(path, options.max_row_group_rows as u64);
        }
    }
    if let Some(key) = &options.encryption {
        builder = builder.with_file_encryption_properties(key.encryption()?);
    }
    Ok(builder.build())
}
