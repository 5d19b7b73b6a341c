//! A built-in aggregate run inside of a scan: its own transition function on the values of a batch, as PostgreSQL's
//! executor runs it row by row, so that the result is the same to the last bit.

use std::ffi::{CStr, CString, c_int, c_short};

use pgrx::pg_sys;

use crate::archive::cast::Input;
use crate::time::server::datumCopy;

/// What an aggregate is given at most: `corr(y, x)`.
const MOST_ARGUMENTS: usize = 2;

/// An aggregate as the catalog describes it.
pub struct Definition {
    /// Neither an ordered-set aggregate nor a hypothetical one, and its final function is given the state alone.
    pub plain: bool,
    /// The type of the state.
    pub state: pg_sys::Oid,
    advance: pg_sys::Oid,
    finish: pg_sys::Oid,
    serialise: pg_sys::Oid,
    /// The state at first, as the input function of its type reads it.
    initial: Option<CString>,
}

/// Numbers of columns of `pg_aggregate`.
const KIND: c_short = 2;
const ADVANCE: c_short = 4;
const FINISH: c_short = 5;
const SERIALISE: c_short = 7;
const FINISH_HAS_MORE: c_short = 12;
const STATE: c_short = 17;
const INITIAL: c_short = 21;

impl Definition {
    /// The aggregate with this number.
    pub fn of(aggregate: pg_sys::Oid) -> Option<Self> {
        // SAFETY: columns of a row of the catalog, of their types, read while the row is held.
        unsafe {
            let cache = pg_sys::SysCacheIdentifier::AGGFNOID as c_int;
            let tuple = pg_sys::SearchSysCache1(cache, pg_sys::Datum::from(aggregate));
            if tuple.is_null() {
                return None;
            }
            let column = |number: c_short| {
                let mut is_null = false;
                let value = pg_sys::SysCacheGetAttr(cache, tuple, number, &mut is_null);
                (!is_null).then_some(value)
            };
            let oid = |number: c_short| {
                column(number).map_or(
                    pg_sys::InvalidOid,
                    |value| pg_sys::Oid::from(value.value() as u32),
                )
            };
            let kind = column(KIND).map(|kind| kind.value() as u8);
            let has_more = column(FINISH_HAS_MORE).is_none_or(|more| more.value() as u8 != 0);
            let definition = Self {
                plain: kind == Some(b'n') && !has_more,
                state: oid(STATE),
                advance: oid(ADVANCE),
                finish: oid(FINISH),
                serialise: oid(SERIALISE),
                initial: column(INITIAL)
                    .map(|text| CStr::from_ptr(pg_sys::text_to_cstring(text.cast_mut_ptr())).to_owned()),
            };
            pg_sys::ReleaseSysCache(tuple);
            Some(definition)
        }
    }
}

/// The states of one aggregate, one per group. What it holds of PostgreSQL lives as long as the memory context that it was made in.
pub struct Transition {
    advance: Call,
    /// From the state to the result, or to the form in which another process can take it; `None`: the state is that.
    finish: Option<Call>,
    arguments: usize,
    by_value: bool,
    length: i32,
    initial: Option<pg_sys::Datum>,
    states: Vec<State>,
    /// Where the states live.
    memory: *mut pg_sys::ExprContext,
    /// What the functions leave behind, until the batch is over.
    scratch: pg_sys::MemoryContext,
}

/// A function that is called many times.
struct Call {
    function: *mut pg_sys::FmgrInfo,
    frame: pg_sys::FunctionCallInfo,
}

#[derive(Clone, Copy)]
struct State {
    value: pg_sys::Datum,
    is_null: bool,
    /// Nothing yet: a strict function's first value becomes the state.
    is_empty: bool,
}

/// The values of a column in a batch, and which of them are NULL (`None`: none is).
#[derive(Clone, Copy)]
pub struct Values {
    pub values: *const pg_sys::Datum,
    pub nulls: Option<*const bool>,
}

/// The rows of a batch that count: from one to before another, or these.
#[derive(Clone, Copy)]
pub enum Rows<'a> {
    Range(usize, usize),
    These(&'a [u32]),
}

impl<'a> Rows<'a> {
    /// How many they are.
    pub fn count(self) -> usize {
        match self {
            Rows::Range(start, end) => end - start,
            Rows::These(these) => these.len(),
        }
    }

    /// The first of them.
    pub fn first(self) -> Option<usize> {
        self.at(0)
    }

    /// The last of them.
    pub fn last(self) -> Option<usize> {
        self.at(self.count().checked_sub(1)?)
    }

