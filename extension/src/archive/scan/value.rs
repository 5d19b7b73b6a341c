//! Values of conditions as files compare them.

use kpi_archive::{Test, Value};
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::collation;
use super::predicate::Comparison;
use crate::archive::kinds::Storage;

/// Days from 1970-01-01 to PostgreSQL's 2000-01-01.
pub const EPOCH_DAYS: i64 = 10_957;
/// Microseconds from 1970-01-01 to PostgreSQL's 2000-01-01.
pub const EPOCH: i64 = EPOCH_DAYS * DAY;
/// Microseconds of a day.
pub const DAY: i64 = 86_400_000_000;

/// What a condition, with its value, says about a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Rows that do not pass can be left out.
    Test(Test),
    /// Nothing that helps.
    Unknown,
    /// No row meets it.
    Never,
}

/// Evaluates a condition: `value` is what the column is compared with (`None`: NULL), of type `ty`.
///
/// # Safety
/// The datum has that type.
pub unsafe fn verdict(
    comparison: Comparison,
    value: Option<pg_sys::Datum>,
    ty: pg_sys::Oid,
    storage: &Storage,
) -> Verdict {
    match comparison {
        Comparison::IsNull => return Verdict::Test(Test::IsNull),
        Comparison::IsNotNull => return Verdict::Test(Test::IsNotNull),
        Comparison::True => return Verdict::Test(Test::Eq(Value::Bool(true))),
        Comparison::False => return Verdict::Test(Test::Eq(Value::Bool(false))),
        _ => (),
    }
    // All operators here are strict.
    let Some(datum) = value else {
        return Verdict::Never;
    };
    // SAFETY: as this function's contract says.
    unsafe {
        match comparison {
            Comparison::Any => any(datum, ty, storage),
            Comparison::Like => text(datum, ty).map_or(Verdict::Unknown, |pattern| like(&pattern)),
            Comparison::StartsWith => match text(datum, ty) {
                Some(prefix) => Verdict::Test(Test::Prefix(prefix)),
                None => Verdict::Unknown,
            },
            _ => compare(comparison, datum, ty, storage).map_or(Verdict::Unknown, Verdict::Test),
        }
    }
}

unsafe fn compare(
    comparison: Comparison,
    datum: pg_sys::Datum,
    ty: pg_sys::Oid,
    storage: &Storage,
) -> Option<Test> {
    // SAFETY: as in `verdict`.
    unsafe {
        let value = match storage.base {
            pg_sys::DATEOID | pg_sys::TIMESTAMPOID | pg_sys::TIMESTAMPTZOID => {
                return time(comparison, datum, ty, storage.base);
            }
            pg_sys::BOOLOID if ty == pg_sys::BOOLOID => Value::Bool(datum.value() != 0),
            pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID => Value::Int(match ty {
                pg_sys::INT2OID => i64::from(datum.value() as i16),
                pg_sys::INT4OID => i64::from(datum.value() as i32),
                pg_sys::INT8OID => i64::from_datum(datum, false)?,
                _ => return None,
            }),
            pg_sys::FLOAT4OID | pg_sys::FLOAT8OID => {
                let value = match ty {
                    pg_sys::FLOAT4OID => f64::from(f32::from_datum(datum, false)?),
                    pg_sys::FLOAT8OID => f64::from_datum(datum, false)?,
                    _ => return None,
                };
                if value.is_nan() {
                    return None;
                }
                Value::Float(value)
            }
            pg_sys::NUMERICOID if ty == pg_sys::NUMERICOID => decimal(datum)?,
            pg_sys::TIMEOID if ty == pg_sys::TIMEOID => Value::Int(i64::from_datum(datum, false)?),
            pg_sys::TEXTOID | pg_sys::VARCHAROID => Value::Text(text(datum, ty)?),
            pg_sys::BPCHAROID if ty == pg_sys::BPCHAROID => padded(&text(datum, ty)?, storage.typmod)?,
            pg_sys::UUIDOID if ty == pg_sys::UUIDOID => {
                Value::Uuid(std::ptr::read_unaligned(datum.cast_mut_ptr::<[u8; 16]>()))
            }
            pg_sys::BYTEAOID if ty == pg_sys::BYTEAOID => Value::Bytes(bytes(datum).to_vec()),
            _ => return None,
        };
        of(comparison, value)
    }
}

fn of(comparison: Comparison, value: Value) -> Option<Test> {
    Some(match comparison {
        Comparison::Less => Test::Lt(value),
        Comparison::LessOrEqual => Test::Le(value),
        Comparison::Equal => Test::Eq(value),
        Comparison::GreaterOrEqual => Test::Ge(value),
        Comparison::Greater => Test::Gt(value),
        _ => return None,
    })
}

/// A local time and an instant lie apart by the zone's offset: at most a week, even for a zone that a user invents.
const ANY_ZONE: i64 = 8 * DAY;

