//! How far a trend may go astray.

use super::trend::Trend;
use crate::random::Random;

/// Futures that are simulated.
const FUTURES: usize = 500;
const SEED: u64 = 20_18;

/// The variance of the trend at times after the history, when its rate goes on to change as often as it had change points, by changes
/// of a Laplace distribution whose scale is the mean size of those found (section 3.1.4 of Taylor & Letham 2018).
///
/// Of lines the variance is known without a simulation: changes `d_i` at the times `s_i` of a Poisson process move the trend by
/// `sum d_i (t - s_i)`, and Campbell's theorem gives `rate * E d^2 * integral (t - s)^2 ds = rate * 2 b^2 (t - 1)^3 / 3`. Logistic
/// curves are simulated, always with the same numbers.
pub(super) fn variances(trend: &Trend, changes: &[f64], times: &[f64]) -> Vec<f64> {
    let rate = changes.len() as f64;
    let scale = changes.iter().map(|change| change.abs()).sum::<f64>() / rate.max(1.0);
    match trend.cap {
        None => times
            .iter()
            .map(|t| rate * 2.0 * scale * scale * (t - 1.0).max(0.0).powi(3) / 3.0)
            .collect(),
        Some(_) if scale == 0.0 => vec![0.0; times.len()],
        Some(_) => simulated(trend, rate, scale, times),
    }
}

fn simulated(trend: &Trend, rate: f64, scale: f64, times: &[f64]) -> Vec<f64> {
    let mut random = Random::new(SEED);
    let mut squares = vec![0.0; times.len()];
    for _ in 0..FUTURES {
        let course = changing(trend, rate, scale, times, &mut random);
        for ((t, at), sum) in times.iter().zip(course).zip(&mut squares) {
            *sum += (at - trend.at(*t)).powi(2);
        }
    }
    squares.iter().map(|sum| sum / FUTURES as f64).collect()
}

/// A course that the trend could take at times after the history, as [`variances`] says.
pub(super) fn course(trend: &Trend, changes: &[f64], times: &[f64], random: &mut Random) -> Vec<f64> {
    let rate = changes.len() as f64;
    let scale = changes.iter().map(|change| change.abs()).sum::<f64>() / rate.max(1.0);
    if scale == 0.0 {
        return times.iter().map(|t| trend.at(*t)).collect();
    }
    changing(trend, rate, scale, times, random)
}

fn changing(trend: &Trend, rate: f64, scale: f64, times: &[f64], random: &mut Random) -> Vec<f64> {
    let Some(mut segment) = trend.segments.last().copied() else {
        return vec![f64::NAN; times.len()];
    };
    let mut next = 1.0 + exponential(random) / rate;
    times
        .iter()
        .map(|t| {
            while next <= *t {
                let size = scale * exponential(random);
                let change = if random.uniform() < 0.5 { -size } else { size };
                segment = segment.changed(trend.cap.is_some(), next, change);
                next += exponential(random) / rate;
            }
            segment.at(trend.cap, *t)
        })
        .collect()
}

/// An exponential number of mean 1.
fn exponential(random: &mut Random) -> f64 {
    -(1.0 - random.uniform()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prophet::trend::Segment;

    /// The formula against a simulation of what it is a formula for.
    #[test]
    fn lines_spread_as_simulated_ones_do() {
        let trend = Trend::new(None, 1.0, 0.0, &[], &[]);
        let (changes, t) = ([0.1, -0.3, 0.2, 0.2], 2.5);
        let mut random = Random::new(1);
        let mut squares = 0.0;
        const RUNS: usize = 40_000;
        for _ in 0..RUNS {
            let (mut next, mut moved) = (1.0 + exponential(&mut random) / 4.0, 0.0);
            while next <= t {
                let size = 0.2 * exponential(&mut random);
                moved += if random.uniform() < 0.5 { -size } else { size } * (t - next);
                next += exponential(&mut random) / 4.0;
            }
            squares += moved * moved;
        }
        let found = variances(&trend, &changes, &[1.0, t]);
        assert_eq!(found[0], 0.0);
        assert!(
            (squares / RUNS as f64 / found[1] - 1.0).abs() < 0.05,
            "{} {}",
            squares / RUNS as f64,
            found[1]
        );
    }

    #[test]
    fn logistic_curves_spread_the_same_on_every_run() {
        let start = Segment {
            from: 0.0,
            rate: 2.0,
            offset: 0.8,
        };
        let trend = Trend {
            cap: Some(1.5),
            segments: vec![start],
        };
        let times = [1.1, 1.5, 2.0];
        let (a, b) = (
            variances(&trend, &[0.5, -0.5], &times),
            variances(&trend, &[0.5, -0.5], &times),
        );
        assert_eq!(a, b);
        assert!(a.iter().all(|v| *v > 0.0 && v.is_finite()));
        assert_eq!(variances(&trend, &[0.0], &times), [0.0; 3]);
    }
}
