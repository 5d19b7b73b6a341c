//! How rare a deviation is.

use crate::robust::quantile;
use statrs::distribution::{ContinuousCDF, Normal};

/// Share of the deviations that the tail is made of.
const TAIL: f64 = 0.1;
/// Fewer deviations than this do not show their own tail.
const FEW: usize = 50;
/// Where the outer tenth of a normal distribution starts, on both sides together.
const NORMAL_START: f64 = 1.6449;
/// Mean excess of a normal distribution beyond that start, and a wider one for when the tail is not known.
const NORMAL_MEAN_EXCESS: f64 = 0.42;
const UNKNOWN_MEAN_EXCESS: f64 = 0.7;

/// The distribution of the sizes of deviations: a half normal up to the outer tenth, an exponential beyond (peaks over
/// threshold; Siffer, Fouque, Termier & Largouet 2017, *Anomaly Detection in Streams with Extreme Value Theory*). The
/// exponential's mean excess is estimated from its median, so that anomalies, up to one value in twenty, do not hide themselves. Never
/// lighter than a normal distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tail {
    start: f64,
    mean_excess: f64,
}

impl Tail {
    /// The tail of these deviations (in robust standard deviations, sign ignored). Reorders its argument.
    ///
    /// ```
    /// use kpi_anomaly::tail::Tail;
    /// let tail = Tail::of(&mut [0.5; 10]);
    /// assert!((tail.probability(1.6449) - 0.1).abs() < 1e-4);
    /// assert!(tail.probability(6.0) < 0.001 && tail.probability(0.0) == 1.0);
    /// ```
    pub fn of(deviations: &mut [f64]) -> Self {
        for deviation in deviations.iter_mut() {
            *deviation = deviation.abs();
        }
        if deviations.len() < FEW {
            return Self {
                start: NORMAL_START,
                mean_excess: UNKNOWN_MEAN_EXCESS,
            };
        }
        let start = quantile(deviations, 1.0 - TAIL).unwrap_or(0.0).max(NORMAL_START);
        let middle = quantile(deviations, 1.0 - TAIL / 2.0).unwrap_or(0.0);
        let mean_excess = (middle - start) / std::f64::consts::LN_2;
        Self {
            start,
            mean_excess: mean_excess.max(NORMAL_MEAN_EXCESS),
        }
    }

    /// Probability that a deviation is at least this large, on either side.
    pub fn probability(&self, deviation: f64) -> f64 {
        let size = deviation.abs();
        if size <= self.start {
            2.0 * Normal::standard().sf(size * NORMAL_START / self.start)
        } else {
            TAIL * (-(size - self.start) / self.mean_excess).exp()
        }
    }

    /// The deviation that is reached with this probability: the inverse of [`probability`](Tail::probability).
    ///
    /// ```
    /// use kpi_anomaly::tail::Tail;
    /// let tail = Tail::of(&mut [0.5; 10]);
    /// assert!((tail.probability(tail.deviation(0.001)) - 0.001).abs() < 1e-9);
    /// assert!((tail.probability(tail.deviation(0.5)) - 0.5).abs() < 1e-9);
    /// ```
    pub fn deviation(&self, probability: f64) -> f64 {
        if probability >= TAIL {
            Normal::standard().inverse_cdf(1.0 - probability / 2.0) * self.start / NORMAL_START
        } else {
            self.start + self.mean_excess * (TAIL / probability).ln()
        }
    }
}
