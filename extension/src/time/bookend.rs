//! The aggregates `first(value, time)` and `last(value, time)`, of any types.

use std::cmp::Ordering;

use pgrx::pg_sys;
use pgrx::prelude::*;

use super::server::{datumCopy, datumGetSize};
use crate::aggregates::call::{Call, Returned, sql_functions};
use crate::aggregates::transition::state_mut;
use crate::error::Error;

/// How values of a type are passed.
#[derive(Clone, Copy)]
struct Passing {
    of_type: pg_sys::Oid,
    length: i32,
    by_value: bool,
}

impl Passing {
    fn of(of_type: pg_sys::Oid) -> Self {
        let (mut length, mut by_value) = (0, false);
        // SAFETY: it writes to the variables given, or raises an error for a type that there is not.
        unsafe { pg_sys::get_typlenbyval(of_type, &raw mut length, &raw mut by_value) };
        Self {
            of_type,
            length: length.into(),
            by_value,
        }
    }

    /// A copy that lives as long as the memory context.
    fn copy(self, value: pg_sys::Datum, context: pg_sys::MemoryContext) -> pg_sys::Datum {
        if self.by_value {
            return value;
        }
        // SAFETY: the value is of this type and not NULL, and the context is switched back to what it was.
        unsafe {
            let outer = pg_sys::MemoryContextSwitchTo(context);
            let copy = datumCopy(value, false, self.length);
            pg_sys::MemoryContextSwitchTo(outer);
            copy
        }
    }

    /// Frees what [`Passing::copy`] made.
    fn free(self, value: pg_sys::Datum) {
        if !self.by_value && !value.is_null() {
            // SAFETY: the copy was allocated on its own, and the caller has no other use of it.
            unsafe { pg_sys::pfree(value.cast_mut_ptr()) };
        }
    }
}

/// How the times of one call are compared.
#[derive(Clone, Copy)]
enum Order {
    Int2,
    Int4,
    Int8,
    /// The comparison function of the type's default btree operator class. The entry lives as long as the session.
    Opclass(*mut pg_sys::TypeCacheEntry, pg_sys::Oid),
}

impl Order {
    fn of(of_type: pg_sys::Oid, collation: pg_sys::Oid) -> Result<Self, Error> {
        // SAFETY: the lookups only read catalogs.
        unsafe {
            match pg_sys::getBaseType(of_type) {
                pg_sys::INT2OID => return Ok(Self::Int2),
                pg_sys::INT4OID | pg_sys::DATEOID => return Ok(Self::Int4),
                pg_sys::INT8OID | pg_sys::TIMESTAMPOID | pg_sys::TIMESTAMPTZOID => return Ok(Self::Int8),
                _ => {}
            }
            let flags = pg_sys::TYPECACHE_CMP_PROC | pg_sys::TYPECACHE_CMP_PROC_FINFO;
            let entry = pg_sys::lookup_type_cache(of_type, flags as i32);
            if (*entry).cmp_proc_finfo.fn_oid == pg_sys::InvalidOid {
                return Err(Error::new(
                    PgSqlErrorCode::ERRCODE_UNDEFINED_FUNCTION,
                    "cannot tell which row is first or last by a type without an order",
                )
                .detail(format!(
                    "The type of the second argument is {}.",
                    type_name(of_type)
                ))
                .hint("Give a time or a number, and cast a literal, for example timestamptz '2026-01-01'."));
            }
            Ok(Self::Opclass(entry, collation))
        }
    }

    #[inline]
    fn compare(self, a: pg_sys::Datum, b: pg_sys::Datum) -> Ordering {
        match self {
            Self::Int2 => (a.value() as i16).cmp(&(b.value() as i16)),
            Self::Int4 => (a.value() as i32).cmp(&(b.value() as i32)),
            Self::Int8 => (a.value() as i64).cmp(&(b.value() as i64)),
            // SAFETY: type cache entries are never freed, and `of` saw to it that this one has the function.
            Self::Opclass(entry, collation) => unsafe {
                let function = &raw mut (*entry).cmp_proc_finfo;
                (pg_sys::FunctionCall2Coll(function, collation, a, b).value() as i32).cmp(&0)
            },
        }
    }

    fn collation(self) -> pg_sys::Oid {
        match self {
            Self::Opclass(_, collation) => collation,
            _ => pg_sys::InvalidOid,
        }
    }
}

fn type_name(of_type: pg_sys::Oid) -> String {
    // SAFETY: format_type_be returns a palloc'ed string that ends with a zero byte.
    unsafe { std::ffi::CStr::from_ptr(pg_sys::format_type_be(of_type)) }
        .to_string_lossy()
        .into_owned()
}

/// What is known of the types of one aggregate.
#[derive(Clone, Copy)]
struct Types {
    value: Passing,
    time: Passing,
    order: Order,
}