    fn at(self, place: usize) -> Option<usize> {
        match self {
            Rows::Range(start, end) => Some(start + place).filter(|row| *row < end),
            Rows::These(these) => these.get(place).map(|row| *row as usize),
        }
    }

    /// Some of them, counted from 0, the last one not included.
    pub fn part(self, from: usize, to: usize) -> Rows<'a> {
        match self {
            Rows::Range(start, _) => Rows::Range(start + from, start + to),
            Rows::These(these) => Rows::These(these.get(from..to).unwrap_or_default()),
        }
    }
}

impl Values {
    /// The value in a row; `None`: NULL.
    ///
    /// # Safety
    /// There is such a row.
    pub unsafe fn at(self, row: usize) -> Option<pg_sys::Datum> {
        // SAFETY: as this function's contract says.
        unsafe {
            let is_null = self.nulls.is_some_and(|nulls| *nulls.add(row));
            (!is_null).then(|| *self.values.add(row))
        }
    }

    /// How many of the rows are not NULL.
    ///
    /// # Safety
    /// There is a value for each of the rows.
    pub unsafe fn present(self, rows: Rows<'_>) -> i64 {
        let Some(nulls) = self.nulls else {
            return rows.count() as i64;
        };
        // SAFETY: as this function's contract says.
        let present = |row: usize| i64::from(unsafe { !*nulls.add(row) });
        match rows {
            Rows::Range(start, end) => (start..end).map(present).sum(),
            Rows::These(these) => these.iter().map(|row| present(*row as usize)).sum(),
        }
    }
}

impl Transition {
    /// The state of an aggregate whose arguments have this collation. `partial`: the state is asked for, not the result.
    ///
    /// # Safety
    /// The aggregate has as many arguments, and no direct ones; the memory context lives as long as the query.
    pub unsafe fn new(
        definition: &Definition,
        collation: pg_sys::Oid,
        arguments: usize,
        partial: bool,
        context: pg_sys::MemoryContext,
    ) -> Self {
        // SAFETY: as this function's contract says; all that is made here is made in `context`.
        unsafe {
            let outer = pg_sys::MemoryContextSwitchTo(context);
            let initial = definition
                .initial
                .as_ref()
                .map(|text| Input::of(definition.state, -1, context).value(text.to_bytes()));
            let (mut length, mut by_value) = (0, false);
            pg_sys::get_typlenbyval(definition.state, &mut length, &mut by_value);
            let memory = pg_sys::CreateStandaloneExprContext();
            // The functions look up there where their state may live.
            let owner = pg_sys::palloc0(std::mem::size_of::<pg_sys::AggState>()) as *mut pg_sys::AggState;
            (*owner).ss.ps.type_ = pg_sys::NodeTag::T_AggState;
            (*owner).curaggcontext = memory;
            let finish = if partial {
                definition.serialise
            } else {
                definition.finish
            };
            let made = Self {
                advance: Call::new(definition.advance, arguments + 1, collation, owner, context),
                finish: (finish != pg_sys::InvalidOid)
                    .then(|| Call::new(finish, 1, collation, owner, context)),
                arguments,
                by_value,
                length: i32::from(length),
                initial,
                states: Vec::new(),
                memory,
                scratch: pg_sys::AllocSetContextCreateInternal(
                    context,
                    c"kpi archive aggregate".as_ptr(),
                    pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
                    pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
                    pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
                ),
            };
            pg_sys::MemoryContextSwitchTo(outer);
            made
        }
    }

    /// Begins anew, without groups.
    pub fn rewind(&mut self) {
        self.states.clear();
        // SAFETY: the memory of the states before, which nobody uses any more.
        unsafe { pg_sys::MemoryContextReset((*self.memory).ecxt_per_tuple_memory) };
    }

    /// Begins another group.
    pub fn add_group(&mut self) {
        self.states.push(match self.initial {
            None => State::EMPTY,
            Some(value) => State {
                // SAFETY: a value of the state's type.
                value: unsafe { self.copy(value) },
                is_null: false,
                is_empty: false,
            },
        });
    }

    /// A value where the state lives.
    unsafe fn copy(&self, value: pg_sys::Datum) -> pg_sys::Datum {
        // SAFETY: a value of the state's type.
        unsafe {
            let outer = pg_sys::MemoryContextSwitchTo((*self.memory).ecxt_per_tuple_memory);
            let copy = datumCopy(value, self.by_value, self.length);
            pg_sys::MemoryContextSwitchTo(outer);
            copy
        }
    }

