//! Discords: windows that are far from any other one.

use crate::Error;
use crate::calibration::Calibration;
use crate::detect::Input;
use crate::profile::matrix_profile;
use crate::robust::{median, scale};
use crate::verdict::{Cause, Verdict};

/// Steps in a window without a season, and at least: a window is one season, or several short ones.
const WINDOW: usize = 50;
const LEAST: usize = 8;
/// Robust standard deviations beyond which a window is clearly a discord, and share of the windows that may be.
const CLEAR: f64 = 5.0;
const CLEAR_SHARE: f64 = 0.3;
/// Windows that are compared, each with every other one.
const MOST: usize = 200_000;

/// Discords of the [matrix profile](matrix_profile) (Keogh, Lin & Fu 2005, *ICDM*). A point is judged by the window around it: by how far that is
/// from the window most like it, in the distribution of that over the series. It is a matter of shape, so direction does not
/// count, and no value is expected.
pub(crate) fn judge(input: &Input, poll: &mut dyn FnMut() -> bool) -> Result<Vec<Verdict>, Error> {
    let n = input.values.len();
    if n > MOST {
        return Err(Error::TooLong {
            method: "matrix_profile",
            length: n,
            most: MOST,
        });
    }
    let usual = match input.season {
        0 | 1 => WINDOW,
        season => season * LEAST.div_ceil(season),
    };
    let least = if input.request.options.window.is_some() {
        4
    } else {
        LEAST
    };
    let window = input.request.options.window(usual.min(n / 4), least, n / 2)?;
    let profile = matrix_profile(input.values, window, poll)?;
    let mut known: Vec<f64> = profile.iter().copied().filter(|d| d.is_finite()).collect();
    let middle = median(&mut known).unwrap_or(0.0);
    let mut around: Vec<f64> = known.iter().map(|d| d - middle).collect();
    let unit = scale(&mut around).max(1e-6 * (window as f64).sqrt());
    let deviations: Vec<f64> = profile.iter().map(|d| (d - middle) / unit).collect();
    let tail = Calibration::of_rarity(&without_clear(&deviations, window));
    let threshold = input.request.threshold;
    let last = profile.len().saturating_sub(1);
    Ok(input
        .values
        .iter()
        .enumerate()
        .map(|(t, value)| {
            let deviation = deviations[t.saturating_sub(window / 2).min(last)];
            let mut verdict = Verdict::unknown(f64::NAN);
            if value.is_finite() && deviation.is_finite() {
                let score = 1.0 - tail.probability(deviation);
                verdict.deviation = Some(deviation);
                verdict.score = Some(score);
                verdict.is_anomaly = score > 1.0 - threshold;
                verdict.cause = verdict.is_anomaly.then_some(Cause::Shape { window });
            }
            verdict
        })
        .collect())
}

/// The deviations without the windows that overlap a clear discord: one value makes as many windows far from all others as it is in, and
/// these would be the tail that it is measured by.
fn without_clear(deviations: &[f64], window: usize) -> Vec<f64> {
    let mut left = deviations.to_vec();
    let most = (CLEAR_SHARE * deviations.len() as f64) as usize;
    let mut taken = 0;
    while taken + window <= most {
        let known = left.iter().enumerate().filter(|(_, d)| d.is_finite());
        let Some((at, _)) = known
            .max_by(|a, b| a.1.total_cmp(b.1))
            .filter(|(_, d)| **d > CLEAR)
        else {
            break;
        };
        let end = (at + window).min(left.len());
        for d in &mut left[at.saturating_sub(window)..end] {
            taken += usize::from(d.is_finite());
            *d = f64::NAN;
        }
    }
    left
}
