//! The pure part of capture and exact reads: which minutes were touched, and which level of a rollup may answer
//! which stretch of time.
//!
//! * [`TouchedMinutes`] is what a writer's backend remembers until it commits: a bounded set of minutes.
//! * [`Spans`] is a sorted, disjoint list of half-open stretches of time with the usual set operations.
//! * [`Coverage`] says, for a window and the touched part of it, which stretches are answered from days, which from
//!   hours, which from minutes and which from the raw rows, so that together they cover the window exactly once.
//!
//! All times are microseconds since 2000-01-01, as PostgreSQL stores them; `i64::MIN` and `i64::MAX` are its
//! `-infinity` and `infinity`.
#![forbid(unsafe_code)]

mod coverage;
mod spans;
mod touched;

pub use coverage::{Calendar, Coverage, Level};
pub use spans::{Span, Spans};
pub use touched::{MINUTE, MinuteRange, SECOND, TouchedMinutes};