/// The types of the arguments, found once per query and kept with the function.
#[inline]
fn types(call: &Call) -> Result<Types, Error> {
    // SAFETY: flinfo outlives the call, and fn_extra is this function's own: null, or what was stored below in memory that
    // lives as long as flinfo.
    unsafe {
        let flinfo = (*call.fcinfo()).flinfo;
        if (*flinfo).fn_extra.is_null() {
            let time = pg_sys::get_fn_expr_argtype(flinfo, 2);
            let found = Types {
                value: Passing::of(pg_sys::get_fn_expr_argtype(flinfo, 1)),
                time: Passing::of(time),
                order: Order::of(time, (*call.fcinfo()).fncollation)?,
            };
            let place = pg_sys::MemoryContextAlloc((*flinfo).fn_mcxt, size_of::<Types>()).cast::<Types>();
            place.write(found);
            (*flinfo).fn_extra = place.cast();
        }
        Ok(*(*flinfo).fn_extra.cast::<Types>())
    }
}

/// The first or last row so far. It lives, as do its copies, in the memory of the aggregate.
struct Bookend {
    types: Types,
    value: Option<pg_sys::Datum>,
    time: pg_sys::Datum,
}

impl Bookend {
    fn place(
        context: pg_sys::MemoryContext,
        types: Types,
        value: Option<pg_sys::Datum>,
        time: pg_sys::Datum,
    ) -> pg_sys::Datum {
        let state = Self {
            types,
            value: value.map(|value| types.value.copy(value, context)),
            time: types.time.copy(time, context),
        };
        // SAFETY: the new chunk is large enough, and PostgreSQL aligns chunks to 8 bytes, which is what the state needs.
        unsafe {
            let place = pg_sys::MemoryContextAlloc(context, size_of::<Self>()).cast::<Self>();
            place.write(state);
            pg_sys::Datum::from(place)
        }
    }

    #[inline]
    fn replace(
        &mut self,
        call: &Call,
        value: Option<pg_sys::Datum>,
        time: pg_sys::Datum,
    ) -> Result<(), Error> {
        if self.types.value.by_value && self.types.time.by_value {
            (self.value, self.time) = (value, time);
            return Ok(());
        }
        let context = call.aggregate_memory()?;
        let value = value.map(|value| self.types.value.copy(value, context));
        let time = self.types.time.copy(time, context);
        if let Some(old) = self.value {
            self.types.value.free(old);
        }
        self.types.time.free(self.time);
        (self.value, self.time) = (value, time);
        Ok(())
    }
}

/// A row replaces the one that is kept when its time compares so with it: of equal times the one that came first stays.
#[inline]
fn step(call: &Call, replaces: Ordering) -> Returned {
    let Some(time) = call.argument(2) else {
        return Ok(call.argument(0));
    };
    let value = call.argument(1);
    match call.argument(0) {
        Some(datum) => {
            let kept = state_mut::<Bookend>(datum);
            if kept.types.order.compare(time, kept.time) == replaces {
                kept.replace(call, value, time)?;
            }
            Ok(Some(datum))
        }
        None => {
            let context = call.aggregate_memory()?;
            Ok(Some(Bookend::place(context, types(call)?, value, time)))
        }
    }
}

fn combine(call: &Call, replaces: Ordering) -> Returned {
    let Some(second) = call.argument(1) else {
        return Ok(call.argument(0));
    };
    let other = state_mut::<Bookend>(second);
    match call.argument(0) {
        Some(datum) => {
            let kept = state_mut::<Bookend>(datum);
            if kept.types.order.compare(other.time, kept.time) == replaces {
                kept.replace(call, other.value, other.time)?;
            }
            Ok(Some(datum))
        }
        None => {
            let context = call.aggregate_memory()?;
            Ok(Some(Bookend::place(
                context,
                other.types,
                other.value,
                other.time,
            )))
        }
    }
}

/// The value that is kept, as a copy: a window goes on with the state.
fn finish(call: &Call) -> Returned {
    let Some(datum) = call.argument(0) else {
        return Ok(None);
    };
    let kept = state_mut::<Bookend>(datum);
    // SAFETY: PostgreSQL calls functions in the context where their results belong.
    let context = unsafe { pg_sys::CurrentMemoryContext };
    Ok(kept.value.map(|value| kept.types.value.copy(value, context)))
}

/// The version of the bytes that go from a worker to the leader.
const VERSION: u8 = 1;

/// A worker's state for the leader of the same query: the values as they are in memory, so that any type can go.
fn serialize(call: &Call) -> Returned {
    call.aggregate_memory()?;
    let Some(datum) = call.argument(0) else {
        return Ok(None);
    };
    let kept = state_mut::<Bookend>(datum);
    let mut bytes = vec![VERSION];
    for oid in [
        kept.types.value.of_type,
        kept.types.time.of_type,
        kept.types.order.collation(),
    ] {
        bytes.extend_from_slice(&oid.to_u32().to_le_bytes());
    }
    write(&mut bytes, kept.types.time, kept.time);
    if let Some(value) = kept.value {
        write(&mut bytes, kept.types.value, value);
    }
    Ok(Some(pg_sys::Datum::from(
        pgrx::rust_byte_slice_to_bytea(&bytes).into_pg(),
    )))
}

