use super::{merged, uniform};
use kpi_stats::{Error, State, TDigest};
use proptest::prelude::*;

fn of(n: i64, values: &[f64]) -> TDigest {
    let mut digest = TDigest::new(n).unwrap();
    values.iter().for_each(|x| digest.add(*x));
    digest
}

fn add(state: &mut TDigest, x: &f64) {
    state.add(*x);
}

/// By how far the fraction of values below the percentile p is off from p.
fn rank_error(digest: &TDigest, sorted: &[f64], p: f64) -> f64 {
    let x = digest.approx_percentile(p).unwrap().unwrap();
    let n = sorted.len() as f64;
    let below = sorted.partition_point(|y| *y < x) as f64 / n;
    let at_most = sorted.partition_point(|y| *y <= x) as f64 / n;
    (below - p).max(p - at_most).max(0.0)
}

/// What the documentation says that a centroid stands for.
fn share(n: f64, p: f64) -> f64 {
    std::f64::consts::TAU / n * (p * (1.0 - p)).sqrt()
}

/// Ranks are off by no more than a centroid stands for (three times that, where few values are there many times each), sorted,
/// shuffled, or merged from parts in any order.
#[test]
fn ranks_are_as_good_as_stated() {
    type Draw = fn(u64) -> f64;
    let draws: [(&str, Draw, f64); 4] = [
        ("uniform", uniform, 1.0),
        ("Pareto", |i| 1.0 / (1.0 - uniform(i)), 1.0),
        ("sorted", |i| i as f64, 1.0),
        ("few", |i| (uniform(i) * 40.0).floor(), 3.0),
    ];
    for (name, draw, centroids) in draws {
        let values: Vec<_> = (0..100_000).map(draw).collect();
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let mut digests = vec![of(100, &values)];
        digests.extend([2, 7, 40].map(|parts| merged(&TDigest::new(100).unwrap(), &values, parts, 3, add)));
        for digest in digests {
            for permille in 1..1000 {
                let p = f64::from(permille) / 1000.0;
                let error = rank_error(&digest, &sorted, p);
                let stated = centroids * share(100.0, p);
                assert!(error <= stated + 1e-5, "{name} at {p}: {error} of {stated}");
                let x = digest.approx_percentile(p).unwrap().unwrap();
                let (below, at_most) = (
                    sorted.partition_point(|y| *y < x),
                    sorted.partition_point(|y| *y <= x),
                );
                let rank = digest.approx_percentile_rank(x).unwrap();
                let slack = stated + 1e-4;
                assert!(
                    rank >= below as f64 / 1e5 - slack && rank <= at_most as f64 / 1e5 + slack,
                    "{name} at {p}: {rank}"
                );
            }
            assert_eq!(
                (digest.min_val(), digest.max_val()),
                (Some(sorted[0]), Some(sorted[99_999]))
            );
            let mean = values.iter().sum::<f64>() / 1e5;
            assert!((digest.mean().unwrap().unwrap() - mean).abs() <= 1e-9 * mean.abs());
            assert!(
                digest.encode().len() <= 100 * 12 + 60,
                "{} bytes",
                digest.encode().len()
            );
        }
    }
}

#[test]
fn special_values_take_their_place_in_the_order() {
    let digest = of(
        100,
        &[f64::NAN, 0.0, -5.0, f64::INFINITY, 5.0, f64::NEG_INFINITY, -0.0],
    );
    let read: Vec<f64> = (0..7)
        .map(|rank| digest.approx_percentile(f64::from(rank) / 6.0).unwrap().unwrap())
        .collect();
    assert_eq!(read[..6], [f64::NEG_INFINITY, -5.0, 0.0, 0.0, 5.0, f64::INFINITY]);
    assert!(
        read[6].is_nan() && digest.max_val().unwrap().is_nan() && digest.mean().unwrap().unwrap().is_nan()
    );
    assert_eq!(
        (digest.min_val(), digest.num_vals()),
        (Some(f64::NEG_INFINITY), 7)
    );
    assert_eq!(digest.approx_percentile_rank(f64::NEG_INFINITY), Some(1.0 / 7.0));
    assert_eq!(digest.approx_percentile_rank(0.0), Some(4.0 / 7.0));
    assert_eq!(digest.approx_percentile_rank(f64::INFINITY), Some(6.0 / 7.0));
    assert_eq!(digest.approx_percentile_rank(f64::NAN), Some(1.0));
    assert_eq!(
        of(100, &[1.0, f64::INFINITY]).approx_percentile(0.5).unwrap(),
        Some(f64::INFINITY)
    );
    for (values, extremes) in [
        (vec![f64::INFINITY], f64::INFINITY),
        (vec![f64::NEG_INFINITY], f64::NEG_INFINITY),
    ] {
        let digest = of(100, &values);
        assert_eq!(
            (digest.min_val(), digest.max_val()),
            (Some(extremes), Some(extremes))
        );
        assert_eq!(digest.approx_percentile(0.3).unwrap(), Some(extremes));
    }
}

