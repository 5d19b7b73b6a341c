//! SQL type `kpi.model`: a model is fitted once, kept in a table, takes new values, and forecasts.
// pgrx wants an ErrorReport by value, and reads the columns from the signature itself.
#![allow(clippy::result_large_err, clippy::type_complexity)]

mod datum;
mod explain;
mod refit;
mod simulate;

use std::ffi::CStr;

use datum::FittedModel;
use jiff::tz::TimeZone;
use kpi_forecast::grid::Grid;
use kpi_forecast::options::{Interval, Options};
use kpi_forecast::state::{Clock, FitRequest};
use kpi_forecast::{MAX_HISTORY, MAX_HORIZON, Model};
use pgrx::AnyElement;
use pgrx::datum::Date;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
pub use refit::{Refit, drop_of_kpi, fit as refit_kpi};

use super::regressors::Known;
use super::{poll, progress, timestamp};
use crate::error::Error;
use crate::series::{Series, session_time_zone, time_zone};

pgrx::extension_sql_file!(
    "../../../../sql/forecast/model.sql",
    name = "forecast_model",
    creates = [Type(FittedModel)],
    requires = ["forecast_options"]
);

/// Days and months are those of the session's time zone, and stay so.
#[allow(clippy::too_many_arguments)] // They are those of the SQL function.
#[pg_extern(sql = false)]
fn model_fit(
    series: Option<Series>,
    model: Option<&str>,
    season: Option<&str>,
    horizon: Option<i32>,
    options: Option<AnyElement>,
    regressors: Option<Vec<Option<Series>>>,
    holidays: Option<Vec<Option<Date>>>,
    holiday_window: Option<Vec<Option<i32>>>,
) -> Result<Option<FittedModel>, ErrorReport> {
    let Some(series) = series else { return Ok(None) };
    let known = Known::new(regressors, holidays, holiday_window);
    let options = read_options(options, season)?;
    Ok(Some(fit(&series, model, horizon, options, &known)?))
}

fn read_options(options: Option<AnyElement>, season: Option<&str>) -> Result<Options, Error> {
    let options = Options {
        seasons: super::options::seasons(season)?,
        ..super::options::options(options)?
    };
    if options.interval == Interval::Conformal {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            "kpi.fit takes no option \"interval\": \"conformal\"",
        )
        .detail("Such a band is made of the errors of many fits to the history, which a kept model has not.")
        .hint("Use kpi.forecast with it, or leave it out here."));
    }
    Ok(options)
}

fn fit(
    series: &Series,
    model: Option<&str>,
    horizon: Option<i32>,
    options: Options,
    known: &Known,
) -> Result<FittedModel, Error> {
    let model: Model = model.unwrap_or("auto").parse()?;
    let horizon = horizon.map(i64::from);
    if horizon.is_some_and(|horizon| !(1..=MAX_HORIZON).contains(&horizon)) {
        return Err(kpi_forecast::Error::Horizon {
            horizon: horizon.unwrap_or(0),
        }
        .into());
    }
    let zone = session_time_zone()?;
    progress::begin("kpi.fit: series");
    let grid = Grid::align(series, &zone, MAX_HISTORY)?;
    let clock = Clock::of(&grid, &session_zone_name(&zone))?;
    let needed = usize::try_from(horizon.unwrap_or(0)).unwrap_or(0);
    let request = FitRequest {
        model,
        horizon,
        options: Options {
            regressors: known.kept(&grid, needed, &zone)?,
            ..options
        },
    };
    let fitted = kpi_forecast::state::FittedModel::fit(
        &grid.values,
        clock,
        &request,
        &grid.expected_seasons(),
        &mut poll,
    )?;
    Ok(FittedModel(fitted))
}

#[pg_extern(sql = false)]
fn model_predict(
    model: Option<FittedModel>,
    horizon: Option<i32>,
    level: Option<f64>,
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
    let Some(model) = model else {
        return Ok(TableIterator::empty());
    };
    Ok(TableIterator::new(predict(&model, horizon, level)?))
}

fn predict(model: &FittedModel, horizon: Option<i32>, level: Option<f64>) -> Result<Vec<super::Row>, Error> {
    let points = model.predict(super::horizon(horizon)?, level.unwrap_or(0.95))?;
    let zone = time_zone(Some(model.clock().zone()))?;
    let mut rows = Vec::with_capacity(points.len());
    for (step, point) in (1..).zip(points) {
        let time = model.clock().time_after(step, &zone)?;
        rows.push((
            step as i32,
            timestamp(time),
            point.value,
            point.lower,
            point.upper,
            model.name().to_owned(),
        ));
    }
    Ok(rows)
}

#[pg_extern(sql = false)]
fn model_observe(
    model: Option<FittedModel>,
    ts: Option<TimestampWithTimeZone>,
    value: Option<f64>,
) -> Result<Option<FittedModel>, ErrorReport> {
    let Some(mut model) = model else { return Ok(None) };
    let zone = zone_of(&model)?;
    let time = ts.ok_or_else(no_time)?;
    model
        .observe(time.into(), value, &zone, &mut poll)
        .map_err(Error::from)?;
    Ok(Some(model))
}

fn zone_of(model: &FittedModel) -> Result<TimeZone, Error> {
    time_zone(Some(model.clock().zone()))
}

fn no_time() -> Error {
    Error::new(
        PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
        "ts must not be null",
    )
    .hint("give the time of the value; a value that is missing is a NULL value, not a NULL time")
}

/// The name under which the server knows the session's time zone, or the rule of a fixed offset whose name is none.
fn session_zone_name(zone: &TimeZone) -> String {
    // SAFETY: the server sets session_timezone before it runs any function and never to null; its name is a C string
    // that lives as long as the zone.
    let name = unsafe { CStr::from_ptr(pg_sys::pg_get_timezone_name(pg_sys::session_timezone)) };
    let name = name.to_string_lossy().into_owned();
    match zone.to_fixed_offset() {
        Ok(offset) if time_zone(Some(&name)).is_err() => posix(offset.seconds()),
        _ => name,
    }
}

/// A fixed offset from UTC in POSIX's form, in which east is negative.
fn posix(seconds: i32) -> String {
    let (sign, opposite) = if seconds < 0 { ('-', '+') } else { ('+', '-') };
    let all = seconds.abs();
    let (hours, minutes, seconds) = (all / 3600, all / 60 % 60, all % 60);
    format!("<{sign}{hours:02}>{opposite}{hours:02}:{minutes:02}:{seconds:02}")
}
