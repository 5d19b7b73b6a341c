//! A hash of content that does not depend on the order of rows.
//!
//! Every value has a hash of 64 bits: of fixed width by the finaliser of MurmurHash3, which maps no two inputs to the same output,
//! of text and bytes by XXH3. A column's hash is the wrapping sum of its values' hashes, and the wrapping sum of those hashes mixed
//! once more. A row's hash mixes the sum of its values' hashes, each times an odd number of its column; so values that are swapped
//! between two rows change it, while the columns' hashes stay. It guards against accidents, not against someone who wants two
//! contents to have one hash.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use crate::{Error, Kind, Schema};

const NULL: u64 = 0x6B70_695F_6E75_6C6C;
const FIRST: u64 = 0x9E37_79B9_7F4A_7C15;
const SECOND: u64 = 0xC2B2_AE3D_27D4_EB4F;
/// Rows that are hashed at a time: few enough for their hashes to stay in the nearest cache.
const BLOCK: usize = 1024;

/// 128 bits that stand for a multiset of values.
///
/// ```
/// use kpi_archive::ContentHash;
/// let hash = ContentHash([1, 2]);
/// assert_eq!(hash.to_string(), "00000000000000010000000000000002");
/// assert_eq!("00000000000000010000000000000002".parse(), Ok(hash));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ContentHash(pub [u64; 2]);

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.0[0], self.0[1])
    }
}

impl FromStr for ContentHash {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let half = |digits: Option<&str>| u64::from_str_radix(digits?, 16).ok();
        match (text.len(), half(text.get(..16)), half(text.get(16..))) {
            (32, Some(first), Some(second)) if !text.contains('+') => Ok(Self([first, second])),
            _ => Err(Error::unsupported(
                "invalid content hash".into(),
                Some(text.into()),
            )),
        }
    }
}

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for ContentHash {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl ContentHash {
    #[inline]
    fn add(&mut self, hash: u64) {
        self.0[0] = self.0[0].wrapping_add(hash);
        self.0[1] = self.0[1].wrapping_add(mix(hash ^ SECOND));
    }

    fn merge(&mut self, other: Self) {
        self.0[0] = self.0[0].wrapping_add(other.0[0]);
        self.0[1] = self.0[1].wrapping_add(other.0[1]);
    }
}

/// The content hashes of rows: one per column, and one over whole rows that finds values swapped between rows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hashes {
    /// By field id.
    pub columns: BTreeMap<i32, ContentHash>,
    /// Over whole rows.
    pub row: ContentHash,
}

impl Hashes {
    /// Adds the hashes of other rows: the result is the hashes of all of them together.
    ///
    /// ```
    /// use kpi_archive::{ContentHash, Hashes};
    /// let mut hashes = Hashes { columns: [(1, ContentHash([1, 2]))].into(), row: ContentHash([3, u64::MAX]) };
    /// hashes.merge(&hashes.clone());
    /// assert_eq!(hashes.columns[&1], ContentHash([2, 4]));
    /// assert_eq!(hashes.row, ContentHash([6, u64::MAX - 1]));
    /// ```
    pub fn merge(&mut self, other: &Self) {
        for (field_id, hash) in &other.columns {
            self.columns.entry(*field_id).or_default().merge(*hash);
        }
        self.row.merge(other.row);
    }
}

/// Hashes rows that come as arrays.
#[derive(Debug)]
pub(crate) struct ArrayHasher {
    columns: Vec<(i32, Kind)>,
    hashes: Hashes,
    values: Vec<u64>,
    rows: Vec<u64>,
}

