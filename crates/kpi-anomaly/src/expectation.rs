//! What each value should have been: robust trend plus robust season.

use crate::Error;
use crate::robust::median;

/// Seasons that the trend's running median spans: an event of up to one and a half seasons does not move it.
const TREND_SEASONS: usize = 3;
/// Steps that it spans where there is no season.
const TREND_STEPS: usize = 21;
/// Medians taken per window; between them the trend is a straight line. A bound on work, as the trend is
/// smooth.
const KNOTS: usize = 16;
/// Other seasons that say what is usual at a place of the season: the nearest ones.
pub(crate) const NEIGHBOURS: usize = 8;
/// Points between polls.
const POLL: usize = 65_536;

/// The expected value of each point, in the unit of the values, finite also over gaps. `values` holds at least
/// one finite value; one that is not finite is a gap.
///
/// The trend is a running median over three seasons. The season's part at a point is the median of what the up
/// to eight nearest *other* seasons had there above the trend: a value takes no part in its own expectation,
/// and the season may change slowly.
///
/// ```
/// let values = [1.0, 5.0, 1.0, 5.0, 1.0, 99.0, 1.0, 5.0, 1.0, 5.0];
/// let expected = kpi_anomaly::expectation::expect(&values, 2, &mut || false).unwrap();
/// assert_eq!(expected[5], 5.0);
/// ```
pub fn expect(values: &[f64], season: usize, poll: &mut dyn FnMut() -> bool) -> Result<Vec<f64>, Error> {
    let mut expected = trend(values, season, poll)?;
    if season < 2 {
        return Ok(expected);
    }
    let above: Vec<f64> = values
        .iter()
        .zip(&expected)
        .map(|(value, level)| value - level)
        .collect();
    let mut same_place = Vec::with_capacity(NEIGHBOURS + 1);
    for (t, level) in expected.iter_mut().enumerate() {
        if t.is_multiple_of(POLL) && poll() {
            return Err(Error::Canceled);
        }
        same_place.clear();
        gather(&above, t, season, &mut same_place);
        *level += median(&mut same_place).unwrap_or(0.0);
    }
    Ok(expected)
}

/// The values at the same place of the nearest other seasons.
pub(crate) fn gather(above: &[f64], t: usize, season: usize, into: &mut Vec<f64>) {
    let cycles = above.len().div_ceil(season);
    for away in 1..cycles {
        let before = t.checked_sub(away * season).and_then(|at| above.get(at));
        let after = above.get(t + away * season);
        into.extend(before.into_iter().chain(after).filter(|v| v.is_finite()));
        if into.len() >= NEIGHBOURS {
            into.truncate(NEIGHBOURS);
            return;
        }
    }
}

/// The running median, drawn on to both ends with a robust slope.
pub(crate) fn trend(
    values: &[f64],
    season: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<f64>, Error> {
    let n = values.len();
    let span = if season > 1 {
        TREND_SEASONS.saturating_mul(season)
    } else {
        TREND_STEPS
    };
    let half = (span / 2).min(n.saturating_sub(1) / 2);
    let stride = (span / KNOTS).max(1);
    let mut knots: Vec<(usize, f64)> = Vec::new();
    let mut window = Vec::with_capacity(2 * half + 1);
    let mut centre = half;
    let mut seen = 0;
    loop {
        let around = &values[centre - half..=centre + half];
        seen += around.len();
        if seen >= POLL {
            seen = 0;
            if poll() {
                return Err(Error::Canceled);
            }
        }
        if let Some(level) = level(around, span, &mut window) {
            knots.push((centre, level));
        }
        let last = n - 1 - half;
        if centre >= last {
            break;
        }
        centre = (centre + stride).min(last);
    }
    // All windows empty: the few values lie outside of them.
    if knots.is_empty() {
        let mut all: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        knots.push((n / 2, median(&mut all).unwrap_or(0.0)));
    }
    Ok(join(values, season, span, &knots))
}

/// The median of whole seasons: where both ends are at the same place of the season, one is left out, then the
/// other.
fn level(around: &[f64], span: usize, window: &mut Vec<f64>) -> Option<f64> {
    let mut median_of = |values: &[f64]| {
        window.clear();
        window.extend(values.iter().filter(|v| v.is_finite()));
        median(window)
    };
    if around.len() <= span {
        return median_of(around);
    }
    match (median_of(&around[1..]), median_of(&around[..around.len() - 1])) {
        (Some(left), Some(right)) => Some(left + (right - left) / 2.0),
        (left, right) => left.or(right),
    }
}

/// Straight lines between the knots, and beyond the first and the last.
fn join(values: &[f64], season: usize, span: usize, knots: &[(usize, f64)]) -> Vec<f64> {
    let n = values.len();
    let mut level = vec![0.0; n];
    let (Some(first), Some(last)) = (knots.first(), knots.last()) else {
        return level;
    };
    let at_start = slope(&values[..span.min(n)], season);
    let at_end = slope(&values[n - span.min(n)..], season);
    for (t, slot) in level[..first.0].iter_mut().enumerate() {
        *slot = first.1 - at_start * (first.0 - t) as f64;
    }
    for pair in knots.windows(2) {
        let ((from, low), (to, high)) = (pair[0], pair[1]);
        for (t, slot) in level.iter_mut().enumerate().take(to).skip(from) {
            *slot = low + (high - low) * (t - from) as f64 / (to - from) as f64;
        }
    }
    for (t, slot) in level.iter_mut().enumerate().skip(last.0) {
        *slot = last.1 + at_end * (t - last.0) as f64;
    }
    level
}

/// Median change per step between values one season (or half the window) apart.
fn slope(values: &[f64], season: usize) -> f64 {
    let lag = if season > 1 { season } else { values.len() / 2 };
    if lag == 0 || lag >= values.len() {
        return 0.0;
    }
    let changes = values
        .iter()
        .zip(&values[lag..])
        .map(|(a, b)| (b - a) / lag as f64);
    let mut changes: Vec<f64> = changes.filter(|c| c.is_finite()).collect();
    median(&mut changes).unwrap_or(0.0)
}
