//! Reconciliation: values of a reference, what holds of every hierarchy, and the way from histories to forecasts.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use kpi_forecast::options::Options;
use kpi_forecast::reconcile::{
    Covariance, Hierarchy, HierarchyError, Method, Projection, forecast_nodes, reconcile_values,
};
use kpi_forecast::{Error, Model, Request, fan, forecast};
use proptest::prelude::*;

fn tree(paths: &[&str]) -> Hierarchy {
    Hierarchy::from_paths(&paths.iter().map(|path| path.to_string()).collect::<Vec<_>>()).unwrap()
}

fn assert_near(got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len());
    for (got_one, want_one) in got.iter().zip(want) {
        assert!((got_one - want_one).abs() < tolerance, "{got:?} is not {want:?}");
    }
}

/// A total, two regions, two and three shops.
const PATHS: [&str; 8] = ["t", "t/a", "t/b", "t/a/1", "t/a/2", "t/b/3", "t/b/4", "t/b/5"];
const BASE: [f64; 8] = [210.0, 80.0, 120.0, 35.0, 50.0, 30.0, 40.0, 60.0];
/// Errors of base forecasts, each row with mean 0.
const ERRORS: [[f64; 12]; 8] = [
    [
        -17.0, 2.0, -1.0, -14.0, 10.0, -12.0, -13.0, -12.0, 0.0, 23.0, 3.0, 31.0,
    ],
    [
        -2.0, -3.0, -12.0, 1.0, 0.0, -1.0, -12.0, -4.0, 4.0, 9.0, -4.0, 24.0,
    ],
    [
        -7.0, -11.0, -1.0, -3.0, 9.0, 3.0, -11.0, -2.0, -2.0, 7.0, 2.0, 16.0,
    ],
    [-2.0, -3.0, 1.0, -2.0, 4.0, -2.0, -2.0, -3.0, 4.0, 5.0, 6.0, -6.0],
    [0.0, -2.0, -3.0, 1.0, 7.0, -1.0, -2.0, -2.0, 4.0, 4.0, 1.0, -7.0],
    [-1.0, -2.0, 1.0, -1.0, 0.0, -1.0, 0.0, -1.0, 0.0, 1.0, 1.0, 3.0],
    [-8.0, -3.0, -6.0, 0.0, 4.0, -2.0, -3.0, 3.0, 1.0, 2.0, -6.0, 18.0],
    [-2.0, -2.0, -2.0, 0.0, 1.0, -1.0, -1.0, -2.0, 2.0, 7.0, 2.0, -2.0],
];

/// The values of hierarchicalforecast 1.5.3 (Python), of which `MinTrace`, `BottomUp` and `TopDown("forecast_proportions")` were
/// given the same base forecasts and errors. It refuses errors whose means are all 0, so those of the total were 2e-5 higher.
#[test]
fn the_values_of_hierarchicalforecast() {
    let tree = tree(&PATHS);
    let base = BASE.map(Some);
    let values = |method| reconcile_values(&tree, &base, None, method, &mut || false).unwrap();
    let ols = [
        207.586_206_896_6,
        83.275_862_069,
        124.310_344_827_6,
        34.137_931_034_5,
        49.137_931_034_5,
        28.103_448_275_9,
        38.103_448_275_9,
        58.103_448_275_9,
    ];
    assert_near(&values(Method::Ols), &ols, 1e-9);
    let wls_struct = [
        208.333_333_333_3,
        82.833_333_333_3,
        125.5,
        33.916_666_666_7,
        48.916_666_666_7,
        28.5,
        38.5,
        58.5,
    ];
    assert_near(&values(Method::WlsStruct), &wls_struct, 1e-9);
    assert_near(
        &values(Method::BottomUp),
        &[215.0, 85.0, 130.0, 35.0, 50.0, 30.0, 40.0, 60.0],
        1e-12,
    );
    let top_down = [
        210.0,
        84.0,
        126.0,
        34.588_235_294_1,
        49.411_764_705_9,
        29.076_923_076_9,
        38.769_230_769_2,
        58.153_846_153_8,
    ];
    assert_near(&values(Method::TopDown), &top_down, 1e-9);

    let truth = Covariance::shrunk(&ERRORS.map(|row| row.to_vec()), &[1.0; 8]);
    let projected = |weight: &Covariance| {
        let projection = Projection::new(&tree, weight, &[true; 8], &mut || false).unwrap();
        tree.sums(&projection.leaves(&BASE))
    };
    let variances: Vec<f64> = (0..8).map(|node| truth.variance(node)).collect();
    let wls_var = [
        209.317_367_411_7,
        83.865_719_561_5,
        125.451_647_850_2,
        34.415_025_182_7,
        49.450_694_378_8,
        29.851_361_039_2,
        36.194_842_648_6,
        59.405_444_162_3,
    ];
    assert_near(&projected(&Covariance::diagonal(&variances)), &wls_var, 1e-6);
    let standard_errors: Vec<f64> = variances.iter().map(|v| 3.0 * v.sqrt()).collect();
    let given = reconcile_values(&tree, &base, Some(&standard_errors), Method::WlsVar, &mut || {
        false
    })
    .unwrap();
    assert_near(&given, &wls_var, 1e-6);
    let mint_shrink = [
        209.914_639_067,
        83.645_688_982_1,
        126.268_950_084_9,
        34.332_218_341_9,
        49.313_470_640_1,
        29.971_534_693_9,
        37.053_651_559_3,
        59.243_763_831_7,
    ];
    assert!(truth.shrinkage > 0.1 && truth.shrinkage < 0.9);
    assert_near(&projected(&truth), &mint_shrink, 1e-5);
}

