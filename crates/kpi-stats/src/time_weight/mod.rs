//! `time_weight`: averages and integrals of values that hold, or change along a line, until the next one.

mod area;
mod unit;

use self::area::{Area, Areas, below_line, below_step};
use crate::frame::{Kind, Reader, Writer};
use crate::ordered::{Ordered, Point, check_time, micros};
use crate::{Error, State, TimeRange};

pub use self::unit::TimeUnit;

/// What a value is between two points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weighting {
    /// The last observation is carried forward: for what is reported when it changes.
    Locf,
    /// The line from one point to the next: for what is sampled now and then.
    Linear,
}

impl Weighting {
    /// Reads `LOCF`, `Linear` or its other name `trapezoidal`, in any case.
    ///
    /// # Errors
    /// [`Error::UnknownWeighting`] for any other word.
    ///
    /// ```
    /// use kpi_stats::Weighting;
    /// assert_eq!(Weighting::parse("locf")?, Weighting::Locf);
    /// assert!(Weighting::parse("nearest").is_err());
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    pub fn parse(word: &str) -> Result<Self, Error> {
        let is = |name: &str| word.eq_ignore_ascii_case(name);
        if is("locf") {
            Ok(Self::Locf)
        } else if is("linear") || is("trapezoidal") {
            Ok(Self::Linear)
        } else {
            Err(Error::UnknownWeighting(word.to_owned()))
        }
    }

    /// The word that [`Weighting::parse`] reads.
    pub fn name(self) -> &'static str {
        match self {
            Self::Locf => "LOCF",
            Self::Linear => "Linear",
        }
    }
}

/// The state of `time_weight`. Times are microseconds since 2000-01-01 UTC.
///
/// Points may come in any order, split over any number of states; of several values at one time the greatest counts. Where
/// a value is NaN or infinite, results that it has a part in are what sums and products of doubles are.
///
/// ```
/// use kpi_stats::{TimeUnit, TimeWeight, Weighting};
/// let mut storage = TimeWeight::new(Weighting::Locf);
/// for (minute, bytes) in [(0, 0.0), (205, 817.0), (180, 300.0), (190, 1000.0), (30, 100.0)] {
///     storage.add(minute * 60_000_000, bytes)?;
/// }
/// // 150 minutes of 100, 10 of 300 and 15 of 1000.
/// assert_eq!(storage.integral(TimeUnit::Minute)?, Some(33_000.0));
/// assert_eq!(storage.average()?, Some(33_000.0 / 205.0));
/// # Ok::<(), kpi_stats::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TimeWeight {
    weighting: Method,
    points: Ordered<Areas>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    One(Weighting),
    /// States of different methods were merged: there is no result.
    Mixed,
}

/// An area, and the time that it is over.
struct Covered {
    area: f64,
    from: i64,
    to: i64,
}

impl TimeWeight {
    /// A state without points.
    pub fn new(weighting: Weighting) -> Self {
        Self {
            weighting: Method::One(weighting),
            points: Ordered::default(),
        }
    }

    /// Whether points are weighted in this way.
    #[inline]
    pub fn is_weighted_by(&self, weighting: Weighting) -> bool {
        self.weighting == Method::One(weighting)
    }

    /// The method of weighting.
    ///
    /// # Errors
    /// [`Error::MixedWeighting`] where states of different methods were merged.
    pub fn weighting(&self) -> Result<Weighting, Error> {
        match self.weighting {
            Method::One(weighting) => Ok(weighting),
            Method::Mixed => Err(Error::MixedWeighting),
        }
    }

    /// Adds a point.
    ///
    /// # Errors
    /// [`Error::InfiniteTime`].
    #[inline]
    pub fn add(&mut self, time: i64, value: f64) -> Result<(), Error> {
        check_time(time)?;
        self.points.add(time, value);
        Ok(())
    }

