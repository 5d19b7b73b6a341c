//! Series that belong together, and what becomes of gaps, constants and noise.

use super::*;
use kpi_forecast::random::Random;

/// Daily series with a week and a common factor.
fn together(count: usize, width: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut random = Random::new(seed);
    let common: Vec<f64> = (0..count).map(|_| random.normal()).collect();
    (0..width)
        .map(|place| {
            let week = |t: usize| [0.0, 1.0, 2.0, 3.0, 8.0, 9.0, 4.0][(t + place) % 7];
            (0..count)
                .map(|t| 100.0 + week(t) + 3.0 * common[t] + random.normal())
                .collect()
        })
        .collect()
}

fn detect(series: &[Vec<f64>], method: SeveralMethod) -> SeveralDetection {
    detect_several(series, method, 0.001, &[7], &mut || false).unwrap()
}

fn anomalies(found: &SeveralDetection) -> Vec<usize> {
    (0..found.verdicts.len())
        .filter(|t| found.verdicts[*t].is_anomaly)
        .collect()
}

/// Each value alone is usual; together they are not.
#[test]
fn what_does_not_fit_together_is_found() {
    let mut series = together(700, 3, 1);
    series[2][500] -= 9.0;
    let found = detect(&series, SeveralMethod::Auto);
    assert_eq!(found.method, SeveralMethod::Mahalanobis);
    assert!(found.verdicts[500].is_anomaly);
    assert_eq!(found.verdicts[500].drivers[0], 2);
    assert!(anomalies(&found).len() <= 4, "{:?}", anomalies(&found));
    let names = ["a", "b", "c"];
    let values: Vec<f64> = series.iter().map(|values| values[500]).collect();
    let at: Vec<Component> = found.components.iter().map(|all| all[500]).collect();
    let text = reason(&names, &values, &found.verdicts[500], &at).unwrap();
    assert!(text.starts_with("c is ") && text.contains("below"), "{text}");
    assert_eq!(reason(&names, &values, &found.verdicts[501], &at), None);
}

#[test]
fn a_forest_finds_what_is_far_off() {
    let mut series = together(700, 3, 2);
    for values in &mut series {
        values[300] += 40.0;
    }
    let found = detect(&series, SeveralMethod::IsolationForest);
    assert!(found.verdicts[300].is_anomaly && found.verdicts[300].score > Some(0.999));
    assert_eq!(found.verdicts[300].drivers.len(), 3);
}

/// Twenty sets of 1000 moments of noise at one alarm in a hundred: no more than twice the 200 asked for.
#[test]
fn noise_rings_as_seldom_as_asked_for() {
    for method in [SeveralMethod::Mahalanobis, SeveralMethod::IsolationForest] {
        let mut alarms = 0;
        for seed in 0..20 {
            let series = together(1000, 3, 100 + seed);
            let found = detect_several(&series, method, 0.01, &[7], &mut || false).unwrap();
            alarms += anomalies(&found).len();
        }
        assert!(alarms <= 400, "{method:?} {alarms}");
    }
}

#[test]
fn gaps_and_constants() {
    let mut series = together(300, 3, 3);
    series[0][40] = f64::NAN;
    series.iter_mut().for_each(|values| values[41] = f64::NAN);
    series[1][42] = f64::INFINITY;
    let found = detect(&series, SeveralMethod::Auto);
    assert!(found.verdicts[40].score.is_some() && found.verdicts[42].score.is_some());
    assert_eq!(found.verdicts[41].score, None);
    // A constant follows from anything: there is no covariance.
    series.push(vec![5.0; 300]);
    let found = detect(&series, SeveralMethod::Auto);
    assert_eq!(found.method, SeveralMethod::IsolationForest);
    let error = detect_several(&series, SeveralMethod::Mahalanobis, 0.001, &[7], &mut || false).unwrap_err();
    assert_eq!(error, Error::Features(FeatureError::Dependent { feature: 4 }));
    let found = detect(&[vec![5.0; 300], vec![7.0; 300]], SeveralMethod::Auto);
    assert!(anomalies(&found).is_empty());
}

#[test]
fn what_cannot_be_judged_teaches() {
    let judged = |series: &[Vec<f64>], threshold| {
        detect_several(series, SeveralMethod::Auto, threshold, &[], &mut || false).unwrap_err()
    };
    for error in [
        judged(&[], 0.001),
        judged(&[vec![1.0, 2.0], vec![1.0]], 0.001),
        judged(&[vec![f64::NAN; 9]], 0.001),
        judged(&[vec![1.0; 9]], 0.0),
        judged(&[vec![1.0]], 0.001),
        judged(&[vec![1.7e308, -1.7e308, 1.7e308, -1.7e308]], 0.001),
        "zscore".parse::<SeveralMethod>().unwrap_err().into(),
    ] {
        assert!(error.detail().is_some() && error.hint().is_some(), "{error}");
    }
    assert!(detect_several(&together(50, 2, 4), SeveralMethod::Auto, 0.001, &[], &mut || true).is_err());
}
