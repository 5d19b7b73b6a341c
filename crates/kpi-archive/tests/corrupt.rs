//! Objects whose bytes are not what was written: an error that names the object, never another answer.

#![allow(clippy::unwrap_used)]

mod rows;

use kpi_archive::{
    Cache, Error, ErrorKind, File, Key, Kind, MemoryObjects, Predicate, Test, Value, WriteOptions, verify,
};
use proptest::prelude::*;
use rows::{Cell, OBJECT, Row};

fn sample() -> (Vec<Row>, kpi_archive::Written) {
    let kinds = [Kind::Int64, Kind::Text, Kind::Float64];
    let row = |n: i64| {
        vec![
            Cell::I64(n),
            Cell::Text(format!("v{}", n % 7)),
            Cell::F64(n as f64 / 3.0),
        ]
    };
    let rows: Vec<Row> = (0..300).map(row).collect();
    let options = WriteOptions {
        max_row_group_rows: 100,
        max_page_rows: 20,
        ..WriteOptions::default()
    };
    let mut schema = rows::schema(&kinds);
    // Only where it is asked, so that every byte of every filter counts.
    schema
        .columns
        .iter_mut()
        .for_each(|column| column.bloom = column.kind == Kind::Text);
    let written = rows::write(&schema, &options, &rows).unwrap();
    (rows, written)
}

/// All rows, after asking bloom filters and indexes for some that are there.
fn answer(objects: &MemoryObjects, size: u64) -> Result<Vec<Row>, Error> {
    let file = File::open(objects, OBJECT, size, None, &Cache::new(0))?;
    let wanted = [Predicate {
        field_id: 99,
        kind: Kind::Text,
        test: Test::Eq(Value::Text("v3".into())),
    }];
    for row_group in 0..file.row_groups() {
        assert!(file.prune(objects, row_group, &wanted)?.is_some());
    }
    rows::read(objects, size)
}

fn is_corrupt(error: &Error) -> bool {
    error.kind() == ErrorKind::Corrupt && error.to_string().contains(OBJECT) && error.detail().is_some()
}

#[test]
fn a_flipped_bit_anywhere_is_found() {
    let (rows, written) = sample();
    let mut unnoticed = 0;
    for at in 0..written.bytes.len() {
        let mut bytes = written.bytes.to_vec();
        bytes[at] ^= 1 << (at % 8);
        let objects = MemoryObjects::default();
        objects.put(OBJECT, bytes.into());
        match answer(&objects, written.bytes.len() as u64) {
            Err(error) => assert!(is_corrupt(&error), "byte {at}: {error:?}"),
            Ok(read) => {
                assert!(read == rows, "byte {at}");
                unnoticed += 1;
            }
        }
    }
    // The magic at the start is all that nobody reads.
    assert_eq!(unnoticed, 4);
}

#[test]
fn a_truncated_object_is_found_at_every_length() {
    let (_, written) = sample();
    let size = written.bytes.len();
    for length in 0..size {
        let objects = MemoryObjects::default();
        objects.put(OBJECT, written.bytes.slice(..length));
        for believed in [size, length] {
            let error = answer(&objects, believed as u64).unwrap_err();
            assert!(is_corrupt(&error), "length {length}: {error:?}");
        }
    }
}

