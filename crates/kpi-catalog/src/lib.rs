//! From the texts that people type to SQL that can be stored, merged and trusted.
//!
//! A KPI is a formula over mergeable states: `sum(late)::float8 / count(*)` is kept as a sum and a count, never as a
//! ratio, so every coarser period and every subset of dimensions is exact. This crate parses formulas
//! ([`compile`], [`compile_derived`]), dimensions ([`dimension`]), filters ([`filter`]) and periods ([`period`]), and
//! refuses by name whatever cannot be merged or might act on the database.
//!
//! ```
//! use kpi_catalog::{Context, compile};
//! let columns = ["amount".to_owned(), "status".to_owned()];
//! let context = Context { columns: &columns, is_aggregate: &|_| false, approximate: false };
//! let formula = compile("avg(amount) FILTER (WHERE status = 'paid')", &context).unwrap();
//! let partials: Vec<&str> = formula.states.iter().map(|state| state.partial.as_str()).collect();
//! assert_eq!(
//!     partials,
//!     ["sum(amount) FILTER (WHERE status = 'paid')", "count(amount) FILTER (WHERE status = 'paid')"]
//! );
//! assert_eq!(formula.value.render(&|i| format!("s{i}")), "((s0) * 1.0 / nullif((s1), 0))");
//! ```
#![forbid(unsafe_code)]

mod advice;
mod aggregate;
mod data_type;
mod derived;
mod dimension;
mod error;
mod filter;
mod formula;
mod function;
mod identifier;
mod literal;
mod operator;
mod parse;
mod period;
mod rename;
mod sides;
mod target;
mod template;
mod time;
mod write;

pub use derived::{Derived, compile_derived, is_derived};
pub use dimension::{Dimension, dimension};
pub use error::{Error, Kind};
pub use filter::{Filter, filter};
pub use formula::{Context, Formula, Merge, State, compile};
pub use period::{Period, period};
pub use rename::rename_column;
pub use sides::{Sides, sides};
pub use target::{Direction, Status, status};
pub use template::Template;
