//! Fewer points that show what many do.

mod asap;
mod downsampler;
mod gap_preserving;
mod lttb;

pub use self::downsampler::Downsampler;

use crate::{Error, Series};

/// The number of values that may be left: from 2 to `most`.
fn resolution(n: i64, most: i64) -> Result<usize, Error> {
    match usize::try_from(n) {
        Ok(values) if (2..=most).contains(&n) => Ok(values),
        _ => Err(Error::NumberOutOfRange {
            name: "n",
            given: n,
            least: 2,
            most,
        }),
    }
}

impl Series {
    /// Where the finite values are.
    fn observed_indexes(&self) -> Vec<usize> {
        (0..self.len())
            .filter(|&index| self.observed(index).is_some())
            .collect()
    }

    /// The points at those indexes, which ascend, with one gap between two of them where there are points without a finite
    /// value.
    fn of_indexes(&self, indexes: &[usize]) -> Result<Self, Error> {
        let mut points = Vec::with_capacity(indexes.len());
        let mut previous = None;
        for &index in indexes {
            if let Some(gap) = previous.and_then(|from| self.first_unobserved(from, index)) {
                points.push((gap, None));
            }
            points.extend(self.times.get(index).map(|&time| (time, self.value(index))));
            previous = Some(index);
        }
        Self::from_points(points)
    }

    fn first_unobserved(&self, from: usize, to: usize) -> Option<i64> {
        (from + 1..to)
            .find(|&index| self.observed(index).is_none())
            .and_then(|index| self.times.get(index).copied())
    }
}
