//! Writes the rows of `benches/sql/archive.sh` as they are archived: how long that and the verification take, and what each column
//! takes in the objects, by encoding.
//!
//! `cargo run --release -p kpi-archive --example readings -- <folder> <rows> [<zstd level>]`

use std::collections::BTreeMap;
use std::time::Instant;

use kpi_archive::{
    Column, Compression, Error, FileMetadata, Kind, MemoryObjects, Schema, WriteOptions, Writer, verify,
};
use parquet::basic::Encoding;
use parquet::file::metadata::ParquetMetaDataReader;

fn schema() -> Schema {
    let columns = [
        ("ts", "timestamp with time zone", Kind::Timestamp { utc: true }),
        ("device", "integer", Kind::Int32),
        ("value", "double precision", Kind::Float64),
        (
            "amount",
            "numeric(12,2)",
            Kind::Decimal {
                precision: 12,
                scale: 2,
            },
        ),
        ("count", "bigint", Kind::Int64),
        ("status", "text", Kind::Text),
    ];
    let column = |(i, (name, pg_type, kind)): (usize, (&str, &str, Kind))| Column {
        name: name.into(),
        field_id: i as i32 + 1,
        pg_type: pg_type.into(),
        kind,
        bloom: false,
    };
    Schema {
        columns: columns.into_iter().enumerate().map(column).collect(),
    }
}

/// SplitMix64 (Sebastiano Vigna), as numbers from 0 to 1.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn push(columns: &mut [kpi_archive::ColumnBuffer], row: i64, random: &mut Random) {
    let [ts, device, value, amount, count, status] = columns else {
        return;
    };
    let moment = row / 100 * 25_000_000 + row % 100 * 250_000 + (random.next() * 250_000.0) as i64;
    ts.i64(1_704_067_200_000_000 + moment);
    device.i32((row % 100) as i32);
    let reading =
        20.0 + 5.0 * (row as f64 / 345_600.0).sin() + 2.0 * random.next() + (row % 100) as f64 * 0.1;
    value.f64((16.0 * reading).round() / 16.0);
    amount.decimal((random.next() * 100_000.0).round() as i128);
    count.i64(row / 100 * (row % 100 + 1));
    let failed = random.next() < 0.01;
    status.text(match random.next() {
        _ if failed => "failed",
        luck if luck < 0.1 => "retried",
        _ => "ok",
    });
}

/// The bytes of a column in the objects so far, and of that the dictionaries.
#[derive(Default)]
struct Taken {
    bytes: i64,
    dictionaries: i64,
    encodings: BTreeMap<String, usize>,
}

fn main() -> Result<(), Error> {
    let arguments: Vec<_> = std::env::args().collect();
    let folder = arguments.get(1).cloned().unwrap_or_else(|| ".".into());
    let number = |at: usize| arguments.get(at).and_then(|word| word.parse::<i64>().ok());
    let total = number(2).unwrap_or(2_000_000);
    let mut options = WriteOptions {
        sorted: true,
        ..WriteOptions::default()
    };
    if let Some(level) = number(3) {
        options.compression = Compression::Zstd(level as i32);
    }
    let mut random = Random(1);
    let (mut row, mut objects, mut bytes) = (0, 0, 0);
    let (mut writing, mut verifying) = (0.0, 0.0);
    let mut taken: Vec<(String, Taken)> = Vec::new();
    while row < total {
        let start = Instant::now();
        let mut writer = Writer::new(&schema(), &options)?;
        while row < total {
            push(writer.columns(), row, &mut random);
            row += 1;
            if writer.end_row()? {
                break;
            }
        }
        objects += 1;
        let about = FileMetadata {
            intent: "readings".into(),
            number: objects,
            ..FileMetadata::default()
        };
        let written = writer.finish(about)?;
        writing += start.elapsed().as_secs_f64();
        let size = written.bytes.len() as u64;
        bytes += size;
        add(&mut taken, &written.bytes);
        let (object, store) = (written.metadata.key_suffix(), MemoryObjects::default());
        let path = format!("{folder}/{}", object.replace('/', "-"));
        if let Err(error) = std::fs::write(&path, &written.bytes) {
            eprintln!("{path}: {error}");
        }
        store.put(&object, written.bytes);
        let start = Instant::now();
        verify(&store, &object, size, None, &written.metadata)?;
        verifying += start.elapsed().as_secs_f64();
    }
    let mut rest = bytes as i64;
    for (name, column) in &taken {
        rest -= column.bytes;
        println!(
            "{name:>8} {:>10} bytes {:>6.3} per row, dictionaries {:>8}, {:?}",
            column.bytes,
            column.bytes as f64 / total as f64,
            column.dictionaries,
            column.encodings
        );
    }
    println!("    rest {rest:>10} bytes");
    println!("{total} rows, {objects} objects, {bytes} bytes");
    println!("written in {writing:.2} s, verified in {verifying:.2} s");
    Ok(())
}

fn add(taken: &mut Vec<(String, Taken)>, object: &bytes::Bytes) {
    let Ok(metadata) = ParquetMetaDataReader::new().parse_and_finish(object) else {
        return;
    };
    for group in metadata.row_groups() {
        for (place, chunk) in group.columns().iter().enumerate() {
            if taken.len() <= place {
                taken.push((chunk.column_path().string(), Taken::default()));
            }
            let column = &mut taken[place].1;
            column.bytes += chunk.compressed_size();
            if let Some(dictionary) = chunk.dictionary_page_offset() {
                column.dictionaries += chunk.data_page_offset() - dictionary;
            }
            for encoding in chunk.encodings().filter(|encoding| *encoding != Encoding::RLE) {
                *column.encodings.entry(encoding.to_string()).or_default() += 1;
            }
        }
    }
}
