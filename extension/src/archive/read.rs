//! Columns of a file as values of PostgreSQL, a batch at a time.

use std::any::Any;

use kpi_archive::arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type,
};
use kpi_archive::arrow_array::types::{
    Int16Type, Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use kpi_archive::arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, PrimitiveArray, StringArray,
};
use kpi_archive::{Column, Kind};
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::cast::{self, Cast, Input};
use super::kinds::{self, Storage};
use super::numeric;
use crate::error::Error;

/// A column as the table has it now.
#[derive(Clone)]
pub struct Target {
    pub name: String,
    pub ty: pg_sys::Oid,
    pub typmod: i32,
    pub collation: pg_sys::Oid,
    /// What rows have that were stored before the column was added.
    pub missing: Option<pg_sys::Datum>,
}

/// How the values of a file become values of PostgreSQL.
enum Decode {
    /// The file lacks the column.
    Missing(Option<pg_sys::Datum>),
    Bool,
    /// Integers of the file, of any width: where integers are passed by value, their width does not show.
    Integer,
    Float32,
    Float64,
    Decimal {
        scale: u8,
    },
    Date,
    Time,
    Timestamp,
    Uuid,
    /// Text or bytes that are the value.
    Varlena,
    /// Text that the input function reads.
    Text(Input),
}

/// Reads one column.
pub struct Reader {
    decode: Decode,
    cast: Option<Cast>,
    values: Vec<pg_sys::Datum>,
    nulls: Vec<bool>,
    /// Where values lie that are passed by reference.
    arena: Vec<u64>,
    /// Where the values lie that needed no copy.
    array: Option<ArrayRef>,
}

/// An arena that grew beyond this is given back after its batch.
const ARENA: usize = 4 << 20;

impl Reader {
    /// A reader of a file's column (`None`: the file lacks it) for a column of the table.
    ///
    /// # Safety
    /// The current memory context and the expression context live as long as what is returned.
    pub unsafe fn new(
        target: &Target,
        column: Option<&Column>,
        context: *mut pg_sys::ExprContext,
    ) -> Result<Self, Error> {
        let (decode, cast) = match column {
            None => (Decode::Missing(target.missing), None),
            // SAFETY: as this function's contract says.
            Some(column) => unsafe { plan(target, column, context)? },
        };
        Ok(Self {
            decode,
            cast,
            values: Vec::new(),
            nulls: Vec::new(),
            arena: Vec::new(),
            array: None,
        })
    }

    /// Whether values are read under settings that a session may change.
    pub fn reads_text(&self) -> bool {
        matches!(self.decode, Decode::Text(_))
    }

    /// The values of the present batch.
    pub fn values(&self) -> *const pg_sys::Datum {
        self.values.as_ptr()
    }

    /// Which of them are NULL; `None`: none is.
    pub fn nulls(&self) -> Option<*const bool> {
        (!self.nulls.is_empty()).then_some(self.nulls.as_ptr())
    }

