//! Means and variances of what comes after the last state.

use super::estimate::Estimate;
use super::form::Part;
use crate::model::Step;
use crate::random::Random;

/// Steps whose variance is worked out; later ones go on as the last of these did.
const STEPS: usize = 1000;
/// Paths where no formula is known.
const PATHS: usize = 500;
/// The seed of the paths.
const SEED: u64 = 0x6b70_6973;

/// Means and standard errors (Hyndman, Koehler, Ord & Snyder 2008, chapter 6): exact where the errors are additive
/// (class 1) or all else is (class 2), by the approximation of section 6.4.3 where the season is multiplicative
/// (class 3), by simulation where the trend is or an additive error meets a multiplicative part.
pub fn path(estimate: &Estimate, horizon: usize) -> Vec<Step> {
    let form = estimate.form;
    let mut steps: Vec<Step> = means(estimate, horizon)
        .into_iter()
        .map(|(base, index)| Step {
            value: combine(form.season, base, index),
            standard_error: 0.0,
        })
        .collect();
    let simulated = form.trend == Part::Multiplicative
        || (!form.multiplicative_error && form.season == Part::Multiplicative);
    let known = horizon.min(STEPS);
    let variances = if simulated {
        simulate(estimate, known)
    } else if form.multiplicative_error {
        relative(estimate, known)
    } else {
        absolute(estimate, known)
    };
    let slope = match variances[..] {
        [.., before, last] => (last - before).max(0.0),
        _ => 0.0,
    };
    for (i, step) in steps.iter_mut().enumerate() {
        let variance = variances.get(i).copied();
        let beyond = || variances.last().copied().unwrap_or(0.0) + slope * (i + 1 - known) as f64;
        step.standard_error = variance.unwrap_or_else(beyond).max(0.0).sqrt();
    }
    steps
}

fn combine(season: Part, base: f64, index: f64) -> f64 {
    match season {
        Part::None => base,
        Part::Additive => base + index,
        Part::Multiplicative => base * index,
    }
}

/// Level with trend, and season, for each step.
fn means(estimate: &Estimate, horizon: usize) -> Vec<(f64, f64)> {
    let Estimate {
        form,
        weights,
        last,
        values,
        ..
    } = estimate;
    let (mut damping, mut whole) = (1.0, 0.0);
    (0..horizon)
        .map(|h| {
            damping *= weights.phi;
            whole += damping;
            let base = match form.trend {
                Part::None => last.level,
                Part::Additive => last.level + whole * last.trend,
                Part::Multiplicative => last.level * last.trend.powf(whole),
            };
            let place = (values + h) % last.season.len().max(1);
            (base, last.season.get(place).copied().unwrap_or(0.0))
        })
        .collect()
}

/// How much of an error is still in the mean 1, 2, ... steps later.
fn weights(estimate: &Estimate, steps: usize, with_season: bool) -> Vec<f64> {
    let w = estimate.weights;
    let m = estimate.last.season.len();
    let beta = w.alpha * w.rho;
    let (mut damping, mut whole) = (1.0, 0.0);
    (1..=steps)
        .map(|j| {
            damping *= w.phi;
            whole += damping;
            let season = if with_season && m > 0 && j % m == 0 {
                w.gamma
            } else {
                0.0
            };
            w.alpha + beta * whole + season
        })
        .collect()
}

/// Class 1: `sigma^2 (1 + sum c_j^2)`.
fn absolute(estimate: &Estimate, steps: usize) -> Vec<f64> {
    let mut sum = 1.0;
    let mut variances = Vec::with_capacity(steps);
    for c in weights(estimate, steps, true) {
        variances.push(estimate.variance * sum);
        sum += c * c;
    }
    variances
}

/// Classes 2 and 3.
fn relative(estimate: &Estimate, steps: usize) -> Vec<f64> {
    let variance = estimate.variance;
    let seasonal = estimate.form.season == Part::Multiplicative;
    let c = weights(estimate, steps, !seasonal);
    let means = means(estimate, steps);
    let m = estimate.last.season.len().max(1);
    let mut squares: Vec<f64> = Vec::with_capacity(steps);
    let mut variances = Vec::with_capacity(steps);
    for (h, (base, index)) in means.into_iter().enumerate() {
        let mean = if seasonal {
            base
        } else {
            combine(estimate.form.season, base, index)
        };
        let earlier: f64 = c
            .iter()
            .zip(squares.iter().rev())
            .map(|(c, square)| c * c * square)
            .sum();
        let square = mean * mean + variance * earlier;
        squares.push(square);
        variances.push(if seasonal {
            let seasons = (1.0 + estimate.weights.gamma.powi(2) * variance).powf((h / m) as f64);
            index * index * (square * (1.0 + variance) * seasons - mean * mean)
        } else {
            (1.0 + variance) * square - mean * mean
        });
    }
    variances
}

/// The mean squared distance of simulated paths from the point forecast.
fn simulate(estimate: &Estimate, steps: usize) -> Vec<f64> {
    let Estimate {
        form,
        weights: w,
        last,
        values,
        variance,
        ..
    } = estimate;
    let means = means(estimate, steps);
    let mut random = Random::new(SEED);
    let sigma = variance.sqrt();
    let mut squares = vec![0.0; steps];
    for _ in 0..PATHS {
        let mut state = last.clone();
        let m = state.season.len().max(1);
        for (h, (square, (base, index))) in squares.iter_mut().zip(&means).enumerate() {
            let place = (values + h) % m;
            let season = state.season.get(place).copied().unwrap_or(0.0);
            let damped = match form.trend {
                Part::Multiplicative => state.trend.max(0.0).powf(w.phi),
                _ => w.phi * state.trend,
            };
            let level = match form.trend {
                Part::None => state.level,
                Part::Additive => state.level + damped,
                Part::Multiplicative => state.level * damped,
            };
            let mean = combine(form.season, level, season);
            let error = sigma * random.normal();
            // A relative error below -1 would turn the sign.
            let y = if form.multiplicative_error {
                mean * (1.0 + error.max(-0.99))
            } else {
                mean + error
            };
            *square += (y - combine(form.season, *base, *index)).powi(2) / PATHS as f64;
            let adjusted = match form.season {
                Part::None => y,
                Part::Additive => y - season,
                Part::Multiplicative => y / season,
            };
            let next = level + w.alpha * (adjusted - level);
            match form.trend {
                Part::None => {}
                Part::Additive => state.trend = damped + w.rho * (next - state.level - damped),
                Part::Multiplicative => state.trend = damped + w.rho * (next / state.level - damped),
            }
            if let Some(s) = state.season.get_mut(place) {
                *s += w.gamma
                    * (if form.season == Part::Multiplicative {
                        y / level
                    } else {
                        y - level
                    } - *s);
            }
            state.level = next;
        }
    }
    squares
}
