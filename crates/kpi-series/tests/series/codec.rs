use crate::any_series;
use kpi_series::{HEADER_BYTES, Header, Series, timestamp};
use proptest::prelude::*;

proptest! {
    #[test]
    fn decoding_gives_back_what_was_encoded(series in any_series()) {
        let bytes = series.encode();
        prop_assert_eq!(&Series::decode(&bytes).unwrap(), &series);
        let header = Header::decode(&bytes[..HEADER_BYTES]).unwrap();
        prop_assert_eq!(header.len, series.len());
        prop_assert_eq!(header.first, series.times().first().copied().unwrap_or(0));
        prop_assert_eq!(header.last, series.times().last().copied().unwrap_or(0));
    }

    #[test]
    fn truncated_or_lengthened_bytes_are_refused(series in any_series(), cut in any::<prop::sample::Index>()) {
        let mut bytes = series.encode();
        let cut = cut.index(bytes.len());
        prop_assert!(Series::decode(&bytes[..cut]).is_err());
        bytes.push(0);
        prop_assert!(Series::decode(&bytes).is_err());
    }

    #[test]
    fn altered_bytes_give_an_error_or_a_well_formed_series(
        series in any_series(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = series.encode();
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        if let Ok(decoded) = Series::decode(&bytes) {
            prop_assert!(decoded.times().is_sorted_by(|a, b| a < b));
            prop_assert!(decoded.times().iter().all(|&time| timestamp::check(time).is_ok()));
            prop_assert_eq!(decoded.values().len(), decoded.len());
            prop_assert_eq!(Series::decode(&decoded.encode()).unwrap(), decoded);
        }
    }

    #[test]
    fn random_bytes_are_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        // Even behind a header that promises ten million points.
        let _ = Series::decode(&bytes);
        let mut promised = vec![1, 1, 0, 0];
        promised.extend(10_000_000u32.to_le_bytes());
        promised.extend(0i64.to_le_bytes());
        promised.extend(timestamp::DAY.to_le_bytes());
        promised.append(&mut bytes);
        prop_assert!(Series::decode(&promised).is_err());
    }
}

fn bytes_per_point(series: &Series) -> f64 {
    series.encode().len() as f64 / series.len() as f64
}

#[test]
fn a_regular_series_costs_eight_bytes_a_point() {
    let minutes = Series::from_points(
        (0..10_000)
            .map(|i| (i * timestamp::MINUTE, Some(i as f64)))
            .collect(),
    )
    .unwrap();
    assert!(bytes_per_point(&minutes) < 8.01);
    let with_gaps = (0..10_000)
        .map(|i| (i * timestamp::MINUTE, (i % 2 == 0).then_some(1.0)))
        .collect();
    assert!(bytes_per_point(&Series::from_points(with_gaps).unwrap()) < 4.2);
}

#[test]
fn whole_seconds_at_random_cost_about_one_byte_more() {
    let mut time = 0;
    let points = (0..10_000u64).map(|i| {
        time += (1 + i * 2_654_435_761 % 97) as i64 * timestamp::SECOND;
        (time, Some(i as f64))
    });
    assert!(bytes_per_point(&Series::from_points(points.collect()).unwrap()) < 9.05);
}

/// Stored values outlive the code that wrote them: these bytes have to stay readable.
#[test]
fn version_1_stays_readable() {
    let points = vec![
        (-5, Some(1.5)),
        (5, None),
        (15, Some(-0.0)),
        (25, Some(f64::INFINITY)),
        (28, Some(2.0)),
    ];
    let series = Series::from_points(points).unwrap();
    let mut bytes = vec![1, 1, 0, 0, 5, 0, 0, 0];
    bytes.extend((-5i64).to_le_bytes());
    bytes.extend(28i64.to_le_bytes());
    // Unit 1; three steps of 10; one of 3; the second point is a gap.
    bytes.extend([1, 3 << 1, 10, 1 << 1 | 1, 3, 0b10]);
    for value in [1.5, -0.0, f64::INFINITY, 2.0] {
        bytes.extend(value.to_le_bytes());
    }
    assert_eq!(series.encode(), bytes);
    assert_eq!(Series::decode(&bytes).unwrap(), series);
}

#[test]
fn unknown_versions_are_named_as_such() {
    let mut bytes = Series::default().encode();
    bytes[0] = 2;
    let error = Series::decode(&bytes).unwrap_err();
    assert_eq!(error.to_string(), "invalid bytes for a series");
    assert_eq!(
        error.detail().unwrap(),
        "at byte 4: the version is not 1, the only one that is known"
    );
}
