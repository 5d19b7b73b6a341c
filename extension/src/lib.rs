//! pg_kpi: the glue between PostgreSQL and the pure crates of this workspace.
#![allow(missing_docs)]

mod aggregates;
mod anomaly;
mod archive;
mod catalog;
mod error;
mod forecast;
mod guc;
mod identity;
mod installed;
mod jobs;
mod read_only;
mod rollup;
mod series;
mod spi;
mod stream;
mod time;
mod version;

// Where the code that #[pg_guard] makes of an extern block looks for it.
use pgrx::pg_sys::ffi;

::pgrx::pg_module_magic!();

/// Called by PostgreSQL when it loads the library.
#[pgrx::pg_guard]
pub extern "C-unwind" fn _PG_init() {
    guc::define();
    jobs::preload();
    archive::install_planner_hook();
    archive::install_utility_hook();
    kpi_series::interrupt::set(|| {
        pgrx::check_for_interrupts!();
    });
    kpi_archive::interrupt::set(archive::is_canceled);
}

pgrx::extension_sql_file!("../../sql/catalog.sql", name = "catalog", bootstrap);
pgrx::extension_sql_file!("../../sql/rollup.sql", name = "rollup", requires = ["catalog"]);
pgrx::extension_sql_file!(
    "../../sql/dependencies.sql",
    name = "dependencies",
    requires = ["rollup"]
);
pgrx::extension_sql_file!(
    "../../sql/scorecard.sql",
    name = "scorecard",
    requires = ["catalog", "rollup", "series"]
);
