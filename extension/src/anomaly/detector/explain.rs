//! `kpi.explain`: what a detector has learnt.

use kpi_series::timestamp;
use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::json;

use super::datum;
use crate::aggregates::call::{Call, Returned, sql_functions};

fn explain(call: &Call) -> Returned {
    let Some(detector) = datum::detector(call, 0)? else {
        return Ok(None);
    };
    let settings = detector.settings();
    let all = json!({
        "threshold": settings.threshold,
        "direction": settings.direction.name(),
        "values": detector.seen(),
        "warming_up": detector.is_warming_up(),
        "season": detector.season(),
        "season_found": settings.season.is_none(),
        "step_seconds": detector.step().map(|micros| micros as f64 / 1e6),
        "last": detector.last().map(timestamp::format),
        "level": detector.level(),
        "deviation": detector.deviation(),
        "bytes": detector.encode().len(),
    });
    Ok(JsonB(all).into_datum())
}

sql_functions! {
    kpi_detector_explain, pg_finfo_kpi_detector_explain: explain;
}
