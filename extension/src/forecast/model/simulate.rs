//! `kpi.simulate`: courses that what comes could take.
// pgrx wants an ErrorReport by value, and reads the columns from the signature itself.
#![allow(clippy::result_large_err, clippy::type_complexity)]

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use super::FittedModel;
use crate::error::Error;
use crate::forecast::{horizon as steps, poll, timestamp};
use crate::series::time_zone;

pgrx::extension_sql_file!(
    "../../../../sql/forecast/simulate.sql",
    name = "forecast_simulate",
    requires = ["forecast_model"]
);

/// Path, step, time and value.
type Row = (i32, i32, TimestampWithTimeZone, f64);

#[pg_extern(sql = false)]
fn model_simulate(
    model: Option<FittedModel>,
    horizon: Option<i32>,
    paths: Option<i32>,
    seed: Option<i64>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(path, i32),
            name!(step, i32),
            name!(ts, TimestampWithTimeZone),
            name!(value, f64),
        ),
    >,
    ErrorReport,
> {
    let Some(model) = model else {
        return Ok(TableIterator::empty());
    };
    Ok(TableIterator::new(rows(&model, horizon, paths, seed)?))
}

fn rows(
    model: &FittedModel,
    horizon: Option<i32>,
    paths: Option<i32>,
    seed: Option<i64>,
) -> Result<Vec<Row>, Error> {
    let (horizon, paths) = (steps(horizon)?, i64::from(paths.unwrap_or(100)));
    // Seeds are numbers of 64 bits; the sign is one of them.
    let seed = seed.unwrap_or(0).cast_unsigned();
    let drawn = model.simulate(horizon, paths, seed, &mut poll)?;
    let zone = time_zone(Some(model.clock().zone()))?;
    let times = (1_usize..)
        .zip(drawn.first().into_iter().flatten())
        .map(|(step, _)| Ok(timestamp(model.clock().time_after(step, &zone)?)))
        .collect::<Result<Vec<TimestampWithTimeZone>, Error>>()?;
    let rows = (1..).zip(drawn).flat_map(|(path, values)| {
        let steps = (1..).zip(&times).zip(values);
        steps
            .map(|((step, time), value)| (path, step, *time, value))
            .collect::<Vec<Row>>()
    });
    Ok(rows.collect())
}
