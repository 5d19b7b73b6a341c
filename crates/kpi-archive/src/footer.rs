//! The footer of an object: read from its end, checked against its seal, and understood.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::page_index::offset_index::PageLocation;

use crate::encode::METADATA_KEY;
use crate::seal::{self, Opened, Seal};
use crate::{Error, FileMetadata, Key, Kind, Objects, Schema};

/// What is fetched of an object's end at first: as a rule it holds footer, seal and indexes.
const FIRST_READ: u64 = 64 << 10;
/// The end of an encrypted Parquet file.
const ENCRYPTED: &[u8] = b"PARE";

/// All that is known of an object before its pages are read.
#[derive(Debug)]
pub(crate) struct Footer {
    pub(crate) about: FileMetadata,
    pub(crate) seal: Seal,
    pub(crate) arrow: ArrowReaderMetadata,
    pub(crate) size: u64,
    indexes_size: u64,
}

/// Runs a call into the Parquet library. Its errors come out as words; so do panics, which no sealed object of ours makes, but
/// perhaps one that someone forged.
pub(crate) fn guarded<T, E: std::fmt::Display>(call: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("its contents contradict each other".into()),
    }
}

/// The Parquet metadata of an object that is whole in memory.
pub(crate) fn parse(object: &Bytes, key: Option<&Key>) -> Result<ParquetMetaData, Error> {
    let reader = reader(key)?;
    guarded(|| reader.parse_and_finish(object))
        .map_err(|error| Error::unsupported("a written object cannot be read".into(), Some(error)))
}

fn reader(key: Option<&Key>) -> Result<ParquetMetaDataReader, Error> {
    let decryption = key.map(Key::decryption).transpose()?;
    Ok(ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Required)
        .with_decryption_properties(decryption))
}

/// Reads the end of an object until its seal can be checked; gives the end from the indexes on.
fn fetch(objects: &dyn Objects, object: &str, size: u64) -> Result<(Bytes, Seal), Error> {
    let mut length = FIRST_READ.min(size);
    // The length of the footer is learnt first, then that of the indexes.
    for _ in 0..3 {
        let end = objects
            .get_ranges(object, std::slice::from_ref(&(size - length..size)))?
            .pop()
            .unwrap_or_default();
        if end.len() as u64 != length {
            return Err(Error::corrupt(
                object,
                "it ends before a range that was asked for",
            ));
        }
        match seal::open(&end, size).map_err(|what| Error::corrupt(object, what))? {
            Opened::Needs(more) => length = more,
            Opened::Intact(seal, from_end) => return Ok((end.slice(end.len() - from_end as usize..), seal)),
        }
    }
    Err(Error::corrupt(object, "its seal is damaged"))
}

impl Footer {
    pub(crate) fn read(
        objects: &dyn Objects,
        object: &str,
        size: u64,
        key: Option<&Key>,
    ) -> Result<Self, Error> {
        let (end, seal) = fetch(objects, object, size)?;
        let encrypted = end.ends_with(ENCRYPTED);
        if encrypted && key.is_none() {
            return Err(Error::configuration(
                format!("the object {object} is encrypted, and there is no key"),
                None,
                "Name the file or environment variable that holds the key in the options of the server."
                    .into(),
            ));
        }
        let mut reader = reader(key.filter(|_| encrypted))?;
        let metadata = guarded(|| {
            reader.try_parse_sized(&end, size)?;
            reader.finish()
        });
        let metadata = match metadata {
            Ok(metadata) => Arc::new(metadata),
            // The seal holds, so the bytes are those that were written: what does not fit is the key.
            Err(_) if encrypted => {
                return Err(Error::configuration(
                    format!("the object {object} was encrypted with another key"),
                    None,
                    "The options of the server must name the key that the object was written with.".into(),
                ));
            }
            Err(what) => return Err(Error::corrupt(object, what)),
        };
        let about = about(&metadata).map_err(|error| match error {
            Some(error) => error,
            None => Error::corrupt(object, "it does not say what it is"),
        })?;
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let arrow = guarded(|| ArrowReaderMetadata::try_new(metadata, options))
            .map_err(|what| Error::corrupt(object, what))?;
        let footer = Self {
            about,
            seal,
            arrow,
            size,
            indexes_size: end.len() as u64,
        };
        footer.check().map_err(|what| Error::corrupt(object, what))?;
        if !object.ends_with(&footer.about.key_suffix()) {
            return Err(Error::corrupt(
                object,
                format!(
                    "It is another object: it says of itself that its key ends in {}.",
                    footer.about.key_suffix()
                ),
            ));
        }
        Ok(footer)
    }

    pub(crate) fn parquet(&self) -> &Arc<ParquetMetaData> {
        self.arrow.metadata()
    }

    /// The index of a column in the file.
    pub(crate) fn column(&self, field_id: i32) -> Option<usize> {
        self.about
            .columns
            .iter()
            .position(|column| column.field_id == field_id)
    }

    /// The data pages of a column in a row group.
    pub(crate) fn pages(&self, row_group: usize, column: usize) -> &[PageLocation] {
        self.parquet()
            .page_index()
            .and_then(|i| i.page_locations(row_group, column))
            .map_or(&[], |pages| pages)
    }

    /// Bytes in memory, about.
    pub(crate) fn memory_size(&self) -> usize {
        // Parsed indexes take about as much again as their bytes, and the library does not count all of them.
        self.parquet().memory_size() + 2 * self.indexes_size as usize + self.seal.memory_size()
    }

    /// Whether the parts fit together, so that what follows may rely on it.
    fn check(&self) -> Result<(), String> {
        let schema = Schema {
            columns: self.about.columns.clone(),
        };
        schema.check().map_err(|error| error.to_string())?;
        let fields = self.arrow.schema().fields();
        let same = fields.len() == schema.columns.len()
            && fields.iter().zip(&schema.columns).all(|(field, column)| {
                *field.name() == column.name && is_read_as(field.data_type(), column.kind)
            });
        if !same {
            return Err("its columns are not those that it describes".into());
        }
        let mut total = 0;
        for (g, group) in self.parquet().row_groups().iter().enumerate() {
            let rows = group.num_rows();
            total += u64::try_from(rows).map_err(|_| "a row group has less than no rows")?;
            if group.columns().len() != schema.columns.len() {
                return Err("a row group lacks a column".into());
            }
            for column in 0..schema.columns.len() {
                let pages = self.pages(g, column);
                let ascend = pages.windows(2).all(|pair| match pair {
                    [a, b] => a.first_row_index < b.first_row_index && a.offset < b.offset,
                    _ => true,
                });
                let within = pages.first().is_some_and(|p| p.first_row_index == 0)
                    && pages.last().is_some_and(|p| p.first_row_index < rows)
                    && pages.iter().all(|p| p.offset >= 0 && p.compressed_page_size >= 0);
                if !ascend || !within {
                    return Err("the pages of a column are not where its index says".into());
                }
            }
        }
        if total != self.about.rows {
            return Err(format!("it holds {total} rows and describes {}", self.about.rows));
        }
        Ok(())
    }
}

fn is_read_as(data_type: &arrow_schema::DataType, kind: Kind) -> bool {
    *data_type == kind.data_type()
}

fn about(metadata: &ParquetMetaData) -> Result<FileMetadata, Option<Error>> {
    let pairs = metadata.file_metadata().key_value_metadata().ok_or(None)?;
    let json = pairs
        .iter()
        .find(|pair| pair.key == METADATA_KEY)
        .and_then(|pair| pair.value.as_ref());
    FileMetadata::from_json(json.ok_or(None)?).map_err(Some)
}
