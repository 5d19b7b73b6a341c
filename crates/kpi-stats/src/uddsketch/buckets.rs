//! Occupied buckets and their counts, in little memory where there are few.

use std::ops::RangeInclusive;

use crate::moments::MAX_COUNT;

/// The index of a bucket at a given level of collapsing.
pub(super) type Index = i32;

/// The indices that a positive double can have at level 0, with room for the rounding of its logarithm.
pub(super) const INDICES: RangeInclusive<Index> = -380_000..=380_000;

const FREE: Index = Index::MIN;

/// Laid out in order, buckets may always span so much,
const SMALL_SPAN: u32 = 256;
/// and so many times as much as there are occupied ones: a table has two slots of four times the size for each.
const MOST_SPAN_PER_BUCKET: u32 = 8;

/// The widest span at which so many occupied buckets are laid out in order.
fn most_span(occupied: u32) -> u32 {
    occupied.saturating_mul(MOST_SPAN_PER_BUCKET)
}

/// Counts by index. While the occupied buckets are near each other, as those of real data are, the counts stand side by side:
/// a thousand sketches at once then stay in the processor's cache. Others are in a table, until they are near each other.
#[derive(Debug, Clone, Default)]
// As in the sketch: what every value touches comes first.
#[repr(C)]
pub(super) struct Buckets {
    /// Counts of neighbouring buckets. Empty while there are slots.
    counts: Vec<u32>,
    /// The index of the first count.
    first: Index,
    occupied: u32,
    /// Linear probing in a power of two of slots, at most half full.
    slots: Vec<(Index, u64)>,
}

impl Buckets {
    /// The number of occupied buckets.
    pub fn len(&self) -> usize {
        self.occupied as usize
    }

    /// Counts one value, and says whether it is the first in its bucket.
    #[inline]
    pub fn add_one(&mut self, index: Index) -> bool {
        let place = self.place(index);
        match self.counts.get_mut(place) {
            Some(total) if *total < u32::MAX => {
                let new = *total == 0;
                self.occupied += u32::from(new);
                *total += 1;
                new
            }
            _ => {
                let before = self.occupied;
                self.add(index, 1);
                self.occupied > before
            }
        }
    }

    /// Where the count of a bucket is, or would be.
    #[inline]
    fn place(&self, index: Index) -> usize {
        index.wrapping_sub(self.first) as u32 as usize
    }

    /// Adds to a bucket's count.
    pub fn add(&mut self, index: Index, count: u64) {
        if count == 0 {
            return;
        }
        if self.slots.is_empty() && self.add_in_order(index, count) {
            return;
        }
        self.add_to_table(index, count);
    }

    /// Says whether the counts could be left in order.
    fn add_in_order(&mut self, index: Index, count: u64) -> bool {
        if self.place(index) >= self.counts.len() && !self.widen(index) {
            return false;
        }
        let place = self.place(index);
        let Some(total) = self.counts.get_mut(place) else {
            return false;
        };
        let Ok(sum) = u32::try_from(count.saturating_add(u64::from(*total))) else {
            return false;
        };
        self.occupied += u32::from(*total == 0);
        *total = sum;
        true
    }

    /// Makes room for one more bucket, and on its side for as many again.
    #[cold]
    fn widen(&mut self, index: Index) -> bool {
        // Room that no value has used yet is not a reason to need more.
        let used = |count: &u32| *count > 0;
        let from = self.counts.iter().position(used);
        let to = self.counts.iter().rposition(used);
        let (low, high) = match from.zip(to) {
            Some((from, to)) => (
                index.min(self.first + from as Index),
                index.max(self.first + to as Index),
            ),
            None => (index, index),
        };
        let span = (high - low) as u32 + 1;
        if span > SMALL_SPAN.max(most_span(self.occupied + 1)) {
            return false;
        }
        let room = span.next_power_of_two().max(16);
        let first = if index == low {
            high + 1 - room as Index
        } else {
            low
        };
        let mut counts = vec![0; room as usize];
        let old = self.counts.get(from.unwrap_or(0)..to.map_or(0, |to| to + 1));
        let at = (self.first + from.unwrap_or(0) as Index).wrapping_sub(first) as usize;
        if let Some(old) = old
            && let Some(place) = counts.get_mut(at..at.saturating_add(old.len()))
        {
            place.copy_from_slice(old);
        }
        (self.first, self.counts) = (first, counts);
        true
    }

