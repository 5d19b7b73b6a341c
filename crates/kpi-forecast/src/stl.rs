//! Decomposition by local regression: STL, and MSTL for several seasons.

use crate::Error;
use crate::loess::{Curve, loess};
use crate::robustness::{bisquare, has_settled};

/// Trend, seasons and what is left; they add up to the values.
#[derive(Debug, Clone, PartialEq)]
pub struct Components {
    /// The trend.
    pub trend: Vec<f64>,
    /// One series per season, in the order in which they were asked for.
    pub seasons: Vec<Vec<f64>>,
    /// What is left.
    pub remainder: Vec<f64>,
    /// How much each value was trusted in the last round, 0 (an outlier) to 1; all 1 where [`Options::outer`] is 0.
    pub weights: Vec<f64>,
}

/// How a decomposition is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Seasons in the window over which a season may change; by default 11 for the first, 4 more for each further one, as
    /// in R's `forecast::mstl`.
    pub seasonal_window: Option<usize>,
    /// Steps in the window over which the trend may change; by default as in R's `stl` one and a half seasons and a little
    /// more, without any season half of the values.
    pub trend_window: Option<usize>,
    /// Rounds of season and trend.
    pub inner: usize,
    /// Rounds of weights by which outliers lose their influence, at most.
    pub outer: usize,
    /// These rounds end where season and trend change by less than this share of their range.
    pub tolerance: f64,
    /// Curves are worked out at so many places per window at least, and are straight between them; 10 in R's `stl`, 100 by
    /// default.
    pub places: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seasonal_window: None,
            trend_window: None,
            inner: ROUNDS,
            outer: 0,
            tolerance: 0.0,
            places: None,
        }
    }
}

impl Options {
    /// Outliers lose their influence: up to 15 rounds of weights with one round of season and trend each, until both
    /// change by less than 1% of their range (section 3.3 of the paper, and its program `stlez`).
    pub fn robust() -> Self {
        Self {
            inner: 1,
            outer: 15,
            tolerance: 0.01,
            ..Self::default()
        }
    }

    fn curve(&self, window: usize, line: bool) -> Curve {
        let stride = match self.places {
            Some(places) => window.div_ceil(places.max(1)),
            None => (window / PLACES).max(1),
        };
        Curve { window, line, stride }
    }
}

const PLACES: usize = 100;
const WINDOW: usize = 11;
const WIDER: usize = 4;
/// Rounds within one decomposition, and over several seasons.
const ROUNDS: usize = 2;

/// [`decompose_with`] the default [`Options`]: two rounds, nothing is taken for an outlier.
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
    decompose_with(values, seasons, &Options::default(), poll)
}

/// STL (Cleveland, Cleveland, McRae & Terpenning 1990, *Journal of Official Statistics* 6:3-73) for each season in turn on
/// what the others leave (MSTL, Bandara, Hyndman & Bergmeir 2022, *International Journal of Operational Research*). Seasons
/// below 2 and those that do not fit twice are left out, as zeros. Without any the trend is a local line. Values must be
/// finite.
///
/// # Errors
/// [`Error::Canceled`] when `poll`, which is called within each regression, returns true.
///
/// ```
/// use kpi_forecast::stl::{Options, decompose_with};
/// let mut values: Vec<f64> = (0..48).map(|t| t as f64 + [5.0, -5.0, 3.0, -3.0][t % 4]).collect();
/// values[20] = 500.0; // would be 25
/// let parts = decompose_with(&values, &[4], &Options::robust(), &mut || false).unwrap();
/// assert!((parts.remainder[20] - 475.0).abs() < 1.0 && parts.weights[20] == 0.0);
/// ```
pub fn decompose_with(
    values: &[f64],
    seasons: &[usize],
    options: &Options,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Components, Error> {
    let n = values.len();
    let mut parts = vec![vec![0.0; n]; seasons.len()];
    let mut trend = vec![0.0; n];
    let mut weights = Vec::new();
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
            let window = options.seasonal_window.unwrap_or(WINDOW + WIDER * i);
            [*part, trend, weights] = one_season(&left, *m, window, options, poll)?;
            add(&mut left, part, -1.0);
        }
    }
    if !seasons.iter().any(|m| usable(*m)) {
        (trend, weights) = trend_only(values, options, poll)?;
    }
    let mut remainder = left;
    add(&mut remainder, &trend, -1.0);
    weights.resize(n, 1.0);
    Ok(Components {
        trend,
        seasons: parts,
        remainder,
        weights,
    })
}

