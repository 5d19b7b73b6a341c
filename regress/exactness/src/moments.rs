//! Random moments, most of them where calendars are hard: clock changes, midnights, ends of years, infinity.

use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, ToSpan};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

/// The type of a source's time column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeType {
    /// An instant.
    TimestampTz,
    /// A local time of the source's zone.
    Timestamp,
    /// A day of the source's zone.
    Date,
}

impl TimeType {
    /// The SQL name.
    pub fn sql(self) -> &'static str {
        match self {
            Self::TimestampTz => "timestamptz",
            Self::Timestamp => "timestamp",
            Self::Date => "date",
        }
    }
}

/// Clock changes and turns of periods, in UTC: around these most rows fall.
const HARD: [&str; 8] = [
    "2025-03-30T01:00:00Z", // Berlin goes forward
    "2025-10-26T01:00:00Z", // Berlin goes back
    "2025-04-05T15:00:00Z", // Lord Howe goes back, by half an hour
    "2025-10-04T15:30:00Z", // Lord Howe goes forward
    "2024-12-31T18:30:00Z", // the new year in Kolkata
    "2025-01-01T00:00:00Z",
    "2024-02-29T12:00:00Z",
    "2025-06-30T22:00:00Z", // a quarter ends in Berlin
];

/// A random moment as text that `kind` reads, or `None` for NULL.
///
/// Of a hundred, about 4 are NULL, infinite or centuries away, 55 within two hours of a hard one, the rest wider.
pub fn random(rng: &mut StdRng, kind: TimeType, nullable: bool) -> Option<String> {
    match rng.random_range(0..100) {
        0 if nullable => None,
        1 => Some("infinity".to_owned()),
        2 => Some("-infinity".to_owned()),
        3 => {
            let far = [
                "1850-06-01 11:59:40",
                "1893-04-01 00:00:30",
                "2199-12-31 23:59:59.999999",
                "0044-03-15 12:00:00 BC",
            ];
            far.choose(rng).map(|text| {
                if kind == TimeType::Date {
                    date_part(text)
                } else {
                    (*text).to_owned()
                }
            })
        }
        _ => Some(show(near(rng), kind)),
    }
}

/// A random finite moment between 2024 and 2026 as text with its offset, for `since` and `until`.
pub fn instant(rng: &mut StdRng) -> String {
    near(rng).to_string()
}

fn near(rng: &mut StdRng) -> Timestamp {
    let start: Timestamp = "2024-01-01T00:00:00Z".parse().unwrap_or(Timestamp::UNIX_EPOCH);
    let hard = HARD
        .choose(rng)
        .and_then(|text| text.parse().ok())
        .unwrap_or(start);
    let seconds = match rng.random_range(0..100) {
        0..58 => rng.random_range(-7_200..7_200),
        58..88 => rng.random_range(-3 * 86_400..3 * 86_400),
        _ => {
            return start
                .saturating_add(rng.random_range(0..730 * 86_400).seconds())
                .unwrap_or(start);
        }
    };
    let micros = if rng.random_bool(0.3) {
        rng.random_range(0..1_000_000)
    } else {
        0
    };
    // Whole minutes are where a bucket begins: a quarter of the moments are exactly there.
    let seconds = if rng.random_bool(0.25) {
        seconds - seconds % 60
    } else {
        seconds
    };
    hard.saturating_add(seconds.seconds().microseconds(micros))
        .unwrap_or(hard)
}

fn show(moment: Timestamp, kind: TimeType) -> String {
    let civil = moment.to_zoned(TimeZone::fixed(Offset::UTC)).datetime();
    match kind {
        TimeType::TimestampTz => moment.to_string(),
        TimeType::Timestamp => civil.to_string(),
        TimeType::Date => civil.date().to_string(),
    }
}

fn date_part(text: &str) -> String {
    let era = if text.ends_with("BC") { " BC" } else { "" };
    format!("{}{era}", text.split(' ').next().unwrap_or(text))
}
