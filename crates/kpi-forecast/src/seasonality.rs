//! All seasons of a series, and how strong each is.

use crate::arima::unit_root::is_constant;
use crate::components::within_range;
use crate::model::unless_canceled;
use crate::stl::{Components, Options, decompose_with};
use crate::{Error, gaps, season};
use statrs::distribution::{ChiSquared, ContinuousCDF, FisherSnedecor};

/// Seasons that are looked for at most.
const MOST: usize = 5;
/// What is left must have this share of the variance without the trend, or it is rounding and what smoothing left over.
const LEAST_LEFT: f64 = 1e-3;
/// A season must have this share of it, or it is what the removal of another one left over.
const LEAST_PART: f64 = 0.01;
/// A season must pass its test at this level ...
const LEVEL: f64 = 0.01;
/// ... and one within a longer one must carry more of its course than chance would give it at this level.
const WITHIN: f64 = 0.01;

/// A season of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Season {
    /// Its length in steps.
    pub period: usize,
    /// How strong it is beside the remainder `R`: `1 - var(R) / var(S + R)` with its part `S`, at least 0 (Wang, Smith &
    /// Hyndman 2006, *Data Mining and Knowledge Discovery* 13:335-364).
    pub strength: f64,
    /// Variance of its part in that of the values, trend included, 0 to 1.
    pub share: f64,
    /// Kruskal and Wallis's H (1952, *Journal of the American Statistical Association* 47:583-621): whether the values at the
    /// places of the season, without trend and other seasons, rank alike.
    pub statistic: f64,
    /// Probability of an H as large as that without a season, by its chi-squared distribution with `period - 1` degrees of
    /// freedom. It takes remainders as independent.
    pub p_value: f64,
    /// Whether the calendar suggests it.
    pub is_expected: bool,
}

