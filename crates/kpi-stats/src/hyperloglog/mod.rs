//! `hyperloglog`: an approximate count of distinct values in a few kilobytes.

mod codec;
mod estimate;
mod intersection;
mod sparse;

pub use self::intersection::Intersection;
use self::sparse::SparseSet;
use crate::{Error, State};

/// The fewest and the most registers, as powers of two.
const PRECISIONS: std::ops::RangeInclusive<u8> = 4..=18;
const DEFAULT_PRECISION: u8 = 14;

/// Registers with the largest rank seen (Flajolet, Fusy, Gandouet and Meunier, 2007), 64-bit hashes and a sparse start as in
/// HyperLogLog++ (Heule, Nunkesser and Hall, 2013), read with Ertl's improved estimator ("New cardinality estimation
/// algorithms for HyperLogLog sketches", arXiv:1702.01284, 2017), which needs no tables of measured bias.
///
/// While it has few entries they are kept with 25 bits of the hash each, so small counts are nearly exact. Which form is in
/// use depends only on the set of hashes, so a merge of parts is the very state of the whole. Merging states of different
/// precision gives the lower one.
///
/// ```
/// use kpi_stats::HyperLogLog;
/// let mut users = HyperLogLog::default();
/// (0..1000u64).for_each(|id| users.add_hash(HyperLogLog::mix(id)));
/// assert_eq!(users.distinct_count(), 1000);
/// assert_eq!(users.standard_error(), 1.04 / 128.0);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct HyperLogLog {
    precision: u8,
    registers: Registers,
}

#[derive(Debug, Clone, PartialEq)]
enum Registers {
    Sparse(SparseSet),
    Dense(Vec<u8>),
}

impl Default for HyperLogLog {
    fn default() -> Self {
        Self::with_precision(DEFAULT_PRECISION)
    }
}

impl HyperLogLog {
    fn with_precision(precision: u8) -> Self {
        Self {
            precision,
            registers: Registers::Sparse(SparseSet::default()),
        }
    }

    /// An empty state with `size` registers, rounded up to a power of two.
    ///
    /// # Errors
    /// [`Error::RegisterCount`] outside 16 to 262144.
    ///
    /// ```
    /// use kpi_stats::HyperLogLog;
    /// assert_eq!(HyperLogLog::with_registers(1000).unwrap().standard_error(), 1.04 / 32.0);
    /// assert!(HyperLogLog::with_registers(15).is_err());
    /// ```
    pub fn with_registers(size: i64) -> Result<Self, Error> {
        let rounded = u64::try_from(size).ok().and_then(u64::checked_next_power_of_two);
        match rounded.map(|registers| registers.trailing_zeros() as u8) {
            Some(precision) if PRECISIONS.contains(&precision) && size >= 1 << PRECISIONS.start() => {
                Ok(Self::with_precision(precision))
            }
            _ => Err(Error::RegisterCount(size)),
        }
    }

    /// The empty state that leaves the precision of whatever it is merged with.
    pub fn neutral() -> Self {
        Self::with_precision(*PRECISIONS.end())
    }

    /// Adds a value by its 64-bit hash, all of whose bits must look random: see [`HyperLogLog::mix`].
    #[inline]
    pub fn add_hash(&mut self, hash: u64) {
        match &mut self.registers {
            Registers::Dense(registers) => {
                // The guard bit below the hash ends the count of zeros.
                let rest = hash << self.precision | 1 << (self.precision - 1);
                let register = (hash >> (64 - self.precision)) as usize;
                raise(registers, register, rest.leading_zeros() as u8 + 1);
            }
            Registers::Sparse(set) => {
                set.insert_hash(hash);
                if set.len() > sparse_limit(self.precision) {
                    self.make_dense();
                }
            }
        }
    }

    /// Spreads the entropy of a hash over all 64 bits: the finaliser of SplitMix64 (Steele, Lea and Flood, 2014), a
    /// bijection, so that distinct 64-bit integers never collide.
    #[inline]
    pub fn mix(value: u64) -> u64 {
        let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// The estimated number of distinct values.
    pub fn distinct_count(&self) -> u64 {
        let estimate = match &self.registers {
            Registers::Sparse(set) => set.estimate(),
            Registers::Dense(registers) => estimate::improved(registers, self.precision),
        };
        // The cast saturates; a bigint holds the result.
        (estimate.round() as u64).min(crate::moments::MAX_COUNT)
    }

    /// The relative standard error of the estimate: 1.04 / √registers.
    pub fn standard_error(&self) -> f64 {
        1.04 / f64::from(1u32 << self.precision).sqrt()
    }

    fn make_dense(&mut self) {
        if let Registers::Sparse(set) = &self.registers {
            let mut registers = vec![0; 1 << self.precision];
            set.iter().for_each(|entry| {
                let (register, rank) = entry.at_precision(self.precision);
                raise(&mut registers, register, rank);
            });
            self.registers = Registers::Dense(registers);
        }
    }

    fn lower_precision(&mut self, precision: u8) {
        if precision >= self.precision {
            return;
        }
        if let Registers::Dense(registers) = &self.registers {
            let dropped = self.precision - precision;
            let mut lower = vec![0; 1 << precision];
            for (register, rank) in registers.iter().enumerate().filter(|(_, rank)| **rank > 0) {
                // The bits that no longer choose the register become the first of those whose zeros are counted.
                let bits = register & ((1 << dropped) - 1);
                let rank = if bits == 0 {
                    rank + dropped
                } else {
                    dropped - bits.ilog2() as u8
                };
                raise(&mut lower, register >> dropped, rank);
            }
            self.registers = Registers::Dense(lower);
        }
        self.precision = precision;
        self.settle();
    }

    /// Makes the state dense if it has too many entries for a sparse one.
    fn settle(&mut self) {
        if matches!(&self.registers, Registers::Sparse(set) if set.len() > sparse_limit(self.precision)) {
            self.make_dense();
        }
    }
}

/// A sparse state has at most so many entries: an eighth of the registers, which then take about as much memory.
fn sparse_limit(precision: u8) -> usize {
    1 << (precision - 3)
}

#[inline]
fn raise(registers: &mut [u8], register: usize, rank: u8) {
    if let Some(stored) = registers.get_mut(register) {
        *stored = rank.max(*stored);
    }
}

impl State for HyperLogLog {
    const TYPE_NAME: &'static str = "kpi.hyperloglog";

    fn merge(&mut self, other: &Self) {
        self.lower_precision(other.precision);
        if other.precision > self.precision {
            let mut other = other.clone();
            other.lower_precision(self.precision);
            return self.merge(&other);
        }
        if matches!(other.registers, Registers::Dense(_)) {
            self.make_dense();
        }
        match (&mut self.registers, &other.registers) {
            (Registers::Sparse(ours), Registers::Sparse(theirs)) => {
                theirs.iter().for_each(|entry| ours.insert(entry))
            }
            (Registers::Dense(ours), Registers::Sparse(theirs)) => theirs.iter().for_each(|entry| {
                let (register, rank) = entry.at_precision(self.precision);
                raise(ours, register, rank);
            }),
            (Registers::Dense(ours), Registers::Dense(theirs)) => {
                ours.iter_mut()
                    .zip(theirs)
                    .for_each(|(ours, theirs)| *ours = *theirs.max(ours));
            }
            (Registers::Sparse(_), Registers::Dense(_)) => {}
        }
        self.settle();
    }

    fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        codec::decode(bytes)
    }
}
