//! The rows of a row group, a window of pages at a time.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, NullArray, RecordBatch, UInt32Array, new_null_array};
use arrow_schema::DataType;
use arrow_select::take::take;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection, RowSelectionPolicy,
};

use crate::footer::guarded;
use crate::pieces::{Pieces, Source};
use crate::prune::page_rows;
use crate::{Error, Objects, Selection, interrupt};

/// Bytes of the first window: little, for who wants only the first rows.
const FIRST_WINDOW: u64 = 256 << 10;
/// How much larger each window is than the one before.
const GROWTH: u64 = 4;
/// Bytes of a window at most.
const LARGEST_WINDOW: u64 = 8 << 20;
/// Rows of a window at most when they are read in reverse, since they are all decoded before the first is handed out.
const REVERSE_ROWS: u64 = 100_000;

/// Rows.
#[derive(Debug, Clone)]
pub struct Batch {
    /// How many.
    pub rows: usize,
    /// One per field id asked for, in that order.
    pub columns: Vec<ArrayRef>,
    /// The row of the row group that the first row of this batch is.
    pub first_row: u64,
}

/// The rows of a scan, batch by batch. It fetches as it goes: little at first, so that who stops early reads little. Held are the
/// pages of one window (at most about 8 MB, or one page of each column) and the dictionaries of the columns.
pub struct Batches {
    source: Source,
    row_group: usize,
    rows: u64,
    /// For each field asked for, the place of its column among the projected ones.
    fields: Vec<Option<usize>>,
    /// The projected columns, ascending.
    columns: Vec<usize>,
    batch_rows: usize,
    reverse: bool,
    /// Rows that no window has had yet.
    left: VecDeque<Range<u64>>,
    window_bytes: u64,
    pieces: BTreeMap<u64, bytes::Bytes>,
    window: Option<Window>,
    /// Batches of a window that is read in reverse, the next one last.
    decoded: Vec<Batch>,
}

