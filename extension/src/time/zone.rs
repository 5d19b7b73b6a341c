//! Wall-clock time of a named zone, as the server's own `AT TIME ZONE` has it.
//!
//! A bucket of a zone takes two conversions a row. The server's functions look the zone up by name each time; here a zone
//! keeps the stretch of time around the last row in which its clock was not changed, where both are a subtraction.

use std::ffi::CString;

use kpi_series::timestamp::{DAY, SECOND};
use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::error::Error;

/// Seconds from 1970-01-01 to 2000-01-01 UTC.
const EPOCH_SECONDS: i64 = 946_684_800;
/// How far back from a time the clock's changes are looked at: more than the usual bucket is long.
const BEHIND: i64 = 400 * DAY;
/// Further than any change of a clock reaches.
const MARGIN: i64 = 2 * DAY;

/// A zone by its name, and how its clock stands around the time that was asked for last.
pub struct Zone {
    name: Vec<u8>,
    /// The name as a text of PostgreSQL.
    text: Box<[u32]>,
    rules: *mut pg_sys::pg_tz,
    /// What the clock shows is `offset` more than the time, for times from `since` to before `until`.
    offset: i64,
    since: i64,
    until: i64,
}

impl Zone {
    /// The zone of this name.
    ///
    /// # Errors
    /// 22023 when the server knows no such zone.
    pub fn new(name: &[u8]) -> Result<Self, Error> {
        let text = text(name);
        let known = PgTryBuilder::new(|| Some(clock(&text, 0)))
            .catch_when(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, |_| None)
            .execute();
        if known.is_none() {
            return Err(Error::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                "time zone is not known",
            )
            .detail(format!("The time zone is \"{}\".", String::from_utf8_lossy(name)))
            .hint("Name a zone such as 'Europe/Berlin'; SELECT name FROM pg_timezone_names lists them."));
        }
        // A name without a slash may be an abbreviation, which the server knows by other rules.
        let rules = match CString::new(name) {
            // SAFETY: the name ends with a zero byte; the zone it gives is kept as long as the session lives.
            Ok(name) if name.as_bytes().contains(&b'/') => unsafe { pg_sys::pg_tzset(name.as_ptr()) },
            _ => std::ptr::null_mut(),
        };
        Ok(Self {
            name: name.to_vec(),
            text,
            rules,
            offset: 0,
            since: 0,
            until: 0,
        })
    }

    /// A zone whose rules are known, for [`Zone::stretch`] alone.
    pub fn of_rules(rules: *mut pg_sys::pg_tz) -> Self {
        Self {
            name: Vec::new(),
            text: Box::default(),
            rules,
            offset: 0,
            since: 0,
            until: 0,
        }
    }

    /// The stretch around a finite time in which the clock is not changed, its end not included; `None` where none is known.
    pub fn stretch(&mut self, time: i64) -> Option<(i64, i64)> {
        let known = (self.since..self.until).contains(&time) || self.look_up(time);
        known.then_some((self.since, self.until))
    }

    /// Says whether this is the zone of a name.
    #[inline]
    pub fn is(&self, name: &[u8]) -> bool {
        self.name == name
    }

    /// What the clock shows at a finite time.
    #[inline]
    pub fn local(&mut self, time: i64) -> i64 {
        if !(self.since..self.until).contains(&time) && !self.look_up(time) {
            return clock(&self.text, time);
        }
        time.saturating_add(self.offset)
    }

    /// The time at which the clock shows this; where it shows it never or twice, as PostgreSQL chooses.
    #[inline]
    pub fn instant(&self, local: i64) -> i64 {
        let time = local.saturating_sub(self.offset);
        if time.saturating_sub(MARGIN) >= self.since && time.saturating_add(MARGIN) < self.until {
            return time;
        }
        server(pg_sys::timestamp_zone, &self.text, local)
    }

    /// Finds the stretch without a change of the clock that holds a time; false where there is none to be found.
    #[cold]
    fn look_up(&mut self, time: i64) -> bool {
        if self.rules.is_null() {
            return false;
        }
        let mut since = time.saturating_sub(BEHIND);
        loop {
            let seconds = since.div_euclid(SECOND).saturating_add(EPOCH_SECONDS);
            // Of changes that repeat every 400 years the server takes one for the last if it is asked for just that second.
            let next = match self.next_change(seconds) {
                Some((_, None)) => self.next_change(seconds.saturating_add(1)),
                next => next,
            };
            let Some((offset, change)) = next else {
                return false;
            };
            let until = change.map_or(i64::MAX, |change| {
                change.saturating_sub(EPOCH_SECONDS).saturating_mul(SECOND)
            });
            if time < until {
                (self.offset, self.since, self.until) = (offset * SECOND, since, until);
                return true;
            }
            since = until;
        }
    }

    /// The offset at a time and the next change of the clock after it, in seconds since 1970.
    fn next_change(&self, seconds: i64) -> Option<(i64, Option<i64>)> {
        let (mut offset, mut offset_after, mut summer, mut summer_after) = (0, 0, 0, 0);
        let mut change = 0;
        // SAFETY: all pointers are to variables of this function, and the caller checked that rules is not null.
        let found = unsafe {
            pg_sys::pg_next_dst_boundary(
                &raw const seconds,
                &raw mut offset,
                &raw mut summer,
                &raw mut change,
                &raw mut offset_after,
                &raw mut summer_after,
                self.rules,
            )
        };
        match found {
            1 => Some((offset, Some(change))),
            0 => Some((offset, None)),
            _ => None,
        }
    }
}

/// What `AT TIME ZONE` says.
fn clock(zone: &[u32], time: i64) -> i64 {
    server(pg_sys::timestamptz_zone, zone, time)
}

/// Calls a function of the server that takes a text and a time, and returns a time.
fn server(function: unsafe fn(pg_sys::FunctionCallInfo) -> pg_sys::Datum, zone: &[u32], time: i64) -> i64 {
    let arguments = [
        Some(pg_sys::Datum::from(zone.as_ptr())),
        Some(pg_sys::Datum::from(time)),
    ];
    // SAFETY: the arguments are of the types that the function declares, and it never returns NULL.
    let result = unsafe { pgrx::direct_function_call_as_datum(function, &arguments) };
    result.map_or(time, |datum| datum.value() as i64)
}

/// The name as a text, in memory of its own that is aligned as one has to be.
fn text(name: &[u8]) -> Box<[u32]> {
    let size = name.len() + pg_sys::VARHDRSZ;
    let mut words = vec![0u32; size.div_ceil(size_of::<u32>())].into_boxed_slice();
    // SAFETY: the words are at least as long as header and name together.
    unsafe {
        pgrx::set_varsize_4b(words.as_mut_ptr().cast(), size as i32);
        let content = words.as_mut_ptr().cast::<u8>().add(pg_sys::VARHDRSZ);
        std::ptr::copy_nonoverlapping(name.as_ptr(), content, name.len());
    }
    words
}
