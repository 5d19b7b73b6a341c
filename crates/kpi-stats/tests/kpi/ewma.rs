use super::{merged, whole};
use kpi_stats::{Error, Ewma, State};
use proptest::prelude::*;

const SECOND: i64 = 1_000_000;

fn of(half_life: i64, points: &[(i64, f64)]) -> Ewma {
    whole(&Ewma::new(half_life).unwrap(), points, |state, (t, x)| {
        state.add(*t, *x)
    })
}

/// pandas.Series(x).ewm(halflife = '10s', times = t).mean(), the last of them.
#[test]
fn the_mean_of_pandas() {
    let times = [0, 7, 8, 8, 50, 61, 200];
    let values = [3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0];
    let points: Vec<_> = times.iter().map(|t| t * SECOND).zip(values).collect();
    let expected = [
        3.0,
        0.524_097_045_319_521_5,
        1.910_364_762_146_178_1,
        1.650_807_999_218_185_7,
        -3.934_189_301_090_327,
        4.380_708_540_151_036,
        2.000_242_229_702_000_6,
    ];
    for (i, expected) in expected.iter().enumerate() {
        let found = of(10 * SECOND, &points[..=i]).average().unwrap().unwrap();
        assert!((found - expected).abs() < 1e-12, "{i}: {found}");
    }
}

#[test]
fn empty_single_and_special() {
    let empty = Ewma::new(SECOND).unwrap();
    assert_eq!(
        (
            empty.average().unwrap(),
            empty.last_time(),
            empty.weight().unwrap()
        ),
        (None, None, 0.0)
    );
    let one = of(SECOND, &[(i64::MIN, 7.0)]);
    assert_eq!(
        (one.average().unwrap(), one.last_time()),
        (Some(7.0), Some(i64::MIN))
    );
    // All of time apart: the old value has no weight left.
    assert_eq!(
        of(SECOND, &[(i64::MIN, 7.0), (i64::MAX, 1.0)]).average().unwrap(),
        Some(1.0)
    );
    assert_eq!(
        of(SECOND, &[(i64::MAX, 1.0), (i64::MIN, 7.0)]).average().unwrap(),
        Some(1.0)
    );
    assert_eq!(
        of(SECOND, &[(5, 1.0), (5, 2.0), (5, 6.0)]).average().unwrap(),
        Some(3.0)
    );
    // As in a sum, at any age.
    assert!(
        of(SECOND, &[(0, f64::NAN), (i64::MAX, 1.0)])
            .average()
            .unwrap()
            .unwrap()
            .is_nan()
    );
    assert_eq!(
        of(SECOND, &[(0, f64::INFINITY), (9, 1.0)]).average().unwrap(),
        Some(f64::INFINITY)
    );
    for half_life in [0, -1, i64::MIN] {
        assert!(matches!(Ewma::new(half_life), Err(Error::Argument { .. })));
    }
    assert!(!empty.fits(&Ewma::new(2).unwrap()));
}

proptest! {
    /// Any split in any order, stretches that overlap in time too, by the definition and by 1e-12 of what the terms amount to.
    #[test]
    fn merge_is_the_whole(points in prop::collection::vec((-1000..1000i64, -1e6..1e6f64), 1..200), parts in 1..6usize, seed: u64, half_life in 1..500i64) {
        let merged = merged(&Ewma::new(half_life).unwrap(), &points, parts, seed, |state, (t, x)| state.add(*t, *x));
        let whole = of(half_life, &points);
        prop_assert_eq!((merged.num_vals(), merged.last_time()), (whole.num_vals(), whole.last_time()));
        let last = points.iter().map(|point| point.0).max().unwrap();
        let weight = |t: i64| (-((last - t) as f64) / half_life as f64).exp2();
        let weights: f64 = points.iter().map(|(t, _)| weight(*t)).sum();
        let defined = points.iter().map(|(t, x)| weight(*t) * x).sum::<f64>() / weights;
        let scale = points.iter().map(|(t, x)| weight(*t) * x.abs()).sum::<f64>() / weights;
        for found in [merged, whole] {
            let average = found.average().unwrap().unwrap();
            prop_assert!((average - defined).abs() <= 1e-12 * scale, "{average} for {defined}");
            prop_assert!((found.weight().unwrap() - weights).abs() <= 1e-12 * weights);
        }
    }

    /// Merging with an empty state changes nothing, from either side.
    #[test]
    fn empty_is_neutral(points in prop::collection::vec((-1000..1000i64, -1e6..1e6f64), 0..20)) {
        let state = of(77, &points);
        let mut left = Ewma::new(77).unwrap();
        left.merge(&state);
        let mut right = state;
        right.merge(&Ewma::new(77).unwrap());
        prop_assert_eq!(right, state);
        prop_assert_eq!(left.average().unwrap(), state.average().unwrap());
    }
}
