//! The aggregate `histogram(value, min, max, nbuckets)`.

use kpi_stats::Histogram;
use pgrx::prelude::*;

use crate::aggregates::call::{Call, Returned, sql_functions};
use crate::aggregates::transition;
use crate::error::{Error, required};

/// Takes a row; one without a value is skipped.
fn step(call: &Call) -> Returned {
    let Some(value) = call.float8(1) else {
        return Ok(call.argument(0));
    };
    let least = required(call.float8(2), "min")?;
    let most = required(call.float8(3), "max")?;
    let buckets = required(call.int4(4), "nbuckets")?;
    transition::step(
        call,
        || Ok(Histogram::new(least, most, buckets)?),
        |histogram: &mut Histogram| {
            if !histogram.is_of(least, most, buckets) {
                return Err(changed());
            }
            Ok(histogram.add(value)?)
        },
    )
}

fn changed() -> Error {
    Error::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        "bounds and number of buckets of a histogram cannot change from row to row",
    )
    .hint("Give min, max and nbuckets as constants, or GROUP BY what they depend on.")
}

fn combine(call: &Call) -> Returned {
    if let (Some(first), Some(second)) = (call.argument(0), call.argument(1))
        && !transition::state_mut::<Histogram>(first).fits(transition::state_mut::<Histogram>(second))
    {
        return Err(changed());
    }
    transition::combine::<Histogram>(call)
}

/// The counts as `int[]`; NULL where there was no value.
fn finish(call: &Call) -> Returned {
    let Some(state) = call.argument(0) else {
        return Ok(None);
    };
    let counts = transition::state_mut::<Histogram>(state).counts();
    let counts: Result<Vec<i32>, _> = counts.iter().map(|&count| i32::try_from(count)).collect();
    let counts = counts.map_err(|_| {
        Error::new(
            PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
            "a count of the histogram is out of range for integer",
        )
        .hint("Count smaller groups, for example of one day each.")
    })?;
    Ok(counts.into_datum())
}

sql_functions! {
    kpi_histogram_trans, pg_finfo_kpi_histogram_trans: step;
    kpi_histogram_combine, pg_finfo_kpi_histogram_combine: combine;
    kpi_histogram_serialize, pg_finfo_kpi_histogram_serialize: transition::serialize::<Histogram>;
    kpi_histogram_deserialize, pg_finfo_kpi_histogram_deserialize: transition::deserialize::<Histogram>;
    kpi_histogram_final, pg_finfo_kpi_histogram_final: finish;
}