/// A column of dates or timestamps against any of the three types. Where the two differ, the comparison depends on the
/// session's time zone; the test is then widened, so that it holds in every zone.
unsafe fn time(
    comparison: Comparison,
    datum: pg_sys::Datum,
    ty: pg_sys::Oid,
    column: pg_sys::Oid,
) -> Option<Test> {
    // SAFETY: as in `verdict`.
    let micros = unsafe {
        match ty {
            pg_sys::DATEOID => date_micros(i32::from_datum(datum, false)?)?,
            pg_sys::TIMESTAMPOID | pg_sys::TIMESTAMPTZOID => {
                timestamp_micros(i64::from_datum(datum, false)?)?
            }
            _ => return None,
        }
    };
    let zoned = |ty: pg_sys::Oid| ty == pg_sys::TIMESTAMPTZOID;
    let margin = if zoned(ty) != zoned(column) { ANY_ZONE } else { 0 };
    let exact = margin == 0 && (column == ty || column != pg_sys::DATEOID);
    let infinite = micros == i64::MAX || micros == i64::MIN;
    let unit = |micros: i64| match (column, infinite) {
        (pg_sys::DATEOID, false) => micros.div_euclid(DAY),
        (pg_sys::DATEOID, true) => i64::from(if micros > 0 { i32::MAX } else { i32::MIN }),
        _ => micros,
    };
    if exact || infinite {
        return of(comparison, Value::Int(unit(micros)));
    }
    let low = || Test::Ge(Value::Int(unit(micros.saturating_sub(margin))));
    let high = || Test::Le(Value::Int(unit(micros.saturating_add(margin))));
    match comparison {
        Comparison::Less | Comparison::LessOrEqual => Some(high()),
        Comparison::Greater | Comparison::GreaterOrEqual => Some(low()),
        // One day at most: both bounds are the same day.
        Comparison::Equal if margin == 0 => of(comparison, Value::Int(unit(micros))),
        _ => None,
    }
}

/// What a time is compared with, as a value that orders with those of the time column, and its type; `None` where
/// [`aligns`] says so.
///
/// # Safety
/// The datum is of type `ty`.
pub unsafe fn aligned(
    datum: pg_sys::Datum,
    ty: pg_sys::Oid,
    column: pg_sys::Oid,
) -> Option<(pg_sys::Datum, pg_sys::Oid)> {
    if ty == column || is_integer(ty) && is_integer(column) {
        return Some((datum, ty));
    }
    let mut overflow = 0;
    // SAFETY: functions of numbers, and of the session's time zone.
    let timestamp = unsafe {
        match (column, ty) {
            (pg_sys::TIMESTAMPTZOID, pg_sys::DATEOID) => {
                pg_sys::date2timestamptz_opt_overflow(datum.value() as i32, &mut overflow)
            }
            (pg_sys::TIMESTAMPOID, pg_sys::DATEOID) => {
                pg_sys::date2timestamp_opt_overflow(datum.value() as i32, &mut overflow)
            }
            (pg_sys::TIMESTAMPTZOID, pg_sys::TIMESTAMPOID) => {
                pg_sys::timestamp2timestamptz_opt_overflow(datum.value() as i64, &mut overflow)
            }
            _ => return None,
        }
    };
    // Beyond all finite times, yet not infinite.
    let timestamp = match overflow {
        0 => timestamp,
        past if past > 0 => i64::MAX - 1,
        _ => i64::MIN + 1,
    };
    Some((pg_sys::Datum::from(timestamp), column))
}

/// Whether [`aligned`] has a value for every one of a type.
pub fn aligns(ty: pg_sys::Oid, column: pg_sys::Oid) -> bool {
    ty == column
        || is_integer(ty) && is_integer(column)
        || column == pg_sys::TIMESTAMPTZOID && matches!(ty, pg_sys::DATEOID | pg_sys::TIMESTAMPOID)
        || column == pg_sys::TIMESTAMPOID && ty == pg_sys::DATEOID
}

/// Whether values of a type are integers, passed by value.
pub fn is_integer(ty: pg_sys::Oid) -> bool {
    matches!(ty, pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID)
}

/// A value of the time column as a number that orders as PostgreSQL orders the values.
pub fn ordinal(value: pg_sys::Datum, base: pg_sys::Oid) -> i64 {
    match base {
        pg_sys::INT2OID => i64::from(value.value() as i16),
        pg_sys::INT4OID | pg_sys::DATEOID => i64::from(value.value() as i32),
        _ => value.value() as i64,
    }
}

/// A date of PostgreSQL as microseconds since 1970; `None` where they do not suffice.
pub fn date_micros(date: i32) -> Option<i64> {
    match date {
        i32::MAX => Some(i64::MAX),
        i32::MIN => Some(i64::MIN),
        days => (i64::from(days) + EPOCH_DAYS).checked_mul(DAY),
    }
}

