//! `funnel_agg`: how many actors went how far through the steps of a funnel.

use kpi_stats::{Funnel, interval_text};
use pgrx::pg_sys;

use super::call::{Call, Returned, float8, int8, sql_functions};
use super::{argument, hash, row, transition, value};

/// `funnel_agg(ts, actor, step, window)` skips rows in which time, actor or step is NULL.
fn step(call: &Call) -> Returned {
    let (Some(time), Some(actor), Some(number)) = (argument::time(call, 1)?, call.argument(2), call.int4(3))
    else {
        return Ok(call.argument(0));
    };
    let window = argument::setting(
        argument::micros(call, 4)?,
        "the window of a funnel",
        "Give the time in which all steps have to be done: funnel_agg(ts, actor, step, '1 day').",
    )?;
    let actor = hash::of_argument(call, 2, actor)?;
    transition::step(
        call,
        || Ok(Funnel::new(window)?),
        |funnel| {
            if funnel.window() != window {
                return Err(argument::changed(
                    "the window of a funnel",
                    [funnel.window(), window],
                    |micros| interval_text(0, 0, micros),
                ));
            }
            Ok(funnel.add(time, actor, number.into())?)
        },
    )
}

fn int4(value: u8) -> pg_sys::Datum {
    pg_sys::Datum::from(i32::from(value))
}

/// `steps(funnel)`.
fn steps(call: &Call) -> Returned {
    let counts = value::state::<Funnel>(call, 0)?
        .map(|funnel| funnel.counts())
        .unwrap_or_default();
    let share = |of: u64, part: u64| (of > 0).then(|| float8(part as f64 / of as f64));
    let first = counts.first().copied().unwrap_or(0);
    let before = std::iter::once(first).chain(counts.iter().copied());
    let rows = (1u8..).zip(&counts).zip(before).map(|((step, &actors), before)| {
        [
            Some(int4(step)),
            Some(int8(actors)),
            share(first, actors),
            share(before, actors),
        ]
    });
    row::many(call, rows)
}

/// `conversion(funnel, step)`.
fn conversion(call: &Call) -> Returned {
    let (Some(funnel), Some(step)) = (value::state::<Funnel>(call, 0)?, call.int4(1)) else {
        return Ok(None);
    };
    Ok(u8::try_from(step)
        .ok()
        .and_then(|step| funnel.conversion(step))
        .map(float8))
}

sql_functions! {
    kpi_funnel_in, pg_finfo_kpi_funnel_in: value::input::<Funnel>;
    kpi_funnel_out, pg_finfo_kpi_funnel_out: value::output::<Funnel>;
    kpi_funnel_recv, pg_finfo_kpi_funnel_recv: value::receive::<Funnel>;
    kpi_funnel_send, pg_finfo_kpi_funnel_send: value::send::<Funnel>;
    kpi_funnel_trans, pg_finfo_kpi_funnel_trans: step;
    kpi_funnel_rollup_trans, pg_finfo_kpi_funnel_rollup_trans: transition::rollup::<Funnel>;
    kpi_funnel_combine, pg_finfo_kpi_funnel_combine: transition::combine::<Funnel>;
    kpi_funnel_serialize, pg_finfo_kpi_funnel_serialize: transition::serialize::<Funnel>;
    kpi_funnel_deserialize, pg_finfo_kpi_funnel_deserialize: transition::deserialize::<Funnel>;
    kpi_funnel_final, pg_finfo_kpi_funnel_final: transition::finish_or_null::<Funnel>;

    kpi_funnel_num_steps, pg_finfo_kpi_funnel_num_steps:
        |call| Ok(value::state::<Funnel>(call, 0)?.map(|funnel| int4(funnel.num_steps())));
    kpi_funnel_steps, pg_finfo_kpi_funnel_steps: steps;
    kpi_funnel_conversion, pg_finfo_kpi_funnel_conversion: conversion;
    kpi_funnel_sampled, pg_finfo_kpi_funnel_sampled:
        |call| value::number(call, |funnel: &Funnel| Ok(Some(funnel.sampled())));
}
