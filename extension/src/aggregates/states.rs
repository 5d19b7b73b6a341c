//! `state_agg` and `compact_state_agg`: how long a system was in which state, and when.

use std::ffi::CStr;

use kpi_stats::{CompactStateAgg, StateAgg, StatePeriod, StateTracker, StateValue};
use pgrx::PgMemoryContexts;
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::call::{Call, Returned, sql_functions};
use super::{argument, encoding, row, span, transition, value};
use crate::error::Error;

/// Adds the state of a row, as `add` says, at the time in argument 1; a row without a time is skipped.
#[inline]
fn step<const TIMELINE: bool>(
    call: &Call,
    add: impl FnOnce(&mut StateTracker<TIMELINE>, i64) -> Result<(), kpi_stats::Error>,
) -> Returned {
    let Some(time) = argument::int8(call, 1) else {
        return Ok(call.argument(0));
    };
    transition::step(
        call,
        || Ok(StateTracker::<TIMELINE>::default()),
        |tracker: &mut StateTracker<TIMELINE>| Ok(add(tracker, time)?),
    )
}

fn step_text<const TIMELINE: bool>(call: &Call) -> Returned {
    match call.text(2) {
        Some(state) => step::<TIMELINE>(call, |tracker, time| tracker.add_text(time, &state)),
        None => Ok(call.argument(0)),
    }
}

fn step_integer<const TIMELINE: bool>(call: &Call) -> Returned {
    match argument::int8(call, 2) {
        Some(state) => step::<TIMELINE>(call, |tracker, time| tracker.add_integer(time, state)),
        None => Ok(call.argument(0)),
    }
}

/// States of an enum type are kept as their labels, so that stored ones outlive the type.
fn step_enum<const TIMELINE: bool>(call: &Call) -> Returned {
    match call.argument(2) {
        Some(state) => {
            let label = label(call, state);
            step::<TIMELINE>(call, |tracker, time| tracker.add_text(time, label))
        }
        None => Ok(call.argument(0)),
    }
}

/// The label of the enum value that the last call had: most rows have the state of the row before.
struct Label {
    of: usize,
    text: String,
}

impl Label {
    #[cold]
    fn find(state: pg_sys::Datum) -> Self {
        // SAFETY: the argument is declared anyenum, which is what enum_out takes; it raises its own errors.
        let label = unsafe { pgrx::direct_function_call_as_datum(pg_sys::enum_out, &[Some(state)]) };
        // SAFETY: enum_out returns a string that ends with a zero byte.
        let text = label
            .map(|label| encoding::from_server(unsafe { CStr::from_ptr(label.cast_mut_ptr()) }.to_bytes()));
        Self {
            of: state.value(),
            text: text.unwrap_or_default().into_owned(),
        }
    }
}

/// The label of an enum value; the last one is kept with the function.
#[inline]
fn label(call: &Call, state: pg_sys::Datum) -> &str {
    // SAFETY: flinfo outlives the call, and fn_extra is this function's own: null, or what was stored below in memory that
    // lives as long as flinfo and drops it at its end. The reference ends with the call.
    unsafe {
        let flinfo = (*call.fcinfo()).flinfo;
        if (*flinfo).fn_extra.is_null() {
            let mut memory = PgMemoryContexts::For((*flinfo).fn_mcxt);
            (*flinfo).fn_extra = memory.leak_and_drop_on_delete(Label::find(state)).cast();
        }
        let label = &mut *(*flinfo).fn_extra.cast::<Label>();
        if label.of != state.value() {
            *label = Label::find(state);
        }
        &label.text
    }
}

/// The end of the aggregate: a summary, empty without rows.
fn finish<const TIMELINE: bool>(call: &Call) -> Returned {
    transition::finish_summarised(
        call,
        StateTracker::<TIMELINE>::finished,
        Some(StateTracker::<TIMELINE>::default()),
    )
}

/// The end of a rollup, NULL without states.
fn finish_rollup<const TIMELINE: bool>(call: &Call) -> Returned {
    transition::finish_summarised(call, StateTracker::<TIMELINE>::rolled_up, None)
}

/// Argument 1, declared `text`, as a state to ask for.
fn text(call: &Call) -> Option<StateValue> {
    call.text(1).map(|text| StateValue::Text(text.into_owned()))
}

/// Argument 1, declared `bigint`, as a state to ask for.
fn integer(call: &Call) -> Option<StateValue> {
    argument::int8(call, 1).map(StateValue::Integer)
}

