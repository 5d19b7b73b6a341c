//! Anomalies and change points: a series becomes a regular grid, and each of its points gets a verdict and a reason.
// pgrx wants an ErrorReport by value, and reads the columns from the signature itself.
#![allow(clippy::result_large_err, clippy::type_complexity)]

mod alerts;
mod anomalies;
mod changepoints;
mod detector;
mod explain_change;
mod first;
mod forest;
mod options;
mod several;
mod watch;

use crate::error::Error;
use crate::series::Series;
use jiff::tz::TimeZone;
use kpi_forecast::Error as GridError;
use kpi_forecast::grid::Grid;
use kpi_series::MAX_POINTS;

pub use alerts::evaluate as evaluate_alerts;
pub use watch::{clean, closed};

pgrx::extension_sql_file!(
    "../../../sql/anomaly.sql",
    name = "anomaly",
    requires = ["series"]
);

/// Drops the watches and the alert rules of a KPI, with it; called as the owner of the extension.
pub fn drop_of_kpi(code: &str) -> Result<(), Error> {
    watch::drop_of_kpi(code)?;
    alerts::drop_of_kpi(code)
}

/// The grid of a series; without a regular step the order of the points still says what is usual.
fn align(series: &Series, zone: &TimeZone) -> Result<Grid, Error> {
    match Grid::align(series, zone, MAX_POINTS) {
        Ok(grid) => Ok(grid),
        Err(GridError::NoStep { .. } | GridError::TooShort { .. } | GridError::Empty { .. }) => {
            Ok(Grid::sequence(series))
        }
        Err(error) => Err(error.into()),
    }
}
