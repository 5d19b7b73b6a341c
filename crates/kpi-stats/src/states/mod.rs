//! `state_agg` and `compact_state_agg`: how long a system was in which state, and when.

mod dictionary;
mod timeline;
mod tracking;

use std::borrow::Cow;

use self::dictionary::Dictionary;
pub use self::dictionary::StateValue;
pub use self::timeline::StatePeriod;
use self::tracking::{Seen, Track, Tracking};
use crate::frame::{Kind, Reader, Writer};
use crate::ordered::{Ordered, check_time, elapsed};
use crate::{Error, State, TimeRange};

/// The states of a system with the times at which it entered them.
///
/// ```
/// use kpi_stats::{StateAgg, StateValue};
/// let minute = 60_000_000;
/// let mut machine = StateAgg::default();
/// for (time, state) in [(0, "starting"), (30, "running"), (90, "error"), (60, "running"), (100, "running")] {
///     machine.add_text(time * minute, state)?;
/// }
/// let running = StateValue::Text("running".into());
/// assert_eq!(machine.duration_in(&running)?, 60 * minute as u64);
/// assert_eq!(machine.state_at(95 * minute)?, Some(StateValue::Text("error".into())));
/// let periods: Vec<_> = machine.state_periods(&running)?.iter().map(|p| (p.start / minute, p.end / minute)).collect();
/// assert_eq!(periods, [(30, 90), (100, 100)]);
/// # Ok::<(), kpi_stats::Error>(())
/// ```
pub type StateAgg = StateTracker<true>;

/// The time that a system spent in each of its states.
///
/// ```
/// use kpi_stats::{CompactStateAgg, StateValue};
/// let mut machine = CompactStateAgg::default();
/// for (time, state) in [(0, 1), (30, 2), (40, 1), (100, 2)] {
///     machine.add_integer(time, state)?;
/// }
/// assert_eq!(machine.into_values()?, [(StateValue::Integer(1), 90), (StateValue::Integer(2), 10)]);
/// # Ok::<(), kpi_stats::Error>(())
/// ```
pub type CompactStateAgg = StateTracker<false>;

/// The state of `state_agg` (with a `TIMELINE`) and of `compact_state_agg`. Times are microseconds since 2000-01-01 UTC,
/// durations microseconds.
///
/// A state lasts until another one is seen, the last one until it was seen last. Points may come in any order, split over any
/// number of states; of several at one time the greatest counts, integers before texts, texts in the order of their bytes. All
/// accessors fail with [`Error::Overlap`] where summaries of overlapping times were merged whose points are no longer known.
#[derive(Debug, Clone, Default)]
pub struct StateTracker<const TIMELINE: bool> {
    points: Ordered<Tracking<TIMELINE>>,
}

impl<const TIMELINE: bool> StateTracker<TIMELINE> {
    /// Adds the text that a system's state was at a time.
    ///
    /// # Errors
    /// [`Error::InfiniteTime`], [`Error::TooManyStates`] beyond 65536 different ones.
    #[inline]
    pub fn add_text(&mut self, time: i64, state: &str) -> Result<(), Error> {
        check_time(time)?;
        let number = self.points.fold.dictionary.text(state)?;
        self.points.add(time, f64::from(number));
        Ok(())
    }

    /// Adds the integer that a system's state was at a time.
    ///
    /// # Errors
    /// As [`StateTracker::add_text`].
    #[inline]
    pub fn add_integer(&mut self, time: i64, state: i64) -> Result<(), Error> {
        check_time(time)?;
        let number = self.points.fold.dictionary.integer(state)?;
        self.points.add(time, f64::from(number));
        Ok(())
    }

