//! `retention_agg`: how many actors came back, period by period.

use kpi_stats::{Period, Retention, interval_text};
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::call::{Call, Returned, float8, int8, sql_functions};
use super::{argument, hash, row, transition, value};
use crate::error::Error;

/// `retention_agg(ts, actor, period)` skips rows in which time or actor is NULL.
fn step(call: &Call) -> Returned {
    let (Some(time), Some(actor)) = (argument::time(call, 1)?, call.argument(2)) else {
        return Ok(call.argument(0));
    };
    let period = argument::setting(
        period(call)?,
        "the period of a retention",
        "Give '1 day', '1 week' or '1 month': retention_agg(ts, actor, '1 week').",
    )?;
    let actor = hash::of_argument(call, 2, actor)?;
    transition::step(
        call,
        || Ok(Retention::new(period)?),
        |retention| {
            if retention.period() != period {
                return Err(argument::changed(
                    "the period of a retention",
                    [retention.period(), period],
                    Period::describe,
                ));
            }
            retention.add(time, actor);
            Ok(())
        },
    )
}

/// Argument 3: months, or a fixed length.
fn period(call: &Call) -> Result<Option<Period>, Error> {
    match argument::interval(call, 3) {
        Some((months, 0, 0)) if months != 0 => Ok(Some(Period::Months(months))),
        Some((months, days, micros)) if months != 0 => Err(Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "the period of a retention is either of months or of a fixed length",
        )
        .detail(format!(
            "The interval given is {}.",
            interval_text(months, days, micros)
        ))
        .hint("Give '1 day', '1 week' or '1 month'.")),
        _ => Ok(argument::micros(call, 3)?.map(Period::Micros)),
    }
}

/// `cohorts(retention)`.
fn cohorts(call: &Call) -> Returned {
    let cohorts = value::state::<Retention>(call, 0)?
        .map(|retention| retention.cohorts())
        .unwrap_or_default();
    let rows = cohorts.iter().flat_map(|cohort| {
        (0i32..).zip(&cohort.retained).map(move |(period, &retained)| {
            [
                Some(pg_sys::Datum::from(cohort.start)),
                Some(int8(cohort.size)),
                Some(pg_sys::Datum::from(period)),
                Some(int8(retained)),
                (cohort.size > 0).then(|| float8(retained as f64 / cohort.size as f64)),
            ]
        })
    });
    row::many(call, rows)
}

/// `retention_rate(retention, period)`.
fn retention_rate(call: &Call) -> Returned {
    let (Some(retention), Some(period)) = (value::state::<Retention>(call, 0)?, call.int4(1)) else {
        return Ok(None);
    };
    Ok(u32::try_from(period)
        .ok()
        .and_then(|period| retention.rate(period))
        .map(float8))
}

sql_functions! {
    kpi_retention_in, pg_finfo_kpi_retention_in: value::input::<Retention>;
    kpi_retention_out, pg_finfo_kpi_retention_out: value::output::<Retention>;
    kpi_retention_recv, pg_finfo_kpi_retention_recv: value::receive::<Retention>;
    kpi_retention_send, pg_finfo_kpi_retention_send: value::send::<Retention>;
    kpi_retention_trans, pg_finfo_kpi_retention_trans: step;
    kpi_retention_rollup_trans, pg_finfo_kpi_retention_rollup_trans: transition::rollup::<Retention>;
    kpi_retention_combine, pg_finfo_kpi_retention_combine: transition::combine::<Retention>;
    kpi_retention_serialize, pg_finfo_kpi_retention_serialize: transition::serialize::<Retention>;
    kpi_retention_deserialize, pg_finfo_kpi_retention_deserialize: transition::deserialize::<Retention>;
    kpi_retention_final, pg_finfo_kpi_retention_final: transition::finish_or_null::<Retention>;

    kpi_retention_num_actors, pg_finfo_kpi_retention_num_actors:
        |call| value::count(call, Retention::num_actors);
    kpi_retention_cohorts, pg_finfo_kpi_retention_cohorts: cohorts;
    kpi_retention_retention_rate, pg_finfo_kpi_retention_retention_rate: retention_rate;
    kpi_retention_sampled, pg_finfo_kpi_retention_sampled:
        |call| value::number(call, |retention: &Retention| Ok(Some(retention.sampled())));
}
