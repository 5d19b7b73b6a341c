//! What a row group or a page may hold, judged by its statistics.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::Kind;

/// A value of a column. As JSON it is an object with one member, whose value is exact: floating-point numbers and decimals are text.
///
/// ```
/// use kpi_archive::Value;
/// let json = serde_json::to_string(&Value::Float(f64::INFINITY)).unwrap();
/// assert_eq!(json, r#"{"float":"inf"}"#);
/// assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), Value::Float(f64::INFINITY));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// An integer; also days of a date, microseconds of a time or a timestamp, from the Unix epoch.
    Int(i64),
    /// A floating-point number.
    Float(#[serde(with = "as_text")] f64),
    /// An exact number: `unscaled` divided by ten to the power of `scale`.
    Decimal {
        /// The digits.
        #[serde(with = "as_text")]
        unscaled: i128,
        /// How many of them are after the point.
        scale: u8,
    },
    /// Text, compared byte by byte.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A UUID.
    Uuid([u8; 16]),
}

/// A test of one column's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// Equal.
    Eq(Value),
    /// Less.
    Lt(Value),
    /// Less or equal.
    Le(Value),
    /// Greater.
    Gt(Value),
    /// Greater or equal.
    Ge(Value),
    /// Equal to one of them.
    In(Vec<Value>),
    /// `IS NULL`
    IsNull,
    /// `IS NOT NULL`
    IsNotNull,
    /// Text that starts so: `LIKE 'x%'`.
    Prefix(String),
}

/// A test that every row of the result passes. It only ever rules rows out: what is left may still hold others.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate {
    /// The column.
    pub field_id: i32,
    /// What the column is in the table now. A file where it is something else is not pruned by this predicate.
    pub kind: Kind,
    /// The test.
    pub test: Test,
}

/// Bounds of the values of a column in a file, a row group or a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnStatistics {
    /// The column.
    pub field_id: i32,
    /// What its values are in the file.
    pub kind: Kind,
    /// How many are NULL.
    pub nulls: u64,
    /// No value is less. `None`: unknown, or all are NULL. NaN is not counted.
    pub min: Option<Value>,
    /// No value is greater. `None`: unknown, or all are NULL. NaN is not counted.
    pub max: Option<Value>,
    /// Whether both bounds are values that occur, not only bounds.
    pub exact: bool,
}

mod as_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom("not a number"))
    }
}

/// The order of two values of kinds that compare with each other; `None` for others, and when one is NaN.
pub(crate) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(right),
        (
            Value::Decimal {
                unscaled: left,
                scale: of_left,
            },
            Value::Decimal {
                unscaled: right,
                scale: of_right,
            },
        ) => {
            let scaled = |value: &i128, by: u8| value.checked_mul(10i128.checked_pow(u32::from(by))?);
            let left = scaled(left, of_right.saturating_sub(*of_left))?;
            let right = scaled(right, of_left.saturating_sub(*of_right))?;
            Some(left.cmp(&right))
        }
        (Value::Text(left), Value::Text(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        (Value::Bytes(left), Value::Bytes(right)) => Some(left.cmp(right)),
        (Value::Uuid(left), Value::Uuid(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn is_nan(value: &Value) -> bool {
    matches!(value, Value::Float(value) if value.is_nan())
}

/// Whether `bound` and `value` are known to be in none of the orders.
fn ruled_out(bound: Option<&Value>, value: &Value, orders: &[Ordering]) -> bool {
    bound
        .and_then(|bound| compare(bound, value))
        .is_some_and(|order| orders.contains(&order))
}

/// Whether a row that passes the test may be among `rows` rows with these statistics. Never `false` for rows that hold one.
///
/// NaN, which statistics leave out, equals itself and is greater than every other number. `has_nan` tells whether one may be
/// among the rows.
///
/// ```
/// use kpi_archive::{ColumnStatistics, Kind, Predicate, Test, Value, may_match};
/// let statistics = ColumnStatistics {
///     field_id: 1, kind: Kind::Float64, nulls: 0, min: Some(Value::Float(1.0)), max: Some(Value::Float(5.0)), exact: true,
/// };
/// let above = Predicate { field_id: 1, kind: Kind::Float64, test: Test::Gt(Value::Float(5.0)) };
/// assert!(!may_match(&statistics, 10, false, &above));
/// assert!(may_match(&statistics, 10, true, &above));
/// ```
pub fn may_match(statistics: &ColumnStatistics, rows: u64, has_nan: bool, predicate: &Predicate) -> bool {
    use Ordering::{Equal, Greater, Less};

    if rows == 0 {
        return false;
    }
    if !statistics.kind.compares_with(predicate.kind) {
        return true;
    }
    let values = rows.saturating_sub(statistics.nulls);
    let (min, max) = (statistics.min.as_ref(), statistics.max.as_ref());
    match &predicate.test {
        Test::IsNull => return statistics.nulls > 0,
        Test::IsNotNull => return values > 0,
        _ if values == 0 => return false,
        _ => {}
    }
    let equal = |value: &Value| {
        if is_nan(value) {
            return has_nan;
        }
        !ruled_out(min, value, &[Greater]) && !ruled_out(max, value, &[Less])
    };
    match &predicate.test {
        Test::IsNull | Test::IsNotNull => true,
        Test::Eq(value) => equal(value),
        Test::In(list) => list.iter().any(equal),
        Test::Lt(value) => is_nan(value) || !ruled_out(min, value, &[Greater, Equal]),
        Test::Le(value) => is_nan(value) || !ruled_out(min, value, &[Greater]),
        Test::Gt(value) if is_nan(value) => false,
        Test::Gt(value) => has_nan || !ruled_out(max, value, &[Less, Equal]),
        Test::Ge(value) if is_nan(value) => has_nan,
        Test::Ge(value) => has_nan || !ruled_out(max, value, &[Less]),
        Test::Prefix(prefix) => {
            let prefix = prefix.as_bytes();
            let starts_above = |value: &Value| match value {
                Value::Text(text) => text.as_bytes().iter().take(prefix.len()).gt(prefix.iter()),
                _ => false,
            };
            let below = |value: &Value| match value {
                Value::Text(text) => text.as_bytes() < prefix,
                _ => false,
            };
            !min.is_some_and(starts_above) && !max.is_some_and(below)
        }
    }
}
