//! Rows of an object, read by ranges.

use std::sync::Arc;

use parquet::bloom_filter::Sbbf;

use crate::cache::Origin;
use crate::footer::{Footer, guarded};
use crate::pieces::Source;
use crate::scan::Batches;
use crate::{
    Cache, ColumnStatistics, Error, FileMetadata, Key, Objects, Predicate, Selection, prune, statistics,
};

/// An object whose footer was read. Cheap to clone.
///
/// ```
/// use kpi_archive::arrow_array::{Array, cast::AsArray, types::Int64Type};
/// use kpi_archive::{
///     Cache, Column, File, FileMetadata, Kind, MemoryObjects, Predicate, Schema, Test, Value, WriteOptions, Writer,
/// };
/// let column = Column { name: "n".into(), field_id: 1, pg_type: "bigint".into(), kind: Kind::Int64, bloom: false };
/// let mut writer = Writer::new(&Schema { columns: vec![column] }, &WriteOptions::default()).unwrap();
/// for n in 0..100_000 {
///     writer.columns()[0].i64(n);
///     writer.end_row().unwrap();
/// }
/// let about = FileMetadata { intent: "8a1f".into(), number: 1, ..FileMetadata::default() };
/// let written = writer.finish(about).unwrap();
/// let (objects, size) = (MemoryObjects::default(), written.bytes.len() as u64);
/// objects.put("8a1f/0001.parquet", written.bytes);
///
/// let file = File::open(&objects, "8a1f/0001.parquet", size, None, &Cache::new(1 << 20)).unwrap();
/// let wanted = Predicate { field_id: 1, kind: Kind::Int64, test: Test::Eq(Value::Int(45_000)) };
/// let selection = file.prune(&objects, 0, &[wanted]).unwrap().unwrap();
/// assert_eq!(selection.ranges(), [40_000..60_000]);
/// let mut batches = file.scan(0, &selection, &[1], 8192, false).unwrap();
/// let batch = batches.next(&objects).unwrap().unwrap();
/// assert_eq!(batch.columns[0].as_primitive::<Int64Type>().value(5_000), 45_000);
/// ```
#[derive(Debug, Clone)]
pub struct File {
    source: Source,
}

impl File {
    /// Opens an object of `size` bytes: reads its footer, unless the cache has it.
    ///
    /// # Errors
    /// `Corrupt`: the object is cut short, altered, or another one than its key says; `Configuration`: there is no key, or the
    /// wrong one; `Unsupported`: a later version wrote it; or what the store says.
    pub fn open(
        objects: &dyn Objects,
        object: &str,
        size: u64,
        key: Option<&Key>,
        cache: &Cache,
    ) -> Result<Self, Error> {
        let origin = Origin {
            scope: objects.scope(),
            object: object.into(),
            size,
            key: key.map_or(0, Key::fingerprint),
        };
        let footer = cache.footer(&origin, || Footer::read(objects, object, size, key))?;
        Ok(Self {
            source: Source {
                footer,
                origin,
                cache: cache.clone(),
            },
        })
    }

    fn footer(&self) -> &Arc<Footer> {
        &self.source.footer
    }

    /// What the file says about itself.
    pub fn metadata(&self) -> &FileMetadata {
        &self.footer().about
    }

    /// How many row groups it has.
    pub fn row_groups(&self) -> usize {
        self.footer().parquet().num_row_groups()
    }

    /// The rows of a row group; 0 for one that is not there.
    pub fn rows(&self, row_group: usize) -> u64 {
        self.footer()
            .parquet()
            .row_groups()
            .get(row_group)
            .map_or(0, |group| group.num_rows().unsigned_abs())
    }

    /// The statistics of a column in a row group; `None` when the file lacks the column.
    pub fn statistics(&self, row_group: usize, field_id: i32) -> Option<ColumnStatistics> {
        let index = self.footer().column(field_id)?;
        let column = self.metadata().columns.get(index)?;
        statistics::of_row_group(
            column,
            index,
            self.footer().parquet().row_groups().get(row_group)?,
        )
    }

    /// The rows of a row group that may match all predicates: by statistics, bloom filters (fetched when a test for equality
    /// could use one) and the page index. `None`: none can. A predicate on a column that the file lacks, or has as another kind,
    /// rules out nothing.
    ///
    /// # Errors
    /// `Corrupt`, or what the store says.
    pub fn prune(
        &self,
        objects: &dyn Objects,
        row_group: usize,
        predicates: &[Predicate],
    ) -> Result<Option<Selection>, Error> {
        let footer = self.footer();
        if !predicates
            .iter()
            .all(|predicate| prune::by_statistics(footer, row_group, predicate))
        {
            return Ok(None);
        }
        let rows = self.rows(row_group);
        let mut selection = Selection::all(rows);
        for predicate in predicates {
            selection = selection.intersect(&prune::by_pages(footer, row_group, rows, predicate));
        }
        if selection.rows() == 0 {
            return Ok(None);
        }
        for predicate in predicates {
            if !self.filter_may_match(objects, row_group, predicate)? {
                return Ok(None);
            }
        }
        Ok(Some(selection))
    }

    fn filter_may_match(
        &self,
        objects: &dyn Objects,
        row_group: usize,
        predicate: &Predicate,
    ) -> Result<bool, Error> {
        let (Some(values), Some((index, column))) = (
            prune::candidates(predicate),
            prune::target(self.footer(), predicate),
        ) else {
            return Ok(true);
        };
        let group = self.footer().parquet().row_groups().get(row_group);
        let Some(range) = group.and_then(|group| {
            let chunk = group.columns().get(index)?;
            let start = u64::try_from(chunk.bloom_filter_offset()?).ok()?;
            Some(start..start.checked_add(u64::try_from(chunk.bloom_filter_length()?).ok()?)?)
        }) else {
            return Ok(true);
        };
        let bytes = self.source.fetch(objects, vec![range])?.pop().unwrap_or_default();
        let filter = guarded(|| Sbbf::from_bytes(&bytes)).map_err(|what| self.source.corrupt(what))?;
        Ok(values
            .iter()
            .any(|value| prune::may_hold(&filter, column.kind, value)))
    }

    /// Reads the selected rows of a row group in their order, or in the reverse order. A field that the file lacks is an
    /// all-NULL array (of Arrow's Null type).
    ///
    /// # Errors
    /// `Unsupported`: a row group or a row that is not there.
    pub fn scan(
        &self,
        row_group: usize,
        selection: &Selection,
        field_ids: &[i32],
        batch_rows: usize,
        reverse: bool,
    ) -> Result<Batches, Error> {
        let rows = self.rows(row_group);
        if selection.ranges().last().is_some_and(|range| range.end > rows) {
            return Err(Error::unsupported(
                "a scan asks for rows that the file does not hold".into(),
                Some(format!(
                    "Row group {row_group} of {} has {rows} rows.",
                    self.source.origin.object
                )),
            ));
        }
        Ok(Batches::new(
            self.source.clone(),
            row_group,
            rows,
            selection,
            field_ids,
            batch_rows.max(1),
            reverse,
        ))
    }
}
