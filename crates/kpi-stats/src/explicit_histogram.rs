//! Percentiles from a histogram that something else has counted, as OpenTelemetry and Prometheus export it.

use crate::{Error, UddSketch};

/// Into how many points a bucket is divided for a sketch.
const POINTS: u64 = 128;

/// Counts between explicit bounds: `counts[i]` values are above `bounds[i - 1]` and at most `bounds[i]`, so there is one
/// count more than bounds (the data model of OpenTelemetry's histogram; cumulative counts, as Prometheus has them, have to be
/// made counts of single buckets first).
///
/// Within a bucket values are taken as spread evenly. The first one starts at zero where its upper bound is above zero and
/// has no width else, and the last one has none: a percentile beyond the last bound is that bound. This is what
/// Prometheus does; where the smallest and largest value are known, they are used instead. A percentile is wrong by at
/// most the width of its bucket.
///
/// ```
/// use kpi_stats::ExplicitHistogram;
/// let latency = ExplicitHistogram::new(&[0.1, 0.2, 0.5], &[10, 20, 10, 0], None, None).unwrap();
/// assert!((latency.percentile(0.5).unwrap().unwrap() - 0.15).abs() < 1e-12);
/// assert_eq!(latency.to_sketch().num_vals(), 40);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ExplicitHistogram {
    /// Where each bucket with values starts and ends, and how many there are.
    buckets: Vec<(f64, f64, u64)>,
}

impl ExplicitHistogram {
    /// Reads bounds and counts, and the smallest and the largest value where they are known.
    ///
    /// # Errors
    /// [`Error::Argument`] unless the bounds are finite and ascend, there is one count more than bounds, and no count is below
    /// zero; and for a smallest or largest value that is not within its bucket.
    pub fn new(bounds: &[f64], counts: &[i64], min: Option<f64>, max: Option<f64>) -> Result<Self, Error> {
        if let Some(bound) = bounds.iter().find(|bound| !bound.is_finite()) {
            return Err(Error::argument(
                "the bounds of a histogram's buckets must be finite",
                bound,
                "Leave the bound of infinity out: the last count is that of all values above the last bound.",
            ));
        }
        if let Some((a, b)) = bounds.iter().zip(bounds.iter().skip(1)).find(|(a, b)| a >= b) {
            return Err(Error::argument(
                "the bounds of a histogram's buckets must ascend",
                format!("{a} before {b}"),
                "Sort bounds and counts by the bound.",
            ));
        }
        if counts.len() != bounds.len() + 1 {
            return Err(Error::argument(
                "a histogram has one count more than bounds",
                format!("{} counts for {} bounds", counts.len(), bounds.len()),
                "The first count is of values up to the first bound, the last one of those above the last bound.",
            ));
        }
        let (Some(&first), Some(&last)) = (bounds.first(), bounds.last()) else {
            return Err(Error::argument(
                "a histogram without bounds says nothing of its values",
                "no bounds",
                "Give at least one bound.",
            ));
        };
        let lowest = min.unwrap_or(first.min(0.0));
        let highest = max.unwrap_or(last);
        let mut buckets = Vec::new();
        for (i, &count) in counts.iter().enumerate() {
            let Ok(count) = u64::try_from(count) else {
                return Err(Error::argument(
                    "a count of a histogram must not be below zero",
                    count,
                    "Cumulative counts have to be subtracted the right way round: count - lag(count) OVER (ORDER BY bound).",
                ));
            };
            if count > 0 {
                let lower = i.checked_sub(1).and_then(|before| bounds.get(before)).copied();
                buckets.push((
                    lower.unwrap_or(f64::NEG_INFINITY),
                    bounds.get(i).copied().unwrap_or(f64::INFINITY),
                    count,
                ));
            }
        }
        let mut histogram = Self { buckets };
        histogram.narrow(lowest, highest, min, max)?;
        Ok(histogram)
    }

