//! The window functions `locf` and `interpolate`: values for rows that gap filling has added.
//!
//! They look at rows by position, so no value is copied, and each row is looked at a fixed number of times.

use std::ffi::c_void;
use std::num::NonZeroUsize;

use kpi_series::interpolation::{between, between_integers};
use pgrx::datum::UnboxDatum;
use pgrx::heap_tuple::PgHeapTuple;
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::server::{
    WinGetCurrentPosition, WinGetFuncArgCurrent, WinGetFuncArgInPartition, WinGetPartitionLocalMemory,
    WinSetMarkPosition,
};
use crate::aggregates::call::{Call, Returned, sql_functions};
use crate::error::Error;

// PostgreSQL's windowapi.h.
const SEEK_CURRENT: i32 = 0;

/// The window of one call.
#[derive(Clone, Copy)]
struct Window(*mut c_void);

/// What is at a position relative to the current row.
enum At {
    /// Beyond the partition.
    Out,
    Null,
    Value(pg_sys::Datum),
}

impl Window {
    fn of(call: &Call) -> Result<Self, Error> {
        // SAFETY: fcinfo is valid for the length of the call, and its context is null or a node.
        let context = unsafe { (*call.fcinfo()).context };
        // SAFETY: as above.
        if context.is_null() || unsafe { (*context).type_ } != pg_sys::NodeTag::T_WindowObjectData {
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_WINDOWING_ERROR,
                "this function works only as a window function",
            )
            .hint("Write an OVER clause after it, for example OVER (ORDER BY bucket)."));
        }
        Ok(Self(context.cast()))
    }

    /// Memory for the partition, zero at first.
    fn memory<T: 'static>(self) -> &'static mut T {
        // SAFETY: the window is that of the call. PostgreSQL gives zeroed memory, the same for each row of a partition; each
        // function here has one type for it, of integers only, and asks for it once a call.
        unsafe { &mut *WinGetPartitionLocalMemory(self.0, size_of::<T>()).cast::<T>() }
    }

    fn position(self) -> i64 {
        // SAFETY: the window is that of the call.
        unsafe { WinGetCurrentPosition(self.0) }
    }

    /// Says that no row before the position will be asked for.
    fn forget_before(self, position: i64) {
        // SAFETY: as above.
        unsafe { WinSetMarkPosition(self.0, position) };
    }

    fn current(self, argument: i32) -> Option<pg_sys::Datum> {
        let mut is_null = true;
        // SAFETY: as above; the function has this argument.
        let datum = unsafe { WinGetFuncArgCurrent(self.0, argument, &raw mut is_null) };
        (!is_null).then_some(datum)
    }

    fn at(self, argument: i32, distance: i64) -> Result<At, Error> {
        let distance = i32::try_from(distance).map_err(|_| {
            Error::new(
                PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                "a gap has more rows than can be filled",
            )
            .hint("Fill a smaller range, or one with wider buckets.")
        })?;
        let (mut is_null, mut is_out) = (true, true);
        // SAFETY: as above.
        let datum = unsafe {
            WinGetFuncArgInPartition(
                self.0,
                argument,
                distance,
                SEEK_CURRENT,
                false,
                &raw mut is_null,
                &raw mut is_out,
            )
        };
        Ok(match (is_out, is_null) {
            (true, _) => At::Out,
            (_, true) => At::Null,
            _ => At::Value(datum),
        })
    }
}

/// Position of a row, counted from 1 so that 0 is none.
type Place = i64;

/// `locf(value, prev, treat_null_as_missing)`.
fn locf(call: &Call) -> Returned {
    let window = Window::of(call)?;
    let last: &mut Place = window.memory();
    let row = window.position();
    let value = window.current(0);
    if value.is_some() || window.current(2).is_some_and(|missing| missing.value() == 0) {
        *last = row + 1;
        window.forget_before(row);
        return Ok(value);
    }
    if *last == 0 {
        window.forget_before(row);
        return Ok(window.current(1));
    }
    match window.at(0, *last - 1 - row)? {
        At::Value(value) => Ok(Some(value)),
        At::Null | At::Out => Ok(None),
    }
}

/// What one partition of `interpolate` remembers.
#[repr(C)]
struct Around {
    /// The last row with a value.
    before: Place,
    /// The next row with a value, as it was found from the start of the gap.
    after: Place,
    /// Whether there was none.
    none_after: bool,
}

/// A number of a type that is interpolated.
trait Number: Copy {
    fn read(datum: pg_sys::Datum) -> Self;
    fn datum(self) -> pg_sys::Datum;
    /// The value of a record's field of one of the number types.
    fn from_field(field: Field) -> Option<Self>;
    fn between(a: (i64, Self), b: (i64, Self), time: i64) -> Option<Self>;
}