    /// Takes the values of a batch into a group, one row after the other.
    ///
    /// # Safety
    /// The group was added. As many columns as the aggregate has arguments, of their types, with as many values as the rows need.
    pub unsafe fn advance(&mut self, group: usize, columns: &[Values], rows: Rows<'_>) {
        let Some(mut state) = self.states.get(group).copied() else {
            return;
        };
        // SAFETY: as this function's contract says. An ERROR of the function's jumps over nothing that must be dropped.
        unsafe {
            let outer = pg_sys::MemoryContextSwitchTo(self.scratch);
            pg_sys::ffi::pg_guard_ffi_boundary(|| match rows {
                Rows::Range(start, end) => {
                    (start..end).for_each(|row| self.advance_row(&mut state, columns, row));
                }
                Rows::These(these) => these
                    .iter()
                    .for_each(|row| self.advance_row(&mut state, columns, *row as usize)),
            });
            if let Some(place) = self.states.get_mut(group) {
                *place = state;
            }
            pg_sys::MemoryContextSwitchTo(outer);
            pg_sys::MemoryContextReset(self.scratch);
        }
    }

    #[inline]
    unsafe fn advance_row(&self, state: &mut State, columns: &[Values], row: usize) {
        // SAFETY: as in `advance`; the frame has a place for the state and each argument.
        unsafe {
            let frame = self.advance.frame;
            let places = (*frame).args.as_mut_ptr();
            let strict = (*self.advance.function).fn_strict;
            for (number, column) in columns.iter().enumerate() {
                let place = places.add(number + 1);
                (*place).isnull = column.nulls.is_some_and(|nulls| *nulls.add(row));
                if (*place).isnull && strict {
                    return;
                }
                (*place).value = *column.values.add(row);
            }
            if strict {
                if state.is_empty {
                    *state = State {
                        value: self.copy((*places.add(1)).value),
                        is_null: false,
                        is_empty: false,
                    };
                    return;
                }
                if state.is_null {
                    return;
                }
            }
            (*places).value = state.value;
            (*places).isnull = state.is_null;
            (*frame).isnull = false;
            let Some(function) = (*self.advance.function).fn_addr else {
                return;
            };
            let new = function(frame);
            let is_null = (*frame).isnull;
            if self.by_value {
                state.value = new;
            } else if new.value() != state.value.value() {
                let old = std::mem::replace(&mut state.value, pg_sys::Datum::from(0));
                if !is_null {
                    state.value = self.copy(new);
                }
                if !state.is_null {
                    pg_sys::pfree(old.cast_mut_ptr());
                }
            }
            state.is_null = is_null;
            state.is_empty = false;
        }
    }

    /// The result, or the state for another process; `None`: NULL. In the current memory context, or where the state is.
    pub fn result(&mut self, group: usize) -> Option<pg_sys::Datum> {
        let state = *self.states.get(group)?;
        let Some(finish) = &self.finish else {
            return (!state.is_null).then_some(state.value);
        };
        // SAFETY: a function of one argument, the state.
        unsafe {
            if (*finish.function).fn_strict && state.is_null {
                return None;
            }
            let frame = finish.frame;
            let function = (*finish.function).fn_addr?;
            *(*frame).args.as_mut_ptr() = pg_sys::NullableDatum {
                value: state.value,
                isnull: state.is_null,
            };
            (*frame).isnull = false;
            let result = pg_sys::ffi::pg_guard_ffi_boundary(|| function(frame));
            (!(*frame).isnull).then_some(result)
        }
    }

    /// How many arguments the aggregate has.
    pub fn arguments(&self) -> usize {
        self.arguments
    }
}

impl State {
    const EMPTY: Self = Self {
        value: pg_sys::Datum::null(),
        is_null: true,
        is_empty: true,
    };
}

impl Call {
    unsafe fn new(
        function: pg_sys::Oid,
        arguments: usize,
        collation: pg_sys::Oid,
        owner: *mut pg_sys::AggState,
        context: pg_sys::MemoryContext,
    ) -> Self {
        debug_assert!(arguments <= MOST_ARGUMENTS + 1);
        // SAFETY: a function of as many arguments; a frame that has room for them, zeroed.
        unsafe {
            let info = pg_sys::palloc0(std::mem::size_of::<pg_sys::FmgrInfo>()) as *mut pg_sys::FmgrInfo;
            pg_sys::fmgr_info_cxt(function, info, context);
            let size = std::mem::size_of::<pg_sys::FunctionCallInfoBaseData>()
                + arguments * std::mem::size_of::<pg_sys::NullableDatum>();
            let frame = pg_sys::palloc0(size) as pg_sys::FunctionCallInfo;
            (*frame).flinfo = info;
            (*frame).context = owner as *mut pg_sys::Node;
            (*frame).fncollation = collation;
            (*frame).nargs = arguments as c_short;
            Self {
                function: info,
                frame,
            }
        }
    }
}
