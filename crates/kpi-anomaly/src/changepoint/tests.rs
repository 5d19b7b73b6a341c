use super::*;
use kpi_forecast::random::Random;

fn places(values: &[f64], search: Search, cost: Change) -> Vec<usize> {
    let request = Request {
        search,
        cost,
        ..Request::default()
    };
    let found = changepoints(values, &request, &mut || false).unwrap();
    found.iter().map(|c| c.place).collect()
}

fn near(found: &[usize], expected: &[usize], within: usize) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) <= within)
}

const ALL: [Search; 3] = [Search::Pelt, Search::Binseg, Search::Bocpd];

#[test]
fn shifts_of_the_mean() {
    let mut random = Random::new(11);
    let values: Vec<f64> = (0..600)
        .map(|t| random.normal() + [0.0, 4.0, 1.0][t / 200])
        .collect();
    for search in ALL {
        let found = places(&values, search, Change::Mean);
        assert!(near(&found, &[200, 400], 2), "{search:?} {found:?}");
    }
}

#[test]
fn changes_of_the_variance() {
    let mut random = Random::new(12);
    let values: Vec<f64> = (0..600)
        .map(|t| random.normal() * [1.0, 4.0, 1.0][t / 200])
        .collect();
    for search in ALL {
        for cost in [Change::Variance, Change::MeanVariance] {
            let found = places(&values, search, cost);
            assert!(near(&found, &[200, 400], 10), "{search:?} {cost:?} {found:?}");
        }
    }
}

#[test]
fn a_kink_and_a_jump_of_a_line() {
    let mut random = Random::new(13);
    let values: Vec<f64> = (0..400)
        .map(|t| {
            let t = f64::from(t);
            random.normal()
                + if t < 200.0 {
                    0.1 * t
                } else {
                    20.0 - 0.2 * (t - 200.0)
                }
        })
        .collect();
    let request = Request {
        cost: Change::Trend,
        ..Request::default()
    };
    let found = changepoints(&values, &request, &mut || false).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].place.abs_diff(200) <= 8 && found[0].kind == Kind::TrendChange,
        "{found:?}"
    );
    assert!((found[0].before.slope - 0.1).abs() < 0.02 && (found[0].after.slope + 0.2).abs() < 0.02);
    let jumps: Vec<f64> = (0..400)
        .map(|t| 0.1 * f64::from(t) + random.normal() + if t < 250 { 0.0 } else { 9.0 })
        .collect();
    let found = changepoints(&jumps, &request, &mut || false).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].place.abs_diff(250) <= 1 && found[0].kind == Kind::LevelShift,
        "{found:?}"
    );
    // A line is no series of shifts of its slope.
    assert_eq!(places(&jumps[..240], Search::Binseg, Change::Trend), []);
}

/// An AR(1) process with standard deviation 1.
fn remembering(n: usize, phi: f64, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed);
    let mut state = random.normal();
    (0..n)
        .map(|_| {
            state = phi * state + (1.0 - phi * phi).sqrt() * random.normal();
            state
        })
        .collect()
}

#[test]
fn noise_has_few_change_points_even_if_it_remembers() {
    for phi in [0.0, 0.5, 0.8] {
        for search in ALL {
            for cost in [
                Change::Mean,
                Change::Variance,
                Change::MeanVariance,
                Change::Trend,
            ] {
                if (search, cost) == (Search::Bocpd, Change::Trend) {
                    continue;
                }
                let count: usize = (0..40)
                    .map(|seed| places(&remembering(500, phi, seed), search, cost).len())
                    .sum();
                assert!(count <= 6, "{count} in 40 series, {phi} {search:?} {cost:?}");
            }
        }
    }
}

#[test]
fn an_outlier_of_heavy_tails_is_no_change_of_the_variance() {
    let mut random = Random::new(15);
    let mut count = 0;
    for _ in 0..40 {
        // Student's t with 5 degrees of freedom.
        let values: Vec<f64> = (0..500)
            .map(|_| {
                let chi: f64 = (0..5).map(|_| random.normal().powi(2)).sum();
                random.normal() / (chi / 5.0).sqrt()
            })
            .collect();
        count += places(&values, Search::Pelt, Change::Variance).len();
    }
    assert!(count <= 10, "{count}");
}

