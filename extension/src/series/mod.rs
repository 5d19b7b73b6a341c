//! SQL type `kpi.series`: the type itself, the aggregate that makes it, and the functions that read it.

/// Declares the functions by which PostgreSQL learns that a C function uses calling convention version 1.
macro_rules! finfo_v1 {
    ($($name:ident),+ $(,)?) => {$(
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        pub extern "C" fn $name() -> &'static pgrx::pg_sys::Pg_finfo_record {
            const V1: pgrx::pg_sys::Pg_finfo_record = pgrx::pg_sys::Pg_finfo_record { api_version: 1 };
            &V1
        }
    )+};
}
use finfo_v1;

mod aggregate;
mod chart;
mod datum;
mod downsample;
mod functions;
mod input_output;
mod pipeline;
mod time_zone;

pub use datum::Series;
use pgrx::pg_sys;
pub use time_zone::{session_time_zone, time_zone};

pgrx::extension_sql_file!(
    "../../../sql/series.sql",
    name = "series",
    creates = [Type(Series)]
);

/// Makes the result of a call NULL.
fn return_null(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: PostgreSQL passes a frame that it owns.
    unsafe { (*fcinfo).isnull = true };
    pg_sys::Datum::null()
}
