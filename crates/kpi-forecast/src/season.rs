//! The season of a series, found from its values.

use crate::autocorrelation::autocorrelations;
use crate::decomposition::moving_average;
use crate::gaps;

/// Peaks of an autocorrelation function that are tried as seasons.
const PEAKS: usize = 4;
/// A season longer than another must explain at least this share of what the other leaves.
const LEAST_GAIN: f64 = 0.1;
/// ... and of the whole variance, so that no season is found in what rounding leaves of a perfect one.
const LEAST_SHARE: f64 = 1e-3;
/// Standard errors that the gain must be worth: for a season that the calendar suggests, and for one that only
/// the data suggest (the best of many lags, so more is asked of it).
const SUSPECTED: f64 = 1.0;
const UNSUSPECTED: f64 = 4.0;
/// Deviations are cut at this many robust standard deviations, so that one outlier is not taken for a season.
const CUT: f64 = 4.0;

/// Steps of the season of `values`, 1 for none. Values that are not finite are gaps.
///
/// Candidates are `expected` (what the calendar suggests, e.g. 24 and 168 for hours) and the highest peaks of
/// the autocorrelation function of the values and of their differences. They are judged in this order, the
/// shorter first. For each, the trend (a centred moving average of one season) is taken out and every value is
/// predicted by the mean of the *other* seasons at the same place. The candidate is taken if that cuts the
/// squared error of the season found so far by more than 10%, by more than chance would (1 or 4 standard
/// errors, `1/sqrt(n)` each), and by more than `1/k` with `k` whole seasons in the series. Because a season is
/// judged by values that it has not seen, a multiple of the true season never wins over it.
///
/// `poll` is called before each pass through the values; when it returns true the search ends with what it has.
///
/// ```
/// use kpi_forecast::season::detect;
/// let weekly: Vec<f64> = (0..70).map(|t| [5.0, 6.0, 6.0, 6.0, 7.0, 1.0, 0.0][t % 7]).collect();
/// assert_eq!(detect(&weekly, &[], &mut || false), 7);
/// assert_eq!(detect(&[1.0; 50], &[7], &mut || false), 1);
/// ```
pub fn detect(values: &[f64], expected: &[usize], poll: &mut dyn FnMut() -> bool) -> usize {
    search(values, expected, &[], false, poll)
}

/// [`detect`] without some candidates: the first one that is taken, which is the shortest, or the last, which is the best.
pub(crate) fn search(
    values: &[f64],
    expected: &[usize],
    excluded: &[usize],
    first: bool,
    poll: &mut dyn FnMut() -> bool,
) -> usize {
    let filled = gaps::fill(values, 1);
    let n = filled.len();
    let mut suspected = expected.to_vec();
    let mut unsuspected = peaks(&filled, poll);
    suspected.sort_unstable();
    unsuspected.sort_unstable();
    let candidates = suspected
        .into_iter()
        .map(|m| (m, SUSPECTED))
        .chain(unsuspected.into_iter().map(|m| (m, UNSUSPECTED)));
    let mut found = 1;
    for (season, doubt) in candidates.filter(|(m, _)| *m >= 2 && 2 * *m <= n && !excluded.contains(m)) {
        if poll() {
            break;
        }
        let deviations = deviations(values, &filled, season);
        let (before, after) = (unexplained(&deviations, found), unexplained(&deviations, season));
        let asked = LEAST_GAIN
            .max(season as f64 / n as f64)
            .max(doubt / (n as f64).sqrt());
        let whole = unexplained(&deviations, 1);
        if after < (1.0 - asked) * before && before - after > LEAST_SHARE * whole {
            found = season;
            if first {
                break;
            }
        }
    }
    found
}

/// The lags at which the values, or their differences, are most like themselves.
fn peaks(filled: &[f64], poll: &mut dyn FnMut() -> bool) -> Vec<usize> {
    let differences: Vec<f64> = filled.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut found = Vec::new();
    for view in [filled, &differences] {
        if poll() {
            break;
        }
        let r = autocorrelations(view, filled.len() / 3);
        let least = UNSUSPECTED / (filled.len() as f64).sqrt();
        let mut tops: Vec<usize> = (2..r.len().saturating_sub(1))
            .filter(|k| r[*k] > least && r[*k] > r[*k - 1] && r[*k] >= r[*k + 1])
            .collect();
        tops.sort_by(|a, b| r[*b].total_cmp(&r[*a]));
        found.extend(tops.into_iter().take(PEAKS));
    }
    found
}

