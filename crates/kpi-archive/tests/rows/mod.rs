//! Rows for tests: of every kind, written, read back and compared.
// Each file of tests uses a part of it.
#![allow(dead_code, clippy::unwrap_used)]

use kpi_archive::arrow_array::cast::AsArray;
use kpi_archive::arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    Time64MicrosecondType, TimestampMicrosecondType,
};
use kpi_archive::arrow_array::{Array, ArrayRef};
use kpi_archive::{
    Cache, Column, ColumnBuffer, Error, File, FileMetadata, Kind, MemoryObjects, Objects, Schema, Selection,
    WriteOptions, Writer, Written,
};
use proptest::prelude::*;

pub const INTENT: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
pub const OBJECT: &str = "owner/public.rows/01890a5d-ac96-774b-bcce-b302099a8057/0001.parquet";

/// A value or NULL. Floating-point numbers are compared as bits, all NaN being one.
#[derive(Debug, Clone)]
pub enum Cell {
    Null,
    Bool(bool),
    I16(i16),
    I32(i32),
    I64(i64),
    F32(f32),
    F64(f64),
    Decimal(i128),
    Text(String),
    Bytes(Vec<u8>),
    Uuid([u8; 16]),
}

impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::I16(a), Self::I16(b)) => a == b,
            (Self::I32(a), Self::I32(b)) => a == b,
            (Self::I64(a), Self::I64(b)) => a == b,
            (Self::F32(a), Self::F32(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Self::F64(a), Self::F64(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Self::Decimal(a), Self::Decimal(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Uuid(a), Self::Uuid(b)) => a == b,
            _ => false,
        }
    }
}

pub type Row = Vec<Cell>;

/// Every kind once, a timestamp first.
pub fn kinds() -> Vec<Kind> {
    vec![
        Kind::Timestamp { utc: true },
        Kind::Bool,
        Kind::Int16,
        Kind::Int32,
        Kind::Int64,
        Kind::Float32,
        Kind::Float64,
        Kind::Decimal {
            precision: 7,
            scale: 2,
        },
        Kind::Decimal {
            precision: 18,
            scale: 0,
        },
        Kind::Decimal {
            precision: 38,
            scale: 38,
        },
        Kind::Text,
        Kind::Binary,
        Kind::Date,
        Kind::Time,
        Kind::Timestamp { utc: false },
        Kind::Uuid,
    ]
}

pub fn schema(kinds: &[Kind]) -> Schema {
    let column = |(i, kind): (usize, &Kind)| Column {
        name: format!("c.{i}"),
        // Not the position, and not ascending: a column is found by its id.
        field_id: 100 - i as i32,
        pg_type: kind.to_string(),
        kind: *kind,
        bloom: true,
    };
    Schema {
        columns: kinds.iter().enumerate().map(column).collect(),
    }
}

pub fn cell(kind: Kind) -> BoxedStrategy<Cell> {
    let value = match kind {
        Kind::Bool => any::<bool>().prop_map(Cell::Bool).boxed(),
        Kind::Int16 => any::<i16>().prop_map(Cell::I16).boxed(),
        Kind::Int32 | Kind::Date => prop_oneof![any::<i32>(), Just(i32::MIN), Just(i32::MAX)]
            .prop_map(Cell::I32)
            .boxed(),
        Kind::Int64 | Kind::Timestamp { .. } => {
            prop_oneof![any::<i64>(), -50i64..50, Just(i64::MIN), Just(i64::MAX)]
                .prop_map(Cell::I64)
                .boxed()
        }
        Kind::Time => (0i64..86_400_000_000).prop_map(Cell::I64).boxed(),
        Kind::Float32 => {
            let special = prop_oneof![
                Just(f32::NAN),
                Just(-f32::NAN),
                Just(0.0),
                Just(-0.0),
                Just(f32::INFINITY),
                Just(f32::NEG_INFINITY)
            ];
            prop_oneof![any::<f32>(), special].prop_map(Cell::F32).boxed()
        }
        Kind::Float64 => {
            let special = prop_oneof![
                Just(f64::NAN),
                Just(f64::from_bits(f64::NAN.to_bits() | 77)),
                Just(0.0),
                Just(-0.0),
                Just(f64::INFINITY),
                Just(f64::NEG_INFINITY)
            ];
            prop_oneof![any::<f64>(), -3.0..3.0, special]
                .prop_map(Cell::F64)
                .boxed()
        }
        Kind::Decimal { precision, .. } => {
            let most = 10i128.pow(u32::from(precision)) - 1;
            prop_oneof![-most..=most, Just(most), Just(-most), -99i128..99]
                .prop_map(Cell::Decimal)
                .boxed()
        }
        Kind::Text => prop_oneof![
            ".{0,12}",
            "[ab]{0,3}",
            Just(String::new()),
            // Longer than what statistics keep: bounds are cut, and the upper one is rounded up.
            "[a\u{10FFFF}]{60,90}"
        ]
        .prop_map(Cell::Text)
        .boxed(),
        Kind::Binary => {
            let long = prop::collection::vec(prop_oneof![Just(0xFFu8), Just(0)], 60..90);
            prop_oneof![prop::collection::vec(any::<u8>(), 0..12), long]
                .prop_map(Cell::Bytes)
                .boxed()
        }
        Kind::Uuid => any::<[u8; 16]>().prop_map(Cell::Uuid).boxed(),
    };
    prop_oneof![1 => Just(Cell::Null), 6 => value].boxed()
}

