//! `kpi.anomalies` of version 0.1.0, for the databases that have not been updated and the views that were made there.

use super::anomalies::{Judged, judge};
use crate::series::Series;
use kpi_anomaly::{Options, Request};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// The columns of kpi.anomaly_point of version 0.1.0.
type Row = (
    TimestampWithTimeZone,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    bool,
    Option<String>,
);

/// Days and months are those of the session's time zone.
#[pg_extern(sql = false)]
fn anomaly_series(
    series: Option<Series>,
    method: Option<&str>,
    threshold: Option<f64>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(ts, TimestampWithTimeZone),
            name!(value, Option<f64>),
            name!(expected, Option<f64>),
            name!(lower, Option<f64>),
            name!(upper, Option<f64>),
            name!(score, Option<f64>),
            name!(is_anomaly, bool),
            name!(reason, Option<String>),
        ),
    >,
    ErrorReport,
> {
    Ok(TableIterator::new(rows(series, method, threshold, None)?))
}

/// `zone` is the time zone whose days and months the steps are.
#[pg_extern(sql = false)]
fn anomaly_series_in(
    series: Option<Series>,
    method: Option<&str>,
    threshold: Option<f64>,
    zone: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(ts, TimestampWithTimeZone),
            name!(value, Option<f64>),
            name!(expected, Option<f64>),
            name!(lower, Option<f64>),
            name!(upper, Option<f64>),
            name!(score, Option<f64>),
            name!(is_anomaly, bool),
            name!(reason, Option<String>),
        ),
    >,
    ErrorReport,
> {
    Ok(TableIterator::new(rows(series, method, threshold, zone)?))
}

fn rows(
    series: Option<Series>,
    method: Option<&str>,
    threshold: Option<f64>,
    zone: Option<&str>,
) -> Result<impl Iterator<Item = Row> + use<>, ErrorReport> {
    let judged = match series {
        None => None,
        Some(series) => {
            let request = Request {
                method: method
                    .unwrap_or("auto")
                    .parse()
                    .map_err(crate::error::Error::from)?,
                threshold: threshold.unwrap_or(kpi_anomaly::DEFAULT_THRESHOLD),
                options: Options::default(),
                ..Request::default()
            };
            Some(judge(series, &request, zone)?)
        }
    };
    Ok(judged.into_iter().flat_map(Judged::points).map(|row| {
        let (ts, value, expected, lower, upper, score, is_anomaly, _, reason) = row;
        (ts, value, expected, lower, upper, score, is_anomaly, reason)
    }))
}
