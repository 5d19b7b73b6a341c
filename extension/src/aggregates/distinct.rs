//! `approx_count_distinct` and `hyperloglog`: approximate counts of distinct values of any type that can be hashed.

use kpi_stats::HyperLogLog;
use pgrx::prelude::*;

use super::call::{Call, Returned, float8, int8, sql_functions};
use super::{hash, row, transition, value};
use crate::error::Error;

/// `approx_count_distinct(x)` skips NULL.
fn step_default(call: &Call) -> Returned {
    step(call, 1, || Ok(HyperLogLog::default()))
}

/// `hyperloglog(size, x)` takes the size of its first row with a value.
fn step_sized(call: &Call) -> Returned {
    step(call, 2, || match call.int4(1) {
        Some(size) => Ok(HyperLogLog::with_registers(i64::from(size))?),
        None => Err(Error::new(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "the size of a hyperloglog is null",
        )
        .hint("Give a number of registers, for example 16384.")),
    })
}

#[inline]
fn step(call: &Call, argument: usize, first: impl FnOnce() -> Result<HyperLogLog, Error>) -> Returned {
    let Some(datum) = call.argument(argument) else {
        return Ok(call.argument(0));
    };
    let hash = hash::of_argument(call, argument, datum)?;
    transition::step(call, first, |state| {
        state.add_hash(hash);
        Ok(())
    })
}

/// `intersection(a, b)`.
fn intersection(call: &Call) -> Returned {
    let (Some(a), Some(b)) = (
        value::state::<HyperLogLog>(call, 0)?,
        value::state::<HyperLogLog>(call, 1)?,
    ) else {
        return Ok(None);
    };
    let both = a.intersection(&b);
    row::one(call, [Some(int8(both.count)), Some(float8(both.standard_error))])
}

sql_functions! {
    kpi_hyperloglog_in, pg_finfo_kpi_hyperloglog_in: value::input::<HyperLogLog>;
    kpi_hyperloglog_out, pg_finfo_kpi_hyperloglog_out: value::output::<HyperLogLog>;
    kpi_hyperloglog_recv, pg_finfo_kpi_hyperloglog_recv: value::receive::<HyperLogLog>;
    kpi_hyperloglog_send, pg_finfo_kpi_hyperloglog_send: value::send::<HyperLogLog>;
    kpi_approx_count_distinct_trans, pg_finfo_kpi_approx_count_distinct_trans: step_default;
    kpi_hyperloglog_trans, pg_finfo_kpi_hyperloglog_trans: step_sized;
    kpi_hyperloglog_rollup_trans, pg_finfo_kpi_hyperloglog_rollup_trans: transition::rollup::<HyperLogLog>;
    kpi_hyperloglog_combine, pg_finfo_kpi_hyperloglog_combine: transition::combine::<HyperLogLog>;
    kpi_hyperloglog_serialize, pg_finfo_kpi_hyperloglog_serialize: transition::serialize::<HyperLogLog>;
    kpi_hyperloglog_deserialize, pg_finfo_kpi_hyperloglog_deserialize: transition::deserialize::<HyperLogLog>;
    kpi_hyperloglog_final, pg_finfo_kpi_hyperloglog_final: |call| transition::finish(call, HyperLogLog::neutral);
    kpi_approx_count_distinct_final, pg_finfo_kpi_approx_count_distinct_final:
        |call| transition::finish(call, HyperLogLog::default);

    kpi_hyperloglog_distinct_count, pg_finfo_kpi_hyperloglog_distinct_count:
        |call| Ok(value::state::<HyperLogLog>(call, 0)?.map(|h| int8(h.distinct_count())));
    kpi_hyperloglog_stderror, pg_finfo_kpi_hyperloglog_stderror:
        |call| Ok(value::state::<HyperLogLog>(call, 0)?.map(|h| float8(h.standard_error())));
    kpi_hyperloglog_intersection, pg_finfo_kpi_hyperloglog_intersection: intersection;
}