fn write(bytes: &mut Vec<u8>, passing: Passing, value: pg_sys::Datum) {
    if passing.by_value {
        bytes.extend_from_slice(&(value.value() as u64).to_le_bytes());
        return;
    }
    // SAFETY: the value is a copy of this type, and as long as datumGetSize says.
    let content = unsafe {
        let size = datumGetSize(value, false, passing.length);
        std::slice::from_raw_parts(value.cast_mut_ptr::<u8>(), size)
    };
    bytes.extend_from_slice(&(content.len() as u64).to_le_bytes());
    bytes.extend_from_slice(content);
}

/// A worker's bytes as a state that lives until it has been combined.
fn deserialize(call: &Call) -> Returned {
    call.aggregate_memory()?;
    let Some(mut rest) = call.bytes(0) else {
        return Ok(None);
    };
    if rest.split_off_first() != Some(&VERSION) {
        return Err(corrupt());
    }
    let mut oid = || take_u32(&mut rest).map(pg_sys::Oid::from_u32);
    let (value_type, time_type, collation) = (oid()?, oid()?, oid()?);
    let types = Types {
        value: Passing::of(value_type),
        time: Passing::of(time_type),
        order: Order::of(time_type, collation)?,
    };
    let time = read(&mut rest, types.time)?;
    let value = if rest.is_empty() {
        None
    } else {
        Some(read(&mut rest, types.value)?)
    };
    if !rest.is_empty() {
        return Err(corrupt());
    }
    // SAFETY: PostgreSQL calls functions in the context where their results belong.
    let context = unsafe { pg_sys::CurrentMemoryContext };
    Ok(Some(Bookend::place(context, types, value, time)))
}

/// The value at the start of the bytes; by reference it is their own memory's copy, aligned as any type needs it.
fn read(rest: &mut &[u8], passing: Passing) -> Result<pg_sys::Datum, Error> {
    let number = take_u64(rest)?;
    if passing.by_value {
        return Ok(pg_sys::Datum::from(number));
    }
    let length = usize::try_from(number).map_err(|_| corrupt())?;
    let content = rest.split_off(..length).ok_or_else(corrupt)?;
    let whole = match (passing.length, content) {
        (-1, [header, ..]) => length >= if header & 1 == 1 { 1 } else { 4 },
        (-2, content) => content.last() == Some(&0),
        (fixed, _) => i64::from(fixed) == length as i64,
    };
    if !whole {
        return Err(corrupt());
    }
    // SAFETY: the chunk is as long as what is copied into it; a header of variable length was seen to be whole before
    // datumGetSize reads it.
    unsafe {
        let place = pg_sys::palloc(length.max(16)).cast::<u8>();
        std::ptr::copy_nonoverlapping(content.as_ptr(), place, length);
        let value = pg_sys::Datum::from(place);
        if datumGetSize(value, false, passing.length) != length {
            return Err(corrupt());
        }
        Ok(value)
    }
}

fn take_u32(rest: &mut &[u8]) -> Result<u32, Error> {
    let (head, tail) = rest.split_first_chunk().ok_or_else(corrupt)?;
    *rest = tail;
    Ok(u32::from_le_bytes(*head))
}

fn take_u64(rest: &mut &[u8]) -> Result<u64, Error> {
    let (head, tail) = rest.split_first_chunk().ok_or_else(corrupt)?;
    *rest = tail;
    Ok(u64::from_le_bytes(*head))
}

#[cold]
fn corrupt() -> Error {
    Error::new(
        PgSqlErrorCode::ERRCODE_INVALID_BINARY_REPRESENTATION,
        "these bytes are not a state of first or last",
    )
    .hint("Only the aggregates themselves call this function.")
}

sql_functions! {
    kpi_first_trans, pg_finfo_kpi_first_trans: |call| step(call, Ordering::Less);
    kpi_first_combine, pg_finfo_kpi_first_combine: |call| combine(call, Ordering::Less);
    kpi_last_trans, pg_finfo_kpi_last_trans: |call| step(call, Ordering::Greater);
    kpi_last_combine, pg_finfo_kpi_last_combine: |call| combine(call, Ordering::Greater);
    kpi_bookend_serialize, pg_finfo_kpi_bookend_serialize: serialize;
    kpi_bookend_deserialize, pg_finfo_kpi_bookend_deserialize: deserialize;
    kpi_bookend_final, pg_finfo_kpi_bookend_final: finish;
}
