//! What extremes are taken of: doubles, integers, bytes, and each of them with data.

use std::cmp::Ordering;

use crate::Error;
use crate::frame::{Kind, Reader, Writer};

/// The longest bytes that a state can hold: PostgreSQL's limit of a value.
const MAX_BYTES: usize = 1 << 30;

mod sealed {
    use super::{Error, Kind, Reader, Writer};

    /// How a value is stored.
    pub trait Stored: Sized {
        const KIND: Kind;
        const TYPE_NAME: &'static str;
        fn write(&self, writer: &mut Writer);
        fn read(reader: &mut Reader) -> Result<Self, Error>;
    }

    /// A value that can bring data along.
    pub trait Key: Stored {
        const KIND_BY: Kind;
        const TYPE_NAME_BY: &'static str;
    }
}

use sealed::{Key, Stored};

/// A value of which [`Extremes`](super::Extremes) are taken: [`Float`], `i64`, bytes, or one of them [with data](By).
pub trait Element: Stored + Clone + Ord + std::fmt::Debug + 'static {}

impl<E: Stored + Clone + Ord + std::fmt::Debug + 'static> Element for E {}

/// A double in PostgreSQL's order: NaN equals itself and is larger than all numbers, and both zeros are one.
///
/// ```
/// use kpi_stats::Float;
/// assert!(Float::new(f64::NAN) > Float::new(f64::INFINITY));
/// assert_eq!(Float::new(-0.0), Float::new(0.0));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Float(f64);

impl Float {
    /// The value, where `-0` becomes `0`.
    pub fn new(value: f64) -> Self {
        Self(value + 0.0)
    }

    /// The value.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Ord for Float {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0
            .partial_cmp(&other.0)
            .unwrap_or_else(|| self.0.is_nan().cmp(&other.0.is_nan()))
    }
}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Float {}

/// A value, and data that come with it: the bytes of a row, say.
///
/// ```
/// use kpi_stats::{By, End, Extremes, Float};
/// let mut slowest = Extremes::new(End::Largest, 1).unwrap();
/// for (seconds, url) in [(0.2, "/"), (1.5, "/report"), (0.7, "/search")] {
///     slowest.add(By { key: Float::new(seconds), data: url.as_bytes().to_vec() });
/// }
/// assert_eq!(slowest.values()[0].data, b"/report");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct By<K> {
    /// The value that decides.
    pub key: K,
    /// What comes with it.
    pub data: Vec<u8>,
}

impl Stored for Float {
    const KIND: Kind = Kind::FloatExtremes;
    const TYPE_NAME: &'static str = "kpi.floatextremes";

    fn write(&self, writer: &mut Writer) {
        writer.f64(self.0);
    }

    fn read(reader: &mut Reader) -> Result<Self, Error> {
        reader.f64().map(Self::new)
    }
}

impl Key for Float {
    const KIND_BY: Kind = Kind::FloatExtremesBy;
    const TYPE_NAME_BY: &'static str = "kpi.floatextremesby";
}

impl Stored for i64 {
    const KIND: Kind = Kind::IntExtremes;
    const TYPE_NAME: &'static str = "kpi.intextremes";

    fn write(&self, writer: &mut Writer) {
        writer.signed(*self);
    }

    fn read(reader: &mut Reader) -> Result<Self, Error> {
        reader.signed()
    }
}

impl Key for i64 {
    const KIND_BY: Kind = Kind::IntExtremesBy;
    const TYPE_NAME_BY: &'static str = "kpi.intextremesby";
}

/// Bytes are compared one by one, as text is in the collation "C".
impl Stored for Vec<u8> {
    const KIND: Kind = Kind::BytesExtremes;
    const TYPE_NAME: &'static str = "kpi.bytesextremes";

    fn write(&self, writer: &mut Writer) {
        writer.bytes(self);
    }

    fn read(reader: &mut Reader) -> Result<Self, Error> {
        reader.bytes(MAX_BYTES).map(<[u8]>::to_vec)
    }
}

impl Key for Vec<u8> {
    const KIND_BY: Kind = Kind::BytesExtremesBy;
    const TYPE_NAME_BY: &'static str = "kpi.bytesextremesby";
}

impl<K: Key> Stored for By<K> {
    const KIND: Kind = K::KIND_BY;
    const TYPE_NAME: &'static str = K::TYPE_NAME_BY;

    fn write(&self, writer: &mut Writer) {
        self.key.write(writer);
        writer.bytes(&self.data);
    }

    fn read(reader: &mut Reader) -> Result<Self, Error> {
        Ok(Self {
            key: K::read(reader)?,
            data: reader.bytes(MAX_BYTES)?.to_vec(),
        })
    }
}
