//! Downsampling that keeps what the eye sees: largest triangle, three buckets.

use super::resolution;
use crate::{Error, Series, interrupt};

impl Series {
    /// At most `n` of the values, chosen so that a line chart of them looks like one of all.
    ///
    /// The algorithm is LTTB: S. Steinarsson, "Downsampling Time Series for Visual Representation", 2013. First and last
    /// value are always kept; each of `n - 2` buckets of equal count gives the point that spans the largest triangle
    /// with the point chosen before it and the mean of the next bucket.
    ///
    /// Gaps, NaN and infinities are not chosen. Where such points lie between two chosen ones, one gap is kept (not
    /// counted in `n`), so that a line breaks where it broke before. A series with at most `n` values is returned as it
    /// is.
    ///
    /// # Errors
    /// [`Error::NumberOutOfRange`] when `n` is less than 2.
    ///
    /// ```
    /// use kpi_series::Series;
    ///
    /// let spike = Series::from_points((0..100).map(|t| (t, Some(if t == 50 { 9.0 } else { 0.0 }))).collect())?;
    /// let small = spike.lttb(3)?;
    /// assert_eq!(small.times(), [0, 50, 99]);
    /// # Ok::<(), kpi_series::Error>(())
    /// ```
    pub fn lttb(&self, n: i64) -> Result<Self, Error> {
        let n = resolution(n, i64::from(i32::MAX))?;
        let observed = self.observed_indexes();
        if observed.len() <= n {
            return Ok(self.clone());
        }
        self.of_indexes(&self.largest_triangles(&observed, n))
    }

    /// Which of the `observed` points to keep, in order; `n` is at least 2.
    pub(super) fn largest_triangles(&self, observed: &[usize], n: usize) -> Vec<usize> {
        if observed.len() <= n {
            return observed.to_vec();
        }
        let (Some(&first), Some(&last)) = (observed.first(), observed.last()) else {
            return Vec::new();
        };
        let start = self.times.get(first).copied().unwrap_or_default();
        // Areas are compared only, so values may be scaled to what cannot overflow.
        let scale = observed
            .iter()
            .filter_map(|&i| self.observed(i))
            .fold(f64::MIN_POSITIVE, |m, v| m.max(v.abs()));
        let point = |index: usize| {
            let time = self.times.get(index).copied().unwrap_or_default();
            (
                time.wrapping_sub(start) as u64 as f64,
                self.observed(index).unwrap_or_default() / scale,
            )
        };
        let buckets = n - 2;
        // Bucket k holds the inner points from edge(k) up to edge(k + 1).
        let edge = |k: usize| 1 + (observed.len() - 2) * k / buckets.max(1);
        let mut kept = vec![first];
        let mut before = point(first);
        for k in 0..buckets {
            interrupt::at(k);
            let next = match observed.get(edge(k + 1)..edge(k + 2)) {
                Some(next) if k + 1 < buckets => mean(next.iter().map(|&index| point(index))),
                _ => point(last),
            };
            let area = |index: usize| {
                let here = point(index);
                ((before.0 - next.0) * (here.1 - before.1) - (before.0 - here.0) * (next.1 - before.1)).abs()
            };
            let bucket = observed
                .get(edge(k)..edge(k + 1))
                .unwrap_or_default()
                .iter()
                .copied();
            // Of equal areas the first point is kept.
            let largest = bucket
                .map(|index| (area(index), index))
                .reduce(|best, next| if next.0 > best.0 { next } else { best });
            if let Some((_, index)) = largest {
                kept.push(index);
                before = point(index);
            }
        }
        kept.push(last);
        kept
    }
}

fn mean(points: impl ExactSizeIterator<Item = (f64, f64)>) -> (f64, f64) {
    let count = points.len().max(1) as f64;
    let sum = points.fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
    (sum.0 / count, sum.1 / count)
}
