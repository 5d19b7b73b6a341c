//! Decomposition by local regression: STL, and MSTL for several seasons.

use crate::Error;
use crate::model::unless_canceled;

/// Trend, seasons and what is left; they add up to the values.
#[derive(Debug, Clone, PartialEq)]
pub struct Components {
    /// The trend.
    pub trend: Vec<f64>,
    /// One series per season, in the order in which they were asked for.
    pub seasons: Vec<Vec<f64>>,
    /// What is left.
    pub remainder: Vec<f64>,
}

/// Seasons in the window over which a season may change: 11 for the first, 4 more for each further one, as in R's
/// `forecast::mstl`.
const WINDOW: usize = 11;
const WIDER: usize = 4;
/// Rounds within one decomposition, and over several seasons.
const ROUNDS: usize = 2;
/// A smooth curve is worked out at so many places per window at least, and is straight between them. R's `stl` takes 10.
const PLACES: usize = 100;

/// STL (Cleveland, Cleveland, McRae & Terpenning 1990, *Journal of Official Statistics* 6:3-73) for each season in turn on
/// what the others leave (MSTL, Bandara, Hyndman & Bergmeir 2022, *International Journal of Operational Research*). Seasons
/// below 2 and those that do not fit twice are left out, as zeros. Without any the trend is a local line. `poll` is called
/// within each regression; true ends it with [`Error::Canceled`].
///
/// ```
/// let values: Vec<f64> = (0..48).map(|t| t as f64 + [5.0, -5.0, 3.0, -3.0][t % 4]).collect();
/// let parts = kpi_forecast::stl::decompose(&values, &[4], &mut || false).unwrap();
/// assert!((parts.trend[20] - 20.0).abs() < 0.1 && (parts.seasons[0][20] - 5.0).abs() < 0.1);
/// ```
pub fn decompose(
    values: &[f64],
    seasons: &[usize],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Components, Error> {
    let n = values.len();
    let mut parts = vec![vec![0.0; n]; seasons.len()];
    let mut trend = vec![0.0; n];
    let mut left = values.to_vec();
    let usable = |m: usize| m >= 2 && 2 * m <= n;
    let rounds = if seasons.iter().filter(|m| usable(**m)).count() > 1 {
        ROUNDS
    } else {
        1
    };
    for _ in 0..rounds {
        for (i, (m, part)) in seasons
            .iter()
            .zip(&mut parts)
            .enumerate()
            .filter(|(_, (m, _))| usable(**m))
        {
            add(&mut left, part, 1.0);
            (*part, trend) = one_season(&left, *m, WINDOW + WIDER * i, poll)?;
            add(&mut left, part, -1.0);
        }
    }
    if !seasons.iter().any(|m| usable(*m)) {
        trend = loess(values, (n / 2).max(3) | 1, true, 0, n, poll)?;
    }
    let mut remainder = left;
    add(&mut remainder, &trend, -1.0);
    Ok(Components {
        trend,
        seasons: parts,
        remainder,
    })
}

fn add(to: &mut [f64], what: &[f64], times: f64) {
    for (t, w) in to.iter_mut().zip(what) {
        *t += times * w;
    }
}

/// Season and trend.
fn one_season(
    values: &[f64],
    m: usize,
    window: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<(Vec<f64>, Vec<f64>), Error> {
    let n = values.len();
    let trend_window = ((1.5 * m as f64 / (1.0 - 1.5 / window as f64)).ceil() as usize) | 1;
    let mut trend = vec![0.0; n];
    let mut season = vec![0.0; n];
    for _ in 0..ROUNDS {
        let mut detrended = values.to_vec();
        add(&mut detrended, &trend, -1.0);
        // Each place of the season smoothed over the seasons, one season longer at both ends.
        let mut cycle = vec![0.0; n + 2 * m];
        for place in 0..m {
            let own: Vec<f64> = detrended.iter().skip(place).step_by(m).copied().collect();
            let smooth = loess(&own, window, false, 1, own.len() + 2, poll)?;
            for (slot, smooth) in cycle[place..].iter_mut().step_by(m).zip(smooth) {
                *slot = smooth;
            }
        }
        // What of that is no season: averages over one season twice, and over three, smoothed.
        let low = average(&average(&average(&cycle, m), m), 3);
        let low = loess(&low, m | 1, true, 0, n, poll)?;
        for (i, s) in season.iter_mut().enumerate() {
            *s = cycle[i + m] - low[i];
        }
        let mut adjusted = values.to_vec();
        add(&mut adjusted, &season, -1.0);
        trend = loess(&adjusted, trend_window, true, 0, n, poll)?;
    }
    Ok((season, trend))
}

/// The means of each `window` neighbours.
fn average(values: &[f64], window: usize) -> Vec<f64> {
    let count = (values.len() + 1).saturating_sub(window);
    let mut means = Vec::with_capacity(count);
    let mut sum = 0.0;
    for start in 0..count {
        // What comes in and goes out leaves rounding behind, so the sum is made anew now and then.
        sum = if start % window == 0 {
            values[start..start + window].iter().sum()
        } else {
            sum + values[start + window - 1] - values[start - 1]
        };
        means.push(sum / window as f64);
    }
    means
}

/// Local regression on the nearest `window` values with tricube weights, by a line or a constant, at `count` places from
/// `before` places before the first value on.
fn loess(
    values: &[f64],
    window: usize,
    line: bool,
    before: usize,
    count: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<f64>, Error> {
    let stride = (window / PLACES).max(1);
    let mut smooth = vec![0.0; count];
    let mut known: Option<(usize, f64)> = None;
    for i in (0..count).step_by(stride).chain(count.checked_sub(1)) {
        unless_canceled(poll)?;
        let here = regression(values, window, line, i as f64 - before as f64);
        if let Some((from, there)) = known {
            let slope = if i > from {
                (here - there) / (i - from) as f64
            } else {
                0.0
            };
            for (step, slot) in smooth[from..i].iter_mut().enumerate() {
                *slot = there + slope * step as f64;
            }
        }
        if let Some(slot) = smooth.get_mut(i) {
            *slot = here;
        }
        known = Some((i, here));
    }
    Ok(smooth)
}

/// The value at `x` of the local line or constant there.
fn regression(values: &[f64], window: usize, line: bool, x: f64) -> f64 {
    let n = values.len();
    if n < 2 {
        return values.first().copied().unwrap_or(0.0);
    }
    let reach = window.min(n);
    let left = (x - (reach as f64 - 1.0) / 2.0)
        .round()
        .clamp(0.0, (n - reach) as f64) as usize;
    let near = &values[left..left + reach];
    let mut far = (x - left as f64).max((left + reach - 1) as f64 - x);
    if window > n {
        far += ((window - n) / 2) as f64;
    }
    let weight = |j: usize| {
        let distance = (((left + j) as f64 - x).abs() / far.max(f64::MIN_POSITIVE)).min(1.0);
        let off = 1.0 - distance * distance * distance;
        off * off * off
    };
    // Moments around x, from which those around the weighted centre follow.
    let [mut sum, mut first, mut second, mut level, mut tilt] = [0.0; 5];
    for (j, y) in near.iter().enumerate() {
        let (w, off) = (weight(j), (left + j) as f64 - x);
        sum += w;
        first += w * off;
        second += w * off * off;
        level += w * y;
        tilt += w * off * y;
    }
    if sum <= 0.0 {
        return values[left];
    }
    let centre = first / sum;
    let mean = level / sum;
    let spread = second / sum - centre * centre;
    if line && spread.max(0.0).sqrt() > 1e-3 * reach as f64 {
        mean - centre * (tilt / sum - centre * mean) / spread
    } else {
        mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_average_is_the_mean_of_its_window(
            values in prop::collection::vec(-1e3..1e3_f64, 1..60), window in 1..20_usize,
        ) {
            let found = average(&values, window);
            let plain: Vec<f64> = values.windows(window).map(|w| w.iter().sum::<f64>() / window as f64).collect();
            prop_assert_eq!(found.len(), plain.len());
            for (found, plain) in found.iter().zip(plain) {
                prop_assert!((found - plain).abs() < 1e-9);
            }
        }

        #[test]
        fn the_parts_add_up(values in prop::collection::vec(-1e3..1e3_f64, 1..80), a in 1..9_usize, b in 1..30_usize) {
            let parts = decompose(&values, &[a, b], &mut || false).unwrap();
            for (t, y) in values.iter().enumerate() {
                let whole = parts.trend[t] + parts.seasons[0][t] + parts.seasons[1][t] + parts.remainder[t];
                prop_assert!((whole - y).abs() < 1e-8 * 1e3);
            }
        }
    }
}