#[test]
fn a_swapped_object_is_found() {
    let (rows, written) = sample();
    let schema = rows::schema(&[Kind::Int64, Kind::Text, Kind::Float64]);
    let mut writer = kpi_archive::Writer::new(&schema, &WriteOptions::default()).unwrap();
    for (column, cell) in writer.columns().iter_mut().zip(&rows[0]) {
        rows::push(column, cell);
    }
    writer.end_row().unwrap();
    let other = writer
        .finish(kpi_archive::FileMetadata {
            number: 2,
            ..rows::about()
        })
        .unwrap();
    let (objects, size) = rows::store(&other);
    let error = answer(&objects, size).unwrap_err();
    assert!(
        is_corrupt(&error) && error.detail().unwrap().contains("0002.parquet"),
        "{error:?}"
    );

    // Under the right key, but with other content than was expected of it.
    let other = rows::write(&schema, &WriteOptions::default(), &rows[1..]).unwrap();
    let (objects, size) = rows::store(&other);
    let error = verify(&objects, OBJECT, size, None, &written.metadata).unwrap_err();
    assert!(
        is_corrupt(&error) && error.detail().unwrap().contains("299 rows"),
        "{error:?}"
    );
    let mut swapped = rows.clone();
    (swapped[5][1], swapped[6][1]) = (rows[6][1].clone(), rows[5][1].clone());
    let other = rows::write(&schema, &WriteOptions::default(), &swapped).unwrap();
    let (objects, size) = rows::store(&other);
    let error = verify(&objects, OBJECT, size, None, &written.metadata).unwrap_err();
    assert!(
        is_corrupt(&error) && error.detail().unwrap().contains("other rows"),
        "{error:?}"
    );
    let mut changed = rows.clone();
    changed[5][1] = Cell::Text("other".into());
    let other = rows::write(&schema, &WriteOptions::default(), &changed).unwrap();
    let (objects, size) = rows::store(&other);
    let error = verify(&objects, OBJECT, size, None, &written.metadata).unwrap_err();
    assert!(
        is_corrupt(&error) && error.detail().unwrap().contains("column c.1"),
        "{error:?}"
    );
}

#[test]
fn a_missing_object_is_named() {
    let error = answer(&MemoryObjects::default(), 1000).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains(OBJECT));
}

#[test]
fn an_encrypted_object_opens_with_its_key_only() {
    let key = Key::parse(&[5; 32]).unwrap();
    let schema = rows::schema(&[Kind::Int64, Kind::Text]);
    let rows: Vec<Row> = (0..50)
        .map(|n| vec![Cell::I64(n), Cell::Text("plain words".into())])
        .collect();
    let options = WriteOptions {
        encryption: Some(key.clone()),
        compression: kpi_archive::Compression::None,
        ..WriteOptions::default()
    };
    let written = rows::write(&schema, &options, &rows).unwrap();
    for plain in [&b"plain words"[..], b"public.rows", b"c.1"] {
        assert!(!written.bytes.windows(plain.len()).any(|window| window == plain));
    }
    let (objects, size) = rows::store(&written);
    let cache = Cache::new(1 << 20);
    File::open(&objects, OBJECT, size, Some(&key), &cache).unwrap();
    for (key, message) in [
        (None, "is encrypted, and there is no key"),
        (
            Some(Key::parse(&[6; 32]).unwrap()),
            "was encrypted with another key",
        ),
        (
            Some(Key::parse(&[5; 16]).unwrap()),
            "was encrypted with another key",
        ),
    ] {
        // What the cache holds of the object was read with its key: it is of no use to others.
        let error = File::open(&objects, OBJECT, size, key.as_ref(), &cache).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(
            error.to_string().contains(message) && error.hint().is_some(),
            "{error:?}"
        );
    }
}

#[test]
fn ten_thousand_rescans_do_not_grow() {
    let (rows, written) = sample();
    let (objects, size) = rows::store(&written);
    let cache = Cache::new(256 << 10);
    let resident = || {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    };
    let mut after_warming = 0;
    for round in 0..10_000 {
        if round == 1000 {
            after_warming = resident();
        }
        let file = File::open(&objects, OBJECT, size, None, &cache).unwrap();
        let all = kpi_archive::Selection::all(file.rows(1));
        assert_eq!(
            rows::scan(&file, &objects, 1, &all, 64, round % 2 == 1)
                .unwrap()
                .len(),
            rows.len() / 3
        );
    }
    assert!(cache.bytes() <= 256 << 10);
    assert!(
        resident() < after_warming + (8 << 20),
        "{after_warming} grew to {}",
        resident()
    );
    // What was read once was kept.
    assert!(objects.requests() < 100, "{}", objects.requests());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_give_an_error(mut bytes in prop::collection::vec(any::<u8>(), 0..400), footer in 0u32..500) {
        // With the marks in place, more of the decoder is reached.
        bytes.extend_from_slice(b"kpiseal1");
        bytes.extend_from_slice(&vec![7; footer.min(200) as usize]);
        bytes.extend_from_slice(&footer.to_le_bytes());
        bytes.extend_from_slice(b"PAR1");
        let (objects, size) = (MemoryObjects::default(), bytes.len() as u64);
        objects.put(OBJECT, bytes.into());
        prop_assert!(is_corrupt(&answer(&objects, size).unwrap_err()));
    }
}
