//! Days that are not like others, as columns of zeros and ones.

use crate::Error;
use crate::grid::Grid;
use crate::regressors::Regressor;
use jiff::tz::TimeZone;

/// Days before and after a holiday that its window can hold at most.
pub const MAX_WINDOW: i64 = 30;

/// The days around a holiday that are not like others, counted from it: from -1 to 1 is the day before to the day after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    first: i64,
    last: i64,
}

impl Window {
    /// The holiday alone.
    pub const DAY: Self = Self { first: 0, last: 0 };

    /// # Errors
    /// [`Error::HolidayWindow`] when the first day is after the last, or one is more than [`MAX_WINDOW`] days away.
    ///
    /// ```
    /// use kpi_forecast::holidays::Window;
    /// assert!(Window::new(-1, 1).is_ok() && Window::new(1, -1).is_err());
    /// ```
    pub fn new(first: i64, last: i64) -> Result<Self, Error> {
        let near = -MAX_WINDOW..=MAX_WINDOW;
        if first > last || !near.contains(&first) || !near.contains(&last) {
            return Err(Error::HolidayWindow { first, last });
        }
        Ok(Self { first, last })
    }
}

/// One column for each day of the window, 1 where a step is that day of one of the holidays and 0 elsewhere, for the steps of the
/// grid and `horizon` steps more. `days` are counted from 2000-01-01. A step shorter than a day marks all steps that begin on the day in
/// `zone`; one that is longer marks the step in which the day lies. Days of the window that the history never saw are
/// left out, and those that are in the same steps as another one.
///
/// # Errors
/// [`Error::NoHoliday`] when the history saw none, and those of [`Grid::time_after`].
///
/// ```
/// use jiff::tz::TimeZone;
/// use kpi_forecast::{grid::Grid, holidays::{Window, columns}};
/// use kpi_series::Series;
/// let days = r#"[["2000-01-01T00:00:00Z", 1], ["2000-01-02T00:00:00Z", 2], ["2000-01-03T00:00:00Z", 4]]"#;
/// let grid = Grid::align(&Series::parse(days).unwrap(), &TimeZone::UTC, 1000).unwrap();
/// let found = columns(&grid, 2, &[1, 3], Window::DAY, &TimeZone::UTC).unwrap();
/// assert_eq!((found[0].name.as_str(), &found[0].values[..]), ("holiday", &[0.0, 1.0, 0.0, 1.0, 0.0][..]));
/// ```
pub fn columns(
    grid: &Grid,
    horizon: usize,
    days: &[i64],
    window: Window,
    zone: &TimeZone,
) -> Result<Vec<Regressor>, Error> {
    let dates = grid.dates(horizon + 1, zone)?;
    let history = grid.values.len();
    let steps = history + horizon;
    let mut found = Vec::new();
    for offset in window.first..=window.last {
        let mut values = vec![0.0; steps];
        for day in days {
            let day = day.saturating_add(offset);
            let from = dates.partition_point(|date| *date < day);
            let to = dates.partition_point(|date| *date <= day);
            // Without a step that begins on the day, it is in the step that began before.
            let from = if from == to { from.saturating_sub(1) } else { from };
            if dates.first().is_some_and(|first| *first <= day) {
                for marked in values.iter_mut().take(to).skip(from) {
                    *marked = 1.0;
                }
            }
        }
        let is_new = found.iter().all(|known: &Regressor| known.values != values);
        if is_new && values.iter().take(history).any(|x| *x == 1.0) {
            let name = match offset {
                0 => "holiday".to_owned(),
                _ => format!("holiday{offset:+}"),
            };
            found.push(Regressor { name, values });
        }
    }
    if found.is_empty() {
        return Err(Error::NoHoliday { dates: days.len() });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kpi_series::{Series, Step};

    const HOUR: i64 = 3_600_000_000;

    fn grid(start: i64, step: Step, n: i64, zone: &TimeZone) -> Grid {
        let points = (0..n).map(|i| (step.add(start, i, zone).unwrap(), Some(i as f64)));
        Grid::align(&Series::from_points(points.collect()).unwrap(), zone, 10_000).unwrap()
    }

    fn marked(column: &Regressor) -> Vec<usize> {
        (0..column.values.len())
            .filter(|i| column.values[*i] == 1.0)
            .collect()
    }

    #[test]
    fn an_hour_is_marked_by_its_day_in_the_zone() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let hours = grid(0, Step::micros(HOUR), 72, &berlin);
        // The 2nd of January 2000 in Berlin begins at 23:00 UTC of the 1st.
        let found = columns(&hours, 24, &[1], Window::DAY, &berlin).unwrap();
        assert_eq!(marked(&found[0]), (23..47).collect::<Vec<_>>());
        let found = columns(&hours, 24, &[1], Window::DAY, &TimeZone::UTC).unwrap();
        assert_eq!(marked(&found[0]), (24..48).collect::<Vec<_>>());
    }

    #[test]
    fn the_day_that_the_clock_goes_on_has_23_hours() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        // 2000-03-26, 85 days after the start of the year.
        let hours = grid(80 * 24 * HOUR, Step::micros(HOUR), 240, &berlin);
        let found = columns(&hours, 1, &[85], Window::DAY, &berlin).unwrap();
        assert_eq!(marked(&found[0]).len(), 23);
    }

    #[test]
    fn a_week_and_a_month_are_marked_by_the_day_in_them() {
        let weeks = grid(0, Step::days(7), 8, &TimeZone::UTC);
        let found = columns(&weeks, 2, &[6, 7, 69, 70], Window::DAY, &TimeZone::UTC).unwrap();
        assert_eq!(marked(&found[0]), [0, 1, 9]);
        let months = grid(0, Step::months(1), 12, &TimeZone::UTC);
        let found = columns(&months, 12, &[359, 359 + 366], Window::DAY, &TimeZone::UTC).unwrap();
        assert_eq!(marked(&found[0]), [11, 23]);
    }

    #[test]
    fn a_window_has_a_column_for_each_day() {
        let days = grid(0, Step::days(1), 20, &TimeZone::UTC);
        let found = columns(&days, 5, &[10, 22], Window::new(-1, 1).unwrap(), &TimeZone::UTC).unwrap();
        let names: Vec<&str> = found.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["holiday-1", "holiday", "holiday+1"]);
        assert_eq!(marked(&found[0]), [9, 21]);
        assert_eq!(marked(&found[2]), [11, 23]);
    }

    #[test]
    fn days_that_the_history_never_saw_teach_nothing() {
        let days = grid(0, Step::days(1), 20, &TimeZone::UTC);
        let only = |dates: &[i64]| columns(&days, 5, dates, Window::DAY, &TimeZone::UTC);
        for dates in [&[][..], &[-1], &[20, 24], &[i64::MAX, i64::MIN]] {
            assert_eq!(only(dates).unwrap_err(), Error::NoHoliday { dates: dates.len() });
        }
        // The day after the holiday was never in the history.
        let edge = columns(&days, 5, &[19], Window::new(0, 1).unwrap(), &TimeZone::UTC).unwrap();
        assert_eq!((edge.len(), marked(&edge[0])), (1, vec![19]));
        for (first, last) in [(1, 0), (-31, 0), (0, 31), (i64::MIN, i64::MAX)] {
            assert!(Window::new(first, last).is_err());
        }
    }
}
