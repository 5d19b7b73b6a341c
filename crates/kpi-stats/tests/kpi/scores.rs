//! Apdex and net promoter score: counts in classes.

use super::{merged, whole};
use kpi_stats::{Apdex, Error, Nps};
use proptest::prelude::*;

#[test]
fn apdex_of_special_durations() {
    let mut apdex = Apdex::new(1.0).unwrap();
    assert_eq!((apdex.score(), apdex.rating(), apdex.num_vals()), (None, None, 0));
    for duration in [f64::NAN, f64::INFINITY, 4.0, f64::NEG_INFINITY, -1.0, 0.0] {
        apdex.add(duration);
    }
    assert_eq!(
        (apdex.satisfied(), apdex.tolerating(), apdex.frustrated()),
        (3, 1, 2)
    );
    // Four times the threshold is beyond a double: an infinite duration is not tolerated for that.
    let mut vast = Apdex::new(f64::MAX).unwrap();
    vast.add(f64::INFINITY);
    assert_eq!(vast.frustrated(), 1);
    for t in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(Apdex::new(t), Err(Error::Argument { .. })), "{t}");
    }
    assert!(!Apdex::new(1.0).unwrap().fits(&Apdex::new(2.0).unwrap()));
}

/// The bounds of the specification, on rounded scores.
#[test]
fn apdex_ratings() {
    for (satisfied, rating) in [
        (1000, "excellent"),
        (935, "excellent"),
        (934, "good"),
        (845, "good"),
        (844, "fair"),
        (695, "fair"),
        (694, "poor"),
        (495, "poor"),
        (494, "unacceptable"),
        (0, "unacceptable"),
    ] {
        let mut apdex = Apdex::new(1.0).unwrap();
        (0..1000).for_each(|i| apdex.add(if i < satisfied { 0.5 } else { 9.0 }));
        assert_eq!(apdex.rating(), Some(rating), "{satisfied}");
    }
}

#[test]
fn nps_of_few_and_wrong_answers() {
    let mut nps = Nps::default();
    assert_eq!((nps.score(), nps.margin(0.95).unwrap()), (None, None));
    for score in [-1, 11, i64::MIN, i64::MAX] {
        assert!(matches!(nps.add(score), Err(Error::Argument { .. })), "{score}");
    }
    assert_eq!(nps.num_vals(), 0);
    (0..=10).for_each(|score| nps.add(score).unwrap());
    assert_eq!((nps.detractors(), nps.passives(), nps.promoters()), (7, 2, 2));
    let mut happy = Nps::default();
    happy.add(10).unwrap();
    assert_eq!(
        (happy.score(), happy.margin(0.95).unwrap()),
        (Some(100.0), Some(0.0))
    );
    assert!(happy.margin(1.0).is_err());
}

proptest! {
    #[test]
    fn merge_of_apdex_is_the_whole(durations in prop::collection::vec(prop_oneof![0.0..10.0f64, any::<f64>()], 0..200), parts in 1..6usize, seed: u64) {
        let empty = Apdex::new(1.5).unwrap();
        let add = |state: &mut Apdex, x: &f64| state.add(*x);
        prop_assert_eq!(merged(&empty, &durations, parts, seed, add), whole(&empty, &durations, add));
    }

    #[test]
    fn merge_of_nps_is_the_whole(scores in prop::collection::vec(0..=10i64, 0..200), parts in 1..6usize, seed: u64) {
        let add = |state: &mut Nps, x: &i64| state.add(*x).unwrap();
        prop_assert_eq!(merged(&Nps::default(), &scores, parts, seed, add), whole(&Nps::default(), &scores, add));
    }
}
