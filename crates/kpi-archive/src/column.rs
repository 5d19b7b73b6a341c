//! The values of one column of a row group that is being filled.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Float32Array,
    Float64Array, Int16Array, Int32Array, Int64Array, StringArray, Time64MicrosecondArray,
    TimestampMicrosecondArray,
};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};

use crate::{Column, Error, ErrorKind, Kind};

const DAY: i64 = 86_400_000_000;

/// The values of one column of a row group that is being filled. Exactly one value is pushed per row; a value that does not fit
/// the kind of the column is reported by [`crate::Writer::end_row`].
#[derive(Debug)]
pub struct ColumnBuffer {
    kind: Kind,
    name: String,
    values: Values,
    nulls: NullBufferBuilder,
    rows: usize,
    /// Of a decimal: ten to the power of its precision.
    bound: u128,
    misfit: Option<Box<Error>>,
}

#[derive(Debug)]
enum Values {
    Bool(BooleanBufferBuilder),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Int128(Vec<i128>),
    /// Ends of the values, after a zero, and the values one after the other.
    Bytes(Vec<i32>, Vec<u8>),
    Uuid(Vec<u8>),
}

impl Values {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Bool => Self::Bool(BooleanBufferBuilder::new(0)),
            Kind::Int16 => Self::Int16(Vec::new()),
            Kind::Int32 | Kind::Date => Self::Int32(Vec::new()),
            Kind::Int64 | Kind::Time | Kind::Timestamp { .. } => Self::Int64(Vec::new()),
            Kind::Float32 => Self::Float32(Vec::new()),
            Kind::Float64 => Self::Float64(Vec::new()),
            Kind::Decimal { .. } => Self::Int128(Vec::new()),
            Kind::Text | Kind::Binary => Self::Bytes(vec![0], Vec::new()),
            Kind::Uuid => Self::Uuid(Vec::new()),
        }
    }
}

impl ColumnBuffer {
    pub(crate) fn new(column: &Column) -> Self {
        Self {
            kind: column.kind,
            name: column.name.clone(),
            values: Values::new(column.kind),
            nulls: NullBufferBuilder::new(0),
            rows: 0,
            bound: match column.kind {
                Kind::Decimal { precision, .. } => 10u128.pow(u32::from(precision)),
                _ => 0,
            },
            misfit: None,
        }
    }

    /// Pushes NULL.
    pub fn null(&mut self) {
        match &mut self.values {
            Values::Bool(values) => values.append(false),
            Values::Int16(values) => values.push(0),
            Values::Int32(values) => values.push(0),
            Values::Int64(values) => values.push(0),
            Values::Float32(values) => values.push(0.0),
            Values::Float64(values) => values.push(0.0),
            Values::Int128(values) => values.push(0),
            Values::Bytes(ends, bytes) => ends.push(bytes.len() as i32),
            Values::Uuid(values) => values.extend_from_slice(&[0; 16]),
        }
        self.nulls.append_null();
        self.rows += 1;
    }

    #[inline]
    fn pushed(&mut self) {
        self.nulls.append_non_null();
        self.rows += 1;
    }

    #[cold]
    fn misfit(&mut self, detail: String) {
        let error = Error::new(
            ErrorKind::NotRepresentable,
            format!(
                "a value of column {} does not fit what the column is in the file",
                self.name
            ),
            Some(detail),
            None,
        );
        self.misfit.get_or_insert(Box::new(error));
        self.null();
    }

    #[cold]
    fn wrong(&mut self, pushed: &str) {
        self.misfit(format!("The column is {}, the value is {pushed}.", self.kind));
    }

    /// Pushes a boolean.
    #[inline]
    pub fn bool(&mut self, value: bool) {
        match &mut self.values {
            Values::Bool(values) => values.append(value),
            _ => return self.wrong("bool"),
        }
        self.pushed();
    }

    /// Pushes a 16-bit integer.
    #[inline]
    pub fn i16(&mut self, value: i16) {
        match &mut self.values {
            Values::Int16(values) => values.push(value),
            _ => return self.wrong("int16"),
        }
        self.pushed();
    }

    /// Pushes a 32-bit integer; for [`crate::Kind::Date`], days.
    #[inline]
    pub fn i32(&mut self, value: i32) {
        match &mut self.values {
            Values::Int32(values) => values.push(value),
            _ => return self.wrong("int32"),
        }
        self.pushed();
    }

    /// Pushes a 64-bit integer; for [`crate::Kind::Time`] and [`crate::Kind::Timestamp`], microseconds.
    #[inline]
    pub fn i64(&mut self, value: i64) {
        match &mut self.values {
            Values::Int64(values) => {
                if self.kind == Kind::Time && !(0..DAY).contains(&value) {
                    return self.misfit(format!("{value} microseconds are not a time of day below 24:00."));
                }
                values.push(value);
            }
            _ => return self.wrong("int64"),
        }
        self.pushed();
    }

    /// Pushes a 32-bit floating-point number.
    #[inline]
    pub fn f32(&mut self, value: f32) {
        match &mut self.values {
            Values::Float32(values) => values.push(value),
            _ => return self.wrong("float32"),
        }
        self.pushed();
    }

    /// Pushes a 64-bit floating-point number.
    #[inline]
    pub fn f64(&mut self, value: f64) {
        match &mut self.values {
            Values::Float64(values) => values.push(value),
            _ => return self.wrong("float64"),
        }
        self.pushed();
    }

