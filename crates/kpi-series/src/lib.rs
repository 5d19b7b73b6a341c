//! A time series as one value: points in time order with their gaps, and what can be done with it.
//!
//! Times are microseconds since 2000-01-01 00:00 UTC, as in PostgreSQL's `timestamptz`.
#![forbid(unsafe_code)]

mod bucket;
mod builder;
mod calendar;
mod chart;
mod codec;
mod downsample;
mod error;
mod frequency;
mod gaps;
pub mod interpolation;
pub mod interrupt;
mod lambda;
mod order;
mod pipeline;
mod regularize;
mod series;
mod sparkline;
mod step;
mod text;
pub mod timestamp;

pub use bucket::{Buckets, Shift, Width, bucket_integer};
pub use builder::Builder;
pub use chart::{Chart, ForecastPoint};
pub use codec::{HEADER_BYTES, Header};
pub use downsample::Downsampler;
pub use error::Error;
pub use pipeline::{Arithmetic, FillMethod};
pub use regularize::Fill;
pub use series::Series;
pub use step::Step;

/// Most points that one series holds.
pub const MAX_POINTS: usize = 10_000_000;
