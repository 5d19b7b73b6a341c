//! Names of the channels on which changes are announced.

use pgrx::prelude::*;

use crate::error::{Error, required};

/// The channel for all changes.
pub const ALL: &str = "kpi.updates";
/// What a channel's name can hold.
const ROOM: usize = 63;

/// The channel of a KPI and period: `kpi.updates.<code>.<period>`. Capitals become small; every other byte outside
/// `[a-z0-9_.-]` becomes `%` and two hexadecimal digits. A name that would be too long is cut, and a hash of the whole
/// code tells it from its like.
pub fn channel(code: &str, period: &str) -> String {
    let mut encoded = String::new();
    for byte in code.bytes() {
        match byte.to_ascii_lowercase() {
            plain @ (b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-') => encoded.push(char::from(plain)),
            other => encoded.push_str(&format!("%{other:02x}")),
        }
    }
    let room = ROOM - ALL.len() - period.len() - 2;
    if encoded.len() > room {
        let hash = fnv1a(code.as_bytes());
        encoded.truncate(room - 17);
        encoded.push_str(&format!("~{hash:016x}"));
    }
    format!("{ALL}.{encoded}.{period}")
}

/// 64 bits of FNV-1a: the offset basis and prime of its authors, Fowler, Noll and Vo.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A period that is materialised, and so can be streamed.
pub fn streamed_period(text: &str) -> Result<kpi_catalog::Period, Error> {
    use kpi_catalog::Period::{Day, Hour, Minute};
    let period = kpi_catalog::period(text)?;
    if matches!(period, Minute | Hour | Day) {
        return Ok(period);
    }
    Err(Error::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        format!("changes by {} are not published", period.as_str()),
    )
    .detail("Weeks, months, quarters and years are merged from days when they are read.")
    .hint("Use minute, hour or day."))
}

/// `kpi.channel(code, period)`.
#[pg_extern(sql = false)]
fn channel_of(code: Option<&str>, period: Option<&str>) -> Result<String, pgrx::pg_sys::panic::ErrorReport> {
    let period = streamed_period(required(period, "period")?)?;
    Ok(channel(required(code, "code")?, period.as_str()))
}

#[cfg(test)]
mod tests {
    use super::channel;

    #[test]
    fn names() {
        assert_eq!(channel("late_rate", "day"), "kpi.updates.late_rate.day");
        assert_eq!(channel("Late rate", "day"), "kpi.updates.late%20rate.day");
        assert_eq!(channel("é", "hour"), "kpi.updates.%c3%a9.hour");
        let long = channel(&"x".repeat(100), "minute");
        assert_eq!(long.len(), 63);
        assert_ne!(long, channel(&"x".repeat(101), "minute"));
    }
}