    /// The state to store: a summary without points, at most 85 bytes encoded.
    ///
    /// # Errors
    /// [`Error::Overlap`], here and below, where summaries of overlapping times were merged whose points are no longer known.
    ///
    /// ```
    /// use kpi_stats::{State, TimeWeight, Weighting};
    /// let mut level = TimeWeight::new(Weighting::Linear);
    /// (0..10_000).try_for_each(|i| level.add(i * 1_000_000, i as f64))?;
    /// let stored = level.finished()?.encode();
    /// assert!(stored.len() <= 85);
    /// assert_eq!(TimeWeight::decode(&stored)?.average()?, Some(9_999.0 / 2.0));
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    pub fn finished(&self) -> Result<Self, Error> {
        Ok(Self {
            points: self.points.finished()?,
            ..*self
        })
    }

    /// The state of a rollup to store, with its largest holes left open: see [`crate::MetricAgg::rolled_up`].
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn rolled_up(&self) -> Result<Self, Error> {
        Ok(Self {
            points: self.points.rolled_up()?,
            ..*self
        })
    }

    /// The earliest value with its time.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn first(&self) -> Result<Option<(i64, f64)>, Error> {
        Ok(self.points.whole()?.map(|area| area.first))
    }

    /// The latest value with its time.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn last(&self) -> Result<Option<(i64, f64)>, Error> {
        Ok(self.points.whole()?.map(|area| area.last))
    }

    /// The average over the time from the first point to the last; `None` with fewer than two.
    ///
    /// # Errors
    /// [`Error::Overlap`], [`Error::MixedWeighting`].
    pub fn average(&self) -> Result<Option<f64>, Error> {
        Ok(self.covered()?.and_then(|covered| covered.average()))
    }

    /// The integral from the first point to the last, in value times `unit`; `None` with fewer than two points.
    ///
    /// # Errors
    /// [`Error::Overlap`], [`Error::MixedWeighting`].
    pub fn integral(&self, unit: TimeUnit) -> Result<Option<f64>, Error> {
        Ok(self.covered()?.and_then(|covered| covered.integral(unit)))
    }

    /// The average over `bucket`, whose ends are interpolated from the last point of `previous` and the first of `next` by the
    /// state's own method: LOCF needs only the former. Where a neighbour is missing, the average is over the part of the
    /// bucket that is known.
    ///
    /// # Errors
    /// [`Error::Neighbour`] where a neighbour is not on its side of this state, [`Error::Overlap`], [`Error::MixedWeighting`].
    ///
    /// ```
    /// use kpi_stats::{TimeRange, TimeUnit, TimeWeight, Weighting};
    /// let of = |points: &[(i64, f64)]| {
    ///     let mut state = TimeWeight::new(Weighting::Linear);
    ///     points.iter().try_for_each(|(second, v)| state.add(second * 1_000_000, *v)).map(|()| state)
    /// };
    /// let (before, bucket, after) = (of(&[(50, 0.0)])?, of(&[(70, 20.0)])?, of(&[(170, 120.0)])?);
    /// let minute = TimeRange::new(60_000_000, 120_000_000)?;
    /// // A line from 10 at the start to 70 at the end.
    /// assert_eq!(bucket.interpolated_average(minute, Some(&before), Some(&after))?, Some(40.0));
    /// assert_eq!(bucket.interpolated_integral(minute, Some(&before), Some(&after), TimeUnit::Second)?, Some(2400.0));
    /// assert_eq!(bucket.interpolated_average(minute, Some(&before), None)?, Some(15.0));
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    pub fn interpolated_average(
        &self,
        bucket: TimeRange,
        previous: Option<&Self>,
        next: Option<&Self>,
    ) -> Result<Option<f64>, Error> {
        Ok(self
            .interpolated(bucket, previous, next)?
            .and_then(|covered| covered.average()))
    }

    /// The integral over `bucket`, in value times `unit`, interpolated as in [`TimeWeight::interpolated_average`]. The
    /// integrals of buckets that follow each other add up to the integral of the whole.
    ///
    /// # Errors
    /// The same.
    pub fn interpolated_integral(
        &self,
        bucket: TimeRange,
        previous: Option<&Self>,
        next: Option<&Self>,
        unit: TimeUnit,
    ) -> Result<Option<f64>, Error> {
        Ok(self
            .interpolated(bucket, previous, next)?
            .and_then(|covered| covered.integral(unit)))
    }

    fn covered(&self) -> Result<Option<Covered>, Error> {
        let weighting = self.weighting()?;
        Ok(self.points.whole()?.map(|area| Covered {
            area: area_of(&area, weighting),
            from: area.first.0,
            to: area.last.0,
        }))
    }

    fn interpolated(
        &self,
        bucket: TimeRange,
        previous: Option<&Self>,
        next: Option<&Self>,
    ) -> Result<Option<Covered>, Error> {
        let weighting = self.weighting()?;
        if [previous, next]
            .into_iter()
            .flatten()
            .any(|state| !state.is_weighted_by(weighting))
        {
            return Err(Error::MixedWeighting);
        }
        let Some(whole) = self.points.whole()? else {
            return Ok(None);
        };
        let (first, last) = (whole.first, whole.last);
        let mut covered = Covered {
            area: area_of(&whole, weighting),
            from: first.0,
            to: last.0,
        };
        if let Some(before) = previous.map(Self::last).transpose()?.flatten() {
            if before.0 >= first.0 {
                return Err(Error::Neighbour { at: before.0 });
            }
            covered.from = bucket.start().clamp(before.0, first.0);
            covered.area += match weighting {
                Weighting::Locf => below_step(before.1, covered.from, first.0),
                Weighting::Linear => below_line((covered.from, on_line(before, first, covered.from)), first),
            };
        }
        let after = next.map(Self::first).transpose()?.flatten();
        if let Some(after) = after.filter(|after| after.0 <= last.0) {
            return Err(Error::Neighbour { at: after.0 });
        }
        match (weighting, after) {
            (Weighting::Locf, _) => {
                covered.to = bucket.end().max(last.0);
                covered.area += below_step(last.1, last.0, covered.to);
            }
            (Weighting::Linear, Some(after)) => {
                covered.to = bucket.end().clamp(last.0, after.0);
                covered.area += below_line(last, (covered.to, on_line(last, after, covered.to)));
            }
            (Weighting::Linear, None) => {}
        }
        Ok(Some(covered))
    }
}

