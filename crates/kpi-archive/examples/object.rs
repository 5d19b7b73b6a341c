//! Writes objects of rows as they are archived, verifies them and sums them up, with the time and memory that takes.
//!
//! `cargo run --release -p kpi-archive --example object -- <folder> <rows>`

use std::time::Instant;

use kpi_archive::arrow_array::cast::AsArray;
use kpi_archive::arrow_array::types::Float64Type;
use kpi_archive::{
    Cache, Column, Error, File, FileMetadata, Kind, MemoryObjects, Schema, Selection, WriteOptions, Writer,
    verify,
};

fn schema() -> Schema {
    let columns = [
        ("ts", "timestamp with time zone", Kind::Timestamp { utc: true }),
        ("device", "integer", Kind::Int32),
        ("site", "text", Kind::Text),
        ("temperature", "double precision", Kind::Float64),
        ("humidity", "double precision", Kind::Float64),
        ("ok", "boolean", Kind::Bool),
    ];
    let column = |(i, (name, pg_type, kind)): (usize, (&str, &str, Kind))| Column {
        name: name.into(),
        field_id: i as i32 + 1,
        pg_type: pg_type.into(),
        kind,
        bloom: name == "device",
    };
    Schema {
        columns: columns.into_iter().enumerate().map(column).collect(),
    }
}

fn peak_megabytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

fn main() -> Result<(), Error> {
    let arguments: Vec<_> = std::env::args().collect();
    let folder = arguments.get(1).cloned().unwrap_or_else(|| ".".into());
    let total: u64 = arguments
        .get(2)
        .and_then(|rows| rows.parse().ok())
        .unwrap_or(1_000_000);
    let options = WriteOptions {
        sorted: true,
        ..WriteOptions::default()
    };
    let (mut row, mut number, mut bytes) = (0, 0, 0);
    let (mut writing, mut verifying, mut reading, mut sum) = (0.0, 0.0, 0.0, 0.0);
    while row < total {
        let start = Instant::now();
        let mut writer = Writer::new(&schema(), &options)?;
        while row < total {
            if let [ts, device, site, temperature, humidity, ok] = writer.columns() {
                let noise = row.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
                ts.i64(1_600_000_000_000_000 + (row / 100 * 1_000_000) as i64);
                device.i32((row % 100) as i32);
                site.text(["north", "south", "east", "west"][(row % 4) as usize]);
                temperature.f64((noise % 4000) as f64 / 100.0);
                if noise % 10 == 0 {
                    humidity.null()
                } else {
                    humidity.f64(noise as f64 / 7.0)
                }
                ok.bool(noise % 50 != 0);
            }
            row += 1;
            if writer.end_row()? {
                break;
            }
        }
        number += 1;
        let about = FileMetadata {
            intent: "example".into(),
            number,
            ..FileMetadata::default()
        };
        let written = writer.finish(about)?;
        writing += start.elapsed().as_secs_f64();
        let size = written.bytes.len() as u64;
        bytes += size;
        let (object, objects) = (written.metadata.key_suffix(), MemoryObjects::default());
        let path = format!("{folder}/{}", object.replace('/', "-"));
        if let Err(error) = std::fs::write(&path, &written.bytes) {
            eprintln!("{path}: {error}");
        }
        objects.put(&object, written.bytes);
        let start = Instant::now();
        verify(&objects, &object, size, None, &written.metadata)?;
        verifying += start.elapsed().as_secs_f64();
        let start = Instant::now();
        let file = File::open(&objects, &object, size, None, &Cache::new(0))?;
        for row_group in 0..file.row_groups() {
            let all = Selection::all(file.rows(row_group));
            let mut batches = file.scan(row_group, &all, &[4], 8192, false)?;
            while let Some(batch) = batches.next(&objects)? {
                sum += batch.columns[0]
                    .as_primitive::<Float64Type>()
                    .values()
                    .iter()
                    .sum::<f64>();
            }
        }
        reading += start.elapsed().as_secs_f64();
    }
    println!("{total} rows, {number} objects, {bytes} bytes, sum {sum:.2}");
    println!("written in {writing:.2} s, verified in {verifying:.2} s, one column summed in {reading:.2} s");
    println!("at most {} MB of memory", peak_megabytes().unwrap_or(0));
    Ok(())
}
