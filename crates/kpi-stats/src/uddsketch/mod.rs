//! `uddsketch`: percentiles with a bounded relative error, from logarithmic buckets.

mod buckets;
mod codec;
mod quantile;

use self::buckets::{Buckets, Index, collapse};
use crate::State;
use crate::moments::MAX_COUNT;
use crate::summation::CompensatedSum;

/// The logarithm of the ratio between the bounds of a bucket that was never collapsed.
const LOG_RATIO: f64 = 0.002;

/// Collapsing keeps at most so many occupied buckets, of both signs together.
const MAX_BUCKETS: usize = 8192;

/// A sketch of the distribution of doubles: each value falls into a bucket whose bounds have the ratio γ = e^0.002, so any
/// value that a percentile can return is known with a relative error of at most tanh(0.001) < 0.1%.
///
/// When more than 8192 buckets are occupied, all pairs of neighbours are united and γ is squared, which about doubles the
/// error (UDDSketch: Epicoco, Melle, Cafaro, Pulimeno and Morleo, "UDDSketch: Accurate Tracking of Quantiles in Data
/// Streams", 2020; the buckets are those of DDSketch: Masson, Rim and Lee, 2019). The level of collapsing depends only on the
/// set of values, so a merge of parts has the very buckets of the whole. Values spread over seven decimal orders of
/// magnitude do not collapse.
///
/// Negative values have buckets of their own, zeros, infinities and NaN are counted apart. The order is PostgreSQL's:
/// -Infinity, negative, zero, positive, Infinity, NaN.
///
/// ```
/// use kpi_stats::UddSketch;
/// let mut sketch = UddSketch::default();
/// (1..=1000).for_each(|x| sketch.add(f64::from(x)));
/// let p95 = sketch.approx_percentile(0.95).unwrap().unwrap();
/// assert!((p95 - 950.05).abs() <= 950.05 * sketch.error());
/// assert_eq!(sketch.approx_percentile(1.0).unwrap(), Some(1000.0));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct UddSketch {
    collapses: u8,
    negative: Buckets,
    positive: Buckets,
    zeros: u64,
    negative_infinities: u64,
    positive_infinities: u64,
    nans: u64,
    /// The number of finite values.
    finite: u64,
    /// The extremes and the sum of the finite values; the extremes are the neutral infinities without any.
    min: f64,
    max: f64,
    sum: CompensatedSum,
}

impl Default for UddSketch {
    fn default() -> Self {
        Self {
            collapses: 0,
            negative: Buckets::default(),
            positive: Buckets::default(),
            zeros: 0,
            negative_infinities: 0,
            positive_infinities: 0,
            nans: 0,
            finite: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            sum: CompensatedSum::default(),
        }
    }
}

impl UddSketch {
    /// Adds one value.
    #[inline]
    pub fn add(&mut self, x: f64) {
        if !x.is_finite() {
            self.add_special(x);
            return;
        }
        self.finite += 1;
        self.min = self.min.min(x);
        self.max = self.max.max(x);
        self.sum.add(x);
        if x > 0.0 {
            self.positive.add(index_of(x, self.collapses), 1);
        } else if x < 0.0 {
            self.negative.add(index_of(-x, self.collapses), 1);
        } else {
            self.zeros += 1;
        }
        if self.buckets() > MAX_BUCKETS {
            self.collapse_to(self.collapses + 1);
        }
    }

    #[cold]
    fn add_special(&mut self, x: f64) {
        let count = match x {
            x if x.is_nan() => &mut self.nans,
            x if x > 0.0 => &mut self.positive_infinities,
            _ => &mut self.negative_infinities,
        };
        *count += 1;
    }

    /// The number of values, NaN and infinities included.
    pub fn num_vals(&self) -> u64 {
        [
            self.finite,
            self.negative_infinities,
            self.positive_infinities,
            self.nans,
        ]
        .iter()
        .fold(0, |total: u64, count| total.saturating_add(*count))
        .min(MAX_COUNT)
    }

    /// The largest relative error that a percentile can have: tanh(0.001 · 2^collapses).
    pub fn error(&self) -> f64 {
        (self.log_ratio() / 2.0).tanh()
    }

    /// The number of occupied buckets.
    fn buckets(&self) -> usize {
        self.negative.len() + self.positive.len()
    }

    fn log_ratio(&self) -> f64 {
        LOG_RATIO * f64::from(1u32 << self.collapses)
    }

    fn collapse_to(&mut self, collapses: u8) {
        let levels = collapses.saturating_sub(self.collapses);
        if levels > 0 {
            self.negative = self.negative.collapsed(levels);
            self.positive = self.positive.collapsed(levels);
            self.collapses = collapses;
        }
    }
}

/// The bucket of a positive finite value: (γ^(index - 1), γ^index], where γ has been squared `collapses` times. Always from
/// the finest index, so that it does not matter whether a value came before or after a collapse.
#[inline]
fn index_of(x: f64, collapses: u8) -> Index {
    collapse((x.ln() * (1.0 / LOG_RATIO)).ceil() as Index, collapses)
}

impl State for UddSketch {
    const TYPE_NAME: &'static str = "kpi.uddsketch";

    fn merge(&mut self, other: &Self) {
        let collapses = self.collapses.max(other.collapses);
        self.collapse_to(collapses);
        let levels = collapses - other.collapses;
        for (ours, theirs) in [
            (&mut self.negative, &other.negative),
            (&mut self.positive, &other.positive),
        ] {
            theirs
                .iter()
                .for_each(|(index, count)| ours.add(collapse(index, levels), count));
        }
        while self.buckets() > MAX_BUCKETS {
            self.collapse_to(self.collapses + 1);
        }
        for (ours, theirs) in [
            (&mut self.zeros, other.zeros),
            (&mut self.negative_infinities, other.negative_infinities),
            (&mut self.positive_infinities, other.positive_infinities),
            (&mut self.nans, other.nans),
            (&mut self.finite, other.finite),
        ] {
            *ours = ours.saturating_add(theirs).min(MAX_COUNT);
        }
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum.merge(&other.sum);
    }

    fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    fn decode(bytes: &[u8]) -> Result<Self, crate::Error> {
        codec::decode(bytes)
    }
}
