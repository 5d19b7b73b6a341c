//! What the states of KPIs promise: the results of textbooks and other programs, and that a merge is the whole.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ewma;
mod forecast_error;
mod funnel;
mod gini;
mod ratio;
mod retention;
mod scores;
mod settings;
mod slo;
mod trend;

use kpi_stats::{HyperLogLog, State};

/// The state of items that are dealt out to `parts` states by chance and merged in the order that `seed` says, with each part
/// written and read on the way.
fn merged<S: State, T>(empty: &S, items: &[T], parts: usize, seed: u64, add: impl Fn(&mut S, &T)) -> S {
    let mut split = vec![empty.clone(); parts];
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|&i| HyperLogLog::mix(seed ^ i as u64));
    for i in order {
        add(
            &mut split[HyperLogLog::mix(seed.wrapping_add(i as u64)) as usize % parts],
            &items[i],
        );
    }
    split.rotate_left(seed as usize % parts);
    let mut merged = empty.clone();
    for part in &split {
        merged.merge(&S::decode(&part.encode()).unwrap());
    }
    merged
}

/// The state of all items in their order.
fn whole<S: State, T>(empty: &S, items: &[T], add: impl Fn(&mut S, &T)) -> S {
    let mut state = empty.clone();
    items.iter().for_each(|item| add(&mut state, item));
    state
}

fn assert_close(a: f64, b: f64, scale: f64) {
    let same = a == b || (a.is_nan() && b.is_nan());
    assert!(
        same || (a - b).abs() <= 1e-12 * scale,
        "{a} is not {b} within 1e-12 of {scale}"
    );
}

/// Uniform numbers from 0 to 1 that are the same in each run.
fn uniform(i: u64) -> f64 {
    (HyperLogLog::mix(i) >> 11) as f64 / (1u64 << 53) as f64
}
