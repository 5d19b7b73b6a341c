//! Known values, invariants, and bytes that nobody wrote.

use super::*;
use kpi_forecast::random::Random;
use kpi_stats::State;
use proptest::prelude::*;

fn normal_rows(count: usize, width: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed);
    (0..count * width).map(|_| random.normal()).collect()
}

fn fit(rows: &[f64], width: usize, request: &ForestRequest) -> Forest {
    Forest::fit(rows, width, request, &mut || false).unwrap()
}

/// Equation 1 of the paper, by hand: 2 (ln 255 + 0.5772156649) - 2 * 255 / 256.
#[test]
fn mean_paths_are_those_of_the_paper() {
    assert_eq!((mean_path(1), mean_path(2)), (0.0, 1.0));
    assert!((mean_path(256) - 10.244_770_920_1).abs() < 1e-9);
    assert!((mean_path(5) - (2.0 * (4.0_f64.ln() + 0.577_215_664_9) - 1.6)).abs() < 1e-9);
}

/// Two rows are apart after one cut, which is what two rows take on average: the score is 1/2.
#[test]
fn two_rows() {
    let forest = fit(&[0.0, 1.0], 1, &ForestRequest::default());
    assert_eq!(forest.score(&[0.0]), 0.5);
    assert_eq!(forest.score(&[1.0]), 0.5);
}

/// Of three rows 0, 1 and 10 the first cut falls between 1 and 10 in 9 of 10 trees. So the path of 10 is 0.9 * 1 + 0.1 * 2,
/// the path of 0 is 0.1 * 1 + 0.9 * 2, and the path of 1 always 2.
#[test]
fn three_rows_have_the_paths_of_their_distances() {
    let request = ForestRequest {
        trees: 1000,
        ..ForestRequest::default()
    };
    let forest = fit(&[0.0, 1.0, 10.0], 1, &request);
    assert!((forest.path(&[10.0]) - 1.1).abs() < 0.04);
    assert!((forest.path(&[0.0]) - 1.9).abs() < 0.04);
    assert_eq!(forest.path(&[1.0]), 2.0);
}

#[test]
fn rows_that_are_all_alike_cannot_be_told_apart() {
    let forest = fit(&[3.0; 300], 1, &ForestRequest::default());
    assert!((forest.score(&[3.0]) - 0.5).abs() < 1e-12);
    assert_eq!(forest.score(&[99.0]), forest.score(&[3.0]));
    assert_eq!(forest.contributions(&[99.0]).unwrap(), [0.0]);
}

#[test]
fn outliers_score_high_and_their_feature_is_named() {
    let mut rows = normal_rows(2000, 4, 1);
    rows[4 * 77 + 1] = -1.0;
    rows[4 * 77 + 2] = 30.0;
    let forest = fit(&rows, 4, &ForestRequest::default());
    let scores = forest.scores(&rows, &mut || false).unwrap();
    // Its feature is one of four to be cut, and most trees did not see it: high, but not always the very first.
    assert!(scores.iter().filter(|score| **score > scores[77]).count() < 200);
    let parts = forest.contributions(&rows[4 * 77..4 * 78]).unwrap();
    assert!((0..4).all(|feature| feature == 2 || parts[2] > 2.0 * parts[feature]));
}

/// IsolationForest of scikit-learn 1.9.1 with 100 trees of 256 rows, over four samples of 2000 normal rows of 4 features:
/// mean score 0.449 to 0.453, score of the middle 0.375 to 0.384, of six deviations in every feature 0.723 to 0.752.
#[test]
fn scores_are_those_of_another_implementation() {
    let rows = normal_rows(2000, 4, 8);
    let forest = fit(&rows, 4, &ForestRequest::default());
    let scores = forest.scores(&rows, &mut || false).unwrap();
    let mean = scores.iter().sum::<f64>() / 2000.0;
    assert!((mean - 0.451).abs() < 0.01, "{mean}");
    assert!((forest.score(&[0.0; 4]) - 0.378).abs() < 0.02);
    assert!((forest.score(&[6.0; 4]) - 0.741).abs() < 0.04);
}

/// Many rows take another way than one.
#[test]
fn many_rows_have_the_scores_of_each() {
    let mut rows = normal_rows(1003, 3, 9);
    rows[30] = f64::NAN;
    rows[100] = f64::INFINITY;
    for sample in [5, 256, 1000] {
        let forest = fit(
            &rows,
            3,
            &ForestRequest {
                sample,
                ..ForestRequest::default()
            },
        );
        let scores = forest.scores(&rows, &mut || false).unwrap();
        for (row, score) in rows.chunks(3).zip(scores) {
            assert!((forest.score(row) - score).abs() < 1e-12);
        }
    }
}

