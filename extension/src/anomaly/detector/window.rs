//! The detector as an aggregate: `kpi.anomaly_score` and `kpi.anomaly_detail` over a window, `kpi.learn` over rows.

use kpi_anomaly::{Detector, Observation};

use super::{datum, point, settings, time};
use crate::aggregates::call::{Call, Returned, float8, sql_functions};
use crate::aggregates::{row, transition};

/// A detector and what it said of the last row.
struct Watch {
    detector: Detector,
    last: Option<(i64, Option<f64>, Observation)>,
}

/// Takes a row. One without a time has no place in the stream, and gets no score.
fn step(call: &Call) -> Returned {
    let at = time(call, 1)?;
    transition::step(
        call,
        || {
            Ok(Watch {
                detector: Detector::new(settings(call, 3)?)?,
                last: None,
            })
        },
        |watch| {
            let value = call.float8(2);
            watch.last = at.map(|at| {
                let seen = watch.detector.observe(at, value.unwrap_or(f64::NAN));
                (at, value, seen)
            });
            Ok(())
        },
    )
}

fn watch(call: &Call) -> Option<&'static mut Watch> {
    call.argument(0).map(transition::state_mut)
}

fn score(call: &Call) -> Returned {
    let last = watch(call).and_then(|watch| watch.last.as_ref());
    Ok(last.and_then(|(_, _, seen)| seen.score).map(float8))
}

fn detail(call: &Call) -> Returned {
    match watch(call).and_then(|watch| watch.last.as_ref()) {
        Some((at, value, seen)) => row::one(call, point(*at, *value, seen)),
        None => Ok(None),
    }
}

fn learned(call: &Call) -> Returned {
    Ok(watch(call).map(|watch| datum::returned(&watch.detector)))
}

sql_functions! {
    kpi_anomaly_step, pg_finfo_kpi_anomaly_step: step;
    kpi_anomaly_score, pg_finfo_kpi_anomaly_score: score;
    kpi_anomaly_detail, pg_finfo_kpi_anomaly_detail: detail;
    kpi_anomaly_learned, pg_finfo_kpi_anomaly_learned: learned;
}
