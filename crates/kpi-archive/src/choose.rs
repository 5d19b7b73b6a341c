//! Which encoding each column of an object gets: tried on some of its rows.
//!
//! What suits a column is seen in its values alone. A counter or an amount of money takes least as differences, a number of a
//! device as a reference to a dictionary; a dictionary of values that hardly repeat only comes on top of them. So a part of the first
//! row group is encoded and compressed in each way, and the least bytes decide for the whole object.
//!
//! Not among the ways is BYTE_STREAM_SPLIT. It would take a few hundredths less for what varies at random, but Spark could not read
//! it for years.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::Field;
use arrow_select::concat::concat;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression as Codec, Encoding};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use crate::{Error, Kind};

/// Rows that are tried: some of the first and some of the middle of a row group.
const TRIED_ROWS: usize = 40_000;

/// How the values of a column are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    /// Whether a dictionary is begun.
    dictionary: bool,
    /// How values are encoded without one, and those for which it has no room left.
    encoding: Encoding,
}

const fn way(dictionary: bool, encoding: Encoding) -> Way {
    Way { dictionary, encoding }
}

const DIFFERENCES: Way = way(false, Encoding::DELTA_BINARY_PACKED);
const PLAIN: Way = way(false, Encoding::PLAIN);
/// What it has no room for is written as differences.
const DICTIONARY_OF_INTEGERS: Way = way(true, Encoding::DELTA_BINARY_PACKED);
const DICTIONARY: Way = way(true, Encoding::PLAIN);

impl Way {
    /// The ways to encode a kind of column; the first is the one of a column of which nothing is known.
    fn of(kind: Kind) -> &'static [Self] {
        match kind {
            // Times ascend by steps that vary little: no dictionary of them is ever smaller than their differences.
            Kind::Timestamp { .. } | Kind::Time => &[DIFFERENCES],
            // A decimal of up to 18 digits is an integer in the file.
            Kind::Int16
            | Kind::Int32
            | Kind::Int64
            | Kind::Date
            | Kind::Decimal {
                precision: 0..=18, ..
            } => &[DICTIONARY_OF_INTEGERS, DIFFERENCES],
            Kind::Float32 | Kind::Float64 => &[DICTIONARY, PLAIN],
            Kind::Bool | Kind::Decimal { .. } | Kind::Text | Kind::Binary | Kind::Uuid => &[DICTIONARY],
        }
    }

    /// Of a column of which nothing is known.
    pub(crate) fn usual(kind: Kind) -> Self {
        Self::of(kind).first().copied().unwrap_or(DICTIONARY)
    }

    /// Has a column written in this way.
    pub(crate) fn apply(
        self,
        builder: WriterPropertiesBuilder,
        path: &ColumnPath,
    ) -> WriterPropertiesBuilder {
        builder
            .set_column_dictionary_enabled(path.clone(), self.dictionary)
            .set_column_encoding(path.clone(), self.encoding)
    }

    /// The way that takes the least bytes for values like these. When `stop` becomes true, it ends early with
    /// [`Error::Canceled`].
    pub(crate) fn choose(
        kind: Kind,
        field: &Field,
        values: &ArrayRef,
        codec: Codec,
        stop: &AtomicBool,
    ) -> Result<Self, Error> {
        let mut best = Self::usual(kind);
        let ways = Self::of(kind);
        if ways.len() < 2 || values.null_count() == values.len() {
            return Ok(best);
        }
        let tried = sample(values).map_err(|error| failed(&error.into()))?;
        let mut least = usize::MAX;
        for way in ways {
            if stop.load(Ordering::Relaxed) {
                return Err(Error::Canceled);
            }
            let bytes = way.bytes(field, &tried, codec).map_err(|error| failed(&error))?;
            if bytes < least {
                (best, least) = (*way, bytes);
            }
        }
        Ok(best)
    }

    /// Bytes that these values take, and the same few for all ways.
    fn bytes(self, field: &Field, values: &ArrayRef, codec: Codec) -> Result<usize, ParquetError> {
        let schema = Arc::new(arrow_schema::Schema::new(vec![field.clone()]));
        let builder = WriterProperties::builder()
            .set_compression(codec)
            .set_statistics_enabled(EnabledStatistics::None);
        let properties = self.apply(builder, &ColumnPath::new(vec![field.name().clone()]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::clone(values)])?;
        let mut writer = ArrowWriter::try_new(io::sink(), schema, Some(properties.build()))?;
        writer.write(&batch)?;
        writer.finish()?;
        Ok(writer.bytes_written())
    }
}

