//! Looks up one day in an object of a year's rows, as `benches/sql/archive.sh` has them: how long each part of that takes.
//!
//! `cargo run --release -p kpi-archive --example day -- <folder> <rows of the object> [all]`; `all` has six columns instead of three.

use std::ops::Range;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kpi_archive::arrow_array::Array;
use kpi_archive::arrow_array::cast::AsArray;
use kpi_archive::arrow_array::types::Float64Type;
use kpi_archive::{
    Cache, Column, Error, File, FileMetadata, Kind, Objects, Predicate, Schema, Store, StoreOptions, Test,
    Value, WriteOptions, Writer,
};
use twox_hash::XxHash3_64;

/// Microseconds between two of 100 million rows of a leap year.
const STEP: i64 = 316_224;
const DAY: i64 = 86_400_000_000;
const FIRST: i64 = 1_704_067_200_000_000;
const ROUNDS: usize = 87;

fn schema(all: bool) -> Schema {
    let cents = Kind::Decimal {
        precision: 12,
        scale: 2,
    };
    let columns = [
        ("ts", Kind::Timestamp { utc: true }),
        ("device", Kind::Int32),
        ("value", Kind::Float64),
        ("amount", cents),
        ("count", Kind::Int64),
        ("status", Kind::Text),
    ];
    let column = |(i, (name, kind)): (usize, (&str, Kind))| Column {
        name: name.into(),
        field_id: i as i32 + 1,
        pg_type: String::new(),
        kind,
        bloom: false,
    };
    let columns = columns.into_iter().enumerate().map(column);
    Schema {
        columns: columns.take(if all { 6 } else { 3 }).collect(),
    }
}

fn write(rows: i64, all: bool) -> Result<kpi_archive::Written, Error> {
    let options = WriteOptions {
        sorted: true,
        ..WriteOptions::default()
    };
    let mut writer = Writer::new(&schema(all), &options)?;
    for row in 0..rows {
        let noise = |n: u64| {
            let bits = (row as u64 ^ n << 40).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            ((bits ^ bits >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 11) as f64 / (1u64 << 53) as f64
        };
        if let [ts, device, value, rest @ ..] = writer.columns() {
            ts.i64(FIRST + row * STEP);
            device.i32((row % 100) as i32);
            let reading =
                20.0 + 5.0 * (row as f64 / 345_600.0).sin() + 2.0 * noise(1) + (row % 100) as f64 * 0.1;
            value.f64((16.0 * reading).round() / 16.0);
            if let [amount, count, status] = rest {
                amount.decimal((noise(2) * 100_000.0) as i128);
                count.i64(row / 100 * (row % 100 + 1));
                status.text(if noise(3) < 0.1 { "retried" } else { "ok" });
            }
        }
        writer.end_row()?;
    }
    writer.finish(FileMetadata {
        intent: "year".into(),
        number: 1,
        ..FileMetadata::default()
    })
}

/// A store, and how long reading from it took.
#[derive(Debug)]
struct Timed {
    store: Store,
    read: Mutex<Parts>,
}

#[derive(Debug, Default)]
struct Parts {
    took: Duration,
    requests: usize,
    bytes: usize,
    hashing: Duration,
}

impl Objects for Timed {
    fn get(&self, key: &str) -> Result<Bytes, Error> {
        self.store.get(key)
    }

    fn get_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        let start = Instant::now();
        let parts = self.store.get_ranges(key, ranges)?;
        let took = start.elapsed();
        // The reader hashes the same bytes in pieces.
        let start = Instant::now();
        for part in &parts {
            std::hint::black_box(XxHash3_64::oneshot(part));
        }
        if let Ok(mut read) = self.read.lock() {
            read.hashing += start.elapsed();
            read.took += took;
            read.requests += 1;
            read.bytes += parts.iter().map(Bytes::len).sum::<usize>();
        }
        Ok(parts)
    }

    fn size(&self, key: &str) -> Result<u64, Error> {
        self.store.size(key)
    }

    fn is_remote(&self) -> bool {
        false
    }
}

