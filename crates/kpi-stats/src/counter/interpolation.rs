//! Deltas and rates over a whole bucket, not only from its first reading to its last: extrapolated from the readings of the
//! bucket alone, or interpolated with those of the buckets beside it.

use super::MetricAgg;
use super::summary::{Summary, rise};
use crate::ordered::{micros, seconds};
use crate::{Error, TimeRange};

/// How readings are extended to the bounds of their bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Extrapolation {
    /// As Prometheus does for `increase`, `rate` and `delta`: to a bound that is no farther than 1.1 mean distances of
    /// readings away, else by half such a distance; a counter never to before it was zero.
    #[default]
    Prometheus,
}

impl Extrapolation {
    /// Reads `prometheus`, in any case.
    ///
    /// # Errors
    /// [`Error::UnknownExtrapolation`] for any other word.
    ///
    /// ```
    /// use kpi_stats::Extrapolation;
    /// assert_eq!(Extrapolation::parse("Prometheus")?, Extrapolation::Prometheus);
    /// assert!(Extrapolation::parse("linear").is_err());
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    pub fn parse(word: &str) -> Result<Self, Error> {
        if word.eq_ignore_ascii_case("prometheus") {
            Ok(Self::Prometheus)
        } else {
            Err(Error::UnknownExtrapolation(word.to_owned()))
        }
    }
}

/// What a rise is over: the part of the bucket for which there are readings or neighbours.
struct Covered {
    rise: f64,
    from: i64,
    to: i64,
}

impl<const RESETS: bool> MetricAgg<RESETS> {
    /// The rise extrapolated to the bounds; `None` with fewer than two readings.
    ///
    /// # Errors
    /// [`Error::NoBounds`], [`Error::OutsideBounds`] for a reading outside of them, [`Error::Overlap`].
    ///
    /// ```
    /// use kpi_stats::{CounterAgg, Extrapolation, TimeRange};
    /// let mut counter = CounterAgg::default();
    /// for (second, value) in [(10, 100.0), (20, 110.0), (30, 120.0), (50, 140.0)] {
    ///     counter.add(second * 1_000_000, value)?;
    /// }
    /// let counter = counter.with_bounds(TimeRange::new(0, 60_000_000)?);
    /// // 40 in 40 seconds; both bounds are within 1.1 * 40 / 3 seconds.
    /// assert_eq!(counter.extrapolated_delta(Extrapolation::Prometheus)?, Some(60.0));
    /// assert_eq!(counter.extrapolated_rate(Extrapolation::Prometheus)?, Some(1.0));
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    pub fn extrapolated_delta(&self, _: Extrapolation) -> Result<Option<f64>, Error> {
        let bounds = self.bounds.ok_or(Error::NoBounds)?;
        let Some(summary) = self.readings.whole()? else {
            return Ok(None);
        };
        if summary.first.0 < bounds.start() {
            return Err(Error::OutsideBounds { at: summary.first.0 });
        }
        if summary.last.0 > bounds.end() {
            return Err(Error::OutsideBounds { at: summary.last.0 });
        }
        Ok(extrapolated::<RESETS>(&summary, bounds))
    }

    /// [`MetricAgg::extrapolated_delta`] per second of the bounds.
    ///
    /// # Errors
    /// The same.
    pub fn extrapolated_rate(&self, method: Extrapolation) -> Result<Option<f64>, Error> {
        let delta = self.extrapolated_delta(method)?;
        Ok(delta
            .zip(self.bounds)
            .map(|(delta, bounds)| delta / seconds(bounds.start(), bounds.end())))
    }

