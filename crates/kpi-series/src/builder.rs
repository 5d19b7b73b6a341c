//! Collects points in the order in which they arrive, and puts them in time order only when that is needed.

use crate::{Error, MAX_POINTS, Series, interrupt, order, timestamp};

/// Room for points whose times may turn out to be duplicates, so that a full builder sorts once in a while
/// and not on each push.
const SLACK: usize = MAX_POINTS / 8;

/// A series in the making, the state of the aggregate.
///
/// Points that arrive in time order cost one append. Otherwise the points are sorted at the end, stably: of
/// equal times the last one pushed wins. At most `MAX_POINTS * 9 / 8` points are ever held, 16 bytes each, or 8 while they
/// follow each other at a regular step.
///
/// ```
/// use kpi_series::Builder;
///
/// let mut builder = Builder::default();
/// builder.push(20, Some(2.0))?;
/// builder.push(10, Some(1.0))?;
/// builder.push(20, None)?;
/// assert_eq!(builder.finish()?.points().collect::<Vec<_>>(), [(10, Some(1.0)), (20, None)]);
/// # Ok::<(), kpi_series::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Builder {
    // All values, and the times of all but the last `pending` points: while points follow each other at a regular step,
    // which is what long series do, their times need no memory.
    series: Series,
    last: i64,
    step: i64,
    pending: usize,
    // While false, times are strictly increasing as every Series has to be.
    unordered: bool,
}

impl From<Series> for Builder {
    fn from(series: Series) -> Self {
        let last = series.times.last().copied().unwrap_or_default();
        Self {
            series,
            last,
            ..Self::default()
        }
    }
}

impl Builder {
    /// Takes one point.
    ///
    /// # Errors
    /// [`Error::InfiniteTime`], [`Error::TimeOutOfRange`], and [`Error::TooManyPoints`] as soon as it is certain.
    #[inline]
    pub fn push(&mut self, time: i64, value: Option<f64>) -> Result<(), Error> {
        timestamp::check(time)?;
        let len = self.series.values.len();
        // The difference of two times may be more than an i64 holds; adding it wraps back.
        let step = time.wrapping_sub(self.last);
        if len == 0 {
            self.series.times.push(time);
        } else {
            if len >= MAX_POINTS || time <= self.last {
                if time == self.last && !self.unordered {
                    self.replace_last(value);
                    return Ok(());
                }
                self.leave_fast_path(time)?;
            }
            if self.unordered {
                self.series.times.push(time);
            } else if step == self.step {
                self.pending += 1;
            } else {
                self.write_pending();
                (self.step, self.pending) = (step, 1);
            }
        }
        self.last = time;
        if value.is_none() {
            self.series.gaps.insert(self.series.values.len());
        }
        self.series.values.push(value.unwrap_or(f64::NAN));
        Ok(())
    }

    /// Takes all points of another builder, as if they had been pushed after the ones that are here.
    ///
    /// # Errors
    /// [`Error::TooManyPoints`].
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        if self.is_empty() {
            self.clone_from(other);
            return Ok(());
        }
        let written = other.series.times.iter().copied();
        let end = other.series.times.last().copied().unwrap_or_default();
        let pending = (0..other.pending).scan(end, |time, _| {
            *time = time.wrapping_add(other.step);
            Some(*time)
        });
        for (index, time) in written.chain(pending).enumerate() {
            interrupt::at(index);
            self.push(time, other.series.value(index))?;
        }
        Ok(())
    }

    /// Puts the points in order and shows the series. More points can be pushed afterwards, with the same result as
    /// if this had not been called.
    ///
    /// # Errors
    /// [`Error::TooManyPoints`].
    pub fn settle(&mut self) -> Result<&Series, Error> {
        self.order()?;
        self.write_pending();
        Ok(&self.series)
    }

    /// The finished series.
    ///
    /// # Errors
    /// [`Error::TooManyPoints`].
    pub fn finish(mut self) -> Result<Series, Error> {
        self.settle()?;
        Ok(self.series)
    }

    /// The stored form of the series up to its values, as [`Series::encode_head`] of the settled series.
    ///
    /// # Errors
    /// [`Error::TooManyPoints`].
    pub fn encode_head(&mut self) -> Result<Vec<u8>, Error> {
        self.order()?;
        Ok(self.series.encode_head_followed_by(self.step, self.pending))
    }

    /// [`Series::value_bytes`] of the series, after [`Builder::encode_head`].
    pub fn value_bytes(&self) -> usize {
        self.series.value_bytes()
    }

    /// [`Series::encode_values`] of the series, after [`Builder::encode_head`].
    pub fn encode_values(&self, target: &mut [u8]) {
        self.series.encode_values(target);
    }

    /// Number of points held now, duplicates of a time included.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether no point has been pushed.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    fn replace_last(&mut self, value: Option<f64>) {
        let Some(index) = self.series.len().checked_sub(1) else {
            return;
        };
        if value.is_none() {
            self.series.gaps.insert(index);
        } else {
            self.series.gaps.remove(index);
        }
        if let Some(last) = self.series.values.last_mut() {
            *last = value.unwrap_or(f64::NAN);
        }
    }

    /// What a point needs that is out of order, or may be one too many.
    #[cold]
    fn leave_fast_path(&mut self, time: i64) -> Result<(), Error> {
        if time <= self.last && !self.unordered {
            self.write_pending();
            self.unordered = true;
        }
        if self.len() < MAX_POINTS {
            return Ok(());
        }
        if !self.unordered {
            return Err(Error::TooManyPoints);
        }
        if self.len() >= MAX_POINTS + SLACK {
            self.order()?;
            // The point to come may be older than the last one: sorting looks again.
            self.unordered = true;
        }
        Ok(())
    }

    /// Writes the times that follow from the step.
    fn write_pending(&mut self) {
        let Some(&last) = self.series.times.last() else {
            return;
        };
        let mut time = last;
        self.series.times.extend((0..self.pending).map(|_| {
            time = time.wrapping_add(self.step);
            time
        }));
        self.pending = 0;
    }

    /// Puts points in order that are not.
    fn order(&mut self) -> Result<(), Error> {
        if self.unordered {
            *self = Self::from(sorted(&self.series));
        }
        if self.len() > MAX_POINTS {
            Err(Error::TooManyPoints)
        } else {
            Ok(())
        }
    }
}

/// The points in time order, the last of equal times only.
fn sorted(series: &Series) -> Series {
    // Sorting moves each value along with its time; one that is never a gap needs less room.
    if series.gaps.is_empty() {
        last_of_each_time(
            series
                .times
                .iter()
                .copied()
                .zip(series.values.iter().copied())
                .collect(),
        )
    } else {
        last_of_each_time(series.points().collect())
    }
}

fn last_of_each_time<T: Copy + Default + Into<Option<f64>>>(mut points: Vec<(i64, T)>) -> Series {
    order::by_time(&mut points);
    let mut series = Series::default();
    series.times.reserve(points.len());
    series.values.reserve(points.len());
    let mut rest = points.iter().peekable();
    while let Some(&(time, value)) = rest.next() {
        if rest.peek().is_some_and(|next| next.0 == time) {
            continue;
        }
        let value = value.into();
        if value.is_none() {
            series.gaps.insert(series.values.len());
        }
        series.times.push(time);
        series.values.push(value.unwrap_or(f64::NAN));
    }
    series
}
