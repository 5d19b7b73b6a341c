//! The time zone of the session, for what has to know when a day or a month starts.

use crate::error::Error;
use jiff::tz::{Offset, TimeZone};
use pgrx::prelude::*;
use std::ffi::CStr;

/// The zone that the setting `TimeZone` names.
///
/// Zone rules come from the time zone database that is compiled in, not from that of the server.
///
/// # Errors
/// 22023 when the zone is in the server's database only.
pub fn session_time_zone() -> Result<TimeZone, Error> {
    // SAFETY: the server sets session_timezone before it runs any function and never to null; its name is a C string
    // that lives as long as the zone.
    let (name, fixed) = unsafe {
        let zone = pg_sys::session_timezone;
        let mut offset = 0;
        let fixed = pg_sys::pg_get_timezone_offset(zone, &mut offset).then_some(offset);
        (
            CStr::from_ptr(pg_sys::pg_get_timezone_name(zone)).to_string_lossy(),
            fixed,
        )
    };
    if let Ok(zone) = TimeZone::get(&name) {
        return Ok(zone);
    }
    if let Some(offset) = fixed.and_then(|seconds| Offset::from_seconds(seconds as i32).ok()) {
        return Ok(TimeZone::fixed(offset));
    }
    TimeZone::posix(&name).map_err(|_| {
        Error::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "time zone of the session is not known here",
        )
        .detail(format!("TimeZone is {name}"))
        .hint("name a zone of the IANA database, for example SET TimeZone = 'Europe/Berlin'")
    })
}

/// The zone of this name, that of the session when there is none.
///
/// # Errors
/// 22023 when the name is not known here.
pub fn time_zone(name: Option<&str>) -> Result<TimeZone, Error> {
    let Some(name) = name else {
        return session_time_zone();
    };
    TimeZone::get(name)
        .or_else(|_| TimeZone::posix(name))
        .map_err(|_| {
            Error::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                "time zone is not known here",
            )
            .detail(format!("time zone is {name}"))
            .hint("name a zone of the IANA database, for example 'Europe/Berlin'")
        })
}