#[test]
fn sizes_and_confidence() {
    let mut random = Random::new(16);
    let mut values: Vec<f64> = (0..300)
        .map(|t| 100.0 + random.normal() + if t < 150 { 0.0 } else { 6.0 })
        .collect();
    values[20] = f64::NAN;
    let found = changepoints(&values, &Request::default(), &mut || false).unwrap();
    assert_eq!(found.len(), 1);
    let change = found[0];
    assert_eq!(
        (change.place, change.before.count, change.after.count),
        (150, 149, 150)
    );
    assert!(change.confidence > 0.999_999);
    assert!((change.before.mean - 100.0).abs() < 0.5 && (change.after.mean - 106.0).abs() < 0.5);
}

#[test]
fn a_penalty_and_a_size_are_respected() {
    let mut random = Random::new(17);
    let values: Vec<f64> = (0..300)
        .map(|t| random.normal() + if (100..110).contains(&t) { 5.0 } else { 0.0 })
        .collect();
    let count = |penalty, min_size| {
        let request = Request {
            penalty,
            min_size,
            ..Request::default()
        };
        changepoints(&values, &request, &mut || false).unwrap().len()
    };
    assert_eq!(count(None, None), 2);
    assert_eq!(count(Some(1e4), None), 0);
    assert!(count(Some(1.0), None) > 10);
    assert!(count(None, Some(140)) < 2);
}

#[test]
fn nothing_to_find_and_nothing_to_search() {
    for search in ALL {
        assert_eq!(places(&[5.0; 80], search, Change::Mean), []);
        assert_eq!(places(&[5.0], search, Change::Mean), []);
        assert_eq!(places(&[1.0, 2.0, 3.0], search, Change::MeanVariance), []);
    }
    let fail = |values: &[f64], request: Request| changepoints(values, &request, &mut || false).unwrap_err();
    let default = Request::default();
    assert_eq!(fail(&[], default), Error::Empty { points: 0 });
    assert_eq!(fail(&[f64::NAN; 3], default), Error::Empty { points: 3 });
    assert!(matches!(
        fail(&[1e200, 1.0, 2.0], default),
        Error::Overflow { .. }
    ));
    for penalty in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let request = Request {
            penalty: Some(penalty),
            ..default
        };
        assert!(matches!(fail(&[1.0; 9], request), Error::Penalty { .. }));
    }
    for size in [0, -3, i64::MIN] {
        let request = Request {
            min_size: Some(size),
            ..default
        };
        assert!(matches!(fail(&[1.0; 9], request), Error::SegmentSize { .. }));
    }
    let request = Request {
        search: Search::Bocpd,
        cost: Change::Trend,
        ..default
    };
    assert_eq!(fail(&[1.0; 9], request), Error::SearchWithoutTrend);
    assert!(
        "pelts"
            .parse::<Search>()
            .unwrap_err()
            .hint()
            .unwrap()
            .contains("bocpd")
    );
    assert!(
        "median"
            .parse::<Change>()
            .unwrap_err()
            .hint()
            .unwrap()
            .contains("mean_variance")
    );
    let values = remembering(900, 0.0, 1);
    let canceled = changepoints(
        &values,
        &Request {
            search: Search::Bocpd,
            ..default
        },
        &mut || true,
    );
    assert_eq!(canceled, Err(Error::Canceled));
}

#[test]
fn many_values() {
    let mut random = Random::new(18);
    let values: Vec<f64> = (0..22_000)
        .map(|t| random.normal() + if t < 12_345 { 0.0 } else { 1.0 })
        .collect();
    for search in ALL {
        let found = places(&values, search, Change::Mean);
        assert!(near(&found, &[12_345], 25), "{search:?} {found:?}");
    }
}
