//! The frame around every state's bytes: version, kind of state, content, checksum.
//!
//! All integers are little-endian or LEB128, all doubles are their IEEE bits, so the bytes are the same on every machine.

use crate::Error;
use crate::checksum::crc32c;

/// The version that this build writes, and the only one that it reads.
const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 4;

pub use crate::text::{from_hex, to_hex};

/// Which state the bytes hold, so that one state is never read as another.
#[allow(missing_docs)] // The states have these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Stats1d = 1,
    Stats2d = 2,
    UddSketch = 3,
    HyperLogLog = 4,
    Histogram = 5,
    CounterAgg = 10,
    GaugeAgg = 11,
    TimeWeight = 12,
    Candlestick = 13,
    StateAgg = 14,
    CompactStateAgg = 15,
    HeartbeatAgg = 16,
    Ratio = 20,
    Apdex = 21,
    Slo = 22,
    Nps = 23,
    ForecastError = 24,
    Ewma = 25,
    Trend = 26,
    Gini = 27,
    Funnel = 28,
    Retention = 29,
    Frequent = 30,
    TDigest = 31,
    FloatExtremes = 32,
    IntExtremes = 33,
    BytesExtremes = 34,
    FloatExtremesBy = 35,
    IntExtremesBy = 36,
    BytesExtremesBy = 37,
    ForecastModel = 60,
    Detector = 61,
    Forest = 80,
    ForestSample = 81,
    RobustCovariance = 82,
    CovarianceSample = 83,
}

/// Writes the content of a frame.
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// A frame without content.
    pub fn new(kind: Kind) -> Self {
        Self {
            bytes: vec![VERSION, kind as u8],
        }
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// The bits of a double. The sign and payload of a NaN differ between machines, so all NaN are written alike.
    pub fn f64(&mut self, value: f64) {
        let value = if value.is_nan() { f64::NAN } else { value };
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// A time, or another number of either sign that is seldom small.
    pub fn i64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// An unsigned integer in groups of seven bits (LEB128).
    pub fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// A signed integer, small ones of either sign in few bytes: 0, -1, 1, -2, ... as 0, 1, 2, 3, ...
    pub fn signed(&mut self, value: i64) {
        self.varint((value << 1 ^ value >> 63) as u64);
    }

    /// Bytes of any length, with their length before them.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.raw(bytes);
    }

    /// Bytes whose number the reader knows.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The whole frame with its checksum.
    pub fn finish(mut self) -> Vec<u8> {
        let checksum = crc32c(&self.bytes);
        self.bytes.extend_from_slice(&checksum.to_le_bytes());
        self.bytes
    }
}

/// Reads the content of a frame whose version, kind and checksum are right.
pub struct Reader<'a> {
    type_name: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn too_short(&self, bytes: &[u8]) -> Error {
        self.corrupt(match bytes.len() {
            0 => "There are no bytes.".into(),
            1 => "There is only 1 byte.".into(),
            length => format!("There are only {length} bytes."),
        })
    }

    /// Checks the frame.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it is of another version or kind, or altered; so does everything that is read from it.
    pub fn new(type_name: &'static str, kind: Kind, bytes: &'a [u8]) -> Result<Self, Error> {
        let reader = Self { type_name, rest: &[] };
        let [version, stored_kind, rest @ ..] = bytes else {
            return Err(reader.too_short(bytes));
        };
        if *version != VERSION {
            return Err(reader.corrupt(format!(
                "They say format version {version}, and this release reads version {VERSION}."
            )));
        }
        let Some((rest, stored)) = rest.split_last_chunk::<CHECKSUM_BYTES>() else {
            return Err(reader.too_short(bytes));
        };
        let content = bytes.split_at(bytes.len() - CHECKSUM_BYTES).0;
        if crc32c(content) != u32::from_le_bytes(*stored) {
            return Err(reader.corrupt("Their checksum does not match: they were altered or cut off.".into()));
        }
        if *stored_kind != kind as u8 {
            return Err(reader.corrupt(format!("They hold another kind of state (number {stored_kind}).")));
        }
        Ok(Self { type_name, rest })
    }

    /// The error for content that the checksum vouches for but no encoder writes.
    pub fn corrupt(&self, reason: String) -> Error {
        Error::Corrupt {
            type_name: self.type_name,
            reason,
        }
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, Error> {
        self.chunk::<1>().map(|[byte]| byte)
    }

    /// A double.
    pub fn f64(&mut self) -> Result<f64, Error> {
        self.chunk().map(f64::from_le_bytes)
    }

    /// A number of fixed length.
    pub fn i64(&mut self) -> Result<i64, Error> {
        self.chunk().map(i64::from_le_bytes)
    }

    /// As many bytes as are said to come.
    pub fn take(&mut self, length: u64) -> Result<&'a [u8], Error> {
        let taken = usize::try_from(length)
            .ok()
            .and_then(|length| self.rest.split_at_checked(length));
        let Some((taken, rest)) = taken else {
            return Err(self.corrupt("They end too early.".into()));
        };
        self.rest = rest;
        Ok(taken)
    }

    /// What [`Writer::varint`] wrote.
    pub fn varint(&mut self) -> Result<u64, Error> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7F);
            if (bits << shift) >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.corrupt("An integer in them is too long.".into()))
    }

    /// A number of values: at most what an SQL `bigint` holds.
    pub fn count(&mut self) -> Result<u64, Error> {
        let count = self.varint()?;
        if count > crate::moments::MAX_COUNT {
            return Err(self.corrupt("A count in them is beyond the range of bigint.".into()));
        }
        Ok(count)
    }

    /// What [`Writer::signed`] wrote.
    pub fn signed(&mut self) -> Result<i64, Error> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// What [`Writer::bytes`] wrote, at most `most` of them.
    pub fn bytes(&mut self, most: usize) -> Result<&'a [u8], Error> {
        let length = self.varint()?;
        let split = usize::try_from(length)
            .ok()
            .filter(|length| *length <= most)
            .and_then(|length| self.rest.split_at_checked(length));
        let Some((bytes, rest)) = split else {
            return Err(self.corrupt(format!("They claim a value of {length} bytes.")));
        };
        self.rest = rest;
        Ok(bytes)
    }

    /// A number of items of which each takes at least `least` bytes: so many are there, or the number is wrong.
    pub fn items(&mut self, least: usize, most: usize) -> Result<usize, Error> {
        let items = self.varint()?;
        usize::try_from(items)
            .ok()
            .filter(|items| *items <= most && items.saturating_mul(least) <= self.rest.len())
            .ok_or_else(|| self.corrupt(format!("They claim {items} items.")))
    }

    /// All that is left.
    pub fn remaining(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Fails when anything is left.
    pub fn finish(self) -> Result<(), Error> {
        match self.rest.len() {
            0 => Ok(()),
            1 => Err(self.corrupt("There is 1 byte too many.".into())),
            more => Err(self.corrupt(format!("There are {more} bytes too many."))),
        }
    }

    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let Some((chunk, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.corrupt("They end too early.".into()));
        };
        self.rest = rest;
        Ok(*chunk)
    }
}