/// A state as a `text` result: integers in their digits.
fn as_text(state: &StateValue) -> Result<Option<pg_sys::Datum>, Error> {
    Ok(match state {
        StateValue::Integer(integer) => row::text(&integer.to_string()),
        StateValue::Text(text) => row::text(text),
    })
}

/// A state as a `bigint` result.
fn as_integer(state: &StateValue) -> Result<Option<pg_sys::Datum>, Error> {
    match state {
        StateValue::Integer(integer) => Ok(Some(pg_sys::Datum::from(*integer))),
        StateValue::Text(text) => Err(Error::new(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            "a state of this aggregate is a text and no integer",
        )
        .detail(format!("The state is \"{text}\"."))
        .hint(
            "Use state_at, into_values, state_timeline or interpolated_state_timeline, which return text.",
        )),
    }
}

/// How a state becomes a result.
type Shown = fn(&StateValue) -> Result<Option<pg_sys::Datum>, Error>;

/// `duration_in(agg, state)`.
fn duration_in<const TIMELINE: bool>(call: &Call, state: Option<StateValue>) -> Returned {
    let (Some(tracker), Some(state)) = (value::state::<StateTracker<TIMELINE>>(call, 0)?, state) else {
        return Ok(None);
    };
    Ok(Some(span::duration(tracker.duration_in(&state)?)))
}

/// `duration_in(agg, state, start, duration)`: to the end of the state where the duration is NULL.
fn duration_in_range(call: &Call, state: Option<StateValue>) -> Returned {
    let (Some(tracker), Some(state), Some(start)) = (
        value::state::<StateAgg>(call, 0)?,
        state,
        argument::time(call, 2)?,
    ) else {
        return Ok(None);
    };
    let end = span::range(call, 2, 3)?.map(|range| range.end());
    let micros = tracker.duration_in_range(&state, start, end)?;
    Ok(Some(span::duration(micros)))
}

/// `interpolated_duration_in(agg, state, start, duration, prev)`.
fn interpolated_duration_in<const TIMELINE: bool>(call: &Call, state: Option<StateValue>) -> Returned {
    let (Some(tracker), Some(state), Some(bucket)) = (
        value::state::<StateTracker<TIMELINE>>(call, 0)?,
        state,
        span::range(call, 2, 3)?,
    ) else {
        return Ok(None);
    };
    let previous = value::state::<StateTracker<TIMELINE>>(call, 4)?;
    let micros = tracker.interpolated_duration_in(&state, bucket, previous.as_ref())?;
    Ok(Some(span::duration(micros)))
}

/// `state_at(agg, ts)` and `state_at_int(agg, ts)`.
fn state_at(call: &Call, shown: Shown) -> Returned {
    let (Some(tracker), Some(time)) = (value::state::<StateAgg>(call, 0)?, argument::int8(call, 1)) else {
        return Ok(None);
    };
    tracker.state_at(time)?.map_or(Ok(None), |state| shown(&state))
}

/// `into_values(agg)` and `into_int_values(agg)`: a row for each state.
fn into_values<const TIMELINE: bool>(call: &Call, shown: Shown) -> Returned {
    let values = match value::state::<StateTracker<TIMELINE>>(call, 0)? {
        Some(tracker) => tracker.into_values()?,
        None => Vec::new(),
    };
    let rows = values
        .iter()
        .map(|(state, micros)| Ok([shown(state)?, Some(span::duration(*micros))]));
    row::many(call, rows.collect::<Result<Vec<_>, Error>>()?)
}

/// The rows (state, start_time, end_time).
fn timeline(call: &Call, periods: &[StatePeriod], shown: Shown) -> Returned {
    let time = |time| Some(span::timestamptz(time));
    let rows = periods
        .iter()
        .map(|period| Ok([shown(&period.state)?, time(period.start), time(period.end)]));
    row::many(call, rows.collect::<Result<Vec<_>, Error>>()?)
}

/// The rows (start_time, end_time).
fn periods(call: &Call, periods: &[StatePeriod]) -> Returned {
    let time = |time| Some(span::timestamptz(time));
    row::many(
        call,
        periods
            .iter()
            .map(|period| [time(period.start), time(period.end)]),
    )
}