    /// Ends the first and the last bucket with values at the smallest and the largest value.
    fn narrow(&mut self, lowest: f64, highest: f64, min: Option<f64>, max: Option<f64>) -> Result<(), Error> {
        let outside = |value: f64| {
            Error::argument(
                "the smallest and the largest value must lie in the first and the last bucket with values",
                value,
                "Give the min and max that were recorded with these counts, or leave them out.",
            )
        };
        if let Some((lower, upper, _)) = self.buckets.first_mut() {
            match min {
                Some(min) if !(min >= *lower && min <= *upper && min.is_finite()) => {
                    return Err(outside(min));
                }
                Some(min) => *lower = min,
                None if lower.is_infinite() => {
                    *lower = if *upper > 0.0 {
                        lowest.max(0.0).min(*upper)
                    } else {
                        *upper
                    }
                }
                None => {}
            }
        }
        if let Some((lower, upper, _)) = self.buckets.last_mut() {
            match max {
                Some(max) if !(max >= *lower && max <= *upper && max.is_finite()) => {
                    return Err(outside(max));
                }
                Some(max) => *upper = max,
                None if upper.is_infinite() => *upper = highest.max(*lower),
                None => {}
            }
        }
        Ok(())
    }

    /// The number of values.
    pub fn num_vals(&self) -> u64 {
        self.buckets
            .iter()
            .fold(0, |sum: u64, (_, _, count)| sum.saturating_add(*count))
            .min(crate::moments::MAX_COUNT)
    }

