//! A series as one line of text.

use crate::{Error, Series};

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Widest sparkline.
const MAX_WIDTH: i64 = 1000;

impl Series {
    /// The series as Unicode blocks, from the lowest value `▁` to the highest `█`.
    ///
    /// A series with at most `width` points gets one character for each point. A longer one gets `width` characters that
    /// stand for equal spans of time, each at the mean of its values. A space stands for a gap, NaN, an infinity, or a
    /// span without a finite value. When all values are the same, they are drawn in the middle, as `▄`.
    ///
    /// # Errors
    /// [`Error::NumberOutOfRange`] when `width` is not from 1 to 1000.
    ///
    /// ```
    /// use kpi_series::Series;
    ///
    /// let s = Series::from_points(vec![(1, Some(0.0)), (2, Some(3.5)), (3, None), (4, Some(7.0))])?;
    /// assert_eq!(s.sparkline(24)?, "▁▅ █");
    /// # Ok::<(), kpi_series::Error>(())
    /// ```
    pub fn sparkline(&self, width: i64) -> Result<String, Error> {
        if !(1..=MAX_WIDTH).contains(&width) {
            return Err(Error::NumberOutOfRange {
                name: "width",
                given: width,
                least: 1,
                most: MAX_WIDTH,
            });
        }
        let width = width as usize;
        let columns: Vec<Option<f64>> = if self.len() <= width {
            (0..self.len()).map(|index| self.observed(index)).collect()
        } else {
            self.means(width)
        };
        let low = columns.iter().flatten().copied().fold(f64::INFINITY, f64::min);
        let high = columns
            .iter()
            .flatten()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        let block = |value: f64| {
            let level = if low == high {
                3.0
            } else {
                // Halves keep the difference of huge values finite.
                (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0) * 7.0
            };
            BLOCKS.get(level.round() as usize).copied().unwrap_or('█')
        };
        Ok(columns.iter().map(|column| column.map_or(' ', block)).collect())
    }

    /// The mean of the values in each of `count` equal spans of time.
    fn means(&self, count: usize) -> Vec<Option<f64>> {
        let mut means = vec![None; count];
        let mut seen = vec![0.0; count];
        let (Some(&first), Some(&last)) = (self.times.first(), self.times.last()) else {
            return means;
        };
        let span = i128::from(last) - i128::from(first) + 1;
        for (index, &time) in self.times.iter().enumerate() {
            let Some(value) = self.observed(index) else {
                continue;
            };
            let column = ((i128::from(time) - i128::from(first)) * count as i128 / span) as usize;
            if let (Some(mean), Some(seen)) = (means.get_mut(column), seen.get_mut(column)) {
                *seen += 1.0;
                let before: f64 = mean.unwrap_or(0.0);
                *mean = Some(before + (value / *seen - before / *seen));
            }
        }
        means
    }
}
