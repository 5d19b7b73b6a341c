//! The minutes that a transaction has touched, in bounded memory.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// Microseconds in a minute.
pub const MINUTE: i64 = 60_000_000;
/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;

/// Above this many separate minutes the set is folded into ranges.
const LOOSE_LIMIT: usize = 1 << 16;
/// Above this many ranges the smallest gaps between them are given up: the set may say too much, never too little.
const RANGE_LIMIT: usize = 1 << 14;

/// Minutes `first..=last` since 2000-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MinuteRange {
    /// First minute touched; `i64::MIN` is "since ever".
    pub first: i64,
    /// Last minute touched; `i64::MAX` is "for ever".
    pub last: i64,
}

/// Minutes are nearly consecutive integers: a multiplication spreads them well enough and costs a nanosecond.
#[derive(Default)]
struct MinuteHasher(u64);

impl Hasher for MinuteHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.0 = (self.0 ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3);
        }
    }
    fn write_i64(&mut self, minute: i64) {
        let spread = (minute as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = spread ^ (spread >> 32);
    }
}

/// A bounded set of touched minutes. Once there are too many it widens: a superset costs a recomputation, a lost
/// minute would cost a wrong number.
///
/// ```
/// use kpi_rollup::{MINUTE, MinuteRange, TouchedMinutes};
/// let mut touched = TouchedMinutes::default();
/// for microsecond in [0, 1, MINUTE, 5 * MINUTE + 7] {
///     touched.insert(microsecond);
/// }
/// assert_eq!(touched.ranges(), [MinuteRange { first: 0, last: 1 }, MinuteRange { first: 5, last: 5 }]);
/// ```
#[derive(Default)]
pub struct TouchedMinutes {
    latest: Option<i64>,
    loose: HashSet<i64, BuildHasherDefault<MinuteHasher>>,
    ranges: Vec<MinuteRange>,
    /// The seconds of their minutes that single times fell into, one bit each.
    seconds: u64,
    /// Whole ranges were noted, too: of their seconds nothing is known.
    whole: bool,
}

impl TouchedMinutes {
    /// Notes the minute of a time in microseconds. Infinite times are in no bucket and are passed over.
    #[inline]
    pub fn insert(&mut self, microsecond: i64) {
        if microsecond == i64::MIN || microsecond == i64::MAX {
            return;
        }
        let minute = microsecond.div_euclid(MINUTE);
        self.seconds |= 1 << (microsecond.rem_euclid(MINUTE) / SECOND);
        if self.latest == Some(minute) {
            return;
        }
        self.latest = Some(minute);
        if self.loose.insert(minute) && self.loose.len() > LOOSE_LIMIT {
            self.fold();
        }
    }

    /// Notes a whole range.
    pub fn insert_range(&mut self, range: MinuteRange) {
        self.ranges.push(range);
        self.whole = true;
        self.fold();
    }

    /// Where all that was touched is in one minute: its seconds that were, as bits, the first second lowest.
    ///
    /// ```
    /// use kpi_rollup::{MINUTE, SECOND, TouchedMinutes};
    /// let mut touched = TouchedMinutes::default();
    /// touched.insert(MINUTE);
    /// touched.insert(MINUTE + 3 * SECOND);
    /// assert_eq!(touched.seconds(), Some(0b1001));
    /// touched.insert(2 * MINUTE);
    /// assert_eq!(touched.seconds(), None);
    /// ```
    pub fn seconds(&mut self) -> Option<u64> {
        let known = !self.whole;
        match self.ranges() {
            [minute] if minute.first == minute.last && known => Some(self.seconds),
            _ => None,
        }
    }

