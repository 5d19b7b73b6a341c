//! Flat lines: values that always moved stand still.

use crate::verdict::{Cause, Verdict};

/// A run of equal values is at least this long ...
const LEAST: usize = 6;
/// ... and this many times as long as any other one.
const TIMES: usize = 3;

/// Flags the runs of equal values that are long for the series: six or more, three times as long as the longest other one, and
/// rarer than the threshold by `q^(k - 1)`, with `q` the share of other values that are equal to the one before. All values of a run are
/// flagged; gaps interrupt it.
pub(crate) fn flag(values: &[f64], verdicts: &mut [Verdict], threshold: f64) {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let mut known = 0;
    for (t, value) in values.iter().enumerate().filter(|(_, v)| v.is_finite()) {
        known += 1;
        match runs.last_mut() {
            Some((first, steps)) if *first + *steps == t && values[*first] == *value => *steps += 1,
            _ => runs.push((t, 1)),
        }
    }
    let mut lengths: Vec<usize> = runs.iter().map(|(_, steps)| *steps).collect();
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    let (Some(longest), Some(second)) = (lengths.first(), lengths.get(1)) else {
        return;
    };
    if *longest < LEAST || *longest < TIMES * second {
        return;
    }
    let others = known - longest;
    let equal = others - (runs.len() - 1);
    let share = (equal as f64 + 0.5) / (others as f64 + 1.0);
    // What stands still most of the time has no flat lines; what moves then is a spike.
    let probability = share.powi((*longest - 1).min(1000) as i32);
    if others < *longest || probability >= threshold {
        return;
    }
    for (first, steps) in runs.iter().filter(|(_, steps)| steps == longest) {
        let cause = Cause::Still {
            steps: *steps,
            usual: *second,
        };
        for verdict in &mut verdicts[*first..first + steps] {
            verdict.flag(probability, threshold, cause);
        }
    }
}