pub fn rows(kinds: &[Kind], most: usize) -> impl Strategy<Value = Vec<Row>> + use<> {
    prop::collection::vec(kinds.iter().map(|kind| cell(*kind)).collect::<Vec<_>>(), 0..=most)
}

pub fn push(column: &mut ColumnBuffer, cell: &Cell) {
    match cell {
        Cell::Null => column.null(),
        Cell::Bool(v) => column.bool(*v),
        Cell::I16(v) => column.i16(*v),
        Cell::I32(v) => column.i32(*v),
        Cell::I64(v) => column.i64(*v),
        Cell::F32(v) => column.f32(*v),
        Cell::F64(v) => column.f64(*v),
        Cell::Decimal(v) => column.decimal(*v),
        Cell::Text(v) => column.text(v),
        Cell::Bytes(v) => column.bytes(v),
        Cell::Uuid(v) => column.uuid(*v),
    }
}

pub fn about() -> FileMetadata {
    FileMetadata {
        owner: "owner".into(),
        relation: "public.rows".into(),
        intent: INTENT.into(),
        number: 1,
        ..FileMetadata::default()
    }
}

pub fn write(schema: &Schema, options: &WriteOptions, rows: &[Row]) -> Result<Written, Error> {
    let mut writer = Writer::new(schema, options)?;
    for row in rows {
        for (column, cell) in writer.columns().iter_mut().zip(row) {
            push(column, cell);
        }
        writer.end_row()?;
    }
    writer.finish(about())
}

pub fn store(written: &Written) -> (MemoryObjects, u64) {
    let objects = MemoryObjects::default();
    objects.put(OBJECT, written.bytes.clone());
    (objects, written.bytes.len() as u64)
}

pub fn read_cell(kind: Kind, array: &ArrayRef, i: usize) -> Cell {
    if array.is_null(i) {
        return Cell::Null;
    }
    match kind {
        Kind::Bool => Cell::Bool(array.as_boolean().value(i)),
        Kind::Int16 => Cell::I16(array.as_primitive::<Int16Type>().value(i)),
        Kind::Int32 => Cell::I32(array.as_primitive::<Int32Type>().value(i)),
        Kind::Int64 => Cell::I64(array.as_primitive::<Int64Type>().value(i)),
        Kind::Float32 => Cell::F32(array.as_primitive::<Float32Type>().value(i)),
        Kind::Float64 => Cell::F64(array.as_primitive::<Float64Type>().value(i)),
        Kind::Decimal { .. } => Cell::Decimal(array.as_primitive::<Decimal128Type>().value(i)),
        Kind::Text => Cell::Text(array.as_string::<i32>().value(i).to_owned()),
        Kind::Binary => Cell::Bytes(array.as_binary::<i32>().value(i).to_vec()),
        Kind::Date => Cell::I32(array.as_primitive::<Date32Type>().value(i)),
        Kind::Time => Cell::I64(array.as_primitive::<Time64MicrosecondType>().value(i)),
        Kind::Timestamp { .. } => Cell::I64(array.as_primitive::<TimestampMicrosecondType>().value(i)),
        Kind::Uuid => Cell::Uuid(array.as_fixed_size_binary().value(i).try_into().unwrap()),
    }
}

/// The selected rows of a row group, every column, in the order in which they come.
pub fn scan(
    file: &File,
    objects: &dyn Objects,
    row_group: usize,
    selection: &Selection,
    batch_rows: usize,
    reverse: bool,
) -> Result<Vec<Row>, Error> {
    let columns = &file.metadata().columns;
    let ids: Vec<_> = columns.iter().map(|column| column.field_id).collect();
    let mut batches = file.scan(row_group, selection, &ids, batch_rows, reverse)?;
    let mut rows = Vec::new();
    while let Some(batch) = batches.next(objects)? {
        assert!(batch.rows > 0 && batch.columns.iter().all(|column| column.len() == batch.rows));
        for i in 0..batch.rows {
            rows.push(
                columns
                    .iter()
                    .zip(&batch.columns)
                    .map(|(c, a)| read_cell(c.kind, a, i))
                    .collect(),
            );
        }
    }
    Ok(rows)
}

/// All rows of an object.
pub fn read(objects: &dyn Objects, size: u64) -> Result<Vec<Row>, Error> {
    let file = File::open(objects, OBJECT, size, None, &Cache::new(0))?;
    let mut rows = Vec::new();
    for row_group in 0..file.row_groups() {
        rows.extend(scan(
            &file,
            objects,
            row_group,
            &Selection::all(file.rows(row_group)),
            1000,
            false,
        )?);
    }
    Ok(rows)
}
