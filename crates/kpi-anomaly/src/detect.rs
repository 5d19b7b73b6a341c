//! From a series to a verdict on each of its points.

use crate::robust::scale;
use crate::tail::Tail;
use crate::{Error, Method, expectation};
use kpi_forecast::season;

/// Probability of a false alarm per point when none is asked for: one in a thousand.
pub const DEFAULT_THRESHOLD: f64 = 0.001;
/// Values needed: below, nothing is usual.
const NEEDED: usize = 3;
/// Values that the season is looked for in: the newest ones.
const SEASON_HISTORY: usize = 100_000;
/// Values whose worth the scale of all residuals has in the scale of one place of the season.
const PRIOR: f64 = 8.0;
/// From this season on, the scale of a place is also made from its two neighbours.
const LONG_SEASON: usize = 12;
/// Residuals below this share of the values are rounding.
const ROUNDING: f64 = 1e-9;

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Probability of a false alarm per point, between 0 and 1.
    pub threshold: f64,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: Method::Auto,
            threshold: DEFAULT_THRESHOLD,
        }
    }
}

/// The verdict on one point. Values are in the unit of the series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// What the value should have been.
    pub expected: f64,
    /// Values below are anomalies.
    pub lower: f64,
    /// Values above are anomalies.
    pub upper: f64,
    /// Distance from the expected value in robust standard deviations, positive above; `None` over a gap.
    pub deviation: Option<f64>,
    /// 1 less the probability of a distance at least as large, in [0, 1]; `None` over a gap.
    pub score: Option<f64>,
    /// Whether the score is above 1 less the threshold.
    pub is_anomaly: bool,
}

/// Verdicts on all points of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// One verdict per point.
    pub verdicts: Vec<Verdict>,
    /// Steps in the season that was found, 1 for none.
    pub season: usize,
}

/// Judges every value of a series, in which a value that is not finite is a gap.
///
/// A value is compared with its [expectation](expectation::expect); the distance is divided by the robust scale
/// of the residuals at its place of the season (drawn towards the scale of all residuals, the more so the fewer
/// seasons there are), and its [tail probability](Tail) is 1 less the score. A constant series has no
/// anomalies, and a band without width.
///
/// `expected_seasons` are seasons that the calendar suggests for the step (see [`season::detect`]). `poll` is
/// called now and then; true ends it with [`Error::Canceled`].
pub fn detect(
    values: &[f64],
    request: &Request,
    expected_seasons: &[usize],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Detection, Error> {
    let threshold = request.threshold;
    if !(threshold > 0.0 && threshold < 1.0) {
        return Err(Error::Threshold { threshold });
    }
    let known = values.iter().filter(|v| v.is_finite()).count();
    if known == 0 {
        return Err(Error::Empty { points: values.len() });
    }
    if known < NEEDED {
        return Err(Error::TooShort {
            values: known,
            needed: NEEDED,
        });
    }
    let largest = values
        .iter()
        .filter(|v| v.is_finite())
        .fold(0.0_f64, |m, v| m.max(v.abs()));
    let recent = &values[values.len().saturating_sub(SEASON_HISTORY)..];
    let season = season::detect(recent, expected_seasons, poll);
    let expected = expectation::expect(values, season, poll)?;
    let residuals: Vec<f64> = values.iter().zip(&expected).map(|(v, e)| v - e).collect();
    let finite = |(residual, value): (&f64, &f64)| residual.is_finite() || !value.is_finite();
    if !residuals.iter().zip(values).all(finite) || expected.iter().any(|e| !e.is_finite()) {
        return Err(Error::Overflow { largest });
    }
    let scales = scales(&residuals, season, ROUNDING * largest);
    if poll() {
        return Err(Error::Canceled);
    }
    let deviation = |t: usize| (residuals[t].is_finite()).then(|| ratio(residuals[t], scales[t % season]));
    let tail = Tail::of(&mut (0..values.len()).filter_map(deviation).collect::<Vec<f64>>());
    let reach = tail.deviation(threshold);
    let verdict = |(t, expected): (usize, &f64)| {
        let deviation = deviation(t);
        Verdict {
            expected: *expected,
            lower: expected - reach * scales[t % season],
            upper: expected + reach * scales[t % season],
            deviation,
            score: deviation.map(|d| 1.0 - tail.probability(d)),
            is_anomaly: deviation.is_some_and(|d| d.abs() > reach),
        }
    };
    Ok(Detection {
        verdicts: expected.iter().enumerate().map(verdict).collect(),
        season,
    })
}

/// A residual in robust standard deviations; 0 where both are 0.
fn ratio(residual: f64, scale: f64) -> f64 {
    if residual == 0.0 { 0.0 } else { residual / scale }
}

/// The robust standard deviation of the residuals at each place of the season, never below `least`.
fn scales(residuals: &[f64], season: usize, least: f64) -> Vec<f64> {
    let mut all: Vec<f64> = residuals.iter().copied().filter(|r| r.is_finite()).collect();
    let overall = match scale(&mut all) {
        // Nothing varies: a band without width.
        0.0 => 0.0,
        varies => varies.max(least),
    };
    if season < 2 {
        return vec![overall];
    }
    let mut places = vec![Vec::new(); season];
    for (t, residual) in residuals.iter().enumerate().filter(|(_, r)| r.is_finite()) {
        places[t % season].push(*residual);
    }
    (0..season)
        .map(|place| {
            let mut near = places[place].clone();
            if season >= LONG_SEASON {
                near.extend(&places[(place + season - 1) % season]);
                near.extend(&places[(place + 1) % season]);
            }
            let count = near.len() as f64;
            let here = scale(&mut near);
            ((count * here * here + PRIOR * overall * overall) / (count + PRIOR)).sqrt()
        })
        .collect()
}
