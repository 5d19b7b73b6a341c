//! CRC-32C (Castagnoli): finds altered bytes in a stored state.

use crc_fast::{CrcAlgorithm, checksum};

/// The CRC-32C of `bytes`.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    // A checksum of 32 bits in the lower half.
    checksum(CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value that catalogues of CRC parameters give for CRC-32C.
    #[test]
    fn check_value_of_the_catalogues() {
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
        assert_eq!(crc32c(b""), 0);
    }

    /// By the definition, bit by bit, at every length around those at which an implementation changes its ways.
    #[test]
    fn by_the_definition() {
        let bytes: Vec<u8> = (0..1100_u32).map(|i| ((i * 7919) >> 3) as u8).collect();
        let mut crc = u32::MAX;
        for (length, byte) in bytes.iter().enumerate() {
            assert_eq!(crc32c(&bytes[..length]), !crc);
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (if crc & 1 == 1 { 0x82F6_3B78 } else { 0 });
            }
        }
    }

    #[test]
    fn every_single_bit_changes_it() {
        let bytes: Vec<u8> = (0..37).collect();
        for bit in 0..bytes.len() * 8 {
            let mut altered = bytes.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(crc32c(&altered), crc32c(&bytes));
        }
    }
}