impl Timed {
    fn take(&self) -> Parts {
        self.read
            .lock()
            .map(|mut read| std::mem::take(&mut *read))
            .unwrap_or_default()
    }
}

/// The median and the least: on a machine that does other things too, the latter says what the work takes.
fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let ms = |at: usize| times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1000.0);
    println!(
        "{what:<32} {:>8.3} ms, at least {:>8.3} ms",
        ms(times.len() / 2),
        ms(0)
    );
}

fn main() -> Result<(), Error> {
    let arguments: Vec<_> = std::env::args().collect();
    let folder = arguments.get(1).cloned().unwrap_or_else(|| "/tmp".into());
    let rows = arguments.get(2).and_then(|rows| rows.parse().ok());
    let rows: i64 = rows.unwrap_or(8_500_000);
    let all = arguments.get(3).is_some_and(|word| word == "all");
    let written = write(rows, all)?;
    let object = written.metadata.key_suffix();
    let size = written.bytes.len() as u64;
    let store = Store::open(&StoreOptions {
        url: format!("file://{folder}"),
        values: Vec::new(),
    })?;
    store.put(&object, &written.bytes)?;
    let fields: Vec<i32> = schema(all).columns.iter().map(|column| column.field_id).collect();
    drop(written);
    let timed = Timed {
        store,
        read: Mutex::default(),
    };
    println!("{rows} rows, {size} bytes");

    let (mut opening, mut again, mut pruning, mut reading) = (vec![], vec![], vec![], vec![]);
    let (mut fetching, mut hashing, mut summing) = (vec![], vec![], vec![]);
    let (mut found, mut requests, mut bytes, mut sum) = (0, 0, 0, 0.0);
    for round in 0..ROUNDS {
        let cache = Cache::new(64 << 20);
        let start = Instant::now();
        let file = File::open(&timed, &object, size, None, &cache)?;
        opening.push(start.elapsed());
        let start = Instant::now();
        File::open(&timed, &object, size, None, &cache)?;
        again.push(start.elapsed());
        timed.take();

        let since = FIRST + DAY * (1 + round as i64 % 29);
        let test = |test| Predicate {
            field_id: 1,
            kind: Kind::Timestamp { utc: true },
            test,
        };
        let day = [
            test(Test::Ge(Value::Int(since))),
            test(Test::Lt(Value::Int(since + DAY))),
        ];
        let start = Instant::now();
        let mut wanted = Vec::new();
        for group in 0..file.row_groups() {
            wanted.extend(
                file.prune(&timed, group, &day)?
                    .map(|selection| (group, selection)),
            );
        }
        pruning.push(start.elapsed());
        let (mut read, mut summed) = (Duration::ZERO, Duration::ZERO);
        found = 0;
        for (group, selection) in &wanted {
            let start = Instant::now();
            let mut batches = file.scan(*group, selection, &fields, 8192, false)?;
            read += start.elapsed();
            loop {
                let start = Instant::now();
                let batch = batches.next(&timed)?;
                read += start.elapsed();
                let Some(batch) = batch else { break };
                found += batch.rows;
                let start = Instant::now();
                if let Some(values) = batch.columns.get(2) {
                    debug_assert_eq!(values.null_count(), 0);
                    sum += values.as_primitive::<Float64Type>().values().iter().sum::<f64>();
                }
                summed += start.elapsed();
            }
        }
        let parts = timed.take();
        reading.push(read.saturating_sub(parts.took + parts.hashing));
        fetching.push(parts.took);
        hashing.push(parts.hashing);
        summing.push(summed);
        (requests, bytes) = (parts.requests, parts.bytes);
    }
    println!("{found} rows read, sum {sum}; {requests} requests for {bytes} bytes");
    print("opening, footer read and decoded", opening);
    print("opening again", again);
    print("pruning", pruning);
    print("fetching from the folder", fetching);
    print("hashing of as many bytes", hashing);
    print("hashing in pieces and decoding", reading);
    print("summing a column", summing);
    Ok(())
}
