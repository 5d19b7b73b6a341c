//! `counter_agg` and `gauge_agg`: how much a measured value rose, and how fast.

mod interpolation;
mod line;
mod summary;

use self::summary::{Readings, Summary};
use crate::frame::{Kind, Reader, Writer};
use crate::ordered::{Ordered, Point, check_time, seconds};
use crate::{Error, State, TimeRange};

pub use self::interpolation::Extrapolation;

/// Readings of a counter: a value that only rises, except that it starts again at zero when it is reset. Each drop is
/// taken for a reset, and the rise from there counts from zero.
///
/// Points may come in any order, split over any number of states; of several readings at one time the greatest counts. A
/// finished state takes less than 200 bytes: see [`MetricAgg::finished`].
///
/// ```
/// use kpi_stats::CounterAgg;
/// let mut requests = CounterAgg::default();
/// for (minute, total) in [(0, 10.0), (1, 25.0), (3, 30.0), (2, 5.0)] {
///     requests.add(minute * 60_000_000, total)?;
/// }
/// // In order of time: 10, 25, reset, 5, 30.
/// assert_eq!(requests.delta()?, Some(15.0 + 5.0 + 25.0));
/// assert_eq!(requests.rate()?, Some(45.0 / 180.0));
/// assert_eq!((requests.num_resets()?, requests.num_elements()?), (1, 4));
/// # Ok::<(), kpi_stats::Error>(())
/// ```
pub type CounterAgg = MetricAgg<true>;

/// Readings of a gauge: a value that may rise and fall.
///
/// ```
/// use kpi_stats::GaugeAgg;
/// let mut level = GaugeAgg::default();
/// for (second, litres) in [(0, 10.0), (1, 25.0), (2, 5.0)] {
///     level.add(second * 1_000_000, litres)?;
/// }
/// assert_eq!(level.delta()?, Some(-5.0));
/// assert_eq!(level.slope()?, Some(-2.5));
/// assert_eq!(level.num_changes()?, 2);
/// # Ok::<(), kpi_stats::Error>(())
/// ```
pub type GaugeAgg = MetricAgg<false>;

/// The state of `counter_agg` (`RESETS`) and of `gauge_agg`. Times are microseconds since 2000-01-01 UTC; rates are per
/// second.
///
/// A NaN makes the rise of a counter NaN, and that of a gauge if it is the first or the last value. NaN, infinities and
/// changes whose squares are beyond a double (from 1e154 on) make slope, intercept and correlation NaN. All accessors
/// fail with [`Error::Overlap`] where summaries of overlapping times were merged whose points are no longer known.
#[derive(Debug, Clone)]
pub struct MetricAgg<const RESETS: bool> {
    bounds: Option<TimeRange>,
    readings: Ordered<Readings<RESETS>>,
}

impl<const RESETS: bool> Default for MetricAgg<RESETS> {
    fn default() -> Self {
        Self {
            bounds: None,
            readings: Ordered::default(),
        }
    }
}

impl<const RESETS: bool> MetricAgg<RESETS> {
    /// Adds a reading.
    ///
    /// # Errors
    /// [`Error::InfiniteTime`].
    #[inline]
    pub fn add(&mut self, time: i64, value: f64) -> Result<(), Error> {
        check_time(time)?;
        self.readings.add(time, value);
        Ok(())
    }

    /// Widens the bounds so that they hold `range`.
    pub fn add_bounds(&mut self, range: TimeRange) {
        self.bounds = Some(self.bounds.map_or(range, |bounds| bounds.hull(range)));
    }

    /// The same readings with other bounds.
    #[must_use]
    pub fn with_bounds(mut self, bounds: TimeRange) -> Self {
        self.bounds = Some(bounds);
        self
    }

    /// The range for which extrapolated values stand.
    pub fn bounds(&self) -> Option<TimeRange> {
        self.bounds
    }

