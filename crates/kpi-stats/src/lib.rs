//! States of two-step aggregates: small values that merge in any order and any split, and accessors that read them.
//!
//! | state | what it holds | merging |
//! |---|---|---|
//! | [`Stats1d`] | count, sum and central moments of one variable | equal to the whole up to rounding |
//! | [`Stats2d`] | the same of two variables, and their co-moment | equal to the whole up to rounding |
//! | [`UddSketch`] | logarithmic buckets for percentiles with a bounded relative error | equal to the whole, bit for bit, in its buckets |
//! | [`HyperLogLog`] | registers for an approximate count of distinct values | equal to the whole, bit for bit |
//! | [`Histogram`] | counts in equally wide buckets | equal to the whole |
//!
//! Every state is a [`State`]: it has versioned, checksummed bytes and a text form that reads back.
#![forbid(unsafe_code)]

mod bits;
mod checksum;
mod error;
mod frame;
mod histogram;
mod hyperloglog;
mod method;
mod moments;
mod stats1d;
mod stats2d;
mod summation;
mod text;
mod uddsketch;

pub use error::Error;
pub use histogram::Histogram;
pub use hyperloglog::HyperLogLog;
pub use method::Method;
pub use moments::Moments;
pub use stats1d::Stats1d;
pub use stats2d::Stats2d;
pub use uddsketch::UddSketch;

/// A mergeable aggregate state with bytes and a text form of its own.
///
/// ```
/// use kpi_stats::{State, Stats1d};
/// let mut left = Stats1d::default();
/// left.add(1.0);
/// let mut right = Stats1d::default();
/// right.add(3.0);
/// left.merge(&right);
/// assert_eq!(left.average().unwrap(), Some(2.0));
/// assert_eq!(Stats1d::decode(&left.encode()).unwrap(), left);
/// assert_eq!(Stats1d::from_text(&left.to_text()).unwrap(), left);
/// ```
pub trait State: Clone + Sized + 'static {
    /// The name of the state's SQL type, for error messages.
    const TYPE_NAME: &'static str;

    /// Folds `other` into `self`: the result is the state of both inputs together.
    fn merge(&mut self, other: &Self);

    /// The versioned, checksummed bytes of the state.
    fn encode(&self) -> Vec<u8>;

    /// Reads bytes that [`State::encode`] wrote.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for anything else: truncated, altered, of another type or of a newer version. Never panics, and
    /// never allocates more than a valid state can need.
    fn decode(bytes: &[u8]) -> Result<Self, Error>;

    /// The text form: a JSON object for states that a person can read, else the bytes in hexadecimal after `\x`.
    fn to_text(&self) -> String {
        text::to_hex(&self.encode())
    }

    /// Reads what [`State::to_text`] wrote.
    ///
    /// # Errors
    /// [`Error::Text`] with the position (in characters, from 1) of what cannot be read, [`Error::Corrupt`] as for bytes.
    fn from_text(text: &str) -> Result<Self, Error> {
        Self::decode(&text::from_hex(Self::TYPE_NAME, text)?)
    }
}
