//! `slo_agg`: service level objectives, error budgets and burn rates.

use kpi_stats::{Slo, interval_text};
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::call::{Call, Returned, float8, int8, sql_functions};
use super::{argument, row, transition, value};
use crate::error::Error;

/// `slo_agg(ts, good, total, objective)` skips rows in which time or a number is NULL.
fn step(call: &Call) -> Returned {
    let (Some(time), Some(good), Some(total)) = (
        argument::time(call, 1)?,
        argument::int8(call, 2),
        argument::int8(call, 3),
    ) else {
        return Ok(call.argument(0));
    };
    let objective = argument::setting(
        call.float8(4),
        "a service level objective",
        "Give the share of events that has to be good: slo_agg(ts, good, total, 0.999).",
    )?;
    transition::step(
        call,
        || Ok(Slo::new(objective)?),
        |slo| {
            if slo.objective() != objective {
                return Err(argument::changed(
                    "a service level objective",
                    [slo.objective(), objective],
                    |objective| objective.to_string(),
                ));
            }
            Ok(slo.add(time, good, total)?)
        },
    )
}

/// The state, and the time up to which it is read: what argument `i` says, else the end of its last bucket.
fn until(call: &Call, i: usize) -> Result<Option<(Slo, i64)>, Error> {
    let until = argument::time(call, i)?;
    let slo = value::state::<Slo>(call, 0)?;
    Ok(slo.and_then(|slo| until.or(slo.end()).map(|until| (slo, until))))
}

/// How long argument 1 says to look back.
fn lookback(call: &Call) -> Result<Option<i64>, Error> {
    match argument::micros(call, 1)? {
        Some(micros @ ..=0) => Err(Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "the time to look back must be longer than no time",
        )
        .detail(format!("The value given is {}.", interval_text(0, 0, micros)))
        .hint("Give an interval such as '1 hour' or '30 days'.")),
        micros => Ok(micros),
    }
}

/// An accessor for a stretch of time: state, lookback, until.
fn within(call: &Call, read: impl Fn(&Slo, i64, i64) -> Option<f64>) -> Returned {
    let (Some((slo, until)), Some(lookback)) = (until(call, 2)?, lookback(call)?) else {
        return Ok(None);
    };
    Ok(read(&slo, until, lookback).map(float8))
}

/// `alerts(slo, until)`.
fn alerts(call: &Call) -> Returned {
    let found = until(call, 1)?.map(|(slo, until)| slo.alerts(until));
    let rows = found.into_iter().flatten().map(|alert| {
        [
            row::text(alert.rule.severity.name()),
            row::interval(alert.rule.long),
            row::interval(alert.rule.short),
            Some(float8(alert.rule.burn_rate)),
            alert.long_burn_rate.map(float8),
            alert.short_burn_rate.map(float8),
            Some(pg_sys::Datum::from(alert.firing)),
        ]
    });
    row::many(call, rows)
}

/// `severity(slo, until)`.
fn severity(call: &Call) -> Returned {
    let severity = until(call, 1)?.and_then(|(slo, until)| slo.severity(until));
    Ok(severity.and_then(|severity| row::text(severity.name())))
}

/// `end_time(slo)`.
fn end_time(call: &Call) -> Returned {
    let slo = value::state::<Slo>(call, 0)?;
    Ok(slo.and_then(|slo| slo.end()).map(pg_sys::Datum::from))
}

/// `bucket_width(slo)`.
fn bucket_width(call: &Call) -> Returned {
    let slo = value::state::<Slo>(call, 0)?;
    Ok(slo.and_then(|slo| row::interval(slo.bucket_width())))
}

sql_functions! {
    kpi_slo_in, pg_finfo_kpi_slo_in: value::input::<Slo>;
    kpi_slo_out, pg_finfo_kpi_slo_out: value::output::<Slo>;
    kpi_slo_recv, pg_finfo_kpi_slo_recv: value::receive::<Slo>;
    kpi_slo_send, pg_finfo_kpi_slo_send: value::send::<Slo>;
    kpi_slo_trans, pg_finfo_kpi_slo_trans: step;
    kpi_slo_rollup_trans, pg_finfo_kpi_slo_rollup_trans: transition::rollup::<Slo>;
    kpi_slo_combine, pg_finfo_kpi_slo_combine: transition::combine::<Slo>;
    kpi_slo_serialize, pg_finfo_kpi_slo_serialize: transition::serialize::<Slo>;
    kpi_slo_deserialize, pg_finfo_kpi_slo_deserialize: transition::deserialize::<Slo>;
    kpi_slo_final, pg_finfo_kpi_slo_final: transition::finish_or_null::<Slo>;

    kpi_slo_objective, pg_finfo_kpi_slo_objective:
        |call| value::number(call, |slo: &Slo| Ok(Some(slo.objective())));
    kpi_slo_good_events, pg_finfo_kpi_slo_good_events:
        |call| Ok(value::state::<Slo>(call, 0)?.map(|slo| int8(slo.events().good)));
    kpi_slo_total_events, pg_finfo_kpi_slo_total_events:
        |call| Ok(value::state::<Slo>(call, 0)?.map(|slo| int8(slo.events().total)));
    kpi_slo_sli, pg_finfo_kpi_slo_sli: |call| value::number(call, |slo: &Slo| Ok(slo.sli()));
    kpi_slo_error_budget_left, pg_finfo_kpi_slo_error_budget_left:
        |call| value::number(call, |slo: &Slo| Ok(slo.error_budget_left()));
    kpi_slo_error_budget_left_in, pg_finfo_kpi_slo_error_budget_left_in:
        |call| within(call, Slo::error_budget_left_in);
    kpi_slo_burn_rate, pg_finfo_kpi_slo_burn_rate: |call| within(call, Slo::burn_rate);
    kpi_slo_end_time, pg_finfo_kpi_slo_end_time: end_time;
    kpi_slo_bucket_width, pg_finfo_kpi_slo_bucket_width: bucket_width;
    kpi_slo_alerts, pg_finfo_kpi_slo_alerts: alerts;
    kpi_slo_severity, pg_finfo_kpi_slo_severity: severity;
}
