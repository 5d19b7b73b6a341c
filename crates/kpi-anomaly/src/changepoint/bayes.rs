//! Bayesian online change point detection.

use super::cost::Change;
use crate::Error;
use statrs::function::gamma::ln_gamma;

/// Run lengths that are kept at most, and the probability below which one is dropped.
const KEPT: usize = 1500;
const LEAST: f64 = 1e-9;
/// Prior of a level: its variance in units of the noise. Prior of a variance: values that it is worth.
const LEVEL_VARIANCE: f64 = 25.0;
const PRIOR: f64 = 2.0;
/// Values between polls.
const POLL: usize = 256;
/// Starts this near belong to the same change.
const NEAR: usize = 3;

/// What is known of one run.
#[derive(Debug, Clone, Copy)]
struct Run {
    start: usize,
    weight: f64,
    count: f64,
    mean: f64,
    /// Sum of squares around the mean.
    spread: f64,
}

/// A change and the probability that one is there.
pub(super) struct Found {
    pub(super) place: usize,
    pub(super) probability: f64,
}

/// The changes that are likeliest in hindsight (Adams & MacKay 2007, *Bayesian Online Changepoint Detection*, arXiv:0710.3742):
/// the start of the likeliest run at the end of the series, the start of the likeliest run just before that one, and so on.
///
/// `values` are centred and in units of the noise, `hazard` is the probability of a change at each step. `inflation` is how
/// often each value counts too much because the values remember: the logarithm of its likelihood is divided by it.
pub(super) fn bayes(
    values: &[f64],
    what: Change,
    hazard: f64,
    inflation: f64,
    least: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<Found>, Error> {
    let mut runs = vec![fresh(0, 1.0)];
    // The start of the likeliest run after each value, and its probability.
    let mut likeliest = Vec::with_capacity(values.len());
    for (t, value) in values.iter().enumerate() {
        if t.is_multiple_of(POLL) && poll() {
            return Err(Error::Canceled);
        }
        let mut changed = 0.0;
        let mut highest = f64::NEG_INFINITY;
        let mut logs = Vec::with_capacity(runs.len());
        for run in &runs {
            let log = log_density(*value, run, what) / inflation;
            highest = highest.max(log);
            logs.push(log);
        }
        for (run, log) in runs.iter_mut().zip(&logs) {
            let joint = run.weight * (log - highest).exp();
            changed += joint * hazard;
            run.weight = joint * (1.0 - hazard);
            let count = run.count + 1.0;
            let delta = value - run.mean;
            run.mean += delta / count;
            run.spread += delta * (value - run.mean);
            run.count = count;
        }
        let total: f64 = changed + runs.iter().map(|run| run.weight).sum::<f64>();
        if total.is_nan() || total <= 0.0 {
            // No run expects this value at all: a new one starts after it.
            runs = vec![fresh(t + 1, 1.0)];
            likeliest.push((t, 1.0));
            continue;
        }
        for run in &mut runs {
            run.weight /= total;
        }
        runs.retain(|run| run.weight > LEAST);
        if runs.len() > KEPT {
            runs.sort_by(|a, b| b.weight.total_cmp(&a.weight));
            runs.truncate(KEPT);
            runs.sort_by_key(|run| run.start);
        }
        let best = runs
            .iter()
            .max_by(|a, b| a.weight.total_cmp(&b.weight))
            .map_or(t, |run| run.start);
        let near: f64 = runs
            .iter()
            .filter(|run| run.start.abs_diff(best) <= NEAR)
            .map(|run| run.weight)
            .sum();
        likeliest.push((best, near.min(1.0)));
        runs.push(fresh(t + 1, changed / total));
    }
    let mut found = Vec::new();
    let mut end = values.len();
    while end > 0 {
        let (start, probability) = likeliest[end - 1];
        if start == 0 || start >= end {
            break;
        }
        found.push(Found {
            place: start,
            probability,
        });
        end = start;
    }
    found.reverse();
    // A run shorter than asked for belongs to the one before it.
    let mut last = 0;
    found.retain(|change| {
        let keep = change.place >= last + least && change.place + least <= values.len();
        if keep {
            last = change.place;
        }
        keep
    });
    Ok(found)
}

fn fresh(start: usize, weight: f64) -> Run {
    Run {
        start,
        weight,
        count: 0.0,
        mean: 0.0,
        spread: 0.0,
    }
}

/// Logarithm of the predictive density of the next value of a run: normal where the variance is known, else Student's t.
fn log_density(value: f64, run: &Run, what: Change) -> f64 {
    match what {
        Change::Mean | Change::Trend => {
            let precision = run.count + 1.0 / LEVEL_VARIANCE;
            let mean = run.count * run.mean / precision;
            let variance = 1.0 + 1.0 / precision;
            -0.5 * ((value - mean).powi(2) / variance + variance.ln())
        }
        Change::Variance => {
            let shape = (PRIOR + run.count) / 2.0;
            let square = run.spread + run.count * run.mean * run.mean;
            student(value, 2.0 * shape, (PRIOR + square) / 2.0 / shape)
        }
        Change::MeanVariance => {
            let precision = run.count + 1.0 / LEVEL_VARIANCE;
            let mean = run.count * run.mean / precision;
            let shape = (PRIOR + run.count) / 2.0;
            let drawn = run.count / LEVEL_VARIANCE / precision * run.mean * run.mean;
            let rate = (PRIOR + run.spread + drawn) / 2.0;
            student(value - mean, 2.0 * shape, rate / shape * (1.0 + 1.0 / precision))
        }
    }
}

/// Logarithm of the density of Student's t with a squared scale, less what is the same for all.
fn student(distance: f64, freedom: f64, square: f64) -> f64 {
    let half = (freedom + 1.0) / 2.0;
    // The difference of two logarithms of gamma functions, by Stirling's series where that is exact enough.
    let gammas = if freedom > 60.0 {
        0.5 * (freedom / 2.0).ln() - 0.25 / freedom
    } else {
        ln_gamma(half) - ln_gamma(freedom / 2.0)
    };
    gammas - 0.5 * (freedom * square).ln() - half * (1.0 + distance * distance / (freedom * square)).ln()
}
