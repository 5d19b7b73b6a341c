//! Two-step aggregates: an aggregate makes a state, `rollup` merges states, accessors read them.
//!
//! All SQL is hand-written in `sql/aggregates.sql`; the functions here are its C symbols. What a family needs is three
//! things: a [`kpi_stats::State`], a line per function below, and its statements in that file.

pub(crate) mod call;
mod distinct;
mod hash;
mod percentile;
mod stats;
pub(crate) mod transition;
mod value;

pgrx::extension_sql_file!("../../../sql/aggregates.sql", name = "aggregates");
