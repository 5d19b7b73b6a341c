//! What `uddsketch` promises: its error, its size, and that a merge is the whole.
#![allow(clippy::unwrap_used, clippy::panic)]

use kpi_stats::{HyperLogLog, State, UddSketch};
use proptest::prelude::*;

/// The i-th of a fixed sequence of numbers that look uniform in (0, 1).
fn uniform(i: u64) -> f64 {
    ((HyperLogLog::mix(i) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
}

fn log_normal(i: u64) -> f64 {
    let (u, v) = (uniform(2 * i), uniform(2 * i + 1));
    ((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()).exp()
}

fn pareto(i: u64) -> f64 {
    1.0 / uniform(i)
}

fn sketch_of(values: &[f64]) -> UddSketch {
    let mut sketch = UddSketch::default();
    values.iter().for_each(|x| sketch.add(*x));
    sketch
}

/// What `percentile_cont(p)` gives for sorted values.
fn exact(sorted: &[f64], p: f64) -> f64 {
    let position = p * (sorted.len() - 1) as f64;
    let low = sorted[position as usize];
    let high = sorted[(position as usize + 1).min(sorted.len() - 1)];
    low + (high - low) * position.fract()
}

fn worst_error(sketch: &UddSketch, sorted: &[f64], percentiles: impl Iterator<Item = f64>) -> f64 {
    let error = |p| {
        let truth = exact(sorted, p);
        ((sketch.approx_percentile(p).unwrap().unwrap() - truth) / truth).abs()
    };
    percentiles.map(error).fold(0.0, f64::max)
}

#[test]
fn a_million_values_stay_within_a_thousandth_and_four_kilobytes() {
    type Draw = fn(u64) -> f64;
    let distributions: [(&str, Draw); 3] = [
        ("uniform", uniform),
        ("log-normal", log_normal),
        ("Pareto", pareto),
    ];
    for (name, draw) in distributions {
        let mut values: Vec<f64> = (0..1_000_000).map(draw).collect();
        let sketch = sketch_of(&values);
        values.sort_by(f64::total_cmp);
        let error = worst_error(
            &sketch,
            &values,
            (10..1000).map(|permille| f64::from(permille) / 1000.0),
        );
        let size = sketch.encode().len();
        println!("{name}: error {error:.6}, {size} bytes");
        assert!(error <= 0.001, "{name}: {error}");
        assert!(size <= 4096, "{name}: {size} bytes");
        assert_eq!(sketch.min_val(), Some(values[0]));
        assert_eq!(sketch.max_val(), Some(values[values.len() - 1]));
    }
}

/// The worst that finite values can do: every bucket of both signs, wildly different counts.
#[test]
fn size_is_bounded_whatever_comes() {
    let mut sketch = UddSketch::default();
    let mut heavy = UddSketch::default();
    heavy.add(1.0);
    (0..62).for_each(|_| {
        let again = heavy.clone();
        heavy.merge(&again);
    });
    for i in 0..400_000u64 {
        let magnitude = 10f64.powf(uniform(i) * 600.0 - 300.0);
        sketch.add(if i % 2 == 0 { magnitude } else { -magnitude });
    }
    sketch.merge(&heavy);
    assert_eq!(sketch.num_vals(), (1 << 62) + 400_000);
    assert!(sketch.encode().len() < 16_384, "{} bytes", sketch.encode().len());
    assert_eq!(UddSketch::decode(&sketch.encode()).unwrap(), sketch);
}

#[test]
fn special_values_take_their_place_in_the_order() {
    const INFINITY: f64 = f64::INFINITY;
    const NEG_INFINITY: f64 = f64::NEG_INFINITY;
    const NAN: f64 = f64::NAN;
    let sketch = sketch_of(&[NAN, 0.0, -5.0, INFINITY, 5.0, NEG_INFINITY, -0.0]);
    let read: Vec<f64> = (0..7)
        .map(|rank| sketch.approx_percentile(f64::from(rank) / 6.0).unwrap().unwrap())
        .collect();
    assert_eq!(read[..2], [NEG_INFINITY, -5.0]);
    assert_eq!(read[2..6], [0.0, 0.0, 5.0, INFINITY]);
    assert!(
        read[6].is_nan() && sketch.max_val().unwrap().is_nan() && sketch.mean().unwrap().unwrap().is_nan()
    );
    assert_eq!(sketch.approx_percentile_rank(NEG_INFINITY), Some(1.0 / 7.0));
    assert_eq!(sketch.approx_percentile_rank(0.0), Some(4.0 / 7.0));
    assert_eq!(sketch.approx_percentile_rank(INFINITY), Some(6.0 / 7.0));
    assert_eq!(sketch.approx_percentile_rank(NAN), Some(1.0));
    assert_eq!(sketch_of(&[1.0, INFINITY]).mean().unwrap(), Some(INFINITY));
    assert_eq!(UddSketch::decode(&sketch.encode()).unwrap().num_vals(), 7);
}

#[test]
fn empty_and_single() {
    let empty = UddSketch::default();
    assert_eq!(
        (empty.num_vals(), empty.min_val(), empty.max_val()),
        (0, None, None)
    );
    assert_eq!(
        (empty.approx_percentile(0.5).unwrap(), empty.mean().unwrap()),
        (None, None)
    );
    assert_eq!(empty.approx_percentile_rank(1.0), None);
    for p in [-0.1, 1.1, f64::NAN] {
        assert!(empty.approx_percentile(p).is_err());
    }
    let one = sketch_of(&[42.0]);
    assert_eq!(
        (
            one.approx_percentile(0.3).unwrap(),
            one.approx_percentile_rank(41.9)
        ),
        (Some(42.0), Some(0.0))
    );
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![8 => -1e3..1e3f64, 2 => any::<f64>(), 1 => Just(0.0), 1 => Just(f64::MIN_POSITIVE / 8.0)]
}

proptest! {
    /// Every percentile is as close to the value of its rank as the sketch says, for any finite values.
    #[test]
    fn error_is_what_it_says(mut values in prop::collection::vec(
        prop_oneof![-1e6..1e6f64, any::<f64>().prop_filter("normal", |x| x.is_normal())], 1..200), rank in 0..1000usize) {
        let sketch = sketch_of(&values);
        values.sort_by(f64::total_cmp);
        let rank = rank % values.len();
        let p = rank as f64 / (values.len() - 1).max(1) as f64;
        if (p * (values.len() - 1) as f64).fract() == 0.0 {
            let truth = values[(p * (values.len() - 1) as f64) as usize];
            let read = sketch.approx_percentile(p).unwrap().unwrap();
            prop_assert!(((read - truth) / truth).abs() <= sketch.error() * (1.0 + 1e-9), "{read} for {truth}");
        }
    }

    /// Buckets, counts and extremes of any split merged in any order are those of the whole, bit for bit.
    #[test]
    fn merge_is_the_whole(values in prop::collection::vec(any_value(), 0..500), parts in 1..6usize, rotate in 0..6usize) {
        let whole = sketch_of(&values);
        let mut split = vec![UddSketch::default(); parts];
        values.iter().enumerate().for_each(|(i, x)| split[HyperLogLog::mix(i as u64) as usize % parts].add(*x));
        split.rotate_left(rotate % parts);
        let mut merged = UddSketch::default();
        split.iter().for_each(|part| merged.merge(part));
        prop_assert_eq!(merged.num_vals(), whole.num_vals());
        for p in [0.0, 0.01, 0.3, 0.5, 0.77, 0.99, 1.0] {
            let (a, b) = (merged.approx_percentile(p).unwrap(), whole.approx_percentile(p).unwrap());
            prop_assert_eq!(a.map(f64::to_bits), b.map(f64::to_bits));
        }
        prop_assert_eq!(merged.encode().len(), whole.encode().len());
    }

    /// The same of small sketches, also where the parts have other sizes and errors: the smallest and the largest count.
    #[test]
    fn merge_of_unlike_sketches_is_the_whole(
        values in prop::collection::vec(any_value(), 0..300), size in 16..64i64, error in 0.001..0.9f64, rotate in 0..3usize,
    ) {
        let mut whole = UddSketch::with_size(size, error).unwrap();
        values.iter().for_each(|x| whole.add(*x));
        let mut parts = [
            UddSketch::default(),
            UddSketch::with_size(size, 0.001).unwrap(),
            UddSketch::with_size(65_536, error).unwrap(),
        ];
        values.iter().enumerate().for_each(|(i, x)| parts[HyperLogLog::mix(i as u64) as usize % 3].add(*x));
        parts.rotate_left(rotate);
        let mut merged = parts[0].clone();
        parts[1..].iter().for_each(|part| merged.merge(part));
        prop_assert!(merged.is_made_with(size, error) && whole.is_made_with(size, error));
        prop_assert_eq!(merged.error(), whole.error());
        for p in [0.0, 0.01, 0.3, 0.5, 0.77, 0.99, 1.0] {
            let (a, b) = (merged.approx_percentile(p).unwrap(), whole.approx_percentile(p).unwrap());
            prop_assert_eq!(a.map(f64::to_bits), b.map(f64::to_bits));
        }
        prop_assert_eq!(UddSketch::decode(&whole.encode()).unwrap(), whole);
    }

    /// A sketch of any size is as close to the value of a rank as it says, up to the largest doubles.
    #[test]
    fn error_of_any_size_is_what_it_says(mut values in prop::collection::vec(
        prop_oneof![1e-6..1e6f64, any::<f64>().prop_filter("normal", |x| x.is_normal())], 1..200),
        size in 16..64i64, error in 0.001..0.9f64, rank in 0..1000usize) {
        let mut sketch = UddSketch::with_size(size, error).unwrap();
        prop_assert!(sketch.error() <= error && sketch.error() == sketch.initial_error());
        values.iter().for_each(|x| sketch.add(*x));
        values.sort_by(f64::total_cmp);
        let position = (rank % values.len()) as f64 / (values.len() - 1).max(1) as f64 * (values.len() - 1) as f64;
        if position.fract() == 0.0 {
            let p = position / (values.len() - 1).max(1) as f64;
            if p * (values.len() - 1) as f64 == position {
                let truth = values[position as usize];
                let read = sketch.approx_percentile(p).unwrap().unwrap();
                prop_assert!(((read - truth) / truth).abs() <= sketch.error() * (1.0 + 1e-9), "{read} for {truth}");
            }
        }
    }
}

#[test]
fn sizes_and_errors_that_cannot_be() {
    for (size, error) in [
        (15, 0.01),
        (65_537, 0.01),
        (-1, 0.01),
        (100, 0.0009),
        (100, 1.0),
        (100, f64::NAN),
        (100, -0.1),
    ] {
        assert!(UddSketch::with_size(size, error).is_err(), "{size}, {error}");
    }
    assert_eq!(UddSketch::with_size(8192, 0.001).unwrap(), UddSketch::default());
}

/// The widest buckets hold all doubles, of both signs, in the smallest sketch.
#[test]
fn the_smallest_sketch_of_everything() {
    let mut sketch = UddSketch::with_size(16, 0.001).unwrap();
    for i in 0..50_000u64 {
        let magnitude = 10f64.powf(uniform(i) * 631.0 - 323.0);
        sketch.add(if i % 2 == 0 { magnitude } else { -magnitude });
    }
    [f64::MAX, f64::MIN, f64::from_bits(1)]
        .iter()
        .for_each(|x| sketch.add(*x));
    assert_eq!(sketch.num_vals(), 50_003);
    // Their sum is no number: bytes are compared.
    let again = UddSketch::decode(&sketch.encode()).unwrap();
    assert_eq!(again.encode(), sketch.encode());
    assert_eq!(sketch.max_val(), Some(f64::MAX));
    assert!((sketch.approx_percentile_rank(0.0).unwrap() - 0.5).abs() < 0.001);
}

/// The same with so many buckets that parts have collapsed to different levels.
#[test]
fn merge_is_the_whole_across_collapses() {
    let values: Vec<f64> = (0..60_000u64)
        .map(|i| 10f64.powf(uniform(i) * (i % 30) as f64))
        .collect();
    let whole = sketch_of(&values);
    let (low, high) = values.split_at(3_000);
    let mut merged = sketch_of(high);
    merged.merge(&sketch_of(low));
    assert!(whole.error() > 0.002 && sketch_of(low).error() < whole.error());
    assert_eq!(merged.error(), whole.error());
    for p in 0..=1000 {
        let p = f64::from(p) / 1000.0;
        assert_eq!(
            merged.approx_percentile(p).unwrap(),
            whole.approx_percentile(p).unwrap()
        );
    }
}
