//! `uddsketch`: percentiles with a bounded relative error, from logarithmic buckets.

mod buckets;
mod codec;
mod gathering;
mod quantile;
mod weighted;

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use self::buckets::{Buckets, Index, collapse};
pub use self::gathering::GatheringSketch;
use crate::moments::MAX_COUNT;
use crate::summation::CompensatedSum;
use crate::{Error, State};

/// The logarithm of the ratio between the bounds of a bucket that was never collapsed.
const LOG_RATIO: f64 = 0.002;

/// Unless it is told otherwise, a sketch has at most so many occupied buckets, of both signs together.
const DEFAULT_SIZE: u32 = 8192;

/// The sizes that can be asked for: after [`MAX_COLLAPSES`] no more than 12 buckets can be occupied.
const SIZES: RangeInclusive<u32> = 16..=65_536;

/// After so many collapses all doubles share at most six buckets of each sign.
const MAX_COLLAPSES: u8 = 17;

/// A sketch of the distribution of doubles: each value falls into a bucket whose bounds have the ratio γ = e^0.002, so any
/// value that a percentile can return is known with a relative error of at most tanh(0.001) < 0.1%.
///
/// When more than 8192 buckets are occupied, all pairs of neighbours are united and γ is squared, which about doubles the
/// error (UDDSketch: Epicoco, Melle, Cafaro, Pulimeno and Morleo, "UDDSketch: Accurate Tracking of Quantiles in Data
/// Streams", 2020; the buckets are those of DDSketch: Masson, Rim and Lee, 2019). The level of collapsing depends only on the
/// set of values, so a merge of parts has the very buckets of the whole. Values spread over seven decimal orders of
/// magnitude do not collapse. [`UddSketch::with_size`] makes smaller ones, which start with wider buckets.
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
// What every value touches comes first: of many sketches at once it costs two lines of the cache, not four.
#[repr(C)]
pub struct UddSketch {
    positive: Buckets,
    /// The number of finite values.
    finite: u64,
    /// The extremes and the sum of the finite values; the extremes are the neutral infinities without any.
    min: f64,
    max: f64,
    sum: CompensatedSum,
    /// Collapsing keeps at most so many occupied buckets.
    size: u32,
    collapses: u8,
    /// How often buckets are collapsed from the start.
    base: u8,
    negative: Buckets,
    zeros: u64,
    negative_infinities: u64,
    positive_infinities: u64,
    nans: u64,
}

impl Default for UddSketch {
    fn default() -> Self {
        Self {
            size: DEFAULT_SIZE,
            base: 0,
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
    /// An empty sketch with at most `size` buckets and, while they suffice, a relative error of at most `error`: the largest
    /// that a sketch can start with, tanh(0.001 · 2^k), is taken. Values that need more buckets make the error grow, by
    /// about a factor of two each time; [`UddSketch::error`] tells it.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `size` is between 16 and 65536 and `error` from 0.001 to less than 1.
    ///
    /// ```
    /// use kpi_stats::UddSketch;
    /// let mut sketch = UddSketch::with_size(200, 0.01).unwrap();
    /// assert!(sketch.error() <= 0.01);
    /// (1..=100).for_each(|x| sketch.add(f64::from(x)));
    /// let median = sketch.approx_percentile(0.5).unwrap().unwrap();
    /// assert!((median - 50.5).abs() <= 50.5 * sketch.error());
    /// ```
    pub fn with_size(size: i64, error: f64) -> Result<Self, Error> {
        let known = u32::try_from(size).ok().filter(|size| SIZES.contains(size));
        let Some(size) = known else {
            return Err(Error::argument(
                "a sketch has between 16 and 65536 buckets",
                size,
                "Use 200: values of one order of magnitude are then known within 1%, and percentile_agg has 8192.",
            ));
        };
        if !(0.001..1.0).contains(&error) {
            return Err(Error::argument(
                "the relative error of a sketch must be at least 0.001 and below 1",
                error,
                "Write one percent as 0.01, or use percentile_agg(x), whose error is 0.001.",
            ));
        }
        let starts = |base: &u8| error_after(*base) <= error;
        let base = (0..=MAX_COLLAPSES).take_while(starts).last().unwrap_or(0);
        Ok(Self {
            size,
            base,
            collapses: base,
            ..Self::default()
        })
    }

    /// Says whether [`UddSketch::with_size`] makes this sketch, before any value, from this size and this error.
    #[inline]
    pub fn is_made_with(&self, size: i64, error: f64) -> bool {
        i64::from(self.size) == size
            && error_after(self.base) <= error
            && (error < error_after(self.base + 1) || self.base == MAX_COLLAPSES)
            && error < 1.0
    }

    /// The most buckets that are occupied.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// The relative error that a sketch starts with.
    pub fn initial_error(&self) -> f64 {
        error_after(self.base)
    }

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
        let new = if x > 0.0 {
            self.positive.add_one(index_of(x, self.collapses))
        } else if x < 0.0 {
            self.negative.add_one(index_of(-x, self.collapses))
        } else {
            self.zeros += 1;
            false
        };
        if new {
            self.settle();
        }
    }

    /// Collapses until there are no more buckets than there may be.
    fn settle(&mut self) {
        while self.buckets() > self.size as usize && self.collapses < MAX_COLLAPSES {
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
        error_after(self.collapses)
    }

    /// The number of occupied buckets.
    fn buckets(&self) -> usize {
        self.negative.len() + self.positive.len()
    }

    fn log_ratio(&self) -> f64 {
        log_ratio(self.collapses)
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

/// The logarithm of the ratio between the bounds of a bucket that was collapsed so often.
fn log_ratio(collapses: u8) -> f64 {
    LOG_RATIO * f64::from(1u32 << collapses)
}

/// The largest relative error of the middle of such a bucket.
fn error_after(collapses: u8) -> f64 {
    static ERRORS: LazyLock<Vec<f64>> = LazyLock::new(|| {
        let error = |collapses| (log_ratio(collapses) / 2.0).tanh();
        (0..=MAX_COLLAPSES).map(error).collect()
    });
    ERRORS.get(usize::from(collapses)).copied().unwrap_or(1.0)
}

/// The bucket of a positive finite value: (γ^(index - 1), γ^index], where γ has been squared `collapses` times. Always from
/// the finest index, so that it does not matter whether a value came before or after a collapse.
#[inline]
fn index_of(x: f64, collapses: u8) -> Index {
    let position = x.ln() * (1.0 / LOG_RATIO);
    // Rounded up by hand: `ceil` is a call where the processor may be one without an instruction for it.
    let truncated = position as Index;
    collapse(
        truncated + Index::from(position > f64::from(truncated)),
        collapses,
    )
}

impl State for UddSketch {
    const TYPE_NAME: &'static str = "kpi.uddsketch";

    /// Sketches of different sizes and errors can be merged: the smaller size and the larger error hold for the whole, so
    /// that any order of merging gives the same.
    fn merge(&mut self, other: &Self) {
        self.size = self.size.min(other.size);
        self.base = self.base.max(other.base);
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
        self.settle();
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
