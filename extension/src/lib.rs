//! pg_kpi: the glue between PostgreSQL and the pure crates of this workspace.
#![allow(missing_docs)]

mod aggregates;
mod error;

::pgrx::pg_module_magic!();
