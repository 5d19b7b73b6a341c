//! Streaming: the log of changes, who reads it, and how they are woken.
//!
//! A refresh compares the published values of the buckets that it recomputes before and after, and appends those that
//! differ to the log in its own transaction: numbers are given under a lock that lasts until the commit, so a number is
//! never seen before a smaller one, and there are no gaps. The same transaction notifies the listeners. Writers do
//! neither: they only wake the worker.

mod channel;
mod chosen;
mod log;
mod lookup;
mod materialised;
mod publish;
mod start;
mod subscriber;
mod upkeep;

pub use publish::Publication;
pub use upkeep::{UPKEEP, clean, failed, remove_lapsed, rotate, sources, succeeded};

pgrx::extension_sql_file!(
    "../../../sql/stream.sql",
    name = "stream",
    requires = ["catalog", "rollup", "jobs"]
);
