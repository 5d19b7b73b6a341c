//! The series itself: points in strict time order, gaps kept.

use crate::{Builder, Error, gaps::Gaps};

/// Points in strictly increasing time order; a point has a value or is a gap.
///
/// Times are microseconds since 2000-01-01 00:00 UTC, as in PostgreSQL's `timestamptz`. A gap (SQL NULL) is kept
/// apart from NaN and the infinities, which are legal `float8` values. What analyses or draws uses
/// [`Series::observed`], for which only a finite number is an observation.
///
/// ```
/// use kpi_series::Series;
///
/// let s = Series::from_points(vec![(20, Some(2.0)), (10, None), (20, Some(3.0)), (30, Some(f64::NAN))])?;
/// assert_eq!(s.times(), [10, 20, 30]);
/// assert_eq!(s.value(0), None);
/// assert_eq!(s.value(1), Some(3.0));
/// assert!(s.value(2).is_some_and(f64::is_nan));
/// assert_eq!(s.observed(2), None);
/// # Ok::<(), kpi_series::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Series {
    pub(crate) times: Vec<i64>,
    pub(crate) values: Vec<f64>,
    pub(crate) gaps: Gaps,
}

impl Series {
    /// Makes a series of points in any order; of points with equal times the last one given wins.
    ///
    /// # Errors
    /// [`Error::TooManyPoints`], [`Error::InfiniteTime`] and [`Error::TimeOutOfRange`].
    pub fn from_points(points: Vec<(i64, Option<f64>)>) -> Result<Self, Error> {
        let mut builder = Builder::default();
        for (time, value) in points {
            builder.push(time, value)?;
        }
        builder.finish()
    }

    /// Number of points, gaps included.
    pub fn len(&self) -> usize {
        // Not the times: those of a builder are not all written.
        self.values.len()
    }

    /// Whether there is no point at all.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The times in strictly increasing order, in microseconds since 2000-01-01 UTC.
    pub fn times(&self) -> &[i64] {
        &self.times
    }

    /// The values, one for each time; where the point is a gap, NaN stands in its place (see [`Series::value`]).
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The value of a point: `None` for a gap and beyond the end; NaN and infinities are values.
    #[inline]
    pub fn value(&self, index: usize) -> Option<f64> {
        if self.gaps.contains(index) {
            None
        } else {
            self.values.get(index).copied()
        }
    }

    /// The value of a point when it is a finite number: `None` for a gap, NaN, an infinity, and beyond the end.
    #[inline]
    pub fn observed(&self, index: usize) -> Option<f64> {
        // A gap holds NaN, so the bitmap needs no look here.
        self.values.get(index).copied().filter(|value| value.is_finite())
    }

    /// Whether the point is a gap.
    pub fn is_gap(&self, index: usize) -> bool {
        self.gaps.contains(index)
    }

    /// Number of gaps.
    pub fn gap_count(&self) -> usize {
        self.gaps.count()
    }

    /// All points in time order.
    pub fn points(&self) -> impl Iterator<Item = (i64, Option<f64>)> + '_ {
        self.times
            .iter()
            .enumerate()
            .map(|(index, &time)| (time, self.value(index)))
    }
}

/// Equal times and equal values, bit for bit; so NaN equals NaN, and 0 differs from -0.
impl PartialEq for Series {
    fn eq(&self, other: &Self) -> bool {
        self.times == other.times
            && (0..self.len())
                .all(|index| self.value(index).map(f64::to_bits) == other.value(index).map(f64::to_bits))
    }
}
