//! `heartbeat_agg`: when a system was live, as told by its heartbeats.

use std::borrow::Cow;

use kpi_series::timestamp;

use crate::frame::{Kind, Reader, Writer};
use crate::interval::micros_text;
use crate::ordered::{check_time, elapsed};
use crate::{Error, State, TimeRange};

/// Late heartbeats are put in place this many at a time, or as many as there are ranges.
const MOST_PENDING: usize = 1024;

/// From a heartbeat until the liveness after the last one that came in time.
type Live = (i64, i64);

/// The ranges in which a system was live: for a given time after each heartbeat.
///
/// The state is the union of those ranges, so it is the very same for any order, split and overlap, and needs memory only
/// for each gap: 16 bytes, and at most a thousand late heartbeats or as many as there are gaps. Merged states stand for the
/// smallest range of time that holds theirs. Ranges are kept beyond their ends, so states of weeks that follow each other
/// merge to the state of the whole, and a heartbeat shortly before the start still counts.
///
/// ```
/// use kpi_stats::{HeartbeatAgg, TimeRange};
/// let minute = 60_000_000;
/// let mut health = HeartbeatAgg::new(TimeRange::new(0, 60 * minute)?, 5 * minute as u64)?;
/// for heartbeat in [10, 0, 4, 8, 30, 58] {
///     health.add(heartbeat * minute)?;
/// }
/// // Live from 0 to 15, 30 to 35 and 58 to the end.
/// assert_eq!(health.uptime(), 22 * minute as u64);
/// assert_eq!(health.downtime(), 38 * minute as u64);
/// assert_eq!((health.live_ranges().len(), health.num_gaps()), (3, 2));
/// assert!(health.live_at(34 * minute) && !health.live_at(35 * minute));
/// # Ok::<(), kpi_stats::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct HeartbeatAgg {
    range: TimeRange,
    /// Microseconds.
    liveness: u64,
    /// In order, none touching another.
    live: Vec<Live>,
    /// Heartbeats older than the last range.
    pending: Vec<i64>,
}

impl PartialEq for HeartbeatAgg {
    fn eq(&self, other: &Self) -> bool {
        (self.range, self.liveness, self.settled()) == (other.range, other.liveness, other.settled())
    }
}

/// The end of what starts at a time, before PostgreSQL's infinity.
fn end_after(time: i64, liveness: u64) -> i64 {
    time.saturating_add_unsigned(liveness).min(i64::MAX - 1)
}

/// Appends a range that starts no earlier than all that are there.
#[inline]
fn append(live: &mut Vec<Live>, next: Live) {
    match live.last_mut() {
        Some(last) if next.0 <= last.1 => last.1 = last.1.max(next.1),
        _ => live.push(next),
    }
}

fn union(left: &[Live], right: &[Live]) -> Vec<Live> {
    let mut all: Vec<Live> = left.iter().chain(right).copied().collect();
    all.sort_unstable();
    let mut live = Vec::new();
    all.into_iter().for_each(|next| append(&mut live, next));
    live
}

impl HeartbeatAgg {
    /// A state without heartbeats for a range of time, with the microseconds for which one keeps the system live.
    ///
    /// # Errors
    /// [`Error::Liveness`] for none.
    pub fn new(range: TimeRange, liveness: u64) -> Result<Self, Error> {
        if !(1..=i64::MAX as u64).contains(&liveness) {
            return Err(Error::Liveness(liveness as i64));
        }
        Ok(Self {
            range,
            liveness,
            live: Vec::new(),
            pending: Vec::new(),
        })
    }

    /// Whether the state has this range and this liveness, as all heartbeats of one aggregate must.
    ///
    /// # Errors
    /// [`Error::Different`] otherwise.
    #[inline]
    pub fn check(&self, range: TimeRange, liveness: u64) -> Result<(), Error> {
        if self.range == range && self.liveness == liveness {
            Ok(())
        } else {
            Err(self.different(range, liveness))
        }
    }

