//! Pruning never rules out a row that matches: against brute force, on values that make it hard.

#![allow(clippy::panic)]

mod rows;

use kpi_archive::{Cache, File, Kind, Predicate, Selection, Test, Value, WriteOptions, may_match};
use proptest::prelude::*;
use rows::{Cell, OBJECT, Row};
use std::cmp::Ordering;

/// What PostgreSQL compares: NaN equals itself and is above all; -0.0 equals 0.0; text byte by byte.
fn order(kind: Kind, cell: &Cell, value: &Value) -> Option<Ordering> {
    let float = |a: f64, b: f64| match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        _ if a == b => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        _ => a.total_cmp(&b),
    };
    Some(match (cell, value) {
        (Cell::Null, _) => return None,
        (Cell::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Cell::I16(a), Value::Int(b)) => i64::from(*a).cmp(b),
        (Cell::I32(a), Value::Int(b)) => i64::from(*a).cmp(b),
        (Cell::I64(a), Value::Int(b)) => a.cmp(b),
        (Cell::F32(a), Value::Float(b)) => float(f64::from(*a), *b),
        (Cell::F64(a), Value::Float(b)) => float(*a, *b),
        (Cell::Decimal(a), Value::Decimal { unscaled, scale }) => {
            let Kind::Decimal { scale: own, .. } = kind else {
                panic!("{kind}")
            };
            // Small enough for both to be brought to the same scale.
            (a * 10i128.pow(u32::from(*scale))).cmp(&(unscaled * 10i128.pow(u32::from(own))))
        }
        (Cell::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Cell::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Cell::Uuid(a), Value::Uuid(b)) => a.cmp(b),
        _ => panic!("{cell:?} against {value:?}"),
    })
}

fn matches(kind: Kind, cell: &Cell, test: &Test) -> bool {
    let is =
        |value: &Value, orders: &[Ordering]| order(kind, cell, value).is_some_and(|o| orders.contains(&o));
    match test {
        Test::Eq(v) => is(v, &[Ordering::Equal]),
        Test::Lt(v) => is(v, &[Ordering::Less]),
        Test::Le(v) => is(v, &[Ordering::Less, Ordering::Equal]),
        Test::Gt(v) => is(v, &[Ordering::Greater]),
        Test::Ge(v) => is(v, &[Ordering::Greater, Ordering::Equal]),
        Test::In(list) => list.iter().any(|v| is(v, &[Ordering::Equal])),
        Test::IsNull => *cell == Cell::Null,
        Test::IsNotNull => *cell != Cell::Null,
        Test::Prefix(prefix) => matches!(cell, Cell::Text(text) if text.starts_with(prefix.as_str())),
    }
}

fn kinds() -> Vec<Kind> {
    let decimal = |precision, scale| Kind::Decimal { precision, scale };
    let mut kinds = rows::kinds();
    kinds.retain(|kind| !matches!(kind, Kind::Decimal { .. }));
    kinds.extend([decimal(5, 2), decimal(12, 2), decimal(20, 2)]);
    kinds
}

fn value(kind: Kind, cell: Cell) -> Option<Value> {
    Some(match cell {
        Cell::Null => return None,
        Cell::Bool(v) => Value::Bool(v),
        Cell::I16(v) => Value::Int(i64::from(v)),
        Cell::I32(v) => Value::Int(i64::from(v)),
        Cell::I64(v) => Value::Int(v),
        Cell::F32(v) => Value::Float(f64::from(v)),
        Cell::F64(v) => Value::Float(v),
        Cell::Decimal(unscaled) => {
            let Kind::Decimal { scale, .. } = kind else {
                return None;
            };
            // The same number, or one between two of the column's.
            if unscaled % 2 == 0 {
                Value::Decimal { unscaled, scale }
            } else {
                Value::Decimal {
                    unscaled: unscaled * 10 + unscaled.signum() * 3,
                    scale: scale + 1,
                }
            }
        }
        Cell::Text(v) => Value::Text(v),
        Cell::Bytes(v) => Value::Bytes(v),
        Cell::Uuid(v) => Value::Uuid(v),
    })
}

