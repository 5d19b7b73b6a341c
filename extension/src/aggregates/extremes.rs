//! `min_n` and `max_n`: the n smallest or the n largest values.

use kpi_stats::{Element, End, Extremes, Float};
use pgrx::pg_sys;

use super::call::{Call, Returned, float8, sql_functions};
use super::{argument, row, transition, value};
use crate::error::Error;

/// Argument 1 as an element; `None` where it is NULL.
pub(super) fn float(call: &Call) -> Option<Float> {
    call.float8(1).map(Float::new)
}

/// As [`float`]; `bigint` has no values that are not integers.
pub(super) fn integer(call: &Call) -> Option<i64> {
    argument::int8(call, 1)
}

/// As [`float`]; infinite times are the first and the last, as in PostgreSQL's order.
pub(super) fn time(call: &Call) -> Option<i64> {
    argument::int8(call, 1)
}

/// As [`float`], for an argument declared `int`.
pub(super) fn int4(call: &Call) -> Option<i64> {
    call.int4(1).map(i64::from)
}

/// How many values argument `i` asks for.
#[inline]
pub(super) fn wanted(call: &Call, i: usize) -> Result<i64, Error> {
    argument::setting(
        argument::int8(call, i),
        "the number of extreme values",
        "Give a small number, such as max_n(value, 10).",
    )
}

/// Refuses a number of values that is not the one that the state was made for.
#[inline]
pub(super) fn same<E: Element>(extremes: &Extremes<E>, n: i64) -> Result<(), Error> {
    if i64::from(extremes.capacity()) == n {
        Ok(())
    } else {
        Err(argument::changed(
            "the number of extreme values",
            [i64::from(extremes.capacity()), n],
            |n| n.to_string(),
        ))
    }
}

/// `min_n(value, n)` and `max_n(value, n)` skip NULL.
fn step<E: Element>(call: &Call, end: End, read: impl Fn(&Call) -> Option<E>) -> Returned {
    let Some(element) = read(call) else {
        return Ok(call.argument(0));
    };
    let n = wanted(call, 2)?;
    transition::step(
        call,
        || Ok(Extremes::new(end, n)?),
        |extremes| {
            same(extremes, n)?;
            extremes.add(element);
            Ok(())
        },
    )
}

/// `into_array(extremes)`: an array of values of a type that is passed by value in eight bytes.
fn into_array<E: Element>(
    call: &Call,
    of_type: pg_sys::Oid,
    column: impl Fn(&E) -> pg_sys::Datum,
) -> Returned {
    let Some(extremes) = value::state::<Extremes<E>>(call, 0)? else {
        return Ok(None);
    };
    let mut elements: Vec<pg_sys::Datum> = extremes.values().iter().map(column).collect();
    // SAFETY: as many elements as are said to be there, at most 65536, of a type that has eight bytes, is passed by value
    // and is aligned as a double.
    let array = unsafe {
        pg_sys::construct_array(
            elements.as_mut_ptr(),
            elements.len() as i32,
            of_type,
            8,
            true,
            pg_sys::TYPALIGN_DOUBLE as std::ffi::c_char,
        )
    };
    Ok(Some(pg_sys::Datum::from(array)))
}

/// `into_values(extremes)`.
fn into_values<E: Element>(call: &Call, column: impl Fn(&E) -> pg_sys::Datum) -> Returned {
    let extremes = value::state::<Extremes<E>>(call, 0)?;
    let values = extremes.map(|extremes| extremes.values()).unwrap_or_default();
    row::many(call, values.iter().map(|value| [Some(column(value))]))
}

sql_functions! {
    kpi_floatextremes_in, pg_finfo_kpi_floatextremes_in: value::input::<Extremes<Float>>;
    kpi_floatextremes_out, pg_finfo_kpi_floatextremes_out: value::output::<Extremes<Float>>;
    kpi_floatextremes_recv, pg_finfo_kpi_floatextremes_recv: value::receive::<Extremes<Float>>;
    kpi_floatextremes_send, pg_finfo_kpi_floatextremes_send: value::send::<Extremes<Float>>;
    kpi_floatextremes_rollup_trans, pg_finfo_kpi_floatextremes_rollup_trans: transition::rollup::<Extremes<Float>>;
    kpi_floatextremes_combine, pg_finfo_kpi_floatextremes_combine: transition::combine::<Extremes<Float>>;
    kpi_floatextremes_serialize, pg_finfo_kpi_floatextremes_serialize: transition::serialize::<Extremes<Float>>;
    kpi_floatextremes_deserialize, pg_finfo_kpi_floatextremes_deserialize: transition::deserialize::<Extremes<Float>>;
    kpi_floatextremes_final, pg_finfo_kpi_floatextremes_final: transition::finish_or_null::<Extremes<Float>>;
    kpi_floatextremes_min_trans, pg_finfo_kpi_floatextremes_min_trans:
        |call| step(call, End::Smallest, float);
    kpi_floatextremes_max_trans, pg_finfo_kpi_floatextremes_max_trans:
        |call| step(call, End::Largest, float);
    kpi_floatextremes_into_array, pg_finfo_kpi_floatextremes_into_array:
        |call| into_array(call, pg_sys::FLOAT8OID, |value: &Float| float8(value.get()));
    kpi_floatextremes_into_values, pg_finfo_kpi_floatextremes_into_values:
        |call| into_values(call, |value: &Float| float8(value.get()));
}

