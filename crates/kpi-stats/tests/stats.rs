//! What `stats1d` and `stats2d` promise: results of textbook formulas, and that a merge is the whole.
#![allow(clippy::unwrap_used, clippy::panic)]

use Method::{Population, Sample};
use kpi_stats::{Method, State, Stats1d, Stats2d};
use proptest::prelude::*;

fn stats_of(values: &[f64]) -> Stats1d {
    let mut stats = Stats1d::default();
    values.iter().for_each(|x| stats.add(*x));
    stats
}

fn pairs_of(pairs: &[(f64, f64)]) -> Stats2d {
    let mut stats = Stats2d::default();
    pairs.iter().for_each(|(y, x)| stats.add(*y, *x));
    stats
}

fn value(result: Result<Option<f64>, kpi_stats::Error>) -> f64 {
    result.unwrap().unwrap()
}

fn assert_close(a: f64, b: f64, scale: f64) {
    assert!(
        (a - b).abs() <= 1e-12 * scale,
        "{a} is not {b} within 1e-12 of {scale}"
    );
}

/// The mean power of the deviations, by the definition, in two passes.
fn central_moment(values: &[f64], power: i32) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|x| (x - mean).powi(power)).sum::<f64>() / n
}

#[test]
fn moments_are_those_of_the_definition() {
    let values: Vec<f64> = (0..1000).map(|i| f64::from(i * i % 977) / 3.0).collect();
    let stats = stats_of(&values);
    let [m2, m3, m4] = [2, 3, 4].map(|power| central_moment(&values, power));
    assert_close(value(stats.variance(Population)), m2, m2);
    assert_close(value(stats.variance(Sample)), m2 * 1000.0 / 999.0, m2);
    assert_close(value(stats.skewness(Population)), m3 / m2.powf(1.5), 1.0);
    assert_close(value(stats.kurtosis(Population)), m4 / (m2 * m2), 2.0);
    assert_close(value(stats.kurtosis(Sample)), m4 / (m2 * m2) * 0.999, 2.0);
    assert_close(
        value(stats.skewness(Sample)),
        m3 / m2.powf(1.5) * 0.999f64.sqrt(),
        1.0,
    );
}

/// The integers from 0 to 100, whose kurtosis has a closed form: 3/5 · (3n² - 7) / (n² - 1).
#[test]
fn kurtosis_of_a_discrete_uniform_distribution() {
    let stats = stats_of(&(0..=100).map(f64::from).collect::<Vec<_>>());
    let n = 101.0f64;
    let population = 0.6 * (3.0 * n * n - 7.0) / (n * n - 1.0);
    assert_close(value(stats.kurtosis(Population)), population, 2.0);
    assert_close(value(stats.kurtosis(Sample)), population * 100.0 / 101.0, 2.0);
    assert_eq!(value(stats.skewness(Sample)), 0.0);
}

#[test]
fn a_large_offset_costs_no_digits() {
    let shifted: Vec<f64> = (0..1000).map(|i| 1e9 + f64::from(i % 10)).collect();
    assert_close(value(stats_of(&shifted).variance(Population)), 8.25, 8.25);
    // Tenths around an offset are rounded before they come here: the shifted values are what counts.
    let tenths: Vec<f64> = (0..1000).map(|i| 1e9 + f64::from(i % 10) / 10.0).collect();
    let deviations: Vec<f64> = tenths.iter().map(|x| x - 1e9).collect();
    let expected = central_moment(&deviations, 2);
    assert_close(value(stats_of(&tenths).variance(Population)), expected, expected);
    let (left, right) = tenths.split_at(137);
    let mut merged = stats_of(left);
    merged.merge(&stats_of(right));
    assert_close(value(merged.variance(Population)), expected, expected);
    // A line through seconds since 1970.
    let line: Vec<(f64, f64)> = (0..1000)
        .map(|i| (f64::from(i % 7) + 2.0 * f64::from(i), 1.7e9 + f64::from(i)))
        .collect();
    let moved: Vec<(f64, f64)> = line.iter().map(|(y, x)| (*y, x - 1.7e9)).collect();
    assert_close(
        value(pairs_of(&line).slope()),
        value(pairs_of(&moved).slope()),
        2.0,
    );
    assert_close(value(pairs_of(&line).corr()), value(pairs_of(&moved).corr()), 1.0);
}

/// Sums of squares and of products are rounded alike, so a line through whole numbers comes out as it is.
#[test]
fn a_perfect_line_is_perfect() {
    let line: Vec<(f64, f64)> = (1..=1000)
        .map(|i| (2.0 * f64::from(i) + 1.0, f64::from(i)))
        .collect();
    let mut merged = pairs_of(&line[..137]);
    merged.merge(&pairs_of(&line[137..]));
    for stats in [pairs_of(&line), merged] {
        assert_eq!((value(stats.slope()), value(stats.corr())), (2.0, 1.0));
        assert_eq!(
            (value(stats.intercept()), value(stats.determination_coeff())),
            (1.0, 1.0)
        );
    }
}

#[test]
fn too_few_values_give_nothing() {
    let none = Stats1d::default();
    assert_eq!(
        (none.num_vals(), none.sum().unwrap(), none.average().unwrap()),
        (0, None, None)
    );
    let one = stats_of(&[5.0]);
    assert_eq!(
        (one.variance(Sample).unwrap(), one.variance(Population).unwrap()),
        (None, Some(0.0))
    );
    assert_eq!(
        (one.skewness(Population).unwrap(), one.kurtosis(Sample).unwrap()),
        (None, None)
    );
    let pair = pairs_of(&[(1.0, 2.0)]);
    assert_eq!(
        (
            pair.covariance(Sample).unwrap(),
            pair.covariance(Population).unwrap()
        ),
        (None, Some(0.0))
    );
    assert_eq!(
        (
            pair.corr().unwrap(),
            pair.slope().unwrap(),
            pair.determination_coeff().unwrap()
        ),
        (None, None, None)
    );
    assert_eq!(Stats2d::default().slope().unwrap(), None);
}

