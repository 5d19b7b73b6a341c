//! `kpi.status`.

use kpi_catalog::Direction;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::error::Error;

#[pg_extern(sql = false)]
fn status(
    value: Option<f64>,
    direction: Option<&str>,
    target: Option<f64>,
    warn: Option<f64>,
) -> Result<Option<String>, ErrorReport> {
    let direction = direction.unwrap_or("up");
    let direction = Direction::parse(direction).ok_or_else(|| {
        Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!("direction \"{direction}\" is not known"),
        )
        .hint("Use 'up', 'down' or 'range'.")
    })?;
    let held = value.and_then(|value| kpi_catalog::status(value, direction, target, warn));
    Ok(held.map(|status| status.to_string()))
}