impl ArrayHasher {
    pub(crate) fn new(schema: &Schema) -> Self {
        let hashes = Hashes {
            columns: schema
                .columns
                .iter()
                .map(|c| (c.field_id, ContentHash::default()))
                .collect(),
            row: ContentHash::default(),
        };
        Self {
            columns: schema.columns.iter().map(|c| (c.field_id, c.kind)).collect(),
            hashes,
            values: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Adds `rows` rows: one array per column of the schema, in its order.
    pub(crate) fn add(&mut self, arrays: &[ArrayRef], rows: usize) {
        for start in (0..rows).step_by(BLOCK) {
            self.add_block(arrays, start, BLOCK.min(rows - start));
        }
    }

    fn add_block(&mut self, arrays: &[ArrayRef], start: usize, rows: usize) {
        self.rows.clear();
        self.rows.resize(rows, 0);
        for ((field_id, kind), array) in self.columns.iter().zip(arrays) {
            self.values.clear();
            hash_values(*kind, &array.slice(start, rows), &mut self.values);
            let factor = mix(*field_id as u64 ^ FIRST) | 1;
            let mut column = ContentHash::default();
            for (row, hash) in self.rows.iter_mut().zip(&self.values) {
                column.add(*hash);
                *row = row.wrapping_add(hash.wrapping_mul(factor));
            }
            self.hashes.columns.entry(*field_id).or_default().merge(column);
        }
        for row in &self.rows {
            self.hashes.row.add(mix(*row ^ FIRST));
        }
    }

    pub(crate) fn finish(self) -> Hashes {
        self.hashes
    }
}

/// The finaliser of MurmurHash3 (Austin Appleby): a bijection.
#[inline]
fn mix(mut bits: u64) -> u64 {
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    bits ^ (bits >> 33)
}

#[inline]
fn wide(high: u64, low: u64) -> u64 {
    mix(low ^ mix(high ^ FIRST))
}

fn each(array: &dyn Array, out: &mut Vec<u64>, hash: impl Fn(usize) -> u64) {
    match array.nulls() {
        None => out.extend((0..array.len()).map(hash)),
        Some(nulls) => {
            out.extend((0..array.len()).map(|i| if nulls.is_null(i) { NULL } else { hash(i) }));
        }
    }
}

fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef, out: &mut Vec<u64>, bits: impl Fn(T::Native) -> u64) {
    let values = array.as_primitive::<T>().values();
    each(array, out, |i| mix(bits(values[i]) ^ FIRST));
}

fn hash_values(kind: Kind, array: &ArrayRef, out: &mut Vec<u64>) {
    match kind {
        Kind::Bool => {
            let values = array.as_boolean().values();
            each(array, out, |i| mix(u64::from(values.value(i)) ^ FIRST));
        }
        Kind::Int16 => primitive::<Int16Type>(array, out, |v| i64::from(v) as u64),
        Kind::Int32 => primitive::<Int32Type>(array, out, |v| i64::from(v) as u64),
        Kind::Int64 => primitive::<Int64Type>(array, out, |v| v as u64),
        Kind::Float32 => primitive::<Float32Type>(array, out, |v| {
            u64::from(if v.is_nan() {
                f32::NAN.to_bits()
            } else {
                v.to_bits()
            })
        }),
        Kind::Float64 => {
            primitive::<Float64Type>(array, out, |v| {
                if v.is_nan() {
                    f64::NAN.to_bits()
                } else {
                    v.to_bits()
                }
            });
        }
        Kind::Date => primitive::<Date32Type>(array, out, |v| i64::from(v) as u64),
        Kind::Time => primitive::<Time64MicrosecondType>(array, out, |v| v as u64),
        Kind::Timestamp { .. } => primitive::<TimestampMicrosecondType>(array, out, |v| v as u64),
        Kind::Decimal { .. } => {
            let values = array.as_primitive::<Decimal128Type>().values();
            each(array, out, |i| wide((values[i] >> 64) as u64, values[i] as u64));
        }
        Kind::Uuid => {
            let values = array.as_fixed_size_binary();
            each(array, out, |i| {
                let bits = values
                    .value(i)
                    .iter()
                    .fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
                wide((bits >> 64) as u64, bits as u64)
            });
        }
        Kind::Text => {
            let values = array.as_string::<i32>();
            each(array, out, |i| XxHash3_64::oneshot(values.value(i).as_bytes()));
        }
        Kind::Binary => {
            let values = array.as_binary::<i32>();
            each(array, out, |i| XxHash3_64::oneshot(values.value(i)));
        }
    }
}
