//! Events in a bounded number of buckets of time.

use std::collections::BTreeMap;

use crate::Error;
use crate::frame::{Reader, Writer};
use crate::moments::MAX_COUNT;

/// Most buckets: a week of minutes.
const MAX_BUCKETS: usize = 10_080;

const MINUTE: i64 = 60_000_000;
const DAY: i64 = 1440 * MINUTE;

/// Widths of buckets in microseconds. Each divides the next, so that a bucket lies within one of the next width; the last
/// divides all of time into 22.
const WIDTHS: [i64; 13] = [
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    60 * MINUTE,
    360 * MINUTE,
    DAY,
    10 * DAY,
    100 * DAY,
    1_000 * DAY,
    10_000 * DAY,
    100_000 * DAY,
    1_000_000 * DAY,
    10_000_000 * DAY,
];

/// How many events there were, and how many of them were good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Events {
    /// Good events.
    pub good: u64,
    /// All events.
    pub total: u64,
}

impl Events {
    /// Events that were not good.
    pub fn bad(self) -> u64 {
        self.total.saturating_sub(self.good)
    }

    fn add(&mut self, other: Self) {
        let bad = self.bad().saturating_add(other.bad()).min(MAX_COUNT);
        self.total = self.total.saturating_add(other.total).min(MAX_COUNT);
        self.good = self.total.saturating_sub(bad);
    }
}

/// Events by the number of their bucket, at the finest of the widths that leaves few enough of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Timeline {
    level: u8,
    buckets: BTreeMap<i64, Events>,
}

impl Timeline {
    pub fn width(&self) -> i64 {
        width(self.level)
    }

    pub fn add(&mut self, time: i64, events: Events) {
        if events.total == 0 {
            return;
        }
        let bucket = time.div_euclid(self.width());
        // Most events are of the latest bucket.
        match self.buckets.last_entry() {
            Some(mut latest) if *latest.key() == bucket => latest.get_mut().add(events),
            _ => {
                self.buckets.entry(bucket).or_default().add(events);
                self.settle();
            }
        }
    }

    pub fn merge(&mut self, other: &Self) {
        self.widen(other.level);
        let factor = self.width() / other.width();
        for (bucket, events) in &other.buckets {
            self.buckets
                .entry(bucket.div_euclid(factor))
                .or_default()
                .add(*events);
        }
        self.settle();
    }

    fn settle(&mut self) {
        while self.buckets.len() > MAX_BUCKETS {
            self.widen(self.level + 1);
        }
    }

    /// Unites buckets to those of a wider level; the last one always has few enough.
    fn widen(&mut self, level: u8) {
        if level <= self.level {
            return;
        }
        let factor = width(level) / self.width();
        self.level = level;
        for (bucket, events) in std::mem::take(&mut self.buckets) {
            self.buckets
                .entry(bucket.div_euclid(factor))
                .or_default()
                .add(events);
        }
    }

    pub fn all(&self) -> Events {
        sum(self.buckets.values())
    }

    /// The events of the buckets that overlap the time from `until - window` up to, and without, `until`.
    pub fn within(&self, until: i64, window: i64) -> Events {
        // The last microsecond before `until`; before the first of all time there is none.
        let (Some(latest), true) = (until.checked_sub(1), window > 0) else {
            return Events::default();
        };
        let first = until.saturating_sub(window).div_euclid(self.width());
        let last = latest.div_euclid(self.width());
        sum(self.buckets.range(first..=last).map(|(_, events)| events))
    }

    pub fn end(&self) -> Option<i64> {
        let (bucket, _) = self.buckets.last_key_value()?;
        Some(bucket.saturating_add(1).saturating_mul(self.width()))
    }

    pub fn write(&self, writer: &mut Writer) {
        writer.u8(self.level);
        writer.varint(self.buckets.len() as u64);
        let mut previous = None;
        for (bucket, events) in &self.buckets {
            match previous {
                None => writer.signed(*bucket),
                Some(previous) => writer.varint(bucket.abs_diff(previous)),
            }
            writer.varint(events.total);
            writer.varint(events.bad());
            previous = Some(*bucket);
        }
    }

    pub fn read(reader: &mut Reader) -> Result<Self, Error> {
        let level = reader.u8()?;
        if usize::from(level) >= WIDTHS.len() {
            return Err(reader.corrupt(format!("They have buckets of the unknown width {level}.")));
        }
        let width = width(level);
        let most = i64::MAX.div_euclid(width);
        let mut buckets = BTreeMap::new();
        let mut previous: Option<i64> = None;
        for _ in 0..reader.items(3, MAX_BUCKETS)? {
            let bucket = match previous {
                None => Some(reader.signed()?).filter(|bucket| *bucket >= i64::MIN.div_euclid(width)),
                Some(previous) => match reader.varint()? {
                    0 => None,
                    distance => previous.checked_add_unsigned(distance),
                },
            };
            let Some(bucket) = bucket.filter(|bucket| *bucket <= most) else {
                return Err(reader.corrupt("Their buckets are not in order.".into()));
            };
            let (total, bad) = (reader.count()?, reader.count()?);
            if total == 0 || bad > total {
                return Err(reader.corrupt(format!("They have {bad} bad ones of {total} events.")));
            }
            buckets.insert(
                bucket,
                Events {
                    good: total - bad,
                    total,
                },
            );
            previous = Some(bucket);
        }
        Ok(Self { level, buckets })
    }
}

fn width(level: u8) -> i64 {
    let last = WIDTHS.len() - 1;
    WIDTHS.get(usize::from(level).min(last)).copied().unwrap_or(DAY)
}

fn sum<'a>(events: impl Iterator<Item = &'a Events>) -> Events {
    events.fold(Events::default(), |mut sum, events| {
        sum.add(*events);
        sum
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_nested_and_the_last_is_wide_enough() {
        assert!(WIDTHS.windows(2).all(|pair| pair[1] % pair[0] == 0));
        let last = *WIDTHS.last().unwrap();
        assert!(i64::MAX.div_euclid(last).abs_diff(i64::MIN.div_euclid(last)) < 30);
    }
}
