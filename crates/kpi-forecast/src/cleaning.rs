//! Taking out of a history what will not come again: single values far off, and steps to another level.

use crate::gaps;
use crate::stl::decompose;
use crate::{Error, model::unless_canceled};

/// Neighbours to each side among which a value is looked at: so many values in a row that are far off are outliers, more are a level.
const NEIGHBOURS: usize = 3;
/// How often outliers are looked for: those found before no longer hide others in the season.
const ROUNDS: usize = 3;
/// Interquartile ranges beyond the quartiles from which a value is far out (Tukey 1977, *Exploratory Data Analysis*, section 2D).
const FAR: f64 = 3.0;
/// And from which it is obvious that it is.
const OBVIOUSLY_FAR: f64 = 9.0;
/// How much farther off a value must be to hide others.
const HIDING: f64 = 3.0;
/// Share of the values that can be outliers; where more are far out, that is how the series is.
const MOST: f64 = 0.1;
/// Values after a step by which its size is told, and the fewest that will do.
const SIDE: usize = 8;
const LEAST_SIDE: usize = 4;
/// Share of a jump by which the level must have changed for good.
const LASTING: f64 = 0.75;
/// Steps that a series can have; where there are more, that is how the series is.
const MOST_SHIFTS: usize = 3;

/// What is taken out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleaning {
    /// Single values far off are replaced as if they were gaps.
    pub outliers: bool,
    /// What came before a step is brought to the level after it.
    pub level_shifts: bool,
    /// Only what nobody would doubt: thrice as far out, and with a whole side of neighbours after it.
    pub obvious: bool,
}

impl Cleaning {
    fn far(self) -> f64 {
        if self.obvious { OBVIOUSLY_FAR } else { FAR }
    }
}

/// A history without what was taken out.
#[derive(Debug, Clone, PartialEq)]
pub struct Cleaned {
    /// The values.
    pub values: Vec<f64>,
    /// Places of the outliers that were replaced.
    pub outliers: Vec<usize>,
    /// Places of the first values at another level.
    pub shifts: Vec<usize>,
}