#[test]
fn equal_values_have_exactly_no_variance() {
    let mut merged = stats_of(&[0.1; 7]);
    merged.merge(&stats_of(&[0.1; 1000]));
    assert_eq!(merged.variance(Sample).unwrap(), Some(0.0));
    assert_eq!(merged.skewness(Sample).unwrap(), None);
    let level = pairs_of(&(0..10).map(|i| (0.1, f64::from(i))).collect::<Vec<_>>());
    assert_eq!(
        (level.corr().unwrap(), level.determination_coeff().unwrap()),
        (None, Some(1.0))
    );
    assert_eq!(
        (level.slope().unwrap(), level.x_intercept().unwrap()),
        (Some(0.0), None)
    );
}

#[test]
fn nan_and_infinities_give_what_postgresql_gives() {
    const INFINITY: f64 = f64::INFINITY;
    const NEG_INFINITY: f64 = f64::NEG_INFINITY;
    const NAN: f64 = f64::NAN;
    let sum = |values: &[f64]| value(stats_of(values).sum());
    assert_eq!(sum(&[1.0, INFINITY, 2.0]), INFINITY);
    assert_eq!(sum(&[NEG_INFINITY, 1.0]), NEG_INFINITY);
    assert!(sum(&[INFINITY, NEG_INFINITY]).is_nan() && sum(&[NAN, 1.0]).is_nan());
    assert!(value(stats_of(&[INFINITY]).variance(Population)).is_nan());
    assert_eq!(stats_of(&[INFINITY]).variance(Sample).unwrap(), None);
    // A constant y decides before a special x does, and only y's moments are spoilt by a special y.
    let pairs = pairs_of(&[(1.0, INFINITY), (1.0, 2.0)]);
    assert_eq!(pairs.corr().unwrap(), None);
    assert_eq!(pairs.determination_coeff().unwrap(), Some(1.0));
    assert!(value(pairs.slope()).is_nan());
    assert_eq!(value(pairs.y().average()), 1.0);
}

#[test]
fn overflow_of_finite_values_is_an_error_where_it_matters() {
    let stats = stats_of(&[1e200, -1e200, 3e200]);
    assert_close(value(stats.sum()), 3e200, 3e200);
    assert_eq!(
        stats.variance(Sample).unwrap_err().to_string(),
        "the variance is out of range: overflow"
    );
    assert!(stats_of(&[f64::MAX, f64::MAX]).sum().is_err());
    let stored = Stats1d::from_text(&stats.to_text()).unwrap();
    assert_eq!(
        (stored.sum(), stored.variance(Sample)),
        (stats.sum(), stats.variance(Sample))
    );
}

#[test]
fn sizes() {
    assert!(stats_of(&[1.0; 1000]).encode().len() <= 55);
    assert!(pairs_of(&[(1.0, 2.0); 1000]).encode().len() <= 105);
}

fn part_of(i: usize, parts: usize) -> usize {
    ((i * 2_654_435_761) >> 7) % parts
}

proptest! {
    /// Merging is rounding away from the whole: by 1e-12 of what the terms amount to.
    #[test]
    fn merge_is_the_whole(values in prop::collection::vec(-1e6..1e6f64, 3..400), parts in 1..6usize) {
        let whole = stats_of(&values);
        let mut split = vec![Stats1d::default(); parts];
        values.iter().enumerate().for_each(|(i, x)| split[part_of(i, parts)].add(*x));
        let mut merged = Stats1d::default();
        split.iter().for_each(|part| merged.merge(part));
        prop_assert_eq!(merged.num_vals(), whole.num_vals());
        assert_close(value(merged.sum()), value(whole.sum()), values.iter().map(|x| x.abs()).sum());
        assert_close(value(merged.variance(Sample)), value(whole.variance(Sample)), value(whole.variance(Sample)));
        assert_close(value(merged.skewness(Sample)), value(whole.skewness(Sample)), value(whole.kurtosis(Sample)));
        assert_close(value(merged.kurtosis(Sample)), value(whole.kurtosis(Sample)), value(whole.kurtosis(Sample)));
    }

    #[test]
    fn merge_of_pairs_is_the_whole(pairs in prop::collection::vec((-1e3..1e3f64, -1e3..1e3f64), 3..400), parts in 1..6usize) {
        let whole = pairs_of(&pairs);
        let mut split = vec![Stats2d::default(); parts];
        pairs.iter().enumerate().for_each(|(i, (y, x))| split[part_of(i, parts)].add(*y, *x));
        let mut merged = Stats2d::default();
        split.iter().for_each(|part| merged.merge(part));
        assert_close(value(merged.corr()), value(whole.corr()), 1.0);
        let scale = value(whole.y().stddev(Population)) / value(whole.x().stddev(Population));
        assert_close(value(merged.slope()), value(whole.slope()), scale);
    }

    /// Special values merge exactly, whatever the order.
    #[test]
    fn special_values_merge_exactly(values in prop::collection::vec(
        prop_oneof![Just(1.0), Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)], 1..20), at in 0..20usize) {
        let (left, right) = values.split_at(at.min(values.len()));
        let mut merged = stats_of(right);
        merged.merge(&stats_of(left));
        if values.iter().any(|x| !x.is_finite()) {
            prop_assert_eq!(merged, stats_of(&values));
        }
    }
}
