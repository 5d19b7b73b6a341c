//! `heartbeat_agg`: when a system was live, as its heartbeats tell.

use kpi_series::timestamp;
use kpi_stats::{HeartbeatAgg, TimeRange};
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::call::{Call, Returned, int8, sql_functions};
use super::{argument, row, span, transition, value};
use crate::error::Error;

const HINT: &str = "Write heartbeat_agg(ts, start, '1 week', '5 minutes').";

/// `heartbeat_agg(heartbeat, agg_start, agg_duration, heartbeat_liveness)` skips rows without a heartbeat.
fn step(call: &Call) -> Returned {
    let Some(heartbeat) = argument::int8(call, 1) else {
        return Ok(call.argument(0));
    };
    argument::setting(call.argument(2), "agg_start", HINT)?;
    let range = argument::setting(span::range(call, 2, 3)?, "agg_duration", HINT)?;
    let liveness = argument::setting(argument::micros(call, 4)?, "heartbeat_liveness", HINT)?;
    // What is negative lies beyond what any interval can be, and is refused as that is.
    let liveness = liveness as u64;
    transition::step(
        call,
        || Ok(HeartbeatAgg::new(range, liveness)?),
        |state: &mut HeartbeatAgg| {
            state.check(range, liveness)?;
            Ok(state.add(heartbeat)?)
        },
    )
}

/// An accessor that reads the state in argument 0.
fn read(call: &Call, read: impl Fn(&HeartbeatAgg) -> pg_sys::Datum) -> Returned {
    Ok(value::state::<HeartbeatAgg>(call, 0)?.map(|state| read(&state)))
}

/// An accessor that returns a table of ranges.
fn ranges(call: &Call, read: impl Fn(&HeartbeatAgg) -> Vec<TimeRange>) -> Returned {
    let ranges = value::state::<HeartbeatAgg>(call, 0)?.map_or_else(Vec::new, |state| read(&state));
    let time = |time| Some(span::timestamptz(time));
    row::many(
        call,
        ranges
            .iter()
            .map(|range| [time(range.start()), time(range.end())]),
    )
}

/// `live_at(agg, test)`.
fn live_at(call: &Call) -> Returned {
    let Some(time) = argument::int8(call, 1) else {
        return Ok(None);
    };
    read(call, |state| pg_sys::Datum::from(state.live_at(time)))
}

/// `interpolate(agg, pred)`; without a predecessor the state stays as it is.
fn interpolate(call: &Call) -> Returned {
    let Some(state) = value::state::<HeartbeatAgg>(call, 0)? else {
        return Ok(None);
    };
    match value::state::<HeartbeatAgg>(call, 1)? {
        Some(predecessor) => value::returned(&state.interpolate(&predecessor)),
        None => value::returned(&state),
    }
}

/// `interpolated_uptime(agg, pred)` and `interpolated_downtime(agg, pred)`.
fn interpolated(call: &Call, micros: impl Fn(&HeartbeatAgg, Option<&HeartbeatAgg>) -> u64) -> Returned {
    let predecessor = value::state::<HeartbeatAgg>(call, 1)?;
    read(call, |state| span::duration(micros(state, predecessor.as_ref())))
}

/// `trim_to(agg, start, duration)`: from the start of the state where there is none given, to its end where there is no
/// duration, and never beyond either, since nothing is known there.
fn trim_to(call: &Call) -> Returned {
    let Some(state) = value::state::<HeartbeatAgg>(call, 0)? else {
        return Ok(None);
    };
    value::returned(&state.trim_to(trimmed(call, state.range())?))
}

fn trimmed(call: &Call, whole: TimeRange) -> Result<TimeRange, Error> {
    let start = argument::time(call, 1)?.unwrap_or(whole.start());
    let end = match span::after(call, start, 2) {
        Some(end) => TimeRange::new(start, end)?.end(),
        None => whole.end(),
    };
    TimeRange::new(start.max(whole.start()), end.min(whole.end())).map_err(|_| {
        let [start, end, from, to] = [start, end, whole.start(), whole.end()].map(timestamp::format);
        Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "the range to trim to lies outside of that of the state",
        )
        .detail(if argument::interval(call, 2).is_some() {
            format!("The range given is from {start} to {end}, that of the state from {from} to {to}.")
        } else {
            format!("The start given is {start}, the state is of the range from {from} to {to}.")
        })
        .hint("Give a start within the range of the state, or leave it out for the start of the state.")
    })
}

sql_functions! {
    kpi_heartbeat_in, pg_finfo_kpi_heartbeat_in: value::input::<HeartbeatAgg>;
    kpi_heartbeat_out, pg_finfo_kpi_heartbeat_out: value::output::<HeartbeatAgg>;
    kpi_heartbeat_recv, pg_finfo_kpi_heartbeat_recv: value::receive::<HeartbeatAgg>;
    kpi_heartbeat_send, pg_finfo_kpi_heartbeat_send: value::send::<HeartbeatAgg>;
    kpi_heartbeat_trans, pg_finfo_kpi_heartbeat_trans: step;
    kpi_heartbeat_rollup_trans, pg_finfo_kpi_heartbeat_rollup_trans: transition::rollup::<HeartbeatAgg>;
    kpi_heartbeat_combine, pg_finfo_kpi_heartbeat_combine: transition::combine::<HeartbeatAgg>;
    kpi_heartbeat_serialize, pg_finfo_kpi_heartbeat_serialize: transition::serialize::<HeartbeatAgg>;
    kpi_heartbeat_deserialize, pg_finfo_kpi_heartbeat_deserialize: transition::deserialize::<HeartbeatAgg>;
    kpi_heartbeat_final, pg_finfo_kpi_heartbeat_final: transition::finish_or_null::<HeartbeatAgg>;

    kpi_heartbeat_uptime, pg_finfo_kpi_heartbeat_uptime: |call| read(call, |s| span::duration(s.uptime()));
    kpi_heartbeat_downtime, pg_finfo_kpi_heartbeat_downtime: |call| read(call, |s| span::duration(s.downtime()));
    kpi_heartbeat_num_live_ranges, pg_finfo_kpi_heartbeat_num_live_ranges:
        |call| read(call, |s| int8(s.num_live_ranges()));
    kpi_heartbeat_num_gaps, pg_finfo_kpi_heartbeat_num_gaps: |call| read(call, |s| int8(s.num_gaps()));
    kpi_heartbeat_live_ranges, pg_finfo_kpi_heartbeat_live_ranges: |call| ranges(call, HeartbeatAgg::live_ranges);
    kpi_heartbeat_dead_ranges, pg_finfo_kpi_heartbeat_dead_ranges: |call| ranges(call, HeartbeatAgg::dead_ranges);
    kpi_heartbeat_live_at, pg_finfo_kpi_heartbeat_live_at: live_at;
    kpi_heartbeat_interpolate, pg_finfo_kpi_heartbeat_interpolate: interpolate;
    kpi_heartbeat_interpolated_uptime, pg_finfo_kpi_heartbeat_interpolated_uptime:
        |call| interpolated(call, HeartbeatAgg::interpolated_uptime);
    kpi_heartbeat_interpolated_downtime, pg_finfo_kpi_heartbeat_interpolated_downtime:
        |call| interpolated(call, HeartbeatAgg::interpolated_downtime);
    kpi_heartbeat_trim_to, pg_finfo_kpi_heartbeat_trim_to: trim_to;
}
