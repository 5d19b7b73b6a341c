//! The stored form of a series, version 1.
//!
//! | bytes | meaning |
//! |---|---|
//! | 1 | version, 1 |
//! | 1 | flags: bit 0 is set when there are gaps, all others are 0 |
//! | 2 | 0 |
//! | 4 | number of points n |
//! | 8 | first time, microseconds since 2000-01-01 UTC |
//! | 8 | last time |
//! | varint | only when n > 1: unit u, the greatest common divisor of all steps between times |
//! | ... | only when n > 1: runs that make up the n - 1 steps (below) |
//! | (n+7)/8 | only when there are gaps: bitmap, bit i of byte i/8 set where point i is a gap |
//! | 8 each | the values that are not gaps |
//!
//! A run is a varint `length * 2 + kind`; kind 0 is followed by one varint, the step that repeats, kind 1 by `length`
//! varints, one step each; steps are in units of u. So a regular series costs 8 bytes a point and about 30 in all for
//! its times, and one with whole seconds at random some 1 or 2 bytes a time. Numbers are little-endian, varints LEB128.
//!
//! Decoding checks all of this structure: what is truncated, has bytes left over, or is not in strict time order is an
//! error. Bytes of a value are not checksummed: PostgreSQL has page checksums for that.

use crate::{Error, MAX_POINTS, Series, gaps::Gaps, timestamp};

/// Length of the fixed part at the start of the stored form.
pub const HEADER_BYTES: usize = 24;

const VERSION: u8 = 1;
const HAS_GAPS: u8 = 1;
/// Shorter repetitions are cheaper as single steps.
const MIN_REPEAT: usize = 3;

/// What the first bytes of the stored form tell without the rest.
///
/// ```
/// use kpi_series::{HEADER_BYTES, Header, Series};
///
/// let bytes = Series::from_points(vec![(5, Some(1.0)), (9, None)])?.encode();
/// let header = Header::decode(&bytes[..HEADER_BYTES])?;
/// assert_eq!((header.len, header.first, header.last), (2, 5, 9));
/// # Ok::<(), kpi_series::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Number of points, gaps included.
    pub len: usize,
    /// First time; 0 when there is no point.
    pub first: i64,
    /// Last time; 0 when there is no point.
    pub last: i64,
    has_gaps: bool,
}

impl Header {
    /// Reads the first [`HEADER_BYTES`] bytes of the stored form.
    ///
    /// # Errors
    /// [`Error::BadBytes`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader { bytes, at: 0 };
        let [version, flags, reserved @ ..] = reader.array::<4>()?;
        if version != VERSION {
            return Err(reader.error("the version is not 1, the only one that is known"));
        }
        if flags & !HAS_GAPS != 0 || reserved != [0, 0] {
            return Err(reader.error("unknown flags"));
        }
        let len = u32::from_le_bytes(reader.array()?) as usize;
        let first = i64::from_le_bytes(reader.array()?);
        let last = i64::from_le_bytes(reader.array()?);
        let header = Self {
            len,
            first,
            last,
            has_gaps: flags & HAS_GAPS != 0,
        };
        let in_order = match len {
            0 => first == 0 && last == 0 && !header.has_gaps,
            1 => first == last,
            _ => first < last,
        };
        if len > MAX_POINTS {
            return Err(reader.error("more points than a series holds"));
        }
        if !in_order || timestamp::check(first).is_err() || timestamp::check(last).is_err() {
            return Err(reader.error("first and last time do not fit"));
        }
        Ok(header)
    }
}

