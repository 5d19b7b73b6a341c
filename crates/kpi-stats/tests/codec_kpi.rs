//! Stored states of KPIs, of frequent and of extreme values: what was encoded reads back, and nothing else reads at all.
#![allow(clippy::unwrap_used, clippy::panic)]

mod damage;

use kpi_stats::{
    Apdex, By, End, Ewma, Extremes, Float, ForecastError, Frequent, Funnel, Gini, HyperLogLog, Nps, Period,
    Ratio, Retention, Slo, State, TDigest, Trend,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Mostly ordinary numbers, and anything else.
fn number() -> impl Strategy<Value = f64> + Clone {
    prop_oneof![20 => -1e6..1e6f64, 2 => (-5..5i32).prop_map(f64::from), 1 => any::<f64>()]
}

fn time() -> impl Strategy<Value = i64> + Clone {
    prop_oneof![20 => -1_000_000_000_000..1_000_000_000_000i64, 1 => any::<i64>()]
}

fn ratio() -> impl Strategy<Value = Ratio> {
    vec((number(), number()), 0..20).prop_map(|pairs| {
        let mut state = Ratio::default();
        pairs.iter().for_each(|(a, b)| state.add(*a, *b));
        state
    })
}

fn forecast_error() -> impl Strategy<Value = ForecastError> {
    vec((number(), number()), 0..20).prop_map(|pairs| {
        let mut state = ForecastError::default();
        pairs.iter().for_each(|(a, b)| state.add(*a, *b));
        state
    })
}

fn apdex() -> impl Strategy<Value = Apdex> {
    (vec(number(), 0..40), 1e-3..1e3f64).prop_map(|(values, t)| {
        let mut state = Apdex::new(t).unwrap();
        values.iter().for_each(|x| state.add(*x));
        state
    })
}

fn nps() -> impl Strategy<Value = Nps> {
    vec(0..=10i64, 0..40).prop_map(|scores| {
        let mut state = Nps::default();
        scores.iter().for_each(|x| state.add(*x).unwrap());
        state
    })
}

fn ewma() -> impl Strategy<Value = Ewma> {
    (vec((time(), number()), 0..20), 1..i64::MAX).prop_map(|(points, half_life)| {
        let mut state = Ewma::new(half_life).unwrap();
        points.iter().for_each(|(t, x)| state.add(*t, *x));
        state
    })
}

fn slo() -> impl Strategy<Value = Slo> {
    (vec((time(), 0..1000i64, 0..1000i64), 0..60), 0.5..0.99999f64).prop_map(|(events, objective)| {
        let mut state = Slo::new(objective).unwrap();
        events
            .iter()
            .for_each(|(t, good, bad)| state.add(*t, *good, good + bad).unwrap());
        state
    })
}

fn trend() -> impl Strategy<Value = Trend> {
    prop_oneof![9 => vec((time(), number()), 0..40), 1 => vec((time(), number()), 1000..1400)].prop_map(
        |points| {
            let mut state = Trend::default();
            points.iter().for_each(|(t, x)| state.add(*t, *x));
            state
        },
    )
}

fn gini() -> impl Strategy<Value = Gini> {
    let value = prop_oneof![5 => 0.0..1e6f64, 1 => (0..5i32).prop_map(f64::from)];
    prop_oneof![9 => vec(value.clone(), 0..40), 1 => vec(value, 2000..2500)].prop_map(|values| {
        let mut state = Gini::default();
        values.iter().for_each(|x| state.add(*x).unwrap());
        state
    })
}

fn funnel() -> impl Strategy<Value = Funnel> {
    (vec((time(), 0..20u64, 1..=32i64), 0..100), 1..1_000_000_000i64).prop_map(|(events, window)| {
        let mut state = Funnel::new(window).unwrap();
        for (t, actor, step) in events {
            state.add(t, HyperLogLog::mix(actor), step).unwrap();
        }
        state
    })
}

fn retention() -> impl Strategy<Value = Retention> {
    let period = prop_oneof![
        (1..10_000_000_000i64).prop_map(Period::Micros),
        (1..20i32).prop_map(Period::Months)
    ];
    (vec((time(), 0..20u64), 0..100), period).prop_map(|(events, period)| {
        let mut state = Retention::new(period).unwrap();
        for (t, actor) in events {
            state.add(t, HyperLogLog::mix(actor));
        }
        state
    })
}

fn frequent() -> impl Strategy<Value = Frequent> {
    let empty = prop_oneof![
        (0.05..0.9f64).prop_map(|share| Frequent::at_least(share).unwrap()),
        (1..5i32, 1.5..3.0f64).prop_map(|(n, skew)| Frequent::most_common(n, skew).unwrap()),
    ];
    (empty, vec("[a-h]{0,2}", 0..200)).prop_map(|(mut state, values)| {
        values
            .iter()
            .for_each(|value| state.add(value.as_bytes()).unwrap());
        state
    })
}

fn tdigest() -> impl Strategy<Value = TDigest> {
    (10..50i64, vec(number(), 0..600)).prop_map(|(n, values)| {
        let mut state = TDigest::new(n).unwrap();
        values.iter().for_each(|x| state.add(*x));
        state
    })
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Smallest), Just(End::Largest)]
}

