//! `kpi.changepoints`: where level, variance or slope of a series become others.

use crate::error::Error;
use crate::forecast::{poll, timestamp};
use crate::series::{Series, time_zone};
use kpi_anomaly::changepoint::{ChangePoint, Request, changepoints};
use kpi_anomaly::reason::of_change;
use kpi_forecast::grid::Grid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::align;

pgrx::extension_sql_file!(
    "../../../sql/anomaly/changepoints.sql",
    name = "anomaly_changepoints",
    requires = ["anomaly"]
);

/// `zone` is the time zone whose days and months the steps are, the session's when NULL.
#[pg_extern(sql = false)]
fn changepoints_series(
    series: Option<Series>,
    method: Option<&str>,
    penalty: Option<f64>,
    cost: Option<&str>,
    min_size: Option<i32>,
    zone: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(ts, TimestampWithTimeZone),
            name!(kind, String),
            name!(confidence, f64),
            name!(mean_before, f64),
            name!(mean_after, f64),
            name!(sd_before, f64),
            name!(sd_after, f64),
            name!(slope_before, f64),
            name!(slope_after, f64),
            name!(count_before, i32),
            name!(count_after, i32),
            name!(reason, String),
        ),
    >,
    ErrorReport,
> {
    let Some(series) = series else {
        return Ok(TableIterator::empty());
    };
    let request = Request {
        search: method.unwrap_or("pelt").parse().map_err(Error::from)?,
        cost: cost.unwrap_or("mean").parse().map_err(Error::from)?,
        penalty,
        min_size: min_size.map(i64::from),
    };
    let grid = align(&series, &time_zone(zone)?)?;
    let found = changepoints(&grid.values, &request, &mut poll).map_err(Error::from)?;
    let times = times(&series, &grid);
    Ok(TableIterator::new(found.into_iter().filter_map(move |change| {
        let time = times.get(change.place).copied().flatten()?;
        let ChangePoint { before, after, .. } = change;
        Some((
            timestamp(time),
            change.kind.to_string(),
            change.confidence,
            before.mean,
            after.mean,
            before.sd,
            after.sd,
            before.slope,
            after.slope,
            before.count as i32,
            after.count as i32,
            of_change(&change),
        ))
    })))
}

/// The time of the point at each place of the grid that has one.
fn times(series: &Series, grid: &Grid) -> Vec<Option<i64>> {
    let mut times = vec![None; grid.values.len()];
    let first = series.len().saturating_sub(grid.points());
    for (point, time) in series.times().iter().skip(first).enumerate() {
        if let Some(slot) = grid.place(point).and_then(|place| times.get_mut(place)) {
            *slot = Some(*time);
        }
    }
    times
}