fn add(to: &mut [f64], what: &[f64], times: f64) {
    for (t, w) in to.iter_mut().zip(what) {
        *t += times * w;
    }
}

/// The trend where there is no season, and the weights; those are empty where all are 1.
fn trend_only(
    values: &[f64],
    options: &Options,
    poll: &mut dyn FnMut() -> bool,
) -> Result<(Vec<f64>, Vec<f64>), Error> {
    let n = values.len();
    let window = options.trend_window.unwrap_or((n / 2).max(3)) | 1;
    let curve = options.curve(window, true);
    let mut weights = Vec::new();
    let mut trend = loess(values, &weights, curve, 0, n, poll)?;
    for _ in 0..options.outer {
        weights = bisquare(values, &[&trend]);
        let before = trend;
        trend = loess(values, &weights, curve, 0, n, poll)?;
        if has_settled(&before, &trend, options.tolerance) {
            break;
        }
    }
    Ok((trend, weights))
}

/// Season, trend and weights; those are empty where all are 1.
fn one_season(
    values: &[f64],
    m: usize,
    window: usize,
    options: &Options,
    poll: &mut dyn FnMut() -> bool,
) -> Result<[Vec<f64>; 3], Error> {
    let window = window.max(3) | 1;
    let usual = || ((1.5 * m as f64 / (1.0 - 1.5 / window as f64)).ceil() as usize) | 1;
    let trend_window = options.trend_window.map_or_else(usual, |steps| steps.max(3) | 1);
    let curves = [
        options.curve(window, false),
        options.curve(m | 1, true),
        options.curve(trend_window, true),
    ];
    let mut trend = vec![0.0; values.len()];
    let mut season = vec![0.0; values.len()];
    let mut weights = Vec::new();
    for round in 0..=options.outer {
        let before = (season.clone(), trend.clone());
        for _ in 0..options.inner.max(1) {
            (season, trend) = smooth(values, &trend, &weights, m, &curves, poll)?;
        }
        let settled = round > 0
            && has_settled(&before.0, &season, options.tolerance)
            && has_settled(&before.1, &trend, options.tolerance);
        if settled || round == options.outer {
            break;
        }
        weights = bisquare(values, &[&season, &trend]);
    }
    Ok([season, trend, weights])
}

/// One round: the season of what the trend leaves, and the trend of what that season leaves. `curves` are those of
/// the season, of what of it is none, and of the trend.
fn smooth(
    values: &[f64],
    trend: &[f64],
    weights: &[f64],
    m: usize,
    curves: &[Curve; 3],
    poll: &mut dyn FnMut() -> bool,
) -> Result<(Vec<f64>, Vec<f64>), Error> {
    let n = values.len();
    let mut detrended = values.to_vec();
    add(&mut detrended, trend, -1.0);
    // Each place of the season smoothed over the seasons, one season longer at both ends.
    let mut cycle = vec![0.0; n + 2 * m];
    for place in 0..m {
        let of_place = |all: &[f64]| -> Vec<f64> { all.iter().skip(place).step_by(m).copied().collect() };
        let (own, trust) = (of_place(&detrended), of_place(weights));
        let smooth = loess(&own, &trust, curves[0], 1, own.len() + 2, poll)?;
        for (slot, smooth) in cycle[place..].iter_mut().step_by(m).zip(smooth) {
            *slot = smooth;
        }
    }
    // What of that is no season: averages over one season twice, and over three, smoothed.
    let low = average(&average(&average(&cycle, m), m), 3);
    let low = loess(&low, &[], curves[1], 0, n, poll)?;
    let season: Vec<f64> = cycle[m..]
        .iter()
        .zip(&low)
        .map(|(cycle, low)| cycle - low)
        .collect();
    let mut adjusted = values.to_vec();
    add(&mut adjusted, &season, -1.0);
    let trend = loess(&adjusted, weights, curves[2], 0, n, poll)?;
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
