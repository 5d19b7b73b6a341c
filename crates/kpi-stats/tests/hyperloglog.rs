//! What `hyperloglog` promises: its error, its size, and that a merge is the whole.
#![allow(clippy::unwrap_used, clippy::panic)]

use kpi_stats::{HyperLogLog, State};
use proptest::prelude::*;

fn count_of(size: i64, seed: u64, distinct: u64) -> HyperLogLog {
    let mut state = HyperLogLog::with_registers(size).unwrap();
    (0..distinct).for_each(|i| state.add_hash(HyperLogLog::mix(seed * distinct + i)));
    state
}

/// Root mean square and mean of the relative errors over `seeds` disjoint sets.
fn errors(size: i64, distinct: u64, seeds: u64) -> (f64, f64) {
    let errors: Vec<f64> = (0..seeds)
        .map(|seed| count_of(size, seed, distinct).distinct_count() as f64 / distinct as f64 - 1.0)
        .collect();
    let mean_square = errors.iter().map(|error| error * error).sum::<f64>() / seeds as f64;
    (mean_square.sqrt(), errors.iter().sum::<f64>() / seeds as f64)
}

/// The error is the standard error and the bias none, each within three times what so few draws can tell.
fn assert_standard(size: i64, distinct: u64, seeds: u64) {
    let standard = HyperLogLog::with_registers(size).unwrap().standard_error();
    let (error, bias) = errors(size, distinct, seeds);
    println!("{size} registers, {distinct}: root mean square {error:.5} of {standard:.5}, bias {bias:.5}");
    assert!(
        error <= standard * (1.0 + 3.0 / (2.0 * seeds as f64).sqrt()),
        "{size}, {distinct}: {error}"
    );
    assert!(
        bias.abs() <= 3.0 * standard / (seeds as f64).sqrt(),
        "{size}, {distinct}: {bias}"
    );
}

/// From the sparse form through the switch to ten million.
#[test]
fn error_is_the_standard_error_from_ten_to_ten_million() {
    for distinct in [10, 30, 100, 300, 1000, 2048] {
        let (error, _) = errors(16_384, distinct, 50);
        println!("{distinct}: root mean square {error:.5}");
        // At most one collision of 25-bit prefixes in a few of the sets.
        assert!(error < 2e-3, "{distinct}: {error}");
    }
    for (distinct, seeds) in [
        (2100, 100),
        (5000, 100),
        (20_000, 100),
        (50_000, 100),
        (200_000, 50),
        (1_000_000, 20),
    ] {
        assert_standard(16_384, distinct, seeds);
    }
    assert_standard(16_384, 10_000_000, 4);
}

#[test]
fn other_sizes_have_their_standard_error() {
    for size in [64, 1024, 262_144] {
        for distinct in [20, 500, 20_000, 200_000] {
            assert_standard(size, distinct, 40);
        }
    }
}

#[test]
fn duplicates_do_not_count_and_size_is_bounded() {
    let once = count_of(16_384, 1, 50_000);
    let mut twice = once.clone();
    (0..50_000).for_each(|i| twice.add_hash(HyperLogLog::mix(50_000 + i)));
    assert_eq!(once, twice);
    for distinct in [0, 1, 100, 2048, 2049, 100_000, 3_000_000] {
        let size = count_of(16_384, 2, distinct).encode().len();
        println!("{distinct} distinct: {size} bytes");
        assert!(size <= 8192 + 200, "{distinct}: {size} bytes");
    }
}

#[test]
fn empty_is_zero_and_neutral() {
    assert_eq!(HyperLogLog::default().distinct_count(), 0);
    let full = count_of(1024, 3, 5000);
    let mut merged = HyperLogLog::neutral();
    merged.merge(&full);
    assert_eq!(merged, full);
    let mut merged = full.clone();
    merged.merge(&HyperLogLog::neutral());
    assert_eq!(merged, full);
}

#[test]
fn sizes_out_of_range_are_refused() {
    for size in [i64::MIN, -1, 0, 15, 262_145, i64::MAX] {
        assert!(HyperLogLog::with_registers(size).is_err(), "{size}");
    }
}

proptest! {
    /// Any split, merged in any order and through stored bytes, is the very state of the whole.
    #[test]
    fn merge_is_the_whole(distinct in 0..6000u64, parts in 1..5usize, seed in 0..1000u64) {
        let whole = count_of(16_384, seed, distinct);
        let mut split = vec![HyperLogLog::default(); parts];
        for i in 0..distinct {
            split[HyperLogLog::mix(i) as usize % parts].add_hash(HyperLogLog::mix(seed * distinct + i));
        }
        let mut merged = HyperLogLog::default();
        for part in split.iter().rev() {
            merged.merge(&HyperLogLog::decode(&part.encode()).unwrap());
        }
        prop_assert_eq!(merged, whole);
    }

    /// A state of lower precision is what merging with any state of that precision leaves.
    #[test]
    fn the_lower_precision_wins(a in 0..3000u64, b in 0..3000u64, small in 4..9u32, large in 9..18u32) {
        let (small, large) = (1 << small, 1 << large);
        let mut expected = HyperLogLog::with_registers(small).unwrap();
        (0..a).for_each(|i| expected.add_hash(HyperLogLog::mix(7 * a + i)));
        (0..b).for_each(|i| expected.add_hash(HyperLogLog::mix(8 * b + i)));
        let (first, second) = (count_of(large, 7, a), count_of(small, 8, b));
        let mut merged = first.clone();
        merged.merge(&second);
        prop_assert_eq!(&merged, &expected);
        let mut merged = second;
        merged.merge(&first);
        prop_assert_eq!(&merged, &expected);
    }
}