#[test]
fn empty_single_and_wrong() {
    let empty = of(100, &[]);
    assert_eq!(
        (empty.num_vals(), empty.min_val(), empty.max_val()),
        (0, None, None)
    );
    assert_eq!(
        (empty.approx_percentile(0.5).unwrap(), empty.mean().unwrap()),
        (None, None)
    );
    assert_eq!(empty.approx_percentile_rank(1.0), None);
    let one = of(100, &[42.0]);
    assert_eq!(
        (
            one.approx_percentile(0.3).unwrap(),
            one.approx_percentile_rank(41.9)
        ),
        (Some(42.0), Some(0.0))
    );
    assert_eq!(one.approx_percentile_rank(42.0), Some(1.0));
    for p in [-0.1, 1.1, f64::NAN] {
        assert!(one.approx_percentile(p).is_err());
    }
    for n in [9, 10_001, -1, i64::MAX] {
        assert!(matches!(TDigest::new(n), Err(Error::Argument { .. })), "{n}");
    }
    let vast = of(10, &[f64::MAX, f64::MIN, 0.0]);
    assert_eq!(vast.approx_percentile(0.25).unwrap(), Some(f64::MIN / 2.0));
    assert!(of(10, &[f64::MAX, f64::MAX]).mean().is_err());
}

proptest! {
    /// Few values are kept as they are: percentiles and ranks are exact, and a merge is the very state of the whole but for the
    /// rounding of the sum.
    #[test]
    fn few_values_are_exact(mut values in prop::collection::vec(prop_oneof![-1e3..1e3f64, (-3..3i32).prop_map(f64::from)], 1..30), parts in 1..5usize, seed: u64) {
        let whole = of(200, &values);
        let merged = merged(&TDigest::new(200).unwrap(), &values, parts, seed, add);
        values.sort_by(f64::total_cmp);
        for rank in 0..values.len() {
            let p = rank as f64 / (values.len() - 1).max(1) as f64;
            for digest in [&whole, &merged] {
                let found = digest.approx_percentile(p).unwrap().unwrap();
                prop_assert!((found - values[rank]).abs() <= 1e-9 * (1.0 + found.abs()), "{found} for {}", values[rank]);
                let at_most = values.partition_point(|x| *x <= values[rank]) as f64;
                prop_assert_eq!(digest.approx_percentile_rank(values[rank]), Some(at_most / values.len() as f64));
            }
        }
        prop_assert_eq!(whole.num_vals(), merged.num_vals());
    }

    /// Whatever comes: never more centroids than asked for, percentiles and ranks ascend and stay within the extremes, and the
    /// same states merge to the same bytes.
    #[test]
    fn any_values(values in prop::collection::vec(any::<f64>(), 1..500), n in 10..40i64, parts in 1..6usize, seed: u64) {
        let empty = TDigest::new(n).unwrap();
        let digest = merged(&empty, &values, parts, seed, add);
        prop_assert_eq!(digest.encode(), merged(&empty, &values, parts, seed, add).encode());
        prop_assert_eq!(digest.num_vals(), values.len() as u64);
        prop_assert!(digest.encode().len() <= 19 * n as usize + 80);
        let rank_of = |x: f64| if x.is_nan() { f64::INFINITY } else { x };
        let mut before = f64::NEG_INFINITY;
        for step in 0..=20 {
            let x = rank_of(digest.approx_percentile(f64::from(step) / 20.0).unwrap().unwrap());
            prop_assert!(x >= before || (before - x).abs() <= 1e-12 * before.abs(), "{x} after {before}");
            before = x;
        }
        let mut sorted: Vec<_> = values.iter().copied().filter(|x| x.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let mut rank = 0.0;
        for x in &sorted {
            let next = digest.approx_percentile_rank(*x).unwrap();
            prop_assert!((0.0..=1.0).contains(&next) && next >= rank - 1e-12, "{next} after {rank}");
            rank = next;
        }
    }
}
