//! `kpi.forecast`: a series becomes a regular grid, a model forecasts it, and the steps get their times.
// pgrx wants an ErrorReport by value, and reads the columns from the signature itself.
#![allow(clippy::result_large_err, clippy::type_complexity)]

mod backtest;
mod decompose;
mod features;
mod levels;
pub(crate) mod model;
mod options;
mod progress;
mod reconcile;
mod regressors;
mod seasonality;

use crate::error::Error;
use crate::series::{Series, time_zone};
use kpi_forecast::grid::Grid;
use kpi_forecast::{MAX_HISTORY, Request, forecast};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

pgrx::extension_sql_file!(
    "../../../sql/forecast.sql",
    name = "forecast",
    requires = ["series"]
);

/// The columns of kpi.forecast_point.
type Row = (i32, TimestampWithTimeZone, f64, f64, f64, String);

/// `kpi.forecast` of version 0.1.0, for the databases that have not been updated and the views that were made there. Days and months
/// are those of the session's time zone.
#[pg_extern(sql = false)]
fn forecast_series(
    series: Option<Series>,
    horizon: Option<i32>,
    model: Option<&str>,
    level: Option<f64>,
    season: Option<i32>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(step, i32),
            name!(ts, TimestampWithTimeZone),
            name!(value, f64),
            name!(lower, f64),
            name!(upper, f64),
            name!(model, String),
        ),
    >,
    ErrorReport,
> {
    let Some(series) = series else {
        return Ok(TableIterator::empty());
    };
    Ok(TableIterator::new(rows(
        &series, horizon, model, level, season, None,
    )?))
}

/// The same; `zone` is the time zone whose days and months the steps are.
#[pg_extern(sql = false)]
fn forecast_series_in(
    series: Option<Series>,
    horizon: Option<i32>,
    model: Option<&str>,
    level: Option<f64>,
    season: Option<i32>,
    zone: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(step, i32),
            name!(ts, TimestampWithTimeZone),
            name!(value, f64),
            name!(lower, f64),
            name!(upper, f64),
            name!(model, String),
        ),
    >,
    ErrorReport,
> {
    let Some(series) = series else {
        return Ok(TableIterator::empty());
    };
    Ok(TableIterator::new(rows(
        &series, horizon, model, level, season, zone,
    )?))
}

fn rows(
    series: &Series,
    horizon: Option<i32>,
    model: Option<&str>,
    level: Option<f64>,
    season: Option<i32>,
    zone: Option<&str>,
) -> Result<Vec<Row>, Error> {
    let request = Request {
        horizon: self::horizon(horizon)?,
        model: model.unwrap_or("auto").parse()?,
        level: level.unwrap_or(0.95),
        season: season.map(i64::from),
    };
    request.check()?;
    let zone = time_zone(zone)?;
    progress::begin("kpi.forecast: series");
    let grid = Grid::align(series, &zone, MAX_HISTORY)?;
    let result = forecast(&grid.values, &request, &grid.expected_seasons(), &mut poll)?;
    let mut rows = Vec::with_capacity(result.points.len());
    for (step, point) in (1..).zip(result.points) {
        let time = grid.time_after(step, &zone)?;
        rows.push((
            step as i32,
            timestamp(time),
            point.value,
            point.lower,
            point.upper,
            result.model.clone(),
        ));
    }
    Ok(rows)
}

/// Steps ahead, which have no default.
fn horizon(horizon: Option<i32>) -> Result<i64, Error> {
    horizon.map(i64::from).ok_or_else(|| {
        Error::new(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "horizon must not be null",
        )
        .hint("say how many steps ahead, e.g. horizon => 14")
    })
}

/// Lets a cancel through, and says how far the statement is, between two parts of a computation.
pub(crate) fn poll() -> bool {
    progress::tell();
    pgrx::check_for_interrupts!();
    false
}

pub(crate) fn timestamp(time: i64) -> TimestampWithTimeZone {
    // Every time that a grid gives out is within the range of timestamptz, so the default is never taken.
    TimestampWithTimeZone::try_from(time).unwrap_or(TimestampWithTimeZone::positive_infinity())
}