/// The seasons of `values`, the strongest first. Values that are not finite are gaps.
///
/// The shortest season is found (as by [`season::detect`]), the robust decomposition takes it out, and what is left is searched
/// again. A season that divides a longer one, as the day the week, counts as one of its own if it carries more of the longer
/// one's course than chance would give it (F-test at 1%), and any if it has 1% of the variance without the trend. What does not pass the test of
/// Kruskal and Wallis at 1% in the end is left out.
///
/// # Errors
/// [`Error::Overflow`] for values beyond 1e150, [`Error::Canceled`] when `poll` returns true.
///
/// ```
/// use kpi_forecast::seasonality::find;
/// let values: Vec<f64> = (0..300)
///     .map(|t| [1.0, 9.0, 4.0, 4.0, 3.0, 9.0, 8.0][t % 7] + if t % 30 < 10 { 6.0 } else { 0.0 })
///     .collect();
/// let mut periods: Vec<usize> = find(&values, &[7], &mut || false).unwrap().iter().map(|s| s.period).collect();
/// periods.sort();
/// assert_eq!(periods, [7, 30]);
/// assert!(find(&[1.0; 50], &[7], &mut || false).unwrap().is_empty());
/// ```
pub fn find(
    values: &[f64],
    expected: &[usize],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<Season>, Error> {
    within_range(values)?;
    let mut periods: Vec<usize> = Vec::new();
    let mut refused: Vec<usize> = Vec::new();
    let mut left = values.to_vec();
    while periods.len() < MOST && refused.len() < MOST {
        unless_canceled(poll)?;
        let filled = gaps::fill(values, periods.first().copied().unwrap_or(1));
        if is_constant(&filled) {
            return Ok(Vec::new());
        }
        let excluded = [&periods[..], &refused].concat();
        let found = season::search(&left, expected, &excluded, true, poll);
        unless_canceled(poll)?;
        if found < 2 {
            break;
        }
        periods.push(found);
        for within in periods.clone() {
            let longer = periods
                .iter()
                .filter(|m| **m > within && m.is_multiple_of(within));
            if !longer.into_iter().all(|m| is_own(values, within, *m)) {
                periods.retain(|m| *m != within);
                refused.push(within);
            }
        }
        periods.sort_unstable();
        let parts = decompose_with(&filled, &periods, &options(), poll)?;
        let before = minus(&filled, &parts.trend);
        if let Some(place) = periods.iter().position(|m| *m == found)
            && variance(&parts.seasons[place]) < LEAST_PART * variance(&before)
        {
            periods.remove(place);
            break;
        }
        left = parts
            .seasons
            .iter()
            .fold(values.to_vec(), |left, part| minus(&left, part));
        if variance(&parts.remainder) < LEAST_LEFT * variance(&before) {
            break;
        }
    }
    judged(values, periods, expected, poll)
}

/// Outliers are no season. The paper of STL calls five rounds of weights very safe.
fn options() -> Options {
    Options {
        outer: 5,
        ..Options::robust()
    }
}

/// The seasons with their measures, without those that do not pass the test.
fn judged(
    values: &[f64],
    mut periods: Vec<usize>,
    expected: &[usize],
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<Season>, Error> {
    loop {
        let filled = gaps::fill(values, periods.first().copied().unwrap_or(1));
        let parts = decompose_with(&filled, &periods, &options(), poll)?;
        let mut seasons: Vec<Season> = periods
            .iter()
            .zip(&parts.seasons)
            .map(|(period, part)| measures(values, &filled, *period, part, &parts, expected.contains(period)))
            .collect();
        seasons.sort_by(|a, b| {
            b.strength
                .total_cmp(&a.strength)
                .then(b.share.total_cmp(&a.share))
        });
        let Some(worst) = seasons
            .iter()
            .filter(|s| s.p_value > LEVEL)
            .max_by(|a, b| a.p_value.total_cmp(&b.p_value))
            .map(|s| s.period)
        else {
            return Ok(seasons);
        };
        periods.retain(|m| *m != worst);
    }
}

fn measures(
    values: &[f64],
    filled: &[f64],
    period: usize,
    part: &[f64],
    parts: &Components,
    is_expected: bool,
) -> Season {
    let own: Vec<f64> = part.iter().zip(&parts.remainder).map(|(s, r)| s + r).collect();
    let observed: Vec<f64> = own
        .iter()
        .zip(values)
        .map(|(own, y)| if y.is_finite() { *own } else { f64::NAN })
        .collect();
    let (statistic, p_value) = kruskal_wallis(&observed, period);
    let whole = variance(filled);
    Season {
        period,
        strength: strength(&parts.remainder, &own),
        share: if whole > 0.0 {
            (variance(part) / whole).min(1.0)
        } else {
            0.0
        },
        statistic,
        p_value,
        is_expected,
    }
}

/// How strong a part is beside the remainder: `1 - var(remainder) / var(part + remainder)`, 0 to 1.
pub(crate) fn strength(remainder: &[f64], with_part: &[f64]) -> f64 {
    let whole = variance(with_part);
    if whole > 0.0 {
        (1.0 - variance(remainder) / whole).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

pub(crate) fn variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    if n < 2.0 {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / (n - 1.0)
}

fn minus(values: &[f64], part: &[f64]) -> Vec<f64> {
    values.iter().zip(part).map(|(y, s)| y - s).collect()
}

/// Whether a season `within` season `m`, which it divides, carries more of its course than chance would give it.
fn is_own(values: &[f64], within: usize, m: usize) -> bool {
    let course = means(&season::deviations(values, &gaps::fill(values, 1), m), m);
    let own = means(&course, within);
    let carried = own.iter().map(|s| s * s).sum::<f64>() * (m / within) as f64;
    let other = (course.iter().map(|s| s * s).sum::<f64>() - carried).max(f64::MIN_POSITIVE);
    let (free, rest) = ((within - 1) as f64, (m - within) as f64);
    let ratio = (carried / free) / (other / rest);
    FisherSnedecor::new(free, rest).is_ok_and(|f| f.sf(ratio) < WITHIN)
}

/// The mean at each place of a season, less the mean of these; gaps are `NaN`.
fn means(values: &[f64], season: usize) -> Vec<f64> {
    let mut places = vec![(0.0, 0.0_f64); season];
    for (t, y) in values.iter().enumerate().filter(|(_, y)| y.is_finite()) {
        places[t % season].0 += y;
        places[t % season].1 += 1.0;
    }
    let mut means: Vec<f64> = places.iter().map(|(sum, count)| sum / count.max(1.0)).collect();
    let centre = means.iter().sum::<f64>() / season as f64;
    means.iter_mut().for_each(|mean| *mean -= centre);
    means
}

/// H, corrected for ties, and its p-value for the places of a season; gaps are `NaN`.
fn kruskal_wallis(values: &[f64], season: usize) -> (f64, f64) {
    let mut order: Vec<usize> = (0..values.len()).filter(|t| values[*t].is_finite()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let n = order.len() as f64;
    let mut places = vec![(0.0, 0.0_f64); season];
    let mut ties = 0.0;
    let mut done = 0;
    for same in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let count = same.len() as f64;
        let rank = done as f64 + (count + 1.0) / 2.0;
        ties += count * (count * count - 1.0);
        for t in same {
            places[t % season].0 += rank;
            places[t % season].1 += 1.0;
        }
        done += same.len();
    }
    let seen: Vec<&(f64, f64)> = places.iter().filter(|(_, count)| *count > 0.0).collect();
    let different = 1.0 - ties / (n * (n * n - 1.0));
    if seen.len() < 2 || different.is_nan() || different <= 0.0 {
        return (0.0, 1.0);
    }
    let spread: f64 = seen.iter().map(|(sum, count)| sum * sum / count).sum();
    let h = (12.0 / (n * (n + 1.0)) * spread - 3.0 * (n + 1.0)) / different;
    let p_value = ChiSquared::new((seen.len() - 1) as f64).map_or(1.0, |chi| chi.sf(h.max(0.0)));
    (h, p_value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn periods(values: &[f64], expected: &[usize]) -> Vec<usize> {
        let mut found: Vec<usize> = find(values, expected, &mut || false)
            .unwrap()
            .iter()
            .map(|s| s.period)
            .collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn what_a_season_has_in_common_with_a_part_of_it_is_no_season() {
        let mut random = Random::new(21);
        let course: Vec<f64> = (0..12).map(|_| 10.0 * random.normal()).collect();
        let values: Vec<f64> = (0..120).map(|t| course[t % 12] + random.normal()).collect();
        assert_eq!(periods(&values, &[]), [12]);
        assert_eq!(periods(&values, &[4, 12]), [12]);
    }

    #[test]
    fn seasons_that_have_nothing_in_common() {
        let mut random = Random::new(22);
        let values: Vec<f64> = (0..400)
            .map(|t| f64::from(t % 7) + if t % 30 < 10 { 6.0 } else { 0.0 } + random.normal())
            .collect();
        assert_eq!(periods(&values, &[7]), [7, 30]);
    }

    /// How many of 400 series of noise have a season, for white noise and for its running sums.
    fn false_alarms(n: usize, expected: &[usize]) -> (usize, usize) {
        let mut random = Random::new(n as u64);
        let (mut of_noise, mut of_walks) = (0, 0);
        for _ in 0..400 {
            let noise: Vec<f64> = (0..n).map(|_| random.normal()).collect();
            let mut sum = 0.0;
            let walk: Vec<f64> = noise
                .iter()
                .map(|step| {
                    sum += step;
                    sum
                })
                .collect();
            of_noise += usize::from(!periods(&noise, expected).is_empty());
            of_walks += usize::from(!periods(&walk, expected).is_empty());
        }
        (of_noise, of_walks)
    }

    #[test]
    fn noise_and_random_walks_almost_never_have_a_season() {
        for (n, expected) in [
            (40, &[4][..]),
            (60, &[12]),
            (120, &[7]),
            (336, &[24, 168]),
            (800, &[7, 365]),
            (500, &[]),
        ] {
            let (noise, walks) = false_alarms(n, expected);
            assert!(
                noise <= 12 && walks <= 12,
                "{noise} and {walks} of 400 with {n} values"
            );
        }
    }

    #[test]
    fn h_of_a_textbook() {
        // scipy 1.17.1: stats.kruskal([1, 3, 5, 7, 9], [2, 4, 6, 8, 10]) and, with ties, of [1, 1, 2], [2, 3, 3], [5, 1, 4].
        let two: Vec<f64> = (1..=10).map(f64::from).collect();
        let (h, p) = kruskal_wallis(&two, 2);
        assert!(
            (h - 0.272_727).abs() < 1e-6 && (p - 0.601_508).abs() < 1e-6,
            "{h} {p}"
        );
        let (h, p) = kruskal_wallis(&[1.0, 2.0, 5.0, 1.0, 3.0, 1.0, 2.0, 3.0, 4.0], 3);
        assert!(
            (h - 3.017_544).abs() < 1e-6 && (p - 0.221_181).abs() < 1e-6,
            "{h} {p}"
        );
    }
}
