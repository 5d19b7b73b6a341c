//! States of two-step aggregates: small values that merge in any order and any split, and accessors that read them.
//!
//! | state | what it holds | merging |
//! |---|---|---|
//! | [`Stats1d`] | count, sum and central moments of one variable | equal to the whole up to rounding |
//! | [`Stats2d`] | the same of two variables, and their co-moment | equal to the whole up to rounding |
//! | [`UddSketch`] | logarithmic buckets for percentiles with a bounded relative error | equal to the whole, bit for bit, in its buckets |
//! | [`HyperLogLog`] | registers for an approximate count of distinct values | equal to the whole, bit for bit |
//! | [`Histogram`] | counts in equally wide buckets | equal to the whole |
//! | [`CounterAgg`], [`GaugeAgg`] | first and last readings, resets, least squares over time | equal to the whole, in any order |
//! | [`TimeWeight`] | the area below values over time | equal to the whole, in any order |
//! | [`Candlestick`] | open, high, low and close, volume | equal to the whole, in any order |
//! | [`StateAgg`], [`CompactStateAgg`] | how long a system was in which state | equal to the whole, in any order |
//! | [`HeartbeatAgg`] | the ranges of time in which a system was live | equal to the whole, in any order |
//! | [`TDigest`] | centroids for percentiles that are most exact at both ends | within the error in rank that it states |
//! | [`Frequent`] | counters of the most frequent values | bounds hold for the whole |
//! | [`Extremes`] | the n smallest or largest values, with data | equal to the whole |
//!
//! and of KPIs:
//!
//! | state | what it holds | merging |
//! |---|---|---|
//! | [`Ratio`] | sums of numerators and denominators | equal to the whole up to rounding |
//! | [`Apdex`] | requests that were fast, tolerable and slow | equal to the whole |
//! | [`Nps`] | promoters, passives and detractors | equal to the whole |
//! | [`ForecastError`] | sums of errors, absolute, squared and relative ones | equal to the whole up to rounding |
//! | [`Ewma`] | exponentially weighted sums at the latest time | equal to the whole up to rounding |
//! | [`Slo`] | good and all events in at most 10080 buckets of time | equal to the whole |
//! | [`Trend`] | up to 1024 points, a random sample of more | equal to the whole |
//! | [`Gini`] | up to 2048 distinct values, a sketch of more | equal to the whole |
//! | [`Funnel`] | times of each step of up to all actors | equal to the whole |
//! | [`Retention`] | periods in which each of up to all actors was seen | equal to the whole |
//!
//! Every state is a [`State`]: it has versioned, checksummed bytes and a text form that reads back. Each is of
//! bounded size.
//! Times are microseconds since 2000-01-01, as PostgreSQL counts them. Its infinities are for the caller to refuse, except
//! where an `add` returns a `Result`.
//!
//! [`ExplicitHistogram`] reads percentiles from a histogram that something else has counted.
#![forbid(unsafe_code)]

mod candlestick;
mod counter;
mod heartbeat;
mod ordered;
mod states;
mod time_range;
mod time_weight;

mod bits;
mod checksum;
mod error;
pub mod frame;
mod histogram;
mod hyperloglog;
mod interval;
mod method;
mod moments;
mod moving;
mod stats1d;
mod stats2d;
mod summation;
mod text;
mod uddsketch;

pub use candlestick::Candlestick;
pub use counter::{CounterAgg, Extrapolation, GaugeAgg, MetricAgg};
pub use heartbeat::HeartbeatAgg;
pub use states::{CompactStateAgg, StateAgg, StatePeriod, StateTracker, StateValue};
pub use time_range::TimeRange;
pub use time_weight::{TimeUnit, TimeWeight, Weighting};
// States of KPIs, and of frequent and extreme values.
mod actors;
mod apdex;
mod ewma;
mod explicit_histogram;
mod extremes;
mod forecast_error;
mod frequent;
mod funnel;
mod gini;
mod normal;
mod nps;
mod ratio;
mod retention;
mod slo;
mod tdigest;
mod total;
mod trend;

pub use apdex::Apdex;
pub use ewma::Ewma;
pub use explicit_histogram::ExplicitHistogram;
pub use extremes::{By, Element, End, Extremes, Float};
pub use forecast_error::ForecastError;
pub use frequent::{Frequent, FrequentItem};
pub use funnel::Funnel;
pub use gini::Gini;
pub use nps::Nps;
pub use ratio::{Ratio, TargetTest, Verdict};
pub use retention::{Cohort, Period, Retention};
pub use slo::{Alert, AlertRule, Events, Severity, Slo};
pub use tdigest::TDigest;
pub use trend::{MannKendall, Trend};

pub use error::{Error, in_order};
pub use histogram::Histogram;
pub use hyperloglog::{HyperLogLog, Intersection};
pub use interval::interval_text;
pub use method::Method;
pub use moments::Moments;
pub use moving::{MovingStats1d, MovingStats2d};
pub use stats1d::Stats1d;
pub use stats2d::Stats2d;
pub use uddsketch::{GatheringSketch, UddSketch};

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

    /// The same with a state that nobody needs any more: large ones are not copied.
    ///
    /// ```
    /// use kpi_stats::{CounterAgg, State};
    /// let (mut both, mut later) = (CounterAgg::default(), CounterAgg::default());
    /// both.add(0, 5.0).unwrap();
    /// later.add(60_000_000, 8.0).unwrap();
    /// both.absorb(later);
    /// assert_eq!(both.delta().unwrap(), Some(3.0));
    /// ```
    fn absorb(&mut self, other: Self) {
        self.merge(&other);
    }

    /// Says whether merging makes sense: states with settings, such as a threshold or a window, need the same ones.
    ///
    /// # Errors
    /// [`Error::Different`] with the settings of both.
    ///
    /// ```
    /// use kpi_stats::{Apdex, State};
    /// let error = Apdex::new(0.5).unwrap().check_merge(&Apdex::new(2.0).unwrap()).unwrap_err();
    /// assert_eq!(error.to_string(), "Apdex states of different thresholds cannot be merged");
    /// assert_eq!(error.detail().unwrap(), "One has a threshold of 0.5, the other a threshold of 2.");
    /// ```
    fn check_merge(&self, other: &Self) -> Result<(), Error> {
        let _ = other;
        Ok(())
    }

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