#[test]
fn missing_features_lead_both_ways() {
    let rows = normal_rows(1000, 2, 2);
    let forest = fit(&rows, 2, &ForestRequest::default());
    let nothing = forest.score(&[f64::NAN, f64::NAN]);
    assert!((nothing - forest.typical_score()).abs() < 1e-12);
    let half = forest.score(&[6.0, f64::NAN]);
    assert!(half > forest.score(&[0.0, f64::NAN]) && half > nothing);
    assert_eq!(forest.contributions(&[6.0, f64::NAN]).unwrap()[1], 0.0);
    // Learnt from rows with gaps too.
    let gaps: Vec<f64> = rows
        .iter()
        .enumerate()
        .map(|(i, value)| if i % 3 == 0 { f64::NAN } else { *value })
        .collect();
    let forest = fit(&gaps, 2, &ForestRequest::default());
    assert!(forest.score(&[6.0, 6.0]) > 0.6);
    let nothing = fit(&[f64::NAN; 10], 1, &ForestRequest::default());
    assert!((nothing.score(&[1.0]) - 0.5).abs() < 1e-12);
}

#[test]
fn infinities_lie_beyond_all_cuts() {
    let mut rows = normal_rows(1000, 1, 3);
    let forest = fit(&rows, 1, &ForestRequest::default());
    assert_eq!(forest.score(&[f64::INFINITY]), forest.score(&[1e300]));
    rows.extend([f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN]);
    let forest = fit(&rows, 1, &ForestRequest::default());
    assert!(forest.score(&[0.0]).is_finite());
    let decoded = Forest::decode(&forest.encode()).unwrap();
    assert_eq!(decoded.score(&[1e308]), forest.score(&[1e308]));
}

#[test]
fn a_seed_makes_one_forest() {
    let rows = normal_rows(1000, 3, 4);
    let seeded = |seed| {
        fit(
            &rows,
            3,
            &ForestRequest {
                seed,
                ..ForestRequest::default()
            },
        )
    };
    assert_eq!(seeded(1).encode(), seeded(1).encode());
    assert_ne!(seeded(1).encode(), seeded(2).encode());
}

#[test]
fn requests_out_of_range_teach() {
    let asked = |trees, sample, width| {
        let request = ForestRequest {
            trees,
            sample,
            seed: 0,
        };
        Forest::fit(&vec![0.0; 4 * width], width, &request, &mut || false).unwrap_err()
    };
    for error in [
        asked(0, 256, 1),
        asked(1001, 256, 1),
        asked(100, 1, 1),
        asked(1, i64::MAX, 1),
        asked(1000, 65_536, 1),
        asked(1, 65_536, 1000),
        asked(100, 256, 0),
        Forest::fit(&[1.0], 1, &ForestRequest::default(), &mut || false).unwrap_err(),
        Forest::fit(&[1.0; 3], 2, &ForestRequest::default(), &mut || false).unwrap_err(),
    ] {
        assert!(error.detail().is_some() && error.hint().is_some(), "{error}");
    }
    let canceled = Forest::fit(&[1.0, 2.0], 1, &ForestRequest::default(), &mut || true);
    assert_eq!(canceled.unwrap_err(), FeatureError::Canceled);
    let forest = fit(&[0.0, 1.0], 1, &ForestRequest::default());
    assert!(forest.score(&[1.0, 2.0]).is_nan());
    assert!(forest.contributions(&[1.0, 2.0]).is_err());
    assert!(
        fit(&[1.0; 4], 2, &ForestRequest::default())
            .scores(&[1.0], &mut || false)
            .is_err()
    );
}

/// Rows of which only a part is kept: the sample of the forest is uniform, so that the mean of what is kept is near that of
/// all, and it is the same whether it was taken in one piece or in two.
#[test]
fn samples_of_halves_merge_into_a_sample_of_the_whole() {
    let request = ForestRequest {
        trees: 10,
        sample: 100,
        seed: 5,
    };
    let sample_of = |rows: std::ops::Range<u32>| {
        let mut sample = ForestSample::new(&request, 1).unwrap();
        rows.for_each(|row| sample.add(&[f64::from(row)]).unwrap());
        sample
    };
    let mut merged = sample_of(0..30_000);
    let other = ForestSample::decode(&sample_of(30_000..40_000).encode()).unwrap();
    assert!(merged.check_merge(&other).is_ok());
    merged.merge(&other);
    assert_eq!(merged.rows.seen(), 40_000);
    for sample in [merged, sample_of(0..40_000)] {
        let rows = sample.rows.rows();
        assert_eq!(rows.len(), 1000);
        let mut distinct = rows.to_vec();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        assert_eq!(distinct.len(), 1000);
        // Each within 5 standard errors: sqrt(40000^2 / 12 / 1000) = 365, and sqrt(1000 * 1/4 * 3/4) = 14.
        let mean = rows.iter().sum::<f64>() / 1000.0;
        assert!((mean - 20_000.0).abs() < 5.0 * 365.0, "{mean}");
        let late = rows.iter().filter(|row| **row >= 30_000.0).count();
        assert!((180..=320).contains(&late), "{late}");
    }
    let other = ForestSample::new(&request, 2).unwrap();
    assert!(sample_of(0..1).check_merge(&other).is_err());
}

