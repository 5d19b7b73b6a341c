//! `tdigest`: the state of `tdigest(n, x)`, percentiles that are most exact at both ends.

mod centroids;
mod quantile;

use std::borrow::Cow;

use self::centroids::{Centroid, compress};
use crate::frame::{Kind, Reader, Writer};
use crate::moments::MAX_COUNT;
use crate::total::Total;
use crate::{Error, State};

/// How many values wait, per centroid, before they are merged in.
const BUFFERED: usize = 8;

/// A merging t-digest with at most n centroids (T. Dunning and O. Ertl, "Computing Extremely Accurate Quantiles Using
/// t-Digests", arXiv:1902.04023, 2019), with the scale function `k(q) = n / 2π · asin(2q - 1)`: a centroid at the fraction q
/// stands for a share of at most `2π / n · √(q(1 - q))` of the values, give or take the curve of k, so the rank of a
/// percentile is known best at the ends.
///
/// Up to about n / 2 values everything is exact. Merging sorts the centroids of both and unites neighbours, which has no random
/// element: the same states merged in the same order give the same bytes. In any order and split the rank of a percentile is off
/// by no more than the share of one centroid; of three, where few values are there many times each, since a centroid may
/// then stand for several of them. The error in rank, not in value, is bounded: see [`UddSketch`](crate::UddSketch) for the
/// other kind.
///
/// NaN and infinities are counted apart, and take their places in PostgreSQL's order.
///
/// ```
/// use kpi_stats::TDigest;
/// let mut digest = TDigest::new(100).unwrap();
/// (1..=10_000).for_each(|x| digest.add(f64::from(x)));
/// let p99 = digest.approx_percentile(0.99).unwrap().unwrap();
/// assert!((p99 - 9900.01).abs() < 10.0);
/// assert_eq!(digest.mean().unwrap(), Some(5000.5));
/// assert_eq!((digest.min_val(), digest.max_val()), (Some(1.0), Some(10_000.0)));
/// ```
#[derive(Debug, Clone)]
pub struct TDigest {
    n: u16,
    /// In order of their means.
    centroids: Vec<Centroid>,
    /// Finite values that no centroid has yet.
    buffer: Vec<f64>,
    /// How many values are finite.
    finite: u64,
    negative_infinities: u64,
    positive_infinities: u64,
    nans: u64,
    /// The extremes of the finite values; the neutral infinities without any.
    min: f64,
    max: f64,
    /// The sum of all values.
    sum: Total,
}

impl TDigest {
    /// An empty digest of at most `n` centroids; 100 is a common choice.
    ///
    /// # Errors
    /// [`Error::Argument`] unless `n` is between 10 and 10000.
    pub fn new(n: i64) -> Result<Self, Error> {
        match u16::try_from(n) {
            Ok(n @ 10..=10_000) => Ok(Self {
                n,
                centroids: Vec::new(),
                buffer: Vec::new(),
                finite: 0,
                negative_infinities: 0,
                positive_infinities: 0,
                nans: 0,
                min: f64::INFINITY,
                max: f64::NEG_INFINITY,
                sum: Total::default(),
            }),
            _ => Err(Error::argument(
                "a t-digest has between 10 and 10000 buckets",
                n,
                "Use 100: percentiles are then off by at most about 3% in rank in the middle, and far less at the ends.",
            )),
        }
    }

    /// The most centroids.
    pub fn capacity(&self) -> u16 {
        self.n
    }

    /// Adds one value.
    #[inline]
    pub fn add(&mut self, x: f64) {
        self.sum.add(x);
        if x.is_finite() {
            self.finite += 1;
            self.min = self.min.min(x);
            self.max = self.max.max(x);
            self.buffer.push(x);
            if self.buffer.len() >= BUFFERED * usize::from(self.n) {
                self.flush();
            }
        } else {
            let count = match x {
                x if x.is_nan() => &mut self.nans,
                x if x > 0.0 => &mut self.positive_infinities,
                _ => &mut self.negative_infinities,
            };
            *count += 1;
        }
    }

    fn flush(&mut self) {
        if !self.buffer.is_empty() {
            self.centroids = self.compressed().into_owned();
            self.buffer.clear();
        }
    }

