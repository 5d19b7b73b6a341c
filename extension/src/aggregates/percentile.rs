//! `percentile_agg` and `uddsketch`: percentiles with a bounded relative error.

use kpi_stats::{GatheringSketch, State, UddSketch};
use pgrx::prelude::*;

use super::call::{Call, Returned, float8, int8, sql_functions};
use super::{argument, transition, value};

/// `percentile_agg(x)` skips NULL.
fn step(call: &Call) -> Returned {
    let Some(x) = call.float8(1) else {
        return Ok(call.argument(0));
    };
    transition::step(
        call,
        || Ok(GatheringSketch::from(UddSketch::default())),
        |sketch| {
            sketch.add(x);
            Ok(())
        },
    )
}

/// `uddsketch(size, max_error, x)` skips NULL, and needs both settings in every row with a value.
fn step_sized(call: &Call) -> Returned {
    let Some(x) = call.float8(3) else {
        return Ok(call.argument(0));
    };
    let size = argument::setting(
        call.int4(1).map(i64::from),
        "the size of a sketch",
        "Give the most buckets that it may have: uddsketch(200, 0.01, x).",
    )?;
    let error = argument::setting(
        call.float8(2),
        "the relative error of a sketch",
        "Write one percent as 0.01: uddsketch(200, 0.01, x).",
    )?;
    transition::step(
        call,
        || Ok(GatheringSketch::from(UddSketch::with_size(size, error)?)),
        |sketch| {
            if !sketch.is_made_with(size, error) {
                let now = UddSketch::with_size(size, error)?;
                return Err(argument::changed(
                    "the size or the error of a sketch",
                    [
                        (sketch.size(), sketch.initial_error()),
                        (now.size(), now.initial_error()),
                    ],
                    |(size, error)| format!("{size} buckets of an error of {error:.3}"),
                ));
            }
            sketch.add(x);
            Ok(())
        },
    )
}

/// `approx_percentile(p, sketch)`.
fn approx_percentile(call: &Call) -> Returned {
    let (Some(p), Some(sketch)) = (call.float8(0), value::state::<UddSketch>(call, 1)?) else {
        return Ok(None);
    };
    Ok(sketch.approx_percentile(p)?.map(float8))
}

/// `approx_percentile_array(percentiles, state)`, of any state with percentiles.
pub(super) fn approx_percentile_array<S: State>(
    call: &Call,
    read: impl Fn(&S, f64) -> Result<Option<f64>, kpi_stats::Error>,
) -> Returned {
    let (Some(fractions), Some(state)) = (
        argument::array::<f64>(call, 0, "a percentile")?,
        value::state::<S>(call, 1)?,
    ) else {
        return Ok(None);
    };
    let found = fractions.into_iter().map(|p| read(&state, p));
    Ok(found.collect::<Result<Vec<Option<f64>>, _>>()?.into_datum())
}

/// `approx_percentile_rank(value, sketch)`.
fn approx_percentile_rank(call: &Call) -> Returned {
    let (Some(x), Some(sketch)) = (call.float8(0), value::state::<UddSketch>(call, 1)?) else {
        return Ok(None);
    };
    Ok(sketch.approx_percentile_rank(x).map(float8))
}

sql_functions! {
    kpi_uddsketch_in, pg_finfo_kpi_uddsketch_in: value::input::<UddSketch>;
    kpi_uddsketch_out, pg_finfo_kpi_uddsketch_out: value::output::<UddSketch>;
    kpi_uddsketch_recv, pg_finfo_kpi_uddsketch_recv: value::receive::<UddSketch>;
    kpi_uddsketch_send, pg_finfo_kpi_uddsketch_send: value::send::<UddSketch>;
    kpi_uddsketch_trans, pg_finfo_kpi_uddsketch_trans: step;
    kpi_uddsketch_sized_trans, pg_finfo_kpi_uddsketch_sized_trans: step_sized;
    kpi_uddsketch_final_or_null, pg_finfo_kpi_uddsketch_final_or_null: transition::finish_or_null::<GatheringSketch>;
    kpi_uddsketch_rollup_trans, pg_finfo_kpi_uddsketch_rollup_trans: transition::rollup::<GatheringSketch>;
    kpi_uddsketch_combine, pg_finfo_kpi_uddsketch_combine: transition::combine::<GatheringSketch>;
    kpi_uddsketch_serialize, pg_finfo_kpi_uddsketch_serialize: transition::serialize::<GatheringSketch>;
    kpi_uddsketch_deserialize, pg_finfo_kpi_uddsketch_deserialize: transition::deserialize::<GatheringSketch>;
    kpi_uddsketch_final, pg_finfo_kpi_uddsketch_final:
        |call| transition::finish(call, || GatheringSketch::from(UddSketch::default()));

    kpi_uddsketch_approx_percentile, pg_finfo_kpi_uddsketch_approx_percentile: approx_percentile;
    kpi_uddsketch_approx_percentile_array, pg_finfo_kpi_uddsketch_approx_percentile_array:
        |call| approx_percentile_array(call, UddSketch::approx_percentile);
    kpi_uddsketch_approx_percentile_rank, pg_finfo_kpi_uddsketch_approx_percentile_rank: approx_percentile_rank;
    kpi_uddsketch_num_vals, pg_finfo_kpi_uddsketch_num_vals:
        |call| Ok(value::state::<UddSketch>(call, 0)?.map(|s| int8(s.num_vals())));
    kpi_uddsketch_error, pg_finfo_kpi_uddsketch_error:
        |call| value::number(call, |s: &UddSketch| Ok(Some(s.error())));
    kpi_uddsketch_mean, pg_finfo_kpi_uddsketch_mean: |call| value::number(call, UddSketch::mean);
    kpi_uddsketch_min_val, pg_finfo_kpi_uddsketch_min_val:
        |call| value::number(call, |s: &UddSketch| Ok(s.min_val()));
    kpi_uddsketch_max_val, pg_finfo_kpi_uddsketch_max_val:
        |call| value::number(call, |s: &UddSketch| Ok(s.max_val()));
}
