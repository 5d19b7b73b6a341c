//! Names of types in casts.

use sqlparser::ast::{ArrayElemTypeDef, CharacterLength, DataType, ExactNumberInfo, TimezoneInfo};

use crate::error::Error;
use crate::write::{object_name, unsupported};

/// The name of a type as PostgreSQL takes it. `strict` leaves out arrays, JSON and types that are not built in.
pub(crate) fn name(what: &'static str, data_type: &DataType, strict: bool) -> Result<String, Error> {
    use DataType as T;
    Ok(match data_type {
        T::Text => "text".into(),
        T::Varchar(length) | T::CharacterVarying(length) | T::CharVarying(length) => {
            format!("varchar{}", character_length(what, length)?)
        }
        T::Char(length) | T::Character(length) => format!("char{}", character_length(what, length)?),
        T::Uuid => "uuid".into(),
        T::Numeric(info) | T::Decimal(info) | T::Dec(info) => format!("numeric{}", digits(info)),
        T::Float(ExactNumberInfo::None) | T::Float8 | T::DoublePrecision => "float8".into(),
        T::Float(ExactNumberInfo::Precision(bits)) => format!("float({bits})"),
        T::Real | T::Float4 => "float4".into(),
        T::SmallInt(None) | T::Int2(None) => "int2".into(),
        T::Int(None) | T::Int4(None) | T::Integer(None) => "int4".into(),
        T::BigInt(None) | T::Int8(None) => "int8".into(),
        T::Bool | T::Boolean => "bool".into(),
        T::Date => "date".into(),
        T::Time(precision, zone) => format!("{}{}", zoned("time", zone), parenthesised(precision)),
        T::Timestamp(precision, zone) => format!("{}{}", zoned("timestamp", zone), parenthesised(precision)),
        T::Interval {
            fields: None,
            precision: None,
        } => "interval".into(),
        T::Bytea if !strict => "bytea".into(),
        T::JSON if !strict => "json".into(),
        T::JSONB if !strict => "jsonb".into(),
        T::Array(_) if !strict => format!("{}[]", name(what, element(what, data_type)?, strict)?),
        T::Custom(custom, modifiers) if !strict => {
            if modifiers
                .iter()
                .any(|m| m.is_empty() || !m.chars().all(|c| c.is_ascii_digit()))
            {
                return Err(unsupported(what, "this type modifier"));
            }
            let name = object_name(what, custom)?;
            if modifiers.is_empty() {
                name
            } else {
                format!("{name}({})", modifiers.join(", "))
            }
        }
        _ => return Err(unsupported(what, "a cast to this type")),
    })
}

/// The type inside the brackets, of which PostgreSQL allows six pairs and means by them all the same.
fn element<'a>(what: &'static str, data_type: &'a DataType) -> Result<&'a DataType, Error> {
    const MAX_DIMENSIONS: usize = 6;
    let mut inner = data_type;
    for _ in 0..MAX_DIMENSIONS {
        match inner {
            DataType::Array(ArrayElemTypeDef::SquareBracket(element, None)) => inner = element,
            DataType::Array(_) => break,
            _ => return Ok(inner),
        }
    }
    match inner {
        DataType::Array(_) => Err(unsupported(what, "a cast to this type")),
        _ => Ok(inner),
    }
}

/// `timetz`, `timestamp`: the short names take their precision at the end.
fn zoned(base: &str, zone: &TimezoneInfo) -> String {
    match zone {
        TimezoneInfo::WithTimeZone | TimezoneInfo::Tz => format!("{base}tz"),
        TimezoneInfo::None | TimezoneInfo::WithoutTimeZone => base.to_owned(),
    }
}

fn parenthesised(precision: &Option<u64>) -> String {
    precision.map(|digits| format!("({digits})")).unwrap_or_default()
}

fn digits(info: &ExactNumberInfo) -> String {
    match info {
        ExactNumberInfo::None => String::new(),
        ExactNumberInfo::Precision(precision) => format!("({precision})"),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => format!("({precision},{scale})"),
    }
}

fn character_length(what: &'static str, length: &Option<CharacterLength>) -> Result<String, Error> {
    match length {
        None => Ok(String::new()),
        Some(CharacterLength::IntegerLength { length, unit: None }) => Ok(format!("({length})")),
        Some(_) => Err(unsupported(what, "this length of a type")),
    }
}
