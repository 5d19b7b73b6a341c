//! Occupied buckets and their counts: an open-addressing table that takes little where there are few.

use std::ops::RangeInclusive;

use crate::moments::MAX_COUNT;

/// The index of a bucket at a given level of collapsing.
pub(super) type Index = i32;

/// The indices that a positive double can have at level 0, with room for the rounding of its logarithm.
pub(super) const INDICES: RangeInclusive<Index> = -380_000..=380_000;

const FREE: Index = Index::MIN;

/// Counts by index. Linear probing in a table of a power of two slots, at most half full.
#[derive(Debug, Clone, Default)]
pub(super) struct Buckets {
    slots: Vec<(Index, u64)>,
    occupied: usize,
}

impl Buckets {
    /// Room for `size` buckets.
    pub fn with_capacity(size: usize) -> Self {
        match size {
            0 => Self::default(),
            _ => Self {
                slots: vec![(FREE, 0); (size * 2).next_power_of_two().max(16)],
                occupied: 0,
            },
        }
    }

    /// The number of occupied buckets.
    pub fn len(&self) -> usize {
        self.occupied
    }

    /// Adds to a bucket's count.
    #[inline]
    pub fn add(&mut self, index: Index, count: u64) {
        if self.occupied * 2 >= self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        // Fibonacci hashing spreads runs of neighbours evenly, and real data is such runs.
        let hash = u64::from((index as u32).wrapping_mul(0x9E37_79B1));
        let mut slot = ((hash * self.slots.len() as u64) >> 32) as usize;
        while let Some((stored, total)) = self.slots.get_mut(slot) {
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
        let larger = Self::with_capacity(self.slots.len().max(8));
        let old = std::mem::replace(self, larger);
        old.iter().for_each(|(index, count)| self.add(index, count));
    }

    /// The occupied buckets in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (Index, u64)> {
        self.slots.iter().copied().filter(|(index, _)| *index != FREE)
    }

    /// The occupied buckets by ascending index.
    pub fn sorted(&self) -> Vec<(Index, u64)> {
        let bounds = self.iter().fold((Index::MAX, Index::MIN), |(low, high), (i, _)| {
            (low.min(i), high.max(i))
        });
        let span = i64::from(bounds.1) - i64::from(bounds.0) + 1;
        if span > 8 * self.occupied as i64 {
            let mut buckets: Vec<_> = self.iter().collect();
            buckets.sort_unstable_by_key(|(index, _)| *index);
            return buckets;
        }
        // Dense enough to be laid out in order at once.
        let mut counts = vec![0u64; usize::try_from(span).unwrap_or(0)];
        for (index, count) in self.iter() {
            if let Some(place) = counts.get_mut((index - bounds.0) as usize) {
                *place = count;
            }
        }
        let counted = (bounds.0..=bounds.1).zip(counts);
        counted.filter(|(_, count)| *count > 0).collect()
    }

    /// These buckets `levels` collapses further on: each collapse unites buckets 2i - 1 and 2i to bucket i.
    pub fn collapsed(&self, levels: u8) -> Self {
        let mut result = Self::with_capacity(self.occupied >> levels);
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
