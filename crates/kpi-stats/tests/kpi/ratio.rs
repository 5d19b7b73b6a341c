use super::{assert_close, merged, whole};
use kpi_stats::{Error, Ratio, State, Verdict};
use proptest::prelude::*;

fn of(pairs: &[(f64, f64)]) -> Ratio {
    whole(&Ratio::default(), pairs, |state, (a, b)| state.add(*a, *b))
}

#[test]
fn empty_zero_and_special() {
    let empty = Ratio::default();
    assert_eq!((empty.value().unwrap(), empty.numerator().unwrap()), (None, None));
    assert_eq!(
        (empty.interval(0.95).unwrap(), empty.test(0.5, 0.95).unwrap()),
        (None, None)
    );
    assert_eq!(of(&[(1.0, 2.0), (3.0, -2.0)]).value().unwrap(), None);
    assert_eq!(of(&[(1.0, 2.0)]).num_vals(), 1);
    assert_eq!(of(&[(f64::INFINITY, 2.0)]).value().unwrap(), Some(f64::INFINITY));
    assert_eq!(of(&[(1.0, f64::INFINITY)]).value().unwrap(), Some(0.0));
    assert!(of(&[(f64::NAN, 2.0)]).value().unwrap().unwrap().is_nan());
    assert!(matches!(
        of(&[(f64::MAX, 1.0), (f64::MAX, 1.0)]).value(),
        Err(Error::Overflow(_))
    ));
    assert!(matches!(of(&[(1e300, 1e-300)]).value(), Err(Error::Overflow(_))));
}

/// Bounds of scipy.stats.binomtest(k, n).proportion_ci(0.95, method = 'wilson').
#[test]
fn intervals_of_scipy() {
    for (k, n, low, high) in [
        (0.0, 10.0, 0.0, 0.277_532_799_862_889_3),
        (10.0, 10.0, 0.722_467_200_137_110_9, 1.0),
        (1.0, 1000.0, 1.765_463_706_260_781e-4, 5.642_558_597_957_936e-3),
    ] {
        let (a, b) = of(&[(k, n)]).interval(0.95).unwrap().unwrap();
        assert!(
            (a - low).abs() < 1e-9 && (b - high).abs() < 1e-9,
            "{k} of {n}: {a}, {b}"
        );
    }
}

#[test]
fn what_is_no_proportion_has_no_interval() {
    for pairs in [
        [(3.0, 2.0)],
        [(-1.0, 2.0)],
        [(1.0, f64::INFINITY)],
        [(f64::NAN, 1.0)],
        [(-1.0, -2.0)],
    ] {
        assert!(
            matches!(of(&pairs).interval(0.95), Err(Error::Argument { .. })),
            "{pairs:?}"
        );
        assert!(
            matches!(of(&pairs).test(0.5, 0.95), Err(Error::Argument { .. })),
            "{pairs:?}"
        );
    }
    for (target, level) in [(0.0, 0.9), (1.0, 0.9), (f64::NAN, 0.9), (0.5, 0.0), (0.5, 1.0)] {
        assert!(of(&[(1.0, 2.0)]).test(target, level).is_err());
    }
}

proptest! {
    #[test]
    fn merge_is_the_whole(pairs in prop::collection::vec((-1e6..1e6f64, 0.0..1e6f64), 1..200), parts in 1..6usize, seed: u64) {
        let merged = merged(&Ratio::default(), &pairs, parts, seed, |state, (a, b)| state.add(*a, *b));
        let whole = of(&pairs);
        prop_assert_eq!(merged.num_vals(), whole.num_vals());
        let sums = |ratio: &Ratio| (ratio.numerator().unwrap().unwrap(), ratio.denominator().unwrap().unwrap());
        let ((a, b), (c, d)) = (sums(&merged), sums(&whole));
        assert_close(a, c, pairs.iter().map(|pair| pair.0.abs()).sum());
        assert_close(b, d, d);
    }

    /// Whole numbers add up exactly, so all that is read from them is the very same.
    #[test]
    fn merge_of_counts_is_exact(pairs in prop::collection::vec((0..50u32, 50..1000u32), 1..200), parts in 1..6usize, seed: u64) {
        let pairs: Vec<_> = pairs.iter().map(|(a, b)| (f64::from(*a), f64::from(*b))).collect();
        let merged = merged(&Ratio::default(), &pairs, parts, seed, |state, (a, b)| state.add(*a, *b));
        prop_assert_eq!(merged.encode(), of(&pairs).encode());
        prop_assert_eq!(merged.interval(0.9).unwrap(), of(&pairs).interval(0.9).unwrap());
    }

    /// NaN and infinities have the same effect in any order.
    #[test]
    fn special_values_merge_exactly(pairs in prop::collection::vec(prop_oneof![
        Just((1.0, 1.0)), Just((f64::NAN, 1.0)), Just((f64::INFINITY, 1.0)), Just((f64::NEG_INFINITY, f64::NAN))], 1..9), seed: u64) {
        let merged = merged(&Ratio::default(), &pairs, 3, seed, |state, (a, b)| state.add(*a, *b));
        prop_assert_eq!(merged.encode(), of(&pairs).encode());
    }

    /// The interval holds the ratio, and the test agrees with it.
    #[test]
    fn interval_and_test_agree(good in 0..500u32, bad in 0..500u32, target in 0.01..0.99f64, level in 0.5..0.999f64) {
        let ratio = of(&[(f64::from(good), f64::from(good + bad))]);
        let Some((low, high)) = ratio.interval(level).unwrap() else {
            prop_assert_eq!(good + bad, 0);
            return Ok(());
        };
        let p = ratio.value().unwrap().unwrap();
        prop_assert!((0.0..=p).contains(&low) && (p..=1.0).contains(&high));
        let test = ratio.test(target, level).unwrap().unwrap();
        if (target - low).abs() > 1e-9 && (target - high).abs() > 1e-9 {
            let expected = if low > target { Verdict::Above } else if high < target { Verdict::Below } else { Verdict::Undecided };
            prop_assert_eq!(test.verdict, expected);
            prop_assert_eq!(test.verdict == Verdict::Undecided, test.p_value >= 1.0 - level);
        }
    }
}
