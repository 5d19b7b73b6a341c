//! Trends whose rate changes at change points.

/// The course of the trend between its change points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Growth {
    /// Straight lines.
    Linear,
    /// Logistic curves from `floor` to `cap`, both in the unit of the values.
    Logistic {
        /// What the values grow to.
        cap: f64,
        /// What they grow from.
        floor: f64,
    },
}

/// Change points at most, and the share of the history from its start that they lie in (Taylor & Letham's defaults).
const MOST: usize = 25;
const SHARE: f64 = 0.8;

/// Change points of `n` values, in shares of the time from the first to the last value: evenly spread over the first 80% of the values.
///
/// ```
/// assert_eq!(kpi_forecast::prophet::trend::change_points(6), [0.2, 0.4, 0.6]);
/// assert_eq!(kpi_forecast::prophet::trend::change_points(1000).len(), 25);
/// ```
pub fn change_points(n: usize) -> Vec<f64> {
    let inside = (n as f64 * SHARE).floor() as usize;
    let count = MOST.min(inside.saturating_sub(1));
    let end = n.saturating_sub(1).max(1) as f64;
    (1..=count)
        .map(|i| ((inside - 1) as f64 * i as f64 / count as f64).round() / end)
        .collect()
}

/// Rate and offset from a change point on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Where it begins, in shares of the history.
    pub from: f64,
    /// Growth per history.
    pub rate: f64,
    /// The value at 0 of a line; of a logistic curve the time at which it is half way.
    pub offset: f64,
}

/// The trend in a unit in which the largest value is about 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    /// The capacity of logistic curves, `None` for lines.
    pub cap: Option<f64>,
    /// The pieces in their order.
    pub segments: Vec<Segment>,
}

impl Trend {
    /// The pieces from the rate and the offset at the start and the change of the rate at each change point. The offsets follow, so
    /// that the trend makes no jump (section 3.1 of the paper).
    pub fn new(cap: Option<f64>, rate: f64, offset: f64, points: &[f64], changes: &[f64]) -> Self {
        let mut last = Segment {
            from: f64::NEG_INFINITY,
            rate,
            offset,
        };
        let mut segments = vec![last];
        for (point, change) in points.iter().zip(changes) {
            last = last.changed(cap.is_some(), *point, *change);
            segments.push(last);
        }
        Self { cap, segments }
    }

    /// The trend at a time.
    pub fn at(&self, time: f64) -> f64 {
        let index = self
            .segments
            .partition_point(|s| s.from <= time)
            .saturating_sub(1);
        self.segments
            .get(index)
            .map_or(f64::NAN, |s| s.at(self.cap, time))
    }
}

impl Segment {
    /// What follows when the rate changes at a point.
    pub fn changed(self, is_logistic: bool, point: f64, change: f64) -> Self {
        let rate = self.rate + change;
        let offset = if is_logistic && change != 0.0 {
            self.offset + (point - self.offset) * (1.0 - self.rate / rate)
        } else if is_logistic {
            self.offset
        } else {
            self.offset - point * change
        };
        Self {
            from: point,
            rate,
            offset,
        }
    }

    /// Its value at a time.
    pub fn at(self, cap: Option<f64>, time: f64) -> f64 {
        match cap {
            None => self.rate * time + self.offset,
            Some(cap) => cap / (1.0 + (-self.rate * (time - self.offset)).exp()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_makes_no_jump(
            cap in prop::option::of(0.5..2.0_f64), rate in 0.1..3.0_f64, offset in -1.0..1.0_f64,
            changes in prop::collection::vec(0.01..1.0_f64, 3),
        ) {
            let points = [0.2, 0.5, 0.7];
            let trend = Trend::new(cap, rate, offset, &points, &changes);
            for point in points {
                let (before, after) = (trend.at(point - 1e-9), trend.at(point));
                prop_assert!((before - after).abs() < 1e-6, "{before} {after}");
            }
        }
    }

    #[test]
    fn short_histories_have_few_change_points() {
        assert_eq!(change_points(0), [0.0; 0]);
        assert_eq!(change_points(1), [0.0; 0]);
        assert_eq!(change_points(2), [0.0; 0]);
        assert_eq!(change_points(3), [0.5]);
        assert!(change_points(100).iter().all(|s| *s > 0.0 && *s <= 0.8));
    }
}
