use crate::any_points;
use kpi_series::{Builder, Error, MAX_POINTS, Series, timestamp};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Compares bit for bit, so that NaN is itself.
fn bits(points: impl IntoIterator<Item = (i64, Option<f64>)>) -> Vec<(i64, Option<u64>)> {
    points
        .into_iter()
        .map(|(time, value)| (time, value.map(f64::to_bits)))
        .collect()
}

proptest! {
    #[test]
    fn points_are_in_order_and_the_last_of_equal_times_wins(points in any_points()) {
        let expected: BTreeMap<_, _> = points.iter().copied().collect();
        let series = Series::from_points(points).unwrap();
        prop_assert_eq!(bits(series.points()), bits(expected));
        prop_assert!(series.times().is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn looking_at_the_series_halfway_changes_nothing(points in any_points(), at in 0usize..60) {
        let whole = Series::from_points(points.clone()).unwrap();
        let mut builder = Builder::default();
        for (index, &(time, value)) in points.iter().enumerate() {
            if index == at {
                builder.settle().unwrap();
            }
            builder.push(time, value).unwrap();
        }
        prop_assert_eq!(builder.finish().unwrap(), whole);
    }

    #[test]
    fn merging_parts_in_their_order_gives_the_whole(points in any_points(), cuts in prop::collection::vec(0usize..60, 0..4), through_bytes: bool) {
        let whole = Series::from_points(points.clone()).unwrap();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(points.len())).collect();
        cuts.extend([0, points.len()]);
        cuts.sort_unstable();
        let mut merged = Builder::default();
        for cut in cuts.windows(2) {
            let mut part = Builder::default();
            for &(time, value) in &points[cut[0]..cut[1]] {
                part.push(time, value).unwrap();
            }
            if through_bytes {
                // As a parallel worker does.
                let bytes = part.settle().unwrap().encode();
                part = Builder::from(Series::decode(&bytes).unwrap());
            }
            merged.merge(&part).unwrap();
        }
        prop_assert_eq!(merged.finish().unwrap(), whole);
    }

    #[test]
    fn the_stored_form_needs_no_settling(points in any_points(), regular in 0i64..20, step in 1i64..1_000_000) {
        let mut builder = Builder::default();
        let run = (0..regular).map(|n| (n * step, Some(n as f64)));
        for (time, value) in run.clone().chain(points.iter().copied()).chain(run) {
            builder.push(time, value).unwrap();
        }
        let mut stored = builder.encode_head().unwrap();
        let head = stored.len();
        stored.resize(head + builder.value_bytes(), 0);
        builder.encode_values(&mut stored[head..]);
        prop_assert_eq!(stored, builder.finish().unwrap().encode());
    }

    #[test]
    fn gaps_and_values_are_told_apart(points in any_points()) {
        let series = Series::from_points(points).unwrap();
        prop_assert_eq!(series.gap_count(), series.points().filter(|point| point.1.is_none()).count());
        for index in 0..series.len() {
            prop_assert_eq!(series.is_gap(index), series.value(index).is_none());
            prop_assert_eq!(series.observed(index), series.value(index).filter(|value| value.is_finite()));
            prop_assert!(!series.is_gap(index) || series.values()[index].is_nan());
        }
        prop_assert_eq!(series.value(series.len()), None);
    }
}

#[test]
fn times_without_a_place_are_refused() {
    let mut builder = Builder::default();
    assert_eq!(
        builder.push(i64::MAX, None),
        Err(Error::InfiniteTime { positive: true })
    );
    assert_eq!(
        builder.push(i64::MIN, None),
        Err(Error::InfiniteTime { positive: false })
    );
    let error = builder.push(timestamp::END, None).unwrap_err();
    assert_eq!(error.detail().unwrap(), "the time is +294277-01-01T00:00:00Z");
    assert!(builder.is_empty());
}

#[test]
fn ten_million_points_fit_and_one_more_does_not() {
    let mut builder = Builder::default();
    for time in 0..MAX_POINTS as i64 {
        builder.push(time, Some(1.0)).unwrap();
    }
    // Known times are no further points.
    builder.push(MAX_POINTS as i64 - 1, Some(2.0)).unwrap();
    assert_eq!(builder.push(MAX_POINTS as i64, None), Err(Error::TooManyPoints));
    builder.push(0, Some(3.0)).unwrap();
    let series = builder.clone().finish().unwrap();
    assert_eq!(
        (series.len(), series.value(0), series.values().last()),
        (MAX_POINTS, Some(3.0), Some(&2.0))
    );
    let bytes = series.encode();
    assert!(bytes.len() <= 8 * MAX_POINTS + 40, "{} bytes", bytes.len());
    builder.push(-1, None).unwrap();
    assert_eq!(
        builder.finish().map(|series| series.len()),
        Err(Error::TooManyPoints)
    );
}

#[test]
fn duplicates_never_make_the_state_grow_beyond_its_bound() {
    let mut builder = Builder::default();
    let mut most = 0;
    for round in 0..4_000_000i64 {
        for time in [0, 1, 2, 3] {
            builder.push(time, Some(round as f64)).unwrap();
        }
        most = most.max(builder.len());
    }
    assert!(most > MAX_POINTS && most <= MAX_POINTS / 8 * 9, "{most}");
    assert_eq!(builder.finish().unwrap().values(), [3_999_999.0; 4]);
}
