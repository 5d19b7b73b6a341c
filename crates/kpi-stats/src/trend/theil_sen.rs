//! The slopes between all pairs of points.

/// Slopes, or other numbers, and how many pairs have each.
pub(super) struct Slopes(Vec<(f64, f64)>);

/// The slopes, per second, of all pairs of different times; the points (time, value, how many of them) are in order of time.
pub(super) fn slopes(sample: &[(i64, f64, f64)]) -> Slopes {
    let start = sample.first().map_or(0, |point| point.0);
    // Microseconds are exact in a double for 285 years.
    let points: Vec<_> = sample
        .iter()
        .map(|(time, x, count)| (time.abs_diff(start) as f64, *x, *count))
        .collect();
    let mut slopes = Vec::with_capacity(points.len() * points.len().saturating_sub(1) / 2);
    for (i, (time, x, count)) in points.iter().enumerate() {
        for (later, y, times) in points.iter().skip(i + 1) {
            if later > time {
                slopes.push(((y - x) / ((later - time) / 1e6), count * times));
            }
        }
    }
    Slopes(slopes)
}

/// The median of what a line of that slope, through zero at `time`, leaves of the values.
pub(super) fn level_at(sample: &[(i64, f64, f64)], slope: f64, time: i64) -> Option<f64> {
    let until = |at: i64| (i128::from(time) - i128::from(at)) as f64 / 1e6;
    let levels = sample
        .iter()
        .map(|(at, x, count)| (x + slope * until(*at), *count))
        .collect();
    Slopes(levels).median()
}

impl Slopes {
    fn count(&self) -> f64 {
        self.0.iter().map(|(_, times)| times).sum()
    }

    /// The slope of a rank from 0; outside of all ranks the slope at that end. Halves what is left until it is found.
    fn at(&mut self, mut rank: f64) -> Option<f64> {
        rank = rank.clamp(0.0, (self.count() - 1.0).max(0.0));
        let mut left = self.0.as_mut_slice();
        while !left.is_empty() {
            let middle = left.len() / 2;
            let (lower, (slope, times), upper) =
                left.select_nth_unstable_by(middle, |a, b| a.0.total_cmp(&b.0));
            let below: f64 = lower.iter().map(|(_, times)| times).sum();
            if rank < below {
                left = lower;
            } else if rank < below + *times {
                return Some(*slope);
            } else {
                rank -= below + *times;
                left = upper;
            }
        }
        None
    }

    pub fn median(&mut self) -> Option<f64> {
        let last = self.count() - 1.0;
        let (low, high) = (self.at((last / 2.0).floor())?, self.at((last / 2.0).ceil())?);
        Some(low / 2.0 + high / 2.0)
    }

    /// The slopes whose ranks lie by half of `width` below and above the middle.
    pub fn interval(&mut self, width: f64) -> Option<(f64, f64)> {
        let count = self.count();
        let lower = ((count - width) / 2.0).round() - 1.0;
        let upper = ((count + width) / 2.0).round();
        Some((self.at(lower)?, self.at(upper)?))
    }
}
