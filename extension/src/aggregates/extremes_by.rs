//! `min_n_by` and `max_n_by`: the n smallest or the n largest values, and the data that come with them.

use kpi_stats::{By, Element, End, Extremes, Float};
use pgrx::pg_sys;

use super::call::{Call, Returned, float8, sql_functions};
use super::extremes::{float, int4, integer, same, time, wanted};
use super::{row, text_form, transition, value};

/// `min_n_by(value, data, n)` and `max_n_by(value, data, n)` skip rows in which value or data are NULL.
fn step<K>(call: &Call, end: End, read: impl Fn(&Call) -> Option<K>) -> Returned
where
    By<K>: Element,
{
    let (Some(key), Some(data)) = (read(call), call.argument(2)) else {
        return Ok(call.argument(0));
    };
    let n = wanted(call, 3)?;
    let data = text_form::of_argument(call, 2, data)?;
    transition::step(
        call,
        || Ok(Extremes::new(end, n)?),
        |extremes| {
            same(extremes, n)?;
            extremes.add(By {
                key,
                data: data.into_owned(),
            });
            Ok(())
        },
    )
}

/// `into_values(extremes)` and `into_values(extremes, sample)`: `read` makes data of their text form.
fn rows<K>(
    call: &Call,
    column: impl Fn(&K) -> pg_sys::Datum,
    read: impl Fn(&[u8]) -> Option<pg_sys::Datum>,
) -> Returned
where
    By<K>: Element,
{
    let extremes = value::state::<Extremes<By<K>>>(call, 0)?;
    let values = extremes.map(|extremes| extremes.values()).unwrap_or_default();
    row::many(
        call,
        values
            .iter()
            .map(|value| [Some(column(&value.key)), read(&value.data)]),
    )
}

fn into_values<K>(call: &Call, column: impl Fn(&K) -> pg_sys::Datum) -> Returned
where
    By<K>: Element,
{
    rows(call, column, text_form::column)
}

fn into_values_typed<K>(call: &Call, column: impl Fn(&K) -> pg_sys::Datum) -> Returned
where
    By<K>: Element,
{
    let reader = text_form::Reader::of_argument(call, 1)?;
    rows(call, column, |text| reader.read(text))
}

sql_functions! {
    kpi_floatextremesby_in, pg_finfo_kpi_floatextremesby_in: value::input::<Extremes<By<Float>>>;
    kpi_floatextremesby_out, pg_finfo_kpi_floatextremesby_out: value::output::<Extremes<By<Float>>>;
    kpi_floatextremesby_recv, pg_finfo_kpi_floatextremesby_recv: value::receive::<Extremes<By<Float>>>;
    kpi_floatextremesby_send, pg_finfo_kpi_floatextremesby_send: value::send::<Extremes<By<Float>>>;
    kpi_floatextremesby_rollup_trans, pg_finfo_kpi_floatextremesby_rollup_trans: transition::rollup::<Extremes<By<Float>>>;
    kpi_floatextremesby_combine, pg_finfo_kpi_floatextremesby_combine: transition::combine::<Extremes<By<Float>>>;
    kpi_floatextremesby_serialize, pg_finfo_kpi_floatextremesby_serialize: transition::serialize::<Extremes<By<Float>>>;
    kpi_floatextremesby_deserialize, pg_finfo_kpi_floatextremesby_deserialize: transition::deserialize::<Extremes<By<Float>>>;
    kpi_floatextremesby_final, pg_finfo_kpi_floatextremesby_final: transition::finish_or_null::<Extremes<By<Float>>>;
    kpi_floatextremesby_min_trans, pg_finfo_kpi_floatextremesby_min_trans:
        |call| step(call, End::Smallest, float);
    kpi_floatextremesby_max_trans, pg_finfo_kpi_floatextremesby_max_trans:
        |call| step(call, End::Largest, float);
    kpi_floatextremesby_into_values, pg_finfo_kpi_floatextremesby_into_values:
        |call| into_values(call, |key: &Float| float8(key.get()));
    kpi_floatextremesby_into_values_typed, pg_finfo_kpi_floatextremesby_into_values_typed:
        |call| into_values_typed(call, |key: &Float| float8(key.get()));
}