    /// Whether nothing was touched.
    pub fn is_empty(&self) -> bool {
        self.loose.is_empty() && self.ranges.is_empty()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// All touched minutes, as sorted ranges that do not touch each other.
    pub fn ranges(&mut self) -> &[MinuteRange] {
        self.fold();
        &self.ranges
    }

    fn fold(&mut self) {
        if self.loose.is_empty() && self.ranges.len() <= 1 {
            return;
        }
        let mut all = std::mem::take(&mut self.ranges);
        all.extend(self.loose.drain().map(|minute| MinuteRange {
            first: minute,
            last: minute,
        }));
        self.latest = None;
        all.sort_unstable();
        let mut ranges = merge(all, 1);
        while ranges.len() > RANGE_LIMIT {
            let mut gaps: Vec<i64> = ranges
                .windows(2)
                .map(|w| w[1].first.saturating_sub(w[0].last))
                .collect();
            let middle = gaps.len() / 2;
            let (_, median, _) = gaps.select_nth_unstable(middle);
            let allowed = *median;
            ranges = merge(ranges, allowed);
        }
        self.ranges = ranges;
    }
}

/// Joins sorted ranges whose distance is at most `allowed` minutes.
fn merge(sorted: Vec<MinuteRange>, allowed: i64) -> Vec<MinuteRange> {
    let mut merged: Vec<MinuteRange> = Vec::with_capacity(sorted.len());
    for range in sorted {
        match merged.last_mut() {
            Some(last) if range.first <= last.last.saturating_add(allowed) => {
                last.last = last.last.max(range.last);
            }
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn covers(touched: &mut TouchedMinutes, minute: i64) -> bool {
        touched
            .ranges()
            .iter()
            .any(|r| r.first <= minute && minute <= r.last)
    }

    #[test]
    fn infinite_times_are_in_no_bucket() {
        let mut touched = TouchedMinutes::default();
        touched.insert(i64::MIN);
        touched.insert(i64::MAX);
        assert!(touched.is_empty());
    }

    #[test]
    fn times_before_the_epoch_fall_into_the_minute_that_holds_them() {
        let mut touched = TouchedMinutes::default();
        touched.insert(-1);
        assert_eq!(touched.ranges(), [MinuteRange { first: -1, last: -1 }]);
    }

    #[test]
    fn too_many_scattered_minutes_widen_and_lose_nothing() {
        let mut touched = TouchedMinutes::default();
        let minutes: Vec<i64> = (0..200_000).map(|i| i * 3 + (i * i) % 2).collect();
        for m in &minutes {
            touched.insert(m * MINUTE);
        }
        let ranges = touched.ranges().to_vec();
        assert!(ranges.len() <= RANGE_LIMIT);
        for m in minutes {
            let at = ranges.partition_point(|r| r.last < m);
            assert!(ranges[at].first <= m && m <= ranges[at].last);
        }
    }

    #[test]
    fn the_same_minute_is_noted_again_after_a_read() {
        let mut touched = TouchedMinutes::default();
        touched.insert(0);
        assert_eq!(touched.ranges().len(), 1);
        touched.clear();
        touched.insert(0);
        assert!(covers(&mut touched, 0));
    }

    #[test]
    fn of_a_whole_minute_no_seconds_are_known() {
        let mut touched = TouchedMinutes::default();
        assert_eq!(touched.seconds(), None);
        touched.insert(-1);
        assert_eq!(touched.seconds(), Some(1 << 59));
        touched.insert_range(MinuteRange { first: -1, last: -1 });
        assert_eq!(touched.seconds(), None);
        touched.clear();
        touched.insert(0);
        assert_eq!(touched.seconds(), Some(1));
    }

    proptest! {
        #[test]
        fn seconds_are_those_of_the_times(times in prop::collection::vec(0i64..2 * MINUTE, 1..5)) {
            let mut touched = TouchedMinutes::default();
            for (i, t) in times.iter().enumerate() {
                touched.insert(*t);
                // Reading in between changes nothing.
                if i % 2 == 0 {
                    touched.ranges();
                }
            }
            let minute = times[0].div_euclid(MINUTE);
            let expected = times
                .iter()
                .all(|t| t.div_euclid(MINUTE) == minute)
                .then(|| times.iter().fold(0, |bits, t| bits | 1u64 << (t % MINUTE / SECOND)));
            prop_assert_eq!(touched.seconds(), expected);
        }

        #[test]
        fn below_the_bound_the_set_is_exact(minutes in prop::collection::vec(-50i64..50, 0..60)) {
            let mut touched = TouchedMinutes::default();
            for m in &minutes {
                touched.insert(m * MINUTE + 59);
            }
            for m in -60..60 {
                prop_assert_eq!(covers(&mut touched, m), minutes.contains(&m));
            }
        }
    }
}