/// A tree of up to four levels: node `i` is below one of the nodes before it.
fn any_tree() -> impl Strategy<Value = Hierarchy> {
    prop::collection::vec(any::<prop::sample::Index>(), 1..40).prop_map(|above| {
        let mut names = vec!["n0".to_string()];
        for index in above {
            let parent = names[index.index(names.len())].clone();
            names.push(format!("{parent}/n{}", names.len()));
        }
        Hierarchy::from_paths(&names).unwrap()
    })
}

/// Rows north, south; columns x, y, z; all sums.
fn crossed() -> Hierarchy {
    let mut paths = Vec::new();
    for region in ["*", "north", "south"] {
        for product in ["*", "x", "y", "z"] {
            paths.push(format!("{region}/{product}"));
        }
    }
    Hierarchy::from_paths(&paths).unwrap()
}

fn any_hierarchy() -> impl Strategy<Value = Hierarchy> {
    prop_oneof![4 => any_tree(), 1 => Just(crossed())]
}

fn assert_coherent(hierarchy: &Hierarchy, values: &[f64]) {
    let leaves: Vec<f64> = hierarchy.leaves().iter().map(|leaf| values[*leaf]).collect();
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    for (node, (value, sum)) in values.iter().zip(hierarchy.sums(&leaves)).enumerate() {
        assert!(
            (value - sum).abs() <= 1e-9 * largest,
            "{value} is not the sum {sum}"
        );
        let children = hierarchy.children(node).unwrap_or_default();
        let of_children: f64 = children.iter().map(|child| values[*child]).sum();
        assert!(children.is_empty() || (value - of_children).abs() <= 1e-9 * largest);
    }
}