    /// The state to store: a summary without points, less than 200 bytes encoded.
    ///
    /// # Errors
    /// [`Error::Overlap`], here and below.
    ///
    /// ```
    /// use kpi_stats::{CounterAgg, State};
    /// let mut counter = CounterAgg::default();
    /// for i in 0..100_000 {
    ///     counter.add(i * 1_000_000, i as f64 / 7.0)?;
    /// }
    /// let stored = counter.finished()?.encode();
    /// assert!(stored.len() < 200);
    /// assert_eq!(CounterAgg::decode(&stored)?.delta()?, counter.delta()?);
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    pub fn finished(&self) -> Result<Self, Error> {
        Ok(Self {
            bounds: self.bounds,
            readings: self.readings.finished()?,
        })
    }

    /// The state of a rollup to store: its largest holes (up to 7 that are at least as long as a stretch beside them) stay
    /// open, so that what is missing can still be merged.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn rolled_up(&self) -> Result<Self, Error> {
        Ok(Self {
            bounds: self.bounds,
            readings: self.readings.rolled_up()?,
        })
    }

    fn read<T>(&self, read: impl FnOnce(&Summary) -> T) -> Result<Option<T>, Error> {
        Ok(self.readings.whole()?.map(|summary| read(&summary)))
    }

    fn read_some<T>(&self, read: impl FnOnce(&Summary) -> Option<T>) -> Result<Option<T>, Error> {
        Ok(self.read(read)?.flatten())
    }

    /// The number of readings, one for each time.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn num_elements(&self) -> Result<u64, Error> {
        Ok(self.read(|s| s.count)?.unwrap_or(0))
    }

    /// How often a reading differed from the one before.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn num_changes(&self) -> Result<u64, Error> {
        Ok(self.read(|s| s.changes)?.unwrap_or(0))
    }

    /// How often a counter was reset; 0 for a gauge.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn num_resets(&self) -> Result<u64, Error> {
        Ok(self.read(|s| s.resets)?.unwrap_or(0))
    }

    /// The earliest reading with its time.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn first(&self) -> Result<Option<(i64, f64)>, Error> {
        self.read(|s| s.first)
    }

    /// The latest reading with its time.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn last(&self) -> Result<Option<(i64, f64)>, Error> {
        self.read(|s| s.last)
    }

    /// The rise from the first to the last reading; 0 with one only.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn delta(&self) -> Result<Option<f64>, Error> {
        self.read(Summary::rise)
    }

    /// The seconds from the first to the last reading.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn time_delta(&self) -> Result<Option<f64>, Error> {
        self.read(|s| seconds(s.first.0, s.last.0))
    }

    /// The rise per second; `None` with fewer than two readings.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn rate(&self) -> Result<Option<f64>, Error> {
        self.read_some(|s| per_second(s.rise(), s.first.0, s.last.0))
    }

    /// The rise from the first reading to the second; `None` with fewer than two.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn idelta_left(&self) -> Result<Option<f64>, Error> {
        self.read_some(|s| Some(instant::<RESETS>(s.count, s.first, s.second)?.0))
    }

    /// The rise from the last reading but one to the last; `None` with fewer than two.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn idelta_right(&self) -> Result<Option<f64>, Error> {
        self.read_some(|s| Some(instant::<RESETS>(s.count, s.penultimate, s.last)?.0))
    }

    /// The rise per second from the first reading to the second; `None` with fewer than two.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn irate_left(&self) -> Result<Option<f64>, Error> {
        self.read_some(|s| instant::<RESETS>(s.count, s.first, s.second)?.1)
    }

    /// The rise per second from the last reading but one to the last; `None` with fewer than two.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    ///
    /// ```
    /// use kpi_stats::CounterAgg;
    /// let mut counter = CounterAgg::default();
    /// for (second, value) in [(0, 1.0), (10, 6.0), (30, 2.0)] {
    ///     counter.add(second * 1_000_000, value)?;
    /// }
    /// assert_eq!(counter.irate_left()?, Some(0.5));
    /// // After a reset the counter rose from zero to 2 in 20 seconds.
    /// assert_eq!((counter.idelta_right()?, counter.irate_right()?), (Some(2.0), Some(0.1)));
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    pub fn irate_right(&self) -> Result<Option<f64>, Error> {
        self.read_some(|s| instant::<RESETS>(s.count, s.penultimate, s.last)?.1)
    }

    /// The slope per second of the least-squares line through the readings, with resets made good; `None` with fewer than
    /// two.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn slope(&self) -> Result<Option<f64>, Error> {
        self.read_some(|s| Some(s.line.slope()? * 1e6))
    }

    /// The value of the least-squares line at 2000-01-01 00:00 UTC; `None` with fewer than two readings.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn intercept(&self) -> Result<Option<f64>, Error> {
        self.read_some(|s| {
            let before = s.first.0 as f64 + s.line.mean_x;
            Some(s.first.1 + s.line.mean_y - s.line.slope()? * before)
        })
    }

    /// The correlation of time and value; `None` with fewer than two readings and where all are equal.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    pub fn corr(&self) -> Result<Option<f64>, Error> {
        self.read_some(|s| s.line.corr())
    }

    /// When the least-squares line was at zero, in microseconds since 2000-01-01 UTC: `counter_zero_time` and
    /// `gauge_zero_time`. `None` where the line is level, with fewer than two readings, and beyond the range of a time.
    ///
    /// # Errors
    /// [`Error::Overlap`].
    ///
    /// ```
    /// use kpi_stats::CounterAgg;
    /// let mut counter = CounterAgg::default();
    /// counter.add(100_000_000, 20.0)?;
    /// counter.add(110_000_000, 30.0)?;
    /// assert_eq!(counter.zero_time()?, Some(80_000_000));
    /// assert_eq!(counter.intercept()?, Some(-80.0));
    /// # Ok::<(), kpi_stats::Error>(())
    /// ```
    pub fn zero_time(&self) -> Result<Option<i64>, Error> {
        self.read_some(|s| {
            let slope = s.line.slope()?;
            let back = s.line.mean_x - (s.first.1 + s.line.mean_y) / slope;
            if !back.is_finite() || back.abs() > 2e19 {
                return None;
            }
            // Exact near the first point, however far that is from the epoch.
            let zero = i128::from(s.first.0) + back.round() as i128;
            i64::try_from(zero).ok().filter(|time| check_time(*time).is_ok())
        })
    }
}

