//! `kpi.forecast` with all its arguments: several levels and seasons, and options.

use kpi_forecast::grid::Grid;
use kpi_forecast::options::Options;
use kpi_forecast::{Fan, MAX_HISTORY, Request, fan};
use pgrx::AnyElement;
use pgrx::datum::Date;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::options::{levels, options, seasons};
use super::regressors::Known;
use super::{poll, progress, timestamp};
use crate::error::Error;
use crate::series::{Series, time_zone};

pgrx::extension_sql_file!(
    "../../../sql/forecast/options.sql",
    name = "forecast_options",
    requires = ["forecast"]
);

/// The columns of kpi.forecast_point, and the level.
type Row = (i32, TimestampWithTimeZone, f64, f64, f64, String, f64);

/// `zone` is the time zone whose days and months the steps are, that of the session when NULL.
#[allow(clippy::too_many_arguments)] // They are those of the SQL function.
#[pg_extern(sql = false)]
fn forecast_levels_in(
    series: Option<Series>,
    horizon: Option<i32>,
    model: Option<&str>,
    level: Option<&str>,
    season: Option<&str>,
    options: Option<AnyElement>,
    regressors: Option<Vec<Option<Series>>>,
    holidays: Option<Vec<Option<Date>>>,
    holiday_window: Option<Vec<Option<i32>>>,
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
            name!(level, f64),
        ),
    >,
    ErrorReport,
> {
    let levels = levels(level)?;
    let known = Known::new(regressors, holidays, holiday_window);
    Ok(TableIterator::new(rows(
        series, horizon, model, levels, season, options, &known, zone,
    )?))
}

/// A row for each step and level. A NULL series has none.
#[allow(clippy::too_many_arguments)] // They are those of the SQL function.
fn rows(
    series: Option<Series>,
    horizon: Option<i32>,
    model: Option<&str>,
    levels: Vec<f64>,
    season: Option<&str>,
    json: Option<AnyElement>,
    known: &Known,
    zone: Option<&str>,
) -> Result<Vec<Row>, Error> {
    let Some(series) = series else {
        return Ok(Vec::new());
    };
    let request = Request {
        horizon: super::horizon(horizon)?,
        model: model.unwrap_or("auto").parse()?,
        level: 0.95,
        season: None,
    };
    let options = Options {
        levels,
        seasons: seasons(season)?,
        ..options(json)?
    };
    request.check()?;
    options.check()?;
    let zone = time_zone(zone)?;
    progress::begin("kpi.forecast: series");
    let grid = Grid::align(&series, &zone, MAX_HISTORY)?;
    // Steps are at most as many as an int holds, and are checked before.
    let horizon = usize::try_from(request.horizon).unwrap_or(0);
    let options = Options {
        regressors: known.regressors(&grid, horizon, &zone)?,
        ..options
    };
    let Fan {
        values, bands, model, ..
    } = fan(
        &grid.values,
        &request,
        &options,
        &grid.expected_seasons(),
        &mut poll,
    )?;
    let mut rows = Vec::with_capacity(values.len() * bands.len());
    for (i, value) in values.into_iter().enumerate() {
        let ts = timestamp(grid.time_after(i + 1, &zone)?);
        for band in &bands {
            if let Some((lower, upper)) = band.ends.get(i) {
                rows.push((i as i32 + 1, ts, value, *lower, *upper, model.clone(), band.level));
            }
        }
    }
    Ok(rows)
}