#[test]
fn few_rows_merge_into_all_of_them() {
    let request = ForestRequest::default();
    let mut a = ForestSample::new(&request, 1).unwrap();
    let mut b = a.clone();
    a.add(&[1.0]).unwrap();
    b.add(&[2.0]).unwrap();
    a.merge(&b);
    a.merge(&ForestSample::new(&request, 1).unwrap());
    assert_eq!(a.rows.rows(), [1.0, 2.0]);
    assert!(
        ForestSample::new(&request, 1)
            .unwrap()
            .fit(&mut || false)
            .is_err()
    );
}

#[test]
fn altered_bytes_are_refused() {
    let request = ForestRequest {
        trees: 3,
        sample: 16,
        seed: 0,
    };
    let rows = normal_rows(40, 2, 6);
    let forest = fit(&rows, 2, &request);
    let bytes = forest.encode();
    assert_eq!(Forest::decode(&bytes).unwrap(), forest);
    assert_eq!(Forest::from_text(&forest.to_text()).unwrap(), forest);
    let mut sample = ForestSample::new(&request, 2).unwrap();
    rows.chunks(2).for_each(|row| sample.add(row).unwrap());
    let kept = sample.encode();
    assert_eq!(
        ForestSample::decode(&kept).unwrap().fit(&mut || false).unwrap(),
        forest
    );
    for place in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[place] ^= 0x41;
        assert!(Forest::decode(&altered).is_err());
        assert!(Forest::decode(&bytes[..place]).is_err());
    }
    for place in 0..kept.len() {
        assert!(ForestSample::decode(&kept[..place]).is_err());
    }
    assert!(Forest::decode(&kept).is_err() && Forest::from_text("forest").is_err());
}

/// Bytes whose checksum is right, so that the content itself is checked.
fn sealed(kind: kpi_stats::frame::Kind, content: &[u8]) -> Vec<u8> {
    let mut writer = kpi_stats::frame::Writer::new(kind);
    writer.raw(content);
    writer.finish()
}

proptest! {
    #[test]
    fn any_content_is_an_answer_or_an_error(content in prop::collection::vec(any::<u8>(), 0..200), place in 0usize..300, byte: u8) {
        use kpi_stats::frame::Kind;
        let _ = Forest::decode(&sealed(Kind::Forest, &content));
        let _ = ForestSample::decode(&sealed(Kind::ForestSample, &content));
        // Bytes that are nearly right lead further.
        let forest = fit(&normal_rows(30, 2, 7), 2, &ForestRequest { trees: 2, sample: 8, seed: 0 });
        let bytes = forest.encode();
        let mut content = bytes[2..bytes.len() - 4].to_vec();
        let place = place % content.len();
        content[place] = byte;
        if let Ok(read) = Forest::decode(&sealed(Kind::Forest, &content)) {
            prop_assert!((0.0..=1.0).contains(&read.score(&vec![0.5; read.width()])));
        }
    }

    #[test]
    fn scores_and_contributions_fit_together(
        rows in prop::collection::vec(prop_oneof![8 => -5.0..5.0f64, 1 => Just(f64::NAN), 1 => Just(0.0), 1 => Just(1e300)], 12..120),
        width in 1usize..4,
        seed: i64,
    ) {
        let rows = &rows[..rows.len() / width * width];
        let forest = fit(rows, width, &ForestRequest { trees: 13, sample: 16, seed });
        let scores = forest.scores(rows, &mut || false).unwrap();
        for (row, score) in rows.chunks(width).zip(scores) {
            prop_assert!((score - forest.score(row)).abs() < 1e-12);
            prop_assert!((0.0..=1.0).contains(&score));
            let parts = forest.contributions(row).unwrap();
            let sum = forest.typical_score() + parts.iter().sum::<f64>();
            prop_assert!((sum - score).abs() < 1e-9, "{sum} {score}");
        }
        let again = Forest::decode(&forest.encode()).unwrap();
        prop_assert_eq!(again, forest);
    }
}
