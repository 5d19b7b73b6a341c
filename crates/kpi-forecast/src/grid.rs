//! From points in time to one value per step, and from a step to the seasons that the calendar suggests.

use crate::Error;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use kpi_series::{MAX_POINTS, Series, Step};

const MINUTE: i64 = 60_000_000;
const DAY: i64 = 1440 * MINUTE;
/// Minute, hour, day, week and year in microseconds: the cycles that people and machines live by.
const CYCLES: [i64; 5] = [MINUTE, 60 * MINUTE, DAY, 7 * DAY, 365 * DAY];

/// A series laid on the regular grid of its own step, which ends at the last point.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// One value per step, `NaN` where there is none.
    pub values: Vec<f64>,
    /// The step, `None` for a sequence.
    step: Option<Step>,
    /// Time of the last value.
    last: i64,
    /// The place of each point of the series in `values`, for the newest points.
    places: Vec<usize>,
}

impl Grid {
    /// Lays the newest points of `series` on a grid of at most `limit` values. Days and months are those of
    /// `zone`.
    ///
    /// A point goes to the nearest place of the grid, so times that are a little off do no harm; of two points
    /// at one place the later wins. Gaps, `NaN` and infinities, and places without a point become `NaN`.
    ///
    /// # Errors
    /// [`Error::NoStep`] when the points follow no regular step, [`Error::TooShort`] and [`Error::Empty`] when
    /// there are fewer than two points.
    ///
    /// ```
    /// use jiff::tz::TimeZone;
    /// use kpi_forecast::grid::Grid;
    /// use kpi_series::Series;
    /// let days = r#"[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 2], ["2026-01-04T00:00:00Z", 4]]"#;
    /// let grid = Grid::align(&Series::parse(days).unwrap(), &TimeZone::UTC, 1000).unwrap();
    /// assert_eq!((grid.values.len(), grid.values[1], grid.values[3]), (4, 2.0, 4.0));
    /// assert!(grid.values[2].is_nan());
    /// assert_eq!(grid.place(2), Some(3));
    /// assert_eq!(grid.expected_seasons(), [7, 365]);
    /// ```
    pub fn align(series: &Series, zone: &TimeZone, limit: usize) -> Result<Self, Error> {
        let times = series.times();
        let (Some(last), values) = (times.last().copied(), values(series)) else {
            return Err(Error::Empty { points: 0 });
        };
        if times.len() < 2 {
            return Err(match values.iter().filter(|v| v.is_finite()).count() {
                0 => Error::Empty { points: times.len() },
                values => Error::TooShort {
                    values,
                    needed: 2,
                    model: "naive",
                },
            });
        }
        let step = series
            .frequency(zone)
            .ok_or(Error::NoStep { points: times.len() })?;
        let limit = limit.clamp(1, MAX_POINTS);
        // Backwards from the last point: k is the number of steps before it.
        let before = |k: usize| step.add(last, -(k as i64), zone).unwrap_or(i64::MIN);
        let mut newest_first = vec![f64::NAN];
        let mut steps_back = Vec::with_capacity(times.len().min(limit));
        let (mut k, mut here, mut next) = (0, last, before(1));
        for (time, value) in times.iter().zip(&values).rev() {
            while k < limit && i128::from(*time) - i128::from(next) < i128::from(here) - i128::from(*time) {
                k += 1;
                (here, next) = (next, before(k + 1));
                if k < limit {
                    newest_first.push(f64::NAN);
                }
            }
            if k >= limit {
                break;
            }
            steps_back.push(k);
            if let Some(slot) = newest_first.last_mut().filter(|slot| slot.is_nan()) {
                *slot = if value.is_finite() { *value } else { f64::NAN };
            }
        }
        newest_first.reverse();
        let top = newest_first.len() - 1;
        let places = steps_back.into_iter().rev().map(|k| top - k).collect();
        Ok(Self {
            values: newest_first,
            step: Some(step),
            last,
            places,
        })
    }

    /// The points one after the other, whatever their times.
    pub fn sequence(series: &Series) -> Self {
        let places = (0..series.len()).collect();
        let last = series.times().last().copied().unwrap_or(0);
        Self {
            values: values(series),
            step: None,
            last,
            places,
        }
    }

    /// The place in `values` of a point of the series, counted in the series from its first point that is on
    /// the grid.
    pub fn place(&self, point: usize) -> Option<usize> {
        self.places.get(point).copied()
    }

    /// Points of the series that are on the grid: its newest ones.
    pub fn points(&self) -> usize {
        self.places.len()
    }

    /// The step, `None` for a sequence.
    pub fn step(&self) -> Option<Step> {
        self.step
    }

    /// The time of the last value, in microseconds since 2000-01-01 UTC.
    pub fn last(&self) -> i64 {
        self.last
    }

