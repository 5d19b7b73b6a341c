//! `freq_agg`, `mcv_agg` and `topn`: the most frequent values.

use kpi_stats::{Frequent, FrequentItem};
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::call::{Call, Returned, float8, sql_functions};
use super::{argument, row, text_form, transition, value};
use crate::error::Error;

/// `freq_agg(min_freq, value)` skips NULL, and takes the frequency of its first row with a value.
fn step_share(call: &Call) -> Returned {
    step(call, 2, || {
        let share = argument::setting(
            call.float8(1),
            "a minimal frequency",
            "Write 5 percent as 0.05: freq_agg(0.05, value).",
        )?;
        Ok(Frequent::at_least(share)?)
    })
}

/// The skew of `mcv_agg` where none is given.
const DEFAULT_SKEW: f64 = 1.1;

/// `mcv_agg(n, value)`.
fn step_most(call: &Call) -> Returned {
    step(call, 2, || most_common(call, Some(DEFAULT_SKEW)))
}

/// `mcv_agg(n, skew, value)`.
fn step_skewed(call: &Call) -> Returned {
    step(call, 3, || most_common(call, call.float8(2)))
}

fn most_common(call: &Call, skew: Option<f64>) -> Result<Frequent, Error> {
    let n = argument::setting(
        call.int4(1),
        "the number of most common values",
        "Give a number: mcv_agg(10, value).",
    )?;
    let skew = argument::setting(
        skew,
        "the skew of the distribution",
        "Leave it out for the default of 1.1: mcv_agg(10, value).",
    )?;
    Ok(Frequent::most_common(n, skew)?)
}

#[inline]
fn step(call: &Call, i: usize, first: impl FnOnce() -> Result<Frequent, Error>) -> Returned {
    let Some(datum) = call.argument(i) else {
        return Ok(call.argument(0));
    };
    let text = text_form::of_argument(call, i, datum)?;
    transition::step(call, first, |frequent| Ok(frequent.add(&text)?))
}

/// `into_values(frequent)` and `into_values(frequent, sample)`: `read` makes a value of its text form.
fn into_values(call: &Call, read: impl Fn(&[u8]) -> Option<pg_sys::Datum>) -> Returned {
    let frequent = value::state::<Frequent>(call, 0)?;
    let items = frequent.as_ref().map(Frequent::values).unwrap_or_default();
    let columns = |item: FrequentItem<'_>| {
        [
            read(item.value),
            Some(float8(item.min_frequency)),
            Some(float8(item.max_frequency)),
        ]
    };
    row::many(call, items.into_iter().map(columns))
}

/// `topn(frequent, n)` and `topn(frequent, n, sample)`.
fn topn(call: &Call, read: impl Fn(&[u8]) -> Option<pg_sys::Datum>) -> Returned {
    let n = usize::try_from(call.int4(1).unwrap_or(0)).map_err(|_| {
        Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "the number of values must not be below zero",
        )
        .detail(format!("The value given is {}.", call.int4(1).unwrap_or(0)))
        .hint("Give a number: topn(state, 10).")
    })?;
    let frequent = value::state::<Frequent>(call, 0)?;
    let items = frequent
        .as_ref()
        .map(|frequent| frequent.top(n))
        .unwrap_or_default();
    row::many(call, items.into_iter().map(|item| [read(item.value)]))
}

fn into_values_typed(call: &Call) -> Returned {
    let reader = text_form::Reader::of_argument(call, 1)?;
    into_values(call, |text| reader.read(text))
}

fn topn_typed(call: &Call) -> Returned {
    let reader = text_form::Reader::of_argument(call, 2)?;
    topn(call, |text| reader.read(text))
}

/// `min_frequency(frequent, value)` and `max_frequency(frequent, value)`.
fn frequency(call: &Call, read: impl Fn(&Frequent, &[u8]) -> Option<f64>) -> Returned {
    let (Some(frequent), Some(datum)) = (value::state::<Frequent>(call, 0)?, call.argument(1)) else {
        return Ok(None);
    };
    let text = text_form::of_argument(call, 1, datum)?;
    Ok(read(&frequent, &text).map(float8))
}

sql_functions! {
    kpi_frequent_in, pg_finfo_kpi_frequent_in: value::input::<Frequent>;
    kpi_frequent_out, pg_finfo_kpi_frequent_out: value::output::<Frequent>;
    kpi_frequent_recv, pg_finfo_kpi_frequent_recv: value::receive::<Frequent>;
    kpi_frequent_send, pg_finfo_kpi_frequent_send: value::send::<Frequent>;
    kpi_frequent_trans, pg_finfo_kpi_frequent_trans: step_share;
    kpi_frequent_rollup_trans, pg_finfo_kpi_frequent_rollup_trans: transition::rollup::<Frequent>;
    kpi_frequent_combine, pg_finfo_kpi_frequent_combine: transition::combine::<Frequent>;
    kpi_frequent_serialize, pg_finfo_kpi_frequent_serialize: transition::serialize::<Frequent>;
    kpi_frequent_deserialize, pg_finfo_kpi_frequent_deserialize: transition::deserialize::<Frequent>;
    kpi_frequent_final, pg_finfo_kpi_frequent_final: transition::finish_or_null::<Frequent>;
    kpi_frequent_most_trans, pg_finfo_kpi_frequent_most_trans: step_most;
    kpi_frequent_skewed_trans, pg_finfo_kpi_frequent_skewed_trans: step_skewed;

    kpi_frequent_num_vals, pg_finfo_kpi_frequent_num_vals: |call| value::count(call, Frequent::num_vals);
    kpi_frequent_max_error, pg_finfo_kpi_frequent_max_error:
        |call| value::number(call, |frequent: &Frequent| Ok(frequent.max_error()));
    kpi_frequent_into_values, pg_finfo_kpi_frequent_into_values: |call| into_values(call, text_form::column);
    kpi_frequent_into_values_typed, pg_finfo_kpi_frequent_into_values_typed: into_values_typed;
    kpi_frequent_topn, pg_finfo_kpi_frequent_topn: |call| topn(call, text_form::column);
    kpi_frequent_topn_typed, pg_finfo_kpi_frequent_topn_typed: topn_typed;
    kpi_frequent_min_frequency, pg_finfo_kpi_frequent_min_frequency:
        |call| frequency(call, Frequent::min_frequency);
    kpi_frequent_max_frequency, pg_finfo_kpi_frequent_max_frequency:
        |call| frequency(call, Frequent::max_frequency);
}
