//! What speaks for an anomaly: a single deviation, its sum over some points, its scatter, a value never seen.

use super::rarity::Rarity;
use super::{MEMORY_OF_NONE, WARM_UP};
use crate::Kind;

/// Weight of the newest deviation in the sum that shows shifts: about 20 points.
const DRIFT_RATE: f64 = 0.1;
/// ... and in the one that shows changes of scatter: about 40 points.
const SPREAD_RATE: f64 = 0.05;
/// A single deviation adds no more than this to a sum, so that the sums are not about single values.
const CUT: f64 = 3.0;
/// Mean and standard deviation of the size of a standard normal deviation.
const NORMAL_SIZE: (f64, f64) = (0.8, 0.6);
/// Several looks at one point are several chances of a false alarm. A single deviation has nine tenths of the allowed
/// probability (the logarithm of its share), the others a ninth of a tenth or so each.
const SHARE_OF_VALUE: f64 = 0.1;
const SHARE_OF_SUMS: f64 = 2.2;
const SHARE_OF_RANGE: f64 = 2.5;
/// The tail beyond the range of `n` values: with as much probability as an exponential distribution of about 3000 values has
/// there.
const BEYOND_RANGE: f64 = 8.0;
/// Evidence counts up to here: the logarithm of a probability that a double can hold.
const MOST: f64 = 600.0;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Evidence {
    pub(super) drift: f64,
    pub(super) spread: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    /// Of deviations, drifts and spreads.
    pub(super) rarities: [Rarity; 3],
}

/// Standard deviation of an exponentially weighted mean of independent standard deviations.
fn deviation_of_mean(rate: f64) -> f64 {
    (rate / (2.0 - rate)).sqrt()
}

impl Evidence {
    pub(super) fn new() -> Self {
        Self {
            drift: 0.0,
            spread: 0.0,
            low: 0.0,
            high: 0.0,
            rarities: [Rarity::new(), Rarity::new(), Rarity::new()],
        }
    }

    /// Minus the logarithm of the probability of something as unusual, and what it is; `seen` values came before.
    pub(super) fn weigh(&mut self, value: f64, deviation: f64, seen: u64) -> (f64, Kind) {
        let cut = deviation.clamp(-CUT, CUT);
        self.drift += DRIFT_RATE * (cut - self.drift);
        let size = (cut.abs() - NORMAL_SIZE.0) / NORMAL_SIZE.1;
        self.spread += SPREAD_RATE * (size - self.spread);
        let statistics = [
            deviation.abs(),
            self.drift.abs() / deviation_of_mean(DRIFT_RATE),
            // A series that falls silent is no alarm: it may only have nothing to tell.
            self.spread.max(0.0) / deviation_of_mean(SPREAD_RATE),
        ];
        let shares = [SHARE_OF_VALUE, SHARE_OF_SUMS, SHARE_OF_SUMS];
        let mut surprises = [0.0; 3];
        for (i, surprise) in surprises.iter_mut().enumerate() {
            *surprise = self.rarities[i].surprise(statistics[i]) - shares[i];
            if seen >= WARM_UP {
                self.rarities[i].add(statistics[i]);
            }
        }
        let [of_value, of_drift, of_spread] = surprises;
        let of_value = of_value.max(self.beyond_range(value, seen));
        let kind = if of_value >= of_drift.max(of_spread) {
            if deviation > 0.0 { Kind::Spike } else { Kind::Dip }
        } else if of_drift >= of_spread {
            Kind::LevelShift
        } else {
            Kind::VarianceChange
        };
        (
            of_value.max(of_drift).max(of_spread).clamp(MEMORY_OF_NONE, MOST),
            kind,
        )
    }

    /// Among `n` values in any order the next one is beyond all others with probability 1/n, and further out with less.
    fn beyond_range(&mut self, value: f64, seen: u64) -> f64 {
        if seen <= 1 {
            (self.low, self.high) = (value, value);
        }
        let range = self.high - self.low;
        let excess = (value - self.high).max(self.low - value);
        self.low = self.low.min(value);
        self.high = self.high.max(value);
        if range > 0.0 && excess > 0.0 {
            (seen as f64).ln() + BEYOND_RANGE * excess / range - SHARE_OF_RANGE
        } else {
            0.0
        }
    }
}