fn float_extremes() -> impl Strategy<Value = Extremes<Float>> {
    (end(), 1..20i64, vec(number(), 0..50)).prop_map(|(end, n, values)| {
        let mut state = Extremes::new(end, n).unwrap();
        values.iter().for_each(|x| state.add(Float::new(*x)));
        state
    })
}

fn bytes_extremes() -> impl Strategy<Value = Extremes<Vec<u8>>> {
    (end(), 1..20i64, vec(vec(any::<u8>(), 0..5), 0..50)).prop_map(|(end, n, values)| {
        let mut state = Extremes::new(end, n).unwrap();
        values.iter().for_each(|x| state.add(x.clone()));
        state
    })
}

fn int_extremes_by() -> impl Strategy<Value = Extremes<By<i64>>> {
    (
        end(),
        1..20i64,
        vec((any::<i64>(), vec(any::<u8>(), 0..9)), 0..50),
    )
        .prop_map(|(end, n, values)| {
            let mut state = Extremes::new(end, n).unwrap();
            values
                .into_iter()
                .for_each(|(key, data)| state.add(By { key, data }));
            state
        })
}

codec_tests!(ratio forecast_error apdex nps ewma slo trend gini funnel retention frequent tdigest float_extremes
    bytes_extremes int_extremes_by);

/// What is read from a forged state may be nonsense, but reading it ends, and nothing overflows.
macro_rules! reading_tests {
    ($($name:ident: $reading:expr;)+) => {
        mod forged_states_can_be_read {
            use super::*;
            use $crate::damage::{damage, forged};

            proptest! {
                $(#[test]
                fn $name(state in super::$name(), damages in vec(damage(), 1..4)) {
                    if let Some(read) = forged(&state, &damages) {
                        let _ = ($reading)(&read);
                    }
                })+
            }
        }
    };
}

reading_tests! {
    ratio: |state: &Ratio| (state.value(), state.interval(0.9), state.test(0.5, 0.9));
    forecast_error: |state: &ForecastError| (state.mae(), state.mape(), state.wape(), state.tracking_signal(), state.num_zeros());
    apdex: |state: &Apdex| (state.score(), state.rating(), state.num_vals());
    nps: |state: &Nps| (state.score(), state.margin(0.9), state.num_vals());
    ewma: |state: &Ewma| (state.average(), state.weight());
    slo: |state: &Slo| (state.end(), state.error_budget_left(), state.alerts(i64::MAX), state.alerts(i64::MIN), state.alerts(0));
    trend: |state: &Trend| (state.mann_kendall(), state.slope_interval(0.9), state.value_at(i64::MIN), state.sample_size());
    gini: |state: &Gini| (state.coefficient(), state.sample_coefficient(), state.error(), state.num_vals());
    funnel: |state: &Funnel| (state.counts(), state.conversion(2), state.sampled());
    retention: |state: &Retention| (state.cohorts(), state.rate(1), state.rate(200), state.num_actors());
    frequent: |state: &Frequent| (state.values().len(), state.top(3).len(), state.max_frequency(b"a"), state.max_error());
    tdigest: |state: &TDigest| (state.approx_percentile(0.3), state.approx_percentile_rank(1.0), state.mean(), state.min_val());
    float_extremes: |state: &Extremes<Float>| state.values();
    bytes_extremes: |state: &Extremes<Vec<u8>>| state.values();
    int_extremes_by: |state: &Extremes<By<i64>>| state.values();
}

/// The kinds of extremes are told apart, also where their bytes could be read.
#[test]
fn extremes_of_one_kind_are_not_read_as_another() {
    let empty = Extremes::<i64>::new(End::Largest, 3).unwrap().encode();
    assert!(Extremes::<Float>::decode(&empty).is_err());
    assert!(Extremes::<By<i64>>::decode(&empty).is_err());
    assert!(Extremes::<i64>::decode(&empty).is_ok());
}
