//! Counts of values in equally wide buckets, with one below and one above.

use crate::frame::{Kind, Reader, Writer};
use crate::{Error, State};

/// Most buckets between the bounds.
const MAX_BUCKETS: usize = 1_000_000;

/// A histogram: how many values are below `least`, in each of the buckets from `least` to `most`, and at or above `most`.
///
/// ```
/// use kpi_stats::Histogram;
///
/// let mut histogram = Histogram::new(0.0, 10.0, 2)?;
/// for value in [-1.0, 0.0, 4.9, 5.0, 10.0] {
///     histogram.add(value)?;
/// }
/// assert_eq!(histogram.counts(), [1, 2, 1, 1]);
/// # Ok::<(), kpi_stats::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    least: f64,
    most: f64,
    counts: Vec<u64>,
}

impl Histogram {
    /// An empty histogram of `buckets` buckets from `least` to `most`.
    ///
    /// # Errors
    /// [`Error::HistogramBounds`] unless `least` is below `most` and both are finite, [`Error::BucketCount`] for a number of
    /// buckets that is not between 1 and 1000000.
    pub fn new(least: f64, most: f64, buckets: i32) -> Result<Self, Error> {
        if !(least.is_finite() && most.is_finite() && least < most) {
            return Err(Error::HistogramBounds { least, most });
        }
        match usize::try_from(buckets) {
            Ok(inner @ 1..=MAX_BUCKETS) => Ok(Self {
                least,
                most,
                counts: vec![0; inner + 2],
            }),
            _ => Err(Error::BucketCount(buckets)),
        }
    }

    /// Says whether the histogram has these bounds and buckets.
    #[inline]
    pub fn is_of(&self, least: f64, most: f64, buckets: i32) -> bool {
        self.least == least && self.most == most && self.inner() as i64 == i64::from(buckets)
    }

    /// Says whether both have the same bounds and buckets, so that they can be merged.
    pub fn fits(&self, other: &Self) -> bool {
        self.least == other.least && self.most == other.most && self.counts.len() == other.counts.len()
    }

    /// Counts a value. A bucket has its lower bound, and not its upper one.
    ///
    /// # Errors
    /// [`Error::NotANumber`].
    #[inline]
    pub fn add(&mut self, value: f64) -> Result<(), Error> {
        if value.is_nan() {
            return Err(Error::NotANumber);
        }
        let index = self.index(value);
        if let Some(count) = self.counts.get_mut(index) {
            *count += 1;
        }
        Ok(())
    }

    /// The same rounding as `width_bucket` of PostgreSQL 16 and later.
    #[inline]
    fn index(&self, value: f64) -> usize {
        if value < self.least {
            return 0;
        }
        if value >= self.most {
            return self.inner() + 1;
        }
        let width = self.most - self.least;
        let share = if width.is_finite() {
            (value - self.least) / width
        } else {
            (value / 2.0 - self.least / 2.0) / (self.most / 2.0 - self.least / 2.0)
        };
        // A share that is rounded to 1 is still below the upper bound.
        ((self.inner() as f64 * share) as usize).min(self.inner() - 1) + 1
    }

    fn inner(&self) -> usize {
        self.counts.len() - 2
    }

    /// The count below the lower bound, those of the buckets, and that from the upper bound on.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }
}

impl State for Histogram {
    const TYPE_NAME: &'static str = "histogram";

    /// Both have to [fit](Histogram::fits); what has no place in `self` is not counted.
    fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Histogram);
        writer.f64(self.least);
        writer.f64(self.most);
        writer.varint(self.inner() as u64);
        self.counts.iter().for_each(|&count| writer.varint(count));
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::Histogram, bytes)?;
        let (least, most) = (reader.f64()?, reader.f64()?);
        let buckets = reader.varint()?;
        // Each count is at least a byte: that many bytes are there, or the number is wrong.
        if buckets > bytes.len() as u64 {
            return Err(reader.corrupt(format!("They claim {buckets} buckets.")));
        }
        let mut histogram = i32::try_from(buckets)
            .ok()
            .and_then(|buckets| Self::new(least, most, buckets).ok())
            .ok_or_else(|| reader.corrupt("Their bounds or buckets are those of no histogram.".into()))?;
        for count in &mut histogram.counts {
            *count = reader.varint()?;
        }
        reader.finish()?;
        Ok(histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[f64]) -> Histogram {
        let mut histogram = Histogram::new(-1.5, 2.5, 7).unwrap();
        values.iter().for_each(|&value| histogram.add(value).unwrap());
        histogram
    }

    proptest! {
        /// Every value is in the one bucket whose bounds hold it.
        #[test]
        fn buckets_hold_their_values(value in -3.0..4.0f64) {
            let counts = of(&[value]).counts().to_vec();
            let index = counts.iter().position(|&count| count == 1).unwrap() as f64;
            prop_assert_eq!(counts.iter().sum::<u64>(), 1);
            let edge = |index: f64| -1.5 + (index - 1.0) * 4.0 / 7.0;
            prop_assert!(index == 0.0 || value >= edge(index) - 1e-12);
            prop_assert!(index == 8.0 || value < edge(index + 1.0) + 1e-12);
        }

        #[test]
        fn parts_merge_to_the_whole(values in prop::collection::vec(-3.0..4.0f64, 0..50), at in 0usize..50) {
            let (left, right) = values.split_at(at.min(values.len()));
            let mut merged = of(left);
            prop_assert!(merged.fits(&of(right)));
            merged.merge(&of(right));
            prop_assert_eq!(&merged, &of(&values));
            prop_assert_eq!(Histogram::decode(&merged.encode()).unwrap(), merged);
        }

        #[test]
        fn other_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..60), flip in 0usize..60) {
            prop_assert!(Histogram::decode(&bytes).is_err());
            let mut altered = of(&[0.5, 2.5]).encode();
            let at = flip % altered.len();
            altered[at] ^= 0x40;
            prop_assert!(Histogram::decode(&altered).is_err());
            prop_assert!(Histogram::decode(&altered[..at]).is_err());
        }
    }

    #[test]
    fn bounds_and_buckets_are_checked() {
        for (least, most) in [(1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
            assert!(matches!(
                Histogram::new(least, most, 1),
                Err(Error::HistogramBounds { .. })
            ));
        }
        for buckets in [0, -1, 1_000_001] {
            assert_eq!(
                Histogram::new(0.0, 1.0, buckets),
                Err(Error::BucketCount(buckets))
            );
        }
        assert_eq!(of(&[]).add(f64::NAN), Err(Error::NotANumber));
    }

    #[test]
    fn the_widest_bounds() {
        let mut histogram = Histogram::new(f64::MIN, f64::MAX, 4).unwrap();
        for value in [f64::NEG_INFINITY, f64::MIN, 0.0, f64::MAX, f64::INFINITY] {
            histogram.add(value).unwrap();
        }
        assert_eq!(histogram.counts(), [1, 1, 0, 1, 0, 2]);
    }
}
