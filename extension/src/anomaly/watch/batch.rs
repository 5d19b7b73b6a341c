//! A batch of points, many to a key: takes the detectors of its keys, scores, and writes both back.

use kpi_anomaly::detector::{Detector, Settings};
use pgrx::prelude::*;

use super::Watch;
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
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("plan_cache_mode", "force_generic_plan"),
    ] {
        identity::set(setting, value)?;
    }
    let keys: Vec<String> = groups.iter().map(|group| group.key.clone()).collect();
    let mut detectors = take(watch, &keys, groups.len())?;
    let missing: Vec<String> = detectors
        .iter()
        .zip(&keys)
        .filter(|(detector, _)| detector.is_none())
        .map(|(_, key)| key.clone())
        .collect();
    if !missing.is_empty() {
        begin(watch, &missing)?;
        detectors = take(watch, &keys, groups.len())?;
    }
    let mut scores = Scores::default();
    let mut written = Vec::with_capacity(groups.len());
    for (group, detector) in groups.iter_mut().zip(detectors) {
        let mut detector = match detector {
            Some(detector) => detector,
            None => Detector::new(watch.settings.clone())?,
        };
        group.points.sort_by_key(|(time, _)| *time);
        for (time, value) in &group.points {
            let observation = detector.observe(*time, *value);
            let noteworthy =
                observation.is_anomaly || observation.score.is_some_and(|score| score >= watch.min_score);
            if noteworthy && purpose == Purpose::Score {
                scores.key.push(group.key.clone());
                scores.ts.push(timestamp(*time));
                scores.value.push(value.is_finite().then_some(*value));
                scores.expected.push(observation.expected);
                scores.lower.push(observation.lower);
                scores.upper.push(observation.upper);
                scores.score.push(observation.score);
                scores.is_anomaly.push(observation.is_anomaly);
                scores
                    .kind
                    .push(observation.kind.map(|kind| kind.name().to_string()));
                scores.reason.push(observation.reason(*value));
            }
        }
        written.push(DetectorDatum(detector));
        pgrx::check_for_interrupts!();
    }
    spi::query_kept(
        Mode::Write,
        "UPDATE kpi.watched w SET detector = u.detector FROM unnest($2::text[], $3::kpi.detector[]) u (key, detector) \
         WHERE w.watch_id = $1 AND w.key = u.key::jsonb",
        &[arg(watch.id), arg(keys), arg(written)],
        |_| Ok(()),
    )?;
    if scores.key.is_empty() {
        return Ok(0);
    }
    let count = scores.key.len() as u64;
    spi::query_kept(
        Mode::Write,
        "INSERT INTO kpi.anomaly (watch_id, watch, key, ts, value, expected, lower, upper, score, is_anomaly, kind, reason) \
         SELECT $1, $2, u.key::jsonb, u.ts, u.value, u.expected, u.lower, u.upper, u.score, u.is_anomaly, u.kind, u.reason \
         FROM unnest($3::text[], $4::timestamptz[], $5::float8[], $6::float8[], $7::float8[], $8::float8[], $9::float8[], $10::bool[], $11::text[], \
                     $12::text[]) u (key, ts, value, expected, lower, upper, score, is_anomaly, kind, reason)",
        &[
            arg(watch.id),
            arg(watch.name.as_str()),
            arg(scores.key),
            arg(scores.ts),
            arg(scores.value),
            arg(scores.expected),
            arg(scores.lower),
            arg(scores.upper),
            arg(scores.score),
            arg(scores.is_anomaly),
            arg(scores.kind),
            arg(scores.reason),
        ],
        |_| Ok(()),
    )?;
    Ok(count)
}

/// The detectors of keys, locked; `None` for a key that has none yet.
fn take(watch: &Watch, keys: &[String], count: usize) -> Result<Vec<Option<Detector>>, Error> {
    let mut detectors: Vec<Option<Detector>> = (0..count).map(|_| None).collect();
    let found = spi::query_kept(
        Mode::Write,
        "SELECT k.place, w.detector FROM unnest($2::text[]) WITH ORDINALITY k (key, place) \
         JOIN kpi.watched w ON w.watch_id = $1 AND w.key = k.key::jsonb ORDER BY w.key FOR NO KEY UPDATE OF w",
        &[arg(watch.id), arg(keys.to_vec())],
        |row| Ok((row.get::<i64>(1).unwrap_or_default(), row.get::<DetectorDatum>(2))),
    )?;
    for (place, detector) in found {
        if let Some(slot) = usize::try_from(place - 1)
            .ok()
            .and_then(|at| detectors.get_mut(at))
        {
            *slot = detector.map(|detector| detector.0);
        }
    }
    Ok(detectors)
}

/// Detectors that know nothing yet, for keys that come up for the first time. Another writer may be there first, and is waited for.
fn begin(watch: &Watch, keys: &[String]) -> Result<(), Error> {
    let settings: Settings = watch.settings.clone();
    spi::query_kept(
        Mode::Write,
        "INSERT INTO kpi.watched SELECT $1, k.key::jsonb, $3 FROM unnest($2::text[]) k (key) ORDER BY k.key::jsonb ON CONFLICT DO NOTHING",
        &[
            arg(watch.id),
            arg(keys.to_vec()),
            arg(DetectorDatum(Detector::new(settings)?)),
        ],
        |_| Ok(()),
    )?;
    Ok(())
}
