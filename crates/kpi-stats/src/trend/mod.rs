//! `trend`: the state of `trend_agg(ts, x)`.

mod kendall;
mod theil_sen;

pub use self::kendall::MannKendall;

use std::collections::BTreeMap;

use crate::frame::{Kind, Reader, Writer};
use crate::moments::MAX_COUNT;
use crate::{Error, HyperLogLog, State};

/// The most distinct points that are kept: nearly three years of days.
const MAX_POINTS: usize = 1024;

/// Whether values rise or fall with time, and by how much, without a thought for their distribution: the test of Mann and
/// Kendall and the slope of Theil and Sen.
///
/// Up to 1024 distinct points everything is exact. Of more, the 1024 with the smallest hashes are kept, with the
/// number of their duplicates: a random sample that depends neither on the order nor on the split of the points, so a merge
/// of parts is the very state of the whole. Test and slope are then those of the sample.
///
/// NaN and infinities are counted and otherwise left out. Times are microseconds, slopes are per second.
///
/// ```
/// use kpi_stats::Trend;
/// let day = 86_400_000_000;
/// let mut trend = Trend::default();
/// for (at, x) in [(0, 1.0), (1, 3.0), (2, 2.0), (3, 5.0), (4, 4.0), (5, 9.0)] {
///     trend.add(at * day, x);
/// }
/// let test = trend.mann_kendall().unwrap();
/// assert_eq!(test.s, 11.0);
/// assert!((test.z - 1.878_673).abs() < 1e-6 && (test.p_value - 0.060_289).abs() < 1e-6);
/// // The median of the 15 slopes between two points.
/// assert!((trend.slope().unwrap() * 86_400.0 - 4.0 / 3.0).abs() < 1e-9);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trend {
    /// How many finite points were added.
    n: u64,
    /// How many others.
    skipped: u64,
    /// The points kept, and how many of each were added.
    points: BTreeMap<Point, u64>,
}

/// A point, in the order of its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Point {
    hash: u64,
    time: i64,
    /// The bits of the value.
    bits: u64,
}

impl Point {
    fn new(time: i64, x: f64) -> Self {
        // Both zeros are one.
        let bits = (x + 0.0).to_bits();
        let hash = HyperLogLog::mix(HyperLogLog::mix(bits) ^ time as u64);
        Self { hash, time, bits }
    }

    fn value(&self) -> f64 {
        f64::from_bits(self.bits)
    }
}

impl Trend {
    /// Adds a value at a time in microseconds.
    pub fn add(&mut self, time: i64, x: f64) {
        if x.is_finite() {
            self.n += 1;
            self.keep(Point::new(time, x), 1);
        } else {
            self.skipped += 1;
        }
    }

    /// Counts a point if it is among those with the smallest hashes.
    fn keep(&mut self, point: Point, times: u64) {
        if self.points.len() >= MAX_POINTS
            && self
                .points
                .last_key_value()
                .is_some_and(|(largest, _)| point > *largest)
        {
            return;
        }
        let count = self.points.entry(point).or_insert(0);
        *count = count.saturating_add(times).min(MAX_COUNT);
        if self.points.len() > MAX_POINTS {
            self.points.pop_last();
        }
    }

    /// The number of finite values.
    pub fn num_vals(&self) -> u64 {
        self.n
    }

    /// The number of values that are NaN or infinite, which are left out.
    pub fn num_skipped(&self) -> u64 {
        self.skipped
    }

    /// How many of the values test and slope are made from: all of them while there are at most 1024 distinct points.
    pub fn sample_size(&self) -> u64 {
        self.points
            .values()
            .fold(0, |sum: u64, count| sum.saturating_add(*count))
            .min(MAX_COUNT)
    }

    /// The test for a monotonic trend: see [`MannKendall`]. `None` with fewer than two values, and where all times or all
    /// values are equal.
    pub fn mann_kendall(&self) -> Option<MannKendall> {
        MannKendall::of(&self.sample())
    }

