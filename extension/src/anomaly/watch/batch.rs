//! A batch of points, many to a key: takes the detectors of its keys, scores, and writes both back.

use kpi_anomaly::detector::{Detector, Observation, Settings};
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::Watch;
use super::kept::{self, Kept};
use crate::anomaly::detector::DetectorDatum;
use crate::error::Error;
use crate::forecast::timestamp;
use crate::identity;
use crate::spi::{self, Mode, arg};

/// The points of one key.
pub struct Group {
    /// The key as the text of a JSON object.
    pub key: String,
    /// Times (microseconds since 2000) and values; NaN where there is none.
    pub points: Vec<(i64, f64)>,
}

/// Scores that are to be written down, one vector per column.
#[derive(Default)]
struct Scores {
    key: Vec<String>,
    ts: Vec<TimestampWithTimeZone>,
    value: Vec<Option<f64>>,
    expected: Vec<Option<f64>>,
    lower: Vec<Option<f64>>,
    upper: Vec<Option<f64>>,
    score: Vec<Option<f64>>,
    is_anomaly: Vec<bool>,
    kind: Vec<Option<String>>,
    reason: Vec<Option<String>>,
}

impl Scores {
    fn add(&mut self, key: &str, time: i64, value: f64, observation: &Observation) {
        self.key.push(key.to_string());
        self.ts.push(timestamp(time));
        self.value.push(value.is_finite().then_some(value));
        self.expected.push(observation.expected);
        self.lower.push(observation.lower);
        self.upper.push(observation.upper);
        self.score.push(observation.score);
        self.is_anomaly.push(observation.is_anomaly);
        self.kind
            .push(observation.kind.map(|kind| kind.name().to_string()));
        self.reason.push(observation.reason(value));
    }

    /// Returns how many there were.
    fn write(self, watch: &Watch) -> Result<u64, Error> {
        let count = self.key.len() as u64;
        if count == 0 {
            return Ok(0);
        }
        spi::query_kept(
            Mode::Write,
            "INSERT INTO kpi.anomaly (watch_id, watch, key, ts, value, expected, lower, upper, score, is_anomaly, kind, reason) \
             SELECT $1, $2, u.key::jsonb, u.ts, u.value, u.expected, u.lower, u.upper, u.score, u.is_anomaly, u.kind, u.reason \
             FROM unnest($3::text[], $4::timestamptz[], $5::float8[], $6::float8[], $7::float8[], $8::float8[], $9::float8[], $10::bool[], \
                         $11::text[], $12::text[]) u (key, ts, value, expected, lower, upper, score, is_anomaly, kind, reason)",
            &[
                arg(watch.id),
                arg(watch.name.as_str()),
                arg(self.key),
                arg(self.ts),
                arg(self.value),
                arg(self.expected),
                arg(self.lower),
                arg(self.upper),
                arg(self.score),
                arg(self.is_anomaly),
                arg(self.kind),
                arg(self.reason),
            ],
            |_| Ok(()),
        )?;
        Ok(count)
    }
}

/// What goes back into the rows of kpi.watched: points for most of them, whole detectors for some.
///
/// The rows are locked, so they are where they were found.
#[derive(Default)]
struct Written {
    place: Vec<pg_sys::ItemPointerData>,
    recent: Vec<Vec<u8>>,
    whole_place: Vec<pg_sys::ItemPointerData>,
    whole: Vec<DetectorDatum>,
}

impl Written {
    fn write(self, stamp: i64) -> Result<(), Error> {
        if !self.recent.is_empty() {
            spi::query_kept(
                Mode::Write,
                "UPDATE kpi.watched w SET recent = u.recent, stamp = $3 FROM unnest($1::tid[], $2::bytea[]) u (place, recent) \
                 WHERE w.ctid = u.place",
                &[arg(self.place), arg(self.recent), arg(stamp)],
                |_| Ok(()),
            )?;
        }
        if !self.whole.is_empty() {
            spi::query_kept(
                Mode::Write,
                "UPDATE kpi.watched w SET detector = u.detector, recent = '', stamp = $3 \
                 FROM unnest($1::tid[], $2::kpi.detector[]) u (place, detector) WHERE w.ctid = u.place",
                &[arg(self.whole_place), arg(self.whole), arg(stamp)],
                |_| Ok(()),
            )?;
        }
        Ok(())
    }
}