fn area_of(area: &Area, weighting: Weighting) -> f64 {
    match weighting {
        Weighting::Locf => area.steps.total(),
        Weighting::Linear => area.lines.total(),
    }
}

/// The value at a time on the line between two points.
fn on_line(from: Point, to: Point, at: i64) -> f64 {
    let share = micros(from.0, at) / micros(from.0, to.0);
    from.1 + (to.1 - from.1) * share
}

impl Covered {
    fn average(&self) -> Option<f64> {
        (self.from < self.to).then(|| self.area / micros(self.from, self.to))
    }

    fn integral(&self, unit: TimeUnit) -> Option<f64> {
        (self.from < self.to).then(|| self.area / unit.microseconds())
    }
}

const LOCF: u8 = 0;
const LINEAR: u8 = 1;
const MIXED: u8 = 2;

impl State for TimeWeight {
    const TYPE_NAME: &'static str = "kpi.timeweight";

    fn check_merge(&self, other: &Self) -> Result<(), Error> {
        if self.weighting == other.weighting {
            Ok(())
        } else {
            Err(Error::MixedWeighting)
        }
    }

    fn merge(&mut self, other: &Self) {
        if self.weighting != other.weighting {
            self.weighting = Method::Mixed;
        }
        self.points.merge(&other.points);
    }

    fn absorb(&mut self, other: Self) {
        if self.weighting != other.weighting {
            self.weighting = Method::Mixed;
        }
        self.points.absorb(other.points);
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::TimeWeight);
        writer.u8(match self.weighting {
            Method::One(Weighting::Locf) => LOCF,
            Method::One(Weighting::Linear) => LINEAR,
            Method::Mixed => MIXED,
        });
        self.points.write(&mut writer);
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::TimeWeight, bytes)?;
        let weighting = match reader.u8()? {
            LOCF => Method::One(Weighting::Locf),
            LINEAR => Method::One(Weighting::Linear),
            MIXED => Method::Mixed,
            method => return Err(reader.corrupt(format!("They have the unknown method {method}."))),
        };
        let points = Ordered::read(Areas, &mut reader)?;
        reader.finish()?;
        Ok(Self { weighting, points })
    }
}
