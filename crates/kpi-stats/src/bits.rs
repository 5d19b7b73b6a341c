//! Bits and adaptive Golomb–Rice codes: what makes thousands of small, similar counts fit a few kilobytes.

/// Quotients from here on are written as this many ones and the plain 64 bits.
const ESCAPE: u32 = 20;

/// Writes bits, most significant first.
#[derive(Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    pending: u64,
    count: u32,
}

impl BitWriter {
    /// The low `width` bits of `value`, `width` at most 32.
    fn put(&mut self, value: u64, width: u32) {
        self.pending = self.pending << width | (value & ((1 << width) - 1));
        self.count += width;
        while self.count >= 8 {
            self.count -= 8;
            self.bytes.push((self.pending >> self.count) as u8);
        }
    }

    fn put_long(&mut self, value: u64, width: u32) {
        if width > 32 {
            self.put(value >> 32, width - 32);
        }
        self.put(value, width.min(32));
    }

    /// The bytes; the last one is filled up with zeros.
    pub fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.put(0, 8 - self.count);
        }
        self.bytes
    }
}

/// Reads what a [`BitWriter`] wrote; `None` at the end of the bytes.
pub(crate) struct BitReader<'a> {
    rest: &'a [u8],
    /// The next bits, from the highest; below them zeros.
    pending: u64,
    count: u32,
}

impl<'a> BitReader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            pending: 0,
            count: 0,
        }
    }

    /// Takes whole bytes until at least 57 bits are pending or none are left.
    #[inline]
    fn refill(&mut self) {
        if let (Some(word), true) = (self.rest.first_chunk::<8>(), self.count <= 56) {
            let bytes = (64 - self.count) / 8;
            let taken = u64::from_be_bytes(*word) & (u64::MAX << (64 - 8 * bytes));
            self.pending |= taken >> self.count;
            self.count += 8 * bytes;
            self.rest = self.rest.get(bytes as usize..).unwrap_or_default();
            return;
        }
        while let (Some((byte, rest)), true) = (self.rest.split_first(), self.count <= 56) {
            self.pending |= u64::from(*byte) << (56 - self.count);
            self.count += 8;
            self.rest = rest;
        }
    }

    /// The next `width` bits, `width` at most 32.
    #[inline]
    fn get(&mut self, width: u32) -> Option<u64> {
        if self.count < width {
            self.refill();
        }
        if width == 0 {
            return Some(0);
        }
        let value = self.pending >> (64 - width);
        self.skip(width)?;
        Some(value)
    }

    #[inline]
    fn skip(&mut self, width: u32) -> Option<()> {
        self.count = self.count.checked_sub(width)?;
        self.pending <<= width;
        Some(())
    }

    #[inline]
    fn get_long(&mut self, width: u32) -> Option<u64> {
        let high = if width > 32 { self.get(width - 32)? } else { 0 };
        Some(high << 32 | self.get(width.min(32))?)
    }

    /// Ones up to and including the zero after them, but at most `limit` ones.
    #[inline]
    fn ones(&mut self, limit: u32) -> Option<u32> {
        if self.count <= limit {
            self.refill();
        }
        let ones = self.pending.leading_ones();
        if ones >= limit {
            self.skip(limit)?;
            return Some(limit);
        }
        self.skip(ones + 1)?;
        Some(ones)
    }

    /// Whether nothing is left but the zeros of the last byte.
    pub fn finished(self) -> bool {
        self.rest.is_empty() && self.count < 8 && self.pending == 0
    }
}

/// A Golomb–Rice code whose parameter follows the mean of what was coded before, as in JPEG-LS (Weinberger, Seroussi
/// and Sapiro, 2000). Reader and writer keep the same statistics, so the parameter need not be written.
pub(crate) struct RiceCode {
    total: u64,
    coded: u64,
}

impl RiceCode {
    /// A code that expects numbers of about `mean`.
    pub fn expecting(mean: u64) -> Self {
        Self {
            total: mean.min(u64::MAX >> 8),
            coded: 1,
        }
    }

    /// The number of low bits that are written as they are: the smallest k with 2^k ≥ half the mean.
    fn parameter(&self) -> u32 {
        let half = self.total.div_ceil(2 * self.coded);
        64 - half.saturating_sub(1).leading_zeros()
    }

    fn learn(&mut self, value: u64) {
        self.total = self.total.saturating_add(value.min(u64::MAX >> 8));
        self.coded += 1;
        if self.coded == 32 {
            self.total /= 2;
            self.coded /= 2;
        }
    }

    pub fn write(&mut self, bits: &mut BitWriter, value: u64) {
        let k = self.parameter();
        let quotient = value >> k;
        if quotient < u64::from(ESCAPE) {
            let ones = quotient as u32;
            bits.put((1 << (ones + 1)) - 2, ones + 1);
            bits.put_long(value, k);
        } else {
            bits.put((1 << ESCAPE) - 1, ESCAPE);
            bits.put_long(value, 64);
        }
        self.learn(value);
    }

    pub fn read(&mut self, bits: &mut BitReader) -> Option<u64> {
        let k = self.parameter();
        let quotient = bits.ones(ESCAPE)?;
        let value = if quotient == ESCAPE {
            bits.get_long(64)?
        } else {
            u64::from(quotient).checked_shl(k)? | bits.get_long(k)?
        };
        self.learn(value);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_numbers_read_back(values in prop::collection::vec(
            prop_oneof![0..4u64, 0..5000u64, any::<u64>()], 0..200), mean in any::<u64>()) {
            let mut bits = BitWriter::default();
            let mut code = RiceCode::expecting(mean);
            values.iter().for_each(|value| code.write(&mut bits, *value));
            let bytes = bits.finish();
            let mut reader = BitReader::new(&bytes);
            let mut code = RiceCode::expecting(mean);
            for value in &values {
                prop_assert_eq!(code.read(&mut reader), Some(*value));
            }
            prop_assert!(reader.finished());
        }

        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut reader = BitReader::new(&bytes);
            let mut code = RiceCode::expecting(0);
            let read = std::iter::from_fn(|| code.read(&mut reader)).count();
            prop_assert!(read <= bytes.len() * 8);
        }
    }
}
