//! Times and spans as one writes them.

use crate::timestamp;

/// A time as PostgreSQL writes it; without a time of day it is midnight, without a zone it is UTC.
pub(super) fn time(text: &str) -> Option<i64> {
    let text = text.trim();
    let text = text.strip_suffix("UTC").map_or(text, str::trim_end);
    let forms = ["", "Z", ":00Z", " 00:00:00Z", ":00"];
    let found = forms
        .iter()
        .find_map(|form| timestamp::parse(&format!("{text}{form}")));
    // '01:00+01': seconds missing in front of the zone.
    found.or_else(|| {
        let zone = text.rfind(['+', '-', 'Z'])?;
        let (clock, zone) = text.split_at_checked(zone)?;
        timestamp::parse(&format!("{clock}:00{zone}"))
            .or_else(|| timestamp::parse(&format!("{clock}:00{zone}:00")))
    })
}

/// Numbers with units, and a time of day: `1 day 02:30:00`. A day has 24 hours; months have no fixed length.
pub(super) fn span(text: &str) -> Option<i64> {
    const SECOND: f64 = 1e6;
    let mut micros = 0.0;
    let mut words = text.split_whitespace().peekable();
    words.peek()?;
    while let Some(word) = words.next() {
        if word.contains(':') {
            let mut unit = 3600.0 * SECOND;
            let (sign, clock) = word.strip_prefix('-').map_or((1.0, word), |rest| (-1.0, rest));
            for part in clock.split(':') {
                micros += sign * part.parse::<f64>().ok()? * unit;
                unit /= 60.0;
            }
            continue;
        }
        let end = word.find(|c: char| c.is_alphabetic()).unwrap_or(word.len());
        let (number, unit) = word.split_at_checked(end)?;
        let unit = if unit.is_empty() { words.next()? } else { unit };
        let unit = match unit.to_ascii_lowercase().as_str() {
            "us" | "microsecond" | "microseconds" => 1.0,
            "ms" | "millisecond" | "milliseconds" => 1e3,
            "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
            "m" | "min" | "mins" | "minute" | "minutes" => 60.0 * SECOND,
            "h" | "hour" | "hours" => 3600.0 * SECOND,
            "d" | "day" | "days" => 86_400.0 * SECOND,
            "w" | "week" | "weeks" => 604_800.0 * SECOND,
            _ => return None,
        };
        micros += number.parse::<f64>().ok()? * unit;
    }
    (micros.abs() < 1e18).then_some(micros.round() as i64)
}
