//! `kpi.forecast` with one level, regressors and holidays.

use jiff::tz::TimeZone;
use kpi_forecast::grid::{Grid, values_at};
use kpi_forecast::holidays::{self, Window};
use kpi_forecast::options::Options;
use kpi_forecast::regressors::{Regressor, Regressors};
use kpi_forecast::{Fan, MAX_HISTORY, Request, fan};
use pgrx::AnyElement;
use pgrx::datum::Date;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::options::{options as read_options, seasons};
use super::{Row, poll, progress, timestamp};
use crate::error::Error;
use crate::series::{Series, time_zone};

/// Steps after the history at most of which a kept model knows regressors, unless it is asked for more.
const KEPT: usize = 1000;

/// What is known besides the series.
pub(super) struct Known {
    regressors: Vec<Option<Series>>,
    holidays: Vec<Option<Date>>,
    window: Vec<Option<i32>>,
}

/// Days and months are those of the session's time zone.
#[allow(clippy::too_many_arguments)] // They are those of the SQL function.
#[pg_extern(sql = false)]
fn forecast_with(
    series: Option<Series>,
    horizon: Option<i32>,
    model: Option<&str>,
    level: Option<f64>,
    season: Option<&str>,
    options: Option<AnyElement>,
    regressors: Option<Vec<Option<Series>>>,
    holidays: Option<Vec<Option<Date>>>,
    holiday_window: Option<Vec<Option<i32>>>,
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
    let known = Known::new(regressors, holidays, holiday_window);
    let rows = forecast(series, horizon, model, level, season, options, &known, None);
    Ok(TableIterator::new(rows?))
}

/// `zone` is the time zone whose days and months the steps are, that of the session when NULL.
#[allow(clippy::too_many_arguments)] // They are those of the SQL function.
#[pg_extern(sql = false)]
fn forecast_with_in(
    series: Option<Series>,
    horizon: Option<i32>,
    model: Option<&str>,
    level: Option<f64>,
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
        ),
    >,
    ErrorReport,
> {
    let known = Known::new(regressors, holidays, holiday_window);
    let rows = forecast(series, horizon, model, level, season, options, &known, zone);
    Ok(TableIterator::new(rows?))
}

/// A row for each step. A NULL series has none.
#[allow(clippy::too_many_arguments)] // They are those of the SQL function.
fn forecast(
    series: Option<Series>,
    horizon: Option<i32>,
    model: Option<&str>,
    level: Option<f64>,
    season: Option<&str>,
    options: Option<AnyElement>,
    known: &Known,
    zone: Option<&str>,
) -> Result<Vec<Row>, Error> {
    let Some(series) = series else {
        return Ok(Vec::new());
    };
    let request = Request {
        horizon: super::horizon(horizon)?,
        model: model.unwrap_or("auto").parse()?,
        level: level.unwrap_or(0.95),
        season: None,
    };
    request.check()?;
    let options = Options {
        seasons: seasons(season)?,
        ..read_options(options)?
    };
    rows(&series, &request, options, known, &time_zone(zone)?)
}

fn rows(
    series: &Series,
    request: &Request,
    options: Options,
    known: &Known,
    zone: &TimeZone,
) -> Result<Vec<Row>, Error> {
    progress::begin("kpi.forecast: series");
    let grid = Grid::align(series, zone, MAX_HISTORY)?;
    // Steps are at most as many as an int holds, and are checked before.
    let horizon = usize::try_from(request.horizon).unwrap_or(0);
    let options = Options {
        regressors: known.regressors(&grid, horizon, zone)?,
        ..options
    };
    let expected = grid.expected_seasons();
    let Fan {
        values, bands, model, ..
    } = fan(&grid.values, request, &options, &expected, &mut poll)?;
    let ends = bands.into_iter().flat_map(|band| band.ends);
    let mut rows = Vec::with_capacity(values.len());
    for ((step, value), (lower, upper)) in (1..).zip(values).zip(ends) {
        let ts = timestamp(grid.time_after(step, zone)?);
        rows.push((step as i32, ts, value, lower, upper, model.clone()));
    }
    Ok(rows)
}

impl Known {
    pub(super) fn new(
        regressors: Option<Vec<Option<Series>>>,
        holidays: Option<Vec<Option<Date>>>,
        window: Option<Vec<Option<i32>>>,
    ) -> Self {
        Self {
            regressors: regressors.unwrap_or_default(),
            holidays: holidays.unwrap_or_default(),
            window: window.unwrap_or_default(),
        }
    }

    /// What is known of the steps of a grid, and of so many after them.
    pub(super) fn regressors(
        &self,
        grid: &Grid,
        horizon: usize,
        zone: &TimeZone,
    ) -> Result<Regressors, Error> {
        let columns = self.columns(grid, horizon, zone)?;
        Ok(Regressors::new(columns, &grid.values, horizon)?)
    }

    /// What is known of the steps of a grid, of so many after them at least, and as far as it goes: to keep. Without regressors of
    /// other values, days that are no holidays are like others for ever.
    pub(super) fn kept(&self, grid: &Grid, needed: usize, zone: &TimeZone) -> Result<Regressors, Error> {
        let columns = self.columns(grid, needed.max(KEPT), zone)?;
        let known = Regressors::new(columns, &grid.values, needed)?;
        Ok(match self.regressors.is_empty() {
            true => known.endless(),
            false => known,
        })
    }

    /// Regressors are called by their place in the array, from 1 as PostgreSQL counts. A NULL has a value nowhere.
    fn columns(&self, grid: &Grid, horizon: usize, zone: &TimeZone) -> Result<Vec<Regressor>, Error> {
        if self.regressors.is_empty() && self.holidays.is_empty() {
            return Ok(Vec::new());
        }
        let mut columns = Vec::with_capacity(self.regressors.len());
        let times = grid.times(horizon, zone)?;
        for (place, regressor) in (1..).zip(&self.regressors) {
            let values = match regressor {
                Some(series) => values_at(series, &times),
                None => Vec::new(),
            };
            let name = place.to_string();
            columns.push(Regressor { name, values });
        }
        let days: Vec<i64> = self
            .holidays
            .iter()
            .flatten()
            .map(|day| i64::from(day.to_pg_epoch_days()))
            .collect();
        if !days.is_empty() {
            columns.extend(holidays::columns(grid, horizon, &days, self.window()?, zone)?);
        }
        Ok(columns)
    }

    fn window(&self) -> Result<Window, Error> {
        match self.window.as_slice() {
            [] => Ok(Window::DAY),
            [Some(first), Some(last)] => Ok(Window::new(i64::from(*first), i64::from(*last))?),
            other => Err(Error::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                "holiday_window must be two numbers of days",
            )
            .detail(format!("holiday_window has {} elements", other.len()))
            .hint("holiday_window => '{-1,1}' is from the day before a holiday to the day after")),
        }
    }
}
