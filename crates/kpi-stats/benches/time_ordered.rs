//! What one point costs: a million ordered points added to each state over time and finished, the same dealt to two workers
//! in blocks as a parallel scan does, a little late, and in no order.
#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kpi_stats::{
    Candlestick, CompactStateAgg, CounterAgg, GaugeAgg, HeartbeatAgg, State, StateAgg, TimeRange, TimeWeight,
    Weighting,
};

const POINTS: usize = 1_000_000;
const STATES: [&str; 4] = ["starting", "running", "error", "stopped"];

/// Readings every ten seconds that rise and are reset now and then, with two digits after the point.
fn readings() -> Vec<(i64, f64)> {
    (0..POINTS as i64)
        .map(|i| (i * 10_000_000, (i % 10_007 * 37) as f64 / 100.0))
        .collect()
}

/// Values that are no short decimals, at times with microseconds.
fn noisy() -> Vec<(i64, f64)> {
    (0..POINTS as i64)
        .map(|i| (i * 10_000_000 + i * 7919 % 1_000_003, (i as f64).sin()))
        .collect()
}

/// Blocks of rows of an ordered table as two workers get them.
fn dealt(points: &[(i64, f64)]) -> [Vec<(i64, f64)>; 2] {
    let mut workers = [Vec::new(), Vec::new()];
    points
        .chunks(20_000)
        .enumerate()
        .for_each(|(index, block)| workers[index % 2].extend(block));
    workers
}

/// Each point up to five minutes late.
fn late(points: &[(i64, f64)]) -> Vec<(i64, f64)> {
    let lateness = |i: usize| (i * 7919 % 31) as i64 * 10_000_000;
    let mut late: Vec<_> = points
        .iter()
        .enumerate()
        .map(|(i, p)| (p.0 + lateness(i), *p))
        .collect();
    late.sort_by_key(|(arrival, _)| *arrival);
    late.into_iter().map(|(_, point)| point).collect()
}

fn shuffled(points: &[(i64, f64)]) -> Vec<(i64, f64)> {
    (0..POINTS).map(|i| points[i * 618_033 % POINTS]).collect()
}

fn counter(points: &[(i64, f64)]) -> CounterAgg {
    let mut state = CounterAgg::default();
    points.iter().for_each(|p| state.add(p.0, p.1).unwrap());
    state
}

fn ordered(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ordered");
    group
        .throughput(Throughput::Elements(POINTS as u64))
        .sample_size(20);
    for (name, points) in [("", readings()), ("_noisy", noisy())] {
        group.bench_function(format!("counter_agg{name}"), |b| {
            b.iter(|| counter(black_box(&points)).finished().unwrap());
        });
        group.bench_function(format!("gauge_agg{name}"), |b| {
            b.iter(|| {
                let mut state = GaugeAgg::default();
                black_box(&points)
                    .iter()
                    .for_each(|p| state.add(p.0, p.1).unwrap());
                state.finished().unwrap()
            });
        });
        group.bench_function(format!("time_weight{name}"), |b| {
            b.iter(|| {
                let mut state = TimeWeight::new(Weighting::Linear);
                black_box(&points)
                    .iter()
                    .for_each(|p| state.add(p.0, p.1).unwrap());
                state.finished().unwrap()
            });
        });
    }
    let points = readings();
    group.bench_function("candlestick_agg", |b| {
        b.iter(|| {
            let mut state = Candlestick::default();
            black_box(&points)
                .iter()
                .for_each(|p| state.add(p.0, p.1, Some(1.0)).unwrap());
            state
        });
    });
    group.bench_function("state_agg", |b| {
        b.iter(|| {
            let mut state = StateAgg::default();
            for (i, point) in black_box(&points).iter().enumerate() {
                state.add_text(point.0, STATES[i / 100 % 4]).unwrap();
            }
            state.finished().unwrap()
        });
    });
    group.bench_function("compact_state_agg", |b| {
        b.iter(|| {
            let mut state = CompactStateAgg::default();
            for (i, point) in black_box(&points).iter().enumerate() {
                state.add_integer(point.0, i as i64 / 100 % 4).unwrap();
            }
            state.finished().unwrap()
        });
    });
    group.bench_function("heartbeat_agg", |b| {
        b.iter(|| {
            let range = TimeRange::new(0, POINTS as i64 * 10_000_000).unwrap();
            let mut state = HeartbeatAgg::new(range, 15_000_000).unwrap();
            black_box(&points).iter().for_each(|p| state.add(p.0).unwrap());
            state
        });
    });
    group.finish();
}

/// What is left for the leader: reading the states of two workers, merging and finishing them.
fn leader(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("leader");
    group
        .throughput(Throughput::Elements(POINTS as u64))
        .sample_size(20);
    for (name, points) in [("counter_agg", readings()), ("counter_agg_noisy", noisy())] {
        let workers = dealt(&points).map(|points| counter(&points).encode());
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut whole = CounterAgg::default();
                for bytes in black_box(&workers) {
                    whole.merge(&CounterAgg::decode(bytes).unwrap());
                }
                whole.finished().unwrap()
            });
        });
    }
    group.finish();
}

fn in_no_order(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("in_no_order");
    group
        .throughput(Throughput::Elements(POINTS as u64))
        .sample_size(10);
    for (name, points) in [
        ("shuffled", shuffled(&readings())),
        ("five_minutes_late", late(&readings())),
    ] {
        group.bench_function(format!("counter_agg_{name}"), |b| {
            b.iter(|| counter(black_box(&points)).finished().unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, ordered, leader, in_no_order);
criterion_main!(benches);