    /// The state to store: the durations, or the timeline, without the points; states in order.
    ///
    /// # Errors
    /// [`Error::Overlap`], here and below.
    ///
    /// ```
    /// use kpi_stats::{State, StateAgg, StateValue};
    /// let mut doors = StateAgg::default();
    /// (0..10_000).try_for_each(|i| doors.add_text(i, if i / 2500 % 2 == 0 { "open" } else { "closed" }))?;
    /// let stored = doors.finished()?.encode();
    /// assert!(stored.len() < 60);
    /// assert_eq!(StateAgg::decode(&stored)?.duration_in(&StateValue::Text("closed".into()))?, 4999);
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    pub fn finished(&self) -> Result<Self, Error> {
        Ok(Self::in_order(self.points.finished()?))
    }

    /// The state of a rollup to store, with its largest holes left open: see [`crate::MetricAgg::rolled_up`].
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn rolled_up(&self) -> Result<Self, Error> {
        Ok(Self::in_order(self.points.rolled_up()?))
    }

    /// Numbers the states that are left in their own order, whatever the order of rows was.
    fn in_order(points: Ordered<Tracking<TIMELINE>>) -> Self {
        let dictionary = &points.fold.dictionary;
        let mut left: Vec<u32> = points
            .summaries()
            .flat_map(Track::durations)
            .map(|(state, _)| state)
            .collect();
        left.sort_by_key(|state| dictionary.get(*state));
        left.dedup();
        let mut ordered = Dictionary::default();
        let mut numbers = vec![0; dictionary.len()];
        for state in left {
            if let (Some(name), Some(number)) = (dictionary.get(state), numbers.get_mut(state as usize)) {
                *number = ordered.insert(name.clone());
            }
        }
        Self {
            points: renumbered(&points, ordered, &numbers),
        }
    }

    fn name(&self, number: u32) -> Option<StateValue> {
        self.points.fold.dictionary.get(number).cloned()
    }

    fn seen(&self, read: impl Fn(&Track) -> Seen) -> Result<Option<(i64, StateValue)>, Error> {
        let seen = self.points.whole()?.map(|track| read(&track));
        Ok(seen.and_then(|(time, number)| Some((time, self.name(number)?))))
    }

    /// The earliest state with its time.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn first(&self) -> Result<Option<(i64, StateValue)>, Error> {
        self.seen(|track| track.first)
    }

    /// The latest state with the last time at which it was seen.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn last(&self) -> Result<Option<(i64, StateValue)>, Error> {
        self.seen(|track| track.last)
    }

    /// The microseconds in a state; 0 in one that was never seen.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn duration_in(&self, state: &StateValue) -> Result<u64, Error> {
        let Some((track, number)) = self.points.whole()?.zip(self.number_of(state)) else {
            return Ok(0);
        };
        let durations = track.durations();
        let found = durations.iter().find(|(state, _)| *state == number);
        Ok(found.map_or(0, |(_, micros)| *micros))
    }

    fn number_of(&self, state: &StateValue) -> Option<u32> {
        self.points.fold.dictionary.number_of(state)
    }

    /// All states with the microseconds in each, in the order of the states.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn into_values(&self) -> Result<Vec<(StateValue, u64)>, Error> {
        let Some(track) = self.points.whole()? else {
            return Ok(Vec::new());
        };
        let mut values: Vec<_> = track
            .durations()
            .iter()
            .filter_map(|(state, micros)| Some((self.name(*state)?, *micros)))
            .collect();
        values.sort();
        Ok(values)
    }

    /// The microseconds in a state within `bucket`: the last state of `previous` holds from the start of the bucket until the
    /// first one of this state, and the last one here until the end of the bucket. The durations of buckets that follow
    /// each other add up to that of the whole.
    ///
    /// # Errors
    /// [`Error::Neighbour`] where `previous` does not lie before this state, [`Error::Overlap`].
    ///
    /// ```
    /// use kpi_stats::{CompactStateAgg, StateValue, TimeRange};
    /// let of = |points: &[(i64, i64)]| {
    ///     let mut state = CompactStateAgg::default();
    ///     points.iter().try_for_each(|(time, s)| state.add_integer(*time, *s)).map(|()| state)
    /// };
    /// let (before, bucket) = (of(&[(90, 1)])?, of(&[(120, 2), (150, 1), (160, 1)])?);
    /// let range = TimeRange::new(100, 200)?;
    /// assert_eq!(bucket.interpolated_duration_in(&StateValue::Integer(1), range, Some(&before))?, 20 + 10 + 40);
    /// assert_eq!(bucket.interpolated_duration_in(&StateValue::Integer(2), range, Some(&before))?, 30);
    /// assert_eq!(bucket.interpolated_duration_in(&StateValue::Integer(1), range, None)?, 50);
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    pub fn interpolated_duration_in(
        &self,
        state: &StateValue,
        bucket: TimeRange,
        previous: Option<&Self>,
    ) -> Result<u64, Error> {
        let (Some(first), Some(last)) = (self.first()?, self.last()?) else {
            return Ok(0);
        };
        let mut micros = self.duration_in(state)?;
        if let Some((from, before)) = entering(bucket, previous, first.0)?
            && before == *state
        {
            micros = micros.saturating_add(elapsed(from, first.0));
        }
        if last.1 == *state && last.0 < bucket.end() {
            micros = micros.saturating_add(elapsed(last.0, bucket.end()));
        }
        Ok(micros)
    }
}

