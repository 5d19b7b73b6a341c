//! The frame around every state's bytes: version, kind of state, content, checksum.
//!
//! All integers are little-endian or LEB128, all doubles are their IEEE bits, so the bytes are the same on every machine.

use crate::Error;
use crate::checksum::crc32c;

/// The version that this build writes, and the only one that it reads.
const VERSION: u8 = 1;
const CHECKSUM_BYTES: usize = 4;

/// Which state the bytes hold, so that one state is never read as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Stats1d = 1,
    Stats2d = 2,
    UddSketch = 3,
    HyperLogLog = 4,
    Histogram = 5,
}

/// Writes the content of a frame.
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub fn new(kind: Kind) -> Self {
        Self {
            bytes: vec![VERSION, kind as u8],
        }
    }

    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// The bits of a double. The sign and payload of a NaN differ between machines, so all NaN are written alike.
    pub fn f64(&mut self, value: f64) {
        let value = if value.is_nan() { f64::NAN } else { value };
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

    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub fn finish(mut self) -> Vec<u8> {
        let checksum = crc32c(&self.bytes);
        self.bytes.extend_from_slice(&checksum.to_le_bytes());
        self.bytes
    }
}

/// Reads the content of a frame whose version, kind and checksum are right.
pub(crate) struct Reader<'a> {
    type_name: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(type_name: &'static str, kind: Kind, bytes: &'a [u8]) -> Result<Self, Error> {
        let reader = Self { type_name, rest: &[] };
        let [version, stored_kind, rest @ ..] = bytes else {
            return Err(reader.corrupt(format!("There are only {} bytes.", bytes.len())));
        };
        if *version != VERSION {
            return Err(reader.corrupt(format!(
                "They say format version {version}, and this release reads version {VERSION}."
            )));
        }
        let Some((rest, stored)) = rest.split_last_chunk::<CHECKSUM_BYTES>() else {
            return Err(reader.corrupt(format!("There are only {} bytes.", bytes.len())));
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

    pub fn u8(&mut self) -> Result<u8, Error> {
        self.chunk::<1>().map(|[byte]| byte)
    }

    pub fn f64(&mut self) -> Result<f64, Error> {
        self.chunk().map(f64::from_le_bytes)
    }

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

    /// All that is left.
    pub fn remaining(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub fn finish(self) -> Result<(), Error> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.corrupt(format!("There are {} bytes too many.", self.rest.len())))
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