fn failed(error: &ParquetError) -> Error {
    Error::unsupported(
        "the rows cannot be written as Parquet".into(),
        Some(error.to_string()),
    )
}

fn sample(values: &ArrayRef) -> Result<ArrayRef, arrow_schema::ArrowError> {
    if values.len() <= TRIED_ROWS {
        return Ok(Arc::clone(values));
    }
    let half = TRIED_ROWS / 2;
    let middle = (values.len() / 2).min(values.len() - half);
    concat(&[&values.slice(0, half), &values.slice(middle, half)])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow_array::{Float64Array, Int64Array};
    use parquet::basic::ZstdLevel;

    use super::*;
    use crate::{Column, Schema};

    const ROWS: i64 = 100_000;

    fn noise(row: i64) -> i64 {
        let bits = (row as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((bits ^ (bits >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 8) as i64
    }

    fn chosen(kind: Kind, values: ArrayRef) -> Result<Way, Error> {
        let column = Column {
            name: "n".into(),
            field_id: 1,
            pg_type: String::new(),
            kind,
            bloom: false,
        };
        let schema = Schema {
            columns: vec![column],
        }
        .arrow();
        let codec = Codec::ZSTD(ZstdLevel::try_new(3).unwrap());
        Way::choose(kind, schema.field(0), &values, codec, &AtomicBool::new(false))
    }

    fn integers(value: impl Fn(i64) -> i64) -> Way {
        let values = Int64Array::from_iter_values((0..ROWS).map(value));
        chosen(Kind::Int64, Arc::new(values)).unwrap()
    }

    #[test]
    fn what_ascends_or_hardly_repeats_gets_no_dictionary() {
        assert!(!integers(|row| row / 100 * (row % 100 + 1)).dictionary);
        assert!(!integers(|row| noise(row) % 100_000).dictionary);
        assert!(!integers(noise).dictionary);
        let values = Float64Array::from_iter_values((0..ROWS).map(|row| noise(row) as f64));
        assert!(!chosen(Kind::Float64, Arc::new(values)).unwrap().dictionary);
    }

    #[test]
    fn what_repeats_gets_a_dictionary() {
        assert!(integers(|row| [200, 404, 500_000_000][(noise(row) % 3) as usize]).dictionary);
        assert!(integers(|row| noise(noise(row) % 500)).dictionary);
        let values = Float64Array::from_iter_values((0..ROWS).map(|row| (noise(row) % 400) as f64 / 16.0));
        assert!(chosen(Kind::Float64, Arc::new(values)).unwrap().dictionary);
    }

    #[test]
    fn what_is_unknown_is_encoded_as_usual() {
        for values in [Int64Array::from_iter_values([]), Int64Array::from(vec![None; 9])] {
            let way = chosen(Kind::Int64, Arc::new(values)).unwrap();
            assert_eq!(way, Way::usual(Kind::Int64));
        }
    }

    #[test]
    fn it_stops_when_asked() {
        let field = Field::new("n", Kind::Int64.data_type(), true);
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS));
        let stop = AtomicBool::new(true);
        let stopped = Way::choose(Kind::Int64, &field, &values, Codec::UNCOMPRESSED, &stop);
        assert_eq!(stopped, Err(Error::Canceled));
    }
}
