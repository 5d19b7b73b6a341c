use super::merged;
use kpi_stats::{By, Element, End, Error, Extremes, Float, State};
use proptest::prelude::*;

/// The n first of the values in order, from the end that is asked for.
fn expected<E: Element>(values: &[E], end: End, n: usize) -> Vec<E> {
    let mut sorted = values.to_vec();
    sorted.sort();
    if end == End::Largest {
        sorted.reverse();
    }
    sorted.truncate(n);
    sorted
}

fn check<E: Element>(values: &[E], end: End, n: usize, parts: usize, seed: u64) {
    let empty = Extremes::new(end, n as i64).unwrap();
    let merged = merged(&empty, values, parts, seed, |state, value: &E| {
        let (keeps, before) = (state.keeps(value), state.values());
        state.add(value.clone());
        assert_eq!(keeps, state.values() != before || before.len() < n);
    });
    assert_eq!(merged.values(), expected(values, end, n));
    assert_eq!(merged.len(), values.len().min(n));
    let mut whole = empty;
    values.iter().for_each(|value| whole.add(value.clone()));
    assert_eq!(merged, whole);
    assert_eq!(merged.encode(), whole.encode());
}

#[test]
fn empty_and_wrong() {
    let empty = Extremes::<i64>::new(End::Smallest, 3).unwrap();
    assert!(empty.is_empty() && empty.values().is_empty() && empty.capacity() == 3);
    for n in [0, -1, 65_537, i64::MIN, i64::MAX] {
        assert!(
            matches!(Extremes::<i64>::new(End::Largest, n), Err(Error::Argument { .. })),
            "{n}"
        );
    }
    assert!(!empty.fits(&Extremes::new(End::Smallest, 4).unwrap()));
    assert!(!empty.fits(&Extremes::new(End::Largest, 3).unwrap()));
}

/// NaN is the largest value, and every zero is the same.
#[test]
fn floats_are_in_the_order_of_postgresql() {
    let values = [0.0, f64::NAN, -0.0, f64::INFINITY, f64::NEG_INFINITY, 1.0].map(Float::new);
    let read = |end| {
        let mut state = Extremes::new(end, 3).unwrap();
        values.iter().for_each(|x| state.add(*x));
        state.values().iter().map(|x| x.get()).collect::<Vec<_>>()
    };
    assert_eq!(read(End::Smallest), [f64::NEG_INFINITY, 0.0, 0.0]);
    assert!(read(End::Largest)[0].is_nan());
    assert_eq!(read(End::Largest)[1..], [f64::INFINITY, 1.0]);
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Smallest), Just(End::Largest)]
}

proptest! {
    #[test]
    fn floats(values in prop::collection::vec(prop_oneof![-3.0..3.0f64, any::<f64>(), Just(1.0)], 0..100), end in end(), n in 1..20usize, parts in 1..5usize, seed: u64) {
        check(&values.into_iter().map(Float::new).collect::<Vec<_>>(), end, n, parts, seed);
    }

    #[test]
    fn integers(values in prop::collection::vec(prop_oneof![-9..9i64, any::<i64>()], 0..100), end in end(), n in 1..20usize, parts in 1..5usize, seed: u64) {
        check(&values, end, n, parts, seed);
    }

    #[test]
    fn bytes(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3), 0..100), end in end(), n in 1..20usize, parts in 1..5usize, seed: u64) {
        check(&values, end, n, parts, seed);
    }

    /// Of equal values the data decide, so that even ties do not depend on the order.
    #[test]
    fn values_with_data(values in prop::collection::vec((0..4i64, prop::collection::vec(any::<u8>(), 0..2)), 0..100), end in end(), n in 1..20usize, parts in 1..5usize, seed: u64) {
        check(&values.into_iter().map(|(key, data)| By { key, data }).collect::<Vec<_>>(), end, n, parts, seed);
    }
}
