//! The catalog: sources and KPIs.

mod compile;
pub mod kpi;
pub mod lookup;
pub mod prepare;
mod relation;
pub mod source;
pub mod status;
pub mod view;
