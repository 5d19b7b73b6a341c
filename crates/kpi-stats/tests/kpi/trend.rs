use super::{merged, uniform, whole};
use kpi_stats::{State, Trend};
use proptest::prelude::*;

const SECOND: i64 = 1_000_000;

fn of(points: &[(i64, f64)]) -> Trend {
    whole(&Trend::default(), points, add)
}

fn add(state: &mut Trend, (time, x): &(i64, f64)) {
    state.add(*time, *x);
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9 * (1.0 + b.abs()), "{a} is not {b}");
}

/// pymannkendall.original_test and scipy.stats.theilslopes (of all and with alpha = 0.9).
#[test]
fn results_of_other_programs() {
    let values = [0, 10, 1, 6, 4, 4, 7, 2, 12, 2, 6, 2, 13, 4, 9, 6, 7, 10, 5, 14];
    let points: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(t, x)| (t as i64 * SECOND, f64::from(*x)))
        .collect();
    let trend = of(&points);
    let test = trend.mann_kendall().unwrap();
    close(test.s, 63.0);
    close(test.variance, 937.0);
    close(test.z, 2.025_451_713_192_883_8);
    close(test.p_value, 0.042_821_001_946_431_236);
    close(trend.slope().unwrap(), 0.281_746_031_746_031_74);
    let (low, high) = trend.slope_interval(0.95).unwrap().unwrap();
    close(low, 0.0);
    close(high, 0.642_857_142_857_142_9);
    let (low, high) = trend.slope_interval(0.9).unwrap().unwrap();
    close(low, 0.071_428_571_428_571_42);
    close(high, 0.571_428_571_428_571_4);
}

/// Ties in both times and values: the variance over all permutations of the values, the slope of scipy.stats.theilslopes, the
/// tau of scipy.stats.kendalltau.
#[test]
fn ties_in_times_and_values() {
    let times = [0, 0, 1, 2, 2, 2, 3];
    let values = [1.0, 2.0, 2.0, 3.0, 1.0, 3.0, 3.0];
    let points: Vec<_> = times.iter().map(|t| t * SECOND).zip(values).collect();
    let test = of(&points).mann_kendall().unwrap();
    close(test.s, 9.0);
    close(test.variance, 34.971_428_571_428_57);
    close(test.tau, 0.545_705_156_331_749_2);
    close(of(&points).slope().unwrap(), 0.5);
}

#[test]
fn what_has_no_trend() {
    let none = |points: &[(i64, f64)]| of(points).mann_kendall().is_none();
    assert!(none(&[]) && none(&[(0, 1.0)]) && none(&[(0, 1.0), (0, 2.0)]) && none(&[(0, 1.0), (5, 1.0)]));
    assert_eq!(of(&[(0, 1.0), (0, 2.0)]).slope(), None);
    assert_eq!(of(&[(0, 1.0), (0, 2.0)]).slope_interval(0.9).unwrap(), None);
    assert_eq!(of(&[(0, 1.0), (SECOND, 1.0)]).slope(), Some(0.0));
    assert_eq!(of(&[]).value_at(0), None);
    assert!(of(&[]).slope_interval(1.0).is_err());
    let balanced = of(&[(0, 1.0), (1, 2.0), (2, 1.0)]).mann_kendall().unwrap();
    assert_eq!(
        (balanced.s, balanced.z, balanced.p_value, balanced.tau),
        (0.0, 0.0, 1.0, 0.0)
    );
}

#[test]
fn special_values_and_times() {
    let trend = of(&[
        (0, f64::NAN),
        (i64::MIN, -0.0),
        (i64::MAX, 0.0),
        (5, f64::INFINITY),
    ]);
    assert_eq!(
        (trend.num_vals(), trend.num_skipped(), trend.sample_size()),
        (2, 2, 2)
    );
    assert_eq!(trend.slope(), Some(0.0));
    let steep = of(&[(i64::MIN, f64::MIN), (i64::MAX, f64::MAX), (0, 0.0)]);
    assert_eq!(steep.mann_kendall().unwrap().s, 3.0);
    assert_eq!(Trend::decode(&steep.encode()).unwrap(), steep);
}

proptest! {
    #[test]
    fn merge_is_the_whole(points in prop::collection::vec((-20..20i64, (-5..5i32).prop_map(f64::from)), 0..200), parts in 1..6usize, seed: u64) {
        prop_assert_eq!(merged(&Trend::default(), &points, parts, seed, add), of(&points));
    }
}

/// Three thousand points, each up to three times: the sample is that of the whole in any split, and its trend that of all.
#[test]
fn merge_is_the_whole_beyond_the_sample() {
    let points: Vec<_> = (0..6000u64)
        .map(|i| {
            (
                i as i64 % 3000 * SECOND,
                0.01 * (i % 3000) as f64 + 10.0 * uniform(i % 3000),
            )
        })
        .collect();
    let whole = of(&points);
    assert_eq!((whole.num_vals(), whole.sample_size()), (6000, 2048));
    for seed in 0..4 {
        let merged = merged(&Trend::default(), &points, 4, seed, add);
        assert_eq!(merged, whole);
        assert_eq!(merged.encode(), whole.encode());
    }
    assert!((whole.slope().unwrap() - 0.01).abs() < 0.0005);
    let (low, high) = whole.slope_interval(0.999).unwrap().unwrap();
    assert!(low < 0.01 && 0.01 < high);
    assert!(whole.mann_kendall().unwrap().p_value < 1e-9);
    assert!(whole.encode().len() < 20_000);
}
