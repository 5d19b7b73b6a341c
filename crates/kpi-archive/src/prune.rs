//! Which rows of a row group may match.

use std::ops::Range;

use parquet::bloom_filter::Sbbf;

use crate::footer::Footer;
use crate::{Column, Kind, Predicate, Test, Value, may_match, statistics};

/// Rows of a row group that are to be read: ascending ranges that do not touch.
///
/// ```
/// use kpi_archive::Selection;
/// let selection = Selection::new([30..40, 0..10, 10..20]);
/// assert_eq!(selection.ranges(), [0..20, 30..40]);
/// assert_eq!(selection.rows(), 30);
/// assert_eq!(selection, Selection::all(40).intersect(&selection));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    ranges: Vec<Range<u64>>,
}

impl Selection {
    /// All rows of a row group of `rows` rows.
    pub fn all(rows: u64) -> Self {
        Self::new(std::iter::once(0..rows))
    }

    /// The rows of these ranges, which may come in any order and overlap.
    pub fn new(ranges: impl IntoIterator<Item = Range<u64>>) -> Self {
        let mut ranges: Vec<_> = ranges
            .into_iter()
            .filter(|range| range.start < range.end)
            .collect();
        ranges.sort_unstable_by_key(|range| range.start);
        let mut merged: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        Self { ranges: merged }
    }

    /// The ranges, in rows from the start of the row group.
    pub fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }

    /// How many rows they hold.
    pub fn rows(&self) -> u64 {
        self.ranges.iter().map(|r| r.end - r.start).sum()
    }

    /// The rows that are in both.
    pub fn intersect(&self, other: &Self) -> Self {
        let (mut left, mut right) = (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        let mut both = Vec::new();
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            both.push(a.start.max(b.start)..a.end.min(b.end));
            if a.end < b.end {
                left.next()
            } else {
                right.next()
            };
        }
        Self::new(both)
    }
}

/// The column of a predicate in the file, when the predicate means the same there.
pub(crate) fn target<'f>(footer: &'f Footer, predicate: &Predicate) -> Option<(usize, &'f Column)> {
    let index = footer.column(predicate.field_id)?;
    let column = footer.about.columns.get(index)?;
    column
        .kind
        .compares_with(predicate.kind)
        .then_some((index, column))
}

fn has_nan(footer: &Footer, column: &Column) -> bool {
    footer.about.nan.contains(&column.field_id)
}

/// Whether a row of the row group may match, by its statistics.
pub(crate) fn by_statistics(footer: &Footer, row_group: usize, predicate: &Predicate) -> bool {
    let Some((index, column)) = target(footer, predicate) else {
        return true;
    };
    let Some(group) = footer.parquet().row_groups().get(row_group) else {
        return true;
    };
    let Some(known) = statistics::of_row_group(column, index, group) else {
        return true;
    };
    may_match(
        &known,
        group.num_rows().unsigned_abs(),
        has_nan(footer, column),
        predicate,
    )
}

/// The rows of the pages that may hold a match.
pub(crate) fn by_pages(footer: &Footer, row_group: usize, rows: u64, predicate: &Predicate) -> Selection {
    let all = Selection::all(rows);
    let Some((index, column)) = target(footer, predicate) else {
        return all;
    };
    let Some(bounds) = footer
        .parquet()
        .page_index()
        .and_then(|i| i.column_index(row_group, index))
    else {
        return all;
    };
    let nan = has_nan(footer, column);
    Selection::new(
        page_rows(footer, row_group, index, rows)
            .enumerate()
            .filter_map(|(page, range)| {
                let known = statistics::of_page(column, page, bounds);
                known
                    .is_none_or(|known| may_match(&known, range.end - range.start, nan, predicate))
                    .then_some(range)
            }),
    )
}

/// The rows of each page of a column.
pub(crate) fn page_rows(
    footer: &Footer,
    row_group: usize,
    column: usize,
    rows: u64,
) -> impl Iterator<Item = Range<u64>> + '_ {
    let pages = footer.pages(row_group, column);
    let starts = pages.iter().map(|page| page.first_row_index.unsigned_abs());
    let ends = starts.clone().skip(1).chain(std::iter::once(rows));
    starts.zip(ends).map(|(start, end)| start..end)
}

/// The values that a bloom filter can be asked for; `None` when it cannot rule out the test.
pub(crate) fn candidates(predicate: &Predicate) -> Option<&[Value]> {
    match &predicate.test {
        Test::Eq(value) => Some(std::slice::from_ref(value)),
        Test::In(values) => Some(values),
        _ => None,
    }
}

/// Whether the filter may hold the value of a column of this kind.
pub(crate) fn may_hold(filter: &Sbbf, kind: Kind, value: &Value) -> bool {
    match (kind, value) {
        (Kind::Int16 | Kind::Int32 | Kind::Date, Value::Int(value)) => {
            i32::try_from(*value).is_ok_and(|value| filter.check(&value))
        }
        (Kind::Int64 | Kind::Time | Kind::Timestamp { .. }, Value::Int(value)) => filter.check(value),
        (Kind::Text, Value::Text(value)) => filter.check(value.as_str()),
        (Kind::Binary, Value::Bytes(value)) => filter.check(value.as_slice()),
        (Kind::Uuid, Value::Uuid(value)) => filter.check(value.as_slice()),
        // Numbers that are equal can differ in their bytes (0.0 and -0.0, 1.0 and 1.00).
        _ => true,
    }
}