    /// Takes the values of a batch of `rows` rows; those before are gone. What functions of PostgreSQL make of them is in
    /// the current memory context, or in that of the expression context.
    pub fn fill(&mut self, array: &ArrayRef, rows: usize) -> Result<(), Error> {
        self.array = None;
        if self.arena.capacity() * 8 > ARENA {
            self.arena = Vec::new();
        }
        self.values.clear();
        self.nulls.clear();
        match &mut self.decode {
            Decode::Missing(value) => {
                self.values.resize(rows, value.unwrap_or(pg_sys::Datum::from(0)));
                if value.is_none() {
                    self.nulls.resize(rows, true);
                }
                return Ok(());
            }
            Decode::Text(input) => {
                let array = of_type::<StringArray>(array)?;
                for row in 0..array.len() {
                    let value = array
                        .is_valid(row)
                        .then(|| input.value(array.value(row).as_bytes()));
                    self.values.push(value.unwrap_or(pg_sys::Datum::from(0)));
                }
            }
            Decode::Bool => {
                let array = of_type::<BooleanArray>(array)?;
                self.values.extend(array.values().iter().map(pg_sys::Datum::from));
            }
            Decode::Integer => {
                if let Some(array) = array.as_any().downcast_ref::<PrimitiveArray<Int64Type>>() {
                    self.values
                        .extend(array.values().iter().map(|v| pg_sys::Datum::from(*v)));
                } else if let Some(array) = array.as_any().downcast_ref::<PrimitiveArray<Int16Type>>() {
                    self.values
                        .extend(array.values().iter().map(|v| pg_sys::Datum::from(*v)));
                } else {
                    fixed::<Int32Type>(array, &mut self.values, pg_sys::Datum::from)?;
                }
            }
            Decode::Float32 => {
                // Sign-extended, as PostgreSQL does it: equal values are equal datums.
                fixed::<Float32Type>(array, &mut self.values, |v| {
                    pg_sys::Datum::from(v.to_bits() as i32)
                })?
            }
            Decode::Float64 => {
                fixed::<Float64Type>(array, &mut self.values, |v| pg_sys::Datum::from(v.to_bits()))?
            }
            Decode::Date => fixed::<Date32Type>(array, &mut self.values, |v| pg_sys::Datum::from(date(v)))?,
            Decode::Time => fixed::<Time64MicrosecondType>(array, &mut self.values, pg_sys::Datum::from)?,
            Decode::Timestamp => fixed::<TimestampMicrosecondType>(array, &mut self.values, |v| {
                pg_sys::Datum::from(timestamp(v))
            })?,
            Decode::Decimal { scale } => {
                let array = of_type::<PrimitiveArray<Decimal128Type>>(array)?;
                let stride = numeric::MAX_SIZE.next_multiple_of(8);
                self.arena.resize(array.len() * stride / 8, 0);
                let places = self.arena.chunks_exact_mut(stride / 8);
                for (value, place) in array.values().iter().zip(places) {
                    // SAFETY: any bytes are valid in both types, and the chunk is `stride` bytes long.
                    let bytes =
                        unsafe { std::slice::from_raw_parts_mut(place.as_mut_ptr() as *mut u8, stride) };
                    numeric::write(*value, *scale, bytes);
                    self.values.push(pg_sys::Datum::from(bytes.as_ptr()));
                }
            }
            Decode::Uuid => {
                let uuids = of_type::<FixedSizeBinaryArray>(array)?;
                let present = (0..uuids.len()).map(|row| pg_sys::Datum::from(uuids.value(row).as_ptr()));
                self.values.extend(present);
                self.array = Some(array.clone());
            }
            Decode::Varlena => {
                if let Some(text) = array.as_any().downcast_ref::<StringArray>() {
                    varlena(
                        text.value_offsets(),
                        text.value_data(),
                        &mut self.arena,
                        &mut self.values,
                    );
                } else {
                    let bytes = of_type::<BinaryArray>(array)?;
                    varlena(
                        bytes.value_offsets(),
                        bytes.value_data(),
                        &mut self.arena,
                        &mut self.values,
                    );
                }
            }
        }
        if self.values.len() != rows {
            return Err(unexpected(array));
        }
        if let Some(present) = array.nulls().filter(|nulls| nulls.null_count() > 0) {
            self.nulls.extend(present.inner().iter().map(|valid| !valid));
        }
        if let Some(cast) = &self.cast {
            self.nulls.resize(rows, false);
            let values = self.values.iter_mut().zip(&mut self.nulls);
            for (value, null) in values.filter(|(_, null)| !**null) {
                match cast.value(*value) {
                    Some(cast) => *value = cast,
                    None => *null = true,
                }
            }
        }
        Ok(())
    }
}

/// How the values of a file's column are decoded, and what makes of them what the column is now.
unsafe fn plan(
    target: &Target,
    column: &Column,
    context: *mut pg_sys::ExprContext,
) -> Result<(Decode, Option<Cast>), Error> {
    let to = (target.ty, target.typmod);
    let unchanged = column.pg_type == kinds::type_name(to.0, to.1);
    let from = if unchanged {
        Some(to)
    } else {
        cast::type_named(&column.pg_type)
    };
    // SAFETY: the current memory context outlives the scan, by this function's contract.
    let input = |(ty, typmod)| unsafe { Decode::Text(Input::of(ty, typmod, pg_sys::CurrentMemoryContext)) };
    let impossible = || cast::impossible(&target.name, &column.pg_type, &kinds::type_name(to.0, to.1));
    let Some(from) = from else {
        // The type is gone: what it wrote as text, the present one may read.
        return match column.kind {
            Kind::Text => Ok((input(to), None)),
            kind if kind == kinds::storage(to.0, to.1).kind => Ok((direct(kind), None)),
            _ => Err(impossible()),
        };
    };
    let stored = kinds::storage(from.0, from.1);
    let by_text = column.kind == Kind::Text && (stored.through_text || stored.kind != Kind::Text);
    let decode = if by_text { input(from) } else { direct(column.kind) };
    let widens = integer_width(&stored).zip(integer_width(&kinds::storage(to.0, to.1)));
    if unchanged || cast::same(from, to) || widens.is_some_and(|(from, to)| from <= to) {
        return Ok((decode, None));
    }
    // SAFETY: as this function's contract says.
    match unsafe { Cast::between(from, to, target.collation, context) } {
        Some(cast) => Ok((decode, Some(cast))),
        // PostgreSQL would refuse, too, but where the text was kept the input function may do.
        None if column.kind == Kind::Text => Ok((input(to), None)),
        None => Err(impossible()),
    }
}