    #[cold]
    fn different(&self, range: TimeRange, liveness: u64) -> Error {
        let time = |what| move |time| format!("the {what} {}", timestamp::format(time));
        let report = |one: i64, other: i64, show: &dyn Fn(i64) -> String| {
            Error::different(
                "all heartbeats of one aggregate need the same start, duration and liveness",
                [one, other],
                show,
                "Group by the start, for example by date_trunc('week', ts), and roll up the states.",
            )
        };
        if self.range.start() != range.start() {
            report(self.range.start(), range.start(), &time("start"))
        } else if self.range.end() != range.end() {
            report(self.range.end(), range.end(), &time("end"))
        } else {
            let show = |micros| format!("the liveness {}", micros_text(micros));
            report(self.liveness as i64, liveness as i64, &show)
        }
    }

    /// The range of time that the state stands for.
    pub fn range(&self) -> TimeRange {
        self.range
    }

    /// Adds a heartbeat.
    ///
    /// # Errors
    /// [`Error::InfiniteTime`].
    #[inline]
    pub fn add(&mut self, time: i64) -> Result<(), Error> {
        check_time(time)?;
        if self.live.last().is_none_or(|last| time >= last.0) {
            append(&mut self.live, (time, end_after(time, self.liveness)));
        } else {
            self.pending.push(time);
            if self.pending.len() >= MOST_PENDING.max(self.live.len()) {
                self.settle();
            }
        }
        Ok(())
    }

    fn settle(&mut self) {
        if !self.pending.is_empty() {
            self.live = self.settled().into_owned();
            self.pending.clear();
        }
    }

    /// All ranges in order.
    fn settled(&self) -> Cow<'_, [Live]> {
        if self.pending.is_empty() {
            return Cow::Borrowed(&self.live);
        }
        let late: Vec<Live> = self
            .pending
            .iter()
            .map(|time| (*time, end_after(*time, self.liveness)))
            .collect();
        Cow::Owned(union(&self.live, &late))
    }

    /// The live ranges within the state's range, in order.
    pub fn live_ranges(&self) -> Vec<TimeRange> {
        self.settled()
            .iter()
            .filter_map(|live| {
                TimeRange::new(live.0.max(self.range.start()), live.1.min(self.range.end())).ok()
            })
            .collect()
    }

    /// The ranges between the live ones, and before and after them, in order.
    pub fn dead_ranges(&self) -> Vec<TimeRange> {
        let live = self.live_ranges();
        let starts = std::iter::once(self.range.start()).chain(live.iter().map(TimeRange::end));
        let ends = live
            .iter()
            .map(TimeRange::start)
            .chain(std::iter::once(self.range.end()));
        starts
            .zip(ends)
            .filter_map(|(start, end)| TimeRange::new(start, end).ok())
            .collect()
    }

    /// The microseconds for which the system was live.
    pub fn uptime(&self) -> u64 {
        self.live_ranges().iter().map(TimeRange::duration).sum()
    }

    /// The microseconds for which it was not.
    pub fn downtime(&self) -> u64 {
        self.range.duration() - self.uptime()
    }

    /// The number of live ranges.
    pub fn num_live_ranges(&self) -> u64 {
        self.live_ranges().len() as u64
    }

    /// The number of dead ranges, those at the start and the end included.
    pub fn num_gaps(&self) -> u64 {
        self.dead_ranges().len() as u64
    }

    /// Whether the system was live at a time; never outside of the state's range.
    pub fn live_at(&self, time: i64) -> bool {
        let live = self.settled();
        let next = live.partition_point(|range| range.0 <= time);
        let before = next.checked_sub(1).and_then(|index| live.get(index));
        (self.range.start()..self.range.end()).contains(&time) && before.is_some_and(|range| time < range.1)
    }

    /// The state with what the heartbeats of a predecessor keep live in its range.
    ///
    /// ```
    /// use kpi_stats::{HeartbeatAgg, TimeRange};
    /// let mut monday = HeartbeatAgg::new(TimeRange::new(0, 100)?, 20)?;
    /// monday.add(95)?;
    /// let mut tuesday = HeartbeatAgg::new(TimeRange::new(100, 200)?, 20)?;
    /// tuesday.add(110)?;
    /// assert_eq!(tuesday.uptime(), 20);
    /// assert_eq!(tuesday.interpolate(&monday).uptime(), 30);
    /// assert_eq!((tuesday.interpolate(&monday).range(), tuesday.range().start()), (tuesday.range(), 100));
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    #[must_use]
    pub fn interpolate(&self, predecessor: &Self) -> Self {
        Self {
            live: union(&self.settled(), &predecessor.settled()),
            pending: Vec::new(),
            ..*self
        }
    }

    /// [`HeartbeatAgg::uptime`] after [`HeartbeatAgg::interpolate`].
    pub fn interpolated_uptime(&self, predecessor: Option<&Self>) -> u64 {
        predecessor.map_or_else(|| self.uptime(), |before| self.interpolate(before).uptime())
    }

    /// [`HeartbeatAgg::downtime`] after [`HeartbeatAgg::interpolate`].
    pub fn interpolated_downtime(&self, predecessor: Option<&Self>) -> u64 {
        self.range.duration() - self.interpolated_uptime(predecessor)
    }

    /// The part of the state within a range, for which it then stands.
    ///
    /// ```
    /// use kpi_stats::{HeartbeatAgg, TimeRange};
    /// let mut health = HeartbeatAgg::new(TimeRange::new(0, 100)?, 10)?;
    /// [5, 50].into_iter().try_for_each(|time| health.add(time))?;
    /// let half = health.trim_to(TimeRange::new(0, 52)?);
    /// assert_eq!((half.uptime(), half.downtime()), (12, 40));
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    #[must_use]
    pub fn trim_to(&self, range: TimeRange) -> Self {
        let mut live = self.settled().into_owned();
        live.retain(|live| live.0 < range.end() && live.1 > range.start());
        Self {
            range,
            live,
            pending: Vec::new(),
            liveness: self.liveness,
        }
    }
}

