use kpi_stats::HyperLogLog;
use proptest::prelude::*;

/// The states of two sets with so many values only in one, only in the other, and in both.
fn sets(size: i64, seed: u64, [a, b, both]: [u64; 3]) -> (HyperLogLog, HyperLogLog) {
    let mut states = [(); 2].map(|()| HyperLogLog::with_registers(size).unwrap());
    let hash = |i: u64| HyperLogLog::mix(seed << 40 | i);
    for i in 0..a + both {
        states[0].add_hash(hash(i));
    }
    for i in a..a + both + b {
        states[1].add_hash(hash(i));
    }
    let [first, second] = states;
    (first, second)
}

/// The root mean square of the errors is within what is stated (and within what so few draws can tell): from no value in
/// common to all of them, from equal sizes to a hundredth.
#[test]
fn error_is_what_is_stated() {
    const SEEDS: u64 = 30;
    for sizes in [
        [20_000, 20_000, 0],
        [20_000, 20_000, 200],
        [20_000, 20_000, 5_000],
        [10_000, 10_000, 30_000],
        [0, 0, 40_000],
        [0, 40_000, 400],
        [40_000, 400, 400],
        [100_000, 50_000, 10_000],
    ] {
        let (mut squares, mut stated) = (0.0, 0.0f64);
        for seed in 0..SEEDS {
            let (a, b) = sets(1024, seed, sizes);
            let found = a.intersection(&b);
            assert_eq!(found.count, b.intersection(&a).count, "{sizes:?}");
            squares += (found.count as f64 - sizes[2] as f64).powi(2);
            stated += found.standard_error / SEEDS as f64;
        }
        let error = (squares / SEEDS as f64).sqrt();
        println!("{sizes:?}: root mean square {error:.0}, stated {stated:.0}");
        assert!(
            error <= stated * (1.0 + 3.0 / (2.0 * SEEDS as f64).sqrt()),
            "{sizes:?}: {error} of {stated}"
        );
    }
}

/// Far better than adding and subtracting where little is in common.
#[test]
fn better_than_inclusion_and_exclusion() {
    const SEEDS: u64 = 30;
    let (mut likely, mut added) = (0.0, 0.0);
    for seed in 0..SEEDS {
        let (a, b) = sets(1024, seed, [50_000, 5_000, 500]);
        let mut union = a.clone();
        kpi_stats::State::merge(&mut union, &b);
        let estimate = a.distinct_count() as f64 + b.distinct_count() as f64 - union.distinct_count() as f64;
        added += (estimate - 500.0).powi(2);
        likely += (a.intersection(&b).count as f64 - 500.0).powi(2);
    }
    println!(
        "likelihood {:.0}, inclusion-exclusion {:.0}",
        (likely / 30.0f64).sqrt(),
        (added / 30.0f64).sqrt()
    );
    assert!(likely < added / 2.0);
}

#[test]
fn few_values_are_nearly_exact() {
    for sizes in [[0, 0, 0], [0, 0, 1], [5, 0, 0], [500, 300, 200], [0, 900, 900]] {
        let (a, b) = sets(16_384, 1, sizes);
        assert_eq!(a.intersection(&b).count, sizes[2], "{sizes:?}");
    }
    let (a, _) = sets(16_384, 2, [0, 0, 100_000]);
    assert_eq!(a.intersection(&HyperLogLog::default()).count, 0);
    assert_eq!(a.intersection(&HyperLogLog::neutral()).count, 0);
}

proptest! {
    /// Whatever the sizes and precisions, no more than either has, and the same from both sides.
    #[test]
    fn never_more_than_either(a in 0..4000u64, b in 0..4000u64, both in 0..4000u64, low in 4..10u32, high in 4..15u32) {
        let (first, _) = sets(1 << low, 3, [a, b, both]);
        let (_, second) = sets(1 << high, 3, [a, b, both]);
        let found = first.intersection(&second);
        prop_assert!(found.standard_error.is_finite() && found.standard_error >= 0.0);
        let error = 1.04 / f64::from(1u32 << low.min(high)).sqrt();
        prop_assert!(found.count as f64 <= (a.min(b) + both) as f64 * (1.0 + 8.0 * error) + 2.0);
        prop_assert_eq!(found.count, second.intersection(&first).count);
    }
}