/// Values less the moving average of one season, gaps as `NaN`, outliers cut.
pub(crate) fn deviations(values: &[f64], filled: &[f64], season: usize) -> Vec<f64> {
    let mut trend = moving_average(filled, season);
    extend_ends(&mut trend);
    let mut deviations: Vec<f64> = values
        .iter()
        .zip(filled.iter().zip(&trend))
        .map(|(value, (known, level))| {
            if value.is_finite() {
                known - level
            } else {
                f64::NAN
            }
        })
        .collect();
    let mut sizes: Vec<f64> = deviations
        .iter()
        .filter(|d| d.is_finite())
        .map(|d| d.abs())
        .collect();
    if sizes.is_empty() {
        return deviations;
    }
    let middle = sizes.len() / 2;
    let (_, typical, _) = sizes.select_nth_unstable_by(middle, f64::total_cmp);
    let cut = CUT * 1.4826 * *typical;
    if cut > 0.0 {
        for deviation in &mut deviations {
            *deviation = deviation.clamp(-cut, cut);
        }
    }
    deviations
}

/// Draws a trend on to both ends with its mean slope.
fn extend_ends(trend: &mut [f64]) {
    let first = trend.iter().position(|v| v.is_finite());
    let last = trend.iter().rposition(|v| v.is_finite());
    let (Some(first), Some(last)) = (first, last) else {
        trend.fill(0.0);
        return;
    };
    let (from, to) = (trend[first], trend[last]);
    let slope = if last > first {
        (to - from) / (last - first) as f64
    } else {
        0.0
    };
    for (t, level) in trend.iter_mut().enumerate() {
        if t < first {
            *level = from - slope * (first - t) as f64;
        } else if t > last {
            *level = to + slope * (t - last) as f64;
        }
    }
}

/// Mean squared error of predicting each deviation by the mean of the others at the same place of the season.
fn unexplained(deviations: &[f64], season: usize) -> f64 {
    let mut places = vec![(0.0, 0.0); season];
    for (t, deviation) in deviations.iter().enumerate().filter(|(_, d)| d.is_finite()) {
        places[t % season].0 += deviation;
        places[t % season].1 += 1.0;
    }
    let (mut squares, mut count) = (0.0, 0.0);
    for (t, deviation) in deviations.iter().enumerate().filter(|(_, d)| d.is_finite()) {
        let (sum, seasons) = places[t % season];
        let others = if seasons > 1.0 {
            (sum - deviation) / (seasons - 1.0)
        } else {
            0.0
        };
        squares += (deviation - others).powi(2);
        count += 1.0;
    }
    if count > 0.0 { squares / count } else { 0.0 }
}

/// Whether the autocorrelation at lag `season` is significant at 90%, by Bartlett's formula (the test of the M4
/// competition's benchmarks, Makridakis, Spiliotis & Assimakopoulos 2020, *International Journal of Forecasting*
/// 36:54-74). False below two seasons.
///
/// ```
/// use kpi_forecast::season::is_seasonal;
/// let weekly: Vec<f64> = (0..70).map(|t| [5.0, 6.0, 6.0, 6.0, 7.0, 1.0, 0.0][t % 7]).collect();
/// assert!(is_seasonal(&weekly, 7));
/// assert!(!is_seasonal(&[1.0; 50], 7));
/// ```
pub fn is_seasonal(values: &[f64], season: usize) -> bool {
    const QUANTILE: f64 = 1.645;
    /// Few lags by their definition: a transform of all would cost more.
    const FEW: usize = 100;
    let n = values.len();
    if season < 2 || n < 2 * season {
        return false;
    }
    let r = if season > FEW {
        autocorrelations(values, season)
    } else {
        let mean = values.iter().sum::<f64>() / n as f64;
        let at = |lag: usize| -> f64 {
            values
                .iter()
                .zip(&values[lag..])
                .map(|(a, b)| (a - mean) * (b - mean))
                .sum()
        };
        let whole = at(0);
        if whole <= 0.0 {
            return false;
        }
        (0..=season).map(|lag| at(lag) / whole).collect()
    };
    let before: f64 = r[1..season].iter().map(|r| r * r).sum();
    let limit = QUANTILE * ((1.0 + 2.0 * before) / n as f64).sqrt();
    r[season].abs() > limit
}
