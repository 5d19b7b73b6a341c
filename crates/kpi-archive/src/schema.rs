//! What a column is in a file.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow_schema::extension::Uuid;
use arrow_schema::{DataType, Field, SchemaRef, TimeUnit};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

/// The most digits that a [`Kind::Decimal`] can have.
pub(crate) const MAX_PRECISION: u8 = 38;

/// What the values of a column are in a file. What has no kind of its own is kept as [`Kind::Text`], with the type named beside it.
///
/// Dates count days and times count microseconds, both from the Unix epoch (1970-01-01) or from midnight.
///
/// ```
/// use kpi_archive::Kind;
/// let kind: Kind = "decimal(10,2)".parse().unwrap();
/// assert_eq!(kind, Kind::Decimal { precision: 10, scale: 2 });
/// assert_eq!(Kind::Timestamp { utc: true }.to_string(), "timestamptz");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// 16-bit integer.
    Int16,
    /// 32-bit integer.
    Int32,
    /// 64-bit integer.
    Int64,
    /// 32-bit floating point. All NaN are one value.
    Float32,
    /// 64-bit floating point. All NaN are one value.
    Float64,
    /// An exact number of at most `precision` digits, `scale` of them after the point.
    Decimal {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits after the point, 0 to `precision`.
        scale: u8,
    },
    /// UTF-8 text.
    Text,
    /// Bytes.
    Binary,
    /// Days since 1970-01-01; `i32::MAX` and `i32::MIN` are infinity and -infinity.
    Date,
    /// Microseconds since midnight, less than 24:00.
    Time,
    /// Microseconds since 1970-01-01; `i64::MAX` and `i64::MIN` are infinity and -infinity.
    Timestamp {
        /// Whether it is an instant (`timestamptz`) and not a time on the wall.
        utc: bool,
    },
    /// 16 bytes.
    Uuid,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Bool => "bool",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Decimal { precision, scale } => return write!(f, "decimal({precision},{scale})"),
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Date => "date",
            Self::Time => "time",
            Self::Timestamp { utc: false } => "timestamp",
            Self::Timestamp { utc: true } => "timestamptz",
            Self::Uuid => "uuid",
        };
        f.write_str(name)
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text {
            "bool" => Self::Bool,
            "int16" => Self::Int16,
            "int32" => Self::Int32,
            "int64" => Self::Int64,
            "float32" => Self::Float32,
            "float64" => Self::Float64,
            "text" => Self::Text,
            "binary" => Self::Binary,
            "date" => Self::Date,
            "time" => Self::Time,
            "timestamp" => Self::Timestamp { utc: false },
            "timestamptz" => Self::Timestamp { utc: true },
            "uuid" => Self::Uuid,
            _ => return decimal(text).ok_or_else(|| unknown(text)),
        })
    }
}

fn decimal(text: &str) -> Option<Kind> {
    let (precision, scale) = text
        .strip_prefix("decimal(")?
        .strip_suffix(')')?
        .split_once(',')?;
    let kind = Kind::Decimal {
        precision: precision.parse().ok()?,
        scale: scale.parse().ok()?,
    };
    kind.is_valid().then_some(kind)
}

fn unknown(text: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "unknown kind of column".into(),
        Some(text.into()),
        None,
    )
}

impl From<Kind> for String {
    fn from(kind: Kind) -> Self {
        kind.to_string()
    }
}

impl TryFrom<String> for Kind {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl Kind {
    fn is_valid(self) -> bool {
        match self {
            Self::Decimal { precision, scale } => {
                (1..=MAX_PRECISION).contains(&precision) && scale <= precision
            }
            _ => true,
        }
    }

    pub(crate) fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int16 => DataType::Int16,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Float32 => DataType::Float32,
            Self::Float64 => DataType::Float64,
            Self::Decimal { precision, scale } => DataType::Decimal128(precision, scale as i8),
            Self::Text => DataType::Utf8,
            Self::Binary => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Timestamp { utc } => DataType::Timestamp(TimeUnit::Microsecond, utc.then(|| "UTC".into())),
            Self::Uuid => DataType::FixedSizeBinary(16),
        }
    }

    /// Whether values of both kinds mean the same and compare alike: integers of any width, floating-point numbers of any width,
    /// exact numbers of any scale, otherwise only the kind itself.
    ///
    /// ```
    /// use kpi_archive::Kind;
    /// assert!(Kind::Int16.compares_with(Kind::Int64));
    /// assert!(!Kind::Date.compares_with(Kind::Timestamp { utc: false }));
    /// ```
    pub fn compares_with(self, other: Self) -> bool {
        use Kind::{Decimal, Float32, Float64, Int16, Int32, Int64};
        match (self, other) {
            (Int16 | Int32 | Int64, Int16 | Int32 | Int64) => true,
            (Float32 | Float64, Float32 | Float64) => true,
            (Decimal { .. }, Decimal { .. }) => true,
            (left, right) => left == right,
        }
    }
}

/// A column of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name when the file was written.
    pub name: String,
    /// What stays the same when it is renamed: the attribute number in the table.
    pub field_id: i32,
    /// The type in PostgreSQL, as `format_type` writes it.
    pub pg_type: String,
    /// What its values are in the file.
    pub kind: Kind,
    /// Whether the file has a bloom filter for it.
    #[serde(default)]
    pub bloom: bool,
}

/// The columns of a file, in the order of the table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schema {
    /// The columns.
    pub columns: Vec<Column>,
}

impl Schema {
    /// Whether a file can have these columns.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let names: BTreeSet<_> = self.columns.iter().map(|c| c.name.as_str()).collect();
        let ids: BTreeSet<_> = self.columns.iter().map(|c| c.field_id).collect();
        if self.columns.is_empty() || names.len() < self.columns.len() || ids.len() < self.columns.len() {
            return Err(Error::unsupported(
                "a file needs columns with distinct names and field ids".into(),
                Some(format!(
                    "{} columns, {} names, {} field ids",
                    self.columns.len(),
                    names.len(),
                    ids.len()
                )),
            ));
        }
        match self.columns.iter().find(|c| !c.kind.is_valid()) {
            Some(column) => Err(unknown(&column.kind.to_string())),
            None => Ok(()),
        }
    }

    /// The columns as Arrow has them, with their field ids.
    pub(crate) fn arrow(&self) -> SchemaRef {
        let fields: Vec<Field> = self
            .columns
            .iter()
            .map(|column| {
                let id = (PARQUET_FIELD_ID_META_KEY.to_owned(), column.field_id.to_string());
                let field = Field::new(&column.name, column.kind.data_type(), true)
                    .with_metadata(HashMap::from([id]));
                if column.kind == Kind::Uuid {
                    field.with_extension_type(Uuid)
                } else {
                    field
                }
            })
            .collect();
        Arc::new(arrow_schema::Schema::new(fields))
    }
}
