//! The functions that run inside an aggregate: transition, combine, serialise, deserialise, final.

use std::mem::ManuallyDrop;

use kpi_stats::State;
use pgrx::PgMemoryContexts;
use pgrx::pg_sys;

use super::call::{Call, Returned};
use super::value;
use crate::error::Error;

/// The state that an `internal` argument points to.
#[inline]
pub(crate) fn state_mut<S: 'static>(datum: pg_sys::Datum) -> &'static mut S {
    // SAFETY: `internal` values come only from `in_memory` below for the same state type: SQL cannot make any, and
    // sql/aggregates.sql never mixes two types. PostgreSQL lets go of one before it frees the context that owns it,
    // and runs one function at a time on it.
    unsafe { &mut *datum.cast_mut_ptr::<S>() }
}

/// A state that is dropped with its memory context, unless it was moved out before.
#[repr(C)]
struct Held<S> {
    /// In front, so that a pointer to the whole is a pointer to the state.
    state: ManuallyDrop<S>,
    moved: bool,
}

impl<S> Drop for Held<S> {
    fn drop(&mut self) {
        if !self.moved {
            // SAFETY: the state is still in its place, and its memory context is the last to know of it.
            unsafe { ManuallyDrop::drop(&mut self.state) };
        }
    }
}

/// Moves a state into a memory context, which drops it when it is reset.
fn in_memory<S>(context: pg_sys::MemoryContext, state: S) -> pg_sys::Datum {
    if std::mem::needs_drop::<S>() {
        let held = Held {
            state: ManuallyDrop::new(state),
            moved: false,
        };
        return pg_sys::Datum::from(PgMemoryContexts::For(context).leak_and_drop_on_delete(held));
    }
    // SAFETY: the new chunk is large enough for an S, and PostgreSQL aligns chunks to 8 bytes, which the states need.
    unsafe {
        let place = pg_sys::MemoryContextAlloc(context, size_of::<S>()).cast::<S>();
        place.write(state);
        pg_sys::Datum::from(place)
    }
}

/// Moves a state out of its memory context: states of time-ordered points are too large to be copied for nothing.
fn take<S: State>(datum: pg_sys::Datum) -> S {
    if !std::mem::needs_drop::<S>() {
        return state_mut::<S>(datum).clone();
    }
    // SAFETY: as in `state_mut`, and `in_memory` put every state that needs to be dropped into a `Held`. PostgreSQL hands a
    // deserialised state to the combine function once, and only forgets it afterwards.
    unsafe {
        let held = &mut *datum.cast_mut_ptr::<Held<S>>();
        held.moved = true;
        ManuallyDrop::take(&mut held.state)
    }
}

/// A transition: applies `step` to the state in argument 0, which `first` makes where there is none.
#[inline]
pub(crate) fn step<S: 'static>(
    call: &Call,
    first: impl FnOnce() -> Result<S, Error>,
    step: impl FnOnce(&mut S) -> Result<(), Error>,
) -> Returned {
    match call.argument(0) {
        Some(datum) => {
            step(state_mut(datum))?;
            Ok(Some(datum))
        }
        None => {
            let context = call.aggregate_memory()?;
            let mut state = first()?;
            step(&mut state)?;
            Ok(Some(in_memory(context, state)))
        }
    }
}

/// `rollup`'s transition: merges the stored state in argument 1; NULL states are skipped.
pub(super) fn rollup<S: State>(call: &Call) -> Returned {
    let Some(stored) = value::state::<S>(call, 1)? else {
        return Ok(call.argument(0));
    };
    match call.argument(0) {
        Some(datum) => merge(datum, &stored),
        None => Ok(Some(in_memory(call.aggregate_memory()?, stored))),
    }
}

/// Merges the states of two workers.
pub(crate) fn combine<S: State>(call: &Call) -> Returned {
    match (call.argument(0), call.argument(1)) {
        (Some(datum), Some(other)) => {
            let (state, other) = (state_mut::<S>(datum), take::<S>(other));
            state.check_merge(&other)?;
            state.absorb(other);
            Ok(Some(datum))
        }
        (None, Some(other)) => Ok(Some(in_memory(call.aggregate_memory()?, take::<S>(other)))),
        (state, None) => Ok(state),
    }
}

fn merge<S: State>(datum: pg_sys::Datum, other: &S) -> Returned {
    let state = state_mut::<S>(datum);
    state.check_merge(other)?;
    state.merge(other);
    Ok(Some(datum))
}

/// A worker's state as bytes for the leader.
pub(crate) fn serialize<S: State>(call: &Call) -> Returned {
    call.aggregate_memory()?;
    match call.argument(0) {
        Some(datum) => value::bytea(&state_mut::<S>(datum).encode()),
        None => Ok(None),
    }
}

/// A worker's bytes as a state that lives until it has been combined.
pub(crate) fn deserialize<S: State>(call: &Call) -> Returned {
    call.aggregate_memory()?;
    let Some(state) = value::state::<S>(call, 0)? else {
        return Ok(None);
    };
    Ok(Some(in_memory(
        PgMemoryContexts::CurrentMemoryContext.value(),
        state,
    )))
}

/// The result of an aggregate: the state, or what `empty` makes where no row gave one. Leaves the state as it is, so
/// that a window can go on with it.
pub(super) fn finish<S: State>(call: &Call, empty: impl FnOnce() -> S) -> Returned {
    match call.argument(0) {
        Some(datum) => value::returned(state_mut::<S>(datum)),
        None => value::returned(&empty()),
    }
}

/// The result of an aggregate whose state is summarised before it is stored; NULL where neither a row nor `empty` gave one.
pub(super) fn finish_summarised<S: State>(
    call: &Call,
    summarise: impl FnOnce(&S) -> Result<S, kpi_stats::Error>,
    empty: Option<S>,
) -> Returned {
    match (call.argument(0), empty) {
        (Some(datum), _) => value::returned(&summarise(state_mut::<S>(datum))?),
        (None, Some(empty)) => value::returned(&empty),
        (None, None) => Ok(None),
    }
}

/// The result of an aggregate whose state has settings that only rows tell: NULL without rows.
pub(super) fn finish_or_null<S: State>(call: &Call) -> Returned {
    match call.argument(0) {
        Some(datum) => value::returned(state_mut::<S>(datum)),
        None => Ok(None),
    }
}
