//! From the statistics of Parquet to bounds of values.

use std::cmp::Ordering;

use parquet::data_type::AsBytes;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::page_index::column_index::ColumnIndexMetaData;

use crate::predicate::compare;
use crate::{Column, ColumnStatistics, Kind, Value};

/// A bound as Parquet keeps it, in the physical type of the column's kind.
fn value(kind: Kind, bytes: &[u8]) -> Option<Value> {
    Some(match kind {
        Kind::Bool => Value::Bool(*bytes.first()? != 0),
        Kind::Int16 | Kind::Int32 | Kind::Date => {
            Value::Int(i64::from(i32::from_le_bytes(bytes.try_into().ok()?)))
        }
        Kind::Int64 | Kind::Time | Kind::Timestamp { .. } => {
            Value::Int(i64::from_le_bytes(bytes.try_into().ok()?))
        }
        Kind::Float32 => number(f64::from(f32::from_le_bytes(bytes.try_into().ok()?)))?,
        Kind::Float64 => number(f64::from_le_bytes(bytes.try_into().ok()?))?,
        Kind::Decimal { precision, scale } => Value::Decimal {
            unscaled: match precision {
                0..=9 => i128::from(i32::from_le_bytes(bytes.try_into().ok()?)),
                10..=18 => i128::from(i64::from_le_bytes(bytes.try_into().ok()?)),
                _ => big_endian(bytes)?,
            },
            scale,
        },
        Kind::Text => Value::Text(std::str::from_utf8(bytes).ok()?.to_owned()),
        Kind::Binary => Value::Bytes(bytes.to_vec()),
        Kind::Uuid => Value::Uuid(bytes.try_into().ok()?),
    })
}

/// A NaN bounds nothing: it stands where all values are NaN.
fn number(value: f64) -> Option<Value> {
    (!value.is_nan()).then_some(Value::Float(value))
}

fn big_endian(bytes: &[u8]) -> Option<i128> {
    let first = *bytes.first()?;
    let sign = if first & 0x80 == 0 { 0 } else { -1 };
    (bytes.len() <= 16).then(|| {
        bytes
            .iter()
            .fold(sign, |bits, byte| bits << 8 | i128::from(*byte))
    })
}

/// The statistics of a column of a row group. `None`: they say nothing.
pub(crate) fn of_row_group(
    column: &Column,
    index: usize,
    group: &RowGroupMetaData,
) -> Option<ColumnStatistics> {
    let statistics = group.columns().get(index)?.statistics()?;
    let nulls = statistics.null_count_opt()?;
    let bound = |bytes: Option<&[u8]>| value(column.kind, bytes?);
    let (min, max) = (
        bound(statistics.min_bytes_opt()),
        bound(statistics.max_bytes_opt()),
    );
    let exact = min.is_some() && max.is_some() && statistics.min_is_exact() && statistics.max_is_exact();
    Some(ColumnStatistics {
        field_id: column.field_id,
        kind: column.kind,
        nulls,
        min,
        max,
        exact,
    })
}

/// The statistics of a page. `None`: they say nothing.
pub(crate) fn of_page(column: &Column, page: usize, index: &ColumnIndexMetaData) -> Option<ColumnStatistics> {
    use ColumnIndexMetaData::{
        BOOLEAN, BYTE_ARRAY, DOUBLE, FIXED_LEN_BYTE_ARRAY, FLOAT, INT32, INT64, INT96,
    };

    if page as u64 >= index.num_pages() {
        return None;
    }
    let nulls = u64::try_from(index.null_count(page)?).ok()?;
    let bounds = |min: Option<&[u8]>, max: Option<&[u8]>| {
        (
            value(column.kind, min.unwrap_or_default()),
            value(column.kind, max.unwrap_or_default()),
        )
    };
    let (min, max) = if index.is_null_page(page) {
        (None, None)
    } else {
        match index {
            BOOLEAN(i) => bounds(
                i.min_value(page).map(AsBytes::as_bytes),
                i.max_value(page).map(AsBytes::as_bytes),
            ),
            INT32(i) => bounds(
                i.min_value(page).map(AsBytes::as_bytes),
                i.max_value(page).map(AsBytes::as_bytes),
            ),
            INT64(i) => bounds(
                i.min_value(page).map(AsBytes::as_bytes),
                i.max_value(page).map(AsBytes::as_bytes),
            ),
            FLOAT(i) => bounds(
                i.min_value(page).map(AsBytes::as_bytes),
                i.max_value(page).map(AsBytes::as_bytes),
            ),
            DOUBLE(i) => bounds(
                i.min_value(page).map(AsBytes::as_bytes),
                i.max_value(page).map(AsBytes::as_bytes),
            ),
            BYTE_ARRAY(i) | FIXED_LEN_BYTE_ARRAY(i) => match (i.min_value(page), i.max_value(page)) {
                (Some(min), Some(max)) => bounds(Some(min), Some(max)),
                _ => (None, None),
            },
            INT96(_) => (None, None),
        }
    };
    Some(ColumnStatistics {
        field_id: column.field_id,
        kind: column.kind,
        nulls,
        min,
        max,
        exact: false,
    })
}

/// The statistics of several row groups together, each with its rows. `None`: some say nothing.
pub(crate) fn merge(
    column: &Column,
    parts: impl Iterator<Item = (u64, Option<ColumnStatistics>)>,
) -> Option<ColumnStatistics> {
    let mut whole = ColumnStatistics {
        field_id: column.field_id,
        kind: column.kind,
        nulls: 0,
        min: None,
        max: None,
        exact: false,
    };
    let (mut bounded, mut exact, mut first) = (true, true, true);
    for (rows, part) in parts {
        let part = part?;
        whole.nulls += part.nulls;
        if part.nulls >= rows {
            continue;
        }
        exact &= part.exact;
        bounded &= part.min.is_some() && part.max.is_some();
        if first {
            (whole.min, whole.max, first) = (part.min, part.max, false);
        } else {
            whole.min = outer(whole.min, part.min, Ordering::Less);
            whole.max = outer(whole.max, part.max, Ordering::Greater);
        }
    }
    if !bounded {
        (whole.min, whole.max) = (None, None);
    }
    whole.exact = exact && bounded && whole.min.is_some();
    Some(whole)
}

fn outer(left: Option<Value>, right: Option<Value>, order: Ordering) -> Option<Value> {
    let (left, right) = (left?, right?);
    Some(if compare(&right, &left)? == order {
        right
    } else {
        left
    })
}