impl State for HeartbeatAgg {
    const TYPE_NAME: &'static str = "kpi.heartbeatagg";

    /// The longer liveness is kept: it matters only for heartbeats that are added later.
    fn merge(&mut self, other: &Self) {
        self.live = union(&self.settled(), &other.settled());
        self.pending.clear();
        self.range = self.range.hull(other.range);
        self.liveness = self.liveness.max(other.liveness);
    }

    fn encode(&self) -> Vec<u8> {
        let live = self.settled();
        let mut writer = Writer::new(Kind::HeartbeatAgg);
        self.range.write(&mut writer);
        writer.varint(self.liveness);
        writer.varint(live.len() as u64);
        let mut end = live.first().map_or(0, |first| first.0);
        writer.i64(end);
        for (index, range) in live.iter().enumerate() {
            // The first range has no gap before it; any other gap is at least 1.
            writer.varint(elapsed(end, range.0) - u64::from(index > 0));
            writer.varint(elapsed(range.0, range.1) - 1);
            end = range.1;
        }
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::HeartbeatAgg, bytes)?;
        let range = TimeRange::read(&mut reader)?;
        let liveness = reader.varint()?;
        let mut state =
            Self::new(range, liveness).map_err(|_| reader.corrupt("Their liveness is none.".into()))?;
        let count = reader.varint()?;
        let mut end = reader.i64()?;
        for index in 0..count {
            let gap = reader.varint()?.checked_add(u64::from(index > 0));
            let start = gap.and_then(|gap| end.checked_add_unsigned(gap));
            let length = reader.varint()?.checked_add(1);
            let next = start
                .zip(length)
                .and_then(|(start, length)| Some((start, start.checked_add_unsigned(length)?)));
            let Some(next) = next.filter(|next| check_time(next.0).is_ok() && check_time(next.1).is_ok())
            else {
                return Err(reader.corrupt("A live range in them is beyond the range of a time.".into()));
            };
            state.live.push(next);
            end = next.1;
        }
        reader.finish()?;
        Ok(state)
    }
}