sql_functions! {
    kpi_intextremes_in, pg_finfo_kpi_intextremes_in: value::input::<Extremes<i64>>;
    kpi_intextremes_out, pg_finfo_kpi_intextremes_out: value::output::<Extremes<i64>>;
    kpi_intextremes_recv, pg_finfo_kpi_intextremes_recv: value::receive::<Extremes<i64>>;
    kpi_intextremes_send, pg_finfo_kpi_intextremes_send: value::send::<Extremes<i64>>;
    kpi_intextremes_rollup_trans, pg_finfo_kpi_intextremes_rollup_trans: transition::rollup::<Extremes<i64>>;
    kpi_intextremes_combine, pg_finfo_kpi_intextremes_combine: transition::combine::<Extremes<i64>>;
    kpi_intextremes_serialize, pg_finfo_kpi_intextremes_serialize: transition::serialize::<Extremes<i64>>;
    kpi_intextremes_deserialize, pg_finfo_kpi_intextremes_deserialize: transition::deserialize::<Extremes<i64>>;
    kpi_intextremes_final, pg_finfo_kpi_intextremes_final: transition::finish_or_null::<Extremes<i64>>;
    kpi_intextremes_min_trans, pg_finfo_kpi_intextremes_min_trans: |call| step(call, End::Smallest, integer);
    kpi_intextremes_min_int4_trans, pg_finfo_kpi_intextremes_min_int4_trans:
        |call| step(call, End::Smallest, int4);
    kpi_intextremes_max_trans, pg_finfo_kpi_intextremes_max_trans: |call| step(call, End::Largest, integer);
    kpi_intextremes_max_int4_trans, pg_finfo_kpi_intextremes_max_int4_trans:
        |call| step(call, End::Largest, int4);
    kpi_intextremes_into_array, pg_finfo_kpi_intextremes_into_array:
        |call| into_array(call, pg_sys::INT8OID, |value: &i64| pg_sys::Datum::from(*value));
    kpi_intextremes_into_values, pg_finfo_kpi_intextremes_into_values:
        |call| into_values(call, |value: &i64| pg_sys::Datum::from(*value));
}

sql_functions! {
    kpi_timeextremes_in, pg_finfo_kpi_timeextremes_in: value::input::<Extremes<i64>>;
    kpi_timeextremes_out, pg_finfo_kpi_timeextremes_out: value::output::<Extremes<i64>>;
    kpi_timeextremes_recv, pg_finfo_kpi_timeextremes_recv: value::receive::<Extremes<i64>>;
    kpi_timeextremes_send, pg_finfo_kpi_timeextremes_send: value::send::<Extremes<i64>>;
    kpi_timeextremes_rollup_trans, pg_finfo_kpi_timeextremes_rollup_trans: transition::rollup::<Extremes<i64>>;
    kpi_timeextremes_combine, pg_finfo_kpi_timeextremes_combine: transition::combine::<Extremes<i64>>;
    kpi_timeextremes_serialize, pg_finfo_kpi_timeextremes_serialize: transition::serialize::<Extremes<i64>>;
    kpi_timeextremes_deserialize, pg_finfo_kpi_timeextremes_deserialize: transition::deserialize::<Extremes<i64>>;
    kpi_timeextremes_final, pg_finfo_kpi_timeextremes_final: transition::finish_or_null::<Extremes<i64>>;
    kpi_timeextremes_min_trans, pg_finfo_kpi_timeextremes_min_trans: |call| step(call, End::Smallest, time);
    kpi_timeextremes_max_trans, pg_finfo_kpi_timeextremes_max_trans: |call| step(call, End::Largest, time);
    kpi_timeextremes_into_array, pg_finfo_kpi_timeextremes_into_array:
        |call| into_array(call, pg_sys::TIMESTAMPTZOID, |value: &i64| pg_sys::Datum::from(*value));
    kpi_timeextremes_into_values, pg_finfo_kpi_timeextremes_into_values:
        |call| into_values(call, |value: &i64| pg_sys::Datum::from(*value));
}