/// `state_timeline(agg)` and `state_int_timeline(agg)`.
fn state_timeline(call: &Call, shown: Shown) -> Returned {
    match value::state::<StateAgg>(call, 0)? {
        Some(tracker) => timeline(call, &tracker.state_timeline()?, shown),
        None => timeline(call, &[], shown),
    }
}

/// `interpolated_state_timeline(agg, start, duration, prev)` and `interpolated_state_int_timeline`.
fn interpolated_state_timeline(call: &Call, shown: Shown) -> Returned {
    let (Some(tracker), Some(bucket)) = (value::state::<StateAgg>(call, 0)?, span::range(call, 1, 2)?) else {
        return timeline(call, &[], shown);
    };
    let previous = value::state::<StateAgg>(call, 3)?;
    timeline(
        call,
        &tracker.interpolated_state_timeline(bucket, previous.as_ref())?,
        shown,
    )
}

/// `state_periods(agg, state)`.
fn state_periods(call: &Call, state: Option<StateValue>) -> Returned {
    match (value::state::<StateAgg>(call, 0)?, state) {
        (Some(tracker), Some(state)) => periods(call, &tracker.state_periods(&state)?),
        _ => periods(call, &[]),
    }
}

/// `interpolated_state_periods(agg, state, start, duration, prev)`.
fn interpolated_state_periods(call: &Call, state: Option<StateValue>) -> Returned {
    let (Some(tracker), Some(state), Some(bucket)) = (
        value::state::<StateAgg>(call, 0)?,
        state,
        span::range(call, 2, 3)?,
    ) else {
        return periods(call, &[]);
    };
    let previous = value::state::<StateAgg>(call, 4)?;
    periods(
        call,
        &tracker.interpolated_state_periods(&state, bucket, previous.as_ref())?,
    )
}