    /// The time `steps` after the last value, in microseconds since 2000-01-01 UTC.
    ///
    /// # Errors
    /// [`Error::NoTime`] beyond the times that PostgreSQL knows, and [`Error::NoStep`] for a sequence.
    pub fn time_after(&self, steps: usize, zone: &TimeZone) -> Result<i64, Error> {
        let step = self.step.ok_or(Error::NoStep {
            points: self.points(),
        })?;
        let count = i64::try_from(steps).map_err(|_| Error::NoTime { steps })?;
        step.add(self.last, count, zone)
            .map_err(|_| Error::NoTime { steps })
    }

    /// The time of a place in `values`, in microseconds since 2000-01-01 UTC.
    ///
    /// # Errors
    /// [`Error::NoStep`] for a sequence.
    pub fn time_at(&self, place: usize, zone: &TimeZone) -> Result<i64, Error> {
        let step = self.step.ok_or(Error::NoStep {
            points: self.points(),
        })?;
        let before = self.values.len().saturating_sub(place + 1);
        step.add(self.last, -(before as i64), zone)
            .map_err(|_| Error::NoTime { steps: before })
    }

    /// The times of all values and of `horizon` steps after the last, in microseconds since 2000-01-01 UTC.
    ///
    /// # Errors
    /// Those of [`time_after`](Grid::time_after).
    pub fn times(&self, horizon: usize, zone: &TimeZone) -> Result<Vec<i64>, Error> {
        let before = (0..self.values.len()).map(|place| self.time_at(place, zone));
        let after = (1..=horizon).map(|steps| self.time_after(steps, zone));
        before.chain(after).collect()
    }

    /// The days on which these times lie in `zone`, counted from 2000-01-01.
    ///
    /// # Errors
    /// Those of [`time_after`](Grid::time_after).
    pub fn dates(&self, horizon: usize, zone: &TimeZone) -> Result<Vec<i64>, Error> {
        let times = self.times(horizon, zone)?;
        Ok(times.into_iter().map(|time| date(time, zone)).collect())
    }

    /// Seasons, in steps, that the calendar suggests for this step: 24 and 168 for hours, 7 and 365 for days,
    /// 52 for weeks, 12 for months. Minutes get 60, 1440 and 10080.
    pub fn expected_seasons(&self) -> Vec<usize> {
        let Some(step) = self.step else { return Vec::new() };
        if step.months > 0 {
            let year = (12 % step.months == 0).then_some(12 / step.months);
            return year.filter(|m| *m > 1).into_iter().map(|m| m as usize).collect();
        }
        let length = i64::from(step.days) * DAY + step.micros;
        let whole = |cycle: &i64| {
            let year_of_weeks = *cycle == 365 * DAY && length % (7 * DAY) == 0;
            let cycle = if year_of_weeks { 364 * DAY } else { *cycle };
            (length > 0 && cycle % length == 0 && cycle > length).then_some((cycle / length) as usize)
        };
        CYCLES
            .iter()
            .filter_map(whole)
            .filter(|m| *m <= MAX_POINTS)
            .collect()
    }
}

/// The values of a series at some times in ascending order: each of its points goes to the nearest time, when it is no further from it
/// than half the way to the next time, and of two points at one time the later wins. `NaN` where it has none.
///
/// ```
/// use kpi_forecast::grid::values_at;
/// use kpi_series::Series;
/// let price = r#"[["2000-01-01T03:00:00Z", 7], ["2000-01-02T00:00:00Z", 8], ["2000-01-03T14:00:00Z", 9]]"#;
/// let day = 86_400_000_000;
/// let found = values_at(&Series::parse(price).unwrap(), &[0, day, 2 * day]);
/// assert_eq!(found[..2], [7.0, 8.0]);
/// assert!(found[2].is_nan());
/// ```
pub fn values_at(series: &Series, times: &[i64]) -> Vec<f64> {
    let mut found = vec![f64::NAN; times.len()];
    let distance = |i: usize, time: i64| Some((i128::from(*times.get(i)?) - i128::from(time)).unsigned_abs());
    for (time, value) in series.times().iter().zip(values(series)) {
        let after = times.partition_point(|t| t < time);
        let before = after.saturating_sub(1);
        let place = match (distance(before, *time), distance(after, *time)) {
            (Some(a), Some(b)) if b < a => after,
            (Some(_), _) => before,
            (None, _) => continue,
        };
        let neighbour = if place + 1 < times.len() {
            place + 1
        } else {
            place.saturating_sub(1)
        };
        let step = times
            .get(place)
            .and_then(|t| distance(neighbour, *t))
            .unwrap_or(0);
        if distance(place, *time).is_some_and(|off| 2 * off <= step)
            && let Some(slot) = found.get_mut(place)
        {
            *slot = if value.is_finite() { value } else { f64::NAN };
        }
    }
    found
}