/// Values that lie close together half of the time, so that tests hit them and bounds are near.
fn close(kind: Kind) -> BoxedStrategy<Cell> {
    let near = match kind {
        Kind::Int16 => (-4i16..4).prop_map(Cell::I16).boxed(),
        Kind::Int32 | Kind::Date => (-4i32..4).prop_map(Cell::I32).boxed(),
        Kind::Int64 | Kind::Timestamp { .. } => (-4i64..4).prop_map(Cell::I64).boxed(),
        Kind::Time => (0i64..8).prop_map(Cell::I64).boxed(),
        Kind::Float32 => prop_oneof![(-2i8..2).prop_map(f32::from), Just(-0.0), Just(f32::NAN)]
            .prop_map(Cell::F32)
            .boxed(),
        Kind::Float64 => prop_oneof![(-2i8..2).prop_map(f64::from), Just(-0.0), Just(f64::NAN)]
            .prop_map(Cell::F64)
            .boxed(),
        Kind::Decimal { .. } => (-4i128..4).prop_map(Cell::Decimal).boxed(),
        Kind::Text => "[ab]{0,2}|a{63,66}|\u{10FFFF}{15,18}"
            .prop_map(Cell::Text)
            .boxed(),
        Kind::Binary => prop::collection::vec(254u8.., 0..70)
            .prop_map(Cell::Bytes)
            .boxed(),
        Kind::Uuid => (0u8..3).prop_map(|v| Cell::Uuid([v * 127; 16])).boxed(),
        Kind::Bool => any::<bool>().prop_map(Cell::Bool).boxed(),
    };
    prop_oneof![3 => near, 1 => rows::cell(kind), 1 => Just(Cell::Null)].boxed()
}

fn test(kind: Kind) -> BoxedStrategy<Test> {
    let value = close(kind).prop_filter_map("not NULL", move |cell| value(kind, cell));
    let one = (value.clone(), 0..5).prop_map(|(value, which)| match which {
        0 => Test::Eq(value),
        1 => Test::Lt(value),
        2 => Test::Le(value),
        3 => Test::Gt(value),
        _ => Test::Ge(value),
    });
    let list = prop::collection::vec(value, 0..4).prop_map(Test::In);
    let prefix = "[ab]{0,3}|a{60,66}|\u{10FFFF}{1,17}".prop_map(Test::Prefix);
    match kind {
        Kind::Text => {
            prop_oneof![4 => one, 2 => list, 3 => prefix, 1 => Just(Test::IsNull), 1 => Just(Test::IsNotNull)]
                .boxed()
        }
        _ => prop_oneof![6 => one, 2 => list, 1 => Just(Test::IsNull), 1 => Just(Test::IsNotNull)].boxed(),
    }
}

