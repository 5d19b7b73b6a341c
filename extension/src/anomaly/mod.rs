//! `kpi.anomalies`: a series becomes a regular grid, and each of its points gets a verdict and a reason.
// pgrx wants an ErrorReport by value, and reads the columns from the signature itself.
#![allow(clippy::result_large_err, clippy::type_complexity)]

mod explain_change;
mod forest;
mod several;

use crate::error::Error;
use crate::forecast::{poll, timestamp};
use crate::series::{Series, time_zone};
use kpi_anomaly::reason::reason;
use kpi_anomaly::{DEFAULT_THRESHOLD, Detection, Request, detect};
use kpi_forecast::Error as GridError;
use kpi_forecast::grid::Grid;
use kpi_series::MAX_POINTS;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

pgrx::extension_sql_file!(
    "../../../sql/anomaly.sql",
    name = "anomaly",
    requires = ["series"]
);

/// The columns of kpi.anomaly_point.
type Row = (
    TimestampWithTimeZone,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    bool,
    Option<String>,
);

/// Days and months are those of the session's time zone.
#[pg_extern(sql = false)]
fn anomaly_series(
    series: Option<Series>,
    method: Option<&str>,
    threshold: Option<f64>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(ts, TimestampWithTimeZone),
            name!(value, Option<f64>),
            name!(expected, Option<f64>),
            name!(lower, Option<f64>),
            name!(upper, Option<f64>),
            name!(score, Option<f64>),
            name!(is_anomaly, bool),
            name!(reason, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let Some(series) = series else {
        return Ok(TableIterator::empty());
    };
    let (grid, detection) = judge(&series, method, threshold, None)?;
    // Rows are made as they are read: a series may have millions of points.
    Ok(TableIterator::new(
        (0..series.len()).map(move |point| row(&series, &grid, &detection, point)),
    ))
}

/// `zone` is the time zone whose days and months the steps are.
#[pg_extern(sql = false)]
fn anomaly_series_in(
    series: Option<Series>,
    method: Option<&str>,
    threshold: Option<f64>,
    zone: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(ts, TimestampWithTimeZone),
            name!(value, Option<f64>),
            name!(expected, Option<f64>),
            name!(lower, Option<f64>),
            name!(upper, Option<f64>),
            name!(score, Option<f64>),
            name!(is_anomaly, bool),
            name!(reason, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let Some(series) = series else {
        return Ok(TableIterator::empty());
    };
    let (grid, detection) = judge(&series, method, threshold, zone)?;
    // Rows are made as they are read: a series may have millions of points.
    Ok(TableIterator::new(
        (0..series.len()).map(move |point| row(&series, &grid, &detection, point)),
    ))
}

fn judge(
    series: &Series,
    method: Option<&str>,
    threshold: Option<f64>,
    zone: Option<&str>,
) -> Result<(Grid, Detection), Error> {
    let request = Request {
        method: method.unwrap_or("auto").parse()?,
        threshold: threshold.unwrap_or(DEFAULT_THRESHOLD),
    };
    let grid = match Grid::align(series, &time_zone(zone)?, MAX_POINTS) {
        Ok(grid) => grid,
        // Without a regular step the order of the points still says what is usual.
        Err(GridError::NoStep { .. } | GridError::TooShort { .. } | GridError::Empty { .. }) => {
            Grid::sequence(series)
        }
        Err(error) => return Err(error.into()),
    };
    let detection = detect(&grid.values, &request, &grid.expected_seasons(), &mut poll)?;
    Ok((grid, detection))
}

fn row(series: &Series, grid: &Grid, detection: &Detection, point: usize) -> Row {
    let time = timestamp(series.times().get(point).copied().unwrap_or_default());
    let value = series.value(point);
    let on_grid = point
        .checked_sub(series.len() - grid.points())
        .and_then(|index| grid.place(index))
        .and_then(|place| Some((grid.values.get(place)?, detection.verdicts.get(place)?)));
    let Some((judged, verdict)) = on_grid else {
        return (time, value, None, None, None, None, false, None);
    };
    let (expected, lower, upper) = (Some(verdict.expected), Some(verdict.lower), Some(verdict.upper));
    // Of two points at one place of the grid only the one that the grid holds was judged.
    match value {
        Some(seen) if seen == *judged => {
            let reason = reason(seen, verdict, detection.season);
            (
                time,
                value,
                expected,
                lower,
                upper,
                verdict.score,
                verdict.is_anomaly,
                reason,
            )
        }
        _ => (time, value, expected, lower, upper, None, false, None),
    }
}
