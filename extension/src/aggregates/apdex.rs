//! `apdex_agg`: the application performance index.

use kpi_stats::Apdex;

use super::call::{Call, Returned, float8, sql_functions};
use super::{argument, row, transition, value};
use crate::error::Error;

/// `apdex_agg(duration, t)` skips rows whose duration is NULL; they make a state nevertheless, since a moving window must
/// have one.
fn step(call: &Call) -> Returned {
    let t = threshold(call)?;
    let duration = call.float8(1);
    transition::step(
        call,
        || Ok(Apdex::new(t)?),
        |apdex| {
            if apdex.threshold() != t {
                return Err(argument::changed(
                    "the threshold of an Apdex",
                    [apdex.threshold(), t],
                    |t| t.to_string(),
                ));
            }
            if let Some(duration) = duration {
                apdex.add(duration);
            }
            Ok(())
        },
    )
}

/// Takes a row back that [`step`] added.
fn inverse(call: &Call) -> Returned {
    if let (Some(state), Some(duration)) = (call.argument(0), call.float8(1)) {
        transition::state_mut::<Apdex>(state).remove(duration);
    }
    Ok(call.argument(0))
}

#[inline]
fn threshold(call: &Call) -> Result<f64, Error> {
    argument::setting(
        call.float8(2),
        "the threshold of an Apdex",
        "Give the duration up to which users are satisfied, in the unit of the durations: apdex_agg(seconds, 0.5).",
    )
}

fn rating(call: &Call) -> Returned {
    Ok(value::state::<Apdex>(call, 0)?
        .and_then(|apdex| apdex.rating())
        .and_then(row::text))
}

sql_functions! {
    kpi_apdex_in, pg_finfo_kpi_apdex_in: value::input::<Apdex>;
    kpi_apdex_out, pg_finfo_kpi_apdex_out: value::output::<Apdex>;
    kpi_apdex_recv, pg_finfo_kpi_apdex_recv: value::receive::<Apdex>;
    kpi_apdex_send, pg_finfo_kpi_apdex_send: value::send::<Apdex>;
    kpi_apdex_trans, pg_finfo_kpi_apdex_trans: step;
    kpi_apdex_inverse, pg_finfo_kpi_apdex_inverse: inverse;
    kpi_apdex_rollup_trans, pg_finfo_kpi_apdex_rollup_trans: transition::rollup::<Apdex>;
    kpi_apdex_combine, pg_finfo_kpi_apdex_combine: transition::combine::<Apdex>;
    kpi_apdex_serialize, pg_finfo_kpi_apdex_serialize: transition::serialize::<Apdex>;
    kpi_apdex_deserialize, pg_finfo_kpi_apdex_deserialize: transition::deserialize::<Apdex>;
    kpi_apdex_final, pg_finfo_kpi_apdex_final: transition::finish_or_null::<Apdex>;

    kpi_apdex_num_vals, pg_finfo_kpi_apdex_num_vals: |call| value::count(call, Apdex::num_vals);
    kpi_apdex_satisfied, pg_finfo_kpi_apdex_satisfied: |call| value::count(call, Apdex::satisfied);
    kpi_apdex_tolerating, pg_finfo_kpi_apdex_tolerating: |call| value::count(call, Apdex::tolerating);
    kpi_apdex_frustrated, pg_finfo_kpi_apdex_frustrated: |call| value::count(call, Apdex::frustrated);
    kpi_apdex_threshold, pg_finfo_kpi_apdex_threshold:
        |call| Ok(value::state::<Apdex>(call, 0)?.map(|apdex| float8(apdex.threshold())));
    kpi_apdex_score, pg_finfo_kpi_apdex_score: |call| value::number(call, |apdex: &Apdex| Ok(apdex.score()));
    kpi_apdex_rating, pg_finfo_kpi_apdex_rating: rating;
}