fn direct(kind: Kind) -> Decode {
    match kind {
        Kind::Bool => Decode::Bool,
        Kind::Int16 | Kind::Int32 | Kind::Int64 => Decode::Integer,
        Kind::Float32 => Decode::Float32,
        Kind::Float64 => Decode::Float64,
        Kind::Decimal { scale, .. } => Decode::Decimal { scale },
        Kind::Date => Decode::Date,
        Kind::Time => Decode::Time,
        Kind::Timestamp { .. } => Decode::Timestamp,
        Kind::Uuid => Decode::Uuid,
        Kind::Text | Kind::Binary => Decode::Varlena,
    }
}

fn integer_width(storage: &Storage) -> Option<u8> {
    match storage.kind {
        Kind::Int16 => Some(2),
        Kind::Int32 => Some(4),
        Kind::Int64 => Some(8),
        _ => None,
    }
}

/// A date of PostgreSQL from days since 1970; the ends of the range are the infinities of both.
pub fn date(days: i32) -> i32 {
    match days {
        i32::MAX | i32::MIN => days,
        days => days.wrapping_sub(10_957),
    }
}

/// A timestamp of PostgreSQL from microseconds since 1970; the ends of the range are the infinities of both.
pub fn timestamp(micros: i64) -> i64 {
    match micros {
        i64::MAX | i64::MIN => micros,
        micros => micros.wrapping_sub(946_684_800_000_000),
    }
}

fn of_type<T: Any>(array: &ArrayRef) -> Result<&T, Error> {
    array
        .as_any()
        .downcast_ref::<T>()
        .ok_or_else(|| unexpected(array))
}

fn unexpected(array: &ArrayRef) -> Error {
    Error::new(
        PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
        "an archived column is not what its file says that it is",
    )
    .detail(format!("It holds {} of type {}.", array.len(), array.data_type()))
    .hint("Check the archive: SELECT * FROM kpi.verify_archive('<table>').")
}

fn fixed<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    values: &mut Vec<pg_sys::Datum>,
    datum: impl Fn(T::Native) -> pg_sys::Datum,
) -> Result<(), Error> {
    let array = of_type::<PrimitiveArray<T>>(array)?;
    values.extend(array.values().iter().map(|value| datum(*value)));
    Ok(())
}

/// Texts or bytes, each with the header of a varlena in front.
fn varlena(offsets: &[i32], data: &[u8], arena: &mut Vec<u64>, values: &mut Vec<pg_sys::Datum>) {
    let lengths = || {
        offsets
            .windows(2)
            .map(|pair| pair[1].saturating_sub(pair[0]).max(0) as usize)
    };
    let words = |length: usize| (length + 4).div_ceil(8);
    arena.resize(lengths().map(words).sum::<usize>().max(arena.len()), 0);
    // SAFETY: any bytes are valid in both types.
    let mut free = unsafe { std::slice::from_raw_parts_mut(arena.as_mut_ptr() as *mut u8, arena.len() * 8) };
    let mut from = offsets.first().copied().unwrap_or(0).max(0) as usize;
    for length in lengths() {
        let (place, rest) = std::mem::take(&mut free).split_at_mut(words(length) * 8);
        place[..4].copy_from_slice(&numeric::varlena_header(length + 4));
        place[4..4 + length].copy_from_slice(&data[from..from + length]);
        values.push(pg_sys::Datum::from(place.as_ptr()));
        from += length;
        free = rest;
    }
}
