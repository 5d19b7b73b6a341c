//! A textbook's rows, invariants, and bytes that nobody wrote.

use super::*;
use kpi_forecast::random::Random;
use kpi_stats::State;
use proptest::prelude::*;

fn fit(rows: &[f64], width: usize) -> Result<RobustCovariance, FeatureError> {
    RobustCovariance::fit(rows, width, &mut || false)
}

/// Brownlee's stack loss data: air flow, water temperature, acid concentration of 21 days.
fn stack_loss() -> Vec<f64> {
    let air = [
        80, 80, 75, 62, 62, 62, 62, 62, 58, 58, 58, 58, 58, 58, 50, 50, 50, 50, 50, 56, 70,
    ];
    let water = [
        27, 27, 25, 24, 22, 23, 24, 24, 23, 18, 18, 17, 18, 19, 18, 18, 19, 19, 20, 20, 20,
    ];
    let acid = [
        89, 88, 90, 87, 87, 87, 93, 93, 87, 80, 89, 88, 82, 93, 89, 86, 72, 79, 80, 82, 91,
    ];
    (0..21)
        .flat_map(|day| [air[day], water[day], acid[day]].map(f64::from))
        .collect()
}

/// Rousseeuw & van Zomeren 1990, *Unmasking Multivariate Outliers and Leverage Points*, find days 1, 2, 3 and 21 far from
/// the others.
#[test]
fn days_far_from_the_others_are_found() {
    let rows = stack_loss();
    let bulk = fit(&rows, 3).unwrap();
    let score = |day: usize| bulk.score(&rows[3 * day - 3..3 * day]).unwrap().unwrap();
    assert!([1, 2, 3, 21].iter().all(|day| score(*day) > 0.999));
}

/// All 293,930 halves of the days, one after the other: none has a smaller determinant than the one that was found.
#[test]
fn no_half_lies_closer_together() {
    let rows = stack_loss();
    let least = (0_u32..1 << 21)
        .filter(|set| set.count_ones() == 12)
        .filter_map(|set| {
            let chosen = (0..21)
                .filter(|day| set >> day & 1 == 1)
                .map(|day| &rows[3 * day..3 * day + 3]);
            let (_, covariance) = Symmetric::moments(3, chosen);
            Some(covariance.root(DEPENDENT).ok()?.log())
        })
        .fold(f64::INFINITY, f64::min);
    let found = mcd::least_determinant(Rows {
        values: &rows,
        width: 3,
    });
    assert!((found - least).abs() < 1e-9, "{found} {least}");
}

fn correlated(count: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed);
    (0..count)
        .flat_map(|_| {
            let (a, b) = (random.normal(), random.normal());
            [1e9 + 3.0 * a, 0.001 * (0.8 * a + 0.6 * b)]
        })
        .collect()
}

/// Of normal rows the estimates are those of the distribution, and the score is uniform.
#[test]
fn normal_rows() {
    let rows = correlated(4000, 1);
    let bulk = fit(&rows, 2).unwrap();
    let covariance = |row, column| bulk.covariance(row, column).unwrap();
    assert!((bulk.centre()[0] - 1e9).abs() < 0.3);
    assert!((covariance(0, 0) / 9.0 - 1.0).abs() < 0.1, "{}", covariance(0, 0));
    assert!((covariance(1, 1) / 1e-6 - 1.0).abs() < 0.1);
    assert!((covariance(0, 1) / 2.4e-3 - 1.0).abs() < 0.1);
    let scores: Vec<f64> = rows
        .chunks(2)
        .map(|row| bulk.score(row).unwrap().unwrap())
        .collect();
    for level in [0.5, 0.9, 0.99] {
        let above = scores.iter().filter(|score| **score > level).count() as f64 / 4000.0;
        assert!((above - (1.0 - level)).abs() < 0.02, "{level} {above}");
    }
}

/// Four tenths of the rows are elsewhere, close together, and do not move the rest.
#[test]
fn outliers_do_not_hide_themselves() {
    for count in [50, 500, 3000] {
        let mut rows = correlated(count, 2);
        for row in rows.chunks_mut(2).take(2 * count / 5) {
            row[1] += 0.02;
        }
        let bulk = fit(&rows, 2).unwrap();
        assert!(bulk.centre()[1].abs() < 0.001, "{count}");
        let far = rows
            .chunks(2)
            .take(2 * count / 5)
            .all(|row| bulk.score(row).unwrap() > Some(0.9999));
        assert!(far, "{count}");
    }
}