sql_functions! {
    kpi_stateagg_in, pg_finfo_kpi_stateagg_in: value::input::<StateAgg>;
    kpi_stateagg_out, pg_finfo_kpi_stateagg_out: value::output::<StateAgg>;
    kpi_stateagg_recv, pg_finfo_kpi_stateagg_recv: value::receive::<StateAgg>;
    kpi_stateagg_send, pg_finfo_kpi_stateagg_send: value::send::<StateAgg>;
    kpi_stateagg_trans_text, pg_finfo_kpi_stateagg_trans_text: step_text::<true>;
    kpi_stateagg_trans_integer, pg_finfo_kpi_stateagg_trans_integer: step_integer::<true>;
    kpi_stateagg_trans_enum, pg_finfo_kpi_stateagg_trans_enum: step_enum::<true>;
    kpi_stateagg_rollup_trans, pg_finfo_kpi_stateagg_rollup_trans: transition::rollup::<StateAgg>;
    kpi_stateagg_combine, pg_finfo_kpi_stateagg_combine: transition::combine::<StateAgg>;
    kpi_stateagg_serialize, pg_finfo_kpi_stateagg_serialize: transition::serialize::<StateAgg>;
    kpi_stateagg_deserialize, pg_finfo_kpi_stateagg_deserialize: transition::deserialize::<StateAgg>;
    kpi_stateagg_final, pg_finfo_kpi_stateagg_final: finish::<true>;
    kpi_stateagg_rollup_final, pg_finfo_kpi_stateagg_rollup_final: finish_rollup::<true>;

    kpi_stateagg_duration_in_text, pg_finfo_kpi_stateagg_duration_in_text:
        |call| duration_in::<true>(call, text(call));
    kpi_stateagg_duration_in_range_text, pg_finfo_kpi_stateagg_duration_in_range_text:
        |call| duration_in_range(call, text(call));
    kpi_stateagg_interpolated_duration_in_text, pg_finfo_kpi_stateagg_interpolated_duration_in_text:
        |call| interpolated_duration_in::<true>(call, text(call));
    kpi_stateagg_duration_in_integer, pg_finfo_kpi_stateagg_duration_in_integer:
        |call| duration_in::<true>(call, integer(call));
    kpi_stateagg_duration_in_range_integer, pg_finfo_kpi_stateagg_duration_in_range_integer:
        |call| duration_in_range(call, integer(call));
    kpi_stateagg_interpolated_duration_in_integer, pg_finfo_kpi_stateagg_interpolated_duration_in_integer:
        |call| interpolated_duration_in::<true>(call, integer(call));
    kpi_stateagg_into_values, pg_finfo_kpi_stateagg_into_values: |call| into_values::<true>(call, as_text);
    kpi_stateagg_into_int_values, pg_finfo_kpi_stateagg_into_int_values:
        |call| into_values::<true>(call, as_integer);
    kpi_stateagg_at, pg_finfo_kpi_stateagg_at: |call| state_at(call, as_text);
    kpi_stateagg_at_int, pg_finfo_kpi_stateagg_at_int: |call| state_at(call, as_integer);
    kpi_stateagg_timeline, pg_finfo_kpi_stateagg_timeline: |call| state_timeline(call, as_text);
    kpi_stateagg_int_timeline, pg_finfo_kpi_stateagg_int_timeline: |call| state_timeline(call, as_integer);
    kpi_stateagg_interpolated_timeline, pg_finfo_kpi_stateagg_interpolated_timeline:
        |call| interpolated_state_timeline(call, as_text);
    kpi_stateagg_interpolated_int_timeline, pg_finfo_kpi_stateagg_interpolated_int_timeline:
        |call| interpolated_state_timeline(call, as_integer);
    kpi_stateagg_periods_text, pg_finfo_kpi_stateagg_periods_text: |call| state_periods(call, text(call));
    kpi_stateagg_interpolated_periods_text, pg_finfo_kpi_stateagg_interpolated_periods_text:
        |call| interpolated_state_periods(call, text(call));
    kpi_stateagg_periods_integer, pg_finfo_kpi_stateagg_periods_integer:
        |call| state_periods(call, integer(call));
    kpi_stateagg_interpolated_periods_integer, pg_finfo_kpi_stateagg_interpolated_periods_integer:
        |call| interpolated_state_periods(call, integer(call));

    kpi_compactstateagg_in, pg_finfo_kpi_compactstateagg_in: value::input::<CompactStateAgg>;
    kpi_compactstateagg_out, pg_finfo_kpi_compactstateagg_out: value::output::<CompactStateAgg>;
    kpi_compactstateagg_recv, pg_finfo_kpi_compactstateagg_recv: value::receive::<CompactStateAgg>;
    kpi_compactstateagg_send, pg_finfo_kpi_compactstateagg_send: value::send::<CompactStateAgg>;
    kpi_compactstateagg_trans_text, pg_finfo_kpi_compactstateagg_trans_text: step_text::<false>;
    kpi_compactstateagg_trans_integer, pg_finfo_kpi_compactstateagg_trans_integer: step_integer::<false>;
    kpi_compactstateagg_trans_enum, pg_finfo_kpi_compactstateagg_trans_enum: step_enum::<false>;
    kpi_compactstateagg_rollup_trans, pg_finfo_kpi_compactstateagg_rollup_trans:
        transition::rollup::<CompactStateAgg>;
    kpi_compactstateagg_combine, pg_finfo_kpi_compactstateagg_combine: transition::combine::<CompactStateAgg>;
    kpi_compactstateagg_serialize, pg_finfo_kpi_compactstateagg_serialize:
        transition::serialize::<CompactStateAgg>;
    kpi_compactstateagg_deserialize, pg_finfo_kpi_compactstateagg_deserialize:
        transition::deserialize::<CompactStateAgg>;
    kpi_compactstateagg_final, pg_finfo_kpi_compactstateagg_final: finish::<false>;
    kpi_compactstateagg_rollup_final, pg_finfo_kpi_compactstateagg_rollup_final: finish_rollup::<false>;

    kpi_compactstateagg_duration_in_text, pg_finfo_kpi_compactstateagg_duration_in_text:
        |call| duration_in::<false>(call, text(call));
    kpi_compactstateagg_interpolated_duration_in_text, pg_finfo_kpi_compactstateagg_interpolated_duration_in_text:
        |call| interpolated_duration_in::<false>(call, text(call));
    kpi_compactstateagg_duration_in_integer, pg_finfo_kpi_compactstateagg_duration_in_integer:
        |call| duration_in::<false>(call, integer(call));
    kpi_compactstateagg_interpolated_duration_in_integer, pg_finfo_kpi_compactstateagg_interpolated_duration_in_integer:
        |call| interpolated_duration_in::<false>(call, integer(call));
    kpi_compactstateagg_into_values, pg_finfo_kpi_compactstateagg_into_values:
        |call| into_values::<false>(call, as_text);
    kpi_compactstateagg_into_int_values, pg_finfo_kpi_compactstateagg_into_int_values:
        |call| into_values::<false>(call, as_integer);
}