    /// Pushes an exact number, at the scale of the column: 12.50 of scale 2 is 1250.
    #[inline]
    pub fn decimal(&mut self, unscaled: i128) {
        match &mut self.values {
            Values::Int128(values) => {
                if unscaled.unsigned_abs() >= self.bound {
                    return self.misfit(format!("{unscaled} has more digits than {} holds.", self.kind));
                }
                values.push(unscaled);
            }
            _ => return self.wrong("decimal"),
        }
        self.pushed();
    }

    /// Pushes text.
    #[inline]
    pub fn text(&mut self, value: &str) {
        if self.kind == Kind::Text {
            self.push_bytes(value.as_bytes())
        } else {
            self.wrong("text")
        }
    }

    /// Pushes bytes.
    #[inline]
    pub fn bytes(&mut self, value: &[u8]) {
        if self.kind == Kind::Binary {
            self.push_bytes(value)
        } else {
            self.wrong("binary")
        }
    }

    #[inline]
    fn push_bytes(&mut self, value: &[u8]) {
        if let Values::Bytes(ends, bytes) = &mut self.values {
            let Ok(end) = i32::try_from(bytes.len() + value.len()) else {
                return self.misfit(format!("A value of {} bytes is too long.", value.len()));
            };
            bytes.extend_from_slice(value);
            ends.push(end);
            self.pushed();
        }
    }

    /// Pushes a UUID.
    #[inline]
    pub fn uuid(&mut self, value: [u8; 16]) {
        match &mut self.values {
            Values::Uuid(values) => values.extend_from_slice(&value),
            _ => return self.wrong("uuid"),
        }
        self.pushed();
    }

    /// Whether exactly `rows` values were pushed, all of which fit.
    #[inline]
    pub(crate) fn check(&mut self, rows: usize) -> Result<(), Error> {
        if self.rows == rows && self.misfit.is_none() {
            return Ok(());
        }
        Err(self.misfit.take().map_or_else(
            || {
                Error::new(
                    ErrorKind::NotRepresentable,
                    format!("column {} has not exactly one value per row", self.name),
                    Some(format!("Row {rows} ends with {} values pushed.", self.rows)),
                    None,
                )
            },
            |error| *error,
        ))
    }

    /// Bytes of a value, without those that are counted by [`ColumnBuffer::variable_bytes`].
    pub(crate) fn fixed_bytes(&self) -> usize {
        match &self.values {
            Values::Bool(_) => 1,
            Values::Int16(_) => 2,
            Values::Int32(_) | Values::Float32(_) | Values::Bytes(..) => 4,
            Values::Int64(_) | Values::Float64(_) => 8,
            Values::Int128(_) | Values::Uuid(_) => 16,
        }
    }

    /// Bytes of text and bytes so far.
    #[inline]
    pub(crate) fn variable_bytes(&self) -> usize {
        if let Values::Bytes(_, bytes) = &self.values {
            bytes.len()
        } else {
            0
        }
    }

    /// The values so far as an array; the buffer is empty afterwards.
    pub(crate) fn take(&mut self) -> Result<ArrayRef, Error> {
        let nulls = self.nulls.finish();
        self.rows = 0;
        let array: ArrayRef = match (
            std::mem::replace(&mut self.values, Values::new(self.kind)),
            self.kind,
        ) {
            (Values::Bool(mut values), _) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            (Values::Int16(values), _) => Arc::new(Int16Array::new(values.into(), nulls)),
            (Values::Int32(values), Kind::Date) => Arc::new(Date32Array::new(values.into(), nulls)),
            (Values::Int32(values), _) => Arc::new(Int32Array::new(values.into(), nulls)),
            (Values::Int64(values), Kind::Time) => {
                Arc::new(Time64MicrosecondArray::new(values.into(), nulls))
            }
            (Values::Int64(values), Kind::Timestamp { utc }) => {
                let array = TimestampMicrosecondArray::new(values.into(), nulls);
                Arc::new(if utc { array.with_timezone("UTC") } else { array })
            }
            (Values::Int64(values), _) => Arc::new(Int64Array::new(values.into(), nulls)),
            (Values::Float32(values), _) => Arc::new(Float32Array::new(values.into(), nulls)),
            (Values::Float64(values), _) => Arc::new(Float64Array::new(values.into(), nulls)),
            (Values::Int128(values), kind) => {
                let array = Decimal128Array::new(values.into(), nulls);
                let Kind::Decimal { precision, scale } = kind else {
                    return Err(confused());
                };
                Arc::new(
                    array
                        .with_precision_and_scale(precision, scale as i8)
                        .map_err(|_| confused())?,
                )
            }
            (Values::Bytes(ends, bytes), kind) => {
                let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
                let bytes = Buffer::from_vec(bytes);
                if kind == Kind::Text {
                    Arc::new(StringArray::try_new(ends, bytes, nulls).map_err(|_| confused())?)
                } else {
                    Arc::new(BinaryArray::try_new(ends, bytes, nulls).map_err(|_| confused())?)
                }
            }
            (Values::Uuid(values), _) => Arc::new(
                FixedSizeBinaryArray::try_new(16, Buffer::from_vec(values), nulls).map_err(|_| confused())?,
            ),
        };
        Ok(array)
    }
}

fn confused() -> Error {
    Error::unsupported("the values of a column do not make an array".into(), None)
}
