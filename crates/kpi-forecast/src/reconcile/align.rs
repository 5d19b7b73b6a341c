//! Series of different lengths on steps that go together.

use super::HierarchyError;
use crate::grid::Grid;
use crate::{Error, MAX_HISTORY};
use jiff::tz::TimeZone;
use kpi_series::{Series, Step};

/// The histories of the nodes of a hierarchy, which all end at the same time.
#[derive(Debug)]
pub struct Histories {
    /// For each node one value per step, the last one at the end of all, `NaN` where there is none.
    pub values: Vec<Option<Vec<f64>>>,
    /// The grid that ends last: its next steps are those of all.
    pub grid: Grid,
}

impl Histories {
    /// Lays the series of nodes on grids of their common step. A series may begin later than the others, and end at most
    /// `lateness` steps before them.
    ///
    /// # Errors
    /// Those of [`Grid::align`] with the name of the node; [`HierarchyError::Steps`], [`HierarchyError::Times`] and
    /// [`HierarchyError::Late`].
    ///
    /// ```
    /// use jiff::tz::TimeZone;
    /// use kpi_forecast::reconcile::Histories;
    /// use kpi_series::Series;
    /// let long = r#"[["2026-01-01T00:00:00Z", 1], ["2026-01-02T00:00:00Z", 2], ["2026-01-03T00:00:00Z", 3]]"#;
    /// let late = r#"[["2026-01-01T00:00:00Z", 5], ["2026-01-02T00:00:00Z", 6]]"#;
    /// let series = [Some(Series::parse(long).unwrap()), None, Some(Series::parse(late).unwrap())];
    /// let names = ["a", "b", "c"].map(String::from);
    /// let histories = Histories::align(&names, &series, 1, &TimeZone::UTC).unwrap();
    /// let last = histories.values[2].as_ref().unwrap();
    /// assert!(last.len() == 3 && last[1] == 6.0 && last[2].is_nan());
    /// ```
    pub fn align(
        names: &[String],
        series: &[Option<Series>],
        lateness: usize,
        zone: &TimeZone,
    ) -> Result<Self, Error> {
        let mut grids = Vec::with_capacity(series.len());
        for (name, series) in names.iter().zip(series) {
            let grid = series
                .as_ref()
                .map(|series| Grid::align(series, zone, MAX_HISTORY).map_err(|error| error.of_node(name)));
            grids.push(grid.transpose()?);
        }
        let newest = grids
            .iter()
            .enumerate()
            .filter_map(|(node, grid)| Some((grid.as_ref()?.last(), node)))
            .max_by_key(|(last, node)| (*last, std::cmp::Reverse(*node)));
        let Some((_, newest)) = newest else {
            return Err(HierarchyError::NoSeries {
                name: names.first().cloned().unwrap_or_default(),
                what: "series",
            }
            .into());
        };
        let newest = (&names[newest], grids[newest].clone());
        let (newest_name, Some(grid)) = newest else {
            return Err(HierarchyError::NoNode.into());
        };
        let mut values = Vec::with_capacity(grids.len());
        for (name, own) in names.iter().zip(grids) {
            let Some(mut own) = own else {
                values.push(None);
                continue;
            };
            if !agree(own.step(), grid.step()) {
                return Err(HierarchyError::Steps {
                    first: (newest_name.clone(), in_words(grid.step())),
                    second: (name.clone(), in_words(own.step())),
                }
                .into());
            }
            let Some(late) = steps_to(&own, grid.last(), lateness, zone)? else {
                return Err(HierarchyError::Late {
                    name: name.clone(),
                    steps: lateness,
                }
                .into());
            };
            let Some(late) = late else {
                return Err(HierarchyError::Times {
                    first: newest_name.clone(),
                    second: name.clone(),
                }
                .into());
            };
            own.values.resize(own.values.len() + late, f64::NAN);
            values.push(Some(own.values));
        }
        values.resize(names.len(), None);
        Ok(Self { values, grid })
    }
}

/// Whether two steps are as long. The day of the month on which months end may differ: February has no 31st.
fn agree(one: Option<Step>, other: Option<Step>) -> bool {
    let parts = |step: Step| (step.months, step.days, step.micros);
    one.map(parts) == other.map(parts)
}

fn in_words(step: Option<Step>) -> String {
    let Some(Step {
        months, days, micros, ..
    }) = step
    else {
        return "none".into();
    };
    let parts = [
        (i64::from(months), "months"),
        (i64::from(days), "days"),
        (micros / 1_000_000, "seconds"),
        (micros % 1_000_000, "microseconds"),
    ];
    let words: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count != 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    words.join(" ")
}

/// The steps from the end of a grid to a time at or after it: `None` when there are more than `most`, `Some(None)` when that time is
/// between two steps, nearer than a quarter of a step to none.
fn steps_to(grid: &Grid, end: i64, most: usize, zone: &TimeZone) -> Result<Option<Option<usize>>, Error> {
    let mut here = grid.last();
    for steps in 0..=most {
        let next = grid.time_after(steps + 1, zone)?;
        let (before, after) = (
            i128::from(end) - i128::from(here),
            i128::from(next) - i128::from(end),
        );
        if before <= after {
            let near = 4 * before.abs() <= i128::from(next) - i128::from(here);
            return Ok(Some(near.then_some(steps)));
        }
        here = next;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000;

    fn series(times: impl Iterator<Item = i64>) -> Option<Series> {
        Some(Series::from_points(times.map(|t| (t, Some(1.0))).collect()).unwrap())
    }

    fn aligned(series: &[Option<Series>], lateness: usize) -> Result<Histories, Error> {
        let names: Vec<String> = (0..series.len()).map(|i| format!("n{i}")).collect();
        Histories::align(&names, series, lateness, &TimeZone::UTC)
    }

    fn refused(other: Option<Series>) -> HierarchyError {
        let days = series((0..30).map(|d| d * DAY));
        match aligned(&[days, other], 3).unwrap_err() {
            Error::Hierarchy(error) => error,
            error => panic!("{error:?}"),
        }
    }

    #[test]
    fn what_does_not_go_together_says_so() {
        let hours = series((0..30 * 24).map(|h| h * DAY / 24));
        assert!(matches!(refused(hours), HierarchyError::Steps { first, .. } if first.1 == "3600 seconds"));
        let noons = series((0..29).map(|d| d * DAY + DAY / 2));
        assert!(matches!(refused(noons), HierarchyError::Times { .. }));
        let ended = series((0..20).map(|d| d * DAY));
        assert_eq!(
            refused(ended),
            HierarchyError::Late {
                name: "n1".into(),
                steps: 3
            }
        );
        assert!(matches!(
            aligned(&[None], 3),
            Err(Error::Hierarchy(HierarchyError::NoSeries { .. }))
        ));
        let one = aligned(&[series(0..1)], 3).unwrap_err();
        assert_eq!(one.detail().unwrap().split(':').next(), Some("node \"n0\""));
    }

    #[test]
    fn ranges_may_differ() {
        let all = [
            series((0..30).map(|d| d * DAY)),
            series((10..30).map(|d| d * DAY)),
            series((0..28).map(|d| d * DAY)),
        ];
        let histories = aligned(&all, 3).unwrap();
        let lengths: Vec<usize> = histories.values.iter().flatten().map(Vec::len).collect();
        assert_eq!(lengths, [30, 20, 30]);
        assert_eq!(histories.grid.time_after(1, &TimeZone::UTC), Ok(30 * DAY));
    }
}
