//! Stored states over points in time: what was encoded reads back, and nothing else reads at all.
#![allow(clippy::unwrap_used, clippy::panic)]

mod damage;

use damage::{damage, forged};
use kpi_stats::{
    Candlestick, CompactStateAgg, CounterAgg, GaugeAgg, HeartbeatAgg, MetricAgg, State, StateAgg,
    StateTracker, TimeRange, TimeWeight, Weighting,
};
use proptest::prelude::*;

/// Points in any order, as they are or already stored.
fn points() -> impl Strategy<Value = (Vec<(i64, f64)>, bool)> {
    let value = prop_oneof![20 => -1e9..1e9f64, 20 => (0..99i32).prop_map(f64::from), 1 => any::<f64>()];
    let time = prop_oneof![
        0..1000i64,
        any::<i32>().prop_map(i64::from),
        -2e17 as i64..9e18 as i64
    ];
    (prop::collection::vec((time, value), 0..400), any::<bool>())
}

fn counter() -> impl Strategy<Value = CounterAgg> {
    (points(), any::<bool>()).prop_map(|((points, finished), bounded)| {
        let mut state = CounterAgg::default();
        points.iter().for_each(|p| state.add(p.0, p.1).unwrap());
        if bounded {
            state.add_bounds(TimeRange::new(-5, 5).unwrap());
        }
        if finished {
            state.finished().unwrap()
        } else {
            state
        }
    })
}

fn gauge() -> impl Strategy<Value = GaugeAgg> {
    points().prop_map(|(points, finished)| {
        let mut state = GaugeAgg::default();
        points.iter().for_each(|p| state.add(p.0, p.1).unwrap());
        if finished {
            state.finished().unwrap()
        } else {
            state
        }
    })
}

fn time_weight() -> impl Strategy<Value = TimeWeight> {
    points().prop_map(|(points, finished)| {
        let mut state = TimeWeight::new(if points.len() % 2 == 0 {
            Weighting::Locf
        } else {
            Weighting::Linear
        });
        points.iter().for_each(|p| state.add(p.0, p.1).unwrap());
        if finished {
            state.finished().unwrap()
        } else {
            state
        }
    })
}

fn candlestick() -> impl Strategy<Value = Candlestick> {
    points().prop_map(|(points, with_volume)| {
        let mut state = Candlestick::default();
        points
            .iter()
            .for_each(|p| state.add(p.0, p.1, with_volume.then_some(p.1.abs())).unwrap());
        state
    })
}

fn tracked<const TIMELINE: bool>() -> impl Strategy<Value = StateTracker<TIMELINE>> {
    points().prop_map(|(points, finished)| {
        let mut state = StateTracker::default();
        points.iter().for_each(|p| match p.1 {
            value if value < 20.0 => state.add_integer(p.0, value as i64).unwrap(),
            value => state.add_text(p.0, &value.to_string()).unwrap(),
        });
        if finished {
            state.finished().unwrap()
        } else {
            state
        }
    })
}

fn state_agg() -> impl Strategy<Value = StateAgg> {
    tracked()
}

fn compact_state_agg() -> impl Strategy<Value = CompactStateAgg> {
    tracked()
}

fn heartbeat() -> impl Strategy<Value = HeartbeatAgg> {
    (points(), 1..1000u64).prop_map(|((points, _), liveness)| {
        let mut state = HeartbeatAgg::new(TimeRange::new(-100, 1000).unwrap(), liveness).unwrap();
        points.iter().for_each(|p| state.add(p.0).unwrap());
        state
    })
}

/// What cannot be told from the bytes alone shows when a state is read.
fn read_all<const RESETS: bool>(state: &MetricAgg<RESETS>) {
    let _ = (
        state.delta(),
        state.rolled_up(),
        state.intercept(),
        state.zero_time(),
        state.irate_left(),
    );
    let _ = state.interpolated_delta(TimeRange::new(0, 100).unwrap(), Some(state), Some(state));
}

fn read_states<const TIMELINE: bool>(state: &StateTracker<TIMELINE>) {
    let _ = (
        state.into_values(),
        state.rolled_up().map(|state| state.encode()),
        state.first(),
    );
}

proptest! {
    #[test]
    fn forged_states_are_read_without_harm(counter in counter(), gauge in gauge(), weight in time_weight(), states in state_agg(),
        compact in compact_state_agg(), beats in heartbeat(), damages in prop::collection::vec(damage(), 1..6)) {
        if let Some(counter) = forged(&counter, &damages) {
            read_all(&counter);
        }
        if let Some(gauge) = forged(&gauge, &damages) {
            read_all(&gauge);
        }
        if let Some(weight) = forged(&weight, &damages) {
            let _ = (weight.average(), weight.rolled_up());
        }
        if let Some(states) = forged(&states, &damages) {
            read_states(&states);
            let _ = (states.state_at(50), states.state_timeline());
        }
        if let Some(compact) = forged(&compact, &damages) {
            read_states(&compact);
        }
        if let Some(beats) = forged(&beats, &damages) {
            let _ = (beats.dead_ranges(), beats.downtime(), beats.live_at(50));
        }
    }
}

codec_tests!(counter gauge time_weight candlestick state_agg compact_state_agg heartbeat);

fn absorbs_as_it_merges<S: State>(state: &S, other: &S) {
    let (mut merged, mut absorbed) = (state.clone(), state.clone());
    merged.merge(other);
    absorbed.absorb(other.clone());
    assert_eq!(absorbed.encode(), merged.encode());
}

proptest! {
    #[test]
    fn what_is_absorbed_is_what_would_be_merged(
        counters in (counter(), counter()), gauges in (gauge(), gauge()), weights in (time_weight(), time_weight()),
        candles in (candlestick(), candlestick()),
    ) {
        absorbs_as_it_merges(&counters.0, &counters.1);
        absorbs_as_it_merges(&gauges.0, &gauges.1);
        absorbs_as_it_merges(&weights.0, &weights.1);
        absorbs_as_it_merges(&candles.0, &candles.1);
    }
}
