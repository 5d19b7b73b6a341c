//! The sparse form: few entries at a precision of 25 bits.

/// The precision of sparse entries, in bits of the hash.
pub(super) const SPARSE_PRECISION: u8 = 25;

/// The largest rank of an entry: 39 further bits, and one more if all are zero.
pub(super) const MAX_RANK: u8 = 64 - SPARSE_PRECISION + 1;

const RANK_BITS: u32 = 6;

/// The first 25 bits of a hash, and the rank of the others: the number of leading zeros plus one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry(u32);

impl Entry {
    /// A free slot: a rank is never zero.
    const FREE: Self = Self(0);

    pub fn new(prefix: u32, rank: u8) -> Self {
        Self(prefix << RANK_BITS | u32::from(rank))
    }

    pub fn prefix(self) -> u32 {
        self.0 >> RANK_BITS
    }

    pub fn rank(self) -> u8 {
        (self.0 & ((1 << RANK_BITS) - 1)) as u8
    }

    /// The register and rank at a lower precision.
    pub fn at_precision(self, precision: u8) -> (usize, u8) {
        let dropped = SPARSE_PRECISION - precision;
        let bits = self.prefix() & ((1 << dropped) - 1);
        let rank = if bits == 0 {
            self.rank() + dropped
        } else {
            dropped - bits.ilog2() as u8
        };
        ((self.prefix() >> dropped) as usize, rank)
    }
}

/// Entries with distinct prefixes, the largest rank of each: an open-addressing table. Prefixes are random, so their last
/// bits are the slot; the first would put entries that come in order into few slots.
#[derive(Debug, Clone, Default)]
pub(super) struct SparseSet {
    slots: Vec<Entry>,
    occupied: usize,
}

impl SparseSet {
    /// Room for `size` entries.
    pub fn with_capacity(size: usize) -> Self {
        match size {
            0 => Self::default(),
            _ => Self {
                slots: vec![Entry::FREE; (size * 3 / 2).next_power_of_two().max(8)],
                occupied: 0,
            },
        }
    }

    pub fn len(&self) -> usize {
        self.occupied
    }

    #[inline]
    pub fn insert_hash(&mut self, hash: u64) {
        let rest = hash << SPARSE_PRECISION | 1 << (SPARSE_PRECISION - 1);
        self.insert(Entry::new(
            (hash >> (64 - SPARSE_PRECISION)) as u32,
            rest.leading_zeros() as u8 + 1,
        ));
    }

    #[inline]
    pub fn insert(&mut self, entry: Entry) {
        if self.occupied * 4 >= self.slots.len() * 3 {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut slot = entry.prefix() as usize & mask;
        while let Some(stored) = self.slots.get_mut(slot) {
            if *stored == Entry::FREE {
                *stored = entry;
                self.occupied += 1;
                return;
            }
            if stored.prefix() == entry.prefix() {
                *stored = entry.max(*stored);
                return;
            }
            slot = (slot + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let slots = (self.slots.len() * 2).max(8);
        let old = std::mem::replace(
            self,
            Self {
                slots: vec![Entry::FREE; slots],
                occupied: 0,
            },
        );
        old.iter().for_each(|entry| self.insert(entry));
    }

    pub fn iter(&self) -> impl Iterator<Item = Entry> {
        self.slots.iter().copied().filter(|entry| *entry != Entry::FREE)
    }

    pub fn sorted(&self) -> Vec<Entry> {
        let mut entries: Vec<_> = self.iter().collect();
        entries.sort_unstable();
        entries
    }

    /// Linear counting over the 2^25 prefixes (Whang, Vander-Zanden and Taylor, 1990).
    pub fn estimate(&self) -> f64 {
        let prefixes = f64::from(1u32 << SPARSE_PRECISION);
        -prefixes * (-(self.occupied as f64) / prefixes).ln_1p()
    }
}

impl PartialEq for SparseSet {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.sorted() == other.sorted()
    }
}
