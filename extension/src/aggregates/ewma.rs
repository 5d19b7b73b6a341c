//! `ewma`: an exponentially weighted mean over time.

use kpi_stats::{Ewma, interval_text};
use pgrx::pg_sys;

use super::call::{Call, Returned, sql_functions};
use super::{argument, row, transition, value};
use crate::error::Error;

/// `ewma(ts, x, half_life)` skips rows in which time or value is NULL.
fn step(call: &Call) -> Returned {
    let (Some(time), Some(x)) = (argument::time(call, 1)?, call.float8(2)) else {
        return Ok(call.argument(0));
    };
    let half_life = half_life(call)?;
    transition::step(
        call,
        || Ok(Ewma::new(half_life)?),
        |ewma| {
            if ewma.half_life() != half_life {
                return Err(argument::changed(
                    "the half-life of a weighted mean",
                    [ewma.half_life(), half_life],
                    |micros| interval_text(0, 0, micros),
                ));
            }
            ewma.add(time, x);
            Ok(())
        },
    )
}

#[inline]
fn half_life(call: &Call) -> Result<i64, Error> {
    argument::setting(
        argument::micros(call, 3)?,
        "the half-life of a weighted mean",
        "Give the time in which a value loses half of its weight: ewma(ts, x, '1 hour').",
    )
}

/// `last_time(ewma)`.
fn last_time(call: &Call) -> Returned {
    let ewma = value::state::<Ewma>(call, 0)?;
    Ok(ewma.and_then(|ewma| ewma.last_time()).map(pg_sys::Datum::from))
}

sql_functions! {
    kpi_ewma_in, pg_finfo_kpi_ewma_in: value::input::<Ewma>;
    kpi_ewma_out, pg_finfo_kpi_ewma_out: value::output::<Ewma>;
    kpi_ewma_recv, pg_finfo_kpi_ewma_recv: value::receive::<Ewma>;
    kpi_ewma_send, pg_finfo_kpi_ewma_send: value::send::<Ewma>;
    kpi_ewma_trans, pg_finfo_kpi_ewma_trans: step;
    kpi_ewma_rollup_trans, pg_finfo_kpi_ewma_rollup_trans: transition::rollup::<Ewma>;
    kpi_ewma_combine, pg_finfo_kpi_ewma_combine: transition::combine::<Ewma>;
    kpi_ewma_serialize, pg_finfo_kpi_ewma_serialize: transition::serialize::<Ewma>;
    kpi_ewma_deserialize, pg_finfo_kpi_ewma_deserialize: transition::deserialize::<Ewma>;
    kpi_ewma_final, pg_finfo_kpi_ewma_final: transition::finish_or_null::<Ewma>;

    kpi_ewma_num_vals, pg_finfo_kpi_ewma_num_vals: |call| value::count(call, Ewma::num_vals);
    kpi_ewma_average, pg_finfo_kpi_ewma_average: |call| value::number(call, Ewma::average);
    kpi_ewma_weight, pg_finfo_kpi_ewma_weight:
        |call| value::number(call, |ewma: &Ewma| ewma.weight().map(Some));
    kpi_ewma_last_time, pg_finfo_kpi_ewma_last_time: last_time;
    kpi_ewma_half_life, pg_finfo_kpi_ewma_half_life:
        |call| Ok(value::state::<Ewma>(call, 0)?.and_then(|ewma| row::interval(ewma.half_life())));
}