fn case() -> impl Strategy<Value = (Vec<Kind>, Vec<Row>, Vec<(usize, Test)>)> {
    prop::sample::select(kinds()).prop_flat_map(|kind| {
        let kinds = vec![Kind::Int64, kind];
        // Runs of equal values make row groups and pages that hold little.
        let runs = prop::collection::vec((close(kinds[0]), close(kind), 1usize..6), 0..30);
        let rows = runs.prop_map(|runs| {
            runs.into_iter()
                .flat_map(|(a, b, n)| std::iter::repeat_n(vec![a, b], n))
                .collect::<Vec<Row>>()
        });
        let tests = prop::collection::vec(
            prop_oneof![
                test(kinds[0]).prop_map(|t| (0, t)),
                test(kind).prop_map(|t| (1, t)),
                test(kind).prop_map(|t| (1, t))
            ],
            1..3,
        );
        (Just(kinds), rows, tests)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn nothing_that_matches_is_ruled_out(
        (kinds, rows, tests) in case(), max_row_group_rows in 1usize..40, max_page_rows in 1usize..12, bloom in any::<bool>(),
    ) {
        let mut schema = rows::schema(&kinds);
        schema.columns.iter_mut().for_each(|column| column.bloom = bloom);
        let options = WriteOptions { max_row_group_rows, max_page_rows, ..WriteOptions::default() };
        let written = rows::write(&schema, &options, &rows).unwrap();
        let (objects, size) = rows::store(&written);
        let file = File::open(&objects, OBJECT, size, None, &Cache::new(0)).unwrap();
        let predicates: Vec<_> = tests.iter().map(|(column, test)| Predicate {
            field_id: schema.columns[*column].field_id, kind: kinds[*column], test: test.clone(),
        }).collect();
        let passes = |row: &Row| tests.iter().all(|(column, test)| matches(kinds[*column], &row[*column], test));

        let whole = predicates.iter().zip(&tests).all(|(predicate, (column, _))| {
            let nan = written.metadata.nan.contains(&predicate.field_id);
            may_match(&written.statistics[*column], rows.len() as u64, nan, predicate)
        });
        prop_assert!(whole || !rows.iter().any(passes));

        let mut start = 0;
        for row_group in 0..file.row_groups() {
            let count = file.rows(row_group);
            let group = &rows[start..start + count as usize];
            start += count as usize;
            let selection = file.prune(&objects, row_group, &predicates).unwrap().unwrap_or_default();
            for (i, row) in group.iter().enumerate() {
                let chosen = selection.ranges().iter().any(|range| range.contains(&(i as u64)));
                prop_assert!(chosen || !passes(row), "row {i} of row group {row_group}: {row:?}");
            }
        }
    }

    #[test]
    fn statistics_are_bounds_and_exact_ones_occur((kinds, rows, _) in case(), max_row_group_rows in 1usize..40) {
        let schema = rows::schema(&kinds);
        let options = WriteOptions { max_row_group_rows, ..WriteOptions::default() };
        let written = rows::write(&schema, &options, &rows).unwrap();
        for (column, kind) in kinds.iter().enumerate() {
            let known = &written.statistics[column];
            let cells: Vec<_> = rows.iter().map(|row| &row[column]).collect();
            prop_assert_eq!(known.nulls as usize, cells.iter().filter(|c| ***c == Cell::Null).count());
            let is_nan = |cell: &Cell| matches!(cell, Cell::F32(v) if v.is_nan()) || matches!(cell, Cell::F64(v) if v.is_nan());
            prop_assert_eq!(written.metadata.nan.contains(&known.field_id), cells.iter().any(|c| is_nan(c)));
            let values = || cells.iter().filter(|c| ***c != Cell::Null && !is_nan(c));
            for (bound, beyond) in [(&known.min, Ordering::Less), (&known.max, Ordering::Greater)] {
                let Some(bound) = bound else { prop_assert!(!known.exact); continue };
                prop_assert!(values().all(|cell| order(*kind, cell, bound) != Some(beyond)));
                prop_assert!(!known.exact || values().any(|cell| order(*kind, cell, bound) == Some(Ordering::Equal)));
            }
        }
    }
}

#[test]
fn a_day_of_a_year_is_found_by_reading_little() {
    let rows: Vec<Row> = (0..40_000)
        .map(|n| vec![Cell::I64(n), Cell::Text(format!("tag{}", n / 4000))])
        .collect();
    let schema = rows::schema(&[Kind::Timestamp { utc: true }, Kind::Text]);
    let options = WriteOptions {
        max_row_group_rows: 10_000,
        max_page_rows: 1000,
        sorted: true,
        ..WriteOptions::default()
    };
    let written = rows::write(&schema, &options, &rows).unwrap();
    let (objects, size) = rows::store(&written);
    let file = File::open(&objects, OBJECT, size, None, &Cache::new(0)).unwrap();
    let on = |column: usize, test| Predicate {
        field_id: schema.columns[column].field_id,
        kind: schema.columns[column].kind,
        test,
    };
    let range = [
        on(0, Test::Ge(Value::Int(12_345))),
        on(0, Test::Lt(Value::Int(12_400))),
    ];
    let chosen: Vec<_> = (0..4).map(|g| file.prune(&objects, g, &range).unwrap()).collect();
    assert_eq!(
        chosen,
        [
            None,
            Some(Selection::all(3000).intersect(&Selection::new(std::iter::once(2000..10_000)))),
            None,
            None
        ]
    );
    // Within the bounds of row groups, but in none: only the bloom filter knows.
    let absent = [on(1, Test::Eq(Value::Text("tag15".into())))];
    assert!((0..4).all(|g| file.prune(&objects, g, &absent).unwrap().is_none()));
    // A column that is something else in the table now, or that the file lacks, rules out nothing.
    let other = Predicate {
        field_id: schema.columns[0].field_id,
        kind: Kind::Date,
        test: Test::Eq(Value::Int(-1)),
    };
    let lacking = Predicate {
        field_id: -7,
        kind: Kind::Date,
        test: Test::Eq(Value::Int(-1)),
    };
    assert_eq!(
        file.prune(&objects, 0, &[other, lacking])
            .unwrap()
            .map(|s| s.rows()),
        Some(10_000)
    );
}
