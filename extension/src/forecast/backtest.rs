//! `kpi.backtest`: how models would have done at past points of a series.

use std::time::Instant;

use kpi_forecast::evaluation::{Fold, Metric, fold_with, origins};
use kpi_forecast::grid::Grid;
use kpi_forecast::options::Options;
use kpi_forecast::{MAX_HISTORY, Model, Request};
use pgrx::AnyElement;
use pgrx::datum::{Date, Interval};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::options::seasons;
use super::regressors::Known;
use super::{poll, progress, timestamp};
use crate::error::Error;
use crate::series::{Series, time_zone};

pgrx::extension_sql_file!(
    "../../../sql/forecast/backtest.sql",
    name = "forecast_backtest",
    requires = ["forecast_options"]
);

/// The columns of a fold.
type Row = (
    String,
    i32,
    TimestampWithTimeZone,
    String,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<Interval>,
);

/// Days and months are those of the session's time zone.
#[allow(clippy::too_many_arguments)] // They are those of the SQL function.
#[pg_extern(sql = false)]
fn backtest(
    series: Option<Series>,
    horizon: Option<i32>,
    folds: Option<i32>,
    models: Option<Vec<Option<String>>>,
    metric: Option<&str>,
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
            name!(model, String),
            name!(fold, i32),
            name!(origin, TimestampWithTimeZone),
            name!(used, String),
            name!(smape, Option<f64>),
            name!(mase, Option<f64>),
            name!(rmse, Option<f64>),
            name!(mae, Option<f64>),
            name!(bias, Option<f64>),
            name!(coverage, Option<f64>),
            name!(took, Option<Interval>),
        ),
    >,
    ErrorReport,
> {
    let Some(series) = series else {
        return Ok(TableIterator::empty());
    };
    let request = Request {
        horizon: super::horizon(horizon)?,
        model: Model::Auto,
        level: level.unwrap_or(0.95),
        season: None,
    };
    request.check().map_err(Error::from)?;
    let options = Options {
        seasons: seasons(season)?,
        ..super::options::options(options)?
    };
    let folds = folds.ok_or_else(|| {
        null("folds must not be null").hint("say how many forecasts to compare, e.g. folds => 3")
    })?;
    let metric = metric.unwrap_or("mase").parse().map_err(Error::from)?;
    let names = names(models.unwrap_or_default())?;
    let known = Known::new(regressors, holidays, holiday_window);
    Ok(TableIterator::new(rows(
        &series,
        &request,
        options,
        &known,
        folds.into(),
        names,
        metric,
    )?))
}

fn null(message: &str) -> Error {
    Error::new(PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED, message)
}

/// The models' names, of which none is NULL.
fn names(models: Vec<Option<String>>) -> Result<Vec<String>, Error> {
    (1..)
        .zip(models)
        .map(|(place, name)| {
            name.ok_or_else(|| {
                null("models must not hold nulls")
                    .detail(format!("element {place} is null"))
                    .hint("give names only, e.g. models => '{auto,theta}'")
            })
        })
        .collect()
}

/// The best model by the metric comes first.
fn rows(
    series: &Series,
    request: &Request,
    options: Options,
    known: &Known,
    folds: i64,
    names: Vec<String>,
    metric: Metric,
) -> Result<Vec<Row>, Error> {
    let mut models = Vec::with_capacity(names.len());
    for name in names {
        let model: Model = name.parse()?;
        models.push((name, model));
    }
    if models.is_empty() {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "there is no model to test",
        )
        .hint("Give for example models => '{auto,theta}'."));
    }
    let zone = time_zone(None)?;
    let grid = Grid::align(series, &zone, MAX_HISTORY)?;
    // What a regressor was in the steps of a fold is known to it, as what it will be is to a forecast.
    let options = &Options {
        regressors: known.regressors(&grid, 0, &zone)?,
        ..options
    };
    let origins = origins(grid.values.len(), request.horizon, folds)?;
    let expected = grid.expected_seasons();
    let mut tested = Vec::with_capacity(models.len());
    for (name, model) in models {
        let request = Request {
            model,
            ..request.clone()
        };
        let mut found: Vec<Fold> = Vec::with_capacity(origins.len());
        let mut took = Vec::with_capacity(origins.len());
        for origin in &origins {
            progress::begin("kpi.backtest: fold");
            let begun = Instant::now();
            found.push(fold_with(
                &grid.values,
                *origin,
                &request,
                options,
                &expected,
                &mut poll,
            )?);
            let micros = i64::try_from(begun.elapsed().as_micros()).unwrap_or(i64::MAX);
            took.push(Interval::from_micros(micros));
        }
        tested.push((metric.mean(&found), name, found, took));
    }
    tested.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut rows = Vec::new();
    for (_, name, found, took) in tested {
        for (((number, fold), took), origin) in (1..).zip(found).zip(took).zip(&origins) {
            // The last value that the forecast knew.
            let origin = grid.time_at(origin.saturating_sub(1), &zone)?;
            rows.push((
                name.clone(),
                number,
                timestamp(origin),
                fold.model,
                fold.smape,
                fold.mase,
                fold.rmse,
                fold.mae,
                fold.bias,
                fold.coverage,
                Some(took),
            ));
        }
    }
    Ok(rows)
}
