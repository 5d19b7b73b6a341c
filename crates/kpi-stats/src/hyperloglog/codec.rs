//! The bytes of a HyperLogLog: sparse entries as Golomb–Rice coded gaps, dense registers as four bits each above the
//! smallest, and the few that need more after them.

use super::sparse::{Entry, MAX_RANK, SPARSE_PRECISION, SparseSet};
use super::{HyperLogLog, PRECISIONS, Registers, sparse_limit};
use crate::bits::{BitReader, BitWriter, RiceCode};
use crate::frame::{Kind, Reader, Writer};
use crate::{Error, State};

const SPARSE: u8 = 0;
const DENSE: u8 = 1;

/// Four bits that say that the rank is among those at the end.
const ESCAPED: u8 = 15;

pub(super) fn encode(state: &HyperLogLog) -> Vec<u8> {
    let mut writer = Writer::new(Kind::HyperLogLog);
    writer.u8(state.precision);
    match &state.registers {
        Registers::Sparse(set) => {
            writer.u8(SPARSE);
            writer.varint(set.len() as u64);
            writer.raw(&write_entries(&set.sorted()));
        }
        Registers::Dense(registers) => {
            writer.u8(DENSE);
            let base = registers.iter().copied().min().unwrap_or(0);
            writer.u8(base);
            let above = |rank: &u8| (rank - base).min(ESCAPED);
            let (pairs, _) = registers.as_chunks::<2>();
            pairs
                .iter()
                .for_each(|[low, high]| writer.u8(above(low) | above(high) << 4));
            registers
                .iter()
                .filter(|rank| above(rank) == ESCAPED)
                .for_each(|rank| writer.u8(*rank));
        }
    }
    writer.finish()
}

pub(super) fn decode(bytes: &[u8]) -> Result<HyperLogLog, Error> {
    let mut reader = Reader::new(HyperLogLog::TYPE_NAME, Kind::HyperLogLog, bytes)?;
    let precision = reader.u8()?;
    if !PRECISIONS.contains(&precision) {
        return Err(reader.corrupt(format!("They claim 2^{precision} registers.")));
    }
    let registers = match reader.u8()? {
        SPARSE => {
            let size = reader.varint()?;
            if size > sparse_limit(precision) as u64 {
                return Err(reader.corrupt("They claim more entries than a sparse state can have.".into()));
            }
            let set = read_entries(reader.remaining(), size)
                .ok_or_else(|| reader.corrupt("Their entries cannot be read.".into()))?;
            Registers::Sparse(set)
        }
        DENSE => Registers::Dense(read_registers(&mut reader, precision)?),
        form => return Err(reader.corrupt(format!("They have the unknown form {form}."))),
    };
    reader.finish()?;
    Ok(HyperLogLog { precision, registers })
}

/// About the distance of two of `size` prefixes.
fn expected_gap(size: u64) -> u64 {
    (1 << SPARSE_PRECISION) / (size + 1)
}

fn write_entries(entries: &[Entry]) -> Vec<u8> {
    let mut bits = BitWriter::default();
    let mut gaps = RiceCode::expecting(expected_gap(entries.len() as u64));
    let mut ranks = RiceCode::expecting(1);
    let mut next = 0;
    for entry in entries {
        gaps.write(&mut bits, u64::from(entry.prefix() - next));
        ranks.write(&mut bits, u64::from(entry.rank() - 1));
        next = entry.prefix() + 1;
    }
    bits.finish()
}

fn read_entries(bytes: &[u8], size: u64) -> Option<SparseSet> {
    let mut bits = BitReader::new(bytes);
    let mut gaps = RiceCode::expecting(expected_gap(size));
    let mut ranks = RiceCode::expecting(1);
    let mut set = SparseSet::with_capacity(usize::try_from(size).ok()?);
    let mut next = 0u64;
    for _ in 0..size {
        let prefix = gaps
            .read(&mut bits)?
            .checked_add(next)
            .filter(|prefix| *prefix < 1 << SPARSE_PRECISION)?;
        let rank = ranks
            .read(&mut bits)?
            .checked_add(1)
            .filter(|rank| *rank <= u64::from(MAX_RANK))?;
        set.insert(Entry::new(prefix as u32, rank as u8));
        next = prefix + 1;
    }
    bits.finished().then_some(set)
}

fn read_registers(reader: &mut Reader, precision: u8) -> Result<Vec<u8>, Error> {
    let max_rank = 64 - precision + 1;
    let base = reader.u8()?;
    let (count, content) = (1usize << precision, reader.remaining());
    let Some((packed, escaped)) = content.split_at_checked(count / 2).filter(|_| base <= max_rank) else {
        return Err(reader.corrupt("They hold fewer registers than they claim.".into()));
    };
    let mut registers = Vec::with_capacity(count);
    packed
        .iter()
        .for_each(|pair| registers.extend([base + (pair & 15), base + (pair >> 4)]));
    let mut escaped = escaped.iter();
    for register in registers.iter_mut().filter(|rank| **rank == base + ESCAPED) {
        match escaped.next() {
            Some(rank) if *rank >= *register => *register = *rank,
            _ => return Err(reader.corrupt("A register is missing or too small.".into())),
        }
    }
    if escaped.next().is_some() || registers.iter().any(|rank| *rank > max_rank) {
        return Err(reader.corrupt("A register is too many or too large.".into()));
    }
    Ok(registers)
}
