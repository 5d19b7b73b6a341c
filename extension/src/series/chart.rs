//! `kpi.chart`: a series and its forecast as SVG.

use super::datum::Series;
use super::session_time_zone;
use crate::error::Error;
use kpi_series::{Chart, ForecastPoint, timestamp};
use pgrx::AllocatedByRust;
use pgrx::datum::UnboxDatum;
use pgrx::heap_tuple::PgHeapTuple;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

type ForecastRow<'a> = PgHeapTuple<'a, AllocatedByRust>;

#[pg_extern(sql = false)]
fn series_chart(
    series: Option<Series>,
    width: Option<i32>,
    height: Option<i32>,
    title: Option<&str>,
    forecast: Option<Array<'_, pgrx::composite_type!('_, "kpi.forecast_point")>>,
) -> Result<Option<String>, ErrorReport> {
    let (Some(series), Some(width), Some(height)) = (series, width, height) else {
        return Ok(None);
    };
    Ok(Some(chart(&series, width, height, title, forecast)?))
}

fn chart(
    series: &Series,
    width: i32,
    height: i32,
    title: Option<&str>,
    forecast: Option<Array<'_, ForecastRow<'_>>>,
) -> Result<String, Error> {
    let zone = session_time_zone()?;
    let mut points = Vec::new();
    let mut model: Option<String> = None;
    for row in forecast.iter().flat_map(|rows| rows.iter()).flatten() {
        let Some(time) = column::<TimestampWithTimeZone>(&row, "ts")? else {
            continue;
        };
        let time = i64::from(time);
        timestamp::check(time)?;
        let [value, lower, upper] = ["value", "lower", "upper"].map(|name| column(&row, name));
        points.push(ForecastPoint {
            time,
            value: value?,
            lower: lower?,
            upper: upper?,
        });
        if model.is_none() {
            model = column(&row, "model")?;
        }
    }
    let chart = Chart {
        series,
        zone: &zone,
        width: width.into(),
        height: height.into(),
        title,
        forecast: &points,
        model: model.as_deref(),
    };
    Ok(chart.svg()?)
}

fn column<'row, T>(row: &'row ForecastRow<'_>, name: &str) -> Result<Option<T>, Error>
where
    T: FromDatum + IntoDatum + UnboxDatum<As<'row> = T> + 'row,
{
    row.get_by_name(name).map_err(|error| {
        Error::new(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            "forecast is not an array of kpi.forecast_point",
        )
        .detail(error.to_string())
        .hint("write forecast => ARRAY(SELECT f FROM kpi.forecast(s, 14) AS f)")
    })
}