macro_rules! integers {
    ($($type:ty),+) => {$(
        impl Number for $type {
            fn read(datum: pg_sys::Datum) -> Self {
                datum.value() as Self
            }
            fn datum(self) -> pg_sys::Datum {
                self.into()
            }
            fn from_field(field: Field) -> Option<Self> {
                match field {
                    Field::Integer(number) => number.try_into().ok(),
                    Field::Float(_) => None,
                }
            }
            fn between(a: (i64, Self), b: (i64, Self), time: i64) -> Option<Self> {
                between_integers((a.0, a.1.into()), (b.0, b.1.into()), time)?.try_into().ok()
            }
        }
    )+};
}
integers!(i16, i32, i64);

impl Number for f64 {
    fn read(datum: pg_sys::Datum) -> Self {
        Self::from_bits(datum.value() as u64)
    }
    fn datum(self) -> pg_sys::Datum {
        self.to_bits().into()
    }
    fn from_field(field: Field) -> Option<Self> {
        Some(match field {
            Field::Integer(number) => number as Self,
            Field::Float(number) => number,
        })
    }
    fn between(a: (i64, Self), b: (i64, Self), time: i64) -> Option<Self> {
        Some(between(a, b, time))
    }
}

impl Number for f32 {
    fn read(datum: pg_sys::Datum) -> Self {
        Self::from_bits(datum.value() as u32)
    }
    fn datum(self) -> pg_sys::Datum {
        self.to_bits().into()
    }
    fn from_field(field: Field) -> Option<Self> {
        f64::from_field(field).map(|number| number as Self)
    }
    fn between(a: (i64, Self), b: (i64, Self), time: i64) -> Option<Self> {
        Some(between((a.0, a.1.into()), (b.0, b.1.into()), time) as Self)
    }
}

/// `interpolate(value, ts, prev, next)`.
fn interpolate<N: Number>(call: &Call) -> Returned {
    let window = Window::of(call)?;
    let around: &mut Around = window.memory();
    let row = window.position();
    if let Some(value) = window.current(0) {
        // Without a time a value is on no line.
        if window.current(1).is_some() {
            around.before = row + 1;
            window.forget_before(row);
        }
        return Ok(Some(value));
    }
    let Some(ts) = window.current(1) else {
        return Ok(None);
    };
    // SAFETY: fcinfo is valid for the length of the call.
    let time_type = unsafe { pg_sys::getBaseType(pg_sys::get_fn_expr_argtype((*call.fcinfo()).flinfo, 1)) };
    let time = |datum| time(datum, time_type);
    let ts = time(ts)?;
    let before = match around.before {
        0 => {
            window.forget_before(row);
            endpoint::<N>(window.current(2), time_type)?
        }
        place => point::<N>(window, place - 1 - row, time)?,
    };
    let Some(before) = before else {
        return Ok(None);
    };
    if around.after <= row && !around.none_after {
        look_ahead(window, around, row)?;
    }
    let after = if around.after > row {
        point::<N>(window, around.after - 1 - row, time)?
    } else {
        endpoint::<N>(window.current(3), time_type)?
    };
    let Some(after) = after else {
        return Ok(None);
    };
    match N::between(before, after, ts) {
        Some(value) => Ok(Some(value.datum())),
        None => Err(Error::new(
            PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
            "the interpolated value is out of range for its type",
        )
        .hint("Order the window by the time that is given as second argument, or cast the value to float8.")),
    }
}

/// Finds the next row that has a value and a time.
fn look_ahead(window: Window, around: &mut Around, row: i64) -> Result<(), Error> {
    for distance in 1.. {
        match window.at(0, distance)? {
            At::Out => break,
            At::Value(_) if matches!(window.at(1, distance)?, At::Value(_)) => {
                around.after = row + distance + 1;
                return Ok(());
            }
            At::Value(_) | At::Null => {}
        }
    }
    around.none_after = true;
    Ok(())
}

/// Time and value of a row that has both.
fn point<N: Number>(
    window: Window,
    distance: i64,
    time: impl Fn(pg_sys::Datum) -> Result<i64, Error>,
) -> Result<Option<(i64, N)>, Error> {
    // Each is read before the next is asked for, which may reuse its memory.
    let value = match window.at(0, distance)? {
        At::Value(value) => N::read(value),
        At::Null | At::Out => return Ok(None),
    };
    match window.at(1, distance)? {
        At::Value(ts) => Ok(Some((time(ts)?, value))),
        At::Null | At::Out => Ok(None),
    }
}