#[test]
fn missing_features_leave_the_others() {
    let bulk = fit(&correlated(500, 3), 2).unwrap();
    let distance = |row: [f64; 2]| bulk.distance(&row).unwrap();
    let deviation = bulk.covariance(0, 0).unwrap().sqrt();
    let expected = (1e9 + 30.0 - bulk.centre()[0]) / deviation;
    assert!((distance([1e9 + 30.0, f64::NAN]).unwrap() - expected).abs() < 1e-9);
    assert_eq!(bulk.contributions(&[1e9 + 30.0, f64::NAN]).unwrap()[1], 0.0);
    assert_eq!(distance([f64::NAN, f64::NAN]), None);
    assert_eq!(bulk.score(&[f64::NAN, f64::NAN]).unwrap(), None);
    assert_eq!(distance([f64::INFINITY, 0.0]), Some(f64::INFINITY));
    assert_eq!(bulk.score(&[f64::INFINITY, 0.0]).unwrap(), Some(1.0));
    assert_eq!(
        bulk.contributions(&[f64::INFINITY, 0.0]).unwrap(),
        [f64::INFINITY, 0.0]
    );
    assert!(bulk.distance(&[1.0]).is_err() && bulk.contributions(&[1.0; 3]).is_err());
}

#[test]
fn what_has_no_covariance_teaches() {
    let line: Vec<f64> = (0..40).flat_map(|i| [f64::from(i), f64::from(2 * i)]).collect();
    let mostly_zero: Vec<f64> = (0..40)
        .flat_map(|i| [f64::from(i * 7 % 11), f64::from(i % 4 / 3)])
        .collect();
    let huge: Vec<f64> = (0..40).map(|i| 1e300 * f64::from(i)).collect();
    for (rows, width) in [
        (&line, 2),
        (&mostly_zero, 2),
        (&vec![5.0; 20], 1),
        (&huge, 1),
        (&vec![1.0; 3], 1),
        (&vec![1.0; 3], 2),
    ] {
        let error = fit(rows, width).unwrap_err();
        assert!(error.detail().is_some() && error.hint().is_some(), "{error}");
    }
    assert_eq!(fit(&line, 2).unwrap_err(), FeatureError::Dependent { feature: 2 });
    assert!(fit(&[], 0).is_err() && fit(&[0.0; 202], 101).is_err());
    let canceled = RobustCovariance::fit(&correlated(50, 4), 2, &mut || true);
    assert_eq!(canceled.unwrap_err(), FeatureError::Canceled);
}

#[test]
fn samples_merge() {
    let rows = correlated(300, 5);
    let mut halves = [
        CovarianceSample::new(2).unwrap(),
        CovarianceSample::new(2).unwrap(),
    ];
    for (at, row) in rows.chunks(2).enumerate() {
        halves[usize::from(at >= 150)].add(row).unwrap();
    }
    let [mut merged, other] = halves;
    merged.merge(&CovarianceSample::decode(&other.encode()).unwrap());
    assert_eq!(merged.fit(&mut || false).unwrap(), fit(&rows, 2).unwrap());
    assert!(merged.check_merge(&CovarianceSample::new(1).unwrap()).is_err());
    assert!(merged.add(&[1.0]).is_err());
}

#[test]
fn altered_bytes_are_refused() {
    let bulk = fit(&correlated(60, 6), 2).unwrap();
    let bytes = bulk.encode();
    assert_eq!(RobustCovariance::decode(&bytes).unwrap(), bulk);
    assert_eq!(RobustCovariance::from_text(&bulk.to_text()).unwrap(), bulk);
    for place in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[place] ^= 0x11;
        assert!(RobustCovariance::decode(&altered).is_err());
        assert!(RobustCovariance::decode(&bytes[..place]).is_err());
    }
}

proptest! {
    #[test]
    fn any_content_is_an_answer_or_an_error(content in prop::collection::vec(any::<u8>(), 0..120), place: usize, byte: u8) {
        use kpi_stats::frame::{Kind, Writer};
        let sealed = |kind, content: &[u8]| {
            let mut writer = Writer::new(kind);
            writer.raw(content);
            writer.finish()
        };
        let _ = RobustCovariance::decode(&sealed(Kind::RobustCovariance, &content));
        let _ = CovarianceSample::decode(&sealed(Kind::CovarianceSample, &content));
        let bytes = fit(&correlated(20, 7), 2).unwrap().encode();
        let mut content = bytes[2..bytes.len() - 4].to_vec();
        let place = place % content.len();
        content[place] = byte;
        if let Ok(read) = RobustCovariance::decode(&sealed(Kind::RobustCovariance, &content)) {
            prop_assert!(read.distance(&[0.0, 0.0]).is_ok());
        }
    }

    #[test]
    fn contributions_add_up_to_the_squared_distance(
        rows in prop::collection::vec(-10.0..10.0f64, 90),
        row in prop::collection::vec(prop_oneof![5 => -1e3..1e3f64, 1 => Just(f64::NAN)], 3),
    ) {
        let bulk = fit(&rows, 3).unwrap();
        let parts = bulk.contributions(&row).unwrap();
        match bulk.distance(&row).unwrap() {
            Some(distance) => {
                let sum: f64 = parts.iter().sum();
                prop_assert!((sum - distance * distance).abs() <= 1e-12 * sum.max(1.0));
            }
            None => prop_assert_eq!(parts, [0.0; 3]),
        }
    }
}
