//! What a series promises, over points that nobody picked.

// Functions beside the tests are tests, too, but clippy's setting for tests does not see that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod building;
mod chart;
mod codec;
mod downsampling;
mod frequency;
mod regularize;
mod text;
mod timestamps;

use jiff::tz::TimeZone;
use kpi_series::{Series, timestamp};
use proptest::prelude::*;

/// A time that a series takes: mostly close together, sometimes anywhere.
fn any_time() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => 0i64..50,
        4 => (-2_000i64..20_000).prop_map(|hours| hours * timestamp::HOUR),
        1 => timestamp::MIN..timestamp::END,
    ]
}

/// A value, a gap, NaN or an infinity.
fn any_value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![6 => any::<f64>().prop_map(Some), 2 => Just(None), 1 => Just(Some(f64::NAN)), 4 => (-9i32..9).prop_map(|v| Some(v.into()))]
}

fn any_points() -> impl Strategy<Value = Vec<(i64, Option<f64>)>> {
    prop::collection::vec((any_time(), any_value()), 0..60)
}

fn any_series() -> impl Strategy<Value = Series> {
    any_points().prop_map(|points| Series::from_points(points).unwrap())
}

/// A series of some years at most, so that a fine grid over it is no long work.
fn any_recent_series() -> impl Strategy<Value = Series> {
    let hours = (0i64..20_000).prop_map(|hours| hours * timestamp::HOUR);
    let minutes = (0i64..10_000).prop_map(|minutes| minutes * timestamp::MINUTE);
    prop::collection::vec((prop_oneof![hours, minutes], any_value()), 0..40)
        .prop_map(|points| Series::from_points(points).unwrap())
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn any_zone() -> impl Strategy<Value = TimeZone> {
    prop::sample::select(vec![
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Pacific/Apia",
        "Asia/Kolkata",
    ])
    .prop_map(zone)
}

/// The series of value 1, 2, 3 ... at the times given as RFC 3339.
fn at(times: &[&str]) -> Series {
    let points = times
        .iter()
        .zip(1..)
        .map(|(time, value)| (timestamp::parse(time).unwrap(), Some(value.into())));
    Series::from_points(points.collect()).unwrap()
}
