use super::{merged, uniform, whole};
use kpi_stats::{Error, Gini, State};
use proptest::prelude::*;

fn of(values: &[f64]) -> Gini {
    whole(&Gini::default(), values, add)
}

fn add(state: &mut Gini, x: &f64) {
    state.add(*x).unwrap();
}

/// Half of the mean difference of all pairs, in units of the mean.
fn defined(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let differences: f64 = values
        .iter()
        .flat_map(|a| values.iter().map(move |b| (a - b).abs()))
        .sum();
    differences / (2.0 * n * values.iter().sum::<f64>())
}

#[test]
fn empty_zero_single_and_wrong() {
    assert_eq!(
        (of(&[]).coefficient(), of(&[]).sample_coefficient()),
        (None, None)
    );
    assert_eq!(
        (of(&[0.0, -0.0]).coefficient(), of(&[0.0, -0.0]).num_vals()),
        (None, 2)
    );
    assert_eq!(
        (of(&[5.0]).coefficient(), of(&[5.0]).sample_coefficient()),
        (Some(0.0), None)
    );
    assert_eq!(of(&[0.1; 7]).coefficient(), Some(0.0));
    // One of four has all: (n - 1) / n, and 1 for all of whom these are a sample.
    assert_eq!(of(&[0.0, 0.0, 0.0, 9.0]).coefficient(), Some(0.75));
    assert_eq!(of(&[0.0, 0.0, 0.0, 9.0]).sample_coefficient(), Some(1.0));
    assert_eq!(of(&[f64::MAX, f64::MAX, f64::MAX]).coefficient(), Some(0.0));
    for x in [
        -1.0,
        -f64::MIN_POSITIVE,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ] {
        assert!(
            matches!(Gini::default().add(x), Err(Error::Argument { .. })),
            "{x}"
        );
    }
}

proptest! {
    #[test]
    fn coefficient_is_that_of_the_definition(values in prop::collection::vec(prop_oneof![0.0..1e3f64, (0..4i32).prop_map(f64::from)], 2..100)) {
        if let Some(found) = of(&values).coefficient() {
            prop_assert!((found - defined(&values)).abs() < 1e-12);
        }
    }

    #[test]
    fn merge_is_the_whole(values in prop::collection::vec(prop_oneof![0.0..1e3f64, (0..4i32).prop_map(f64::from)], 0..200), parts in 1..6usize, seed: u64) {
        prop_assert_eq!(merged(&Gini::default(), &values, parts, seed, add), of(&values));
    }
}

/// Beyond 2048 values: within the stated error, the very same in any split, and of bounded size.
#[test]
fn many_values_are_approximated() {
    type Draw = fn(u64) -> f64;
    let draws: [(&str, Draw, f64); 3] = [
        ("uniform", uniform, 1.0 / 3.0),
        ("exponential", |i| -uniform(i).max(1e-300).ln(), 0.5),
        (
            "Pareto with exponent 3",
            |i| (1.0 - uniform(i)).powf(-1.0 / 3.0),
            0.2,
        ),
    ];
    for (name, draw, limit) in draws {
        let values: Vec<_> = (0..5000).map(draw).collect();
        let whole = of(&values);
        let found = whole.coefficient().unwrap();
        assert!(
            whole.error() > 0.0 && whole.error() < 0.0025,
            "{name}: {}",
            whole.error()
        );
        assert!(
            (found - defined(&values)).abs() <= whole.error(),
            "{name}: {found}"
        );
        assert!((found - limit).abs() < 0.02, "{name}: {found}");
        for seed in 0..3 {
            let merged = merged(&Gini::default(), &values, 4, seed, add);
            assert_eq!(
                merged.coefficient().map(f64::to_bits),
                Some(found.to_bits()),
                "{name}"
            );
            assert_eq!(merged.num_vals(), 5000);
        }
        assert!(whole.encode().len() < 40_000);
    }
}