    /// The value below which the fraction `p` of the values lies, by linear interpolation in its bucket; `None` without values.
    ///
    /// # Errors
    /// [`Error::Percentile`] where `p` is not between 0 and 1.
    pub fn percentile(&self, p: f64) -> Result<Option<f64>, Error> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::Percentile(p));
        }
        let mut rank = p * self.num_vals() as f64;
        for (lower, upper, count) in &self.buckets {
            let count = *count as f64;
            if rank <= count {
                let share = rank / count;
                return Ok(Some(lower * (1.0 - share) + upper * share));
            }
            rank -= count;
        }
        Ok(self.buckets.last().map(|(_, upper, _)| *upper))
    }

    /// A sketch of these values, which merges with sketches of others.
    ///
    /// Of n values, the one of rank i (from 0) is put where [`ExplicitHistogram::percentile`] has the fraction i / (n - 1):
    /// that is the fraction for which a sketch returns it. So each bucket has as many values as before, and any percentile
    /// whose two neighbouring values are in one bucket is the interpolated one, within the error of the sketch; where they
    /// are not, it lies between them. A bucket of more than 128 values has 128 different ones, each at the middle of those
    /// that it stands for: that adds at most 1/128 of the bucket. The extremes are the ends of the histogram.
    pub fn to_sketch(&self) -> UddSketch {
        let mut sketch = UddSketch::default();
        let all = self.num_vals();
        // How far the fraction goes from one value to the next, in values.
        let step = match all {
            0 | 1 => 1.0,
            all => all as f64 / (all - 1) as f64,
        };
        let mut before = 0u64;
        for (lower, upper, count) in &self.buckets {
            let points = POINTS.min(*count);
            let through = |point: u64| (u128::from(*count) * u128::from(point) / u128::from(points)) as u64;
            for point in 0..points {
                let (first, end) = (through(point), through(point + 1));
                let middle = (first as f64 + (end - 1) as f64) / 2.0;
                let share = match all {
                    1 => 0.5,
                    // before · step + middle · step - before, without the difference of two large numbers.
                    _ => (before as f64 * (step - 1.0) + middle * step) / *count as f64,
                }
                .clamp(0.0, 1.0);
                sketch.add_times(lower * (1.0 - share) + upper * share, end - first);
            }
            before = before.saturating_add(*count);
        }
        if let (Some((lowest, ..)), Some((_, highest, _)), 2..) =
            (self.buckets.first(), self.buckets.last(), all)
        {
            sketch.widen(*lowest, *highest);
        }
        sketch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: Option<f64>, b: f64) {
        assert!((a.unwrap() - b).abs() < 1e-12, "{a:?} is not {b}");
    }

    #[test]
    fn edges() {
        let histogram = ExplicitHistogram::new(&[1.0, 2.0], &[4, 0, 4], None, None).unwrap();
        close(histogram.percentile(0.25).unwrap(), 0.5);
        close(histogram.percentile(0.75).unwrap(), 2.0);
        let known = ExplicitHistogram::new(&[1.0, 2.0], &[4, 0, 4], Some(-1.0), Some(6.0)).unwrap();
        close(known.percentile(0.0).unwrap(), -1.0);
        close(known.percentile(0.75).unwrap(), 4.0);
        close(known.percentile(1.0).unwrap(), 6.0);
        let below = ExplicitHistogram::new(&[-2.0, -1.0], &[4, 4, 0], None, None).unwrap();
        close(below.percentile(0.25).unwrap(), -2.0);
        close(below.percentile(0.75).unwrap(), -1.5);
        let empty = ExplicitHistogram::new(&[1.0], &[0, 0], None, None).unwrap();
        assert_eq!((empty.percentile(0.5).unwrap(), empty.num_vals()), (None, 0));
        assert_eq!(empty.to_sketch(), UddSketch::default());
    }

    #[test]
    fn what_is_no_histogram() {
        let refused = |bounds: &[f64], counts: &[i64], min, max| {
            matches!(
                ExplicitHistogram::new(bounds, counts, min, max),
                Err(Error::Argument { .. })
            )
        };
        assert!(refused(&[], &[1], None, None));
        assert!(refused(&[1.0], &[1], None, None));
        assert!(refused(&[1.0, 1.0], &[1, 1, 1], None, None));
        assert!(refused(&[1.0, f64::INFINITY], &[1, 1, 1], None, None));
        assert!(refused(&[f64::NAN], &[1, 1], None, None));
        assert!(refused(&[1.0], &[1, -1], None, None));
        assert!(refused(&[1.0], &[1, 1], Some(2.0), None));
        assert!(refused(&[1.0], &[1, 1], None, Some(0.5)));
        assert!(refused(&[1.0], &[1, 1], Some(f64::NAN), None));
        assert!(
            ExplicitHistogram::new(&[1.0], &[1, 1], None, None)
                .unwrap()
                .percentile(1.5)
                .is_err()
        );
    }

    /// Of few values, too: each percentile between two values of one bucket is the interpolated one.
    #[test]
    fn sketch_of_few_values() {
        let bounds = [0.1, 0.2, 0.5];
        let counts = [10, 20, 10, 0];
        let histogram = ExplicitHistogram::new(&bounds, &counts, None, None).unwrap();
        let sketch = histogram.to_sketch();
        for permille in 0..=1000 {
            let p = f64::from(permille) / 1000.0;
            let position = p * 39.0;
            let across = [9.0, 29.0]
                .iter()
                .any(|last| position > *last && position < last + 1.0);
            let expected = histogram.percentile(p).unwrap().unwrap();
            let found = sketch.approx_percentile(p).unwrap().unwrap();
            // The rounding of a number near zero is relative to the width of its bucket.
            let most = expected * 0.001 + 1e-12 + if across { 0.03 / 4.0 } else { 0.0 };
            assert!((found - expected).abs() <= most, "{p}: {found} for {expected}");
        }
        assert_eq!((sketch.min_val(), sketch.max_val()), (Some(0.0), Some(0.5)));
        for (bound, share) in [(0.1, 0.25), (0.2, 0.75), (0.5, 1.0)] {
            assert!((sketch.approx_percentile_rank(bound * 1.001).unwrap() - share).abs() <= 0.025);
        }
        let one = ExplicitHistogram::new(&[1.0, 2.0], &[0, 1, 0], None, None).unwrap();
        assert_eq!(one.to_sketch().approx_percentile(0.0).unwrap(), Some(1.5));
    }

    /// Percentiles of the sketch are those of the interpolation, within a 128th of a bucket and a thousandth.
    #[test]
    fn sketch_and_interpolation_agree() {
        let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
        let counts = [120, 80, 4000, 90_000, 60_000, 30_000, 9000, 2000, 300, 20, 3, 0];
        let histogram = ExplicitHistogram::new(&bounds, &counts, None, None).unwrap();
        let sketch = histogram.to_sketch();
        assert_eq!(sketch.num_vals(), histogram.num_vals());
        for permille in 1..1000 {
            let p = f64::from(permille) / 1000.0;
            let expected = histogram.percentile(p).unwrap().unwrap();
            let width = bounds
                .iter()
                .zip(std::iter::once(&0.0).chain(&bounds))
                .find(|(upper, _)| expected <= **upper)
                .map_or(0.0, |(upper, lower)| upper - lower);
            let found = sketch.approx_percentile(p).unwrap().unwrap();
            assert!(
                (found - expected).abs() <= width / 128.0 + expected * 0.001,
                "{p}: {found} for {expected}"
            );
        }
    }
}
