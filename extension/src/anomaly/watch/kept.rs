//! How a watch keeps a detector: as it was some points ago, and the points since.
//!
//! A detector has a few KB, and a batch brings it a few points. Writing down the points is a small new version of a row on the
//! page of the old one; the detector itself lies beside the table and is written again when enough points have gathered. Whoever
//! has no copy of it in memory observes those points once more, which gives the same detector.

use std::cell::RefCell;
use std::collections::HashMap;

use kpi_anomaly::Detector;
use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::aggregates::call::{Call, Returned, sql_functions};
use crate::anomaly::detector::{DetectorDatum, detector, returned};
use crate::error::Error;
use crate::spi::Row;

sql_functions! {
    kpi_watched_detector, pg_finfo_kpi_watched_detector: watched_detector;
}

/// Bytes of points that gather before the detector itself is written again: what fits into a row with its key. Points at a steady
/// pace have nine bytes.
const GATHERED: usize = 1600;
/// Detectors that a session remembers: some 10 KB each.
const REMEMBERED: usize = 1000;

thread_local! {
    static MEMORY: RefCell<HashMap<(i32, String), (i64, Detector)>> = RefCell::new(HashMap::new());
}

/// The detector of a key, with the points that its row holds beside it.
pub struct Kept {
    pub detector: Detector,
    /// Where the row is.
    pub place: pg_sys::ItemPointerData,
    recent: Vec<u8>,
}

impl Kept {
    /// Reads a row of kpi.watched, whose columns from the one given on are ctid, recent, stamp and detector. Of a detector that is
    /// remembered only the points are read: they may be written once more.
    pub fn read(row: &Row, first: i32, watch: i32, key: &str) -> Result<Option<Self>, Error> {
        let Some(place) = row.get::<pg_sys::ItemPointerData>(first) else {
            return Ok(None);
        };
        let recent: Vec<u8> = row.get(first + 1).unwrap_or_default();
        let stamp: i64 = row.get(first + 2).unwrap_or_default();
        let detector = match recall(watch, key, stamp) {
            Some(detector) => detector,
            None => {
                let Some(DetectorDatum(mut detector)) = row.get::<DetectorDatum>(first + 3) else {
                    return Ok(None);
                };
                catch_up(&mut detector, &recent)?;
                detector
            }
        };
        Ok(Some(Self {
            detector,
            place,
            recent,
        }))
    }

    /// Notes points that the detector has observed. Returns the bytes of those to be written, or `None` where the detector itself
    /// is to be written, without points.
    pub fn note(&mut self, points: &[(i64, f64)]) -> Result<Option<Vec<u8>>, Error> {
        if self.recent.len() + 9 * points.len() > GATHERED {
            return Ok(None);
        }
        let mut pace = Pace::default();
        let mut rest = self.recent.as_slice();
        while !rest.is_empty() {
            pace.read(&mut rest).ok_or_else(|| torn(&self.recent))?;
        }
        for (time, value) in points {
            pace.write(*time, *value, &mut self.recent);
        }
        Ok((self.recent.len() <= GATHERED).then(|| std::mem::take(&mut self.recent)))
    }
}

/// The time of a point and the steps to it: what the next point is counted from.
#[derive(Default)]
struct Pace {
    time: i64,
    step: i64,
}

impl Pace {
    /// Appends a point: by how much the step to it differs from the one before, seven bits to a byte, and its value.
    fn write(&mut self, time: i64, value: f64, bytes: &mut Vec<u8>) {
        let step = time.wrapping_sub(self.time);
        let change = step.wrapping_sub(self.step);
        // The sign goes to the end, so that small changes are short.
        let mut left = ((change << 1) ^ (change >> 63)) as u64;
        while left >= 0x80 {
            bytes.push(left as u8 | 0x80);
            left >>= 7;
        }
        bytes.push(left as u8);
        bytes.extend(value.to_le_bytes());
        *self = Self { time, step };
    }

    /// Takes a point from the front; `None` where the bytes end within it.
    fn read(&mut self, bytes: &mut &[u8]) -> Option<(i64, f64)> {
        let (mut coded, mut shift) = (0_u64, 0);
        loop {
            let (byte, rest) = bytes.split_first()?;
            *bytes = rest;
            coded |= u64::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if *byte < 0x80 {
                break;
            }
        }
        let (value, rest) = bytes.split_first_chunk::<8>()?;
        *bytes = rest;
        let change = (coded >> 1) as i64 ^ -((coded & 1) as i64);
        self.step = self.step.wrapping_add(change);
        self.time = self.time.wrapping_add(self.step);
        Some((self.time, f64::from_le_bytes(*value)))
    }
}

fn torn(recent: &[u8]) -> Error {
    Error::new(
        PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
        "the recent points of a detector are not whole",
    )
    .detail(format!("{} bytes end within a point.", recent.len()))
    .hint("kpi.unwatch(name) and kpi.watch or kpi.watch_kpi with learn begin anew.")
}

/// Observes the points of a row.
fn catch_up(detector: &mut Detector, recent: &[u8]) -> Result<(), Error> {
    let mut pace = Pace::default();
    let mut rest = recent;
    while !rest.is_empty() {
        let (time, value) = pace.read(&mut rest).ok_or_else(|| torn(recent))?;
        detector.observe(time, value);
        // Anybody may call this with as many bytes as a value can have.
        pgrx::check_for_interrupts!();
    }
    Ok(())
}

/// A stamp is drawn anew for every batch: one that a rolled-back batch has left in memory is in no row.
pub fn stamp() -> i64 {
    let mut stamp = 0_i64;
    // SAFETY: it fills as many bytes as it is told to, and the number has as many.
    let drawn = unsafe { pg_sys::pg_strong_random((&raw mut stamp).cast(), size_of::<i64>()) };
    // 0 is the stamp of a row that nobody remembers.
    if drawn { stamp } else { 0 }
}

/// The detector that this session has written with the stamp. It is taken out: whoever recalls it changes it.
fn recall(watch: i32, key: &str, stamp: i64) -> Option<Detector> {
    let (remembered, detector) = MEMORY.with_borrow_mut(|memory| memory.remove(&(watch, key.to_string())))?;
    (remembered == stamp && stamp != 0).then_some(detector)
}

/// Remembers a detector that is written with a stamp.
pub fn remember(watch: i32, key: String, stamp: i64, detector: Detector) {
    MEMORY.with_borrow_mut(|memory| {
        if memory.len() >= REMEMBERED {
            memory.clear();
        }
        memory.insert((watch, key), (stamp, detector));
    });
}

/// `kpi._watched_detector(detector, recent)`: the detector with the points observed.
fn watched_detector(call: &Call) -> Returned {
    let Some(mut detector) = detector(call, 0)? else {
        return Ok(None);
    };
    catch_up(&mut detector, call.bytes(1).unwrap_or_default())?;
    Ok(Some(returned(&detector)))
}
