use super::{assert_close, merged, whole};
use kpi_stats::{Error, ForecastError};
use proptest::prelude::*;

fn of(pairs: &[(f64, f64)]) -> ForecastError {
    whole(&ForecastError::default(), pairs, |state, (actual, forecast)| {
        state.add(*actual, *forecast)
    })
}

type Measure = fn(&ForecastError) -> Result<Option<f64>, Error>;

const MEASURES: [Measure; 7] = [
    ForecastError::mae,
    ForecastError::rmse,
    ForecastError::mape,
    ForecastError::smape,
    ForecastError::wape,
    ForecastError::bias,
    ForecastError::tracking_signal,
];

#[test]
fn empty_exact_and_special() {
    assert!(
        MEASURES
            .iter()
            .all(|measure| measure(&of(&[])).unwrap().is_none())
    );
    assert_eq!(of(&[]).mase(1.0).unwrap(), None);
    let exact = of(&[(0.0, 0.0), (2.0, 2.0)]);
    assert_eq!(
        MEASURES.map(|measure| measure(&exact).unwrap()),
        [
            Some(0.0),
            Some(0.0),
            Some(0.0),
            Some(0.0),
            Some(0.0),
            Some(0.0),
            None
        ]
    );
    let zeros = of(&[(0.0, 1.0)]);
    assert_eq!(
        (
            zeros.mape().unwrap(),
            zeros.wape().unwrap(),
            zeros.smape().unwrap()
        ),
        (None, None, Some(2.0))
    );
    assert_eq!(zeros.tracking_signal().unwrap(), Some(-1.0));
    for (actual, forecast) in [(f64::NAN, 1.0), (1.0, f64::NAN), (f64::INFINITY, f64::INFINITY)] {
        let state = of(&[(actual, forecast), (1.0, 2.0)]);
        assert!(state.mae().unwrap().unwrap().is_nan() && state.smape().unwrap().unwrap().is_nan());
    }
    assert_eq!(of(&[(f64::INFINITY, 1.0)]).mae().unwrap(), Some(f64::INFINITY));
    for scale in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(
            matches!(exact.mase(scale), Err(Error::Argument { .. })),
            "{scale}"
        );
    }
}

proptest! {
    /// Every measure by its definition, over all pairs at once.
    #[test]
    fn measures_are_those_of_the_definitions(pairs in prop::collection::vec((0.1..1e3f64, -1e3..1e3f64), 1..100)) {
        let n = pairs.len() as f64;
        let sum = |term: fn(f64, f64) -> f64| pairs.iter().map(|(a, f)| term(*a, *f)).sum::<f64>();
        let mae = sum(|a, f| (a - f).abs()) / n;
        let expected = [
            mae,
            (sum(|a, f| (a - f).powi(2)) / n).sqrt(),
            sum(|a, f| (a - f).abs() / a.abs()) / n,
            sum(|a, f| 2.0 * (a - f).abs() / (a.abs() + f.abs())) / n,
            sum(|a, f| (a - f).abs()) / sum(|a, _| a.abs()),
            sum(|a, f| a - f) / n,
            sum(|a, f| a - f) / mae,
        ];
        let state = of(&pairs);
        for (measure, expected) in MEASURES.iter().zip(expected) {
            let found = measure(&state).unwrap().unwrap();
            prop_assert!((found - expected).abs() <= 1e-9 * (1.0 + expected.abs()), "{found} for {expected}");
        }
        prop_assert_eq!(state.mase(2.0).unwrap(), state.mae().unwrap().map(|mae| mae / 2.0));
    }

    #[test]
    fn merge_is_the_whole(pairs in prop::collection::vec((prop_oneof![-1e3..1e3f64, Just(0.0)], prop_oneof![-1e3..1e3f64, Just(0.0)]), 1..200),
        parts in 1..6usize, seed: u64) {
        let merged = merged(&ForecastError::default(), &pairs, parts, seed, |state, (a, f)| state.add(*a, *f));
        let whole = of(&pairs);
        prop_assert_eq!((merged.num_vals(), merged.num_zeros()), (whole.num_vals(), whole.num_zeros()));
        for measure in MEASURES {
            let (a, b) = (measure(&merged).unwrap(), measure(&whole).unwrap());
            prop_assert_eq!(a.is_some(), b.is_some());
            let (a, b) = (a.unwrap_or(0.0), b.unwrap_or(0.0));
            assert_close(a, b, b.abs() + pairs.len() as f64 + whole.mae().unwrap().unwrap());
        }
    }
}