    /// The centroids with the waiting values merged in.
    fn compressed(&self) -> Cow<'_, [Centroid]> {
        if self.buffer.is_empty() {
            return Cow::Borrowed(&self.centroids);
        }
        let mut keys: Vec<i64> = self.buffer.iter().map(|x| key(*x)).collect();
        keys.sort_unstable();
        let singles = keys.iter().map(|key| Centroid {
            mean: value(*key),
            weight: 1,
        });
        let ours = self.centroids.iter().copied();
        Cow::Owned(compress(ours, singles, self.n, self.largest()))
    }

    /// How far from zero the finite values reach.
    fn largest(&self) -> f64 {
        self.min.abs().max(self.max.abs())
    }

    /// The number of values, NaN and infinities included.
    pub fn num_vals(&self) -> u64 {
        [self.negative_infinities, self.positive_infinities, self.nans]
            .iter()
            .fold(self.finite, |total, count| total.saturating_add(*count))
            .min(MAX_COUNT)
    }

    /// The mean; infinite or NaN as PostgreSQL's `avg`; `None` without values.
    ///
    /// # Errors
    /// [`Error::Overflow`] where finite values add up to more than a double holds.
    pub fn mean(&self) -> Result<Option<f64>, Error> {
        match self.num_vals() {
            0 => Ok(None),
            n => Ok(Some(self.sum.value("the sum")? / n as f64)),
        }
    }
}

/// A number that is in the order of the doubles, as [`f64::total_cmp`] has it: integers are sorted faster.
fn key(x: f64) -> i64 {
    let bits = x.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// The double of a [`key`].
fn value(key: i64) -> f64 {
    f64::from_bits((key ^ (((key >> 63) as u64) >> 1) as i64) as u64)
}

impl PartialEq for TDigest {
    fn eq(&self, other: &Self) -> bool {
        self.n == other.n
            && self.compressed() == other.compressed()
            && (self.finite, self.nans) == (other.finite, other.nans)
            && self.negative_infinities == other.negative_infinities
            && self.positive_infinities == other.positive_infinities
            && (self.min, self.max, self.sum) == (other.min, other.max, other.sum)
    }
}

impl State for TDigest {
    const TYPE_NAME: &'static str = "kpi.tdigest";

    /// Of two sizes the smaller one is kept, as it bounds what is known of both.
    fn merge(&mut self, other: &Self) {
        self.n = self.n.min(other.n);
        if other.finite > 0 {
            self.flush();
            self.min = self.min.min(other.min);
            self.max = self.max.max(other.max);
            let (ours, theirs) = (self.centroids.iter(), other.compressed());
            self.centroids = compress(ours.copied(), theirs.iter().copied(), self.n, self.largest());
        }
        for (ours, theirs) in [
            (&mut self.finite, other.finite),
            (&mut self.negative_infinities, other.negative_infinities),
            (&mut self.positive_infinities, other.positive_infinities),
            (&mut self.nans, other.nans),
        ] {
            *ours = ours.saturating_add(theirs).min(MAX_COUNT);
        }
        self.sum.merge(&other.sum);
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(Kind::TDigest);
        writer.varint(self.n.into());
        [self.negative_infinities, self.positive_infinities, self.nans]
            .iter()
            .for_each(|&count| writer.varint(count));
        self.sum.write(&mut writer);
        let centroids = self.compressed();
        writer.varint(centroids.len() as u64);
        if !centroids.is_empty() {
            writer.f64(self.min);
            writer.f64(self.max);
        }
        for centroid in centroids.iter() {
            writer.f64(centroid.mean);
            writer.varint(centroid.weight);
        }
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(Self::TYPE_NAME, Kind::TDigest, bytes)?;
        let n = reader.count()? as i64;
        let mut digest = Self::new(n).map_err(|_| reader.corrupt(format!("They claim {n} buckets.")))?;
        digest.negative_infinities = reader.count()?;
        digest.positive_infinities = reader.count()?;
        digest.nans = reader.count()?;
        digest.sum = Total::read(&mut reader)?;
        let items = reader.items(9, usize::from(digest.n) + 1)?;
        if items > 0 {
            digest.min = reader.f64()?;
            digest.max = reader.f64()?;
            if !(digest.min.is_finite() && digest.max.is_finite()) {
                return Err(reader.corrupt("Their extremes are not finite.".into()));
            }
        }
        let mut previous = digest.min;
        for _ in 0..items {
            let (mean, weight) = (reader.f64()?, reader.count()?);
            if weight == 0 || !(mean >= previous && mean <= digest.max) {
                return Err(reader.corrupt("Their values are not in order.".into()));
            }
            previous = mean;
            digest.finite = digest.finite.saturating_add(weight).min(MAX_COUNT);
            digest.centroids.push(Centroid { mean, weight });
        }
        reader.finish()?;
        Ok(digest)
    }
}