/// A timestamp of PostgreSQL as microseconds since 1970; `None` where they do not suffice.
pub fn timestamp_micros(timestamp: i64) -> Option<i64> {
    match timestamp {
        i64::MAX | i64::MIN => Some(timestamp),
        finite => finite.checked_add(EPOCH).filter(|micros| *micros != i64::MAX),
    }
}

unsafe fn any(array: pg_sys::Datum, ty: pg_sys::Oid, storage: &Storage) -> Verdict {
    // SAFETY: an array of the type that the planner recorded.
    let (elements, element) = unsafe {
        let element = pg_sys::get_element_type(ty);
        if element == pg_sys::InvalidOid {
            return Verdict::Unknown;
        }
        let (mut length, mut by_value, mut align) = (0, false, 0);
        pg_sys::get_typlenbyvalalign(element, &mut length, &mut by_value, &mut align);
        let (mut values, mut nulls, mut count) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
        pg_sys::deconstruct_array(
            pg_sys::pg_detoast_datum(array.cast_mut_ptr()) as *mut pg_sys::ArrayType,
            element,
            i32::from(length),
            by_value,
            align,
            &mut values,
            &mut nulls,
            &mut count,
        );
        let present = (0..count as usize)
            .filter(|i| !*nulls.add(*i))
            .map(|i| *values.add(i));
        (present.collect::<Vec<_>>(), element)
    };
    if elements.is_empty() {
        return Verdict::Never;
    }
    let mut values = Vec::with_capacity(elements.len());
    for datum in elements {
        // SAFETY: as in `verdict`.
        match unsafe { compare(Comparison::Equal, datum, element, storage) } {
            Some(Test::Eq(value)) => values.push(value),
            _ => return Verdict::Unknown,
        }
    }
    Verdict::Test(Test::In(values))
}

/// What a pattern says about how text begins: all before its first wildcard.
fn like(pattern: &str) -> Verdict {
    let mut prefix = String::new();
    let mut characters = pattern.chars();
    loop {
        match characters.next() {
            Some('%' | '_') => break,
            Some('\\') => match characters.next() {
                Some(escaped) => prefix.push(escaped),
                // An error of the operator's, if there is a row.
                None => return Verdict::Unknown,
            },
            Some(character) => prefix.push(character),
            None => return Verdict::Test(Test::Eq(Value::Text(prefix))),
        }
    }
    if prefix.is_empty() {
        Verdict::Unknown
    } else {
        Verdict::Test(Test::Prefix(prefix))
    }
}

/// `char(n)` as it is stored: filled up with blanks.
fn padded(text: &str, typmod: i32) -> Option<Value> {
    let length = usize::try_from(typmod.checked_sub(pg_sys::VARHDRSZ as i32)?).ok()?;
    let trimmed = text.trim_end_matches(' ');
    let missing = length.checked_sub(trimmed.chars().count())?;
    Some(Value::Text(format!("{trimmed}{}", " ".repeat(missing))))
}

/// An exact number; `None` for NaN, infinities, and what needs more than 38 digits.
///
/// # Safety
/// The datum is a numeric.
pub unsafe fn decimal(datum: pg_sys::Datum) -> Option<Value> {
    // SAFETY: a numeric.
    let text = unsafe { AnyNumeric::from_datum(datum, false)? }.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let unscaled: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = u8::try_from(fraction.len()).ok().filter(|scale| *scale <= 38)?;
    Some(Value::Decimal { unscaled, scale })
}

unsafe fn text(datum: pg_sys::Datum, ty: pg_sys::Oid) -> Option<String> {
    if ![pg_sys::TEXTOID, pg_sys::VARCHAROID, pg_sys::BPCHAROID].contains(&ty) {
        return None;
    }
    // SAFETY: one of the types above, which are varlena.
    let raw = unsafe { bytes(datum) };
    if collation::is_utf8() {
        return String::from_utf8(raw.to_vec()).ok();
    }
    // SAFETY: a buffer and its length; the result is the same pointer where nothing is to be converted.
    unsafe {
        let converted = pg_sys::pg_server_to_any(
            raw.as_ptr() as *const std::ffi::c_char,
            raw.len() as i32,
            pg_sys::pg_enc::PG_UTF8 as i32,
        );
        if converted as *const u8 == raw.as_ptr() {
            return String::from_utf8(raw.to_vec()).ok();
        }
        std::ffi::CStr::from_ptr(converted)
            .to_str()
            .ok()
            .map(str::to_owned)
    }
}

/// The bytes of a varlena, in the current memory context where it is toasted.
unsafe fn bytes<'a>(datum: pg_sys::Datum) -> &'a [u8] {
    // SAFETY: a varlena.
    unsafe { pgrx::varlena_to_byte_slice(pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr())) }
}
