//! SQL type `kpi.detector`: a value that scores a stream point by point; and the same as window aggregates.

mod datum;
mod explain;
mod window;

pub use datum::{DetectorDatum, detector, returned};

use kpi_anomaly::{DEFAULT_THRESHOLD, Detector, Observation, Settings};
use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::aggregates::call::{Call, Returned, float8, sql_functions};
use crate::aggregates::row;
use crate::error::Error;

pgrx::extension_sql_file!(
    "../../../../sql/anomaly/detector.sql",
    name = "anomaly_detector",
    requires = ["anomaly"]
);

/// The settings in the arguments from number `first` on: threshold, direction, season; those left out are the usual ones.
fn settings(call: &Call, first: usize) -> Result<Settings, Error> {
    let season = call.int4(first + 2);
    let season = season.map(|steps| {
        usize::try_from(steps).map_err(|_| kpi_anomaly::Error::DetectorSeason {
            steps: i64::from(steps),
        })
    });
    Ok(Settings {
        threshold: call.float8(first).unwrap_or(DEFAULT_THRESHOLD),
        direction: call.text(first + 1).as_deref().unwrap_or("both").parse()?,
        season: season.transpose()?,
    })
}

/// Argument `i`, a time that is not one of the infinities.
fn time(call: &Call, i: usize) -> Result<Option<i64>, Error> {
    let Some(time) = call.argument(i).map(|datum| datum.value() as i64) else {
        return Ok(None);
    };
    if matches!(time, i64::MIN | i64::MAX) {
        return Err(kpi_stats::Error::InfiniteTime { positive: time > 0 }.into());
    }
    Ok(Some(time))
}

/// `kpi.detector(threshold, direction, season)`.
fn new(call: &Call) -> Returned {
    Ok(Some(datum::returned(&Detector::new(settings(call, 0)?)?)))
}

/// `kpi.observe(detector, ts, value)`.
fn observe(call: &Call) -> Returned {
    let Some(mut detector) = datum::detector(call, 0)? else {
        return Ok(None);
    };
    let Some(at) = time(call, 1)? else {
        return Err(Error::new(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "ts must not be null",
        )
        .hint("give the time of the value; a value that is missing is a NULL value, not a NULL time"));
    };
    let value = call.float8(2);
    let seen = detector.observe(at, value.unwrap_or(f64::NAN));
    let [ts, value, expected, lower, upper, score, is_anomaly, kind, reason] = point(at, value, &seen);
    let columns = [
        Some(datum::returned(&detector)),
        ts,
        value,
        expected,
        lower,
        upper,
        score,
        is_anomaly,
        kind,
        reason,
        Some(pg_sys::Datum::from(seen.warming_up)),
    ];
    row::one(call, columns)
}

/// The columns of kpi.anomaly_point.
fn point(at: i64, value: Option<f64>, seen: &Observation) -> row::Columns<9> {
    let reason = value.and_then(|value| seen.reason(value));
    [
        Some(pg_sys::Datum::from(at)),
        value.map(float8),
        seen.expected.map(float8),
        seen.lower.map(float8),
        seen.upper.map(float8),
        seen.score.map(float8),
        Some(pg_sys::Datum::from(seen.is_anomaly)),
        seen.kind.and_then(|kind| row::text(kind.name())),
        reason.and_then(|reason| row::text(&reason)),
    ]
}

sql_functions! {
    kpi_detector_new, pg_finfo_kpi_detector_new: new;
    kpi_detector_observe, pg_finfo_kpi_detector_observe: observe;
}
