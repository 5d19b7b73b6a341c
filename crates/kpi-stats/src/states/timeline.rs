//! When a system was in which state: what only the timeline of `state_agg` tells.

use super::{StateAgg, StateValue, entering};
use crate::ordered::elapsed;
use crate::{Error, TimeRange};

/// A stretch of time in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatePeriod {
    /// The state.
    pub state: StateValue,
    /// When it was entered, in microseconds since 2000-01-01 UTC.
    pub start: i64,
    /// When the next one was entered, or, of the last one, when it was seen last.
    pub end: i64,
}

impl StateAgg {
    /// The state at a time: `None` before the first one. The last one holds on, as nothing has ended it yet.
    ///
    /// # Errors
    /// [`Error::Overlap`], here and below.
    pub fn state_at(&self, time: i64) -> Result<Option<StateValue>, Error> {
        let Some(track) = self.points.whole()? else {
            return Ok(None);
        };
        let later = track.entered.partition_point(|(start, _)| *start <= time);
        let entered = later.checked_sub(1).and_then(|index| track.entered.get(index));
        Ok(entered.and_then(|(_, number)| self.name(*number)))
    }

    /// All periods in order of time.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    ///
    /// ```
    /// use kpi_stats::{StateAgg, StatePeriod, StateValue};
    /// let mut light = StateAgg::default();
    /// [(0, 1), (5, 1), (9, 0), (12, 0)].into_iter().try_for_each(|(time, on)| light.add_integer(time, on))?;
    /// let (on, off) = (StateValue::Integer(1), StateValue::Integer(0));
    /// assert_eq!(
    ///     light.state_timeline()?,
    ///     [StatePeriod { state: on, start: 0, end: 9 }, StatePeriod { state: off, start: 9, end: 12 }]
    /// );
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    pub fn state_timeline(&self) -> Result<Vec<StatePeriod>, Error> {
        let Some(track) = self.points.whole()? else {
            return Ok(Vec::new());
        };
        let ends = track.entered.iter().skip(1).map(|(time, _)| *time);
        let periods = track.entered.iter().zip(ends.chain([track.last.0]));
        Ok(periods
            .filter_map(|((start, number), end)| {
                Some(StatePeriod {
                    state: self.name(*number)?,
                    start: *start,
                    end,
                })
            })
            .collect())
    }

    /// The periods in one state, in order of time.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn state_periods(&self, state: &StateValue) -> Result<Vec<StatePeriod>, Error> {
        let mut periods = self.state_timeline()?;
        periods.retain(|period| period.state == *state);
        Ok(periods)
    }

    /// The microseconds in a state from `start` on, and before `end` where there is one.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    ///
    /// ```
    /// use kpi_stats::{StateAgg, StateValue};
    /// let mut light = StateAgg::default();
    /// [(0, 1), (10, 0), (20, 1), (40, 0)].into_iter().try_for_each(|(time, on)| light.add_integer(time, on))?;
    /// let on = StateValue::Integer(1);
    /// assert_eq!(light.duration_in_range(&on, 5, Some(25))?, 5 + 5);
    /// assert_eq!(light.duration_in_range(&on, 5, None)?, 5 + 20);
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    pub fn duration_in_range(&self, state: &StateValue, start: i64, end: Option<i64>) -> Result<u64, Error> {
        let periods = self.state_periods(state)?;
        Ok(periods
            .iter()
            .map(|period| (period.start.max(start), period.end.min(end.unwrap_or(i64::MAX))))
            .filter(|(from, to)| from < to)
            .map(|(from, to)| elapsed(from, to))
            .sum())
    }

    /// All periods within `bucket`: the last state of `previous` holds from the start of the bucket until the first one of
    /// this state, and the last one here until the end of the bucket.
    ///
    /// # Errors
    /// [`Error::Neighbour`] where `previous` does not lie before this state, [`Error::Overlap`].
    ///
    /// ```
    /// use kpi_stats::{StateAgg, StateValue, TimeRange};
    /// let (mut before, mut bucket) = (StateAgg::default(), StateAgg::default());
    /// before.add_integer(90, 1)?;
    /// bucket.add_integer(120, 2)?;
    /// let timeline = bucket.interpolated_state_timeline(TimeRange::new(100, 200)?, Some(&before))?;
    /// let times: Vec<_> = timeline.iter().map(|period| (period.start, period.end)).collect();
    /// assert_eq!(times, [(100, 120), (120, 200)]);
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    pub fn interpolated_state_timeline(
        &self,
        bucket: TimeRange,
        previous: Option<&Self>,
    ) -> Result<Vec<StatePeriod>, Error> {
        let mut periods = self.state_timeline()?;
        let Some(first) = periods.first_mut() else {
            return Ok(periods);
        };
        let before = entering(bucket, previous, first.start)?;
        if let Some((from, _)) = before.as_ref().filter(|(_, state)| *state == first.state) {
            first.start = *from;
        } else if let Some((start, state)) = before.filter(|(from, _)| *from < first.start) {
            let end = first.start;
            periods.insert(0, StatePeriod { state, start, end });
        }
        if let Some(last) = periods.last_mut() {
            last.end = last.end.max(bucket.end());
        }
        Ok(periods)
    }

    /// The periods in one state of [`StateAgg::interpolated_state_timeline`].
    ///
    /// # Errors
    /// The same.
    pub fn interpolated_state_periods(
        &self,
        state: &StateValue,
        bucket: TimeRange,
        previous: Option<&Self>,
    ) -> Result<Vec<StatePeriod>, Error> {
        let mut periods = self.interpolated_state_timeline(bucket, previous)?;
        periods.retain(|period| period.state == *state);
        Ok(periods)
    }
}
