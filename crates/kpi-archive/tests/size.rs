//! How many bytes rows take, and that they come back from every encoding.

// Tests may; clippy does not see that functions beside them are theirs.
#![allow(clippy::unwrap_used)]

mod rows;

use std::collections::BTreeSet;

use kpi_archive::{Key, Kind, WriteOptions, verify};
use parquet::basic::Encoding;
use parquet::file::metadata::ParquetMetaDataReader;
use rows::{Cell, OBJECT, Row};

const ROWS: u64 = 30_000;

/// Bits that look like random ones.
fn noise(row: u64, column: u64) -> u64 {
    let bits = (row ^ column << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (bits ^ bits >> 31).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 8
}

/// What each column is encoded with.
fn encodings(object: &bytes::Bytes) -> Vec<BTreeSet<String>> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(object).unwrap();
    let group = metadata.row_group(0);
    let of = |chunk: &parquet::file::metadata::ColumnChunkMetaData| {
        let values = chunk.encodings().filter(|encoding| *encoding != Encoding::RLE);
        values.map(|encoding| encoding.to_string()).collect()
    };
    group.columns().iter().map(of).collect()
}

/// Rows like those of `benches/sql/archive.sh`, of which DuckDB makes a file of 9 bytes a row.
#[test]
fn readings_take_less_than_seven_bytes_a_row() {
    let kinds = [
        Kind::Timestamp { utc: true },
        Kind::Int32,
        Kind::Float64,
        Kind::Decimal {
            precision: 12,
            scale: 2,
        },
        Kind::Int64,
        Kind::Text,
    ];
    let row = |row: u64| -> Row {
        let moment = row / 100 * 25_000_000 + row % 100 * 250_000 + noise(row, 0) % 250_000;
        let reading = 320.0 + (noise(row, 1) % 32) as f64 + (row % 100) as f64 * 1.6;
        let status = match noise(row, 3) % 100 {
            0 => "failed",
            1..10 => "retried",
            _ => "ok",
        };
        vec![
            Cell::I64(1_704_067_200_000_000 + moment as i64),
            Cell::I32((row % 100) as i32),
            Cell::F64(reading.round() / 16.0),
            Cell::Decimal(i128::from(noise(row, 2) % 100_000)),
            Cell::I64((row / 100 * (row % 100 + 1)) as i64),
            Cell::Text(status.into()),
        ]
    };
    let rows: Vec<Row> = (0..ROWS).map(row).collect();
    let written = rows::write(&rows::schema(&kinds), &WriteOptions::default(), &rows).unwrap();
    // Bloom filters aside, which these columns have in tests.
    let filters: i32 = ParquetMetaDataReader::new()
        .parse_and_finish(&written.bytes)
        .unwrap()
        .row_group(0)
        .columns()
        .iter()
        .filter_map(|chunk| chunk.bloom_filter_length())
        .sum();
    let bytes = written.bytes.len() as u64 - filters as u64;
    assert!(bytes < 7 * ROWS, "{bytes}");
    let (objects, size) = rows::store(&written);
    assert_eq!(rows::read(&objects, size).unwrap(), rows);
}

/// The first row group decides; the second has other values, so that a dictionary has no room for all of them.
#[test]
fn values_come_back_from_every_encoding() {
    let decimal = |precision| Kind::Decimal { precision, scale: 2 };
    let kinds = [
        Kind::Timestamp { utc: false },
        Kind::Int16,
        Kind::Int32,
        Kind::Int64,
        Kind::Date,
        decimal(7),
        decimal(18),
        decimal(38),
        Kind::Float32,
        Kind::Float64,
    ];
    let cells = |bits: u64| {
        [
            Cell::I64(bits as i64),
            Cell::I16(bits as i16),
            Cell::I32(bits as i32),
            Cell::I64(bits as i64),
            Cell::I32(bits as i32),
            Cell::Decimal(i128::from(bits % 10_000_000)),
            Cell::Decimal(i128::from(bits % 1_000_000_000_000_000_000)),
            Cell::Decimal(i128::from(bits) << 64),
            Cell::F32(bits as f32),
            Cell::F64(bits as f64),
        ]
    };
    let write = |repeat_first: bool, encryption: Option<Key>| {
        let first = ROWS / 3;
        let row = |row: u64| -> Row {
            let repeats = (row < first) == repeat_first;
            let cells = cells(if repeats {
                noise(noise(row, 0) % 5, 1)
            } else {
                noise(row, 1)
            });
            let null = |(column, cell)| {
                if noise(row, column).is_multiple_of(20) {
                    Cell::Null
                } else {
                    cell
                }
            };
            (2..).zip(cells).map(null).collect()
        };
        let rows: Vec<Row> = (0..ROWS).map(row).collect();
        let options = WriteOptions {
            max_row_group_rows: first as usize,
            encryption: encryption.clone(),
            ..WriteOptions::default()
        };
        let written = rows::write(&rows::schema(&kinds), &options, &rows).unwrap();
        let (objects, size) = rows::store(&written);
        let verified = verify(&objects, OBJECT, size, encryption.as_ref(), &written.metadata).unwrap();
        assert_eq!(verified.rows, ROWS);
        if encryption.is_none() {
            assert_eq!(rows::read(&objects, size).unwrap(), rows);
        }
        written
    };
    let dictionary = Encoding::RLE_DICTIONARY.to_string();
    let with = encodings(&write(true, None).bytes);
    let without = encodings(&write(false, None).bytes);
    for (column, kind) in kinds.iter().enumerate().skip(1) {
        assert!(with[column].contains(&dictionary), "{kind}: {:?}", with[column]);
        // A number of more than 18 digits is bytes; and of 16 bits there are no more than a dictionary holds.
        if !matches!(kind, Kind::Decimal { precision: 38, .. } | Kind::Int16) {
            assert!(
                !without[column].contains(&dictionary),
                "{kind}: {:?}",
                without[column]
            );
        }
    }
    let key = Key::parse(&[7; 16]).unwrap();
    write(true, Some(key.clone()));
    write(false, Some(key));
}
