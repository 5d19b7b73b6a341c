//! What is written is read back, whatever it is and however it is read.

#![allow(clippy::unwrap_used)]

mod rows;

use kpi_archive::arrow_array::Array;
use kpi_archive::{
    Cache, Compression, ErrorKind, File, Hashes, Key, Kind, Selection, WriteOptions, Writer, verify,
};
use proptest::prelude::*;
use rows::{Cell, OBJECT, Row};

fn options() -> impl Strategy<Value = WriteOptions> {
    let compression = prop_oneof![
        Just(Compression::Zstd(3)),
        Just(Compression::Gzip),
        Just(Compression::Snappy),
        Just(Compression::Lz4),
        Just(Compression::None),
    ];
    let key = prop_oneof![
        3 => Just(None),
        1 => Just(Some(Key::parse(&[7; 16]).unwrap())),
        1 => Just(Some(Key::parse(&[9; 32]).unwrap()))
    ];
    (compression, 1usize..80, 1usize..40, key).prop_map(
        |(compression, max_row_group_rows, max_page_rows, encryption)| WriteOptions {
            compression,
            max_row_group_rows,
            max_page_rows,
            encryption,
            ..WriteOptions::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_kind_round_trips(
        rows in rows::rows(&rows::kinds(), 150),
        options in options(),
        batch_rows in 1usize..60,
        cuts in prop::collection::vec((0u64..80, 0u64..30), 0..6),
    ) {
        let written = rows::write(&rows::schema(&rows::kinds()), &options, &rows).unwrap();
        let (objects, size) = rows::store(&written);
        let key = options.encryption.as_ref();
        prop_assert_eq!(written.metadata.rows, rows.len() as u64);

        let cache = Cache::new(1 << 20);
        let file = File::open(&objects, OBJECT, size, key, &cache).unwrap();
        prop_assert_eq!(file.metadata(), &written.metadata);
        let mut start = 0;
        for row_group in 0..file.row_groups() {
            let count = file.rows(row_group);
            let expected = &rows[start..start + count as usize];
            let all = Selection::all(count);
            prop_assert_eq!(&rows::scan(&file, &objects, row_group, &all, batch_rows, false).unwrap()[..], expected);
            let backward: Vec<Row> = expected.iter().rev().cloned().collect();
            prop_assert_eq!(rows::scan(&file, &objects, row_group, &all, batch_rows, true).unwrap(), backward);

            let some = Selection::new(cuts.iter().map(|(at, n)| (*at).min(count)..(at + n).min(count)));
            let mut chosen: Vec<Row> =
                some.ranges().iter().flat_map(|r| expected[r.start as usize..r.end as usize].to_vec()).collect();
            prop_assert_eq!(&rows::scan(&file, &objects, row_group, &some, batch_rows, false).unwrap(), &chosen);
            chosen.reverse();
            prop_assert_eq!(&rows::scan(&file, &objects, row_group, &some, batch_rows, true).unwrap(), &chosen);
            start += count as usize;
        }
        prop_assert_eq!(start, rows.len());

        let verified = verify(&objects, OBJECT, size, key, &written.metadata).unwrap();
        prop_assert_eq!(verified.hashes, written.metadata.hashes);
    }

    #[test]
    fn hashes_of_parts_add_up_in_any_order(rows in rows::rows(&rows::kinds(), 60), cut in 0usize..60) {
        let schema = rows::schema(&rows::kinds());
        let hashes = |rows: &[Row]| rows::write(&schema, &WriteOptions::default(), rows).unwrap().metadata.hashes;
        let whole = hashes(&rows);
        let (left, right) = rows.split_at(cut.min(rows.len()));
        let mut sum = Hashes::default();
        sum.merge(&hashes(right));
        sum.merge(&hashes(left));
        prop_assert_eq!(sum, whole);
    }

    #[test]
    fn a_value_that_moves_to_another_row_changes_only_the_row_hash(
        rows in rows::rows(&rows::kinds(), 20), from in 0usize..20, to in 0usize..20, column in 0usize..16,
    ) {
        let schema = rows::schema(&rows::kinds());
        let hashes = |rows: &[Row]| rows::write(&schema, &WriteOptions::default(), rows).unwrap().metadata.hashes;
        prop_assume!(from < rows.len() && to < rows.len());
        let mut swapped = rows.clone();
        swapped[from][column] = rows[to][column].clone();
        swapped[to][column] = rows[from][column].clone();
        let (before, after) = (hashes(&rows), hashes(&swapped));
        prop_assert_eq!(&before.columns, &after.columns);
        let same_rows = rows == swapped || (rows[from] == swapped[to] && rows[to] == swapped[from]);
        prop_assert_eq!(before.row == after.row, same_rows);
    }
}

#[test]
fn no_row_one_row_and_only_null() {
    let kinds = rows::kinds();
    for count in [0, 1, 2500] {
        let rows = vec![vec![Cell::Null; kinds.len()]; count];
        let written = rows::write(&rows::schema(&kinds), &WriteOptions::default(), &rows).unwrap();
        let (objects, size) = rows::store(&written);
        assert_eq!(rows::read(&objects, size).unwrap(), rows);
        assert_eq!((written.min_time, written.max_time), (i64::MAX, i64::MIN));
        assert!(
            written
                .statistics
                .iter()
                .all(|s| s.nulls == count as u64 && s.min.is_none())
        );
        verify(&objects, OBJECT, size, None, &written.metadata).unwrap();
    }
}

#[test]
fn values_of_a_megabyte() {
    let kinds = [Kind::Int64, Kind::Text, Kind::Binary];
    let row = |n: usize| {
        let text: String = (0..1 << 20)
            .map(|i| char::from(b'a' + ((i * n) % 23) as u8))
            .collect();
        vec![
            Cell::I64(n as i64),
            Cell::Text(text.clone()),
            Cell::Bytes(text.into_bytes()),
        ]
    };
    let rows: Vec<Row> = (0..30).map(row).collect();
    let options = WriteOptions {
        max_row_group_bytes: 8 << 20,
        ..WriteOptions::default()
    };
    let written = rows::write(&rows::schema(&kinds), &options, &rows).unwrap();
    assert!(written.row_groups > 1);
    let (objects, size) = rows::store(&written);
    assert!(rows::read(&objects, size).unwrap() == rows);
}

#[test]
fn numbers_that_are_equal_or_not_ordered_keep_what_they_are() {
    let hashes = |value: f64| {
        let rows = vec![vec![Cell::I64(0), Cell::F64(value)]];
        rows::write(
            &rows::schema(&[Kind::Int64, Kind::Float64]),
            &WriteOptions::default(),
            &rows,
        )
        .unwrap()
        .metadata
        .hashes
    };
    assert_eq!(
        hashes(f64::NAN),
        hashes(f64::from_bits(f64::NAN.to_bits() | 1 << 63 | 5))
    );
    assert_ne!(hashes(0.0), hashes(-0.0));
}

#[test]
fn a_field_that_the_file_lacks_is_null() {
    let rows: Vec<Row> = (0..10).map(|n| vec![Cell::I64(n)]).collect();
    let written = rows::write(&rows::schema(&[Kind::Int64]), &WriteOptions::default(), &rows).unwrap();
    let (objects, size) = rows::store(&written);
    let file = File::open(&objects, OBJECT, size, None, &Cache::new(0)).unwrap();
    for ids in [vec![7, 100, 7], vec![7]] {
        let mut batches = file.scan(0, &Selection::all(10), &ids, 4, false).unwrap();
        let batch = batches.next(&objects).unwrap().unwrap();
        assert_eq!((batch.rows, batch.columns.len()), (4, ids.len()));
        assert_eq!(batch.columns[0].logical_null_count(), 4);
    }
    let mut counted = file
        .scan(0, &Selection::new([2..5, 8..10]), &[], 100, true)
        .unwrap();
    assert_eq!(
        counted.next(&objects).unwrap().map(|b| (b.rows, b.first_row)),
        Some((2, 9))
    );
    assert_eq!(
        counted.next(&objects).unwrap().map(|b| (b.rows, b.first_row)),
        Some((3, 4))
    );
    assert!(counted.next(&objects).unwrap().is_none());
}

#[test]
fn rows_out_of_order_are_seen_and_a_promise_is_held() {
    let write = |times: &[Option<i64>], sorted| {
        let rows: Vec<Row> = times
            .iter()
            .map(|t| vec![t.map_or(Cell::Null, Cell::I64)])
            .collect();
        let options = WriteOptions {
            sorted,
            max_row_group_rows: 2,
            ..WriteOptions::default()
        };
        rows::write(&rows::schema(&[Kind::Timestamp { utc: true }]), &options, &rows)
    };
    assert!(
        write(&[Some(1), Some(1), Some(3), None, None], true)
            .unwrap()
            .sorted
    );
    for times in [&[Some(1), Some(3), Some(2)][..], &[Some(1), None, Some(3)]] {
        assert!(!write(times, false).unwrap().sorted);
        assert_eq!(
            write(times, true).unwrap_err().kind(),
            ErrorKind::NotRepresentable
        );
    }
    let written = write(&[Some(5), Some(-5)], false).unwrap();
    assert_eq!((written.min_time, written.max_time), (-5, 5));
}

#[test]
fn a_value_that_does_not_fit_is_an_error_of_its_row() {
    let error = |kind: Kind, cell: Cell| {
        let rows = vec![vec![Cell::I64(1), cell]];
        rows::write(
            &rows::schema(&[Kind::Int64, kind]),
            &WriteOptions::default(),
            &rows,
        )
        .unwrap_err()
    };
    for (kind, cell) in [
        (Kind::Int32, Cell::I64(1)),
        (Kind::Text, Cell::Bytes(vec![1])),
        (Kind::Binary, Cell::Text("x".into())),
        (Kind::Time, Cell::I64(86_400_000_000)),
        (
            Kind::Decimal {
                precision: 4,
                scale: 2,
            },
            Cell::Decimal(10_000),
        ),
        (Kind::Uuid, Cell::Bool(true)),
    ] {
        assert_eq!(error(kind, cell).kind(), ErrorKind::NotRepresentable);
    }
    let error = error(
        Kind::Decimal {
            precision: 4,
            scale: 2,
        },
        Cell::Decimal(-10_000),
    );
    assert_eq!(
        error.detail().unwrap(),
        "-10000 has more digits than decimal(4,2) holds."
    );

    let mut writer = Writer::new(
        &rows::schema(&[Kind::Int64, Kind::Int64]),
        &WriteOptions::default(),
    )
    .unwrap();
    writer.columns()[0].i64(1);
    assert_eq!(writer.end_row().unwrap_err().kind(), ErrorKind::NotRepresentable);
    assert!(writer.finish(rows::about()).is_err());
}

#[test]
fn an_object_is_full_near_its_limit_and_at_the_same_row_each_time() {
    let write = || {
        let options = WriteOptions {
            compression: Compression::None,
            max_object_bytes: 4 << 20,
            max_row_group_rows: 50_000,
            ..WriteOptions::default()
        };
        let mut writer = Writer::new(&rows::schema(&[Kind::Int64, Kind::Binary]), &options).unwrap();
        let (mut random, mut rows) = (7u64, 0u64);
        loop {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            writer.columns()[0].i64(random as i64);
            writer.columns()[1].bytes(&random.to_be_bytes());
            rows += 1;
            if writer.end_row().unwrap() {
                break;
            }
        }
        (rows, writer.finish(rows::about()).unwrap().bytes.len())
    };
    let (rows, bytes) = write();
    assert!((3 << 20..6 << 20).contains(&bytes), "{bytes}");
    assert_eq!(write().0, rows);
}

#[test]
fn an_object_of_rows_that_compress_well_holds_more_of_them() {
    let limit = 1 << 20;
    let options = WriteOptions {
        max_object_bytes: limit,
        max_row_group_rows: 50_000,
        ..WriteOptions::default()
    };
    let mut writer = Writer::new(&rows::schema(&[Kind::Int64, Kind::Int64]), &options).unwrap();
    for n in 0..500_000 {
        writer.columns()[0].i64(n % 7);
        writer.columns()[1].i64(n / 1000);
        assert!(!writer.end_row().unwrap(), "full at row {n}");
    }
    assert!(writer.finish(rows::about()).unwrap().bytes.len() < limit / 4);
}
