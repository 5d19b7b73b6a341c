//! `time_weight`: averages and integrals of values that hold, or change along a line, until the next one.

use kpi_stats::{TimeRange, TimeUnit, TimeWeight, Weighting};

use super::call::{Call, Returned, float8, sql_functions};
use super::{argument, span, transition, value};
use crate::error::Error;

/// The method in argument 1. Each row has it, so the usual spellings are known without a search.
#[inline]
fn weighting(call: &Call) -> Result<Weighting, Error> {
    match call.bytes(1) {
        Some(b"LOCF") => Ok(Weighting::Locf),
        Some(b"Linear") => Ok(Weighting::Linear),
        _ => {
            let method = argument::setting(call.text(1), "method", "Write time_weight('LOCF', ts, value).")?;
            Ok(Weighting::parse(&method)?)
        }
    }
}

/// `time_weight(method, ts, value)` skips rows without a time or a value.
fn step(call: &Call) -> Returned {
    let (Some(time), Some(x)) = (argument::int8(call, 2), call.float8(3)) else {
        return Ok(call.argument(0));
    };
    let weighting = weighting(call)?;
    transition::step(
        call,
        || Ok(TimeWeight::new(weighting)),
        |state: &mut TimeWeight| {
            if state.is_weighted_by(weighting) {
                Ok(state.add(time, x)?)
            } else {
                let methods = [state.weighting()?, weighting];
                Err(argument::changed(
                    "the method of a time weight",
                    methods,
                    |method| format!("'{}'", method.name()),
                ))
            }
        },
    )
}

/// `integral(tws, unit)`.
fn integral(call: &Call) -> Returned {
    let Some(word) = call.text(1) else { return Ok(None) };
    let unit = TimeUnit::parse(&word)?;
    value::number(call, |state: &TimeWeight| state.integral(unit))
}

/// What is interpolated: a state, its bucket, and the states of the buckets before and after.
type Neighbours<'a> = (
    &'a TimeWeight,
    TimeRange,
    Option<&'a TimeWeight>,
    Option<&'a TimeWeight>,
);

/// An accessor whose first arguments are (tws, start, duration, prev, next).
fn interpolated(
    call: &Call,
    read: impl Fn(Neighbours<'_>) -> Result<Option<f64>, kpi_stats::Error>,
) -> Returned {
    let state = |i| -> Result<Option<TimeWeight>, Error> { value::state(call, i) };
    let (Some(of), Some(bucket)) = (state(0)?, span::range(call, 1, 2)?) else {
        return Ok(None);
    };
    let (previous, next) = (state(3)?, state(4)?);
    Ok(read((&of, bucket, previous.as_ref(), next.as_ref()))?.map(float8))
}

fn interpolated_average(call: &Call) -> Returned {
    interpolated(call, |(of, bucket, previous, next)| {
        of.interpolated_average(bucket, previous, next)
    })
}

/// `interpolated_integral(tws, start, duration, prev, next, unit)`.
fn interpolated_integral(call: &Call) -> Returned {
    let Some(word) = call.text(5) else { return Ok(None) };
    let unit = TimeUnit::parse(&word)?;
    interpolated(call, |(of, bucket, previous, next)| {
        of.interpolated_integral(bucket, previous, next, unit)
    })
}

sql_functions! {
    kpi_timeweight_in, pg_finfo_kpi_timeweight_in: value::input::<TimeWeight>;
    kpi_timeweight_out, pg_finfo_kpi_timeweight_out: value::output::<TimeWeight>;
    kpi_timeweight_recv, pg_finfo_kpi_timeweight_recv: value::receive::<TimeWeight>;
    kpi_timeweight_send, pg_finfo_kpi_timeweight_send: value::send::<TimeWeight>;
    kpi_timeweight_trans, pg_finfo_kpi_timeweight_trans: step;
    kpi_timeweight_rollup_trans, pg_finfo_kpi_timeweight_rollup_trans: transition::rollup::<TimeWeight>;
    kpi_timeweight_combine, pg_finfo_kpi_timeweight_combine: transition::combine::<TimeWeight>;
    kpi_timeweight_serialize, pg_finfo_kpi_timeweight_serialize: transition::serialize::<TimeWeight>;
    kpi_timeweight_deserialize, pg_finfo_kpi_timeweight_deserialize: transition::deserialize::<TimeWeight>;
    kpi_timeweight_final, pg_finfo_kpi_timeweight_final:
        |call| transition::finish_summarised(call, TimeWeight::finished, None);
    kpi_timeweight_rollup_final, pg_finfo_kpi_timeweight_rollup_final:
        |call| transition::finish_summarised(call, TimeWeight::rolled_up, None);

    kpi_timeweight_average, pg_finfo_kpi_timeweight_average: |call| value::number(call, TimeWeight::average);
    kpi_timeweight_integral, pg_finfo_kpi_timeweight_integral: integral;
    kpi_timeweight_interpolated_average, pg_finfo_kpi_timeweight_interpolated_average: interpolated_average;
    kpi_timeweight_interpolated_integral, pg_finfo_kpi_timeweight_interpolated_integral: interpolated_integral;
    kpi_timeweight_first_val, pg_finfo_kpi_timeweight_first_val: |call| span::value_of(call, TimeWeight::first);
    kpi_timeweight_last_val, pg_finfo_kpi_timeweight_last_val: |call| span::value_of(call, TimeWeight::last);
    kpi_timeweight_first_time, pg_finfo_kpi_timeweight_first_time: |call| span::time_of(call, TimeWeight::first);
    kpi_timeweight_last_time, pg_finfo_kpi_timeweight_last_time: |call| span::time_of(call, TimeWeight::last);
}