impl Series {
    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = self.encode_head();
        let head = bytes.len();
        bytes.resize(head + self.value_bytes(), 0);
        self.encode_values(bytes.split_at_mut(head).1);
        bytes
    }

    /// The stored form up to the values, which are nearly all of it: for who has a place for these already.
    pub fn encode_head(&self) -> Vec<u8> {
        self.encode_head_followed_by(0, 0)
    }

    /// The head of a series whose last `pending` times are not written, but follow by `step` each.
    pub(crate) fn encode_head_followed_by(&self, step: i64, pending: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let (first, last) = match (self.times.first(), self.times.last()) {
            (Some(&first), Some(&last)) => (first, last.wrapping_add(step.wrapping_mul(pending as i64))),
            _ => (0, 0),
        };
        let has_gaps = !self.gaps.is_empty();
        bytes.extend([VERSION, if has_gaps { HAS_GAPS } else { 0 }, 0, 0]);
        bytes.extend((self.len() as u32).to_le_bytes());
        bytes.extend(first.to_le_bytes());
        bytes.extend(last.to_le_bytes());
        let written = self.times.array_windows().map(step_between);
        encode_steps(
            &mut bytes,
            written.chain(std::iter::repeat_n(step as u64, pending)),
        );
        if has_gaps {
            for start in (0..self.len()).step_by(8) {
                bytes.push((0..8).fold(0, |byte, bit| byte | u8::from(self.is_gap(start + bit)) << bit));
            }
        }
        bytes
    }

    /// How many bytes the values take in the stored form.
    pub fn value_bytes(&self) -> usize {
        8 * (self.len() - self.gap_count())
    }

    /// Writes the values of the stored form, which follow the head, to a place of [`Series::value_bytes`].
    pub fn encode_values(&self, target: &mut [u8]) {
        let (slots, _) = target.as_chunks_mut::<8>();
        if self.gaps.is_empty() {
            for (slot, value) in slots.iter_mut().zip(&self.values) {
                *slot = value.to_le_bytes();
            }
        } else {
            let values = (0..self.len()).filter_map(|index| self.value(index));
            for (slot, value) in slots.iter_mut().zip(values) {
                *slot = value.to_le_bytes();
            }
        }
    }

    /// Reads the stored form. Memory is taken in proportion to the bytes that are there.
    ///
    /// # Errors
    /// [`Error::BadBytes`] for whatever [`Series::encode`] cannot have written.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let header = Header::decode(bytes)?;
        let mut reader = Reader {
            bytes,
            at: HEADER_BYTES,
        };
        let least = if header.has_gaps {
            header.len.div_ceil(8)
        } else {
            header.len * 8
        };
        if reader.rest().len() < least {
            return Err(reader.error("the bytes end too early"));
        }
        let times = decode_steps(&mut reader, &header)?;
        let mut series = Self {
            times,
            values: Vec::with_capacity(header.len),
            gaps: Gaps::default(),
        };
        if header.has_gaps {
            let bitmap = reader.take(header.len.div_ceil(8))?;
            for index in (0..header.len).filter(|&index| bit(bitmap, index)) {
                series.gaps.insert(index);
            }
            if series.gaps.is_empty() || (header.len..bitmap.len() * 8).any(|index| bit(bitmap, index)) {
                return Err(reader.error("the gaps do not fit the number of points"));
            }
            for index in 0..header.len {
                let gap = series.gaps.contains(index);
                series.values.push(if gap {
                    f64::NAN
                } else {
                    f64::from_le_bytes(reader.array()?)
                });
            }
        } else {
            let (values, _) = reader.take(header.len * 8)?.as_chunks::<8>();
            series
                .values
                .extend(values.iter().map(|&value| f64::from_le_bytes(value)));
        }
        if !reader.rest().is_empty() {
            return Err(reader.error("bytes are left over"));
        }
        Ok(series)
    }
}

fn bit(bitmap: &[u8], index: usize) -> bool {
    bitmap
        .get(index / 8)
        .is_some_and(|byte| byte >> (index % 8) & 1 == 1)
}

/// The step from each time to the next. All of `timestamptz` is wider than `i64`, hence unsigned.
fn step_between(pair: &[i64; 2]) -> u64 {
    pair[1].wrapping_sub(pair[0]) as u64
}

fn encode_steps(bytes: &mut Vec<u8>, steps: impl Iterator<Item = u64> + Clone) {
    let mut unit = 0;
    let mut previous = 0;
    for step in steps.clone() {
        if step != previous && (unit == 0 || step % unit != 0) {
            unit = greatest_common_divisor(step, unit);
        }
        previous = step;
    }
    if unit == 0 {
        return;
    }
    put_varint(bytes, unit);
    let mut single = Vec::new();
    let mut rest = steps.peekable();
    while let Some(step) = rest.next() {
        let mut repeat = 1;
        while rest.next_if_eq(&step).is_some() {
            repeat += 1;
        }
        if repeat < MIN_REPEAT {
            single.extend(std::iter::repeat_n(step / unit, repeat));
        } else {
            put_singles(bytes, &mut single);
            put_varint(bytes, (repeat as u64) << 1);
            put_varint(bytes, step / unit);
        }
    }
    put_singles(bytes, &mut single);
}

fn put_singles(bytes: &mut Vec<u8>, single: &mut Vec<u64>) {
    if !single.is_empty() {
        put_varint(bytes, (single.len() as u64) << 1 | 1);
        for step in single.drain(..) {
            put_varint(bytes, step);
        }
    }
}

fn decode_steps(reader: &mut Reader, header: &Header) -> Result<Vec<i64>, Error> {
    let mut times = Vec::with_capacity(header.len);
    if header.len > 0 {
        times.push(header.first);
    }
    if header.len < 2 {
        return Ok(times);
    }
    let unit = reader.varint()?;
    let mut time = header.first;
    let mut push = |reader: &Reader, step: u64| {
        let left = header.last.wrapping_sub(time) as u64;
        match step.checked_mul(unit) {
            Some(step) if (1..=left).contains(&step) => {
                time = time.wrapping_add(step as i64);
                times.push(time);
                Ok(())
            }
            _ => Err(reader.error("the times are not in order")),
        }
    };
    let mut left = header.len as u64 - 1;
    while left > 0 {
        let run = reader.varint()?;
        let length = run >> 1;
        if !(1..=left).contains(&length) {
            return Err(reader.error("the steps do not fit the number of points"));
        }
        left -= length;
        if run & 1 == 0 {
            let step = reader.varint()?;
            for _ in 0..length {
                push(reader, step)?;
            }
        } else {
            for _ in 0..length {
                let step = reader.varint()?;
                push(reader, step)?;
            }
        }
    }
    if time != header.last {
        return Err(reader.error("the steps do not reach the last time"));
    }
    Ok(times)
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn put_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn error(&self, reason: &'static str) -> Error {
        Error::BadBytes {
            offset: self.at,
            reason,
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let taken = self
            .rest()
            .get(..count)
            .ok_or_else(|| self.error("the bytes end too early"))?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let taken = self
            .rest()
            .first_chunk()
            .ok_or_else(|| self.error("the bytes end too early"))?;
        self.at += N;
        Ok(*taken)
    }

    fn varint(&mut self) -> Result<u64, Error> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.error("a number is too long"))
    }
}