/// A time as a number.
fn time(datum: pg_sys::Datum, of_type: pg_sys::Oid) -> Result<i64, Error> {
    Ok(match of_type {
        pg_sys::INT2OID => (datum.value() as i16).into(),
        pg_sys::INT4OID | pg_sys::DATEOID => (datum.value() as i32).into(),
        pg_sys::INT8OID | pg_sys::TIMESTAMPOID | pg_sys::TIMESTAMPTZOID => datum.value() as i64,
        _ => {
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
                "the second argument of interpolate has to be a time",
            )
            .hint("Give the bucket: a timestamptz, timestamp, date or integer."));
        }
    })
}

/// A number in a record.
enum Field {
    Integer(i64),
    Float(f64),
}

/// The point beyond the rows that a record `(time, value)` stands for; none where a part is NULL.
fn endpoint<N: Number>(
    record: Option<pg_sys::Datum>,
    time_type: pg_sys::Oid,
) -> Result<Option<(i64, N)>, Error> {
    let Some(record) = record else {
        return Ok(None);
    };
    // SAFETY: the argument is declared as record, and not NULL.
    let record = unsafe { PgHeapTuple::from_composite_datum(record) };
    let (first, second) = (NonZeroUsize::MIN, NonZeroUsize::MIN.saturating_add(1));
    let type_at = |index| {
        record
            .get_attribute_by_index(index)
            .map(|attribute| attribute.type_oid().value())
    };
    let (Some(of_time), Some(of_value)) = (type_at(first), type_at(second)) else {
        return Err(not_a_point());
    };
    if record.len() != 2 || !same_time_type(of_time, time_type) {
        return Err(not_a_point());
    }
    let (time, value) = (field(&record, first, of_time)?, field(&record, second, of_value)?);
    let (Some(Field::Integer(time)), Some(value)) = (time, value) else {
        return Ok(None);
    };
    Ok(Some((time, N::from_field(value).ok_or_else(not_a_point)?)))
}

fn same_time_type(a: pg_sys::Oid, b: pg_sys::Oid) -> bool {
    let integer = |oid| matches!(oid, pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID);
    a == b || (integer(a) && integer(b))
}

/// The number, or the time as a number, at a place of a record.
fn field(
    record: &PgHeapTuple<'_, pgrx::AllocatedByRust>,
    index: NonZeroUsize,
    of_type: pg_sys::Oid,
) -> Result<Option<Field>, Error> {
    let float = |number: f64| Field::Float(number);
    Ok(match of_type {
        pg_sys::INT2OID => get::<i16>(record, index)?.map(|number| Field::Integer(number.into())),
        pg_sys::INT4OID => get::<i32>(record, index)?.map(|number| Field::Integer(number.into())),
        pg_sys::INT8OID => get::<i64>(record, index)?.map(Field::Integer),
        pg_sys::FLOAT4OID => get::<f32>(record, index)?.map(|number| float(number.into())),
        pg_sys::FLOAT8OID => get::<f64>(record, index)?.map(float),
        pg_sys::NUMERICOID => get::<AnyNumeric>(record, index)?
            .map(|number| f64::try_from(number).map(float))
            .transpose()
            .map_err(|_| not_a_point())?,
        pg_sys::DATEOID => {
            get::<Date>(record, index)?.map(|day| Field::Integer(day.to_pg_epoch_days().into()))
        }
        pg_sys::TIMESTAMPOID => {
            get::<Timestamp>(record, index)?.map(|time| Field::Integer(time.into_inner()))
        }
        pg_sys::TIMESTAMPTZOID => {
            get::<TimestampWithTimeZone>(record, index)?.map(|time| Field::Integer(time.into_inner()))
        }
        _ => return Err(not_a_point()),
    })
}

fn get<T: FromDatum + IntoDatum + for<'a> UnboxDatum<As<'a> = T> + 'static>(
    record: &PgHeapTuple<'_, pgrx::AllocatedByRust>,
    index: NonZeroUsize,
) -> Result<Option<T>, Error> {
    record.get_by_index(index).map_err(|_| not_a_point())
}

fn not_a_point() -> Error {
    Error::new(
        PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
        "prev and next of interpolate are records of a time and a value",
    )
    .detail("The time has to be of the type of the second argument, the value of that of the first.")
    .hint("Write it with casts, for example prev => (timestamptz '2026-01-01', 5.0::float8).")
}

sql_functions! {
    kpi_locf, pg_finfo_kpi_locf: locf;
    kpi_interpolate_int2, pg_finfo_kpi_interpolate_int2: interpolate::<i16>;
    kpi_interpolate_int4, pg_finfo_kpi_interpolate_int4: interpolate::<i32>;
    kpi_interpolate_int8, pg_finfo_kpi_interpolate_int8: interpolate::<i64>;
    kpi_interpolate_float4, pg_finfo_kpi_interpolate_float4: interpolate::<f32>;
    kpi_interpolate_float8, pg_finfo_kpi_interpolate_float8: interpolate::<f64>;
}