/// The state in which a bucket starts, and from when it counts there, as far as the bucket before tells.
fn entering<const TIMELINE: bool>(
    bucket: TimeRange,
    previous: Option<&StateTracker<TIMELINE>>,
    first: i64,
) -> Result<Option<(i64, StateValue)>, Error> {
    let Some((time, state)) = previous.map(StateTracker::last).transpose()?.flatten() else {
        return Ok(None);
    };
    if time >= first {
        return Err(Error::Neighbour { at: time });
    }
    Ok(Some((bucket.start().clamp(time, first), state)))
}

/// The same points with the numbers of another dictionary, `numbers` being those of the old one.
fn renumbered<const TIMELINE: bool>(
    points: &Ordered<Tracking<TIMELINE>>,
    dictionary: Dictionary,
    numbers: &[u32],
) -> Ordered<Tracking<TIMELINE>> {
    let map = |number: u32| numbers.get(number as usize).copied().unwrap_or(u32::MAX);
    points.renumbered(
        Tracking { dictionary },
        |value| f64::from(map(value as u32)),
        |track| track.renumber(map),
    )
}

impl<const TIMELINE: bool> StateTracker<TIMELINE> {
    const KIND: Kind = if TIMELINE {
        Kind::StateAgg
    } else {
        Kind::CompactStateAgg
    };
}

impl<const TIMELINE: bool> State for StateTracker<TIMELINE> {
    const TYPE_NAME: &'static str = if TIMELINE {
        "kpi.stateagg"
    } else {
        "kpi.compactstateagg"
    };

    fn merge(&mut self, other: &Self) {
        let dictionary = &mut self.points.fold.dictionary;
        let theirs = other.points.fold.dictionary.states();
        let numbers: Vec<u32> = theirs
            .iter()
            .map(|state| dictionary.insert(state.clone()))
            .collect();
        let same = numbers.iter().zip(0..).all(|(number, index)| *number == index);
        let other = if same {
            Cow::Borrowed(&other.points)
        } else {
            // Renumbering needs the names only of the points that are not packed yet.
            Cow::Owned(renumbered(&other.points, dictionary.clone(), &numbers))
        };
        self.points.merge(&other);
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Self::KIND);
        self.points.fold.dictionary.write(&mut writer);
        self.points.write(&mut writer);
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Self::KIND, bytes)?;
        let dictionary = Dictionary::read(&mut reader)?;
        let points = Ordered::read(Tracking { dictionary }, &mut reader)?;
        reader.finish()?;
        Ok(Self { points })
    }
}
