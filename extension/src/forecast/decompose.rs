//! `kpi.decompose`: every step of a series with its trend, its seasons and what is left.

use jiff::tz::TimeZone;
use kpi_forecast::Error as GridError;
use kpi_forecast::components::{Decomposition, Request, components};
use kpi_forecast::grid::Grid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::{poll, timestamp};
use crate::error::Error;
use crate::series::{Series, time_zone};

/// Steps that are taken apart at most, the newest ones: a bound on time and memory.
const MAX_STEPS: usize = 1_000_000;

pgrx::extension_sql_file!(
    "../../../sql/forecast/decompose.sql",
    name = "forecast_decompose",
    requires = ["forecast"]
);

/// The columns of kpi.decomposition_point.
type Row = (
    TimestampWithTimeZone,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Vec<i32>,
    Vec<Option<f64>>,
);

/// `zone` is the time zone whose days and months the steps are, the session's when NULL.
#[pg_extern(sql = false)]
fn decompose_series(
    series: Option<Series>,
    season: Option<Vec<Option<i32>>>,
    robust: Option<bool>,
    seasonal_window: Option<i32>,
    trend_window: Option<i32>,
    zone: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(ts, TimestampWithTimeZone),
            name!(value, Option<f64>),
            name!(trend, Option<f64>),
            name!(seasonal, Option<f64>),
            name!(remainder, Option<f64>),
            name!(weight, Option<f64>),
            name!(season, Vec<i32>),
            name!(parts, Vec<Option<f64>>),
        ),
    >,
    ErrorReport,
> {
    let Some(series) = series else {
        return Ok(TableIterator::empty());
    };
    let request = Request {
        seasons: season.map(lengths).transpose()?,
        robust: robust.unwrap_or(true),
        seasonal_window: seasonal_window.map(i64::from),
        trend_window: trend_window.map(i64::from),
    };
    request.check().map_err(Error::from)?;
    let zone = time_zone(zone)?;
    let grid = align(&series, &zone, MAX_STEPS)?;
    let times = times(&series, &grid, &zone)?;
    let found =
        components(&grid.values, &request, &grid.expected_seasons(), &mut poll).map_err(Error::from)?;
    let seasons: Vec<i32> = found.seasons.iter().map(|m| *m as i32).collect();
    // Rows are made as they are read: a series may have a million steps.
    Ok(TableIterator::new(times.into_iter().enumerate().map(
        move |(place, time)| row(place, time, &grid, &found, &seasons),
    )))
}

fn lengths(season: Vec<Option<i32>>) -> Result<Vec<i64>, Error> {
    season
        .into_iter()
        .map(|m| {
            m.map(i64::from).ok_or_else(|| {
                Error::new(
                    PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                    "season must not hold null",
                )
                .hint("give the steps in each season, e.g. season => '{7,365}'; NULL as a whole finds them from the data")
            })
        })
        .collect()
}

/// The grid of a series; what has fewer than two points has no step, and stays as it is.
pub(super) fn align(series: &Series, zone: &TimeZone, limit: usize) -> Result<Grid, Error> {
    match Grid::align(series, zone, limit) {
        Ok(grid) => Ok(grid),
        Err(GridError::TooShort { .. } | GridError::Empty { .. }) => Ok(Grid::sequence(series)),
        Err(error) => Err(error.into()),
    }
}

/// The time of each step: that of its point, of the grid where there is none.
fn times(series: &Series, grid: &Grid, zone: &TimeZone) -> Result<Vec<i64>, Error> {
    let mut own = vec![None; grid.values.len()];
    let first = series.len().saturating_sub(grid.points());
    for (point, time) in series.times().iter().skip(first).enumerate() {
        if let Some(slot) = grid.place(point).and_then(|place| own.get_mut(place)) {
            *slot = Some(*time);
        }
    }
    own.into_iter()
        .enumerate()
        .map(|(place, time)| match time {
            Some(time) => Ok(time),
            None => Ok(grid.time_at(place, zone)?),
        })
        .collect()
}

fn row(place: usize, time: i64, grid: &Grid, found: &Decomposition, seasons: &[i32]) -> Row {
    let at = |part: &[f64]| part.get(place).copied().filter(|y| y.is_finite());
    let parts = &found.components;
    let of_seasons: Vec<Option<f64>> = parts.seasons.iter().map(|part| at(part)).collect();
    (
        timestamp(time),
        at(&grid.values),
        at(&parts.trend),
        // The sum of nothing is -0.
        at(&parts.trend).map(|_| of_seasons.iter().flatten().sum::<f64>() + 0.0),
        at(&parts.remainder),
        at(&parts.remainder).and_then(|_| at(&parts.weights)),
        seasons.to_vec(),
        of_seasons,
    )
}