    /// The rise within `bucket`, with the share of the rises from and to the neighbours' readings that falls into it, along
    /// straight lines. Where there is no neighbour, it starts or ends with the readings of this state; of an empty state it
    /// is `None`. The deltas of buckets that follow each other add up to the delta of the whole.
    ///
    /// # Errors
    /// [`Error::Neighbour`] where a neighbour is not on its side of this state, [`Error::Overlap`].
    ///
    /// ```
    /// use kpi_stats::{CounterAgg, TimeRange};
    /// let of = |points: &[(i64, f64)]| {
    ///     let mut counter = CounterAgg::default();
    ///     points.iter().try_for_each(|(second, v)| counter.add(second * 1_000_000, *v)).map(|()| counter)
    /// };
    /// let (before, bucket, after) = (of(&[(50, 10.0)])?, of(&[(70, 30.0), (110, 50.0)])?, of(&[(130, 10.0)])?);
    /// let minute = TimeRange::new(60_000_000, 120_000_000)?;
    /// // Half of the 20 before the first reading, and half of the 10 after the reset that follows the last.
    /// assert_eq!(bucket.interpolated_delta(minute, Some(&before), Some(&after))?, Some(10.0 + 20.0 + 5.0));
    /// assert_eq!(bucket.interpolated_rate(minute, Some(&before), Some(&after))?, Some(35.0 / 60.0));
    /// assert_eq!(bucket.interpolated_delta(minute, None, None)?, Some(20.0));
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    pub fn interpolated_delta(
        &self,
        bucket: TimeRange,
        previous: Option<&Self>,
        next: Option<&Self>,
    ) -> Result<Option<f64>, Error> {
        Ok(self
            .interpolated(bucket, previous, next)?
            .map(|covered| covered.rise))
    }

    /// [`MetricAgg::interpolated_delta`] per second of the bucket, or of the part of it that readings and neighbours cover.
    ///
    /// # Errors
    /// The same.
    pub fn interpolated_rate(
        &self,
        bucket: TimeRange,
        previous: Option<&Self>,
        next: Option<&Self>,
    ) -> Result<Option<f64>, Error> {
        Ok(self
            .interpolated(bucket, previous, next)?
            .and_then(|covered| super::per_second(covered.rise, covered.from, covered.to)))
    }

    fn interpolated(
        &self,
        bucket: TimeRange,
        previous: Option<&Self>,
        next: Option<&Self>,
    ) -> Result<Option<Covered>, Error> {
        let Some(summary) = self.readings.whole()? else {
            return Ok(None);
        };
        let (first, last) = (summary.first, summary.last);
        let mut covered = Covered {
            rise: summary.rise(),
            from: first.0,
            to: last.0,
        };
        if let Some(before) = previous.map(Self::last).transpose()?.flatten() {
            if before.0 >= first.0 {
                return Err(Error::Neighbour { at: before.0 });
            }
            covered.from = bucket.start().clamp(before.0, first.0);
            let share = micros(covered.from, first.0) / micros(before.0, first.0);
            covered.rise += rise::<RESETS>(before.1, first.1) * share;
        }
        if let Some(after) = next.map(Self::first).transpose()?.flatten() {
            if after.0 <= last.0 {
                return Err(Error::Neighbour { at: after.0 });
            }
            covered.to = bucket.end().clamp(last.0, after.0);
            let share = micros(last.0, covered.to) / micros(last.0, after.0);
            covered.rise += rise::<RESETS>(last.1, after.1) * share;
        }
        Ok(Some(covered))
    }
}

/// Prometheus's extrapolation of the rise between the first and the last of at least two readings.
fn extrapolated<const RESETS: bool>(summary: &Summary, bounds: TimeRange) -> Option<f64> {
    if summary.count < 2 {
        return None;
    }
    let rise = summary.rise();
    let sampled = seconds(summary.first.0, summary.last.0);
    let mean_distance = sampled / (summary.count - 1) as f64;
    let reach = |distance: f64| {
        if distance < mean_distance * 1.1 {
            distance
        } else {
            mean_distance / 2.0
        }
    };
    let mut before = reach(seconds(bounds.start(), summary.first.0));
    if RESETS && rise > 0.0 && summary.first.1 >= 0.0 {
        let since_zero = sampled * (summary.first.1 / rise);
        before = before.min(since_zero);
    }
    let after = reach(seconds(summary.last.0, bounds.end()));
    Some(rise * ((before + sampled + after) / sampled))
}
