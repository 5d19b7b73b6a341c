//! The catalog: sources and KPIs.

pub mod kpi;
pub mod lookup;
pub mod prepare;
pub mod source;
pub mod status;
pub mod view;
