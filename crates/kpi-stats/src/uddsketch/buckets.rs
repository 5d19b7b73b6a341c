//! Occupied buckets and their counts: an open-addressing table that takes little where there are few.

use std::ops::RangeInclusive;

use crate::moments::MAX_COUNT;

/// The index of a bucket at a given level of collapsing.
pub(super) type Index = i32;

/// The indices that a positive double can have at level 0, with room for the rounding of its logarithm.
pub(super) const INDICES: RangeInclusive<Index> = -380_000..=380_000;

const FREE: Index = Index::MIN;

/// Counts by index. Linear probing in a table of a power of two slots, at most three quarters full.
#[derive(Debug, Clone, Default)]
pub(super) struct Buckets {
    indices: Vec<Index>,
    counts: Vec<u64>,
    occupied: usize,
}

impl Buckets {
    /// The number of occupied buckets.
    pub fn len(&self) -> usize {
        self.occupied
    }

    /// Adds to a bucket's count.
    #[inline]
    pub fn add(&mut self, index: Index, count: u64) {
        if self.occupied * 4 >= self.indices.len() * 3 {
            self.grow();
        }
        let mask = self.indices.len() - 1;
        // Neighbouring indices go to neighbouring slots: real data fills runs of them, which then share cache lines.
        let mut slot = index as usize & mask;
        loop {
            let (Some(stored), Some(total)) = (self.indices.get_mut(slot), self.counts.get_mut(slot)) else {
                return;
            };
            if *stored == index {
                *total = total.saturating_add(count).min(MAX_COUNT);
                return;
            }
            if *stored == FREE {
                (*stored, *total) = (index, count);
                self.occupied += 1;
                return;
            }
            slot = (slot + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let slots = (self.indices.len() * 2).max(16);
        let old = std::mem::replace(
            self,
            Self {
                indices: vec![FREE; slots],
                counts: vec![0; slots],
                occupied: 0,
            },
        );
        old.iter().for_each(|(index, count)| self.add(index, count));
    }

    /// The occupied buckets in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (Index, u64)> {
        let pairs = self.indices.iter().zip(&self.counts);
        pairs
            .filter(|(index, _)| **index != FREE)
            .map(|(index, count)| (*index, *count))
    }

    /// The occupied buckets by ascending index.
    pub fn sorted(&self) -> Vec<(Index, u64)> {
        let mut buckets: Vec<_> = self.iter().collect();
        buckets.sort_unstable_by_key(|(index, _)| *index);
        buckets
    }

    /// These buckets `levels` collapses further on: each collapse unites buckets 2i - 1 and 2i to bucket i.
    pub fn collapsed(&self, levels: u8) -> Self {
        let mut result = Self::default();
        self.iter()
            .for_each(|(index, count)| result.add(collapse(index, levels), count));
        result
    }
}

/// The index after `levels` collapses: index / 2^levels, rounded up.
#[inline]
pub(super) fn collapse(index: Index, levels: u8) -> Index {
    -(-index >> levels)
}

impl PartialEq for Buckets {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.sorted() == other.sorted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collapsing_rounds_up_step_by_step_or_at_once() {
        for index in -1000..1000 {
            assert_eq!(collapse(index, 1), (f64::from(index) / 2.0).ceil() as Index);
            assert_eq!(collapse(collapse(index, 1), 2), collapse(index, 3));
        }
    }

    #[test]
    fn counts_survive_growth() {
        let mut buckets = Buckets::default();
        for i in 0..10_000 {
            buckets.add((i * 7919) % 5003 - 2500, 1);
        }
        assert_eq!(buckets.len(), 5003);
        assert_eq!(buckets.iter().map(|(_, count)| count).sum::<u64>(), 10_000);
        assert!(buckets.sorted().is_sorted());
    }
}
