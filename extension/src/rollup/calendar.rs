//! Bucket starts, computed by the server itself so that they are what `date_trunc` says.

use kpi_catalog::Period;
use kpi_rollup::Calendar;
use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::catalog::lookup::TimeType;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
/// What PostgreSQL's timestamps can hold: from here, and to before there.
const FIRST: i64 = -211_813_488_000_000_000;
const END: i64 = 9_223_371_331_200_000_000;

/// The calendar of a source: its zone for timestamptz, none for timestamp and date.
pub struct SourceCalendar {
    zone: Option<String>,
}

impl SourceCalendar {
    /// For a source's time type and zone.
    pub fn new(time_type: TimeType, zone: &str) -> Self {
        let zoned = time_type == TimeType::Timestamptz && !is_utc(zone);
        Self {
            zone: zoned.then(|| zone.to_string()),
        }
    }

    /// Start of the period that holds `t`.
    pub fn start(&self, period: Period, t: i64) -> i64 {
        if !(FIRST..END).contains(&t) {
            return t;
        }
        match (period, &self.zone) {
            (Period::Minute, _) => t.div_euclid(kpi_rollup::MINUTE) * kpi_rollup::MINUTE,
            (Period::Hour, None) => t.div_euclid(HOUR) * HOUR,
            (Period::Day, None) => t.div_euclid(DAY) * DAY,
            (_, zone) => truncate(period.as_str(), t, zone.as_deref()),
        }
    }

    /// Start of the period after the one that holds `t`.
    pub fn next(&self, period: Period, t: i64) -> i64 {
        if t == i64::MIN || t == i64::MAX {
            return t;
        }
        // Far enough into the next period for every length that a period can have, and not past its end.
        let step = match period {
            Period::Minute => return self.start(period, t) + kpi_rollup::MINUTE,
            Period::Hour => return self.start(period, t) + HOUR,
            Period::Day => 26 * HOUR,
            Period::Week => 8 * DAY,
            Period::Month => 33 * DAY,
            Period::Quarter => 95 * DAY,
            Period::Year => 370 * DAY,
        };
        match self.start(period, t).saturating_add(step) {
            // The last period that there is has no end.
            beyond if beyond >= END => i64::MAX,
            inside => self.start(period, inside),
        }
    }

    /// The first start of a period that is not before `t`: buckets are chosen by their start.
    pub fn first_start(&self, period: Period, t: i64) -> i64 {
        let start = self.start(period, t);
        if start >= t {
            return start;
        }
        // In an irregular hour a bucket's label and its first instant differ; it is the label that is asked for.
        let mut first = self.next(period, t);
        while first < END && self.start(period, first) < t {
            first = self.next(period, first);
        }
        first
    }
}

impl Calendar for SourceCalendar {
    fn hour(&self, t: i64) -> i64 {
        self.start(Period::Hour, t)
    }
    fn day(&self, t: i64) -> i64 {
        self.start(Period::Day, t)
    }
    fn next_day(&self, t: i64) -> i64 {
        self.next(Period::Day, t)
    }
}

/// Whether a zone name means UTC: there arithmetic replaces the zone tables.
pub fn is_utc(zone: &str) -> bool {
    [
        "utc",
        "etc/utc",
        "gmt",
        "etc/gmt",
        "zulu",
        "etc/zulu",
        "uct",
        "etc/uct",
        "universal",
        "etc/universal",
    ]
    .contains(&zone.to_ascii_lowercase().as_str())
}

fn truncate(unit: &str, t: i64, zone: Option<&str>) -> i64 {
    // SAFETY: date_trunc of the server with arguments of the types it declares; it returns a timestamp.
    let datum = unsafe {
        match zone {
            Some(zone) => pgrx::direct_function_call_as_datum(
                pg_sys::timestamptz_trunc_zone,
                &[unit.into_datum(), Some(pg_sys::Datum::from(t)), zone.into_datum()],
            ),
            None => pgrx::direct_function_call_as_datum(
                pg_sys::timestamp_trunc,
                &[unit.into_datum(), Some(pg_sys::Datum::from(t))],
            ),
        }
    };
    datum.map_or(t, |d| d.value() as i64)
}
