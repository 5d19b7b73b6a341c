//! Functions that make a series of a series, and `series -> step()`, the other way to write them.

use super::datum::Series;
use super::session_time_zone;
use crate::error::Error;
use kpi_series::{Arithmetic, FillMethod, Step};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

pgrx::extension_sql_file!(
    "../../../sql/series/pipeline.sql",
    name = "series_pipeline",
    requires = ["series_downsample", "aggregates"]
);
pgrx::extension_sql_file!(
    "../../../sql/series/arrow.sql",
    name = "series_arrow",
    requires = ["series_pipeline", "aggregates_arrow"]
);

#[pg_extern(sql = false)]
fn series_map(series: Series, lambda: &str) -> Result<Series, ErrorReport> {
    Ok(Series(series.map(lambda).map_err(Error::from)?))
}

#[pg_extern(sql = false)]
fn series_filter(series: Series, condition: &str) -> Result<Series, ErrorReport> {
    Ok(Series(series.filter(condition).map_err(Error::from)?))
}

#[pg_extern(sql = false)]
fn series_arithmetic(series: Series, operation: &str, number: f64) -> Result<Series, ErrorReport> {
    let operation: Arithmetic = operation.parse().map_err(Error::from)?;
    Ok(Series(series.arithmetic(operation, number)))
}

#[pg_extern(sql = false)]
fn series_delta(series: Series) -> Result<Series, ErrorReport> {
    Ok(Series(series.delta().map_err(Error::from)?))
}

#[pg_extern(sql = false)]
fn series_fill_to(series: Series, every: Interval, method: &str) -> Result<Series, ErrorReport> {
    Ok(fill_to(&series, &every, method)?)
}

fn fill_to(series: &Series, every: &Interval, method: &str) -> Result<Series, Error> {
    let step = Step::new(every.months(), every.days(), every.micros())?;
    let method: FillMethod = method.parse()?;
    Ok(Series(series.fill_to(step, method, &session_time_zone()?)?))
}