/// A change as a rate per second; `None` where no time passed.
fn per_second(change: f64, from: i64, to: i64) -> Option<f64> {
    (from < to).then(|| change / seconds(from, to))
}

/// The rise between two neighbours, and its rate.
fn instant<const RESETS: bool>(count: u64, from: Point, to: Point) -> Option<(f64, Option<f64>)> {
    let rise = summary::rise::<RESETS>(from.1, to.1);
    (count > 1).then(|| (rise, per_second(rise, from.0, to.0)))
}

impl<const RESETS: bool> MetricAgg<RESETS> {
    const KIND: Kind = if RESETS { Kind::CounterAgg } else { Kind::GaugeAgg };
}

impl<const RESETS: bool> State for MetricAgg<RESETS> {
    const TYPE_NAME: &'static str = if RESETS { "kpi.counteragg" } else { "kpi.gaugeagg" };

    fn merge(&mut self, other: &Self) {
        if let Some(bounds) = other.bounds {
            self.add_bounds(bounds);
        }
        self.readings.merge(&other.readings);
    }

    fn absorb(&mut self, other: Self) {
        if let Some(bounds) = other.bounds {
            self.add_bounds(bounds);
        }
        self.readings.absorb(other.readings);
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Self::KIND);
        writer.u8(u8::from(self.bounds.is_some()));
        if let Some(bounds) = &self.bounds {
            bounds.write(&mut writer);
        }
        self.readings.write(&mut writer);
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Self::KIND, bytes)?;
        let bounds = match reader.u8()? {
            0 => None,
            1 => Some(TimeRange::read(&mut reader)?),
            mark => return Err(reader.corrupt(format!("They have the unknown mark {mark}."))),
        };
        let readings = Ordered::read(Readings, &mut reader)?;
        reader.finish()?;
        Ok(Self { bounds, readings })
    }
}
