//! pg_kpi: the glue between PostgreSQL and the pure crates of this workspace.
#![allow(missing_docs)]

mod anomaly;
mod error;
mod forecast;
mod series;

::pgrx::pg_module_magic!();
