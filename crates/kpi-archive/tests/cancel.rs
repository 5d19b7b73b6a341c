//! A host that asks to stop is heard while rows are encoded and while they are read.

#![allow(clippy::unwrap_used)]

mod rows;

use std::sync::atomic::{AtomicBool, Ordering};

use kpi_archive::{Cache, Error, File, Kind, Selection, WriteOptions, Writer, interrupt, verify};
use rows::{Cell, OBJECT, Row};

static STOP: AtomicBool = AtomicBool::new(false);

#[test]
fn a_cancel_ends_writing_and_reading() {
    interrupt::set(|| STOP.load(Ordering::Relaxed));
    let schema = rows::schema(&[Kind::Int64]);
    let rows: Vec<Row> = (0..1000).map(|n| vec![Cell::I64(n)]).collect();
    let written = rows::write(&schema, &WriteOptions::default(), &rows).unwrap();
    let (objects, size) = rows::store(&written);
    let file = File::open(&objects, OBJECT, size, None, &Cache::new(0)).unwrap();
    let mut batches = file.scan(0, &Selection::all(1000), &[100], 10, false).unwrap();
    batches.next(&objects).unwrap();

    let options = WriteOptions {
        max_row_group_rows: 10,
        ..WriteOptions::default()
    };
    let mut writer = Writer::new(&schema, &options).unwrap();
    STOP.store(true, Ordering::Relaxed);
    let pushed = (0..100).try_for_each(|n| {
        writer.columns()[0].i64(n);
        writer.end_row().map(|_| ())
    });
    assert_eq!(pushed, Err(Error::Canceled));
    assert_eq!(writer.finish(rows::about()).unwrap_err(), Error::Canceled);
    assert_eq!(batches.next(&objects).unwrap_err(), Error::Canceled);
    assert_eq!(
        verify(&objects, OBJECT, size, None, &written.metadata),
        Err(Error::Canceled)
    );

    STOP.store(false, Ordering::Relaxed);
    assert_eq!(
        batches.next(&objects).unwrap().map(|batch| batch.first_row),
        Some(10)
    );
    verify(&objects, OBJECT, size, None, &written.metadata).unwrap();
}
