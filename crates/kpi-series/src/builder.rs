//! Collects points in the order in which they arrive, and puts them in time order only when that is needed.

use crate::{Error, MAX_POINTS, Series, timestamp};

/// Room for points whose times may turn out to be duplicates, so that a full builder sorts once in a while
/// and not on each push.
const SLACK: usize = MAX_POINTS / 8;

/// A series in the making, the state of the aggregate.
///
/// Points that arrive in time order cost one append. Otherwise the points are sorted at the end, stably: of
/// equal times the last one pushed wins. At most `MAX_POINTS * 9 / 8` points are ever held (16 bytes each).
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
    series: Series,
    // While false, `series` is strictly increasing as every Series has to be.
    unordered: bool,
}

impl From<Series> for Builder {
    fn from(series: Series) -> Self {
        Self {
            series,
            unordered: false,
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
        let len = self.series.times.len();
        if let Some(&last) = self.series.times.last() {
            if time <= last {
                if time == last && !self.unordered {
                    self.replace_last(value);
                    return Ok(());
                }
                self.unordered = true;
            }
            if len >= MAX_POINTS {
                self.make_room()?;
            }
        }
        self.append(time, value);
        Ok(())
    }

    /// Takes all points of another builder, as if they had been pushed after the ones that are here.
    ///
    /// # Errors
    /// [`Error::TooManyPoints`].
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        if self.series.is_empty() {
            self.clone_from(other);
            return Ok(());
        }
        self.series.times.reserve(other.series.len());
        self.series.values.reserve(other.series.len());
        for (time, value) in other.series.points() {
            self.push(time, value)?;
        }
        Ok(())
    }

    /// Puts the points in order and shows the series. More points can be pushed afterwards, with the same result as
    /// if this had not been called.
    ///
    /// # Errors
    /// [`Error::TooManyPoints`].
    pub fn settle(&mut self) -> Result<&Series, Error> {
        self.sort();
        if self.series.len() > MAX_POINTS {
            return Err(Error::TooManyPoints);
        }
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

    /// Number of points held now, duplicates of a time included.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether no point has been pushed.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    #[inline]
    fn append(&mut self, time: i64, value: Option<f64>) {
        if value.is_none() {
            self.series.gaps.insert(self.series.times.len());
        }
        self.series.times.push(time);
        self.series.values.push(value.unwrap_or(f64::NAN));
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

    #[cold]
    fn make_room(&mut self) -> Result<(), Error> {
        if !self.unordered {
            return Err(Error::TooManyPoints);
        }
        if self.series.len() >= MAX_POINTS + SLACK {
            self.sort();
            if self.series.len() > MAX_POINTS {
                return Err(Error::TooManyPoints);
            }
            // The point to come may be older than the last one: sorting looks again.
            self.unordered = true;
        }
        Ok(())
    }

    fn sort(&mut self) {
        if !self.unordered {
            return;
        }
        let mut order: Vec<(i64, u32)> = self
            .series
            .times
            .iter()
            .zip(0u32..)
            .map(|(&time, index)| (time, index))
            .collect();
        order.sort_by_key(|&(time, _)| time);
        let mut sorted = Self::default();
        sorted.series.times.reserve(order.len());
        sorted.series.values.reserve(order.len());
        let mut rest = order.iter().peekable();
        while let Some(&(time, index)) = rest.next() {
            if rest.peek().is_none_or(|next| next.0 != time) {
                sorted.append(time, self.series.value(index as usize));
            }
        }
        *self = sorted;
    }
}