proptest! {
    /// Whatever the weights, the result adds up, and what added up is not changed: S P S = S.
    #[test]
    fn a_projection_is_coherent_and_unbiased(
        hierarchy in any_hierarchy(),
        seed in prop::collection::vec((-1e6..1e6_f64, -6.0..6.0_f64, prop::collection::vec(-5.0..5.0_f64, 7)), 45),
        diagonal in any::<bool>(),
    ) {
        let count = hierarchy.names().len();
        let base: Vec<f64> = seed.iter().take(count).map(|(value, _, _)| *value).collect();
        let weight = if diagonal {
            let variances: Vec<f64> = seed.iter().take(count).map(|(_, exponent, _)| exponent.exp()).collect();
            Covariance::diagonal(&variances)
        } else {
            let errors: Vec<Vec<f64>> = seed.iter().take(count).map(|(_, _, errors)| errors.clone()).collect();
            Covariance::shrunk(&errors, &vec![1.0; count])
        };
        let projection = Projection::new(&hierarchy, &weight, &vec![true; count], &mut || false).unwrap();
        let reconciled = hierarchy.sums(&projection.leaves(&base));
        assert_coherent(&hierarchy, &reconciled);
        let again = hierarchy.sums(&projection.leaves(&reconciled));
        let largest = reconciled.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        for (one, other) in reconciled.iter().zip(&again) {
            prop_assert!((one - other).abs() <= 1e-9 * largest, "{one} became {other}");
        }
        // With the right weights no node is the worse for it.
        for ratio in projection.variance_ratios(&weight, &mut || false).unwrap() {
            prop_assert!((0.0..=1.0 + 1e-9).contains(&ratio), "{ratio}");
        }
    }

    /// The same of all methods for forecasts that are there already.
    #[test]
    fn forecasts_that_add_up_stay(
        hierarchy in any_tree(),
        leaves in prop::collection::vec(1.0..1e5_f64, 45),
        other in prop::collection::vec(0.5..1e5_f64, 45),
    ) {
        let coherent = hierarchy.sums(&leaves[..hierarchy.leaves().len()]);
        let base: Vec<Option<f64>> = coherent.iter().copied().map(Some).collect();
        let count = base.len();
        let errors = &other[..count];
        for method in [Method::BottomUp, Method::TopDown, Method::Ols, Method::WlsStruct, Method::WlsVar] {
            let same = reconcile_values(&hierarchy, &base, Some(errors), method, &mut || false).unwrap();
            assert_near(&same, &coherent, 1e-9 * coherent[0].abs());
            let incoherent: Vec<Option<f64>> = errors.iter().copied().map(Some).collect();
            let made = reconcile_values(&hierarchy, &incoherent, Some(errors), method, &mut || false).unwrap();
            assert_coherent(&hierarchy, &made);
            // Sums without a forecast are the sums of the leaves.
            let mut only_leaves = vec![None; count];
            hierarchy.leaves().iter().for_each(|leaf| only_leaves[*leaf] = base[*leaf]);
            if method != Method::TopDown {
                let summed = reconcile_values(&hierarchy, &only_leaves, Some(errors), method, &mut || false).unwrap();
                assert_near(&summed, &coherent, 1e-9 * coherent[0].abs());
            }
        }
    }
}

fn request(model: Model) -> Request {
    Request {
        horizon: 6,
        model,
        level: 0.9,
        season: Some(1),
    }
}

/// A trend and something that looks like noise, of its own for each seed.
fn history(seed: i64, n: i64) -> Vec<f64> {
    (0..n)
        .map(|t| 50.0 + 0.4 * t as f64 + ((t * 7919 + seed * 104_729) % 1009) as f64 / 100.0)
        .collect()
}

fn made(
    hierarchy: &Hierarchy,
    histories: &[Option<Vec<f64>>],
    model: Model,
    method: Method,
) -> Vec<Vec<f64>> {
    let nodes = forecast_nodes(
        hierarchy,
        histories,
        &request(model),
        &Options::default(),
        &[],
        method,
        &mut || false,
    )
    .unwrap();
    for step in 0..6 {
        let values: Vec<f64> = nodes.iter().map(|node| node[step].point.value).collect();
        assert_coherent(hierarchy, &values);
        for node in &nodes {
            let point = node[step].point;
            assert!(point.lower <= point.value && point.value <= point.upper);
        }
    }
    let value =
        |node: &Vec<kpi_forecast::reconcile::Reconciled>| node.iter().map(|step| step.point.value).collect();
    nodes.iter().map(value).collect()
}

const METHODS: [Method; 6] = [
    Method::BottomUp,
    Method::TopDown,
    Method::Ols,
    Method::WlsStruct,
    Method::WlsVar,
    Method::MintShrink,
];

