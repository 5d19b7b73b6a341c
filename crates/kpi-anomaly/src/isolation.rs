//! Isolation forest of a series: each value with what came before it and its place in the season.

use crate::detect::Input;
use crate::forest::{Forest, ForestRequest};
use crate::location::{adjusted, interpolated};
use crate::robust::median;
use crate::verdict::{Cause, Verdict, by_rarity};
use crate::{Error, FeatureError};

/// Values before that are features. One unusual value makes as many rows unusual, which hide each other.
const LAGS: usize = 1;
/// Weight of the place in the season, in standard deviations: it separates what is usual at different places.
const PLACE: f64 = 1.0;
/// Seed when none is given.
const SEED: i64 = 1;

/// The score of an [isolation forest](Forest) of rows that hold the value without the median course of its season, the values before it
/// (one, or as many as the option `window` says), the change from the last of them, and sine and cosine of the place in the season. The side is that of the
/// value on the median at its place, which is the expected value; there is no band.
pub(crate) fn judge(input: &Input, poll: &mut dyn FnMut() -> bool) -> Result<Vec<Verdict>, Error> {
    let n = input.values.len();
    let options = &input.request.options;
    let lags = options.window(LAGS.min(n / 4), 0, (n / 4).min(50))?;
    let (left, course) = adjusted(input.values, input.season);
    let filled = interpolated(&left);
    let middle = median(&mut filled.clone()).unwrap_or(0.0);
    let unit = input.unit(&mut filled.iter().map(|y| y - middle).collect::<Vec<f64>>());
    let expected: Vec<f64> = course.iter().map(|c| c + middle).collect();
    if unit <= 0.0 {
        return input.judge(expected, false);
    }
    let standard: Vec<f64> = filled.iter().map(|y| (y - middle) / unit).collect();
    let mut rows = Vec::new();
    let mut width = 0;
    for t in 0..n {
        let start = rows.len();
        let before = |k: usize| standard[t.saturating_sub(k)];
        rows.extend((0..=lags).map(before));
        if lags > 0 {
            rows.push(standard[t] - before(1));
        }
        if input.season > 1 {
            let angle = (t % input.season) as f64 / input.season as f64 * std::f64::consts::TAU;
            rows.extend([PLACE * angle.sin(), PLACE * angle.cos()]);
        }
        width = rows.len() - start;
    }
    let default = ForestRequest::default();
    let request = ForestRequest {
        trees: options.trees.unwrap_or(default.trees),
        sample: options.sample.unwrap_or(default.sample),
        seed: options.seed.unwrap_or(SEED),
    };
    let failed = |error: FeatureError| match error {
        FeatureError::Canceled => Error::Canceled,
        other => Error::Features(other),
    };
    let forest = Forest::fit(&rows, width, &request, poll).map_err(failed)?;
    let scores = forest.scores(&rows, poll).map_err(failed)?;
    Ok(by_rarity(
        input.values,
        &scores,
        &expected,
        input.request,
        Cause::Isolation,
    ))
}