sql_functions! {
    kpi_intextremesby_in, pg_finfo_kpi_intextremesby_in: value::input::<Extremes<By<i64>>>;
    kpi_intextremesby_out, pg_finfo_kpi_intextremesby_out: value::output::<Extremes<By<i64>>>;
    kpi_intextremesby_recv, pg_finfo_kpi_intextremesby_recv: value::receive::<Extremes<By<i64>>>;
    kpi_intextremesby_send, pg_finfo_kpi_intextremesby_send: value::send::<Extremes<By<i64>>>;
    kpi_intextremesby_rollup_trans, pg_finfo_kpi_intextremesby_rollup_trans: transition::rollup::<Extremes<By<i64>>>;
    kpi_intextremesby_combine, pg_finfo_kpi_intextremesby_combine: transition::combine::<Extremes<By<i64>>>;
    kpi_intextremesby_serialize, pg_finfo_kpi_intextremesby_serialize: transition::serialize::<Extremes<By<i64>>>;
    kpi_intextremesby_deserialize, pg_finfo_kpi_intextremesby_deserialize: transition::deserialize::<Extremes<By<i64>>>;
    kpi_intextremesby_final, pg_finfo_kpi_intextremesby_final: transition::finish_or_null::<Extremes<By<i64>>>;
    kpi_intextremesby_min_trans, pg_finfo_kpi_intextremesby_min_trans:
        |call| step(call, End::Smallest, integer);
    kpi_intextremesby_min_int4_trans, pg_finfo_kpi_intextremesby_min_int4_trans:
        |call| step(call, End::Smallest, int4);
    kpi_intextremesby_max_trans, pg_finfo_kpi_intextremesby_max_trans:
        |call| step(call, End::Largest, integer);
    kpi_intextremesby_max_int4_trans, pg_finfo_kpi_intextremesby_max_int4_trans:
        |call| step(call, End::Largest, int4);
    kpi_intextremesby_into_values, pg_finfo_kpi_intextremesby_into_values:
        |call| into_values(call, |key: &i64| pg_sys::Datum::from(*key));
    kpi_intextremesby_into_values_typed, pg_finfo_kpi_intextremesby_into_values_typed:
        |call| into_values_typed(call, |key: &i64| pg_sys::Datum::from(*key));
}

sql_functions! {
    kpi_timeextremesby_in, pg_finfo_kpi_timeextremesby_in: value::input::<Extremes<By<i64>>>;
    kpi_timeextremesby_out, pg_finfo_kpi_timeextremesby_out: value::output::<Extremes<By<i64>>>;
    kpi_timeextremesby_recv, pg_finfo_kpi_timeextremesby_recv: value::receive::<Extremes<By<i64>>>;
    kpi_timeextremesby_send, pg_finfo_kpi_timeextremesby_send: value::send::<Extremes<By<i64>>>;
    kpi_timeextremesby_rollup_trans, pg_finfo_kpi_timeextremesby_rollup_trans: transition::rollup::<Extremes<By<i64>>>;
    kpi_timeextremesby_combine, pg_finfo_kpi_timeextremesby_combine: transition::combine::<Extremes<By<i64>>>;
    kpi_timeextremesby_serialize, pg_finfo_kpi_timeextremesby_serialize: transition::serialize::<Extremes<By<i64>>>;
    kpi_timeextremesby_deserialize, pg_finfo_kpi_timeextremesby_deserialize: transition::deserialize::<Extremes<By<i64>>>;
    kpi_timeextremesby_final, pg_finfo_kpi_timeextremesby_final: transition::finish_or_null::<Extremes<By<i64>>>;
    kpi_timeextremesby_min_trans, pg_finfo_kpi_timeextremesby_min_trans:
        |call| step(call, End::Smallest, time);
    kpi_timeextremesby_max_trans, pg_finfo_kpi_timeextremesby_max_trans:
        |call| step(call, End::Largest, time);
    kpi_timeextremesby_into_values, pg_finfo_kpi_timeextremesby_into_values:
        |call| into_values(call, |key: &i64| pg_sys::Datum::from(*key));
    kpi_timeextremesby_into_values_typed, pg_finfo_kpi_timeextremesby_into_values_typed:
        |call| into_values_typed(call, |key: &i64| pg_sys::Datum::from(*key));
}