#[test]
fn histories_become_forecasts_that_add_up() {
    let tree = tree(&["t/a/1", "t/a/2", "t/b", "t"]);
    let parts = [history(1, 60), history(2, 60), history(3, 50)];
    let whole = history(4, 60).iter().map(|v| v * 3.0).collect();
    let histories = [
        Some(parts[0].clone()),
        Some(parts[1].clone()),
        Some(parts[2].clone()),
        Some(whole),
    ];
    for method in METHODS {
        for model in [Model::Theta, Model::Naive, Model::Ses] {
            let values = made(&tree, &histories, model, method);
            let alone = |node: usize| {
                let history = histories[node].as_ref().unwrap();
                let made = forecast(history, &request(model), &[], &mut || false).unwrap();
                made.points.iter().map(|p| p.value).collect::<Vec<f64>>()
            };
            match method {
                Method::BottomUp => assert_eq!(values[1], alone(1)),
                Method::TopDown => assert_near(&values[3], &alone(3), 1e-9),
                _ => assert!((values[3][0] - alone(3)[0]).abs() > 1e-6),
            }
        }
    }
    // The band of a sum of independent errors is narrower than the sum of bands.
    let nodes = forecast_nodes(
        &tree,
        &histories,
        &request(Model::Theta),
        &Options::default(),
        &[],
        Method::BottomUp,
        &mut || false,
    )
    .unwrap();
    let width = |node: usize| nodes[node][0].point.upper - nodes[node][0].point.lower;
    assert!(width(3) < width(0) + width(1) + width(2) && width(3) > width(0).max(width(1)));
}

#[test]
fn a_sum_that_is_not_given_is_that_of_its_leaves() {
    let tree = tree(&["t/a", "t/b"]);
    let (mut a, b) = (history(1, 40), history(2, 30));
    let whole: Vec<f64> = (0..40)
        .map(|t| a[t] + if t < 10 { 0.0 } else { b[t - 10] })
        .collect();
    let same = tree.names().to_vec();
    let given = Hierarchy::from_paths(&same).unwrap();
    for method in METHODS {
        let not_given = made(&tree, &[Some(a.clone()), Some(b.clone())], Model::Theta, method);
        let with = made(
            &given,
            &[Some(a.clone()), Some(b.clone()), Some(whole.clone())],
            Model::Theta,
            method,
        );
        for (one, other) in not_given.iter().zip(&with) {
            assert_near(one, other, 1e-9);
        }
    }
    // A leaf with gaps, and one that ends earlier.
    a[20] = f64::NAN;
    a[39] = f64::NAN;
    made(&tree, &[Some(a), Some(b)], Model::Theta, Method::MintShrink);
}

#[test]
fn constants_short_series_and_large_numbers() {
    let tree = tree(&["t/a", "t/b"]);
    for method in METHODS {
        let constant = made(
            &tree,
            &[Some(vec![5.0; 20]), Some(vec![7.0; 20])],
            Model::Auto,
            method,
        );
        assert_near(&constant[2], &[12.0; 6], 1e-9);
        let zero = made(
            &tree,
            &[Some(vec![0.0; 20]), Some(vec![0.0; 20])],
            Model::Naive,
            method,
        );
        assert_near(&zero[2], &[0.0; 6], 1e-12);
        let short = made(
            &tree,
            &[Some(vec![5.0, 6.0]), Some(vec![f64::NAN, 6.0, 7.0])],
            Model::Naive,
            method,
        );
        assert_near(&short[2], &[13.0; 6], 1e-9);
        let huge = [Some(vec![1e308, -1e308, 1e308, 9e307]), Some(vec![1e308; 4])];
        let refused = forecast_nodes(
            &tree,
            &huge,
            &request(Model::Naive),
            &Options::default(),
            &[],
            method,
            &mut || false,
        );
        let error = refused.unwrap_err();
        let is_overflow = match &error {
            Error::Overflow { .. } => true,
            Error::Node { error, .. } => matches!(**error, Error::Overflow { .. }),
            _ => false,
        };
        assert!(is_overflow, "{error:?}");
    }
}

