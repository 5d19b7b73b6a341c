use super::{merged, uniform};
use kpi_stats::{Error, Frequent, State};
use proptest::prelude::*;
use std::collections::HashMap;

fn add(state: &mut Frequent, value: &String) {
    state.add(value.as_bytes()).unwrap();
}

fn counts(values: &[String]) -> HashMap<&[u8], u64> {
    let mut counts = HashMap::new();
    values
        .iter()
        .for_each(|value| *counts.entry(value.as_bytes()).or_insert(0) += 1);
    counts
}

/// The bounds hold for every value, and no frequent one is missing.
fn assert_bounds(state: &Frequent, values: &[String], largest_error: f64) {
    let (n, counts) = (values.len() as f64, counts(values));
    assert_eq!(state.num_vals(), values.len() as u64);
    assert!(
        state.max_error().unwrap() <= largest_error,
        "{:?}",
        state.max_error()
    );
    for (value, &count) in &counts {
        let truth = count as f64 / n;
        let (low, high) = (
            state.min_frequency(value).unwrap(),
            state.max_frequency(value).unwrap(),
        );
        assert!(low <= truth && truth <= high, "{low} <= {truth} <= {high}");
        assert!(high - low <= largest_error + 1e-12);
    }
    for item in state.values() {
        let count = counts.get(item.value).copied().unwrap_or(0);
        assert!(item.min_count <= count && count <= item.max_count);
    }
}

/// Values of a zeta distribution with the exponent 1.5.
fn skewed(n: u64) -> Vec<String> {
    (0..n)
        .map(|i| ((1.0 - uniform(i)).powf(-2.0) as u64).to_string())
        .collect()
}

#[test]
fn empty_and_wrong() {
    let state = Frequent::at_least(0.1).unwrap();
    assert_eq!(
        (
            state.min_frequency(b"a"),
            state.max_frequency(b"a"),
            state.max_error()
        ),
        (None, None, None)
    );
    assert!(state.values().is_empty() && state.top(3).is_empty());
    for share in [0.0, 1.0, -0.1, f64::NAN, 1e-9] {
        assert!(
            matches!(Frequent::at_least(share), Err(Error::Argument { .. })),
            "{share}"
        );
    }
    for (n, skew) in [
        (0, 1.1),
        (-1, 1.1),
        (5, 1.0),
        (5, f64::NAN),
        (5, f64::INFINITY),
        (1_000_000, 1.1),
        (5, 1.000_001),
    ] {
        assert!(
            matches!(Frequent::most_common(n, skew), Err(Error::Argument { .. })),
            "{n}, {skew}"
        );
    }
    assert!(!state.fits(&Frequent::at_least(0.2).unwrap()));
    let mut state = state;
    assert!(matches!(state.add(&[b'x'; 2049]), Err(Error::Argument { .. })));
    assert_eq!(state.num_vals(), 0);
    state.add(b"").unwrap();
    state.add(&[b'x'; 2048]).unwrap();
    assert_eq!(state.values().len(), 2);
    assert_eq!(Frequent::decode(&state.encode()).unwrap(), state);
}

/// 200000 values, most of them rare: the frequent ones are found in any split, within the stated bounds, in bounded size.
#[test]
fn frequent_values_among_many() {
    let values = skewed(200_000);
    for parts in [1, 3, 8] {
        let share = Frequent::at_least(0.01).unwrap();
        let state = merged(&share, &values, parts, 5, add);
        assert_bounds(&state, &values, 0.01 / 4.0);
        let truly: Vec<_> = counts(&values)
            .into_iter()
            .filter(|(_, count)| *count >= 2000)
            .collect();
        assert!(
            truly
                .iter()
                .all(|(value, _)| state.values().iter().any(|item| item.value == *value))
        );
        assert!(state.values().iter().all(|item| item.max_frequency >= 0.01));
        assert!(state.encode().len() < 10_000);

        let state = merged(&Frequent::most_common(5, 1.5).unwrap(), &values, parts, 5, add);
        let five: Vec<_> = state.values().iter().map(|item| item.value.to_vec()).collect();
        assert_eq!(five, [b"1", b"2", b"3", b"4", b"5"].map(|digit| digit.to_vec()));
        assert_eq!(state.top(2).len(), 2);
    }
}

/// The worst that can come: all values different, and one that is there for a third of the time.
#[test]
fn a_third_among_distinct_values() {
    let values: Vec<_> = (0..90_000)
        .map(|i| if i % 3 == 0 { "same".into() } else { i.to_string() })
        .collect();
    let state = merged(&Frequent::at_least(0.3).unwrap(), &values, 4, 0, add);
    assert_bounds(&state, &values, 0.3 / 4.0);
    let found = state.values();
    assert_eq!((found.len(), found[0].value), (1, b"same".as_slice()));
}

proptest! {
    /// Bounds hold in any split; while there are no more values than counters, a merge is the very state of the whole.
    #[test]
    fn bounds_hold(values in prop::collection::vec("[a-z]{1,2}|a", 1..600), parts in 1..6usize, seed: u64) {
        let empty = Frequent::at_least(0.3).unwrap();
        let merged = merged(&empty, &values, parts, seed, add);
        assert_bounds(&merged, &values, 0.3 / 4.0);
        if counts(&values).len() <= 32 {
            let mut whole = empty;
            values.iter().for_each(|value| add(&mut whole, value));
            prop_assert_eq!(whole.max_error(), Some(0.0));
            prop_assert_eq!(whole, merged);
        }
    }
}