    /// The median of the slopes between all pairs of points of different times, per second (H. Theil, 1950; P. K. Sen,
    /// "Estimates of the regression coefficient based on Kendall's tau", 1968): up to 29% of the points may be outliers
    /// without moving it far. `None` without two different times.
    pub fn slope(&self) -> Option<f64> {
        theil_sen::slopes(&self.sample()).median()
    }

    /// The bounds between which the slope lies at a level of confidence, per second: the slopes at the ranks
    /// `(N ± z·√variance) / 2` of N slopes (Sen, 1968). `None` as for [`Trend::slope`] and [`Trend::mann_kendall`].
    ///
    /// # Errors
    /// [`Error::Argument`] for a level that is not between 0 and 1.
    pub fn slope_interval(&self, level: f64) -> Result<Option<(f64, f64)>, Error> {
        let z = crate::normal::z_of_level(level)?;
        let sample = self.sample();
        Ok(MannKendall::of(&sample)
            .and_then(|test| theil_sen::slopes(&sample).interval(z * test.variance.sqrt())))
    }

    /// The value of the line of that slope at a time in microseconds; the line goes through the median of what it leaves of
    /// the values. `None` as for [`Trend::slope`].
    ///
    /// ```
    /// use kpi_stats::Trend;
    /// let mut trend = Trend::default();
    /// (0..10).for_each(|second| trend.add(second * 1_000_000, 5.0 + 2.0 * second as f64));
    /// assert_eq!(trend.value_at(20_000_000), Some(45.0));
    /// ```
    pub fn value_at(&self, time: i64) -> Option<f64> {
        let sample = self.sample();
        let slope = theil_sen::slopes(&sample).median()?;
        theil_sen::level_at(&sample, slope, time)
    }

    /// The points kept in order of time, and how many there are of each.
    fn sample(&self) -> Vec<(i64, f64, f64)> {
        let mut sample: Vec<_> = self
            .points
            .iter()
            .map(|(point, &count)| (point.time, point.value(), count as f64))
            .collect();
        sample.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        sample
    }
}

impl State for Trend {
    const TYPE_NAME: &'static str = "kpi.trend";

    fn merge(&mut self, other: &Self) {
        self.n = self.n.saturating_add(other.n).min(MAX_COUNT);
        self.skipped = self.skipped.saturating_add(other.skipped).min(MAX_COUNT);
        for (point, count) in &other.points {
            self.keep(*point, *count);
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Trend);
        writer.varint(self.n);
        writer.varint(self.skipped);
        writer.varint(self.points.len() as u64);
        let mut points: Vec<_> = self.points.iter().collect();
        points.sort_unstable_by_key(|(point, _)| (point.time, point.bits));
        let mut previous = 0i64;
        for (point, count) in points {
            writer.signed(point.time.wrapping_sub(previous));
            writer.f64(point.value());
            writer.varint(*count);
            previous = point.time;
        }
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::Trend, bytes)?;
        let mut state = Self {
            n: reader.count()?,
            skipped: reader.count()?,
            points: BTreeMap::new(),
        };
        let items = reader.items(10, MAX_POINTS)?;
        let (mut time, mut counted) = (0i64, 0u64);
        for _ in 0..items {
            time = time.wrapping_add(reader.signed()?);
            let (x, count) = (reader.f64()?, reader.count()?);
            counted = counted.saturating_add(count);
            if !x.is_finite() || count == 0 || counted > state.n {
                return Err(reader.corrupt("Their points do not add up.".into()));
            }
            if state.points.insert(Point::new(time, x), count).is_some() {
                return Err(reader.corrupt("They have a point twice.".into()));
            }
        }
        if items < MAX_POINTS && counted != state.n {
            return Err(reader.corrupt("They lack some of their points.".into()));
        }
        reader.finish()?;
        Ok(state)
    }
}
