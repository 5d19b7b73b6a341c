//! What summaries of frequent, extreme and many values promise: their bounds, and that a merge is the whole.
#![allow(clippy::unwrap_used, clippy::panic)]

mod extremes;
mod frequent;
mod intersection;
mod tdigest;

use kpi_stats::{HyperLogLog, State};

/// The state of items that are dealt out to `parts` states and merged, with each part written and read on the way.
fn merged<S: State, T>(empty: &S, items: &[T], parts: usize, seed: u64, add: impl Fn(&mut S, &T)) -> S {
    let mut split = vec![empty.clone(); parts];
    for (i, item) in items.iter().enumerate() {
        add(
            &mut split[HyperLogLog::mix(seed.wrapping_add(i as u64)) as usize % parts],
            item,
        );
    }
    split.rotate_left(seed as usize % parts);
    let mut merged = empty.clone();
    for part in &split {
        merged.merge(&S::decode(&part.encode()).unwrap());
    }
    merged
}

/// Uniform numbers from 0 to 1 that are the same in each run.
fn uniform(i: u64) -> f64 {
    (HyperLogLog::mix(i) >> 11) as f64 / (1u64 << 53) as f64
}
