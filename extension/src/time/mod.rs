//! The time helpers that users of TimescaleDB know: `time_bucket`, gap filling, `first`, `last` and `histogram`.

mod bookend;
mod bucket;
mod gapfill;
mod histogram;
pub mod server;
mod window;
mod zone;

pub use zone::Zone;

pgrx::extension_sql_file!("../../../sql/time.sql", name = "time");