    fn add_to_table(&mut self, index: Index, count: u64) {
        if self.len() * 2 >= self.slots.len() {
            if self.add_by_leaving_table(index, count) {
                return;
            }
            self.grow_table();
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
                (*stored, *total) = (index, count.min(MAX_COUNT));
                self.occupied += 1;
                return;
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Adds to a bucket where the buckets of a full table have turned out to be near each other; says whether they have.
    fn add_by_leaving_table(&mut self, index: Index, count: u64) -> bool {
        if self.slots.is_empty() {
            return false;
        }
        let bounds = |(low, high): (Index, Index), (i, _)| (low.min(i), high.max(i));
        let (low, high) = self.iter().fold((index, index), bounds);
        if (high - low) as u32 >= most_span(self.occupied) {
            return false;
        }
        let room = ((high - low) as u32 + 1).next_power_of_two();
        let mut in_order = Self {
            counts: vec![0; room as usize],
            first: low,
            ..Self::default()
        };
        if !self
            .iter()
            .chain([(index, count)])
            .all(|(i, n)| in_order.add_in_order(i, n))
        {
            return false;
        }
        *self = in_order;
        true
    }

    /// A table of twice as many slots, or the first one.
    #[cold]
    fn grow_table(&mut self) {
        let slots = (self.len() * 4).next_power_of_two().max(16);
        let larger = Self {
            slots: vec![(FREE, 0); slots],
            ..Self::default()
        };
        let old = std::mem::replace(self, larger);
        old.iter()
            .for_each(|(index, count)| self.add_to_table(index, count));
    }

    /// The occupied buckets in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (Index, u64)> {
        let in_order = (self.first..).zip(&self.counts);
        let in_order = in_order.map(|(index, count)| (index, u64::from(*count)));
        let in_table = self.slots.iter().copied();
        in_order
            .filter(|(_, count)| *count > 0)
            .chain(in_table.filter(|(index, _)| *index != FREE))
    }

    /// The occupied buckets by ascending index.
    pub fn sorted(&self) -> Vec<(Index, u64)> {
        if self.slots.is_empty() {
            return self.iter().collect();
        }
        let bounds = self.iter().fold((Index::MAX, Index::MIN), |(low, high), (i, _)| {
            (low.min(i), high.max(i))
        });
        let span = i64::from(bounds.1) - i64::from(bounds.0) + 1;
        if span > 8 * i64::from(self.occupied) {
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
    fn the_layout_does_not_show() {
        // Near each other, far apart, and from the one to the other in either direction.
        for step in [1, -1, 7, 100, -100, 5_000] {
            let mut buckets = Buckets::default();
            let mut counts = std::collections::BTreeMap::new();
            for i in 0..600 {
                let index = (i * step) % 300_000;
                buckets.add_one(index);
                buckets.add(index / 2, 3);
                *counts.entry(index).or_insert(0u64) += 1;
                *counts.entry(index / 2).or_insert(0u64) += 3;
            }
            assert_eq!(buckets.len(), counts.len());
            assert_eq!(buckets.sorted(), counts.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn few_buckets_far_apart_are_in_a_table_until_the_room_between_them_fills() {
        let mut buckets = Buckets::default();
        buckets.add_one(0);
        buckets.add_one(2_000);
        assert!(buckets.counts.is_empty());
        (0..2_000).for_each(|index| assert_eq!(buckets.add_one(index), index > 0));
        assert!(buckets.slots.is_empty());
        assert_eq!(buckets.len(), 2_001);
        assert_eq!(buckets.iter().map(|(_, count)| count).sum::<u64>(), 2_002);
    }

    #[test]
    fn a_span_is_that_of_the_values_and_not_of_the_room_made_for_more() {
        // From the middle to either side: room was made below and above.
        let mut buckets = Buckets::default();
        for i in 0..125 {
            buckets.add_one(100 + i);
            buckets.add_one(100 - i);
        }
        assert!(buckets.slots.is_empty());
        assert_eq!(buckets.len(), 249);
    }

    #[test]
    fn counts_beyond_32_bits() {
        let mut buckets = Buckets::default();
        buckets.add(5, u64::from(u32::MAX));
        assert!(buckets.slots.is_empty());
        buckets.add_one(5);
        buckets.add_one(6);
        assert_eq!(buckets.sorted(), [(5, 1 << 32), (6, 1)]);
        buckets.add(6, u64::MAX);
        assert_eq!(buckets.sorted(), [(5, 1 << 32), (6, MAX_COUNT)]);
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