struct Window {
    reader: ParquetRecordBatchReader,
    left: VecDeque<Range<u64>>,
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches")
            .field("object", &self.source.origin.object)
            .field("row_group", &self.row_group)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl Batches {
    pub(crate) fn new(
        source: Source,
        row_group: usize,
        rows: u64,
        selection: &Selection,
        field_ids: &[i32],
        batch_rows: usize,
        reverse: bool,
    ) -> Self {
        let indexes: Vec<_> = field_ids.iter().map(|id| source.footer.column(*id)).collect();
        let mut columns: Vec<_> = indexes.iter().flatten().copied().collect();
        columns.sort_unstable();
        columns.dedup();
        Self {
            fields: indexes
                .iter()
                .map(|index| columns.binary_search(&(*index)?).ok())
                .collect(),
            source,
            row_group,
            rows,
            columns,
            batch_rows,
            reverse,
            left: selection.ranges().iter().cloned().collect(),
            window_bytes: FIRST_WINDOW,
            pieces: BTreeMap::new(),
            window: None,
            decoded: Vec::new(),
        }
    }

    /// The next batch; `None` after the last.
    ///
    /// # Errors
    /// `Corrupt`, `Canceled`, or what the store says.
    pub fn next(&mut self, objects: &dyn Objects) -> Result<Option<Batch>, Error> {
        interrupt::check()?;
        if self.columns.is_empty() {
            return Ok(self.next_without_columns());
        }
        loop {
            if let Some(batch) = self.decoded.pop() {
                return Ok(Some(batch));
            }
            if let Some(batch) = self.decode()? {
                if !self.reverse {
                    return Ok(Some(batch));
                }
                let mut decoded = vec![reversed(&batch).map_err(|what| self.source.corrupt(what))?];
                while let Some(batch) = self.decode()? {
                    interrupt::check()?;
                    decoded.push(reversed(&batch).map_err(|what| self.source.corrupt(what))?);
                }
                self.decoded = decoded;
                continue;
            }
            let wanted = self.next_window();
            if wanted.is_empty() {
                self.pieces.clear();
                return Ok(None);
            }
            self.open(objects, wanted)?;
        }
    }

    /// Rows of which no column is read.
    fn next_without_columns(&mut self) -> Option<Batch> {
        let most = self.batch_rows as u64;
        let range = if self.reverse {
            self.left.back_mut()?
        } else {
            self.left.front_mut()?
        };
        let rows = most.min(range.end - range.start);
        let first_row = if self.reverse {
            range.end -= rows;
            range.end + rows - 1
        } else {
            range.start += rows;
            range.start - rows
        };
        if range.start == range.end {
            if self.reverse {
                self.left.pop_back()
            } else {
                self.left.pop_front()
            };
        }
        let nulls: ArrayRef = Arc::new(NullArray::new(rows as usize));
        Some(Batch {
            rows: rows as usize,
            columns: vec![nulls; self.fields.len()],
            first_row,
        })
    }

    /// The next batch of the window that is open.
    fn decode(&mut self) -> Result<Option<Batch>, Error> {
        let Some(window) = &mut self.window else {
            return Ok(None);
        };
        let batch = guarded(|| window.reader.next().transpose()).map_err(|what| self.source.corrupt(what))?;
        let Some(batch) = batch else {
            let missing = !window.left.is_empty();
            self.window = None;
            return if missing {
                Err(self.source.corrupt("a row group holds fewer rows than it says"))
            } else {
                Ok(None)
            };
        };
        let first_row = window.left.front().map(|range| range.start);
        let mut rows = batch.num_rows() as u64;
        while rows > 0 {
            let Some(range) = window.left.front_mut() else {
                break;
            };
            let step = rows.min(range.end - range.start);
            range.start += step;
            rows -= step;
            if range.start == range.end {
                window.left.pop_front();
            }
        }
        match first_row {
            Some(first_row) if rows == 0 => self.batch(&batch, first_row).map(Some),
            _ => Err(self.source.corrupt("a row group holds more rows than it says")),
        }
    }

    fn batch(&self, batch: &RecordBatch, first_row: u64) -> Result<Batch, Error> {
        let rows = batch.num_rows();
        let columns = self.fields.iter().map(|field| match field {
            None => Ok(new_null_array(&DataType::Null, rows)),
            Some(place) => {
                let array = batch.columns().get(*place).cloned();
                array.ok_or_else(|| self.source.corrupt("a row group lacks a column"))
            }
        });
        Ok(Batch {
            rows,
            columns: columns.collect::<Result<_, _>>()?,
            first_row,
        })
    }

    /// Takes the next window off the rows that are left, ascending. It ends where pages end, so that no page is decoded twice.
    fn next_window(&mut self) -> Vec<Range<u64>> {
        let wanted = self.window_rows();
        self.window_bytes = (self.window_bytes * GROWTH).min(LARGEST_WINDOW);
        let mut window = Vec::new();
        let mut rows = 0;
        while rows < wanted {
            let next = if self.reverse {
                self.left.pop_back()
            } else {
                self.left.pop_front()
            };
            let Some(range) = next else { break };
            let room = wanted - rows;
            if range.end - range.start <= room {
                rows += range.end - range.start;
                window.push(range);
                continue;
            }
            rows = wanted;
            if self.reverse {
                let cut = self.page_start(range.end - room);
                let cut = if cut <= range.start { range.start } else { cut };
                if cut > range.start {
                    self.left.push_back(range.start..cut);
                }
                window.push(cut..range.end);
            } else {
                let cut = self.page_end(range.start + room).min(range.end);
                if cut < range.end {
                    self.left.push_front(cut..range.end);
                }
                window.push(range.start..cut);
            }
        }
        window.sort_unstable_by_key(|range| range.start);
        window
    }

    /// Rows that make up the bytes of a window.
    fn window_rows(&self) -> u64 {
        let group = self.source.footer.parquet().row_groups().get(self.row_group);
        let bytes: u64 = group.map_or(0, |group| {
            let chunks = self
                .columns
                .iter()
                .filter_map(|column| group.columns().get(*column));
            chunks.map(|chunk| chunk.compressed_size().unsigned_abs()).sum()
        });
        let rows = u128::from(self.window_bytes) * u128::from(self.rows) / u128::from(bytes.max(1));
        let most = if self.reverse { REVERSE_ROWS } else { self.rows };
        u64::try_from(rows).unwrap_or(u64::MAX).clamp(1, most.max(1))
    }

    /// The pages to cut at: those of the column that has the fewest.
    fn widest_pages(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        let footer = &self.source.footer;
        let column = self
            .columns
            .iter()
            .min_by_key(|column| footer.pages(self.row_group, **column).len());
        page_rows(footer, self.row_group, column.copied().unwrap_or(0), self.rows)
    }

    fn page_end(&self, row: u64) -> u64 {
        self.widest_pages()
            .find(|page| page.end >= row)
            .map_or(self.rows, |page| page.end)
    }

    fn page_start(&self, row: u64) -> u64 {
        self.widest_pages()
            .find(|page| page.end > row)
            .map_or(0, |page| page.start)
    }

    /// Fetches the pages of these rows and opens a reader over them.
    fn open(&mut self, objects: &dyn Objects, rows: Vec<Range<u64>>) -> Result<(), Error> {
        let wanted = self.pages_of(&rows);
        self.pieces.retain(|offset, _| wanted.contains_key(offset));
        let missing: Vec<_> = wanted
            .into_values()
            .filter(|range| !self.pieces.contains_key(&range.start))
            .collect();
        let fetched = self.source.fetch(objects, missing.clone())?;
        self.pieces
            .extend(missing.into_iter().map(|range| range.start).zip(fetched));

        let pieces = Pieces {
            by_offset: Arc::new(self.pieces.clone()),
            size: self.source.footer.size,
        };
        let total =
            usize::try_from(self.rows).map_err(|_| self.source.corrupt("a row group is too large"))?;
        let selected = rows.iter().map(|range| range.start as usize..range.end as usize);
        let selection = RowSelection::from_consecutive_ranges(selected, total);
        let arrow = self.source.footer.arrow.clone();
        let mask = ProjectionMask::roots(arrow.parquet_schema(), self.columns.iter().copied());
        let (row_group, batch_rows) = (self.row_group, self.batch_rows);
        let reader = guarded(|| {
            ParquetRecordBatchReaderBuilder::new_with_metadata(pieces, arrow)
                .with_row_groups(vec![row_group])
                .with_projection(mask)
                .with_row_selection(selection)
                // A mask would decode pages between the selected ones, which were not fetched.
                .with_row_selection_policy(RowSelectionPolicy::Selectors)
                .with_batch_size(batch_rows)
                .build()
        });
        let reader = reader.map_err(|what| self.source.corrupt(what))?;
        self.window = Some(Window {
            reader,
            left: rows.into(),
        });
        Ok(())
    }

    /// The pages that hold these rows, and the dictionaries of the columns, by offset.
    fn pages_of(&self, rows: &[Range<u64>]) -> BTreeMap<u64, Range<u64>> {
        let mut wanted = BTreeMap::new();
        let footer = &self.source.footer;
        let group = footer.parquet().row_groups().get(self.row_group);
        for column in &self.columns {
            let pages = footer.pages(self.row_group, *column);
            let dictionary = group.and_then(|g| g.columns().get(*column)?.dictionary_page_offset());
            if let (Some(start), Some(first)) = (dictionary, pages.first()) {
                let start = start.unsigned_abs();
                wanted.insert(start, start..first.offset.unsigned_abs());
            }
            let mut rows = rows.iter().peekable();
            for (page, held) in pages
                .iter()
                .zip(page_rows(footer, self.row_group, *column, self.rows))
            {
                while rows.next_if(|range| range.end <= held.start).is_some() {}
                if rows.peek().is_some_and(|range| range.start < held.end) {
                    let start = page.offset.unsigned_abs();
                    wanted.insert(
                        start,
                        start..start + u64::from(page.compressed_page_size.unsigned_abs()),
                    );
                }
            }
        }
        wanted
    }
}

fn reversed(batch: &Batch) -> Result<Batch, String> {
    let rows = u32::try_from(batch.rows).map_err(|_| "a batch is too large")?;
    let order = UInt32Array::from_iter_values((0..rows).rev());
    let columns = batch.columns.iter().map(|column| {
        if column.data_type() == &DataType::Null {
            return Ok(Arc::clone(column));
        }
        take(column, &order, None).map_err(|error| error.to_string())
    });
    Ok(Batch {
        rows: batch.rows,
        columns: columns.collect::<Result<_, _>>()?,
        first_row: batch.first_row + u64::from(rows.saturating_sub(1)),
    })
}
