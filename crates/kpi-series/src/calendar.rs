//! Local time: the offset of a time zone at an instant, and the instant of a local time.
//!
//! Zone rules are known for the years -9999 to 9999. Times beyond, which `timestamptz` can hold, are taken as UTC.

use crate::timestamp::{DAY, Date, SECOND};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{Timestamp, civil::DateTime};

/// Seconds from 1970-01-01 to 2000-01-01 UTC.
const EPOCH_SECONDS: i64 = 946_684_800;

/// The whole second in which a time lies, when it is within the years for which there are zone rules.
fn zone_timestamp(time: i64) -> Option<Timestamp> {
    Timestamp::from_second(time.div_euclid(SECOND).checked_add(EPOCH_SECONDS)?).ok()
}

fn micros(offset: Offset) -> i64 {
    i64::from(offset.seconds()) * SECOND
}

/// Turns times into local times; quick when they come in order, as it looks the zone up once per offset change.
///
/// A local time is what the wall clock shows, in microseconds since its 2000-01-01 00:00.
pub(crate) struct Clock<'a> {
    zone: &'a TimeZone,
    offset: i64,
    // The offset is valid for times from `since` up to, not including, `until`.
    since: i64,
    until: i64,
}

impl<'a> Clock<'a> {
    pub(crate) fn new(zone: &'a TimeZone) -> Self {
        Self {
            zone,
            offset: 0,
            since: 0,
            until: 0,
        }
    }

    pub(crate) fn local(&mut self, time: i64) -> i64 {
        if !(self.since..self.until).contains(&time) {
            self.look_up(time);
        }
        time.saturating_add(self.offset)
    }

    fn look_up(&mut self, time: i64) {
        self.since = time;
        let Some(timestamp) = zone_timestamp(time) else {
            (self.offset, self.until) = (0, time.saturating_add(1));
            return;
        };
        self.offset = micros(self.zone.to_offset(timestamp));
        let next = self
            .zone
            .following(timestamp)
            .next()
            .map(|change| change.timestamp());
        // Without a change ahead, the offset holds as long as there are rules.
        let next = next.unwrap_or(Timestamp::MAX).as_second();
        self.until = next.saturating_sub(EPOCH_SECONDS).saturating_mul(SECOND);
    }
}

/// The local time of one instant.
pub(crate) fn local(time: i64, zone: &TimeZone) -> i64 {
    time.saturating_add(zone_timestamp(time).map_or(0, |timestamp| micros(zone.to_offset(timestamp))))
}

/// The instant of a local time, with PostgreSQL's choice where the clock is changed: a local time that is skipped is
/// taken by the offset before the change, one that occurs twice means the second.
pub(crate) fn instant(local: i64, zone: &TimeZone) -> i64 {
    let offset = zone_timestamp(local).map_or(0, |timestamp| {
        let wall_clock: DateTime = Offset::UTC.to_datetime(timestamp);
        match zone.to_ambiguous_timestamp(wall_clock).offset() {
            AmbiguousOffset::Unambiguous { offset } => micros(offset),
            AmbiguousOffset::Gap { before, .. } => micros(before),
            AmbiguousOffset::Fold { after, .. } => micros(after),
        }
    });
    local.saturating_sub(offset)
}

/// Date and time of day of a local time.
pub(crate) fn split(local: i64) -> (Date, i64) {
    (Date::from_days(local.div_euclid(DAY)), local.rem_euclid(DAY))
}