/// Whether a batch is scored, or only learned from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Score,
    Learn,
}

/// Observes a batch, in the order of time within each key; called as the owner of the extension. Returns how many scores were
/// written down.
///
/// The rows of the detectors are locked in the order of their keys, so two writers of the same keys wait for each other and do
/// not deadlock; what the second one writes is scored with what the first one's rows have taught.
pub fn observe(watch: &Watch, mut groups: Vec<Group>, purpose: Purpose) -> Result<u64, Error> {
    if groups.is_empty() {
        return Ok(0);
    }
    // Plans are kept from when the table was small: whatever it has grown to since, a few detectors are found by their keys.
    for (setting, value) in [
        ("enable_seqscan", "off"),
        ("enable_bitmapscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("plan_cache_mode", "force_generic_plan"),
    ] {
        identity::set(setting, value)?;
    }
    let keys: Vec<String> = groups.iter().map(|group| group.key.clone()).collect();
    let mut detectors = take(watch, &keys)?;
    let missing: Vec<String> = detectors
        .iter()
        .zip(&keys)
        .filter(|(detector, _)| detector.is_none())
        .map(|(_, key)| key.clone())
        .collect();
    if !missing.is_empty() {
        begin(watch, &missing)?;
        detectors = take(watch, &keys)?;
    }
    let mut scores = Scores::default();
    let mut written = Written::default();
    let stamp = kept::stamp();
    for (group, kept) in groups.iter_mut().zip(detectors) {
        // A watch that has been ended meanwhile keeps nothing.
        let Some(mut kept) = kept else {
            continue;
        };
        group.points.sort_by_key(|(time, _)| *time);
        for (time, value) in &group.points {
            let observation = kept.detector.observe(*time, *value);
            let noteworthy =
                observation.is_anomaly || observation.score.is_some_and(|score| score >= watch.min_score);
            if noteworthy && purpose == Purpose::Score {
                scores.add(&group.key, *time, *value, &observation);
            }
        }
        match kept.note(&group.points)? {
            Some(recent) => {
                written.place.push(kept.place);
                written.recent.push(recent);
            }
            None => {
                written.whole_place.push(kept.place);
                written.whole.push(DetectorDatum(kept.detector.clone()));
            }
        }
        kept::remember(watch.id, std::mem::take(&mut group.key), stamp, kept.detector);
        pgrx::check_for_interrupts!();
    }
    written.write(stamp)?;
    scores.write(watch)
}

/// The detectors of keys, locked; `None` for a key that has none yet.
fn take(watch: &Watch, keys: &[String]) -> Result<Vec<Option<Kept>>, Error> {
    let mut detectors: Vec<Option<Kept>> = keys.iter().map(|_| None).collect();
    spi::query_kept(
        Mode::Write,
        "SELECT k.nth, w.place, w.recent, w.stamp, w.detector \
         FROM (SELECT key::jsonb, nth FROM unnest($2::text[]) WITH ORDINALITY k (key, nth) ORDER BY 1) k, \
              LATERAL (SELECT w.ctid AS place, w.recent, w.stamp, w.detector FROM kpi.watched w \
                       WHERE w.watch_id = $1 AND w.key = k.key FOR NO KEY UPDATE) w",
        &[arg(watch.id), arg(keys.to_vec())],
        |row| {
            let at = row.get::<i64>(1).and_then(|nth| usize::try_from(nth - 1).ok());
            if let Some((key, slot)) = at.and_then(|at| Some((keys.get(at)?, detectors.get_mut(at)?))) {
                *slot = Kept::read(row, 2, watch.id, key)?;
            }
            Ok(())
        },
    )?;
    Ok(detectors)
}

/// Detectors that know nothing yet, for keys that come up for the first time. Another writer may be there first, and is waited for.
fn begin(watch: &Watch, keys: &[String]) -> Result<(), Error> {
    let settings: Settings = watch.settings.clone();
    spi::query_kept(
        Mode::Write,
        "INSERT INTO kpi.watched (watch_id, key, detector) SELECT $1, k.key::jsonb, $3 FROM unnest($2::text[]) k (key) ORDER BY k.key::jsonb ON CONFLICT DO NOTHING",
        &[
            arg(watch.id),
            arg(keys.to_vec()),
            arg(DetectorDatum(Detector::new(settings)?)),
        ],
        |_| Ok(()),
    )?;
    Ok(())
}