/// Steps in a season that the calendar suggests, to the fraction: a year of days is 365.25, one of weeks 52.18, one of hours 8766.
///
/// ```
/// use kpi_forecast::grid::exact_season;
/// assert_eq!([7, 365, 8760, 12].map(exact_season), [7.0, 365.25, 8766.0, 12.0]);
/// ```
pub fn exact_season(steps: usize) -> f64 {
    const YEAR: f64 = 365.25;
    match steps {
        52 => YEAR / 7.0,
        // 73 divides the days of a year, and nothing else in the calendar.
        _ if steps > 0 && steps.is_multiple_of(73) => steps as f64 * YEAR / 365.0,
        _ => steps as f64,
    }
}

/// The day on which a time lies, counted from 2000-01-01; in UTC beyond the years that zones have rules for.
fn date(time: i64, zone: &TimeZone) -> i64 {
    const EPOCH: i64 = 946_684_800_000_000;
    let instant = Timestamp::from_microsecond(time.saturating_add(EPOCH));
    let offset = instant.map_or(0, |instant| i64::from(zone.to_offset(instant).seconds()));
    time.saturating_add(offset * 1_000_000).div_euclid(DAY)
}

fn values(series: &Series) -> Vec<f64> {
    (0..series.len())
        .map(|i| series.value(i).unwrap_or(f64::NAN))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(times: &[i64]) -> Series {
        Series::from_points(times.iter().map(|t| (*t, Some(*t as f64))).collect()).unwrap()
    }

    fn seasons(step: Step) -> Vec<usize> {
        Grid {
            values: vec![],
            step: Some(step),
            last: 0,
            places: vec![],
        }
        .expected_seasons()
    }

    #[test]
    fn seasons_follow_the_step() {
        assert_eq!(seasons(Step::micros(60 * MINUTE)), [24, 168, 8760]);
        assert_eq!(seasons(Step::micros(30 * MINUTE))[..2], [2, 48]);
        assert_eq!(seasons(Step::micros(7 * MINUTE)), [1440 * 7 / 7]);
        assert_eq!(seasons(Step::days(7)), [52]);
        assert_eq!(seasons(Step::months(1)), [12]);
        assert_eq!(seasons(Step::months(3)), [4]);
        assert_eq!(seasons(Step::months(12)), [0; 0]);
    }

    #[test]
    fn times_a_little_off_go_to_the_nearest_place() {
        let times: Vec<i64> = (0..20)
            .map(|t| t * MINUTE + [0, 3, -5, 0][t as usize % 4])
            .collect();
        let times: Vec<i64> = times.into_iter().chain((20..80).map(|t| t * MINUTE)).collect();
        let grid = Grid::align(&series(&times), &TimeZone::UTC, 1000).unwrap();
        assert_eq!(grid.values.len(), 80);
        assert_eq!(grid.values[2], (2 * MINUTE - 5) as f64);
        assert_eq!((grid.points(), grid.place(79)), (80, Some(79)));
        assert_eq!(grid.time_after(2, &TimeZone::UTC), Ok(81 * MINUTE));
    }

    #[test]
    fn only_the_newest_are_taken() {
        let times: Vec<i64> = (0..50).map(|t| t * MINUTE).collect();
        let grid = Grid::align(&series(&times), &TimeZone::UTC, 10).unwrap();
        assert_eq!(
            (grid.values.len(), grid.points(), grid.values[0]),
            (10, 10, (40 * MINUTE) as f64)
        );
    }

    #[test]
    fn month_ends_stay_month_ends() {
        let day = |d: i64| d * DAY;
        // 2000-01-31, 02-29, 03-31, 04-30
        let grid = Grid::align(
            &series(&[day(30), day(59), day(90), day(120)]),
            &TimeZone::UTC,
            100,
        )
        .unwrap();
        assert_eq!(grid.values.len(), 4);
        assert_eq!(grid.time_after(1, &TimeZone::UTC), Ok(day(151)));
    }

    #[test]
    fn what_has_no_step_says_so() {
        let error = Grid::align(&series(&[0, 7, 1000, 1001, 50_000, 90_001]), &TimeZone::UTC, 100);
        assert_eq!(error.unwrap_err(), Error::NoStep { points: 6 });
        assert_eq!(
            Grid::align(&series(&[]), &TimeZone::UTC, 9).unwrap_err(),
            Error::Empty { points: 0 }
        );
        let one = Grid::align(&series(&[5]), &TimeZone::UTC, 9).unwrap_err();
        assert_eq!(
            one,
            Error::TooShort {
                values: 1,
                needed: 2,
                model: "naive"
            }
        );
    }
}