#[test]
fn what_is_refused() {
    let refused = |hierarchy: &Hierarchy, histories: &[Option<Vec<f64>>], method| {
        forecast_nodes(
            hierarchy,
            histories,
            &request(Model::Naive),
            &Options::default(),
            &[],
            method,
            &mut || false,
        )
        .unwrap_err()
    };
    let two = tree(&["t/a", "t/b"]);
    let missing = refused(&two, &[Some(history(1, 9)), None], Method::Ols);
    assert_eq!(missing.to_string(), "leaf of the hierarchy has no series");
    let empty = refused(&two, &[Some(history(1, 9)), Some(vec![f64::NAN; 9])], Method::Ols);
    assert_eq!(
        empty.detail().unwrap(),
        "node \"t/b\": the series has 9 points, and none has a finite value"
    );
    let crossed = crossed();
    let histories = vec![Some(history(1, 20)); 12];
    assert_eq!(
        refused(&crossed, &histories, Method::TopDown),
        HierarchyError::Crossed.into()
    );
    let canceled = forecast_nodes(
        &crossed,
        &histories,
        &request(Model::Naive),
        &Options::default(),
        &[],
        Method::Ols,
        &mut || true,
    );
    assert_eq!(canceled.unwrap_err(), Error::Canceled);

    let values = |base: &[Option<f64>], errors: Option<&[f64]>, method| {
        reconcile_values(&two, base, errors, method, &mut || false)
            .unwrap_err()
            .to_string()
    };
    let base = [Some(1.0), Some(2.0)];
    assert_eq!(
        values(&[Some(1.0), None], None, Method::Ols),
        "leaf of the hierarchy has no forecast"
    );
    assert_eq!(
        values(&[Some(1.0), Some(f64::NAN)], None, Method::Ols),
        "forecast is out of range"
    );
    assert_eq!(
        values(&base, None, Method::WlsVar),
        "method \"wls_var\" needs standard errors"
    );
    assert_eq!(
        values(&base, Some(&[1.0, 0.0]), Method::WlsVar),
        "standard error is out of range"
    );
    assert_eq!(
        values(&base, None, Method::MintShrink),
        "method \"mint_shrink\" needs the history of each node"
    );
    assert_eq!(
        values(&base, None, Method::TopDown),
        "method \"top_down\" needs a forecast of the root"
    );
}

/// Shops and products: each region is the sum of its products, each product that of its regions.
#[test]
fn crossed_sums_agree_both_ways() {
    let crossed = crossed();
    let histories: Vec<Option<Vec<f64>>> = (0..12).map(|i| Some(history(i, 40))).collect();
    let values = made(&crossed, &histories, Model::Theta, Method::MintShrink);
    let sum = |nodes: &[usize]| {
        let steps = 0..6;
        steps
            .map(|step| nodes.iter().map(|node| values[*node][step]).sum())
            .collect::<Vec<f64>>()
    };
    assert_near(&sum(&[4, 8]), &values[0], 1e-9);
    assert_near(&sum(&[1, 2, 3]), &values[0], 1e-9);
}

/// With two seasons each node is forecast with both.
#[test]
fn several_seasons() {
    let tree = tree(&["t/a", "t/b"]);
    let two = |size: f64| -> Vec<f64> {
        (0..90)
            .map(|t| {
                size * (50.0 + [0.0, 9.0, -4.0][t % 3] + [0.0, 3.0, 8.0, 2.0, 0.0, -3.0, -6.0][t % 7])
                    + (t * 7919 % 5) as f64
            })
            .collect()
    };
    let histories = [Some(two(1.0)), Some(two(2.0))];
    let (request, options) = (
        Request {
            season: None,
            ..request(Model::Mstl)
        },
        Options {
            seasons: vec![7, 3],
            ..Options::default()
        },
    );
    let nodes = forecast_nodes(
        &tree,
        &histories,
        &request,
        &options,
        &[],
        Method::MintShrink,
        &mut || false,
    )
    .unwrap();
    for (history, node) in histories.iter().flatten().zip(&nodes) {
        let own = fan(history, &request, &options, &[], &mut || false).unwrap();
        assert!(node.iter().map(|step| step.base).eq(own.values));
    }
    let [a, b, whole] = &nodes[..] else {
        panic!("{} nodes", nodes.len());
    };
    for ((a, b), whole) in a.iter().zip(b).zip(whole) {
        let sum = a.point.value + b.point.value;
        assert!((sum - whole.point.value).abs() < 1e-9 * sum.abs());
    }
}
