//! `kpi.seasonality`: the seasons of a series, with their length in time.

use kpi_forecast::MAX_HISTORY;
use kpi_forecast::grid::Grid;
use kpi_forecast::seasonality::find;
use pgrx::datum::Interval;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::decompose::align;
use super::poll;
use crate::error::Error;
use crate::series::{Series, time_zone};

/// `zone` is the time zone whose days and months the steps are, the session's when NULL.
#[pg_extern(sql = false)]
fn seasonality_series(
    series: Option<Series>,
    zone: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(season, i32),
            name!(length, Option<Interval>),
            name!(strength, f64),
            name!(share, f64),
            name!(statistic, f64),
            name!(p_value, f64),
            name!(expected, bool),
        ),
    >,
    ErrorReport,
> {
    let Some(series) = series else {
        return Ok(TableIterator::empty());
    };
    let grid = align(&series, &time_zone(zone)?, MAX_HISTORY)?;
    let found = find(&grid.values, &grid.expected_seasons(), &mut poll).map_err(Error::from)?;
    Ok(TableIterator::new(found.into_iter().map(move |season| {
        (
            season.period as i32,
            length(&grid, season.period),
            season.strength,
            season.share,
            season.statistic,
            season.p_value,
            season.is_expected,
        )
    })))
}

/// So many steps as an interval; NULL where there is no such interval.
fn length(grid: &Grid, steps: usize) -> Option<Interval> {
    let step = grid.step()?;
    let count = i32::try_from(steps).ok()?;
    Interval::new(
        step.months.checked_mul(count)?,
        step.days.checked_mul(count)?,
        step.micros.checked_mul(i64::from(count))?,
    )
    .ok()
}
