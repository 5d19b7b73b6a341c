//! `kpi.reconcile`: forecasts of the nodes of a hierarchy that add up.

use kpi_forecast::Request;
use kpi_forecast::options::Options;
use kpi_forecast::reconcile::{
    Hierarchy, HierarchyError, Histories, Method, forecast_nodes, reconcile_values,
};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::options::seasons;
use super::{poll, timestamp};
use crate::error::{Error, required};
use crate::series::{Series, time_zone};

pgrx::extension_sql_file!(
    "../../../sql/forecast/reconcile.sql",
    name = "forecast_reconcile",
    requires = ["forecast_options"]
);

/// The columns of a step of a node.
type Row = (String, i32, TimestampWithTimeZone, f64, f64, f64, f64);

/// Days and months are those of the session's time zone.
#[allow(clippy::too_many_arguments)]
#[pg_extern(sql = false)]
fn reconcile_series(
    nodes: Option<Vec<Option<String>>>,
    series: Option<Vec<Option<Series>>>,
    horizon: Option<i32>,
    method: Option<&str>,
    model: Option<&str>,
    level: Option<f64>,
    season: Option<&str>,
    parents: Option<Vec<Option<String>>>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(node, String),
            name!(step, i32),
            name!(ts, TimestampWithTimeZone),
            name!(value, f64),
            name!(lower, f64),
            name!(upper, f64),
            name!(base, f64),
        ),
    >,
    ErrorReport,
> {
    let (Some(nodes), Some(series)) = (nodes, series) else {
        return Ok(TableIterator::empty());
    };
    let horizon = required(horizon, "horizon")?;
    let method = method.unwrap_or("mint_shrink").parse().map_err(Error::from)?;
    let request = Request {
        horizon: horizon.into(),
        model: model.unwrap_or("auto").parse().map_err(Error::from)?,
        level: level.unwrap_or(0.95),
        season: None,
    };
    request.check().map_err(Error::from)?;
    let options = Options {
        seasons: seasons(season)?,
        ..Options::default()
    };
    let hierarchy = hierarchy(nodes, parents)?;
    let series: Vec<Option<kpi_series::Series>> = series.into_iter().map(|series| Some(series?.0)).collect();
    Ok(TableIterator::new(rows(
        &hierarchy, &series, &request, &options, method,
    )?))
}

fn rows(
    hierarchy: &Hierarchy,
    series: &[Option<kpi_series::Series>],
    request: &Request,
    options: &Options,
    method: Method,
) -> Result<Vec<Row>, Error> {
    same_length("series", series.len(), hierarchy)?;
    let zone = time_zone(None)?;
    let names = &hierarchy.names()[..hierarchy.given()];
    let lateness = usize::try_from(request.horizon).unwrap_or(0);
    let histories = Histories::align(names, series, lateness, &zone)?;
    let grid = &histories.grid;
    let nodes = forecast_nodes(
        hierarchy,
        &histories.values,
        request,
        options,
        &grid.expected_seasons(),
        method,
        &mut poll,
    )?;
    let mut rows = Vec::new();
    for (name, steps) in hierarchy.names().iter().zip(nodes) {
        for (step, made) in (1..).zip(steps) {
            let time = grid.time_after(step, &zone)?;
            let point = made.point;
            rows.push((
                name.clone(),
                step as i32,
                timestamp(time),
                point.value,
                point.lower,
                point.upper,
                made.base,
            ));
        }
    }
    Ok(rows)
}

/// The columns of a node.
type Value = (String, f64, Option<f64>);

/// One forecast for each node that is there already.
#[pg_extern(sql = false)]
fn reconcile_forecasts(
    nodes: Option<Vec<Option<String>>>,
    forecasts: Option<Vec<Option<f64>>>,
    method: Option<&str>,
    standard_errors: Option<Vec<Option<f64>>>,
    parents: Option<Vec<Option<String>>>,
) -> Result<
    TableIterator<'static, (name!(node, String), name!(value, f64), name!(base, Option<f64>))>,
    ErrorReport,
> {
    let (Some(nodes), Some(forecasts)) = (nodes, forecasts) else {
        return Ok(TableIterator::empty());
    };
    let method = method.unwrap_or("wls_struct").parse().map_err(Error::from)?;
    let hierarchy = hierarchy(nodes, parents)?;
    Ok(TableIterator::new(values(
        &hierarchy,
        &forecasts,
        standard_errors,
        method,
    )?))
}

fn values(
    hierarchy: &Hierarchy,
    forecasts: &[Option<f64>],
    standard_errors: Option<Vec<Option<f64>>>,
    method: Method,
) -> Result<Vec<Value>, Error> {
    same_length("forecasts", forecasts.len(), hierarchy)?;
    // A missing standard error is refused with the name of its node.
    let standard_errors: Option<Vec<f64>> = standard_errors.map(|errors| {
        errors
            .into_iter()
            .map(|error| error.unwrap_or(f64::NAN))
            .collect()
    });
    if let Some(errors) = &standard_errors {
        same_length("standard_errors", errors.len(), hierarchy)?;
    }
    let made = reconcile_values(
        hierarchy,
        forecasts,
        standard_errors.as_deref(),
        method,
        &mut poll,
    )?;
    let base = forecasts.iter().copied().chain(std::iter::repeat(None));
    let names = hierarchy.names().iter().cloned();
    Ok(names
        .zip(made)
        .zip(base)
        .map(|((name, value), base)| (name, value, base))
        .collect())
}

/// Without parents the names are paths.
fn hierarchy(nodes: Vec<Option<String>>, parents: Option<Vec<Option<String>>>) -> Result<Hierarchy, Error> {
    // A name that is missing is refused with its place.
    let nodes: Vec<String> = nodes.into_iter().map(Option::unwrap_or_default).collect();
    Ok(match parents {
        Some(parents) => Hierarchy::from_parents(&nodes, &parents)?,
        None => Hierarchy::from_paths(&nodes)?,
    })
}

fn same_length(argument: &'static str, elements: usize, hierarchy: &Hierarchy) -> Result<(), Error> {
    let nodes = hierarchy.given();
    if elements == nodes {
        return Ok(());
    }
    Err(HierarchyError::Lengths {
        argument,
        elements,
        nodes,
    }
    .into())
}