/// Cleans a history without gaps.
///
/// An outlier is a value that, without its season ([`decompose`], or one of medians where that shows too many), lies farther from the median of the seven values around it than
/// Tukey's outer fences, three interquartile ranges beyond the quartiles, where the range is that of these distances or of the
/// differences from value to value, whichever is larger: steps of a random walk are no outliers. It is replaced like a gap
/// ([`gaps::fill`]). Two or more at the very end stay, as a level that has just changed looks the same. Where more than a tenth of the
/// values are so far out, that is how the series is, and all stay. It is obvious nine ranges beyond the quartiles, with three values after it.
///
/// A level shift is a difference beyond those fences, of which three quarters stay: by the median of what eight values or more differ from
/// those whole seasons before, more than other values do. That is added to all values before; where it would take values that are above 0 to
/// 0 or below, they are multiplied. Where there are more than three, none is taken out.
///
/// `poll` is called at every pass; true ends it with [`Error::Canceled`].
///
/// ```
/// use kpi_forecast::cleaning::{Cleaning, clean};
/// let mut values: Vec<f64> = (0..40).map(|t| 50.0 + (t * t % 11) as f64).collect();
/// values[20] = 500.0;
/// let all = Cleaning { outliers: true, level_shifts: true, obvious: false };
/// let found = clean(&values, 1, all, &mut || false).unwrap();
/// assert_eq!(found.outliers, [20]);
/// assert!(found.shifts.is_empty() && (found.values[20] - 55.0).abs() < 5.0);
/// ```
pub fn clean(
    values: &[f64],
    season: usize,
    what: Cleaning,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Cleaned, Error> {
    let mut cleaned = Cleaned {
        values: values.to_vec(),
        outliers: Vec::new(),
        shifts: Vec::new(),
    };
    if what.outliers {
        for _ in 0..ROUNDS {
            unless_canceled(poll)?;
            let level = without_season(values, &cleaned.values, season, poll)?;
            let found = match outliers(&level, what, what.far()) {
                // One value so far off that its share in the season makes all others of its place look so, but not by medians.
                None if cleaned.outliers.is_empty() => {
                    outliers(&without_typical_season(values, season), what, HIDING * what.far())
                }
                found => found,
            };
            let found = found.unwrap_or_default();
            if found == cleaned.outliers {
                break;
            }
            let mut holes = values.to_vec();
            for place in &found {
                holes[*place] = f64::NAN;
            }
            cleaned.values = gaps::fill(&holes, season);
            cleaned.outliers = found;
        }
    }
    if what.level_shifts {
        unless_canceled(poll)?;
        let level = without_season(&cleaned.values, &cleaned.values, season, poll)?;
        for Shift { at, change, ratio } in shifts(&level, &cleaned.values, season.max(1), what.far()) {
            let positive = cleaned.values.iter().all(|y| *y > 0.0);
            let before = &mut cleaned.values[..at];
            let by_ratio = positive && before.iter().any(|y| *y + change <= 0.0);
            for value in before {
                *value = if by_ratio { *value * ratio } else { *value + change };
            }
            cleaned.shifts.push(at);
        }
    }
    Ok(cleaned)
}

/// `values` less the season of `typical`.
fn without_season(
    values: &[f64],
    typical: &[f64],
    season: usize,
    poll: &mut dyn FnMut() -> bool,
) -> Result<Vec<f64>, Error> {
    if season < 2 || typical.len() < 2 * season {
        return Ok(values.to_vec());
    }
    let parts = decompose(typical, &[season], poll)?;
    let course = parts.seasons.first().map_or(&[][..], Vec::as_slice);
    Ok(values.iter().zip(course).map(|(y, s)| y - s).collect())
}

/// `values` less a season that is the median, over all seasons, of what its place is above the median of its season.
fn without_typical_season(values: &[f64], season: usize) -> Vec<f64> {
    if season < 2 || values.len() < 2 * season {
        return values.to_vec();
    }
    let above: Vec<f64> = values
        .chunks_exact(season)
        .flat_map(|whole| {
            let middle = median(whole);
            whole.iter().map(move |y| y - middle)
        })
        .collect();
    let of_place = |place: usize| {
        let same: Vec<f64> = above.iter().skip(place).step_by(season).copied().collect();
        median(&same)
    };
    let course: Vec<f64> = (0..season).map(of_place).collect();
    values
        .iter()
        .zip(course.iter().cycle())
        .map(|(y, s)| y - s)
        .collect()
}

/// Places of values so many ranges out, by the history without its season; `None` where there are too many.
fn outliers(level: &[f64], what: Cleaning, by: f64) -> Option<Vec<usize>> {
    let n = level.len();
    let differences: Vec<f64> = level.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let (_, slope, _) = quartiles(&differences)?;
    let flat: Vec<f64> = level
        .iter()
        .enumerate()
        .map(|(t, y)| y - slope * t as f64)
        .collect();
    let off: Vec<f64> = flat
        .iter()
        .enumerate()
        .map(|(t, y)| {
            let near = &flat[t.saturating_sub(NEIGHBOURS)..(t + NEIGHBOURS + 1).min(n)];
            y - median(near)
        })
        .collect();
    let far = Fences::of(&off, &differences, by);
    let mut found: Vec<usize> = (0..n).filter(|t| far.exclude(off[*t])).collect();
    let last = (0..n).rev().take_while(|t| found.contains(t)).count();
    if last > 1 {
        found.truncate(found.len() - last);
    }
    if what.obvious {
        found.retain(|t| t + NEIGHBOURS < n);
    }
    (found.len() as f64 <= MOST * n as f64).then_some(found)
}

/// A step, and how much the values differ from those before it.
struct Shift {
    at: usize,
    change: f64,
    ratio: f64,
}

/// Steps to another level: jumps of `level`, the `values` without their season.
fn shifts(level: &[f64], values: &[f64], season: usize, by: f64) -> Vec<Shift> {
    let differences: Vec<f64> = level.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let far = Fences::of(&differences, &differences, by);
    // Values are compared with those whole seasons before, so that what the jump did to the season found does not matter.
    let lag = season * SIDE.div_ceil(season);
    let mut found: Vec<Shift> = Vec::new();
    for (jump, at) in differences.iter().zip(1_usize..) {
        let from = found
            .last()
            .map_or(0, |shift| shift.at)
            .max(at.saturating_sub(lag));
        if !far.exclude(*jump) || at - from < LEAST_SIDE {
            continue;
        }
        let later = values.get(lag..).unwrap_or_default();
        let pairs = || values.iter().zip(later).enumerate();
        let changes = |is_over: bool| -> Vec<f64> {
            let over = pairs().filter(|(t, _)| (from..at).contains(t) == is_over);
            over.map(|(_, (before, after))| after - before).collect()
        };
        let ratios: Vec<f64> = pairs().map(|(_, (before, after))| after / before).collect();
        let (over, elsewhere) = (changes(true), quartiles(&changes(false)));
        let change = median(&over) - elsewhere.map_or(0.0, |(_, middle, _)| middle);
        if over.len() >= LEAST_SIDE && change * jump.signum() >= LASTING * jump.abs() && far.exclude(change) {
            found.push(Shift {
                at,
                change,
                ratio: median(ratios.get(from..at.min(ratios.len())).unwrap_or_default()),
            });
        }
    }
    if found.len() > MOST_SHIFTS {
        found.clear();
    }
    found
}

/// Tukey's outer fences.
struct Fences {
    low: f64,
    high: f64,
}

impl Fences {
    /// So many interquartile ranges, of `values` or of `others`, beyond the quartiles of `values`. Nothing is out where these have none.
    fn of(values: &[f64], others: &[f64], by: f64) -> Self {
        let range = |v: &[f64]| quartiles(v).map_or(0.0, |(low, _, high)| high - low);
        let wide = range(values).max(range(others));
        match quartiles(values) {
            Some((low, _, high)) if wide > 0.0 => Self {
                low: low - by * wide,
                high: high + by * wide,
            },
            _ => Self {
                low: f64::NEG_INFINITY,
                high: f64::INFINITY,
            },
        }
    }

    fn exclude(&self, value: f64) -> bool {
        value < self.low || value > self.high
    }
}

fn median(values: &[f64]) -> f64 {
    quartiles(values).map_or(f64::NAN, |(_, middle, _)| middle)
}

/// The quartiles, on straight lines between neighbours.
fn quartiles(values: &[f64]) -> Option<(f64, f64, f64)> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let place = share * sorted.len().checked_sub(1)? as f64;
        let (below, above) = (sorted.get(place as usize)?, sorted.get(place.ceil() as usize)?);
        Some(below + (place - place.floor()) * (above - below))
    };
    Some((at(0.25)?, at(0.5)?, at(0.75)?))
}

#[cfg(test)]
mod tests;
